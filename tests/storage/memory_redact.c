/*
 * The memory backend's redaction: what is to be replaced waits for the commit, so that readers and rollbacks know
 * nothing of it.
 */
#include "tests/storage/memory_private.h"

const struct lf_digest *memory_original(const struct memory *memory, int what, uint64_t id)
{
	for (size_t i = 0; i < memory->redacted_count; i++)
		if (memory->redacted[i].what == what && memory->redacted[i].id == id)
			return &memory->redacted[i].original;
	return NULL;
}

const struct replacement *memory_replacement(const struct memory *memory, int what, uint64_t id)
{
	for (size_t i = memory->replacement_count; i-- > 0;)
		if ((int)memory->replacements[i].item.what == what && memory->replacements[i].item.id == id)
			return &memory->replacements[i];
	return NULL;
}

void memory_forget_replacements(struct memory *memory)
{
	for (size_t i = 0; i < memory->replacement_count; i++)
		free((void *)(uintptr_t)memory->replacements[i].item.bytes.data);
	free(memory->replacements);
	memory->replacements = NULL;
	memory->replacement_count = 0;
}

/* ---- asking ---- */

static const struct lf_salt *salt_of(
	const struct memory *memory, enum lf_leaf_kind low, enum lf_leaf_kind high, uint64_t record)
{
	for (size_t i = 0; i < memory->leaf_count; i++)
		if (memory->leaves[i].kind >= low && memory->leaves[i].kind <= high &&
			memory->leaves[i].record == record)
			return &memory->leaves[i].salt;
	return NULL;
}

static void find_payload(
	const struct memory *memory, const struct lf_redact *redact, uint64_t id, struct lf_redact_found *found)
{
	const struct lf_payload_row *payload = &memory->payloads[id - 1];

	found->kind = payload->kind;
	found->body = payload->body;
	found->salt = payload->salt;
	for (size_t i = redact->seen_sequence; i < memory->row_count && redact->seen_sequence != 0; i++)
		if (memory->rows[i].stored->team_payload == id || memory->rows[i].stored->project_payload == id)
			found->younger = memory->rows[i].stored->sequence;
}

/* The decision as it will be; its stored is a block. */
static struct row changed_row(const struct memory *memory, const struct replacement *replacement)
{
	struct row row = memory->rows[replacement->item.id - 1];
	struct lf_stored stored = *row.stored;

	stored.answer = replacement->item.bytes;
	stored.recommended = replacement->recommended;
	stored.candidates = replacement->candidates_digest;
	row.stored = lf_stored_copy(&stored);
	row.key[0] = '\0';
	row.salt = replacement->salt;
	row.candidate_count = replacement->item.candidate_count;
	memcpy(row.candidates, replacement->candidates, sizeof(row.candidates));
	row.candidates_digest = replacement->candidates_digest;
	return row;
}

static bool find(const struct memory *memory, struct lf_item_redaction *redaction, size_t i)
{
	const struct lf_redact_item *item = &redaction->redact->items[i];
	const size_t counts[] = {0, memory->payload_count, memory->row_count, memory->act_count};
	struct lf_redact_found found = {.there = item->id >= 1 && item->id <= counts[item->what]};
	const struct replacement *replacement = memory_replacement(memory, (int)item->what, item->id);
	struct row row = {.stored = NULL};
	bool go_on;

	if (found.there && item->what == LF_REDACT_PAYLOAD) {
		find_payload(memory, redaction->redact, item->id, &found);
	} else if (found.there && item->what == LF_REDACT_DECISION) {
		row = replacement != NULL ? changed_row(memory, replacement) : memory->rows[item->id - 1];
		found.salt = row.salt;
		found.decision = memory_decision_columns(&row);
	} else if (found.there) {
		found.salt = *salt_of(memory, LF_LEAF_OUTCOME, LF_LEAF_ACCESS, item->id);
		found.act = memory_act_columns(&memory->acts[item->id - 1]);
	}
	if (replacement != NULL) { /* before in this transaction */
		found.salt = replacement->salt;
		found.body = replacement->item.bytes;
		found.act.body = replacement->item.bytes.data;
		found.act.body_length = replacement->item.bytes.length;
	}
	go_on = redaction->found(redaction->context, i, &found);
	if (item->what == LF_REDACT_DECISION && replacement != NULL)
		free(row.stored);
	return go_on;
}

void memory_prepare_redaction(struct memory *memory, struct lf_item *item)
{
	for (size_t i = 0; i < item->redaction.redact->item_count; i++)
		if (!find(memory, &item->redaction, i))
			return;
}

static void add_replacement(struct memory *memory, const struct lf_item_redaction *redaction, size_t i)
{
	const struct lf_redact_item *item = &redaction->redact->items[i];
	struct replacement replacement = {.item = *item,
		.salt = redaction->salts[i],
		.old = redaction->pairs[2 * i],
		.new = redaction->pairs[2 * i + 1]};

	replacement.item.bytes = memory_copy_bytes(item->bytes);
	if (item->what == LF_REDACT_DECISION) {
		strcpy(replacement.recommended, item->recommended);
		for (size_t c = 0; c < item->candidate_count && c < 4; c++)
			strcpy(replacement.candidates[c], item->candidates[c]);
		replacement.candidates_digest = redaction->candidates[i];
	}
	memory->replacements =
		realloc(memory->replacements, (memory->replacement_count + 1) * sizeof(*memory->replacements));
	memory->replacements[memory->replacement_count++] = replacement;
}

void memory_write_redaction(struct memory *memory, struct lf_item *item)
{
	struct lf_item_redaction *redaction = &item->redaction;
	const struct lf_redact *redact = redaction->redact;
	struct act act = {.row = {.id = memory->act_count + 1,
				  .position = item->place.position,
				  .kind = redact->kind,
				  .at_us = item->at_us,
				  .body = memory_copy_bytes(redact->body)},
		.pair_count = redact->item_count,
		.pairs = malloc(2 * redact->item_count * sizeof(*act.pairs))};

	strcpy(act.caller, redact->caller);
	for (size_t i = 0; i < redact->item_count; i++)
		add_replacement(memory, redaction, i);
	memcpy(act.pairs, redaction->pairs, 2 * redact->item_count * sizeof(*act.pairs));
	memory->acts = realloc(memory->acts, (memory->act_count + 1) * sizeof(*memory->acts));
	memory->acts[memory->act_count++] = act;
	redaction->id = act.row.id;
	memory_add_leaf(memory, item, redact->kind, redaction->id);
}

/* ---- doing ---- */

static void set_salt(struct memory *memory, enum lf_leaf_kind low, enum lf_leaf_kind high, uint64_t record,
	const struct lf_salt *salt)
{
	*(struct lf_salt *)(uintptr_t)salt_of(memory, low, high, record) = *salt;
}

/* Decisions have copies of their payloads' bytes. */
static void replace_payload(struct memory *memory, const struct replacement *replacement)
{
	struct lf_payload_row *payload = &memory->payloads[replacement->item.id - 1];

	free((void *)(uintptr_t)payload->body.data);
	payload->body = memory_copy_bytes(replacement->item.bytes);
	payload->salt = replacement->salt;
	payload->digest = replacement->new;
	for (size_t i = 0; i < memory->row_count; i++) {
		struct lf_stored stored = *memory->rows[i].stored;
		struct lf_stored *old;

		if (stored.team_payload == payload->id)
			stored.team = payload->body;
		else if (stored.project_payload == payload->id)
			stored.project = payload->body;
		else
			continue;
		old = memory->rows[i].stored;
		memory->rows[i].stored = lf_stored_copy(&stored);
		free(old);
	}
}

void memory_replace(struct memory *memory)
{
	for (size_t i = 0; i < memory->replacement_count; i++) {
		const struct replacement *replacement = &memory->replacements[i];
		const uint64_t id = replacement->item.id;

		if (replacement->item.what == LF_REDACT_PAYLOAD) {
			replace_payload(memory, replacement);
		} else if (replacement->item.what == LF_REDACT_DECISION) {
			const struct row row = changed_row(memory, replacement);

			free(memory->rows[id - 1].stored);
			memory->rows[id - 1] = row;
			set_salt(memory, LF_LEAF_DECISION, LF_LEAF_DECISION, id, &replacement->salt);
		} else {
			free((void *)(uintptr_t)memory->acts[id - 1].row.body.data);
			memory->acts[id - 1].row.body = memory_copy_bytes(replacement->item.bytes);
			set_salt(memory, LF_LEAF_OUTCOME, LF_LEAF_ACCESS, id, &replacement->salt);
		}
		if (memory_original(memory, (int)replacement->item.what, id) != NULL)
			continue;
		memory->redacted = realloc(memory->redacted, (memory->redacted_count + 1) * sizeof(*memory->redacted));
		memory->redacted[memory->redacted_count++] =
			(struct redacted){(int)replacement->item.what, id, replacement->old};
	}
	memory_forget_replacements(memory);
}

/* ---- finding ---- */

enum lf_code memory_list_payloads(struct lf_reader *reader, enum lf_payload_kind kind, uint64_t after, size_t limit,
	void (*visit)(void *context, const struct lf_payload_row *row), void *context, uint64_t *next,
	struct lf_error *error)
{
	struct memory *memory = reader->memory;
	size_t shown = 0;

	(void)error;
	*next = 0;
	pthread_mutex_lock(&memory->lock);
	for (uint64_t id = after + 1; id <= memory->payload_visible; id++) {
		if (memory->payloads[id - 1].kind != kind)
			continue;
		if (shown++ == limit) {
			*next = id - 1;
			break;
		}
		visit(context, &memory->payloads[id - 1]);
	}
	pthread_mutex_unlock(&memory->lock);
	return LF_OK;
}
