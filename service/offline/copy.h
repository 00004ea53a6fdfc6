/* Records of a log, as they are read, and as items that another log's backend stores: what copy.c copies. */
#ifndef LF_SERVICE_OFFLINE_COPY_H
#define LF_SERVICE_OFFLINE_COPY_H

#include "proto/base/arena.h"
#include "storage/log/backend.h"

enum {
	LF_COPY_SLICE_MAX = LF_BATCH_MAX,     /* records of one transaction */
	LF_COPY_BYTES_MAX = 16 * 1024 * 1024, /* of it, beyond the last record */
	LF_COPY_ARENA_MAX = 128 * 1024 * 1024,
};

/* One record on its way. */
struct lf_copy_record {
	struct lf_item item;
	struct lf_append append; /* of a decision */
};

/* Some records, in their order: one transaction. */
struct lf_copy_slice {
	struct lf_log *from;
	struct lf_arena arena; /* all that records point to */
	struct lf_copy_record *records;
	size_t count, bytes;
	uint64_t end; /* position past the last */
	struct lf_error error;
};

bool lf_copy_slice_init(struct lf_copy_slice *slice, struct lf_log *from);
void lf_copy_slice_clean_up(struct lf_copy_slice *slice);
/*
 * Reads records from a position on, as many as fit, and not beyond size. act: id of the newest act before. Blocks on
 * reads. DATA_LOSS where one is damaged. Returns error's code.
 */
enum lf_code lf_copy_slice_read(
	struct lf_copy_slice *slice, uint64_t first, uint64_t size, uint64_t act, struct lf_error *error);
/*
 * Stores them, in the transaction that was begun: numbers of items are those of the source, and so are their leaves.
 * FAILED_PRECONDITION where what is stored makes that impossible. Returns error's code.
 */
enum lf_code lf_copy_slice_write(
	struct lf_copy_slice *slice, const struct lf_backend *backend, struct lf_store *store, struct lf_error *error);

/*
 * Whether the first size records of both are alike as they are now: bytes, salts, times, payloads, what was replaced.
 * FAILED_PRECONDITION names the first that is not; CANCELLED where go_on is false. Blocks on reads. Returns error's code.
 */
enum lf_code lf_copy_compare(
	struct lf_log *from, struct lf_log *to, uint64_t size, bool (*go_on)(void), struct lf_error *error);

#endif
