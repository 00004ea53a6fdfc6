#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "tests/engine/world.h"

/* SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014). */
uint64_t random_next(struct random *random)
{
	uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

size_t random_below(struct random *random, size_t count)
{
	return (size_t)(random_next(random) % count);
}

double random_unit(struct random *random, size_t steps)
{
	return (double)random_below(random, steps + 1) / (double)steps;
}

bool random_chance(struct random *random, unsigned percent)
{
	return random_below(random, 100) < percent;
}

uint64_t double_bits(double x)
{
	uint64_t bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

double double_from_bits(uint64_t bits)
{
	double x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

/* Points every pointer at this world's own storage. */
static void bind(struct world *w)
{
	w->def.criteria = w->criteria;
	w->def.disciplines = w->disciplines;
	w->def.traits = w->trait_defs;
	w->def.gates = w->gates;
	w->def.source_weights = w->source_weights;
	w->def.source_ids = w->source_id_list;
	for (size_t j = 0; j < w->def.criterion_count; j++) {
		struct lf_criterion_def *c = &w->criteria[j];

		c->id = w->criterion_ids[j];
		c->curve = c->curve_count > 0 ? w->curve[j] : NULL;
		c->weight.by_trait = w->weight_by_trait[j];
		c->prior_mean = c->derived == LF_RATED && c->prior_strength > 0 ? w->prior_mean[j] : NULL;
		c->needs = w->needs[j];
		for (size_t i = 0; i < c->need_count; i++)
			w->needs[j][i].amount.by_trait = w->need_by_trait[j][i];
	}
	for (size_t d = 0; d < w->def.discipline_count; d++) {
		w->disciplines[d].id = w->discipline_ids[d];
		w->disciplines[d].covers = w->covers_given[d] ? w->covers[d] : NULL;
		w->disciplines[d].shown_by = w->shown_by[d];
	}
	for (size_t t = 0; t < w->def.trait_count; t++)
		w->trait_defs[t].id = w->trait_ids[t];
	for (size_t s = 0; s < w->def.source_count; s++)
		w->source_id_list[s] = w->source_ids[s];
	for (size_t x = 0; w->def.discipline_count + x < w->the_case.discipline_count; x++)
		w->extra_list[x] = w->discipline_ids[w->def.discipline_count + x];
	for (size_t m = 0; m < w->the_case.member_count; m++) {
		w->members[m].id = w->member_ids[m];
		w->members[m].evidence = w->evidence[m];
		w->members[m].expertise = w->expertise[m];
	}
	w->the_case.members = w->members;
	w->the_case.traits = w->traits;
	w->the_case.trait_assumed = w->trait_assumed;
	w->the_case.extra_discipline_ids = w->extra_list;
}

bool world_make_robust(struct world *world, uint64_t *seed, uint64_t end)
{
	for (; *seed < end; (*seed)++) {
		world_make_any(world, *seed);
		if (world->def.robustness.samples > 0)
			return true;
	}
	return false;
}

void world_copy(struct world *to, const struct world *from)
{
	memcpy(to, from, sizeof(*to));
	bind(to);
}

/* Distinct ids whose order has nothing to do with that of the list. */
static void draw_ids(struct random *r, char ids[][WORLD_ID], size_t count, char prefix)
{
	for (size_t i = 0; i < count; i++) {
		size_t length = 2 + random_below(r, 4);

		memset(ids[i], 0, WORLD_ID);
		ids[i][0] = prefix;
		for (size_t k = 1; k < length; k++)
			ids[i][k] = (char)('a' + random_below(r, 26));
		ids[i][length] = (char)('0' + i / 10);
		ids[i][length + 1] = (char)('0' + i % 10);
	}
}

static double draw_rating(struct random *r, const struct lf_rubric_def *def)
{
	return def->scale_min + (def->scale_max - def->scale_min) * random_unit(r, random_chance(r, 50) ? 8 : 1000);
}

static void draw_linear(struct random *r, struct lf_linear *linear, double *by_trait, size_t trait_count)
{
	linear->base = random_unit(r, 100);
	if (random_chance(r, 20))
		linear->base -= 0.5;
	for (size_t t = 0; t < trait_count; t++)
		by_trait[t] = random_chance(r, 50) ? 2 * random_unit(r, 100) - 1 : 0;
}

static void draw_curve(
	struct random *r, struct lf_criterion_def *c, struct lf_curve_point *points, const struct lf_rubric_def *def)
{
	size_t count = 2 + random_below(r, WORLD_POINTS - 1);
	double value = 0;

	c->curve_count = count;
	for (size_t i = 0; i < count; i++) {
		double place = ((double)i + 0.9 * random_unit(r, 100)) / (double)count;

		points[i].rating = def->scale_min + (def->scale_max - def->scale_min) * place;
		value += (1 - value) * random_unit(r, 10);
		points[i].value = value;
	}
}

static void draw_criterion(struct random *r, struct world *w, size_t j)
{
	struct lf_criterion_def *c = &w->criteria[j];

	c->title = "";
	c->derived = LF_RATED;
	if (j > 0 && random_chance(r, 25))
		c->derived =
			w->def.discipline_count > 0 && random_chance(r, 50) ? LF_DOMAIN_ALIGNMENT : LF_TEAM_COVERAGE;
	draw_linear(r, &c->weight, w->weight_by_trait[j], w->def.trait_count);
	if (j == 0)
		c->weight.base = 0.01 + random_unit(r, 100);
	if (c->derived == LF_RATED) {
		if (random_chance(r, 60))
			draw_curve(r, c, w->curve[j], &w->def);
		c->prior_strength = random_chance(r, 70) ? 4 * random_unit(r, 40) : 0;
		c->prior_default_mean = draw_rating(r, &w->def);
		for (size_t d = 0; d < w->def.discipline_count; d++)
			w->prior_mean[j][d] = draw_rating(r, &w->def);
	}
	if (c->derived == LF_DOMAIN_ALIGNMENT) {
		for (size_t d = 0; d < w->def.discipline_count; d++) {
			struct lf_need_def *need = &w->needs[j][c->need_count];

			if (c->need_count > 0 && random_chance(r, 40))
				continue;
			draw_linear(r, &need->amount, w->need_by_trait[j][c->need_count], w->def.trait_count);
			if (c->need_count == 0 && need->amount.base <= 0)
				need->amount.base = 0.5;
			need->discipline = (uint32_t)d;
			c->need_count++;
		}
	}
}

/* FNV-1a, so that a criterion keeps its seed wherever it is listed. */
static uint64_t seed_of(const char *id)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *id != '\0'; id++)
		hash = (hash ^ (unsigned char)*id) * UINT64_C(0x100000001b3);
	return hash;
}

static void draw_robustness(struct random *r, struct lf_rubric_def *def)
{
	if (random_chance(r, 25))
		return;
	def->robustness.samples = 1 + (uint32_t)random_below(r, random_chance(r, 20) ? 600 : 160);
	if (random_chance(r, 35))
		def->robustness.weights_unknown = true;
	else if (random_chance(r, 75))
		def->robustness.weight_spread = 0.9 * random_unit(r, 20);
	if (random_chance(r, 65))
		def->robustness.rating_spread = 0.5 * random_unit(r, 20);
	if (random_chance(r, 50))
		def->threshold_first_rank_share = random_unit(r, 20);
}

static void draw_rubric(struct random *r, struct world *w)
{
	static const double scales[][2] = {{1, 5}, {0, 10}, {-2, 2}, {0, 1}};
	struct lf_rubric_def *def = &w->def;
	size_t scale = random_below(r, 4);

	def->name = "random";
	def->scale_min = scales[scale][0];
	def->scale_max = scales[scale][1];
	/* One draw a statement: C does not fix the order within a list of initialisers. */
	def->half_life_days = random_chance(r, 70) ? (double)(1 + random_below(r, 1000)) : 0;
	def->discipline_count = random_below(r, WORLD_DISCIPLINES + 1);
	def->source_count = random_below(r, WORLD_SOURCES + 1);
	def->trait_count = random_below(r, WORLD_TRAITS + 1);
	def->criterion_count = 1 + random_below(r, WORLD_CRITERIA);
	def->gate_count = random_chance(r, 50) ? random_below(r, WORLD_GATES + 1) : 0;
	def->aggregation = (enum lf_aggregation)random_below(r, 3);
	def->threshold_margin = random_chance(r, 50) ? 0.05 * random_unit(r, 10) : 0;
	def->threshold_evidence_share = random_chance(r, 50) ? 0.6 * random_unit(r, 10) : 0;
	draw_ids(r, w->criterion_ids, w->def.criterion_count, 'c');
	draw_ids(r, w->discipline_ids, WORLD_ALL, 'D');
	draw_ids(r, w->trait_ids, w->def.trait_count, 't');
	draw_ids(r, w->source_ids, w->def.source_count, 'S');
	for (size_t s = 0; s < w->def.source_count; s++)
		w->source_weights[s] = random_chance(r, 10) ? 0 : 1.5 * random_unit(r, 30);
	for (size_t d = 0; d < w->def.discipline_count; d++) {
		w->disciplines[d].title = "";
		w->covers_given[d] = random_chance(r, 60);
		for (size_t other = 0; other < w->def.discipline_count; other++)
			w->covers[d][other] = other == d ? 1 : random_chance(r, 40) ? random_unit(r, 10) : 0;
	}
	for (size_t t = 0; t < w->def.trait_count; t++) {
		w->trait_defs[t].title = "";
		w->trait_defs[t].default_value = random_unit(r, 10);
	}
	for (size_t j = 0; j < w->def.criterion_count; j++) {
		draw_criterion(r, w, j);
		w->criteria[j].seed = seed_of(w->criterion_ids[j]);
	}
	for (size_t g = 0; g < w->def.gate_count; g++) {
		size_t j = random_below(r, w->def.criterion_count + 1);

		w->gates[g].criterion = j == w->def.criterion_count ? LF_NONE : (uint32_t)j;
		w->gates[g].at_least = 0.5 * random_unit(r, 10);
		if (j < w->def.criterion_count && w->criteria[j].derived == LF_RATED)
			w->gates[g].at_least =
				w->def.scale_min + (w->def.scale_max - w->def.scale_min) * 0.5 * random_unit(r, 10);
	}
}

static void draw_evidence(struct random *r, const struct world *w, struct lf_evidence *e)
{
	do
		e->criterion = (uint32_t)random_below(r, w->def.criterion_count);
	while (w->criteria[e->criterion].derived != LF_RATED);
	e->source = w->def.source_count > 0 && random_chance(r, 80) ? (uint32_t)random_below(r, w->def.source_count)
								    : LF_NONE;
	e->rating = draw_rating(r, &w->def);
	e->domain = LF_NONE;
	e->observed_day =
		random_chance(r, 20) ? LF_UNDATED : w->the_case.as_of_day + 1 - (int32_t)random_below(r, 3000);
}

static void draw_member(struct random *r, struct world *w, size_t m)
{
	struct lf_member *member = &w->members[m];
	size_t all = w->the_case.discipline_count;

	*member = (struct lf_member){.discipline = LF_NONE};
	if (all > 0 && random_chance(r, 90))
		member->discipline = (uint32_t)random_below(r, all);
	member->availability = random_chance(r, 50) ? 1 : random_unit(r, 10);
	member->evidence_count = random_chance(r, 15) ? 0 : random_below(r, WORLD_EVIDENCE);
	member->candidate = random_chance(r, 85);
	for (size_t d = 0; d < all; d++) {
		if (random_chance(r, 25))
			w->expertise[m][member->expertise_count++] =
				(struct lf_expertise){(uint32_t)d, random_unit(r, 10)};
	}
	for (size_t i = 0; i < member->evidence_count; i++)
		draw_evidence(r, w, &w->evidence[m][i]);
}

void world_make(struct world *w, uint64_t seed)
{
	struct random random = {seed}, *r = &random;

	memset(w, 0, sizeof(*w));
	draw_rubric(r, w);
	w->the_case = (struct lf_case){
		.project_title = "",
		.project_id = "project",
		.as_of_day = 20000,
	};
	w->the_case.member_count = 1 + random_below(r, WORLD_MEMBERS);
	w->the_case.discipline_count = w->def.discipline_count + random_below(r, WORLD_EXTRAS + 1);
	draw_ids(r, w->member_ids, w->the_case.member_count, 'm');
	for (size_t t = 0; t < w->def.trait_count; t++) {
		w->trait_assumed[t] = random_chance(r, 30);
		w->traits[t] = w->trait_assumed[t] ? w->trait_defs[t].default_value : random_unit(r, 100);
	}
	for (size_t m = 0; m < w->the_case.member_count; m++) {
		/* Some are alike, so that there are ties. */
		if (m > 0 && random_chance(r, 10)) {
			w->members[m] = w->members[m - 1];
			memcpy(w->evidence[m], w->evidence[m - 1], sizeof(w->evidence[m]));
			memcpy(w->expertise[m], w->expertise[m - 1], sizeof(w->expertise[m]));
		} else {
			draw_member(r, w, m);
		}
	}
	draw_robustness(r, &w->def);
	bind(w);
}

void world_give_expertise(struct world *w, uint64_t seed)
{
	struct random random = {~seed}, *r = &random;

	w->def.expertise_strength = 0.25 + 4 * random_unit(r, 20);
	for (size_t j = 0; j < w->def.criterion_count; j++) {
		if (w->criteria[j].derived != LF_RATED)
			continue;
		if (random_chance(r, 40))
			w->criteria[j].unknown_value = random_unit(r, 20);
		for (size_t d = 0; d < w->def.discipline_count; d++)
			if (random_chance(r, 30))
				w->shown_by[d][w->disciplines[d].shown_by_count++] = (uint32_t)j;
	}
	for (size_t m = 0; m < w->the_case.member_count; m++) {
		/* Who is like the one before stays so. */
		bool alike = m > 0 && w->members[m].evidence_count == w->members[m - 1].evidence_count;

		for (size_t i = 0; i < w->members[m].evidence_count; i++) {
			struct lf_evidence *e = &w->evidence[m][i];

			if (alike)
				e->domain = w->evidence[m - 1][i].domain;
			else if (random_chance(r, 10))
				e->domain = LF_ELSEWHERE;
			else if (w->the_case.discipline_count > 0 && random_chance(r, 20))
				e->domain = (uint32_t)random_below(r, w->the_case.discipline_count);
		}
	}
	bind(w);
}

void world_make_any(struct world *w, uint64_t seed)
{
	world_make(w, seed);
	if (seed % 2 == 1)
		world_give_expertise(w, seed);
}

/* ---- another order ---- */

/* place[old] = new */
static void draw_places(struct random *r, size_t *place, size_t count, bool shuffle)
{
	for (size_t i = 0; i < count; i++)
		place[i] = i;
	for (size_t i = count; shuffle && i-- > 1;) {
		size_t other = random_below(r, i + 1), kept = place[i];

		place[i] = place[other];
		place[other] = kept;
	}
}

struct places {
	size_t criteria[WORLD_CRITERIA], traits[WORLD_TRAITS], disciplines[WORLD_ALL], sources[WORLD_SOURCES];
};

static void shuffle_rubric(struct world *to, const struct world *from, struct random *r, const struct places *at)
{
	for (size_t t = 0; t < from->def.trait_count; t++) {
		to->trait_defs[at->traits[t]] = from->trait_defs[t];
		memcpy(to->trait_ids[at->traits[t]], from->trait_ids[t], WORLD_ID);
		to->traits[at->traits[t]] = from->traits[t];
		to->trait_assumed[at->traits[t]] = from->trait_assumed[t];
	}
	for (size_t s = 0; s < from->def.source_count; s++) {
		to->source_weights[at->sources[s]] = from->source_weights[s];
		memcpy(to->source_ids[at->sources[s]], from->source_ids[s], WORLD_ID);
	}
	for (size_t d = 0; d < from->the_case.discipline_count; d++)
		memcpy(to->discipline_ids[at->disciplines[d]], from->discipline_ids[d], WORLD_ID);
	for (size_t d = 0; d < from->def.discipline_count; d++) {
		to->disciplines[at->disciplines[d]] = from->disciplines[d];
		to->covers_given[at->disciplines[d]] = from->covers_given[d];
		for (size_t i = 0; i < from->disciplines[d].shown_by_count; i++)
			to->shown_by[at->disciplines[d]][i] = (uint32_t)at->criteria[from->shown_by[d][i]];
		for (size_t other = 0; other < from->def.discipline_count; other++)
			to->covers[at->disciplines[d]][at->disciplines[other]] = from->covers[d][other];
	}
	for (size_t j = 0; j < from->def.criterion_count; j++) {
		size_t to_j = at->criteria[j], need_at[WORLD_DISCIPLINES];

		to->criteria[to_j] = from->criteria[j];
		memcpy(to->criterion_ids[to_j], from->criterion_ids[j], WORLD_ID);
		memcpy(to->curve[to_j], from->curve[j], sizeof(to->curve[to_j]));
		for (size_t t = 0; t < from->def.trait_count; t++)
			to->weight_by_trait[to_j][at->traits[t]] = from->weight_by_trait[j][t];
		for (size_t d = 0; d < from->def.discipline_count; d++)
			to->prior_mean[to_j][at->disciplines[d]] = from->prior_mean[j][d];
		draw_places(r, need_at, from->criteria[j].need_count, true);
		for (size_t i = 0; i < from->criteria[j].need_count; i++) {
			struct lf_need_def need = from->needs[j][i];

			need.discipline = (uint32_t)at->disciplines[need.discipline];
			to->needs[to_j][need_at[i]] = need;
			for (size_t t = 0; t < from->def.trait_count; t++)
				to->need_by_trait[to_j][need_at[i]][at->traits[t]] = from->need_by_trait[j][i][t];
		}
	}
	for (size_t g = 0; g < from->def.gate_count; g++) {
		to->gates[g] = from->gates[g];
		if (from->gates[g].criterion != LF_NONE)
			to->gates[g].criterion = (uint32_t)at->criteria[from->gates[g].criterion];
	}
}

static void shuffle_member(
	struct world *to, size_t to_m, const struct world *from, size_t m, struct random *r, const struct places *at)
{
	size_t evidence_at[WORLD_EVIDENCE], expertise_at[WORLD_ALL];

	to->members[to_m] = from->members[m];
	memcpy(to->member_ids[to_m], from->member_ids[m], WORLD_ID);
	if (from->members[m].discipline != LF_NONE)
		to->members[to_m].discipline = (uint32_t)at->disciplines[from->members[m].discipline];
	draw_places(r, evidence_at, from->members[m].evidence_count, true);
	for (size_t i = 0; i < from->members[m].evidence_count; i++) {
		struct lf_evidence e = from->evidence[m][i];

		e.criterion = (uint32_t)at->criteria[e.criterion];
		if (e.source != LF_NONE)
			e.source = (uint32_t)at->sources[e.source];
		if (e.domain < LF_ELSEWHERE)
			e.domain = (uint32_t)at->disciplines[e.domain];
		to->evidence[to_m][evidence_at[i]] = e;
	}
	draw_places(r, expertise_at, from->members[m].expertise_count, true);
	for (size_t i = 0; i < from->members[m].expertise_count; i++) {
		struct lf_expertise x = from->expertise[m][i];

		x.discipline = (uint32_t)at->disciplines[x.discipline];
		to->expertise[to_m][expertise_at[i]] = x;
	}
}

void world_shuffle(struct world *to, const struct world *from, struct random *r, bool everything)
{
	struct places at;
	size_t member_at[WORLD_MEMBERS], own = from->def.discipline_count;
	size_t extras = from->the_case.discipline_count - own;

	memset(to, 0, sizeof(*to));
	to->def = from->def;
	to->the_case = from->the_case;
	draw_places(r, at.criteria, from->def.criterion_count, everything);
	draw_places(r, at.traits, from->def.trait_count, everything);
	draw_places(r, at.sources, from->def.source_count, everything);
	draw_places(r, at.disciplines, own, everything);
	draw_places(r, at.disciplines + own, extras, true);
	for (size_t x = 0; x < extras; x++)
		at.disciplines[own + x] += own;
	draw_places(r, member_at, from->the_case.member_count, true);
	shuffle_rubric(to, from, r, &at);
	for (size_t m = 0; m < from->the_case.member_count; m++)
		shuffle_member(to, member_at[m], from, m, r, &at);
	bind(to);
}

/* ---- scoring ---- */

void world_score(struct scored *scored, const struct world *world)
{
	size_t bytes;

	scored->rubric = lf_rubric_compile(&world->def);
	assert(scored->rubric != NULL);
	bytes = lf_workspace_bytes(scored->rubric, &world->the_case);
	scored->workspace = aligned_alloc(64, (bytes + 63) / 64 * 64);
	assert(scored->workspace != NULL);
	memset(scored->workspace, 0xA5, bytes);
	scored->scored = lf_score(scored->rubric, &world->the_case, scored->workspace, &scored->result);
}

void scored_clean_up(struct scored *scored)
{
	free(scored->workspace);
	lf_rubric_destroy(scored->rubric);
}

const struct lf_member_score *score_of(const struct scored *scored, uint32_t member)
{
	for (size_t i = 0; i < scored->result.ranking_count; i++) {
		if (scored->result.ranking[i].member == member)
			return &scored->result.ranking[i];
	}
	return NULL;
}
