/*
 * Rows of the audit, copied out of the log, and the leaf that a row makes.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/base/check.h"
#include "storage/verify/private.h"

enum { BLOCK_BYTES = 64 * 1024, HELD_BYTES_MAX = 8 * 1024 * 1024 };

struct lf_row_block {
	struct lf_row_block *next;
	size_t used, size;
	_Alignas(8) uint8_t bytes[];
};

static void *copy(struct lf_rows *rows, const void *data, size_t length)
{
	struct lf_row_block *block = rows->blocks;
	uint8_t *to;

	if (block == NULL || block->size - block->used < length) {
		const size_t size = length > BLOCK_BYTES ? length : BLOCK_BYTES;

		block = malloc(sizeof(*block) + size);
		if (block == NULL) {
			rows->out_of_memory = true;
			return NULL;
		}
		*block = (struct lf_row_block){.next = rows->blocks, .size = size};
		rows->blocks = block;
	}
	to = block->bytes + block->used;
	if (length > 0)
		memcpy(to, data, length);
	block->used += length;
	return to;
}

/* Keeps one block of the usual size. */
static void forget(struct lf_rows *rows)
{
	struct lf_row_block *kept = NULL;

	while (rows->blocks != NULL) {
		struct lf_row_block *next = rows->blocks->next;

		if (kept == NULL && rows->blocks->size == BLOCK_BYTES) {
			kept = rows->blocks;
			kept->next = NULL;
			kept->used = 0;
		} else {
			free(rows->blocks);
		}
		rows->blocks = next;
	}
	rows->blocks = kept;
	rows->count = 0;
	rows->bytes = 0;
}

void lf_rows_clean_up(struct lf_rows *rows)
{
	forget(rows);
	free(rows->blocks);
	free(rows->rows);
	*rows = (struct lf_rows){0};
}

static void take(void *context, const struct lf_audit_row *row)
{
	struct lf_rows *rows = context;
	struct lf_audit_row *to;

	if (rows->count == rows->capacity || rows->out_of_memory || rows->bytes >= HELD_BYTES_MAX)
		return;
	to = &rows->rows[rows->count];
	*to = *row;
	if (row->missing != NULL)
		to->missing = copy(rows, row->missing, strlen(row->missing) + 1);
	to->record.data = copy(rows, row->record.data, row->record.length);
	to->pairs = copy(rows, row->pairs, row->pair_count * 2 * sizeof(*row->pairs));
	rows->bytes += row->record.length + row->pair_count * 2 * sizeof(*row->pairs);
	rows->count++;
}

enum lf_code lf_rows_read(
	struct lf_rows *rows, struct lf_log *log, uint64_t first, size_t count, struct lf_error *error)
{
	uint64_t next = first;
	enum lf_code code = LF_OK;

	forget(rows);
	rows->out_of_memory = false;
	if (count > rows->capacity) {
		struct lf_audit_row *grown = realloc(rows->rows, count * sizeof(*grown));

		if (grown == NULL)
			return lf_error_set(error, LF_UNAVAILABLE, "out of memory");
		rows->rows = grown;
	}
	rows->capacity = count;
	do
		code = lf_log_audit(log, next, count - rows->count, take, rows, &next, error);
	while (code == LF_OK && next != 0 && rows->count < count && !rows->out_of_memory &&
		rows->bytes < HELD_BYTES_MAX);
	if (code == LF_OK && rows->out_of_memory)
		code = lf_error_set(error, LF_UNAVAILABLE, "out of memory");
	return code;
}

bool lf_leaf_of_parts(const struct lf_audit_row *row, enum lf_leaf_kind kind, uint64_t number, int64_t time_us,
	const struct lf_digest *parts, struct lf_digest *hash)
{
	const size_t part_count = 1 + row->payload_count, count = part_count + 2 * row->pair_count;
	struct lf_digest *joined = NULL;

	LF_CHECK(V2, row->payload_count <= LF_AUDIT_PAYLOADS_MAX);
	if (row->pair_count > 0) {
		joined = malloc(count * sizeof(*joined));
		if (joined == NULL)
			return false;
		memcpy(joined, parts, part_count * sizeof(*joined));
		memcpy(joined + part_count, row->pairs, 2 * row->pair_count * sizeof(*joined));
	}
	lf_leaf_digest(&(struct lf_leaf){kind, number, time_us, joined != NULL ? joined : parts, count}, hash);
	free(joined);
	return true;
}
