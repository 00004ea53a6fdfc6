/* leadfit decisions outcome: records what was really done with a decision, or lists what was recorded. */
#include <string.h>

#include "client/cmd/commands.h"
#include "client/views/outcomes_page.h"
#include "leadfit/v1/decisions.pb-c.h"
#include "proto/base/buffer.h"
#include "proto/base/limits.h"

static const struct lf_option options[] = {
	{"accepted", NULL, "the recommended person leads, or the decision was followed", false},
	{"overridden", NULL, "somebody decided otherwise: with --lead, --by and --reason", false},
	{"lead", "ID", "who leads", false},
	{"by", "WHO", "who overrode it", false},
	{"reason", "TEXT", "why", false},
	{"result", "N", "how the project went in the end, 1 (badly) to 5 (very well); can be added later, alone",
		false},
	{NULL, NULL, NULL, false},
};

enum { ARENA_BYTES_MAX = 1024 * 1024 };

static const struct lf_source sources[] = {
	{.prefix = "decision_id", .option = "decisions outcome"},
	{.prefix = "disposition", .option = "--accepted or --overridden"},
	{.prefix = "lead", .option = "--lead"},
	{.prefix = "overridden_by", .option = "--by"},
	{.prefix = "reason", .option = "--reason"},
	{.prefix = "result", .option = "--result"},
};
enum { SOURCE_COUNT = sizeof(sources) / sizeof(sources[0]) };

static enum lf_code read_options(Leadfit__V1__RecordOutcomeRequest *request, const struct lf_arguments *arguments,
	struct lf_arena *arena, struct lf_error *error)
{
	const bool accepted = lf_argument(arguments, "accepted") != NULL,
		   overridden = lf_argument(arguments, "overridden") != NULL;
	const char *result = lf_argument(arguments, "result");
	unsigned number = 0;

	if (accepted && overridden)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "--accepted and --overridden exclude each other");
	if (lf_argument_text(arguments, "lead", &request->lead, arena, error) != LF_OK ||
		lf_argument_text(arguments, "by", &request->overridden_by, arena, error) != LF_OK ||
		lf_argument_text(arguments, "reason", &request->reason, arena, error) != LF_OK ||
		(result != NULL && lf_option_number("result", result, 1, 5, &number, error) != LF_OK))
		return error->code;
	request->disposition = accepted ? LEADFIT__V1__DISPOSITION__ACCEPTED
		: overridden            ? LEADFIT__V1__DISPOSITION__OVERRIDDEN
					: LEADFIT__V1__DISPOSITION__DISPOSITION_UNSPECIFIED;
	request->result = number;
	return LF_OK;
}

static enum lf_code record(struct lf_cli *cli, const Leadfit__V1__RecordOutcomeRequest *request, struct lf_error *error)
{
	ProtobufCMessage *reply = lf_cli_call(cli, "leadfit.v1.Decisions/RecordOutcome", &request->base, false, error);

	if (reply == NULL)
		return error->code;
	if (cli->json)
		lf_cli_json(cli, reply);
	else
		lf_outcomes_print(&cli->page, (const Leadfit__V1__Outcomes *)reply, true);
	protobuf_c_message_free_unpacked(reply, NULL);
	return LF_OK;
}

static enum lf_code list(struct lf_cli *cli, char *id, struct lf_error *error)
{
	Leadfit__V1__ListOutcomesRequest request = LEADFIT__V1__LIST_OUTCOMES_REQUEST__INIT;
	size_t printed = 0;

	request.decision_id = id;
	do {
		ProtobufCMessage *reply =
			lf_cli_call(cli, "leadfit.v1.Decisions/ListOutcomes", &request.base, true, error);
		const Leadfit__V1__Outcomes *outcomes;

		if (reply == NULL)
			return error->code;
		outcomes = (const Leadfit__V1__Outcomes *)reply;
		if (cli->json)
			lf_outcomes_json(&cli->page.text, outcomes, printed);
		else
			lf_outcomes_print(&cli->page, outcomes, printed == 0);
		printed += outcomes->n_outcomes;
		request.after = outcomes->next;
		protobuf_c_message_free_unpacked(reply, NULL);
		if (lf_page_flush(&cli->page, error) != LF_OK)
			return error->code;
	} while (request.after != 0 && !cli->page.closed);
	if (cli->json)
		lf_buffer_append_text(&cli->page.text, printed == 0 ? "{}\n" : "\n  ]\n}\n");
	else if (printed == 0)
		lf_page_add(&cli->page, LF_PLAIN, "Nothing was recorded of what became of it.\n");
	else if (printed > 1)
		lf_page_add(&cli->page, LF_DIM, "The last one holds.\n");
	return LF_OK;
}

/* Whether anything is to be recorded. */
static bool is_recorded(const struct lf_arguments *arguments)
{
	for (const struct lf_option *option = options; option->name != NULL; option++)
		if (lf_argument(arguments, option->name) != NULL)
			return true;
	return false;
}

static int run_outcome(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	Leadfit__V1__RecordOutcomeRequest request = LEADFIT__V1__RECORD_OUTCOME_REQUEST__INIT;
	const char *id = arguments->operands[0];
	struct lf_arena arena;
	struct lf_error error = LF_ERROR_INIT;
	int status = LF_EXIT_DONE;

	lf_arena_init(&arena, ARENA_BYTES_MAX);
	if (id[0] == '\0' || strlen(id) > LF_ID_BYTES_MAX)
		lf_error_set(&error, LF_INVALID_ARGUMENT, "decisions outcome: this is no decision id");
	else if ((request.decision_id = lf_arena_strdup(&arena, id, strlen(id))) == NULL)
		lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "out of memory");
	else if (read_options(&request, arguments, &arena, &error) == LF_OK)
		(void)(is_recorded(arguments) ? record(cli, &request, &error) : list(cli, request.decision_id, &error));
	if (error.code != LF_OK)
		status = lf_cli_report(cli, &error, sources, SOURCE_COUNT);
	lf_arena_clean_up(&arena);
	lf_error_clean_up(&error);
	return status;
}

const struct lf_command lf_command_decisions_outcome = {
	.name = "decisions outcome",
	.operands = "ID",
	.summary = "Record what was really done with a decision, or list what was recorded",
	.help = "ID is a decision's id, as score and decisions list print it. Nothing is edited: each call adds\n"
		"a record to the log, and the last one of a decision holds. A later call with --result alone\n"
		"repeats the rest of the one before. Without options: lists what was recorded.\n\n"
		"Examples:\n"
		"  leadfit decisions outcome 0196f0a4-8b6e-7c3d-9f21-5d2f6f1f7a10 --accepted\n"
		"  leadfit decisions outcome 0196f0a4-8b6e-7c3d-9f21-5d2f6f1f7a10 --overridden --lead m-7 \\\n"
		"    --by \"head of engineering\" --reason \"m-1042 is on leave\"\n"
		"  leadfit decisions outcome 0196f0a4-8b6e-7c3d-9f21-5d2f6f1f7a10 --result 4\n",
	.options = options,
	.operand_min = 1,
	.operand_max = 1,
	.run = run_outcome,
};
