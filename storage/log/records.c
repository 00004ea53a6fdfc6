/*
 * Commitments of records, of their canonical bytes, which are written into a buffer that the writer keeps; and the leaf
 * that a transaction adds for one.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/base/forget.h"
#include "storage/log/private.h"

enum { SCRATCH_MIN = 4096 };

void lf_writer_forget(struct lf_log *log)
{
	if (log->scratch != NULL)
		explicit_bzero(log->scratch, log->scratch_size);
	lf_forget_stack_now();
}

/* Room for so many bytes until the next call. NULL where memory ran out. */
static uint8_t *scratch(struct lf_log *log, size_t length, struct lf_error *error)
{
	size_t size;
	uint8_t *grown;

	if (length <= log->scratch_size)
		return log->scratch;
	size = length < SCRATCH_MIN ? SCRATCH_MIN : length + length / 2;
	grown = malloc(size);
	if (grown == NULL) {
		lf_error_set(error, LF_UNAVAILABLE, "out of memory: a record has %zu bytes", length);
		return NULL;
	}
	free(log->scratch);
	log->scratch = grown;
	log->scratch_size = size;
	return grown;
}

enum lf_code lf_commit_decision(struct lf_log *log, const struct lf_decision_columns *columns,
	const struct lf_salt *salt, struct lf_digest *commitment, struct lf_error *error)
{
	const size_t length = lf_record_decision(columns, NULL);
	uint8_t *bytes = scratch(log, length, error);

	if (bytes == NULL)
		return error->code;
	lf_record_decision(columns, bytes);
	lf_commit(salt, bytes, length, commitment);
	return LF_OK;
}

enum lf_code lf_commit_rubric(struct lf_log *log, const struct lf_rubric_columns *columns, const struct lf_salt *salt,
	struct lf_digest *commitment, struct lf_error *error)
{
	const size_t length = lf_record_rubric(columns, NULL);
	uint8_t *bytes = scratch(log, length, error);

	if (bytes == NULL)
		return error->code;
	lf_record_rubric(columns, bytes);
	lf_commit(salt, bytes, length, commitment);
	return LF_OK;
}

enum lf_code lf_commit_activation(struct lf_log *log, const struct lf_activation_columns *columns,
	const struct lf_salt *salt, struct lf_digest *commitment, struct lf_error *error)
{
	const size_t length = lf_record_activation(columns, NULL);
	uint8_t *bytes = scratch(log, length, error);

	if (bytes == NULL)
		return error->code;
	lf_record_activation(columns, bytes);
	lf_commit(salt, bytes, length, commitment);
	return LF_OK;
}

enum lf_code lf_commit_act(struct lf_log *log, const struct lf_act_columns *columns, const struct lf_salt *salt,
	struct lf_digest *commitment, struct lf_error *error)
{
	const size_t length = lf_record_act(columns, NULL);
	uint8_t *bytes = scratch(log, length, error);

	if (bytes == NULL)
		return error->code;
	lf_record_act(columns, bytes);
	lf_commit(salt, bytes, length, commitment);
	return LF_OK;
}

enum lf_code lf_writer_add_leaf(struct lf_log *log, struct lf_item *item, enum lf_leaf_kind kind,
	const struct lf_digest *commitments, size_t count, struct lf_error *error)
{
	const bool first = log->leaves.tree.size == log->leaves.size_before;
	const uint64_t number = kind == LF_LEAF_DECISION ? item->decision.sequence : 0;

	if (!lf_leaves_add(&log->leaves, kind, number, item->at_us, commitments, count, &item->place))
		return lf_error_set(error, LF_UNAVAILABLE, "a transaction has too many leaves");
	if (first)
		log->first = item->place;
	return LF_OK;
}

void lf_item_refuse(const struct lf_item *item, struct lf_error *error)
{
	const enum lf_code code = item->refused_code != LF_OK ? item->refused_code : LF_FAILED_PRECONDITION;

	lf_error_set(error, code, "%s", item->refused);
}
