#include "client/calc/latest.h"

#include <stdlib.h>
#include <string.h>

static bool has_candidate(const Leadfit__V1__Decision *decision, const char *candidate)
{
	for (size_t i = 0; i < decision->n_ranking; i++)
		if (strcmp(decision->ranking[i]->candidate, candidate) == 0)
			return true;
	return false;
}

static bool add_rubric(struct lf_latest *latest, const char *name)
{
	enum { FIRST_CAPACITY = 8 };
	char *copy;

	if (latest->rubric_count == latest->rubric_capacity) {
		const size_t capacity = latest->rubric_capacity == 0 ? FIRST_CAPACITY : latest->rubric_capacity * 2;
		struct lf_latest_rubric *grown = realloc(latest->rubrics, capacity * sizeof(*grown));

		if (grown == NULL)
			return false;
		latest->rubrics = grown;
		latest->rubric_capacity = capacity;
	}
	copy = strdup(name);
	if (copy == NULL)
		return false;
	latest->rubrics[latest->rubric_count++] = (struct lf_latest_rubric){.name = copy};
	return true;
}

/* The place of the decision's rubric, added where it is new. false where memory ran out. */
static bool find_rubric(struct lf_latest *latest, const Leadfit__V1__Decision *decision, size_t *rubric)
{
	const char *name = decision->rubric == NULL ? "" : decision->rubric->name;
	uint32_t *place = lf_keys_add(&latest->places, name, "", NULL);

	if (place == NULL)
		return false;
	if (*place == 0) {
		if (!add_rubric(latest, name))
			return false;
		*place = (uint32_t)latest->rubric_count;
	}
	*rubric = *place - 1;
	return true;
}

bool lf_latest_take(struct lf_latest *latest, const Leadfit__V1__Decision *decision, bool *counts, size_t *rubric)
{
	const Leadfit__V1__Selection *wanted = latest->wanted;
	bool first;

	*counts = false;
	latest->counts.read++;
	if (decision->purpose == LEADFIT__V1__PURPOSE__WHAT_IF)
		return true;
	if (!find_rubric(latest, decision, rubric) ||
		lf_keys_add(&latest->rubrics[*rubric].seen, decision->team == NULL ? "" : decision->team->id,
			decision->project == NULL ? "" : decision->project->id, &first) == NULL)
		return false;
	latest->counts.superseded += !first;
	*counts = first &&
		(wanted->outcome == LEADFIT__V1__OUTCOME__OUTCOME_UNSPECIFIED ||
			wanted->outcome == decision->outcome) &&
		(wanted->candidate[0] == '\0' || has_candidate(decision, wanted->candidate));
	latest->counts.taken += *counts;
	return true;
}

void lf_latest_clean_up(struct lf_latest *latest)
{
	for (size_t i = 0; i < latest->rubric_count; i++) {
		free(latest->rubrics[i].name);
		lf_keys_clean_up(&latest->rubrics[i].seen);
	}
	free(latest->rubrics);
	lf_keys_clean_up(&latest->places);
}
