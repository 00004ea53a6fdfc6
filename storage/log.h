/*
 * The decision log: an answered decision is on disk.
 *
 * One writer thread takes what is queued (at most LF_BATCH_MAX records, no timer: while one commit runs, the next batch
 * gathers), commits once, and completes each append exactly once. The log knows bytes and columns, nothing of protobuf.
 * README.md gives the invariants, backend.h what a backend must do.
 */
#ifndef LF_STORAGE_LOG_H
#define LF_STORAGE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/status.h"

struct lf_backend; /* backend.h */
extern const struct lf_backend lf_sqlite_backend;

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

struct lf_digest {
	uint8_t bytes[32]; /* SHA-256 */
};
void lf_sha256(const void *data, size_t length, struct lf_digest *digest);
void lf_digest_print(const struct lf_digest *digest, char text[65]);

struct lf_log;

struct lf_log_options {
	const char *location; /* SQLite: file name. Created where absent. */
	size_t queue_max;     /* appends waiting or being committed; 0 = LF_IN_FLIGHT_MAX */
	size_t reader_count;  /* connections for reads; 0 = 4 */
	/* Called once, from the writer thread, when the log can take no more writes until it is reopened (a failed
	 * fsync, a file that went bad): the service must turn not-ready and restart clean. Must not call back into the
	 * log. May be NULL. */
	void (*on_failed)(void *context, const struct lf_error *error);
	void *on_failed_context;
	int64_t (*now_us)(void); /* microseconds since 1970; NULL = the system's clock. For tests. */
};

/*
 * Opens or creates. FAILED_PRECONDITION where another process has the file, where it is not a decision log, is of a
 * newer schema, or damaged (all untouched); UNAVAILABLE where it can't be opened. Blocks.
 */
enum lf_code lf_log_open(struct lf_log **log, const struct lf_backend *backend, const struct lf_log_options *options,
	struct lf_error *error);
/* Commits what is queued, completes every append, stops the writer, closes. No other call may be running. */
void lf_log_close(struct lf_log *log);
/* Whether the last commit succeeded (true before the first). Any thread. */
bool lf_log_ready(const struct lf_log *log);

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
	const char *recommended; /* "" = none */
	struct lf_bytes team;    /* canonical bytes; stored once by content, so are project and rubric */
	struct lf_bytes project;
	struct lf_digest rubric_digest; /* of a rubric stored before with lf_log_put_rubric() */
	struct lf_bytes answer;         /* stored with the decision */
	/* Ids of this decision's candidates: what LIST by candidate finds. Equal lists are stored once: list by id. */
	const char *const *candidates;
	size_t candidate_count;

	/* Called exactly once, on the writer thread (or inside lf_log_append() where that refuses), never under a lock.
	 * Must not block. error->code LF_OK: committed. ALREADY_EXISTS: the key is known with another request.
	 * INVALID_ARGUMENT: over a limit; FAILED_PRECONDITION: no such rubric. UNAVAILABLE: may or may not be stored;
	 * RESOURCE_EXHAUSTED: the queue or the disk is full. The append may be freed inside. */
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
	struct lf_digest team_digest, project_digest, candidates_digest;
	struct lf_rubric_put *rubric;
	struct lf_rubric_activate *activation;
};

/* Queues. Any thread; never blocks on I/O. */
void lf_log_append(struct lf_log *log, struct lf_append *append);

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
	struct lf_bytes team, project, answer; /* empty in a list */
};

/* Reads one. *stored is one heap block, released with free(). NOT_FOUND, DATA_LOSS, UNAVAILABLE. Any thread; blocks on
 * reads. */
enum lf_code lf_log_get(
	struct lf_log *log, const struct lf_uuid *id, struct lf_stored **stored, struct lf_error *error);

struct lf_filter {
	const char *team_id, *project_id, *candidate; /* NULL or "" = any */
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

/* Stores a version where it is new, and activates it only where the name has no active version. Blocks until committed;
 * not from a completion. *activated, *added may be NULL. */
enum lf_code lf_log_put_rubric(struct lf_log *log, const char *name, const char *title, const char *caller,
	struct lf_bytes body, const struct lf_digest *digest, bool *added, bool *activated, struct lf_error *error);
/* By digest, or (digest NULL) the active one of a name. *row is one heap block, released with free(). NOT_FOUND. */
enum lf_code lf_log_get_rubric(struct lf_log *log, const char *name, const struct lf_digest *digest,
	struct lf_rubric_row **row, struct lf_error *error);
/* By name, newest first. name NULL or "" = all. */
enum lf_code lf_log_list_rubrics(struct lf_log *log, const char *name,
	void (*visit)(void *context, const struct lf_rubric_row *row), void *context, struct lf_error *error);

/* ---- activations: which version of a name is the active one, and since when; every change for ever ---- */

/* What an activation did. */
struct lf_activated {
	bool changed;          /* false: it was the active one already, and nothing was recorded */
	bool had_from;         /* the name had an active version before */
	struct lf_digest from; /* that one */
};

/*
 * Makes a stored version the active one of its name: in one transaction with the record of who did it, when, from
 * what. Returning to an earlier version is the same act. name NULL or "": whichever the version has. Blocks until
 * committed; not from a completion. NOT_FOUND: no such version of that name is stored. UNAVAILABLE: it may or may not
 * have been recorded; doing it again is safe. activated may be NULL.
 */
enum lf_code lf_log_activate_rubric(struct lf_log *log, const char *name, const struct lf_digest *digest,
	const char *caller, struct lf_activated *activated, struct lf_error *error);

struct lf_activation_row {
	const char *name, *caller;
	int64_t activated_at_us;
	bool had_from;
	struct lf_digest from, to;
};

/* Newest first, the newest LF_ACTIVATIONS_MAX at most. name NULL or "" = all. */
enum lf_code lf_log_list_activations(struct lf_log *log, const char *name,
	void (*visit)(void *context, const struct lf_activation_row *row), void *context, struct lf_error *error);
/* Whether the version is the active one of its name, or ever was. false for one that is not stored. */
enum lf_code lf_log_was_active(
	struct lf_log *log, const struct lf_digest *digest, bool *was_active, struct lf_error *error);

#endif
