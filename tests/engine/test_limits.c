/*
 * The largest case, and the promise that scoring and explaining allocate nothing: malloc and its kin are wrapped by the
 * linker (see CMakeLists.txt) and counted.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "proto/base/limits.h"
#include "service/engine/words/words.h"
#include "tests/engine/example.h"
#include "tests/engine/world.h"

/* ---- counting allocator ---- */

static size_t allocations;
static bool failing;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void __wrap_free(void *block);

void *__wrap_malloc(size_t size)
{
	allocations++;
	return failing ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	allocations++;
	return failing ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size)
{
	allocations++;
	return failing ? NULL : __real_realloc(block, size);
}

void __wrap_free(void *block)
{
	allocations++;
	__real_free(block);
}

static void ignore(void *context, enum lf_sentence kind, size_t index, const char *text, size_t length)
{
	size_t *bytes = context;

	(void)kind;
	(void)index;
	(void)text;
	*bytes += length;
}

static void scoring_and_explaining_allocate_nothing(void **state)
{
	static struct world world;

	(void)state;
	for (uint64_t seed = 0; seed < 200; seed++) {
		struct lf_discipline_fit fits[WORLD_DISCIPLINES];
		double weights[WORLD_CRITERIA], stored[WORLD_CRITERIA], scores[WORLD_MEMBERS];
		double ratings[WORLD_MEMBERS * WORLD_CRITERIA], shares[WORLD_MEMBERS * WORLD_CRITERIA];
		double first_rank_shares[WORLD_MEMBERS], rank_shares[WORLD_MEMBERS * LF_RANKS_MAX];
		uint32_t unknown[WORLD_MEMBERS * WORLD_CRITERIA];
		struct lf_stored_numbers numbers = {stored, scores, ratings, shares, unknown, 0, first_rank_shares};
		size_t before, bytes = 0;
		struct scored scored;

		world_make_any(&world, seed);
		world_score(&scored, &world);
		before = allocations;
		assert_true(before > 0); /* the counter counts: compiling allocates */
		(void)lf_rubric_check(&world.def, NULL, NULL);
		if (lf_score(scored.rubric, &world.the_case, scored.workspace, &scored.result)) {
			struct lf_weight_interval intervals[WORLD_CRITERIA];
			struct lf_changes changes = {.weights = intervals};
			struct lf_stretch stretches[4];
			struct lf_co_lead co_lead;
			bool approximate;

			(void)lf_find_changes(
				scored.rubric, &world.the_case, &scored.result, scored.workspace, &changes);
			lf_find_co_lead(scored.rubric, &world.the_case, &scored.result, &co_lead, weights);
			if (world.def.trait_count > 0)
				(void)lf_sweep(scored.rubric, &world.the_case, 0, scored.workspace, stretches, 4,
					&approximate);
			(void)lf_score(scored.rubric, &world.the_case, scored.workspace, &scored.result);
			lf_explain(scored.rubric, &world.the_case, &(struct lf_findings){.result = &scored.result},
				ignore, &bytes);
			if (!lf_result_numbers(scored.rubric, &world.the_case, &scored.result, stored, scores, ratings,
				    shares, unknown, &numbers.unknown_count, first_rank_shares))
				numbers.first_rank_shares = NULL;
			(void)lf_rank_shares(
				scored.rubric, &world.the_case, &scored.result, scored.workspace, rank_shares);
			lf_restore(scored.rubric, &world.the_case, &numbers, scored.workspace, &scored.result);
			(void)lf_profile(scored.rubric, &world.the_case, scored.workspace, fits, weights);
			lf_explain_profile(scored.rubric, &world.the_case, fits, weights, ignore, &bytes);
		}
		assert_int_equal(allocations, before);
		scored_clean_up(&scored);
	}
}

static void compiling_without_memory_gives_null(void **state)
{
	struct example e;

	(void)state;
	example_init(&e);
	failing = true;
	e.rubric = lf_rubric_compile(&e.def);
	failing = false;
	assert_null(e.rubric);
	lf_rubric_destroy(NULL);
}

/* ---- the largest case ---- */

struct huge {
	char ids[LF_MEMBERS_MAX][8], criterion_ids[LF_CRITERIA_MAX][8], trait_ids[LF_TRAITS_MAX][8];
	char discipline_ids[LF_DISCIPLINES_MAX][8];
	struct lf_rubric_def def;
	struct lf_criterion_def criteria[LF_CRITERIA_MAX];
	double by_trait[LF_TRAITS_MAX], prior_mean[LF_DISCIPLINES_MAX], covers[LF_DISCIPLINES_MAX];
	struct lf_curve_point curve[LF_CURVE_POINTS_MAX];
	struct lf_need_def needs[LF_NEEDS_MAX];
	struct lf_discipline_def disciplines[LF_DISCIPLINES_MAX];
	struct lf_trait_def trait_defs[LF_TRAITS_MAX];
	struct lf_gate_def gates[LF_GATES_MAX];
	struct lf_case the_case;
	struct lf_member members[LF_MEMBERS_MAX];
	struct lf_evidence evidence[LF_EVIDENCE_MAX]; /* shared by all members */
	struct lf_expertise expertise[LF_DISCIPLINES_MAX];
	double traits[LF_TRAITS_MAX];
	bool assumed[LF_TRAITS_MAX];
};

static void huge_rubric(struct huge *h, enum lf_aggregation aggregation)
{
	h->def = (struct lf_rubric_def){
		.name = "huge",
		.scale_min = 0,
		.scale_max = LF_CURVE_POINTS_MAX - 1,
		.half_life_days = 365,
		.disciplines = h->disciplines,
		.discipline_count = LF_DISCIPLINES_MAX,
		.traits = h->trait_defs,
		.trait_count = LF_TRAITS_MAX,
		.criteria = h->criteria,
		.criterion_count = LF_CRITERIA_MAX,
		.gates = h->gates,
		.gate_count = LF_GATES_MAX,
		.aggregation = aggregation,
		.robustness = {.samples = 250,
			.weight_spread = aggregation == LF_HARMONIC ? 0 : 0.3,
			.weights_unknown = aggregation == LF_HARMONIC,
			.rating_spread = 0.1},
	};
	for (size_t i = 0; i < LF_CURVE_POINTS_MAX; i++)
		h->curve[i] = (struct lf_curve_point){(double)i, (double)i / LF_CURVE_POINTS_MAX};
	for (size_t t = 0; t < LF_TRAITS_MAX; t++) {
		(void)snprintf(h->trait_ids[t], sizeof(h->trait_ids[t]), "t%zu", t);
		h->trait_defs[t] = (struct lf_trait_def){h->trait_ids[t], "", 0.5};
		h->by_trait[t] = t % 2 == 0 ? 0.5 : -0.4;
		h->traits[t] = (double)t / LF_TRAITS_MAX;
		h->assumed[t] = true;
	}
	for (size_t d = 0; d < LF_DISCIPLINES_MAX; d++) {
		(void)snprintf(h->discipline_ids[d], sizeof(h->discipline_ids[d]), "D%zu", d);
		h->disciplines[d] =
			(struct lf_discipline_def){.id = h->discipline_ids[d], .title = "", .covers = h->covers};
		h->covers[d] = (double)d / LF_DISCIPLINES_MAX;
		h->prior_mean[d] = (double)(d % LF_CURVE_POINTS_MAX);
		h->needs[d] = (struct lf_need_def){(uint32_t)d, {1, h->by_trait}};
		h->expertise[d] = (struct lf_expertise){(uint32_t)d, 0.5};
	}
	for (size_t j = 0; j < LF_CRITERIA_MAX; j++) {
		(void)snprintf(h->criterion_ids[j], sizeof(h->criterion_ids[j]), "c%zu", j);
		h->criteria[j] = (struct lf_criterion_def){
			.id = h->criterion_ids[j],
			.title = "",
			.weight = {1, h->by_trait},
		};
		if (j % 4 == 3) {
			h->criteria[j].derived = LF_DOMAIN_ALIGNMENT;
			h->criteria[j].needs = h->needs;
			h->criteria[j].need_count = LF_NEEDS_MAX;
		} else if (j % 4 == 2) {
			h->criteria[j].derived = LF_TEAM_COVERAGE;
		} else {
			h->criteria[j].curve = h->curve;
			h->criteria[j].curve_count = LF_CURVE_POINTS_MAX;
			h->criteria[j].prior_strength = j % 8 == 0 ? 0 : 2;
			h->criteria[j].prior_mean = j % 8 == 0 ? NULL : h->prior_mean;
		}
	}
	for (size_t g = 0; g < LF_GATES_MAX; g++)
		h->gates[g] = (struct lf_gate_def){(uint32_t)(g % 2), 15};
}

static void huge_case(struct huge *h)
{
	for (size_t i = 0; i < LF_EVIDENCE_MAX; i++)
		h->evidence[i] = (struct lf_evidence){(uint32_t)(i % 16 * 4 + i % 2), LF_NONE,
			(double)(i * 7 % LF_CURVE_POINTS_MAX), 20000 - (int32_t)i, LF_NONE};
	for (size_t m = 0; m < LF_MEMBERS_MAX; m++) {
		(void)snprintf(h->ids[m], sizeof(h->ids[m]), "m%zu", m * 7919 % LF_MEMBERS_MAX);
		h->members[m] = (struct lf_member){
			.id = h->ids[m],
			.discipline = (uint32_t)(m % LF_DISCIPLINES_MAX),
			.availability = 1,
			.expertise = h->expertise,
			.expertise_count = m % LF_DISCIPLINES_MAX,
			.evidence = h->evidence,
			.evidence_count = m % (LF_EVIDENCE_MAX + 1),
			.candidate = true,
		};
	}
	h->the_case = (struct lf_case){
		.members = h->members,
		.member_count = LF_MEMBERS_MAX,
		.project_title = "",
		.project_id = "p",
		.traits = h->traits,
		.trait_assumed = h->assumed,
		.as_of_day = 20000,
		.discipline_count = LF_DISCIPLINES_MAX,
	};
}

static void print_report(void *context, const char *field, const char *description)
{
	(void)context;
	print_error("%s: %s\n", field, description);
}

static void find_what_would_change(const struct huge *h, const struct lf_rubric *rubric, const struct lf_result *result,
	void *workspace, void *other)
{
	struct lf_weight_interval intervals[LF_CRITERIA_MAX];
	struct lf_changes changes = {.weights = intervals};
	double values[LF_CRITERIA_MAX];
	struct lf_stretch stretches[16];
	struct lf_co_lead co_lead;
	bool approximate;
	size_t before = allocations, count;

	if (lf_find_changes(rubric, &h->the_case, result, workspace, &changes))
		assert_true(changes.approximate); /* several alignments */
	lf_find_co_lead(rubric, &h->the_case, result, &co_lead, values);
	count = lf_sweep(rubric, &h->the_case, 1, other, stretches, 16, &approximate);
	assert_true(count > 0 && count <= 16 && stretches[count - 1].to == 1);
	assert_int_equal(allocations, before);
}

static void the_largest_case_is_scored_stored_and_explained(void **state)
{
	static struct huge h;
	static double ratings[LF_MEMBERS_MAX * LF_CRITERIA_MAX], shares[LF_MEMBERS_MAX * LF_CRITERIA_MAX];
	static double first_rank_shares[LF_MEMBERS_MAX], scores[LF_MEMBERS_MAX], weights[LF_CRITERIA_MAX];
	static uint32_t unknown[LF_MEMBERS_MAX * LF_CRITERIA_MAX];

	(void)state;
	for (int aggregation = LF_ADDITIVE; aggregation <= LF_MINIMUM; aggregation++) {
		struct lf_stored_numbers numbers = {weights, scores, ratings, shares, unknown, 0, first_rank_shares};
		struct lf_discipline_fit fits[LF_DISCIPLINES_MAX];
		double profile_weights[LF_CRITERIA_MAX];
		struct lf_result result, restored;
		struct lf_rubric *rubric;
		size_t bytes, spoken = 0;
		void *workspace, *other;

		huge_rubric(&h, (enum lf_aggregation)aggregation);
		huge_case(&h);
		assert_int_equal(lf_rubric_check(&h.def, print_report, NULL), 0);
		rubric = lf_rubric_compile(&h.def);
		assert_non_null(rubric);
		bytes = lf_workspace_bytes(rubric, &h.the_case);
		workspace = aligned_alloc(64, bytes);
		other = aligned_alloc(64, bytes);
		assert_true(workspace != NULL && other != NULL);
		assert_true(lf_profile(rubric, &h.the_case, workspace, fits, profile_weights));
		assert_true(lf_score(rubric, &h.the_case, workspace, &result));
		assert_int_equal(result.ranking_count, LF_MEMBERS_MAX);
		for (size_t i = 1; i < result.ranking_count; i++)
			assert_true(result.ranking[i - 1].eligible > result.ranking[i].eligible ||
				result.ranking[i - 1].score >= result.ranking[i].score);
		assert_true(lf_result_numbers(rubric, &h.the_case, &result, weights, scores, ratings, shares, unknown,
			&numbers.unknown_count, first_rank_shares));
		assert_true(numbers.unknown_count > 0);
		lf_restore(rubric, &h.the_case, &numbers, other, &restored);
		assert_int_equal(restored.outcome, result.outcome);
		for (size_t i = 0; i < result.ranking_count; i++) {
			assert_int_equal(restored.ranking[i].member, result.ranking[i].member);
			assert_int_equal(restored.ranking[i].rank, result.ranking[i].rank);
			assert_true(restored.ranking[i].score == result.ranking[i].score);
			assert_true(restored.ranking[i].first_rank_share == result.ranking[i].first_rank_share);
		}
		lf_explain(rubric, &h.the_case, &(struct lf_findings){.result = &result, .profile = fits}, ignore,
			&spoken);
		assert_true(spoken > 0);
		find_what_would_change(&h, rubric, &result, workspace, other);
		free(workspace);
		free(other);
		lf_rubric_destroy(rubric);
	}
}

static void many_pieces_of_evidence_are_summed_exactly(void **state)
{
	/* 256 pieces of very different weight and rating, listed forwards and backwards: the same bits. */
	static struct lf_evidence forwards[LF_EVIDENCE_MAX], backwards[LF_EVIDENCE_MAX];
	struct example e, f;

	(void)state;
	for (size_t i = 0; i < LF_EVIDENCE_MAX; i++) {
		forwards[i] = (struct lf_evidence){SKILL, i % 3 == 0 ? SELF : PEER, 1 + (double)(i * i % 401) / 100.3,
			20000 - (int32_t)(i * i * 300), LF_NONE};
		backwards[LF_EVIDENCE_MAX - 1 - i] = forwards[i];
	}
	example_init(&e);
	e.source_weights[SELF] = 1e-6;
	e.source_weights[PEER] = 999999;
	example_init(&f);
	f.source_weights[SELF] = 1e-6;
	f.source_weights[PEER] = 999999;
	e.members[0].evidence = forwards;
	f.members[0].evidence = backwards;
	e.members[0].evidence_count = f.members[0].evidence_count = LF_EVIDENCE_MAX;
	example_score(&e);
	example_score(&f);
	assert_true(example_member(&e, 0)->criteria[SKILL].rating == example_member(&f, 0)->criteria[SKILL].rating);
	assert_true(example_member(&e, 0)->criteria[SKILL].share == example_member(&f, 0)->criteria[SKILL].share);
	example_clean_up(&e);
	example_clean_up(&f);
}

static void no_candidates_at_all_is_answered_too(void **state)
{
	struct example e;
	size_t spoken = 0;

	(void)state;
	example_init(&e);
	for (size_t m = 0; m < EXAMPLE_MEMBERS; m++)
		e.members[m].candidate = false;
	example_score(&e);
	assert_int_equal(e.result.outcome, LF_NO_ELIGIBLE_CANDIDATE);
	assert_int_equal(e.result.ranking_count, 0);
	lf_explain(e.rubric, &e.the_case, &(struct lf_findings){.result = &e.result}, ignore, &spoken);
	assert_true(spoken > 0);
	example_clean_up(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scoring_and_explaining_allocate_nothing),
		cmocka_unit_test(compiling_without_memory_gives_null),
		cmocka_unit_test(the_largest_case_is_scored_stored_and_explained),
		cmocka_unit_test(many_pieces_of_evidence_are_summed_exactly),
		cmocka_unit_test(no_candidates_at_all_is_answered_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
