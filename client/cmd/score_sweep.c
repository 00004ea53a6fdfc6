/* leadfit score --sweep: who leads over the range of one trait. */
#include <string.h>

#include "client/cmd/commands.h"
#include "client/views/sweep.h"
#include "proto/base/buffer.h"

enum { POINTS_MIN = 2, POINTS_MAX = 1001, ARENA_BYTES_MAX = 64 * 1024 * 1024 };

enum lf_code lf_score_sweep_check(
	const struct lf_cli *cli, const struct lf_arguments *arguments, struct lf_error *error)
{
	static const char *const without[] = {"points", "svg"};
	static const char *const with[] = {"key", "what-if", "strict", "detail", "rank-table"};

	if (lf_argument(arguments, "sweep") == NULL) {
		for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++)
			if (lf_argument(arguments, without[i]) != NULL)
				return lf_error_set(
					error, LF_INVALID_ARGUMENT, "--%s goes with --sweep TRAIT", without[i]);
		return LF_OK;
	}
	for (size_t i = 0; i < sizeof(with) / sizeof(with[0]); i++)
		if (lf_argument(arguments, with[i]) != NULL)
			return lf_error_set(error, LF_INVALID_ARGUMENT,
				"--%s does not go with --sweep, which makes no decision and stores nothing", with[i]);
	return lf_cli_check_files(cli, lf_argument(arguments, "svg"), NULL, error);
}

/* What is shown: the reply, and the chart of it. */
struct swept {
	const ProtobufCMessage *reply;
	struct lf_sweep sweep;
	struct lf_arena arena;
};

static bool draw(struct lf_buffer *svg, void *answer)
{
	struct swept *swept = answer;

	return lf_sweep_svg(svg, &swept->sweep, &swept->arena);
}

static void print_json(struct lf_cli *cli, void *answer)
{
	lf_cli_json(cli, ((const struct swept *)answer)->reply);
}

static void print_page(struct lf_cli *cli, void *answer)
{
	lf_sweep_print(&cli->page, &((struct swept *)answer)->sweep);
}

/* Draws what was answered. Returns the exit status. */
static int show(struct lf_cli *cli, const char *svg, const ProtobufCMessage *reply)
{
	static const struct lf_view view = {.svg = draw, .json = print_json, .page = print_page};
	struct swept swept = {.reply = reply};
	int status = LF_EXIT_DONE;

	lf_arena_init(&swept.arena, ARENA_BYTES_MAX);
	if (lf_sweep_init(&swept.sweep, (const Leadfit__V1__SweepResponse *)reply, &swept.arena))
		status = lf_cli_show(cli, &view, svg, NULL, &swept);
	else
		cli->page.text.failed = true;
	lf_arena_clean_up(&swept.arena);
	return status;
}

int lf_score_sweep(struct lf_cli *cli, const struct lf_arguments *arguments, const Leadfit__V1__ScoreRequest *request,
	const struct lf_source *sources, size_t source_count)
{
	Leadfit__V1__SweepRequest sweep;
	struct lf_error error = LF_ERROR_INIT;
	struct lf_buffer trait = {0};
	const char *points = lf_argument(arguments, "points");
	unsigned point_count = 0;
	ProtobufCMessage *reply = NULL;
	int status;

	leadfit__v1__sweep_request__init(&sweep);
	lf_buffer_append_text(&trait, lf_argument(arguments, "sweep"));
	sweep.team = request->team;
	sweep.project = request->project;
	sweep.rubric = request->rubric;
	sweep.n_candidates = request->n_candidates;
	sweep.candidates = request->candidates;
	sweep.as_of = request->as_of;
	sweep.ignore_undeclared = request->ignore_undeclared;
	if (trait.failed)
		lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "out of memory");
	else if (points == NULL ||
		lf_option_number("points", points, POINTS_MIN, POINTS_MAX, &point_count, &error) == LF_OK) {
		sweep.trait = trait.data;
		sweep.points = point_count;
		reply = lf_cli_call(cli, "leadfit.v1.Scoring/Sweep", &sweep.base, true, &error);
	}
	status = reply == NULL ? lf_cli_report(cli, &error, sources, source_count)
			       : show(cli, lf_argument(arguments, "svg"), reply);
	protobuf_c_message_free_unpacked(reply, NULL);
	lf_buffer_clean_up(&trait);
	lf_error_clean_up(&error);
	return status;
}
