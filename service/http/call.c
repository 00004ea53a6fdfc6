#include <stdlib.h>
#include <string.h>

#include "service/http/internal.h"

/*
 * An exchange as a call of dispatch. Methods answer on threads of their own; what they have completed is pushed on a stack,
 * and the loop takes it from there, in the order in which it was pushed. Once the transport is closed, nothing is pushed
 * any more: whoever answers then ends the turn itself. But parts of the reply that were pushed before may still be there,
 * and a turn is over only when dispatch has all of them back: then whoever frees the last one ends it. parts_out says
 * which of the two is later.
 */

enum { FAILURE_BYTES = 8 * 1024 }; /* that an error takes until it is out */

static struct lf_http_exchange *exchange_of(const struct lf_rpc_call *call)
{
	return lf_rpc_call_own(call);
}

/* ---- on any thread ---- */

/* Gives an event to the loop. false: the transport is closed, and the loop has ended. */
static bool push(struct lf_http *http, struct lf_http_event *event)
{
	bool open;

	atomic_fetch_add(&http->inside, 1);
	open = !atomic_load(&http->closed);
	if (open) {
		event->next = atomic_load_explicit(&http->events, memory_order_relaxed);
		while (!atomic_compare_exchange_weak(&http->events, &event->next, event))
			continue;
		lf_loop_wake(&http->loop);
	}
	atomic_fetch_sub(&http->inside, 1);
	return open;
}

uint8_t *lf_http_call_begin(struct lf_rpc_call *call, size_t length)
{
	struct lf_http_exchange *exchange = exchange_of(call);

	LF_CHECK(X5, exchange->begun == NULL);
	exchange->begun = lf_http_part_new(length);
	return exchange->begun == NULL ? NULL : exchange->begun->bytes + exchange->begun->first;
}

bool lf_http_call_append(struct lf_rpc_call *call, const void *data, size_t length)
{
	struct lf_http_exchange *exchange = exchange_of(call);
	const size_t max = lf_rpc_server_options(exchange->http->server)->message_bytes_max;
	const size_t now = exchange->begun->end - exchange->begun->first;

	return now <= max && length <= max - now && lf_http_part_append(&exchange->begun, data, length);
}

void lf_http_call_drop(struct lf_rpc_call *call)
{
	struct lf_http_exchange *exchange = exchange_of(call);

	lf_http_part_free(exchange->begun);
	exchange->begun = NULL;
}

bool lf_http_call_fail(
	struct lf_rpc_call *call, enum lf_code code, const char *message, const uint8_t *details, size_t length)
{
	struct lf_http_exchange *exchange = exchange_of(call);
	const size_t message_length = strlen(message);
	char *failure = NULL;

	if (details != NULL) {
		failure = malloc(message_length + length + 1);
		if (failure == NULL)
			return false;
		memcpy(failure, message, message_length);
		memcpy(failure + message_length, details, length);
	}
	exchange->code = code;
	exchange->failure = failure;
	if (failure != NULL) {
		exchange->message = (struct lf_slice){failure, message_length};
		exchange->details = (struct lf_slice){failure + message_length, length};
	}
	return true;
}

/* Puts the dialect's framing around the reply that was begun. Where memory runs out, the call fails instead. */
static void seal(struct lf_http_exchange *exchange, bool last)
{
	const struct lf_http_dialect *dialect = exchange->dialect;

	if (exchange->begun == NULL || dialect->seal == NULL || dialect->seal(exchange, &exchange->begun, last))
		return;
	lf_http_part_free(exchange->begun);
	exchange->begun = NULL;
	exchange->code = LF_RESOURCE_EXHAUSTED;
}

void lf_http_call_send_part(struct lf_rpc_call *call, size_t bytes)
{
	struct lf_http_exchange *exchange = exchange_of(call);
	struct lf_http_part *part;

	seal(exchange, false);
	part = exchange->begun;
	exchange->begun = NULL;
	if (part == NULL) {
		lf_rpc_part_sent(call, bytes);
		return;
	}
	part->counted = bytes;
	part->event.exchange = exchange;
	part->event.kind = LF_HTTP_PART;
	atomic_fetch_add(&exchange->parts_out, 1);
	if (!push(exchange->http, &part->event))
		lf_http_part_written(exchange, part);
}

enum lf_code lf_http_call_translate(struct lf_rpc_call *call, const ProtobufCMessageDescriptor *type,
	struct lf_arena *arena, const uint8_t **message, size_t *length, struct lf_error *error)
{
	struct lf_http_exchange *exchange = exchange_of(call);
	const struct lf_http_dialect *dialect = exchange->dialect;

	return dialect->read == NULL ? LF_OK : dialect->read(exchange, type, arena, message, length, error);
}

bool lf_http_call_is_gone(const struct lf_rpc_call *call)
{
	const struct lf_http_exchange *exchange = exchange_of(call);

	return atomic_load_explicit(&exchange->gone, memory_order_relaxed) ||
		atomic_load_explicit(&exchange->http->closed, memory_order_relaxed);
}

void lf_http_call_release(struct lf_rpc_call *call)
{
	struct lf_http_exchange *exchange = exchange_of(call);

	lf_rpc_names_release(exchange->names);
	exchange->names = NULL;
	if (exchange->piece != NULL) {
		free(exchange->piece);
		exchange->piece = NULL;
		return; /* the body is the stream's, and grows on the loop's thread */
	}
	free(exchange->body);
	exchange->body = NULL;
	exchange->body_length = exchange->body_room = 0;
}

void lf_http_call_finish(struct lf_rpc_call *call)
{
	struct lf_http_exchange *exchange = exchange_of(call);

	exchange->wrong_token = lf_rpc_has_wrong_token(call);
	exchange->retry_ms = lf_rpc_retry_ms(call);
	seal(exchange, true);
	if (push(exchange->http, &exchange->event))
		return;
	lf_http_part_free(exchange->begun);
	exchange->begun = NULL;
	if (atomic_fetch_add(&exchange->parts_out, LF_HTTP_CALL_ENDED) == 0)
		lf_rpc_turn_over(call, LF_RPC_UNSENT);
}

/* ---- on the loop ---- */

static void on_part(struct lf_http_part *part)
{
	struct lf_http_exchange *exchange = part->event.exchange;

	if (!exchange->over && !exchange->started)
		exchange->dialect->start(exchange, -1);
	if (exchange->over)
		lf_http_part_written(exchange, part);
	else
		lf_http_reply_part(exchange, part);
}

static void reply(struct lf_http_exchange *exchange)
{
	struct lf_http_part *part = exchange->begun;
	const size_t bytes = part == NULL ? 0 : sizeof(*part) + part->room;

	exchange->begun = NULL;
	if (exchange->code != LF_OK) {
		lf_http_part_free(part);
		exchange->dialect->fail(exchange);
		lf_http_exchange_replied(exchange, FAILURE_BYTES);
		return;
	}
	if (part == NULL) {
		lf_http_reply_abort(exchange);
		return;
	}
	if (!exchange->started)
		exchange->dialect->start(exchange, (int64_t)(part->end - part->first));
	lf_http_reply_part(exchange, part);
	exchange->dialect->finish(exchange);
	lf_http_exchange_replied(exchange, bytes);
}

static void on_finish(struct lf_http_exchange *exchange)
{
	struct lf_http_conn *conn = exchange->conn;

	/* Whoever guesses tokens shall need a new connection each time. */
	if (exchange->wrong_token) {
		if (!conn->parting)
			lf_count(&exchange->http->counters.wrong_tokens);
		conn->parting = true;
		lf_http_conn_wake(conn);
	}
	lf_http_exchange_served(exchange);
	if (exchange->replying) /* else it is in the pool */
		reply(exchange);
}

void lf_http_events_work(struct lf_http *http)
{
	struct lf_http_event *event, *first = NULL;

	if (atomic_load_explicit(&http->events, memory_order_relaxed) == NULL)
		return;
	event = atomic_exchange(&http->events, NULL);
	while (event != NULL) {
		struct lf_http_event *next = event->next;

		event->next = first;
		first = event;
		event = next;
	}
	while (first != NULL) {
		struct lf_http_event *next = first->next;

		if (first->kind == LF_HTTP_PART)
			on_part((struct lf_http_part *)first);
		else
			on_finish(first->exchange);
		first = next;
	}
}

/* Headers that are no metadata are of no use to methods. */
static void leave_out(struct lf_http_exchange *exchange)
{
	size_t kept = 0;

	for (size_t i = 0; i < exchange->header_count; i++)
		if (lf_metadata_may_be_value(exchange->headers[i].value))
			exchange->headers[kept++] = exchange->headers[i];
	exchange->header_count = kept;
}

/* The exchange is dispatch's from here on: what there is to say of it beside its message. */
static void describe(
	struct lf_http_exchange *exchange, const struct lf_http_dialect *dialect, struct lf_rpc_request *request)
{
	leave_out(exchange);
	request->metadata = exchange->headers;
	request->metadata_count = exchange->header_count;
	request->peer = exchange->conn->share;
	request->protocol = lf_rpc_server_protocol(exchange->http->server, dialect->name);
	exchange->dialect = dialect;
	exchange->served = true;
}

void lf_http_call(
	struct lf_http_exchange *exchange, const struct lf_http_dialect *dialect, const struct lf_rpc_request *request)
{
	struct lf_rpc_request complete = *request;

	describe(exchange, dialect, &complete);
	complete.names = exchange->names = lf_rpc_names_hold(exchange->conn->peer.names);
	if (exchange->piece == NULL)
		lf_http_exchange_uncount_body(exchange);
	lf_rpc_arrived(exchange->call, &complete);
}

void lf_http_call_broken(
	struct lf_http_exchange *exchange, const struct lf_http_dialect *dialect, const struct lf_error *error)
{
	struct lf_rpc_request known = {.method = {"", 0}};

	describe(exchange, dialect, &known);
	lf_http_exchange_uncount_body(exchange);
	lf_rpc_arrived_broken(exchange->call, &known, error);
}
