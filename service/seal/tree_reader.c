#include "service/seal/tree_reader.h"

bool lf_tree_reader_read(void *context, unsigned level, uint64_t first, size_t count, struct lf_digest *hashes)
{
	struct lf_tree_reader *reader = context;

	return lf_log_hashes(reader->log, level, first, count, hashes, reader->error) == LF_OK;
}

enum lf_code lf_tree_reader_root(struct lf_log *log, uint64_t size, struct lf_digest *root, struct lf_error *error)
{
	struct lf_error inner = LF_ERROR_INIT;
	struct lf_tree tree;
	enum lf_code code;

	if (lf_tree_load(&tree, size, lf_tree_reader_read, &(struct lf_tree_reader){log, &inner})) {
		lf_tree_root(&tree, root);
		return LF_OK;
	}
	code = inner.code;
	lf_error_move(error, &inner);
	return code;
}
