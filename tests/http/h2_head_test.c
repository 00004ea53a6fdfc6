/*
 * HTTP/2: a malformed request ends its stream and nothing else; only what leaves the state of the connection unknown ends
 * that, with the code that RFC 9113 has for it.
 */
#include "tests/http/fed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char CHECK[] = "/grpc.health.v1.Health/Check";
static const uint8_t EMPTY[5];

struct field {
	const char *name, *value;
	size_t length; /* of value, where it has a NUL; 0 = its strlen() */
};

enum { FIELDS_MAX = 72 };

#define METHOD                                                                                                         \
	{                                                                                                              \
		":method", "POST", 0                                                                                   \
	}
#define SCHEME                                                                                                         \
	{                                                                                                              \
		":scheme", "http", 0                                                                                   \
	}
#define PATH                                                                                                           \
	{                                                                                                              \
		":path", CHECK, 0                                                                                      \
	}
#define AUTHORITY                                                                                                      \
	{                                                                                                              \
		":authority", "test", 0                                                                                \
	}
#define TYPE                                                                                                           \
	{                                                                                                              \
		"content-type", "application/grpc", 0                                                                  \
	}
#define TE                                                                                                             \
	{                                                                                                              \
		"te", "trailers", 0                                                                                    \
	}

static size_t values_of(nghttp2_nv *values, const struct field *fields)
{
	size_t count = 0;

	for (; fields[count].name != NULL; count++)
		/* Not copied: nghttp2 would make the names lower case. */
		values[count] = (nghttp2_nv){(uint8_t *)(uintptr_t)fields[count].name,
			(uint8_t *)(uintptr_t)fields[count].value, strlen(fields[count].name),
			fields[count].length != 0 ? fields[count].length : strlen(fields[count].value),
			NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE};
	return count;
}

/* An empty message, and the trailers behind it. */
static ssize_t no_body(nghttp2_session *session, int32_t id, uint8_t *buffer, size_t room, uint32_t *flags,
	nghttp2_data_source *source, void *user)
{
	nghttp2_nv values[FIELDS_MAX];

	(void)user;
	assert_true(room >= sizeof(EMPTY));
	memcpy(buffer, EMPTY, sizeof(EMPTY));
	*flags |= NGHTTP2_DATA_FLAG_EOF;
	if (source->ptr != NULL) {
		*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
		assert_int_equal(nghttp2_submit_trailer(session, id, values, values_of(values, source->ptr)), 0);
	}
	return sizeof(EMPTY);
}

/* A request of exactly these fields, and trailers where they are not NULL. Waits for its end. */
static struct fed_stream *request(struct fed *fed, const struct field *fields, const struct field *trailers)
{
	struct fed_stream *stream = &fed->streams[fed->stream_count++];
	nghttp2_data_provider provider = {.source.ptr = (void *)(uintptr_t)trailers, .read_callback = no_body};
	nghttp2_nv values[FIELDS_MAX];
	const size_t count = values_of(values, fields);

	assert_true(fed->stream_count <= FED_STREAMS_MAX);
	stream->grpc = -1;
	stream->id = nghttp2_submit_request(fed->client, NULL, values, count, &provider, stream);
	assert_true(stream->id > 0);
	fed_wait(fed, stream);
	return stream;
}

static void assert_goes_on(struct fed *fed)
{
	static const struct field good[] = {METHOD, SCHEME, PATH, AUTHORITY, TYPE, TE, {NULL, NULL, 0}};
	const struct fed_stream *stream = request(fed, good, NULL);

	assert_int_equal(stream->status, 200);
	assert_int_equal(stream->grpc, 0);
	assert_false(fed->goaway);
	assert_int_equal(fed->conn->stage, LF_HTTP_TALKING);
	assert_int_equal(fed->conn->half_ns, 0); /* nothing is half done */
	assert_int_equal(fed->conn->exchange_count, 0);
	assert_int_equal(fed->conn->arriving, 0);
}

static void a_malformed_head_ends_its_stream(void **state)
{
	static const struct {
		const char *what;
		struct field fields[12];
	} CASES[] = {
		{"a name in upper case", {METHOD, SCHEME, PATH, AUTHORITY, TYPE, {"X-Upper", "1", 0}}},
		{"a name with a space", {METHOD, SCHEME, PATH, AUTHORITY, TYPE, {"a b", "1", 0}}},
		{"an empty name", {METHOD, SCHEME, PATH, AUTHORITY, TYPE, {"", "1", 0}}},
		{"an unknown pseudo-header", {METHOD, SCHEME, PATH, AUTHORITY, {":protocols", "1", 0}, TYPE}},
		{"one of replies", {METHOD, SCHEME, PATH, AUTHORITY, {":status", "200", 0}, TYPE}},
		{"a pseudo-header twice", {METHOD, SCHEME, PATH, PATH, AUTHORITY, TYPE}},
		{"a method twice", {METHOD, METHOD, SCHEME, PATH, AUTHORITY, TYPE}},
		{"a pseudo-header behind a header", {METHOD, SCHEME, AUTHORITY, TYPE, PATH}},
		{"no method", {SCHEME, PATH, AUTHORITY, TYPE}},
		{"no scheme", {METHOD, PATH, AUTHORITY, TYPE}},
		{"no path", {METHOD, SCHEME, AUTHORITY, TYPE}},
		{"an empty path", {METHOD, SCHEME, {":path", "", 0}, AUTHORITY, TYPE}},
		{"a path that is none", {METHOD, SCHEME, {":path", "nowhere", 0}, AUTHORITY, TYPE}},
		{"CONNECT with a path", {{":method", "CONNECT", 0}, SCHEME, PATH, AUTHORITY, TYPE}},
		{"connection", {METHOD, SCHEME, PATH, AUTHORITY, TYPE, {"connection", "close", 0}}},
		{"keep-alive", {METHOD, SCHEME, PATH, AUTHORITY, TYPE, {"keep-alive", "1", 0}}},
		{"transfer-encoding", {METHOD, SCHEME, PATH, AUTHORITY, TYPE, {"transfer-encoding", "chunked", 0}}},
		{"upgrade", {METHOD, SCHEME, PATH, AUTHORITY, TYPE, {"upgrade", "h2c", 0}}},
		{"te other than trailers", {METHOD, SCHEME, PATH, AUTHORITY, TYPE, {"te", "gzip", 0}}},
		{"two lengths",
			{METHOD, SCHEME, PATH, AUTHORITY, TYPE, {"content-length", "5", 0},
				{"content-length", "5", 0}}},
		{"a length that is not the body's",
			{METHOD, SCHEME, PATH, AUTHORITY, TYPE, {"content-length", "6", 0}}},
		{"a length that is no number", {METHOD, SCHEME, PATH, AUTHORITY, TYPE, {"content-length", "-5", 0}}},
		{"a line end in a value", {METHOD, SCHEME, PATH, AUTHORITY, TYPE, {"a", "1\r\nb: 2", 0}}},
		{"LF in a value", {METHOD, SCHEME, PATH, AUTHORITY, TYPE, {"a", "1\nb", 0}}},
		{"NUL in a value", {METHOD, SCHEME, PATH, AUTHORITY, TYPE, {"a", "1\0b", 3}}},
		{"a line end in the path", {METHOD, SCHEME, {":path", "/a\r\nb", 0}, AUTHORITY, TYPE}},
		{"two hosts", {METHOD, SCHEME, PATH, AUTHORITY, TYPE, {"host", "test", 0}, {"host", "test", 0}}},
	};
	struct fed fed;

	(void)state;
	fed_start(&fed, NULL, NULL, true);
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		const struct fed_stream *stream = request(&fed, CASES[i].fields, NULL);

		if (stream->status != 400 && stream->error != NGHTTP2_PROTOCOL_ERROR)
			fail_msg("%s: status %d, error %u", CASES[i].what, stream->status, stream->error);
		assert_goes_on(&fed);
	}
	assert_int_equal(fed.stubs.scored, 0);
	fed_end(&fed);
}

static void malformed_trailers_end_their_stream(void **state)
{
	static const struct field HEAD[] = {METHOD, SCHEME, PATH, AUTHORITY, TYPE, TE, {NULL, NULL, 0}};
	static const struct field PSEUDO[] = {{":path", "/", 0}, {NULL, NULL, 0}};
	static const struct field UPPER[] = {{"A", "1", 0}, {NULL, NULL, 0}};
	static const struct field GOOD[] = {{"a", "1", 0}, {NULL, NULL, 0}};
	const struct fed_stream *stream;
	struct fed fed;

	(void)state;
	fed_start(&fed, NULL, NULL, true);
	stream = request(&fed, HEAD, PSEUDO);
	assert_int_equal(stream->error, NGHTTP2_PROTOCOL_ERROR);
	stream = request(&fed, HEAD, UPPER);
	assert_int_equal(stream->error, NGHTTP2_PROTOCOL_ERROR);
	assert_goes_on(&fed);
	stream = request(&fed, HEAD, GOOD);
	assert_int_equal(stream->grpc, 0);
	assert_goes_on(&fed);
	fed_end(&fed);
}

/* Sixteen KiB of fields, and 64 of them. Beyond that the request is refused, however many frames it has come in. */
static void heads_are_bounded(void **state)
{
	static char value[4001];
	static const struct field START[] = {METHOD, SCHEME, PATH, AUTHORITY, TYPE, TE};
	const size_t start = sizeof(START) / sizeof(START[0]);
	struct field fields[FIELDS_MAX] = {{NULL, NULL, 0}};
	static const struct {
		size_t count;
		const char *value;
		int status;
	} CASES[] = {
		{3, value, 200},  /* 12 KiB */
		{4, value, 431},  /* 16 KiB and a little */
		{15, value, 431}, /* 60 KiB, in four frames */
		{62, "1", 200},   /* and content-type, te */
		{63, "1", 431},
	};
	struct fed fed;

	(void)state;
	memset(value, 'x', sizeof(value) - 1);
	memcpy(fields, START, sizeof(START));
	fed_start(&fed, NULL, NULL, true);
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		const struct fed_stream *stream;

		for (size_t at = 0; at < CASES[i].count; at++)
			fields[start + at] = (struct field){"a", CASES[i].value, 0};
		fields[start + CASES[i].count] = (struct field){NULL, NULL, 0};
		stream = request(&fed, fields, NULL);
		assert_int_equal(stream->status, CASES[i].status);
		assert_int_equal(stream->error, NGHTTP2_NO_ERROR);
		assert_goes_on(&fed);
	}
	fed_end(&fed);
}

/* ---- the connection ---- */

static void what_leaves_the_state_unknown_ends_the_connection(void **state)
{
	static const struct {
		const char *what;
		uint8_t bytes[24];
		size_t length;
		uint32_t error;
	} CASES[] = {
		{"an index that HPACK's tables do not have", {0, 0, 2, 1, 5, 0, 0, 0, 1, 0xff, 0x70}, 11,
			NGHTTP2_COMPRESSION_ERROR},
		{"a head on no stream", {0, 0, 1, 1, 5, 0, 0, 0, 0, 0x82}, 10, NGHTTP2_PROTOCOL_ERROR},
		{"a stream of the server's", {0, 0, 1, 1, 5, 0, 0, 0, 2, 0x82}, 10, NGHTTP2_PROTOCOL_ERROR},
		{"data on an idle stream", {0, 0, 1, 0, 1, 0, 0, 0, 9, 'x'}, 10, NGHTTP2_PROTOCOL_ERROR},
		{"data on no stream", {0, 0, 1, 0, 1, 0, 0, 0, 0, 'x'}, 10, NGHTTP2_PROTOCOL_ERROR},
		{"a reset of an idle stream", {0, 0, 4, 3, 0, 0, 0, 0, 9, 0, 0, 0, 8}, 13, NGHTTP2_PROTOCOL_ERROR},
		{"CONTINUATION of nothing", {0, 0, 1, 9, 4, 0, 0, 0, 1, 0x82}, 10, NGHTTP2_PROTOCOL_ERROR},
		{"another frame amid a head", {0, 0, 1, 1, 1, 0, 0, 0, 1, 0x82, 0, 0, 1, 0, 1, 0, 0, 0, 1, 'x'}, 20,
			NGHTTP2_PROTOCOL_ERROR},
		{"PUSH_PROMISE", {0, 0, 5, 5, 4, 0, 0, 0, 1, 0, 0, 0, 2, 0x82}, 14, NGHTTP2_PROTOCOL_ERROR},
		{"more padding than frame", {0, 0, 2, 1, 13, 0, 0, 0, 1, 9, 0x82}, 11, NGHTTP2_PROTOCOL_ERROR},
		{"a PING of seven bytes", {0, 0, 7, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7}, 16,
			NGHTTP2_FRAME_SIZE_ERROR},
		{"SETTINGS of five bytes", {0, 0, 5, 4, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4}, 14, NGHTTP2_FRAME_SIZE_ERROR},
		{"a frame beyond 16 KiB", {0, 0x40, 1, 1, 5, 0, 0, 0, 1, 0x82}, 10, NGHTTP2_FRAME_SIZE_ERROR},
		{"a window that grows by nothing", {0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 13, NGHTTP2_PROTOCOL_ERROR},
		{"a window beyond 2^31", {0, 0, 4, 8, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff}, 13,
			NGHTTP2_FLOW_CONTROL_ERROR},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		struct fed fed;

		fed_start(&fed, NULL, NULL, true);
		fed_turn(&fed); /* both prefaces */
		fed_bytes(&fed, CASES[i].bytes, CASES[i].length);
		fed_turn(&fed);
		if (!fed.goaway || fed.goaway_error != CASES[i].error)
			fail_msg("%s: GOAWAY %d, error %u", CASES[i].what, fed.goaway, fed.goaway_error);
		assert_true(fed.conn->stage >= LF_HTTP_CLOSING);
		fed_assert_serves(&fed);
		fed_end(&fed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_malformed_head_ends_its_stream),
		cmocka_unit_test(malformed_trailers_end_their_stream),
		cmocka_unit_test(heads_are_bounded),
		cmocka_unit_test(what_leaves_the_state_unknown_ends_the_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
