/*
 * What the writer knows of rows by what they hold: a name's or a list's id, a payload's with its commitment. The writer's
 * thread alone.
 *
 * It knows committed rows, and within a transaction those that it has added, too: so it is emptied when a transaction
 * fails, and when something was erased, by whichever service.
 */
#ifndef LF_STORAGE_POSTGRES_IDS_H
#define LF_STORAGE_POSTGRES_IDS_H

#include <stdbool.h>
#include <stddef.h>

#include "storage/tlog/hash.h"

struct lf_pg_id {
	int64_t id; /* 0: no such row is known */
	struct lf_digest commitment;
	uint32_t asked; /* the caller's: whether it was looked for already */
	uint32_t length;
	const uint8_t *key; /* tag first */
};

struct lf_pg_ids;
struct lf_pg_ids *lf_pg_ids_new(void); /* NULL: out of memory, or of random bytes */
void lf_pg_ids_free(struct lf_pg_ids *ids);
/* Forgets everything, and overwrites it. */
void lf_pg_ids_clear(struct lf_pg_ids *ids);
/* Between transactions: forgets everything where that has become much. */
void lf_pg_ids_trim(struct lf_pg_ids *ids);
/*
 * The entry of a key, made with id 0 where there is none. NULL: out of memory. Valid until the ids are cleared or
 * trimmed.
 */
struct lf_pg_id *lf_pg_ids_at(struct lf_pg_ids *ids, uint8_t tag, const void *key, size_t length);

#endif
