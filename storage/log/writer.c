/*
 * The writer thread: which appends make the next batch, when it sleeps, and when it looks after the store.
 *
 * The promise: every append is completed exactly once, and with OK only when its record is on disk. storage/DESIGN.md
 * says it as numbered invariants, W1 to W16, which the code here and its tests cite.
 *
 * Wake-ups: the writer sleeps only when the queue is empty; who appends signals only when it sleeps. No append waits for
 * a timer: while one commit runs, the next batch gathers. So a lone append pays one commit, and a crowd shares one. A
 * writer that nobody wakes wakes up once a second, to look after the store (W9).
 */
#include <errno.h>

#include "proto/base/check.h"
#include "proto/base/clock.h"
#include "proto/base/forget.h"
#include "storage/log/private.h"

enum { NS_A_SECOND = 1000 * 1000 * 1000, PROBE_SECONDS = 3 };

/* ---- the next batch ---- */

static void wait_a_second(struct lf_log *log)
{
	const struct timespec until = lf_clock_after_ns(NS_A_SECOND);

	while (log->asleep && !log->closing)
		if (pthread_cond_timedwait(&log->wake, &log->lock, &until) == ETIMEDOUT)
			break;
}

/*
 * Moves up to a batch out of the queue, and waits where it is empty and there is nothing else to do. Sets *failed. 0:
 * closing, a chore, something to forget, or time to look after the store.
 */
static size_t take_batch(struct lf_log *log, bool *failed, bool *closing, bool *chore)
{
	size_t count;

	lf_writer_lock(log);
	if (log->queue.first == NULL && log->bulk.first == NULL && !log->closing && log->chore == NULL &&
		!atomic_load(&log->redacted)) {
		log->asleep = true;
		if (!lf_log_has_failed(log))
			wait_a_second(log);
		else
			while (log->asleep && !log->closing)
				pthread_cond_wait(&log->wake, &log->lock);
		log->asleep = false;
	}
	count = lf_writer_take(log, 0);
	if (count > 0)
		lf_batch_turn(log, LF_BATCH_TAKEN);
	*failed = lf_log_has_failed(log);
	*closing = log->closing;
	*chore = log->chore != NULL;
	lf_writer_unlock(log);
	return count;
}

/* Whether writing is to be tried though it worked last: what a shared store waits for may have gone since. */
static bool is_probe_due(const struct lf_log *log)
{
	return log->backend->shared &&
		lf_clock_ns() - atomic_load(&log->reached_ns) >= (uint64_t)PROBE_SECONDS * NS_A_SECOND;
}

static void probe(struct lf_log *log, struct lf_error *error)
{
	enum lf_code code = lf_writer_know_tail(log, error);

	if (code == LF_OK)
		code = log->backend->probe(log->store, error);
	if (code == LF_OK)
		lf_writer_reached(log);
	if (code != LF_DATA_LOSS) /* lf_writer_note() */
		lf_writer_turn(log, code == LF_OK ? LF_WRITER_READY : LF_WRITER_NOT_READY);
}

/* W9. Beside a chore the writer does not sleep, so a second is counted here. */
static void look_after(struct lf_log *log, bool chore)
{
	struct lf_error error = LF_ERROR_INIT;
	const uint64_t second = lf_clock_ns() / NS_A_SECOND;

	if (chore && second == log->looked_after_at)
		return;
	log->looked_after_at = second;
	lf_writer_check_backend(log);
	if (atomic_load(&log->state) == LF_WRITER_READY && !is_probe_due(log))
		log->backend->maintain(log->store, &error);
	else
		probe(log, &error);
	lf_writer_note(log, &error);
	if (log->tail_known)
		lf_writer_now(log, 0);
	lf_error_clean_up(&error);
}

/*
 * Somebody erased something in a shared log. A store forgets it when it begins and sees that; what readers have read is in
 * their connections' memory. That either can't be done is told by what needs them next.
 */
static void forget_redacted(struct lf_log *log)
{
	struct lf_error error = LF_ERROR_INIT;

	lf_writer_check_backend(log);
	if (lf_writer_begin(log, &error) == LF_OK)
		lf_writer_rollback(log, LF_OK);
	lf_writer_note(log, &error);
	lf_error_clean_up(&error);
	lf_writer_forget(log);
}

/* Somebody erased something, perhaps in another process: what the writer has of it goes. */
static void forget(struct lf_log *log)
{
	const unsigned age = lf_forget_age();

	if (age == log->forget_age)
		return;
	log->forget_age = age;
	lf_writer_forget(log);
}

void *lf_writer_main(void *context)
{
	struct lf_log *log = context;
	bool failed, closing, chore;

	if (log->backend->shared) /* so that it is ready at once, if it is */
		look_after(log, false);
	for (;;) {
		const size_t count = take_batch(log, &failed, &closing, &chore);

		forget(log);
		/* A batch begins, too. */
		if (atomic_exchange(&log->redacted, false) && count == 0 && !failed && !closing) {
			forget_redacted(log);
			continue;
		}
		if (count > 0 && failed) {
			struct lf_error error = LF_ERROR_INIT;

			lf_error_set(&error, LF_UNAVAILABLE, "the decision log stopped writing and must be reopened");
			lf_writer_fail_batch(log, count, &error, false);
			lf_error_clean_up(&error);
		} else if (count > 0) {
			lf_writer_run_batch(log, count);
		} else if (closing && !chore) {
			return NULL;
		} else if (!failed) {
			look_after(log, chore);
		}
		if (chore)
			lf_writer_do_chore(log, closing);
	}
}
