#include <stdio.h>
#include <string.h>

#include "service/http/h1.h"

/*
 * Replies of HTTP/1.1. Where the length of a body is not known it is chunked, or, in HTTP/1.0, ends with the connection.
 */

enum { TEXT_MAX = 1024 }; /* of a status line, or a header of our own */

void lf_h1_put(struct lf_http_conn *conn, const void *bytes, size_t length)
{
	struct lf_h1 *h1 = conn->engine;

	if (!lf_http_conn_put(conn, bytes, length))
		h1->broken = true;
}

static const char *reason(unsigned status)
{
	static const struct {
		unsigned status;
		const char *reason;
	} rows[] = {{200, "OK"}, {204, "No Content"}, {304, "Not Modified"}, {400, "Bad Request"},
		{401, "Unauthorized"}, {403, "Forbidden"}, {404, "Not Found"}, {405, "Method Not Allowed"},
		{408, "Request Timeout"}, {409, "Conflict"}, {413, "Content Too Large"}, {414, "URI Too Long"},
		{415, "Unsupported Media Type"}, {417, "Expectation Failed"}, {421, "Misdirected Request"},
		{429, "Too Many Requests"}, {431, "Request Header Fields Too Large"}, {499, "Client Closed Request"},
		{500, "Internal Server Error"}, {501, "Not Implemented"}, {503, "Service Unavailable"},
		{504, "Gateway Timeout"}, {505, "HTTP Version Not Supported"}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].status == status)
			return rows[i].reason;
	return "Unknown";
}

/* Answers what is no request, or not whole: no handler knows it. The connection closes behind it. */
void lf_h1_say_and_close(struct lf_http_conn *conn, unsigned status, const char *problem)
{
	struct lf_h1 *h1 = conn->engine;
	char text[TEXT_MAX];
	int length;

	h1->failed = true;
	if (h1->exchange != NULL) {
		const bool started = h1->exchange->started;

		lf_http_exchange_over(h1->exchange);
		h1->exchange = NULL;
		if (started)
			return; /* nothing can be said within a reply */
	}
	length = snprintf(text, sizeof(text),
		"HTTP/1.1 %u %s\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: %zu\r\n"
		"connection: close\r\n\r\n%s\n",
		status, reason(status), strlen(problem) + 1, problem);
	lf_h1_put(conn, text, (size_t)length);
}

/* ---- the reply ---- */

static struct lf_h1 *h1_of(const struct lf_http_exchange *exchange)
{
	return exchange->conn->engine;
}

/* A header of the reply, in the output. */
static void put_header(struct lf_http_conn *conn, struct lf_slice name, struct lf_slice value)
{
	lf_h1_put(conn, name.data, name.length);
	lf_h1_put(conn, ": ", 2);
	lf_h1_put(conn, value.data, value.length);
	lf_h1_put(conn, "\r\n", 2);
}

static void reply_start(struct lf_http_exchange *exchange, unsigned status, const struct lf_metadata *headers,
	size_t count, int64_t length, bool end)
{
	struct lf_http_conn *conn = exchange->conn;
	struct lf_h1 *h1 = h1_of(exchange);
	const bool bodiless = status == 204 || status == 304;
	char text[TEXT_MAX];
	int used;

	if (end)
		length = 0;
	h1->chunked = length < 0 && h1->minor == 1 && !bodiless;
	if (h1->leaving || (h1->has_body && !exchange->whole) || (length < 0 && h1->minor == 0))
		h1->keep_alive = false;
	used = snprintf(text, sizeof(text), "HTTP/1.1 %u %s\r\n", status, reason(status));
	lf_h1_put(conn, text, (size_t)used);
	for (size_t i = 0; i < count; i++)
		put_header(conn, headers[i].key, headers[i].value);
	if (h1->chunked)
		used = snprintf(text, sizeof(text), "transfer-encoding: chunked\r\n");
	else if (length >= 0 && !bodiless)
		used = snprintf(text, sizeof(text), "content-length: %lld\r\n", (long long)length);
	else
		used = 0;
	lf_h1_put(conn, text, (size_t)used);
	if (!h1->keep_alive)
		lf_h1_put(conn, "connection: close\r\n", 19);
	else if (h1->minor == 0)
		lf_h1_put(conn, "connection: keep-alive\r\n", 24);
	lf_h1_put(conn, "\r\n", 2);
	lf_http_conn_wake(conn);
}

static void reply_part(struct lf_http_exchange *exchange, struct lf_http_part *part)
{
	struct lf_h1 *h1 = h1_of(exchange);

	if (h1->is_head || part->first == part->end) {
		lf_http_part_written(exchange, part);
		return;
	}
	part->next = NULL;
	if (exchange->first == NULL)
		exchange->first = part;
	else
		exchange->last->next = part;
	exchange->last = part;
	lf_http_conn_wake(exchange->conn);
}

/* There are no trailers: gRPC-Web has its own in the body, and gRPC is for HTTP/2. */
static void reply_finish(struct lf_http_exchange *exchange, const struct lf_metadata *trailers, size_t count)
{
	(void)trailers;
	(void)count;
	lf_http_conn_wake(exchange->conn);
}

static void reply_abort(struct lf_http_exchange *exchange)
{
	struct lf_http_conn *conn = exchange->conn;
	struct lf_h1 *h1 = h1_of(exchange);

	h1->exchange = NULL;
	h1->broken = true; /* a reply that is cut short can only be told by the connection's end */
	lf_http_exchange_over(exchange);
	lf_http_conn_wake(conn);
}

const struct lf_http_reply_ops lf_h1_reply_ops = {
	.start = reply_start, .part = reply_part, .finish = reply_finish, .abort = reply_abort};

/* Writes of the first part what there is room for. */
void lf_h1_write_part(struct lf_http_conn *conn)
{
	struct lf_h1 *h1 = conn->engine;
	struct lf_http_exchange *exchange = h1->exchange;
	struct lf_http_part *part = exchange->first;
	const size_t room = lf_http_conn_room(conn), rest = part->end - part->first;
	const size_t length = rest < room ? rest : room;
	char text[32];

	if (h1->chunked && !h1->in_part)
		lf_h1_put(conn, text, (size_t)snprintf(text, sizeof(text), "%zx\r\n", rest));
	h1->in_part = true;
	lf_h1_put(conn, part->bytes + part->first, length);
	part->first += length;
	if (part->first != part->end)
		return;
	if (h1->chunked)
		lf_h1_put(conn, "\r\n", 2);
	h1->in_part = false;
	exchange->first = part->next;
	if (exchange->first == NULL)
		exchange->last = NULL;
	lf_http_part_written(exchange, part);
}

/* The reply is written: what comes next? */
void lf_h1_turn_over(struct lf_http_conn *conn)
{
	struct lf_h1 *h1 = conn->engine;
	struct lf_http_exchange *exchange = h1->exchange;

	if (h1->chunked && !h1->is_head)
		lf_h1_put(conn, "0\r\n\r\n", 5);
	if (!exchange->whole)
		h1->keep_alive = false;
	h1->exchange = NULL;
	h1->failed = !h1->keep_alive;
	lf_http_exchange_over(exchange);
}
