/* Health, and the interface's description of itself. */
#include <stdio.h>
#include <string.h>

#include "proto/base/clock.h"
#include "proto/wire/wire.h"
#include "service/daemon/system.h"
#include "service/rpc/rpc.h"
#include "service/state/reply.h"
#include "service/state/state.h"
#include "service/decide/text_list.h"

static bool serves(const char *name)
{
	for (size_t i = 0; lf_services[i] != NULL; i++)
		if (strcmp(lf_services[i]->name, name) == 0)
			return true;
	return false;
}

static Grpc__Health__V1__HealthCheckResponse__ServingStatus status_now(struct lf_state *state)
{
	return !atomic_load(&state->draining) && lf_log_ready(state->log)
		? GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING
		: GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING;
}

static void health_check(Grpc__Health__V1__Health_Service *service, const Grpc__Health__V1__HealthCheckRequest *request,
	Grpc__Health__V1__HealthCheckResponse_Closure closure, void *closure_data)
{
	struct lf_state *state = LF_CONTAINER_OF(service, struct lf_health_service, base)->state;
	Grpc__Health__V1__HealthCheckResponse response = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
	struct lf_error error = LF_ERROR_INIT;

	if (*request->service != '\0' && !serves(request->service)) {
		lf_error_set(&error, LF_NOT_FOUND, "there is no service \"%.128s\" here", request->service);
		lf_send_error(closure_data, &error);
		return;
	}
	response.status = status_now(state);
	closure(&response, closure_data);
}

/* ---- Health/Watch: the status, and then each other one ---- */

enum { LOOK_MS = 1000 };

struct health_watch {
	struct lf_state *state;
	bool knows; /* the service that was asked about */
	bool has_said;
	Grpc__Health__V1__HealthCheckResponse__ServingStatus said;
};

static void watch_health(struct lf_rpc_call *call, void *context)
{
	Grpc__Health__V1__HealthCheckResponse response = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
	struct health_watch *watch = context;
	struct lf_error error = LF_ERROR_INIT;

	response.status = watch->knows ? status_now(watch->state)
				       : GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN;
	/*
	 * A peer that has not taken the last one hears of the newest when it has; but for the end, after which there is no
	 * next time. Without memory: the next time.
	 */
	if ((!watch->has_said || response.status != watch->said) &&
		(lf_rpc_untaken(call) == 0 || atomic_load(&watch->state->draining)) &&
		lf_rpc_stage(call, &response.base) && lf_rpc_send_part(call, &error) == LF_OK) {
		watch->has_said = true;
		watch->said = response.status;
	}
	lf_rpc_stream_wait(call, &(struct lf_rpc_wait){.until_ns = lf_clock_ns() + (uint64_t)LOOK_MS * 1000000},
		watch_health, watch);
}

static void health_watch(Grpc__Health__V1__Health_Service *service, const Grpc__Health__V1__HealthCheckRequest *request,
	Grpc__Health__V1__HealthCheckResponse_Closure closure, void *closure_data)
{
	struct health_watch *watch = lf_rpc_keep(closure_data, sizeof(*watch));
	struct lf_error error = LF_ERROR_INIT;

	(void)closure; /* it sends parts */
	if (watch == NULL) {
		lf_send_no_memory(closure_data);
		return;
	}
	*watch = (struct health_watch){.state = LF_CONTAINER_OF(service, struct lf_health_service, base)->state,
		.knows = *request->service == '\0' || serves(request->service)};
	if (lf_rpc_stream_begin(closure_data, "grpc.health.v1.Health/Check", &error) == LF_OK)
		watch_health(closure_data, watch);
	else
		lf_send_error(closure_data, &error);
}

/* ---- Describe ---- */

static void describe_describe(Leadfit__V1__Describe_Service *service, const Leadfit__V1__DescribeRequest *request,
	Leadfit__V1__DescribeResponse_Closure closure, void *closure_data)
{
	Leadfit__V1__DescribeResponse response = LEADFIT__V1__DESCRIBE_RESPONSE__INIT;
	struct lf_text_list methods = {.arena = lf_rpc_arena(closure_data)};
	char name[256];

	(void)service;
	(void)request;
	for (size_t s = 0; lf_services[s] != NULL; s++)
		for (unsigned m = 0; m < lf_services[s]->n_methods; m++) {
			int length = snprintf(
				name, sizeof(name), "%s/%s", lf_services[s]->name, lf_services[s]->methods[m].name);

			lf_text_list_add(&methods, name, (size_t)length);
		}
	response.file_descriptor_set.data = lf_unconst(lf_file_descriptor_set);
	response.file_descriptor_set.len = lf_file_descriptor_set_length;
	response.version = lf_unconst(LF_VERSION);
	response.methods = methods.items;
	response.n_methods = methods.count;
	if (methods.exhausted)
		lf_send_no_memory(closure_data);
	else
		closure(&response, closure_data);
}

void lf_health_init(struct lf_health_service *service, struct lf_state *state)
{
	service->base = (Grpc__Health__V1__Health_Service)GRPC__HEALTH__V1__HEALTH__INIT(health_);
	service->state = state;
}

void lf_describe_init(Leadfit__V1__Describe_Service *service)
{
	*service = (Leadfit__V1__Describe_Service)LEADFIT__V1__DESCRIBE__INIT(describe_);
}
