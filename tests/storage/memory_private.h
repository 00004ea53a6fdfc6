/* Inside the memory backend: shared by memory_backend.c and memory_evidence.c. */
#ifndef LF_TESTS_STORAGE_MEMORY_PRIVATE_H
#define LF_TESTS_STORAGE_MEMORY_PRIVATE_H

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/limits.h"
#include "storage/log/backend.h"

struct row {
	struct lf_stored *stored; /* one block */
	char key[129], candidates[4][129];
	size_t candidate_count;
	struct lf_digest request_digest, candidates_digest;
	struct lf_salt salt;
};

struct version {
	struct lf_rubric_row *row; /* one block; active is worked out from the acts */
	uint64_t payload;
};

struct activation {
	char name[129], caller[129];
	int64_t at_us;
	bool had_from, has_to;
	struct lf_digest from, to;
};

struct leaf {
	enum lf_leaf_kind kind;
	uint64_t record; /* sequence of the decision; place of the version, activation or act, from 1 */
	struct lf_digest hash;
	struct lf_salt salt; /* of the record */
};

struct act {
	struct lf_act_row row; /* body is a block of its own */
	char caller[129];
	struct lf_digest *pairs;
	size_t pair_count;
};

/* What was replaced, and the commitment that leaves have of it. */
struct redacted {
	int what; /* LF_REDACT_ */
	uint64_t id;
	struct lf_digest original;
};

/* What a commit will replace. bytes are a block. */
struct replacement {
	struct lf_redact_item item;
	char recommended[129], candidates[4][129];
	struct lf_digest candidates_digest, old, new;
	struct lf_salt salt;
};

struct lf_store {
	pthread_mutex_t lock;
	bool opened;
	struct row *rows;
	size_t row_count, row_visible;
	struct version *versions;
	size_t version_count, version_visible;
	struct activation *activations;
	size_t activation_count, activation_visible;
	struct lf_payload_row *payloads; /* bodies are blocks of their own; id is the place, from 1 */
	size_t payload_count, payload_visible;
	struct leaf *leaves;
	size_t leaf_count, leaf_visible;
	struct act *acts;
	size_t act_count, act_visible;
	struct redacted *redacted;
	size_t redacted_count;
	struct replacement *replacements; /* of the transaction under way */
	size_t replacement_count;
	struct lf_tree_head head;
};

struct lf_reader {
	struct lf_store *store;
};

/* memory_evidence.c. The store is locked by the caller of those without an error. */

/* The payload of these bytes, added where there is none; its commitment. */
uint64_t memory_payload(struct lf_store *store, enum lf_payload_kind kind, struct lf_bytes body,
	const struct lf_digest *digest, const struct lf_salt *salt, struct lf_digest *commitment);
uint64_t memory_find_payload(const struct lf_store *store, enum lf_payload_kind kind, const struct lf_digest *digest);
void memory_commitment(const struct lf_store *store, uint64_t payload, struct lf_digest *commitment);
/* Each adds the leaf of the newest of its kind. */
bool memory_decision_leaf(struct lf_store *store, struct lf_leaves *leaves);
bool memory_rubric_leaf(struct lf_store *store, struct lf_leaves *leaves, const struct lf_salt *salt);
bool memory_activation_leaf(struct lf_store *store, struct lf_leaves *leaves, const struct lf_salt *salt);

/* Adds a leaf; commitments[0] is made here, of the record's bytes, which are released. */
bool memory_add_leaf(struct lf_store *store, struct lf_leaves *leaves, enum lf_leaf_kind kind, uint64_t record,
	int64_t time_us, const struct lf_salt *salt, uint8_t *bytes, size_t length, struct lf_digest *commitments,
	size_t count, uint64_t *position);
/* Canonical bytes of a record; free() releases. */
uint8_t *memory_decision_bytes(const struct row *row, size_t *length);
uint8_t *memory_act_bytes(const struct act *act, size_t *length);
struct lf_bytes memory_copy_bytes(struct lf_bytes bytes);

/* memory_redact.c */
enum lf_code memory_redact(struct lf_store *store, struct lf_redact *redact, const struct lf_salt *salts,
	struct lf_leaves *leaves, struct lf_error *error);
void memory_replace(struct lf_store *store);             /* at a commit */
void memory_forget_replacements(struct lf_store *store); /* at its end, and at a rollback */
/* The commitment that leaves have; NULL where it was not replaced. */
const struct lf_digest *memory_original(const struct lf_store *store, int what, uint64_t id);
enum lf_code memory_list_payloads(struct lf_reader *reader, enum lf_payload_kind kind, uint64_t after, size_t limit,
	void (*visit)(void *context, const struct lf_payload_row *row), void *context, uint64_t *next,
	struct lf_error *error);

enum lf_code memory_put_act(struct lf_store *store, struct lf_act_put *put, const struct lf_salt *salt,
	struct lf_leaves *leaves, struct lf_error *error);
enum lf_code memory_tail_hashes(struct lf_store *store, unsigned level, uint64_t first, size_t count,
	struct lf_digest *hashes, struct lf_error *error);
enum lf_code memory_list_acts(struct lf_reader *reader, enum lf_leaf_kind kind, const struct lf_uuid *decision,
	uint64_t after, size_t limit, void (*visit)(void *context, const struct lf_act_row *row), void *context,
	uint64_t *next, struct lf_error *error);
enum lf_code memory_head(struct lf_reader *reader, struct lf_tree_head *head, struct lf_error *error);
enum lf_code memory_hashes(struct lf_reader *reader, unsigned level, uint64_t first, size_t count,
	struct lf_digest *hashes, struct lf_error *error);
enum lf_code memory_find_leaf(
	struct lf_reader *reader, const struct lf_uuid *decision, uint64_t *position, struct lf_error *error);
enum lf_code memory_audit(struct lf_reader *reader, uint64_t first, size_t limit,
	void (*visit)(void *context, const struct lf_audit_row *row), void *context, uint64_t *next,
	struct lf_error *error);
enum lf_code memory_get_payload(
	struct lf_reader *reader, uint64_t id, struct lf_payload_row **row, struct lf_error *error);

#endif
