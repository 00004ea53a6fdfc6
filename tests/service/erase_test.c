/* Erasing people and pruning, asked of a real service, and looked for in its files. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "leadfit/v1/keeping.pb-c.h"
#include "leadfit/v1/record.pb-c.h"
#include "proto/base/clock.h"
#include "service/decide/text_list.h"
#include "storage/verify/verify.h"
#include "tests/service/history.h"
#include "tests/service/jobs.h"
#include "storage/sqlite/sqlite.h"

#define PERSON "q-77"
#define OTHER "q-770"

enum { TEAMS = 3 };

struct world {
	struct daemon daemon;
	struct lf_client *client;
};

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	daemon_init(&world->daemon);
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

/* ---- decisions ---- */

/*
 * Teams 0 to 2 have the person, who leads; team 9 has not, but somebody's note there names them. Two more are in each.
 * The person has a name, a note and a rating like no one else's.
 */
static Leadfit__V1__Decision *score(struct lf_client *client, int team, int project, const char *key)
{
	static const char *const criteria[] = {"architecture", "problem_solving", "collaboration", "interaction"};
	char text[HISTORY_TEXT];
	size_t length = (size_t)snprintf(text, sizeof(text),
		"idempotency_key: \"%s\"\nas_of: 2026-06-01T00:00:00Z\nproject: {id: p-%d, title: \"Title of "
		"%d\"}\nteam:\n id: t-%d\n members:\n",
		key, project, project, team);

	for (int m = team == 9 ? 1 : 0; m < 3; m++) {
		static const char *const ids[] = {PERSON, OTHER, "q-8"};
		static const char *const ratings[] = {"4.8125", "3.5", "2.25"};

		length += (size_t)snprintf(text + length, sizeof(text) - length,
			"  - id: %s\n    name: %s\n    discipline: BACKEND\n    evidence:\n", ids[m],
			m == 0 ? "Ada Quist" : "Somebody");
		for (int i = 0; i < 8; i++)
			length += (size_t)snprintf(text + length, sizeof(text) - length,
				"      - {criterion: %s, rating: %s, observed_on: \"2026-05-0%d\", note: \"%s\"}\n",
				criteria[i % 4], ratings[m], 1 + i / 4,
				m == 0                     ? "split the ledger"
					: m == 1 && i == 0 ? "asked " PERSON "."
							   : "worked");
	}
	return history_score(client, text);
}

static void score_many(struct world *world, int team, int count)
{
	for (int i = 0; i < count; i++) {
		char key[64] = "";
		Leadfit__V1__Decision *decision;

		if (i % 5 == 0)
			snprintf(key, sizeof(key), "%s-%d-%d", PERSON, team, i);
		decision = score(world->client, team, i, key);
		if (team != 9)
			assert_string_equal(decision->ranking[0]->candidate, PERSON);
		leadfit__v1__decision__free_unpacked(decision, NULL);
	}
}

static Leadfit__V1__Decision *show(struct world *world, const char *id)
{
	Leadfit__V1__GetDecisionRequest request = LEADFIT__V1__GET_DECISION_REQUEST__INIT;
	char message[512];

	request.decision_id = lf_unconst(id);
	return (Leadfit__V1__Decision *)history_call(
		world->client, "leadfit.v1.Decisions/Get", &request.base, LF_OK, message);
}

static void same_message(const ProtobufCMessage *left, const ProtobufCMessage *right)
{
	const size_t length = protobuf_c_message_get_packed_size(left);
	uint8_t *bytes = malloc(2 * length + 1);

	assert_int_equal(protobuf_c_message_get_packed_size(right), length);
	protobuf_c_message_pack(left, bytes);
	protobuf_c_message_pack(right, bytes + length);
	assert_memory_equal(bytes, bytes + length, length);
	free(bytes);
}

static void record(struct world *world, const char *id, const char *lead, const char *by, const char *reason)
{
	Leadfit__V1__RecordOutcomeRequest request = LEADFIT__V1__RECORD_OUTCOME_REQUEST__INIT;
	char message[512];

	request.decision_id = lf_unconst(id);
	request.disposition = LEADFIT__V1__DISPOSITION__OVERRIDDEN;
	request.lead = lf_unconst(lead);
	request.overridden_by = lf_unconst(by);
	request.reason = lf_unconst(reason);
	protobuf_c_message_free_unpacked(
		history_call(world->client, "leadfit.v1.Decisions/RecordOutcome", &request.base, LF_OK, message), NULL);
}

static size_t listed(struct world *world, const char *candidate)
{
	Leadfit__V1__ListDecisionsRequest request = LEADFIT__V1__LIST_DECISIONS_REQUEST__INIT;
	ProtobufCMessage *reply, *previous = NULL;
	size_t count = 0;
	char message[512];

	request.candidate = lf_unconst(candidate);
	request.page_size = 1000;
	do {
		reply = history_call(world->client, "leadfit.v1.Decisions/List", &request.base, LF_OK, message);
		protobuf_c_message_free_unpacked(previous, NULL);
		previous = reply;
		count += ((Leadfit__V1__ListDecisionsResponse *)reply)->n_decisions;
		request.page_token = ((Leadfit__V1__ListDecisionsResponse *)reply)->next_page_token;
	} while (*request.page_token != '\0');
	protobuf_c_message_free_unpacked(previous, NULL);
	return count;
}

/* ---- files ---- */

/* Whether the bytes are in a file of the log, not followed by `but` (0: whatever follows). */
static bool in_files(const struct world *world, const void *bytes, size_t length, char but)
{
	static const char *const suffixes[] = {"", "-wal", "-shm"};
	bool found = false;

	for (size_t i = 0; i < 3 && !found; i++) {
		char path[128];
		FILE *file;
		size_t size, read;
		uint8_t *data;

		snprintf(path, sizeof(path), "%s%s", world->daemon.database, suffixes[i]);
		file = fopen(path, "rb");
		if (file == NULL)
			continue;
		fseek(file, 0, SEEK_END);
		size = (size_t)ftell(file);
		rewind(file);
		data = calloc(1, size + 1);
		read = fread(data, 1, size, file);
		fclose(file);
		for (const uint8_t *at = data;
			!found && (at = memmem(at, read - (size_t)(at - data), bytes, length)) != NULL; at++)
			found = but == '\0' || at[length] != (uint8_t)but;
		free(data);
	}
	return found;
}

static bool in_files_text(const struct world *world, const char *text)
{
	return in_files(world, text, strlen(text), '\0');
}

static bool person_in_files(const struct world *world)
{
	const double rating = 4.8125;

	const bool found[] = {in_files(world, PERSON, strlen(PERSON), '0'), in_files_text(world, "Ada Quist"),
		in_files_text(world, "split the ledger"), in_files(world, &rating, sizeof(rating), '\0')};

	if (found[0] != found[1] || found[0] != found[2] || found[0] != found[3])
		print_message(
			"in the files: id %d, name %d, note %d, rating %d\n", found[0], found[1], found[2], found[3]);
	return found[0] || found[1] || found[2] || found[3];
}

static void note_finding(void *context, const struct lf_verify_finding *finding)
{
	(void)context;
	fail_msg("leaf %llu: %s", (unsigned long long)finding->position, finding->what);
}

/* Stops the service, verifies its log, and starts it again. */
static struct lf_verify_totals verify(struct world *world)
{
	const struct lf_log_options options = {.location = world->daemon.database};
	struct lf_error error = LF_ERROR_INIT;
	struct lf_verify_totals totals;
	struct lf_tree_head head;
	struct lf_digest root;
	struct lf_log *log = NULL;
	uint64_t next = 0;
	bool known;
	struct lf_verify *verify;

	lf_client_destroy(world->client);
	daemon_stop(&world->daemon);
	if (lf_log_open(&log, &lf_sqlite_backend, &options, &error) != LF_OK)
		fail_msg("%s", error.message);
	verify = lf_verify_new(log);
	assert_int_equal(lf_log_head(log, &head, &error), LF_OK);
	do
		assert_int_equal(
			lf_verify_slice(verify, next, head.size, 1000, note_finding, NULL, &next, &error), LF_OK);
	while (next != 0);
	assert_int_equal(lf_verify_root(verify, head.size, &head, note_finding, NULL, &root, &known, &error), LF_OK);
	assert_true(known);
	totals = *lf_verify_totals(verify);
	lf_verify_free(verify);
	lf_log_close(log);
	daemon_start(&world->daemon);
	world->client = daemon_client(&world->daemon);
	return totals;
}

static Leadfit__V1__ReplayResponse replay(struct world *world)
{
	Leadfit__V1__ReplayRequest request = LEADFIT__V1__REPLAY_REQUEST__INIT;
	Leadfit__V1__ReplayResponse sums = LEADFIT__V1__REPLAY_RESPONSE__INIT;
	char message[512];

	do {
		Leadfit__V1__ReplayResponse *slice = (Leadfit__V1__ReplayResponse *)history_call(
			world->client, "leadfit.v1.Audit/Replay", &request.base, LF_OK, message);

		sums.same += slice->same;
		sums.erased += slice->erased;
		sums.pruned += slice->pruned;
		assert_int_equal(slice->n_differences, 0);
		request.from_sequence = slice->next;
		leadfit__v1__replay_response__free_unpacked(slice, NULL);
	} while (request.from_sequence != 0);
	return sums;
}

/* Decisions of a team that have the digest of their request, or a key. */
static int64_t digests(struct world *world, const Leadfit__V1__TeamRef *team)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *statement = NULL;
	int64_t count;

	assert_int_equal(sqlite3_open_v2(world->daemon.database, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db,
				 "SELECT count(*) FROM decision WHERE team = (SELECT id FROM name WHERE value = ?1)"
				 " AND (request_digest IS NOT NULL OR sequence IN (SELECT sequence FROM request_key))",
				 -1, &statement, NULL),
		SQLITE_OK);
	sqlite3_bind_text(statement, 1, team->id, -1, SQLITE_STATIC);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	count = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return count;
}

/* ---- erasing ---- */

/* The others' places are what they were; the person's is a name that means nobody. */
static void is_frozen(const Leadfit__V1__Decision *before, const Leadfit__V1__Decision *after, const char *erased)
{
	assert_string_equal(after->decision_id, before->decision_id);
	assert_int_equal(after->n_ranking, before->n_ranking);
	assert_int_equal(after->outcome, before->outcome);
	for (size_t i = 0; i < before->n_ranking; i++) {
		const Leadfit__V1__Ranked *was = before->ranking[i], *is = after->ranking[i];

		assert_int_equal(is->rank, was->rank);
		assert_true(is->score == was->score);
		assert_int_equal(is->eligible, was->eligible);
		if (strcmp(was->candidate, erased) == 0) {
			assert_int_equal(strncmp(is->candidate, "erased-", 7), 0);
			assert_int_equal(strlen(is->candidate), 7 + 16);
			assert_int_equal(is->n_criteria, 0);
			assert_null(is->first_rank_share);
		} else if (strncmp(is->candidate, "erased-", 7) != 0) {
			assert_string_equal(is->candidate, was->candidate);
			assert_int_equal(is->n_criteria, was->n_criteria);
			for (size_t c = 0; c < was->n_criteria; c++)
				same_message(&was->criteria[c]->base, &is->criteria[c]->base);
		}
	}
	assert_int_equal(after->n_explanation + after->n_assumptions + after->n_what_would_change, 0);
	assert_true(after->sensitivity == NULL && after->co_lead == NULL);
	assert_true(after->n_redactions > 0);
}

static void a_person_is_in_no_file_and_the_others_are_as_they_were(void **state)
{
	struct world *world = *state;
	Leadfit__V1__Decision *theirs, *others, *after, *again;
	Leadfit__V1__Job sums;
	Leadfit__V1__ReplayResponse replayed;
	char out[16384];
	struct lf_verify_totals totals;

	for (int team = 0; team < TEAMS; team++)
		score_many(world, team, 40);
	score_many(world, 9, 20);
	theirs = score(world->client, 0, 1000, PERSON "-key");
	others = score(world->client, 9, 1000, "");
	record(world, theirs->decision_id, OTHER, PERSON, "on leave, says " PERSON);
	record(world, theirs->decision_id, OTHER, "boss", "Quist has other plans");
	record(world, others->decision_id, PERSON, "boss", "better fit");
	assert_true(person_in_files(world));
	assert_true(in_files_text(world, "Quist has other plans") && in_files_text(world, "asked " PERSON));
	assert_int_equal(listed(world, PERSON), 3 * 40 + 1);

	assert_int_equal(digests(world, others->team), 4);
	sums = jobs_erase(world->client, PERSON);
	assert_int_equal(sums.decisions, 3 * 40 + 1 + 21);
	assert_int_equal(digests(world, others->team), 0); /* over a team that had a note with the person */
	assert_int_equal(sums.payloads, 3 + 1);            /* three teams, and the one with a note */
	assert_int_equal(sums.acts, 3);
	assert_int_equal(sums.longer_words, 2); /* outcomes that OTHER leads */
	assert_false(person_in_files(world));
	assert_false(in_files_text(world, "Quist has other plans") || in_files_text(world, "says "));
	assert_true(in_files_text(world, OTHER));

	assert_int_equal(listed(world, PERSON), 0);
	assert_int_equal(listed(world, OTHER), 3 * 40 + 1 + 21);
	after = show(world, theirs->decision_id);
	is_frozen(theirs, after, PERSON);
	assert_int_equal(listed(world, after->ranking[0]->candidate), 3 * 40 + 1);
	leadfit__v1__decision__free_unpacked(after, NULL);
	after = show(world, others->decision_id);
	same_message(&others->base, &after->base);
	leadfit__v1__decision__free_unpacked(after, NULL);

	replayed = replay(world);
	assert_int_equal(replayed.same, 21);
	assert_int_equal(replayed.erased, 3 * 40 + 1);
	assert_int_equal(history_leadfit(&world->daemon, "decisions verify", out, sizeof(out)), 0);
	totals = verify(world);
	assert_true(totals.erased >= 3 * 40 + 1 + 3);
	assert_int_equal(totals.pruned, 0);

	again = score(world->client, 0, 1000, PERSON "-key");
	assert_string_not_equal(again->decision_id, theirs->decision_id); /* the key is forgotten */
	leadfit__v1__decision__free_unpacked(again, NULL);
	leadfit__v1__decision__free_unpacked(theirs, NULL);
	leadfit__v1__decision__free_unpacked(others, NULL);
}

static void erased_again_nothing_is_found_and_a_second_person_goes_as_well(void **state)
{
	struct world *world = *state;
	Leadfit__V1__Decision *before = score(world->client, 1, 1, ""), *first, *second;
	Leadfit__V1__Job sums;

	score_many(world, 1, 10);
	jobs_erase(world->client, PERSON);
	sums = jobs_erase(world->client, PERSON);
	assert_int_equal(sums.decisions + sums.payloads + sums.acts, 0);
	first = show(world, before->decision_id);
	is_frozen(before, first, PERSON);

	sums = jobs_erase(world->client, OTHER);
	assert_int_equal(sums.decisions, 11);
	assert_int_equal(sums.payloads, 1);
	second = show(world, before->decision_id);
	is_frozen(before, second, OTHER);
	assert_string_equal(second->ranking[0]->candidate, first->ranking[0]->candidate);
	assert_int_equal(second->n_redactions, 2);
	assert_false(person_in_files(world) || in_files_text(world, OTHER));
	verify(world);
	leadfit__v1__decision__free_unpacked(before, NULL);
	leadfit__v1__decision__free_unpacked(first, NULL);
	leadfit__v1__decision__free_unpacked(second, NULL);
}

/* ---- kills ---- */

struct jobs_seen {
	size_t begun, ended;
};

static void see_job(void *context, const struct lf_act_row *row)
{
	struct jobs_seen *seen = context;
	Leadfit__V1__JobBody *body = leadfit__v1__job_body__unpack(NULL, row->body.length, row->body.data);

	assert_non_null(body);
	seen->begun += body->ends == 0;
	seen->ended += body->ends != 0;
	leadfit__v1__job_body__free_unpacked(body, NULL);
}

/* Whether the log of a service that was killed has a job that has not ended. */
static bool has_unended(const struct world *world)
{
	const struct lf_log_options options = {.location = world->daemon.database};
	struct lf_error error = LF_ERROR_INIT;
	struct jobs_seen seen = {0};
	struct lf_log *log;
	uint64_t next = 0;

	if (lf_log_open(&log, &lf_sqlite_backend, &options, &error) != LF_OK)
		fail_msg("%s", error.message);
	do
		assert_int_equal(
			lf_log_list_acts(log, LF_LEAF_JOB, NULL, next, 100, see_job, &seen, &next, &error), LF_OK);
	while (next != 0);
	lf_log_close(log);
	return seen.begun > seen.ended;
}

/* How long a whole job of that many decisions takes here, in microseconds. */
static unsigned whole_job_us(struct world *world, int count)
{
	uint64_t begun;

	score_many(world, 0, count);
	begun = lf_clock_ns();
	jobs_erase(world->client, PERSON);
	return (unsigned)((lf_clock_ns() - begun) / 1000);
}

/* Each job is killed once or twice, at moments spread over the time that one takes. LF_KILLS: how many kills (50). */
static void killed_at_any_moment_it_finishes_by_itself(void **state)
{
	enum { COUNT = 60 };
	struct world *world = *state;
	const char *more = getenv("LF_KILLS");
	const unsigned kills = more != NULL ? (unsigned)atoi(more) : 50;
	const unsigned whole_us = whole_job_us(world, COUNT);
	unsigned in_the_middle = 0;

	for (unsigned i = 0; i < kills; i += 2) {
		Leadfit__V1__Job *job;
		uint64_t id;

		score_many(world, (int)(i % TEAMS), COUNT);
		job = jobs_start_erase(world->client, PERSON, "asked");
		id = job->job_id;
		leadfit__v1__job__free_unpacked(job, NULL);
		for (unsigned j = i; j < i + 2; j++) {
			usleep((unsigned)((uint64_t)whole_us * j / kills / 2));
			lf_client_destroy(world->client);
			daemon_kill(&world->daemon);
			in_the_middle += has_unended(world);
			daemon_start(&world->daemon);
			world->client = daemon_client(&world->daemon);
		}
		job = jobs_await_end(world->client, jobs_get(world->client, id));
		assert_int_equal(job->state, LEADFIT__V1__JOB_STATE__DONE);
		assert_string_equal(job->candidate, "");
		assert_int_equal(job->decisions, COUNT); /* those that were done before the kills, too */
		leadfit__v1__job__free_unpacked(job, NULL);
		assert_int_equal(listed(world, PERSON), 0);
		assert_false(person_in_files(world));
	}
	print_message("%u of %u kills came before the job had ended\n", in_the_middle, kills);
	assert_true(in_the_middle > 0);
	verify(world);
}

/* ---- under load ---- */

static atomic_bool stop_person, stop_all;
static atomic_int without; /* threads that have ceased to send the person */

static void *go_on_scoring(void *argument)
{
	struct world *world = argument;
	struct lf_client *client = daemon_client(&world->daemon);

	for (int i = 0, told = 0; !atomic_load(&stop_all); i++) {
		const bool stopped = atomic_load(&stop_person);

		if (stopped && told++ == 0)
			atomic_fetch_add(&without, 1);
		leadfit__v1__decision__free_unpacked(score(client, !stopped && i % 4 == 0 ? 1 : 9, i, ""), NULL);
	}
	lf_client_destroy(client);
	return NULL;
}

static void decisions_go_on_while_a_person_is_erased(void **state)
{
	struct world *world = *state;
	Leadfit__V1__Job *job;
	pthread_t threads[3];

	score_many(world, 0, 150);
	atomic_store(&stop_person, false);
	atomic_store(&stop_all, false);
	atomic_store(&without, 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, go_on_scoring, world), 0);
	/* It begins with the person still coming. Where that goes on, the job fails; here it may, and it may not. */
	job = jobs_start_erase(world->client, PERSON, "asked");
	usleep(100000);
	atomic_store(&stop_person, true);
	while (atomic_load(&without) < 3)
		usleep(1000);
	leadfit__v1__job__free_unpacked(jobs_await_end(world->client, job), NULL);
	jobs_erase(world->client, PERSON);
	assert_int_equal(listed(world, PERSON), 0);
	atomic_store(&stop_all, true);
	for (size_t i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(listed(world, PERSON), 0);
	jobs_erase(world->client, PERSON); /* notes of team 9 named them to the end */
	assert_false(person_in_files(world));
	verify(world);
}

struct recorder {
	struct world *world;
	const char *decision;
	bool adds_results;
	int recorded;
};

static void *go_on_recording(void *argument)
{
	struct recorder *recorder = argument;
	struct lf_client *client = daemon_client(&recorder->world->daemon);
	Leadfit__V1__RecordOutcomeRequest request = LEADFIT__V1__RECORD_OUTCOME_REQUEST__INIT;
	const ProtobufCServiceDescriptor *service = &leadfit__v1__decisions__descriptor;
	unsigned method = 0;

	while (strcmp(service->methods[method].name, "RecordOutcome") != 0)
		method++;
	request.decision_id = lf_unconst(recorder->decision);
	if (recorder->adds_results)
		request.result = 4;
	else
		request.disposition = LEADFIT__V1__DISPOSITION__ACCEPTED; /* whom the decision recommends */
	while (!atomic_load(&stop_all)) {
		struct lf_error error = LF_ERROR_INIT; /* where others record too fast, it is ABORTED */
		ProtobufCMessage *reply = lf_client_call(
			client, service, method, &request.base, &(struct lf_call_options){.timeout_ms = 10000}, &error);

		recorder->recorded += reply != NULL;
		protobuf_c_message_free_unpacked(reply, NULL);
		lf_error_clean_up(&error);
	}
	lf_client_destroy(client);
	return NULL;
}

/* Nobody sends the name: the service reads it, from the decision and from what was recorded before. */
static void what_is_recorded_meanwhile_does_not_bring_the_name_back(void **state)
{
	struct world *world = *state;
	Leadfit__V1__Decision *decision = score(world->client, 0, 1, "");
	struct recorder recorders[2];
	pthread_t threads[2];

	assert_string_equal(decision->recommended, PERSON);
	score_many(world, 0, 60);
	record(world, decision->decision_id, OTHER, PERSON, "says so");
	atomic_store(&stop_all, false);
	for (size_t i = 0; i < 2; i++) {
		recorders[i] = (struct recorder){world, decision->decision_id, i % 2 == 0, 0};
		assert_int_equal(pthread_create(&threads[i], NULL, go_on_recording, &recorders[i]), 0);
	}
	usleep(50000);
	jobs_erase(world->client, PERSON);
	atomic_store(&stop_all, true);
	for (size_t i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		assert_true(recorders[i].recorded > 0);
	}
	assert_false(person_in_files(world));
	verify(world);
	leadfit__v1__decision__free_unpacked(decision, NULL);
}

/* ---- refusals ---- */

static void refuse_erase(struct world *world, const char *candidate, const char *reason, const char *what)
{
	Leadfit__V1__StartEraseRequest request = LEADFIT__V1__START_ERASE_REQUEST__INIT;
	char message[512];

	request.candidate = lf_unconst(candidate);
	request.reason = lf_unconst(reason);
	history_call(world->client, "leadfit.v1.Keeping/StartErase", &request.base, LF_INVALID_ARGUMENT, message);
	if (strstr(message, what) == NULL)
		fail_msg("\"%s\" says nothing of \"%s\"", message, what);
}

static void bad_requests_are_refused(void **state)
{
	struct world *world = *state;

	score_many(world, 0, 1);
	refuse_erase(world, "", "why", "candidate");
	refuse_erase(world, PERSON, "", "reason");
	refuse_erase(world, PERSON, " \n", "reason");
	refuse_erase(world, PERSON, "as " PERSON " asked", "reason");
	assert_int_equal(listed(world, PERSON), 1);
}

/* ---- pruning ---- */

static void pruning_keeps_what_a_younger_decision_refers_to(void **state)
{
	struct world *world = *state;
	Leadfit__V1__Decision *old, *young, *after;
	Leadfit__V1__Job sums;
	Leadfit__V1__ReplayResponse replayed;
	struct lf_verify_totals totals;

	score_many(world, 0, 150); /* projects 0 to 149 */
	score_many(world, 1, 10);
	old = score(world->client, 0, 2000, PERSON "-old");
	record(world, old->decision_id, OTHER, "boss", "Quist has other plans");
	young = score(world->client, 0, 3, "");
	assert_true(in_files_text(world, "Title of 2000") && person_in_files(world));

	sums = jobs_prune(world->client, young->decided_at, true);
	assert_int_equal(sums.decisions, 161);
	assert_int_equal(sums.payloads, 1 + 150); /* team 1; all projects but one */
	assert_int_equal(sums.kept_payloads, 2);
	after = show(world, old->decision_id);
	same_message(&old->base, &after->base);
	leadfit__v1__decision__free_unpacked(after, NULL);

	sums = jobs_prune(world->client, young->decided_at, false);
	assert_int_equal(sums.decisions, 161);
	assert_int_equal(sums.payloads, 151);
	assert_int_equal(sums.kept_payloads, 2);
	assert_false(in_files_text(world, "Title of 2000") || in_files_text(world, PERSON "-old") ||
		in_files_text(world, "Quist has other plans"));
	assert_true(in_files_text(world, "Title of 3") && person_in_files(world));

	after = show(world, young->decision_id);
	same_message(&young->base, &after->base);
	leadfit__v1__decision__free_unpacked(after, NULL);
	after = show(world, old->decision_id);
	assert_int_equal(after->outcome, old->outcome);
	same_message(&old->as_of->base, &after->as_of->base);
	same_message(&old->rubric->base, &after->rubric->base);
	assert_string_equal(after->recommended, "");
	assert_int_equal(after->n_ranking, 0);
	assert_int_equal(after->n_redactions, 1);
	leadfit__v1__decision__free_unpacked(after, NULL);
	assert_int_equal(listed(world, PERSON), 1);

	sums = jobs_prune(world->client, young->decided_at, false);
	assert_int_equal(sums.decisions + sums.payloads, 0);
	replayed = replay(world);
	assert_int_equal(replayed.same, 1);
	assert_int_equal(replayed.pruned, 161);
	totals = verify(world);
	assert_true(totals.pruned >= 161);

	jobs_erase(world->client, PERSON);
	assert_false(person_in_files(world));
	verify(world);
	leadfit__v1__decision__free_unpacked(old, NULL);
	leadfit__v1__decision__free_unpacked(young, NULL);
}

static void less_than_six_months_and_the_future_are_refused(void **state)
{
	struct world *world = *state;
	Leadfit__V1__StartPruneRequest request = LEADFIT__V1__START_PRUNE_REQUEST__INIT;
	Google__Protobuf__Timestamp before = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	char message[512];

	history_call(world->client, "leadfit.v1.Keeping/StartPrune", &request.base, LF_INVALID_ARGUMENT, message);
	assert_non_null(strstr(message, "before"));
	before.seconds = time(NULL) - 170 * 86400;
	request.before = &before;
	history_call(world->client, "leadfit.v1.Keeping/StartPrune", &request.base, LF_INVALID_ARGUMENT, message);
	assert_non_null(strstr(message, "6 months"));
	before.seconds = time(NULL) + 3600;
	request.allow_under_six_months = true;
	history_call(world->client, "leadfit.v1.Keeping/StartPrune", &request.base, LF_INVALID_ARGUMENT, message);
	assert_non_null(strstr(message, "future"));
	before.seconds = time(NULL) - 190 * 86400;
	request.allow_under_six_months = false;
	protobuf_c_message_free_unpacked(
		history_call(world->client, "leadfit.v1.Keeping/StartPrune", &request.base, LF_OK, message), NULL);
}

/* ---- the command line ---- */

static void the_commands_ask_first_and_tell_what_they_did(void **state)
{
	struct world *world = *state;
	char out[8192];

	score_many(world, 0, 3);
	assert_int_equal(history_leadfit(&world->daemon,
				 "decisions erase --candidate " PERSON " --reason asked </dev/null", out, sizeof(out)),
		2);
	assert_non_null(strstr(out, "--yes"));
	assert_int_equal(
		history_leadfit(&world->daemon, "decisions erase --candidate " PERSON " --yes", out, sizeof(out)), 2);
	assert_non_null(strstr(out, "--reason"));
	assert_int_equal(listed(world, PERSON), 3);
	assert_int_equal(history_leadfit(&world->daemon, "decisions erase --candidate " PERSON " --reason asked --yes",
				 out, sizeof(out)),
		0);
	assert_non_null(strstr(out, "3 decisions, 1 team or project"));
	assert_non_null(strstr(out, "Out of reach"));
	assert_null(strstr(out, "acuum")); /* it has done that */
	assert_int_equal(
		history_leadfit(&world->daemon,
			"decisions erase --candidate " PERSON " --reason asked --yes --output json", out, sizeof(out)),
		0);
	assert_non_null(strstr(out, "\"outOfReach\""));
	assert_int_equal(history_leadfit(&world->daemon, "decisions verify", out, sizeof(out)), 0);
	assert_non_null(strstr(out, ", erasure by local: 3 decisions, 1 teams and projects, 0 other records: asked\n"));
	assert_int_equal(history_leadfit(&world->daemon, "decisions verify --output json", out, sizeof(out)), 0);
	/* Of the first job, and of both that they forgot whom they were about. */
	assert_non_null(strstr(out, "\"redactionCount\": \"3\""));
	assert_false(person_in_files(world));
	assert_int_equal(history_leadfit(&world->daemon, "retention --keep-months 3 --yes", out, sizeof(out)), 2);
	assert_non_null(strstr(out, "--keep-months"));
	assert_int_equal(history_leadfit(&world->daemon, "retention --dry-run", out, sizeof(out)), 0);
	assert_non_null(strstr(out, "Would prune 0 decisions"));
	assert_int_equal(history_leadfit(&world->daemon, "retention --keep-months 0 --allow-under-six-months --yes",
				 out, sizeof(out)),
		0);
	assert_non_null(strstr(out, "Pruned 3 decisions"));
	assert_int_equal(history_leadfit(&world->daemon, "decisions list", out, sizeof(out)), 0);
	assert_non_null(strstr(out, "(pruned)"));
}

int main(void)
{
#define CLAIM(claim) cmocka_unit_test_setup_teardown(claim, set_up, tear_down)
	const struct CMUnitTest claims[] = {
		CLAIM(a_person_is_in_no_file_and_the_others_are_as_they_were),
		CLAIM(erased_again_nothing_is_found_and_a_second_person_goes_as_well),
		CLAIM(killed_at_any_moment_it_finishes_by_itself),
		CLAIM(decisions_go_on_while_a_person_is_erased),
		CLAIM(what_is_recorded_meanwhile_does_not_bring_the_name_back),
		CLAIM(bad_requests_are_refused),
		CLAIM(pruning_keeps_what_a_younger_decision_refers_to),
		CLAIM(less_than_six_months_and_the_future_are_refused),
		CLAIM(the_commands_ask_first_and_tell_what_they_did),
	};

	return cmocka_run_group_tests(claims, NULL, NULL);
}
