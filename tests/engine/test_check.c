/* lf_rubric_check(): a sound rubric passes, and each thing that is wrong is reported where it is, with what is allowed.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "tests/engine/example.h"

struct reports {
	size_t count;
	char text[4096]; /* "field: description\n" each */
};

static void collect(void *context, const char *field, const char *description)
{
	struct reports *reports = context;
	size_t used = strlen(reports->text);

	(void)snprintf(reports->text + used, sizeof(reports->text) - used, "%s: %s\n", field, description);
	reports->count++;
}

static void expect(const struct example *e, const char *text)
{
	struct reports reports = {0};
	size_t count = lf_rubric_check(&e->def, collect, &reports);

	assert_string_equal(reports.text, text);
	assert_int_equal(count, reports.count);
}

static void a_sound_rubric_has_nothing_to_report(void **state)
{
	static const struct lf_curve_point curve[] = {{1, 0}, {3, 0.5}, {5, 0.5}};
	struct example e;

	(void)state;
	example_init(&e);
	e.criteria[TALK].curve = curve;
	e.criteria[TALK].curve_count = 3;
	e.gates[0] = (struct lf_gate_def){LF_NONE, 1};
	e.gates[1] = (struct lf_gate_def){SKILL, 5};
	e.def.gate_count = 2;
	expect(&e, "");
}

static void scale_and_half_life(void **state)
{
	struct example e;

	(void)state;
	example_init(&e);
	e.criteria[SKILL].prior_strength = 0;
	e.criteria[SKILL].prior_mean = NULL;
	e.def.scale_min = 5;
	e.def.half_life_days = -1;
	expect(&e,
		"scale.max: 5 is not above 5, the scale's min\n"
		"half_life_days: -1 is outside 0..1000000\n");
	e.def.scale_min = NAN;
	e.def.scale_max = INFINITY;
	e.def.half_life_days = 0;
	expect(&e,
		"scale.min: NaN is outside -1000000..1000000\n"
		"scale.max: infinity is outside -1000000..1000000\n");
}

static void sources_covers_and_trait_defaults(void **state)
{
	struct example e;

	(void)state;
	example_init(&e);
	e.source_weights[SELF] = -0.4;
	e.full_covers[FRONT] = 1.5;
	e.trait_defs[FOCUS].default_value = 2;
	expect(&e,
		"sources[\"SELF\"]: -0.4 is outside 0..1000000\n"
		"disciplines[2].covers[\"FRONT\"]: 1.5 is outside 0..1\n"
		"traits[0].default: 2 is outside 0..1\n");
}

static void curves_rise_and_stay_on_the_scale(void **state)
{
	static const struct lf_curve_point falling[] = {{1, 0.5}, {3, 0.4}, {3, 1.2}, {7, 1}};
	static const struct lf_curve_point lonely[] = {{1, 0.5}};
	struct example e;

	(void)state;
	example_init(&e);
	e.criteria[TALK].curve = falling;
	e.criteria[TALK].curve_count = 4;
	expect(&e,
		"criteria[1].curve[1].value: 0.4 is below 0.5, the value of the point before it: "
		"a higher rating may not be worth less\n"
		"criteria[1].curve[2].value: 1.2 is outside 0..1\n"
		"criteria[1].curve[2].rating: 3 is not above 3, the rating of the point before it\n"
		"criteria[1].curve[3].rating: 7 is outside 1..5\n"
		"criteria[1].curve[3].value: 1 is below 1.2, the value of the point before it: "
		"a higher rating may not be worth less\n");
	e.criteria[TALK].curve = lonely;
	e.criteria[TALK].curve_count = 1;
	expect(&e, "criteria[1].curve: 1 point; a curve has at least 2\n");
	e.criteria[TALK].curve_count = 0;
	expect(&e, "criteria[1].curve: 0 points; a curve has at least 2\n");
}

static void weights_are_finite_and_one_can_be_positive(void **state)
{
	struct example e;

	(void)state;
	example_init(&e);
	e.criteria[SKILL].weight.base = NAN;
	e.weight_by_trait[COVER][FOCUS] = 1e300;
	expect(&e,
		"criteria[0].weight.base: NaN is outside -1000000..1000000\n"
		"criteria[3].weight.traits[\"focus\"]: 1e+300 is outside -1000000..1000000\n");
	example_init(&e);
	for (size_t j = 0; j < EXAMPLE_CRITERIA; j++) {
		e.criteria[j].weight.base = -1;
		e.weight_by_trait[j][FOCUS] = 1;
	}
	expect(&e, "criteria: no weight can be above 0, whatever the traits: nothing could be scored\n");
	e.weight_by_trait[COVER][FOCUS] = 1.01;
	expect(&e, "");
	e.def.criterion_count = 0;
	expect(&e, "criteria: none; a rubric has at least 1\n");
}

static void priors_lie_on_the_scale(void **state)
{
	struct example e;

	(void)state;
	example_init(&e);
	e.criteria[SKILL].prior_strength = -2;
	e.criteria[SKILL].prior_default_mean = 0;
	e.prior_mean[FRONT] = 5.5;
	expect(&e,
		"criteria[0].prior.strength: -2 is outside 0..1000000\n"
		"criteria[0].prior.default_mean: 0 is outside 1..5\n"
		"criteria[0].prior.mean[\"FRONT\"]: 5.5 is outside 1..5\n");
}

static void derived_criteria_have_no_curve_and_no_prior(void **state)
{
	static const struct lf_curve_point curve[] = {{1, 0}, {5, 1}};
	struct example e;

	(void)state;
	example_init(&e);
	e.criteria[COVER].curve = curve;
	e.criteria[COVER].curve_count = 2;
	e.criteria[FIT].prior_strength = 1;
	expect(&e,
		"criteria[2].prior: a derived criterion has no prior\n"
		"criteria[3].curve: a derived criterion has no curve\n");
}

static void only_alignment_has_needs_and_some_can_be_positive(void **state)
{
	struct example e;

	(void)state;
	example_init(&e);
	e.criteria[TALK].needs = e.needs;
	e.criteria[TALK].need_count = 2;
	expect(&e, "criteria[1].needs: only a criterion derived as DOMAIN_ALIGNMENT has needs\n");
	example_init(&e);
	e.criteria[FIT].need_count = 0;
	expect(&e, "criteria[2].needs: none; a criterion derived as DOMAIN_ALIGNMENT has at least 1\n");
	example_init(&e);
	e.needs[0].amount.base = -0.8;
	e.needs[1].amount.base = 0;
	expect(&e, "criteria[2].needs: none can be above 0, whatever the traits: everybody would have alignment 0\n");
	example_init(&e);
	e.needs[1].discipline = FRONT;
	e.need_by_trait[1][FOCUS] = -INFINITY;
	expect(&e,
		"criteria[2].needs[1].discipline: has a need above already\n"
		"criteria[2].needs[1].traits[\"focus\"]: -infinity is outside -1000000..1000000\n");
	example_init(&e);
	e.needs[1].discipline = 3;
	expect(&e, "criteria[2].needs[1].discipline: is not a discipline of this rubric\n");
}

static void gates_can_be_passed(void **state)
{
	struct example e;

	(void)state;
	example_init(&e);
	e.gates[0] = (struct lf_gate_def){SKILL, 5.5};
	e.gates[1] = (struct lf_gate_def){COVER, 2};
	e.gates[2] = (struct lf_gate_def){LF_NONE, 1.1};
	e.gates[3] = (struct lf_gate_def){9, 1};
	e.def.gate_count = 4;
	expect(&e,
		"gates[0].at_least: 5.5 is outside 1..5\n"
		"gates[1].at_least: 2 is outside 0..1\n"
		"gates[2].availability_at_least: 1.1 is outside 0..1\n"
		"gates[3].criterion: is not a criterion of this rubric\n");
}

static void thresholds_and_kinds(void **state)
{
	struct example e;

	(void)state;
	example_init(&e);
	e.def.threshold_margin = -1e-9;
	e.def.threshold_evidence_share = 1.000001;
	e.def.aggregation = (enum lf_aggregation)3;
	e.criteria[TALK].derived = (enum lf_derived)3;
	expect(&e,
		"criteria[1].derived: is none of RATED, DOMAIN_ALIGNMENT, TEAM_COVERAGE\n"
		"aggregation: is none of ADDITIVE, HARMONIC, MINIMUM\n"
		"thresholds.margin: -1e-9 is outside 0..1\n"
		"thresholds.evidence_share: 1.000001 is outside 0..1\n");
}

static void a_first_rank_share_needs_robustness(void **state)
{
	struct example e;

	(void)state;
	example_init(&e);
	e.def.threshold_first_rank_share = 0.6;
	expect(&e,
		"thresholds.first_rank_share: can't be computed without robustness, which this rubric does not have\n");
	e.def.robustness = (struct lf_robustness_def){.samples = 16, .rating_spread = 0.1};
	expect(&e, "");
}

static void what_is_compiled_is_a_deep_copy(void **state)
{
	struct example e;
	const struct lf_rubric_def *def;

	(void)state;
	example_init(&e);
	e.def.gate_count = 1;
	e.gates[0] = (struct lf_gate_def){SKILL, 2};
	example_prepare(&e);
	e.criteria[SKILL].weight.base = 77;
	e.prior_mean[BACK] = 77;
	e.gates[0].at_least = 77;
	e.source_weights[SELF] = 77;
	def = lf_rubric_def(e.rubric);
	assert_string_equal(def->name, "example");
	assert_true(def->criteria[SKILL].weight.base == 0.25);
	assert_true(def->criteria[SKILL].weight.by_trait[FOCUS] == 0.5);
	assert_true(def->criteria[SKILL].prior_mean[BACK] == 3.5);
	assert_true(def->criteria[FIT].needs[0].amount.by_trait[FOCUS] == 0.8);
	assert_true(def->disciplines[FULL].covers[BACK] == 0.7);
	assert_true(def->gates[0].at_least == 2);
	assert_true(def->source_weights[SELF] == 0.4);
	assert_string_equal(def->source_ids[SELF], "SELF");
	assert_string_equal(def->traits[FOCUS].title, "Interaction focus");
	example_clean_up(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sound_rubric_has_nothing_to_report),
		cmocka_unit_test(scale_and_half_life),
		cmocka_unit_test(sources_covers_and_trait_defaults),
		cmocka_unit_test(curves_rise_and_stay_on_the_scale),
		cmocka_unit_test(weights_are_finite_and_one_can_be_positive),
		cmocka_unit_test(priors_lie_on_the_scale),
		cmocka_unit_test(derived_criteria_have_no_curve_and_no_prior),
		cmocka_unit_test(only_alignment_has_needs_and_some_can_be_positive),
		cmocka_unit_test(gates_can_be_passed),
		cmocka_unit_test(thresholds_and_kinds),
		cmocka_unit_test(a_first_rank_share_needs_robustness),
		cmocka_unit_test(what_is_compiled_is_a_deep_copy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
