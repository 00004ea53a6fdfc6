/*
 * What the search for changes and the sweep share: a contest, which is the candidates of one case beside each other,
 * and the walk along one trait that tells where its first place changes hands. Private to the engine.
 */
#ifndef LF_ENGINE_CHANGE_H
#define LF_ENGINE_CHANGE_H

#include "service/engine/internal.h"

/* A line (lf_move) that moves along the walk: at + slope · t before it is cut off at 0; t is the distance walked. */
struct lf_line {
	double at, slope;
	double turn; /* t > 0 at which it rises above 0 or falls to it; INFINITY: nowhere ahead */
	uint32_t line;
	bool active; /* above 0 where the walk is */
};

/* A sum of evidence from which a piece can be taken: the values next to the ends of its range are known. */
struct lf_ledger {
	struct lf_evidence_sum sum;
	double next_lowest, next_highest;
};

/* Candidates are counted by row: canonical order. Matrices are by criterion (canonical place) or discipline, then by
 * row. */
struct lf_contest {
	const struct lf_rubric *rubric;
	const struct lf_case *the_case;
	const struct lf_member_score *rows;
	size_t count;
	size_t alignments; /* criteria that move with the project's needs */
	size_t alignment;  /* the canonical place of the first */
	double bound;      /* the highest of the gates on it; -1 where there is none */
	struct lf_ties ties;
	uint32_t favourite; /* row that wins ties in lf_lead_with() and lf_lead_at(); LF_NONE: the first row does */
	bool one_trait;     /* a single trait is walked along, not all: there is time for more samples */
	bool exact;         /* ADDITIVE with at most one alignment: differences are piecewise quadratic in a trait */

	double *values;                      /* C·n: v */
	double *expertise;                   /* D·n: x(d), where the rubric has an alignment */
	unsigned char *barred;               /* n: fails a gate that no trait can move */
	double *origin_lines;                /* of all lines: where walks begin, before they are cut off */
	size_t origin_weights, origin_needs; /* lines above 0 there */
	double origin_total, origin_need;    /* their sums */
	double weights_size, needs_size;     /* sums of their sizes, cut off or not */
	double *origin_fixed, *origin_met; /* n: Σ w̃·v without the alignment, and Σ need·x, of what is above 0 there */
	struct lf_line *moving;            /* of the walk */
	size_t moving_count;
	double *fixed,
		*fixed_rise; /* n: Σ w̃·v where the walk began, of what is above 0 where it is, and its slope in t */
	double *met, *met_rise;          /* n: Σ need·x, likewise */
	double *column, *sum, *lowest;   /* n: scratch of lf_lead_at() */
	unsigned char *eligible;         /* n, likewise */
	double *weights;                 /* C, by the definition: scratch */
	double *reach;                   /* C: scratch of the search for ratings */
	double *traits;                  /* T: scratch */
	struct lf_criterion_score *row;  /* C: scratch */
	uint32_t *places;                /* n: row → place in the ranking */
	double *parts;                   /* D of the case: of a score, by lf_weigh_disciplines(); only with expertise */
	double *kept;                    /* D of the case: scratch; likewise */
	struct lf_ledger *rated, *shown; /* C, D of the case: of the member looked up; likewise */
};

/* Bytes of a contest's arrays. */
size_t lf_contest_bytes(const struct lf_rubric *rubric, const struct lf_case *the_case);
/* Sets the pointers to the arrays, which lie at base. Writes nothing else. */
void lf_contest_carve(
	struct lf_contest *contest, const struct lf_rubric *rubric, const struct lf_case *the_case, void *base);

/* Sets up the arrays for scored candidates in canonical order. space holds them and all else that scoring needs. */
void lf_contest_begin(
	struct lf_contest *contest, const struct lf_scoring *scoring, const struct lf_member_score *rows, size_t count);

/* contest->traits: the case's, one of them at tau. */
void lf_set_traits(struct lf_contest *contest, uint32_t trait, double tau);
/* The row that ranks first with these weights, all else as it is; LF_NONE: nobody is eligible. */
uint32_t lf_lead_with(struct lf_contest *contest, const double *weights);
/* Likewise with one trait at tau; LF_NONE also where no criterion has a weight. The same bits as scoring that case. */
uint32_t lf_lead_at(struct lf_contest *contest, uint32_t trait, double tau);
/* v of an alignment for one row at contest->traits. */
double lf_alignment_at(const struct lf_contest *contest, const struct lf_criterion *criterion, uint32_t row);

/* ---- rounding ---- */

typedef bool (*lf_flips_fn)(void *context, double to);
/*
 * Rounds a change to x outward to 1e-6, and beyond until it does flip, where rounding in the scores asks for that: in
 * so many steps, each longer than the last, and back to where it first does. min, max: the range allowed; its ends are
 * used where they flip. false: no such number flips.
 */
bool lf_round_outward(
	double x, double direction, double min, double max, int steps, lf_flips_fn flips, void *context, double *to);

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
	const double *fixed, *met;  /* the contest's; those of the origin while no line has turned */
	double noise;               /* what of a lead, times Σw̃·Σneed, may be rounding: it counts as none */
	double need, need_rise;     /* Σ needs of the alignment at t = 0, and its slope */
	double weight, weight_rise; /* its raw weight, likewise; 0 where it is cut off */
	double total, total_rise;   /* Σ of all raw weights, likewise */
};

/* Where walks along traits begin: the case's traits, one of them at tau. */
void lf_walk_origin(struct lf_contest *contest, uint32_t trait, double tau);
/* Whether to walk up and down from the origin. */
struct lf_ways {
	bool up, down;
};
/*
 * false where certainly nobody gets ahead of `leader`, who ranks first at the origin, within these distances: cheaper
 * than both walks.
 */
struct lf_ways lf_walk_worthwhile(struct lf_contest *contest, uint32_t trait, uint32_t leader, double up, double down);
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
	uint32_t first, second;     /* rows: first place, best other eligible one; LF_NONE: no other */
	const uint32_t *order;      /* place in the ranking → row */
	struct lf_scoring *scoring; /* for scoring somebody anew; only with expertise */
	struct lf_changes *changes;
};

/* One piece of evidence that is, or would be, rated otherwise. */
struct lf_attempt {
	uint32_t row, evidence; /* LF_NONE: a new piece, of source weight 1 and dated as_of */
	size_t c;               /* its criterion, canonical place */
	double from;            /* the present rating; NaN: unknown */
	double direction;       /* in which it moves: 1 or -1 */
	double distance;        /* from where it is, or from an end of the scale where it is unknown */
	double x;               /* the rating sought */
	double to;              /* x, rounded outward, as tried */
};

/* The search for ratings under way. */
struct lf_finder {
	struct lf_search *search;
	struct lf_attempt best[LF_CHANGE_TRAIT]; /* by kind; row LF_NONE: none yet */
	bool verify[LF_CHANGE_TRAIT];            /* take nothing that was not tried */
};

/* A new piece on a criterion (canonical place), about which now is known. */
struct lf_attempt lf_new_piece(
	const struct lf_search *search, uint32_t row, size_t c, const struct lf_criterion_score *now);
/* From where its distance counts: from what is known, else from the end of the scale that changes least. */
double lf_attempt_start(const struct lf_search *search, const struct lf_attempt *attempt);
/* Keeps the attempt where it is nearer than the best of its kind. */
void lf_consider(struct lf_finder *finder, enum lf_change_kind kind, struct lf_attempt attempt);
/* With expertise: makes space.expertise, space.shown and the ledgers those of a row, where they are not. */
void lf_look_up_member(const struct lf_search *search, uint32_t row);
/* Likewise: scores the criteria that an attempt moves into contest.row. The same bits as if the case had it. */
void lf_score_attempt(const struct lf_search *search, const struct lf_attempt *attempt, double to);
/* Whether an attempt is nearer than the best of its kind; of equals, the one whose piece comes first. */
bool lf_is_nearer(const struct lf_finder *finder, enum lf_change_kind kind, const struct lf_attempt *attempt);
/* With expertise: fills contest.parts, once for a search; then all changes of one member's ratings. */
void lf_weigh_disciplines(struct lf_search *search);
void lf_search_shown(struct lf_finder *finder, uint32_t row);

/* Whether the first place changes hands at that rating, and which gate is crossed then (LF_NONE: none). */
bool lf_attempt_flips(const struct lf_search *search, const struct lf_attempt *attempt, double to, uint32_t *gate);
/* Likewise; *lead: how far whoever would then rank first by score is ahead, negative where nobody is. */
bool lf_attempt_lead(const struct lf_search *search, const struct lf_attempt *attempt, double to, double *lead);
/* Sets attempt->to to x, rounded outward to where it does flip. false: no such rating flips. */
bool lf_attempt_settle(const struct lf_search *search, struct lf_attempt *attempt, uint32_t *gate);

void lf_find_weights(struct lf_search *search);
void lf_find_ratings(struct lf_search *search); /* LF_CHANGE_RATING and LF_CHANGE_EVIDENCE */
void lf_find_trait(struct lf_search *search);

#endif
