/*
 * SIGKILL under concurrent load, again and again: every answered decision is in the log afterwards, no idempotency key
 * has two, and the file is sound each time. LF_KILLS sets the number of rounds (50).
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "leadfit/v1/decisions.pb-c.h"
#include "tests/service/daemon.h"
#include "tests/lost_by_nng.h"

enum { THREADS = 8, ANSWERS_MAX = 200000, KEY_BYTES = 32, ID_BYTES = 40 };

struct answer {
	char key[KEY_BYTES];
	char id[ID_BYTES]; /* "" = sent, but not answered */
};

/* What all rounds have sent. */
struct ledger {
	pthread_mutex_t lock;
	struct answer *answers;
	size_t count, answered;
	atomic_bool stop;
	struct daemon daemon;
	unsigned round;
};

static struct answer *enter(struct ledger *ledger)
{
	struct answer *answer = NULL;

	pthread_mutex_lock(&ledger->lock);
	if (ledger->count < ANSWERS_MAX) {
		answer = &ledger->answers[ledger->count];
		snprintf(answer->key, sizeof(answer->key), "key-%zu", ledger->count++);
	}
	pthread_mutex_unlock(&ledger->lock);
	return answer;
}

static bool score(struct lf_client *client, Leadfit__V1__ScoreRequest *request, char *key, char id[ID_BYTES])
{
	char *before = request->idempotency_key;
	Leadfit__V1__Decision *decision;

	request->idempotency_key = key;
	decision = (Leadfit__V1__Decision *)lf_client_call(client, &leadfit__v1__scoring__descriptor, 0, &request->base,
		&(struct lf_call_options){.timeout_ms = 5000}, NULL);
	request->idempotency_key = before;
	if (decision == NULL)
		return false;
	snprintf(id, ID_BYTES, "%s", decision->decision_id);
	leadfit__v1__decision__free_unpacked(decision, NULL);
	return true;
}

static Leadfit__V1__ScoreRequest *new_request(void)
{
	return daemon_request(
		"{team: {id: t, members: [{id: a, discipline: BACKEND}, {id: b, discipline: FRONTEND, evidence: "
		"[{criterion: interaction, rating: 4}]}]}, project: {id: p}}");
}

static void *load(void *context)
{
	struct ledger *ledger = context;
	struct lf_client *client;
	Leadfit__V1__ScoreRequest *request;
	struct answer *answer;

	if (lf_client_new(&client, &(struct lf_client_options){.url = ledger->daemon.url}, NULL) != LF_OK)
		return NULL; /* killed before it began */
	request = new_request();
	while (!atomic_load(&ledger->stop) && (answer = enter(ledger)) != NULL) {
		char id[ID_BYTES];

		if (!score(client, request, answer->key, id))
			break; /* killed */
		pthread_mutex_lock(&ledger->lock);
		memcpy(answer->id, id, sizeof(id));
		ledger->answered++;
		pthread_mutex_unlock(&ledger->lock);
	}
	leadfit__v1__score_request__free_unpacked(request, NULL);
	lf_client_destroy(client);
	return NULL;
}

static int64_t query(sqlite3 *db, const char *sql, char *text, size_t size)
{
	sqlite3_stmt *statement;
	int64_t number;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	number = sqlite3_column_int64(statement, 0);
	if (text != NULL)
		snprintf(text, size, "%s", (const char *)sqlite3_column_text(statement, 0));
	sqlite3_finalize(statement);
	return number;
}

/* Every record recomputed, and every checkpoint that was signed and written fits the log. */
static void check_evidence(const struct ledger *ledger)
{
	const pid_t child = fork();
	int status;

	if (child == 0) {
		const int nowhere = open("/dev/null", O_WRONLY);

		dup2(nowhere, STDOUT_FILENO);
		dup2(nowhere, STDERR_FILENO);
		execl(LF_BINARY_DIR "/bin/leadfitd", "leadfitd", "verify", "--db", ledger->daemon.database,
			(char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* On the file as the kill left it. */
static void check_file(struct ledger *ledger)
{
	char text[200];
	sqlite3 *db;

	assert_int_equal(sqlite3_open(ledger->daemon.database, &db), SQLITE_OK);
	query(db, "PRAGMA integrity_check", text, sizeof(text));
	assert_string_equal(text, "ok");
	/* Every decision of this test has a key; a key has one row at the most. */
	assert_int_equal(query(db, "SELECT count(*) FROM decision", NULL, 0),
		query(db, "SELECT count(*) FROM request_key", NULL, 0));
	assert_int_equal(query(db, "SELECT count(*) - count(DISTINCT sequence) FROM request_key", NULL, 0), 0);
	assert_true((size_t)query(db, "SELECT count(*) FROM decision", NULL, 0) >= ledger->answered);
	sqlite3_close(db);
	check_evidence(ledger);
}

/* What the last round answered is there; what it left open is decided once, whether it had been stored or not. */
static void check_answers(struct ledger *ledger, size_t from)
{
	struct lf_client *client = daemon_client(&ledger->daemon);
	Leadfit__V1__ScoreRequest *request = new_request();

	for (size_t i = from; i < ledger->count; i++) {
		struct answer *answer = &ledger->answers[i];
		char id[ID_BYTES];

		assert_true(score(client, request, answer->key, id));
		if (*answer->id == '\0') {
			memcpy(answer->id, id, sizeof(id));
			ledger->answered++;
		}
		/* The key gives back the decision that was answered. */
		assert_string_equal(answer->id, id);
	}
	leadfit__v1__score_request__free_unpacked(request, NULL);
	lf_client_destroy(client);
}

static void no_answered_decision_is_lost_and_no_key_has_two_however_often_the_service_is_killed(void **state)
{
	const char *wanted = getenv("LF_KILLS");
	unsigned rounds = wanted != NULL ? (unsigned)strtoul(wanted, NULL, 10) : 50;
	struct ledger ledger = {.lock = PTHREAD_MUTEX_INITIALIZER};
	pthread_t threads[THREADS];
	size_t open_requests = 0;
	uint64_t random = 42;

	(void)state;
	ledger.answers = calloc(ANSWERS_MAX, sizeof(*ledger.answers));
	assert_non_null(ledger.answers);
	daemon_init(&ledger.daemon);
	memcpy(ledger.daemon.more, (const char *[]){"--checkpoint-every", "20", "--checkpoint-seconds", "1"},
		4 * sizeof(char *));
	daemon_start(&ledger.daemon);
	for (ledger.round = 0; ledger.round < rounds; ledger.round++) {
		size_t from = ledger.count;

		atomic_store(&ledger.stop, false);
		for (size_t t = 0; t < THREADS; t++)
			assert_int_equal(pthread_create(&threads[t], NULL, load, &ledger), 0);
		random = random * 6364136223846793005u + 1442695040888963407u;
		usleep((useconds_t)(20000 + (random >> 33) % 200000));
		daemon_kill(&ledger.daemon);
		atomic_store(&ledger.stop, true);
		for (size_t t = 0; t < THREADS; t++)
			pthread_join(threads[t], NULL);
		for (size_t i = from; i < ledger.count; i++)
			open_requests += *ledger.answers[i].id == '\0';
		check_file(&ledger);
		daemon_start(&ledger.daemon);
		check_answers(&ledger, from);
	}
	daemon_stop(&ledger.daemon);
	check_file(&ledger);
	print_message("%u kills, %zu requests, %zu of them open at the kill, 0 lost, 0 twice; each time every record "
		      "and every checkpoint fitted\n",
		rounds, ledger.count, open_requests);
	assert_true(ledger.count > rounds);
	daemon_clean_up(&ledger.daemon);
	free(ledger.answers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_answered_decision_is_lost_and_no_key_has_two_however_often_the_service_is_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
