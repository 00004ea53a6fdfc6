/* The Metrics service: what all rooms count, written for Prometheus. */
#ifndef LF_SERVICE_METRICS_METRICS_H
#define LF_SERVICE_METRICS_METRICS_H

#include "leadfit/v1/metrics.pb-c.h"
#include "service/metrics/exposition.h"

struct lf_http;
struct lf_rpc_nng;
struct lf_rpc_server;
struct lf_state;

/* Where figures come from. Borrowed, as long as calls are served. nng and http may be NULL. */
struct lf_metrics_sources {
	struct lf_state *state;
	struct lf_rpc_server *server;
	struct lf_rpc_nng *nng;
	struct lf_http *http;
};

struct lf_metrics_service {
	Leadfit__V1__Metrics_Service base;
	struct lf_metrics_sources sources; /* complete before the server starts */
};

void lf_metrics_init(struct lf_metrics_service *service);

/* Its parts. Any thread; each takes locks for a moment, and asks the system for what it knows. */
void lf_metrics_of_calls(struct lf_exposition *exposition, const struct lf_metrics_sources *sources);
void lf_metrics_of_connections(struct lf_exposition *exposition, const struct lf_metrics_sources *sources);
void lf_metrics_of_answers(struct lf_exposition *exposition, const struct lf_metrics_sources *sources);
void lf_metrics_of_log(struct lf_exposition *exposition, const struct lf_metrics_sources *sources);
void lf_metrics_of_process(struct lf_exposition *exposition);

#endif
