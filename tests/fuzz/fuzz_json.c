/*
 * JSON from strangers. The first byte chooses the message type and how the message is printed. What is read is printed
 * and read again as the same message; what is refused says why; the line of each violation lies in the text.
 */
#include <stdlib.h>
#include <string.h>

#include "leadfit/v1/decisions.pb-c.h"
#include "leadfit/v1/scoring.pb-c.h"
#include "proto/base/buffer.h"
#include "proto/text/json.h"
#include "proto/base/limits.h"
#include "tests/fuzz/fuzz.h"

static const ProtobufCMessageDescriptor *const types[] = {&leadfit__v1__score_request__descriptor,
	&leadfit__v1__rubric__descriptor, &leadfit__v1__team__descriptor,
	&leadfit__v1__list_decisions_request__descriptor};

enum { ARENA_BYTES = 64 * 1024 * 1024 };

static void check_error(const struct lf_error *error, const char *text, size_t length)
{
	size_t lines = 1;

	for (size_t i = 0; i < length; i++)
		lines += text[i] == '\n' || text[i] == '\r';
	REQUIRE(error->code == LF_INVALID_ARGUMENT);
	REQUIRE(error->message[0]);
	REQUIRE(error->violation_kept <= error->violation_count);
	for (size_t i = 0; i < error->violation_kept && i < 3; i++) {
		REQUIRE(error->violations[i].description[0]);
		/* NEL, LS and PS end a line for libyaml. */
		REQUIRE(lf_text_line_of(text, length, error->violations[i].field) <= lines + length / 2);
	}
}

static void check_same(const ProtobufCMessage *message, const ProtobufCMessage *back)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	uint8_t *expected = malloc(size + 1), *found = malloc(size + 1);

	REQUIRE(back && expected && found);
	REQUIRE(protobuf_c_message_get_packed_size(back) == size);
	protobuf_c_message_pack(message, expected);
	protobuf_c_message_pack(back, found);
	REQUIRE(!memcmp(expected, found, size));
	free(expected);
	free(found);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_buffer out = {.data = NULL};
	struct lf_arena arena;
	const ProtobufCMessageDescriptor *type;
	struct lf_json_style style;
	const char *text;
	ProtobufCMessage *message;

	if (!size)
		return 0;
	type = types[data[0] & 3];
	style = (struct lf_json_style){.pretty = data[0] & 4, .snake_case = data[0] & 8, .with_defaults = data[0] & 16};
	text = (const char *)data + 1;
	lf_arena_init(&arena, ARENA_BYTES);
	message = lf_text_parse(LF_FORMAT_JSON, type, text, size - 1, &arena, &error);
	if (message != NULL) {
		REQUIRE(error.code == LF_OK);
		lf_json_print(message, &style, &out);
		REQUIRE(!out.failed && strlen(out.data) == out.length);
		if (out.length <= LF_MESSAGE_BYTES_MAX)
			check_same(message, lf_text_parse(LF_FORMAT_JSON, type, out.data, out.length, &arena, &error));
	} else {
		check_error(&error, text, size - 1);
	}
	lf_buffer_clean_up(&out);
	lf_error_clean_up(&error);
	lf_arena_clean_up(&arena);
	return 0;
}
