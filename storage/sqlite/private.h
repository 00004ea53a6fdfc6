/* Inside the SQLite backend: shared by the sqlite*.c files. Not for others. */
#ifndef LF_STORAGE_SQLITE_PRIVATE_H
#define LF_STORAGE_SQLITE_PRIVATE_H

#include <time.h>

#include <sqlite3.h>

#include "proto/base/limits.h"
#include "storage/log/backend.h"

enum {
	LF_SQLITE_APPLICATION_ID = 0x6c664c67, /* "lfLg", at byte 68 of the file */
	LF_SQLITE_SCHEMA = 2,                  /* user_version, at byte 60 */
	LF_SQLITE_SKIP = 64,                   /* every 64th decision of a chain is in the skip table */
	LF_SQLITE_READ_MS_MAX = 20,            /* of a read transaction's 100: other work may share the processor */
};

/* What a row of the name table names. Stored: never renumber. */
enum lf_name_kind {
	LF_NAME_CALLER = 1,
	LF_NAME_TEAM = 2,
	LF_NAME_PROJECT = 3,
	LF_NAME_RUBRIC = 4,
	LF_NAME_CANDIDATE = 5,
	LF_NAME_CANDIDATES = 6, /* a list of candidates, by the digest of their ids */
};

/* What a row of the redaction table is about. Stored: never renumber. */
enum lf_redaction_kind {
	LF_REDACTION_PAYLOAD = LF_REDACT_PAYLOAD,   /* target: payload.id */
	LF_REDACTION_DECISION = LF_REDACT_DECISION, /* decision.sequence */
	LF_REDACTION_ACT = LF_REDACT_ACT,           /* act.id */
};

/* ---- sqlite_cache.c: what the writer remembers, so that repeated names and payloads cost no statement ---- */

enum { LF_ID_CACHE_KEY_MAX = 161 }; /* longer keys are not cached: a digest, a name, and the cache's own tag */

struct lf_id_cache; /* tag and bytes -> row id and, of a payload, the commitment that leaves have; bounded, forgets */
struct lf_id_cache *lf_id_cache_new(void);
void lf_id_cache_free(struct lf_id_cache *cache);
void lf_id_cache_clear(struct lf_id_cache *cache);
/* 0: not known. commitment: NULL for a name. */
int64_t lf_id_cache_find(
	const struct lf_id_cache *cache, uint8_t tag, const void *key, size_t length, struct lf_digest *commitment);
void lf_id_cache_put(struct lf_id_cache *cache, uint8_t tag, const void *key, size_t length, int64_t id,
	const struct lf_digest *commitment);
/* What it does not know is no error. */
void lf_id_cache_drop(struct lf_id_cache *cache, uint8_t tag, const void *key, size_t length);

/* The newest decision of a team, project or list of candidates. */
struct lf_head {
	int64_t entity; /* row id in the name table; 0 = a free slot */
	int64_t last;   /* sequence */
	int64_t count;  /* decisions in the chain */
	bool known;     /* read from the database, or changed since */
	bool dirty;     /* to be written at commit */
};

struct lf_heads {
	struct lf_head *slots;
	size_t used;
	uint32_t dirty[3 * LF_BATCH_MAX]; /* slots */
	size_t dirty_count;
};
bool lf_heads_init(struct lf_heads *heads);
void lf_heads_clean_up(struct lf_heads *heads);
void lf_heads_clear(struct lf_heads *heads);
/* Makes room for one transaction. Nothing may be dirty. */
void lf_heads_prepare(struct lf_heads *heads);
/* The slot of an entity; its known is false where it is new here. NULL where the transaction is larger than a batch. */
struct lf_head *lf_heads_slot(struct lf_heads *heads, int64_t entity);
void lf_heads_mark(struct lf_heads *heads, struct lf_head *head);

/* ---- the store ---- */

enum lf_write_statement {
	W_BEGIN,
	W_COMMIT,
	W_ROLLBACK,
	W_TAIL,
	W_PROBE,
	W_NAME_FIND,
	W_NAME_ADD,
	W_PAYLOAD_FIND,
	W_PAYLOAD_ADD,
	W_MEMBER_ADD,
	W_KEY_ADD,
	W_KEY_FIND,
	W_DECISIONS_ADD,
	W_CHAIN_FIND,
	W_CHAIN_SET,
	W_CHAINS_SET,
	W_SKIP_ADD,
	W_RUBRIC_FIND,
	W_RUBRIC_ADD,
	W_ACTIVE_FIND,
	W_ACTIVATION_ADD,
	W_LAST,
	W_LEAVES_ADD,
	W_NODE_ADD,
	W_HEAD,
	W_HEAD_SET,
	W_LEAVES,
	W_NODES,
	W_ACT_DECISION,
	W_ACT_ADD,
	W_COUNT
};

/* A leaf that is in the tree, and not in the file yet. */
struct lf_leaf_row {
	struct lf_leaf_place place;
	enum lf_leaf_kind kind;
	int64_t record, decisions; /* as in the table */
	bool salted;
	struct lf_salt salt;
};

/* A decision that is not in the file yet. */
struct lf_decision_row {
	const struct lf_append *append; /* valid until the transaction ends, see struct lf_record */
	uint64_t sequence;
	struct lf_uuid id;
	int64_t decided_at_us;
	struct lf_salt salt;
	/* row ids; recommended: 0 = nobody */
	int64_t caller, rubric, recommended, team, project, candidates;
	int64_t team_previous, project_previous, candidates_previous;
	int64_t team_payload, project_payload;
};

/* What waits, as a table: sqlite_rows.c */
enum lf_rows_kind { LF_ROWS_DECISION, LF_ROWS_CHAIN, LF_ROWS_LEAF, LF_ROWS_KINDS };
struct lf_rows {
	const struct lf_store *store;
	enum lf_rows_kind kind;
};

struct lf_store {
	char *path; /* resolved */
	char *lock_path;
	uint32_t schema; /* of the file, as it was found */
	bool had_wal;    /* so it was found, with something in it */
	int lock;        /* descriptor that holds the lock; -1 none */
	sqlite3 *db;     /* the one connection that writes and checkpoints */
	sqlite3_stmt *statements[W_COUNT];
	struct lf_id_cache *ids;
	struct lf_heads heads;
	/* What the transaction appends and has not written yet. */
	struct lf_decision_row decision_rows[LF_BATCH_MAX];
	size_t decision_count;
	struct lf_leaf_row leaf_rows[LF_BATCH_MAX];
	size_t leaf_count;
	struct lf_rows rows[LF_ROWS_KINDS];
	int64_t decisions; /* the newest decision's sequence, this transaction's included; -1 not known */
	uint8_t *scratch;  /* lf_sqlite_scratch() */
	size_t scratch_size;
	int wal_pages; /* in the WAL after the last commit */
	int wal_pages_seen;
	int checkpoint_at;               /* pages at which the next checkpoint is due */
	struct lf_sqlite_backup *backup; /* under way; NULL = none */
	bool unknown;                    /* DATA_LOSS was returned: write nothing more, not even at closing */
	char *read_only_uri;             /* set: there is no db, and readers open this */
	bool leaves_shm;                 /* the -shm file was not there before */
};

/* sqlite_file.c: everything about the file that SQLite does not do. Sets path, lock_path, lock. */
enum lf_code lf_sqlite_claim(struct lf_store *store, const char *location, bool *create, struct lf_error *error);
/* The lock alone, of store->path. */
enum lf_code lf_sqlite_lock(struct lf_store *store, struct lf_error *error);
/* A path as a URI of SQLite, with a query. NULL when memory ran out; free() releases. */
char *lf_sqlite_uri_of(const char *path, const char *query);
/* sqlite_read_only.c: the vtable's open_read_only; at closing, what it left beside the file. */
enum lf_code lf_sqlite_open_read_only(struct lf_store **store, const char *location, struct lf_error *error);
void lf_sqlite_leave_read_only(struct lf_store *store);
/* sqlite_check.c */
enum lf_code lf_sqlite_check(struct lf_reader *reader, void (*finding)(void *context, const char *what),
	bool (*go_on)(void *context), void *context, struct lf_error *error);
/* sqlite_restore.c */
enum lf_code lf_sqlite_restore(const char *location, const char *from, bool (*check)(void *context, const char *copy),
	void *context, struct lf_replaced *replaced, struct lf_error *error);
/* Gives the lock back. */
void lf_sqlite_release(struct lf_store *store);
/* Makes the file with its schema, whole or not at all. */
enum lf_code lf_sqlite_create(struct lf_store *store, struct lf_error *error);
/* fsync() of what has this name, and of its directory. 0, or -1 with errno. */
int lf_sqlite_sync_path(const char *path, int flags);
int lf_sqlite_sync_directory_of(const char *path);
/* Absolute and without symbolic links; the file itself may be absent. NULL on error. free() releases. */
char *lf_sqlite_resolve(const char *location, struct lf_error *error);
/* Refuses what is not a sound log of this schema, and leaves it untouched. Uses the path of the store alone. */
enum lf_code lf_sqlite_inspect(struct lf_store *store, struct lf_error *error);

/* sqlite_schema.c */
extern const char LF_SQLITE_DDL_1[], LF_SQLITE_DDL_2[]; /* the tables of schema 1, and what schema 2 adds */
/* Statements of sqlite_tree.c that writer, readers and probe have alike. */
#define LF_SQLITE_HEAD "SELECT size, root FROM tree WHERE id = 1"
#define LF_SQLITE_LEAVES                                                                                               \
	"SELECT position, hash FROM leaf WHERE position >= ?2 AND position < ?3 AND ?1 = 0 ORDER BY position"
#define LF_SQLITE_NODES "SELECT place, hash FROM node WHERE level = ?1 AND place >= ?2 AND place < ?3 ORDER BY place"
extern const char *const LF_SQLITE_WRITE_SQL[W_COUNT];
/* What is in the schema beside ours, or missing, in words; NULL: nothing. free() releases. */
char *lf_sqlite_schema_difference(sqlite3 *db);
/* An open database's user_version. SQLITE_OK or an error. */
int lf_sqlite_schema_of(sqlite3 *db, uint32_t *schema);
/*
 * Probes an open database, of its own schema: schema, first and last rows, what the last decision refers to.
 * FAILED_PRECONDITION with the reason.
 */
enum lf_code lf_sqlite_probe(sqlite3 *db, struct lf_error *error);

/* sqlite_tree.c: leaves, nodes and head */
struct lf_leaf_add {
	enum lf_leaf_kind kind;
	int64_t record; /* as in the table: of a decision its sequence */
	int64_t time_us;
	const struct lf_digest *commitments;
	size_t commitment_count;
	const struct lf_salt *salt; /* of a RUBRIC or ACTIVATION record; else NULL */
};
/* Adds a record's leaf to the tree and to what the transaction writes. position may be NULL. SQLITE_OK or an error. */
int lf_sqlite_add_leaf(
	struct lf_store *store, struct lf_leaves *leaves, const struct lf_leaf_add *add, uint64_t *position);
/* Write the leaves that wait; the nodes that were completed; the head. */
int lf_sqlite_write_leaves(struct lf_store *store);
int lf_sqlite_write_nodes(struct lf_store *store, const struct lf_leaves *leaves);
int lf_sqlite_write_head(struct lf_store *store, const struct lf_leaves *leaves);
/* Room for a record's canonical bytes until the next call; NULL when memory ran out. */
uint8_t *lf_sqlite_scratch(struct lf_store *store, size_t length);
enum lf_code lf_sqlite_tail_hashes(struct lf_store *store, unsigned level, uint64_t first, size_t count,
	struct lf_digest *hashes, struct lf_error *error);
/* The head of the writing connection. */
enum lf_code lf_sqlite_tail_head(struct lf_store *store, struct lf_tree_head *head, struct lf_error *error);
/* Whether the head of an open database follows from its leaves and nodes. FAILED_PRECONDITION with the reason. */
enum lf_code lf_sqlite_probe_tree(sqlite3 *db, struct lf_error *error);

/*
 * sqlite_rows.c: tables new_decision, new_chain and new_leaf for the writing connection: what waits in the store.
 * Before its statements are prepared. SQLITE_OK or an error.
 */
int lf_sqlite_rows_add(struct lf_store *store);

/* sqlite_write.c: the writer side of the vtable */
enum lf_code lf_sqlite_tail(struct lf_store *store, struct lf_tail *tail, struct lf_error *error);
enum lf_code lf_sqlite_begin(struct lf_store *store, struct lf_error *error);
enum lf_code lf_sqlite_append(struct lf_store *store, struct lf_record *record, struct lf_error *error);
enum lf_code lf_sqlite_put_rubric(struct lf_store *store, struct lf_rubric_put *put, struct lf_error *error);
enum lf_code lf_sqlite_activate_rubric(
	struct lf_store *store, struct lf_rubric_activate *activate, struct lf_error *error);
enum lf_code lf_sqlite_commit(struct lf_store *store, const struct lf_leaves *leaves, struct lf_error *error);
void lf_sqlite_rollback(struct lf_store *store);
enum lf_code lf_sqlite_maintain(struct lf_store *store, struct lf_error *error);
enum lf_code lf_sqlite_probe_write(struct lf_store *store, struct lf_error *error);

/*
 * sqlite_migrate.c: brings the open database from schema 1 to LF_SQLITE_SCHEMA and prepares store->statements; or
 * leaves it as it was. Codes as those of opening.
 */
enum lf_code lf_sqlite_migrate(struct lf_store *store, const struct lf_log_options *options, struct lf_error *error);

/* sqlite_act.c */
struct lf_act_add {
	struct lf_act_columns columns;
	const struct lf_salt *salt;
	/* commitments[0] is the record's, made here; an erasure's or a pruning's pairs follow. */
	struct lf_digest *commitments;
	size_t commitment_count;
	uint64_t id, position; /* out */
};
/* Stores an act: its row and its leaf. SQLITE_OK or an error. */
int lf_sqlite_add_act(struct lf_store *store, struct lf_act_add *add, struct lf_leaves *leaves);
enum lf_code lf_sqlite_put_act(struct lf_store *store, struct lf_act_put *put, const struct lf_salt *salt,
	struct lf_leaves *leaves, struct lf_error *error);
enum lf_code lf_sqlite_list_acts(struct lf_reader *reader, enum lf_leaf_kind kind, const struct lf_uuid *decision,
	uint64_t after, size_t limit, void (*visit)(void *context, const struct lf_act_row *row), void *context,
	uint64_t *next, struct lf_error *error);

/* sqlite_redact.c, sqlite_vacuum.c */
enum lf_code lf_sqlite_redact(struct lf_store *store, struct lf_redact *redact, const struct lf_salt *salts,
	struct lf_leaves *leaves, struct lf_error *error);
enum lf_code lf_sqlite_list_payloads(struct lf_reader *reader, enum lf_payload_kind kind, uint64_t after, size_t limit,
	void (*visit)(void *context, const struct lf_payload_row *row), void *context, uint64_t *next,
	struct lf_error *error);
enum lf_code lf_sqlite_vacuum(struct lf_store *store, struct lf_chore *chore, struct lf_error *error);

/* sqlite_record.c: records from their columns, for the audit and for migration */
/* The tables that have records. A stream goes through one in the order of its key. */
enum lf_record_table { LF_RECORD_DECISION, LF_RECORD_RUBRIC, LF_RECORD_ACTIVATION, LF_RECORD_ACT, LF_RECORD_TABLES };
extern const char *const LF_SQLITE_RECORD_SQL[LF_RECORD_TABLES]; /* ?1: the first key */
struct lf_record_stream {
	sqlite3_stmt *statement; /* of LF_SQLITE_RECORD_SQL */
	enum lf_record_table table;
	bool open;
	int64_t key; /* of the row that it is at */
};
/* What a row says. Everything points into the statement's columns, and is valid until the stream moves. */
struct lf_record_row {
	const char *missing; /* NULL, or what of it is missing: then only key is set, and time_us where that is known */
	int64_t key;
	int64_t time_us;
	union {
		struct lf_decision_columns decision;
		struct lf_rubric_columns rubric;
		struct lf_activation_columns activation;
		struct lf_act_columns act;
	} columns;
	struct lf_salt salt; /* of a decision or an act; others have theirs in the leaf */
	bool redacted;
	struct lf_digest original;
	struct lf_audit_payload payloads[LF_AUDIT_PAYLOADS_MAX];
	size_t payload_count;
	struct lf_bytes pairs;       /* of an act */
	uint8_t id[16];              /* of a decision */
	struct lf_digest digests[2]; /* that columns point to */
};
/* Moves to the first row whose key is at least key. SQLITE_ROW with stream->key; SQLITE_DONE; or an error. */
int lf_sqlite_stream_seek(struct lf_record_stream *stream, int64_t key);
int lf_sqlite_stream_next(struct lf_record_stream *stream);
void lf_sqlite_stream_end(struct lf_record_stream *stream);
void lf_sqlite_stream_row(const struct lf_record_stream *stream, struct lf_record_row *row);
/* Canonical bytes of a row where nothing is missing: as the lf_record_ functions. */
size_t lf_sqlite_record_bytes(enum lf_record_table table, const struct lf_record_row *row, uint8_t *out);

/* sqlite_audit.c */
enum lf_code lf_sqlite_audit(struct lf_reader *reader, uint64_t first, size_t limit,
	void (*visit)(void *context, const struct lf_audit_row *row), void *context, uint64_t *next,
	struct lf_error *error);
enum lf_code lf_sqlite_get_payload(
	struct lf_reader *reader, uint64_t id, struct lf_payload_row **row, struct lf_error *error);

/* sqlite_write.c, for the others of the writer side. Each gives SQLITE_OK or an error. */
/* The row of a name, made where absent. */
int lf_sqlite_intern(struct lf_store *store, enum lf_name_kind kind, const char *text, int64_t *id);
/* The row of a list of candidates, made where absent with those who are in it. */
int lf_sqlite_intern_candidates(struct lf_store *store, const char *const *candidates, size_t count,
	const struct lf_digest *digest, int64_t *id);
/* Writes the decisions that wait: before anything reads them in their transaction, and at its end. */
int lf_sqlite_write_decisions(struct lf_store *store);
/* Writes the ends of the chains that this transaction made longer: once each, however many decisions it added. */
int lf_sqlite_write_heads(struct lf_store *store);
/* The payload's row, made where absent, and the commitment that leaves have. */
int lf_sqlite_store_payload(struct lf_store *store, enum lf_payload_kind kind, struct lf_bytes body,
	const struct lf_digest *digest, const struct lf_salt *salt, int64_t *id, struct lf_digest *commitment);
/*
 * The commitment that leaves have of a payload: original where that column is not NULL, else of the column's salt and
 * the body. False where the columns are malformed.
 */
bool lf_sqlite_column_commitment(sqlite3_stmt *statement, int salt_column, int original_column, struct lf_bytes body,
	struct lf_digest *commitment);
/* A row id, or 0 with *result: SQLITE_OK means that there is none. The statement is bound. */
int64_t lf_sqlite_find_id(sqlite3_stmt *statement, int *result);
/* sqlite_backup.c */
enum lf_code lf_sqlite_backup_step(
	struct lf_store *store, struct lf_chore *chore, bool cancel, bool *more, struct lf_error *error);
enum lf_code lf_sqlite_backup_finish(struct lf_store *store, struct lf_chore *chore, struct lf_error *error);
/* Takes back one that is under way. */
void lf_sqlite_backup_abandon(struct lf_store *store);

/* sqlite_read.c and sqlite_list.c: the readers */
enum lf_read_statement {
	R_BEGIN,
	R_END,
	R_KEY,
	R_GET,
	R_ROW,
	R_PEEK,
	R_LAST,
	R_NAME,
	R_CHAIN,
	R_SKIP,
	R_TIME,
	R_LISTS,
	R_MEMBER,
	R_RUBRIC,
	R_RUBRIC_ACTIVE,
	R_RUBRICS,
	R_ACTIVATIONS,
	R_WAS_ACTIVE,
	R_SCAN_UP,
	R_SCAN_DOWN,
	R_SCAN_UP_WHOLE,
	R_SCAN_ANSWER,
	R_HELD_CALLER, /* from here in the order of enum held of sqlite_scan.c */
	R_HELD_TEAM,
	R_HELD_PROJECT,
	R_HELD_RECOMMENDED,
	R_HELD_RUBRIC,
	R_HELD_CANDIDATES,
	R_HELD_TEAM_BODY,
	R_HELD_PROJECT_BODY,
	R_REDACTED,
	R_HEAD,
	R_LEAVES,
	R_NODES,
	R_SEQUENCE,
	R_LEAF_PEEK,
	R_PAYLOAD,
	R_ACTS,
	R_ACTS_OF,
	R_PAYLOADS,
	R_AUDIT_LEAF,
	R_COUNT
};
struct lf_reader {
	sqlite3 *db;
	bool alone; /* the log is opened for reading only: nothing changes it, and a long read holds nobody up */
	sqlite3_stmt *statements[R_COUNT];
	sqlite3_stmt *records[LF_RECORD_TABLES]; /* LF_SQLITE_RECORD_SQL */
	uint8_t *record;                         /* of the audit */
	size_t record_size;
};
/* Begins and ends a read transaction. SQLITE_OK or an error. */
int lf_sqlite_begin_reading(struct lf_reader *reader);
void lf_sqlite_end_reading(struct lf_reader *reader);
enum lf_code lf_sqlite_open_reader(struct lf_store *store, struct lf_reader **reader, struct lf_error *error);
void lf_sqlite_close_reader(struct lf_reader *reader);
enum lf_code lf_sqlite_find_key(struct lf_reader *reader, const char *caller, const char *key,
	const struct lf_digest *request_digest, struct lf_uuid *id, struct lf_error *error);
enum lf_code lf_sqlite_get(
	struct lf_reader *reader, const struct lf_uuid *id, struct lf_stored **stored, struct lf_error *error);
enum lf_code lf_sqlite_list(struct lf_reader *reader, const struct lf_filter *filter,
	void (*visit)(void *context, const struct lf_stored *row), void *context, uint64_t *next,
	struct lf_error *error);
enum lf_code lf_sqlite_get_rubric(struct lf_reader *reader, const char *name, const struct lf_digest *digest,
	struct lf_rubric_row **row, struct lf_error *error);
enum lf_code lf_sqlite_list_rubrics(struct lf_reader *reader, const char *name,
	void (*visit)(void *context, const struct lf_rubric_row *row), void *context, struct lf_error *error);
enum lf_code lf_sqlite_list_activations(struct lf_reader *reader, const char *name,
	void (*visit)(void *context, const struct lf_activation_row *row), void *context, struct lf_error *error);
enum lf_code lf_sqlite_was_active(
	struct lf_reader *reader, const struct lf_digest *digest, bool *was_active, struct lf_error *error);
enum lf_code lf_sqlite_head(struct lf_reader *reader, struct lf_tree_head *head, struct lf_error *error);
enum lf_code lf_sqlite_hashes(struct lf_reader *reader, unsigned level, uint64_t first, size_t count,
	struct lf_digest *hashes, struct lf_error *error);
enum lf_code lf_sqlite_find_leaf(
	struct lf_reader *reader, const struct lf_uuid *decision, uint64_t *position, struct lf_error *error);
/* Fills row from a statement with the columns of R_ROW, of which texts stay valid until it is reset. DATA_LOSS where it
 * contradicts itself. */
enum lf_code lf_sqlite_fill_row(sqlite3_stmt *statement, struct lf_stored *row, struct lf_error *error);
/* sqlite_scan.c */
enum lf_code lf_sqlite_scan(struct lf_reader *reader, const struct lf_scan *scan,
	bool (*visit)(void *context, const struct lf_stored *row), void *context, uint64_t *next,
	struct lf_error *error);
/* The first column of a bound statement; 0 where there is no row. */
enum lf_code lf_sqlite_first_column(
	struct lf_reader *reader, sqlite3_stmt *statement, int64_t *value, struct lf_error *error);
/* The first sequence decided at or after time_us: times never fall. last: the newest. */
enum lf_code lf_sqlite_sequence_at(
	struct lf_reader *reader, int64_t time_us, int64_t last, int64_t *sequence, struct lf_error *error);
/*
 * The row of a name that a filter asks for; 0 where value is NULL or "". *none is set where it asks for one that is not
 * there.
 */
enum lf_code lf_sqlite_find_name(struct lf_reader *reader, enum lf_name_kind kind, const char *value, int64_t *id,
	bool *none, struct lf_error *error);
/* Whether LF_SQLITE_READ_MS_MAX passed since. */
bool lf_sqlite_time_is_up(const struct timespec *start);
/* Whether the rubric is the active one is the statement's business. */
void lf_sqlite_fill_rubric(sqlite3_stmt *statement, struct lf_rubric_row *row);

/* ---- small helpers (sqlite.c) ---- */

/* SQLite's result as ours, with its text. db may be NULL. */
enum lf_code lf_sqlite_error(struct lf_error *error, sqlite3 *db, int result, const char *doing);
/* The same on the writer's connection; remembers DATA_LOSS. */
enum lf_code lf_sqlite_write_error(struct lf_store *store, struct lf_error *error, int result, const char *doing);
/* Prepares count statements into array; finalizes them. */
int lf_sqlite_prepare(sqlite3 *db, const char *const *sql, sqlite3_stmt **statements, size_t count);
void lf_sqlite_finalize(sqlite3_stmt **statements, size_t count);
void lf_sqlite_bind_blob(sqlite3_stmt *statement, int index, const void *data, size_t length); /* not copied */
void lf_sqlite_bind_text(sqlite3_stmt *statement, int index, const char *text);                /* not copied */
/* Steps a statement that returns no row, and resets it. SQLITE_OK or the error. */
int lf_sqlite_run(sqlite3_stmt *statement);
struct lf_bytes lf_sqlite_column_bytes(sqlite3_stmt *statement, int column);
/* What a column that can't be right means: SQLITE_NOMEM where reading it lacked memory, else SQLITE_CORRUPT. */
int lf_sqlite_malformed(sqlite3 *db);
/* False where the blob has another size. */
bool lf_sqlite_column_fixed(sqlite3_stmt *statement, int column, void *out, size_t size);
const char *lf_sqlite_column_text(sqlite3_stmt *statement, int column); /* NULL where NULL */

#endif
