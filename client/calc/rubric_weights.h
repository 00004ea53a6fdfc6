/*
 * How much a rubric's criteria count, computed from the message, so that a rubric in a file can be explained without a
 * service. The rule is the engine's (service/engine/DESIGN.md); the numbers are for people to look at, and are not
 * promised to the last bit.
 */
#ifndef LF_CLIENT_CALC_RUBRIC_WEIGHTS_H
#define LF_CLIENT_CALC_RUBRIC_WEIGHTS_H

#include <stdbool.h>
#include <stddef.h>

#include "leadfit/v1/rubric.pb-c.h"
#include "proto/base/arena.h"

/* Criteria and traits are in the rubric's order. Coefficients of traits that the rubric does not declare are left out.
 */
struct lf_weight_model {
	size_t criterion_count, trait_count;
	double *base;
	double *coefficients; /* [criterion * trait_count + trait] */
	double *assumed;      /* by trait: where a project does not say */
};

/* Where the share of one criterion moves as one trait goes from 0 to 1, the others as assumed. Each 0..1. */
struct lf_weight_range {
	double at_0, at_1, low, high;
};

/* Reads a rubric into arena. false where memory ran out, or where it has no criteria. */
bool lf_weight_model_init(struct lf_weight_model *model, const Leadfit__V1__Rubric *rubric, struct lf_arena *arena);

/* The coefficient of a trait in a criterion's weight. */
double lf_weight_coefficient(const struct lf_weight_model *model, size_t criterion, size_t trait);

/* Whether the trait moves a weight. */
bool lf_weight_moves(const struct lf_weight_model *model, size_t trait);

/*
 * The share of weight of each criterion where trait has the value, and all others are as assumed: max(0, base + sum of
 * coefficient x trait), divided by their sum. trait == trait_count: all are as assumed. false, and zeros, where no
 * criterion has a weight.
 */
bool lf_weight_shares(const struct lf_weight_model *model, size_t trait, double value, double *shares);

/* The range of every criterion over one trait; exact, for shares turn only where a weight begins or ends. shares is
 * scratch space. */
void lf_weight_ranges(
	const struct lf_weight_model *model, size_t trait, double *shares, struct lf_weight_range *ranges);

#endif
