/* The schema of a log in PostgreSQL, who may do what to it, and whether a database has it as it was made. */
#ifndef LF_STORAGE_POSTGRES_SCHEMA_H
#define LF_STORAGE_POSTGRES_SCHEMA_H

#include "storage/postgres/connection.h"

/*
 * The version that this release makes and writes. A release that only adds to it keeps the number: then releases run
 * side by side.
 */
enum { LF_PG_SCHEMA = 1 };

/* What about says of a log. */
struct lf_pg_about {
	uint8_t log[16]; /* drawn when the schema was made: the same log, or another */
	bool may_redact; /* this role may replace what was recorded */
	bool may_append; /* it may add records */
};

/*
 * Whether the database has the schema, unaltered, and what this role may do. NOT_FOUND where it has none;
 * FAILED_PRECONDITION where it is of another version, or is not as it was made: somebody has put a trigger, a rule, a
 * policy, a column or a table into it, or taken one out. INVALID_ARGUMENT where a schema of that name is no log. In
 * pipeline mode. Blocks.
 */
enum lf_code lf_pg_check_schema(struct lf_pg *pg, struct lf_pg_about *about, struct lf_error *error);
/* Whether this role may add records, as one boolean; also false where a table is gone. */
extern const struct lf_pg_statement lf_pg_may_append;
/* Whether it is as it was made, as one boolean. */
extern const struct lf_pg_statement lf_pg_as_made;
/* Which log and which schema a database has, and no more: for a reader. The same codes. */
enum lf_code lf_pg_recognize(struct lf_pg *pg, struct lf_pg_about *about, struct lf_error *error);

#endif
