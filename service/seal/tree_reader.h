/* Reads the log's Merkle tree for tlog's functions, from the hashes that are committed. */
#ifndef LF_SERVICE_SEAL_TREE_READER_H
#define LF_SERVICE_SEAL_TREE_READER_H

#include "storage/log/log.h"
#include "storage/tlog/tree.h"

/* Context of lf_tree_reader_read(). */
struct lf_tree_reader {
	struct lf_log *log;
	struct lf_error *error; /* what a read failed with; LF_OK as long as none has */
};
/* An lf_tree_read_fn; context is a struct lf_tree_reader. Blocks on reads of the log. */
bool lf_tree_reader_read(void *context, unsigned level, uint64_t first, size_t count, struct lf_digest *hashes);
/* The root of the first size records. Codes as lf_log_hashes(). size is at most that of a committed head. */
enum lf_code lf_tree_reader_root(struct lf_log *log, uint64_t size, struct lf_digest *root, struct lf_error *error);

#endif
