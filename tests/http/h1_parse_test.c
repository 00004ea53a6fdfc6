#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/http/parse/h1_parse.h"

/*
 * Requests of HTTP/1.1 as bytes. Each is fed whole, in two pieces cut at every place, and byte by byte: all come to the
 * same. What proxies and servers are known to read in different ways is refused.
 */

#define HEAD "POST /leadfit.v1.Scoring/Score HTTP/1.1\r\nHost: localhost\r\n"

/* What a parser has told. */
struct told {
	struct lf_h1_parser parser;
	unsigned heads, ends;
	char log[4096]; /* "METHOD TARGET @AUTHORITY [name: value]…" of each head, then "(body)", then "." at an end */
	size_t body_max;
	size_t body;
};

static void add(struct told *told, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct told *told, const char *format, ...)
{
	const size_t used = strlen(told->log);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(told->log + used, sizeof(told->log) - used, format, arguments);
	va_end(arguments);
}

#define SLICE(s) (int)(s).length, (s).data != NULL ? (s).data : ""

static void on_head(void *context, const struct lf_h1_head *head)
{
	struct told *told = context;

	told->heads++;
	told->body = 0;
	add(told, "%.*s %.*s @%.*s", SLICE(head->method), SLICE(head->target), SLICE(head->authority));
	for (size_t i = 0; i < head->header_count; i++)
		add(told, " [%.*s: %.*s]", SLICE(head->headers[i].key), SLICE(head->headers[i].value));
	if (!head->keep_alive)
		add(told, " close");
	if (head->expects_continue)
		add(told, " expects");
}

static bool on_body(void *context, const uint8_t *data, size_t length)
{
	struct told *told = context;

	for (size_t i = 0; i < length; i++)
		add(told, "%s%c", told->body + i == 0 ? " " : "", data[i]);
	told->body += length;
	return told->body <= told->body_max;
}

static void on_end(void *context)
{
	struct told *told = context;

	told->ends++;
	add(told, ".");
}

static const struct lf_h1_events events = {on_head, on_body, on_end};

/* Feeds text in pieces of which the first has so many bytes, and others have `step`. */
static void feed(struct told *told, const char *text, size_t length, size_t first, size_t step)
{
	size_t piece = first;

	memset(told, 0, sizeof(*told));
	told->body_max = 100000;
	lf_h1_parser_init(&told->parser, &events, told);
	for (size_t at = 0; at < length && told->parser.place != LF_H1_FAILED; piece = step) {
		const size_t end = length - at < piece ? length : at + piece;
		/* A copy that ends where the piece does, so that a look beyond it is found. */
		uint8_t *copy = malloc(end - at + 1);

		memcpy(copy, text + at, end - at);
		for (size_t taken = 0; taken < end - at && told->parser.place != LF_H1_FAILED;)
			taken += lf_h1_parser_feed(&told->parser, copy + taken, end - at - taken);
		free(copy);
		at = end;
	}
	lf_h1_parser_clean_up(&told->parser);
}

/* Feeds text in all these ways, which must come to the same: log where it is not NULL, and status (0: it is fine). */
static void expect_bytes(const char *text, size_t length, const char *log, int status)
{
	struct told told;

	for (size_t cut = 1; cut <= length; cut++) {
		feed(&told, text, length, cut, length);
		if (log != NULL)
			assert_string_equal(told.log, log);
		assert_int_equal(told.parser.status, status);
	}
	feed(&told, text, length, 1, 1);
	if (log != NULL)
		assert_string_equal(told.log, log);
	assert_int_equal(told.parser.status, status);
}

/* Not read, with a status of HTTP that says so: which one, llhttp's versions see differently. */
static void refused(const char *text)
{
	struct told told;

	feed(&told, text, strlen(text), strlen(text), 1);
	assert_true(told.parser.status == 400 || told.parser.status == 501 || told.parser.status == 505);
	assert_int_equal(told.ends, 0);
	expect_bytes(text, strlen(text), NULL, told.parser.status);
}

static void expect(const char *text, const char *log, int status)
{
	expect_bytes(text, strlen(text), log, status);
}

/* ---- what is read ---- */

static void requests_are_read_however_they_are_cut(void **state)
{
	(void)state;
	expect("GET /livez HTTP/1.1\r\nHost: a:1\r\n\r\n", "GET /livez @a:1 [host: a:1].", 0);
	expect("GET /livez?a=b HTTP/1.0\r\n\r\n", "GET /livez?a=b @ close.", 0);
	expect("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET / @ [connection: keep-alive].", 0);
	expect("GET / HTTP/1.1\r\nHOST: x\r\nConnection: close\r\n\r\n",
		"GET / @x [host: x] [connection: close] close.", 0);
	expect(HEAD "Content-Length: 5\r\nX-Empty:\r\nX-Space: \t a  b \t\r\n\r\nhello",
		"POST /leadfit.v1.Scoring/Score @localhost [host: localhost] [content-length: 5] [x-empty: ] "
		"[x-space: a  b] hello.",
		0);
	expect(HEAD "Content-Length: 0\r\n\r\n",
		"POST /leadfit.v1.Scoring/Score @localhost [host: localhost] [content-length: 0].", 0);
	expect(HEAD "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\nx",
		"POST /leadfit.v1.Scoring/Score @localhost [host: localhost] [expect: 100-Continue] "
		"[content-length: 1] expects x.",
		0);
}

static void chunks_are_one_body(void **state)
{
	(void)state;
	expect(HEAD "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0A;x=y\r\n0123456789\r\n0\r\n\r\n",
		"POST /leadfit.v1.Scoring/Score @localhost [host: localhost] [transfer-encoding: chunked] "
		"abc0123456789.",
		0);
	expect(HEAD "Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n",
		"POST /leadfit.v1.Scoring/Score @localhost [host: localhost] [transfer-encoding: Chunked].", 0);
}

static void what_follows_a_request_is_the_next_one(void **state)
{
	(void)state;
	expect("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: b\r\nContent-Length: 2\r\n\r\nhi\r\n"
	       "POST /3 HTTP/1.1\r\nHost: c\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\nGET /4 "
	       "HTTP/1.1\r\nHost: d\r\n\r\n",
		"GET /1 @a [host: a].POST /2 @b [host: b] [content-length: 2] hi.POST /3 @c [host: c] "
		"[transfer-encoding: chunked] x.GET /4 @d [host: d].",
		0);
}

static void a_feed_ends_with_its_request(void **state)
{
	static const char text[] = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n";
	struct told told = {.body_max = 1};

	(void)state;
	lf_h1_parser_init(&told.parser, &events, &told);
	assert_int_equal(lf_h1_parser_feed(&told.parser, (const uint8_t *)text, sizeof(text) - 1), 28);
	assert_int_equal(told.ends, 1);
	assert_int_equal(told.parser.place, LF_H1_BEFORE);
	lf_h1_parser_clean_up(&told.parser);
}

static void a_target_may_name_its_host(void **state)
{
	(void)state;
	expect("GET http://a.b:80/x?y HTTP/1.1\r\nHost: other\r\n\r\n", "GET /x?y @a.b:80 [host: other].", 0);
	expect("GET HTTPS://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "GET / @a [host: a].", 0);
	expect("GET http://a HTTP/1.1\r\nHost: a\r\n\r\n", "", 400);
	expect("GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", "", 400);
	expect("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "", 400);
	expect("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS * @a [host: a].", 0);
}

static void an_upgrade_is_not_taken_up(void **state)
{
	(void)state;
	expect("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: "
	       "AAMAAABk\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET / @a [host: a] [connection: Upgrade, HTTP2-Settings] [upgrade: h2c] [http2-settings: "
		"AAMAAABk].GET /2 @a [host: a].",
		0);
}

/* ---- what is refused ---- */

static void two_ways_to_say_how_long_a_body_is_are_refused(void **state)
{
	(void)state;
	expect(HEAD "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "", 400);
	expect(HEAD "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", "", 400);
	expect(HEAD "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "", 400);
	expect(HEAD "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", "", 400);
	expect(HEAD "Content-Length: 3, 3\r\n\r\nabc", "", 400);
}

static void lengths_that_are_none_are_refused(void **state)
{
	static const char *const lengths[] = {
		"+3", "-3", "0x3", "3 ", "3a", "", " ", "3 3", "99999999999999999999", "3\t4"};

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		char text[256];

		if (i == 3)
			continue; /* white space behind a value is no part of it */
		snprintf(text, sizeof(text), HEAD "Content-Length: %s\r\n\r\nabc", lengths[i]);
		expect(text, "", 400);
	}
	expect(HEAD "Content-Length : 3\r\n\r\nabc", "", 400);
	expect(HEAD "Content-Length\r\n\r\nabc", "", 400);
}

static void encodings_but_chunked_are_refused(void **state)
{
	(void)state;
	refused(HEAD "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n");
	refused(HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n");
	refused(HEAD "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n");
	refused(HEAD "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n");
	refused(HEAD "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
	refused("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
}

static void lines_end_with_crlf_and_nothing_else(void **state)
{
	(void)state;
	expect("GET / HTTP/1.1\nHost: a\n\n", "", 400);
	expect("GET / HTTP/1.1\r\nHost: a\n\r\n", "", 400);
	expect("GET / HTTP/1.1\r\nHost: a\r\n\n", "", 400);
	expect("GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", "", 400);
	expect("GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", "", 400);
	expect("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "", 400);
	expect("\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", "", 400);
	expect("\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "", 400);
	expect("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / @a [host: a].", 0);
}

static void headers_are_one_line(void **state)
{
	(void)state;
	expect("GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n", "", 400);
	expect("GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n\tc\r\n\r\n", "", 400);
	expect("GET / HTTP/1.1\r\n Host: a\r\n\r\n", "", 400);
	expect("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", "", 400);
}

static void control_characters_are_refused(void **state)
{
	(void)state;
	for (int c = 1; c <= 0x7f; c++) {
		char text[64];

		if ((c >= 0x20 && c != 0x7f) || c == '\t' || c == '\n' || c == '\r')
			continue;
		snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\nX: b%cc\r\n\r\n", c);
		expect(text, "", 400);
	}
	expect_bytes("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", 29, "", 400);
	expect_bytes("GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n", 33, "", 400);
}

static void a_name_of_a_header_is_a_token(void **state)
{
	static const char *const headers[] = {"X Y: b", ": b", "X\t: b", "X(): b", "X{: b", "\x80: b", "X:Y"};

	(void)state;
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		char text[64];

		snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n", headers[i]);
		expect(text, strcmp(headers[i], "X:Y") == 0 ? "GET / @a [host: a] [x: Y]." : "",
			strcmp(headers[i], "X:Y") == 0 ? 0 : 400);
	}
}

static void host_is_given_once(void **state)
{
	(void)state;
	expect("GET / HTTP/1.1\r\n\r\n", "", 400);
	expect("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "", 400);
	expect("GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n", "", 400);
	expect("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "", 400);
	expect("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "", 400);
	expect("GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", "", 400);
	expect("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", "", 400);
}

static void only_versions_that_are_known_are_read(void **state)
{
	(void)state;
	refused("GET / HTTP/1.2\r\nHost: a\r\n\r\n");
	refused("GET / HTTP/3.0\r\nHost: a\r\n\r\n");
	/* HTTP/0.9 has neither a version nor headers; with them it is nothing. */
	refused("GET /\r\nHost: a\r\n\r\n");
	refused("POST /\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
	refused("GET / HTTP/0.9\r\nHost: a\r\n\r\n");
	refused("GET / http/1.1\r\nHost: a\r\n\r\n");
	refused("GET / HTTP/1.1x\r\nHost: a\r\n\r\n");
	refused("GET / HTTP/1\r\nHost: a\r\n\r\n");
}

static void request_lines_that_are_none_are_refused(void **state)
{
	(void)state;
	expect("get / HTTP/1.1\r\nHost: a\r\n\r\n", "", 400);
	expect("FETCH / HTTP/1.1\r\nHost: a\r\n\r\n", "", 400);
	expect("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "", 400);
	expect("GET x HTTP/1.1\r\nHost: a\r\n\r\n", "", 400);
	expect("GET * HTTP/1.1\r\nHost: a\r\n\r\n", "GET * @a [host: a].", 0);
	expect("GET / / HTTP/1.1\r\nHost: a\r\n\r\n", "", 400);
	expect(" GET / HTTP/1.1\r\nHost: a\r\n\r\n", "", 400);
	expect("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", "", 501);
	expect("GET / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n", "", 417);
}

static void chunks_that_are_none_are_refused(void **state)
{
	static const char *const bodies[] = {"-1\r\nx\r\n0\r\n\r\n", "0x1\r\nx\r\n0\r\n\r\n", "1 \r\nx\r\n0\r\n\r\n",
		" 1\r\nx\r\n0\r\n\r\n", "1\nx\r\n0\r\n\r\n", "1\r\nx\n0\r\n\r\n", "1\r\nxy\r\n0\r\n\r\n", "\r\n",
		"g\r\n", "1;a\nb\r\nx\r\n0\r\n\r\n", "11111111111111111\r\nx", "1\r\nx0\r\n\r\n", "1\r\nx\r\n0\r\n\n",
		"1\r\nx\r\n0\n\r\n", "1;a\rb\r\nx\r\n0\r\n\r\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		char text[256];

		snprintf(text, sizeof(text), HEAD "Transfer-Encoding: chunked\r\n\r\n%s", bodies[i]);
		expect(text, NULL, 400);
	}
}

static void headers_behind_a_body_are_refused(void **state)
{
	(void)state;
	expect(HEAD "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nContent-Length: 5\r\n\r\n", NULL, 400);
}

/* ---- limits ---- */

static char *repeat(const char *before, const char *piece, size_t count, const char *after)
{
	char *text = malloc(strlen(before) + count * strlen(piece) + strlen(after) + 1);
	char *end = text + sprintf(text, "%s", before);

	for (size_t i = 0; i < count; i++)
		end += sprintf(end, "%s", piece);
	sprintf(end, "%s", after);
	return text;
}

static void expect_long(char *text, int status)
{
	struct told told;

	feed(&told, text, strlen(text), strlen(text), 1);
	assert_int_equal(told.parser.status, status);
	feed(&told, text, strlen(text), 1, 1);
	assert_int_equal(told.parser.status, status);
	free(text);
}

static void heads_have_a_limit(void **state)
{
	(void)state;
	expect_long(repeat("GET /", "x", 16384, " HTTP/1.1\r\nHost: a\r\n\r\n"), 414);
	expect_long(repeat("GET / HTTP/1.1\r\nHost: a\r\nX: ", "x", 16384, "\r\n\r\n"), 431);
	expect_long(repeat("GET / HTTP/1.1\r\nHost: a\r\n", "X: y\r\n", LF_H1_HEADERS_MAX, "\r\n"), 431);
	expect_long(repeat("GET / HTTP/1.1\r\nHost: a\r\n", "X: y\r\n", LF_H1_HEADERS_MAX - 1, "\r\n"), 0);
	expect_long(repeat("GET /", "x", 16384 - 27, " HTTP/1.1\r\nHost: a\r\n\r\n"), 0);
	expect_long(repeat("GET /", "x", 16384 - 26, " HTTP/1.1\r\nHost: a\r\n\r\n"), 431);
}

static void the_sizes_of_chunks_have_a_limit(void **state)
{
	(void)state;
	expect_long(repeat(HEAD "Transfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n", 10000, "0\r\n\r\n"), 400);
	expect_long(repeat(HEAD "Transfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n", 1000, "0\r\n\r\n"), 0);
	expect_long(repeat(HEAD "Transfer-Encoding: chunked\r\n\r\n1;", "x", 20000, "\r\nx\r\n0\r\n\r\n"), 400);
}

static void a_body_that_is_refused_ends_the_parsing(void **state)
{
	(void)state;
	expect_long(repeat(HEAD "Content-Length: 200000\r\n\r\n", "x", 200000, ""), 413);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_read_however_they_are_cut),
		cmocka_unit_test(chunks_are_one_body),
		cmocka_unit_test(what_follows_a_request_is_the_next_one),
		cmocka_unit_test(a_feed_ends_with_its_request),
		cmocka_unit_test(a_target_may_name_its_host),
		cmocka_unit_test(an_upgrade_is_not_taken_up),
		cmocka_unit_test(two_ways_to_say_how_long_a_body_is_are_refused),
		cmocka_unit_test(lengths_that_are_none_are_refused),
		cmocka_unit_test(encodings_but_chunked_are_refused),
		cmocka_unit_test(lines_end_with_crlf_and_nothing_else),
		cmocka_unit_test(headers_are_one_line),
		cmocka_unit_test(control_characters_are_refused),
		cmocka_unit_test(a_name_of_a_header_is_a_token),
		cmocka_unit_test(host_is_given_once),
		cmocka_unit_test(only_versions_that_are_known_are_read),
		cmocka_unit_test(request_lines_that_are_none_are_refused),
		cmocka_unit_test(chunks_that_are_none_are_refused),
		cmocka_unit_test(headers_behind_a_body_are_refused),
		cmocka_unit_test(heads_have_a_limit),
		cmocka_unit_test(the_sizes_of_chunks_have_a_limit),
		cmocka_unit_test(a_body_that_is_refused_ends_the_parsing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
