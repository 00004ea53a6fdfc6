/*
 * From a checked definition to what scoring reads: canonical orders, responses without their zeros, segments with
 * slopes.
 */
#include <stdlib.h>
#include <string.h>
#include "service/engine/internal.h"
#include "service/engine/layout.h"

/* ---- canonical order ---- */

static bool criterion_before(const void *context, uint32_t a, uint32_t b)
{
	const struct lf_rubric_def *def = context;

	return strcmp(def->criteria[a].id, def->criteria[b].id) < 0;
}

static bool discipline_before(const void *context, uint32_t a, uint32_t b)
{
	const struct lf_rubric_def *def = context;

	return strcmp(def->disciplines[a].id, def->disciplines[b].id) < 0;
}

static bool trait_before(const void *context, uint32_t a, uint32_t b)
{
	const struct lf_rubric_def *def = context;

	return strcmp(def->traits[a].id, def->traits[b].id) < 0;
}

static uint32_t *take_order(
	struct lf_layout *layout, size_t count, lf_before_fn before, const struct lf_rubric_def *def)
{
	uint32_t *order = lf_take(layout, count, sizeof(*order));

	if (order == NULL)
		return NULL;
	for (size_t i = 0; i < count; i++)
		order[i] = (uint32_t)i;
	lf_sort(order, count, before, def);
	return order;
}

/* ---- what scoring reads ---- */

static struct lf_label take_label(struct lf_layout *layout, const char *title, const char *id)
{
	const char *text = title != NULL && title[0] != '\0' ? title : id;

	return (struct lf_label){.text = lf_keep_text(layout, text), .length = strlen(text)};
}

static size_t count_terms(const struct lf_linear *linear, size_t trait_count)
{
	size_t count = 0;

	for (size_t t = 0; linear->by_trait != NULL && t < trait_count; t++)
		count += linear->by_trait[t] != 0;
	return count;
}

static struct lf_response take_response(
	struct lf_layout *layout, const struct lf_linear *linear, const uint32_t *trait_order, size_t trait_count)
{
	struct lf_response response = {.base = linear->base};
	struct lf_term *terms;

	terms = lf_take(layout, count_terms(linear, trait_count), sizeof(*terms));
	if (terms == NULL)
		return response;
	for (size_t i = 0; i < trait_count; i++) {
		uint32_t trait = trait_order[i];

		if (linear->by_trait[trait] != 0)
			terms[response.term_count++] = (struct lf_term){trait, linear->by_trait[trait]};
	}
	response.terms = terms;
	return response;
}

static void take_segments(struct lf_layout *layout, struct lf_criterion *criterion, const struct lf_criterion_def *from,
	const struct lf_rubric_def *def)
{
	const struct lf_curve_point line[2] = {{def->scale_min, 0}, {def->scale_max, 1}};
	const struct lf_curve_point *curve = from->curve != NULL ? from->curve : line;
	size_t count = (from->curve != NULL ? from->curve_count : 2) - 1;
	struct lf_segment *segments = lf_take(layout, count, sizeof(*segments));

	criterion->segment_count = count;
	criterion->segments = segments;
	for (size_t i = 0; segments != NULL && i < count; i++) {
		segments[i] = (struct lf_segment){
			.rating = curve[i].rating,
			.value = curve[i].value + 0.0, /* -0 becomes 0 */
			.slope = (curve[i + 1].value - curve[i].value) / (curve[i + 1].rating - curve[i].rating),
			.rating_end = curve[i + 1].rating,
			.value_end = curve[i + 1].value + 0.0,
		};
		if (segments[i].slope > criterion->steepest)
			criterion->steepest = segments[i].slope;
	}
}

static void find_gates(struct lf_criterion *criterion, const struct lf_rubric_def *def)
{
	criterion->gate = LF_NONE;
	for (uint32_t g = 0; g < def->gate_count; g++) {
		if (def->gates[g].criterion != criterion->index)
			continue;
		criterion->gates |= UINT64_C(1) << g;
		if (criterion->gate == LF_NONE || def->gates[g].at_least > def->gates[criterion->gate].at_least)
			criterion->gate = g;
	}
}

/* After the segments, which give the values. */
static void take_priors(struct lf_layout *layout, struct lf_criterion *criterion, const struct lf_criterion_def *from,
	const struct lf_rubric *rubric)
{
	size_t disciplines = rubric->def.discipline_count;
	struct lf_prior *priors;

	if (!(criterion->prior_strength > 0))
		return;
	priors = lf_take(layout, disciplines + 1, sizeof(*priors));
	criterion->priors = priors;
	for (size_t d = 0; priors != NULL && d <= disciplines; d++) {
		double mean =
			from->prior_mean != NULL && d < disciplines ? from->prior_mean[d] : from->prior_default_mean;

		mean += 0.0; /* -0 becomes 0 */
		priors[d] = (struct lf_prior){
			.mean = mean,
			.product = lf_on_grid(&rubric->product_grid, criterion->prior_strength * mean),
			.value = lf_criterion_value(criterion, mean),
		};
	}
}

static void take_shows(struct lf_layout *layout, struct lf_criterion *criterion, const struct lf_rubric_def *def)
{
	size_t count = 0;
	uint32_t *shows;

	if (!(def->expertise_strength > 0))
		return;
	for (size_t d = 0; d < def->discipline_count; d++) {
		for (size_t i = 0; i < def->disciplines[d].shown_by_count; i++)
			count += def->disciplines[d].shown_by[i] == criterion->index;
	}
	shows = lf_take(layout, count, sizeof(*shows));
	criterion->shows = shows;
	for (uint32_t d = 0; shows != NULL && d < def->discipline_count; d++) {
		for (size_t i = 0; i < def->disciplines[d].shown_by_count; i++) {
			if (def->disciplines[d].shown_by[i] == criterion->index)
				shows[criterion->show_count++] = d;
		}
	}
	LF_CHECK(E3, shows == NULL || criterion->show_count == count);
}

static void take_needs(struct lf_layout *layout, struct lf_criterion *criterion, const struct lf_criterion_def *from,
	const struct lf_rubric_def *def, const struct lf_rubric *rubric, const uint32_t *trait_order)
{
	struct lf_need *needs = lf_take(layout, from->need_count, sizeof(*needs));
	size_t placed = 0;

	criterion->need_count = from->need_count;
	criterion->needs = needs;
	for (size_t d = 0; d < def->discipline_count; d++) {
		/* While measuring there is no order yet, and any order has the same size. */
		uint32_t discipline = rubric->discipline_order != NULL ? rubric->discipline_order[d] : (uint32_t)d;

		for (size_t i = 0; i < from->need_count; i++) {
			struct lf_response amount;

			if (from->needs[i].discipline != discipline)
				continue;
			amount = take_response(layout, &from->needs[i].amount, trait_order, def->trait_count);

			if (needs != NULL)
				needs[placed] = (struct lf_need){discipline, amount};
			placed++;
		}
	}
	LF_CHECK(E3, placed == from->need_count);
}

static void take_criteria(struct lf_layout *layout, struct lf_rubric *rubric, const struct lf_rubric_def *def,
	const uint32_t *trait_order)
{
	uint32_t *order = take_order(layout, def->criterion_count, criterion_before, def);
	uint32_t *place = lf_take(layout, def->criterion_count, sizeof(*place));
	struct lf_criterion *criteria = lf_take(layout, def->criterion_count, sizeof(*criteria));

	rubric->criteria = criteria;
	rubric->criterion_place = place;
	for (size_t c = 0; c < def->criterion_count; c++) {
		uint32_t index = order != NULL ? order[c] : (uint32_t)c;
		const struct lf_criterion_def *from = &def->criteria[index];
		struct lf_criterion criterion = {
			.index = index,
			.derived = from->derived,
			.label = take_label(layout, from->title, from->id),
			.weight = take_response(layout, &from->weight, trait_order, def->trait_count),
			.prior_strength = lf_on_grid(&rubric->weight_grid, from->prior_strength),
			.unknown_value = from->unknown_value + 0.0, /* -0 becomes 0 */
			.need_first = rubric->need_count,
		};

		find_gates(&criterion, def);
		if (from->derived == LF_RATED) {
			take_segments(layout, &criterion, from, def);
			take_priors(layout, &criterion, from, rubric);
			take_shows(layout, &criterion, def);
		}
		if (from->derived == LF_DOMAIN_ALIGNMENT)
			take_needs(layout, &criterion, from, def, rubric, trait_order);
		rubric->need_count += criterion.need_count;
		rubric->has_alignment |= from->derived == LF_DOMAIN_ALIGNMENT;
		rubric->has_coverage |= from->derived == LF_TEAM_COVERAGE;
		if (criteria != NULL) {
			criteria[c] = criterion;
			place[index] = (uint32_t)c;
		}
	}
}

static uint32_t add_move(
	struct lf_move *moves, uint32_t count, size_t line, const struct lf_response *response, uint32_t trait)
{
	for (size_t i = 0; i < response->term_count; i++) {
		if (response->terms[i].trait == trait)
			moves[count++] = (struct lf_move){(uint32_t)line, response->terms[i].coefficient};
	}
	return count;
}

/* After the criteria, whose terms they are. */
static void take_moves(struct lf_layout *layout, struct lf_rubric *rubric, const struct lf_rubric_def *def)
{
	uint32_t *first = lf_take(layout, def->trait_count + 1, sizeof(*first)), count = 0;
	struct lf_move *moves;
	size_t terms = 0;

	for (size_t j = 0; j < def->criterion_count; j++) {
		terms += count_terms(&def->criteria[j].weight, def->trait_count);
		for (size_t i = 0; i < def->criteria[j].need_count; i++)
			terms += count_terms(&def->criteria[j].needs[i].amount, def->trait_count);
	}
	moves = lf_take(layout, terms, sizeof(*moves));
	rubric->moves = moves;
	rubric->move_first = first;
	if (first == NULL)
		return;
	for (uint32_t t = 0; t < def->trait_count; t++) {
		first[t] = count;
		for (size_t c = 0; moves != NULL && c < def->criterion_count; c++) {
			const struct lf_criterion *criterion = &rubric->criteria[c];

			count = add_move(moves, count, c, &criterion->weight, t);
			for (size_t k = 0; k < criterion->need_count; k++)
				count = add_move(moves, count, def->criterion_count + criterion->need_first + k,
					&criterion->needs[k].amount, t);
		}
	}
	first[def->trait_count] = count;
	LF_CHECK(E3, count <= terms);
}

static void take_labels(struct lf_layout *layout, struct lf_rubric *rubric, const struct lf_rubric_def *def)
{
	struct lf_label *disciplines = lf_take(layout, def->discipline_count, sizeof(*disciplines));
	struct lf_label *traits = lf_take(layout, def->trait_count, sizeof(*traits));

	for (size_t d = 0; d < def->discipline_count; d++) {
		struct lf_label label = take_label(layout, def->disciplines[d].title, def->disciplines[d].id);

		if (disciplines != NULL)
			disciplines[d] = label;
	}
	for (size_t t = 0; t < def->trait_count; t++) {
		struct lf_label label = take_label(layout, def->traits[t].title, def->traits[t].id);

		if (traits != NULL)
			traits[t] = label;
	}
	rubric->discipline_labels = disciplines;
	rubric->trait_labels = traits;
}

static void take_rough(struct lf_layout *layout, struct lf_perturbations *p, size_t criteria, size_t noise_count)
{
	float *factors = lf_take_lanes(
		layout, p->count / LF_KERNEL_LANES * LF_KERNEL_LANES * lf_rough_rows(criteria), sizeof(*factors));
	float *noise = lf_take_lanes(layout, noise_count > 0 ? noise_count : LF_KERNEL_LANES, sizeof(*noise));

	if (factors == NULL || noise == NULL)
		return;
	lf_rough_factors(p, criteria, factors);
	for (size_t i = 0; i < (noise_count > 0 ? noise_count : LF_KERNEL_LANES); i++)
		noise[i] = noise_count > 0 ? (float)p->noise[i] : 0;
	p->rough_factors = factors;
	p->rough_noise = noise;
}

/* After the criteria, whose seeds and order it draws by. */
static void take_perturbations(struct lf_layout *layout, struct lf_rubric *rubric, const struct lf_rubric_def *def)
{
	struct lf_perturbations *p = &rubric->perturbations;
	size_t blocks, places = 0;
	double *factors, *noise, *ones;

	if (def->robustness.samples == 0)
		return;
	p->kernel = lf_kernel_widest();
	p->count = def->robustness.samples;
	p->block = lf_block_samples(p->count, def->criterion_count);
	p->unknown = def->robustness.weights_unknown;
	ones = lf_take_lanes(layout, p->block, sizeof(*ones));
	for (size_t s = 0; ones != NULL && s < p->block; s++)
		ones[s] = 1;
	p->ones = ones;
	blocks = (p->count + p->block - 1) / p->block;
	if (p->unknown || def->robustness.weight_spread > 0) {
		factors = lf_take_lanes(layout, blocks * p->block * def->criterion_count, sizeof(*factors));
		p->factors = factors;
		if (factors != NULL)
			lf_draw_factors(rubric, factors);
	}
	if (def->robustness.rating_spread > 0) {
		places = 2 * p->count + p->block;
		noise = lf_take_lanes(layout, places, sizeof(*noise));
		p->noise = noise;
		if (noise != NULL)
			lf_draw_noise(p->count, places, noise);
	}
	if (def->aggregation == LF_ADDITIVE && (p->unknown || def->robustness.weight_spread > 0))
		take_rough(layout, p, def->criterion_count, places);
}

static double larger(double a, double b)
{
	return a > b ? a : b;
}

/* Smallest power of two that is not below x > 0. */
static double power_of_two(double x)
{
	double p = 1;

	while (p < x)
		p *= 2;
	while (p / 2 >= x)
		p /= 2;
	return p;
}

static struct lf_grid grid_below(double bound)
{
	double unit = bound * 0x1p-80;

	return (struct lf_grid){.shift = 0x1.8p52 * unit, .limit = 0x1p51 * unit};
}

static void set_grids(struct lf_rubric *rubric, const struct lf_rubric_def *def)
{
	double weight = 1,
	       rating = larger(larger(def->scale_min, -def->scale_min), larger(def->scale_max, -def->scale_max));

	for (size_t s = 0; s < def->source_count; s++)
		weight = larger(weight, def->source_weights[s]);
	rubric->heaviest_source = weight;
	for (size_t j = 0; j < def->criterion_count; j++)
		weight = larger(weight, def->criteria[j].prior_strength);
	weight = larger(weight, def->expertise_strength);
	weight = power_of_two(weight);
	rubric->weight_grid = grid_below(weight);
	rubric->product_grid = grid_below(weight * power_of_two(rating));
	rubric->expertise_strength = lf_on_grid(&rubric->weight_grid, def->expertise_strength);
}

/* One pass over the definition; with layout.base NULL it only measures. */
static void lay_out(struct lf_layout *layout, struct lf_rubric *rubric, const struct lf_rubric_def *def)
{
	uint32_t *trait_order;

	(void)lf_take(layout, 1, sizeof(*rubric));
	*rubric = (struct lf_rubric){.def = *def};
	lf_keep_def(layout, &rubric->def);
	set_grids(rubric, def);
	rubric->discipline_order = take_order(layout, def->discipline_count, discipline_before, def);
	trait_order = take_order(layout, def->trait_count, trait_before, def);
	take_labels(layout, rubric, def);
	take_criteria(layout, rubric, def, trait_order);
	take_moves(layout, rubric, def);
	take_perturbations(layout, rubric, def);
}

struct lf_rubric *lf_rubric_compile(const struct lf_rubric_def *def)
{
	struct lf_layout layout = {0};
	struct lf_rubric measured, *rubric;
	size_t bytes;

	lay_out(&layout, &measured, def);
	bytes = layout.used;
	layout = (struct lf_layout){.base = malloc(bytes)};
	if (layout.base == NULL)
		return NULL;
	rubric = (struct lf_rubric *)(void *)layout.base;
	lay_out(&layout, rubric, def);
	LF_CHECK(E3, layout.used == bytes);
	rubric->bytes = bytes;
	return rubric;
}

size_t lf_rubric_bytes(const struct lf_rubric *rubric)
{
	return rubric->bytes;
}

void lf_rubric_destroy(struct lf_rubric *rubric)
{
	free(rubric);
}

const struct lf_rubric_def *lf_rubric_def(const struct lf_rubric *rubric)
{
	return &rubric->def;
}
