/*
 * What the search for changes and the sweep share: a contest, which is the candidates of one case beside each other,
 * and the walk along one trait that tells where its first place changes hands. Private to the engine.
 */
#ifndef LF_ENGINE_CHANGE_H
#define LF_ENGINE_CHANGE_H

#include "service/engine/internal.h"

/* A raw weight or a need along one trait: at + slope · t before it is cut off at 0; t is the distance walked. */
struct lf_line {
	double at, slope;
	double coefficient; /* of the trait that is walked along, where the line moves with it */
	double turn;        /* t > 0 at which it rises above 0 or falls to it; INFINITY: nowhere ahead */
	bool active;        /* above 0 where the walk is */
};

/* Candidates are counted by row: canonical order. Matrices are by criterion (canonical place) or discipline, then by
 * row. */
struct lf_contest {
	const struct lf_rubric *rubric;
	const struct lf_case *the_case;
	const struct lf_member_score *rows;
	size_t count;
	size_t alignments;  /* criteria that move with the project's needs */
	size_t alignment;   /* the canonical place of the first */
	double bound;       /* the highest of the gates on it; -1 where there is none */
	uint32_t favourite; /* row that wins ties in lf_lead_with() and lf_lead_at(); LF_NONE: the first row does */
	bool exact;         /* ADDITIVE with at most one alignment: differences are piecewise quadratic in a trait */

	double *values;        /* C·n: v */
	double *expertise;     /* D·n: x(d), where the rubric has an alignment */
	unsigned char *barred; /* n: fails a gate that no trait can move */
	struct lf_line *lines; /* of all weights, canonical; then of all needs */
	uint32_t *moving;      /* lines with a slope; all others have slope 0 and are active where they are above 0 */
	size_t moving_count;
	uint32_t moving_trait;               /* LF_NONE: not looked for yet */
	size_t origin_weights, origin_needs; /* lines above 0 at the origin */
	double origin_need;                  /* their sum, of needs */
	double weights_size, needs_size;     /* sums of their sizes, cut off or not */
	double *fixed, *fixed_rise; /* n: Σ w̃·v without the alignment, where the walk began, and its slope in t */
	double *met, *met_rise;     /* n: Σ need·x, likewise */
	double *origin_fixed, *origin_met; /* n: of what is above 0 at the origin */
	double *column, *sum, *lowest;     /* n: scratch of lf_lead_at() */
	unsigned char *eligible;           /* n, likewise */
	double *weights;                   /* C, by the definition: scratch */
	double *reach;                     /* C: scratch of the search for ratings */
	double *traits;                    /* T: scratch */
	struct lf_criterion_score *row;    /* C: scratch */
	uint32_t *places;                  /* n: row → place in the ranking */
};

/* Bytes of a contest's arrays. */
size_t lf_contest_bytes(const struct lf_rubric *rubric, const struct lf_case *the_case);

/* Sets up the arrays for scored candidates in canonical order. space holds them and all else that scoring needs. */
void lf_contest_begin(
	struct lf_contest *contest, const struct lf_scoring *scoring, const struct lf_member_score *rows, size_t count);

/* Whether a gate on a rating or a value is passed. */
bool lf_gate_passed(
	const struct lf_rubric *rubric, const struct lf_gate_def *gate, const struct lf_criterion_score *criterion);

/* contest->traits: the case's, one of them at tau. */
void lf_set_traits(struct lf_contest *contest, uint32_t trait, double tau);
/* The row that ranks first with these weights, all else as it is; LF_NONE: nobody is eligible. */
uint32_t lf_lead_with(struct lf_contest *contest, const double *weights);
/* Likewise with one trait at tau; LF_NONE also where no criterion has a weight. The same bits as scoring that case. */
uint32_t lf_lead_at(struct lf_contest *contest, uint32_t trait, double tau);
/* v of an alignment for one row at the traits that lf_lead_at() was last asked about. */
double lf_alignment_at(const struct lf_contest *contest, const struct lf_criterion *criterion, uint32_t row);

/* ---- the walk ---- */

struct lf_walk {
	struct lf_contest *contest;
	uint32_t trait;
	double origin, direction; /* tau = origin + direction · t; direction is 1 or -1 */
	double end;               /* t at which it ends */
	double limit;             /* t beyond which nothing is of interest: the caller's to lower */
	double at;                /* t now */
	double piece_end;         /* up to here no line turns */
	uint32_t leader;          /* row that ranks first just after `at`; LF_NONE: nobody */
	size_t events;            /* in this piece */
	size_t weights_active, needs_active;
	double noise;           /* what of a lead, times Σw̃·Σneed, may be rounding: it counts as none */
	double need, need_rise; /* Σ needs of the alignment at t = 0, and its slope */
};

/* Where walks along traits begin: the case's traits, one of them at tau. */
void lf_walk_origin(struct lf_contest *contest, uint32_t trait, double tau);
/* Begins at tau = origin, where `leader` ranks first, and ends at 0 or 1. false: nothing moves with this trait. */
bool lf_walk_begin(struct lf_walk *walk, struct lf_contest *contest, uint32_t trait, double origin, double direction,
	uint32_t leader);
/* Goes on to where the first place next changes hands; sets *t to it and walk->leader. false: it does not before the
 * end. */
bool lf_walk_next(struct lf_walk *walk, double *t);
/* tau at a distance, within 0..1. */
double lf_walk_tau(const struct lf_walk *walk, double t);

/* ---- the search for changes ---- */

struct lf_search {
	struct lf_contest contest;
	const struct lf_result *result;
	uint32_t first, second; /* rows: first place, best other eligible one; LF_NONE: no other */
	struct lf_changes *changes;
};

typedef bool (*lf_flips_fn)(void *context, double to);
/*
 * Rounds a change to x outward to 1e-6, and beyond until it does flip, where rounding in the scores asks for that: in
 * so many steps, each longer than the last, and back to where it first does. min, max: the range allowed; its ends are
 * used where they flip. false: no such number flips.
 */
bool lf_round_outward(
	double x, double direction, double min, double max, int steps, lf_flips_fn flips, void *context, double *to);

void lf_find_weights(struct lf_search *search);
void lf_find_ratings(struct lf_search *search); /* LF_CHANGE_RATING and LF_CHANGE_EVIDENCE */
void lf_find_trait(struct lf_search *search);

#endif
