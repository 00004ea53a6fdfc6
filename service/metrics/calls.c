/* Calls: by method, code and transport; who was refused, and why. The first three have the names of gRPC's own exporters. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "proto/wire/methods.h"
#include "service/metrics/metrics.h"
#include "service/rpc/figures.h"

enum { LABEL_BYTES = 256 };

/* Walks the methods once for each family, as samples of a family have to stand together. */
struct walk {
	struct lf_exposition *exposition;
	void (*put)(struct lf_exposition *exposition, const char *labels, const struct lf_rpc_method_figures *figures);
};

static const char *type_of(const ProtobufCServiceDescriptor *service, unsigned method)
{
	if (service == NULL)
		return "unary";
	return lf_method_takes_stream(service, method) ? "bidi_stream"
		: lf_method_is_stream(service, method) ? "server_stream"
						       : "unary";
}

static void visit(void *context, const ProtobufCServiceDescriptor *service, unsigned method, const char *protocol,
	const struct lf_rpc_method_figures *figures)
{
	const struct walk *walk = context;
	char labels[LABEL_BYTES];

	snprintf(labels, sizeof(labels), "grpc_service=\"%s\",grpc_method=\"%s\",grpc_type=\"%s\",transport=\"%s\"",
		service == NULL ? "" : service->name, service == NULL ? "" : service->methods[method].name,
		type_of(service, method), protocol);
	walk->put(walk->exposition, labels, figures);
}

static void put_started(
	struct lf_exposition *exposition, const char *labels, const struct lf_rpc_method_figures *figures)
{
	lf_metric_count(exposition, labels, lf_counted(&figures->started));
}

/* As gRPC's libraries write codes: NotFound, and Canceled. */
static void print_code(enum lf_code code, char *out)
{
	const char *name = code == LF_CANCELLED ? "CANCELED" : lf_code_name(code);
	bool first = true;

	if (code == LF_OK) {
		strcpy(out, "OK");
		return;
	}
	for (; *name != '\0'; name++) {
		if (*name != '_')
			*out++ = first ? *name : (char)tolower((unsigned char)*name);
		first = *name == '_';
	}
	*out = '\0';
}

static void put_handled(
	struct lf_exposition *exposition, const char *labels, const struct lf_rpc_method_figures *figures)
{
	char with_code[LABEL_BYTES + 40], code[32];

	for (unsigned i = 0; i < LF_RPC_CODES; i++) {
		const uint64_t count = lf_counted(&figures->by_code[i]);

		if (count == 0)
			continue;
		print_code((enum lf_code)i, code);
		snprintf(with_code, sizeof(with_code), "%s,grpc_code=\"%s\"", labels, code);
		lf_metric_count(exposition, with_code, count);
	}
}

static void put_duration(
	struct lf_exposition *exposition, const char *labels, const struct lf_rpc_method_figures *figures)
{
	if (strstr(labels, "grpc_type=\"unary\"") != NULL)
		lf_metric_histogram(exposition, labels, &figures->duration, &lf_rpc_duration_buckets, 1e-9);
}

static void put_reasons(
	struct lf_exposition *exposition, const char *const *reasons, const uint64_t *counts, size_t count)
{
	char labels[64];

	for (size_t i = 0; i < count; i++) {
		snprintf(labels, sizeof(labels), "reason=\"%s\"", reasons[i]);
		lf_metric_count(exposition, labels, counts[i]);
	}
}

#define TEXT(name, text) text,
static const char *const refusals[] = {LF_RPC_REFUSALS(TEXT)};
static const char *const auth_failures[] = {LF_RPC_AUTH_FAILURES(TEXT)};

void lf_metrics_of_calls(struct lf_exposition *exposition, const struct lf_metrics_sources *sources)
{
	struct walk walk = {.exposition = exposition};
	struct lf_rpc_figures figures;

	lf_rpc_server_figures(sources->server, &figures);
	lf_metric_begin(
		exposition, "grpc_server_started_total", LF_METRIC_COUNTER, "Calls that arrived, refused ones too.");
	walk.put = put_started;
	lf_rpc_server_each_method(sources->server, visit, &walk);
	lf_metric_begin(
		exposition, "grpc_server_handled_total", LF_METRIC_COUNTER, "Calls that are over, by their code.");
	walk.put = put_handled;
	lf_rpc_server_each_method(sources->server, visit, &walk);
	lf_metric_begin(exposition, "grpc_server_handling_seconds", LF_METRIC_HISTOGRAM,
		"From the arrival of a call to its answer; not of those that stream.");
	walk.put = put_duration;
	lf_rpc_server_each_method(sources->server, visit, &walk);

	lf_metric_gauge(exposition, "leadfit_rpc_in_flight", "Calls in flight, but for those that stream.",
		(double)figures.in_flight);
	lf_metric_gauge(exposition, "leadfit_rpc_in_flight_limit", "Calls that may be in flight.",
		(double)figures.in_flight_max);
	lf_metric_gauge(exposition, "leadfit_rpc_streams", "Calls that stream.", (double)figures.streams);
	lf_metric_gauge(exposition, "leadfit_rpc_queue", "Calls that wait for a worker.", (double)figures.queued);
	lf_metric_gauge(exposition, "leadfit_rpc_workers", "Worker threads.", (double)figures.workers);
	lf_metric_gauge(
		exposition, "leadfit_request_bytes_in_use", "Memory of requests and replies.", (double)figures.bytes);
	lf_metric_gauge(exposition, "leadfit_request_bytes_limit", "Memory that requests and replies may take.",
		(double)figures.bytes_max);
	lf_metric_begin(exposition, "leadfit_rpc_refused_total", LF_METRIC_COUNTER, "Calls refused before any work.");
	put_reasons(exposition, refusals, figures.refused, LF_RPC_REFUSAL_COUNT);
	lf_metric_begin(
		exposition, "leadfit_auth_failures_total", LF_METRIC_COUNTER, "Calls whose caller may not make them.");
	put_reasons(exposition, auth_failures, figures.auth_failures, LF_RPC_AUTH_FAILURE_COUNT);
	lf_metric_counter(exposition, "leadfit_rpc_unanswered_total",
		"Calls that got no answer: their connection had guessed too many tokens.", figures.unanswered);
	lf_metric_counter(exposition, "leadfit_rpc_replies_not_sent_total",
		"Replies that could not be sent: no memory, or a peer that did not read.", figures.replies_not_sent);
}
