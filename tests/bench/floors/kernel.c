#include "tests/bench/floors/kernel.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/wire/wire.h"
#include "service/decide/decision.h"
#include "service/decide/text_list.h"
#include "service/engine/words/words.h"
#include "tests/bench/drafts.h"
#include "tests/bench/meter.h"

enum {
	CASES = 256, /* decoded ones, gone through again and again: more than a first-level cache holds */
	SAMPLE_CASES = 32,
	SAMPLES_MAX = 8192,
	ARENA_BYTES_MAX = 1 << 20,
};

struct one {
	struct lf_evaluation evaluation; /* built: the case */
	const uint8_t *request;
	size_t length;
};

struct lf_kernel_bench {
	const struct lf_rubric_version *version;
	struct lf_rubric *plain; /* the same without robustness */
	struct lf_arena kept;    /* the cases */
	struct lf_arena scratch; /* of one request */
	void *workspace;         /* one for all, as a worker of the service comes back to the same memory */
	size_t workspace_bytes;
	size_t sink; /* keeps the compiler from leaving work out */
	struct one cases[CASES];
};

/* ---- the kernel ---- */

enum part { SCORE = 1, PROFILE = 2, EXPLAIN = 4, PLAIN = 8, CHANGES = 16 };

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

	if ((parts & PLAIN) != 0)
		rubric = bench->plain;
	if ((parts & PROFILE) != 0 &&
		!lf_profile(rubric, &e->built.engine, bench->workspace, e->profile, e->profile_weights))
		return false;
	if ((parts & SCORE) != 0 && !lf_score(rubric, &e->built.engine, bench->workspace, &e->result))
		return false;
	if ((parts & CHANGES) != 0) {
		e->contested = lf_find_changes(rubric, &e->built.engine, &e->result, bench->workspace, &e->changes);
		lf_find_co_lead(rubric, &e->built.engine, &e->result, &e->co_lead, e->pair_values);
	}
	if ((parts & EXPLAIN) != 0)
		lf_explain(rubric, &e->built.engine,
			&(struct lf_findings){.result = &e->result,
				.profile = e->profile,
				.changes = e->contested ? &e->changes : NULL,
				.co_lead = &e->co_lead},
			hear, &bench->sink);
	return true;
}

/* ---- the steps around it ---- */

enum step { DECODE = 1, EVALUATE, ANSWER, RECORD, PACK };

static bool make_record(struct lf_kernel_bench *bench, const struct lf_answer_parts *parts,
	const Leadfit__V1__ScoreRequest *request, size_t sent)
{
	struct lf_bytes bytes[3];
	struct lf_digest digest;

	bytes[0].data = lf_wire_pack(&request->team->base, &bench->scratch, sent, &bytes[0].length);
	bytes[1].data = lf_wire_pack(&request->project->base, &bench->scratch, 0, &bytes[1].length);
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
	struct lf_answer_parts parts = {.version = bench->version,
		.evaluation = &evaluation,
		.caller = "local",
		.as_of_us = (int64_t)LF_DRAFT_AS_OF_SECONDS * 1000000};
	Leadfit__V1__ScoreRequest *request;
	Leadfit__V1__Decision *decision;
	size_t length;

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
			    .as_of_seconds = LF_DRAFT_AS_OF_SECONDS},
		    NULL, &checker, &bench->scratch) != LF_OK)
		goto fail;
	if (steps == EVALUATE)
		return true;
	decision = lf_decision_build(&parts, &bench->scratch);
	if (decision == NULL)
		goto fail;
	if (steps == ANSWER)
		return true;
	if (!make_record(bench, &parts, request, one->length))
		goto fail;
	if (steps == RECORD)
		return true;
	if (lf_wire_pack(&decision->base, &bench->scratch, 12 * 1024, &length) == NULL)
		goto fail;
	bench->sink += length;
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

/*
 * What is measured: parts of the kernel, and beginnings of the service's work. Each sample measures all of them one
 * after another on the same few cases, so that the differences are not those between two moments of the machine.
 */
static const struct {
	bool (*run)(struct lf_kernel_bench *bench, struct one *one, unsigned argument);
	unsigned argument;
} parts[] = {
	{run_parts, SCORE | PLAIN},
	{run_parts, SCORE},
	{run_parts, PROFILE},
	{run_parts, PROFILE | SCORE},
	{run_parts, PROFILE | SCORE | CHANGES},
	{run_parts, PROFILE | SCORE | CHANGES | EXPLAIN},
	{run_steps, DECODE},
	{run_steps, EVALUATE},
	{run_steps, ANSWER},
	{run_steps, RECORD},
	{run_steps, PACK},
};
enum {
	PLAIN_PART,
	SCORE_PART,
	PROFILE_PART,
	SCORED_PART,
	CHANGES_PART,
	KERNEL_PART,
	FIRST_STEP,
	PARTS = sizeof(parts) / sizeof(parts[0])
};

/*
 * One sample: CPU time a case of every part, for steps beyond the first that of the step alone. Changes and words need
 * the result that is in the workspace, so they are measured after the rest of the kernel, and are differences, too.
 */
struct sample {
	double ns[PARTS];
	double robustness_ns, changes_ns, explain_ns, all_ns;
};

static bool take_sample(struct lf_kernel_bench *bench, size_t first, struct sample *sample)
{
	for (size_t p = 0; p < PARTS; p++) {
		const double begin = thread_cpu_ns();

		for (size_t i = 0; i < SAMPLE_CASES; i++)
			if (!parts[p].run(bench, &bench->cases[(first + i) % CASES], parts[p].argument))
				return false;
		sample->ns[p] = (thread_cpu_ns() - begin) / SAMPLE_CASES;
	}
	sample->all_ns = sample->ns[PARTS - 1];
	sample->robustness_ns = sample->ns[SCORE_PART] - sample->ns[PLAIN_PART];
	sample->changes_ns = sample->ns[CHANGES_PART] - sample->ns[SCORED_PART];
	sample->explain_ns = sample->ns[KERNEL_PART] - sample->ns[CHANGES_PART];
	for (size_t p = PARTS - 1; p > FIRST_STEP; p--)
		sample->ns[p] -= sample->ns[p - 1];
	return true;
}

static double median_at(const struct sample *samples, size_t count, size_t offset, double *values)
{
	for (size_t i = 0; i < count; i++)
		memcpy(&values[i], (const char *)&samples[i] + offset, sizeof(values[i]));
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
}

static double median_of(const struct sample *samples, size_t count, size_t part, double *values)
{
	return median_at(samples, count, offsetof(struct sample, ns) + part * sizeof(double), values);
}

enum lf_code lf_kernel_bench_run(struct lf_kernel_bench *bench, double seconds, struct lf_kernel *kernel,
	struct lf_steps *steps, struct lf_error *error)
{
	const uint64_t until = lf_meter_now_ns() + (uint64_t)(seconds * 1e9);
	struct sample *samples = calloc(SAMPLES_MAX, sizeof(*samples));
	double *values = calloc(SAMPLES_MAX, sizeof(*values));
	enum lf_code code = LF_OK;
	size_t count = 0;

	if (samples == NULL || values == NULL)
		code = lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
	while (code == LF_OK && count < SAMPLES_MAX && (count == 0 || lf_meter_now_ns() < until)) {
		if (!take_sample(bench, count * SAMPLE_CASES, &samples[count]))
			code = lf_error_set(
				error, LF_INTERNAL, "a request of the benchmark can't be scored in this process");
		count++;
	}
	if (code == LF_OK) {
		*kernel = (struct lf_kernel){
			.profile_ns = median_of(samples, count, PROFILE_PART, values),
			.score_ns = median_of(samples, count, SCORE_PART, values),
			.changes_ns = median_at(samples, count, offsetof(struct sample, changes_ns), values),
			.explain_ns = median_at(samples, count, offsetof(struct sample, explain_ns), values),
			.kernel_ns = median_of(samples, count, KERNEL_PART, values),
			.robustness_ns = median_at(samples, count, offsetof(struct sample, robustness_ns), values),
		};
		*steps = (struct lf_steps){
			.decode_ns = median_of(samples, count, FIRST_STEP, values),
			.evaluate_ns = median_of(samples, count, FIRST_STEP + 1, values),
			.answer_ns = median_of(samples, count, FIRST_STEP + 2, values),
			.record_ns = median_of(samples, count, FIRST_STEP + 3, values),
			.pack_ns = median_of(samples, count, FIRST_STEP + 4, values),
			.all_ns = median_at(samples, count, offsetof(struct sample, all_ns), values),
		};
	}
	free(values);
	free(samples);
	return code;
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
	size_t bytes;

	if (request == NULL)
		return LF_INVALID_ARGUMENT;
	lf_wire_canonicalize(&request->base);
	code = lf_case_build(&e->built, bench->version,
		&(struct lf_case_input){
			.team = request->team, .project = request->project, .as_of_seconds = LF_DRAFT_AS_OF_SECONDS},
		&checker, &bench->kept);
	if (code != LF_OK)
		return code;
	e->profile = lf_arena_zalloc(&bench->kept, def->discipline_count + 1, sizeof(*e->profile));
	e->profile_weights = lf_arena_zalloc(&bench->kept, def->criterion_count, sizeof(*e->profile_weights));
	e->changes.weights = lf_arena_zalloc(&bench->kept, def->criterion_count, sizeof(*e->changes.weights));
	e->pair_values = lf_arena_zalloc(&bench->kept, def->criterion_count, sizeof(*e->pair_values));
	if (e->profile == NULL || e->profile_weights == NULL || e->changes.weights == NULL || e->pair_values == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
	bytes = lf_workspace_bytes(bench->version->compiled, &e->built.engine);
	if (bytes > bench->workspace_bytes)
		bench->workspace_bytes = bytes;
	return LF_OK;
}

enum lf_code lf_kernel_bench_new(struct lf_kernel_bench **out, const struct lf_rubric_version *version,
	const struct lf_workload *workload, struct lf_error *error)
{
	struct lf_kernel_bench *bench = calloc(1, sizeof(*bench));
	struct lf_rubric_def plain;
	enum lf_code code = LF_OK;
	uint8_t *buffer;

	if (bench == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
	bench->version = version;
	plain = *lf_rubric_def(version->compiled);
	plain.robustness = (struct lf_robustness_def){.samples = 0};
	bench->plain = lf_rubric_compile(&plain);
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
	bench->workspace = aligned_alloc(64, (bench->workspace_bytes + 63) / 64 * 64);
	if (code == LF_OK && (bench->workspace == NULL || bench->plain == NULL))
		code = lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
	if (code == LF_OK)
		*out = bench;
	else
		lf_kernel_bench_destroy(bench);
	return code;
}

double lf_kernel_bench_recommended(struct lf_kernel_bench *bench)
{
	size_t recommended = 0;

	for (size_t i = 0; i < CASES; i++) {
		struct lf_result result;

		if (lf_score(bench->version->compiled, &bench->cases[i].evaluation.built.engine, bench->workspace,
			    &result))
			recommended += result.outcome == LF_RECOMMENDED;
	}
	return (double)recommended / CASES;
}

void lf_kernel_bench_destroy(struct lf_kernel_bench *bench)
{
	if (bench == NULL)
		return;
	lf_arena_clean_up(&bench->scratch);
	lf_arena_clean_up(&bench->kept);
	lf_rubric_destroy(bench->plain);
	free(bench->workspace);
	free(bench);
}
