#include "client/views/judgement_page.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "client/calc/figures.h"
#include "leadfit/v1/rubric.pb-c.h"
#include "proto/text/json.h"

static void print_table(struct lf_page *page, const struct lf_judgement *judgement)
{
	struct lf_table table;
	char bar[LF_BAR_BYTES];
	const unsigned decimals = lf_judgement_decimals(judgement);

	lf_table_init(&table, page);
	lf_table_column(&table, "criterion", LF_COLUMN_CUT);
	lf_table_column(&table, "weight", LF_COLUMN_RIGHT);
	lf_table_column(&table, "", 0);
	for (size_t i = 0; i < judgement->count; i++) {
		lf_bar(page, judgement->weights[i], bar);
		lf_table_line(&table, LF_PLAIN);
		lf_table_cell(&table, 0, "%s", judgement->criteria[i]);
		if (lf_rounded(judgement->weights[i], decimals) > 0 || !(judgement->weights[i] > 0))
			lf_table_cell(&table, 1, "%.*f", (int)decimals, lf_rounded(judgement->weights[i], decimals));
		else
			lf_table_cell(&table, 1, "%.1e", judgement->weights[i]);
		lf_table_cell(&table, 2, "%s", bar);
	}
	lf_table_finish(&table, true);
}

/* "Exp is 4 times as important as Char": the larger way round. */
static void append_comparison(struct lf_buffer *out, const struct lf_judgement *judgement, size_t a, size_t b)
{
	const double ratio = judgement->matrix[a * judgement->count + b];
	char number[48];

	if (ratio < 1) {
		append_comparison(out, judgement, b, a);
		return;
	}
	lf_buffer_append_text(out, judgement->criteria[a]);
	snprintf(number, sizeof(number), ratio > 1 ? " counts %.3g times as much as " : " counts as much as ", ratio);
	lf_buffer_append_text(out, number);
	lf_buffer_append_text(out, judgement->criteria[b]);
}

static void print_worst(struct lf_page *page, const struct lf_judgement *judgement)
{
	const struct lf_triple *worst = &judgement->worst;
	const size_t pairs[][2] = {{worst->i, worst->j}, {worst->j, worst->k}, {worst->i, worst->k}};
	struct lf_buffer text = {0};

	lf_buffer_append_text(&text, "Least consistent are these three: ");
	for (size_t p = 0; p < 3; p++) {
		append_comparison(&text, judgement, pairs[p][0], pairs[p][1]);
		lf_buffer_append_text(&text, p == 0 ? ", " : p == 1 ? ", and " : ".");
	}
	page->text.failed = page->text.failed || text.failed;
	if (text.data != NULL)
		lf_page_wrap(page, "", "", text.data);
	lf_buffer_clean_up(&text);
}

static void print_consistency(struct lf_page *page, const struct lf_judgement *judgement)
{
	lf_page_add(page, LF_PLAIN, "\nLambda max %.4f, consistency index %.3f", lf_rounded(judgement->lambda_max, 4),
		lf_rounded(judgement->consistency_index, 3));
	if (judgement->count < 3) {
		lf_page_add(page, LF_PLAIN, ": with fewer than three criteria nothing can contradict itself\n");
	} else if (isnan(judgement->random_index)) {
		lf_page_add(page, LF_PLAIN,
			"; no random index is given for %zu criteria, so there is no consistency ratio\n",
			judgement->count);
		print_worst(page, judgement);
	} else {
		lf_page_add(page, LF_PLAIN, ", consistency ratio %.3f (random index %.3f for %zu criteria)\n",
			lf_rounded(judgement->consistency_ratio, 3), lf_rounded(judgement->random_index, 3),
			judgement->count);
	}
	if (judgement->consistency_ratio > LF_CONSISTENCY_MAX) {
		lf_page_add(
			page, LF_WARN, "Warning: a ratio above 0.1 means that the comparisons contradict each other.");
		lf_page_add(page, LF_PLAIN, "\n");
		print_worst(page, judgement);
	}
}

/* As the canonical form of a rubric has it. false where memory ran out. */
static bool append_criteria(struct lf_buffer *out, const struct lf_judgement *judgement, struct lf_arena *arena)
{
	Leadfit__V1__Rubric rubric = LEADFIT__V1__RUBRIC__INIT;
	Leadfit__V1__Criterion *criteria = lf_arena_zalloc(arena, judgement->count, sizeof(*criteria));
	Leadfit__V1__Weight *weights = lf_arena_zalloc(arena, judgement->count, sizeof(*weights));
	const unsigned decimals = lf_judgement_decimals(judgement);

	rubric.criteria = lf_arena_zalloc(arena, judgement->count, sizeof(*rubric.criteria));
	if (criteria == NULL || weights == NULL || rubric.criteria == NULL)
		return false;
	rubric.n_criteria = judgement->count;
	for (size_t i = 0; i < judgement->count; i++) {
		leadfit__v1__criterion__init(&criteria[i]);
		leadfit__v1__weight__init(&weights[i]);
		criteria[i].id = lf_arena_strdup(arena, judgement->criteria[i], strlen(judgement->criteria[i]));
		if (criteria[i].id == NULL)
			return false;
		weights[i].base_weight = lf_judgement_weight(judgement, i, decimals);
		criteria[i].weight = &weights[i];
		rubric.criteria[i] = &criteria[i];
	}
	lf_yaml_print(&rubric.base, out);
	return true;
}

void lf_judgement_json(struct lf_buffer *out, const struct lf_judgement *judgement)
{
	for (size_t i = 0; i < judgement->count; i++) {
		lf_buffer_append_text(
			out, i == 0 ? "{\n  \"weights\": [\n    {\"criterion\": " : ",\n    {\"criterion\": ");
		lf_json_print_string(judgement->criteria[i], out);
		lf_json_add_number(out, ", \"weight\": ", judgement->weights[i]);
		lf_buffer_append_text(out, "}");
	}
	lf_buffer_append_text(out, "\n  ]");
	if (judgement->compared) {
		lf_json_add_number(out, ",\n  \"lambdaMax\": ", judgement->lambda_max);
		lf_json_add_number(out, ",\n  \"consistencyIndex\": ", judgement->consistency_index);
		lf_json_add_number(out, ",\n  \"randomIndex\": ", judgement->random_index);
		lf_json_add_number(out, ",\n  \"consistencyRatio\": ", judgement->consistency_ratio);
	}
	if (judgement->has_worst) {
		const size_t names[] = {judgement->worst.i, judgement->worst.j, judgement->worst.k};

		for (size_t i = 0; i < 3; i++) {
			lf_buffer_append_text(out, i == 0 ? ",\n  \"leastConsistent\": {\"criteria\": [" : ", ");
			lf_json_print_string(judgement->criteria[names[i]], out);
		}
		lf_json_add_number(out, "], \"product\": ", judgement->worst.product);
		lf_buffer_append_text(out, "}");
	}
	lf_buffer_append_text(out, "\n}\n");
}

void lf_judgement_print(struct lf_page *page, const struct lf_judgement *judgement, struct lf_arena *arena)
{
	print_table(page, judgement);
	if (judgement->compared)
		print_consistency(page, judgement);
	lf_page_title(page, "For the rubric");
	if (!append_criteria(&page->text, judgement, arena))
		page->text.failed = true;
}
