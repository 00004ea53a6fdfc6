/* leadfit decisions erase: a person goes out of the log, by a job of the service. */
#include <stdio.h>
#include <string.h>

#include "client/cmd/commands.h"
#include "client/cmd/keeping.h"
#include "client/views/keeping_page.h"
#include "leadfit/v1/printed.pb-c.h"
#include "proto/base/harmless.h"
#include "proto/base/limits.h"

static const struct lf_option erase_options[] = {
	{"candidate", "ID", "the person's id", false},
	{"reason", "TEXT", "why; kept in the log, so without the id", false},
	{"yes", NULL, "do not ask", false},
	LF_NO_WAIT_OPTION,
	{NULL, NULL, NULL, false},
};

enum { ARENA_BYTES_MAX = 64 * 1024 };

struct erase {
	struct lf_arena arena;
	Leadfit__V1__StartEraseRequest request;
	struct lf_error error;
};

static enum lf_code take_text(
	struct erase *erase, const struct lf_arguments *arguments, const char *option, char **field)
{
	const char *text = lf_argument(arguments, option);

	if (text == NULL || text[0] == '\0')
		return lf_error_set(&erase->error, LF_INVALID_ARGUMENT, "--%s: is required", option);
	*field = lf_arena_strdup(&erase->arena, text, strlen(text));
	return *field == NULL ? lf_error_set(&erase->error, LF_INVALID_ARGUMENT, "--%s: is too long", option) : LF_OK;
}

static enum lf_code ask(struct erase *erase, const struct lf_arguments *arguments)
{
	char question[LF_ID_BYTES_MAX + 128];

	snprintf(question, sizeof(question), "Erase %.*s from every decision in the log.", LF_ID_BYTES_MAX,
		erase->request.candidate);
	lf_text_make_harmless(question);
	return lf_keeping_confirm(arguments, question, &erase->error);
}

static void show(struct lf_cli *cli, const Leadfit__V1__Job *job)
{
	Leadfit__V1__PersonErased erased = LEADFIT__V1__PERSON_ERASED__INIT;

	erased.job_id = job->job_id;
	erased.decisions = job->decisions;
	erased.payloads = job->payloads;
	erased.acts = job->acts;
	erased.bytes_before = job->bytes_before;
	erased.bytes_after = job->bytes_after;
	erased.longer_words = job->longer_words;
	erased.n_out_of_reach = job->n_out_of_reach;
	erased.out_of_reach = job->out_of_reach;
	if (cli->json)
		lf_cli_json(cli, &erased.base);
	else
		lf_erased_print(&cli->page, &erased);
}

static int run_erase(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	static const struct lf_source sources[] = {
		{.prefix = "candidate", .option = "--candidate"}, {.prefix = "reason", .option = "--reason"}};
	struct erase erase = {.error = LF_ERROR_INIT};
	const struct lf_keeping_job job = {.method = "leadfit.v1.Keeping/StartErase",
		.request = &erase.request.base,
		.show = show,
		.sources = sources,
		.source_count = sizeof(sources) / sizeof(sources[0])};
	int status;

	lf_arena_init(&erase.arena, ARENA_BYTES_MAX);
	leadfit__v1__start_erase_request__init(&erase.request);
	if (take_text(&erase, arguments, "candidate", &erase.request.candidate) == LF_OK &&
		take_text(&erase, arguments, "reason", &erase.request.reason) == LF_OK)
		ask(&erase, arguments);
	status = lf_keeping_run(cli, arguments, &job, &erase.error);
	lf_arena_clean_up(&erase.arena);
	lf_error_clean_up(&erase.error);
	return status;
}

const struct lf_command lf_command_decisions_erase = {
	.name = "decisions erase",
	.operands = "",
	.summary = "Erase a person from the log",
	.help = "Every team, project, decision and recorded outcome in which the person occurs is replaced by a copy "
		"without them, under a new salt; a "
		"name that means nobody stands in their place. The others' ranks and scores stay. The log still "
		"verifies and says what was erased. "
		"Then the file is rewritten, so that nothing of the person is left in it; decisions wait meanwhile, "
		"and it needs twice its size of "
		"free space. See to it first that nobody sends the person any more. The page says what is out of "
		"reach: backups, exports and the "
		"like. The service does it, as a job that goes on when this command is interrupted, and over restarts "
		"of the service: leadfit jobs show. With "
		"--no-wait the command returns when the job has started. The role admin is needed. On a terminal it "
		"asks first; elsewhere --yes is needed.\n"
		"Exit status 4: the job failed, since decisions with the person kept coming, say.\n\n"
		"Example:\n"
		"  leadfit decisions erase --candidate m-1042 --reason \"request of 2026-05-01\"\n",
	.options = erase_options,
	.run = run_erase,
};
