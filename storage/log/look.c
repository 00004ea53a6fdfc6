/*
 * What other stores of a shared log do, so that it is told: a thread that looks at the end of the log some times a
 * second, with a reader of its own.
 *
 * It makes nothing right: whatever depends on the newest is looked at in the transaction. It bounds for how long what is
 * remembered outlives what was erased elsewhere, and how late somebody who waits for news hears of it.
 */
#include <inttypes.h>
#include <stdio.h>

#include "proto/base/check.h"
#include "proto/base/clock.h"
#include "proto/base/thread.h"
#include "storage/log/private.h"

enum { LOOK_EVERY_MS = 200, RENEW_EVERY_MS = 1000, APART_US_MAX = 5 * 1000 * 1000 };

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

/* The writer forgets what was erased: at its next batch, or at once where it sleeps. */
static void wake_to_forget(struct lf_log *log)
{
	pthread_mutex_lock(&log->lock);
	atomic_store(&log->redacted, true); /* under the lock: who is about to sleep sees it, or is woken */
	if (log->asleep) {
		log->asleep = false;
		pthread_cond_signal(&log->wake);
	}
	pthread_mutex_unlock(&log->lock);
}

static void tell(struct lf_log *log, const struct lf_tail *before, const struct lf_tail *now)
{
	const struct lf_log_watch *watch = &log->watch;

	if (now->redacted_to > before->redacted_to) {
		wake_to_forget(log);
		if (watch->on_redacted != NULL)
			watch->on_redacted(watch->context);
		log->look.to_renew = true;
	}
	if (now->activated_to > before->activated_to) {
		lf_log_note_activated(log, now->activated_to);
		if (watch->on_activated != NULL)
			watch->on_activated(watch->context, now->activated_to);
	}
	if (now->sequence > before->sequence && watch->on_moved != NULL)
		watch->on_moved(watch->context, now->sequence);
}

/* Last of all, as it takes longest; and not for each step of a long erasure, but once more after its end. */
static void renew_readers(struct lf_log *log)
{
	struct lf_look *look = &log->look;
	const uint64_t now_ns = lf_clock_ns();

	if (!look->to_renew || now_ns - look->renewed_ns < (uint64_t)RENEW_EVERY_MS * 1000 * 1000)
		return;
	look->to_renew = false;
	look->renewed_ns = now_ns;
	lf_readers_forget(log);
}

/* One that answered late, or from a server that is behind, takes nothing back. */
static void take_newer(struct lf_tail *seen, const struct lf_tail *now)
{
	if (now->sequence > seen->sequence)
		seen->sequence = now->sequence;
	if (now->redacted_to > seen->redacted_to)
		seen->redacted_to = now->redacted_to;
	if (now->activated_to > seen->activated_to)
		seen->activated_to = now->activated_to;
}

/* How far a time is outside of an interval; ahead is positive. */
static int64_t distance(int64_t us, int64_t from_us, int64_t to_us)
{
	return us > to_us ? us - to_us : us < from_us ? us - from_us : 0;
}

/*
 * What the store's clock said, while ours went from one moment to the other. Records get the store's time, but what is
 * asked for by this process's (deadlines of a day, "today") should be the same.
 */
static void note_clock(struct lf_log *log, int64_t stored_us, int64_t from_us, int64_t to_us)
{
	const int64_t apart_us = distance(stored_us, from_us, to_us), seconds = apart_us / 1000000;
	const bool apart = apart_us > APART_US_MAX || apart_us < -APART_US_MAX;
	char text[256];

	atomic_store(&log->look.apart_us, apart_us);
	if (apart == atomic_load(&log->look.apart))
		return;
	atomic_store(&log->look.apart, apart);
	if (log->on_warning == NULL)
		return;
	if (apart)
		snprintf(text, sizeof(text),
			"the clock of this machine is %" PRId64
			" s %s the store's, and five are allowed: the service is not "
			"ready; set it (records get the store's time)",
			seconds < 0 ? -seconds : seconds, seconds < 0 ? "ahead of" : "behind");
	else
		snprintf(text, sizeof(text), "the clock of this machine fits the store's again");
	log->on_warning(log->on_warning_context, text);
}

static enum lf_code look(struct lf_log *log, struct lf_tail *now, struct lf_error *error)
{
	const int64_t from_us = log->now_us();

	now->now_us = 0;
	if (log->backend->look(log->look.reader, now, error) == LF_OK && now->now_us != 0)
		note_clock(log, now->now_us, from_us, log->now_us());
	return error->code;
}

static void *look_main(void *context)
{
	struct lf_log *log = context;
	struct lf_tail *seen = &log->look.seen, now;

	while (wait_for_turn(log)) {
		struct lf_error error = LF_ERROR_INIT;

		now = *seen;
		if (look(log, &now, &error) == LF_OK) {
			tell(log, seen, &now);
			take_newer(seen, &now);
			renew_readers(log);
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
