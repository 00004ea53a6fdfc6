/* A rubric as a page for people. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli.h"
#include "leadfit/v1/rubrics.pb-c.h"

static void append(struct lf_buffer *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void append(struct lf_buffer *text, const char *format, ...)
{
	char *piece = NULL;
	va_list arguments;
	va_start(arguments, format);
	if (vasprintf(&piece, format, arguments) < 0)
		text->failed = true;
	else
		lf_buffer_append_text(text, piece);
	va_end(arguments);
	free(piece);
}

/* Wraps what gathered in text, and empties it. */
static void wrap(struct lf_page *page, struct lf_buffer *text, const char *first, const char *rest)
{
	page->text.failed = page->text.failed || text->failed;
	if (text->data != NULL && text->length > 0)
		lf_page_wrap(page, first, rest, text->data);
	text->length = 0;
}

static void title(struct lf_page *page, const char *text)
{
	lf_page_add(page, LF_PLAIN, "\n");
	lf_page_add(page, LF_BOLD, "%s", text);
	lf_page_add(page, LF_PLAIN, "\n");
}

/* "2.5", the shortest that reads back the same. */
static void append_number(struct lf_buffer *text, double value)
{
	char number[32];
	lf_print_double(value, number);
	lf_buffer_append_text(text, number);
}

/* "id (Title)" */
static void append_named(struct lf_buffer *text, const char *id, const char *name)
{
	append(text, name[0] != '\0' ? "%s (%s)" : "%s", id, name);
}

/* " + 0.25 x architecture_complexity - 0.1 x interaction_focus" */
static void append_term(struct lf_buffer *text, double coefficient, const char *trait)
{
	append(text, coefficient < 0 ? " - " : " + ");
	append_number(text, coefficient < 0 ? -coefficient : coefficient);
	append(text, " x %s", trait);
}

static void print_weight(struct lf_page *page, struct lf_buffer *text, const Leadfit__V1__Weight *weight)
{
	if (weight == NULL)
		return;
	append(text, "weight: ");
	append_number(text, weight->base_weight);
	for (size_t i = 0; i < weight->n_traits; i++)
		append_term(text, weight->traits[i]->value, weight->traits[i]->key);
	wrap(page, text, "    ", "      ");
}

static void print_prior(struct lf_page *page, struct lf_buffer *text, const Leadfit__V1__Prior *prior)
{
	if (prior == NULL)
		return;
	append(text, "expected before there is evidence (it weighs ");
	append_number(text, prior->strength);
	append(text, prior->strength > 1 || prior->strength < 1 ? " pieces):" : " piece):");
	for (size_t i = 0; i < prior->n_mean; i++) {
		append(text, " %s ", prior->mean[i]->key);
		append_number(text, prior->mean[i]->value);
		append(text, ",");
	}
	append(text, prior->n_mean > 0 ? " others " : " ");
	if (prior->default_mean != NULL)
		append_number(text, prior->default_mean->value);
	else
		append(text, "the scale's middle");
	wrap(page, text, "    ", "      ");
}

static void print_needs(struct lf_page *page, struct lf_buffer *text, const Leadfit__V1__Criterion *criterion)
{
	for (size_t i = 0; i < criterion->n_needs; i++) {
		const Leadfit__V1__Need *need = criterion->needs[i];
		append(text, "needs %s: ", need->discipline);
		append_number(text, need->base_need);
		for (size_t t = 0; t < need->n_traits; t++)
			append_term(text, need->traits[t]->value, need->traits[t]->key);
		wrap(page, text, "    ", "      ");
	}
}

static void print_criterion(struct lf_page *page, struct lf_buffer *text, const Leadfit__V1__Criterion *criterion)
{
	append_named(text, criterion->id, criterion->title);
	if (criterion->derived == LEADFIT__V1__DERIVED__DOMAIN_ALIGNMENT)
		append(text, ", computed: how far expertise meets what the project needs");
	else if (criterion->derived == LEADFIT__V1__DERIVED__TEAM_COVERAGE)
		append(text, ", computed: how far expertise covers the team's labour");
	wrap(page, text, page->utf8 ? "  • " : "  - ", "    ");
	append(text, "%s", criterion->description);
	wrap(page, text, "    ", "    ");
	print_weight(page, text, criterion->weight);
	print_needs(page, text, criterion);
	print_prior(page, text, criterion->prior);
	for (size_t i = 0; i < criterion->n_curve; i++) {
		append(text, i == 0 ? "value by rating: " : ", ");
		append_number(text, criterion->curve[i]->rating);
		append(text, " gives ");
		append_number(text, criterion->curve[i]->value);
	}
	wrap(page, text, "    ", "      ");
	for (size_t i = 0; i < criterion->n_levels; i++) {
		append(text, "%s: %s", criterion->levels[i]->key, criterion->levels[i]->value);
		wrap(page, text, "    ", "       ");
	}
}

static void print_traits(struct lf_page *page, struct lf_buffer *text, const Leadfit__V1__Rubric *rubric)
{
	if (rubric->n_traits > 0)
		title(page, "Traits of a project, each 0..1");
	for (size_t i = 0; i < rubric->n_traits; i++) {
		const Leadfit__V1__Trait *trait = rubric->traits[i];
		append_named(text, trait->id, trait->title);
		append(text, ", assumed to be ");
		append_number(text, trait->default_ == NULL ? 0.5 : trait->default_->value);
		append(text, " where a project does not say.%s%s", trait->question[0] == '\0' ? "" : " ",
			trait->question);
		wrap(page, text, page->utf8 ? "  • " : "  - ", "    ");
	}
}

static void print_disciplines(struct lf_page *page, struct lf_buffer *text, const Leadfit__V1__Rubric *rubric)
{
	if (rubric->n_disciplines > 0)
		title(page, "Disciplines");
	for (size_t i = 0; i < rubric->n_disciplines; i++) {
		const Leadfit__V1__Discipline *discipline = rubric->disciplines[i];
		append_named(text, discipline->id, discipline->title);
		for (size_t c = 0; c < discipline->n_covers; c++) {
			append(text, c == 0 ? " covers %s " : ", %s ", discipline->covers[c]->key);
			append_number(text, discipline->covers[c]->value);
		}
		wrap(page, text, page->utf8 ? "  • " : "  - ", "    ");
	}
}

static void print_rules(struct lf_page *page, struct lf_buffer *text, const Leadfit__V1__Rubric *rubric)
{
	title(page, "Rules");
	if (rubric->n_sources > 0)
		append(text, "Weight of a source:");
	for (size_t i = 0; i < rubric->n_sources; i++) {
		append(text, "%s %s ", i == 0 ? "" : ",", rubric->sources[i]->key);
		append_number(text, rubric->sources[i]->value);
	}
	if (rubric->n_sources > 0)
		wrap(page, text, page->utf8 ? "  • " : "  - ", "    ");
	append(text, rubric->half_life_days > 0 ? "Evidence loses half of its weight in " : "Evidence does not age");
	if (rubric->half_life_days > 0) {
		append_number(text, rubric->half_life_days);
		append(text, " days");
	}
	wrap(page, text, page->utf8 ? "  • " : "  - ", "    ");
	append(text, "%s",
		rubric->aggregation == LEADFIT__V1__AGGREGATION__HARMONIC
			? "The score is HARMONIC: weak spots cost more"
		: rubric->aggregation == LEADFIT__V1__AGGREGATION__MINIMUM
			? "The score is the MINIMUM of the values that count"
			: "The score is ADDITIVE: strengths make up for weaknesses");
	wrap(page, text, page->utf8 ? "  • " : "  - ", "    ");
	for (size_t i = 0; i < rubric->n_gates; i++) {
		const Leadfit__V1__Gate *gate = rubric->gates[i];
		const Google__Protobuf__DoubleValue *bound =
			gate->criterion[0] != '\0' ? gate->at_least : gate->availability_at_least;
		append(text, "Nobody is eligible with %s below ",
			gate->criterion[0] != '\0' ? gate->criterion : "an availability");
		append_number(text, bound == NULL ? 0 : bound->value);
		wrap(page, text, page->utf8 ? "  • " : "  - ", "    ");
	}
}

static void print_threshold(struct lf_page *page, struct lf_buffer *text, const char *what, double value)
{
	if (!(value > 0))
		return;
	append(text, "A recommendation needs %s of at least ", what);
	append_number(text, value);
	wrap(page, text, page->utf8 ? "  • " : "  - ", "    ");
}

void lf_rubric_print(struct lf_page *page, const Leadfit__V1__GetRubricResponse *response)
{
	const Leadfit__V1__Rubric *rubric = response->rubric;
	const Leadfit__V1__RubricVersion *version = response->version;
	struct lf_buffer text = {0};
	char time[LF_TIME_BYTES];
	if (rubric == NULL)
		return;
	lf_page_add(page, LF_BOLD, rubric->title[0] != '\0' ? "%s: %s" : "%s", rubric->name, rubric->title);
	lf_page_add(page, LF_PLAIN, "\n");
	append(&text, "%s", rubric->description);
	wrap(page, &text, "", "");
	title(page, "Criteria");
	if (rubric->scale != NULL) {
		append(&text, "Ratings are on a scale from ");
		append_number(&text, rubric->scale->min);
		append(&text, " to ");
		append_number(&text, rubric->scale->max);
		append(&text, ". Weights are then made to add up to 1.");
	}
	wrap(page, &text, "  ", "  ");
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
	if (version != NULL && version->ref != NULL) {
		const char *dot = page->utf8 ? " · " : ", ";
		lf_time_print(version->put_at == NULL ? 0 : version->put_at->seconds, time);
		lf_page_add(page, LF_PLAIN, "\n");
		lf_page_add(page, LF_DIM, "Digest %s\n%s%sput %s by %s%s%zu scenarios", version->ref->digest,
			version->active ? "Active" : "Not active", dot, time, version->put_by, dot,
			rubric->n_scenarios);
		lf_page_add(page, LF_PLAIN, "\n");
	}
	lf_buffer_clean_up(&text);
}
