/* The store: its writing connection, what waits to be written, and what all files of this folder stand on. */
#ifndef LF_STORAGE_SQLITE_STORE_H
#define LF_STORAGE_SQLITE_STORE_H

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "proto/base/limits.h"
#include "storage/log/backend.h"
#include "storage/sqlite/caches.h"

enum {
	LF_SQLITE_APPLICATION_ID = 0x6c664c67, /* "lfLg", at byte 68 of the file */
	LF_SQLITE_SCHEMA = 3,                  /* user_version, at byte 60 */
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

/* https://sqlite.org/fileformat2.html, 4.1 and 4.2 */
enum { LF_SQLITE_WAL_HEADER = 32, LF_SQLITE_FRAME_HEADER = 24 };

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
	W_ORIGINAL_ADD,
	W_MEMBER_ADD,
	W_KEYS_ADD,
	W_KEY_FIND,
	W_DECISIONS_ADD,
	W_CHAIN_FIND,
	W_CHAIN_SET,
	W_CHAINS_SET,
	W_SKIP_ADD,
	W_RUBRIC_FIND,
	W_RUBRIC_ADD,
	W_RUBRIC_NAME,
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
	const struct lf_append *append; /* valid until the transaction ends */
	uint64_t sequence;
	struct lf_uuid id;
	int64_t decided_at_us;
	struct lf_salt salt;
	/* row ids; recommended: 0 = nobody */
	int64_t caller, rubric, recommended, team, project, candidates;
	int64_t team_previous, project_previous, candidates_previous;
	int64_t team_payload, project_payload;
};

/* What waits, as a table: waiting_rows.c */
enum lf_waiting_kind { LF_WAITING_DECISION, LF_WAITING_KEY, LF_WAITING_CHAIN, LF_WAITING_LEAF, LF_WAITING_KINDS };
struct lf_waiting_rows {
	const struct lf_store *store;
	enum lf_waiting_kind kind;
};

enum { LF_TRANSACTION_ITEMS_MAX = 2 * LF_BATCH_MAX }; /* a rubric that is put and activated is two */

/*
 * The transaction of the writing connection (S1). BROKEN: a statement in it failed, and it can only be rolled back.
 * After DATA_LOSS it stays as it is until the store closes.
 */
enum lf_transaction { LF_TRANSACTION_NONE, LF_TRANSACTION_OPEN, LF_TRANSACTION_BROKEN, LF_TRANSACTION_STATES };

struct lf_store {
	char *path; /* resolved */
	char *lock_path;
	uint32_t schema; /* of the file, as it was found */
	bool had_wal;    /* so it was found, with something in it */
	bool made;       /* there was none */
	dev_t made_device;
	ino_t made_inode;
	int lock;    /* descriptor of FILE.lock that holds the lock; -1 none */
	int file;    /* descriptor of FILE that holds its lock: never another while SQLite has it open; -1 none */
	sqlite3 *db; /* the one connection that writes and checkpoints */
	sqlite3_stmt *statements[W_COUNT];
	enum lf_transaction transaction; /* changed by lf_sqlite_turn() alone */
	size_t items;                    /* that this transaction was given: S3 */
	struct lf_id_cache *ids;
	struct lf_heads heads;
	/* What the transaction appends and has not written yet. */
	struct lf_decision_row decision_rows[LF_BATCH_MAX];
	size_t decision_count;
	size_t key_count; /* of these have one */
	struct lf_leaf_row leaf_rows[LF_BATCH_MAX];
	size_t leaf_count;
	struct lf_waiting_rows waiting[LF_WAITING_KINDS];
	int64_t decisions; /* the newest decision's sequence, this transaction's included; -1 not known */
	char *wal_path;
	int wal;             /* descriptor of the WAL; -1 none */
	off_t size;          /* of FILE after the last checkpoint: it is never shorter */
	int wal_pages_whole; /* of wal_pages, those that lf_sqlite_look() has found there */
	off_t frame_size;    /* of the WAL: a page and its header */
	off_t reserved_to;   /* FILE has blocks up to there */
	bool short_of_room;
	size_t largest, largest_refused; /* record of this transaction; of those that had no room: bytes */
	bool looked;                     /* since the last commit */
	bool wal_unsure; /* a transaction was rolled back: it may have begun the WAL anew, so wal_pages tells nothing */
	int wal_pages;   /* in the WAL after the last commit */
	int wal_pages_seen;
	int checkpoint_at;               /* pages at which the next checkpoint is due */
	struct lf_sqlite_backup *backup; /* under way; NULL = none */
	atomic_bool malformed;           /* a reader heard so from SQLite: F6 */
	uint64_t sync_ns;                /* of the last commit */
	bool unknown;                    /* DATA_LOSS was returned: write nothing more, not even at closing */
	char *read_only_uri;             /* set: there is no db, and readers open this */
	bool leaves_shm;                 /* the -shm file was not there before */
};

/* ---- base.c ---- */

/*
 * Opens a connection, with flags of sqlite3_open_v2() beside those that all have. Every connection of this backend
 * comes from here (S6): nothing that a file says of itself runs in it. *db is set on error, too, unless memory ran out.
 */
int lf_sqlite_connect(sqlite3 **db, const char *path, int flags);

/* SQLite's result as ours, with its text. db may be NULL. */
enum lf_code lf_sqlite_error(struct lf_error *error, sqlite3 *db, int result, const char *doing);
/* The same on the writer's connection: remembers DATA_LOSS, and that an open transaction is broken (S1). */
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
/* A row id, or 0 with *result: SQLITE_OK means that there is none. The statement is bound. */
int64_t lf_sqlite_find_id(sqlite3_stmt *statement, int *result);
/* Whether LF_SQLITE_READ_MS_MAX passed since that lf_clock_ns(). */
bool lf_sqlite_time_is_up(uint64_t start_ns);

/* ---- schema.c ---- */

/* Adds the tables of the schemas after from, which db has (0: it is empty), up to `to`. SQLITE_OK or an error. */
int lf_sqlite_add_schemas(sqlite3 *db, uint32_t from, uint32_t to);
/* Statements of tree.c that writer, readers and probe have alike. */
#define LF_SQLITE_HEAD "SELECT size, root FROM tree WHERE id = 1"
#define LF_SQLITE_LEAVES                                                                                               \
	"SELECT position, hash FROM leaf WHERE position >= ?2 AND position < ?3 AND ?1 = 0 ORDER BY position"
#define LF_SQLITE_NODES "SELECT place, hash FROM node WHERE level = ?1 AND place >= ?2 AND place < ?3 ORDER BY place"
extern const char *const LF_SQLITE_WRITE_SQL[W_COUNT];
/*
 * Compares the whole schema of an open database, names and texts byte by byte, with that of this number: tells of each
 * entry that is not ours, is missing, or is another. SQLITE_OK or an error.
 */
struct lf_schema_visit {
	void (*difference)(void *context, const char *what);
	void *context;
};
int lf_sqlite_compare_schema(sqlite3 *db, uint32_t schema, const struct lf_schema_visit *visit);

/* ---- base.c: the transaction ---- */

/* Moves the transaction to another state. Aborts where the table of S1 has no such move. */
void lf_sqlite_turn(struct lf_store *store, enum lf_transaction to);
/* Another item for the open transaction. Aborts where none is open (S1), or it has all that it may have (S3). */
void lf_sqlite_count_item(struct lf_store *store);

#endif
