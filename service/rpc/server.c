#include <stdlib.h>
#include <string.h>

#include "proto/base/clock.h"
#include "proto/base/limits.h"
#include "proto/base/thread.h"
#include "service/rpc/internal.h"

/* The life of a server: made, started, stopped, freed; and the end of each call's turn, which may be the end of it. */

/* ---- made ---- */

static enum lf_code no_memory(struct lf_error *error)
{
	return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for the RPC server");
}

static void fill_in(struct lf_rpc_options *options)
{
	if (options->worker_count == 0)
		options->worker_count = lf_processors();
	if (options->in_flight_max == 0 || options->in_flight_max > LF_IN_FLIGHT_MAX)
		options->in_flight_max = LF_IN_FLIGHT_MAX;
	if (options->request_bytes_max == 0)
		options->request_bytes_max = LF_REQUEST_BYTES_MAX;
	if (options->message_bytes_max == 0 || options->message_bytes_max > LF_MESSAGE_BYTES_MAX)
		options->message_bytes_max = LF_MESSAGE_BYTES_MAX;
}

enum lf_code lf_rpc_server_new(struct lf_rpc_server **out, const struct lf_rpc_options *options, struct lf_error *error)
{
	struct lf_rpc_server *server = calloc(1, sizeof(*server));

	*out = NULL;
	if (server == NULL)
		return no_memory(error);
	server->options = *options;
	fill_in(&server->options);
	server->protocols[0] = "";
	server->protocol_count = 1;
	server->quick_max = lf_processors(); /* with more in flight, transports need their threads for messages */
	lf_rpc_budget_init(&server->budget, server->options.request_bytes_max);
	if (lf_rpc_callers_init(server, options->tokens) != LF_OK)
		goto undo_server;
	if (pthread_mutex_init(&server->lock, NULL) != 0)
		goto undo_callers;
	if (lf_cond_init(&server->work) != 0)
		goto undo_lock;
	if (lf_cond_init(&server->quiet) != 0)
		goto undo_work;
	server->workers = calloc(server->options.worker_count, sizeof(*server->workers));
	if (server->workers == NULL)
		goto undo_quiet;
	sem_init(&server->news_post, 0, 0);
	*out = server;
	return LF_OK;

undo_quiet:
	pthread_cond_destroy(&server->quiet);
undo_work:
	pthread_cond_destroy(&server->work);
undo_lock:
	pthread_mutex_destroy(&server->lock);
undo_callers:
	lf_rpc_callers_clean_up(server);
undo_server:
	free(server);
	return no_memory(error);
}

/* Once it has stopped, its last call has ended, and its transports are closed. */
static void server_free(struct lf_rpc_server *server)
{
	for (size_t i = 0; i < server->transport_count; i++)
		if (server->transports[i].transport->free != NULL)
			server->transports[i].transport->free(server->transports[i].self);
	while (server->arenas != NULL) {
		struct lf_rpc_arena *next = server->arenas->next;

		lf_rpc_arena_free(server->arenas);
		server->arenas = next;
	}
	LF_CHECK(R7, atomic_load(&server->budget.used) == 0);
	lf_rpc_callers_clean_up(server);
	lf_rpc_figures_clean_up(server);
	free(server->workers);
	sem_destroy(&server->news_post);
	pthread_cond_destroy(&server->quiet);
	pthread_cond_destroy(&server->work);
	pthread_mutex_destroy(&server->lock);
	free(server);
}

const struct lf_rpc_options *lf_rpc_server_options(const struct lf_rpc_server *server)
{
	return &server->options;
}

/* ---- what it serves ---- */

enum lf_code lf_rpc_server_add(
	struct lf_rpc_server *server, ProtobufCService *service, unsigned role, struct lf_error *error)
{
	if (server->started)
		return lf_error_set(error, LF_FAILED_PRECONDITION, "services are added before the server listens");
	if (server->service_count == LF_RPC_SERVICES_MAX)
		return lf_error_set(
			error, LF_RESOURCE_EXHAUSTED, "a server has at most %d services", LF_RPC_SERVICES_MAX);
	for (size_t i = 0; i < server->service_count; i++)
		if (server->services[i].service->descriptor == service->descriptor)
			return lf_error_set(
				error, LF_ALREADY_EXISTS, "service %s is there already", service->descriptor->name);
	if (service->descriptor->n_methods > LF_RPC_METHODS_MAX)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "service %s has more than %d methods",
			service->descriptor->name, LF_RPC_METHODS_MAX);
	server->services[server->service_count].service = service;
	for (unsigned i = 0; i < service->descriptor->n_methods; i++)
		server->services[server->service_count].roles[i] = role;
	if (!lf_rpc_figures_init(&server->services[server->service_count]))
		return no_memory(error);
	server->service_count++;
	return LF_OK;
}

/* A method that is served, before the server starts. */
static struct lf_rpc_service *to_be_set(struct lf_rpc_server *server, const char *method, unsigned *index)
{
	const struct lf_rpc_service *service =
		lf_rpc_find_method(server, (struct lf_slice){method, strlen(method)}, index);

	LF_CHECK(R11, !server->started && service != NULL);
	return &server->services[service - server->services];
}

void lf_rpc_server_set_quick(struct lf_rpc_server *server, const char *method)
{
	unsigned index;
	struct lf_rpc_service *service = to_be_set(server, method, &index);

	service->quick[index] = true;
}

void lf_rpc_server_set_urgent(struct lf_rpc_server *server, const char *method)
{
	unsigned index;
	struct lf_rpc_service *service = to_be_set(server, method, &index);

	service->urgent[index] = true;
}

void lf_rpc_server_set_open_locally(struct lf_rpc_server *server, const char *method)
{
	unsigned index;
	struct lf_rpc_service *service = to_be_set(server, method, &index);

	service->open_locally[index] = true;
}

enum lf_code lf_rpc_server_require(struct lf_rpc_server *server, const ProtobufCService *service, const char *method,
	unsigned role, struct lf_error *error)
{
	const ProtobufCServiceDescriptor *descriptor = service->descriptor;

	if (server->started)
		return lf_error_set(error, LF_FAILED_PRECONDITION, "roles are set before the server listens");
	for (size_t i = 0; i < server->service_count; i++)
		for (unsigned m = 0; server->services[i].service == service && m < descriptor->n_methods; m++)
			if (strcmp(descriptor->methods[m].name, method) == 0) {
				server->services[i].roles[m] = role;
				return LF_OK;
			}
	return lf_error_set(error, LF_NOT_FOUND, "service %s has no method %s here", descriptor->name, method);
}

enum lf_code lf_rpc_server_attach(
	struct lf_rpc_server *server, const struct lf_rpc_transport *transport, void *self, struct lf_error *error)
{
	LF_CHECK(R11, !server->started);
	if (server->transport_count == LF_RPC_TRANSPORTS_MAX)
		return lf_error_set(
			error, LF_RESOURCE_EXHAUSTED, "a server has at most %d transports", LF_RPC_TRANSPORTS_MAX);
	server->transports[server->transport_count++] = (struct lf_rpc_attached){transport, self};
	pthread_mutex_lock(&server->lock);
	server->open++;
	pthread_mutex_unlock(&server->lock);
	return LF_OK;
}

enum lf_code lf_rpc_server_start(struct lf_rpc_server *server, struct lf_error *error)
{
	if (server->closed)
		return lf_error_set(error, LF_FAILED_PRECONDITION, "the server has stopped");
	server->started = true;
	while (server->workers_running < server->options.worker_count) {
		if (lf_thread_start(&server->workers[server->workers_running], lf_rpc_worker, server) != 0) {
			lf_rpc_server_stop(server, 0);
			return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no thread for a worker");
		}
		server->workers_running++;
	}
	if (!server->streams_running) {
		if (lf_thread_start(&server->streams_thread, lf_rpc_streams_run, server) != 0) {
			lf_rpc_server_stop(server, 0);
			return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no thread for streams");
		}
		server->streams_running = true;
	}
	return LF_OK;
}

/* ---- the end of a turn, and of a transport ---- */

/* Under the lock: whether whoever asks is the last, and frees it. */
static bool is_last(const struct lf_rpc_server *server)
{
	return server->destroyed && server->in_flight == 0 && server->streams == NULL && server->open == 0;
}

/* Without the lock: what a call's reply took is given back. */
static void end_reply(struct lf_rpc_call *call)
{
	LF_CHECK(R5, atomic_load(&call->part_bytes) == 0);
	if (call->reply_bytes != 0)
		lf_rpc_give_reply(call, call->reply_bytes);
	call->reply_bytes = 0;
	lf_rpc_call_change(call, LF_RPC_CALL_REPLYING, LF_RPC_CALL_IDLE);
}

/* Under the lock: a call is not in flight any more. */
static void end_flight(struct lf_rpc_call *call, enum lf_rpc_sending sending)
{
	struct lf_rpc_server *server = call->server;
	const bool admitted = call->admitted, urgent = call->urgent;

	lf_rpc_let_go(call);
	if (sending == LF_RPC_SEND_FAILED)
		server->not_sent++;
	if (!admitted)
		return;
	server->ended++;
	if (call->stream != NULL) {
		lf_rpc_stream_end(call);
	} else {
		LF_CHECK(R6, server->in_flight != 0 && (!urgent || server->urgent != 0));
		server->in_flight--;
		server->urgent -= urgent;
	}
	if (server->in_flight == 0)
		pthread_cond_broadcast(&server->quiet);
}

void lf_rpc_turns_over(struct lf_rpc_call *const *calls, size_t count, enum lf_rpc_sending sending)
{
	struct lf_rpc_server *server = calls[0]->server;
	bool last;

	for (size_t i = 0; i < count; i++)
		end_reply(calls[i]);
	pthread_mutex_lock(&server->lock);
	for (size_t i = 0; i < count; i++)
		end_flight(calls[i], sending);
	last = is_last(server);
	pthread_mutex_unlock(&server->lock);
	if (last)
		server_free(server);
}

void lf_rpc_turn_over(struct lf_rpc_call *call, enum lf_rpc_sending sending)
{
	lf_rpc_turns_over(&call, 1, sending);
}

void lf_rpc_closed(struct lf_rpc_server *server)
{
	bool last;

	pthread_mutex_lock(&server->lock);
	LF_CHECK(R12, server->open != 0);
	server->open--;
	pthread_cond_broadcast(&server->quiet);
	last = is_last(server);
	pthread_mutex_unlock(&server->lock);
	if (last)
		server_free(server);
}

/* ---- stopped ---- */

/* Under the lock, which it gives away meanwhile: waits until nothing is in flight, or streams have ended, but not longer. */
static void await_quiet(struct lf_rpc_server *server, unsigned timeout_ms, bool streams)
{
	const struct timespec until = lf_clock_after_ns((uint64_t)timeout_ms * 1000000);

	while (streams ? server->streams != NULL : server->in_flight != 0)
		if (pthread_cond_timedwait(&server->quiet, &server->lock, &until) != 0)
			break;
}

/*
 * Ends streams, and waits until nothing is in flight. Streams get only a moment: a peer that does not read would hold
 * back the stop, and what it misses it can ask for again.
 */
static void drain(struct lf_rpc_server *server, unsigned timeout_ms)
{
	size_t wakes;

	pthread_mutex_lock(&server->lock);
	server->stopping = true;
	for (wakes = lf_rpc_streams_stop(server); wakes != 0; wakes--)
		lf_rpc_wake(server);
	await_quiet(server, timeout_ms, false);
	await_quiet(server, timeout_ms < LF_RPC_STREAMS_END_MS ? timeout_ms : LF_RPC_STREAMS_END_MS, true);
	pthread_mutex_unlock(&server->lock);
}

/* From here nothing is admitted or queued. Returns what is still in flight. */
static size_t close_calls(struct lf_rpc_server *server)
{
	size_t left;

	pthread_mutex_lock(&server->lock);
	left = server->in_flight;
	server->closed = true;
	pthread_cond_broadcast(&server->work);
	pthread_mutex_unlock(&server->lock);
	return left;
}

/* Waits until every transport has come to its end, but not for ever. */
static void await_transports(struct lf_rpc_server *server)
{
	const struct timespec until = lf_clock_after_ns((uint64_t)LF_RPC_CLOSE_MS * 1000000);

	pthread_mutex_lock(&server->lock);
	while (server->open != 0)
		if (pthread_cond_timedwait(&server->quiet, &server->lock, &until) != 0)
			break;
	pthread_mutex_unlock(&server->lock);
}

static void tell(const struct lf_rpc_attached *attached, void (*step)(void *self))
{
	if (step != NULL)
		step(attached->self);
}

size_t lf_rpc_server_stop(struct lf_rpc_server *server, unsigned timeout_ms)
{
	size_t left;

	if (server->closed)
		return 0;
	for (size_t i = 0; i < server->transport_count; i++)
		tell(&server->transports[i], server->transports[i].transport->draining);
	drain(server, timeout_ms);
	for (size_t i = 0; timeout_ms != 0 && i < server->transport_count; i++)
		tell(&server->transports[i], server->transports[i].transport->drained);
	left = close_calls(server);
	for (size_t i = 0; i < server->transport_count; i++)
		tell(&server->transports[i], server->transports[i].transport->close);
	for (size_t i = 0; i < server->workers_running; i++)
		pthread_join(server->workers[i], NULL);
	lf_rpc_streams_join(server);
	lf_rpc_drop_queued(server);
	await_transports(server);
	return left;
}

void lf_rpc_server_destroy(struct lf_rpc_server *server)
{
	bool last;

	if (server == NULL)
		return;
	lf_rpc_server_stop(server, 0);
	pthread_mutex_lock(&server->lock);
	server->destroyed = true;
	last = is_last(server);
	pthread_mutex_unlock(&server->lock);
	if (last)
		server_free(server);
}
