#include <stdlib.h>
#include <string.h>

#include "service/http/h1.h"

/*
 * HTTP/1.1. One request of a connection is read or answered at a time. What a peer sends behind it (pipelining) is held
 * back, and nothing more is read until its turn has come: so replies are in order, and what a peer may have sent ahead
 * is bounded by one read.
 *
 *	        bytes            end of the request         reply written
 *	IDLE ───────► READING ──────────────────► ANSWERING ──────────────► IDLE, and on with what was held
 *
 * A reply may begin while the request is still read (it was refused): then the connection closes behind it, as where
 * anything of the request could not be read.
 */

enum {
	IDLE_PART = 5,                /* of idle_ms: without many requests on a connection, a new one costs little */
	ANNOUNCED_SPARE = 512 * 1024, /* a body longer than a message by this much is not read at all */
};

/* ---- the request ---- */

/* Headers about the connection, not about the request; HTTP/2 has none of them. */
static bool is_of_connection(struct lf_slice name)
{
	static const char *const names[] = {"connection", "keep-alive", "proxy-connection", "transfer-encoding",
		"upgrade", "http2-settings", "expect"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (lf_slice_is(name, names[i]))
			return true;
	return false;
}

static struct lf_slice text_of(const char *text)
{
	return (struct lf_slice){text, strlen(text)};
}

static enum lf_http_add add_head(struct lf_http_exchange *exchange, const struct lf_h1_head *head)
{
	enum lf_http_add added = lf_http_exchange_add_header(exchange, text_of(":method"), head->method);

	if (added == LF_HTTP_ADDED)
		added = lf_http_exchange_add_header(
			exchange, text_of(":scheme"), text_of(exchange->conn->is_tls ? "https" : "http"));
	if (added == LF_HTTP_ADDED)
		added = lf_http_exchange_add_header(exchange, text_of(":path"), head->target);
	if (added == LF_HTTP_ADDED && head->authority.data != NULL)
		added = lf_http_exchange_add_header(exchange, text_of(":authority"), head->authority);
	for (size_t i = 0; i < head->header_count && added == LF_HTTP_ADDED; i++)
		if (!is_of_connection(head->headers[i].key))
			added = lf_http_exchange_add_header(exchange, head->headers[i].key, head->headers[i].value);
	return added == LF_HTTP_ADDED ? lf_http_exchange_head_done(exchange) : added;
}

static void refuse(struct lf_http_exchange *exchange, enum lf_http_add why)
{
	struct lf_error error = LF_ERROR_INIT;

	lf_http_exchange_explain(exchange, why, &error);
	lf_http_exchange_refuse(exchange, &error);
	lf_error_clean_up(&error);
}

static void on_head(void *context, const struct lf_h1_head *head)
{
	struct lf_http_conn *conn = context;
	struct lf_h1 *h1 = conn->engine;
	struct lf_http_exchange *exchange = lf_http_exchange_new(conn->http, conn, &lf_h1_reply_ops, ++h1->last_id);
	const size_t max = lf_rpc_server_options(conn->http->server)->message_bytes_max;
	enum lf_http_add added;

	conn->half_ns = 0;
	h1->exchange = exchange;
	h1->keep_alive = head->keep_alive;
	h1->minor = head->minor;
	h1->is_head = head->method.length == 4 && memcmp(head->method.data, "HEAD", 4) == 0;
	h1->has_body = head->chunked || head->content_length != 0;
	h1->chunked = h1->in_part = false;
	if (exchange == NULL) {
		lf_h1_say_and_close(conn, 503, "no memory for the request: retry later");
		return;
	}
	added = add_head(exchange, head);
	if (added != LF_HTTP_ADDED) {
		lf_h1_say_and_close(conn,
			added == LF_HTTP_TOO_LARGE           ? 431
				: added == LF_HTTP_MALFORMED ? 400
							     : 503,
			added == LF_HTTP_TOO_LARGE           ? "the headers together are too large"
				: added == LF_HTTP_MALFORMED ? "a header is malformed"
							     : "no memory for the request: retry later");
		return;
	}
	lf_http_route(exchange);
	if (head->content_length > (uint64_t)max + ANNOUNCED_SPARE)
		refuse(exchange, LF_HTTP_TOO_LARGE);
	else if (head->expects_continue && !exchange->started && h1->has_body)
		lf_h1_put(conn, "HTTP/1.1 100 Continue\r\n\r\n", 25);
}

static bool on_body(void *context, const uint8_t *data, size_t length)
{
	struct lf_http_conn *conn = context;
	struct lf_h1 *h1 = conn->engine;
	struct lf_http_exchange *exchange = h1->exchange;
	enum lf_http_add added;

	if (exchange == NULL || exchange->refused || exchange->started)
		return true; /* thrown away */
	added = lf_http_exchange_add_body(exchange, data, length);
	if (added != LF_HTTP_ADDED)
		refuse(exchange, added);
	else if (exchange->handler->more != NULL)
		exchange->handler->more(exchange);
	return true;
}

static void on_end(void *context)
{
	struct lf_http_conn *conn = context;
	struct lf_h1 *h1 = conn->engine;

	if (h1->exchange != NULL)
		lf_http_whole(h1->exchange);
}

static const struct lf_h1_events events = {on_head, on_body, on_end};

/* ---- bytes in ---- */

static void drop_held(struct lf_http_conn *conn)
{
	struct lf_h1 *h1 = conn->engine;

	free(h1->held);
	lf_rpc_server_give(conn->http->server, h1->held_room);
	h1->held = NULL;
	h1->held_first = h1->held_end = h1->held_room = 0;
	conn->held = false;
}

/* Room for so much of it in all, of the server's budget. */
static bool grow_held(struct lf_http_conn *conn, size_t room)
{
	struct lf_h1 *h1 = conn->engine;
	uint8_t *grown;

	if (!lf_rpc_server_take(conn->http->server, room - h1->held_room))
		return false;
	grown = realloc(h1->held, room);
	if (grown == NULL) {
		lf_rpc_server_give(conn->http->server, room - h1->held_room);
		return false;
	}
	h1->held = grown;
	h1->held_room = room;
	return true;
}

/*
 * Keeps what came behind the request, until that is answered. Where memory is short it is thrown away, and the connection
 * closes behind the reply: then the peer knows what was not read.
 */
static void hold(struct lf_http_conn *conn, const uint8_t *bytes, size_t length)
{
	struct lf_h1 *h1 = conn->engine;
	const size_t held = h1->held_end - h1->held_first;

	if (length == 0)
		return;
	if (h1->held_first != 0)
		memmove(h1->held, h1->held + h1->held_first, held);
	h1->held_first = 0;
	h1->held_end = held;
	if (held + length > h1->held_room && !grow_held(conn, held + length)) {
		h1->leaving = true;
		return;
	}
	memcpy(h1->held + held, bytes, length);
	h1->held_end = held + length;
	conn->held = true;
}

/* Reads on, up to the end of one request. Returns how many bytes were taken. */
static size_t read_on(struct lf_http_conn *conn, const uint8_t *bytes, size_t length)
{
	struct lf_h1 *h1 = conn->engine;
	size_t taken = lf_h1_parser_feed(&h1->parser, bytes, length);

	if (h1->parser.place == LF_H1_FAILED)
		lf_h1_say_and_close(conn, (unsigned)h1->parser.status, h1->parser.problem);
	if (h1->parser.place != LF_H1_HEAD)
		conn->half_ns = 0;
	else if (conn->half_ns == 0)
		conn->half_ns = conn->http->loop.now_ns;
	return h1->failed || h1->parser.place == LF_H1_FAILED ? length : taken;
}

/* Whether the next byte belongs to a request that is to be read now. */
static bool may_read(const struct lf_h1 *h1)
{
	if (h1->failed || h1->parser.place == LF_H1_FAILED)
		return false;
	if (h1->parser.place == LF_H1_BODY)
		return true;
	return !h1->leaving && h1->exchange == NULL;
}

/* What was held, as far as it may be read now. */
static void read_held(struct lf_http_conn *conn)
{
	struct lf_h1 *h1 = conn->engine;

	while (h1->held_first < h1->held_end && may_read(h1))
		h1->held_first += read_on(conn, h1->held + h1->held_first, h1->held_end - h1->held_first);
	if (h1->held_first == h1->held_end || h1->failed)
		drop_held(conn);
}

static enum lf_http_next feed(struct lf_http_conn *conn, const uint8_t *bytes, size_t length)
{
	struct lf_h1 *h1 = conn->engine;
	size_t taken = 0;

	if (h1->failed || h1->broken)
		return h1->broken ? LF_HTTP_DROP : LF_HTTP_CLOSE;
	if (h1->held_first == h1->held_end && may_read(h1))
		taken = read_on(conn, bytes, length);
	if (!h1->failed && h1->parser.place != LF_H1_FAILED)
		hold(conn, bytes + taken, length - taken);
	return h1->broken ? LF_HTTP_DROP : LF_HTTP_GO_ON;
}

static enum lf_http_next end(struct lf_http_conn *conn)
{
	struct lf_h1 *h1 = conn->engine;

	h1->ended = true;
	/* Of who follows a stream and ends their side, most have gone; and what may not come for hours would not find it out. */
	if (h1->exchange != NULL && h1->exchange->started && !h1->exchange->finished)
		return LF_HTTP_DROP;
	if (h1->exchange != NULL && h1->parser.place == LF_H1_BEFORE) {
		lf_http_conn_wake(conn);
		return LF_HTTP_GO_ON; /* it may still read: the request is whole */
	}
	return LF_HTTP_CLOSE;
}

/* ---- bytes out ---- */

static enum lf_http_next fill(struct lf_http_conn *conn)
{
	struct lf_h1 *h1 = conn->engine;

	while (!h1->broken && !h1->failed && lf_http_conn_room(conn) != 0) {
		if (h1->exchange == NULL) {
			if (h1->held_first == h1->held_end || !may_read(h1))
				break;
			read_held(conn);
		} else if (h1->exchange->first != NULL)
			lf_h1_write_part(conn);
		else if (h1->exchange->finished)
			lf_h1_turn_over(conn);
		else
			break;
	}
	if (h1->broken)
		return LF_HTTP_DROP;
	if (h1->failed)
		return LF_HTTP_CLOSE;
	if (h1->ended && h1->held_first == h1->held_end && (h1->exchange == NULL || h1->parser.place == LF_H1_BODY))
		return LF_HTTP_CLOSE;
	if (h1->leaving && h1->exchange == NULL)
		return LF_HTTP_CLOSE;
	return LF_HTTP_GO_ON;
}

/* ---- time, and the end ---- */

static enum lf_http_next tick(struct lf_http_conn *conn, uint64_t now_ns)
{
	const struct lf_h1 *h1 = conn->engine;
	const uint64_t idle_ns = (uint64_t)conn->http->options.idle_ms * 1000000 / IDLE_PART;

	if (h1->exchange == NULL)
		return h1->parser.place == LF_H1_BEFORE && now_ns > conn->idle_ns + idle_ns ? LF_HTTP_CLOSE
											    : LF_HTTP_GO_ON;
	if (h1->exchange->whole || !lf_http_exchange_is_late(h1->exchange, now_ns))
		return LF_HTTP_GO_ON;
	lf_h1_say_and_close(conn, 408, "the body of the request comes too slowly");
	return h1->failed ? LF_HTTP_CLOSE : LF_HTTP_GO_ON;
}

static void leave(struct lf_http_conn *conn)
{
	struct lf_h1 *h1 = conn->engine;

	h1->leaving = true;
	lf_http_conn_wake(conn);
}

static bool open_engine(struct lf_http_conn *conn)
{
	struct lf_h1 *h1 = calloc(1, sizeof(*h1));

	if (h1 == NULL)
		return false;
	lf_h1_parser_init(&h1->parser, &events, conn);
	conn->engine = h1;
	return true;
}

static void destroy(struct lf_http_conn *conn)
{
	struct lf_h1 *h1 = conn->engine;

	lf_h1_parser_clean_up(&h1->parser);
	drop_held(conn);
	free(h1);
	conn->engine = NULL;
}

const struct lf_http_protocol lf_http_h1 = {
	.name = "h1",
	.open = open_engine,
	.feed = feed,
	.end = end,
	.fill = fill,
	.tick = tick,
	.shutdown = leave,
	.destroy = destroy,
};
