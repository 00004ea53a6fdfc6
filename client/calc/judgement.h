/* Weights from what people think: pairwise comparisons by the analytic hierarchy process, or points given directly. */
#ifndef LF_CLIENT_CALC_JUDGEMENT_H
#define LF_CLIENT_CALC_JUDGEMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "leadfit/v1/judgement.pb-c.h"
#include "proto/base/arena.h"
#include "proto/base/status.h"

/* Above this consistency ratio the comparisons contradict each other too much to be used as they are (Saaty). */
#define LF_CONSISTENCY_MAX 0.1

/* Three criteria i, j, k: the product of how i compares with j, j with k, and k with i, which is 1 where they agree. */
struct lf_triple {
	size_t i, j, k;
	double product;
};

struct lf_judgement {
	size_t count;
	const char **criteria;    /* as written; of direct points alone: by name */
	double *weights;          /* add up to 1 */
	bool compared;            /* by pairs; what follows is only then set */
	const double *matrix;     /* count x count, how many times as important the row is as the column */
	double lambda_max;        /* the principal eigenvalue, at least count */
	double consistency_index; /* (lambda_max - count) / (count - 1); 0 for one criterion */
	double random_index;      /* that of random comparisons; 0 for 1 and 2 criteria, NAN beyond 10 */
	double consistency_ratio; /* index / random index; 0 for 1 and 2 criteria, NAN beyond 10 */
	bool has_worst;           /* 3 criteria or more */
	struct lf_triple worst;   /* the triple whose product is farthest from 1, by its logarithm */
};

/*
 * Weights by the principal eigenvector (power iteration until no weight moves by more than 1e-12), or by normalising
 * the direct points. Everything is in arena. INVALID_ARGUMENT lists everything that is wrong, by path: unknown names
 * with the nearest known one, a criterion compared with itself, a pair given twice, pairs that are missing, ratios that
 * are none.
 */
enum lf_code lf_judgement_evaluate(struct lf_judgement *result, const Leadfit__V1__Judgement *judgement,
	struct lf_arena *arena, struct lf_error *error);

/*
 * Decimals with which the weights are told: 3, or as many as change none by more than a twentieth and let no two look alike
 * that differ; at most 13. Weights that differ by a billionth of themselves are the same: so much is left by
 * iteration.
 */
unsigned lf_judgement_decimals(const struct lf_judgement *judgement);
/* A weight rounded to these; as it is where nothing would be left of it. */
double lf_judgement_weight(const struct lf_judgement *judgement, size_t criterion, unsigned decimals);

/* The random index of count criteria: 0 for 1 and 2, NAN where none is given (beyond 10). */
double lf_random_index(size_t count);
/* "3", "0.25", "1/4" as a number above 0; false where it is none. */
bool lf_ratio_parse(const char *text, double *ratio);

#endif
