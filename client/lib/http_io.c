#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "client/lib/http.h"

/*
 * Design notes: the thread of a client over HTTP/2
 *
 * One thread does all: it connects, reads, writes, and runs the closures of calls that have been answered. Nothing else
 * touches connections, sessions and streams. It is woken through wake_fd, but only where it sleeps: while it is busy,
 * whatever gathers in the outbox is taken in one turn, and leaves in one write.
 *
 * A turn: take the notes of other threads and start requests, write, end the calls that are done, wait, read.
 *
 * One connection takes requests (current). One from which the server sends us away (GOAWAY), or that has no more stream
 * ids, ends when its last call is answered, and meanwhile the next one is dialled.
 */

/* ---- the connection's ups and downs ---- */

/* When to dial again after a connection, or after none (NULL). */
static void plan_dial(struct lf_client_http *http, const struct lf_client_http_conn *conn)
{
	struct lf_client *client = http->client;
	const int64_t now = lf_now_ms();

	if (conn != NULL && (lf_client_http_answered(conn->session) > 0 || now - conn->since_ms >= LF_STABLE_MS)) {
		http->pause_ms = LF_REDIAL_MS_MIN;
		http->redial_ms = now;
		return;
	}
	pthread_mutex_lock(&client->mutex);
	http->redial_ms = now + lf_jitter(client, http->pause_ms);
	pthread_mutex_unlock(&client->mutex);
	http->pause_ms = lf_link_next_pause(client, http->pause_ms);
}

/* It takes no more requests. What waits for it, and what it was given and has not begun to send, goes over the next one. */
static void leave(struct lf_client_http *http, const char *reason)
{
	struct lf_client *client = http->client;
	struct lf_client_http_conn *conn = http->current;
	struct lf_client_http_ended stopped = {.first = NULL};
	struct lf_client_http_stream *stream;

	stopped.end = &stopped.first;
	plan_dial(http, conn);
	http->current = NULL;
	pthread_mutex_lock(&client->mutex);
	lf_link_down(client, reason);
	lf_client_http_put_back(http);
	while ((stream = lf_client_http_take_unsent(conn->session)) != NULL)
		lf_client_http_lose_call(client, stream, reason, &stopped);
	pthread_mutex_unlock(&client->mutex);
	lf_client_http_settle(client, &stopped);
}

/* A connection is dead: ends its calls, and closes it. */
static void lose(struct lf_client_http *http, struct lf_client_http_conn *conn)
{
	struct lf_client *client = http->client;
	struct lf_client_http_ended lost = {.first = NULL};
	struct lf_client_http_stream *stream;

	lost.end = &lost.first;
	lf_client_http_give_answers(http, conn);
	if (conn == http->current)
		leave(http, conn->reason);
	pthread_mutex_lock(&client->mutex);
	while ((stream = lf_client_http_take_open(conn->session)) != NULL)
		lf_client_http_lose_call(client, stream, conn->reason, &lost);
	pthread_mutex_unlock(&client->mutex);
	lf_client_http_conn_close(conn);
	lf_client_http_settle(client, &lost);
	lf_pump(client); /* those of which nothing was written wait again */
}

/* One to dial over, or NULL: each is in use, or there is no memory. */
static struct lf_client_http_conn *unused_conn(struct lf_client_http *http)
{
	for (size_t i = 0; i < LF_HTTP_CONNECTIONS_MAX; i++) {
		if (http->conns[i] == NULL) {
			http->conns[i] = malloc(sizeof(*http->conns[i]));
			if (http->conns[i] == NULL)
				return NULL;
			memset(http->conns[i], 0, offsetof(struct lf_client_http_conn, out));
			http->conns[i]->socket = -1;
		}
		if (http->conns[i]->state == LF_HTTP_UNUSED)
			return http->conns[i];
	}
	return NULL;
}

static void on_dialled(
	struct lf_client_http *http, struct lf_client_http_conn *conn, enum lf_client_http_dialled dialled)
{
	struct lf_client *client = http->client;

	if (dialled == LF_HTTP_FAILED)
		plan_dial(http, NULL);
	else
		http->current = conn;
	pthread_mutex_lock(&client->mutex);
	if (dialled == LF_HTTP_FAILED)
		lf_link_set_reason(client, http->dial.reason);
	client->link_refused = http->dial.refused;
	if (dialled == LF_HTTP_CONNECTED)
		lf_link_up(client, conn->number);
	lf_link_tried(client);
	pthread_mutex_unlock(&client->mutex);
	if (dialled != LF_HTTP_FAILED)
		lf_pump(client);
}

/* Begins a dial where one is due, and goes on with it. */
static void dial(struct lf_client_http *http)
{
	struct lf_client_http_conn *conn = http->dial.conn;
	enum lf_client_http_dialled dialled;

	if (http->current != NULL)
		return;
	if (conn == NULL) {
		if (lf_now_ms() < http->redial_ms)
			return;
		conn = unused_conn(http);
		if (conn == NULL) {
			http->dial.refused = false;
			snprintf(http->dial.reason, sizeof(http->dial.reason),
				"out of memory, or too many connections that end");
			on_dialled(http, NULL, LF_HTTP_FAILED);
			return;
		}
		http->number = http->number == UINT32_MAX ? 1 : http->number + 1;
		lf_client_http_dial_begin(&http->dial, conn, http->number);
	}
	dialled = lf_client_http_dial_go_on(&http->dial);
	if (dialled != LF_HTTP_DIALLING)
		on_dialled(http, conn, dialled);
}

/* What has become of a connection that was made. */
static void look_at(struct lf_client_http *http, struct lf_client_http_conn *conn)
{
	if (conn->state == LF_HTTP_OPEN && lf_client_http_is_ending(conn->session)) {
		conn->state = LF_HTTP_ENDING;
		leave(http, "the server is going away");
	}
	if (conn->state == LF_HTTP_OPEN || conn->state == LF_HTTP_ENDING)
		lf_client_http_give_answers(http, conn);
	if (conn->state == LF_HTTP_ENDING && lf_client_http_open_count(conn->session) == 0) {
		lf_client_http_goodbye(conn->session);
		lf_client_http_conn_write(conn);
		lf_client_http_conn_break(conn, "the server is going away");
	}
	if (conn->state == LF_HTTP_DEAD && conn != http->dial.conn)
		lose(http, conn);
}

/* ---- the thread ---- */

static void look_at_all(struct lf_client_http *http)
{
	for (size_t i = 0; i < LF_HTTP_CONNECTIONS_MAX; i++)
		if (http->conns[i] != NULL && http->conns[i]->state != LF_HTTP_UNUSED)
			look_at(http, http->conns[i]);
}

static void write_all(struct lf_client_http *http)
{
	for (size_t i = 0; i < LF_HTTP_CONNECTIONS_MAX; i++)
		if (http->conns[i] != NULL)
			lf_client_http_conn_write(http->conns[i]);
}

/* When there is something to do though nothing happens. */
static int64_t next_due(struct lf_client_http *http)
{
	int64_t due = INT64_MAX, now = lf_now_ms();

	if (http->dial.conn != NULL)
		due = lf_client_http_dial_due(&http->dial);
	else if (http->current == NULL)
		due = http->redial_ms;
	for (size_t i = 0; i < LF_HTTP_CONNECTIONS_MAX; i++) {
		if (http->conns[i] != NULL) {
			const int64_t watch = lf_client_http_conn_watch(http->conns[i], now);

			due = watch < due ? watch : due;
		}
	}
	return due;
}

/* Whether a turn is due at once. If not, whoever has something for this thread wakes it from now on. */
static bool fall_asleep(struct lf_client_http *http)
{
	struct lf_client *client = http->client;
	bool busy = false;

	for (size_t i = 0; i < LF_HTTP_CONNECTIONS_MAX; i++)
		busy = busy ||
			(http->conns[i] != NULL && http->conns[i]->state != LF_HTTP_UNUSED && http->conns[i]->more);
	pthread_mutex_lock(&client->mutex);
	if (http->stop_wanted || (client->closing && client->live == 0) ||
		(http->outbox_first != NULL && http->current != NULL &&
			lf_client_http_room(http->current->session) > 0))
		busy = true;
	http->asleep = !busy;
	pthread_mutex_unlock(&client->mutex);
	return !busy;
}

static short events_of(const struct lf_client_http_conn *conn)
{
	if (conn->state == LF_HTTP_CONNECTING)
		return POLLOUT;
	return (short)(conn->wants_write ? POLLIN | POLLOUT : POLLIN);
}

/* Waits, then reads. */
static void wait_and_read(struct lf_client_http *http)
{
	struct pollfd ready[LF_HTTP_CONNECTIONS_MAX + 1] = {{.fd = http->wake_fd, .events = POLLIN}};
	const int64_t due = next_due(http), left = due - lf_now_ms();
	int timeout = due == INT64_MAX ? -1 : left < 0 ? 0 : left > 60000 ? 60000 : (int)left;
	uint64_t count;

	for (size_t i = 0; i < LF_HTTP_CONNECTIONS_MAX; i++) {
		const struct lf_client_http_conn *conn = http->conns[i];

		ready[1 + i].fd = conn != NULL ? conn->socket : -1; /* poll() passes over -1 */
		ready[1 + i].events = conn != NULL ? events_of(conn) : 0;
	}
	if (!fall_asleep(http))
		timeout = 0;
	if (poll(ready, LF_HTTP_CONNECTIONS_MAX + 1, timeout) < 0)
		return; /* EINTR */
	if (ready[0].revents != 0)
		(void)!read(http->wake_fd, &count, sizeof(count));
	for (size_t i = 0; i < LF_HTTP_CONNECTIONS_MAX; i++)
		if (http->conns[i] != NULL && ((ready[1 + i].revents & ~POLLOUT) != 0 || http->conns[i]->more))
			lf_client_http_conn_read(http->conns[i], http->in, lf_now_ms());
}

/* Says goodbye, and closes. */
static void close_all(struct lf_client_http *http)
{
	lf_client_http_dial_end(&http->dial);
	for (size_t i = 0; i < LF_HTTP_CONNECTIONS_MAX; i++) {
		struct lf_client_http_conn *conn = http->conns[i];

		if (conn == NULL)
			continue;
		if (conn->state != LF_HTTP_UNUSED) {
			if (conn->state == LF_HTTP_OPEN)
				lf_client_http_goodbye(conn->session);
			lf_client_http_conn_write(conn);
			lf_client_http_conn_close(conn);
		}
		free(conn);
		http->conns[i] = NULL;
	}
	http->current = NULL;
}

static void *http_main(void *arg)
{
	struct lf_client *client = arg;
	struct lf_client_http *http = client->own;

	while (lf_client_http_take_notes(http)) {
		dial(http);
		write_all(http);
		look_at_all(http);
		wait_and_read(http);
		look_at_all(http);
	}
	close_all(http);
	pthread_mutex_lock(&client->mutex);
	client->connection = 0;
	client->connector_runs = false;
	lf_link_tried(client);
	pthread_cond_broadcast(&client->idle_cond);
	lf_keeper_wake(client, INT64_MIN + 1);
	pthread_mutex_unlock(&client->mutex);
	return NULL;
}

/* ---- making and ending ---- */

static void http_close(struct lf_client *client)
{
	lf_client_http_wake(client->own);
}

static bool http_connect(struct lf_client *client)
{
	pthread_t thread;

	client->connector_runs = lf_thread_start(&thread, http_main, client) == 0;
	if (client->connector_runs)
		pthread_detach(thread);
	return client->connector_runs;
}

static enum lf_code http_open(struct lf_client *client, const struct lf_client_tls *tls, struct lf_error *error)
{
	struct lf_client_http *http = calloc(1, sizeof(*http));

	if (http == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
	client->own = http;
	http->client = client;
	http->pause_ms = LF_REDIAL_MS_MIN;
	http->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	http->streams = calloc(client->in_flight_max, sizeof(*http->streams));
	if (http->wake_fd < 0 || http->streams == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory or file descriptors");
	for (size_t i = client->in_flight_max; i-- > 0;)
		lf_slot_add(client, &http->streams[i].slot);
	if (client->address.scheme == LF_URL_HTTPS && lf_tls_context_new(&http->tls, tls, error) != LF_OK)
		return error != NULL ? error->code : LF_INVALID_ARGUMENT;
	http->dial = (struct lf_client_http_dial){.client = client, .tls = http->tls, .wake_fd = http->wake_fd};
	return LF_OK;
}

/* Nothing of it blocks, and a lookup may still want to wake: see http_free(). */
static void http_tear_down(struct lf_client *client)
{
	(void)client;
}

static void http_free(struct lf_client *client)
{
	struct lf_client_http *http = client->own;

	if (http->wake_fd >= 0)
		close(http->wake_fd);
	if (http->streams != NULL)
		for (size_t i = 0; i < client->in_flight_max; i++)
			lf_client_http_stream_clean_up(&http->streams[i]);
	free(http->streams);
	lf_tls_context_free(http->tls);
	free(http);
	client->own = NULL;
}

const struct lf_client_transport lf_client_http_transport = {
	.open = http_open,
	.connect = http_connect,
	.new_request = lf_client_http_new_request,
	.free_request = lf_client_http_free_request,
	.send = lf_client_http_send,
	.flush = lf_client_http_flush,
	.cancel = lf_client_http_cancel_call,
	.close = http_close,
	.tear_down = http_tear_down,
	.free = http_free,
};
