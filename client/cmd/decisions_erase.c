/* leadfit decisions erase: a person goes out of the log, in steps; then the file is rewritten. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/cmd/commands.h"
#include "client/cmd/keeping.h"
#include "client/term/progress.h"
#include "client/views/keeping_page.h"
#include "leadfit/v1/printed.pb-c.h"
#include "proto/base/harmless.h"
#include "proto/base/limits.h"

static const struct lf_option erase_options[] = {
	{"candidate", "ID", "the person's id", false},
	{"reason", "TEXT", "why; kept in the log, so without the id", false},
	{"yes", NULL, "do not ask", false},
	{NULL, NULL, NULL, false},
};

enum { ARENA_BYTES_MAX = 64 * 1024 };

struct erase {
	struct lf_arena arena;
	Leadfit__V1__EraseRequest request;
	ProtobufCMessage *last; /* the answer before; owns the cursor and, at the end, what is out of reach */
	Leadfit__V1__PersonErased sums;
	struct lf_progress progress;
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

/* Step by step. The same step twice does no harm: what it erased is not found again. */
static enum lf_code erase_all(struct lf_cli *cli, struct erase *erase)
{
	do {
		ProtobufCMessage *reply =
			lf_cli_call(cli, "leadfit.v1.Keeping/Erase", &erase->request.base, true, &erase->error);
		const Leadfit__V1__EraseResponse *step;

		if (reply == NULL)
			return erase->error.code;
		step = (const Leadfit__V1__EraseResponse *)reply;
		erase->sums.decisions += step->decisions;
		erase->sums.payloads += step->payloads;
		erase->sums.acts += step->acts;
		erase->sums.n_out_of_reach = step->n_out_of_reach;
		erase->sums.out_of_reach = step->out_of_reach;
		erase->request.cursor = step->cursor;
		protobuf_c_message_free_unpacked(erase->last, NULL);
		erase->last = reply;
		lf_progress_say(&erase->progress, "erasing: %" PRIu64 " decisions so far", erase->sums.decisions);
	} while (erase->request.cursor[0] != '\0');
	return LF_OK;
}

/* What is said beside the error where the work stopped half-way. */
static void say_how_far(const struct erase *erase, bool erased)
{
	if (erased)
		fprintf(stderr,
			"leadfit: the person is erased, but the file was not cleaned of it: run the same "
			"command again\n");
	else if (erase->last != NULL)
		fprintf(stderr, "leadfit: %" PRIu64 " decisions are done; run the same command again for the rest\n",
			erase->sums.decisions);
}

static int run_erase(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	static const struct lf_source sources[] = {
		{.prefix = "candidate", .option = "--candidate"}, {.prefix = "reason", .option = "--reason"}};
	struct erase erase = {.error = LF_ERROR_INIT};
	bool erased = false;
	int status = LF_EXIT_DONE;

	lf_arena_init(&erase.arena, ARENA_BYTES_MAX);
	lf_progress_init(&erase.progress);
	leadfit__v1__erase_request__init(&erase.request);
	leadfit__v1__person_erased__init(&erase.sums);
	if (take_text(&erase, arguments, "candidate", &erase.request.candidate) == LF_OK &&
		take_text(&erase, arguments, "reason", &erase.request.reason) == LF_OK &&
		ask(&erase, arguments) == LF_OK && erase_all(cli, &erase) == LF_OK) {
		erased = true;
		lf_progress_say(&erase.progress, "rewriting the file");
		lf_keeping_call_vacuum(cli, arguments, &erase.sums.bytes_before, &erase.sums.bytes_after, &erase.error);
	}
	lf_progress_end(&erase.progress);
	if (erase.error.code == LF_CANCELLED && !cli->called) {
		fprintf(stderr, "leadfit: %s\n", erase.error.message);
		status = LF_EXIT_NO;
	} else if (erase.error.code != LF_OK) {
		status = lf_cli_report(cli, &erase.error, sources, sizeof(sources) / sizeof(sources[0]));
		say_how_far(&erase, erased);
	} else if (cli->json) {
		lf_cli_json(cli, &erase.sums.base);
	} else {
		lf_erased_print(&cli->page, &erase.sums);
	}
	protobuf_c_message_free_unpacked(erase.last, NULL);
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
		"like. The role admin is needed. On a terminal it asks first; elsewhere --yes is needed. Running it "
		"again is safe, and finishes what "
		"was interrupted.\n\n"
		"Example:\n"
		"  leadfit decisions erase --candidate m-1042 --reason \"request of 2026-05-01\"\n",
	.options = erase_options,
	.run = run_erase,
};
