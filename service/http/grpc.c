#include "service/http/grpc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/base64.h"
#include "proto/wire/methods.h"
#include "proto/wire/wire.h"
#include "service/http/grpc_stream.h"
#include "service/http/internal.h"

/*
 * gRPC over HTTP/2, and gRPC-Web over any HTTP, whose trailers are a last piece of the body. In gRPC-Web's text form all
 * of the body is base64.
 */

#define TEXT(text)                                                                                                     \
	{                                                                                                              \
		(text), sizeof(text) - 1                                                                               \
	}

enum { MESSAGE_MAX = 512, STATUS_ROOM = 128, WEB_TRAILERS = 0x80 };

static const struct lf_metadata STATUS_OK = {TEXT("grpc-status"), TEXT("0")};

/* ---- replies ---- */

static void put_prefix(uint8_t *at, uint8_t flags, size_t length)
{
	at[0] = flags;
	at[1] = (uint8_t)(length >> 24);
	at[2] = (uint8_t)(length >> 16);
	at[3] = (uint8_t)(length >> 8);
	at[4] = (uint8_t)length;
}

static bool seal(struct lf_http_exchange *exchange, struct lf_http_part **part, bool last)
{
	const size_t length = (*part)->end - (*part)->first;

	(void)exchange;
	(void)last;
	LF_CHECK(X6, (*part)->first >= LF_GRPC_PREFIX_BYTES);
	(*part)->first -= LF_GRPC_PREFIX_BYTES;
	put_prefix((*part)->bytes + (*part)->first, 0, length);
	return true;
}

/* The trailers of gRPC-Web behind what is in the part. */
static bool add_web_trailers(struct lf_http_part **part, const char *text, size_t length)
{
	uint8_t prefix[LF_GRPC_PREFIX_BYTES];

	put_prefix(prefix, WEB_TRAILERS, length);
	return lf_http_part_append(part, prefix, sizeof(prefix)) && lf_http_part_append(part, text, length);
}

static bool seal_web(struct lf_http_exchange *exchange, struct lf_http_part **part, bool last)
{
	static const char trailers[] = "grpc-status: 0\r\n";

	return seal(exchange, part, last) && (!last || add_web_trailers(part, trailers, sizeof(trailers) - 1));
}

/* Replaces what is in the part by its base64. */
static bool to_base64(struct lf_http_part **part)
{
	const size_t length = (*part)->end - (*part)->first;
	struct lf_http_part *text = lf_http_part_new(lf_base64_size(length));

	if (text == NULL)
		return false;
	lf_base64_print((*part)->bytes + (*part)->first, length, true, (char *)text->bytes + text->first);
	lf_http_part_free(*part);
	*part = text;
	return true;
}

static bool seal_text(struct lf_http_exchange *exchange, struct lf_http_part **part, bool last)
{
	return seal_web(exchange, part, last) && to_base64(part);
}

/* The reply's headers. Returns how many. */
static size_t put_headers(struct lf_http_exchange *exchange, const char *type, struct lf_metadata *headers)
{
	headers[0] = (struct lf_metadata){TEXT("content-type"), {type, strlen(type)}};
	return 1 + lf_http_metadata_of_reply(exchange, headers + 1);
}

static void begin_reply(struct lf_http_exchange *exchange, const char *type, int64_t length)
{
	struct lf_metadata headers[1 + LF_HTTP_METADATA_MAX];
	const size_t count = put_headers(exchange, type, headers);

	lf_http_reply_start(exchange, 200, headers, count, length, false);
}

static void start_grpc(struct lf_http_exchange *exchange, int64_t length)
{
	begin_reply(exchange, "application/grpc", length);
}

/* Others follow the first. */
static void start_stream(struct lf_http_exchange *exchange, int64_t length)
{
	(void)length;
	begin_reply(exchange, "application/grpc", -1);
}

static void start_web(struct lf_http_exchange *exchange, int64_t length)
{
	begin_reply(exchange, "application/grpc-web+proto", length);
}

static void start_text(struct lf_http_exchange *exchange, int64_t length)
{
	begin_reply(exchange, "application/grpc-web-text+proto", length);
}

static void finish_grpc(struct lf_http_exchange *exchange)
{
	lf_http_reply_finish(exchange, &STATUS_OK, 1);
}

/* The trailers went with the last reply. */
static void finish_web(struct lf_http_exchange *exchange)
{
	lf_http_reply_finish(exchange, NULL, 0);
}

/* ---- errors ---- */

/* grpc-status, when to come back, and grpc-message and grpc-status-details-bin where there is memory for them. Returns
 * how many. */
static size_t put_status(struct lf_http_exchange *exchange, struct lf_metadata *trailers)
{
	struct lf_slice message = exchange->message, details = exchange->details;
	uint8_t status[MESSAGE_MAX + LF_GRPC_DETAILS_MAX + STATUS_ROOM];
	size_t status_length, count = 0;
	char *text, *end;

	if (message.length > MESSAGE_MAX)
		message.length = MESSAGE_MAX;
	details.length = lf_grpc_cut((const uint8_t *)details.data, details.length, LF_GRPC_DETAILS_MAX);
	snprintf(exchange->number, sizeof(exchange->number), "%u", (unsigned)exchange->code & 0xff);
	trailers[count++] = (struct lf_metadata){TEXT("grpc-status"), {exchange->number, strlen(exchange->number)}};
	if (exchange->code == LF_UNIMPLEMENTED)
		trailers[count++] = (struct lf_metadata){TEXT("grpc-accept-encoding"), TEXT("identity")};
	if (exchange->retry_ms != 0) {
		snprintf(exchange->retry, sizeof(exchange->retry), "%" PRIu32, exchange->retry_ms);
		trailers[count++] = (struct lf_metadata){
			TEXT("grpc-retry-pushback-ms"), {exchange->retry, strlen(exchange->retry)}};
	}
	if (message.data == NULL)
		return count;
	status_length = lf_grpc_status(exchange->code, message, details, status);
	text = lf_http_exchange_text(exchange, 3 * message.length + lf_base64_size(status_length));
	if (text == NULL)
		return count;
	end = text + lf_grpc_percent(message.data, message.length, text);
	trailers[count++] = (struct lf_metadata){TEXT("grpc-message"), {text, (size_t)(end - text)}};
	text = end;
	end = lf_base64_print(status, status_length, false, text);
	trailers[count++] = (struct lf_metadata){TEXT("grpc-status-details-bin"), {text, (size_t)(end - text)}};
	return count;
}

static void fail_grpc(struct lf_http_exchange *exchange)
{
	struct lf_metadata headers[1 + LF_HTTP_METADATA_MAX + LF_HTTP_TRAILERS_MAX];
	size_t count = 0;

	if (exchange->started) {
		count = put_status(exchange, headers);
		lf_http_reply_finish(exchange, headers, count);
		return;
	}
	count = put_headers(exchange, "application/grpc", headers);
	count += put_status(exchange, headers + count);
	lf_http_reply_start(exchange, 200, headers, count, 0, true);
}

/* The trailers as a piece of the body, or NULL. */
static struct lf_http_part *web_status(const struct lf_metadata *trailers, size_t count, bool text)
{
	size_t length = 0;
	struct lf_http_part *part;
	uint8_t *at;

	for (size_t i = 0; i < count; i++)
		length += trailers[i].key.length + 2 + trailers[i].value.length + 2;
	part = lf_http_part_new(LF_GRPC_PREFIX_BYTES + length);
	if (part == NULL)
		return NULL;
	at = part->bytes + part->first;
	put_prefix(at, WEB_TRAILERS, length);
	at += LF_GRPC_PREFIX_BYTES;
	for (size_t i = 0; i < count; i++) {
		memcpy(at, trailers[i].key.data, trailers[i].key.length);
		at += trailers[i].key.length;
		memcpy(at, ": ", 2);
		memcpy(at + 2, trailers[i].value.data, trailers[i].value.length);
		at += 2 + trailers[i].value.length;
		memcpy(at, "\r\n", 2);
		at += 2;
	}
	if (text && !to_base64(&part)) {
		lf_http_part_free(part);
		return NULL;
	}
	return part;
}

static void fail_web_as(struct lf_http_exchange *exchange, const char *type, bool text)
{
	struct lf_metadata headers[2 + LF_HTTP_TRAILERS_MAX], *trailers = headers + 2;
	const size_t count = put_status(exchange, trailers);
	struct lf_http_part *part = web_status(trailers, count, text);

	if (part == NULL && exchange->started) {
		lf_http_reply_abort(exchange);
		return;
	}
	if (part == NULL) {
		/* Without memory: as headers alone, which gRPC-Web knows too. */
		headers[0] = (struct lf_metadata){TEXT("content-type"), {type, strlen(type)}};
		headers[1] = trailers[0];
		lf_http_reply_start(exchange, 200, headers, 2, 0, true);
		return;
	}
	if (!exchange->started)
		begin_reply(exchange, type, (int64_t)(part->end - part->first));
	lf_http_reply_part(exchange, part);
	lf_http_reply_finish(exchange, NULL, 0);
}

static void fail_web(struct lf_http_exchange *exchange)
{
	fail_web_as(exchange, "application/grpc-web+proto", false);
}

static void fail_text(struct lf_http_exchange *exchange)
{
	fail_web_as(exchange, "application/grpc-web-text+proto", true);
}

static const struct lf_http_dialect grpc = {
	.name = "grpc", .seal = seal, .start = start_grpc, .finish = finish_grpc, .fail = fail_grpc};
/* A stream of requests: each reply is one of a stream, and the stream's end is the client's. */
static const struct lf_http_dialect stream = {
	.name = "grpc", .seal = seal, .start = start_stream, .finish = lf_grpc_stream_replied, .fail = fail_grpc};
static const struct lf_http_dialect web = {
	.name = "grpc-web", .seal = seal_web, .start = start_web, .finish = finish_web, .fail = fail_web};
static const struct lf_http_dialect web_text = {
	.name = "grpc-web", .seal = seal_text, .start = start_text, .finish = finish_web, .fail = fail_text};

/* ---- requests ---- */

static enum lf_code check_encoding(const struct lf_http_exchange *exchange, struct lf_error *error)
{
	const struct lf_slice encoding = lf_http_header(exchange, "grpc-encoding");

	if (encoding.data == NULL || lf_slice_is(encoding, "identity"))
		return LF_OK;
	return lf_error_set(error, LF_UNIMPLEMENTED, "grpc-encoding \"%.*s\": only identity is known here",
		(int)(encoding.length < 32 ? encoding.length : 32), encoding.data);
}

static enum lf_code read_request(
	struct lf_http_exchange *exchange, struct lf_rpc_request *request, struct lf_error *error)
{
	const size_t max = lf_rpc_server_options(exchange->http->server)->message_bytes_max;
	const struct lf_slice timeout = lf_http_header(exchange, "grpc-timeout");
	struct lf_slice message = {0};

	if (timeout.data != NULL && lf_grpc_timeout(timeout, &request->timeout_ms, error) != LF_OK)
		return error->code;
	if (check_encoding(exchange, error) != LF_OK ||
		lf_grpc_message(exchange->body, exchange->body_length, max, &message, error) != LF_OK)
		return error->code;
	request->method = (struct lf_slice){exchange->path.data + 1, exchange->path.length - 1};
	request->message = (const uint8_t *)message.data;
	request->message_length = message.length;
	request->bytes = message.length;
	return LF_OK;
}

static void serve_as(struct lf_http_exchange *exchange, const struct lf_http_dialect *dialect)
{
	struct lf_rpc_request request = {.timeout_ms = 0};
	struct lf_error error = LF_ERROR_INIT;

	if (read_request(exchange, &request, &error) == LF_OK)
		lf_http_call(exchange, dialect, &request);
	else
		lf_http_call_broken(exchange, dialect, &error);
	lf_error_clean_up(&error);
}

static void serve_grpc(struct lf_http_exchange *exchange)
{
	serve_as(exchange, &grpc);
}

static void serve_web(struct lf_http_exchange *exchange)
{
	serve_as(exchange, &web);
}

static void serve_text(struct lf_http_exchange *exchange)
{
	struct lf_error error = LF_ERROR_INIT;

	/* In place: the bytes are fewer than the text. */
	if (lf_base64_parse(
		    (const char *)exchange->body, exchange->body_length, exchange->body, &exchange->body_length)) {
		serve_as(exchange, &web_text);
		return;
	}
	lf_error_set(&error, LF_INVALID_ARGUMENT, "the body is not base64, as grpc-web-text wants it");
	lf_http_call_broken(exchange, &web_text, &error);
	lf_error_clean_up(&error);
}

static void more_stream(struct lf_http_exchange *exchange)
{
	if (!exchange->served)
		exchange->dialect = &stream;
	lf_grpc_stream_next(exchange);
}

static void refuse_grpc(struct lf_http_exchange *exchange, const struct lf_error *error)
{
	lf_http_call_broken(exchange, &grpc, error);
}

static void refuse_web(struct lf_http_exchange *exchange, const struct lf_error *error)
{
	lf_http_call_broken(exchange, &web, error);
}

static void refuse_text(struct lf_http_exchange *exchange, const struct lf_error *error)
{
	lf_http_call_broken(exchange, &web_text, error);
}

static const struct lf_http_handler grpc_handler = {.name = "grpc", .serve = serve_grpc, .refuse = refuse_grpc};
static const struct lf_http_handler stream_handler = {
	.name = "grpc", .more = more_stream, .serve = more_stream, .refuse = refuse_grpc};
static const struct lf_http_handler web_handler = {.name = "grpc-web", .serve = serve_web, .refuse = refuse_web};
static const struct lf_http_handler text_handler = {.name = "grpc-web", .serve = serve_text, .refuse = refuse_text};

/* ---- which requests are ours ---- */

/* The handler of a content type that begins with application/grpc; NULL where it is none of ours. */
static const struct lf_http_handler *by_type(struct lf_slice type)
{
	if (lf_slice_is(type, "application/grpc") || lf_slice_is(type, "application/grpc+proto"))
		return &grpc_handler;
	if (lf_slice_is(type, "application/grpc-web") || lf_slice_is(type, "application/grpc-web+proto"))
		return &web_handler;
	if (lf_slice_is(type, "application/grpc-web-text") || lf_slice_is(type, "application/grpc-web-text+proto"))
		return &text_handler;
	return NULL;
}

static bool takes_stream(struct lf_slice path)
{
	unsigned index;
	const ProtobufCServiceDescriptor *service = lf_find_method(path.data + 1, path.length - 1, &index);

	return service != NULL && lf_method_takes_stream(service, index);
}

static const struct lf_http_handler *answer(struct lf_http_exchange *exchange, unsigned status, const char *text)
{
	static const struct lf_metadata allow = {TEXT("allow"), TEXT("POST")};

	lf_http_answer(
		exchange, status, "text/plain; charset=utf-8", &allow, status == 405 ? 1 : 0, text, strlen(text));
	return &lf_http_answered;
}

const struct lf_http_handler *lf_http_match_grpc(struct lf_http_exchange *exchange)
{
	static const char prefix[] = "application/grpc";
	const struct lf_slice type = exchange->content_type;
	const struct lf_http_handler *handler;

	if (type.length < sizeof(prefix) - 1 || memcmp(type.data, prefix, sizeof(prefix) - 1) != 0)
		return NULL;
	handler = by_type(type);
	if (handler == NULL)
		return answer(exchange, 415,
			"gRPC's messages are protobuf here: content-type application/grpc, application/grpc-web or "
			"application/grpc-web-text, with +proto or without.\n");
	if (!lf_slice_is(exchange->method, "POST"))
		return answer(exchange, 405, "gRPC's calls are POST.\n");
	if (exchange->path.length == 0 || exchange->path.data[0] != '/')
		return answer(exchange, 404, "A call's path is /PACKAGE.SERVICE/METHOD.\n");
	if (handler == &grpc_handler && !exchange->ops->has_trailers)
		return answer(exchange, 415, "gRPC needs HTTP/2; over HTTP/1.1 there are gRPC-Web and Connect.\n");
	if (handler == &grpc_handler && !lf_slice_is(lf_http_header(exchange, "te"), "trailers"))
		return answer(exchange, 415, "gRPC needs the header te: trailers.\n");
	return handler == &grpc_handler && takes_stream(exchange->path) ? &stream_handler : handler;
}
