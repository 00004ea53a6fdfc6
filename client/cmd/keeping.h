/* What the commands share that take something out of the log: asking first, and cleaning the file afterwards. */
#ifndef LF_CLIENT_CMD_KEEPING_H
#define LF_CLIENT_CMD_KEEPING_H

#include "client/session/cli.h"
#include "leadfit/v1/keeping.pb-c.h"

/*
 * Whether it may be done: --yes was given, or whoever sits at the terminal answers the question with yes.
 * INVALID_ARGUMENT where nobody can be asked; CANCELLED where the answer is no.
 */
enum lf_code lf_keeping_confirm(const struct lf_arguments *arguments, const char *question, struct lf_error *error);

/*
 * Calls Keeping/Vacuum and waits for as long as it takes, unless --timeout says. *before and *after: bytes of the log's
 * files.
 */
enum lf_code lf_keeping_call_vacuum(struct lf_cli *cli, const struct lf_arguments *arguments, uint64_t *before,
	uint64_t *after, struct lf_error *error);

#endif
