/* A rubric in plain words, for somebody who never saw its file. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "client/views/rubric_explain.h"
#include "client/calc/figures.h"
#include "client/term/page.h"
#include "client/views/rubric_page.h"
#include "proto/base/buffer.h"

/* A range of shares narrower than this is not worth a word; the picture has them all. */
#define SPAN_MIN 0.03

enum { RANGES_SHOWN = 4 };

struct view {
	struct lf_page *page;
	const Leadfit__V1__Rubric *rubric;
	const struct lf_weight_picture *picture;
	struct lf_buffer text;
	bool moved;                     /* some trait moves a weight */
	double *assumed_shares;         /* by criterion */
	struct lf_weight_range *ranges; /* [trait * criteria + criterion] */
	double *coefficients;           /* scratch space, by trait */
	size_t *order;                  /* scratch space, by trait */
};

static const char *trait_name(const struct view *view, size_t trait)
{
	return lf_title_or_id(view->rubric->traits[trait]->title, view->rubric->traits[trait]->id);
}

static double size_of(double value)
{
	return value < 0 ? -value : value;
}

/* Fills view->order with the traits whose coefficient has the sign, the strongest first. Returns how many. */
static size_t order_movers(struct view *view, bool positive)
{
	size_t count = 0;

	for (size_t t = 0; t < view->rubric->n_traits; t++) {
		const double c = view->coefficients[t];
		size_t at;

		if (positive ? !(c > 0) : !(c < 0))
			continue;
		at = count++;
		for (; at > 0 && size_of(view->coefficients[view->order[at - 1]]) < size_of(c); at--)
			view->order[at] = view->order[at - 1];
		view->order[at] = t;
	}
	return count;
}

/* "counts more the higher architecture complexity and stability are; less the higher interaction focus is" */
static void add_movers(struct view *view, const char *more, const char *less, const char *neither)
{
	size_t moved = 0;

	for (int positive = 1; positive >= 0; positive--) {
		const size_t count = order_movers(view, positive);

		if (count == 0)
			continue;
		lf_text_add(&view->text, "%s%s the higher ", moved > 0 ? "; " : "", positive ? more : less);
		for (size_t i = 0; i < count; i++)
			lf_text_add(&view->text, "%s%s", lf_joint(i, count), trait_name(view, view->order[i]));
		lf_text_add(&view->text, count > 1 ? " are" : " is");
		moved += count;
	}
	if (moved == 0)
		lf_text_add(&view->text, "%s", neither);
	lf_text_add(&view->text, ".");
}

/* "19%"; what is not nothing never looks like it. */
static void add_percent(struct lf_buffer *text, double share)
{
	if (share > 0 && share < 0.005)
		lf_text_add(text, "less than 1%%");
	else if (share < 1 && share >= 0.995)
		lf_text_add(text, "more than 99%%");
	else
		lf_text_add(text, "%.0f%%", lf_rounded(share * 100, 0));
}

/* Traits over which the criterion's share moves most, first. Returns how many are worth a word. */
static size_t order_ranges(struct view *view, size_t criterion)
{
	const size_t criteria = view->rubric->n_criteria;
	size_t count = 0;

	for (size_t t = 0; t < view->rubric->n_traits; t++) {
		const struct lf_weight_range *range = &view->ranges[t * criteria + criterion];
		const double span = range->high - range->low;
		size_t at;

		if (span < SPAN_MIN)
			continue;
		at = count++;
		for (; at > 0; at--) {
			const struct lf_weight_range *before =
				&view->ranges[view->order[at - 1] * criteria + criterion];

			if (before->high - before->low >= span)
				break;
			view->order[at] = view->order[at - 1];
		}
		view->order[at] = t;
	}
	return count < RANGES_SHOWN ? count : RANGES_SHOWN;
}

/* "Share of the weight: 19%. As one trait goes from 0 to 1: architecture complexity 9% to 27%, ..." */
static void print_share(struct view *view, size_t criterion)
{
	const size_t criteria = view->rubric->n_criteria, count = order_ranges(view, criterion);

	lf_text_add(&view->text, "Share of the weight: ");
	add_percent(&view->text, view->assumed_shares[criterion]);
	lf_text_add(&view->text, view->moved ? " where all traits are as assumed" : ", whatever the project");
	for (size_t i = 0; i < count; i++) {
		const struct lf_weight_range *range = &view->ranges[view->order[i] * criteria + criterion];
		const double low = range->at_0 < range->at_1 ? range->at_0 : range->at_1;
		const double high = range->at_0 < range->at_1 ? range->at_1 : range->at_0;

		lf_text_add(&view->text, "%s%s ", i == 0 ? ". As one trait goes from 0 to 1: " : ", ",
			trait_name(view, view->order[i]));
		add_percent(&view->text, range->at_0);
		lf_text_add(&view->text, " to ");
		add_percent(&view->text, range->at_1);
		if (range->high > high + SPAN_MIN) {
			lf_text_add(&view->text, " (in between up to ");
			add_percent(&view->text, range->high);
			lf_text_add(&view->text, ")");
		} else if (range->low < low - SPAN_MIN) {
			lf_text_add(&view->text, " (in between down to ");
			add_percent(&view->text, range->low);
			lf_text_add(&view->text, ")");
		}
	}
	lf_text_add(&view->text, ".");
	lf_text_wrap(view->page, &view->text, "    ", "    ");
}

static void add_unknown_value(struct lf_buffer *text, const Leadfit__V1__Criterion *criterion)
{
	lf_text_add(text, "the rating is unknown and counts as ");
	if (criterion->unknown_value != NULL && criterion->unknown_value->value > 0) {
		lf_text_add(text, "the value ");
		lf_text_add_number(text, criterion->unknown_value->value);
	} else {
		lf_text_add(text, "0");
	}
	lf_text_add(text, ".");
}

static void print_prior(struct view *view, const Leadfit__V1__Criterion *criterion)
{
	const Leadfit__V1__Prior *prior = criterion->prior;
	struct lf_buffer *text = &view->text;

	if (prior == NULL) {
		lf_text_add(text, "Nothing is expected before there is evidence: without any, ");
		add_unknown_value(text, criterion);
		lf_text_wrap(view->page, text, "    ", "    ");
		return;
	}
	lf_text_add(text, "Expected before there is evidence: ");
	for (size_t i = 0; i < prior->n_mean; i++) {
		lf_text_add(text, "%s ", lf_discipline_title(view->rubric, prior->mean[i]->key));
		lf_text_add_number(text, prior->mean[i]->value);
		lf_text_add(text, ", ");
	}
	lf_text_add(text, prior->n_mean > 0 ? "everybody else " : "");
	if (prior->default_mean != NULL)
		lf_text_add_number(text, prior->default_mean->value);
	else
		lf_text_add(text, "the middle of the scale");
	if (!(prior->strength > 0)) {
		lf_text_add(text, ". That weighs nothing: without evidence ");
		add_unknown_value(text, criterion);
	} else {
		lf_text_add(text, ". That weighs as much as ");
		lf_text_add_pieces(text, prior->strength);
		lf_text_add(text, " of fresh evidence; ");
		if (prior->strength < 1e6)
			lf_text_add(text, "%u of them outweigh%s it.", (unsigned)prior->strength + 1,
				prior->strength < 1 ? "s" : "");
		else
			lf_text_add(text, "hardly any amount outweighs it.");
	}
	lf_text_wrap(view->page, text, "    ", "    ");
}

static double need_at_assumed(const struct view *view, const Leadfit__V1__Need *need, double *coefficients)
{
	double sum = need->base_need;

	for (size_t t = 0; t < view->rubric->n_traits; t++) {
		coefficients[t] = 0;
		for (size_t i = 0; i < need->n_traits; i++)
			if (strcmp(need->traits[i]->key, view->rubric->traits[t]->id) == 0)
				coefficients[t] = need->traits[i]->value;
		sum += coefficients[t] * view->picture->model.assumed[t];
	}
	return sum > 0 ? sum : 0;
}

static void print_needs(struct view *view, const Leadfit__V1__Criterion *criterion)
{
	double total = 0;

	for (size_t i = 0; i < criterion->n_needs; i++)
		total += need_at_assumed(view, criterion->needs[i], view->coefficients);
	for (size_t i = 0; i < criterion->n_needs; i++) {
		const double need = need_at_assumed(view, criterion->needs[i], view->coefficients);
		const double share = need / total;

		lf_text_add(&view->text, "%s makes up ",
			lf_discipline_title(view->rubric, criterion->needs[i]->discipline));
		add_percent(&view->text, share >= 0 && share <= 1 ? share : 0);
		lf_text_add(&view->text, " of the need where all traits are as assumed; ");
		add_movers(view, "more", "less", "no trait moves it");
		lf_text_wrap(view->page, &view->text, "    ", "      ");
	}
}

static void print_curve(struct view *view, const Leadfit__V1__Criterion *criterion)
{
	for (size_t i = 0; i < criterion->n_curve; i++) {
		lf_text_add(&view->text, i == 0 ? "What a rating is worth, from 0 to 1: " : ", ");
		lf_text_add_number(&view->text, criterion->curve[i]->rating);
		lf_text_add(&view->text, " is worth ");
		lf_text_add_number(&view->text, criterion->curve[i]->value);
	}
	if (criterion->n_curve > 0)
		lf_text_add(&view->text, ", and what lies between accordingly.");
	lf_text_wrap(view->page, &view->text, "    ", "    ");
}

static void print_movers(struct view *view, size_t criterion)
{
	for (size_t t = 0; t < view->rubric->n_traits; t++)
		view->coefficients[t] = lf_weight_coefficient(&view->picture->model, criterion, t);
	add_movers(view, "counts more", "counts less",
		"no trait moves it: it counts more only where the others count less");
	if (view->text.length > 0)
		view->text.data[0] = (char)toupper((unsigned char)view->text.data[0]);
	lf_text_wrap(view->page, &view->text, "    ", "    ");
}

static void print_criterion(struct view *view, size_t index)
{
	const Leadfit__V1__Criterion *criterion = view->rubric->criteria[index];
	const bool rated = criterion->derived == LEADFIT__V1__DERIVED__RATED;

	lf_page_subtitle(view->page, lf_title_or_id(criterion->title, criterion->id),
		criterion->title[0] != '\0' ? criterion->id : "");
	lf_text_add(&view->text, "%s", criterion->description);
	if (!rated)
		lf_text_add(&view->text, "%s%s", criterion->description[0] == '\0' ? "" : " ",
			criterion->derived == LEADFIT__V1__DERIVED__DOMAIN_ALIGNMENT
				? "It is not rated but computed: how much of what the project needs the person's "
				  "expertise meets."
				: "It is not rated but computed: how much of the team's available working time is in "
				  "disciplines "
				  "that the person's expertise covers.");
	lf_text_wrap(view->page, &view->text, "    ", "    ");
	lf_levels_print(view->page, &view->text, criterion);
	if (view->moved)
		print_movers(view, index);
	print_share(view, index);
	print_needs(view, criterion);
	print_curve(view, criterion);
	if (rated)
		print_prior(view, criterion);
}

/* From values to a score. */
static void add_aggregation(struct view *view)
{
	if (view->rubric->n_criteria == 1) {
		lf_text_add(&view->text, "It becomes a value from 0 to 1, and that is the score.");
		return;
	}
	lf_text_add(&view->text,
		"Each becomes a value from 0 to 1, and each has a weight%s. The weights add up to 100%%. ",
		view->moved ? " that follows from the project" : ", the same for every project");
	lf_text_add(&view->text, "%s",
		view->rubric->aggregation == LEADFIT__V1__AGGREGATION__HARMONIC
			? "The score is the weighted harmonic mean of the values: a weak spot costs more than a strong "
			  "side gains."
			: view->rubric->aggregation == LEADFIT__V1__AGGREGATION__MINIMUM
			? "The score is the lowest value of all that count: the weakest spot decides."
			: "The score is the sum of weight times value: strong sides make up for weak spots.");
}

static void print_criteria(struct view *view)
{
	size_t rated = 0;
	size_t computed;

	for (size_t i = 0; i < view->rubric->n_criteria; i++)
		rated += view->rubric->criteria[i]->derived == LEADFIT__V1__DERIVED__RATED;
	computed = view->rubric->n_criteria - rated;
	lf_page_title(view->page, "What counts");
	lf_text_add(&view->text, "%zu %s rated from evidence", rated, rated == 1 ? "criterion is" : "criteria are");
	if (view->rubric->scale != NULL) {
		lf_text_add(&view->text, ", on a scale from ");
		lf_text_add_number(&view->text, view->rubric->scale->min);
		lf_text_add(&view->text, " to ");
		lf_text_add_number(&view->text, view->rubric->scale->max);
	}
	if (computed > 0)
		lf_text_add(&view->text, "; %zu %s computed from the person's disciplines", computed,
			computed == 1 ? "is" : "are");
	lf_text_add(&view->text, ". ");
	add_aggregation(view);
	lf_text_wrap(view->page, &view->text, "  ", "  ");
	for (size_t i = 0; i < view->rubric->n_criteria; i++)
		print_criterion(view, i);
}

static void print_picture(struct view *view)
{
	size_t drawn = 0, still = 0;

	for (size_t t = 0; t < view->rubric->n_traits; t++)
		drawn += lf_weight_picture_has(view->picture, t);
	if (drawn == 0)
		return;
	lf_page_title(view->page, "How a project moves the weights");
	lf_text_add(&view->text,
		"Each bar is the whole weight, 100%%, for one value of the trait; all other traits are as assumed.");
	lf_text_wrap(view->page, &view->text, "  ", "  ");
	lf_page_add(view->page, LF_PLAIN, "\n");
	lf_weight_picture_print(view->page, view->picture);
	for (size_t t = 0; t < view->rubric->n_traits && view->picture->only == view->rubric->n_traits; t++)
		if (!lf_weight_picture_has(view->picture, t))
			lf_text_add(&view->text, "%s%s",
				still++ == 0 ? "Not drawn, because no weight follows from it: " : ", ",
				trait_name(view, t));
	if (still > 0)
		lf_page_add(view->page, LF_PLAIN, "\n");
	lf_text_wrap(view->page, &view->text, "  ", "  ");
}

static void print_traits(struct view *view)
{
	if (view->rubric->n_traits > 0)
		lf_page_title(view->page, "What is asked about a project");
	for (size_t i = 0; i < view->rubric->n_traits; i++) {
		lf_text_add(&view->text, "%s: %s%sWithout an answer ", trait_name(view, i),
			view->rubric->traits[i]->question,
			view->rubric->traits[i]->question[0] == '\0' ? "a number from 0 to 1. " : " ");
		lf_text_add_number(&view->text, view->picture->model.assumed[i]);
		lf_text_add(&view->text, " is assumed, and the answer says so.");
		lf_text_item(view->page, &view->text);
	}
}

static bool view_init(struct view *view, struct lf_arena *arena)
{
	const size_t criteria = view->rubric->n_criteria, traits = view->rubric->n_traits;
	const struct lf_weight_model *model = &view->picture->model;

	view->assumed_shares = lf_arena_zalloc(arena, criteria, sizeof(*view->assumed_shares));
	view->ranges = lf_arena_zalloc(arena, criteria * traits + 1, sizeof(*view->ranges));
	view->coefficients = lf_arena_zalloc(arena, traits + 1, sizeof(*view->coefficients));
	view->order = lf_arena_zalloc(arena, traits + 1, sizeof(*view->order));
	if (view->assumed_shares == NULL || view->ranges == NULL || view->coefficients == NULL || view->order == NULL)
		return false;
	for (size_t t = 0; t < traits; t++)
		lf_weight_ranges(model, t, view->assumed_shares, &view->ranges[t * criteria]);
	lf_weight_shares(model, traits, 0, view->assumed_shares);
	for (size_t t = 0; t < traits; t++)
		view->moved = view->moved || lf_weight_moves(model, t);
	return true;
}

void lf_rubric_explain(struct lf_page *page, const struct lf_weight_picture *picture, struct lf_arena *arena)
{
	struct view view = {.page = page, .rubric = picture->rubric, .picture = picture};
	const Leadfit__V1__Rubric *rubric = picture->rubric;

	if (!view_init(&view, arena)) {
		page->text.failed = true;
		return;
	}
	lf_page_add(page, LF_BOLD, "%s", lf_title_or_id(rubric->title, rubric->name));
	lf_page_add(page, LF_PLAIN, "\n");
	lf_text_add(&view.text, "%s%sThis page says in plain words how the rubric %s comes to its answers.",
		rubric->description, rubric->description[0] == '\0' ? "" : " ", rubric->name);
	lf_text_wrap(page, &view.text, "", "");
	print_criteria(&view);
	print_picture(&view);
	print_traits(&view);
	lf_rubric_explain_rules(page, rubric);
	lf_buffer_clean_up(&view.text);
}
