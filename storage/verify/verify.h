/*
 * Verifying a log: everything that its leaves commit to is computed again from what is stored, and compared.
 *
 *   bytes and salts -> commitments -> leaf hashes -> nodes of 256, of 65,536, ... leaves -> the root of the head
 *
 * Each step is compared with what is stored of it, and then goes on from what is stored, so that an alteration is told
 * at the lowest level that shows it, and not again at each above. Bytes that were replaced by an erasure or a pruning
 * must be accounted for: from the commitment that the leaf has, pairs in ERASURE and PRUNING leaves that are themselves
 * right must lead to the commitment of what is stored now.
 *
 * Works on a live log, beside its writer: what a redaction changes under it is looked at again before it is called
 * wrong.
 */
#ifndef LF_STORAGE_VERIFY_VERIFY_H
#define LF_STORAGE_VERIFY_VERIFY_H

#include "storage/log/log.h"

enum { LF_VERIFY_ALIGN = 256 }; /* slices begin at a multiple of it */

/* One thing that is wrong. Valid during the call. */
struct lf_verify_finding {
	/* of the leaf; of the first leaf that a node covers; of the tree's size where it is about the head */
	uint64_t position;
	enum lf_leaf_kind kind; /* 0: it is about no single record */
	uint64_t sequence;      /* of a decision; 0: none, or not known */
	struct lf_uuid decision;
	bool has_decision;
	const char *what; /* in words, without the position, kind and id */
};
typedef void (*lf_verify_finding_fn)(void *context, const struct lf_verify_finding *finding);

/* What was looked at so far. */
struct lf_verify_totals {
	uint64_t records, bytes; /* leaves; bytes of records and payloads that were hashed (a payload once, mostly) */
	uint64_t erased, pruned; /* records that were erased or pruned, in whole or part, with a leaf that says so */
	uint64_t findings;
};

/* One going-through; used by one thread at a time, several may share a log. */
struct lf_verify;
/* Borrows the log. NULL when memory ran out. */
struct lf_verify *lf_verify_new(struct lf_log *log);
void lf_verify_free(struct lf_verify *verify);
/* Forgets totals and what was read of payloads, so that they are read again; keeps what erasures and prunings say. */
void lf_verify_restart(struct lf_verify *verify);

/*
 * Looks at the leaves from first (a multiple of LF_VERIFY_ALIGN) up to size, at most a committed head's, for about
 * ms_max milliseconds, and at the nodes that these complete. *next: where to go on, a multiple of LF_VERIFY_ALIGN; 0
 * where everything before size was looked at. Findings come by rising position, but for those about nodes, which come
 * after those about their leaves. A finding is no failure: codes other than OK mean that it could not be looked at.
 * Blocks on reads.
 */
enum lf_code lf_verify_slice(struct lf_verify *verify, uint64_t first, uint64_t size, unsigned ms_max,
	lf_verify_finding_fn finding, void *context, uint64_t *next, struct lf_error *error);
/*
 * The root of the first size leaves, from the stored nodes and the leaves behind them; where head (may be NULL) is of
 * that size, it is compared with. *known: false where a hash is missing, which is a finding.
 */
enum lf_code lf_verify_root(struct lf_verify *verify, uint64_t size, const struct lf_tree_head *head,
	lf_verify_finding_fn finding, void *context, struct lf_digest *root, bool *known, struct lf_error *error);
const struct lf_verify_totals *lf_verify_totals(const struct lf_verify *verify);

/*
 * What records say, storage does not know: judge is asked about each ERASURE and PRUNING, and about each decision whose
 * record, team or project was replaced, where the leaf is right and the replacement accounted for. What it writes to
 * wrong ("" before) is a finding. The row is valid during the call, which must not verify. Until lf_verify_restart().
 */
enum { LF_VERIFY_WRONG_MAX = 400 };
typedef void (*lf_verify_judge_fn)(void *context, const struct lf_audit_row *row, char wrong[LF_VERIFY_WRONG_MAX]);
void lf_verify_set_judge(struct lf_verify *verify, lf_verify_judge_fn judge, void *context);

#endif
