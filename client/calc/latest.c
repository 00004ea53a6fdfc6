#include "client/cmd/latest.h"

#include <inttypes.h>
#include <string.h>

#include "client/files/keys.h"
#include "client/term/progress.h"

struct walk {
	const Leadfit__V1__Selection *wanted;
	struct lf_keys seen; /* teams and projects */
	lf_latest_fn visit;
	void *context;
	struct lf_latest_counts *counts;
};

static bool has_candidate(const Leadfit__V1__Decision *decision, const char *candidate)
{
	for (size_t i = 0; i < decision->n_ranking; i++)
		if (strcmp(decision->ranking[i]->candidate, candidate) == 0)
			return true;
	return false;
}

static enum lf_code take(struct walk *walk, const Leadfit__V1__Decision *decision, struct lf_error *error)
{
	const Leadfit__V1__Selection *wanted = walk->wanted;
	bool first;

	walk->counts->read++;
	if (decision->purpose == LEADFIT__V1__PURPOSE__WHAT_IF)
		return LF_OK;
	if (lf_keys_add(&walk->seen, decision->team == NULL ? "" : decision->team->id,
		    decision->project == NULL ? "" : decision->project->id, &first) == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
	walk->counts->superseded += !first;
	if (!first ||
		(wanted->outcome != LEADFIT__V1__OUTCOME__OUTCOME_UNSPECIFIED &&
			wanted->outcome != decision->outcome) ||
		(wanted->candidate[0] != '\0' && !has_candidate(decision, wanted->candidate)))
		return LF_OK;
	walk->counts->taken++;
	return walk->visit(walk->context, decision, error);
}

static enum lf_code take_all(struct walk *walk, const Leadfit__V1__ExportResponse *slice, struct lf_error *error)
{
	for (size_t i = 0; i < slice->n_decisions; i++)
		if (slice->decisions[i]->decision != NULL && take(walk, slice->decisions[i]->decision, error) != LF_OK)
			return error->code;
	return LF_OK;
}

enum lf_code lf_latest_walk(struct lf_cli *cli, const struct lf_selection *selection, bool whole, lf_latest_fn visit,
	void *context, struct lf_latest_counts *counts, struct lf_error *error)
{
	struct walk walk = {.wanted = &selection->message, .visit = visit, .context = context, .counts = counts};
	Leadfit__V1__Selection asked = selection->message;
	Leadfit__V1__ExportRequest request = LEADFIT__V1__EXPORT_REQUEST__INIT;
	Leadfit__V1__Selection none = LEADFIT__V1__SELECTION__INIT;
	struct lf_progress progress;

	*counts = (struct lf_latest_counts){0};
	lf_progress_init(&progress);
	asked.candidate = none.candidate;
	asked.outcome = none.outcome;
	asked.decisions_only = true;
	request.selection = &asked;
	request.newest_first = true;
	request.brief = !whole && selection->message.candidate[0] == '\0';
	do {
		ProtobufCMessage *reply = lf_cli_call(cli, "leadfit.v1.Decisions/Export", &request.base, true, error);

		if (reply == NULL)
			break;
		request.from_sequence = ((const Leadfit__V1__ExportResponse *)reply)->next;
		take_all(&walk, (const Leadfit__V1__ExportResponse *)reply, error);
		protobuf_c_message_free_unpacked(reply, NULL);
		lf_progress_say(&progress, "%" PRIu64 " decisions read, the latest of %zu teams and projects",
			counts->read, walk.seen.count);
	} while (error->code == LF_OK && request.from_sequence != 0);
	lf_progress_end(&progress);
	lf_keys_clean_up(&walk.seen);
	return error->code;
}
