/* leadfit rubric history. */
#include <string.h>

#include "client/calc/figures.h"
#include "client/cmd/commands.h"
#include "client/cmd/rubric_ref.h"
#include "client/term/page.h"
#include "proto/base/limits.h"

static const struct lf_option no_options[] = {{NULL, NULL, NULL, false}};

enum { ARENA_BYTES_MAX = 1024 * 1024 };

static void print_history(struct lf_page *page, const Leadfit__V1__RubricHistoryResponse *history)
{
	struct lf_table table;
	char time[LF_TIME_BYTES];

	lf_table_init(&table, page);
	lf_table_column(&table, "activated (UTC)", 0);
	lf_table_column(&table, "rubric", LF_COLUMN_CUT);
	lf_table_column(&table, "from", 0);
	lf_table_column(&table, "to", 0);
	lf_table_column(&table, "by", LF_COLUMN_CUT);
	for (size_t i = 0; i < history->n_activations; i++) {
		const Leadfit__V1__Activation *act = history->activations[i];

		lf_time_print(act->activated_at == NULL ? 0 : act->activated_at->seconds, time);
		lf_table_line(&table, LF_PLAIN);
		lf_table_cell(&table, 0, "%.19s", time);
		lf_table_cell(&table, 1, "%s", act->to == NULL ? "" : act->to->name);
		lf_table_cell(&table, 2, "%.*s", LF_DIGEST_SHOWN, act->from == NULL ? "-" : act->from->digest);
		lf_table_cell(&table, 3, "%.*s", LF_DIGEST_SHOWN, act->to == NULL ? "" : act->to->digest);
		lf_table_cell(&table, 4, "%s", act->activated_by);
	}
	lf_table_finish(&table, true);
	if (history->n_activations == 0)
		lf_page_add(page, LF_PLAIN, "No such rubric was ever active.\n");
	if (history->n_activations == LF_ACTIVATIONS_MAX)
		lf_page_add(page, LF_PLAIN, "These are the newest %d; the log keeps all.\n", LF_ACTIVATIONS_MAX);
}

static int run_history(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	const char *name = arguments->operand_count > 0 ? arguments->operands[0] : "";
	Leadfit__V1__RubricHistoryRequest request;
	ProtobufCMessage *reply = NULL;
	struct lf_arena arena;
	struct lf_error error = LF_ERROR_INIT;
	int status = LF_EXIT_DONE;

	lf_arena_init(&arena, ARENA_BYTES_MAX);
	leadfit__v1__rubric_history_request__init(&request);
	request.name = lf_arena_strdup(&arena, name, strlen(name));
	if (request.name == NULL)
		lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "out of memory");
	else
		reply = lf_cli_call(cli, "leadfit.v1.Rubrics/History", &request.base, true, &error);
	if (reply == NULL)
		status = lf_cli_report(cli, &error, NULL, 0);
	else if (cli->json)
		lf_cli_json(cli, reply);
	else
		print_history(&cli->page, (const Leadfit__V1__RubricHistoryResponse *)reply);
	protobuf_c_message_free_unpacked(reply, NULL);
	lf_arena_clean_up(&arena);
	lf_error_clean_up(&error);
	return status;
}

const struct lf_command lf_command_rubric_history = {
	.name = "rubric history",
	.operands = "NAME",
	.summary = "List who made which version of a rubric active, when; newest first",
	.help = "Without NAME: of all rubrics.\n",
	.options = no_options,
	.operand_max = 1,
	.run = run_history,
};
