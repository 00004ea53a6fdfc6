/* Weights from judgement: published cases, properties over random judgements, and everything that people get wrong. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/calc/judgement.h"
#include "proto/text/json.h"
#include "proto/base/buffer.h"

enum { ARENA_BYTES = 16 * 1024 * 1024 };

struct fixture {
	struct lf_arena arena;
	struct lf_error error;
	struct lf_judgement judgement;
	enum lf_code code;
};

static void evaluate(struct fixture *f, const char *yaml)
{
	const Leadfit__V1__Judgement *message;

	memset(f, 0, sizeof(*f));
	lf_arena_init(&f->arena, ARENA_BYTES);
	message = (const Leadfit__V1__Judgement *)lf_text_parse(
		LF_FORMAT_YAML, &leadfit__v1__judgement__descriptor, yaml, strlen(yaml), &f->arena, &f->error);
	if (message == NULL)
		fail_msg("%s", f->error.message);
	f->code = lf_judgement_evaluate(&f->judgement, message, &f->arena, &f->error);
}

static void clean_up(struct fixture *f)
{
	lf_error_clean_up(&f->error);
	lf_arena_clean_up(&f->arena);
}

/*
 * "Choose a leader", as R's package ahp (gluc/ahp) carries it; consistency .044 with the random index .90, .045 with
 * .882.
 */
static void the_published_leader_example_has_its_weights(void **state)
{
	static const double expected[] = {0.548, 0.127, 0.270, 0.056};
	struct fixture f;

	(void)state;
	evaluate(&f,
		"criteria: [Exp, Edu, Char, Age]\n"
		"comparisons:\n"
		"  - {a: Exp, b: Edu, ratio: 4}\n"
		"  - {a: Exp, b: Char, ratio: 3}\n"
		"  - {a: Exp, b: Age, ratio: 7}\n"
		"  - {a: Char, b: Edu, ratio: 3}\n"
		"  - {a: Edu, b: Age, ratio: 3}\n"
		"  - {a: Char, b: Age, ratio: 5}\n");
	assert_int_equal(f.code, LF_OK);
	for (size_t i = 0; i < 4; i++)
		assert_true(fabs(f.judgement.weights[i] - expected[i]) <= 0.001);
	assert_true(fabs(f.judgement.lambda_max - 4.118) <= 0.0005);
	assert_true(fabs(f.judgement.consistency_ratio - 0.045) <= 0.0005);
	assert_true(fabs(f.judgement.consistency_index / 0.90 - 0.044) <= 0.0005);
	clean_up(&f);
}

/*
 * The matrix of R's package MCDA (cran/MCDA, pairwiseConsistencyMeasures): .164 with the random index .882, .161 with
 * .90.
 */
static void the_published_inconsistent_matrix_has_its_ratio(void **state)
{
	struct fixture f;

	(void)state;
	evaluate(&f,
		"criteria: [a, b, c, d]\n"
		"comparisons:\n"
		"  - {a: a, b: b, ratio: 1/4}\n"
		"  - {a: a, b: c, ratio: 4}\n"
		"  - {a: a, b: d, ratio: 1/6}\n"
		"  - {a: b, b: c, ratio: 4}\n"
		"  - {a: b, b: d, ratio: 1/4}\n"
		"  - {a: c, b: d, ratio: 1/5}\n");
	assert_int_equal(f.code, LF_OK);
	assert_true(fabs(f.judgement.lambda_max - 4.4347) <= 0.00005);
	assert_true(fabs(f.judgement.consistency_ratio - 0.164) <= 0.0005);
	assert_true(fabs(f.judgement.consistency_index / 0.90 - 0.161) <= 0.0005);
	/* |ln| of the four triples: abc ln 4, abd ln 2.67, acd ln 4.8, bcd ln 3.2. */
	assert_true(f.judgement.has_worst);
	assert_int_equal(f.judgement.worst.i, 0);
	assert_int_equal(f.judgement.worst.j, 2);
	assert_int_equal(f.judgement.worst.k, 3);
	assert_true(fabs(f.judgement.worst.product - 4.8) <= 1e-12);
	clean_up(&f);
}

static void the_random_indices_are_those_that_are_stated(void **state)
{
	static const double expected[] = {0, 0, 0.525, 0.882, 1.115, 1.252, 1.341, 1.404, 1.452, 1.484};

	(void)state;
	for (size_t n = 1; n <= 10; n++)
		assert_true(fabs(lf_random_index(n) - expected[n - 1]) <= 0);
	assert_true(isnan(lf_random_index(11)));
}

static void points_are_divided_by_their_sum(void **state)
{
	struct fixture f;

	(void)state;
	evaluate(&f, "direct: {b: 30, a: 50, c: 20, d: 0}");
	assert_int_equal(f.code, LF_OK);
	assert_false(f.judgement.compared);
	assert_string_equal(f.judgement.criteria[0], "a");
	assert_true(fabs(f.judgement.weights[0] - 0.5) <= 0 && fabs(f.judgement.weights[1] - 0.3) <= 0);
	assert_true(fabs(f.judgement.weights[3]) <= 0);
	clean_up(&f);
	evaluate(&f, "{criteria: [b, a], direct: {a: 1, b: 3}}");
	assert_int_equal(f.code, LF_OK);
	assert_string_equal(f.judgement.criteria[0], "b");
	assert_true(fabs(f.judgement.weights[0] - 0.75) <= 0);
	clean_up(&f);
}

static void one_or_two_criteria_cannot_contradict_themselves(void **state)
{
	struct fixture f;

	(void)state;
	evaluate(&f, "{criteria: [a, b], comparisons: [{a: a, b: b, ratio: 3}]}");
	assert_int_equal(f.code, LF_OK);
	assert_true(fabs(f.judgement.weights[0] - 0.75) <= 1e-12);
	assert_true(fabs(f.judgement.consistency_ratio) <= 0);
	assert_false(f.judgement.has_worst);
	clean_up(&f);
	evaluate(&f, "{criteria: [a]}");
	assert_int_equal(f.code, LF_OK);
	assert_true(fabs(f.judgement.weights[0] - 1) <= 0);
	clean_up(&f);
}

static void ratios_are_numbers_and_fractions(void **state)
{
	static const struct {
		const char *text;
		double ratio;
	} good[] = {{"3", 3}, {"0.25", 0.25}, {"1/4", 0.25}, {"2.5/5", 0.5}, {"9", 9}};
	static const char *const bad[] = {"", "/", "1/", "/2", "0", "0/3", "1/0", "-1", "+1", ".5", "1e3", "1/2/3",
		"three", "nan", "inf", "1.2.3", "11111111111111111111111111111111111111111", "0x3", " 3", "3 "};
	double ratio;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_true(lf_ratio_parse(good[i].text, &ratio));
		assert_true(fabs(ratio - good[i].ratio) <= 0);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (lf_ratio_parse(bad[i], &ratio))
			fail_msg("\"%s\" is taken for a ratio", bad[i]);
}

static void everything_wrong_is_named_at_once(void **state)
{
	static const struct {
		const char *yaml, *errors;
	} cases[] = {
		{"{}", ": has neither comparisons nor direct points: 1..64 criteria are allowed\n"},
		{"{comparisons: [{a: x, b: y, ratio: 2}]}", "criteria: 1..64 criteria are allowed\n"},
		{"{criteria: [x], comparisons: [{a: x, b: x, ratio: 2}], direct: {x: 1}}",
			"direct: stands beside comparisons: either is allowed, not both\n"},
		{"{criteria: [experience, age, experience, \"\"], comparisons: [{a: experience, b: age, ratio: 2}]}",
			"criteria[2]: \"experience\" stands twice\n"
			"criteria[3]: a name is required\n"
			"comparisons: experience and experience are not compared\n"
			"comparisons: experience and  are not compared\n"
			"comparisons: age and experience are not compared\n"
			"comparisons: age and  are not compared\n"
			"comparisons: experience and  are not compared\n"},
		{"{criteria: [experience, age, depth], comparisons: [{a: experience, b: age, ratio: 0}, {a: age, b: "
		 "experience, ratio: 1/2},\n"
		 " {a: experienc, b: nothing, ratio: 10}, {a: age, b: age, ratio: 1}, {a: depth, b: age, ratio: x}]}",
			"comparisons[0].ratio: \"0\" is not a ratio such as 3, 0.25 or 1/4\n"
			"comparisons[1]: age and experience are compared in comparisons[0] already, which says "
			"otherwise\n"
			"comparisons[2].a: \"experienc\" is not among the criteria; nearest: experience\n"
			"comparisons[2].b: \"nothing\" is not among the criteria\n"
			"comparisons[2].ratio: 10 is outside 1/9..9\n"
			"comparisons[3]: compares age with itself\n"
			"comparisons[4].ratio: \"x\" is not a ratio such as 3, 0.25 or 1/4\n"
			"comparisons: experience and depth are not compared\n"},
		{"{criteria: [a, b], comparisons: [{a: a, b: b, ratio: 2}, {a: b, b: a, ratio: 1/2}]}",
			"comparisons[1]: b and a are compared in comparisons[0] already\n"},
		{"{criteria: [age, depth], direct: {age: -1, dept: 2}}",
			"direct[\"age\"]: -1 is outside 0..1000000\n"
			"direct[\"dept\"]: \"dept\" is not among the criteria; nearest: depth\n"
			"direct: depth has no points\n"},
		{"{direct: {a: 0, b: 0}}", "direct: all points are 0: nothing would count\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct fixture f;
		char errors[4000] = "";
		size_t length = 0;

		evaluate(&f, cases[i].yaml);
		assert_int_equal(f.code, LF_INVALID_ARGUMENT);
		for (size_t v = 0; v < f.error.violation_kept; v++)
			length += (size_t)snprintf(errors + length, sizeof(errors) - length, "%s: %s\n",
				f.error.violations[v].field, f.error.violations[v].description);
		assert_string_equal(errors, cases[i].errors);
		clean_up(&f);
	}
}

/* ---- random judgements ---- */

static uint64_t next_random(uint64_t *seed)
{
	uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/*
 * Random comparisons of n criteria, 1/9..9; where true_weights is not NULL, those that they make, without
 * contradiction.
 */
static char *random_yaml(uint64_t *seed, size_t n, const double *true_weights)
{
	struct lf_buffer text = {0};
	char line[160];

	lf_buffer_append_text(&text, "criteria: [");
	for (size_t i = 0; i < n; i++) {
		snprintf(line, sizeof(line), "%sc%zu", i == 0 ? "" : ", ", i);
		lf_buffer_append_text(&text, line);
	}
	lf_buffer_append_text(&text, "]\ncomparisons:\n");
	for (size_t i = 0; i < n; i++)
		for (size_t j = i + 1; j < n; j++) {
			const unsigned up = 1 + (unsigned)(next_random(seed) % 9),
				       down = 1 + (unsigned)(next_random(seed) % 9);

			if (true_weights != NULL)
				snprintf(line, sizeof(line), "  - {a: c%zu, b: c%zu, ratio: \"%.17g/%.17g\"}\n", i, j,
					true_weights[i], true_weights[j]);
			else
				snprintf(line, sizeof(line), "  - {a: c%zu, b: c%zu, ratio: %u/%u}\n", i, j,
					up > down ? up : 1, up > down ? 1 : down);
			lf_buffer_append_text(&text, line);
		}
	assert_false(text.failed);
	return text.data;
}

static void the_weights_are_the_principal_eigenvector_of_any_comparisons(void **state)
{
	const char *given = getenv("LF_TEST_SEED");
	uint64_t seed = given != NULL ? strtoull(given, NULL, 0) : 17;

	(void)state;
	print_message("LF_TEST_SEED=%llu\n", (unsigned long long)seed);
	for (size_t round = 0; round < 400; round++) {
		const size_t n = 3 + (size_t)(next_random(&seed) % 12);
		char *yaml = random_yaml(&seed, n, NULL);
		struct fixture f;
		double sum = 0;
		const struct lf_judgement *judgement;

		evaluate(&f, yaml);
		assert_int_equal(f.code, LF_OK);
		judgement = &f.judgement;
		assert_true(judgement->lambda_max >= (double)n - 1e-9);
		for (size_t i = 0; i < n; i++) {
			double product = 0;

			for (size_t j = 0; j < n; j++)
				product += judgement->matrix[i * n + j] * judgement->weights[j];
			assert_true(judgement->weights[i] > 0);
			assert_true(fabs(product - judgement->lambda_max * judgement->weights[i]) <= 1e-9);
			sum += judgement->weights[i];
		}
		assert_true(fabs(sum - 1) <= 1e-12);
		assert_true(n <= 10 ? judgement->consistency_ratio >= 0 : isnan(judgement->consistency_ratio));
		/* No triple is worse than the one that is named. */
		for (size_t i = 0; i < n; i++)
			for (size_t j = 0; j < n; j++)
				for (size_t k = 0; k < n; k++)
					assert_true(
						fabs(log(judgement->matrix[i * n + j] * judgement->matrix[j * n + k] *
							judgement->matrix[k * n + i])) <=
						fabs(log(judgement->worst.product)) + 1e-9);
		clean_up(&f);
		free(yaml);
	}
}

static void comparisons_that_agree_give_back_the_weights_that_they_came_from(void **state)
{
	uint64_t seed = 23;

	(void)state;
	for (size_t round = 0; round < 200; round++) {
		const size_t n = 2 + (size_t)(next_random(&seed) % 9);
		double weights[10], sum = 0;
		struct fixture f;
		char *yaml;

		for (size_t i = 0; i < n; i++)
			sum += weights[i] = 1 + (double)(next_random(&seed) % 7) + (double)(next_random(&seed) % 2) / 2;
		yaml = random_yaml(&seed, n, weights);
		evaluate(&f, yaml);
		assert_int_equal(f.code, LF_OK);
		for (size_t i = 0; i < n; i++)
			assert_true(fabs(f.judgement.weights[i] - weights[i] / sum) <= 1e-11);
		assert_true(f.judgement.consistency_ratio <= 1e-9);
		clean_up(&f);
		free(yaml);
	}
}

/* What is told of a weight is what was judged: pasted into a rubric, each counts, and as much as it was meant to. */
static void weights_keep_the_digits_that_tell_them_apart(void **state)
{
	static const struct {
		const char *yaml;
		unsigned decimals;
		double told[3]; /* by name */
	} cases[] = {
		{"direct: {a: 50, b: 30, c: 20}", 3, {0.5, 0.3, 0.2}},
		{"direct: {a: 10000, b: 1, c: 4}", 4, {0.9995, 0.0001, 0.0004}},
		{"direct: {a: 33334, b: 33333, c: 33333}", 5, {0.33334, 0.33333, 0.33333}},
		{"direct: {a: 1, b: 1, c: 1}", 3, {0.333, 0.333, 0.333}},
		{"direct: {a: 1, b: 0, c: 1e-300}", 13, {1, 0, 1e-300}},
		{"criteria: [a, b, c]\ncomparisons: [{a: a, b: b, ratio: 1}, {a: a, b: c, ratio: 1}, {a: b, b: c, "
		 "ratio: "
		 "1}]",
			3, {0.333, 0.333, 0.333}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct fixture f;
		unsigned decimals;

		evaluate(&f, cases[i].yaml);
		assert_int_equal(f.code, LF_OK);
		decimals = lf_judgement_decimals(&f.judgement);
		assert_int_equal(decimals, cases[i].decimals);
		for (size_t k = 0; k < 3; k++)
			assert_true(lf_judgement_weight(&f.judgement, k, decimals) == cases[i].told[k]);
		clean_up(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_published_leader_example_has_its_weights),
		cmocka_unit_test(the_published_inconsistent_matrix_has_its_ratio),
		cmocka_unit_test(the_random_indices_are_those_that_are_stated),
		cmocka_unit_test(points_are_divided_by_their_sum),
		cmocka_unit_test(weights_keep_the_digits_that_tell_them_apart),
		cmocka_unit_test(one_or_two_criteria_cannot_contradict_themselves),
		cmocka_unit_test(ratios_are_numbers_and_fractions),
		cmocka_unit_test(everything_wrong_is_named_at_once),
		cmocka_unit_test(the_weights_are_the_principal_eigenvector_of_any_comparisons),
		cmocka_unit_test(comparisons_that_agree_give_back_the_weights_that_they_came_from),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
