/*
 * Inside the SQLite backend, file by file, from the bottom to the top: a file calls those above it in this header only.
 * What all of them stand on is in store.h, caches.h and reader.h.
 *
 * What a store or a record is given to is the writer side, called by one thread at a time; what a reader is given to,
 * by whoever has that reader. Functions that return an int give SQLITE_OK or SQLite's error.
 */
#ifndef LF_STORAGE_SQLITE_PRIVATE_H
#define LF_STORAGE_SQLITE_PRIVATE_H

#include <sys/types.h>

#include "storage/sqlite/reader.h"
#include "storage/sqlite/store.h"

/* ---- waiting_rows.c ---- */

/*
 * Tables new_decision, new_chain and new_leaf for the writing connection: what waits in the store. Before its
 * statements are prepared.
 */
int lf_sqlite_add_waiting_tables(struct lf_store *store);

/* ---- tree.c: leaves, nodes and head ---- */

/*
 * Adds a record's leaf to what the transaction writes. record: as in the table, of a decision its sequence. salt: of a
 * RUBRIC or ACTIVATION record; else NULL. SQLITE_OK or an error.
 */
int lf_sqlite_add_leaf(struct lf_store *store, enum lf_leaf_kind kind, int64_t record,
	const struct lf_leaf_place *place, const struct lf_salt *salt);
/* Write the leaves that wait; the nodes that were completed; the head. */
int lf_sqlite_write_leaves(struct lf_store *store);
int lf_sqlite_write_nodes(struct lf_store *store, const struct lf_leaves *leaves);
int lf_sqlite_write_head(struct lf_store *store, uint64_t size, const struct lf_digest *root);
enum lf_code lf_sqlite_tail_hashes(struct lf_store *store, unsigned level, uint64_t first, size_t count,
	struct lf_digest *hashes, struct lf_error *error);
/* The newest committed things, and this transaction's. */
enum lf_code lf_sqlite_tail(struct lf_store *store, struct lf_tail *tail, struct lf_error *error);
/* Whether the head of an open database follows from its leaves and nodes. FAILED_PRECONDITION with the reason. */
enum lf_code lf_sqlite_probe_tree(sqlite3 *db, struct lf_error *error);

enum lf_code lf_sqlite_head(struct lf_reader *reader, struct lf_tree_head *head, struct lf_error *error);
enum lf_code lf_sqlite_hashes(struct lf_reader *reader, unsigned level, uint64_t first, size_t count,
	struct lf_digest *hashes, struct lf_error *error);
enum lf_code lf_sqlite_find_leaf(
	struct lf_reader *reader, const struct lf_uuid *decision, uint64_t *position, struct lf_error *error);

/* ---- probe.c ---- */

/* An open database's user_version. SQLITE_OK or an error. */
int lf_sqlite_schema_of(sqlite3 *db, uint32_t *schema);
/*
 * Probes an open database, of its own schema: schema, first and last rows, what the last decision refers to.
 * FAILED_PRECONDITION with the reason.
 */
enum lf_code lf_sqlite_probe(sqlite3 *db, struct lf_error *error);

/* ---- file.c: everything about the file that SQLite does not do ---- */

/* A path as a URI of SQLite, with a query. NULL when memory ran out; free() releases. */
char *lf_sqlite_uri_of(const char *path, const char *query);
/* Makes the file with its schema, whole or not at all. */
enum lf_code lf_sqlite_create(struct lf_store *store, struct lf_error *error);
/* fsync() of what has this name. 0 or an errno. */
int lf_sqlite_sync_file(const char *path);
/* path + suffix. NULL when memory ran out; free() releases. */
char *lf_sqlite_suffixed(const char *path, const char *suffix);
/* The size of path + suffix; -1 where there is none. */
off_t lf_sqlite_size_of(const char *path, const char *suffix);
/* Refuses what is not a sound log of this schema, and leaves it untouched. Uses the path of the store alone. */
enum lf_code lf_sqlite_inspect(struct lf_store *store, struct lf_error *error);

/* ---- claim.c: whose the file is ---- */

/* lf_file_resolve() */
char *lf_sqlite_resolve(const char *location, struct lf_error *error);
/* Sets path, lock_path, lock, and file where there is one. */
enum lf_code lf_sqlite_claim(struct lf_store *store, const char *location, bool *create, struct lf_error *error);
/* Takes the lock by name, of store->path. */
enum lf_code lf_sqlite_lock(struct lf_store *store, struct lf_error *error);
/*
 * Takes the lock of the file that has store->path now, and gives back that of any other: FAILED_PRECONDITION where
 * another has it, under whatever name. Shared: it is only read. OK with store->file -1: there is no such file. Not while
 * SQLite has the file open.
 */
enum lf_code lf_sqlite_hold(struct lf_store *store, bool shared, struct lf_error *error);
/* Gives both locks back. Not while SQLite has the file open. */
void lf_sqlite_release(struct lf_store *store);

/* ---- watch.c: the file under our feet (F6) ---- */

/* Begins to watch FILE and its WAL, which the writing connection has open. */
enum lf_code lf_sqlite_watch(struct lf_store *store, struct lf_error *error);
/* DATA_LOSS where either is not what it was; between transactions. */
enum lf_code lf_sqlite_look(struct lf_store *store, struct lf_error *error);
/* After a checkpoint, which is all that changes FILE. */
void lf_sqlite_note_size(struct lf_store *store);

/* ---- room.c: on the disk (F7) ---- */

/* Brings the WAL into FILE, and cuts it to nothing. SQLITE_BUSY: a reader holds on to it. */
int lf_sqlite_cut_wal(struct lf_store *store);
/* Any thread. */
void lf_sqlite_measure(struct lf_store *store, struct lf_log_bytes *bytes);
/* After a commit: RESOURCE_EXHAUSTED where there is too little for another. */
enum lf_code lf_sqlite_keep_room(struct lf_store *store, struct lf_error *error);
/* Before a transaction: RESOURCE_EXHAUSTED where there was too little, and still is. */
enum lf_code lf_sqlite_check_room(struct lf_store *store, struct lf_error *error);
/* Where there was too little: does what can be done about it, and looks whether there is enough to go on. */
enum lf_code lf_sqlite_return_room(struct lf_store *store, struct lf_error *error);

/*
 * ---- write.c: decisions, and what others of the writer side use of it. Those that prepare or write an item of the
 * vtable's give SQLITE_OK or an error ----
 */

int lf_sqlite_prepare_decision(struct lf_store *store, struct lf_item *item);
int lf_sqlite_write_decision(struct lf_store *store, struct lf_item *item);
/* The row of a name, made where absent. */
int lf_sqlite_intern(struct lf_store *store, enum lf_name_kind kind, const char *text, int64_t *id);
/* The row of a list of candidates, made where absent with those who are in it. */
int lf_sqlite_intern_candidates(struct lf_store *store, const char *const *candidates, size_t count,
	const struct lf_digest *digest, int64_t *id);
/* Writes the decisions that wait: before anything reads them in their transaction, and at its end. */
int lf_sqlite_write_decisions(struct lf_store *store);
/* Writes the ends of the chains that this transaction made longer: once each, however many decisions it added. */
int lf_sqlite_write_heads(struct lf_store *store);
/* The payload's row, made where it is neither stored nor repeated. *row: as it was found, where stored. */
/* The commitment that leaves have of what was replaced since; original NULL: it was not. */
int lf_sqlite_store_original(struct lf_store *store, int kind, int64_t target, const struct lf_digest *original);
int lf_sqlite_store_payload(
	struct lf_store *store, enum lf_payload_kind kind, const struct lf_item_payload *payload, int64_t *row);

/* ---- store.c: transactions, and the end of a store ---- */

enum lf_code lf_sqlite_begin(struct lf_store *store, struct lf_tail *tail, struct lf_error *error);
/* Of the last commit. On the writer's thread, as all of these. */
uint64_t lf_sqlite_sync_ns(const struct lf_store *store);
enum lf_code lf_sqlite_commit(struct lf_store *store, const struct lf_tail *tail, const struct lf_leaves *leaves,
	bool more, struct lf_error *error);
void lf_sqlite_rollback(struct lf_store *store);
enum lf_code lf_sqlite_maintain(struct lf_store *store, struct lf_error *error);
enum lf_code lf_sqlite_probe_write(struct lf_store *store, struct lf_error *error);
/* Releases everything; rolls back an open transaction. Also of a store that failed to open. */
void lf_sqlite_close(struct lf_store *store);
void lf_sqlite_discard(struct lf_store *store);

/* ---- write_rubric.c ---- */

int lf_sqlite_prepare_rubric(struct lf_store *store, struct lf_item *item);
int lf_sqlite_write_rubric(struct lf_store *store, struct lf_item *item);
int lf_sqlite_prepare_activation(struct lf_store *store, struct lf_item *item);
int lf_sqlite_write_activation(struct lf_store *store, struct lf_item *item);

/* ---- act.c ---- */

struct lf_act_add {
	struct lf_act_columns columns;
	const struct lf_salt *salt;
	const struct lf_leaf_place *place;
	const struct lf_digest *pairs; /* an erasure's or a pruning's: 2 * pair_count */
	size_t pair_count;
};
/* Stores an act: its row, of which it gives the id, and its leaf. SQLITE_OK or an error. */
int lf_sqlite_add_act(struct lf_store *store, const struct lf_act_add *add, uint64_t *id);
int lf_sqlite_prepare_act(struct lf_store *store, struct lf_item *item);
int lf_sqlite_write_act(struct lf_store *store, struct lf_item *item);
enum lf_code lf_sqlite_list_acts(struct lf_reader *reader, enum lf_leaf_kind kind, const struct lf_uuid *decision,
	uint64_t after, size_t limit, void (*visit)(void *context, const struct lf_act_row *row), void *context,
	uint64_t *next, struct lf_error *error);

/* ---- relink.c, for redact.c ---- */

/* Rare enough to be prepared for each redaction. */
enum lf_redact_statement {
	E_PAYLOAD,
	E_PAYLOAD_SET,
	E_LATER,
	E_DECISION,
	E_DECISION_LINKS,
	E_DECISION_SET,
	E_KEY_DROP,
	E_ACT,
	E_ACT_SET,
	E_ORIGINAL,
	E_SKIP_NEXT,
	E_SKIP_ADD,
	E_SKIP_DROP,
	E_SKIPS_DROP,
	E_CHAIN_DROP,
	E_PREVIOUS,
	E_PREVIOUS_SET,
	E_MEMBERS,
	E_MEMBERS_DROP,
	E_MEMBER_ANY,
	E_NAME_DROP,
	E_COUNT
};

struct lf_redactor {
	struct lf_store *store;
	sqlite3_stmt *statements[E_COUNT];
};

/* What is stored contradicts itself, though SQLite reads it well: the transaction is given up, and the log goes on. */
enum { LF_SQLITE_CONTRADICTION = SQLITE_MISMATCH };

/* Each gives SQLITE_OK or an error; LF_SQLITE_CONTRADICTION where a chain is broken. */

/*
 * Puts a decision into the chain of a list of candidates, in the order of the sequence, and gives the one before it: 0
 * where it is the first. The decision itself is not written to.
 */
int lf_sqlite_chain_insert(struct lf_redactor *redactor, int64_t entity, int64_t sequence, int64_t *previous);
/*
 * Takes it out again. previous: the one before it in that chain. A list without a decision is forgotten, and so is
 * everybody who was in no other list.
 */
int lf_sqlite_chain_remove(struct lf_redactor *redactor, int64_t entity, int64_t sequence, int64_t previous);

/* ---- redact.c; writing gives LF_SQLITE_CONTRADICTION, too ---- */

int lf_sqlite_prepare_redaction(struct lf_store *store, struct lf_item *item);
int lf_sqlite_write_redaction(struct lf_store *store, struct lf_item *item);

/* ---- migrate.c ---- */

/*
 * Brings the open database from an older schema to LF_SQLITE_SCHEMA and prepares store->statements; or leaves it as it was.
 * Codes as those of opening.
 */
enum lf_code lf_sqlite_migrate(struct lf_store *store, const struct lf_log_options *options, struct lf_error *error);

/* ---- vacuum.c ---- */

enum lf_code lf_sqlite_vacuum(struct lf_store *store, struct lf_chore *chore, struct lf_error *error);

/* ---- backup.c ---- */

enum lf_code lf_sqlite_backup_step(
	struct lf_store *store, struct lf_chore *chore, bool cancel, bool *more, struct lf_error *error);
enum lf_code lf_sqlite_backup_finish(struct lf_store *store, struct lf_chore *chore, struct lf_error *error);
/* Takes back one that is under way. */
void lf_sqlite_backup_abandon(struct lf_store *store);

/* ---- read.c: single things ---- */

enum lf_code lf_sqlite_find_key(struct lf_reader *reader, const char *caller, const char *key,
	const struct lf_digest *request_digest, struct lf_uuid *id, struct lf_error *error);
enum lf_code lf_sqlite_get(
	struct lf_reader *reader, const struct lf_uuid *id, struct lf_stored **stored, struct lf_error *error);
enum lf_code lf_sqlite_get_rubric(struct lf_reader *reader, const char *name, const struct lf_digest *digest,
	struct lf_rubric_row **row, struct lf_error *error);
enum lf_code lf_sqlite_list_rubrics(struct lf_reader *reader, const char *name,
	void (*visit)(void *context, const struct lf_rubric_row *row), void *context, struct lf_error *error);
enum lf_code lf_sqlite_list_activations(struct lf_reader *reader, const char *name,
	void (*visit)(void *context, const struct lf_activation_row *row), void *context, struct lf_error *error);
enum lf_code lf_sqlite_was_active(
	struct lf_reader *reader, const struct lf_digest *digest, bool *was_active, struct lf_error *error);
/* Fills row from a statement with the columns of R_ROW, of which texts stay valid until it is reset. DATA_LOSS where it
 * contradicts itself. */
enum lf_code lf_sqlite_fill_row(sqlite3_stmt *statement, struct lf_stored *row, struct lf_error *error);

/* ---- list.c, scan.c ---- */

enum lf_code lf_sqlite_list(struct lf_reader *reader, const struct lf_filter *filter,
	void (*visit)(void *context, const struct lf_stored *row), void *context, uint64_t *next,
	struct lf_error *error);
enum lf_code lf_sqlite_scan(struct lf_reader *reader, const struct lf_scan *scan,
	bool (*visit)(void *context, const struct lf_stored *row), void *context, uint64_t *next,
	struct lf_error *error);

/* ---- audit.c ---- */

enum lf_code lf_sqlite_audit(struct lf_reader *reader, uint64_t first, size_t limit,
	void (*visit)(void *context, const struct lf_audit_row *row), void *context, uint64_t *next,
	struct lf_error *error);
enum lf_code lf_sqlite_list_keys(struct lf_reader *reader, uint64_t first, uint64_t last,
	void (*visit)(void *context, uint64_t sequence, const char *key), void *context, struct lf_error *error);
enum lf_code lf_sqlite_list_members(struct lf_reader *reader, const struct lf_digest *candidates,
	void (*visit)(void *context, const char *candidate), void *context, struct lf_error *error);
enum lf_code lf_sqlite_get_payload(
	struct lf_reader *reader, uint64_t id, struct lf_payload_row **row, struct lf_error *error);
enum lf_code lf_sqlite_list_payloads(struct lf_reader *reader, enum lf_payload_kind kind, uint64_t after, size_t limit,
	void (*visit)(void *context, const struct lf_payload_row *row), void *context, uint64_t *next,
	struct lf_error *error);

/* ---- derived_check.c, over the files of derived.h ---- */

enum lf_code lf_sqlite_check(struct lf_reader *reader, void (*finding)(void *context, const char *what),
	bool (*go_on)(void *context), void *context, struct lf_error *error);

/* ---- restore.c ---- */

enum lf_code lf_sqlite_restore(const char *location, const char *from, bool (*check)(void *context, const char *copy),
	void *context, struct lf_replaced *replaced, struct lf_error *error);

/* ---- read_only.c ---- */

enum lf_code lf_sqlite_open_read_only(struct lf_store **store, const char *location, struct lf_error *error);

#endif
