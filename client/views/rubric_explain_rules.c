/* The rules of a rubric in plain words: evidence, conditions, thresholds, doubt, disciplines. */
#include <stdio.h>
#include <string.h>

#include "client/calc/figures.h"
#include "client/term/page.h"
#include "client/views/rubric_explain.h"
#include "proto/base/buffer.h"

#define DAYS_IN_MONTH 30.44

struct view {
	struct lf_page *page;
	const Leadfit__V1__Rubric *rubric;
	struct lf_buffer text;
};

const char *lf_discipline_title(const Leadfit__V1__Rubric *rubric, const char *id)
{
	for (size_t i = 0; i < rubric->n_disciplines; i++)
		if (strcmp(rubric->disciplines[i]->id, id) == 0)
			return lf_title_or_id(rubric->disciplines[i]->title, id);
	return id;
}

static const char *criterion_title(const Leadfit__V1__Rubric *rubric, const char *id)
{
	for (size_t i = 0; i < rubric->n_criteria; i++)
		if (strcmp(rubric->criteria[i]->id, id) == 0)
			return lf_title_or_id(rubric->criteria[i]->title, id);
	return id;
}

const char *lf_joint(size_t i, size_t count)
{
	return i == 0 ? "" : i + 1 == count ? " and " : ", ";
}

static void print_evidence(struct view *view)
{
	const Leadfit__V1__Rubric *rubric = view->rubric;
	struct lf_buffer *text = &view->text;
	bool priors = false;

	for (size_t i = 0; i < rubric->n_criteria; i++)
		priors = priors || rubric->criteria[i]->prior != NULL;
	lf_page_title(view->page, "How evidence counts");
	if (rubric->half_life_days > 0) {
		lf_text_add(text, "A piece of evidence counts half when it is ");
		lf_text_add_number(text, rubric->half_life_days);
		lf_text_add(text, rubric->half_life_days > 1 || rubric->half_life_days < 1 ? " days old" : " day old");
		if (rubric->half_life_days >= 2 * DAYS_IN_MONTH)
			lf_text_add(
				text, " (about %.0f months)", lf_rounded(rubric->half_life_days / DAYS_IN_MONTH, 0));
		lf_text_add(text, ", a third at twice that age, and never nothing. Undated evidence counts half.");
	} else {
		lf_text_add(text, "Evidence does not age.");
	}
	lf_text_item(view->page, text);
	for (size_t i = 0; i < rubric->n_sources; i++) {
		lf_text_add(text, "%s%s ", i == 0 ? "How much it counts depends on its source: " : ", ",
			rubric->sources[i]->key);
		lf_text_add_number(text, rubric->sources[i]->value);
	}
	lf_text_add(text, rubric->n_sources > 0 ? "." : "Every source counts the same.");
	lf_text_item(view->page, text);
	if (!priors)
		return;
	lf_text_add(text,
		"What is expected of a discipline is where a rating starts, never a verdict: a rating is the "
		"mean of that expectation "
		"and of the evidence about the person, and the more evidence there is, the less the "
		"expectation counts. "
		"Every answer says how much of it rests on evidence.");
	lf_text_item(view->page, text);
}

static void print_gates(struct view *view)
{
	if (view->rubric->n_gates > 0)
		lf_page_title(view->page, "Who can't be recommended");
	for (size_t i = 0; i < view->rubric->n_gates; i++) {
		const Leadfit__V1__Gate *gate = view->rubric->gates[i];
		const bool availability = gate->criterion[0] == '\0';
		const Google__Protobuf__DoubleValue *bound =
			availability ? gate->availability_at_least : gate->at_least;
		const double value = bound == NULL ? 0 : bound->value;

		if (availability) {
			lf_text_add(&view->text, "Whoever has less than %.4g%% of their time for it.", value * 100);
		} else {
			lf_text_add(&view->text, "Whoever is below ");
			lf_text_add_number(&view->text, value);
			lf_text_add(&view->text, " on %s, or unknown there.",
				criterion_title(view->rubric, gate->criterion));
		}
		lf_text_item(view->page, &view->text);
	}
}

static void print_thresholds(struct view *view)
{
	const Leadfit__V1__Thresholds *thresholds = view->rubric->thresholds;
	struct lf_buffer *text = &view->text;

	lf_page_title(view->page, "When nobody is recommended");
	lf_text_add(text, "When %sthe first two have the same score.",
		view->rubric->n_gates > 0 ? "nobody meets the conditions, or " : "");
	lf_text_item(view->page, text);
	if (thresholds != NULL && thresholds->margin > 0) {
		lf_text_add(text, "When the first two are too close: less than ");
		lf_text_add_number(text, thresholds->margin);
		lf_text_add(text, " apart, on scores from 0 to 1.");
		lf_text_item(view->page, text);
	}
	if (thresholds != NULL && thresholds->first_rank_share > 0) {
		lf_text_add(text,
			"When the first place is shaky: first in less than %.4g%% of the trials that are told below.",
			thresholds->first_rank_share * 100);
		lf_text_item(view->page, text);
	}
	if (thresholds != NULL && thresholds->evidence_share > 0) {
		lf_text_add(text,
			"When too little is known about the person in first place: less than %.4g%% of %s rests on "
			"evidence.",
			thresholds->evidence_share * 100,
			view->rubric->expertise != NULL ? "the weight" : "the weight of what is rated");
		lf_text_item(view->page, text);
	}
	lf_text_add(text, "The ranking and its reasons are given all the same.");
	lf_text_item(view->page, text);
	if (thresholds != NULL && thresholds->co_lead_gain > 0) {
		lf_text_add(text,
			"A second person is named beside the recommended one where the two together gain at least ");
		lf_text_add_number(text, thresholds->co_lead_gain);
		lf_text_add(text, ".");
		lf_text_item(view->page, text);
	}
}

static void say_weight_spread(struct lf_buffer *text, double spread)
{
	const double lowest = (1 - spread) / (1 + spread) * 100, highest = (1 + spread) / (1 - spread) * 100;
	const unsigned below = lf_decimals_between(lowest, 100, 0, LF_FIGURE_DECIMALS_MAX);
	const unsigned above = lf_decimals_between(highest, 100, 0, LF_FIGURE_DECIMALS_MAX);

	lf_text_add(text,
		"In the trials each weight is from %.*f%% to %.*f%% of what it is; then they are made to add up to "
		"100%% again.",
		(int)below, lf_rounded(lowest, below), (int)above, lf_rounded(highest, above));
}

static void print_robustness(struct view *view)
{
	const Leadfit__V1__Robustness *robustness = view->rubric->robustness;
	const unsigned samples_default = 1024;
	struct lf_buffer *text = &view->text;
	unsigned samples;
	char times[16];

	lf_page_title(view->page, "How sure an answer is");
	if (robustness == NULL) {
		lf_text_add(text, "This rubric does not try out what doubt about weights and ratings would change.");
		lf_text_item(view->page, text);
		return;
	}
	samples = robustness->samples > 0 ? robustness->samples : samples_default;
	if (samples < 1000)
		snprintf(times, sizeof(times), "%u", samples);
	else
		snprintf(times, sizeof(times), "%u,%03u", samples / 1000 % 1000, samples % 1000);
	lf_text_add(text,
		"Each answer is tried %s times with slightly different numbers, always the same ones; it tells in what "
		"part of the trials the first stays first.",
		times);
	lf_text_item(view->page, text);
	if (robustness->weights_unknown)
		lf_text_add(text, "The trials take any weights for what counts: nothing is presumed about them.");
	else if (robustness->weight_spread > 0 && robustness->weight_spread < 1)
		say_weight_spread(text, robustness->weight_spread);
	else
		lf_text_add(text, "The trials do not touch the weights.");
	lf_text_item(view->page, text);
	if (robustness->rating_spread > 0) {
		lf_text_add(text, "One piece of evidence is taken to be off by about ");
		lf_text_add_number(text, robustness->rating_spread);
		lf_text_add(text,
			" (of values from 0 to 1): the less evidence there is about a person, the more the "
			"trials move that score.");
	} else {
		lf_text_add(text, "The trials do not touch the ratings.");
	}
	lf_text_item(view->page, text);
}

static void print_covers(struct view *view)
{
	size_t covering = 0;

	for (size_t i = 0; i < view->rubric->n_disciplines; i++) {
		const Leadfit__V1__Discipline *discipline = view->rubric->disciplines[i];

		if (discipline->n_covers == 0)
			continue;
		covering++;
		lf_text_add(&view->text, "%s is taken to cover ", lf_title_or_id(discipline->title, discipline->id));
		for (size_t c = 0; c < discipline->n_covers; c++)
			lf_text_add(&view->text, "%s%s by %.4g%%", lf_joint(c, discipline->n_covers),
				lf_discipline_title(view->rubric, discipline->covers[c]->key),
				discipline->covers[c]->value * 100);
		lf_text_add(&view->text, ".");
		lf_text_item(view->page, &view->text);
	}
	lf_text_add(&view->text, "%s covers itself only. What is stated about a person's expertise %s.",
		covering > 0 ? "Every other discipline" : "Every discipline",
		view->rubric->expertise != NULL ? "takes the place of all this" : "goes before all this");
	lf_text_item(view->page, &view->text);
}

static void print_shown_by(struct view *view)
{
	size_t shown = 0;

	for (size_t i = 0; i < view->rubric->n_disciplines; i++) {
		const Leadfit__V1__Discipline *discipline = view->rubric->disciplines[i];

		if (discipline->n_shown_by == 0)
			continue;
		shown++;
		lf_text_add(
			&view->text, "%s is shown by evidence on ", lf_title_or_id(discipline->title, discipline->id));
		for (size_t c = 0; c < discipline->n_shown_by; c++)
			lf_text_add(&view->text, "%s%s", lf_joint(c, discipline->n_shown_by),
				criterion_title(view->rubric, discipline->shown_by[c]));
		lf_text_add(&view->text, ".");
		lf_text_item(view->page, &view->text);
	}
	if (shown == 0 || shown < view->rubric->n_disciplines) {
		lf_text_add(&view->text, "%s shown only by evidence that names it as its domain.",
			shown > 0 ? "Every other discipline is" : "A discipline is");
		lf_text_item(view->page, &view->text);
	}
	if (shown > 0) {
		lf_text_add(&view->text, "Evidence that names a domain shows that discipline and no other.");
		lf_text_item(view->page, &view->text);
	}
}

/* What a label weighs against evidence, and which evidence that is. */
static void print_expertise(struct view *view)
{
	lf_text_add(&view->text, "A label, or expertise that is stated, counts as ");
	lf_text_add_pieces(&view->text, view->rubric->expertise->strength);
	lf_text_add(&view->text,
		" of fresh evidence: the more evidence there is about a discipline, the less the label says about it.");
	lf_text_item(view->page, &view->text);
	lf_text_add(&view->text,
		"A rating at what is expected of a discipline, or above, shows it fully; a lower one in part, and the "
		"lowest not at all.");
	lf_text_item(view->page, &view->text);
	print_shown_by(view);
}

static void print_disciplines(struct view *view)
{
	if (view->rubric->n_disciplines == 0 && view->rubric->expertise == NULL)
		return;
	lf_page_title(view->page, "Disciplines");
	if (view->rubric->n_disciplines > 0)
		print_covers(view);
	if (view->rubric->expertise != NULL)
		print_expertise(view);
}

void lf_rubric_explain_rules(struct lf_page *page, const Leadfit__V1__Rubric *rubric)
{
	struct view view = {.page = page, .rubric = rubric};

	print_evidence(&view);
	print_gates(&view);
	print_thresholds(&view);
	print_robustness(&view);
	print_disciplines(&view);
	lf_buffer_clean_up(&view.text);
}
