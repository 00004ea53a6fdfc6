/*
 * What other stores of a shared log do, so that it is told: a thread that looks at the end of the log some times a
 * second, with a reader of its own.
 *
 * It makes nothing right: whatever depends on the newest is looked at in the transaction. It bounds for how long what is
 * remembered outlives what was erased elsewhere, and how late somebody who waits for news hears of it.
 */
#include "proto/base/check.h"
#include "proto/base/clock.h"
#include "proto/base/thread.h"
#include "storage/log/private.h"

enum { LOOK_EVERY_MS = 200 };

/* Sleeps. false: the log closes. */
static bool wait_for_turn(struct lf_log *log)
{
	const struct timespec until = lf_clock_after_ns((uint64_t)LOOK_EVERY_MS * 1000 * 1000);
	struct lf_look *look = &log->look;
	bool go_on;

	pthread_mutex_lock(&look->lock);
	while (!look->closing && pthread_cond_timedwait(&look->wake, &look->lock, &until) == 0)
		;
	go_on = !look->closing;
	pthread_mutex_unlock(&look->lock);
	return go_on;
}

static void tell(struct lf_log *log, const struct lf_tail *before, const struct lf_tail *now)
{
	const struct lf_log_watch *watch = &log->watch;

	if (now->redacted_to > before->redacted_to && watch->on_redacted != NULL)
		watch->on_redacted(watch->context);
	if (now->activated_to > before->activated_to) {
		lf_log_note_activated(log, now->activated_to);
		if (watch->on_activated != NULL)
			watch->on_activated(watch->context, now->activated_to);
	}
	if (now->sequence > before->sequence && watch->on_moved != NULL)
		watch->on_moved(watch->context, now->sequence);
}

static void *look_main(void *context)
{
	struct lf_log *log = context;
	struct lf_tail *seen = &log->look.seen, now;

	while (wait_for_turn(log)) {
		struct lf_error error = LF_ERROR_INIT;

		now = *seen;
		if (log->backend->look(log->look.reader, &now, &error) == LF_OK) {
			tell(log, seen, &now);
			*seen = now;
		} else {
			lf_log_note_damage(log, &error); /* anything else passes, or the writer meets it, too */
		}
		lf_error_clean_up(&error);
	}
	return NULL;
}

enum lf_code lf_look_start(struct lf_log *log, struct lf_error *error)
{
	struct lf_look *look = &log->look;

	if (!log->backend->shared || log->read_only)
		return LF_OK;
	look->seen = log->tail;
	if (log->backend->open_reader(log->store, &look->reader, error) != LF_OK)
		return error->code;
	if (pthread_mutex_init(&look->lock, NULL) != 0)
		goto no_lock;
	if (lf_cond_init(&look->wake) != 0)
		goto no_wake;
	if (lf_thread_start(&look->thread, look_main, log) != 0)
		goto no_thread;
	return LF_OK;
no_thread:
	pthread_cond_destroy(&look->wake);
no_wake:
	pthread_mutex_destroy(&look->lock);
no_lock:
	log->backend->close_reader(look->reader);
	look->reader = NULL;
	return lf_error_set(error, LF_UNAVAILABLE, "the thread that looks at the end of the log can't be started");
}

void lf_look_stop(struct lf_log *log)
{
	struct lf_look *look = &log->look;

	if (look->reader == NULL)
		return;
	pthread_mutex_lock(&look->lock);
	look->closing = true;
	pthread_cond_signal(&look->wake);
	pthread_mutex_unlock(&look->lock);
	pthread_join(look->thread, NULL);
	pthread_cond_destroy(&look->wake);
	pthread_mutex_destroy(&look->lock);
	log->backend->close_reader(look->reader);
}
