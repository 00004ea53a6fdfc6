/* One leaf: what is stored of its record, worked out again and compared with it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/verify/private.h"

enum { PLACES = 1 << 16 }; /* of 64 bytes each: 4 MiB, touched as they fill. A power of two: ids come in order */

/* ---- payloads ---- */

void lf_payload_cache_forget_all(struct lf_payload_cache *cache)
{
	free(cache->places);
	cache->places = NULL;
}

void lf_payload_cache_clean_up(struct lf_payload_cache *cache)
{
	lf_payload_cache_forget_all(cache);
}

void lf_payload_cache_forget(struct lf_payload_cache *cache, uint64_t id)
{
	if (cache->places != NULL && cache->places[id % PLACES].id == id)
		cache->places[id % PLACES].id = 0;
}

static enum lf_code read_payload(struct lf_payload_cache *cache, struct lf_log *log, uint64_t id,
	struct lf_stored_payload *payload, struct lf_error *error)
{
	struct lf_error inner = LF_ERROR_INIT;
	struct lf_payload_row *row = NULL;
	struct lf_digest digest;
	enum lf_code code = lf_log_get_payload(log, id, &row, &inner);

	*payload = (struct lf_stored_payload){.id = id};
	if (code == LF_OK) {
		payload->there = true;
		payload->kind = row->kind;
		lf_commit(&row->salt, row->body.data, row->body.length, &payload->commitment);
		lf_sha256(row->body.data, row->body.length, &digest);
		payload->digest_of_bytes = lf_digest_equal(&digest, &row->digest);
		payload->digest_is_commitment = lf_digest_equal(&payload->commitment, &row->digest);
		cache->bytes += row->body.length;
		free(row);
	} else if (code == LF_NOT_FOUND || code == LF_DATA_LOSS) {
		payload->there = payload->malformed = code == LF_DATA_LOSS;
		code = LF_OK;
	} else {
		payload->id = 0;
		lf_error_move(error, &inner);
	}
	lf_error_clean_up(&inner);
	return code;
}

struct lf_stored_payload *lf_payload_cache_find(
	struct lf_payload_cache *cache, struct lf_log *log, uint64_t id, struct lf_error *error)
{
	struct lf_stored_payload *place;

	if (cache->places == NULL)
		cache->places = calloc(PLACES, sizeof(*cache->places));
	if (cache->places == NULL) {
		lf_error_set(error, LF_UNAVAILABLE, "out of memory");
		return NULL;
	}
	place = &cache->places[id % PLACES];
	if (place->id == id && id != 0)
		return place;
	return read_payload(cache, log, id, place, error) == LF_OK ? place : NULL;
}

/* ---- leaves ---- */

const char *lf_part_name(enum lf_leaf_kind kind, size_t payload)
{
	static const char *const names[] = {"team", "project", "rubric"};

	return kind == LF_LEAF_DECISION && payload < 3 ? names[payload] : "rubric";
}

static enum lf_payload_kind part_kind(enum lf_leaf_kind kind, size_t payload)
{
	static const enum lf_payload_kind kinds[] = {LF_PAYLOAD_TEAM, LF_PAYLOAD_PROJECT, LF_PAYLOAD_RUBRIC};

	return kind == LF_LEAF_DECISION && payload < 3 ? kinds[payload] : LF_PAYLOAD_RUBRIC;
}

static const char *kind_name(enum lf_payload_kind kind)
{
	return kind == LF_PAYLOAD_TEAM       ? "a team"
		: kind == LF_PAYLOAD_PROJECT ? "a project"
		: kind == LF_PAYLOAD_RUBRIC  ? "a rubric"
					     : "of no kind";
}

static void say(struct lf_leaf_state *state, const char *text)
{
	if (state->odd[0] == '\0')
		snprintf(state->odd, sizeof(state->odd), "%s", text);
}

static void say_unaccounted(const struct lf_leaf_tools *tools, const char *what, char text[200])
{
	static const char why[] = "was replaced, and no erasure or pruning that was recorded says so";
	uint64_t wrong;

	if (lf_pairs_wrong(tools->pairs, &wrong))
		snprintf(text, 200, "its %s %s: record %llu, one of those, was altered", what, why,
			(unsigned long long)wrong);
	else
		snprintf(text, 200, "its %s %s", what, why);
}

/* Whether pairs lead from what was recorded to what is there now (NULL: nothing). */
static enum lf_code account(struct lf_leaf_tools *tools, const struct lf_digest *original, const struct lf_digest *now,
	bool *accounted, struct lf_leaf_state *state, struct lf_error *error)
{
	bool erased = false, pruned = false;

	if (!tools->pairs_read && lf_pairs_refresh(tools->pairs, tools->log, error) != LF_OK)
		return error->code;
	tools->pairs_read = true;
	*accounted = lf_pairs_lead(tools->pairs, original, now, &erased, &pruned);
	state->erased |= *accounted && erased;
	state->pruned |= *accounted && pruned;
	return LF_OK;
}

static enum lf_code work_payload_out(struct lf_leaf_tools *tools, const struct lf_audit_row *row, size_t i,
	struct lf_leaf_state *state, struct lf_error *error)
{
	const struct lf_audit_payload *of = &row->payloads[i];
	const struct lf_stored_payload *payload = lf_payload_cache_find(&tools->payloads, tools->log, of->id, error);
	const char *name = lf_part_name(row->kind, i);
	const unsigned long long id = of->id;
	char text[sizeof(state->odd)] = "";
	bool accounted = true;
	struct lf_stored_payload stored;

	if (payload == NULL)
		return error->code;
	stored = *payload;
	state->parts[1 + i] = of->redacted ? of->original : stored.commitment;
	if (of->redacted && !stored.malformed &&
		account(tools, &of->original, stored.there ? &stored.commitment : NULL, &accounted, state, error) !=
			LF_OK)
		return error->code;
	if (!stored.there && (!of->redacted || !accounted))
		snprintf(text, sizeof(text), "its %s (payload %llu) is missing: it was deleted", name, id);
	else if (stored.malformed)
		snprintf(text, sizeof(text), "its %s (payload %llu) has no digest or no salt of 32 bytes any more",
			name, id);
	else if (stored.there && stored.kind != part_kind(row->kind, i))
		snprintf(text, sizeof(text), "its %s is payload %llu, which is %s", name, id, kind_name(stored.kind));
	else if (!accounted)
		say_unaccounted(tools, name, text);
	else if (stored.there && !(of->redacted ? stored.digest_is_commitment : stored.digest_of_bytes))
		snprintf(text, sizeof(text),
			"the digest of its %s (payload %llu) is not that of the bytes: one of both was changed", name,
			id);
	say(state, text);
	return LF_OK;
}

enum lf_code lf_leaf_work_out(struct lf_leaf_tools *tools, const struct lf_audit_row *row, struct lf_leaf_state *state,
	struct lf_error *error)
{
	struct lf_digest now;
	bool accounted = true;

	*state = (struct lf_leaf_state){.matches = false};
	lf_commit(&row->salt, row->record.data, row->record.length, &now);
	state->parts[0] = row->redacted ? row->original : now;
	if (row->redacted && account(tools, &row->original, &now, &accounted, state, error) != LF_OK)
		return error->code;
	if (!accounted)
		say_unaccounted(tools, "record", state->odd);
	for (size_t i = 0; i < row->payload_count; i++)
		if (work_payload_out(tools, row, i, state, error) != LF_OK)
			return error->code;
	if (!lf_leaf_of_parts(row, row->kind, row->number, row->time_us, state->parts, &state->hash))
		return lf_error_set(error, LF_UNAVAILABLE, "out of memory");
	state->matches = lf_digest_equal(&state->hash, &row->hash);
	for (size_t i = 0; i < row->payload_count && state->matches; i++) {
		struct lf_stored_payload *payload =
			lf_payload_cache_find(&tools->payloads, tools->log, row->payloads[i].id, error);

		if (payload == NULL)
			return error->code;
		payload->proved |= !row->payloads[i].redacted;
	}
	return LF_OK;
}
