/* A rubric's own scenarios: what came of each, which contradict each other, and what none of them exercises. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/decide/scenario.h"
#include "tests/service/support.h"

#define RUBRIC                                                                                                         \
	"{name: r, scale: {min: 1, max: 5}, half_life_days: 100, thresholds: {margin: 0.1}, traits: [{id: t}, {id: "   \
	"u}, {id: v}], "                                                                                               \
	"gates: [{criterion: a, at_least: 2}, {availability_at_least: 0.3}], criteria: [{id: a, weight: {base: 1}}, "  \
	"{id: b, weight: {base: 1, traits: {t: -1}}}, {id: c, weight: {base: 0, traits: {u: 1}}}], scenarios: ["
#define END "]}"
/* Two who differ on a and b alone. */
#define TEAM(first, second)                                                                                            \
	"team: {id: t, members: [{id: " first ", evidence: [{criterion: a, rating: 5}, {criterion: b, rating: 4}]}, "  \
	"{id: " second ", evidence: [{criterion: a, rating: 3}, {criterion: b, rating: 3}]}]}"

struct told {
	char text[2000];
	struct lf_coverage coverage;
	size_t stop_after; /* scenarios; 0 = never */
	size_t count;
};

static void say(struct told *told, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct told *told, const char *format, ...)
{
	size_t length = strlen(told->text);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(told->text + length, sizeof(told->text) - length, format, arguments);
	va_end(arguments);
}

static bool note(void *context, const struct lf_scenario_result *result)
{
	struct told *told = context;

	say(told, "%zu:", result->index);
	if (result->scored)
		say(told, " %s, outcome %d, margin %s", result->first, (int)result->outcome,
			isnan(result->margin) ? "none" : "some");
	say(told, "\n");
	for (size_t i = 0; i < result->differences->violation_kept; i++)
		say(told, "  %s: %s\n", result->differences->violations[i].field,
			result->differences->violations[i].description);
	return ++told->count != told->stop_after;
}

static enum lf_code run(struct told *told, const char *yaml, size_t stop_after)
{
	struct lf_rubric_version *version = support_rubric(yaml);
	enum lf_code code;

	memset(told, 0, sizeof(*told));
	told->stop_after = stop_after;
	code = lf_rubric_version_test(version, note, told, &told->coverage, NULL);
	lf_rubric_version_release(version);
	return code;
}

static void each_scenario_tells_who_is_first_the_outcome_and_what_differs(void **state)
{
	struct told told;

	(void)state;
	assert_int_equal(
		run(&told,
			RUBRIC "{name: good, " TEAM(
				"x", "y") ", project: {id: p}, expect: {first: x, ranking: [x, y]}}, "
					  "{name: bad, " TEAM("x",
						  "y") ", project: {id: q}, expect: {first: y, outcome: TOO_CLOSE}}, "
						       "{name: alone, " TEAM("x",
							       "y") ", project: {id: p}, candidates: [y], expect: "
								    "{first: y}}, "
								    "{name: nobody, team: {id: t, members: [{id: z, "
								    "availability: 0.1}]}, project: {id: p}, "
								    "expect: {outcome: NO_ELIGIBLE_CANDIDATE}}" END,
			0),
		LF_OK);
	assert_string_equal(told.text,
		"0: x, outcome 1, margin some\n"
		"1: x, outcome 1, margin some\n"
		"  expect.first: y is expected, x ranks first\n"
		"  expect.outcome: TOO_CLOSE is expected, the outcome is RECOMMENDED\n"
		"2: y, outcome 1, margin none\n"
		"3: , outcome 4, margin none\n");
}

#define MATRIX                                                                                                         \
	"{name: m, scale: {min: 1, max: 5}, disciplines: [{id: A}, {id: B}], criteria: [{id: tech, weight: {base: "    \
	"30}}, {id: exp, weight: {base: 25}}, {id: comm, weight: {base: 20}}, {id: fit, weight: {base: 15}}, {id: "    \
	"lead, weight: {base: 10}}], scenarios: ["
#define TIED                                                                                                           \
	"team: {id: t, members: [{id: b, evidence: [{criterion: tech, rating: 3}, {criterion: exp, rating: 4}, "       \
	"{criterion: comm, rating: 5}, {criterion: fit, rating: 3}, {criterion: lead, rating: 4}]}, {id: c, "          \
	"evidence: "                                                                                                   \
	"[{criterion: tech, rating: 5}, {criterion: exp, rating: 3}, {criterion: comm, rating: 3}, {criterion: fit, "  \
	"rating: 4}, {criterion: lead, rating: 3}]}, {id: d}]}"

/* Two who share first place: either is first, in either order; who is behind is not. */
static void those_who_tie_are_each_at_the_place(void **state)
{
	struct told told;

	(void)state;
	assert_int_equal(
		run(&told,
			MATRIX "{name: s, " TIED
			       ", project: {id: p}, expect: {first: c, ranking: [c, b, d], outcome: TOO_CLOSE, "
			       "profile_first: B}}, {name: t, " TIED
			       ", project: {id: q}, expect: {first: b, ranking: [b, c]}}, "
			       "{name: u, " TIED ", project: {id: r}, expect: {first: d, ranking: [b, d]}}" END,
			0),
		LF_OK);
	assert_string_equal(told.text,
		"0: b, outcome 2, margin some\n"
		"1: b, outcome 2, margin some\n"
		"2: b, outcome 2, margin some\n"
		"  expect.first: d is expected, b ranks first\n"
		"  expect.ranking: d is expected at place 2, c is there\n");
}

static void a_scenario_that_is_wrong_in_itself_tells_so_and_the_others_run(void **state)
{
	struct told told;

	(void)state;
	assert_int_equal(
		run(&told,
			RUBRIC
			"{" TEAM("x", "y") ", project: {id: p}, as_of: yesterday}, "
					   "{name: names, " TEAM("x",
						   "y") ", project: {id: p, traits: {tt: 1}}, expect: {first: x}}, "
							"{name: dated, team: {id: t, members: [{id: z, evidence: "
							"[{criterion: a, rating: 3, observed_on: "
							"\"2026-01-01\"}]}]}, project: {id: p}, expect: {first: z}}, "
							"{name: good, " TEAM(
								"x", "y") ", project: {id: q}, expect: {first: x}}" END,
			0),
		LF_OK);
	assert_string_equal(told.text,
		"0:\n"
		"  name: is required\n"
		"  expect: is required\n"
		"  as_of: \"yesterday\" is not an instant: YYYY-MM-DD or RFC 3339\n"
		"1:\n"
		"  project.traits[\"tt\"]: \"tt\" is not a trait of this rubric; nearest: t\n"
		"2:\n"
		"  as_of: is required, since its evidence is dated\n"
		"3: x, outcome 1, margin some\n");
}

static void scenarios_that_expect_different_things_of_one_case_contradict_each_other(void **state)
{
	char errors[2000];

	(void)state;
	support_rubric_errors(RUBRIC
		"{name: one, " TEAM("x", "y") ", project: {id: p}, candidates: [x, y], expect: {first: x}}, "
					      "{name: two, " TEAM(
						      "x", "y") ", project: {id: p}, candidates: [y, x], as_of: "
								"\"2026-01-01\", expect: {ranking: [y]}}" END,
		errors, sizeof(errors));
	assert_string_equal(errors,
		"scenarios[1].expect.ranking: y is expected at place 1, x is there\n"
		"scenarios[1].expect.first: y contradicts scenarios[0] \"one\", which expects x of the same case\n");
	support_rubric_errors(RUBRIC
		"{name: one, " TEAM(
			"x", "y") ", project: {id: p}, expect: {outcome: RECOMMENDED, ranking: [x, y]}}, "
				  "{name: two, " TEAM("x",
					  "y") ", project: {id: p}, expect: {outcome: TOO_CLOSE, ranking: [x, x]}}" END,
		errors, sizeof(errors));
	assert_non_null(strstr(errors,
		"scenarios[1].expect.outcome: TOO_CLOSE contradicts scenarios[0] \"one\", which "
		"expects RECOMMENDED of the same case\n"));
	support_rubric_errors(RUBRIC
		"{name: one, " TEAM("x", "y") ", project: {id: p}, expect: {ranking: [x, y]}}, "
					      "{name: two, " TEAM(
						      "x", "y") ", project: {id: p}, expect: {ranking: [x, z]}}" END,
		errors, sizeof(errors));
	assert_non_null(
		strstr(errors, "scenarios[1].expect.ranking: z contradicts scenarios[0] \"one\", which expects y"));
}

static void scenarios_of_different_cases_or_that_agree_do_not_contradict(void **state)
{
	/*
	 * The same but for the project, the candidates, the day that evidence ages by; and the same, but each says
	 * another part.
	 */
#define AGED                                                                                                           \
	"team: {id: t, members: [{id: x, evidence: [{criterion: a, rating: 5, observed_on: \"2026-01-01\"}]}, {id: "   \
	"y, evidence: [{criterion: a, rating: 4}]}]}"
	char errors[2000];

	(void)state;
	support_rubric_errors(RUBRIC
		"{name: 1, " TEAM(
			"x", "y") ", project: {id: p}, expect: {first: x}}, "
				  "{name: 2, " TEAM("x",
					  "y") ", project: {id: p}, candidates: [y], expect: {first: y}}, "
					       "{name: 3, " TEAM("y",
						       "x") ", project: {id: p}, expect: {first: y}}, "
							    "{name: 4, " TEAM("x",
								    "y") ", project: {id: p}, expect: {outcome: "
									 "RECOMMENDED, ranking: [x]}}, "
									 "{name: 5, " TEAM("x",
										 "y") ", project: {id: p}, expect: "
										      "{ranking: [x, y]}}, "
										      "{name: 6, as_of: "
										      "\"2026-01-01\", " AGED
										      ", project: {id: p}, expect: "
										      "{first: x}}, "
										      "{name: 7, as_of: "
										      "\"2026-01-01T12:00:00Z\", " AGED
										      ", project: {id: p}, expect: "
										      "{first: x}}" END,
		errors, sizeof(errors));
	assert_string_equal(errors, "");
	support_rubric_errors(RUBRIC
		"{name: 6, as_of: \"2026-01-01\", " AGED ", project: {id: p}, expect: {first: x}}, "
		"{name: 7, as_of: \"2026-01-01T12:00:00Z\", " AGED ", project: {id: p}, expect: {first: y}}, "
		"{name: 8, as_of: \"2027-01-01\", " AGED ", project: {id: p}, expect: {first: y}}" END,
		errors, sizeof(errors));
	assert_non_null(strstr(errors, "scenarios[1].expect.first: y contradicts scenarios[0]"));
	assert_null(strstr(errors, "scenarios[2].expect.first: y contradicts scenarios[0]"));
}

static void coverage_is_what_the_scenarios_exercise_together(void **state)
{
	struct told told;

	(void)state;
	/* b has no weight where t is 1, and a alone differs; c has no weight; nobody fails a gate. */
	assert_int_equal(run(&told,
				 RUBRIC "{name: s, " TEAM(
					 "x", "y") ", project: {id: p, traits: {t: 1, u: 0}}, expect: {first: x}}" END,
				 0),
		LF_OK);
	assert_int_equal(told.coverage.criteria, 1);
	assert_int_equal(told.coverage.traits, 3);
	assert_int_equal(told.coverage.gates, 0);
	assert_int_equal(told.coverage.outcomes, 1 << LF_RECOMMENDED);
	/* And one with b and c weighed, where nobody differs on c, and a who fails both gates but is no candidate. */
	assert_int_equal(
		run(&told,
			RUBRIC "{name: s, " TEAM("x", "y") ", project: {id: p, traits: {u: 1}}, expect: {first: x}}, "
							   "{name: n, team: {id: t, members: [{id: x, evidence: "
							   "[{criterion: a, rating: 3}]}, {id: y, availability: 0.1, "
							   "evidence: [{criterion: a, rating: 1}]}]}, project: {id: "
							   "p}, candidates: [x], expect: {first: x}}" END,
			0),
		LF_OK);
	assert_int_equal(told.coverage.criteria, 3);
	assert_int_equal(told.coverage.traits, 2);
	assert_int_equal(told.coverage.gates, 0);
	/* As a candidate. */
	assert_int_equal(
		run(&told,
			RUBRIC "{name: n, team: {id: t, members: [{id: x, evidence: [{criterion: a, rating: 3}]}, {id: "
			       "y, availability: 0.1, "
			       "evidence: [{criterion: a, rating: 1}]}]}, project: {id: p}, expect: {first: x}}" END,
			0),
		LF_OK);
	assert_int_equal(told.coverage.gates, 3);
	assert_int_equal(run(&told, RUBRIC END, 0), LF_OK);
	assert_int_equal(
		told.coverage.criteria | told.coverage.traits | told.coverage.gates | told.coverage.outcomes, 0);
}

static void who_has_seen_enough_ends_the_run(void **state)
{
	struct told told;

	(void)state;
	assert_int_equal(run(&told,
				 RUBRIC "{name: 1, " TEAM("x",
					 "y") ", project: {id: p}, expect: {first: x}}, "
					      "{name: 2, " TEAM("x", "y") ", project: {id: q}, expect: {first: x}}" END,
				 1),
		LF_DEADLINE_EXCEEDED);
	assert_int_equal(told.count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_scenario_tells_who_is_first_the_outcome_and_what_differs),
		cmocka_unit_test(those_who_tie_are_each_at_the_place),
		cmocka_unit_test(a_scenario_that_is_wrong_in_itself_tells_so_and_the_others_run),
		cmocka_unit_test(scenarios_that_expect_different_things_of_one_case_contradict_each_other),
		cmocka_unit_test(scenarios_of_different_cases_or_that_agree_do_not_contradict),
		cmocka_unit_test(coverage_is_what_the_scenarios_exercise_together),
		cmocka_unit_test(who_has_seen_enough_ends_the_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
