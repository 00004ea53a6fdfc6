#include "client/calc/judgement.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/calc/figures.h"
#include "proto/base/limits.h"
#include "proto/base/nearest.h"

enum { ITERATIONS_MAX = 100000 };

/* No weight moves by more: then the eigenvector is found. */
static const double settled = 1e-12;
/* The smallest ratio that is taken for 1/9: 0.11 is how people round it. */
static const double ratio_min = 0.11, ratio_max = 9;

struct reader {
	struct lf_judgement *result;
	const Leadfit__V1__Judgement *message;
	double *matrix;
	size_t *given_by; /* of each pair, both ways: 1 + index of the comparison; 0: none */
	struct lf_error *error;
};

double lf_random_index(size_t count)
{
	/* Mean consistency index of random comparisons of 3..10 criteria, as R's package MCDA has it. */
	static const double indices[] = {0.525, 0.882, 1.115, 1.252, 1.341, 1.404, 1.452, 1.484};

	if (count < 3)
		return 0;
	return count - 3 < sizeof(indices) / sizeof(*indices) ? indices[count - 3] : NAN;
}

/* A plain decimal number above 0, up to end. */
static bool parse_number(const char *text, size_t length, double *number)
{
	char copy[32];
	char *end;

	if (length == 0 || length >= sizeof(copy) || strspn(text, "0123456789.") < length || text[0] == '.')
		return false;
	memcpy(copy, text, length);
	copy[length] = '\0';
	*number = strtod(copy, &end);
	return *end == '\0' && *number > 0 && isfinite(*number);
}

bool lf_ratio_parse(const char *text, double *ratio)
{
	const char *slash = strchr(text, '/');
	double above, below = 1;

	if (!parse_number(text, slash == NULL ? strlen(text) : (size_t)(slash - text), &above) ||
		(slash != NULL && !parse_number(slash + 1, strlen(slash + 1), &below)))
		return false;
	*ratio = above / below;
	return true;
}

/* Index of a criterion; count where there is none of that name. */
static size_t find(const struct lf_judgement *result, const char *name)
{
	size_t i = 0;

	while (i < result->count && strcmp(result->criteria[i], name) != 0)
		i++;
	return i;
}

/* Says that name is not among the criteria. path: of the field. */
static void add_unknown(struct reader *reader, const char *path, const char *name)
{
	const char *nearest = lf_nearest(name, reader->result->criteria, reader->result->count);

	if (nearest != NULL)
		lf_error_add(
			reader->error, path, "\"%.128s\" is not among the criteria; nearest: %.128s", name, nearest);
	else
		lf_error_add(reader->error, path, "\"%.128s\" is not among the criteria", name);
}

/* ---- criteria ---- */

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void read_criteria(struct reader *reader, struct lf_arena *arena)
{
	const Leadfit__V1__Judgement *message = reader->message;
	struct lf_judgement *result = reader->result;
	const bool listed = message->n_criteria > 0 || message->n_comparisons > 0;
	const size_t count = listed ? message->n_criteria : message->n_direct;

	if (count == 0 || count > LF_CRITERIA_MAX) {
		lf_error_add(reader->error, listed ? "criteria" : "", "%s1..%d criteria are allowed",
			count == 0 && !listed ? "has neither comparisons nor direct points: " : "", LF_CRITERIA_MAX);
		return;
	}
	result->criteria = lf_arena_zalloc(arena, count, sizeof(*result->criteria));
	result->weights = lf_arena_zalloc(arena, count, sizeof(*result->weights));
	reader->matrix = lf_arena_zalloc(arena, count * count, sizeof(*reader->matrix));
	reader->given_by = lf_arena_zalloc(arena, count * count, sizeof(*reader->given_by));
	if (result->criteria == NULL || result->weights == NULL || reader->matrix == NULL || reader->given_by == NULL) {
		lf_error_set(reader->error, LF_RESOURCE_EXHAUSTED, "out of memory");
		return;
	}
	for (size_t i = 0; i < count; i++) {
		const char *name = listed ? message->criteria[i] : message->direct[i]->key;
		char path[32];

		snprintf(path, sizeof(path), "criteria[%zu]", i);
		if (name[0] == '\0')
			lf_error_add(reader->error, listed ? path : "direct", "a name is required");
		else if (find(result, name) < result->count)
			lf_error_add(reader->error, path, "\"%.128s\" stands twice", name);
		result->criteria[result->count++] = name;
	}
	if (!listed)
		qsort(result->criteria, count, sizeof(*result->criteria), compare_names);
}

/* ---- comparisons ---- */

/* Puts one comparison into the matrix, both ways. */
static void take_comparison(struct reader *reader, size_t index, size_t a, size_t b, double ratio)
{
	const size_t count = reader->result->count, earlier = reader->given_by[a * count + b];
	char path[48];

	snprintf(path, sizeof(path), "comparisons[%zu]", index);
	if (a == b) {
		lf_error_add(reader->error, path, "compares %.128s with itself", reader->result->criteria[a]);
	} else if (earlier > 0) {
		const double other = reader->matrix[a * count + b];
		const bool agrees = fabs(other - ratio) <= 1e-9 * ratio;

		lf_error_add(reader->error, path, "%.64s and %.64s are compared in comparisons[%zu] already%s",
			reader->result->criteria[a], reader->result->criteria[b], earlier - 1,
			agrees ? "" : ", which says otherwise");
	} else {
		reader->matrix[a * count + b] = ratio;
		reader->matrix[b * count + a] = 1 / ratio;
		reader->given_by[a * count + b] = reader->given_by[b * count + a] = index + 1;
	}
}

static void read_comparison(struct reader *reader, size_t index)
{
	const Leadfit__V1__Comparison *comparison = reader->message->comparisons[index];
	const size_t a = find(reader->result, comparison->a), b = find(reader->result, comparison->b);
	double ratio = 0;
	char path[48];

	snprintf(path, sizeof(path), "comparisons[%zu].a", index);
	if (a == reader->result->count)
		add_unknown(reader, path, comparison->a);
	snprintf(path, sizeof(path), "comparisons[%zu].b", index);
	if (b == reader->result->count)
		add_unknown(reader, path, comparison->b);
	snprintf(path, sizeof(path), "comparisons[%zu].ratio", index);
	if (!lf_ratio_parse(comparison->ratio, &ratio))
		lf_error_add(reader->error, path, "\"%.40s\" is not a ratio such as 3, 0.25 or 1/4", comparison->ratio);
	else if (ratio < ratio_min || ratio > ratio_max)
		lf_error_add(reader->error, path, "%.40s is outside 1/9..9", comparison->ratio);
	/* A pair with a bad ratio is given all the same: it is not missing, too. */
	if (a < reader->result->count && b < reader->result->count)
		take_comparison(reader, index, a, b, ratio > 0 ? ratio : 1);
}

static void read_comparisons(struct reader *reader)
{
	const size_t count = reader->result->count;

	for (size_t i = 0; i < reader->message->n_comparisons; i++)
		read_comparison(reader, i);
	for (size_t i = 0; i < count; i++) {
		reader->matrix[i * count + i] = 1;
		for (size_t j = i + 1; j < count; j++)
			if (reader->given_by[i * count + j] == 0)
				lf_error_add(reader->error, "comparisons", "%.128s and %.128s are not compared",
					reader->result->criteria[i], reader->result->criteria[j]);
	}
}

/* ---- the eigenvector ---- */

/*
 * next = matrix · weights, divided by its sum, which is the eigenvalue's estimate. Returns the largest change of a
 * weight.
 */
static double iterate(const struct lf_judgement *result, const double *weights, double *next, double *sum)
{
	const size_t count = result->count;
	double change = 0;

	*sum = 0;
	for (size_t i = 0; i < count; i++) {
		next[i] = 0;
		for (size_t j = 0; j < count; j++)
			next[i] += result->matrix[i * count + j] * weights[j];
		*sum += next[i];
	}
	for (size_t i = 0; i < count; i++) {
		next[i] /= *sum;
		change = fmax(change, fabs(next[i] - weights[i]));
	}
	return change;
}

/* All ratios are above 0, so that there is one eigenvector above 0, to which the iteration leads from anywhere. */
static bool find_weights(struct lf_judgement *result)
{
	double next[LF_CRITERIA_MAX];

	for (size_t i = 0; i < result->count; i++)
		result->weights[i] = 1 / (double)result->count;
	for (size_t round = 0; round < ITERATIONS_MAX; round++) {
		const double change = iterate(result, result->weights, next, &result->lambda_max);

		memcpy(result->weights, next, result->count * sizeof(*next));
		if (change <= settled)
			return true;
	}
	return false;
}

static void find_worst_triple(struct lf_judgement *result)
{
	const size_t count = result->count;
	double worst = -1;

	for (size_t i = 0; i < count; i++)
		for (size_t j = i + 1; j < count; j++)
			for (size_t k = j + 1; k < count; k++) {
				const double product = result->matrix[i * count + j] * result->matrix[j * count + k] *
					result->matrix[k * count + i];

				if (fabs(log(product)) <= worst)
					continue;
				worst = fabs(log(product));
				result->worst = (struct lf_triple){i, j, k, product};
				result->has_worst = true;
			}
}

static enum lf_code weigh_comparisons(struct lf_judgement *result, struct lf_error *error)
{
	const double count = (double)result->count;

	if (!find_weights(result))
		return lf_error_set(error, LF_INTERNAL, "the weights do not settle after %d rounds", ITERATIONS_MAX);
	result->consistency_index = result->count > 1 ? fmax(0, (result->lambda_max - count) / (count - 1)) : 0;
	result->random_index = lf_random_index(result->count);
	result->consistency_ratio = result->count < 3 ? 0 : result->consistency_index / result->random_index;
	find_worst_triple(result);
	return LF_OK;
}

/* ---- points ---- */

static void read_direct(struct reader *reader)
{
	struct lf_judgement *result = reader->result;
	bool given[LF_CRITERIA_MAX] = {false};
	double sum = 0;

	for (size_t i = 0; i < reader->message->n_direct; i++) {
		const Leadfit__V1__Judgement__DirectEntry *entry = reader->message->direct[i];
		const size_t index = find(result, entry->key);
		char path[160];

		snprintf(path, sizeof(path), "direct[\"%.128s\"]", entry->key);
		if (index == result->count)
			add_unknown(reader, path, entry->key);
		if (!(entry->value >= 0 && entry->value <= 1e6))
			lf_error_add(reader->error, path, "%g is outside 0..1000000", entry->value);
		if (index == result->count)
			continue;
		given[index] = true;
		result->weights[index] = entry->value;
		sum += entry->value;
	}
	for (size_t i = 0; i < result->count; i++) {
		if (!given[i])
			lf_error_add(reader->error, "direct", "%.128s has no points", result->criteria[i]);
		if (sum > 0)
			result->weights[i] /= sum;
	}
	if (!(sum > 0) && reader->error->code == LF_OK)
		lf_error_add(reader->error, "direct", "all points are 0: nothing would count");
}

enum lf_code lf_judgement_evaluate(struct lf_judgement *result, const Leadfit__V1__Judgement *judgement,
	struct lf_arena *arena, struct lf_error *error)
{
	struct reader reader = {.result = result, .message = judgement, .error = error};

	*result = (struct lf_judgement){.compared = judgement->n_comparisons > 0 || judgement->n_direct == 0};
	if (judgement->n_comparisons > 0 && judgement->n_direct > 0)
		return lf_error_add(error, "direct", "stands beside comparisons: either is allowed, not both");
	read_criteria(&reader, arena);
	if (error->code == LF_RESOURCE_EXHAUSTED || result->count == 0)
		return error->code;
	if (result->compared)
		read_comparisons(&reader);
	else
		read_direct(&reader);
	if (error->code != LF_OK)
		return lf_error_summarize(error);
	result->matrix = reader.matrix;
	return result->compared ? weigh_comparisons(result, error) : LF_OK;
}

/* ---- as they are told ---- */

static bool look_alike(double a, double b, unsigned decimals)
{
	return fabs(a - b) > 1e-9 * (a + b) && lf_rounded(a, decimals) == lf_rounded(b, decimals);
}

static bool tells(const struct lf_judgement *judgement, unsigned decimals)
{
	const double *weights = judgement->weights;

	for (size_t i = 0; i < judgement->count; i++) {
		const double rounded = lf_rounded(weights[i], decimals);

		if (fabs(weights[i] - rounded) > 0.05 * weights[i])
			return false;
		for (size_t k = 0; k < i; k++) {
			if (look_alike(weights[i], weights[k], decimals))
				return false;
		}
	}
	return true;
}

unsigned lf_judgement_decimals(const struct lf_judgement *judgement)
{
	unsigned decimals = 3;

	while (decimals < LF_FIGURE_DECIMALS_MAX && !tells(judgement, decimals))
		decimals++;
	return decimals;
}

double lf_judgement_weight(const struct lf_judgement *judgement, size_t criterion, unsigned decimals)
{
	const double rounded = lf_rounded(judgement->weights[criterion], decimals);

	return rounded > 0 ? rounded : judgement->weights[criterion];
}
