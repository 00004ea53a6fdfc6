/* The block of memory of a compiled rubric, and the deep copy of the definition in it. */
#include <stdint.h>
#include <string.h>
#include "service/engine/layout.h"

enum { ALIGNMENT = 16, LANES_ALIGNMENT = 64 };

void *lf_take(struct lf_layout *layout, size_t count, size_t size)
{
	size_t at = layout->used;

	layout->used += (count * size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	return layout->base != NULL && count > 0 ? layout->base + at : NULL;
}

void *lf_take_lanes(struct lf_layout *layout, size_t count, size_t size)
{
	/* Reserves what alignment may cost. */
	unsigned char *at = lf_take(layout, count * size + LANES_ALIGNMENT, 1);

	return at == NULL ? NULL : at + (LANES_ALIGNMENT - (uintptr_t)at % LANES_ALIGNMENT) % LANES_ALIGNMENT;
}

void *lf_keep(struct lf_layout *layout, const void *from, size_t count, size_t size)
{
	void *to = from != NULL ? lf_take(layout, count, size) : NULL;

	if (to != NULL)
		memcpy(to, from, count * size);
	return to;
}

const char *lf_keep_text(struct lf_layout *layout, const char *text)
{
	return lf_keep(layout, text != NULL ? text : "", text != NULL ? strlen(text) + 1 : 1, 1);
}

static void keep_linear(struct lf_layout *layout, struct lf_linear *linear, size_t trait_count)
{
	linear->by_trait = lf_keep(layout, linear->by_trait, trait_count, sizeof(double));
}

static void keep_criterion(
	struct lf_layout *layout, struct lf_criterion_def *criterion, const struct lf_rubric_def *def)
{
	struct lf_need_def *needs;

	criterion->id = lf_keep_text(layout, criterion->id);
	criterion->title = lf_keep_text(layout, criterion->title);
	criterion->curve = lf_keep(layout, criterion->curve, criterion->curve_count, sizeof(*criterion->curve));
	criterion->prior_mean = lf_keep(layout, criterion->prior_mean, def->discipline_count, sizeof(double));
	keep_linear(layout, &criterion->weight, def->trait_count);
	needs = lf_take(layout, criterion->need_count, sizeof(*needs));
	for (size_t i = 0; i < criterion->need_count; i++) {
		struct lf_need_def need = criterion->needs[i];

		keep_linear(layout, &need.amount, def->trait_count);
		if (needs != NULL)
			needs[i] = need;
	}
	criterion->needs = needs;
}

static void keep_disciplines(struct lf_layout *layout, struct lf_rubric_def *def)
{
	struct lf_discipline_def *disciplines = lf_take(layout, def->discipline_count, sizeof(*disciplines));

	for (size_t d = 0; d < def->discipline_count; d++) {
		struct lf_discipline_def discipline = def->disciplines[d];

		discipline.id = lf_keep_text(layout, discipline.id);
		discipline.title = lf_keep_text(layout, discipline.title);
		discipline.covers = lf_keep(layout, discipline.covers, def->discipline_count, sizeof(double));
		discipline.shown_by = lf_keep(layout, discipline.shown_by, discipline.shown_by_count, sizeof(uint32_t));
		if (disciplines != NULL)
			disciplines[d] = discipline;
	}
	def->disciplines = disciplines;
}

static void keep_traits(struct lf_layout *layout, struct lf_rubric_def *def)
{
	struct lf_trait_def *traits = lf_take(layout, def->trait_count, sizeof(*traits));

	for (size_t t = 0; t < def->trait_count; t++) {
		struct lf_trait_def trait = def->traits[t];

		trait.id = lf_keep_text(layout, trait.id);
		trait.title = lf_keep_text(layout, trait.title);
		if (traits != NULL)
			traits[t] = trait;
	}
	def->traits = traits;
}

static void keep_sources(struct lf_layout *layout, struct lf_rubric_def *def)
{
	const char **ids = lf_take(layout, def->source_count, sizeof(*ids));

	for (size_t s = 0; s < def->source_count; s++) {
		const char *id = lf_keep_text(layout, def->source_ids != NULL ? def->source_ids[s] : "");

		if (ids != NULL)
			ids[s] = id;
	}
	def->source_ids = ids;
	def->source_weights = lf_keep(layout, def->source_weights, def->source_count, sizeof(double));
}

void lf_keep_def(struct lf_layout *layout, struct lf_rubric_def *def)
{
	struct lf_criterion_def *criteria = lf_take(layout, def->criterion_count, sizeof(*criteria));

	for (size_t j = 0; j < def->criterion_count; j++) {
		struct lf_criterion_def criterion = def->criteria[j];

		keep_criterion(layout, &criterion, def);
		if (criteria != NULL)
			criteria[j] = criterion;
	}
	def->criteria = criteria;
	def->name = lf_keep_text(layout, def->name);
	def->gates = lf_keep(layout, def->gates, def->gate_count, sizeof(*def->gates));
	keep_disciplines(layout, def);
	keep_traits(layout, def);
	keep_sources(layout, def);
}
