/* In place of this room's other files where it is left out (LF_POSTGRES): what refuses its URLs. */
#include "storage/log/backend.h"
#include "storage/postgres/postgres.h"

static enum lf_code refuse(struct lf_error *error)
{
	return lf_error_set(error, LF_INVALID_ARGUMENT,
		"this build has no PostgreSQL (it was made without libpq): allowed are a file's name, and sqlite: with "
		"one");
}

static enum lf_code open_nothing(struct lf_store **store, const struct lf_log_options *options, struct lf_error *error)
{
	(void)store;
	(void)options;
	return refuse(error);
}

static enum lf_code open_nothing_read_only(struct lf_store **store, const char *location, struct lf_error *error)
{
	(void)store;
	(void)location;
	return refuse(error);
}

const struct lf_backend lf_postgres_backend = {
	.name = "postgres", .open = open_nothing, .open_read_only = open_nothing_read_only};

enum lf_code lf_postgres_init(const char *url, const struct lf_postgres_roles *roles, struct lf_error *error)
{
	(void)url;
	(void)roles;
	return refuse(error);
}
