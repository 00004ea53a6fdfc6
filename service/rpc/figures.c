#include "service/rpc/figures.h"

#include <stdlib.h>
#include <string.h>

#include "proto/base/clock.h"
#include "service/rpc/internal.h"

/*
 * What is counted. Each method of each protocol has figures of its own, made when its service is added, so that counting
 * takes no lock and finds its place by two indices.
 */

const struct lf_buckets lf_rpc_duration_buckets = {50000, 18, false};

/* ---- protocols ---- */

unsigned lf_rpc_server_protocol(struct lf_rpc_server *server, const char *name)
{
	unsigned i = 0;

	while (i < server->protocol_count && strcmp(server->protocols[i], name) != 0)
		i++;
	if (i < server->protocol_count)
		return i;
	if (server->started || i == LF_RPC_PROTOCOLS_MAX)
		return 0;
	server->protocols[server->protocol_count++] = name;
	return i;
}

/* ---- by method and protocol ---- */

bool lf_rpc_figures_init(struct lf_rpc_service *service)
{
	const size_t methods = service->service->descriptor->n_methods;

	service->figures = calloc(methods * LF_RPC_PROTOCOLS_MAX, sizeof(*service->figures));
	return service->figures != NULL;
}

void lf_rpc_figures_clean_up(struct lf_rpc_server *server)
{
	for (size_t i = 0; i < server->service_count; i++)
		free(server->services[i].figures);
}

static struct lf_rpc_method_figures *figures_of(struct lf_rpc_call *call)
{
	const unsigned protocol = call->request.protocol;

	if (call->service == NULL)
		return &call->server->no_method[protocol];
	return &call->service->figures[call->method * LF_RPC_PROTOCOLS_MAX + protocol];
}

void lf_rpc_server_each_method(struct lf_rpc_server *server,
	void (*visit)(void *context, const ProtobufCServiceDescriptor *service, unsigned method, const char *protocol,
		const struct lf_rpc_method_figures *figures),
	void *context)
{
	for (size_t p = 0; p < server->protocol_count; p++) {
		for (size_t s = 0; s < server->service_count; s++) {
			const struct lf_rpc_service *service = &server->services[s];
			const ProtobufCServiceDescriptor *descriptor = service->service->descriptor;

			for (unsigned m = 0; m < descriptor->n_methods; m++) {
				const struct lf_rpc_method_figures *figures =
					&service->figures[m * LF_RPC_PROTOCOLS_MAX + p];

				if (lf_counted(&figures->started) != 0)
					visit(context, descriptor, m, server->protocols[p], figures);
			}
		}
		if (lf_counted(&server->no_method[p].started) != 0)
			visit(context, NULL, 0, server->protocols[p], &server->no_method[p]);
	}
}

/* ---- of the whole server ---- */

void lf_rpc_server_figures(struct lf_rpc_server *server, struct lf_rpc_figures *figures)
{
	*figures = (struct lf_rpc_figures){
		.in_flight_max = server->options.in_flight_max,
		.streams = atomic_load(&server->stream_count),
		.workers = server->options.worker_count,
		.bytes = atomic_load(&server->budget.used),
		.bytes_max = server->budget.max,
	};
	for (size_t i = 0; i < LF_RPC_REFUSAL_COUNT; i++)
		figures->refused[i] = lf_counted(&server->refused[i]);
	for (size_t i = 0; i < LF_RPC_AUTH_FAILURE_COUNT; i++)
		figures->auth_failures[i] = lf_counted(&server->auth_failures[i]);
	pthread_mutex_lock(&server->lock);
	figures->in_flight = server->in_flight;
	figures->queued = server->queued;
	figures->unanswered = server->unanswered;
	figures->replies_not_sent = server->not_sent;
	pthread_mutex_unlock(&server->lock);
}

static void add_codes(void *context, const ProtobufCServiceDescriptor *service, unsigned method, const char *protocol,
	const struct lf_rpc_method_figures *figures)
{
	struct lf_rpc_counters *counters = context;

	(void)service;
	(void)method;
	(void)protocol;
	for (size_t i = 0; i < LF_RPC_CODES; i++)
		counters->by_code[i] += lf_counted(&figures->by_code[i]);
}

void lf_rpc_server_counters(struct lf_rpc_server *server, struct lf_rpc_counters *counters)
{
	*counters = (struct lf_rpc_counters){.wrong_token = lf_counted(&server->auth_failures[LF_RPC_WRONG_TOKEN - 1])};
	lf_rpc_server_each_method(server, add_codes, counters);
	for (size_t i = LF_RPC_REFUSED_SIZE; i < LF_RPC_REFUSAL_COUNT; i++)
		counters->refused += lf_counted(&server->refused[i]);
	pthread_mutex_lock(&server->lock);
	counters->started = server->taken_in;
	counters->ended = server->ended;
	counters->unanswered = server->unanswered;
	counters->failed = server->not_sent;
	pthread_mutex_unlock(&server->lock);
}

/* ---- counting ---- */

void lf_rpc_count_arrived(struct lf_rpc_call *call)
{
	lf_count(&figures_of(call)->started);
}

void lf_rpc_count_refused(struct lf_rpc_server *server, size_t refusal)
{
	lf_count(&server->refused[refusal]);
}

void lf_rpc_count_auth_failure(struct lf_rpc_server *server, enum lf_rpc_identity identity)
{
	lf_count(&server->auth_failures[identity - 1]);
}

/* Whether its caller is one of the tokens file's, or nobody needs to be. */
static bool is_known(const struct lf_rpc_call *call)
{
	return call->server->options.tokens == NULL ||
		(call->account != NULL && call->account != &call->server->anonymous);
}

static void tell(struct lf_rpc_call *call, enum lf_code code, uint64_t duration_ns)
{
	const struct lf_rpc_observer *observer = call->server->options.observer;
	const ProtobufCServiceDescriptor *descriptor =
		call->service == NULL ? NULL : call->service->service->descriptor;
	const struct lf_rpc_outcome outcome = {
		.protocol = call->server->protocols[call->request.protocol],
		.service = descriptor == NULL ? "" : descriptor->name,
		.method = descriptor == NULL ? "" : descriptor->methods[call->method].name,
		.code = code,
		.caller = call->caller,
		.is_known = is_known(call),
		.is_stream = call->stream != NULL,
		.duration_ns = duration_ns,
		.request_id = lf_rpc_metadata(call, "request-id"),
		.trace = &call->trace,
		.peer = call->peer == NULL ? "" : call->peer->text,
	};

	observer->done(observer->context, &outcome);
}

void lf_rpc_count_done(struct lf_rpc_call *call, enum lf_code code)
{
	struct lf_rpc_method_figures *figures = figures_of(call);
	const uint64_t duration_ns = lf_clock_ns() - call->arrived_ns;

	lf_count(&figures->by_code[code]);
	if (call->stream == NULL)
		lf_histogram_add(&figures->duration, &lf_rpc_duration_buckets, duration_ns);
	if (call->server->options.observer != NULL)
		tell(call, code, duration_ns);
}
