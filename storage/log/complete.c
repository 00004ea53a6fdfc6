/* The end of a batch: every append in it is completed, once. On the writer thread, without the lock (W7). */
#include "proto/base/check.h"
#include "storage/log/private.h"

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

/* What is said of a decision, of what was done to a rubric, and of anything else. */
struct words {
	struct lf_error decision, rubric, other;
};

static void find_words(struct words *words, const struct lf_error *cause, bool unknown)
{
	*words = (struct words){LF_ERROR_INIT, LF_ERROR_INIT, LF_ERROR_INIT};
	if (unknown) {
		lf_error_set(&words->decision, LF_UNAVAILABLE,
			"the decision may or may not be stored: retry with the same idempotency key (%s)",
			cause->message);
		lf_error_set(&words->rubric, LF_UNAVAILABLE,
			"what was done to the rubric may or may not be stored: do it again (%s)", cause->message);
		lf_error_set(&words->other, LF_UNAVAILABLE,
			"it may or may not be recorded: look before doing it again (%s)", cause->message);
	} else if (cause->code == LF_RESOURCE_EXHAUSTED) {
		lf_error_set(
			&words->decision, LF_RESOURCE_EXHAUSTED, "the decision log has no space: %s", cause->message);
		lf_error_set(&words->rubric, LF_RESOURCE_EXHAUSTED, "%s", words->decision.message);
		lf_error_set(&words->other, LF_RESOURCE_EXHAUSTED, "%s", words->decision.message);
	} else {
		lf_error_set(
			&words->decision, LF_UNAVAILABLE, "the decision was not stored: retry (%s)", cause->message);
		lf_error_set(&words->rubric, LF_UNAVAILABLE,
			"what was done to the rubric was not stored: do it again (%s)", cause->message);
		lf_error_set(&words->other, LF_UNAVAILABLE, "it was not recorded: do it again (%s)", cause->message);
	}
}

void lf_writer_fail_batch(struct lf_log *log, size_t count, const struct lf_error *cause, bool unknown)
{
	struct words words;

	LF_CHECK(W13, count <= LF_BATCH_MAX);
	LF_CHECK(W3, log->batch_state == LF_BATCH_TAKEN);
	lf_batch_turn(log, LF_BATCH_LOST);
	find_words(&words, cause, unknown);
	for (size_t i = 0; i < count; i++) {
		struct lf_append *append = log->batch[i].append;
		const bool act = append->act != NULL || append->redaction != NULL;

		lf_error_clean_up(&log->batch[i].error);
		count_out(log, 1);
		hand_back(log, append,
			append->rubric != NULL || append->activation != NULL ? &words.rubric
				: act                                        ? &words.other
									     : &words.decision);
	}
	lf_error_clean_up(&words.decision);
	lf_error_clean_up(&words.rubric);
	lf_error_clean_up(&words.other);
	lf_batch_turn(log, LF_BATCH_EMPTY);
}

/* What a stored decision gives its append. */
static void give_numbers(const struct lf_batch_entry *entry, uint64_t *newest)
{
	const struct lf_item_decision *decision = &entry->item.decision;
	struct lf_append *append = entry->append;

	if (!entry->existing) {
		LF_CHECK(W4, decision->sequence > *newest);
		*newest = decision->sequence;
	}
	append->id = entry->existing ? decision->first_id : decision->id;
	append->sequence = entry->existing ? decision->first_sequence : decision->sequence;
	append->decided_at_us = entry->existing ? decision->first_at_us : entry->item.at_us;
	append->existing = entry->existing;
}

/* Leaves that the records have of which it is said that they are stored. */
static uint64_t leaves_of(const struct lf_batch_entry *entry)
{
	const struct lf_append *append = entry->append;

	if (append->rubric != NULL) /* that it is not made active does not undo that it is stored */
		return (uint64_t)append->rubric->added + append->rubric->activated.changed;
	if (entry->error.code != LF_OK || entry->existing)
		return 0;
	return append->activation != NULL ? append->activation->activated.changed : 1;
}

void lf_writer_complete_batch(struct lf_log *log, size_t count, uint64_t added)
{
	const struct lf_error fine = LF_ERROR_INIT;
	uint64_t newest = 0, leaves = 0;

	LF_CHECK(W2, log->batch_state == LF_BATCH_COMMITTED);
	for (size_t i = 0; i < count; i++)
		leaves += leaves_of(&log->batch[i]);
	LF_CHECK(W2, leaves == added);
	count_out(log, count);
	for (size_t i = 0; i < count; i++) {
		struct lf_batch_entry *entry = &log->batch[i];

		if (entry->error.code != LF_OK) {
			hand_back(log, entry->append, &entry->error);
			lf_error_clean_up(&entry->error);
			continue;
		}
		if (entry->item.kind == LF_ITEM_DECISION)
			give_numbers(entry, &newest);
		entry->append->alone = count == 1;
		hand_back(log, entry->append, &fine);
	}
	lf_batch_turn(log, LF_BATCH_EMPTY);
}
