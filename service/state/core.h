/* What every service of the daemon shares. */
#ifndef LF_SERVICE_STATE_CORE_H
#define LF_SERVICE_STATE_CORE_H

#include <stdatomic.h>

#include "grpc/health/v1/health.pb-c.h"
#include "leadfit/v1/audit.pb-c.h"
#include "leadfit/v1/decisions.pb-c.h"
#include "leadfit/v1/describe.pb-c.h"
#include "leadfit/v1/keeping.pb-c.h"
#include "leadfit/v1/rubrics.pb-c.h"
#include "leadfit/v1/scoring.pb-c.h"
#include "service/state/finisher.h"
#include "service/state/registry.h"
#include "service/rpc/rpc.h"
#include "storage/tlog/note.h"

struct lf_team_cache;
struct lf_verify;

/* Borrows log and registry. The services' functions find it by their own address (each service is embedded here). */
struct lf_core {
	_Atomic(struct lf_verify *) verifier; /* verify.c's, while no call has it */
	struct lf_log *log;
	struct lf_registry *registry;
	struct lf_finisher *finisher;
	/* a thread for what may take minutes, so that it holds no worker: Keeping's Backup and Vacuum */
	struct lf_finisher *chores;
	atomic_bool redacting;    /* one step of an erasure or pruning at a time */
	struct lf_pruner *pruner; /* prune.c; what it knows between steps. NULL where there is none */
	/* borrowed; set before the server listens. NULL: this service has no signing key */
	const struct lf_signer *signer;
	/* likewise; where there is a signer: what is signed must continue the newest of them */
	struct lf_checkpoints *checkpoints;
	struct lf_team_cache *teams; /* borrowed; NULL: none */
	atomic_bool draining;        /* set at the start of a shutdown: health says NOT_SERVING */
	Leadfit__V1__Scoring_Service scoring;
	Leadfit__V1__Decisions_Service decisions;
	Leadfit__V1__Rubrics_Service rubrics;
	Leadfit__V1__Audit_Service audit;
	Leadfit__V1__Keeping_Service keeping;
	Leadfit__V1__Describe_Service describe;
	Grpc__Health__V1__Health_Service health;
};

/* Sets the services up and adds them to the server. */
enum lf_code lf_core_init(struct lf_core *core, struct lf_log *log, struct lf_registry *registry,
	struct lf_rpc_server *server, struct lf_error *error);
/* After the server has stopped, and before the log is closed: ends what its thread for chores does, and that thread. */
void lf_core_end_chores(struct lf_core *core);
/* After the log has been closed. */
void lf_core_clean_up(struct lf_core *core);

/* Each file of services sets up its own. */
void lf_scoring_init(struct lf_core *core);
void lf_decisions_init(struct lf_core *core);
void lf_rubrics_init(struct lf_core *core);
void lf_audit_init(struct lf_core *core);
void lf_keeping_init(struct lf_core *core);
void lf_system_init(struct lf_core *core);

/* Answers with a stored decision, read and restored. */
void lf_answer_stored(struct lf_core *core, const struct lf_uuid *id, struct lf_rpc_call *call);
/* Stages and sends, or fails the call where that can't be done. */
void lf_send_reply(struct lf_rpc_call *call, const ProtobufCMessage *reply);
/* lf_go_on_fn of a struct lf_rpc_call: its deadline has not passed, and its peer is there. */
bool lf_is_awaited(void *call);
/* Fails the call with the error and cleans that up. */
void lf_send_error(struct lf_rpc_call *call, struct lf_error *error);

#define LF_CONTAINER_OF(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
