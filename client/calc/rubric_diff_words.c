/* Plain words for what differs between two rubrics, and what names the elements of its lists. */
#include <stdio.h>
#include <string.h>

#include "client/calc/rubric_diff.h"
#include "leadfit/v1/rubric.pb-c.h"
#include "proto/base/buffer.h"

/*
 * Words for a field, "Type.field", or for an element of a list, "Type". {1} is the name of the innermost element around
 * it ({2}: of the one around that), {k} the key of a map's entry, {o} the old value, {n} the new one. NULL: the words
 * for LF_RUBRIC_CHANGED, with "none" for what is not there.
 */
struct phrase {
	const char *of;
	bool scores; /* such a change may change a score or an outcome */
	const char *changed, *added, *removed;
};

static const struct phrase phrases[] = {
	{"Rubric.name", false, "name: {o} -> {n}", NULL, NULL},
	{"Rubric.title", false, "title: {o} -> {n}", NULL, NULL},
	{"Rubric.description", false, "description: {o} -> {n}", NULL, NULL},
	{"Rubric.scale", true, "scale: {o} -> {n}", NULL, NULL},
	{"Scale.min", true, "lowest rating of the scale: {o} -> {n}", NULL, NULL},
	{"Scale.max", true, "highest rating of the scale: {o} -> {n}", NULL, NULL},
	{"Rubric.half_life_days", true, "half-life of evidence, in days: {o} -> {n}", NULL, NULL},
	{"Rubric.sources", true, "weight of source {k}: {o} -> {n}", "source {k} is new, with weight {n}",
		"source {k} is gone (its weight was {o})"},
	{"Rubric.aggregation", true, "aggregation: {o} -> {n}", NULL, NULL},
	{"Rubric.robustness", true, "robustness: {o} -> {n}", "robustness is now computed: {n}",
		"robustness is no longer computed: {o}"},
	{"Rubric.expertise", true, NULL, "evidence now outweighs a label: {n}",
		"a label alone decides again: evidence does not outweigh it any more (was {o})"},
	{"Expertise.strength", true, "pieces of evidence that a label weighs: {o} -> {n}", NULL, NULL},
	{"Rubric.thresholds", true, "thresholds: {o} -> {n}", NULL, NULL},

	{"Discipline", true, NULL, "discipline {1} is new: {n}", "discipline {1} is gone: {o}"},
	{"Discipline.title", false, "title of discipline {1}: {o} -> {n}", NULL, NULL},
	{"Discipline.covers", true, "discipline {1} covers {k}: {o} -> {n}", "discipline {1} now covers {k} by {n}",
		"discipline {1} no longer covers {k} (it did by {o})"},
	{"Discipline.shown_by", true, "criteria that show discipline {1}: {o} -> {n}", NULL, NULL},

	{"Trait", true, NULL, "trait {1} is new: {n}", "trait {1} is gone: {o}"},
	{"Trait.title", false, "title of trait {1}: {o} -> {n}", NULL, NULL},
	{"Trait.question", false, "question of trait {1}: {o} -> {n}", NULL, NULL},
	{"Trait.default", true, "default of trait {1}: {o} -> {n}", NULL, NULL},

	{"Criterion", true, NULL, "criterion {1} is new: {n}", "criterion {1} is gone: {o}"},
	{"Criterion.title", false, "title of {1}: {o} -> {n}", NULL, NULL},
	{"Criterion.description", false, "description of {1}: {o} -> {n}", NULL, NULL},
	{"Criterion.levels", false, "level {k} of {1}: {o} -> {n}", "level {k} of {1} is new: {n}",
		"level {k} of {1} is gone: {o}"},
	{"CurvePoint", true, NULL, "curve of {2}: a point at rating {1} is new: {n}",
		"curve of {2}: the point at rating {1} is gone: {o}"},
	{"CurvePoint.value", true, "curve of {2}: value of rating {1} {o} -> {n}", NULL, NULL},
	{"Criterion.weight", true, "weight of {1}: {o} -> {n}", NULL, NULL},
	{"Weight.base", true, "weight of {1}: base {o} -> {n}", NULL, NULL},
	{"Weight.traits", true, "weight of {1}: trait {k} moves it by {o} -> {n}",
		"trait {k} now moves the weight of {1} by {n}",
		"trait {k} no longer moves the weight of {1} (it did by {o})"},
	{"Criterion.prior", true, "prior on {1}: {o} -> {n}", "prior on {1} is new: {n}", "prior on {1} is gone: {o}"},
	{"Prior.strength", true, "strength of the prior on {1}: {o} -> {n}", NULL, NULL},
	{"Prior.mean", true, "prior of {k} on {1}: {o} -> {n}", "prior of {k} on {1} is new: {n}",
		"prior of {k} on {1} is gone: {o}"},
	{"Prior.default_mean", true, "prior of all other disciplines on {1}: {o} -> {n}", NULL, NULL},
	{"Criterion.unknown_value", true, "value of {1} where nothing is known: {o} -> {n}",
		"value of {1} where nothing is known: 0 -> {n}", "value of {1} where nothing is known: {o} -> 0"},
	{"Criterion.derived", true, "how {1} is found: {o} -> {n}", NULL, NULL},
	{"Need", true, NULL, "need of {1} for {2} is new: {n}", "need of {1} for {2} is gone: {o}"},
	{"Need.base", true, "need of {1} for {2}: base {o} -> {n}", NULL, NULL},
	{"Need.traits", true, "need of {1} for {2}: trait {k} moves it by {o} -> {n}",
		"trait {k} now moves the need of {1} for {2} by {n}",
		"trait {k} no longer moves the need of {1} for {2} (it did by {o})"},

	{"Gate", true, NULL, "gate on {1} is new: {n}", "gate on {1} is gone: {o}"},
	{"Gate.at_least", true, "gate on {1}: at least {o} -> {n}", NULL, NULL},
	{"Gate.availability_at_least", true, "gate on availability: at least {o} -> {n}", NULL, NULL},

	{"Robustness.samples", true, "perturbations: {o} -> {n}", NULL, NULL},
	{"Robustness.weight_spread", true, "doubt about weights, spread: {o} -> {n}", NULL, NULL},
	{"Robustness.weights_unknown", true, "weights are taken as unknown: {o} -> {n}", NULL, NULL},
	{"Robustness.rating_spread", true, "doubt about ratings, spread: {o} -> {n}", NULL, NULL},
	{"Thresholds.margin", true, "smallest margin for a recommendation: {o} -> {n}", NULL, NULL},
	{"Thresholds.first_rank_share", true, "smallest first-rank share for a recommendation: {o} -> {n}", NULL, NULL},
	{"Thresholds.evidence_share", true, "smallest evidence share for a recommendation: {o} -> {n}", NULL, NULL},
	{"Thresholds.co_lead_gain", true, "smallest gain for which a co-lead is named: {o} -> {n}", NULL, NULL},

	{"Scenario", false, NULL, "scenario \"{1}\" is new", "scenario \"{1}\" is gone"},
};

/* What 0 means in a field in which it is no number like any other. */
static const struct {
	const char *of, *words;
} zeros[] = {
	{"Rubric.half_life_days", "none (evidence does not age)"},
	{"Robustness.samples", "1024"},
	{"Robustness.weight_spread", "none"},
	{"Robustness.rating_spread", "none"},
	{"Thresholds.margin", "off"},
	{"Thresholds.first_rank_share", "off"},
	{"Thresholds.evidence_share", "off"},
	{"Thresholds.co_lead_gain", "off"},
};

enum { OF_BYTES = 128 };

static void print_of(const struct lf_diff_place *place, char of[OF_BYTES])
{
	snprintf(of, OF_BYTES, place->field == NULL ? "%s" : "%s.%s", place->type, place->field);
}

static const char *zero_in_words(const struct lf_diff_place *place, const char *text)
{
	char of[OF_BYTES];

	if (text == NULL || strcmp(text, "0") != 0)
		return text;
	print_of(place, of);
	for (size_t i = 0; i < sizeof(zeros) / sizeof(*zeros); i++)
		if (strcmp(zeros[i].of, of) == 0)
			return zeros[i].words;
	return text;
}

static const struct phrase *phrase_of(const struct lf_diff_place *place)
{
	char of[OF_BYTES];

	print_of(place, of);
	for (size_t i = 0; i < sizeof(phrases) / sizeof(*phrases); i++)
		if (strcmp(phrases[i].of, of) == 0)
			return &phrases[i];
	return NULL;
}

/* The text for the letter between braces. */
static const char *filling(const struct lf_diff_place *place, char letter, const char *old_text, const char *new_text)
{
	size_t up;

	if (letter == 'o')
		return old_text == NULL ? "none" : old_text;
	if (letter == 'n')
		return new_text == NULL ? "none" : new_text;
	if (letter == 'k')
		return place->key == NULL ? "" : place->key;
	up = (size_t)(letter - '0');
	return up > place->subject_count ? "?" : place->subjects[place->subject_count - up];
}

static void fill(struct lf_buffer *out, const char *template, const struct lf_diff_place *place, const char *old_text,
	const char *new_text)
{
	while (*template != '\0') {
		const size_t plain = strcspn(template, "{");

		lf_buffer_append(out, template, plain);
		template += plain;
		if (*template == '\0')
			return;
		lf_buffer_append_text(out, filling(place, template[1], old_text, new_text));
		template += 3;
	}
}

/* A case's content is told by its path: scenario "A1": team.members["be"].availability: 1 -> 0.5. */
static void fill_by_path(
	struct lf_buffer *out, const struct lf_diff_place *place, const char *old_text, const char *new_text)
{
	const char *path = place->path;

	if (strncmp(path, "scenarios[\"", 11) == 0 && place->subject_count > 0) {
		path += 11 + strlen(place->subjects[0]) + 2;
		path += *path == '.';
		fill(out, "scenario \"", place, NULL, NULL);
		lf_buffer_append_text(out, place->subjects[0]);
		lf_buffer_append_text(out, "\": ");
	}
	lf_buffer_append_text(out, path);
	fill(out, ": {o} -> {n}", place, old_text, new_text);
}

const char *lf_diff_words(const struct lf_diff_place *place, enum lf_rubric_change_kind kind, const char *old_text,
	const char *new_text, bool *scores, struct lf_arena *arena)
{
	const bool in_scenario = strncmp(place->path, "scenarios", 9) == 0;
	const struct phrase *phrase = in_scenario && place->subject_count != 1 ? NULL : phrase_of(place);
	struct lf_buffer out = {0};
	const char *template = phrase == NULL ? NULL : phrase->changed;
	const char *words;

	if (phrase != NULL && kind == LF_RUBRIC_ADDED && phrase->added != NULL)
		template = phrase->added;
	if (phrase != NULL && kind == LF_RUBRIC_REMOVED && phrase->removed != NULL)
		template = phrase->removed;
	*scores = !in_scenario && (phrase == NULL || phrase->scores);
	if (kind == LF_RUBRIC_REORDERED) {
		*scores = false;
		lf_buffer_append_text(&out, "order of ");
		lf_buffer_append_text(&out, place->path);
		fill(&out, " only: {o} -> {n}", place, old_text, new_text);
	} else if (template != NULL) {
		fill(&out, template, place, zero_in_words(place, old_text), zero_in_words(place, new_text));
	} else {
		fill_by_path(&out, place, old_text, new_text);
	}
	words = out.failed || out.data == NULL ? NULL : lf_arena_strdup(arena, out.data, out.length);
	lf_buffer_clean_up(&out);
	return words;
}

/* ---- identity ---- */

static const char *number_text(double number, struct lf_arena *arena)
{
	char text[32];

	lf_print_double(number, text);
	return lf_arena_strdup(arena, text, strlen(text));
}

const char *lf_diff_identity(const ProtobufCMessage *element, struct lf_arena *arena)
{
	const ProtobufCMessageDescriptor *type = element->descriptor;
	struct lf_buffer line;
	const char *text;

	if (type == &leadfit__v1__criterion__descriptor)
		return ((const Leadfit__V1__Criterion *)element)->id;
	if (type == &leadfit__v1__trait__descriptor)
		return ((const Leadfit__V1__Trait *)element)->id;
	if (type == &leadfit__v1__discipline__descriptor)
		return ((const Leadfit__V1__Discipline *)element)->id;
	if (type == &leadfit__v1__need__descriptor)
		return ((const Leadfit__V1__Need *)element)->discipline;
	if (type == &leadfit__v1__scenario__descriptor)
		return ((const Leadfit__V1__Scenario *)element)->name;
	if (type == &leadfit__v1__member__descriptor)
		return ((const Leadfit__V1__Member *)element)->id;
	if (type == &leadfit__v1__curve_point__descriptor)
		return number_text(((const Leadfit__V1__CurvePoint *)element)->rating, arena);
	if (type == &leadfit__v1__gate__descriptor) {
		const Leadfit__V1__Gate *gate = (const Leadfit__V1__Gate *)element;

		return gate->criterion[0] != '\0' ? gate->criterion : "availability";
	}
	line = (struct lf_buffer){0};
	lf_yaml_print_line(element, &line);
	text = line.failed || line.data == NULL ? NULL : lf_arena_strdup(arena, line.data, line.length);
	lf_buffer_clean_up(&line);
	return text;
}
