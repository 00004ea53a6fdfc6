/* Which decisions: the options that replay, backtest, export, report and impact share, as a Selection message. */
#ifndef LF_CLIENT_CMD_SELECTION_H
#define LF_CLIENT_CMD_SELECTION_H

#include "client/calc/latest.h"
#include "client/session/cli.h"
#include "leadfit/v1/audit.pb-c.h"
#include "proto/base/arena.h"

/* Rows for a command's table of options. */
/* clang-format off */
#define LF_FILTER_OPTIONS \
	{"team", "ID", "of this team", false}, \
	{"project", "ID", "for this project", false}, \
	{"candidate", "ID", "in which this person was a candidate", false}, \
	{"rubric", "NAME", "decided under the rubric of this name, any version of it", false}, \
	{"outcome", "OUTCOME", "RECOMMENDED, TOO_CLOSE, INSUFFICIENT_EVIDENCE or NO_ELIGIBLE_CANDIDATE, in any case", false}, \
	{"since", "INSTANT", "decided at or after this date or RFC 3339 instant", false}, \
	{"until", "INSTANT", "decided before it", false}
#define LF_SELECTION_OPTIONS \
	LF_FILTER_OPTIONS, \
	{"decisions-only", NULL, "without those made with --what-if", false}

/* Rows for the sources of lf_cli_report(), where the request has the Selection as its field selection. */
#define LF_SELECTION_SOURCES \
	{.prefix = "selection.team", .option = "--team"}, \
	{.prefix = "selection.project", .option = "--project"}, \
	{.prefix = "selection.candidate", .option = "--candidate"}, \
	{.prefix = "selection.rubric", .option = "--rubric"}, \
	{.prefix = "selection.outcome", .option = "--outcome"}, \
	{.prefix = "selection.since", .option = "--since"}, \
	{.prefix = "selection.until", .option = "--until"}
/* clang-format on */

struct lf_selection {
	Leadfit__V1__Selection message; /* its texts are in the arena */
	Google__Protobuf__Timestamp since, until;
};

/*
 * Reads the options; those that the command does not have are left open. INVALID_ARGUMENT names the option. The struct
 * must stay where it is: its message points into it.
 */
enum lf_code lf_selection_take(struct lf_selection *selection, const struct lf_arguments *arguments,
	struct lf_arena *arena, struct lf_error *error);

/*
 * Takes one. rubric: the place of its rubric in the walk's lf_latest. The decision is valid during the call only.
 * Anything but LF_OK ends the walk with that error.
 */
typedef enum lf_code (*lf_latest_fn)(
	void *context, const Leadfit__V1__Decision *decision, size_t rubric, struct lf_error *error);

/*
 * Visits the decisions of the selection that count (calc/latest.h), newest first. whole: with rankings. latest is
 * zeroed; the caller cleans it up. Memory grows with the number of teams and projects, not with that of decisions. Calls
 * the service, and blocks; says on a terminal how far it is.
 */
enum lf_code lf_latest_walk(struct lf_cli *cli, const struct lf_selection *selection, bool whole, lf_latest_fn visit,
	void *context, struct lf_latest *latest, struct lf_error *error);

#endif
