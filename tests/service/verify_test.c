/*
 * leadfitd verify and restore on stopped logs, and Audit/Verify on a running service. What verify finds is in
 * tampering_test.c.
 */
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "leadfit/v1/audit.pb-c.h"
#include "leadfit/v1/scoring.pb-c.h"
#include "service/offline/commands.h"
#include "tests/service/daemon.h"
#include "tests/storage/support.h"

enum { DECISIONS = 300, SIZE = DECISIONS + 3 };

static struct {
	struct place place;
	char backup[112], kept[112], output[8192], errors[8192];
} test;

static int set_up(void **state)
{
	(void)state;
	place_make(&test.place);
	snprintf(test.backup, sizeof(test.backup), "%s/backup.db", test.place.folder);
	snprintf(test.kept, sizeof(test.kept), "%s.before-restore", test.place.file);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	place_remove(&test.place);
	return 0;
}

static void decide(struct lf_log *log, int from, int to)
{
	struct work work;

	for (int i = from; i <= to; i++) {
		work_init(&work, i % 5, i % 3, 0);
		assert_int_equal(work_run(log, &work), LF_OK);
	}
}

static void make_log(const char *file, int decisions)
{
	struct lf_log *log = log_open(&lf_sqlite_backend, file);

	rubric_put(log);
	decide(log, 1, decisions);
	lf_log_close(log);
}

static void copy_file(const char *from, const char *to)
{
	size_t length;
	uint8_t *data = file_read(from, &length);

	assert_non_null(data);
	file_write(to, data, length);
	free(data);
}

static bool same_file(const char *a, const char *b)
{
	size_t a_length, b_length;
	uint8_t *x = file_read(a, &a_length), *y = file_read(b, &b_length);
	const bool same = x != NULL && y != NULL && a_length == b_length && memcmp(x, y, a_length) == 0;

	free(x);
	free(y);
	return same;
}

static void sql(const char *file, const char *text)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* ---- running a command here, with its two outputs kept ---- */

static int redirect(FILE *stream, const char *path)
{
	int kept;

	fflush(stream);
	kept = dup(fileno(stream));
	assert_non_null(freopen(path, "w", stream));
	return kept;
}

static void take_back(FILE *stream, int kept, const char *path, char *text, size_t size)
{
	size_t length;
	uint8_t *data;

	fflush(stream);
	dup2(kept, fileno(stream));
	close(kept);
	data = file_read(path, &length);
	snprintf(text, size, "%.*s", (int)length, (const char *)data);
	free(data);
	unlink(path);
}

static int run(int (*command)(int argc, char **argv), const char *arguments)
{
	char words[1024], paths[2][112], *argv[16], *rest = NULL;
	int argc = 1, status;
	int out, err;

	snprintf(words, sizeof(words), "%s", arguments);
	argv[0] = words;
	for (char *word = strtok_r(words, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest))
		argv[argc++] = word;
	argv[argc] = NULL;
	snprintf(paths[0], sizeof(paths[0]), "%s/out", test.place.folder);
	snprintf(paths[1], sizeof(paths[1]), "%s/err", test.place.folder);
	out = redirect(stdout, paths[0]);
	err = redirect(stderr, paths[1]);
	optind = 0;
	status = command(argc, argv);
	take_back(stdout, out, paths[0], test.output, sizeof(test.output));
	take_back(stderr, err, paths[1], test.errors, sizeof(test.errors));
	return status;
}

static int __attribute__((format(printf, 2, 3))) runf(int (*command)(int argc, char **argv), const char *format, ...)
{
	char arguments[1024];
	va_list list;

	va_start(list, format);
	vsnprintf(arguments, sizeof(arguments), format, list);
	va_end(list);
	return run(command, arguments);
}

static void says(const char *text)
{
	if (strstr(test.output, text) == NULL && strstr(test.errors, text) == NULL)
		fail_msg("\"%s\" is not in:\n%s%s", text, test.output, test.errors);
}

/* ---- verify ---- */

static void bad_usage_is_refused(void **state)
{
	(void)state;
	assert_int_equal(run(lf_verify_command, ""), 2);
	says("--db FILE is required");
	assert_int_equal(run(lf_verify_command, "--nonsense"), 2);
	assert_int_equal(runf(lf_verify_command, "--db %s more", test.place.file), 2);
	says("unexpected argument more");
	assert_int_equal(runf(lf_verify_command, "--db %s", test.place.file), 2);
	says("is not there");
	file_write(test.place.file, "hello", 5);
	assert_int_equal(runf(lf_verify_command, "--db %s", test.place.file), 2);
	says("is not a decision log: it is not a SQLite file");
	unlink(test.place.file);
	sql(test.place.file, "CREATE TABLE t(x)");
	assert_int_equal(runf(lf_verify_command, "--db %s", test.place.file), 2);
	says("is not a decision log: it is a SQLite file of another application");
	sql(test.place.file, "PRAGMA application_id=1818643559; PRAGMA user_version=99");
	assert_int_equal(runf(lf_verify_command, "--db %s", test.place.file), 4);
	says("has schema 99");
	assert_int_equal(runf(lf_verify_command, "--db %s", test.place.folder), 2);
	says("is not a regular file");
	assert_int_equal(run(lf_verify_command, "--help"), 0);
	says("Exit status: 0 all is well");
}

static void bad_checkpoints_and_keys_are_refused(void **state)
{
	char seal[112];

	(void)state;
	snprintf(seal, sizeof(seal), "%s/seal", test.place.folder);
	make_log(test.place.file, 5);
	assert_int_equal(runf(lf_verify_command, "--db %s --checkpoint %s", test.place.file, seal), 2);
	says("--checkpoint needs the verifier key that it was signed with: --key");
	assert_int_equal(runf(lf_verify_command, "--db %s --key %s", test.place.file, seal), 2);
	says("no verifier key, and no file that can be read");
	file_write(seal, "hello\n", 6);
	assert_int_equal(runf(lf_verify_command, "--db %s --key %s", test.place.file, seal), 2);
	says("the file has no key");
	assert_int_equal(runf(lf_verify_command,
				 "--db %s --checkpoint %s --key "
				 "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
				 test.place.file, seal),
		2);
	says("the checkpoint is malformed");
}

/* The service's places: FILE.key.pub and FILE.checkpoints. */
static void checkpoints_beside_the_log_are_found(void **state)
{
	char path[140], note[LF_CHECKPOINT_MAX], key[LF_KEY_TEXT_MAX];
	struct lf_verifier verifier;
	struct lf_signer signer;
	struct lf_tree_head head;
	struct lf_log *log;

	(void)state;
	make_log(test.place.file, 5);
	log = log_open(&lf_sqlite_backend, test.place.file);
	assert_int_equal(lf_log_head(log, &head, NULL), LF_OK);
	lf_log_close(log);
	assert_true(lf_signer_generate(&signer, "beside"));
	snprintf(path, sizeof(path), "%s.checkpoints", test.place.file);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s.checkpoints/00000000000000000007.checkpoint", test.place.file);
	assert_true(lf_checkpoint_sign(head.size, &head.root, &signer, note));
	file_write(path, note, strlen(note));
	assert_int_equal(runf(lf_verify_command, "--db %s", test.place.file), 0);
	says("is not looked at: there is no key to check it with (--key)");
	lf_signer_verifier(&signer, &verifier);
	lf_verifier_print(&verifier, key);
	snprintf(path, sizeof(path), "%s.key.pub", test.place.file);
	file_write(path, key, strlen(key));
	assert_int_equal(runf(lf_verify_command, "--db %s", test.place.file), 0);
	says("checkpoints  1 of 1 fit; the newest has 7 records");
	snprintf(path, sizeof(path), "%s.checkpoints/latest", test.place.file);
	assert_true(lf_checkpoint_sign(8, &head.root, &signer, note));
	file_write(path, note, strlen(note));
	assert_int_equal(runf(lf_verify_command, "--db %s", test.place.file), 1);
	says("the log had 8 records when it was signed, and has 7");
	unlink(path);
	snprintf(path, sizeof(path), "%s.checkpoints/00000000000000000007.checkpoint", test.place.file);
	unlink(path);
	snprintf(path, sizeof(path), "%s.checkpoints", test.place.file);
	rmdir(path);
}

static void a_log_that_a_service_has_is_refused(void **state)
{
	struct lf_log *log;

	(void)state;
	make_log(test.place.file, 5);
	log = log_open(&lf_sqlite_backend, test.place.file);
	assert_int_equal(runf(lf_verify_command, "--db %s", test.place.file), 4);
	says("is in use by another leadfitd");
	lf_log_close(log);
	assert_int_equal(runf(lf_verify_command, "--db %s", test.place.file), 0);
}

/* Its lists of candidates were not by id. */
static void a_log_of_before_the_tree_verifies_once_it_is_migrated(void **state)
{
	(void)state;
	copy_file(LF_SOURCE_DIR "/tests/storage/old/schema-1.db", test.place.file);
	assert_int_equal(runf(lf_verify_command, "--db %s", test.place.file), 4);
	says("of an older release");
	lf_log_close(log_open(&lf_sqlite_backend, test.place.file));
	if (runf(lf_verify_command, "--db %s", test.place.file) != 0)
		fail_msg("%s", test.output);
}

/* What a killed service leaves: records that are in the WAL alone. */
static void a_wal_is_read_and_nothing_is_changed(void **state)
{
	char copy[112], from[140], to[140], wal[140], names[512], after[512];
	struct lf_log *log;

	(void)state;
	make_log(test.place.file, 5);
	log = log_open(&lf_sqlite_backend, test.place.file);
	decide(log, 6, 40);
	snprintf(copy, sizeof(copy), "%s/copy.db", test.place.folder);
	copy_file(test.place.file, copy);
	snprintf(from, sizeof(from), "%s-wal", test.place.file);
	snprintf(wal, sizeof(wal), "%s-wal", copy);
	copy_file(from, wal);
	lf_log_close(log);
	snprintf(to, sizeof(to), "%s/before.db", test.place.folder);
	copy_file(copy, to);
	snprintf(from, sizeof(from), "%s/before-wal", test.place.folder);
	copy_file(wal, from);
	place_names(&test.place, NULL, names, sizeof(names));
	assert_int_equal(runf(lf_verify_command, "--db %s", copy), 0);
	says("records      42 of 42 looked at");
	place_names(&test.place, NULL, after, sizeof(after));
	assert_string_equal(after, names);
	assert_true(same_file(copy, to));
	assert_true(same_file(wal, from));
	/* And it is a backup that is not finished. */
	assert_int_equal(runf(lf_restore_command, "--db %s --from %s", test.place.file, copy), 4);
	says("it is no backup, but a log that was not closed");
}

/* ---- restore ---- */

static void restore_needs_both_names(void **state)
{
	(void)state;
	assert_int_equal(run(lf_restore_command, "--db x"), 2);
	says("--db FILE and --from BACKUP are required");
	assert_int_equal(runf(lf_restore_command, "--db %s --from %s", test.place.file, test.backup), 2);
	says("is not there");
	says("nothing was changed");
	assert_int_equal(run(lf_restore_command, "--help"), 0);
}

static void a_backup_takes_the_place_of_the_log(void **state)
{
	char old[112];
	struct lf_log *log;
	struct stat status;

	(void)state;
	snprintf(old, sizeof(old), "%s/old.db", test.place.folder);
	make_log(test.place.file, 20);
	copy_file(test.place.file, test.backup);
	log = log_open(&lf_sqlite_backend, test.place.file);
	decide(log, 21, 30);
	lf_log_close(log);
	copy_file(test.place.file, old);
	assert_int_equal(runf(lf_restore_command, "--db %s --from %s", test.place.file, test.backup), 0);
	says("restored     ");
	says(test.kept);
	assert_true(same_file(test.place.file, test.backup));
	assert_true(same_file(test.kept, old));
	assert_int_equal(stat(test.place.file, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	log = log_open(&lf_sqlite_backend, test.place.file);
	decide(log, 1, 3);
	lf_log_close(log);
	/* The earlier one is not written over. */
	assert_int_equal(runf(lf_restore_command, "--db %s --from %s", test.place.file, test.backup), 4);
	says("of an earlier restore: move it away");
	assert_true(same_file(test.kept, old));
}

/* As a release without jobs erased: the record says how many, and not of whom, nor of which job. */
static void erase_without_a_job(const char *file)
{
	const struct lf_redact_item item = {.what = LF_REDACT_PAYLOAD, .id = 2};
	uint8_t body[] = {0x0a, 5, 'a', 's', 'k', 'e', 'd', 0x18, 1}; /* RedactionBody: reason, payloads */
	struct lf_redact redact = {
		.kind = LF_LEAF_ERASURE, .caller = "hr", .body = {body, sizeof(body)}, .items = &item, .item_count = 1};
	struct lf_log *log = log_open(&lf_sqlite_backend, file);
	struct lf_error error = LF_ERROR_INIT;

	if (lf_log_redact(log, &redact, &error) != LF_OK)
		fail_msg("%s", error.message);
	lf_log_close(log);
}

static void an_erasure_that_does_not_say_of_whom_is_not_lost_in_silence(void **state)
{
	char old[112];

	(void)state;
	snprintf(old, sizeof(old), "%s/old.db", test.place.folder);
	make_log(test.place.file, 20);
	copy_file(test.place.file, test.backup);
	erase_without_a_job(test.place.file);
	copy_file(test.place.file, old);
	assert_int_equal(runf(lf_restore_command, "--db %s --from %s", test.place.file, test.backup), 4);
	says("the log has erasures or prunings that the backup does not have (1 of its records)");
	says("--forget-erasures");
	says("nothing was changed");
	assert_true(same_file(test.place.file, old));
	assert_int_equal(
		runf(lf_restore_command, "--forget-erasures --db %s --from %s", test.place.file, test.backup), 0);
	assert_true(same_file(test.place.file, test.backup));
}

/* The WAL of the old log must not be played into the new one, and its records stay with the old one. */
static void the_old_logs_wal_stays_with_it(void **state)
{
	char wal[112], killed[112], killed_wal[140];
	struct lf_log *log;

	(void)state;
	make_log(test.backup, 20);
	make_log(test.place.file, 5);
	snprintf(killed, sizeof(killed), "%s/killed.db", test.place.folder);
	snprintf(killed_wal, sizeof(killed_wal), "%s-wal", killed);
	snprintf(wal, sizeof(wal), "%s-wal", test.place.file);
	log = log_open(&lf_sqlite_backend, test.place.file);
	decide(log, 6, 40);
	copy_file(test.place.file, killed);
	copy_file(wal, killed_wal);
	lf_log_close(log);
	assert_int_equal(runf(lf_restore_command, "--db %s --from %s", killed, test.backup), 0);
	assert_true(same_file(killed, test.backup));
	assert_int_equal(access(killed_wal, F_OK), -1);
	assert_int_equal(runf(lf_verify_command, "--db %s.before-restore", killed), 0);
	says("records      42 of 42 looked at");
}

static void a_log_that_is_absent_is_restored(void **state)
{
	(void)state;
	make_log(test.backup, 20);
	assert_int_equal(runf(lf_restore_command, "--db %s --from %s", test.place.file, test.backup), 0);
	assert_true(same_file(test.place.file, test.backup));
	assert_int_equal(access(test.kept, F_OK), -1);
}

static void an_altered_backup_changes_nothing(void **state)
{
	char old[112];

	(void)state;
	snprintf(old, sizeof(old), "%s/old.db", test.place.folder);
	make_log(test.place.file, 5);
	copy_file(test.place.file, old);
	make_log(test.backup, 20);
	sql(test.backup, "UPDATE decision SET outcome = 3 WHERE sequence = 7");
	assert_int_equal(runf(lf_restore_command, "--db %s --from %s", test.place.file, test.backup), 1);
	says("its outcome was altered: 1 was recorded, and it is 3 now");
	says("the backup was altered: nothing was changed");
	assert_true(same_file(test.place.file, old));
	assert_int_equal(access(test.kept, F_OK), -1);
}

static bool swap_source(void *context, const char *copy)
{
	const bool *good = context;

	assert_true(same_file(copy, test.backup));
	assert_int_equal(access(test.kept, F_OK), -1);
	sql(test.backup, "UPDATE decision SET outcome = 3 WHERE sequence = 7");
	assert_false(same_file(copy, test.backup));
	return *good;
}

/* Whoever can write the backup does so after it was copied. */
static void what_is_verified_is_what_is_installed(void **state)
{
	char old[112], names[512], after[512];
	struct lf_replaced replaced;
	bool good = false;

	(void)state;
	snprintf(old, sizeof(old), "%s/old.db", test.place.folder);
	make_log(test.place.file, 5);
	copy_file(test.place.file, old);
	make_log(test.backup, 20);
	place_names(&test.place, NULL, names, sizeof(names));
	assert_int_equal(
		lf_log_restore(&lf_sqlite_backend, test.place.file, test.backup, swap_source, &good, &replaced, NULL),
		LF_CANCELLED);
	place_names(&test.place, NULL, after, sizeof(after));
	assert_string_equal(after, names);
	assert_true(same_file(test.place.file, old));
	unlink(test.backup);
	make_log(test.backup, 20);
	good = true;
	assert_int_equal(
		lf_log_restore(&lf_sqlite_backend, test.place.file, test.backup, swap_source, &good, &replaced, NULL),
		LF_OK);
	assert_int_equal(runf(lf_verify_command, "--db %s", test.backup), 1);
	assert_int_equal(runf(lf_verify_command, "--db %s", test.place.file), 0);
	says("records      22 of 22 looked at");
}

static void restore_refuses_what_is_in_use_or_the_same(void **state)
{
	struct lf_log *log;

	(void)state;
	make_log(test.place.file, 5);
	make_log(test.backup, 20);
	log = log_open(&lf_sqlite_backend, test.place.file);
	assert_int_equal(runf(lf_restore_command, "--db %s --from %s", test.place.file, test.backup), 4);
	says("is in use by another leadfitd");
	lf_log_close(log);
	log = log_open(&lf_sqlite_backend, test.backup);
	assert_int_equal(runf(lf_restore_command, "--db %s --from %s", test.place.file, test.backup), 4);
	lf_log_close(log);
	assert_int_equal(runf(lf_restore_command, "--db %s --from %s", test.place.file, test.place.file), 2);
	says("is the log itself");
	assert_int_equal(runf(lf_verify_command, "--db %s", test.place.file), 0);
}

/* ---- a running service ---- */

static ProtobufCMessage *call(struct lf_client *client, const ProtobufCServiceDescriptor *service, const char *method,
	const ProtobufCMessage *request, struct lf_error *error)
{
	for (unsigned i = 0; i < service->n_methods; i++)
		if (strcmp(service->methods[i].name, method) == 0)
			return lf_client_call(
				client, service, i, request, &(struct lf_call_options){.timeout_ms = 20000}, error);
	fail_msg("there is no method %s", method);
	return NULL;
}

static Leadfit__V1__VerifyResponse *ask(struct lf_client *client, uint64_t first, uint64_t size, struct lf_error *error)
{
	Leadfit__V1__VerifyRequest request = LEADFIT__V1__VERIFY_REQUEST__INIT;

	request.first = first;
	request.size = size;
	return (Leadfit__V1__VerifyResponse *)call(
		client, &leadfit__v1__audit__descriptor, "Verify", &request.base, error);
}

static void score(struct lf_client *client, int count)
{
	struct lf_error error = LF_ERROR_INIT;
	Leadfit__V1__ScoreRequest *request =
		daemon_request("{team: {id: t, members: [{id: b, discipline: BACKEND}, {id: a, discipline: FRONTEND}]},"
			       " project: {id: p}}");

	for (int i = 0; i < count; i++) {
		ProtobufCMessage *reply =
			call(client, &leadfit__v1__scoring__descriptor, "Score", &request->base, &error);

		if (reply == NULL)
			fail_msg("%s", error.message);
		protobuf_c_message_free_unpacked(reply, NULL);
	}
	leadfit__v1__score_request__free_unpacked(request, NULL);
}

static void a_running_service_verifies_its_log(void **unused)
{
	void *state = NULL;
	struct daemon daemon;
	struct lf_error error = LF_ERROR_INIT;
	uint64_t first = 0, size = 0, records = 0;
	struct lf_client *client;
	Leadfit__V1__VerifyResponse *slice;

	(void)unused;
	daemon_init(&daemon);
	daemon_start(&daemon);
	client = daemon_client(&daemon);
	score(client, DECISIONS);
	do {
		slice = ask(client, first, size, &error);
		if (slice == NULL)
			fail_msg("%s", error.message);
		assert_int_equal(slice->n_findings, 0);
		size = slice->size;
		first = slice->next;
		records += slice->records;
		assert_int_equal(slice->root.len, first == 0 ? 32 : 0);
		protobuf_c_message_free_unpacked(&slice->base, NULL);
	} while (first != 0);
	assert_int_equal(size, SIZE);
	assert_int_equal(records, size);
	assert_null(ask(client, 5, 0, &error));
	assert_int_equal(error.code, LF_INVALID_ARGUMENT);
	assert_string_equal(error.violations[0].field, "first");
	lf_error_clean_up(&error);
	assert_null(ask(client, 0, size + 1, &error));
	assert_int_equal(error.code, LF_INVALID_ARGUMENT);
	assert_string_equal(error.violations[0].field, "size");
	lf_error_clean_up(&error);
	/* And stopped: its lists of candidates, too. */
	lf_client_destroy(client);
	daemon_stop(&daemon);
	set_up(&state); /* where the outputs are kept */
	if (runf(lf_verify_command, "--db %s", daemon.database) != 0)
		fail_msg("%s%s", test.output, test.errors);
	says("fit; the newest has ");
	tear_down(&state);
	daemon_start(&daemon);
	client = daemon_client(&daemon);
	/* Altered under it, which its readers see. */
	sql(daemon.database, "UPDATE decision SET outcome = outcome + 1 WHERE sequence = 7");
	slice = ask(client, 0, 0, &error);
	assert_non_null(slice);
	assert_int_equal(slice->n_findings, 1);
	assert_int_equal(slice->findings[0]->position, 9);
	assert_string_equal(slice->findings[0]->kind, "decision");
	assert_int_equal(strlen(slice->findings[0]->decision_id), 36);
	assert_non_null(strstr(slice->findings[0]->what, "its outcome was altered: "));
	protobuf_c_message_free_unpacked(&slice->base, NULL);
	lf_client_destroy(client);
	daemon_stop(&daemon);
	daemon_clean_up(&daemon);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(bad_usage_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bad_checkpoints_and_keys_are_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(checkpoints_beside_the_log_are_found, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_log_that_a_service_has_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_log_of_before_the_tree_verifies_once_it_is_migrated, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_wal_is_read_and_nothing_is_changed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(restore_needs_both_names, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_backup_takes_the_place_of_the_log, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_old_logs_wal_stays_with_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			an_erasure_that_does_not_say_of_whom_is_not_lost_in_silence, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_log_that_is_absent_is_restored, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_altered_backup_changes_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_verified_is_what_is_installed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(restore_refuses_what_is_in_use_or_the_same, set_up, tear_down),
		cmocka_unit_test(a_running_service_verifies_its_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
