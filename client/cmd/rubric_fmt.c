/* leadfit rubric fmt: a rubric file in its canonical form. */
#include <string.h>
#include <sys/stat.h>

#include "client/cmd/commands.h"
#include "client/given/rubric_ref.h"
#include "client/term/outfile.h"
#include "client/term/page.h"
#include "proto/base/buffer.h"
#include "proto/wire/wire.h"

static const struct lf_option fmt_options[] = {
	{"check", NULL, "print nothing but the file's name where it is not in canonical form (status 1)", false},
	{"write", NULL, "rewrite the file instead of printing it; refused where it has comments, which would be lost",
		false},
	{"force", NULL, "with --write: drop the comments", false},
	{NULL, NULL, NULL, false},
};

/* Puts text in the place of the file, or leaves it as it is. */
static enum lf_code replace_file(const char *path, const struct lf_buffer *text, struct lf_error *error)
{
	struct stat status;
	int failed;

	if (stat(path, &status) == 0 && !S_ISREG(status.st_mode))
		return lf_error_set(
			error, LF_INVALID_ARGUMENT, "%s: is no regular file: --write can't replace it", path);
	failed = lf_file_put(path, text);
	return failed == 0 ? LF_OK : lf_error_set(error, LF_UNAVAILABLE, "%s: %s", path, strerror(failed));
}

/* A file in JSON stays JSON. */
static void print_canonical(const ProtobufCMessage *rubric, bool json, struct lf_buffer *out)
{
	const struct lf_json_style style = {.pretty = true};

	if (!json) {
		lf_yaml_print(rubric, out);
		return;
	}
	lf_json_print(rubric, &style, out);
	lf_buffer_append_text(out, "\n");
}

static enum lf_code write_back(
	const struct lf_input *input, const struct lf_buffer *text, bool force, struct lf_error *error)
{
	if (input->format == LF_INPUT_YAML && !force && lf_yaml_has_comment(input->text, input->length))
		return lf_error_set(error, LF_INVALID_ARGUMENT,
			"%s: has comments, which the canonical form has no place for: --force drops them", input->name);
	return replace_file(input->name, text, error);
}

static int format(struct lf_cli *cli, const struct lf_arguments *arguments, struct lf_input *input,
	struct lf_arena *arena, struct lf_error *error)
{
	const struct lf_source sources[] = {{.prefix = "", .input = input}};
	struct lf_buffer text = {0};
	int status = LF_EXIT_DONE;
	Leadfit__V1__Rubric *rubric = lf_rubric_read(input, arguments->operands[0], arena, error);
	bool same;

	if (rubric == NULL)
		return lf_cli_report(cli, error, sources, 1);
	lf_wire_canonicalize(&rubric->base);
	print_canonical(&rubric->base, cli->json || input->format == LF_INPUT_JSON, &text);
	same = !text.failed && text.length == input->length && input->text == input->storage &&
		memcmp(text.data, input->text, text.length) == 0;
	if (text.failed)
		lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
	else if (lf_argument(arguments, "check") != NULL && !same)
		lf_page_add(&cli->page, LF_PLAIN, "%s\n", input->name);
	else if (lf_argument(arguments, "write") != NULL && !same)
		write_back(input, &text, lf_argument(arguments, "force") != NULL, error);
	else if (lf_argument(arguments, "check") == NULL && lf_argument(arguments, "write") == NULL)
		lf_buffer_append(&cli->page.text, text.data, text.length);
	if (lf_argument(arguments, "check") != NULL && !same)
		status = LF_EXIT_NO;
	lf_buffer_clean_up(&text);
	return error->code == LF_OK ? status : lf_cli_report(cli, error, NULL, 0);
}

/* Whether the options go together. */
static enum lf_code check_options(
	const struct lf_cli *cli, const struct lf_arguments *arguments, struct lf_error *error)
{
	const bool writes = lf_argument(arguments, "write") != NULL, checks = lf_argument(arguments, "check") != NULL;

	if (writes && checks)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "only one of --check and --write can be given");
	if (lf_argument(arguments, "force") != NULL && !writes)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "--force stands with --write only");
	if ((writes || checks) && cli->json)
		return lf_error_set(
			error, LF_INVALID_ARGUMENT, "--output json stands without --check and --write only");
	if (writes && strcmp(arguments->operands[0], "-") == 0)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "--write needs a file, not standard input");
	return LF_OK;
}

static int run_fmt(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	struct lf_input input = {0};
	struct lf_arena arena;
	struct lf_error error = LF_ERROR_INIT;
	int status;

	lf_arena_init(&arena, LF_ARENA_BYTES_MAX);
	status = check_options(cli, arguments, &error) == LF_OK ? format(cli, arguments, &input, &arena, &error)
								: lf_cli_report(cli, &error, NULL, 0);
	lf_arena_clean_up(&arena);
	lf_input_clean_up(&input);
	lf_error_clean_up(&error);
	return status;
}

const struct lf_command lf_command_rubric_fmt = {
	.name = "rubric fmt",
	.operands = "FILE",
	.summary = "Print a rubric file in its canonical form; needs no service",
	.help = "Fields in one order, keys sorted, defaults left out, one way to quote and to break lines: the\n"
		"same rubric always looks the same. Its digest stays as it is. A file in JSON stays JSON;\n"
		"--output json makes JSON of any. Comments are not part of a rubric and are lost, so that a file\n"
		"with comments is never in canonical form.\n"
		"Exit status 0: done; 1: with --check, it is not in canonical form; 2: it can't be read as a\n"
		"rubric.\n\n"
		"Examples:\n"
		"  leadfit rubric fmt tech-lead.yaml\n"
		"  leadfit rubric fmt --check tech-lead.yaml\n"
		"  leadfit rubric fmt --write tech-lead.yaml\n",
	.options = fmt_options,
	.operand_min = 1,
	.operand_max = 1,
	.run = run_fmt,
};
