/* The log: queue, group commit, completions, ids, keys. W1 to W9 are invariants of storage/DESIGN.md. */
#include <unistd.h>

#include "tests/storage/faulty_backend.h"
#include "tests/storage/memory_backend.h"
#include "tests/storage/support.h"
#include "tests/storage/whole.h"

/* ---- what the tests open ---- */

static struct place place; /* one test at a time */

static int set_up(void **state)
{
	(void)state;
	place_make(&place);
	memory_backend_forget();
	faulty_reset(&memory_backend);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	memory_backend_forget();
	place_remove(&place);
	return 0;
}

static struct lf_log *open_with(const struct lf_backend *backend, const struct lf_log_options *options)
{
	struct lf_log *log = NULL;
	struct lf_error error = LF_ERROR_INIT;

	if (lf_log_open(&log, backend, options, &error) != LF_OK)
		fail_msg("%s", error.message);
	return log;
}

/* The decision is in the log, by its id. */
static bool is_there(struct lf_log *log, const struct lf_uuid *id)
{
	struct lf_stored *stored = NULL;
	const enum lf_code code = lf_log_get(log, id, &stored, NULL);

	free(stored);
	return code == LF_OK;
}

/* Sequences 1..count without gaps, ids strictly rising, times never falling (W4). */
static void check_order(const struct listed *listed)
{
	for (size_t i = 0; i < listed->count; i++) {
		assert_int_equal(listed->sequences[i], listed->count - i);
		if (i == 0)
			continue;
		assert_true(memcmp(&listed->ids[i], &listed->ids[i - 1], sizeof(listed->ids[i])) < 0);
		assert_true(listed->times[i] <= listed->times[i - 1]);
	}
}

/* ---- ids ---- */

static void a_uuid_prints_and_parses_back(void **state)
{
	char text[LF_UUID_TEXT_BYTES];
	struct lf_uuid id;

	(void)state;
	assert_true(lf_uuid_parse("0190A1b2-c3d4-7e5f-8a6b-00112233ffEE", &id));
	lf_uuid_print(&id, text);
	assert_string_equal(text, "0190a1b2-c3d4-7e5f-8a6b-00112233ffee");
}

static void what_is_not_a_uuid_does_not_parse(void **state)
{
	static const char *const texts[] = {"", "0", "0190a1b2-c3d4-7e5f-8a6b-00112233ffe",
		"0190a1b2-c3d4-7e5f-8a6b-00112233ffee0", "0190a1b2c3d47e5f8a6b00112233ffee",
		"0190a1b2-c3d4-7e5f-8a6b-00112233ffeg", "0190a1b2-c3d4-7e5f-8a6b_00112233ffee",
		"{190a1b2-c3d4-7e5f-8a6b-00112233ffee"};
	struct lf_uuid id = {{7}};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_false(lf_uuid_parse(texts[i], &id));
	assert_int_equal(id.bytes[0], 7);
}

static void a_digest_is_sha_256(void **state)
{
	struct lf_digest digest;
	char text[65];

	(void)state;
	lf_sha256("abc", 3, &digest);
	lf_digest_print(&digest, text);
	assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void ids_are_version_7_and_carry_the_time(void **state)
{
	struct lf_log *log = log_open(&lf_sqlite_backend, place.file);
	struct work work;
	int64_t ms;

	(void)state;
	rubric_put(log);
	work_init(&work, 1, 1, 0);
	assert_int_equal(work_run(log, &work), LF_OK);
	ms = 0;
	for (size_t i = 0; i < 6; i++)
		ms = ms << 8 | work.append.id.bytes[i];
	assert_int_equal(ms, work.append.decided_at_us / 1000);
	assert_int_equal(work.append.id.bytes[6] >> 4, 7);
	assert_int_equal(work.append.id.bytes[8] >> 6, 2);
	lf_log_close(log);
}

static atomic_llong fake_now;

static int64_t falling_clock(void)
{
	return atomic_fetch_sub(&fake_now, 1000000);
}

/* ---- a clock that is wrong: W16 ---- */

enum { SECOND = 1000 * 1000, DAY = 86400 };

static atomic_llong wall_now, elapsed_now;
static atomic_int warnings;
static char warned_of[400];

static int64_t wall_clock(void)
{
	return atomic_load(&wall_now);
}

static int64_t elapsed_clock(void)
{
	return atomic_load(&elapsed_now);
}

static void warned(void *context, const char *text)
{
	(void)context;
	snprintf(warned_of, sizeof(warned_of), "%s", text);
	atomic_fetch_add(&warnings, 1);
}

static const struct lf_log_options CLOCKS = {
	.location = place.file, .now_us = wall_clock, .elapsed_us = elapsed_clock, .on_warning = warned};

/* Both clocks, in seconds. */
static void pass(int64_t wall_seconds, int64_t elapsed_seconds)
{
	atomic_fetch_add(&wall_now, wall_seconds * SECOND);
	atomic_fetch_add(&elapsed_now, elapsed_seconds * SECOND);
}

static int64_t record(struct lf_log *log)
{
	struct work work;

	work_init(&work, 1, 1, 0);
	assert_int_equal(work_run(log, &work), LF_OK);
	return work.append.decided_at_us;
}

/* Without an append, too: the idle writer looks. */
static void becomes_ready(const struct lf_log *log, bool ready)
{
	while (lf_log_ready(log) != ready)
		usleep(10000);
}

static void a_clock_that_jumps_ahead_is_not_followed(void **state)
{
	const int64_t begin = (int64_t)1000000 * SECOND;
	struct lf_log *log;

	(void)state;
	atomic_store(&wall_now, begin);
	atomic_store(&elapsed_now, 0);
	atomic_store(&warnings, 0);
	log = open_with(&lf_sqlite_backend, &CLOCKS);
	rubric_put(log);
	assert_int_equal(record(log), begin);
	pass(290, 0); /* a step that synchronising may make */
	assert_int_equal(record(log), begin + (int64_t)290 * SECOND);
	assert_true(lf_log_ready(log));
	pass(10 * DAY, 10); /* not this one */
	becomes_ready(log, false);
	assert_int_equal(record(log), begin + (int64_t)300 * SECOND);
	assert_int_equal(lf_log_clock_apart(log), atomic_load(&wall_now));
	pass(20, 20);
	assert_int_equal(record(log), begin + (int64_t)320 * SECOND);
	assert_false(lf_log_ready(log));
	assert_int_equal(atomic_load(&warnings), 1);
	assert_non_null(strstr(warned_of, "jumped 863990 s ahead"));
	pass(10 - 10 * DAY, 0); /* set right */
	becomes_ready(log, true);
	assert_int_equal(lf_log_clock_apart(log), 0);
	assert_int_equal(record(log), begin + (int64_t)320 * SECOND);
	pass(3000, 3000); /* time that passes is no jump */
	assert_int_equal(record(log), begin + (int64_t)3320 * SECOND);
	assert_true(lf_log_ready(log));
	assert_int_equal(atomic_load(&warnings), 2);
	lf_log_close(log);
}

static void a_log_that_is_ahead_of_the_clock_is_told_and_not_ready_until_the_clock_is_there(void **state)
{
	const int64_t future = (int64_t)2000000 * SECOND;
	struct lf_log *log;

	(void)state;
	atomic_store(&wall_now, future);
	atomic_store(&warnings, 0);
	log = open_with(&lf_sqlite_backend, &CLOCKS); /* nobody can know that this is wrong */
	rubric_put(log);
	assert_int_equal(record(log), future);
	lf_log_close(log);
	assert_int_equal(atomic_load(&warnings), 0);
	pass(-DAY, 0);
	log = open_with(&lf_sqlite_backend, &CLOCKS);
	assert_false(lf_log_ready(log));
	assert_int_equal(atomic_load(&warnings), 1);
	assert_non_null(strstr(warned_of, "86400 s ahead of the clock"));
	assert_int_equal(record(log), future); /* and order is kept */
	assert_false(lf_log_ready(log));
	pass(DAY - 200, DAY - 200);
	becomes_ready(log, true);
	pass(300, 300);
	assert_int_equal(record(log), future + (int64_t)100 * SECOND);
	assert_int_equal(atomic_load(&warnings), 2);
	lf_log_close(log);
}

static void ids_rise_and_time_never_falls_while_the_clock_runs_backwards_and_across_a_restart(void **state)
{
	const struct lf_log_options options = {.location = place.file, .now_us = falling_clock};
	struct listed *listed = calloc(1, sizeof(*listed));
	int64_t last;

	(void)state;
	atomic_store(&fake_now, 1000000000000);
	last = 0;
	for (int round = 0; round < 3; round++) {
		struct lf_log *log = open_with(&lf_sqlite_backend, &options);
		struct whole whole;

		rubric_put(log);
		for (int i = 0; i < 50; i++) {
			struct work work;
			struct lf_digest digest;
			char body[48];
			struct lf_act_put act;

			work_init(&work, i, i, 0);
			assert_int_equal(work_run(log, &work), LF_OK);
			assert_true(work.append.decided_at_us >= last);
			act = (struct lf_act_put){.kind = LF_LEAF_OUTCOME,
				.caller = "x",
				.decision = &work.append.id,
				.body = bytes_of("y")};
			assert_int_equal(lf_log_put_act(log, &act, NULL), LF_OK);
			assert_true(act.at_us >= work.append.decided_at_us);
			assert_int_equal(act.id, 50 * round + i + 1);
			last = act.at_us;
			snprintf(body, sizeof(body), "version %d of %d", i, round);
			lf_sha256(body, strlen(body), &digest);
			assert_int_equal(
				lf_log_put_rubric(log, "r", "R", "x", bytes_of(body), &digest, false, NULL, NULL, NULL),
				LF_OK);
			assert_int_equal(lf_log_activate_rubric(log, "r", &digest, "x", NULL, NULL), LF_OK);
		}
		log_is_whole(log, &whole); /* times of all leaves, in their order */
		list_all(log, filter_any(), listed);
		assert_int_equal(listed->count, 50 * (round + 1));
		check_order(listed);
		lf_log_close(log);
	}
	free(listed);
}

/* ---- appending ---- */

static void an_acknowledged_decision_is_read_back_also_after_reopening(void **state)
{
	struct lf_log *log = log_open(&lf_sqlite_backend, place.file);
	struct lf_stored *stored = NULL;
	struct work work;

	(void)state;
	rubric_put(log);
	work_init(&work, 4, 5, 6);
	assert_int_equal(work_run(log, &work), LF_OK);
	assert_int_equal(work.append.sequence, 1);
	assert_false(work.append.existing);
	lf_log_close(log);
	log = log_open(&lf_sqlite_backend, place.file);
	assert_int_equal(lf_log_get(log, &work.append.id, &stored, NULL), LF_OK);
	assert_string_equal(stored->team_id, "team-4");
	assert_memory_equal(stored->answer.data, work.answer, strlen(work.answer));
	free(stored);
	work_init(&work, 4, 5, 6);
	assert_int_equal(work_run(log, &work), LF_OK);
	assert_true(work.append.existing);
	work_init(&work, 4, 5, 7);
	assert_int_equal(work_run(log, &work), LF_OK);
	assert_int_equal(work.append.sequence, 2);
	lf_log_close(log);
}

static void what_is_over_a_limit_is_refused_at_once_naming_limit_and_value(void **state)
{
	struct lf_log *log = log_open(&memory_backend, "x");
	char name[200];
	struct work work;

	(void)state;
	memset(name, 'n', sizeof(name));
	name[129] = '\0';
	rubric_put(log);
	work_init(&work, 1, 1, 0);
	work.append.team_id = name;
	assert_int_equal(work_run(log, &work), LF_INVALID_ARGUMENT);
	assert_non_null(strstr(work.message, "129"));
	assert_non_null(strstr(work.message, "128"));
	work_init(&work, 1, 1, 0);
	work.append.answer.length = LF_MESSAGE_BYTES_MAX + 1;
	assert_int_equal(work_run(log, &work), LF_INVALID_ARGUMENT);
	work_init(&work, 1, 1, 0);
	work.append.caller = NULL;
	assert_int_equal(work_run(log, &work), LF_INVALID_ARGUMENT);
	assert_int_equal(atomic_load(&work.completions), 1);
	lf_log_close(log);
}

static void a_full_queue_refuses_at_once_and_the_rest_is_stored(void **state)
{
	const struct lf_log_options options = {.location = "x", .queue_max = 4};
	struct lf_log *log = open_with(&faulty_backend, &options);
	struct work works[5];

	(void)state;
	rubric_put(log);
	faulty_hold();
	for (int i = 0; i < 5; i++) {
		work_init(&works[i], i, i, 0);
		lf_log_append(log, &works[i].append);
	}
	assert_int_equal(atomic_load(&works[4].completions), 1); /* W8: before the commit went on */
	assert_int_equal(works[4].code, LF_RESOURCE_EXHAUSTED);
	assert_non_null(strstr(works[4].message, "4 appends"));
	faulty_let_go();
	for (int i = 0; i < 4; i++) {
		work_wait(&works[i]);
		assert_int_equal(works[i].code, LF_OK);
	}
	lf_log_close(log);
}

/* W12: sequences are given in the order in which the writer takes records. */
static void a_single_record_does_not_wait_for_hundreds_that_came_at_once(void **state)
{
	enum { BULK = 200 };
	struct lf_log *log = log_open(&faulty_backend, place.file);
	struct work *bulk = calloc(BULK, sizeof(*bulk)), first, single;
	struct lf_append *appends[BULK];

	(void)state;
	rubric_put(log);
	faulty_hold();
	work_init(&first, 0, 0, 0);
	lf_log_append(log, &first.append);
	faulty_wait_held(); /* the others queue up */
	for (int i = 0; i < BULK; i++) {
		work_init(&bulk[i], i % 7, i % 3, 0);
		appends[i] = &bulk[i].append;
	}
	lf_log_append_all(log, appends, BULK);
	work_init(&single, 1, 1, 0);
	lf_log_append(log, &single.append);
	faulty_let_go();
	work_wait(&single);
	assert_int_equal(single.code, LF_OK);
	assert_int_equal(single.append.sequence, 2);
	for (int i = 0; i < BULK; i++) {
		work_wait(&bulk[i]);
		assert_int_equal(bulk[i].code, LF_OK);
		assert_int_equal(bulk[i].append.sequence, 3 + i);
	}
	lf_log_close(log);
	free(bulk);
}

static void closing_commits_and_completes_what_is_queued(void **state)
{
	struct work *works = calloc(1000, sizeof(*works));
	struct lf_log *log = log_open(&lf_sqlite_backend, place.file);

	(void)state;
	rubric_put(log);
	for (int i = 0; i < 1000; i++) {
		work_init(&works[i], i % 7, i % 3, 0);
		lf_log_append(log, &works[i].append);
	}
	lf_log_close(log);
	log = log_open(&lf_sqlite_backend, place.file);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(atomic_load(&works[i].completions), 1);
		assert_int_equal(works[i].code, LF_OK);
		assert_int_equal(works[i].append.sequence, i + 1);
		assert_true(is_there(log, &works[i].append.id));
	}
	lf_log_close(log);
	free(works);
}

static void one_bad_record_does_not_harm_its_batch(void **state)
{
	struct lf_log *log;
	struct work works[4];

	(void)state;
	faulty_reset(&lf_sqlite_backend);
	log = log_open(&faulty_backend, place.file);
	rubric_put(log);
	faulty_hold();
	for (int i = 0; i < 4; i++)
		work_init(&works[i], i, i, 0);
	works[2].append.rubric_digest.bytes[3] ^= 1;
	lf_log_append(log, &works[0].append);
	faulty_wait_held(); /* the others are one batch */
	for (int i = 1; i < 4; i++)
		lf_log_append(log, &works[i].append);
	faulty_let_go();
	for (int i = 0; i < 4; i++)
		work_wait(&works[i]);
	assert_int_equal(works[1].code, LF_OK);
	assert_int_equal(works[2].code, LF_FAILED_PRECONDITION);
	assert_int_equal(works[3].code, LF_OK);
	assert_int_equal(works[3].append.sequence, 3); /* W4: no gap where the refused one was */
	assert_true(is_there(log, &works[3].append.id));
	lf_log_close(log);
}

static void a_key_in_flight_gives_the_same_decision_and_only_once_it_is_committed(void **state)
{
	struct lf_log *log;
	struct work first, same_batch, next_batch, other;
	struct work blocker;

	(void)state;
	faulty_reset(&lf_sqlite_backend);
	log = log_open(&faulty_backend, place.file);
	rubric_put(log);
	faulty_hold();
	work_init(&blocker, 9, 9, 0);
	lf_log_append(log, &blocker.append);
	faulty_wait_held();
	work_init(&first, 1, 1, 5);
	work_init(&same_batch, 1, 1, 5);
	work_init(&other, 1, 2, 5);
	work_init(&next_batch, 1, 1, 5);
	lf_log_append(log, &first.append);
	lf_log_append(log, &same_batch.append);
	lf_log_append(log, &other.append);
	assert_int_equal(atomic_load(&same_batch.completions), 0);
	assert_int_equal(atomic_load(&other.completions), 0);
	assert_int_equal(
		lf_log_find_key(log, "hr", "key-5", &first.append.request_digest, &(struct lf_uuid){{0}}, NULL),
		LF_NOT_FOUND);
	faulty_let_go();
	lf_log_append(log, &next_batch.append);
	work_wait(&first);
	work_wait(&same_batch);
	work_wait(&other);
	work_wait(&next_batch);
	assert_int_equal(first.code, LF_OK);
	assert_false(first.append.existing);
	assert_int_equal(same_batch.code, LF_OK);
	assert_true(same_batch.append.existing);
	assert_memory_equal(&same_batch.append.id, &first.append.id, sizeof(first.append.id));
	assert_int_equal(same_batch.append.sequence, first.append.sequence);
	assert_int_equal(other.code, LF_ALREADY_EXISTS);
	assert_true(next_batch.append.existing);
	assert_memory_equal(&next_batch.append.id, &first.append.id, sizeof(first.append.id));
	lf_log_close(log);
}

/* ---- many threads ---- */

enum { THREADS = 8, EACH = 240, KEYS = 400 };

struct crowd {
	struct lf_log *log;
	int thread;
	struct work works[EACH];
};

static void *append_many(void *context)
{
	struct crowd *crowd = context;

	for (int i = 0; i < EACH; i++) {
		const int key = 1 + (i * THREADS + crowd->thread * 7) % KEYS;

		work_init(&crowd->works[i], key % 10, key % 6, key);
		lf_log_append(crowd->log, &crowd->works[i].append);
		if (i % 16 == 0)
			work_wait(&crowd->works[i]);
	}
	for (int i = 0; i < EACH; i++)
		work_wait(&crowd->works[i]);
	return NULL;
}

static void *read_many(void *context)
{
	struct crowd *crowd = context;
	struct listed *listed = calloc(1, sizeof(*listed));
	struct lf_filter filter = filter_any();
	uint64_t next;

	for (int i = 0; i < 100; i++) {
		listed->count = 0;
		filter.limit = 20;
		assert_int_equal(lf_log_list(crowd->log, &filter, listed_visit, listed, &next, NULL), LF_OK);
		for (size_t j = 0; j < listed->count; j++)
			assert_true(is_there(crowd->log, &listed->ids[j]));
	}
	free(listed);
	return NULL;
}

static void eight_threads_store_each_key_once_with_few_readers_beside(void **state)
{
	const struct lf_log_options options = {
		.location = place.file, .reader_count = 2, .queue_max = THREADS * EACH + 1};
	struct crowd *crowds = calloc(THREADS, sizeof(*crowds));
	struct listed *listed = calloc(1, sizeof(*listed));
	pthread_t threads[THREADS], readers[2];
	struct lf_uuid ids[KEYS + 1];
	struct whole whole;
	size_t stored = 0;
	struct lf_log *log = open_with(&lf_sqlite_backend, &options);

	(void)state;
	memset(ids, 0, sizeof(ids));
	rubric_put(log);
	for (int i = 0; i < THREADS; i++) {
		crowds[i].log = log;
		crowds[i].thread = i;
		assert_int_equal(pthread_create(&threads[i], NULL, append_many, &crowds[i]), 0);
	}
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&readers[i], NULL, read_many, &crowds[0]), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(readers[i], NULL);
	for (int i = 0; i < THREADS * EACH; i++) {
		const struct work *work = &crowds[i / EACH].works[i % EACH];
		struct lf_uuid *id = &ids[atoi(work->key + 4)];

		assert_int_equal(work->code, LF_OK);
		assert_int_equal(atomic_load(&work->completions), 1);
		stored += !work->append.existing;
		if (id->bytes[0] != 0 || id->bytes[1] != 0)
			assert_memory_equal(id, &work->append.id, sizeof(*id));
		*id = work->append.id;
	}
	list_all(log, filter_any(), listed);
	assert_int_equal(listed->count, stored);
	check_order(listed);
	log_is_whole(log, &whole);
	assert_int_equal(whole.kinds[LF_LEAF_DECISION], stored);
	lf_log_close(log);
	free(listed);
	free(crowds);
}

/* ---- rubrics ---- */

static void a_rubric_put_through_the_log_is_read_back(void **state)
{
	struct lf_log *log = log_open(&lf_sqlite_backend, place.file);
	struct lf_rubric_row *row = NULL;
	struct lf_digest digest;
	struct lf_activated activated = {0};
	bool added = false;

	(void)state;
	lf_sha256("body", 4, &digest);
	assert_int_equal(lf_log_put_rubric(
				 log, "r", "Title", "owner", bytes_of("body"), &digest, true, &added, &activated, NULL),
		LF_OK);
	assert_true(added && activated.changed);
	assert_int_equal(lf_log_put_rubric(
				 log, "r", "Title", "owner", bytes_of("body"), &digest, true, &added, &activated, NULL),
		LF_OK);
	assert_true(!added && !activated.changed);
	assert_int_equal(lf_log_get_rubric(log, "r", NULL, &row, NULL), LF_OK);
	assert_memory_equal(row->body.data, "body", 4);
	assert_true(row->put_at_us > 0);
	free(row);
	lf_log_close(log);
}

/* "one" is active from then on. */
static void put_body(struct lf_log *log, const char *name, const char *body, struct lf_digest *digest)
{
	const bool activate = strcmp(body, "one") == 0;

	lf_sha256(body, strlen(body), digest);
	assert_int_equal(
		lf_log_put_rubric(log, name, "Title", "owner", bytes_of(body), digest, activate, NULL, NULL, NULL),
		LF_OK);
}

/* A history as it must be: from the newest, each act begins where the one before it ended. */
struct acts {
	size_t count;
	struct lf_digest from, newest;
	int64_t at_us;
};

static void check_act(void *context, const struct lf_activation_row *row)
{
	struct acts *acts = context;
	struct lf_digest to = row->to;

	if (!row->has_to)
		memset(&to, 0xff, sizeof(to));
	if (acts->count++ == 0)
		acts->newest = to;
	else
		assert_memory_equal(&to, &acts->from, sizeof(to));
	assert_true(acts->count == 1 || row->activated_at_us <= acts->at_us);
	acts->from = row->from;
	acts->at_us = row->activated_at_us;
	if (!row->had_from)
		memset(&acts->from, 0xff, sizeof(acts->from));
}

static void an_activation_through_the_log_says_from_what_to_what(void **state)
{
	struct lf_log *log = log_open(&lf_sqlite_backend, place.file);
	struct lf_error error = LF_ERROR_INIT;
	struct lf_digest first, second;
	struct lf_activated made;
	bool was = true;

	(void)state;
	put_body(log, "r", "one", &first);
	put_body(log, "r", "two", &second);
	assert_int_equal(lf_log_was_active(log, &second, &was, NULL), LF_OK);
	assert_false(was);
	assert_int_equal(lf_log_activate_rubric(log, "other", &second, "ann", &made, &error), LF_NOT_FOUND);
	assert_non_null(strstr(error.message, "is r, not other"));
	assert_int_equal(lf_log_activate_rubric(log, "r", &second, "ann", &made, NULL), LF_OK);
	assert_true(made.changed && made.had_from);
	assert_memory_equal(&made.from, &first, sizeof(first));
	assert_int_equal(lf_log_activate_rubric(log, NULL, &second, "ann", &made, NULL), LF_OK);
	assert_false(made.changed);
	assert_int_equal(lf_log_was_active(log, &second, &was, NULL), LF_OK);
	assert_true(was);
	second.bytes[0] ^= 1;
	assert_int_equal(lf_log_activate_rubric(log, "", &second, "ann", NULL, NULL), LF_NOT_FOUND);
	lf_error_clean_up(&error);
	lf_log_close(log);
}

enum { ACT_THREADS = 4, ACTS_A_THREAD = 50 };

struct actor {
	struct lf_log *log;
	struct lf_digest versions[3];
	unsigned seed;
	atomic_size_t *changes;
};

static void *act(void *context)
{
	struct actor *actor = context;

	for (int i = 0; i < ACTS_A_THREAD; i++) {
		struct lf_activated made;
		unsigned which;

		actor->seed = actor->seed * 1103515245u + 12345u;
		which = actor->seed / 65536 % 4; /* 3: none */
		if ((which == 3 ? lf_log_deactivate_rubric(actor->log, "r", "ann", &made, NULL)
				: lf_log_activate_rubric(
					  actor->log, "r", &actor->versions[which], "ann", &made, NULL)) != LF_OK)
			abort();
		atomic_fetch_add(actor->changes, made.changed);
	}
	return NULL;
}

static void the_acts_of_many_threads_are_one_history(void **state)
{
	struct lf_log *log = log_open(&lf_sqlite_backend, place.file);
	struct actor actors[ACT_THREADS];
	pthread_t threads[ACT_THREADS];
	struct acts acts = {0};
	struct lf_activated made;
	struct lf_rubric_row *row = NULL;
	atomic_size_t changes = 0;

	(void)state;
	for (size_t i = 0; i < ACT_THREADS; i++) {
		actors[i] = (struct actor){.log = log, .seed = (unsigned)i, .changes = &changes};
		put_body(log, "r", "one", &actors[i].versions[0]);
		put_body(log, "r", "two", &actors[i].versions[1]);
		put_body(log, "r", "three", &actors[i].versions[2]);
	}
	for (size_t i = 0; i < ACT_THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, act, &actors[i]), 0);
	for (size_t i = 0; i < ACT_THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(lf_log_activate_rubric(log, "r", &actors[0].versions[0], "ann", &made, NULL), LF_OK);
	atomic_fetch_add(&changes, made.changed);
	assert_int_equal(lf_log_list_activations(log, "r", check_act, &acts, NULL), LF_OK);
	assert_int_equal(acts.count, atomic_load(&changes) + 1); /* and that of the first version */
	assert_int_equal(lf_log_get_rubric(log, "r", NULL, &row, NULL), LF_OK);
	assert_memory_equal(&row->digest, &acts.newest, sizeof(row->digest));
	free(row);
	lf_log_close(log);
}

static void a_rubric_whose_digest_does_not_fit_its_bytes_is_refused(void **state)
{
	struct lf_log *log = log_open(&memory_backend, "x");
	struct lf_error error = LF_ERROR_INIT;
	struct lf_digest digest = {{1}};

	(void)state;
	assert_int_equal(
		lf_log_put_rubric(log, "r", "Title", "owner", bytes_of("body"), &digest, false, NULL, NULL, &error),
		LF_INVALID_ARGUMENT);
	lf_sha256("body", 4, &digest);
	assert_int_equal(
		lf_log_put_rubric(log, "", "Title", "owner", bytes_of("body"), &digest, false, NULL, NULL, &error),
		LF_INVALID_ARGUMENT);
	assert_int_equal(
		lf_log_put_rubric(log, "r", NULL, "owner", bytes_of("body"), &digest, false, NULL, NULL, &error),
		LF_INVALID_ARGUMENT);
	lf_log_close(log);
}

static void a_page_of_none_or_too_many_is_refused(void **state)
{
	struct lf_log *log = log_open(&memory_backend, "x");
	struct lf_filter filter = filter_any();
	uint64_t next;

	(void)state;
	filter.limit = 0;
	assert_int_equal(lf_log_list(log, &filter, listed_visit, NULL, &next, NULL), LF_INVALID_ARGUMENT);
	filter.limit = LF_PAGE_MAX + 1;
	assert_int_equal(lf_log_list(log, &filter, listed_visit, NULL, &next, NULL), LF_INVALID_ARGUMENT);
	lf_log_close(log);
}

#define CLAIM(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest claims[] = {
		CLAIM(a_uuid_prints_and_parses_back),
		CLAIM(what_is_not_a_uuid_does_not_parse),
		CLAIM(a_digest_is_sha_256),
		CLAIM(ids_are_version_7_and_carry_the_time),
		CLAIM(ids_rise_and_time_never_falls_while_the_clock_runs_backwards_and_across_a_restart),
		CLAIM(a_clock_that_jumps_ahead_is_not_followed),
		CLAIM(a_log_that_is_ahead_of_the_clock_is_told_and_not_ready_until_the_clock_is_there),
		CLAIM(an_acknowledged_decision_is_read_back_also_after_reopening),
		CLAIM(what_is_over_a_limit_is_refused_at_once_naming_limit_and_value),
		CLAIM(a_full_queue_refuses_at_once_and_the_rest_is_stored),
		CLAIM(a_single_record_does_not_wait_for_hundreds_that_came_at_once),
		CLAIM(closing_commits_and_completes_what_is_queued),
		CLAIM(one_bad_record_does_not_harm_its_batch),
		CLAIM(a_key_in_flight_gives_the_same_decision_and_only_once_it_is_committed),
		CLAIM(eight_threads_store_each_key_once_with_few_readers_beside),
		CLAIM(a_rubric_put_through_the_log_is_read_back),
		CLAIM(an_activation_through_the_log_says_from_what_to_what),
		CLAIM(the_acts_of_many_threads_are_one_history),
		CLAIM(a_rubric_whose_digest_does_not_fit_its_bytes_is_refused),
		CLAIM(a_page_of_none_or_too_many_is_refused),
	};

	return cmocka_run_group_tests(claims, NULL, NULL);
}
