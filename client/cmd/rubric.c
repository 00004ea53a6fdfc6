/* leadfit rubric check, rubric list, rubric show. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/cmd/commands.h"
#include "client/given/rubric_ref.h"
#include "client/term/page.h"
#include "client/views/rubric_page.h"
#include "client/views/rubric_versions_page.h"
#include "leadfit/v1/rubrics.pb-c.h"
#include "proto/base/buffer.h"
#include "proto/base/limits.h"

static const struct lf_option no_options[] = {{NULL, NULL, NULL, false}};
static const struct lf_option show_options[] = {
	{"digest", "HEX",
		"the version with this digest (its first 8 digits or more), active or not (default: the active one)",
		false},
	{NULL, NULL, NULL, false},
};

/* ---- check ---- */

/* A fault or a warning, and the line at which it stands. */
struct finding {
	size_t line, index;
	const Leadfit__V1__FieldViolation *violation;
};

static int compare_findings(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

/* One line each, in the order of the file's lines. */
static void print_findings(struct lf_cli *cli, const struct lf_input *input, bool warnings, size_t count,
	Leadfit__V1__FieldViolation *const *violations)
{
	void (*const print)(struct lf_buffer *, const char *, const char *, const struct lf_source *, size_t) =
		warnings ? lf_warning_print : lf_violation_print;
	const struct lf_source sources[] = {{.prefix = "rubric", .input = input}, {.prefix = "", .input = input}};
	struct finding *findings = calloc(count + 1, sizeof(*findings));

	if (findings == NULL) {
		cli->page.text.failed = true;
		return;
	}
	for (size_t i = 0; i < count; i++) {
		const char *field = violations[i]->field;

		field += strncmp(field, "rubric.", 7) == 0 ? 7 : 0;
		findings[i] = (struct finding){lf_input_line_of(input, field), i, violations[i]};
	}
	qsort(findings, count, sizeof(*findings), compare_findings);
	for (size_t i = 0; i < count; i++) {
		struct lf_buffer text = {0};

		print(&text, findings[i].violation->field, findings[i].violation->description, sources, 2);
		cli->page.text.failed = cli->page.text.failed || text.failed;
		if (text.data != NULL)
			lf_page_add(&cli->page, LF_PLAIN, "%s", text.data);
		lf_buffer_clean_up(&text);
	}
	free(findings);
}

/* The file's faults, however they were found, then the warnings, as the service would answer them. */
static void print_faults(
	struct lf_cli *cli, const struct lf_input *input, const Leadfit__V1__CheckRubricResponse *answer)
{
	if (cli->json) {
		lf_cli_json(cli, &answer->base);
		return;
	}
	print_findings(cli, input, false, answer->n_errors, answer->errors);
	print_findings(cli, input, true, answer->n_warnings, answer->warnings);
	if (answer->n_errors == 0)
		lf_page_add(&cli->page, LF_PLAIN, "%s: this rubric can be used: %s %s\n", input->name,
			answer->ref == NULL ? "" : answer->ref->name, answer->ref == NULL ? "" : answer->ref->digest);
}

/* Faults that the client finds while reading make an answer of the same kind. false where memory ran out. */
static bool answer_from_error(
	const struct lf_error *error, struct lf_arena *arena, Leadfit__V1__CheckRubricResponse *answer)
{
	const size_t count = error->violation_kept > 0 ? error->violation_kept : 1;
	Leadfit__V1__FieldViolation *items = lf_arena_zalloc(arena, count, sizeof(*items));

	answer->errors = lf_arena_zalloc(arena, count, sizeof(*answer->errors));
	if (items == NULL || answer->errors == NULL)
		return false;
	for (size_t i = 0; i < count; i++) {
		const char *field = error->violation_kept > 0 ? error->violations[i].field : "";
		const char *description = error->violation_kept > 0 ? error->violations[i].description : error->message;

		leadfit__v1__field_violation__init(&items[i]);
		items[i].field = lf_arena_strdup(arena, field, strlen(field));
		items[i].description = lf_arena_strdup(arena, description, strlen(description));
		if (items[i].field == NULL || items[i].description == NULL)
			return false;
		answer->errors[answer->n_errors++] = &items[i];
	}
	return true;
}

/* Parses and asks. Returns the exit status. */
static int check(struct lf_cli *cli, struct lf_input *input, struct lf_arena *arena, struct lf_error *error)
{
	const struct lf_source sources[] = {{.prefix = "rubric", .input = input}};
	Leadfit__V1__CheckRubricRequest request;
	Leadfit__V1__CheckRubricResponse unread;
	ProtobufCMessage *reply;
	const Leadfit__V1__CheckRubricResponse *answer;
	int status;

	leadfit__v1__check_rubric_request__init(&request);
	leadfit__v1__check_rubric_response__init(&unread);
	request.rubric =
		(Leadfit__V1__Rubric *)lf_input_parse(input, &leadfit__v1__rubric__descriptor, NULL, arena, error);
	if (request.rubric == NULL && error->code == LF_INVALID_ARGUMENT && answer_from_error(error, arena, &unread)) {
		print_faults(cli, input, &unread);
		return LF_EXIT_NO;
	}
	reply = request.rubric == NULL ? NULL
				       : lf_cli_call(cli, "leadfit.v1.Rubrics/Check", &request.base, true, error);
	if (reply == NULL)
		return lf_cli_report(cli, error, sources, 1);
	answer = (const Leadfit__V1__CheckRubricResponse *)reply;
	status = answer->n_errors > 0 ? LF_EXIT_NO : LF_EXIT_DONE;
	print_faults(cli, input, answer);
	protobuf_c_message_free_unpacked(reply, NULL);
	return status;
}

static int run_check(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	struct lf_input input = {0};
	struct lf_arena arena;
	struct lf_error error = LF_ERROR_INIT;
	int status;

	lf_arena_init(&arena, LF_ARENA_BYTES_MAX);
	status = lf_input_read(&input, arguments->operands[0], false, &error) == LF_OK
		? check(cli, &input, &arena, &error)
		: lf_cli_report(cli, &error, NULL, 0);
	lf_arena_clean_up(&arena);
	lf_input_clean_up(&input);
	lf_error_clean_up(&error);
	return status;
}

/* ---- list ---- */

static int run_list(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	Leadfit__V1__ListRubricsRequest request;
	struct lf_error error = LF_ERROR_INIT;
	int status = LF_EXIT_DONE;
	ProtobufCMessage *reply;

	(void)arguments;
	leadfit__v1__list_rubrics_request__init(&request);
	reply = lf_cli_call(cli, "leadfit.v1.Rubrics/List", &request.base, true, &error);
	if (reply == NULL)
		status = lf_cli_report(cli, &error, NULL, 0);
	else if (cli->json)
		lf_cli_json(cli, reply);
	else
		lf_rubric_versions_print(&cli->page, (const Leadfit__V1__ListRubricsResponse *)reply);
	protobuf_c_message_free_unpacked(reply, NULL);
	lf_error_clean_up(&error);
	return status;
}

/* ---- show: rubric_page.c draws it ---- */

static int run_show(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	static const struct lf_source sources[] = {
		{.prefix = "name", .option = "rubric show"}, {.prefix = "digest", .option = "--digest"}};
	struct lf_error error = LF_ERROR_INIT;
	struct lf_arena arena;
	int status = LF_EXIT_DONE;
	ProtobufCMessage *reply;

	lf_arena_init(&arena, LF_ARENA_BYTES_MAX);
	reply = lf_rubric_get(cli, arguments->operand_count > 0 ? arguments->operands[0] : "",
		lf_argument(arguments, "digest"), &arena, &error);
	if (reply == NULL)
		status = lf_cli_report(cli, &error, sources, 2);
	else if (cli->json)
		lf_cli_json(cli, reply);
	else
		lf_rubric_print(&cli->page, (const Leadfit__V1__GetRubricResponse *)reply);
	protobuf_c_message_free_unpacked(reply, NULL);
	lf_arena_clean_up(&arena);
	lf_error_clean_up(&error);
	return status;
}

const struct lf_command lf_command_rubric_check = {
	.name = "rubric check",
	.operands = "FILE",
	.summary = "Say everything that is wrong with a rubric file; nothing is stored",
	.help = "The service checks it. Each fault is one line on standard output: FILE:LINE: path: what is\n"
		"wrong. Below them come warnings, FILE:LINE: warning: path: what is allowed, but is probably not\n"
		"meant.\n"
		"Exit status 0: it can be used, with or without warnings; 1: it has faults.\n\n"
		"Example:\n"
		"  leadfit rubric check tech-lead.yaml\n",
	.options = no_options,
	.operand_min = 1,
	.operand_max = 1,
	.run = run_check,
};

const struct lf_command lf_command_rubric_list = {
	.name = "rubric list",
	.operands = "",
	.summary = "List the rubrics that the service has, all versions, and which is the default",
	.help = "",
	.options = no_options,
	.run = run_list,
};

const struct lf_command lf_command_rubric_show = {
	.name = "rubric show",
	.operands = "NAME",
	.summary = "Show a rubric as a page to read, or as JSON",
	.help = "Without NAME: the default rubric.\n\n"
		"Examples:\n"
		"  leadfit rubric show\n"
		"  leadfit rubric show --digest 3f2a91c0d2e1\n"
		"  leadfit rubric show tech-lead --output json\n",
	.options = show_options,
	.operand_max = 1,
	.run = run_show,
};
