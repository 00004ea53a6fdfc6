#include "service/state/core.h"

#include <string.h>

#include "service/audit/audit.h"
#include "service/keeping/keeping.h"
#include "service/state/stored_decision.h"
#include "storage/verify/verify.h"

void lf_send_reply(struct lf_rpc_call *call, const ProtobufCMessage *reply)
{
	struct lf_error error = LF_ERROR_INIT;

	if (reply != NULL && lf_rpc_stage(call, reply)) {
		lf_rpc_send(call);
		return;
	}
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

void lf_answer_stored(struct lf_core *core, const struct lf_uuid *id, struct lf_rpc_call *call)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_stored_decision stored;

	if (lf_stored_decision_read(&stored, core->log, core->registry, id, lf_rpc_arena(call), &error) == LF_OK)
		lf_send_reply(call, &stored.decision->base); /* packed there: it borrows no more */
	else
		lf_send_error(call, &error);
	lf_stored_decision_clean_up(&stored);
}

enum lf_code lf_core_init(struct lf_core *core, struct lf_log *log, struct lf_registry *registry,
	struct lf_rpc_server *server, struct lf_error *error)
{
	enum lf_code code;

	memset(core, 0, sizeof(*core));
	atomic_init(&core->verifier, NULL);
	core->log = log;
	core->registry = registry;
	atomic_init(&core->draining, false);
	atomic_init(&core->redacting, false);
	lf_scoring_init(core);
	lf_decisions_init(core);
	lf_rubrics_init(core);
	lf_audit_init(core);
	lf_keeping_init(core);
	lf_system_init(core);
	code = lf_finisher_new(&core->finisher, error);
	if (code == LF_OK)
		code = lf_finisher_new(&core->chores, error);
	if (code == LF_OK)
		code = lf_rpc_server_add(server, &core->scoring.base, LF_ROLE_SCORE, error);
	if (code == LF_OK)
		lf_rpc_server_set_quick(server, "leadfit.v1.Scoring/Score");
	if (code == LF_OK)
		code = lf_rpc_server_add(server, &core->decisions.base, LF_ROLE_READ, error);
	if (code == LF_OK)
		code = lf_rpc_server_require(server, &core->decisions.base, "RecordOutcome", LF_ROLE_SCORE, error);
	if (code == LF_OK)
		code = lf_rpc_server_add(server, &core->audit.base, LF_ROLE_READ, error);
	if (code == LF_OK)
		code = lf_rpc_server_add(server, &core->keeping.base, LF_ROLE_ADMIN, error);
	if (code == LF_OK)
		code = lf_rpc_server_add(server, &core->rubrics.base, LF_ROLE_READ, error);
	if (code == LF_OK)
		code = lf_rpc_server_require(server, &core->rubrics.base, "Put", LF_ROLE_RUBRIC, error);
	if (code == LF_OK)
		code = lf_rpc_server_require(server, &core->rubrics.base, "Activate", LF_ROLE_RUBRIC, error);
	if (code == LF_OK)
		code = lf_rpc_server_add(server, &core->describe.base, 0, error);
	if (code == LF_OK)
		code = lf_rpc_server_add(server, &core->health.base, 0, error);
	return code;
}

void lf_audit_init(struct lf_core *core)
{
	core->audit = (Leadfit__V1__Audit_Service)LEADFIT__V1__AUDIT__INIT(lf_audit_);
}

void lf_keeping_init(struct lf_core *core)
{
	core->keeping = (Leadfit__V1__Keeping_Service)LEADFIT__V1__KEEPING__INIT(lf_keeping_);
}

void lf_core_end_chores(struct lf_core *core)
{
	atomic_store(&core->draining, true);
	lf_finisher_destroy(core->chores);
	core->chores = NULL;
}

void lf_core_clean_up(struct lf_core *core)
{
	lf_verify_free(atomic_exchange(&core->verifier, NULL));
	lf_pruner_free(core->pruner);
	core->pruner = NULL;
	lf_finisher_destroy(core->finisher);
	core->finisher = NULL;
}
