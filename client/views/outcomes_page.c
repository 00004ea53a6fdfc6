#include "client/views/outcomes_page.h"

#include "proto/text/json.h"

static const char *disposition_name(const Leadfit__V1__RecordedOutcome *outcome)
{
	return outcome->disposition == LEADFIT__V1__DISPOSITION__ACCEPTED      ? "accepted"
		: outcome->disposition == LEADFIT__V1__DISPOSITION__OVERRIDDEN ? "overridden"
									       : "(unknown)";
}

void lf_outcomes_print(struct lf_page *page, const Leadfit__V1__Outcomes *outcomes, bool headings)
{
	struct lf_table table;
	char time[LF_TIME_BYTES];

	lf_table_init(&table, page);
	lf_table_column(&table, "recorded (UTC)", 0);
	lf_table_column(&table, "caller", LF_COLUMN_CUT);
	lf_table_column(&table, "what", 0);
	lf_table_column(&table, "lead", LF_COLUMN_CUT);
	lf_table_column(&table, "result", LF_COLUMN_RIGHT);
	lf_table_column(&table, "overridden by", LF_COLUMN_CUT);
	lf_table_column(&table, "reason", LF_COLUMN_CUT);
	for (size_t i = 0; i < outcomes->n_outcomes; i++) {
		const Leadfit__V1__RecordedOutcome *outcome = outcomes->outcomes[i];

		lf_time_print(outcome->recorded_at == NULL ? 0 : outcome->recorded_at->seconds, time);
		lf_table_line(&table, LF_PLAIN);
		lf_table_cell(&table, 0, "%.16s", time);
		lf_table_cell(&table, 1, "%s", outcome->caller);
		lf_table_cell(&table, 2, "%s", disposition_name(outcome));
		lf_table_cell(&table, 3, "%s", outcome->lead[0] == '\0' ? "-" : outcome->lead);
		if (outcome->result > 0)
			lf_table_cell(&table, 4, "%u", outcome->result);
		else
			lf_table_cell(&table, 4, "-");
		lf_table_cell(&table, 5, "%s", outcome->overridden_by);
		lf_table_cell(&table, 6, "%s", outcome->reason);
	}
	lf_table_finish(&table, headings);
}

void lf_outcomes_json(struct lf_buffer *out, const Leadfit__V1__Outcomes *outcomes, size_t printed)
{
	const struct lf_json_style style = {.pretty = false};

	for (size_t i = 0; i < outcomes->n_outcomes; i++) {
		lf_buffer_append_text(out, printed + i == 0 ? "{\n  \"outcomes\": [\n    " : ",\n    ");
		lf_json_print(&outcomes->outcomes[i]->base, &style, out);
	}
}
