/*
 * Any bytes on a connection of HTTP/1.1 to a server that has every method. The first byte says into how large pieces the
 * rest is cut. What comes out are replies, one behind the other, each whole; and when the connection has ended, nothing
 * of it is left. Methods answer with an empty message, on threads of their own: all of the way of a request is gone but
 * for what the methods do.
 */
#include <string.h>

#include "proto/base/clock.h"
#include "proto/wire/wire.h"
#include "service/http/internal.h"
#include "tests/fuzz/fuzz.h"

enum { SERVICES_MAX = 16, REPLY_BYTES_MAX = 4096, OUTPUT_MAX = 1024 * 1024, PATIENCE_SECONDS = 60 };

static struct lf_http *http;
static uint8_t output[OUTPUT_MAX];
static size_t output_length;

static void answer(
	ProtobufCService *service, unsigned index, const ProtobufCMessage *input, ProtobufCClosure closure, void *data)
{
	const ProtobufCMessageDescriptor *type = service->descriptor->methods[index].output;
	union {
		ProtobufCMessage base;
		uint64_t room[REPLY_BYTES_MAX / 8];
	} reply;

	(void)input;
	REQUIRE(type->sizeof_message <= sizeof(reply));
	type->message_init(&reply.base);
	closure(&reply.base, data);
}

static void start(void)
{
	static const struct lf_rpc_options options = {.worker_count = 1, .message_bytes_max = 64 * 1024};
	static ProtobufCService services[SERVICES_MAX];
	struct lf_rpc_server *server;

	REQUIRE(lf_rpc_server_new(&server, &options, NULL) == LF_OK);
	for (size_t i = 0; lf_services[i] != NULL; i++) {
		REQUIRE(i < SERVICES_MAX);
		services[i] = (ProtobufCService){.descriptor = lf_services[i], .invoke = answer};
		REQUIRE(lf_rpc_server_add(server, &services[i], 0, NULL) == LF_OK);
	}
	REQUIRE(lf_http_new(&http, server, NULL, NULL) == LF_OK);
	REQUIRE(lf_rpc_server_start(server, NULL) == LF_OK);
}

static void take(struct lf_http_conn *conn)
{
	const uint8_t *bytes;
	size_t length;

	lf_http_events_work(http);
	while ((length = lf_http_conn_take(conn, &bytes)) != 0 && output_length + length <= OUTPUT_MAX) {
		memcpy(output + output_length, bytes, length);
		output_length += length;
	}
	lf_http_conns_settle(http);
}

/* Until no method has a call of the connection, and nothing more comes out. */
static void finish(struct lf_http_conn *conn)
{
	const uint64_t start_ns = lf_clock_ns();
	size_t before;

	do {
		before = output_length;
		take(conn);
		REQUIRE(lf_clock_seconds_since(start_ns) < PATIENCE_SECONDS);
	} while (output_length != before || (conn->exchanges != NULL && conn->exchanges->served));
}

/* What came out begins with a status line; behind a head comes a body as long as it says, but for HEAD. */
static void check_output(bool has_head)
{
	static const char begin[] = "HTTP/1.1 ";

	REQUIRE(output_length == 0 || (output_length > sizeof(begin) && memcmp(output, begin, sizeof(begin) - 1) == 0));
	for (size_t at = 0; at < output_length && output_length < OUTPUT_MAX / 2 && !has_head;) {
		const char *head = (const char *)output + at, *end = memmem(head, output_length - at, "\r\n\r\n", 4);
		const char *length;

		REQUIRE(output_length - at > sizeof(begin) && memcmp(head, begin, sizeof(begin) - 1) == 0 &&
			end != NULL);
		length = memmem(head, (size_t)(end - head), "\r\ncontent-length: ", 18);
		at = (size_t)(end - (const char *)output) + 4;
		if (length != NULL) /* else 100 or 204 */
			at += strtoul(length + 18, NULL, 10);
		REQUIRE(at <= output_length);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lf_http_conn *conn;
	size_t step;

	if (size == 0)
		return 0;
	if (http == NULL)
		start();
	http->loop.now_ns = lf_clock_ns();
	conn = lf_http_conn_new_fed(http, &lf_http_h1);
	REQUIRE(conn != NULL);
	output_length = 0;
	step = data[0] == 0 ? size : data[0];
	for (size_t at = 1; at < size && conn->stage < LF_HTTP_CLOSING; at += step) {
		lf_http_conn_feed(conn, data + at, size - at < step ? size - at : step);
		take(conn);
	}
	finish(conn);
	check_output(memmem(data, size, "HEAD", 4) != NULL);
	lf_http_conn_close(conn);
	conn->fed = false;
	lf_http_conn_wake(conn);
	lf_http_conns_settle(http);
	REQUIRE(http->conns == NULL);
	return 0;
}
