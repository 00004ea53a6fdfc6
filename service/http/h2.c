#include <stdlib.h>
#include <string.h>

#include "service/http/h2.h"

/*
 * HTTP/2 over libnghttp2. A session belongs to the loop. It is fed what came in, and says what is to be said when its
 * connection's output has room for it; so a peer that reads slowly holds up its own replies only.
 *
 * What nghttp2 leaves open is bounded here: streams at once (before the peer has acknowledged our settings, too), bytes
 * of a head, bodies, and how often a peer says what makes work and means nothing (PING, SETTINGS, PRIORITY, empty DATA).
 */

enum {
	STREAM_WINDOW = 1024 * 1024, /* a message of 256 items fits; what comes in is counted as it comes */
	CONNECTION_WINDOW = 4 * 1024 * 1024,
	IDLE_BURST = 1000, /* frames that mean nothing, at once; and how many more a second */
	IDLE_A_SECOND = 100,
	RESET_BURST = 10000, /* clients whose deadlines pass in masses are honest */
	RESETS_A_SECOND = 1000,
	PING_MS = 60 * 1000, /* a peer that is silent for so long while it has requests in is asked for life */
	PONG_MS = 20 * 1000,
	NOTICE_MS = 100, /* at a stop, between the announcement and the last stream's number */
};

/* ---- requests ---- */

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct lf_http_conn *conn = user;
	struct lf_http_exchange *exchange;

	if (frame->hd.type != NGHTTP2_HEADERS)
		return 0;
	/* A head may come in several frames, with nothing between them. */
	if (conn->half_ns == 0)
		conn->half_ns = conn->http->loop.now_ns;
	if (frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	exchange = lf_http_exchange_new(conn->http, conn, &lf_h2_reply_ops, (uint64_t)frame->hd.stream_id);
	if (exchange == NULL)
		nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_REFUSED_STREAM);
	else
		nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, exchange);
	return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_length,
	const uint8_t *value, size_t value_length, uint8_t flags, void *user)
{
	struct lf_http_exchange *exchange = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);

	(void)flags;
	(void)user;
	if (exchange == NULL || frame->headers.cat != NGHTTP2_HCAT_REQUEST || exchange->head_wrong != LF_HTTP_ADDED)
		return 0;
	exchange->head_wrong = lf_http_exchange_add_header(exchange, (struct lf_slice){(const char *)name, name_length},
		(struct lf_slice){(const char *)value, value_length});
	return 0;
}

/* What nghttp2 would leave out without a word, as a line end in a value. What is worse it refuses by itself, with
 * PROTOCOL_ERROR. */
static int on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
	size_t name_length, const uint8_t *value, size_t value_length, uint8_t flags, void *user)
{
	struct lf_http_exchange *exchange = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);

	(void)name;
	(void)name_length;
	(void)value;
	(void)value_length;
	(void)flags;
	(void)user;
	if (exchange != NULL && frame->headers.cat == NGHTTP2_HCAT_REQUEST && exchange->head_wrong == LF_HTTP_ADDED)
		exchange->head_wrong = LF_HTTP_MALFORMED;
	return 0;
}

static void on_head(struct lf_http_exchange *exchange)
{
	static const char too_large[] = "The request's headers are too large.\n";
	static const char malformed[] = "The request's head is malformed.\n";

	if (exchange->head_wrong == LF_HTTP_ADDED)
		exchange->head_wrong = lf_http_exchange_head_done(exchange);
	if (exchange->head_wrong == LF_HTTP_ADDED) {
		lf_http_route(exchange);
		return;
	}
	exchange->handler = &lf_http_answered;
	if (exchange->head_wrong == LF_HTTP_TOO_LARGE)
		lf_http_answer(exchange, 431, "text/plain", NULL, 0, too_large, sizeof(too_large) - 1);
	else if (exchange->head_wrong == LF_HTTP_MALFORMED)
		lf_http_answer(exchange, 400, "text/plain", NULL, 0, malformed, sizeof(malformed) - 1);
	else
		lf_http_answer(exchange, 503, NULL, NULL, 0, NULL, 0);
}

static int on_data(
	nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *data, size_t length, void *user)
{
	struct lf_http_exchange *exchange = nghttp2_session_get_stream_user_data(session, stream);
	struct lf_error error = LF_ERROR_INIT;
	enum lf_http_add added;

	(void)flags;
	(void)user;
	if (exchange == NULL)
		return 0;
	if (exchange->started && exchange->handler->more == NULL)
		exchange->refused = true;
	added = lf_http_exchange_add_body(exchange, data, length);
	if (added == LF_HTTP_ADDED) {
		if (exchange->handler->more != NULL && !exchange->refused)
			exchange->handler->more(exchange);
		return 0;
	}
	lf_http_exchange_explain(exchange, added, &error);
	lf_http_exchange_refuse(exchange, &error);
	lf_error_clean_up(&error);
	return 0;
}

/* Whether a peer may say one more thing that means nothing. */
static bool may_idle(struct lf_http_conn *conn, struct lf_h2 *h2)
{
	const uint64_t now_ns = conn->http->loop.now_ns, ms = (now_ns - h2->idle_ns) / 1000000;

	if (ms != 0) {
		h2->idle_ns = now_ns;
		h2->idle_left += ms * IDLE_A_SECOND;
		if (h2->idle_left > IDLE_BURST * 1000)
			h2->idle_left = IDLE_BURST * 1000;
	}
	if (h2->idle_left < 1000)
		return false;
	h2->idle_left -= 1000;
	return true;
}

/* Whether a frame makes work and means nothing. */
static bool is_idle(const nghttp2_frame *frame)
{
	switch (frame->hd.type) {
	case NGHTTP2_PING:
	case NGHTTP2_SETTINGS:
		return (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0;
	case NGHTTP2_PRIORITY:
		return true;
	case NGHTTP2_DATA:
		return frame->hd.length == 0 && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0;
	default:
		return false;
	}
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct lf_http_conn *conn = user;
	struct lf_h2 *h2 = conn->engine;
	struct lf_http_exchange *exchange;

	if (is_idle(frame) && !may_idle(conn, h2)) {
		lf_count(&conn->http->counters.closed_protocol);
		return nghttp2_session_terminate_session(session, NGHTTP2_ENHANCE_YOUR_CALM);
	}
	if (frame->hd.type == NGHTTP2_SETTINGS && !h2->settled) {
		h2->settled = true;
		conn->half_ns = 0;
	}
	if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0)
		h2->pinged_ns = 0;
	if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA)
		return 0;
	if (frame->hd.type == NGHTTP2_HEADERS)
		conn->half_ns = 0;
	exchange = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
	if (exchange == NULL)
		return 0;
	if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
		on_head(exchange);
	if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
		lf_http_whole(exchange);
	return 0;
}

/* A reply that ends before its request has: the rest of it is not wanted, and some clients wait for being told so. */
static int on_sent(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct lf_http_conn *conn = user;
	struct lf_h2 *h2 = conn->engine;

	if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA)
		return 0;
	/* What a peer answers to data with, to measure its way, is no flood. */
	if (frame->hd.type == NGHTTP2_DATA && h2->idle_left < IDLE_BURST * 1000)
		h2->idle_left += 1000;
	if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0 &&
		nghttp2_session_get_stream_remote_close(session, frame->hd.stream_id) == 0)
		nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_NO_ERROR);
	return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t stream, uint32_t code, void *user)
{
	struct lf_http_exchange *exchange = nghttp2_session_get_stream_user_data(session, stream);

	(void)code;
	(void)user;
	if (exchange == NULL)
		return 0;
	nghttp2_session_set_stream_user_data(session, stream, NULL);
	lf_http_exchange_over(exchange);
	return 0;
}

/* A head that libnghttp2 refuses by itself is over, too. */
static int on_invalid_frame(nghttp2_session *session, const nghttp2_frame *frame, int code, void *user)
{
	struct lf_http_conn *conn = user;
	const struct lf_h2 *h2 = conn->engine;

	(void)session;
	(void)code;
	if (frame->hd.type == NGHTTP2_HEADERS && h2 != NULL && h2->settled)
		conn->half_ns = 0;
	return 0;
}

/* ---- the engine ---- */

static nghttp2_session_callbacks *new_callbacks(void)
{
	nghttp2_session_callbacks *callbacks;

	if (nghttp2_session_callbacks_new(&callbacks) != 0)
		return NULL;
	nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, on_invalid_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, on_invalid_frame);
	nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_sent);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
	nghttp2_session_callbacks_set_send_data_callback(callbacks, lf_h2_send_data);
	return callbacks;
}

static nghttp2_session *new_session(struct lf_http_conn *conn)
{
	nghttp2_session_callbacks *callbacks = new_callbacks();
	nghttp2_session *session = NULL;
	nghttp2_option *option = NULL;

	if (callbacks == NULL)
		return NULL;
	if (nghttp2_option_new(&option) == 0) {
		nghttp2_option_set_stream_reset_rate_limit(option, RESET_BURST, RESETS_A_SECOND);
		nghttp2_option_set_no_closed_streams(option, 1);
		if (nghttp2_session_server_new2(&session, callbacks, conn, option) != 0)
			session = NULL;
		nghttp2_option_del(option);
	}
	nghttp2_session_callbacks_del(callbacks);
	return session;
}

static bool h2_open(struct lf_http_conn *conn)
{
	static const nghttp2_settings_entry settings[] = {
		{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, LF_HTTP_STREAMS_MAX},
		{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW},
		{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, LF_HTTP_HEAD_BYTES_MAX},
	};
	struct lf_h2 *h2 = calloc(1, sizeof(*h2));

	if (h2 == NULL)
		return false;
	h2->idle_left = IDLE_BURST * 1000;
	h2->idle_ns = conn->http->loop.now_ns;
	h2->session = new_session(conn);
	if (h2->session == NULL ||
		nghttp2_submit_settings(
			h2->session, NGHTTP2_FLAG_NONE, settings, sizeof(settings) / sizeof(settings[0])) != 0 ||
		nghttp2_session_set_local_window_size(h2->session, NGHTTP2_FLAG_NONE, 0, CONNECTION_WINDOW) != 0) {
		nghttp2_session_del(h2->session);
		free(h2);
		return false;
	}
	conn->engine = h2;
	lf_http_conn_wake(conn);
	return true;
}

static enum lf_http_next h2_feed(struct lf_http_conn *conn, const uint8_t *bytes, size_t length)
{
	struct lf_h2 *h2 = conn->engine;
	const ssize_t taken = nghttp2_session_mem_recv(h2->session, bytes, length);

	if (taken >= 0)
		return conn->broken ? LF_HTTP_DROP : LF_HTTP_GO_ON;
	/* A bad preface, or no memory: all else nghttp2 answers itself, with GOAWAY. */
	lf_count(&conn->http->counters.closed_protocol);
	return LF_HTTP_DROP;
}

static enum lf_http_next h2_end(struct lf_http_conn *conn)
{
	(void)conn;
	return LF_HTTP_DROP; /* a peer that ends its side in HTTP/2 has gone */
}

static enum lf_http_next h2_fill(struct lf_http_conn *conn)
{
	struct lf_h2 *h2 = conn->engine;
	const uint8_t *bytes;
	ssize_t length;

	if (conn->broken)
		return LF_HTTP_DROP;
	lf_http_exchanges_go_on(conn);
	while (lf_http_conn_room(conn) != 0) {
		length = nghttp2_session_mem_send(h2->session, &bytes);
		if (length < 0 || (length > 0 && !lf_http_conn_put(conn, bytes, (size_t)length)))
			return LF_HTTP_DROP;
		if (length == 0)
			break;
	}
	if (h2->goaway && conn->exchange_count == 0)
		return LF_HTTP_CLOSE;
	return nghttp2_session_want_read(h2->session) != 0 || nghttp2_session_want_write(h2->session) != 0
		? LF_HTTP_GO_ON
		: LF_HTTP_CLOSE;
}

/* Bodies that make no progress, or too little, are given up; and replies that are not taken, whatever their windows say. */
static void give_up_slow(struct lf_http_conn *conn, uint64_t now_ns)
{
	struct lf_http_exchange *next;

	for (struct lf_http_exchange *exchange = conn->exchanges; exchange != NULL; exchange = next) {
		next = exchange->next;
		if (exchange->over)
			continue;
		if (lf_http_exchange_is_stuck(exchange, now_ns))
			lf_count(&conn->http->counters.closed_blocked);
		else if (!exchange->whole && lf_http_exchange_is_late(exchange, now_ns))
			lf_count(&conn->http->counters.closed_half);
		else
			continue;
		nghttp2_submit_rst_stream(
			lf_h2_session(exchange), NGHTTP2_FLAG_NONE, (int32_t)exchange->id, NGHTTP2_CANCEL);
		lf_http_conn_wake(conn);
	}
}

/* A peer that is silent is asked whether it is there, whatever we have written. false: it has not answered. */
static bool ask_for_life(struct lf_http_conn *conn, struct lf_h2 *h2, uint64_t now_ns)
{
	if (h2->pinged_ns != 0)
		return now_ns - h2->pinged_ns < (uint64_t)PONG_MS * 1000000;
	if (conn->exchange_count == 0 || now_ns - conn->heard_ns < (uint64_t)PING_MS * 1000000)
		return true;
	h2->pinged_ns = now_ns;
	nghttp2_submit_ping(h2->session, NGHTTP2_FLAG_NONE, NULL);
	lf_http_conn_wake(conn);
	return true;
}

/* No more streams are taken. */
static void go_away(struct lf_http_conn *conn, struct lf_h2 *h2)
{
	if (h2->goaway)
		return;
	h2->goaway = true;
	nghttp2_submit_goaway(h2->session, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(h2->session),
		NGHTTP2_NO_ERROR, NULL, 0);
	lf_http_conn_wake(conn);
}

static enum lf_http_next h2_tick(struct lf_http_conn *conn, uint64_t now_ns)
{
	struct lf_h2 *h2 = conn->engine;

	give_up_slow(conn, now_ns);
	if (h2->noticed_ns != 0 && now_ns - h2->noticed_ns >= (uint64_t)NOTICE_MS * 1000000)
		go_away(conn, h2);
	return ask_for_life(conn, h2, now_ns) ? LF_HTTP_GO_ON : LF_HTTP_DROP;
}

static void h2_shutdown(struct lf_http_conn *conn)
{
	struct lf_h2 *h2 = conn->engine;

	if (conn->parting)
		go_away(conn, h2);
	if (h2->noticed_ns != 0)
		return;
	h2->noticed_ns = conn->http->loop.now_ns;
	if (!h2->goaway)
		nghttp2_submit_shutdown_notice(h2->session);
	lf_http_conn_wake(conn);
}

static void h2_destroy(struct lf_http_conn *conn)
{
	struct lf_h2 *h2 = conn->engine;

	if (h2 == NULL)
		return;
	nghttp2_session_del(h2->session);
	free(h2);
	conn->engine = NULL;
}

const struct lf_http_protocol lf_http_h2 = {
	.name = "h2",
	.open = h2_open,
	.feed = h2_feed,
	.end = h2_end,
	.fill = h2_fill,
	.tick = h2_tick,
	.shutdown = h2_shutdown,
	.destroy = h2_destroy,
};
