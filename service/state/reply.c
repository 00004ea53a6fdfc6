#include "service/state/reply.h"

#include <stdlib.h>

#include "service/decide/decision.h"
#include "service/state/registry.h"
#include "service/state/state.h"

void lf_send_reply(struct lf_rpc_call *call, const ProtobufCMessage *reply)
{
	if (reply == NULL || !lf_rpc_stage(call, reply))
		lf_send_no_memory(call);
	else
		lf_rpc_send(call);
}

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
	Leadfit__V1__Decision *decision = NULL;
	struct lf_version *version = NULL;
	struct lf_stored *stored = NULL;

	if (lf_log_get(state->log, id, &stored, &error) == LF_OK)
		version = lf_registry_find(state->registry, &stored->rubric_digest, &error);
	if (version != NULL)
		lf_decision_restore(stored, version, lf_rpc_arena(call), &decision, &error);
	if (decision == NULL || error.code != LF_OK)
		lf_send_error(call, &error);
	else if (!lf_rpc_stage(call, &decision->base))
		lf_send_no_memory(call);
	else
		lf_rpc_send(call); /* packed: no more borrowed from the row and the version */
	lf_version_release(version);
	free(stored);
}
