/* What becomes of a chunk's requests: sent until each has an answer. */
#include <stdlib.h>
#include <string.h>

#include "client/batch/batch.h"
#include "proto/wire/wire.h"

enum { METHOD_SCORE_BATCH = 1, ITEM_ATTEMPTS_MAX = 8 /* of one that the service can't take even alone */ };

/* How the sending of one chunk goes. */
struct sending {
	size_t items_max;  /* in a message */
	int64_t failed_ms; /* since when nothing succeeded; 0: the last messages did */
	unsigned attempt;
	/* Of the messages that are at hand. */
	bool shrunk;          /* some is to be sent again in smaller ones */
	struct lf_error away; /* why some is to be sent again later; LF_OK: none is */
};

/* On a thread of the client. */
static void on_reply(const uint8_t *reply, size_t length, void *context)
{
	struct lf_transfer *transfer = context;

	/* Here, and not by who waits for it: that one may wait for room for another message. */
	lf_gate_leave(&transfer->batch->gate, transfer->message.item_count, reply != NULL,
		lf_call_error(transfer->call)->code == LF_RESOURCE_EXHAUSTED);
	transfer->replied = false;
	transfer->reply_length = length;
	if (reply == NULL)
		return;
	if (length > transfer->reply_capacity) {
		free(transfer->reply);
		transfer->reply = malloc(length);
		transfer->reply_capacity = transfer->reply == NULL ? 0 : length;
	}
	if (length > 0 && transfer->reply != NULL)
		memcpy(transfer->reply, reply, length);
	transfer->replied = length == 0 || transfer->reply != NULL;
}

static void start(struct lf_transfer *transfer)
{
	struct lf_batch *batch = transfer->batch;

	lf_gate_enter(&batch->gate, transfer->message.item_count);
	lf_call_start_bytes(transfer->call, METHOD_SCORE_BATCH, transfer->message.bytes, transfer->message.length,
		on_reply, transfer);
	/* Whoever stops the run cancels all calls after saying so: one that began meanwhile sees it here. */
	if (atomic_load(&batch->stopped))
		lf_call_cancel(transfer->call);
}

static void await(struct lf_transfer *transfer)
{
	if (lf_call_wait(transfer->call, &transfer->error) == LF_OK && !transfer->replied)
		lf_error_set(&transfer->error, LF_RESOURCE_EXHAUSTED, "out of memory");
}

/* ---- answers ---- */

/* Whether the same again, later, may be answered otherwise. */
static bool passes(uint32_t code)
{
	return code == LF_RESOURCE_EXHAUSTED || code == LF_UNAVAILABLE || code == LF_ABORTED ||
		code == LF_DEADLINE_EXCEEDED || code == LF_CANCELLED;
}

/* Settles what has an answer. Sets *again to the error of one that has not, if any. */
static enum lf_code take_reply(struct lf_worker *worker, struct lf_transfer *transfer, const Leadfit__V1__Error **again)
{
	struct lf_message *message = &transfer->message;
	struct lf_chunk *chunk = &worker->chunk;
	struct lf_error *error = &transfer->error;
	const Leadfit__V1__ScoreBatchResponse *response = (const Leadfit__V1__ScoreBatchResponse *)lf_wire_unpack_newer(
		&leadfit__v1__score_batch_response__descriptor, transfer->reply, transfer->reply_length,
		&chunk->scratch, error);

	if (response == NULL)
		return error->code;
	if (response->n_results != message->item_count)
		return lf_error_set(error, LF_INTERNAL, "the service gave %zu answers to %zu requests",
			response->n_results, message->item_count);
	for (size_t i = 0; i < message->item_count; i++) {
		const Leadfit__V1__BatchResult *result = response->results[i];
		struct lf_item *item = message->items[i];

		if (result->error != NULL && passes(result->error->code) &&
			(message->item_count > 1 || ++item->attempts < ITEM_ATTEMPTS_MAX))
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
	return code == LF_INVALID_ARGUMENT || code == LF_NOT_FOUND || code == LF_FAILED_PRECONDITION ||
		code == LF_OUT_OF_RANGE;
}

/* What comes again is not to be in a message as large as this one. */
static void shrink(struct sending *sending, const struct lf_message *message)
{
	const size_t half = (message->item_count + 1) / 2;

	sending->shrunk = true;
	if (half < sending->items_max)
		sending->items_max = half;
}

/* A whole message failed. false where the run ends. */
static bool take_failure(struct lf_worker *worker, struct lf_transfer *transfer, struct sending *sending)
{
	struct lf_message *message = &transfer->message;
	struct lf_error *error = &transfer->error;

	if (atomic_load(&worker->batch->stopped))
		return false;
	if (is_of_items(error->code) && message->item_count > 1) {
		shrink(sending, message); /* the others are not to fail with it */
	} else if (is_of_items(error->code)) {
		rename_violations(error);
		lf_item_fail(&worker->chunk, message->items[0], worker->batch->options, error);
	} else if (passes(error->code)) {
		if (error->code != LF_UNAVAILABLE)
			shrink(sending, message);
		if (sending->away.code == LF_OK)
			lf_error_move(&sending->away, error);
	} else {
		lf_batch_stop(worker->batch, error);
		return false;
	}
	return true;
}

/* What came of one message. false where the run ends. */
static bool take(struct lf_worker *worker, struct lf_transfer *transfer, struct sending *sending)
{
	const Leadfit__V1__Error *again = NULL;
	bool goes_on = true;

	if (transfer->error.code == LF_OK)
		take_reply(worker, transfer, &again);
	if (transfer->error.code != LF_OK)
		goes_on = take_failure(worker, transfer, sending);
	if (again != NULL) {
		shrink(sending, &transfer->message);
		if (sending->away.code == LF_OK)
			lf_error_set(&sending->away, lf_code_from_number(again->code), "%s", again->message);
	}
	lf_error_clean_up(&transfer->error);
	lf_arena_reset(&worker->chunk.scratch);
	if (transfer != worker->transfers) { /* seldom used, and as large as the largest reply */
		free(transfer->reply);
		transfer->reply = NULL;
		transfer->reply_capacity = 0;
		lf_message_clean_up(&transfer->message);
	}
	return goes_on;
}

/* Messages of different rubrics, instants, ..., side by side. false where the run ends. */
static bool send_messages(struct lf_worker *worker, struct sending *sending, size_t count)
{
	bool goes_on = true;

	sending->shrunk = false;
	for (size_t i = 0; i < count; i++)
		start(&worker->transfers[i]);
	for (size_t i = 0; i < count; i++)
		await(&worker->transfers[i]);
	for (size_t i = 0; i < count; i++)
		goes_on = take(worker, &worker->transfers[i], sending) && goes_on;
	if (goes_on && sending->away.code != LF_OK) {
		if (sending->failed_ms == 0)
			sending->failed_ms = lf_batch_now_ms();
		goes_on = lf_batch_wait(worker->batch, sending->failed_ms, sending->attempt++, &sending->away);
	} else if (goes_on && !sending->shrunk) {
		lf_batch_is_back(worker->batch);
		sending->failed_ms = 0;
		sending->attempt = 0;
		sending->items_max = sending->items_max * 2 < LF_BATCH_MAX ? sending->items_max * 2 : LF_BATCH_MAX;
	}
	lf_error_clean_up(&sending->away);
	return goes_on;
}

/* Makes as many messages as there are kinds of requests, up to so many. false where memory ran out. */
static bool make_messages(struct lf_worker *worker, size_t items_max, size_t *count)
{
	const struct lf_item *first[LF_WORKER_MESSAGES_MAX];

	for (*count = 0; *count < LF_WORKER_MESSAGES_MAX; ++*count) {
		struct lf_message *message = &worker->transfers[*count].message;

		if (!lf_message_make(message, &worker->chunk, worker->batch->options, items_max, first, *count))
			return message->item_count == 0;
		first[*count] = message->items[0];
	}
	return true;
}

bool lf_worker_send(struct lf_worker *worker)
{
	struct sending sending = {.items_max = LF_BATCH_MAX, .away = LF_ERROR_INIT};
	size_t count;
	struct lf_error error;

	while (make_messages(worker, sending.items_max, &count)) {
		if (count == 0)
			return true;
		if (!send_messages(worker, &sending, count))
			return false;
	}
	error = (struct lf_error)LF_ERROR_INIT;
	lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "out of memory");
	lf_batch_stop(worker->batch, &error);
	return false;
}
