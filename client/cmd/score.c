/* leadfit score: a team and a project in, a decision out. */
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "client/cmd/commands.h"
#include "client/given/team_file.h"
#include "client/views/decision.h"
#include "proto/base/dates.h"
#include "proto/base/limits.h"

static const struct lf_option options[] = {
	{"team", "FILE", "the team: YAML, JSON, CSV, .xlsx or .ods; - is standard input (required)", false},
	{"project", "FILE", "the project: YAML or JSON; - is standard input (required)", false},
	{"rubric", "NAME", "the rubric to score by (default: the default rubric)", false},
	{"candidate", "ID", "seek the lead among these members only; may be repeated (default: every member)", true},
	{"as-of", "INSTANT", "date or RFC 3339 instant against which evidence ages (default: now)", false},
	{"what-if", NULL, "an exploration: it is logged, but no report counts it", false},
	{"detail", "top|all", "criteria for the first 20 ranks and named candidates, or for all (default top)", false},
	{"rank-table", NULL, "how often each candidate has each rank, where the rubric has robustness", false},
	{"ignore-undeclared", NULL, "leave out what the rubric does not declare, and list it", false},
	{"key", "KEY", "idempotency key: the same request with it gets the stored decision (default: a new one)",
		false},
	{"strict", NULL, "exit with status 1 where nobody is recommended", false},
	{"sweep", "TRAIT", "show who leads as this trait of the project goes from 0 to 1; nothing is stored", false},
	{"points", "N", "with --sweep: values of the trait at which to score, 2..1001 (default 101)", false},
	{"svg", "FILE", "with --sweep: write the picture to this file; - is standard output, and nothing else", false},
	LF_TEAM_OPTIONS,
	{NULL, NULL, NULL, false},
};

enum { KEY_BYTES = 37 };

/* What the request is made of, and lives until the answer is printed. */
struct job {
	struct lf_input team_file, project_file;
	struct lf_arena arena;
	Leadfit__V1__ScoreRequest request;
	Google__Protobuf__Timestamp as_of;
	char key[KEY_BYTES];
	struct lf_error error;
};

/* A random UUID: makes it safe to send the request again. */
static enum lf_code make_key(char out[KEY_BYTES], struct lf_error *error)
{
	unsigned char b[16];

	if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b))
		return lf_error_set(error, LF_INTERNAL, "the system gives no random numbers");
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	snprintf(out, KEY_BYTES, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
		b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
	return LF_OK;
}

/* Reads both files. The source for messages is set before a file can fail. */
static enum lf_code read_files(
	struct lf_cli *cli, struct job *job, const struct lf_arguments *arguments, struct lf_source *source)
{
	const char *team = lf_argument(arguments, "team"), *project = lf_argument(arguments, "project");
	struct lf_error *error = &job->error;
	ProtobufCMessage *message;

	if (team == NULL || project == NULL)
		return lf_error_set(
			error, LF_INVALID_ARGUMENT, "score needs --%s FILE", team == NULL ? "team" : "project");
	if (strcmp(team, "-") == 0 && strcmp(project, "-") == 0)
		return lf_error_set(
			error, LF_INVALID_ARGUMENT, "only one of --team and --project can be standard input");
	*source = (struct lf_source){.prefix = "", .input = &job->team_file};
	job->request.team = lf_team_read(
		cli, arguments, team, lf_argument(arguments, "rubric"), false, &job->team_file, &job->arena, error);
	if (job->request.team == NULL)
		return error->code;
	source->input = &job->project_file;
	if (lf_input_read(&job->project_file, project, false, error) != LF_OK)
		return error->code;
	message = lf_input_parse(&job->project_file, &leadfit__v1__project__descriptor, NULL, &job->arena, error);
	job->request.project = (Leadfit__V1__Project *)message;
	return message == NULL ? error->code : LF_OK;
}

static char *keep(struct job *job, const char *text)
{
	char *copy = lf_arena_strdup(&job->arena, text, strlen(text));

	if (copy == NULL)
		lf_error_set(&job->error, LF_RESOURCE_EXHAUSTED, "out of memory");
	return copy;
}

static enum lf_code read_options(struct job *job, const struct lf_arguments *arguments, bool json)
{
	static const char *const details[] = {"top", "all"};
	Leadfit__V1__ScoreRequest *request = &job->request;
	const char *text;
	size_t index = 0;
	size_t candidates;

	if ((text = lf_argument(arguments, "detail")) != NULL &&
		lf_option_choice("detail", text, details, 2, &index, &job->error) != LF_OK)
		return job->error.code;
	request->detail = index == 1 ? LEADFIT__V1__DETAIL__ALL : LEADFIT__V1__DETAIL__TOP;
	if ((text = lf_argument(arguments, "as-of")) != NULL) {
		google__protobuf__timestamp__init(&job->as_of);
		if (!lf_parse_instant(text, &job->as_of.seconds, &job->as_of.nanos))
			return lf_error_set(&job->error, LF_INVALID_ARGUMENT,
				"--as-of: %s is neither a date (2026-05-01) nor an instant (2026-05-01T12:00:00Z)",
				text);
		request->as_of = &job->as_of;
	}
	candidates = 0;
	while (lf_argument_at(arguments, "candidate", candidates) != NULL)
		candidates++;
	request->candidates = lf_arena_zalloc(&job->arena, candidates, sizeof(*request->candidates));
	if (request->candidates == NULL)
		return lf_error_set(&job->error, LF_RESOURCE_EXHAUSTED, "out of memory");
	for (size_t i = 0; i < candidates; i++)
		if ((request->candidates[request->n_candidates++] =
				    keep(job, lf_argument_at(arguments, "candidate", i))) == NULL)
			return job->error.code;
	if ((text = lf_argument(arguments, "rubric")) != NULL && (request->rubric = keep(job, text)) == NULL)
		return job->error.code;
	request->purpose = lf_argument(arguments, "what-if") != NULL ? LEADFIT__V1__PURPOSE__WHAT_IF
								     : LEADFIT__V1__PURPOSE__DECISION;
	/* A page shows the ranges that come with it; with a key the request must be the same whatever is printed. */
	request->rank_table =
		lf_argument(arguments, "rank-table") != NULL || (!json && lf_argument(arguments, "key") == NULL);
	request->ignore_undeclared = lf_argument(arguments, "ignore-undeclared") != NULL;
	if ((text = lf_argument(arguments, "key")) != NULL)
		return (request->idempotency_key = keep(job, text)) == NULL ? job->error.code : LF_OK;
	request->idempotency_key = job->key;
	return make_key(job->key, &job->error);
}

/* Calls and prints. Returns the exit status. */
static int ask(struct lf_cli *cli, const struct lf_arguments *arguments, struct job *job)
{
	const struct lf_source sources[] = {
		{.prefix = "team", .input = &job->team_file},
		{.prefix = "project", .input = &job->project_file},
		{.prefix = "candidates", .option = "--candidate"},
		{.prefix = "rubric", .option = "--rubric"},
		{.prefix = "as_of", .option = "--as-of"},
		{.prefix = "idempotency_key", .option = "--key"},
		{.prefix = "trait", .option = "--sweep"},
		{.prefix = "points", .option = "--points"},
	};
	const size_t source_count = sizeof(sources) / sizeof(sources[0]);
	ProtobufCMessage *reply;
	const Leadfit__V1__Decision *decision;
	bool recommended;

	if (lf_argument(arguments, "sweep") != NULL)
		return lf_score_sweep(cli, arguments, &job->request, sources, source_count);
	reply = lf_cli_call(cli, "leadfit.v1.Scoring/Score", &job->request.base, true, &job->error);
	if (reply == NULL) {
		const int status = lf_cli_report(cli, &job->error, sources, source_count);

		if (cli->client != NULL &&
			(job->error.code == LF_UNAVAILABLE || job->error.code == LF_DEADLINE_EXCEEDED))
			fprintf(stderr,
				"leadfit: the decision may or may not be stored; --key %s asks for the same again.\n",
				job->request.idempotency_key);
		return status;
	}
	decision = (const Leadfit__V1__Decision *)reply;
	recommended = decision->outcome == LEADFIT__V1__OUTCOME__RECOMMENDED;
	if (cli->json)
		lf_cli_json(cli, reply);
	else
		lf_decision_print(&cli->page, decision,
			(job->request.detail == LEADFIT__V1__DETAIL__ALL ? LF_SHOW_ALL : 0) |
				(lf_argument(arguments, "rank-table") != NULL ? LF_SHOW_RANK_TABLE : 0));
	protobuf_c_message_free_unpacked(reply, NULL);
	return lf_argument(arguments, "strict") != NULL && !recommended ? LF_EXIT_NO : LF_EXIT_DONE;
}

static int run(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	struct job job = {.error = LF_ERROR_INIT};
	struct lf_source source = {.prefix = "", .option = "score"};
	int status;

	lf_arena_init(&job.arena, LF_ARENA_BYTES_MAX);
	leadfit__v1__score_request__init(&job.request);
	if (lf_score_sweep_check(cli, arguments, &job.error) != LF_OK ||
		read_options(&job, arguments, cli->json) != LF_OK || read_files(cli, &job, arguments, &source) != LF_OK)
		status = lf_cli_report(cli, &job.error, &source, 1);
	else
		status = ask(cli, arguments, &job);
	lf_arena_clean_up(&job.arena);
	lf_input_clean_up(&job.team_file);
	lf_input_clean_up(&job.project_file);
	lf_error_clean_up(&job.error);
	return status;
}

const struct lf_command lf_command_score = {
	.name = "score",
	.operands = "",
	.summary = "Score a team for a project, store the decision and explain it",
	.help = "The service answers once the decision is on disk. Nobody is recommended where the first places are\n"
		"too close, the evidence is too thin, or no candidate is eligible; the answer says which, and still\n"
		"ranks everybody.\n\n"
		"Examples:\n"
		"  leadfit score --team team.yaml --project project.yaml\n"
		"  leadfit score --team team.csv --project project.yaml --candidate m-1042 --candidate m-7 --what-if\n"
		"  leadfit score --team team.yaml --project project.yaml --sweep interaction_focus --svg sweep.svg\n"
		"  generate-team | leadfit score --team - --project project.yaml --output json\n",
	.options = options,
	.run = run,
};
