/*
 * The list of what was erased and pruned, beside the checkpoints: a backup of before does not know of it, and a log that
 * is lost can't tell. A line each. Of a person it has SHA-256 of the job's mark (random bytes) and their id, never the
 * id: whoever restores a backup looks with it for the person there. Its mode is 0600, as ids can be found by trying.
 *
 *     erasure TIME MARK SHA-256
 *     pruning TIME MARK BEFORE
 */
#ifndef LF_SERVICE_SEAL_ERASED_H
#define LF_SERVICE_SEAL_ERASED_H

#include <stdbool.h>
#include <stdint.h>

#include "service/seal/checkpoint_files.h"
#include "storage/tlog/hash.h"

enum { LF_MARK_BYTES = 16 };

struct lf_erased {
	uint8_t mark[LF_MARK_BYTES];
	int64_t at_us; /* when it was asked for */
	bool pruning;
	struct lf_digest who; /* of an erasure: lf_erased_hash() */
	int64_t before_us;    /* of a pruning */
};
struct lf_erased_list {
	struct lf_erased *items; /* oldest first, none twice */
	size_t count, room;
};

/* SHA-256 of mark and id. */
struct lf_digest lf_erased_hash(const uint8_t mark[LF_MARK_BYTES], const char *id);

/* Adds a copy, unless one with its mark is there. RESOURCE_EXHAUSTED. */
enum lf_code lf_erased_add(struct lf_erased_list *list, const struct lf_erased *erased, struct lf_error *error);
bool lf_erased_has(const struct lf_erased_list *list, const uint8_t mark[LF_MARK_BYTES]);
void lf_erased_clean_up(struct lf_erased_list *list);

/* Where the list of these checkpoints is: "erased" in their directory, or the file's name and .erased. free(); NULL. */
char *lf_erased_path(const struct lf_checkpoint_files *files);
/* Adds what a list has. *found false: there is none. UNAVAILABLE where it can't be read, DATA_LOSS where it is none. */
enum lf_code lf_erased_read(struct lf_erased_list *list, const char *path, bool *found, struct lf_error *error);
/*
 * Adds what the list at path has not, and makes it, also empty, and its directory where they are absent: whole or not
 * at all, and synced. Codes as of reading it; RESOURCE_EXHAUSTED where there is no room. Any thread; blocks.
 */
enum lf_code lf_erased_merge(const char *path, const struct lf_erased_list *more, struct lf_error *error);

#endif
