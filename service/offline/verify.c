/*
 * leadfitd verify: a log that no service has, verified from its bytes to its root, and against what was signed of it.
 *
 * Findings are told as they come; the first one is the first record that differs.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/base/clock.h"
#include "proto/base/harmless.h"
#include "service/offline/command_line.h"
#include "proto/base/dates.h"
#include "service/offline/commands.h"
#include "service/audit/redaction_check.h"
#include "service/seal/tree_reader.h"
#include "storage/backends/backends.h"
#include "storage/verify/verify.h"

enum { SLICE_MS = 200, FINDINGS_PRINTED_MAX = 1000 };

static const char usage[] =
	"Usage: leadfitd verify --db FILE [--checkpoint FILE|DIRECTORY]... [--key KEY|FILE]\n"
	"Verifies the decision log of a service that is stopped, and changes nothing: everything is computed\n"
	"again from what is stored, and compared with the log's tree and with signed checkpoints.\n"
	"\n"
	"  --db FILE           the decision log\n"
	"  --checkpoint PATH   a signed checkpoint, or a directory of them; several are allowed\n"
	"                      (default: the log's name and .checkpoints, where they are there)\n"
	"  --key KEY           the verifier key, or a file with it (default: the log's name and .key.pub or .key)\n"
	"  --help              print this\n"
	"\n"
	"Exit status: 0 all is well, 1 something was altered, 2 bad usage or no decision log,\n"
	"3 it can't be read, 4 a service has it.\n";

struct run {
	struct lf_log *log;
	struct lf_redaction_check redactions;
	uint64_t findings;
	uint64_t began_ns, said_ns;
	bool terminal;  /* standard error is one */
	bool line_open; /* something stands on its last line */
	uint64_t done, size;
	const char *phase;
};

/* ---- what is said ---- */

static void clear_line(struct run *run)
{
	if (run->line_open)
		fputs("\r\033[K", stderr);
	run->line_open = false;
}

static void say_progress(struct run *run)
{
	if (!run->terminal || lf_clock_seconds_since(run->said_ns) < 0.25)
		return;
	run->said_ns = lf_clock_ns();
	clear_line(run);
	if (run->phase != NULL)
		fprintf(stderr, "%s", run->phase);
	else
		fprintf(stderr, "%" PRIu64 " of %" PRIu64 " records (%.0f/s)", run->done, run->size,
			(double)run->done / lf_clock_seconds_since(run->began_ns));
	run->line_open = true;
}

/* Whether it is to be printed. */
static bool count_finding(struct run *run)
{
	clear_line(run);
	return ++run->findings <= FINDINGS_PRINTED_MAX;
}

static void print_finding(void *context, const struct lf_verify_finding *finding)
{
	char id[LF_UUID_TEXT_BYTES];

	if (!count_finding(context))
		return;
	if (finding->has_decision) {
		lf_uuid_print(&finding->decision, id);
		lf_print_line(stdout, "record %" PRIu64 " (decision %" PRIu64 ", %s): %s", finding->position,
			finding->sequence, id, finding->what);
	} else if (finding->kind != 0) {
		lf_print_line(stdout, "record %" PRIu64 " (%s): %s", finding->position,
			lf_leaf_kind_name(finding->kind), finding->what);
	} else {
		lf_print_line(stdout, "record %" PRIu64 ": %s", finding->position, finding->what);
	}
}

static void print_check(void *context, const char *what)
{
	if (count_finding(context))
		lf_print_line(stdout, "log: %s", what);
}

static bool go_on(void *context)
{
	say_progress(context);
	return true;
}

/* What can't be read is a finding where the file is to blame; else the exit status. */
static int fail(struct run *run, const char *where, uint64_t position, struct lf_error *error)
{
	const enum lf_code code = error->code;

	clear_line(run);
	if (code == LF_DATA_LOSS && count_finding(run))
		lf_print_line(stdout, "%s %" PRIu64 " and after: can't be read: %s", where, position, error->message);
	else if (code != LF_DATA_LOSS)
		lf_print_line(stderr, "leadfitd: %s", error->message);
	lf_error_clean_up(error);
	return code == LF_DATA_LOSS ? 0 : lf_code_exit_status(code);
}

/* ---- the parts ---- */

static int walk(struct run *run, struct lf_verify *verify, const struct lf_tree_head *head)
{
	struct lf_error error = LF_ERROR_INIT;
	uint64_t next = 0;

	do {
		if (lf_verify_slice(verify, run->done, head->size, SLICE_MS, print_finding, run, &next, &error) !=
			LF_OK)
			return fail(run, "record", run->done, &error);
		run->done = next != 0 ? next : head->size;
		say_progress(run);
	} while (next != 0);
	return 0;
}

static int compare(
	struct run *run, const struct lf_sealed_list *list, const struct lf_tree_head *head, bool backup, size_t *fit)
{
	uint64_t fitting = 0;

	*fit = 0;
	for (size_t i = 0; i < list->count; i++) {
		const struct lf_sealed *sealed = &list->items[i];
		struct lf_error error = LF_ERROR_INIT;
		struct lf_digest root;

		if (sealed->checkpoint.size > head->size) {
			if (!backup && count_finding(run))
				lf_print_line(stdout,
					"checkpoint %s: the log had %" PRIu64
					" records when it was signed, and has %" PRIu64
					": the newest were taken out, or it is an older copy or another log",
					sealed->name, sealed->checkpoint.size, head->size);
			continue;
		}
		if (lf_tree_reader_root(run->log, sealed->checkpoint.size, &root, &error) != LF_OK) {
			const int status = fail(run, "checkpoint of record", sealed->checkpoint.size, &error);

			if (status != 0)
				return status;
		} else if (lf_digest_equal(&root, &sealed->checkpoint.root)) {
			fitting = sealed->checkpoint.size;
			++*fit;
		} else if (count_finding(run)) {
			lf_print_line(stdout,
				"checkpoint %s: records %" PRIu64 " to %" PRIu64
				" are not those that were signed: they were altered together with their hashes, or it "
				"is another log",
				sealed->name, fitting, sealed->checkpoint.size - 1);
		}
	}
	return 0;
}

static int check(struct run *run)
{
	struct lf_error error = LF_ERROR_INIT;

	run->phase = "indexes, chains and the file itself";
	if (lf_log_check(run->log, print_check, go_on, run, &error) != LF_OK)
		return fail(run, "log: row", 0, &error);
	return 0;
}

static void print_redactions(const struct lf_redaction_check *redactions)
{
	const size_t count = lf_redaction_check_count(redactions);

	if (redactions->count == 0)
		return;
	puts("erasures and prunings, to be held against your own records of who ordered what:");
	if (redactions->count > count)
		printf("  %" PRIu64 " before these\n", redactions->count - count);
	for (size_t i = 0; i < count; i++) {
		const struct lf_noted_redaction *noted = lf_redaction_check_at(redactions, i);
		char time[LF_TIME_TEXT_BYTES];

		lf_print_time(noted->at_us, time);
		lf_print_line(stdout,
			"  record %" PRIu64 ", %s, %s by %s: %" PRIu32 " decisions, %" PRIu32
			" teams and projects, %" PRIu32 " acts: %s",
			noted->position, time, lf_leaf_kind_name(noted->kind),
			noted->caller != NULL ? noted->caller : "", noted->decisions, noted->payloads, noted->acts,
			noted->reason != NULL ? noted->reason : "");
	}
}

static void print_summary(struct run *run, const struct lf_verify *verify, const struct lf_tree_head *head,
	const struct lf_sealed_list *list, size_t fit)
{
	const struct lf_verify_totals *totals = lf_verify_totals(verify);
	const double seconds = lf_clock_seconds_since(run->began_ns);
	char root[LF_KEY_TEXT_MAX];

	lf_base64_encode(&head->root, sizeof(head->root), root);
	print_redactions(&run->redactions);
	printf("records      %" PRIu64 " of %" PRIu64 " looked at\n", totals->records, head->size);
	printf("root         %s\n", root);
	printf("erased       %" PRIu64 "\npruned       %" PRIu64 "\n", totals->erased, totals->pruned);
	if (list->count > 0)
		printf("checkpoints  %zu of %zu fit; the newest has %" PRIu64 " records\n", fit, list->count,
			list->items[list->count - 1].checkpoint.size);
	else
		puts("checkpoints  none: whoever could write the log may have computed all of it anew");
	printf("findings     %" PRIu64 "\n", run->findings);
	if (run->findings > FINDINGS_PRINTED_MAX)
		printf("             (the first %d were printed)\n", FINDINGS_PRINTED_MAX);
	fprintf(stderr, "leadfitd: %" PRIu64 " bytes in %.1f s: %.0f records/s, %.1f MB/s\n", totals->bytes, seconds,
		(double)totals->records / seconds, (double)totals->bytes / 1e6 / seconds);
}

static int verify_log(struct run *run, const struct lf_sealed_list *list, bool backup)
{
	struct lf_verify *verify = lf_verify_new(run->log);
	struct lf_error error = LF_ERROR_INIT;
	struct lf_tree_head head = {.size = 0};
	struct lf_digest root;
	bool known;
	size_t fit = 0;
	int status = 0;

	if (verify == NULL) {
		fputs("leadfitd: out of memory\n", stderr);
		return 3;
	}
	lf_redaction_check_init(&run->redactions);
	lf_verify_set_judge(verify, lf_redaction_check_row, &run->redactions);
	if (lf_log_head(run->log, &head, &error) != LF_OK)
		status = fail(run, "record", 0, &error);
	run->size = head.size;
	if (status == 0)
		status = walk(run, verify, &head);
	if (status == 0 && lf_verify_root(verify, head.size, &head, print_finding, run, &root, &known, &error) != LF_OK)
		status = fail(run, "root of record", head.size, &error);
	run->phase = "checkpoints";
	if (status == 0)
		status = compare(run, list, &head, backup, &fit);
	if (status == 0)
		status = check(run);
	clear_line(run);
	if (status == 0)
		print_summary(run, verify, &head, list, fit);
	lf_redaction_check_clean_up(&run->redactions);
	lf_verify_free(verify);
	return status != 0 ? status : run->findings > 0 ? 1 : 0;
}

int lf_verify_file(const char *database, const struct lf_seals *seals, uint64_t *newest)
{
	const struct lf_log_options options = {.location = database, .read_only = true, .reader_count = 2};
	struct run run = {.terminal = isatty(STDERR_FILENO)};
	struct lf_error error = LF_ERROR_INIT;
	struct lf_sealed_list list;
	int status = lf_sealed_read(&list, seals);

	run.began_ns = lf_clock_ns();
	if (status == 0 && lf_log_open_by_url(&run.log, &options, &error) == LF_OK) {
		status = verify_log(&run, &list, seals->backup);
		lf_log_close(run.log);
	} else if (status == 0) {
		/* Damage keeps it from being opened: that is what was asked. */
		if (error.code == LF_DATA_LOSS) {
			lf_print_line(stdout, "log: %s", error.message);
			puts("findings     1");
		} else {
			lf_print_line(stderr, "leadfitd: %s", error.message);
		}
		status = error.code == LF_DATA_LOSS ? 1 : lf_code_exit_status(error.code);
		lf_error_clean_up(&error);
	}
	if (newest != NULL)
		*newest = list.count > 0 ? list.items[list.count - 1].checkpoint.size : 0;
	lf_sealed_clean_up(&list);
	return lf_command_line_printed(status);
}

int lf_verify_command(int argc, char **argv)
{
	struct lf_seals seals = {.count = 0};
	const struct lf_command_line_option options[] = {
		{.name = "db", .text = &seals.beside},
		{.name = "checkpoint", .list = seals.paths, .count = &seals.count, .max = LF_CHECKPOINT_PATHS_MAX},
		{.name = "key", .text = &seals.key},
	};
	const struct lf_command_line line = {"verify", usage, options, sizeof(options) / sizeof(options[0])};
	int status = lf_command_line_read(&line, argc, argv);

	if (status >= 0)
		return status;
	if (seals.beside == NULL)
		return lf_command_line_refuse(&line, "--db FILE is required");
	status = lf_command_line_database(&line, &seals.beside);
	if (status >= 0)
		return status;
	return lf_verify_file(seals.beside, &seals, NULL);
}
