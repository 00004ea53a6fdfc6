/* The words where several candidates are equal: all of them are meant, never the one whose id comes first. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/engine/said.h"

enum { CROWD = 60 };

static struct said said;
static struct lf_member crowd[CROWD];
static char ids[CROWD][8];

/* Of discipline BACK, without evidence; m-01 to m-60. */
static void init_crowd(struct example *e, size_t count)
{
	example_init(e);
	for (size_t m = 0; m < count; m++) {
		snprintf(ids[m], sizeof(ids[m]), "m-%02zu", m + 1);
		crowd[m] = e->members[0];
		crowd[m].id = ids[m];
		crowd[m].evidence = m < EXAMPLE_MEMBERS ? e->evidence[m] : NULL;
	}
	e->the_case.members = crowd;
	e->the_case.member_count = count;
}

static void rate(struct example *e, size_t member, uint32_t criterion, double rating)
{
	example_evidence(e, member, criterion, PEER, rating, 0);
	crowd[member].evidence_count = e->members[member].evidence_count;
}

/* What is said of the case, with all findings. */
static const char *explain(struct example *e)
{
	struct lf_weight_interval intervals[EXAMPLE_CRITERIA];
	struct lf_changes changes = {.weights = intervals};
	double values[EXAMPLE_CRITERIA];
	struct lf_co_lead co_lead;
	bool found;

	example_score(e);
	found = lf_find_changes(e->rubric, &e->the_case, &e->result, e->workspace, &changes);
	lf_find_co_lead(e->rubric, &e->the_case, &e->result, &co_lead, values);
	said.length = 0;
	lf_explain(e->rubric, &e->the_case,
		&(struct lf_findings){.result = &e->result, .changes = found ? &changes : NULL, .co_lead = &co_lead},
		said_collect, &said);
	example_clean_up(e);
	return said.text;
}

static const struct lf_robustness_def doubt = {1024, 0.3, false, 0};

static void a_crowd_that_shares_first_place_is_counted(void **state)
{
	struct example e;
	const char *text;

	(void)state;
	init_crowd(&e, CROWD);
	e.def.robustness = doubt;
	e.def.threshold_first_rank_share = 0.6;
	text = explain(&e);
	assert_ptr_equal(text,
		strstr(text,
			"E: No recommendation, because it is too close: 60 candidates share first place with 0.40 "
			"each.\n"
			"E: What counts most in Checkout redesign: Skill (57%), Collaboration (29%) and Fit (14%), "
			"because interaction focus is 0.50.\n"
			"E: 60 candidates are equal on every criterion that counts here.\n"
			"E: 60 candidates each rank first in only 2% of 1,024 variations of the weights (each from 54% "
			"to "
			"186% of what it is); this rubric asks for at least 60%.\n"
			"E: 67% of the ratings behind these scores rest on expectations, not on evidence about those "
			"who "
			"share first place.\n"
			"A: Collaboration is unknown for all 60 candidates (no evidence, no expectation) and counts as "
			"0.\n"
			"R0: Shares first place with 59 others, at 0.40: most of it comes from Skill (0.36) and Fit "
			"(0.05).\n"));
	/* No id is in any sentence. */
	assert_null(strstr(text, "m-"));
}

static void too_little_evidence_is_too_little_about_all_who_share_first_place(void **state)
{
	struct example e;

	(void)state;
	init_crowd(&e, CROWD);
	e.def.threshold_evidence_share = 0.5;
	assert_non_null(strstr(explain(&e),
		"E: No recommendation, because the evidence is not enough: 60 candidates share first place with 0.40 "
		"each, but none of the ratings behind this rest on evidence about them; this rubric asks for at least "
		"50%.\n"
		"E: There is no evidence yet about any of those who share first place on Skill and Collaboration.\n"));
	/* Evidence that moves no score: what is expected. The outcome goes by the one whose id is first. */
	init_crowd(&e, 2);
	e.def.threshold_evidence_share = 0.5;
	rate(&e, 0, SKILL, 3.5);
	assert_non_null(strstr(explain(&e),
		"m-01 and m-02 share first place with 0.40 each, but only 22% of the ratings behind this rest on "
		"evidence about m-01, who comes first by id; this rubric asks for at least 50%.\n"
		"E: There is no evidence yet about any of those who share first place on Collaboration.\n"));
	init_crowd(&e, 2);
	rate(&e, 0, SKILL, 3.5);
	assert_non_null(
		strstr(explain(&e), "E: Between 44% and 67% of the ratings behind these scores rest on expectations"));
}

static void who_is_behind_a_crowd_is_behind_all_of_it(void **state)
{
	struct example e;

	(void)state;
	init_crowd(&e, CROWD);
	crowd[7].discipline = FULL;
	assert_non_null(strstr(explain(&e),
		"R59: 0.30, which is 0.10 behind 59 candidates: less on Skill (-0.14), more on Fit (+0.04).\n"));
}

static void those_who_are_equally_far_behind_are_counted_too(void **state)
{
	struct example e;
	const char *text;

	(void)state;
	init_crowd(&e, CROWD);
	e.def.robustness = doubt;
	rate(&e, 0, SKILL, 5);
	text = explain(&e);
	assert_non_null(strstr(text, "E: m-01 is recommended: 0.48 against 0.40 each for 59 candidates.\n"));
	assert_non_null(strstr(text, "E: m-01 is ahead of 59 candidates mainly on Skill (+0.07).\n"));
	assert_non_null(strstr(text, "at 3.4 or less puts 59 equal candidates first.\n"));
	assert_non_null(strstr(text,
		"C: One new piece of evidence would do: m-02 rated 2.1 or more on Collaboration (not rated so far) "
		"puts "
		"m-02 first; the same holds of 58 others who are equal.\n"));
	assert_non_null(
		strstr(text, "R0: First with 0.48, ahead of 59 candidates (0.40 each) mainly on Skill (+0.07).\n"));
	/* Too close, and who ranks first now and then. */
	init_crowd(&e, 3);
	e.def.robustness = (struct lf_robustness_def){1024, 0.9, false, 0};
	e.def.threshold_margin = 0.5;
	e.criteria[SKILL].seed = 1;
	e.criteria[TALK].seed = 2;
	rate(&e, 0, SKILL, 5);
	rate(&e, 1, TALK, 1.5);
	rate(&e, 2, TALK, 1.5);
	text = explain(&e);
	assert_non_null(strstr(text,
		"m-01 (0.48) is ahead of m-02 and m-03 (0.44 each) by only 0.04; this rubric asks for at least "
		"0.5.\n"));
	assert_non_null(strstr(text, "; m-02 and m-03 each rank first in "));
	assert_non_null(strstr(text, "%) for m-02 and m-03 to rank first.\n"));
}

static void equal_scores_of_unlike_people_say_where_they_differ(void **state)
{
	struct example e;
	const char *text;

	(void)state;
	init_crowd(&e, 4);
	e.def.robustness = doubt;
	e.criteria[SKILL].weight.base = 0;
	e.criteria[SKILL].prior_strength = 0;
	e.criteria[SKILL].seed = 1;
	e.criteria[TALK].seed = 2;
	rate(&e, 0, SKILL, 5);
	rate(&e, 0, TALK, 1);
	rate(&e, 1, SKILL, 1);
	rate(&e, 1, TALK, 5);
	rate(&e, 2, SKILL, 3);
	rate(&e, 2, TALK, 3);
	text = explain(&e);
	assert_non_null(strstr(text,
		"E: m-01, m-02 and m-03 differ most on Skill (by up to 0.40) and Collaboration (by up to 0.40).\n"
		"E: m-02 ranks first most often, in "));
	assert_non_null(strstr(text,
		"E: Nothing in these scores rests on expectations: all that is rated rests on evidence about those who "
		"share first place.\n"));
	assert_non_null(strstr(
		text, "R3: 0.07, which is 0.40 behind m-01, m-02 and m-03; beside m-01, less on Skill (-0.40).\n"));
}

static void weak_spots_that_differ_look_different(void **state)
{
	struct example e;
	const char *text;

	(void)state;
	init_crowd(&e, 4);
	e.def.aggregation = LF_MINIMUM;
	rate(&e, 0, TALK, 2.00001);
	for (size_t m = 1; m < 4; m++)
		rate(&e, m, TALK, 2);
	text = explain(&e);
	assert_non_null(strstr(text,
		"E: The weakest criterion decides under this rubric: m-01 is held back most by Collaboration (0.250003 "
		"of "
		"1), m-02, m-03 and m-04 by Collaboration (0.250000).\n"));
	assert_non_null(strstr(text,
		"R1: 0.250000, which is 0.000003 behind m-01; held back most by Collaboration (0.250000 of 1, where "
		"m-01 "
		"has 0.250003).\n"));
	init_crowd(&e, CROWD);
	e.def.aggregation = LF_MINIMUM;
	text = explain(&e);
	assert_non_null(strstr(text, "E: 60 candidates are equal on every criterion that counts here.\n"));
	assert_null(strstr(text, "m-"));
}

static void a_co_lead_who_is_one_of_several_is_named_with_them(void **state)
{
	struct example e;

	(void)state;
	init_crowd(&e, 3);
	e.def.co_lead_gain = 0.001;
	rate(&e, 0, TALK, 5);
	rate(&e, 0, SKILL, 3);
	rate(&e, 1, SKILL, 5);
	rate(&e, 2, SKILL, 5);
	assert_non_null(strstr(explain(&e),
		"m-02 and m-03 would each complement m-01: stronger on Skill (0.75 against 0.58); as a pair "));
}

static void who_leads_a_sweep_together_leads_it_together(void **state)
{
	static const struct lf_stretch one[] = {{0, 1, 0}}, two[] = {{0, 0.2, 0}, {0.2, 1, 1}};
	struct example e;

	(void)state;
	init_crowd(&e, CROWD);
	example_score(&e);
	said.length = 0;
	lf_explain_sweep(e.rubric, &e.the_case, FOCUS, one, 1, false, &e.result, said_collect, &said);
	assert_ptr_equal(said.text,
		strstr(said.text,
			"E: 60 equal candidates lead, whatever interaction focus is.\n"
			"E: For this project it is 0.50, where 60 candidates share first place.\n"));
	example_clean_up(&e);
	init_crowd(&e, 3);
	rate(&e, 0, TALK, 5);
	example_score(&e);
	said.length = 0;
	lf_explain_sweep(e.rubric, &e.the_case, FOCUS, two, 2, false, &e.result, said_collect, &said);
	assert_ptr_equal(said.text,
		strstr(said.text,
			"E: By interaction focus: m-02 and m-03 lead from 0.20 on; below, m-01.\n"
			"E: For this project it is 0.50, where m-02 and m-03 lead.\n"));
	example_clean_up(&e);
}

/* Nothing takes people for engineers. */
static void expectations_are_about_a_discipline_whatever_it_is_called(void **state)
{
	struct example e;

	(void)state;
	init_crowd(&e, 1);
	e.disciplines[BACK].title = "Product";
	assert_non_null(strstr(explain(&e),
		"E: 67% of the ratings behind this score rest on expectations about the discipline Product, not on "
		"evidence about m-01.\n"));
	init_crowd(&e, 1);
	crowd[0].discipline = LF_NONE;
	assert_non_null(strstr(explain(&e),
		"E: 67% of the ratings behind this score rest on general expectations, not on evidence about m-01.\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_crowd_that_shares_first_place_is_counted),
		cmocka_unit_test(too_little_evidence_is_too_little_about_all_who_share_first_place),
		cmocka_unit_test(who_is_behind_a_crowd_is_behind_all_of_it),
		cmocka_unit_test(those_who_are_equally_far_behind_are_counted_too),
		cmocka_unit_test(equal_scores_of_unlike_people_say_where_they_differ),
		cmocka_unit_test(weak_spots_that_differ_look_different),
		cmocka_unit_test(a_co_lead_who_is_one_of_several_is_named_with_them),
		cmocka_unit_test(who_leads_a_sweep_together_leads_it_together),
		cmocka_unit_test(expectations_are_about_a_discipline_whatever_it_is_called),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
