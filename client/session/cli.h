/*
 * One run of the CLI: what its global options say, its client, its page, and how it says what went wrong. A command
 * makes its messages, calls, and hands the reply to a view. Results go to standard output, everything else to standard
 * error. Used by one thread.
 */
#ifndef LF_CLIENT_SESSION_CLI_H
#define LF_CLIENT_SESSION_CLI_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/lib/client.h"
#include "client/files/input.h"
#include "client/term/options.h"
#include "client/term/page.h"
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
	LF_ARENA_BYTES_MAX = 512 * 1024 * 1024, /* of what a file of the largest size may unfold to */
};

#define LF_SERVER_DEFAULT "tcp://127.0.0.1:7460"

struct lf_cli {
	const struct lf_command *const *commands; /* ended by NULL */
	const char *server;
	bool server_given; /* named on the command line, not by environment or default */
	char *token;       /* owned; NULL = none */
	struct lf_client_tls tls;
	const char *traceparent; /* of the environment: the trace that calls belong to; NULL = none */
	unsigned timeout_ms;
	bool json;
	bool csv;                 /* commands that write lines */
	struct lf_page page;      /* standard output */
	struct lf_client *client; /* connected by the first call */
	bool called;              /* the service was called, or could not be */
};

/* Connects, as the options say that are the commands' own, and as the global ones say. Blocks. Once a run. */
enum lf_code lf_cli_connect(struct lf_cli *cli, const struct lf_client_options *own, struct lf_error *error);

/*
 * Calls a method by its full name, connecting first. Gives back the reply, to be freed with
 * protobuf_c_message_free_unpacked(reply, NULL); NULL on failure. idempotent: the request may be sent twice. Blocks.
 */
ProtobufCMessage *lf_cli_call(struct lf_cli *cli, const char *method, const ProtobufCMessage *request, bool idempotent,
	struct lf_error *error);

/* Writes the message as indented JSON with a line end. */
void lf_cli_json(struct lf_cli *cli, const ProtobufCMessage *message);

/*
 * A message whose list is written as it comes, for it may be larger than memory. Each item follows begin, which is what
 * precedes the first of them, e.g. "{\n  \"flips\": [", and NULL from the second on. Then come the message's other
 * fields; items says whether there was an item.
 */
void lf_cli_json_item(struct lf_cli *cli, const ProtobufCMessage *item, const char *begin);
void lf_cli_json_rest(struct lf_cli *cli, const ProtobufCMessage *rest, bool items);

/*
 * Writes everything that is wrong to standard error, by file and line where a violation's path begins with a source's
 * prefix, then a hint where one helps. Returns the exit status of the error's code.
 */
int lf_cli_report(
	const struct lf_cli *cli, const struct lf_error *error, const struct lf_source *sources, size_t source_count);

/* Says on standard error, line by line, what the user should know of how a file was read, and forgets it. */
void lf_cli_note(struct lf_input *input);

/*
 * Gives text to the file that an option ("--csv") names; "-" appends it to the page. Returns the exit status, having
 * said what went wrong: LF_EXIT_UNAVAILABLE where it could not be written. Blocks.
 */
int lf_cli_put(struct lf_cli *cli, const char *option, const char *path, const struct lf_buffer *text);
/*
 * How a command shows its answer: in the files that --svg and --csv name, and as JSON or a page unless one of them is
 * standard output. What draws returns false where memory ran out, as out->failed says, too. answer is the command's.
 */
struct lf_view {
	bool (*svg)(struct lf_buffer *out, void *answer);
	bool (*csv)(struct lf_buffer *out, void *answer); /* NULL: the command has none; nor has it --csv */
	void (*json)(struct lf_cli *cli, void *answer); /* NULL: the command has none; then it refuses --output json */
	void (*page)(struct lf_cli *cli, void *answer);
	bool begun; /* part of it is out already: the rest follows also where a file can't be written */
};
/*
 * Returns the exit status, having said what went wrong. svg, csv: the values of the options, NULL where they are not
 * given. Blocks.
 */
int lf_cli_show(struct lf_cli *cli, const struct lf_view *view, const char *svg, const char *csv, void *answer);
/* Whether, with --svg and --csv (NULL: not given), at most one thing goes to standard output. */
enum lf_code lf_cli_check_files(const struct lf_cli *cli, const char *svg, const char *csv, struct lf_error *error);

/*
 * Writes what is wrong to standard error, a line for each violation, behind the name of what was checked. Returns
 * LF_EXIT_NO.
 */
int lf_refuse(const char *name, const struct lf_error *error);

/* ---- for main() ---- */

/* Takes what the global options and the environment say, and begins the page. */
enum lf_code lf_cli_begin(struct lf_cli *cli, const struct lf_arguments *arguments, struct lf_error *error);
/* Says what is wrong with the command line, and where help is. Returns the exit status. */
int lf_cli_usage_error(const struct lf_cli *cli, const struct lf_arguments *arguments, const struct lf_error *error);
/* Writes out what is left on the page, and closes standard output. Returns status, or that of the failure to write. */
int lf_cli_finish(struct lf_cli *cli, int status);
/* Ends the client and forgets the token. */
void lf_cli_clean_up(struct lf_cli *cli);
/*
 * Sets up the process: each standard descriptor is open, a signal that ends ends it at once, and a pipe whose reader
 * has gone shows as EPIPE. Before anything is opened.
 */
void lf_process_begin(void);

#endif
