/* The log's reads: a pool of readers, and one call of the backend each. */
#include <stdlib.h>
#include <string.h>

#include "proto/base/check.h"
#include "proto/base/clock.h"
#include "proto/base/thread.h"
#include "storage/log/private.h"

enum { SETTLE_WAIT_MS = 1000 };

/* ---- the pool ---- */

enum lf_code lf_reader_pool_open(struct lf_reader_pool *pool, const struct lf_backend *backend, struct lf_store *store,
	size_t count, struct lf_error *error)
{
	*pool = (struct lf_reader_pool){.lock = PTHREAD_MUTEX_INITIALIZER, .returned = PTHREAD_COND_INITIALIZER};
	if (lf_cond_init(&pool->settled) != 0)
		return lf_error_set(error, LF_UNAVAILABLE, "out of memory");
	pool->idle = calloc(2 * count, sizeof(*pool->idle));
	if (pool->idle == NULL)
		return lf_error_set(error, LF_UNAVAILABLE, "out of memory");
	pool->renewed = pool->idle + count;
	pool->all = calloc(count, sizeof(*pool->all));
	if (pool->all == NULL) {
		free(pool->idle);
		return lf_error_set(error, LF_UNAVAILABLE, "out of memory");
	}
	for (; pool->count < count; pool->count++) {
		if (backend->open_reader(store, &pool->idle[pool->count], error) != LF_OK) {
			lf_reader_pool_close(pool, backend);
			return error->code;
		}
		pool->all[pool->count].reader = pool->idle[pool->count];
		pool->idle_count++;
	}
	return LF_OK;
}

void lf_reader_pool_close(struct lf_reader_pool *pool, const struct lf_backend *backend)
{
	/* A read that a slow disk holds up may outlast whoever closes the log. */
	pthread_mutex_lock(&pool->lock);
	while (pool->idle_count < pool->count)
		pthread_cond_wait(&pool->returned, &pool->lock);
	pthread_mutex_unlock(&pool->lock);
	LF_CHECK(W15, pool->idle_count == pool->count);
	for (size_t i = 0; i < pool->idle_count; i++)
		backend->close_reader(pool->idle[i]);
	free(pool->idle);
	free(pool->all);
	pool->idle = NULL;
	pool->all = NULL;
	pool->idle_count = pool->count = 0;
	pthread_cond_destroy(&pool->settled);
	pthread_cond_destroy(&pool->returned);
	pthread_mutex_destroy(&pool->lock);
}

/* Waits until one is free: reads are short. */
static struct lf_reader *check_out(struct lf_log *log)
{
	struct lf_reader_pool *pool = &log->readers;
	struct lf_reader *reader;

	pthread_mutex_lock(&pool->lock);
	while (pool->idle_count == 0)
		pthread_cond_wait(&pool->returned, &pool->lock);
	reader = pool->idle[--pool->idle_count];
	pthread_mutex_unlock(&pool->lock);
	return reader;
}

/* Under the lock. */
static struct lf_pooled *pooled_of(struct lf_reader_pool *pool, const struct lf_reader *reader)
{
	size_t i = 0;

	while (i + 1 < pool->count && pool->all[i].reader != reader)
		i++;
	LF_CHECK(W15, i < pool->count && pool->all[i].reader == reader);
	return &pool->all[i];
}

/*
 * A new one in its place; where there can't be one, itself, with error. Without the lock. The old one is closed last: its
 * address may be given to another one at once, and must not be in the table twice.
 */
static struct lf_reader *open_anew(struct lf_log *log, struct lf_reader *old, struct lf_error *error)
{
	struct lf_reader_pool *pool = &log->readers;
	struct lf_reader *fresh = NULL;

	if (log->backend->open_reader(log->store, &fresh, error) != LF_OK)
		return old;
	pthread_mutex_lock(&pool->lock);
	pooled_of(pool, old)->reader = fresh;
	pthread_mutex_unlock(&pool->lock);
	log->backend->close_reader(old);
	return fresh;
}

static void check_in(struct lf_log *log, struct lf_reader *reader)
{
	struct lf_reader_pool *pool = &log->readers;
	struct lf_pooled *pooled;

	pthread_mutex_lock(&pool->lock);
	pooled = pooled_of(pool, reader);
	while (pooled->age != pool->age) {
		struct lf_error ignored = LF_ERROR_INIT;

		pooled->age = pool->age;
		pthread_mutex_unlock(&pool->lock);
		reader = open_anew(log, reader, &ignored);
		lf_error_clean_up(&ignored);
		pthread_mutex_lock(&pool->lock);
	}
	LF_CHECK(W15, pool->idle_count < pool->count);
	pool->idle[pool->idle_count++] = reader;
	pthread_cond_signal(&pool->returned); /* under the lock: the pool may be gone after it */
	pthread_mutex_unlock(&pool->lock);
}

/* M1 */
void lf_log_note_damage(struct lf_log *log, const struct lf_error *error)
{
	if (error->code != LF_DATA_LOSS || atomic_exchange(&log->damaged, true) || log->on_damaged == NULL)
		return;
	log->on_damaged(log->on_damaged_context, error);
}

enum lf_code lf_readers_renew(struct lf_log *log, struct lf_error *error)
{
	struct lf_reader_pool *pool = &log->readers;
	size_t taken = 0;

	/* Who has a reader wants no other one, so each of them comes back. */
	for (; taken < pool->count; taken++)
		pool->renewed[taken] = open_anew(log, check_out(log), error);
	while (taken > 0)
		check_in(log, pool->renewed[--taken]);
	return error->code;
}

/* An idle one that is to be opened anew, taken out. NULL: there is none. */
static struct lf_reader *take_old(struct lf_reader_pool *pool)
{
	struct lf_reader *old = NULL;

	pthread_mutex_lock(&pool->lock);
	for (size_t i = 0; i < pool->idle_count && old == NULL; i++) {
		if (pooled_of(pool, pool->idle[i])->age == pool->age)
			continue;
		old = pool->idle[i];
		pool->idle[i] = pool->idle[--pool->idle_count];
	}
	pthread_mutex_unlock(&pool->lock);
	return old;
}

void lf_readers_forget(struct lf_log *log)
{
	struct lf_reader_pool *pool = &log->readers;
	struct lf_reader *old;

	pthread_mutex_lock(&pool->lock);
	pool->age++;
	pthread_mutex_unlock(&pool->lock);
	while ((old = take_old(pool)) != NULL)
		check_in(log, old);
}

/* The backend gets an error that is not NULL; the caller's may be. */
static enum lf_code finish(
	struct lf_log *log, struct lf_reader *reader, enum lf_code code, struct lf_error *inner, struct lf_error *error)
{
	check_in(log, reader);
	if (code == LF_DATA_LOSS)
		lf_log_note_damage(log, inner);
	if (code != LF_OK && error != NULL)
		lf_error_move(error, inner);
	lf_error_clean_up(inner);
	return code;
}

/* ---- calls ---- */

enum lf_code lf_log_find_key(struct lf_log *log, const char *caller, const char *key,
	const struct lf_digest *request_digest, struct lf_uuid *id, struct lf_error *error)
{
	struct lf_error inner;
	struct lf_reader *reader;
	enum lf_code code;

	if (key == NULL || key[0] == '\0')
		return lf_error_set(error, LF_NOT_FOUND, "no idempotency key");
	inner = (struct lf_error)LF_ERROR_INIT;
	reader = check_out(log);
	code = log->backend->find_key(reader, caller, key, request_digest, id, &inner);
	return finish(log, reader, code, &inner, error);
}

enum lf_code lf_log_get(struct lf_log *log, const struct lf_uuid *id, struct lf_stored **stored, struct lf_error *error)
{
	struct lf_error inner = LF_ERROR_INIT;
	struct lf_reader *reader = check_out(log);
	const enum lf_code code = log->backend->get(reader, id, stored, &inner);

	return finish(log, reader, code, &inner, error);
}

enum lf_code lf_log_list(struct lf_log *log, const struct lf_filter *filter,
	void (*visit)(void *context, const struct lf_stored *row), void *context, uint64_t *next,
	struct lf_error *error)
{
	struct lf_error inner;
	struct lf_reader *reader;
	enum lf_code code;

	if (filter->limit < 1 || filter->limit > LF_PAGE_MAX)
		return lf_error_set(
			error, LF_INVALID_ARGUMENT, "limit: %zu is outside 1..%d", filter->limit, (int)LF_PAGE_MAX);
	inner = (struct lf_error)LF_ERROR_INIT;
	reader = check_out(log);
	code = log->backend->list(reader, filter, visit, context, next, &inner);
	return finish(log, reader, code, &inner, error);
}

enum lf_code lf_log_get_rubric(struct lf_log *log, const char *name, const struct lf_digest *digest,
	struct lf_rubric_row **row, struct lf_error *error)
{
	struct lf_error inner = LF_ERROR_INIT;
	struct lf_reader *reader = check_out(log);
	const enum lf_code code = log->backend->get_rubric(reader, name, digest, row, &inner);

	return finish(log, reader, code, &inner, error);
}

enum lf_code lf_log_list_rubrics(struct lf_log *log, const char *name,
	void (*visit)(void *context, const struct lf_rubric_row *row), void *context, struct lf_error *error)
{
	struct lf_error inner = LF_ERROR_INIT;
	struct lf_reader *reader = check_out(log);
	const enum lf_code code = log->backend->list_rubrics(reader, name, visit, context, &inner);

	return finish(log, reader, code, &inner, error);
}

enum lf_code lf_log_list_activations(struct lf_log *log, const char *name,
	void (*visit)(void *context, const struct lf_activation_row *row), void *context, struct lf_error *error)
{
	struct lf_error inner = LF_ERROR_INIT;
	struct lf_reader *reader = check_out(log);
	const enum lf_code code = log->backend->list_activations(reader, name, visit, context, &inner);

	return finish(log, reader, code, &inner, error);
}

enum lf_code lf_log_was_active(
	struct lf_log *log, const struct lf_digest *digest, bool *was_active, struct lf_error *error)
{
	struct lf_error inner = LF_ERROR_INIT;
	struct lf_reader *reader = check_out(log);
	const enum lf_code code = log->backend->was_active(reader, digest, was_active, &inner);

	return finish(log, reader, code, &inner, error);
}

enum lf_code lf_log_scan(struct lf_log *log, const struct lf_scan *scan,
	bool (*visit)(void *context, const struct lf_stored *row), void *context, uint64_t *next,
	struct lf_error *error)
{
	struct lf_error inner;
	struct lf_reader *reader;
	enum lf_code code;

	if (scan->limit < 1 || scan->limit > LF_PAGE_MAX)
		return lf_error_set(
			error, LF_INVALID_ARGUMENT, "limit: %zu is outside 1..%d", scan->limit, (int)LF_PAGE_MAX);
	inner = (struct lf_error)LF_ERROR_INIT;
	reader = check_out(log);
	code = log->backend->scan(reader, scan, visit, context, next, &inner);
	return finish(log, reader, code, &inner, error);
}

enum lf_code lf_log_list_acts(struct lf_log *log, enum lf_leaf_kind kind, const struct lf_uuid *decision,
	uint64_t after, size_t limit, void (*visit)(void *context, const struct lf_act_row *row), void *context,
	uint64_t *next, struct lf_error *error)
{
	struct lf_error inner = LF_ERROR_INIT;
	struct lf_reader *reader = check_out(log);
	const enum lf_code code =
		log->backend->list_acts(reader, kind, decision, after, limit, visit, context, next, &inner);

	return finish(log, reader, code, &inner, error);
}

enum lf_code lf_log_head(struct lf_log *log, struct lf_tree_head *head, struct lf_error *error)
{
	struct lf_error inner = LF_ERROR_INIT;
	struct lf_reader *reader = check_out(log);
	const enum lf_code code = log->backend->head(reader, head, &inner);

	return finish(log, reader, code, &inner, error);
}

/*
 * Without the standby to settle takes seconds, so one at a time has a reader for that; the others are for reading. false:
 * it has been under way for long.
 */
static bool begin_to_settle(struct lf_reader_pool *pool)
{
	const struct timespec until = lf_clock_after_ns((uint64_t)SETTLE_WAIT_MS * 1000 * 1000);
	bool begun;

	pthread_mutex_lock(&pool->lock);
	while (pool->settling && pthread_cond_timedwait(&pool->settled, &pool->lock, &until) == 0)
		;
	begun = !pool->settling;
	pool->settling = true;
	pthread_mutex_unlock(&pool->lock);
	return begun;
}

static void end_to_settle(struct lf_reader_pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	pool->settling = false;
	pthread_cond_signal(&pool->settled);
	pthread_mutex_unlock(&pool->lock);
}

enum lf_code lf_log_lasting_head(struct lf_log *log, struct lf_tree_head *head, struct lf_error *error)
{
	struct lf_error inner = LF_ERROR_INIT;
	struct lf_reader *reader;
	enum lf_code code;

	if (!begin_to_settle(&log->readers))
		return lf_error_set(error, LF_UNAVAILABLE,
			"the standby is waited for already, for more than a second: retry later");
	reader = check_out(log);
	code = log->backend->head(reader, head, &inner);
	if (code == LF_OK && log->backend->settle != NULL)
		code = log->backend->settle(reader, &inner);
	end_to_settle(&log->readers); /* before the reader is back: the pool may be gone then */
	return finish(log, reader, code, &inner, error);
}

enum lf_code lf_log_look(struct lf_log *log, struct lf_error *error)
{
	struct lf_error inner = LF_ERROR_INIT;
	struct lf_tail tail = {0};
	struct lf_reader *reader;
	enum lf_code code;

	if (!log->backend->shared)
		return LF_OK;
	reader = check_out(log);
	code = log->backend->look(reader, &tail, &inner);
	if (code == LF_OK)
		lf_log_note_activated(log, tail.activated_to);
	return finish(log, reader, code, &inner, error);
}

enum lf_code lf_log_hashes(struct lf_log *log, unsigned level, uint64_t first, size_t count, struct lf_digest *hashes,
	struct lf_error *error)
{
	struct lf_error inner = LF_ERROR_INIT;
	struct lf_reader *reader = check_out(log);
	const enum lf_code code = log->backend->hashes(reader, level, first, count, hashes, &inner);

	return finish(log, reader, code, &inner, error);
}

enum lf_code lf_log_find_leaf(
	struct lf_log *log, const struct lf_uuid *decision, uint64_t *position, struct lf_error *error)
{
	struct lf_error inner = LF_ERROR_INIT;
	struct lf_reader *reader = check_out(log);
	const enum lf_code code = log->backend->find_leaf(reader, decision, position, &inner);

	return finish(log, reader, code, &inner, error);
}

enum lf_code lf_log_audit(struct lf_log *log, uint64_t first, size_t limit,
	void (*visit)(void *context, const struct lf_audit_row *row), void *context, uint64_t *next,
	struct lf_error *error)
{
	struct lf_error inner = LF_ERROR_INIT;
	struct lf_reader *reader = check_out(log);
	const enum lf_code code = log->backend->audit(reader, first, limit, visit, context, next, &inner);

	return finish(log, reader, code, &inner, error);
}

enum lf_code lf_log_list_keys(struct lf_log *log, uint64_t first, uint64_t last,
	void (*visit)(void *context, uint64_t sequence, const char *key), void *context, struct lf_error *error)
{
	struct lf_error inner = LF_ERROR_INIT;
	struct lf_reader *reader = check_out(log);
	const enum lf_code code = log->backend->list_keys == NULL
		? lf_error_set(&inner, LF_UNIMPLEMENTED, "a log in %s can't be copied", log->backend->name)
		: log->backend->list_keys(reader, first, last, visit, context, &inner);

	return finish(log, reader, code, &inner, error);
}

enum lf_code lf_log_list_members(struct lf_log *log, const struct lf_digest *candidates,
	void (*visit)(void *context, const char *candidate), void *context, struct lf_error *error)
{
	struct lf_error inner = LF_ERROR_INIT;
	struct lf_reader *reader = check_out(log);
	const enum lf_code code = log->backend->list_members == NULL
		? lf_error_set(&inner, LF_UNIMPLEMENTED, "a log in %s can't be copied", log->backend->name)
		: log->backend->list_members(reader, candidates, visit, context, &inner);

	return finish(log, reader, code, &inner, error);
}

enum lf_code lf_log_get_payload(struct lf_log *log, uint64_t id, struct lf_payload_row **row, struct lf_error *error)
{
	struct lf_error inner = LF_ERROR_INIT;
	struct lf_reader *reader = check_out(log);
	const enum lf_code code = log->backend->get_payload(reader, id, row, &inner);

	return finish(log, reader, code, &inner, error);
}

enum lf_code lf_log_list_payloads(struct lf_log *log, enum lf_payload_kind kind, uint64_t after, size_t limit,
	void (*visit)(void *context, const struct lf_payload_row *row), void *context, uint64_t *next,
	struct lf_error *error)
{
	struct lf_error inner = LF_ERROR_INIT;
	struct lf_reader *reader = check_out(log);
	const enum lf_code code = log->backend->list_payloads(reader, kind, after, limit, visit, context, next, &inner);

	return finish(log, reader, code, &inner, error);
}

enum lf_code lf_log_check(struct lf_log *log, void (*finding)(void *context, const char *what),
	bool (*go_on)(void *context), void *context, struct lf_error *error)
{
	struct lf_error inner;
	struct lf_reader *reader;
	enum lf_code code;

	if (log->backend->check == NULL)
		return LF_OK;
	inner = (struct lf_error)LF_ERROR_INIT;
	reader = check_out(log);
	code = log->backend->check(reader, finding, go_on, context, &inner);
	return finish(log, reader, code, &inner, error);
}
