#include "service/rpc/internal.h"

#include <assert.h>
#include <nng/protocol/reqrep0/rep.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The life of a server: made, started by its first listener, stopped, freed. How a call goes: rpc.c. */

/* ---- small things ---- */

bool lf_rpc_budget_take(struct lf_rpc_budget *budget, size_t bytes)
{
	size_t used = atomic_load_explicit(&budget->used, memory_order_relaxed);

	do {
		if (bytes > budget->max || used > budget->max - bytes)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(
		&budget->used, &used, used + bytes, memory_order_relaxed, memory_order_relaxed));
	return true;
}

void lf_rpc_budget_give(struct lf_rpc_budget *budget, size_t bytes)
{
	size_t before = atomic_fetch_sub_explicit(&budget->used, bytes, memory_order_relaxed);

	assert(before >= bytes);
	(void)before;
}

static bool budget_take(struct lf_arena_budget *budget, size_t bytes)
{
	return lf_rpc_budget_take((struct lf_rpc_budget *)budget, bytes);
}

static void budget_give(struct lf_arena_budget *budget, size_t bytes)
{
	lf_rpc_budget_give((struct lf_rpc_budget *)budget, bytes);
}

/* ---- the server's memory ---- */

void lf_rpc_server_free(struct lf_rpc_server *server)
{
	while (server->arenas != NULL) {
		struct lf_rpc_arena *next = server->arenas->next;

		lf_rpc_arena_free(server->arenas);
		server->arenas = next;
	}
	assert(atomic_load(&server->budget.used) == 0);
	for (size_t i = 0; i < server->call_count; i++)
		free(server->calls[i].held);
	free(server->workers);
	free(server->calls);
	lf_listeners_clean_up(&server->listeners);
	lf_peers_clean_up(&server->peers);
	pthread_cond_destroy(&server->quiet);
	pthread_cond_destroy(&server->work);
	pthread_mutex_destroy(&server->lock);
	free(server);
}

/* ---- life of the server ---- */

static enum lf_code no_memory(struct lf_error *error)
{
	return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for the RPC server");
}

static void fill_in(struct lf_rpc_options *options)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	if (options->worker_count == 0)
		options->worker_count = processors < 1 ? 1 : (size_t)processors;
	if (options->in_flight_max == 0 || options->in_flight_max > LF_IN_FLIGHT_MAX)
		options->in_flight_max = LF_IN_FLIGHT_MAX;
	if (options->request_bytes_max == 0)
		options->request_bytes_max = LF_REQUEST_BYTES_MAX;
	if (options->message_bytes_max == 0 || options->message_bytes_max > LF_MESSAGE_BYTES_MAX)
		options->message_bytes_max = LF_MESSAGE_BYTES_MAX;
	if (options->watchdog_ms == 0)
		options->watchdog_ms = 500;
	if (options->connections_max == 0)
		options->connections_max = LF_CONNECTIONS_MAX;
	if (options->stuck_ms == 0)
		options->stuck_ms = LF_RPC_STUCK_MS;
}

static int socket_open(struct lf_rpc_server *server)
{
	int rc = nng_rep0_open(&server->socket);

	if (rc != 0)
		return rc;
	rc = nng_pipe_notify(server->socket, NNG_PIPE_EV_ADD_PRE, lf_rpc_on_pipe, server);
	if (rc == 0)
		rc = nng_pipe_notify(server->socket, NNG_PIPE_EV_REM_POST, lf_rpc_on_pipe, server);
	if (rc != 0)
		nng_close(server->socket);
	return rc;
}

enum lf_code lf_rpc_server_new(struct lf_rpc_server **out, const struct lf_rpc_options *options, struct lf_error *error)
{
	struct lf_rpc_server *server = calloc(1, sizeof(*server));

	*out = NULL;
	if (server == NULL)
		return no_memory(error);
	server->options = *options;
	fill_in(&server->options);
	server->budget.arenas = (struct lf_arena_budget){.take = budget_take, .give = budget_give};
	server->budget.max = server->options.request_bytes_max;
	server->call_count = server->options.in_flight_max + LF_RPC_RESERVE;
	if (pthread_mutex_init(&server->lock, NULL) != 0)
		goto undo_server;
	if (lf_cond_init(&server->work) != 0)
		goto undo_lock;
	if (lf_cond_init(&server->quiet) != 0)
		goto undo_work;
	if (lf_peers_init(&server->peers, server->options.connections_max) != LF_OK)
		goto undo_quiet;
	if (lf_listeners_init(&server->listeners) != LF_OK)
		goto undo_peers;
	server->calls = calloc(server->call_count, sizeof(*server->calls));
	server->workers = calloc(server->options.worker_count, sizeof(*server->workers));
	if (server->calls == NULL || server->workers == NULL)
		goto undo_arrays;
	if (socket_open(server) != 0)
		goto undo_arrays;
	*out = server;
	return LF_OK;

undo_arrays:
	free(server->workers);
	free(server->calls);
	lf_listeners_clean_up(&server->listeners);
undo_peers:
	lf_peers_clean_up(&server->peers);
undo_quiet:
	pthread_cond_destroy(&server->quiet);
undo_work:
	pthread_cond_destroy(&server->work);
undo_lock:
	pthread_mutex_destroy(&server->lock);
undo_server:
	free(server);
	return no_memory(error);
}

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
	server->service_count++;
	return LF_OK;
}

void lf_rpc_server_set_quick(struct lf_rpc_server *server, const char *method)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	assert(!server->started);
	server->quick_method = method;
	server->quick_max = processors < 1 ? 1 : (size_t)processors; /* nng has two threads a processor for callbacks */
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

/* Contexts that receive, workers and the watchdog. What it leaves behind when it fails, lf_rpc_server_stop() undoes. */
static enum lf_code start(struct lf_rpc_server *server, struct lf_error *error)
{
	if (server->started)
		return LF_OK;
	server->started = true;
	while (server->workers_running < server->options.worker_count) {
		if (lf_thread_start(&server->workers[server->workers_running], lf_rpc_worker, server) != 0)
			return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no thread for a worker");
		server->workers_running++;
	}
	for (size_t i = 0; i < server->call_count; i++) {
		struct lf_rpc_call *call = &server->calls[i];

		call->server = server;
		if (nng_aio_alloc(&call->aio, lf_rpc_call_on_aio, call) != 0 ||
			nng_ctx_open(&call->context, server->socket) != 0)
			return no_memory(error);
		pthread_mutex_lock(&server->lock);
		server->nng_owned++;
		atomic_fetch_add(&server->inside, 1);
		pthread_mutex_unlock(&server->lock);
		lf_rpc_call_receive(call);
	}
	return lf_watchdog_start(server, error);
}

enum lf_code lf_rpc_server_listen(
	struct lf_rpc_server *server, const char *url, char *bound, size_t bound_size, struct lf_error *error)
{
	enum lf_code code;

	if (server->closed)
		return lf_error_set(error, LF_FAILED_PRECONDITION, "the server has stopped");
	code = start(server, error);
	if (code != LF_OK) {
		lf_rpc_server_stop(server, 0);
		return code;
	}
	return lf_listeners_add(server, url, bound, bound_size, error);
}

/*
 * nng says that a reply is sent when it has it, and closing drops what is not yet in the socket's buffer. And where
 * something is unread when a connection closes, such as the next request of a busy peer, TCP resets it, and the peer
 * loses the replies that it has not read yet. So newcomers are still read and refused for a moment after the last
 * reply.
 */
static void linger(uint64_t until_ns)
{
	const uint64_t now = lf_clock_ns();
	const struct timespec rest = {.tv_nsec = now < until_ns ? (long)(until_ns - now) : 0};

	if (now < until_ns)
		nanosleep(&rest, NULL);
}

/* Waits until nothing is in flight, but not longer. */
static void drain(struct lf_rpc_server *server, unsigned timeout_ms)
{
	struct timespec until;
	uint64_t linger_ns;

	until = lf_clock_after_ns((uint64_t)timeout_ms * 1000000);
	pthread_mutex_lock(&server->lock);
	server->stopping = true;
	while (server->in_flight != 0)
		if (pthread_cond_timedwait(&server->quiet, &server->lock, &until) != 0)
			break;
	linger_ns = server->linger_ns;
	pthread_mutex_unlock(&server->lock);
	if (timeout_ms != 0)
		linger(linger_ns);
}

/* From here nothing is handed to nng. Returns what is still in flight. */
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

/* Once closed: waits for those who are on their way out of nng, which never blocks them. */
static void wait_outside(struct lf_rpc_server *server)
{
	const struct timespec moment = {.tv_nsec = 50 * 1000};

	while (atomic_load(&server->inside) != 0)
		nanosleep(&moment, NULL);
}

/*
 * Gets back what nng has. On a thread of its own, for nng_close() may never return: see the design notes in rpc.c.
 * Frees the server where nobody else is left to do it.
 */
static void *tear_down(void *argument)
{
	struct lf_rpc_server *server = argument;
	bool destroy;

	lf_watchdog_join(server);
	lf_listeners_close(server);
	nng_close(server->socket);
	pthread_mutex_lock(&server->lock);
	while (server->nng_owned != 0)
		pthread_cond_wait(&server->quiet, &server->lock);
	pthread_mutex_unlock(&server->lock);
	for (size_t i = 0; i < server->call_count; i++) {
		if (server->calls[i].aio != NULL)
			nng_aio_free(server->calls[i].aio);
		server->calls[i].aio = NULL;
	}
	pthread_mutex_lock(&server->lock);
	server->torn_down = true;
	pthread_cond_broadcast(&server->quiet);
	destroy = server->destroyed && server->in_flight == 0;
	pthread_mutex_unlock(&server->lock);
	if (destroy)
		lf_rpc_server_free(server);
	return NULL;
}

static void start_tear_down(struct lf_rpc_server *server)
{
	pthread_t thread;

	if (lf_thread_start(&thread, tear_down, server) == 0)
		pthread_detach(thread);
	else
		tear_down(server);
}

static void drop_queued(struct lf_rpc_server *server)
{
	struct lf_rpc_call *queued;

	pthread_mutex_lock(&server->lock);
	queued = server->queue_first;
	server->queue_first = server->queue_last = NULL;
	pthread_mutex_unlock(&server->lock);
	while (queued != NULL) {
		struct lf_rpc_call *next = queued->next;

		lf_rpc_call_change(queued, LF_CALL_QUEUED, LF_CALL_WORKING);
		lf_rpc_call_drop(queued);
		queued = next;
	}
}

size_t lf_rpc_server_stop(struct lf_rpc_server *server, unsigned timeout_ms)
{
	struct timespec until;
	size_t left;

	if (server->closed)
		return 0;
	lf_watchdog_halt(server);
	drain(server, timeout_ms);
	left = close_calls(server);
	wait_outside(server);
	if (lf_watchdog_await(server, LF_RPC_TEAR_DOWN_MS))
		lf_listeners_part(server);
	start_tear_down(server);
	for (size_t i = 0; i < server->workers_running; i++)
		pthread_join(server->workers[i], NULL);
	drop_queued(server);
	until = lf_clock_after_ns((uint64_t)LF_RPC_TEAR_DOWN_MS * 1000000);
	pthread_mutex_lock(&server->lock);
	while (!server->torn_down)
		if (pthread_cond_timedwait(&server->quiet, &server->lock, &until) != 0)
			break;
	pthread_mutex_unlock(&server->lock);
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
	last = server->in_flight == 0 && server->torn_down;
	pthread_mutex_unlock(&server->lock);
	if (last)
		lf_rpc_server_free(server);
}

void lf_rpc_server_counters(struct lf_rpc_server *server, struct lf_rpc_counters *counters)
{
	pthread_mutex_lock(&server->lock);
	*counters = server->counters;
	pthread_mutex_unlock(&server->lock);
}
