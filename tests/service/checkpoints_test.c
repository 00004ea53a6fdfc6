/*
 * Checkpoints outside of the log: each is whole and verifies with the public key alone, they come when they are due,
 * and what was signed is held against the log.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "service/seal/checkpoints.h"
#include "service/seal/tree_reader.h"
#include "storage/tlog/tree.h"
#include "tests/storage/memory_backend.h"
#include "tests/storage/support.h"

struct fixture {
	struct place place;
	struct lf_log *log;
	struct lf_signer signer;
	struct lf_verifier verifier;
	struct lf_checkpoint_files files;
	int works;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	umask(022);
	place_make(&f->place);
	memory_backend_forget();
	f->log = log_open(&memory_backend, "x");
	assert_true(lf_signer_generate(&f->signer, "example.com/leadfit"));
	lf_signer_verifier(&f->signer, &f->verifier);
	*state = f;
	return 0;
}

/* Folders in folders, too. */
static void remove_all(const char *folder)
{
	DIR *directory = opendir(folder);
	const struct dirent *entry;
	char path[700];

	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (unlink(path) != 0)
			remove_all(path);
	}
	if (directory != NULL)
		closedir(directory);
	rmdir(folder);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	lf_checkpoint_files_clean_up(&f->files);
	lf_log_close(f->log);
	remove_all(f->place.folder);
	free(f);
	return 0;
}

/* Opens PLACE/name. */
static void open_files(struct fixture *f, const char *name)
{
	char path[200];

	lf_checkpoint_files_clean_up(&f->files);
	snprintf(path, sizeof(path), "%s/%s", f->place.folder, name);
	assert_int_equal(lf_checkpoint_files_init(&f->files, path, NULL), LF_OK);
}

enum { RUBRIC_RECORDS = 2 }; /* a rubric, and that it became the active one: with the first decision */

/* Makes the log longer by so many decisions. */
static void grow(struct fixture *f, int by)
{
	if (f->works == 0)
		rubric_put(f->log);
	for (int i = 0; i < by; i++) {
		struct work work;

		work_init(&work, f->works, f->works, 0);
		f->works++;
		assert_int_equal(work_run(f->log, &work), LF_OK);
	}
}

static struct lf_tree_head head_of(struct fixture *f)
{
	struct lf_tree_head head;

	assert_int_equal(lf_log_head(f->log, &head, NULL), LF_OK);
	return head;
}

static int put(struct fixture *f, uint64_t size, const struct lf_digest *root)
{
	char note[LF_CHECKPOINT_MAX];

	assert_true(lf_checkpoint_sign(size, root, &f->signer, note));
	return lf_checkpoint_files_put(&f->files, size, note);
}

/* A checkpoint of the log as it is. */
static void put_head(struct fixture *f)
{
	const struct lf_tree_head head = head_of(f);

	assert_int_equal(put(f, head.size, &head.root), 0);
}

static const struct lf_digest some_root = {{1, 2, 3}};

/* The checkpoint in a file, by the public key alone. */
static struct lf_checkpoint verified(const struct fixture *f, const char *path)
{
	struct lf_checkpoint checkpoint = {.size = 0};
	size_t length = 0;
	char *note = (char *)file_read(path, &length);

	if (note == NULL || lf_checkpoint_open(note, length, &f->verifier, &checkpoint) != LF_NOTE_OK)
		fail_msg("%s is not a whole checkpoint", path);
	free(note);
	return checkpoint;
}

static struct lf_checkpoint verified_in(const struct fixture *f, const char *name)
{
	char path[400];

	snprintf(path, sizeof(path), "%s/%s", f->files.path, name);
	return verified(f, path);
}

/* Names in the directory, sorted; "latest" is not among them. Returns how many. */
static int numbered(const struct fixture *f, struct dirent ***entries)
{
	int count = scandir(f->files.path, entries, NULL, alphasort), kept = 0;

	if (count < 0)
		*entries = NULL; /* there is no directory yet */
	for (int i = 0; i < count; i++) {
		if (strstr((*entries)[i]->d_name, ".checkpoint") != NULL)
			(*entries)[kept++] = (*entries)[i];
		else
			free((*entries)[i]);
	}
	return kept;
}

static void free_names(struct dirent **entries, int count)
{
	for (int i = 0; i < count; i++)
		free(entries[i]);
	if (count >= 0)
		free(entries);
}

/* ---- where ---- */

static void a_directory_has_one_file_a_checkpoint_in_the_order_of_the_log(void **state)
{
	static const uint64_t sizes[] = {1, 9, 10, 12345, 4294967296, 4611686018427387903};
	struct fixture *f = *state;
	struct dirent **entries;
	int count;

	open_files(f, "kept///");
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(put(f, sizes[i], &some_root), 0);
		assert_int_equal(verified_in(f, "latest").size, sizes[i]);
	}
	assert_int_equal(verified_in(f, "00000000000000012345.checkpoint").size, 12345);
	count = numbered(f, &entries);
	assert_int_equal(count, 6);
	for (int i = 0; i < count; i++) {
		const struct lf_checkpoint checkpoint = verified_in(f, entries[i]->d_name);

		assert_int_equal(checkpoint.size, sizes[i]);
		assert_memory_equal(&checkpoint.root, &some_root, sizeof(some_root));
	}
	free_names(entries, count);
}

static void a_file_that_is_there_or_is_named_so_is_replaced_each_time(void **state)
{
	static const char *const names[] = {"there", "new.checkpoint"};
	struct fixture *f = *state;
	struct stat status;
	char path[200];

	snprintf(path, sizeof(path), "%s/there", f->place.folder);
	file_write(path, "", 0);
	for (size_t i = 0; i < 2; i++) {
		bool found;
		struct lf_checkpoint newest;
		char name[512];

		open_files(f, names[i]);
		assert_int_equal(
			lf_checkpoint_files_newest(&f->files, &f->verifier, &found, &newest, name, NULL), LF_OK);
		assert_false(found);
		for (uint64_t size = 1; size <= 3; size++) {
			assert_int_equal(put(f, size, &some_root), 0);
			assert_int_equal(verified(f, f->files.path).size, size);
		}
		assert_int_equal(stat(f->files.path, &status), 0);
		assert_true(S_ISREG(status.st_mode));
		assert_int_equal(status.st_mode & 0777, 0644);
		assert_int_equal(
			lf_checkpoint_files_newest(&f->files, &f->verifier, &found, &newest, name, NULL), LF_OK);
		assert_true(found);
		assert_int_equal(newest.size, 3);
	}
	place_names(&f->place, NULL, path, sizeof(path)); /* nothing beside them */
	assert_string_equal(path, "new.checkpoint there");
}

/* Writes checkpoints as fast as it can until it is killed. */
static void write_for_ever(struct fixture *f, uint64_t from)
{
	for (uint64_t size = from;; size++)
		if (put(f, size, &some_root) != 0)
			_exit(1);
}

static void a_kill_while_one_is_written_leaves_no_half_file(void **state)
{
	const char *wanted = getenv("LF_TEST_SEED");
	unsigned seed = wanted != NULL ? (unsigned)strtoul(wanted, NULL, 10) : (unsigned)time(NULL);
	struct fixture *f = *state;
	struct dirent **entries;
	uint64_t newest = 0;
	unsigned round;
	char latest[400];

	print_message("LF_TEST_SEED=%u\n", seed);
	open_files(f, "kept");
	/* Until one was written: on a busy machine each process is killed before it has come so far, so they get longer. */
	for (round = 0; round < 25 || (newest == 0 && round < 500); round++) {
		const pid_t pid = fork();
		int status, count;

		assert_true(pid >= 0);
		if (pid == 0)
			write_for_ever(f, newest + 1);
		usleep(1000 + (unsigned)rand_r(&seed) % 20000 * (1 + round / 25));
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		count = numbered(f, &entries);
		for (int i = 0; i < count; i++) {
			const uint64_t size = verified_in(f, entries[i]->d_name).size;

			assert_true(i == 0 || size == newest + 1); /* and none is missing in between */
			newest = size;
		}
		snprintf(latest, sizeof(latest), "%s/latest", f->files.path);
		if (access(latest, F_OK) == 0)
			assert_in_range(verified(f, latest).size, 1, newest);
		free_names(entries, count);
	}
	assert_true(newest > 0);
	/* What a kill left behind is in nobody's way. */
	assert_int_equal(put(f, newest + 1, &some_root), 0);
	assert_int_equal(verified_in(f, "latest").size, newest + 1);
	print_message("%u kills, %llu checkpoints\n", round, (unsigned long long)newest);
}

static void older_ones_stand_further_apart_where_there_are_very_many(void **state)
{
	struct fixture *f = *state;
	struct dirent **entries;
	uint64_t last = 0;
	bool found;
	struct lf_checkpoint newest;
	char name[512];

	open_files(f, "kept");
	f->files.kept_max = 20;
	for (uint64_t size = 1; size <= 300; size++) {
		int count;

		assert_int_equal(put(f, size, &some_root), 0);
		count = numbered(f, &entries);
		assert_true(count <= 20);
		assert_int_equal(verified_in(f, entries[0]->d_name).size, 1); /* the first of all stays */
		for (int i = 0; i < count && i < 10; i++)                     /* so do the newest */
			assert_int_equal(verified_in(f, entries[count - 1 - i]->d_name).size, size - (uint64_t)i);
		if (size == 300)
			for (int i = 0; i < count; i++) {
				const uint64_t here = verified_in(f, entries[i]->d_name).size;

				assert_true(here > last);
				last = here;
			}
		free_names(entries, count);
	}
	/* A new process counts them. */
	open_files(f, "kept");
	assert_int_equal(lf_checkpoint_files_newest(&f->files, &f->verifier, &found, &newest, name, NULL), LF_OK);
	assert_in_range(f->files.kept, 11, 20);
	assert_int_equal(newest.size, 300);
}

/* ---- against the log ---- */

static void check_says(struct fixture *f, const struct lf_verifier *verifier, enum lf_code code, const char *what)
{
	struct lf_error error = LF_ERROR_INIT;
	uint64_t size;

	assert_int_equal(lf_checkpoints_check(f->log, &f->files, verifier, &size, &error), code);
	if (code != LF_OK && strstr(error.message, what) == NULL)
		fail_msg("\"%s\" lacks \"%s\"", error.message, what);
	lf_error_clean_up(&error);
}

static void a_log_that_grew_since_is_accepted_at_every_size(void **state)
{
	struct fixture *f = *state;
	uint64_t size;

	open_files(f, "kept");
	check_says(f, &f->verifier, LF_OK, "");
	check_says(f, NULL, LF_OK, "");
	grow(f, 1);
	for (int i = 0; i < 300; i++) { /* over the first node that is stored */
		if (i % 7 == 0) {
			const struct lf_tree_head head = head_of(f);

			put_head(f);
			grow(f, i % 3);
			assert_int_equal(lf_checkpoints_check(f->log, &f->files, &f->verifier, &size, NULL), LF_OK);
			assert_int_equal(size, head.size);
		}
		grow(f, 1);
	}
}

/* The log is replaced by a new one of this many records. */
static void replace_log(struct fixture *f, int records)
{
	lf_log_close(f->log);
	memory_backend_forget();
	f->log = log_open(&memory_backend, "x");
	f->works = 0;
	grow(f, records - RUBRIC_RECORDS);
}

static void a_log_that_was_rewound_or_swapped_is_not(void **state)
{
	struct fixture *f = *state;

	open_files(f, "kept");
	grow(f, 20);
	put_head(f);
	check_says(f, &f->verifier, LF_OK, "");
	replace_log(f, 10);
	check_says(f, &f->verifier, LF_FAILED_PRECONDITION, "rewound");
	replace_log(f, 40);
	check_says(f, &f->verifier, LF_FAILED_PRECONDITION, "altered");
	/* In a file, too. */
	open_files(f, "one.checkpoint");
	put_head(f);
	check_says(f, &f->verifier, LF_OK, "");
	replace_log(f, 10);
	check_says(f, &f->verifier, LF_FAILED_PRECONDITION, "rewound");
}

static void the_newest_of_both_places_counts(void **state)
{
	struct fixture *f = *state;
	char latest[400], numbered_path[400];
	uint8_t *old;
	size_t length;

	open_files(f, "kept");
	grow(f, 5);
	put_head(f);
	snprintf(latest, sizeof(latest), "%s/latest", f->files.path);
	old = file_read(latest, &length);
	grow(f, 5);
	put_head(f);
	/* A kill between the two. */
	file_write(latest, old, length);
	replace_log(f, 8);
	check_says(f, &f->verifier, LF_FAILED_PRECONDITION, "rewound");
	free(old);
	/* The numbered one removed. */
	replace_log(f, 12);
	put_head(f);
	snprintf(numbered_path, sizeof(numbered_path), "%s/%020d.checkpoint", f->files.path, 12);
	assert_int_equal(unlink(numbered_path), 0);
	check_says(f, &f->verifier, LF_OK, "");
	replace_log(f, 8);
	check_says(f, &f->verifier, LF_FAILED_PRECONDITION, "latest was signed when the log had 12 records");
}

static void a_checkpoint_that_is_altered_or_of_another_key_is_not_accepted(void **state)
{
	struct fixture *f = *state;
	struct lf_signer other;
	struct lf_verifier other_verifier;
	char latest[400];
	uint8_t *note;
	size_t length;
	size_t root_at;

	assert_true(lf_signer_generate(&other, "example.com/another"));
	lf_signer_verifier(&other, &other_verifier);
	open_files(f, "kept");
	grow(f, 5);
	put_head(f);
	check_says(f, &other_verifier, LF_FAILED_PRECONDITION, "not signed by this service's key");
	check_says(f, NULL, LF_FAILED_PRECONDITION, "the signing key is not there");
	snprintf(latest, sizeof(latest), "%s/latest", f->files.path);
	note = file_read(latest, &length);
	assert_non_null(note);
	root_at = strlen("example.com/leadfit\n7\n") + 3;
	note[root_at] = note[root_at] == 'A' ? 'B' : 'A';
	file_write(latest, note, length);
	check_says(f, &f->verifier, LF_FAILED_PRECONDITION, "altered");
	file_write(latest, note, length / 2);
	check_says(f, &f->verifier, LF_FAILED_PRECONDITION, "malformed");
	free(note);
}

/* None is written in part: so an empty one was cut off later. */
static void an_empty_checkpoint_is_named(void **state)
{
	struct fixture *f = *state;
	char latest[400], newest[400];
	uint8_t *note;
	size_t length;

	open_files(f, "kept");
	grow(f, 5);
	put_head(f);
	snprintf(latest, sizeof(latest), "%s/latest", f->files.path);
	snprintf(newest, sizeof(newest), "%s/%020d.checkpoint", f->files.path, 7);
	note = file_read(newest, &length);
	assert_non_null(note);
	file_write(newest, "", 0);
	check_says(f, &f->verifier, LF_FAILED_PRECONDITION, "00000000000000000007.checkpoint is empty");
	file_write(newest, note, length);
	file_write(latest, "", 0);
	check_says(f, &f->verifier, LF_FAILED_PRECONDITION, "latest is empty");
	free(note);
}

static void what_does_not_fit_is_kept_aside(void **state)
{
	static const char *const names[] = {"kept", "one.checkpoint"};
	struct fixture *f = *state;
	char to[512], path[700];

	grow(f, 10);
	for (size_t i = 0; i < 2; i++) {
		open_files(f, names[i]);
		put_head(f);
		assert_int_equal(lf_checkpoint_files_set_aside(&f->files, to, NULL), LF_OK);
		check_says(f, NULL, LF_OK, ""); /* nothing is there */
		snprintf(path, sizeof(path), "%s%s", to, i == 0 ? "/latest" : "");
		assert_int_equal(verified(f, path).size, 12);
		put_head(f);
		check_says(f, &f->verifier, LF_OK, "");
	}
}

/* ---- when ---- */

static struct lf_checkpoints *start(struct fixture *f, uint64_t every, unsigned seconds)
{
	struct lf_checkpoints *checkpoints;
	struct lf_checkpoints_options options = {.every = every, .seconds = seconds};

	assert_int_equal(lf_checkpoints_check(f->log, &f->files, &f->verifier, &options.size, NULL), LF_OK);
	assert_int_equal(lf_checkpoints_start(&checkpoints, f->log, &f->signer, &f->files, &options, NULL), LF_OK);
	return checkpoints;
}

/* Waits until the newest checkpoint has this size. The test's own time limit ends it. */
static void await(struct fixture *f, uint64_t size)
{
	char path[400];

	snprintf(path, sizeof(path), "%s/latest", f->files.path);
	while (access(path, F_OK) != 0 || verified_in(f, "latest").size != size)
		usleep(10000);
}

static void one_is_written_at_the_start_after_so_many_records_and_at_the_end(void **state)
{
	struct fixture *f = *state;
	struct lf_checkpoints *checkpoints;
	struct dirent **entries;
	int count;

	open_files(f, "kept");
	grow(f, 3);
	checkpoints = start(f, 10, 86400);
	await(f, 5);
	grow(f, 10);
	await(f, 15);
	grow(f, 9); /* one less than is due: the last one has it */
	lf_checkpoints_stop(checkpoints);
	assert_int_equal(verified_in(f, "latest").size, 24);
	/* A log that did not grow gets none. */
	checkpoints = start(f, 1, 1);
	lf_checkpoints_stop(checkpoints);
	count = numbered(f, &entries);
	assert_int_equal(count, 3);
	for (int i = 0; i < count; i++) {
		const struct lf_checkpoint checkpoint = verified_in(f, entries[i]->d_name);
		struct lf_digest root;

		assert_int_equal(lf_tree_reader_root(f->log, checkpoint.size, &root, NULL), LF_OK);
		assert_memory_equal(&root, &checkpoint.root, sizeof(root));
	}
	free_names(entries, count);
}

static void one_is_written_after_so_many_seconds_where_the_log_grew(void **state)
{
	struct fixture *f = *state;
	struct lf_checkpoints *checkpoints;

	open_files(f, "kept");
	grow(f, 1);
	checkpoints = start(f, 1000000, 1);
	for (uint64_t size = 3; size < 6; size++) {
		await(f, size);
		grow(f, 1);
	}
	await(f, 6);
	lf_checkpoints_stop(checkpoints);
}

static void writing_that_fails_is_said_once_and_goes_on_when_it_can(void **state)
{
	struct fixture *f = *state;
	struct lf_checkpoints *checkpoints;
	char path[200], parent[200], *said, *again;
	size_t length;
	int error_output = dup(STDERR_FILENO), file;

	open_files(f, "absent/kept");
	snprintf(path, sizeof(path), "%s/stderr", f->place.folder);
	snprintf(parent, sizeof(parent), "%s/absent", f->place.folder);
	file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(file >= 0 && error_output >= 0);
	assert_int_equal(dup2(file, STDERR_FILENO), STDERR_FILENO);
	grow(f, 1);
	checkpoints = start(f, 1, 1);
	for (int i = 0; i < 25; i++) { /* the log goes on */
		grow(f, 1);
		usleep(100000);
	}
	assert_int_equal(mkdir(parent, 0755), 0);
	await(f, 28);
	lf_checkpoints_stop(checkpoints);
	assert_int_equal(dup2(error_output, STDERR_FILENO), STDERR_FILENO);
	close(error_output);
	close(file);
	said = (char *)file_read(path, &length);
	said = realloc(said, length + 1);
	said[length] = '\0';
	again = strstr(said, "no checkpoint can be written");
	assert_non_null(again);
	assert_non_null(strstr(said, "No such file"));
	assert_null(strstr(again + 1, "no checkpoint can be written")); /* once */
	assert_non_null(strstr(said, "written again"));
	free(said);
}

/* Another record in the place of one that was signed, one more, and a head over all of it. */
static void forge(const char *file, bool head_alone)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
	if (!head_alone)
		assert_int_equal(
			sqlite3_exec(db, "UPDATE leaf SET hash = zeroblob(32) WHERE position = 2", NULL, NULL, NULL),
			SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(db,
			"INSERT INTO leaf SELECT 5, kind, record, decisions, hash, salt FROM leaf WHERE position = 4",
			NULL, NULL, NULL),
		SQLITE_OK);
	sqlite3_close(db);
	head_forge(file, head_alone);
}

/*
 * Whoever writes the log's file while a service has it gets no signature over that, not where it would replace the only
 * one either.
 */
static void a_log_that_was_altered_since_is_not_signed(void **state)
{
	struct fixture *f = *state;

	open_files(f, "one.checkpoint");
	for (int head_alone = 0; head_alone < 2; head_alone++) {
		struct lf_checkpoints *checkpoints;
		struct lf_error error = LF_ERROR_INIT;
		struct lf_tree_head head;

		unlink(f->files.path);
		lf_log_close(f->log);
		remove(f->place.file);
		f->log = log_open(&lf_sqlite_backend, f->place.file);
		f->works = 0;
		grow(f, 3);
		checkpoints = start(f, 1, 1);
		while (access(f->files.path, F_OK) != 0)
			usleep(10000);
		assert_int_equal(lf_checkpoints_head(checkpoints, &head, &error), LF_OK);
		forge(f->place.file, head_alone);
		assert_int_equal(lf_checkpoints_head(checkpoints, &head, &error), LF_FAILED_PRECONDITION);
		lf_error_clean_up(&error);
		lf_checkpoints_stop(checkpoints); /* which would write the last one */
		assert_int_equal(verified(f, f->files.path).size, 5);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_directory_has_one_file_a_checkpoint_in_the_order_of_the_log),
		TEST(a_file_that_is_there_or_is_named_so_is_replaced_each_time),
		TEST(a_kill_while_one_is_written_leaves_no_half_file),
		TEST(older_ones_stand_further_apart_where_there_are_very_many),
		TEST(a_log_that_grew_since_is_accepted_at_every_size),
		TEST(a_log_that_was_rewound_or_swapped_is_not),
		TEST(the_newest_of_both_places_counts),
		TEST(a_checkpoint_that_is_altered_or_of_another_key_is_not_accepted),
		TEST(an_empty_checkpoint_is_named),
		TEST(what_does_not_fit_is_kept_aside),
		TEST(one_is_written_at_the_start_after_so_many_records_and_at_the_end),
		TEST(one_is_written_after_so_many_seconds_where_the_log_grew),
		TEST(writing_that_fails_is_said_once_and_goes_on_when_it_can),
		TEST(a_log_that_was_altered_since_is_not_signed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
