/* A line for a request that is over, where it is worth one. */
#ifndef LF_SERVICE_DAEMON_REQUESTS_H
#define LF_SERVICE_DAEMON_REQUESTS_H

#include "service/rpc/figures.h"

/*
 * Says how it ended: where it failed, was denied, or took above LF_SLOW_MS; with all, also where it did not. What callers
 * have written is in no line but for the ids that they gave it. Any thread.
 */
void lf_daemon_say_request(const struct lf_rpc_outcome *outcome, bool all);

enum { LF_SLOW_MS = 250 };

#endif
