/*
 * One step decides for all: what Score answers, ScoreBatch answers to the byte, whether a team is new, the batch's own
 * or known from before; its summaries say the same; Replay computes the same numbers again from the log; and Backtest
 * under the same rubric finds nothing that comes out otherwise.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tests/service/history.h"

enum { CASES = 60, TEAMS = 12, PROJECTS = 15, ITEMS = 3, DECISIONS = CASES * (1 + 2 * ITEMS) };

/* The Decision without what is the log's, packed; freed with free(). */
static uint8_t *packed(Leadfit__V1__Decision *decision, size_t *length)
{
	Leadfit__V1__Decision rest = *decision;
	char none[] = "";
	uint8_t *bytes;

	rest.decision_id = none;
	rest.decided_at = NULL;
	rest.trace_id = none;
	*length = leadfit__v1__decision__get_packed_size(&rest);
	bytes = malloc(*length + 1);
	assert_non_null(bytes);
	leadfit__v1__decision__pack(&rest, bytes);
	return bytes;
}

static void expect_same_decision(Leadfit__V1__Decision *a, Leadfit__V1__Decision *b)
{
	size_t a_length, b_length;
	uint8_t *a_bytes = packed(a, &a_length), *b_bytes = packed(b, &b_length);

	assert_string_not_equal(a->decision_id, b->decision_id);
	assert_int_equal(a_length, b_length);
	assert_memory_equal(a_bytes, b_bytes, a_length);
	free(a_bytes);
	free(b_bytes);
}

static void expect_same_double(const Google__Protobuf__DoubleValue *a, const Google__Protobuf__DoubleValue *b)
{
	assert_int_equal(a != NULL, b != NULL);
	if (a != NULL)
		assert_memory_equal(&a->value, &b->value, sizeof(a->value));
}

static void expect_summary_of(const Leadfit__V1__BatchSummary *summary, const Leadfit__V1__Decision *decision)
{
	assert_string_equal(summary->rubric->digest, decision->rubric->digest);
	assert_string_equal(summary->team, decision->team->id);
	assert_string_equal(summary->project, decision->project->id);
	assert_int_equal(summary->outcome, decision->outcome);
	assert_string_equal(summary->recommended, decision->recommended);
	if (!decision->ranking[0]->eligible) {
		assert_string_equal(summary->first, "");
		return;
	}
	assert_string_equal(summary->first, decision->ranking[0]->candidate);
	assert_memory_equal(&summary->score, &decision->ranking[0]->score, sizeof(summary->score));
	expect_same_double(summary->first_rank_share, decision->ranking[0]->first_rank_share);
	expect_same_double(summary->margin, decision->n_ranking > 1 ? decision->margin : NULL);
}

/* The request as several items of one batch, so that they share the batch's team. */
static Leadfit__V1__ScoreBatchResponse *score_batch(
	struct lf_client *client, const Leadfit__V1__ScoreRequest *request, bool full)
{
	Leadfit__V1__ScoreBatchRequest batch = LEADFIT__V1__SCORE_BATCH_REQUEST__INIT;
	Leadfit__V1__Team *teams[] = {request->team};
	Leadfit__V1__Project *projects[] = {request->project};
	Leadfit__V1__BatchItem item = LEADFIT__V1__BATCH_ITEM__INIT, *items[ITEMS];

	item.candidates = request->candidates;
	item.n_candidates = request->n_candidates;
	for (size_t i = 0; i < ITEMS; i++)
		items[i] = &item;
	batch.teams = teams;
	batch.projects = projects;
	batch.items = items;
	batch.n_teams = batch.n_projects = 1;
	batch.n_items = ITEMS;
	batch.rubric = request->rubric;
	batch.as_of = request->as_of;
	batch.purpose = request->purpose;
	batch.detail = request->detail;
	batch.ignore_undeclared = request->ignore_undeclared;
	batch.rank_table = request->rank_table;
	batch.full = full;
	return (Leadfit__V1__ScoreBatchResponse *)history_call(
		client, "leadfit.v1.Scoring/ScoreBatch", &batch.base, LF_OK, NULL);
}

static void score_all_ways(struct lf_client *client, struct history_random *random)
{
	char *text = malloc(HISTORY_TEXT);
	Leadfit__V1__ScoreBatchResponse *whole, *summaries;
	Leadfit__V1__ScoreRequest *request;
	Leadfit__V1__Decision *single;
	const bool batch_first = history_below(random, 2) == 0;

	assert_non_null(text);
	history_request_text(random, history_below(random, TEAMS), history_below(random, PROJECTS), text);
	request = daemon_request(text);
	request->rank_table = history_below(random, 2) == 0;
	request->detail = history_below(random, 2) == 0 ? LEADFIT__V1__DETAIL__ALL : LEADFIT__V1__DETAIL__TOP;
	whole = batch_first ? score_batch(client, request, true) : NULL;
	single = (Leadfit__V1__Decision *)history_call(client, "leadfit.v1.Scoring/Score", &request->base, LF_OK, NULL);
	if (whole == NULL)
		whole = score_batch(client, request, true);
	summaries = score_batch(client, request, false);
	assert_int_equal(whole->n_results, ITEMS);
	assert_int_equal(summaries->n_results, ITEMS);
	for (size_t i = 0; i < ITEMS; i++) {
		assert_non_null(whole->results[i]->decision);
		assert_non_null(summaries->results[i]->summary);
		expect_same_decision(single, whole->results[i]->decision);
		expect_summary_of(summaries->results[i]->summary, single);
	}
	protobuf_c_message_free_unpacked(&whole->base, NULL);
	protobuf_c_message_free_unpacked(&summaries->base, NULL);
	protobuf_c_message_free_unpacked(&single->base, NULL);
	leadfit__v1__score_request__free_unpacked(request, NULL);
	free(text);
}

static void expect_replayed(struct lf_client *client)
{
	Leadfit__V1__ReplayRequest request = LEADFIT__V1__REPLAY_REQUEST__INIT;
	uint64_t same = 0;

	do {
		Leadfit__V1__ReplayResponse *slice = (Leadfit__V1__ReplayResponse *)history_call(
			client, "leadfit.v1.Audit/Replay", &request.base, LF_OK, NULL);

		if (slice->n_differences > 0)
			fail_msg("%s", slice->differences[0]->what);
		same += slice->same;
		request.from_sequence = slice->next;
		protobuf_c_message_free_unpacked(&slice->base, NULL);
	} while (request.from_sequence != 0);
	assert_int_equal(same, DECISIONS);
}

static void expect_no_flips(struct lf_client *client, char *digest)
{
	Leadfit__V1__BacktestRequest request = LEADFIT__V1__BACKTEST_REQUEST__INIT;
	uint64_t decided = 0;

	request.digest = digest;
	do {
		Leadfit__V1__BacktestResponse *slice = (Leadfit__V1__BacktestResponse *)history_call(
			client, "leadfit.v1.Rubrics/Backtest", &request.base, LF_OK, NULL);

		assert_int_equal(slice->n_flips, 0);
		assert_int_equal(slice->inapplicable, 0);
		for (size_t i = 0; i < slice->n_outcomes; i++)
			assert_int_equal(slice->outcomes[i]->old_outcome, slice->outcomes[i]->new_outcome);
		decided += slice->decided;
		request.from_sequence = slice->next;
		protobuf_c_message_free_unpacked(&slice->base, NULL);
	} while (request.from_sequence != 0);
	assert_int_equal(decided, DECISIONS);
}

static void agree(struct history_rubric *rubric)
{
	struct history_random random;
	struct daemon daemon;
	struct lf_client *client;
	char digest[65];

	history_seed(&random);
	daemon_init(&daemon);
	daemon_start(&daemon);
	client = daemon_client(&daemon);
	history_put(client, rubric, digest);
	for (int i = 0; i < CASES; i++)
		score_all_ways(client, &random);
	expect_replayed(client);
	expect_no_flips(client, digest);
	lf_client_destroy(client);
	daemon_clean_up(&daemon);
}

static void score_batch_replay_and_backtest_agree_under_a_sum(void **state)
{
	(void)state;
	agree(&(struct history_rubric){.weights = {30, 20, 40, 10}, .gate = 20, .margin = 2, .first_share = 50});
}

static void score_batch_replay_and_backtest_agree_under_a_harmonic_mean(void **state)
{
	(void)state;
	agree(&(struct history_rubric){.weights = {10, 50, 5, 35}, .margin = 1, .aggregation = "HARMONIC"});
}

static void score_batch_replay_and_backtest_agree_under_a_minimum(void **state)
{
	(void)state;
	agree(&(struct history_rubric){.weights = {25, 25, 25, 25}, .gate = 25, .aggregation = "MINIMUM"});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(score_batch_replay_and_backtest_agree_under_a_sum),
		cmocka_unit_test(score_batch_replay_and_backtest_agree_under_a_harmonic_mean),
		cmocka_unit_test(score_batch_replay_and_backtest_agree_under_a_minimum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
