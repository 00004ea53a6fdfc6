/*
 * Small checks that rubric and request conversion share. Each adds its violation by path and returns whether the value
 * is good.
 */
#ifndef LF_SERVICE_RUBRIC_CHECKER_H
#define LF_SERVICE_RUBRIC_CHECKER_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/base/status.h"
#include "service/rubric/name_index.h"

/* Where violations go, and where in the message we are. */
struct lf_checker {
	struct lf_path path;
	struct lf_error *error;
	size_t found; /* violations added through this checker */
};

/* "FIELD: description" below the current path; field "" = the path itself. */
void lf_check_fail(struct lf_checker *checker, const char *field, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The same for an entry of a map. */
void lf_check_fail_key(struct lf_checker *checker, const char *field, const char *key, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* An id: 1..LF_ID_BYTES_MAX bytes without control characters (UTF-8 and NUL were checked on the wire). */
bool lf_check_id(struct lf_checker *checker, const char *field, const char *id);
/* Text of at most bytes_max bytes. */
bool lf_check_text(struct lf_checker *checker, const char *field, const char *text, size_t bytes_max);
/* At most max of something. */
bool lf_check_count(struct lf_checker *checker, const char *field, size_t count, size_t max);
/* low <= value <= high. */
bool lf_check_range(struct lf_checker *checker, const char *field, double value, double low, double high);
bool lf_check_range_key(
	struct lf_checker *checker, const char *field, const char *key, double value, double low, double high);
/* lf_check_id() for a name that is the key of a map (key not NULL) or stands in a field. */
bool lf_check_name(struct lf_checker *checker, const char *field, const char *key, const char *name);
/*
 * lf_nearest() among known, or NULL: only for names of at most LF_ID_BYTES_MAX, and only for the first few violations,
 * so that a request full of unknown names is refused as fast as it came.
 */
const char *lf_check_nearest(const struct lf_checker *checker, const char *name, const struct lf_name_index *known);
/* "X is not a KIND that this rubric declares; nearest: Y". key NULL: the violation is at field, else at field[key]. */
void lf_check_undeclared(struct lf_checker *checker, const char *field, const char *key, const char *kind,
	const char *name, const struct lf_name_index *known);

#endif
