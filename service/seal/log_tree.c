#include "service/seal/log_tree.h"

bool lf_log_tree_read(void *context, unsigned level, uint64_t first, size_t count, struct lf_digest *hashes)
{
	struct lf_log_tree *tree = context;

	return lf_log_hashes(tree->log, level, first, count, hashes, tree->error) == LF_OK;
}

enum lf_code lf_log_tree_root(struct lf_log *log, uint64_t size, struct lf_digest *root, struct lf_error *error)
{
	struct lf_error inner = LF_ERROR_INIT;
	struct lf_tree tree;
	enum lf_code code;

	if (lf_tree_load(&tree, size, lf_log_tree_read, &(struct lf_log_tree){log, &inner})) {
		lf_tree_root(&tree, root);
		return LF_OK;
	}
	code = inner.code;
	lf_error_move(error, &inner);
	return code;
}
