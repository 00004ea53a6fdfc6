/*
 * What a shared backend must do beside: several stores of one log, taking turns and racing, are one history. By the
 * writer's hand where a turn is looked at, else through logs, each with a writer of its own.
 */
#include "tests/storage/conformance.h"

#include <unistd.h>

#include "storage/log/private.h"
#include "tests/storage/faulty_backend.h"
#include "tests/storage/support.h"
#include "tests/storage/whole.h"

static const struct conformance *current; /* cmocka's set-up functions take no argument of ours */

static int reset(void **state)
{
	(void)state;
	current->reset(current->context);
	return 0;
}

/* ---- two stores, by hand ---- */

struct pair {
	struct lf_store *stores[2];
	struct lf_log *hands[2];
	struct lf_error error;
};

static void open_pair(struct pair *pair)
{
	const struct lf_log_options options = {.location = current->location};

	lf_error_init(&pair->error);
	for (int i = 0; i < 2; i++) {
		if (current->backend->open(&pair->stores[i], &options, &pair->error) != LF_OK)
			fail_msg("%s", pair->error.message);
		pair->hands[i] = hand_new(current->backend, pair->stores[i]);
	}
	rubric_store(current->backend, pair->stores[0]);
}

static void close_pair(struct pair *pair)
{
	for (int i = 0; i < 2; i++) {
		hand_free(pair->hands[i]);
		current->backend->close(pair->stores[i]);
	}
	lf_error_clean_up(&pair->error);
}

/* Stores by one of the two, and expects it to work. */
static void store_by(struct pair *pair, int which, struct work *work)
{
	if (work_store(current->backend, pair->stores[which], work) != LF_OK)
		fail_msg("%s", work->message);
}

static void stores_that_take_turns_continue_each_other(void **state)
{
	struct pair pair;
	struct lf_tail tails[2];
	struct work works[6];

	(void)state;
	open_pair(&pair);
	for (int i = 0; i < 6; i++) {
		work_init(&works[i], i / 2, i / 2, 0);
		store_by(&pair, i % 2, &works[i]);
		assert_int_equal(works[i].append.sequence, i + 1);
		for (int j = 0; j < 2; j++)
			assert_int_equal(current->backend->tail(pair.stores[j], &tails[j], &pair.error), LF_OK);
		assert_int_equal(tails[0].tree.size, 2 + i + 1);
		assert_int_equal(tails[1].tree.size, tails[0].tree.size);
		assert_memory_equal(&tails[1].root, &tails[0].root, sizeof(tails[0].root));
		assert_int_equal(tails[1].sequence, i + 1);
		assert_memory_equal(&tails[1].id, &works[i].append.id, sizeof(tails[1].id));
	}
	close_pair(&pair);
}

static void a_key_of_another_store_gives_its_decision(void **state)
{
	struct pair pair;
	struct work first, again, other;

	(void)state;
	open_pair(&pair);
	work_init(&first, 1, 1, 5);
	work_init(&again, 1, 1, 5);
	work_init(&other, 1, 2, 5);
	store_by(&pair, 0, &first);
	store_by(&pair, 1, &again);
	assert_true(again.append.existing);
	assert_memory_equal(&again.append.id, &first.append.id, sizeof(first.append.id));
	assert_int_equal(work_store(current->backend, pair.stores[1], &other), LF_ALREADY_EXISTS);
	close_pair(&pair);
}

static void an_activation_and_an_erasure_of_another_store_are_in_the_tail(void **state)
{
	struct lf_redact_item item = {.what = LF_REDACT_ACT, .bytes = bytes_of("z")};
	struct pair pair;
	struct lf_act_put act = {.kind = LF_LEAF_OUTCOME, .caller = "x", .body = {(const uint8_t *)"y", 1}};
	struct lf_redact redact = {.kind = LF_LEAF_ERASURE, .caller = "x", .items = &item, .item_count = 1};
	struct lf_append put = {.act = &act}, erase = {.redaction = &redact};
	struct lf_tail tail;

	(void)state;
	open_pair(&pair);
	assert_int_equal(current->backend->tail(pair.stores[1], &tail, &pair.error), LF_OK);
	assert_int_equal(tail.activated_to, 2);
	assert_int_equal(tail.redacted_to, 0);
	assert_int_equal(hand_store(current->backend, pair.stores[1], &put, 0, &pair.error), LF_OK);
	item.id = act.id;
	assert_int_equal(hand_store(current->backend, pair.stores[0], &erase, 0, &pair.error), LF_OK);
	version_store(current->backend, pair.stores[0], RUBRIC_NAME, "another version");
	assert_int_equal(hand_begin(pair.hands[1], &pair.error), LF_OK);
	assert_int_equal(pair.hands[1]->tail.redacted_to, 4);
	assert_int_equal(pair.hands[1]->tail.activated_to, 6);
	hand_rollback(pair.hands[1]);
	close_pair(&pair);
}

/* Whoever of two that began sees no commit of the other after it: it waits, or is told to begin again. */
struct second {
	struct pair *pair;
	struct work work;
	int aborted;
};

static void *store_second(void *argument)
{
	struct second *second = argument;
	struct lf_log *hand = second->pair->hands[1];
	enum lf_code code;

	do {
		struct lf_error error = LF_ERROR_INIT;

		code = hand_begin(hand, &error);
		if (code == LF_OK) {
			code = hand_put(hand, &second->work.append, hand->tail.time_us + 10, &error);
			if (code == LF_OK)
				code = hand_commit(hand, &error);
			else
				hand_rollback(hand);
		}
		second->aborted += code == LF_ABORTED;
		lf_error_clean_up(&error);
	} while (code == LF_ABORTED);
	assert_int_equal(code, LF_OK);
	return NULL;
}

static void who_began_after_another_goes_on_from_its_commit(void **state)
{
	struct pair pair;
	struct second second = {.pair = &pair};
	struct lf_tail tail;
	struct work first;
	pthread_t thread;

	(void)state;
	open_pair(&pair);
	work_init(&first, 1, 1, 0);
	work_init(&second.work, 2, 2, 0);
	assert_int_equal(hand_begin(pair.hands[0], &pair.error), LF_OK);
	assert_int_equal(hand_put(pair.hands[0], &first.append, 10, &pair.error), LF_OK);
	assert_int_equal(pthread_create(&thread, NULL, store_second, &second), 0);
	usleep(50 * 1000); /* so that it has begun, mostly */
	assert_int_equal(hand_commit(pair.hands[0], &pair.error), LF_OK);
	pthread_join(thread, NULL);
	assert_int_equal(first.append.sequence, 1);
	assert_int_equal(second.work.append.sequence, 2);
	/* Who waits for its turn is told nothing; who does not wait lost the race. */
	if (current->races)
		assert_true(second.aborted >= 1);
	else
		assert_int_equal(second.aborted, 0);
	assert_int_equal(current->backend->tail(pair.stores[0], &tail, &pair.error), LF_OK);
	assert_int_equal(tail.tree.size, 4);
	close_pair(&pair);
}

/* ---- two logs ---- */

enum { RACERS = 4, RACE_WORKS = 150 };

struct racer {
	struct lf_log *log;
	struct work works[RACE_WORKS];
	int first_key;
};

static void *race(void *argument)
{
	struct racer *racer = argument;

	for (int i = 0; i < RACE_WORKS; i++) {
		work_init(&racer->works[i], i % 7, i % 5, racer->first_key + i);
		lf_log_append(racer->log, &racer->works[i].append);
		if (i % 4 == 3)
			for (int j = i - 3; j <= i; j++)
				work_wait(&racer->works[j]);
	}
	for (int i = 0; i < RACE_WORKS; i++)
		work_wait(&racer->works[i]);
	return NULL;
}

/* Each key is used by two of them: by one of each log. */
static void run_race(struct lf_log *logs[2], struct racer *racers)
{
	pthread_t threads[RACERS];

	for (int i = 0; i < RACERS; i++) {
		racers[i].log = logs[i % 2];
		racers[i].first_key = 1 + (i / 2) * RACE_WORKS;
		assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
	}
	for (int i = 0; i < RACERS; i++)
		pthread_join(threads[i], NULL);
}

/* Stored is what was acknowledged, once each. */
static void check_race(struct lf_log *log, const struct racer *racers)
{
	struct listed *listed = calloc(1, sizeof(*listed));
	size_t stored = 0;
	struct whole whole;

	for (int i = 0; i < RACERS; i++)
		for (int j = 0; j < RACE_WORKS; j++) {
			const struct work *work = &racers[i].works[j], *twin = &racers[i ^ 1].works[j];

			assert_int_equal(atomic_load(&work->completions), 1);
			assert_int_equal(work->code, LF_OK);
			assert_memory_equal(&work->append.id, &twin->append.id, sizeof(work->append.id));
			stored += !work->append.existing;
		}
	assert_int_equal(stored, RACERS / 2 * RACE_WORKS);
	list_all(log, filter_any(), listed);
	assert_int_equal(listed->count, stored);
	for (size_t i = 0; i < listed->count; i++)
		assert_int_equal(listed->sequences[i], stored - i);
	for (size_t i = 1; i < listed->count; i++) {
		assert_true(memcmp(&listed->ids[i], &listed->ids[i - 1], sizeof(listed->ids[0])) < 0);
		assert_true(listed->times[i] <= listed->times[i - 1]);
	}
	log_is_whole(log, &whole);
	assert_int_equal(whole.kinds[LF_LEAF_DECISION], stored);
	free(listed);
}

static void logs_that_race_are_one_history_and_a_key_is_used_once(void **state)
{
	struct racer *racers = calloc(RACERS, sizeof(*racers));
	struct lf_log *logs[2] = {
		log_open(current->backend, current->location), log_open(current->backend, current->location)};

	(void)state;
	rubric_put(logs[0]);
	run_race(logs, racers);
	for (int i = 0; i < 2; i++) {
		assert_true(lf_log_ready(logs[i]));
		check_race(logs[i], racers);
		lf_log_close(logs[i]);
	}
	free(racers);
}

/* One of the two has commits of which it isn't told, some of which did not happen. */
static void commits_of_unknown_outcome_amid_a_race_are_settled(void **state)
{
	static const enum lf_code codes[] = {LF_UNAVAILABLE, LF_UNAVAILABLE, LF_ABORTED};

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct racer *racers = calloc(RACERS, sizeof(*racers));
		struct lf_log *logs[2];

		current->reset(current->context);
		faulty_reset(current->backend);
		logs[0] = log_open(&faulty_shared_backend, current->location);
		logs[1] = log_open(current->backend, current->location);
		rubric_put(logs[0]);
		faulty_fail(FAULTY_COMMIT, 3, 5, codes[i]);
		if (i == 1)
			faulty_commit_anyway();
		run_race(logs, racers);
		assert_true(faulty_happened());
		assert_int_equal(faulty_violations(), 0);
		check_race(logs[1], racers);
		lf_log_close(logs[0]);
		lf_log_close(logs[1]);
		free(racers);
	}
}

static void the_same_fault_settles_a_lone_commit(void **state)
{
	(void)state;
	for (int anyway = 0; anyway < 2; anyway++) {
		struct lf_log *log, *other;
		struct work work, next;

		current->reset(current->context);
		faulty_reset(current->backend);
		log = log_open(&faulty_shared_backend, current->location);
		other = log_open(current->backend, current->location);
		rubric_put(log);
		faulty_fail(FAULTY_COMMIT, 1, 1, LF_UNAVAILABLE);
		if (anyway)
			faulty_commit_anyway();
		work_init(&work, 1, 1, 0);
		work_init(&next, 2, 2, 0);
		assert_int_equal(work_run(log, &work), LF_OK);
		assert_int_equal(work.append.sequence, 1);
		assert_int_equal(work_run(other, &next), LF_OK);
		assert_int_equal(next.append.sequence, 2);
		assert_true(faulty_happened());
		lf_log_close(log);
		lf_log_close(other);
	}
}

/* ---- what one does, and the other must know ---- */

static bool keep_payload(void *context, const struct lf_stored *row)
{
	*(uint64_t *)context = row->team_payload;
	return true;
}

static uint64_t payload_of_team(struct lf_log *log)
{
	const struct lf_scan scan = {.since_us = INT64_MIN, .until_us = INT64_MAX, .limit = 1};
	uint64_t next, payload = 0;

	assert_int_equal(lf_log_scan(log, &scan, keep_payload, &payload, &next, NULL), LF_OK);
	return payload;
}

static void erase_team(struct lf_log *log)
{
	const struct lf_redact_item item = {
		.what = LF_REDACT_PAYLOAD, .id = payload_of_team(log), .bytes = bytes_of("nobody")};
	struct lf_redact redact = {
		.kind = LF_LEAF_ERASURE, .caller = "x", .body = bytes_of("because"), .items = &item, .item_count = 1};

	assert_int_equal(lf_log_redact(log, &redact, NULL), LF_OK);
}

static void what_was_read_before_another_log_erased_is_not_recorded(void **state)
{
	struct lf_log *logs[2] = {
		log_open(current->backend, current->location), log_open(current->backend, current->location)};
	struct lf_act_put act = {.kind = LF_LEAF_ACCESS, .caller = "x", .body = bytes_of("y")};
	struct lf_tree_head head;
	struct work work;

	(void)state;
	rubric_put(logs[0]);
	work_init(&work, 1, 1, 0);
	assert_int_equal(work_run(logs[1], &work), LF_OK);
	assert_int_equal(lf_log_head(logs[1], &head, NULL), LF_OK);
	act.seen_size = head.size;
	assert_int_equal(lf_log_put_act(logs[1], &act, NULL), LF_OK);
	erase_team(logs[0]);
	assert_int_equal(lf_log_put_act(logs[1], &act, NULL), LF_ABORTED);
	assert_int_equal(lf_log_head(logs[1], &head, NULL), LF_OK);
	act.seen_size = head.size;
	assert_int_equal(lf_log_put_act(logs[1], &act, NULL), LF_OK);
	/* The bytes that were erased are no payload any more: they are stored again, as another. */
	work_init(&work, 1, 1, 0);
	assert_int_equal(work_run(logs[1], &work), LF_OK);
	for (int i = 0; i < 2; i++) {
		struct whole whole;

		log_is_whole(logs[i], &whole);
		lf_log_close(logs[i]);
	}
}

static void what_was_scored_before_another_log_activated_is_not_stored(void **state)
{
	struct lf_log *logs[2] = {
		log_open(current->backend, current->location), log_open(current->backend, current->location)};
	struct lf_rubric_row *active = NULL;
	struct lf_digest digest;
	struct work work, other;

	(void)state;
	rubric_put(logs[0]);
	work_init(&work, 1, 1, 0);
	assert_int_equal(work_run(logs[1], &work), LF_OK);
	work_init(&work, 1, 1, 1);
	work.append.scored_at = lf_log_activated_to(logs[1]);
	assert_int_equal(work.append.scored_at, 2);
	lf_sha256("two", 3, &digest);
	assert_int_equal(
		lf_log_put_rubric(logs[0], RUBRIC_NAME, "T", "a", bytes_of("two"), &digest, true, NULL, NULL, NULL),
		LF_OK);
	/* The writer hears of it with another record; what is remembered is as old as it was. */
	work_init(&other, 2, 2, 2);
	assert_int_equal(work_run(logs[1], &other), LF_OK);
	assert_int_equal(lf_log_activated_to(logs[1]), 5);
	assert_int_equal(work_run(logs[1], &work), LF_ABORTED);
	atomic_store(&work.completions, 0);
	work.append.scored_at = lf_log_activated_to(logs[1]);
	assert_int_equal(lf_log_get_rubric(logs[1], RUBRIC_NAME, NULL, &active, NULL), LF_OK);
	assert_memory_equal(&active->digest, &digest, sizeof(digest));
	work.append.rubric_digest = active->digest;
	free(active);
	assert_int_equal(work_run(logs[1], &work), LF_OK);
	lf_log_close(logs[0]);
	lf_log_close(logs[1]);
}

/* By asking, without waiting to be told: also that another rubric is the default. */
static void what_another_log_activated_is_known_by_asking(void **state)
{
	struct lf_log *logs[2] = {
		log_open(current->backend, current->location), log_open(current->backend, current->location)};
	struct lf_act_put act = {.kind = LF_LEAF_DEFAULT, .caller = "a", .body = bytes_of("d")};
	struct lf_tree_head head;

	(void)state;
	rubric_put(logs[0]);
	assert_int_equal(lf_log_look(logs[1], NULL), LF_OK);
	assert_int_equal(lf_log_activated_to(logs[1]), 2);
	assert_int_equal(lf_log_put_act(logs[0], &act, NULL), LF_OK);
	assert_int_equal(lf_log_activated_to(logs[0]), 3);
	assert_int_equal(lf_log_look(logs[1], NULL), LF_OK);
	assert_int_equal(lf_log_activated_to(logs[1]), 3);
	act.kind = LF_LEAF_ACCESS;
	assert_int_equal(lf_log_put_act(logs[0], &act, NULL), LF_OK);
	assert_int_equal(lf_log_look(logs[1], NULL), LF_OK);
	assert_int_equal(lf_log_activated_to(logs[1]), 3);
	assert_int_equal(lf_log_lasting_head(logs[1], &head, NULL), LF_OK);
	assert_int_equal(head.size, 4);
	lf_log_close(logs[0]);
	lf_log_close(logs[1]);
}

struct heard {
	atomic_uint_fast64_t newest, activated_to;
	atomic_int redacted;
};

static void hear_moved(void *context, uint64_t newest)
{
	atomic_store(&((struct heard *)context)->newest, newest);
}

static void hear_redacted(void *context)
{
	atomic_fetch_add(&((struct heard *)context)->redacted, 1);
}

static void hear_activated(void *context, uint64_t activated_to)
{
	atomic_store(&((struct heard *)context)->activated_to, activated_to);
}

static void what_another_log_does_is_told(void **state)
{
	struct heard heard = {0};
	const struct lf_log_options options = {
		.location = current->location, .watch = {hear_moved, hear_redacted, hear_activated, &heard}};
	struct lf_log *log = log_open(current->backend, current->location), *listener = NULL;
	struct work work;

	(void)state;
	assert_int_equal(lf_log_open(&listener, current->backend, &options, NULL), LF_OK);
	rubric_put(log);
	while (atomic_load(&heard.activated_to) != 2)
		usleep(1000);
	assert_int_equal(lf_log_activated_to(listener), 2);
	work_init(&work, 1, 1, 0);
	assert_int_equal(work_run(log, &work), LF_OK);
	while (atomic_load(&heard.newest) != 1)
		usleep(1000);
	assert_int_equal(atomic_load(&heard.redacted), 0);
	erase_team(log);
	while (atomic_load(&heard.redacted) != 1)
		usleep(1000);
	lf_log_close(listener);
	lf_log_close(log);
}

#define CLAIM(function) cmocka_unit_test_setup_teardown(function, reset, reset)

int conformance_shared_run(const struct conformance *subject)
{
	const struct CMUnitTest claims[] = {
		CLAIM(stores_that_take_turns_continue_each_other),
		CLAIM(a_key_of_another_store_gives_its_decision),
		CLAIM(an_activation_and_an_erasure_of_another_store_are_in_the_tail),
		CLAIM(who_began_after_another_goes_on_from_its_commit),
		CLAIM(logs_that_race_are_one_history_and_a_key_is_used_once),
		CLAIM(commits_of_unknown_outcome_amid_a_race_are_settled),
		CLAIM(the_same_fault_settles_a_lone_commit),
		CLAIM(what_was_read_before_another_log_erased_is_not_recorded),
		CLAIM(what_was_scored_before_another_log_activated_is_not_stored),
		CLAIM(what_another_log_activated_is_known_by_asking),
		CLAIM(what_another_log_does_is_told),
	};

	current = subject;
	return cmocka_run_group_tests_name(subject->backend->name, claims, NULL, NULL);
}
