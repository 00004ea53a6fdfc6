/*
 * leadfit's half of compare.sh: starts leadfitd on a new log, writes the cases that everybody is to score and leadfit's
 * own answers to them as JSON, one a line, then measures unary calls and ScoreBatch. Prints one line of JSON.
 *
 *	lf_bench_compare DIR TEAMS SECONDS REQUESTS ANSWERS
 *
 * DIR is where the log goes: a real disk, or commits cost nothing. REQUESTS and ANSWERS are the files to write.
 * Exit status: 0 measured, 2 usage, 3 something failed.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/lib/client.h"
#include "leadfit/v1/scoring.pb-c.h"
#include "tests/bench/calls.h"
#include "tests/bench/cases.h"
#include "tests/bench/child.h"
#include "tests/bench/report/machine.h"
#include "tests/bench/workload.h"

enum {
	BATCH = 256,           /* items a message: the most that is allowed */
	FULL_BATCH = 64,       /* with whole decisions: as many as fit the service's memory with several in flight */
	BATCHES_IN_FLIGHT = 3, /* one is decoded while one is scored and one committed */
	PATH_BYTES = 4200,
	URL_BYTES = 256,
	AS_OF_SECONDS = 1767225600, /* 2026-01-01: what everybody scores as of where results are compared */
	EXIT_USAGE = 2,
	EXIT_FAILED = 3,
};

/* One batch, packed; ready to be sent any number of times: no item has a key. */
struct packed {
	uint8_t *data;
	size_t length;
};

/* ---- batches of the cases ---- */

/* Everything that a batch points to. Teams and projects that several items share stand once, as a caller would send
 * them. */
struct draft {
	Leadfit__V1__ScoreBatchRequest request;
	Leadfit__V1__BatchItem items[BATCH], *item_list[BATCH];
	Leadfit__V1__Team *teams[BATCH];
	Leadfit__V1__Project *projects[BATCH];
};

static uint32_t place_team(struct draft *draft, Leadfit__V1__Team *team)
{
	size_t i = 0;

	while (i < draft->request.n_teams && strcmp(draft->teams[i]->id, team->id) != 0)
		i++;
	if (i == draft->request.n_teams)
		draft->teams[draft->request.n_teams++] = team;
	return (uint32_t)i;
}

static uint32_t place_project(struct draft *draft, Leadfit__V1__Project *project)
{
	size_t i = 0;

	while (i < draft->request.n_projects && strcmp(draft->projects[i]->id, project->id) != 0)
		i++;
	if (i == draft->request.n_projects)
		draft->projects[draft->request.n_projects++] = project;
	return (uint32_t)i;
}

static void draft_batch(struct draft *draft, const struct lf_cases *cases, size_t first, size_t count)
{
	memset(draft, 0, sizeof(*draft));
	leadfit__v1__score_batch_request__init(&draft->request);
	for (size_t i = 0; i < count; i++) {
		const Leadfit__V1__ScoreRequest *request = cases->requests[first + i];

		leadfit__v1__batch_item__init(&draft->items[i]);
		draft->items[i].team = place_team(draft, request->team);
		draft->items[i].project = place_project(draft, request->project);
		draft->item_list[i] = &draft->items[i];
	}
	draft->request.teams = draft->teams;
	draft->request.projects = draft->projects;
	draft->request.items = draft->item_list;
	draft->request.n_items = count;
}

static unsigned method_index(const char *name)
{
	const ProtobufCServiceDescriptor *scoring = &leadfit__v1__scoring__descriptor;

	return (unsigned)(protobuf_c_service_descriptor_get_method_by_name(scoring, name) - scoring->methods);
}

/* ---- leadfit's answers ---- */

static enum lf_code write_answers(struct lf_client *client, const struct lf_cases *cases, size_t first, size_t count,
	FILE *file, struct lf_error *error)
{
	static struct draft draft;
	Google__Protobuf__Timestamp as_of = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	ProtobufCMessage *reply;
	enum lf_code code = LF_OK;
	const Leadfit__V1__ScoreBatchResponse *response;

	draft_batch(&draft, cases, first, count);
	as_of.seconds = AS_OF_SECONDS;
	draft.request.as_of = &as_of;
	draft.request.full = true;
	reply = lf_client_call(client, &leadfit__v1__scoring__descriptor, method_index("ScoreBatch"),
		&draft.request.base, NULL, error);
	if (reply == NULL)
		return error->code;
	response = (const Leadfit__V1__ScoreBatchResponse *)reply;
	if (response->n_results != count)
		code = lf_error_set(error, LF_INTERNAL, "%zu results for %zu items", response->n_results, count);
	for (size_t i = 0; i < count && code == LF_OK; i++)
		if (response->results[i]->decision == NULL)
			code = lf_error_set(error, LF_INTERNAL, "item %zu has no decision", first + i);
		else if (!lf_cases_print(&response->results[i]->decision->base, file))
			code = lf_error_set(error, LF_UNAVAILABLE, "can't write the answers");
	protobuf_c_message_free_unpacked(reply, NULL);
	return code;
}

/* The first so many cases, one a team, and leadfit's decisions on them. */
static enum lf_code write_files(struct lf_client *client, const struct lf_cases *cases, size_t count,
	const char *requests_path, const char *answers_path, struct lf_error *error)
{
	FILE *requests = fopen(requests_path, "we"), *answers = fopen(answers_path, "we");
	enum lf_code code = LF_OK;

	if (requests == NULL || answers == NULL)
		code = lf_error_set(
			error, LF_UNAVAILABLE, "can't write %s", requests == NULL ? requests_path : answers_path);
	for (size_t i = 0; i < count && code == LF_OK; i++)
		if (!lf_cases_print(&cases->requests[i]->base, requests))
			code = lf_error_set(error, LF_UNAVAILABLE, "can't write %s", requests_path);
	for (size_t i = 0; i < count && code == LF_OK; i += BATCH)
		code = write_answers(client, cases, i, count - i < BATCH ? count - i : BATCH, answers, error);
	if (requests != NULL && fclose(requests) != 0 && code == LF_OK)
		code = lf_error_set(error, LF_UNAVAILABLE, "can't write %s", requests_path);
	if (answers != NULL && fclose(answers) != 0 && code == LF_OK)
		code = lf_error_set(error, LF_UNAVAILABLE, "can't write %s", answers_path);
	return code;
}

/* ---- ScoreBatch ---- */

struct batches {
	struct lf_client *client;
	struct lf_meter *meter;
	struct packed *packed;
	size_t count;
	size_t items; /* each */
};

struct sender {
	struct batches *batches;
	pthread_t thread;
	size_t next;
	size_t reply_bytes;
};

static void on_reply(const uint8_t *reply, size_t length, void *closure_data)
{
	struct sender *sender = closure_data;

	sender->reply_bytes = reply == NULL ? 0 : length;
}

/* One slot: a batch in flight, and the next once that is answered. */
static void *send_batches(void *arg)
{
	struct sender *sender = arg;
	struct batches *batches = sender->batches;
	struct lf_call *call = lf_call_new(batches->client, &leadfit__v1__scoring__descriptor, NULL);
	struct lf_error error = LF_ERROR_INIT;
	uint64_t started;

	do {
		const struct packed *packed = &batches->packed[sender->next++ % batches->count];

		started = lf_meter_now_ns();
		if (call != NULL)
			lf_call_start_bytes(
				call, method_index("ScoreBatch"), packed->data, packed->length, on_reply, sender);
		if (call == NULL || lf_call_wait(call, &error) != LF_OK || sender->reply_bytes == 0) {
			lf_meter_failed(batches->meter, call == NULL ? "out of memory" : error.message);
			break;
		}
	} while (lf_meter_answered(batches->meter, started, sender->reply_bytes));
	lf_meter_leave(batches->meter);
	if (call != NULL)
		lf_call_destroy(call);
	lf_error_clean_up(&error);
	return NULL;
}

static bool pack_batches(struct batches *batches, const struct lf_cases *cases)
{
	static struct draft draft;

	batches->packed = calloc(cases->count / batches->items, sizeof(*batches->packed));
	for (size_t b = 0; batches->packed != NULL && b < cases->count / batches->items; b++) {
		struct packed *packed = &batches->packed[batches->count];

		draft_batch(&draft, cases, b * batches->items, batches->items);
		draft.request.full = batches->items == FULL_BATCH;
		packed->length = leadfit__v1__score_batch_request__get_packed_size(&draft.request);
		packed->data = malloc(packed->length);
		if (packed->data == NULL)
			return false;
		leadfit__v1__score_batch_request__pack(&draft.request, packed->data);
		batches->count++;
	}
	return batches->count > 0;
}

/* Items a message decide what is asked for: summaries, or, for FULL_BATCH, whole decisions. */
static enum lf_code measure_batches(struct lf_client *client, const struct lf_cases *cases, size_t items, pid_t server,
	double seconds, struct lf_load *load, struct lf_error *error)
{
	struct batches batches = {.client = client, .meter = lf_meter_new(), .items = items};
	struct sender senders[BATCHES_IN_FLIGHT];
	size_t started = 0;
	const char *failure = "out of memory";

	if (batches.meter != NULL && pack_batches(&batches, cases)) {
		for (; started < BATCHES_IN_FLIGHT; started++) {
			senders[started] = (struct sender){.batches = &batches, .next = started * 5};
			lf_meter_enter(batches.meter);
			if (pthread_create(&senders[started].thread, NULL, send_batches, &senders[started]) != 0) {
				lf_meter_failed(batches.meter, "no thread can be started");
				lf_meter_leave(batches.meter);
				break;
			}
		}
		failure = lf_meter_run(batches.meter, server, seconds, load);
	}
	for (size_t i = 0; i < started; i++)
		pthread_join(senders[i].thread, NULL);
	if (failure != NULL)
		lf_error_set(error, LF_UNAVAILABLE, "ScoreBatch: %s", failure);
	for (size_t i = 0; i < batches.count; i++)
		free(batches.packed[i].data);
	free(batches.packed);
	if (batches.meter != NULL)
		lf_meter_destroy(batches.meter);
	return failure == NULL ? LF_OK : error->code;
}

/* ---- the run ---- */

struct job {
	const char *directory, *requests, *answers;
	unsigned teams;
	double seconds;
	char server[PATH_BYTES], log[PATH_BYTES], output[PATH_BYTES], checkpoint[PATH_BYTES];
	struct lf_child daemon;
};

static enum lf_code start(struct job *job, struct lf_client **client, struct lf_error *error)
{
	const char *argv[] = {job->server, "--db", job->log, "--listen", "tcp://127.0.0.1:0", "--rubric",
		LF_BENCH_RUBRIC, "--checkpoints", job->checkpoint, "--log", "text", NULL};
	char url[URL_BYTES], ready[8];

	if (lf_child_start(&job->daemon, argv, job->output, error) != LF_OK ||
		lf_child_await(&job->daemon, " ready: ", ready, sizeof(ready), error) != LF_OK ||
		lf_child_await(&job->daemon, " listening: listening on ", url, sizeof(url), error) != LF_OK)
		return error->code;
	return lf_client_new(
		client, &(struct lf_client_options){.url = url, .in_flight_max = LF_BENCH_IN_FLIGHT_MAX}, error);
}

static enum lf_code measure_calls(struct lf_client *client, const struct lf_workload *workload, unsigned in_flight,
	pid_t server, double seconds, uint64_t *number, struct lf_load *load, struct lf_error *error)
{
	struct lf_client *const clients[] = {client};
	const struct lf_calls_options options = {
		.clients = clients, .client_count = 1, .source = lf_workload_source(workload), .in_flight = in_flight};

	return lf_calls_measure(&options, server, seconds, 20, number, load, error);
}

static enum lf_code measure(struct job *job, struct lf_client *client, const struct lf_workload *workload,
	const struct lf_cases *cases, struct lf_error *error)
{
	const pid_t server = job->daemon.pid;
	struct lf_load one, many, brief, full, warm;
	uint64_t number = 0;
	struct lf_machine machine;

	if (measure_calls(client, workload, 64, server, job->seconds / 2, &number, &warm, error) != LF_OK ||
		measure_calls(client, workload, 1, server, job->seconds, &number, &one, error) != LF_OK ||
		measure_calls(client, workload, 64, server, job->seconds, &number, &many, error) != LF_OK ||
		measure_batches(client, cases, BATCH, server, job->seconds, &brief, error) != LF_OK ||
		measure_batches(client, cases, FULL_BATCH, server, job->seconds, &full, error) != LF_OK)
		return error->code;
	lf_machine_read(&machine, job->directory);
	printf("{\"processor\": \"%s\", \"processors\": %ld, \"kernel\": \"%s\", \"fileSystem\": \"%s\", "
	       "\"inMemory\": %s, \"leadfit\": \"%s\", "
	       "\"one\": %.1f, \"oneP50Us\": %.1f, \"many\": %.1f, \"manyP50Us\": %.1f, \"brief\": %.1f, \"full\": "
	       "%.1f}\n",
		machine.processor, machine.processors, machine.kernel, machine.file_system,
		machine.real_disk ? "false" : "true", LF_VERSION, one.requests_per_s, one.p50_us, many.requests_per_s,
		many.p50_us, brief.requests_per_s * BATCH, full.requests_per_s * FULL_BATCH);
	return LF_OK;
}

static enum lf_code run(struct job *job, struct lf_error *error)
{
	const struct lf_bench_settings settings = {.teams = job->teams, .projects = 200, .seed = 1};
	struct lf_workload *workload = NULL;
	struct lf_client *client = NULL;
	struct lf_cases cases = {0};
	enum lf_code code = lf_workload_new(&workload, &settings, error);

	if (code == LF_OK)
		code = lf_cases_unpack(&cases, workload, error);
	if (code == LF_OK)
		code = start(job, &client, error);
	if (code == LF_OK)
		code = write_files(client, &cases, job->teams, job->requests, job->answers, error);
	if (code == LF_OK)
		code = measure(job, client, workload, &cases, error);
	if (client != NULL)
		lf_client_destroy(client);
	if (lf_child_stop(&job->daemon, code == LF_OK ? error : NULL) != LF_OK && code == LF_OK)
		code = error->code;
	lf_cases_free(&cases);
	lf_workload_destroy(workload);
	return code;
}

static bool find_server(struct job *job)
{
	const ssize_t length = readlink("/proc/self/exe", job->server, sizeof(job->server) - 16);
	char *slash;

	if (length < 0)
		return false;
	job->server[length] = '\0';
	slash = strrchr(job->server, '/');
	strcpy(slash + 1, "leadfitd");
	return access(job->server, X_OK) == 0;
}

int main(int argc, char **argv)
{
	struct job job = {0};
	struct lf_error error = LF_ERROR_INIT;

	if (argc == 6) {
		job.directory = argv[1];
		job.teams = (unsigned)strtoul(argv[2], NULL, 10);
		job.seconds = strtod(argv[3], NULL);
		job.requests = argv[4];
		job.answers = argv[5];
	}
	if (argc != 6 || job.teams < 1 || job.teams > LF_BENCH_TEAMS_MAX || !(job.seconds >= 0.05) ||
		job.seconds > 60) {
		fprintf(stderr,
			"Usage: lf_bench_compare DIR TEAMS SECONDS REQUESTS ANSWERS\n"
			"TEAMS is 1..%d, SECONDS 0.05..60; see compare.sh.\n",
			LF_BENCH_TEAMS_MAX);
		return EXIT_USAGE;
	}
	lf_child_block_signals();
	if (!find_server(&job)) {
		fprintf(stderr, "lf_bench_compare: there is no leadfitd to run at %s: build it\n", job.server);
		return EXIT_USAGE;
	}
	snprintf(job.log, sizeof(job.log), "%s/compare.db", job.directory);
	snprintf(job.output, sizeof(job.output), "%s/leadfitd.log", job.directory);
	snprintf(job.checkpoint, sizeof(job.checkpoint), "%s/compare.checkpoint", job.directory);
	if (run(&job, &error) == LF_OK)
		return 0;
	fprintf(stderr, "lf_bench_compare: %s\n", error.message);
	lf_error_clean_up(&error);
	return EXIT_FAILED;
}
