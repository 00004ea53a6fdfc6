/* Inside the log: shared by log.c, append.c, read.c, uuid.c and digest.c. Not for others. */
#ifndef LF_STORAGE_LOG_PRIVATE_H
#define LF_STORAGE_LOG_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "proto/base/limits.h"
#include "storage/log/backend.h"

/* Replaces *last by a greater version 7 id of that time. random is used up. */
void lf_uuid_next(struct lf_uuid *last, int64_t now_us, const uint8_t random[16]);
/* False where the system has no random bytes to give. */
bool lf_random(void *buffer, size_t length);

/* Readers that wait to be used. Any thread. */
struct lf_reader_pool {
	pthread_mutex_t lock;
	pthread_cond_t returned;
	struct lf_reader **idle; /* a stack: the one used last is the warmest */
	size_t idle_count, count;
};

enum lf_code lf_reader_pool_open(struct lf_reader_pool *pool, const struct lf_backend *backend, struct lf_store *store,
	size_t count, struct lf_error *error);
/* Every reader must be back. Safe on a pool that failed to open or is all zero. */
void lf_reader_pool_close(struct lf_reader_pool *pool, const struct lf_backend *backend);

/* What the writer thread works on: an append and what came of it. */
struct lf_batch_entry {
	struct lf_append *append;
	struct lf_record record;
	struct lf_error error; /* of this record alone */
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

struct lf_log {
	const struct lf_backend *backend;
	struct lf_store *store;
	size_t queue_max;
	bool read_only; /* there is no writer thread, and failed is set */
	void (*on_failed)(void *context, const struct lf_error *error);
	void *on_failed_context;
	void (*on_committed)(void *context, uint64_t newest_sequence);
	void *on_committed_context;
	int64_t (*now_us)(void);
	struct lf_reader_pool readers;
	atomic_bool ready;
	pthread_t writer;

	/* under lock */
	pthread_mutex_t lock;
	pthread_cond_t wake;          /* for the writer alone */
	struct lf_append_queue queue; /* waiting, by ones */
	struct lf_append_queue bulk;  /* waiting, of those that came many at once */
	size_t pending;               /* waiting or in the batch */
	bool asleep;                  /* the writer waits for wake; whoever clears it signals */
	bool closing;
	bool failed;                /* no more writes until reopened */
	struct lf_append *chore;    /* waits for the writer, or is being done; one at a time */
	size_t chore_callers;       /* inside lf_log_do() */
	pthread_cond_t chore_ended; /* a chore has ended, or a caller has left */

	/* the writer thread's */
	unsigned singles_seen; /* batches for which those by ones still count as being around */
	struct lf_tail tail;   /* the newest given out: at or past what is committed */
	bool tail_known;       /* false after a failed commit, until read again; then leaves.tree is what is stored */
	struct lf_leaves leaves;
	uint64_t redacted_to;          /* no erasure or pruning is at or past this position; known with the tail */
	struct lf_tree committed_tree; /* as of the batch before the last one at least */
	time_t probed_at;              /* second of the last probe */
	struct lf_batch_entry *batch;
	struct lf_entropy *entropy;
};

#endif
