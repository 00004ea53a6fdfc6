#include "client/calc/latest.h"

#include <string.h>

static bool has_candidate(const Leadfit__V1__Decision *decision, const char *candidate)
{
	for (size_t i = 0; i < decision->n_ranking; i++)
		if (strcmp(decision->ranking[i]->candidate, candidate) == 0)
			return true;
	return false;
}

bool lf_latest_take(struct lf_latest *latest, const Leadfit__V1__Decision *decision, bool *counts)
{
	const Leadfit__V1__Selection *wanted = latest->wanted;
	bool first;

	*counts = false;
	latest->counts.read++;
	if (decision->purpose == LEADFIT__V1__PURPOSE__WHAT_IF)
		return true;
	if (lf_keys_add(&latest->seen, decision->team == NULL ? "" : decision->team->id,
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
	lf_keys_clean_up(&latest->seen);
}
