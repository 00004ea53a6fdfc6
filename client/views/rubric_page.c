#include "client/views/rubric_page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/calc/figures.h"
#include "proto/base/buffer.h"

/* "id (Title)" */
static void append_named(struct lf_buffer *text, const char *id, const char *name)
{
	lf_text_add(text, name[0] != '\0' ? "%s (%s)" : "%s", id, name);
}

/* " + 0.25 x architecture_complexity - 0.1 x interaction_focus" */
static void append_term(struct lf_buffer *text, double coefficient, const char *trait)
{
	lf_text_add(text, coefficient < 0 ? " - " : " + ");
	lf_text_add_number(text, coefficient < 0 ? -coefficient : coefficient);
	lf_text_add(text, " x %s", trait);
}

static void print_weight(struct lf_page *page, struct lf_buffer *text, const Leadfit__V1__Weight *weight)
{
	if (weight == NULL)
		return;
	lf_text_add(text, "weight: ");
	lf_text_add_number(text, weight->base_weight);
	for (size_t i = 0; i < weight->n_traits; i++)
		append_term(text, weight->traits[i]->value, weight->traits[i]->key);
	lf_text_wrap(page, text, "    ", "      ");
}

static void print_prior(struct lf_page *page, struct lf_buffer *text, const Leadfit__V1__Prior *prior)
{
	if (prior == NULL)
		return;
	lf_text_add(text, "expected before there is evidence (it weighs ");
	lf_text_add_pieces(text, prior->strength);
	lf_text_add(text, "):");
	for (size_t i = 0; i < prior->n_mean; i++) {
		lf_text_add(text, " %s ", prior->mean[i]->key);
		lf_text_add_number(text, prior->mean[i]->value);
		lf_text_add(text, ",");
	}
	lf_text_add(text, prior->n_mean > 0 ? " others " : " ");
	if (prior->default_mean != NULL)
		lf_text_add_number(text, prior->default_mean->value);
	else
		lf_text_add(text, "the scale's middle");
	lf_text_wrap(page, text, "    ", "      ");
}

static void print_needs(struct lf_page *page, struct lf_buffer *text, const Leadfit__V1__Criterion *criterion)
{
	for (size_t i = 0; i < criterion->n_needs; i++) {
		const Leadfit__V1__Need *need = criterion->needs[i];

		lf_text_add(text, "needs %s: ", need->discipline);
		lf_text_add_number(text, need->base_need);
		for (size_t t = 0; t < need->n_traits; t++)
			append_term(text, need->traits[t]->value, need->traits[t]->key);
		lf_text_wrap(page, text, "    ", "      ");
	}
}

void lf_levels_print(struct lf_page *page, struct lf_buffer *text, const Leadfit__V1__Criterion *criterion)
{
	for (size_t i = 0; i < criterion->n_levels; i++) {
		lf_text_add(text, "%s: %s", criterion->levels[i]->key, criterion->levels[i]->value);
		lf_text_wrap(page, text, "    ", "       ");
	}
}

static void print_criterion(struct lf_page *page, struct lf_buffer *text, const Leadfit__V1__Criterion *criterion)
{
	append_named(text, criterion->id, criterion->title);
	if (criterion->derived == LEADFIT__V1__DERIVED__DOMAIN_ALIGNMENT)
		lf_text_add(text, ", computed: how far expertise meets what the project needs");
	else if (criterion->derived == LEADFIT__V1__DERIVED__TEAM_COVERAGE)
		lf_text_add(text, ", computed: how far expertise covers the team's labour");
	lf_text_item(page, text);
	lf_text_add(text, "%s", criterion->description);
	lf_text_wrap(page, text, "    ", "    ");
	print_weight(page, text, criterion->weight);
	print_needs(page, text, criterion);
	print_prior(page, text, criterion->prior);
	if (criterion->unknown_value != NULL) {
		lf_text_add(text, "value where nothing is known: ");
		lf_text_add_number(text, criterion->unknown_value->value);
		lf_text_wrap(page, text, "    ", "      ");
	}
	for (size_t i = 0; i < criterion->n_curve; i++) {
		lf_text_add(text, i == 0 ? "value by rating: " : ", ");
		lf_text_add_number(text, criterion->curve[i]->rating);
		lf_text_add(text, " gives ");
		lf_text_add_number(text, criterion->curve[i]->value);
	}
	lf_text_wrap(page, text, "    ", "      ");
	lf_levels_print(page, text, criterion);
}

static void print_traits(struct lf_page *page, struct lf_buffer *text, const Leadfit__V1__Rubric *rubric)
{
	if (rubric->n_traits > 0)
		lf_page_title(page, "Traits of a project, each 0..1");
	for (size_t i = 0; i < rubric->n_traits; i++) {
		const Leadfit__V1__Trait *trait = rubric->traits[i];

		append_named(text, trait->id, trait->title);
		lf_text_add(text, ", assumed to be ");
		lf_text_add_number(text, trait->default_ == NULL ? 0.5 : trait->default_->value);
		lf_text_add(text, " where a project does not say.%s%s", trait->question[0] == '\0' ? "" : " ",
			trait->question);
		lf_text_item(page, text);
	}
}

static void print_disciplines(struct lf_page *page, struct lf_buffer *text, const Leadfit__V1__Rubric *rubric)
{
	if (rubric->n_disciplines > 0)
		lf_page_title(page, "Disciplines");
	for (size_t i = 0; i < rubric->n_disciplines; i++) {
		const Leadfit__V1__Discipline *discipline = rubric->disciplines[i];

		append_named(text, discipline->id, discipline->title);
		for (size_t c = 0; c < discipline->n_covers; c++) {
			lf_text_add(text, c == 0 ? " covers %s " : ", %s ", discipline->covers[c]->key);
			lf_text_add_number(text, discipline->covers[c]->value);
		}
		for (size_t c = 0; c < discipline->n_shown_by; c++)
			lf_text_add(text, "%s%s",
				c > 0                              ? ", "
					: discipline->n_covers > 0 ? "; shown by evidence on "
								   : " is shown by evidence on ",
				discipline->shown_by[c]);
		lf_text_item(page, text);
	}
}

static void print_rules(struct lf_page *page, struct lf_buffer *text, const Leadfit__V1__Rubric *rubric)
{
	lf_page_title(page, "Rules");
	if (rubric->n_sources > 0)
		lf_text_add(text, "Weight of a source:");
	for (size_t i = 0; i < rubric->n_sources; i++) {
		lf_text_add(text, "%s %s ", i == 0 ? "" : ",", rubric->sources[i]->key);
		lf_text_add_number(text, rubric->sources[i]->value);
	}
	if (rubric->n_sources > 0)
		lf_text_item(page, text);
	lf_text_add(
		text, rubric->half_life_days > 0 ? "Evidence loses half of its weight in " : "Evidence does not age");
	if (rubric->half_life_days > 0) {
		lf_text_add_number(text, rubric->half_life_days);
		lf_text_add(text, " days");
	}
	lf_text_item(page, text);
	if (rubric->expertise != NULL) {
		lf_text_add(text, "A label, or stated expertise, weighs as much as ");
		lf_text_add_pieces(text, rubric->expertise->strength);
		lf_text_add(text, " of evidence");
		lf_text_item(page, text);
	}
	lf_text_add(text, "%s",
		rubric->aggregation == LEADFIT__V1__AGGREGATION__HARMONIC
			? "The score is HARMONIC: weak spots cost more"
			: rubric->aggregation == LEADFIT__V1__AGGREGATION__MINIMUM
			? "The score is the MINIMUM of the values that count"
			: "The score is ADDITIVE: strengths make up for weaknesses");
	lf_text_item(page, text);
	for (size_t i = 0; i < rubric->n_gates; i++) {
		const Leadfit__V1__Gate *gate = rubric->gates[i];
		const Google__Protobuf__DoubleValue *bound =
			gate->criterion[0] != '\0' ? gate->at_least : gate->availability_at_least;

		lf_text_add(text, "Nobody is eligible with %s below ",
			gate->criterion[0] != '\0' ? gate->criterion : "an availability");
		lf_text_add_number(text, bound == NULL ? 0 : bound->value);
		lf_text_item(page, text);
	}
}

static void print_threshold(struct lf_page *page, struct lf_buffer *text, const char *what, double value)
{
	if (!(value > 0))
		return;
	lf_text_add(text, "A recommendation needs %s of at least ", what);
	lf_text_add_number(text, value);
	lf_text_item(page, text);
}

void lf_rubric_version_print(struct lf_page *page, const Leadfit__V1__GetRubricResponse *response)
{
	const Leadfit__V1__RubricVersion *version = response->version;
	char time[LF_TIME_BYTES];
	const char *dot;

	if (version == NULL || version->ref == NULL)
		return;
	dot = page->utf8 ? " · " : ", ";
	lf_time_print(version->put_at == NULL ? 0 : version->put_at->seconds, time);
	lf_page_add(page, LF_PLAIN, "\n");
	lf_page_add(page, LF_DIM, "Digest %s\n%s%sput %s by %s%s%zu scenarios", version->ref->digest,
		response->is_default      ? "Active, the default rubric"
			: version->active ? "Active"
					  : "Not active",
		dot, time, version->put_by, dot, response->rubric->n_scenarios);
	lf_page_add(page, LF_PLAIN, "\n");
}

void lf_rubric_print(struct lf_page *page, const Leadfit__V1__GetRubricResponse *response)
{
	const Leadfit__V1__Rubric *rubric = response->rubric;
	struct lf_buffer text = {0};

	if (rubric == NULL)
		return;
	lf_page_add(page, LF_BOLD, rubric->title[0] != '\0' ? "%s: %s" : "%s", rubric->name, rubric->title);
	lf_page_add(page, LF_PLAIN, "\n");
	lf_text_add(&text, "%s", rubric->description);
	lf_text_wrap(page, &text, "", "");
	lf_page_title(page, "Criteria");
	if (rubric->scale != NULL) {
		lf_text_add(&text, "Ratings are on a scale from ");
		lf_text_add_number(&text, rubric->scale->min);
		lf_text_add(&text, " to ");
		lf_text_add_number(&text, rubric->scale->max);
		lf_text_add(&text, ". Weights are then made to add up to 1.");
	}
	lf_text_wrap(page, &text, "  ", "  ");
	for (size_t i = 0; i < rubric->n_criteria; i++)
		print_criterion(page, &text, rubric->criteria[i]);
	print_traits(page, &text, rubric);
	print_disciplines(page, &text, rubric);
	print_rules(page, &text, rubric);
	if (rubric->thresholds != NULL) {
		print_threshold(page, &text, "a distance between the first two scores", rubric->thresholds->margin);
		print_threshold(page, &text, "a first-rank share", rubric->thresholds->first_rank_share);
		print_threshold(page, &text, "an evidence share of the first", rubric->thresholds->evidence_share);
	}
	lf_rubric_version_print(page, response);
	lf_buffer_clean_up(&text);
}
