#include "storage/backends/backends.h"

#include <ctype.h>
#include <string.h>

#include "storage/log/log.h"
#include "storage/postgres/postgres.h"
#include "storage/sqlite/sqlite.h"

/*
 * The length of the scheme that url begins with, without its colon; 0 where it is a path. "C:" or "a.db:1" are names of
 * files: a scheme has two letters at least, and nothing else.
 */
static size_t scheme_of(const char *url)
{
	size_t length = 0;

	while (isalpha((unsigned char)url[length]))
		length++;
	return length >= 2 && url[length] == ':' ? length : 0;
}

static bool is(const char *url, size_t length, const char *scheme)
{
	return strlen(scheme) == length && strncmp(url, scheme, length) == 0;
}

const struct lf_backend *lf_backend_by_url(const char *url, const char **location, struct lf_error *error)
{
	const size_t scheme = scheme_of(url);

	*location = url;
	if (scheme == 0)
		return &lf_sqlite_backend;
	if (is(url, scheme, "sqlite")) {
		*location = url + scheme + 1;
		return &lf_sqlite_backend;
	}
	if (is(url, scheme, "postgres") || is(url, scheme, "postgresql"))
		return &lf_postgres_backend;
	lf_error_set(error, LF_INVALID_ARGUMENT,
		"%.*s: is no kind of log; allowed are a file's name, sqlite: with one, and postgres:// (./%.*s:... is "
		"a file's)",
		(int)scheme, url, (int)scheme, url);
	return NULL;
}

enum lf_code lf_log_open_by_url(struct lf_log **log, const struct lf_log_options *options, struct lf_error *error)
{
	struct lf_log_options found = *options;
	const struct lf_backend *backend = lf_backend_by_url(options->location, &found.location, error);

	return backend == NULL ? LF_INVALID_ARGUMENT : lf_log_open(log, backend, &found, error);
}
