/*
 * What a verification can't tell from hashes: what erasures and prunings say of themselves, and whether what they
 * replaced looks like their work. Whoever can write the log's file can append one that is right in itself and accounts
 * for anything: so they are listed, for whoever knows what was ordered.
 */
#ifndef LF_SERVICE_AUDIT_REDACTION_CHECK_H
#define LF_SERVICE_AUDIT_REDACTION_CHECK_H

#include "proto/base/arena.h"
#include "storage/verify/verify.h"

enum { LF_REDACTIONS_NOTED_MAX = 20 };

/* The most recent erasures and prunings that a verification has met. */
struct lf_redaction_check {
	struct lf_arena arena; /* of one record */
	struct lf_noted_redaction {
		uint64_t position;
		enum lf_leaf_kind kind;
		int64_t at_us;
		char *caller, *reason; /* cut after LF_TEXT_BYTES_MAX; "" where memory ran out */
		uint32_t decisions, payloads, acts;
	} newest[LF_REDACTIONS_NOTED_MAX]; /* the one of count n is at n modulo their number */
	uint64_t count;
};

/* It must not move afterwards. */
void lf_redaction_check_init(struct lf_redaction_check *check);
void lf_redaction_check_clean_up(struct lf_redaction_check *check);

/*
 * For lf_verify_set_judge(); context is the check. Notes erasures and prunings. A finding is one whose number of
 * replacements is not what its body says; and a decision that was replaced, itself or what it refers to, without being
 * what erase.c and prune.c leave: frozen, pruned, or without the digest of its request.
 */
void lf_redaction_check_row(void *context, const struct lf_audit_row *row, char wrong[LF_VERIFY_WRONG_MAX]);

/* How many of them are kept. */
size_t lf_redaction_check_count(const struct lf_redaction_check *check);
/* The i-th of those that are kept, by rising position. Borrowed from check. */
const struct lf_noted_redaction *lf_redaction_check_at(const struct lf_redaction_check *check, size_t i);

#endif
