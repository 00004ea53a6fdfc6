#include "service/keeping/redaction.h"

#include <string.h>

#include "leadfit/v1/record.pb-c.h"
#include "proto/base/check.h"
#include "proto/base/limits.h"
#include "proto/wire/wire.h"
#include "service/state/team_cache.h"

enum { ACTS_A_SLICE = 256, ARENA_BYTES_MAX = 128 * 1024 * 1024 };

void lf_redaction_init(struct lf_redaction *redaction, const struct lf_job_run *run)
{
	const bool taken = atomic_exchange(&run->state->redacting, true);

	LF_CHECK(H3, !taken);
	redaction->run = run;
	redaction->count = redaction->bytes = 0;
	redaction->payload_bytes = 0;
	lf_arena_init(&redaction->arena, ARENA_BYTES_MAX);
}

void lf_redaction_clean_up(struct lf_redaction *redaction)
{
	const bool taken = atomic_exchange(&redaction->run->state->redacting, false);

	LF_CHECK(H3, taken);
	lf_arena_clean_up(&redaction->arena);
}

struct lf_arena *lf_redaction_arena(struct lf_redaction *redaction)
{
	return &redaction->arena;
}

/* ---- writing ---- */

enum lf_code lf_redaction_make_room(struct lf_redaction *redaction, struct lf_error *error)
{
	if (redaction->count < LF_REDACTION_ITEMS_MAX && redaction->bytes < LF_REDACTION_BYTES_MAX)
		return LF_OK;
	return lf_redaction_write(redaction, 0, error);
}

void lf_redaction_add(struct lf_redaction *redaction, const struct lf_redact_item *item)
{
	LF_CHECK(H9, redaction->count < LF_REDACTION_ITEMS_MAX);
	redaction->bytes += item->bytes.length;
	redaction->items[redaction->count++] = *item;
}

/* Writes the items with what is said of them, which is counted. */
static enum lf_code write_items(struct lf_redaction *redaction, const Leadfit__V1__RedactionBody *body,
	const struct lf_redact_item *items, size_t count, uint64_t seen_sequence, struct lf_error *error)
{
	const struct lf_job *job = redaction->run->job;
	struct lf_redact redact = {
		.kind = job->kind == LEADFIT__V1__JOB_KIND__ERASE ? LF_LEAF_ERASURE : LF_LEAF_PRUNING,
		.caller = job->caller,
		.items = items,
		.item_count = count,
		.seen_sequence = seen_sequence,
	};

	LF_CHECK(H3, atomic_load(&redaction->run->state->redacting));
	redact.body.data = lf_wire_pack(&body->base, &redaction->arena, 0, &redact.body.length);
	if (redact.body.data == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory to redact with");
	return lf_log_redact(redaction->run->state->log, &redact, error);
}

enum lf_code lf_redaction_write(struct lf_redaction *redaction, uint64_t seen_sequence, struct lf_error *error)
{
	struct lf_job *job = redaction->run->job;
	Leadfit__V1__RedactionBody body = LEADFIT__V1__REDACTION_BODY__INIT;
	enum lf_code code;

	if (redaction->count == 0)
		return LF_OK;
	body.reason = job->reason;
	body.payload_bytes = redaction->payload_bytes;
	body.job = job->id;
	for (size_t i = 0; i < redaction->count; i++) {
		body.decisions += redaction->items[i].what == LF_REDACT_DECISION;
		body.payloads += redaction->items[i].what == LF_REDACT_PAYLOAD;
		body.acts += redaction->items[i].what == LF_REDACT_ACT;
	}
	code = write_items(redaction, &body, redaction->items, redaction->count, seen_sequence, error);
	lf_team_cache_clear(redaction->run->state->teams); /* also where it may be stored */
	if (code == LF_OK)
		lf_job_count(&job->counts, &body);
	redaction->count = redaction->bytes = 0;
	redaction->payload_bytes = 0;
	lf_arena_reset(&redaction->arena);
	redaction->run->tell(redaction->run->context);
	return code;
}

enum lf_code lf_redaction_forget(
	struct lf_redaction *redaction, const Leadfit__V1__JobBody *job_body, struct lf_error *error)
{
	struct lf_redact_item item = {.what = LF_REDACT_ACT, .id = redaction->run->job->id};
	Leadfit__V1__RedactionBody body = LEADFIT__V1__REDACTION_BODY__INIT;
	enum lf_code code;

	LF_CHECK(H9, redaction->count == 0);
	item.bytes.data = lf_wire_pack(&job_body->base, &redaction->arena, 0, &item.bytes.length);
	if (item.bytes.data == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory to redact with");
	body.reason = redaction->run->job->reason;
	body.acts = 1;
	body.job = redaction->run->job->id;
	body.forgets = true;
	code = write_items(redaction, &body, &item, 1, 0, error);
	lf_arena_reset(&redaction->arena);
	return code;
}

/* ---- reading ---- */

static void take_sequence(void *context, const struct lf_stored *row)
{
	*(uint64_t *)context = row->sequence;
}

enum lf_code lf_newest_sequence(struct lf_log *log, uint64_t *sequence, struct lf_error *error)
{
	const struct lf_filter newest = {.since_us = INT64_MIN, .until_us = INT64_MAX, .limit = 1};
	uint64_t next;

	*sequence = 0;
	return lf_log_list(log, &newest, take_sequence, sequence, &next, error);
}

/* Acts as they were read; the log is not asked for anything while it tells them. */
struct slice {
	struct lf_arena arena;
	struct lf_redact_item acts[ACTS_A_SLICE];
	size_t count;
	int64_t until_us;
	uint64_t last;
	bool exhausted, ended;
};

static void keep_act(void *context, const struct lf_act_row *row)
{
	struct slice *slice = context;
	uint8_t *copy;

	LF_CHECK(H10, slice->count < ACTS_A_SLICE);
	slice->ended |= row->at_us >= slice->until_us;
	if (slice->ended || slice->exhausted)
		return;
	slice->last = row->id;
	copy = lf_arena_alloc(&slice->arena, row->body.length);
	if (copy == NULL) {
		slice->exhausted = true;
		return;
	}
	if (row->body.length > 0)
		memcpy(copy, row->body.data, row->body.length);
	slice->acts[slice->count++] =
		(struct lf_redact_item){.what = LF_REDACT_ACT, .id = row->id, .bytes = {copy, row->body.length}};
}

static enum lf_code add_act(struct lf_redaction *redaction, const struct lf_redact_item *act,
	const struct lf_act_walk *acts, struct lf_error *error)
{
	const ProtobufCMessageDescriptor *type = acts->kind == LF_LEAF_ACCESS ? &leadfit__v1__access_body__descriptor
									      : &leadfit__v1__outcome_body__descriptor;
	struct lf_redact_item item = *act;
	ProtobufCMessage *body;

	if (lf_redaction_make_room(redaction, error) != LF_OK)
		return error->code;
	body = lf_wire_unpack(type, act->bytes.data, act->bytes.length, &redaction->arena, error);
	if (body == NULL)
		return error->code;
	if (!acts->change(acts->context, body))
		return LF_OK;
	item.bytes.data = lf_wire_pack(body, &redaction->arena, act->bytes.length, &item.bytes.length);
	if (item.bytes.data == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory to redact with");
	lf_redaction_add(redaction, &item);
	return LF_OK;
}

enum lf_code lf_redaction_add_act_slice(
	struct lf_redaction *redaction, struct lf_act_walk *acts, struct lf_error *error)
{
	struct slice slice = {.last = acts->after, .until_us = acts->until_us};
	uint64_t next;

	lf_arena_init(&slice.arena, ARENA_BYTES_MAX);
	lf_log_list_acts(redaction->run->state->log, acts->kind, acts->decision, acts->after, ACTS_A_SLICE, keep_act,
		&slice, &next, error);
	if (error->code == LF_OK && slice.exhausted)
		lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for what was recorded about decisions");
	for (size_t i = 0; i < slice.count && error->code == LF_OK; i++)
		add_act(redaction, &slice.acts[i], acts, error);
	if (error->code == LF_OK) {
		acts->after = next != 0 && !slice.ended ? next : slice.last;
		acts->end = next == 0 || slice.ended;
	}
	lf_arena_clean_up(&slice.arena);
	return error->code;
}

enum lf_code lf_redaction_add_acts(struct lf_redaction *redaction, const struct lf_uuid *decision,
	bool (*change)(void *context, ProtobufCMessage *body), void *context, struct lf_error *error)
{
	struct lf_act_walk acts = {.kind = LF_LEAF_OUTCOME,
		.decision = decision,
		.until_us = INT64_MAX,
		.change = change,
		.context = context};

	while (!acts.end && lf_redaction_add_act_slice(redaction, &acts, error) == LF_OK)
		continue;
	return error->code;
}
