/* Inside the log: shared by the files of this folder. Not for others. */
#ifndef LF_STORAGE_LOG_PRIVATE_H
#define LF_STORAGE_LOG_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "proto/base/check.h"
#include "proto/base/limits.h"
#include "storage/log/backend.h"
#include "storage/log/figures.h"

/* Replaces *last by a greater version 7 id of that time. random is used up. */
void lf_uuid_next(struct lf_uuid *last, int64_t now_us, const uint8_t random[16]);

struct lf_log;

/* A reader of the pool, and as of which age its memory is. */
struct lf_pooled {
	struct lf_reader *reader;
	unsigned age;
};

/* Readers that wait to be used. Any thread. */
struct lf_reader_pool {
	pthread_mutex_t lock;
	pthread_cond_t returned;
	struct lf_reader **idle; /* a stack: the one used last is the warmest */
	size_t idle_count, count;
	struct lf_reader **renewed; /* room for all of them: lf_readers_renew() */
	struct lf_pooled *all;      /* count of them */
	bool settling;              /* lf_log_lasting_head() has one, perhaps for long */
	pthread_cond_t settled;
	unsigned age; /* lf_readers_forget(): what is older is opened anew before it is idle again */
};

enum lf_code lf_reader_pool_open(struct lf_reader_pool *pool, const struct lf_backend *backend, struct lf_store *store,
	size_t count, struct lf_error *error);
/* Waits until every reader is back. Safe on a pool that failed to open. Blocks. */
void lf_reader_pool_close(struct lf_reader_pool *pool, const struct lf_backend *backend);

/*
 * Opens every reader anew, so that nothing of what they have read stays in their memory. Where one can't be opened, the
 * old one stays, and its error is given. Waits until each is back: one caller at a time, who has none. Blocks.
 */
enum lf_code lf_readers_renew(struct lf_log *log, struct lf_error *error);
/*
 * The same without waiting: idle ones at once; a reader on loan is reopened when it is returned. Where one can't be
 * opened the old one stays. Any thread. Blocks as opening does.
 */
void lf_readers_forget(struct lf_log *log);

/* A rubric that waits for the writer, and what came of it. */
struct lf_rubric_put {
	const char *name, *title, *caller;
	struct lf_bytes body;
	const struct lf_digest *digest; /* SHA-256 of body: checked by the log */
	bool activate;                  /* makes it the active version, too */
	bool added;                     /* out: it was not there */
	struct lf_activated activated;  /* out; all zero where it was not asked for */
};

/* An activation, likewise. */
struct lf_rubric_activate {
	const char *name; /* "" = any; not "" where digest is NULL */
	const char *caller;
	const struct lf_digest *digest; /* NULL: none, the name has no active version from then on */
	struct lf_activated activated;  /* out */
};

/* What the writer thread works on: an append and what came of it. */
struct lf_batch_entry {
	struct lf_append *append;
	struct lf_item item;
	bool existing;         /* its key was used before by the same request: item has that decision's numbers */
	struct lf_error error; /* of this record alone */
};

/* Which of a group have a payload that is new, or a key: so that what comes twice in it is found. */
struct lf_repeats {
	uint16_t slots[4 * LF_BATCH_MAX]; /* 0 = none, else one more than a place in the group */
};

/* Random bytes for one record: its id and three salts. (A redaction draws its own.) */
struct lf_entropy {
	uint8_t id[16];
	struct lf_salt salts[3];
};

/* Appends, oldest first. */
struct lf_append_queue {
	struct lf_append *first, *last;
};

/* ---- states: storage/DESIGN.md has the tables as pictures, states.c as code ---- */

/* W14. The writer thread alone changes it; to FAILED under the lock. */
enum lf_writer_state {
	LF_WRITER_ABSENT,    /* opened for reading only: there is no writer thread */
	LF_WRITER_READY,     /* the last attempt to write succeeded */
	LF_WRITER_NOT_READY, /* it did not: the disk is full, say; the next may */
	LF_WRITER_FAILED,    /* no more writes until the log is reopened */
	LF_WRITER_STATES
};

/* W13. The writer thread's. */
enum lf_batch_state {
	LF_BATCH_EMPTY,
	LF_BATCH_TAKEN,     /* out of the queue; in the transaction, if that has begun */
	LF_BATCH_COMMITTED, /* its appends are being told so */
	LF_BATCH_LOST,      /* its appends are being told that it is not, or may not be, stored */
	LF_BATCH_STATES
};

/* W11. Under the lock. */
enum lf_chore_state {
	LF_CHORE_NONE,
	LF_CHORE_GIVEN,     /* by lf_log_do(), and the writer has not begun it */
	LF_CHORE_UNDER_WAY, /* at least one step was done or refused */
	LF_CHORE_STATES
};

/* W1. Of an append that was taken in. Whoever has it changes it: the queue under the lock, then the writer thread. */
enum lf_append_state { LF_APPEND_QUEUED = 1, LF_APPEND_TAKEN = 2, LF_APPEND_DONE = 3 };

/* W16. The writer thread's, and before there is one the opening thread's. */
enum lf_time_state {
	LF_TIME_FITS,
	LF_TIME_JUMPED, /* the clock, ahead, while the log was open: what has elapsed is followed instead */
	LF_TIME_LEADS,  /* the newest record's, over the clock */
};

/* Looks at what other stores of a shared log do: look.c */
struct lf_look {
	struct lf_reader *reader; /* NULL = the log is not shared, or read only */
	pthread_t thread;
	struct lf_tail seen; /* the thread's, and so is what follows: sequence, redacted_to, activated_to */
	bool to_renew;       /* the readers, since something was erased */
	uint64_t renewed_ns; /* of lf_clock_ns(): when they last were */
	atomic_bool apart;   /* the clock is too far from the store's */
	atomic_int_fast64_t apart_us;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool closing; /* under lock */
};

struct lf_log {
	const struct lf_backend *backend;
	struct lf_store *store;
	size_t queue_max;
	bool read_only; /* state is ABSENT */
	void (*on_failed)(void *context, const struct lf_error *error);
	void *on_failed_context;
	void (*on_damaged)(void *context, const struct lf_error *error);
	void *on_damaged_context;
	atomic_bool damaged; /* M1: set once, and never taken back */
	void (*on_committed)(void *context, uint64_t newest_sequence);
	void *on_committed_context;
	void (*on_warning)(void *context, const char *text);
	void *on_warning_context;
	int64_t (*now_us)(void);
	int64_t (*elapsed_us)(void); /* NULL: what the clock says is not compared with what has elapsed */
	struct lf_reader_pool readers;
	struct lf_log_counts counts;
	_Atomic(enum lf_writer_state) state;
	_Atomic(enum lf_time_state) time_state;
	pthread_t writer;

	/* under lock */
	pthread_mutex_t lock;
	pthread_cond_t wake;          /* for the writer alone */
	struct lf_append_queue queue; /* waiting, single ones */
	struct lf_append_queue bulk;  /* waiting, of those that came many at once */
	size_t pending;               /* waiting or in the batch */
	bool asleep;                  /* the writer waits for wake; whoever clears it signals */
	bool closing;
	struct lf_append *chore; /* waits for the writer, or is being done; one at a time */
	enum lf_chore_state chore_state;
	size_t chore_callers;       /* inside lf_log_do() */
	pthread_cond_t chore_ended; /* a chore has ended, or a caller has left */

	/* the writer thread's */
	bool writer_locked; /* it holds the lock: W7 */
	enum lf_batch_state batch_state;
	size_t bulk_taken;     /* bulk appends of the batch */
	unsigned singles_seen; /* batches for which single appends are still assumed to be active */
	/* The newest given out: at or past what is committed. Tree and root: those of the last begin() or commit() */
	struct lf_tail tail;
	bool tail_known; /* false after a failed transaction, until read again; then leaves.tree is what is stored */
	struct lf_leaves leaves;       /* the tree, with what the transaction adds */
	struct lf_leaf_place first;    /* of the transaction's first leaf, where it has one */
	struct lf_tree committed_tree; /* W10: the newest that was committed here, or compared with that */
	uint64_t committed_redacted_to, committed_activated_to; /* as of what was committed, or taken over */
	uint64_t compared_at;      /* second in which another store's tree was last compared with it */
	uint64_t failing_since_ns; /* of lf_clock_ns(): the first failure since a batch succeeded; 0 = none */
	bool time_seen;            /* both clocks, when the writer last looked */
	int64_t seen_wall_us, seen_elapsed_us;
	int64_t stored_us, stored_elapsed_us; /* the store's own clock, and when it was read; 0 = it has none */
	atomic_int_fast64_t clock_ahead_us;   /* of ours: the store's */
	uint64_t looked_after_at;             /* second in which the store was last looked after */
	struct lf_batch_entry *batch;
	struct lf_entropy *entropy;
	struct lf_repeats payloads, keys; /* of a group */
	uint8_t *scratch;                 /* a record's canonical bytes */
	size_t scratch_size;
	unsigned forget_age; /* lf_forget_age() when all of that was cleared last */

	atomic_uint_fast64_t activated_to; /* lf_log_activated_to() */
	/* Of a shared log: lf_clock_ns() when something was last committed as durably as a decision is. */
	atomic_uint_fast64_t reached_ns;
	atomic_bool redacted; /* set under lock: somebody erased something, and the writer has not forgotten it yet */
	struct lf_log_watch watch;
	struct lf_look look;
};

/* Each aborts, with the invariant's name, where the table has no such move. */
void lf_writer_turn(struct lf_log *log, enum lf_writer_state to);
void lf_batch_turn(struct lf_log *log, enum lf_batch_state to);
void lf_chore_turn(struct lf_log *log, enum lf_chore_state to); /* under the lock */
void lf_append_turn(struct lf_append *append, enum lf_append_state to);

/* No more writes until it is reopened, or never any. Any thread; under the lock, FAILED does not come meanwhile. */
static inline bool lf_log_has_failed(struct lf_log *log)
{
	const enum lf_writer_state state = atomic_load(&log->state);

	return state == LF_WRITER_FAILED || state == LF_WRITER_ABSENT;
}

/* ---- the writer thread's functions; those of tail.c also the opening thread's, before there is a writer ---- */

/* The lock, taken by the writer thread, which remembers that it has it (W7). */
static inline void lf_writer_lock(struct lf_log *log)
{
	pthread_mutex_lock(&log->lock);
	log->writer_locked = true;
}

static inline void lf_writer_unlock(struct lf_log *log)
{
	log->writer_locked = false;
	pthread_mutex_unlock(&log->lock);
}

/* Before the backend's writer side is used: not after it failed (W6), and not under the lock (W7). */
static inline void lf_writer_check_backend(struct lf_log *log)
{
	LF_CHECK(W6, !lf_log_has_failed(log));
	LF_CHECK(W7, !log->writer_locked);
}

/* batch.c */
/* Commits the batch, or not, and completes every append in it. */
void lf_writer_run_batch(struct lf_log *log, size_t count);
/* W6: no more writes. Calls on_failed. */
void lf_writer_stop(struct lf_log *log, const struct lf_error *error);
/* Something was committed just now, as durably as a decision is. */
void lf_writer_reached(struct lf_log *log);
/* What the backend's housekeeping said: DATA_LOSS stops, RESOURCE_EXHAUSTED ends readiness until a probe succeeds. */
void lf_writer_note(struct lf_log *log, const struct lf_error *error);

/* complete.c */
/* W3: completes all of the batch with what the backend said, in words for the caller. unknown: it may be stored. */
void lf_writer_fail_batch(struct lf_log *log, size_t count, const struct lf_error *cause, bool unknown);
/* W2: after its commit, which added so many leaves. */
void lf_writer_complete_batch(struct lf_log *log, size_t count, uint64_t added);

/* items.c: records and their leaves, from what the backend found. Inside a transaction. */
/* Prepares and writes all of the batch, group by group. What concerns a record alone is in its entry's error. */
enum lf_code lf_writer_write_items(struct lf_log *log, size_t count, int64_t now_us, struct lf_error *error);

/* Of one that the store refuses: why. */
void lf_item_refuse(const struct lf_item *item, struct lf_error *error);

/* records.c. The commitment of a record: UNAVAILABLE where memory runs out. */
enum lf_code lf_commit_decision(struct lf_log *log, const struct lf_decision_columns *columns,
	const struct lf_salt *salt, struct lf_digest *commitment, struct lf_error *error);
enum lf_code lf_commit_rubric(struct lf_log *log, const struct lf_rubric_columns *columns, const struct lf_salt *salt,
	struct lf_digest *commitment, struct lf_error *error);
enum lf_code lf_commit_activation(struct lf_log *log, const struct lf_activation_columns *columns,
	const struct lf_salt *salt, struct lf_digest *commitment, struct lf_error *error);
enum lf_code lf_commit_act(struct lf_log *log, const struct lf_act_columns *columns, const struct lf_salt *salt,
	struct lf_digest *commitment, struct lf_error *error);

/* Clears what the records of before have left with the writer: in its buffer, and on its stack. */
void lf_writer_forget(struct lf_log *log);

/* Makes the item's leaf, with its place. */
enum lf_code lf_writer_add_leaf(struct lf_log *log, struct lf_item *item, enum lf_leaf_kind kind,
	const struct lf_digest *commitments, size_t count, struct lf_error *error);

/* redaction.c: prepares and writes the redaction of an entry. */
enum lf_code lf_writer_redact(
	struct lf_log *log, struct lf_batch_entry *entry, const struct lf_salt *salt, struct lf_error *error);

/* tail.c */
/* lf_log_activated_to() is this at least, from now on. Any thread. */
void lf_log_note_activated(struct lf_log *log, uint64_t activated_to);
/* W5: reads the newest things of the store, where they are not known. Not inside a transaction. */
enum lf_code lf_writer_know_tail(struct lf_log *log, struct lf_error *error);
/* Begins a transaction, and takes over the tail where it may have moved. After a failure there is none. */
enum lf_code lf_writer_begin(struct lf_log *log, struct lf_error *error);
/* Ends a transaction that failed with that code; after DATA_LOSS of a shared store alone (W6). */
void lf_writer_rollback(struct lf_log *log, enum lf_code code);
/* Commits it. A transaction whose commit failed is to be rolled back. */
enum lf_code lf_writer_commit(struct lf_log *log, bool more, struct lf_error *error);
/* Whether that leaf stands at its place. Inside a transaction, the tail of which is known. */
enum lf_code lf_writer_is_there(
	struct lf_log *log, const struct lf_leaf_place *leaf, bool *there, struct lf_error *error);

/* time.c */
/*
 * W16: the time of what is recorded now, before it is made to rise. Where the tail is known. stored_us: what the store's
 * own clock says, 0 = it has none.
 */
int64_t lf_writer_now(struct lf_log *log, int64_t stored_us);
/* figures.c: a commit of so many records, begun at that lf_clock_ns(), is durable. */
void lf_writer_count(struct lf_log *log, uint64_t begun_ns, size_t records);

/* chore.c: one step of the chore, which there is. */
void lf_writer_do_chore(struct lf_log *log, bool closing);

/* writer.c: the thread. */
void *lf_writer_main(void *log);

/*
 * queue.c: moves what is queued into the batch, which has some already. Returns how many it has then. Under the lock,
 * and not.
 */
size_t lf_writer_take(struct lf_log *log, size_t some);
size_t lf_writer_take_more(struct lf_log *log, size_t some);

/* look.c: what other stores of a shared log do. The opening and closing thread's. */
enum lf_code lf_look_start(struct lf_log *log, struct lf_error *error);
void lf_look_stop(struct lf_log *log);

#endif
