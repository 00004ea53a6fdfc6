#include "service/daemon/services.h"

#include <string.h>

#include "service/rpc/figures.h"
#include "service/state/state.h"

void lf_daemon_services_init(struct lf_daemon_services *services, struct lf_state *state)
{
	services->state = state;
	services->access = NULL;
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

static enum lf_code add(struct lf_rpc_server *server, const struct lf_daemon_rule *rule, struct lf_error *error)
{
	return rule->method == NULL ? lf_rpc_server_add(server, rule->service, rule->role, error)
				    : lf_rpc_server_require(server, rule->service, rule->method, rule->role, error);
}

/*
 * What is counted: reads of decisions and jobs, and acts with a record of another kind. Not: scoring and recording outcomes, whose
 * records name the caller, and what tells of no decision.
 */
static const struct lf_daemon_rule *rules_of(struct lf_daemon_services *services)
{
	ProtobufCService *decisions = &services->decisions.base.base, *audit = &services->audit.base.base,
			 *keeping = &services->keeping.base.base, *rubrics = &services->rubrics.base.base;
	const struct lf_daemon_rule rules[LF_DAEMON_RULES] = {
		{&services->scoring.base.base, NULL, LF_ROLE_SCORE, LF_LOOK_NONE},
		{decisions, NULL, LF_ROLE_READ, LF_LOOK_COUNTED},
		{decisions, "Export", LF_ROLE_READ, LF_LOOK_RECORDED},
		{decisions, "Watch", LF_ROLE_READ, LF_LOOK_RECORDED},
		{decisions, "RecordOutcome", LF_ROLE_SCORE, LF_LOOK_NONE},
		{audit, NULL, LF_ROLE_READ, LF_LOOK_COUNTED},
		{audit, "Checkpoint", LF_ROLE_READ, LF_LOOK_NONE},
		{audit, "Consistency", LF_ROLE_READ, LF_LOOK_NONE},
		{audit, "Verify", LF_ROLE_READ, LF_LOOK_NONE},
		{keeping, NULL, LF_ROLE_ADMIN, LF_LOOK_COUNTED},
		{keeping, "Backup", LF_ROLE_ADMIN, LF_LOOK_RECORDED},
		{&services->jobs.base.base, NULL, LF_ROLE_ADMIN, LF_LOOK_COUNTED},
		{rubrics, NULL, LF_ROLE_READ, LF_LOOK_NONE},
		{rubrics, "Put", LF_ROLE_RUBRIC, LF_LOOK_COUNTED},
		{rubrics, "Activate", LF_ROLE_RUBRIC, LF_LOOK_COUNTED},
		{rubrics, "Deactivate", LF_ROLE_RUBRIC, LF_LOOK_COUNTED},
		{rubrics, "SetDefault", LF_ROLE_RUBRIC, LF_LOOK_COUNTED},
		{rubrics, "Backtest", LF_ROLE_READ, LF_LOOK_COUNTED},
		{&services->metrics.base.base, NULL, LF_ROLE_READ, LF_LOOK_NONE},
		{&services->describe.base, NULL, 0, LF_LOOK_NONE},
		{&services->reflection.base, NULL, 0, LF_LOOK_NONE},
		{&services->reflection_alpha.base, NULL, 0, LF_LOOK_NONE},
		{&services->health.base.base, NULL, 0, LF_LOOK_NONE},
	};

	memcpy(services->rules, rules, sizeof(rules));
	return services->rules;
}

enum lf_code lf_daemon_services_add(
	struct lf_daemon_services *services, struct lf_rpc_server *server, struct lf_error *error)
{
	const struct lf_daemon_rule *rules = rules_of(services);

	for (size_t i = 0; i < LF_DAEMON_RULES; i++) {
		const enum lf_code code = add(server, &rules[i], error);

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

/* The rule for a method: the last one that is about it. Names of services are the descriptors' own. */
static enum lf_daemon_look look_of(const struct lf_daemon_services *services, const struct lf_rpc_outcome *outcome)
{
	enum lf_daemon_look look = LF_LOOK_NONE;

	for (size_t i = 0; i < LF_DAEMON_RULES; i++) {
		const struct lf_daemon_rule *rule = &services->rules[i];

		if (rule->service->descriptor->name == outcome->service &&
			(rule->method == NULL || strcmp(rule->method, outcome->method) == 0))
			look = rule->look;
	}
	return look;
}

void lf_daemon_services_note(struct lf_daemon_services *services, const struct lf_rpc_outcome *outcome)
{
	enum lf_daemon_look look;

	/* A stranger's calls are not written, or strangers could fill the disk. */
	if (!outcome->is_known || *outcome->service == '\0')
		return;
	look = outcome->code == LF_PERMISSION_DENIED ? LF_LOOK_COUNTED : look_of(services, outcome);
	if (look == LF_LOOK_COUNTED || (look == LF_LOOK_RECORDED && outcome->code != LF_OK))
		lf_access_count(services->access, outcome->caller, outcome->service, outcome->method, outcome->code);
}

enum lf_code lf_daemon_services_start(struct lf_daemon_services *services, struct lf_error *error)
{
	if (lf_access_start(&services->access, services->state->log, error) != LF_OK)
		return error->code;
	services->state->access = services->access;
	return lf_keeping_start(&services->keeping, error);
}

void lf_daemon_services_stop(struct lf_daemon_services *services)
{
	lf_keeping_stop(&services->keeping);
	lf_access_stop(services->access);
}

void lf_daemon_services_clean_up(struct lf_daemon_services *services)
{
	lf_audit_clean_up(&services->audit);
	lf_access_destroy(services->access);
	services->access = NULL;
}
