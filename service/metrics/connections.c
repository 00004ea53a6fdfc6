/* Connections: how many, and why they were closed; the certificate. */
#include "service/http/http.h"
#include "service/metrics/metrics.h"
#include "service/rpc/nng/nng.h"

static void of_http(struct lf_exposition *exposition, const struct lf_http *http, const struct lf_http_counters *counts)
{
	const int64_t until = lf_http_certificate_until(http);
	const struct lf_buckets *buckets;
	const struct lf_histogram *lag = lf_http_lag(http, &buckets);

	lf_metric_begin(exposition, "leadfit_http_connections_closed_total", LF_METRIC_COUNTER,
		"Connections over HTTP that ended, and why: peer, by the peer; else by the service.");
	lf_metric_count(exposition, "reason=\"half\"", counts->closed_half);
	lf_metric_count(exposition, "reason=\"slow\"", counts->closed_blocked);
	lf_metric_count(exposition, "reason=\"idle\"", counts->closed_idle);
	lf_metric_count(exposition, "reason=\"peer\"", counts->closed_peer);
	lf_metric_count(exposition, "reason=\"protocol\"", counts->closed_protocol);
	lf_metric_count(exposition, "reason=\"tls\"", counts->closed_tls);
	lf_metric_count(exposition, "reason=\"token\"", counts->wrong_tokens);
	lf_metric_counter(
		exposition, "leadfit_http_connections_accepted_total", "Connections over HTTP.", counts->accepted);
	lf_metric_begin(exposition, "leadfit_loop_lag_seconds", LF_METRIC_HISTOGRAM,
		"Turns of the loop that serves HTTP: as long may something have waited that came meanwhile.");
	lf_metric_histogram(exposition, "", lag, buckets, 1e-9);
	lf_metric_counter(exposition, "leadfit_http_requests_given_up_total",
		"Requests that were still arriving when memory for others was needed.", counts->given_up);
	if (until != 0)
		lf_metric_gauge(exposition, "leadfit_tls_certificate_expiry_timestamp_seconds",
			"When the certificate that new connections get expires.", (double)until);
}

void lf_metrics_of_connections(struct lf_exposition *exposition, const struct lf_metrics_sources *sources)
{
	struct lf_rpc_nng_counters nng = {.connections = 0};
	struct lf_http_counters http = {.open = 0};

	if (sources->nng != NULL)
		lf_rpc_nng_counters(sources->nng, &nng);
	if (sources->http != NULL)
		lf_http_counters(sources->http, &http);
	lf_metric_begin(exposition, "leadfit_connections", LF_METRIC_GAUGE, "Open connections.");
	lf_metric_count(exposition, "transport=\"http\"", http.open);
	lf_metric_count(exposition, "transport=\"nng-local\"", nng.local_connections);
	lf_metric_count(exposition, "transport=\"nng-tcp\"", nng.connections);
	lf_metric_begin(exposition, "leadfit_connections_refused_total", LF_METRIC_COUNTER,
		"Connections that were closed at once: there were too many.");
	lf_metric_count(exposition, "transport=\"http\"", http.refused);
	lf_metric_count(exposition, "transport=\"nng\"", nng.refused);
	lf_metric_begin(exposition, "leadfit_nng_connections_closed_total", LF_METRIC_COUNTER,
		"Connections over nng that the service closed, and why.");
	lf_metric_count(exposition, "reason=\"unread\"", nng.ended_unread);
	lf_metric_count(exposition, "reason=\"unsent\"", nng.ended_unsent);
	lf_metric_counter(exposition, "leadfit_nng_requests_dropped_total",
		"Messages, each with one request or several, of connections that do not read their replies.",
		nng.unread);
	lf_metric_counter(exposition, "leadfit_nng_listener_reopened_total",
		"How often nng had stopped accepting on an address, and it was opened again.", nng.reopened);
	if (sources->http != NULL)
		of_http(exposition, sources->http, &http);
}
