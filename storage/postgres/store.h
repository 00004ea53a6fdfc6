/* One opened log, and its readers: shared by the files of this room. */
#ifndef LF_STORAGE_POSTGRES_STORE_H
#define LF_STORAGE_POSTGRES_STORE_H

#include <stdatomic.h>

#include "storage/log/backend.h"
#include "storage/postgres/array.h"
#include "storage/postgres/ids.h"
#include "storage/postgres/schema.h"

/* Kinds of names, and of what else ids are kept of. Names' are stored: never renumber. */
enum lf_pg_tag {
	LF_PG_CALLER = 1,
	LF_PG_TEAM = 2,
	LF_PG_PROJECT = 3,
	LF_PG_RUBRIC_NAME = 4,
	LF_PG_CANDIDATE = 5,
	LF_PG_LIST = 6,     /* by the digest of its ids */
	LF_PG_PAYLOAD = 16, /* + kind; by digest */
	LF_PG_RUBRIC = 32,  /* by digest and name; its payload */
};

/* G2. The writer's connection. */
enum lf_pg_transaction {
	LF_PG_NONE,
	LF_PG_AHEAD, /* asked for with the commit before, and not answered yet */
	LF_PG_OPEN,
	LF_PG_BROKEN, /* a statement failed, or the commit did: rollback() comes */
	LF_PG_TRANSACTIONS
};

/* Rows to look for, and the entries that get what is found. */
struct lf_pg_lookup {
	struct lf_pg_array kinds, values, names; /* as the statement takes them */
	struct lf_pg_id **entries;               /* in their order */
	const struct lf_bytes **bodies;          /* of payloads */
	size_t count, size;
};

enum { LF_PG_COLUMNS = 17 };

enum { LF_PG_PROBLEM_BYTES = 544 }; /* an error, and whose it is */

/* G8. The second connection, of the role that may erase and prune. It is there for as long as it is needed. */
struct lf_pg_keeper {
	bool given; /* else the writer's own role erases, where it may */
	struct lf_pg_place place;
	struct lf_pg pg;
	bool wanted; /* the next transaction is to erase */
	bool failed; /* it was tried in vain, and problem says why: until a transaction has succeeded */
	char problem[LF_PG_PROBLEM_BYTES];
};

struct lf_store {
	struct lf_pg_place place;
	bool asynchronous; /* a server without a synchronous standby will do */
	bool read_only;
	struct lf_pg_about about;   /* of the first connection: set by the opening thread, before there are others */
	bool greeted;               /* about is set */
	_Atomic(uint32_t) timeline; /* the highest seen on any connection: a lower one is a primary of before */
	_Atomic(size_t) host;       /* that the writer has: readers begin with it */
	int64_t lock_key;           /* of the advisory lock */

	/* the writer's */
	struct lf_pg *writer; /* own, or the keeper's: keeper.c */
	struct lf_pg own;
	struct lf_pg_keeper keeper;
	enum lf_pg_transaction transaction;
	bool unsettled;               /* what became of a commit is not known: the next begin() asks behind a barrier */
	uint64_t settlements;         /* how often it did: for tests */
	const struct lf_pg *begun_on; /* the connection of the last begin() that succeeded; NULL: there was none */
	uint64_t connects_seen;       /* of that */
	size_t sent;                  /* statements of the transaction whose answers were not received yet */
	struct lf_pg_ids *ids;
	uint64_t redacted_to;                      /* what ids hold was read at this */
	bool forgetting;                           /* lf_pg_forget() was called in this transaction */
	int64_t names, payloads, acts;             /* the newest ids given */
	struct lf_pg_array old_lists;              /* of decisions that are being replaced */
	uint32_t asked;                            /* prepare()s: entries that were asked for have this one's number */
	struct lf_pg_lookup lookups[4];            /* names, lists, payloads, rubrics */
	struct lf_pg_array columns[LF_PG_COLUMNS]; /* of what is being sent */
	struct lf_pg_array new_names[3], new_lists[2], new_members[2], new_payloads[5], new_keys[3], new_leaves[4],
		new_originals[3];
	uint64_t sync_ns;
};

struct lf_reader {
	struct lf_store *store;
	struct lf_pg pg;
	uint8_t *record; /* of the audit */
	size_t record_size;
};

/* ---- state.c ---- */

void lf_pg_turn(struct lf_store *store, enum lf_pg_transaction to);
/* The transaction is lost: what failed is in *error. Returns its code. */
enum lf_code lf_pg_break(struct lf_store *store, struct lf_error *error);
/* Sends a statement of the transaction, the answer to which says nothing. */
void lf_pg_send_counted(
	struct lf_store *store, const struct lf_pg_statement *statement, const struct lf_pg_parameters *parameters);
/* Receives the answers to those. A sync was sent behind them. */
enum lf_code lf_pg_take_sent(struct lf_store *store, struct lf_error *error);

/* Calls visit for each array of the writer's. */
void lf_pg_visit_arrays(struct lf_store *store, void (*visit)(struct lf_pg_array *array));
/*
 * Something was erased, here or by another service: what the writer remembers is overwritten, and its connection is to
 * be closed when the transaction ends, as libpq's buffers have what was sent and read.
 */
void lf_pg_forget(struct lf_store *store);

/* ---- keeper.c: whose connection a transaction has ---- */

/* The keeper's place and role, tried once and closed again. location NULL: there is none. The opening thread's. */
enum lf_code lf_pg_open_keeper(struct lf_store *store, const char *location, struct lf_error *error);
void lf_pg_close_keeper(struct lf_store *store);
/* Before a transaction begins: the writer's connection is the keeper's where that is wanted, and was connected. */
void lf_pg_choose(struct lf_store *store);
/* What was tried on the keeper's connection failed: until a transaction has succeeded, it is not tried again. */
void lf_pg_note_keeper(struct lf_store *store, const struct lf_error *cause);
/* A transaction has ended: the next one has the writer's own connection. */
void lf_pg_end_keeping(struct lf_store *store);
/*
 * Whether the transaction may erase. If not, the item is refused, or the error is ABORTED: the same transaction is to be
 * begun again, and is the keeper's then.
 */
bool lf_pg_may_erase(struct lf_store *store, struct lf_item *item, struct lf_error *error);

/* ---- transaction.c ---- */

enum lf_code lf_pg_tail(struct lf_store *store, struct lf_tail *tail, struct lf_error *error);
enum lf_code lf_pg_begin(struct lf_store *store, struct lf_tail *tail, struct lf_error *error);
enum lf_code lf_pg_commit(struct lf_store *store, const struct lf_tail *tail, const struct lf_leaves *leaves, bool more,
	struct lf_error *error);
void lf_pg_rollback(struct lf_store *store);
enum lf_code lf_pg_maintain(struct lf_store *store, struct lf_error *error);
enum lf_code lf_pg_probe(struct lf_store *store, struct lf_error *error);
enum lf_code lf_pg_tail_hashes(struct lf_store *store, unsigned level, uint64_t first, size_t count,
	struct lf_digest *hashes, struct lf_error *error);
bool lf_pg_leave(struct lf_store *store);

/* ---- barrier.c: whether what a session commits stays ---- */

/*
 * What is true of a session and its server while a commit means what it says: the session has our settings (a pooler
 * may have taken them, or given another session); the server waits for a standby; it writes to its disk. The server's
 * are taken over by open sessions when it is told to read its configuration again.
 */
#define LF_PG_TRUST                                                                                                    \
	"current_setting('synchronous_commit') IN ('on', 'remote_apply') AND current_setting('client_min_messages') "  \
	"= 'warning', current_setting('synchronous_standby_names') <> '',"                                             \
	" current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on'"
/* Of those columns. Where the session is not ours any more, it is closed, and lost. */
enum lf_code lf_pg_check_trust(
	const struct lf_store *store, struct lf_pg *pg, const PGresult *result, int first, struct lf_error *error);
/*
 * Sends COMMIT, and receives its answer: whether it was committed, so that it stays. ABORTED: it was rolled back. Any
 * other code: not known.
 */
void lf_pg_send_commit(const struct lf_store *store, struct lf_pg *pg);
enum lf_code lf_pg_receive_commit(
	const struct lf_store *store, struct lf_pg *pg, const char *doing, struct lf_error *error);
/* Something to commit that is in no table: its WAL record waits for the standby as any other. */
extern const struct lf_pg_statement lf_pg_emit;
/*
 * Commits that: whatever was visible before is on the standby then. locked: when the lock was free, so a commit of before
 * has ended. The connection is closed where it fails.
 */
enum lf_code lf_pg_barrier(const struct lf_store *store, struct lf_pg *pg, bool locked, struct lf_error *error);

/* Of every connection: whether this is the log that the store was opened on, and a server that keeps what it says. */
enum lf_code lf_pg_greet(struct lf_pg *pg, void *store, struct lf_error *error);
/* A connection to the store's log, for whoever writes. */
void lf_pg_init_writer(struct lf_store *store, struct lf_pg *pg, const struct lf_pg_place *place);
/* Whether a connection is to a primary that others have left since. */
bool lf_pg_is_old(struct lf_store *store, const struct lf_pg *pg);

/* ---- head.c: the head's columns; hashes; on whichever connection ---- */

extern const struct lf_pg_statement lf_pg_select_head; /* the columns of barrier.c behind it, from this one on */
enum { LF_PG_HEAD_TRUST = 12 };
/* Of an answer to it; no row: an empty log. counters: names, payloads, acts; may be NULL. */
enum lf_code lf_pg_read_head(const PGresult *result, struct lf_tail *tail, int64_t counters[3], struct lf_error *error);
/* Sends the rows that a commit adds to head and node. false: out of memory. */
bool lf_pg_send_head(struct lf_store *store, const struct lf_tail *tail, const struct lf_leaves *leaves);
const struct lf_pg_statement *lf_pg_hashes_statement(unsigned level);
void lf_pg_put_hashes(struct lf_pg_parameters *parameters, unsigned level, uint64_t first, size_t count);
enum lf_code lf_pg_read_hashes(
	const PGresult *result, uint64_t first, size_t count, struct lf_digest *hashes, struct lf_error *error);

/* ---- lookups.c ---- */

/* The entry of a name, list, payload or rubric. NULL: out of memory. */
struct lf_pg_id *lf_pg_name(struct lf_store *store, enum lf_pg_tag kind, const char *value);
struct lf_pg_id *lf_pg_list(struct lf_store *store, const struct lf_digest *digest);
struct lf_pg_id *lf_pg_payload(struct lf_store *store, enum lf_payload_kind kind, const struct lf_digest *digest);
struct lf_pg_id *lf_pg_rubric(struct lf_store *store, const struct lf_digest *digest, const char *name);
/*
 * Looks up what is wanted and not known: begin, any number of wants, send, then sync, take_sent and receive. A want is
 * false where memory was short. Of a list that may be new, who is in it is wanted, too.
 */
void lf_pg_lookups_begin(struct lf_store *store);
bool lf_pg_want_name(struct lf_store *store, enum lf_pg_tag kind, const char *value);
bool lf_pg_want_list(
	struct lf_store *store, const struct lf_digest *digest, const char *const *candidates, size_t count);
bool lf_pg_want_payload(struct lf_store *store, enum lf_payload_kind kind, const struct lf_item_payload *payload);
bool lf_pg_want_rubric(struct lf_store *store, const struct lf_digest *digest, const char *name);
/* Returns how many statements were sent. *failed is set where memory was short. */
size_t lf_pg_lookups_send(struct lf_store *store, bool *failed);
enum lf_code lf_pg_lookups_receive(struct lf_store *store, struct lf_error *error);

/* ---- add.c: rows; each id is 0, and each bool false, where memory was short ---- */

void lf_pg_rows_begin(struct lf_store *store);
int64_t lf_pg_add_name(struct lf_store *store, enum lf_pg_tag kind, const char *value);
int64_t lf_pg_add_list(
	struct lf_store *store, const struct lf_digest *digest, const char *const *candidates, size_t count);
void lf_pg_add_leaf(struct lf_store *store, const struct lf_item *item, enum lf_leaf_kind kind, int64_t record);
bool lf_pg_rows_send(struct lf_store *store);
bool lf_pg_add_decisions(struct lf_store *store, struct lf_item *const *items, size_t count);
bool lf_pg_add_rubric(struct lf_store *store, const struct lf_item *item);
bool lf_pg_add_activation(struct lf_store *store, const struct lf_item *item);
bool lf_pg_add_acts(struct lf_store *store, struct lf_item *const *items, size_t count);

/* ---- find.c, find_other.c: prepare() of a kind; items.c: of any, and write() ---- */

enum lf_code lf_pg_prepare_decisions(
	struct lf_store *store, struct lf_item *const *items, size_t count, struct lf_error *error);
enum lf_code lf_pg_prepare_other(
	struct lf_store *store, struct lf_item *const *items, size_t count, struct lf_error *error);
enum lf_code lf_pg_prepare(struct lf_store *store, struct lf_item *const *items, size_t count, struct lf_error *error);
enum lf_code lf_pg_write(struct lf_store *store, struct lf_item *const *items, size_t count, struct lf_error *error);

/* ---- redact.c ---- */

enum lf_code lf_pg_prepare_redaction(struct lf_store *store, struct lf_item *item, struct lf_error *error);
bool lf_pg_write_redaction(struct lf_store *store, struct lf_item *item);

/* ---- store.c ---- */

enum lf_code lf_pg_open_store(struct lf_store **store, const struct lf_log_options *options, struct lf_error *error);
enum lf_code lf_pg_open_read_only(struct lf_store **store, const char *location, struct lf_error *error);
void lf_pg_close_store(struct lf_store *store);

/* ---- reader.c ---- */

enum lf_code lf_pg_open_reader(struct lf_store *store, struct lf_reader **reader, struct lf_error *error);
void lf_pg_close_reader(struct lf_reader *reader);
/*
 * Statements of one snapshot, in one round trip, with their answers, which PQclear() releases; on an error there are
 * none. Connects where it must, and does all of it once more where the connection was lost.
 */
struct lf_pg_question {
	const struct lf_pg_statement *statement;
	const struct lf_pg_parameters *parameters;
	PGresult *result;
};
enum lf_code lf_pg_ask(struct lf_reader *reader, struct lf_pg_question *questions, size_t count, const char *doing,
	struct lf_error *error);
/* One question. */
enum lf_code lf_pg_ask_one(struct lf_reader *reader, const struct lf_pg_statement *statement,
	const struct lf_pg_parameters *parameters, PGresult **result, const char *doing, struct lf_error *error);

/* ---- what readers do ---- */

/*
 * Rows of a page, with column id, in its order, until their body has so many bytes: each can be megabytes. The last column
 * is how many rows the page has.
 */
#define LF_PG_BYTES_MAX "8388608"
#define LF_PG_BOUNDED(columns, page)                                                                                   \
	"SELECT " columns ", total FROM (SELECT page.*, count(*) OVER () AS total, sum(octet_length(body)) OVER ("     \
	"ORDER BY id) - octet_length(body) AS before FROM (" page ") page) rows WHERE before < " LF_PG_BYTES_MAX       \
	" ORDER BY id"

/* A decision as lf_stored has it, without bytes: columns of d, and the joins that give them. */
#define LF_PG_ROW_COLUMNS                                                                                              \
	"d.sequence, d.id, d.decided_at, d.outcome, d.purpose, caller.value, team.value, project.value,"               \
	" rubric_name.value, d.recommended, recommended.value, rp.digest, d.team_payload, d.project_payload, "         \
	"lists.digest"
enum { LF_PG_ROW_COLUMN_COUNT = 15 };
#define LF_PG_ROW_JOINS                                                                                                \
	" LEFT JOIN leadfit.name caller ON caller.id = d.caller LEFT JOIN leadfit.name team ON team.id = d.team"       \
	" LEFT JOIN leadfit.name project ON project.id = d.project"                                                    \
	" LEFT JOIN leadfit.name recommended ON recommended.id = d.recommended"                                        \
	" LEFT JOIN leadfit.list lists ON lists.id = d.candidates"                                                     \
	" LEFT JOIN leadfit.rubric ON rubric.payload = d.rubric"                                                       \
	" LEFT JOIN leadfit.name rubric_name ON rubric_name.id = rubric.name"                                          \
	" LEFT JOIN leadfit.payload rp ON rp.id = d.rubric AND rp.kind = 3"
/* Those columns, from the first on. What they point to is the answer's. DATA_LOSS where something is missing. */
enum lf_code lf_pg_read_row(
	const PGresult *result, int row, int first, struct lf_stored *stored, struct lf_error *error);

enum lf_code lf_pg_list_keys(struct lf_reader *reader, uint64_t first, uint64_t last,
	void (*visit)(void *context, uint64_t sequence, const char *key), void *context, struct lf_error *error);
enum lf_code lf_pg_list_members(struct lf_reader *reader, const struct lf_digest *candidates,
	void (*visit)(void *context, const char *candidate), void *context, struct lf_error *error);
enum lf_code lf_pg_look(struct lf_reader *reader, struct lf_tail *tail, struct lf_error *error);
enum lf_code lf_pg_settle(struct lf_reader *reader, struct lf_error *error);
enum lf_code lf_pg_find_key(struct lf_reader *reader, const char *caller, const char *key,
	const struct lf_digest *request_digest, struct lf_uuid *id, struct lf_error *error);
enum lf_code lf_pg_get(
	struct lf_reader *reader, const struct lf_uuid *id, struct lf_stored **stored, struct lf_error *error);
enum lf_code lf_pg_list_decisions(struct lf_reader *reader, const struct lf_filter *filter,
	void (*visit)(void *context, const struct lf_stored *row), void *context, uint64_t *next,
	struct lf_error *error);
enum lf_code lf_pg_scan(struct lf_reader *reader, const struct lf_scan *scan,
	bool (*visit)(void *context, const struct lf_stored *row), void *context, uint64_t *next,
	struct lf_error *error);
enum lf_code lf_pg_get_rubric(struct lf_reader *reader, const char *name, const struct lf_digest *digest,
	struct lf_rubric_row **row, struct lf_error *error);
enum lf_code lf_pg_list_rubrics(struct lf_reader *reader, const char *name,
	void (*visit)(void *context, const struct lf_rubric_row *row), void *context, struct lf_error *error);
enum lf_code lf_pg_list_activations(struct lf_reader *reader, const char *name,
	void (*visit)(void *context, const struct lf_activation_row *row), void *context, struct lf_error *error);
enum lf_code lf_pg_was_active(
	struct lf_reader *reader, const struct lf_digest *digest, bool *was_active, struct lf_error *error);
enum lf_code lf_pg_list_acts(struct lf_reader *reader, enum lf_leaf_kind kind, const struct lf_uuid *decision,
	uint64_t after, size_t limit, void (*visit)(void *context, const struct lf_act_row *row), void *context,
	uint64_t *next, struct lf_error *error);
enum lf_code lf_pg_head(struct lf_reader *reader, struct lf_tree_head *head, struct lf_error *error);
enum lf_code lf_pg_hashes(struct lf_reader *reader, unsigned level, uint64_t first, size_t count,
	struct lf_digest *hashes, struct lf_error *error);
enum lf_code lf_pg_find_leaf(
	struct lf_reader *reader, const struct lf_uuid *decision, uint64_t *position, struct lf_error *error);
enum lf_code lf_pg_audit(struct lf_reader *reader, uint64_t first, size_t limit,
	void (*visit)(void *context, const struct lf_audit_row *row), void *context, uint64_t *next,
	struct lf_error *error);
enum lf_code lf_pg_get_payload(
	struct lf_reader *reader, uint64_t id, struct lf_payload_row **row, struct lf_error *error);
enum lf_code lf_pg_list_payloads(struct lf_reader *reader, enum lf_payload_kind kind, uint64_t after, size_t limit,
	void (*visit)(void *context, const struct lf_payload_row *row), void *context, uint64_t *next,
	struct lf_error *error);
enum lf_code lf_pg_check(struct lf_reader *reader, void (*finding)(void *context, const char *what),
	bool (*go_on)(void *context), void *context, struct lf_error *error);

#endif
