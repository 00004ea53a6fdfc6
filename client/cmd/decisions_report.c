/*
 * leadfit decisions report: how often people went along with decisions, and whether higher scores go with better
 * results.
 */
#include <stdlib.h>
#include <string.h>

#include "client/calc/latest.h"
#include "client/calc/recorded.h"
#include "client/cmd/commands.h"
#include "client/cmd/selection.h"
#include "client/draw/pictures.h"
#include "client/views/report_page.h"
#include "proto/base/buffer.h"

static const struct lf_option options[] = {
	LF_FILTER_OPTIONS,
	{"svg", "FILE", "write the picture to this file; - is standard output, and nothing else", false},
	{NULL, NULL, NULL, false},
};

struct job {
	struct lf_cli *cli;
	struct lf_arena arena;
	struct lf_selection selection;
	struct lf_recorded recorded;
	struct lf_latest latest;
	struct lf_report report;
	struct lf_report_rubric *rubrics; /* its parts: while counting, by place in latest */
	size_t rubric_count;
	struct lf_report_frame frame;
	struct lf_error error;
};

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
			if (!lf_recorded_add(&job->recorded, page->outcomes[i]))
				lf_error_set(&job->error, LF_RESOURCE_EXHAUSTED, "out of memory");
		protobuf_c_message_free_unpacked(reply, NULL);
	} while (job->error.code == LF_OK && request.after != 0);
	return job->error.code;
}

/* The part of a report of the rubric at this place. NULL where memory ran out. */
static struct lf_report *part_of(struct job *job, size_t rubric)
{
	if (rubric >= job->rubric_count) {
		struct lf_report_rubric *grown = realloc(job->rubrics, (rubric + 1) * sizeof(*grown));

		if (grown == NULL)
			return NULL;
		memset(grown + job->rubric_count, 0, (rubric + 1 - job->rubric_count) * sizeof(*grown));
		job->rubrics = grown;
		job->rubric_count = rubric + 1;
	}
	return &job->rubrics[rubric].report;
}

/* Asks for the whole decision where the walk gave only its columns. */
static enum lf_code add_lead(struct job *job, struct lf_report *part, const Leadfit__V1__Decision *decision,
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
	if (!lf_report_add_lead(&job->report, decision, outcome) || !lf_report_add_lead(part, decision, outcome))
		lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
	protobuf_c_message_free_unpacked(reply, NULL);
	return error->code;
}

static enum lf_code count_decision(
	void *context, const Leadfit__V1__Decision *decision, size_t rubric, struct lf_error *error)
{
	struct job *job = context;
	const Leadfit__V1__RecordedOutcome *outcome = lf_recorded_take(&job->recorded, decision->decision_id);
	struct lf_report *part = part_of(job, rubric);

	if (part == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
	lf_report_count(&job->report, decision, outcome);
	lf_report_count(part, decision, outcome);
	return outcome == NULL ? LF_OK : add_lead(job, part, decision, outcome, error);
}

static int compare_rubrics(const void *a, const void *b)
{
	return strcmp(((const struct lf_report_rubric *)a)->name, ((const struct lf_report_rubric *)b)->name);
}

/* Finishes the report and its parts: those that count a decision, by name. false where memory ran out. */
static bool finish(struct job *job)
{
	size_t counted = 0;
	bool done = true;

	for (size_t i = 0; i < job->rubric_count; i++) {
		struct lf_report_rubric *rubric = &job->rubrics[i];

		if (rubric->report.all.decisions == 0)
			continue;
		rubric->name = job->latest.rubrics[i].name;
		done = lf_report_finish(&rubric->report, 1) && done;
		job->rubrics[counted++] = *rubric;
	}
	job->rubric_count = counted;
	if (counted > 0)
		qsort(job->rubrics, counted, sizeof(*job->rubrics), compare_rubrics);
	job->frame.rubrics = job->rubrics;
	job->frame.rubric_count = counted;
	return lf_report_finish(&job->report, counted) && done;
}

static enum lf_code make_report(struct job *job)
{
	if (read_outcomes(job) != LF_OK ||
		lf_latest_walk(job->cli, &job->selection, false, count_decision, job, &job->latest, &job->error) !=
			LF_OK)
		return job->error.code;
	job->frame.superseded = job->latest.counts.superseded;
	job->frame.other_outcomes = lf_recorded_left(&job->recorded);
	if (!finish(job))
		lf_error_set(&job->error, LF_RESOURCE_EXHAUSTED, "out of memory");
	return job->error.code;
}

static bool draw(struct lf_buffer *svg, void *answer)
{
	lf_report_svg(svg, &((struct job *)answer)->report);
	return true;
}

static void print_json(struct lf_cli *cli, void *answer)
{
	const struct job *job = answer;

	lf_report_json(&cli->page.text, &job->report, &job->frame);
}

static void print_page(struct lf_cli *cli, void *answer)
{
	const struct job *job = answer;

	lf_report_print(&cli->page, &job->report, &job->frame);
}

static int run_report(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	static const struct lf_source sources[] = {LF_SELECTION_SOURCES};
	static const struct lf_view view = {.svg = draw, .json = print_json, .page = print_page};
	const char *svg = lf_argument(arguments, "svg");
	struct job job = {.cli = cli, .error = LF_ERROR_INIT};
	int status;

	lf_arena_init(&job.arena, LF_ARENA_BYTES_MAX);
	job.recorded.arena = &job.arena;
	if (lf_cli_check_files(cli, svg, NULL, &job.error) != LF_OK ||
		lf_selection_take(&job.selection, arguments, &job.arena, &job.error) != LF_OK ||
		make_report(&job) != LF_OK)
		status = lf_cli_report(cli, &job.error, sources, sizeof(sources) / sizeof(sources[0]));
	else
		status = lf_cli_show(cli, &view, svg, NULL, &job);
	for (size_t i = 0; i < job.rubric_count; i++)
		lf_report_clean_up(&job.rubrics[i].report);
	free(job.rubrics);
	lf_report_clean_up(&job.report);
	lf_latest_clean_up(&job.latest);
	lf_recorded_clean_up(&job.recorded);
	lf_arena_clean_up(&job.arena);
	lf_error_clean_up(&job.error);
	return status;
}

const struct lf_command lf_command_decisions_report = {
	.name = "decisions report",
	.operands = "",
	.summary = "Agreement, overrides, and whether higher scores go with better results",
	.help = "Of the latest decision of each rubric, team and project (no what-if counts): how many there are,\n"
		"what people did with them, by outcome of the decision and by rubric, and whether a higher score of\n"
		"who led goes with a better result. decisions outcome records what became of one. Rates have 95%\n"
		"intervals; where the data are too few for a number, the report says so. The filters say which\n"
		"decisions.\n\n"
		"Examples:\n"
		"  leadfit decisions report --rubric tech-lead --since 2026-01-01\n"
		"  leadfit decisions report --outcome too-close --output json\n"
		"  leadfit decisions report --svg report.svg\n",
	.options = options,
	.run = run_report,
};
