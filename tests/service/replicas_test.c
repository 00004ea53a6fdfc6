/*
 * Two leadfitd on one log: what is done at one holds at the other. Skipped where no PostgreSQL server is installed. Nothing
 * here waits for a time: what may come late is waited for, within a minute.
 */
#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "leadfit/v1/audit.pb-c.h"
#include "leadfit/v1/decisions.pb-c.h"
#include "leadfit/v1/jobs.pb-c.h"
#include "leadfit/v1/keeping.pb-c.h"
#include "leadfit/v1/rubrics.pb-c.h"
#include "tests/service/replicas.h"

#define BIN LF_BINARY_DIR "/bin/"

enum { TRIES = 1200, ROUNDS = 40, A = 0, B = 1 }; /* tries of 50 ms */

static struct replicas replicas;

static int set_up(void **state)
{
	(void)state;
	replicas_make(&replicas);
	replica_start(&replicas, A, true);
	replica_start(&replicas, B, false);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	replicas_clean_up(&replicas);
	return 0;
}

static void release(ProtobufCMessage *message)
{
	protobuf_c_message_free_unpacked(message, NULL);
}

/* ---- rubrics ---- */

/* Stores a variant of the shipped rubric by a replica, and copies its digest. */
static void put(size_t index, const char *name, const char *title, bool activate, char digest[65])
{
	Leadfit__V1__PutRubricRequest request = LEADFIT__V1__PUT_RUBRIC_REQUEST__INIT;
	Leadfit__V1__PutRubricResponse *response;
	char *own_name, *own_title;
	size_t length;
	uint8_t *text = file_read(LF_SOURCE_DIR "/service/rubrics/tech-lead.yaml", &length);

	assert_non_null(text);
	text[length] = '\0';
	request.rubric = (Leadfit__V1__Rubric *)daemon_message(&leadfit__v1__rubric__descriptor, (const char *)text);
	own_name = strdup(name);
	own_title = strdup(title);
	free(request.rubric->name);
	free(request.rubric->title);
	request.rubric->name = own_name;
	request.rubric->title = own_title;
	request.activate = activate;
	response = (Leadfit__V1__PutRubricResponse *)replica_call(
		&replicas, index, &leadfit__v1__rubrics__descriptor, "Put", &request.base);
	snprintf(digest, 65, "%s", response->version->ref->digest);
	release(&response->base);
	release(&request.rubric->base);
	free(text);
}

static void activate(size_t index, const char *digest)
{
	char yaml[128];

	snprintf(yaml, sizeof(yaml), "{digest: '%s'}", digest);
	release(replica_ask(&replicas, index, &leadfit__v1__rubrics__descriptor, "Activate", yaml));
}

/* A decision at this replica is by this version. */
static void scores_by(size_t index, const char *rubric, const char *digest)
{
	Leadfit__V1__Decision *decision = replica_score(&replicas, index, rubric, "");

	assert_string_equal(decision->rubric->digest, digest);
	release(&decision->base);
}

static void an_activation_counts_everywhere_once_it_is_answered(void **state)
{
	char digests[2][65], other[65], again[65];

	(void)state;
	put(A, "tech-lead", "one", false, digests[0]);
	put(B, "tech-lead", "two", false, digests[1]);
	for (size_t i = 0; i < ROUNDS; i++) {
		activate(i / 2 % 2, digests[i % 2]);
		for (size_t k = 0; k < 2; k++) {
			scores_by(1 - i / 2 % 2, "", digests[i % 2]);
			scores_by(i / 2 % 2, "tech-lead", digests[i % 2]);
		}
	}
	/* A name of which B has not heard, and then the default. */
	put(A, "other", "three", true, other);
	scores_by(B, "other", other);
	release(replica_ask(&replicas, A, &leadfit__v1__rubrics__descriptor, "SetDefault", "{name: other}"));
	scores_by(B, "", other);
	put(A, "other", "four", true, again);
	scores_by(B, "", again);
}

static void a_batch_is_by_what_is_active_too(void **state)
{
	static const char yaml[] =
		"{teams: [{id: t, members: [{id: a, discipline: BACKEND}, {id: b, discipline: FRONTEND}]}], projects: "
		"[{id: p}], full: true, items: [{team: 0, project: 0}, {team: 0, project: 0}]}";
	char digest[2][65];

	(void)state;
	put(A, "tech-lead", "one", false, digest[0]);
	put(A, "tech-lead", "two", false, digest[1]);
	for (size_t i = 0; i < ROUNDS / 4; i++) {
		Leadfit__V1__ScoreBatchResponse *response;

		activate(A, digest[i % 2]);
		response = (Leadfit__V1__ScoreBatchResponse *)replica_ask(
			&replicas, B, &leadfit__v1__scoring__descriptor, "ScoreBatch", yaml);
		assert_int_equal(response->n_results, 2);
		for (size_t k = 0; k < 2; k++)
			assert_string_equal(response->results[k]->decision->rubric->digest, digest[i % 2]);
		release(&response->base);
	}
}

/* Scores by the command line, which fails and says this. */
static void is_refused(size_t index, const char *rubric, const char *evidence, const char *said)
{
	const char *folder = replicas.place.folder;

	assert_int_equal(replicas_run(&replicas,
				 "{ printf 'id: t\\nmembers: [{id: a, discipline: BACKEND, evidence: [%s]}, {id: b, "
				 "discipline: FRONTEND}]\\n' >%s/team; printf 'id: p\\n' >%s/project; " BIN
				 "leadfit --server %s score --team %s/team --project %s/project --rubric '%s'; } 2>&1 "
				 "| grep -F '%s'",
				 evidence, folder, folder, replicas.daemons[index].url, folder, folder, rubric, said),
		0);
}

/* The log is asked before a request is refused; what is wrong with it is said whole. */
static void what_cannot_be_scored_is_refused_with_all_that_is_wrong(void **state)
{
	static const char evidence[] = "{criterion: nothing, rating: 3}, {criterion: interaction, rating: 9}";
	char other[65];

	(void)state;
	is_refused(B, "other", "", "no rubric \"other\" is active");
	is_refused(B, "tech-lead", evidence, "evidence[0].criterion");
	is_refused(B, "tech-lead", evidence, "evidence[1].rating");
	put(A, "other", "one", true, other);
	is_refused(B, "other", evidence, "evidence[1].rating");
	scores_by(B, "other", other);
}

/* Waits until a replica has said this event. */
static void await_event(size_t index, const char *name)
{
	for (int i = 0; replicas_run(&replicas, "grep '\"%s\"' %s/log", name, replicas.daemons[index].directory) != 0;
		i++) {
		if (i == TRIES)
			fail_msg("replica %zu never says %s", index, name);
		usleep(50 * 1000);
	}
}

/* Altered in the database, so that B can't read it; A has it in memory. The others are served as before. */
static void a_version_that_one_cannot_use_is_left_out_there(void **state)
{
	char odd[65], two[65], sql[256];

	(void)state;
	put(A, "odd", "one", false, odd);
	snprintf(sql, sizeof(sql), "UPDATE leadfit.payload SET body = body || '\\x00' WHERE digest = '\\x%s'", odd);
	postgres_run(&replicas.server, "log", sql);
	activate(A, odd);
	await_event(B, "rubric_unusable");
	scores_by(A, "odd", odd);
	put(A, "tech-lead", "two", true, two);
	scores_by(B, "", two);
	/* Nor does it keep B from starting. */
	daemon_kill(&replicas.daemons[B]);
	replica_start(&replicas, B, false);
	scores_by(B, "", two);
}

static void lists_default(size_t index, const char *name)
{
	Leadfit__V1__ListRubricsResponse *list = (Leadfit__V1__ListRubricsResponse *)replica_ask(
		&replicas, index, &leadfit__v1__rubrics__descriptor, "List", "{}");

	assert_string_equal(list->default_name, name);
	release(&list->base);
}

static void gets_as_default(size_t index, const char *digest, bool is_default)
{
	Leadfit__V1__GetRubricResponse *got;
	char yaml[128];

	snprintf(yaml, sizeof(yaml), "{digest: '%s'}", digest);
	got = (Leadfit__V1__GetRubricResponse *)replica_ask(
		&replicas, index, &leadfit__v1__rubrics__descriptor, "Get", yaml);
	assert_int_equal(got->is_default, is_default);
	release(&got->base);
}

static void a_new_default_is_told_everywhere_once_it_is_answered(void **state)
{
	char other[65];

	(void)state;
	put(A, "other", "one", true, other);
	for (size_t i = 0; i < ROUNDS; i++) {
		const char *name = i % 2 == 0 ? "other" : "tech-lead";
		char yaml[64];

		snprintf(yaml, sizeof(yaml), "{name: %s}", name);
		release(replica_ask(&replicas, A, &leadfit__v1__rubrics__descriptor, "SetDefault", yaml));
		if (i / 2 % 2 == 0)
			lists_default(B, name);
		else
			gets_as_default(B, other, i % 2 == 0);
	}
}

/* ---- decisions ---- */

static void what_one_has_answered_the_other_gives(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROUNDS; i++) {
		Leadfit__V1__Decision *decision = replica_score(&replicas, i % 2, "", ""), *got;
		char yaml[128];

		snprintf(yaml, sizeof(yaml), "{decisionId: '%s'}", decision->decision_id);
		got = (Leadfit__V1__Decision *)replica_ask(
			&replicas, 1 - i % 2, &leadfit__v1__decisions__descriptor, "Get", yaml);
		assert_string_equal(got->decision_id, decision->decision_id);
		release(&got->base);
		release(&decision->base);
	}
}

struct racer {
	pthread_t thread;
	size_t index;
	char ids[ROUNDS][40];
};

/* In a thread of its own: nothing here may fail the test but what replica_score() does. */
static void *race(void *context)
{
	struct racer *racer = context;

	for (size_t i = 0; i < ROUNDS; i++) {
		Leadfit__V1__Decision *decision;
		char key[32];

		snprintf(key, sizeof(key), "key-%zu", i);
		decision = replica_score(&replicas, racer->index, "", key);
		snprintf(racer->ids[i], sizeof(racer->ids[i]), "%s", decision->decision_id);
		release(&decision->base);
	}
	return NULL;
}

static void a_key_is_one_decision_wherever_it_is_sent(void **state)
{
	struct racer racers[2] = {{.index = A}, {.index = B}};

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(racers[i].thread, NULL);
	for (size_t i = 0; i < ROUNDS; i++)
		assert_string_equal(racers[A].ids[i], racers[B].ids[i]);
	assert_int_equal(postgres_number(&replicas.server, "log", "SELECT count(*) FROM leadfit.decision"), ROUNDS);
}

/* ---- watching ---- */

/* Decisions/Watch from now on, as gRPC-Web: every decision's id is among what comes. */
static int watch(size_t index)
{
	static const char head[] = "POST /leadfit.v1.Decisions/Watch HTTP/1.1\r\nhost: localhost\r\ncontent-type: "
				   "application/grpc-web+proto\r\ncontent-length: 7\r\n\r\n";
	static const uint8_t body[] = {0, 0, 0, 0, 2, 3 << 3, 1}; /* {newOnly: true} */
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/http", replicas.daemons[index].directory);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(write(fd, head, sizeof(head) - 1), sizeof(head) - 1);
	assert_int_equal(write(fd, body, sizeof(body)), sizeof(body));
	return fd;
}

/* Whatever comes, until it has this text. */
static void await_text(int fd, const char *text, char *got, size_t size, size_t *length)
{
	while (*text != '\0' && memmem(got, *length, text, strlen(text)) == NULL) {
		struct pollfd ready = {.fd = fd, .events = POLLIN};
		ssize_t came;

		if (poll(&ready, 1, 60000) != 1)
			fail_msg("%s never came", text);
		assert_true(*length < size);
		came = read(fd, got + *length, size - *length);
		assert_true(came > 0);
		*length += (size_t)came;
	}
}

static void a_watch_at_one_sees_what_the_other_does(void **state)
{
	static char got[1 << 20];
	size_t length = 0;
	const int fd = watch(B);

	(void)state;
	await_text(fd, "200 OK", got, sizeof(got), &length);
	await_text(fd, "\r\n\r\n", got, sizeof(got), &length);
	while (length < 300) { /* the sign that it has begun, behind the headers */
		struct pollfd ready = {.fd = fd, .events = POLLIN};

		if (poll(&ready, 1, 500) != 1)
			break;
		length += (size_t)read(fd, got + length, sizeof(got) - length);
	}
	for (size_t i = 0; i < 5; i++) {
		Leadfit__V1__Decision *decision = replica_score(&replicas, A, "", "");

		await_text(fd, decision->decision_id, got, sizeof(got), &length);
		release(&decision->base);
	}
	close(fd);
}

/* ---- erasing ---- */

static void await_metric(size_t index, const char *name, double value)
{
	for (int i = 0; replica_metric(&replicas, index, name) != value; i++) {
		if (i == TRIES)
			fail_msg("%s of replica %zu is never %g", name, index, value);
		usleep(50 * 1000);
	}
}

static void who_is_erased_at_one_is_forgotten_by_the_other(void **state)
{
	Leadfit__V1__Job *job;
	char yaml[64];

	(void)state;
	for (int i = 0; i < 3; i++)
		release(&replica_score(&replicas, B, "", "")->base);
	assert_true(replica_metric(&replicas, B, "leadfit_team_cache_teams") == 1);
	job = (Leadfit__V1__Job *)replica_ask(
		&replicas, A, &leadfit__v1__keeping__descriptor, "StartErase", "{candidate: a, reason: asked for}");
	snprintf(yaml, sizeof(yaml), "{jobId: %llu}", (unsigned long long)job->job_id);
	for (int i = 0; job->state != LEADFIT__V1__JOB_STATE__DONE; i++) {
		assert_int_not_equal(job->state, LEADFIT__V1__JOB_STATE__FAILED);
		assert_true(i < TRIES);
		usleep(50 * 1000);
		release(&job->base);
		job = (Leadfit__V1__Job *)replica_ask(&replicas, A, &leadfit__v1__jobs__descriptor, "Get", yaml);
	}
	assert_true(job->decisions == 3);
	release(&job->base);
	await_metric(B, "leadfit_team_cache_teams", 0);
	await_event(B, "forgotten");
	replicas_verify(&replicas);
}

/* ---- evidence ---- */

static size_t checkpoints_of(size_t index)
{
	char path[128];
	struct dirent *entry;
	size_t count = 0;
	DIR *list;

	snprintf(path, sizeof(path), "%s/checkpoints", replicas.daemons[index].directory);
	list = opendir(path);
	if (list == NULL)
		return 0;
	while ((entry = readdir(list)) != NULL)
		count += entry->d_name[0] >= '0' && entry->d_name[0] <= '9';
	closedir(list);
	return count;
}

static void what_both_have_signed_is_one_history(void **state)
{
	(void)state;
	for (int i = 0; checkpoints_of(A) < 3 || checkpoints_of(B) < 3; i++) {
		assert_true(i < TRIES);
		release(&replica_score(&replicas, (size_t)i % 2, "", "")->base);
		usleep(50 * 1000);
	}
	replicas_verify(&replicas);
	for (size_t i = 0; i < 2; i++) {
		Leadfit__V1__CheckpointResponse *own = (Leadfit__V1__CheckpointResponse *)replica_ask(&replicas, i,
							&leadfit__v1__audit__descriptor, "Checkpoint", "{}"),
						*other;

		/* Of one size, it is the same to the last bit. */
		do
			other = (Leadfit__V1__CheckpointResponse *)replica_ask(
				&replicas, 1 - i, &leadfit__v1__audit__descriptor, "Checkpoint", "{}");
		while (other->size < own->size);
		assert_string_equal(other->verifier_key, own->verifier_key);
		if (other->size == own->size)
			assert_string_equal(other->checkpoint, own->checkpoint);
		release(&own->base);
		release(&other->base);
	}
}

static void who_looked_is_listed_by_each(void **state)
{
	(void)state;
	release(&replica_score(&replicas, A, "", "")->base);
	for (size_t i = 0; i < 2; i++)
		release(replica_ask(&replicas, i, &leadfit__v1__decisions__descriptor, "Export", "{}"));
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(replicas_run(&replicas,
					 "test $(" BIN "leadfit --server %s --output json audit access --method "
					 "Decisions/Export --kind recorded | grep -o 'Decisions/Export' | wc -l) -ge 2",
					 replicas.daemons[i].url),
			0);
}

/* ---- what fails ---- */

static void one_is_killed_and_the_other_goes_on(void **state)
{
	char ids[ROUNDS][40], yaml[128];

	(void)state;
	for (size_t i = 0; i < ROUNDS; i++) {
		Leadfit__V1__Decision *decision = replica_score(&replicas, i < ROUNDS / 2 ? i % 2 : B, "", "");

		snprintf(ids[i], sizeof(ids[i]), "%s", decision->decision_id);
		release(&decision->base);
		if (i == ROUNDS / 2)
			daemon_kill(&replicas.daemons[A]);
	}
	for (size_t i = 0; i < ROUNDS; i++) {
		snprintf(yaml, sizeof(yaml), "{decisionId: '%.40s'}", ids[i]);
		release(replica_ask(&replicas, B, &leadfit__v1__decisions__descriptor, "Get", yaml));
	}
	replica_start(&replicas, A, false);
	release(&replica_score(&replicas, A, "", "")->base);
	assert_int_equal(postgres_number(&replicas.server, "log", "SELECT count(*) FROM leadfit.decision"), ROUNDS + 1);
	replicas_verify(&replicas);
}

static void wait_for_standby(const char *name)
{
	char sql[128];

	snprintf(sql, sizeof(sql), "ALTER SYSTEM SET synchronous_standby_names = '%.40s'", name);
	postgres_run(&replicas.server, "postgres", sql);
	postgres_run(&replicas.server, "postgres", "SELECT pg_reload_conf()");
}

static void await_ready(bool ready)
{
	for (size_t index = 0; index < 2; index++)
		for (int i = 0; replica_is_ready(&replicas, index) != ready; i++) {
			if (i == TRIES)
				fail_msg("replica %zu is never %sready", index, ready ? "" : "not ");
			usleep(50 * 1000);
		}
}

/* Nobody asks for anything: what makes the difference is what they commit by themselves. */
static void without_the_standby_none_is_ready(void **state)
{
	(void)state;
	await_ready(true);
	assert_true(replica_metric(&replicas, A, "leadfit_log_durable_age_seconds") >= 0);
	wait_for_standby("nobody");
	await_ready(false);
	wait_for_standby("");
	await_ready(true);
	release(&replica_score(&replicas, A, "", "")->base);
}

#define CLAIM(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest claims[] = {
		CLAIM(an_activation_counts_everywhere_once_it_is_answered),
		CLAIM(a_batch_is_by_what_is_active_too),
		CLAIM(what_cannot_be_scored_is_refused_with_all_that_is_wrong),
		CLAIM(a_version_that_one_cannot_use_is_left_out_there),
		CLAIM(a_new_default_is_told_everywhere_once_it_is_answered),
		CLAIM(what_one_has_answered_the_other_gives),
		CLAIM(a_key_is_one_decision_wherever_it_is_sent),
		CLAIM(a_watch_at_one_sees_what_the_other_does),
		CLAIM(who_is_erased_at_one_is_forgotten_by_the_other),
		CLAIM(what_both_have_signed_is_one_history),
		CLAIM(who_looked_is_listed_by_each),
		CLAIM(one_is_killed_and_the_other_goes_on),
		CLAIM(without_the_standby_none_is_ready),
	};
	int failed;

	if (!replicas_server_make(&replicas)) {
		fprintf(stderr, "skipped: no PostgreSQL server is installed\n");
		return 77;
	}
	failed = cmocka_run_group_tests_name("two leadfitd on one log", claims, NULL, NULL);
	replicas_server_remove(&replicas);
	return failed;
}
