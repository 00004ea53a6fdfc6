/* The seal on the decision log: the service's signing key, and the checkpoints that it writes outside of the log. */
#ifndef LF_SERVICE_SEAL_SEAL_H
#define LF_SERVICE_SEAL_SEAL_H

#include "service/seal/checkpoints.h"

/* What the options of the command line say; daemon/options.c has their bounds. */
struct lf_seal_options {
	const char *database;
	const char *key;         /* NULL: DATABASE.key */
	const char *origin;      /* NULL: a random one. Another than the existing key's is refused */
	const char *checkpoints; /* NULL: DATABASE.checkpoints */
	uint64_t every;          /* records; 0 = 10,000 */
	unsigned seconds;        /* 0 = 60 */
	bool accept_rewound;     /* moves checkpoints that do not fit the log aside */
};

/* Plain data at a fixed address: the thread borrows from it. */
struct lf_seal {
	struct lf_signer signer;
	struct lf_checkpoint_files files;
	struct lf_checkpoints *checkpoints;
};

/*
 * Reads the key, or makes it where there is none; looks whether what was signed is still a prefix of the log; starts
 * the thread that writes checkpoints. Says on standard error what it made, and the verifier key. On failure, nothing is
 * left to close.
 *
 * FAILED_PRECONDITION: the checkpoints do not fit the log, or the key may be known to others. A key is made only where
 * no checkpoint is there yet, or accept_rewound: a key that is lost is not replaced in silence.
 */
enum lf_code lf_seal_open(
	struct lf_seal *seal, struct lf_log *log, const struct lf_seal_options *options, struct lf_error *error);
/*
 * Writes the last checkpoint, and forgets the key. Before the log is closed; when nothing signs any more. One that is
 * all zero is allowed.
 */
void lf_seal_close(struct lf_seal *seal);

#endif
