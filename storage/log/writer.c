/*
 * The writer: queue, group commit, completions.
 *
 * The promise: every append is completed exactly once, and with OK only when its record is on disk.
 *
 * Numbered, for tests and comments to cite:
 *
 *  W1   An append that lf_log_append() took belongs to exactly one of: the queue, the batch. It leaves the batch by
 *       done(), once.
 *  W2   done(OK) comes after the commit() that holds the record, or that came after the one that holds it, returned OK.
 *  W3   A batch that is not committed is completed with an error, whole. What a single record was told (ALREADY_EXISTS,
 *       say) holds only if the batch committed: the record that it collided with may have gone with it.
 *  W4   Sequence, id and time are given in the order of the queue, by this thread alone. Ids and times given out never
 *       go backwards, whatever the clock does and whatever failed. Sequences have no gaps: they are given again after a
 *       failed batch.
 *  W5   After a commit that failed, what is stored is unknown until tail() was read again: nothing is appended before
 *       that.
 *  W6   After DATA_LOSS from the backend, on_failed is called once, and the writer's side of the backend is never used
 *       again, except to close it.
 *  W7   No lock is held while the backend or a completion runs.
 *  W8   pending <= queue_max: an append that would exceed it is refused before anything else happens.
 *  W9   While not ready, an idle writer probes once a second, so that readiness comes back without traffic.
 *  W10  The tree (leaves.tree) is the stored one whenever tail_known: it grows with a transaction, and is read again
 *       where that failed. Its root is the stored root, or the log is damaged. What is read again begins with what was
 *       committed before (committed_tree): if somebody else wrote another tree meanwhile, the writer stops.
 *  W11  At most one chore is with the writer, which does one step of it between two batches. A chore is completed once,
 *       and after that lf_log_do() touches the log only to leave; close() waits until all have left.
 *  W12  Single appends take priority over bulk appends. While there are any, or were shortly before, a batch has at most
 *       so many bulk appends that nobody waits for long (BULK_BESIDE). The queue is both lists; each has its order.
 *
 * Wake-ups: the writer sleeps only when the queue is empty; who appends signals only when it sleeps. There is no timer:
 * while one commit runs, the next batch gathers. So a lone append pays one commit, and a crowd shares one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "storage/log/private.h"

enum {
	READERS_DEFAULT = 4,
	BULK_BESIDE = 64,   /* W12: some 0.5 ms of a commit */
	SINGLES_REMAIN = 16 /* W12: batches; while those by ones wait for their next turn, none may be queued */
};

static int64_t system_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* ---- completing ---- */

/* Ends one append. pending goes down first, so that done() can append again. */
static void complete(struct lf_log *log, struct lf_append *append, const struct lf_error *error)
{
	pthread_mutex_lock(&log->lock);
	log->pending--;
	pthread_mutex_unlock(&log->lock);
	append->done(append, error);
}

/* W3: all of the batch, with what the backend said, in words for the caller. */
static void fail_batch(struct lf_log *log, size_t count, const struct lf_error *cause)
{
	struct lf_error decision = LF_ERROR_INIT, rubric = LF_ERROR_INIT, other = LF_ERROR_INIT;

	if (cause->code == LF_RESOURCE_EXHAUSTED) {
		lf_error_set(&decision, LF_RESOURCE_EXHAUSTED, "the decision log has no space: %s", cause->message);
		lf_error_set(&rubric, LF_RESOURCE_EXHAUSTED, "%s", decision.message);
		lf_error_set(&other, LF_RESOURCE_EXHAUSTED, "%s", decision.message);
	} else {
		lf_error_set(&decision, LF_UNAVAILABLE,
			"the decision may or may not be stored: retry with the same idempotency key (%s)",
			cause->message);
		lf_error_set(&rubric, LF_UNAVAILABLE,
			"what was done to the rubric may or may not be stored: do it again (%s)", cause->message);
		lf_error_set(&other, LF_UNAVAILABLE, "it may or may not be recorded: look before doing it again (%s)",
			cause->message);
	}
	for (size_t i = 0; i < count; i++) {
		struct lf_append *append = log->batch[i].append;
		const bool act = append->act != NULL || append->redaction != NULL;

		lf_error_clean_up(&log->batch[i].error);
		complete(log, append,
			append->rubric != NULL || append->activation != NULL ? &rubric
				: act                                        ? &other
									     : &decision);
	}
	lf_error_clean_up(&decision);
	lf_error_clean_up(&rubric);
	lf_error_clean_up(&other);
}

static void complete_batch(struct lf_log *log, size_t count)
{
	const struct lf_error fine = LF_ERROR_INIT;

	pthread_mutex_lock(&log->lock);
	log->pending -= count;
	pthread_mutex_unlock(&log->lock);
	for (size_t i = 0; i < count; i++) {
		struct lf_batch_entry *entry = &log->batch[i];
		struct lf_append *append = entry->append;

		if (entry->error.code != LF_OK) {
			append->done(append, &entry->error);
			lf_error_clean_up(&entry->error);
			continue;
		}
		append->id = entry->record.id;
		append->sequence = entry->record.sequence;
		append->decided_at_us = entry->record.decided_at_us;
		append->existing = entry->record.existing;
		append->alone = count == 1;
		append->done(append, &fine);
	}
}

/* W6 */
static void stop_writing(struct lf_log *log, const struct lf_error *error)
{
	bool first;

	pthread_mutex_lock(&log->lock);
	first = !log->failed;
	log->failed = true;
	pthread_mutex_unlock(&log->lock);
	atomic_store(&log->ready, false);
	if (first && log->on_failed != NULL)
		log->on_failed(log->on_failed_context, error);
}

/* ---- one batch ---- */

static bool concerns_the_record_alone(enum lf_code code)
{
	return code == LF_INVALID_ARGUMENT || code == LF_FAILED_PRECONDITION || code == LF_ALREADY_EXISTS ||
		code == LF_OUT_OF_RANGE || code == LF_NOT_FOUND || code == LF_ABORTED;
}

static enum lf_code append_decision(
	struct lf_log *log, struct lf_batch_entry *entry, const struct lf_entropy *entropy, int64_t now_us)
{
	struct lf_tail next = log->tail;
	enum lf_code code;

	next.sequence++;
	next.time_us = now_us > next.time_us ? now_us : next.time_us;
	lf_uuid_next(&next.id, next.time_us, entropy->id);
	entry->record = (struct lf_record){
		.append = entry->append,
		.team_salt = entropy->salts[0],
		.project_salt = entropy->salts[1],
		.record_salt = entropy->salts[2],
		.leaves = &log->leaves,
		.sequence = next.sequence,
		.id = next.id,
		.decided_at_us = next.time_us,
	};
	code = log->backend->append(log->store, &entry->record, &entry->error);
	if (code == LF_OK && !entry->record.existing)
		log->tail = next;
	return code;
}

/* The time of anything that is no decision. */
static int64_t next_time(struct lf_log *log, int64_t now_us)
{
	if (now_us > log->tail.time_us)
		log->tail.time_us = now_us;
	return log->tail.time_us;
}

static enum lf_code append_rubric(
	struct lf_log *log, struct lf_batch_entry *entry, const struct lf_entropy *entropy, int64_t now_us)
{
	struct lf_rubric_put *put = entry->append->rubric;

	put->salt = entropy->salts[0];
	memcpy(put->record_salts, entropy->salts + 1, sizeof(put->record_salts));
	put->leaves = &log->leaves;
	put->put_at_us = next_time(log, now_us);
	return log->backend->put_rubric(log->store, put, &entry->error);
}

static enum lf_code append_activation(
	struct lf_log *log, struct lf_batch_entry *entry, const struct lf_entropy *entropy, int64_t now_us)
{
	struct lf_rubric_activate *activate = entry->append->activation;

	activate->activated_at_us = next_time(log, now_us);
	activate->record_salt = entropy->salts[0];
	activate->leaves = &log->leaves;
	return log->backend->activate_rubric(log->store, activate, &entry->error);
}

static enum lf_code append_act(
	struct lf_log *log, struct lf_batch_entry *entry, const struct lf_entropy *entropy, int64_t now_us)
{
	struct lf_act_put *act = entry->append->act;

	if (act->seen_size != 0 && act->seen_size < log->redacted_to)
		return lf_error_set(&entry->error, LF_ABORTED,
			"something was erased or pruned meanwhile: read again, and then record it");
	act->at_us = next_time(log, now_us);
	return log->backend->put_act(log->store, act, &entropy->salts[0], &log->leaves, &entry->error);
}

static enum lf_code append_redaction(struct lf_log *log, struct lf_batch_entry *entry, int64_t now_us)
{
	struct lf_redact *redaction = entry->append->redaction;
	const size_t size = (redaction->item_count + 1) * sizeof(struct lf_salt);
	struct lf_salt *salts = malloc(size);
	enum lf_code code;

	redaction->at_us = next_time(log, now_us);
	if (salts == NULL || !lf_random(salts, size))
		code = lf_error_set(&entry->error, LF_UNAVAILABLE, "no memory, or no random bytes, for %zu salts",
			redaction->item_count + 1);
	else
		code = log->backend->redact(log->store, redaction, salts, &log->leaves, &entry->error);
	free(salts);
	if (code == LF_OK)
		log->redacted_to = log->leaves.tree.size;
	return code;
}

/* Gives one entry to the backend. Sets *wrote where that writes. */
static enum lf_code write_record(
	struct lf_log *log, struct lf_batch_entry *entry, const struct lf_entropy *entropy, int64_t now_us, bool *wrote)
{
	const struct lf_append *append = entry->append;
	enum lf_code code;

	entry->record.existing = false;
	if (append->rubric != NULL) {
		code = append_rubric(log, entry, entropy, now_us);
		*wrote |= code == LF_OK && (append->rubric->added || append->rubric->activated);
	} else if (append->activation != NULL) {
		code = append_activation(log, entry, entropy, now_us);
		*wrote |= code == LF_OK && append->activation->activated.changed;
	} else if (append->act != NULL) {
		code = append_act(log, entry, entropy, now_us);
		*wrote |= code == LF_OK;
	} else if (append->redaction != NULL) {
		code = append_redaction(log, entry, now_us);
		*wrote |= code == LF_OK;
	} else {
		code = append_decision(log, entry, entropy, now_us);
		*wrote |= code == LF_OK && !entry->record.existing;
	}
	return code;
}

/* Appends all and commits. On failure *error is set, and the transaction still has to be rolled back. */
static enum lf_code write_records(struct lf_log *log, size_t count, bool *wrote, struct lf_error *error)
{
	const int64_t now_us = log->now_us();

	for (size_t i = 0; i < count; i++) {
		struct lf_batch_entry *entry = &log->batch[i];
		const enum lf_code code = write_record(log, entry, &log->entropy[i], now_us, wrote);

		if (code == LF_OK)
			continue;
		if (!concerns_the_record_alone(code)) {
			lf_error_move(error, &entry->error);
			return code;
		}
	}
	return log->backend->commit(log->store, &log->leaves, error);
}

struct hash_reader {
	struct lf_log *log;
	struct lf_error *error;
};

static bool read_hashes(void *context, unsigned level, uint64_t first, size_t count, struct lf_digest *hashes)
{
	const struct hash_reader *reader = context;

	return reader->log->backend->tail_hashes(reader->log->store, level, first, count, hashes, reader->error) ==
		LF_OK;
}

/* W10 */
static enum lf_code know_tree(struct lf_log *log, const struct lf_tree_head *head, struct lf_error *error)
{
	struct hash_reader reader = {log, error};
	struct lf_digest root, committed;
	struct lf_tree before;

	if (!lf_tree_load(&log->leaves.tree, head->size, read_hashes, &reader))
		return error->code != LF_OK ? error->code
					    : lf_error_set(error, LF_DATA_LOSS, "the tree of the log can't be read");
	lf_tree_root(&log->leaves.tree, &root);
	if (!lf_digest_equal(&root, &head->root))
		return lf_error_set(error, LF_DATA_LOSS, "the head of the log does not follow from its leaves");
	if (head->size < log->committed_tree.size)
		return lf_error_set(error, LF_DATA_LOSS,
			"the log has fewer records than were committed: somebody else took them out");
	if (!lf_tree_load(&before, log->committed_tree.size, read_hashes, &reader))
		return error->code != LF_OK ? error->code
					    : lf_error_set(error, LF_DATA_LOSS, "the tree of the log can't be read");
	lf_tree_root(&before, &root);
	lf_tree_root(&log->committed_tree, &committed);
	if (!lf_digest_equal(&root, &committed))
		return lf_error_set(
			error, LF_DATA_LOSS, "the log is not the one that was committed: somebody else altered it");
	return LF_OK;
}

/* W5 */
static enum lf_code know_tail(struct lf_log *log, struct lf_error *error)
{
	struct lf_tail stored = {0};

	if (log->tail_known)
		return LF_OK;
	if (log->backend->tail(log->store, &stored, error) != LF_OK || know_tree(log, &stored.head, error) != LF_OK)
		return error->code;
	log->tail.sequence = stored.sequence;
	if (memcmp(&stored.id, &log->tail.id, sizeof(stored.id)) > 0)
		log->tail.id = stored.id;
	if (stored.time_us > log->tail.time_us)
		log->tail.time_us = stored.time_us;
	log->redacted_to = stored.head.size; /* at most: which of its records they are is not looked at */
	log->tail_known = true;
	return LF_OK;
}

/* Completes every entry of the batch. */
static void run_batch(struct lf_log *log, size_t count)
{
	struct lf_error error = LF_ERROR_INIT;
	bool wrote = false;
	uint64_t newest_before;

	if (!lf_random(log->entropy, count * sizeof(*log->entropy))) {
		lf_error_set(&error, LF_UNAVAILABLE, "no random bytes");
		goto fail;
	}
	if (know_tail(log, &error) != LF_OK || log->backend->begin(log->store, &error) != LF_OK)
		goto fail;
	log->leaves.node_count = 0;
	log->leaves.size_before = log->leaves.tree.size;
	log->committed_tree = log->leaves.tree;
	newest_before = log->tail.sequence;
	if (write_records(log, count, &wrote, &error) != LF_OK) {
		log->tail_known = false;
		if (error.code != LF_DATA_LOSS)
			log->backend->rollback(log->store);
		goto fail;
	}
	/* A commit without a write proves nothing about writing. */
	if (wrote)
		atomic_store(&log->ready, true);
	if (log->tail.sequence > newest_before && log->on_committed != NULL)
		log->on_committed(log->on_committed_context, log->tail.sequence);
	complete_batch(log, count);
	if (log->backend->maintain(log->store, &error) == LF_DATA_LOSS)
		stop_writing(log, &error);
	lf_error_clean_up(&error);
	return;
fail:
	atomic_store(&log->ready, false);
	if (error.code == LF_DATA_LOSS)
		stop_writing(log, &error);
	fail_batch(log, count, &error);
	lf_error_clean_up(&error);
}

/* ---- chores: one at a time, between batches ---- */

static void end_chore(struct lf_log *log, const struct lf_error *error)
{
	struct lf_append *append = log->chore;

	/* done() first: it is another append's turn only when this one is through. */
	append->done(append, error);
	pthread_mutex_lock(&log->lock);
	log->chore = NULL;
	pthread_cond_broadcast(&log->chore_ended);
	pthread_mutex_unlock(&log->lock);
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

	if (log->backend->backup_step == NULL)
		lf_error_set(error, LF_UNIMPLEMENTED, "this store has no backup of its own");
	else
		log->backend->backup_step(log->store, chore, cancel, &more, error);
	return more;
}

/*
 * One step of a chore. After DATA_LOSS, perhaps of the batch just before, none: what was begun is taken back when the
 * store closes (W6).
 */
static void do_chore(struct lf_log *log, bool closing)
{
	struct lf_chore *chore = log->chore->chore;
	struct lf_error error = LF_ERROR_INIT, ignored = LF_ERROR_INIT;
	bool more = false;

	if (log->failed) /* only this thread sets it */
		lf_error_set(&error, LF_UNAVAILABLE, "the decision log stopped writing and must be reopened");
	else if (stop_chore(chore, closing, &error) != LF_OK && chore->what == LF_CHORE_BACKUP)
		back_up(log, chore, true, &ignored);
	else if (error.code == LF_OK && chore->what == LF_CHORE_BACKUP)
		more = back_up(log, chore, false, &error);
	else if (error.code == LF_OK && log->backend->vacuum != NULL)
		log->backend->vacuum(log->store, chore, &error);
	if (error.code == LF_DATA_LOSS)
		stop_writing(log, &error);
	if (!more || error.code != LF_OK)
		end_chore(log, &error);
	lf_error_clean_up(&ignored);
	lf_error_clean_up(&error);
}

/* ---- the thread ---- */

static void wait_a_second(struct lf_log *log)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec++;
	while (log->asleep && !log->closing)
		if (pthread_cond_timedwait(&log->wake, &log->lock, &until) == ETIMEDOUT)
			break;
}

/* Moves appends into the batch, until that has max. Returns how many it has. */
static size_t take_from(struct lf_log *log, struct lf_append_queue *queue, size_t count, size_t max)
{
	while (queue->first != NULL && count < max) {
		struct lf_append *append = queue->first;

		queue->first = append->next;
		append->next = NULL;
		log->batch[count].append = append;
		lf_error_init(&log->batch[count].error);
		count++;
	}
	return count;
}

/* W12 */
static size_t take_queued(struct lf_log *log)
{
	const size_t count = take_from(log, &log->queue, 0, LF_BATCH_MAX);
	size_t most;

	if (count > 0)
		log->singles_seen = SINGLES_REMAIN;
	else if (log->singles_seen > 0)
		log->singles_seen--;
	most = log->singles_seen > 0 ? count + BULK_BESIDE : LF_BATCH_MAX;
	return take_from(log, &log->bulk, count, most < LF_BATCH_MAX ? most : LF_BATCH_MAX);
}

/*
 * Moves up to a batch out of the queue, and waits where it is empty and there is no chore. Sets *failed. 0: closing, a
 * chore, or time to probe.
 */
static size_t take_batch(struct lf_log *log, bool *failed, bool *closing, bool *chore)
{
	size_t count;

	pthread_mutex_lock(&log->lock);
	if (log->queue.first == NULL && log->bulk.first == NULL && !log->closing && log->chore == NULL) {
		log->asleep = true;
		if (!log->failed && !atomic_load(&log->ready))
			wait_a_second(log);
		else
			while (log->asleep && !log->closing)
				pthread_cond_wait(&log->wake, &log->lock);
		log->asleep = false;
	}
	count = take_queued(log);
	*failed = log->failed;
	*closing = log->closing;
	*chore = log->chore != NULL;
	pthread_mutex_unlock(&log->lock);
	return count;
}

/* W9. Beside a chore the writer does not sleep, so a second is counted here. */
static void probe(struct lf_log *log, bool chore)
{
	struct lf_error error = LF_ERROR_INIT;
	struct timespec now;

	if (atomic_load(&log->ready))
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (chore && now.tv_sec == log->probed_at)
		return;
	log->probed_at = now.tv_sec;
	if (know_tail(log, &error) == LF_OK && log->backend->probe(log->store, &error) == LF_OK)
		atomic_store(&log->ready, true);
	else if (error.code == LF_DATA_LOSS)
		stop_writing(log, &error);
	lf_error_clean_up(&error);
}

static void *writer_main(void *context)
{
	struct lf_log *log = context;
	bool failed, closing, chore;

	for (;;) {
		const size_t count = take_batch(log, &failed, &closing, &chore);

		if (count > 0 && failed) {
			struct lf_error error = LF_ERROR_INIT;

			lf_error_set(&error, LF_UNAVAILABLE, "the decision log stopped writing and must be reopened");
			fail_batch(log, count, &error);
			lf_error_clean_up(&error);
		} else if (count > 0) {
			run_batch(log, count);
		} else if (closing && !chore) {
			return NULL;
		} else if (!failed) {
			probe(log, chore);
		}
		if (chore)
			do_chore(log, closing);
	}
}

/* ---- opening and closing ---- */

static enum lf_code start_writer(struct lf_log *log, struct lf_error *error)
{
	pthread_condattr_t attributes;
	int failed;

	if (pthread_mutex_init(&log->lock, NULL) != 0)
		goto no_lock;
	if (pthread_condattr_init(&attributes) != 0)
		goto no_attributes;
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	failed = pthread_cond_init(&log->wake, &attributes);
	pthread_condattr_destroy(&attributes);
	if (failed)
		goto no_attributes;
	if (pthread_cond_init(&log->chore_ended, NULL) != 0)
		goto no_condition;
	if (!log->read_only && pthread_create(&log->writer, NULL, writer_main, log) != 0)
		goto no_thread;
	return LF_OK;
no_thread:
	pthread_cond_destroy(&log->chore_ended);
no_condition:
	pthread_cond_destroy(&log->wake);
no_attributes:
	pthread_mutex_destroy(&log->lock);
no_lock:
	return lf_error_set(error, LF_UNAVAILABLE, "the decision log's writer can't be started");
}

static enum lf_code open_store(struct lf_log *log, const struct lf_log_options *options, struct lf_error *error)
{
	if (!log->read_only)
		return log->backend->open(&log->store, options, error);
	if (log->backend->open_read_only == NULL)
		return lf_error_set(error, LF_UNIMPLEMENTED, "this store can't be opened for reading only");
	return log->backend->open_read_only(&log->store, options->location, error);
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
	log->on_committed = options->on_committed;
	log->on_committed_context = options->on_committed_context;
	log->now_us = options->now_us != NULL ? options->now_us : system_now_us;
	atomic_init(&log->ready, true);
	log->batch = calloc(LF_BATCH_MAX, sizeof(*log->batch));
	log->entropy = calloc(LF_BATCH_MAX, sizeof(*log->entropy));
	if (log->batch == NULL || log->entropy == NULL) {
		lf_error_set(&cause, LF_UNAVAILABLE, "out of memory");
		goto no_memory;
	}
	given = *options;
	given.now_us = log->now_us;
	log->read_only = log->failed = options->read_only;
	if (open_store(log, &given, &cause) != LF_OK)
		goto no_memory;
	if (!log->read_only && know_tail(log, &cause) != LF_OK) {
		if (cause.code == LF_DATA_LOSS) /* before anything was written: it is what was found that is damaged */
			cause.code = LF_FAILED_PRECONDITION;
		goto no_tail;
	}
	if (lf_reader_pool_open(&log->readers, backend, log->store,
		    options->reader_count > 0 ? options->reader_count : READERS_DEFAULT, &cause) != LF_OK)
		goto no_tail;
	if (start_writer(log, &cause) != LF_OK)
		goto no_writer;
	*out = log;
	return LF_OK;
no_writer:
	lf_reader_pool_close(&log->readers, backend);
no_tail:
	backend->close(log->store);
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

void lf_log_close(struct lf_log *log)
{
	if (log == NULL)
		return;
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
	pthread_mutex_unlock(&log->lock);
	lf_reader_pool_close(&log->readers, log->backend);
	log->backend->close(log->store);
	pthread_cond_destroy(&log->chore_ended);
	pthread_cond_destroy(&log->wake);
	pthread_mutex_destroy(&log->lock);
	free(log->entropy);
	free(log->batch);
	free(log);
}

enum lf_code lf_log_restore(const struct lf_backend *backend, const char *location, const char *from,
	bool (*check)(void *context, const char *copy), void *context, struct lf_replaced *replaced,
	struct lf_error *error)
{
	struct lf_error inner = LF_ERROR_INIT;
	enum lf_code code;

	*replaced = (struct lf_replaced){.kept = false};
	if (backend->restore == NULL)
		return lf_error_set(error, LF_UNIMPLEMENTED, "this store can't be restored");
	code = backend->restore(location, from, check, context, replaced, &inner);
	if (code != LF_OK)
		lf_error_move(error, &inner);
	return code;
}

bool lf_log_ready(const struct lf_log *log)
{
	return atomic_load(&log->ready);
}
