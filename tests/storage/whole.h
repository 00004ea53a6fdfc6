/*
 * Whether a log is whole: every leaf recomputed from what is stored, and the root from the leaves, by code of its own
 * that shares nothing with the log's but SHA-256. Fails the test with what is wrong.
 */
#ifndef LF_TESTS_STORAGE_WHOLE_H
#define LF_TESTS_STORAGE_WHOLE_H

#include "storage/log/log.h"

struct whole {
	uint64_t size;                        /* leaves */
	uint64_t kinds[LF_LEAF_KIND_MAX + 1]; /* of each kind */
	struct lf_digest root;
};
void log_is_whole(struct lf_log *log, struct whole *whole);
/* The root of leaf hashes by RFC 6962's definition. */
void naive_root(const struct lf_digest *hashes, size_t count, struct lf_digest *root);

#endif
