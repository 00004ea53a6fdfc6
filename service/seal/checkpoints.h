/*
 * Signed checkpoints of the decision log, written outside of it: at the start and at the end, and in between whenever
 * the log has grown by so many records or so many seconds have passed. What was signed once must stay a prefix of the
 * log: a start looks whether it is, and so does every later signing; what is not is said, and not signed.
 *
 * A thread of its own reads the committed head once a second, so that nothing of this is on the path of a decision.
 * Writing that fails is said on standard error, once for each kind of failure, and tried again; it never keeps the
 * service from answering.
 */
#ifndef LF_SERVICE_SEAL_CHECKPOINTS_H
#define LF_SERVICE_SEAL_CHECKPOINTS_H

#include "service/seal/checkpoint_files.h"
#include "storage/log/log.h"

/*
 * Compares the newest checkpoint there with the log. OK where there is none, or where the log's first records are those
 * that were signed. FAILED_PRECONDITION where the log has fewer records (it was rewound), or others (it was swapped or
 * altered), or as lf_checkpoint_files_newest(). *size: of the newest one, 0 where there is none. Blocks on reads.
 */
enum lf_code lf_checkpoints_check(struct lf_log *log, struct lf_checkpoint_files *files,
	const struct lf_verifier *verifier, uint64_t *size, struct lf_error *error);

struct lf_checkpoints;

struct lf_checkpoints_options {
	uint64_t every;   /* records, at least 1 */
	unsigned seconds; /* at least 1 */
	uint64_t size;    /* of the newest checkpoint that is there; 0 = none */
};
/*
 * Starts the thread. Borrows log, signer and files. UNAVAILABLE where there can't be one, or where the log can't be
 * read: also its codes.
 */
enum lf_code lf_checkpoints_start(struct lf_checkpoints **checkpoints, struct lf_log *log,
	const struct lf_signer *signer, struct lf_checkpoint_files *files, const struct lf_checkpoints_options *options,
	struct lf_error *error);
/*
 * The committed head, to be signed: FAILED_PRECONDITION where it does not continue the newest checkpoint, that is,
 * where somebody else altered the log since; DATA_LOSS where hashes are missing. error is not NULL. Any thread. Blocks
 * on reads.
 */
enum lf_code lf_checkpoints_head(struct lf_checkpoints *checkpoints, struct lf_tree_head *head, struct lf_error *error);
/*
 * The size of the newest checkpoint, and when this service wrote it, in seconds since 1970: 0, before it has written any.
 * Any thread.
 */
void lf_checkpoints_newest(struct lf_checkpoints *checkpoints, uint64_t *size, uint64_t *written_at);
/* Writes the last one where the log grew, ends the thread, frees. Before the log is closed. NULL is allowed. */
void lf_checkpoints_stop(struct lf_checkpoints *checkpoints);

#endif
