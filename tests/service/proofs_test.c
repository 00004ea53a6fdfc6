/*
 * Checkpoints and proofs as a caller gets them from the real service, while it decides: each verifies with the public
 * key alone, and what was altered on disk is never proved.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <inttypes.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "proto/wire/wire.h"
#include "leadfit/v1/audit.pb-c.h"
#include "leadfit/v1/keeping.pb-c.h"
#include "leadfit/v1/record.pb-c.h"
#include "leadfit/v1/team.pb-c.h"
#include "proto/base/limits.h"
#include "storage/log/log.h"
#include "storage/tlog/leaf.h"
#include "storage/tlog/proof.h"
#include "tests/service/daemon.h"

/* And what a connection that greets or closes has. */
#define LOST_BESIDE "leak:^nng_dial\nleak:^nng_listener_\n"
#include "tests/lost_by_nng.h"

enum { IN_FLIGHT = 64, IDS_MAX = 100000, CHECKPOINT = 0, PROVE, CONSISTENCY };

struct fixture {
	struct daemon daemon;
	struct lf_client *client;
	struct lf_verifier verifier; /* from the file that the service wrote for everyone */
	/* What was decided. */
	pthread_mutex_t lock;
	char (*ids)[40];
	size_t count;
	atomic_bool stop;
};

/* ---- calls ---- */

static ProtobufCMessage *call(
	struct fixture *f, unsigned method, const ProtobufCMessage *request, enum lf_code code, char message[512])
{
	struct lf_error error = LF_ERROR_INIT;
	ProtobufCMessage *reply = lf_client_call(f->client, &leadfit__v1__audit__descriptor, method, request,
		&(struct lf_call_options){.timeout_ms = 60000, .idempotent = true}, &error);

	if (error.code != code)
		fail_msg("%s instead of %s: %s", lf_code_name(error.code), lf_code_name(code), error.message);
	if (message != NULL)
		snprintf(message, 512, "%s", error.message);
	lf_error_clean_up(&error);
	return reply;
}

static struct lf_checkpoint checkpoint_of(const struct fixture *f, const char *note, size_t length)
{
	struct lf_checkpoint checkpoint = {.size = 0};
	const enum lf_note_result result = lf_checkpoint_open(note, length, &f->verifier, &checkpoint);

	if (result != LF_NOTE_OK)
		fail_msg("%s", lf_note_result_text(result));
	return checkpoint;
}

static struct lf_checkpoint get_checkpoint(struct fixture *f)
{
	Leadfit__V1__CheckpointRequest request = LEADFIT__V1__CHECKPOINT_REQUEST__INIT;
	Leadfit__V1__CheckpointResponse *reply =
		(Leadfit__V1__CheckpointResponse *)call(f, CHECKPOINT, &request.base, LF_OK, NULL);
	const struct lf_checkpoint checkpoint = checkpoint_of(f, reply->checkpoint, strlen(reply->checkpoint));
	struct lf_verifier verifier;

	assert_int_equal(reply->size, checkpoint.size);
	assert_true(lf_verifier_parse(reply->verifier_key, &verifier));
	assert_memory_equal(&verifier, &f->verifier, sizeof(verifier));
	protobuf_c_message_free_unpacked(&reply->base, NULL);
	return checkpoint;
}

static Leadfit__V1__ProveResponse *prove(struct fixture *f, const char *id, enum lf_code code, char message[512])
{
	Leadfit__V1__ProveRequest request = LEADFIT__V1__PROVE_REQUEST__INIT;
	char copy[64];

	snprintf(copy, sizeof(copy), "%s", id);
	request.decision_id = copy;
	return (Leadfit__V1__ProveResponse *)call(f, PROVE, &request.base, code, message);
}

/* On any thread, where cmocka's fail() would jump away from: says it and ends. */
static void give_up(const struct lf_error *error)
{
	fprintf(stderr, "%s: %s\n", lf_code_name(error->code), error->message);
	abort();
}

static void score(struct fixture *f, Leadfit__V1__ScoreRequest *request, char id[40])
{
	struct lf_error error = LF_ERROR_INIT;
	Leadfit__V1__Decision *decision =
		(Leadfit__V1__Decision *)lf_client_call(f->client, &leadfit__v1__scoring__descriptor, 0, &request->base,
			&(struct lf_call_options){.timeout_ms = 60000}, &error);

	if (decision == NULL)
		give_up(&error);
	snprintf(id, 40, "%s", decision->decision_id);
	leadfit__v1__decision__free_unpacked(decision, NULL);
}

/* ---- checking, with the public key alone ---- */

/* Returns whether it was erased: what is shown then is the copy that took its place, and what the leaf has. */
static bool check_opening(const struct lf_leaf *leaf, const Leadfit__V1__Opening *opening, size_t i)
{
	static const char *const names[] = {"record", "team", "project", "rubric"};
	struct lf_digest commitment;
	struct lf_salt salt;

	assert_string_equal(opening->name, names[i]);
	assert_int_equal(opening->salt.len, sizeof(salt));
	memcpy(salt.bytes, opening->salt.data, sizeof(salt));
	lf_commit(&salt, opening->bytes.data, opening->bytes.len, &commitment);
	if (opening->original.len == 0) {
		assert_memory_equal(&commitment, &leaf->commitments[i], sizeof(commitment));
		return false;
	}
	assert_int_equal(opening->original.len, sizeof(commitment));
	assert_memory_equal(opening->original.data, &leaf->commitments[i], sizeof(commitment));
	assert_memory_not_equal(&commitment, &leaf->commitments[i], sizeof(commitment));
	return true;
}

/* That the record, the team and the project are this decision's. */
static void check_content(const Leadfit__V1__ProvedRecord *proved, const char *id, const char *team_id)
{
	const ProtobufCBinaryData *record_bytes = &proved->openings[0]->bytes,
				  *team_bytes = &proved->openings[1]->bytes;
	Leadfit__V1__DecisionRecord *record =
		leadfit__v1__decision_record__unpack(NULL, record_bytes->len, record_bytes->data);
	Leadfit__V1__Team *team = leadfit__v1__team__unpack(NULL, team_bytes->len, team_bytes->data);
	struct lf_uuid uuid;

	assert_non_null(record);
	assert_non_null(team);
	assert_true(lf_uuid_parse(id, &uuid));
	assert_int_equal(record->id.len, sizeof(uuid));
	assert_memory_equal(record->id.data, &uuid, sizeof(uuid));
	assert_string_equal(record->team, team_id);
	assert_string_equal(team->id, team_id);
	leadfit__v1__decision_record__free_unpacked(record, NULL);
	leadfit__v1__team__free_unpacked(team, NULL);
}

enum { ERASED_RECORD = 1, ERASED_TEAM = 2, ERASED_PROJECT = 4, ERASED_RUBRIC = 8 };
static const char erased_person[] = "m-erased-later";

/* Returns the size of the log that the proof is about. erased: what of it was (bits). */
static uint64_t check_proof_of(const struct fixture *f, const char *text, const char *id, unsigned *erased)
{
	struct lf_checkpoint checkpoint;
	Leadfit__V1__ProvedRecord *proved;
	struct lf_digest hash;
	struct lf_proof proof;
	struct lf_leaf leaf;
	uint8_t *storage;

	*erased = 0;
	assert_true(lf_proof_parse(text, strlen(text), &proof, &storage));
	checkpoint = checkpoint_of(f, proof.checkpoint, proof.checkpoint_length);
	proved = leadfit__v1__proved_record__unpack(NULL, proof.extra_length, proof.extra);
	assert_non_null(proved);
	lf_leaf_hash(proved->leaf.data, proved->leaf.len, &hash);
	assert_true(lf_tree_verify_inclusion(
		&hash, proof.index, checkpoint.size, &checkpoint.root, proof.hashes, proof.hash_count));
	assert_true(lf_leaf_read(proved->leaf.data, proved->leaf.len, &leaf));
	assert_int_equal(leaf.kind, LF_LEAF_DECISION);
	assert_int_equal(leaf.commitment_count, 4);
	assert_int_equal(proved->n_openings, 4);
	for (size_t i = 0; i < 4; i++)
		*erased |= (unsigned)check_opening(&leaf, proved->openings[i], i) << i;
	/* The person is gone from what was erased. */
	if (*erased == (ERASED_RECORD | ERASED_TEAM))
		assert_null(memmem(proof.extra, proof.extra_length, erased_person, strlen(erased_person)));
	check_content(proved, id, "payments");
	leadfit__v1__proved_record__free_unpacked(proved, NULL);
	free(storage);
	return checkpoint.size;
}

static uint64_t check_proof(const struct fixture *f, const char *text, const char *id)
{
	unsigned erased;
	const uint64_t size = check_proof_of(f, text, id, &erased);

	assert_int_equal(erased, 0);
	return size;
}

static void check_consistency(struct fixture *f, const struct lf_checkpoint *from, const struct lf_checkpoint *to)
{
	Leadfit__V1__ConsistencyRequest request = LEADFIT__V1__CONSISTENCY_REQUEST__INIT;
	struct lf_digest hashes[LF_PROOF_HASHES_MAX];
	Leadfit__V1__ConsistencyResponse *reply;

	request.from_size = from->size;
	request.to_size = to->size;
	reply = (Leadfit__V1__ConsistencyResponse *)call(f, CONSISTENCY, &request.base, LF_OK, NULL);
	assert_int_equal(reply->to_size, to->size);
	assert_true(reply->n_hashes <= LF_PROOF_HASHES_MAX);
	for (size_t i = 0; i < reply->n_hashes; i++) {
		assert_int_equal(reply->hashes[i].len, sizeof(hashes[i]));
		memcpy(&hashes[i], reply->hashes[i].data, sizeof(hashes[i]));
	}
	assert_true(lf_tree_verify_consistency(from->size, &from->root, to->size, &to->root, hashes, reply->n_hashes));
	protobuf_c_message_free_unpacked(&reply->base, NULL);
}

/* ---- the service under load ---- */

static Leadfit__V1__ScoreRequest *new_request(void)
{
	return daemon_request(
		"{team: {id: payments, members: [{id: a, discipline: BACKEND}, {id: b, discipline: FRONTEND, evidence: "
		"[{criterion: interaction, rating: 4}]}]}, project: {id: p}}");
}

static void *load(void *context)
{
	struct fixture *f = context;
	Leadfit__V1__ScoreRequest *request = new_request();
	char id[40];

	while (!atomic_load(&f->stop)) {
		score(f, request, id);
		pthread_mutex_lock(&f->lock);
		if (f->count < IDS_MAX)
			memcpy(f->ids[f->count++], id, sizeof(id));
		pthread_mutex_unlock(&f->lock);
	}
	leadfit__v1__score_request__free_unpacked(request, NULL);
	return NULL;
}

/* One that was decided, at random; the newest, which may have been committed just now, every other time. */
static void pick(struct fixture *f, unsigned *seed, char id[40])
{
	for (;;) {
		size_t count;

		pthread_mutex_lock(&f->lock);
		count = f->count;
		if (count > 0)
			memcpy(id, f->ids[rand_r(seed) % 2 == 0 ? count - 1 : (size_t)rand_r(seed) % count], 40);
		pthread_mutex_unlock(&f->lock);
		if (count > 0)
			return;
		usleep(1000);
	}
}

static void start(struct fixture *f)
{
	char path[160], line[LF_KEY_TEXT_MAX + 1];
	FILE *file;

	daemon_start(&f->daemon);
	f->client = daemon_client(&f->daemon);
	snprintf(path, sizeof(path), "%s.key.pub", f->daemon.database);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	fclose(file);
	assert_true(lf_verifier_parse(line, &f->verifier));
}

static void stop(struct fixture *f)
{
	lf_client_destroy(f->client);
	f->client = NULL;
	daemon_stop(&f->daemon);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->ids = calloc(IDS_MAX, sizeof(*f->ids));
	assert_non_null(f->ids);
	pthread_mutex_init(&f->lock, NULL);
	daemon_init(&f->daemon);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	if (f->client != NULL)
		lf_client_destroy(f->client);
	daemon_clean_up(&f->daemon);
	pthread_mutex_destroy(&f->lock);
	free(f->ids);
	free(f);
	return 0;
}

/* Every checkpoint that the service wrote by itself; returns how many. */
static size_t check_written(struct fixture *f, const struct lf_checkpoint *last)
{
	char folder[160], path[500], note[LF_NOTE_MAX];
	const struct dirent *entry;
	size_t count = 0;
	DIR *directory;

	snprintf(folder, sizeof(folder), "%s.checkpoints", f->daemon.database);
	snprintf(path, sizeof(path), "%s/latest", folder);
	while (access(path, F_OK) != 0) /* within a second or two; else the test's own time limit ends this */
		usleep(10000);
	directory = opendir(folder);
	assert_non_null(directory);
	while ((entry = readdir(directory)) != NULL) {
		FILE *file;
		struct lf_checkpoint checkpoint;

		if (strstr(entry->d_name, ".checkpoint") == NULL)
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		file = fopen(path, "r");
		assert_non_null(file);
		checkpoint = checkpoint_of(f, note, fread(note, 1, sizeof(note), file));
		fclose(file);
		check_consistency(f, &checkpoint, last);
		count++;
	}
	closedir(directory);
	return count;
}

static void proofs_verify_with_the_public_key_alone_while_64_scores_are_in_flight(void **state)
{
	enum { PROOFS = 200, KEPT = 40 };
	const char *wanted = getenv("LF_TEST_SEED");
	unsigned seed = wanted != NULL ? (unsigned)strtoul(wanted, NULL, 10) : (unsigned)time(NULL);
	struct fixture *f = *state;
	pthread_t threads[IN_FLIGHT];
	struct lf_checkpoint kept[KEPT] = {{.size = 0}}, last;
	uint64_t size = 0;
	size_t written;

	print_message("LF_TEST_SEED=%u\n", seed);
	f->daemon.more[0] = "--checkpoint-every";
	f->daemon.more[1] = "1";
	start(f);
	kept[0] = get_checkpoint(f);
	for (size_t i = 0; i < IN_FLIGHT; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, load, f), 0);
	for (size_t i = 0; i < PROOFS; i++) {
		Leadfit__V1__ProveResponse *reply;
		char id[40];
		uint64_t proved;

		pick(f, &seed, id);
		reply = prove(f, id, LF_OK, NULL);
		proved = check_proof(f, reply->proof, id);
		assert_true(proved >= size); /* the head only grows */
		size = proved;
		leadfit__v1__prove_response__free_unpacked(reply, NULL);
		if (i % (PROOFS / KEPT) == 0 && i > 0)
			kept[i / (PROOFS / KEPT)] = get_checkpoint(f);
	}
	for (int i = 0; i < 200; i++) {
		const size_t a = (size_t)rand_r(&seed) % KEPT, b = (size_t)rand_r(&seed) % KEPT;

		check_consistency(f, &kept[a < b ? a : b], &kept[a < b ? b : a]);
	}
	atomic_store(&f->stop, true);
	for (size_t i = 0; i < IN_FLIGHT; i++)
		pthread_join(threads[i], NULL);
	last = get_checkpoint(f);
	assert_true(last.size >= f->count); /* whatever was answered is in it */
	written = check_written(f, &last);
	assert_true(written > 0);
	print_message("%d proofs among %zu decisions, %zu checkpoints in files\n", PROOFS, f->count, written);
	stop(f);
}

static void what_is_asked_wrongly_is_told(void **state)
{
	struct fixture *f = *state;
	Leadfit__V1__ConsistencyRequest request = LEADFIT__V1__CONSISTENCY_REQUEST__INIT;
	Leadfit__V1__ConsistencyResponse *reply;
	char message[512];

	start(f);
	prove(f, "no-id", LF_INVALID_ARGUMENT, message);
	assert_non_null(strstr(message, "decision_id: \"no-id\" is not a UUID"));
	prove(f, "00000000-0000-7000-8000-000000000000", LF_NOT_FOUND, message);
	request.from_size = 5;
	request.to_size = 4;
	call(f, CONSISTENCY, &request.base, LF_INVALID_ARGUMENT, message);
	assert_non_null(strstr(message, "to_size: 4 is more than the log has: 3 records (and 1 more)"));
	request.to_size = 1;
	request.from_size = 2;
	call(f, CONSISTENCY, &request.base, LF_INVALID_ARGUMENT, message);
	assert_non_null(strstr(message, "from_size: 2 is more than to_size, 1"));
	request.from_size = UINT64_MAX;
	request.to_size = UINT64_MAX;
	call(f, CONSISTENCY, &request.base, LF_INVALID_ARGUMENT, message);
	request.from_size = 0;
	request.to_size = 0;
	reply = (Leadfit__V1__ConsistencyResponse *)call(f, CONSISTENCY, &request.base, LF_OK, message);
	assert_int_equal(reply->to_size, 3);
	assert_int_equal(reply->n_hashes, 0);
	protobuf_c_message_free_unpacked(&reply->base, NULL);
	stop(f);
}

static void a_proof_that_no_message_can_hold_is_refused_with_its_size(void **state)
{
	enum { MEMBERS = 960, NOTE = 3700 };
	struct fixture *f = *state;
	size_t size = 128 + MEMBERS * (NOTE + 128), at;
	char *yaml = malloc(size), note[NOTE + 1], id[40], message[512];
	Leadfit__V1__ScoreRequest *request;

	assert_non_null(yaml);
	memset(note, 'x', NOTE);
	note[NOTE] = '\0';
	at = (size_t)snprintf(yaml, size, "{project: {id: p}, team: {id: payments, members: [");
	for (int i = 0; i < MEMBERS; i++)
		at += (size_t)snprintf(yaml + at, size - at,
			"%s{id: m%d, discipline: BACKEND, evidence: [{criterion: interaction, rating: 4, note: %s}]}",
			i > 0 ? ", " : "", i, note);
	snprintf(yaml + at, size - at, "]}, candidates: [m1, m2]}");
	request = daemon_request(yaml);
	start(f);
	score(f, request, id);
	prove(f, id, LF_RESOURCE_EXHAUSTED, message);
	assert_non_null(strstr(message, "a message at most 4194304"));
	assert_non_null(strstr(message, "its team"));
	leadfit__v1__score_request__free_unpacked(request, NULL);
	free(yaml);
	stop(f);
}

/* ---- what was erased ---- */

/* Calls a method that answers with a job. */
static Leadfit__V1__Job *call_job(struct fixture *f, const char *method, const ProtobufCMessage *request)
{
	struct lf_error error = LF_ERROR_INIT;
	unsigned index;
	const ProtobufCServiceDescriptor *service = lf_find_method(method, strlen(method), &index);
	ProtobufCMessage *reply;

	reply = lf_client_call(
		f->client, service, index, request, &(struct lf_call_options){.timeout_ms = 60000}, &error);
	if (reply == NULL)
		give_up(&error);
	return (Leadfit__V1__Job *)reply;
}

static void *erase(void *context)
{
	struct fixture *f = context;
	Leadfit__V1__StartEraseRequest request = LEADFIT__V1__START_ERASE_REQUEST__INIT;
	Leadfit__V1__GetJobRequest get = LEADFIT__V1__GET_JOB_REQUEST__INIT;
	char candidate[32], reason[] = "asked for it";
	Leadfit__V1__Job *job;

	snprintf(candidate, sizeof(candidate), "%s", erased_person);
	request.candidate = candidate;
	request.reason = reason;
	job = call_job(f, "leadfit.v1.Keeping/StartErase", &request.base);
	while (job->state != LEADFIT__V1__JOB_STATE__DONE) {
		if (job->state == LEADFIT__V1__JOB_STATE__FAILED)
			abort();
		get.job_id = job->job_id;
		leadfit__v1__job__free_unpacked(job, NULL);
		usleep(2000);
		job = call_job(f, "leadfit.v1.Jobs/Get", &get.base);
	}
	leadfit__v1__job__free_unpacked(job, NULL);
	atomic_store(&f->stop, true);
	return NULL;
}

static void what_was_erased_is_still_proved_before_during_and_after(void **state)
{
	enum { DECISIONS = 60 };
	struct fixture *f = *state;
	Leadfit__V1__ScoreRequest *with =
		daemon_request("{team: {id: payments, members: [{id: m-erased-later, discipline: BACKEND}, {id: b}]}, "
			       "project: {id: p}}");
	Leadfit__V1__ScoreRequest *without = new_request();
	size_t proofs = 0, caught = 0;
	bool last = false;
	pthread_t thread;

	start(f);
	for (f->count = 0; f->count < DECISIONS; f->count++)
		score(f, f->count % 3 == 0 ? without : with, f->ids[f->count]);
	assert_int_equal(pthread_create(&thread, NULL, erase, f), 0);
	while (!last) {
		last = atomic_load(&f->stop);
		for (size_t i = 0; i < DECISIONS; i++, proofs++) {
			Leadfit__V1__ProveResponse *reply = prove(f, f->ids[i], LF_OK, NULL);
			unsigned erased;

			check_proof_of(f, reply->proof, f->ids[i], &erased);
			leadfit__v1__prove_response__free_unpacked(reply, NULL);
			/* The decisions go first, then the team that they share. */
			assert_true(erased == 0 ||
				(i % 3 != 0 && (erased == ERASED_RECORD || erased == (ERASED_RECORD | ERASED_TEAM))));
			caught += erased == ERASED_RECORD;
			if (last)
				assert_int_equal(erased, i % 3 == 0 ? 0 : ERASED_RECORD | ERASED_TEAM);
		}
	}
	pthread_join(thread, NULL);
	print_message("%zu proofs, %zu of them of decisions that were erased in part\n", proofs, caught);
	leadfit__v1__score_request__free_unpacked(with, NULL);
	leadfit__v1__score_request__free_unpacked(without, NULL);
	stop(f);
}

/* ---- what was altered on disk ---- */

static void alter(struct fixture *f, const char *sql)
{
	char *wrong = NULL;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(f->daemon.database, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &wrong) != SQLITE_OK)
		fail_msg("%s: %s", sql, wrong);
	assert_int_equal(sqlite3_changes(db), 1);
	sqlite3_close(db);
}

static void what_was_altered_is_not_proved_and_the_rest_is(void **state)
{
	/* Each alters decision 3, whose team has bytes of its own, in the middle of others. */
	static const struct {
		const char *sql, *back;
	} alterations[] = {
		{"UPDATE decision SET outcome = outcome + 1 WHERE sequence = 3",
			"UPDATE decision SET outcome = outcome - 1 WHERE sequence = 3"},
		{"UPDATE decision SET decided_at = decided_at + 1 WHERE sequence = 3",
			"UPDATE decision SET decided_at = decided_at - 1 WHERE sequence = 3"},
		{"UPDATE decision SET answer = CAST(answer || x'00' AS BLOB) WHERE sequence = 3",
			"UPDATE decision SET answer = substr(answer, 1, length(answer) - 1) WHERE sequence = 3"},
		{"UPDATE payload SET body = CAST(body || x'00' AS BLOB) WHERE id = (SELECT team_payload FROM decision "
		 "WHERE sequence = 3)",
			"UPDATE payload SET body = substr(body, 1, length(body) - 1) WHERE id = (SELECT team_payload "
			"FROM decision WHERE sequence = 3)"},
		{"UPDATE leaf SET hash = zeroblob(32) WHERE kind = 1 AND record = 3", NULL},
	};
	struct fixture *f = *state;
	Leadfit__V1__ScoreRequest *request = new_request();
	Leadfit__V1__ScoreRequest *other =
		daemon_request("{team: {id: payments, members: [{id: c}]}, project: {id: p}}");
	char ids[6][40], rest[40], message[512], position[32];

	start(f);
	/*
	 * So many that the log's head does not hang on the leaf of decision 3 itself, but on a node that is stored over
	 * it.
	 */
	for (int i = 0; i < 300; i++)
		score(f, i == 2 ? other : request, i < 6 ? ids[i] : rest);
	leadfit__v1__score_request__free_unpacked(request, NULL);
	leadfit__v1__score_request__free_unpacked(other, NULL);
	snprintf(position, sizeof(position), "position %d", 3 + 2); /* behind rubric, activation and default */
	for (size_t a = 0; a < sizeof(alterations) / sizeof(alterations[0]); a++) {
		stop(f);
		alter(f, alterations[a].sql);
		start(f);
		prove(f, ids[2], LF_DATA_LOSS, message);
		if (strstr(message, position) == NULL)
			fail_msg("\"%s\" does not name %s", message, position);
		if (alterations[a].back != NULL) {
			for (int i = 0; i < 6; i++)
				if (i != 2) {
					Leadfit__V1__ProveResponse *reply = prove(f, ids[i], LF_OK, NULL);

					check_proof(f, reply->proof, ids[i]);
					leadfit__v1__prove_response__free_unpacked(reply, NULL);
				}
			stop(f);
			alter(f, alterations[a].back);
			start(f);
		}
	}
	/* The proof of the leaf beside it would have the altered hash in it. */
	prove(f, ids[3], LF_DATA_LOSS, message);
	assert_non_null(strstr(message, "position 6"));
	assert_non_null(strstr(message, "do not lead from it to the root"));
	stop(f);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(proofs_verify_with_the_public_key_alone_while_64_scores_are_in_flight),
		TEST(what_is_asked_wrongly_is_told),
		TEST(a_proof_that_no_message_can_hold_is_refused_with_its_size),
		TEST(what_was_erased_is_still_proved_before_during_and_after),
		TEST(what_was_altered_is_not_proved_and_the_rest_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
