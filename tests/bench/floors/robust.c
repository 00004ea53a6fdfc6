#include "tests/bench/floors/robust.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "service/engine/engine.h"
#include "service/engine/robust.h"
#include "tests/bench/meter.h"

enum { MEMBERS_MAX = 1000, EVIDENCE = 4, REPEATS_MAX = 1000, CHAIN = 1 << 18 };

/* ---- a made-up rubric and team ---- */

struct made {
	struct lf_criterion_def criteria[LF_ROBUST_CRITERIA];
	char criterion_ids[LF_ROBUST_CRITERIA][24];
	struct lf_rubric_def def;
	struct lf_member members[MEMBERS_MAX];
	struct lf_evidence evidence[MEMBERS_MAX][EVIDENCE];
	char ids[MEMBERS_MAX][24];
	struct lf_case the_case;
};

static void make(struct made *made, unsigned members, unsigned samples)
{
	uint64_t random = 1;

	memset(made, 0, sizeof(*made));
	for (size_t j = 0; j < LF_ROBUST_CRITERIA; j++) {
		snprintf(made->criterion_ids[j], sizeof(made->criterion_ids[j]), "c-%zu", j);
		made->criteria[j] = (struct lf_criterion_def){.id = made->criterion_ids[j],
			.title = "",
			.seed = 0x9e3779b97f4a7c15u * (j + 1),
			.weight = {.base = 0.1 + 0.01 * (double)j},
			.prior_strength = 2,
			.prior_default_mean = 3};
	}
	made->def = (struct lf_rubric_def){.name = "made up",
		.scale_min = 1,
		.scale_max = 5,
		.criteria = made->criteria,
		.criterion_count = LF_ROBUST_CRITERIA,
		.robustness = {.samples = samples,
			.weight_spread = samples > 0 ? 0.3 : 0,
			.rating_spread = samples > 0 ? 0.1 : 0}};
	for (size_t m = 0; m < members; m++) {
		snprintf(made->ids[m], sizeof(made->ids[m]), "m-%zu", m);
		made->members[m] = (struct lf_member){.id = made->ids[m],
			.discipline = LF_NONE,
			.availability = 1,
			.evidence = made->evidence[m],
			.evidence_count = EVIDENCE,
			.candidate = true};
		for (size_t e = 0; e < EVIDENCE; e++) {
			random = random * 6364136223846793005u + 1442695040888963407u;
			made->evidence[m][e] = (struct lf_evidence){(uint32_t)((m + 2 * e) % LF_ROBUST_CRITERIA),
				LF_NONE, 1 + (double)(random >> 40) / 4194304, 0, LF_NONE};
		}
	}
	made->the_case = (struct lf_case){
		.members = made->members, .member_count = members, .project_title = "", .project_id = "p"};
}

/* ---- measuring ---- */

static double cpu_ns(void)
{
	struct timespec used;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	return (double)used.tv_sec * 1e9 + (double)used.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	const double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static double median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
}

/* Cycles a nanosecond: a chain of 64-bit multiplications, each of which waits 3 cycles for the one before it. */
static double measure_clock(void)
{
	double begin = cpu_ns();
	uint64_t x = 3;

	for (size_t i = 0; i < CHAIN; i++) {
		x *= x;
		__asm__ volatile("" : "+r"(x));
	}
	return 3.0 * CHAIN / (cpu_ns() - begin);
}

/* One lf_score() with and without robustness, in turns. */
static bool measure_row(double seconds, const struct lf_kernel *kernel, struct lf_robust_row *row)
{
	struct made *made[2] = {calloc(1, sizeof(struct made)), calloc(1, sizeof(struct made))};
	struct lf_rubric *rubrics[2] = {NULL, NULL};
	static double ns[2][REPEATS_MAX];
	struct lf_result result;
	void *workspace = NULL;
	size_t count = 0, times = 1 + 200000 / ((size_t)row->members * row->samples);
	uint64_t until = lf_meter_now_ns() + (uint64_t)(seconds * 1e9);

	for (size_t i = 0; i < 2 && made[0] != NULL && made[1] != NULL; i++) {
		make(made[i], row->members, i == 0 ? row->samples : 0);
		rubrics[i] = lf_rubric_compile(&made[i]->def);
	}
	if (rubrics[0] != NULL)
		workspace = aligned_alloc(64, (lf_workspace_bytes(rubrics[0], &made[0]->the_case) + 63) / 64 * 64);
	if (workspace != NULL && rubrics[1] != NULL && kernel != NULL)
		lf_rubric_use_kernel(rubrics[0], kernel);
	while (workspace != NULL && rubrics[1] != NULL && count < REPEATS_MAX &&
		(count < 3 || lf_meter_now_ns() < until)) {
		for (size_t i = 0; i < 2; i++) {
			double begin = cpu_ns();

			for (size_t k = 0; k < times; k++)
				(void)lf_score(rubrics[i], &made[i]->the_case, workspace, &result);
			ns[i][count] = (cpu_ns() - begin) / (double)times;
		}
		ns[1][count] = ns[0][count] - ns[1][count];
		count++;
	}
	if (count > 0) {
		row->score_ns = median(ns[0], count);
		row->robustness_ns = median(ns[1], count);
	}
	for (size_t i = 0; i < 2; i++) {
		lf_rubric_destroy(rubrics[i]);
		free(made[i]);
	}
	free(workspace);
	return count > 0;
}

/* Cycles that one multiply-add takes over cycles that it would take at the peak of one multiply and one add a cycle. */
static double share_of_peak(double ns_per_lane, unsigned lanes, double clock)
{
	return LF_ROBUST_CRITERIA / (double)lanes / (ns_per_lane * clock);
}

static void measure_inner_loop(double seconds, const struct lf_kernel *kernel, struct lf_robust_kernel *figures)
{
	enum { LANES = 256, TIMES = 200 };
	static double factors[LF_ROBUST_CRITERIA * LANES] __attribute__((aligned(64)));
	static double rows[5][LANES] __attribute__((aligned(64)));
	static double sums[REPEATS_MAX], scores[REPEATS_MAX];
	static double noise[LANES + 2];
	double coefficients[LF_ROBUST_CRITERIA];
	const struct lf_block block = {.lanes = LANES,
		.factors = factors,
		.stride = LANES,
		.rows = LF_ROBUST_CRITERIA,
		.totals = rows[0],
		.doubt_scale = rows[0]};
	const struct lf_contender contenders[2] = {{.coefficients = coefficients, .doubt = 0.01, .noise = noise + 1},
		{.coefficients = coefficients, .doubt = 0.02, .noise = noise + 2}};
	uint64_t until = lf_meter_now_ns() + (uint64_t)(seconds * 1e9);
	size_t count = 0;

	for (size_t i = 0; i < sizeof(factors) / sizeof(*factors); i++)
		factors[i] = 1 + (double)i / 1e4;
	for (size_t j = 0; j < LF_ROBUST_CRITERIA; j++)
		coefficients[j] = 0.1;
	while (count < REPEATS_MAX && (count < 3 || lf_meter_now_ns() < until)) {
		double clock = measure_clock(), begin = cpu_ns();

		for (size_t i = 0; i < TIMES; i++)
			kernel->sum(&block, coefficients, rows[2]);
		sums[count] = share_of_peak((cpu_ns() - begin) / (TIMES * LANES), figures->lanes, clock);
		begin = cpu_ns();
		for (size_t i = 0; i < TIMES; i++)
			kernel->score(&block, contenders, 2, rows[2], rows[4]);
		scores[count] = share_of_peak((cpu_ns() - begin) / (2 * TIMES * LANES), figures->lanes, clock);
		count++;
	}
	figures->sum_share = median(sums, count);
	figures->score_share = median(scores, count);
}

static bool measure_kernels(double seconds, struct lf_robust *robust)
{
	static const struct {
		const char *name;
		unsigned lanes;
	} known[LF_ROBUST_KERNELS] = {{"baseline", 2}, {"avx2", 4}, {"avx512", 8}};

	for (size_t i = 0; i < LF_ROBUST_KERNELS; i++) {
		const struct lf_kernel *kernel = lf_kernel_named(known[i].name);
		struct lf_robust_row row = {LF_ROBUST_MEMBERS, LF_ROBUST_SAMPLES, 0, 0};
		struct lf_robust_kernel *figures = &robust->kernels[robust->kernel_count];

		if (kernel == NULL)
			continue;
		*figures = (struct lf_robust_kernel){.name = known[i].name, .lanes = known[i].lanes};
		measure_inner_loop(seconds / 2, kernel, figures);
		if (!measure_row(seconds / 2, kernel, &row))
			return false;
		figures->robustness_ns = row.robustness_ns;
		robust->kernel_count++;
	}
	return true;
}

enum lf_code lf_robust_run(double seconds, struct lf_robust *robust, struct lf_error *error)
{
	static const unsigned members[] = {2, 8, 32, 128, 512, MEMBERS_MAX};
	const double part = seconds / (LF_ROBUST_KERNELS + LF_ROBUST_ROWS);
	double clocks[9];
	size_t count = 0;
	bool good;

	*robust = (struct lf_robust){.kernel_count = 0};
	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++)
		robust->rows[count++] = (struct lf_robust_row){members[i], LF_ROBUST_SAMPLES, 0, 0};
	for (unsigned samples = 256; count < LF_ROBUST_ROWS; samples *= 2)
		robust->rows[count++] = (struct lf_robust_row){LF_ROBUST_MEMBERS, samples, 0, 0};
	for (size_t i = 0; i < sizeof(clocks) / sizeof(*clocks); i++)
		clocks[i] = measure_clock();
	robust->clock_hz = median(clocks, sizeof(clocks) / sizeof(*clocks)) * 1e9;
	good = measure_kernels(part, robust);
	for (size_t i = 0; i < LF_ROBUST_ROWS && good; i++)
		good = measure_row(part, NULL, &robust->rows[i]);
	return good ? LF_OK : lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
}
