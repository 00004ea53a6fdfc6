#include "service/rubric/compiler.h"

#include <stdio.h>
#include <string.h>

#include "proto/base/limits.h"
#include "proto/text/json.h"
#include "service/rubric/builder.h"

/* ---- names ---- */

static bool build_names(
	struct builder *b, struct lf_name_index *names, const char *const *ids, size_t count, const char *field)
{
	uint32_t duplicate;

	if (!lf_name_index_build(names, ids, count, b->arena, &duplicate)) {
		b->exhausted = true;
		return false;
	}
	if (duplicate != LF_NO_NAME) {
		size_t mark = lf_path_push_index(&b->check.path, field, duplicate);

		lf_check_fail(&b->check, "id", "\"%.128s\" is listed twice", ids[duplicate]);
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
	struct lf_rubric_version *version = b->version;
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

static const double *convert_covers(struct builder *b, size_t self, const Leadfit__V1__Discipline *from)
{
	double *covers;

	if (from->n_covers == 0 || (covers = take(b, b->version->disciplines.count, sizeof(*covers))) == NULL)
		return NULL;
	covers[self] = 1;
	for (size_t i = 0; i < from->n_covers; i++) {
		const Leadfit__V1__Discipline__CoversEntry *entry = from->covers[i];
		uint32_t discipline = lf_name_index_find(&b->version->disciplines, entry->key);

		if (discipline == LF_NO_NAME)
			lf_check_undeclared(
				&b->check, "covers", entry->key, "discipline", entry->key, &b->version->disciplines);
		else
			covers[discipline] = entry->value;
		lf_check_range_key(&b->check, "covers", entry->key, entry->value, 0, 1);
	}
	return covers;
}

/* Where from the message's criteria, whose types are not converted yet. */
static bool is_derived(const struct builder *b, uint32_t criterion)
{
	return b->message->criteria[criterion]->derived != LEADFIT__V1__DERIVED__RATED;
}

/* One criterion on which evidence shows a discipline; those before it are in to already. false where it is wrong. */
static bool convert_shown_by(struct builder *b, const char *name, struct lf_discipline_def *to, uint32_t *criterion)
{
	*criterion = lf_name_index_find(&b->version->criteria, name);
	if (*criterion == LF_NO_NAME) {
		lf_check_undeclared(&b->check, "", NULL, "criterion", name, &b->version->criteria);
		return false;
	}
	if (is_derived(b, *criterion)) {
		lf_check_fail(
			&b->check, "", "\"%.128s\" is derived and takes no ratings; allowed are rated criteria", name);
		return false;
	}
	for (size_t i = 0; i < to->shown_by_count; i++) {
		if (to->shown_by[i] != *criterion)
			continue;
		lf_check_fail(&b->check, "", "\"%.128s\" is listed twice", name);
		return false;
	}
	return true;
}

static void convert_all_shown_by(struct builder *b, const Leadfit__V1__Discipline *from, struct lf_discipline_def *to)
{
	uint32_t *criteria;

	if (from->n_shown_by == 0 || !lf_check_count(&b->check, "shown_by", from->n_shown_by, LF_CRITERIA_MAX))
		return;
	criteria = take(b, from->n_shown_by, sizeof(*criteria));
	to->shown_by = criteria;
	for (size_t i = 0; criteria != NULL && i < from->n_shown_by; i++) {
		size_t mark = lf_path_push_index(&b->check.path, "shown_by", i);

		to->shown_by_count += convert_shown_by(b, from->shown_by[i], to, &criteria[to->shown_by_count]);
		lf_path_pop(&b->check.path, mark);
	}
}

static void convert_disciplines(struct builder *b)
{
	const struct lf_name_index *names = &b->version->disciplines;
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
			convert_all_shown_by(b, from, &disciplines[i]);
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
		lf_check_range_key(&b->check, "sources", from->key, from->value, 0, LF_RUBRIC_NUMBER_MAX);
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
	to->criterion = lf_name_index_find(&b->version->criteria, from->criterion);
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

static void convert_expertise(struct builder *b, const Leadfit__V1__Expertise *from)
{
	char number[32];

	if (from == NULL)
		return;
	b->def.expertise_strength = from->strength;
	if (from->strength > 0 && from->strength <= LF_RUBRIC_NUMBER_MAX)
		return;
	lf_print_double(from->strength, number);
	lf_check_fail(&b->check, "expertise.strength", "%s is not allowed: above 0, up to %.0f", number,
		LF_RUBRIC_NUMBER_MAX);
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
	convert_expertise(b, m->expertise);
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
		lf_build_criteria(b);
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

enum lf_code lf_rubric_version_compile(struct lf_rubric_version *version, const char *prefix, struct lf_error *error)
{
	struct builder b = {
		.version = version, .message = version->message, .arena = &version->arena, .check.error = error};

	if (*prefix != '\0')
		lf_path_push(&b.check.path, prefix);
	return build(&b, error);
}
