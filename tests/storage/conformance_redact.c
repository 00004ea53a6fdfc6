/*
 * What every storage backend must do when bytes are replaced: through the log, as a redaction is the log's and the
 * backend's together.
 */
#include "tests/storage/conformance.h"

#include <time.h>

#include "tests/storage/support.h"
#include "tests/storage/whole.h"

static const struct conformance *current; /* cmocka's set-up functions take no argument of ours */

static int set_up(void **state)
{
	struct lf_log *log;

	current->reset(current->context);
	log = log_open(current->backend, current->location);
	rubric_put(log);
	*state = log;
	return 0;
}

static int tear_down(void **state)
{
	lf_log_close(*state);
	current->reset(current->context);
	return 0;
}

/* ---- helpers ---- */

static struct lf_redact redaction_of(const struct lf_redact_item *items, size_t count)
{
	return (struct lf_redact){.kind = LF_LEAF_ERASURE,
		.caller = "admin",
		.body = bytes_of("because"),
		.items = items,
		.item_count = count};
}

static void redact(struct lf_log *log, const struct lf_redact_item *items, size_t count)
{
	struct lf_redact redaction = redaction_of(items, count);
	struct lf_error error = LF_ERROR_INIT;

	if (lf_log_redact(log, &redaction, &error) != LF_OK)
		fail_msg("%s", error.message);
}

static enum lf_code try_to_redact(struct lf_log *log, const struct lf_redact_item *items, size_t count, uint64_t seen)
{
	struct lf_redact redaction = redaction_of(items, count);

	redaction.seen_sequence = seen;
	return lf_log_redact(log, &redaction, NULL);
}

static void run(struct lf_log *log, struct work *work)
{
	if (work_run(log, work) != LF_OK)
		fail_msg("%s", work->message);
}

static struct lf_stored *get(struct lf_log *log, const struct work *work)
{
	struct lf_stored *stored = NULL;
	struct lf_error error = LF_ERROR_INIT;

	if (lf_log_get(log, &work->append.id, &stored, &error) != LF_OK)
		fail_msg("%s", error.message);
	return stored;
}

static uint64_t get_team(struct lf_log *log, const struct work *work)
{
	struct lf_stored *stored = get(log, work);
	const uint64_t payload = stored->team_payload;

	free(stored);
	return payload;
}

static void has_bytes(struct lf_bytes bytes, const char *expected)
{
	assert_int_equal(bytes.length, strlen(expected));
	assert_memory_equal(bytes.data, expected, bytes.length);
}

/* The sequences in which a person was a candidate, newest first, however many calls that takes. */
static size_t list_of(struct lf_log *log, const char *candidate, uint64_t *sequences)
{
	struct lf_filter filter = filter_any();
	struct listed *listed = calloc(1, sizeof(*listed));
	size_t count = 0;
	uint64_t next = 0;

	filter.candidate = candidate;
	filter.limit = 17;
	do {
		listed->count = 0;
		filter.before_sequence = next;
		assert_int_equal(lf_log_list(log, &filter, listed_visit, listed, &next, NULL), LF_OK);
		for (size_t i = 0; i < listed->count; i++)
			sequences[count++] = listed->sequences[i];
	} while (next != 0);
	free(listed);
	return count;
}

/* ---- what a log says about its redactions: each original leads, pair by pair, to what is stored ---- */

struct pairs {
	struct lf_log *log;
	struct lf_digest *digests; /* old, new, ... in the order of the leaves */
	size_t count;
	size_t redacted; /* records and payloads that were found replaced */
};

static void gather_pairs(void *context, const struct lf_audit_row *row)
{
	struct pairs *pairs = context;

	pairs->digests = realloc(pairs->digests, (pairs->count + row->pair_count + 1) * 2 * sizeof(*pairs->digests));
	if (row->pair_count > 0)
		memcpy(pairs->digests + 2 * pairs->count, row->pairs, row->pair_count * 2 * sizeof(*pairs->digests));
	pairs->count += row->pair_count;
}

static void leads_to(const struct pairs *pairs, struct lf_digest from, const struct lf_digest *to)
{
	assert_false(lf_digest_equal(&from, to));
	for (size_t i = 0; i < pairs->count; i++)
		if (lf_digest_equal(&pairs->digests[2 * i], &from))
			from = pairs->digests[2 * i + 1];
	assert_memory_equal(&from, to, sizeof(from));
}

static void check_pairs(void *context, const struct lf_audit_row *row)
{
	struct pairs *pairs = context;
	struct lf_digest commitment;

	if (row->redacted) {
		lf_commit(&row->salt, row->record.data, row->record.length, &commitment);
		leads_to(pairs, row->original, &commitment);
		pairs->redacted++;
	}
	for (size_t i = 0; i < row->payload_count; i++) {
		struct lf_payload_row *payload = NULL;

		if (!row->payloads[i].redacted)
			continue;
		assert_int_equal(lf_log_get_payload(pairs->log, row->payloads[i].id, &payload, NULL), LF_OK);
		lf_commit(&payload->salt, payload->body.data, payload->body.length, &commitment);
		leads_to(pairs, row->payloads[i].original, &commitment);
		pairs->redacted++;
		free(payload);
	}
}

/* Whole, and told by pairs. Returns how many records and payloads of records were found replaced. */
static size_t check_log(struct lf_log *log)
{
	struct pairs pairs = {.log = log};
	struct whole whole;
	uint64_t next;

	log_is_whole(log, &whole);
	for (int pass = 0; pass < 2; pass++) {
		next = 0;
		do
			assert_int_equal(lf_log_audit(log, next, 100, pass == 0 ? gather_pairs : check_pairs, &pairs,
						 &next, NULL),
				LF_OK);
		while (next != 0);
	}
	free(pairs.digests);
	return pairs.redacted;
}

/* ---- payloads ---- */

static void a_replaced_payload_reads_back_as_the_new_bytes_and_its_leaf_still_holds(void **state)
{
	struct lf_log *log = *state;
	struct work work;
	struct lf_stored *stored;
	struct lf_redact_item items[] = {
		{.what = LF_REDACT_PAYLOAD, .bytes = bytes_of("nobody")},
		{.what = LF_REDACT_PAYLOAD},
	};

	work_init(&work, 1, 2, 0);
	run(log, &work);
	stored = get(log, &work);
	items[0].id = stored->team_payload;
	items[1].id = stored->project_payload;
	redact(log, items, 2);
	free(stored);
	stored = get(log, &work);
	has_bytes(stored->team, "nobody");
	has_bytes(stored->project, "");
	has_bytes(stored->answer, work.answer);
	free(stored);
	assert_int_equal(check_log(log), 2);
}

static void replaced_again_the_leaf_keeps_the_first_commitment_and_the_pairs_lead_on(void **state)
{
	struct lf_log *log = *state;
	struct work work;
	struct lf_stored *stored;
	struct lf_redact_item item;

	work_init(&work, 1, 2, 0);
	run(log, &work);
	stored = get(log, &work);
	item = (struct lf_redact_item){.what = LF_REDACT_PAYLOAD, .id = stored->team_payload};
	free(stored);
	for (int i = 0; i < 3; i++) {
		char text[32];

		snprintf(text, sizeof(text), "copy %d", i);
		item.bytes = bytes_of(text);
		redact(log, &item, 1);
		assert_int_equal(check_log(log), 1);
	}
}

static void the_same_bytes_put_again_are_a_new_payload(void **state)
{
	struct lf_log *log = *state;
	struct work first, second;
	struct lf_stored *one, *two;

	work_init(&first, 1, 2, 0);
	work_init(&second, 1, 2, 0);
	run(log, &first);
	one = get(log, &first);
	/* The new bytes are the old ones: even so it is another payload, under another salt. */
	redact(log, &(struct lf_redact_item){.what = LF_REDACT_PAYLOAD, .id = one->team_payload, .bytes = one->team},
		1);
	run(log, &second);
	two = get(log, &second);
	assert_int_not_equal(one->team_payload, two->team_payload);
	assert_int_equal(one->project_payload, two->project_payload);
	has_bytes(two->team, second.team);
	free(one);
	free(two);
	check_log(log);
}

static void a_payload_that_a_younger_decision_refers_to_is_not_replaced_under_it(void **state)
{
	struct lf_log *log = *state;
	struct work first, second;
	struct lf_stored *stored;
	struct lf_redact_item team, project;

	work_init(&first, 1, 2, 0);
	work_init(&second, 1, 3, 0);
	run(log, &first);
	run(log, &second);
	stored = get(log, &first);
	team = (struct lf_redact_item){.what = LF_REDACT_PAYLOAD, .id = stored->team_payload};
	project = (struct lf_redact_item){.what = LF_REDACT_PAYLOAD, .id = stored->project_payload};
	assert_int_equal(try_to_redact(log, &team, 1, 1), LF_FAILED_PRECONDITION);
	free(stored);
	stored = get(log, &first);
	has_bytes(stored->team, first.team);
	free(stored);
	assert_int_equal(try_to_redact(log, &project, 1, 1), LF_OK);
	assert_int_equal(try_to_redact(log, &team, 1, 2), LF_OK);
	check_log(log);
}

struct payloads {
	size_t count;
	uint64_t ids[1000];
	char first[1000];
};

static void see_payload(void *context, const struct lf_payload_row *row)
{
	struct payloads *payloads = context;

	payloads->ids[payloads->count] = row->id;
	payloads->first[payloads->count++] = (char)(row->body.length > 9 ? row->body.data[9] : 0);
}

static void payloads_are_listed_by_kind_in_the_order_of_their_ids(void **state)
{
	struct lf_log *log = *state;
	struct payloads payloads = {0};
	struct work work;
	uint64_t next = 0;

	for (int i = 0; i < 100; i++) {
		work_init(&work, i, i / 2, 0);
		run(log, &work);
	}
	do
		assert_int_equal(
			lf_log_list_payloads(log, LF_PAYLOAD_TEAM, next, 7, see_payload, &payloads, &next, NULL),
			LF_OK);
	while (next != 0);
	assert_int_equal(payloads.count, 100);
	for (size_t i = 0; i < 100; i++)
		assert_true(payloads.first[i] == 't' && (i == 0 || payloads.ids[i] > payloads.ids[i - 1]));
	payloads.count = 0;
	assert_int_equal(lf_log_list_payloads(
				 log, LF_PAYLOAD_PROJECT, payloads.ids[99], 1000, see_payload, &payloads, &next, NULL),
		LF_OK);
	assert_int_equal(payloads.count, 0); /* the last project came with the last team but one */
	assert_int_equal(next, 0);
}

/* ---- decisions ---- */

static void a_replaced_decision_has_its_new_answer_and_candidates_and_no_key(void **state)
{
	struct lf_log *log = *state;
	static const char *const candidates[] = {"c-all", "erased"};
	uint64_t sequences[8];
	struct work first, second, again;
	struct lf_uuid id;
	struct lf_redact_item item;
	struct lf_stored *stored;

	work_init(&first, 1, 2, 3);
	work_init(&second, 2, 2, 4);
	run(log, &first);
	run(log, &second);
	item = (struct lf_redact_item){.what = LF_REDACT_DECISION,
		.id = 1,
		.bytes = bytes_of("frozen"),
		.candidates = candidates,
		.candidate_count = 2,
		.recommended = "erased"};
	redact(log, &item, 1);
	stored = get(log, &first);
	has_bytes(stored->answer, "frozen");
	assert_string_equal(stored->recommended, "erased");
	assert_string_equal(stored->team_id, "team-1");
	has_bytes(stored->team, first.team);
	free(stored);
	assert_int_equal(list_of(log, "c-1", sequences), 0);
	assert_int_equal(list_of(log, "erased", sequences), 1);
	assert_int_equal(list_of(log, "c-all", sequences), 2);
	assert_true(sequences[0] == 2 && sequences[1] == 1);
	assert_int_equal(lf_log_find_key(log, "hr", first.key, &first.append.request_digest, &id, NULL), LF_NOT_FOUND);
	assert_int_equal(lf_log_find_key(log, "hr", second.key, &second.append.request_digest, &id, NULL), LF_OK);
	work_init(&again, 1, 2, 3);
	run(log, &again);
	assert_false(again.append.existing);
	assert_int_equal(again.append.sequence, 3);
	assert_int_equal(list_of(log, "c-1", sequences), 1);
	assert_int_equal(sequences[0], 3);
	assert_int_equal(check_log(log), 1);
}

static void pruned_decisions_have_no_candidates(void **state)
{
	struct lf_log *log = *state;
	const size_t pruned = current->backend->shared ? 20 : 100;
	uint64_t sequences[300];
	struct work work;

	for (size_t i = 0; i < pruned + 50; i++) {
		work_init(&work, (int)i % 3, (int)i, 0);
		run(log, &work);
	}
	for (uint64_t sequence = 1; sequence <= pruned; sequence++)
		redact(log, &(struct lf_redact_item){.what = LF_REDACT_DECISION, .id = sequence, .recommended = ""}, 1);
	assert_int_equal(list_of(log, "c-all", sequences), 50);
	for (size_t i = 0; i < 50; i++)
		assert_int_equal(sequences[i], pruned + 50 - i);
	assert_int_equal(check_log(log), pruned);
}

/* Whatever goes to whichever list in whichever order, and whatever is appended meanwhile. */
static void decisions_stay_findable_by_whoever_is_left(void **state)
{
	enum { PEOPLE = 7, ROWS = 280 };
	struct lf_log *log = *state;
	const char *given = getenv("LF_TEST_SEED");
	const unsigned seed = given != NULL ? (unsigned)strtoul(given, NULL, 0) : (unsigned)time(NULL);
	static bool in[ROWS + 1][PEOPLE];
	/* A redaction costs a shared store a connection. */
	const int steps = current->backend->shared ? ROWS / 4 : 2 * ROWS;
	unsigned random = seed;
	size_t count = 0;

	printf("LF_TEST_SEED=%u\n", seed);
	memset(in, 0, sizeof(in));
	for (int step = 0; step < steps; step++) {
		char ids[PEOPLE][16];
		const char *candidates[PEOPLE];
		size_t people = 0;
		bool chosen[PEOPLE];

		for (int i = 0; i < PEOPLE; i++) {
			snprintf(ids[i], sizeof(ids[i]), "p-%d", i);
			chosen[i] = (rand_r(&random) & 1) != 0;
			/* Few lists, so that their chains are long. */
			chosen[i] = i < 5 ? step % 4 == 0 : chosen[i];
			if (chosen[i])
				candidates[people++] = ids[i];
		}
		if (count < ROWS && (count < 5 || rand_r(&random) % 2 == 0)) {
			struct work work;

			work_init(&work, 1, 1, 0);
			work.append.recommended = "";
			work.append.candidate_count = people < 4 ? people : 4;
			work.append.candidates = candidates;
			run(log, &work);
			memcpy(in[++count], chosen, sizeof(chosen));
			for (int i = 0, seen = 0; i < PEOPLE; i++)
				if (in[count][i] && ++seen > 4)
					in[count][i] = false;
		} else {
			const uint64_t sequence = 1 + (uint64_t)rand_r(&random) % count;
			const struct lf_redact_item item = {.what = LF_REDACT_DECISION,
				.id = sequence,
				.candidates = candidates,
				.candidate_count = people < 4 ? people : 4,
				.recommended = ""};

			redact(log, &item, 1);
			memcpy(in[sequence], chosen, sizeof(chosen));
			for (int i = 0, seen = 0; i < PEOPLE; i++)
				if (in[sequence][i] && ++seen > 4)
					in[sequence][i] = false;
		}
	}
	for (int i = 0; i < PEOPLE; i++) {
		uint64_t sequences[ROWS];
		char id[16];
		size_t found, at;

		snprintf(id, sizeof(id), "p-%d", i);
		found = list_of(log, id, sequences);
		at = 0;
		for (uint64_t sequence = count; sequence > 0; sequence--)
			if (in[sequence][i]) {
				assert_true(at < found);
				assert_int_equal(sequences[at++], sequence);
			}
		assert_int_equal(at, found);
	}
	check_log(log);
}

/* ---- acts ---- */

static void see_body(void *context, const struct lf_act_row *row)
{
	if (row->id == 1)
		snprintf(context, 64, "%.*s", (int)row->body.length, (const char *)row->body.data);
}

static void a_replaced_act_has_its_new_body(void **state)
{
	struct lf_log *log = *state;
	struct work work;
	char body[64] = "";
	uint64_t next;
	struct lf_act_put act;

	work_init(&work, 1, 2, 0);
	run(log, &work);
	act = (struct lf_act_put){.kind = LF_LEAF_OUTCOME,
		.caller = "boss",
		.decision = &work.append.id,
		.body = bytes_of("c-1 is on leave")};
	assert_int_equal(lf_log_put_act(log, &act, NULL), LF_OK);
	redact(log, &(struct lf_redact_item){.what = LF_REDACT_ACT, .id = act.id, .bytes = bytes_of("cut")}, 1);
	assert_int_equal(lf_log_list_acts(log, LF_LEAF_OUTCOME, NULL, 0, 10, see_body, body, &next, NULL), LF_OK);
	assert_string_equal(body, "cut");
	assert_int_equal(check_log(log), 1);
}

static void an_act_made_of_what_was_read_before_a_redaction_is_not_recorded(void **state)
{
	struct lf_log *log = *state;
	struct lf_error error = LF_ERROR_INIT;
	struct lf_tree_head seen, after;
	struct work work;
	struct lf_act_put act;

	work_init(&work, 1, 2, 0);
	run(log, &work);
	assert_int_equal(lf_log_head(log, &seen, NULL), LF_OK);
	act = (struct lf_act_put){.kind = LF_LEAF_OUTCOME,
		.caller = "boss",
		.decision = &work.append.id,
		.body = bytes_of("c-1 leads"),
		.seen_size = seen.size};
	assert_int_equal(lf_log_put_act(log, &act, NULL), LF_OK);
	assert_int_equal(lf_log_put_act(log, &act, NULL), LF_OK); /* other records are no reason */
	redact(log, &(struct lf_redact_item){.what = LF_REDACT_ACT, .id = act.id, .bytes = bytes_of("cut")}, 1);
	assert_int_equal(lf_log_put_act(log, &act, &error), LF_ABORTED);
	lf_error_clean_up(&error);
	assert_int_equal(lf_log_head(log, &after, NULL), LF_OK);
	assert_int_equal(after.size, seen.size + 3);
	act.seen_size = after.size - 1;
	assert_int_equal(lf_log_put_act(log, &act, NULL), LF_ABORTED);
	act.seen_size = after.size;
	assert_int_equal(lf_log_put_act(log, &act, NULL), LF_OK);
	act.seen_size = 0;
	assert_int_equal(lf_log_put_act(log, &act, NULL), LF_OK);
	check_log(log);
}

/* A job's record is about no decision; what it says of a person goes as what an outcome says does. */
static void the_record_of_a_job_can_be_redacted(void **state)
{
	struct lf_log *log = *state;
	struct lf_act_put act = {.kind = LF_LEAF_JOB, .caller = "dpo", .body = bytes_of("erase c-1")};
	char body[64] = "";
	uint64_t next;

	assert_int_equal(lf_log_put_act(log, &act, NULL), LF_OK);
	assert_int_equal(lf_log_list_acts(log, LF_LEAF_JOB, NULL, 0, 10, see_body, body, &next, NULL), LF_OK);
	assert_string_equal(body, "erase c-1");
	redact(log, &(struct lf_redact_item){.what = LF_REDACT_ACT, .id = act.id, .bytes = bytes_of("erase")}, 1);
	assert_int_equal(lf_log_list_acts(log, LF_LEAF_JOB, NULL, 0, 10, see_body, body, &next, NULL), LF_OK);
	assert_string_equal(body, "erase");
	check_log(log);
}

/* ---- refusals ---- */

static void nothing_is_replaced_where_one_item_is_not_stored(void **state)
{
	struct lf_log *log = *state;
	struct work work;
	struct whole before, after;
	struct lf_stored *stored;

	work_init(&work, 1, 2, 0);
	run(log, &work);
	log_is_whole(log, &before);
	for (int what = LF_REDACT_PAYLOAD; what <= LF_REDACT_ACT; what++) {
		struct lf_redact_item items[] = {
			{.what = LF_REDACT_DECISION, .id = 1, .bytes = bytes_of("frozen"), .recommended = ""},
			{.id = 99, .recommended = ""}};

		items[1].what = (unsigned)what;
		assert_int_equal(try_to_redact(log, items, 2, 0), LF_NOT_FOUND);
	}
	stored = get(log, &work);
	has_bytes(stored->answer, work.answer);
	free(stored);
	log_is_whole(log, &after);
	assert_memory_equal(&before, &after, sizeof(before));
}

static void a_rubric_stays_and_a_stranger_is_not_recommended(void **state)
{
	struct lf_log *log = *state;
	static const char *const candidates[] = {"c-all"};
	struct work work;
	struct lf_stored *stored;
	struct lf_redact_item item;

	work_init(&work, 1, 2, 0);
	run(log, &work);
	stored = get(log, &work);
	for (uint64_t id = 1; id <= 3; id++)
		assert_int_equal(
			try_to_redact(log, &(struct lf_redact_item){.what = LF_REDACT_PAYLOAD, .id = id}, 1, 0),
			id == stored->team_payload || id == stored->project_payload ? LF_OK : LF_INVALID_ARGUMENT);
	free(stored);
	item = (struct lf_redact_item){.what = LF_REDACT_DECISION,
		.id = 1,
		.candidates = candidates,
		.candidate_count = 1,
		.recommended = "c-1"};
	assert_int_equal(try_to_redact(log, &item, 1, 0), LF_INVALID_ARGUMENT);
	item.recommended = "";
	assert_int_equal(
		try_to_redact(log, (struct lf_redact_item[]){item, item}, 2, 0), LF_INVALID_ARGUMENT); /* twice */
	check_log(log);
}

static void everything_is_there_after_reopening(void **state)
{
	struct lf_log *log = *state;
	static const char *const candidates[] = {"c-all"};
	const int count = current->backend->shared ? 40 : 200;
	uint64_t sequences[300];
	struct work work;

	for (int i = 0; i < count; i++) {
		work_init(&work, 1, i, i + 1);
		run(log, &work);
	}
	for (uint64_t sequence = (uint64_t)count; sequence > 0; sequence -= 2) {
		const struct lf_redact_item item = {.what = LF_REDACT_DECISION,
			.id = sequence,
			.candidates = candidates,
			.candidate_count = 1,
			.recommended = ""};

		redact(log, &item, 1);
	}
	lf_log_close(log);
	*state = log = log_open(current->backend, current->location);
	assert_int_equal(list_of(log, "c-all", sequences), count);
	assert_int_equal(list_of(log, "c-1", sequences), count / 2);
	work_init(&work, 1, 5, 0);
	run(log, &work);
	assert_int_equal(list_of(log, "c-1", sequences), count / 2 + 1);
	assert_int_equal(check_log(log), count / 2);
}

/* What else said that something was replaced, nobody who verifies would look at; and an outcome replaces nothing. */
static void an_act_of_another_kind_is_not_recorded(void **state)
{
	struct lf_log *log = *state;
	struct lf_tree_head before, after;
	struct work work;

	work_init(&work, 1, 1, 0);
	run(log, &work);
	assert_int_equal(lf_log_head(log, &before, NULL), LF_OK);
	for (int kind = 0; kind <= LF_LEAF_KIND_MAX + 1; kind++) {
		const struct lf_redact_item item = {.what = LF_REDACT_PAYLOAD, .id = get_team(log, &work)};
		struct lf_redact redaction = redaction_of(&item, 1);
		struct lf_act_put act = {.kind = (enum lf_leaf_kind)kind,
			.caller = "hr",
			.decision = &work.append.id,
			.body = bytes_of("x")};

		redaction.kind = (enum lf_leaf_kind)kind;
		if (kind != LF_LEAF_ERASURE && kind != LF_LEAF_PRUNING)
			assert_int_equal(lf_log_redact(log, &redaction, NULL), LF_INVALID_ARGUMENT);
		if (kind != LF_LEAF_OUTCOME) /* an outcome alone is about a decision */
			assert_int_equal(lf_log_put_act(log, &act, NULL), LF_INVALID_ARGUMENT);
	}
	assert_int_equal(lf_log_head(log, &after, NULL), LF_OK);
	assert_int_equal(before.size, after.size);
}

/*
 * A list and a person that the first item leaves without anybody are the second one's new ones: within one redaction,
 * too.
 */
static void what_an_item_made_unused_can_be_used_by_a_later_one(void **state)
{
	struct lf_log *log = *state;
	struct work first, second;
	uint64_t sequences[4];
	static const char *const nobody[] = {"erased"};
	struct lf_stored *stored;
	struct lf_redact_item items[] = {
		{.what = LF_REDACT_DECISION,
			.id = 1,
			.bytes = bytes_of("a"),
			.candidates = nobody,
			.candidate_count = 1,
			.recommended = ""},
		{.what = LF_REDACT_DECISION, .id = 2, .bytes = bytes_of("b"), .recommended = ""},
	};

	work_init(&first, 1, 1, 0);
	work_init(&second, 2, 2, 0);
	run(log, &first);
	run(log, &second);
	items[1].candidates = first.append.candidates;
	items[1].candidate_count = first.append.candidate_count;
	items[1].recommended = first.append.recommended;
	redact(log, items, 2);
	assert_int_equal(list_of(log, "c-1", sequences), 1);
	assert_int_equal(sequences[0], 2);
	assert_int_equal(list_of(log, "c-2", sequences), 0);
	assert_int_equal(list_of(log, "erased", sequences), 1);
	stored = get(log, &second);
	assert_string_equal(stored->recommended, "c-1");
	free(stored);
}

int conformance_redact_run(const struct conformance *subject)
{
#define CLAIM(claim) cmocka_unit_test_setup_teardown(claim, set_up, tear_down)
	const struct CMUnitTest claims[] = {
		CLAIM(a_replaced_payload_reads_back_as_the_new_bytes_and_its_leaf_still_holds),
		CLAIM(replaced_again_the_leaf_keeps_the_first_commitment_and_the_pairs_lead_on),
		CLAIM(the_same_bytes_put_again_are_a_new_payload),
		CLAIM(a_payload_that_a_younger_decision_refers_to_is_not_replaced_under_it),
		CLAIM(payloads_are_listed_by_kind_in_the_order_of_their_ids),
		CLAIM(a_replaced_decision_has_its_new_answer_and_candidates_and_no_key),
		CLAIM(pruned_decisions_have_no_candidates),
		CLAIM(decisions_stay_findable_by_whoever_is_left),
		CLAIM(the_record_of_a_job_can_be_redacted),
		CLAIM(an_act_of_another_kind_is_not_recorded),
		CLAIM(what_an_item_made_unused_can_be_used_by_a_later_one),
		CLAIM(a_replaced_act_has_its_new_body),
		CLAIM(an_act_made_of_what_was_read_before_a_redaction_is_not_recorded),
		CLAIM(nothing_is_replaced_where_one_item_is_not_stored),
		CLAIM(a_rubric_stays_and_a_stranger_is_not_recommended),
		CLAIM(everything_is_there_after_reopening),
	};

	current = subject;
	return cmocka_run_group_tests_name(subject->backend->name, claims, NULL, NULL);
}
