/* What the engine's files share. Nothing outside this folder includes it. */
#ifndef LF_ENGINE_INTERNAL_H
#define LF_ENGINE_INTERNAL_H

#include <assert.h>
#include <float.h>
#include <math.h> /* NAN, INFINITY, isnan and sqrt only, which IEEE 754 fixes to the last bit */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "proto/base/check.h"
#include "service/engine/engine.h"
#include "service/engine/robust.h"
#include "service/engine/ties.h"

static_assert(FLT_EVAL_METHOD == 0, "the same bits everywhere need doubles that are evaluated as doubles");
static_assert(sizeof(double) == 8 && DBL_MANT_DIG == 53, "IEEE 754 binary64");

/* Largest magnitude of any number in a rubric: far beyond use, far from overflow. */
#define LF_MAGNITUDE_MAX 1e6

/*
 * Pieces of evidence that one member may have for the exact sums below to be exact: with n of them the low part stays
 * below n² · 2^28 units, which must be at most 2^53.
 */
#define LF_EXACT_EVIDENCE_MAX 4096

/* ---- the compiled rubric; everything in canonical order (id bytes) unless it says otherwise ---- */

struct lf_label {
	const char *text; /* title, or id where there is none */
	size_t length;
};

struct lf_term {
	uint32_t trait; /* index in the definition */
	double coefficient;
};

/* base + Σ coefficient · τ; terms by trait id, those of 0 left out. */
struct lf_response {
	double base;
	const struct lf_term *terms;
	size_t term_count;
};

struct lf_need {
	uint32_t discipline; /* index in the definition */
	struct lf_response amount;
};

/*
 * A line is a criterion's weight (canonical place) or, from criterion_count on, a need (need_first and on). How it
 * moves with one trait.
 */
struct lf_move {
	uint32_t line;
	double coefficient;
};

/* One piece of a value function, from rating to rating_end. */
struct lf_segment {
	double rating, value, slope;
	double rating_end, value_end;
};

/* What is expected of a discipline on one criterion. */
struct lf_prior {
	double mean;    /* p */
	double product; /* k · p on the grid of products */
	double value;   /* of p: all that counts while there is no evidence */
};

struct lf_criterion {
	uint32_t index; /* in the definition */
	enum lf_derived derived;
	struct lf_label label;
	struct lf_response weight;
	const struct lf_segment *segments; /* rated */
	size_t segment_count;
	double steepest;               /* the largest slope of these */
	uint32_t gate;                 /* the highest on it; LF_NONE: none */
	uint64_t gates;                /* bit g: gate g is on it */
	double prior_strength;         /* k on the grid of weights */
	double unknown_value;          /* v without evidence and prior */
	const struct lf_prior *priors; /* by discipline of the definition, then one for all others; NULL where k = 0 */
	const struct lf_need *needs;   /* DOMAIN_ALIGNMENT, by discipline id */
	size_t need_count;
	size_t need_first;     /* place of its first need among those of all criteria */
	const uint32_t *shows; /* disciplines that evidence on it shows; NULL without expertise */
	size_t show_count;
};

/*
 * Numbers up to a known bound, rounded to multiples of a unit 2^-80 below the bound, so that sums of a few thousand of
 * them can be carried exactly in two doubles (see lf_sum).
 */
struct lf_grid {
	double shift; /* 1.5 · 2^52 units */
	double limit; /* 2^51 units: from here on a double is a multiple of half a unit anyway */
};

struct lf_rubric {
	struct lf_rubric_def def; /* deep copy */
	size_t bytes;             /* of the block that it all is in */
	const struct lf_criterion *criteria;
	const uint32_t *criterion_place;          /* by index in the definition: place in canonical order */
	const uint32_t *discipline_order;         /* canonical place → index in the definition */
	const struct lf_label *discipline_labels; /* by index in the definition */
	const struct lf_label *trait_labels;      /* by index in the definition */
	size_t need_count;                        /* of all criteria */
	const struct lf_move *moves;              /* by trait; of one trait by criterion: its weight, then its needs */
	const uint32_t *move_first;               /* by trait, and one more: the end */
	bool has_alignment, has_coverage;
	double expertise_strength;   /* k of labels, on the grid of weights; 0: labels decide */
	double heaviest_source;      /* the most that one piece of evidence weighs; at least 1 */
	struct lf_grid weight_grid;  /* of s · a and of k */
	struct lf_grid product_grid; /* of s · a · r and of k · p */
	struct lf_perturbations perturbations;
};

/*
 * max(0, base + Σ c · τ). traits in the definition's order. 0.1 + 0.2 - 0.3 is 0 here: what is left only by rounding,
 * less than 2^-48 of what was added up, is nothing, or MINIMUM and HARMONIC would count a criterion that has no weight.
 */
static inline double lf_respond(const struct lf_response *response, const double *traits)
{
	double sum = response->base, size = sum < 0 ? -sum : sum;

	for (size_t i = 0; i < response->term_count; i++) {
		double term = response->terms[i].coefficient * traits[response->terms[i].trait];

		sum += term;
		size += term < 0 ? -term : term;
	}
	return sum > size * 0x1p-48 ? sum : 0;
}

/* x to the nearest multiple of the unit: never larger for a smaller x. */
static inline double lf_on_grid(const struct lf_grid *grid, double x)
{
	if (x >= grid->limit || x <= -grid->limit)
		return x;
	return (x + grid->shift) - grid->shift;
}

static inline double lf_segment_value(const struct lf_segment *s, double rating)
{
	double v;

	if (rating <= s->rating)
		return s->value;
	if (rating >= s->rating_end)
		return s->value_end;
	v = s->value + (rating - s->rating) * s->slope;
	/* Rounding must not carry v past the end, or a higher rating in the next segment could be worth less. */
	if (s->slope >= 0)
		return v > s->value_end ? s->value_end : v;
	return v < s->value_end ? s->value_end : v;
}

/* ---- one scoring under way ---- */

/*
 * An exact sum of numbers on one grid, as high + low. Every rounding error of high is itself a multiple of half a unit
 * and goes to low, which is small enough to hold it exactly. So the total is the same in any order, and larger when any
 * addend is: what makes both the order of evidence irrelevant and scores monotone to the last bit.
 */
struct lf_sum {
	double high, low;
};

struct lf_evidence_sum {
	struct lf_sum weight;   /* Σ s·a */
	struct lf_sum weighted; /* Σ s·a·r */
	double lowest, highest; /* ratings that went in */
};

static inline void lf_sum_add(struct lf_sum *sum, double x)
{
	double high = sum->high + x;
	double added = high - sum->high;

	sum->low += (sum->high - (high - added)) + (x - added);
	sum->high = high;
}

/* s · a of a piece of evidence. */
static inline double lf_evidence_weight(
	const struct lf_rubric *rubric, const struct lf_case *the_case, const struct lf_evidence *e)
{
	double half_life = rubric->def.half_life_days;
	double weight = e->source == LF_NONE ? 1 : rubric->def.source_weights[e->source];

	if (half_life > 0 && e->observed_day == LF_UNDATED) {
		weight *= 0.5;
	} else if (half_life > 0) {
		int64_t age = (int64_t)the_case->as_of_day - e->observed_day;

		weight *= half_life / (half_life + (age > 0 ? (double)age : 0));
	}
	return lf_on_grid(&rubric->weight_grid, weight);
}

/* grid: of the products. */
static inline void lf_evidence_add(
	const struct lf_grid *grid, struct lf_evidence_sum *sum, double weight, double rating)
{
	if (!(weight > 0))
		return;
	if (sum->weight.high == 0 || rating < sum->lowest)
		sum->lowest = rating;
	if (sum->weight.high == 0 || rating > sum->highest)
		sum->highest = rating;
	lf_sum_add(&sum->weight, weight);
	lf_sum_add(&sum->weighted, lf_on_grid(grid, weight * rating));
}

/*
 * The mean of what went in: it lies between these, also after rounding. Raising a rating never lowers it. *total: the
 * weights' sum, above 0.
 */
static inline double lf_evidence_mean(const struct lf_evidence_sum *sum, double *total)
{
	double mean;

	*total = sum->weight.high + sum->weight.low;
	mean = (sum->weighted.high + sum->weighted.low) / *total;
	mean = mean < sum->lowest ? sum->lowest : mean > sum->highest ? sum->highest : mean;
	return mean + 0.0; /* -0 becomes 0 */
}

struct lf_amount {
	uint32_t discipline;
	double amount;
};

/* Carved from the caller's workspace. M members, C criteria, D disciplines of the case. */
struct lf_workspace {
	double *weights;                     /* C */
	struct lf_member_score *ranking;     /* M */
	struct lf_member_score *scored;      /* M, candidates in canonical order */
	struct lf_criterion_score *criteria; /* M·C */
	struct lf_evidence_sum *sums;        /* C, canonical */
	uint32_t *member_order;              /* M: canonical place → member */
	uint32_t *rank_order;                /* M: place in the ranking → scored */
	double *needs;                       /* of all criteria together */
	double *need_totals;                 /* C, canonical */
	struct lf_amount *labour;            /* D */
	uint32_t *discipline_order;          /* D */
	double *expertise;                   /* D: x_m(d) */
	double *expertise_shares;            /* D: the part of x_m(d) that is stated or shown, 0..1 */
	struct lf_evidence_sum *shown;       /* D: evidence by the discipline that it shows; NULL without expertise */
	/* Robustness; NULL where the rubric has none. B samples of a block, P of those that are scored together. */
	struct lf_contender *contenders; /* M: the eligible */
	double *coefficients;            /* M·C, a row a contender, and one more row: of D */
	double *block_totals;            /* B: D */
	double *block_gaps;              /* C·B; only where weights are unknown */
	double *part_scores;             /* M·P */
	double *part_best;               /* P */
	uint32_t *part_ties;             /* P: how many are tied */
	uint32_t *part_wins;             /* M */
	uint32_t *wins;                  /* M */
	double *shares;                  /* M */
	double *rank_ties;               /* M·LF_RANKS_MAX */
	/* Rough scores; NULL where the rubric's are no sums of rows. */
	struct lf_rough_contender *rough_contenders; /* M */
	float *rough_coefficients;                   /* M rows, and one more */
	float *rough_scores;                         /* M·LF_KERNEL_LANES */
	uint16_t *rough_bits;                        /* M·LF_ROUGH_GROUPS */
	void *contest;                               /* what change.h lays out in it */
};

struct lf_scoring {
	const struct lf_rubric *rubric;
	const struct lf_case *the_case;
	struct lf_workspace space;
	const struct lf_stored_numbers *stored; /* NULL: nothing of the result is given */
	size_t labour_count;                    /* disciplines with labour, canonical order */
	double labour_total;
	bool needs_zero;
	const struct lf_member *expert; /* whose space.expertise is, in a search for changes; NULL: nobody's */
};

enum { LF_WORKSPACE_ALIGNMENT = 64 };

/* Lays the arrays out; base NULL = measure only. Returns the bytes. */
size_t lf_workspace_carve(
	const struct lf_rubric *rubric, const struct lf_case *the_case, void *base, struct lf_workspace *space);

/* Sets up a scoring: canonical orders, needs, labour. */
void lf_scoring_begin(
	struct lf_scoring *scoring, const struct lf_rubric *rubric, const struct lf_case *the_case, void *workspace);
/* w by the definition's criteria, normalised. false: their sum is 0. */
bool lf_weights(const struct lf_rubric *rubric, const double *traits, double *weights);
/* One member's criteria (by the definition's criteria). Returns how many undated pieces were aged. */
uint32_t lf_score_criteria(
	const struct lf_scoring *scoring, const struct lf_member *member, struct lf_criterion_score *criteria);
/* Whose prior holds for a member: the place among a criterion's priors. */
size_t lf_prior_place(const struct lf_rubric *rubric, const struct lf_member *member);
/* r = (Σ s·a·r + k·p) / (n + k): the prior is one more piece of evidence, of weight k. */
void lf_rate(const struct lf_criterion *criterion, const struct lf_evidence_sum *evidence, size_t prior_place,
	struct lf_criterion_score *score);
/* One derived criterion (canonical place), from space.expertise. */
void lf_derive(const struct lf_scoring *scoring, size_t place, struct lf_criterion_score *score);
double lf_aggregate(const struct lf_rubric *rubric, const double *weights, const struct lf_criterion_score *criteria);
/* Of a pair that has the better of two members' values on each criterion. */
double lf_aggregate_pair(const struct lf_rubric *rubric, const double *weights, const struct lf_criterion_score *one,
	const struct lf_criterion_score *other);
/*
 * Fills space.expertise with x_m(d), and space.expertise_shares: what is stated, else what the member's discipline
 * covers, else 0; with expertise in the rubric, evidence outweighs it.
 */
void lf_find_expertise(const struct lf_scoring *scoring, const struct lf_member *member);
/*
 * A member's score on the rated criterion at that canonical place, were one piece of the evidence rated otherwise;
 * LF_NONE: were there one more piece of weight 1. The same bits as if the case had it.
 */
void lf_rate_changed(const struct lf_rubric *rubric, const struct lf_case *the_case, const struct lf_member *member,
	size_t place, uint32_t evidence, double rating, struct lf_criterion_score *score);
/* Whether a gate on a rating or a value is passed. */
bool lf_gate_passed(const struct lf_rubric *rubric, struct lf_ties ties, const struct lf_gate_def *gate,
	const struct lf_criterion_score *criterion);
/* Whether the criterion at that canonical place counts in evidence shares: rated ones; with expertise, all. */
static inline bool lf_counts_as_evident(const struct lf_rubric *rubric, size_t place)
{
	return rubric->criteria[place].derived == LF_RATED || rubric->expertise_strength > 0;
}

/* From scored members (member, score, undated, criteria set) to ranks and outcome. */
void lf_decide(const struct lf_scoring *scoring, size_t scored_count, struct lf_result *result);

double lf_criterion_value(const struct lf_criterion *criterion, double rating);

/* ---- expertise: expertise.c ---- */

/* Disciplines of the case: the rubric's, then those that only the case has. */
static inline size_t lf_count_disciplines(const struct lf_rubric *rubric, const struct lf_case *the_case)
{
	size_t own = rubric->def.discipline_count;

	return the_case->discipline_count < own ? own : the_case->discipline_count;
}

/* What a discipline covers, by the rubric's disciplines; NULL: itself alone. */
static inline const double *lf_covers(const struct lf_rubric *rubric, uint32_t discipline)
{
	return discipline < rubric->def.discipline_count ? rubric->def.disciplines[discipline].covers : NULL;
}

/* How far somebody of a discipline (LF_NONE: of none) covers another one, by label alone. */
static inline double lf_covered(const struct lf_rubric *rubric, uint32_t discipline, uint32_t of)
{
	const double *covers = lf_covers(rubric, discipline);

	if (covers == NULL)
		return discipline != LF_NONE && discipline == of;
	return of < rubric->def.discipline_count ? covers[of] : 0;
}

/* What a member can do in one discipline, as lf_find_expertise() has it, and what that rests on: for words. */
struct lf_shown {
	double label;   /* x0: stated, or what the label covers */
	double level;   /* x_m(d) */
	uint32_t count; /* pieces of evidence that show it */
};
struct lf_shown lf_show_expertise(const struct lf_rubric *rubric, const struct lf_case *the_case,
	const struct lf_member *member, uint32_t discipline);
/* The disciplines that a piece shows; the list is the piece's or the rubric's. */
size_t lf_disciplines_shown(const struct lf_rubric *rubric, const struct lf_evidence *e, const uint32_t **disciplines);
/* u: how far a rating shows a discipline. A rating at what the rubric expects of that discipline shows it fully. */
double lf_level_shown(
	const struct lf_rubric *rubric, const struct lf_criterion *criterion, double rating, uint32_t discipline);
/* x0: what is stated, else what the label covers. */
double lf_label_of(const struct lf_rubric *rubric, const struct lf_member *member, uint32_t discipline);
/*
 * x = (Σ s·a·u + k·x0) / (Σ s·a + k): the label is one more piece of evidence, of weight k. *level: x0 before, x after;
 * *share: 1 where x0 is stated, else 0, and after it the share of x.
 */
void lf_outweigh(const struct lf_rubric *rubric, const struct lf_evidence_sum *shown, double *level, double *share);

/* ---- order ---- */

/* Whether a comes before b. Must be a total order without equals, so that the result does not depend on the algorithm.
 */
typedef bool (*lf_before_fn)(const void *context, uint32_t a, uint32_t b);
/* In place, without memory of its own. */
void lf_sort(uint32_t *items, size_t count, lf_before_fn before, const void *context);
/* order[place] = member, by id bytes. */
void lf_order_members(const struct lf_case *the_case, uint32_t *order);
const char *lf_discipline_id(const struct lf_rubric *rubric, const struct lf_case *the_case, uint32_t discipline);

#endif
