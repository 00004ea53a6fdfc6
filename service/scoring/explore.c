/* Profile and Sweep: what a project calls for, and who would lead were it another. Nothing is stored. */
#include "service/scoring/explore.h"

#include <string.h>

#include "service/decide/decision.h"
#include "service/decide/record.h"
#include "service/decide/sweep.h"
#include "service/decide/text_list.h"
#include "service/engine/words/words.h"
#include "service/scoring/request.h"
#include "service/scoring/scoring.h"
#include "service/state/registry.h"
#include "service/state/reply.h"
#include "service/state/state.h"

/* ---- profile ---- */

struct profile_words {
	struct lf_text_list explanation, assumptions;
};

static void hear(void *context, enum lf_sentence kind, size_t index, const char *text, size_t length)
{
	struct profile_words *words = context;

	(void)index;
	lf_text_list_add(kind == LF_SAY_ASSUMPTION ? &words->assumptions : &words->explanation, text, length);
}

/* Heaviest first; equal weights by id bytes. */
static bool heavier(const Leadfit__V1__CriterionWeight *a, const Leadfit__V1__CriterionWeight *b)
{
	return a->weight > b->weight || (a->weight == b->weight && strcmp(a->criterion, b->criterion) < 0);
}

static Leadfit__V1__CriterionWeight **sorted_weights(
	const struct lf_rubric_version *version, const double *weights, struct lf_arena *arena)
{
	const struct lf_rubric_def *def = lf_rubric_def(version->compiled);
	Leadfit__V1__CriterionWeight *items = lf_arena_zalloc(arena, def->criterion_count, sizeof(*items));
	Leadfit__V1__CriterionWeight **list = lf_arena_zalloc(arena, def->criterion_count, sizeof(*list));

	for (size_t c = 0; items != NULL && list != NULL && c < def->criterion_count; c++) {
		size_t at = c;

		leadfit__v1__criterion_weight__init(&items[c]);
		items[c].criterion = lf_unconst(def->criteria[c].id);
		items[c].weight = weights[c];
		for (; at > 0 && heavier(&items[c], list[at - 1]); at--)
			list[at] = list[at - 1];
		list[at] = &items[c];
	}
	return items == NULL ? NULL : list;
}

/* Fills the answer. false where the arena is exhausted. */
static bool fill_profile(Leadfit__V1__ProfileResponse *response, const struct lf_rubric_version *version,
	const struct lf_evaluation *evaluation, struct lf_arena *arena)
{
	const struct lf_rubric_def *def = lf_rubric_def(version->compiled);
	struct profile_words words = {{.arena = arena}, {.arena = arena}};

	response->disciplines = lf_decision_fits(version, evaluation->profile, arena);
	response->n_disciplines = def->discipline_count;
	response->weights = sorted_weights(version, evaluation->profile_weights, arena);
	response->n_weights = def->criterion_count;
	lf_explain_profile(version->compiled, &evaluation->built.engine, evaluation->profile,
		evaluation->profile_weights, hear, &words);
	response->explanation = words.explanation.items;
	response->n_explanation = words.explanation.count;
	response->assumptions = words.assumptions.items;
	response->n_assumptions = words.assumptions.count;
	response->ignored = lf_unconst(evaluation->built.ignored);
	response->n_ignored = evaluation->built.ignored_count;
	return response->disciplines != NULL && response->weights != NULL && !words.explanation.exhausted &&
		!words.assumptions.exhausted;
}

void lf_scoring_profile(Leadfit__V1__Scoring_Service *service, const Leadfit__V1__ProfileRequest *request,
	Leadfit__V1__ProfileResponse_Closure closure, void *closure_data)
{
	struct lf_state *state = LF_CONTAINER_OF(service, struct lf_scoring_service, base)->state;
	struct lf_rpc_call *call = closure_data;
	struct lf_error error = LF_ERROR_INIT;
	struct lf_checker checker = {.error = &error};
	struct lf_rubric_version *version = lf_registry_newest(state->registry, request->rubric, &error);
	Leadfit__V1__ProfileResponse response = LEADFIT__V1__PROFILE_RESPONSE__INIT;
	Leadfit__V1__RubricRef rubric = LEADFIT__V1__RUBRIC_REF__INIT;
	Leadfit__V1__ProjectRef project = LEADFIT__V1__PROJECT_REF__INIT;
	struct lf_case_input input = {
		.team = request->team,
		.project = request->project,
		.as_of_seconds = INT64_C(253402214400), /* no evidence counts here, so none can be too new */
		.ignore_undeclared = request->ignore_undeclared,
		.team_optional = true,
	};
	struct lf_evaluation evaluation;

	if (version == NULL ||
		lf_evaluate_profile(&evaluation, version, &input, &checker, lf_rpc_arena(call)) != LF_OK) {
		lf_error_summarize(&error);
		lf_send_error(call, &error);
	} else {
		rubric.name = version->message->name;
		rubric.digest = version->digest_text;
		project.id = request->project->id;
		project.title = request->project->title;
		response.rubric = &rubric;
		response.project = &project;
		if (fill_profile(&response, version, &evaluation, lf_rpc_arena(call))) {
			closure(&response, closure_data);
		} else {
			lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "the request needs more memory than its budget");
			lf_send_error(call, &error);
		}
	}
	lf_rubric_version_release(version);
}

/* ---- sweep ---- */

void lf_scoring_sweep(Leadfit__V1__Scoring_Service *service, const Leadfit__V1__SweepRequest *request,
	Leadfit__V1__SweepResponse_Closure closure, void *closure_data)
{
	struct lf_state *state = LF_CONTAINER_OF(service, struct lf_scoring_service, base)->state;
	struct lf_rpc_call *call = closure_data;
	struct lf_error error = LF_ERROR_INIT;
	struct lf_checker checker = {.error = &error};
	struct lf_rubric_version *version = lf_registry_newest(state->registry, request->rubric, &error);
	Leadfit__V1__SweepResponse *response;
	size_t from = 0;

	/* In canonical order as Score does, so that it gives the same bits. */
	lf_request_project(request->project);
	if (request->team != NULL && lf_request_team(call, request->team, &from, lf_rpc_arena(call)) == NULL)
		lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "the request needs more memory than its budget");
	if (version == NULL || error.code != LF_OK ||
		lf_sweep_answer(version, request, lf_record_as_of(request->as_of, &checker), lf_is_awaited, call,
			&checker, lf_rpc_arena(call), &response) != LF_OK) {
		lf_error_summarize(&error);
		lf_send_error(call, &error);
	} else {
		closure(response, closure_data);
	}
	lf_rubric_version_release(version);
}
