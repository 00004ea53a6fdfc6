/*
 * What is allowed in a rubric but probably not meant: each warning, by line and path, and nothing about rubrics that
 * mean it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "tests/service/support.h"

/* The warnings about a rubric: "LINE: FIELD: DESCRIPTION" lines into out. */
static void warnings_of(const char *yaml, char *out, size_t size)
{
	struct lf_error warnings = LF_ERROR_INIT;
	struct lf_rubric_version *version = support_rubric(yaml);
	size_t length = 0;

	*out = '\0';
	lf_rubric_version_warn(version, &warnings);
	lf_rubric_version_release(version);
	assert_int_equal(warnings.violation_count, warnings.violation_kept);
	for (size_t i = 0; i < warnings.violation_kept && length < size; i++)
		length += (size_t)snprintf(out + length, size - length, "%zu: %s: %s\n",
			lf_text_line_of(yaml, strlen(yaml), warnings.violations[i].field), warnings.violations[i].field,
			warnings.violations[i].description);
	lf_error_clean_up(&warnings);
}

static void the_shipped_rubric_has_no_warnings(void **state)
{
	struct lf_error warnings = LF_ERROR_INIT;
	struct lf_rubric_version *version = support_default_rubric();

	(void)state;
	lf_rubric_version_warn(version, &warnings);
	if (warnings.violation_count > 0)
		fail_msg("%s", warnings.message);
	lf_rubric_version_release(version);
}

#define SCENARIO                                                                                                       \
	"scenarios: [{name: s, team: {id: t, members: [{id: a}]}, project: {id: p}, expect: {outcome: "                \
	"RECOMMENDED}}]\n"

static void everything_that_is_probably_not_meant_is_told_by_line(void **state)
{
	static const char rubric[] =
		"name: r\n"
		"scale: {min: 1, max: 5}\n"
		"half_life_days: 0.5\n"
		"sources: {PEER: 1,\n"
		"  SELF: 0}\n"
		"disciplines:\n"
		"  - {id: A, title: Same}\n"
		"  - {id: B, title: Same}\n"
		"  - {id: C}\n"
		"  - {id: D, covers: {A: 0.5}}\n"
		"traits:\n"
		"  - {id: used, title: Trait}\n"
		"  - {id: idle, title: Trait}\n"
		"criteria:\n"
		"  - id: flat\n"
		"    title: One\n"
		"    weight: {base: 1}\n"
		"    curve: [{rating: 1, value: 0.5}, {rating: 5, value: 0.5}]\n"
		"    levels:\n"
		"      1: low\n"
		"      4: high\n"
		"  - id: never\n"
		"    title: One\n"
		"    weight: {base: -0.3, traits: {used: 0.3}}\n"
		"    curve:\n"
		"      - {rating: 2}\n"
		"      - {rating: 4, value: 1}\n"
		"    prior:\n"
		"      strength: 0\n"
		"      mean: {A: 3}\n"
		"  - id: fit\n"
		"    derived: DOMAIN_ALIGNMENT\n"
		"    weight: {base: 1}\n"
		"    needs:\n"
		"      - {discipline: A, base: 1}\n"
		"      - discipline: B\n"
		"        base: -1\n"
		"  - {id: cover, derived: TEAM_COVERAGE, weight: {base: 1}}\n"
		"  - {id: again, derived: TEAM_COVERAGE, weight: {base: 1}}\n"
		"gates:\n"
		"  - {criterion: flat, at_least: 1}\n"
		"  - {criterion: fit, at_least: 0}\n"
		"  - {availability_at_least: 0}\n"
		"  - {criterion: flat, at_least: 2}\n"
		"robustness: {samples: 16}\n"
		"thresholds:\n"
		"  margin: 1\n"
		"  first_rank_share: 1\n"
		"scenarios:\n"
		"  - {name: s, team: {id: t, members: [{id: a}]}, project: {id: p}, expect: {}}\n"
		"  - {name: s, team: {id: t, members: [{id: a}]}, project: {id: p}, expect: {first: a}}\n";
	char warnings[8000];

	(void)state;
	warnings_of(rubric, warnings, sizeof(warnings));
	assert_string_equal(warnings,
		"5: sources[\"SELF\"]: is 0: evidence from this source counts for nothing\n"
		"3: half_life_days: 0.5 of a day: evidence of last week would count for next to nothing\n"
		"8: disciplines[1].title: \"Same\" is the title of A, too: people can't tell them apart\n"
		"13: traits[1].title: \"Trait\" is the title of used, too: people can't tell them apart\n"
		"23: criteria[1].title: \"One\" is the title of flat, too: people can't tell them apart\n"
		"13: traits[1]: idle moves nothing: no weight and no need names it\n"
		"18: criteria[0].curve: every rating is worth 0.5: this criterion tells nobody apart\n"
		"15: criteria[0]: has no prior: it counts 0 for everybody without evidence, as the lowest rating "
		"would; unknown_value says what it counts\n"
		"24: criteria[1].weight: can never be above 0, whatever the traits: never never matters\n"
		"26: criteria[1].curve[0].rating: flat from 1, the scale's min: no rating up to 2 differs from "
		"another\n"
		"27: criteria[1].curve[1].rating: flat up to 5, the scale's max: no rating from 4 on differs from "
		"another\n"
		"36: criteria[2].needs[1]: can never be above 0, whatever the traits: B is never needed\n"
		"39: criteria[4].derived: always has the value of cover: the same is counted twice\n"
		"41: gates[0].at_least: is the scale's min: everybody passes but those without any evidence on the "
		"criterion\n"
		"42: gates[1].at_least: is 0: everybody passes\n"
		"43: gates[2].availability_at_least: is 0: everybody passes\n"
		"44: gates[3]: asks for the same thing as gates[0]: only the higher of the two matters\n"
		"45: robustness: has neither weight_spread, weights_unknown nor rating_spread: nothing is perturbed, "
		"and every "
		"first-rank share is 0 or 1, or that of a tie\n"
		"47: thresholds.margin: 1 is so high that hardly anybody could ever be recommended: scores go from 0 "
		"to 1\n"
		"48: thresholds.first_rank_share: 1 is so high that only who ranks first in every perturbation could "
		"be recommended\n"
		"9: disciplines[2]: no prior and no need names C, though they name others\n"
		"19: criteria[0].levels: no text says what 5 means, the scale's max\n"
		"29: criteria[1].prior.strength: is 0: the expected ratings count for nothing\n"
		"50: scenarios[0].expect: expects nothing: this scenario can't fail\n"
		"51: scenarios[1].name: is the name of scenarios[0], too\n");
}

static void some_depend_on_what_else_the_rubric_has(void **state)
{
	static const struct {
		const char *rubric, *warnings;
	} cases[] = {
		{"{name: r, scale: {min: 1, max: 5}, criteria: [{id: c, weight: {base: 1}, unknown_value: 0}]}",
			"0: scenarios: none: nothing shows that this rubric answers as it is meant to\n"},
		/* A prior makes the rating known, so that nobody fails the gate. */
		{"name: r\nscale: {min: 1, max: 5}\ncriteria: [{id: c, weight: {base: 1}, prior: {strength: 1}}]\n"
		 "gates: [{criterion: c, at_least: 1}]\n" SCENARIO,
			"4: gates[0].at_least: is the scale's min: everybody passes\n"},
		/* Without priors the share can be reached, with them hardly. */
		{"name: r\nscale: {min: 1, max: 5}\ncriteria: [{id: c, weight: {base: 1}, unknown_value: "
		 "0}]\nthresholds: "
		 "{evidence_share: 1}\n" SCENARIO,
			""},
		{"name: r\nscale: {min: 1, max: 5}\ncriteria: [{id: c, weight: {base: 1}, prior: {strength: 1}}]\n"
		 "thresholds: {evidence_share: 1, co_lead_gain: 0.5}\n" SCENARIO,
			"4: thresholds.evidence_share: 1 is so high that hardly anybody could have evidence enough: "
			"the priors always weigh "
			"something\n"
			"4: thresholds.co_lead_gain: 0.5 is so high that a co-lead would hardly ever be named\n"},
		{"name: r\nscale: {min: 1, max: 5}\ncriteria: [{id: c, derived: TEAM_COVERAGE, weight: {base: 1}}]\n"
		 "thresholds: {evidence_share: 0.1}\n" SCENARIO,
			"4: thresholds.evidence_share: no criterion is rated: every answer would be "
			"INSUFFICIENT_EVIDENCE\n"},
		/* A trait that only a need names moves something; nothing is named, so no discipline is left out. */
		{"name: r\nscale: {min: 1, max: 5}\ntraits: [{id: t}]\ndisciplines: [{id: A}]\ncriteria: [{id: c, "
		 "derived: DOMAIN_ALIGNMENT, "
		 "weight: {base: 1}, needs: [{discipline: A, traits: {t: 1}}]}]\n" SCENARIO,
			""},
		{"name: r\nscale: {min: 1, max: 5}\ndisciplines: [{id: A}]\ncriteria: [{id: c, weight: {base: "
		 "1}, unknown_value: 0}]\n" SCENARIO,
			""},
		/* What labels weigh, where nothing outweighs them. */
		{"name: r\nscale: {min: 1, max: 5}\ndisciplines:\n  - {id: A,\n    shown_by: [c]}\ncriteria: [{id: "
		 "c, weight: {base: 1}, prior: {strength: 1}}]\n" SCENARIO,
			"5: disciplines[0].shown_by: never counts: the rubric has no expertise, so labels decide\n"},
		{"name: r\nscale: {min: 1, max: 5}\ncriteria: [{id: c, weight: {base: 1}, prior: {strength: 1}}]\n"
		 "expertise: {strength: 1}\n" SCENARIO,
			"4: expertise: never counts: no criterion with a weight is derived from disciplines\n"},
		{"name: r\nscale: {min: 1, max: 5}\ndisciplines:\n  - {id: A, shown_by: [c]}\n  - {id: B}\n  - {id: C, "
		 "covers: {A: 0.5}}\ncriteria: [{id: c, weight: {base: 1}, prior: {strength: 1}}, {id: d, derived: "
		 "DOMAIN_ALIGNMENT, weight: {base: 1}, needs: [{discipline: A, base: 1}, {discipline: B, base: "
		 "1}]}]\nexpertise: {strength: 1}\n" SCENARIO,
			"7: criteria[1].needs[1]: B is shown by no criterion: only a label, or evidence that names it "
			"as "
			"its domain, counts\n"},
		{"name: r\nscale: {min: 1, max: 5}\ncriteria:\n  - {id: c, weight: {base: 1}, unknown_value: 0.5, "
		 "prior: {strength: 1}}\n" SCENARIO,
			"4: criteria[0].unknown_value: never counts: the prior does where there is no evidence\n"},
		{"name: r\nscale: {min: 1, max: 5}\ncriteria: [{id: c, weight: {base: 1}, unknown_value: "
		 "0}]\nrobustness: "
		 "{rating_spread: 0.1}\n"
		 "thresholds: {first_rank_share: 0.6}\n" SCENARIO,
			""},
	};
	char warnings[4000];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		warnings_of(cases[i].rubric, warnings, sizeof(warnings));
		if (strcmp(warnings, cases[i].warnings) != 0)
			fail_msg("rubric %zu: expected\n%s, found\n%s", i, cases[i].warnings, warnings);
	}
}

static void a_weight_that_rounding_alone_leaves_is_none(void **state)
{
	char errors[1000];

	(void)state;
	support_rubric_errors("{name: r, scale: {min: 1, max: 5}, traits: [{id: t}, {id: u}], "
			      "criteria: [{id: c, weight: {base: -0.3, traits: {t: 0.1, u: 0.2}}}]}",
		errors, sizeof(errors));
	assert_string_equal(
		errors, "criteria: no weight can be above 0, whatever the traits: nothing could be scored\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_shipped_rubric_has_no_warnings),
		cmocka_unit_test(everything_that_is_probably_not_meant_is_told_by_line),
		cmocka_unit_test(some_depend_on_what_else_the_rubric_has),
		cmocka_unit_test(a_weight_that_rounding_alone_leaves_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
