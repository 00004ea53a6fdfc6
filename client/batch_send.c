/* What becomes of a chunk's requests: sent until each has an answer. */
#include <stdlib.h>
#include <string.h>

#include "client/batch.h"
#include "proto/wire.h"

enum { METHOD_SCORE_BATCH = 1, ITEM_ATTEMPTS_MAX = 8 /* of one that the service can't take even alone */ };

/* How the sending of one chunk goes. */
struct sending {
	size_t items_max;  /* in a message */
	int64_t failed_ms; /* since when nothing succeeded; 0: the last message did */
	unsigned attempt;
};

/* On a thread of the client. */
static void on_reply(const uint8_t *reply, size_t length, void *context)
{
	struct lf_worker *worker = context;
	worker->replied = false;
	worker->reply_length = length;
	if (reply == NULL)
		return;
	if (length > worker->reply_capacity) {
		free(worker->reply);
		worker->reply = malloc(length);
		worker->reply_capacity = worker->reply == NULL ? 0 : length;
	}
	if (length > 0 && worker->reply != NULL)
		memcpy(worker->reply, reply, length);
	worker->replied = length == 0 || worker->reply != NULL;
}

static enum lf_code call(struct lf_worker *worker, struct lf_error *error)
{
	struct lf_batch *batch = worker->batch;
	lf_gate_enter(&batch->gate);
	lf_call_start_bytes(worker->call, METHOD_SCORE_BATCH, worker->message.bytes, worker->message.length, on_reply, worker);
	/* Whoever stops the run cancels all calls after saying so: one that began meanwhile sees it here. */
	if (atomic_load(&batch->stopped))
		lf_call_cancel(worker->call);
	const enum lf_code code = lf_call_wait(worker->call, error);
	lf_gate_leave(&batch->gate, code == LF_OK ? worker->message.item_count : 0, code == LF_RESOURCE_EXHAUSTED);
	if (code == LF_OK && !worker->replied)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
	return code;
}

/* ---- answers ---- */

/* Whether the same again, later, may be answered otherwise. */
static bool passes(uint32_t code)
{
	return code == LF_RESOURCE_EXHAUSTED || code == LF_UNAVAILABLE || code == LF_ABORTED || code == LF_DEADLINE_EXCEEDED || code == LF_CANCELLED;
}

/* Settles what has an answer. Sets *again to the error of one that has not, if any. */
static enum lf_code take_reply(struct lf_worker *worker, const Leadfit__V1__Error **again, struct lf_error *error)
{
	struct lf_message *message = &worker->message;
	struct lf_chunk *chunk = &worker->chunk;
	const Leadfit__V1__ScoreBatchResponse *response = (const Leadfit__V1__ScoreBatchResponse *)lf_wire_unpack(
		&leadfit__v1__score_batch_response__descriptor, worker->reply, worker->reply_length, &chunk->scratch, error);
	if (response == NULL)
		return error->code;
	if (response->n_results != message->item_count)
		return lf_error_set(error, LF_INTERNAL, "the service gave %zu answers to %zu requests", response->n_results, message->item_count);
	for (size_t i = 0; i < message->item_count; i++) {
		const Leadfit__V1__BatchResult *result = response->results[i];
		struct lf_item *item = message->items[i];
		if (result->error != NULL && passes(result->error->code) && (message->item_count > 1 || ++item->attempts < ITEM_ATTEMPTS_MAX))
			*again = result->error;
		else
			lf_item_answer(chunk, item, worker->batch->options, result);
	}
	return LF_OK;
}

/* ---- failures ---- */

/* The paths of a batch as those of the request that it has. */
static void rename_violations(struct lf_error *error)
{
	static const char *const names[][2] = {{"teams[0]", "team"}, {"projects[0]", "project"}, {"items[0].", ""}};
	for (size_t i = 0; i < error->violation_kept; i++)
		for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
			char *field = error->violations[i].field;
			const size_t length = strlen(names[n][0]), shorter = strlen(names[n][1]);
			if (strncmp(field, names[n][0], length) != 0)
				continue;
			memcpy(field, names[n][1], shorter);
			memmove(field + shorter, field + length, strlen(field + length) + 1);
			break;
		}
}

/* Whether it is the requests' own fault, and others may be answered. */
static bool is_of_items(enum lf_code code)
{
	return code == LF_INVALID_ARGUMENT || code == LF_NOT_FOUND || code == LF_FAILED_PRECONDITION || code == LF_OUT_OF_RANGE;
}

/* A whole message failed. false where the run ends. */
static bool take_failure(struct lf_worker *worker, struct sending *sending, struct lf_error *error)
{
	struct lf_message *message = &worker->message;
	const size_t half = (message->item_count + 1) / 2;
	if (atomic_load(&worker->batch->stopped))
		return false;
	if (is_of_items(error->code) && message->item_count > 1) {
		sending->items_max = half; /* the others are not to fail with it */
		return true;
	}
	if (is_of_items(error->code)) {
		rename_violations(error);
		lf_item_fail(&worker->chunk, message->items[0], worker->batch->options, error);
		return true;
	}
	if (!passes(error->code)) {
		lf_batch_stop(worker->batch, error);
		return false;
	}
	if (error->code != LF_UNAVAILABLE)
		sending->items_max = half;
	if (sending->failed_ms == 0)
		sending->failed_ms = lf_batch_now_ms();
	return lf_batch_wait(worker->batch, sending->failed_ms, sending->attempt++, error);
}

/* Some of a message have to be sent again. false where the run ends. */
static bool take_rest(struct lf_worker *worker, struct sending *sending, const Leadfit__V1__Error *again)
{
	struct lf_error error = LF_ERROR_INIT;
	sending->items_max = (worker->message.item_count + 1) / 2;
	if (sending->failed_ms == 0)
		sending->failed_ms = lf_batch_now_ms();
	lf_error_set(&error, lf_code_from_number(again->code), "%s", again->message);
	const bool goes_on = lf_batch_wait(worker->batch, sending->failed_ms, sending->attempt++, &error);
	lf_error_clean_up(&error);
	return goes_on;
}

/* One message. false where the run ends. */
static bool send_message(struct lf_worker *worker, struct sending *sending)
{
	const Leadfit__V1__Error *again = NULL;
	struct lf_error error = LF_ERROR_INIT;
	bool goes_on = true;
	if (call(worker, &error) == LF_OK)
		take_reply(worker, &again, &error);
	if (error.code != LF_OK) {
		goes_on = take_failure(worker, sending, &error);
	} else if (again != NULL) {
		goes_on = take_rest(worker, sending, again);
	} else {
		lf_batch_is_back(worker->batch);
		sending->failed_ms = 0;
		sending->attempt = 0;
		sending->items_max = sending->items_max * 2 < LF_BATCH_MAX ? sending->items_max * 2 : LF_BATCH_MAX;
	}
	lf_error_clean_up(&error);
	lf_arena_reset(&worker->chunk.scratch);
	return goes_on;
}

bool lf_worker_send(struct lf_worker *worker)
{
	struct sending sending = {.items_max = LF_BATCH_MAX};
	while (lf_message_make(&worker->message, &worker->chunk, worker->batch->options, sending.items_max))
		if (!send_message(worker, &sending))
			return false;
	if (worker->message.item_count == 0)
		return true;
	struct lf_error error = LF_ERROR_INIT;
	lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "out of memory");
	lf_batch_stop(worker->batch, &error);
	return false;
}
