/*
 * What every storage backend must do where one thing of a transaction builds on another of it, in a later group or in
 * the same one. By the writer's hand, then looked at through a log.
 */
#include "tests/storage/conformance.h"

#include "storage/log/private.h"
#include "tests/storage/support.h"
#include "tests/storage/whole.h"

static const struct conformance *current; /* cmocka's set-up functions take no argument of ours */

struct fixture {
	struct lf_store *store;
	struct lf_log *hand, *log; /* log: after look() */
	struct lf_error error;
};

static void open_fixture(struct fixture *fixture)
{
	const struct lf_log_options options = {.location = current->location};

	*fixture = (struct fixture){.error = LF_ERROR_INIT};
	if (current->backend->open(&fixture->store, &options, &fixture->error) != LF_OK)
		fail_msg("%s", fixture->error.message);
	fixture->hand = hand_new(current->backend, fixture->store);
}

static int set_up(void **state)
{
	struct fixture *fixture = malloc(sizeof(*fixture));

	current->reset(current->context);
	open_fixture(fixture);
	rubric_store(current->backend, fixture->store);
	*state = fixture;
	return 0;
}

/* The end of the writer's hand: a log over what it stored, which is whole. */
static void look(struct fixture *fixture)
{
	struct whole whole;

	hand_free(fixture->hand);
	current->backend->close(fixture->store);
	fixture->hand = NULL;
	fixture->log = log_open(current->backend, current->location);
	log_is_whole(fixture->log, &whole);
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	if (fixture->hand != NULL) {
		hand_free(fixture->hand);
		current->backend->close(fixture->store);
	}
	lf_log_close(fixture->log);
	lf_error_clean_up(&fixture->error);
	current->reset(current->context);
	free(fixture);
	return 0;
}

static void begin(struct fixture *fixture)
{
	if (hand_begin(fixture->hand, &fixture->error) != LF_OK)
		fail_msg("%s", fixture->error.message);
}

static void put(struct fixture *fixture, struct lf_append *append)
{
	if (hand_put(fixture->hand, append, fixture->hand->tail.time_us + 10, &fixture->error) != LF_OK)
		fail_msg("%s", fixture->error.message);
}

static void commit(struct fixture *fixture)
{
	if (hand_commit(fixture->hand, &fixture->error) != LF_OK)
		fail_msg("%s", fixture->error.message);
}

static struct lf_stored *get(struct fixture *fixture, const struct work *work)
{
	struct lf_stored *stored = NULL;

	assert_int_equal(lf_log_get(fixture->log, &work->append.id, &stored, NULL), LF_OK);
	return stored;
}

static void has_bytes(struct lf_bytes bytes, const char *expected)
{
	assert_int_equal(bytes.length, strlen(expected));
	assert_memory_equal(bytes.data, expected, bytes.length);
}

/* ---- what stores nothing ---- */

static void a_transaction_that_finds_all_of_it_stored_leaves_the_end_as_it_was(void **state)
{
	struct fixture *fixture = *state;
	struct lf_tail before, after;
	struct work first, again, next;

	work_init(&first, 1, 1, 5);
	work_init(&again, 1, 1, 5);
	work_init(&next, 2, 2, 6);
	begin(fixture);
	put(fixture, &first.append);
	commit(fixture);
	hand_free(fixture->hand);
	current->backend->close(fixture->store);
	open_fixture(fixture); /* so that the writer has committed nothing of its own */
	assert_int_equal(current->backend->tail(fixture->store, &before, &fixture->error), LF_OK);
	begin(fixture);
	put(fixture, &again.append);
	assert_true(again.append.existing);
	commit(fixture);
	assert_int_equal(current->backend->tail(fixture->store, &after, &fixture->error), LF_OK);
	assert_int_equal(after.sequence, before.sequence);
	assert_int_equal(after.tree.size, before.tree.size);
	assert_memory_equal(&after.root, &before.root, sizeof(after.root));
	begin(fixture);
	put(fixture, &next.append);
	commit(fixture);
	assert_int_equal(next.append.sequence, 2);
	look(fixture);
}

/* ---- a later group ---- */

static void a_decision_by_a_rubric_of_its_transaction_and_an_act_about_it_are_stored(void **state)
{
	struct fixture *fixture = *state;
	struct lf_digest digest;
	struct lf_rubric_put rubric = {.name = "other", .title = "O", .caller = "a", .body = bytes_of("other bytes")};
	struct lf_act_put act = {.kind = LF_LEAF_OUTCOME, .caller = "x", .body = bytes_of("y")};
	struct lf_append put_rubric = {.rubric = &rubric}, put_act = {.act = &act};
	struct lf_stored *stored[2];
	struct work works[2];

	lf_sha256("other bytes", 11, &digest);
	rubric.digest = &digest;
	begin(fixture);
	put(fixture, &put_rubric);
	for (int i = 0; i < 2; i++) { /* the same payloads in another group */
		work_init(&works[i], 1, 1, 0);
		work_set_rubric(&works[i], "other", "other bytes");
		put(fixture, &works[i].append);
	}
	act.decision = &works[1].append.id;
	put(fixture, &put_act);
	commit(fixture);
	look(fixture);
	for (int i = 0; i < 2; i++)
		stored[i] = get(fixture, &works[i]);
	assert_int_equal(stored[1]->team_payload, stored[0]->team_payload);
	assert_int_equal(stored[1]->project_payload, stored[0]->project_payload);
	free(stored[0]);
	free(stored[1]);
}

static void activations_of_one_transaction_follow_each_other(void **state)
{
	struct fixture *fixture = *state;
	struct lf_digest digests[2];
	struct lf_rubric_activate activations[4];

	version_store(current->backend, fixture->store, RUBRIC_NAME, "second");
	lf_sha256(RUBRIC_BODY, strlen(RUBRIC_BODY), &digests[0]);
	lf_sha256("second", 6, &digests[1]);
	fixture->hand->tail_known = false;
	begin(fixture);
	for (int i = 0; i < 4; i++) {
		struct lf_append append = {.activation = &activations[i]};

		activations[i] = (struct lf_rubric_activate){
			.name = RUBRIC_NAME, .caller = "a", .digest = i == 2 ? NULL : &digests[i % 2]};
		put(fixture, &append);
		assert_true(activations[i].activated.changed);
		assert_int_equal(activations[i].activated.had_from, i != 3);
		if (i != 3)
			assert_memory_equal(&activations[i].activated.from, &digests[(i + 1) % 2], sizeof(digests[0]));
	}
	commit(fixture);
	look(fixture);
}

/* ---- after a redaction in the same transaction ---- */

struct pairs {
	struct lf_digest digests[8];
	size_t count;
};

static void gather(void *context, const struct lf_audit_row *row)
{
	struct pairs *pairs = context;

	for (size_t i = 0; i < 2 * row->pair_count && pairs->count < 8; i++)
		pairs->digests[pairs->count++] = row->pairs[i];
}

static void redact(struct fixture *fixture, const struct lf_redact_item *item)
{
	struct lf_redact redact = {
		.kind = LF_LEAF_ERASURE, .caller = "x", .body = bytes_of("why"), .items = item, .item_count = 1};
	struct lf_append append = {.redaction = &redact};

	put(fixture, &append);
}

static void bytes_that_were_replaced_in_the_transaction_are_stored_again(void **state)
{
	struct fixture *fixture = *state;
	const struct lf_redact_item item = {.what = LF_REDACT_PAYLOAD, .id = 2, .bytes = bytes_of("nobody")};
	struct lf_stored *first, *next;
	struct lf_payload_row *payload = NULL;
	struct work works[2];

	for (int i = 0; i < 2; i++)
		work_init(&works[i], 1, 1, 0);
	begin(fixture);
	put(fixture, &works[0].append); /* payload 1 is the rubric, 2 the team */
	commit(fixture);
	begin(fixture);
	redact(fixture, &item);
	put(fixture, &works[1].append);
	commit(fixture);
	look(fixture);
	first = get(fixture, &works[0]);
	next = get(fixture, &works[1]);
	assert_int_equal(first->team_payload, 2);
	assert_int_not_equal(next->team_payload, 2);
	assert_int_equal(next->project_payload, first->project_payload);
	assert_int_equal(lf_log_get_payload(fixture->log, 2, &payload, NULL), LF_OK);
	has_bytes(payload->body, "nobody");
	free(payload);
	assert_int_equal(lf_log_get_payload(fixture->log, next->team_payload, &payload, NULL), LF_OK);
	has_bytes(payload->body, works[0].team);
	free(payload);
	free(first);
	free(next);
}

static void a_key_that_was_redacted_in_the_transaction_is_free(void **state)
{
	struct fixture *fixture = *state;
	const struct lf_redact_item item = {
		.what = LF_REDACT_DECISION, .id = 1, .bytes = bytes_of("frozen"), .recommended = ""};
	struct work works[2];

	for (int i = 0; i < 2; i++)
		work_init(&works[i], 1, 1, 5);
	begin(fixture);
	put(fixture, &works[0].append);
	commit(fixture);
	begin(fixture);
	redact(fixture, &item);
	put(fixture, &works[1].append);
	assert_false(works[1].append.existing);
	assert_int_equal(works[1].append.sequence, 2);
	commit(fixture);
	look(fixture);
}

static void what_is_redacted_twice_in_a_transaction_has_pairs_that_lead_on(void **state)
{
	const unsigned what[] = {LF_REDACT_PAYLOAD, LF_REDACT_DECISION, LF_REDACT_ACT};
	struct fixture *fixture = *state;
	struct lf_act_put act = {.kind = LF_LEAF_OUTCOME, .caller = "x", .body = bytes_of("y")};
	struct lf_append put_act = {.act = &act};
	struct pairs pairs;
	struct work work;
	uint64_t first = 0;

	work_init(&work, 1, 1, 0);
	begin(fixture);
	put(fixture, &work.append);
	put(fixture, &put_act);
	commit(fixture);
	for (int i = 0; i < 3; i++) {
		struct lf_redact_item items[2];

		begin(fixture);
		for (int j = 0; j < 2; j++) {
			items[j] = (struct lf_redact_item){.what = what[i],
				.id = i == 0     ? 2
					: i == 1 ? 1
						 : act.id,
				.bytes = bytes_of(j == 0 ? "once" : "twice"),
				.recommended = ""};
			redact(fixture, &items[j]);
		}
		commit(fixture);
	}
	first = fixture->hand->leaves.tree.size - 6;
	look(fixture);
	for (int i = 0; i < 3; i++) {
		uint64_t next;

		pairs.count = 0;
		assert_int_equal(
			lf_log_audit(fixture->log, first + 2 * (uint64_t)i, 2, gather, &pairs, &next, NULL), LF_OK);
		assert_int_equal(pairs.count, 4);
		assert_memory_equal(&pairs.digests[2], &pairs.digests[1], sizeof(pairs.digests[0]));
		assert_memory_not_equal(&pairs.digests[3], &pairs.digests[0], sizeof(pairs.digests[0]));
	}
}

static void a_redaction_that_was_rolled_back_was_none(void **state)
{
	struct fixture *fixture = *state;
	const struct lf_redact_item item = {
		.what = LF_REDACT_DECISION, .id = 1, .bytes = bytes_of("frozen"), .recommended = ""};
	struct lf_stored *stored;
	struct work works[2];

	for (int i = 0; i < 2; i++)
		work_init(&works[i], 1, 1, 5);
	begin(fixture);
	put(fixture, &works[0].append);
	commit(fixture);
	begin(fixture);
	redact(fixture, &item);
	hand_rollback(fixture->hand);
	begin(fixture);
	put(fixture, &works[1].append);
	assert_true(works[1].append.existing);
	commit(fixture);
	look(fixture);
	stored = get(fixture, &works[0]);
	has_bytes(stored->answer, works[0].answer);
	free(stored);
}

/* ---- in one group ---- */

/* The first of them is by a rubric that is not stored. */
static void what_a_refused_one_of_a_group_brought_first_is_the_next_ones(void **state)
{
	struct fixture *fixture = *state;
	struct lf_append *appends[3];
	struct lf_stored *stored[2];
	struct work works[3];

	for (int i = 0; i < 3; i++) {
		work_init(&works[i], 1, 1, 5 + i / 2);
		appends[i] = &works[i].append;
	}
	work_set_rubric(&works[0], "unknown", "bytes");
	begin(fixture);
	assert_int_equal(hand_put_all(fixture->hand, appends, 3, fixture->hand->tail.time_us + 10, &fixture->error),
		LF_FAILED_PRECONDITION);
	assert_false(works[1].append.existing);
	assert_int_equal(works[1].append.sequence, 1);
	assert_int_equal(works[2].append.sequence, 2);
	lf_error_clean_up(&fixture->error);
	commit(fixture);
	look(fixture);
	for (int i = 0; i < 2; i++)
		stored[i] = get(fixture, &works[1 + i]);
	assert_int_equal(stored[0]->team_payload, stored[1]->team_payload);
	has_bytes(stored[0]->team, works[0].team);
	free(stored[0]);
	free(stored[1]);
}

#define CLAIM(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int conformance_groups_run(const struct conformance *subject)
{
	const struct CMUnitTest claims[] = {
		CLAIM(a_transaction_that_finds_all_of_it_stored_leaves_the_end_as_it_was),
		CLAIM(a_decision_by_a_rubric_of_its_transaction_and_an_act_about_it_are_stored),
		CLAIM(activations_of_one_transaction_follow_each_other),
		CLAIM(bytes_that_were_replaced_in_the_transaction_are_stored_again),
		CLAIM(a_key_that_was_redacted_in_the_transaction_is_free),
		CLAIM(what_is_redacted_twice_in_a_transaction_has_pairs_that_lead_on),
		CLAIM(a_redaction_that_was_rolled_back_was_none),
		CLAIM(what_a_refused_one_of_a_group_brought_first_is_the_next_ones),
	};

	current = subject;
	return cmocka_run_group_tests_name(subject->backend->name, claims, NULL, NULL);
}
