#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "leadfit/v1/error.pb-c.h"
#include "proto/base/base64.h"
#include "proto/base/limits.h"
#include "proto/text/json.h"
#include "proto/wire/wire.h"
#include "service/http/connect.h"

enum {
	MESSAGE_MAX = 1024,            /* of the error's text; struct lf_error has half of it */
	ARENA_BYTES_MAX = 1024 * 1024, /* for details: 100 fields of at most 600 bytes */
};

/* "debug": the details as JSON, which people can read. Left out where they can't be decoded. */
static void print_debug(struct lf_buffer *out, struct lf_slice details)
{
	const struct lf_json_style style = {.with_defaults = false};
	struct lf_arena arena;
	const ProtobufCMessage *error;

	lf_arena_init(&arena, ARENA_BYTES_MAX);
	error = lf_wire_unpack(
		&leadfit__v1__error__descriptor, (const uint8_t *)details.data, details.length, &arena, NULL);
	if (error != NULL) {
		lf_buffer_append_text(out, ",\"debug\":");
		lf_json_print(error, &style, out);
	}
	lf_arena_clean_up(&arena);
}

static void print_details(struct lf_buffer *out, struct lf_slice details)
{
	char *base64 = malloc(lf_base64_size(details.length) + 1);
	char *end;

	if (base64 == NULL)
		return;
	end = lf_base64_print((const uint8_t *)details.data, details.length, false, base64);
	lf_buffer_append_text(out, ",\"details\":[{\"type\":\"leadfit.v1.Error\",\"value\":\"");
	lf_buffer_append(out, base64, (size_t)(end - base64));
	lf_buffer_append_text(out, "\"");
	print_debug(out, details);
	lf_buffer_append_text(out, "}]");
	free(base64);
}

void lf_connect_print_error(struct lf_buffer *out, enum lf_code code, struct lf_slice message, struct lf_slice details)
{
	char text[MESSAGE_MAX];

	snprintf(text, sizeof(text), "%.*s",
		message.data == NULL                   ? 0
			: message.length < MESSAGE_MAX ? (int)message.length
						       : MESSAGE_MAX,
		message.data == NULL ? "" : message.data);
	lf_text_add(out, "{\"code\":\"%s\"", lf_code_connect_name(code));
	if (text[0] != '\0') {
		lf_buffer_append_text(out, ",\"message\":");
		lf_json_print_string(text, out);
	}
	if (details.length != 0)
		print_details(out, details);
	lf_buffer_append_text(out, "}");
}

enum lf_code lf_connect_read_timeout(struct lf_slice text, uint32_t *timeout_ms, struct lf_error *error)
{
	uint64_t ms = 0;
	bool ok = text.length >= 1 && text.length <= 10;

	for (size_t i = 0; i < text.length && ok; i++) {
		ok = text.data[i] >= '0' && text.data[i] <= '9';
		ms = ms * 10 + (uint64_t)(text.data[i] - '0');
	}
	if (!ok)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "connect-timeout-ms: \"%.*s\" is not 1 to 10 digits",
			text.length < 40 ? (int)text.length : 40, text.data);
	if (ms == 0)
		return lf_error_set(error, LF_DEADLINE_EXCEEDED, "connect-timeout-ms is 0: no time is left");
	*timeout_ms = ms < LF_TIMEOUT_MS_MAX ? (uint32_t)ms : LF_TIMEOUT_MS_MAX;
	return LF_OK;
}
