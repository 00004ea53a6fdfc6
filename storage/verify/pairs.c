/*
 * What became of commitments. A pair is kept as two fingerprints of 8 bytes: SHA-256 under a random key of this
 * process, so that nobody who writes a log can make two commitments look alike here.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/base/limits.h"
#include "storage/log/backend.h"
#include "storage/verify/private.h"

enum { FIRST_CAPACITY = 1024, STEPS_MAX = 10000 };

struct entry {
	uint64_t from; /* 0 = free */
	uint64_t to;   /* 0 = deleted */
	bool pruned;   /* else erased */
};

struct lf_pairs {
	uint8_t key[32];
	bool keyed;
	struct entry *entries; /* open addressing */
	size_t capacity, count;
	uint64_t after; /* the last act that was read */
	bool any_wrong; /* an erasure or pruning does not match its leaf: the first one's position */
	uint64_t wrong;
};

struct lf_pairs *lf_pairs_new(void)
{
	struct lf_pairs *pairs = calloc(1, sizeof(*pairs));

	if (pairs != NULL && !lf_random(pairs->key, sizeof(pairs->key))) {
		free(pairs);
		return NULL;
	}
	return pairs;
}

void lf_pairs_free(struct lf_pairs *pairs)
{
	if (pairs != NULL)
		free(pairs->entries);
	free(pairs);
}

static uint64_t fingerprint(const struct lf_pairs *pairs, const struct lf_digest *digest)
{
	static const struct lf_digest deleted;
	struct lf_digest hash;
	uint64_t print;

	if (lf_digest_equal(digest, &deleted))
		return 0;
	lf_sha256_two(pairs->key, sizeof(pairs->key), digest, sizeof(*digest), &hash);
	memcpy(&print, &hash, sizeof(print));
	return print != 0 ? print : 1;
}

static struct entry *place_of(const struct lf_pairs *pairs, uint64_t from)
{
	size_t at = (size_t)from & (pairs->capacity - 1);

	while (pairs->entries[at].from != 0 && pairs->entries[at].from != from)
		at = (at + 1) & (pairs->capacity - 1);
	return &pairs->entries[at];
}

static bool make_room(struct lf_pairs *pairs)
{
	struct lf_pairs grown = *pairs;

	if (pairs->count + 1 <= pairs->capacity / 4 * 3)
		return true;
	grown.capacity = pairs->capacity == 0 ? FIRST_CAPACITY : 2 * pairs->capacity;
	grown.entries = calloc(grown.capacity, sizeof(*grown.entries));
	if (grown.entries == NULL)
		return false;
	for (size_t i = 0; i < pairs->capacity; i++)
		if (pairs->entries[i].from != 0)
			*place_of(&grown, pairs->entries[i].from) = pairs->entries[i];
	free(pairs->entries);
	*pairs = grown;
	return true;
}

static bool add(struct lf_pairs *pairs, const struct lf_digest pair[2], bool pruned)
{
	const uint64_t from = fingerprint(pairs, &pair[0]);
	struct entry *entry;

	if (from == 0)
		return true;
	if (!make_room(pairs))
		return false;
	entry = place_of(pairs, from);
	pairs->count += entry->from == 0;
	*entry = (struct entry){from, fingerprint(pairs, &pair[1]), pruned};
	return true;
}

bool lf_pairs_lead(const struct lf_pairs *pairs, const struct lf_digest *from, const struct lf_digest *to, bool *erased,
	bool *pruned)
{
	uint64_t at = fingerprint(pairs, from);
	const uint64_t end = to != NULL ? fingerprint(pairs, to) : 0;

	for (size_t steps = 0; steps < STEPS_MAX && at != 0 && pairs->capacity != 0; steps++) {
		const struct entry *entry = place_of(pairs, at);

		if (entry->from == 0)
			return false;
		*(entry->pruned ? pruned : erased) = true;
		at = entry->to;
		if (at == end)
			return true;
	}
	return false;
}

bool lf_pairs_wrong(const struct lf_pairs *pairs, uint64_t *position)
{
	*position = pairs->wrong;
	return pairs->any_wrong;
}

/* ---- reading ---- */

struct reading {
	struct lf_pairs *pairs;
	uint64_t positions[LF_PAGE_MAX];
	size_t count;
};

static void note_act(void *context, const struct lf_act_row *row)
{
	struct reading *reading = context;

	if ((row->kind == LF_LEAF_ERASURE || row->kind == LF_LEAF_PRUNING) && reading->count < LF_PAGE_MAX)
		reading->positions[reading->count++] = row->position;
	reading->pairs->after = row->id;
}

static void note_wrong(struct lf_pairs *pairs, uint64_t position)
{
	if (!pairs->any_wrong)
		pairs->wrong = position;
	pairs->any_wrong = true;
}

/* The pairs of one leaf, where it commits to them. false when memory ran out. */
static bool take_pairs(struct lf_pairs *pairs, const struct lf_audit_row *row)
{
	struct lf_digest record, hash;

	if (row->missing != NULL || (row->kind != LF_LEAF_ERASURE && row->kind != LF_LEAF_PRUNING) ||
		row->payload_count != 0)
		return true;
	if (row->redacted)
		record = row->original;
	else
		lf_commit(&row->salt, row->record.data, row->record.length, &record);
	if (!lf_leaf_of_parts(row, row->kind, row->number, row->time_us, &record, &hash))
		return false;
	if (!lf_digest_equal(&hash, &row->hash))
		note_wrong(pairs, row->position);
	for (size_t i = 0; lf_digest_equal(&hash, &row->hash) && i < row->pair_count; i++)
		if (!add(pairs, &row->pairs[2 * i], row->kind == LF_LEAF_PRUNING))
			return false;
	return true;
}

/*
 * Those of the acts that were read, each after its leaf. A leaf beyond the head is in no tree, whatever it commits to.
 */
static enum lf_code take_leaves(struct lf_pairs *pairs, struct lf_log *log, const struct reading *reading,
	struct lf_rows *rows, struct lf_error *error)
{
	struct lf_tree_head head = {.size = 0};
	/* Read after the acts, which were committed with the head that has them. */
	enum lf_code code = reading->count > 0 ? lf_log_head(log, &head, error) : LF_OK;

	for (size_t i = 0; code == LF_OK && i < reading->count; i++) {
		const uint64_t position = reading->positions[i];

		if (position >= head.size) {
			note_wrong(pairs, position);
			continue;
		}
		code = lf_rows_read(rows, log, position, 1, error);
		if (code == LF_OK && rows->count == 1 && !take_pairs(pairs, &rows->rows[0]))
			code = lf_error_set(error, LF_UNAVAILABLE, "no memory for what was erased and pruned");
	}
	return code;
}

enum lf_code lf_pairs_refresh(struct lf_pairs *pairs, struct lf_log *log, struct lf_error *error)
{
	struct reading reading = {.pairs = pairs};
	struct lf_rows rows = {0};
	uint64_t next = 0;
	enum lf_code code;

	do {
		const uint64_t before = pairs->after;

		reading.count = 0;
		code = lf_log_list_acts(log, 0, NULL, before, LF_PAGE_MAX, note_act, &reading, &next, error);
		if (code == LF_OK)
			code = take_leaves(pairs, log, &reading, &rows, error);
		if (code != LF_OK)
			pairs->after = before;
	} while (code == LF_OK && next != 0);
	lf_rows_clean_up(&rows);
	return code;
}
