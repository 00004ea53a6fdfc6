#include "tests/http/fed.h"

#include <stdlib.h>
#include <string.h>

#include "proto/base/clock.h"

/* ---- the client ---- */

static struct fed_stream *stream_of(nghttp2_session *session, int32_t id)
{
	return nghttp2_session_get_stream_user_data(session, id);
}

static void copy(char *out, size_t size, const uint8_t *value, size_t length)
{
	assert_true(length < size);
	memcpy(out, value, length);
	out[length] = '\0';
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_length,
	const uint8_t *value, size_t length, uint8_t flags, void *user)
{
	struct fed_stream *stream = stream_of(session, frame->hd.stream_id);
	char key[64];

	(void)flags;
	(void)user;
	if (stream == NULL)
		return 0;
	copy(key, sizeof(key), name, name_length);
	if (strcmp(key, ":status") == 0)
		stream->status = atoi((const char *)value);
	else if (strcmp(key, "grpc-status") == 0)
		stream->grpc = atoi((const char *)value);
	else if (strcmp(key, "grpc-message") == 0)
		copy(stream->message, sizeof(stream->message), value, length);
	else if (strcmp(key, "grpc-status-details-bin") == 0)
		copy(stream->details, sizeof(stream->details), value, length);
	else if (strcmp(key, "content-type") == 0)
		copy(stream->type, sizeof(stream->type), value, length);
	else if (strcmp(key, "request-id") == 0)
		copy(stream->request_id, sizeof(stream->request_id), value, length);
	else if (strcmp(key, "traceparent") == 0)
		copy(stream->traceparent, sizeof(stream->traceparent), value, length);
	else if (strcmp(key, "tracestate") == 0)
		copy(stream->tracestate, sizeof(stream->tracestate), value, length);
	return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t length, void *user)
{
	struct fed_stream *stream = stream_of(session, id);

	(void)flags;
	(void)user;
	if (stream == NULL)
		return 0;
	stream->body = realloc(stream->body, stream->length + length + 1);
	assert_non_null(stream->body);
	memcpy(stream->body + stream->length, data, length);
	stream->length += length;
	return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct fed_stream *stream = stream_of(session, frame->hd.stream_id);
	struct fed *fed = user;

	if (frame->hd.type == NGHTTP2_GOAWAY) {
		fed->goaway = true;
		fed->goaway_error = frame->goaway.error_code;
	}
	if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0)
		fed->pings++;
	if (stream != NULL && (frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS) &&
		(frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
		stream->ended_first = true;
	return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t error, void *user)
{
	struct fed_stream *stream = stream_of(session, id);

	(void)user;
	if (stream == NULL)
		return 0;
	stream->closed = true;
	stream->error = error;
	return 0;
}

static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *buffer, size_t room, uint32_t *flags,
	nghttp2_data_source *source, void *user)
{
	struct fed_stream *stream = source->ptr;
	size_t length = stream->to_send < room ? stream->to_send : room;

	(void)session;
	(void)id;
	(void)user;
	if (length == 0 && stream->hold)
		return NGHTTP2_ERR_DEFERRED;
	if (length != 0)
		memcpy(buffer, stream->sending, length);
	stream->sending += length;
	stream->to_send -= length;
	if (stream->to_send == 0 && !stream->hold)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)length;
}

static nghttp2_session *client_new(struct fed *fed)
{
	nghttp2_session_callbacks *callbacks;
	nghttp2_session *session;

	assert_int_equal(nghttp2_session_callbacks_new(&callbacks), 0);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
	assert_int_equal(nghttp2_session_client_new(&session, callbacks, fed), 0);
	nghttp2_session_callbacks_del(callbacks);
	assert_int_equal(nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, NULL, 0), 0);
	return session;
}

size_t fed_framed(uint8_t *out, const void *message, size_t length)
{
	out[0] = 0;
	out[1] = (uint8_t)(length >> 24);
	out[2] = (uint8_t)(length >> 16);
	out[3] = (uint8_t)(length >> 8);
	out[4] = (uint8_t)length;
	if (length != 0)
		memcpy(out + 5, message, length);
	return 5 + length;
}

struct fed_stream *fed_call(struct fed *fed, const char *path, const void *body, size_t length, const char *const *more)
{
	const char *headers[32] = {":method", "POST", ":scheme", "http", ":path", path, ":authority", "test",
		"content-type", "application/grpc", "te", "trailers"};
	struct fed_stream *stream = &fed->streams[fed->stream_count++];
	nghttp2_data_provider provider = {.source.ptr = stream, .read_callback = read_body};
	nghttp2_nv values[16];
	size_t count = 12;

	assert_true(fed->stream_count <= FED_STREAMS_MAX);
	/* What is given replaces what is there. */
	for (size_t i = 0; more != NULL && more[i] != NULL; i += 2) {
		size_t at = 0;

		while (at < count && strcmp(headers[at], more[i]) != 0)
			at += 2;
		if (more[i + 1] == NULL) {
			count -= 2;
			memmove(headers + at, headers + at + 2, (count - at) * sizeof(headers[0]));
			break;
		}
		headers[at] = more[i];
		headers[at + 1] = more[i + 1];
		if (at == count)
			count += 2;
	}
	for (size_t i = 0; i < count / 2; i++)
		values[i] = (nghttp2_nv){(uint8_t *)(uintptr_t)headers[2 * i], (uint8_t *)(uintptr_t)headers[2 * i + 1],
			strlen(headers[2 * i]), strlen(headers[2 * i + 1]), NGHTTP2_NV_FLAG_NONE};
	stream->grpc = -1;
	stream->sending = body;
	stream->to_send = length;
	stream->id = nghttp2_submit_request(fed->client, NULL, values, count / 2, &provider, stream);
	assert_true(stream->id > 0);
	return stream;
}

/* ---- both ---- */

void fed_bytes(struct fed *fed, const void *bytes, size_t length)
{
	fed->http->loop.now_ns = lf_clock_ns() + fed->skipped_ns;
	fed->open = lf_http_conn_feed(fed->conn, bytes, length);
}

void fed_turn(struct fed *fed)
{
	const uint8_t *bytes;
	ssize_t length;
	size_t taken;

	while (fed->client != NULL && fed->open && (length = nghttp2_session_mem_send(fed->client, &bytes)) > 0)
		fed_bytes(fed, bytes, (size_t)length);
	lf_http_events_work(fed->http);
	if (fed->reads) {
		taken = lf_http_conn_take(fed->conn, &bytes);
		fed->received += taken;
		if (fed->client != NULL && taken != 0)
			assert_int_equal(nghttp2_session_mem_recv(fed->client, bytes, taken), (ssize_t)taken);
	}
	lf_http_conns_settle(fed->http);
}

void fed_until(struct fed *fed, bool (*holds)(struct fed *fed))
{
	const uint64_t start_ns = lf_clock_ns();

	while (!holds(fed)) {
		assert_true(lf_clock_seconds_since(start_ns) < 60);
		fed_turn(fed);
		sleep_ms(1);
	}
}

void fed_wait(struct fed *fed, struct fed_stream *stream)
{
	const uint64_t start_ns = lf_clock_ns();

	while (!stream->closed) {
		assert_true(lf_clock_seconds_since(start_ns) < 60);
		fed_turn(fed);
		sleep_ms(1);
	}
}

void fed_pass(struct fed *fed, unsigned ms)
{
	fed->skipped_ns += (uint64_t)ms * 1000000;
	fed->http->loop.now_ns = lf_clock_ns() + fed->skipped_ns;
	lf_http_conns_tick(fed->http);
	fed_turn(fed);
}

/* A connection, and its client. */
static void connect_to(struct fed *fed, bool client)
{
	fed->streams = calloc(FED_STREAMS_MAX, sizeof(*fed->streams));
	assert_non_null(fed->streams);
	fed->conn = lf_http_conn_new_fed(fed->http, NULL);
	assert_non_null(fed->conn);
	fed->conn->peer.is_local = true; /* so that the host that is asked for is of no matter */
	fed->open = fed->reads = true;
	if (client)
		fed->client = client_new(fed);
}

static void disconnect(struct fed *fed)
{
	lf_http_conn_close(fed->conn);
	fed->conn->fed = false; /* it may be freed now */
	lf_http_conn_wake(fed->conn);
	nghttp2_session_del(fed->client);
	for (size_t i = 0; i < FED_STREAMS_MAX; i++)
		free(fed->streams[i].body);
	free(fed->streams);
}

void fed_start(struct fed *fed, const struct lf_rpc_options *rpc, const struct lf_http_options *http, bool client)
{
	struct lf_error error = LF_ERROR_INIT;
	const struct lf_rpc_options none = {.worker_count = 2};

	memset(fed, 0, sizeof(*fed));
	stubs_init(&fed->stubs);
	assert_int_equal(lf_rpc_server_new(&fed->server, rpc != NULL ? rpc : &none, &error), LF_OK);
	stubs_add(&fed->stubs, fed->server);
	assert_int_equal(lf_http_new(&fed->http, fed->server, http, &error), LF_OK);
	assert_int_equal(lf_rpc_server_start(fed->server, &error), LF_OK);
	fed->http->loop.now_ns = lf_clock_ns();
	connect_to(fed, client);
}

void fed_end(struct fed *fed)
{
	if (!fed->outlived)
		stubs_release(&fed->stubs);
	stubs_unblock(&fed->stubs);
	disconnect(fed);
	lf_rpc_server_stop(fed->server, 0);
	lf_rpc_server_destroy(fed->server);
	stubs_release(&fed->stubs); /* those, too, that a worker was slow to take up */
	stubs_clean_up(&fed->stubs);
}

void fed_assert_serves(struct fed *fed)
{
	static const uint8_t empty[5];
	struct fed other = {.server = fed->server, .http = fed->http};
	struct fed_stream *stream;

	connect_to(&other, true);
	stream = fed_call(&other, "/grpc.health.v1.Health/Check", empty, sizeof(empty), NULL);
	fed_wait(&other, stream);
	assert_int_equal(stream->grpc, 0);
	disconnect(&other);
	lf_http_conns_settle(fed->http);
}

struct fed_stream *fed_start_held(struct fed *fed)
{
	static uint8_t body[64];
	Leadfit__V1__ScoreRequest request;
	char rubric[] = "hold";
	uint8_t packed[32];
	struct fed_stream *stream;

	fed_start(fed, NULL, NULL, true);
	leadfit__v1__score_request__init(&request);
	request.rubric = rubric;
	stream = fed_call(fed, "/leadfit.v1.Scoring/Score", body,
		fed_framed(body, packed, leadfit__v1__score_request__pack(&request, packed)), NULL);
	fed_turn(fed);
	stubs_wait_held(&fed->stubs, 1);
	fed_turn(fed);
	return stream;
}
