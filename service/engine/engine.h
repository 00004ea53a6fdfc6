/*
 * The engine: a compiled rubric and pure arithmetic on it. No I/O, no clock, no allocation while scoring. DESIGN.md
 * beside this file gives the semantics; the same input gives the same bits on every machine. words/ says it in sentences.
 *
 * Everything here is by index. Ids and titles are only for canonical order (id bytes) and for words; strings are
 * NUL-terminated UTF-8 and borrowed.
 */
#ifndef LF_ENGINE_ENGINE_H
#define LF_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	LF_ENGINE_VERSION = 2,          /* of the arithmetic: raised when the same input may give other numbers */
	LF_RANKS_MAX = 8,               /* columns of the rank table */
	LF_PERTURBATIONS_MAX = 1 << 20, /* samples × criteria of a rubric: 8 MiB */
};

#define LF_NONE UINT32_MAX            /* no such index */
#define LF_UNDATED INT32_MIN          /* evidence without a date */
#define LF_ELSEWHERE (UINT32_MAX - 1) /* evidence about a discipline that the rubric does not have */

/* ---- the rubric as written ---- */

enum lf_derived { LF_RATED, LF_DOMAIN_ALIGNMENT, LF_TEAM_COVERAGE };
enum lf_aggregation { LF_ADDITIVE, LF_HARMONIC, LF_MINIMUM };
enum lf_outcome {
	LF_OUTCOME_UNSPECIFIED,
	LF_RECOMMENDED,
	LF_TOO_CLOSE,
	LF_INSUFFICIENT_EVIDENCE,
	LF_NO_ELIGIBLE_CANDIDATE,
};

struct lf_curve_point {
	double rating;
	double value;
};

/* base + Σ by_trait[t] · τ_t, by_trait in the rubric's trait order. */
struct lf_linear {
	double base;
	const double *by_trait;
};

struct lf_need_def {
	uint32_t discipline;
	struct lf_linear amount;
};

struct lf_criterion_def {
	const char *id;
	const char *title; /* "" = the id is shown */
	uint64_t seed;     /* of its stream of perturbations: the first 8 bytes of SHA-256 of the id, big-endian */
	enum lf_derived derived;
	const struct lf_curve_point *curve; /* NULL = straight line over the scale */
	size_t curve_count;
	struct lf_linear weight;
	double prior_strength; /* k_j, 0 = no prior */
	/* p_j by discipline, already filled with the default where none is given; NULL if no prior */
	const double *prior_mean;
	double prior_default_mean;       /* for members without a (declared) discipline */
	double unknown_value;            /* v where there is neither evidence nor prior, 0..1 */
	bool unknown_unsaid;             /* the rubric does not say unknown_value: 0 holds, and a warning may be due */
	const struct lf_need_def *needs; /* DOMAIN_ALIGNMENT */
	size_t need_count;
};

struct lf_discipline_def {
	const char *id;
	const char *title;
	const double *covers;     /* by discipline, itself 1 unless said otherwise; NULL = itself only */
	const uint32_t *shown_by; /* rated criteria: evidence on them shows this discipline unless it names a domain */
	size_t shown_by_count;
};

struct lf_trait_def {
	const char *id;
	const char *title;
	double default_value;
};

struct lf_gate_def {
	uint32_t criterion; /* LF_NONE: the gate is on availability */
	double at_least;
};

/* How the doubt about weights and ratings is sampled. DESIGN.md has the formulas. */
struct lf_robustness_def {
	uint32_t samples;     /* K, number of perturbations; 0 = robustness is not computed */
	double weight_spread; /* s: each weight × (1+s·t)/(1−s·t), t uniform on (−1,1); 0 <= s < 1 */
	bool weights_unknown; /* uniform on the simplex of the weights above 0; not together with weight_spread */
	double rating_spread; /* doubt about one piece of evidence, in units of value, 0..1 */
};

struct lf_rubric_def {
	const char *name;
	double scale_min, scale_max;
	double half_life_days; /* 0 = evidence does not age */
	const struct lf_discipline_def *disciplines;
	size_t discipline_count;
	const double *source_weights; /* by source index; evidence with source LF_NONE weighs 1 */
	const char *const *source_ids;
	size_t source_count;
	const struct lf_trait_def *traits;
	size_t trait_count;
	const struct lf_criterion_def *criteria;
	size_t criterion_count;
	const struct lf_gate_def *gates;
	size_t gate_count;
	/* How many pieces of evidence a label, or stated expertise, weighs; 0 = labels decide the derived criteria. */
	double expertise_strength;
	enum lf_aggregation aggregation;
	double threshold_margin;           /* 0 = off */
	double threshold_evidence_share;   /* 0 = off */
	double threshold_first_rank_share; /* 0 = off; needs robustness */
	double co_lead_gain;               /* smallest gain for which a co-lead is named; 0 = none is named */
	struct lf_robustness_def robustness;
};

/* Told of one thing that is wrong. field: path in the rubric, e.g. "criteria[2].curve[1].value". */
typedef void (*lf_report_fn)(void *context, const char *field, const char *description);

/*
 * Checks everything that can be checked by index: scale, half-life, ranges, finite numbers, curves (rising ratings,
 * values that do not fall, ends), weights (at least one can be positive for traits in 0..1), priors on the scale, needs
 * (a DOMAIN_ALIGNMENT has some that can be positive, only it has any), gates (bounds on their scale: somebody can
 * pass). Reports all of it. Returns how many were reported; 0 = the definition can be compiled. Allocates nothing.
 */
size_t lf_rubric_check(const struct lf_rubric_def *def, lf_report_fn report, void *context);

/*
 * Reports what is allowed but probably not meant, of a definition that has passed its check: what can never matter
 * (criteria, traits, needs, sources), flat curves and flat ends, gates that everybody passes, thresholds that hardly
 * anything passes, perturbations that change nothing, equal titles. Returns how many. Allocates nothing.
 */
size_t lf_rubric_warn(const struct lf_rubric_def *def, lf_report_fn report, void *context);

struct lf_rubric; /* compiled, immutable, shared by threads */

/* Compiles a checked definition, copying all that it needs. NULL where memory ran out. */
struct lf_rubric *lf_rubric_compile(const struct lf_rubric_def *def);
void lf_rubric_destroy(struct lf_rubric *rubric);
/* Memory that it takes: its perturbations above all, 8 bytes a sample and criterion, 12 under ADDITIVE. */
size_t lf_rubric_bytes(const struct lf_rubric *rubric);
/* The definition as compiled (a deep copy, lives as long as the rubric). */
const struct lf_rubric_def *lf_rubric_def(const struct lf_rubric *rubric);
/* Value of a rating: v = curve_j(r) ∈ [0,1], clamped to the curve's ends. Also used alone by tests. */
double lf_curve_value(const struct lf_curve_point *curve, size_t count, double rating);

/* ---- the case to be scored; everything validated by the caller, asserted here ---- */

struct lf_evidence {
	uint32_t criterion;   /* a rated one */
	uint32_t source;      /* LF_NONE = none given, weight 1 */
	double rating;        /* on the scale */
	int32_t observed_day; /* days since 1970-01-01 UTC, at most as_of_day + 1; or LF_UNDATED */
	uint32_t domain;      /* discipline that it shows; LF_NONE: those shown_by its criterion; LF_ELSEWHERE: none */
};

struct lf_expertise {
	uint32_t discipline;
	double level; /* 0..1 */
};

struct lf_member {
	const char *id;                       /* unique */
	uint32_t discipline;                  /* LF_NONE = none */
	double availability;                  /* 0..1 */
	const struct lf_expertise *expertise; /* distinct disciplines */
	size_t expertise_count;
	const struct lf_evidence *evidence;
	size_t evidence_count;
	bool candidate; /* false: labour only */
};

struct lf_case {
	const struct lf_member *members;
	size_t member_count;
	const char *project_title; /* for words; "" = project_id */
	const char *project_id;
	const double *traits;      /* τ by the rubric's traits, defaults filled in */
	const bool *trait_assumed; /* by trait; NULL = none */
	int32_t as_of_day;         /* days since 1970-01-01 UTC */
	uint32_t engine_version;   /* whose rules hold (DESIGN.md, "Versions"): 1, 2; 0 = LF_ENGINE_VERSION */
	/* Disciplines beyond the rubric's own have indices from its discipline_count on, up to discipline_count - 1;
	 * they cover themselves only. */
	size_t discipline_count;
	const char *const *extra_discipline_ids;
};

/* ---- the result ---- */

struct lf_criterion_score {
	double rating; /* 0 where derived or unknown */
	double value;
	double share;  /* part that rests on evidence about the person (derived: on stated expertise) */
	bool known;    /* false: no evidence and no prior */
	double weight; /* n + k: what the rating rests on; 0 where derived or unknown */
};

struct lf_member_score {
	uint32_t member; /* index in the case */
	uint32_t rank;   /* from 1, those who tie share; 0 = not eligible */
	double score;
	double evidence_share;   /* Σw·share / Σw over rated criteria; 0 where Σw = 0 */
	double first_rank_share; /* 0 where not eligible; NaN: robustness is not computed */
	bool eligible;
	uint64_t failed_gates; /* bit g: gate g */
	uint32_t limiting;     /* HARMONIC, MINIMUM: the criterion that costs most; LF_NONE under ADDITIVE */
	uint32_t undated;      /* pieces of undated evidence that were aged by a half-life */
	const struct lf_criterion_score *criteria; /* by the rubric's criteria */
};

struct lf_result {
	enum lf_outcome outcome;
	const double *weights; /* w by the rubric's criteria, normalised */
	/* candidates only: eligible by score, then ineligible by score; ties by id bytes */
	const struct lf_member_score *ranking;
	size_t ranking_count;
	double margin; /* between the first two, 0 where they tie; NaN with fewer than two eligible candidates */
	double evidence_share; /* of the first place; 0 without one */
	bool needs_zero;       /* the need of every discipline is 0: domain alignment is 0 for all */
	bool labour_zero;      /* nobody is available: team coverage is 0 for all */
};

/*
 * Bytes of workspace that lf_score(), lf_restore(), lf_rank_shares() and lf_profile() need for this case; aligned to 64
 * bytes.
 */
size_t lf_workspace_bytes(const struct lf_rubric *rubric, const struct lf_case *the_case);

/*
 * Scores. The result points into workspace (64-byte aligned), so it lives as long as that. Allocates nothing; any
 * thread. false: Σ of the weights is 0 for these traits (FAILED_PRECONDITION for the caller), and result is not set.
 */
bool lf_score(
	const struct lf_rubric *rubric, const struct lf_case *the_case, void *workspace, struct lf_result *result);

/* What is compared of a score: the nearest multiple of 2^-40, so that rounding decides nothing. Two that are equal tie. */
double lf_compared(const struct lf_case *the_case, double score);

/*
 * The numbers of an earlier result as the decision log keeps them, in canonical order: members by id bytes, criteria by
 * id bytes.
 */
struct lf_stored_numbers {
	const double *weights;   /* criteria */
	const double *scores;    /* members (all, candidates or not) */
	const double *ratings;   /* members × criteria; the value where derived */
	const double *shares;    /* members × criteria */
	const uint32_t *unknown; /* rising indices into ratings */
	size_t unknown_count;
	const double *first_rank_shares; /* members; NULL where robustness was not computed */
};

/*
 * Writes a result's numbers in canonical order. The arrays have C, M, M·C, M·C, M·C and M places. Members that are not
 * candidates get zeros. Returns whether first_rank_shares was written: not where robustness was not computed (it may be
 * NULL where the rubric has none).
 */
bool lf_result_numbers(const struct lf_rubric *rubric, const struct lf_case *the_case, const struct lf_result *result,
	double *weights, double *scores, double *ratings, double *shares, uint32_t *unknown, size_t *unknown_count,
	double *first_rank_shares);

/*
 * The result again from stored numbers, computing only what follows from them (values, ranks, gates, outcome).
 * Workspace as for lf_score().
 */
void lf_restore(const struct lf_rubric *rubric, const struct lf_case *the_case, const struct lf_stored_numbers *numbers,
	void *workspace, struct lf_result *result);

/*
 * Which discipline the project calls for on priors alone: one imagined, fully available member of each declared
 * discipline without evidence, scored like anybody. labour: that of the case's members; with none, each discipline
 * works alone. fits has room for the rubric's discipline_count; best first, ties by id bytes. Returns false where the
 * weights' sum is 0.
 */
struct lf_discipline_fit {
	uint32_t discipline;
	double score;
};
bool lf_profile(const struct lf_rubric *rubric, const struct lf_case *the_case, void *workspace,
	struct lf_discipline_fit *fits, double *weights);

/* ---- how robust the first place is ---- */

/*
 * The rank-acceptability table: shares[place · LF_RANKS_MAX + r] is the part of the perturbations in which the
 * candidate at that place of the ranking has rank r + 1 among the eligible; those who tie share their ranks equally, so
 * each rank's shares add up to 1. Rows of ineligible candidates are 0. workspace: the one that holds the result, which
 * stays as it is. false: the rubric has no robustness; nothing is written. Allocates nothing; costs more than
 * first-rank shares do.
 */
bool lf_rank_shares(const struct lf_rubric *rubric, const struct lf_case *the_case, const struct lf_result *result,
	void *workspace, double *shares);

/* Nine in ten perturbations give a score from low to high: the 5th and the 95th percentile. */
struct lf_score_range {
	double low, high;
};
/*
 * The range of the score at each place of the ranking, of those that are not eligible, too. samples: scratch, of the
 * rubric's number of samples. false: the rubric has no robustness; nothing is written. Otherwise as lf_rank_shares().
 */
bool lf_score_ranges(const struct lf_rubric *rubric, const struct lf_case *the_case, const struct lf_result *result,
	void *workspace, double *samples, struct lf_score_range *ranges);

/* ---- what would change it ---- */

/*
 * Normalised weights of one criterion between which the first place holds, all other weights rescaled in proportion.
 * Rounded outward to 1e-6: beyond low - 1e-6 or high + 1e-6 another candidate ranks first. A bound of 0 or 1 with
 * somebody named: at exactly that weight.
 */
struct lf_weight_interval {
	double low, high;
	uint32_t low_first,
		high_first; /* place in the ranking of who ranks first beyond; LF_NONE: nobody, the bound is 0 or 1 */
	bool fixed;         /* its weight is 1, the others are 0 or do not show in it: there is nothing to change */
};

enum lf_change_kind {
	LF_CHANGE_RATING,   /* of one existing piece of evidence */
	LF_CHANGE_EVIDENCE, /* one new piece of source weight 1, dated as_of */
	LF_CHANGE_TRAIT,    /* of one trait of the project */
	LF_CHANGE_KINDS,
};

/* The smallest change of one kind after which another candidate ranks first. */
struct lf_change {
	bool found;         /* false: no change of this kind does it */
	uint32_t place;     /* in the ranking: whose evidence; LF_NONE for a trait */
	uint32_t criterion; /* of that evidence; LF_NONE for a trait */
	uint32_t evidence;  /* LF_CHANGE_RATING: index in that member's evidence; else LF_NONE */
	uint32_t trait;     /* LF_NONE for evidence */
	double from; /* rating of the piece; for new evidence the rating r of the criterion, NaN where unknown; trait */
	double to;   /* rounded outward (away from `from`) to 1e-6, within the scale or 0..1 */
	uint32_t first; /* place in the ranking of who then ranks first */
	/*
	 * a gate crossed on the way: the first place then fails it, or `first` fails it now; LF_NONE: only scores
	 * change
	 */
	uint32_t gate;
};

struct lf_changes {
	bool approximate;                   /* found by bisection: HARMONIC, MINIMUM, several alignments */
	struct lf_weight_interval *weights; /* by the rubric's criteria; the caller's */
	struct lf_change smallest[LF_CHANGE_KINDS];
};

/*
 * What would put another candidate first, over all pairs of eligible candidates and all crossings of gates. workspace:
 * the one that holds the result. Allocates nothing. false: nobody is alone in first place (none is eligible, or a tie);
 * nothing is written.
 */
bool lf_find_changes(const struct lf_rubric *rubric, const struct lf_case *the_case, const struct lf_result *result,
	void *workspace, struct lf_changes *changes);

/* Who leads over a stretch of one trait. */
struct lf_stretch {
	double from, to;
	/*
	 * Index in the case: ranks first; throughout a tie whoever did before it, at 0 the first listed. LF_NONE:
	 * nobody is eligible, or no criterion has a weight.
	 */
	uint32_t member;
};

/*
 * Cuts 0..1 of one trait, all else as it is, where the first place changes hands. Exact to rounding under ADDITIVE with
 * at most one alignment, else (*approximate) by bisection between samples. Returns the number of stretches, at most max
 * (the last one then reaches to 1). Needs a workspace of its own.
 */
size_t lf_sweep(const struct lf_rubric *rubric, const struct lf_case *the_case, uint32_t trait, void *workspace,
	struct lf_stretch *stretches, size_t max, bool *approximate);

/* ---- co-lead ---- */

/*
 * A second eligible candidate whose strong side covers the first's weak side on a criterion that matters here. The pair
 * has on each criterion the better of the two values.
 */
struct lf_co_lead {
	uint32_t place;     /* in the ranking; LF_NONE: none, or no gain reaches the rubric's co_lead_gain */
	double score;       /* of the pair */
	double gain;        /* score - the first's score */
	uint32_t criterion; /* the weak side that is covered */
};

/*
 * The best one. values: by the rubric's criteria, the pair's; written where place is not LF_NONE. Only for a
 * recommended first place.
 */
void lf_find_co_lead(const struct lf_rubric *rubric, const struct lf_case *the_case, const struct lf_result *result,
	struct lf_co_lead *co_lead, double *values);

#endif
