#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nghttp2/nghttp2.h>

#include "client/lib/http.h"
#include "proto/base/base64.h"
#include "proto/wire/details.h"

/*
 * What a stream has come to. gRPC's status is in the trailers, or in the only headers. What came without one is judged
 * by HTTP's own status and HTTP/2's error code.
 */

void lf_client_http_stream_clean_up(struct lf_client_http_stream *stream)
{
	free(stream->said);
	free(stream->details);
	free(stream->reply);
	stream->said = NULL;
	stream->details = NULL;
	stream->reply = NULL;
	stream->reply_capacity = 0;
}

void lf_client_http_stream_reset(struct lf_client_http_stream *stream)
{
	free(stream->said);
	free(stream->details);
	if (stream->reply_capacity > LF_HTTP_REPLY_KEPT_BYTES) {
		free(stream->reply);
		stream->reply = NULL;
		stream->reply_capacity = 0;
	}
	*stream = (struct lf_client_http_stream){.slot = stream->slot,
		.grpc_status = -1,
		.reply = stream->reply,
		.reply_capacity = stream->reply_capacity};
}

/* ---- headers ---- */

/* A number of one to three digits; -2: it is none. */
static int take_number(struct lf_slice value)
{
	int number = 0;

	if (value.length < 1 || value.length > 3)
		return -2;
	for (size_t i = 0; i < value.length; i++) {
		if (value.data[i] < '0' || value.data[i] > '9')
			return -2;
		number = 10 * number + (value.data[i] - '0');
	}
	return number;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* grpc-message is UTF-8 with %XX for what is not visible ASCII. What is not so encoded stays as it is. */
static bool take_message(struct lf_client_http_stream *stream, struct lf_slice value)
{
	char *text = malloc(value.length + 1);
	size_t length = 0;

	if (text == NULL)
		return false;
	for (size_t i = 0; i < value.length; i++) {
		if (value.data[i] == '%' && value.length - i > 2 && hex_digit(value.data[i + 1]) >= 0 &&
			hex_digit(value.data[i + 2]) >= 0) {
			text[length++] = (char)(hex_digit(value.data[i + 1]) << 4 | hex_digit(value.data[i + 2]));
			i += 2;
		} else {
			text[length++] = value.data[i];
		}
	}
	text[length] = '\0';
	free(stream->said);
	stream->said = text;
	return true;
}

/* What is no base64 is left out: the status and its message are there all the same. */
static bool take_details(struct lf_client_http_stream *stream, struct lf_slice value)
{
	uint8_t *bytes = malloc(value.length / 4 * 3 + 3);
	size_t length;

	if (bytes == NULL)
		return false;
	if (!lf_base64_parse(value.data, value.length, bytes, &length)) {
		free(bytes);
		return true;
	}
	free(stream->details);
	stream->details = bytes;
	stream->details_length = length;
	return true;
}

bool lf_client_http_take_header(struct lf_client_http_stream *stream, struct lf_slice name, struct lf_slice value)
{
	static const char grpc[] = "application/grpc";

	stream->header_bytes += name.length + value.length + 32;
	if (stream->header_bytes > LF_HTTP_HEADERS_MAX) {
		stream->fault = LF_RESOURCE_EXHAUSTED;
		stream->fault_text = "the reply's headers are too long";
		return false;
	}
	if (lf_slice_is(name, ":status")) {
		stream->http_status = (unsigned)take_number(value);
		stream->is_grpc = false;
	} else if (lf_slice_is(name, "content-type")) {
		stream->is_grpc = value.length >= strlen(grpc) && memcmp(value.data, grpc, strlen(grpc)) == 0 &&
			(value.length == strlen(grpc) || strchr("+;", value.data[strlen(grpc)]) != NULL);
	} else if (lf_slice_is(name, "grpc-status")) {
		stream->grpc_status = take_number(value);
	} else if (lf_slice_is(name, "grpc-message")) {
		return take_message(stream, value);
	} else if (lf_slice_is(name, "grpc-status-details-bin")) {
		return take_details(stream, value);
	}
	return true;
}

/* ---- the body ---- */

static bool fail(struct lf_client_http_stream *stream, enum lf_code code, const char *text)
{
	stream->fault = code;
	stream->fault_text = text;
	return false;
}

/* The prefix is there: one byte that is 1 for a compressed message, and four of its length. */
static bool take_prefix(struct lf_client_http_stream *stream, size_t bytes_max)
{
	const uint8_t *prefix = stream->prefix;

	if (prefix[0] != 0)
		return fail(stream, LF_INTERNAL, "a compressed message, which was not asked for");
	stream->reply_announced =
		(size_t)prefix[1] << 24 | (size_t)prefix[2] << 16 | (size_t)prefix[3] << 8 | prefix[4];
	if (stream->reply_announced > bytes_max)
		return fail(stream, LF_RESOURCE_EXHAUSTED, NULL); /* lf_client_http_outcome() has the words */
	return true;
}

/* Memory for length bytes more. What is announced is not believed at once: memory follows what has come. */
static bool grow(struct lf_client_http_stream *stream, size_t length)
{
	const size_t needed = stream->reply_length + length;
	size_t capacity = stream->reply_capacity < 4096 ? 4096 : stream->reply_capacity;
	uint8_t *grown;

	if (needed <= stream->reply_capacity)
		return true;
	while (capacity < needed)
		capacity *= 2;
	if (stream->reply_announced <= LF_HTTP_REPLY_KEPT_BYTES || capacity > stream->reply_announced)
		capacity = stream->reply_announced;
	grown = realloc(stream->reply, capacity);
	if (grown == NULL)
		return fail(stream, LF_RESOURCE_EXHAUSTED, "out of memory");
	stream->reply = grown;
	stream->reply_capacity = capacity;
	return true;
}

bool lf_client_http_take_data(
	struct lf_client_http_stream *stream, const uint8_t *data, size_t length, size_t bytes_max)
{
	if (stream->http_status != 200 || !stream->is_grpc)
		return true; /* somebody's page: its status says enough */
	while (length > 0 && stream->prefix_length < LF_HTTP_PREFIX_BYTES) {
		stream->prefix[stream->prefix_length++] = *data++;
		length--;
		if (stream->prefix_length == LF_HTTP_PREFIX_BYTES && !take_prefix(stream, bytes_max))
			return false;
	}
	if (length == 0)
		return true;
	if (length > stream->reply_announced - stream->reply_length)
		return fail(stream, LF_INTERNAL, "more than one message");
	if (!grow(stream, length))
		return false;
	memcpy(stream->reply + stream->reply_length, data, length);
	stream->reply_length += length;
	return true;
}

/* ---- the outcome ---- */

/* gRPC's own table, for what comes from a proxy, or from no gRPC service at all. */
static enum lf_code code_of_http(unsigned status)
{
	switch (status) {
	case 400:
		return LF_INTERNAL;
	case 401:
		return LF_UNAUTHENTICATED;
	case 403:
		return LF_PERMISSION_DENIED;
	case 404:
		return LF_UNIMPLEMENTED;
	case 429:
	case 502:
	case 503:
	case 504:
		return LF_UNAVAILABLE;
	default:
		return LF_UNKNOWN;
	}
}

/* The same for the error code of a stream that was closed before its status came. */
static enum lf_code set_closed(uint32_t error_code, const char *url, bool *unstarted, struct lf_error *error)
{
	switch (error_code) {
	case NGHTTP2_NO_ERROR:
		return lf_reply_rubbish(error, "no status (grpc-status)");
	case NGHTTP2_REFUSED_STREAM:
		*unstarted = true;
		return lf_error_set(error, LF_UNAVAILABLE, "%.200s did not take the request", url);
	case NGHTTP2_CANCEL:
		return lf_error_set(error, LF_UNAVAILABLE, "%.200s gave the request up before the answer", url);
	case NGHTTP2_ENHANCE_YOUR_CALM:
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "%.200s refuses so many requests", url);
	case NGHTTP2_INADEQUATE_SECURITY:
		return lf_error_set(error, LF_PERMISSION_DENIED, "%.200s finds the connection not secure enough", url);
	default:
		return lf_error_set(error, LF_INTERNAL, "%.200s ended the request by an error: %s", url,
			nghttp2_http2_strerror(error_code));
	}
}

static enum lf_code set_fault(const struct lf_client_http_stream *stream, size_t bytes_max, struct lf_error *error)
{
	if (stream->fault == LF_INTERNAL)
		return lf_reply_rubbish(error, stream->fault_text);
	if (stream->fault_text != NULL)
		return lf_error_set(error, stream->fault, "%s", stream->fault_text);
	return lf_reply_check_length(stream->reply_announced, bytes_max, error);
}

static enum lf_code set_status(
	const struct lf_client_http_stream *stream, struct lf_arena *arena, struct lf_error *error)
{
	const enum lf_code code = lf_code_from_number((uint32_t)stream->grpc_status);
	struct lf_slice details = {NULL, 0};

	if (stream->details != NULL)
		details = lf_details_find(stream->details, stream->details_length, "leadfit.v1.Error");
	return lf_reply_set_error(code, (const uint8_t *)details.data, details.length, stream->said, arena, error);
}

enum lf_code lf_client_http_outcome(const struct lf_client_http_stream *stream, const char *url, size_t bytes_max,
	struct lf_arena *arena, bool *unstarted, struct lf_error *error)
{
	*unstarted = false;
	if (stream->fault != LF_OK)
		return set_fault(stream, bytes_max, error);
	if (stream->grpc_status > 0)
		return set_status(stream, arena, error);
	if (stream->grpc_status == -2)
		return lf_reply_rubbish(error, "a status (grpc-status) that is no number");
	if (stream->http_status != 0 && stream->http_status != 200)
		return lf_error_set(error, code_of_http(stream->http_status),
			"%.200s answered with HTTP status %u: the service, or one in front of it, does not take gRPC "
			"here",
			url, stream->http_status);
	if (stream->http_status == 200 && !stream->is_grpc)
		return lf_error_set(error, LF_UNKNOWN, "%.200s is no gRPC service: its answer is something else", url);
	if (stream->grpc_status < 0)
		return set_closed(stream->error_code, url, unstarted, error);
	if (stream->prefix_length < LF_HTTP_PREFIX_BYTES)
		return lf_reply_rubbish(error, "a good status, and no message");
	if (stream->reply_length < stream->reply_announced)
		return lf_reply_rubbish(error, "a message that is cut");
	return LF_OK;
}
