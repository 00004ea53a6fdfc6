/*
 * What is allowed in a rubric but probably not meant. Only numbers and titles; what only the file has is the service's
 * to look at.
 */
#include "service/engine/finding.h"
#include "service/engine/internal.h"

/* From here on a threshold lets hardly anything pass. */
static const double margin_high = 0.5, share_high = 0.99, evidence_high = 0.9, gain_high = 0.5;

/* The highest that base + Σ c·τ can be for τ in 0..1; 0 where it is above 0 only by rounding, as in scoring. */
static double highest(const struct lf_rubric_def *def, const struct lf_linear *linear)
{
	double sum = linear->base, size = sum < 0 ? -sum : sum;

	for (size_t t = 0; linear->by_trait != NULL && t < def->trait_count; t++) {
		if (linear->by_trait[t] > 0) {
			sum += linear->by_trait[t];
			size += linear->by_trait[t];
		}
	}
	return sum > size * 0x1p-48 ? sum : 0;
}

/* ---- parts ---- */

static void warn_sources(struct check *check)
{
	for (size_t s = 0; s < check->def->source_count; s++) {
		if (check->def->source_weights[s] != 0)
			continue;
		at(check, "sources");
		at_key(check, check->def->source_ids[s]);
		report_text(check, "", "is 0: evidence from this source counts for nothing");
	}
	if (check->def->half_life_days > 0 && check->def->half_life_days < 1) {
		at(check, "half_life_days");
		lf_text_number(&check->words, check->def->half_life_days);
		report_text(check, "", " of a day: evidence of last week would count for next to nothing");
	}
}

/* Reports that items[index] has the title of an item above. */
static void warn_equal_title(struct check *check, const char *list, size_t index, const char *title, const char *id)
{
	at(check, list);
	at_index(check, index);
	lf_text_put(&check->words, "\"");
	lf_text_put(&check->words, title);
	lf_text_put(&check->words, "\" is the title of ");
	lf_text_put(&check->words, id);
	report_text(check, ".title", ", too: people can't tell them apart");
}

static void warn_titles(struct check *check)
{
	const struct lf_rubric_def *def = check->def;

	for (size_t i = 1; i < def->discipline_count; i++)
		for (size_t k = 0; k < i; k++)
			if (*def->disciplines[i].title != '\0' &&
				strcmp(def->disciplines[i].title, def->disciplines[k].title) == 0) {
				warn_equal_title(
					check, "disciplines", i, def->disciplines[i].title, def->disciplines[k].id);
				break;
			}
	for (size_t i = 1; i < def->trait_count; i++)
		for (size_t k = 0; k < i; k++)
			if (*def->traits[i].title != '\0' && strcmp(def->traits[i].title, def->traits[k].title) == 0) {
				warn_equal_title(check, "traits", i, def->traits[i].title, def->traits[k].id);
				break;
			}
	for (size_t i = 1; i < def->criterion_count; i++)
		for (size_t k = 0; k < i; k++)
			if (*def->criteria[i].title != '\0' &&
				strcmp(def->criteria[i].title, def->criteria[k].title) == 0) {
				warn_equal_title(check, "criteria", i, def->criteria[i].title, def->criteria[k].id);
				break;
			}
}

static bool trait_moves_something(const struct lf_rubric_def *def, size_t trait)
{
	for (size_t j = 0; j < def->criterion_count; j++) {
		const struct lf_criterion_def *criterion = &def->criteria[j];

		if (criterion->weight.by_trait != NULL && criterion->weight.by_trait[trait] != 0)
			return true;
		for (size_t n = 0; n < criterion->need_count; n++)
			if (criterion->needs[n].amount.by_trait != NULL &&
				criterion->needs[n].amount.by_trait[trait] != 0)
				return true;
	}
	return false;
}

static void warn_traits(struct check *check)
{
	for (size_t t = 0; t < check->def->trait_count; t++) {
		if (trait_moves_something(check->def, t))
			continue;
		at(check, "traits");
		at_index(check, t);
		lf_text_put(&check->words, check->def->traits[t].id);
		report_text(check, "", " moves nothing: no weight and no need names it");
	}
}

/* At .curve of a criterion: flat everywhere, or towards an end of the scale. */
static void warn_curve(struct check *check, const struct lf_criterion_def *criterion)
{
	const struct lf_rubric_def *def = check->def;
	const size_t length = check->field.length;
	const struct lf_curve_point *first, *last;

	if (criterion->curve == NULL)
		return;
	first = criterion->curve;
	last = first + criterion->curve_count - 1;

	lf_text_put(&check->field, ".curve");
	if (first->value >= last->value) {
		lf_text_put(&check->words, "every rating is worth ");
		lf_text_number(&check->words, first->value);
		report_text(check, "", ": this criterion tells nobody apart");
	} else {
		const size_t before = check->field.length;

		at_index(check, 0);
		if (first->rating > def->scale_min) {
			lf_text_put(&check->words, "flat from ");
			lf_text_number(&check->words, def->scale_min);
			lf_text_put(&check->words, ", the scale's min: no rating up to ");
			lf_text_number(&check->words, first->rating);
			report_text(check, ".rating", " differs from another");
		}
		check->field.length = before;
		at_index(check, criterion->curve_count - 1);
		if (last->rating < def->scale_max) {
			lf_text_put(&check->words, "flat up to ");
			lf_text_number(&check->words, def->scale_max);
			lf_text_put(&check->words, ", the scale's max: no rating from ");
			lf_text_number(&check->words, last->rating);
			report_text(check, ".rating", " on differs from another");
		}
	}
	check->field.length = length;
}

static void warn_needs(struct check *check, const struct lf_criterion_def *criterion)
{
	for (size_t n = 0; n < criterion->need_count; n++) {
		const size_t length = check->field.length;

		if (highest(check->def, &criterion->needs[n].amount) > 0)
			continue;
		lf_text_put(&check->field, ".needs");
		at_index(check, n);
		lf_text_put(&check->words, "can never be above 0, whatever the traits: ");
		lf_text_put(&check->words, check->def->disciplines[criterion->needs[n].discipline].id);
		report_text(check, "", " is never needed");
		check->field.length = length;
	}
}

/* At a rated criterion: what counts where nothing is known. */
static void warn_unknown(struct check *check, const struct lf_criterion_def *criterion)
{
	if (criterion->derived != LF_RATED)
		return;
	if (criterion->prior_strength > 0) {
		if (!criterion->unknown_unsaid && criterion->unknown_value > 0)
			report_text(check, ".unknown_value", "never counts: the prior does where there is no evidence");
	} else if (criterion->unknown_unsaid && highest(check->def, &criterion->weight) > 0) {
		report_text(check, "",
			"has no prior: it counts 0 for everybody without evidence, as the lowest rating would; "
			"unknown_value says what it counts");
	}
}

/* Disciplines that a project may need and only a label, or a piece's own domain, can show. */
static void warn_unshown(struct check *check, const struct lf_criterion_def *criterion)
{
	const struct lf_rubric_def *def = check->def;

	for (size_t n = 0; n < criterion->need_count && def->expertise_strength > 0; n++) {
		const struct lf_discipline_def *discipline = &def->disciplines[criterion->needs[n].discipline];
		const size_t length = check->field.length;

		if (discipline->shown_by_count > 0 || !(highest(def, &criterion->needs[n].amount) > 0))
			continue;
		lf_text_put(&check->field, ".needs");
		at_index(check, n);
		lf_text_put(&check->words, discipline->id);
		report_text(check, "",
			" is shown by no criterion: only a label, or evidence that names it as its domain, counts");
		check->field.length = length;
	}
}

static void warn_criteria(struct check *check)
{
	const struct lf_rubric_def *def = check->def;

	for (size_t j = 0; j < def->criterion_count; j++) {
		const struct lf_criterion_def *criterion = &def->criteria[j];

		at(check, "criteria");
		at_index(check, j);
		if (!(highest(def, &criterion->weight) > 0)) {
			lf_text_put(&check->words, "can never be above 0, whatever the traits: ");
			lf_text_put(&check->words, criterion->id);
			report_text(check, ".weight", " never matters");
		}
		warn_curve(check, criterion);
		warn_unknown(check, criterion);
		warn_needs(check, criterion);
		warn_unshown(check, criterion);
		for (size_t k = 0; criterion->derived == LF_TEAM_COVERAGE && k < j; k++) {
			if (def->criteria[k].derived != LF_TEAM_COVERAGE)
				continue;
			lf_text_put(&check->words, "always has the value of ");
			lf_text_put(&check->words, def->criteria[k].id);
			report_text(check, ".derived", ": the same is counted twice");
			break;
		}
	}
}

/* What no label, and no evidence, can make a difference to. */
static void warn_expertise(struct check *check)
{
	const struct lf_rubric_def *def = check->def;
	bool some_derived = false;

	for (size_t j = 0; j < def->criterion_count; j++)
		some_derived |= def->criteria[j].derived != LF_RATED && highest(def, &def->criteria[j].weight) > 0;
	if (def->expertise_strength > 0 && !some_derived) {
		at(check, "expertise");
		report_text(check, "", "never counts: no criterion with a weight is derived from disciplines");
	}
	for (size_t d = 0; d < def->discipline_count && !(def->expertise_strength > 0); d++) {
		if (def->disciplines[d].shown_by_count == 0)
			continue;
		at(check, "disciplines");
		at_index(check, d);
		report_text(check, ".shown_by", "never counts: the rubric has no expertise, so labels decide");
	}
}

static void warn_gate(struct check *check, const struct lf_gate_def *gate)
{
	const struct lf_rubric_def *def = check->def;
	const struct lf_criterion_def *criterion;

	if (gate->criterion == LF_NONE) {
		if (gate->at_least <= 0)
			report_text(check, ".availability_at_least", "is 0: everybody passes");
		return;
	}
	criterion = &def->criteria[gate->criterion];

	if (criterion->derived != LF_RATED) {
		if (gate->at_least <= 0)
			report_text(check, ".at_least", "is 0: everybody passes");
	} else if (gate->at_least <= def->scale_min) {
		lf_text_put(&check->words, "is the scale's min: everybody passes");
		report_text(check, ".at_least",
			criterion->prior_strength > 0 ? "" : " but those without any evidence on the criterion");
	}
}

static void warn_gates(struct check *check)
{
	const struct lf_rubric_def *def = check->def;

	for (size_t g = 0; g < def->gate_count; g++) {
		at(check, "gates");
		at_index(check, g);
		warn_gate(check, &def->gates[g]);
		for (size_t other = 0; other < g; other++) {
			if (def->gates[other].criterion != def->gates[g].criterion)
				continue;
			lf_text_put(&check->words, "asks for the same thing as gates[");
			lf_text_count(&check->words, other);
			report_text(check, "", "]: only the higher of the two matters");
			break;
		}
	}
}

/* At .name of the thresholds: a value that is so high that nearly nothing reaches it. */
static void warn_high(struct check *check, const char *suffix, double value, const char *consequence)
{
	lf_text_number(&check->words, value);
	lf_text_put(&check->words, " is so high that ");
	report_text(check, suffix, consequence);
}

static void warn_thresholds(struct check *check)
{
	const struct lf_rubric_def *def = check->def;
	bool some_rated = false, some_prior = false;

	for (size_t j = 0; j < def->criterion_count; j++) {
		some_rated |= def->criteria[j].derived == LF_RATED;
		some_prior |= def->criteria[j].derived == LF_RATED && def->criteria[j].prior_strength > 0;
	}
	at(check, "thresholds");
	if (def->threshold_margin >= margin_high)
		warn_high(check, ".margin", def->threshold_margin,
			"hardly anybody could ever be recommended: scores go from 0 to 1");
	if (def->threshold_first_rank_share >= share_high)
		warn_high(check, ".first_rank_share", def->threshold_first_rank_share,
			"only who ranks first in every perturbation could be recommended");
	if (def->threshold_evidence_share > 0 && !some_rated && !(def->expertise_strength > 0))
		report_text(
			check, ".evidence_share", "no criterion is rated: every answer would be INSUFFICIENT_EVIDENCE");
	else if (def->threshold_evidence_share >= evidence_high && some_prior)
		warn_high(check, ".evidence_share", def->threshold_evidence_share,
			"hardly anybody could have evidence enough: the priors always weigh something");
	if (def->co_lead_gain >= gain_high)
		warn_high(check, ".co_lead_gain", def->co_lead_gain, "a co-lead would hardly ever be named");
}

static void warn_robustness(struct check *check)
{
	const struct lf_robustness_def *robustness = &check->def->robustness;

	if (robustness->samples == 0 || robustness->weights_unknown || robustness->weight_spread > 0 ||
		robustness->rating_spread > 0)
		return;
	at(check, "robustness");
	report_text(check, "",
		"has neither weight_spread, weights_unknown nor rating_spread: nothing is perturbed, and every "
		"first-rank share is 0 or 1, or "
		"that of a tie");
}

size_t lf_rubric_warn(const struct lf_rubric_def *def, lf_report_fn report_fn, void *context)
{
	struct check check = {.def = def, .report = report_fn, .context = context};

	warn_sources(&check);
	warn_titles(&check);
	warn_traits(&check);
	warn_criteria(&check);
	warn_expertise(&check);
	warn_gates(&check);
	warn_robustness(&check);
	warn_thresholds(&check);
	return check.reported;
}
