/*
 * A service whose disk is full: it says so (RESOURCE_EXHAUSTED, NOT_SERVING), goes on reading, and takes decisions
 * again when there is space, without a restart. On a real small file system.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include "grpc/health/v1/health.pb-c.h"
#include "leadfit/v1/decisions.pb-c.h"
#include "proto/base/limits.h"
#include "tests/service/daemon.h"
#include "tests/lost_by_nng.h"

enum { MIB = 1024 * 1024, POLLS = 60, ROUNDS = 6, IDS_MAX = 4000, ID_BYTES = 40, NOTES = 8, TEXT = 64 * 1024 };

/* A team of its own, of some 33 KB: each decision takes as much space. */
static Leadfit__V1__ScoreRequest *large_request(int number)
{
	char *yaml = malloc(TEXT), note[LF_TEXT_BYTES_MAX];
	Leadfit__V1__ScoreRequest *request;
	int length;

	memset(note, 'n', sizeof(note) - 1);
	note[sizeof(note) - 1] = '\0';
	length = snprintf(yaml, TEXT,
		"{idempotencyKey: full-%d, team: {id: t%d, members: [{id: b, discipline: BACKEND}, {id: a, evidence: [",
		number, number);
	for (int i = 0; i < NOTES; i++)
		length += snprintf(yaml + length, TEXT - (size_t)length,
			"%s{criterion: interaction, rating: %d, note: %s}", i > 0 ? ", " : "", 1 + i % 5, note);
	snprintf(yaml + length, TEXT - (size_t)length, "]}]}, project: {id: p}}");
	request = daemon_request(yaml);
	free(yaml);
	return request;
}

static enum lf_code score(struct lf_client *client, int number, char id[ID_BYTES])
{
	struct lf_error error = LF_ERROR_INIT;
	Leadfit__V1__ScoreRequest *request = large_request(number);
	ProtobufCMessage *reply = lf_client_call(client, &leadfit__v1__scoring__descriptor, 0, &request->base,
		&(struct lf_call_options){.timeout_ms = 20000, .attempts_max = 1}, &error);
	const enum lf_code code = reply != NULL ? LF_OK : error.code;

	if (code == LF_RESOURCE_EXHAUSTED)
		assert_non_null(strstr(error.message, "no space"));
	if (reply != NULL)
		snprintf(id, ID_BYTES, "%s", ((Leadfit__V1__Decision *)reply)->decision_id);
	protobuf_c_message_free_unpacked(reply, NULL);
	leadfit__v1__score_request__free_unpacked(request, NULL);
	lf_error_clean_up(&error);
	return code;
}

static bool serving(struct lf_client *client)
{
	Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
	ProtobufCMessage *reply = lf_client_call(client, &grpc__health__v1__health__descriptor, 0, &request.base,
		&(struct lf_call_options){.timeout_ms = 10000}, NULL);
	bool yes;

	assert_non_null(reply);
	yes = ((Grpc__Health__V1__HealthCheckResponse *)reply)->status ==
		GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING;
	protobuf_c_message_free_unpacked(reply, NULL);
	return yes;
}

static bool stored(struct lf_client *client, char *id)
{
	Leadfit__V1__GetDecisionRequest request = LEADFIT__V1__GET_DECISION_REQUEST__INIT;
	ProtobufCMessage *reply;

	request.decision_id = id;
	reply = lf_client_call(client, &leadfit__v1__decisions__descriptor, 0, &request.base,
		&(struct lf_call_options){.timeout_ms = 10000}, NULL);
	protobuf_c_message_free_unpacked(reply, NULL);
	return reply != NULL;
}

/* A small file system in the daemon's folder; false: none can be mounted, said. */
static bool mount_small(const struct daemon *daemon, int size_mib)
{
	char size[32];

	snprintf(size, sizeof(size), "size=%dm", size_mib);
	if (unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
		mount("lf", daemon->directory, "tmpfs", 0, size) == 0)
		return true;
	print_message("skipped: no small file system can be mounted here: %s\n", strerror(errno));
	return false;
}

static void resize(const struct daemon *daemon, int size_mib)
{
	char size[32];

	snprintf(size, sizeof(size), "size=%dm", size_mib);
	assert_int_equal(mount("lf", daemon->directory, "tmpfs", MS_REMOUNT, size), 0);
}

/* Somebody else's file takes all that is left. */
static void take_the_rest(const struct daemon *daemon)
{
	static const char zeros[4096];
	char path[96];
	int file;

	snprintf(path, sizeof(path), "%s/other", daemon->directory);
	file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	assert_true(file >= 0);
	while (write(file, zeros, sizeof(zeros)) > 0)
		continue;
	assert_int_equal(errno, ENOSPC);
	close(file);
}

struct filled {
	struct daemon daemon;
	struct lf_client *client;
	char (*ids)[ID_BYTES];
	int count;
};

/* Decisions until one is refused for want of room; false: most were taken. */
static bool fill(struct filled *f, int most)
{
	enum lf_code code = LF_OK;

	for (int i = 0; i < most; i++) {
		code = score(f->client, f->count, f->ids[f->count]);
		if (code != LF_OK)
			break;
		assert_true(++f->count < IDS_MAX);
	}
	assert_true(code == LF_OK || code == LF_RESOURCE_EXHAUSTED);
	return code != LF_OK;
}

/* It is not ready, and not now and then either, whoever tries. */
static void stays_full(struct filled *f)
{
	char id[ID_BYTES];

	for (int i = 0; i < POLLS; i++) {
		assert_false(serving(f->client));
		if (i % 8 == 0)
			assert_int_equal(score(f->client, f->count, id), LF_RESOURCE_EXHAUSTED);
		usleep(50000);
	}
}

/* By itself, and for good: what was refused, and more. */
static void comes_back(struct filled *f)
{
	while (!serving(f->client))
		usleep(20000);
	assert_false(fill(f, 3));
	assert_true(serving(f->client));
	for (int i = 0; i < f->count; i++)
		assert_true(stored(f->client, f->ids[i]));
}

/* first: decisions before another's file takes the rest of the disk; else until it is full. */
static void fill_and_come_back(int size_mib, int first)
{
	struct filled f = {.ids = calloc(IDS_MAX, ID_BYTES)};
	int before;

	daemon_init(&f.daemon);
	if (!mount_small(&f.daemon, size_mib)) {
		daemon_clean_up(&f.daemon);
		free(f.ids);
		skip();
	}
	daemon_start(&f.daemon);
	f.client = daemon_client(&f.daemon);
	assert_int_equal(fill(&f, first > 0 ? first : IDS_MAX), first == 0);
	before = f.count;
	do { /* what it finds room for by bringing its WAL into the file is taken, too */
		take_the_rest(&f.daemon);
		usleep(20000);
	} while (serving(f.client));
	stays_full(&f);
	resize(&f.daemon, size_mib + 2);
	comes_back(&f);
	lf_client_destroy(f.client);
	daemon_stop(&f.daemon);
	print_message("%d MiB, %s: %d decisions before, and more after, 0 lost\n", size_mib,
		first > 0 ? "filled by another" : "filled", before);
	assert_int_equal(umount2(f.daemon.directory, MNT_DETACH), 0);
	daemon_clean_up(&f.daemon);
	free(f.ids);
}

static void a_disk_of_4_to_32_mib_that_is_full_comes_back_with_2_more(void **state)
{
	(void)state;
	for (int size = 4; size <= 32; size *= 2)
		fill_and_come_back(size, 0);
}

/* With a WAL that has yet to be brought into the file, which needs room for that. */
static void a_disk_that_another_fills_comes_back_with_2_mib_more(void **state)
{
	(void)state;
	for (int size = 4; size <= 32; size *= 2)
		fill_and_come_back(size, 10 * size);
}

/* SIGXFSZ would end it; EFBIG is a full disk. */
static void a_limit_of_the_file_size_is_a_full_disk(void **state)
{
	struct filled f = {.ids = calloc(IDS_MAX, ID_BYTES)};
	struct rlimit before, limit;

	(void)state;
	daemon_init(&f.daemon);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = (struct rlimit){.rlim_cur = 2 * MIB, .rlim_max = before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	daemon_start(&f.daemon);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	f.client = daemon_client(&f.daemon);
	assert_true(fill(&f, IDS_MAX));
	assert_int_equal(prlimit(f.daemon.pid, RLIMIT_FSIZE, &before, NULL), 0);
	comes_back(&f);
	lf_client_destroy(f.client);
	daemon_stop(&f.daemon);
	daemon_clean_up(&f.daemon);
	free(f.ids);
}

static void a_full_disk_is_told_and_work_goes_on_by_itself_when_there_is_space(void **state)
{
	char(*ids)[ID_BYTES] = calloc(IDS_MAX, sizeof(*ids));
	struct daemon daemon;
	struct lf_client *client;
	int count = 0;

	(void)state;
	daemon_init(&daemon);
	if (!mount_small(&daemon, 4)) {
		daemon_clean_up(&daemon);
		free(ids);
		skip();
	}
	daemon_start(&daemon);
	client = daemon_client(&daemon);
	for (int round = 0; round < ROUNDS; round++) {
		enum lf_code code;

		while ((code = score(client, count, ids[count])) == LF_OK)
			assert_true(++count < IDS_MAX);
		assert_int_equal(code, LF_RESOURCE_EXHAUSTED);
		assert_false(serving(client));
		assert_true(stored(client, ids[count - 1])); /* reading goes on */
		resize(&daemon, 4 + 2 * (round + 1));
		while (!serving(client)) /* without traffic, without a restart */
			usleep(20000);
		assert_int_equal(score(client, count, ids[count]), LF_OK); /* the one that was refused, with its key */
		count++;
	}
	for (int i = 0; i < count; i++) {
		assert_true(stored(client, ids[i]));
		for (int j = 0; j < i; j++)
			assert_string_not_equal(ids[i], ids[j]);
	}
	lf_client_destroy(client);
	daemon_stop(&daemon);
	daemon_start(&daemon); /* and its checkpoints fit its log */
	daemon_stop(&daemon);
	print_message("%d rounds with a full disk, %d decisions acknowledged, 0 lost\n", ROUNDS, count);
	assert_int_equal(umount2(daemon.directory, MNT_DETACH), 0);
	daemon_clean_up(&daemon);
	free(ids);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_disk_is_told_and_work_goes_on_by_itself_when_there_is_space),
		cmocka_unit_test(a_disk_of_4_to_32_mib_that_is_full_comes_back_with_2_more),
		cmocka_unit_test(a_disk_that_another_fills_comes_back_with_2_mib_more),
		cmocka_unit_test(a_limit_of_the_file_size_is_a_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
