#include "client/views/proof_page.h"

#include <inttypes.h>

#include "client/calc/figures.h"

static void print_row(struct lf_page *page, const char *name, const char *value)
{
	lf_page_add(page, LF_PLAIN, "  %-12s%s\n", name, value);
}

static const char *outcome_name(uint32_t outcome)
{
	const ProtobufCEnumValue *value =
		protobuf_c_enum_descriptor_get_value(&leadfit__v1__outcome__descriptor, (int)outcome);

	return value == NULL ? "unknown to this client" : value->name;
}

void lf_proved_print(struct lf_page *page, const Leadfit__V1__ProvedDecision *proved)
{
	const Leadfit__V1__DecisionRecord *record = proved->record;
	char time[LF_TIME_BYTES];

	lf_time_print(proved->decided_at->seconds, time);
	if (record != NULL)
		lf_page_add(page, LF_GOOD, "Proved: the log has decision %s of %s", proved->decision_id, time);
	else
		lf_page_add(
			page, LF_GOOD, "Proved: the log has a decision of %s, number %" PRIu64, time, proved->sequence);
	lf_page_add(page, LF_PLAIN, "\n");
	if (record != NULL) {
		print_row(page, "outcome", outcome_name(record->outcome));
		if (record->recommended[0] != '\0')
			print_row(page, "recommended", record->recommended);
		print_row(page, "team", record->team);
		print_row(page, "project", record->project);
		print_row(page, "caller", record->caller);
	}
	if (proved->rubric_ref != NULL)
		lf_page_add(page, LF_PLAIN, "  %-12s%s %.*s\n", "rubric", proved->rubric_ref->name, LF_DIGEST_SHOWN,
			proved->rubric_ref->digest);
	print_row(page, "log", proved->origin);
	lf_page_add(page, LF_PLAIN, "  %-12s%" PRIu64 " of %" PRIu64 " records\n", "position", proved->position,
		proved->size);
	if (proved->n_not_checked == 0)
		return;
	lf_page_add(page, LF_WARN, "Not checked, because erased or pruned since:");
	for (size_t i = 0; i < proved->n_not_checked; i++)
		lf_page_add(page, LF_PLAIN, "%s %s", i == 0 ? "" : ",", proved->not_checked[i]);
	lf_page_add(page, LF_PLAIN, "\n");
}
