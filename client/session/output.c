/* Where results go: the files that options name, and standard output. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/session/cli.h"
#include "client/term/outfile.h"

int lf_cli_put(struct lf_cli *cli, const char *option, const char *path, const struct lf_buffer *text)
{
	int failed;

	if (strcmp(path, "-") == 0) {
		lf_buffer_append(&cli->page.text, text->data, text->length);
		return LF_EXIT_DONE;
	}
	failed = lf_file_put(path, text);
	if (failed == 0)
		return LF_EXIT_DONE;
	fprintf(stderr, "leadfit: %s: %s: %s\n", option, path, strerror(failed));
	return LF_EXIT_UNAVAILABLE;
}

/* Makes what an option's file is to have, and gives it away. path: NULL where the option is not given. */
static int show_in_file(struct lf_cli *cli, const char *option, const char *path,
	bool (*make)(struct lf_buffer *out, void *answer), void *answer)
{
	struct lf_buffer text = {0};
	int status = LF_EXIT_DONE;

	if (path == NULL)
		return LF_EXIT_DONE;
	if (!make(&text, answer) || text.failed)
		cli->page.text.failed = true;
	else
		status = lf_cli_put(cli, option, path, &text);
	lf_buffer_clean_up(&text);
	return status;
}

static bool is_standard_output(const char *path)
{
	return path != NULL && strcmp(path, "-") == 0;
}

int lf_cli_show(struct lf_cli *cli, const struct lf_view *view, const char *svg, const char *csv, void *answer)
{
	int status = show_in_file(cli, "--svg", svg, view->svg, answer);

	if (status == LF_EXIT_DONE)
		status = show_in_file(cli, "--csv", csv, view->csv, answer);
	if (status != LF_EXIT_DONE && !view->begun)
		return status;
	if (cli->json && view->json != NULL)
		view->json(cli, answer);
	else if (!is_standard_output(svg) && !is_standard_output(csv))
		view->page(cli, answer);
	return status;
}

enum lf_code lf_cli_check_files(const struct lf_cli *cli, const char *svg, const char *csv, struct lf_error *error)
{
	const bool svg_out = svg != NULL && strcmp(svg, "-") == 0, csv_out = csv != NULL && strcmp(csv, "-") == 0;

	if (svg_out && csv_out)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "--svg - and --csv - both want standard output");
	if ((svg_out || csv_out) && cli->json)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "--%s - and --output json both want standard output",
			svg_out ? "svg" : "csv");
	return LF_OK;
}

/* A full disk may show at close only. */
int lf_cli_finish(struct lf_cli *cli, int status)
{
	struct lf_error error = LF_ERROR_INIT;
	const bool wrote = cli->page.text.length > 0;

	if (lf_page_flush(&cli->page, &error) == LF_OK && wrote && !cli->page.closed && close(STDOUT_FILENO) != 0)
		lf_error_set(&error, LF_UNAVAILABLE, "can't write to standard output: %s", strerror(errno));
	if (error.code != LF_OK) {
		fprintf(stderr, "leadfit: %s\n", error.message);
		status = LF_EXIT_UNAVAILABLE;
	}
	lf_error_clean_up(&error);
	return status;
}
