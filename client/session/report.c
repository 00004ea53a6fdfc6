/* Saying what went wrong. */
#include <stdio.h>
#include <string.h>

#include "client/session/cli.h"
#include "proto/base/harmless.h"

/*
 * UNAVAILABLE is also a file that can't be written, here or on the service's machine. Whether it means the service, the
 * client knows.
 */
static const char *hint_for(const struct lf_cli *cli, enum lf_code code)
{
	if (code == LF_UNAVAILABLE && (cli->client == NULL || lf_client_unreached(cli->client)))
		return "leadfit: is leadfitd running there? Name its address with --server or LEADFIT_SERVER.\n";
	if (code == LF_UNAUTHENTICATED && cli->client != NULL)
		return "leadfit: give this caller's token with --token-file FILE, or in LEADFIT_TOKEN.\n";
	if (code == LF_DEADLINE_EXCEEDED)
		return "leadfit: --timeout SECONDS allows for more.\n";
	return "";
}

int lf_cli_report(
	const struct lf_cli *cli, const struct lf_error *error, const struct lf_source *sources, size_t source_count)
{
	struct lf_buffer text = {0};

	for (size_t i = 0; i < error->violation_kept; i++)
		lf_violation_print(
			&text, error->violations[i].field, error->violations[i].description, sources, source_count);
	if (error->violation_kept > 0 && error->violation_count > error->violation_kept) {
		char more[64];

		snprintf(more, sizeof(more), "leadfit: and %zu more\n", error->violation_count - error->violation_kept);
		lf_buffer_append_text(&text, more);
	}
	if (error->violation_kept == 0) {
		lf_buffer_append_text(&text, "leadfit: ");
		lf_buffer_append_text(&text, error->message);
		lf_buffer_append_text(&text, "\n");
	}
	if (cli->called)
		lf_buffer_append_text(&text, hint_for(cli, error->code));
	if (text.data != NULL)
		lf_text_make_harmless(text.data);
	fputs(text.failed ? "leadfit: out of memory\n" : text.data, stderr);
	lf_buffer_clean_up(&text);
	return lf_code_exit_status(error->code);
}

void lf_cli_note(struct lf_input *input)
{
	struct lf_buffer text = {0};
	const char *line = input->notes.data;

	while (line != NULL && *line != '\0') {
		const size_t length = strcspn(line, "\n");

		lf_text_add(&text, "%s: note: %.*s\n", input->name, (int)length, line);
		line += length + (line[length] == '\n');
	}
	if (text.data != NULL) {
		lf_text_make_harmless(text.data);
		fputs(text.data, stderr);
	}
	lf_buffer_clean_up(&text);
	lf_buffer_clean_up(&input->notes);
}

int lf_cli_usage_error(const struct lf_cli *cli, const struct lf_arguments *arguments, const struct lf_error *error)
{
	const int status = lf_cli_report(cli, error, NULL, 0);

	fprintf(stderr, "leadfit: see leadfit %s%s\n", arguments->command == NULL ? "help" : "help ",
		arguments->command == NULL ? "" : arguments->command->name);
	return status;
}

int lf_refuse(const char *name, const struct lf_error *error)
{
	struct lf_buffer text = {0};

	for (size_t i = 0; i < error->violation_kept; i++)
		lf_text_add(&text, "leadfit: %s: %s: %s\n", name, error->violations[i].field,
			error->violations[i].description);
	if (text.data != NULL)
		lf_text_make_harmless(text.data);
	fputs(text.failed || text.data == NULL ? "leadfit: it is not proved\n" : text.data, stderr);
	lf_buffer_clean_up(&text);
	return LF_EXIT_NO;
}
