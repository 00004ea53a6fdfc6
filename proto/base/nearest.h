/* The known name that an unknown one was meant to be. */
#ifndef LF_PROTO_BASE_NEAREST_H
#define LF_PROTO_BASE_NEAREST_H

#include <stddef.h>

#pragma GCC visibility push(default) /* exported by libleadfit */

/* The candidate nearest to name by edit distance, or NULL where none is near enough to be meant. */
const char *lf_nearest(const char *name, const char *const *candidates, size_t count);

#pragma GCC visibility pop

#endif
