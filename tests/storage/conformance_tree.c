/*
 * What every backend owes the tree: a leaf a record, in order, over canonical bytes; a head that is committed with
 * them; acts; the audit. Records are packed here by protobuf-c, and leaves and roots made by whole.c: nothing of
 * storage's own code says what is right.
 */
#include "leadfit/v1/record.pb-c.h"
#include "tests/storage/conformance.h"
#include "tests/storage/support.h"
#include "tests/storage/whole.h"

static const struct conformance *current;

static int set_up(void **state)
{
	current->reset(current->context);
	*state = NULL;
	return 0;
}

static struct lf_log *open_log(void)
{
	return log_open(current->backend, current->location);
}

/* ---- canonical bytes ---- */

/* What a decision's record must be, as someone who knows record.proto packs it. */
static size_t pack_decision(const struct work *work, uint8_t *out)
{
	const struct lf_append *append = &work->append;
	Leadfit__V1__DecisionRecord record = LEADFIT__V1__DECISION_RECORD__INIT;

	record.sequence = append->sequence;
	record.id = (ProtobufCBinaryData){16, (uint8_t *)(uintptr_t)append->id.bytes};
	record.decided_at_us = append->decided_at_us;
	record.caller = (char *)(uintptr_t)append->caller;
	record.team = (char *)(uintptr_t)append->team_id;
	record.project = (char *)(uintptr_t)append->project_id;
	record.rubric = (char *)(uintptr_t)append->rubric_name;
	record.outcome = append->outcome;
	record.purpose = append->purpose;
	record.recommended = (char *)(uintptr_t)append->recommended;
	record.candidates = (ProtobufCBinaryData){32, (uint8_t *)(uintptr_t)append->candidates_digest.bytes};
	if (append->idempotency_key[0] != '\0')
		record.request_digest = (ProtobufCBinaryData){32, (uint8_t *)(uintptr_t)append->request_digest.bytes};
	record.answer = (ProtobufCBinaryData){append->answer.length, (uint8_t *)(uintptr_t)append->answer.data};
	return leadfit__v1__decision_record__pack(&record, out);
}

struct expected {
	const struct work *work;
	size_t seen;
	struct lf_log *log;
};

static void check_payload(struct lf_log *log, uint64_t id, enum lf_payload_kind kind, struct lf_bytes body)
{
	struct lf_payload_row *row = NULL;

	assert_int_equal(lf_log_get_payload(log, id, &row, NULL), LF_OK);
	assert_int_equal(row->kind, kind);
	assert_int_equal(row->body.length, body.length);
	assert_memory_equal(row->body.data, body.data, body.length);
	free(row);
}

static void check_decision(void *context, const struct lf_audit_row *row)
{
	struct expected *expected = context;
	uint8_t bytes[1024];
	size_t length;

	if (row->kind != LF_LEAF_DECISION || row->number != expected->work->append.sequence)
		return;
	length = pack_decision(expected->work, bytes);
	assert_null(row->missing);
	assert_int_equal(row->record.length, length);
	assert_memory_equal(row->record.data, bytes, length);
	assert_int_equal(row->time_us, expected->work->append.decided_at_us);
	assert_memory_equal(&row->decision, &expected->work->append.id, sizeof(row->decision));
	assert_int_equal(row->payload_count, 3);
	assert_int_equal(row->pair_count, 0);
	check_payload(expected->log, row->payloads[0].id, LF_PAYLOAD_TEAM, expected->work->append.team);
	check_payload(expected->log, row->payloads[1].id, LF_PAYLOAD_PROJECT, expected->work->append.project);
	check_payload(expected->log, row->payloads[2].id, LF_PAYLOAD_RUBRIC, bytes_of(RUBRIC_BODY));
	expected->seen++;
}

static void a_decision_commits_to_its_canonical_bytes_and_payloads(void **state)
{
	struct lf_log *log = open_log();
	struct work works[4];

	(void)state;
	rubric_put(log);
	for (int i = 0; i < 4; i++)
		work_init(&works[i], i % 2, 1, i == 1 ? 0 : i + 1);
	works[2].append.recommended = "";
	works[2].append.outcome = works[2].append.purpose = 0;
	works[3].append.team_id = works[3].append.caller = "";
	works[3].append.candidate_count = 0;
	works[3].append.recommended = "";
	for (int i = 0; i < 4; i++) {
		struct expected expected;

		if (work_run(log, &works[i]) != LF_OK)
			fail_msg("%d: %s", i, works[i].message);
		expected = (struct expected){.work = &works[i], .log = log};
		audit_all(log, 0, check_decision, &expected);
		assert_int_equal(expected.seen, 1);
	}
	lf_log_close(log);
}

struct texts {
	size_t count;
	uint8_t bytes[8][256];
	size_t lengths[8];
	enum lf_leaf_kind kinds[8];
};

static void keep_record(void *context, const struct lf_audit_row *row)
{
	struct texts *texts = context;

	assert_null(row->missing);
	assert_true(texts->count < 8 && row->record.length <= 256);
	memcpy(texts->bytes[texts->count], row->record.data, row->record.length);
	texts->lengths[texts->count] = row->record.length;
	texts->kinds[texts->count++] = row->kind;
}

static void keep_activation(void *context, const struct lf_activation_row *row)
{
	int64_t *time_us = context;

	if (*time_us == 0) /* the newest */
		*time_us = row->activated_at_us;
}

static void rubrics_activations_and_outcomes_commit_to_their_canonical_bytes(void **state)
{
	struct lf_log *log = open_log();
	struct lf_digest digests[2];
	struct texts *texts = calloc(1, sizeof(*texts));
	struct work work;
	Leadfit__V1__RubricRecord rubric = LEADFIT__V1__RUBRIC_RECORD__INIT;
	Leadfit__V1__ActivationRecord activation = LEADFIT__V1__ACTIVATION_RECORD__INIT;
	Leadfit__V1__ActRecord record = LEADFIT__V1__ACT_RECORD__INIT;
	uint8_t bytes[256];
	int64_t time_us = 0;
	struct lf_act_put act;
	struct lf_rubric_row *row;

	(void)state;
	rubric_put(log);
	lf_sha256(RUBRIC_BODY, strlen(RUBRIC_BODY), &digests[0]);
	lf_sha256("two", 3, &digests[1]);
	assert_int_equal(
		lf_log_put_rubric(log, RUBRIC_NAME, "T", "ann", bytes_of("two"), &digests[1], false, NULL, NULL, NULL),
		LF_OK);
	assert_int_equal(lf_log_activate_rubric(log, NULL, &digests[1], "bob", NULL, NULL), LF_OK);
	work_init(&work, 1, 1, 0);
	assert_int_equal(work_run(log, &work), LF_OK);
	act = (struct lf_act_put){
		.kind = LF_LEAF_OUTCOME, .caller = "eve", .decision = &work.append.id, .body = bytes_of("a body")};
	assert_int_equal(lf_log_put_act(log, &act, NULL), LF_OK);
	assert_int_equal(act.id, 1);
	assert_int_equal(act.position, 5);
	audit_all(log, 2, keep_record, texts);
	assert_int_equal(texts->count, 4);
	assert_int_equal(texts->kinds[0], LF_LEAF_RUBRIC);
	row = NULL;
	assert_int_equal(lf_log_get_rubric(log, NULL, &digests[1], &row, NULL), LF_OK);
	rubric.name = (char *)(uintptr_t)RUBRIC_NAME;
	rubric.title = (char *)(uintptr_t) "T";
	rubric.put_by = (char *)(uintptr_t) "ann";
	rubric.put_at_us = row->put_at_us;
	free(row);
	assert_int_equal(texts->lengths[0], leadfit__v1__rubric_record__pack(&rubric, bytes));
	assert_memory_equal(texts->bytes[0], bytes, texts->lengths[0]);
	assert_int_equal(texts->kinds[1], LF_LEAF_ACTIVATION);
	time_us = 0;
	assert_int_equal(lf_log_list_activations(log, NULL, keep_activation, &time_us, NULL), LF_OK);
	activation.name = (char *)(uintptr_t)RUBRIC_NAME;
	activation.caller = (char *)(uintptr_t) "bob";
	activation.activated_at_us = time_us;
	activation.from = (ProtobufCBinaryData){32, digests[0].bytes};
	activation.to = (ProtobufCBinaryData){32, digests[1].bytes};
	assert_int_equal(texts->lengths[1], leadfit__v1__activation_record__pack(&activation, bytes));
	assert_memory_equal(texts->bytes[1], bytes, texts->lengths[1]);
	assert_int_equal(texts->kinds[3], LF_LEAF_OUTCOME);
	record.kind = LF_LEAF_OUTCOME;
	record.caller = (char *)(uintptr_t) "eve";
	record.at_us = act.at_us;
	record.decision_sequence = 1;
	record.body = (ProtobufCBinaryData){6, (uint8_t *)(uintptr_t) "a body"};
	assert_int_equal(texts->lengths[3], leadfit__v1__act_record__pack(&record, bytes));
	assert_memory_equal(texts->bytes[3], bytes, texts->lengths[3]);
	free(texts);
	lf_log_close(log);
}

/* ---- order, head, reopening ---- */

static void note_kind(void *context, const struct lf_audit_row *row)
{
	char *text = context;

	text[strlen(text)] = lf_leaf_kind_name(row->kind)[0];
}

static void every_record_is_a_leaf_in_its_order_and_what_changes_nothing_is_none(void **state)
{
	char text[32] = "";
	struct lf_log *log = open_log();
	struct lf_error error = LF_ERROR_INIT;
	struct lf_digest digest;
	struct whole whole;
	struct work work, again;
	struct lf_act_put act;

	(void)state;
	lf_sha256("two", 3, &digest);
	log_is_whole(log, &whole);
	assert_int_equal(whole.size, 0);
	rubric_put(log); /* and is made active */
	rubric_put(log); /* nothing */
	assert_int_equal(
		lf_log_put_rubric(log, RUBRIC_NAME, "T", "a", bytes_of("two"), &digest, false, NULL, NULL, NULL),
		LF_OK);
	work_init(&work, 1, 1, 1);
	assert_int_equal(work_run(log, &work), LF_OK);
	work_init(&again, 1, 1, 1);
	assert_int_equal(work_run(log, &again), LF_OK); /* known by its key */
	assert_true(again.append.existing);
	again.append.rubric_digest.bytes[0] ^= 1;
	again.append.idempotency_key = "";
	atomic_store(&again.completions, 0);
	assert_int_equal(work_run(log, &again), LF_FAILED_PRECONDITION);
	assert_int_equal(lf_log_activate_rubric(log, NULL, &digest, "a", NULL, NULL), LF_OK);
	assert_int_equal(lf_log_activate_rubric(log, NULL, &digest, "a", NULL, NULL), LF_OK); /* nothing */
	act = (struct lf_act_put){
		.kind = LF_LEAF_OUTCOME, .caller = "eve", .decision = &work.append.id, .body = bytes_of("x")};
	assert_int_equal(lf_log_put_act(log, &act, NULL), LF_OK);
	assert_int_equal(lf_log_put_act(log, &act, NULL), LF_OK); /* another act */
	act.decision = &(struct lf_uuid){{9}};
	assert_int_equal(lf_log_put_act(log, &act, &error), LF_NOT_FOUND);
	lf_error_clean_up(&error);
	audit_all(log, 0, note_kind, text);
	assert_string_equal(text, "rardaoo");
	log_is_whole(log, &whole);
	lf_log_close(log);
}

static void the_tree_goes_on_over_many_sizes_and_reopenings(void **state)
{
	enum { WORKS = 1200 };
	struct work *works = calloc(WORKS, sizeof(*works));
	struct lf_log *log = open_log();
	struct lf_tree_head before, after;
	struct whole whole;

	(void)state;
	rubric_put(log);
	for (int i = 0; i < WORKS; i++) {
		work_init(&works[i], i % 11, i % 5, 0);
		lf_log_append(log, &works[i].append);
		if (i % 101 == 0 || i == WORKS - 1) {
			for (int j = 0; j <= i; j++)
				work_wait(&works[j]);
			assert_int_equal(lf_log_head(log, &before, NULL), LF_OK);
			assert_int_equal(before.size, i + 3);
			lf_log_close(log);
			log = open_log();
			assert_int_equal(lf_log_head(log, &after, NULL), LF_OK);
			assert_memory_equal(&before, &after, sizeof(before));
		}
	}
	log_is_whole(log, &whole);
	assert_int_equal(whole.kinds[LF_LEAF_DECISION], WORKS);
	lf_log_close(log);
	free(works);
}

static void an_audit_goes_page_by_page_from_anywhere(void **state)
{
	char text[64] = "";
	struct lf_log *log = open_log();
	uint64_t next = 0;
	static const uint64_t beyond[] = {22, 1000000, INT64_MAX, UINT64_MAX};

	(void)state;
	rubric_put(log);
	for (int i = 0; i < 20; i++) {
		struct work work;

		work_init(&work, i, i, 0);
		assert_int_equal(work_run(log, &work), LF_OK);
	}
	for (int pages = 0; pages == 0 || next != 0; pages++) {
		const uint64_t from = next;

		assert_int_equal(lf_log_audit(log, from, 7, note_kind, text, &next, NULL), LF_OK);
		assert_true(next == 0 || next <= from + 7);
	}
	assert_string_equal(text, "radddddddddddddddddddd");
	memset(text, 0, sizeof(text));
	assert_int_equal(lf_log_audit(log, 21, 7, note_kind, text, &next, NULL), LF_OK);
	assert_string_equal(text, "d");
	assert_int_equal(next, 0);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(lf_log_audit(log, beyond[i], 7, note_kind, text, &next, NULL), LF_OK);
		assert_int_equal(next, 0);
	}
	assert_string_equal(text, "d");
	lf_log_close(log);
}

static void what_is_not_there_is_not_found(void **state)
{
	struct lf_log *log = open_log();
	struct lf_payload_row *row = NULL;
	struct lf_digest hash;
	uint64_t position;

	(void)state;
	rubric_put(log);
	assert_int_equal(lf_log_get_payload(log, 99, &row, NULL), LF_NOT_FOUND);
	assert_int_equal(lf_log_get_payload(log, UINT64_MAX, &row, NULL), LF_NOT_FOUND);
	assert_int_equal(lf_log_find_leaf(log, &(struct lf_uuid){{9}}, &position, NULL), LF_NOT_FOUND);
	assert_int_equal(lf_log_hashes(log, 0, 2, 1, &hash, NULL), LF_DATA_LOSS);
	assert_int_equal(lf_log_hashes(log, 8, 0, 1, &hash, NULL), LF_DATA_LOSS);
	lf_log_close(log);
}

/* ---- rollback: against the vtable, as the log has no other way to cause one ---- */

static void a_rolled_back_leaf_never_was(void **state)
{
	const struct lf_backend *backend = current->backend;
	const struct lf_log_options options = {.location = current->location};
	struct lf_error error = LF_ERROR_INIT;
	struct lf_store *store = NULL;
	struct lf_tail before, after;
	struct work work;
	struct whole whole;
	struct lf_act_put act = {.kind = LF_LEAF_OUTCOME, .caller = "x", .body = bytes_of("y")};
	struct lf_append append = {.act = &act};
	struct lf_log *log, *hand;

	(void)state;
	assert_int_equal(backend->open(&store, &options, &error), LF_OK);
	hand = hand_new(backend, store);
	rubric_store(backend, store);
	work_init(&work, 1, 1, 0);
	assert_int_equal(work_store(backend, store, &work), LF_OK);
	assert_int_equal(backend->tail(store, &before, &error), LF_OK);
	assert_int_equal(before.tree.size, 3);
	assert_int_equal(hand_begin(hand, &error), LF_OK);
	for (int i = 0; i < 40; i++) {
		assert_int_equal(hand_put(hand, &append, 1000, &error), LF_OK);
		assert_int_equal(act.position, 3 + i);
		assert_int_equal(act.id, 1 + i);
	}
	hand_rollback(hand);
	assert_int_equal(backend->tail(store, &after, &error), LF_OK);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(hand_begin(hand, &error), LF_OK);
	assert_int_equal(hand_put(hand, &append, 1000, &error), LF_OK);
	assert_int_equal(act.position, 3);
	assert_int_equal(act.id, 1);
	assert_int_equal(hand_commit(hand, &error), LF_OK);
	assert_int_equal(backend->tail(store, &after, &error), LF_OK);
	assert_int_equal(after.tree.size, 4);
	assert_int_equal(after.time_us, 1000); /* an act's, too */
	hand_free(hand);
	backend->close(store);
	log = open_log();
	log_is_whole(log, &whole);
	assert_int_equal(whole.size, 4);
	lf_log_close(log);
}

/* ---- acts ---- */

struct act_list {
	size_t count;
	uint64_t ids[64];
	char bodies[64];
};

static void keep_act(void *context, const struct lf_act_row *row)
{
	struct act_list *acts = context;

	assert_true(acts->count < 64 && row->body.length == 1);
	assert_string_equal(row->caller, "eve");
	acts->bodies[acts->count] = (char)row->body.data[0];
	acts->ids[acts->count++] = row->id;
}

static void acts_are_listed_oldest_first_page_by_page_by_kind_and_by_decision(void **state)
{
	struct lf_log *log = open_log();
	struct work works[3];
	struct act_list acts = {0};
	struct lf_stored *stored = NULL;
	uint64_t next = 0;

	(void)state;
	rubric_put(log);
	for (int i = 0; i < 3; i++) {
		work_init(&works[i], i, i, 0);
		assert_int_equal(work_run(log, &works[i]), LF_OK);
	}
	assert_int_equal(lf_log_get(log, &works[0].append.id, &stored, NULL), LF_OK);
	for (int i = 0; i < 30; i++) {
		const char body[2] = {(char)('A' + i), 0};
		struct lf_act_put act = {.kind = LF_LEAF_OUTCOME,
			.caller = "eve",
			.decision = i % 4 == 3 ? NULL : &works[i % 4].append.id,
			.body = bytes_of(body)};
		const struct lf_redact_item item = {.what = LF_REDACT_PAYLOAD, .id = stored->team_payload};
		struct lf_redact pruning = {.kind = LF_LEAF_PRUNING,
			.caller = "eve",
			.body = bytes_of(body),
			.items = &item,
			.item_count = 1};

		assert_int_equal(
			i % 5 == 4 ? lf_log_redact(log, &pruning, NULL) : lf_log_put_act(log, &act, NULL), LF_OK);
	}
	do {
		assert_int_equal(lf_log_list_acts(log, 0, NULL, next, 7, keep_act, &acts, &next, NULL), LF_OK);
	} while (next != 0);
	assert_int_equal(acts.count, 30);
	for (size_t i = 0; i < 30; i++) {
		assert_int_equal(acts.ids[i], i + 1);
		assert_int_equal(acts.bodies[i], 'A' + i);
	}
	memset(&acts, 0, sizeof(acts));
	do {
		assert_int_equal(
			lf_log_list_acts(log, LF_LEAF_PRUNING, NULL, next, 2, keep_act, &acts, &next, NULL), LF_OK);
	} while (next != 0);
	assert_string_equal(acts.bodies, "EJOTY^");
	memset(&acts, 0, sizeof(acts));
	do {
		assert_int_equal(lf_log_list_acts(log, LF_LEAF_OUTCOME, &works[1].append.id, next, 3, keep_act, &acts,
					 &next, NULL),
			LF_OK);
	} while (next != 0);
	assert_string_equal(acts.bodies, "BFNRVZ"); /* 1, 5, 9, ... but 9 and 29, which are prunings */
	memset(&acts, 0, sizeof(acts));
	assert_int_equal(lf_log_list_acts(log, 0, &(struct lf_uuid){{9}}, 0, 3, keep_act, &acts, &next, NULL), LF_OK);
	assert_int_equal(acts.count + next, 0);
	assert_int_equal(lf_log_list_acts(log, 0, NULL, 30, 3, keep_act, &acts, &next, NULL), LF_OK);
	assert_int_equal(acts.count + next, 0);
	free(stored);
	lf_log_close(log);
}

static void a_row_says_which_payloads_it_has(void **state)
{
	struct lf_log *log = open_log();
	struct work works[3];
	struct lf_stored *stored[3];

	(void)state;
	rubric_put(log);
	for (int i = 0; i < 3; i++) {
		work_init(&works[i], i % 2, 1, 0);
		assert_int_equal(work_run(log, &works[i]), LF_OK);
		assert_int_equal(lf_log_get(log, &works[i].append.id, &stored[i], NULL), LF_OK);
		check_payload(log, stored[i]->team_payload, LF_PAYLOAD_TEAM, works[i].append.team);
		check_payload(log, stored[i]->project_payload, LF_PAYLOAD_PROJECT, works[i].append.project);
	}
	assert_int_equal(stored[0]->team_payload, stored[2]->team_payload);
	assert_int_not_equal(stored[0]->team_payload, stored[1]->team_payload);
	for (int i = 0; i < 3; i++)
		free(stored[i]);
	lf_log_close(log);
}

#define CLAIM(function) cmocka_unit_test_setup(function, set_up)

int conformance_tree_run(const struct conformance *subject)
{
	const struct CMUnitTest claims[] = {
		CLAIM(a_decision_commits_to_its_canonical_bytes_and_payloads),
		CLAIM(rubrics_activations_and_outcomes_commit_to_their_canonical_bytes),
		CLAIM(every_record_is_a_leaf_in_its_order_and_what_changes_nothing_is_none),
		CLAIM(the_tree_goes_on_over_many_sizes_and_reopenings),
		CLAIM(an_audit_goes_page_by_page_from_anywhere),
		CLAIM(what_is_not_there_is_not_found),
		CLAIM(a_rolled_back_leaf_never_was),
		CLAIM(acts_are_listed_oldest_first_page_by_page_by_kind_and_by_decision),
		CLAIM(a_row_says_which_payloads_it_has),
	};
	int failed;

	current = subject;
	failed = cmocka_run_group_tests_name(subject->backend->name, claims, NULL, NULL);
	subject->reset(subject->context);
	return failed;
}
