/* Bytes that lie somewhere else, and names with values made of them. */
#ifndef LF_PROTO_BASE_SLICE_H
#define LF_PROTO_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#pragma GCC visibility push(default) /* exported by libleadfit */

/* A piece of somebody else's memory. Not NUL-terminated. */
struct lf_slice {
	const char *data;
	size_t length;
};

/* Whether it is this text. */
static inline bool lf_slice_is(struct lf_slice slice, const char *text)
{
	return slice.length == strlen(text) && (slice.length == 0 || memcmp(slice.data, text, slice.length) == 0);
}
/* The same, where "A" to "Z" are like "a" to "z". */
static inline bool lf_slice_is_in_any_case(struct lf_slice slice, const char *text)
{
	return slice.length == strlen(text) && (slice.length == 0 || strncasecmp(slice.data, text, slice.length) == 0);
}

/* One entry of what a request carries beside its message: an authorization, a trace, an id. */
struct lf_metadata {
	struct lf_slice key;   /* lower case */
	struct lf_slice value; /* visible ASCII and space */
};

/* Whether it may be a value: visible ASCII and space. Frames refuse others, HTTP leaves them out. */
static inline bool lf_metadata_may_be_value(struct lf_slice text)
{
	for (size_t i = 0; i < text.length; i++)
		if (text.data[i] < ' ' || text.data[i] > '~')
			return false;
	return true;
}

/* The first value of key among so many entries, or an empty slice with data NULL. */
struct lf_slice lf_metadata_find(const struct lf_metadata *entries, size_t count, const char *key);

#pragma GCC visibility pop

#endif
