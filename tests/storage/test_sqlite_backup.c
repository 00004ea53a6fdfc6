/*
 * Copies of a log in use. B1 to B5 are the invariants at the top of storage/sqlite/backup.c, W6 and W11 are in
 * storage/DESIGN.md.
 */
#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "tests/storage/faulty_backend.h"
#include "tests/storage/support.h"

enum { ANSWER = 6000, FLIGHT = 64 };

static struct place place;
static char copy_file[128];
static uint8_t answer[ANSWER];

static int set_up(void **state)
{
	(void)state;
	place_make(&place);
	snprintf(copy_file, sizeof(copy_file), "%s/copy.db", place.folder);
	faulty_reset(&lf_sqlite_backend);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	place_remove(&place);
	return 0;
}

/* ---- helpers ---- */

static void send_work(struct lf_log *log, struct work *work, int number)
{
	work_init(work, number % 50, number % 20, number + 1);
	work->append.answer = (struct lf_bytes){answer, ANSWER};
	lf_log_append(log, &work->append);
}

static struct lf_log *log_with(const struct lf_backend *backend, int count)
{
	struct work *works = calloc((size_t)count, sizeof(*works));
	struct lf_log *log = log_open(backend, place.file);

	assert_non_null(works);
	rubric_put(log);
	for (int i = 0; i < count; i++) {
		send_work(log, &works[i], i);
		if (i % FLIGHT == FLIGHT - 1)
			work_wait(&works[i]);
	}
	for (int i = 0; i < count; i++) {
		work_wait(&works[i]);
		assert_int_equal(works[i].code, LF_OK);
	}
	free(works);
	return log;
}

static void copy_is_absent(void)
{
	char names[512];

	place_names(&place, "log.db", names, sizeof(names));
	assert_string_equal(names, "");
}

static void integrity_is_clean(const char *path)
{
	sqlite3 *db;
	sqlite3_stmt *statement;

	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	assert_string_equal((const char *)sqlite3_column_text(statement, 0), "ok");
	sqlite3_finalize(statement);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* The copy is one private file in WAL mode, and opens as a log that ends where the chore says. Its last sequence. */
static uint64_t check_copy(const struct lf_chore *chore)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_store *store;
	struct lf_tail tail = {0};
	struct stat status;
	char names[512];
	size_t length;
	uint8_t *bytes = file_read(copy_file, &length);

	place_names(&place, "log.db", names, sizeof(names));
	assert_string_equal(names, "copy.db");
	assert_int_equal(stat(copy_file, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(status.st_size, chore->bytes);
	assert_int_equal(bytes[18], 2); /* WAL, as the file format has it */
	assert_int_equal(bytes[19], 2);
	assert_memory_equal(bytes + 68, "lfLg", 4);
	free(bytes);
	if (lf_sqlite_backend.open(&store, &(struct lf_log_options){.location = copy_file}, &error) != LF_OK)
		fail_msg("%s", error.message);
	assert_int_equal(lf_sqlite_backend.tail(store, &tail, &error), LF_OK);
	assert_int_equal(tail.tree.size, chore->head.size);
	assert_memory_equal(&tail.root, &chore->head.root, sizeof(tail.root));
	lf_sqlite_backend.close(store);
	integrity_is_clean(copy_file);
	return tail.sequence;
}

/* What was appended as number i is in the copy, with the same id and answer. */
static void holds_all(struct lf_log *log, uint64_t last)
{
	struct lf_log *copy = log_open(&lf_sqlite_backend, copy_file);

	for (uint64_t number = 0; number < last; number++) {
		struct work work;
		struct lf_uuid here, there;
		const struct lf_digest *digest;

		work_init(&work, (int)number % 50, (int)number % 20, (int)number + 1);
		digest = &work.append.request_digest;
		assert_int_equal(lf_log_find_key(copy, "hr", work.key, digest, &there, NULL), LF_OK);
		assert_int_equal(lf_log_find_key(log, "hr", work.key, digest, &here, NULL), LF_OK);
		assert_memory_equal(&here, &there, sizeof(here));
	}
	lf_log_close(copy);
}

static enum lf_code back_up(struct lf_log *log, struct lf_chore *chore, char message[512])
{
	struct lf_error error = LF_ERROR_INIT;
	const enum lf_code code = lf_log_do(log, chore, &error);

	snprintf(message, 512, "%s", error.message);
	lf_error_clean_up(&error);
	return code;
}

/* ---- it works ---- */

static void a_copy_is_a_log_in_one_file(void **state)
{
	struct lf_chore chore = {.what = LF_CHORE_BACKUP, .file = copy_file};
	char message[512];
	struct lf_log *log = log_with(&lf_sqlite_backend, 300);

	(void)state;
	assert_int_equal(back_up(log, &chore, message), LF_OK);
	assert_int_equal(check_copy(&chore), 300);
	holds_all(log, 300);
	lf_log_close(log);
}

static void a_copy_of_an_empty_log_is_a_log(void **state)
{
	struct lf_chore chore = {.what = LF_CHORE_BACKUP, .file = copy_file};
	char message[512];
	struct lf_log *log = log_open(&lf_sqlite_backend, place.file);

	(void)state;
	assert_int_equal(back_up(log, &chore, message), LF_OK);
	assert_int_equal(check_copy(&chore), 0);
	lf_log_close(log);
}

static bool read_hashes(void *context, unsigned level, uint64_t first, size_t count, struct lf_digest *hashes)
{
	return lf_log_hashes(context, level, first, count, hashes, NULL) == LF_OK;
}

/* The copy is the log as it was at one commit: the log's own tree of that size has the copy's root. */
static void is_a_state_of(struct lf_log *log, const struct lf_chore *chore)
{
	struct lf_tree tree;
	struct lf_digest root;

	assert_true(lf_tree_load(&tree, chore->head.size, read_hashes, log));
	lf_tree_root(&tree, &root);
	assert_memory_equal(&root, &chore->head.root, sizeof(root));
}

struct load {
	struct lf_log *log;
	int first;           /* number of the first append */
	atomic_int appended; /* acknowledged */
	atomic_bool stop;
};

/* FLIGHT appends are always on their way. */
static void *keep_appending(void *context)
{
	struct load *load = context;
	struct work *works = calloc(FLIGHT, sizeof(*works));
	int sent = 0;

	assert_non_null(works);
	for (; !atomic_load(&load->stop); sent++) {
		struct work *work = &works[sent % FLIGHT];

		if (sent >= FLIGHT) {
			work_wait(work);
			assert_int_equal(work->code, LF_OK);
			atomic_fetch_add(&load->appended, 1);
		}
		send_work(load->log, work, load->first + sent);
	}
	for (int i = 0; i < FLIGHT && i < sent; i++)
		work_wait(&works[i]);
	atomic_store(&load->appended, sent);
	free(works);
	return NULL;
}

struct watched {
	struct load *load;
	uint64_t done, steps, left;
	bool fell; /* it began again */
	bool rose; /* there was more left after a step than after the one before */
	int at_first;
};

static void watch(void *context, uint64_t done, uint64_t total)
{
	struct watched *watched = context;

	if (watched->steps++ == 0)
		watched->at_first = atomic_load(&watched->load->appended);
	watched->fell |= done < watched->done || done > total;
	watched->rose |= watched->steps > 1 && total - done >= watched->left;
	watched->left = total - done;
	watched->done = done;
}

static void appends_go_on_and_the_copy_has_all_that_came_before_its_end(void **state)
{
	enum { BEFORE = 4000 };
	struct load load = {.first = BEFORE};
	struct watched watched = {.load = &load};
	struct lf_chore chore = {.what = LF_CHORE_BACKUP, .file = copy_file, .progress = watch, .context = &watched};
	char message[512];
	pthread_t thread;
	int before, during;
	enum lf_code code;
	uint64_t last;

	(void)state;
	load.log = log_with(&lf_sqlite_backend, BEFORE);
	assert_int_equal(pthread_create(&thread, NULL, keep_appending, &load), 0);
	while (atomic_load(&load.appended) < FLIGHT)
		usleep(1000);
	before = atomic_load(&load.appended);
	code = back_up(load.log, &chore, message);
	during = atomic_load(&load.appended) - watched.at_first;
	atomic_store(&load.stop, true);
	pthread_join(thread, NULL);
	assert_int_equal(code, LF_OK);
	assert_false(watched.fell); /* never begun again */
	assert_false(watched.rose); /* B5 */
	assert_true(watched.steps > 1);
	assert_true(during > 0);
	last = check_copy(&chore);
	assert_true(last >= (uint64_t)(BEFORE + before));
	holds_all(load.log, last);
	is_a_state_of(load.log, &chore);
	print_message("%llu steps, %d appends meanwhile\n", (unsigned long long)watched.steps, during);
	lf_log_close(load.log);
	integrity_is_clean(place.file);
}

struct doing {
	struct lf_log *log;
	struct lf_chore chore;
	enum lf_code code;
	char message[512];
};

static void *do_it(void *context)
{
	struct doing *doing = context;

	doing->code = back_up(doing->log, &doing->chore, doing->message);
	return NULL;
}

static void of_two_at_once_the_second_waits_for_its_turn(void **state)
{
	char other[128];
	struct lf_log *log;
	struct doing first, second;
	pthread_t threads[2];

	(void)state;
	snprintf(other, sizeof(other), "%s/other.db", place.folder);
	log = log_with(&lf_sqlite_backend, 500);
	first = (struct doing){log, {.what = LF_CHORE_BACKUP, .file = copy_file}, LF_OK, ""};
	second = (struct doing){log, {.what = LF_CHORE_BACKUP, .file = other}, LF_OK, ""};
	assert_int_equal(pthread_create(&threads[0], NULL, do_it, &first), 0);
	assert_int_equal(pthread_create(&threads[1], NULL, do_it, &second), 0);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	assert_int_equal(first.code, LF_OK);
	assert_int_equal(second.code, LF_OK);
	integrity_is_clean(other);
	assert_int_equal(unlink(other), 0);
	assert_int_equal(check_copy(&first.chore), 500);
	lf_log_close(log);
}

/* ---- it is refused ---- */

static void refuse(struct lf_log *log, const char *file, enum lf_code expected, const char *why)
{
	struct lf_chore chore = {.what = LF_CHORE_BACKUP, .file = file};
	char message[512];

	assert_int_equal(back_up(log, &chore, message), expected);
	if (strstr(message, why) == NULL)
		fail_msg("%s: %s", file, message);
}

static void a_copy_replaces_nothing_and_takes_no_name_of_the_log(void **state)
{
	static const char *const own[] = {"", "-wal", "-shm", "-journal", ".lock", ".new"};
	static const char *const in_the_way[] = {"", ".part", "-wal", "-journal"};
	char name[200], names[512];
	size_t length;
	struct lf_log *log = log_with(&lf_sqlite_backend, 5);

	(void)state;
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		snprintf(name, sizeof(name), "%s/../%s%s", place.folder, place.file + strlen("/tmp/"), own[i]);
		refuse(log, name, LF_INVALID_ARGUMENT, "a name of the log itself");
	}
	for (size_t i = 0; i < sizeof(in_the_way) / sizeof(in_the_way[0]); i++) {
		uint8_t *bytes;

		snprintf(name, sizeof(name), "%s%s", copy_file, in_the_way[i]);
		file_write(name, "mine", 4);
		refuse(log, copy_file, LF_ALREADY_EXISTS, "is there");
		bytes = file_read(name, &length);
		assert_int_equal(length, 4);
		assert_memory_equal(bytes, "mine", 4);
		free(bytes);
		place_names(&place, "log.db", names, sizeof(names));
		assert_string_equal(names, name + strlen(place.folder) + 1);
		assert_int_equal(unlink(name), 0);
	}
	assert_int_equal(symlink("/nowhere/at/all", copy_file), 0);
	refuse(log, copy_file, LF_ALREADY_EXISTS, "is a symbolic link to a file that is not there");
	assert_int_equal(unlink(copy_file), 0);
	snprintf(name, sizeof(name), "%s/no/such/folder", place.folder);
	refuse(log, name, LF_UNAVAILABLE, "directory");
	copy_is_absent();
	assert_true(lf_log_ready(log));
	lf_log_close(log);
}

/* ---- it is ended ---- */

static bool go_on_for_a_while(void *context)
{
	int *steps = context;

	return (*steps)-- > 0;
}

static void one_that_nobody_waits_for_leaves_nothing_whenever_it_is_ended(void **state)
{
	struct lf_log *log = log_with(&lf_sqlite_backend, 2000);
	enum lf_code code = LF_CANCELLED;
	int given = 0;

	(void)state;
	for (; code == LF_CANCELLED && given < 1000; given++) {
		int steps = given;
		struct lf_chore chore = {
			.what = LF_CHORE_BACKUP, .file = copy_file, .go_on = go_on_for_a_while, .context = &steps};
		char message[512];

		code = back_up(log, &chore, message);
		if (code == LF_CANCELLED)
			copy_is_absent();
		else
			assert_int_equal(check_copy(&chore), 2000);
	}
	assert_int_equal(code, LF_OK);
	assert_true(given > 2); /* some were ended in the middle */
	lf_log_close(log);
}

static atomic_bool begun;

static void note_begun(void *context, uint64_t done, uint64_t total)
{
	(void)context;
	(void)done;
	(void)total;
	atomic_store(&begun, true);
}

static bool wait_until_told(void *context)
{
	/* Held here until the log closes, or the test would have to be fast. */
	for (int i = 0; atomic_load(&begun) && i < 300 && !atomic_load((atomic_bool *)context); i++)
		usleep(1000);
	return true;
}

static void closing_the_log_ends_it_and_leaves_nothing(void **state)
{
	atomic_bool closing = false;
	struct lf_log *log;
	struct doing doing;
	pthread_t thread;

	(void)state;
	atomic_store(&begun, false);
	log = log_with(&lf_sqlite_backend, 2000);
	doing = (struct doing){log,
		{.what = LF_CHORE_BACKUP,
			.file = copy_file,
			.progress = note_begun,
			.go_on = wait_until_told,
			.context = &closing},
		LF_OK, ""};
	assert_int_equal(pthread_create(&thread, NULL, do_it, &doing), 0);
	while (!atomic_load(&begun))
		usleep(500);
	lf_log_close(log); /* within the first pause: W11 */
	atomic_store(&closing, true);
	pthread_join(thread, NULL);
	assert_int_equal(doing.code, LF_UNAVAILABLE);
	assert_non_null(strstr(doing.message, "closing"));
	copy_is_absent();
	integrity_is_clean(place.file);
}

struct breaking {
	struct lf_log *log;
	struct work work;
	int steps;
};

/* The second step's turn: a commit that fails for good comes before the third. */
static bool break_the_log(void *context)
{
	struct breaking *breaking = context;

	if (++breaking->steps == 2) {
		faulty_fail(FAULTY_COMMIT, 1, 1, LF_DATA_LOSS);
		send_work(breaking->log, &breaking->work, 100000);
	}
	return true;
}

static void when_the_log_fails_it_ends_without_another_call_of_the_backend(void **state)
{
	struct breaking breaking = {.log = log_with(&faulty_backend, 2000)};
	struct lf_chore chore = {
		.what = LF_CHORE_BACKUP, .file = copy_file, .go_on = break_the_log, .context = &breaking};
	char message[512];

	(void)state;
	assert_int_equal(back_up(breaking.log, &chore, message), LF_UNAVAILABLE);
	assert_non_null(strstr(message, "stopped writing"));
	work_wait(&breaking.work);
	assert_true(faulty_happened());
	assert_int_equal(back_up(breaking.log, &chore, message), LF_UNAVAILABLE); /* nor is one begun */
	lf_log_close(breaking.log);
	assert_int_equal(faulty_violations(), 0); /* W6 */
	copy_is_absent();
}

static void an_error_of_the_copy_fails_the_copy_and_not_the_log(void **state)
{
	struct lf_log *log = log_with(&faulty_backend, 100);
	struct lf_chore chore = {.what = LF_CHORE_BACKUP, .file = copy_file};
	struct work work;
	char message[512];

	(void)state;
	faulty_fail(FAULTY_BACKUP, 1, 1, LF_RESOURCE_EXHAUSTED);
	assert_int_equal(back_up(log, &chore, message), LF_RESOURCE_EXHAUSTED);
	assert_true(lf_log_ready(log));
	send_work(log, &work, 100);
	work_wait(&work);
	assert_int_equal(work.code, LF_OK);
	assert_int_equal(back_up(log, &chore, message), LF_OK);
	lf_log_close(log);
	assert_int_equal(faulty_violations(), 0);
}

static void a_full_disk_of_the_copy_leaves_nothing_and_the_log_goes_on(void **state)
{
	char small[56], names[512];
	struct place inner;
	struct work work;
	char message[512];
	struct lf_log *log;
	struct lf_chore chore;

	(void)state;
	snprintf(small, sizeof(small), "%.40s/small", place.folder);
	assert_int_equal(mkdir(small, 0700), 0);
	if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
		mount("lf", small, "tmpfs", 0, "size=2m") != 0) {
		print_message("skipped: no small file system can be mounted here: %s\n", strerror(errno));
		skip();
	}
	snprintf(copy_file, sizeof(copy_file), "%s/copy.db", small);
	snprintf(inner.folder, sizeof(inner.folder), "%s", small);
	log = log_with(&lf_sqlite_backend, 1000); /* 8 MB */
	chore = (struct lf_chore){.what = LF_CHORE_BACKUP, .file = copy_file};
	assert_int_equal(back_up(log, &chore, message), LF_RESOURCE_EXHAUSTED);
	place_names(&inner, NULL, names, sizeof(names));
	assert_string_equal(names, "");
	assert_true(lf_log_ready(log));
	send_work(log, &work, 1000);
	work_wait(&work);
	assert_int_equal(work.code, LF_OK);
	assert_int_equal(mount("lf", small, "tmpfs", MS_REMOUNT, "size=30m"), 0);
	assert_int_equal(back_up(log, &chore, message), LF_OK);
	integrity_is_clean(copy_file);
	lf_log_close(log);
	assert_int_equal(umount2(small, MNT_DETACH), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_copy_is_a_log_in_one_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_copy_of_an_empty_log_is_a_log, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			appends_go_on_and_the_copy_has_all_that_came_before_its_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(of_two_at_once_the_second_waits_for_its_turn, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_copy_replaces_nothing_and_takes_no_name_of_the_log, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			one_that_nobody_waits_for_leaves_nothing_whenever_it_is_ended, set_up, tear_down),
		cmocka_unit_test_setup_teardown(closing_the_log_ends_it_and_leaves_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			when_the_log_fails_it_ends_without_another_call_of_the_backend, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_error_of_the_copy_fails_the_copy_and_not_the_log, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_full_disk_of_the_copy_leaves_nothing_and_the_log_goes_on, set_up, tear_down),
	};

	for (size_t i = 0; i < ANSWER; i++)
		answer[i] = (uint8_t)(i * 7);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
