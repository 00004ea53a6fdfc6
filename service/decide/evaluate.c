#include "service/decide/evaluate.h"

#include <stdio.h>

#include "proto/text/json.h"

static enum lf_code no_memory(struct lf_checker *checker)
{
	return lf_error_set(checker->error, LF_RESOURCE_EXHAUSTED, "the request needs more memory than its budget");
}

void *lf_workspace_new(const struct lf_rubric *rubric, const struct lf_case *the_case, struct lf_arena *arena)
{
	unsigned char *block =
		lf_arena_alloc(arena, lf_workspace_bytes(rubric, the_case) + 64); /* the engine aligns to 64 bytes */

	return block == NULL ? NULL : block + (64 - (uintptr_t)block % 64) % 64;
}

static enum lf_code no_weights(
	const struct lf_rubric_version *version, const struct lf_case *the_case, struct lf_checker *checker)
{
	const struct lf_rubric_def *def = lf_rubric_def(version->compiled);
	char list[400] = "";
	size_t length = 0;

	for (size_t t = 0; t < def->trait_count && length < sizeof(list); t++) {
		char number[32];

		lf_print_double(the_case->traits[t], number);
		length += (size_t)snprintf(
			list + length, sizeof(list) - length, "%s%s %s", t > 0 ? ", " : "", def->traits[t].id, number);
	}
	return lf_error_set(checker->error, LF_FAILED_PRECONDITION,
		"under rubric \"%s\" no criterion has a weight for this project's traits: %s", def->name, list);
}

/* What follows from the result. false where the arena is full. */
static bool find(struct lf_evaluation *e, const struct lf_rubric_version *version, struct lf_arena *arena)
{
	size_t criteria = lf_rubric_def(version->compiled)->criterion_count;

	e->changes.weights = lf_arena_zalloc(arena, criteria, sizeof(*e->changes.weights));
	e->pair_values = lf_arena_zalloc(arena, criteria, sizeof(*e->pair_values));
	if (e->changes.weights == NULL || e->pair_values == NULL)
		return false;
	e->contested = lf_find_changes(version->compiled, &e->built.engine, &e->result, e->workspace, &e->changes);
	lf_find_co_lead(version->compiled, &e->built.engine, &e->result, &e->co_lead, e->pair_values);
	return true;
}

enum extent { PROFILE, SCORE, RANKING, ALL };

static enum lf_code evaluate(struct lf_evaluation *e, const struct lf_rubric_version *version,
	const struct lf_case_input *input, const struct lf_stored_numbers *numbers, enum extent extent,
	struct lf_checker *checker, struct lf_arena *arena)
{
	const struct lf_rubric_def *def = lf_rubric_def(version->compiled);
	enum lf_code code = lf_case_build(&e->built, version, input, checker, arena);

	if (code != LF_OK)
		return code;
	e->profile = NULL;
	e->profile_weights = NULL;
	e->contested = false;
	e->co_lead.place = LF_NONE;
	e->workspace = lf_workspace_new(version->compiled, &e->built.engine, arena);
	if (e->workspace == NULL)
		return no_memory(checker);
	if (extent == SCORE)
		return lf_score(version->compiled, &e->built.engine, e->workspace, &e->result)
			? LF_OK
			: no_weights(version, &e->built.engine, checker);
	e->profile = lf_arena_zalloc(arena, def->discipline_count + 1, sizeof(*e->profile));
	e->profile_weights = lf_arena_zalloc(arena, def->criterion_count, sizeof(*e->profile_weights));
	if (e->profile == NULL || e->profile_weights == NULL)
		return no_memory(checker);
	if (!lf_profile(version->compiled, &e->built.engine, e->workspace, e->profile, e->profile_weights))
		return no_weights(version, &e->built.engine, checker);
	if (extent == PROFILE)
		return LF_OK;
	if (numbers != NULL)
		lf_restore(version->compiled, &e->built.engine, numbers, e->workspace, &e->result);
	else if (!lf_score(version->compiled, &e->built.engine, e->workspace, &e->result))
		return no_weights(version, &e->built.engine, checker);
	return extent == RANKING || find(e, version, arena) ? LF_OK : no_memory(checker);
}

enum lf_code lf_evaluate(struct lf_evaluation *evaluation, const struct lf_rubric_version *version,
	const struct lf_case_input *input, const struct lf_stored_numbers *numbers, struct lf_checker *checker,
	struct lf_arena *arena)
{
	return evaluate(evaluation, version, input, numbers, ALL, checker, arena);
}

enum lf_code lf_evaluate_ranking(struct lf_evaluation *evaluation, const struct lf_rubric_version *version,
	const struct lf_case_input *input, struct lf_checker *checker, struct lf_arena *arena)
{
	return evaluate(evaluation, version, input, NULL, RANKING, checker, arena);
}

enum lf_code lf_evaluate_score(struct lf_evaluation *evaluation, const struct lf_rubric_version *version,
	const struct lf_case_input *input, struct lf_checker *checker, struct lf_arena *arena)
{
	return evaluate(evaluation, version, input, NULL, SCORE, checker, arena);
}

enum lf_code lf_evaluate_profile(struct lf_evaluation *evaluation, const struct lf_rubric_version *version,
	const struct lf_case_input *input, struct lf_checker *checker, struct lf_arena *arena)
{
	return evaluate(evaluation, version, input, NULL, PROFILE, checker, arena);
}
