/*
 * One batch: its transaction, run again where somebody else was first, and settled where the outcome of its commit is
 * not known. On the writer thread; nothing here holds the lock while the backend or a completion runs (W7).
 */
#include <time.h>

#include "proto/base/check.h"
#include "proto/base/clock.h"
#include "storage/log/private.h"

/* How long a batch is run again, or is asked for; and how long the writer rests before it does so where it must. */
enum { RETRY_MS = 2000, REST_MS = 10, REST_ABORTED_MS = 1 };

/* One batch on its way. */
struct run {
	struct lf_log *log;
	size_t count;
	uint64_t begun_ns;
	/* A commit failed so that its outcome is not known: this leaf of it is in the log if it is. */
	bool unknown;
	struct lf_leaf_place leaf;
	/*
	 * It was not there, in an exclusive store: what begin() shows of that is what is in memory, and a recovery may
	 * find more on the disk, until another commit has written over it.
	 */
	bool doubted;
	bool settling;   /* what is unknown has been given time of its own */
	bool again;      /* what failed last is a commit, after which it is tried again */
	uint64_t newest; /* decision of the log before the transaction */
	bool wrote;
	uint64_t added; /* leaves */
	struct lf_error error;
};

/* Once: there is no move from FAILED (W14). */
void lf_writer_stop(struct lf_log *log, const struct lf_error *error)
{
	lf_writer_lock(log);
	lf_writer_turn(log, LF_WRITER_FAILED);
	lf_writer_unlock(log);
	if (log->on_failed != NULL)
		log->on_failed(log->on_failed_context, error);
}

void lf_writer_reached(struct lf_log *log)
{
	atomic_store(&log->reached_ns, lf_clock_ns());
}

void lf_writer_note(struct lf_log *log, const struct lf_error *error)
{
	if (error->code == LF_DATA_LOSS)
		lf_writer_stop(log, error);
	else if (error->code == LF_RESOURCE_EXHAUSTED)
		lf_writer_turn(log, LF_WRITER_NOT_READY);
}

/* ---- one try ---- */

/* What an earlier try made of the entries. */
static void clear_entries(struct run *run)
{
	for (size_t i = 0; i < run->count; i++) {
		run->log->batch[i].existing = false;
		lf_error_clean_up(&run->log->batch[i].error);
	}
}

static bool is_closing(struct lf_log *log)
{
	bool closing;

	lf_writer_lock(log);
	closing = log->closing;
	lf_writer_unlock(log);
	return closing;
}

static bool others_wait(struct lf_log *log)
{
	bool wait;

	lf_writer_lock(log);
	wait = log->queue.first != NULL || log->bulk.first != NULL;
	lf_writer_unlock(log);
	return wait;
}

static enum lf_code commit(struct run *run)
{
	struct lf_log *log = run->log;
	enum lf_code code;

	run->added = log->leaves.tree.size - log->leaves.size_before;
	run->wrote = run->added > 0;
	code = lf_writer_commit(log, log->backend->shared && others_wait(log), &run->error);
	run->again = code != LF_OK && code != LF_RESOURCE_EXHAUSTED;
	/* What wrote nothing is not in doubt. */
	run->unknown = run->again && run->wrote && code != LF_ABORTED;
	run->leaf = log->first;
	return code;
}

/* Writes all, and commits, in the transaction that was begun. */
static enum lf_code write_and_commit(struct run *run)
{
	struct lf_log *log = run->log;

	/* Others came while a shared store waited for its turn. */
	if (log->backend->shared)
		run->count = lf_writer_take_more(log, run->count);
	clear_entries(run);
	if (!lf_random(log->entropy, run->count * sizeof(*log->entropy)))
		return lf_error_set(&run->error, LF_UNAVAILABLE, "no random bytes");
	run->newest = log->tail.sequence;
	if (lf_writer_write_items(log, run->count, lf_writer_now(log, log->tail.now_us), &run->error) != LF_OK)
		return run->error.code;
	return commit(run);
}

/* Begins; where an earlier commit is in doubt, it is settled then. *there: it is stored. */
static enum lf_code begin(struct run *run, bool *there)
{
	struct lf_log *log = run->log;

	*there = false;
	if (lf_writer_begin(log, &run->error) != LF_OK)
		return run->error.code;
	if (!run->unknown)
		return LF_OK;
	if (lf_writer_is_there(log, &run->leaf, there, &run->error) == LF_OK) {
		run->unknown = false;
		run->doubted |= !*there && !log->backend->shared;
		return LF_OK;
	}
	lf_writer_rollback(log, run->error.code);
	return run->error.code;
}

/* Once. On failure no transaction is open. */
static enum lf_code try_once(struct run *run)
{
	struct lf_log *log = run->log;
	bool there;

	run->again = false;
	if (begin(run, &there) != LF_OK)
		return run->error.code;
	if (there) {
		log->backend->rollback(log->store);
		return LF_OK;
	}
	if (write_and_commit(run) == LF_OK)
		return LF_OK;
	lf_writer_rollback(log, run->error.code);
	return run->error.code;
}

/* ---- until it is known ---- */

/* A server that starts again, or another one, takes up what a lost connection had. */
static bool may_pass(const struct run *run)
{
	return run->error.code == LF_ABORTED || run->again || run->unknown ||
		(run->log->backend->shared && run->error.code == LF_UNAVAILABLE);
}

/*
 * Whether there is time left, of what all batches have together from the first failure until one succeeds: so an outage
 * holds up each of those that follow for one try, and closing for little longer than one batch. A commit that failed has
 * used up its own deadline, so what settles it has all of the time again; once a batch, and not where the log closes.
 */
static bool has_time(struct run *run)
{
	struct lf_log *log = run->log;
	const uint64_t now_ns = lf_clock_ns();

	if (log->failing_since_ns == 0 || (run->unknown && !run->settling && !is_closing(log)))
		log->failing_since_ns = now_ns;
	run->settling |= run->unknown;
	return now_ns - log->failing_since_ns < (uint64_t)RETRY_MS * 1000 * 1000;
}

/* Whether the batch is tried again after what just happened. Rests before that. */
static bool goes_on(struct run *run)
{
	const enum lf_code code = run->error.code;
	const struct timespec rest = {.tv_nsec = (code == LF_ABORTED ? REST_ABORTED_MS : REST_MS) * 1000 * 1000};

	if (code == LF_DATA_LOSS || !may_pass(run) || !has_time(run))
		return false;
	nanosleep(&rest, NULL);
	lf_error_clean_up(&run->error);
	return true;
}

static void fail(struct run *run)
{
	struct lf_log *log = run->log;

	lf_count(&log->counts.failed);
	lf_writer_turn(log, LF_WRITER_NOT_READY);
	if (run->error.code == LF_DATA_LOSS)
		lf_writer_stop(log, &run->error);
	lf_writer_fail_batch(log, run->count, &run->error, run->unknown || run->doubted);
	lf_error_clean_up(&run->error);
}

void lf_writer_run_batch(struct lf_log *log, size_t count)
{
	struct run run = {.log = log, .count = count, .begun_ns = lf_clock_ns(), .error = LF_ERROR_INIT};

	LF_CHECK(W13, count <= LF_BATCH_MAX);
	lf_writer_check_backend(log);
	while (try_once(&run) != LF_OK)
		if (!goes_on(&run)) {
			fail(&run);
			return;
		}
	log->failing_since_ns = 0;
	lf_writer_reached(log);
	lf_writer_count(log, run.begun_ns, run.count);
	lf_batch_turn(log, LF_BATCH_COMMITTED);
	/* A commit without a write proves nothing about writing. */
	if (run.wrote)
		lf_writer_turn(log, LF_WRITER_READY);
	if (log->tail.sequence > run.newest && log->on_committed != NULL)
		log->on_committed(log->on_committed_context, log->tail.sequence);
	lf_writer_complete_batch(log, run.count, run.added);
	log->backend->maintain(log->store, &run.error);
	lf_writer_note(log, &run.error);
	lf_error_clean_up(&run.error);
}
