/* Claims about leadfit-bench: that it measures everything that it names, says so in JSON, and leaves nothing behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Exit status; standard output goes to out, cut at size. */
static int run(const char *arguments, char *out, size_t size)
{
	char command[1024];
	size_t length;
	FILE *pipe;
	int status;

	snprintf(command, sizeof(command), "%s %s 2>&1", LF_BENCH_PROGRAM, arguments);
	pipe = popen(command, "re");
	assert_non_null(pipe);
	length = fread(out, 1, size - 1, pipe);
	out[length] = '\0';
	status = pclose(pipe);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Runs it with --output json among the arguments: its report, which is the caller's. */
static json_t *run_for_report(const char *arguments)
{
	static char out[1 << 20];
	json_error_t problem;
	json_t *report;

	if (run(arguments, out, sizeof(out)) != 0)
		fail_msg("leadfit-bench failed: %.500s", out);
	report = json_loads(out, 0, &problem);
	if (report == NULL)
		fail_msg("line %d: %s: %.500s", problem.line, problem.text, out);
	return report;
}

/* Every number below value is above zero. Returns how many there are. */
static size_t assert_positive(json_t *value, const char *name)
{
	size_t count = 0, index;
	const char *key;
	json_t *item;

	if (json_is_number(value)) {
		if (json_number_value(value) <= 0)
			fail_msg("%s is %g", name, json_number_value(value));
		return 1;
	}
	if (json_is_array(value))
		json_array_foreach(value, index, item) count += assert_positive(item, name);
	else
		json_object_foreach(value, key, item) count += assert_positive(item, key);
	return count;
}

/* A figure that is there, and may be below zero: the difference of two times, on a machine with other work. */
static void take_difference(json_t *of, const char *name)
{
	const json_t *figure = json_object_get(of, name);

	/* Of one run, or median, lowest and highest. */
	assert_true(json_is_number(figure) || json_object_size(figure) == 3);
	json_object_del(of, name);
}

static void measures_every_figure_and_leaves_nothing_behind(void **state)
{
	char directory[] = "bench-smoke.XXXXXX", arguments[256];
	json_t *report, *points, *ratios;
	size_t index;
	double recommended;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(arguments, sizeof(arguments),
		"--runs 1 --seconds 0.2 --in-flight 1,16 --batch-items 8 --output json --dir %s", directory);
	report = run_for_report(arguments);
	/* The work that is measured: about a third of the decisions recommend somebody, whatever day it is. */
	recommended = json_number_value(json_object_get(json_object_get(report, "settings"), "recommended"));
	if (recommended < 0.28 || recommended > 0.42)
		fail_msg("%.2f of the decisions recommend somebody", recommended);
	points = json_object_get(report, "points");
	assert_int_equal(json_array_size(points), 2);
	json_array_foreach(points, index, ratios)
	{
		/* A difference, which may be below zero. */
		assert_int_equal(json_object_get(json_object_get(ratios, "ratios"), "overRoundTripAndCommitUs") != NULL,
			index == 0);
		json_object_del(json_object_get(ratios, "ratios"), "overRoundTripAndCommitUs");
	}
	/* In flight, twice seven figures of loads, five of inserts, two ratios, each with median, lowest and highest.
	 */
	assert_int_equal(assert_positive(points, "points"), 2 * (1 + (7 + 7 + 5 + 2) * 3));
	take_difference(json_object_get(report, "kernel"), "changesNs");
	take_difference(json_object_get(report, "kernel"), "explainNs");
	take_difference(json_object_get(report, "kernel"), "robustnessNs");
	assert_int_equal(assert_positive(json_object_get(report, "kernel"), "kernel"), 3 * 3);
	assert_int_equal(assert_positive(json_object_get(report, "leadfitd"), "leadfitd"), 2 * 3);
	assert_non_null(json_object_get(json_object_get(report, "versions"), "nng"));
	/* Items, and ten figures for each of four kinds of batch; fifteen of fairness. */
	assert_int_equal(assert_positive(json_object_get(report, "batches"), "batches"), 1 + 4 * 10 * 3);
	assert_int_equal(assert_positive(json_object_get(report, "fairness"), "fairness"), 15 * 3);
	json_decref(report);
	assert_int_equal(rmdir(directory), 0); /* empty */
}

static void the_cost_of_robustness_is_measured_by_kernel_members_and_samples(void **state)
{
	json_t *report, *robustness;
	size_t kernels, index;
	json_t *row;

	(void)state;
	report = run_for_report("--kernel-only --runs 1 --seconds 0.3 --output json");
	robustness = json_object_get(report, "robustness");
	kernels = json_array_size(json_object_get(robustness, "kernels"));
	assert_in_range(kernels, 1, 3);
	assert_int_equal(json_array_size(json_object_get(robustness, "rows")), 15);
	json_array_foreach(json_object_get(robustness, "rows"), index, row) take_difference(row, "robustnessNs");
	assert_int_equal(assert_positive(json_object_get(robustness, "rows"), "rows"), 15 * 3);
	json_decref(report);
}

static void every_request_can_have_a_new_team_over_a_local_socket(void **state)
{
	static char out[1 << 20];

	(void)state;
	if (run("--runs 1 --seconds 0.05 --in-flight 4 --teams 0 --batch-items 0 --transport ipc", out, sizeof(out)) !=
		0)
		fail_msg("leadfit-bench failed: %.500s", out);
	assert_non_null(strstr(out, "(c) leadfit"));
	assert_non_null(strstr(out, "a new team"));
}

static void measures_the_cost_by_members_and_by_connections(void **state)
{
	json_t *report;

	(void)state;
	report = run_for_report("--scale --scale-max 10 --runs 1 --seconds 0.1 --output json");
	/* 2 and 8 members; 1 and 4 connections; seven figures each. */
	assert_int_equal(assert_positive(json_object_get(report, "members"), "members"), 2 * 7);
	assert_int_equal(assert_positive(json_object_get(report, "connections"), "connections"), 2 * 7);
	json_decref(report);
}

/* Where it was built with gRPC C++; else it says that it wasn't. */
static void measures_http_beside_grpc_and_nng(void **state)
{
	static char out[1 << 18];
	static const char *const points[] = {
		"connections1InFlight4", "connections1InFlight16", "connections16InFlight16"};
	json_t *report;

	(void)state;
	if (!LF_BENCH_HAS_GRPC) {
		assert_int_equal(run("--http", out, sizeof(out)), 2);
		assert_non_null(strstr(out, "--http: this program was built without gRPC C++"));
		return;
	}
	report = run_for_report("--http --runs 2 --seconds 0.1 --in-flight 4,16 --output json");
	/* 4 and 16 on one connection, 16 on sixteen: the rate of nine loads, and seven ratios. */
	for (size_t p = 0; p < sizeof(points) / sizeof(points[0]); p++) {
		json_t *rows = json_object_get(report, points[p]), *row;
		size_t index;

		assert_int_equal(json_array_size(rows), 9);
		json_array_foreach(rows, index, row)
			assert_true(json_number_value(json_object_get(row, "requestsPerS")) > 0);
	}
	assert_int_equal(assert_positive(json_object_get(report, "ratios"), "ratios"), 3 * 7);
	json_decref(report);
}

static void an_open_loop_shows_latencies_at_parts_of_the_full_rate(void **state)
{
	static const char *const parts[] = {"nng, 30%", "nng, 50%", "nng, 70%", "nng, 90%", "HTTP/2, 30%",
		"HTTP/2, 50%", "HTTP/2, 70%", "HTTP/2, 90%"};
	json_t *report, *rows, *row;
	size_t index;

	(void)state;
	report = run_for_report("--open-loop --runs 2 --seconds 0.2 --output json");
	assert_int_equal(assert_positive(json_object_get(report, "fullRate"), "fullRate"), 2 * 5);
	rows = json_object_get(report, "openLoop");
	assert_int_equal(json_array_size(rows), 8);
	json_array_foreach(rows, index, row)
		assert_string_equal(json_string_value(json_object_get(row, "label")), parts[index]);
	assert_int_equal(assert_positive(rows, "openLoop"), 8 * 9);
	json_decref(report);
}

static void a_soak_shows_its_first_and_last_minutes(void **state)
{
	json_t *report;

	(void)state;
	report = run_for_report("--soak 0.05 --load 0.3 --seconds 0.2 --output json");
	assert_int_equal(json_array_size(json_object_get(report, "soak")), 10);
	assert_int_equal(assert_positive(json_object_get(report, "soakEnds"), "soakEnds"), 3 * 8);
	json_decref(report);
}

static void ends_the_service_under_load_and_counts_what_was_not_answered(void **state)
{
	json_t *report, *rounds, *round;
	size_t index;

	(void)state;
	report = run_for_report("--shutdown 2 --seconds 0.5 --output json");
	rounds = json_object_get(report, "shutdown");
	assert_int_equal(json_array_size(rounds), 2);
	json_array_foreach(rounds, index, round)
	{
		assert_true(json_number_value(json_object_get(round, "answered")) > 0);
		assert_non_null(json_object_get(
			round, "storedWithoutAnswer")); /* 0, unless this process gets no processor for long */
	}
	json_decref(report);
}

static void refuses_bad_usage_with_2(void **state)
{
	static const char *const bad[] = {"--runs 0", "--seconds x", "--in-flight 1,,2", "--in-flight 1001",
		"--transport udp", "--batch-items 257", "--soak 0", "--load 2", "--shutdown 0", "--scale --soak 1",
		"--scale-max 0", "--scale --http", "--open-loop --soak 1", "--output xml", "surplus",
		"--dir /nonexistent", "--server /nonexistent"};
	char out[4096];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (run(bad[i], out, sizeof(out)) != 2)
			fail_msg("%s: %s", bad[i], out);
}

static void says_3_when_the_service_does_not_start(void **state)
{
	char out[4096];

	(void)state;
	assert_int_equal(run("--runs 1 --seconds 0.05 --server /bin/false", out, sizeof(out)), 3);
	assert_non_null(strstr(out, "a server ended before it was ready"));
}

static void helps(void **state)
{
	char out[8192];

	(void)state;
	assert_int_equal(run("--help", out, sizeof(out)), 0);
	assert_non_null(strstr(out, "Usage: leadfit-bench"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(measures_every_figure_and_leaves_nothing_behind),
		cmocka_unit_test(the_cost_of_robustness_is_measured_by_kernel_members_and_samples),
		cmocka_unit_test(every_request_can_have_a_new_team_over_a_local_socket),
		cmocka_unit_test(measures_the_cost_by_members_and_by_connections),
		cmocka_unit_test(measures_http_beside_grpc_and_nng),
		cmocka_unit_test(an_open_loop_shows_latencies_at_parts_of_the_full_rate),
		cmocka_unit_test(a_soak_shows_its_first_and_last_minutes),
		cmocka_unit_test(ends_the_service_under_load_and_counts_what_was_not_answered),
		cmocka_unit_test(refuses_bad_usage_with_2),
		cmocka_unit_test(says_3_when_the_service_does_not_start),
		cmocka_unit_test(helps),
	};

	return cmocka_run_group_tests_name("bench_smoke", tests, NULL, NULL);
}
