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

/* A log in memory, which several stores may have. */
struct memory {
	pthread_mutex_t lock;
	pthread_cond_t turn;
	struct lf_store *owner; /* whose turn it is; NULL = nobody's */
	size_t opened;
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
	struct lf_tail tail; /* as it was committed */
	unsigned server;     /* which one it is at */
};

struct lf_store {
	struct memory *memory;
	bool begun;
	uint64_t size;   /* of the tree when it began */
	unsigned server; /* at which it began last */
};

struct lf_reader {
	struct memory *memory;
};

/* memory_evidence.c. The memory is locked by the caller of those without an error. */

/* What a payload of an item finds; the payload of an item, added where there is none. */
void memory_find_payload(const struct memory *memory, enum lf_payload_kind kind, struct lf_item_payload *payload);
uint64_t memory_payload(struct memory *memory, enum lf_payload_kind kind, const struct lf_item_payload *payload);
void memory_add_leaf(struct memory *memory, const struct lf_item *item, enum lf_leaf_kind kind, uint64_t record);
/* Columns of a record. */
struct lf_decision_columns memory_decision_columns(const struct row *row);
struct lf_act_columns memory_act_columns(const struct act *act);
struct lf_bytes memory_copy_bytes(struct lf_bytes bytes);
void memory_prepare_act(struct memory *memory, struct lf_item *item);
void memory_write_act(struct memory *memory, struct lf_item *item);

/* memory_redact.c */
void memory_prepare_redaction(struct memory *memory, struct lf_item *item);
void memory_write_redaction(struct memory *memory, struct lf_item *item);
void memory_replace(struct memory *memory);             /* at a commit */
void memory_forget_replacements(struct memory *memory); /* at its end, and at a rollback */
/* What the transaction under way makes of it, where it replaces it; else NULL. */
const struct replacement *memory_replacement(const struct memory *memory, int what, uint64_t id);
/* The commitment that leaves have; NULL where it was not replaced. */
const struct lf_digest *memory_original(const struct memory *memory, int what, uint64_t id);
enum lf_code memory_list_payloads(struct lf_reader *reader, enum lf_payload_kind kind, uint64_t after, size_t limit,
	void (*visit)(void *context, const struct lf_payload_row *row), void *context, uint64_t *next,
	struct lf_error *error);

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
