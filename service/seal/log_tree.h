/* The log's tree, through tlog's functions: lf_log_hashes() is where they read. */
#ifndef LF_SERVICE_SEAL_LOG_TREE_H
#define LF_SERVICE_SEAL_LOG_TREE_H

#include "storage/log/log.h"
#include "storage/tlog/tree.h"

/* Context of lf_log_tree_read(). */
struct lf_log_tree {
	struct lf_log *log;
	struct lf_error *error; /* what a read failed with; LF_OK as long as none has */
};
/* An lf_tree_read_fn over committed hashes. */
bool lf_log_tree_read(void *context, unsigned level, uint64_t first, size_t count, struct lf_digest *hashes);
/* The root of the first size records. Codes as lf_log_hashes(). size is at most that of a committed head. */
enum lf_code lf_log_tree_root(struct lf_log *log, uint64_t size, struct lf_digest *root, struct lf_error *error);

#endif
