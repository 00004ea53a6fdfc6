/* leadfitd restore: a backup, verified, in the place of the log. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/harmless.h"
#include "service/offline/command_line.h"
#include "service/offline/commands.h"
#include "service/offline/redo.h"
#include "storage/backends/backends.h"
#include "storage/log/log.h"

static const char usage[] =
	"Usage: leadfitd restore --db FILE --from BACKUP [--checkpoint FILE|DIRECTORY]... [--key KEY|FILE]\n"
	"                        [--forget-erasures]\n"
	"Puts a backup in the place of the decision log of a service that is stopped. The copy is verified\n"
	"first, as 'leadfitd verify' does; the log that was there is kept as FILE.before-restore.\n"
	"What was erased or pruned since the backup is done again in the copy, as the log that is there and the\n"
	"list of erasures with the checkpoints tell.\n"
	"\n"
	"  --db FILE           the decision log; it may be absent\n"
	"  --from BACKUP       a copy that 'leadfit backup' made; it stays as it is\n"
	"  --checkpoint PATH   a signed checkpoint, or a directory of them: those of no later state than the\n"
	"                      backup's must fit it (default: FILE.checkpoints, where they are there)\n"
	"  --key KEY           the verifier key, or a file with it (default: FILE.key.pub or FILE.key)\n"
	"  --forget-erasures   don't: erased people come back, until they are erased again\n"
	"  --help              print this\n"
	"\n"
	"Exit status: 0 restored, 1 the backup was altered, 2 bad usage or no decision log, 3 it can't be\n"
	"read or written, 4 a service has one of both. Nothing is changed but with 0.\n";

/* Records in a log that was just verified. 0 where it can't be read. */
static uint64_t size_of(const char *file)
{
	const struct lf_log_options options = {.location = file, .read_only = true, .reader_count = 1};
	struct lf_tree_head head = {.size = 0};
	struct lf_log *log;

	if (lf_log_open_by_url(&log, &options, NULL) != LF_OK)
		return 0;
	if (lf_log_head(log, &head, NULL) != LF_OK)
		head.size = 0;
	lf_log_close(log);
	return head.size;
}

/* What is verified is the copy, as it will be there: not what it was made of, which may change. */
struct checked {
	const struct lf_seals *seals;
	const struct lf_redo *redo;
	int status;
	bool undone;           /* status is that of doing erasures again */
	uint64_t newest, size; /* records of the newest checkpoint, and of the copy */
};

static bool check_copy(void *context, const char *copy)
{
	const struct lf_seals alone = {.beside = copy, .backup = true}; /* checkpoints are of what it was before */
	struct checked *checked = context;
	bool changed;

	checked->status = lf_verify_file(copy, checked->seals, &checked->newest);
	if (checked->status != 0)
		return false;
	checked->size = size_of(copy);
	checked->status = lf_redo_in(checked->redo, copy, &changed);
	checked->undone = checked->status != 0;
	if (checked->status == 0 && changed) {
		puts("\nverified again, with what was done:");
		checked->status = lf_verify_file(copy, &alone, NULL);
	}
	return checked->status == 0;
}

static int say_not_restored(const struct checked *checked, struct lf_error *error)
{
	if (checked->status == 0)
		lf_print_line(stderr, "leadfitd: %s", error->message);
	lf_print_line(stderr, "leadfitd: %s: nothing was changed",
		checked->status == 0 || checked->undone ? "not restored"
			: checked->status == 1          ? "the backup was altered"
							: "the backup can't be verified");
	return checked->status != 0 ? checked->status : lf_code_exit_status(error->code);
}

static int restore(struct checked *checked, const char *from)
{
	const char *database = checked->seals->beside;
	struct lf_error error = LF_ERROR_INIT;
	const struct lf_backend *backend = lf_backend_by_url(database, &database, &error);
	struct lf_replaced replaced;
	int status = 0;

	if (backend == NULL ||
		lf_log_restore(backend, database, from, check_copy, checked, &replaced, &error) != LF_OK) {
		status = say_not_restored(checked, &error);
		lf_error_clean_up(&error);
		return status;
	}
	lf_print_line(stdout, "restored     %s: %" PRIu64 " bytes", database, replaced.bytes);
	if (replaced.kept)
		lf_print_line(stdout, "kept         %s", replaced.kept_as);
	if (checked->newest > checked->size)
		fprintf(stderr,
			"leadfitd: the log had %" PRIu64
			" records when its newest checkpoint was signed, and the backup has %" PRIu64
			": start the service with --accept-rewound once\n",
			checked->newest, checked->size);
	return lf_command_line_printed(0);
}

int lf_restore_command(int argc, char **argv)
{
	struct lf_seals seals = {.backup = true};
	struct lf_redo redo = {.forget = false};
	const char *from = NULL;
	const struct lf_command_line_option options[] = {
		{.name = "db", .text = &seals.beside},
		{.name = "from", .text = &from},
		{.name = "checkpoint", .list = seals.paths, .count = &seals.count, .max = LF_CHECKPOINT_PATHS_MAX},
		{.name = "key", .text = &seals.key},
		{.name = "forget-erasures", .flag = &redo.forget},
	};
	const struct lf_command_line line = {"restore", usage, options, sizeof(options) / sizeof(options[0])};
	struct checked checked = {.seals = &seals, .redo = &redo};
	int status = lf_command_line_read(&line, argc, argv);

	if (status >= 0)
		return status;
	if (seals.beside == NULL || from == NULL)
		return lf_command_line_refuse(&line, "--db FILE and --from BACKUP are required");
	status = lf_command_line_database(&line, &seals.beside);
	if (status >= 0)
		return status;
	status = lf_redo_find(&redo, &seals);
	if (status == 0)
		status = restore(&checked, from);
	lf_redo_clean_up(&redo);
	return status;
}
