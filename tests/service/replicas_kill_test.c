/*
 * SIGKILL of replicas at random under load, two and four of them on one log: every decision that was answered is stored,
 * and once. A caller whose replica goes tries the same key at another, as behind a load balancer. Skipped where no
 * PostgreSQL server is installed. LF_KILLS sets how many (6 for each number of replicas).
 */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "leadfit/v1/decisions.pb-c.h"
#include "tests/service/replicas.h"

enum { THREADS = 8, ANSWERS_MAX = 20000, TRIES_MAX = 600 };

struct answer {
	char id[40]; /* "": nobody has answered yet */
};

/* What all have sent: key-0, key-1, ... */
struct ledger {
	struct replicas replicas;
	size_t count; /* of replicas */
	struct answer *answers;
	atomic_size_t taken, answered, given_up, different;
	atomic_bool stop;
};

struct caller {
	struct ledger *ledger;
	pthread_t thread;
	unsigned seed;
};

/* One try at one replica; the connection is made anew, as what it was made to may be gone. */
static bool ask(const struct daemon *daemon, const Leadfit__V1__ScoreRequest *request, char id[40])
{
	const struct lf_client_options options = {.url = daemon->url, .connect_timeout_ms = 1000};
	struct lf_client *client;
	Leadfit__V1__Decision *decision;

	if (lf_client_new(&client, &options, NULL) != LF_OK)
		return false;
	decision = (Leadfit__V1__Decision *)lf_client_call(client, &leadfit__v1__scoring__descriptor, 0, &request->base,
		&(struct lf_call_options){.timeout_ms = 5000, .attempts_max = 1}, NULL);
	lf_client_destroy(client);
	if (decision == NULL)
		return false;
	snprintf(id, 40, "%s", decision->decision_id);
	leadfit__v1__decision__free_unpacked(decision, NULL);
	return true;
}

/* Until somebody answers; every fourth is asked for once more, elsewhere. */
static void insist(struct caller *caller, Leadfit__V1__ScoreRequest *request, size_t number)
{
	struct ledger *ledger = caller->ledger;
	struct answer *answer = &ledger->answers[number];
	char again[40];

	for (int tries = 0; answer->id[0] == '\0'; tries++) {
		const size_t index = (size_t)rand_r(&caller->seed) % ledger->count;

		if (tries == TRIES_MAX) {
			atomic_fetch_add(&ledger->given_up, 1);
			return;
		}
		if (!ask(&ledger->replicas.daemons[index], request, answer->id))
			usleep(20 * 1000);
	}
	atomic_fetch_add(&ledger->answered, 1);
	if (number % 4 == 0 &&
		ask(&ledger->replicas.daemons[(size_t)rand_r(&caller->seed) % ledger->count], request, again) &&
		strcmp(again, answer->id) != 0)
		atomic_fetch_add(&ledger->different, 1);
}

static void *call(void *context)
{
	struct caller *caller = context;
	Leadfit__V1__ScoreRequest *request = daemon_request(
		"{team: {id: t, members: [{id: a, discipline: BACKEND}, {id: b, discipline: FRONTEND, evidence: "
		"[{criterion: interaction, rating: 4}]}]}, project: {id: p}}");
	char *before = request->idempotency_key, key[32];
	size_t number;

	request->idempotency_key = key;
	while (!atomic_load(&caller->ledger->stop) &&
		(number = atomic_fetch_add(&caller->ledger->taken, 1)) < ANSWERS_MAX) {
		snprintf(key, sizeof(key), "key-%zu", number);
		insist(caller, request, number);
	}
	request->idempotency_key = before;
	leadfit__v1__score_request__free_unpacked(request, NULL);
	return NULL;
}

/* So many answers later. */
static void await_answers(struct ledger *ledger, size_t more)
{
	const size_t wanted = atomic_load(&ledger->answered) + more;

	for (int i = 0; atomic_load(&ledger->answered) < wanted; i++) {
		if (i == 1200)
			fail_msg("no more answers come");
		usleep(50 * 1000);
	}
}

static void each_is_stored_once(struct ledger *ledger, size_t taken)
{
	const struct postgres_server *server = &ledger->replicas.server;
	char sql[256];

	assert_int_equal(atomic_load(&ledger->given_up), 0);
	assert_int_equal(atomic_load(&ledger->different), 0);
	assert_int_equal(postgres_number(server, "log", "SELECT count(*) FROM leadfit.decision"), taken);
	assert_int_equal(
		postgres_number(server, "log", "SELECT count(DISTINCT sequence) FROM leadfit.request_key"), taken);
	for (size_t i = 0; i < taken; i++) {
		if (i % 16 != 0) /* one by one they take long; the numbers above are of all */
			continue;
		snprintf(sql, sizeof(sql),
			"SELECT count(*) FROM leadfit.decision d JOIN leadfit.request_key k ON k.sequence = d.sequence "
			"WHERE k.key = 'key-%zu' AND d.id = '%.39s'",
			i, ledger->answers[i].id);
		assert_int_equal(postgres_number(server, "log", sql), 1);
	}
}

static struct ledger ledger;

static int set_up(void **state)
{
	(void)state;
	replicas_make(&ledger.replicas);
	ledger.answers = calloc(ANSWERS_MAX, sizeof(*ledger.answers));
	atomic_store(&ledger.taken, 0);
	atomic_store(&ledger.answered, 0);
	atomic_store(&ledger.stop, false);
	return ledger.answers == NULL;
}

static int tear_down(void **state)
{
	(void)state;
	replicas_clean_up(&ledger.replicas);
	free(ledger.answers);
	return 0;
}

static void kill_at_random(size_t count)
{
	const char *given = getenv("LF_KILLS");
	const int kills = given != NULL ? atoi(given) : 6;
	struct caller callers[THREADS];
	unsigned seed = (unsigned)count;

	ledger.count = count;
	for (size_t i = 0; i < count; i++)
		replica_start(&ledger.replicas, i, false);
	for (unsigned i = 0; i < THREADS; i++) {
		callers[i] = (struct caller){.ledger = &ledger, .seed = i};
		assert_int_equal(pthread_create(&callers[i].thread, NULL, call, &callers[i]), 0);
	}
	for (int i = 0; i < kills; i++) {
		const size_t index = (size_t)rand_r(&seed) % count;

		await_answers(&ledger, 50 + (size_t)rand_r(&seed) % 50);
		daemon_kill(&ledger.replicas.daemons[index]);
		await_answers(&ledger, 50); /* by the others */
		replica_start(&ledger.replicas, index, false);
	}
	await_answers(&ledger, 50);
	atomic_store(&ledger.stop, true);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(callers[i].thread, NULL);
	each_is_stored_once(&ledger, atomic_load(&ledger.answered));
	replicas_verify(&ledger.replicas);
}

static void two_are_killed_in_turn(void **state)
{
	(void)state;
	kill_at_random(2);
}

static void four_are_killed_in_turn(void **state)
{
	(void)state;
	kill_at_random(4);
}

int main(void)
{
	const struct CMUnitTest claims[] = {
		cmocka_unit_test_setup_teardown(two_are_killed_in_turn, set_up, tear_down),
		cmocka_unit_test_setup_teardown(four_are_killed_in_turn, set_up, tear_down),
	};
	int failed;

	if (!replicas_server_make(&ledger.replicas)) {
		fprintf(stderr, "skipped: no PostgreSQL server is installed\n");
		return 77;
	}
	failed = cmocka_run_group_tests_name("replicas that are killed", claims, NULL, NULL);
	replicas_server_remove(&ledger.replicas);
	return failed;
}
