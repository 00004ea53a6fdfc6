#include "service/scoring/request.h"

#include <string.h>

#include "proto/base/limits.h"
#include "proto/wire/wire.h"
#include "service/state/state.h"
#include "service/state/team_cache.h"

struct lf_team *lf_request_team(
	struct lf_rpc_call *call, Leadfit__V1__Team *message, size_t *from, struct lf_arena *arena)
{
	size_t count;
	void *const *held = lf_rpc_held(call, &count);
	struct lf_team *team = lf_held_team(held, count, message, from);

	if (team != NULL)
		return team;
	team = lf_arena_zalloc(arena, 1, sizeof(*team));
	if (team == NULL)
		return NULL;
	lf_wire_canonicalize(&message->base);
	team->message = message;
	return team;
}

void lf_request_project(Leadfit__V1__Project *project)
{
	if (project != NULL)
		lf_wire_canonicalize(&project->base);
}

enum lf_code lf_request_find_key(
	struct lf_state *state, const struct lf_append *append, struct lf_uuid *id, struct lf_error *error)
{
	struct lf_error inner = LF_ERROR_INIT;
	enum lf_code code;

	if (*append->idempotency_key == '\0' || !append->digested || strlen(append->idempotency_key) > LF_ID_BYTES_MAX)
		return LF_NOT_FOUND;
	code = lf_log_find_key(
		state->log, append->caller, append->idempotency_key, &append->request_digest, id, &inner);
	if (code != LF_OK && code != LF_NOT_FOUND)
		lf_error_move(error, &inner);
	if (code == LF_OK)
		lf_count(&state->figures.repeated);
	lf_error_clean_up(&inner);
	return code;
}

enum lf_completed lf_request_completed(struct lf_state *state, const struct lf_append *append, struct lf_error *error)
{
	if (!append->existing) {
		lf_figures_stored(&state->figures, append);
		return LF_COMPLETED_NEW;
	}
	lf_count(&state->figures.repeated);
	if (!atomic_load(&state->draining))
		return LF_COMPLETED_REPEATED;
	lf_error_set(error, LF_UNAVAILABLE, "the service is stopping: the decision is stored, retry with the same key");
	return LF_COMPLETED_TOO_LATE;
}
