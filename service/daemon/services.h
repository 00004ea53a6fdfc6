/* The daemon's services, and the RPC server that they are added to: who may call what. */
#ifndef LF_SERVICE_DAEMON_SERVICES_H
#define LF_SERVICE_DAEMON_SERVICES_H

#include "service/access/access.h"
#include "service/audit/audit.h"
#include "service/daemon/system.h"
#include "service/decisions/decisions.h"
#include "service/keeping/keeping.h"
#include "service/metrics/metrics.h"
#include "service/reflect/reflect.h"
#include "service/rpc/rpc.h"
#include "service/rubrics_api/rubrics.h"
#include "service/scoring/scoring.h"

struct lf_rpc_outcome;

/* What the log keeps of who called a method, beside what the method itself may record. */
enum lf_daemon_look {
	LF_LOOK_NONE,
	LF_LOOK_COUNTED,
	LF_LOOK_RECORDED, /* what is answered OK, by the method itself; all else is counted */
};

/* What a caller needs for a service (method NULL), or for one method of a service that came before. */
struct lf_daemon_rule {
	ProtobufCService *service;
	const char *method;
	unsigned role; /* 0: none */
	enum lf_daemon_look look;
};
enum { LF_DAEMON_RULES = 23 };

struct lf_daemon_services {
	struct lf_state *state; /* borrowed */
	struct lf_access *access;
	struct lf_daemon_rule rules[LF_DAEMON_RULES];
	struct lf_scoring_service scoring;
	struct lf_decisions_service decisions;
	struct lf_rubrics_service rubrics;
	struct lf_audit_service audit;
	struct lf_keeping_service keeping;
	struct lf_jobs_service jobs;
	struct lf_metrics_service metrics;
	struct lf_health_service health;
	Leadfit__V1__Describe_Service describe;
	Grpc__Reflection__V1__ServerReflection_Service reflection;
	Grpc__Reflection__V1alpha__ServerReflection_Service reflection_alpha;
};

/* Sets them all up over state, which is borrowed. They must not move afterwards. */
void lf_daemon_services_init(struct lf_daemon_services *services, struct lf_state *state);
/* Adds them to the server, each method with the role that it needs. Before the server listens. Borrows services. */
enum lf_code lf_daemon_services_add(
	struct lf_daemon_services *services, struct lf_rpc_server *server, struct lf_error *error);
/*
 * A call is over: counts it where it is to be. For the server's observer: any thread, never blocks. From the start until
 * the server is destroyed.
 */
void lf_daemon_services_note(struct lf_daemon_services *services, const struct lf_rpc_outcome *outcome);
/* Starts what goes on without a call: the jobs of the log, and counting who looks. When state is complete, before the server listens. */
enum lf_code lf_daemon_services_start(struct lf_daemon_services *services, struct lf_error *error);
/* Ends that, blocking as lf_keeping_stop() does. After the server has stopped, before the log is closed. */
void lf_daemon_services_stop(struct lf_daemon_services *services);
/* Frees what they keep between calls. After lf_daemon_services_stop(). */
void lf_daemon_services_clean_up(struct lf_daemon_services *services);

#endif
