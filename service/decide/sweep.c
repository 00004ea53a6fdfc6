/*
 * Who leads over the range of a trait: scores at evenly spaced points, and exactly where the first place changes hands.
 *
 * How sure a first place is does not show in a sweep, so it scores by a copy of the rubric that has no perturbations.
 */
#include "service/decide/sweep.h"

#include <stdio.h>
#include <string.h>

#include "proto/base/limits.h"
#include "service/decide/decision.h"
#include "service/decide/evaluate.h"
#include "service/decide/text_list.h"
#include "service/decide/time.h"
#include "service/engine/words/words.h"

enum {
	POINTS_DEFAULT = 101,
	STRETCHES_MAX = 256, /* the last one then reaches to 1 */
	TIED_MAX = 8,
	DECIMALS_MAX = 9,
};

struct sweep {
	const struct lf_rubric_version *version;
	const Leadfit__V1__SweepRequest *request;
	struct lf_arena *arena;
	struct lf_built_case built;
	double *traits; /* the case's own, to be changed */
	uint32_t trait;
	size_t points;
	struct lf_rubric *rubric; /* without robustness; owned */
	void *workspace;
	uint32_t *place_of; /* by member: place in the order of the answer */
	Leadfit__V1__SweepResponse *out;
	struct lf_text_list explanation, assumptions;
};

static void check(struct sweep *s, struct lf_checker *checker)
{
	const Leadfit__V1__SweepRequest *request = s->request;

	s->trait = lf_name_index_find(&s->version->traits, request->trait);
	if (*request->trait == '\0')
		lf_check_fail(checker, "trait", "is required");
	else if (s->trait == LF_NO_NAME && lf_check_name(checker, "trait", NULL, request->trait))
		lf_check_undeclared(checker, "trait", NULL, "trait", request->trait, &s->version->traits);
	if (request->points == 1 || request->points > LF_SWEEP_POINTS_MAX)
		lf_check_fail(checker, "points", "%u is outside 2..%d", request->points, LF_SWEEP_POINTS_MAX);
	s->points = request->points == 0 ? POINTS_DEFAULT : request->points;
}

/* Whether the scores fit a message, with an eighth of it for all else. */
static void check_size(const struct sweep *s, struct lf_checker *checker)
{
	size_t candidates = s->request->n_candidates > 0 ? s->request->n_candidates : s->built.engine.member_count;
	size_t most = LF_MESSAGE_BYTES_MAX / 8 * 7 / sizeof(double) / candidates;

	if (s->points > most)
		lf_check_fail(checker, "points",
			"%zu points of %zu candidates do not fit a message; allowed are at most %zu", s->points,
			candidates, most);
}

/* The rubric without what a sweep does not show. */
static struct lf_rubric *plain_rubric(const struct lf_rubric_version *version)
{
	struct lf_rubric_def def = *lf_rubric_def(version->compiled);

	def.robustness = (struct lf_robustness_def){0};
	def.threshold_first_rank_share = 0;
	return lf_rubric_compile(&def);
}

/* The case with traits of its own that can be changed, a workspace, and the answer's arrays. */
static bool prepare(struct sweep *s)
{
	size_t trait_count = lf_rubric_def(s->version->compiled)->trait_count;

	s->rubric = plain_rubric(s->version);
	s->traits = lf_arena_alloc(s->arena, trait_count * sizeof(*s->traits));
	s->place_of = lf_arena_zalloc(s->arena, s->built.engine.member_count, sizeof(*s->place_of));
	s->out = lf_arena_alloc(s->arena, sizeof(*s->out));
	if (s->rubric == NULL || s->traits == NULL || s->place_of == NULL || s->out == NULL)
		return false;
	memcpy(s->traits, s->built.engine.traits, trait_count * sizeof(*s->traits));
	s->built.engine.traits = s->traits;
	s->workspace = lf_workspace_new(s->rubric, &s->built.engine, s->arena);
	leadfit__v1__sweep_response__init(s->out);
	s->explanation.arena = s->assumptions.arena = s->arena;
	return s->workspace != NULL;
}

static bool score_at(struct sweep *s, double value, struct lf_result *result)
{
	s->traits[s->trait] = value;
	return lf_score(s->rubric, &s->built.engine, s->workspace, result);
}

/* The answer's order of candidates: as ranked at the project's own value; by id where nothing has a weight there. */
static bool order_candidates(struct sweep *s)
{
	const struct lf_case *the_case = &s->built.engine;
	struct lf_result result;

	s->out->candidates = lf_arena_zalloc(s->arena, the_case->member_count, sizeof(*s->out->candidates));
	if (s->out->candidates == NULL)
		return false;
	if (score_at(s, s->out->value, &result)) {
		for (size_t i = 0; i < result.ranking_count; i++) {
			s->place_of[result.ranking[i].member] = (uint32_t)i;
			s->out->candidates[i] = lf_unconst(the_case->members[result.ranking[i].member].id);
		}
		s->out->n_candidates = result.ranking_count;
		return true;
	}
	for (size_t m = 0; m < the_case->member_count; m++) {
		size_t at = s->out->n_candidates;

		if (!the_case->members[m].candidate)
			continue;
		for (; at > 0 && strcmp(the_case->members[m].id, s->out->candidates[at - 1]) < 0; at--)
			s->out->candidates[at] = s->out->candidates[at - 1];
		s->out->candidates[at] = lf_unconst(the_case->members[m].id);
		s->out->n_candidates++;
	}
	for (size_t m = 0; m < the_case->member_count; m++)
		while (the_case->members[m].candidate && s->out->candidates[s->place_of[m]] != the_case->members[m].id)
			s->place_of[m]++;
	return true;
}

/* Scores at every point. LF_OK, or why not. */
static enum lf_code score_points(struct sweep *s, lf_go_on_fn go_on, void *context)
{
	size_t candidates = s->out->n_candidates;
	Leadfit__V1__SweepPoint *points = lf_arena_alloc(s->arena, s->points * sizeof(*points));
	double *scores = lf_arena_zalloc(s->arena, s->points * candidates, sizeof(*scores));

	s->out->points = lf_arena_zalloc(s->arena, s->points, sizeof(*s->out->points));
	if (points == NULL || scores == NULL || s->out->points == NULL)
		return LF_RESOURCE_EXHAUSTED;
	for (size_t i = 0; i < s->points; i++) {
		double value = (double)i / (double)(s->points - 1);
		struct lf_result result;

		if (go_on != NULL && !go_on(context))
			return LF_DEADLINE_EXCEEDED;
		leadfit__v1__sweep_point__init(&points[i]);
		s->out->points[s->out->n_points++] = &points[i];
		points[i].value = value;
		if (!score_at(s, value, &result))
			continue;
		points[i].scores = &scores[i * candidates];
		points[i].n_scores = candidates;
		for (size_t k = 0; k < result.ranking_count; k++)
			points[i].scores[s->place_of[result.ranking[k].member]] = result.ranking[k].score;
	}
	return LF_OK;
}

static void hear(void *context, enum lf_sentence kind, size_t index, const char *text, size_t length)
{
	struct sweep *s = context;

	(void)index;
	lf_text_list_add(kind == LF_SAY_ASSUMPTION ? &s->assumptions : &s->explanation, text, length);
}

/* Whether the member ranks first with its score at this value. */
static bool ranks_first(const struct lf_result *result, uint32_t member)
{
	for (size_t i = 0; i < result->ranking_count && result->ranking[i].rank == 1; i++)
		if (result->ranking[i].member == member)
			return true;
	return false;
}

/* Who ranks first beside the one who is named: whoever does so both at a third and at two thirds of the way. */
static bool find_tied(struct sweep *s, const struct lf_stretch *stretch, Leadfit__V1__SweepStretch *out)
{
	double third = (stretch->to - stretch->from) / 3;
	struct lf_result result;
	uint32_t tied[TIED_MAX];
	size_t count = 0;

	if (!score_at(s, stretch->from + third, &result))
		return true;
	for (size_t i = 0; i < result.ranking_count && result.ranking[i].rank == 1 && count < TIED_MAX; i++)
		if (result.ranking[i].member != stretch->member)
			tied[count++] = result.ranking[i].member;
	if (count == 0 || !score_at(s, stretch->to - third, &result))
		return true;
	out->tied = lf_arena_zalloc(s->arena, count, sizeof(*out->tied));
	for (size_t i = 0; i < count && out->tied != NULL; i++)
		if (ranks_first(&result, tied[i]))
			out->tied[out->n_tied++] = lf_unconst(s->built.engine.members[tied[i]].id);
	return out->tied != NULL;
}

/* Decimals with which the ends of a stretch look different. */
static int decimals_of(const Leadfit__V1__SweepStretch *stretch)
{
	char from[32], to[32];
	int decimals = 1;

	do {
		decimals++;
		snprintf(from, sizeof(from), "%.*f", decimals, stretch->from);
		snprintf(to, sizeof(to), "%.*f", decimals, stretch->to);
	} while (decimals < DECIMALS_MAX && strcmp(from, to) == 0);
	return decimals;
}

/* "b and c rank first together with a from 0.00 to 0.37: their scores are the same." */
static void explain_tied(struct sweep *s, const Leadfit__V1__SweepStretch *stretch)
{
	char text[LF_ID_BYTES_MAX * (TIED_MAX + 1) + 200];
	int decimals;
	size_t length = 0;

	if (stretch->n_tied == 0)
		return;
	decimals = decimals_of(stretch);
	for (size_t i = 0; i < stretch->n_tied; i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s",
			i == 0                             ? ""
				: i + 1 == stretch->n_tied ? " and "
							   : ", ",
			stretch->tied[i]);
	length += (size_t)snprintf(text + length, sizeof(text) - length,
		" %s first together with %s from %.*f to %.*f: their scores are the same.",
		stretch->n_tied == 1 ? "ranks" : "rank", stretch->first, decimals, stretch->from, decimals,
		stretch->to);
	lf_text_list_add(&s->explanation, text, length);
}

static bool find_stretches(struct sweep *s)
{
	struct lf_stretch *found = lf_arena_alloc(s->arena, STRETCHES_MAX * sizeof(*found));
	Leadfit__V1__SweepStretch *stretches = lf_arena_alloc(s->arena, STRETCHES_MAX * sizeof(*stretches));
	bool approximate = false, weighed;
	struct lf_result result;

	s->out->stretches = lf_arena_zalloc(s->arena, STRETCHES_MAX, sizeof(*s->out->stretches));
	if (found == NULL || stretches == NULL || s->out->stretches == NULL)
		return false;
	s->traits[s->trait] = s->out->value;
	s->out->n_stretches =
		lf_sweep(s->rubric, &s->built.engine, s->trait, s->workspace, found, STRETCHES_MAX, &approximate);
	s->out->approximate = approximate;
	for (size_t i = 0; i < s->out->n_stretches; i++) {
		leadfit__v1__sweep_stretch__init(&stretches[i]);
		stretches[i].from = found[i].from;
		stretches[i].to = found[i].to;
		if (found[i].member != LF_NONE)
			stretches[i].first = lf_unconst(s->built.engine.members[found[i].member].id);
		s->out->stretches[i] = &stretches[i];
	}
	weighed = score_at(s, s->out->value, &result);
	lf_explain_sweep(s->rubric, &s->built.engine, s->trait, found, s->out->n_stretches, approximate,
		weighed ? &result : NULL, hear, s);
	for (size_t i = 0; i < s->out->n_stretches; i++) {
		if (found[i].member != LF_NONE && !find_tied(s, &found[i], &stretches[i]))
			return false;
		explain_tied(s, &stretches[i]);
	}
	s->out->explanation = s->explanation.items;
	s->out->n_explanation = s->explanation.count;
	s->out->assumptions = s->assumptions.items;
	s->out->n_assumptions = s->assumptions.count;
	return !s->explanation.exhausted && !s->assumptions.exhausted;
}

static bool fill_rest(struct sweep *s)
{
	Leadfit__V1__RubricRef *rubric = lf_arena_alloc(s->arena, sizeof(*rubric));
	Leadfit__V1__ProjectRef *project = lf_arena_alloc(s->arena, sizeof(*project));

	if (rubric == NULL || project == NULL)
		return false;
	leadfit__v1__rubric_ref__init(rubric);
	leadfit__v1__project_ref__init(project);
	rubric->name = s->version->message->name;
	rubric->digest = lf_unconst(s->version->digest_text);
	project->id = s->request->project->id;
	project->title = s->request->project->title;
	s->out->rubric = rubric;
	s->out->project = project;
	s->out->trait = s->request->trait;
	s->out->value = s->traits[s->trait];
	s->out->ignored = lf_unconst(s->built.ignored);
	s->out->n_ignored = s->built.ignored_count;
	return true;
}

static enum lf_code answer(struct sweep *s, lf_go_on_fn go_on, void *context)
{
	enum lf_code code;

	if (!prepare(s) || !fill_rest(s) || !order_candidates(s))
		return LF_RESOURCE_EXHAUSTED;
	code = score_points(s, go_on, context);
	return code == LF_OK && !find_stretches(s) ? LF_RESOURCE_EXHAUSTED : code;
}

enum lf_code lf_sweep_answer(const struct lf_rubric_version *version, const Leadfit__V1__SweepRequest *request,
	int64_t as_of_us, lf_go_on_fn go_on, void *context, struct lf_checker *checker, struct lf_arena *arena,
	Leadfit__V1__SweepResponse **response)
{
	struct sweep s = {.version = version, .request = request, .arena = arena};
	enum lf_code code;

	check(&s, checker);
	code = lf_case_build(&s.built, version,
		&(struct lf_case_input){
			.team = request->team,
			.project = request->project,
			.candidates = request->candidates,
			.candidate_count = request->n_candidates,
			.as_of_seconds = lf_seconds_of(as_of_us),
			.ignore_undeclared = request->ignore_undeclared,
		},
		checker, arena);
	if (code == LF_OK)
		check_size(&s, checker);
	if (code != LF_OK || checker->found > 0)
		return checker->found > 0 ? LF_INVALID_ARGUMENT : code;
	code = answer(&s, go_on, context);
	lf_rubric_destroy(s.rubric);
	*response = s.out;
	if (code == LF_DEADLINE_EXCEEDED)
		return lf_error_set(
			checker->error, code, "the sweep took longer than the caller waits: ask for fewer points");
	if (code != LF_OK)
		return lf_error_set(checker->error, code, "the request needs more memory than its budget");
	return LF_OK;
}
