/* The query of a URL, as Connect's GET sends its message: "connect=v1&encoding=json&message=%7B%7D". Any thread. */
#ifndef LF_SERVICE_HTTP_QUERY_H
#define LF_SERVICE_HTTP_QUERY_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/base/slice.h"
#include "proto/base/status.h"

enum { LF_QUERY_MAX = 16 };

/* Names and values, decoded. They lie in the memory that lf_query_read() was given. */
struct lf_query {
	size_t count;
	struct lf_metadata entries[LF_QUERY_MAX];
};

/*
 * Takes apart what follows the '?' of a URL: names and values between '&', %XX decoded, '+' read as a space. decoded has
 * text.length bytes, may be where the text is, and must live as long as the query. INVALID_ARGUMENT where a name is
 * given twice, a %XX has no two hexadecimal digits, or there are more than LF_QUERY_MAX.
 */
enum lf_code lf_query_read(struct lf_query *query, struct lf_slice text, char *decoded, struct lf_error *error);
/* The value of this name, or an empty slice with data NULL. */
struct lf_slice lf_query_find(const struct lf_query *query, const char *name);

#endif
