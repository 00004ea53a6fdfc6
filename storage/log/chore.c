/* Chores, on the writer thread: one at a time, a step between two batches (W11). */
#include "proto/base/check.h"
#include "storage/log/private.h"

static void end_chore(struct lf_log *log, const struct lf_error *error)
{
	struct lf_append *append = log->chore;

	/* done() first: it is another append's turn only when this one is through. */
	LF_CHECK(W7, !log->writer_locked);
	lf_append_turn(append, LF_APPEND_DONE);
	append->done(append, error);
	lf_writer_lock(log);
	log->chore = NULL;
	lf_chore_turn(log, LF_CHORE_NONE);
	pthread_cond_broadcast(&log->chore_ended);
	lf_writer_unlock(log);
}

/* Why a chore can't go on: LF_OK where it can. */
static enum lf_code stop_chore(const struct lf_chore *chore, bool closing, struct lf_error *error)
{
	if (closing)
		return lf_error_set(error, LF_UNAVAILABLE, "the decision log is closing");
	if (chore->what == LF_CHORE_BACKUP && chore->go_on != NULL && !chore->go_on(chore->context))
		return lf_error_set(error, LF_CANCELLED, "nobody waits for the backup any more");
	return LF_OK;
}

/* One step of a backup; with cancel set, the one that takes it back. */
static bool back_up(struct lf_log *log, struct lf_chore *chore, bool cancel, struct lf_error *error)
{
	bool more = false;

	lf_writer_check_backend(log);
	log->backend->files->backup_step(log->store, chore, cancel, &more, error);
	return more;
}

static void vacuum(struct lf_log *log, struct lf_chore *chore, struct lf_error *error)
{
	lf_writer_check_backend(log);
	if (log->backend->files->vacuum != NULL)
		log->backend->files->vacuum(log->store, chore, error);
	lf_writer_forget(log); /* what was in the log, and is no more */
}

static void begin_chore(struct lf_log *log)
{
	lf_writer_lock(log);
	if (log->chore_state == LF_CHORE_GIVEN) {
		lf_append_turn(log->chore, LF_APPEND_TAKEN);
		lf_chore_turn(log, LF_CHORE_UNDER_WAY);
	}
	lf_writer_unlock(log);
}

/*
 * One step of a chore. After DATA_LOSS, perhaps of the batch just before, none: what was begun is taken back when the
 * store closes (W6).
 */
void lf_writer_do_chore(struct lf_log *log, bool closing)
{
	struct lf_chore *chore = log->chore->chore;
	struct lf_error error = LF_ERROR_INIT, ignored = LF_ERROR_INIT;
	bool more = false;

	begin_chore(log);
	if (lf_log_has_failed(log)) /* only this thread makes it so */
		lf_error_set(&error, LF_UNAVAILABLE, "the decision log stopped writing and must be reopened");
	else if (stop_chore(chore, closing, &error) != LF_OK && chore->what == LF_CHORE_BACKUP)
		back_up(log, chore, true, &ignored);
	else if (error.code == LF_OK && chore->what == LF_CHORE_BACKUP)
		more = back_up(log, chore, false, &error);
	else if (error.code == LF_OK)
		vacuum(log, chore, &error);
	if (error.code == LF_DATA_LOSS)
		lf_writer_stop(log, &error);
	if (!more || error.code != LF_OK)
		end_chore(log, &error);
	lf_error_clean_up(&ignored);
	lf_error_clean_up(&error);
}
