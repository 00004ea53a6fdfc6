/* How weights move with traits: what is drawn, and as text. */
#include "client/draw/rubric_picture.h"

#include <stdio.h>
#include <string.h>

#include "client/calc/figures.h"
#include "client/term/page.h"
#include "proto/base/buffer.h"

enum { WIDTH_MAX = 100, ROW_BEGIN = 7, ROWS_OF_MANY = 5, ROWS_OF_ONE = 11 };

const char *lf_title_or_id(const char *title, const char *id)
{
	return title[0] != '\0' ? title : id;
}

bool lf_weight_picture_has(const struct lf_weight_picture *picture, size_t trait)
{
	if (picture->only < picture->model.trait_count)
		return trait == picture->only;
	return lf_weight_moves(&picture->model, trait);
}

/* The largest share that each criterion has in the picture. */
static void find_largest(const struct lf_weight_picture *picture, struct lf_weight_range *ranges, double *largest)
{
	const size_t criteria = picture->model.criterion_count, traits = picture->model.trait_count;

	lf_weight_shares(&picture->model, traits, 0, largest);
	for (size_t t = 0; t < traits; t++) {
		if (!lf_weight_picture_has(picture, t))
			continue;
		lf_weight_ranges(&picture->model, t, picture->shares, ranges);
		for (size_t c = 0; c < criteria; c++)
			largest[c] = ranges[c].high > largest[c] ? ranges[c].high : largest[c];
	}
}

/* Each criterion gets an area of its own, or the lightest ones share the last. */
static bool choose_areas(struct lf_weight_picture *picture, struct lf_arena *arena)
{
	const size_t count = picture->model.criterion_count;
	struct lf_weight_range *ranges;
	double *weights;
	size_t area;

	if (count <= LF_HUES) {
		for (size_t c = 0; c < count; c++)
			picture->area_of[c] = c;
		picture->areas = count;
		return true;
	}
	ranges = lf_arena_zalloc(arena, count, sizeof(*ranges));
	weights = lf_arena_zalloc(arena, count, sizeof(*weights));
	if (ranges == NULL || weights == NULL)
		return false;
	find_largest(picture, ranges, weights);
	area = 0;
	for (size_t c = 0; c < count; c++) {
		size_t heavier = 0; /* earlier ones of equals count as heavier */

		for (size_t other = 0; other < count; other++)
			heavier += weights[other] > weights[c] || (other < c && !(weights[other] < weights[c]));
		picture->area_of[c] = heavier < LF_HUE_OTHERS ? area++ : LF_HUE_OTHERS;
	}
	picture->areas = LF_HUES;
	picture->with_others = true;
	return true;
}

bool lf_weight_picture_init(
	struct lf_weight_picture *picture, const Leadfit__V1__Rubric *rubric, const char *only, struct lf_arena *arena)
{
	*picture = (struct lf_weight_picture){.rubric = rubric, .only = rubric->n_traits};
	if (!lf_weight_model_init(&picture->model, rubric, arena))
		return false;
	for (size_t t = 0; only != NULL && t < rubric->n_traits; t++)
		if (strcmp(rubric->traits[t]->id, only) == 0)
			picture->only = t;
	picture->shares = lf_arena_zalloc(arena, rubric->n_criteria, sizeof(*picture->shares));
	picture->area_of = lf_arena_zalloc(arena, rubric->n_criteria, sizeof(*picture->area_of));
	return picture->shares != NULL && picture->area_of != NULL && choose_areas(picture, arena);
}

bool lf_weight_picture_at(const struct lf_weight_picture *picture, size_t trait, double value, double areas[LF_HUES])
{
	const bool some = lf_weight_shares(&picture->model, trait, value, picture->shares);

	for (size_t a = 0; a < LF_HUES; a++)
		areas[a] = 0;
	for (size_t c = 0; c < picture->model.criterion_count; c++)
		areas[picture->area_of[c]] += picture->shares[c];
	return some;
}

char lf_weight_picture_letter(const struct lf_weight_picture *picture, size_t area)
{
	return picture->with_others && area == LF_HUE_OTHERS ? '*' : (char)('A' + area);
}

void lf_weight_picture_name(const struct lf_weight_picture *picture, size_t area, struct lf_buffer *out)
{
	size_t count = 0;

	for (size_t c = 0; c < picture->model.criterion_count; c++) {
		const Leadfit__V1__Criterion *criterion = picture->rubric->criteria[c];

		if (picture->area_of[c] == area && count++ == 0)
			lf_text_add(out, "%s", lf_title_or_id(criterion->title, criterion->id));
	}
	if (picture->with_others && area == LF_HUE_OTHERS) {
		out->length = 0;
		lf_text_add(out, "all others (%zu criteria)", count);
	}
}

static void print_key(struct lf_page *page, const struct lf_weight_picture *picture)
{
	struct lf_buffer name = {0};

	for (size_t a = 0; a < picture->areas; a++) {
		const char letter[] = {' ', lf_weight_picture_letter(picture, a), ' ', '\0'};

		lf_weight_picture_name(picture, a, &name);
		lf_page_add(page, LF_PLAIN, "  ");
		lf_page_add_area_hue(page, a, letter);
		lf_text_wrap(page, &name, " ", "       ");
	}
	lf_buffer_clean_up(&name);
}

static void print_bar(struct lf_page *page, const struct lf_weight_picture *picture, size_t trait, double value)
{
	double areas[LF_HUES];
	struct lf_segment segments[LF_HUES];
	char texts[LF_HUES][2][LF_PERCENT_BYTES + 2], percent[LF_PERCENT_BYTES];
	const size_t width = (page->width < WIDTH_MAX ? page->width : WIDTH_MAX) - ROW_BEGIN;

	lf_page_add(page, LF_PLAIN, "  %.2f ", value);
	if (!lf_weight_picture_at(picture, trait, value, areas)) {
		lf_page_add(page, LF_PLAIN, "no criterion has a weight here\n");
		return;
	}
	for (size_t a = 0; a < picture->areas; a++) {
		const char letter = lf_weight_picture_letter(picture, a);

		lf_percent(areas[a], percent);
		snprintf(texts[a][0], sizeof(texts[a][0]), "%c %s", letter, percent);
		snprintf(texts[a][1], sizeof(texts[a][1]), "%c", letter);
		segments[a] = (struct lf_segment){.share = areas[a], .hue = a, .texts = {texts[a][0], texts[a][1]}};
	}
	lf_segments_print(page, width, segments, picture->areas);
	lf_page_add(page, LF_PLAIN, "\n");
}

void lf_weight_picture_print(struct lf_page *page, const struct lf_weight_picture *picture)
{
	const unsigned rows = picture->only < picture->model.trait_count ? ROWS_OF_ONE : ROWS_OF_MANY;

	print_key(page, picture);
	for (size_t t = 0; t < picture->model.trait_count; t++) {
		const Leadfit__V1__Trait *trait = picture->rubric->traits[t];
		char note[64];

		if (!lf_weight_picture_has(picture, t))
			continue;
		snprintf(note, sizeof(note), "%.2f is assumed where a project does not say",
			lf_rounded(picture->model.assumed[t], 2));
		lf_page_subtitle(page, lf_title_or_id(trait->title, trait->id), note);
		for (unsigned i = 0; i < rows; i++)
			print_bar(page, picture, t, (double)i / (rows - 1));
	}
}
