/*
 * Each decision is restored in a scratch arena, packed, given away, and forgotten, so that a call holds no more than
 * what one decision needs, and what it was given for. That happens while the log is being read. Only what may read the
 * log itself, finding a rubric, waits until that has let go of its reader: else all readers could be held by calls that
 * each wait for another one.
 */
#include "service/decisions/slice.h"

#include <inttypes.h>
#include <string.h>

#include "proto/base/check.h"
#include "proto/wire/borrow.h"
#include "proto/wire/wire.h"
#include "service/access/access.h"
#include "service/decide/decision.h"
#include "service/decide/text_list.h"
#include "service/rpc/rpc.h"
#include "service/state/registry.h"
#include "service/state/state.h"

/* ---- one decision ---- */

static struct lf_rubric_version *find_version(const struct lf_slice_reader *x, const struct lf_digest *digest)
{
	for (size_t i = x->version_count; i > 0; i--)
		if (lf_digest_equal(&x->versions[i - 1]->digest, digest))
			return x->versions[i - 1];
	return NULL;
}

/* Columns alone, borrowed from the row. NULL where memory ran out. */
static Leadfit__V1__Decision *brief_decision(const struct lf_stored *row, struct lf_arena *arena)
{
	struct brief {
		Leadfit__V1__Decision decision;
		Leadfit__V1__RubricRef rubric;
		Leadfit__V1__TeamRef team;
		Leadfit__V1__ProjectRef project;
		char digest[65];
	} *b = lf_arena_alloc(arena, sizeof(*b));

	if (b == NULL)
		return NULL;
	leadfit__v1__decision__init(&b->decision);
	leadfit__v1__rubric_ref__init(&b->rubric);
	leadfit__v1__team_ref__init(&b->team);
	leadfit__v1__project_ref__init(&b->project);
	lf_digest_print(&row->rubric_digest, b->digest);
	b->decision.rubric = &b->rubric;
	b->rubric.name = lf_unconst(row->rubric_name);
	b->rubric.digest = b->digest;
	b->decision.team = &b->team;
	b->team.id = lf_unconst(row->team_id);
	b->decision.project = &b->project;
	b->project.id = lf_unconst(row->project_id);
	b->decision.outcome = (Leadfit__V1__Outcome)row->outcome;
	b->decision.recommended = lf_unconst(row->recommended);
	b->decision.caller = lf_unconst(row->caller);
	b->decision.purpose = (Leadfit__V1__Purpose)row->purpose;
	return lf_decision_identify(&b->decision, &row->id, row->decided_at_us, arena) ? &b->decision : NULL;
}

static enum lf_code pack_row(struct lf_slice_reader *x, const struct lf_stored *row,
	const struct lf_rubric_version *version, uint8_t **bytes, size_t *length)
{
	Leadfit__V1__Decision *decision = NULL;

	if (x->brief)
		decision = brief_decision(row, &x->scratch);
	else if (lf_decision_restore(row, version, &x->scratch, &decision, &x->error) != LF_OK)
		return x->error.code;
	*bytes = decision == NULL
		? NULL
		: lf_wire_pack(&decision->base, &x->scratch, row->team.length + 4 * row->answer.length + 256, length);
	if (*bytes == NULL)
		return lf_error_set(&x->error, LF_RESOURCE_EXHAUSTED, "no memory to restore the decision");
	return LF_OK;
}

/* The error names the decision. */
static void name_decision(struct lf_error *error, const struct lf_stored *row)
{
	char id[LF_UUID_TEXT_BYTES], message[sizeof(error->message)];

	lf_uuid_print(&row->id, id);
	memcpy(message, error->message, sizeof(message));
	lf_error_set(error, error->code, "decision %s (sequence %" PRIu64 "): %.*s", id, row->sequence,
		(int)sizeof(message) - 120, message);
}

/* Gives a row away. false: the slice ends, before the row where ended_at is set. */
static bool add(void *context, const struct lf_stored *row)
{
	struct lf_slice_reader *x = context;
	struct lf_rubric_version *version = x->brief ? NULL : find_version(x, &row->rubric_digest);
	enum lf_slice_put put;
	uint8_t *bytes = NULL;
	size_t length = 0;

	x->ended_at = row->sequence;
	if (!x->brief && version == NULL) {
		x->needs_version = x->version_count < LF_SLICE_VERSIONS_MAX;
		x->digest = row->rubric_digest;
		return false;
	}
	lf_arena_reset(&x->scratch);
	if (pack_row(x, row, version, &bytes, &length) != LF_OK) {
		name_decision(&x->error, row);
		return false;
	}
	put = x->put(x->context, row->sequence, bytes, length);
	if (put == LF_SLICE_NOT_TAKEN) {
		if (x->count == 0) {
			lf_error_set(&x->error, LF_RESOURCE_EXHAUSTED, "it does not fit a message, or memory ran out");
			name_decision(&x->error, row);
		}
		return false;
	}
	x->count++;
	x->last_sequence = row->sequence;
	x->ended_at = 0;
	return put == LF_SLICE_TAKEN;
}

/* ---- the slice ---- */

static void note_newest(void *context, const struct lf_stored *row)
{
	*(uint64_t *)context = row->sequence;
}

enum lf_code lf_slice_newest(struct lf_state *state, uint64_t *newest, struct lf_error *error)
{
	struct lf_filter filter = {.since_us = INT64_MIN, .until_us = INT64_MAX, .limit = 1};
	uint64_t ignored;

	*newest = 0;
	return lf_log_list(state->log, &filter, note_newest, newest, &ignored, error);
}

void lf_slice_read(struct lf_slice_reader *x, struct lf_scan *scan, uint64_t *next)
{
	const size_t limit = scan->limit;
	struct lf_rubric_version *version;

	for (;;) {
		x->ended_at = 0;
		x->needs_version = false;
		scan->limit = limit - x->count;
		if (lf_log_scan(x->state->log, scan, add, x, next, &x->error) != LF_OK) {
			/* Of the row after the last one. */
			*next = scan->newest_first ? x->last_sequence - 1 : x->last_sequence + 1;
			return;
		}
		if (x->ended_at == 0)
			return;
		*next = x->ended_at;
		if (!x->needs_version)
			return;
		version = lf_registry_find(x->state->registry, &x->digest, &x->error);
		if (version == NULL) {
			char message[sizeof(x->error.message)];

			memcpy(message, x->error.message, sizeof(message));
			lf_error_set(&x->error, x->error.code == LF_NOT_FOUND ? LF_DATA_LOSS : x->error.code,
				"decision of sequence %" PRIu64 ": %.*s", x->ended_at, (int)sizeof(message) - 80,
				message);
			return;
		}
		LF_CHECK(H10, x->version_count < LF_SLICE_VERSIONS_MAX);
		x->versions[x->version_count++] = version;
		scan->from_sequence = x->ended_at;
	}
}

void lf_slice_init(struct lf_slice_reader *x, const struct lf_arena *arena)
{
	lf_arena_init(&x->scratch, arena->bytes_max);
	x->scratch.budget = arena->budget;
}

void lf_slice_clean_up(struct lf_slice_reader *x)
{
	lf_arena_clean_up(&x->scratch);
	for (size_t i = 0; i < x->version_count; i++)
		lf_rubric_version_release(x->versions[i]);
	lf_error_clean_up(&x->error);
}

/* ---- who gets it ---- */

static char *text_or_empty(const char *text)
{
	return lf_unconst(text == NULL ? "" : text);
}

enum lf_code lf_slice_record(struct lf_state *state, const struct lf_rpc_call *call, const struct lf_scan *scan,
	Leadfit__V1__AccessCall *access, struct lf_error *error)
{
	access->caller = lf_unconst(lf_rpc_caller(call));
	access->team = text_or_empty(scan->team_id);
	access->project = text_or_empty(scan->project_id);
	access->one_person = scan->candidate != NULL && *scan->candidate != '\0';
	return lf_access_record(state->access, access, error);
}
