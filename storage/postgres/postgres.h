/* The log in PostgreSQL, seen from outside. */
#ifndef LF_STORAGE_POSTGRES_POSTGRES_H
#define LF_STORAGE_POSTGRES_POSTGRES_H

#include "proto/base/status.h"

struct lf_backend; /* storage/log/backend.h */

/*
 * Several services on one log. Its location is a URL: postgres://[USER@]HOST[:PORT][,...]/DATABASE[?OPTION=VALUE&...],
 * with libpq's options, and one of ours:
 *
 *   leadfit_asynchronous=accept   serves without a synchronous standby: what was acknowledged last may be lost in a
 *                                 failover
 *
 * open() makes no schema: lf_postgres_init() does, once, as the database's owner. FAILED_PRECONDITION where there is
 * none, and where the server's settings would lose what was acknowledged.
 */
extern const struct lf_backend lf_postgres_backend;

/* Roles that are there already, which get what they need. NULL or "": none. */
struct lf_postgres_roles {
	const char *service; /* SELECT and INSERT: what a service runs as */
	const char *keeper;  /* also what erasing and pruning take */
};
/*
 * Makes the schema in the database that the URL names, whole or not at all; roles NULL: only looks whether there is one,
 * and makes nothing. ALREADY_EXISTS where there is one;
 * INVALID_ARGUMENT where the URL is none; UNAVAILABLE where it can't be made, and the message says why. Blocks.
 */
enum lf_code lf_postgres_init(const char *url, const struct lf_postgres_roles *roles, struct lf_error *error);

#endif
