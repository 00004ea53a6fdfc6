/* What every storage backend must do when decisions are read on, with their bytes. */
#include "tests/storage/conformance.h"

#include "tests/storage/support.h"

enum { ROWS = 300, TEAMS = 3, PROJECTS = 5 };

static const struct conformance *current; /* cmocka's set-up functions take no argument of ours */
static struct lf_store *store;
static struct lf_reader *reader;

/*
 * Row i (from 1): team i % 3, project i % 5, outcome 1 + i % 4, WHAT_IF where i % 7 is 0, decided at 5 + 10 i; of three
 * versions in turn, two of them of one rubric; without a key.
 */
static void row_init(struct work *work, int i)
{
	work_init(work, i % TEAMS, i % PROJECTS, 0);
	if (i % 11 > 6)
		work_set_rubric(work, "another", "another rubric");
	else if (i % 11 > 3)
		work_set_rubric(work, RUBRIC_NAME, "a second version");
	snprintf(work->answer, sizeof(work->answer), "answer %d", i);
	work->append.answer = bytes_of(work->answer);
	work->append.outcome = (uint32_t)(1 + i % 4);
	work->append.purpose = i % 7 == 0;
	if (i % 2 == 0)
		work->append.recommended = "";
}

static int set_up(void **state)
{
	struct lf_error error = LF_ERROR_INIT;

	(void)state;
	current->reset(current->context);
	assert_int_equal(
		current->backend->open(&store, &(struct lf_log_options){.location = current->location}, &error), LF_OK);
	assert_int_equal(current->backend->open_reader(store, &reader, &error), LF_OK);
	rubric_store(current->backend, store);
	version_store(current->backend, store, RUBRIC_NAME, "a second version");
	version_store(current->backend, store, "another", "another rubric");
	for (int i = 1; i <= ROWS; i++) {
		struct work work;

		row_init(&work, i);
		if (work_store(current->backend, store, &work) != LF_OK)
			fail_msg("%s", work.message);
		assert_int_equal(work.append.decided_at_us, 5 + 10 * i);
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	current->backend->close_reader(reader);
	current->backend->close(store);
	current->reset(current->context);
	return 0;
}

static struct lf_scan scan_all(void)
{
	return (struct lf_scan){.since_us = INT64_MIN, .until_us = INT64_MAX, .limit = LF_PAGE_MAX};
}

/* What a scan showed. */
struct seen {
	size_t count, stop_at; /* stop_at: visit returns false with that one; 0 = never */
	int rows[ROWS];
	uint64_t team_payloads[ROWS], project_payloads[ROWS];
	bool payloads;
};

static void same_text(const char *got, const char *expected)
{
	assert_non_null(got);
	assert_string_equal(got, expected);
}

static void same_bytes(struct lf_bytes got, const char *expected)
{
	assert_int_equal(got.length, strlen(expected));
	assert_memory_equal(got.data, expected, got.length);
}

/* Every row is as it was stored, whatever else is asked. */
static bool see(void *context, const struct lf_stored *row)
{
	struct seen *seen = context;
	const int i = (int)row->sequence;
	struct work work;

	row_init(&work, i);
	assert_true(seen->count < ROWS);
	assert_int_equal(row->decided_at_us, 5 + 10 * i);
	assert_int_equal(row->outcome, work.append.outcome);
	assert_int_equal(row->purpose, work.append.purpose);
	assert_memory_equal(&row->rubric_digest, &work.append.rubric_digest, sizeof(row->rubric_digest));
	lf_sha256(work.candidate_ids, 2 * sizeof(work.candidate_ids[0]),
		&work.append.candidates_digest); /* as work_store() does */
	assert_memory_equal(&row->candidates, &work.append.candidates_digest, sizeof(row->candidates));
	same_text(row->caller, "hr");
	same_text(row->team_id, work.team_id);
	same_text(row->project_id, work.project_id);
	same_text(row->rubric_name, work.append.rubric_name);
	same_text(row->recommended, work.append.recommended);
	same_bytes(row->team, seen->payloads ? work.team : "");
	same_bytes(row->project, seen->payloads ? work.project : "");
	same_bytes(row->answer, seen->payloads ? work.answer : "");
	seen->team_payloads[seen->count] = row->team_payload;
	seen->project_payloads[seen->count] = row->project_payload;
	seen->rows[seen->count++] = i;
	return seen->count != seen->stop_at;
}

static uint64_t slice(const struct lf_scan *scan, struct seen *seen)
{
	struct lf_error error = LF_ERROR_INIT;
	uint64_t next = 12345;

	seen->count = 0;
	seen->payloads = scan->payloads;
	if (current->backend->scan(reader, scan, see, seen, &next, &error) != LF_OK)
		fail_msg("%s", error.message);
	assert_true(seen->count <= scan->limit);
	return next;
}

/*
 * The same where count rows must be shown: a slice may end earlier, for it looks only so long. Then it is asked for
 * again.
 */
static uint64_t slice_of(const struct lf_scan *scan, struct seen *seen, size_t count)
{
	uint64_t next = slice(scan, seen);

	for (int again = 0; again < 100 && seen->count < count && next != 0; again++)
		next = slice(scan, seen);
	assert_int_equal(seen->count, count);
	return next;
}

static bool asks(const char *filter, const char *value)
{
	return filter == NULL || filter[0] == '\0' || strcmp(filter, value) == 0;
}

static bool fits(const struct lf_scan *scan, int i)
{
	const int64_t time = 5 + 10 * (int64_t)i;
	struct work work;

	row_init(&work, i);
	return asks(scan->team_id, work.team_id) && asks(scan->project_id, work.project_id) &&
		asks(scan->rubric_name, work.append.rubric_name) &&
		(asks(scan->candidate, work.candidate_ids[0]) || asks(scan->candidate, work.candidate_ids[1])) &&
		(scan->outcome == 0 || scan->outcome == work.append.outcome) && (!scan->decisions_only || i % 7 != 0) &&
		time >= scan->since_us && time < scan->until_us;
}

/* Slice by slice, a scan shows what a plain loop over all rows does. */
static void check(struct lf_scan scan)
{
	const int step = scan.newest_first ? -1 : 1, end = scan.newest_first ? 0 : ROWS + 1;
	struct seen seen = {0};
	int row = scan.newest_first ? ROWS : 1;

	if (scan.from_sequence != 0 && (scan.newest_first ? scan.from_sequence < ROWS : scan.from_sequence > 1))
		row = scan.from_sequence > ROWS ? ROWS + 1 : (int)scan.from_sequence;
	for (;;) {
		const uint64_t next = slice(&scan, &seen);

		for (size_t i = 0; i < seen.count; i++, row += step) {
			while (row != end && !fits(&scan, row))
				row += step;
			assert_int_equal(seen.rows[i], row);
		}
		if (next == 0)
			break;
		assert_true(scan.from_sequence == 0 ||
			(scan.newest_first ? next < scan.from_sequence : next > scan.from_sequence));
		scan.from_sequence = next;
	}
	while (row != end && !fits(&scan, row))
		row += step;
	assert_int_equal(row, end);
}

static void every_filter_gives_what_fits_in_either_order_slice_by_slice(void **state)
{
	static const char *const teams[] = {NULL, "", "team-1", "team-9"};
	static const char *const projects[] = {NULL, "project-4", "project-9"};
	static const char *const candidates[] = {NULL, "c-2", "c-1", "c-all", "c-9"};
	static const char *const rubrics[] = {NULL, RUBRIC_NAME, "another", "", "a third", "team-1"};
	static const uint64_t froms[] = {0, 1, 2, 150, ROWS, ROWS + 1, UINT64_MAX};
	static const size_t limits[] = {7, 1000, 1};

	(void)state;
	for (size_t i = 0; i < 4 * 3 * 5 * 7; i++) {
		struct lf_scan scan = scan_all();

		scan.team_id = teams[i % 4];
		scan.project_id = projects[i / 4 % 3];
		scan.candidate = candidates[i / 12 % 5];
		scan.rubric_name = rubrics[i * 7 / 12 % 6];
		scan.from_sequence = froms[i / 60];
		scan.limit = limits[i % 3];
		scan.outcome = i % 2 == 0 ? 0 : (uint32_t)(i % 5);
		scan.decisions_only = i % 4 < 2;
		scan.payloads = i % 5 < 3;
		for (int order = 0; order < 2; order++) {
			scan.newest_first = order == 1;
			check(scan);
		}
	}
}

static void time_bounds_include_since_and_exclude_until_in_either_order(void **state)
{
	static const int64_t times[] = {INT64_MIN, 0, 14, 15, 16, 1505, 1506, 3005, 3006, INT64_MAX};
	enum { COUNT = sizeof(times) / sizeof(times[0]) };

	(void)state;
	for (size_t i = 0; i < 2 * COUNT * COUNT; i++) {
		struct lf_scan scan = scan_all();

		scan.newest_first = i % 2 == 1;
		scan.since_us = times[i / 2 % COUNT];
		scan.until_us = times[i / 2 / COUNT];
		check(scan);
	}
}

static void a_slice_ends_after_the_row_that_reaches_its_bytes(void **state)
{
	struct lf_scan scan = scan_all();
	struct seen seen = {0};
	struct work first, second;
	size_t one;

	(void)state;
	row_init(&first, 1);
	row_init(&second, 2);
	one = strlen(first.team) + strlen(first.project) + strlen(first.answer);
	scan.payloads = true;
	scan.bytes_max = one;
	assert_int_equal(slice_of(&scan, &seen, 1), 2);
	scan.bytes_max = one + 1;
	assert_int_equal(slice_of(&scan, &seen, 2), 3);
	scan.bytes_max = 1;
	scan.newest_first = true;
	assert_int_equal(slice_of(&scan, &seen, 1), ROWS - 1);
	scan.payloads = false; /* then there are no bytes to reach it */
	check(scan);
}

static void a_slice_ends_after_the_row_at_which_the_visitor_stops(void **state)
{
	struct lf_scan scan = scan_all();
	struct seen seen = {.stop_at = 5};

	(void)state;
	assert_int_equal(slice_of(&scan, &seen, 5), 6);
	scan.from_sequence = ROWS - 4;
	assert_int_equal(slice_of(&scan, &seen, 5), 0);
	scan.newest_first = true;
	scan.from_sequence = 10;
	assert_int_equal(slice_of(&scan, &seen, 5), 5);
}

static void the_same_bytes_have_the_same_payload_number_and_others_another(void **state)
{
	struct lf_scan scan = scan_all();
	struct seen seen = {0};

	(void)state;
	do {
		uint64_t teams[TEAMS] = {0}, projects[PROJECTS] = {0};

		scan.payloads = !scan.payloads;
		scan.from_sequence = 0;
		do {
			scan.from_sequence = slice(&scan, &seen);
			for (size_t i = 0; i < seen.count; i++) {
				uint64_t *team = &teams[seen.rows[i] % TEAMS],
					 *project = &projects[seen.rows[i] % PROJECTS];

				assert_true(seen.team_payloads[i] != 0 && seen.project_payloads[i] != 0);
				assert_true(*team == 0 || *team == seen.team_payloads[i]);
				assert_true(*project == 0 || *project == seen.project_payloads[i]);
				*team = seen.team_payloads[i];
				*project = seen.project_payloads[i];
			}
		} while (scan.from_sequence != 0);
		assert_true(teams[0] != teams[1] && teams[1] != teams[2] && teams[0] != teams[2]);
		assert_true(projects[0] != projects[1] && projects[3] != projects[4]);
	} while (scan.payloads);
}

static void what_is_appended_later_is_found_by_going_on(void **state)
{
	struct lf_scan scan = scan_all();
	struct seen seen = {0};
	struct work work;

	(void)state;
	scan.from_sequence = ROWS + 1;
	assert_int_equal(slice_of(&scan, &seen, 0), 0);
	row_init(&work, ROWS + 1);
	assert_int_equal(work_store(current->backend, store, &work), LF_OK);
	assert_int_equal(slice_of(&scan, &seen, 1), 0);
	assert_int_equal(seen.rows[0], ROWS + 1);
}

#define CLAIM(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int conformance_scan_run(const struct conformance *subject)
{
	const struct CMUnitTest claims[] = {
		CLAIM(every_filter_gives_what_fits_in_either_order_slice_by_slice),
		CLAIM(time_bounds_include_since_and_exclude_until_in_either_order),
		CLAIM(a_slice_ends_after_the_row_that_reaches_its_bytes),
		CLAIM(a_slice_ends_after_the_row_at_which_the_visitor_stops),
		CLAIM(the_same_bytes_have_the_same_payload_number_and_others_another),
		CLAIM(what_is_appended_later_is_found_by_going_on),
	};

	current = subject;
	return cmocka_run_group_tests_name(subject->backend->name, claims, NULL, NULL);
}
