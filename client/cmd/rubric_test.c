/* leadfit rubric test. */
#include <stdio.h>
#include <string.h>

#include "client/calc/figures.h"
#include "client/cmd/commands.h"
#include "client/cmd/rubric_ref.h"
#include "client/term/page.h"
#include "proto/base/buffer.h"

static const struct lf_option options[] = {
	{"digest", "HEX", "the stored version with this digest (its first 8 digits or more), active or not", false},
	{NULL, NULL, NULL, false},
};

static const char *outcome_name(int outcome)
{
	const ProtobufCEnumValue *value =
		protobuf_c_enum_descriptor_get_value(&leadfit__v1__outcome__descriptor, outcome);

	return outcome == 0 || value == NULL ? "-" : value->name;
}

static size_t failures(const Leadfit__V1__TestRubricResponse *answer)
{
	size_t count = 0;

	for (size_t i = 0; i < answer->n_scenarios; i++)
		count += !answer->scenarios[i]->passed;
	return count;
}

/* Whether the rubric has robustness: without it the column would be empty. */
static bool has_shares(const Leadfit__V1__TestRubricResponse *answer)
{
	for (size_t i = 0; i < answer->n_scenarios; i++)
		if (answer->scenarios[i]->first_rank_share != NULL)
			return true;
	return false;
}

/* The name stands last: it is the longest, and where two begin alike their ends tell them apart. */
static void print_scenarios(struct lf_page *page, const Leadfit__V1__TestRubricResponse *answer)
{
	const bool shares = has_shares(answer);
	const size_t name = shares ? 5 : 4;
	struct lf_table table;

	lf_table_init(&table, page);
	lf_table_column(&table, "result", 0);
	lf_table_column(&table, "first", 0);
	lf_table_column(&table, "outcome", 0);
	lf_table_column(&table, "margin", LF_COLUMN_RIGHT);
	if (shares)
		lf_table_column(&table, "ranks first", LF_COLUMN_RIGHT);
	lf_table_column(&table, "scenario", LF_COLUMN_CUT);
	for (size_t i = 0; i < answer->n_scenarios; i++) {
		const Leadfit__V1__ScenarioResult *scenario = answer->scenarios[i];
		double margin;

		lf_table_line(&table, scenario->passed ? LF_PLAIN : LF_WARN);
		lf_table_cell(&table, 0, "%s", scenario->passed ? "passed" : "FAILED");
		lf_table_cell(&table, 1, "%s", scenario->first[0] == '\0' ? "-" : scenario->first);
		lf_table_cell(&table, 2, "%s", outcome_name((int)scenario->outcome));
		margin = scenario->margin == NULL ? 0 : scenario->margin->value;
		if (margin > 0 && margin < 0.0005)
			lf_table_cell(&table, 3, "<0.001");
		else if (scenario->margin != NULL)
			lf_table_cell(&table, 3, "%.3f", margin);
		if (scenario->first_rank_share != NULL) {
			char share[LF_PERCENT_BYTES];

			lf_percent(scenario->first_rank_share->value, share);
			lf_table_cell(&table, 4, "%s", share);
		}
		lf_table_cell(&table, name, "%s", scenario->name);
	}
	lf_table_finish(&table, true);
	if (answer->n_scenarios == 0)
		lf_page_add(page, LF_PLAIN, "This rubric has no scenarios.\n");
}

/* By line where the rubric is a file, else by path. */
static void print_differences(
	struct lf_page *page, const struct lf_input *input, const Leadfit__V1__TestRubricResponse *answer)
{
	const struct lf_source source = {.prefix = "", .input = input};
	bool first = true;

	for (size_t i = 0; i < answer->n_scenarios; i++)
		for (size_t d = 0; d < answer->scenarios[i]->n_differences; d++) {
			const Leadfit__V1__FieldViolation *difference = answer->scenarios[i]->differences[d];
			struct lf_buffer text = {0};
			char field[400];

			snprintf(field, sizeof(field), "scenarios[%zu]%s%s", i, difference->field[0] == '\0' ? "" : ".",
				difference->field);
			lf_violation_print(&text, field, difference->description, &source, input->text == NULL ? 0 : 1);
			page->text.failed = page->text.failed || text.failed;
			if (text.data != NULL)
				lf_page_add(page, LF_PLAIN, "%s%s", first ? "\n" : "", text.data);
			first = false;
			lf_buffer_clean_up(&text);
		}
}

static void add_name(struct lf_buffer *list, const char *name)
{
	lf_buffer_append_text(list, list->length > 0 ? ", " : "");
	lf_buffer_append_text(list, name);
}

/* Draws a list of names under its title, and frees it; nothing where it is empty. */
static void print_list(struct lf_page *page, const char *title, struct lf_buffer *list)
{
	page->text.failed = page->text.failed || list->failed;
	if (list->data != NULL)
		lf_page_wrap(page, title, "    ", list->data);
	lf_buffer_clean_up(list);
}

static void print_coverage(struct lf_page *page, const Leadfit__V1__Coverage *coverage)
{
	struct lf_buffer criteria = {0}, traits = {0}, gates = {0}, outcomes = {0};

	if (coverage == NULL)
		return;
	for (size_t i = 0; i < coverage->n_criteria; i++)
		add_name(&criteria, coverage->criteria[i]);
	for (size_t i = 0; i < coverage->n_traits; i++)
		add_name(&traits, coverage->traits[i]);
	for (size_t i = 0; i < coverage->n_gates; i++)
		add_name(&gates, coverage->gates[i]);
	for (size_t i = 0; i < coverage->n_outcomes; i++)
		add_name(&outcomes, outcome_name((int)coverage->outcomes[i]));
	if (coverage->n_criteria + coverage->n_traits + coverage->n_gates + coverage->n_outcomes == 0)
		lf_page_add(page, LF_PLAIN, "\nThe scenarios exercise every criterion, trait, gate and outcome.\n");
	else
		lf_page_add(page, LF_PLAIN, "\nNo scenario exercises\n");
	print_list(page, "  criteria: ", &criteria);
	print_list(page, "  traits: ", &traits);
	print_list(page, "  gates: ", &gates);
	print_list(page, "  outcomes: ", &outcomes);
}

static void print_test(
	struct lf_page *page, const struct lf_input *input, const Leadfit__V1__TestRubricResponse *answer)
{
	const size_t failed = failures(answer);

	print_scenarios(page, answer);
	print_differences(page, input, answer);
	if (answer->n_scenarios > 0)
		print_coverage(page, answer->coverage);
	lf_page_add(page, failed > 0 ? LF_WARN : LF_PLAIN, "\n%s %.*s: %zu of %zu scenarios passed\n",
		answer->ref == NULL ? "" : answer->ref->name, LF_DIGEST_SHOWN,
		answer->ref == NULL ? "" : answer->ref->digest, answer->n_scenarios - failed, answer->n_scenarios);
}

/* Makes the request that the arguments mean. */
static enum lf_code make_request(struct lf_cli *cli, const struct lf_arguments *arguments, struct lf_input *input,
	struct lf_arena *arena, Leadfit__V1__TestRubricRequest *request, struct lf_error *error)
{
	const char *operand = arguments->operand_count > 0 ? arguments->operands[0] : "";
	const char *digest = lf_argument(arguments, "digest");

	if (digest == NULL && operand[0] != '\0' && lf_rubric_is_file(operand)) {
		request->rubric = lf_rubric_read(input, operand, arena, error);
		return request->rubric != NULL ? LF_OK : error->code;
	}
	request->name = lf_arena_strdup(arena, operand, strlen(operand));
	if (request->name == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
	if (digest == NULL)
		return LF_OK;
	request->digest = lf_digest_complete(cli, "--digest", operand, digest, arena, error);
	return request->digest != NULL ? LF_OK : error->code;
}

static int run_test(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	struct lf_input input = {0};
	const struct lf_source files[] = {{.prefix = "rubric", .input = &input}, {.prefix = "", .input = &input}};
	static const struct lf_source names[] = {
		{.prefix = "name", .option = "rubric test"}, {.prefix = "digest", .option = "--digest"}};
	Leadfit__V1__TestRubricRequest request;
	ProtobufCMessage *reply = NULL;
	struct lf_arena arena;
	struct lf_error error = LF_ERROR_INIT;
	int status;
	const Leadfit__V1__TestRubricResponse *answer;

	lf_arena_init(&arena, LF_ARENA_BYTES_MAX);
	leadfit__v1__test_rubric_request__init(&request);
	if (make_request(cli, arguments, &input, &arena, &request, &error) == LF_OK)
		reply = lf_cli_call(cli, "leadfit.v1.Rubrics/Test", &request.base, true, &error);
	answer = (const Leadfit__V1__TestRubricResponse *)reply;
	if (reply == NULL) {
		status = lf_cli_report(cli, &error, input.text != NULL ? files : names, 2);
	} else {
		status = failures(answer) > 0 ? LF_EXIT_NO : LF_EXIT_DONE;
		if (cli->json)
			lf_cli_json(cli, reply);
		else
			print_test(&cli->page, &input, answer);
	}
	protobuf_c_message_free_unpacked(reply, NULL);
	lf_arena_clean_up(&arena);
	lf_input_clean_up(&input);
	lf_error_clean_up(&error);
	return status;
}

const struct lf_command lf_command_rubric_test = {
	.name = "rubric test",
	.operands = "FILE | NAME",
	.summary = "Run a rubric's own scenarios, and say what they leave untried; nothing is stored",
	.help = "What exists, has a / in it, or ends in .yaml, .yml or .json is a FILE (- is standard input);\n"
		"anything else is the NAME of a stored rubric. Without either: the only active one.\n"
		"Exit status 0: all scenarios passed; 1: some failed.\n\n"
		"Examples:\n"
		"  leadfit rubric test tech-lead.yaml\n"
		"  leadfit rubric test --digest 3f2a91c0d2e1\n",
	.options = options,
	.operand_max = 1,
	.run = run_test,
};
