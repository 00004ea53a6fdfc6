/*
 * What time a record gets, and how far that may lead (W16).
 *
 * Times never fall in a log, so one record of the future gives its time to all that come after it, until the clock gets
 * there. Nothing in the log can undo that. So a clock that jumps ahead while the service runs is not followed: the
 * machine's own count of time is. A clock that was wrong when the service started can't be told from a right one; what
 * it left behind is told at the next start, by a clock that is behind the newest record.
 */
#include <inttypes.h>
#include <stdio.h>

#include "storage/log/private.h"

/* Synchronising steps a clock by seconds at most, and slews it; both clocks are slewed together. */
enum { LEAD_SECONDS_MAX = 300, US_A_SECOND = 1000 * 1000 };

static const int64_t LEAD_US_MAX = (int64_t)LEAD_SECONDS_MAX * US_A_SECOND;

/* Tells of a change alone. */
static void turn(struct lf_log *log, enum lf_time_state to, int64_t lead_us)
{
	char text[400];

	if (to == atomic_load(&log->time_state))
		return;
	atomic_store(&log->time_state, to);
	if (log->on_warning == NULL)
		return;
	if (to == LF_TIME_JUMPED)
		snprintf(text, sizeof(text),
			"the clock has jumped %" PRId64
			" s ahead while the service ran: it is not ready, and records go on "
			"by the time before; set the clock, or start the service again if it is right",
			lead_us / US_A_SECOND);
	else if (to == LF_TIME_LEADS)
		snprintf(text, sizeof(text),
			"the newest record of the log is %" PRId64
			" s ahead of the clock, and each record until then gets "
			"its time: the service is not ready; set the clock, or restore a backup of before a wrong one",
			lead_us / US_A_SECOND);
	else
		snprintf(text, sizeof(text), "the clock fits the log again");
	log->on_warning(log->on_warning_context, text);
}

/*
 * By the store's clock, where it has one: what it said last, and what has elapsed since. The two are never mixed, as a
 * difference between them would look like a jump.
 */
static int64_t wall_clock(struct lf_log *log, int64_t stored_us)
{
	const int64_t own_us = log->now_us(), elapsed_us = log->elapsed_us != NULL ? log->elapsed_us() : own_us;

	if (stored_us != 0) {
		if (log->stored_us == 0)
			log->time_seen = false; /* that was our own */
		log->stored_us = stored_us;
		log->stored_elapsed_us = elapsed_us;
	}
	if (log->stored_us == 0)
		return own_us;
	stored_us = log->stored_us + elapsed_us - log->stored_elapsed_us;
	atomic_store(&log->clock_ahead_us, stored_us - own_us);
	return stored_us;
}

int64_t lf_writer_now(struct lf_log *log, int64_t stored_us)
{
	const int64_t wall_us = wall_clock(log, stored_us);
	int64_t now_us = wall_us;

	if (log->elapsed_us != NULL) {
		const int64_t elapsed_us = log->elapsed_us(),
			      expected_us = log->seen_wall_us + elapsed_us - log->seen_elapsed_us;

		if (log->time_seen && wall_us - expected_us > LEAD_US_MAX) {
			now_us = expected_us;
			turn(log, LF_TIME_JUMPED, wall_us - expected_us);
		}
		log->seen_wall_us = now_us;
		log->seen_elapsed_us = elapsed_us;
		log->time_seen = true;
	}
	if (now_us != wall_us)
		return now_us;
	if (log->tail.time_us - now_us > LEAD_US_MAX)
		turn(log, LF_TIME_LEADS, log->tail.time_us - now_us);
	else
		turn(log, LF_TIME_FITS, 0);
	return now_us;
}
