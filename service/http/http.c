#include "service/http/http.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "proto/base/clock.h"
#include "proto/base/limits.h"
#include "proto/base/thread.h"
#include "service/http/internal.h"
#include "service/http/tls.h"

/* The life of the transport: made, started, closed, freed; and what there is of protocols and routes. */

enum {
	PER_ADDRESS = 256,
	KEPT = 32,
	HALF_MS = 10 * 1000,
	BODY_MS = 30 * 1000,
	BLOCKED_MS = 10 * 1000,
	IDLE_MS = 10 * 60 * 1000,
	TICK_MS = 500,
	DRAIN_TICK_MS = 50,
	DRAINED_MS = 1000, /* at stop, for replies to leave */
};

static lf_http_match *const routes[] = {
	lf_http_match_origin,
	lf_http_match_grpc,
	lf_http_match_connect,
	lf_http_match_resource,
	NULL,
};

static void draining(void *self);
static void drained(void *self);
static void close_down(void *self);
static void free_all(void *self);

static const struct lf_rpc_transport transport = {
	.name = "http",
	.reply_overhead = sizeof(struct lf_http_part) + LF_HTTP_PART_PREFIX + LF_HTTP_PART_SPARE,
	.quick_max = 1, /* one thread has all connections */
	.begin = lf_http_call_begin,
	.append = lf_http_call_append,
	.drop = lf_http_call_drop,
	.fail = lf_http_call_fail,
	.send_part = lf_http_call_send_part,
	.translate = lf_http_call_translate,
	.is_gone = lf_http_call_is_gone,
	.release = lf_http_call_release,
	.finish = lf_http_call_finish,
	.draining = draining,
	.drained = drained,
	.close = close_down,
	.free = free_all,
};

/* ---- the loop's turns ---- */

static bool is_quiet(const struct lf_http *http)
{
	for (const struct lf_http_conn *conn = http->conns; conn != NULL; conn = conn->next)
		if (conn->exchange_count != 0 || conn->output_end != conn->output_first)
			return false;
	return true;
}

static void turn(void *context)
{
	struct lf_http *http = context;
	const bool is_draining = atomic_load_explicit(&http->draining, memory_order_relaxed);

	if (is_draining && http->loop.tick_ms != DRAIN_TICK_MS) {
		http->loop.tick_ms = DRAIN_TICK_MS;
		http->loop.next_tick_ns = 0;
	}
	lf_http_events_work(http);
	lf_http_conns_settle(http);
	if (is_draining && is_quiet(http)) {
		pthread_mutex_lock(&http->lock);
		http->quiet = true;
		pthread_cond_broadcast(&http->changed);
		pthread_mutex_unlock(&http->lock);
	}
}

static bool has_work(void *context)
{
	struct lf_http *http = context;

	return http->dirty != NULL || atomic_load(&http->events) != NULL;
}

static void tick(void *context)
{
	struct lf_http *http = context;

	lf_http_conns_tick(http);
}

static void *run(void *context)
{
	struct lf_http *http = context;

	lf_loop_run(&http->loop);
	return NULL;
}

/* ---- made ---- */

static enum lf_code no_memory(struct lf_error *error)
{
	return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for the HTTP transport");
}

static void fill_in(struct lf_http_options *options)
{
	if (options->connections_max == 0)
		options->connections_max = LF_CONNECTIONS_MAX;
	if (options->connections_per_address == 0)
		options->connections_per_address = PER_ADDRESS;
	if (options->connections_kept == 0)
		options->connections_kept = options->connections_max < 2 * KEPT ? options->connections_max / 2 : KEPT;
	if (options->half_ms == 0)
		options->half_ms = HALF_MS;
	if (options->body_ms == 0)
		options->body_ms = BODY_MS;
	if (options->blocked_ms == 0)
		options->blocked_ms = BLOCKED_MS;
	if (options->idle_ms == 0)
		options->idle_ms = IDLE_MS;
	if (options->tick_ms == 0)
		options->tick_ms = TICK_MS;
}

/* What needs undoing, but for http itself. */
static bool set_up(struct lf_http *http)
{
	http->loop.turn = turn;
	http->loop.has_work = has_work;
	http->loop.tick = tick;
	http->loop.tick_ms = http->options.tick_ms;
	http->loop.context = http;
	if (pthread_mutex_init(&http->lock, NULL) != 0)
		return false;
	if (lf_cond_init(&http->changed) != 0)
		goto undo_lock;
	http->read_buffer = malloc(LF_HTTP_READ_BYTES);
	if (http->read_buffer == NULL)
		goto undo_changed;
	if (!lf_loop_init(&http->loop))
		goto undo_buffer;
	http->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return true;

undo_buffer:
	free(http->read_buffer);
undo_changed:
	pthread_cond_destroy(&http->changed);
undo_lock:
	pthread_mutex_destroy(&http->lock);
	return false;
}

static void tear_down(struct lf_http *http)
{
	lf_http_tls_free(http->tls);
	if (http->spare_fd >= 0)
		close(http->spare_fd);
	lf_loop_clean_up(&http->loop);
	free(http->read_buffer);
	pthread_cond_destroy(&http->changed);
	pthread_mutex_destroy(&http->lock);
	free(http);
}

/* What figures of calls are by: the names of dialects. */
static const char *const protocols[] = {"grpc", "grpc-web", "connect", "http"};

enum lf_code lf_http_new(struct lf_http **out, struct lf_rpc_server *server, const struct lf_http_options *options,
	struct lf_error *error)
{
	struct lf_http *http = calloc(1, sizeof(*http));

	*out = NULL;
	if (http == NULL)
		return no_memory(error);
	if (options != NULL)
		http->options = *options;
	fill_in(&http->options);
	http->server = server;
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
		lf_rpc_server_protocol(server, protocols[i]);
	http->transport = &transport;
	http->routes = routes;
	http->h2 = &lf_http_h2;
	http->h1 = &lf_http_h1;
	if (!set_up(http)) {
		free(http);
		return no_memory(error);
	}
	if (http->options.certificate != NULL) {
		http->tls = lf_http_tls_new(http->options.certificate);
		http->tls_begin = lf_http_tls_begin;
		if (http->tls == NULL) {
			tear_down(http);
			return no_memory(error);
		}
	}
	if (lf_rpc_server_attach(server, &transport, http, error) != LF_OK) {
		tear_down(http);
		return error->code;
	}
	*out = http;
	return LF_OK;
}

enum lf_code lf_http_start(struct lf_http *http, struct lf_error *error)
{
	enum lf_code code = lf_rpc_server_start(http->server, error);

	if (code != LF_OK || http->started)
		return code;
	if (!lf_http_listeners_start(http) || lf_thread_start(&http->thread, run, http) != 0) {
		lf_rpc_server_stop(http->server, 0);
		return no_memory(error);
	}
	http->started = true;
	return LF_OK;
}

const struct lf_histogram *lf_http_lag(const struct lf_http *http, const struct lf_buckets **buckets)
{
	*buckets = &lf_loop_lag_buckets;
	return &http->loop.lag;
}

void lf_http_counters(const struct lf_http *http, struct lf_http_counters *counters)
{
	const struct lf_http_counts *counts = &http->counters;

	*counters = (struct lf_http_counters){
		.accepted = atomic_load(&counts->accepted),
		.refused = atomic_load(&counts->refused),
		.open = atomic_load(&counts->open),
		.closed_half = atomic_load(&counts->closed_half),
		.closed_blocked = atomic_load(&counts->closed_blocked),
		.closed_idle = atomic_load(&counts->closed_idle),
		.closed_protocol = atomic_load(&counts->closed_protocol),
		.closed_tls = atomic_load(&counts->closed_tls),
		.closed_peer = atomic_load(&counts->closed_peer),
		.wrong_tokens = atomic_load(&counts->wrong_tokens),
		.given_up = atomic_load(&counts->given_up),
	};
}

/* ---- closed ---- */

/* On the thread of lf_rpc_server_stop(), as the next ones. The loop tells the peers. */
static void draining(void *self)
{
	struct lf_http *http = self;

	atomic_store(&http->draining, true);
	lf_loop_wake(&http->loop);
}

/* Replies that are complete leave, as long as their peers take them. */
static void drained(void *self)
{
	struct lf_http *http = self;
	const struct timespec until = lf_clock_after_ns((uint64_t)DRAINED_MS * 1000000);

	if (!http->started)
		return;
	lf_loop_wake(&http->loop);
	pthread_mutex_lock(&http->lock);
	while (!http->quiet)
		if (pthread_cond_timedwait(&http->changed, &http->lock, &until) != 0)
			break;
	pthread_mutex_unlock(&http->lock);
}

static void close_down(void *self)
{
	struct lf_http *http = self;
	const struct timespec moment = {.tv_nsec = 50 * 1000};

	atomic_store(&http->closed, true);
	while (atomic_load(&http->inside) != 0)
		nanosleep(&moment, NULL);
	if (http->started) {
		lf_loop_stop(&http->loop);
		pthread_join(http->thread, NULL);
	}
	/* From here this thread is the loop's. */
	lf_http_events_work(http);
	lf_http_listeners_close(http);
	for (struct lf_http_conn *conn = http->conns; conn != NULL; conn = conn->next)
		lf_http_conn_close(conn);
	lf_http_conns_settle(http);
	lf_rpc_closed(http->server);
}

/* Whatever is still there: calls that methods have held until now have been answered, and nobody wanted it. */
static void free_all(void *self)
{
	struct lf_http *http = self;

	while (http->all != NULL) {
		struct lf_http_exchange *next = http->all->all;

		lf_http_exchange_free(http->all);
		http->all = next;
	}
	while (http->conns != NULL) {
		struct lf_http_conn *next = http->conns->next;

		lf_http_conn_destroy(http->conns);
		http->conns = next;
	}
	tear_down(http);
}
