#include "service/daemon/services.h"

void lf_daemon_services_init(struct lf_daemon_services *services, struct lf_state *state)
{
	lf_scoring_init(&services->scoring, state);
	lf_decisions_init(&services->decisions, state);
	lf_rubrics_init(&services->rubrics, state);
	lf_audit_init(&services->audit, state);
	lf_keeping_init(&services->keeping, state);
	lf_jobs_service_init(&services->jobs, &services->keeping);
	lf_metrics_init(&services->metrics);
	lf_health_init(&services->health, state);
	lf_describe_init(&services->describe);
	lf_reflection_init(&services->reflection);
	lf_reflection_alpha_init(&services->reflection_alpha);
}

/* What a caller needs for a service (method NULL), or for one method of a service that was added before. */
struct access {
	ProtobufCService *service;
	const char *method;
	unsigned role; /* 0 = none */
};

static enum lf_code add(struct lf_rpc_server *server, const struct access *access, struct lf_error *error)
{
	return access->method == NULL
		? lf_rpc_server_add(server, access->service, access->role, error)
		: lf_rpc_server_require(server, access->service, access->method, access->role, error);
}

enum lf_code lf_daemon_services_add(
	struct lf_daemon_services *services, struct lf_rpc_server *server, struct lf_error *error)
{
	ProtobufCService *decisions = &services->decisions.base.base, *rubrics = &services->rubrics.base.base;
	const struct access table[] = {
		{&services->scoring.base.base, NULL, LF_ROLE_SCORE},
		{decisions, NULL, LF_ROLE_READ},
		{decisions, "RecordOutcome", LF_ROLE_SCORE},
		{&services->audit.base.base, NULL, LF_ROLE_READ},
		{&services->keeping.base.base, NULL, LF_ROLE_ADMIN},
		{&services->jobs.base.base, NULL, LF_ROLE_ADMIN},
		{rubrics, NULL, LF_ROLE_READ},
		{rubrics, "Put", LF_ROLE_RUBRIC},
		{rubrics, "Activate", LF_ROLE_RUBRIC},
		{rubrics, "Deactivate", LF_ROLE_RUBRIC},
		{rubrics, "SetDefault", LF_ROLE_RUBRIC},
		{&services->metrics.base.base, NULL, LF_ROLE_READ},
		{&services->describe.base, NULL, 0},
		{&services->reflection.base, NULL, 0},
		{&services->reflection_alpha.base, NULL, 0},
		{&services->health.base.base, NULL, 0},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const enum lf_code code = add(server, &table[i], error);

		if (code != LF_OK)
			return code;
	}
	lf_rpc_server_set_quick(server, "leadfit.v1.Scoring/Score");
	lf_rpc_server_set_urgent(server, "grpc.health.v1.Health/Check");
	/* When everything is taken is when somebody has to see it. */
	lf_rpc_server_set_urgent(server, "leadfit.v1.Metrics/Read");
	lf_rpc_server_set_open_locally(server, "leadfit.v1.Metrics/Read");
	return LF_OK;
}

enum lf_code lf_daemon_services_start(struct lf_daemon_services *services, struct lf_error *error)
{
	return lf_keeping_start(&services->keeping, error);
}

void lf_daemon_services_stop(struct lf_daemon_services *services)
{
	lf_keeping_stop(&services->keeping);
}

void lf_daemon_services_clean_up(struct lf_daemon_services *services)
{
	lf_audit_clean_up(&services->audit);
}
