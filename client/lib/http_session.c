#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/lib/http.h"

/*
 * Design notes: a session
 *
 * A session is HTTP/2 without a socket: bytes go in by lf_client_http_feed() and come out by lf_client_http_fill(). One thread uses
 * it.
 *
 * The promise: a stream that was submitted comes back exactly once, by lf_client_http_take_done() when the server has ended it
 * (or we have, because of what it sent), by lf_client_http_take_unsent() or lf_client_http_take_open() when the connection
 * ends, or by lf_client_http_cancel(). After that the session does not touch it: libnghttp2 may still have the stream's id,
 * but not our stream as its user data.
 *
 * No more streams are open than the server allows (lf_client_http_room()), so none waits within libnghttp2, and `sent` tells
 * whether the server can know of one. One that the server refused (REFUSED_STREAM, or an id above that of its GOAWAY:
 * libnghttp2 closes it likewise) was not worked on.
 *
 * A reply is taken into memory as it comes, so the windows are opened again by libnghttp2 itself.
 */

enum { MESSAGE_MAX = 128 };

struct lf_client_http_session {
	nghttp2_session *nghttp2;
	size_t reply_bytes_max;
	struct lf_client_http_stream *open;
	size_t open_count;
	struct lf_client_http_stream *done_first, *done_last;
	const uint8_t *pending; /* taken from libnghttp2, and not yet filled in */
	size_t pending_length;
	uint8_t first[8]; /* bytes of the server, which tell what it is where it is no HTTP/2 */
	size_t first_length;
	bool ready, going_away;
	uint64_t answered;
	char fault[MESSAGE_MAX];
};

/* ---- lists ---- */

static void unlink_open(struct lf_client_http_session *session, struct lf_client_http_stream *stream)
{
	if (stream->previous != NULL)
		stream->previous->next = stream->next;
	else
		session->open = stream->next;
	if (stream->next != NULL)
		stream->next->previous = stream->previous;
	session->open_count--;
}

static void link_open(struct lf_client_http_session *session, struct lf_client_http_stream *stream)
{
	stream->previous = NULL;
	stream->next = session->open;
	if (session->open != NULL)
		session->open->previous = stream;
	session->open = stream;
	session->open_count++;
}

/* Takes the stream away from libnghttp2, and puts it among those that are done. */
static void finish(struct lf_client_http_session *session, struct lf_client_http_stream *stream, uint32_t error_code)
{
	nghttp2_session_set_stream_user_data(session->nghttp2, stream->id, NULL);
	unlink_open(session, stream);
	stream->error_code = error_code;
	stream->next = NULL;
	if (session->done_last != NULL)
		session->done_last->next = stream;
	else
		session->done_first = stream;
	session->done_last = stream;
}

struct lf_client_http_stream *lf_client_http_take_done(struct lf_client_http_session *session)
{
	struct lf_client_http_stream *stream = session->done_first;

	if (stream == NULL)
		return NULL;
	session->done_first = stream->next;
	if (session->done_first == NULL)
		session->done_last = NULL;
	stream->session = NULL;
	return stream;
}

struct lf_client_http_stream *lf_client_http_take_open(struct lf_client_http_session *session)
{
	struct lf_client_http_stream *stream = session->open;

	if (stream == NULL)
		return NULL;
	unlink_open(session, stream);
	stream->session = NULL;
	return stream;
}

/* ---- what libnghttp2 says ---- */

static struct lf_client_http_stream *stream_of(nghttp2_session *nghttp2, int32_t id)
{
	return nghttp2_session_get_stream_user_data(nghttp2, id);
}

/* Ends a stream of which nothing more is wanted. */
static void reset(struct lf_client_http_session *session, struct lf_client_http_stream *stream, uint32_t error_code)
{
	nghttp2_submit_rst_stream(session->nghttp2, NGHTTP2_FLAG_NONE, stream->id, error_code);
	finish(session, stream, error_code);
}

static int on_header(nghttp2_session *nghttp2, const nghttp2_frame *frame, const uint8_t *name, size_t name_length,
	const uint8_t *value, size_t value_length, uint8_t flags, void *context)
{
	struct lf_client_http_session *session = context;
	struct lf_client_http_stream *stream = stream_of(nghttp2, frame->hd.stream_id);

	(void)flags;
	if (stream == NULL ||
		lf_client_http_take_header(stream, (struct lf_slice){(const char *)name, name_length},
			(struct lf_slice){(const char *)value, value_length}))
		return 0;
	if (stream->fault == LF_OK) {
		stream->fault = LF_RESOURCE_EXHAUSTED;
		stream->fault_text = "out of memory";
	}
	reset(session, stream, NGHTTP2_CANCEL);
	return 0;
}

static int on_data(
	nghttp2_session *nghttp2, uint8_t flags, int32_t id, const uint8_t *data, size_t length, void *context)
{
	struct lf_client_http_session *session = context;
	struct lf_client_http_stream *stream = stream_of(nghttp2, id);

	(void)flags;
	if (stream != NULL && !lf_client_http_take_data(stream, data, length, session->reply_bytes_max))
		reset(session, stream, NGHTTP2_CANCEL);
	return 0;
}

static int on_frame(nghttp2_session *nghttp2, const nghttp2_frame *frame, void *context)
{
	struct lf_client_http_session *session = context;
	struct lf_client_http_stream *stream;

	switch (frame->hd.type) {
	case NGHTTP2_SETTINGS:
		if ((frame->hd.flags & NGHTTP2_FLAG_ACK) == 0)
			session->ready = true;
		return 0;
	case NGHTTP2_GOAWAY:
		session->going_away = true;
		return 0;
	case NGHTTP2_DATA:
	case NGHTTP2_HEADERS:
		if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0)
			return 0;
		stream = stream_of(nghttp2, frame->hd.stream_id);
		if (stream == NULL)
			return 0;
		session->answered++;
		/* The answer is whole; of a request that is not, the server wants no more. */
		if (stream->request_taken < stream->request_length)
			reset(session, stream, NGHTTP2_CANCEL);
		else
			finish(session, stream, NGHTTP2_NO_ERROR);
		return 0;
	default:
		return 0;
	}
}

static int on_close(nghttp2_session *nghttp2, int32_t id, uint32_t error_code, void *context)
{
	struct lf_client_http_stream *stream = stream_of(nghttp2, id);

	if (stream != NULL)
		finish(context, stream, error_code);
	return 0;
}

static int on_sent(nghttp2_session *nghttp2, const nghttp2_frame *frame, void *context)
{
	struct lf_client_http_stream *stream;

	(void)context;
	if (frame->hd.type != NGHTTP2_HEADERS)
		return 0;
	stream = stream_of(nghttp2, frame->hd.stream_id);
	if (stream != NULL)
		stream->sent = true;
	return 0;
}

/* A request that libnghttp2 could not even begin: as the connection is ending, say. */
static int on_not_sent(nghttp2_session *nghttp2, const nghttp2_frame *frame, int why, void *context)
{
	struct lf_client_http_session *session = context;
	struct lf_client_http_stream *stream = NULL;

	(void)nghttp2;
	(void)why;
	if (frame->hd.type != NGHTTP2_HEADERS)
		return 0;
	for (stream = session->open; stream != NULL && stream->id != frame->hd.stream_id; stream = stream->next)
		;
	if (stream != NULL)
		finish(session, stream, NGHTTP2_REFUSED_STREAM);
	return 0;
}

static ssize_t on_read(nghttp2_session *nghttp2, int32_t id, uint8_t *out, size_t capacity, uint32_t *flags,
	nghttp2_data_source *source, void *context)
{
	struct lf_client_http_stream *stream = stream_of(nghttp2, id);
	size_t length;

	(void)source;
	(void)context;
	if (stream == NULL)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	length = stream->request_length - stream->request_taken;
	if (length > capacity)
		length = capacity;
	memcpy(out, stream->request + stream->request_taken, length);
	stream->request_taken += length;
	if (stream->request_taken == stream->request_length)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)length;
}

/* ---- making and ending ---- */

static int make(struct lf_client_http_session *session)
{
	nghttp2_session_callbacks *callbacks;
	int error = nghttp2_session_callbacks_new(&callbacks);

	if (error != 0)
		return error;
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
	nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_sent);
	nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, on_not_sent);
	error = nghttp2_session_client_new(&session->nghttp2, callbacks, session);
	nghttp2_session_callbacks_del(callbacks);
	return error;
}

struct lf_client_http_session *lf_client_http_session_new(size_t reply_bytes_max)
{
	static const nghttp2_settings_entry settings[] = {
		{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
		{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, LF_HTTP_WINDOW_STREAM},
		{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, LF_HTTP_HEADERS_MAX},
	};
	struct lf_client_http_session *session = calloc(1, sizeof(*session));

	if (session == NULL)
		return NULL;
	session->reply_bytes_max = reply_bytes_max;
	if (make(session) != 0) {
		free(session);
		return NULL;
	}
	if (nghttp2_submit_settings(
		    session->nghttp2, NGHTTP2_FLAG_NONE, settings, sizeof(settings) / sizeof(settings[0])) != 0 ||
		nghttp2_session_set_local_window_size(session->nghttp2, NGHTTP2_FLAG_NONE, 0, LF_HTTP_WINDOW) != 0) {
		lf_client_http_session_free(session);
		return NULL;
	}
	return session;
}

void lf_client_http_session_free(struct lf_client_http_session *session)
{
	if (session == NULL)
		return;
	nghttp2_session_del(session->nghttp2);
	free(session);
}

/* ---- requests ---- */

/* What changes with each request, or is a secret, is not put into the table that both sides keep. */
static nghttp2_nv entry(const char *name, const char *value, uint8_t flags)
{
	return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name), strlen(value),
		(uint8_t)(flags | NGHTTP2_NV_FLAG_NO_COPY_NAME)};
}

bool lf_client_http_submit(struct lf_client_http_session *session, struct lf_client_http_stream *stream,
	const struct lf_client_http_head *head, const uint8_t *request, size_t length)
{
	static const char agent[] = "leadfit/" LF_VERSION;
	const uint8_t once = NGHTTP2_NV_FLAG_NO_INDEX;
	char path[LF_METHOD_BYTES_MAX + 2], timeout[16];
	nghttp2_data_provider body = {.read_callback = on_read};
	nghttp2_nv entries[11];
	size_t count = 0;

	snprintf(path, sizeof(path), "/%s", head->method);
	snprintf(timeout, sizeof(timeout), "%um", (unsigned)head->timeout_ms);
	entries[count++] = entry(":method", "POST", 0);
	entries[count++] = entry(":scheme", head->scheme, 0);
	entries[count++] = entry(":path", path, 0);
	entries[count++] = entry(":authority", head->authority, 0);
	entries[count++] = entry("te", "trailers", 0);
	entries[count++] = entry("content-type", "application/grpc", 0);
	entries[count++] = entry("user-agent", agent, 0);
	entries[count++] = entry("grpc-timeout", timeout, once);
	if (head->authorization != NULL)
		entries[count++] = entry("authorization", head->authorization, once);
	if (head->traceparent != NULL)
		entries[count++] = entry("traceparent", head->traceparent, once);
	if (head->request_id != NULL)
		entries[count++] = entry("request-id", head->request_id, once);
	lf_client_http_stream_reset(stream);
	stream->request = request;
	stream->request_length = length;
	stream->id = nghttp2_submit_request(session->nghttp2, NULL, entries, count, &body, stream);
	if (stream->id < 0) {
		if (stream->id == NGHTTP2_ERR_STREAM_ID_NOT_AVAILABLE)
			session->going_away = true;
		return false;
	}
	stream->session = session;
	link_open(session, stream);
	return true;
}

void lf_client_http_cancel(struct lf_client_http_stream *stream)
{
	struct lf_client_http_session *session = stream->session;

	nghttp2_session_set_stream_user_data(session->nghttp2, stream->id, NULL);
	nghttp2_submit_rst_stream(session->nghttp2, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_CANCEL);
	unlink_open(session, stream);
	stream->session = NULL;
}

struct lf_client_http_stream *lf_client_http_take_unsent(struct lf_client_http_session *session)
{
	struct lf_client_http_stream *stream = session->open;

	while (stream != NULL && stream->sent)
		stream = stream->next;
	if (stream != NULL)
		lf_client_http_cancel(stream); /* libnghttp2 then leaves it out, and says nothing of it */
	return stream;
}

/* ---- bytes ---- */

/* Why a session has come to its end that was not ours. */
static const char *end_of(const struct lf_client_http_session *session)
{
	const uint8_t *first = session->first;

	if (session->going_away)
		return "the server is going away";
	if (session->ready)
		return "the peer breaks HTTP/2";
	if (session->first_length >= 4 && memcmp(first, "HTTP", 4) == 0)
		return "the peer speaks HTTP/1, not HTTP/2";
	if (session->first_length >= 2 && first[0] == 0x15 && first[1] == 0x03)
		return "the peer expects TLS: use https://";
	return "the peer does not speak HTTP/2";
}

const char *lf_client_http_feed(struct lf_client_http_session *session, const uint8_t *data, size_t length)
{
	ssize_t used;

	for (size_t i = 0; i < length && session->first_length < sizeof(session->first); i++)
		session->first[session->first_length++] = data[i];
	/* The first frame is one of SETTINGS. What is none may be too short for libnghttp2 to see that. */
	if (session->first_length >= 4 && session->first[3] != NGHTTP2_SETTINGS)
		return end_of(session);
	used = nghttp2_session_mem_recv(session->nghttp2, data, length);
	if (used == NGHTTP2_ERR_NOMEM)
		return "out of memory";
	if (used < 0 && session->ready) {
		snprintf(session->fault, sizeof(session->fault), "the peer breaks HTTP/2: %s",
			nghttp2_strerror((int)used));
		return session->fault;
	}
	return used < 0 ? end_of(session) : NULL;
}

size_t lf_client_http_fill(struct lf_client_http_session *session, uint8_t *out, size_t capacity, const char **fault)
{
	size_t filled = 0;

	*fault = NULL;
	while (filled < capacity) {
		size_t length = session->pending_length;

		if (length == 0) {
			const ssize_t got = nghttp2_session_mem_send(session->nghttp2, &session->pending);

			if (got < 0) {
				*fault = got == NGHTTP2_ERR_NOMEM ? "out of memory" : nghttp2_strerror((int)got);
				return filled;
			}
			if (got == 0)
				break;
			length = (size_t)got;
		}
		session->pending_length = length;
		if (length > capacity - filled)
			length = capacity - filled;
		memcpy(out + filled, session->pending, length);
		filled += length;
		session->pending += length;
		session->pending_length -= length;
	}
	/* What is wrong in a frame is answered by GOAWAY, and then nothing more is read. */
	if (filled == 0 && nghttp2_session_want_read(session->nghttp2) == 0)
		*fault = end_of(session);
	return filled;
}

/* ---- what is known ---- */

size_t lf_client_http_room(const struct lf_client_http_session *session)
{
	const uint32_t limit =
		nghttp2_session_get_remote_settings(session->nghttp2, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);

	if (!session->ready || lf_client_http_is_ending(session) || session->open_count >= limit)
		return 0;
	return limit - session->open_count;
}

bool lf_client_http_is_ready(const struct lf_client_http_session *session)
{
	return session->ready;
}

bool lf_client_http_is_ending(const struct lf_client_http_session *session)
{
	return session->going_away || nghttp2_session_check_request_allowed(session->nghttp2) == 0;
}

size_t lf_client_http_open_count(const struct lf_client_http_session *session)
{
	return session->open_count;
}

uint64_t lf_client_http_answered(const struct lf_client_http_session *session)
{
	return session->answered;
}

void lf_client_http_ping(struct lf_client_http_session *session)
{
	nghttp2_submit_ping(session->nghttp2, NGHTTP2_FLAG_NONE, NULL);
}

void lf_client_http_goodbye(struct lf_client_http_session *session)
{
	nghttp2_session_terminate_session(session->nghttp2, NGHTTP2_NO_ERROR);
}
