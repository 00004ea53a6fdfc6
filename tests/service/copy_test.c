/*
 * leadfitd copy: from a file into PostgreSQL and back, where it goes on after it ended early, and what it refuses. Skipped
 * where no server is installed.
 */
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "storage/backends/backends.h"
#include "storage/postgres/postgres.h"
#include "tests/storage/postgres_server.h"
#include "tests/storage/support.h"
#include "tests/storage/whole.h"

#define BIN LF_BINARY_DIR "/bin/"

static struct postgres_server server;
static struct place place;
static char url[256];

static int __attribute__((format(printf, 1, 2))) run(const char *format, ...)
{
	char command[2048], line[2200];
	va_list arguments;
	int status;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	snprintf(line, sizeof(line), "%s >%s/out 2>&1", command, place.folder);
	status = system(line);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void output_has(const char *text)
{
	char path[128];
	size_t length;
	uint8_t *data;

	snprintf(path, sizeof(path), "%s/out", place.folder);
	data = file_read(path, &length);
	assert_non_null(data);
	data[length] = '\0';
	if (strstr((const char *)data, text) == NULL)
		fail_msg("%s", (const char *)data);
	free(data);
}

static void expect(int expected, int status, const char *says)
{
	if (status != expected)
		output_has("nothing: it was to end otherwise");
	output_has(says);
}

static int set_up(void **state)
{
	(void)state;
	place_make(&place);
	postgres_reset(&server, "log");
	postgres_url(&server, "log", url, sizeof(url));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	place_remove(&place);
	return 0;
}

/* ---- a log with some of everything ---- */

static void redact(struct lf_log *log, enum lf_leaf_kind kind, const struct lf_redact_item *items, size_t count)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_redact redaction = {
		.kind = kind, .caller = "admin", .body = bytes_of("because"), .items = items, .item_count = count};

	if (lf_log_redact(log, &redaction, &error) != LF_OK)
		fail_msg("%s", error.message);
}

static void decide(struct lf_log *log, int from, int to)
{
	for (int i = from; i < to; i++) {
		struct work work;

		work_init(&work, i % 7, i % 50, i % 3 == 0 ? i : 0);
		assert_int_equal(work_run(log, &work), LF_OK);
		if (i % 10 == 0) {
			struct lf_act_put act = {.kind = LF_LEAF_OUTCOME,
				.caller = "eve",
				.decision = &work.append.id,
				.body = bytes_of("followed")};

			assert_int_equal(lf_log_put_act(log, &act, NULL), LF_OK);
		}
	}
}

static void fill(const char *location, int count)
{
	static const char *const nobody[] = {"c-all"};
	struct lf_log *log = log_open(lf_backend_by_url(location, &location, NULL), location);
	struct lf_act_put access = {.kind = LF_LEAF_ACCESS, .caller = "auditor", .body = bytes_of("looked")};
	struct lf_redact_item items[] = {
		{.what = LF_REDACT_DECISION,
			.id = 4,
			.bytes = bytes_of("frozen"),
			.candidates = nobody,
			.candidate_count = 1,
			.recommended = "c-all"},
		{.what = LF_REDACT_PAYLOAD, .bytes = bytes_of("a team without")},
		{.what = LF_REDACT_ACT, .id = 2, .bytes = bytes_of("")},
	};
	struct lf_digest digest;
	struct lf_stored *stored = NULL;
	struct work work;

	lf_sha256(RUBRIC_BODY, strlen(RUBRIC_BODY), &digest);
	rubric_put(log);
	assert_int_equal(lf_log_activate_rubric(log, RUBRIC_NAME, &digest, "admin", NULL, NULL), LF_OK);
	decide(log, 1, count / 2);
	assert_int_equal(lf_log_put_act(log, &access, NULL), LF_OK);
	work_init(&work, 1, 1, 0);
	assert_int_equal(work_run(log, &work), LF_OK);
	assert_int_equal(lf_log_get(log, &work.append.id, &stored, NULL), LF_OK);
	items[1].id = stored->team_payload;
	free(stored);
	redact(log, LF_LEAF_ERASURE, items, 3);
	items[0].id = 5;
	redact(log, LF_LEAF_PRUNING, items, 2); /* one of them again */
	assert_int_equal(lf_log_deactivate_rubric(log, RUBRIC_NAME, "admin", NULL, NULL), LF_OK);
	assert_int_equal(lf_log_activate_rubric(log, RUBRIC_NAME, &digest, "admin", NULL, NULL), LF_OK);
	decide(log, count / 2, count);
	lf_log_close(log);
}

/* ---- all that is in a log, as one digest ---- */

struct print {
	struct lf_log *log;
	FILE *out;
	uint64_t next;
};

static void print(struct print *print, const void *data, size_t length)
{
	fprintf(print->out, " %zu:", length);
	if (length > 0)
		fwrite(data, 1, length, print->out);
}

static void print_row(void *context, const struct lf_audit_row *row)
{
	struct print *to = context;

	assert_null(row->missing);
	fprintf(to->out, "\n%llu %d %llu %lld", (unsigned long long)row->position, (int)row->kind,
		(unsigned long long)row->number, (long long)row->time_us);
	print(to, &row->hash, sizeof(row->hash));
	print(to, row->record.data, row->record.length);
	print(to, &row->salt, sizeof(row->salt));
	print(to, &row->original, row->redacted ? sizeof(row->original) : 0);
	print(to, row->pairs, row->pair_count * 2 * sizeof(*row->pairs));
	print(to, &row->decision, sizeof(row->decision));
	for (size_t i = 0; i < row->payload_count; i++) {
		struct lf_payload_row *payload = NULL;

		assert_int_equal(lf_log_get_payload(to->log, row->payloads[i].id, &payload, NULL), LF_OK);
		print(to, &payload->digest, sizeof(payload->digest));
		print(to, &payload->salt, sizeof(payload->salt));
		print(to, payload->body.data, payload->body.length);
		print(to, &row->payloads[i].original, row->payloads[i].redacted ? sizeof(struct lf_digest) : 0);
		free(payload);
	}
}

static void print_key(void *context, uint64_t sequence, const char *key)
{
	fprintf(((struct print *)context)->out, "\nkey %llu %s", (unsigned long long)sequence, key);
}

static void print_member(void *context, const char *candidate)
{
	fprintf(((struct print *)context)->out, " %s", candidate);
}

static bool print_decision(void *context, const struct lf_stored *row)
{
	struct print *to = context;

	fprintf(to->out, "\ncandidates of %llu:", (unsigned long long)row->sequence);
	print(to, &row->candidates, sizeof(row->candidates));
	assert_int_equal(lf_log_list_members(to->log, &row->candidates, print_member, to, NULL), LF_OK);
	return true;
}

static void print_act(void *context, const struct lf_act_row *row)
{
	fprintf(((struct print *)context)->out, "\nact %llu at %llu of %llu", (unsigned long long)row->id,
		(unsigned long long)row->position, (unsigned long long)row->decision_sequence);
}

static char *all_of(const char *location, size_t *length)
{
	const struct lf_log_options options = {.location = location, .read_only = true};
	struct lf_scan scan = {.since_us = INT64_MIN, .until_us = INT64_MAX, .limit = 100};
	struct lf_error error = LF_ERROR_INIT;
	struct print to = {.log = NULL};
	char *text = NULL;

	if (lf_log_open_by_url(&to.log, &options, &error) != LF_OK)
		fail_msg("%s", error.message);
	to.out = open_memstream(&text, length);
	audit_all(to.log, 0, print_row, &to);
	assert_int_equal(lf_log_list_keys(to.log, 1, 100000, print_key, &to, NULL), LF_OK);
	do
		assert_int_equal(lf_log_scan(to.log, &scan, print_decision, &to, &to.next, NULL), LF_OK);
	while ((scan.from_sequence = to.next) != 0);
	do
		assert_int_equal(
			lf_log_list_acts(to.log, 0, NULL, to.next, 100, print_act, &to, &to.next, NULL), LF_OK);
	while (to.next != 0);
	fclose(to.out);
	lf_log_close(to.log);
	return text;
}

static void are_alike(const char *left, const char *right)
{
	size_t left_length, right_length;
	char *left_text = all_of(left, &left_length), *right_text = all_of(right, &right_length);

	assert_int_equal(left_length, right_length);
	assert_memory_equal(left_text, right_text, left_length);
	free(left_text);
	free(right_text);
}

/* What is said of a copy is what is said of the log: its redactions are not those of a service, which is told. */
static void verifies_alike(const char *log, const char *copy)
{
	run("(" BIN "leadfitd verify --db '%s' 2>%s/err >%s/first)", log, place.folder, place.folder);
	run("(" BIN "leadfitd verify --db '%s' 2>%s/err >%s/second)", copy, place.folder, place.folder);
	assert_int_equal(run("grep -q '^root' %s/first", place.folder), 0);
	expect(0, run("diff %s/first %s/second", place.folder, place.folder), "");
}

/* ---- claims ---- */

static void a_log_goes_into_a_database_and_back_and_every_record_is_alike(void **state)
{
	char file[128], back[128];

	(void)state;
	snprintf(file, sizeof(file), "%s/log.db", place.folder);
	snprintf(back, sizeof(back), "%s/back.db", place.folder);
	fill(file, 700);
	expect(0, run(BIN "leadfitd copy --from %s --to '%s'", file, url), "records      ");
	are_alike(file, url);
	verifies_alike(file, url);
	expect(0, run(BIN "leadfitd copy --from '%s' --to %s", url, back), "root         ");
	are_alike(file, back);
	verifies_alike(file, back);
	/* Nothing is left to copy; and then something is. */
	expect(0, run(BIN "leadfitd copy --from %s --to '%s'", file, url), "were there");
	{
		struct lf_log *log = log_open(&lf_sqlite_backend, file);

		decide(log, 700, 720);
		lf_log_close(log);
	}
	expect(0, run(BIN "leadfitd copy --from %s --to '%s'", file, url), "were there");
	are_alike(file, url);
	/* Both are logs that go on. */
	{
		struct lf_log *log = log_open(&lf_postgres_backend, url);
		struct whole whole;

		decide(log, 720, 740);
		log_is_whole(log, &whole);
		lf_log_close(log);
	}
	expect(0, run(BIN "leadfitd copy --from '%s' --to %s", url, back), "were there");
	are_alike(url, back);
}

static void a_target_with_other_records_is_refused_and_left_as_it_is(void **state)
{
	char file[128], other[128];
	size_t before_length, after_length;
	char *before, *after;

	(void)state;
	snprintf(file, sizeof(file), "%s/log.db", place.folder);
	snprintf(other, sizeof(other), "%s/other.db", place.folder);
	fill(file, 40);
	fill(other, 30);
	before = all_of(other, &before_length);
	expect(4, run(BIN "leadfitd copy --from %s --to %s", file, other), "it is another log");
	expect(4, run(BIN "leadfitd copy --from %s --to %s", other, file), "not the beginning");
	after = all_of(other, &after_length);
	assert_int_equal(before_length, after_length);
	assert_memory_equal(before, after, before_length);
	free(before);
	free(after);
}

/* The root is the same: erasing changes no leaf. */
static void what_was_erased_after_it_had_been_copied_is_found(void **state)
{
	static const char *const nobody[] = {"c-all"};
	const struct lf_redact_item item = {.what = LF_REDACT_DECISION,
		.id = 10,
		.bytes = bytes_of("erased"),
		.candidates = nobody,
		.candidate_count = 1,
		.recommended = "c-all"};
	char file[128], copy[128];
	const char *location;
	struct lf_log *log;

	(void)state;
	snprintf(file, sizeof(file), "%s/log.db", place.folder);
	snprintf(copy, sizeof(copy), "%s/copy.db", place.folder);
	fill(file, 40);
	expect(0, run(BIN "leadfitd copy --from %s --to %s", file, copy), "root");
	expect(0, run(BIN "leadfitd copy --from %s --to %s", file, copy), "root");
	log = log_open(lf_backend_by_url(file, &location, NULL), file);
	redact(log, LF_LEAF_ERASURE, &item, 1);
	lf_log_close(log);
	expect(4, run(BIN "leadfitd copy --from %s --to %s", file, copy), "something was erased in the source");
}

static void what_is_no_log_is_refused(void **state)
{
	char file[128];

	(void)state;
	snprintf(file, sizeof(file), "%s/log.db", place.folder);
	fill(file, 40);
	expect(2, run(BIN "leadfitd copy --from %s", file), "are required");
	expect(2, run(BIN "leadfitd copy --from %s --to %s", file, file), "are the same");
	expect(2, run(BIN "leadfitd copy --from %s --to %s/new --accept-asynchronous", file, place.folder),
		"about a database");
	expect(2, run(BIN "leadfitd copy --from %s --to mysql://h/d", file), "mysql");
	expect(2, run(BIN "leadfitd copy --from %s --to 'postgres://u:secret@h/d'", file), "password");
	assert_int_not_equal(run("grep secret %s/out", place.folder), 0);
	assert_int_not_equal(run(BIN "leadfitd copy --from %s/none --to %s/new", place.folder, place.folder), 0);
	assert_int_not_equal(run("test -e %s/new", place.folder), 0); /* nothing was made */
	expect(3, run(BIN "leadfitd copy --from %s --to 'postgres:///log?host=%s&port=1'", file, server.folder),
		"PostgreSQL at");
	expect(4,
		run(BIN "leadfitd copy --from %s --to 'postgres:///log?host=%s&port=%d&user=postgres'", file,
			server.folder, server.port),
		"synchronous_standby_names");
	expect(0,
		run(BIN "leadfitd copy --accept-asynchronous --from %s --to 'postgres:///log?host=%s&port=%d"
			"&user=postgres'",
			file, server.folder, server.port),
		"records");
}

/* Starts a copy, and gives its process. */
static pid_t start(const char *from, const char *to)
{
	const pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		execl(BIN "leadfitd", "leadfitd", "copy", "--from", from, "--to", to, (char *)NULL);
		_exit(127);
	}
	return pid;
}

static void what_ended_early_is_gone_on_with(void **state)
{
	static const int signals[] = {SIGINT, SIGKILL, SIGTERM, 0, SIGKILL};
	const struct timespec wait = {.tv_nsec = 1000 * 1000};
	char file[128];

	(void)state;
	snprintf(file, sizeof(file), "%s/log.db", place.folder);
	fill(file, 2500);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		const long long had = postgres_number(&server, "log", "SELECT count(*) FROM leadfit.leaf");
		const pid_t pid = start(file, url);
		int status;

		/* It has come further, and is not through: or it is, on a fast machine. */
		while (waitpid(pid, &status, WNOHANG) == 0) {
			if (postgres_number(&server, "log", "SELECT count(*) FROM leadfit.leaf") > had) {
				if (signals[i] != 0)
					kill(pid, signals[i]);
				else
					postgres_run(&server, "postgres",
						"SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
						" WHERE datname = 'log'");
				waitpid(pid, &status, 0);
				break;
			}
			nanosleep(&wait, NULL);
		}
		if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
			assert_int_equal(WEXITSTATUS(status), 3);
	}
	expect(0, run(BIN "leadfitd copy --from %s --to '%s'", file, url), "were there");
	are_alike(file, url);
}

/* A file that may not grow: as a full disk. */
static void a_full_disk_leaves_what_can_be_gone_on_with(void **state)
{
	char file[128], back[128];
	int status;

	(void)state;
	snprintf(file, sizeof(file), "%s/log.db", place.folder);
	snprintf(back, sizeof(back), "%s/back.db", place.folder);
	fill(file, 1200);
	status = run("(ulimit -f 600; " BIN "leadfitd copy --from %s --to %s)", file, back);
	assert_int_not_equal(status, 0);
	expect(0, run(BIN "leadfitd copy --from %s --to %s", file, back), "records");
	are_alike(file, back);
}

/* Reads alone, on a server that takes no writes, while the primary goes on. */
static void a_standby_is_verified_and_copied_from(void **state)
{
	struct postgres_server standby;
	const struct timespec wait = {.tv_nsec = 10 * 1000 * 1000};
	char standby_url[256], file[128];
	struct lf_log *log;

	(void)state;
	fill(url, 60);
	postgres_standby_make(&standby, &server);
	postgres_url(&standby, "log", standby_url, sizeof(standby_url));
	log = log_open(&lf_postgres_backend, url);
	decide(log, 60, 80);
	while (postgres_number(&standby, "log", "SELECT max(size) FROM leadfit.head") !=
		postgres_number(&server, "log", "SELECT max(size) FROM leadfit.head"))
		nanosleep(&wait, NULL);
	verifies_alike(url, standby_url);
	snprintf(file, sizeof(file), "%s/backup.db", place.folder);
	expect(0, run(BIN "leadfitd copy --from '%s' --to %s", standby_url, file), "records");
	are_alike(url, file);
	verifies_alike(standby_url, file);
	/* It is no target: nothing is written there. */
	expect(3, run(BIN "leadfitd copy --from %s --to '%s'", file, standby_url), "standby");
	decide(log, 80, 90);
	lf_log_close(log);
	postgres_server_remove(&standby);
}

int main(void)
{
	const struct CMUnitTest claims[] = {
		cmocka_unit_test_setup_teardown(
			a_log_goes_into_a_database_and_back_and_every_record_is_alike, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_target_with_other_records_is_refused_and_left_as_it_is, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_was_erased_after_it_had_been_copied_is_found, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_no_log_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_ended_early_is_gone_on_with, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_full_disk_leaves_what_can_be_gone_on_with, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_standby_is_verified_and_copied_from, set_up, tear_down),
	};
	int failed;

	if (!postgres_server_make(&server, NULL)) {
		fprintf(stderr, "skipped: no PostgreSQL server is installed\n");
		return 77;
	}
	failed = cmocka_run_group_tests_name("leadfitd copy", claims, NULL, NULL);
	postgres_server_remove(&server);
	return failed;
}
