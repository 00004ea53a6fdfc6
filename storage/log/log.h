/*
 * The decision log: an answered decision is on disk.
 *
 * One writer thread takes what is queued (at most LF_BATCH_MAX records, no timer: while one commit runs, the next batch
 * gathers), commits once, and completes each append exactly once. The log knows bytes and columns, nothing of protobuf.
 * storage/DESIGN.md gives the invariants, backend.h what a backend must do.
 */
#ifndef LF_STORAGE_LOG_LOG_H
#define LF_STORAGE_LOG_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/status.h"
#include "storage/tlog/leaf.h"

struct lf_backend; /* backend.h; storage/backends finds one */

struct lf_bytes {
	const uint8_t *data;
	size_t length;
};

struct lf_uuid {
	uint8_t bytes[16];
};
enum { LF_UUID_TEXT_BYTES = 37 }; /* with NUL */
void lf_uuid_print(const struct lf_uuid *id, char text[LF_UUID_TEXT_BYTES]);
bool lf_uuid_parse(const char *text, struct lf_uuid *id); /* lower or upper case, with dashes */

struct lf_log;

/*
 * What is told of a shared log, which others write as well, within half a second while the store can be read: from a
 * thread of the log's own, one call at a time. None may block, nor call back into the log. Each may be NULL.
 */
struct lf_log_watch {
	/* There are newer decisions, by whichever store: the newest sequence, which a read finds by then. */
	void (*on_moved)(void *context, uint64_t newest_sequence);
	/*
	 * Something was erased or pruned: what is remembered of the log from before may hold what is no more. The log
	 * itself, its store and its readers forget it, too.
	 */
	void (*on_redacted)(void *context);
	/* Which version of a name is active may have changed, or the default: lf_log_activated_to() is this. */
	void (*on_activated)(void *context, uint64_t activated_to);
	void *context;
};

struct lf_log_options {
	const char *location; /* what lf_backend_by_url() gave; SQLite: file name. Created where absent. */
	/*
	 * The same log by another location, whose role may erase and prune: lf_log_redact() is done by that alone then.
	 * NULL: by the role of location. INVALID_ARGUMENT where the backend knows no roles.
	 */
	const char *keeper;
	/*
	 * Opens what is there for reads alone, however damaged it is, and changes no byte of it: for verifying.
	 * Whatever would write is refused with FAILED_PRECONDITION. Then lf_log_open() gives NOT_FOUND where there is
	 * nothing, and INVALID_ARGUMENT where it is no log.
	 */
	bool read_only;
	size_t queue_max;    /* appends waiting or being committed; 0 = LF_IN_FLIGHT_MAX */
	size_t reader_count; /* connections for reads; 0 = 4 */
	/* Called once, from the writer thread, when the log can take no more writes until it is reopened (a failed
	 * fsync, a file that went bad): the service must turn not-ready and restart clean. Must not call back into the
	 * log. May be NULL. */
	void (*on_failed)(void *context, const struct lf_error *error);
	void *on_failed_context;
	/*
	 * Called once, from whichever thread is first to meet damage (lf_log_note_damage()): the log is no longer ready.
	 * Must not call back into the log. May be NULL.
	 */
	void (*on_damaged)(void *context, const struct lf_error *error);
	void *on_damaged_context;
	/*
	 * Called from the writer thread once a batch that stored decisions, after its commit: the newest sequence,
	 * which a read finds by then. Must not block. May be NULL.
	 */
	void (*on_committed)(void *context, uint64_t newest_sequence);
	void *on_committed_context;
	struct lf_log_watch watch; /* of a shared log alone */
	/*
	 * Called from a thread of the log's own, or the opening one, when something is wrong that the operator must know
	 * of, or is right again, in a sentence: the clock (lf_log_ready()). Must not block. May be NULL.
	 */
	void (*on_warning)(void *context, const char *text);
	void *on_warning_context;
	int64_t (*now_us)(void); /* microseconds since 1970; NULL = the system's clock. For tests. */
	/* Microseconds since any moment; NULL = the system's, or none where now_us is set. For tests. */
	int64_t (*elapsed_us)(void);
	/*
	 * Called by lf_log_open() now and then while it brings a log of an older schema to this one: decisions done, of
	 * how many. At least once before that begins (done 0) and once when it is through. May be NULL.
	 */
	void (*on_migrating)(void *context, uint64_t done, uint64_t total);
	void *on_migrating_context;
};

/*
 * Opens or creates. FAILED_PRECONDITION where another process has the file, where it is not a decision log, is of a
 * newer schema, or damaged (all untouched); UNAVAILABLE where it can't be opened. A log of an older schema is brought
 * to this one first, in one transaction: RESOURCE_EXHAUSTED where the disk has no room for it (untouched). Blocks, then
 * for minutes in a log of millions.
 */
enum lf_code lf_log_open(struct lf_log **log, const struct lf_backend *backend, const struct lf_log_options *options,
	struct lf_error *error);
/*
 * Commits what is queued, completes every append, stops the writer, closes. No other call may be running but
 * lf_log_do(), which is ended with UNAVAILABLE and waited for (a vacuum until it is done).
 */
void lf_log_close(struct lf_log *log);
/*
 * As lf_log_close(), and takes the log away again where lf_log_open() made it: for a start that failed. Only as long as
 * nobody else was told anything about what is in it.
 */
void lf_log_discard(struct lf_log *log);
/*
 * Whether the last commit succeeded (true before the first), no damage was met, and times fit: the clock has not jumped
 * ahead while the log was open, and the newest record is not ahead of the clock, by more than five minutes each. Of a
 * shared log: also that something was committed, as durably as a decision is, within the last ten seconds (an idle writer
 * commits a probe every three), and that the clock is not more than five seconds apart from the store's. Any thread.
 */
bool lf_log_ready(const struct lf_log *log);
/* Whether others may write the same log. Any thread. */
bool lf_log_is_shared(const struct lf_log *log);
/*
 * What the clock says, in microseconds, where times don't fit, so that a record can keep it beside the time that orders
 * it; else 0. Any thread.
 */
int64_t lf_log_clock_apart(const struct lf_log *log);
/*
 * What was read contradicts itself: where the error is DATA_LOSS, the log is not ready until it is opened again, and
 * on_damaged is called with the first such error; with any other, nothing happens. The log's own reads do this: it is
 * for who decodes what they gave. Any thread.
 */
void lf_log_note_damage(struct lf_log *log, const struct lf_error *error);

/*
 * One decision to append. The struct and all that it points to are the caller's and stay untouched until done() is
 * called.
 */
struct lf_append {
	/* in */
	const char *caller;              /* who asked */
	const char *idempotency_key;     /* "" = none */
	struct lf_digest request_digest; /* of the request as sent; compared where the key is known already */
	const char *team_id;
	const char *project_id;
	const char *rubric_name;
	uint32_t outcome;
	uint32_t purpose;
	const char *recommended; /* "" = none, else one of the candidates */
	struct lf_bytes team;    /* canonical bytes; stored once by content, so are project and rubric */
	struct lf_bytes project;
	struct lf_digest rubric_digest; /* of a rubric stored before with lf_log_put_rubric() */
	struct lf_bytes answer;         /* stored with the decision */
	bool digested; /* team_digest and project_digest, below, are set: SHA-256 of team and project */
	/*
	 * Ids of this decision's candidates, rising by their bytes (lf_log_check() relies on it): what LIST by
	 * candidate finds. Equal lists are stored once.
	 */
	const char *const *candidates;
	size_t candidate_count;
	/*
	 * lf_log_activated_to(), read before the rubrics were read from the log among which this one was chosen by its
	 * name: where a version was activated after it, ABORTED, and nothing is stored. Then, and after on_activated(),
	 * who remembers rubrics reads it and them anew, in that order; a newer value with older rubrics would say that
	 * an activation is known which is not. 0: that is not looked at.
	 */
	uint64_t scored_at;

	/* Called exactly once, on the writer thread (or inside lf_log_append() where that refuses), never under a lock.
	 * Must not block. error->code LF_OK: committed. ALREADY_EXISTS: the key is known with another request.
	 * INVALID_ARGUMENT: over a limit; FAILED_PRECONDITION: no such rubric. UNAVAILABLE: not stored, or where the
	 * message says so may or may not be; RESOURCE_EXHAUSTED: the queue or the disk is full. ABORTED: scored_at. The
	 * append may be freed inside. */
	void (*done)(struct lf_append *append, const struct lf_error *error);
	void *context;

	/* out, set before done() where LF_OK */
	struct lf_uuid id;     /* UUIDv7, rising with sequence */
	uint64_t sequence;     /* from 1, without gaps */
	int64_t decided_at_us; /* microseconds since 1970, never falling */
	bool existing;         /* the key was known with the same request: this is the stored decision, read it by id */
	bool alone;            /* it had a commit of its own: the writer was idle before */

	/* the log's own; need no setting */
	struct lf_append *next;
	unsigned state; /* enum lf_append_state of the log */
	struct lf_digest team_digest, project_digest, candidates_digest;
	struct lf_rubric_put *rubric;
	struct lf_rubric_activate *activation;
	struct lf_act_put *act;
	struct lf_redact *redaction;
	struct lf_chore *chore;
};

/* Queues. Any thread; never blocks on I/O. */
void lf_log_append(struct lf_log *log, struct lf_append *append);
/*
 * Queues several, at once: where the writer is idle they share one commit (LF_BATCH_MAX at most). Each is completed by
 * itself.
 */
void lf_log_append_all(struct lf_log *log, struct lf_append *const *appends, size_t count);

/*
 * The size of the tree that ended with the newest activation (or new default: LF_LEAF_DEFAULT) known of, which a read
 * finds by then; 0 = none. Never falls, and grows by these alone, but that a log of an exclusive backend may begin with
 * its whole size, and jump to it where a commit that failed was stored. It can be ahead of on_activated(). Any thread.
 */
uint64_t lf_log_activated_to(const struct lf_log *log);
/*
 * Asks a shared log what others have committed by now: lf_log_activated_to() is then past every activation that was
 * answered anywhere before the call. Of an exclusive log it is so in any case. UNAVAILABLE. Any thread; reads.
 */
enum lf_code lf_log_look(struct lf_log *log, struct lf_error *error);

/* Looks a key up without queueing, so that a repeated request need not be scored again. NOT_FOUND; ALREADY_EXISTS where
 * the request was another. Any thread; reads. */
enum lf_code lf_log_find_key(struct lf_log *log, const char *caller, const char *key,
	const struct lf_digest *request_digest, struct lf_uuid *id, struct lf_error *error);

/* One stored decision. */
struct lf_stored {
	uint64_t sequence;
	struct lf_uuid id;
	int64_t decided_at_us;
	const char *caller, *team_id, *project_id, *rubric_name, *recommended;
	uint32_t outcome, purpose;
	struct lf_digest rubric_digest;
	uint64_t team_payload, project_payload; /* the same number, the same bytes */
	struct lf_digest candidates; /* of the list of candidates, in the order of lf_append; of a scan only */
	struct lf_bytes team, project, answer; /* empty in a list */
};

/*
 * One heap block, released with free(), that holds a copy of *row with everything that it points to (NULL strings
 * become ""). NULL when memory ran out.
 */
struct lf_stored *lf_stored_copy(const struct lf_stored *row);

/* Reads one. *stored is one heap block, released with free(). NOT_FOUND, DATA_LOSS, UNAVAILABLE. Any thread; blocks on
 * reads. */
enum lf_code lf_log_get(
	struct lf_log *log, const struct lf_uuid *id, struct lf_stored **stored, struct lf_error *error);

struct lf_filter {
	const char *team_id, *project_id, *candidate; /* NULL or "" = any */
	const char *rubric_name;                      /* any version of it; NULL or "" = any rubric */
	uint32_t outcome;                             /* 0 = any */
	int64_t since_us, until_us;                   /* decided in [since, until); INT64_MIN, INT64_MAX = open */
	uint64_t before_sequence;                     /* 0 = from the newest */
	size_t limit;                                 /* 1..LF_PAGE_MAX */
};

/*
 * Newest first. Calls visit for each (payloads empty; strings only valid during the call). Looks at a bounded number of
 * rows in one read transaction, well under 100 ms: *next is the sequence to go on before, 0 at the end; a page can be
 * short before the end.
 */
enum lf_code lf_log_list(struct lf_log *log, const struct lf_filter *filter,
	void (*visit)(void *context, const struct lf_stored *row), void *context, uint64_t *next,
	struct lf_error *error);

/* ---- rubrics: every version for ever, by digest ---- */

struct lf_rubric_row {
	const char *name, *title, *put_by;
	struct lf_digest digest;
	int64_t put_at_us;
	bool active;
	struct lf_bytes body; /* canonical bytes; empty in a list */
};

/* What an activation did. */
struct lf_activated {
	bool changed;          /* false: it was so already, and nothing was recorded */
	bool had_from;         /* the name had an active version before */
	struct lf_digest from; /* that one */
};

/*
 * Stores a version where it is new. activate: makes it the active one of its name in the same transaction, as
 * lf_log_activate_rubric() does. Blocks until committed; not from a completion. added and activated may be NULL.
 */
enum lf_code lf_log_put_rubric(struct lf_log *log, const char *name, const char *title, const char *caller,
	struct lf_bytes body, const struct lf_digest *digest, bool activate, bool *added,
	struct lf_activated *activated, struct lf_error *error);
/* By digest, or (digest NULL) the active one of a name. *row is one heap block, released with free(). NOT_FOUND. */
enum lf_code lf_log_get_rubric(struct lf_log *log, const char *name, const struct lf_digest *digest,
	struct lf_rubric_row **row, struct lf_error *error);
/* By name, newest first. name NULL or "" = all. */
enum lf_code lf_log_list_rubrics(struct lf_log *log, const char *name,
	void (*visit)(void *context, const struct lf_rubric_row *row), void *context, struct lf_error *error);

/* ---- activations: which version of a name is the active one, if any, and since when; every change for ever ---- */

/*
 * Makes a stored version the active one of its name: in one transaction with the record of who did it, when, from
 * what. Returning to an earlier version is the same act. name NULL or "": whichever the version has. Blocks until
 * committed; not from a completion. NOT_FOUND: no such version of that name is stored. UNAVAILABLE: it was not
 * recorded, or may not have been; doing it again is safe. activated may be NULL.
 */
enum lf_code lf_log_activate_rubric(struct lf_log *log, const char *name, const struct lf_digest *digest,
	const char *caller, struct lf_activated *activated, struct lf_error *error);
/*
 * The name has no active version from then on: recorded as an activation is, to nothing. Where it has none already,
 * nothing is recorded. NOT_FOUND: no version of that name is stored. Else as lf_log_activate_rubric().
 */
enum lf_code lf_log_deactivate_rubric(struct lf_log *log, const char *name, const char *caller,
	struct lf_activated *activated, struct lf_error *error);

struct lf_activation_row {
	const char *name, *caller;
	int64_t activated_at_us;
	bool had_from, has_to; /* has_to false: it was deactivated */
	struct lf_digest from, to;
};

/* Newest first, the newest LF_ACTIVATIONS_MAX at most. name NULL or "" = all. */
enum lf_code lf_log_list_activations(struct lf_log *log, const char *name,
	void (*visit)(void *context, const struct lf_activation_row *row), void *context, struct lf_error *error);
/* Whether the version is the active one of its name, or ever was. false for one that is not stored. */
enum lf_code lf_log_was_active(
	struct lf_log *log, const struct lf_digest *digest, bool *was_active, struct lf_error *error);

/* ---- reading on: decisions in the order of their sequence, with their bytes ---- */

enum lf_payload_kind {
	LF_PAYLOAD_TEAM = 1,
	LF_PAYLOAD_PROJECT = 2,
	LF_PAYLOAD_RUBRIC = 3
}; /* stored: never renumber */

struct lf_scan {
	const char *team_id, *project_id, *candidate; /* NULL or "" = any */
	const char *rubric_name;                      /* any version of it; NULL or "" = any rubric */
	uint32_t outcome;                             /* 0 = any */
	bool decisions_only;                          /* leaves out WHAT_IF */
	int64_t since_us, until_us;                   /* decided in [since, until); INT64_MIN, INT64_MAX = open */
	bool newest_first;
	uint64_t from_sequence; /* the first to look at: the last one's next. 0 = from the end where the order begins */
	size_t limit;           /* rows to visit at most, 1..LF_PAGE_MAX */
	/* ends the slice after the row with which team, project and answer reach this; 0 = LF_MESSAGE_BYTES_MAX */
	size_t bytes_max;
	bool payloads; /* false: team, project and answer stay empty */
	/*
	 * With payloads: whether the caller knows the bytes of this team or project already, which then stay empty.
	 * NULL: none.
	 */
	bool (*knows)(void *context, enum lf_payload_kind kind, uint64_t payload);
};

/*
 * Calls visit for each decision that fits, in order; strings and bytes are only valid during the call; visit returning
 * false ends the slice after that row. Looks at rows for at most 20 ms in one read transaction: *next is the sequence
 * to go on from, 0 at the end (of what is committed now, for rising order). A slice can be short, even empty, before
 * the end. DATA_LOSS where a row refers to what is not stored or can't be read: *next is then the sequence past that
 * row (also where none follows), 0 where there is no going on. That the bytes are those that were recorded is not
 * looked at: they may be anything (lf_log_audit() tells).
 */
enum lf_code lf_log_scan(struct lf_log *log, const struct lf_scan *scan,
	bool (*visit)(void *context, const struct lf_stored *row), void *context, uint64_t *next,
	struct lf_error *error);

/* ---- acts: what is appended about decisions afterwards, or about the log itself ---- */

/*
 * One to append. kind: LF_LEAF_OUTCOME, LF_LEAF_DEFAULT, LF_LEAF_JOB or LF_LEAF_ACCESS. (Erasure and pruning append
 * theirs with lf_log_redact(), migration with itself.)
 */
struct lf_act_put {
	enum lf_leaf_kind kind;
	const char *caller;
	const struct lf_uuid *decision; /* what it is about; NULL = none, as of every act that is no outcome */
	struct lf_bytes body;           /* canonical bytes, at most LF_MESSAGE_BYTES_MAX */
	/*
	 * Size of a head that was read before whatever the body was made of: where an erasure or a pruning came after
	 * it, ABORTED, and nothing is recorded. So nobody brings back a name that they read before. 0: that is not
	 * looked at.
	 */
	uint64_t seen_size;
	/* out */
	uint64_t id;       /* rising, from 1 */
	uint64_t position; /* of its leaf */
	int64_t at_us;     /* microseconds since 1970, never falling */
};
/*
 * Blocks until committed; not from a completion. NOT_FOUND: no such decision. INVALID_ARGUMENT: another kind, or over a
 * limit. ABORTED: seen_size. UNAVAILABLE: it was not recorded, or where the message says so may or may not have been.
 */
enum lf_code lf_log_put_act(struct lf_log *log, struct lf_act_put *act, struct lf_error *error);

struct lf_act_row {
	uint64_t id, position;
	enum lf_leaf_kind kind;
	int64_t at_us;
	const char *caller;
	bool has_decision;
	struct lf_uuid decision;
	uint64_t decision_sequence;
	struct lf_bytes body;
};
/*
 * Oldest first, those after the id `after`, of this kind (0 = any) and about this decision (NULL = any); at most limit.
 * *next: go on after it; 0 at the end. Those of a kind that is not LF_LEAF_OUTCOME are found without reading outcomes.
 */
enum lf_code lf_log_list_acts(struct lf_log *log, enum lf_leaf_kind kind, const struct lf_uuid *decision,
	uint64_t after, size_t limit, void (*visit)(void *context, const struct lf_act_row *row), void *context,
	uint64_t *next, struct lf_error *error);

/* ---- evidence: the Merkle tree over everything that was recorded (tlog/) ---- */

/* A committed state: size leaves, and their root. */
struct lf_tree_head {
	uint64_t size;
	struct lf_digest root;
};
/* Read back from what is committed. */
enum lf_code lf_log_head(struct lf_log *log, struct lf_tree_head *head, struct lf_error *error);
/*
 * The same, of what is as durable as an acknowledged record: of a store with a standby, what is read may be on the
 * primary alone, and gone after a failover. So something is committed behind it first. For what is to be signed, and so
 * can't be taken back. UNAVAILABLE where that can't be done now. Any thread; blocks on a commit of its own.
 */
enum lf_code lf_log_lasting_head(struct lf_log *log, struct lf_tree_head *head, struct lf_error *error);
/* Stored hashes of level 0, 8, 16, ... (tlog/tree.h). DATA_LOSS where one is missing. */
enum lf_code lf_log_hashes(struct lf_log *log, unsigned level, uint64_t first, size_t count, struct lf_digest *hashes,
	struct lf_error *error);
/* Where a decision's leaf is. NOT_FOUND. */
enum lf_code lf_log_find_leaf(
	struct lf_log *log, const struct lf_uuid *decision, uint64_t *position, struct lf_error *error);

/* What is stored of what a leaf commits to. */
struct lf_audit_payload {
	uint64_t id; /* lf_log_get_payload() gives the bytes; the same id, the same payload */
	/*
	 * The commitment that leaves have, where the payload was replaced since; else it is that of its bytes and salt.
	 */
	bool redacted;
	struct lf_digest original;
};
enum { LF_AUDIT_PAYLOADS_MAX = 3 };
struct lf_audit_row {
	uint64_t position;
	enum lf_leaf_kind kind;
	struct lf_digest hash; /* as stored */
	/* NULL, or what is missing ("its row", "its team's name"): nothing below is set then. */
	const char *missing;
	uint64_t number; /* as in the leaf */
	int64_t time_us;
	struct lf_bytes record; /* canonical bytes of what is stored now */
	struct lf_salt salt;
	bool redacted; /* of the record, as for a payload */
	struct lf_digest original;
	struct lf_audit_payload payloads[LF_AUDIT_PAYLOADS_MAX]; /* in the leaf's order */
	size_t payload_count;
	const struct lf_digest *pairs; /* ERASURE, PRUNING: old, new, old, new, ... */
	size_t pair_count;
	struct lf_uuid decision; /* DECISION: its id */
};
/*
 * What is stored for the leaves from position first on, in order, for at most limit of them and 20 ms. visit may call
 * lf_log_get_payload(), which takes a second reader: as many callers as the pool has readers, all inside visit, would
 * wait for ever, so only where at most reader_count - 1 audits run at a time. A leaf that is missing below the head is
 * a row with missing set and kind 0. *next: the position to go on from; 0 at the end.
 */
enum lf_code lf_log_audit(struct lf_log *log, uint64_t first, size_t limit,
	void (*visit)(void *context, const struct lf_audit_row *row), void *context, uint64_t *next,
	struct lf_error *error);

struct lf_payload_row {
	uint64_t id;
	enum lf_payload_kind kind;
	struct lf_digest digest; /* as stored: SHA-256 of the bytes, unless it was erased */
	struct lf_salt salt;
	struct lf_bytes body;
};
/* *row is one heap block, released with free(). NOT_FOUND. */
enum lf_code lf_log_get_payload(struct lf_log *log, uint64_t id, struct lf_payload_row **row, struct lf_error *error);
/* Those of a kind after an id, rising, for at most limit and 20 ms. *next: go on after it; 0 at the end. */
enum lf_code lf_log_list_payloads(struct lf_log *log, enum lf_payload_kind kind, uint64_t after, size_t limit,
	void (*visit)(void *context, const struct lf_payload_row *row), void *context, uint64_t *next,
	struct lf_error *error);

/* ---- for who copies a log: what no leaf and no other read gives ---- */

/* The idempotency keys of decisions first to last, rising; at most LF_PAGE_MAX decisions. */
enum lf_code lf_log_list_keys(struct lf_log *log, uint64_t first, uint64_t last,
	void (*visit)(void *context, uint64_t sequence, const char *key), void *context, struct lf_error *error);
/* Who is in a list of candidates, by its digest; rising by bytes. */
enum lf_code lf_log_list_members(struct lf_log *log, const struct lf_digest *candidates,
	void (*visit)(void *context, const char *candidate), void *context, struct lf_error *error);

/*
 * Checks what is derived from the records and no leaf covers: the indexes by id and key, the chains and skips, who is
 * in which list, that nothing is stored that no record refers to. Calls finding with a sentence for each thing that is
 * wrong. Long (it reads everything) but in short read transactions; go_on returning false ends it with CANCELLED.
 */
enum lf_code lf_log_check(struct lf_log *log, void (*finding)(void *context, const char *what),
	bool (*go_on)(void *context), void *context, struct lf_error *error);

/* What lf_log_restore() did with what was there. */
struct lf_replaced {
	bool kept; /* a log was there: it has the name below */
	char kept_as[512];
	uint64_t bytes; /* of the log that is there now */
};
/*
 * Puts a copy of another log (a backup: one file, which nothing has open) in the place of the log at location, or where
 * none is. The copy is made and synced beside it before anything is renamed, so that location is the old log, or the
 * new one, or (for an instant, and after a loss of power then) absent with both beside it; never half of one. What a
 * crash left to be recovered of the old log stays with it. What is in the copy, check judges, once it is on disk, by
 * its name: false ends it with CANCELLED. Check may also write to it, as a log that it opens and closes. Nothing else
 * looks into it. No log is open meanwhile, but by check. NOT_FOUND
 * where from is not there; FAILED_PRECONDITION where another process has location or from; RESOURCE_EXHAUSTED where the
 * disk is full: then nothing is changed. Blocks for as long as the copy takes.
 */
enum lf_code lf_log_restore(const struct lf_backend *backend, const char *location, const char *from,
	bool (*check)(void *context, const char *copy), void *context, struct lf_replaced *replaced,
	struct lf_error *error);

/* ---- erasing and pruning: bytes are replaced under a new salt, and a leaf says so ---- */

/* One thing to replace. */
struct lf_redact_item {
	enum { LF_REDACT_PAYLOAD = 1, LF_REDACT_DECISION = 2, LF_REDACT_ACT = 3 } what;
	uint64_t id;           /* of the payload or act; the decision's sequence */
	struct lf_bytes bytes; /* what stands there from now on: team or project, answer, or body. Empty: nothing */
	/*
	 * Of a decision: its candidates from now on, rising by their bytes; recommended ("" = none, else one of them).
	 * Its idempotency key is forgotten.
	 */
	const char *const *candidates;
	size_t candidate_count;
	const char *recommended;
};
struct lf_redact {
	enum lf_leaf_kind kind; /* LF_LEAF_ERASURE, LF_LEAF_PRUNING */
	const char *caller;
	struct lf_bytes body; /* canonical bytes of the act: why, and how many; no id of the person */
	const struct lf_redact_item *items;
	size_t item_count; /* 1..LF_PAGE_MAX: one transaction. Larger work goes in several, each whole by itself */
	/*
	 * The newest decision that the caller looked at: where a younger one refers to a payload among the items,
	 * FAILED_PRECONDITION, and nothing is changed. So nobody is left with a payload that was replaced under them.
	 * 0: that is not looked at.
	 */
	uint64_t seen_sequence;
	uint64_t id, position; /* out, as of an act */
	int64_t at_us;
};
/*
 * In one transaction: gives every item new bytes and a new random salt, forgets the old ones, digests and names that
 * nothing refers to any more, and appends a leaf that maps each old commitment to the new one. Blocks until committed;
 * not from a completion. NOT_FOUND where an item is not stored, INVALID_ARGUMENT where a payload is a rubric (those
 * stay) or an item is given twice, FAILED_PRECONDITION where a record is damaged: nothing is changed.
 */
enum lf_code lf_log_redact(struct lf_log *log, struct lf_redact *redaction, struct lf_error *error);

/* Rarely done work on the writer's thread, one at a time: others wait for their turn. */
struct lf_chore {
	enum { LF_CHORE_VACUUM = 1, LF_CHORE_BACKUP = 2 } what;
	const char *file; /* BACKUP: a new file, made 0600. Absolute, or relative to the process's directory */
	void (*progress)(void *context, uint64_t done, uint64_t total); /* pages; on the writer's thread. May be NULL */
	bool (*go_on)(
		/* false ends a backup with CANCELLED; on the writer's thread, between steps. May be NULL */
		void *context);
	void *context;
	uint64_t bytes_before;    /* out: VACUUM: the log's files, before it */
	uint64_t bytes;           /* out: BACKUP: of the file; VACUUM: the log's files, after it */
	struct lf_tree_head head; /* out: BACKUP: what the copy holds */
};
/*
 * VACUUM: rewrites the file, so that nothing of what was deleted is left in it, nor in its WAL. Takes as long as the
 * file is large, and twice as much space again beside it; appends wait. RESOURCE_EXHAUSTED where the disk is full:
 * nothing is lost, and nothing was cleaned.
 *
 * BACKUP: copies the log as of one commit (the last one before the copy was complete) by the writer's own connection, a
 * step between commits, so that appends go on; the copy is made as FILE.part, and has its name only when it is whole,
 * on disk, and was found to be a log. ALREADY_EXISTS where the file or its .part is there; INVALID_ARGUMENT where it is
 * a name that belongs to the log; RESOURCE_EXHAUSTED where its disk is full; UNAVAILABLE where it can't be written, or
 * the log closes: then nothing is left of it. Blocks; not from a completion.
 *
 * Both are UNIMPLEMENTED where the backend has no files.
 */
enum lf_code lf_log_do(struct lf_log *log, struct lf_chore *chore, struct lf_error *error);

#endif
