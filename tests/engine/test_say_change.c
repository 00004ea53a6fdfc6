/*
 * The words for robustness, for what would change an answer, for co-leads and sweeps: the engine's findings filled in
 * by hand.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "tests/engine/said.h"

static struct said said;

/* m-1 leads m-2 by 0.02, with evidence on collaboration. */
static void init_contest(struct example *e)
{
	example_init(e);
	e->the_case.member_count = 2;
	e->members[1].discipline = BACK;
	example_evidence(e, 0, TALK, PEER, 4, 0);
	example_evidence(e, 1, TALK, SELF, 3.7, 10);
}

/* Explains with shares of the first places, changes and co-lead as given. */
static const char *explain_findings(struct example *e, const double shares[2], const struct lf_changes *changes,
	const struct lf_co_lead *co_lead, enum lf_outcome outcome)
{
	struct lf_member_score *ranking;

	example_score(e);
	ranking = malloc(e->result.ranking_count * sizeof(*ranking));
	assert_non_null(ranking);
	memcpy(ranking, e->result.ranking, e->result.ranking_count * sizeof(*ranking));
	for (size_t i = 0; shares != NULL && i < 2; i++)
		ranking[i].first_rank_share = shares[i];
	e->result.ranking = ranking;
	if (outcome != LF_OUTCOME_UNSPECIFIED)
		e->result.outcome = outcome;
	said.length = 0;
	said.text[0] = '\0';
	lf_explain(e->rubric, &e->the_case,
		&(struct lf_findings){.result = &e->result, .changes = changes, .co_lead = co_lead}, said_collect,
		&said);
	free(ranking);
	example_clean_up(e);
	return said.text;
}

static void a_first_place_says_how_often_it_holds_and_against_which_doubt(void **state)
{
	static const struct {
		struct lf_robustness_def doubt;
		double shares[2];
		const char *sentence;
	} cases[] = {
		{{1024, 0.3, false, 0.1}, {0.871, 0.129},
			"E: m-1 stays first in 87% of 1,024 variations of the weights (each from 54% to 186% of what "
			"it is) and the "
			"ratings (wider where evidence is thin); m-2 ranks first in 13%.\n"},
		{{500, 0, true, 0}, {1, 0},
			"E: m-1 stays first in all 500 variations of the weights (all taken as unknown).\n"},
		{{65536, 0, false, 0.05}, {0.999, 0.001},
			"E: m-1 stays first in more than 99% of 65,536 variations of the ratings (wider where evidence "
			"is thin); m-2 "
			"ranks first in less than 1%.\n"},
		{{1000, 0.001, false, 0}, {0.5, 0.5},
			"E: m-1 stays first in 50% of 1,000 variations of the weights (each from 99.8% to 100.2% of "
			"what it is); m-2 ranks "
			"first in 50%.\n"},
		{{1024, 0, false, 0}, {1, 0}, "E: m-1 stays first in all 1,024 variations of nothing.\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct example e;

		init_contest(&e);
		e.def.robustness = cases[i].doubt;
		assert_non_null(
			strstr(explain_findings(&e, cases[i].shares, NULL, NULL, LF_RECOMMENDED), cases[i].sentence));
	}
}

static void a_fragile_first_place_is_too_close_and_says_what_is_asked(void **state)
{
	static const double shares[] = {0.5996, 0.4004};
	struct example e;
	const char *text;

	(void)state;
	init_contest(&e);
	e.def.robustness = (struct lf_robustness_def){1024, 0.3, false, 0};
	e.def.threshold_first_rank_share = 0.6;
	text = explain_findings(&e, shares, NULL, NULL, LF_TOO_CLOSE);
	assert_non_null(strstr(text,
		"E: No recommendation, because it is too close: m-1 ranks first in only 59.96% of "
		"1,024 variations of the weights (each "
		"from 54% to 186% of what it is); this rubric asks for at least 60%.\n"));
	assert_null(strstr(text, "stays first")); /* once is enough */
	/* Too close by its margin already: both are said. */
	init_contest(&e);
	e.def.robustness = (struct lf_robustness_def){1024, 0.3, false, 0};
	e.def.threshold_first_rank_share = 0.6;
	e.def.threshold_margin = 0.5;
	text = explain_findings(&e, shares, NULL, NULL, LF_TOO_CLOSE);
	assert_non_null(strstr(text, "by only 0.02; this rubric asks for at least 0.5.\n"));
	assert_non_null(strstr(text, "E: m-1 stays first in only 59.96% of 1,024 variations"));
	assert_non_null(strstr(text, "; this rubric asks for at least 60%; m-2 ranks first in 40%.\n"));
}

static void what_would_change_it_is_said_so_that_it_can_be_tried(void **state)
{
	struct lf_weight_interval weights[EXAMPLE_CRITERIA] = {
		[SKILL] = {0.123456, 1, 1, LF_NONE, false},
		[TALK] = {0, 0.291234, LF_NONE, 1, false},
		[FIT] = {0.142857, 0.9, LF_NONE, 1, false},
		[COVER] = {0, 1, LF_NONE, LF_NONE, true},
	};
	struct lf_changes changes = {
		.weights = weights,
		.smallest =
			{
				{true, 0, TALK, 0, LF_NONE, 4, 2.912345, 1, LF_NONE},
				{true, 1, TALK, LF_NONE, LF_NONE, 3.7, 4.612345, 1, LF_NONE},
				{true, LF_NONE, LF_NONE, LF_NONE, FOCUS, 0.5, 0.412345, 1, LF_NONE},
			},
	};
	struct example e;
	const char *text;

	(void)state;
	init_contest(&e);
	text = explain_findings(&e, NULL, &changes, NULL, LF_OUTCOME_UNSPECIFIED);
	/* Bounds are rounded away from what is. */
	assert_non_null(strstr(text,
		"C: Collaboration would have to weigh 29.2% or more (now 28.6%) for m-2 to rank first.\n"
		"C: Skill would have to weigh 12% or less (now 57%) for m-2 to rank first.\n"
		"C: One other rating would do: m-1's 4 on Collaboration (2024-10-04, PEER) at 2.9 or less "
		"puts m-2 first.\n"
		"C: One new piece of evidence would do: m-2 rated 4.7 or more on Collaboration (now 3.7) "
		"puts m-2 first.\n"
		"C: One other trait of the project would do: interaction focus of 0.41 instead of 0.50 "
		"puts m-2 first.\n"));
	changes.approximate = true;
	changes.smallest[LF_CHANGE_TRAIT].found = false;
	changes.smallest[LF_CHANGE_EVIDENCE].found = false;
	changes.smallest[LF_CHANGE_RATING].gate = 0;
	changes.smallest[LF_CHANGE_RATING].to = 1;
	init_contest(&e);
	e.gates[0] = (struct lf_gate_def){TALK, 2};
	e.def.gate_count = 1;
	e.evidence[0][0].observed_day = LF_UNDATED;
	e.evidence[0][0].source = LF_NONE;
	text = explain_findings(&e, NULL, &changes, NULL, LF_OUTCOME_UNSPECIFIED);
	assert_non_null(strstr(text, "would have to weigh about 29.2% or more (now 28.6%)"));
	assert_non_null(strstr(text,
		"C: One other rating would do: m-1's 4 on Collaboration (undated) at about 1.0 "
		"puts m-2 first, because m-1 then fails "
		"the condition Collaboration of at least 2.\n"
		"C: No single new piece of evidence and no change of a single trait of the "
		"project was found that would put anybody "
		"else first.\n"));
}

static void what_nothing_changes_is_said_too(void **state)
{
	struct lf_weight_interval weights[EXAMPLE_CRITERIA] = {
		[SKILL] = {0, 1, LF_NONE, LF_NONE, false},
		[TALK] = {0, 1, LF_NONE, LF_NONE, false},
		[FIT] = {0, 1, LF_NONE, LF_NONE, false},
		[COVER] = {0, 1, LF_NONE, LF_NONE, false},
	};
	struct lf_changes changes = {.weights = weights};
	struct example e;
	const char *text;

	(void)state;
	init_contest(&e);
	text = explain_findings(&e, NULL, &changes, NULL, LF_OUTCOME_UNSPECIFIED);
	assert_non_null(strstr(text,
		"C: However much or little a single criterion weighs, nobody else would rank first.\n"
		"C: No change of a single rating, no single new piece of evidence and no change of a "
		"single trait of the project would put "
		"anybody else first.\n"));
	/* Nobody else is there: nothing to say. */
	init_contest(&e);
	e.the_case.member_count = 1;
	assert_null(strstr(explain_findings(&e, NULL, &changes, NULL, LF_OUTCOME_UNSPECIFIED), "C: "));
}

static void a_bound_near_what_is_gets_the_decimals_that_tell_them_apart(void **state)
{
	static const struct {
		double from, to;
		const char *text;
	} cases[] = {
		{4, 3.999999, "at 3.999999 or less"},
		{4, 3.94, "at 3.9 or less"},
		{4, 3.96, "at 3.96 or less"},    /* 3.9 would be far more than it takes */
		{1.04, 1.01, "at 1.01 or less"}, /* 1.0 is the end of the scale, which it need not reach */
		{2, 1, "at 1.0 puts"},
		{4.5, 4.500001, "at 4.500001 or more"},
		{4.5, 5, "at 5.0 puts"},
		{2.96, 3.01, "at 3.01 or more"},
		{2.5, 4.97, "at 4.97 or more"},
	};
	struct lf_weight_interval weights[EXAMPLE_CRITERIA] = {
		{.low_first = LF_NONE, .high_first = LF_NONE, .fixed = true},
		{.low_first = LF_NONE, .high_first = LF_NONE, .fixed = true},
		{.low_first = LF_NONE, .high_first = LF_NONE, .fixed = true},
		{.low_first = LF_NONE, .high_first = LF_NONE, .fixed = true}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct lf_changes changes = {.weights = weights,
			.smallest = {{true, 0, TALK, 0, LF_NONE, cases[i].from, cases[i].to, 1, LF_NONE}}};
		struct example e;

		init_contest(&e);
		assert_non_null(
			strstr(explain_findings(&e, NULL, &changes, NULL, LF_OUTCOME_UNSPECIFIED), cases[i].text));
	}
}

static void a_co_lead_is_named_with_what_it_covers_and_adds(void **state)
{
	struct lf_co_lead co_lead = {.place = 1, .score = 0.66, .gain = 0.05, .criterion = SKILL};
	struct example e;
	const char *text;

	(void)state;
	init_contest(&e);
	example_evidence(&e, 1, SKILL, PEER, 5, 0);
	e.evidence[1][0].rating = 1;
	text = explain_findings(&e, NULL, NULL, &co_lead, LF_OUTCOME_UNSPECIFIED);
	assert_non_null(strstr(text,
		"E: m-2 would complement m-1: stronger on Skill (0.75 against 0.63); together "
		"0.66, which is 0.04 more.\n"));
	co_lead.place = LF_NONE;
	init_contest(&e);
	assert_null(strstr(explain_findings(&e, NULL, NULL, &co_lead, LF_OUTCOME_UNSPECIFIED), "complement"));
}

static void a_sweep_says_who_leads_where_and_where_the_project_is(void **state)
{
	static const struct lf_stretch two[] = {{0, 0.41, 1}, {0.41, 1, 0}}, one[] = {{0, 1, LF_NONE}},
				       three[] = {{0, 0.411, 1}, {0.411, 0.412, 0}, {0.412, 1, 1}};
	struct lf_stretch many[20];
	struct example e;

	(void)state;
	example_init(&e);
	example_prepare(&e);
	said.length = 0;
	lf_explain_sweep(e.rubric, &e.the_case, FOCUS, two, 2, false, NULL, said_collect, &said);
	assert_string_equal(said.text,
		"E: By interaction focus: m-1 leads from 0.41 on; below, m-2.\nE: For this "
		"project it is 0.50, where m-1 leads.\n");
	said.length = 0;
	e.trait_assumed[FOCUS] = true;
	lf_explain_sweep(e.rubric, &e.the_case, FOCUS, one, 1, false, NULL, said_collect, &said);
	assert_string_equal(said.text,
		"E: Nobody leads, whatever interaction focus is.\n"
		"E: For this project it is 0.50 (assumed), where nobody leads.\n"
		"A: Interaction focus was not given: 0.50 assumed.\n");
	said.length = 0;
	e.trait_assumed[FOCUS] = false;
	e.traits[FOCUS] = 0.412;
	lf_explain_sweep(e.rubric, &e.the_case, FOCUS, two, 2, false, NULL, said_collect, &said);
	assert_string_equal(said.text,
		"E: By interaction focus: m-1 leads from 0.410 on; below, m-2.\nE: For this "
		"project it is 0.412, where m-1 leads.\n");
	e.traits[FOCUS] = 0.5;
	said.length = 0;
	lf_explain_sweep(e.rubric, &e.the_case, FOCUS, three, 3, true, NULL, said_collect, &said);
	assert_non_null(strstr(said.text,
		"E: By interaction focus: m-2 leads from about 0.000 to 0.411; m-1 from "
		"0.411 to 0.412; m-2 from 0.412 to 1.000.\n"));
	for (size_t i = 0; i < 20; i++)
		many[i] = (struct lf_stretch){(double)i / 20, (double)(i + 1) / 20, (uint32_t)(i % 2)};
	said.length = 0;
	lf_explain_sweep(e.rubric, &e.the_case, FOCUS, many, 20, false, NULL, said_collect, &said);
	assert_non_null(strstr(said.text, "; and 12 more.\n"));
	example_clean_up(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_first_place_says_how_often_it_holds_and_against_which_doubt),
		cmocka_unit_test(a_fragile_first_place_is_too_close_and_says_what_is_asked),
		cmocka_unit_test(what_would_change_it_is_said_so_that_it_can_be_tried),
		cmocka_unit_test(what_nothing_changes_is_said_too),
		cmocka_unit_test(a_bound_near_what_is_gets_the_decimals_that_tell_them_apart),
		cmocka_unit_test(a_co_lead_is_named_with_what_it_covers_and_adds),
		cmocka_unit_test(a_sweep_says_who_leads_where_and_where_the_project_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
