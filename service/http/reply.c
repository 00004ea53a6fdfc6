#include <stdlib.h>
#include <string.h>

#include "service/http/internal.h"

/* Replies, as handlers give them: what an exchange has said so far is kept here, and the version of HTTP says it. */

char *lf_http_exchange_text(struct lf_http_exchange *exchange, size_t size)
{
	LF_CHECK(X3, exchange->text == NULL);
	exchange->text = malloc(size);
	return exchange->text;
}

/*
 * What lets a browser show the reply to the page that asked (origin.c). Returns how many; headers has room for
 * LF_HTTP_REPLY_HEADERS_MAX.
 */
static size_t add_allowance(const struct lf_http_exchange *exchange, struct lf_metadata *all,
	const struct lf_metadata *headers, size_t count)
{
	static const char exposed[] = "grpc-message, grpc-status, grpc-status-details-bin, request-id, retry-after, "
				      "traceparent, tracestate";

	LF_CHECK(X9, count + 3 <= LF_HTTP_REPLY_HEADERS_MAX);
	memcpy(all, headers, count * sizeof(*all));
	all[count++] = (struct lf_metadata){{"access-control-allow-origin", 27}, exchange->allow_origin};
	all[count++] = (struct lf_metadata){{"access-control-expose-headers", 29}, {exposed, sizeof(exposed) - 1}};
	all[count++] = (struct lf_metadata){{"vary", 4}, {"origin", 6}};
	return count;
}

void lf_http_reply_start(struct lf_http_exchange *exchange, unsigned status, const struct lf_metadata *headers,
	size_t count, int64_t length, bool end)
{
	struct lf_metadata all[LF_HTTP_REPLY_HEADERS_MAX];

	LF_CHECK(X4, !exchange->started);
	exchange->started = true;
	exchange->reply_ns = exchange->http->loop.now_ns;
	/* It may be long until it is taken. */
	lf_http_exchange_drop_body(exchange);
	exchange->finished = end;
	if (exchange->allow_origin.data != NULL) {
		count = add_allowance(exchange, all, headers, count);
		headers = all;
	}
	if (!exchange->over)
		exchange->ops->start(exchange, status, headers, count, length, end);
}

void lf_http_reply_part(struct lf_http_exchange *exchange, struct lf_http_part *part)
{
	LF_CHECK(X4, exchange->started && !exchange->finished);
	if (exchange->over)
		lf_http_part_written(exchange, part);
	else
		exchange->ops->part(exchange, part);
}

void lf_http_reply_finish(struct lf_http_exchange *exchange, const struct lf_metadata *trailers, size_t count)
{
	LF_CHECK(X4, exchange->started && !exchange->finished);
	exchange->finished = true;
	if (!exchange->over)
		exchange->ops->finish(exchange, trailers, count);
}

void lf_http_reply_abort(struct lf_http_exchange *exchange)
{
	if (!exchange->over)
		exchange->ops->abort(exchange);
}

void lf_http_answer(struct lf_http_exchange *exchange, unsigned status, const char *type,
	const struct lf_metadata *more, size_t more_count, const void *body, size_t length)
{
	struct lf_metadata headers[8];
	struct lf_http_part *part = length == 0 ? NULL : lf_http_part_new(length);
	size_t count = 0;

	for (size_t i = 0; i < more_count && count < 7; i++)
		headers[count++] = more[i];
	if (part == NULL) {
		lf_http_reply_start(exchange, status, headers, count, 0, true);
		return;
	}
	if (type != NULL)
		headers[count++] = (struct lf_metadata){{"content-type", 12}, {type, strlen(type)}};
	memcpy(part->bytes + part->first, body, length);
	lf_http_reply_start(exchange, status, headers, count, (int64_t)length, false);
	lf_http_reply_part(exchange, part);
	lf_http_reply_finish(exchange, NULL, 0);
}
