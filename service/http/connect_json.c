#include <string.h>

#include "proto/base/limits.h"
#include "proto/text/json.h"
#include "proto/wire/wire.h"
#include "service/http/connect.h"
#include "service/http/internal.h"

/*
 * Messages of Connect as JSON. All of this is on the threads that serve calls: reading and printing JSON takes as long as
 * scoring, and would hold up the loop. What it takes is counted against the server's budget.
 */

enum {
	REPLY_ARENA_MAX = 64 * 1024 * 1024, /* to decode a reply */
	JSON_PER_PROTO = 3,                 /* a decision in JSON is twice as long as in protobuf */
	TREE_BYTES_A_VALUE = 160,           /* an empty object takes 300, and counts twice */
};

/* ---- requests ---- */

/* What jansson's tree of a text takes on the heap, at most; what it has of values is taken as its commas and brackets. */
static size_t tree_bytes(const char *text, size_t length)
{
	size_t values = 1;

	for (size_t i = 0; i < length; i++)
		values += text[i] == ',' || text[i] == '[' || text[i] == '{';
	return (values < LF_JSON_VALUES_MAX ? values : LF_JSON_VALUES_MAX) * TREE_BYTES_A_VALUE + 2 * length;
}

/*
 * JSON in which nothing is unusual is read straight into the arena. All other takes a tree, whose memory is counted, or a
 * few large texts would be more than the process is to have.
 */
static ProtobufCMessage *parse_json(struct lf_http_exchange *exchange, const ProtobufCMessageDescriptor *type,
	const char *text, size_t length, struct lf_arena *arena, struct lf_error *error)
{
	struct lf_rpc_server *server = exchange->http->server;
	ProtobufCMessage *parsed = lf_json_read_parts(type, text, length, arena, NULL);
	const size_t bytes = parsed == NULL ? tree_bytes(text, length) : 0;

	if (parsed != NULL)
		return parsed;
	if (!lf_rpc_server_take(server, bytes)) {
		lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory to read the request's JSON: retry later");
		return NULL;
	}
	parsed = lf_text_parse(LF_FORMAT_JSON, type, text, length, arena, error);
	lf_rpc_server_give(server, bytes);
	return parsed;
}

enum lf_code lf_connect_read_json(struct lf_http_exchange *exchange, const ProtobufCMessageDescriptor *type,
	struct lf_arena *arena, const uint8_t **message, size_t *length, struct lf_error *error)
{
	const size_t max = lf_rpc_server_options(exchange->http->server)->message_bytes_max;
	ProtobufCMessage *parsed = parse_json(exchange, type, (const char *)*message, *length, arena, error);

	if (parsed == NULL)
		return error->code;
	*message = lf_wire_pack(parsed, arena, *length, length);
	if (*message == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for the request: retry later");
	if (*length > max)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED,
			"as protobuf the request has %zu bytes, the limit of a message is %zu", *length, max);
	return LF_OK;
}

/* ---- replies ---- */

/* The type of what the method answers. */
static const ProtobufCMessageDescriptor *reply_type(const struct lf_http_exchange *exchange)
{
	unsigned index;
	const ProtobufCServiceDescriptor *service =
		lf_find_method(exchange->path.data + 1, exchange->path.length - 1, &index);

	return service == NULL ? NULL : service->methods[index].output;
}

/* The server's budget, for the arena that a reply is decoded into. */
struct budget {
	struct lf_arena_budget base;
	struct lf_rpc_server *server;
};

static bool budget_take(struct lf_arena_budget *base, size_t bytes)
{
	return lf_rpc_server_take(((struct budget *)base)->server, bytes);
}

static void budget_give(struct lf_arena_budget *base, size_t bytes)
{
	lf_rpc_server_give(((struct budget *)base)->server, bytes);
}

/*
 * Makes a part of the message's JSON. It is printed behind what makes memory a part, so that it need not be copied. What
 * it takes is counted until the exchange is over. NULL: no memory.
 */
static struct lf_http_part *print_part(
	struct lf_http_exchange *exchange, const ProtobufCMessage *message, size_t length)
{
	const struct lf_json_style style = {.with_defaults = true};
	const size_t guess = JSON_PER_PROTO * length;
	struct lf_rpc_server *server = exchange->http->server;
	struct lf_http_part *empty, *part;
	struct lf_buffer text = {.data = NULL};
	size_t used;

	if (!lf_rpc_server_take(server, guess))
		return NULL;
	empty = lf_http_part_new(0);
	if (empty != NULL)
		lf_buffer_append(&text, (const char *)empty, sizeof(*empty) + empty->first);
	used = text.length;
	lf_http_part_free(empty);
	if (used != 0) {
		lf_json_print(message, &style, &text);
		lf_buffer_put(&text, '\n');
	}
	if (used == 0 || text.failed || (text.capacity > guess && !lf_rpc_server_take(server, text.capacity - guess))) {
		lf_rpc_server_give(server, guess);
		lf_buffer_clean_up(&text);
		return NULL;
	}
	if (text.capacity < guess)
		lf_rpc_server_give(server, guess - text.capacity);
	exchange->reply_counted = text.capacity;
	part = (struct lf_http_part *)(void *)text.data;
	part->room = text.capacity - sizeof(*part);
	part->end = part->first + text.length - used;
	return part;
}

bool lf_connect_seal_json(struct lf_http_exchange *exchange, struct lf_http_part **part, bool last)
{
	const ProtobufCMessageDescriptor *type = reply_type(exchange);
	const size_t length = (*part)->end - (*part)->first;
	struct budget budget = {{budget_take, budget_give}, exchange->http->server};
	const ProtobufCMessage *message = NULL;
	struct lf_http_part *made = NULL;
	struct lf_arena arena;

	(void)last; /* it is: a call of Connect has one reply */
	lf_arena_init(&arena, REPLY_ARENA_MAX);
	arena.budget = &budget.base;
	if (type != NULL)
		message = lf_wire_unpack(type, (*part)->bytes + (*part)->first, length, &arena, NULL);
	if (message != NULL)
		made = print_part(exchange, message, length);
	if (made != NULL) {
		lf_http_part_free(*part);
		*part = made;
	}
	lf_arena_clean_up(&arena);
	return made != NULL;
}
