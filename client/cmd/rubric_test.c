/* leadfit rubric test. */
#include <stdio.h>
#include <string.h>

#include "client/cmd/commands.h"
#include "client/given/rubric_ref.h"
#include "client/term/page.h"
#include "client/views/scenarios_page.h"
#include "proto/base/buffer.h"

static const struct lf_option options[] = {
	{"digest", "HEX", "the stored version with this digest (its first 8 digits or more), active or not", false},
	{NULL, NULL, NULL, false},
};

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

static void print_test(
	struct lf_page *page, const struct lf_input *input, const Leadfit__V1__TestRubricResponse *answer)
{
	lf_scenarios_print(page, answer);
	print_differences(page, input, answer);
	lf_scenarios_sum_up(page, answer);
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
		status = lf_scenarios_failed(answer) > 0 ? LF_EXIT_NO : LF_EXIT_DONE;
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
		"anything else is the NAME of a stored rubric. Without either: the default rubric.\n"
		"Exit status 0: all scenarios passed; 1: some failed.\n\n"
		"Examples:\n"
		"  leadfit rubric test tech-lead.yaml\n"
		"  leadfit rubric test --digest 3f2a91c0d2e1\n",
	.options = options,
	.operand_max = 1,
	.run = run_test,
};
