/*
 * Loss of power: at every sync the file is rebuilt from what was synced and any part of what was written since, opened,
 * and every decision that was acknowledged by then is there. The same test finds a sync that is left out: that is
 * tested too.
 */
#include <dirent.h>
#include <unistd.h>

#include "tests/storage/fault_vfs.h"
#include "tests/storage/support.h"

enum { ROUND = 4, WORKS_MAX = 4096, LARGE = LF_MESSAGE_BYTES_MAX - 4096 };

static struct place place, image;
static uint64_t seed;
static struct {
	struct work *works; /* WORKS_MAX */
	atomic_int acknowledged[WORKS_MAX];
	atomic_int acknowledged_count;
	size_t started;
	long syncs, images;
	long found_wrong;
	char wrong[1024]; /* the first */
} power;

static int set_up(void **state)
{
	(void)state;
	place_make(&place);
	place_make(&image);
	memset(&power, 0, sizeof(power));
	power.works = calloc(WORKS_MAX, sizeof(*power.works));
	fault_vfs_install();
	return power.works == NULL;
}

static int tear_down(void **state)
{
	(void)state;
	fault_vfs_remove();
	place_remove(&place);
	place_remove(&image);
	free(power.works);
	return 0;
}

/* ---- looking at what is left ---- */

static void empty_image(void)
{
	DIR *folder = opendir(image.folder);
	const struct dirent *entry;
	char path[512];

	while (folder != NULL && (entry = readdir(folder)) != NULL)
		if (entry->d_name[0] != '.') {
			snprintf(path, sizeof(path), "%s/%s", image.folder, entry->d_name);
			unlink(path);
		}
	if (folder != NULL)
		closedir(folder);
}

static void note_wrong(const char *what, const char *message)
{
	if (power.found_wrong++ == 0)
		snprintf(power.wrong, sizeof(power.wrong), "%s: %.512s", what, message);
}

/* The image opens, holds what was acknowledged, and takes another decision. */
static void check_image(int acknowledged)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_log *log = NULL;
	const struct lf_log_options options = {.location = image.file, .reader_count = 1};
	struct work work;

	if (lf_log_open(&log, &lf_sqlite_backend, &options, &error) != LF_OK) {
		note_wrong("it does not open", error.message);
		lf_error_clean_up(&error);
		return;
	}
	for (int i = 0; i < acknowledged; i++) {
		const struct work *known = &power.works[atomic_load(&power.acknowledged[i])];
		struct lf_uuid id;

		if (lf_log_find_key(log, "hr", known->key, &known->append.request_digest, &id, NULL) != LF_OK ||
			memcmp(&id, &known->append.id, sizeof(id)) != 0) {
			note_wrong("an acknowledged decision is lost", known->key);
			break;
		}
	}
	work_init(&work, 1, 1, 1000000);
	if (work_run(log, &work) != LF_OK)
		note_wrong("it takes no other decision", work.message);
	lf_log_close(log);
}

/* On whichever thread syncs. What was acknowledged before this moment must be there whatever the disk kept. */
static void before_sync(void *context)
{
	const int acknowledged = atomic_load(&power.acknowledged_count);

	(void)context;
	power.syncs++;
	for (int loss = 0; loss < POWER_LOSSES; loss++) {
		empty_image();
		power_lose((enum power_loss)loss, &seed, image.folder);
		check_image(acknowledged);
		power.images++;
	}
	empty_image();
}

/* ---- the workload ---- */

struct counted {
	int number;
	void (*done)(struct lf_append *append, const struct lf_error *error);
	struct work *work;
};
static struct counted counted[WORKS_MAX];

static void note_acknowledged(struct lf_append *append, const struct lf_error *error)
{
	struct counted *c = append->context;

	append->context = c->work;
	if (error->code == LF_OK) {
		const int at = atomic_load(&power.acknowledged_count);

		atomic_store(&power.acknowledged[at], c->number);
		atomic_store(&power.acknowledged_count, at + 1); /* the writer's thread alone counts */
	}
	c->done(append, error);
}

static void start(struct lf_log *log, const uint8_t *large)
{
	const int number = (int)power.started++;
	struct work *work = &power.works[number];

	assert_true(number < WORKS_MAX);
	work_init(work, number % 7, number % 5, number + 1);
	if (large != NULL)
		work->append.team = (struct lf_bytes){large, LARGE};
	counted[number] = (struct counted){number, work->append.done, work};
	work->append.done = note_acknowledged;
	work->append.context = &counted[number];
	lf_log_append(log, &work->append);
}

/* Rounds of appends that share commits; with large teams also checkpoints, and WALs that start again. */
static void work_on(int rounds, bool much)
{
	uint8_t *large = calloc(1, LARGE);
	struct lf_log *log = log_open(&lf_sqlite_backend, place.file);

	assert_non_null(large);
	for (int round = 0; round < rounds; round++) {
		const size_t first = power.started;

		memcpy(large, &round, sizeof(round));
		for (int i = 0; i < ROUND; i++)
			start(log, much && i == 0 ? large : NULL);
		for (size_t i = first; i < power.started; i++)
			work_wait(&power.works[i]);
	}
	power_forget(); /* before closing, which ends in one file: nothing is in flight any more */
	lf_log_close(log);
	free(large);
}

static void begin(void)
{
	struct lf_log *log = log_open(&lf_sqlite_backend, place.file);
	const char *text = getenv("LF_TEST_SEED");

	rubric_put(log);
	lf_log_close(log);
	seed = text != NULL ? strtoull(text, NULL, 10) : 20260911;
	print_message("LF_TEST_SEED=%llu\n", (unsigned long long)seed);
	power_record(place.folder, before_sync, NULL);
}

/* ---- the claims ---- */

static void every_acknowledged_decision_survives_a_loss_of_power_at_any_sync(void **state)
{
	(void)state;
	begin();
	work_on(40, false);
	print_message("%ld syncs, %ld files rebuilt, %d decisions acknowledged, %ld wrong\n", power.syncs, power.images,
		atomic_load(&power.acknowledged_count), power.found_wrong);
	if (power.found_wrong > 0)
		fail_msg("%s", power.wrong);
	assert_true(power.syncs >= 20 && power.images == POWER_LOSSES * power.syncs);
	assert_int_equal(atomic_load(&power.acknowledged_count), 40 * ROUND);
}

static void it_survives_around_checkpoints_and_a_wal_that_starts_again(void **state)
{
	(void)state;
	begin();
	work_on(14, true);
	print_message("%ld syncs, %ld files rebuilt, %d decisions acknowledged, %ld wrong\n", power.syncs, power.images,
		atomic_load(&power.acknowledged_count), power.found_wrong);
	if (power.found_wrong > 0)
		fail_msg("%s", power.wrong);
	assert_true(power.images > 0);
}

/* The proof that the test can fail: a commit whose WAL is not synced. */
static void a_commit_that_is_not_synced_is_found(void **state)
{
	(void)state;
	begin();
	power_skip_sync("-wal");
	work_on(6, false);
	print_message("%ld wrong, the first: %s\n", power.found_wrong, power.wrong);
	assert_true(power.found_wrong > 0);
}

/* And a checkpoint whose database is not synced before the WAL is written from its start again. */
static void a_checkpoint_that_is_not_synced_is_found(void **state)
{
	(void)state;
	begin();
	power_skip_sync("/log.db");
	work_on(14, true);
	print_message("%ld wrong, the first: %s\n", power.found_wrong, power.wrong);
	assert_true(power.found_wrong > 0);
}

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(every_acknowledged_decision_survives_a_loss_of_power_at_any_sync),
		CLAIM(it_survives_around_checkpoints_and_a_wal_that_starts_again),
		CLAIM(a_commit_that_is_not_synced_is_found),
		CLAIM(a_checkpoint_that_is_not_synced_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
