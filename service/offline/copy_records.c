/*
 * A record is read as the audit gives it (its canonical bytes, its salt, and its payloads), with what no leaf has: the
 * idempotency key, who is in a list of candidates, and the numbers of acts.
 */
#include "service/offline/copy.h"

#include <stdlib.h>
#include <string.h>

#include "leadfit/v1/record.pb-c.h"

bool lf_copy_slice_init(struct lf_copy_slice *slice, struct lf_log *from)
{
	*slice = (struct lf_copy_slice){.from = from, .error = LF_ERROR_INIT};
	lf_arena_init(&slice->arena, LF_COPY_ARENA_MAX);
	slice->records = calloc(LF_COPY_SLICE_MAX, sizeof(*slice->records));
	return slice->records != NULL;
}

void lf_copy_slice_clean_up(struct lf_copy_slice *slice)
{
	lf_arena_clean_up(&slice->arena);
	free(slice->records);
	lf_error_clean_up(&slice->error);
}

/* ---- what is copied of memory that is somebody else's ---- */

static void no_memory(struct lf_copy_slice *slice)
{
	if (slice->error.code == LF_OK)
		lf_error_set(&slice->error, LF_RESOURCE_EXHAUSTED, "no memory for records");
}

static const void *keep(struct lf_copy_slice *slice, const void *data, size_t length)
{
	void *copy = lf_arena_alloc(&slice->arena, length + 1);

	if (copy == NULL) {
		no_memory(slice);
		return "";
	}
	if (length > 0)
		memcpy(copy, data, length);
	((char *)copy)[length] = '\0';
	slice->bytes += length;
	return copy;
}

static const char *keep_text(struct lf_copy_slice *slice, const char *text)
{
	return keep(slice, text, strlen(text));
}

static struct lf_bytes keep_bytes(struct lf_copy_slice *slice, const void *data, size_t length)
{
	return (struct lf_bytes){keep(slice, data, length), length};
}

static void damaged(struct lf_copy_slice *slice, uint64_t position, const char *what)
{
	if (slice->error.code == LF_OK)
		lf_error_set(&slice->error, LF_DATA_LOSS, "record %llu is damaged: %s (leadfitd verify tells more)",
			(unsigned long long)position, what);
}

/* ---- records ---- */

static void take_payload(
	struct lf_copy_slice *slice, const struct lf_audit_row *row, size_t i, struct lf_item_payload *payload)
{
	struct lf_payload_row *found = NULL;

	if (i >= row->payload_count) {
		damaged(slice, row->position, "it has too few payloads");
		return;
	}
	if (lf_log_get_payload(slice->from, row->payloads[i].id, &found, &slice->error) != LF_OK)
		return;
	payload->body = keep_bytes(slice, found->body.data, found->body.length);
	payload->digest = keep(slice, &found->digest, sizeof(found->digest));
	payload->salt = found->salt;
	payload->original = row->payloads[i].redacted
		? keep(slice, &row->payloads[i].original, sizeof(row->payloads[i].original))
		: NULL;
	free(found);
}

static struct lf_digest digest_of(ProtobufCBinaryData bytes)
{
	struct lf_digest digest = {{0}};

	if (bytes.len == sizeof(digest))
		memcpy(&digest, bytes.data, sizeof(digest));
	return digest;
}

static void take_decision(struct lf_copy_slice *slice, struct lf_copy_record *to, const struct lf_audit_row *row)
{
	Leadfit__V1__DecisionRecord *record =
		leadfit__v1__decision_record__unpack(NULL, row->record.length, row->record.data);
	struct lf_item_decision *decision = &to->item.decision;
	struct lf_item_payload rubric = {.stored = false};

	if (record == NULL || record->id.len != sizeof(decision->id) || row->payload_count != 3) {
		damaged(slice, row->position, "its bytes are no decision");
	} else {
		to->item.kind = LF_ITEM_DECISION;
		decision->append = &to->append;
		decision->sequence = record->sequence;
		memcpy(&decision->id, record->id.data, sizeof(decision->id));
		take_payload(slice, row, 0, &decision->team);
		take_payload(slice, row, 1, &decision->project);
		take_payload(slice, row, 2, &rubric);
		to->append = (struct lf_append){
			.caller = keep_text(slice, record->caller),
			.idempotency_key = "",
			.request_digest = digest_of(record->request_digest),
			.team_id = keep_text(slice, record->team),
			.project_id = keep_text(slice, record->project),
			.rubric_name = keep_text(slice, record->rubric),
			.outcome = record->outcome,
			.purpose = record->purpose,
			.recommended = keep_text(slice, record->recommended),
			.team = decision->team.body,
			.project = decision->project.body,
			.answer = keep_bytes(slice, record->answer.data, record->answer.len),
			.candidates_digest = digest_of(record->candidates),
		};
		if (rubric.digest != NULL)
			to->append.rubric_digest = *rubric.digest;
	}
	if (record != NULL)
		leadfit__v1__decision_record__free_unpacked(record, NULL);
}

static void take_rubric(struct lf_copy_slice *slice, struct lf_copy_record *to, const struct lf_audit_row *row)
{
	Leadfit__V1__RubricRecord *record =
		leadfit__v1__rubric_record__unpack(NULL, row->record.length, row->record.data);

	if (record == NULL) {
		damaged(slice, row->position, "its bytes are no rubric");
		return;
	}
	to->item.kind = LF_ITEM_RUBRIC;
	to->item.rubric = (struct lf_item_rubric){.name = keep_text(slice, record->name),
		.title = keep_text(slice, record->title),
		.caller = keep_text(slice, record->put_by)};
	take_payload(slice, row, 0, &to->item.rubric.body);
	leadfit__v1__rubric_record__free_unpacked(record, NULL);
}

static void take_activation(struct lf_copy_slice *slice, struct lf_copy_record *to, const struct lf_audit_row *row)
{
	Leadfit__V1__ActivationRecord *record =
		leadfit__v1__activation_record__unpack(NULL, row->record.length, row->record.data);

	if (record == NULL) {
		damaged(slice, row->position, "its bytes are no activation");
		return;
	}
	to->item.kind = LF_ITEM_ACTIVATION;
	to->item.activation = (struct lf_item_activation){
		.name = keep_text(slice, record->name), .caller = keep_text(slice, record->caller)};
	if (record->to.len == sizeof(struct lf_digest))
		to->item.activation.digest = keep(slice, record->to.data, record->to.len);
	leadfit__v1__activation_record__free_unpacked(record, NULL);
}

/* Its number comes of the list of acts. */
static void take_act(struct lf_copy_slice *slice, struct lf_copy_record *to, const struct lf_audit_row *row)
{
	Leadfit__V1__ActRecord *record = leadfit__v1__act_record__unpack(NULL, row->record.length, row->record.data);

	if (record == NULL) {
		damaged(slice, row->position, "its bytes are no act");
		return;
	}
	to->item.kind = LF_ITEM_ACT;
	to->item.act = (struct lf_item_act){
		.kind = row->kind,
		.caller = keep_text(slice, record->caller),
		.body = keep_bytes(slice, record->body.data, record->body.len),
		.decision_sequence = record->decision_sequence,
		.pair_count = row->pair_count,
	};
	if (row->pair_count > 0)
		to->item.act.pairs = keep(slice, row->pairs, row->pair_count * 2 * sizeof(*row->pairs));
	leadfit__v1__act_record__free_unpacked(record, NULL);
}

static void take(void *context, const struct lf_audit_row *row)
{
	struct lf_copy_slice *slice = context;
	struct lf_copy_record *to = &slice->records[slice->count];

	if (slice->error.code != LF_OK || row->position != slice->end || slice->count == LF_COPY_SLICE_MAX ||
		slice->bytes >= LF_COPY_BYTES_MAX)
		return;
	if (row->missing != NULL) {
		damaged(slice, row->position, row->missing);
		return;
	}
	memset(to, 0, sizeof(*to));
	if (row->kind == LF_LEAF_DECISION)
		take_decision(slice, to, row);
	else if (row->kind == LF_LEAF_RUBRIC)
		take_rubric(slice, to, row);
	else if (row->kind == LF_LEAF_ACTIVATION)
		take_activation(slice, to, row);
	else
		take_act(slice, to, row);
	to->item.at_us = row->time_us;
	to->item.salt = row->salt;
	to->item.place = (struct lf_leaf_place){row->position, row->hash};
	to->item.original = row->redacted ? keep(slice, &row->original, sizeof(row->original)) : NULL;
	slice->count++;
	slice->end++;
}

/* ---- what no leaf has ---- */

static void take_key(void *context, uint64_t sequence, const char *key)
{
	struct lf_copy_slice *slice = context;

	for (size_t i = 0; i < slice->count; i++)
		if (slice->records[i].item.kind == LF_ITEM_DECISION &&
			slice->records[i].item.decision.sequence == sequence)
			slice->records[i].append.idempotency_key = keep_text(slice, key);
}

struct members {
	struct lf_copy_slice *slice;
	const char **list;
	size_t count, room;
};

static void take_member(void *context, const char *candidate)
{
	struct members *members = context;

	if (members->count == members->room) {
		const size_t room = members->room == 0 ? 16 : 2 * members->room;
		const char **list = lf_arena_zalloc(&members->slice->arena, room, sizeof(*list));

		if (list == NULL) {
			no_memory(members->slice);
			return;
		}
		if (members->count > 0)
			memcpy(list, members->list, members->count * sizeof(*list));
		members->list = list;
		members->room = room;
	}
	members->list[members->count++] = keep_text(members->slice, candidate);
}

/* Who is in the lists: each list once. */
static void take_lists(struct lf_copy_slice *slice)
{
	for (size_t i = 0; i < slice->count && slice->error.code == LF_OK; i++) {
		struct lf_append *append = &slice->records[i].append;
		struct members members = {.slice = slice};
		size_t same = 0;

		if (slice->records[i].item.kind != LF_ITEM_DECISION)
			continue;
		while (same < i &&
			(slice->records[same].item.kind != LF_ITEM_DECISION ||
				!lf_digest_equal(
					&slice->records[same].append.candidates_digest, &append->candidates_digest)))
			same++;
		if (same == i &&
			lf_log_list_members(
				slice->from, &append->candidates_digest, take_member, &members, &slice->error) != LF_OK)
			return;
		append->candidates = same < i ? slice->records[same].append.candidates : members.list;
		append->candidate_count = same < i ? slice->records[same].append.candidate_count : members.count;
	}
}

static void take_keys(struct lf_copy_slice *slice)
{
	uint64_t first = 0, last = 0;

	for (size_t i = 0; i < slice->count; i++) {
		const uint64_t sequence = slice->records[i].item.decision.sequence;

		if (slice->records[i].item.kind != LF_ITEM_DECISION)
			continue;
		first = first == 0 ? sequence : first;
		last = sequence;
	}
	if (first != 0)
		lf_log_list_keys(slice->from, first, last, take_key, slice, &slice->error);
}

static void take_number(void *context, const struct lf_act_row *row)
{
	struct lf_copy_slice *slice = context;

	for (size_t i = 0; i < slice->count; i++)
		if (slice->records[i].item.kind == LF_ITEM_ACT &&
			slice->records[i].item.place.position == row->position)
			slice->records[i].item.act.id = row->id;
}

/* Numbers of acts: the records of jobs refer to them. */
static void take_numbers(struct lf_copy_slice *slice, uint64_t act)
{
	size_t count = 0;
	uint64_t next = act;

	for (size_t i = 0; i < slice->count; i++)
		count += slice->records[i].item.kind == LF_ITEM_ACT;
	if (count == 0)
		return;
	do {
		const uint64_t after = next;

		if (lf_log_list_acts(slice->from, 0, NULL, after, count, take_number, slice, &next, &slice->error) !=
			LF_OK)
			return;
		count -= next > after && next - after < count ? (size_t)(next - after) : count;
	} while (next != 0 && count > 0);
}

enum lf_code lf_copy_slice_read(
	struct lf_copy_slice *slice, uint64_t first, uint64_t size, uint64_t act, struct lf_error *error)
{
	uint64_t next = 0;

	lf_arena_reset(&slice->arena);
	slice->count = slice->bytes = 0;
	slice->end = first;
	if (lf_log_audit(slice->from, first,
		    size - first < LF_COPY_SLICE_MAX ? (size_t)(size - first) : LF_COPY_SLICE_MAX, take, slice, &next,
		    &slice->error) == LF_OK &&
		slice->error.code == LF_OK) {
		if (slice->count == 0)
			damaged(slice, first, "it is gone");
		else
			take_keys(slice);
		if (slice->error.code == LF_OK)
			take_lists(slice);
		if (slice->error.code == LF_OK)
			take_numbers(slice, act);
	}
	if (slice->error.code == LF_OK)
		return LF_OK;
	lf_error_move(error, &slice->error);
	return error->code;
}

/* ---- storing ---- */

/* Whether an item before it in the group brings the payload. */
static void find_repeated(struct lf_item *const *items, size_t i, bool team)
{
	struct lf_item_payload *payload = team ? &items[i]->decision.team : &items[i]->decision.project;

	for (size_t j = 0; j < i && !payload->stored && !payload->repeated; j++)
		payload->repeated = lf_digest_equal(
			payload->digest, team ? items[j]->decision.team.digest : items[j]->decision.project.digest);
}

/* Why the item that was prepared can't be stored; NULL: it can. */
static const char *refuse(const struct lf_item *item)
{
	if (item->refused != NULL)
		return item->refused;
	if (item->kind == LF_ITEM_DECISION && !item->decision.rubric_stored)
		return "its rubric is not stored";
	if (item->kind == LF_ITEM_DECISION && item->decision.key_used)
		return "its idempotency key was used";
	if (item->kind == LF_ITEM_RUBRIC && item->rubric.stored)
		return "its rubric is stored already";
	if (item->kind == LF_ITEM_ACTIVATION && !item->activation.stored)
		return "its rubric is not stored";
	return NULL;
}

static enum lf_code write_group(const struct lf_backend *backend, struct lf_store *store, struct lf_item **items,
	size_t count, struct lf_error *error)
{
	uint64_t numbers[LF_BATCH_MAX], decisions[LF_BATCH_MAX];

	for (size_t i = 0; i < count; i++) {
		numbers[i] = items[i]->kind == LF_ITEM_ACT ? items[i]->act.id : 0;
		decisions[i] = items[i]->kind == LF_ITEM_ACT ? items[i]->act.decision_sequence : 0;
	}
	if (backend->prepare(store, items, count, error) != LF_OK)
		return error->code;
	for (size_t i = 0; i < count; i++) {
		const char *why = refuse(items[i]);

		if (why != NULL)
			return lf_error_set(error, LF_FAILED_PRECONDITION, "record %llu can't be stored: %s",
				(unsigned long long)items[i]->place.position, why);
		if (items[i]->kind == LF_ITEM_ACT)
			items[i]->act.decision_sequence = decisions[i];
		if (items[i]->kind != LF_ITEM_DECISION)
			continue;
		find_repeated(items, i, true);
		find_repeated(items, i, false);
	}
	if (backend->write(store, items, count, error) != LF_OK)
		return error->code;
	for (size_t i = 0; i < count; i++)
		if (items[i]->kind == LF_ITEM_ACT && items[i]->act.id != numbers[i])
			return lf_error_set(error, LF_FAILED_PRECONDITION,
				"record %llu can't be stored: it is act %llu, and would be %llu",
				(unsigned long long)items[i]->place.position, (unsigned long long)numbers[i],
				(unsigned long long)items[i]->act.id);
	return LF_OK;
}

enum lf_code lf_copy_slice_write(
	struct lf_copy_slice *slice, const struct lf_backend *backend, struct lf_store *store, struct lf_error *error)
{
	struct lf_item *items[LF_COPY_SLICE_MAX];
	size_t count;

	for (size_t i = 0; i < slice->count; i += count) {
		const enum lf_item_kind kind = slice->records[i].item.kind;
		const bool many = kind == LF_ITEM_DECISION || kind == LF_ITEM_ACT;

		for (count = 0;
			i + count < slice->count && slice->records[i + count].item.kind == kind && (many || count == 0);
			count++)
			items[count] = &slice->records[i + count].item;
		if (write_group(backend, store, items, count, error) != LF_OK)
			return error->code;
	}
	return LF_OK;
}
