/* Numbers that were published elsewhere, to their last digit; each names its source. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include "tests/engine/plain.h"

static struct plain p;

static void rate_all(size_t member, const double *ratings)
{
	for (size_t j = 0; j < p.def.criterion_count; j++)
		p.evidence[member][j].rating = ratings[j];
}

static void weigh(const double *weights)
{
	for (size_t j = 0; j < p.def.criterion_count; j++)
		p.criteria[j].weight.base = weights[j];
}

static void expect(uint32_t member, double score, double digits, uint32_t rank)
{
	const struct lf_member_score *place = plain_place(&p, member);

	assert_non_null(place);
	assert_true(fabs(place->score - score) <= digits);
	assert_int_equal(place->rank, rank);
}

/* "Sample Matrix" at salarybox.in/candidate-scoring-matrix-objective-hiring: 3.80, 3.75, 3.75 of 5. */
static const double matrix_weights[] = {30, 25, 20, 15, 10};
static const double matrix_a[] = {4, 3, 4, 5, 3}, matrix_b[] = {3, 4, 5, 3, 4}, matrix_c[] = {5, 3, 3, 4, 3};

static void two_of_a_published_matrix_share_the_second_rank(void **state)
{
	(void)state;
	plain_init(&p, 1, 5, 5, 3);
	weigh(matrix_weights);
	rate_all(0, matrix_a);
	rate_all(1, matrix_b);
	rate_all(2, matrix_c);
	plain_score(&p);
	expect(0, (3.80 - 1) / 4, 1e-9, 1);
	expect(1, (3.75 - 1) / 4, 1e-9, 2);
	expect(2, (3.75 - 1) / 4, 1e-9, 2);
	assert_int_equal(p.result.outcome, LF_RECOMMENDED);
	plain_clean_up(&p);
}

static void the_two_alone_are_too_close(void **state)
{
	(void)state;
	plain_init(&p, 1, 5, 5, 2);
	weigh(matrix_weights);
	rate_all(0, matrix_b);
	rate_all(1, matrix_c);
	plain_score(&p);
	expect(0, 0.6875, 1e-9, 1);
	expect(1, 0.6875, 1e-9, 1);
	assert_int_equal(p.result.outcome, LF_TOO_CLOSE);
	assert_true(p.result.margin == 0);
	plain_clean_up(&p);
}

/* Worked table at errorhandle.ai/scoring-system-suggestion-weighted-mechanism: 7.7 and 7.6 of 10. */
static void two_candidates_of_a_worked_table(void **state)
{
	static const double weights[] = {40, 20, 20, 10, 10}, a[] = {8, 7, 9, 6, 7}, b[] = {7, 9, 8, 8, 6};

	(void)state;
	plain_init(&p, 0, 10, 5, 2);
	weigh(weights);
	rate_all(0, a);
	rate_all(1, b);
	plain_score(&p);
	expect(0, 0.77, 1e-12, 1);
	expect(1, 0.76, 1e-12, 2);
	plain_clean_up(&p);
}

/* Kracka, Brauers, Zavadskas 2010 as in scikit-criteria, tests/agg/test_simple.py: weighted sums of six facades. */
static void heating_losses_rank_as_published(void **state)
{
	static const double ratings[6][7] = {
		{0.1746127202095989, 0.07010174113071231, 0.12967841729053267, 0.00024832468590065796,
			0.2552011095700416, 0.1494357688541127, 0.06355177192635121},
		{0.15239336378189933, 0.39976484510511723, 0.2349395376545251, 0.9925537695449299, 0.0371879334257975,
			0.18842979909087104, 0.4154952814624167},
		{0.1577042258876266, 0.1781003636846516, 0.18041529501538262, 0.0022817328035515633,
			0.08859223300970873, 0.18265464834702824, 0.17892496535339536},
		{0.19474710417594887, 0.04434741697494916, 0.10674463536855491, 0.0001339840401653523,
			0.3909500693481276, 0.12589854278270762, 0.03606546558437273},
		{0.1637144946455643, 0.11271260338663548, 0.16192125168774252, 0.0005585558635593302,
			0.14788488210818304, 0.16837975034067584, 0.10905431267735761},
		{0.156828091299362, 0.19497302971793434, 0.18630086298326212, 0.004223633061893319, 0.08018377253814146,
			0.18520149058460453, 0.1969082029961064},
	};
	static const double scores[] = {0.12040426, 0.3458235, 0.13838192, 0.12841246, 0.12346084, 0.14351701};
	static const uint32_t ranks[] = {6, 1, 3, 4, 5, 2};

	(void)state;
	plain_init(&p, 0, 1, 7, 6);
	for (size_t m = 0; m < 6; m++)
		rate_all(m, ratings[m]);
	plain_score(&p);
	for (uint32_t m = 0; m < 6; m++)
		expect(m, scores[m], 5e-9, ranks[m]);
	plain_clean_up(&p);
}

/* rsmaa, smaa/tests/pvf.R, pvf3: a piecewise linear value function, clipped at its ends. */
static void a_published_value_function_gives_its_values(void **state)
{
	static const struct lf_curve_point curve[] = {{-0.15, 0}, {0, 0.1}, {0.25, 0.9}, {0.35, 1}};
	static const double ratings[] = {0.35, -0.15, 0, 0.25, 0.1, 0.5}, values[] = {1, 0, 0.1, 0.9, 0.42, 1};
	static const uint32_t ranks[] = {1, 6, 5, 3, 4, 1};

	(void)state;
	plain_init(&p, -0.5, 0.5, 1, 6);
	p.criteria[0].curve = curve;
	p.criteria[0].curve_count = 4;
	for (size_t m = 0; m < 6; m++)
		p.evidence[m][0].rating = ratings[m];
	plain_score(&p);
	for (uint32_t m = 0; m < 6; m++)
		expect(m, values[m], 1e-12, ranks[m]);
	plain_clean_up(&p);
}

/* Medium/snowflake, constants.js: points for milestones 0..5 of 16 tracks, 20 at most each; 72 of the demo's engineer. */
static void growth_tracks_give_their_points(void **state)
{
	static const struct lf_curve_point points[] = {{0, 0}, {1, 0.05}, {2, 0.15}, {3, 0.3}, {4, 0.6}, {5, 1}};
	static const double demo[] = {1, 2, 3, 2, 4, 1, 1, 4, 3, 2, 0, 4, 2, 2, 3, 0};

	(void)state;
	plain_init(&p, 0, 5, 16, 3);
	for (size_t j = 0; j < 16; j++) {
		p.criteria[j].curve = points;
		p.criteria[j].curve_count = 6;
		p.evidence[0][j].rating = demo[j];
		p.evidence[1][j].rating = 5;
	}
	plain_score(&p);
	expect(0, 72.0 / 320, 1e-12, 2);
	expect(1, 1, 1e-12, 1);
	expect(2, 0, 0, 3);
	plain_clean_up(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_of_a_published_matrix_share_the_second_rank),
		cmocka_unit_test(the_two_alone_are_too_close),
		cmocka_unit_test(two_candidates_of_a_worked_table),
		cmocka_unit_test(heating_losses_rank_as_published),
		cmocka_unit_test(a_published_value_function_gives_its_values),
		cmocka_unit_test(growth_tracks_give_their_points),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
