/*
 * Replay: every decision of a past under several rubrics is recomputed bit for bit, and what another SQLite client
 * altered meanwhile is found and named.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "leadfit/v1/keeping.pb-c.h"
#include "leadfit/v1/record.pb-c.h"
#include "tests/service/history.h"
#include "tests/service/jobs.h"
#include "tests/lost_by_nng.h"

enum { DECISIONS = 1000, VERSIONS = 4, TEAMS = 60, PROJECTS = 30 };

/* All replayed, slices put together. */
struct counts {
	uint64_t same, other_semantics, erased, pruned, slices;
	size_t difference_count;
	struct {
		uint64_t sequence;
		char id[40], what[512];
	} differences[64];
};

struct fixture {
	struct daemon daemon;
	struct lf_client *client;
	struct counts counts;
	char digests[VERSIONS][65];
};

static Leadfit__V1__Selection none(void)
{
	return (Leadfit__V1__Selection)LEADFIT__V1__SELECTION__INIT;
}

static void count_slice(struct counts *counts, const Leadfit__V1__ReplayResponse *slice)
{
	counts->slices++;
	counts->same += slice->same;
	counts->other_semantics += slice->other_semantics;
	counts->erased += slice->erased;
	counts->pruned += slice->pruned;
	for (size_t i = 0; i < slice->n_differences; i++) {
		const size_t at = counts->difference_count++;

		assert_true(at < sizeof(counts->differences) / sizeof(counts->differences[0]));
		counts->differences[at].sequence = slice->differences[i]->sequence;
		snprintf(counts->differences[at].id, sizeof(counts->differences[at].id), "%s",
			slice->differences[i]->decision_id);
		snprintf(counts->differences[at].what, sizeof(counts->differences[at].what), "%s",
			slice->differences[i]->what);
	}
}

static void replay(struct fixture *f, Leadfit__V1__Selection *selection)
{
	Leadfit__V1__ReplayRequest request = LEADFIT__V1__REPLAY_REQUEST__INIT;

	memset(&f->counts, 0, sizeof(f->counts));
	request.selection = selection;
	do {
		ProtobufCMessage *reply =
			history_call(f->client, "leadfit.v1.Audit/Replay", &request.base, LF_OK, NULL);
		const Leadfit__V1__ReplayResponse *slice = (const Leadfit__V1__ReplayResponse *)reply;

		assert_true(slice->next == 0 || slice->next > request.from_sequence);
		count_slice(&f->counts, slice);
		request.from_sequence = slice->next;
		protobuf_c_message_free_unpacked(reply, NULL);
	} while (request.from_sequence != 0);
}

static int set_up(void **state)
{
	static const struct history_rubric rubrics[VERSIONS] = {
		{.weights = {30, 20, 10, 40}, .margin = 2, .first_share = 40},
		{.weights = {10, 40, 30, 20}, .gate = 25},
		{.weights = {25, 25, 25, 25}, .aggregation = "HARMONIC", .margin = 5},
		{.weights = {50, 10, 10, 30}, .aggregation = "MINIMUM", .gate = 30, .first_share = 60},
	};
	struct fixture *f = calloc(1, sizeof(*f));
	char *text = malloc(HISTORY_TEXT);
	struct history_random random;

	history_seed(&random);
	daemon_init(&f->daemon);
	daemon_start(&f->daemon);
	f->client = daemon_client(&f->daemon);
	for (int i = 0; i < DECISIONS; i++) {
		if (i % (DECISIONS / VERSIONS) == 0)
			history_put(
				f->client, &rubrics[i * VERSIONS / DECISIONS], f->digests[i * VERSIONS / DECISIONS]);
		history_request_text(&random, history_below(&random, TEAMS), history_below(&random, PROJECTS), text);
		leadfit__v1__decision__free_unpacked(history_score(f->client, text), NULL);
	}
	free(text);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	lf_client_destroy(f->client);
	if (f->daemon.pid != 0)
		daemon_stop(&f->daemon);
	daemon_clean_up(&f->daemon);
	free(f);
	return 0;
}

/* ---- the unaltered past ---- */

static void every_decision_comes_out_the_same(void **state)
{
	struct fixture *f = *state;
	Leadfit__V1__Selection all = none();

	replay(f, &all);
	assert_int_equal(f->counts.difference_count, 0);
	assert_int_equal(f->counts.same, DECISIONS);
	assert_int_equal(f->counts.other_semantics + f->counts.erased + f->counts.pruned, 0);
	replay(f, NULL);
	assert_int_equal(f->counts.same, DECISIONS);
}

/* Decisions that a list has under the same filters. */
static uint64_t listed(struct fixture *f, const Leadfit__V1__Selection *selection)
{
	Leadfit__V1__ListDecisionsRequest request = LEADFIT__V1__LIST_DECISIONS_REQUEST__INIT;
	char token[64] = "";
	uint64_t count = 0;

	request.team = selection->team;
	request.project = selection->project;
	request.candidate = selection->candidate;
	request.outcome = selection->outcome;
	request.since = selection->since;
	request.until = selection->until;
	request.page_size = 1000;
	do {
		ProtobufCMessage *reply;
		const Leadfit__V1__ListDecisionsResponse *list;

		request.page_token = token;
		reply = history_call(f->client, "leadfit.v1.Decisions/List", &request.base, LF_OK, NULL);
		list = (const Leadfit__V1__ListDecisionsResponse *)reply;

		for (size_t i = 0; i < list->n_decisions; i++)
			count += !selection->decisions_only ||
				list->decisions[i]->purpose == LEADFIT__V1__PURPOSE__DECISION;
		snprintf(token, sizeof(token), "%s", list->next_page_token);
		protobuf_c_message_free_unpacked(reply, NULL);
	} while (*token != '\0');
	return count;
}

static void a_selection_is_what_a_list_under_the_same_filters_has(void **state)
{
	struct fixture *f = *state;
	Google__Protobuf__Timestamp since = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	Leadfit__V1__Selection selections[] = {none(), none(), none(), none(), none(), none()};
	char team[] = "t-7", project[] = "p-4", candidate[] = "m-14", nobody[] = "nobody";

	selections[0].team = team;
	selections[1].project = project;
	selections[1].decisions_only = true;
	selections[2].candidate = candidate;
	selections[3].outcome = LEADFIT__V1__OUTCOME__TOO_CLOSE;
	selections[4].since = selections[5].until = &since; /* 1970 */
	selections[5].candidate = nobody;
	for (size_t i = 0; i < sizeof(selections) / sizeof(selections[0]); i++) {
		replay(f, &selections[i]);
		assert_int_equal(f->counts.same, listed(f, &selections[i]));
		assert_int_equal(f->counts.difference_count, 0);
	}
	replay(f, &selections[4]);
	assert_int_equal(f->counts.same, DECISIONS);
}

static void a_selection_that_can_not_be_is_refused_by_its_field(void **state)
{
	struct fixture *f = *state;
	Leadfit__V1__ReplayRequest request = LEADFIT__V1__REPLAY_REQUEST__INIT;
	Leadfit__V1__Selection selection = none();
	Google__Protobuf__Timestamp since = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	char message[512], text[200];

	memset(text, 'x', sizeof(text));
	text[129] = '\0';
	request.selection = &selection;
	selection.team = text;
	history_call(f->client, "leadfit.v1.Audit/Replay", &request.base, LF_INVALID_ARGUMENT, message);
	assert_string_equal(message, "selection.team: has 129 bytes; allowed are at most 128");
	selection = none();
	selection.outcome = (Leadfit__V1__Outcome)9;
	history_call(f->client, "leadfit.v1.Audit/Replay", &request.base, LF_INVALID_ARGUMENT, message);
	assert_string_equal(message, "selection.outcome: 9 is no value of leadfit.v1.Outcome");
	selection = none();
	since.nanos = -1;
	selection.since = &since;
	history_call(f->client, "leadfit.v1.Audit/Replay", &request.base, LF_INVALID_ARGUMENT, message);
	assert_string_equal(message, "selection.since: is outside the years 1..9999");
}

static void going_on_where_a_slice_was_not_answered_in_time_loses_nothing(void **state)
{
	struct fixture *f = *state;
	Leadfit__V1__ReplayRequest request = LEADFIT__V1__REPLAY_REQUEST__INIT;
	struct lf_error error = LF_ERROR_INIT;
	uint64_t same = 0;
	unsigned timeout_ms = 1;

	do {
		ProtobufCMessage *reply = lf_client_call(f->client, &leadfit__v1__audit__descriptor, 4, &request.base,
			&(struct lf_call_options){.timeout_ms = timeout_ms}, &error);
		const Leadfit__V1__ReplayResponse *slice;

		if (reply == NULL) {
			assert_int_equal(error.code, LF_DEADLINE_EXCEEDED);
			timeout_ms *= 2;
			assert_true(timeout_ms < 100000);
			continue;
		}
		slice = (const Leadfit__V1__ReplayResponse *)reply;
		same += slice->same;
		assert_true(slice->next == 0 || slice->next == request.from_sequence + slice->same ||
			slice->next == 1 + slice->same);
		request.from_sequence = slice->next;
		protobuf_c_message_free_unpacked(reply, NULL);
	} while (request.from_sequence != 0 || same == 0);
	assert_int_equal(same, DECISIONS);
	lf_error_clean_up(&error);
}

static void the_command_says_so_with_status_0(void **state)
{
	struct fixture *f = *state;
	char out[1024];

	assert_int_equal(history_leadfit(&f->daemon, "decisions replay", out, sizeof(out)), 0);
	assert_string_equal(out, "1000 decisions recomputed: the same, bit for bit\n");
	assert_int_equal(history_leadfit(&f->daemon, "decisions replay --output json", out, sizeof(out)), 0);
	assert_string_equal(out, "{\n  \"same\": \"1000\"\n}\n");
	assert_int_equal(history_leadfit(&f->daemon, "decisions replay --team none", out, sizeof(out)), 0);
	assert_string_equal(out, "No decision matches.\n");
	assert_int_equal(history_leadfit(&f->daemon, "decisions replay --outcome maybe", out, sizeof(out)), 2);
	assert_non_null(strstr(out, "--outcome: MAYBE is not RECOMMENDED"));
}

/* ---- altered by another client ---- */

/* A column of the decision (or of the payload that its column names) replaced. */
static void put_blob(sqlite3 *db, const char *sql, int sequence, const void *data, size_t length)
{
	sqlite3_stmt *statement;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
	sqlite3_bind_blob64(statement, 1, data, length, SQLITE_TRANSIENT);
	sqlite3_bind_int(statement, 2, sequence);
	assert_int_equal(sqlite3_step(statement), SQLITE_DONE);
	assert_int_equal(sqlite3_changes(db), 1);
	sqlite3_finalize(statement);
}

static ProtobufCMessage *read_message(
	sqlite3 *db, const char *sql, int sequence, const ProtobufCMessageDescriptor *type)
{
	sqlite3_stmt *statement;
	ProtobufCMessage *message;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
	sqlite3_bind_int(statement, 1, sequence);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	message = protobuf_c_message_unpack(
		type, NULL, (size_t)sqlite3_column_bytes(statement, 0), sqlite3_column_blob(statement, 0));
	assert_non_null(message);
	sqlite3_finalize(statement);
	return message;
}

/* Packs, stores and frees. */
static void put_message(sqlite3 *db, const char *sql, int sequence, ProtobufCMessage *message)
{
	const size_t length = protobuf_c_message_get_packed_size(message);
	uint8_t *data = malloc(length + 1);

	protobuf_c_message_pack(message, data);
	put_blob(db, sql, sequence, data, length);
	protobuf_c_message_free_unpacked(message, NULL);
	free(data);
}

static void alter_answer(sqlite3 *db, int sequence, void (*alter)(Leadfit__V1__Answer *answer))
{
	Leadfit__V1__Answer *answer = (Leadfit__V1__Answer *)read_message(
		db, "SELECT answer FROM decision WHERE sequence = ?1", sequence, &leadfit__v1__answer__descriptor);

	alter(answer);
	put_message(db, "UPDATE decision SET answer = ?1 WHERE sequence = ?2", sequence, &answer->base);
}

/* The smallest change of a number that there is. */
static void nudge(double *number)
{
	uint64_t bits;

	memcpy(&bits, number, sizeof(bits));
	bits ^= 1;
	memcpy(number, &bits, sizeof(bits));
}

static void alter_weight(Leadfit__V1__Answer *answer)
{
	nudge(&answer->weights[2]);
}
static void alter_score(Leadfit__V1__Answer *answer)
{
	nudge(&answer->scores[0]);
}
static void alter_rating(Leadfit__V1__Answer *answer)
{
	nudge(&answer->ratings[answer->n_ratings - 1]);
}
static void alter_share(Leadfit__V1__Answer *answer)
{
	answer->shares[1] = 0.123;
}
static void alter_first_rank_share(Leadfit__V1__Answer *answer)
{
	nudge(&answer->first_rank_shares[answer->n_scores - 1]);
}
static void alter_outcome(Leadfit__V1__Answer *answer)
{
	answer->outcome = answer->outcome == 2 ? 1 : 2;
}
static void alter_engine(Leadfit__V1__Answer *answer)
{
	answer->engine_version = 7;
}
static void alter_pruned(Leadfit__V1__Answer *answer)
{
	answer->pruned = true;
}
static void drop_scores(Leadfit__V1__Answer *answer)
{
	answer->n_scores = 1;
}
static void drop_shares(Leadfit__V1__Answer *answer)
{
	answer->n_first_rank_shares = 0;
}

static void alter_unknown(Leadfit__V1__Answer *answer)
{
	if (answer->n_unknown > 0)
		answer->n_unknown = 0;
	else {
		answer->unknown = malloc(sizeof(*answer->unknown)); /* freed with the message */
		answer->unknown[answer->n_unknown++] = 3;
	}
}

static void alter_frozen(Leadfit__V1__Answer *answer)
{
	answer->frozen = malloc(sizeof(*answer->frozen));
	leadfit__v1__decision__init(answer->frozen);
}

static void alter_as_of(Leadfit__V1__Answer *answer)
{
	answer->as_of_us += INT64_C(400) * 86400 * 1000000;
}

static const struct {
	void (*alter)(Leadfit__V1__Answer *answer);
	const char *begins, *contains; /* of the difference */
} answers[] = {
	{alter_weight, "weight of c: ", " is computed"},
	{alter_score, "score of m-", " is stored, "},
	{alter_rating, "rating of m-", " in d: "},
	{alter_share, "evidence share of m-", " in b: 0.123 is stored, "},
	{alter_first_rank_share, "first-rank share of m-", " is computed"},
	{alter_outcome, "outcome: ", " is stored, "},
	{alter_unknown, "rating of m-", "known"},
	{drop_scores, "score: 1 numbers are stored, ", " are computed"},
	{drop_shares, "first-rank share: 0 numbers are stored, ", " are computed"},
	{alter_as_of, "", " is computed"},
};
static const struct {
	const char *sql; /* %d: sequence */
	const char *what;
} columns[] = {
	{"UPDATE decision SET outcome = outcome % 4 + 1 WHERE sequence = ?", "outcome in the index: "},
	{"UPDATE decision SET recommended = (SELECT id FROM name WHERE kind = 5 AND id IS NOT decision.recommended "
	 "LIMIT 1) WHERE sequence = ?",
		"recommended in the index: "},
	{"UPDATE decision SET candidates = (SELECT id FROM name WHERE kind = 6 AND id <> decision.candidates LIMIT 1) "
	 "WHERE sequence = ?",
		"candidates: the index has another list than the "},
	{"UPDATE decision SET team = (SELECT id FROM name WHERE kind = 2 AND id <> decision.team LIMIT 1) WHERE "
	 "sequence = ?",
		"team in the index: t-"},
	{"UPDATE decision SET project = (SELECT id FROM name WHERE kind = 3 AND id <> decision.project LIMIT 1) WHERE "
	 "sequence = ?",
		"project in the index: p-"},
	{"UPDATE decision SET team_payload = 999999 WHERE sequence = ?", "refers to a team that is not stored"},
	{"UPDATE decision SET caller = 999999 WHERE sequence = ?", "refers to a caller that is not stored"},
	{"UPDATE decision SET answer = x'ffff' WHERE sequence = ?", "its answer can't be read: "},
	{"UPDATE decision SET rubric = (SELECT max(payload) FROM rubric) WHERE sequence = ?", " is computed"},
};
enum { ANSWERS = sizeof(answers) / sizeof(answers[0]), COLUMNS = sizeof(columns) / sizeof(columns[0]), FIRST = 11 };

/* Another rating in the team of a decision. */
static void alter_team(sqlite3 *db, int sequence)
{
	Leadfit__V1__Team *team = (Leadfit__V1__Team *)read_message(db,
		"SELECT p.body FROM decision d JOIN payload p ON p.id = d.team_payload WHERE d.sequence = ?1", sequence,
		&leadfit__v1__team__descriptor);
	bool altered = false;

	for (size_t m = 0; m < team->n_members && !altered; m++)
		for (size_t e = 0; e < team->members[m]->n_evidence && !altered; e++) {
			double *rating = &team->members[m]->evidence[e]->rating->value;

			*rating = *rating > 3 ? 1.5 : 4.5;
			altered = true;
		}
	assert_true(altered);
	put_message(db,
		"UPDATE payload SET body = ?1 WHERE id = (SELECT team_payload FROM decision WHERE sequence = ?2)",
		sequence, &team->base);
}

/* The first decision of a team that none of those that were altered before has. */
static int decision_of_another_team(sqlite3 *db)
{
	sqlite3_stmt *statement;
	int sequence;

	assert_int_equal(sqlite3_prepare_v2(db,
				 "SELECT min(sequence) FROM decision WHERE sequence > 100 GROUP BY team_payload"
				 " HAVING (SELECT count(*) FROM decision b WHERE b.team_payload = "
				 "decision.team_payload) = count(*)"
				 " ORDER BY 1 LIMIT 1",
				 -1, &statement, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	sequence = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	return sequence;
}

static void run_on(sqlite3 *db, const char *sql, int sequence)
{
	sqlite3_stmt *statement;

	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	sqlite3_bind_int(statement, 1, sequence);
	assert_int_equal(sqlite3_step(statement), SQLITE_DONE);
	assert_int_equal(sqlite3_changes(db), 1);
	sqlite3_finalize(statement);
}

/* Stops the service, alters, and starts it again. */
static void altered(struct fixture *f, void (*alter)(sqlite3 *db))
{
	sqlite3 *db;

	lf_client_destroy(f->client);
	f->client = NULL;
	daemon_stop(&f->daemon);
	assert_int_equal(sqlite3_open(f->daemon.database, &db), SQLITE_OK);
	alter(db);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	daemon_start(&f->daemon);
	f->client = daemon_client(&f->daemon);
}

static void alter_all(sqlite3 *db)
{
	for (int i = 0; i < ANSWERS; i++)
		alter_answer(db, FIRST + i, answers[i].alter);
	for (int i = 0; i < COLUMNS; i++)
		run_on(db, columns[i].sql, FIRST + ANSWERS + i);
}

static void each_alteration_is_found_and_the_first_number_named(void **state)
{
	struct fixture *f = *state;

	altered(f, alter_all);
	replay(f, NULL);
	assert_int_equal(f->counts.difference_count, ANSWERS + COLUMNS);
	assert_int_equal(f->counts.same, DECISIONS - ANSWERS - COLUMNS);
	for (size_t i = 0; i < f->counts.difference_count; i++) {
		const char *what = f->counts.differences[i].what;

		assert_int_equal(f->counts.differences[i].sequence, FIRST + i);
		if (i < ANSWERS) {
			assert_ptr_equal(strstr(what, answers[i].begins), what);
			assert_non_null(strstr(what, answers[i].contains));
			assert_int_equal(strlen(f->counts.differences[i].id), 36);
		} else {
			assert_non_null(strstr(what, columns[i - ANSWERS].what));
		}
	}
}

static void the_command_names_them_with_status_1(void **state)
{
	struct fixture *f = *state;
	char out[8192];

	assert_int_equal(history_leadfit(&f->daemon, "decisions replay", out, sizeof(out)), 1);
	assert_non_null(strstr(out, "19 of 1000 decisions recomputed differ\n"));
	assert_non_null(strstr(out, " (11)\n  weight of c: "));
	assert_int_equal(history_leadfit(&f->daemon, "decisions replay --output json", out, sizeof(out)), 1);
	assert_ptr_equal(strstr(out, "{\n  \"differences\": [\n    {\n      \"decisionId\": \""), out);
	assert_non_null(strstr(out, "\n  ],\n  \"same\": \"981\"\n}\n"));
}

static void alter_team_of_one(sqlite3 *db)
{
	alter_team(db, decision_of_another_team(db));
}

static void an_altered_rating_shows_in_decisions_that_were_made_of_it(void **state)
{
	struct fixture *f = *state;

	altered(f, alter_team_of_one);
	replay(f, NULL);
	assert_true(f->counts.difference_count > ANSWERS + COLUMNS);
	for (size_t i = ANSWERS + COLUMNS; i < f->counts.difference_count; i++)
		assert_non_null(strstr(f->counts.differences[i].what, " is computed"));
}

static void alter_states(sqlite3 *db)
{
	for (int sequence = 41; sequence < 44; sequence++)
		alter_answer(db, sequence, alter_engine);
	for (int sequence = 44; sequence < 46; sequence++)
		alter_answer(db, sequence, alter_frozen);
	alter_answer(db, 46, alter_pruned);
}

static void other_semantics_erased_and_pruned_are_counted_and_not_compared(void **state)
{
	struct fixture *f = *state;
	Leadfit__V1__ReplayRequest request = LEADFIT__V1__REPLAY_REQUEST__INIT;
	struct counts counts = {0};
	ProtobufCMessage *reply;

	altered(f, alter_states);
	replay(f, NULL);
	assert_int_equal(f->counts.other_semantics, 3);
	assert_int_equal(f->counts.erased, 2);
	assert_int_equal(f->counts.pruned, 1);
	request.from_sequence = 46;
	reply = history_call(f->client, "leadfit.v1.Audit/Replay", &request.base, LF_OK, NULL);
	count_slice(&counts, (const Leadfit__V1__ReplayResponse *)reply);
	assert_int_equal(counts.erased + counts.other_semantics, 0);
	assert_int_equal(counts.pruned, 1);
	protobuf_c_message_free_unpacked(reply, NULL);
}

static void decisions_of_an_erased_person_are_skipped_and_the_rest_is_the_same(void **state)
{
	struct fixture *f = *state;
	Leadfit__V1__Selection selection = none();
	char candidate[] = "m-14";
	uint64_t erased;
	uint64_t took_part;

	selection.candidate = candidate;
	replay(f, &selection);
	assert_true(f->counts.same > 0);
	took_part = f->counts.same;
	erased = jobs_erase(f->client, candidate).decisions;
	assert_true(erased >= took_part); /* those in which they were labour only, too */
	replay(f, NULL);
	assert_int_equal(f->counts.erased, erased);
	assert_int_equal(f->counts.same, DECISIONS - erased);
	assert_int_equal(f->counts.difference_count + f->counts.other_semantics + f->counts.pruned, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_decision_comes_out_the_same),
		cmocka_unit_test(a_selection_is_what_a_list_under_the_same_filters_has),
		cmocka_unit_test(a_selection_that_can_not_be_is_refused_by_its_field),
		cmocka_unit_test(going_on_where_a_slice_was_not_answered_in_time_loses_nothing),
		cmocka_unit_test(the_command_says_so_with_status_0),
		/* These alter, one after another. */
		cmocka_unit_test(each_alteration_is_found_and_the_first_number_named),
		cmocka_unit_test(the_command_names_them_with_status_1),
		cmocka_unit_test(an_altered_rating_shows_in_decisions_that_were_made_of_it),
		cmocka_unit_test(other_semantics_erased_and_pruned_are_counted_and_not_compared),
	};
	const struct CMUnitTest of_another_past[] = {
		cmocka_unit_test(decisions_of_an_erased_person_are_skipped_and_the_rest_is_the_same),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down) +
		cmocka_run_group_tests(of_another_past, set_up, tear_down);
}
