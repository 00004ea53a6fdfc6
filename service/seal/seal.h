/* The seal on the decision log: the service's signing key, and the checkpoints that it writes outside of the log. */
#ifndef LF_SERVICE_SEAL_SEAL_H
#define LF_SERVICE_SEAL_SEAL_H

#include "service/seal/checkpoints.h"

/* What the options of the command line say; daemon/options.c has their bounds. */
struct lf_seal_options {
	const char *database;
	bool shared;             /* several services sign with one key: it is not made here */
	const char *key;         /* NULL: DATABASE.key */
	const char *origin;      /* NULL: a random one. Another than the existing key's is refused */
	const char *checkpoints; /* NULL: DATABASE.checkpoints */
	uint64_t every;          /* records; 0 = 10,000 */
	unsigned seconds;        /* 0 = 60 */
	bool accept_rewound;     /* moves checkpoints that do not fit the log aside */
};

/* Plain data at a fixed address, all zero before: the thread borrows from it. */
struct lf_seal {
	const struct lf_seal_options *options;
	char *key_path;
	bool has_key;
	struct lf_signer *signer; /* in memory for secrets */
	struct lf_checkpoint_files files;
	char *erased;  /* where the list of what was erased is (erased.h) */
	uint64_t size; /* of the newest checkpoint that fits the log */
	struct lf_checkpoints *checkpoints;
};

/*
 * Three steps of a start, in this order; the first that fails ends it. lf_seal_close() follows in any case. Only the
 * last one leaves anything behind, so that a start that fails before it does not.
 *
 * lf_seal_read() reads the key, where there is one, before there is a log. Borrows options. FAILED_PRECONDITION where
 * the key may be known to others, INVALID_ARGUMENT where it is none or has another name than --origin.
 */
enum lf_code lf_seal_read(struct lf_seal *seal, const struct lf_seal_options *options, struct lf_error *error);
/*
 * Looks whether what was signed is still a prefix of the log: FAILED_PRECONDITION where it is not, and where there are
 * checkpoints and no key, since a key that is lost is not replaced in silence. With accept_rewound they are moved aside
 * instead, and that is said.
 */
enum lf_code lf_seal_check(struct lf_seal *seal, struct lf_log *log, struct lf_error *error);
/*
 * Makes the key where there is none, writes the verifier key beside it, and starts the thread that writes checkpoints.
 * Says on standard error what it made, and the verifier key. Makes the list of what was erased, where there is none.
 */
enum lf_code lf_seal_start(struct lf_seal *seal, struct lf_log *log, struct lf_error *error);
/*
 * Writes the last checkpoint, and forgets the key. Before the log is closed; when nothing signs any more. One that is
 * all zero is allowed.
 */
void lf_seal_close(struct lf_seal *seal);

#endif
