/*
 * Whether the records of a copy are those of its source, as both are now. Erasing changes no leaf, so the roots say
 * nothing of it: what was erased in the source after it had been copied is found here.
 */
#include <stdlib.h>
#include <string.h>

#include "service/offline/copy.h"

enum { SLICE = 256 };

/* What is compared of a record. */
struct seen {
	struct lf_digest record; /* of its bytes */
	struct lf_salt salt;
	int64_t time_us;
	bool redacted[1 + LF_AUDIT_PAYLOADS_MAX];
	struct lf_digest originals[1 + LF_AUDIT_PAYLOADS_MAX];
	struct lf_digest payloads[LF_AUDIT_PAYLOADS_MAX];
};

struct side {
	struct lf_log *log;
	uint64_t first, end;
	struct seen rows[SLICE];
	struct lf_error error;
};

static void see_payload(struct side *side, struct seen *seen, const struct lf_audit_row *row, size_t i)
{
	const struct lf_audit_payload *payload = &row->payloads[i];
	struct lf_payload_row *found = NULL;

	seen->redacted[1 + i] = payload->redacted;
	if (payload->redacted)
		seen->originals[1 + i] = payload->original;
	if (lf_log_get_payload(side->log, payload->id, &found, &side->error) != LF_OK)
		return;
	seen->payloads[i] = found->digest;
	free(found);
}

static void see(void *context, const struct lf_audit_row *row)
{
	struct side *side = context;
	struct seen *seen;

	if (side->error.code != LF_OK || row->position != side->end || side->end - side->first == SLICE)
		return;
	seen = &side->rows[row->position - side->first];
	memset(seen, 0, sizeof(*seen));
	if (row->missing != NULL) {
		lf_error_set(&side->error, LF_DATA_LOSS, "record %llu is damaged: %s",
			(unsigned long long)row->position, row->missing);
		return;
	}
	lf_sha256(row->record.data, row->record.length, &seen->record);
	seen->salt = row->salt;
	seen->time_us = row->time_us;
	seen->redacted[0] = row->redacted;
	if (row->redacted)
		seen->originals[0] = row->original;
	for (size_t i = 0; i < row->payload_count && side->error.code == LF_OK; i++)
		see_payload(side, seen, row, i);
	side->end++;
}

/* Reads records from first on, up to size; at least one. */
static enum lf_code read_side(struct side *side, uint64_t first, uint64_t size, struct lf_error *error)
{
	const size_t limit = size - first < SLICE ? (size_t)(size - first) : SLICE;

	side->first = side->end = first;
	while (side->end < first + limit) {
		const uint64_t begun = side->end;
		uint64_t next = 0;

		if (lf_log_audit(side->log, begun, (size_t)(first + limit - begun), see, side, &next, error) != LF_OK)
			return error->code;
		if (side->error.code == LF_OK && side->end == begun)
			lf_error_set(&side->error, LF_DATA_LOSS, "record %llu is gone", (unsigned long long)begun);
		if (side->error.code != LF_OK) {
			lf_error_move(error, &side->error);
			return error->code;
		}
	}
	return LF_OK;
}

enum lf_code lf_copy_compare(
	struct lf_log *from, struct lf_log *to, uint64_t size, bool (*go_on)(void), struct lf_error *error)
{
	struct side *sides = calloc(2, sizeof(*sides));

	if (sides == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for records");
	sides[0].log = from;
	sides[1].log = to;
	for (uint64_t first = 0; first < size && error->code == LF_OK; first = sides[0].end) {
		if (!go_on())
			lf_error_set(error, LF_CANCELLED, "interrupted");
		else if (read_side(&sides[0], first, size, error) == LF_OK)
			read_side(&sides[1], first, size, error);
		for (size_t i = 0; error->code == LF_OK && i < sides[0].end - first; i++)
			if (memcmp(&sides[0].rows[i], &sides[1].rows[i], sizeof(sides[0].rows[i])) != 0)
				lf_error_set(error, LF_FAILED_PRECONDITION,
					"record %llu of the target is not the source's: something was erased in the "
					"source after it had been copied. Delete the target, and copy again",
					(unsigned long long)first + i);
	}
	for (int i = 0; i < 2; i++)
		lf_error_clean_up(&sides[i].error);
	free(sides);
	return error->code;
}
