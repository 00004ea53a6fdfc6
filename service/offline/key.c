/* leadfitd key: prints the verifier key, with which everyone can check what the service signs. */
#include <stdio.h>
#include <stdlib.h>

#include "proto/base/file.h"
#include "proto/base/harmless.h"
#include "service/offline/command_line.h"
#include "service/offline/commands.h"
#include "service/seal/key.h"

static const char usage[] =
	"Usage: leadfitd key --db FILE [--key FILE]\n"
	"Prints the verifier key, with which everyone can check the service's checkpoints and proofs.\n"
	"\n"
	"  --db FILE    the decision log\n"
	"  --key FILE   the signing key (default: the decision log's name and .key)\n"
	"  --help       print this\n";

static int print_verifier(const char *path)
{
	struct lf_error error = LF_ERROR_INIT;
	char text[LF_KEY_TEXT_MAX];
	struct lf_verifier verifier;
	struct lf_signer signer;

	if (lf_key_load(&signer, path, &error) != LF_OK) {
		lf_print_line(stderr, "leadfitd: %s%s", error.message,
			error.code == LF_NOT_FOUND ? "; the service makes it when it starts" : "");
		return lf_code_exit_status(error.code);
	}
	lf_signer_verifier(&signer, &verifier);
	lf_key_clear(&signer);
	lf_verifier_print(&verifier, text);
	puts(text);
	return lf_command_line_printed(0);
}

int lf_key_command(int argc, char **argv)
{
	const char *database = NULL, *key = NULL;
	const struct lf_command_line_option options[] = {
		{.name = "db", .text = &database},
		{.name = "key", .text = &key},
	};
	const struct lf_command_line line = {"key", usage, options, sizeof(options) / sizeof(options[0])};
	struct lf_error error = LF_ERROR_INIT;
	char *beside;
	int status = lf_command_line_read(&line, argc, argv);

	if (status >= 0)
		return status;
	if (database == NULL && key == NULL)
		return lf_command_line_refuse(&line, "--db FILE or --key FILE is required");
	if (key != NULL)
		return print_verifier(key);
	status = lf_command_line_database(&line, &database);
	if (status >= 0)
		return status;
	beside = lf_file_beside(database, ".key", &error);
	if (beside == NULL) {
		fprintf(stderr, "leadfitd: %s\n", error.message);
		status = lf_code_exit_status(error.code);
	} else {
		status = print_verifier(beside);
	}
	free(beside);
	lf_error_clean_up(&error);
	return status;
}
