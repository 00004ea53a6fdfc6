#include <stdio.h>
#include <string.h>

#include "service/http/h2.h"

/*
 * Replies over HTTP/2. nghttp2 asks for as much of a reply as its peer's windows allow, and the bytes of its parts go into the
 * output without a copy of its own.
 */

enum { FRAME_HEADER_BYTES = 9 };

nghttp2_session *lf_h2_session(const struct lf_http_exchange *exchange)
{
	const struct lf_h2 *h2 = exchange->conn->engine;

	return h2->session;
}

static nghttp2_nv name_value(struct lf_slice name, struct lf_slice value)
{
	return (nghttp2_nv){(uint8_t *)(uintptr_t)name.data, (uint8_t *)(uintptr_t)value.data, name.length,
		value.length, NGHTTP2_NV_FLAG_NONE};
}

/* Says the trailers: once the last part has been given to nghttp2. */
static void put_trailers(nghttp2_session *session, const struct lf_http_exchange *exchange)
{
	nghttp2_nv values[LF_HTTP_TRAILERS_MAX];

	for (size_t i = 0; i < exchange->trailer_count; i++)
		values[i] = name_value(exchange->trailers[i].key, exchange->trailers[i].value);
	nghttp2_submit_trailer(session, (int32_t)exchange->id, values, exchange->trailer_count);
}

/* How much of the first part goes into the next frame. */
static ssize_t read_part(nghttp2_session *session, int32_t stream, uint8_t *buffer, size_t length, uint32_t *flags,
	nghttp2_data_source *source, void *user)
{
	struct lf_http_exchange *exchange = source->ptr;
	const struct lf_http_part *part = exchange->first;
	size_t left = part == NULL ? 0 : part->end - part->first;

	(void)stream;
	(void)buffer;
	(void)user;
	if (part == NULL && !exchange->finished)
		return NGHTTP2_ERR_DEFERRED;
	*flags |= NGHTTP2_DATA_FLAG_NO_COPY;
	if (left > length)
		return (ssize_t)length;
	if (exchange->finished && (part == NULL || part->next == NULL)) {
		*flags |= NGHTTP2_DATA_FLAG_EOF;
		if (exchange->trailer_count != 0) {
			*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
			put_trailers(session, exchange);
		}
	}
	return (ssize_t)left;
}

int lf_h2_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *header, size_t length,
	nghttp2_data_source *source, void *user)
{
	struct lf_http_conn *conn = user;
	struct lf_http_exchange *exchange = source->ptr;
	struct lf_http_part *part = exchange->first;

	(void)session;
	(void)frame;
	if (lf_http_conn_room(conn) == 0)
		return NGHTTP2_ERR_WOULDBLOCK; /* h2_fill() comes again */
	if (!lf_http_conn_put(conn, header, FRAME_HEADER_BYTES))
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	if (part == NULL)
		return 0;
	if (!lf_http_conn_put(conn, part->bytes + part->first, length))
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	part->first += length;
	exchange->reply_sent += length;
	if (part->first < part->end)
		return 0;
	exchange->first = part->next;
	if (exchange->first == NULL)
		exchange->last = NULL;
	lf_http_part_written(exchange, part);
	return 0;
}

static void h2_start(struct lf_http_exchange *exchange, unsigned status, const struct lf_metadata *headers,
	size_t count, int64_t length, bool end)
{
	nghttp2_data_provider provider = {.source.ptr = exchange, .read_callback = read_part};
	nghttp2_nv values[1 + LF_HTTP_REPLY_HEADERS_MAX];
	char number[8];
	size_t used = 0;

	(void)length;
	snprintf(number, sizeof(number), "%u", status % 1000);
	values[used++] = name_value((struct lf_slice){":status", 7}, (struct lf_slice){number, strlen(number)});
	for (size_t i = 0; i < count && i < LF_HTTP_REPLY_HEADERS_MAX; i++)
		values[used++] = name_value(headers[i].key, headers[i].value);
	if (nghttp2_submit_response(
		    lf_h2_session(exchange), (int32_t)exchange->id, values, used, end ? NULL : &provider) != 0)
		exchange->conn->broken = true; /* no memory */
	lf_http_conn_wake(exchange->conn);
}

static void h2_part(struct lf_http_exchange *exchange, struct lf_http_part *part)
{
	part->next = NULL;
	if (exchange->last != NULL) {
		exchange->last->next = part;
	} else {
		exchange->first = part;
		exchange->reply_ns = exchange->conn->http->loop.now_ns;
		exchange->reply_sent = 0;
	}
	exchange->last = part;
	nghttp2_session_resume_data(lf_h2_session(exchange), (int32_t)exchange->id);
	lf_http_conn_wake(exchange->conn);
}

static void h2_finish(struct lf_http_exchange *exchange, const struct lf_metadata *trailers, size_t count)
{
	exchange->trailer_count = count < LF_HTTP_TRAILERS_MAX ? count : LF_HTTP_TRAILERS_MAX;
	for (size_t i = 0; i < exchange->trailer_count; i++)
		exchange->trailers[i] = trailers[i];
	nghttp2_session_resume_data(lf_h2_session(exchange), (int32_t)exchange->id);
	lf_http_conn_wake(exchange->conn);
}

static void h2_abort(struct lf_http_exchange *exchange)
{
	nghttp2_submit_rst_stream(
		lf_h2_session(exchange), NGHTTP2_FLAG_NONE, (int32_t)exchange->id, NGHTTP2_INTERNAL_ERROR);
	lf_http_conn_wake(exchange->conn);
}

const struct lf_http_reply_ops lf_h2_reply_ops = {
	.has_trailers = true,
	.start = h2_start,
	.part = h2_part,
	.finish = h2_finish,
	.abort = h2_abort,
};
