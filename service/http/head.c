#include <stdlib.h>
#include <string.h>

#include "service/http/internal.h"

/* A request's head: its texts, kept in the exchange, and what they say. */

static void rebase(struct lf_slice *slice, const char *from, size_t length, char *to)
{
	if (slice->data >= from && slice->data < from + length)
		slice->data = to + (slice->data - from);
}

/* Moves the head's texts to where there is more room; slices follow. */
static enum lf_http_add grow_head(struct lf_http_exchange *exchange, size_t need)
{
	const size_t room = LF_HTTP_HEAD_BYTES_MAX;
	char *grown;

	if (need > room)
		return LF_HTTP_TOO_LARGE;
	if (!lf_http_exchange_take(exchange, room))
		return LF_HTTP_NO_MEMORY;
	exchange->counted += room;
	grown = malloc(room);
	if (grown == NULL)
		return LF_HTTP_NO_MEMORY;
	memcpy(grown, exchange->head, exchange->head_length);
	for (size_t i = 0; i < exchange->header_count; i++) {
		rebase(&exchange->headers[i].key, exchange->head, exchange->head_room, grown);
		rebase(&exchange->headers[i].value, exchange->head, exchange->head_room, grown);
	}
	rebase(&exchange->method, exchange->head, exchange->head_room, grown);
	rebase(&exchange->scheme, exchange->head, exchange->head_room, grown);
	rebase(&exchange->authority, exchange->head, exchange->head_room, grown);
	rebase(&exchange->target, exchange->head, exchange->head_room, grown);
	exchange->head = grown;
	exchange->head_room = room;
	return LF_HTTP_ADDED;
}

static enum lf_http_add grow_headers(struct lf_http_exchange *exchange)
{
	struct lf_metadata *grown;

	if (exchange->header_count == LF_HTTP_HEADERS_MAX)
		return LF_HTTP_TOO_LARGE;
	grown = malloc(LF_HTTP_HEADERS_MAX * sizeof(*grown));
	if (grown == NULL)
		return LF_HTTP_NO_MEMORY;
	memcpy(grown, exchange->headers, exchange->header_count * sizeof(*grown));
	exchange->headers = grown;
	exchange->header_room = LF_HTTP_HEADERS_MAX;
	return LF_HTTP_ADDED;
}

/* A copy in the head's texts, for which there is room. */
static struct lf_slice keep(struct lf_http_exchange *exchange, struct lf_slice text, bool lower)
{
	char *at = exchange->head + exchange->head_length;

	for (size_t i = 0; i < text.length; i++)
		at[i] = lower && text.data[i] >= 'A' && text.data[i] <= 'Z' ? (char)(text.data[i] + ('a' - 'A'))
									    : text.data[i];
	exchange->head_length += text.length;
	return (struct lf_slice){at, text.length};
}

/* Where a pseudo-header goes, or NULL. */
static struct lf_slice *pseudo(struct lf_http_exchange *exchange, struct lf_slice name)
{
	if (lf_slice_is(name, ":method"))
		return &exchange->method;
	if (lf_slice_is(name, ":path"))
		return &exchange->target;
	if (lf_slice_is(name, ":scheme"))
		return &exchange->scheme;
	return lf_slice_is(name, ":authority") ? &exchange->authority : NULL;
}

/* No control characters but tab. Engines check more; this is what must hold for whoever reads a value. */
static bool is_clean(struct lf_slice value)
{
	for (size_t i = 0; i < value.length; i++)
		if (((unsigned char)value.data[i] < 0x20 && value.data[i] != '\t') || value.data[i] == 0x7f)
			return false;
	return true;
}

enum lf_http_add lf_http_exchange_add_header(
	struct lf_http_exchange *exchange, struct lf_slice name, struct lf_slice value)
{
	const size_t need = exchange->head_length + name.length + value.length;
	enum lf_http_add added = LF_HTTP_ADDED;
	struct lf_slice *special = NULL;

	exchange->head_size += name.length + value.length + 32;
	if (exchange->head_size > LF_HTTP_HEAD_BYTES_MAX)
		return LF_HTTP_TOO_LARGE;
	if (name.length == 0 || !is_clean(value))
		return LF_HTTP_MALFORMED;
	if (need > exchange->head_room)
		added = grow_head(exchange, need);
	if (added != LF_HTTP_ADDED)
		return added;
	if (name.data[0] == ':') {
		special = pseudo(exchange, name);
		if (special == NULL || special->data != NULL)
			return LF_HTTP_MALFORMED;
		*special = keep(exchange, value, false);
		return LF_HTTP_ADDED;
	}
	if (exchange->header_count == exchange->header_room)
		added = grow_headers(exchange);
	if (added != LF_HTTP_ADDED)
		return added;
	exchange->headers[exchange->header_count].key = keep(exchange, name, true);
	exchange->headers[exchange->header_count].value = keep(exchange, value, false);
	exchange->header_count++;
	return LF_HTTP_ADDED;
}

enum lf_http_add lf_http_exchange_head_done(struct lf_http_exchange *exchange)
{
	const char *mark, *end;
	struct lf_slice type;

	if (exchange->authority.data == NULL)
		exchange->authority = lf_http_header(exchange, "host");
	exchange->path = exchange->target;
	mark = exchange->target.length == 0 ? NULL : memchr(exchange->target.data, '?', exchange->target.length);
	if (mark != NULL) {
		exchange->path.length = (size_t)(mark - exchange->target.data);
		exchange->query = (struct lf_slice){mark + 1, exchange->target.length - exchange->path.length - 1};
	}
	type = lf_http_header(exchange, "content-type");
	end = type.length == 0 ? NULL : memchr(type.data, ';', type.length);
	if (end != NULL)
		type.length = (size_t)(end - type.data);
	while (type.length != 0 && type.data[type.length - 1] == ' ')
		type.length--;
	exchange->content_type = type;
	return exchange->method.length != 0 && exchange->target.length != 0 ? LF_HTTP_ADDED : LF_HTTP_MALFORMED;
}

struct lf_slice lf_http_header(const struct lf_http_exchange *exchange, const char *name)
{
	return lf_metadata_find(exchange->headers, exchange->header_count, name);
}

/* The request's header, where it is there and frames would take it, too, is one of the reply. Returns how many: 1 or 0. */
static size_t echo(const struct lf_http_exchange *exchange, const char *name, struct lf_metadata *header)
{
	const struct lf_slice value = lf_http_header(exchange, name);

	if (value.length == 0 || value.length > LF_METADATA_BYTES_MAX || !lf_metadata_may_be_value(value))
		return 0;
	*header = (struct lf_metadata){{name, strlen(name)}, value};
	return 1;
}

size_t lf_http_metadata_of_reply(struct lf_http_exchange *exchange, struct lf_metadata *headers)
{
	const struct lf_trace *trace = lf_rpc_trace(exchange->call);
	size_t count = echo(exchange, "request-id", headers);

	lf_trace_write(trace, exchange->trace);
	headers[count++] = (struct lf_metadata){{"traceparent", 11}, {exchange->trace, sizeof(exchange->trace)}};
	if (trace->continued)
		count += echo(exchange, "tracestate", headers + count);
	return count;
}
