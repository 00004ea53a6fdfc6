/* A rubric's criteria: weights, levels, curves, priors, needs. */
#include <stdlib.h>
#include <string.h>

#include "proto/base/limits.h"
#include "service/rubric/builder.h"

/* ---- numbers ---- */

static void check_number(struct builder *b, const char *field, const char *key, double value)
{
	if (key != NULL)
		lf_check_range_key(&b->check, field, key, value, -LF_RUBRIC_NUMBER_MAX, LF_RUBRIC_NUMBER_MAX);
	else
		lf_check_range(&b->check, field, value, -LF_RUBRIC_NUMBER_MAX, LF_RUBRIC_NUMBER_MAX);
}

/* A rating. Without a scale, of which the engine tells, there is nothing to compare it with. */
static void check_rating(struct builder *b, const char *field, const char *key, double rating)
{
	if (!(b->def.scale_min < b->def.scale_max))
		return;
	if (key != NULL)
		lf_check_range_key(&b->check, field, key, rating, b->def.scale_min, b->def.scale_max);
	else
		lf_check_range(&b->check, field, rating, b->def.scale_min, b->def.scale_max);
}

/* ---- parts ---- */

/* A map from traits to coefficients as an array over the rubric's traits. */
static const double *convert_coefficients(
	struct builder *b, size_t count, Leadfit__V1__Weight__TraitsEntry *const *entries)
{
	double *by_trait = take(b, b->version->traits.count + 1, sizeof(*by_trait));

	for (size_t i = 0; by_trait != NULL && i < count; i++) {
		uint32_t trait = lf_name_index_find(&b->version->traits, entries[i]->key);

		if (trait == LF_NO_NAME)
			lf_check_undeclared(
				&b->check, "traits", entries[i]->key, "trait", entries[i]->key, &b->version->traits);
		else
			by_trait[trait] = entries[i]->value;
		check_number(b, "traits", entries[i]->key, entries[i]->value);
	}
	return by_trait;
}

static void convert_needs(struct builder *b, const Leadfit__V1__Criterion *from, struct lf_criterion_def *to)
{
	struct lf_need_def *needs;

	if (!lf_check_count(&b->check, "needs", from->n_needs, LF_NEEDS_MAX))
		return;
	needs = take(b, from->n_needs + 1, sizeof(*needs));
	for (size_t i = 0; needs != NULL && i < from->n_needs; i++) {
		const Leadfit__V1__Need *need = from->needs[i];
		size_t mark = lf_path_push_index(&b->check.path, "needs", i);

		needs[i].discipline = lf_name_index_find(&b->version->disciplines, need->discipline);
		if (lf_check_id(&b->check, "discipline", need->discipline) && needs[i].discipline == LF_NO_NAME)
			lf_check_undeclared(&b->check, "discipline", NULL, "discipline", need->discipline,
				&b->version->disciplines);
		for (size_t k = 0; k < i; k++)
			if (needs[k].discipline == needs[i].discipline && needs[i].discipline != LF_NO_NAME)
				lf_check_fail(&b->check, "discipline", "\"%.128s\" is listed twice", need->discipline);
		check_number(b, "base", NULL, need->base_need);
		needs[i].amount.base = need->base_need;
		needs[i].amount.by_trait =
			convert_coefficients(b, need->n_traits, (Leadfit__V1__Weight__TraitsEntry **)need->traits);
		lf_path_pop(&b->check.path, mark);
	}
	to->needs = needs;
	to->need_count = from->n_needs;
}

static void convert_prior(struct builder *b, const Leadfit__V1__Prior *from, struct lf_criterion_def *to)
{
	size_t mark = lf_path_push(&b->check.path, "prior");
	size_t count = b->version->disciplines.count;
	double middle = b->def.scale_min + (b->def.scale_max - b->def.scale_min) * 0.5;
	double *mean = take(b, count + 1, sizeof(*mean));

	lf_check_range(&b->check, "strength", from->strength, 0, LF_RUBRIC_NUMBER_MAX);
	to->prior_strength = from->strength;
	to->prior_default_mean = from->default_mean != NULL ? from->default_mean->value : middle;
	if (from->default_mean != NULL)
		check_rating(b, "default_mean", NULL, from->default_mean->value);
	for (size_t d = 0; mean != NULL && d < count; d++)
		mean[d] = to->prior_default_mean;
	for (size_t i = 0; mean != NULL && i < from->n_mean; i++) {
		const Leadfit__V1__Prior__MeanEntry *entry = from->mean[i];
		uint32_t discipline = lf_name_index_find(&b->version->disciplines, entry->key);

		if (!lf_check_name(&b->check, "mean", entry->key, entry->key))
			continue;
		if (discipline == LF_NO_NAME)
			lf_check_undeclared(
				&b->check, "mean", entry->key, "discipline", entry->key, &b->version->disciplines);
		else
			mean[discipline] = entry->value;
		check_rating(b, "mean", entry->key, entry->value);
	}
	to->prior_mean = mean;
	lf_path_pop(&b->check.path, mark);
}

static void check_levels(struct builder *b, const Leadfit__V1__Criterion *from)
{
	lf_check_count(&b->check, "levels", from->n_levels, LF_LEVELS_MAX);
	for (size_t i = 0; i < from->n_levels; i++) {
		const char *key = from->levels[i]->key;
		char *end;
		double rating = strtod(key, &end);

		if (end == key || *end != '\0')
			lf_check_fail_key(&b->check, "levels", key, "is not a rating: a number on the scale");
		else
			check_rating(b, "levels", key, rating);
		if (strlen(from->levels[i]->value) > LF_TEXT_BYTES_MAX)
			lf_check_fail_key(&b->check, "levels", key, "has more than %d bytes", LF_TEXT_BYTES_MAX);
	}
}

static void convert_curve(struct builder *b, const Leadfit__V1__Criterion *from, struct lf_criterion_def *to)
{
	struct lf_curve_point *curve;

	if (from->n_curve == 0 || !lf_check_count(&b->check, "curve", from->n_curve, LF_CURVE_POINTS_MAX))
		return;
	curve = take(b, from->n_curve, sizeof(*curve));
	for (size_t i = 0; curve != NULL && i < from->n_curve; i++)
		curve[i] = (struct lf_curve_point){from->curve[i]->rating, from->curve[i]->value};
	to->curve = curve;
	to->curve_count = from->n_curve;
}

/* What begins a criterion's stream of perturbations. */
static uint64_t seed_of(const char *id)
{
	struct lf_digest digest;
	uint64_t seed = 0;

	lf_sha256(id, strlen(id), &digest);
	for (size_t i = 0; i < 8; i++)
		seed = seed << 8 | digest.bytes[i];
	return seed;
}

static void convert_kind(struct builder *b, const Leadfit__V1__Criterion *from, struct lf_criterion_def *to)
{
	to->derived = (enum lf_derived)from->derived;
	if ((int)from->derived >= 0 && (int)from->derived <= LF_TEAM_COVERAGE)
		return;
	lf_check_fail(&b->check, "derived", "%d is not known; allowed are RATED, DOMAIN_ALIGNMENT, TEAM_COVERAGE",
		(int)from->derived);
	to->derived = LF_RATED;
}

/* What only a criterion that is rated from evidence has. */
static void convert_rated(struct builder *b, const Leadfit__V1__Criterion *from, struct lf_criterion_def *to)
{
	convert_curve(b, from, to);
	if (from->prior != NULL)
		convert_prior(b, from->prior, to);
	to->unknown_unsaid = from->unknown_value == NULL;
	if (from->unknown_value != NULL && lf_check_range(&b->check, "unknown_value", from->unknown_value->value, 0, 1))
		to->unknown_value = from->unknown_value->value;
}

static void refuse_rated(struct builder *b, const Leadfit__V1__Criterion *from)
{
	if (from->n_curve > 0)
		lf_check_fail(&b->check, "curve", "a derived criterion has no curve");
	if (from->prior != NULL)
		lf_check_fail(&b->check, "prior", "a derived criterion has no prior");
	if (from->n_levels > 0)
		lf_check_fail(&b->check, "levels", "a derived criterion has no levels");
	if (from->unknown_value != NULL)
		lf_check_fail(&b->check, "unknown_value", "a derived criterion has no unknown_value");
}

static void convert_weight(struct builder *b, const Leadfit__V1__Weight *from, struct lf_criterion_def *to)
{
	size_t mark;

	to->weight.by_trait = take(b, b->version->traits.count + 1, sizeof(double));
	if (from == NULL) {
		lf_check_fail(&b->check, "weight", "is required");
		return;
	}
	mark = lf_path_push(&b->check.path, "weight");
	check_number(b, "base", NULL, from->base_weight);
	to->weight.base = from->base_weight;
	to->weight.by_trait = convert_coefficients(b, from->n_traits, from->traits);
	lf_path_pop(&b->check.path, mark);
}

static void convert_criterion(struct builder *b, const Leadfit__V1__Criterion *from, struct lf_criterion_def *to)
{
	lf_check_id(&b->check, "id", from->id);
	lf_check_text(&b->check, "title", from->title, LF_TITLE_BYTES_MAX);
	lf_check_text(&b->check, "description", from->description, LF_TEXT_BYTES_MAX);
	to->id = from->id;
	to->title = from->title;
	to->seed = seed_of(from->id);
	convert_kind(b, from, to);
	check_levels(b, from);
	if (to->derived == LF_RATED)
		convert_rated(b, from, to);
	else
		refuse_rated(b, from);
	convert_needs(b, from, to);
	convert_weight(b, from->weight, to);
}

void lf_build_criteria(struct builder *b)
{
	struct lf_criterion_def *criteria = take(b, b->message->n_criteria + 1, sizeof(*criteria));

	for (size_t i = 0; criteria != NULL && i < b->message->n_criteria; i++) {
		size_t mark = lf_path_push_index(&b->check.path, "criteria", i);

		convert_criterion(b, b->message->criteria[i], &criteria[i]);
		lf_path_pop(&b->check.path, mark);
	}
	b->def.criteria = criteria;
	b->def.criterion_count = b->message->n_criteria;
}
