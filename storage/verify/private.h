/* Inside verification: shared by the files of this folder. Not for others. */
#ifndef LF_STORAGE_VERIFY_PRIVATE_H
#define LF_STORAGE_VERIFY_PRIVATE_H

#include "storage/verify/verify.h"

/* ---- rows.c: rows of the audit, copied, so that no reader of the log is held while they are looked at ---- */

struct lf_rows {
	struct lf_audit_row *rows;
	size_t count, capacity;
	size_t bytes;                /* of records and pairs */
	struct lf_row_block *blocks; /* what the rows point to */
	bool out_of_memory;
};
/*
 * Forgets what it holds and reads the leaves [first, first + count); fewer where the log ends, or after 8 MiB: at least
 * one. Any row may say that it is missing.
 */
enum lf_code lf_rows_read(
	struct lf_rows *rows, struct lf_log *log, uint64_t first, size_t count, struct lf_error *error);
void lf_rows_clean_up(struct lf_rows *rows);
/* The leaf hash of parts and the row's pairs. false when memory ran out. */
bool lf_leaf_of_parts(const struct lf_audit_row *row, enum lf_leaf_kind kind, uint64_t number, int64_t time_us,
	const struct lf_digest *parts, struct lf_digest *hash);

/* ---- pairs.c: what became of commitments, by all ERASURE and PRUNING leaves that are right ---- */

struct lf_pairs; /* some 32 bytes a pair */
struct lf_pairs *lf_pairs_new(void);
void lf_pairs_free(struct lf_pairs *pairs);
/*
 * Reads the leaves that came since the last time. Leaves that are wrong are left out: whatever relies on them is not
 * accounted for.
 */
enum lf_code lf_pairs_refresh(struct lf_pairs *pairs, struct lf_log *log, struct lf_error *error);
/*
 * Whether one or more pairs lead from a commitment to another (NULL: to its deletion). *erased, *pruned: set where such
 * a leaf did.
 */
bool lf_pairs_lead(const struct lf_pairs *pairs, const struct lf_digest *from, const struct lf_digest *to, bool *erased,
	bool *pruned);

/* Whether a leaf was left out, and the first one's position. */
bool lf_pairs_wrong(const struct lf_pairs *pairs, uint64_t *position);

/* ---- leaf.c: one leaf ---- */

/* A payload as it is stored. */
struct lf_stored_payload {
	uint64_t id; /* 0 = a free place in the cache */
	bool there, malformed;
	bool digest_of_bytes,
		digest_is_commitment; /* what the stored digest is; the second of a payload that was replaced */
	bool proved;                  /* a leaf that has its commitment was right */
	enum lf_payload_kind kind;
	struct lf_digest commitment; /* of the bytes and salt that are stored */
};

/* Payloads by id: the last one of each place. All zero is an empty one. */
struct lf_payload_cache {
	struct lf_stored_payload *places; /* made at the first use */
	uint64_t bytes;                   /* hashed so far */
};
void lf_payload_cache_forget_all(struct lf_payload_cache *cache);
void lf_payload_cache_clean_up(struct lf_payload_cache *cache);
/*
 * Reads and hashes it where it is not there. NULL: it can't be read now, and error says why. Valid until the next call.
 */
struct lf_stored_payload *lf_payload_cache_find(
	struct lf_payload_cache *cache, struct lf_log *log, uint64_t id, struct lf_error *error);
void lf_payload_cache_forget(struct lf_payload_cache *cache, uint64_t id);

/* What a leaf is worked out with. */
struct lf_leaf_tools {
	struct lf_log *log;
	struct lf_payload_cache payloads;
	struct lf_pairs *pairs;
	bool pairs_read;
};

enum { LF_LEAF_PARTS_MAX = 1 + LF_AUDIT_PAYLOADS_MAX, LF_FINDING_TEXT_MAX = LF_VERIFY_WRONG_MAX };

struct lf_leaf_state {
	struct lf_digest parts[LF_LEAF_PARTS_MAX]; /* the commitments that the leaf must have: record, payloads */
	struct lf_digest hash;                     /* of the leaf with them */
	bool matches;                              /* it is the stored one */
	bool erased, pruned;                       /* in part at least, and accounted for */
	char odd[200];                             /* what can't be right whatever the leaf says; "" = nothing */
};
/* Works the leaf of a row out; row->missing is NULL. error: something can't be read. */
enum lf_code lf_leaf_work_out(struct lf_leaf_tools *tools, const struct lf_audit_row *row, struct lf_leaf_state *state,
	struct lf_error *error);
/* "team", "project", "rubric": a payload of the leaf of that kind. */
const char *lf_part_name(enum lf_leaf_kind kind, size_t payload);

/* ---- explain.c ---- */

/*
 * What was altered in a row whose leaf does not match, in words. Proved, where giving one column another value that is
 * in the neighbourhood (or can be guessed) gives the leaf's hash; else the parts that it can be.
 */
void lf_leaf_explain(struct lf_leaf_tools *tools, const struct lf_audit_row *row, const struct lf_leaf_state *state,
	char text[LF_FINDING_TEXT_MAX]);

#endif
