/* A request's id comes back in the reply by one rule, whatever the dialect, and whether the call succeeds. */
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

/* Calls with this id each of them, and expects the id back, or none. */
static void expect(struct fed *fed, const char *id, bool comes_back)
{
	for (size_t d = 0; d < sizeof(DIALECTS) / sizeof(DIALECTS[0]); d++)
		for (size_t c = 0; c < sizeof(CALLS) / sizeof(CALLS[0]); c++) {
			const char *const more[] = {"content-type", DIALECTS[d].type, "request-id", id,
				DIALECTS[d].prefix_bytes != 0 ? "grpc-timeout" : "connect-timeout-ms",
				CALLS[c].is_broken                      ? "never"
					: DIALECTS[d].prefix_bytes != 0 ? "9S"
									: "9000",
				NULL};
			struct fed_stream *stream = fed_call(fed, CALLS[c].path, EMPTY, DIALECTS[d].prefix_bytes, more);

			fed_wait(fed, stream);
			if (strcmp(stream->request_id, comes_back ? id : "") != 0)
				fail_msg("%s, call %zu: \"%s\" comes back as \"%s\"", DIALECTS[d].name, c, id,
					stream->request_id);
		}
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_id_that_a_frame_could_have_comes_back),
		cmocka_unit_test(another_does_not_and_the_call_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
