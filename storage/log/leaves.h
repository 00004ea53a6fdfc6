/*
 * The tree as a transaction makes it grow: the log adds a leaf for each record, and the backend stores the leaves and
 * what they complete. Part of the backend's contract (backend.h).
 */
#ifndef LF_STORAGE_LOG_LEAVES_H
#define LF_STORAGE_LOG_LEAVES_H

#include "storage/tlog/leaf.h"
#include "storage/tlog/tree.h"

enum { LF_LEAVES_NODES_MAX = 64 }; /* a transaction completes far fewer: it adds some hundreds of leaves */

struct lf_leaves {
	struct lf_tree tree;
	/* Completed since the transaction began, to be stored by commit(). */
	struct lf_node nodes[LF_LEAVES_NODES_MAX];
	size_t node_count;
	uint64_t size_before; /* of the tree when the transaction began */
};

/* What the backend stores of a leaf. */
struct lf_leaf_place {
	uint64_t position;
	struct lf_digest hash;
};

/*
 * Adds the leaf of a record. number 0: the position itself is the number. false where the transaction has too many
 * leaves: it must fail. A migration adds any number: it takes the nodes away (node_count = 0) as it stores them.
 */
bool lf_leaves_add(struct lf_leaves *leaves, enum lf_leaf_kind kind, uint64_t number, int64_t time_us,
	const struct lf_digest *commitments, size_t commitment_count, struct lf_leaf_place *place);

/*
 * Canonical bytes of records (messages of proto/leadfit/v1/record.proto, packed: fields by number, defaults left out).
 * Each returns the length, and writes where out is not NULL; strings may be NULL for "".
 */
struct lf_decision_columns { /* DecisionRecord */
	uint64_t sequence;
	const uint8_t *id; /* 16 bytes */
	int64_t decided_at_us;
	const char *caller, *team, *project, *rubric, *recommended;
	uint32_t outcome, purpose;
	const struct lf_digest *candidates;     /* of the list of candidates */
	const struct lf_digest *request_digest; /* NULL: it had no idempotency key */
	const uint8_t *answer;
	size_t answer_length;
};
size_t lf_record_decision(const struct lf_decision_columns *columns, uint8_t *out);
struct lf_rubric_columns { /* RubricRecord */
	const char *name, *title, *put_by;
	int64_t put_at_us;
};
size_t lf_record_rubric(const struct lf_rubric_columns *columns, uint8_t *out);
struct lf_activation_columns { /* ActivationRecord */
	const char *name, *caller;
	int64_t activated_at_us;
	const struct lf_digest *from; /* NULL: none was active */
	const struct lf_digest *to;   /* NULL: none is from then on */
};
size_t lf_record_activation(const struct lf_activation_columns *columns, uint8_t *out);
struct lf_act_columns { /* ActRecord */
	enum lf_leaf_kind kind;
	const char *caller;
	int64_t at_us;
	uint64_t decision_sequence; /* 0: none */
	const uint8_t *body;
	size_t body_length;
};
size_t lf_record_act(const struct lf_act_columns *columns, uint8_t *out);

#endif
