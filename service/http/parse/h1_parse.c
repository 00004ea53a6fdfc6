#include "service/http/parse/h1_parse.h"

#include <stdlib.h>
#include <string.h>

/*
 * A head is gathered first, each byte of it looked at: lines end with CRLF and nothing else, no line continues another
 * (obs-fold), no control characters. Then llhttp reads it in one piece, so that names and values are slices of it.
 * Bodies go to llhttp as they come.
 */

enum { KEPT_MAX = 1024 }; /* bytes of memory for heads that idle connections keep */

static const char WRONG_VERSION[] = "only HTTP/1.1, HTTP/1.0 and HTTP/2 are known";

static void fail(struct lf_h1_parser *parser, int status, const char *problem)
{
	if (parser->place == LF_H1_FAILED)
		return;
	parser->place = LF_H1_FAILED;
	parser->status = status;
	parser->problem = problem;
}

/* ---- what llhttp tells of a head ---- */

static int on_url(llhttp_t *llhttp, const char *at, size_t length)
{
	struct lf_h1_parser *parser = llhttp->data;

	if (parser->head.target.data == NULL)
		parser->head.target.data = at;
	parser->head.target.length = (size_t)(at + length - parser->head.target.data);
	return 0;
}

static int on_header_field(llhttp_t *llhttp, const char *at, size_t length)
{
	struct lf_h1_parser *parser = llhttp->data;
	struct lf_metadata *header;

	if (parser->told) {
		fail(parser, 400, "headers behind a chunked body are not allowed");
		return -1;
	}
	if (parser->head.header_count == 0 || parser->in_value) {
		if (parser->head.header_count == LF_H1_HEADERS_MAX) {
			fail(parser, 431, "more than 64 headers");
			return -1;
		}
		parser->headers[parser->head.header_count++] = (struct lf_metadata){.key = {at, 0}};
	}
	parser->in_value = false;
	header = &parser->headers[parser->head.header_count - 1];
	header->key.length = (size_t)(at + length - header->key.data);
	return 0;
}

static int on_header_value(llhttp_t *llhttp, const char *at, size_t length)
{
	struct lf_h1_parser *parser = llhttp->data;
	struct lf_metadata *header;

	if (parser->head.header_count == 0)
		return 0;
	header = &parser->headers[parser->head.header_count - 1];
	if (!parser->in_value)
		header->value.data = at;
	parser->in_value = true;
	header->value.length = (size_t)(at + length - header->value.data);
	return 0;
}

/* Names to lower case, values without white space around them, where they lie. */
static void tidy(struct lf_h1_parser *parser, struct lf_metadata *header)
{
	char *name = parser->bytes + (header->key.data - parser->bytes);

	for (size_t i = 0; i < header->key.length; i++)
		if (name[i] >= 'A' && name[i] <= 'Z')
			name[i] = (char)(name[i] + 32);
	if (header->value.data == NULL)
		header->value.data = header->key.data + header->key.length;
	while (header->value.length != 0 && (*header->value.data == ' ' || *header->value.data == '\t')) {
		header->value.data++;
		header->value.length--;
	}
	while (header->value.length != 0 &&
		(header->value.data[header->value.length - 1] == ' ' ||
			header->value.data[header->value.length - 1] == '\t'))
		header->value.length--;
}

/* A host with its port, in letters that no URL could mean otherwise. */
static bool is_authority(struct lf_slice text)
{
	for (size_t i = 0; i < text.length; i++) {
		const char c = text.data[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			    strchr("-._~:[]", c) != NULL) ||
			c == '\0')
			return false;
	}
	return text.length < 256;
}

/* Letters, digits and some punctuation, at least one. */
static bool is_token(struct lf_slice text)
{
	for (size_t i = 0; i < text.length; i++) {
		const char c = text.data[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			    (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL)))
			return false;
	}
	return text.length != 0;
}

/* What a header says about the request itself. */
static void look_at(struct lf_h1_parser *parser, const struct lf_metadata *header)
{
	struct lf_h1_head *head = &parser->head;

	if (!is_token(header->key))
		fail(parser, 400, "the name of a header is not a token");
	else if (lf_slice_is_in_any_case(header->key, "host")) {
		parser->hosts++;
		head->authority = header->value;
	} else if (lf_slice_is_in_any_case(header->key, "transfer-encoding")) {
		parser->encodings++;
		head->chunked = true;
		if (!lf_slice_is_in_any_case(header->value, "chunked"))
			fail(parser, 501, "Transfer-Encoding: only \"chunked\" is known");
	} else if (lf_slice_is_in_any_case(header->key, "expect")) {
		head->expects_continue = true;
		if (!lf_slice_is_in_any_case(header->value, "100-continue"))
			fail(parser, 417, "Expect: only \"100-continue\" is known");
	}
}

/* "http://HOST/path" is what proxies are sent, and a server has to take it, too: the host in it counts. */
static void split_target(struct lf_h1_parser *parser)
{
	struct lf_h1_head *head = &parser->head;
	struct lf_slice *target = &head->target;
	const size_t scheme = target->length > 7 && strncasecmp(target->data, "http://", 7) == 0 ? 7
		: target->length > 8 && strncasecmp(target->data, "https://", 8) == 0            ? 8
												 : 0;
	const char *slash;

	if (scheme == 0) {
		if (target->length == 0 || (target->data[0] != '/' && !lf_slice_is_in_any_case(*target, "*")))
			fail(parser, 400, "the target of a request is a path, as in /leadfit.v1.Scoring/Score");
		return;
	}
	slash = memchr(target->data + scheme, '/', target->length - scheme);
	if (slash == NULL) {
		fail(parser, 400, "the target of the request has no path");
		return;
	}
	head->authority = (struct lf_slice){target->data + scheme, (size_t)(slash - target->data) - scheme};
	target->length -= (size_t)(slash - target->data);
	target->data = slash;
}

/* The head is whole for llhttp: is it for us? */
static void check_head(struct lf_h1_parser *parser)
{
	struct lf_h1_head *head = &parser->head;

	for (size_t i = 0; i < head->header_count; i++) {
		tidy(parser, &parser->headers[i]);
		look_at(parser, &parser->headers[i]);
	}
	split_target(parser);
	if (parser->hosts > 1)
		fail(parser, 400, "Host is given twice");
	else if (parser->hosts == 0 && head->minor == 1)
		fail(parser, 400, "Host is missing");
	else if (head->authority.data != NULL && !is_authority(head->authority))
		fail(parser, 400, "Host is not a host with a port");
	else if (parser->encodings > 1)
		fail(parser, 400, "Transfer-Encoding is given twice");
	else if (head->chunked && head->minor == 0)
		fail(parser, 400, "HTTP/1.0 has no Transfer-Encoding");
}

static int on_headers_complete(llhttp_t *llhttp)
{
	struct lf_h1_parser *parser = llhttp->data;
	struct lf_h1_head *head = &parser->head;

	if (parser->place == LF_H1_FAILED)
		return -1;
	if (llhttp->http_major != 1 || llhttp->http_minor > 1) {
		fail(parser, 505, WRONG_VERSION);
		return -1;
	}
	if (llhttp->method == HTTP_CONNECT) {
		fail(parser, 501, "CONNECT is not known: this is no proxy");
		return -1;
	}
	llhttp->upgrade = 0; /* it is not taken up, which is an answer */
	head->minor = llhttp->http_minor;
	head->keep_alive = llhttp_should_keep_alive(llhttp);
	head->content_length = (llhttp->flags & F_CONTENT_LENGTH) != 0 ? llhttp->content_length : 0;
	head->headers = parser->headers;
	check_head(parser);
	if (parser->place == LF_H1_FAILED)
		return -1;
	parser->told = true;
	parser->place = LF_H1_BODY;
	parser->events->head(parser->context, head);
	return 0;
}

/* ---- and of a body ---- */

/*
 * What stands between the pieces of a chunked body, up to here: its lines, too, end with CR LF. llhttp lets others pass.
 */
static void check_framing(struct lf_h1_parser *parser, const char *end)
{
	if (!parser->head.chunked)
		return;
	for (; parser->framed < end; parser->framed++) {
		if (*parser->framed == '\n' ? parser->framing_last != '\r' : parser->framing_last == '\r')
			fail(parser, 400, "lines end with CR LF");
		parser->framing_last = *parser->framed;
		if (++parser->framing > parser->body + LF_H1_CHUNK_OVERHEAD)
			fail(parser, 400, "the chunks of the body are mostly not body");
	}
}

static int on_body(llhttp_t *llhttp, const char *at, size_t length)
{
	struct lf_h1_parser *parser = llhttp->data;

	check_framing(parser, at);
	parser->framed = at + length;
	parser->framing_last = '\0';
	parser->body += length;
	if (parser->place == LF_H1_FAILED)
		return -1;
	if (parser->events->body(parser->context, (const uint8_t *)at, length))
		return 0;
	fail(parser, 413, "the body is too large");
	return -1;
}

static int on_message_complete(llhttp_t *llhttp)
{
	struct lf_h1_parser *parser = llhttp->data;

	parser->ended = true;
	return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
	.on_url = on_url,
	.on_header_field = on_header_field,
	.on_header_value = on_header_value,
	.on_headers_complete = on_headers_complete,
	.on_body = on_body,
	.on_message_complete = on_message_complete,
};

/* Gives llhttp some bytes. Returns how many it took: fewer only where the request has ended, or it failed. */
static size_t execute(struct lf_h1_parser *parser, const char *data, size_t length)
{
	const llhttp_errno_t rc = llhttp_execute(&parser->llhttp, data, length);

	if (rc == HPE_OK)
		return length;
	if (rc == HPE_PAUSED && parser->ended)
		return (size_t)(llhttp_get_error_pos(&parser->llhttp) - data);
	if (rc == HPE_INVALID_VERSION)
		fail(parser, 505, WRONG_VERSION);
	fail(parser, 400, llhttp_get_error_reason(&parser->llhttp));
	return 0;
}

/* ---- the head, byte by byte ---- */

static void begin(struct lf_h1_parser *parser)
{
	llhttp_init(&parser->llhttp, HTTP_REQUEST, &settings);
	parser->llhttp.data = parser;
	parser->length = 0;
	parser->framing = parser->body = 0;
	parser->framing_last = '\0';
	parser->head = (struct lf_h1_head){.minor = 1};
	parser->in_value = parser->told = parser->ended = false;
	parser->hosts = parser->encodings = 0;
}

static bool append(struct lf_h1_parser *parser, char c)
{
	if (parser->length == parser->capacity) {
		const size_t capacity = parser->capacity == 0 ? 1024 : 2 * parser->capacity;
		char *grown = realloc(parser->bytes, capacity);

		if (grown == NULL) {
			fail(parser, 503, "no memory for the request: retry later");
			return false;
		}
		parser->bytes = grown;
		parser->capacity = capacity;
	}
	parser->bytes[parser->length++] = c;
	return true;
}

/* One byte. true at the end of the head. */
static bool take(struct lf_h1_parser *parser, char c)
{
	const char before = parser->length != 0 ? parser->bytes[parser->length - 1] : '\0';

	if (c == '\n' ? before != '\r' : before == '\r')
		fail(parser, 400, "lines end with CR LF");
	else if (((unsigned char)c < 0x20 && c != '\r' && c != '\n' && c != '\t') || c == 0x7f)
		fail(parser, 400, "control characters are not allowed");
	else if (before == '\n' && (c == ' ' || c == '\t'))
		fail(parser, 400, "a header is one line");
	else if (parser->length == LF_H1_HEAD_MAX)
		fail(parser, memchr(parser->bytes, '\n', parser->length) == NULL ? 414 : 431,
			"request line and headers together have more than 16384 bytes");
	else if (append(parser, c) && c == '\n' && parser->length >= 4)
		return memcmp(parser->bytes + parser->length - 4, "\r\n\r\n", 4) == 0;
	return false;
}

/* Empty lines before a request, which some clients send behind the one before. Returns how many bytes it took. */
static size_t skip_blank(struct lf_h1_parser *parser, const uint8_t *data, size_t length)
{
	size_t at = 0;

	while (at < length && (data[at] == '\r' || data[at] == '\n')) {
		if (data[at] != (uint8_t) "\r\n"[parser->blank % 2] || parser->blank == LF_H1_BLANK_MAX) {
			fail(parser, 400, "the request begins with empty lines");
			return at;
		}
		parser->blank++;
		at++;
	}
	if (at < length && parser->blank % 2 != 0)
		fail(parser, 400, "lines end with CR LF");
	return at;
}

/* METHOD TARGET VERSION, with one space between them. llhttp lets others pass. */
static void check_line(struct lf_h1_parser *parser)
{
	const char *end = memchr(parser->bytes, '\r', parser->length);
	const char *first = memchr(parser->bytes, ' ', (size_t)(end - parser->bytes));
	const char *second = first == NULL ? NULL : memchr(first + 1, ' ', (size_t)(end - first) - 1);

	if (second == NULL || first == parser->bytes || second == first + 1 ||
		memchr(second + 1, ' ', (size_t)(end - second) - 1) != NULL)
		fail(parser, 400, "a request begins with METHOD TARGET HTTP/1.1, with one space between them");
	else
		parser->head.method = (struct lf_slice){parser->bytes, (size_t)(first - parser->bytes)};
}

static size_t feed_head(struct lf_h1_parser *parser, const uint8_t *data, size_t length)
{
	size_t at = 0;

	if (parser->place == LF_H1_BEFORE) {
		at = skip_blank(parser, data, length);
		if (at == length || parser->place == LF_H1_FAILED)
			return at;
		begin(parser);
		parser->place = LF_H1_HEAD;
	}
	while (at < length && parser->place == LF_H1_HEAD)
		if (take(parser, (char)data[at++])) {
			check_line(parser);
			if (parser->place == LF_H1_HEAD)
				execute(parser, parser->bytes, parser->length);
			if (parser->place == LF_H1_HEAD) /* llhttp wants more, where there is no more */
				fail(parser, 400, "the head of the request can't be read");
		}
	return at;
}

/* ---- the body ---- */

static size_t feed_body(struct lf_h1_parser *parser, const uint8_t *data, size_t length)
{
	size_t taken;

	parser->framed = (const char *)data;
	taken = execute(parser, (const char *)data, length);
	if (parser->place != LF_H1_FAILED)
		check_framing(parser, (const char *)data + taken);
	return taken;
}

static void end(struct lf_h1_parser *parser)
{
	parser->place = LF_H1_BEFORE;
	parser->blank = 0;
	parser->events->end(parser->context);
	if (parser->capacity > KEPT_MAX)
		lf_h1_parser_clean_up(parser);
}

void lf_h1_parser_init(struct lf_h1_parser *parser, const struct lf_h1_events *events, void *context)
{
	memset(parser, 0, sizeof(*parser));
	parser->events = events;
	parser->context = context;
}

void lf_h1_parser_clean_up(struct lf_h1_parser *parser)
{
	free(parser->bytes);
	parser->bytes = NULL;
	parser->capacity = parser->length = 0;
}

size_t lf_h1_parser_feed(struct lf_h1_parser *parser, const uint8_t *data, size_t length)
{
	size_t at = 0;

	while (at < length && parser->place != LF_H1_FAILED) {
		if (parser->place == LF_H1_BODY)
			at += feed_body(parser, data + at, length - at);
		else
			at += feed_head(parser, data + at, length - at);
		if (parser->ended && parser->place == LF_H1_BODY) {
			end(parser);
			break;
		}
	}
	return at;
}
