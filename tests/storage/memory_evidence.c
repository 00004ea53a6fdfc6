/* The memory backend's leaves, acts and payloads. Nodes are worked out from the leaves whenever they are asked for. */
#include "tests/storage/memory_private.h"

/* ---- payloads ---- */

uint64_t memory_find_payload(const struct lf_store *store, enum lf_payload_kind kind, const struct lf_digest *digest)
{
	for (size_t i = 0; i < store->payload_count; i++)
		if (store->payloads[i].kind == kind && lf_digest_equal(&store->payloads[i].digest, digest))
			return i + 1;
	return 0;
}

void memory_commitment(const struct lf_store *store, uint64_t payload, struct lf_digest *commitment)
{
	const struct lf_payload_row *row = &store->payloads[payload - 1];

	lf_commit(&row->salt, row->body.data, row->body.length, commitment);
}

struct lf_bytes memory_copy_bytes(struct lf_bytes bytes)
{
	uint8_t *data = malloc(bytes.length + 1);

	if (bytes.length > 0)
		memcpy(data, bytes.data, bytes.length);
	return (struct lf_bytes){data, bytes.length};
}

uint64_t memory_payload(struct lf_store *store, enum lf_payload_kind kind, struct lf_bytes body,
	const struct lf_digest *digest, const struct lf_salt *salt, struct lf_digest *commitment)
{
	uint64_t id = memory_find_payload(store, kind, digest);

	if (id == 0) {
		store->payloads = realloc(store->payloads, (store->payload_count + 1) * sizeof(*store->payloads));
		id = store->payload_count + 1;
		store->payloads[store->payload_count++] =
			(struct lf_payload_row){id, kind, *digest, *salt, memory_copy_bytes(body)};
	}
	memory_commitment(store, id, commitment);
	return id;
}

/* ---- records: canonical bytes of the newest or any of a kind; free() releases ---- */

uint8_t *memory_decision_bytes(const struct row *row, size_t *length)
{
	const struct lf_stored *stored = row->stored;
	const struct lf_decision_columns columns = {.sequence = stored->sequence,
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

uint8_t *memory_act_bytes(const struct act *act, size_t *length)
{
	const struct lf_act_columns columns = {act->row.kind, act->caller, act->row.at_us, act->row.decision_sequence,
		act->row.body.data, act->row.body.length};
	uint8_t *bytes;

	*length = lf_record_act(&columns, NULL);
	bytes = malloc(*length + 1);
	lf_record_act(&columns, bytes);
	return bytes;
}

/* ---- leaves ---- */

bool memory_add_leaf(struct lf_store *store, struct lf_leaves *leaves, enum lf_leaf_kind kind, uint64_t record,
	int64_t time_us, const struct lf_salt *salt, uint8_t *bytes, size_t length, struct lf_digest *commitments,
	size_t count, uint64_t *position)
{
	struct lf_leaf_place place;

	lf_commit(salt, bytes, length, &commitments[0]);
	free(bytes);
	if (!lf_leaves_add(leaves, kind, kind == LF_LEAF_DECISION ? record : 0, time_us, commitments, count, &place))
		return false;
	store->leaves = realloc(store->leaves, (store->leaf_count + 1) * sizeof(*store->leaves));
	store->leaves[store->leaf_count++] = (struct leaf){kind, record, place.hash, *salt};
	*position = place.position;
	return true;
}

bool memory_decision_leaf(struct lf_store *store, struct lf_leaves *leaves)
{
	const struct row *row = &store->rows[store->row_count - 1];
	struct lf_digest commitments[4];
	uint64_t position;
	size_t length;
	uint8_t *bytes;

	memory_commitment(store, row->stored->team_payload, &commitments[1]);
	memory_commitment(store, row->stored->project_payload, &commitments[2]);
	memory_commitment(
		store, memory_find_payload(store, LF_PAYLOAD_RUBRIC, &row->stored->rubric_digest), &commitments[3]);
	bytes = memory_decision_bytes(row, &length);
	return memory_add_leaf(store, leaves, LF_LEAF_DECISION, row->stored->sequence, row->stored->decided_at_us,
		&row->salt, bytes, length, commitments, 4, &position);
}

bool memory_rubric_leaf(struct lf_store *store, struct lf_leaves *leaves, const struct lf_salt *salt)
{
	const struct version *version = &store->versions[store->version_count - 1];
	struct lf_digest commitments[2];
	uint64_t position;
	size_t length;
	uint8_t *bytes = rubric_bytes(version, &length);

	memory_commitment(store, version->payload, &commitments[1]);
	return memory_add_leaf(store, leaves, LF_LEAF_RUBRIC, store->version_count, version->row->put_at_us, salt,
		bytes, length, commitments, 2, &position);
}

bool memory_activation_leaf(struct lf_store *store, struct lf_leaves *leaves, const struct lf_salt *salt)
{
	const struct activation *act = &store->activations[store->activation_count - 1];
	struct lf_digest commitments[1];
	uint64_t position;
	size_t length;
	uint8_t *bytes = activation_bytes(act, &length);

	return memory_add_leaf(store, leaves, LF_LEAF_ACTIVATION, store->activation_count, act->at_us, salt, bytes,
		length, commitments, 1, &position);
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

static enum lf_code give_hashes(const struct lf_store *store, size_t leaf_count, unsigned level, uint64_t first,
	size_t count, struct lf_digest *hashes, struct lf_error *error)
{
	if (level % LF_TREE_STEP != 0 || level > 40 || ((first + count) << level) > leaf_count)
		return lf_error_set(error, LF_DATA_LOSS, "there are no such hashes");
	for (size_t i = 0; i < count; i++)
		root_of(store->leaves + ((first + i) << level), (size_t)1 << level, &hashes[i]);
	return LF_OK;
}

enum lf_code memory_tail_hashes(struct lf_store *store, unsigned level, uint64_t first, size_t count,
	struct lf_digest *hashes, struct lf_error *error)
{
	return give_hashes(store, store->leaf_count, level, first, count, hashes, error);
}

enum lf_code memory_head(struct lf_reader *reader, struct lf_tree_head *head, struct lf_error *error)
{
	(void)error;
	pthread_mutex_lock(&reader->store->lock);
	*head = reader->store->head;
	pthread_mutex_unlock(&reader->store->lock);
	return LF_OK;
}

enum lf_code memory_hashes(struct lf_reader *reader, unsigned level, uint64_t first, size_t count,
	struct lf_digest *hashes, struct lf_error *error)
{
	enum lf_code code;

	pthread_mutex_lock(&reader->store->lock);
	code = give_hashes(reader->store, reader->store->leaf_visible, level, first, count, hashes, error);
	pthread_mutex_unlock(&reader->store->lock);
	return code;
}

static const struct row *row_of(const struct lf_store *store, size_t count, const struct lf_uuid *id)
{
	for (size_t i = 0; i < count; i++)
		if (memcmp(&store->rows[i].stored->id, id, sizeof(*id)) == 0)
			return &store->rows[i];
	return NULL;
}

enum lf_code memory_find_leaf(
	struct lf_reader *reader, const struct lf_uuid *decision, uint64_t *position, struct lf_error *error)
{
	struct lf_store *store = reader->store;
	enum lf_code code = LF_NOT_FOUND;
	const struct row *row;

	pthread_mutex_lock(&store->lock);
	row = row_of(store, store->row_visible, decision);
	for (size_t i = 0; row != NULL && i < store->leaf_visible; i++)
		if (store->leaves[i].kind == LF_LEAF_DECISION && store->leaves[i].record == row->stored->sequence) {
			*position = i;
			code = LF_OK;
		}
	pthread_mutex_unlock(&store->lock);
	return code == LF_OK ? code : lf_error_set(error, code, "no such decision");
}

/* ---- acts ---- */

enum lf_code memory_put_act(struct lf_store *store, struct lf_act_put *put, const struct lf_salt *salt,
	struct lf_leaves *leaves, struct lf_error *error)
{
	enum lf_code code = LF_OK;
	const struct row *row;

	pthread_mutex_lock(&store->lock);
	row = put->decision == NULL ? NULL : row_of(store, store->row_count, put->decision);
	if (put->decision != NULL && row == NULL) {
		code = lf_error_set(error, LF_NOT_FOUND, "no such decision");
	} else {
		struct act act = {.row = {.id = store->act_count + 1,
					  .kind = put->kind,
					  .at_us = put->at_us,
					  .has_decision = row != NULL,
					  .body = memory_copy_bytes(put->body)}};
		struct lf_digest commitments[1];
		size_t length;
		uint8_t *bytes;

		strcpy(act.caller, put->caller);
		if (row != NULL) {
			act.row.decision = row->stored->id;
			act.row.decision_sequence = row->stored->sequence;
		}
		store->acts = realloc(store->acts, (store->act_count + 1) * sizeof(*store->acts));
		store->acts[store->act_count++] = act;
		put->id = act.row.id;
		bytes = memory_act_bytes(&act, &length);
		if (!memory_add_leaf(store, leaves, put->kind, put->id, put->at_us, salt, bytes, length, commitments, 1,
			    &put->position))
			code = lf_error_set(error, LF_UNAVAILABLE, "too many leaves");
		store->acts[store->act_count - 1].row.position = put->position;
	}
	pthread_mutex_unlock(&store->lock);
	return code;
}

enum lf_code memory_list_acts(struct lf_reader *reader, enum lf_leaf_kind kind, const struct lf_uuid *decision,
	uint64_t after, size_t limit, void (*visit)(void *context, const struct lf_act_row *row), void *context,
	uint64_t *next, struct lf_error *error)
{
	struct lf_store *store = reader->store;
	size_t shown = 0;
	uint64_t last = after;

	(void)error;
	*next = 0;
	pthread_mutex_lock(&store->lock);
	for (size_t i = after; i < store->act_visible; i++) {
		struct lf_act_row row = store->acts[i].row;

		row.caller = store->acts[i].caller;
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
	pthread_mutex_unlock(&store->lock);
	return LF_OK;
}

/* ---- auditing ---- */

/* Sets all but position, kind and hash. The record is a block. */
static void fill_record(const struct lf_store *store, const struct leaf *leaf, struct lf_audit_row *row)
{
	uint8_t *bytes = NULL;
	size_t length = 0;
	int what;
	const struct lf_digest *original;

	row->number = row->position;
	row->salt = leaf->salt;
	if (leaf->kind == LF_LEAF_DECISION) {
		const struct row *decision = &store->rows[leaf->record - 1];

		bytes = memory_decision_bytes(decision, &length);
		row->number = leaf->record;
		row->time_us = decision->stored->decided_at_us;
		row->decision = decision->stored->id;
		row->payload_count = 3;
		row->payloads[0].id = decision->stored->team_payload;
		row->payloads[1].id = decision->stored->project_payload;
		row->payloads[2].id = memory_find_payload(store, LF_PAYLOAD_RUBRIC, &decision->stored->rubric_digest);
	} else if (leaf->kind == LF_LEAF_RUBRIC) {
		const struct version *version = &store->versions[leaf->record - 1];

		bytes = rubric_bytes(version, &length);
		row->time_us = version->row->put_at_us;
		row->payload_count = 1;
		row->payloads[0].id = version->payload;
	} else if (leaf->kind == LF_LEAF_ACTIVATION) {
		bytes = activation_bytes(&store->activations[leaf->record - 1], &length);
		row->time_us = store->activations[leaf->record - 1].at_us;
	} else {
		bytes = memory_act_bytes(&store->acts[leaf->record - 1], &length);
		row->time_us = store->acts[leaf->record - 1].row.at_us;
		row->pairs = store->acts[leaf->record - 1].pairs;
		row->pair_count = store->acts[leaf->record - 1].pair_count;
	}
	row->record = (struct lf_bytes){bytes, length};
	what = leaf->kind == LF_LEAF_DECISION ? LF_REDACT_DECISION : leaf->kind >= LF_LEAF_OUTCOME ? LF_REDACT_ACT : 0;
	original = memory_original(store, what, leaf->record);
	row->redacted = original != NULL;
	if (original != NULL)
		row->original = *original;
	for (size_t i = 0; i < row->payload_count; i++) {
		original = memory_original(store, LF_REDACT_PAYLOAD, row->payloads[i].id);
		row->payloads[i].redacted = original != NULL;
		if (original != NULL)
			row->payloads[i].original = *original;
	}
}

enum lf_code memory_audit(struct lf_reader *reader, uint64_t first, size_t limit,
	void (*visit)(void *context, const struct lf_audit_row *row), void *context, uint64_t *next,
	struct lf_error *error)
{
	struct lf_store *store = reader->store;
	uint64_t position = first;
	size_t count;

	(void)error;
	do { /* visit runs without the lock: it may read */
		struct lf_audit_row row = {.position = position};

		pthread_mutex_lock(&store->lock);
		count = store->leaf_visible;
		if (position < count) {
			row.kind = store->leaves[position].kind;
			row.hash = store->leaves[position].hash;
			fill_record(store, &store->leaves[position], &row);
		}
		pthread_mutex_unlock(&store->lock);
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
	struct lf_store *store = reader->store;

	*row = NULL;
	pthread_mutex_lock(&store->lock);
	if (id >= 1 && id <= store->payload_visible)
		*row = lf_payload_row_copy(&store->payloads[id - 1]);
	pthread_mutex_unlock(&store->lock);
	return *row != NULL ? LF_OK : lf_error_set(error, LF_NOT_FOUND, "no such payload");
}
