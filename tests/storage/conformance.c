#include "tests/storage/conformance.h"

#include "storage/log/private.h"
#include "tests/storage/support.h"

/* One opened store with a reader. */
struct fixture {
	const struct conformance *subject;
	const struct lf_backend *backend;
	struct lf_store *store;
	struct lf_reader *reader;
	struct lf_log *hand;
	struct lf_error error;
};

static const struct conformance *current; /* cmocka's set-up functions take no argument of ours */

static void open_fixture(struct fixture *fixture)
{
	const struct lf_log_options options = {.location = fixture->subject->location};

	lf_error_init(&fixture->error);
	if (fixture->backend->open(&fixture->store, &options, &fixture->error) != LF_OK ||
		fixture->backend->open_reader(fixture->store, &fixture->reader, &fixture->error) != LF_OK)
		fail_msg("%s", fixture->error.message);
	fixture->hand = hand_new(fixture->backend, fixture->store);
}

static void close_fixture(struct fixture *fixture)
{
	lf_error_clean_up(&fixture->error);
	hand_free(fixture->hand);
	fixture->backend->close_reader(fixture->reader);
	fixture->backend->close(fixture->store);
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	current->reset(current->context);
	fixture->subject = current;
	fixture->backend = current->backend;
	open_fixture(fixture);
	rubric_store(fixture->backend, fixture->store);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	close_fixture(fixture);
	current->reset(current->context);
	free(fixture);
	return 0;
}

static enum lf_code begin(struct fixture *fixture)
{
	fixture->hand->tail_known = false; /* others of the test write, too */
	return hand_begin(fixture->hand, &fixture->error);
}

static enum lf_code commit(struct fixture *fixture)
{
	return hand_commit(fixture->hand, &fixture->error);
}

static enum lf_code put(struct fixture *fixture, struct lf_append *append, int64_t at_us)
{
	return hand_put(fixture->hand, append, at_us, &fixture->error);
}

/* Stores, and expects it to work. */
static void store(struct fixture *fixture, struct work *work)
{
	if (work_store(fixture->backend, fixture->store, work) != LF_OK)
		fail_msg("%s", work->message);
}

/* One page. A call may end before the page is full, for it looks only so long: then the next one goes on. */
static uint64_t list(struct fixture *fixture, const struct lf_filter *filter, struct listed *listed)
{
	struct lf_filter rest = *filter;
	uint64_t next = 12345;

	listed->count = 0;
	do {
		if (fixture->backend->list(fixture->reader, &rest, listed_visit, listed, &next, &fixture->error) !=
			LF_OK)
			fail_msg("%s", fixture->error.message);
		rest.before_sequence = next;
		rest.limit = filter->limit - listed->count;
	} while (next != 0 && rest.limit != 0);
	return next;
}

/* ---- opening ---- */

static void a_second_store_of_the_same_location_is_refused(void **state)
{
	struct fixture *fixture = *state;
	const struct lf_log_options options = {.location = fixture->subject->location};
	struct lf_store *second = NULL;

	if (fixture->backend->shared)
		return; /* conformance_shared.c */
	assert_int_equal(fixture->backend->open(&second, &options, &fixture->error), LF_FAILED_PRECONDITION);
	assert_null(second);
	assert_true(strlen(fixture->error.message) > 0);
}

static void what_was_committed_is_there_after_reopening(void **state)
{
	struct fixture *fixture = *state;
	struct work work;
	struct lf_tail tail;
	struct lf_stored *stored = NULL;

	work_init(&work, 1, 2, 3);
	store(fixture, &work);
	close_fixture(fixture);
	open_fixture(fixture);
	assert_int_equal(fixture->backend->tail(fixture->store, &tail, &fixture->error), LF_OK);
	assert_int_equal(tail.sequence, 1);
	assert_memory_equal(&tail.id, &work.append.id, sizeof(tail.id));
	assert_int_equal(tail.time_us, work.append.decided_at_us);
	assert_int_equal(fixture->backend->get(fixture->reader, &work.append.id, &stored, &fixture->error), LF_OK);
	free(stored);
}

static void the_tail_of_an_empty_store_is_zero_but_for_the_time_of_its_rubrics(void **state)
{
	struct fixture *fixture = *state;
	const struct lf_uuid none = {{0}};
	struct lf_tail tail;

	assert_int_equal(fixture->backend->tail(fixture->store, &tail, &fixture->error), LF_OK);
	assert_int_equal(tail.sequence, 0);
	assert_memory_equal(&tail.id, &none, sizeof(none));
	assert_int_equal(tail.time_us, 5);
}

/* ---- transactions ---- */

static void a_decision_reads_back_as_it_was_stored(void **state)
{
	struct fixture *fixture = *state;
	struct lf_stored *stored = NULL;
	struct work work;

	work_init(&work, 7, 8, 9);
	work.append.outcome = 3;
	work.append.purpose = 2;
	store(fixture, &work);
	assert_int_equal(fixture->backend->get(fixture->reader, &work.append.id, &stored, &fixture->error), LF_OK);
	assert_int_equal(stored->sequence, 1);
	assert_memory_equal(&stored->id, &work.append.id, sizeof(stored->id));
	assert_int_equal(stored->decided_at_us, work.append.decided_at_us);
	assert_string_equal(stored->caller, "hr");
	assert_string_equal(stored->team_id, "team-7");
	assert_string_equal(stored->project_id, "project-8");
	assert_string_equal(stored->rubric_name, RUBRIC_NAME);
	assert_string_equal(stored->recommended, "c-7");
	assert_int_equal(stored->outcome, 3);
	assert_int_equal(stored->purpose, 2);
	assert_memory_equal(&stored->rubric_digest, &work.append.rubric_digest, sizeof(stored->rubric_digest));
	assert_int_equal(stored->team.length, strlen(work.team));
	assert_memory_equal(stored->team.data, work.team, stored->team.length);
	assert_int_equal(stored->project.length, strlen(work.project));
	assert_memory_equal(stored->project.data, work.project, stored->project.length);
	assert_int_equal(stored->answer.length, strlen(work.answer));
	assert_memory_equal(stored->answer.data, work.answer, stored->answer.length);
	free(stored);
}

static void empty_payloads_and_names_read_back_empty(void **state)
{
	struct fixture *fixture = *state;
	struct lf_stored *stored = NULL;
	struct work work;

	work_init(&work, 1, 1, 0);
	work.append.team = work.append.project = work.append.answer = (struct lf_bytes){NULL, 0};
	work.append.team_id = work.append.project_id = work.append.caller = work.append.recommended = "";
	work.append.candidate_count = 0;
	store(fixture, &work);
	assert_int_equal(fixture->backend->get(fixture->reader, &work.append.id, &stored, &fixture->error), LF_OK);
	assert_int_equal(stored->team.length + stored->project.length + stored->answer.length, 0);
	assert_string_equal(stored->team_id, "");
	assert_string_equal(stored->caller, "");
	assert_string_equal(stored->recommended, "");
	free(stored);
}

static void a_large_answer_and_bytes_of_every_value_survive(void **state)
{
	struct fixture *fixture = *state;
	const size_t length = 3 * 1024 * 1024;
	uint8_t *data = malloc(length);
	struct lf_stored *stored = NULL;
	struct work work;

	for (size_t i = 0; i < length; i++)
		data[i] = (uint8_t)(i * 31 >> 3);
	work_init(&work, 1, 1, 0);
	work.append.answer = work.append.team = (struct lf_bytes){data, length};
	store(fixture, &work);
	assert_int_equal(fixture->backend->get(fixture->reader, &work.append.id, &stored, &fixture->error), LF_OK);
	assert_int_equal(stored->answer.length, length);
	assert_memory_equal(stored->answer.data, data, length);
	assert_memory_equal(stored->team.data, data, length);
	free(stored);
	free(data);
}

static void nothing_is_visible_before_the_commit_nor_after_a_rollback(void **state)
{
	struct fixture *fixture = *state;
	const struct lf_filter any = filter_any();
	struct listed *listed = calloc(1, sizeof(*listed));
	struct work work;
	struct lf_stored *stored;

	work_init(&work, 1, 1, 1);
	assert_int_equal(begin(fixture), LF_OK);
	assert_int_equal(put(fixture, &work.append, 10), LF_OK);
	assert_int_equal(list(fixture, &any, listed), 0);
	assert_int_equal(listed->count, 0);
	fixture->backend->rollback(fixture->store);
	assert_int_equal(list(fixture, &any, listed), 0);
	assert_int_equal(listed->count, 0);
	/* What the rolled-back record would have brought along is stored again with the next. */
	store(fixture, &work);
	assert_false(work.append.existing);
	assert_int_equal(list(fixture, &any, listed), 0);
	assert_int_equal(listed->count, 1);
	stored = NULL;
	assert_int_equal(fixture->backend->get(fixture->reader, &work.append.id, &stored, &fixture->error), LF_OK);
	free(stored);
	free(listed);
}

static void a_rollback_without_a_transaction_does_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct work work;

	fixture->backend->rollback(fixture->store);
	work_init(&work, 1, 1, 1);
	store(fixture, &work);
}

static void probing_and_maintaining_change_nothing_that_is_read(void **state)
{
	struct fixture *fixture = *state;
	struct lf_tail before, after;

	assert_int_equal(fixture->backend->tail(fixture->store, &before, &fixture->error), LF_OK);
	assert_int_equal(fixture->backend->probe(fixture->store, &fixture->error), LF_OK);
	assert_int_equal(fixture->backend->maintain(fixture->store, &fixture->error), LF_OK);
	assert_int_equal(fixture->backend->tail(fixture->store, &after, &fixture->error), LF_OK);
	assert_memory_equal(&before, &after, sizeof(before));
}

static void a_decision_by_an_unknown_rubric_is_refused_and_the_transaction_goes_on(void **state)
{
	struct fixture *fixture = *state;
	struct work bad[2], good;
	struct lf_stored *stored;

	work_init(&bad[0], 1, 1, 1);
	bad[0].append.rubric_digest.bytes[0] ^= 1;
	work_init(&bad[1], 1, 1, 1);
	bad[1].append.rubric_name = "another";
	work_init(&good, 1, 1, 1);
	assert_int_equal(begin(fixture), LF_OK);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(put(fixture, &bad[i].append, 10), LF_FAILED_PRECONDITION);
		lf_error_clean_up(&fixture->error);
	}
	assert_int_equal(put(fixture, &good.append, 10), LF_OK);
	assert_false(good.append.existing);
	assert_int_equal(commit(fixture), LF_OK);
	stored = NULL;
	assert_int_equal(fixture->backend->get(fixture->reader, &good.append.id, &stored, &fixture->error), LF_OK);
	free(stored);
}

/* ---- idempotency keys ---- */

static void a_key_gives_the_stored_decision_and_stores_nothing(void **state)
{
	struct fixture *fixture = *state;
	const struct lf_filter any = filter_any();
	struct listed *listed = calloc(1, sizeof(*listed));
	struct work first, again;

	work_init(&first, 1, 1, 5);
	work_init(&again, 1, 1, 5);
	store(fixture, &first);
	store(fixture, &again);
	assert_false(first.append.existing);
	assert_true(again.append.existing);
	assert_memory_equal(&first.append.id, &again.append.id, sizeof(first.append.id));
	assert_int_equal(again.append.sequence, 1);
	assert_int_equal(again.append.decided_at_us, first.append.decided_at_us);
	list(fixture, &any, listed);
	assert_int_equal(listed->count, 1);
	free(listed);
}

/* In one group, and in one after the other. */
static void a_key_repeated_in_one_transaction_is_found_too(void **state)
{
	struct fixture *fixture = *state;

	for (int together = 0; together < 2; together++) {
		struct work works[3];
		struct lf_append *appends[3] = {&works[0].append, &works[1].append, &works[2].append};

		work_init(&works[0], 1, 1, 5 + together);
		work_init(&works[1], 1, 1, 5 + together);
		work_init(&works[2], 1, 2, 5 + together);
		assert_int_equal(begin(fixture), LF_OK);
		if (together == 1) {
			assert_int_equal(
				hand_put_all(fixture->hand, appends, 3, 10, &fixture->error), LF_ALREADY_EXISTS);
		} else {
			assert_int_equal(put(fixture, appends[0], 10), LF_OK);
			assert_int_equal(put(fixture, appends[1], 10), LF_OK);
			assert_int_equal(put(fixture, appends[2], 10), LF_ALREADY_EXISTS);
		}
		lf_error_clean_up(&fixture->error);
		assert_false(works[0].append.existing);
		assert_true(works[1].append.existing);
		assert_int_equal(works[1].append.sequence, works[0].append.sequence);
		assert_memory_equal(&works[1].append.id, &works[0].append.id, sizeof(works[0].append.id));
		assert_int_equal(works[1].append.decided_at_us, works[0].append.decided_at_us);
		assert_int_equal(commit(fixture), LF_OK);
	}
}

static void count_payload(void *context, const struct lf_payload_row *row)
{
	(void)row;
	++*(size_t *)context;
}

/* Teams 1, 2, 1 and projects 1, 1, 2, all of them new. */
static void a_payload_that_several_of_a_group_bring_is_stored_once(void **state)
{
	struct fixture *fixture = *state;
	static const int teams[] = {1, 2, 1}, projects[] = {1, 1, 2};
	struct work works[3];
	struct lf_append *appends[3];
	size_t count = 0;
	uint64_t next;

	for (int i = 0; i < 3; i++) {
		work_init(&works[i], teams[i], projects[i], 0);
		appends[i] = &works[i].append;
	}
	/* The same bytes as a team's: another kind, another payload. */
	works[1].append.project = works[1].append.team;
	works[1].append.project_digest = works[1].append.team_digest;
	assert_int_equal(begin(fixture), LF_OK);
	assert_int_equal(hand_put_all(fixture->hand, appends, 3, 10, &fixture->error), LF_OK);
	assert_int_equal(commit(fixture), LF_OK);
	assert_int_equal(fixture->backend->list_payloads(fixture->reader, LF_PAYLOAD_TEAM, 0, 100, count_payload,
				 &count, &next, &fixture->error),
		LF_OK);
	assert_int_equal(count, 2);
	assert_int_equal(fixture->backend->list_payloads(fixture->reader, LF_PAYLOAD_PROJECT, 0, 100, count_payload,
				 &count, &next, &fixture->error),
		LF_OK);
	assert_int_equal(count, 2 + 3);
}

static void a_key_with_another_request_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct work first, other;
	struct lf_uuid id;

	work_init(&first, 1, 1, 5);
	work_init(&other, 1, 2, 5);
	store(fixture, &first);
	assert_int_equal(work_store(fixture->backend, fixture->store, &other), LF_ALREADY_EXISTS);
	assert_int_equal(fixture->backend->find_key(
				 fixture->reader, "hr", "key-5", &first.append.request_digest, &id, &fixture->error),
		LF_OK);
	assert_memory_equal(&id, &first.append.id, sizeof(id));
	assert_int_equal(fixture->backend->find_key(
				 fixture->reader, "hr", "key-5", &other.append.request_digest, &id, &fixture->error),
		LF_ALREADY_EXISTS);
	lf_error_clean_up(&fixture->error);
	assert_int_equal(fixture->backend->find_key(
				 fixture->reader, "hr", "key-6", &first.append.request_digest, &id, &fixture->error),
		LF_NOT_FOUND);
}

static void keys_belong_to_their_callers(void **state)
{
	struct fixture *fixture = *state;
	struct work ours, theirs;
	struct lf_uuid id;

	work_init(&ours, 1, 1, 5);
	work_init(&theirs, 2, 2, 5);
	theirs.append.caller = "batch";
	store(fixture, &ours);
	assert_int_equal(fixture->backend->find_key(fixture->reader, "batch", "key-5", &theirs.append.request_digest,
				 &id, &fixture->error),
		LF_NOT_FOUND);
	lf_error_clean_up(&fixture->error);
	store(fixture, &theirs);
	assert_false(theirs.append.existing);
	assert_int_equal(fixture->backend->find_key(fixture->reader, "batch", "key-5", &theirs.append.request_digest,
				 &id, &fixture->error),
		LF_OK);
	assert_memory_equal(&id, &theirs.append.id, sizeof(id));
}

static void a_rolled_back_key_is_free_again(void **state)
{
	struct fixture *fixture = *state;
	struct work first, other;

	work_init(&first, 1, 1, 5);
	work_init(&other, 1, 2, 5);
	assert_int_equal(begin(fixture), LF_OK);
	assert_int_equal(put(fixture, &first.append, 10), LF_OK);
	fixture->backend->rollback(fixture->store);
	store(fixture, &other);
	assert_false(other.append.existing);
}

/* ---- lists ---- */

enum { ROWS = 700, TEAMS = 3, PROJECTS = 5 };

/* Of three versions in turn, two of them of one rubric. */
static void set_rubric_of_row(struct work *work, int i)
{
	if (i % 11 > 6)
		work_set_rubric(work, "another", "another rubric");
	else if (i % 11 > 3)
		work_set_rubric(work, RUBRIC_NAME, "a second version");
}

/* Row i (from 1): team i % 3, project i % 5, outcome 1 + i % 4, decided at 5 + 10 i. */
static void store_rows(struct fixture *fixture)
{
	version_store(fixture->backend, fixture->store, RUBRIC_NAME, "a second version");
	version_store(fixture->backend, fixture->store, "another", "another rubric");
	for (int i = 1; i <= ROWS; i++) {
		struct work work;

		work_init(&work, i % TEAMS, i % PROJECTS, 0);
		work.append.outcome = (uint32_t)(1 + i % 4);
		set_rubric_of_row(&work, i);
		store(fixture, &work);
		assert_int_equal(work.append.decided_at_us, 5 + 10 * i);
	}
}

static bool row_fits(const struct lf_filter *filter, int i)
{
	char name[32];
	const int64_t time = 5 + 10 * (int64_t)i;

	snprintf(name, sizeof(name), "team-%d", i % TEAMS);
	if (filter->team_id != NULL && filter->team_id[0] != '\0' && strcmp(name, filter->team_id) != 0)
		return false;
	snprintf(name, sizeof(name), "project-%d", i % PROJECTS);
	if (filter->project_id != NULL && filter->project_id[0] != '\0' && strcmp(name, filter->project_id) != 0)
		return false;
	snprintf(name, sizeof(name), "c-%d", i % TEAMS);
	if (filter->candidate != NULL && filter->candidate[0] != '\0' && strcmp(name, filter->candidate) != 0 &&
		strcmp(filter->candidate, "c-all") != 0)
		return false;
	if (filter->before_sequence != 0 && (uint64_t)i >= filter->before_sequence)
		return false;
	if (filter->rubric_name != NULL && filter->rubric_name[0] != '\0' &&
		strcmp(i % 11 > 6 ? "another" : RUBRIC_NAME, filter->rubric_name) != 0)
		return false;
	return (filter->outcome == 0 || filter->outcome == (uint32_t)(1 + i % 4)) && time >= filter->since_us &&
		time < filter->until_us;
}

/* Page by page, the list is what a plain loop over all rows gives. */
static void check_list(struct fixture *fixture, struct lf_filter filter, struct listed *listed)
{
	int row = ROWS;

	for (uint64_t next = 1; next != 0;) {
		next = list(fixture, &filter, listed);
		assert_true(listed->count <= filter.limit);
		for (size_t i = 0; i < listed->count; i++) {
			while (row > 0 && !row_fits(&filter, row))
				row--;
			assert_int_equal(listed->sequences[i], row--);
		}
		if (next == 0)
			break;
		assert_true(filter.before_sequence == 0 || next < filter.before_sequence);
		filter.before_sequence = next;
	}
	while (row > 0 && !row_fits(&filter, row))
		row--;
	assert_int_equal(row, 0);
}

static void every_filter_gives_what_fits_newest_first_page_by_page(void **state)
{
	struct fixture *fixture = *state;
	struct listed *listed = calloc(1, sizeof(*listed));
	static const char *const teams[] = {NULL, "", "team-1", "team-9"};
	static const char *const projects[] = {NULL, "project-4", "project-9"};
	static const char *const candidates[] = {NULL, "c-2", "c-1", "c-all", "c-9"};
	static const char *const rubrics[] = {NULL, RUBRIC_NAME, "another", "", "a third", "team-1"};
	static const uint64_t befores[] = {0, 1, 2, 350, ROWS, ROWS + 1, UINT64_MAX};
	static const size_t limits[] = {1, 7, 1000};

	store_rows(fixture);
	for (size_t i = 0; i < 4 * 3 * 5 * 7; i++) {
		struct lf_filter filter = filter_any();

		filter.team_id = teams[i % 4];
		filter.project_id = projects[i / 4 % 3];
		filter.candidate = candidates[i / 12 % 5];
		filter.rubric_name = rubrics[i * 7 / 12 % 6];
		filter.before_sequence = befores[i / 60];
		filter.limit = limits[i % 3];
		filter.outcome = i % 2 == 0 ? 0 : (uint32_t)(i % 5);
		check_list(fixture, filter, listed);
	}
	free(listed);
}

static void time_bounds_include_since_and_exclude_until(void **state)
{
	struct fixture *fixture = *state;
	struct listed *listed = calloc(1, sizeof(*listed));
	static const int64_t bounds[] = {INT64_MIN, -1, 0, 15, 16, 2005, 3500, 5 + 10 * ROWS, 6 + 10 * ROWS, INT64_MAX};
	const size_t count = sizeof(bounds) / sizeof(bounds[0]);

	store_rows(fixture);
	for (size_t i = 0; i < count * count; i++) {
		struct lf_filter filter = filter_any();

		filter.since_us = bounds[i / count];
		filter.until_us = bounds[i % count];
		filter.team_id = i % 3 == 0 ? "team-1" : NULL;
		check_list(fixture, filter, listed);
	}
	free(listed);
}

static void decisions_of_one_instant_are_all_listed(void **state)
{
	struct fixture *fixture = *state;
	struct listed *listed = calloc(1, sizeof(*listed));
	struct work works[10]; /* what a record points to stays until the transaction ends */
	struct lf_filter filter;

	assert_int_equal(begin(fixture), LF_OK);
	for (size_t i = 0; i < 10; i++) {
		work_init(&works[i], 1, 1, 0);
		assert_int_equal(put(fixture, &works[i].append, 50), LF_OK);
	}
	assert_int_equal(commit(fixture), LF_OK);
	filter = filter_any();
	filter.since_us = 50;
	filter.until_us = 51;
	list(fixture, &filter, listed);
	assert_int_equal(listed->count, 10);
	free(listed);
}

static void a_person_in_many_lists_of_candidates_is_found_in_all(void **state)
{
	struct fixture *fixture = *state;
	struct listed *listed = calloc(1, sizeof(*listed));
	struct lf_filter filter = filter_any();
	size_t found;

	for (int i = 1; i <= 400; i++) {
		struct work work;

		work_init(&work, i, 1, 0);
		store(fixture, &work);
	}
	filter.candidate = "c-all";
	filter.limit = 90;
	found = 0;
	for (;;) {
		const uint64_t next = list(fixture, &filter, listed);

		for (size_t i = 0; i < listed->count; i++)
			assert_int_equal(listed->sequences[i], 400 - found++);
		if (next == 0)
			break;
		filter.before_sequence = next;
	}
	assert_int_equal(found, 400);
	filter.before_sequence = 0;
	filter.candidate = "c-17";
	list(fixture, &filter, listed);
	assert_int_equal(listed->count, 1);
	assert_int_equal(listed->sequences[0], 17);
	free(listed);
}

static void an_unknown_id_is_not_found(void **state)
{
	struct fixture *fixture = *state;
	const struct lf_uuid id = {{9}};
	struct lf_stored *stored = NULL;

	assert_int_equal(fixture->backend->get(fixture->reader, &id, &stored, &fixture->error), LF_NOT_FOUND);
	assert_null(stored);
}

/* ---- rubrics ---- */

static struct lf_rubric_put put_as(
	struct fixture *fixture, const char *name, const char *body, int64_t at, bool activate, enum lf_code expect)
{
	struct lf_digest digest;
	struct lf_rubric_put rubric;
	struct lf_append append = {.rubric = &rubric};

	lf_sha256(body, strlen(body), &digest);
	rubric = (struct lf_rubric_put){.name = name,
		.title = "A title",
		.caller = "owner",
		.body = bytes_of(body),
		.digest = &digest,
		.activate = activate};
	assert_int_equal(begin(fixture), LF_OK);
	assert_int_equal(put(fixture, &append, at), expect);
	lf_error_clean_up(&fixture->error);
	assert_int_equal(commit(fixture), LF_OK);
	return rubric;
}

static struct lf_rubric_put put_version(
	struct fixture *fixture, const char *name, const char *body, int64_t at, enum lf_code expect)
{
	return put_as(fixture, name, body, at, false, expect);
}

static struct lf_rubric_put put_active(struct fixture *fixture, const char *name, const char *body, int64_t at)
{
	return put_as(fixture, name, body, at, true, LF_OK);
}

static void a_version_is_active_only_where_that_is_asked_for(void **state)
{
	struct fixture *fixture = *state;
	struct lf_rubric_row *row = NULL;
	struct lf_rubric_put put = put_version(fixture, "a", "version 1", 100, LF_OK);

	assert_true(put.added && !put.activated.changed);
	assert_int_equal(fixture->backend->get_rubric(fixture->reader, "a", NULL, &row, &fixture->error), LF_NOT_FOUND);
	lf_error_clean_up(&fixture->error);
	put = put_active(fixture, "a", "version 2", 150);
	assert_true(put.added && put.activated.changed && !put.activated.had_from);
	put = put_active(fixture, "a", "version 1", 200); /* known, and active from now on */
	assert_true(!put.added && put.activated.changed && put.activated.had_from);
	put = put_active(fixture, "a", "version 1", 300);
	assert_true(!put.added && !put.activated.changed && put.activated.had_from);
	assert_int_equal(fixture->backend->get_rubric(fixture->reader, "a", NULL, &row, &fixture->error), LF_OK);
	assert_string_equal(row->name, "a");
	assert_string_equal(row->title, "A title");
	assert_string_equal(row->put_by, "owner");
	assert_int_equal(row->put_at_us, 100);
	assert_true(row->active);
	assert_int_equal(row->body.length, 9);
	assert_memory_equal(row->body.data, "version 1", 9);
	free(row);
}

static void a_version_is_found_by_digest_with_or_without_its_name(void **state)
{
	struct fixture *fixture = *state;
	struct lf_rubric_row *row = NULL;
	struct lf_digest digest;
	static const char *const names[] = {NULL, "", "a"};

	put_version(fixture, "a", "version 1", 100, LF_OK);
	put_version(fixture, "a", "version 2", 200, LF_OK);
	lf_sha256("version 2", 9, &digest);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(
			fixture->backend->get_rubric(fixture->reader, names[i], &digest, &row, &fixture->error), LF_OK);
		assert_memory_equal(&row->digest, &digest, sizeof(digest));
		assert_false(row->active);
		free(row);
	}
	assert_int_equal(
		fixture->backend->get_rubric(fixture->reader, "b", &digest, &row, &fixture->error), LF_NOT_FOUND);
	lf_error_clean_up(&fixture->error);
	assert_int_equal(fixture->backend->get_rubric(fixture->reader, "b", NULL, &row, &fixture->error), LF_NOT_FOUND);
	lf_error_clean_up(&fixture->error);
	digest.bytes[0] ^= 1;
	assert_int_equal(
		fixture->backend->get_rubric(fixture->reader, NULL, &digest, &row, &fixture->error), LF_NOT_FOUND);
}

static void bytes_stored_under_another_name_are_refused(void **state)
{
	struct fixture *fixture = *state;

	put_version(fixture, "a", "version 1", 100, LF_OK);
	put_version(fixture, "b", "version 1", 100, LF_INVALID_ARGUMENT);
}

struct rubric_list {
	size_t count, active;
	char text[256];
};

static void visit_rubric(void *context, const struct lf_rubric_row *row)
{
	struct rubric_list *rubrics = context;

	snprintf(rubrics->text + strlen(rubrics->text), sizeof(rubrics->text) - strlen(rubrics->text), "%s@%lld%s ",
		row->name, (long long)row->put_at_us, row->active ? "*" : "");
	assert_int_equal(row->body.length, 0);
	rubrics->count++;
}

static void rubrics_are_listed_by_name_newest_first(void **state)
{
	struct fixture *fixture = *state;
	struct rubric_list all = {0}, named = {0}, none = {0};

	put_active(fixture, "b", "b 1", 100);
	put_active(fixture, "a", "a 1", 200);
	put_version(fixture, "b", "b 2", 300, LF_OK);
	assert_int_equal(
		fixture->backend->list_rubrics(fixture->reader, NULL, visit_rubric, &all, &fixture->error), LF_OK);
	assert_string_equal(all.text, "a@200* b@300 b@100* tech-lead@5* ");
	assert_int_equal(
		fixture->backend->list_rubrics(fixture->reader, "b", visit_rubric, &named, &fixture->error), LF_OK);
	assert_string_equal(named.text, "b@300 b@100* ");
	assert_int_equal(
		fixture->backend->list_rubrics(fixture->reader, "x", visit_rubric, &none, &fixture->error), LF_OK);
	assert_int_equal(none.count, 0);
}

/* ---- activations ---- */

/* body NULL: none is to be active. */
static struct lf_activated activate(struct fixture *fixture, const char *name, const char *body, const char *caller,
	int64_t at, enum lf_code expect)
{
	struct lf_digest digest;
	struct lf_rubric_activate activate;
	struct lf_append append = {.activation = &activate};

	if (body != NULL)
		lf_sha256(body, strlen(body), &digest);
	activate = (struct lf_rubric_activate){.name = name, .caller = caller, .digest = body != NULL ? &digest : NULL};
	assert_int_equal(begin(fixture), LF_OK);
	assert_int_equal(put(fixture, &append, at), expect);
	lf_error_clean_up(&fixture->error);
	assert_int_equal(commit(fixture), LF_OK);
	return activate.activated;
}

/* "a: version 1 -> version 2 by owner at 7" for bodies that are known. */
struct act_list {
	size_t count;
	char text[1024];
};

static const char *body_of(const struct lf_digest *digest)
{
	static const char *const bodies[] = {"version 1", "version 2", "b 1", "b 2"};
	struct lf_digest known;

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		lf_sha256(bodies[i], strlen(bodies[i]), &known);
		if (memcmp(&known, digest, sizeof(known)) == 0)
			return bodies[i];
	}
	lf_sha256(RUBRIC_BODY, strlen(RUBRIC_BODY), &known);
	return memcmp(&known, digest, sizeof(known)) == 0 ? "tech" : "?";
}

static void visit_act(void *context, const struct lf_activation_row *row)
{
	struct act_list *acts = context;
	const size_t length = strlen(acts->text);

	snprintf(acts->text + length, sizeof(acts->text) - length, "%s: %s -> %s by %s at %lld\n", row->name,
		row->had_from ? body_of(&row->from) : "nothing", row->has_to ? body_of(&row->to) : "nothing",
		row->caller, (long long)row->activated_at_us);
	acts->count++;
}

static void acts_are(struct fixture *fixture, const char *name, const char *text)
{
	struct act_list acts = {0};

	assert_int_equal(
		fixture->backend->list_activations(fixture->reader, name, visit_act, &acts, &fixture->error), LF_OK);
	assert_string_equal(acts.text, text);
}

/* The body of the active version of a name. */
static void active_is(struct fixture *fixture, const char *name, const char *body)
{
	struct lf_rubric_row *row = NULL;

	assert_int_equal(fixture->backend->get_rubric(fixture->reader, name, NULL, &row, &fixture->error), LF_OK);
	assert_string_equal(body_of(&row->digest), body);
	assert_true(row->active);
	free(row);
}

static void an_activation_changes_the_active_version_and_is_recorded_with_what_was_before(void **state)
{
	struct fixture *fixture = *state;
	struct lf_tail tail;
	struct lf_activated made;

	put_active(fixture, "a", "version 1", 100);
	put_version(fixture, "a", "version 2", 200, LF_OK);
	put_active(fixture, "b", "b 1", 210);
	made = activate(fixture, "a", "version 2", "ann", 300, LF_OK);
	assert_true(made.changed && made.had_from);
	assert_string_equal(body_of(&made.from), "version 1");
	active_is(fixture, "a", "version 2");
	active_is(fixture, "b", "b 1");
	made = activate(fixture, "", "version 1", "bob", 400, LF_OK); /* back: the same act */
	assert_true(made.changed && made.had_from);
	assert_string_equal(body_of(&made.from), "version 2");
	active_is(fixture, "a", "version 1");
	acts_are(fixture, "a",
		"a: version 2 -> version 1 by bob at 400\na: version 1 -> version 2 by ann at 300\n"
		"a: nothing -> version 1 by owner at 100\n");
	acts_are(fixture, "",
		"a: version 2 -> version 1 by bob at 400\na: version 1 -> version 2 by ann at 300\n"
		"b: nothing -> b 1 by owner at 210\na: nothing -> version 1 by owner at 100\n"
		"tech-lead: nothing -> tech by admin at 5\n");
	acts_are(fixture, "x", "");
	assert_int_equal(fixture->backend->tail(fixture->store, &tail, &fixture->error), LF_OK);
	assert_int_equal(tail.time_us, 400);
}

static void activating_the_active_version_records_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct lf_activated made;

	put_active(fixture, "a", "version 1", 100);
	made = activate(fixture, "", "version 1", "ann", 300, LF_OK);
	assert_true(!made.changed && made.had_from);
	assert_string_equal(body_of(&made.from), "version 1");
	acts_are(fixture, "a", "a: nothing -> version 1 by owner at 100\n");
}

static void a_deactivated_name_has_no_active_version_until_it_gets_one_again(void **state)
{
	struct fixture *fixture = *state;
	struct lf_rubric_row *row = NULL;
	struct lf_activated made;
	struct lf_digest digest;
	bool was = false;

	put_active(fixture, "a", "version 1", 100);
	put_active(fixture, "b", "b 1", 110);
	made = activate(fixture, "a", NULL, "ann", 200, LF_OK);
	assert_true(made.changed && made.had_from);
	assert_string_equal(body_of(&made.from), "version 1");
	for (int round = 0; round < 2; round++) { /* and after it was opened again */
		assert_int_equal(
			fixture->backend->get_rubric(fixture->reader, "a", NULL, &row, &fixture->error), LF_NOT_FOUND);
		lf_error_clean_up(&fixture->error);
		lf_sha256("version 1", 9, &digest);
		assert_int_equal(
			fixture->backend->get_rubric(fixture->reader, "a", &digest, &row, &fixture->error), LF_OK);
		assert_false(row->active);
		free(row);
		row = NULL;
		active_is(fixture, "b", "b 1");
		assert_int_equal(fixture->backend->was_active(fixture->reader, &digest, &was, &fixture->error), LF_OK);
		assert_true(was);
		close_fixture(fixture);
		open_fixture(fixture);
	}
	made = activate(fixture, "a", NULL, "ann", 300, LF_OK); /* nothing is recorded */
	assert_true(!made.changed && !made.had_from);
	made = activate(fixture, "a", "version 1", "bob", 400, LF_OK);
	assert_true(made.changed && !made.had_from);
	active_is(fixture, "a", "version 1");
	acts_are(fixture, "a",
		"a: nothing -> version 1 by bob at 400\na: version 1 -> nothing by ann at 200\n"
		"a: nothing -> version 1 by owner at 100\n");
}

static void a_name_that_no_rubric_has_can_not_be_deactivated(void **state)
{
	struct fixture *fixture = *state;
	struct work work;

	activate(fixture, "a", NULL, "ann", 300, LF_NOT_FOUND);
	work_init(&work, 1, 1, 1);
	store(fixture, &work); /* "ann", or a team: names, but of no rubric */
	activate(fixture, work.append.team_id, NULL, "ann", 300, LF_NOT_FOUND);
	put_version(fixture, "a", "version 1", 400, LF_OK);
	assert_false(activate(fixture, "a", NULL, "ann", 500, LF_OK).changed);
	acts_are(fixture, "a", "");
}

static void what_is_not_stored_can_not_be_activated_and_the_transaction_goes_on(void **state)
{
	struct fixture *fixture = *state;
	struct work work;

	put_active(fixture, "a", "version 1", 100);
	put_version(fixture, "a", "version 2", 200, LF_OK);
	activate(fixture, "", "b 1", "ann", 300, LF_NOT_FOUND);
	activate(fixture, "tech-lead", "version 2", "ann", 300, LF_NOT_FOUND);
	work_init(&work, 1, 1, 1);
	store(fixture, &work);
	active_is(fixture, "a", "version 1");
	acts_are(fixture, "a", "a: nothing -> version 1 by owner at 100\n");
}

static void an_activation_is_visible_after_its_commit_only_and_survives_reopening(void **state)
{
	struct fixture *fixture = *state;
	struct lf_digest digest;
	struct lf_rubric_activate act;
	struct lf_append append = {.activation = &act};

	lf_sha256("version 2", 9, &digest);
	act = (struct lf_rubric_activate){.name = "a", .caller = "ann", .digest = &digest};
	put_active(fixture, "a", "version 1", 100);
	put_version(fixture, "a", "version 2", 200, LF_OK);
	for (int round = 0; round < 2; round++) {
		assert_int_equal(begin(fixture), LF_OK);
		assert_int_equal(put(fixture, &append, 300), LF_OK);
		assert_true(act.activated.changed);
		active_is(fixture, "a", "version 1");
		acts_are(fixture, "a", "a: nothing -> version 1 by owner at 100\n");
		if (round == 0)
			fixture->backend->rollback(fixture->store);
		else
			assert_int_equal(commit(fixture), LF_OK);
	}
	close_fixture(fixture);
	open_fixture(fixture);
	active_is(fixture, "a", "version 2");
	acts_are(fixture, "a", "a: version 1 -> version 2 by ann at 300\na: nothing -> version 1 by owner at 100\n");
}

static void a_version_that_was_active_once_is_known_for_ever(void **state)
{
	struct fixture *fixture = *state;
	static const char *const bodies[] = {"version 1", "version 2", "b 1"};
	static const bool expected[2][3] = {{true, false, false}, {true, true, false}};
	struct lf_digest digest;

	put_active(fixture, "a", "version 1", 100);
	put_version(fixture, "a", "version 2", 200, LF_OK);
	for (size_t round = 0; round < 2; round++) {
		for (size_t i = 0; i < 3; i++) {
			bool was = !expected[round][i];

			lf_sha256(bodies[i], strlen(bodies[i]), &digest);
			assert_int_equal(
				fixture->backend->was_active(fixture->reader, &digest, &was, &fixture->error), LF_OK);
			assert_int_equal(was, expected[round][i]);
		}
		activate(fixture, "", "version 2", "ann", 300, LF_OK);
		activate(fixture, "", "version 1", "ann", 400, LF_OK);
	}
}

static void a_long_history_is_told_from_its_newest_end(void **state)
{
	struct fixture *fixture = *state;
	struct act_list acts = {0};

	put_active(fixture, "a", "version 1", 100);
	put_version(fixture, "a", "version 2", 200, LF_OK);
	for (int i = 0; i <= LF_ACTIVATIONS_MAX; i++)
		assert_true(
			activate(fixture, "", i % 2 == 0 ? "version 2" : "version 1", "ann", 300 + i, LF_OK).changed);
	assert_int_equal(
		fixture->backend->list_activations(fixture->reader, "", visit_act, &acts, &fixture->error), LF_OK);
	assert_int_equal(acts.count, LF_ACTIVATIONS_MAX);
	assert_ptr_equal(strstr(acts.text, "a: version 1 -> version 2 by ann at 1300\n"), acts.text);
}

#define CLAIM(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int conformance_run(const struct conformance *subject)
{
	const struct CMUnitTest claims[] = {
		CLAIM(a_second_store_of_the_same_location_is_refused),
		CLAIM(what_was_committed_is_there_after_reopening),
		CLAIM(the_tail_of_an_empty_store_is_zero_but_for_the_time_of_its_rubrics),
		CLAIM(a_decision_reads_back_as_it_was_stored),
		CLAIM(empty_payloads_and_names_read_back_empty),
		CLAIM(a_large_answer_and_bytes_of_every_value_survive),
		CLAIM(nothing_is_visible_before_the_commit_nor_after_a_rollback),
		CLAIM(a_rollback_without_a_transaction_does_nothing),
		CLAIM(probing_and_maintaining_change_nothing_that_is_read),
		CLAIM(a_decision_by_an_unknown_rubric_is_refused_and_the_transaction_goes_on),
		CLAIM(a_key_gives_the_stored_decision_and_stores_nothing),
		CLAIM(a_key_repeated_in_one_transaction_is_found_too),
		CLAIM(a_payload_that_several_of_a_group_bring_is_stored_once),
		CLAIM(a_key_with_another_request_is_refused),
		CLAIM(keys_belong_to_their_callers),
		CLAIM(a_rolled_back_key_is_free_again),
		CLAIM(every_filter_gives_what_fits_newest_first_page_by_page),
		CLAIM(time_bounds_include_since_and_exclude_until),
		CLAIM(decisions_of_one_instant_are_all_listed),
		CLAIM(a_person_in_many_lists_of_candidates_is_found_in_all),
		CLAIM(an_unknown_id_is_not_found),
		CLAIM(a_version_is_active_only_where_that_is_asked_for),
		CLAIM(a_version_is_found_by_digest_with_or_without_its_name),
		CLAIM(bytes_stored_under_another_name_are_refused),
		CLAIM(rubrics_are_listed_by_name_newest_first),
		CLAIM(an_activation_changes_the_active_version_and_is_recorded_with_what_was_before),
		CLAIM(activating_the_active_version_records_nothing),
		CLAIM(a_deactivated_name_has_no_active_version_until_it_gets_one_again),
		CLAIM(a_name_that_no_rubric_has_can_not_be_deactivated),
		CLAIM(what_is_not_stored_can_not_be_activated_and_the_transaction_goes_on),
		CLAIM(an_activation_is_visible_after_its_commit_only_and_survives_reopening),
		CLAIM(a_version_that_was_active_once_is_known_for_ever),
		CLAIM(a_long_history_is_told_from_its_newest_end),
	};

	current = subject;
	return cmocka_run_group_tests_name(subject->backend->name, claims, NULL, NULL);
}
