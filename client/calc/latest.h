/*
 * The decisions that reports count: of each team and project the latest one, and no WHAT_IF. What was asked again has
 * replaced what was answered before.
 */
#ifndef LF_CLIENT_CMD_LATEST_H
#define LF_CLIENT_CMD_LATEST_H

#include "client/cmd/cli.h"
#include "client/cmd/selection.h"
#include "leadfit/v1/decisions.pb-c.h"

/*
 * Rows for a command's table of options: as LF_FILTER_OPTIONS, but what the latest decision of each team and project is
 * asked of.
 */
/* clang-format off */
#define LF_LATEST_OPTIONS LF_FILTER_OPTIONS
/* clang-format on */

/* Takes one. The decision is valid during the call only. Anything but LF_OK ends the walk with that error. */
typedef enum lf_code (*lf_latest_fn)(void *context, const Leadfit__V1__Decision *decision, struct lf_error *error);

struct lf_latest_counts {
	uint64_t read;       /* decisions that came from the service */
	uint64_t superseded; /* of these, replaced by a later one */
	uint64_t taken;      /* given to visit */
};

/*
 * Visits them newest first. The selection says which: its candidate and outcome are asked of the latest decision only,
 * so that a decision which a later one has replaced does not come back because that one has another outcome. whole:
 * with rankings. Memory grows with the number of teams and projects, not with that of decisions. Calls the service, and
 * blocks; says on a terminal how far it is.
 */
enum lf_code lf_latest_walk(struct lf_cli *cli, const struct lf_selection *selection, bool whole, lf_latest_fn visit,
	void *context, struct lf_latest_counts *counts, struct lf_error *error);

#endif
