#include "client/views/decisions_page.h"

#include <inttypes.h>

static const char *answer_text(Leadfit__V1__Outcome outcome, const char *recommended)
{
	switch (outcome) {
	case LEADFIT__V1__OUTCOME__RECOMMENDED:
		return recommended[0] != '\0' ? recommended : "(pruned)";
	case LEADFIT__V1__OUTCOME__TOO_CLOSE:
		return "(too close)";
	case LEADFIT__V1__OUTCOME__INSUFFICIENT_EVIDENCE:
		return "(too little evidence)";
	case LEADFIT__V1__OUTCOME__NO_ELIGIBLE_CANDIDATE:
		return "(nobody eligible)";
	default:
		return "(unknown)";
	}
}

void lf_decisions_print(struct lf_page *page, const Leadfit__V1__ListDecisionsResponse *list, bool headings)
{
	struct lf_table table;
	char time[LF_TIME_BYTES];

	lf_table_init(&table, page);
	lf_table_column(&table, "decided (UTC)", 0);
	lf_table_column(&table, "decision", 0);
	lf_table_column(&table, "team", LF_COLUMN_CUT);
	lf_table_column(&table, "project", LF_COLUMN_CUT);
	lf_table_column(&table, "answer", LF_COLUMN_CUT);
	for (size_t i = 0; i < list->n_decisions; i++) {
		const Leadfit__V1__DecisionSummary *decision = list->decisions[i];

		lf_time_print(decision->decided_at == NULL ? 0 : decision->decided_at->seconds, time);
		lf_table_line(&table, LF_PLAIN);
		lf_table_cell(&table, 0, "%.16s", time);
		lf_table_cell(&table, 1, "%s", decision->decision_id);
		lf_table_cell(&table, 2, "%s", decision->team);
		lf_table_cell(&table, 3, "%s", decision->project);
		lf_table_cell(&table, 4, "%s%s", answer_text(decision->outcome, decision->recommended),
			decision->purpose == LEADFIT__V1__PURPOSE__WHAT_IF ? " what-if" : "");
	}
	lf_table_finish(&table, headings);
}

void lf_watch_heading_print(struct lf_page *page)
{
	lf_page_add(page, LF_DIM, "%8s  %-19s  %-36s  %-16s  %-20s  %s\n", "sequence", "decided (UTC)", "decision",
		"team", "project", "answer");
}

void lf_watch_line_print(struct lf_page *page, const Leadfit__V1__ExportedDecision *exported)
{
	const Leadfit__V1__Decision *d = exported->decision;
	char time[LF_TIME_BYTES];

	lf_time_print(d->decided_at == NULL ? 0 : d->decided_at->seconds, time);
	lf_page_add(page, LF_PLAIN, "%8" PRIu64 "  %.19s  %s  %-16s  %-20s  %s%s\n", exported->sequence, time,
		d->decision_id, d->team == NULL ? "" : d->team->id, d->project == NULL ? "" : d->project->id,
		answer_text(d->outcome, d->recommended), d->purpose == LEADFIT__V1__PURPOSE__WHAT_IF ? " what-if" : "");
}
