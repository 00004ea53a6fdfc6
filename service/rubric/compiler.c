#include "service/rubric/compiler.h"

#include <stdlib.h>
#include <string.h>

#include "proto/text/json.h"
#include "proto/base/limits.h"
#include "proto/wire/wire.h"
#include "service/rubric/checker.h"

/*
 * Weights, coefficients and strengths are moderate numbers: enough for any rubric, and far from where doubles overflow.
 */
static const double number_max = 1e6;

struct builder {
	struct lf_version *version;
	const Leadfit__V1__Rubric *message;
	struct lf_arena *arena;
	struct lf_checker check;
	struct lf_rubric_def def;
	bool exhausted;
};

static void *take(struct builder *b, size_t count, size_t size)
{
	void *memory = lf_arena_zalloc(b->arena, count, size);

	b->exhausted |= memory == NULL;
	return memory;
}

/* ---- names ---- */

static bool build_names(
	struct builder *b, struct lf_names *names, const char *const *ids, size_t count, const char *field)
{
	uint32_t duplicate;

	if (!lf_names_build(names, ids, count, b->arena, &duplicate)) {
		b->exhausted = true;
		return false;
	}
	if (duplicate != LF_NO_NAME) {
		size_t mark = lf_path_push_index(&b->check.path, field, duplicate);

		lf_check_fail(&b->check, "id", "\"%.128s\" stands twice", ids[duplicate]);
		lf_path_pop(&b->check.path, mark);
	}
	return true;
}

/* Declared names of one kind, in the rubric's order. */
#define COLLECT_IDS(b, ids, array, count)                                                                              \
	do {                                                                                                           \
		(ids) = take((b), (count) + 1, sizeof(*(ids)));                                                        \
		for (size_t i_ = 0; (ids) != NULL && i_ < (count); i_++)                                               \
			(ids)[i_] = (array)[i_]->id;                                                                   \
	} while (0)

static void add_open_discipline(const char **ids, size_t *count, const char *id)
{
	for (size_t i = 0; i < *count; i++)
		if (strcmp(ids[i], id) == 0)
			return;
	if (*count < LF_DISCIPLINES_MAX)
		ids[(*count)++] = id;
}

/* Where a rubric declares no disciplines, those that its priors and needs name are known all the same. */
static const char **open_disciplines(struct builder *b, size_t *count)
{
	const char **ids = take(b, LF_DISCIPLINES_MAX, sizeof(*ids));

	*count = 0;
	for (size_t i = 0; ids != NULL && i < b->message->n_criteria; i++) {
		const Leadfit__V1__Criterion *criterion = b->message->criteria[i];

		for (size_t n = 0; n < criterion->n_needs; n++)
			add_open_discipline(ids, count, criterion->needs[n]->discipline);
		for (size_t n = 0; criterion->prior != NULL && n < criterion->prior->n_mean; n++)
			add_open_discipline(ids, count, criterion->prior->mean[n]->key);
	}
	return ids;
}

static bool collect_names(struct builder *b)
{
	const Leadfit__V1__Rubric *m = b->message;
	struct lf_version *version = b->version;
	const char **traits, **criteria, **disciplines, **sources;
	size_t discipline_count = m->n_disciplines;

	COLLECT_IDS(b, traits, m->traits, m->n_traits);
	COLLECT_IDS(b, criteria, m->criteria, m->n_criteria);
	version->disciplines_open = m->n_disciplines == 0;
	if (version->disciplines_open)
		disciplines = open_disciplines(b, &discipline_count);
	else
		COLLECT_IDS(b, disciplines, m->disciplines, m->n_disciplines);
	sources = take(b, m->n_sources + 1, sizeof(*sources));
	if (b->exhausted)
		return false;
	for (size_t i = 0; i < m->n_sources; i++)
		sources[i] = m->sources[i]->key;
	version->sources_open = m->n_sources == 0;
	return build_names(b, &version->traits, traits, m->n_traits, "traits") &&
		build_names(b, &version->criteria, criteria, m->n_criteria, "criteria") &&
		build_names(b, &version->disciplines, disciplines, discipline_count, "disciplines") &&
		build_names(b, &version->sources, sources, m->n_sources, "sources");
}

/* ---- parts ---- */

static void check_number(struct builder *b, const char *field, const char *key, double value)
{
	if (key != NULL)
		lf_check_range_key(&b->check, field, key, value, -number_max, number_max);
	else
		lf_check_range(&b->check, field, value, -number_max, number_max);
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

/* A map from traits to coefficients as an array over the rubric's traits. */
static const double *convert_coefficients(
	struct builder *b, size_t count, Leadfit__V1__Weight__TraitsEntry *const *entries)
{
	double *by_trait = take(b, b->version->traits.count + 1, sizeof(*by_trait));

	for (size_t i = 0; by_trait != NULL && i < count; i++) {
		uint32_t trait = lf_names_find(&b->version->traits, entries[i]->key);

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

		needs[i].discipline = lf_names_find(&b->version->disciplines, need->discipline);
		if (lf_check_id(&b->check, "discipline", need->discipline) && needs[i].discipline == LF_NO_NAME)
			lf_check_undeclared(&b->check, "discipline", NULL, "discipline", need->discipline,
				&b->version->disciplines);
		for (size_t k = 0; k < i; k++)
			if (needs[k].discipline == needs[i].discipline && needs[i].discipline != LF_NO_NAME)
				lf_check_fail(&b->check, "discipline", "\"%.128s\" stands twice", need->discipline);
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

	lf_check_range(&b->check, "strength", from->strength, 0, number_max);
	to->prior_strength = from->strength;
	to->prior_default_mean = from->default_mean != NULL ? from->default_mean->value : middle;
	if (from->default_mean != NULL)
		check_rating(b, "default_mean", NULL, from->default_mean->value);
	for (size_t d = 0; mean != NULL && d < count; d++)
		mean[d] = to->prior_default_mean;
	for (size_t i = 0; mean != NULL && i < from->n_mean; i++) {
		const Leadfit__V1__Prior__MeanEntry *entry = from->mean[i];
		uint32_t discipline = lf_names_find(&b->version->disciplines, entry->key);

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

static void convert_criterion(struct builder *b, const Leadfit__V1__Criterion *from, struct lf_criterion_def *to)
{
	size_t mark;

	lf_check_id(&b->check, "id", from->id);
	lf_check_text(&b->check, "title", from->title, LF_TITLE_BYTES_MAX);
	lf_check_text(&b->check, "description", from->description, LF_TEXT_BYTES_MAX);
	to->id = from->id;
	to->title = from->title;
	to->seed = seed_of(from->id);
	to->derived = (enum lf_derived)from->derived;
	if ((int)from->derived < 0 || (int)from->derived > LF_TEAM_COVERAGE) {
		lf_check_fail(&b->check, "derived",
			"%d is not known; allowed are RATED, DOMAIN_ALIGNMENT, TEAM_COVERAGE", (int)from->derived);
		to->derived = LF_RATED;
	}
	if (to->derived != LF_RATED && from->n_curve > 0)
		lf_check_fail(&b->check, "curve", "a derived criterion has no curve");
	if (to->derived != LF_RATED && from->prior != NULL)
		lf_check_fail(&b->check, "prior", "a derived criterion has no prior");
	if (to->derived != LF_RATED && from->n_levels > 0)
		lf_check_fail(&b->check, "levels", "a derived criterion has no levels");
	check_levels(b, from);
	if (to->derived == LF_RATED)
		convert_curve(b, from, to);
	if (to->derived == LF_RATED && from->prior != NULL)
		convert_prior(b, from->prior, to);
	convert_needs(b, from, to);
	to->weight.by_trait = take(b, b->version->traits.count + 1, sizeof(double));
	if (from->weight == NULL) {
		lf_check_fail(&b->check, "weight", "is required");
		return;
	}
	mark = lf_path_push(&b->check.path, "weight");
	check_number(b, "base", NULL, from->weight->base_weight);
	to->weight.base = from->weight->base_weight;
	to->weight.by_trait = convert_coefficients(b, from->weight->n_traits, from->weight->traits);
	lf_path_pop(&b->check.path, mark);
}

static void convert_criteria(struct builder *b)
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

static const double *convert_covers(struct builder *b, size_t self, const Leadfit__V1__Discipline *from)
{
	double *covers;

	if (from->n_covers == 0 || (covers = take(b, b->version->disciplines.count, sizeof(*covers))) == NULL)
		return NULL;
	covers[self] = 1;
	for (size_t i = 0; i < from->n_covers; i++) {
		const Leadfit__V1__Discipline__CoversEntry *entry = from->covers[i];
		uint32_t discipline = lf_names_find(&b->version->disciplines, entry->key);

		if (discipline == LF_NO_NAME)
			lf_check_undeclared(
				&b->check, "covers", entry->key, "discipline", entry->key, &b->version->disciplines);
		else
			covers[discipline] = entry->value;
		lf_check_range_key(&b->check, "covers", entry->key, entry->value, 0, 1);
	}
	return covers;
}

static void convert_disciplines(struct builder *b)
{
	const struct lf_names *names = &b->version->disciplines;
	struct lf_discipline_def *disciplines = take(b, names->count + 1, sizeof(*disciplines));

	for (size_t i = 0; disciplines != NULL && i < names->count; i++) {
		const Leadfit__V1__Discipline *from = b->version->disciplines_open ? NULL : b->message->disciplines[i];
		size_t mark = lf_path_push_index(&b->check.path, "disciplines", i);

		disciplines[i] =
			(struct lf_discipline_def){.id = names->ids[i], .title = from != NULL ? from->title : ""};
		if (from != NULL) {
			lf_check_id(&b->check, "id", from->id);
			lf_check_text(&b->check, "title", from->title, LF_TITLE_BYTES_MAX);
			disciplines[i].covers = convert_covers(b, i, from);
		}
		lf_path_pop(&b->check.path, mark);
	}
	b->def.disciplines = disciplines;
	b->def.discipline_count = names->count;
}

static void convert_traits(struct builder *b)
{
	struct lf_trait_def *traits = take(b, b->message->n_traits + 1, sizeof(*traits));

	for (size_t i = 0; traits != NULL && i < b->message->n_traits; i++) {
		const Leadfit__V1__Trait *from = b->message->traits[i];
		size_t mark = lf_path_push_index(&b->check.path, "traits", i);

		lf_check_id(&b->check, "id", from->id);
		lf_check_text(&b->check, "title", from->title, LF_TITLE_BYTES_MAX);
		lf_check_text(&b->check, "question", from->question, LF_TEXT_BYTES_MAX);
		traits[i] = (struct lf_trait_def){
			from->id, from->title, from->default_ != NULL ? from->default_->value : 0.5};
		lf_check_range(&b->check, "default", traits[i].default_value, 0, 1);
		lf_path_pop(&b->check.path, mark);
	}
	b->def.traits = traits;
	b->def.trait_count = b->message->n_traits;
}

static void convert_sources(struct builder *b)
{
	double *weights = take(b, b->message->n_sources + 1, sizeof(*weights));

	for (size_t i = 0; weights != NULL && i < b->message->n_sources; i++) {
		const Leadfit__V1__Rubric__SourcesEntry *from = b->message->sources[i];

		lf_check_name(&b->check, "sources", from->key, from->key);
		lf_check_range_key(&b->check, "sources", from->key, from->value, 0, number_max);
		weights[i] = from->value;
	}
	b->def.source_ids = b->version->sources.ids;
	b->def.source_weights = weights;
	b->def.source_count = b->message->n_sources;
}

static void convert_gate(struct builder *b, const Leadfit__V1__Gate *from, struct lf_gate_def *to)
{
	bool on_criterion = *from->criterion != '\0';

	*to = (struct lf_gate_def){.criterion = LF_NONE};
	if (on_criterion == (from->availability_at_least != NULL) || on_criterion != (from->at_least != NULL)) {
		lf_check_fail(&b->check, "", "has either criterion and at_least, or availability_at_least");
		return;
	}
	if (!on_criterion) {
		to->at_least = from->availability_at_least->value;
		return;
	}
	to->at_least = from->at_least->value;
	to->criterion = lf_names_find(&b->version->criteria, from->criterion);
	if (to->criterion == LF_NO_NAME) {
		to->criterion = (uint32_t)b->version->criteria.count; /* none, and not availability either */
		lf_check_undeclared(&b->check, "criterion", NULL, "criterion", from->criterion, &b->version->criteria);
	}
}

static void convert_gates(struct builder *b)
{
	struct lf_gate_def *gates;

	if (!lf_check_count(&b->check, "gates", b->message->n_gates, LF_GATES_MAX))
		return;
	gates = take(b, b->message->n_gates + 1, sizeof(*gates));
	for (size_t i = 0; gates != NULL && i < b->message->n_gates; i++) {
		size_t mark = lf_path_push_index(&b->check.path, "gates", i);

		convert_gate(b, b->message->gates[i], &gates[i]);
		lf_path_pop(&b->check.path, mark);
	}
	b->def.gates = gates;
	b->def.gate_count = b->message->n_gates;
}

static void convert_robustness(struct builder *b, const Leadfit__V1__Robustness *from)
{
	size_t mark;

	if (from == NULL)
		return;
	mark = lf_path_push(&b->check.path, "robustness");
	if (from->samples > LF_SAMPLES_MAX)
		lf_check_fail(&b->check, "samples", "%u is outside 0..%d", from->samples, LF_SAMPLES_MAX);
	if (from->weights_unknown && from->weight_spread != 0)
		lf_check_fail(&b->check, "weights_unknown", "stands beside weight_spread: either is allowed, not both");
	b->def.robustness = (struct lf_robustness_def){
		.samples = from->samples == 0 ? LF_SAMPLES_DEFAULT : from->samples,
		.weight_spread = from->weight_spread,
		.weights_unknown = from->weights_unknown,
		.rating_spread = from->rating_spread,
	};
	lf_path_pop(&b->check.path, mark);
}

static void convert_rest(struct builder *b)
{
	const Leadfit__V1__Rubric *m = b->message;

	lf_check_id(&b->check, "name", m->name);
	lf_check_text(&b->check, "title", m->title, LF_TITLE_BYTES_MAX);
	lf_check_text(&b->check, "description", m->description, LF_TEXT_BYTES_MAX);
	lf_check_count(&b->check, "scenarios", m->n_scenarios, LF_SCENARIOS_MAX);
	b->def.name = m->name;
	b->def.half_life_days = m->half_life_days;
	b->def.aggregation = (enum lf_aggregation)m->aggregation;
	if ((int)m->aggregation < 0 || (int)m->aggregation > LF_MINIMUM) {
		lf_check_fail(&b->check, "aggregation", "%d is not known; allowed are ADDITIVE, HARMONIC, MINIMUM",
			(int)m->aggregation);
		b->def.aggregation = LF_ADDITIVE;
	}
	convert_robustness(b, m->robustness);
	if (m->thresholds == NULL)
		return;
	b->def.threshold_margin = m->thresholds->margin;
	b->def.threshold_evidence_share = m->thresholds->evidence_share;
	b->def.threshold_first_rank_share = m->thresholds->first_rank_share;
	b->def.co_lead_gain = m->thresholds->co_lead_gain;
}

/* Whether the counts are within their limits, without which nothing else is looked at. */
static bool check_counts(struct builder *b)
{
	const Leadfit__V1__Rubric *m = b->message;
	bool good = lf_check_count(&b->check, "traits", m->n_traits, LF_TRAITS_MAX);

	good &= lf_check_count(&b->check, "disciplines", m->n_disciplines, LF_DISCIPLINES_MAX);
	good &= lf_check_count(&b->check, "sources", m->n_sources, LF_SOURCES_MAX);
	good &= lf_check_count(&b->check, "criteria", m->n_criteria, LF_CRITERIA_MAX);
	if (m->n_criteria == 0)
		lf_check_fail(&b->check, "criteria", "is required: 1..%d criteria", LF_CRITERIA_MAX);
	if (m->scale == NULL) {
		lf_check_fail(&b->check, "scale", "is required: {min, max}");
	} else {
		b->def.scale_min = m->scale->min;
		b->def.scale_max = m->scale->max;
	}
	return good;
}

/* The engine's own findings, by the same paths, but for fields at which something is wrong already. */
static void report(void *context, const char *field, const char *description)
{
	struct builder *b = context;
	const struct lf_error *error = b->check.error;
	const size_t mark = lf_path_push(&b->check.path, field);
	bool known = b->message->scale == NULL && strncmp(field, "scale", 5) == 0;

	for (size_t i = 0; error != NULL && !known && i < error->violation_kept; i++)
		known = strcmp(error->violations[i].field, b->check.path.text) == 0;
	lf_path_pop(&b->check.path, mark);
	if (!known)
		lf_check_fail(&b->check, field, "%s", description);
}

static enum lf_code build(struct builder *b, struct lf_error *error)
{
	if (check_counts(b) && collect_names(b)) {
		convert_rest(b);
		convert_disciplines(b);
		convert_traits(b);
		convert_sources(b);
		convert_criteria(b);
		convert_gates(b);
		if (!b->exhausted)
			lf_rubric_check(&b->def, report, b);
	}
	if (b->check.found > 0)
		return lf_error_summarize(error);
	if (!b->exhausted)
		b->version->compiled = lf_rubric_compile(&b->def);
	if (b->version->compiled == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory to compile the rubric");
	return LF_OK;
}

enum lf_code lf_version_compile(struct lf_version *version, const char *prefix, struct lf_error *error)
{
	struct builder b = {
		.version = version, .message = version->message, .arena = &version->arena, .check.error = error};

	if (*prefix != '\0')
		lf_path_push(&b.check.path, prefix);
	return build(&b, error);
}
