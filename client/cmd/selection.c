#include "client/cmd/selection.h"

#include <inttypes.h>
#include <string.h>

#include "client/term/progress.h"
#include "proto/base/dates.h"

enum { OUTCOME_COUNT = 4 };

static enum lf_code take_instant(const struct lf_arguments *arguments, const char *option,
	Google__Protobuf__Timestamp *instant, Google__Protobuf__Timestamp **field, struct lf_error *error)
{
	const char *text = lf_argument(arguments, option);

	if (text == NULL)
		return LF_OK;
	google__protobuf__timestamp__init(instant);
	*field = instant;
	if (!lf_parse_instant(text, &instant->seconds, &instant->nanos))
		return lf_error_set(error, LF_INVALID_ARGUMENT,
			"--%s: %s is neither a date (2026-05-01) nor an instant (2026-05-01T12:00:00Z)", option, text);
	return LF_OK;
}

/* "too-close" is TOO_CLOSE. */
static enum lf_code take_outcome(
	const struct lf_arguments *arguments, Leadfit__V1__Outcome *outcome, struct lf_error *error)
{
	static const char *const names[OUTCOME_COUNT] = {
		"RECOMMENDED", "TOO_CLOSE", "INSUFFICIENT_EVIDENCE", "NO_ELIGIBLE_CANDIDATE"};
	const char *text = lf_argument(arguments, "outcome");
	char name[64] = "";
	size_t index;
	const ProtobufCEnumValue *value;

	if (text == NULL)
		return LF_OK;
	for (size_t i = 0; text[i] != '\0' && i + 1 < sizeof(name); i++)
		name[i] =
			text[i] == '-' ? '_' : (char)(text[i] >= 'a' && text[i] <= 'z' ? text[i] - 'a' + 'A' : text[i]);
	if (lf_option_choice("outcome", name, names, OUTCOME_COUNT, &index, error) != LF_OK)
		return error->code;
	value = protobuf_c_enum_descriptor_get_value_by_name(&leadfit__v1__outcome__descriptor, names[index]);
	*outcome = (Leadfit__V1__Outcome)value->value;
	return LF_OK;
}

enum lf_code lf_selection_take(struct lf_selection *selection, const struct lf_arguments *arguments,
	struct lf_arena *arena, struct lf_error *error)
{
	Leadfit__V1__Selection *message = &selection->message;

	leadfit__v1__selection__init(message);
	if (lf_argument_text(arguments, "team", &message->team, arena, error) != LF_OK ||
		lf_argument_text(arguments, "project", &message->project, arena, error) != LF_OK ||
		lf_argument_text(arguments, "candidate", &message->candidate, arena, error) != LF_OK ||
		lf_argument_text(arguments, "rubric", &message->rubric, arena, error) != LF_OK ||
		take_outcome(arguments, &message->outcome, error) != LF_OK ||
		take_instant(arguments, "since", &selection->since, &message->since, error) != LF_OK ||
		take_instant(arguments, "until", &selection->until, &message->until, error) != LF_OK)
		return error->code;
	message->decisions_only = lf_argument(arguments, "decisions-only") != NULL;
	return LF_OK;
}

/* ---- the latest of each rubric, team and project ---- */

static enum lf_code take_latest(struct lf_latest *latest, const Leadfit__V1__ExportResponse *slice, lf_latest_fn visit,
	void *context, struct lf_error *error)
{
	for (size_t i = 0; i < slice->n_decisions && error->code == LF_OK; i++) {
		const Leadfit__V1__Decision *decision = slice->decisions[i]->decision;
		bool counts;
		size_t rubric;

		if (decision == NULL)
			continue;
		if (!lf_latest_take(latest, decision, &counts, &rubric))
			return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
		if (counts)
			visit(context, decision, rubric, error);
	}
	return error->code;
}

enum lf_code lf_latest_walk(struct lf_cli *cli, const struct lf_selection *selection, bool whole, lf_latest_fn visit,
	void *context, struct lf_latest *latest, struct lf_error *error)
{
	Leadfit__V1__Selection asked = selection->message;
	Leadfit__V1__ExportRequest request = LEADFIT__V1__EXPORT_REQUEST__INIT;
	Leadfit__V1__Selection none = LEADFIT__V1__SELECTION__INIT;
	struct lf_progress progress;

	latest->wanted = &selection->message;
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
		take_latest(latest, (const Leadfit__V1__ExportResponse *)reply, visit, context, error);
		protobuf_c_message_free_unpacked(reply, NULL);
		lf_progress_say(&progress, "%" PRIu64 " decisions read, %" PRIu64 " counted", latest->counts.read,
			latest->counts.taken);
	} while (error->code == LF_OK && request.from_sequence != 0);
	lf_progress_end(&progress);
	return error->code;
}
