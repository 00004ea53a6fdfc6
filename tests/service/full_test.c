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
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "grpc/health/v1/health.pb-c.h"
#include "leadfit/v1/decisions.pb-c.h"
#include "proto/base/limits.h"
#include "tests/service/daemon.h"

enum { ROUNDS = 6, IDS_MAX = 4000, ID_BYTES = 40, NOTES = 8, TEXT = 64 * 1024 };

/*
 * What nng 1.5.2 loses on a pipe that is just closing, and with a dialer that is closed while it greets (see
 * kill_test.c).
 */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:^make_message$\nleak:^nng_dialer_create$\n";
}

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

static void a_full_disk_is_told_and_work_goes_on_by_itself_when_there_is_space(void **state)
{
	char(*ids)[ID_BYTES] = calloc(IDS_MAX, sizeof(*ids));
	struct daemon daemon;
	struct lf_client *client;
	int count = 0;
	char size[32];

	(void)state;
	daemon_init(&daemon);
	if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
		mount("lf", daemon.directory, "tmpfs", 0, "size=4m") != 0) {
		print_message("skipped: no small file system can be mounted here: %s\n", strerror(errno));
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
		snprintf(size, sizeof(size), "size=%dm", 4 + 2 * (round + 1));
		assert_int_equal(mount("lf", daemon.directory, "tmpfs", MS_REMOUNT, size), 0);
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
