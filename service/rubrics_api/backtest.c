/*
 * Past decisions under another rubric, a slice a call: each with its own inputs and its own as_of. What was decided is
 * taken as it was answered; only to say which criterion or gate is behind another first place is the old result
 * computed again. Nothing is stored.
 */
#include <stdio.h>
#include <string.h>

#include "proto/base/limits.h"
#include "service/decide/step.h"
#include "service/decide/time.h"
#include "service/decide/words.h"
#include "service/state/history.h"
#include "service/rubrics_api/rubric_messages.h"
#include "service/rubrics_api/rubrics.h"
#include "service/state/reply.h"
#include "service/state/selection.h"
#include "service/state/state.h"
#include "service/decide/text_list.h"

enum { FLIPS_MAX = 1000, REASONS_MAX = 10, OUTCOMES = LF_NO_ELIGIBLE_CANDIDATE + 1 };

struct backtest {
	Leadfit__V1__BacktestResponse response;
	struct lf_state *state;
	const Leadfit__V1__BacktestRequest *request;
	struct lf_rubric_version *version; /* the other rubric */
	struct lf_scan scan;               /* the selection */
	struct lf_history *history;
	struct lf_arena *arena; /* of the call */
	uint64_t outcomes[OUTCOMES][OUTCOMES];
	bool exhausted; /* arena was */
};

static char *copy(struct backtest *backtest, const char *text)
{
	char *copied = lf_arena_strdup(backtest->arena, text, strlen(text));

	backtest->exhausted |= copied == NULL;
	return copied;
}

/* ---- which: the newest of a rubric's name, team and project ---- */

struct newest {
	uint64_t sequence; /* of the first that was made to be acted on; 0 = none yet */
};

static void note_newest(void *context, const struct lf_stored *row)
{
	struct newest *newest = context;

	if (newest->sequence == 0 && row->purpose == LEADFIT__V1__PURPOSE__DECISION)
		newest->sequence = row->sequence;
}

/* Whether no later one of the selection is of the same rubric's name, team and project. */
static enum lf_code is_latest(
	struct backtest *backtest, const struct lf_stored *row, bool *latest, struct lf_error *error)
{
	const struct lf_scan *scan = &backtest->scan;
	struct newest newest = {0};
	struct lf_filter filter = {.team_id = row->team_id,
		.project_id = row->project_id,
		.candidate = scan->candidate,
		.rubric_name = row->rubric_name,
		.outcome = scan->outcome,
		.since_us = scan->since_us,
		.until_us = scan->until_us,
		.limit = 4};

	do {
		if (lf_log_list(backtest->state->log, &filter, note_newest, &newest, &filter.before_sequence, error) !=
			LF_OK)
			return error->code;
	} while (newest.sequence == 0 && filter.before_sequence > row->sequence);
	*latest = row->purpose == LEADFIT__V1__PURPOSE__DECISION && newest.sequence <= row->sequence;
	return LF_OK;
}

/* ---- why ---- */

/* Who is first of the eligible; NULL: nobody. */
static const struct lf_member_score *first_of(const struct lf_result *result)
{
	return result->ranking_count > 0 && result->ranking[0].eligible ? &result->ranking[0] : NULL;
}

static const struct lf_member_score *member_of(const struct lf_result *result, uint32_t member)
{
	for (size_t i = 0; i < result->ranking_count; i++)
		if (result->ranking[i].member == member)
			return &result->ranking[i];
	return NULL;
}

/*
 * By which the value of one criterion favours a over b: weight * (value of a - value of b); 0 where the rubric does not
 * have it.
 */
static double favour(const struct lf_rubric_version *version, const struct lf_result *result, const char *criterion,
	uint32_t a, uint32_t b)
{
	const uint32_t c = lf_name_index_find(&version->criteria, criterion);
	const struct lf_member_score *of_a = member_of(result, a), *of_b = member_of(result, b);

	if (c == LF_NO_NAME || of_a == NULL || of_b == NULL)
		return 0;
	return result->weights[c] * (of_a->criteria[c].value - of_b->criteria[c].value);
}

/* The criterion that does the most for the new first against the old one. Of equals the first by id. */
static const char *deciding_criterion(const struct lf_rubric_version *old_version, const struct lf_result *old_result,
	const struct lf_rubric_version *new_version, const struct lf_result *new_result)
{
	const struct lf_rubric_version *versions[] = {new_version, old_version};
	const uint32_t a = first_of(new_result)->member, b = first_of(old_result)->member;
	const char *best = NULL;
	double most = 0;

	for (size_t v = 0; v < 2; v++) {
		const struct lf_rubric_def *def = lf_rubric_def(versions[v]->compiled);

		for (size_t c = 0; c < def->criterion_count; c++) {
			const char *id = def->criteria[c].id;
			const double difference =
				favour(new_version, new_result, id, a, b) - favour(old_version, old_result, id, a, b);

			if (best == NULL || difference > most || (difference == most && strcmp(id, best) < 0)) {
				best = id;
				most = difference;
			}
		}
	}
	return best;
}

/* The first gate that a member fails; NULL: none. */
static const char *failed_gate(const struct lf_rubric_version *version, const struct lf_result *result, uint32_t member,
	struct lf_arena *arena)
{
	const struct lf_member_score *score = member_of(result, member);
	size_t gate = 0;

	if (score == NULL || score->failed_gates == 0)
		return NULL;
	while ((score->failed_gates >> gate & 1) == 0)
		gate++;
	return lf_gate_text(lf_rubric_def(version->compiled), gate, arena);
}

/* Says which gate or criterion is behind another first place; nothing where the old rubric can't be used any more. */
static enum lf_code explain(struct backtest *backtest, const struct lf_history_decision *decision,
	const struct lf_result *new_result, Leadfit__V1__Flip *flip, struct lf_error *error)
{
	struct lf_error inner = LF_ERROR_INIT;
	struct lf_checker checker = {.error = &inner};
	struct lf_arena *arena = lf_history_arena(backtest->history);
	struct lf_step old = {0};
	const struct lf_rubric_version *version =
		lf_history_version(backtest->history, &decision->row->rubric_digest, &inner);
	const struct lf_result *old_result = &old.evaluation.result;
	enum lf_code code = inner.code;
	const struct lf_member_score *new_first, *old_first;
	const char *gate;

	if (version != NULL) {
		lf_history_step(decision, version, &old);
		code = lf_step_decide(&old, LF_DEPTH_NUMBERS, &checker, arena);
	}
	new_first = first_of(new_result);
	old_first = code == LF_OK ? first_of(old_result) : NULL;

	if (code == LF_RESOURCE_EXHAUSTED || code == LF_UNAVAILABLE) {
		lf_error_move(error, &inner);
		return code;
	}
	lf_error_clean_up(&inner);
	if (code != LF_OK || (new_first != NULL && old_first != NULL && new_first->member == old_first->member))
		return LF_OK;
	gate = old_first != NULL ? failed_gate(backtest->version, new_result, old_first->member, arena) : NULL;
	if (gate == NULL && new_first != NULL)
		gate = failed_gate(version, old_result, new_first->member, arena);
	if (gate != NULL)
		flip->gate = copy(backtest, gate);
	else if (new_first != NULL && old_first != NULL)
		flip->criterion =
			copy(backtest, deciding_criterion(version, old_result, backtest->version, new_result));
	return LF_OK;
}

/* ---- one decision ---- */

static enum lf_code add_flip(struct backtest *backtest, const struct lf_history_decision *decision,
	const struct lf_result *result, const char *recommended, struct lf_error *error)
{
	const struct lf_stored *row = decision->row;
	Leadfit__V1__Flip *flip = lf_arena_alloc(backtest->arena, sizeof(*flip));
	char id[LF_UUID_TEXT_BYTES];

	if (flip == NULL) {
		backtest->exhausted = true;
		return LF_OK;
	}
	leadfit__v1__flip__init(flip);
	lf_uuid_print(&row->id, id);
	flip->decision_id = copy(backtest, id);
	flip->sequence = row->sequence;
	flip->decided_at = lf_timestamp_new(row->decided_at_us, backtest->arena);
	flip->team = copy(backtest, row->team_id);
	flip->project = copy(backtest, row->project_id);
	flip->old_outcome = (Leadfit__V1__Outcome)row->outcome;
	flip->old_recommended = copy(backtest, row->recommended);
	flip->new_outcome = (Leadfit__V1__Outcome)result->outcome;
	flip->new_recommended = copy(backtest, recommended);
	backtest->exhausted |= flip->decided_at == NULL;
	backtest->response.flips[backtest->response.n_flips++] = flip;
	return explain(backtest, decision, result, flip, error);
}

/* Why the rubric does not take a decision: the first few are told. */
static void add_reason(struct backtest *backtest, const struct lf_stored *row, const struct lf_error *why)
{
	Leadfit__V1__BacktestResponse *response = &backtest->response;
	Leadfit__V1__FieldViolation *reason;
	char id[LF_UUID_TEXT_BYTES];

	response->inapplicable++;
	if (response->n_inapplicable_because == REASONS_MAX)
		return;
	reason = lf_arena_alloc(backtest->arena, sizeof(*reason));
	if (reason == NULL) {
		backtest->exhausted = true;
		return;
	}
	leadfit__v1__field_violation__init(reason);
	lf_uuid_print(&row->id, id);
	reason->field = copy(backtest, id);
	reason->description = copy(backtest, why->message);
	response->inapplicable_because[response->n_inapplicable_because++] = reason;
}

static enum lf_code decide(
	struct backtest *backtest, const struct lf_history_decision *decision, struct lf_error *error)
{
	struct lf_error inner = LF_ERROR_INIT;
	struct lf_checker checker = {.error = &inner};
	const struct lf_stored *row = decision->row;
	struct lf_step step = {0};
	enum lf_code code;
	const struct lf_result *result;
	const char *recommended;

	lf_history_step(decision, backtest->version, &step);
	step.engine_version = LF_ENGINE_VERSION; /* as the other rubric would decide today */
	step.ignore_undeclared |= backtest->request->ignore_undeclared;
	code = lf_step_decide(&step, LF_DEPTH_NUMBERS, &checker, lf_history_arena(backtest->history));
	if (code == LF_RESOURCE_EXHAUSTED) {
		lf_error_move(error, &inner);
		return code;
	}
	if (code != LF_OK) {
		lf_error_summarize(&inner);
		add_reason(backtest, row, &inner);
		lf_error_clean_up(&inner);
		return LF_OK;
	}
	lf_error_clean_up(&inner);
	result = &step.evaluation.result;
	recommended = lf_step_recommended(&step);
	backtest->response.decided++;
	backtest->outcomes[row->outcome < OUTCOMES ? row->outcome : 0][result->outcome]++;
	if (row->outcome == result->outcome && strcmp(row->recommended, recommended) == 0)
		return LF_OK;
	return add_flip(backtest, decision, result, recommended, error);
}

static enum lf_code backtest_one(
	struct backtest *backtest, const struct lf_history_decision *decision, struct lf_error *error)
{
	struct lf_error damage = LF_ERROR_INIT;
	bool wanted = true;

	if (backtest->request->latest && decision->state != LF_HISTORY_DAMAGED &&
		is_latest(backtest, decision->row, &wanted, error) != LF_OK)
		return error->code;
	if (!wanted)
		return LF_OK;
	switch (decision->state) {
	case LF_HISTORY_ERASED:
		backtest->response.erased++;
		break;
	case LF_HISTORY_PRUNED:
		backtest->response.pruned++;
		break;
	case LF_HISTORY_DAMAGED:
		lf_error_set(&damage, LF_DATA_LOSS, "%s", decision->damage);
		add_reason(backtest, decision->row, &damage);
		lf_error_clean_up(&damage);
		break;
	case LF_HISTORY_WHOLE:
		return decide(backtest, decision, error);
	}
	return LF_OK;
}

/* ---- the slice ---- */

/* Without a word about it, the decisions of the other rubric's own name. */
static void select_rubric(struct backtest *backtest)
{
	const char *name = backtest->scan.rubric_name;

	if (!backtest->request->all_rubrics && (name == NULL || name[0] == '\0'))
		backtest->scan.rubric_name = backtest->version->message->name;
	backtest->response.selected_rubric =
		lf_unconst(backtest->scan.rubric_name != NULL ? backtest->scan.rubric_name : "");
}

static void list_outcomes(struct backtest *backtest)
{
	Leadfit__V1__OutcomePair *pairs = lf_arena_zalloc(backtest->arena, OUTCOMES * OUTCOMES, sizeof(*pairs));
	Leadfit__V1__BacktestResponse *response = &backtest->response;

	response->outcomes = lf_arena_zalloc(backtest->arena, OUTCOMES * OUTCOMES, sizeof(*response->outcomes));
	if (pairs == NULL || response->outcomes == NULL) {
		backtest->exhausted = true;
		return;
	}
	for (size_t i = 0; i < OUTCOMES * OUTCOMES; i++) {
		const uint64_t decisions = backtest->outcomes[i / OUTCOMES][i % OUTCOMES];

		if (decisions == 0)
			continue;
		leadfit__v1__outcome_pair__init(&pairs[i]);
		pairs[i].old_outcome = (Leadfit__V1__Outcome)(i / OUTCOMES);
		pairs[i].new_outcome = (Leadfit__V1__Outcome)(i % OUTCOMES);
		pairs[i].decisions = decisions;
		response->outcomes[response->n_outcomes++] = &pairs[i];
	}
}

static enum lf_code run_slice(struct backtest *backtest, struct lf_rpc_call *call, struct lf_error *error)
{
	Leadfit__V1__BacktestResponse *response = &backtest->response;
	const struct lf_history_decision *decision;

	select_rubric(backtest);
	backtest->history = lf_history_begin(backtest->state, &backtest->scan, call);
	response->ref =
		lf_rubric_ref_new(backtest->version->message->name, &backtest->version->digest, backtest->arena);
	response->flips = lf_arena_zalloc(backtest->arena, FLIPS_MAX, sizeof(*response->flips));
	response->inapplicable_because =
		lf_arena_zalloc(backtest->arena, REASONS_MAX, sizeof(*response->inapplicable_because));
	backtest->exhausted = backtest->history == NULL || response->ref == NULL || response->flips == NULL ||
		response->inapplicable_because == NULL;
	while (!backtest->exhausted && response->n_flips < FLIPS_MAX &&
		(decision = lf_history_next(backtest->history, error)) != NULL)
		if (backtest_one(backtest, decision, error) != LF_OK)
			break;
	list_outcomes(backtest);
	if (error->code == LF_OK && backtest->exhausted)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "the request needs more memory than its budget");
	if (error->code == LF_OK)
		response->next = lf_history_position(backtest->history);
	return error->code;
}

void lf_rubrics_backtest(Leadfit__V1__Rubrics_Service *service, const Leadfit__V1__BacktestRequest *request,
	Leadfit__V1__BacktestResponse_Closure closure, void *closure_data)
{
	struct backtest backtest = {.response = LEADFIT__V1__BACKTEST_RESPONSE__INIT,
		.state = LF_CONTAINER_OF(service, struct lf_rubrics_service, base)->state,
		.request = request,
		.scan = {.limit = 1},
		.arena = lf_rpc_arena(closure_data)};
	struct lf_error error = LF_ERROR_INIT;
	struct lf_checker checker = {.error = &error};

	lf_selection_read(request->selection, request->from_sequence, &backtest.scan, &checker);
	backtest.scan.decisions_only |= request->latest;
	if (request->all_rubrics && request->selection != NULL && request->selection->rubric[0] != '\0')
		lf_check_fail(&checker, "all_rubrics", "stands beside selection.rubric: either is allowed, not both");
	if (checker.found > 0)
		lf_error_summarize(&error);
	else
		backtest.version = lf_requested_rubric(backtest.state->registry, request->rubric, request->name,
			request->digest, backtest.arena, &error);
	if (backtest.version != NULL && run_slice(&backtest, closure_data, &error) == LF_OK)
		closure(&backtest.response, closure_data);
	else
		lf_send_error(closure_data, &error);
	lf_history_end(backtest.history);
	lf_rubric_version_release(backtest.version);
}
