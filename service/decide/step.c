#include "service/decide/step.h"

#include "proto/base/check.h"
#include "service/decide/summary.h"
#include "service/decide/time.h"

void lf_step_begin(struct lf_step *step, const struct lf_rubric_version *version,
	const Leadfit__V1__ScoreRequest *request, struct lf_team *team, int64_t as_of_us, const char *caller)
{
	step->version = version;
	step->team = team;
	step->project = request->project;
	step->candidates = request->candidates;
	step->candidate_count = request->n_candidates;
	step->as_of_us = as_of_us;
	step->clock_us = 0;
	step->trace_id = NULL;
	step->purpose = request->purpose;
	step->detail = request->detail;
	step->ignore_undeclared = request->ignore_undeclared;
	step->rank_table = request->rank_table;
	step->caller = caller;
	step->engine_version = 0;
}

enum lf_code lf_step_decide(
	struct lf_step *step, enum lf_depth depth, struct lf_checker *checker, struct lf_arena *arena)
{
	struct lf_case_input input = {
		.team = step->team == NULL ? NULL : step->team->message,
		.project = step->project,
		.candidates = step->candidates,
		.candidate_count = step->candidate_count,
		.as_of_seconds = lf_seconds_of(step->as_of_us),
		.ignore_undeclared = step->ignore_undeclared,
		.engine_version = step->engine_version,
	};
	struct lf_evaluation *evaluation = &step->evaluation;
	struct lf_conversion conversion;
	enum lf_code code;

	lf_conversion_begin(&conversion, step->team, &step->version->digest, depth == LF_DEPTH_NUMBERS, &input);
	if (depth == LF_DEPTH_NUMBERS)
		code = lf_evaluate_score(evaluation, step->version, &input, checker, arena);
	else
		code = lf_evaluate(evaluation, step->version, &input, NULL, checker, arena);
	lf_conversion_end(&conversion);
	return code == LF_OK && checker->found > 0 ? LF_INVALID_ARGUMENT : code;
}

struct lf_answer_parts lf_step_parts(const struct lf_step *step)
{
	LF_CHECK(D1, step->team != NULL && step->project != NULL && step->evaluation.workspace != NULL);
	return (struct lf_answer_parts){
		.version = step->version,
		.evaluation = &step->evaluation,
		.team = step->team->message,
		.project = step->project,
		.caller = step->caller,
		.purpose = step->purpose,
		.detail = step->detail,
		.named_candidates = step->candidate_count,
		.as_of_us = step->as_of_us,
		.clock_us = step->clock_us,
		.trace_id = step->trace_id,
		.rank_table = step->rank_table,
	};
}

Leadfit__V1__Decision *lf_step_decision(const struct lf_step *step, struct lf_arena *arena)
{
	const struct lf_answer_parts parts = lf_step_parts(step);

	return lf_decision_build(&parts, arena);
}

Leadfit__V1__BatchSummary *lf_step_summary(const struct lf_step *step, struct lf_arena *arena)
{
	const struct lf_answer_parts parts = lf_step_parts(step);

	return lf_summary_build(&parts, arena);
}

const char *lf_step_recommended(const struct lf_step *step)
{
	const struct lf_result *result = &step->evaluation.result;

	return result->outcome == LF_RECOMMENDED ? step->evaluation.built.engine.members[result->ranking[0].member].id
						 : "";
}
