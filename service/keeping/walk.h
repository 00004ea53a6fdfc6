/*
 * A way through the log in phases, a slice at a time, that redacts what it finds: what erasing (erase.c) and pruning
 * (prune.c) share. A walk that ended early begins anew, and passes quickly over what it has done.
 */
#ifndef LF_SERVICE_KEEPING_WALK_H
#define LF_SERVICE_KEEPING_WALK_H

#include "service/keeping/redaction.h"

struct lf_walk {
	struct lf_redaction redaction;
	struct lf_arena scratch; /* of one decision */
	uint64_t at;             /* where the phase's next slice begins: 0 in its first one */
	struct lf_error error;
};

void lf_walk_init(struct lf_walk *walk, const struct lf_job_run *run);
/* Moves what went wrong, if anything, to error, and returns its code. */
enum lf_code lf_walk_clean_up(struct lf_walk *walk, struct lf_error *error);
static inline bool lf_walk_failed(const struct lf_walk *walk)
{
	return walk->error.code != LF_OK;
}
/* Sets error to RESOURCE_EXHAUSTED, and returns that. */
enum lf_code lf_walk_no_memory(struct lf_walk *walk);
/* Whether the walk may go on. false: the service is stopping, and error is CANCELLED. */
bool lf_walk_goes_on(struct lf_walk *walk);

/*
 * Goes through the phases, one after another. A phase does a slice of some milliseconds, sets error where that fails,
 * and *end where it was the last one. Between two slices the walk ends when the service is stopping. Returns error's
 * code.
 */
enum lf_code lf_walk_phases(
	struct lf_walk *walk, void (*const *phases)(struct lf_walk *walk, bool *end), size_t phase_count);

/*
 * The two walks; job.counts say what they have done. They block for as long as that takes. CANCELLED: the service is
 * stopping.
 */

/* erase.c. FAILED_PRECONDITION: decisions with the person keep coming. */
enum lf_code lf_erase_walk(const struct lf_job_run *run, struct lf_error *error);
/* prune.c. FAILED_PRECONDITION: teams and projects that it is to empty keep being used again. */
enum lf_code lf_prune_walk(const struct lf_job_run *run, struct lf_error *error);

#endif
