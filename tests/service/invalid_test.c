/* What strangers get wrong: each request or rubric, and every line that it gets back. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/limits.h"
#include "tests/service/support.h"

static const char rubric_text[] = "{name: r, scale: {min: 1, max: 5}, sources: {PEER: 1, SELF: 0.5},\n"
				  " disciplines: [{id: BACKEND}, {id: FRONTEND}], traits: [{id: interaction_focus}],\n"
				  " criteria: [{id: architecture, weight: {base: 1}}, {id: coverage, derived: "
				  "TEAM_COVERAGE, weight: {base: 1}}]}";

/* The violations of a request, one a line. */
static void errors_of(const char *rubric, const char *request, char *out, size_t size)
{
	struct lf_rubric_version *version = support_rubric(rubric);
	struct support_case c;
	size_t length = 0;

	*out = '\0';
	support_evaluate(&c, version, request);
	assert_int_equal(c.code != LF_OK, c.error.violation_count > 0);
	for (size_t i = 0; i < c.error.violation_kept && length < size; i++)
		length += (size_t)snprintf(out + length, size - length, "%s: %s\n", c.error.violations[i].field,
			c.error.violations[i].description);
	support_clean_up(&c);
	lf_rubric_version_release(version);
}

static void every_invalid_field_of_a_request_is_named_with_value_and_what_is_allowed(void **state)
{
	static const struct {
		const char *request, *errors;
	} cases[] = {
		{"{}", "team: is required\nproject: is required\n"},
		{"{team: {id: t}, project: {id: p}}", "team.members: is required: 1..1000 members\n"},
		{"{team: {members: [{id: a}]}, project: {traits: {}}}",
			"team.id: is required\nproject.id: is required\n"},
		{"{team: {id: t, members: [{id: a}, {id: b}, {id: a}]}, project: {id: p}}",
			"team.members[2].id: \"a\" is listed twice in the team\n"},
		{"{team: {id: t, members: [{id: \"a\\tb\"}]}, project: {id: p}}",
			"team.members[0].id: has a control character\n"},
		{"{team: {id: t, members: [{id: a, discipline: BACKND}]}, project: {id: p}}",
			"team.members[0].discipline: \"BACKND\" is not a discipline of this rubric; nearest: "
			"BACKEND\n"},
		{"{team: {id: t, members: [{id: a, availability: 1.5}]}, project: {id: p}}",
			"team.members[0].availability: 1.5 is outside 0..1\n"},
		{"{team: {id: t, members: [{id: a, expertise: {FRONTEND: -0.1}}]}, project: {id: p}}",
			"team.members[0].expertise[\"FRONTEND\"]: -0.1 is outside 0..1\n"},
		{"{team: {id: t, members: [{id: a, evidence: [{criterion: architecture, rating: 7}]}]}, project: {id: "
		 "p}}",
			"team.members[0].evidence[0].rating: 7 is outside 1..5\n"},
		{"{team: {id: t, members: [{id: a, evidence: [{rating: 3}]}]}, project: {id: p}}",
			"team.members[0].evidence[0].criterion: is required\n"},
		{"{team: {id: t, members: [{id: a, evidence: [{criterion: architecture}]}]}, project: {id: p}}",
			"team.members[0].evidence[0].rating: is required\n"},
		{"{team: {id: t, members: [{id: a, evidence: [{criterion: coverage, rating: 3}]}]}, project: {id: p}}",
			"team.members[0].evidence[0].criterion: \"coverage\" is derived and takes no ratings\n"},
		{"{team: {id: t, members: [{id: a, evidence: [{criterion: architecture, rating: 3, source: PER}]}]}, "
		 "project: {id: p}}",
			"team.members[0].evidence[0].source: \"PER\" is not a source of this rubric; nearest: PEER\n"},
		{"{team: {id: t, members: [{id: a, evidence: [{criterion: architecture, rating: 3, observed_on: "
		 "2026-02-30}]}]}, project: {id: p}}",
			"team.members[0].evidence[0].observed_on: \"2026-02-30\" is not a date YYYY-MM-DD\n"},
		{"{as_of: \"2026-01-01T00:00:00Z\", team: {id: t, members: [{id: a, evidence: [{criterion: "
		 "architecture, rating: 3, observed_on: 2026-01-03}]}]}, project: {id: p}}",
			"team.members[0].evidence[0].observed_on: 2026-01-03 is after the instant of the decision "
			"(as_of)\n"},
		{"{team: {id: t, members: [{id: a}]}, project: {id: p, traits: {interaction_focus: 2, "
		 "interaction_focsu: 0.5}}}",
			"project.traits[\"interaction_focus\"]: 2 is outside 0..1\n"
			"project.traits[\"interaction_focsu\"]: \"interaction_focsu\" is not a trait of this rubric; "
			"nearest: interaction_focus\n"},
		{"{team: {id: t, members: [{id: anna}]}, project: {id: p}, candidates: [ana, anna, anna]}",
			"candidates[0]: \"ana\" is not a member of the team; nearest: anna\ncandidates[2]: \"anna\" "
			"is listed twice\n"},
	};
	char errors[4000];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		errors_of(rubric_text, cases[i].request, errors, sizeof(errors));
		assert_string_equal(errors, cases[i].errors);
	}
}

static void a_date_one_day_ahead_is_allowed(void **state)
{
	char errors[400];

	(void)state;
	errors_of(rubric_text,
		"{as_of: \"2026-01-01T23:00:00Z\", team: {id: t, members: [{id: a, evidence: [{criterion: "
		"architecture, rating: 3, "
		"observed_on: 2026-01-02}]}]}, project: {id: p}}",
		errors, sizeof(errors));
	assert_string_equal(errors, "");
}

static void undeclared_names_are_left_out_and_listed_where_the_request_says_so(void **state)
{
	struct lf_rubric_version *version = support_rubric(rubric_text);
	struct support_case c;

	(void)state;
	support_evaluate(&c, version,
		"{ignore_undeclared: true, project: {id: p, traits: {size: 0.5}}, team: {id: t, members: [{id: a, "
		"discipline: LAW, "
		"expertise: {ART: 1}, evidence: [{criterion: charm, rating: 3}, {criterion: architecture, rating: 2, "
		"source: MOM}, "
		"{criterion: architecture, rating: 4}]}]}}");
	assert_int_equal(c.code, LF_OK);
	assert_int_equal(c.evaluation.built.ignored_count, 5);
	assert_string_equal(c.evaluation.built.ignored[0],
		"team.members[0].discipline: \"LAW\" is not a discipline of this rubric");
	assert_string_equal(
		c.evaluation.built.ignored[4], "project.traits[\"size\"]: \"size\" is not a trait of this rubric");
	assert_int_equal(c.evaluation.built.engine.members[0].evidence_count, 1);
	assert_int_equal(c.evaluation.built.engine.members[0].discipline, LF_NONE);
	support_clean_up(&c);
	lf_rubric_version_release(version);
}

static void a_name_that_is_too_long_is_refused_even_where_undeclared_ones_are_left_out(void **state)
{
	char request[20000], errors[4000], name[901];

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	snprintf(request, sizeof(request),
		"{ignore_undeclared: true, project: {id: p, traits: {%s: 0.5}}, team: {id: t, members: [{id: a}]}}",
		name);
	errors_of(rubric_text, request, errors, sizeof(errors));
	assert_non_null(strstr(errors, "project.traits"));
	snprintf(request, sizeof(request),
		"{ignore_undeclared: true, project: {id: p}, team: {id: t, members: [{id: a, discipline: %s}]}}", name);
	errors_of(rubric_text, request, errors, sizeof(errors));
	assert_string_equal(errors, "team.members[0].discipline: has 900 bytes; allowed are 1..128\n");
}

static void errors_are_utf_8_even_where_a_long_name_is_cut(void **state)
{
	struct lf_error error = LF_ERROR_INIT;

	(void)state;
	lf_error_set(&error, LF_NOT_FOUND, "%.2s", "x\xc3\xa9"); /* cuts the second character in two */
	assert_string_equal(error.message, "x?");
	lf_error_clean_up(&error);
}

static void a_rubric_without_disciplines_or_sources_accepts_any(void **state)
{
	char errors[400];

	(void)state;
	errors_of("{name: r, scale: {min: 0, max: 1}, criteria: [{id: c, weight: {base: 1}}, {id: d, derived: "
		  "DOMAIN_ALIGNMENT, "
		  "weight: {base: 1}, needs: [{discipline: LAW, base: 1}]}]}",
		"{team: {id: t, members: [{id: a, discipline: LAW, expertise: {ART: 1}}, {id: b, discipline: MUSIC, "
		"evidence: "
		"[{criterion: c, rating: 0.5, source: whoever}]}]}, project: {id: p}}",
		errors, sizeof(errors));
	assert_string_equal(errors, "");
}

static void a_project_for_which_nothing_counts_is_refused_by_its_traits(void **state)
{
	struct lf_rubric_version *version = support_rubric(
		"{name: r, scale: {min: 1, max: 5}, traits: [{id: t}], criteria: [{id: c, weight: {traits: {t: 1}}}]}");
	struct support_case c;

	(void)state;
	support_evaluate(&c, version, "{team: {id: t, members: [{id: a}]}, project: {id: p, traits: {t: 0}}}");
	assert_int_equal(c.code, LF_FAILED_PRECONDITION);
	assert_string_equal(
		c.error.message, "under rubric \"r\" no criterion has a weight for this project's traits: t 0");
	support_clean_up(&c);
	lf_rubric_version_release(version);
}

static void everything_wrong_with_a_rubric_is_named_at_once(void **state)
{
	static const struct {
		const char *rubric, *contains[6];
	} cases[] = {
		{"{}", {"criteria: is required", "scale: is required"}},
		{"{name: r, scale: {min: 5, max: 1}, criteria: [{id: c, weight: {base: 1}}]}",
			{"scale.max: 1 is not above 5, the scale's min"}},
		/* What is wrong by name hides nothing that is wrong by number, and nothing is told twice. */
		{"{name: r, traits: [{id: t, default: 2}], criteria: [{id: c, weight: {base: 1, traits: {u: 1}}, "
		 "curve: [{rating: 1, value: 0.5}, {rating: 5, value: 0.4}]}], gates: [{criterion: d, at_least: 9}, "
		 "{availability_at_least: 1.5}], thresholds: {margin: -1}}",
			{"scale: is required", "criteria[0].weight.traits[\"u\"]: \"u\" is not a trait",
				"criteria[0].curve[1].value: 0.4 is below 0.5",
				"gates[1].availability_at_least: 1.5 is outside 0..1",
				"thresholds.margin: -1 is outside 0..1",
				"gates[0].criterion: \"d\" is not a criterion"}},
		{"{name: r, scale: {min: 1, max: 5}, criteria: [{id: c, weight: {base: 1}, prior: {strength: 1, mean: "
		 "{B: 9}}}], disciplines: [{id: B}], thresholds: {first_rank_share: 0.5}}",
			{"criteria[0].prior.mean[\"B\"]: 9 is outside 1..5",
				"thresholds.first_rank_share: can't be computed without robustness"}},

		{"{scale: {min: 1, max: 5}, criteria: [{id: c}, {id: c, weight: {base: 1, traits: {x: 1}}}]}",
			{"name: is required", "criteria[0].weight: is required",
				"criteria[1].id: \"c\" is listed twice",
				"criteria[1].weight.traits[\"x\"]: \"x\" is not a trait of this rubric"}},
		{"{name: r, scale: {min: 1, max: 5}, criteria: [{id: c, weight: {base: 1}, prior: {strength: -1, "
		 "default_mean: 9}, levels: {7: x, y: z}}]}",
			{"criteria[0].prior.strength: -1 is outside",
				"criteria[0].prior.default_mean: 9 is outside 1..5",
				"criteria[0].levels[\"7\"]: 7 is outside 1..5",
				"criteria[0].levels[\"y\"]: is not a rating"}},
		{"{name: r, scale: {min: 1, max: 5}, disciplines: [{id: B, covers: {C: 1}}], criteria: [{id: c, "
		 "weight: {base: 1}}], gates: [{criterion: d, at_least: 2}, {at_least: 1}]}",
			{"disciplines[0].covers[\"C\"]: \"C\" is not a discipline",
				"gates[0].criterion: \"d\" is not a criterion",
				"gates[1]: has either criterion and at_least, or availability_at_least"}},
		{"{name: r, scale: {min: 1, max: 5}, criteria: [{id: c, derived: TEAM_COVERAGE, weight: {base: 1}, "
		 "prior: {strength: 1}, curve: [{rating: 1}, {rating: 5, value: 1}]}], robustness: {samples: 70000, "
		 "weight_spread: 0.1, weights_unknown: true}}",
			{"criteria[0].curve: a derived criterion has no curve",
				"criteria[0].prior: a derived criterion has no prior",
				"robustness.samples: 70000 is outside 0..65536",
				"robustness.weights_unknown: stands beside weight_spread"}},
		{"{name: r, scale: {min: 1, max: 5}, criteria: [{id: c, weight: {base: 1}}], scenarios: [{team: {id: "
		 "t, members: [{id: a, evidence: [{criterion: c, rating: 3, observed_on: 2026-01-01}]}]}, project: "
		 "{id: p}}]}",
			{"scenarios[0].name: is required", "scenarios[0].expect: is required",
				"scenarios[0].as_of: is required"}},
	};
	char errors[4000];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		support_rubric_errors(cases[i].rubric, errors, sizeof(errors));
		for (const char *line = errors; *line != '\0'; line = strchr(line, '\n') + 1) {
			char field[300] = "\n";

			memcpy(field + 1, line, strcspn(line, " ") + 1);
			if (strstr(line, field) != NULL)
				fail_msg("rubric %zu: %s is told twice in:\n%s", i, field + 1, errors);
		}
		for (size_t k = 0; k < 6 && cases[i].contains[k] != NULL; k++)
			if (strstr(errors, cases[i].contains[k]) == NULL)
				fail_msg("rubric %zu: \"%s\" is missing in:\n%s", i, cases[i].contains[k], errors);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_invalid_field_of_a_request_is_named_with_value_and_what_is_allowed),
		cmocka_unit_test(a_date_one_day_ahead_is_allowed),
		cmocka_unit_test(undeclared_names_are_left_out_and_listed_where_the_request_says_so),
		cmocka_unit_test(a_name_that_is_too_long_is_refused_even_where_undeclared_ones_are_left_out),
		cmocka_unit_test(errors_are_utf_8_even_where_a_long_name_is_cut),
		cmocka_unit_test(a_rubric_without_disciplines_or_sources_accepts_any),
		cmocka_unit_test(a_project_for_which_nothing_counts_is_refused_by_its_traits),
		cmocka_unit_test(everything_wrong_with_a_rubric_is_named_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
