/* What is allowed in a rubric but probably not meant: the engine's findings, and those that only the message shows. */
#include <stdlib.h>
#include <string.h>

#include "service/rubric/checker.h"
#include "service/rubric/version.h"

static void note(void *context, const char *field, const char *description)
{
	lf_check_fail(context, field, "%s", description);
}

/* Whether there is a level text for this rating. */
static bool has_level(const Leadfit__V1__Criterion *criterion, double rating)
{
	for (size_t i = 0; i < criterion->n_levels; i++) {
		const double level = strtod(criterion->levels[i]->key, NULL);

		if (level >= rating && level <= rating)
			return true;
	}
	return false;
}

static void warn_levels(
	struct lf_checker *warnings, const Leadfit__V1__Criterion *criterion, const Leadfit__V1__Scale *scale)
{
	if (criterion->n_levels == 0)
		return;
	if (!has_level(criterion, scale->min))
		lf_check_fail(warnings, "levels", "no text says what %g means, the scale's min", scale->min);
	if (!has_level(criterion, scale->max))
		lf_check_fail(warnings, "levels", "no text says what %g means, the scale's max", scale->max);
}

static void warn_criteria(struct lf_checker *warnings, const Leadfit__V1__Rubric *rubric)
{
	for (size_t j = 0; j < rubric->n_criteria; j++) {
		const Leadfit__V1__Criterion *criterion = rubric->criteria[j];
		const Leadfit__V1__Prior *prior = criterion->prior;
		const size_t mark = lf_path_push_index(&warnings->path, "criteria", j);

		warn_levels(warnings, criterion, rubric->scale);
		if (prior != NULL && !(prior->strength > 0) && (prior->n_mean > 0 || prior->default_mean != NULL))
			lf_check_fail(warnings, "prior.strength", "is 0: the expected ratings count for nothing");
		lf_path_pop(&warnings->path, mark);
	}
}

/* Whether a prior or a need of the rubric names the discipline; id NULL: any discipline. */
static bool discipline_is_named(const Leadfit__V1__Rubric *rubric, const char *id)
{
	for (size_t j = 0; j < rubric->n_criteria; j++) {
		const Leadfit__V1__Criterion *criterion = rubric->criteria[j];

		for (size_t i = 0; criterion->prior != NULL && i < criterion->prior->n_mean; i++)
			if (id == NULL || strcmp(criterion->prior->mean[i]->key, id) == 0)
				return true;
		for (size_t i = 0; i < criterion->n_needs; i++)
			if (id == NULL || strcmp(criterion->needs[i]->discipline, id) == 0)
				return true;
	}
	return false;
}

static void warn_disciplines(struct lf_checker *warnings, const Leadfit__V1__Rubric *rubric)
{
	for (size_t d = 0; d < rubric->n_disciplines && discipline_is_named(rubric, NULL); d++) {
		const size_t mark = lf_path_push_index(&warnings->path, "disciplines", d);

		/* One that covers others has its say by them. */
		if (rubric->disciplines[d]->n_covers == 0 && !discipline_is_named(rubric, rubric->disciplines[d]->id))
			lf_check_fail(warnings, "", "no prior and no need names %.128s, though they name others",
				rubric->disciplines[d]->id);
		lf_path_pop(&warnings->path, mark);
	}
}

static void warn_scenarios(struct lf_checker *warnings, const Leadfit__V1__Rubric *rubric)
{
	if (rubric->n_scenarios == 0)
		lf_check_fail(warnings, "scenarios", "none: nothing shows that this rubric answers as it is meant to");
	for (size_t i = 0; i < rubric->n_scenarios; i++) {
		const Leadfit__V1__Scenario *scenario = rubric->scenarios[i];
		const Leadfit__V1__Expectation *expect = scenario->expect;
		const size_t mark = lf_path_push_index(&warnings->path, "scenarios", i);

		if (expect != NULL && *expect->first == '\0' && *expect->profile_first == '\0' &&
			expect->n_ranking == 0 && expect->outcome == LEADFIT__V1__OUTCOME__OUTCOME_UNSPECIFIED)
			lf_check_fail(warnings, "expect", "expects nothing: this scenario can't fail");
		for (size_t k = 0; k < i; k++)
			if (strcmp(rubric->scenarios[k]->name, scenario->name) == 0) {
				lf_check_fail(warnings, "name", "is the name of scenarios[%zu], too", k);
				break;
			}
		lf_path_pop(&warnings->path, mark);
	}
}

void lf_rubric_version_warn(const struct lf_rubric_version *version, struct lf_error *error)
{
	struct lf_checker warnings = {.error = error};

	lf_rubric_warn(lf_rubric_def(version->compiled), note, &warnings);
	warn_disciplines(&warnings, version->message);
	warn_criteria(&warnings, version->message);
	warn_scenarios(&warnings, version->message);
}
