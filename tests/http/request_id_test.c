/* A request's id and its trace come back in the reply by one rule, whatever the dialect, and whether the call succeeds. */
#include "tests/http/fed.h"

#include <stdio.h>
#include <string.h>

static const uint8_t EMPTY[5];

static const struct {
	const char *name, *type;
	size_t prefix_bytes; /* of gRPC's frames */
} DIALECTS[] = {
	{"gRPC", "application/grpc", 5},
	{"gRPC-Web", "application/grpc-web+proto", 5},
	{"Connect", "application/proto", 0},
};

/* One that succeeds, one that a method or dispatch refuses, and one that no call was made of. */
static const struct {
	const char *path;
	bool is_broken;
} CALLS[] = {
	{"/grpc.health.v1.Health/Check", false},
	{"/leadfit.v1.Scoring/Nope", false},
	{"/grpc.health.v1.Health/Check", true},
};

/* Makes each of the calls with these two headers. */
static void call_all(struct fed *fed, const char *name, const char *value, const char *other, const char *other_value,
	void (*look)(const struct fed_stream *stream, const char *call, void *context), void *context)
{
	for (size_t d = 0; d < sizeof(DIALECTS) / sizeof(DIALECTS[0]); d++)
		for (size_t c = 0; c < sizeof(CALLS) / sizeof(CALLS[0]); c++) {
			const char *const more[] = {"content-type", DIALECTS[d].type, name, value, other, other_value,
				DIALECTS[d].prefix_bytes != 0 ? "grpc-timeout" : "connect-timeout-ms",
				CALLS[c].is_broken                      ? "never"
					: DIALECTS[d].prefix_bytes != 0 ? "9S"
									: "9000",
				NULL};
			struct fed_stream *stream = fed_call(fed, CALLS[c].path, EMPTY, DIALECTS[d].prefix_bytes, more);
			char call[128];

			fed_wait(fed, stream);
			snprintf(call, sizeof(call), "%s, call %zu, %s \"%.64s\"", DIALECTS[d].name, c, name, value);
			look(stream, call, context);
		}
}

static void look_for_id(const struct fed_stream *stream, const char *call, void *context)
{
	if (strcmp(stream->request_id, context) != 0)
		fail_msg("%s: \"%s\" comes back", call, stream->request_id);
}

/* Calls with this id each of them, and expects the id back, or none. */
static void expect(struct fed *fed, const char *id, bool comes_back)
{
	char expected[LF_METADATA_BYTES_MAX + 2];

	snprintf(expected, sizeof(expected), "%s", comes_back ? id : "");
	call_all(fed, "request-id", id, "x-other", "1", look_for_id, expected);
}

static void an_id_that_a_frame_could_have_comes_back(void **state)
{
	char longest[LF_METADATA_BYTES_MAX + 1];
	struct fed fed;

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	fed_start(&fed, NULL, NULL, true);
	expect(&fed, "r-1", true);
	expect(&fed, "two words, ~!@\"", true);
	expect(&fed, longest, true);
	fed_end(&fed);
}

static void another_does_not_and_the_call_goes_on(void **state)
{
	char longer[LF_METADATA_BYTES_MAX + 2];
	struct fed fed;

	(void)state;
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	fed_start(&fed, NULL, NULL, true);
	expect(&fed, longer, false);
	expect(&fed, "caf\xc3\xa9", false);
	expect(&fed, "\xff", false);
	expect(&fed, "tab\there", false);
	fed_end(&fed);
}

/* ---- traces ---- */

static const char PARENT[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

static void look_for_trace(const struct fed_stream *stream, const char *call, void *context)
{
	(void)context;
	if (strlen(stream->traceparent) != strlen(PARENT) || memcmp(stream->traceparent, PARENT, 36) != 0 ||
		strcmp(stream->traceparent + 52, "-01") != 0 || memcmp(stream->traceparent + 36, PARENT + 36, 16) == 0)
		fail_msg("%s: \"%s\" comes back", call, stream->traceparent);
	assert_string_equal(stream->tracestate, "vendor=value");
}

static void look_for_new_trace(const struct fed_stream *stream, const char *call, void *context)
{
	(void)context;
	if (strlen(stream->traceparent) != strlen(PARENT) || memcmp(stream->traceparent, "00-", 3) != 0 ||
		strcmp(stream->traceparent + 52, "-00") != 0 || memcmp(stream->traceparent, PARENT, 36) == 0)
		fail_msg("%s: \"%s\" comes back", call, stream->traceparent);
	assert_string_equal(stream->tracestate, "");
}

static void a_trace_is_continued_or_begun(void **state)
{
	struct fed fed;

	(void)state;
	fed_start(&fed, NULL, NULL, true);
	call_all(&fed, "traceparent", PARENT, "tracestate", "vendor=value", look_for_trace, NULL);
	call_all(&fed, "traceparent", "00-nonsense", "tracestate", "vendor=value", look_for_new_trace, NULL);
	call_all(&fed, "x-other", "1", "tracestate", "vendor=value", look_for_new_trace, NULL);
	fed_end(&fed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_id_that_a_frame_could_have_comes_back),
		cmocka_unit_test(another_does_not_and_the_call_goes_on),
		cmocka_unit_test(a_trace_is_continued_or_begun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
