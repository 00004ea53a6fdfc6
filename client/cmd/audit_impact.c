/*
 * leadfit audit impact: whether groups are treated alike. Who is in which group is read here, and used here: it is in
 * no message, so the service neither sees nor stores it.
 */
#include <stdlib.h>
#include <string.h>

#include "client/calc/assessments.h"
#include "client/calc/latest.h"
#include "client/cmd/commands.h"
#include "client/cmd/selection.h"
#include "client/draw/pictures.h"
#include "client/files/csv.h"
#include "client/files/groups.h"
#include "client/files/impact_csv.h"
#include "client/views/impact_page.h"
#include "proto/base/buffer.h"

static const struct lf_option options[] = {
	{"groups", "FILE", "who is in which category: CSV, .xlsx, .ods, YAML or JSON; - is standard input", false},
	{"unknown", "WORD", "a word in that file for a category that is not known; repeatable", true},
	LF_FILTER_OPTIONS,
	{"small-too", NULL, "categories under 2% of the data take part like any other", false},
	{"csv", "FILE", "write the tables to this file; - is standard output, and nothing else", false},
	{"excel", NULL, "with --csv: begin with a byte order mark, by which Excel knows UTF-8", false},
	{"svg", "FILE", "write the picture to this file; - is standard output, and nothing else", false},
	{NULL, NULL, NULL, false},
};

struct job {
	struct lf_cli *cli;
	struct lf_arena arena;
	struct lf_input input;
	struct lf_groups groups;
	struct lf_selection selection;
	struct lf_latest latest;
	struct lf_assessments assessments;
	struct lf_impact impact;
	struct lf_impact_frame frame;
	bool excel; /* the CSV is for Excel */
	struct lf_error error;
};

static enum lf_code no_memory(struct lf_error *error)
{
	return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
}

static enum lf_code count_decision(
	void *context, const Leadfit__V1__Decision *decision, size_t rubric, struct lf_error *error)
{
	struct job *job = context;

	return lf_assessments_add(&job->assessments, &job->groups, &job->frame, decision, rubric) ? LF_OK
												  : no_memory(error);
}

static enum lf_code compute(struct job *job)
{
	const char **rubrics;

	if (lf_latest_walk(job->cli, &job->selection, true, count_decision, job, &job->latest, &job->error) != LF_OK)
		return job->error.code;
	job->frame.superseded = job->latest.counts.superseded;
	job->frame.not_assessed = job->groups.person_count - (job->frame.people - job->frame.not_in_file);
	rubrics = lf_arena_zalloc(&job->arena, job->latest.rubric_count + 1, sizeof(*rubrics));
	if (rubrics == NULL)
		return no_memory(&job->error);
	for (size_t i = 0; i < job->latest.rubric_count; i++)
		rubrics[i] = job->latest.rubrics[i].name;
	if (!lf_impact_compute(&job->impact, &job->groups, job->assessments.list, job->assessments.count, rubrics,
		    job->latest.rubric_count, job->frame.small_too, &job->arena))
		return no_memory(&job->error);
	return LF_OK;
}

static bool draw(struct lf_buffer *svg, void *answer)
{
	const struct job *job = answer;

	lf_impact_svg(svg, &job->groups, &job->impact);
	return true;
}

static void print_json(struct lf_cli *cli, void *answer)
{
	const struct job *job = answer;

	lf_impact_json(&cli->page.text, &job->groups, &job->impact, &job->frame);
}

static void print_page(struct lf_cli *cli, void *answer)
{
	const struct job *job = answer;

	lf_impact_print(&cli->page, &job->groups, &job->impact, &job->frame);
}

static bool print_csv(struct lf_buffer *csv, void *answer)
{
	const struct job *job = answer;

	lf_buffer_append_text(csv, job->excel ? LF_CSV_EXCEL : "");
	lf_impact_csv(csv, &job->groups, &job->impact);
	return true;
}
static enum lf_code read_file(struct job *job, const struct lf_arguments *arguments)
{
	const char *path = lf_argument(arguments, "groups"), *word;
	struct lf_unknown_words unknown = {0};
	const char **words = lf_arena_zalloc(&job->arena, arguments->given_count + 1, sizeof(*words));

	if (words == NULL)
		return no_memory(&job->error);
	for (; (word = lf_argument_at(arguments, "unknown", unknown.count)) != NULL; unknown.count++)
		words[unknown.count] = word;
	unknown.words = words;
	if (path == NULL)
		return lf_error_set(&job->error, LF_INVALID_ARGUMENT, "audit impact needs --groups FILE");
	if (lf_input_read(&job->input, path, true, &job->error) != LF_OK)
		return job->error.code;
	lf_groups_read(&job->groups, &job->input, &unknown, &job->arena, &job->error);
	lf_cli_note(&job->input);
	return job->error.code;
}

static int run_impact(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	static const struct lf_view view = {.svg = draw, .csv = print_csv, .json = print_json, .page = print_page};
	struct job job = {.cli = cli, .error = LF_ERROR_INIT};
	const struct lf_source file[] = {{.prefix = "", .input = &job.input}}, selected[] = {LF_SELECTION_SOURCES};
	const char *svg = lf_argument(arguments, "svg"), *csv = lf_argument(arguments, "csv");
	int status;

	lf_arena_init(&job.arena, LF_ARENA_BYTES_MAX);
	job.frame.small_too = lf_argument(arguments, "small-too") != NULL;
	job.excel = lf_argument(arguments, "excel") != NULL;
	if (job.excel && csv == NULL)
		lf_error_set(&job.error, LF_INVALID_ARGUMENT, "--excel goes with --csv only");
	if (job.error.code != LF_OK || lf_cli_check_files(cli, svg, csv, &job.error) != LF_OK ||
		lf_selection_take(&job.selection, arguments, &job.arena, &job.error) != LF_OK ||
		read_file(&job, arguments) != LF_OK)
		status = lf_cli_report(cli, &job.error, file, job.input.name == NULL ? 0 : 1);
	else if (compute(&job) != LF_OK)
		status = lf_cli_report(cli, &job.error, selected, sizeof(selected) / sizeof(selected[0]));
	else
		status = lf_cli_show(cli, &view, svg, csv, &job);
	lf_assessments_clean_up(&job.assessments);
	lf_latest_clean_up(&job.latest);
	lf_groups_clean_up(&job.groups);
	lf_input_clean_up(&job.input);
	lf_arena_clean_up(&job.arena);
	lf_error_clean_up(&job.error);
	return status;
}

const struct lf_command lf_command_audit_impact = {
	.name = "audit impact",
	.operands = "",
	.summary = "Selection rates, scoring rates and impact ratios by group",
	.help = "By the rules of New York City's Local Law 144 (6 RCNY 5-300, 5-301), over the latest decision of\n"
		"each rubric, team and project (no what-if counts): how many of each category were recommended,\n"
		"how many scored above the median of all under the same rubric, each rate divided by the highest\n"
		"one, by every dimension and every intersection of them, with Fisher's exact test. The file stays\n"
		"on this machine: it is never sent to the service. As CSV it has the columns candidate, then one\n"
		"a dimension, at most 4:\n"
		"  candidate,sex,race_ethnicity\n"
		"  m-1042,female,Asian\n"
		"An empty cell or \"unknown\" is not known: counted, and left out of the ratios; so is what\n"
		"--unknown WORD names, in any case. The filters say which decisions.\n\n"
		"Examples:\n"
		"  leadfit audit impact --groups groups.csv --rubric tech-lead --since 2026-01-01\n"
		"  leadfit audit impact --groups groups.csv --unknown N/A --unknown 'Prefer not to say'\n"
		"  leadfit audit impact --groups groups.csv --csv impact.csv --svg impact.svg\n",
	.options = options,
	.run = run_impact,
};
