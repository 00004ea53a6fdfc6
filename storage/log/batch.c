/*
 * One batch: its transaction, and the completion of every append in it. On the writer thread; nothing here holds the
 * lock while the backend or a completion runs (W7).
 */
#include <stdlib.h>
#include <string.h>

#include "proto/base/check.h"
#include "proto/base/clock.h"
#include "storage/log/private.h"

/* ---- completing ---- */

/* Hands one append back: it may be freed when this returns. */
static void hand_back(const struct lf_log *log, struct lf_append *append, const struct lf_error *error)
{
	LF_CHECK(W7, !log->writer_locked);
	lf_append_turn(append, LF_APPEND_DONE);
	append->done(append, error);
}

/* That many leave the batch. Before their done(), which can append again. */
static void count_out(struct lf_log *log, size_t count)
{
	lf_writer_lock(log);
	LF_CHECK(W8, count <= log->pending);
	log->pending -= count;
	lf_writer_unlock(log);
}

void lf_writer_fail_batch(struct lf_log *log, size_t count, const struct lf_error *cause)
{
	struct lf_error decision = LF_ERROR_INIT, rubric = LF_ERROR_INIT, other = LF_ERROR_INIT;

	LF_CHECK(W13, count <= LF_BATCH_MAX);
	LF_CHECK(W3, log->batch_state == LF_BATCH_TAKEN);
	lf_batch_turn(log, LF_BATCH_LOST);
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
		count_out(log, 1);
		hand_back(log, append,
			append->rubric != NULL || append->activation != NULL ? &rubric
				: act                                        ? &other
									     : &decision);
	}
	lf_error_clean_up(&decision);
	lf_error_clean_up(&rubric);
	lf_error_clean_up(&other);
	lf_batch_turn(log, LF_BATCH_EMPTY);
}

static bool is_decision(const struct lf_append *append)
{
	return append->rubric == NULL && append->activation == NULL && append->act == NULL && append->redaction == NULL;
}

/* W2: after its commit. */
static void complete_batch(struct lf_log *log, size_t count)
{
	const struct lf_error fine = LF_ERROR_INIT;
	uint64_t newest = 0;

	LF_CHECK(W2, log->batch_state == LF_BATCH_COMMITTED);
	count_out(log, count);
	for (size_t i = 0; i < count; i++) {
		struct lf_batch_entry *entry = &log->batch[i];
		struct lf_append *append = entry->append;

		if (entry->error.code != LF_OK) {
			hand_back(log, append, &entry->error);
			lf_error_clean_up(&entry->error);
			continue;
		}
		if (is_decision(append) && !entry->record.existing) {
			LF_CHECK(W4, entry->record.sequence > newest);
			newest = entry->record.sequence;
		}
		append->id = entry->record.id;
		append->sequence = entry->record.sequence;
		append->decided_at_us = entry->record.decided_at_us;
		append->existing = entry->record.existing;
		append->alone = count == 1;
		hand_back(log, append, &fine);
	}
	lf_batch_turn(log, LF_BATCH_EMPTY);
}

/* Once: there is no move from FAILED (W14). */
void lf_writer_stop(struct lf_log *log, const struct lf_error *error)
{
	lf_writer_lock(log);
	lf_writer_turn(log, LF_WRITER_FAILED);
	lf_writer_unlock(log);
	if (log->on_failed != NULL)
		log->on_failed(log->on_failed_context, error);
}

void lf_writer_note(struct lf_log *log, const struct lf_error *error)
{
	if (error->code == LF_DATA_LOSS)
		lf_writer_stop(log, error);
	else if (error->code == LF_RESOURCE_EXHAUSTED)
		lf_writer_turn(log, LF_WRITER_NOT_READY);
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
	if (code == LF_OK && !entry->record.existing) {
		LF_CHECK(W4, entry->record.sequence == next.sequence);
		log->tail = next;
	}
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
		*wrote |= code == LF_OK && (append->rubric->added || append->rubric->activated.changed);
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
	const int64_t now_us = lf_writer_now(log);

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

enum lf_code lf_writer_know_tail(struct lf_log *log, struct lf_error *error)
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

void lf_writer_run_batch(struct lf_log *log, size_t count)
{
	const uint64_t begun_ns = lf_clock_ns();
	struct lf_error error = LF_ERROR_INIT;
	bool wrote = false;
	uint64_t newest_before;

	LF_CHECK(W13, count <= LF_BATCH_MAX);
	lf_writer_check_backend(log);
	if (!lf_random(log->entropy, count * sizeof(*log->entropy))) {
		lf_error_set(&error, LF_UNAVAILABLE, "no random bytes");
		goto fail;
	}
	if (lf_writer_know_tail(log, &error) != LF_OK || log->backend->begin(log->store, &error) != LF_OK)
		goto fail;
	LF_CHECK(W5, log->tail_known);
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
	LF_CHECK(W10, log->leaves.tree.size >= log->leaves.size_before + (wrote ? 1 : 0));
	lf_writer_count(log, begun_ns, count);
	lf_batch_turn(log, LF_BATCH_COMMITTED);
	/* A commit without a write proves nothing about writing. */
	if (wrote)
		lf_writer_turn(log, LF_WRITER_READY);
	if (log->tail.sequence > newest_before && log->on_committed != NULL)
		log->on_committed(log->on_committed_context, log->tail.sequence);
	complete_batch(log, count);
	log->backend->maintain(log->store, &error);
	lf_writer_note(log, &error);
	lf_error_clean_up(&error);
	return;
fail:
	lf_count(&log->counts.failed);
	lf_writer_turn(log, LF_WRITER_NOT_READY);
	if (error.code == LF_DATA_LOSS)
		lf_writer_stop(log, &error);
	lf_writer_fail_batch(log, count, &error);
	lf_error_clean_up(&error);
}
