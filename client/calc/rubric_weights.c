#include "client/calc/rubric_weights.h"

#include <float.h>
#include <string.h>

/* A weight below this part of what was added up for it is rounding, and is 0. */
#define ROUNDING 0x1p-48

static size_t trait_index(const Leadfit__V1__Rubric *rubric, const char *id)
{
	size_t i = 0;

	while (i < rubric->n_traits && strcmp(rubric->traits[i]->id, id) != 0)
		i++;
	return i;
}

bool lf_weight_model_init(struct lf_weight_model *model, const Leadfit__V1__Rubric *rubric, struct lf_arena *arena)
{
	const size_t criteria = rubric->n_criteria, traits = rubric->n_traits;

	*model = (struct lf_weight_model){.criterion_count = criteria, .trait_count = traits};
	if (criteria == 0)
		return false;
	model->base = lf_arena_zalloc(arena, criteria, sizeof(*model->base));
	model->coefficients = lf_arena_zalloc(arena, criteria * traits + 1, sizeof(*model->coefficients));
	model->assumed = lf_arena_zalloc(arena, traits + 1, sizeof(*model->assumed));
	if (model->base == NULL || model->coefficients == NULL || model->assumed == NULL)
		return false;
	for (size_t t = 0; t < traits; t++)
		model->assumed[t] = rubric->traits[t]->default_ == NULL ? 0.5 : rubric->traits[t]->default_->value;
	for (size_t c = 0; c < criteria; c++) {
		const Leadfit__V1__Weight *weight = rubric->criteria[c]->weight;

		if (weight == NULL)
			continue;
		model->base[c] = weight->base_weight;
		for (size_t i = 0; i < weight->n_traits; i++) {
			const size_t t = trait_index(rubric, weight->traits[i]->key);

			if (t < traits)
				model->coefficients[c * traits + t] = weight->traits[i]->value;
		}
	}
	return true;
}

double lf_weight_coefficient(const struct lf_weight_model *model, size_t criterion, size_t trait)
{
	return model->coefficients[criterion * model->trait_count + trait];
}

bool lf_weight_moves(const struct lf_weight_model *model, size_t trait)
{
	for (size_t c = 0; c < model->criterion_count; c++) {
		const double coefficient = lf_weight_coefficient(model, c, trait);

		if (coefficient < 0 || coefficient > 0)
			return true;
	}
	return false;
}

/* base + sum of coefficient x trait without the one trait; *size is what was added up for it. */
static double raw_without(const struct lf_weight_model *model, size_t criterion, size_t trait, double *size)
{
	double raw = model->base[criterion];

	*size = raw < 0 ? -raw : raw;
	for (size_t t = 0; t < model->trait_count; t++) {
		const double term = t == trait ? 0 : lf_weight_coefficient(model, criterion, t) * model->assumed[t];

		raw += term;
		*size += term < 0 ? -term : term;
	}
	return raw;
}

bool lf_weight_shares(const struct lf_weight_model *model, size_t trait, double value, double *shares)
{
	double total = 0;
	bool some;

	for (size_t c = 0; c < model->criterion_count; c++) {
		double size;
		const double rest = raw_without(model, c, trait, &size);
		const double term = trait < model->trait_count ? lf_weight_coefficient(model, c, trait) * value : 0;
		const double weight = rest + term;

		size += term < 0 ? -term : term;
		shares[c] = weight > 0 && weight >= size * ROUNDING ? weight : 0;
		total += shares[c];
	}
	/* A file that nobody checked may hold numbers whose sum is no number. */
	some = total > 0 && total <= DBL_MAX;
	for (size_t c = 0; c < model->criterion_count; c++)
		shares[c] = some ? shares[c] / total : 0;
	return some;
}

static void widen(
	const struct lf_weight_model *model, size_t trait, double value, double *shares, struct lf_weight_range *ranges)
{
	if (!lf_weight_shares(model, trait, value, shares))
		return;
	for (size_t c = 0; c < model->criterion_count; c++) {
		if (shares[c] < ranges[c].low)
			ranges[c].low = shares[c];
		if (shares[c] > ranges[c].high)
			ranges[c].high = shares[c];
	}
}

void lf_weight_ranges(const struct lf_weight_model *model, size_t trait, double *shares, struct lf_weight_range *ranges)
{
	lf_weight_shares(model, trait, 0, shares);
	for (size_t c = 0; c < model->criterion_count; c++)
		ranges[c] = (struct lf_weight_range){.at_0 = shares[c], .low = shares[c], .high = shares[c]};
	widen(model, trait, 1, shares, ranges);
	for (size_t c = 0; c < model->criterion_count; c++)
		ranges[c].at_1 = shares[c];
	for (size_t c = 0; c < model->criterion_count; c++) {
		double size;
		const double coefficient = lf_weight_coefficient(model, c, trait);
		const double rest = raw_without(model, c, trait, &size);
		const double turn = coefficient < 0 || coefficient > 0 ? -rest / coefficient : -1;

		if (turn > 0 && turn < 1)
			widen(model, trait, turn, shares, ranges);
	}
}
