/* What a rubric says of labels, and evidence of its domain: what is read, what is refused and by which path. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "tests/service/support.h"

/* A rubric with these disciplines and what else it says. */
#define RUBRIC(disciplines, rest)                                                                                      \
	"{name: r, scale: {min: 1, max: 5}, disciplines: [" disciplines "], criteria: [{id: architecture, weight: "    \
	"{base: 1}}, {id: interaction, weight: {base: 1}}, {id: coverage, derived: TEAM_COVERAGE, weight: {base: "     \
	"1}}]" rest "}"
#define CRITERION(fields) "{name: r, scale: {min: 1, max: 5}, criteria: [{id: c, weight: {base: 1}, " fields "}]}"
#define DISCIPLINES "{id: BACKEND, shown_by: [architecture]}, {id: FRONTEND, shown_by: [interaction, architecture]}"

static void what_a_rubric_can_not_mean_is_refused_by_path(void **state)
{
	static const struct {
		const char *rubric, *errors;
	} cases[] = {
		{RUBRIC("", ", expertise: {}"), "expertise.strength: 0 is not allowed: above 0, up to 1000000\n"},
		{RUBRIC("", ", expertise: {strength: -0.5}"),
			"expertise.strength: -0.5 is not allowed: above 0, up to 1000000\n"},
		{RUBRIC("", ", expertise: {strength: 1000001}"),
			"expertise.strength: 1000001 is not allowed: above 0, up to 1000000\n"},
		{RUBRIC("{id: A, shown_by: [interaction, archtecture]}", ""),
			"disciplines[0].shown_by[1]: \"archtecture\" is not a criterion of this rubric; nearest: "
			"architecture\n"},
		{RUBRIC("{id: A}, {id: B, shown_by: [coverage]}", ""),
			"disciplines[1].shown_by[0]: \"coverage\" is derived and takes no ratings; allowed are rated "
			"criteria\n"},
		{RUBRIC("{id: A, shown_by: [architecture, interaction, architecture]}", ""),
			"disciplines[0].shown_by[2]: \"architecture\" is listed twice\n"},
		{RUBRIC("{id: A, shown_by: ['']}", ""), "disciplines[0].shown_by[0]: is required\n"},
		{CRITERION("unknown_value: 1.5"), "criteria[0].unknown_value: 1.5 is outside 0..1\n"},
		{CRITERION("unknown_value: -0.1"), "criteria[0].unknown_value: -0.1 is outside 0..1\n"},
		{CRITERION("derived: TEAM_COVERAGE, unknown_value: 0.5"),
			"criteria[0].unknown_value: a derived criterion has no unknown_value\n"},
		/* One by one, and all at once. */
		{RUBRIC("{id: A, shown_by: [x, coverage]}", ", expertise: {strength: 0}"),
			"expertise.strength: 0 is not allowed: above 0, up to 1000000\n"
			"disciplines[0].shown_by[0]: \"x\" is not a criterion of this rubric\n"
			"disciplines[0].shown_by[1]: \"coverage\" is derived and takes no ratings; allowed are rated "
			"criteria\n"},
		{RUBRIC(DISCIPLINES,
			 ", scenarios: [{name: s, team: {id: t, members: [{id: a, evidence: [{criterion: architecture, "
			 "rating: 3, domain: BACKEN}]}]}, project: {id: p}, expect: {first: a}}]"),
			"scenarios[0].team.members[0].evidence[0].domain: \"BACKEN\" is not a discipline of this "
			"rubric; nearest: BACKEND\n"},
		{RUBRIC(DISCIPLINES, ", expertise: {strength: 0.000001}"), ""},
		{RUBRIC(DISCIPLINES, ", expertise: {strength: 1000000}"), ""},
	};
	char errors[4000];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		support_rubric_errors(cases[i].rubric, errors, sizeof(errors));
		if (strcmp(errors, cases[i].errors) != 0)
			fail_msg("rubric %zu: expected\n%sfound\n%s", i, cases[i].errors, errors);
	}
}

static void more_criteria_than_a_rubric_can_have_show_no_discipline(void **state)
{
	char rubric[4000] = "{name: r, scale: {min: 1, max: 5}, disciplines: [{id: A, shown_by: [c", errors[400];

	(void)state;
	for (size_t i = 0; i < 64; i++)
		strcat(rubric, ", c");
	strcat(rubric, "]}], criteria: [{id: c, weight: {base: 1}}]}");
	support_rubric_errors(rubric, errors, sizeof(errors));
	assert_string_equal(errors, "disciplines[0].shown_by: has 65 entries; allowed are at most 64\n");
}

static void the_engine_is_told_what_the_rubric_says(void **state)
{
	struct lf_rubric_version *version = support_rubric(
		"{name: r, scale: {min: 1, max: 5}, disciplines: [" DISCIPLINES ", {id: DATA}], expertise: {strength: "
		"2.5}, criteria: [{id: architecture, weight: {base: 1}, unknown_value: 0.4}, {id: interaction, weight: "
		"{base: 1}, unknown_value: 0}, {id: plain, weight: {base: 1}}, {id: coverage, derived: TEAM_COVERAGE, "
		"weight: {base: 1}}]}");
	const struct lf_rubric_def *def = lf_rubric_def(version->compiled);

	(void)state;
	assert_true(def->expertise_strength >= 2.5 && def->expertise_strength <= 2.5);
	assert_int_equal(def->disciplines[0].shown_by_count, 1);
	assert_int_equal(def->disciplines[0].shown_by[0], 0);
	assert_int_equal(def->disciplines[1].shown_by_count, 2);
	assert_int_equal(def->disciplines[1].shown_by[0], 1);
	assert_int_equal(def->disciplines[1].shown_by[1], 0);
	assert_int_equal(def->disciplines[2].shown_by_count, 0);
	assert_true(def->criteria[0].unknown_value >= 0.4 && def->criteria[0].unknown_value <= 0.4);
	assert_false(def->criteria[0].unknown_unsaid);
	assert_false(def->criteria[1].unknown_unsaid);
	assert_true(def->criteria[2].unknown_unsaid);
	assert_false(def->criteria[3].unknown_unsaid);
	lf_rubric_version_release(version);
}

static void a_rubric_without_any_of_it_keeps_its_digest(void **state)
{
	struct lf_rubric_version *version = support_rubric(
		"{name: r, scale: {min: 1, max: 5}, sources: {PEER: 1, SELF: 0.5}, disciplines: [{id: BACKEND}, {id: "
		"FRONTEND}], traits: [{id: interaction_focus}], criteria: [{id: architecture, weight: {base: 1}}, {id: "
		"coverage, derived: TEAM_COVERAGE, weight: {base: 1}}]}");

	(void)state;
	/* As the first version that had none of these fields computed it. */
	assert_string_equal(version->digest_text, "35801125b95df8c6f6c2cccccaff5c8189c70aa97d415c37f35e52f896397b06");
	assert_true(lf_rubric_def(version->compiled)->expertise_strength <= 0);
	lf_rubric_version_release(version);
}

/* The domains of the first member's evidence, as the engine has them. */
static void domains_of(const char *rubric, const char *request, uint32_t *domains, size_t count)
{
	struct lf_rubric_version *version = support_rubric(rubric);
	struct support_case c;

	support_evaluate(&c, version, request);
	if (c.code != LF_OK)
		fail_msg("%s", c.error.message);
	assert_int_equal(c.evaluation.built.engine.members[0].evidence_count, count);
	for (size_t i = 0; i < count; i++)
		domains[i] = c.evaluation.built.engine.members[0].evidence[i].domain;
	support_clean_up(&c);
	lf_rubric_version_release(version);
}

#define EVIDENCE(more) "{criterion: architecture, rating: 4" more "}"
#define REQUEST(evidence) "{team: {id: t, members: [{id: a, evidence: [" evidence "]}]}, project: {id: p}}"

static void a_domain_is_one_of_the_rubrics_disciplines_with_or_without_expertise(void **state)
{
	static const char *const rubrics[] = {
		RUBRIC(DISCIPLINES, ", expertise: {strength: 1}"), RUBRIC(DISCIPLINES, "")};
	uint32_t domains[3];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		domains_of(rubrics[i],
			REQUEST(EVIDENCE(", domain: FRONTEND") ", " EVIDENCE("") ", " EVIDENCE(", domain: BACKEND")),
			domains, 3);
		assert_int_equal(domains[0], 1);
		assert_int_equal(domains[1], LF_NONE);
		assert_int_equal(domains[2], 0);
	}
}

static void a_rubric_without_disciplines_accepts_any_domain(void **state)
{
	uint32_t domains[3];

	(void)state;
	/* Two of its own: what its needs name; then those that the request brings. */
	domains_of("{name: r, scale: {min: 1, max: 5}, expertise: {strength: 1}, criteria: [{id: architecture, weight: "
		   "{base: 1}}, {id: fit, derived: DOMAIN_ALIGNMENT, weight: {base: 1}, needs: [{discipline: LAW, "
		   "base: 1}, {discipline: ART, base: 1}]}]}",
		REQUEST(EVIDENCE(", domain: ART") ", " EVIDENCE(", domain: MUSIC") ", " EVIDENCE(", domain: MUSIC")),
		domains, 3);
	assert_int_equal(domains[0], 1);
	assert_int_equal(domains[1], 2);
	assert_int_equal(domains[2], 2);
}

static void an_undeclared_domain_is_an_error_with_the_nearest_name(void **state)
{
	struct lf_rubric_version *version = support_rubric(RUBRIC(DISCIPLINES, ""));
	struct support_case c;

	(void)state;
	support_evaluate(&c, version,
		"{team: {id: t, members: [{id: a}, {id: b}, {id: c}, {id: d, evidence: [" EVIDENCE(
			", domain: FRONTED") ", " EVIDENCE(", domain: \"a\\tb\"") "]}]}, project: {id: p}}");
	assert_int_equal(c.code, LF_INVALID_ARGUMENT);
	assert_int_equal(c.error.violation_count, 2);
	assert_string_equal(c.error.violations[0].field, "team.members[3].evidence[0].domain");
	assert_string_equal(
		c.error.violations[0].description, "\"FRONTED\" is not a discipline of this rubric; nearest: FRONTEND");
	assert_string_equal(c.error.violations[1].field, "team.members[3].evidence[1].domain");
	assert_string_equal(c.error.violations[1].description, "has a control character");
	support_clean_up(&c);
	lf_rubric_version_release(version);
}

static void an_ignored_domain_leaves_a_piece_that_shows_no_discipline(void **state)
{
	struct lf_rubric_version *version = support_rubric(RUBRIC(DISCIPLINES, ", expertise: {strength: 1}"));
	const struct lf_member *member;
	struct support_case c;

	(void)state;
	support_evaluate(&c, version,
		"{ignore_undeclared: true, team: {id: t, members: [{id: a, evidence: [{criterion: charm, rating: 3, "
		"domain: FRONTEND}, " EVIDENCE(", domain: LAW") ", " EVIDENCE("") "]}]}, project: {id: p}}");
	assert_int_equal(c.code, LF_OK);
	assert_int_equal(c.evaluation.built.ignored_count, 2);
	assert_string_equal(c.evaluation.built.ignored[0],
		"team.members[0].evidence[0].criterion: \"charm\" is not a criterion of this rubric");
	assert_string_equal(c.evaluation.built.ignored[1],
		"team.members[0].evidence[1].domain: \"LAW\" is not a discipline of this rubric");
	member = &c.evaluation.built.engine.members[0];
	assert_int_equal(member->evidence_count, 2);
	assert_int_equal(member->evidence[0].domain, LF_ELSEWHERE);
	assert_int_equal(member->evidence[1].domain, LF_NONE);
	assert_int_equal(lf_case_evidence_as_sent(version, c.request->team->members[0], 0), 1);
	assert_int_equal(lf_case_evidence_as_sent(version, c.request->team->members[0], 1), 2);
	support_clean_up(&c);
	lf_rubric_version_release(version);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_rubric_can_not_mean_is_refused_by_path),
		cmocka_unit_test(more_criteria_than_a_rubric_can_have_show_no_discipline),
		cmocka_unit_test(the_engine_is_told_what_the_rubric_says),
		cmocka_unit_test(a_rubric_without_any_of_it_keeps_its_digest),
		cmocka_unit_test(a_domain_is_one_of_the_rubrics_disciplines_with_or_without_expertise),
		cmocka_unit_test(a_rubric_without_disciplines_accepts_any_domain),
		cmocka_unit_test(an_undeclared_domain_is_an_error_with_the_nearest_name),
		cmocka_unit_test(an_ignored_domain_leaves_a_piece_that_shows_no_discipline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
