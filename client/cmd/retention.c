/* leadfit retention: what is older than is kept is pruned, in steps; then the file is rewritten. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "client/cmd/commands.h"
#include "client/cmd/keeping.h"
#include "client/term/progress.h"
#include "client/views/keeping_page.h"
#include "leadfit/v1/printed.pb-c.h"

static const struct lf_option retention_options[] = {
	{"keep-months", "N", "keep the last N months, 0..1200 (default 24)", false},
	{"allow-under-six-months", NULL, "keep less than six months", false},
	{"dry-run", NULL, "only count", false},
	{"yes", NULL, "do not ask", false},
	{NULL, NULL, NULL, false},
};

enum { MONTHS_DEFAULT = 24, MONTHS_ASKED = 6 /* fewer need a flag */, MONTHS_MAX = 1200 };

struct retention {
	Leadfit__V1__PruneRequest request;
	Google__Protobuf__Timestamp before;
	ProtobufCMessage *last; /* the answer before; owns the cursor */
	Leadfit__V1__LogPruned sums;
	struct lf_progress progress;
	struct lf_error error;
};

/*
 * So many calendar months ago, at the beginning of that day, UTC, so that the same day gives the same decisions; 0:
 * now.
 */
static void set_months_ago(Google__Protobuf__Timestamp *instant, unsigned months)
{
	struct timespec now;
	struct tm day, then;

	clock_gettime(CLOCK_REALTIME, &now);
	instant->seconds = now.tv_sec;
	instant->nanos = (int32_t)now.tv_nsec;
	if (months == 0)
		return;
	gmtime_r(&now.tv_sec, &day);
	day.tm_hour = day.tm_min = day.tm_sec = 0;
	then = day;
	then.tm_mon -= (int)months;
	instant->seconds = timegm(&then);
	instant->nanos = 0;
	if (then.tm_mday != day.tm_mday) { /* that month is shorter: its last day */
		then.tm_mday = 0;
		instant->seconds = timegm(&then);
	}
}

static enum lf_code ask(struct retention *retention, const struct lf_arguments *arguments)
{
	char question[128], time[LF_TIME_BYTES];

	if (retention->request.dry_run)
		return LF_OK;
	lf_time_print(retention->before.seconds, time);
	snprintf(question, sizeof(question), "Prune every decision made before %s.", time);
	return lf_keeping_confirm(arguments, question, &retention->error);
}

/* Step by step. The same step twice does no harm: what it pruned is not pruned again. */
static enum lf_code prune_all(struct lf_cli *cli, struct retention *retention)
{
	do {
		ProtobufCMessage *reply =
			lf_cli_call(cli, "leadfit.v1.Keeping/Prune", &retention->request.base, true, &retention->error);
		const Leadfit__V1__PruneResponse *step;

		if (reply == NULL)
			return retention->error.code;
		step = (const Leadfit__V1__PruneResponse *)reply;
		retention->sums.decisions += step->decisions;
		retention->sums.payloads += step->payloads;
		retention->sums.payload_bytes += step->payload_bytes;
		retention->sums.kept_payloads += step->kept_payloads;
		retention->request.cursor = step->cursor;
		protobuf_c_message_free_unpacked(retention->last, NULL);
		retention->last = reply;
		lf_progress_say(&retention->progress,
			"pruning: %" PRIu64 " decisions, %" PRIu64 " teams and projects so far",
			retention->sums.decisions, retention->sums.payloads);
	} while (retention->request.cursor[0] != '\0');
	return LF_OK;
}

static enum lf_code run_steps(struct lf_cli *cli, const struct lf_arguments *arguments, struct retention *retention)
{
	const char *months = lf_argument(arguments, "keep-months");
	unsigned number = MONTHS_DEFAULT;

	if (months != NULL &&
		lf_option_number("keep-months", months, 0, MONTHS_MAX, &number, &retention->error) != LF_OK)
		return retention->error.code;
	set_months_ago(&retention->before, number);
	retention->request.before = retention->sums.before = &retention->before;
	retention->request.allow_under_six_months = lf_argument(arguments, "allow-under-six-months") != NULL;
	if (number < MONTHS_ASKED && !retention->request.allow_under_six_months)
		return lf_error_set(&retention->error, LF_INVALID_ARGUMENT,
			"--keep-months: %u is less than %d; --allow-under-six-months allows that", number,
			MONTHS_ASKED);
	retention->request.dry_run = retention->sums.dry_run = lf_argument(arguments, "dry-run") != NULL;
	if (ask(retention, arguments) != LF_OK || prune_all(cli, retention) != LF_OK || retention->request.dry_run)
		return retention->error.code;
	lf_progress_say(&retention->progress, "rewriting the file");
	return lf_keeping_call_vacuum(
		cli, arguments, &retention->sums.bytes_before, &retention->sums.bytes_after, &retention->error);
}

static int run_retention(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	static const struct lf_source source = {.prefix = "before", .option = "--keep-months"};
	struct retention retention = {.error = LF_ERROR_INIT};
	int status = LF_EXIT_DONE;

	lf_progress_init(&retention.progress);
	leadfit__v1__prune_request__init(&retention.request);
	leadfit__v1__log_pruned__init(&retention.sums);
	google__protobuf__timestamp__init(&retention.before);
	run_steps(cli, arguments, &retention);
	lf_progress_end(&retention.progress);
	if (retention.error.code == LF_CANCELLED && !cli->called) {
		fprintf(stderr, "leadfit: %s\n", retention.error.message);
		status = LF_EXIT_NO;
	} else if (retention.error.code != LF_OK) {
		status = lf_cli_report(cli, &retention.error, &source, 1);
		if (retention.last != NULL)
			fprintf(stderr,
				"leadfit: %" PRIu64 " decisions are pruned; run the same command again for the rest\n",
				retention.sums.decisions);
	} else if (cli->json) {
		lf_cli_json(cli, &retention.sums.base);
	} else {
		lf_pruned_print(&cli->page, &retention.sums);
	}
	protobuf_c_message_free_unpacked(retention.last, NULL);
	lf_error_clean_up(&retention.error);
	return status;
}

const struct lf_command lf_command_retention = {
	.name = "retention",
	.operands = "",
	.summary = "Prune what is older than is kept",
	.help = "Of decisions older than N months only when, by which rubric, for which team and project, and with "
		"what outcome stays; who took part and "
		"all numbers go, and so do the teams and projects that no younger decision refers to. Rubrics stay. "
		"The log still verifies and says "
		"what was pruned. Then the file is rewritten; decisions wait meanwhile, and it needs twice its size of "
		"free space. Less than six "
		"months are kept only with --allow-under-six-months. The role admin is needed. On a terminal it asks "
		"first; elsewhere --yes is "
		"needed, but for --dry-run.\n\n"
		"Examples:\n"
		"  leadfit retention --dry-run\n"
		"  leadfit retention --keep-months 36 --yes\n",
	.options = retention_options,
	.run = run_retention,
};
