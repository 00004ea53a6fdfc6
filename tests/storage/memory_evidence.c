/* The memory backend's leaves, acts and payloads. Nodes are worked out from the leaves whenever they are asked for. */
#include "tests/storage/memory_private.h"

/* ---- payloads ---- */

static uint64_t find_payload(const struct memory *memory, enum lf_payload_kind kind, const struct lf_digest *digest)
{
	for (size_t i = 0; i < memory->payload_count; i++)
		if (memory->payloads[i].kind == kind && lf_digest_equal(&memory->payloads[i].digest, digest) &&
			memory_replacement(memory, LF_REDACT_PAYLOAD, i + 1) == NULL)
			return i + 1;
	return 0;
}

void memory_find_payload(const struct memory *memory, enum lf_payload_kind kind, struct lf_item_payload *payload)
{
	const uint64_t id = find_payload(memory, kind, payload->digest);
	const struct lf_payload_row *row = id == 0 ? NULL : &memory->payloads[id - 1];

	payload->stored = row != NULL;
	if (row != NULL)
		lf_commit(&row->salt, row->body.data, row->body.length, &payload->commitment);
}

struct lf_bytes memory_copy_bytes(struct lf_bytes bytes)
{
	uint8_t *data = malloc(bytes.length + 1);

	if (bytes.length > 0)
		memcpy(data, bytes.data, bytes.length);
	return (struct lf_bytes){data, bytes.length};
}

uint64_t memory_payload(struct memory *memory, enum lf_payload_kind kind, const struct lf_item_payload *payload)
{
	const uint64_t id = memory->payload_count + 1;

	if (payload->stored || payload->repeated)
		return find_payload(memory, kind, payload->digest);
	memory->payloads = realloc(memory->payloads, (memory->payload_count + 1) * sizeof(*memory->payloads));
	memory->payloads[memory->payload_count++] =
		(struct lf_payload_row){id, kind, *payload->digest, payload->salt, memory_copy_bytes(payload->body)};
	return id;
}

/* ---- records ---- */

struct lf_decision_columns memory_decision_columns(const struct row *row)
{
	const struct lf_stored *stored = row->stored;

	return (struct lf_decision_columns){.sequence = stored->sequence,
		.id = stored->id.bytes,
		.decided_at_us = stored->decided_at_us,
		.caller = stored->caller,
		.team = stored->team_id,
		.project = stored->project_id,
		.rubric = stored->rubric_name,
		.recommended = stored->recommended,
		.outcome = stored->outcome,
		.purpose = stored->purpose,
		.candidates = &row->candidates_digest,
		.request_digest = row->key[0] != '\0' ? &row->request_digest : NULL,
		.answer = stored->answer.data,
		.answer_length = stored->answer.length};
}

struct lf_act_columns memory_act_columns(const struct act *act)
{
	return (struct lf_act_columns){act->row.kind, act->caller, act->row.at_us, act->row.decision_sequence,
		act->row.body.data, act->row.body.length};
}

/* Canonical bytes; free() releases. */

static uint8_t *decision_bytes(const struct row *row, size_t *length)
{
	const struct lf_decision_columns columns = memory_decision_columns(row);
	uint8_t *bytes;

	*length = lf_record_decision(&columns, NULL);
	bytes = malloc(*length + 1);
	lf_record_decision(&columns, bytes);
	return bytes;
}

static uint8_t *rubric_bytes(const struct version *version, size_t *length)
{
	const struct lf_rubric_row *row = version->row;
	const struct lf_rubric_columns columns = {row->name, row->title, row->put_by, row->put_at_us};
	uint8_t *bytes;

	*length = lf_record_rubric(&columns, NULL);
	bytes = malloc(*length + 1);
	lf_record_rubric(&columns, bytes);
	return bytes;
}

static uint8_t *activation_bytes(const struct activation *act, size_t *length)
{
	const struct lf_activation_columns columns = {
		act->name, act->caller, act->at_us, act->had_from ? &act->from : NULL, act->has_to ? &act->to : NULL};
	uint8_t *bytes;

	*length = lf_record_activation(&columns, NULL);
	bytes = malloc(*length + 1);
	lf_record_activation(&columns, bytes);
	return bytes;
}

static uint8_t *act_bytes(const struct act *act, size_t *length)
{
	const struct lf_act_columns columns = memory_act_columns(act);
	uint8_t *bytes;

	*length = lf_record_act(&columns, NULL);
	bytes = malloc(*length + 1);
	lf_record_act(&columns, bytes);
	return bytes;
}

/* ---- leaves ---- */

void memory_add_leaf(struct memory *memory, const struct lf_item *item, enum lf_leaf_kind kind, uint64_t record)
{
	memory->leaves = realloc(memory->leaves, (memory->leaf_count + 1) * sizeof(*memory->leaves));
	memory->leaves[memory->leaf_count++] = (struct leaf){kind, record, item->place.hash, item->salt};
}

/* The root of the leaves [first, first + count), by RFC 6962's definition. */
static void root_of(const struct leaf *leaves, size_t count, struct lf_digest *root)
{
	struct lf_digest left, right;
	size_t half = 1;

	if (count == 1) {
		*root = leaves[0].hash;
		return;
	}
	while (half * 2 < count)
		half *= 2;
	root_of(leaves, half, &left);
	root_of(leaves + half, count - half, &right);
	lf_node_hash(&left, &right, root);
}

static enum lf_code give_hashes(const struct memory *memory, size_t leaf_count, unsigned level, uint64_t first,
	size_t count, struct lf_digest *hashes, struct lf_error *error)
{
	if (level % LF_TREE_STEP != 0 || level > 40 || ((first + count) << level) > leaf_count)
		return lf_error_set(error, LF_DATA_LOSS, "there are no such hashes");
	for (size_t i = 0; i < count; i++)
		root_of(memory->leaves + ((first + i) << level), (size_t)1 << level, &hashes[i]);
	return LF_OK;
}

enum lf_code memory_tail_hashes(struct lf_store *store, unsigned level, uint64_t first, size_t count,
	struct lf_digest *hashes, struct lf_error *error)
{
	enum lf_code code;

	pthread_mutex_lock(&store->memory->lock);
	code = give_hashes(store->memory, store->memory->leaf_visible, level, first, count, hashes, error);
	pthread_mutex_unlock(&store->memory->lock);
	return code;
}

enum lf_code memory_head(struct lf_reader *reader, struct lf_tree_head *head, struct lf_error *error)
{
	(void)error;
	pthread_mutex_lock(&reader->memory->lock);
	head->size = reader->memory->tail.tree.size;
	head->root = reader->memory->tail.root;
	pthread_mutex_unlock(&reader->memory->lock);
	return LF_OK;
}

enum lf_code memory_hashes(struct lf_reader *reader, unsigned level, uint64_t first, size_t count,
	struct lf_digest *hashes, struct lf_error *error)
{
	enum lf_code code;

	pthread_mutex_lock(&reader->memory->lock);
	code = give_hashes(reader->memory, reader->memory->leaf_visible, level, first, count, hashes, error);
	pthread_mutex_unlock(&reader->memory->lock);
	return code;
}

static const struct row *row_of(const struct memory *memory, size_t count, const struct lf_uuid *id)
{
	for (size_t i = 0; i < count; i++)
		if (memcmp(&memory->rows[i].stored->id, id, sizeof(*id)) == 0)
			return &memory->rows[i];
	return NULL;
}

enum lf_code memory_find_leaf(
	struct lf_reader *reader, const struct lf_uuid *decision, uint64_t *position, struct lf_error *error)
{
	struct memory *memory = reader->memory;
	enum lf_code code = LF_NOT_FOUND;
	const struct row *row;

	pthread_mutex_lock(&memory->lock);
	row = row_of(memory, memory->row_visible, decision);
	for (size_t i = 0; row != NULL && i < memory->leaf_visible; i++)
		if (memory->leaves[i].kind == LF_LEAF_DECISION && memory->leaves[i].record == row->stored->sequence) {
			*position = i;
			code = LF_OK;
		}
	pthread_mutex_unlock(&memory->lock);
	return code == LF_OK ? code : lf_error_set(error, code, "no such decision");
}

/* ---- acts ---- */

void memory_prepare_act(struct memory *memory, struct lf_item *item)
{
	const struct row *row =
		item->act.decision == NULL ? NULL : row_of(memory, memory->row_count, item->act.decision);

	item->act.decision_sequence = row == NULL ? 0 : row->stored->sequence;
}

void memory_write_act(struct memory *memory, struct lf_item *item)
{
	struct lf_item_act *from = &item->act;
	struct act act = {.row = {.id = memory->act_count + 1,
				  .position = item->place.position,
				  .kind = from->kind,
				  .at_us = item->at_us,
				  .has_decision = from->decision != NULL,
				  .decision_sequence = from->decision_sequence,
				  .body = memory_copy_bytes(from->body)}};

	strcpy(act.caller, from->caller);
	if (from->decision != NULL)
		act.row.decision = *from->decision;
	memory->acts = realloc(memory->acts, (memory->act_count + 1) * sizeof(*memory->acts));
	memory->acts[memory->act_count++] = act;
	from->id = act.row.id;
	memory_add_leaf(memory, item, from->kind, from->id);
}

enum lf_code memory_list_acts(struct lf_reader *reader, enum lf_leaf_kind kind, const struct lf_uuid *decision,
	uint64_t after, size_t limit, void (*visit)(void *context, const struct lf_act_row *row), void *context,
	uint64_t *next, struct lf_error *error)
{
	struct memory *memory = reader->memory;
	size_t shown = 0;
	uint64_t last = after;

	(void)error;
	*next = 0;
	pthread_mutex_lock(&memory->lock);
	for (size_t i = after; i < memory->act_visible; i++) {
		struct lf_act_row row = memory->acts[i].row;

		row.caller = memory->acts[i].caller;
		if ((kind != 0 && row.kind != kind) ||
			(decision != NULL &&
				(!row.has_decision || memcmp(&row.decision, decision, sizeof(*decision)) != 0)))
			continue;
		if (shown++ == limit) {
			*next = last;
			break;
		}
		visit(context, &row);
		last = row.id;
	}
	pthread_mutex_unlock(&memory->lock);
	return LF_OK;
}

/* ---- auditing ---- */

/* Sets all but position, kind and hash. The record is a block. */
static void fill_record(const struct memory *memory, const struct leaf *leaf, struct lf_audit_row *row)
{
	uint8_t *bytes = NULL;
	size_t length = 0;
	int what;
	const struct lf_digest *original;

	row->number = row->position;
	row->salt = leaf->salt;
	if (leaf->kind == LF_LEAF_DECISION) {
		const struct row *decision = &memory->rows[leaf->record - 1];

		bytes = decision_bytes(decision, &length);
		row->number = leaf->record;
		row->time_us = decision->stored->decided_at_us;
		row->decision = decision->stored->id;
		row->payload_count = 3;
		row->payloads[0].id = decision->stored->team_payload;
		row->payloads[1].id = decision->stored->project_payload;
		row->payloads[2].id = find_payload(memory, LF_PAYLOAD_RUBRIC, &decision->stored->rubric_digest);
	} else if (leaf->kind == LF_LEAF_RUBRIC) {
		const struct version *version = &memory->versions[leaf->record - 1];

		bytes = rubric_bytes(version, &length);
		row->time_us = version->row->put_at_us;
		row->payload_count = 1;
		row->payloads[0].id = version->payload;
	} else if (leaf->kind == LF_LEAF_ACTIVATION) {
		bytes = activation_bytes(&memory->activations[leaf->record - 1], &length);
		row->time_us = memory->activations[leaf->record - 1].at_us;
	} else {
		bytes = act_bytes(&memory->acts[leaf->record - 1], &length);
		row->time_us = memory->acts[leaf->record - 1].row.at_us;
		row->pairs = memory->acts[leaf->record - 1].pairs;
		row->pair_count = memory->acts[leaf->record - 1].pair_count;
	}
	row->record = (struct lf_bytes){bytes, length};
	what = leaf->kind == LF_LEAF_DECISION ? LF_REDACT_DECISION : leaf->kind >= LF_LEAF_OUTCOME ? LF_REDACT_ACT : 0;
	original = memory_original(memory, what, leaf->record);
	row->redacted = original != NULL;
	if (original != NULL)
		row->original = *original;
	for (size_t i = 0; i < row->payload_count; i++) {
		original = memory_original(memory, LF_REDACT_PAYLOAD, row->payloads[i].id);
		row->payloads[i].redacted = original != NULL;
		if (original != NULL)
			row->payloads[i].original = *original;
	}
}

enum lf_code memory_audit(struct lf_reader *reader, uint64_t first, size_t limit,
	void (*visit)(void *context, const struct lf_audit_row *row), void *context, uint64_t *next,
	struct lf_error *error)
{
	struct memory *memory = reader->memory;
	uint64_t position = first;
	size_t count;

	(void)error;
	do { /* visit runs without the lock: it may read */
		struct lf_audit_row row = {.position = position};

		pthread_mutex_lock(&memory->lock);
		count = memory->leaf_visible;
		if (position < count) {
			row.kind = memory->leaves[position].kind;
			row.hash = memory->leaves[position].hash;
			fill_record(memory, &memory->leaves[position], &row);
		}
		pthread_mutex_unlock(&memory->lock);
		if (position >= count)
			break;
		visit(context, &row);
		free((void *)(uintptr_t)row.record.data);
		position++;
	} while (--limit > 0);
	*next = position < count ? position : 0;
	return LF_OK;
}

enum lf_code memory_get_payload(
	struct lf_reader *reader, uint64_t id, struct lf_payload_row **row, struct lf_error *error)
{
	struct memory *memory = reader->memory;

	*row = NULL;
	pthread_mutex_lock(&memory->lock);
	if (id >= 1 && id <= memory->payload_visible)
		*row = lf_payload_row_copy(&memory->payloads[id - 1]);
	pthread_mutex_unlock(&memory->lock);
	return *row != NULL ? LF_OK : lf_error_set(error, LF_NOT_FOUND, "no such payload");
}
