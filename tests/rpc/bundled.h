/* Bundles, as a client makes and reads them. */
#ifndef LF_TESTS_RPC_BUNDLED_H
#define LF_TESTS_RPC_BUNDLED_H

#include "proto/wire/bundle.h"
#include "tests/rpc/help.h"

/* What came back for a bundle: a reply for each call, or one for all. Those that did not come have rc NNG_ENOENT. */
struct bundled {
	bool together; /* one each */
	size_t count;  /* how many came */
	struct reply replies[LF_BUNDLE_MAX];
};

/* A bundle of frames, which are freed; their ids are 1000, 1001... */
nng_msg *bundle_of(nng_msg *const *frames, size_t count);
/* A bundle of calls. */
nng_msg *bundle_new(const struct call_options *calls, size_t count);
/* Reads a message of replies, which is freed. */
void bundle_read(struct bundled *bundled, nng_msg *message);
/* A bundle over a socket of its own; waits 60 s at most. */
void bundle_call(struct bundled *bundled, const char *url, nng_msg *message);
void bundle_clean_up(struct bundled *bundled);

#endif
