/* leadfit backup: a copy of the log, made by the service while it works. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/cmd/commands.h"
#include "leadfit/v1/keeping.pb-c.h"
#include "proto/base/clock.h"
#include "proto/base/limits.h"

static const struct lf_option no_options[] = {{NULL, NULL, NULL, false}};

static void print_backup(struct lf_page *page, const Leadfit__V1__BackupResponse *response, double seconds)
{
	lf_page_add(page, LF_PLAIN, "%s: %.1f MB, a log of %" PRIu64 " record%s, in %.1f s\n", response->file,
		(double)response->bytes / 1e6, response->size, response->size == 1 ? "" : "s", seconds);
	lf_page_add(page, LF_DIM, "leadfitd verify --db FILE checks it; leadfitd restore puts it in a log's place.\n");
}

static int run_backup(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	static const struct lf_source source = {.prefix = "name", .option = "backup"};
	Leadfit__V1__BackupRequest request = LEADFIT__V1__BACKUP_REQUEST__INIT;
	struct lf_error error = LF_ERROR_INIT;
	uint64_t begun;
	double seconds;
	int status = LF_EXIT_DONE;
	char *name = strdup(arguments->operands[0]);
	ProtobufCMessage *reply = NULL;

	/* As long as it takes, unless the caller says. */
	if (lf_argument(arguments, "timeout") == NULL)
		cli->timeout_ms = LF_TIMEOUT_MS_MAX;
	begun = lf_clock_ns();
	if (name == NULL) {
		lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "out of memory");
	} else {
		request.name = name;
		reply = lf_cli_call(cli, "leadfit.v1.Keeping/Backup", &request.base, false, &error);
	}
	seconds = lf_clock_seconds_since(begun);
	if (reply == NULL)
		status = lf_cli_report(cli, &error, &source, 1);
	else if (cli->json)
		lf_cli_json(cli, reply);
	else
		print_backup(&cli->page, (const Leadfit__V1__BackupResponse *)reply, seconds);
	protobuf_c_message_free_unpacked(reply, NULL);
	lf_error_clean_up(&error);
	free(name);
	return status;
}

const struct lf_command lf_command_backup = {
	.name = "backup",
	.operands = "NAME",
	.summary = "Copy the log while the service works",
	.help = "The copy is NAME in the directory on the service's machine that 'leadfitd --backups DIR' names; "
		"without "
		"that option the service makes no backups. NAME is a plain name, such as leadfit-2026-05-01.db, of at "
		"most "
		"128 bytes: no /, no dot at the beginning. Nothing of that name may be there. "
		"It becomes one file, mode 0600, that is the log "
		"as of the end of the copying: decisions go on meanwhile. It is made as NAME.part, and has its name "
		"only when it is whole and on disk. "
		"Interrupting the command ends the backup and leaves nothing. Without --timeout it may take a day. The "
		"role admin is needed.\n"
		"Exit status 2: the name is bad. 3: its disk is full, or it can't be written. 4: it exists, the "
		"service "
		"makes no backups, or admin is missing.\n\n"
		"Example:\n"
		"  leadfit backup leadfit-2026-05-01.db\n",
	.options = no_options,
	.operand_min = 1,
	.operand_max = 1,
	.run = run_backup,
};
