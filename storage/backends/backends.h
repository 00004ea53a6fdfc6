/* The backends that this build has. */
#ifndef LF_STORAGE_BACKENDS_BACKENDS_H
#define LF_STORAGE_BACKENDS_BACKENDS_H

#include "proto/base/status.h"

struct lf_backend;
struct lf_log;
struct lf_log_options;

/*
 * The backend of a log, and its location for lf_log_open(), which points into url. A plain path, or "sqlite:" and a path,
 * is a SQLite file. Any other "word:" at the start is another backend's: NULL with INVALID_ARGUMENT where this build has
 * none, or where there is none of that name. No password of url is in the error. Any thread.
 */
const struct lf_backend *lf_backend_by_url(const char *url, const char **location, struct lf_error *error);

/* As lf_log_open(), with a URL, or a location that came of one, for options->location. */
enum lf_code lf_log_open_by_url(struct lf_log **log, const struct lf_log_options *options, struct lf_error *error);

#endif
