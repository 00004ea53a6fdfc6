#include "tests/bench/kernel.h"

#include <stdlib.h>
#include <time.h>

#include "proto/wire.h"
#include "service/decision.h"
#include "service/texts.h"
#include "tests/bench/meter.h"

enum {
	CASES = 256,       /* decoded ones, gone through again and again: more than a first-level cache holds */
	PASSES_MAX = 4096, /* over all of them */
	PARTS = 9,         /* measurements that share the time */
	ARENA_BYTES_MAX = 1 << 20,
};

struct one {
	struct lf_evaluation evaluation; /* built: the case */
	void *workspace;
	const uint8_t *request;
	size_t length;
};

struct lf_kernel_bench {
	const struct lf_version *version;
	struct lf_arena kept;    /* the cases */
	struct lf_arena scratch; /* of one request */
	int64_t now_us;
	size_t sink; /* keeps the compiler from leaving work out */
	struct one cases[CASES];
};

/* ---- the kernel ---- */

enum part { SCORE = 1, PROFILE = 2, EXPLAIN = 4 };

static void hear(void *context, enum lf_sentence kind, size_t index, const char *text, size_t length)
{
	size_t *sink = context;

	(void)text;
	*sink += (size_t)kind + index + length;
}

static bool run_parts(struct lf_kernel_bench *bench, struct one *one, unsigned parts)
{
	struct lf_evaluation *e = &one->evaluation;
	const struct lf_rubric *rubric = bench->version->compiled;

	if ((parts & PROFILE) != 0 &&
		!lf_profile(rubric, &e->built.engine, one->workspace, e->profile, e->profile_weights))
		return false;
	if ((parts & SCORE) != 0 && !lf_score(rubric, &e->built.engine, one->workspace, &e->result))
		return false;
	if ((parts & EXPLAIN) != 0)
		lf_explain(rubric, &e->built.engine, &e->result, e->profile, hear, &bench->sink);
	return true;
}

/* ---- the steps around it ---- */

enum step { DECODE = 1, EVALUATE, ANSWER, RECORD, PACK };

static bool make_record(
	struct lf_kernel_bench *bench, const struct lf_answer_parts *parts, const Leadfit__V1__ScoreRequest *request)
{
	struct lf_bytes bytes[3];
	struct lf_digest digest;

	bytes[0].data = lf_wire_canonical_bytes(lf_unconst(&request->team->base), &bench->scratch, &bytes[0].length);
	bytes[1].data = lf_wire_canonical_bytes(lf_unconst(&request->project->base), &bench->scratch, &bytes[1].length);
	bytes[2] = lf_answer_pack(parts, request->candidates, request->ignore_undeclared, &bench->scratch);
	for (size_t i = 0; i < 3; i++) {
		if (bytes[i].data == NULL)
			return false;
		lf_sha256(bytes[i].data, bytes[i].length, &digest);
		bench->sink += digest.bytes[0];
	}
	return true;
}

/* The first so many steps of answering a request; the differences are the steps. */
static bool run_steps(struct lf_kernel_bench *bench, struct one *one, unsigned steps)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_checker checker = {.error = &error};
	struct lf_evaluation evaluation = {0};
	struct lf_answer_parts parts = {
		.version = bench->version, .evaluation = &evaluation, .caller = "local", .as_of_us = bench->now_us};
	Leadfit__V1__ScoreRequest *request;
	Leadfit__V1__Decision *decision;
	uint8_t *packed;

	lf_arena_reset(&bench->scratch);
	request = (Leadfit__V1__ScoreRequest *)lf_wire_unpack(
		&leadfit__v1__score_request__descriptor, one->request, one->length, &bench->scratch, &error);
	if (request == NULL)
		goto fail;
	lf_wire_canonicalize(&request->base);
	if (steps == DECODE)
		return true;
	parts.team = request->team;
	parts.project = request->project;
	if (lf_evaluate(&evaluation, bench->version,
		    &(struct lf_case_input){.team = request->team,
			    .project = request->project,
			    .as_of_seconds = bench->now_us / 1000000},
		    NULL, &checker, &bench->scratch) != LF_OK)
		goto fail;
	if (steps == EVALUATE)
		return true;
	decision = lf_decision_build(&parts, &bench->scratch);
	if (decision == NULL)
		goto fail;
	if (steps == ANSWER)
		return true;
	if (!make_record(bench, &parts, request))
		goto fail;
	if (steps == RECORD)
		return true;
	packed = lf_arena_alloc(&bench->scratch, leadfit__v1__decision__get_packed_size(decision));
	if (packed == NULL)
		goto fail;
	bench->sink += leadfit__v1__decision__pack(decision, packed);
	return true;
fail:
	lf_error_clean_up(&error);
	return false;
}

/* ---- measuring ---- */

static double thread_cpu_ns(void)
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

typedef bool (*run_fn)(struct lf_kernel_bench *bench, struct one *one, unsigned argument);

/* The median, over passes through all cases, of the CPU time a case. 0 on failure. */
static double measure(struct lf_kernel_bench *bench, run_fn run, unsigned argument, double seconds)
{
	const uint64_t until = lf_meter_now_ns() + (uint64_t)(seconds * 1e9);
	double *passes = calloc(PASSES_MAX, sizeof *passes), median;
	size_t count = 0;

	if (passes == NULL)
		return 0;
	do {
		const double begin = thread_cpu_ns();

		for (size_t i = 0; i < CASES; i++)
			if (!run(bench, &bench->cases[i], argument)) {
				free(passes);
				return 0;
			}
		passes[count++] = (thread_cpu_ns() - begin) / CASES;
	} while (count < PASSES_MAX && lf_meter_now_ns() < until);
	qsort(passes, count, sizeof *passes, compare);
	median = passes[count / 2];
	free(passes);
	return median;
}

enum lf_code lf_kernel_bench_run(struct lf_kernel_bench *bench, double seconds, struct lf_kernel *kernel,
	struct lf_steps *steps, struct lf_error *error)
{
	const double part = seconds / PARTS;
	double until[PACK + 1] = {0};

	*kernel = (struct lf_kernel){
		.profile_ns = measure(bench, run_parts, PROFILE, part),
		.score_ns = measure(bench, run_parts, SCORE, part),
		.explain_ns = measure(bench, run_parts, EXPLAIN, part),
		.kernel_ns = measure(bench, run_parts, PROFILE | SCORE | EXPLAIN, part),
	};
	for (unsigned step = DECODE; step <= PACK; step++)
		until[step] = measure(bench, run_steps, step, part);
	if (kernel->profile_ns == 0 || kernel->score_ns == 0 || kernel->explain_ns == 0 || kernel->kernel_ns == 0 ||
		until[PACK] == 0)
		return lf_error_set(error, LF_INTERNAL, "a request of the benchmark can't be scored in this process");
	*steps = (struct lf_steps){
		.decode_ns = until[DECODE],
		.evaluate_ns = until[EVALUATE] - until[DECODE],
		.answer_ns = until[ANSWER] - until[EVALUATE],
		.record_ns = until[RECORD] - until[ANSWER],
		.pack_ns = until[PACK] - until[RECORD],
		.all_ns = until[PACK],
	};
	return LF_OK;
}

/* ---- setting up ---- */

static enum lf_code decode(struct lf_kernel_bench *bench, struct one *one, struct lf_error *error)
{
	const struct lf_rubric_def *def = lf_rubric_def(bench->version->compiled);
	struct lf_checker checker = {.error = error};
	struct lf_evaluation *e = &one->evaluation;
	Leadfit__V1__ScoreRequest *request = (Leadfit__V1__ScoreRequest *)lf_wire_unpack(
		&leadfit__v1__score_request__descriptor, one->request, one->length, &bench->kept, error);
	enum lf_code code;
	unsigned char *block;

	if (request == NULL)
		return LF_INVALID_ARGUMENT;
	lf_wire_canonicalize(&request->base);
	code = lf_case_build(&e->built, bench->version,
		&(struct lf_case_input){
			.team = request->team, .project = request->project, .as_of_seconds = bench->now_us / 1000000},
		&checker, &bench->kept);
	if (code != LF_OK)
		return code;
	e->profile = lf_arena_zalloc(&bench->kept, def->discipline_count + 1, sizeof *e->profile);
	e->profile_weights = lf_arena_zalloc(&bench->kept, def->criterion_count, sizeof *e->profile_weights);
	block = lf_arena_alloc(&bench->kept, lf_workspace_bytes(bench->version->compiled, &e->built.engine) + 64);
	if (e->profile == NULL || e->profile_weights == NULL || block == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
	one->workspace = block + (64 - (uintptr_t)block % 64) % 64;
	return LF_OK;
}

enum lf_code lf_kernel_bench_new(struct lf_kernel_bench **out, const struct lf_version *version,
	const struct lf_workload *workload, struct lf_error *error)
{
	struct lf_kernel_bench *bench = calloc(1, sizeof *bench);
	struct timespec now;
	enum lf_code code = LF_OK;
	uint8_t *buffer;

	if (bench == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
	clock_gettime(CLOCK_REALTIME, &now);
	bench->now_us = (int64_t)now.tv_sec * 1000000;
	bench->version = version;
	lf_arena_init(&bench->kept, (size_t)CASES * ARENA_BYTES_MAX);
	lf_arena_init(&bench->scratch, ARENA_BYTES_MAX);
	for (size_t i = 0; i < CASES && code == LF_OK; i++) {
		struct one *one = &bench->cases[i];

		buffer = lf_arena_alloc(&bench->kept, LF_WORKLOAD_REQUEST_BYTES);
		if (buffer == NULL)
			code = lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
		else
			one->request = lf_workload_request(workload, i, buffer, &one->length);
		if (code == LF_OK)
			code = decode(bench, one, error);
	}
	if (code == LF_OK)
		*out = bench;
	else
		lf_kernel_bench_destroy(bench);
	return code;
}

void lf_kernel_bench_destroy(struct lf_kernel_bench *bench)
{
	if (bench == NULL)
		return;
	lf_arena_clean_up(&bench->scratch);
	lf_arena_clean_up(&bench->kept);
	free(bench);
}
