/* Who leads over one trait, as a page for people and as a picture. */
#include "client/views/sweep.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "client/calc/figures.h"
#include "client/term/page.h"
#include "client/views/decision.h"
#include "proto/base/buffer.h"

enum { TITLE_BYTES = 512 };

/* Above rounding: scores that differ less are equal for this page. */
#define SCORE_DIFFERENCE 1e-9

static const char *project_name(const Leadfit__V1__SweepResponse *response)
{
	if (response->project == NULL)
		return "the project";
	return response->project->title[0] != '\0' ? response->project->title : response->project->id;
}

static bool leads_anywhere(const Leadfit__V1__SweepResponse *response, size_t candidate)
{
	const char *id = response->candidates[candidate];

	for (size_t i = 0; i < response->n_stretches; i++) {
		const Leadfit__V1__SweepStretch *stretch = response->stretches[i];

		if (strcmp(stretch->first, id) == 0)
			return true;
		for (size_t k = 0; k < stretch->n_tied; k++)
			if (strcmp(stretch->tied[k], id) == 0)
				return true;
	}
	return false;
}

/* "m-1", "m-1 and m-2 (equal)", "nobody", in arena; NULL where memory ran out. */
static const char *first_of(const Leadfit__V1__SweepStretch *stretch, struct lf_arena *arena)
{
	struct lf_buffer text = {0};
	const char *names;

	lf_text_add(&text, "%s", stretch->first[0] == '\0' ? "nobody" : stretch->first);
	for (size_t i = 0; i < stretch->n_tied; i++)
		lf_text_add(&text, "%s%s", i + 1 == stretch->n_tied ? " and " : ", ", stretch->tied[i]);
	lf_text_add(&text, "%s", stretch->n_tied > 0 ? " (equal)" : "");
	names = text.failed ? NULL : lf_arena_strdup(arena, text.data, text.length);
	lf_buffer_clean_up(&text);
	return names;
}

/* Those to draw, in the response's order: all who lead, then the next best. Returns how many. */
static size_t choose(const Leadfit__V1__SweepResponse *response, size_t chosen[LF_CHART_SERIES_MAX])
{
	size_t leaders = 0, others, count = 0;

	for (size_t c = 0; c < response->n_candidates; c++)
		leaders += leads_anywhere(response, c);
	others = leaders < LF_CHART_SERIES_MAX ? LF_CHART_SERIES_MAX - leaders : 0;
	for (size_t c = 0; c < response->n_candidates && count < LF_CHART_SERIES_MAX; c++) {
		const bool leads = leads_anywhere(response, c);

		if (!leads && others == 0)
			continue;
		others -= !leads;
		chosen[count++] = c;
	}
	return count;
}

/* Whether the point can be drawn after the last one. */
static bool is_usable(const struct lf_chart *chart, const Leadfit__V1__SweepPoint *point)
{
	const double last = chart->point_count > 0 ? chart->x[chart->point_count - 1] : -1;

	return point->value >= 0 && point->value <= 1 && point->value > last;
}

static bool read_points(struct lf_sweep *sweep, const size_t *chosen, struct lf_arena *arena)
{
	const Leadfit__V1__SweepResponse *response = sweep->response;
	struct lf_chart *chart = &sweep->chart;
	double *x = lf_arena_zalloc(arena, response->n_points + 1, sizeof(*x)), *y[LF_CHART_SERIES_MAX];

	if (x == NULL)
		return false;
	chart->x = x;
	for (size_t s = 0; s < chart->series_count; s++) {
		y[s] = lf_arena_zalloc(arena, response->n_points + 1, sizeof(*y[s]));
		if (y[s] == NULL)
			return false;
		chart->series[s] = (struct lf_chart_series){.name = response->candidates[chosen[s]], .y = y[s]};
	}
	for (size_t i = 0; i < response->n_points; i++) {
		const Leadfit__V1__SweepPoint *point = response->points[i];

		if (!is_usable(chart, point))
			continue;
		x[chart->point_count] = point->value;
		for (size_t s = 0; s < chart->series_count; s++)
			y[s][chart->point_count] = chosen[s] < point->n_scores ? point->scores[chosen[s]] : NAN;
		chart->point_count++;
	}
	return true;
}

static bool read_stretches(struct lf_sweep *sweep, struct lf_arena *arena)
{
	const Leadfit__V1__SweepResponse *response = sweep->response;
	struct lf_chart *chart = &sweep->chart;
	struct lf_chart_stretch *stretches = lf_arena_zalloc(arena, response->n_stretches + 1, sizeof(*stretches));

	if (stretches == NULL)
		return false;
	for (size_t i = 0; i < response->n_stretches; i++) {
		const Leadfit__V1__SweepStretch *stretch = response->stretches[i];
		size_t s = 0;

		while (s < chart->series_count && strcmp(chart->series[s].name, stretch->first) != 0)
			s++;
		stretches[i] = (struct lf_chart_stretch){
			.from = stretch->from, .to = stretch->to, .series = s, .first = first_of(stretch, arena)};
		if (stretches[i].first == NULL)
			return false;
	}
	for (size_t i = 0; i < response->n_stretches; i++)
		sweep->leaders_left_out = sweep->leaders_left_out ||
			(stretches[i].series >= chart->series_count && response->stretches[i]->first[0] != '\0');
	chart->stretches = stretches;
	chart->stretch_count = response->n_stretches;
	return true;
}

/* Whether at a point somebody scores higher than the one who leads there. */
static bool is_outscored(const struct lf_chart *chart)
{
	for (size_t i = 0; i < chart->point_count; i++) {
		for (size_t k = 0; k < chart->stretch_count; k++) {
			const struct lf_chart_stretch *stretch = &chart->stretches[k];
			double first;

			if (chart->x[i] < stretch->from || chart->x[i] > stretch->to ||
				stretch->series >= chart->series_count)
				continue;
			first = chart->series[stretch->series].y[i] + SCORE_DIFFERENCE;
			/* At a crossing both lead. */
			if (!(chart->x[i] > stretch->from && chart->x[i] < stretch->to))
				continue;
			for (size_t s = 0; s < chart->series_count; s++)
				if (chart->series[s].y[i] > first)
					return true;
		}
	}
	return false;
}

bool lf_sweep_init(struct lf_sweep *sweep, const Leadfit__V1__SweepResponse *response, struct lf_arena *arena)
{
	size_t chosen[LF_CHART_SERIES_MAX];

	*sweep = (struct lf_sweep){.response = response};
	sweep->chart.series_count = choose(response, chosen);
	sweep->chart.mark = response->value;
	sweep->chart.x_title = response->trait;
	sweep->chart.y_title = "score";
	sweep->left_out = response->n_candidates - sweep->chart.series_count;
	if (!read_points(sweep, chosen, arena) || !read_stretches(sweep, arena))
		return false;
	sweep->outscored = is_outscored(&sweep->chart);
	return true;
}

/* The stretch in which the project's own value lies: at a border the earlier one. */
static size_t own_stretch(const struct lf_chart *chart)
{
	size_t i = 0;

	while (i < chart->stretch_count && chart->stretches[i].to < chart->mark)
		i++;
	return i;
}

static void print_stretches(struct lf_page *page, const struct lf_chart *chart)
{
	const unsigned decimals = lf_chart_decimals(chart->stretches, chart->stretch_count);
	const size_t own = own_stretch(chart);
	struct lf_table table;

	lf_page_add(page, LF_PLAIN, "\n");
	lf_table_init(&table, page);
	lf_table_column(&table, "from", LF_COLUMN_RIGHT);
	lf_table_column(&table, "to", LF_COLUMN_RIGHT);
	lf_table_column(&table, "first", LF_COLUMN_CUT);
	lf_table_column(&table, "", 0);
	for (size_t i = 0; i < chart->stretch_count; i++) {
		const struct lf_chart_stretch *stretch = &chart->stretches[i];

		lf_table_line(&table, i == own ? LF_BOLD : LF_PLAIN);
		lf_table_cell(&table, 0, "%.*f", (int)decimals, lf_rounded(stretch->from, decimals));
		lf_table_cell(&table, 1, "%.*f", (int)decimals, lf_rounded(stretch->to, decimals));
		lf_table_cell(&table, 2, "%s", stretch->first);
		if (i == own)
			lf_table_cell(&table, 3, "the project: %.2f", lf_rounded(chart->mark, 2));
	}
	lf_table_finish(&table, true);
}

static void print_notes(struct lf_page *page, const struct lf_sweep *sweep)
{
	char text[TITLE_BYTES], drawn[64] = "those who lead somewhere and the next best";

	if (sweep->leaders_left_out)
		snprintf(drawn, sizeof(drawn), "%d of those who lead somewhere", LF_CHART_SERIES_MAX);
	if (sweep->left_out > 0) {
		snprintf(text, sizeof(text), "Drawn are %s; %zu more %s in --output json.", drawn, sweep->left_out,
			sweep->left_out == 1 ? "is" : "are");
		lf_page_wrap(page, "", "", text);
	}
	if (sweep->outscored)
		lf_page_wrap(page, "", "",
			"Where somebody scores higher than the one who is first, that person does not meet a condition "
			"of "
			"the rubric.");
	if (sweep->response->approximate && sweep->chart.stretch_count > 1)
		lf_page_wrap(page, "", "", "The crossing points were found by bisection, not in closed form.");
}

void lf_sweep_print(struct lf_page *page, struct lf_sweep *sweep)
{
	const Leadfit__V1__SweepResponse *response = sweep->response;
	struct lf_chart *chart = &sweep->chart;
	char x_title[TITLE_BYTES];

	lf_page_add(page, LF_BOLD, "%s: who leads as %s goes from 0 to 1", project_name(response), response->trait);
	lf_page_add(page, LF_PLAIN, "\n");
	if (chart->stretch_count > 0)
		print_stretches(page, chart);
	lf_page_add(page, LF_PLAIN, "\n");
	snprintf(x_title, sizeof(x_title), "%.200s   (%s the project, %.2f%s)", response->trait, page->utf8 ? "┊" : ":",
		lf_rounded(response->value, 2),
		chart->stretch_count < 2 ? ""
			: page->utf8     ? "; ◆ the first place changes"
					 : "; X the first place changes");
	chart->x_title = x_title;
	lf_chart_print(page, chart);
	chart->x_title = response->trait;
	print_notes(page, sweep);
	lf_sentences_print(page, "Why", response->n_explanation, response->explanation);
	lf_sentences_print(page, "What this assumes", response->n_assumptions, response->assumptions);
	lf_sentences_print(
		page, "Left out, because the rubric does not declare it", response->n_ignored, response->ignored);
	lf_page_add(page, LF_PLAIN, "\n");
	if (response->rubric != NULL)
		lf_page_add(page, LF_DIM, "Rubric %s %.*s%s", response->rubric->name, LF_DIGEST_SHOWN,
			response->rubric->digest, page->utf8 ? " · " : ", ");
	lf_page_add(page, LF_DIM, "no decision was stored");
	lf_page_add(page, LF_PLAIN, "\n");
}

bool lf_sweep_svg(struct lf_buffer *out, struct lf_sweep *sweep, struct lf_arena *arena)
{
	const Leadfit__V1__SweepResponse *response = sweep->response;
	struct lf_chart *chart = &sweep->chart;
	struct lf_buffer title = {0}, description = {0};
	const unsigned decimals = lf_chart_decimals(chart->stretches, chart->stretch_count);
	char mark_title[64];
	struct lf_svg_point *points = lf_arena_zalloc(arena, chart->point_count + 1, sizeof(*points));
	bool made;

	lf_text_add(&title, "%s: who leads as %s goes from 0 to 1", project_name(response), response->trait);
	for (size_t i = 0; i < chart->stretch_count; i++)
		lf_text_add(&description, "%s%.*f to %.*f %s", i == 0 ? "First: " : ", ", (int)decimals,
			lf_rounded(chart->stretches[i].from, decimals), (int)decimals,
			lf_rounded(chart->stretches[i].to, decimals), chart->stretches[i].first);
	lf_text_add(&description, "%sThe project: %.2f.", chart->stretch_count == 0 ? "" : ". ",
		lf_rounded(response->value, 2));
	snprintf(mark_title, sizeof(mark_title), "the project: %.2f", lf_rounded(response->value, 2));
	chart->title = title.data;
	chart->description = description.data;
	chart->mark_title = mark_title;
	made = points != NULL && !title.failed && !description.failed;
	if (made)
		lf_chart_svg(out, chart, points);
	lf_buffer_clean_up(&title);
	lf_buffer_clean_up(&description);
	chart->title = chart->description = chart->mark_title = NULL;
	return made && !out->failed;
}
