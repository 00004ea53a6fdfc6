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
 * must stop sending the person first: as long as they go on, there is something to find, and after some rounds the
 * erasure says so and ends.
 *
 * A step (one call) does about LF_STEP_DECISIONS_MAX decisions, or LF_STEP_MS_MAX; the cursor says where the next one
 * goes on. One step at a time: two that redact the same decision would each write the other's person back.
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
#include "service/keeping/keeping.h"
#include "service/decide/text_list.h"
#include "service/rubric/checker.h"
#include "service/state/reply.h"

enum {
	PAYLOADS_A_SLICE = 64,
	DECISIONS_A_SLICE = 16,
	ATTEMPTS_MAX = 50,
	SCRATCH_BYTES_MAX = 128 * 1024 * 1024,
	ROUNDS_MAX = 8
};

enum phase { PHASE_TEAMS, PHASE_PROJECTS, PHASE_CANDIDATE, PHASE_ACTS, PHASES };

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
 * Redacts a slice of the decisions over a payload, from place.sequence on: frozen, where the person has a part in it.
 * *seen: every decision up to it has been looked at, and what this slice redacts waits to be written with the payload;
 * 0: not yet.
 */
static enum lf_code redact_slice(struct lf_erasure *erase, uint64_t payload, bool project, enum lf_mention mention,
	const char *id, uint64_t *seen)
{
	struct over over = {.payload = payload, .project = project};
	const struct lf_scan scan = {
		.team_id = project ? NULL : id,
		.project_id = project ? id : NULL,
		.since_us = INT64_MIN,
		.until_us = INT64_MAX,
		.from_sequence = erase->place.sequence,
		.limit = LF_PAGE_MAX,
		.payloads = true,
	};
	uint64_t newest, next;

	*seen = 0;
	if (lf_newest_sequence(erase->state->log, &newest, &erase->error) == LF_OK &&
		lf_log_scan(erase->state->log, &scan, keep_decision, &over, &next, &erase->error) == LF_OK &&
		over.exhausted)
		lf_erase_no_memory(erase);
	for (size_t i = 0; i < over.count; i++) {
		if (!lf_erase_failed(erase) && mention == LF_MENTION_PART)
			lf_erase_from_decision(erase, over.copies[i], false);
		else if (!lf_erase_failed(erase))
			lf_erase_forget_request(erase, over.copies[i]);
		free(over.copies[i]);
	}
	if (lf_erase_failed(erase))
		return erase->error.code;
	if (over.stopped_at == 0 && next == 0) {
		*seen = newest > 0 ? newest : 1;
		return LF_OK;
	}
	erase->place.sequence = over.stopped_at != 0 ? over.stopped_at : next;
	return lf_redaction_write(&erase->redaction, 0, &erase->error);
}

/* ---- payloads ---- */

/* A team or a project, decoded in scratch. */
struct payload {
	struct lf_payload_row *row;
	bool project;
	ProtobufCMessage *message;
	const char *id;
	enum lf_mention mention;
};

static enum lf_code decode(struct lf_erasure *erase, struct payload *payload)
{
	lf_arena_reset(&erase->scratch);
	payload->message =
		lf_wire_unpack(payload->project ? &leadfit__v1__project__descriptor : &leadfit__v1__team__descriptor,
			payload->row->body.data, payload->row->body.length, &erase->scratch, &erase->error);
	if (payload->message == NULL)
		return erase->error.code;
	if (payload->project) {
		const Leadfit__V1__Project *project = (const Leadfit__V1__Project *)payload->message;

		payload->id = project->id;
		payload->mention = lf_project_mentions(project, erase->who.id);
	} else {
		const Leadfit__V1__Team *team = (const Leadfit__V1__Team *)payload->message;

		payload->id = team->id;
		payload->mention = lf_team_mentions(team, erase->who.id);
	}
	return LF_OK;
}

/* Puts the copy without the person in the payload's place, together with what waits. */
static enum lf_code replace_payload(struct lf_erasure *erase, struct payload *payload, uint64_t seen)
{
	struct lf_redact_item item = {.what = LF_REDACT_PAYLOAD, .id = payload->row->id};

	if (decode(erase, payload) != LF_OK || lf_redaction_make_room(&erase->redaction, &erase->error) != LF_OK)
		return erase->error.code;
	if (payload->project)
		lf_project_redact((Leadfit__V1__Project *)payload->message, &erase->who);
	else
		lf_team_redact((Leadfit__V1__Team *)payload->message, &erase->who);
	item.bytes.data =
		lf_wire_canonical_bytes(payload->message, lf_redaction_arena(&erase->redaction), &item.bytes.length);
	if (item.bytes.data == NULL)
		return lf_erase_no_memory(erase);
	lf_redaction_add(&erase->redaction, &item);
	return lf_redaction_write(&erase->redaction, seen, &erase->error);
}

static enum lf_code keep_coming(struct lf_erasure *erase)
{
	return lf_error_set(&erase->error, LF_FAILED_PRECONDITION,
		"decisions with this person keep coming: see to it that nobody sends them any more, and erase again");
}

/* A decision came after seen, so that nothing was written: the last slice, with that one, and then again. */
static bool came_meanwhile(struct lf_erasure *erase, uint64_t seen, unsigned attempt)
{
	struct lf_error ignored = LF_ERROR_INIT;
	uint64_t newest = 0;

	if (erase->error.code != LF_FAILED_PRECONDITION)
		return false;
	lf_newest_sequence(erase->state->log, &newest, &ignored);
	lf_error_clean_up(&ignored);
	if (newest <= seen)
		return false; /* something is damaged */
	lf_error_clean_up(&erase->error);
	lf_error_init(&erase->error);
	if (attempt == ATTEMPTS_MAX)
		keep_coming(erase);
	return attempt < ATTEMPTS_MAX;
}

/*
 * Takes the person out of one payload and the decisions over it. *done: nothing of it is left to do; else the step is
 * over.
 */
static enum lf_code redact_payload(struct lf_erasure *erase, uint64_t id, bool project, bool *done)
{
	struct payload payload = {.project = project};
	char name[LF_ID_BYTES_MAX + 1];
	uint64_t seen = 0;

	*done = false;
	if (lf_log_get_payload(erase->state->log, id, &payload.row, &erase->error) != LF_OK ||
		decode(erase, &payload) != LF_OK)
		goto end;
	snprintf(name, sizeof(name), "%s", payload.id);
	*done = payload.mention == LF_MENTION_NONE;
	erase->place.again |= !*done;
	for (unsigned attempt = 0; !*done && !lf_erase_failed(erase); attempt++) {
		do
			redact_slice(erase, id, project, payload.mention, name, &seen);
		while (!lf_erase_failed(erase) && seen == 0 && !lf_redaction_is_step_over(&erase->redaction));
		if (lf_erase_failed(erase) || seen == 0)
			break;
		*done = replace_payload(erase, &payload, seen) == LF_OK;
		if (!*done && !came_meanwhile(erase, seen, attempt))
			break;
	}
	if (*done)
		erase->place.sequence = 0;
end:
	free(payload.row);
	return erase->error.code;
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

/* A slice of the payloads of a kind, from place.payload on. *end: there are no more. */
static enum lf_code payload_slice(struct lf_erasure *erase, bool project, bool *end)
{
	struct found found = {.id = erase->who.id, .last = erase->place.payload};
	uint64_t next;
	bool done = true;

	*end = false;
	if (lf_log_list_payloads(erase->state->log, project ? LF_PAYLOAD_PROJECT : LF_PAYLOAD_TEAM,
		    erase->place.payload, PAYLOADS_A_SLICE, look_at_payload, &found, &next, &erase->error) != LF_OK)
		return erase->error.code;
	for (size_t i = 0; i < found.count && done; i++) {
		erase->place.payload = found.ids[i] - 1;
		if (i > 0 && lf_redaction_is_step_over(&erase->redaction))
			return LF_OK;
		if (redact_payload(erase, found.ids[i], project, &done) != LF_OK)
			return erase->error.code;
	}
	if (!done)
		return LF_OK;
	erase->place.payload = next != 0 ? next : found.last;
	*end = next == 0;
	return LF_OK;
}

/* ---- decisions that name the person, and acts that do ---- */

static bool change_of_named(void *context, Leadfit__V1__OutcomeBody *body)
{
	return lf_outcome_redact(body, false, context);
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

/* Those that came after the payloads were gone through: theirs are the next round's. *end: there are none. */
static enum lf_code candidate_slice(struct lf_erasure *erase, bool *end)
{
	struct lf_filter filter = {
		.candidate = erase->who.id, .since_us = INT64_MIN, .until_us = INT64_MAX, .limit = DECISIONS_A_SLICE};
	struct listed listed = {.count = 0};
	uint64_t next;

	/*
	 * Where the person is in very many lists, a page can be empty before the end: the next slice would begin there
	 * again.
	 */
	do {
		if (lf_log_list(erase->state->log, &filter, keep_listed, &listed, &next, &erase->error) != LF_OK)
			return erase->error.code;
		filter.before_sequence = next;
	} while (listed.count == 0 && next != 0 && lf_is_awaited(erase->call));
	*end = listed.count == 0 && next == 0;
	for (size_t i = 0; i < listed.count && !lf_erase_failed(erase); i++) {
		struct lf_stored *stored = NULL;

		if (lf_log_get(erase->state->log, &listed.ids[i], &stored, &erase->error) == LF_OK)
			lf_erase_from_decision(erase, stored, true);
		free(stored);
	}
	if (!lf_erase_failed(erase))
		lf_redaction_write(&erase->redaction, 0, &erase->error);
	erase->place.again |= listed.count > 0;
	return erase->error.code;
}

static enum lf_code act_slice(struct lf_erasure *erase, bool *end)
{
	uint64_t next, last;

	if (lf_redaction_add_act_slice(&erase->redaction, NULL, erase->place.act, &next, &last, change_of_named,
		    &erase->who, &erase->error) != LF_OK)
		return erase->error.code;
	/* Somebody may have read the name there and recorded it again before it goes: the next round finds that. */
	erase->place.again |= erase->redaction.count > 0;
	if (lf_redaction_write(&erase->redaction, 0, &erase->error) != LF_OK)
		return erase->error.code;
	erase->place.act = next != 0 ? next : last;
	*end = next == 0;
	return LF_OK;
}

/* ---- a step ---- */

/* Sets *over after the last phase of a round that found nothing. */
static enum lf_code next_phase(struct lf_erasure *erase, bool *over)
{
	struct lf_erasure_place *place = &erase->place;

	if (place->phase == PHASE_TEAMS)
		place->next_payload = place->payload;
	place->sequence = 0;
	place->payload = place->first_payload;
	if (++place->phase < PHASES)
		return LF_OK;
	*over = place->round > 0 && !place->again;
	if (!*over && place->round + 1 == ROUNDS_MAX)
		return keep_coming(erase);
	place->round++;
	place->phase = PHASE_TEAMS;
	place->again = 0;
	place->payload = place->first_payload = place->next_payload;
	return LF_OK;
}

/* Sets *over where everything is done. */
static enum lf_code step(struct lf_erasure *erase, bool *over)
{
	bool end;

	do {
		end = false;
		switch (erase->place.phase) {
		case PHASE_TEAMS:
			payload_slice(erase, false, &end);
			break;
		case PHASE_PROJECTS:
			payload_slice(erase, true, &end);
			break;
		case PHASE_CANDIDATE:
			candidate_slice(erase, &end);
			break;
		default:
			act_slice(erase, &end);
			break;
		}
		if (lf_erase_failed(erase) || (end && next_phase(erase, over) != LF_OK))
			return erase->error.code;
	} while (!*over && !lf_redaction_is_step_over(&erase->redaction));
	return LF_OK;
}

/* ---- the call ---- */

/* What a cursor is good for: one person, one tombstone. */
static uint64_t cursor_mark(const struct lf_erasure *erase)
{
	char text[LF_TOMBSTONE_BYTES + LF_ID_BYTES_MAX + 1];
	struct lf_digest digest;
	uint64_t mark;
	const int length = snprintf(text, sizeof(text), "%s%s", erase->tombstone, erase->request->candidate);

	lf_sha256(text, (size_t)length, &digest);
	memcpy(&mark, digest.bytes, sizeof(mark));
	return mark;
}

enum { CURSOR_FIELDS = 10, CURSOR_BYTES = CURSOR_FIELDS * 17 };

static void print_cursor(const struct lf_erasure *erase, char out[CURSOR_BYTES])
{
	const struct lf_erasure_place *p = &erase->place;

	snprintf(out, CURSOR_BYTES, "%s-%" PRIx64 "-%x-%x-%x-%" PRIx64 "-%" PRIx64 "-%" PRIx64 "-%" PRIx64 "-%" PRIx64,
		erase->tombstone + strlen("erased-"), cursor_mark(erase), p->round, p->again, p->phase, p->payload,
		p->sequence, p->act, p->first_payload, p->next_payload);
}

static bool read_cursor(struct lf_erasure *erase, const char *text)
{
	struct lf_erasure_place *p = &erase->place;
	uint64_t tombstone, mark;
	char again[CURSOR_BYTES];

	if (sscanf(text,
		    "%16" SCNx64 "-%16" SCNx64 "-%x-%x-%x-%16" SCNx64 "-%16" SCNx64 "-%16" SCNx64 "-%16" SCNx64
		    "-%16" SCNx64,
		    &tombstone, &mark, &p->round, &p->again, &p->phase, &p->payload, &p->sequence, &p->act,
		    &p->first_payload, &p->next_payload) != CURSOR_FIELDS)
		return false;
	snprintf(erase->tombstone, sizeof(erase->tombstone), "erased-%016" PRIx64, tombstone);
	print_cursor(erase, again);
	return strcmp(text, again) == 0 && mark == cursor_mark(erase) && p->round < ROUNDS_MAX && p->again <= 1 &&
		p->phase < PHASES;
}

static void check_request(struct lf_erasure *erase)
{
	const Leadfit__V1__EraseRequest *request = erase->request;
	struct lf_checker checker = {.error = &erase->error};
	uint64_t random;

	if (lf_check_id(&checker, "candidate", request->candidate) && *request->reason != '\0' &&
		lf_mentions(request->reason, request->candidate))
		lf_check_fail(&checker, "reason", "has the candidate's id: it is kept in the log");
	if (request->reason[strspn(request->reason, " \t\r\n")] == '\0')
		lf_check_fail(&checker, "reason", "is required");
	lf_check_text(&checker, "reason", request->reason, LF_TEXT_BYTES_MAX);
	if (checker.found == 0 && *request->cursor != '\0' && !read_cursor(erase, request->cursor))
		lf_check_fail(&checker, "cursor", "is not one of this service for this candidate");
	if (checker.found > 0)
		lf_error_summarize(&erase->error);
	else if (*request->cursor == '\0' && getentropy(&random, sizeof(random)) != 0)
		lf_error_set(&erase->error, LF_UNAVAILABLE, "no random bytes");
	else if (*request->cursor == '\0')
		snprintf(erase->tombstone, sizeof(erase->tombstone), "erased-%016" PRIx64, random);
}

/* What an erasure does not reach, even after a vacuum. It is shown to the operator, who must handle it. */
static const char *const OUT_OF_REACH[] = {
	"Backups and exports that were made before: delete or replace them.",
	"What the disk or its snapshots keep of old blocks.",
	"Texts that mean the person without their id: a name in somebody else's note, a title, a reason.",
	"Rubrics: they are configuration, and are not searched. Ids of teams and projects: they are taken to be "
	"nobody's.",
	"What callers put elsewhere: a caller's own name, or an idempotency key of a decision in which the person had "
	"no part.",
	"What other systems hold: the services that asked, and whoever read the answers.",
	"Checkpoints and proofs need no erasing: they hold hashes. A proof that was made before holds the bytes that "
	"it proves.",
};

static void reply(struct lf_erasure *erase, bool over, Leadfit__V1__EraseResponse_Closure closure)
{
	Leadfit__V1__EraseResponse response;
	char cursor[CURSOR_BYTES] = "";

	leadfit__v1__erase_response__init(&response);
	response.decisions = erase->redaction.decisions;
	response.payloads = erase->redaction.payloads;
	response.acts = erase->redaction.acts;
	if (over) {
		response.out_of_reach = lf_unconst(OUT_OF_REACH);
		response.n_out_of_reach = sizeof(OUT_OF_REACH) / sizeof(OUT_OF_REACH[0]);
	} else {
		print_cursor(erase, cursor);
	}
	response.cursor = cursor;
	closure(&response, erase->call);
}

void lf_keeping_erase(Leadfit__V1__Keeping_Service *service, const Leadfit__V1__EraseRequest *request,
	Leadfit__V1__EraseResponse_Closure closure, void *closure_data)
{
	struct lf_erasure *erase = lf_arena_zalloc(lf_rpc_arena(closure_data), 1, sizeof(*erase));
	struct lf_error error = LF_ERROR_INIT;
	bool over = false;

	if (erase == NULL) {
		lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "no memory to erase with");
		lf_send_error(closure_data, &error);
		return;
	}
	lf_error_init(&erase->error);
	erase->state = LF_CONTAINER_OF(service, struct lf_keeping_service, base)->state;
	erase->call = closure_data;
	erase->request = request;
	check_request(erase);
	if (!lf_erase_failed(erase) && lf_redaction_begin(erase->state, &erase->error)) {
		erase->who = (struct lf_redactor){request->candidate, erase->tombstone, NULL};
		erase->redaction.state = erase->state;
		erase->redaction.call = erase->call;
		erase->redaction.kind = LF_LEAF_ERASURE;
		erase->redaction.reason = request->reason;
		lf_redaction_init(&erase->redaction);
		lf_arena_init(&erase->scratch, SCRATCH_BYTES_MAX);
		step(erase, &over);
		lf_arena_clean_up(&erase->scratch);
		lf_redaction_clean_up(&erase->redaction);
		lf_redaction_end(erase->state);
	}
	lf_error_move(&error, &erase->error); /* which goes with the call */
	if (error.code != LF_OK)
		lf_send_error(closure_data, &error);
	else
		reply(erase, over, closure);
}
