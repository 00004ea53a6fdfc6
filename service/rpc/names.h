/* What a client's certificate says that the client is called. */
#ifndef LF_SERVICE_RPC_NAMES_H
#define LF_SERVICE_RPC_NAMES_H

#include <stddef.h>

#include "proto/base/slice.h"

/* Names that were verified, in the order in which they are looked for. Shared: a connection's, and its requests'. */
struct lf_rpc_names;

/* Copies them. NULL: no memory. Any thread, as all of these. */
struct lf_rpc_names *lf_rpc_names_new(const struct lf_slice *items, size_t count);
/* Another owner; each gives it back. NULL gives NULL. */
struct lf_rpc_names *lf_rpc_names_hold(struct lf_rpc_names *names);
/* Frees them with the last owner. NULL is allowed. */
void lf_rpc_names_release(struct lf_rpc_names *names);
/* How many there are; 0 of NULL. */
size_t lf_rpc_names_count(const struct lf_rpc_names *names);
struct lf_slice lf_rpc_names_get(const struct lf_rpc_names *names, size_t index);

#endif
