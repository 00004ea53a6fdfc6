/*
 * Backtest: the flips that it tells of are exactly those that Score calls under the other rubric give, in a service of
 * their own, and so are the criteria and gates behind them.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/service/history.h"
#include "tests/lost_by_nng.h"

enum { DECISIONS = 300, TEAMS = 25, PROJECTS = 12, OUTCOMES = 5 };

/* The past, and other rubrics to try on it. LAST is the one under which no criterion is known that evidence has. */
static const struct history_rubric past = {.weights = {30, 20, 10, 40}, .margin = 3, .first_share = 35};
static const struct history_rubric others[] = {
	{.weights = {60, 20, 10, 10}, .margin = 3, .first_share = 35},                            /* a weight moved */
	{.weights = {30, 20, 10, 40}, .margin = 3, .first_share = 35, .gate = 30},                /* a gate more */
	{.weights = {30, 20, 10, 40}, .aggregation = "MINIMUM", .margin = 10, .first_share = 70}, /* another kind */
};
enum { OTHERS = sizeof(others) / sizeof(others[0]) };

struct fixture {
	struct daemon daemon, second;
	struct lf_client *client, *second_client;
	char *requests[DECISIONS];
	Leadfit__V1__Decision *decisions[DECISIONS];
};

/* A backtest, slices put together. */
struct result {
	uint64_t decided, inapplicable, outcomes[OUTCOMES][OUTCOMES];
	size_t flip_count;
	Leadfit__V1__Flip *flips[DECISIONS]; /* owned by the replies */
	ProtobufCMessage *replies[DECISIONS];
	size_t reply_count;
	char digest[65], because[512];
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct history_random random;

	history_seed(&random);
	daemon_init(&f->daemon);
	daemon_start(&f->daemon);
	f->client = daemon_client(&f->daemon);
	daemon_init(&f->second);
	daemon_start(&f->second);
	f->second_client = daemon_client(&f->second);
	history_put(f->client, &past, NULL);
	for (int i = 0; i < DECISIONS; i++) {
		f->requests[i] = malloc(HISTORY_TEXT);
		history_request_text(
			&random, history_below(&random, TEAMS), history_below(&random, PROJECTS), f->requests[i]);
		f->decisions[i] = history_score(f->client, f->requests[i]);
	}
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < DECISIONS; i++) {
		free(f->requests[i]);
		leadfit__v1__decision__free_unpacked(f->decisions[i], NULL);
	}
	lf_client_destroy(f->client);
	lf_client_destroy(f->second_client);
	daemon_stop(&f->daemon);
	daemon_stop(&f->second);
	daemon_clean_up(&f->daemon);
	daemon_clean_up(&f->second);
	free(f);
	return 0;
}

static void take_slice(struct result *result, const Leadfit__V1__BacktestResponse *slice)
{
	result->decided += slice->decided;
	result->inapplicable += slice->inapplicable;
	for (size_t i = 0; i < slice->n_flips; i++)
		result->flips[result->flip_count++] = slice->flips[i];
	for (size_t i = 0; i < slice->n_outcomes; i++)
		result->outcomes[slice->outcomes[i]->old_outcome][slice->outcomes[i]->new_outcome] +=
			slice->outcomes[i]->decisions;
	if (slice->n_inapplicable_because > 0)
		snprintf(result->because, sizeof(result->because), "%s", slice->inapplicable_because[0]->description);
	snprintf(result->digest, sizeof(result->digest), "%s", slice->ref->digest);
	assert_int_equal(slice->erased + slice->pruned, 0);
}

static void backtest(struct fixture *f, Leadfit__V1__BacktestRequest *request, struct result *result)
{
	memset(result, 0, sizeof(*result));
	do {
		ProtobufCMessage *reply =
			history_call(f->client, "leadfit.v1.Rubrics/Backtest", &request->base, LF_OK, NULL);
		const Leadfit__V1__BacktestResponse *slice = (const Leadfit__V1__BacktestResponse *)reply;

		assert_true(slice->next == 0 || slice->next > request->from_sequence);
		take_slice(result, slice);
		result->replies[result->reply_count++] = reply;
		request->from_sequence = slice->next;
	} while (request->from_sequence != 0);
}

static void forget(struct result *result)
{
	for (size_t i = 0; i < result->reply_count; i++)
		protobuf_c_message_free_unpacked(result->replies[i], NULL);
}

static Leadfit__V1__Rubric *rubric_of(const struct history_rubric *rubric)
{
	char *text = malloc(HISTORY_TEXT);
	Leadfit__V1__Rubric *message;

	history_rubric_text(rubric, text);
	message = (Leadfit__V1__Rubric *)daemon_message(&leadfit__v1__rubric__descriptor, text);
	free(text);
	return message;
}

/* ---- what is expected, from whole answers ---- */

static const Leadfit__V1__Ranked *ranked(const Leadfit__V1__Decision *decision, const char *candidate)
{
	for (size_t i = 0; i < decision->n_ranking; i++)
		if (strcmp(decision->ranking[i]->candidate, candidate) == 0)
			return decision->ranking[i];
	fail_msg("%s is not ranked", candidate);
	return NULL;
}

static double contribution(const Leadfit__V1__Decision *decision, const char *candidate, const char *criterion)
{
	const Leadfit__V1__Ranked *of = ranked(decision, candidate);

	for (size_t c = 0; c < of->n_criteria; c++)
		if (strcmp(of->criteria[c]->criterion, criterion) == 0)
			return of->criteria[c]->contribution;
	return 0;
}

static const char *first_of(const Leadfit__V1__Decision *decision)
{
	return decision->n_ranking > 0 && decision->ranking[0]->eligible ? decision->ranking[0]->candidate : "";
}

/* Which criterion or gate is behind another first place, up to rounding: of criteria that do equally much, either. */
static void check_reason(
	const Leadfit__V1__Flip *flip, const Leadfit__V1__Decision *old, const Leadfit__V1__Decision *new)
{
	const char *was = first_of(old), *is = first_of(new);
	double most = -1e9, said = -1e9;

	if (strcmp(was, is) == 0) {
		assert_string_equal(flip->criterion, "");
		assert_string_equal(flip->gate, "");
		return;
	}
	if ((*was != '\0' && !ranked(new, was)->eligible) || (*is != '\0' && !ranked(old, is)->eligible)) {
		assert_string_equal(flip->criterion, "");
		assert_string_equal(flip->gate, "a of at least 3");
		return;
	}
	assert_string_equal(flip->gate, "");
	for (size_t c = 0; c < 4; c++) {
		const char id[] = {(char)('a' + c), '\0'};
		const double difference = contribution(new, is, id) - contribution(new, was, id) -
			contribution(old, is, id) + contribution(old, was, id);

		most = difference > most ? difference : most;
		said = strcmp(id, flip->criterion) == 0 ? difference : said;
	}
	assert_true(said > most - 1e-12);
}

static void check_flip(
	const Leadfit__V1__Flip *flip, const Leadfit__V1__Decision *old, const Leadfit__V1__Decision *new)
{
	assert_string_equal(flip->decision_id, old->decision_id);
	assert_string_equal(flip->team, old->team->id);
	assert_string_equal(flip->project, old->project->id);
	assert_int_equal(flip->decided_at->seconds, old->decided_at->seconds);
	assert_int_equal(flip->decided_at->nanos, old->decided_at->nanos);
	assert_int_equal(flip->old_outcome, old->outcome);
	assert_int_equal(flip->new_outcome, new->outcome);
	assert_string_equal(flip->old_recommended, old->recommended);
	assert_string_equal(flip->new_recommended, new->recommended);
	check_reason(flip, old, new);
}

/* Compares with the answers of the second service under that rubric. */
static size_t check_against_scores(struct fixture *f, const struct history_rubric *other)
{
	Leadfit__V1__BacktestRequest request = LEADFIT__V1__BACKTEST_REQUEST__INIT;
	struct result *result = malloc(sizeof(*result));
	uint64_t outcomes[OUTCOMES][OUTCOMES] = {{0}};
	size_t flips = 0;
	char digest[65];

	request.rubric = rubric_of(other);
	backtest(f, &request, result);
	history_put(f->second_client, other, digest);
	assert_string_equal(result->digest, digest);
	for (int i = 0; i < DECISIONS; i++) {
		const Leadfit__V1__Decision *old = f->decisions[i];
		Leadfit__V1__Decision *new = history_score(f->second_client, f->requests[i]);

		outcomes[old->outcome][new->outcome]++;
		if (old->outcome != new->outcome || strcmp(old->recommended, new->recommended) != 0) {
			assert_true(flips < result->flip_count);
			assert_int_equal(result->flips[flips]->sequence, i + 1);
			check_flip(result->flips[flips++], old, new);
		}
		leadfit__v1__decision__free_unpacked(new, NULL);
	}
	assert_int_equal(result->decided, DECISIONS);
	assert_int_equal(result->inapplicable, 0);
	assert_int_equal(result->flip_count, flips);
	assert_memory_equal(result->outcomes, outcomes, sizeof(outcomes));
	leadfit__v1__rubric__free_unpacked(request.rubric, NULL);
	forget(result);
	free(result);
	return flips;
}

static void another_rubric_flips_what_scores_under_it_say_and_by_what(void **state)
{
	for (size_t i = 0; i < OTHERS; i++)
		assert_true(check_against_scores(*state, &others[i]) > 0);
}

static void the_same_rubric_flips_nothing(void **state)
{
	struct fixture *f = *state;
	Leadfit__V1__BacktestRequest request = LEADFIT__V1__BACKTEST_REQUEST__INIT;
	struct result *result = malloc(sizeof(*result));
	char name[] = "past", empty[] = "";
	uint64_t same = 0;

	request.name = name;
	backtest(f, &request, result);
	assert_int_equal(result->flip_count, 0);
	assert_int_equal(result->decided, DECISIONS);
	for (size_t i = 0; i < OUTCOMES; i++)
		same += result->outcomes[i][i];
	assert_int_equal(same, DECISIONS);
	forget(result);
	request.name = empty;
	request.digest = f->decisions[0]->rubric->digest;
	request.from_sequence = 0;
	backtest(f, &request, result);
	assert_int_equal(result->flip_count, 0);
	assert_int_equal(result->decided, DECISIONS);
	forget(result);
	free(result);
}

static void what_the_rubric_does_not_declare_is_inapplicable_unless_it_is_to_be_left_out(void **state)
{
	struct fixture *f = *state;
	static const struct history_rubric without_c = {.weights = {30, 20, 0, 40}, .margin = 3};
	Leadfit__V1__BacktestRequest request = LEADFIT__V1__BACKTEST_REQUEST__INIT;
	struct result *result = malloc(sizeof(*result));
	uint64_t takes = 0;

	/* Those that were made with ignore_undeclared take it now, too. */
	for (int i = 0; i < DECISIONS; i++)
		takes += strstr(f->requests[i], "ignoreUndeclared: true") != NULL ||
			strstr(f->requests[i], "criterion: c") == NULL;
	request.rubric = rubric_of(&without_c);
	backtest(f, &request, result);
	assert_int_equal(result->decided, takes);
	assert_int_equal(result->inapplicable, DECISIONS - takes);
	assert_ptr_equal(strstr(result->because, "team.members["), result->because);
	assert_non_null(strstr(result->because, ".criterion: \"c\" is not a criterion"));
	forget(result);
	request.ignore_undeclared = true;
	request.from_sequence = 0;
	backtest(f, &request, result);
	assert_int_equal(result->decided, DECISIONS);
	assert_int_equal(result->inapplicable, 0);
	forget(result);
	leadfit__v1__rubric__free_unpacked(request.rubric, NULL);
	free(result);
}

/* Whether request i is of purpose DECISION, and the last such one of its team and project. */
static bool is_latest(const struct fixture *f, int i)
{
	if (f->decisions[i]->purpose != LEADFIT__V1__PURPOSE__DECISION)
		return false;
	for (int k = i + 1; k < DECISIONS; k++)
		if (f->decisions[k]->purpose == LEADFIT__V1__PURPOSE__DECISION &&
			strcmp(f->decisions[k]->team->id, f->decisions[i]->team->id) == 0 &&
			strcmp(f->decisions[k]->project->id, f->decisions[i]->project->id) == 0)
			return false;
	return true;
}

static void latest_counts_each_team_and_project_once(void **state)
{
	struct fixture *f = *state;
	Leadfit__V1__BacktestRequest request = LEADFIT__V1__BACKTEST_REQUEST__INIT;
	Leadfit__V1__Selection selection = LEADFIT__V1__SELECTION__INIT;
	struct result *result = malloc(sizeof(*result));
	char name[] = "past";
	uint64_t decisions = 0, latest = 0;

	for (int i = 0; i < DECISIONS; i++) {
		decisions += f->decisions[i]->purpose == LEADFIT__V1__PURPOSE__DECISION;
		latest += is_latest(f, i);
	}
	assert_true(latest < decisions && decisions < DECISIONS);
	request.name = name;
	request.selection = &selection;
	selection.decisions_only = true;
	backtest(f, &request, result);
	assert_int_equal(result->decided, decisions);
	forget(result);
	request.latest = true;
	request.from_sequence = 0;
	backtest(f, &request, result);
	assert_int_equal(result->decided, latest);
	forget(result);
	free(result);
}

static void bad_requests_are_refused_by_what_is_wrong(void **state)
{
	struct fixture *f = *state;
	Leadfit__V1__BacktestRequest request = LEADFIT__V1__BACKTEST_REQUEST__INIT;
	Leadfit__V1__Rubric *rubric = rubric_of(&past);
	char message[512], name[] = "pasta", digits[] = "0123", empty[] = "", unknown[65];

	request.name = name;
	history_call(f->client, "leadfit.v1.Rubrics/Backtest", &request.base, LF_NOT_FOUND, message);
	assert_string_equal(
		message, "no rubric \"pasta\" is active; nearest: past (leadfit rubric list shows what is stored)");
	request.rubric = rubric;
	history_call(f->client, "leadfit.v1.Rubrics/Backtest", &request.base, LF_INVALID_ARGUMENT, message);
	assert_string_equal(message, "rubric: stands beside name or digest: either is allowed, not both");
	request.name = empty;
	rubric->criteria[1]->weight->base_weight = -2e6;
	history_call(f->client, "leadfit.v1.Rubrics/Backtest", &request.base, LF_INVALID_ARGUMENT, message);
	assert_ptr_equal(strstr(message, "criteria[1].weight.base: "), message);
	request.rubric = NULL;
	request.digest = digits;
	history_call(f->client, "leadfit.v1.Rubrics/Backtest", &request.base, LF_INVALID_ARGUMENT, message);
	assert_string_equal(message, "digest: \"0123\" is not 64 hexadecimal digits");
	memset(unknown, 'a', 64);
	unknown[64] = '\0';
	request.digest = unknown;
	history_call(f->client, "leadfit.v1.Rubrics/Backtest", &request.base, LF_NOT_FOUND, message);
	leadfit__v1__rubric__free_unpacked(rubric, NULL);
}

static void nothing_was_stored_and_nothing_went_live(void **state)
{
	struct fixture *f = *state;
	Leadfit__V1__ListRubricsRequest rubrics = LEADFIT__V1__LIST_RUBRICS_REQUEST__INIT;
	Leadfit__V1__ListDecisionsRequest list = LEADFIT__V1__LIST_DECISIONS_REQUEST__INIT;
	ProtobufCMessage *reply;
	char token[256];
	size_t stored = 0;

	list.page_size = 1000;
	reply = history_call(f->client, "leadfit.v1.Rubrics/List", &rubrics.base, LF_OK, NULL);
	assert_int_equal(((const Leadfit__V1__ListRubricsResponse *)reply)->n_versions, 2);
	protobuf_c_message_free_unpacked(reply, NULL);
	do { /* a page ends early where the machine is slow */
		Leadfit__V1__ListDecisionsResponse *page = (Leadfit__V1__ListDecisionsResponse *)history_call(
			f->client, "leadfit.v1.Decisions/List", &list.base, LF_OK, NULL);

		stored += page->n_decisions;
		snprintf(token, sizeof(token), "%s", page->next_page_token);
		list.page_token = token;
		protobuf_c_message_free_unpacked(&page->base, NULL);
	} while (*token != '\0');
	assert_int_equal(stored, DECISIONS);
}

/* ---- the command ---- */

static void write_rubric(const struct fixture *f, const struct history_rubric *rubric, char path[160])
{
	char *text = malloc(HISTORY_TEXT);
	FILE *file;

	history_rubric_text(rubric, text);
	snprintf(path, 160, "%s/other.yaml", f->daemon.directory);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
	free(text);
}

static void the_command_tells_flips_outcomes_criteria_and_projects(void **state)
{
	struct fixture *f = *state;
	char *out = malloc(1 << 20), path[160], arguments[400], expected[64];
	size_t decisions = 0;

	for (int i = 0; i < DECISIONS; i++)
		decisions += f->decisions[i]->purpose == LEADFIT__V1__PURPOSE__DECISION;
	write_rubric(f, &others[0], path);
	snprintf(arguments, sizeof(arguments), "rubric backtest %s --limit 3 --svg %s/flips.svg", path,
		f->daemon.directory);
	assert_int_equal(history_leadfit(&f->daemon, arguments, out, 1 << 20), 0);
	snprintf(expected, sizeof(expected), "Of %zu decisions under past, ", decisions);
	assert_non_null(strstr(out, expected));
	assert_non_null(strstr(out, " come out otherwise: "));
	assert_non_null(strstr(out, "\nOutcomes: as decided (rows), under this rubric (columns)\n"));
	assert_non_null(strstr(out, "\nBy project\np-"));
	assert_non_null(strstr(out, "\nDecisions that come out otherwise\n"));
	assert_non_null(strstr(out, " more: --limit N or --output json shows them.\n"));
	snprintf(arguments, sizeof(arguments), "rubric backtest %s --what-if --output json", path);
	assert_int_equal(history_leadfit(&f->daemon, arguments, out, 1 << 20), 0);
	assert_ptr_equal(strstr(out, "{\n  \"flips\": [\n    {\n      \"decisionId\": \""), out);
	assert_non_null(strstr(out, "\n  \"decided\": \"300\",\n"));
	assert_non_null(strstr(out, "\n  \"selectedRubric\": \"past\"\n"));
	snprintf(arguments, sizeof(arguments), "rubric backtest %s --svg -", path);
	assert_int_equal(history_leadfit(&f->daemon, arguments, out, 1 << 20), 0);
	assert_non_null(strstr(out, "<svg "));
	assert_non_null(strstr(out, ">Outcomes: as decided (rows), under this rubric (columns)</text>"));
	assert_string_equal(strstr(out, "</svg>"), "</svg>\n");
	assert_int_equal(history_leadfit(&f->daemon, "rubric backtest past", out, 1 << 20), 0);
	assert_non_null(strstr(out, " under past, none comes out otherwise.\n"));
	assert_int_equal(history_leadfit(&f->daemon, "rubric backtest past --all-rubrics", out, 1 << 20), 0);
	assert_non_null(strstr(out, " under any rubric, none comes out otherwise.\n"));
	assert_int_equal(history_leadfit(&f->daemon, "rubric backtest tech-lead", out, 1 << 20), 0);
	assert_non_null(strstr(out, "Of 0 decisions under tech-lead, none comes out otherwise.\n--rubric NAME takes "));
	assert_int_equal(history_leadfit(&f->daemon, "rubric backtest tech-lead --rubric past --ignore-undeclared", out,
				 1 << 20),
		0);
	snprintf(expected, sizeof(expected), "Of %zu decisions under past, ", decisions);
	assert_non_null(strstr(out, expected));
	free(out);
}

static void the_command_refuses_what_does_not_go_together(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *arguments, *says;
		int status;
	} cases[] = {
		{"rubric backtest", "rubric backtest", 2},
		{"rubric backtest past --limit x", "--limit: x is not a whole number 0..100000", 2},
		{"rubric backtest past --latest --what-if", "--latest and --what-if exclude each other", 2},
		{"rubric backtest past --rubric past --all-rubrics", "--rubric and --all-rubrics exclude each other",
			2},
		{"rubric backtest past --svg - --output json", "--svg - and --output json both want standard output",
			2},
		{"rubric backtest past --outcome maybe", "--outcome: MAYBE is not ", 2},
		{"rubric backtest nowhere.yaml", "nowhere.yaml: No such file", 2},
		{"rubric backtest pasta",
			"no rubric \"pasta\" is active; nearest: past (leadfit rubric list shows what is stored)", 2},
		{"rubric backtest deadbeef", "rubric backtest: no version's digest begins with deadbeef", 2},
	};
	char out[8192];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const int status = history_leadfit(&f->daemon, cases[i].arguments, out, sizeof(out));

		if (status != cases[i].status || strstr(out, cases[i].says) == NULL)
			fail_msg("%s: %d: %s", cases[i].arguments, status, out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_rubric_flips_nothing),
		cmocka_unit_test(another_rubric_flips_what_scores_under_it_say_and_by_what),
		cmocka_unit_test(what_the_rubric_does_not_declare_is_inapplicable_unless_it_is_to_be_left_out),
		cmocka_unit_test(latest_counts_each_team_and_project_once),
		cmocka_unit_test(bad_requests_are_refused_by_what_is_wrong),
		cmocka_unit_test(the_command_tells_flips_outcomes_criteria_and_projects),
		cmocka_unit_test(the_command_refuses_what_does_not_go_together),
		cmocka_unit_test(nothing_was_stored_and_nothing_went_live),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
