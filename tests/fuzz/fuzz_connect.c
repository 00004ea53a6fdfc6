/*
 * The texts of Connect. The first byte picks one: the query of a GET, base64, a time-out, an origin, or the JSON of an
 * error from any message and any details.
 */
#include <stdlib.h>
#include <string.h>

#include "leadfit/v1/error.pb-c.h"
#include "proto/base/base64.h"
#include "proto/base/limits.h"
#include "proto/text/json.h"
#include "service/http/connect.h"
#include "service/http/http.h"
#include "service/http/parse/query.h"
#include "tests/fuzz/fuzz.h"

static void fuzz_query(const uint8_t *data, size_t size)
{
	char *apart = malloc(size + 1), *in_place = malloc(size + 1);
	struct lf_error error = LF_ERROR_INIT;
	struct lf_query first, second;
	enum lf_code code;

	REQUIRE(apart != NULL && in_place != NULL);
	memcpy(in_place, data, size);
	code = lf_query_read(&first, (struct lf_slice){(const char *)data, size}, apart, &error);
	REQUIRE(code == error.code && (code == LF_OK || code == LF_INVALID_ARGUMENT));
	REQUIRE(lf_query_read(&second, (struct lf_slice){in_place, size}, in_place, NULL) == code);
	REQUIRE(first.count == second.count && first.count <= LF_QUERY_MAX);
	for (size_t i = 0; i < first.count; i++) {
		const struct lf_metadata *a = &first.entries[i], *b = &second.entries[i];

		REQUIRE(a->key.data >= apart && a->value.data + a->value.length <= apart + size);
		REQUIRE(a->key.length == b->key.length && memcmp(a->key.data, b->key.data, a->key.length) == 0);
		REQUIRE(a->value.length == b->value.length &&
			memcmp(a->value.data, b->value.data, a->value.length) == 0);
	}
	lf_error_clean_up(&error);
	free(apart);
	free(in_place);
}

static void fuzz_base64(const uint8_t *data, size_t size)
{
	uint8_t *bytes = malloc(size / 4 * 3 + 3), *again = malloc(size / 4 * 3 + 6);
	char *text = malloc(size + 8), *end;
	size_t length, length_again;

	REQUIRE(bytes != NULL && again != NULL && text != NULL);
	if (lf_base64_parse((const char *)data, size, bytes, &length)) {
		REQUIRE(length <= size);
		end = lf_base64_print(bytes, length, true, text);
		REQUIRE((size_t)(end - text) == lf_base64_size(length));
		REQUIRE(lf_base64_parse(text, (size_t)(end - text), again, &length_again));
		REQUIRE(length_again == length && memcmp(bytes, again, length) == 0);
	}
	free(bytes);
	free(again);
	free(text);
}

static void fuzz_timeout(const uint8_t *data, size_t size)
{
	struct lf_error error = LF_ERROR_INIT;
	uint32_t ms = 0;
	const enum lf_code code = lf_connect_read_timeout((struct lf_slice){(const char *)data, size}, &ms, &error);

	REQUIRE(code == error.code);
	REQUIRE(code != LF_OK || (ms != 0 && ms <= LF_TIMEOUT_MS_MAX && size <= 10));
	lf_error_clean_up(&error);
}

static void fuzz_origin(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct lf_error error = LF_ERROR_INIT;

	REQUIRE(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	if (lf_http_origin_check(text, &error) == LF_OK)
		REQUIRE(strstr(text, "://") != NULL && strpbrk(strstr(text, "://") + 3, "/*@?#, ") == NULL);
	lf_error_clean_up(&error);
	free(text);
}

/* data[0]: how much of the rest is the message. It is read back as JSON of a kind that the mapper knows: any. */
static void fuzz_error(const uint8_t *data, size_t size)
{
	const size_t message = size == 0 ? 0 : data[0] < size - 1 ? data[0] : size - 1;
	struct lf_buffer out = {.data = NULL};
	const char *text = (const char *)data + (size != 0);

	if (memchr(text, '\0', message) != NULL)
		return; /* texts of errors have none */
	lf_connect_print_error(&out, LF_INTERNAL, (struct lf_slice){text, message},
		(struct lf_slice){text + message, size == 0 ? 0 : size - 1 - message});
	REQUIRE(!out.failed && out.length > 2 && strlen(out.data) == out.length);
	REQUIRE(out.data[0] == '{' && out.data[out.length - 1] == '}');
	for (size_t i = 0; i < out.length; i++)
		REQUIRE((unsigned char)out.data[i] >= 0x20);
	lf_buffer_clean_up(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const targets[])(const uint8_t *, size_t) = {
		fuzz_query, fuzz_base64, fuzz_timeout, fuzz_origin, fuzz_error};

	if (size != 0)
		targets[data[0] % 5](data + 1, size - 1);
	return 0;
}
