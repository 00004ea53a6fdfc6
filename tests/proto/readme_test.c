/* What proto/README.md says, byte for byte: its dumps, its statuses, its limits. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grpc/health/v1/health.pb-c.h"
#include "leadfit/v1/decisions.pb-c.h"
#include "leadfit/v1/error.pb-c.h"
#include "proto/wire/bundle.h"
#include "proto/wire/frame.h"
#include "proto/wire/wire.h"

static const char TRACEPARENT[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
static char *readme;

static int read_readme(void **state)
{
	FILE *file = fopen(LF_SOURCE_DIR "/proto/README.md", "r");
	size_t length = 0;

	(void)state;
	readme = malloc(1 << 20);
	if (file != NULL && readme != NULL) {
		length = fread(readme, 1, (1 << 20) - 1, file);
		readme[length] = '\0';
	}
	if (file != NULL)
		fclose(file);
	return length == 0;
}

static int free_readme(void **state)
{
	(void)state;
	free(readme);
	return 0;
}

/* Bytes of the dump in the block ```hex NAME. Each line: offset, up to 16 bytes, what they are. */
static size_t read_dump(const char *name, uint8_t *out)
{
	char fence[64];
	const char *line;
	size_t length = 0;

	snprintf(fence, sizeof(fence), "```hex %s\n", name);
	line = strstr(readme, fence);
	assert_non_null(line);
	for (line = strchr(line, '\n') + 1; strncmp(line, "```", 3) != 0; line = strchr(line, '\n') + 1) {
		const char *at = line + 6;
		unsigned byte;

		assert_int_equal(strtoul(line, NULL, 16), length); /* the offset */
		for (int i = 0; i < 16 && sscanf(at, "%2x", &byte) == 1 && at[0] != ' '; i++, at += 3) {
			out[length++] = (uint8_t)byte;
			if (at[2] == '\n')
				break;
		}
	}
	return length;
}

static struct lf_slice slice(const char *text)
{
	return (struct lf_slice){text, strlen(text)};
}

static char *text(const char *value)
{
	return strdup(value);
}

/* The frame of header fields and a message. */
static size_t build(const struct lf_frame *frame, const ProtobufCMessage *message, uint8_t *out)
{
	size_t length = lf_frame_encode_header(frame, out, NULL);

	assert_true(length > 0);
	return length + protobuf_c_message_pack(message, out + length);
}

static void assert_dump(const char *name, const uint8_t *bytes, size_t length)
{
	uint8_t dump[8192];

	assert_int_equal(read_dump(name, dump), length);
	assert_memory_equal(dump, bytes, length);
}

static void the_health_check_is_what_its_dump_says(void **state)
{
	Grpc__Health__V1__HealthCheckRequest request;
	Grpc__Health__V1__HealthCheckResponse response;
	struct lf_frame frame = {.kind = LF_FRAME_REQUEST, .method = slice("grpc.health.v1.Health/Check")};
	uint8_t bytes[8192];

	(void)state;
	grpc__health__v1__health_check_request__init(&request);
	grpc__health__v1__health_check_response__init(&response);
	assert_dump("health-request", bytes, build(&frame, &request.base, bytes));
	response.status = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING;
	frame = (struct lf_frame){.kind = LF_FRAME_REPLY, .status = LF_OK, .metadata_count = 1};
	frame.metadata[0] = (struct lf_metadata){slice("traceparent"), slice(TRACEPARENT)};
	assert_dump("health-reply", bytes, build(&frame, &response.base, bytes));
}

static void the_request_with_metadata_is_what_its_dump_says(void **state)
{
	Leadfit__V1__GetDecisionRequest request;
	Leadfit__V1__Error body;
	struct lf_frame frame = {.kind = LF_FRAME_REQUEST,
		.timeout_ms = 2000,
		.method = slice("leadfit.v1.Decisions/Get"),
		.metadata_count = 2};
	uint8_t bytes[8192];

	(void)state;
	leadfit__v1__get_decision_request__init(&request);
	leadfit__v1__error__init(&body);
	frame.metadata[0] = (struct lf_metadata){slice("authorization"), slice("Bearer s3cret")};
	frame.metadata[1] = (struct lf_metadata){slice("request-id"), slice("r-7")};
	request.decision_id = text("01932b8e-5c1f-7e2a-9d34-7f0a1b2c3d4e");
	assert_dump("get-request", bytes, build(&frame, &request.base, bytes));
	frame = (struct lf_frame){.kind = LF_FRAME_REPLY, .status = LF_NOT_FOUND, .metadata_count = 2};
	frame.metadata[0] = (struct lf_metadata){slice("request-id"), slice("r-7")};
	frame.metadata[1] = (struct lf_metadata){slice("traceparent"), slice(TRACEPARENT)};
	body.code = LF_NOT_FOUND;
	body.message = text("there is no decision 01932b8e-5c1f-7e2a-9d34-7f0a1b2c3d4e");
	assert_dump("get-reply", bytes, build(&frame, &body.base, bytes));
	free(request.decision_id);
	free(body.message);
}

/* 8 bytes of handshake, 8 of length, 4 of request header, the frame. */
static void assert_on_tcp(const char *name, const char *frame_name, uint8_t protocol)
{
	const uint8_t handshake[8] = {0, 'S', 'P', 0, 0, protocol, 0, 0};
	uint8_t stream[8192], frame[8192];
	size_t frame_length = read_dump(frame_name, frame);

	assert_int_equal(read_dump(name, stream), 20 + frame_length);
	assert_memory_equal(stream, handshake, 8);
	for (size_t i = 8; i < 15; i++)
		assert_int_equal(stream[i], 0);
	assert_int_equal(stream[15], 4 + frame_length);
	assert_memory_equal(stream + 16, "\x80\0\0\1", 4);
	assert_memory_equal(stream + 20, frame, frame_length);
}

static void on_tcp_the_frames_are_the_same(void **state)
{
	(void)state;
	assert_on_tcp("tcp-request", "health-request", 0x30);
	assert_on_tcp("tcp-reply", "health-reply", 0x31);
}

/* Two frames, with the ids 7 and 8. */
static void assert_bundle(const char *name, enum lf_bundle_kind kind, const char *first, const char *second)
{
	const char *const names[] = {first, second};
	uint8_t bundle[8192], frame[8192];
	size_t length = LF_BUNDLE_FIXED_BYTES;

	lf_bundle_encode_header(kind, 2, bundle);
	for (uint32_t i = 0; i < 2; i++) {
		const size_t frame_length = read_dump(names[i], frame);

		lf_bundle_encode_entry(7 + i, frame_length, bundle + length);
		memcpy(bundle + length + LF_BUNDLE_ENTRY_BYTES, frame, frame_length);
		length += LF_BUNDLE_ENTRY_BYTES + frame_length;
	}
	assert_dump(name, bundle, length);
}

static void in_a_bundle_the_frames_are_the_same(void **state)
{
	(void)state;
	assert_bundle("bundle-request", LF_BUNDLE_REQUESTS, "health-request", "get-request");
	assert_bundle("bundle-reply", LF_BUNDLE_REPLIES, "health-reply", "get-reply");
}

static void its_statuses_are_those_of_the_table(void **state)
{
	const char *table = strstr(readme, "\n## Statuses\n"), *end;
	char row[256];
	size_t rows = 0;

	(void)state;
	assert_non_null(table);
	end = strstr(table, "\n## Deadlines\n");
	assert_non_null(end);
#define X(name, code, exit_status, http, connect, meaning)                                                             \
	snprintf(row, sizeof(row), "\n| %d | %s | %d | %d | %s | %s |\n", code, #name, exit_status, http, connect,     \
		meaning);                                                                                              \
	if (strstr(table, row) == NULL)                                                                                \
		fail_msg("proto/README.md lacks%s", row);                                                              \
	rows++;
	LF_STATUS_MAP(X)
#undef X
	for (const char *at = table; (at = strstr(at, "\n| ")) != NULL && at < end; at++)
		rows--;
	assert_int_equal(rows, (size_t)-1); /* no row but those, and the heading */
}

static void its_limits_are_those_of_the_headers(void **state)
{
	static const struct {
		const char *name;
		int value;
	} limits[] = {
		{"LF_MESSAGE_BYTES_MAX", LF_MESSAGE_BYTES_MAX},
		{"LF_FRAME_HEADER_MAX", LF_FRAME_HEADER_MAX},
		{"LF_METADATA_MAX", LF_METADATA_MAX},
		{"LF_METADATA_BYTES_MAX", LF_METADATA_BYTES_MAX},
		{"LF_METHOD_BYTES_MAX", LF_METHOD_BYTES_MAX},
		{"LF_TIMEOUT_MS_MAX", LF_TIMEOUT_MS_MAX},
		{"LF_MESSAGE_DEPTH_MAX", LF_MESSAGE_DEPTH_MAX},
		{"LF_VIOLATIONS_MAX", LF_VIOLATIONS_MAX},
		{"LF_BUNDLE_MAX", LF_BUNDLE_MAX},
		{"LF_IN_FLIGHT_MAX", LF_IN_FLIGHT_MAX},
		{"LF_CONNECTIONS_MAX", LF_CONNECTIONS_MAX},
		{"LF_STREAMS_MAX", LF_STREAMS_MAX},
		{"LF_STREAMS_CALLER_MAX", LF_STREAMS_CALLER_MAX},
		{"LF_REQUEST_BYTES_MAX", LF_REQUEST_BYTES_MAX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		char row[128];

		snprintf(row, sizeof(row), "\n| `%s` | %d | ", limits[i].name, limits[i].value);
		if (strstr(readme, row) == NULL)
			fail_msg("proto/README.md lacks%s", row);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_health_check_is_what_its_dump_says),
		cmocka_unit_test(the_request_with_metadata_is_what_its_dump_says),
		cmocka_unit_test(on_tcp_the_frames_are_the_same),
		cmocka_unit_test(in_a_bundle_the_frames_are_the_same),
		cmocka_unit_test(its_statuses_are_those_of_the_table),
		cmocka_unit_test(its_limits_are_those_of_the_headers),
	};

	return cmocka_run_group_tests(tests, read_readme, free_readme);
}
