/* What became of rubrics: who made which version active, and which rubric the default, when. */
#include <string.h>

#include "proto/base/check.h"
#include "proto/base/limits.h"
#include "service/decide/time.h"
#include "service/rubrics_api/rubric_messages.h"
#include "service/rubrics_api/rubrics.h"
#include "service/state/default_rubric.h"
#include "service/state/reply.h"
#include "service/state/state.h"

struct history {
	Leadfit__V1__RubricHistoryResponse response;
	const char *name; /* "" = any */
	struct lf_arena *arena;
	size_t defaults; /* changes of the default that fit; the newest of them are told */
	bool exhausted;
};

static void note_activation(void *context, const struct lf_activation_row *row)
{
	struct history *history = context;
	Leadfit__V1__Activation *message = lf_arena_alloc(history->arena, sizeof(*message));

	if (message == NULL) {
		history->exhausted = true;
		return;
	}
	leadfit__v1__activation__init(message);
	message->activated_at = lf_timestamp_new(row->activated_at_us, history->arena);
	message->activated_by = lf_arena_strdup(history->arena, row->caller, strlen(row->caller));
	if (row->has_to)
		message->to = lf_rubric_ref_new(row->name, &row->to, history->arena);
	if (row->had_from)
		message->from = lf_rubric_ref_new(row->name, &row->from, history->arena);
	history->exhausted |= message->activated_at == NULL || message->activated_by == NULL ||
		(row->has_to && message->to == NULL) || (row->had_from && message->from == NULL);
	LF_CHECK(H10, history->response.n_activations < LF_ACTIVATIONS_MAX);
	history->response.activations[history->response.n_activations++] = message;
}

static char *copy(struct history *history, const char *text)
{
	char *copied = lf_arena_strdup(history->arena, text, strlen(text));

	history->exhausted |= copied == NULL;
	return copied;
}

static bool fits(const struct history *history, const struct lf_default_change *change)
{
	return *history->name == '\0' || strcmp(history->name, change->from) == 0 ||
		strcmp(history->name, change->to) == 0;
}

static void count_default(void *context, const struct lf_default_change *change)
{
	struct history *history = context;

	history->defaults += fits(history, change);
}

/* They come oldest first: from the end of the array, which has room for the newest. */
static void note_default(void *context, const struct lf_default_change *change)
{
	struct history *history = context;
	Leadfit__V1__DefaultChange *message;

	if (!fits(history, change) || history->defaults == 0 || history->defaults-- > history->response.n_defaults)
		return;
	message = lf_arena_alloc(history->arena, sizeof(*message));
	if (message == NULL) {
		history->exhausted = true;
		return;
	}
	leadfit__v1__default_change__init(message);
	message->changed_at = lf_timestamp_new(change->at_us, history->arena);
	message->changed_by = copy(history, change->caller);
	message->from = copy(history, change->from);
	message->to = copy(history, change->to);
	history->exhausted |= message->changed_at == NULL;
	history->response.defaults[history->defaults] = message;
}

/* Counted first, as only the newest are told. One that comes in between is told by the next call. */
static enum lf_code note_defaults(struct history *history, struct lf_log *log, struct lf_error *error)
{
	if (lf_default_rubric_list(log, count_default, history, error) != LF_OK)
		return error->code;
	history->response.n_defaults = history->defaults < LF_ACTIVATIONS_MAX ? history->defaults : LF_ACTIVATIONS_MAX;
	return lf_default_rubric_list(log, note_default, history, error);
}

void lf_rubrics_history(Leadfit__V1__Rubrics_Service *service, const Leadfit__V1__RubricHistoryRequest *request,
	Leadfit__V1__RubricHistoryResponse_Closure closure, void *closure_data)
{
	struct lf_state *state = LF_CONTAINER_OF(service, struct lf_rubrics_service, base)->state;
	struct history history = {.response = LEADFIT__V1__RUBRIC_HISTORY_RESPONSE__INIT,
		.name = request->name,
		.arena = lf_rpc_arena(closure_data)};
	struct lf_error error = LF_ERROR_INIT;

	history.response.activations =
		lf_arena_zalloc(history.arena, LF_ACTIVATIONS_MAX, sizeof(*history.response.activations));
	history.response.defaults =
		lf_arena_zalloc(history.arena, LF_ACTIVATIONS_MAX, sizeof(*history.response.defaults));
	if (history.response.activations == NULL || history.response.defaults == NULL)
		lf_send_no_memory(closure_data);
	else if (lf_log_list_activations(state->log, request->name, note_activation, &history, &error) != LF_OK ||
		note_defaults(&history, state->log, &error) != LF_OK)
		lf_send_error(closure_data, &error);
	else if (history.exhausted)
		lf_send_no_memory(closure_data);
	else
		closure(&history.response, closure_data);
}
