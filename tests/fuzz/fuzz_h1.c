/*
 * Any bytes as what a peer sends over HTTP/1.1. Fed whole, byte by byte, and cut at a place that the input chooses, they
 * come to the same requests and the same refusal; and no request is told of that breaks a rule which keeps servers and
 * proxies from disagreeing.
 */
#include <string.h>

#include "service/http/parse/h1_parse.h"
#include "tests/fuzz/fuzz.h"

enum { BODY_MAX = 64 * 1024 };

/* What was told, as one number. */
struct told {
	struct lf_h1_parser parser;
	uint64_t hash;
	uint64_t body;
	unsigned heads, ends;
	bool reading;
};

static void mix(struct told *told, const void *data, size_t length)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < length; i++)
		told->hash = (told->hash ^ bytes[i]) * UINT64_C(0x100000001b3);
}

static void require_clean(struct lf_slice text)
{
	for (size_t i = 0; i < text.length; i++)
		REQUIRE((unsigned char)text.data[i] >= 0x20 || text.data[i] == '\t');
}

static void on_head(void *context, const struct lf_h1_head *head)
{
	struct told *told = context;
	unsigned hosts = 0;

	REQUIRE(!told->reading);
	told->reading = true;
	told->heads++;
	told->body = 0;
	REQUIRE(head->method.length != 0 && head->target.length != 0);
	REQUIRE(head->target.data[0] == '/' || head->target.data[0] == '*');
	REQUIRE(!head->chunked || head->content_length == 0);
	REQUIRE(head->minor <= 1);
	require_clean(head->target);
	mix(told, head->method.data, head->method.length);
	mix(told, head->target.data, head->target.length);
	mix(told, &head->keep_alive, 1);
	for (size_t i = 0; i < head->header_count; i++) {
		REQUIRE(head->headers[i].key.length != 0);
		require_clean(head->headers[i].key);
		require_clean(head->headers[i].value);
		hosts += head->headers[i].key.length == 4 && memcmp(head->headers[i].key.data, "host", 4) == 0;
		mix(told, head->headers[i].key.data, head->headers[i].key.length);
		mix(told, head->headers[i].value.data, head->headers[i].value.length);
	}
	REQUIRE(head->minor == 0 ? hosts <= 1 : hosts == 1);
}

static bool on_body(void *context, const uint8_t *data, size_t length)
{
	struct told *told = context;

	REQUIRE(told->reading);
	mix(told, data, length);
	told->body += length;
	return told->body <= BODY_MAX;
}

static void on_end(void *context)
{
	struct told *told = context;

	REQUIRE(told->reading);
	told->reading = false;
	told->ends++;
	mix(told, ".", 1);
}

static const struct lf_h1_events events = {on_head, on_body, on_end};

static void feed(struct told *told, const uint8_t *data, size_t size, size_t first, size_t step)
{
	size_t piece = first;

	memset(told, 0, sizeof(*told));
	lf_h1_parser_init(&told->parser, &events, told);
	for (size_t at = 0; at < size && told->parser.place != LF_H1_FAILED; piece = step) {
		const size_t end = size - at < piece ? size : at + piece;

		while (at < end && told->parser.place != LF_H1_FAILED) {
			const size_t taken = lf_h1_parser_feed(&told->parser, data + at, end - at);

			REQUIRE(taken <= end - at);
			REQUIRE(taken != 0 || told->parser.place == LF_H1_FAILED);
			at += taken;
		}
	}
	if (told->parser.place == LF_H1_FAILED) {
		REQUIRE(told->parser.status >= 400 && told->parser.status < 600);
		REQUIRE(told->parser.problem != NULL && told->parser.problem[0] != '\0');
	}
	lf_h1_parser_clean_up(&told->parser);
}

static void require_same(const struct told *a, const struct told *b)
{
	REQUIRE(a->heads == b->heads && a->ends == b->ends);
	REQUIRE(a->parser.status == b->parser.status);
	/* A body that is refused may have been told of in part. */
	REQUIRE(a->parser.place == LF_H1_FAILED || a->hash == b->hash);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct told whole, other;

	if (size == 0)
		return 0;
	feed(&whole, data + 1, size - 1, size, size);
	feed(&other, data + 1, size - 1, 1, 1);
	require_same(&whole, &other);
	feed(&other, data + 1, size - 1, data[0] + 1u, size);
	require_same(&whole, &other);
	return 0;
}
