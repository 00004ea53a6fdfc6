#include "service/state/state.h"

#include <string.h>

#include "proto/base/check.h"
#include "proto/base/forget.h"
#include "service/rpc/rpc.h"
#include "service/state/finisher.h"
#include "service/state/team_cache.h"

enum lf_code lf_state_init(
	struct lf_state *state, struct lf_log *log, struct lf_registry *registry, struct lf_error *error)
{
	enum lf_code code;

	memset(state, 0, sizeof(*state));
	lf_figures_init(&state->figures);
	state->log = log;
	state->registry = registry;
	atomic_init(&state->draining, false);
	atomic_init(&state->redacting, false);
	code = lf_finisher_new(&state->finisher, error);
	if (code == LF_OK)
		code = lf_finisher_new(&state->chores, error);
	if (code != LF_OK) {
		lf_finisher_destroy(state->finisher);
		state->finisher = NULL;
		lf_figures_clean_up(&state->figures);
	}
	return code;
}

void lf_state_end_chores(struct lf_state *state)
{
	atomic_store(&state->draining, true);
	lf_finisher_destroy(state->chores);
	state->chores = NULL;
}

void lf_state_forget(struct lf_state *state)
{
	lf_forget();
	lf_team_cache_clear(state->teams);
	if (state->server != NULL)
		lf_rpc_forget(state->server);
	lf_finisher_wake(state->finisher);
}

void lf_state_clean_up(struct lf_state *state)
{
	LF_CHECK(H4, state->chores == NULL);
	LF_CHECK(H3, !atomic_load(&state->redacting));
	lf_finisher_destroy(state->finisher);
	state->finisher = NULL;
	lf_figures_clean_up(&state->figures);
}
