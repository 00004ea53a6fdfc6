/* Everything that is wrong with a rubric's numbers, at once: what lf_rubric_compile() and scoring rely on. */
#include <math.h> /* isfinite only */
#include "service/engine/finding.h"
#include "service/engine/internal.h"

enum { GATES_MAX = 64 }; /* one bit each of failed_gates */

/* Whether x is a number in min..max; reports "7 is outside 1..5" otherwise. */
static bool within(struct check *check, const char *suffix, double x, double min, double max)
{
	if (isfinite(x) && x >= min && x <= max)
		return true;
	lf_text_number(&check->words, x);
	lf_text_put(&check->words, " is outside ");
	lf_text_number(&check->words, min);
	lf_text_put(&check->words, "..");
	lf_text_number(&check->words, max);
	report(check, suffix);
	return false;
}

/* "5 is not above 6, the scale's min" */
static void report_relation(
	struct check *check, const char *suffix, double a, const char *relation, double b, const char *what)
{
	lf_text_number(&check->words, a);
	lf_text_put(&check->words, relation);
	lf_text_number(&check->words, b);
	lf_text_put(&check->words, what);
	report(check, suffix);
}

static bool scale_is_sound(const struct lf_rubric_def *def)
{
	return isfinite(def->scale_min) && isfinite(def->scale_max) && def->scale_min < def->scale_max;
}

/* A rating or a bound on one. An unsound scale was reported already, and is no yardstick. */
static void on_scale(struct check *check, const char *suffix, double x)
{
	if (scale_is_sound(check->def))
		(void)within(check, suffix, x, check->def->scale_min, check->def->scale_max);
	else
		(void)within(check, suffix, x, -LF_MAGNITUDE_MAX, LF_MAGNITUDE_MAX);
}

/* ---- parts ---- */

static void check_scale(struct check *check)
{
	const struct lf_rubric_def *def = check->def;
	bool sound;

	at(check, "scale");
	sound = within(check, ".min", def->scale_min, -LF_MAGNITUDE_MAX, LF_MAGNITUDE_MAX);
	sound &= within(check, ".max", def->scale_max, -LF_MAGNITUDE_MAX, LF_MAGNITUDE_MAX);
	if (sound && !(def->scale_max > def->scale_min))
		report_relation(check, ".max", def->scale_max, " is not above ", def->scale_min, ", the scale's min");
	at(check, "half_life_days");
	(void)within(check, "", def->half_life_days, 0, LF_MAGNITUDE_MAX);
}

static void check_sources(struct check *check)
{
	for (size_t s = 0; s < check->def->source_count; s++) {
		at(check, "sources");
		at_key(check, check->def->source_ids[s]);
		(void)within(check, "", check->def->source_weights[s], 0, LF_MAGNITUDE_MAX);
	}
}

/* At disciplines[d]. */
static void check_shown_by(struct check *check, const struct lf_discipline_def *discipline)
{
	const struct lf_rubric_def *def = check->def;

	for (size_t i = 0; i < discipline->shown_by_count; i++) {
		size_t length = check->field.length;
		uint32_t criterion = discipline->shown_by[i];

		lf_text_put(&check->field, ".shown_by");
		at_index(check, i);
		if (criterion >= def->criterion_count)
			report_text(check, "", "is not a criterion of this rubric");
		else if (def->criteria[criterion].derived != LF_RATED)
			report_text(check, "", "is derived: there is no evidence on it");
		for (size_t k = 0; k < i; k++) {
			if (discipline->shown_by[k] != criterion)
				continue;
			report_text(check, "", "is listed above already");
			break;
		}
		check->field.length = length;
	}
}

static void check_disciplines(struct check *check)
{
	const struct lf_rubric_def *def = check->def;

	for (size_t d = 0; d < def->discipline_count; d++) {
		for (size_t other = 0; def->disciplines[d].covers != NULL && other < def->discipline_count; other++) {
			at(check, "disciplines");
			at_index(check, d);
			lf_text_put(&check->field, ".covers");
			at_key(check, def->disciplines[other].id);
			(void)within(check, "", def->disciplines[d].covers[other], 0, 1);
		}
		at(check, "disciplines");
		at_index(check, d);
		check_shown_by(check, &def->disciplines[d]);
	}
}

static void check_traits(struct check *check)
{
	for (size_t t = 0; t < check->def->trait_count; t++) {
		at(check, "traits");
		at_index(check, t);
		(void)within(check, ".default", check->def->traits[t].default_value, 0, 1);
	}
}

/* base + Σ c·τ at field + name. Whether it can be above 0 for some traits in 0..1. */
static bool check_linear(struct check *check, const char *name, const struct lf_linear *linear)
{
	const struct lf_rubric_def *def = check->def;
	size_t length = check->field.length;
	double highest = linear->base, size = highest < 0 ? -highest : highest;

	lf_text_put(&check->field, name);
	(void)within(check, ".base", linear->base, -LF_MAGNITUDE_MAX, LF_MAGNITUDE_MAX);
	for (size_t t = 0; linear->by_trait != NULL && t < def->trait_count; t++) {
		size_t before = check->field.length;

		lf_text_put(&check->field, ".traits");
		at_key(check, def->traits[t].id);
		(void)within(check, "", linear->by_trait[t], -LF_MAGNITUDE_MAX, LF_MAGNITUDE_MAX);
		check->field.length = before;
		if (linear->by_trait[t] > 0) {
			highest += linear->by_trait[t];
			size += linear->by_trait[t];
		}
	}
	check->field.length = length;
	/* As lf_respond() has it: what is left only by rounding is 0. What is not a number was reported already. */
	return !(highest <= size * 0x1p-48);
}

static void check_curve(struct check *check, const struct lf_criterion_def *criterion)
{
	size_t length = check->field.length;

	if (criterion->curve == NULL)
		return;
	lf_text_put(&check->field, ".curve");
	if (criterion->curve_count < 2) {
		lf_text_count(&check->words, criterion->curve_count);
		report_text(check, "",
			criterion->curve_count == 1 ? " point; a curve has at least 2"
						    : " points; a curve has at least 2");
	}
	for (size_t i = 0; i < criterion->curve_count; i++) {
		const struct lf_curve_point *point = &criterion->curve[i];
		size_t before = check->field.length;

		at_index(check, i);
		on_scale(check, ".rating", point->rating);
		(void)within(check, ".value", point->value, 0, 1);
		if (i > 0 && point->rating <= point[-1].rating)
			report_relation(check, ".rating", point->rating, " is not above ", point[-1].rating,
				", the rating of the point before it");
		if (i > 0 && point->value < point[-1].value)
			report_relation(check, ".value", point->value, " is below ", point[-1].value,
				", the value of the point before it: a higher rating may not be worth less");
		check->field.length = before;
	}
	check->field.length = length;
}

static void check_prior(struct check *check, const struct lf_criterion_def *criterion)
{
	size_t length = check->field.length;

	lf_text_put(&check->field, ".prior");
	(void)within(check, ".strength", criterion->prior_strength, 0, LF_MAGNITUDE_MAX);
	if (criterion->prior_strength != 0)
		on_scale(check, ".default_mean", criterion->prior_default_mean);
	for (size_t d = 0; criterion->prior_mean != NULL && d < check->def->discipline_count; d++) {
		size_t before = check->field.length;

		lf_text_put(&check->field, ".mean");
		at_key(check, check->def->disciplines[d].id);
		on_scale(check, "", criterion->prior_mean[d]);
		check->field.length = before;
	}
	check->field.length = length;
}

static bool need_is_repeated(const struct lf_criterion_def *criterion, size_t index)
{
	for (size_t i = 0; i < index; i++) {
		if (criterion->needs[i].discipline == criterion->needs[index].discipline)
			return true;
	}
	return false;
}

static void check_needs(struct check *check, const struct lf_criterion_def *criterion)
{
	bool some_positive = false;

	if (criterion->derived != LF_DOMAIN_ALIGNMENT) {
		if (criterion->need_count > 0)
			report_text(check, ".needs", "only a criterion derived as DOMAIN_ALIGNMENT has needs");
		return;
	}
	for (size_t i = 0; i < criterion->need_count; i++) {
		const struct lf_need_def *need = &criterion->needs[i];
		size_t length = check->field.length;

		lf_text_put(&check->field, ".needs");
		at_index(check, i);
		if (need->discipline >= check->def->discipline_count)
			report_text(check, ".discipline", "is not a discipline of this rubric");
		else if (need_is_repeated(criterion, i))
			report_text(check, ".discipline", "has a need above already");
		some_positive |= check_linear(check, "", &need->amount);
		check->field.length = length;
	}
	if (criterion->need_count == 0)
		report_text(check, ".needs", "none; a criterion derived as DOMAIN_ALIGNMENT has at least 1");
	else if (!some_positive)
		report_text(
			check, ".needs", "none can be above 0, whatever the traits: everybody would have alignment 0");
}

static void check_criteria(struct check *check)
{
	const struct lf_rubric_def *def = check->def;
	bool some_positive = false;

	for (size_t j = 0; j < def->criterion_count; j++) {
		const struct lf_criterion_def *criterion = &def->criteria[j];

		at(check, "criteria");
		at_index(check, j);
		if ((unsigned)criterion->derived > LF_TEAM_COVERAGE)
			report_text(check, ".derived", "is none of RATED, DOMAIN_ALIGNMENT, TEAM_COVERAGE");
		some_positive |= check_linear(check, ".weight", &criterion->weight);
		if (criterion->derived == LF_RATED) {
			check_curve(check, criterion);
			check_prior(check, criterion);
			(void)within(check, ".unknown_value", criterion->unknown_value, 0, 1);
		} else {
			if (criterion->curve != NULL)
				report_text(check, ".curve", "a derived criterion has no curve");
			if (criterion->prior_strength != 0 || criterion->prior_mean != NULL)
				report_text(check, ".prior", "a derived criterion has no prior");
			if (criterion->unknown_value != 0)
				report_text(check, ".unknown_value", "a derived criterion is never unknown");
		}
		check_needs(check, criterion);
	}
	at(check, "criteria");
	if (def->criterion_count == 0)
		report_text(check, "", "none; a rubric has at least 1");
	else if (!some_positive)
		report_text(check, "", "no weight can be above 0, whatever the traits: nothing could be scored");
}

static void check_gates(struct check *check)
{
	const struct lf_rubric_def *def = check->def;

	if (def->gate_count > GATES_MAX) {
		at(check, "gates");
		lf_text_count(&check->words, def->gate_count);
		report_text(check, "", " are more than 64");
	}
	for (size_t g = 0; g < def->gate_count; g++) {
		const struct lf_gate_def *gate = &def->gates[g];

		at(check, "gates");
		at_index(check, g);
		if (gate->criterion == LF_NONE)
			(void)within(check, ".availability_at_least", gate->at_least, 0, 1);
		else if (gate->criterion >= def->criterion_count)
			report_text(check, ".criterion", "is not a criterion of this rubric");
		else if (def->criteria[gate->criterion].derived == LF_RATED)
			on_scale(check, ".at_least", gate->at_least);
		else
			(void)within(check, ".at_least", gate->at_least, 0, 1);
	}
}

static void check_robustness(struct check *check)
{
	const struct lf_robustness_def *robustness = &check->def->robustness;
	size_t criteria = check->def->criterion_count;

	at(check, "robustness");
	if (robustness->samples > 0 && criteria > LF_PERTURBATIONS_MAX / robustness->samples) {
		lf_text_count(&check->words, robustness->samples);
		lf_text_put(&check->words, " samples of ");
		lf_text_count(&check->words, criteria);
		lf_text_put(&check->words, " criteria are ");
		lf_text_count(&check->words, robustness->samples * criteria);
		lf_text_put(&check->words, " perturbations; at most ");
		lf_text_count(&check->words, LF_PERTURBATIONS_MAX);
		report_text(check, ".samples", " are allowed");
	}
	if (within(check, ".weight_spread", robustness->weight_spread, 0, 1) && robustness->weight_spread == 1)
		report_text(check, ".weight_spread", "1 is not below 1");
	(void)within(check, ".rating_spread", robustness->rating_spread, 0, 1);
}

static void check_thresholds(struct check *check)
{
	const struct lf_rubric_def *def = check->def;

	at(check, "thresholds");
	(void)within(check, ".margin", def->threshold_margin, 0, 1);
	(void)within(check, ".evidence_share", def->threshold_evidence_share, 0, 1);
	if (within(check, ".first_rank_share", def->threshold_first_rank_share, 0, 1) &&
		def->threshold_first_rank_share > 0 && def->robustness.samples == 0)
		report_text(check, ".first_rank_share",
			"can't be computed without robustness, which this rubric does not have");
	(void)within(check, ".co_lead_gain", def->co_lead_gain, 0, 1);
}

size_t lf_rubric_check(const struct lf_rubric_def *def, lf_report_fn report_fn, void *context)
{
	struct check check = {.def = def, .report = report_fn, .context = context};

	check_scale(&check);
	check_sources(&check);
	check_disciplines(&check);
	check_traits(&check);
	check_criteria(&check);
	check_gates(&check);
	at(&check, "expertise");
	(void)within(&check, ".strength", def->expertise_strength, 0, LF_MAGNITUDE_MAX);
	at(&check, "aggregation");
	if ((unsigned)def->aggregation > LF_MINIMUM)
		report_text(&check, "", "is none of ADDITIVE, HARMONIC, MINIMUM");
	check_robustness(&check);
	check_thresholds(&check);
	return check.reported;
}
