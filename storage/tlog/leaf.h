/*
 * A leaf: what the tree commits to about one record. Kind, number, time and commitments; never an id, key, caller or
 * text.
 *
 * A commitment is SHA-256(salt || canonical bytes), with 32 random bytes of salt that are kept beside the bytes. Who
 * has bytes and salt can check it; who has neither learns nothing, also when the salt is deleted one day.
 *
 * Leaf bytes, integers big-endian:
 *
 *   1   version, 1
 *   1   kind
 *   8   number: of a decision its sequence; of anything else its position in the tree
 *   8   time, microseconds since 1970
 *   4   how many commitments follow
 *  32   each of them
 *
 * Commitments by kind: DECISION record, team, project, rubric · RUBRIC record, rubric · ACTIVATION, OUTCOME, MIGRATION,
 * DEFAULT, JOB, ACCESS record · ERASURE, PRUNING record, then pairs of old and new: what the commitment of something
 * earlier became (new all zero: deleted without a successor). A record's canonical bytes are a message of
 * proto/leadfit/v1/record.proto.
 */
#ifndef LF_TLOG_LEAF_H
#define LF_TLOG_LEAF_H

#include "storage/tlog/hash.h"

/* Stored: never renumber. */
enum lf_leaf_kind {
	LF_LEAF_DECISION = 1,
	LF_LEAF_RUBRIC = 2,
	LF_LEAF_ACTIVATION = 3,
	LF_LEAF_OUTCOME = 4,
	LF_LEAF_ERASURE = 5,
	LF_LEAF_PRUNING = 6,
	LF_LEAF_MIGRATION =
		7, /* the records before it were made before there was a tree, and are proved from here on only */
	LF_LEAF_DEFAULT = 8, /* which rubric a request gets that names none */
	LF_LEAF_JOB = 9,     /* that an erasure or a pruning is to be done, and how it ended */
	LF_LEAF_ACCESS = 10, /* who looked: a call, or a minute's calls, counted */
};
enum { LF_LEAF_KIND_MAX = LF_LEAF_ACCESS };

struct lf_salt {
	uint8_t bytes[32];
};

/* SHA-256(salt || bytes). */
void lf_commit(const struct lf_salt *salt, const void *data, size_t length, struct lf_digest *commitment);

struct lf_leaf {
	enum lf_leaf_kind kind;
	uint64_t number;
	int64_t time_us;
	const struct lf_digest *commitments;
	size_t commitment_count;
};

enum { LF_LEAF_HEADER_BYTES = 22 };
/* LF_LEAF_HEADER_BYTES + 32 a commitment. */
size_t lf_leaf_size(const struct lf_leaf *leaf);
/* Writes lf_leaf_size() bytes. */
void lf_leaf_write(const struct lf_leaf *leaf, uint8_t *out);
/* Reads one; its commitments point into data. false where the bytes are no leaf. */
bool lf_leaf_read(const uint8_t *data, size_t length, struct lf_leaf *leaf);
/* The leaf hash, without writing the leaf out. */
void lf_leaf_digest(const struct lf_leaf *leaf, struct lf_digest *hash);
/* "decision", "rubric", ... */
const char *lf_leaf_kind_name(enum lf_leaf_kind kind);

#endif
