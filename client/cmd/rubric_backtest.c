/* leadfit rubric backtest: what would have been decided under another rubric. */
#include <inttypes.h>
#include <string.h>

#include "client/calc/backtest.h"
#include "client/cmd/commands.h"
#include "client/draw/pictures.h"
#include "client/term/page.h"
#include "client/term/progress.h"
#include "client/given/rubric_ref.h"
#include "client/cmd/selection.h"
#include "client/views/backtest_page.h"
#include "proto/base/buffer.h"

enum { LIMIT_DEFAULT = 20, LIMIT_MAX = 100000 };

static const struct lf_option options[] = {
	LF_FILTER_OPTIONS,
	{"all-rubrics", NULL, "decided under any rubric, not only under that of RUBRIC's name", false},
	{"what-if", NULL, "also those that were made with --what-if", false},
	{"latest", NULL, "only the newest decision of each rubric, team and project", false},
	{"ignore-undeclared", NULL, "leave out what this rubric does not declare, instead of skipping those decisions",
		false},
	{"limit", "N", "show at most so many of those that come out otherwise, 0..100000 (default 20)", false},
	{"svg", "FILE", "also draw it, as SVG; - writes that to standard output, and nothing else", false},
	{NULL, NULL, NULL, false},
};

/* A backtest under way: slices are asked for until the end. */
struct run {
	struct lf_arena arena; /* of the request */
	struct lf_input input; /* where the rubric is a file */
	Leadfit__V1__BacktestRequest request;
	struct lf_selection selection;
	struct lf_backtest backtest;
	struct lf_table table; /* of flips */
	unsigned limit;
	const char *svg;
	struct lf_progress progress;
	struct lf_error error;
};

static enum lf_code take_rubric(struct lf_cli *cli, struct run *run, const char *operand)
{
	char *digest;

	if (!lf_rubric_is_file(operand)) {
		if (lf_rubric_stored(cli, "rubric backtest", operand, &run->arena, &run->request.name, &digest,
			    &run->error) == LF_OK &&
			digest != NULL)
			run->request.digest = digest;
		return run->error.code;
	}
	run->request.rubric = lf_rubric_read(&run->input, operand, &run->arena, &run->error);
	return run->error.code;
}

static enum lf_code read_options(struct lf_cli *cli, struct run *run, const struct lf_arguments *arguments)
{
	const char *limit = lf_argument(arguments, "limit");

	run->svg = lf_argument(arguments, "svg");
	run->limit = LIMIT_DEFAULT;
	if (lf_cli_check_files(cli, run->svg, NULL, &run->error) != LF_OK)
		return run->error.code;
	if (lf_argument(arguments, "latest") != NULL && lf_argument(arguments, "what-if") != NULL)
		return lf_error_set(&run->error, LF_INVALID_ARGUMENT, "--latest and --what-if exclude each other");
	if (lf_argument(arguments, "rubric") != NULL && lf_argument(arguments, "all-rubrics") != NULL)
		return lf_error_set(&run->error, LF_INVALID_ARGUMENT, "--rubric and --all-rubrics exclude each other");
	if ((limit != NULL && lf_option_number("limit", limit, 0, LIMIT_MAX, &run->limit, &run->error) != LF_OK) ||
		lf_selection_take(&run->selection, arguments, &run->arena, &run->error) != LF_OK ||
		take_rubric(cli, run, arguments->operands[0]) != LF_OK)
		return run->error.code;
	run->selection.message.decisions_only = lf_argument(arguments, "what-if") == NULL;
	run->request.selection = &run->selection.message;
	run->request.all_rubrics = lf_argument(arguments, "all-rubrics") != NULL;
	run->request.latest = lf_argument(arguments, "latest") != NULL;
	run->request.ignore_undeclared = lf_argument(arguments, "ignore-undeclared") != NULL;
	return LF_OK;
}

/* ---- flips ---- */

/* JSON gets all flips, as they come; people the first few. */
static void show_flips(struct lf_cli *cli, struct run *run, const Leadfit__V1__BacktestResponse *slice)
{
	for (size_t i = 0; i < slice->n_flips; i++) {
		const uint64_t before = run->backtest.flips + i;

		if (cli->json)
			lf_cli_json_item(cli, &slice->flips[i]->base, before == 0 ? "{\n  \"flips\": [" : NULL);
		else if (before < run->limit)
			lf_flips_add(&run->table, slice->flips[i]);
	}
}

/* ---- slices ---- */

static enum lf_code take_slice(struct lf_cli *cli, struct run *run, const Leadfit__V1__BacktestResponse *slice)
{
	const uint64_t from = run->request.from_sequence;

	show_flips(cli, run, slice);
	if (!lf_backtest_add(&run->backtest, slice))
		return lf_error_set(&run->error, LF_RESOURCE_EXHAUSTED, "out of memory");
	run->request.from_sequence = slice->next;
	if (slice->next != 0 && slice->next <= from)
		return lf_error_set(&run->error, LF_INTERNAL, "the service gives the same decisions again and again");
	lf_progress_say(&run->progress, "%" PRIu64 " decided again, %" PRIu64 " come out otherwise",
		run->backtest.decided, run->backtest.flips);
	if (cli->json && lf_page_flush(&cli->page, &run->error) != LF_OK)
		return run->error.code;
	return LF_OK;
}

/* The version of a name is the one that is active at the beginning, also where another becomes active meanwhile. */
static enum lf_code pin_version(struct run *run)
{
	if (run->request.rubric != NULL || run->request.digest[0] != '\0' || run->backtest.ref.digest == NULL)
		return LF_OK;
	run->request.digest = lf_arena_strdup(&run->arena, run->backtest.ref.digest, strlen(run->backtest.ref.digest));
	return run->request.digest != NULL ? LF_OK : lf_error_set(&run->error, LF_RESOURCE_EXHAUSTED, "out of memory");
}

static enum lf_code run_all(struct lf_cli *cli, struct run *run)
{
	do {
		ProtobufCMessage *reply =
			lf_cli_call(cli, "leadfit.v1.Rubrics/Backtest", &run->request.base, true, &run->error);

		if (reply == NULL)
			return run->error.code;
		if (take_slice(cli, run, (const Leadfit__V1__BacktestResponse *)reply) == LF_OK)
			pin_version(run);
		protobuf_c_message_free_unpacked(reply, NULL);
	} while (run->error.code == LF_OK && run->request.from_sequence != 0 && !cli->page.closed);
	return run->error.code;
}

static void finish_json(struct lf_cli *cli, void *answer)
{
	struct run *run = answer;
	Leadfit__V1__BacktestResponse message;
	Leadfit__V1__OutcomePair pairs[LF_BACKTEST_OUTCOMES * LF_BACKTEST_OUTCOMES];
	Leadfit__V1__OutcomePair *list[LF_BACKTEST_OUTCOMES * LF_BACKTEST_OUTCOMES];

	lf_backtest_message(&run->backtest, &message, pairs, list);
	lf_cli_json_rest(cli, &message.base, run->backtest.flips > 0);
}

static void finish_page(struct lf_cli *cli, void *answer)
{
	struct run *run = answer;

	lf_backtest_print(&cli->page, &run->backtest);
	if (run->backtest.flips > 0 && run->limit > 0)
		lf_page_title(&cli->page, "Decisions that come out otherwise");
	lf_table_finish(&run->table, true);
	if (run->backtest.flips > run->limit && run->limit > 0)
		lf_page_add(&cli->page, LF_DIM, "There are %" PRIu64 " more: --limit N or --output json shows them.\n",
			run->backtest.flips - run->limit);
}

static bool draw(struct lf_buffer *svg, void *answer)
{
	lf_backtest_svg(svg, &((struct run *)answer)->backtest);
	return true;
}

/* Shows what came out. Returns the exit status. */
static int show(struct lf_cli *cli, struct run *run)
{
	/* As JSON the flips are out already. */
	static const struct lf_view view = {.svg = draw, .json = finish_json, .page = finish_page, .begun = true};

	lf_backtest_finish(&run->backtest);
	return lf_cli_show(cli, &view, run->svg, NULL, run);
}

static int run_backtest(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	struct run run = {.error = LF_ERROR_INIT};
	const struct lf_source stored[] = {LF_SELECTION_SOURCES, {.prefix = "name", .option = "rubric backtest"},
		{.prefix = "digest", .option = "rubric backtest"}};
	const struct lf_source files[] = {
		LF_SELECTION_SOURCES, {.prefix = "rubric", .input = &run.input}, {.prefix = "", .input = &run.input}};
	int status;

	lf_arena_init(&run.arena, LF_ARENA_BYTES_MAX);
	lf_progress_init(&run.progress);
	leadfit__v1__backtest_request__init(&run.request);
	lf_flips_begin(&run.table, &cli->page);
	if (read_options(cli, &run, arguments) == LF_OK)
		run_all(cli, &run);
	lf_progress_end(&run.progress);
	if (run.error.code == LF_OK)
		status = show(cli, &run);
	else if (run.input.text != NULL)
		status = lf_cli_report(cli, &run.error, files, sizeof(files) / sizeof(files[0]));
	else
		status = lf_cli_report(cli, &run.error, stored, sizeof(stored) / sizeof(stored[0]));
	lf_table_drop(&run.table);
	lf_backtest_clean_up(&run.backtest);
	lf_input_clean_up(&run.input);
	lf_arena_clean_up(&run.arena);
	lf_error_clean_up(&run.error);
	return status;
}

const struct lf_command lf_command_rubric_backtest = {
	.name = "rubric backtest",
	.operands = "RUBRIC",
	.summary = "What would have been decided under another rubric; nothing is stored",
	.help = "RUBRIC is a file, or a stored rubric: NAME (its active version), DIGEST (8 digits or more) or "
		"NAME@DIGEST. Every decision of "
		"the selection is decided again under it, with its own team, project and instant; said is how many "
		"come out otherwise, in "
		"which projects, and by which criterion. Nothing is stored, nothing goes live.\n\n"
		"The decisions are those made under RUBRIC's name, by any version; --rubric NAME takes those "
		"of another rubric, --all-rubrics those of every one. All count but those made with --what-if; "
		"--latest "
		"counts each rubric, team and project once. A decision whose team or "
		"project has what RUBRIC does not declare is counted apart, with the reason, unless "
		"--ignore-undeclared.\n\n"
		"Examples:\n"
		"  leadfit rubric backtest tech-lead.yaml --since 2026-01-01\n"
		"  leadfit rubric backtest 0815b2257249 --latest --svg flips.svg\n"
		"  leadfit rubric backtest new-name.yaml --rubric tech-lead\n",
	.options = options,
	.operand_min = 1,
	.operand_max = 1,
	.run = run_backtest,
};
