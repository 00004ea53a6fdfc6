/*
 * Erasing a person: every payload in which they occur is replaced by a copy without them, and so is every decision over
 * such a payload and everything that was recorded about those decisions. Where only a text that is not scored mentions
 * them, its decisions come out the same without it: they keep their answers, and lose what is left of the request.
 *
 * The order matters. A decision comes back from its team and project; so the decisions over a payload are frozen first
 * (restored once more, and kept as they were answered, without the person), and the payload is replaced when no
 * decision needs it any more: the log refuses that where one came meanwhile. Whatever ends the work in between,
 * beginning anew finds what is left: what is frozen is not frozen twice, and a payload without the person is not found
 * again.
 *
 * Rounds. Each after the first looks at what came while the one before was under way, until one finds nothing. Callers
 * must stop sending the person first: as long as they go on, there is something to find, and after some rounds, or
 * where too much came since a round began, the erasure says so and ends.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/base/check.h"
#include "proto/base/limits.h"
#include "proto/wire/wire.h"
#include "service/decide/decision.h"
#include "service/keeping/erasure.h"

enum { PAYLOADS_A_SLICE = 64, DECISIONS_A_SLICE = 16, ATTEMPTS_MAX = 50, LATE_SLICES_MAX = 100, ROUNDS_MAX = 8 };

static enum lf_code keep_coming(struct lf_erasure *erase)
{
	return lf_error_set(&erase->walk.error, LF_FAILED_PRECONDITION,
		"decisions with this person keep coming: see to it that nobody sends them any more, and erase again");
}

/* Decisions over one payload, copied while the log tells them. */
struct over {
	uint64_t payload;
	bool project;
	struct lf_stored *copies[DECISIONS_A_SLICE];
	size_t count;
	uint64_t stopped_at; /* the first that did not fit; 0: none */
	bool exhausted;
};

static bool keep_decision(void *context, const struct lf_stored *row)
{
	struct over *over = context;

	if ((over->project ? row->project_payload : row->team_payload) != over->payload)
		return true;
	if (over->count == DECISIONS_A_SLICE) {
		over->stopped_at = row->sequence;
		return false;
	}
	over->copies[over->count] = lf_stored_copy(row);
	over->exhausted |= over->copies[over->count] == NULL;
	over->count += over->copies[over->count] != NULL;
	return !over->exhausted;
}

/*
 * Redacts a slice of the decisions over a payload, from *from on: frozen, where the person has a part in it. *seen:
 * every decision up to it has been looked at, and what this slice redacts waits to be written with the payload; 0: not
 * yet, and *from is where to go on.
 */
static enum lf_code redact_slice(struct lf_erasure *erase, uint64_t payload, bool project, enum lf_mention mention,
	const char *id, uint64_t *from, uint64_t *seen)
{
	struct over over = {.payload = payload, .project = project};
	const struct lf_scan scan = {
		.team_id = project ? NULL : id,
		.project_id = project ? id : NULL,
		.since_us = INT64_MIN,
		.until_us = INT64_MAX,
		.from_sequence = *from,
		.limit = LF_PAGE_MAX,
		.payloads = true,
	};
	uint64_t newest, next;

	*seen = 0;
	if (lf_newest_sequence(erase->walk.redaction.run->state->log, &newest, &erase->walk.error) == LF_OK &&
		lf_log_scan(erase->walk.redaction.run->state->log, &scan, keep_decision, &over, &next,
			&erase->walk.error) == LF_OK &&
		over.exhausted)
		lf_walk_no_memory(&erase->walk);
	if (!lf_walk_failed(&erase->walk) && over.count > 0 && over.copies[0]->sequence > erase->newest &&
		++erase->late_slices > LATE_SLICES_MAX)
		keep_coming(erase);
	for (size_t i = 0; i < over.count; i++) {
		if (!lf_walk_failed(&erase->walk) && mention == LF_MENTION_PART)
			lf_erase_from_decision(erase, over.copies[i], false);
		else if (!lf_walk_failed(&erase->walk))
			lf_erase_forget_request(erase, over.copies[i]);
		free(over.copies[i]);
	}
	if (lf_walk_failed(&erase->walk))
		return erase->walk.error.code;
	if (over.stopped_at == 0 && next == 0) {
		*seen = newest > 0 ? newest : 1;
		return LF_OK;
	}
	*from = over.stopped_at != 0 ? over.stopped_at : next;
	return lf_redaction_write(&erase->walk.redaction, 0, &erase->walk.error);
}

/* ---- payloads ---- */

/* A team or a project, decoded in scratch. */
struct payload {
	struct lf_payload_row *row;
	bool project;
	ProtobufCMessage *message;
	const char *id;
	enum lf_mention mention;
	size_t longer; /* texts with the person's id within a longer word */
};

static enum lf_code decode(struct lf_erasure *erase, struct payload *payload)
{
	lf_arena_reset(&erase->walk.scratch);
	payload->message =
		lf_wire_unpack(payload->project ? &leadfit__v1__project__descriptor : &leadfit__v1__team__descriptor,
			payload->row->body.data, payload->row->body.length, &erase->walk.scratch, &erase->walk.error);
	if (payload->message == NULL)
		return erase->walk.error.code;
	if (payload->project) {
		const Leadfit__V1__Project *project = (const Leadfit__V1__Project *)payload->message;

		payload->id = project->id;
		payload->mention = lf_project_mentions(project, erase->who.id, &payload->longer);
	} else {
		const Leadfit__V1__Team *team = (const Leadfit__V1__Team *)payload->message;

		payload->id = team->id;
		payload->mention = lf_team_mentions(team, erase->who.id, &payload->longer);
	}
	return LF_OK;
}

/* Puts the copy without the person in the payload's place, together with what waits. */
static enum lf_code replace_payload(struct lf_erasure *erase, struct payload *payload, uint64_t seen)
{
	struct lf_redact_item item = {.what = LF_REDACT_PAYLOAD, .id = payload->row->id};

	if (decode(erase, payload) != LF_OK ||
		lf_redaction_make_room(&erase->walk.redaction, &erase->walk.error) != LF_OK)
		return erase->walk.error.code;
	if (payload->project)
		lf_project_redact((Leadfit__V1__Project *)payload->message, &erase->who);
	else
		lf_team_redact((Leadfit__V1__Team *)payload->message, &erase->who);
	item.bytes.data = lf_wire_canonical_bytes(
		payload->message, lf_redaction_arena(&erase->walk.redaction), &item.bytes.length);
	if (item.bytes.data == NULL)
		return lf_walk_no_memory(&erase->walk);
	lf_redaction_add(&erase->walk.redaction, &item);
	return lf_redaction_write(&erase->walk.redaction, seen, &erase->walk.error);
}

/* A decision came after seen, so that nothing was written: the last slice, with that one, and then again. */
static bool came_meanwhile(struct lf_erasure *erase, uint64_t seen, unsigned attempt)
{
	struct lf_error ignored = LF_ERROR_INIT;
	uint64_t newest = 0;

	if (erase->walk.error.code != LF_FAILED_PRECONDITION)
		return false;
	lf_newest_sequence(erase->walk.redaction.run->state->log, &newest, &ignored);
	lf_error_clean_up(&ignored);
	if (newest <= seen)
		return false; /* something is damaged */
	lf_error_clean_up(&erase->walk.error);
	lf_error_init(&erase->walk.error);
	if (attempt == ATTEMPTS_MAX)
		keep_coming(erase);
	return attempt < ATTEMPTS_MAX;
}

/* Takes the person out of one payload and the decisions over it. */
static enum lf_code redact_payload(struct lf_erasure *erase, uint64_t id, bool project)
{
	struct payload payload = {.project = project};
	char name[LF_ID_BYTES_MAX + 1];
	uint64_t from = 0, seen = 0;
	bool done;

	if (lf_log_get_payload(erase->walk.redaction.run->state->log, id, &payload.row, &erase->walk.error) != LF_OK ||
		decode(erase, &payload) != LF_OK)
		goto end;
	if (id > erase->counted[project]) {
		erase->walk.redaction.run->job->counts.longer_words += payload.longer;
		erase->counted[project] = id;
	}
	snprintf(name, sizeof(name), "%s", payload.id);
	done = payload.mention == LF_MENTION_NONE;
	erase->again |= !done;
	for (unsigned attempt = 0; !done && !lf_walk_failed(&erase->walk); attempt++) {
		do
			redact_slice(erase, id, project, payload.mention, name, &from, &seen);
		while (!lf_walk_failed(&erase->walk) && seen == 0 && lf_walk_goes_on(&erase->walk));
		if (lf_walk_failed(&erase->walk))
			break;
		done = replace_payload(erase, &payload, seen) == LF_OK;
		if (!done && !came_meanwhile(erase, seen, attempt))
			break;
	}
end:
	free(payload.row);
	return erase->walk.error.code;
}

/* Ids of payloads that may mention the person. */
struct found {
	const char *id;
	uint64_t ids[PAYLOADS_A_SLICE];
	size_t count;
	uint64_t last; /* that was looked at */
};

static void look_at_payload(void *context, const struct lf_payload_row *row)
{
	struct found *found = context;

	LF_CHECK(H10, found->count < PAYLOADS_A_SLICE);
	found->last = row->id;
	if (row->body.length > 0 && memmem(row->body.data, row->body.length, found->id, strlen(found->id)) != NULL)
		found->ids[found->count++] = row->id;
}

static void payload_slice(struct lf_erasure *erase, bool project, bool *end)
{
	struct lf_walk *walk = &erase->walk;
	struct found found = {.id = erase->who.id};
	uint64_t next;

	if (walk->at < erase->first_payload)
		walk->at = erase->first_payload;
	found.last = walk->at;
	if (lf_log_list_payloads(walk->redaction.run->state->log, project ? LF_PAYLOAD_PROJECT : LF_PAYLOAD_TEAM,
		    walk->at, PAYLOADS_A_SLICE, look_at_payload, &found, &next, &walk->error) != LF_OK)
		return;
	for (size_t i = 0; i < found.count && lf_walk_goes_on(walk); i++)
		if (redact_payload(erase, found.ids[i], project) != LF_OK)
			return;
	walk->at = next != 0 ? next : found.last;
	*end = next == 0;
}

static void team_slice(struct lf_walk *walk, bool *end)
{
	struct lf_erasure *erase = (struct lf_erasure *)walk;

	payload_slice(erase, false, end);
	erase->next_payload = walk->at;
}

static void project_slice(struct lf_walk *walk, bool *end)
{
	payload_slice((struct lf_erasure *)walk, true, end);
}

/* ---- decisions that name the person, and acts that do ---- */

static bool change_of_named(void *context, ProtobufCMessage *message)
{
	struct lf_erasure *erase = context;
	Leadfit__V1__OutcomeBody *body = (Leadfit__V1__OutcomeBody *)message;
	const bool changed = lf_outcome_redact(body, false, &erase->who);

	erase->walk.redaction.run->job->counts.longer_words += lf_outcome_count_texts(body, erase->who.id);
	return changed;
}

static bool change_of_access(void *context, ProtobufCMessage *body)
{
	const struct lf_erasure *erase = context;

	return lf_access_redact((Leadfit__V1__AccessBody *)body, &erase->who);
}

struct listed {
	struct lf_uuid ids[DECISIONS_A_SLICE];
	size_t count;
};

static void keep_listed(void *context, const struct lf_stored *row)
{
	struct listed *listed = context;

	LF_CHECK(H10, listed->count < DECISIONS_A_SLICE);
	listed->ids[listed->count++] = row->id;
}

/*
 * Those that came after the payloads were gone through, and before this phase: later ones are the next round's, or the
 * phase would not end while they come. *end: there are none.
 */
static void candidate_slice(struct lf_walk *walk, bool *end)
{
	struct lf_erasure *erase = (struct lf_erasure *)walk;
	struct lf_log *log = walk->redaction.run->state->log;
	struct lf_filter filter = {
		.candidate = erase->who.id, .since_us = INT64_MIN, .until_us = INT64_MAX, .limit = DECISIONS_A_SLICE};
	struct listed listed = {.count = 0};
	uint64_t newest, next;

	if (walk->at == 0) {
		if (lf_newest_sequence(log, &newest, &walk->error) != LF_OK)
			return;
		walk->at = newest + 1;
	}
	filter.before_sequence = walk->at;
	/*
	 * Where the person is in very many lists, a page can be empty before the end: the next slice would begin there
	 * again.
	 */
	do {
		if (lf_log_list(log, &filter, keep_listed, &listed, &next, &walk->error) != LF_OK)
			return;
		filter.before_sequence = next;
	} while (listed.count == 0 && next != 0 && lf_walk_goes_on(walk));
	*end = listed.count == 0 && next == 0;
	for (size_t i = 0; i < listed.count && !lf_walk_failed(walk); i++) {
		struct lf_stored *stored = NULL;

		if (lf_log_get(log, &listed.ids[i], &stored, &walk->error) == LF_OK)
			lf_erase_from_decision(erase, stored, true);
		free(stored);
	}
	if (!lf_walk_failed(walk))
		lf_redaction_write(&walk->redaction, 0, &walk->error);
	erase->again |= listed.count > 0;
}

/* *done: the last one that is done with. */
static void act_slice(struct lf_erasure *erase, struct lf_act_walk *acts, uint64_t *done, bool *end)
{
	struct lf_walk *walk = &erase->walk;

	acts->until_us = INT64_MAX;
	acts->context = erase;
	acts->after = *done;
	if (lf_redaction_add_act_slice(&walk->redaction, acts, &walk->error) != LF_OK)
		return;
	/* Somebody may have read the name there and recorded it again before it goes: the next round finds that. */
	erase->again |= walk->redaction.count > 0;
	if (lf_redaction_write(&walk->redaction, 0, &walk->error) != LF_OK)
		return;
	*done = acts->after;
	*end = acts->end;
}

static void outcome_slice(struct lf_walk *walk, bool *end)
{
	struct lf_erasure *erase = (struct lf_erasure *)walk;
	struct lf_act_walk outcomes = {.kind = LF_LEAF_OUTCOME, .change = change_of_named};

	act_slice(erase, &outcomes, &erase->outcome, end);
}

static void access_slice(struct lf_walk *walk, bool *end)
{
	struct lf_erasure *erase = (struct lf_erasure *)walk;
	struct lf_act_walk looks = {.kind = LF_LEAF_ACCESS, .change = change_of_access};

	act_slice(erase, &looks, &erase->access, end);
}

/* ---- the walk ---- */

/* Rounds, until one finds nothing that the one before left. */
static enum lf_code walk_rounds(struct lf_erasure *erase)
{
	static void (*const phases[])(struct lf_walk * walk, bool *end) = {
		team_slice, project_slice, candidate_slice, outcome_slice, access_slice};

	for (unsigned round = 0; round < ROUNDS_MAX; round++) {
		erase->again = false;
		if (lf_newest_sequence(erase->walk.redaction.run->state->log, &erase->newest, &erase->walk.error) !=
			LF_OK)
			return erase->walk.error.code;
		if (lf_walk_phases(&erase->walk, phases, sizeof(phases) / sizeof(phases[0])) != LF_OK)
			return erase->walk.error.code;
		if (round > 0 && !erase->again)
			return LF_OK;
		erase->first_payload = erase->next_payload;
	}
	return keep_coming(erase);
}

enum lf_code lf_erase_walk(const struct lf_job_run *run, struct lf_error *error)
{
	struct lf_erasure erase = {.outcome = 0};
	uint64_t random;

	if (getentropy(&random, sizeof(random)) != 0)
		return lf_error_set(error, LF_UNAVAILABLE, "no random bytes");
	snprintf(erase.tombstone, sizeof(erase.tombstone), "erased-%016" PRIx64, random);
	erase.who = (struct lf_redactor){run->job->candidate, erase.tombstone, NULL};
	run->job->counts.longer_words = 0;
	lf_walk_init(&erase.walk, run);
	walk_rounds(&erase);
	return lf_walk_clean_up(&erase.walk, error);
}
