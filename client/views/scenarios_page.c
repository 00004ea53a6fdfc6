#include "client/views/scenarios_page.h"

#include "client/calc/figures.h"

static const char *outcome_name(int outcome)
{
	const ProtobufCEnumValue *value =
		protobuf_c_enum_descriptor_get_value(&leadfit__v1__outcome__descriptor, outcome);

	return outcome == 0 || value == NULL ? "-" : value->name;
}

size_t lf_scenarios_failed(const Leadfit__V1__TestRubricResponse *answer)
{
	size_t count = 0;

	for (size_t i = 0; i < answer->n_scenarios; i++)
		count += !answer->scenarios[i]->passed;
	return count;
}

/* Whether the rubric has robustness: without it the column would be empty. */
static bool has_shares(const Leadfit__V1__TestRubricResponse *answer)
{
	for (size_t i = 0; i < answer->n_scenarios; i++)
		if (answer->scenarios[i]->first_rank_share != NULL)
			return true;
	return false;
}

/* The name comes last: it is the longest, and where two begin alike their ends tell them apart. */
void lf_scenarios_print(struct lf_page *page, const Leadfit__V1__TestRubricResponse *answer)
{
	const bool shares = has_shares(answer);
	const size_t name = shares ? 5 : 4;
	struct lf_table table;

	lf_table_init(&table, page);
	lf_table_column(&table, "result", 0);
	lf_table_column(&table, "first", 0);
	lf_table_column(&table, "outcome", 0);
	lf_table_column(&table, "margin", LF_COLUMN_RIGHT);
	if (shares)
		lf_table_column(&table, "ranks first", LF_COLUMN_RIGHT);
	lf_table_column(&table, "scenario", LF_COLUMN_CUT);
	for (size_t i = 0; i < answer->n_scenarios; i++) {
		const Leadfit__V1__ScenarioResult *scenario = answer->scenarios[i];
		double margin;

		lf_table_line(&table, scenario->passed ? LF_PLAIN : LF_WARN);
		lf_table_cell(&table, 0, "%s", scenario->passed ? "passed" : "FAILED");
		lf_table_cell(&table, 1, "%s", scenario->first[0] == '\0' ? "-" : scenario->first);
		lf_table_cell(&table, 2, "%s", outcome_name((int)scenario->outcome));
		margin = scenario->margin == NULL ? 0 : scenario->margin->value;
		if (margin > 0 && margin < 0.0005)
			lf_table_cell(&table, 3, "<0.001");
		else if (scenario->margin != NULL)
			lf_table_cell(&table, 3, "%.3f", lf_rounded(margin, 3));
		if (scenario->first_rank_share != NULL) {
			char share[LF_PERCENT_BYTES];

			lf_percent(scenario->first_rank_share->value, share);
			lf_table_cell(&table, 4, "%s", share);
		}
		lf_table_cell(&table, name, "%s", scenario->name);
	}
	lf_table_finish(&table, true);
	if (answer->n_scenarios == 0)
		lf_page_add(page, LF_PLAIN, "This rubric has no scenarios.\n");
}

static void add_name(struct lf_buffer *list, const char *name)
{
	lf_buffer_append_text(list, list->length > 0 ? ", " : "");
	lf_buffer_append_text(list, name);
}

/* Draws a list of names under its title, and frees it; nothing where it is empty. */
static void print_list(struct lf_page *page, const char *title, struct lf_buffer *list)
{
	page->text.failed = page->text.failed || list->failed;
	if (list->data != NULL)
		lf_page_wrap(page, title, "    ", list->data);
	lf_buffer_clean_up(list);
}

static void print_coverage(struct lf_page *page, const Leadfit__V1__Coverage *coverage)
{
	struct lf_buffer criteria = {0}, traits = {0}, gates = {0}, outcomes = {0};

	if (coverage == NULL)
		return;
	for (size_t i = 0; i < coverage->n_criteria; i++)
		add_name(&criteria, coverage->criteria[i]);
	for (size_t i = 0; i < coverage->n_traits; i++)
		add_name(&traits, coverage->traits[i]);
	for (size_t i = 0; i < coverage->n_gates; i++)
		add_name(&gates, coverage->gates[i]);
	for (size_t i = 0; i < coverage->n_outcomes; i++)
		add_name(&outcomes, outcome_name((int)coverage->outcomes[i]));
	if (coverage->n_criteria + coverage->n_traits + coverage->n_gates + coverage->n_outcomes == 0)
		lf_page_add(page, LF_PLAIN, "\nThe scenarios exercise every criterion, trait, gate and outcome.\n");
	else
		lf_page_add(page, LF_PLAIN, "\nNo scenario exercises\n");
	print_list(page, "  criteria: ", &criteria);
	print_list(page, "  traits: ", &traits);
	print_list(page, "  gates: ", &gates);
	print_list(page, "  outcomes: ", &outcomes);
}

void lf_scenarios_sum_up(struct lf_page *page, const Leadfit__V1__TestRubricResponse *answer)
{
	const size_t failed = lf_scenarios_failed(answer);

	if (answer->n_scenarios > 0)
		print_coverage(page, answer->coverage);
	lf_page_add(page, failed > 0 ? LF_WARN : LF_PLAIN, "\n%s %.*s: %zu of %zu scenarios passed\n",
		answer->ref == NULL ? "" : answer->ref->name, LF_DIGEST_SHOWN,
		answer->ref == NULL ? "" : answer->ref->digest, answer->n_scenarios - failed, answer->n_scenarios);
}
