/* leadfit decisions list, leadfit decisions show: what was answered before. */
#include <string.h>

#include "client/cmd/commands.h"
#include "client/cmd/selection.h"
#include "client/views/decision.h"
#include "client/views/decisions_page.h"
#include "leadfit/v1/decisions.pb-c.h"
#include "proto/base/limits.h"

static const struct lf_option list_options[] = {
	LF_FILTER_OPTIONS,
	{"limit", "N", "at most so many, 1..1000000 (default 20)", false},
	{"all", NULL, "all of them", false},
	{NULL, NULL, NULL, false},
};
static const struct lf_option show_options[] = {
	{"rank-table", NULL, "how often each candidate has each rank, where the decision was asked with it", false},
	{NULL, NULL, NULL, false}};

enum { LIMIT_DEFAULT = 20, LIMIT_MAX = 1000000, ARENA_BYTES_MAX = 64 * 1024 };

/* A listing under way: pages are asked for until enough has been printed. */
struct listing {
	struct lf_arena arena;
	Leadfit__V1__ListDecisionsRequest request;
	struct lf_selection selection; /* holds the texts and instants of the request */
	size_t limit;                  /* SIZE_MAX: all */
	size_t printed;
	ProtobufCMessage *previous; /* the page before; owns the page token */
	struct lf_error error;
};

static enum lf_code read_options(struct listing *listing, const struct lf_arguments *arguments)
{
	Leadfit__V1__ListDecisionsRequest *request = &listing->request;
	const Leadfit__V1__Selection *selection = &listing->selection.message;
	const char *limit = lf_argument(arguments, "limit");
	unsigned number = LIMIT_DEFAULT;

	if (lf_selection_take(&listing->selection, arguments, &listing->arena, &listing->error) != LF_OK ||
		(limit != NULL && lf_option_number("limit", limit, 1, LIMIT_MAX, &number, &listing->error) != LF_OK))
		return listing->error.code;
	request->team = selection->team;
	request->project = selection->project;
	request->candidate = selection->candidate;
	request->rubric = selection->rubric;
	request->outcome = selection->outcome;
	request->since = selection->since;
	request->until = selection->until;
	if (limit != NULL && lf_argument(arguments, "all") != NULL)
		return lf_error_set(&listing->error, LF_INVALID_ARGUMENT, "--limit and --all exclude each other");
	listing->limit = lf_argument(arguments, "all") != NULL ? SIZE_MAX : number;
	return LF_OK;
}

/* The pages become one ListDecisionsResponse, written as it comes: a log can be larger than memory. */
static void print_json(
	struct lf_cli *cli, const struct listing *listing, const Leadfit__V1__ListDecisionsResponse *list)
{
	for (size_t i = 0; i < list->n_decisions; i++)
		lf_cli_json_item(
			cli, &list->decisions[i]->base, listing->printed + i == 0 ? "{\n  \"decisions\": [" : NULL);
}

static void finish_list(struct lf_cli *cli, const struct listing *listing, char *next_page_token)
{
	Leadfit__V1__ListDecisionsResponse rest;

	if (cli->json) {
		leadfit__v1__list_decisions_response__init(&rest);
		rest.next_page_token = next_page_token;
		lf_cli_json_rest(cli, &rest.base, listing->printed > 0);
	} else if (listing->printed == 0) {
		lf_page_add(&cli->page, LF_PLAIN, "No decision matches.\n");
	} else if (next_page_token[0] != '\0') {
		lf_page_add(&cli->page, LF_DIM, "There are more: --limit N or --all shows them.\n");
	}
}

/* Prints one page, and moves on to the next. Takes the reply: its page token is part of the next request. */
static enum lf_code take_page(struct lf_cli *cli, struct listing *listing, ProtobufCMessage *reply, bool *last)
{
	Leadfit__V1__ListDecisionsResponse *list = (Leadfit__V1__ListDecisionsResponse *)reply;
	bool again;

	if (cli->json)
		print_json(cli, listing, list);
	else
		lf_decisions_print(&cli->page, list, listing->printed == 0);
	listing->printed += list->n_decisions;
	*last = list->next_page_token[0] == '\0' || listing->printed >= listing->limit;
	again = !*last && strcmp(list->next_page_token, listing->request.page_token) == 0;
	if (*last)
		finish_list(cli, listing, list->next_page_token);
	listing->request.page_token = list->next_page_token;
	protobuf_c_message_free_unpacked(listing->previous, NULL);
	listing->previous = reply;
	if (again)
		return lf_error_set(&listing->error, LF_INTERNAL, "the service gives the same page again and again");
	*last = *last || cli->page.closed;
	return LF_OK;
}

static enum lf_code list_pages(struct lf_cli *cli, struct listing *listing)
{
	for (bool last = false; !last;) {
		const size_t wanted = listing->limit - listing->printed;
		ProtobufCMessage *reply;

		listing->request.page_size = wanted > LF_PAGE_MAX ? LF_PAGE_MAX : (uint32_t)wanted;
		reply = lf_cli_call(cli, "leadfit.v1.Decisions/List", &listing->request.base, true, &listing->error);
		if (reply == NULL || take_page(cli, listing, reply, &last) != LF_OK ||
			(!last && lf_page_flush(&cli->page, &listing->error) != LF_OK))
			return listing->error.code;
	}
	return LF_OK;
}

static int run_list(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	static const struct lf_source sources[] = {
		{.prefix = "team", .option = "--team"},
		{.prefix = "project", .option = "--project"},
		{.prefix = "candidate", .option = "--candidate"},
		{.prefix = "rubric", .option = "--rubric"},
		{.prefix = "outcome", .option = "--outcome"},
		{.prefix = "since", .option = "--since"},
		{.prefix = "until", .option = "--until"},
	};
	struct listing listing = {.error = LF_ERROR_INIT};
	int status = LF_EXIT_DONE;

	lf_arena_init(&listing.arena, ARENA_BYTES_MAX);
	leadfit__v1__list_decisions_request__init(&listing.request);
	if (read_options(&listing, arguments) != LF_OK || list_pages(cli, &listing) != LF_OK)
		status = lf_cli_report(cli, &listing.error, sources, sizeof(sources) / sizeof(sources[0]));
	protobuf_c_message_free_unpacked(listing.previous, NULL);
	lf_arena_clean_up(&listing.arena);
	lf_error_clean_up(&listing.error);
	return status;
}

static int run_show(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	static const struct lf_source source = {.prefix = "decision_id", .option = "decisions show"};
	Leadfit__V1__GetDecisionRequest request;
	struct lf_error error = LF_ERROR_INIT;
	char id[LF_ID_BYTES_MAX + 1] = "";
	const char *text = arguments->operands[0];
	int status = LF_EXIT_DONE;
	ProtobufCMessage *reply = NULL;

	leadfit__v1__get_decision_request__init(&request);
	if (strlen(text) > LF_ID_BYTES_MAX) {
		lf_error_set(&error, LF_INVALID_ARGUMENT, "decisions show: this is no decision id");
	} else {
		memcpy(id, text, strlen(text));
		request.decision_id = id;
		reply = lf_cli_call(cli, "leadfit.v1.Decisions/Get", &request.base, true, &error);
	}
	if (reply == NULL)
		status = lf_cli_report(cli, &error, &source, 1);
	else if (cli->json)
		lf_cli_json(cli, reply);
	else
		lf_decision_print(&cli->page, (const Leadfit__V1__Decision *)reply,
			LF_SHOW_ALL | (lf_argument(arguments, "rank-table") != NULL ? LF_SHOW_RANK_TABLE : 0));
	protobuf_c_message_free_unpacked(reply, NULL);
	lf_error_clean_up(&error);
	return status;
}

const struct lf_command lf_command_decisions_list = {
	.name = "decisions list",
	.operands = "",
	.summary = "List decisions, newest first",
	.help = "Every filter that is given must hold. Times are UTC.\n\n"
		"Examples:\n"
		"  leadfit decisions list --team payments --limit 5\n"
		"  leadfit decisions list --candidate m-1042 --since 2026-01-01 --all --output json\n",
	.options = list_options,
	.run = run_list,
};

const struct lf_command lf_command_decisions_show = {
	.name = "decisions show",
	.operands = "ID",
	.summary = "Show one decision as it was answered",
	.help = "ID is a decision's id, as score and decisions list print it.\n\n"
		"Example:\n"
		"  leadfit decisions show 0196f0a4-8b6e-7c3d-9f21-5d2f6f1f7a10\n",
	.options = show_options,
	.operand_min = 1,
	.operand_max = 1,
	.run = run_show,
};
