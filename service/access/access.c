#include "service/access/access.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/check.h"
#include "proto/base/clock.h"
#include "proto/base/thread.h"
#include "proto/wire/borrow.h"
#include "service/access/counts.h"
#include "service/events/events.h"
#include "storage/log/log.h"

enum { POLL_MS = 1000 };

static const int64_t MINUTE_US = 60 * 1000000;

/* Who writes these records: who called is in their bodies, where erasing reaches it. */
static const char WRITER[] = "leadfitd";

struct lf_access {
	struct lf_log *log;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stopping; /* under lock */
	struct lf_access_counts tables[2];
	unsigned counted_in;       /* which of them; under lock, and so is that table */
	bool writing;              /* the other one is the thread's, to be written; under lock. false: it is empty */
	int64_t from_us, until_us; /* of that one, or of the one before; under lock, and kept while writing is set */

	/* The thread's own. */
	uint64_t written;   /* number of the record that was written last; 0: none since the start */
	bool may_be_stored; /* the table that is being written: an attempt ended with UNAVAILABLE */
	char failure[512];  /* what was said last; "": the last one was written */
};

/* ---- recording a call ---- */

static enum lf_code put(
	struct lf_log *log, const uint8_t *bytes, size_t length, uint64_t *record, struct lf_error *error)
{
	struct lf_act_put act = {.kind = LF_LEAF_ACCESS, .caller = WRITER, .body = {bytes, length}};
	const enum lf_code code = lf_log_put_act(log, &act, error);

	if (code == LF_OK)
		*record = act.id;
	return code;
}

enum lf_code lf_access_record(struct lf_access *access, const Leadfit__V1__AccessCall *call, struct lf_error *error)
{
	Leadfit__V1__AccessBody body = LEADFIT__V1__ACCESS_BODY__INIT;
	enum lf_code code;
	uint64_t record;
	uint8_t *bytes;

	if (access == NULL)
		return LF_OK;
	body.call = lf_unconst(call);
	bytes = malloc(leadfit__v1__access_body__get_packed_size(&body) + 1);
	if (bytes == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for the record of who looked");
	code = put(access->log, bytes, leadfit__v1__access_body__pack(&body, bytes), &record, error);
	free(bytes);
	return code;
}

/* ---- counting ---- */

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/*
 * Under lock: where a minute is over (or last: it need not be), and nothing is being written, what was counted is to be
 * written, and the other table is counted in. Its time begins where that of the one before ended, also where the clock
 * was set back.
 */
static void turn(struct lf_access *access, int64_t now_us, bool last)
{
	const struct lf_access_counts *counted = &access->tables[access->counted_in];
	const int64_t ends_us = (counted->last_minute + 1) * MINUTE_US;

	if (access->writing || lf_access_counts_empty(counted) ||
		(counted->first_minute == now_us / MINUTE_US && !last))
		return;
	access->from_us = later(access->until_us, counted->first_minute * MINUTE_US);
	access->until_us = later(access->from_us, last && now_us < ends_us ? now_us : ends_us);
	access->counted_in = 1 - access->counted_in;
	access->writing = true;
}

void lf_access_count(
	struct lf_access *access, const char *caller, const char *service, const char *method, enum lf_code code)
{
	const int64_t now_us = lf_clock_wall_us();

	if (access == NULL)
		return;
	pthread_mutex_lock(&access->lock);
	if (!access->stopping) {
		turn(access, now_us, false);
		lf_access_counts_add(
			&access->tables[access->counted_in], caller, service, method, code, now_us / MINUTE_US);
	}
	pthread_mutex_unlock(&access->lock);
}

/* ---- writing what was counted ---- */

static void say_failure(struct lf_access *access, const char *failure)
{
	if (strcmp(access->failure, failure) == 0)
		return;
	snprintf(access->failure, sizeof(access->failure), "%s", failure);
	lf_event_say(LF_EVENT_ACCESS_FAILED, "who looked can't be recorded, and it is tried again and again: %s",
		access->failure);
}

struct search {
	const uint8_t *bytes;
	size_t length;
	bool found;
};

static void compare(void *context, const struct lf_act_row *row)
{
	struct search *search = context;

	search->found |=
		row->body.length == search->length && memcmp(row->body.data, search->bytes, search->length) == 0;
}

/* Whether the record is there that an earlier attempt may have written: its bytes are in no other one's body. */
static enum lf_code find(
	struct lf_access *access, const uint8_t *bytes, size_t length, bool *found, struct lf_error *error)
{
	struct search search = {.bytes = bytes, .length = length};
	uint64_t next = access->written;

	do {
		if (lf_log_list_acts(access->log, LF_LEAF_ACCESS, NULL, next, LF_PAGE_MAX, compare, &search, &next,
			    error) != LF_OK)
			return error->code;
	} while (next != 0 && !search.found);
	*found = search.found;
	return LF_OK;
}

/* Writes the table that is the thread's. */
static enum lf_code write_table(struct lf_access *access, const struct lf_access_counts *table, struct lf_error *error)
{
	bool found = false;
	size_t length;
	uint8_t *bytes = lf_access_counts_pack(table, access->from_us, access->until_us, &length);

	if (bytes == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for the record of who looked");
	if ((!access->may_be_stored || find(access, bytes, length, &found, error) == LF_OK) && !found)
		put(access->log, bytes, length, &access->written, error);
	free(bytes);
	access->may_be_stored |= error->code == LF_UNAVAILABLE;
	return error->code;
}

/* The table that is to be written; NULL: there is none. */
static struct lf_access_counts *take_table(struct lf_access *access, bool last)
{
	struct lf_access_counts *table;

	pthread_mutex_lock(&access->lock);
	turn(access, lf_clock_wall_us(), last);
	table = access->writing ? &access->tables[1 - access->counted_in] : NULL;
	pthread_mutex_unlock(&access->lock);
	return table;
}

static void give_back(struct lf_access *access, struct lf_access_counts *table)
{
	lf_access_counts_clear(table);
	access->may_be_stored = false;
	if (access->failure[0] != '\0')
		lf_event_say(LF_EVENT_ACCESS_RESUMED, "who looked is recorded again");
	access->failure[0] = '\0';
	pthread_mutex_lock(&access->lock);
	access->writing = false;
	pthread_mutex_unlock(&access->lock);
}

/* Writes what is due, until there is nothing more, or until that fails: false. */
static bool write_due(struct lf_access *access, bool last)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_access_counts *table;
	bool written;

	while (error.code == LF_OK && (table = take_table(access, last)) != NULL)
		if (write_table(access, table, &error) == LF_OK)
			give_back(access, table);
	written = error.code == LF_OK;
	if (!written)
		say_failure(access, error.message);
	lf_error_clean_up(&error);
	return written;
}

/* ---- the thread ---- */

/* Whether it is to end. */
static bool wait_a_while(struct lf_access *access)
{
	const struct timespec until = lf_clock_after_ns((uint64_t)POLL_MS * 1000000);
	bool stopping;

	pthread_mutex_lock(&access->lock);
	while (!access->stopping && pthread_cond_timedwait(&access->wake, &access->lock, &until) == 0)
		continue;
	stopping = access->stopping;
	pthread_mutex_unlock(&access->lock);
	return stopping;
}

static void *run(void *context)
{
	struct lf_access *access = context;

	while (!wait_a_while(access))
		write_due(access, false);
	if (!write_due(access, true))
		write_due(access, true); /* it may be stored */
	return NULL;
}

enum lf_code lf_access_start(struct lf_access **out, struct lf_log *log, struct lf_error *error)
{
	struct lf_access *access = calloc(1, sizeof(*access));

	*out = NULL;
	if (access == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for who looks");
	access->log = log;
	pthread_mutex_init(&access->lock, NULL);
	lf_cond_init(&access->wake);
	if (lf_thread_start(&access->thread, run, access) == 0) {
		*out = access;
		return LF_OK;
	}
	pthread_cond_destroy(&access->wake);
	pthread_mutex_destroy(&access->lock);
	free(access);
	return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "can't start a thread");
}

void lf_access_stop(struct lf_access *access)
{
	uint64_t lost;

	if (access == NULL)
		return;
	pthread_mutex_lock(&access->lock);
	LF_CHECK(H14, !access->stopping);
	access->stopping = true;
	pthread_cond_signal(&access->wake);
	pthread_mutex_unlock(&access->lock);
	pthread_join(access->thread, NULL);
	lost = lf_access_counts_calls(&access->tables[0]) + lf_access_counts_calls(&access->tables[1]);
	if (lost != 0)
		lf_event_say(LF_EVENT_ACCESS_LOST, "%" PRIu64 " calls that were counted could not be recorded: %s",
			lost, access->failure);
}

void lf_access_destroy(struct lf_access *access)
{
	if (access == NULL)
		return;
	pthread_cond_destroy(&access->wake);
	pthread_mutex_destroy(&access->lock);
	free(access);
}
