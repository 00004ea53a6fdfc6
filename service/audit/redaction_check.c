#include "service/audit/redaction_check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "leadfit/v1/record.pb-c.h"
#include "proto/base/limits.h"
#include "proto/wire/wire.h"

enum { ARENA_BYTES_MAX = 64 * 1024 * 1024 };

void lf_redaction_check_init(struct lf_redaction_check *check)
{
	memset(check, 0, sizeof(*check));
	lf_arena_init(&check->arena, ARENA_BYTES_MAX);
}

void lf_redaction_check_clean_up(struct lf_redaction_check *check)
{
	for (size_t i = 0; i < LF_REDACTIONS_NOTED_MAX; i++) {
		free(check->newest[i].caller);
		free(check->newest[i].reason);
	}
	lf_arena_clean_up(&check->arena);
}

/* In the arena. NULL: wrong says why. */
static ProtobufCMessage *read_message(struct lf_redaction_check *check, const ProtobufCMessageDescriptor *type,
	const uint8_t *data, size_t length, const char *what, char wrong[LF_VERIFY_WRONG_MAX])
{
	struct lf_error error = LF_ERROR_INIT;
	ProtobufCMessage *message = lf_wire_unpack(type, data, length, &check->arena, &error);

	if (message == NULL)
		snprintf(wrong, LF_VERIFY_WRONG_MAX, "%s can't be read: %.300s", what, error.message);
	lf_error_clean_up(&error);
	return message;
}

/* ---- erasures and prunings ---- */

/* Cut before the character that does not fit. */
static char *kept_text(const char *text)
{
	size_t length = strnlen(text, LF_TEXT_BYTES_MAX + 1);

	if (length > LF_TEXT_BYTES_MAX)
		for (length = LF_TEXT_BYTES_MAX; length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80;)
			length--;
	return strndup(text, length);
}

static void note(struct lf_redaction_check *check, const struct lf_audit_row *row, const char *caller,
	const Leadfit__V1__RedactionBody *body)
{
	struct lf_noted_redaction *noted = &check->newest[check->count++ % LF_REDACTIONS_NOTED_MAX];

	free(noted->caller);
	free(noted->reason);
	*noted = (struct lf_noted_redaction){
		.position = row->position, .kind = row->kind, .at_us = row->time_us, .caller = kept_text(caller)};
	if (body == NULL)
		return;
	noted->reason = kept_text(body->reason);
	noted->decisions = body->decisions;
	noted->payloads = body->payloads;
	noted->acts = body->acts;
}

/* One that can't be read is noted, too. */
static void check_redaction(
	struct lf_redaction_check *check, const struct lf_audit_row *row, char wrong[LF_VERIFY_WRONG_MAX])
{
	const Leadfit__V1__ActRecord *act = (const Leadfit__V1__ActRecord *)read_message(
		check, &leadfit__v1__act_record__descriptor, row->record.data, row->record.length, "it", wrong);
	const Leadfit__V1__RedactionBody *body = NULL;
	uint64_t said;

	if (act != NULL)
		body = (const Leadfit__V1__RedactionBody *)read_message(check, &leadfit__v1__redaction_body__descriptor,
			act->body.data, act->body.len, "what it says of itself", wrong);
	note(check, row, act == NULL ? "" : act->caller, body);
	if (body == NULL)
		return;
	said = (uint64_t)body->decisions + body->payloads + body->acts;

	if (said != row->pair_count)
		snprintf(wrong, LF_VERIFY_WRONG_MAX,
			"it replaced %zu records and payloads, and says that it replaced %" PRIu64, row->pair_count,
			said);
}

size_t lf_redaction_check_count(const struct lf_redaction_check *check)
{
	return check->count < LF_REDACTIONS_NOTED_MAX ? (size_t)check->count : LF_REDACTIONS_NOTED_MAX;
}

const struct lf_noted_redaction *lf_redaction_check_at(const struct lf_redaction_check *check, size_t i)
{
	return &check->newest[(check->count - lf_redaction_check_count(check) + i) % LF_REDACTIONS_NOTED_MAX];
}

/* ---- decisions ---- */

/*
 * Erasing somebody of whom only a text was there leaves an answer as it is, so that replaying shows whether it follows
 * from what is there; the digest of the request goes with any redaction.
 */
static void check_decision(
	struct lf_redaction_check *check, const struct lf_audit_row *row, char wrong[LF_VERIFY_WRONG_MAX])
{
	const Leadfit__V1__DecisionRecord *record;
	const Leadfit__V1__Answer *answer;

	if (!row->redacted) {
		snprintf(wrong, LF_VERIFY_WRONG_MAX,
			"what it was decided on was replaced, and it was not: neither an erasure nor a pruning leaves "
			"that");
		return;
	}
	record = (const Leadfit__V1__DecisionRecord *)read_message(
		check, &leadfit__v1__decision_record__descriptor, row->record.data, row->record.length, "it", wrong);
	if (record == NULL || record->request_digest.len == 0)
		return;
	answer = (const Leadfit__V1__Answer *)read_message(
		check, &leadfit__v1__answer__descriptor, record->answer.data, record->answer.len, "its answer", wrong);
	if (answer != NULL && answer->frozen == NULL && !answer->pruned)
		snprintf(wrong, LF_VERIFY_WRONG_MAX,
			"it was replaced, and is neither frozen nor pruned, and has the digest of its request: neither "
			"an erasure nor a pruning leaves "
			"that");
}

void lf_redaction_check_row(void *context, const struct lf_audit_row *row, char wrong[LF_VERIFY_WRONG_MAX])
{
	struct lf_redaction_check *check = context;

	lf_arena_reset(&check->arena);
	if (row->kind == LF_LEAF_DECISION)
		check_decision(check, row, wrong);
	else
		check_redaction(check, row, wrong);
}
