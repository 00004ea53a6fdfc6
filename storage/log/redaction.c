/*
 * A redaction: what it replaces is looked at as the backend finds it, and each thing's old and new commitment are made;
 * then it is written whole, with the act that maps the one to the other.
 */
#include <stdlib.h>

#include "proto/base/check.h"
#include "storage/log/private.h"

struct redaction {
	struct lf_log *log;
	struct lf_batch_entry *entry;
	struct lf_error *error; /* of the whole batch */
	struct lf_salt *salts;
	struct lf_digest *commitments; /* the record's, then pairs */
	struct lf_digest *candidates;
	size_t found_count;
};

static const char *what_of(const struct lf_redact_item *item)
{
	return item->what == LF_REDACT_PAYLOAD ? "payload" : item->what == LF_REDACT_DECISION ? "decision" : "act";
}

/* What is refused, before anything is written: the entry's error. */
static enum lf_code check(
	struct lf_batch_entry *entry, const struct lf_redact_item *item, const struct lf_redact_found *found)
{
	const unsigned long long id = item->id;

	if (!found->there)
		return lf_error_set(&entry->error, LF_NOT_FOUND, "there is no %s %llu", what_of(item), id);
	/* What a leaf has of a damaged record could not be told from what somebody made of it. */
	if (found->missing != NULL)
		return lf_error_set(&entry->error, LF_FAILED_PRECONDITION, "%s %llu is damaged: %s is missing",
			what_of(item), id, found->missing);
	if (item->what != LF_REDACT_PAYLOAD)
		return LF_OK;
	if (found->kind != LF_PAYLOAD_TEAM && found->kind != LF_PAYLOAD_PROJECT)
		return lf_error_set(
			&entry->error, LF_INVALID_ARGUMENT, "payload %llu is neither a team nor a project", id);
	if (found->younger != 0)
		return lf_error_set(&entry->error, LF_FAILED_PRECONDITION,
			"decision %llu refers to payload %llu by now", (unsigned long long)found->younger, id);
	return LF_OK;
}

/* As prepare() calls it. */
static bool note_found(void *context, size_t i, const struct lf_redact_found *found)
{
	struct redaction *redaction = context;
	struct lf_log *log = redaction->log;
	const struct lf_redact_item *item = &redaction->entry->append->redaction->items[i];
	const struct lf_salt *salt = &redaction->salts[i];
	struct lf_digest *old = &redaction->commitments[1 + 2 * i], *new = old + 1;

	LF_CHECK(W10, i == redaction->found_count);
	redaction->found_count++;
	if (check(redaction->entry, item, found) != LF_OK)
		return false;
	if (item->what == LF_REDACT_PAYLOAD) {
		lf_commit(&found->salt, found->body.data, found->body.length, old);
		lf_commit(salt, item->bytes.data, item->bytes.length, new);
	} else if (item->what == LF_REDACT_DECISION) {
		struct lf_decision_columns columns = found->decision;

		lf_sha256_strings(item->candidates, item->candidate_count, &redaction->candidates[i]);
		if (lf_commit_decision(log, &columns, &found->salt, old, redaction->error) != LF_OK)
			return false;
		columns.recommended = item->recommended;
		columns.candidates = &redaction->candidates[i];
		columns.request_digest = NULL;
		columns.answer = item->bytes.data;
		columns.answer_length = item->bytes.length;
		if (lf_commit_decision(log, &columns, salt, new, redaction->error) != LF_OK)
			return false;
	} else {
		struct lf_act_columns columns = found->act;

		if (lf_commit_act(log, &columns, &found->salt, old, redaction->error) != LF_OK)
			return false;
		columns.body = item->bytes.data;
		columns.body_length = item->bytes.length;
		if (lf_commit_act(log, &columns, salt, new, redaction->error) != LF_OK)
			return false;
	}
	return true;
}

/* Prepares, and writes where it is not refused. */
static enum lf_code write_redaction(struct redaction *redaction, struct lf_redact *redact)
{
	struct lf_log *log = redaction->log;
	struct lf_item *item = &redaction->entry->item;
	const struct lf_act_columns columns = {
		redact->kind, redact->caller, item->at_us, 0, redact->body.data, redact->body.length};

	if (log->backend->prepare(log->store, &item, 1, redaction->error) != LF_OK || redaction->error->code != LF_OK ||
		redaction->entry->error.code != LF_OK)
		return redaction->error->code;
	if (item->refused != NULL) {
		lf_item_refuse(item, &redaction->entry->error);
		return LF_OK;
	}
	LF_CHECK(W10, redaction->found_count == redact->item_count);
	if (lf_commit_act(log, &columns, &item->salt, &redaction->commitments[0], redaction->error) != LF_OK ||
		lf_writer_add_leaf(log, item, redact->kind, redaction->commitments, 1 + 2 * redact->item_count,
			redaction->error) != LF_OK ||
		log->backend->write(log->store, &item, 1, redaction->error) != LF_OK)
		return redaction->error->code;
	log->tail.redacted_to = log->leaves.tree.size;
	redact->id = item->redaction.id;
	redact->position = item->place.position;
	redact->at_us = item->at_us;
	return LF_OK;
}

enum lf_code lf_writer_redact(
	struct lf_log *log, struct lf_batch_entry *entry, const struct lf_salt *salt, struct lf_error *error)
{
	struct lf_redact *redact = entry->append->redaction;
	const size_t count = redact->item_count;
	struct redaction redaction = {
		.log = log,
		.entry = entry,
		.error = error,
		.salts = malloc(count * sizeof(*redaction.salts)),
		.commitments = malloc((1 + 2 * count) * sizeof(*redaction.commitments)),
		.candidates = malloc(count * sizeof(*redaction.candidates)),
	};

	if (redaction.salts == NULL || redaction.commitments == NULL || redaction.candidates == NULL ||
		!lf_random(redaction.salts, count * sizeof(*redaction.salts))) {
		/* This record alone: the others of the batch need no such memory. */
		lf_error_set(&entry->error, LF_UNAVAILABLE, "no memory, or no random bytes, for %zu salts", count);
	} else {
		entry->item.salt = *salt;
		entry->item.redaction = (struct lf_item_redaction){
			.redact = redact,
			.found = note_found,
			.context = &redaction,
			.salts = redaction.salts,
			.pairs = redaction.commitments + 1,
			.candidates = redaction.candidates,
		};
		write_redaction(&redaction, redact);
	}
	free(redaction.salts);
	free(redaction.commitments);
	free(redaction.candidates);
	lf_writer_forget(log); /* the records as they were */
	return error->code;
}
