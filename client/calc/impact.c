#include "client/calc/impact.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "client/calc/statistics.h"
#include "proto/base/buffer.h"
#include "proto/base/check.h"

/* One person's assessments together. */
struct tally {
	uint64_t count, hits[LF_MEASURES];
};

struct work {
	const struct lf_groups *groups;
	struct tally *people; /* of the groups */
	bool small_too;
	struct lf_arena *arena;
};

/* ---- the full sample ---- */

/* Of each rubric, in the order of their places. false where memory ran out. */
static bool find_medians(
	struct lf_impact_rubric *rubrics, size_t rubric_count, const struct lf_assessment *assessments, size_t count)
{
	double *scores = malloc((count + 1) * sizeof(*scores));
	size_t *ends = calloc(rubric_count + 1, sizeof(*ends));
	const bool done = scores != NULL && ends != NULL;

	for (size_t i = 0; i < count && done; i++) {
		LF_CHECK(L14, assessments[i].rubric < rubric_count);
		rubrics[assessments[i].rubric].assessed++;
	}
	for (size_t r = 1; r < rubric_count && done; r++)
		ends[r] = ends[r - 1] + (size_t)rubrics[r - 1].assessed;
	for (size_t i = 0; i < count && done; i++)
		scores[ends[assessments[i].rubric]++] = assessments[i].score;
	for (size_t r = 0; r < rubric_count && done; r++) {
		const size_t assessed = (size_t)rubrics[r].assessed;

		rubrics[r].median = lf_median(scores + (ends[r] - assessed), assessed);
	}
	free(scores);
	free(ends);
	return done;
}

static int compare_rubrics(const void *a, const void *b)
{
	return strcmp(((const struct lf_impact_rubric *)a)->name, ((const struct lf_impact_rubric *)b)->name);
}

/* Keeps those that have assessments, by name. */
static void list_rubrics(struct lf_impact *impact, size_t rubric_count)
{
	for (size_t r = 0; r < rubric_count; r++)
		if (impact->rubrics[r].assessed > 0)
			impact->rubrics[impact->rubric_count++] = impact->rubrics[r];
	if (impact->rubric_count > 0)
		qsort(impact->rubrics, impact->rubric_count, sizeof(*impact->rubrics), compare_rubrics);
}

static void tally_people(
	struct work *work, struct lf_impact *impact, const struct lf_assessment *assessments, size_t count)
{
	impact->assessed = count;
	for (size_t i = 0; i < count; i++) {
		const struct lf_assessment *assessment = &assessments[i];
		const double median = impact->rubrics[assessment->rubric].median;
		const bool above = lf_compared_score(assessment->score) > lf_compared_score(median);
		struct tally *tally;

		impact->selected += assessment->selected;
		impact->above += above;
		if (assessment->person == LF_NOT_GROUPED)
			continue;
		LF_CHECK(L14, assessment->person < work->groups->person_count);
		tally = &work->people[assessment->person];
		tally->count++;
		tally->hits[LF_SELECTION] += assessment->selected;
		tally->hits[LF_SCORING] += above;
	}
}

/* ---- one table ---- */

/*
 * A person's combination of categories as one number, the first dimension counting most; UINT32_MAX where one is
 * unknown.
 */
static uint32_t code_of(const struct lf_grouped *person, unsigned dimensions)
{
	uint32_t code = 0;

	for (size_t d = 0; d < LF_DIMENSIONS_MAX; d++) {
		if ((dimensions >> d & 1) == 0)
			continue;
		if (person->categories[d] == LF_CATEGORY_UNKNOWN)
			return UINT32_MAX;
		code = code << 6 | person->categories[d];
	}
	return code;
}
static_assert(LF_CATEGORIES_MAX <= 1 << 6 && LF_DIMENSIONS_MAX * 6 < 32, "a combination fits its code");

struct coded {
	uint32_t code, person;
};

static int compare_coded(const void *a, const void *b)
{
	const struct coded *x = a, *y = b;

	return x->code != y->code ? (x->code > y->code) - (x->code < y->code)
				  : (x->person > y->person) - (x->person < y->person);
}

/* Makes a row for each stretch of equal codes. */
static bool add_rows(struct work *work, struct lf_impact_table *table, const struct coded *coded, size_t count)
{
	size_t rows = 0;

	for (size_t i = 0; i < count; i++)
		rows += i == 0 || coded[i].code != coded[i - 1].code;
	table->categories = lf_arena_zalloc(work->arena, rows + 1, sizeof(*table->categories));
	if (table->categories == NULL)
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct tally *tally = &work->people[coded[i].person];
		struct lf_impact_category *category;

		if (i == 0 || coded[i].code != coded[i - 1].code) {
			category = &table->categories[table->count++];
			memcpy(category->categories, work->groups->people[coded[i].person].categories,
				sizeof(category->categories));
		}
		category = &table->categories[table->count - 1];
		category->count += tally->count;
		for (size_t m = 0; m < LF_MEASURES; m++)
			category->rates[m].hits += tally->hits[m];
		table->known += tally->count;
	}
	return true;
}

/* Whether a's rate is higher than b's, without rounding; of equal rates, that of more people. */
static bool is_higher(const struct lf_impact_category *a, const struct lf_impact_category *b, enum lf_measure measure)
{
	const uint64_t left = a->rates[measure].hits * b->count, right = b->rates[measure].hits * a->count;

	return left != right ? left > right : a->count > b->count;
}

static void find_reference(const struct work *work, struct lf_impact_table *table, enum lf_measure measure)
{
	size_t best = table->count;

	for (size_t c = 0; c < table->count; c++) {
		const struct lf_impact_category *category = &table->categories[c];

		if (category->small && !work->small_too)
			continue;
		if (best == table->count || is_higher(category, &table->categories[best], measure))
			best = c;
	}
	table->references[measure] = best;
}

static void compare_with_reference(const struct work *work, struct lf_impact_table *table, enum lf_measure measure)
{
	const size_t reference = table->references[measure];
	const struct lf_impact_category *best = reference < table->count ? &table->categories[reference] : NULL;

	for (size_t c = 0; c < table->count; c++) {
		struct lf_impact_category *category = &table->categories[c];
		struct lf_impact_rate *rate = &category->rates[measure];
		uint64_t best_hits;
		uint64_t misses, best_misses;

		rate->rate = (double)rate->hits / (double)category->count;
		rate->ratio = rate->p = rate->p_least = NAN;
		if (best == NULL)
			continue;
		best_hits = best->rates[measure].hits;
		if (best_hits > 0 && (!category->small || work->small_too)) {
			rate->ratio = (double)(rate->hits * best->count) / (double)(best_hits * category->count);
			rate->below = 5 * rate->hits * best->count < 4 * best_hits * category->count;
		}
		if (c == reference)
			continue;
		misses = category->count - rate->hits;
		best_misses = best->count - best_hits;
		rate->p = lf_fisher(rate->hits, misses, best_hits, best_misses);
		rate->p_least = lf_fisher_least(rate->hits, misses, best_hits, best_misses);
	}
}

static bool fill_table(struct work *work, struct lf_impact_table *table, uint64_t assessed)
{
	const size_t people = work->groups->person_count;
	struct coded *coded = malloc((people + 1) * sizeof(*coded));
	size_t count = 0;
	bool done;

	if (coded == NULL)
		return false;
	for (size_t p = 0; p < people; p++) {
		const uint32_t code = code_of(&work->groups->people[p], table->dimensions);

		if (work->people[p].count > 0 && code != UINT32_MAX)
			coded[count++] = (struct coded){code, (uint32_t)p};
	}
	qsort(coded, count, sizeof(*coded), compare_coded);
	done = add_rows(work, table, coded, count);
	free(coded);
	if (!done)
		return false;
	table->unknown = assessed - table->known;
	for (size_t c = 0; c < table->count; c++)
		table->categories[c].small = table->categories[c].count * 50 < table->known;
	for (size_t m = 0; m < LF_MEASURES; m++) {
		find_reference(work, table, (enum lf_measure)m);
		compare_with_reference(work, table, (enum lf_measure)m);
	}
	return true;
}

/* ---- all ---- */

static unsigned bits_of(unsigned set)
{
	unsigned count = 0;

	for (; set != 0; set &= set - 1)
		count++;
	return count;
}

bool lf_impact_compute(struct lf_impact *impact, const struct lf_groups *groups,
	const struct lf_assessment *assessments, size_t count, const char *const *rubrics, size_t rubric_count,
	bool small_too, struct lf_arena *arena)
{
	const unsigned sets = 1u << groups->dimension_count;
	struct work work = {groups, calloc(groups->person_count + 1, sizeof(*work.people)), small_too, arena};
	bool failed;

	*impact = (struct lf_impact){.tables = lf_arena_zalloc(arena, sets, sizeof(*impact->tables)),
		.rubrics = lf_arena_zalloc(arena, rubric_count + 1, sizeof(*impact->rubrics))};
	failed = work.people == NULL || impact->tables == NULL || impact->rubrics == NULL;
	for (size_t r = 0; r < rubric_count && !failed; r++)
		impact->rubrics[r].name = rubrics[r];
	failed = failed || !find_medians(impact->rubrics, rubric_count, assessments, count);
	if (!failed) {
		tally_people(&work, impact, assessments, count);
		list_rubrics(impact, rubric_count);
	}
	for (unsigned size = 1; size <= groups->dimension_count && !failed; size++)
		for (unsigned set = 1; set < sets && !failed; set++) {
			struct lf_impact_table *table;

			if (bits_of(set) != size)
				continue;
			table = &impact->tables[impact->table_count++];
			table->dimensions = set;
			failed = !fill_table(&work, table, impact->assessed);
		}
	free(work.people);
	return !failed;
}

const char *lf_impact_measure_name(enum lf_measure measure)
{
	return measure == LF_SELECTION ? "selection" : "scoring";
}

static void join(const struct lf_groups *groups, unsigned dimensions, const uint8_t *categories, const char *separator,
	struct lf_buffer *out)
{
	const char *before = "";

	for (size_t d = 0; d < groups->dimension_count; d++) {
		const struct lf_dimension *dimension;

		if ((dimensions >> d & 1) == 0)
			continue;
		dimension = &groups->dimensions[d];
		lf_buffer_append_text(out, before);
		lf_buffer_append_text(out, categories == NULL ? dimension->name : dimension->categories[categories[d]]);
		before = separator;
	}
}

void lf_impact_name(const struct lf_groups *groups, const struct lf_impact_table *table, const uint8_t *categories,
	struct lf_buffer *name)
{
	join(groups, table->dimensions, categories, ", ", name);
}

void lf_impact_title(const struct lf_groups *groups, const struct lf_impact_table *table, struct lf_buffer *title)
{
	join(groups, table->dimensions, NULL, " and ", title);
}
