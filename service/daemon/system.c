/* Health, and the interface's description of itself. */
#include <stdio.h>
#include <string.h>

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

static void health_check(Grpc__Health__V1__Health_Service *service, const Grpc__Health__V1__HealthCheckRequest *request,
	Grpc__Health__V1__HealthCheckResponse_Closure closure, void *closure_data)
{
	struct lf_state *state = LF_CONTAINER_OF(service, struct lf_health_service, base)->state;
	Grpc__Health__V1__HealthCheckResponse response = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
	struct lf_error error = LF_ERROR_INIT;
	bool ready = !atomic_load(&state->draining) && lf_log_ready(state->log);

	if (*request->service != '\0' && !serves(request->service)) {
		lf_error_set(&error, LF_NOT_FOUND, "there is no service \"%.128s\" here", request->service);
		lf_send_error(closure_data, &error);
		return;
	}
	response.status = ready ? GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING
				: GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING;
	closure(&response, closure_data);
}

static void describe_describe(Leadfit__V1__Describe_Service *service, const Leadfit__V1__DescribeRequest *request,
	Leadfit__V1__DescribeResponse_Closure closure, void *closure_data)
{
	Leadfit__V1__DescribeResponse response = LEADFIT__V1__DESCRIBE_RESPONSE__INIT;
	struct lf_texts methods = {.arena = lf_rpc_arena(closure_data)};
	char name[256];

	(void)service;
	(void)request;
	for (size_t s = 0; lf_services[s] != NULL; s++)
		for (unsigned m = 0; m < lf_services[s]->n_methods; m++) {
			int length = snprintf(
				name, sizeof(name), "%s/%s", lf_services[s]->name, lf_services[s]->methods[m].name);

			lf_texts_add(&methods, name, (size_t)length);
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
