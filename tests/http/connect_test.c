#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "leadfit/v1/error.pb-c.h"
#include "proto/base/limits.h"
#include "service/http/connect.h"
#include "service/http/http.h"
#include "service/http/parse/query.h"

/* The texts of Connect: the query of a GET, the JSON of an error, time-outs; and origins. */

static struct lf_slice slice(const char *text)
{
	return (struct lf_slice){text, strlen(text)};
}

static void assert_slice(struct lf_slice slice, const char *text)
{
	assert_int_equal(slice.length, strlen(text));
	assert_memory_equal(slice.data, text, slice.length);
}

/* ---- queries ---- */

static void a_query_is_names_and_values(void **state)
{
	char text[] = "connect=v1&encoding=json&message=%7B%22id%22%3A+1%7D&&empty=&bare&a%3Db=c%26d";
	struct lf_query query;

	(void)state;
	/* In place, as a GET's is read. */
	assert_int_equal(lf_query_read(&query, slice(text), text, NULL), LF_OK);
	assert_int_equal(query.count, 6);
	assert_slice(lf_query_find(&query, "connect"), "v1");
	assert_slice(lf_query_find(&query, "message"), "{\"id\": 1}");
	assert_slice(lf_query_find(&query, "empty"), "");
	assert_slice(lf_query_find(&query, "bare"), "");
	assert_slice(lf_query_find(&query, "a=b"), "c&d");
	assert_non_null(lf_query_find(&query, "bare").data);
	assert_null(lf_query_find(&query, "absent").data);
}

static void no_query_is_an_empty_one(void **state)
{
	char out[4];
	struct lf_query query;

	(void)state;
	assert_int_equal(lf_query_read(&query, (struct lf_slice){NULL, 0}, out, NULL), LF_OK);
	assert_int_equal(query.count, 0);
	assert_int_equal(lf_query_read(&query, slice("&&"), out, NULL), LF_OK);
	assert_int_equal(query.count, 0);
}

static void refuse_query(const char *text, const char *message)
{
	char *out = malloc(strlen(text) + 1);
	struct lf_error error = LF_ERROR_INIT;
	struct lf_query query;

	assert_int_equal(lf_query_read(&query, slice(text), out, &error), LF_INVALID_ARGUMENT);
	assert_string_equal(error.message, message);
	lf_error_clean_up(&error);
	free(out);
}

static void a_query_that_is_none_is_refused(void **state)
{
	(void)state;
	refuse_query("message=%7", "query parameter message: % is not followed by two hexadecimal digits");
	refuse_query("message=%", "query parameter message: % is not followed by two hexadecimal digits");
	refuse_query("message=%zz", "query parameter message: % is not followed by two hexadecimal digits");
	refuse_query("%g0=1", "the query: % is not followed by two hexadecimal digits in a parameter's name");
	refuse_query("a=1&a=2", "query parameter a is given twice");
	refuse_query("a&%61", "query parameter a is given twice");
	refuse_query("0&1&2&3&4&5&6&7&8&9&10&11&12&13&14&15&16", "the query has more than 16 parameters");
}

/* ---- errors ---- */

static void assert_error(enum lf_code code, const char *message, struct lf_slice details, const char *json)
{
	struct lf_buffer out = {.data = NULL};

	lf_connect_print_error(&out, code, slice(message), details);
	assert_false(out.failed);
	assert_string_equal(out.data, json);
	lf_buffer_clean_up(&out);
}

static void an_error_has_code_message_and_details(void **state)
{
	Leadfit__V1__FieldViolation violation = LEADFIT__V1__FIELD_VIOLATION__INIT, *violations[] = {&violation};
	Leadfit__V1__Error error = LEADFIT__V1__ERROR__INIT;
	uint8_t packed[256];
	size_t length;

	(void)state;
	violation.field = (char *)(uintptr_t) "team.id";
	violation.description = (char *)(uintptr_t) "is missing";
	error.code = 3;
	error.message = (char *)(uintptr_t) "team.id: is missing";
	error.violations = violations;
	error.n_violations = 1;
	length = leadfit__v1__error__pack(&error, packed);
	assert_error(LF_INVALID_ARGUMENT, "team.id: is missing", (struct lf_slice){(const char *)packed, length},
		"{\"code\":\"invalid_argument\",\"message\":\"team.id: is missing\",\"details\":[{\"type\":"
		"\"leadfit.v1.Error\",\"value\":\"CAMSE3RlYW0uaWQ6IGlzIG1pc3NpbmcaFQoHdGVhbS5pZBIKaXMgbWlzc2luZw\","
		"\"debug\":{\"code\":3,\"message\":\"team.id: is missing\",\"violations\":[{\"field\":\"team.id\","
		"\"description\":\"is missing\"}]}}]}");
}

static void an_error_is_json_whatever_is_in_it(void **state)
{
	(void)state;
	assert_error(LF_CANCELLED, "", slice(""), "{\"code\":\"canceled\"}");
	assert_error(LF_NOT_FOUND, "a \"b\"\n", slice(""), "{\"code\":\"not_found\",\"message\":\"a \\\"b\\\"\\n\"}");
	/* Details that can't be decoded have no "debug". */
	assert_error(LF_INTERNAL, "x", slice("\xff"),
		"{\"code\":\"internal\",\"message\":\"x\",\"details\":[{\"type\":\"leadfit.v1.Error\",\"value\":\"/"
		"w\"}]}");
}

/* ---- time-outs ---- */

static void time_outs_are_digits(void **state)
{
	static const char *const wrong[] = {"", "-1", "+1", " 1", "1 ", "1.5", "1s", "12345678901", "0x10"};
	uint32_t ms = 7;

	(void)state;
	assert_int_equal(lf_connect_read_timeout(slice("1"), &ms, NULL), LF_OK);
	assert_int_equal(ms, 1);
	assert_int_equal(lf_connect_read_timeout(slice("0000002500"), &ms, NULL), LF_OK);
	assert_int_equal(ms, 2500);
	assert_int_equal(lf_connect_read_timeout(slice("9999999999"), &ms, NULL), LF_OK);
	assert_int_equal(ms, LF_TIMEOUT_MS_MAX);
	assert_int_equal(lf_connect_read_timeout(slice("0"), &ms, NULL), LF_DEADLINE_EXCEEDED);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(lf_connect_read_timeout(slice(wrong[i]), &ms, NULL), LF_INVALID_ARGUMENT);
}

/* ---- origins ---- */

static void origins_are_as_browsers_send_them(void **state)
{
	static const char *const right[] = {"https://hr.example.com", "http://localhost:3000", "http://127.0.0.1:8080",
		"http://[::1]:80", "https://a_b.c", "app+x://host"};
	static const char *const wrong[] = {"*", "null", "", "hr.example.com", "https://", "https://a/", "https://a/b",
		"https://A", "HTTPS://a", "https://u@a", "https://a:", "https://a:123456", "https://a:x", "https://a?b",
		"https://*.a", "://a", "https://[::1", "https://[]", "https://a b", "https://a,https://b"};
	struct lf_error error = LF_ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++)
		assert_int_equal(lf_http_origin_check(right[i], NULL), LF_OK);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(lf_http_origin_check(wrong[i], NULL), LF_INVALID_ARGUMENT);
	lf_http_origin_check("https://A", &error);
	assert_string_equal(error.message,
		"the origin \"https://A\" is not SCHEME://HOST or SCHEME://HOST:PORT in lower case, as in "
		"https://hr.example.com");
	lf_error_clean_up(&error);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_query_is_names_and_values),
		cmocka_unit_test(no_query_is_an_empty_one),
		cmocka_unit_test(a_query_that_is_none_is_refused),
		cmocka_unit_test(an_error_has_code_message_and_details),
		cmocka_unit_test(an_error_is_json_whatever_is_in_it),
		cmocka_unit_test(time_outs_are_digits),
		cmocka_unit_test(origins_are_as_browsers_send_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
