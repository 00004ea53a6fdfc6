/*
 * leadfit decisions report: how often people went along with decisions, and whether higher scores go with better
 * results.
 */
#include <string.h>

#include "client/calc/latest.h"
#include "client/cmd/commands.h"
#include "client/calc/keys.h"
#include "client/cmd/selection.h"
#include "client/draw/pictures.h"
#include "client/views/report_page.h"
#include "proto/base/buffer.h"

static const struct lf_option options[] = {
	LF_FILTER_OPTIONS,
	{"svg", "FILE", "write the picture to this file; - is standard output, and nothing else", false},
	{NULL, NULL, NULL, false},
};

/* What was recorded, kept until it is counted. */
struct kept {
	Leadfit__V1__RecordedOutcome outcome; /* its texts are in the arena */
	bool counted;
};

struct job {
	struct lf_cli *cli;
	struct lf_arena arena;
	struct lf_selection selection;
	struct lf_keys places; /* of decisions in kept, + 1 */
	struct kept **kept;    /* in blocks of BLOCK, so that none ever moves */
	size_t kept_count, block_count;
	struct lf_report report;
	struct lf_report_frame frame;
	struct lf_error error;
};

enum { BLOCK = 1024, BLOCKS_MAX = 65536 };

static struct kept *kept_at(const struct job *job, size_t index)
{
	return &job->kept[index / BLOCK][index % BLOCK];
}

/* Room for one more; NULL where memory ran out. */
static struct kept *keep_one(struct job *job)
{
	if (job->kept == NULL)
		job->kept = lf_arena_zalloc(&job->arena, BLOCKS_MAX, sizeof(*job->kept));
	if (job->kept == NULL || job->kept_count == (size_t)BLOCK * BLOCKS_MAX)
		return NULL;
	if (job->kept_count == job->block_count * BLOCK) {
		struct kept *block = lf_arena_zalloc(&job->arena, BLOCK, sizeof(*block));

		if (block == NULL)
			return NULL;
		job->kept[job->block_count++] = block;
	}
	return kept_at(job, job->kept_count++);
}

static char *copy(struct job *job, const char *text)
{
	static char nothing[] = "";
	char *made = lf_arena_strdup(&job->arena, text, strlen(text));

	if (made == NULL)
		lf_error_set(&job->error, LF_RESOURCE_EXHAUSTED, "out of memory");
	return made == NULL ? nothing : made;
}

/* The newest of a decision holds: it takes the place of the one before. */
static void keep_outcome(struct job *job, const Leadfit__V1__RecordedOutcome *outcome)
{
	uint32_t *place = lf_keys_add(&job->places, outcome->decision_id, "", NULL);
	struct kept *kept = place == NULL ? NULL : *place > 0 ? kept_at(job, *place - 1) : keep_one(job);

	if (kept == NULL) {
		lf_error_set(&job->error, LF_RESOURCE_EXHAUSTED, "out of memory");
		return;
	}
	if (*place == 0)
		*place = (uint32_t)job->kept_count;
	leadfit__v1__recorded_outcome__init(&kept->outcome);
	kept->outcome.disposition = outcome->disposition;
	kept->outcome.result = outcome->result;
	kept->outcome.lead = copy(job, outcome->lead);
	kept->outcome.reason = copy(job, outcome->reason);
}

static enum lf_code read_outcomes(struct job *job)
{
	Leadfit__V1__ListOutcomesRequest request = LEADFIT__V1__LIST_OUTCOMES_REQUEST__INIT;

	do {
		ProtobufCMessage *reply =
			lf_cli_call(job->cli, "leadfit.v1.Decisions/ListOutcomes", &request.base, true, &job->error);
		const Leadfit__V1__Outcomes *page = (const Leadfit__V1__Outcomes *)reply;

		if (reply == NULL)
			break;
		request.after = page->next;
		for (size_t i = 0; i < page->n_outcomes && job->error.code == LF_OK; i++)
			keep_outcome(job, page->outcomes[i]);
		protobuf_c_message_free_unpacked(reply, NULL);
	} while (job->error.code == LF_OK && request.after != 0);
	return job->error.code;
}

/* Asks for the whole decision where the walk gave only its columns. */
static enum lf_code add_lead(struct job *job, const Leadfit__V1__Decision *decision,
	const Leadfit__V1__RecordedOutcome *outcome, struct lf_error *error)
{
	Leadfit__V1__GetDecisionRequest request = LEADFIT__V1__GET_DECISION_REQUEST__INIT;
	ProtobufCMessage *reply = NULL;

	if (!lf_report_needs_ranking(outcome))
		return LF_OK;
	if (decision->n_ranking == 0) {
		request.decision_id = decision->decision_id;
		reply = lf_cli_call(job->cli, "leadfit.v1.Decisions/Get", &request.base, true, error);
		if (reply == NULL)
			return error->code;
		decision = (const Leadfit__V1__Decision *)reply;
	}
	if (!lf_report_add_lead(&job->report, decision, outcome))
		lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
	protobuf_c_message_free_unpacked(reply, NULL);
	return error->code;
}

static enum lf_code count_decision(void *context, const Leadfit__V1__Decision *decision, struct lf_error *error)
{
	struct job *job = context;
	const uint32_t *place = lf_keys_find(&job->places, decision->decision_id, "");
	struct kept *kept = place == NULL ? NULL : kept_at(job, *place - 1);

	lf_report_count(&job->report, decision, kept == NULL ? NULL : &kept->outcome);
	if (kept == NULL)
		return LF_OK;
	kept->counted = true;
	return add_lead(job, decision, &kept->outcome, error);
}

static enum lf_code make_report(struct job *job)
{
	struct lf_latest_counts counts;

	if (read_outcomes(job) != LF_OK ||
		lf_latest_walk(job->cli, &job->selection, false, count_decision, job, &counts, &job->error) != LF_OK)
		return job->error.code;
	job->frame.superseded = counts.superseded;
	for (size_t i = 0; i < job->kept_count; i++)
		job->frame.other_outcomes += !kept_at(job, i)->counted;
	if (!lf_report_finish(&job->report))
		lf_error_set(&job->error, LF_RESOURCE_EXHAUSTED, "out of memory");
	return job->error.code;
}

/* Returns the exit status. */
static int show(struct job *job, const char *svg)
{
	struct lf_page *page = &job->cli->page;
	int status = LF_EXIT_DONE;

	if (svg != NULL) {
		struct lf_buffer drawing = {0};

		lf_report_svg(&drawing, &job->report);
		page->text.failed = page->text.failed || drawing.failed;
		if (!drawing.failed)
			status = lf_cli_svg(job->cli, svg, &drawing);
		lf_buffer_clean_up(&drawing);
		if (status != LF_EXIT_DONE || strcmp(svg, "-") == 0)
			return status;
	}
	if (job->cli->json)
		lf_report_json(&page->text, &job->report, &job->frame);
	else
		lf_report_print(page, &job->report, &job->frame);
	return status;
}

static int run_report(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	static const struct lf_source sources[] = {LF_SELECTION_SOURCES};
	const char *svg = lf_argument(arguments, "svg");
	struct job job = {.cli = cli, .error = LF_ERROR_INIT};
	int status;

	lf_arena_init(&job.arena, LF_ARENA_BYTES_MAX);
	if (lf_cli_check_files(cli, svg, NULL, &job.error) != LF_OK ||
		lf_selection_take(&job.selection, arguments, &job.arena, &job.error) != LF_OK ||
		make_report(&job) != LF_OK)
		status = lf_cli_report(cli, &job.error, sources, sizeof(sources) / sizeof(sources[0]));
	else
		status = show(&job, svg);
	lf_report_clean_up(&job.report);
	lf_keys_clean_up(&job.places);
	lf_arena_clean_up(&job.arena);
	lf_error_clean_up(&job.error);
	return status;
}

const struct lf_command lf_command_decisions_report = {
	.name = "decisions report",
	.operands = "",
	.summary = "Agreement, overrides, and whether higher scores go with better results",
	.help = "Of the latest decision of each team and project (no what-if counts): how many there are, what\n"
		"people did with them, by outcome of the decision, and whether a higher score of who led goes\n"
		"with a better result. decisions outcome records what became of one. Rates have 95% intervals;\n"
		"where the data are too few for a number, the report says so. The filters say which decisions.\n\n"
		"Examples:\n"
		"  leadfit decisions report --since 2026-01-01\n"
		"  leadfit decisions report --outcome too-close --output json\n"
		"  leadfit decisions report --svg report.svg\n",
	.options = options,
	.run = run_report,
};
