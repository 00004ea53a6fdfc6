/*
 * Recomputing decisions, a slice a call: from the stored inputs, by the stored rubric, with the engine that made them.
 * What comes out is compared bit for bit with what was answered, number by number in the order of the Answer, and with
 * the columns that lists are made from.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/text/json.h"
#include "proto/base/limits.h"
#include "service/audit/audit.h"
#include "service/decide/step.h"
#include "service/decide/words.h"
#include "service/state/history.h"
#include "service/state/reply.h"
#include "service/state/selection.h"
#include "service/state/state.h"

enum { DIFFERENCES_MAX = 1000, WHAT_BYTES = 512 };
static const char unknown_outcome[] = "one that is not known";

struct replay {
	Leadfit__V1__ReplayResponse response;
	struct lf_history *history;
	struct lf_arena *arena; /* of the call */
};

/* One decision: what was computed, and what is said where that differs. */
struct comparison {
	const struct lf_history_decision *decision;
	const struct lf_rubric_version *version;
	const struct lf_step *step;
	const struct lf_case *the_case; /* the step's */
	const struct lf_result *result; /* likewise */
	Leadfit__V1__Answer computed;   /* its numbers */
	struct lf_arena *arena;
	char *what; /* WHAT_BYTES */
};

/* ---- names: numbers are in the order of ids ---- */

static int compare_ids(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The index-th id; only for words. */
static const char *id_at(const char **ids, size_t count, size_t index)
{
	qsort(ids, count, sizeof(*ids), compare_ids);
	return ids[index];
}

static const char *criterion_at(const struct comparison *c, size_t index)
{
	const struct lf_rubric_def *def = lf_rubric_def(c->version->compiled);
	const char *ids[LF_CRITERIA_MAX];

	for (size_t i = 0; i < def->criterion_count; i++)
		ids[i] = def->criteria[i].id;
	return id_at(ids, def->criterion_count, index);
}

static const char *member_at(const struct comparison *c, size_t index)
{
	const char **ids = lf_arena_zalloc(c->arena, c->the_case->member_count, sizeof(*ids));

	for (size_t i = 0; ids != NULL && i < c->the_case->member_count; i++)
		ids[i] = c->the_case->members[i].id;
	return ids != NULL ? id_at(ids, c->the_case->member_count, index) : "a member";
}

/* ---- comparing: each returns whether it is the same, and says what is not ---- */

enum rows { BY_CRITERION, BY_MEMBER, BY_CELL };

static void name_number(
	const struct comparison *c, const char *kind, enum rows rows, size_t index, char *name, size_t size)
{
	const size_t criteria = lf_rubric_def(c->version->compiled)->criterion_count;

	if (rows == BY_CRITERION)
		snprintf(name, size, "%s of %s", kind, criterion_at(c, index));
	else if (rows == BY_MEMBER)
		snprintf(name, size, "%s of %s", kind, member_at(c, index));
	else
		snprintf(name, size, "%s of %s in %s", kind, member_at(c, index / criteria),
			criterion_at(c, index % criteria));
}

static bool same_count(const struct comparison *c, const char *kind, size_t stored, size_t computed)
{
	if (stored == computed)
		return true;
	snprintf(c->what, WHAT_BYTES, "%s: %zu numbers are stored, %zu are computed", kind, stored, computed);
	return false;
}

static bool same_numbers(const struct comparison *c, const char *kind, enum rows rows, const double *stored,
	size_t stored_count, const double *computed, size_t computed_count)
{
	char name[2 * LF_ID_BYTES_MAX + 64], was[32], is[32];
	size_t i = 0;

	if (!same_count(c, kind, stored_count, computed_count))
		return false;
	if (stored_count == 0 || memcmp(stored, computed, stored_count * sizeof(*stored)) == 0)
		return true;
	while (memcmp(&stored[i], &computed[i], sizeof(*stored)) == 0)
		i++;
	name_number(c, kind, rows, i, name, sizeof(name));
	lf_print_double(stored[i], was);
	lf_print_double(computed[i], is);
	snprintf(c->what, WHAT_BYTES, "%s: %s is stored, %s is computed", name, was, is);
	return false;
}

/* The indices of what is unknown. */
static bool same_unknown(const struct comparison *c)
{
	const Leadfit__V1__Answer *stored = c->decision->answer, *computed = &c->computed;
	char name[2 * LF_ID_BYTES_MAX + 64];
	size_t i = 0;
	bool missing;
	uint32_t cell;

	while (i < stored->n_unknown && i < computed->n_unknown && stored->unknown[i] == computed->unknown[i])
		i++;
	if (i == stored->n_unknown && i == computed->n_unknown)
		return true;
	missing = i < computed->n_unknown && (i == stored->n_unknown || stored->unknown[i] > computed->unknown[i]);
	cell = missing ? computed->unknown[i] : stored->unknown[i];
	if (cell >= computed->n_ratings) {
		snprintf(c->what, WHAT_BYTES, "unknown ratings: number %" PRIu32 " is stored, there are %zu", cell,
			computed->n_ratings);
		return false;
	}
	name_number(c, "rating", BY_CELL, cell, name, sizeof(name));
	snprintf(c->what, WHAT_BYTES, "%s: is stored as %s, computed as %s", name, missing ? "known" : "unknown",
		missing ? "unknown" : "known");
	return false;
}

static bool same_outcome(const struct comparison *c, const char *where, uint32_t stored)
{
	if (stored == c->result->outcome)
		return true;
	snprintf(c->what, WHAT_BYTES, "outcome%s: %s is stored, %s is computed", where,
		lf_outcome_name(stored, unknown_outcome), lf_outcome_name(c->result->outcome, unknown_outcome));
	return false;
}

static bool same_text(const struct comparison *c, const char *kind, const char *stored, const char *computed)
{
	if (strcmp(stored, computed) == 0)
		return true;
	snprintf(c->what, WHAT_BYTES, "%s: %s is stored, %s is computed", kind, *stored != '\0' ? stored : "nobody",
		*computed != '\0' ? computed : "nobody");
	return false;
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Of ids, each with its NUL; false where memory ran out. */
static bool list_digest(const char *const *ids, size_t count, struct lf_arena *arena, struct lf_digest *digest)
{
	size_t length = 0;
	char *text;

	for (size_t i = 0; i < count; i++)
		length += strlen(ids[i]) + 1;
	text = lf_arena_alloc(arena, length);
	length = 0;
	for (size_t i = 0; text != NULL && i < count; i++) {
		memcpy(text + length, ids[i], strlen(ids[i]) + 1);
		length += strlen(ids[i]) + 1;
	}
	if (text != NULL)
		lf_sha256(text, length, digest);
	return text != NULL;
}

/*
 * The list by which the decision is found under its candidates: their ids, rising, or in the team's order, as logs of
 * schema 1 have them. false, too, where memory ran out.
 */
static bool same_candidates(const struct comparison *c)
{
	const struct lf_case *the_case = c->the_case;
	const char **ids = lf_arena_zalloc(c->arena, the_case->member_count, sizeof(*ids));
	struct lf_digest digest;
	size_t count = 0;
	bool same = false;

	for (size_t m = 0; ids != NULL && m < the_case->member_count; m++)
		if (the_case->members[m].candidate)
			ids[count++] = the_case->members[m].id;
	for (int turn = 0; ids != NULL && turn < 2 && !same; turn++) {
		same = list_digest(ids, count, c->arena, &digest) &&
			lf_digest_equal(&digest, &c->decision->row->candidates);
		qsort(ids, count, sizeof(*ids), by_bytes);
	}
	if (same)
		return true;
	snprintf(c->what, WHAT_BYTES, "candidates: the index has another list than the %zu who were ranked",
		c->result->ranking_count);
	return false;
}

static bool same(const struct comparison *c)
{
	const Leadfit__V1__Answer *stored = c->decision->answer, *computed = &c->computed;
	const struct lf_stored *row = c->decision->row;

	return same_numbers(c, "weight", BY_CRITERION, stored->weights, stored->n_weights, computed->weights,
		       computed->n_weights) &&
		same_numbers(c, "score", BY_MEMBER, stored->scores, stored->n_scores, computed->scores,
			computed->n_scores) &&
		same_numbers(c, "rating", BY_CELL, stored->ratings, stored->n_ratings, computed->ratings,
			computed->n_ratings) &&
		same_numbers(c, "evidence share", BY_CELL, stored->shares, stored->n_shares, computed->shares,
			computed->n_shares) &&
		same_unknown(c) &&
		same_numbers(c, "first-rank share", BY_MEMBER, stored->first_rank_shares, stored->n_first_rank_shares,
			computed->first_rank_shares, computed->n_first_rank_shares) &&
		same_outcome(c, "", stored->outcome) && same_outcome(c, " in the index", row->outcome) &&
		same_text(c, "recommended in the index", row->recommended, lf_step_recommended(c->step)) &&
		same_text(c, "team in the index", row->team_id, c->decision->team->message->id) &&
		same_text(c, "project in the index", row->project_id, c->decision->project->id) && same_candidates(c);
}

/* ---- one decision ---- */

/* LF_OK: computed; what is "" where all is the same. Only what has nothing to do with the decision is an error. */
static enum lf_code recompute(
	struct replay *replay, const struct lf_history_decision *decision, char *what, struct lf_error *error)
{
	struct lf_error inner = LF_ERROR_INIT;
	struct lf_checker checker = {.error = &inner};
	struct lf_step step = {0};
	struct lf_answer_parts parts;
	struct comparison c = {.decision = decision, .arena = lf_history_arena(replay->history), .what = what};
	enum lf_code code;

	leadfit__v1__answer__init(&c.computed);
	c.version = lf_history_version(replay->history, &decision->row->rubric_digest, &inner);
	code = inner.code;
	if (c.version != NULL) {
		lf_history_step(decision, c.version, &step);
		code = lf_step_decide(&step, LF_DEPTH_NUMBERS, &checker, c.arena);
	}
	c.step = &step;
	c.the_case = &step.evaluation.built.engine;
	c.result = &step.evaluation.result;
	if (code == LF_OK) {
		parts = lf_step_parts(&step);
		if (!lf_answer_numbers(&c.computed, &parts, c.arena))
			code = lf_error_set(&inner, LF_RESOURCE_EXHAUSTED, "no memory to recompute a decision");
	}
	if (code == LF_OK)
		(void)same(&c);
	else if (code == LF_RESOURCE_EXHAUSTED || code == LF_UNAVAILABLE)
		lf_error_move(error, &inner);
	else
		snprintf(what, WHAT_BYTES,
			c.version == NULL ? "its rubric can't be used: %.400s"
					  : "its inputs do not fit its rubric: %.400s",
			inner.message);
	lf_error_clean_up(&inner);
	return error->code;
}

static enum lf_code add_difference(
	struct replay *replay, const struct lf_history_decision *decision, const char *what, struct lf_error *error)
{
	static const struct lf_uuid none;
	Leadfit__V1__Difference *difference = lf_arena_alloc(replay->arena, sizeof(*difference));
	char id[LF_UUID_TEXT_BYTES] = "";

	if (difference == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for the differences");
	if (memcmp(&decision->row->id, &none, sizeof(none)) != 0)
		lf_uuid_print(&decision->row->id, id);
	leadfit__v1__difference__init(difference);
	difference->sequence = decision->row->sequence;
	difference->decision_id = lf_arena_strdup(replay->arena, id, strlen(id));
	difference->what = lf_arena_strdup(replay->arena, what, strlen(what));
	if (difference->decision_id == NULL || difference->what == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for the differences");
	replay->response.differences[replay->response.n_differences++] = difference;
	return LF_OK;
}

static enum lf_code replay_one(
	struct replay *replay, const struct lf_history_decision *decision, struct lf_error *error)
{
	Leadfit__V1__ReplayResponse *response = &replay->response;
	char what[WHAT_BYTES] = "";

	switch (decision->state) {
	case LF_HISTORY_ERASED:
		response->erased++;
		return LF_OK;
	case LF_HISTORY_PRUNED:
		response->pruned++;
		return LF_OK;
	case LF_HISTORY_DAMAGED:
		return add_difference(replay, decision, decision->damage, error);
	case LF_HISTORY_WHOLE:
		break;
	}
	if (decision->answer->engine_version == 0 || decision->answer->engine_version > LF_ENGINE_VERSION) {
		response->other_semantics++;
		return LF_OK;
	}
	if (recompute(replay, decision, what, error) != LF_OK)
		return error->code;
	if (*what != '\0')
		return add_difference(replay, decision, what, error);
	response->same++;
	return LF_OK;
}

static enum lf_code replay_slice(struct replay *replay, struct lf_error *error)
{
	const struct lf_history_decision *decision;

	while (replay->response.n_differences < DIFFERENCES_MAX &&
		(decision = lf_history_next(replay->history, error)) != NULL)
		if (replay_one(replay, decision, error) != LF_OK)
			break;
	replay->response.next = lf_history_position(replay->history);
	return error->code;
}

void lf_audit_replay(Leadfit__V1__Audit_Service *service, const Leadfit__V1__ReplayRequest *request,
	Leadfit__V1__ReplayResponse_Closure closure, void *closure_data)
{
	struct lf_state *state = LF_CONTAINER_OF(service, struct lf_audit_service, base)->state;
	struct replay replay = {LEADFIT__V1__REPLAY_RESPONSE__INIT, NULL, lf_rpc_arena(closure_data)};
	struct lf_error error = LF_ERROR_INIT;
	struct lf_checker checker = {.error = &error};
	struct lf_scan scan = {.limit = 1};

	lf_selection_read(request->selection, request->from_sequence, &scan, &checker);
	if (checker.found > 0) {
		lf_error_summarize(&error);
	} else {
		replay.history = lf_history_begin(state, &scan, closure_data);
		replay.response.differences =
			lf_arena_zalloc(replay.arena, DIFFERENCES_MAX, sizeof(*replay.response.differences));
		if (replay.history == NULL || replay.response.differences == NULL)
			lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "no memory to read decisions");
		else
			replay_slice(&replay, &error);
	}
	atomic_fetch_add(&state->figures.replays_same, replay.response.same);
	atomic_fetch_add(&state->figures.replays_different, replay.response.n_differences);
	lf_history_end(replay.history);
	if (error.code != LF_OK)
		lf_send_error(closure_data, &error);
	else
		closure(&replay.response, closure_data);
}
