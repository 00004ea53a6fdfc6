/* leadfitd init: makes a log in a database, and the key that all services on it sign with. */
#include <stdio.h>

#include "proto/base/harmless.h"
#include "service/offline/command_line.h"
#include "service/offline/commands.h"
#include "service/seal/key.h"
#include "storage/postgres/postgres.h"

static const char usage[] =
	"Usage: leadfitd init --db URL --key FILE [--origin NAME] [--service-role ROLE] [--keeper-role ROLE]\n"
	"Makes a decision log in a PostgreSQL database, once, as the database's owner; and the signing key, where "
	"FILE\n"
	"is absent. Every service on the log gets the same key.\n"
	"\n"
	"  --db URL             postgres://[USER@]HOST[:PORT]/DATABASE[?OPTION=VALUE&...], with libpq's options. A\n"
	"                       password comes from passfile=FILE, PGPASSFILE or PGPASSWORD, never in the URL\n"
	"  --key FILE           the signing key\n"
	"  --origin NAME        the key's name, where it is made (default: leadfit/ and a random number)\n"
	"  --service-role ROLE  a role that is there already, which services run as: gets SELECT and INSERT\n"
	"  --keeper-role ROLE   likewise, which erases and prunes: gets what that takes, too\n"
	"  --help               print this\n";

static enum lf_code make_key(const char *path, const char *origin, struct lf_error *error)
{
	struct lf_error absent = LF_ERROR_INIT;
	char text[LF_KEY_TEXT_MAX];
	struct lf_verifier verifier;
	struct lf_signer signer;
	enum lf_code code = lf_key_load(&signer, path, &absent);

	if (code == LF_NOT_FOUND)
		code = lf_key_make(&signer, path, origin, error);
	else if (code != LF_OK)
		lf_error_move(error, &absent);
	lf_error_clean_up(&absent);
	if (code != LF_OK)
		return code;
	code = lf_key_publish(&signer, path, error);
	lf_signer_verifier(&signer, &verifier);
	lf_key_clear(&signer);
	lf_verifier_print(&verifier, text);
	if (code == LF_OK)
		puts(text);
	return code;
}

int lf_init_command(int argc, char **argv)
{
	const char *database = NULL, *key = NULL, *origin = NULL;
	struct lf_postgres_roles roles = {NULL, NULL};
	const struct lf_command_line_option options[] = {
		{.name = "db", .text = &database},
		{.name = "key", .text = &key},
		{.name = "origin", .text = &origin},
		{.name = "service-role", .text = &roles.service},
		{.name = "keeper-role", .text = &roles.keeper},
	};
	const struct lf_command_line line = {"init", usage, options, sizeof(options) / sizeof(options[0])};
	struct lf_error error = LF_ERROR_INIT;
	int status = lf_command_line_read(&line, argc, argv);

	if (status >= 0)
		return status;
	if (database == NULL || key == NULL)
		return lf_command_line_refuse(&line, "--db URL and --key FILE are required");
	/*
	 * The key before the log, which could not be served without one. One that is there is kept. None is made for a
	 * log that is there already: it has its own.
	 */
	if (lf_postgres_init(database, NULL, &error) == LF_OK && make_key(key, origin, &error) == LF_OK)
		lf_postgres_init(database, &roles, &error);
	if (error.code != LF_OK)
		lf_print_line(stderr, "leadfitd: %s", error.message);
	status = error.code == LF_OK ? lf_command_line_printed(0) : lf_code_exit_status(error.code);
	lf_error_clean_up(&error);
	return status;
}
