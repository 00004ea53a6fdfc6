/* leadfit retention: what is older than is kept is pruned, by a job of the service. */
#include <stdio.h>
#include <time.h>

#include "client/cmd/commands.h"
#include "client/cmd/keeping.h"
#include "client/views/keeping_page.h"
#include "leadfit/v1/printed.pb-c.h"

static const struct lf_option retention_options[] = {
	{"keep-months", "N", "keep the last N months, 0..1200 (default 24)", false},
	{"allow-under-six-months", NULL, "keep less than six months", false},
	{"dry-run", NULL, "only count", false},
	{"yes", NULL, "do not ask", false},
	LF_NO_WAIT_OPTION,
	{NULL, NULL, NULL, false},
};

enum { MONTHS_DEFAULT = 24, MONTHS_ASKED = 6 /* fewer need a flag */, MONTHS_MAX = 1200 };

struct retention {
	Leadfit__V1__StartPruneRequest request;
	Google__Protobuf__Timestamp before;
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

static void show(struct lf_cli *cli, const Leadfit__V1__Job *job)
{
	Leadfit__V1__LogPruned pruned = LEADFIT__V1__LOG_PRUNED__INIT;

	pruned.job_id = job->job_id;
	pruned.before = job->before;
	pruned.dry_run = job->dry_run;
	pruned.decisions = job->decisions;
	pruned.payloads = job->payloads;
	pruned.payload_bytes = job->payload_bytes;
	pruned.kept_payloads = job->kept_payloads;
	pruned.bytes_before = job->bytes_before;
	pruned.bytes_after = job->bytes_after;
	if (cli->json)
		lf_cli_json(cli, &pruned.base);
	else
		lf_pruned_print(&cli->page, &pruned);
}

static enum lf_code make_request(struct retention *retention, const struct lf_arguments *arguments)
{
	const char *months = lf_argument(arguments, "keep-months");
	unsigned number = MONTHS_DEFAULT;

	if (months != NULL &&
		lf_option_number("keep-months", months, 0, MONTHS_MAX, &number, &retention->error) != LF_OK)
		return retention->error.code;
	set_months_ago(&retention->before, number);
	retention->request.before = &retention->before;
	retention->request.allow_under_six_months = lf_argument(arguments, "allow-under-six-months") != NULL;
	retention->request.dry_run = lf_argument(arguments, "dry-run") != NULL;
	if (number < MONTHS_ASKED && !retention->request.allow_under_six_months)
		return lf_error_set(&retention->error, LF_INVALID_ARGUMENT,
			"--keep-months: %u is less than %d; --allow-under-six-months allows that", number,
			MONTHS_ASKED);
	return ask(retention, arguments);
}

static int run_retention(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	static const struct lf_source source = {.prefix = "before", .option = "--keep-months"};
	struct retention retention = {.error = LF_ERROR_INIT};
	const struct lf_keeping_job job = {.method = "leadfit.v1.Keeping/StartPrune",
		.request = &retention.request.base,
		.show = show,
		.sources = &source,
		.source_count = 1};
	int status;

	leadfit__v1__start_prune_request__init(&retention.request);
	google__protobuf__timestamp__init(&retention.before);
	make_request(&retention, arguments);
	status = lf_keeping_run(cli, arguments, &job, &retention.error);
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
		"months are kept only with --allow-under-six-months. The service does it, as a job that goes on when "
		"this command is interrupted, and over restarts of the service: leadfit jobs show. With --no-wait the "
		"command returns when the job has started. --dry-run only counts; it is a job, too. The role admin is "
		"needed. On a terminal it asks first; elsewhere --yes is needed, but for --dry-run.\n\n"
		"Examples:\n"
		"  leadfit retention --dry-run\n"
		"  leadfit retention --keep-months 36 --yes\n",
	.options = retention_options,
	.run = run_retention,
};
