#include "service/state/reply.h"

#include "service/state/state.h"
#include "service/state/stored_decision.h"

void lf_send_no_memory(struct lf_rpc_call *call)
{
	struct lf_error error = LF_ERROR_INIT;

	lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "the answer does not fit a message, or memory ran out");
	lf_send_error(call, &error);
}

void lf_send_error(struct lf_rpc_call *call, struct lf_error *error)
{
	lf_rpc_fail(call, error);
	lf_error_clean_up(error);
}

bool lf_is_awaited(void *call)
{
	return !lf_rpc_expired(call);
}

void lf_answer_stored(struct lf_state *state, const struct lf_uuid *id, struct lf_rpc_call *call)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_stored_decision stored;

	if (lf_stored_decision_read(&stored, state->log, state->registry, id, lf_rpc_arena(call), &error) != LF_OK)
		lf_send_error(call, &error);
	else if (!lf_rpc_stage(call, &stored.decision->base))
		lf_send_no_memory(call);
	else
		lf_rpc_send(call); /* packed: it borrows no more */
	lf_stored_decision_clean_up(&stored);
}
