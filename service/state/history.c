/*
 * Decisions are taken from the log some at a time, copied; teams and projects, which repeat, are decoded there, once,
 * and found again by the numbers under which the log stores their content. A team is a struct lf_team, as in the
 * service's cache, but lives as long as the slice: team_cache.c says why the cache is left alone.
 *
 * Nothing else is computed within a read transaction, and what is looked up meanwhile (a rubric) never waits for a
 * reader that waits for it.
 */
#include "service/state/history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/clock.h"
#include "proto/base/limits.h"
#include "proto/wire/wire.h"
#include "service/decide/decision.h"
#include "service/state/registry.h"
#include "service/state/reply.h"
#include "service/state/state.h"

enum {
	SLICE_MS = 200,
	BATCH_ROWS = 128,
	BATCH_BYTES_MAX = 1024 * 1024,
	PAYLOADS = 2048, /* decoded teams and projects that are remembered, */
	VERSIONS = 16,
};
/* and their memory, after which all are forgotten. What one decision may unfold to comes on top: as for a request. */
static const size_t payload_bytes_max = (size_t)8 * 1024 * 1024, decision_bytes_max = (size_t)48 * 1024 * 1024;

/* A team or project that is remembered. */
struct decoded {
	uint64_t payload; /* the log's number of it; 0 = a free slot */
	const ProtobufCMessage *message;
	struct lf_team *team; /* of a team */
};

/* Read, and not gone over. What is decoded of it has no bytes in the row. */
struct history_row {
	struct lf_stored *stored;
	struct decoded team, project; /* message NULL: to be decoded, to say what is wrong with it */
};

struct lf_history {
	struct lf_state *state;
	struct lf_rpc_call *call;
	struct lf_scan scan;
	uint64_t start_ns;
	bool begun; /* it went over one decision, or over rows of which none fits */
	/* what was read and not gone over */
	struct history_row rows[BATCH_ROWS];
	size_t row_count, row_at;
	bool no_memory; /* to copy a row */
	uint64_t next;  /* after those: 0 at the end of the log */
	bool has_lost;  /* there is one between those and next that can't be read: */
	struct lf_stored lost;
	char lost_because[512];
	/* what is remembered */
	struct lf_arena payloads, arena;
	struct decoded teams[PAYLOADS], projects[PAYLOADS];
	struct lf_rubric_version *versions[VERSIONS];
	size_t version_count;
	struct lf_history_decision decision;
	struct lf_team alone; /* its team, where that could not be remembered */
	char damage[512];     /* of it */
};

static bool knows(void *context, enum lf_payload_kind kind, uint64_t payload)
{
	const struct lf_history *history = context;
	const struct decoded *slots = kind == LF_PAYLOAD_TEAM ? history->teams : history->projects;

	return payload != 0 && slots[payload % PAYLOADS].payload == payload;
}

struct lf_history *lf_history_begin(struct lf_state *state, const struct lf_scan *scan, struct lf_rpc_call *call)
{
	struct lf_history *history = calloc(1, sizeof(*history));

	if (history == NULL)
		return NULL;
	history->state = state;
	history->call = call;
	history->scan = *scan;
	history->scan.limit = BATCH_ROWS;
	history->scan.bytes_max = BATCH_BYTES_MAX;
	history->scan.newest_first = false;
	history->scan.payloads = true;
	history->scan.knows = knows;
	history->next = scan->from_sequence != 0 ? scan->from_sequence : 1;
	history->start_ns = lf_clock_ns();
	lf_arena_init(&history->payloads, payload_bytes_max + decision_bytes_max);
	lf_arena_init(&history->arena, decision_bytes_max);
	return history;
}

static void forget_rows(struct lf_history *history)
{
	for (size_t i = 0; i < history->row_count; i++)
		free(history->rows[i].stored);
	history->row_count = history->row_at = 0;
}

void lf_history_end(struct lf_history *history)
{
	if (history == NULL)
		return;
	forget_rows(history);
	for (size_t i = 0; i < history->version_count; i++)
		lf_rubric_version_release(history->versions[i]);
	lf_arena_clean_up(&history->payloads);
	lf_arena_clean_up(&history->arena);
	free(history);
}

uint64_t lf_history_position(const struct lf_history *history)
{
	if (history->row_at < history->row_count)
		return history->rows[history->row_at].stored->sequence;
	return history->has_lost ? history->lost.sequence : history->next;
}

struct lf_arena *lf_history_arena(struct lf_history *history)
{
	return &history->arena;
}

const struct lf_rubric_version *lf_history_version(
	struct lf_history *history, const struct lf_digest *digest, struct lf_error *error)
{
	struct lf_rubric_version *version;

	for (size_t i = 0; i < history->version_count; i++)
		if (memcmp(&history->versions[i]->digest, digest, sizeof(*digest)) == 0)
			return history->versions[i];
	version = lf_registry_find(history->state->registry, digest, error);
	if (version == NULL)
		return NULL;
	if (history->version_count == VERSIONS) /* the one that was found first: not the present decision's */
		lf_rubric_version_release(history->versions[--history->version_count]);
	memmove(history->versions + 1, history->versions, history->version_count * sizeof(version));
	history->versions[0] = version;
	history->version_count++;
	return version;
}

/* ---- reading ---- */

/*
 * Decodes what is not remembered, and remembers it. message NULL: it is no such message, or there is no memory for it
 * now.
 */
static struct decoded remember(
	struct lf_history *history, enum lf_payload_kind kind, uint64_t payload, struct lf_bytes bytes)
{
	const bool is_team = kind == LF_PAYLOAD_TEAM;
	struct decoded *slot = &(is_team ? history->teams : history->projects)[payload % PAYLOADS];
	struct lf_error ignored = LF_ERROR_INIT;

	if (knows(history, kind, payload))
		return *slot;
	*slot = (struct decoded){.payload = 0};
	if (payload == 0 || history->payloads.bytes_used > payload_bytes_max)
		return *slot;
	slot->message = lf_wire_unpack(is_team ? &leadfit__v1__team__descriptor : &leadfit__v1__project__descriptor,
		bytes.data, bytes.length, &history->payloads, &ignored);
	lf_error_clean_up(&ignored);
	if (slot->message == NULL)
		return *slot;
	if (is_team) {
		slot->team = lf_arena_zalloc(&history->payloads, 1, sizeof(*slot->team));
		if (slot->team == NULL)
			return (struct decoded){.payload = 0};
		slot->team->message = (const Leadfit__V1__Team *)slot->message;
	}
	slot->payload = payload;
	return *slot;
}

/* Teams and projects are decoded from the log's own memory, once; the rest of a row is copied. */
static bool keep_row(void *context, const struct lf_stored *row)
{
	struct lf_history *history = context;
	struct history_row *to = &history->rows[history->row_count];
	struct lf_stored rest = *row;

	to->team = remember(history, LF_PAYLOAD_TEAM, row->team_payload, row->team);
	to->project = remember(history, LF_PAYLOAD_PROJECT, row->project_payload, row->project);
	if (to->team.message != NULL)
		rest.team.length = 0;
	if (to->project.message != NULL)
		rest.project.length = 0;
	to->stored = lf_stored_copy(&rest);
	if (to->stored == NULL) {
		history->no_memory = true;
		return false;
	}
	history->row_count++;
	return true;
}

static enum lf_code out_of_memory(struct lf_error *error)
{
	return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory to read decisions");
}

/*
 * Reads some more, perhaps none. A row that can't be read is not the end: it is gone over like any other, as far as it
 * is known.
 */
static enum lf_code read_on(struct lf_history *history, struct lf_error *error)
{
	struct lf_error inner = LF_ERROR_INIT;
	uint64_t next = 0;
	enum lf_code code;

	forget_rows(history);
	if (history->payloads.bytes_used > payload_bytes_max) {
		lf_arena_reset(&history->payloads);
		memset(history->teams, 0, sizeof(history->teams));
		memset(history->projects, 0, sizeof(history->projects));
	}
	history->scan.from_sequence = history->next;
	code = lf_log_scan(history->state->log, &history->scan, keep_row, history, &next, &inner);
	if (history->no_memory)
		code = out_of_memory(&inner);
	if (code == LF_DATA_LOSS && next > 1) {
		history->has_lost = true;
		history->lost = (struct lf_stored){.sequence = next - 1,
			.caller = "",
			.team_id = "",
			.project_id = "",
			.rubric_name = "",
			.recommended = ""};
		snprintf(history->lost_because, sizeof(history->lost_because), "%s", inner.message);
		code = LF_OK;
	}
	if (code == LF_OK)
		history->next = next;
	else
		lf_error_move(error, &inner);
	lf_error_clean_up(&inner);
	return code;
}

static bool time_is_up(const struct lf_history *history)
{
	return lf_clock_ns() - history->start_ns >= (uint64_t)SLICE_MS * 1000000 || !lf_is_awaited(history->call);
}

/* ---- decoding ---- */

/* NULL: *code says whether memory ran out or the bytes are no such message. */
static const ProtobufCMessage *decode(struct lf_history *history, const ProtobufCMessageDescriptor *type,
	const char *what, struct lf_bytes bytes, struct lf_arena *arena, enum lf_code *code)
{
	struct lf_error inner = LF_ERROR_INIT;
	const ProtobufCMessage *message = lf_wire_unpack(type, bytes.data, bytes.length, arena, &inner);

	*code = inner.code;
	if (message == NULL) {
		snprintf(history->damage, sizeof(history->damage), "its %s can't be read: %.400s", what, inner.message);
		if (inner.code != LF_RESOURCE_EXHAUSTED) {
			lf_error_set(&inner, LF_DATA_LOSS, "a decision: %s", history->damage);
			lf_log_note_damage(history->state->log, &inner);
		}
	}
	lf_error_clean_up(&inner);
	return message;
}

/* What could not be remembered is decoded for this decision alone. */
static const ProtobufCMessage *whole(struct lf_history *history, const struct decoded *decoded,
	const ProtobufCMessageDescriptor *type, const char *what, struct lf_bytes bytes, enum lf_code *code)
{
	*code = LF_OK;
	return decoded->message != NULL ? decoded->message : decode(history, type, what, bytes, &history->arena, code);
}

static enum lf_code fill_whole(struct lf_history *history, const struct history_row *row)
{
	const struct lf_stored *stored = row->stored;
	const ProtobufCMessage *team, *project = NULL;
	enum lf_code code;

	team = whole(history, &row->team, &leadfit__v1__team__descriptor, "team", stored->team, &code);
	if (team != NULL)
		project = whole(
			history, &row->project, &leadfit__v1__project__descriptor, "project", stored->project, &code);
	if (project == NULL)
		return code;
	if (row->team.team != NULL) {
		history->decision.team = row->team.team;
		/* Its forms are kept where the messages are, as long as there is room. */
		row->team.team->arena = history->payloads.bytes_used <= payload_bytes_max ? &history->payloads : NULL;
	} else {
		history->alone = (struct lf_team){.message = (const Leadfit__V1__Team *)team};
		history->decision.team = &history->alone;
	}
	history->decision.project = (const Leadfit__V1__Project *)project;
	return LF_OK;
}

void lf_history_step(
	const struct lf_history_decision *decision, const struct lf_rubric_version *version, struct lf_step *step)
{
	const Leadfit__V1__Answer *answer = decision->answer;

	step->version = version;
	step->team = decision->team;
	step->project = decision->project;
	step->candidates = answer->candidates;
	step->candidate_count = answer->n_candidates;
	step->as_of_us = answer->as_of_us;
	step->purpose = decision->row->purpose;
	step->detail = answer->detail;
	step->ignore_undeclared = answer->ignore_undeclared;
	step->rank_table = answer->rank_table;
	step->caller = decision->row->caller;
	step->engine_version = answer->engine_version;
}

/* Fills history->decision. Only a lack of memory is an error. */
static enum lf_code fill(struct lf_history *history, const struct history_row *from, struct lf_error *error)
{
	const struct lf_stored *row = from->stored;
	struct lf_history_decision *decision = &history->decision;
	enum lf_code code;

	*decision = (struct lf_history_decision){.row = row, .state = LF_HISTORY_WHOLE, .damage = history->damage};
	decision->answer = (const Leadfit__V1__Answer *)decode(
		history, &leadfit__v1__answer__descriptor, "answer", row->answer, &history->arena, &code);
	if (decision->answer != NULL && decision->answer->frozen != NULL)
		decision->state = LF_HISTORY_ERASED;
	else if (decision->answer != NULL && decision->answer->pruned)
		decision->state = LF_HISTORY_PRUNED;
	else if (decision->answer != NULL)
		code = fill_whole(history, from);
	if (code == LF_RESOURCE_EXHAUSTED)
		return out_of_memory(error);
	if (code != LF_OK)
		decision->state = LF_HISTORY_DAMAGED;
	return LF_OK;
}

const struct lf_history_decision *lf_history_next(struct lf_history *history, struct lf_error *error)
{
	lf_arena_reset(&history->arena);
	for (;;) {
		if (history->begun && time_is_up(history))
			return NULL;
		if (history->row_at < history->row_count) {
			history->begun = true;
			return fill(history, &history->rows[history->row_at++], error) == LF_OK ? &history->decision
												: NULL;
		}
		if (history->has_lost) {
			history->begun = true;
			history->has_lost = false;
			history->decision = (struct lf_history_decision){
				.row = &history->lost, .state = LF_HISTORY_DAMAGED, .damage = history->lost_because};
			return &history->decision;
		}
		if (history->next == 0 || read_on(history, error) != LF_OK)
			return NULL;
		history->begun |= history->row_count == 0 && !history->has_lost;
	}
}
