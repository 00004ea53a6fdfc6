/*
 * The engine: a compiled rubric, pure arithmetic on it, and the words for its numbers. No I/O, no clock, no allocation while
 * scoring. README.md beside this file gives the semantics; the same input gives the same bits on every machine.
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
	LF_ENGINE_VERSION      = 1, /* of the arithmetic: raised when the same input may give other numbers */
	LF_EXPLANATION_VERSION = 1, /* of the words */
	LF_SENTENCE_BYTES_MAX  = 2048,
};

#define LF_NONE UINT32_MAX     /* no such index */
#define LF_UNDATED INT32_MIN   /* evidence without a date */

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
	enum lf_derived derived;
	const struct lf_curve_point *curve; /* NULL = straight line over the scale */
	size_t curve_count;
	struct lf_linear weight;
	double prior_strength;     /* k_j, 0 = no prior */
	const double *prior_mean;  /* p_j by discipline, already filled with the default where none is given; NULL if no prior */
	double prior_default_mean; /* for members without a (declared) discipline */
	const struct lf_need_def *needs; /* DOMAIN_ALIGNMENT */
	size_t need_count;
};

struct lf_discipline_def {
	const char *id;
	const char *title;
	const double *covers; /* by discipline, itself 1 unless said otherwise; NULL = itself only */
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
	enum lf_aggregation aggregation;
	double threshold_margin;         /* 0 = off */
	double threshold_evidence_share; /* 0 = off */
};

/* Told of one thing that is wrong. field: path in the rubric, e.g. "criteria[2].curve[1].value". */
typedef void (*lf_report_fn)(void *context, const char *field, const char *description);

/*
 * Checks everything that can be checked by index: scale, half-life, ranges, finite numbers, curves (rising ratings, values
 * that do not fall, ends), weights (at least one can be positive for traits in 0..1), priors on the scale, needs (a DOMAIN_ALIGNMENT
 * has some that can be positive, only it has any), gates (bounds on their scale: somebody can pass). Reports all of it.
 * Returns how many were reported; 0 = the definition can be compiled. Allocates nothing.
 */
size_t lf_rubric_check(const struct lf_rubric_def *def, lf_report_fn report, void *context);

struct lf_rubric; /* compiled, immutable, shared by threads */

/* Compiles a checked definition, copying all that it needs. NULL where memory ran out. */
struct lf_rubric *lf_rubric_compile(const struct lf_rubric_def *def);
void lf_rubric_destroy(struct lf_rubric *rubric);
/* The definition as compiled (a deep copy, lives as long as the rubric). */
const struct lf_rubric_def *lf_rubric_def(const struct lf_rubric *rubric);
/* Value of a rating: v = curve_j(r) ∈ [0,1], clamped to the curve's ends. Also used alone by tests. */
double lf_curve_value(const struct lf_curve_point *curve, size_t count, double rating);

/* ---- the case to be scored; everything validated by the caller, asserted here ---- */

struct lf_evidence {
	uint32_t criterion; /* a rated one */
	uint32_t source;    /* LF_NONE = none given, weight 1 */
	double rating;      /* on the scale */
	int32_t observed_day; /* days since 1970-01-01 UTC, at most as_of_day + 1; or LF_UNDATED */
};

struct lf_expertise {
	uint32_t discipline;
	double level; /* 0..1 */
};

struct lf_member {
	const char *id;      /* unique */
	uint32_t discipline; /* LF_NONE = none */
	double availability; /* 0..1 */
	const struct lf_expertise *expertise; /* distinct disciplines */
	size_t expertise_count;
	const struct lf_evidence *evidence;
	size_t evidence_count;
	bool candidate; /* false: labour only */
};

struct lf_case {
	const struct lf_member *members;
	size_t member_count;
	const char *project_title;  /* for words; "" = project_id */
	const char *project_id;
	const double *traits;       /* τ by the rubric's traits, defaults filled in */
	const bool *trait_assumed;  /* by trait; NULL = none */
	int32_t as_of_day;          /* days since 1970-01-01 UTC */
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
};

struct lf_member_score {
	uint32_t member; /* index in the case */
	uint32_t rank;   /* from 1, equal scores share; 0 = not eligible */
	double score;
	double evidence_share; /* Σw·share / Σw over rated criteria; 0 where Σw = 0 */
	double first_rank_share; /* NaN: not computed */
	bool eligible;
	uint64_t failed_gates; /* bit g: gate g */
	uint32_t limiting;     /* HARMONIC, MINIMUM: the criterion that costs most; LF_NONE under ADDITIVE */
	uint32_t undated;      /* pieces of undated evidence that were aged by a half-life */
	const struct lf_criterion_score *criteria; /* by the rubric's criteria */
};

struct lf_result {
	enum lf_outcome outcome;
	const double *weights; /* w by the rubric's criteria, normalised */
	const struct lf_member_score *ranking; /* candidates only: eligible by score, then ineligible by score; ties by id bytes */
	size_t ranking_count;
	double margin;         /* NaN with fewer than two eligible candidates */
	double evidence_share; /* of the first place; 0 without one */
	bool needs_zero;       /* the need of every discipline is 0: domain alignment is 0 for all */
	bool labour_zero;      /* nobody is available: team coverage is 0 for all */
};

/* Bytes of workspace that lf_score(), lf_restore() and lf_profile() need for this case; aligned to 64 bytes. */
size_t lf_workspace_bytes(const struct lf_rubric *rubric, const struct lf_case *the_case);

/*
 * Scores. The result points into workspace (64-byte aligned), so it lives as long as that. Allocates nothing; any thread.
 * false: Σ of the weights is 0 for these traits (FAILED_PRECONDITION for the caller), and result is not set.
 */
bool lf_score(const struct lf_rubric *rubric, const struct lf_case *the_case, void *workspace, struct lf_result *result);

/* The numbers of an earlier result as the decision log keeps them, in canonical order: members by id bytes, criteria by id bytes. */
struct lf_stored_numbers {
	const double *weights; /* criteria */
	const double *scores;  /* members (all, candidates or not) */
	const double *ratings; /* members × criteria; the value where derived */
	const double *shares;  /* members × criteria */
	const uint32_t *unknown; /* rising indices into ratings */
	size_t unknown_count;
};

/* Writes a result's numbers in canonical order. The arrays have C, M, M·C, M·C and M·C places. Members that are not candidates get zeros. */
void lf_result_numbers(const struct lf_rubric *rubric, const struct lf_case *the_case, const struct lf_result *result,
	double *weights, double *scores, double *ratings, double *shares, uint32_t *unknown, size_t *unknown_count);

/* The result again from stored numbers, computing only what follows from them (values, ranks, gates, outcome). Workspace as for lf_score(). */
void lf_restore(const struct lf_rubric *rubric, const struct lf_case *the_case, const struct lf_stored_numbers *numbers,
	void *workspace, struct lf_result *result);

/* Which discipline the project calls for on priors alone: one imagined, fully available member of each declared discipline
 * without evidence, scored like anybody. labour: that of the case's members; with none, each discipline works alone.
 * fits has room for the rubric's discipline_count; best first, ties by id bytes. Returns false where the weights' sum is 0. */
struct lf_discipline_fit {
	uint32_t discipline;
	double score;
};
bool lf_profile(const struct lf_rubric *rubric, const struct lf_case *the_case, void *workspace,
	struct lf_discipline_fit *fits, double *weights);

/* ---- words ---- */

enum lf_sentence {
	LF_SAY_EXPLANATION, /* of the whole answer */
	LF_SAY_ASSUMPTION,  /* what it rests on besides its input */
	LF_SAY_REASON,      /* index: place in the ranking; exactly one each */
	LF_SAY_INELIGIBLE,  /* index: place in the ranking; one for each failed gate */
};

/* One finished sentence, NUL-terminated, only valid during the call. */
typedef void (*lf_say_fn)(void *context, enum lf_sentence kind, size_t index, const char *text, size_t length);

/* Says why, and why not everybody else, in words that a manager understands. profile may be NULL (fits of lf_profile()). */
void lf_explain(const struct lf_rubric *rubric, const struct lf_case *the_case, const struct lf_result *result,
	const struct lf_discipline_fit *profile, lf_say_fn say, void *context);
/* The same for a profile: EXPLANATION and ASSUMPTION only. */
void lf_explain_profile(const struct lf_rubric *rubric, const struct lf_case *the_case,
	const struct lf_discipline_fit *profile, const double *weights, lf_say_fn say, void *context);

#endif
