/* Opening and closing a log, and its writer thread with it; restoring one; whether it is ready. */
#include <stdlib.h>

#include "proto/base/check.h"
#include "proto/base/clock.h"
#include "proto/base/thread.h"
#include "storage/log/private.h"

enum { READERS_DEFAULT = 4, REACHED_SECONDS_MAX = 10 };

static enum lf_code start_writer(struct lf_log *log, struct lf_error *error)
{
	if (pthread_mutex_init(&log->lock, NULL) != 0)
		goto no_lock;
	if (lf_cond_init(&log->wake) != 0)
		goto no_wake;
	if (lf_cond_init(&log->chore_ended) != 0)
		goto no_condition;
	if (!log->read_only && lf_thread_start(&log->writer, lf_writer_main, log) != 0)
		goto no_thread;
	return LF_OK;
no_thread:
	pthread_cond_destroy(&log->chore_ended);
no_condition:
	pthread_cond_destroy(&log->wake);
no_wake:
	pthread_mutex_destroy(&log->lock);
no_lock:
	return lf_error_set(error, LF_UNAVAILABLE, "the decision log's writer can't be started");
}

static enum lf_code open_store(struct lf_log *log, const struct lf_log_options *options, struct lf_error *error)
{
	if (options->keeper != NULL && !log->backend->may_keep)
		return lf_error_set(error, LF_INVALID_ARGUMENT,
			"a log in %s has no roles, so nobody but who writes it can erase", log->backend->name);
	if (!log->read_only)
		return log->backend->open(&log->store, options, error);
	if (log->backend->open_read_only == NULL)
		return lf_error_set(error, LF_UNIMPLEMENTED, "this store can't be opened for reading only");
	return log->backend->open_read_only(&log->store, options->location, error);
}

static void discard_store(const struct lf_backend *backend, struct lf_store *store)
{
	(backend->discard != NULL ? backend->discard : backend->close)(store);
}

enum lf_code lf_log_open(struct lf_log **out, const struct lf_backend *backend, const struct lf_log_options *options,
	struct lf_error *error)
{
	struct lf_error cause = LF_ERROR_INIT;
	struct lf_log *log = calloc(1, sizeof(*log));
	struct lf_log_options given;
	enum lf_code code;

	if (log == NULL)
		return lf_error_set(error, LF_UNAVAILABLE, "out of memory");
	log->backend = backend;
	log->queue_max = options->queue_max > 0 ? options->queue_max : LF_IN_FLIGHT_MAX;
	log->on_failed = options->on_failed;
	log->on_failed_context = options->on_failed_context;
	log->on_damaged = options->on_damaged;
	log->on_damaged_context = options->on_damaged_context;
	log->on_committed = options->on_committed;
	log->on_committed_context = options->on_committed_context;
	log->watch = options->watch;
	log->on_warning = options->on_warning;
	log->on_warning_context = options->on_warning_context;
	log->now_us = options->now_us != NULL ? options->now_us : lf_clock_wall_us;
	log->elapsed_us = options->elapsed_us != NULL ? options->elapsed_us
		: options->now_us == NULL             ? lf_clock_elapsed_us
						      : NULL;
	atomic_init(&log->time_state, LF_TIME_FITS);
	atomic_init(&log->state, options->read_only ? LF_WRITER_ABSENT : LF_WRITER_READY);
	log->batch = calloc(LF_BATCH_MAX, sizeof(*log->batch));
	log->entropy = calloc(LF_BATCH_MAX, sizeof(*log->entropy));
	if (log->batch == NULL || log->entropy == NULL) {
		lf_error_set(&cause, LF_UNAVAILABLE, "out of memory");
		goto no_memory;
	}
	given = *options;
	given.now_us = log->now_us;
	log->read_only = options->read_only;
	if (open_store(log, &given, &cause) != LF_OK)
		goto no_memory;
	if (!log->read_only && lf_writer_know_tail(log, &cause) != LF_OK) {
		if (cause.code == LF_DATA_LOSS) /* before anything was written: it is what was found that is damaged */
			cause.code = LF_FAILED_PRECONDITION;
		else if (cause.code == LF_ABORTED)
			cause.code = LF_UNAVAILABLE;
		goto no_tail;
	}
	if (!log->read_only)
		lf_writer_now(log, log->tail.now_us); /* tells of a log that leads the clock */
	if (lf_reader_pool_open(&log->readers, backend, log->store,
		    options->reader_count > 0 ? options->reader_count : READERS_DEFAULT, &cause) != LF_OK)
		goto no_tail;
	if (lf_look_start(log, &cause) != LF_OK)
		goto no_look;
	if (start_writer(log, &cause) != LF_OK)
		goto no_writer;
	*out = log;
	return LF_OK;
no_writer:
	lf_look_stop(log);
no_look:
	lf_reader_pool_close(&log->readers, backend);
no_tail:
	discard_store(backend, log->store);
no_memory:
	free(log->entropy);
	free(log->batch);
	free(log);
	code = cause.code;
	if (error != NULL)
		lf_error_move(error, &cause);
	lf_error_clean_up(&cause);
	return code;
}

static void close_log(struct lf_log *log, bool discard)
{
	pthread_mutex_lock(&log->lock);
	log->closing = true;
	log->asleep = false;
	pthread_cond_signal(&log->wake);
	pthread_cond_broadcast(&log->chore_ended);
	pthread_mutex_unlock(&log->lock);
	if (!log->read_only)
		pthread_join(log->writer, NULL);
	pthread_mutex_lock(&log->lock);
	while (log->chore_callers > 0)
		pthread_cond_wait(&log->chore_ended, &log->lock);
	LF_CHECK(W1, log->pending == 0 && log->queue.first == NULL && log->bulk.first == NULL);
	LF_CHECK(W11, log->chore == NULL && log->chore_state == LF_CHORE_NONE);
	pthread_mutex_unlock(&log->lock);
	lf_look_stop(log);
	lf_reader_pool_close(&log->readers, log->backend);
	if (discard)
		discard_store(log->backend, log->store);
	else
		log->backend->close(log->store);
	pthread_cond_destroy(&log->chore_ended);
	pthread_cond_destroy(&log->wake);
	pthread_mutex_destroy(&log->lock);
	free(log->scratch);
	free(log->entropy);
	free(log->batch);
	free(log);
}

void lf_log_close(struct lf_log *log)
{
	if (log != NULL)
		close_log(log, false);
}

void lf_log_discard(struct lf_log *log)
{
	if (log != NULL)
		close_log(log, true);
}

enum lf_code lf_log_restore(const struct lf_backend *backend, const char *location, const char *from,
	bool (*check)(void *context, const char *copy), void *context, struct lf_replaced *replaced,
	struct lf_error *error)
{
	struct lf_error inner = LF_ERROR_INIT;
	enum lf_code code;

	*replaced = (struct lf_replaced){.kept = false};
	if (backend->files == NULL)
		return lf_error_set(error, LF_UNIMPLEMENTED,
			"a log in %s is no file: what was backed up by its own means is restored by them",
			backend->name);
	code = backend->files->restore(location, from, check, context, replaced, &inner);
	if (code != LF_OK)
		lf_error_move(error, &inner);
	return code;
}

bool lf_log_is_shared(const struct lf_log *log)
{
	return log->backend->shared;
}

/* Of a shared log: something was committed lately, and the clock is the store's. */
static bool is_in_touch(const struct lf_log *log)
{
	const uint64_t reached_ns = atomic_load(&log->reached_ns);

	return !log->backend->shared || log->read_only ||
		(reached_ns != 0 && !atomic_load(&log->look.apart) &&
			lf_clock_ns() - reached_ns < (uint64_t)REACHED_SECONDS_MAX * 1000 * 1000 * 1000);
}

bool lf_log_ready(const struct lf_log *log)
{
	const enum lf_writer_state state = atomic_load(&log->state);

	return (state == LF_WRITER_READY || state == LF_WRITER_ABSENT) && !atomic_load(&log->damaged) &&
		atomic_load(&log->time_state) == LF_TIME_FITS && is_in_touch(log);
}

int64_t lf_log_clock_apart(const struct lf_log *log)
{
	return atomic_load(&log->time_state) == LF_TIME_FITS ? 0 : log->now_us() + atomic_load(&log->clock_ahead_us);
}

/* ---- figures ---- */

void lf_log_figures(struct lf_log *log, struct lf_log_figures *figures)
{
	*figures = (struct lf_log_figures){
		.counts = &log->counts,
		.ready = lf_log_ready(log),
		.failed = lf_log_has_failed(log),
		.bytes_known = log->backend->measure != NULL,
		.shared = log->backend->shared,
	};
	if (figures->shared) {
		figures->reached_ns = atomic_load(&log->reached_ns);
		figures->clock_apart_us = atomic_load(&log->look.apart_us);
	}
	if (figures->bytes_known)
		log->backend->measure(log->store, &figures->bytes);
	pthread_mutex_lock(&log->lock);
	figures->queued = log->pending;
	pthread_mutex_unlock(&log->lock);
}
