#include "service/state/selection.h"

#include "proto/base/limits.h"
#include "service/decide/time.h"

void lf_selection_read(const Leadfit__V1__Selection *selection, uint64_t from_sequence, struct lf_scan *scan,
	struct lf_checker *checker)
{
	scan->from_sequence = from_sequence;
	scan->since_us = INT64_MIN;
	scan->until_us = INT64_MAX;
	if (selection == NULL)
		return;
	scan->team_id = selection->team;
	scan->project_id = selection->project;
	scan->candidate = selection->candidate;
	scan->rubric_name = selection->rubric;
	scan->outcome = selection->outcome;
	scan->decisions_only = selection->decisions_only;
	lf_check_text(checker, "selection.team", selection->team, LF_ID_BYTES_MAX);
	lf_check_text(checker, "selection.project", selection->project, LF_ID_BYTES_MAX);
	lf_check_text(checker, "selection.candidate", selection->candidate, LF_ID_BYTES_MAX);
	lf_check_text(checker, "selection.rubric", selection->rubric, LF_ID_BYTES_MAX);
	if ((int)selection->outcome < 0 || selection->outcome > LEADFIT__V1__OUTCOME__NO_ELIGIBLE_CANDIDATE)
		lf_check_fail(checker, "selection.outcome", "%d is not known", (int)selection->outcome);
	if (selection->since != NULL && !lf_timestamp_read(selection->since, &scan->since_us))
		lf_check_fail(checker, "selection.since", "is outside the years 1..9999");
	if (selection->until != NULL && !lf_timestamp_read(selection->until, &scan->until_us))
		lf_check_fail(checker, "selection.until", "is outside the years 1..9999");
}
