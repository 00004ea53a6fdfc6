/* What the services count of what they did, for whoever shows it. Any thread adds, any thread reads. */
#ifndef LF_SERVICE_STATE_FIGURES_H
#define LF_SERVICE_STATE_FIGURES_H

#include <pthread.h>

#include "proto/base/histogram.h"
#include "proto/base/limits.h"
#include "service/engine/engine.h"

struct lf_append;

enum {
	LF_FIGURES_RUBRICS_MAX = 32, /* names that are counted apart; further ones together, as "" */
	LF_FIGURES_OUTCOMES = 5,     /* Outcome: RECOMMENDED is 1, and NO_ELIGIBLE_CANDIDATE 4 */
	LF_FIGURES_PURPOSES = 2,     /* Purpose: DECISION, WHAT_IF */
};

/* Nanoseconds: 5 us to 164 ms. */
extern const struct lf_buckets lf_deciding_buckets;
/* Thousandths: tenths of 1. */
extern const struct lf_buckets lf_share_buckets;

struct lf_figures {
	/* Decisions that were answered and are on disk, by rubric (as in names; the last: all others), outcome, purpose. */
	atomic_uint_fast64_t decisions[LF_FIGURES_RUBRICS_MAX + 1][LF_FIGURES_OUTCOMES][LF_FIGURES_PURPOSES];
	atomic_uint_fast64_t repeated;        /* requests that were answered with a stored decision, by their key */
	struct lf_histogram deciding;         /* from a decoded request to its result: the engine, and its conversion */
	struct lf_histogram evidence_share;   /* of first places: what answers rest on */
	struct lf_histogram first_rank_share; /* likewise, where robustness is computed: how sure they are */

	atomic_uint_fast64_t outcomes_recorded; /* what became of decisions */
	atomic_uint_fast64_t rubric_changes;    /* activations, deactivations and new defaults that changed something */
	atomic_uint_fast64_t replays_same, replays_different;
	atomic_uint_fast64_t jobs_done, jobs_failed;
	atomic_uint_fast64_t backups_done, backups_failed;
	/* Seconds since 1970; 0: never since the start. */
	atomic_uint_fast64_t backup_at, verify_at;

	/* Names are added under the lock, and read below name_count without it. */
	pthread_mutex_t lock;
	atomic_size_t name_count;
	char names[LF_FIGURES_RUBRICS_MAX][LF_ID_BYTES_MAX + 1];
};

void lf_figures_init(struct lf_figures *figures);
void lf_figures_clean_up(struct lf_figures *figures);
/* A result was computed in so many nanoseconds. */
void lf_figures_decided(struct lf_figures *figures, const struct lf_result *result, uint64_t ns);
/* The decision of this record is on disk, for the first time. */
void lf_figures_stored(struct lf_figures *figures, const struct lf_append *append);
/* Something was done just now, at *at: backup_at or verify_at. */
void lf_figures_note_time(atomic_uint_fast64_t *at);

#endif
