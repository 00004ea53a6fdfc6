#include "client/cmd/keeping.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "client/cmd/commands.h"
#include "client/term/progress.h"
#include "client/views/keeping_page.h"
#include "proto/base/harmless.h"

enum lf_code lf_keeping_confirm(const struct lf_arguments *arguments, const char *question, struct lf_error *error)
{
	char answer[16] = "";

	if (lf_argument(arguments, "yes") != NULL)
		return LF_OK;
	if (isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1)
		return lf_error_set(
			error, LF_INVALID_ARGUMENT, "--yes: is needed where nobody can be asked: this can't be undone");
	fprintf(stderr, "%s This can't be undone. Go on? [yes/no] ", question);
	fflush(stderr);
	if (fgets(answer, sizeof(answer), stdin) != NULL)
		answer[strcspn(answer, "\r\n")] = '\0';
	if (strcasecmp(answer, "yes") == 0 || strcasecmp(answer, "y") == 0)
		return LF_OK;
	return lf_error_set(error, LF_CANCELLED, "nothing was changed");
}

/* ---- a job, from its start to its end ---- */

enum { POLL_MS_FIRST = 20, POLL_MS_MAX = 500 };

/* What a signal leaves behind: written by the handler, so it is made before. */
static char goes_on[128];

static void say_and_end(int signal_number)
{
	if (write(STDERR_FILENO, goes_on, strlen(goes_on)) < 0)
		_exit(128 + signal_number);
	raise(signal_number);
	_exit(128 + signal_number);
}

/* From here on, whatever ends the command says that the job does not end with it. */
static void watch_signals(uint64_t job_id)
{
	static const int ending[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction action = {.sa_handler = say_and_end, .sa_flags = (int)SA_RESETHAND | SA_NODEFER};
	struct sigaction old;

	snprintf(goes_on, sizeof(goes_on),
		"%sleadfit: job %" PRIu64 " goes on in the service: leadfit jobs show %" PRIu64 "\n",
		isatty(STDERR_FILENO) == 1 ? "\n" : "", job_id, job_id);
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++)
		if (sigaction(ending[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
			sigaction(ending[i], &action, NULL);
}

static bool has_ended(const Leadfit__V1__Job *job)
{
	return job->state == LEADFIT__V1__JOB_STATE__DONE || job->state == LEADFIT__V1__JOB_STATE__FAILED;
}

static void say_progress(struct lf_progress *progress, const Leadfit__V1__Job *job)
{
	if (job->phase == LEADFIT__V1__JOB_PHASE__VACUUMING)
		lf_progress_say(progress, "rewriting the file");
	else if (*job->problem != '\0')
		lf_progress_say(progress, "trying again soon: %.200s", job->problem);
	else if (job->state == LEADFIT__V1__JOB_STATE__WAITING)
		lf_progress_say(progress, "waiting for the job before it");
	else
		lf_progress_say(progress, "%" PRIu64 " decisions, %" PRIu64 " teams and projects so far",
			job->decisions, job->payloads);
}

static Leadfit__V1__Job *get_job(struct lf_cli *cli, uint64_t id, struct lf_error *error)
{
	Leadfit__V1__GetJobRequest request = LEADFIT__V1__GET_JOB_REQUEST__INIT;

	request.job_id = id;
	return (Leadfit__V1__Job *)lf_cli_call(cli, "leadfit.v1.Jobs/Get", &request.base, true, error);
}

/* Asks until it has ended. NULL: the service is lost, and job is freed. */
static Leadfit__V1__Job *await_end(struct lf_cli *cli, Leadfit__V1__Job *job, struct lf_error *error)
{
	struct lf_progress progress;
	unsigned poll_ms = POLL_MS_FIRST;

	lf_progress_init(&progress);
	while (job != NULL && !has_ended(job)) {
		const uint64_t id = job->job_id;

		say_progress(&progress, job);
		usleep(poll_ms * 1000);
		poll_ms = 2 * poll_ms < POLL_MS_MAX ? 2 * poll_ms : POLL_MS_MAX;
		leadfit__v1__job__free_unpacked(job, NULL);
		job = get_job(cli, id, error);
	}
	lf_progress_end(&progress);
	return job;
}

static void show_job(struct lf_cli *cli, const Leadfit__V1__Job *job)
{
	if (cli->json)
		lf_cli_json(cli, &job->base);
	else
		lf_job_print(&cli->page, job);
}

static int say_failure(const Leadfit__V1__Job *job)
{
	lf_text_make_harmless(job->problem);
	fprintf(stderr, "leadfit: job %" PRIu64 " failed: %s\n", job->job_id, job->problem);
	return LF_EXIT_REFUSED;
}

int lf_keeping_run(struct lf_cli *cli, const struct lf_arguments *arguments, const struct lf_keeping_job *what,
	struct lf_error *error)
{
	const bool waits = lf_argument(arguments, "no-wait") == NULL;
	Leadfit__V1__Job *job = NULL;
	int status = LF_EXIT_DONE;

	*goes_on = '\0';
	if (error->code == LF_OK)
		job = (Leadfit__V1__Job *)lf_cli_call(cli, what->method, what->request, true, error);
	if (job != NULL && waits) {
		watch_signals(job->job_id);
		job = await_end(cli, job, error);
	}
	if (error->code == LF_CANCELLED && !cli->called) {
		fprintf(stderr, "leadfit: %s\n", error->message);
		status = LF_EXIT_NO;
	} else if (job == NULL) {
		status = lf_cli_report(cli, error, what->sources, what->source_count);
		fputs(goes_on, stderr);
	} else if (job->state == LEADFIT__V1__JOB_STATE__FAILED) {
		status = say_failure(job);
	} else {
		(waits ? what->show : show_job)(cli, job);
	}
	if (job != NULL)
		leadfit__v1__job__free_unpacked(job, NULL);
	return status;
}

/* ---- leadfit jobs ---- */

static const struct lf_option no_options[] = {{NULL, NULL, NULL, false}};

static int run_list(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	Leadfit__V1__ListJobsRequest request = LEADFIT__V1__LIST_JOBS_REQUEST__INIT;
	struct lf_error error = LF_ERROR_INIT;
	ProtobufCMessage *reply;
	int status = LF_EXIT_DONE;

	(void)arguments;
	reply = lf_cli_call(cli, "leadfit.v1.Jobs/List", &request.base, true, &error);
	if (reply == NULL)
		status = lf_cli_report(cli, &error, NULL, 0);
	else if (cli->json)
		lf_cli_json(cli, reply);
	else
		lf_jobs_print(&cli->page, (const Leadfit__V1__ListJobsResponse *)reply);
	protobuf_c_message_free_unpacked(reply, NULL);
	lf_error_clean_up(&error);
	return status;
}

const struct lf_command lf_command_jobs_list = {
	.name = "jobs list",
	.operands = "",
	.summary = "List what the service does by itself",
	.help = "The newest 20 jobs: erasures and prunings, also those that have ended. One is at work at a time, the "
		"oldest first. A job goes on "
		"when the command that started it has ended, and over restarts of the service. The role admin is "
		"needed.\n\n"
		"Example:\n"
		"  leadfit jobs list\n",
	.options = no_options,
	.run = run_list,
};

static enum lf_code read_id(const char *text, uint64_t *id, struct lf_error *error)
{
	char *end;

	*id = strtoull(text, &end, 10);
	if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && strlen(text) <= 18 && *id != 0)
		return LF_OK;
	return lf_error_set(error, LF_INVALID_ARGUMENT, "%s is no number of a job: leadfit jobs list has them", text);
}

static int run_show(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	struct lf_error error = LF_ERROR_INIT;
	Leadfit__V1__Job *job = NULL;
	uint64_t id;
	int status = LF_EXIT_DONE;

	if (read_id(arguments->operands[0], &id, &error) == LF_OK)
		job = get_job(cli, id, &error);
	if (job == NULL)
		status = lf_cli_report(cli, &error, NULL, 0);
	else
		show_job(cli, job);
	if (job != NULL)
		leadfit__v1__job__free_unpacked(job, NULL);
	lf_error_clean_up(&error);
	return status;
}

const struct lf_command lf_command_jobs_show = {
	.name = "jobs show",
	.operands = "ID",
	.summary = "Show how far a job is, or how it ended",
	.help = "Its state, who started it and why, what it has replaced so far, and, when it has ended, what is out "
		"of "
		"its reach or why it failed. The "
		"person's id is shown until the log has forgotten it. The role admin is needed.\n\n"
		"Example:\n"
		"  leadfit jobs show 7\n",
	.options = no_options,
	.operand_min = 1,
	.operand_max = 1,
	.run = run_show,
};
