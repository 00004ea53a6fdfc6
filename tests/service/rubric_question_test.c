/*
 * A question has a rubric: what was decided under one is listed, exported, replayed, backtested and counted without what
 * was decided under another, and no later decision under the other replaces it. A rubric is known by its name: versions
 * of it are the same question.
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

enum { DECISIONS = 240, TEAMS = 6, PROJECTS = 4, NAMES = 2 };
static const char *const names[NAMES] = {"past", "next"};

/* Two versions of "past", the second from halfway on, and one of "next". */
static const struct history_rubric first = {.weights = {30, 20, 10, 40}, .margin = 3, .first_share = 35};
static const struct history_rubric second = {.weights = {10, 50, 10, 30}, .margin = 3, .first_share = 35};
static const struct history_rubric other = {.name = "next", .weights = {60, 20, 10, 10}, .margin = 3};

struct fixture {
	struct daemon daemon;
	struct lf_client *client;
	Leadfit__V1__Decision *decisions[DECISIONS];
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char *text = malloc(HISTORY_TEXT);
	struct history_random random;

	history_seed(&random);
	daemon_init(&f->daemon);
	daemon_start(&f->daemon);
	f->client = daemon_client(&f->daemon);
	history_put(f->client, &first, NULL);
	history_put(f->client, &other, NULL);
	for (int i = 0; i < DECISIONS; i++) {
		if (i == DECISIONS / 2)
			history_put(f->client, &second, NULL);
		history_request_text(&random, history_below(&random, TEAMS), history_below(&random, PROJECTS), text);
		/* The newest are under "next" alone: all that "past" has is older. */
		if (i >= DECISIONS * 3 / 4 || history_below(&random, 3) == 0)
			memcpy(strstr(text, "past"), names[1], strlen(names[1]));
		f->decisions[i] = history_score(f->client, text);
	}
	free(text);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < DECISIONS; i++)
		leadfit__v1__decision__free_unpacked(f->decisions[i], NULL);
	lf_client_destroy(f->client);
	daemon_stop(&f->daemon);
	daemon_clean_up(&f->daemon);
	free(f);
	return 0;
}

/* ---- what is expected ---- */

static bool is_under(const struct fixture *f, int i, const char *name)
{
	return name[0] == '\0' || strcmp(f->decisions[i]->rubric->name, name) == 0;
}

static bool is_decision(const struct fixture *f, int i)
{
	return f->decisions[i]->purpose == LEADFIT__V1__PURPOSE__DECISION;
}

static size_t count_under(const struct fixture *f, const char *name, bool decisions_only)
{
	size_t count = 0;

	for (int i = 0; i < DECISIONS; i++)
		count += is_under(f, i, name) && (!decisions_only || is_decision(f, i));
	return count;
}

/* Whether it was made to be acted on, and no later such one is under the same name, of the same team and project. */
static bool is_latest(const struct fixture *f, int i)
{
	const Leadfit__V1__Decision *one = f->decisions[i];

	if (!is_decision(f, i))
		return false;
	for (int k = i + 1; k < DECISIONS; k++)
		if (is_decision(f, k) && is_under(f, k, one->rubric->name) &&
			strcmp(f->decisions[k]->team->id, one->team->id) == 0 &&
			strcmp(f->decisions[k]->project->id, one->project->id) == 0)
			return false;
	return true;
}

static size_t count_latest(const struct fixture *f, const char *name)
{
	size_t count = 0;

	for (int i = 0; i < DECISIONS; i++)
		count += is_under(f, i, name) && is_latest(f, i);
	return count;
}

/* ---- list, export, replay ---- */

static size_t list(struct fixture *f, char *name, uint32_t page_size)
{
	Leadfit__V1__ListDecisionsRequest request = LEADFIT__V1__LIST_DECISIONS_REQUEST__INIT;
	char token[64] = "";
	int at = DECISIONS;
	size_t count = 0;

	request.rubric = name;
	request.page_size = page_size;
	do {
		Leadfit__V1__ListDecisionsResponse *page;

		request.page_token = token;
		page = (Leadfit__V1__ListDecisionsResponse *)history_call(
			f->client, "leadfit.v1.Decisions/List", &request.base, LF_OK, NULL);
		for (size_t i = 0; i < page->n_decisions; i++, count++) {
			do
				at--;
			while (!is_under(f, at, name));
			assert_string_equal(page->decisions[i]->decision_id, f->decisions[at]->decision_id);
		}
		snprintf(token, sizeof(token), "%s", page->next_page_token);
		protobuf_c_message_free_unpacked(&page->base, NULL);
	} while (*token != '\0');
	return count;
}

static void a_list_has_the_decisions_under_a_rubric_whichever_its_version(void **state)
{
	struct fixture *f = *state;
	char past[] = "past", next[] = "next", nobodys[] = "nobodys", team[] = "t-1";

	assert_int_equal(list(f, past, 7), count_under(f, past, false));
	assert_int_equal(list(f, next, 1000), count_under(f, next, false));
	assert_int_equal(list(f, nobodys, 0), 0);
	assert_int_equal(list(f, team, 0), 0); /* a name, and none of a rubric */
}

static void a_page_token_belongs_to_its_rubric(void **state)
{
	struct fixture *f = *state;
	Leadfit__V1__ListDecisionsRequest request = LEADFIT__V1__LIST_DECISIONS_REQUEST__INIT;
	Leadfit__V1__ListDecisionsResponse *page;
	char past[] = "past", next[] = "next", empty[] = "", message[512];
	char *others[] = {next, empty};

	request.rubric = past;
	request.page_size = 1;
	page = (Leadfit__V1__ListDecisionsResponse *)history_call(
		f->client, "leadfit.v1.Decisions/List", &request.base, LF_OK, NULL);
	assert_true(page->next_page_token[0] != '\0');
	request.page_token = page->next_page_token;
	for (size_t i = 0; i < 2; i++) {
		request.rubric = others[i];
		history_call(f->client, "leadfit.v1.Decisions/List", &request.base, LF_INVALID_ARGUMENT, message);
		assert_string_equal(message, "page_token: belongs to a list with other filters");
	}
	protobuf_c_message_free_unpacked(&page->base, NULL);
}

static void a_name_that_is_too_long_is_refused_by_its_field(void **state)
{
	struct fixture *f = *state;
	Leadfit__V1__ListDecisionsRequest list_request = LEADFIT__V1__LIST_DECISIONS_REQUEST__INIT;
	Leadfit__V1__ExportRequest export_request = LEADFIT__V1__EXPORT_REQUEST__INIT;
	Leadfit__V1__Selection selection = LEADFIT__V1__SELECTION__INIT;
	char message[512], name[130];

	memset(name, 'x', 129);
	name[129] = '\0';
	list_request.rubric = selection.rubric = name;
	export_request.selection = &selection;
	history_call(f->client, "leadfit.v1.Decisions/List", &list_request.base, LF_INVALID_ARGUMENT, message);
	assert_string_equal(message, "rubric: has 129 bytes; allowed are at most 128");
	history_call(f->client, "leadfit.v1.Decisions/Export", &export_request.base, LF_INVALID_ARGUMENT, message);
	assert_string_equal(message, "selection.rubric: has 129 bytes; allowed are at most 128");
}

static void an_export_and_a_replay_take_the_decisions_under_a_rubric(void **state)
{
	struct fixture *f = *state;

	for (size_t n = 0; n < NAMES; n++) {
		Leadfit__V1__ExportRequest request = LEADFIT__V1__EXPORT_REQUEST__INIT;
		Leadfit__V1__ReplayRequest replay = LEADFIT__V1__REPLAY_REQUEST__INIT;
		Leadfit__V1__Selection selection = LEADFIT__V1__SELECTION__INIT;
		char name[8];
		int at = -1;
		uint64_t same = 0;

		snprintf(name, sizeof(name), "%s", names[n]);
		selection.rubric = name;
		request.selection = replay.selection = &selection;
		request.brief = n == 0;
		do {
			Leadfit__V1__ExportResponse *page = (Leadfit__V1__ExportResponse *)history_call(
				f->client, "leadfit.v1.Decisions/Export", &request.base, LF_OK, NULL);

			for (size_t i = 0; i < page->n_decisions; i++) {
				do
					at++;
				while (!is_under(f, at, name));
				assert_int_equal(page->decisions[i]->sequence, at + 1);
				assert_string_equal(page->decisions[i]->decision->rubric->name, name);
			}
			request.from_sequence = page->next;
			protobuf_c_message_free_unpacked(&page->base, NULL);
		} while (request.from_sequence != 0);
		for (at++; at < DECISIONS; at++)
			assert_false(is_under(f, at, name));
		do {
			Leadfit__V1__ReplayResponse *slice = (Leadfit__V1__ReplayResponse *)history_call(
				f->client, "leadfit.v1.Audit/Replay", &replay.base, LF_OK, NULL);

			same += slice->same;
			replay.from_sequence = slice->next;
			protobuf_c_message_free_unpacked(&slice->base, NULL);
		} while (replay.from_sequence != 0);
		assert_int_equal(same, count_under(f, name, false));
	}
}

/* ---- backtest ---- */

/* Returns how many were taken; selected: whose, as the answer says. */
static uint64_t backtest(struct fixture *f, Leadfit__V1__BacktestRequest *request, const char *selected)
{
	uint64_t taken = 0;

	request->from_sequence = 0;
	do {
		Leadfit__V1__BacktestResponse *slice = (Leadfit__V1__BacktestResponse *)history_call(
			f->client, "leadfit.v1.Rubrics/Backtest", &request->base, LF_OK, NULL);

		assert_string_equal(slice->selected_rubric, selected);
		taken += slice->decided;
		request->from_sequence = slice->next;
		protobuf_c_message_free_unpacked(&slice->base, NULL);
	} while (request->from_sequence != 0);
	return taken;
}

static void a_backtest_takes_the_decisions_of_its_own_name_unless_told_otherwise(void **state)
{
	struct fixture *f = *state;
	Leadfit__V1__BacktestRequest request = LEADFIT__V1__BACKTEST_REQUEST__INIT;
	Leadfit__V1__Selection selection = LEADFIT__V1__SELECTION__INIT;
	char past[] = "past", next[] = "next", nobodys[] = "nobodys", empty[] = "";
	char *text = malloc(HISTORY_TEXT), message[512];

	request.ignore_undeclared = true;
	request.name = past;
	assert_int_equal(backtest(f, &request, "past"), count_under(f, past, false));
	request.selection = &selection;
	assert_int_equal(backtest(f, &request, "past"), count_under(f, past, false));
	selection.rubric = next;
	assert_int_equal(backtest(f, &request, "next"), count_under(f, next, false));
	selection.rubric = nobodys;
	assert_int_equal(backtest(f, &request, "nobodys"), 0);
	selection.rubric = empty;
	request.all_rubrics = true;
	assert_int_equal(backtest(f, &request, ""), DECISIONS);
	selection.rubric = past;
	history_call(f->client, "leadfit.v1.Rubrics/Backtest", &request.base, LF_INVALID_ARGUMENT, message);
	assert_string_equal(message, "all_rubrics: stands beside selection.rubric: either is allowed, not both");
	selection.rubric = empty;
	request.all_rubrics = false;
	/* The name of one that is not stored. */
	request.name = empty;
	history_rubric_text(&other, text);
	request.rubric = (Leadfit__V1__Rubric *)daemon_message(&leadfit__v1__rubric__descriptor, text);
	assert_int_equal(backtest(f, &request, "next"), count_under(f, next, false));
	protobuf_c_message_free_unpacked(&request.rubric->base, NULL);
	free(text);
}

static void the_latest_is_by_rubric_team_and_project(void **state)
{
	struct fixture *f = *state;
	Leadfit__V1__BacktestRequest request = LEADFIT__V1__BACKTEST_REQUEST__INIT;
	char past[] = "past", next[] = "next", empty[] = "";

	assert_true(count_latest(f, past) > 0 && count_latest(f, past) < count_under(f, past, true));
	request.ignore_undeclared = request.latest = true;
	request.name = past;
	assert_int_equal(backtest(f, &request, "past"), count_latest(f, past));
	request.name = next;
	assert_int_equal(backtest(f, &request, "next"), count_latest(f, next));
	request.all_rubrics = true;
	assert_int_equal(backtest(f, &request, ""), count_latest(f, empty));
}

/* ---- the commands ---- */

static void says(const struct fixture *f, const char *arguments, const char *expected)
{
	char *out = malloc(1 << 20);
	const int status = history_leadfit(&f->daemon, arguments, out, 1 << 20);

	if (status != 0 || strstr(out, expected) == NULL)
		fail_msg("%s: %d: no \"%s\" in %s", arguments, status, expected, out);
	free(out);
}

static size_t lines(const struct fixture *f, const char *arguments)
{
	char *out = malloc(1 << 20);
	size_t count = 0;

	assert_int_equal(history_leadfit(&f->daemon, arguments, out, 1 << 20), 0);
	for (const char *at = out; (at = strchr(at, '\n')) != NULL; at++)
		count++;
	free(out);
	return count;
}

static void a_second_question_leaves_the_first_in_the_report_and_the_impact_audit(void **state)
{
	struct fixture *f = *state;
	const size_t past = count_latest(f, "past"), next = count_latest(f, "next");
	char path[160], arguments[300], expected[200];
	FILE *file;

	snprintf(path, sizeof(path), "%s/groups.csv", f->daemon.directory);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs("candidate,sex\nm-0,female\nm-7,male\n", file);
	assert_int_equal(fclose(file), 0);

	snprintf(expected, sizeof(expected), "\"all\": {\"decisions\": %zu, ", past);
	says(f, "decisions report --rubric past --output json", expected);
	snprintf(expected, sizeof(expected), "\"all\": {\"decisions\": %zu, ", past + next);
	says(f, "decisions report --output json", expected);
	snprintf(expected, sizeof(expected), "{\"rubric\": \"next\", \"decisions\": %zu, ", next);
	says(f, "decisions report --output json", expected);
	snprintf(expected, sizeof(expected), "{\"rubric\": \"past\", \"decisions\": %zu, ", past);
	says(f, "decisions report --output json", expected);
	says(f, "decisions report",
		"\nEverything else on this page counts 2 rubrics together; --rubric NAME counts one alone.");
	says(f, "decisions report --rubric nobodys", "No decision matches.\n");

	snprintf(arguments, sizeof(arguments), "audit impact --groups %s --output json", path);
	snprintf(expected, sizeof(expected), "\"decisions\": %zu,\n", past + next);
	says(f, arguments, expected);
	says(f, arguments, "\"medianScore\": null,\n  \"rubrics\": [{\"rubric\": \"next\", \"assessed\": ");
	snprintf(arguments, sizeof(arguments), "audit impact --groups %s --rubric past --output json", path);
	snprintf(expected, sizeof(expected), "\"decisions\": %zu,\n", past);
	says(f, arguments, expected);
	says(f, arguments, "\"medianScore\": 0");
	snprintf(arguments, sizeof(arguments), "audit impact --groups %s", path);
	says(f, arguments, "\n2 rubrics are counted together: ");
	says(f, arguments, "- past: median 0.");
}

static void the_other_commands_take_a_rubric(void **state)
{
	const struct fixture *f = *state;
	char arguments[200], expected[100];

	assert_int_equal(lines(f, "decisions list --rubric past --all"), 1 + count_under(f, "past", false));
	says(f, "decisions list --rubric nobodys", "No decision matches.\n");
	/* A heading, and on standard error a summary. */
	assert_int_equal(lines(f, "decisions export --rubric next --format csv"), 2 + count_under(f, "next", false));
	snprintf(arguments, sizeof(arguments),
		"decisions watch --from 1 --rubric past --output json | head -n %zu | grep -v next",
		count_under(f, "past", false));
	assert_int_equal(lines(f, arguments), count_under(f, "past", false));
	snprintf(expected, sizeof(expected), "%zu decisions recomputed: the same, bit for bit\n",
		count_under(f, "past", false));
	says(f, "decisions replay --rubric past", expected);
	snprintf(expected, sizeof(expected), "Of %zu decisions under next, ", count_latest(f, "next"));
	says(f, "rubric backtest past --rubric next --latest --ignore-undeclared", expected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_has_the_decisions_under_a_rubric_whichever_its_version),
		cmocka_unit_test(a_page_token_belongs_to_its_rubric),
		cmocka_unit_test(a_name_that_is_too_long_is_refused_by_its_field),
		cmocka_unit_test(an_export_and_a_replay_take_the_decisions_under_a_rubric),
		cmocka_unit_test(a_backtest_takes_the_decisions_of_its_own_name_unless_told_otherwise),
		cmocka_unit_test(the_latest_is_by_rubric_team_and_project),
		cmocka_unit_test(a_second_question_leaves_the_first_in_the_report_and_the_impact_audit),
		cmocka_unit_test(the_other_commands_take_a_rubric),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
