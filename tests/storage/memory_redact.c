/*
 * The memory backend's redaction: what is to be replaced waits for the commit, so that readers and rollbacks know
 * nothing of it.
 */
#include "tests/storage/memory_private.h"

const struct lf_digest *memory_original(const struct lf_store *store, int what, uint64_t id)
{
	for (size_t i = 0; i < store->redacted_count; i++)
		if (store->redacted[i].what == what && store->redacted[i].id == id)
			return &store->redacted[i].original;
	return NULL;
}

void memory_forget_replacements(struct lf_store *store)
{
	for (size_t i = 0; i < store->replacement_count; i++)
		free((void *)(uintptr_t)store->replacements[i].item.bytes.data);
	free(store->replacements);
	store->replacements = NULL;
	store->replacement_count = 0;
}

/* ---- asking ---- */

static enum lf_code check(const struct lf_store *store, const struct lf_redact *redact,
	const struct lf_redact_item *item, struct lf_error *error)
{
	const size_t counts[] = {0, store->payload_count, store->row_count, store->act_count};

	if (item->id < 1 || item->id > counts[item->what])
		return lf_error_set(error, LF_NOT_FOUND, "there is no such thing");
	if (item->what != LF_REDACT_PAYLOAD)
		return LF_OK;
	if (store->payloads[item->id - 1].kind == LF_PAYLOAD_RUBRIC)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "a rubric stays");
	for (size_t i = redact->seen_sequence; i < store->row_count && redact->seen_sequence != 0; i++)
		if (store->rows[i].stored->team_payload == item->id ||
			store->rows[i].stored->project_payload == item->id)
			return lf_error_set(error, LF_FAILED_PRECONDITION, "a decision came meanwhile");
	return LF_OK;
}

/* The decision as it will be; its stored is a block. */
static struct row changed_row(const struct lf_store *store, const struct replacement *replacement)
{
	struct row row = store->rows[replacement->item.id - 1];
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

static const struct lf_salt *salt_of(
	const struct lf_store *store, enum lf_leaf_kind low, enum lf_leaf_kind high, uint64_t record)
{
	for (size_t i = 0; i < store->leaf_count; i++)
		if (store->leaves[i].kind >= low && store->leaves[i].kind <= high && store->leaves[i].record == record)
			return &store->leaves[i].salt;
	return NULL;
}

static void commit_bytes(const struct lf_salt *salt, uint8_t *bytes, size_t length, struct lf_digest *commitment)
{
	lf_commit(salt, bytes, length, commitment);
	free(bytes);
}

static void set_commitments(const struct lf_store *store, struct replacement *replacement)
{
	const struct lf_redact_item *item = &replacement->item;
	uint8_t *bytes;
	size_t length;

	if (item->what == LF_REDACT_PAYLOAD) {
		memory_commitment(store, item->id, &replacement->old);
		lf_commit(&replacement->salt, item->bytes.data, item->bytes.length, &replacement->new);
	} else if (item->what == LF_REDACT_DECISION) {
		const struct row row = changed_row(store, replacement);

		bytes = memory_decision_bytes(&store->rows[item->id - 1], &length);
		commit_bytes(&store->rows[item->id - 1].salt, bytes, length, &replacement->old);
		bytes = memory_decision_bytes(&row, &length);
		commit_bytes(&replacement->salt, bytes, length, &replacement->new);
		free(row.stored);
	} else {
		struct act act = store->acts[item->id - 1];

		bytes = memory_act_bytes(&act, &length);
		commit_bytes(
			salt_of(store, LF_LEAF_OUTCOME, LF_LEAF_ACCESS, item->id), bytes, length, &replacement->old);
		act.row.body = item->bytes;
		bytes = memory_act_bytes(&act, &length);
		commit_bytes(&replacement->salt, bytes, length, &replacement->new);
	}
}

static void add_replacement(
	struct lf_store *store, const struct lf_redact_item *item, const struct lf_salt *salt, struct lf_digest pair[2])
{
	struct replacement replacement = {.item = *item, .salt = *salt};

	replacement.item.bytes = memory_copy_bytes(item->bytes);
	if (item->what == LF_REDACT_DECISION) {
		strcpy(replacement.recommended, item->recommended);
		for (size_t i = 0; i < item->candidate_count && i < 4; i++)
			strcpy(replacement.candidates[i], item->candidates[i]);
		lf_sha256_strings(item->candidates, item->candidate_count, &replacement.candidates_digest);
	}
	set_commitments(store, &replacement);
	pair[0] = replacement.old;
	pair[1] = replacement.new;
	store->replacements =
		realloc(store->replacements, (store->replacement_count + 1) * sizeof(*store->replacements));
	store->replacements[store->replacement_count++] = replacement;
}

enum lf_code memory_redact(struct lf_store *store, struct lf_redact *redact, const struct lf_salt *salts,
	struct lf_leaves *leaves, struct lf_error *error)
{
	struct lf_digest *commitments = malloc((1 + 2 * redact->item_count) * sizeof(*commitments));

	pthread_mutex_lock(&store->lock);
	for (size_t i = 0; i < redact->item_count && error->code == LF_OK; i++)
		check(store, redact, &redact->items[i], error);
	if (error->code == LF_OK) {
		struct act act = {.row = {.id = store->act_count + 1,
					  .kind = redact->kind,
					  .at_us = redact->at_us,
					  .body = memory_copy_bytes(redact->body)}};
		size_t length;
		uint8_t *bytes;

		strcpy(act.caller, redact->caller);
		for (size_t i = 0; i < redact->item_count; i++)
			add_replacement(store, &redact->items[i], &salts[1 + i], &commitments[1 + 2 * i]);
		act.pair_count = redact->item_count;
		act.pairs = malloc(2 * act.pair_count * sizeof(*act.pairs));
		memcpy(act.pairs, commitments + 1, 2 * act.pair_count * sizeof(*act.pairs));
		store->acts = realloc(store->acts, (store->act_count + 1) * sizeof(*store->acts));
		store->acts[store->act_count++] = act;
		redact->id = act.row.id;
		bytes = memory_act_bytes(&act, &length);
		if (!memory_add_leaf(store, leaves, redact->kind, redact->id, redact->at_us, &salts[0], bytes, length,
			    commitments, 1 + 2 * redact->item_count, &redact->position))
			lf_error_set(error, LF_UNAVAILABLE, "too many leaves");
		store->acts[store->act_count - 1].row.position = redact->position;
	}
	pthread_mutex_unlock(&store->lock);
	free(commitments);
	return error->code;
}

/* ---- doing ---- */

static void set_salt(struct lf_store *store, enum lf_leaf_kind low, enum lf_leaf_kind high, uint64_t record,
	const struct lf_salt *salt)
{
	*(struct lf_salt *)(uintptr_t)salt_of(store, low, high, record) = *salt;
}

/* Decisions have copies of their payloads' bytes. */
static void replace_payload(struct lf_store *store, const struct replacement *replacement)
{
	struct lf_payload_row *payload = &store->payloads[replacement->item.id - 1];

	free((void *)(uintptr_t)payload->body.data);
	payload->body = memory_copy_bytes(replacement->item.bytes);
	payload->salt = replacement->salt;
	payload->digest = replacement->new;
	for (size_t i = 0; i < store->row_count; i++) {
		struct lf_stored stored = *store->rows[i].stored;
		struct lf_stored *old;

		if (stored.team_payload == payload->id)
			stored.team = payload->body;
		else if (stored.project_payload == payload->id)
			stored.project = payload->body;
		else
			continue;
		old = store->rows[i].stored;
		store->rows[i].stored = lf_stored_copy(&stored);
		free(old);
	}
}

void memory_replace(struct lf_store *store)
{
	for (size_t i = 0; i < store->replacement_count; i++) {
		const struct replacement *replacement = &store->replacements[i];
		const uint64_t id = replacement->item.id;

		if (replacement->item.what == LF_REDACT_PAYLOAD) {
			replace_payload(store, replacement);
		} else if (replacement->item.what == LF_REDACT_DECISION) {
			const struct row row = changed_row(store, replacement);

			free(store->rows[id - 1].stored);
			store->rows[id - 1] = row;
			set_salt(store, LF_LEAF_DECISION, LF_LEAF_DECISION, id, &replacement->salt);
		} else {
			free((void *)(uintptr_t)store->acts[id - 1].row.body.data);
			store->acts[id - 1].row.body = memory_copy_bytes(replacement->item.bytes);
			set_salt(store, LF_LEAF_OUTCOME, LF_LEAF_ACCESS, id, &replacement->salt);
		}
		if (memory_original(store, (int)replacement->item.what, id) != NULL)
			continue;
		store->redacted = realloc(store->redacted, (store->redacted_count + 1) * sizeof(*store->redacted));
		store->redacted[store->redacted_count++] =
			(struct redacted){(int)replacement->item.what, id, replacement->old};
	}
	memory_forget_replacements(store);
}

/* ---- finding ---- */

enum lf_code memory_list_payloads(struct lf_reader *reader, enum lf_payload_kind kind, uint64_t after, size_t limit,
	void (*visit)(void *context, const struct lf_payload_row *row), void *context, uint64_t *next,
	struct lf_error *error)
{
	struct lf_store *store = reader->store;
	size_t shown = 0;

	(void)error;
	*next = 0;
	pthread_mutex_lock(&store->lock);
	for (uint64_t id = after + 1; id <= store->payload_visible; id++) {
		if (store->payloads[id - 1].kind != kind)
			continue;
		if (shown++ == limit) {
			*next = id - 1;
			break;
		}
		visit(context, &store->payloads[id - 1]);
	}
	pthread_mutex_unlock(&store->lock);
	return LF_OK;
}
