/* Jobs of a real service: started once, listed, over restarts, failed; and what they leave in the file. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "leadfit/v1/record.pb-c.h"
#include "proto/wire/borrow.h"
#include "service/keeping/jobs.h"
#include "service/state/registry.h"
#include "service/state/state.h"
#include "storage/log/log.h"
#include "tests/service/history.h"
#include "tests/service/jobs.h"
#include "storage/sqlite/sqlite.h"

#define PERSON "pia.q-77"

struct world {
	struct daemon daemon;
	struct lf_client *client;
	char backups[128];
};

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	daemon_init(&world->daemon);
	snprintf(world->backups, sizeof(world->backups), "%s/backups", world->daemon.directory);
	assert_int_equal(mkdir(world->backups, 0700), 0);
	world->daemon.more[0] = "--backups";
	world->daemon.more[1] = world->backups;
	daemon_start(&world->daemon);
	world->client = daemon_client(&world->daemon);
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	lf_client_destroy(world->client);
	daemon_clean_up(&world->daemon);
	free(world);
	return 0;
}

static void stop(struct world *world)
{
	lf_client_destroy(world->client);
	daemon_stop(&world->daemon);
}

static void start(struct world *world)
{
	daemon_start(&world->daemon);
	world->client = daemon_client(&world->daemon);
}

/* Decisions of a team with the person, about projects of their own; two notes have the id within a longer word. */
static void score(struct lf_client *client, int count)
{
	for (int i = 0; i < count; i++) {
		char text[1024];

		snprintf(text, sizeof(text),
			"project: {id: p-%d}\nteam:\n  id: t\n  members:\n"
			"  - {id: %s, discipline: BACKEND}\n"
			"  - id: other\n    discipline: BACKEND\n    evidence:\n"
			"    - {criterion: architecture, rating: 3, observed_on: \"2026-05-01\", note: asked "
			"%s@x.org}\n"
			"    - {criterion: architecture, rating: 4, observed_on: \"2026-05-01\", note: see %s-2}\n"
			"    - {criterion: architecture, rating: 4, observed_on: \"2026-05-01\", note: says %s}\n",
			i, PERSON, PERSON, PERSON, PERSON);
		leadfit__v1__decision__free_unpacked(history_score(client, text), NULL);
	}
}

/* How often the text is in a file and its WAL. */
static size_t count_in_file(const char *database, const char *text)
{
	size_t count = 0;

	for (int wal = 0; wal < 2; wal++) {
		char path[160];
		FILE *file;
		char *data;
		size_t read;

		snprintf(path, sizeof(path), "%s%s", database, wal ? "-wal" : "");
		file = fopen(path, "rb");
		if (file == NULL)
			continue;
		data = calloc(1, 64 << 20);
		assert_non_null(data);
		read = fread(data, 1, 64 << 20, file);
		fclose(file);
		for (const char *at = data; (at = memmem(at, read - (size_t)(at - data), text, strlen(text))) != NULL;
			at++)
			count++;
		free(data);
	}
	return count;
}

static void refused(
	struct world *world, const char *method, const ProtobufCMessage *request, enum lf_code code, const char *what)
{
	char message[512];

	history_call(world->client, method, request, code, message);
	if (strstr(message, what) == NULL)
		fail_msg("%s: \"%s\" says nothing of \"%s\"", method, message, what);
}

/* ---- starting and asking ---- */

/* The log of a stopped service. */
static struct lf_log *open_log(struct world *world)
{
	const struct lf_log_options options = {.location = world->daemon.database};
	struct lf_error error = LF_ERROR_INIT;
	struct lf_log *log;

	if (lf_log_open(&log, &lf_sqlite_backend, &options, &error) != LF_OK)
		fail_msg("%s", error.message);
	return log;
}

/* Puts a record of a job into it. Returns its number. */
static uint64_t put_bytes(struct lf_log *log, struct lf_bytes bytes)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_act_put act = {.kind = LF_LEAF_JOB, .caller = "dpo", .body = bytes};

	if (lf_log_put_act(log, &act, &error) != LF_OK)
		fail_msg("%s", error.message);
	return act.id;
}

static uint64_t put_record(struct world *world, const Leadfit__V1__JobBody *body)
{
	struct lf_log *log = open_log(world);
	uint8_t bytes[512];
	const uint64_t id = put_bytes(log, (struct lf_bytes){bytes, leadfit__v1__job_body__pack(body, bytes)});

	lf_log_close(log);
	return id;
}

static void jobs_are_done_in_the_order_of_their_records(void **state)
{
	struct world *world = *state;
	Leadfit__V1__JobBody body = LEADFIT__V1__JOB_BODY__INIT;
	Leadfit__V1__Job *first, *second, *third;
	uint64_t id;

	score(world->client, 3);
	body.kind = LEADFIT__V1__JOB_KIND__ERASE;
	body.reason = lf_unconst("asked");
	body.candidate = lf_unconst(PERSON);
	stop(world);
	id = put_record(world, &body);
	put_record(world, &body); /* as a lost reply leaves it: done twice, the second time with nothing to do */
	start(world);
	first = jobs_await_end(world->client, jobs_get(world->client, id));
	second = jobs_await_end(world->client, jobs_get(world->client, id + 1));
	assert_int_equal(first->decisions, 3);
	assert_string_equal(first->started_by, "dpo");
	assert_int_equal(second->decisions, 0);
	assert_int_equal(second->state, LEADFIT__V1__JOB_STATE__DONE);
	third = jobs_start_erase(world->client, PERSON, "asked");
	assert_true(third->job_id > second->job_id);
	leadfit__v1__job__free_unpacked(jobs_await_end(world->client, third), NULL);
	leadfit__v1__job__free_unpacked(second, NULL);
	leadfit__v1__job__free_unpacked(first, NULL);
}

enum { STARTERS = 4, STARTS = 25 };

struct starter {
	struct world *world;
	uint64_t ids[STARTS];
};

static void *start_again_and_again(void *argument)
{
	struct starter *starter = argument;
	struct lf_client *client = daemon_client(&starter->world->daemon);

	for (int i = 0; i < STARTS; i++) {
		Leadfit__V1__Job *job = jobs_start_erase(client, PERSON, "asked");

		starter->ids[i] = job->job_id;
		leadfit__v1__job__free_unpacked(job, NULL);
	}
	lf_client_destroy(client);
	return NULL;
}

/* At no time are two jobs of one request not ended: so the second of two in the log began after the first forgot. */
static void starts_at_the_same_time_make_one_job(void **state)
{
	struct world *world = *state;
	struct starter starters[STARTERS];
	pthread_t threads[STARTERS];
	Leadfit__V1__ListJobsRequest request = LEADFIT__V1__LIST_JOBS_REQUEST__INIT;
	Leadfit__V1__ListJobsResponse *list;
	Leadfit__V1__Job *last;
	uint64_t highest = 0;
	char message[512];

	score(world->client, 200);
	for (size_t i = 0; i < STARTERS; i++) {
		starters[i] = (struct starter){.world = world};
		assert_int_equal(pthread_create(&threads[i], NULL, start_again_and_again, &starters[i]), 0);
	}
	for (size_t i = 0; i < STARTERS; i++) {
		pthread_join(threads[i], NULL);
		for (int j = 0; j < STARTS; j++)
			highest = starters[i].ids[j] > highest ? starters[i].ids[j] : highest;
	}
	last = jobs_await_end(world->client, jobs_get(world->client, highest));
	leadfit__v1__job__free_unpacked(last, NULL);
	request.page_size = 100;
	list = (Leadfit__V1__ListJobsResponse *)history_call(
		world->client, "leadfit.v1.Jobs/List", &request.base, LF_OK, message);
	assert_true(list->n_jobs < STARTERS * STARTS);
	for (size_t i = 0; i < list->n_jobs; i++) {
		assert_int_equal(list->jobs[i]->state, LEADFIT__V1__JOB_STATE__DONE);
		assert_string_equal(list->jobs[i]->candidate, "");
	}
	assert_int_equal(list->jobs[list->n_jobs - 1]->decisions, 200);
	leadfit__v1__list_jobs_response__free_unpacked(list, NULL);
}

static void jobs_are_listed_newest_first_a_page_at_a_time(void **state)
{
	struct world *world = *state;
	Leadfit__V1__ListJobsRequest request = LEADFIT__V1__LIST_JOBS_REQUEST__INIT;
	Leadfit__V1__GetJobRequest get = LEADFIT__V1__GET_JOB_REQUEST__INIT;
	Google__Protobuf__Timestamp before = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	uint64_t last = UINT64_MAX;
	size_t count = 0;
	char message[512];

	refused(world, "leadfit.v1.Jobs/Get", &get.base, LF_INVALID_ARGUMENT, "job_id");
	get.job_id = 77;
	refused(world, "leadfit.v1.Jobs/Get", &get.base, LF_NOT_FOUND, "no job 77");
	request.page_size = 101;
	refused(world, "leadfit.v1.Jobs/List", &request.base, LF_INVALID_ARGUMENT, "0..100");
	before.seconds = time(NULL) - 400 * 86400;
	for (int i = 0; i < 5; i++)
		jobs_prune(world->client, &before, true);
	request.page_size = 2;
	do {
		Leadfit__V1__ListJobsResponse *list = (Leadfit__V1__ListJobsResponse *)history_call(
			world->client, "leadfit.v1.Jobs/List", &request.base, LF_OK, message);

		assert_in_range(list->n_jobs, 1, 2);
		for (size_t i = 0; i < list->n_jobs; i++, count++) {
			assert_true(list->jobs[i]->job_id < last);
			last = list->jobs[i]->job_id;
			assert_int_equal(list->jobs[i]->kind, LEADFIT__V1__JOB_KIND__PRUNE);
			assert_true(list->jobs[i]->dry_run && list->jobs[i]->ended_at != NULL);
			assert_int_equal(list->jobs[i]->before->seconds, before.seconds);
		}
		request.before_job = list->next;
		leadfit__v1__list_jobs_response__free_unpacked(list, NULL);
	} while (request.before_job != 0);
	assert_int_equal(count, 5);
}

/* ---- the end ---- */

static void what_stays_within_longer_words_is_counted(void **state)
{
	struct world *world = *state;
	Leadfit__V1__Job erased;

	score(world->client, 5);
	assert_true(count_in_file(world->daemon.database, PERSON) > 4);
	erased = jobs_erase(world->client, PERSON);
	assert_int_equal(erased.decisions, 5);
	assert_int_equal(erased.longer_words, 2);
	/* Those two, of the one team; nothing of what was asked for, not in the record of the job either. */
	assert_int_equal(count_in_file(world->daemon.database, PERSON), 2);
	assert_int_equal(count_in_file(world->daemon.database, PERSON "@x.org"), 1);
	assert_int_equal(count_in_file(world->daemon.database, PERSON "-2"), 1);
}

/* As where the process ended after the log forgot the person, and before its file was rewritten. */
static void a_job_of_which_only_the_vacuum_is_left_is_finished(void **state)
{
	struct world *world = *state;
	Leadfit__V1__JobBody body = LEADFIT__V1__JOB_BODY__INIT;
	Leadfit__V1__Job *job;
	uint64_t id;

	score(world->client, 2);
	body.kind = LEADFIT__V1__JOB_KIND__ERASE;
	body.reason = lf_unconst("asked");
	body.longer_words = 3;
	stop(world);
	id = put_record(world, &body);
	start(world);
	job = jobs_await_end(world->client, jobs_get(world->client, id));
	assert_int_equal(job->state, LEADFIT__V1__JOB_STATE__DONE);
	assert_int_equal(job->decisions, 0);
	assert_int_equal(job->longer_words, 3);
	assert_true(job->bytes_after > 0 && job->n_out_of_reach > 3);
	assert_string_equal(job->started_by, "dpo");
	leadfit__v1__job__free_unpacked(job, NULL);
	assert_true(count_in_file(world->daemon.database, PERSON) > 2); /* whom it was about, nobody knows */
}

/* As where it ended after the log forgot the person because the job had failed. */
static void a_job_that_failed_before_a_restart_has_failed_after_it(void **state)
{
	struct world *world = *state;
	Leadfit__V1__JobBody body = LEADFIT__V1__JOB_BODY__INIT;
	Leadfit__V1__Job *job;
	uint64_t id;

	body.kind = LEADFIT__V1__JOB_KIND__ERASE;
	body.reason = lf_unconst("asked");
	body.failure = lf_unconst("it was too much");
	stop(world);
	id = put_record(world, &body);
	body.kind = 9; /* nobody knows such a job */
	body.failure = lf_unconst("");
	put_record(world, &body);
	start(world);
	for (int i = 0; i < 2; i++) {
		job = jobs_await_end(world->client, jobs_get(world->client, id));
		assert_int_equal(job->state, LEADFIT__V1__JOB_STATE__FAILED);
		assert_string_equal(job->problem, "it was too much");
		assert_true(job->ended_at != NULL && job->bytes_after == 0 && job->n_out_of_reach == 0);
		leadfit__v1__job__free_unpacked(job, NULL);
		stop(world);
		start(world);
	}
}

enum {
	SCORERS = 12 /* so many that, on a busy machine, too, one of them has stored something whenever the job looks */
};

static atomic_bool stop_all;

static void *go_on_scoring(void *argument)
{
	struct world *world = argument;
	struct lf_client *client = daemon_client(&world->daemon);

	while (!atomic_load(&stop_all))
		score(client, 10);
	lf_client_destroy(client);
	return NULL;
}

/* A job that ends well meanwhile had luck: another one is started. */
static void where_the_person_keeps_coming_the_job_fails_and_forgets_them(void **state)
{
	struct world *world = *state;
	Leadfit__V1__Job *job = NULL;
	pthread_t threads[SCORERS];

	atomic_store(&stop_all, false);
	for (size_t i = 0; i < SCORERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, go_on_scoring, world), 0);
	do {
		if (job != NULL)
			leadfit__v1__job__free_unpacked(job, NULL);
		job = jobs_await_end(world->client, jobs_start_erase(world->client, PERSON, "asked"));
	} while (job->state != LEADFIT__V1__JOB_STATE__FAILED);
	atomic_store(&stop_all, true);
	for (size_t i = 0; i < SCORERS; i++)
		pthread_join(threads[i], NULL);
	assert_non_null(strstr(job->problem, "keep coming"));
	assert_string_equal(job->candidate, "");
	assert_int_equal(job->n_out_of_reach, 0);
	assert_true(job->decisions > 0);
	leadfit__v1__job__free_unpacked(job, NULL);
	assert_true(jobs_erase(world->client, PERSON).longer_words > 0);
	assert_int_equal(count_in_file(world->daemon.database, "says " PERSON), 0);
}

/* 30 KB a decision, without the person: rewriting the file takes more space than erasing them. */
static void score_others(struct lf_client *client, int count)
{
	for (int i = 0; i < count; i++) {
		static char text[HISTORY_TEXT * 3];
		size_t length = (size_t)snprintf(text, sizeof(text),
			"project: {id: p}\nteam:\n  id: large-%d\n  members:\n  - id: a\n    discipline: BACKEND\n"
			"    evidence:\n",
			i);

		for (int j = 0; j < 8; j++)
			length += (size_t)snprintf(text + length, sizeof(text) - length,
				"    - {criterion: architecture, rating: 3, observed_on: \"2026-05-0%d\", note: "
				"%04000d}\n",
				1 + j, i);
		leadfit__v1__decision__free_unpacked(history_score(client, text), NULL);
	}
}

/* Leaves some free bytes on the file system of a folder. */
static void fill_disk(const char *folder, size_t left)
{
	static const char block[64 * 1024];
	char path[160];
	FILE *file;

	snprintf(path, sizeof(path), "%s/filler", folder);
	file = fopen(path, "w");
	assert_non_null(file);
	setvbuf(file, NULL, _IONBF, 0);
	while (fwrite(block, 1, sizeof(block), file) == sizeof(block))
		;
	fseek(file, 0, SEEK_END);
	assert_true((size_t)ftell(file) > left);
	assert_int_equal(ftruncate(fileno(file), ftell(file) - (long)left), 0);
	fclose(file);
}

static void a_job_that_a_full_disk_holds_up_says_so_and_goes_on_when_there_is_room(void **state)
{
	struct world world = {.client = NULL};
	Leadfit__V1__Job *job;
	uint64_t id;

	(void)state;
	daemon_init(&world.daemon);
	if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
		mount("lf", world.daemon.directory, "tmpfs", 0, "size=64m") != 0) {
		daemon_clean_up(&world.daemon);
		print_message("skipped: no small file system can be mounted here\n");
		skip();
	}
	start(&world);
	score_others(world.client, 100);
	score(world.client, 1);
	fill_disk(world.daemon.directory, 1 << 20);
	job = jobs_start_erase(world.client, PERSON, "asked");
	id = job->job_id;
	while (job->state != LEADFIT__V1__JOB_STATE__WAITING || *job->problem == '\0') {
		assert_int_not_equal(job->state, LEADFIT__V1__JOB_STATE__DONE);
		leadfit__v1__job__free_unpacked(job, NULL);
		usleep(5000);
		job = jobs_get(world.client, id);
	}
	if (strstr(job->problem, "full") == NULL)
		fail_msg("%s", job->problem);
	leadfit__v1__job__free_unpacked(job, NULL);
	assert_int_equal(mount("lf", world.daemon.directory, "tmpfs", MS_REMOUNT, "size=128m"), 0);
	job = jobs_await_end(world.client, jobs_get(world.client, id));
	assert_int_equal(job->state, LEADFIT__V1__JOB_STATE__DONE);
	assert_int_equal(job->decisions, 1);
	assert_string_equal(job->problem, "");
	leadfit__v1__job__free_unpacked(job, NULL);
	assert_int_equal(count_in_file(world.daemon.database, PERSON), 2);
	stop(&world);
	assert_int_equal(umount2(world.daemon.directory, MNT_DETACH), 0);
	daemon_clean_up(&world.daemon);
}

/* A backup that was made while a job was at work has what is left to do: whoever starts it finishes it. */
static void a_backup_from_the_middle_of_a_job_finishes_it(void **state)
{
	struct world *world = *state;
	Leadfit__V1__BackupRequest request = LEADFIT__V1__BACKUP_REQUEST__INIT;
	struct world copy = {.client = NULL};
	Leadfit__V1__Job *job;
	char path[160], message[512];
	uint64_t id;

	score(world->client, 300);
	daemon_init(&copy.daemon);
	snprintf(path, sizeof(path), "%s/copy.db", world->backups);
	request.name = lf_unconst("copy.db");
	job = jobs_start_erase(world->client, PERSON, "asked");
	id = job->job_id;
	protobuf_c_message_free_unpacked(
		history_call(world->client, "leadfit.v1.Keeping/Backup", &request.base, LF_OK, message), NULL);
	leadfit__v1__job__free_unpacked(jobs_await_end(world->client, job), NULL);
	assert_int_equal(rename(path, copy.daemon.database), 0);
	start(&copy);
	job = jobs_await_end(copy.client, jobs_get(copy.client, id));
	assert_int_equal(job->state, LEADFIT__V1__JOB_STATE__DONE);
	leadfit__v1__job__free_unpacked(job, NULL);
	assert_int_equal(count_in_file(copy.daemon.database, "says " PERSON), 0);
	assert_int_equal(count_in_file(copy.daemon.database, PERSON), 2);
	lf_client_destroy(copy.client);
	daemon_clean_up(&copy.daemon);
}

/* ---- refusals ---- */

static void methods_that_are_gone_say_what_to_use(void **state)
{
	struct world *world = *state;
	Leadfit__V1__EraseRequest erase = LEADFIT__V1__ERASE_REQUEST__INIT;
	Leadfit__V1__PruneRequest prune = LEADFIT__V1__PRUNE_REQUEST__INIT;
	Leadfit__V1__VacuumRequest vacuum = LEADFIT__V1__VACUUM_REQUEST__INIT;

	erase.candidate = lf_unconst(PERSON);
	erase.reason = lf_unconst("asked");
	erase.cursor = lf_unconst("0-0");
	refused(world, "leadfit.v1.Keeping/Erase", &erase.base, LF_UNIMPLEMENTED, "use Keeping/StartErase");
	refused(world, "leadfit.v1.Keeping/Prune", &prune.base, LF_UNIMPLEMENTED, "use Keeping/StartPrune");
	refused(world, "leadfit.v1.Keeping/Vacuum", &vacuum.base, LF_UNIMPLEMENTED, "use Keeping/StartErase");
}

static void a_hundred_jobs_are_done_one_after_another(void **state)
{
	struct world *world = *state;
	Leadfit__V1__StartPruneRequest request = LEADFIT__V1__START_PRUNE_REQUEST__INIT;
	Google__Protobuf__Timestamp before = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	Leadfit__V1__ListJobsRequest list_request = LEADFIT__V1__LIST_JOBS_REQUEST__INIT;
	Leadfit__V1__ListJobsResponse *list;
	size_t ended;
	char message[512];

	request.before = &before;
	list_request.page_size = 100;
	score(world->client, 1);
	for (int i = 0; i < 100; i++) {
		before.seconds = time(NULL) - (400 + i) * 86400;
		protobuf_c_message_free_unpacked(
			history_call(world->client, "leadfit.v1.Keeping/StartPrune", &request.base, LF_OK, message),
			NULL);
	}
	do { /* all of them, one after another */
		list = (Leadfit__V1__ListJobsResponse *)history_call(
			world->client, "leadfit.v1.Jobs/List", &list_request.base, LF_OK, message);
		assert_int_equal(list->n_jobs, 100);
		ended = 0;
		for (size_t i = 0; i < list->n_jobs; i++)
			ended += list->jobs[i]->state == LEADFIT__V1__JOB_STATE__DONE;
		leadfit__v1__list_jobs_response__free_unpacked(list, NULL);
		usleep(5000);
	} while (ended < 100);
}

/* ---- the command line ---- */

/* So many that the service can't be through with enough of them when it is asked. */
enum { FAR_TOO_MANY = 4 * LF_JOBS_UNENDED_MAX };

static void with_a_hundred_jobs_that_have_not_ended_another_one_is_refused(void **state)
{
	struct world *world = *state;
	Leadfit__V1__JobBody body = LEADFIT__V1__JOB_BODY__INIT;
	Leadfit__V1__StartEraseRequest request = LEADFIT__V1__START_ERASE_REQUEST__INIT;
	struct lf_log *log;

	body.kind = LEADFIT__V1__JOB_KIND__ERASE;
	body.reason = lf_unconst("asked");
	score(world->client, 2);
	stop(world);
	log = open_log(world);
	for (int i = 0; i < FAR_TOO_MANY; i++) {
		char candidate[32];
		uint8_t bytes[512];

		snprintf(candidate, sizeof(candidate), "nobody-%d", i);
		body.candidate = candidate;
		put_bytes(log, (struct lf_bytes){bytes, leadfit__v1__job_body__pack(&body, bytes)});
	}
	lf_log_close(log);
	start(world);
	request.candidate = lf_unconst(PERSON);
	request.reason = lf_unconst("asked");
	refused(world, "leadfit.v1.Keeping/StartErase", &request.base, LF_RESOURCE_EXHAUSTED,
		"100 jobs have not ended: try again when some have (leadfit jobs list)");
	leadfit__v1__decision__free_unpacked(
		history_score(
			world->client, "{team: {id: t, members: [{id: a, discipline: BACKEND}]}, project: {id: p}}"),
		NULL); /* nothing else is */
}

static void a_record_of_a_job_that_can_not_be_read_is_told_at_the_start(void **state)
{
	static const uint8_t rubbish[] = {0xff, 0xff, 0xff};
	struct world *world = *state;
	struct lf_error error = LF_ERROR_INIT;
	struct lf_registry *registry;
	struct lf_state service;
	struct lf_jobs *jobs = NULL;
	struct lf_log *log;

	stop(world);
	world->client = NULL;
	log = open_log(world);
	put_bytes(log, (struct lf_bytes){rubbish, sizeof(rubbish)});
	assert_int_equal(lf_registry_new(&registry, log, NULL), LF_OK);
	assert_int_equal(lf_state_init(&service, log, registry, NULL), LF_OK);
	assert_int_equal(lf_job_thread_start(&jobs, &service, &error), LF_DATA_LOSS);
	assert_string_equal(error.message, "a record of a job can't be read");
	assert_null(jobs);
	lf_error_clean_up(&error);
	lf_state_end_chores(&service);
	lf_state_clean_up(&service);
	lf_registry_destroy(registry);
	lf_log_close(log);
}

static void the_commands_start_list_and_show_jobs(void **state)
{
	struct world *world = *state;
	char out[8192], show[64];
	uint64_t id;

	assert_int_equal(history_leadfit(&world->daemon, "jobs list", out, sizeof(out)), 0);
	assert_non_null(strstr(out, "There are no jobs."));
	score(world->client, 3);
	assert_int_equal(
		history_leadfit(&world->daemon, "decisions erase --candidate " PERSON " --reason asked --yes --no-wait",
			out, sizeof(out)),
		0);
	assert_int_equal(sscanf(out, "Job %" SCNu64 " (erase): ", &id), 1);
	snprintf(show, sizeof(show), "jobs show %" PRIu64, id);
	leadfit__v1__job__free_unpacked(jobs_await_end(world->client, jobs_get(world->client, id)), NULL);
	assert_int_equal(history_leadfit(&world->daemon, show, out, sizeof(out)), 0);
	assert_non_null(strstr(out, " (erase): done"));
	assert_non_null(strstr(out, "Replaced: 3 decisions, 1 team or project, 0 other records."));
	assert_non_null(strstr(out, "2 texts have the id within a longer word"));
	assert_non_null(strstr(out, "Out of reach"));
	assert_null(strstr(out, PERSON));
	snprintf(show, sizeof(show), "jobs show %" PRIu64 " --output json", id);
	assert_int_equal(history_leadfit(&world->daemon, show, out, sizeof(out)), 0);
	assert_non_null(strstr(out, "\"state\": \"DONE\""));
	assert_int_equal(history_leadfit(&world->daemon, "retention --dry-run", out, sizeof(out)), 0);
	assert_int_equal(history_leadfit(&world->daemon, "jobs list", out, sizeof(out)), 0);
	assert_non_null(strstr(out, "prune, dry run"));
	assert_non_null(strstr(out, "asked"));
	assert_int_equal(history_leadfit(&world->daemon, "jobs list --output json", out, sizeof(out)), 0);
	assert_non_null(strstr(out, "\"dryRun\": true"));
	assert_int_equal(history_leadfit(&world->daemon, "jobs show 99", out, sizeof(out)), 2);
	assert_non_null(strstr(out, "there is no job 99"));
	assert_int_equal(history_leadfit(&world->daemon, "jobs show x", out, sizeof(out)), 2);
	assert_non_null(strstr(out, "leadfit jobs list has them"));
}

int main(void)
{
#define CLAIM(claim) cmocka_unit_test_setup_teardown(claim, set_up, tear_down)
	const struct CMUnitTest claims[] = {
		CLAIM(jobs_are_done_in_the_order_of_their_records),
		CLAIM(starts_at_the_same_time_make_one_job),
		CLAIM(jobs_are_listed_newest_first_a_page_at_a_time),
		CLAIM(what_stays_within_longer_words_is_counted),
		CLAIM(a_job_of_which_only_the_vacuum_is_left_is_finished),
		CLAIM(a_job_that_failed_before_a_restart_has_failed_after_it),
		CLAIM(where_the_person_keeps_coming_the_job_fails_and_forgets_them),
		cmocka_unit_test(a_job_that_a_full_disk_holds_up_says_so_and_goes_on_when_there_is_room),
		CLAIM(a_backup_from_the_middle_of_a_job_finishes_it),
		CLAIM(methods_that_are_gone_say_what_to_use),
		CLAIM(a_hundred_jobs_are_done_one_after_another),
		CLAIM(with_a_hundred_jobs_that_have_not_ended_another_one_is_refused),
		CLAIM(a_record_of_a_job_that_can_not_be_read_is_told_at_the_start),
		CLAIM(the_commands_start_list_and_show_jobs),
	};

	return cmocka_run_group_tests(claims, NULL, NULL);
}
