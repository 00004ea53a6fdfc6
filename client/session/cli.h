/*
 * What the commands of the CLI share. A command is one file, cmd_*.c: it reads its arguments, makes a message, calls,
 * and writes a page. Results go to standard output, everything else to standard error.
 */
#ifndef LF_CLIENT_CMD_CLI_H
#define LF_CLIENT_CMD_CLI_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/lib/client.h"
#include "client/files/input.h"
#include "client/term/options.h"
#include "client/term/page.h"
#include "leadfit/v1/rubrics.pb-c.h"
#include "leadfit/v1/scoring.pb-c.h"
#include "proto/base/buffer.h"
#include "proto/base/status.h"

/* Exit statuses; those of failed calls come from the status table. */
enum {
	LF_EXIT_DONE = 0,
	LF_EXIT_NO = 1,    /* the answer is no */
	LF_EXIT_USAGE = 2, /* bad usage or input */
	LF_EXIT_UNAVAILABLE = 3,
	LF_EXIT_REFUSED = 4,
};

enum {
	LF_DIGEST_SHOWN = 12,                   /* digits: enough to tell versions apart, and to name one by */
	LF_ARENA_BYTES_MAX = 512 * 1024 * 1024, /* of what a file of the largest size may unfold to */
};

#define LF_SERVER_DEFAULT "tcp://127.0.0.1:7460"

struct lf_cli {
	const struct lf_command *const *commands; /* ended by NULL */
	const char *server;
	bool server_given; /* named on the command line, not by environment or default */
	char *token;       /* owned; NULL = none */
	unsigned timeout_ms;
	bool json;
	bool csv;                 /* commands that write lines */
	struct lf_page page;      /* standard output */
	struct lf_client *client; /* connected by the first call */
	bool called;              /* the service was called, or could not be */
};

/*
 * Calls a method by its full name, connecting first. Gives back the reply, to be freed with
 * protobuf_c_message_free_unpacked(reply, NULL); NULL on failure. idempotent: the request may be sent twice. Blocks.
 */
ProtobufCMessage *lf_cli_call(struct lf_cli *cli, const char *method, const ProtobufCMessage *request, bool idempotent,
	struct lf_error *error);

/* Writes the message as indented JSON with a line end. */
void lf_cli_json(struct lf_cli *cli, const ProtobufCMessage *message);

/*
 * A message whose list is written as it comes, for it may be larger than memory: each item, with what stands before the
 * first of them
 * (begin; NULL from the second on), e.g. "{\n  \"flips\": ["; then the message's other fields, with items saying
 *                                              whether there was one.
 */
void lf_cli_json_item(struct lf_cli *cli, const ProtobufCMessage *item, const char *begin);
void lf_cli_json_rest(struct lf_cli *cli, const ProtobufCMessage *rest, bool items);

/*
 * Writes everything that is wrong to standard error, by file and line where a violation's path begins with a source's
 * prefix, then a hint where one helps. Returns the exit status of the error's code.
 */
int lf_cli_report(
	const struct lf_cli *cli, const struct lf_error *error, const struct lf_source *sources, size_t source_count);

/* Writes a decision for people. all: the reasons for every candidate, not only the first few. */
void lf_decision_print(struct lf_page *page, const Leadfit__V1__Decision *decision, bool all);
/* Who was recommended, or in brackets why nobody was. */
const char *lf_answer_text(Leadfit__V1__Outcome outcome, const char *recommended);
/* Draws a list of sentences under a title; nothing where it is empty. */
void lf_sentences_print(struct lf_page *page, const char *title, size_t count, char *const *sentences);

/*
 * Puts text in the place of a file: written beside it and renamed, so that the file has the old content or the new one,
 * never a part. Its mode stays; a link is followed; what is no regular file (a pipe, a device) is written to. SIGINT,
 * SIGTERM and SIGHUP wait until a regular file is done, so that nothing is left beside it. 0, or an errno. Blocks.
 */
int lf_file_put(const char *path, const struct lf_buffer *text);
/*
 * Gives a picture to the file that --svg names; "-" appends it to the page. Returns the exit status, having said what
 * went wrong: LF_EXIT_UNAVAILABLE where it could not be written. Blocks.
 */
int lf_cli_svg(struct lf_cli *cli, const char *path, const struct lf_buffer *svg);
/* The same for any file that an option ("--csv") names. */
int lf_cli_put(struct lf_cli *cli, const char *option, const char *path, const struct lf_buffer *text);
/* Whether --svg and --csv (NULL: not given) have names, and at most one thing goes to standard output. */
enum lf_code lf_cli_check_files(const struct lf_cli *cli, const char *svg, const char *csv, struct lf_error *error);

/*
 * leadfit score --sweep: asks who leads over one trait, with what request holds. sources are those of the request.
 * Returns the exit status.
 */
int lf_score_sweep(struct lf_cli *cli, const struct lf_arguments *arguments, const Leadfit__V1__ScoreRequest *request,
	const struct lf_source *sources, size_t source_count);
/* Whether the arguments go together as far as --sweep is concerned. */
enum lf_code lf_score_sweep_check(
	const struct lf_cli *cli, const struct lf_arguments *arguments, struct lf_error *error);

/* Writes a rubric for people. */
void lf_rubric_print(struct lf_page *page, const Leadfit__V1__GetRubricResponse *response);
/* Writes which version it is and who put it; nothing where it is not a stored one. */
void lf_rubric_version_print(struct lf_page *page, const Leadfit__V1__GetRubricResponse *response);
/* Writes what the ratings of a criterion mean. text is scratch space, empty. */
void lf_levels_print(struct lf_page *page, struct lf_buffer *text, const Leadfit__V1__Criterion *criterion);
/*
 * Asks for a stored rubric. name: "" for the only active one; digest: its first 8 digits or more, NULL for the active
 * version. Gives back the reply, to be freed; NULL on error. Blocks.
 */
ProtobufCMessage *lf_rubric_get(
	struct lf_cli *cli, const char *name, const char *digest, struct lf_arena *arena, struct lf_error *error);

extern const struct lf_command lf_command_score;
extern const struct lf_command lf_command_batch;
extern const struct lf_command lf_command_profile;
extern const struct lf_command lf_command_decisions_list;
extern const struct lf_command lf_command_decisions_show;
extern const struct lf_command lf_command_decisions_verify;
extern const struct lf_command lf_command_decisions_prove;
extern const struct lf_command lf_command_decisions_verify_proof;
extern const struct lf_command lf_command_decisions_replay;
extern const struct lf_command lf_command_decisions_outcome;
extern const struct lf_command lf_command_decisions_report;
extern const struct lf_command lf_command_decisions_erase;
extern const struct lf_command lf_command_decisions_export;
extern const struct lf_command lf_command_decisions_watch;
extern const struct lf_command lf_command_rubric_check;
extern const struct lf_command lf_command_rubric_list;
extern const struct lf_command lf_command_rubric_show;
extern const struct lf_command lf_command_rubric_explain;
extern const struct lf_command lf_command_rubric_diff;
extern const struct lf_command lf_command_rubric_fmt;
extern const struct lf_command lf_command_rubric_weights;
extern const struct lf_command lf_command_rubric_test;
extern const struct lf_command lf_command_rubric_put;
extern const struct lf_command lf_command_rubric_activate;
extern const struct lf_command lf_command_rubric_history;
extern const struct lf_command lf_command_audit_impact;
extern const struct lf_command lf_command_rubric_backtest;
extern const struct lf_command lf_command_backup;
extern const struct lf_command lf_command_retention;
extern const struct lf_command lf_command_call;
extern const struct lf_command lf_command_health;
extern const struct lf_command lf_command_version;
extern const struct lf_command lf_command_token;
extern const struct lf_command lf_command_help;

#endif
