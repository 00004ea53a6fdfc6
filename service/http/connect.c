#include "service/http/connect.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/base64.h"
#include "proto/wire/methods.h"
#include "proto/wire/wire.h"
#include "service/http/internal.h"
#include "service/http/parse/query.h"

/*
 * Connect, its unary calls: a POST whose body is the message, as JSON or protobuf, or for methods without side effects a
 * GET with the message in the query. The reply is a message of the same kind, or JSON that says what has gone wrong.
 * https://connectrpc.com/docs/protocol
 */

/* exchange->own */
enum { IS_JSON = 1, IS_GET = 2 };

enum {
	SHOWN_MAX = 40, /* of what a peer has sent, in an error's text */
	HEADERS_MAX = 4 + LF_HTTP_METADATA_MAX,
};

static const char JSON[] = "application/json", PROTO[] = "application/proto";

static int shown(struct lf_slice text)
{
	return text.length < SHOWN_MAX ? (int)text.length : SHOWN_MAX;
}

/* ---- the reply ---- */

/* What replies and errors both have, but for the content type. Returns how many. */
static size_t common_headers(struct lf_http_exchange *exchange, struct lf_metadata *headers)
{
	size_t count = lf_http_metadata_of_reply(exchange, headers);

	if ((exchange->own & IS_GET) != 0)
		headers[count++] = (struct lf_metadata){{"cache-control", 13}, {"private, no-store", 17}};
	return count;
}

static void start(struct lf_http_exchange *exchange, int64_t length)
{
	const char *type = (exchange->own & IS_JSON) != 0 ? JSON : PROTO;
	struct lf_metadata headers[HEADERS_MAX] = {{{"content-type", 12}, {type, strlen(type)}}};
	const size_t count = 1 + common_headers(exchange, headers + 1);

	lf_http_reply_start(exchange, 200, headers, count, length, false);
}

static void finish(struct lf_http_exchange *exchange)
{
	lf_http_reply_finish(exchange, NULL, 0);
}

/* Answers with an error, as JSON whatever the request was. */
static void fail(struct lf_http_exchange *exchange)
{
	static const char bare[] = "{\"code\":\"resource_exhausted\"}";
	struct lf_metadata headers[HEADERS_MAX];
	struct lf_buffer text = {.data = NULL};
	size_t count;

	if (exchange->started) { /* of a reply that is one message */
		lf_http_reply_abort(exchange);
		return;
	}
	count = common_headers(exchange, headers);
	if (exchange->code == LF_UNAUTHENTICATED)
		headers[count++] = (struct lf_metadata){{"www-authenticate", 16}, {"Bearer", 6}};
	if (exchange->retry_ms != 0) {
		snprintf(exchange->retry, sizeof(exchange->retry), "%" PRIu32, (exchange->retry_ms + 999) / 1000);
		headers[count++] =
			(struct lf_metadata){{"retry-after", 11}, {exchange->retry, strlen(exchange->retry)}};
	}
	lf_connect_print_error(&text, exchange->code, exchange->message, exchange->details);
	lf_http_answer(exchange, (unsigned)lf_code_http_status(exchange->code), JSON, headers, count,
		text.failed ? bare : text.data, text.failed ? sizeof(bare) - 1 : text.length);
	lf_buffer_clean_up(&text);
}

static const struct lf_http_dialect json = {.name = "connect",
	.seal = lf_connect_seal_json,
	.start = start,
	.finish = finish,
	.fail = fail,
	.read = lf_connect_read_json};
static const struct lf_http_dialect proto = {.name = "connect", .start = start, .finish = finish, .fail = fail};

static const struct lf_http_dialect *dialect_of(const struct lf_http_exchange *exchange)
{
	return (exchange->own & IS_JSON) != 0 ? &json : &proto;
}

/* ---- the request ---- */

static void refuse(struct lf_http_exchange *exchange, const struct lf_error *error)
{
	lf_http_call_broken(exchange, dialect_of(exchange), error);
}

/* The headers that say how the message is to be understood. */
static enum lf_code read_headers(const struct lf_http_exchange *exchange, uint32_t *timeout_ms, struct lf_error *error)
{
	const struct lf_slice version = lf_http_header(exchange, "connect-protocol-version");
	const struct lf_slice timeout = lf_http_header(exchange, "connect-timeout-ms");
	const struct lf_slice encoding = lf_http_header(exchange, "content-encoding");

	if (version.data != NULL && !lf_slice_is_in_any_case(version, "1"))
		return lf_error_set(error, LF_INVALID_ARGUMENT,
			"connect-protocol-version: \"%.*s\" is not \"1\", the only one", shown(version), version.data);
	if (encoding.data != NULL && !lf_slice_is_in_any_case(encoding, "identity"))
		return lf_error_set(error, LF_UNIMPLEMENTED,
			"content-encoding: \"%.*s\" is not \"identity\": requests are not compressed here",
			shown(encoding), encoding.data);
	*timeout_ms = 0;
	return timeout.data == NULL ? LF_OK : lf_connect_read_timeout(timeout, timeout_ms, error);
}

/* The method as dispatch names it, the path without its first slash. One reply to a call is all that there is here. */
static enum lf_code read_method(
	const struct lf_http_exchange *exchange, struct lf_slice *method, struct lf_error *error)
{
	unsigned index;
	const ProtobufCServiceDescriptor *service;

	*method = (struct lf_slice){exchange->path.data + 1, exchange->path.length - 1};
	service = lf_find_method(method->data, method->length, &index);
	if (service != NULL && lf_method_takes_stream(service, index))
		return lf_error_set(error, LF_UNIMPLEMENTED, "%.*s takes a stream of requests: call it by gRPC",
			(int)method->length, method->data);
	if (service != NULL && lf_method_is_stream(service, index))
		return lf_error_set(error, LF_UNIMPLEMENTED,
			"%.*s answers with a stream, which this protocol has no way for here: call it by gRPC or "
			"gRPC-Web",
			(int)method->length, method->data);
	return LF_OK;
}

static void call(struct lf_http_exchange *exchange, struct lf_slice message, struct lf_error *error)
{
	struct lf_rpc_request request = {
		.metadata = exchange->headers,
		.metadata_count = exchange->header_count,
		.message = (const uint8_t *)(message.data != NULL ? message.data : ""),
		.message_length = message.length,
		.bytes = message.length,
	};

	if (error->code == LF_OK && read_headers(exchange, &request.timeout_ms, error) == LF_OK &&
		read_method(exchange, &request.method, error) == LF_OK)
		lf_http_call(exchange, dialect_of(exchange), &request);
	else
		lf_http_call_broken(exchange, dialect_of(exchange), error);
	lf_error_clean_up(error);
}

static void serve_post(struct lf_http_exchange *exchange)
{
	struct lf_error error = LF_ERROR_INIT;

	call(exchange, (struct lf_slice){(const char *)exchange->body, exchange->body_length}, &error);
}

/* ---- GET ---- */

/* What the query says: how the message is encoded. */
static enum lf_code read_encoding(
	struct lf_http_exchange *exchange, const struct lf_query *query, struct lf_error *error)
{
	const struct lf_slice version = lf_query_find(query, "connect"), encoding = lf_query_find(query, "encoding");
	const struct lf_slice compression = lf_query_find(query, "compression");

	if (version.data != NULL && !lf_slice_is_in_any_case(version, "v1"))
		return lf_error_set(error, LF_INVALID_ARGUMENT,
			"query parameter connect: \"%.*s\" is not \"v1\", the only one", shown(version), version.data);
	if (compression.length != 0 && !lf_slice_is_in_any_case(compression, "identity"))
		return lf_error_set(error, LF_UNIMPLEMENTED,
			"query parameter compression: \"%.*s\" is not \"identity\": requests are not compressed here",
			shown(compression), compression.data);
	if (!lf_slice_is_in_any_case(encoding, "json") && !lf_slice_is_in_any_case(encoding, "proto"))
		return lf_error_set(error, LF_INVALID_ARGUMENT,
			"query parameter encoding: \"%.*s\" is neither \"json\" nor \"proto\"", shown(encoding),
			encoding.data != NULL ? encoding.data : "");
	if (lf_slice_is_in_any_case(encoding, "json"))
		exchange->own |= IS_JSON;
	return LF_OK;
}

static enum lf_code read_message(const struct lf_query *query, struct lf_slice *message, struct lf_error *error)
{
	const struct lf_slice base64 = lf_query_find(query, "base64");

	*message = lf_query_find(query, "message");
	if (message->data == NULL)
		return lf_error_set(error, LF_INVALID_ARGUMENT,
			"query parameter message is missing: the request's message, as in message=%%7B%%7D");
	if (base64.data == NULL || lf_slice_is_in_any_case(base64, "0"))
		return LF_OK;
	if (!lf_slice_is_in_any_case(base64, "1"))
		return lf_error_set(error, LF_INVALID_ARGUMENT, "query parameter base64: \"%.*s\" is neither 0 nor 1",
			shown(base64), base64.data);
	/* In place: the query's text is ours. */
	if (!lf_base64_parse(message->data, message->length, (uint8_t *)(uintptr_t)message->data, &message->length))
		return lf_error_set(error, LF_INVALID_ARGUMENT, "query parameter message is not base64");
	return LF_OK;
}

static void serve_get(struct lf_http_exchange *exchange)
{
	char *text = lf_http_exchange_text(exchange, exchange->query.length + 4);
	struct lf_slice message = {NULL, 0};
	struct lf_error error = LF_ERROR_INIT;
	struct lf_query query;

	if (text == NULL)
		lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "no memory for the request: retry later");
	else if (lf_query_read(&query, exchange->query, text, &error) == LF_OK &&
		read_encoding(exchange, &query, &error) == LF_OK)
		read_message(&query, &message, &error);
	call(exchange, message, &error);
}

static const struct lf_http_handler by_post = {.name = "connect", .serve = serve_post, .refuse = refuse};
static const struct lf_http_handler by_get = {.name = "connect", .serve = serve_get, .refuse = refuse};

/* ---- which requests are Connect's ---- */

/* "/SERVICE/METHOD" */
static bool is_call(struct lf_slice path)
{
	const char *slash = path.length < 2 ? NULL : memchr(path.data + 1, '/', path.length - 1);

	return slash != NULL && slash != path.data + 1 && slash + 1 < path.data + path.length &&
		memchr(slash + 1, '/', (size_t)(path.data + path.length - slash) - 1) == NULL;
}

/* A JSON text is UTF-8; some say so, and none may say otherwise. */
static bool is_utf8(const struct lf_http_exchange *exchange)
{
	const struct lf_slice type = lf_http_header(exchange, "content-type");
	const char *parameters = memchr(type.data, ';', type.length);
	struct lf_slice rest;

	if (parameters == NULL)
		return true;
	rest = (struct lf_slice){parameters + 1, (size_t)(type.data + type.length - parameters) - 1};
	while (rest.length != 0 && rest.data[0] == ' ') {
		rest.data++;
		rest.length--;
	}
	return lf_slice_is_in_any_case(rest, "charset=utf-8") || lf_slice_is_in_any_case(rest, "charset=\"utf-8\"");
}

static const struct lf_http_handler *wrong_method(struct lf_http_exchange *exchange, bool is_read)
{
	static const char text[] = "A method is called with POST; GET is for those that have no side effects.\n";
	static const struct lf_metadata allow_get[] = {{{"allow", 5}, {"GET, POST", 9}}};
	static const struct lf_metadata allow[] = {{{"allow", 5}, {"POST", 4}}};

	lf_http_answer(
		exchange, 405, "text/plain; charset=utf-8", is_read ? allow_get : allow, 1, text, sizeof(text) - 1);
	return &lf_http_answered;
}

static const struct lf_http_handler *wrong_type(struct lf_http_exchange *exchange)
{
	static const char types[] = "application/json, application/proto, application/grpc-web+proto, application/grpc";
	static const struct lf_metadata accept[] = {{{"accept-post", 11}, {types, sizeof(types) - 1}}};
	char text[256];
	const int length = snprintf(text, sizeof(text),
		"The content-type of a call is one of %s; this one is \"%.*s\".\n", types,
		shown(exchange->content_type), exchange->content_type.data != NULL ? exchange->content_type.data : "");

	lf_http_answer(exchange, 415, "text/plain; charset=utf-8", accept, 1, text, (size_t)length);
	return &lf_http_answered;
}

/* After gRPC, which is not asked here any more: what is left of requests to a method's path is Connect's, or wrong. */
const struct lf_http_handler *lf_http_match_connect(struct lf_http_exchange *exchange)
{
	const ProtobufCServiceDescriptor *service;
	unsigned index;
	bool is_read;

	if (!is_call(exchange->path))
		return NULL;
	service = lf_find_method(exchange->path.data + 1, exchange->path.length - 1, &index);
	is_read = service != NULL && lf_method_is_read(service, index);
	exchange->own = lf_slice_is_in_any_case(exchange->content_type, JSON) ? IS_JSON : 0;
	if (lf_slice_is_in_any_case(exchange->method, "POST") &&
		(lf_slice_is_in_any_case(exchange->content_type, PROTO) ||
			(exchange->own == IS_JSON && is_utf8(exchange))))
		return &by_post;
	if (service == NULL)
		return NULL;
	if (lf_slice_is_in_any_case(exchange->method, "GET") && is_read) {
		exchange->own = IS_GET;
		return &by_get;
	}
	return lf_slice_is_in_any_case(exchange->method, "POST") ? wrong_type(exchange)
								 : wrong_method(exchange, is_read);
}
