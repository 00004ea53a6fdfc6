/* A team's file as commands are given it: read with the names that a rubric has for things. */
#ifndef LF_CLIENT_GIVEN_TEAM_FILE_H
#define LF_CLIENT_GIVEN_TEAM_FILE_H

#include "client/session/cli.h"
#include "leadfit/v1/team.pb-c.h"
#include "proto/base/arena.h"

/* Options of a command that is given a team's file. */
#define LF_TEAM_OPTIONS                                                                                                \
	{"team-id", "ID", "the team's id where the file is a sheet (default: its name without the ending)", false},    \
	{                                                                                                              \
		"date-format", "FORMAT", "how a sheet writes dates that are not YYYY-MM-DD, e.g. DD.MM.YYYY", false    \
	}

/*
 * Reads a team from path, in arena; NULL on error. Of a sheet, disciplines, sources and criteria are known by the names of
 * a rubric: of the file that rubric names where may_be_alone is set and it is one, else of the one that the service has
 * under this name; NULL: its default. Where the service can't say (a caller who may not read rubrics, no such rubric), they
 * are taken as they stand. may_be_alone: also where it can't be reached; else that is an error. Says on standard error what
 * the user should know of how the file was read. Blocks. Clean input up in any case; zero it before.
 */
Leadfit__V1__Team *lf_team_read(struct lf_cli *cli, const struct lf_arguments *arguments, const char *path,
	const char *rubric, bool may_be_alone, struct lf_input *input, struct lf_arena *arena, struct lf_error *error);
/* The same, may_be_alone, of all teams that a sheet has, *count of them. */
Leadfit__V1__Team **lf_teams_read(struct lf_cli *cli, const struct lf_arguments *arguments, const char *path,
	const char *rubric, size_t *count, struct lf_input *input, struct lf_arena *arena, struct lf_error *error);

#endif
