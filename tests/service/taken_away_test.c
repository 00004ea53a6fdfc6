/*
 * The log's file is taken away from under a service that has work (F6 of storage/sqlite/watch.c): it acknowledges
 * nothing after that, says why, and ends with status 3. Where only names changed, everything acknowledged is in the
 * file once it has its name again.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "leadfit/v1/decisions.pb-c.h"
#include "tests/service/daemon.h"
#include "tests/lost_by_nng.h"

enum { THREADS = 3, IDS_MAX = 20000, ID_BYTES = 40, NAME = 160, BEFORE = 60, TEXT = 64 * 1024 };

/* ---- load ---- */

struct load {
	const struct daemon *daemon;
	pthread_mutex_t lock;
	char (*ids)[ID_BYTES]; /* acknowledged */
	int count;
	int after; /* of those, sent when the file had been taken away */
	atomic_bool taken, ended;
	atomic_int next;
};

static void acknowledge(struct load *load, const Leadfit__V1__Decision *decision, bool after)
{
	pthread_mutex_lock(&load->lock);
	if (load->count < IDS_MAX)
		snprintf(load->ids[load->count++], ID_BYTES, "%s", decision->decision_id);
	load->after += after ? 1 : 0;
	pthread_mutex_unlock(&load->lock);
}

static void *score(void *context)
{
	struct load *load = context;
	struct lf_client *client = daemon_client(load->daemon);

	while (!atomic_load(&load->ended)) {
		char yaml[200];
		Leadfit__V1__ScoreRequest *request;
		ProtobufCMessage *reply;
		bool after;

		snprintf(yaml, sizeof(yaml),
			"{team: {id: t%d, members: [{id: a, discipline: BACKEND}]}, project: {id: p}}",
			atomic_fetch_add(&load->next, 1));
		request = daemon_request(yaml);
		after = atomic_load(&load->taken);
		reply = lf_client_call(client, &leadfit__v1__scoring__descriptor, 0, &request->base,
			&(struct lf_call_options){.timeout_ms = 500, .attempts_max = 1}, NULL);
		if (reply != NULL)
			acknowledge(load, (Leadfit__V1__Decision *)reply, after);
		protobuf_c_message_free_unpacked(reply, NULL);
		leadfit__v1__score_request__free_unpacked(request, NULL);
	}
	lf_client_destroy(client);
	return NULL;
}

static int acknowledged(struct load *load)
{
	int count;

	pthread_mutex_lock(&load->lock);
	count = load->count;
	pthread_mutex_unlock(&load->lock);
	return count;
}

static int found(const struct daemon *daemon, const struct load *load)
{
	struct lf_client *client = daemon_client(daemon);
	int count = 0;

	for (int i = 0; i < load->count; i++) {
		Leadfit__V1__GetDecisionRequest request = LEADFIT__V1__GET_DECISION_REQUEST__INIT;
		ProtobufCMessage *reply;

		request.decision_id = load->ids[i];
		reply = lf_client_call(client, &leadfit__v1__decisions__descriptor, 0, &request.base,
			&(struct lf_call_options){.timeout_ms = 10000}, NULL);
		count += reply != NULL;
		protobuf_c_message_free_unpacked(reply, NULL);
	}
	lf_client_destroy(client);
	return count;
}

/* ---- what the service says ---- */

static const char *in(const struct daemon *daemon, const char *name, char path[NAME])
{
	snprintf(path, NAME, "%s/%s", daemon->directory, name);
	return path;
}

/* Either; other may be NULL. */
static void said_either(const struct daemon *daemon, const char *part, const char *other)
{
	char path[NAME], *text = calloc(1, TEXT);
	FILE *file = fopen(in(daemon, "log", path), "r");

	assert_non_null(file);
	(void)!fread(text, 1, TEXT - 1, file);
	fclose(file);
	if (strstr(text, part) == NULL && (other == NULL || strstr(text, other) == NULL))
		fail_msg("the service did not say \"%s\":\n%s", part, text);
	free(text);
}

static void said(const struct daemon *daemon, const char *part)
{
	said_either(daemon, part, NULL);
}

/* Waits for its end by itself; the exit status. */
static int ended(struct daemon *daemon)
{
	int status;

	assert_int_equal(waitpid(daemon->pid, &status, 0), daemon->pid);
	daemon->pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* ---- ways ---- */

static void delete (const struct daemon *daemon)
{
	assert_int_equal(unlink(daemon->database), 0);
}

static void copy(const char *from, const char *to)
{
	char buffer[8192];
	FILE *in_file = fopen(from, "rb"), *out = fopen(to, "wb");
	size_t length;

	assert_true(in_file != NULL && out != NULL);
	while ((length = fread(buffer, 1, sizeof(buffer), in_file)) > 0)
		assert_int_equal(fwrite(buffer, 1, length, out), length);
	fclose(in_file);
	assert_int_equal(fclose(out), 0);
}

static void replace(const struct daemon *daemon)
{
	char path[NAME];

	copy(daemon->database, in(daemon, "older.db", path));
	assert_int_equal(rename(path, daemon->database), 0);
}

static void move_away(const struct daemon *daemon)
{
	char path[NAME];

	assert_int_equal(rename(daemon->database, in(daemon, "moved.db", path)), 0);
}

static void move_back(const struct daemon *daemon)
{
	char path[NAME];

	/* All is in the file: its WAL is needed no more. */
	assert_int_equal(unlink(in(daemon, "leadfit.db-wal", path)), 0);
	assert_int_equal(rename(in(daemon, "moved.db", path), daemon->database), 0);
}

static void truncate_file(const struct daemon *daemon)
{
	assert_int_equal(truncate(daemon->database, 4096), 0);
}

static void cut_wal(const struct daemon *daemon)
{
	char path[NAME];

	assert_int_equal(truncate(in(daemon, "leadfit.db-wal", path), 8192), 0);
}

static void delete_wal(const struct daemon *daemon)
{
	char path[NAME];

	assert_int_equal(unlink(in(daemon, "leadfit.db-wal", path)), 0);
}

static void add_link(const struct daemon *daemon)
{
	char path[NAME];

	assert_int_equal(link(daemon->database, in(daemon, "link.db", path)), 0);
}

static void remove_link(const struct daemon *daemon)
{
	char path[NAME];

	assert_int_equal(unlink(in(daemon, "link.db", path)), 0);
}

static const struct way {
	const char *name, *reason;
	void (*take)(const struct daemon *daemon);
	bool names_only;
	void (*repair)(const struct daemon *daemon); /* of names only */
} WAYS[] = {
	{"deleted", "was deleted or moved away", delete, false, NULL},
	{"replaced", "was replaced by another file", replace, false, NULL},
	{"moved away", "was deleted or moved away", move_away, true, move_back},
	{"truncated", "was cut short", truncate_file, false, NULL},
	{"WAL cut", "was cut short or overwritten", cut_wal, false, NULL},
	{"WAL deleted", "-wal was deleted, moved away or replaced", delete_wal, true, NULL},
	{"hard link added", "got another name (a hard link)", add_link, true, remove_link},
};

static void take(const struct way *way)
{
	struct load load = {.lock = PTHREAD_MUTEX_INITIALIZER, .ids = calloc(IDS_MAX, ID_BYTES)};
	pthread_t threads[THREADS];
	struct daemon daemon;

	daemon_init(&daemon);
	load.daemon = &daemon;
	daemon_start(&daemon);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, score, &load), 0);
	while (acknowledged(&load) < BEFORE)
		usleep(1000);
	way->take(&daemon);
	atomic_store(&load.taken, true);
	assert_int_equal(ended(&daemon), 3);
	atomic_store(&load.ended, true);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	said(&daemon, "the decision log has failed: ");
	said_either(&daemon, way->reason, way->names_only ? NULL : "SQLite"); /* which may meet the damage before */
	said(&daemon, "stopping, to be started again");
	assert_int_equal(load.after, 0);
	if (way->names_only) {
		if (way->repair != NULL)
			way->repair(&daemon);
		daemon_start(&daemon);
		assert_int_equal(found(&daemon, &load), load.count);
		daemon_stop(&daemon);
	}
	print_message("%s: %d acknowledged before, 0 after%s\n", way->name, load.count,
		way->names_only ? ", all found" : "; they were in what was taken");
	daemon_clean_up(&daemon);
	free(load.ids);
}

static void under_load_nothing_is_acknowledged_and_lost(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(WAYS) / sizeof(WAYS[0]); i++)
		take(&WAYS[i]);
}

/* Without a request, it ends as well. */
static void an_idle_service_notices(void **state)
{
	struct daemon daemon;

	(void)state;
	daemon_init(&daemon);
	daemon_start(&daemon);
	assert_int_equal(unlink(daemon.database), 0);
	assert_int_equal(ended(&daemon), 3);
	said(&daemon, "was deleted or moved away");
	daemon_clean_up(&daemon);
}

/* Pages of tables, all but the first, become zeros. */
static void overwrite_pages(const char *path)
{
	enum { PAGE = 8192, LEAF_OF_TABLE = 13 };
	static const uint8_t zeros[PAGE];
	const int file = open(path, O_RDWR);
	uint8_t kind;

	assert_true(file >= 0);
	for (off_t at = PAGE; pread(file, &kind, 1, at) == 1; at += PAGE)
		if (kind == LEAF_OF_TABLE)
			assert_int_equal(pwrite(file, zeros, PAGE, at), PAGE);
	close(file);
}

/* Whoever reads meets it, and nobody writes. */
static void pages_that_are_overwritten_end_it_when_they_are_read(void **state)
{
	Leadfit__V1__ListDecisionsRequest list = LEADFIT__V1__LIST_DECISIONS_REQUEST__INIT;
	struct load load = {.lock = PTHREAD_MUTEX_INITIALIZER, .ids = calloc(IDS_MAX, ID_BYTES)};
	struct lf_error error = LF_ERROR_INIT;
	struct daemon daemon;
	struct lf_client *client;
	pthread_t thread;

	(void)state;
	daemon_init(&daemon);
	load.daemon = &daemon;
	daemon_start(&daemon);
	assert_int_equal(pthread_create(&thread, NULL, score, &load), 0);
	while (acknowledged(&load) < BEFORE)
		usleep(1000);
	atomic_store(&load.ended, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
	daemon_stop(&daemon); /* all is in the file, and nothing in the WAL */
	daemon_start(&daemon);
	overwrite_pages(daemon.database);
	client = daemon_client(&daemon);
	assert_null(lf_client_call(client, &leadfit__v1__decisions__descriptor, 1, &list.base,
		&(struct lf_call_options){.timeout_ms = 10000, .attempts_max = 1}, &error));
	assert_int_equal(error.code, LF_DATA_LOSS);
	assert_int_equal(ended(&daemon), 3);
	said(&daemon, "the service is not ready from now on");
	said(&daemon, "became malformed: a read has met a page that can't be one");
	lf_error_clean_up(&error);
	lf_client_destroy(client);
	daemon_clean_up(&daemon);
	free(load.ids);
}

/* The WAL of a log that was replaced is not played into what replaced it. */
static void what_replaced_it_is_left_alone(void **state)
{
	struct daemon daemon;
	char path[NAME];

	(void)state;
	daemon_init(&daemon);
	daemon_start(&daemon);
	replace(&daemon);
	assert_int_equal(ended(&daemon), 3);
	assert_int_equal(access(in(&daemon, "leadfit.db-wal", path), F_OK), -1);
	assert_int_equal(access(in(&daemon, "leadfit.db-wal.of-the-replaced", path), F_OK), 0);
	daemon_clean_up(&daemon);
}

static void a_mapped_file_that_is_cut_short_ends_it_with_a_reason(void **state)
{
	struct daemon daemon;
	struct lf_client *client;
	Leadfit__V1__ScoreRequest *request;
	char path[NAME];
	ProtobufCMessage *reply;

	(void)state;
	daemon_init(&daemon);
	daemon_start(&daemon);
	assert_int_equal(truncate(in(&daemon, "leadfit.db-shm", path), 0), 0);
	client = daemon_client(&daemon);
	request = daemon_request("{team: {id: t, members: [{id: a, discipline: BACKEND}]}, project: {id: p}}");
	reply = lf_client_call(client, &leadfit__v1__scoring__descriptor, 0, &request->base,
		&(struct lf_call_options){.timeout_ms = 500, .attempts_max = 1}, NULL);
	assert_null(reply);
	assert_int_equal(ended(&daemon), 3);
	said(&daemon, "SIGBUS");
	lf_client_destroy(client);
	leadfit__v1__score_request__free_unpacked(request, NULL);
	daemon_clean_up(&daemon);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(under_load_nothing_is_acknowledged_and_lost),
		cmocka_unit_test(an_idle_service_notices),
		cmocka_unit_test(pages_that_are_overwritten_end_it_when_they_are_read),
		cmocka_unit_test(what_replaced_it_is_left_alone),
		cmocka_unit_test(a_mapped_file_that_is_cut_short_ends_it_with_a_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
