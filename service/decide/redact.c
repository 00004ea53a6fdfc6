#include "service/decide/redact.h"

#include <stdio.h>
#include <string.h>

#include "proto/wire/wire.h"
#include "service/decide/text_list.h"

/* ---- words ---- */

/*
 * Latin, Greek, Cyrillic, Hebrew, Arabic ... beyond ASCII: lead bytes of U+00C0..U+07FF. Other scripts write words
 * without a space.
 */
static bool is_letter(unsigned char lead)
{
	return (lead >= 'a' && lead <= 'z') || (lead >= 'A' && lead <= 'Z') || (lead >= '0' && lead <= '9') ||
		lead == '_' || (lead >= 0xc3 && lead <= 0xdf);
}

/* What makes one id of what stands on its two sides, as in "m-1" or "ada@example.org". */
static bool is_joint(char c)
{
	return c == '-' || c == '.' || c == '@';
}

/* The first byte of the character before at; 0 at the beginning. */
static unsigned char before(const char *text, const char *at)
{
	do {
		if (at == text)
			return 0;
		at--;
	} while (((unsigned char)*at & 0xc0) == 0x80);
	return (unsigned char)*at;
}

static bool goes_on_before(const char *text, const char *at)
{
	return at > text && (is_letter(before(text, at)) || (is_joint(at[-1]) && is_letter(before(text, at - 1))));
}

static bool goes_on_after(const char *end)
{
	return is_letter((unsigned char)*end) || (is_joint(*end) && is_letter((unsigned char)end[1]));
}

bool lf_mentions(const char *text, const char *id)
{
	const size_t length = strlen(id);

	for (const char *at = text; (at = strstr(at, id)) != NULL; at++)
		if (!goes_on_before(text, at) && !goes_on_after(at + length))
			return true;
	return false;
}

/* ---- any message ---- */

struct walk {
	const char *id;
	bool cut; /* else only look */
	enum lf_mention found;
	size_t longer; /* texts that have the id only within a longer word */
};

static bool is_display(const char *field)
{
	return strcmp(field, "title") == 0 || strcmp(field, "name") == 0 || strcmp(field, "note") == 0;
}

/* Whether the text must go. */
static bool looks(struct walk *walk, const ProtobufCFieldDescriptor *field, const char *text)
{
	enum lf_mention weight = is_display(field->name) ? LF_MENTION_TEXT : LF_MENTION_PART;

	if (text == NULL || strstr(text, walk->id) == NULL)
		return false;
	if (!lf_mentions(text, walk->id)) {
		walk->longer++;
		return false;
	}
	if (weight > walk->found)
		walk->found = weight;
	return true;
}

static bool walk_message(struct walk *walk, ProtobufCMessage *message);

/* An element of a list, or a field's only one. Returns whether it must go. */
static bool walk_value(struct walk *walk, const ProtobufCFieldDescriptor *field, void *value)
{
	if (field->type == PROTOBUF_C_TYPE_STRING)
		return looks(walk, field, *(char *const *)value);
	if (field->type == PROTOBUF_C_TYPE_MESSAGE && *(ProtobufCMessage *const *)value != NULL)
		return walk_message(walk, *(ProtobufCMessage *const *)value);
	return false;
}

static void walk_list(struct walk *walk, const ProtobufCFieldDescriptor *field, void **items, size_t *count)
{
	size_t kept = 0;

	for (size_t i = 0; i < *count; i++)
		if (!walk_value(walk, field, &items[i]) || !walk->cut)
			items[kept++] = items[i];
	*count = kept;
}

/*
 * Returns whether the message itself must go: the entry of a map whose key has the id. Ids are compared elsewhere, as
 * wholes.
 */
static bool walk_message(struct walk *walk, ProtobufCMessage *message)
{
	const ProtobufCMessageDescriptor *type = message->descriptor;
	bool gone = false;

	for (unsigned i = 0; i < type->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &type->fields[i];
		char *at = (char *)message + field->offset;

		if (strcmp(field->name, "id") == 0 ||
			(field->type != PROTOBUF_C_TYPE_STRING && field->type != PROTOBUF_C_TYPE_MESSAGE))
			continue;
		if (field->label == PROTOBUF_C_LABEL_REPEATED) {
			walk_list(walk, field, *(void ***)(void *)at,
				(size_t *)(void *)((char *)message + field->quantifier_offset));
		} else if (walk_value(walk, field, at)) {
			gone |= lf_wire_is_map_entry(type);
			if (walk->cut && field->type == PROTOBUF_C_TYPE_STRING)
				*(char **)(void *)at = lf_unconst("");
		}
	}
	return gone;
}

/* ---- teams and projects ---- */

enum lf_mention lf_team_mentions(const Leadfit__V1__Team *team, const char *id, size_t *longer)
{
	struct walk walk = {.id = id};

	walk_message(&walk, lf_unconst(&team->base));
	*longer = walk.longer;
	for (size_t i = 0; i < team->n_members; i++)
		if (strcmp(team->members[i]->id, id) == 0)
			return LF_MENTION_PART;
	return walk.found;
}

enum lf_mention lf_project_mentions(const Leadfit__V1__Project *project, const char *id, size_t *longer)
{
	struct walk walk = {.id = id};

	walk_message(&walk, lf_unconst(&project->base));
	*longer = walk.longer;
	return walk.found;
}

void lf_team_redact(Leadfit__V1__Team *team, const struct lf_redactor *redactor)
{
	struct walk walk = {.id = redactor->id, .cut = true};

	for (size_t i = 0; i < team->n_members; i++) {
		if (strcmp(team->members[i]->id, redactor->id) != 0)
			continue;
		leadfit__v1__member__init(team->members[i]);
		team->members[i]->id = lf_unconst(redactor->tombstone);
	}
	walk_message(&walk, &team->base);
}

void lf_project_redact(Leadfit__V1__Project *project, const struct lf_redactor *redactor)
{
	struct walk walk = {.id = redactor->id, .cut = true};

	walk_message(&walk, &project->base);
}

/* ---- decisions ---- */

static void cut_mentions(char **texts, size_t *count, const char *id)
{
	size_t kept = 0;

	for (size_t i = 0; i < *count; i++)
		if (!lf_mentions(texts[i], id))
			texts[kept++] = texts[i];
	*count = kept;
}

/* Paths of the team count its members: which of them are the person's is not said there, so all go. */
static void cut_team_paths(char **paths, size_t *count)
{
	size_t kept = 0;

	for (size_t i = 0; i < *count; i++)
		if (strncmp(paths[i], "team", 4) != 0)
			paths[kept++] = paths[i];
	*count = kept;
}

bool lf_decision_names(const Leadfit__V1__Decision *decision, const char *id)
{
	for (size_t i = 0; i < decision->n_ranking; i++)
		if (strcmp(decision->ranking[i]->candidate, id) == 0)
			return true;
	return strcmp(decision->recommended, id) == 0 ||
		(decision->team != NULL && lf_mentions(decision->team->title, id)) ||
		(decision->project != NULL && lf_mentions(decision->project->title, id));
}

static void redact_place(Leadfit__V1__Ranked *ranked, const struct lf_redactor *redactor)
{
	uint32_t rank = ranked->rank;
	double score = ranked->score;
	protobuf_c_boolean eligible = ranked->eligible;

	ranked->reason = lf_unconst("");
	cut_mentions(ranked->ineligible_because, &ranked->n_ineligible_because, redactor->id);
	if (strcmp(ranked->candidate, redactor->id) != 0)
		return;
	leadfit__v1__ranked__init(ranked);
	ranked->candidate = lf_unconst(redactor->tombstone);
	ranked->rank = rank;
	ranked->score = score;
	ranked->eligible = eligible;
}

static bool add_redaction(Leadfit__V1__Decision *decision, const struct lf_redactor *redactor)
{
	char **list = lf_arena_zalloc(redactor->arena, decision->n_redactions + 1, sizeof(*list));
	char text[200];
	int length = snprintf(text, sizeof(text),
		"A person of the team was erased: %s stands for them. Everything about them, and every sentence, was "
		"taken out.",
		redactor->tombstone);

	if (list == NULL)
		return false;
	for (size_t i = 0; i < decision->n_redactions; i++)
		list[i] = decision->redactions[i];
	list[decision->n_redactions] = lf_arena_strdup(redactor->arena, text, (size_t)length);
	decision->redactions = list;
	return list[decision->n_redactions++] != NULL;
}

bool lf_decision_redact(Leadfit__V1__Decision *decision, const struct lf_redactor *redactor)
{
	decision->decision_id = decision->caller = lf_unconst("");
	decision->decided_at = decision->clock_at = NULL;
	decision->trace_id = lf_unconst("");
	decision->purpose = LEADFIT__V1__PURPOSE__DECISION;
	decision->n_explanation = decision->n_assumptions = decision->n_what_would_change = 0;
	decision->sensitivity = NULL;
	decision->co_lead = NULL;
	cut_team_paths(decision->ignored, &decision->n_ignored);
	cut_mentions(decision->ignored, &decision->n_ignored, redactor->id);
	if (decision->n_ranking > 0 && strcmp(decision->ranking[0]->candidate, redactor->id) == 0)
		decision->evidence_share = 0;
	if (strcmp(decision->recommended, redactor->id) == 0)
		decision->recommended = lf_unconst(redactor->tombstone);
	for (size_t i = 0; i < decision->n_ranking; i++)
		redact_place(decision->ranking[i], redactor);
	if (decision->team != NULL && lf_mentions(decision->team->title, redactor->id))
		decision->team->title = lf_unconst("");
	if (decision->project != NULL && lf_mentions(decision->project->title, redactor->id))
		decision->project->title = lf_unconst("");
	return add_redaction(decision, redactor);
}

/* ---- outcomes ---- */

static bool redact_name(char **name, const struct lf_redactor *redactor)
{
	if (strcmp(*name, redactor->id) != 0)
		return false;
	*name = lf_unconst(redactor->tombstone);
	return true;
}

bool lf_outcome_redact(Leadfit__V1__OutcomeBody *outcome, bool took_part, const struct lf_redactor *redactor)
{
	bool changed = redact_name(&outcome->lead, redactor);

	changed |= redact_name(&outcome->overridden_by, redactor);
	if (*outcome->reason != '\0' && (took_part || changed || lf_mentions(outcome->reason, redactor->id))) {
		outcome->reason = lf_unconst("");
		changed = true;
	}
	return changed;
}

size_t lf_outcome_count_texts(const Leadfit__V1__OutcomeBody *outcome, const char *id)
{
	return (size_t)(strstr(outcome->lead, id) != NULL) + (size_t)(strstr(outcome->overridden_by, id) != NULL) +
		(size_t)(strstr(outcome->reason, id) != NULL);
}

/* ---- who looked ---- */

static bool redact_mention(char **text, const struct lf_redactor *redactor)
{
	if (!lf_mentions(*text, redactor->id))
		return false;
	*text = lf_unconst(redactor->tombstone);
	return true;
}

bool lf_access_redact(Leadfit__V1__AccessBody *access, const struct lf_redactor *redactor)
{
	bool changed = false;

	if (access->call != NULL) {
		char **const texts[] = {
			&access->call->caller, &access->call->team, &access->call->project, &access->call->file};

		for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
			changed |= redact_mention(texts[i], redactor);
	}
	for (size_t i = 0; i < access->n_counts; i++)
		changed |= redact_mention(&access->counts[i]->caller, redactor);
	return changed;
}
