#include "service/metrics/metrics.h"

#include "service/rpc/rpc.h"
#include "service/state/reply.h"
#include "service/state/state.h"

static void metrics_read(Leadfit__V1__Metrics_Service *service, const Leadfit__V1__ReadMetricsRequest *request,
	Leadfit__V1__ReadMetricsResponse_Closure closure, void *closure_data)
{
	const struct lf_metrics_sources *sources = &LF_CONTAINER_OF(service, struct lf_metrics_service, base)->sources;
	Leadfit__V1__ReadMetricsResponse response = LEADFIT__V1__READ_METRICS_RESPONSE__INIT;
	struct lf_exposition exposition = {.family = NULL};

	(void)request;
	lf_metrics_of_process(&exposition);
	lf_metrics_of_calls(&exposition, sources);
	lf_metrics_of_connections(&exposition, sources);
	lf_metrics_of_answers(&exposition, sources);
	lf_metrics_of_log(&exposition, sources);
	if (exposition.text.failed) {
		lf_send_no_memory(closure_data);
	} else {
		response.text = exposition.text.data;
		closure(&response, closure_data);
	}
	lf_buffer_clean_up(&exposition.text);
}

void lf_metrics_init(struct lf_metrics_service *service)
{
	service->base = (Leadfit__V1__Metrics_Service)LEADFIT__V1__METRICS__INIT(metrics_);
}
