/* The log when its backend fails. W1 to W9 are invariants of storage/DESIGN.md. */
#include <sqlite3.h>

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

static void a_key_that_collides_with_an_uncommitted_one_is_not_refused_for_it(void **state)
{
	struct lf_log *log = log_open(&faulty_backend, "x");
	struct work blocker, first, other;

	(void)state;
	rubric_put(log);
	faulty_hold();
	work_init(&blocker, 9, 9, 0);
	lf_log_append(log, &blocker.append);
	faulty_wait_held();
	work_init(&first, 1, 1, 5);
	work_init(&other, 1, 2, 5);
	lf_log_append(log, &first.append);
	lf_log_append(log, &other.append);
	faulty_fail(FAULTY_COMMIT, 2, 1, LF_RESOURCE_EXHAUSTED); /* the held one is the first */
	faulty_let_go();
	work_wait(&first);
	work_wait(&other);
	assert_int_equal(first.code, LF_RESOURCE_EXHAUSTED);
	assert_int_equal(other.code, LF_RESOURCE_EXHAUSTED); /* W3 */
	lf_log_close(log);
}

/* ---- faults ---- */

enum { FAULT_WORKS = 12 };

struct failures {
	atomic_int count;
	enum lf_code code;
};

static void note_failure(void *context, const struct lf_error *error)
{
	struct failures *failures = context;

	failures->code = error->code;
	atomic_fetch_add(&failures->count, 1);
}

/* An outcome that is not known is settled, so it is one: W3. */
static bool is_settled(enum faulty_operation operation, enum lf_code code)
{
	return operation == FAULTY_COMMIT && code == LF_UNAVAILABLE;
}

/* Three bursts of four appends, the nth call of an operation failing. Whether the fault happened. */
static bool run_with_fault(const struct lf_backend *inner, const char *location, enum faulty_operation operation,
	long nth, enum lf_code code, bool anyway)
{
	struct failures failures = {0};
	const struct lf_log_options options = {
		.location = location, .on_failed = note_failure, .on_failed_context = &failures};
	struct work works[FAULT_WORKS];
	struct lf_log *log;
	bool happened;
	struct listed *listed;
	struct whole whole;
	size_t acknowledged;

	faulty_reset(inner);
	log = open_with(&faulty_backend, &options);
	rubric_put(log);
	faulty_fail(operation, nth, 1, code);
	if (anyway)
		faulty_commit_anyway();
	for (int i = 0; i < FAULT_WORKS; i++) {
		work_init(&works[i], i % 5, i % 3, i + 1);
		lf_log_append(log, &works[i].append);
		for (int j = i - 3; i % 4 == 3 && j <= i; j++)
			work_wait(&works[j]);
	}
	lf_log_close(log);
	happened = faulty_happened(); /* now: maintain() comes after its batch was told */
	assert_int_equal(faulty_violations(), 0);
	assert_int_equal(atomic_load(&failures.count), happened && code == LF_DATA_LOSS ? 1 : 0); /* W6 */
	log = log_open(inner, location);
	listed = calloc(1, sizeof(*listed));
	list_all(log, filter_any(), listed);
	check_order(listed);
	log_is_whole(log, &whole); /* W10 */
	assert_int_equal(whole.kinds[LF_LEAF_DECISION], listed->count);
	acknowledged = 0;
	for (int i = 0; i < FAULT_WORKS; i++) {
		struct lf_uuid id;
		bool there;

		assert_int_equal(atomic_load(&works[i].completions), 1); /* W1 */
		there = lf_log_find_key(log, "hr", works[i].key, &works[i].append.request_digest, &id, NULL) == LF_OK;
		if (works[i].code == LF_OK) {
			assert_true(there); /* W2 */
			assert_memory_equal(&id, &works[i].append.id, sizeof(id));
			acknowledged++;
		} else {
			assert_false(there || is_settled(operation, code));
			assert_int_equal(works[i].code, code == LF_RESOURCE_EXHAUSTED ? code : LF_UNAVAILABLE);
		}
	}
	assert_int_equal(listed->count, acknowledged);
	free(listed);
	lf_log_close(log);
	return happened;
}

static void whatever_call_fails_every_append_completes_once_and_none_is_lost(void **state)
{
	static const enum lf_code codes[] = {LF_UNAVAILABLE, LF_RESOURCE_EXHAUSTED, LF_DATA_LOSS};
	static const enum faulty_operation operations[] = {
		FAULTY_BEGIN, FAULTY_PREPARE, FAULTY_WRITE, FAULTY_COMMIT, FAULTY_MAINTAIN};

	(void)state;
	for (size_t i = 0; i < 3 * 5; i++) {
		const enum faulty_operation operation = operations[i / 3];
		long nth;

		if (operation == FAULTY_MAINTAIN && codes[i % 3] != LF_DATA_LOSS)
			continue;
		nth = 1;
		while (nth < 100) {
			memory_backend_forget();
			if (!run_with_fault(&memory_backend, "x", operation, nth, codes[i % 3], false))
				break;
			nth++;
		}
		assert_in_range(nth, 2, 99);
	}
}

/* A commit of unknown outcome, and then what settles it: begin(), the comparison, whether the leaf is there. */
static void whatever_fails_while_a_commit_is_settled_it_is_told(void **state)
{
	static const enum lf_code codes[] = {LF_UNAVAILABLE, LF_DATA_LOSS};

	(void)state;
	for (int i = 0; i < 12; i++) {
		const bool anyway = i >= 6;
		const int nth = i / 2 % 3; /* 0: begin(); which call that reads hashes */
		struct lf_log *log;
		struct work work, next;

		memory_backend_forget();
		faulty_reset(&memory_backend);
		log = log_open(&faulty_backend, "x");
		rubric_put(log);
		work_init(&work, 1, 1, 1);
		work_init(&next, 1, 1, 1);
		faulty_fail(FAULTY_COMMIT, 1, 1, LF_UNAVAILABLE);
		if (anyway)
			faulty_commit_anyway();
		if (nth == 0)
			faulty_then(FAULTY_BEGIN, codes[i % 2]);
		else
			faulty_fail(FAULTY_TAIL_HASHES, nth, 1, codes[i % 2]);
		lf_log_append(log, &work.append);
		work_wait(&work);
		if (!anyway && nth > 0) {
			assert_int_equal(work.code, LF_OK); /* nothing grew, so no hash was read */
		} else if (codes[i % 2] == LF_DATA_LOSS) {
			assert_int_equal(work.code, LF_UNAVAILABLE);
			assert_non_null(strstr(work.message, "may or may not be stored"));
			assert_int_equal(work_run(log, &next), LF_UNAVAILABLE);
		} else {
			assert_int_equal(work.code, LF_OK);
			assert_true(faulty_happened());
			assert_int_equal(work_run(log, &next), LF_OK);
			assert_true(next.append.existing);
		}
		assert_int_equal(faulty_violations(), 0);
		lf_log_close(log);
	}
}

static void the_same_over_sqlite(void **state)
{
	static const enum lf_code codes[] = {LF_UNAVAILABLE, LF_RESOURCE_EXHAUSTED, LF_DATA_LOSS};
	static const enum faulty_operation operations[] = {FAULTY_BEGIN, FAULTY_PREPARE, FAULTY_WRITE, FAULTY_COMMIT};

	(void)state;
	for (size_t i = 0; i < 3 * 4; i++) {
		for (long nth = 1; nth < 100; nth++) {
			place_remove(&place);
			place_make(&place);
			if (!run_with_fault(
				    &lf_sqlite_backend, place.file, operations[i / 3], nth, codes[i % 3], false))
				break;
		}
	}
}

/* ---- acts ---- */

enum { FAULT_OUTCOMES = 6 };

static void count_act(void *context, const struct lf_act_row *row)
{
	size_t *count = context;

	assert_int_equal(row->id, ++*count);
}

/* Outcomes, one at a time, the nth call of an operation failing. Whether the fault happened. */
static bool act_with_fault(const struct lf_backend *inner, const char *location, enum faulty_operation operation,
	long nth, enum lf_code code, bool anyway)
{
	size_t acknowledged = 0, count = 0;
	struct whole whole;
	struct work work;
	uint64_t next;
	struct lf_log *log;
	bool happened;

	faulty_reset(inner);
	log = log_open(&faulty_backend, location);
	rubric_put(log);
	work_init(&work, 1, 1, 1);
	assert_int_equal(work_run(log, &work), LF_OK);
	faulty_fail(operation, nth, 1, code);
	if (anyway)
		faulty_commit_anyway();
	for (int i = 0; i < FAULT_OUTCOMES; i++) {
		struct lf_act_put act = {
			.kind = LF_LEAF_OUTCOME, .caller = "x", .decision = &work.append.id, .body = bytes_of("y")};
		struct lf_error error = LF_ERROR_INIT;
		const enum lf_code got = lf_log_put_act(log, &act, &error);

		acknowledged += got == LF_OK;
		if (got == LF_OK)
			assert_int_equal(act.id, acknowledged);
		else
			assert_false(is_settled(operation, code));
		if (got != LF_OK)
			assert_int_equal(got, code == LF_RESOURCE_EXHAUSTED ? code : LF_UNAVAILABLE);
		lf_error_clean_up(&error);
	}
	lf_log_close(log);
	happened = faulty_happened();
	assert_int_equal(faulty_violations(), 0);
	log = log_open(inner, location);
	log_is_whole(log, &whole);
	assert_int_equal(whole.kinds[LF_LEAF_OUTCOME], acknowledged);
	assert_int_equal(lf_log_list_acts(log, LF_LEAF_OUTCOME, NULL, 0, 100, count_act, &count, &next, NULL), LF_OK);
	assert_int_equal(count, acknowledged);
	lf_log_close(log);
	return happened;
}

static void whatever_call_fails_the_acts_are_those_that_were_acknowledged(void **state)
{
	static const enum lf_code codes[] = {LF_UNAVAILABLE, LF_RESOURCE_EXHAUSTED, LF_DATA_LOSS};
	static const enum faulty_operation operations[] = {FAULTY_BEGIN, FAULTY_PREPARE, FAULTY_WRITE, FAULTY_COMMIT};

	(void)state;
	for (size_t i = 0; i < 3 * 4; i++)
		for (size_t inner = 0; inner < 2; inner++) {
			long nth = 1;

			for (; nth < 20; nth++) {
				memory_backend_forget();
				place_remove(&place);
				place_make(&place);
				if (!act_with_fault(inner == 0 ? &memory_backend : &lf_sqlite_backend, place.file,
					    operations[i / 3], nth, codes[i % 3], false))
					break;
			}
			assert_int_equal(nth, FAULT_OUTCOMES + 1);
		}
}

static void an_act_whose_failed_commit_stored_it_is_there_and_in_the_tree(void **state)
{
	(void)state;
	for (long nth = 1; nth <= FAULT_OUTCOMES; nth++) {
		memory_backend_forget();
		assert_true(act_with_fault(&memory_backend, "x", FAULTY_COMMIT, nth, LF_UNAVAILABLE, true));
	}
}

static void a_log_whose_end_can_not_be_read_is_refused(void **state)
{
	struct lf_log *log = log_open(&memory_backend, "x");
	const struct lf_log_options options = {.location = "x"};
	struct lf_error error = LF_ERROR_INIT;

	(void)state;
	rubric_put(log);
	lf_log_close(log);
	faulty_reset(&memory_backend);
	faulty_fail(FAULTY_TAIL, 1, 1, LF_DATA_LOSS);
	assert_int_equal(lf_log_open(&log, &faulty_backend, &options, &error), LF_FAILED_PRECONDITION);
	lf_error_clean_up(&error);
	faulty_reset(&memory_backend);
	faulty_fail(FAULTY_TAIL, 1, 1, LF_UNAVAILABLE);
	assert_int_equal(lf_log_open(&log, &faulty_backend, &options, &error), LF_UNAVAILABLE);
	lf_error_clean_up(&error);
}

/*
 * Somebody else puts a leaf where the next one goes, and a head that fits it; and takes one that is recorded for
 * another.
 */
static void alter(const char *file)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db,
				 "UPDATE leaf SET hash = zeroblob(32) WHERE position = 2; INSERT INTO leaf SELECT "
				 "position + 1, kind, record, decisions,"
				 " hash, salt FROM leaf ORDER BY position DESC LIMIT 1",
				 NULL, NULL, NULL),
		SQLITE_OK);
	sqlite3_close(db);
	head_forge(file, 0);
}

/*
 * W10: after a batch that failed the tree is read again, and may have grown by what was not known to be stored; it is
 *    no other one.
 */
static void a_tree_that_others_put_in_its_place_is_not_gone_on_with(void **state)
{
	struct lf_log *log = log_open(&lf_sqlite_backend, place.file);
	struct work work;

	(void)state;
	rubric_put(log);
	work_init(&work, 1, 1, 0);
	assert_int_equal(work_run(log, &work), LF_OK);
	alter(place.file);
	for (int i = 2; i < 5; i++) {
		work_init(&work, i, i, 0);
		assert_int_equal(work_run(log, &work), LF_UNAVAILABLE);
	}
	assert_non_null(strstr(work.message, "stopped writing"));
	lf_log_close(log);
}

/* ---- activations ---- */

enum { FAULT_ACTS = 6 };

struct told {
	size_t count;
	struct lf_digest to[FAULT_ACTS + 2]; /* newest first */
};

static void note_act(void *context, const struct lf_activation_row *row)
{
	struct told *told = context;

	assert_true(told->count < FAULT_ACTS + 2);
	told->to[told->count++] = row->to;
}

/* Two versions made active in turn, the nth call of an operation failing. Whether the fault happened. */
static bool activate_with_fault(const struct lf_backend *inner, const char *location, enum faulty_operation operation,
	long nth, enum lf_code code, bool anyway)
{
	static const char *const bodies[2] = {"one", "two"};
	struct lf_digest versions[2], expected[FAULT_ACTS + 1];
	struct told told = {0};
	struct lf_rubric_row *row = NULL;
	size_t count = 0;
	struct lf_log *log;
	bool happened;

	faulty_reset(inner);
	log = log_open(&faulty_backend, location);
	for (size_t i = 0; i < 2; i++) {
		lf_sha256(bodies[i], 3, &versions[i]);
		assert_int_equal(lf_log_put_rubric(log, "r", "R", "x", bytes_of(bodies[i]), &versions[i], i == 0, NULL,
					 NULL, NULL),
			LF_OK);
	}
	expected[count++] = versions[0];
	faulty_fail(operation, nth, 1, code);
	if (anyway)
		faulty_commit_anyway();
	for (size_t i = 0; i < FAULT_ACTS; i++) {
		struct lf_activated made = {0};
		const struct lf_digest *to = &versions[(i + 1) % 2];
		struct lf_error error = LF_ERROR_INIT;
		const enum lf_code got = lf_log_activate_rubric(log, "r", to, "x", &made, &error);

		if (got == LF_OK && made.changed)
			expected[count++] = *to;
		assert_true(got == LF_OK || !is_settled(operation, code));
		if (got != LF_OK)
			assert_int_equal(got, code == LF_RESOURCE_EXHAUSTED ? code : LF_UNAVAILABLE);
		lf_error_clean_up(&error);
	}
	lf_log_close(log);
	happened = faulty_happened();
	assert_int_equal(faulty_violations(), 0);
	log = log_open(inner, location);
	assert_int_equal(lf_log_list_activations(log, "r", note_act, &told, NULL), LF_OK);
	assert_int_equal(told.count, count);
	for (size_t i = 0; i < count; i++)
		assert_memory_equal(&told.to[i], &expected[count - 1 - i], sizeof(expected[0]));
	assert_int_equal(lf_log_get_rubric(log, "r", NULL, &row, NULL), LF_OK);
	assert_memory_equal(&row->digest, &told.to[0], sizeof(row->digest));
	free(row);
	lf_log_close(log);
	return happened;
}

static void whatever_call_fails_the_history_is_what_was_acknowledged(void **state)
{
	static const enum lf_code codes[] = {LF_UNAVAILABLE, LF_RESOURCE_EXHAUSTED, LF_DATA_LOSS};
	static const enum faulty_operation operations[] = {FAULTY_BEGIN, FAULTY_PREPARE, FAULTY_WRITE, FAULTY_COMMIT};

	(void)state;
	for (size_t i = 0; i < 3 * 4; i++)
		for (size_t inner = 0; inner < 2; inner++) {
			long nth = 1;

			for (; nth < 20; nth++) {
				memory_backend_forget();
				place_remove(&place);
				place_make(&place);
				if (!activate_with_fault(inner == 0 ? &memory_backend : &lf_sqlite_backend, place.file,
					    operations[i / 3], nth, codes[i % 3], false))
					break;
			}
			assert_int_equal(nth, FAULT_ACTS + 1);
		}
}

static void an_activation_whose_failed_commit_stored_it_is_in_the_history(void **state)
{
	(void)state;
	for (long nth = 1; nth <= FAULT_ACTS; nth++) {
		memory_backend_forget();
		assert_true(activate_with_fault(&memory_backend, "x", FAULTY_COMMIT, nth, LF_UNAVAILABLE, true));
	}
}

/* ---- commits of which nobody knows: W3, W5 ---- */

/* The nth commit fails, and stores nevertheless, or does not. All the same to whoever appended. */
static void a_commit_whose_outcome_is_not_known_is_settled(void **state)
{
	struct listed *listed = calloc(1, sizeof(*listed));

	(void)state;
	for (int anyway = 0; anyway < 2; anyway++) {
		struct lf_log *log;
		struct work first, retry, next;

		for (long nth = 1; nth < 4; nth++) {
			memory_backend_forget();
			run_with_fault(&memory_backend, "x", FAULTY_COMMIT, nth, LF_UNAVAILABLE, anyway != 0);
			place_remove(&place);
			place_make(&place);
			run_with_fault(&lf_sqlite_backend, place.file, FAULTY_COMMIT, nth, LF_UNAVAILABLE, anyway != 0);
		}
		memory_backend_forget();
		faulty_reset(&memory_backend);
		log = log_open(&faulty_backend, "x");
		rubric_put(log);
		work_init(&first, 1, 1, 5);
		work_init(&retry, 1, 1, 5);
		work_init(&next, 1, 1, 6);
		faulty_fail(FAULTY_COMMIT, 1, 1, LF_UNAVAILABLE);
		if (anyway)
			faulty_commit_anyway();
		assert_int_equal(work_run(log, &first), LF_OK);
		assert_false(first.append.existing);
		assert_true(faulty_happened());
		assert_int_equal(work_run(log, &retry), LF_OK);
		assert_true(retry.append.existing);
		assert_int_equal(work_run(log, &next), LF_OK);
		assert_int_equal(next.append.sequence, 2);
		list_all(log, filter_any(), listed);
		check_order(listed);
		lf_log_close(log);
	}
	free(listed);
}

/* A COMMIT whose answer never came: its deadline is as long as the log asks for it. */
static void a_commit_that_took_long_to_fail_is_settled_nevertheless(void **state)
{
	(void)state;
	for (int anyway = 0; anyway < 2; anyway++) {
		struct lf_log *log;
		struct work work;

		memory_backend_forget();
		faulty_reset(&memory_shared_backend);
		log = log_open(&faulty_shared_backend, "x");
		rubric_put(log);
		faulty_fail(FAULTY_COMMIT, 1, 1, LF_UNAVAILABLE);
		faulty_slow(2100);
		if (anyway)
			faulty_commit_anyway();
		work_init(&work, 1, 1, 1);
		assert_int_equal(work_run(log, &work), LF_OK);
		assert_true(faulty_happened());
		lf_log_close(log);
	}
}

/* By the store, and alone: what comes in the same batch is stored. */
static void what_a_store_refuses_fails_alone(void **state)
{
	struct lf_log *log = log_open(&faulty_backend, "x");
	const struct lf_redact_item item = {.what = LF_REDACT_PAYLOAD, .id = 2, .bytes = bytes_of("z")};
	struct lf_redact redact = {
		.kind = LF_LEAF_ERASURE, .caller = "x", .body = bytes_of("y"), .items = &item, .item_count = 1};
	struct lf_act_put act = {.kind = LF_LEAF_ACCESS, .caller = "x", .body = bytes_of("y")};
	struct lf_error error = LF_ERROR_INIT;
	struct lf_digest digest;
	struct whole whole;
	struct work works[3];

	(void)state;
	rubric_put(log);
	for (int i = 0; i < 3; i++)
		work_init(&works[i], i, i, i + 1);
	assert_int_equal(work_run(log, &works[0]), LF_OK);
	for (int kind = LF_ITEM_DECISION; kind <= LF_ITEM_REDACTION; kind++)
		faulty_refuse((enum lf_item_kind)kind);
	lf_log_append_all(log, (struct lf_append *[]){&works[1].append, &works[2].append}, 2);
	work_wait(&works[1]);
	work_wait(&works[2]);
	assert_int_equal(works[1].code, LF_FAILED_PRECONDITION);
	assert_string_equal(works[1].message, "this one may not");
	assert_int_equal(works[2].code, LF_OK);
	assert_int_equal(works[2].append.sequence, 2);
	assert_int_equal(lf_log_redact(log, &redact, &error), LF_FAILED_PRECONDITION);
	assert_string_equal(error.message, "this one may not");
	lf_error_clean_up(&error);
	assert_int_equal(lf_log_put_act(log, &act, NULL), LF_FAILED_PRECONDITION);
	lf_sha256("b", 1, &digest);
	assert_int_equal(lf_log_put_rubric(log, "b", "B", "x", bytes_of("b"), &digest, true, NULL, NULL, NULL),
		LF_FAILED_PRECONDITION);
	assert_int_equal(lf_log_deactivate_rubric(log, RUBRIC_NAME, "x", NULL, NULL), LF_FAILED_PRECONDITION);
	assert_true(lf_log_ready(log));
	log_is_whole(log, &whole);
	assert_int_equal(whole.size, 4);
	lf_log_close(log);
}

struct ends {
	uint64_t newest[400];
	size_t count;
};

static void note_end(void *context, uint64_t newest)
{
	struct ends *ends = context;

	ends->newest[ends->count++] = newest;
}

/* W12, where a batch is filled up each time that it begins. */
static void a_batch_that_is_run_again_takes_no_more_bulk_beside_single_ones(void **state)
{
	enum { BULK = 250 };
	struct ends ends = {.count = 0};
	const struct lf_log_options options = {
		.location = "x", .on_committed = note_end, .on_committed_context = &ends};
	struct work *bulk = calloc(BULK, sizeof(*bulk)), blocker, single;
	struct lf_append *appends[BULK];
	struct lf_log *log;

	(void)state;
	faulty_reset(&memory_shared_backend);
	log = open_with(&faulty_shared_backend, &options);
	rubric_put(log);
	work_init(&blocker, 1, 1, 0);
	work_init(&single, 2, 2, 0);
	for (int i = 0; i < BULK; i++) {
		work_init(&bulk[i], 3, 3, 0);
		appends[i] = &bulk[i].append;
	}
	faulty_hold();
	lf_log_append(log, &blocker.append);
	faulty_wait_held();
	lf_log_append(log, &single.append);
	lf_log_append_all(log, appends, BULK);
	faulty_fail(FAULTY_COMMIT, 2, 2, LF_ABORTED); /* the held one is the first */
	faulty_let_go();
	for (int i = 0; i < BULK; i++)
		work_wait(&bulk[i]);
	work_wait(&single);
	assert_true(faulty_happened());
	lf_log_close(log);
	assert_int_equal(ends.newest[0], 1);
	assert_int_equal(ends.newest[1], 1 + 1 + 64);
	free(bulk);
}

static void a_commit_that_somebody_else_was_before_is_run_again(void **state)
{
	static const enum faulty_operation operations[] = {FAULTY_BEGIN, FAULTY_PREPARE, FAULTY_WRITE, FAULTY_COMMIT};
	struct lf_log *log = log_open(&faulty_backend, "x");
	struct work work;

	(void)state;
	rubric_put(log);
	for (int i = 0; i < 4; i++) {
		faulty_fail(operations[i], 1, 3, LF_ABORTED);
		work_init(&work, i, i, i + 1);
		assert_int_equal(work_run(log, &work), LF_OK);
		assert_int_equal(work.append.sequence, 1 + i);
		assert_true(faulty_happened());
		assert_true(lf_log_ready(log));
	}
	lf_log_close(log);
}

/* For as long as a batch is asked for. Nothing is appended until it is known what is stored. */
static void what_cannot_be_settled_is_told_so(void **state)
{
	struct lf_log *log = log_open(&faulty_backend, "x");
	struct work works[4];

	(void)state;
	rubric_put(log);
	for (int i = 0; i < 4; i++)
		work_init(&works[i], i, i, i + 1);
	faulty_fail(FAULTY_COMMIT, 1, 1, LF_UNAVAILABLE);
	faulty_commit_anyway();
	faulty_fail(FAULTY_BEGIN, 2, 1000000, LF_UNAVAILABLE);
	assert_int_equal(work_run(log, &works[0]), LF_UNAVAILABLE);
	assert_non_null(strstr(works[0].message, "may or may not be stored: retry with the same idempotency key"));
	assert_false(lf_log_ready(log));
	assert_int_equal(work_run(log, &works[1]), LF_UNAVAILABLE);
	assert_non_null(strstr(works[1].message, "was not stored"));
	faulty_fail(FAULTY_BEGIN, 1, 0, LF_OK);
	assert_int_equal(work_run(log, &works[2]), LF_OK);
	assert_int_equal(works[2].append.sequence, 2);
	work_init(&works[3], 0, 0, 1);
	assert_int_equal(work_run(log, &works[3]), LF_OK);
	assert_true(works[3].append.existing);
	assert_true(lf_log_ready(log));
	lf_log_close(log);
}

/*
 * What is not there may be on the disk, where the store is this log's alone, until something is written over it. Of a
 * shared one it is not.
 */
static void what_was_not_there_may_be_found_by_a_recovery(void **state)
{
	static const struct {
		enum faulty_operation operation;
		enum lf_code code;
	} next[] = {{FAULTY_COMMIT, LF_RESOURCE_EXHAUSTED}, {FAULTY_WRITE, LF_RESOURCE_EXHAUSTED},
		{FAULTY_PREPARE, LF_RESOURCE_EXHAUSTED}};

	(void)state;
	for (int i = 0; i < 6; i++) {
		const bool shared = i % 2 == 1;
		struct lf_log *log;
		struct work work;

		memory_backend_forget();
		faulty_reset(shared ? &memory_shared_backend : &memory_backend);
		log = log_open(shared ? &faulty_shared_backend : &faulty_backend, "x");
		rubric_put(log);
		faulty_fail(FAULTY_COMMIT, 1, 1, LF_UNAVAILABLE);
		faulty_then(next[i / 2].operation, next[i / 2].code);
		work_init(&work, 1, 1, 1);
		assert_int_equal(work_run(log, &work), shared ? next[i / 2].code : LF_UNAVAILABLE);
		assert_int_equal(strstr(work.message, "may or may not be stored") != NULL, !shared);
		assert_true(faulty_happened());
		lf_log_close(log);
	}
}

/* ---- W10 of a shared log: another server, which is behind ---- */

static void a_server_that_lacks_what_was_committed_is_left_for_another(void **state)
{
	struct failures failures = {0};
	const struct lf_log_options options = {
		.location = "x", .on_failed = note_failure, .on_failed_context = &failures};
	struct work works[3];
	struct lf_log *log;

	(void)state;
	faulty_reset(&memory_shared_backend);
	log = open_with(&faulty_shared_backend, &options);
	rubric_put(log);
	for (int i = 0; i < 3; i++)
		work_init(&works[i], i, i, i + 1);
	assert_int_equal(work_run(log, &works[0]), LF_OK);
	faulty_wrong_servers(2, true);
	assert_int_equal(work_run(log, &works[1]), LF_OK);
	assert_int_equal(works[1].append.sequence, 2);
	assert_int_equal(atomic_load(&failures.count), 0);
	faulty_wrong_servers(1, false);
	assert_int_equal(work_run(log, &works[2]), LF_UNAVAILABLE);
	assert_non_null(strstr(works[2].message, "fewer records than were committed"));
	assert_int_equal(atomic_load(&failures.count), 1);
	assert_int_equal(failures.code, LF_DATA_LOSS);
	lf_log_close(log);
}

static void a_lost_connection_is_not_noticed_by_who_appends(void **state)
{
	static const enum faulty_operation operations[] = {FAULTY_BEGIN, FAULTY_PREPARE, FAULTY_WRITE, FAULTY_COMMIT};
	struct lf_log *log;
	struct work work;

	(void)state;
	faulty_reset(&memory_shared_backend);
	log = log_open(&faulty_shared_backend, "x");
	rubric_put(log);
	for (int i = 0; i < 4; i++) {
		faulty_fail(operations[i], 1, 3, LF_UNAVAILABLE);
		work_init(&work, i, i, i + 1);
		assert_int_equal(work_run(log, &work), LF_OK);
		assert_int_equal(work.append.sequence, 1 + i);
		assert_true(faulty_happened());
	}
	/* Once a batch was given up, the next are not held up. */
	faulty_fail(FAULTY_BEGIN, 1, 1000000, LF_UNAVAILABLE);
	faulty_fail(FAULTY_PROBE, 1, 1000000, LF_UNAVAILABLE);
	work_init(&work, 9, 9, 9);
	assert_int_equal(work_run(log, &work), LF_UNAVAILABLE);
	assert_false(lf_log_ready(log));
	for (int i = 0; i < 2; i++) {
		faulty_fail(FAULTY_BEGIN, 1, 1, i == 0 ? LF_UNAVAILABLE : LF_ABORTED);
		work_init(&work, 9, 9, 9);
		assert_int_equal(work_run(log, &work), LF_UNAVAILABLE);
	}
	work_init(&work, 9, 9, 9);
	assert_int_equal(work_run(log, &work), LF_OK);
	lf_log_close(log);
}

/*
 * Shorter, as long, and longer than what was committed by the log that finds it. begin() says that it is at another
 * server, or it does not: what is longer is known for another then where the begin() before has failed.
 */
static void a_log_that_lost_what_was_committed_is_not_gone_on_with(void **state)
{
	(void)state;
	for (int i = 0; i < 6; i++) {
		const int others = i / 2;
		const bool told = i % 2 == 0;
		struct failures failures = {0};
		const struct lf_log_options options = {
			.location = "x", .on_failed = note_failure, .on_failed_context = &failures};
		struct lf_log *log, *other;
		struct work works[4], earlier, next;

		memory_backend_forget();
		work_init(&earlier, 5, 5, 0);
		work_init(&next, 6, 6, 0);
		faulty_reset(&memory_shared_backend);
		log = open_with(&faulty_shared_backend, &options);
		rubric_put(log);
		for (int j = 0; j < 4; j++)
			work_init(&works[j], j, j, j + 1);
		other = log_open(&memory_shared_backend, "x");
		assert_int_equal(work_run(other, &earlier), LF_OK);
		lf_log_close(other);
		assert_int_equal(work_run(log, &next), LF_OK); /* so that it has compared just now */
		memory_backend_remember();
		assert_int_equal(work_run(log, &works[0]), LF_OK);
		(told ? memory_backend_go_back : memory_backend_go_back_unnoticed)();
		other = log_open(&memory_shared_backend, "x");
		for (int j = 0; j < others; j++)
			assert_int_equal(work_run(other, &works[1 + j]), LF_OK);
		if (!told && others == 2)
			faulty_fail(FAULTY_BEGIN, 1, 1, LF_UNAVAILABLE);
		assert_int_equal(work_run(log, &works[3]), LF_UNAVAILABLE);
		assert_int_equal(atomic_load(&failures.count), 1);
		assert_int_equal(failures.code, LF_DATA_LOSS);
		work_init(&works[3], 3, 3, 4);
		assert_int_equal(work_run(other, &works[3]), LF_OK); /* the lock was given back */
		lf_log_close(log);
		lf_log_close(other);
	}
}

static void who_lost_its_data_gives_up_its_turn(void **state)
{
	static const enum faulty_operation operations[] = {
		FAULTY_BEGIN, FAULTY_TAIL_HASHES, FAULTY_PREPARE, FAULTY_WRITE, FAULTY_COMMIT};

	(void)state;
	for (int i = 0; i < 5; i++) {
		struct lf_log *log, *other;
		struct work works[3];

		memory_backend_forget();
		faulty_reset(&memory_shared_backend);
		log = log_open(&faulty_shared_backend, "x");
		other = log_open(&memory_shared_backend, "x");
		rubric_put(log);
		for (int j = 0; j < 3; j++)
			work_init(&works[j], j, j, j + 1);
		assert_int_equal(work_run(other, &works[0]), LF_OK);
		faulty_fail(operations[i], 1, 1, LF_DATA_LOSS);
		assert_int_equal(work_run(log, &works[1]), LF_UNAVAILABLE);
		assert_true(faulty_happened());
		assert_int_equal(work_run(other, &works[2]), LF_OK);
		assert_int_equal(works[2].append.sequence, 2);
		assert_int_equal(faulty_violations(), 0);
		lf_log_close(log);
		lf_log_close(other);
	}
}

/* The comparison says that somebody else is first: as begin() would. */
static void a_comparison_that_is_aborted_ends_its_transaction(void **state)
{
	struct lf_log *log, *other;
	struct work works[2];

	(void)state;
	faulty_reset(&memory_shared_backend);
	log = log_open(&faulty_shared_backend, "x");
	other = log_open(&memory_shared_backend, "x");
	rubric_put(log);
	for (int j = 0; j < 2; j++)
		work_init(&works[j], j, j, j + 1);
	assert_int_equal(work_run(other, &works[0]), LF_OK);
	faulty_fail(FAULTY_TAIL_HASHES, 1, 1, LF_ABORTED);
	assert_int_equal(work_run(log, &works[1]), LF_OK);
	assert_true(faulty_happened());
	assert_int_equal(faulty_violations(), 0);
	lf_log_close(log);
	lf_log_close(other);
}

static void ready_falls_with_a_failed_commit_and_rises_with_the_next_that_succeeds(void **state)
{
	struct lf_log *log = log_open(&faulty_backend, "x");
	struct work works[3];

	(void)state;
	rubric_put(log);
	assert_true(lf_log_ready(log));
	faulty_fail(FAULTY_COMMIT, 1, 1, LF_RESOURCE_EXHAUSTED);
	faulty_fail(FAULTY_PROBE, 1, 1000000, LF_RESOURCE_EXHAUSTED);
	for (int i = 0; i < 3; i++)
		work_init(&works[i], i, i, i + 1);
	assert_int_equal(work_run(log, &works[0]), LF_RESOURCE_EXHAUSTED);
	assert_false(lf_log_ready(log));
	assert_int_equal(work_run(log, &works[1]), LF_OK);
	assert_true(lf_log_ready(log));
	lf_log_close(log);
}

/* A batch that failed, in a file, where the store does not keep where they end, activates and erases nothing. */
static void a_failed_commit_activates_nothing(void **state)
{
	struct lf_log *log;
	struct work work;
	uint64_t known;

	(void)state;
	faulty_reset(&lf_sqlite_backend);
	log = log_open(&faulty_backend, place.file);
	rubric_put(log);
	known = lf_log_activated_to(log);
	for (int i = 0; i < 3; i++) {
		if (i == 1)
			faulty_fail(FAULTY_COMMIT, 1, 1, LF_RESOURCE_EXHAUSTED);
		work_init(&work, i, i, i + 1);
		work.append.scored_at = known;
		assert_int_equal(work_run(log, &work), i == 1 ? LF_RESOURCE_EXHAUSTED : LF_OK);
		assert_int_equal(lf_log_activated_to(log), known);
	}
	lf_log_close(log);
}

static atomic_int clocks_read, warnings;

static int64_t own_clock(void)
{
	return 1000 * 1000;
}

static int64_t elapsed_clock(void)
{
	atomic_fetch_add(&clocks_read, 1);
	return 0;
}

static void warned(void *context, const char *text)
{
	(void)context;
	(void)text;
	atomic_fetch_add(&warnings, 1);
}

/*
 * W16 goes by the store's clock, however far it is from ours: with each record, and when the writer looks after it. That
 * the two are apart is told, once, and the log is not ready.
 */
static void a_store_with_a_clock_is_not_held_against_ours(void **state)
{
	static const int64_t ahead_us[] = {(int64_t)3600 * 1000 * 1000, (int64_t)7200 * 1000 * 1000};
	const struct lf_log_options options = {
		.location = "x", .now_us = own_clock, .elapsed_us = elapsed_clock, .on_warning = warned};
	struct lf_log *log;
	struct work work;

	(void)state;
	atomic_store(&warnings, 0);
	memory_backend_set_clock(ahead_us[0]);
	log = open_with(&memory_shared_backend, &options);
	rubric_put(log);
	for (int i = 0; i < 2; i++) {
		const int read = atomic_load(&clocks_read);

		work_init(&work, i, i, 0);
		assert_int_equal(work_run(log, &work), LF_OK);
		assert_int_equal(work.append.decided_at_us, ahead_us[0]);
		while (atomic_load(&clocks_read) < read + 4) /* it looks after the store meanwhile */
			usleep(10000);
		assert_int_equal(lf_log_clock_apart(log), 0);
	}
	while (atomic_load(&warnings) == 0)
		usleep(10000);
	assert_int_equal(atomic_load(&warnings), 1);
	assert_false(lf_log_ready(log));
	/* It jumps. What the clock says is what the store's does. */
	memory_backend_set_clock(ahead_us[1]);
	work_init(&work, 3, 3, 0);
	assert_int_equal(work_run(log, &work), LF_OK);
	assert_int_equal(work.append.decided_at_us, ahead_us[0]);
	assert_false(lf_log_ready(log));
	assert_int_equal(lf_log_clock_apart(log), ahead_us[1]);
	lf_log_close(log);
}

static _Atomic int64_t own_us;

static int64_t own_clock_now(void)
{
	return atomic_load(&own_us);
}

struct said {
	pthread_mutex_t lock;
	char text[256];
};

static void note_text(void *context, const char *text)
{
	struct said *said = context;

	pthread_mutex_lock(&said->lock);
	snprintf(said->text, sizeof(said->text), "%s", text);
	pthread_mutex_unlock(&said->lock);
}

static void await_text(struct said *said, const char *text)
{
	bool there = false;

	while (!there) {
		usleep(10000);
		pthread_mutex_lock(&said->lock);
		there = strstr(said->text, text) != NULL;
		pthread_mutex_unlock(&said->lock);
	}
}

static void await_ready(const struct lf_log *log)
{
	while (!lf_log_ready(log))
		usleep(10000);
}

/* W16: ours may be five seconds apart from the store's, and each time that it is not is told. */
static void a_clock_that_is_apart_is_told_until_it_fits_again(void **state)
{
	static const int64_t hour_us = (int64_t)3600 * 1000 * 1000, second_us = 1000 * 1000;
	static const struct {
		int64_t by_s;
		const char *text;
	} steps[] = {{60, " 60 s ahead of the store's, and five are allowed"}, {0, "fits the store's again"},
		{-60, " 60 s behind the store's, and five are allowed"}, {4, "fits the store's again"},
		{-6, " 6 s behind the store's"}, {-5, "fits the store's again"}};
	struct said said = {.lock = PTHREAD_MUTEX_INITIALIZER};
	const struct lf_log_options options = {
		.location = "x", .now_us = own_clock_now, .on_warning = note_text, .on_warning_context = &said};
	struct lf_log *log;

	(void)state;
	atomic_store(&own_us, hour_us);
	memory_backend_set_clock(hour_us);
	log = open_with(&memory_shared_backend, &options);
	await_ready(log);
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		atomic_store(&own_us, hour_us + steps[i].by_s * second_us);
		await_text(&said, steps[i].text);
		if (strstr(steps[i].text, "again") != NULL)
			await_ready(log);
		else
			assert_false(lf_log_ready(log));
	}
	lf_log_close(log);
}

static void ready_comes_back_without_traffic(void **state)
{
	struct lf_log *log = log_open(&faulty_backend, "x");
	struct work work;

	(void)state;
	rubric_put(log);
	faulty_fail(FAULTY_COMMIT, 1, 1, LF_RESOURCE_EXHAUSTED);
	work_init(&work, 1, 1, 1);
	assert_int_equal(work_run(log, &work), LF_RESOURCE_EXHAUSTED);
	while (!lf_log_ready(log)) /* W9 */
		usleep(10000);
	lf_log_close(log);
}

static void an_unknown_state_stops_all_writing_and_is_told_once(void **state)
{
	struct failures failures = {0};
	const struct lf_log_options options = {
		.location = "x", .on_failed = note_failure, .on_failed_context = &failures};
	struct lf_log *log = open_with(&faulty_backend, &options);
	struct work works[3];
	struct lf_digest digest;

	(void)state;
	rubric_put(log);
	for (int i = 0; i < 3; i++)
		work_init(&works[i], i, i, i + 1);
	assert_int_equal(work_run(log, &works[0]), LF_OK);
	faulty_fail(FAULTY_COMMIT, 1, 1, LF_DATA_LOSS);
	assert_int_equal(work_run(log, &works[1]), LF_UNAVAILABLE);
	assert_int_equal(work_run(log, &works[2]), LF_UNAVAILABLE);
	assert_non_null(strstr(works[2].message, "must be reopened"));
	lf_sha256("b", 1, &digest);
	assert_int_equal(
		lf_log_put_rubric(log, "b", "B", "x", bytes_of("b"), &digest, false, NULL, NULL, NULL), LF_UNAVAILABLE);
	assert_false(lf_log_ready(log));
	assert_true(is_there(log, &works[0].append.id)); /* reading goes on */
	lf_log_close(log);
	assert_int_equal(atomic_load(&failures.count), 1);
	assert_int_equal(failures.code, LF_DATA_LOSS);
	assert_int_equal(faulty_violations(), 0);
}

#define CLAIM(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest claims[] = {
		CLAIM(a_key_that_collides_with_an_uncommitted_one_is_not_refused_for_it),
		CLAIM(whatever_call_fails_every_append_completes_once_and_none_is_lost),
		CLAIM(whatever_fails_while_a_commit_is_settled_it_is_told),
		CLAIM(the_same_over_sqlite),
		CLAIM(whatever_call_fails_the_acts_are_those_that_were_acknowledged),
		CLAIM(an_act_whose_failed_commit_stored_it_is_there_and_in_the_tree),
		CLAIM(a_log_whose_end_can_not_be_read_is_refused),
		CLAIM(a_tree_that_others_put_in_its_place_is_not_gone_on_with),
		CLAIM(whatever_call_fails_the_history_is_what_was_acknowledged),
		CLAIM(an_activation_whose_failed_commit_stored_it_is_in_the_history),
		CLAIM(a_commit_whose_outcome_is_not_known_is_settled),
		CLAIM(a_commit_that_took_long_to_fail_is_settled_nevertheless),
		CLAIM(what_a_store_refuses_fails_alone),
		CLAIM(a_batch_that_is_run_again_takes_no_more_bulk_beside_single_ones),
		CLAIM(a_commit_that_somebody_else_was_before_is_run_again),
		CLAIM(what_cannot_be_settled_is_told_so),
		CLAIM(what_was_not_there_may_be_found_by_a_recovery),
		CLAIM(a_server_that_lacks_what_was_committed_is_left_for_another),
		CLAIM(a_lost_connection_is_not_noticed_by_who_appends),
		CLAIM(a_log_that_lost_what_was_committed_is_not_gone_on_with),
		CLAIM(who_lost_its_data_gives_up_its_turn),
		CLAIM(a_comparison_that_is_aborted_ends_its_transaction),
		CLAIM(ready_falls_with_a_failed_commit_and_rises_with_the_next_that_succeeds),
		CLAIM(a_failed_commit_activates_nothing),
		CLAIM(a_store_with_a_clock_is_not_held_against_ours),
		CLAIM(a_clock_that_is_apart_is_told_until_it_fits_again),
		CLAIM(ready_comes_back_without_traffic),
		CLAIM(an_unknown_state_stops_all_writing_and_is_told_once),
	};

	return cmocka_run_group_tests(claims, NULL, NULL);
}
