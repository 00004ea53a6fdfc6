/* leadfit rubric explain: a rubric in plain words, from a file or from the service. */
#include <string.h>

#include "client/cmd/commands.h"
#include "client/views/rubric_explain.h"
#include "client/given/rubric_ref.h"
#include "client/views/rubric_page.h"
#include "proto/base/buffer.h"
#include "proto/base/nearest.h"

static const struct lf_option options[] = {
	{"digest", "HEX", "the stored version with this digest (its first 8 digits or more), active or not", false},
	{"trait", "TRAIT", "draw how the weights move with this trait only, more finely", false},
	{"svg", "FILE", "write the picture to this file; - is standard output, and nothing else", false},
	{NULL, NULL, NULL, false},
};

enum { NAMES_MAX = 64 };

/* The rubric and what it lives in. */
struct job {
	struct lf_input input;
	struct lf_arena arena;
	ProtobufCMessage *reply; /* NULL where it is from a file */
	const Leadfit__V1__Rubric *rubric;
	struct lf_error error;
};

static enum lf_code check_arguments(
	const struct lf_cli *cli, const struct lf_arguments *arguments, bool file, struct lf_error *error)
{
	if (cli->json)
		return lf_error_set(error, LF_INVALID_ARGUMENT,
			"rubric explain writes a page for people; rubric show --output json has the rubric");
	if (file && lf_argument(arguments, "digest") != NULL)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "--digest is for stored rubrics, not for a file");
	return lf_cli_check_files(cli, lf_argument(arguments, "svg"), NULL, error);
}

static enum lf_code read_file(struct job *job, const char *path)
{
	job->rubric = lf_rubric_read(&job->input, path, &job->arena, &job->error);
	return job->rubric == NULL ? job->error.code : LF_OK;
}

static enum lf_code ask(struct job *job, struct lf_cli *cli, const struct lf_arguments *arguments)
{
	job->reply = lf_rubric_get(cli, arguments->operand_count > 0 ? arguments->operands[0] : "",
		lf_argument(arguments, "digest"), &job->arena, &job->error);
	if (job->reply == NULL)
		return job->error.code;
	job->rubric = ((const Leadfit__V1__GetRubricResponse *)job->reply)->rubric;
	return job->rubric == NULL ? lf_error_set(&job->error, LF_INTERNAL, "the service's answer has no rubric")
				   : LF_OK;
}

static enum lf_code list_known(struct job *job, const char *trait, const char *const *known, size_t count)
{
	struct lf_buffer names = {0};
	enum lf_code code;

	for (size_t i = 0; i < count; i++)
		lf_text_add(&names, "%s%s", i == 0 ? "" : ", ", known[i]);
	code = lf_error_set(&job->error, LF_INVALID_ARGUMENT,
		"--trait: \"%s\" is not a trait of this rubric; it has %s", trait,
		names.data == NULL ? "" : names.data);
	lf_buffer_clean_up(&names);
	return code;
}

/* Whether the rubric has what a page needs; a file may be anything. */
static enum lf_code check_rubric(struct job *job, const char *trait)
{
	const char *known[NAMES_MAX];
	size_t count = 0;
	bool found = trait == NULL;
	const char *nearest;

	if (job->rubric->n_criteria == 0)
		return lf_error_set(&job->error, LF_INVALID_ARGUMENT,
			"the rubric has no criteria; rubric check tells what is wrong with it");
	for (size_t i = 0; i < job->rubric->n_traits; i++) {
		found = found || strcmp(job->rubric->traits[i]->id, trait) == 0;
		if (count < NAMES_MAX)
			known[count++] = job->rubric->traits[i]->id;
	}
	if (found)
		return LF_OK;
	nearest = lf_nearest(trait, known, count);
	if (nearest != NULL || count == 0)
		return lf_error_set(&job->error, LF_INVALID_ARGUMENT,
			"--trait: \"%s\" is not a trait of this rubric%s%s", trait,
			nearest == NULL ? ", which has none" : "; nearest: ", nearest == NULL ? "" : nearest);
	return list_known(job, trait, known, count);
}

/* What is shown: the job, and the picture of its rubric. */
struct explained {
	struct job *job;
	struct lf_weight_picture picture;
};

static bool draw(struct lf_buffer *svg, void *answer)
{
	lf_weight_picture_svg(svg, &((struct explained *)answer)->picture);
	return true;
}

static void print_page(struct lf_cli *cli, void *answer)
{
	struct explained *explained = answer;

	lf_rubric_explain(&cli->page, &explained->picture, &explained->job->arena);
	if (explained->job->reply != NULL)
		lf_rubric_version_print(&cli->page, (const Leadfit__V1__GetRubricResponse *)explained->job->reply);
}

/* Draws and writes. Returns the exit status. */
static int show(struct lf_cli *cli, const struct lf_arguments *arguments, struct job *job)
{
	static const struct lf_view view = {.svg = draw, .page = print_page};
	struct explained explained = {.job = job};

	if (!lf_weight_picture_init(&explained.picture, job->rubric, lf_argument(arguments, "trait"), &job->arena)) {
		lf_error_set(&job->error, LF_RESOURCE_EXHAUSTED, "out of memory");
		return lf_cli_report(cli, &job->error, NULL, 0);
	}
	return lf_cli_show(cli, &view, lf_argument(arguments, "svg"), NULL, &explained);
}

static int run(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	struct job job = {.error = LF_ERROR_INIT};
	const bool file = arguments->operand_count > 0 && lf_rubric_is_file(arguments->operands[0]);
	const struct lf_source sources[] = {{.prefix = "", .input = &job.input}};
	const struct lf_source stored[] = {
		{.prefix = "name", .option = "rubric explain"}, {.prefix = "digest", .option = "--digest"}};
	int status;

	lf_arena_init(&job.arena, LF_ARENA_BYTES_MAX);
	if (check_arguments(cli, arguments, file, &job.error) != LF_OK ||
		(file ? read_file(&job, arguments->operands[0]) : ask(&job, cli, arguments)) != LF_OK ||
		check_rubric(&job, lf_argument(arguments, "trait")) != LF_OK)
		status = lf_cli_report(cli, &job.error, file ? sources : stored, file ? 1 : 2);
	else
		status = show(cli, arguments, &job);
	protobuf_c_message_free_unpacked(job.reply, NULL);
	lf_arena_clean_up(&job.arena);
	lf_input_clean_up(&job.input);
	lf_error_clean_up(&job.error);
	return status;
}

const struct lf_command lf_command_rubric_explain = {
	.name = "rubric explain",
	.operands = "FILE | NAME",
	.summary = "Explain a rubric in plain words, and draw how a project moves its weights",
	.help = "For people who never saw the file: what counts, what moves the weights, what is expected before\n"
		"there is evidence, and when nobody is recommended. What exists, has a / in it, or ends in .yaml,\n"
		".yml or .json is a FILE (- is standard input): the service is not asked then, and the file is\n"
		"not checked. Anything else is the NAME of a stored rubric; without either: the default rubric.\n\n"
		"Examples:\n"
		"  leadfit rubric explain tech-lead.yaml\n"
		"  leadfit rubric explain tech-lead --svg weights.svg\n"
		"  leadfit rubric explain tech-lead.yaml --trait interaction_focus --svg - > weights.svg\n",
	.options = options,
	.operand_max = 1,
	.run = run,
};
