#include <stdlib.h>
#include <string.h>

#include "service/http/internal.h"

/*
 * The life of an exchange, and its request's body. Most requests fit the exchange's own memory; what is larger is on the
 * heap, counted against the server's budget, and grows by what has come, never by what was announced.
 */

enum { BODY_ROOM_MIN = 4096 };

/* ---- what arrives, and who makes room for it ---- */

static void give(struct lf_http_exchange *exchange, size_t bytes)
{
	if (bytes == 0)
		return;
	lf_rpc_server_give(exchange->http->server, bytes);
	exchange->conn->arriving -= bytes;
	exchange->http->arriving -= bytes;
}

static bool is_stream_of_requests(const struct lf_http_exchange *exchange)
{
	return exchange->handler != NULL && exchange->handler->more != NULL;
}

static bool may_be_given_up(const struct lf_http_exchange *exchange)
{
	if (exchange->over || exchange->whole || exchange->refused || exchange->handler == NULL)
		return false;
	return is_stream_of_requests(exchange) || (!exchange->served && !exchange->started);
}

/* Refuses a request that still arrives, and frees what of it is there. */
static void give_up(struct lf_http_exchange *exchange)
{
	struct lf_error error = LF_ERROR_INIT;

	lf_count(&exchange->http->counters.given_up);
	lf_error_set(&error, LF_RESOURCE_EXHAUSTED,
		"the request was still arriving when memory for others was needed: retry later");
	lf_http_exchange_refuse(exchange, &error);
	lf_error_clean_up(&error);
}

/*
 * Of a connection that has more than so many bytes arriving, more than any other, the largest request that still arrives is
 * given up. So what is small gets in, whatever others have begun. false: there is none.
 */
static bool make_room(struct lf_http *http, size_t more_than)
{
	struct lf_http_conn *most = NULL;
	struct lf_http_exchange *largest = NULL;

	for (struct lf_http_conn *conn = http->conns; conn != NULL; conn = conn->next)
		if (conn->arriving > more_than && (most == NULL || conn->arriving > most->arriving))
			most = conn;
	for (struct lf_http_exchange *exchange = most == NULL ? NULL : most->exchanges; exchange != NULL;
		exchange = exchange->next)
		if (may_be_given_up(exchange) && (largest == NULL || exchange->body_counted > largest->body_counted))
			largest = exchange;
	if (largest == NULL || largest->body_counted == 0)
		return false;
	give_up(largest);
	return true;
}

/* The same for exchanges: of the connection with the most, the first that still arrives. */
static void make_place(struct lf_http *http, size_t more_than)
{
	struct lf_http_conn *most = NULL;
	struct lf_http_exchange *exchange;

	for (struct lf_http_conn *conn = http->conns; conn != NULL; conn = conn->next)
		if (conn->exchange_count > more_than && (most == NULL || conn->exchange_count > most->exchange_count))
			most = conn;
	exchange = most == NULL ? NULL : most->exchanges;
	while (exchange != NULL && !may_be_given_up(exchange))
		exchange = exchange->next;
	if (exchange != NULL)
		give_up(exchange);
}

bool lf_http_exchange_take(struct lf_http_exchange *exchange, size_t bytes)
{
	struct lf_http_conn *conn = exchange->conn;
	struct lf_http *http = exchange->http;

	if (bytes > LF_HTTP_ARRIVING_CONN_MAX - conn->arriving)
		return false;
	while (http->arriving + bytes > LF_HTTP_ARRIVING_MAX || !lf_rpc_server_take(http->server, bytes))
		if (!make_room(http, conn->arriving + bytes))
			return false;
	conn->arriving += bytes;
	http->arriving += bytes;
	return true;
}

/* ---- the life of an exchange ---- */

/* One from the pool, or a new one. NULL: no memory. */
static struct lf_http_exchange *obtain(struct lf_http *http)
{
	struct lf_http_exchange *exchange = http->pool;
	struct lf_rpc_call *call;

	if (exchange != NULL) {
		http->pool = exchange->next;
		return exchange;
	}
	call = lf_rpc_call_new(http->server, http->transport, sizeof(*exchange));
	if (call == NULL)
		return NULL;
	exchange = lf_rpc_call_own(call);
	exchange->http = http;
	exchange->call = call;
	exchange->event.exchange = exchange;
	exchange->event.kind = LF_HTTP_FINISH;
	exchange->head = exchange->own_head;
	exchange->head_room = sizeof(exchange->own_head);
	exchange->headers = exchange->own_headers;
	exchange->header_room = LF_HTTP_HEADERS_OWN;
	atomic_init(&exchange->gone, false);
	exchange->all = http->all;
	http->all = exchange;
	return exchange;
}

static void link_to(struct lf_http_conn *conn, struct lf_http_exchange *exchange)
{
	exchange->conn = conn;
	exchange->next = NULL;
	exchange->previous = conn->exchanges_last;
	if (conn->exchanges_last != NULL)
		conn->exchanges_last->next = exchange;
	else
		conn->exchanges = exchange;
	conn->exchanges_last = exchange;
	conn->exchange_count++;
	conn->http->exchange_count++;
}

static void unlink_from(struct lf_http_conn *conn, struct lf_http_exchange *exchange)
{
	if (exchange->previous != NULL)
		exchange->previous->next = exchange->next;
	else
		conn->exchanges = exchange->next;
	if (exchange->next != NULL)
		exchange->next->previous = exchange->previous;
	else
		conn->exchanges_last = exchange->previous;
	LF_CHECK(X1, conn->exchange_count != 0 && conn->http->exchange_count != 0);
	conn->exchange_count--;
	conn->http->exchange_count--;
	conn->idle_ns = conn->http->loop.now_ns;
}

struct lf_http_exchange *lf_http_exchange_new(
	struct lf_http *http, struct lf_http_conn *conn, const struct lf_http_reply_ops *ops, uint64_t id)
{
	/* Who has few gets one more, however many others have. */
	const size_t max =
		conn->exchange_count < LF_HTTP_STREAMS_FEW ? 3 * LF_HTTP_EXCHANGES_MAX : 2 * LF_HTTP_EXCHANGES_MAX;
	struct lf_http_exchange *exchange;

	if (http->exchange_count >= LF_HTTP_EXCHANGES_MAX)
		make_place(http, conn->exchange_count + 1);
	if (conn->exchange_count >= LF_HTTP_STREAMS_MAX || http->exchange_count >= max)
		return NULL;
	exchange = obtain(http);
	if (exchange == NULL)
		return NULL;
	exchange->ops = ops;
	exchange->id = id;
	exchange->is_tls = conn->is_tls;
	exchange->arrived_ns = exchange->progress_ns = http->loop.now_ns;
	atomic_store_explicit(&exchange->gone, false, memory_order_relaxed);
	link_to(conn, exchange);
	return exchange;
}

static void free_parts(struct lf_http_exchange *exchange)
{
	while (exchange->first != NULL) {
		struct lf_http_part *part = exchange->first;

		exchange->first = part->next;
		lf_http_part_written(exchange, part);
	}
	exchange->last = NULL;
}

/* What a request has taken of the budget while its body arrived goes back, when dispatch counts it or it is freed. */
void lf_http_exchange_uncount_body(struct lf_http_exchange *exchange)
{
	give(exchange, exchange->body_counted);
	exchange->body_counted = 0;
}

static void free_body(struct lf_http_exchange *exchange)
{
	lf_http_exchange_uncount_body(exchange);
	free(exchange->body);
	exchange->body = NULL;
	exchange->body_length = exchange->body_room = exchange->body_taken = 0;
}

void lf_http_exchange_drop_body(struct lf_http_exchange *exchange)
{
	if (!exchange->served && !is_stream_of_requests(exchange))
		free_body(exchange);
}

/* All that is on the heap. */
static void free_memory(struct lf_http_exchange *exchange)
{
	free(exchange->body);
	free(exchange->piece);
	free(exchange->text);
	free(exchange->failure);
	lf_http_part_free(exchange->begun);
	if (exchange->head != exchange->own_head)
		free(exchange->head);
	if (exchange->headers != exchange->own_headers)
		free(exchange->headers);
}

/* Gives all back that an exchange holds, and leaves the rest to recycle(). */
static void clean_up(struct lf_http_exchange *exchange)
{
	lf_http_exchange_uncount_body(exchange);
	free_memory(exchange);
	give(exchange, exchange->counted);
	if (exchange->unsent_counted != 0)
		lf_rpc_server_give(exchange->http->server, exchange->unsent_counted);
	exchange->conn->unsent -= exchange->unsent_counted;
	exchange->http->unsent -= exchange->unsent_counted;
	if (exchange->reply_counted != 0)
		lf_rpc_server_give(exchange->http->server, exchange->reply_counted);
	/* Tokens, say. */
	explicit_bzero(exchange->own_head,
		exchange->head == exchange->own_head ? exchange->head_length : sizeof(exchange->own_head));
}

/* Both owners are done with it. */
static void recycle(struct lf_http_exchange *exchange)
{
	struct lf_http_conn *conn = exchange->conn;
	struct lf_http *http = exchange->http;

	LF_CHECK(X2, exchange->over && !exchange->served && !exchange->replying && exchange->first == NULL);
	clean_up(exchange);
	unlink_from(conn, exchange);
	memset(&exchange->ops, 0,
		offsetof(struct lf_http_exchange, own_headers) - offsetof(struct lf_http_exchange, ops));
	exchange->head = exchange->own_head;
	exchange->head_room = sizeof(exchange->own_head);
	exchange->headers = exchange->own_headers;
	exchange->header_room = LF_HTTP_HEADERS_OWN;
	exchange->next = http->pool;
	http->pool = exchange;
	lf_http_conn_wake(conn);
}

void lf_http_exchange_over(struct lf_http_exchange *exchange)
{
	const bool complete = exchange->finished && exchange->first == NULL;

	LF_CHECK(X2, !exchange->over);
	exchange->over = true;
	atomic_store(&exchange->gone, true);
	free_parts(exchange);
	if (exchange->replying) {
		exchange->replying = false;
		lf_rpc_turn_over(exchange->call, complete ? LF_RPC_SENT : LF_RPC_SEND_FAILED);
	}
	if (!exchange->served)
		recycle(exchange);
}

void lf_http_exchange_served(struct lf_http_exchange *exchange)
{
	exchange->served = false;
	if (!exchange->over) {
		exchange->replying = true;
		return;
	}
	lf_rpc_turn_over(exchange->call, LF_RPC_UNSENT);
	recycle(exchange);
}

void lf_http_exchange_replied(struct lf_http_exchange *exchange, size_t bytes)
{
	struct lf_http_conn *conn = exchange->conn;
	struct lf_http *http = exchange->http;

	/* Of what was sent in parts, each is given back when it is out, before the turn is over. */
	if (!exchange->replying || exchange->waits || exchange->over || atomic_load(&exchange->parts_out) != 0 ||
		conn->unsent + bytes > LF_HTTP_UNSENT_CONN_MAX || http->unsent + bytes > LF_HTTP_UNSENT_MAX ||
		!lf_rpc_server_take(http->server, bytes))
		return;
	exchange->unsent_counted = bytes;
	conn->unsent += bytes;
	http->unsent += bytes;
	exchange->replying = false;
	lf_rpc_turn_over(exchange->call, LF_RPC_SENT);
}

void lf_http_exchange_turn_over(struct lf_http_exchange *exchange)
{
	if (!exchange->replying)
		return;
	exchange->replying = false;
	lf_rpc_turn_over(exchange->call, exchange->over ? LF_RPC_SEND_FAILED : LF_RPC_SENT);
}

void lf_http_exchange_free(struct lf_http_exchange *exchange)
{
	while (exchange->first != NULL) {
		struct lf_http_part *part = exchange->first;

		exchange->first = part->next;
		lf_http_part_free(part);
	}
	lf_rpc_server_give(exchange->http->server,
		exchange->counted + exchange->body_counted + exchange->unsent_counted + exchange->reply_counted);
	free_memory(exchange);
	lf_rpc_call_free(exchange->call);
}

/* ---- the body ---- */

static enum lf_http_add grow_body(struct lf_http_exchange *exchange, size_t need)
{
	const size_t max = lf_rpc_server_options(exchange->http->server)->message_bytes_max + LF_HTTP_BODY_PREFIX_BYTES;
	size_t room = exchange->body_room == 0 ? BODY_ROOM_MIN : 2 * exchange->body_room;
	uint8_t *grown;

	if (need > max)
		return LF_HTTP_TOO_LARGE;
	while (room < need)
		room *= 2;
	if (room > max)
		room = max;
	if (!lf_http_exchange_take(exchange, room - exchange->body_counted))
		return LF_HTTP_NO_MEMORY;
	exchange->body_counted = room;
	grown = realloc(exchange->body, room);
	if (grown == NULL)
		return LF_HTTP_NO_MEMORY;
	exchange->body = grown;
	exchange->body_room = room;
	return LF_HTTP_ADDED;
}

enum lf_http_add lf_http_exchange_add_body(struct lf_http_exchange *exchange, const void *data, size_t length)
{
	enum lf_http_add added = LF_HTTP_ADDED;

	exchange->progress_ns = exchange->http->loop.now_ns;
	exchange->body_seen += length;
	if (exchange->refused || length == 0)
		return LF_HTTP_ADDED;
	if (exchange->body_length + length > exchange->body_room)
		added = grow_body(exchange, exchange->body_length + length);
	if (added != LF_HTTP_ADDED)
		return added;
	memcpy(exchange->body + exchange->body_length, data, length);
	exchange->body_length += length;
	return LF_HTTP_ADDED;
}

void lf_http_exchanges_go_on(struct lf_http_conn *conn)
{
	if (!conn->waits)
		return;
	conn->waits = false;
	for (struct lf_http_exchange *exchange = conn->exchanges; exchange != NULL; exchange = exchange->next) {
		if (!exchange->waits || exchange->over)
			continue;
		if (exchange->first != NULL) {
			conn->waits = true;
			continue;
		}
		exchange->waits = false;
		lf_http_exchange_turn_over(exchange);
		exchange->handler->more(exchange);
	}
}

bool lf_http_exchange_is_stuck(const struct lf_http_exchange *exchange, uint64_t now_ns)
{
	const uint64_t max_ns = (uint64_t)exchange->http->options.blocked_ms * 1000000;

	return exchange->started && (exchange->finished || exchange->waits) &&
		now_ns - exchange->reply_ns > max_ns + exchange->reply_sent * (1000000000 / LF_HTTP_RATE_MIN);
}

bool lf_http_exchange_is_late(const struct lf_http_exchange *exchange, uint64_t now_ns)
{
	const uint64_t max_ns = (uint64_t)exchange->http->options.body_ms * 1000000;

	/* Of a stream of requests a message must not come to a halt amid it; between two there may be long pauses. */
	if (is_stream_of_requests(exchange)) {
		const bool amid =
			!exchange->served && !exchange->waits && exchange->body_length != exchange->body_taken;
		const uint64_t since_ns =
			exchange->progress_ns > exchange->reply_ns ? exchange->progress_ns : exchange->reply_ns;

		return now_ns - since_ns > (amid ? max_ns : (uint64_t)exchange->http->options.idle_ms * 1000000);
	}
	return now_ns - exchange->progress_ns > max_ns ||
		now_ns - exchange->arrived_ns > max_ns + exchange->body_seen * (1000000000 / LF_HTTP_RATE_MIN);
}

void lf_http_exchange_explain(const struct lf_http_exchange *exchange, enum lf_http_add why, struct lf_error *error)
{
	if (why == LF_HTTP_TOO_LARGE && exchange->body_seen == 0)
		lf_error_set(error, LF_RESOURCE_EXHAUSTED,
			"the request's headers have more than %d bytes, or there are more than %d of them",
			LF_HTTP_HEAD_BYTES_MAX, LF_HTTP_HEADERS_MAX);
	else if (why == LF_HTTP_TOO_LARGE)
		lf_error_set(error, LF_RESOURCE_EXHAUSTED,
			"the request has more than %zu bytes, the limit of a message",
			lf_rpc_server_options(exchange->http->server)->message_bytes_max);
	else if (why == LF_HTTP_NO_MEMORY)
		lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for the request: retry later");
	else
		lf_error_set(error, LF_INVALID_ARGUMENT, "the request's head is malformed");
}

void lf_http_exchange_refuse(struct lf_http_exchange *exchange, const struct lf_error *error)
{
	if (exchange->refused)
		return;
	exchange->refused = true;
	if (!exchange->started && !exchange->served) {
		exchange->handler->refuse(exchange, error);
	} else if (is_stream_of_requests(exchange) && !exchange->finished) {
		/* Amid its replies there is no place for the error's words. */
		free_body(exchange);
		if (!exchange->over)
			exchange->ops->abort(exchange);
	}
}
