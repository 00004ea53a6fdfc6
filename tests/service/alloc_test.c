/*
 * Each allocation on the score path failed in turn: the caller gets a status, the service lives and answers the next
 * request, and nothing leaks (under the address sanitizer the daemon's own exit says so).
 *
 * The daemon runs in a child process whose allocations (ours, SQLite's, and nng's messages) go through a countdown in
 * shared memory.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <nng/nng.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/service/daemon.h"

int leadfitd_main(int argc, char **argv); /* service/daemon/main.c, renamed */

struct countdown {
	atomic_int left;   /* allocations until one fails; 0 = none does */
	atomic_int failed; /* how many did */
};
static struct countdown *shared; /* NULL in the parent's own allocations */
static bool in_daemon;

static bool must_fail(void)
{
	int left;

	if (!in_daemon || (left = atomic_load(&shared->left)) <= 0)
		return false;
	while (left > 0 && !atomic_compare_exchange_weak(&shared->left, &left, left - 1))
		continue;
	if (left != 1)
		return false;
	atomic_fetch_add(&shared->failed, 1);
	return true;
}

/* The linker routes calls here (--wrap). */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
char *__real_strdup(const char *text);
int __real_nng_msg_alloc(nng_msg **message, size_t size);
int __real_nng_msg_append(nng_msg *message, const void *data, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
char *__wrap_strdup(const char *text);
int __wrap_nng_msg_alloc(nng_msg **message, size_t size);
int __wrap_nng_msg_append(nng_msg *message, const void *data, size_t size);

void *__wrap_malloc(size_t size)
{
	return must_fail() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return must_fail() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
	return must_fail() ? NULL : __real_realloc(memory, size);
}

char *__wrap_strdup(const char *text)
{
	return must_fail() ? NULL : __real_strdup(text);
}

int __wrap_nng_msg_alloc(nng_msg **message, size_t size)
{
	return must_fail() ? NNG_ENOMEM : __real_nng_msg_alloc(message, size);
}

int __wrap_nng_msg_append(nng_msg *message, const void *data, size_t size)
{
	return must_fail() ? NNG_ENOMEM : __real_nng_msg_append(message, data, size);
}

/* SQLite's allocator, through the same countdown. */
static sqlite3_mem_methods real_methods;

static void *sqlite_malloc(int size)
{
	return must_fail() ? NULL : real_methods.xMalloc(size);
}

static void *sqlite_realloc(void *memory, int size)
{
	return must_fail() ? NULL : real_methods.xRealloc(memory, size);
}

static void run_daemon(const struct daemon *daemon)
{
	char rubric[] = LF_SOURCE_DIR "/service/rubrics/tech-lead.yaml";
	char name[] = "leadfitd", db[] = "--db", listen[] = "--listen", rubric_option[] = "--rubric";
	char database[96], url[96], log[96];
	char *arguments[] = {name, db, database, listen, url, rubric_option, rubric, NULL};
	sqlite3_mem_methods methods;
	int file;

	snprintf(log, sizeof(log), "%s/log", daemon->directory);
	file = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (file >= 0)
		dup2(file, STDERR_FILENO);
	memcpy(database, daemon->database, sizeof(database));
	memcpy(url, daemon->url, sizeof(url));
	sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_methods);
	methods = real_methods;
	methods.xMalloc = sqlite_malloc;
	methods.xRealloc = sqlite_realloc;
	sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
	in_daemon = true;
	exit(leadfitd_main(7, arguments));
}

static Leadfit__V1__Decision *score(
	struct lf_client *client, Leadfit__V1__ScoreRequest *request, struct lf_error *error)
{
	return (Leadfit__V1__Decision *)lf_client_call(client, &leadfit__v1__scoring__descriptor, 0, &request->base,
		&(struct lf_call_options){.timeout_ms = 20000}, error);
}

/* Asks until the service is ready again. */
static void assert_answers(const struct daemon *daemon, struct lf_client *client, Leadfit__V1__ScoreRequest *request)
{
	struct lf_error error = LF_ERROR_INIT;

	for (int tries = 0; tries < 100; tries++) {
		Leadfit__V1__Decision *decision = score(client, request, &error);

		if (decision != NULL) {
			leadfit__v1__decision__free_unpacked(decision, NULL);
			lf_error_clean_up(&error);
			return;
		}
		if (waitpid(daemon->pid, NULL, WNOHANG) != 0)
			fail_msg("the service has ended; see %s/log", daemon->directory);
		usleep(20 * 1000);
	}
	fail_msg("the service does not recover: %s; see %s/log", error.message, daemon->directory);
}

static void each_allocation_that_fails_gives_the_caller_a_status_and_nothing_leaks(void **state)
{
	struct daemon daemon;
	struct lf_client *client;
	Leadfit__V1__ScoreRequest *request = daemon_request("{team: {id: t, members: [{id: a, discipline: BACKEND, "
							    "expertise: {BACKEND: 1}}, {id: b, discipline: FRONTEND, "
							    "availability: 0.1, evidence: [{criterion: interaction, "
							    "rating: 4, source: PEER, observed_on: 2026-01-01}]}]}, "
							    "project: {id: p, traits: {interaction_focus: 0.5}}}");
	char *empty = request->idempotency_key, key[32], team[32];
	char *team_id = request->team->id;
	size_t by_code[17] = {0};
	int n, missed = 0;

	(void)state;
	daemon_init(&daemon);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(shared != MAP_FAILED);
	daemon.pid = fork();
	assert_true(daemon.pid >= 0);
	if (daemon.pid == 0)
		run_daemon(&daemon);
	daemon_wait(&daemon);
	client = daemon_client(&daemon);
	assert_answers(&daemon, client, request);
	/* Some runs more once none fails: the watchdog allocates too, and may take the hit. */
	for (n = 1; missed < 3 && n < 5000; n++) {
		struct lf_error error = LF_ERROR_INIT;
		Leadfit__V1__Decision *decision;

		snprintf(key, sizeof(key), "key-%d", n);
		snprintf(team, sizeof(team), "team-%d", n); /* a new payload each time: the longest path */
		request->idempotency_key = key;
		request->team->id = team;
		atomic_store(&shared->failed, 0);
		atomic_store(&shared->left, n);
		decision = score(client, request, &error);
		atomic_store(&shared->left, 0);
		missed = atomic_load(&shared->failed) == 0 ? missed + 1 : 0;
		by_code[error.code]++;
		if (decision != NULL)
			leadfit__v1__decision__free_unpacked(decision, NULL);
		else if (error.code != LF_RESOURCE_EXHAUSTED && error.code != LF_UNAVAILABLE)
			fail_msg("allocation %d: %s %s", n, lf_code_name(error.code), error.message);
		lf_error_clean_up(&error);
		/* The same key gives a decision now, stored before or not. */
		assert_answers(&daemon, client, request);
		request->idempotency_key = empty;
		request->team->id = team_id;
	}
	assert_true(n < 5000);
	print_message(
		"%d allocations failed in turn: %zu answered all the same, %zu RESOURCE_EXHAUSTED, %zu UNAVAILABLE\n",
		n - 4, by_code[LF_OK] - 3, by_code[LF_RESOURCE_EXHAUSTED], by_code[LF_UNAVAILABLE]);
	leadfit__v1__score_request__free_unpacked(request, NULL);
	lf_client_destroy(client);
	daemon_stop(&daemon);
	daemon_clean_up(&daemon);
	munmap(shared, sizeof(*shared));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_allocation_that_fails_gives_the_caller_a_status_and_nothing_leaks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
