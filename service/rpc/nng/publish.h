/*
 * Tells who listens that there are new decisions: the newest sequence, over nng PUB/SUB, and nothing else. A hint that
 * may be lost, or come late, or stay away for many commits: what there is to read is asked for with Decisions/Export,
 * which checks who asks.
 *
 * A message is LF_PUBLISHED_BYTES: the sequence, most significant byte first. It is committed and can be read when it
 * is sent.
 */
#ifndef LF_SERVICE_RPC_NNG_PUBLISH_H
#define LF_SERVICE_RPC_NNG_PUBLISH_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/status.h"
#include "service/rpc/nng/nng.h"

enum { LF_PUBLISHED_BYTES = 8 };

struct lf_publisher;

/*
 * Listens on url as lf_rpc_nng_listen() does, with the same limits and watchdog, of its own; and starts two threads. bound
 * gets the URL with the real port. options may be NULL: the defaults. INVALID_ARGUMENT for a URL, FAILED_PRECONDITION
 * where it is not allowed, UNAVAILABLE where the address is taken.
 */
enum lf_code lf_publisher_new(struct lf_publisher **publisher, const char *url, bool has_tokens,
	const struct lf_rpc_nng_options *options, char *bound, size_t bound_size, struct lf_error *error);
/* Blocks, but not for ever: where nng does not give the socket back, it is left to the thread. NULL is allowed. */
void lf_publisher_destroy(struct lf_publisher *publisher);
/*
 * There is a new newest sequence. By one thread at a time; never blocks, costs one atomic operation, and a wake-up
 * every few ms at most. As lf_log_options.on_committed has it.
 */
void lf_publisher_note(void *publisher, uint64_t newest_sequence);

#endif
