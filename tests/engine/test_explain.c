/* The words: exact sentences for small cases, and what holds of the sentences about random ones. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "service/engine/text.h"
#include "tests/engine/example.h"
#include "tests/engine/world.h"

struct said {
	size_t length;
	char text[1 << 16]; /* "E: sentence\n", "R2: sentence\n" */
};

static void collect(void *context, enum lf_sentence kind, size_t index, const char *text, size_t length)
{
	static const char *const kinds[] = {"E", "A", "R", "I", "C"};
	struct said *said = context;
	int written;

	assert_int_equal(strlen(text), length);
	if (kind == LF_SAY_REASON || kind == LF_SAY_INELIGIBLE)
		written = snprintf(said->text + said->length, sizeof said->text - said->length, "%s%zu: %s\n",
			kinds[kind], index, text);
	else
		written = snprintf(
			said->text + said->length, sizeof said->text - said->length, "%s: %s\n", kinds[kind], text);
	said->length += (size_t)written;
	assert_true(said->length < sizeof said->text);
}

static struct said said;

static const char *explain(struct example *e)
{
	struct lf_discipline_fit fits[EXAMPLE_DISCIPLINES];
	double weights[EXAMPLE_CRITERIA];

	example_prepare(e);
	assert_true(lf_profile(e->rubric, &e->the_case, e->workspace, fits, weights));
	assert_true(lf_score(e->rubric, &e->the_case, e->workspace, &e->result));
	said.length = 0;
	lf_explain(e->rubric, &e->the_case, &(struct lf_findings){.result = &e->result, .profile = fits}, collect, &said);
	example_clean_up(e);
	return said.text;
}

static void a_recommendation_says_why_and_why_not(void **state)
{
	struct example e;

	(void)state;
	example_init(&e);
	example_evidence(&e, 0, SKILL, PEER, 5, 0);
	for (size_t m = 0; m < 4; m++)
		example_evidence(&e, m, TALK, PEER, m == 1 ? 5 : 4, 0);
	assert_string_equal(explain(&e),
		"E: m-1 is recommended: 0.69 against 0.67 for m-2.\n"
		"E: What counts most in Checkout redesign: Skill (57%), Collaboration (29%) and Fit (14%), "
		"because interaction focus is 0.50.\n"
		"E: m-1 is ahead of m-2 mainly on Skill (+0.14); m-2 is ahead on Collaboration (+0.07) and Fit "
		"(+0.05).\n"
		"E: 44% of the ratings behind this score rest on expectations about Back-end engineers, "
		"not on evidence about m-1.\n"
		"E: On expectations alone this project calls for Back-end (0.40), then FRONT (0.38).\n"
		"R0: First with 0.69, ahead of m-2 (0.67) mainly on Skill (+0.14).\n"
		"R1: 0.67, which is 0.02 behind m-1: less on Skill (-0.14), more on Collaboration (+0.07).\n"
		"R2: 0.62, which is 0.07 behind m-1: less on Skill (-0.07).\n"
		"R3: 0.52, which is 0.17 behind m-1: less on Skill (-0.21), more on Fit (+0.04).\n");
}

static void too_close_says_by_how_much(void **state)
{
	struct example e;
	const char *text;

	(void)state;
	example_init(&e);
	e.the_case.member_count = 2;
	e.members[1].discipline = BACK;
	e.def.threshold_margin = 0.02;
	example_evidence(&e, 0, TALK, PEER, 4, 0);
	example_evidence(&e, 1, TALK, PEER, 3.95, 0);
	text = explain(&e);
	assert_non_null(strstr(text,
		"E: No recommendation, because it is too close: m-1 (0.619) is ahead of m-2 (0.615) by only "
		"0.004; this rubric asks for at least 0.02.\n"));

	example_init(&e);
	e.members[3].discipline = e.members[1].discipline = BACK;
	text = explain(&e);
	assert_non_null(
		strstr(text, "E: No recommendation, because it is too close: m-1 and 2 others share first place with "
			     "0.40 each.\n"));
	assert_non_null(strstr(text, "E: m-1 and m-2 are equal on every criterion that counts here.\n"));
	assert_non_null(
		strstr(text, "R0: Shares first place with 2 others, at 0.40: most of it comes from Skill (0.36) and "
			     "Fit (0.05).\n"));
}

static void too_little_evidence_says_what_is_missing(void **state)
{
	struct example e;
	const char *text;

	(void)state;
	example_init(&e);
	e.def.threshold_evidence_share = 0.25;
	text = explain(&e);
	assert_non_null(strstr(text,
		"E: No recommendation, because the evidence is not enough: m-1 ranks first with 0.40, but none "
		"of the ratings behind this rest on evidence about m-1; this rubric asks for at least 25%.\n"
		"E: There is no evidence yet about m-1 on Skill and Collaboration.\n"));
	assert_non_null(strstr(text,
		"E: 67% of the ratings behind this score rest on expectations about Back-end engineers, not on "
		"evidence about m-1.\n"));
	assert_non_null(strstr(text,
		"A: Collaboration is unknown for m-1, m-4, m-2 and 1 other (no evidence, no expectation) and "
		"counts as 0.\n"));
}

static void nobody_eligible_says_which_conditions_and_how_far(void **state)
{
	struct example e;
	const char *text;

	(void)state;
	example_init(&e);
	e.the_case.member_count = 2;
	e.members[0].availability = 0.2;
	e.gates[0] = (struct lf_gate_def){TALK, 2};
	e.gates[1] = (struct lf_gate_def){LF_NONE, 0.3};
	e.gates[2] = (struct lf_gate_def){SKILL, 3.0001};
	e.def.gate_count = 3;
	text = explain(&e);
	assert_non_null(
		strstr(text, "E: No recommendation: none of the 2 candidates meets every condition of this rubric.\n"
			     "E: Not met: Collaboration of at least 2 (2 candidates), availability of at least 0.3 (1 "
			     "candidate) and Skill of at "
			     "least 3.0001 (1 candidate).\n"));
	assert_non_null(
		strstr(text, "R0: Not eligible: 2 conditions of this rubric are not met. The score of 0.40 does not "
			     "compete.\nI0: Collaboration is not rated; at least 2 is required.\n"
			     "I0: Availability is 0.20; at least 0.3 is required.\n"));
	assert_non_null(strstr(text, "I1: Skill is rated 3.0000; at least 3.0001 is required.\n"));
	example_init(&e);
	e.the_case.member_count = 1;
	e.gates[0] = (struct lf_gate_def){TALK, 2};
	e.def.gate_count = 1;
	text = explain(&e);
	assert_non_null(strstr(text,
		"E: No recommendation: the only candidate, m-1, does not meet every condition of this rubric.\n"));
	assert_non_null(strstr(text, "R0: Not eligible: 1 condition of this rubric is not met. "));
}

static void one_candidate_is_no_contest(void **state)
{
	struct example e;
	const char *text;

	(void)state;
	example_init(&e);
	e.the_case.member_count = 1;
	text = explain(&e);
	assert_non_null(strstr(text, "E: m-1 is recommended: 0.40, as the only candidate.\n"));
	assert_non_null(strstr(
		text, "R0: The only candidate, with 0.40: most of it comes from Skill (0.36) and Fit (0.05).\n"));
}

static void weak_spots_are_named_where_they_decide(void **state)
{
	struct example e;
	const char *text;

	(void)state;
	example_init(&e);
	e.def.aggregation = LF_MINIMUM;
	e.the_case.member_count = 2;
	example_evidence(&e, 0, TALK, PEER, 4, 0);
	example_evidence(&e, 1, TALK, PEER, 2, 0);
	text = explain(&e);
	assert_non_null(strstr(text,
		"E: The weakest criterion decides under this rubric: m-1 is held back most by Fit (0.33 of 1), "
		"m-2 by Collaboration (0.25).\n"));
	assert_non_null(strstr(text,
		"R1: 0.25, which is 0.08 behind m-1; held back most by Collaboration (0.25 of 1, where m-1 has "
		"0.75).\n"));
}

static void every_assumption_is_said(void **state)
{
	struct example e;
	const char *text;

	(void)state;
	example_init(&e);
	e.trait_assumed[FOCUS] = true;
	e.needs[0].amount.base = e.needs[1].amount.base = -1;
	e.criteria[COVER].weight.base = 1;
	for (size_t m = 0; m < 4; m++) {
		e.members[m].availability = 0;
		example_evidence(&e, m, TALK, PEER, 4, 0);
	}
	e.evidence[2][0].observed_day = LF_UNDATED;
	text = explain(&e);
	assert_non_null(
		strstr(text, "A: Interaction focus was not given: 0.50 assumed.\n"
			     "A: 1 piece of evidence has no date and counts as one half-life (100 days) old.\n"
			     "A: Nobody with a discipline is available: cover counts as 0 for everybody.\n"
			     "A: This project needs no discipline in particular: Fit counts as 0 for everybody.\n"));
	assert_non_null(strstr(text, ", because interaction focus is 0.50 (assumed)"));
}

/* ---- robustness, changes, co-lead: the structs filled by hand ---- */

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
	ranking = malloc(e->result.ranking_count * sizeof *ranking);
	assert_non_null(ranking);
	memcpy(ranking, e->result.ranking, e->result.ranking_count * sizeof *ranking);
	for (size_t i = 0; shares != NULL && i < 2; i++)
		ranking[i].first_rank_share = shares[i];
	e->result.ranking = ranking;
	if (outcome != LF_OUTCOME_UNSPECIFIED)
		e->result.outcome = outcome;
	said.length = 0;
	said.text[0] = '\0';
	lf_explain(e->rubric, &e->the_case,
		&(struct lf_findings){.result = &e->result, .changes = changes, .co_lead = co_lead}, collect, &said);
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
			"E: m-1 stays first in 87% of 1,024 variations of the weights (each from 54% to 186% of what it is) and the "
			"ratings (wider where evidence is thin); m-2 ranks first in 13%.\n"},
		{{500, 0, true, 0}, {1, 0}, "E: m-1 stays first in all 500 variations of the weights (all taken as unknown).\n"},
		{{65536, 0, false, 0.05}, {0.999, 0.001},
			"E: m-1 stays first in more than 99% of 65,536 variations of the ratings (wider where evidence is thin); m-2 "
			"ranks first in less than 1%.\n"},
		{{1000, 0.001, false, 0}, {0.5, 0.5},
			"E: m-1 stays first in 50% of 1,000 variations of the weights (each from 99.8% to 100.2% of what it is); m-2 ranks "
			"first in 50%.\n"},
		{{1024, 0, false, 0}, {1, 0}, "E: m-1 stays first in all 1,024 variations of nothing.\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct example e;

		init_contest(&e);
		e.def.robustness = cases[i].doubt;
		assert_non_null(strstr(explain_findings(&e, cases[i].shares, NULL, NULL, LF_RECOMMENDED), cases[i].sentence));
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
		"E: No recommendation, because it is too close: m-1 ranks first in only 59.96% of 1,024 variations of the weights (each "
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
		.smallest = {
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
		"C: One other rating would do: m-1's 4 on Collaboration (2024-10-04, PEER) at 2.9 or less puts m-2 first.\n"
		"C: One new piece of evidence would do: m-2 rated 4.7 or more on Collaboration (now 3.7) puts m-2 first.\n"
		"C: One other trait of the project would do: interaction focus of 0.41 instead of 0.50 puts m-2 first.\n"));
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
		"C: One other rating would do: m-1's 4 on Collaboration (undated) at about 1.0 puts m-2 first, because m-1 then fails "
		"the condition Collaboration of at least 2.\n"
		"C: No single new piece of evidence and no change of a single trait of the project was found that would put anybody "
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
		"C: No change of a single rating, no single new piece of evidence and no change of a single trait of the project would put "
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
		{4, 3.96, "at 3.96 or less"}, /* 3.9 would be far more than it takes */
		{1.04, 1.01, "at 1.01 or less"}, /* 1.0 is the end of the scale, which it need not reach */
		{2, 1, "at 1.0 puts"},
		{4.5, 4.500001, "at 4.500001 or more"},
		{4.5, 5, "at 5.0 puts"},
		{2.96, 3.01, "at 3.01 or more"},
		{2.5, 4.97, "at 4.97 or more"},
	};
	struct lf_weight_interval weights[EXAMPLE_CRITERIA] = {{.low_first = LF_NONE, .high_first = LF_NONE, .fixed = true},
		{.low_first = LF_NONE, .high_first = LF_NONE, .fixed = true}, {.low_first = LF_NONE, .high_first = LF_NONE, .fixed = true},
		{.low_first = LF_NONE, .high_first = LF_NONE, .fixed = true}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct lf_changes changes = {.weights = weights,
			.smallest = {{true, 0, TALK, 0, LF_NONE, cases[i].from, cases[i].to, 1, LF_NONE}}};
		struct example e;

		init_contest(&e);
		assert_non_null(strstr(explain_findings(&e, NULL, &changes, NULL, LF_OUTCOME_UNSPECIFIED), cases[i].text));
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
		"E: m-2 would complement m-1: stronger on Skill (0.75 against 0.63); together 0.66, which is 0.04 more.\n"));
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
	lf_explain_sweep(e.rubric, &e.the_case, FOCUS, two, 2, false, collect, &said);
	assert_string_equal(said.text,
		"E: By interaction focus: m-1 leads from 0.41 on; below, m-2.\nE: For this project it is 0.50, where m-1 leads.\n");
	said.length = 0;
	e.trait_assumed[FOCUS] = true;
	lf_explain_sweep(e.rubric, &e.the_case, FOCUS, one, 1, false, collect, &said);
	assert_string_equal(said.text,
		"E: nobody leads, whatever interaction focus is.\n"
		"E: For this project it was not given, and assumed to be 0.50, where nobody leads.\n");
	said.length = 0;
	lf_explain_sweep(e.rubric, &e.the_case, FOCUS, three, 3, true, collect, &said);
	assert_non_null(strstr(said.text,
		"E: By interaction focus: m-2 leads from about 0.000 to 0.411; m-1 from 0.411 to 0.412; m-2 from 0.412 to 1.000.\n"));
	for (size_t i = 0; i < 20; i++)
		many[i] = (struct lf_stretch){(double)i / 20, (double)(i + 1) / 20, (uint32_t)(i % 2)};
	said.length = 0;
	lf_explain_sweep(e.rubric, &e.the_case, FOCUS, many, 20, false, collect, &said);
	assert_non_null(strstr(said.text, "; and 12 more.\n"));
	example_clean_up(&e);
}

static void a_profile_is_explained_too(void **state)
{
	struct lf_discipline_fit fits[EXAMPLE_DISCIPLINES];
	double weights[EXAMPLE_CRITERIA];
	struct example e;

	(void)state;
	example_init(&e);
	e.the_case.member_count = 0;
	e.the_case.project_title = "";
	e.trait_assumed[FOCUS] = true;
	example_prepare(&e);
	assert_true(lf_profile(e.rubric, &e.the_case, e.workspace, fits, weights));
	said.length = 0;
	lf_explain_profile(e.rubric, &e.the_case, fits, weights, collect, &said);
	assert_string_equal(said.text,
		"E: What counts most in checkout: Skill (57%), Collaboration (29%) and Fit (14%), "
		"because interaction focus is 0.50 (assumed).\n"
		"E: On expectations alone this project calls for Back-end (0.40), then FRONT (0.38).\n"
		"A: Interaction focus was not given: 0.50 assumed.\n"
		"A: No team was given: for cover, each discipline is taken to work alone.\n");
	example_clean_up(&e);
}

/* ---- numbers ---- */

static const char *finished(struct lf_text *text)
{
	lf_text_finish(text);
	text->length = 0;
	return text->bytes;
}

static void numbers_read_as_people_write_them(void **state)
{
	static const struct {
		double x;
		const char *text;
	} cases[] = {
		{0, "0"},
		{2, "2"},
		{-2.5, "-2.5"},
		{0.25, "0.25"},
		{1e6, "1000000"},
		{0.000001, "0.000001"},
		{1e-7, "1e-7"},
		{-3e12, "-3e+12"},
		{0.1 + 0.2, "0.3"},
		{123456.789, "123456.789"},
		{5e-324, "4.940656e-324"},
	};
	struct lf_text text = {0};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		lf_text_number(&text, cases[i].x);
		assert_string_equal(finished(&text), cases[i].text);
	}
	lf_text_fixed(&text, 0.745, 2); /* the double nearest to it lies below */
	lf_text_fixed(&text, -0.001, 2);
	lf_text_signed(&text, 0.094, 2);
	lf_text_signed(&text, -0.5, 0);
	assert_string_equal(finished(&text), "0.750.00+0.09-1");
	lf_text_percent(&text, 0.004);
	lf_text_percent(&text, 0);
	lf_text_percent(&text, 0.375);
	lf_text_percent(&text, 0.9999);
	lf_text_percent(&text, 1);
	assert_string_equal(finished(&text), "less than 1%0%38%more than 99%100%");
}

static void what_does_not_fit_is_cut_between_characters(void **state)
{
	static const char *const characters[] = {"a", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"};
	struct lf_text text;

	(void)state;
	for (size_t c = 0; c < 4; c++) {
		for (size_t before = 0; before < 4; before++) {
			size_t size = strlen(characters[c]);

			lf_text_clear(&text);
			lf_text_add(&text, "xxx", before);
			while (!text.cut)
				lf_text_put(&text, characters[c]);
			lf_text_finish(&text);
			assert_int_equal(text.bytes[text.length], '\0');
			assert_int_equal((text.length - before) % size, 0);
			assert_true(text.length + size > LF_SENTENCE_BYTES_MAX - 1);
		}
	}
}

/* ---- random cases ---- */

struct tally {
	size_t reasons[WORLD_MEMBERS], ineligible[WORLD_MEMBERS], explanations, changes;
	uint64_t hash;
};

static bool valid_utf8(const unsigned char *s)
{
	while (*s != '\0') {
		size_t more = *s < 0x80                 ? 0
			      : *s >= 0xC2 && *s < 0xE0 ? 1
			      : *s >= 0xE0 && *s < 0xF0 ? 2
			      : *s >= 0xF0 && *s < 0xF5 ? 3
							: 9;

		if (more == 9)
			return false;
		for (s++; more > 0; more--, s++) {
			if ((*s & 0xC0) != 0x80)
				return false;
		}
	}
	return true;
}

static void count(void *context, enum lf_sentence kind, size_t index, const char *text, size_t length)
{
	struct tally *tally = context;

	assert_true(length > 0 && length < LF_SENTENCE_BYTES_MAX - 1);
	assert_int_equal(text[length], '\0');
	assert_int_equal(text[length - 1], '.');
	assert_true(valid_utf8((const unsigned char *)text));
	assert_null(strstr(text, "NaN"));
	assert_null(strstr(text, "infinity"));
	assert_null(strstr(text, "  "));
	assert_null(strstr(text, "()"));
	tally->explanations += kind == LF_SAY_EXPLANATION;
	tally->changes += kind == LF_SAY_CHANGE;
	if (kind == LF_SAY_REASON)
		tally->reasons[index]++;
	if (kind == LF_SAY_INELIGIBLE)
		tally->ineligible[index]++;
	for (size_t i = 0; i < length; i++)
		tally->hash = (tally->hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
}

static char *long_id(char out[129], const char *title, size_t number)
{
	memcpy(out, title, 126);
	out[126] = (char)('0' + number / 10);
	out[127] = (char)('0' + number % 10);
	out[128] = '\0';
	return out;
}

/* Names as long as the service lets them be. */
static void long_names(struct world *w, char title[257])
{
	static char ids[WORLD_MEMBERS][129], sources[WORLD_SOURCES][129];

	for (size_t m = 0; m < w->the_case.member_count; m++)
		w->members[m].id = long_id(ids[m], title, m);
	for (size_t i = 0; i < w->def.source_count; i++)
		w->source_id_list[i] = long_id(sources[i], title, i);
	for (size_t j = 0; j < w->def.criterion_count; j++)
		w->criteria[j].title = title;
	for (size_t d = 0; d < w->def.discipline_count; d++)
		w->disciplines[d].title = title;
	for (size_t t = 0; t < w->def.trait_count; t++)
		w->trait_defs[t].title = title;
	w->the_case.project_title = title;
}

static void explain_world(const struct world *w, struct tally *tally)
{
	struct lf_discipline_fit fits[WORLD_DISCIPLINES];
	struct lf_weight_interval intervals[WORLD_CRITERIA];
	struct lf_changes changes = {.weights = intervals};
	double weights[WORLD_CRITERIA];
	struct lf_co_lead co_lead;
	struct scored scored;
	bool changes_found;

	memset(tally, 0, sizeof *tally);
	world_score(&scored, w);
	if (scored.scored) {
		size_t bytes = lf_workspace_bytes(scored.rubric, &w->the_case);
		void *workspace = aligned_alloc(64, (bytes + 63) / 64 * 64);

		assert_non_null(workspace);
		assert_true(lf_profile(scored.rubric, &w->the_case, workspace, fits, weights));
		changes_found = lf_find_changes(scored.rubric, &w->the_case, &scored.result, scored.workspace, &changes);
		lf_find_co_lead(scored.rubric, &scored.result, &co_lead, weights);
		lf_explain(scored.rubric, &w->the_case,
			&(struct lf_findings){
				.result = &scored.result,
				.profile = fits,
				.changes = changes_found ? &changes : NULL,
				.co_lead = &co_lead,
			},
			count, tally);
		for (size_t i = 0; i < scored.result.ranking_count; i++) {
			assert_int_equal(tally->reasons[i], 1);
			assert_int_equal(
				tally->ineligible[i], __builtin_popcountll(scored.result.ranking[i].failed_gates));
		}
		assert_true(tally->explanations >= 2);
		assert_int_equal(tally->changes > 0, changes_found && scored.result.ranking_count > 1);
		free(workspace);
	}
	scored_clean_up(&scored);
}

static void sentences_are_whole_and_every_candidate_gets_one_reason(void **state)
{
	static struct world world, other;
	char title[257] = {0};
	const char *given = getenv("LF_TEST_SEED");
	uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : 1;
	struct random random = {seed};
	struct tally tally, again;

	(void)state;
	print_message("LF_TEST_SEED=%" PRIu64 "\n", seed);
	for (size_t i = 0; i < 128; i++)
		memcpy(title + 2 * i, "\xC3\xA9", 2);
	for (uint64_t end = seed + 2000; seed < end; seed++) {
		world_make(&world, seed);
		world.def.co_lead_gain = 0.01;
		explain_world(&world, &tally);
		world_shuffle(&other, &world, &random, false);
		explain_world(&other, &again);
		assert_true(tally.hash == again.hash); /* the order of members and evidence changes no word */
		long_names(&world, title);
		explain_world(&world, &tally);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_recommendation_says_why_and_why_not),
		cmocka_unit_test(too_close_says_by_how_much),
		cmocka_unit_test(too_little_evidence_says_what_is_missing),
		cmocka_unit_test(nobody_eligible_says_which_conditions_and_how_far),
		cmocka_unit_test(one_candidate_is_no_contest),
		cmocka_unit_test(weak_spots_are_named_where_they_decide),
		cmocka_unit_test(every_assumption_is_said),
		cmocka_unit_test(a_first_place_says_how_often_it_holds_and_against_which_doubt),
		cmocka_unit_test(a_fragile_first_place_is_too_close_and_says_what_is_asked),
		cmocka_unit_test(what_would_change_it_is_said_so_that_it_can_be_tried),
		cmocka_unit_test(what_nothing_changes_is_said_too),
		cmocka_unit_test(a_bound_near_what_is_gets_the_decimals_that_tell_them_apart),
		cmocka_unit_test(a_co_lead_is_named_with_what_it_covers_and_adds),
		cmocka_unit_test(a_sweep_says_who_leads_where_and_where_the_project_is),
		cmocka_unit_test(a_profile_is_explained_too),
		cmocka_unit_test(numbers_read_as_people_write_them),
		cmocka_unit_test(what_does_not_fit_is_cut_between_characters),
		cmocka_unit_test(sentences_are_whole_and_every_candidate_gets_one_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
