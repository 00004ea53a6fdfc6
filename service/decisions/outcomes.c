/*
 * What became of decisions. Each call appends one act to the log and changes none: the newest of a decision holds. It
 * is complete by itself, so that nobody has to put earlier ones together: what only adds a result repeats the rest of
 * the one before.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "leadfit/v1/record.pb-c.h"
#include "proto/base/check.h"
#include "proto/base/limits.h"
#include "proto/wire/wire.h"
#include "service/decide/time.h"
#include "service/rubric/checker.h"
#include "service/decisions/decisions.h"
#include "service/decide/text_list.h"
#include "service/state/reply.h"
#include "service/state/state.h"

enum { RESULT_MAX = 5, ATTEMPTS_MAX = 16 };

static enum lf_code no_room(struct lf_error *error)
{
	return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "the request needs more memory than its budget");
}

/* ---- acts as messages ---- */

/* In arena. NULL: error says why. */
static Leadfit__V1__OutcomeBody *body_read(const struct lf_act_row *row, struct lf_arena *arena, struct lf_error *error)
{
	struct lf_error inner = LF_ERROR_INIT;
	ProtobufCMessage *body =
		lf_wire_unpack(&leadfit__v1__outcome_body__descriptor, row->body.data, row->body.length, arena, &inner);

	if (body == NULL && inner.code == LF_RESOURCE_EXHAUSTED)
		no_room(error);
	else if (body == NULL)
		lf_error_set(
			error, LF_DATA_LOSS, "the stored outcome %" PRIu64 " is damaged: %s", row->id, inner.message);
	lf_error_clean_up(&inner);
	return (Leadfit__V1__OutcomeBody *)body;
}

/* In arena; borrows the body's texts. NULL where that is exhausted. */
static Leadfit__V1__RecordedOutcome *recorded_new(
	const struct lf_act_row *row, const Leadfit__V1__OutcomeBody *body, struct lf_arena *arena)
{
	Leadfit__V1__RecordedOutcome *message = lf_arena_alloc(arena, sizeof(*message));
	char id[LF_UUID_TEXT_BYTES] = "";

	if (message == NULL)
		return NULL;
	leadfit__v1__recorded_outcome__init(message);
	if (row->has_decision)
		lf_uuid_print(&row->decision, id);
	message->id = row->id;
	message->recorded_at = lf_timestamp_new(row->at_us, arena);
	message->caller = lf_arena_strdup(arena, row->caller, strlen(row->caller));
	message->decision_id = lf_arena_strdup(arena, id, strlen(id));
	message->disposition = (Leadfit__V1__Disposition)body->disposition;
	message->lead = body->lead;
	message->overridden_by = body->overridden_by;
	message->reason = body->reason;
	message->result = body->result;
	return message->recorded_at != NULL && message->caller != NULL && message->decision_id != NULL ? message : NULL;
}

/* ---- record ---- */

struct record {
	const Leadfit__V1__RecordOutcomeRequest *request;
	struct lf_log *log;
	struct lf_rpc_call *call;
	struct lf_arena *arena;
	struct lf_uuid id;
	bool adds_result;   /* and nothing else */
	uint64_t seen_size; /* of the log, before the rest was read */
	/* something was erased or pruned after that: what was read may have a name that is to be nowhere */
	bool overtaken;
	Leadfit__V1__OutcomeBody body;
	struct lf_act_put act;
};

static void check_disposition(const struct record *record, struct lf_checker *checker)
{
	const Leadfit__V1__RecordOutcomeRequest *request = record->request;

	if (request->disposition == LEADFIT__V1__DISPOSITION__DISPOSITION_UNSPECIFIED && !record->adds_result)
		lf_check_fail(checker, "disposition", "is required, unless a result is added and nothing else");
	else if ((int)request->disposition < 0 || request->disposition > LEADFIT__V1__DISPOSITION__OVERRIDDEN)
		lf_check_fail(checker, "disposition", "%d is not known", (int)request->disposition);
}

/* What the request says about itself. */
static void check_request(struct record *record, struct lf_checker *checker)
{
	const Leadfit__V1__RecordOutcomeRequest *request = record->request;
	const bool overridden = request->disposition == LEADFIT__V1__DISPOSITION__OVERRIDDEN;

	record->adds_result = request->disposition == LEADFIT__V1__DISPOSITION__DISPOSITION_UNSPECIFIED &&
		*request->lead == '\0' && *request->overridden_by == '\0' && *request->reason == '\0' &&
		request->result > 0;
	if (!lf_uuid_parse(request->decision_id, &record->id))
		lf_check_fail(checker, "decision_id", "\"%.64s\" is not a UUID", request->decision_id);
	check_disposition(record, checker);
	if (overridden || *request->lead != '\0')
		lf_check_id(checker, "lead", request->lead);
	if (overridden || *request->overridden_by != '\0')
		lf_check_id(checker, "overridden_by", request->overridden_by);
	if (request->disposition == LEADFIT__V1__DISPOSITION__ACCEPTED && *request->overridden_by != '\0')
		lf_check_fail(checker, "overridden_by", "stands beside ACCEPTED: what is accepted is not overridden");
	if (overridden && request->reason[strspn(request->reason, " \t\r\n")] == '\0')
		lf_check_fail(checker, "reason", "is required");
	lf_check_text(checker, "reason", request->reason, LF_TEXT_BYTES_MAX);
	if (request->result > RESULT_MAX)
		lf_check_fail(checker, "result", "%" PRIu32 " is outside 1..%d", request->result, RESULT_MAX);
}

/* What it says about the decision. Where the recommended person was erased, what stands in their place is compared. */
static void check_against_decision(
	const struct record *record, const struct lf_stored *stored, struct lf_checker *checker)
{
	const Leadfit__V1__RecordOutcomeRequest *request = record->request;
	const bool known = *stored->recommended != '\0' && *request->lead != '\0';
	const bool same = strcmp(stored->recommended, request->lead) == 0;

	if (known && same && request->disposition == LEADFIT__V1__DISPOSITION__OVERRIDDEN)
		lf_check_fail(checker, "lead", "\"%s\" is who was recommended: that is ACCEPTED", request->lead);
	if (known && !same && request->disposition == LEADFIT__V1__DISPOSITION__ACCEPTED)
		lf_check_fail(checker, "lead", "\"%s\" is not \"%s\", who was recommended: that is OVERRIDDEN",
			request->lead, stored->recommended);
}

/* Checks everything, and fills the body from the request. */
static enum lf_code read_request(struct record *record, struct lf_error *error)
{
	const Leadfit__V1__RecordOutcomeRequest *request = record->request;
	struct lf_error violations = LF_ERROR_INIT;
	struct lf_checker checker = {.error = &violations};
	struct lf_stored *stored = NULL;

	check_request(record, &checker);
	if (lf_uuid_parse(request->decision_id, &record->id) &&
		lf_log_get(record->log, &record->id, &stored, error) == LF_OK)
		check_against_decision(record, stored, &checker);
	if (checker.found > 0) {
		lf_error_summarize(&violations);
		lf_error_move(error, &violations);
	} else if (stored != NULL && stored->purpose == LEADFIT__V1__PURPOSE__WHAT_IF) {
		lf_error_set(error, LF_FAILED_PRECONDITION,
			"%s was asked as WHAT_IF: nothing was decided, so nothing came of it", request->decision_id);
	}
	leadfit__v1__outcome_body__init(&record->body);
	if (error->code == LF_OK && !record->adds_result) {
		const bool accepted = request->disposition == LEADFIT__V1__DISPOSITION__ACCEPTED;
		const char *lead = accepted && *request->lead == '\0' ? stored->recommended : request->lead;

		record->body.disposition = request->disposition;
		record->body.lead = lf_arena_strdup(record->arena, lead, strlen(lead));
		record->body.overridden_by = request->overridden_by;
		record->body.reason = request->reason;
		if (record->body.lead == NULL)
			no_room(error);
	}
	record->body.result = request->result;
	free(stored);
	return error->code;
}

/* Before anything is read that is appended. */
static enum lf_code see(struct record *record, struct lf_error *error)
{
	struct lf_tree_head head;

	if (lf_log_head(record->log, &head, error) == LF_OK)
		record->seen_size = head.size;
	return error->code;
}

static enum lf_code append(struct record *record, struct lf_error *error)
{
	struct lf_bytes bytes;

	bytes.data = lf_wire_canonical_bytes(&record->body.base, record->arena, &bytes.length);
	if (bytes.data == NULL)
		return no_room(error);
	record->act = (struct lf_act_put){.kind = LF_LEAF_OUTCOME,
		.caller = lf_rpc_caller(record->call),
		.decision = &record->id,
		.body = bytes,
		.seen_size = record->seen_size};
	lf_log_put_act(record->log, &record->act, error);
	record->overtaken = error->code == LF_ABORTED;
	return error->code;
}

/* Looks for the last act before a given one: first where it is, then what it says. */
struct search {
	uint64_t before; /* the act that ends the search; UINT64_MAX: none does */
	uint64_t last, last_but_one;
	struct lf_arena *arena;
	Leadfit__V1__OutcomeBody *body;
	struct lf_error *error;
};

static void note_place(void *context, const struct lf_act_row *row)
{
	struct search *search = context;

	if (row->id >= search->before)
		return;
	search->last_but_one = search->last;
	search->last = row->id;
}

static void note_body(void *context, const struct lf_act_row *row)
{
	struct search *search = context;

	search->body = body_read(row, search->arena, search->error);
}

/* The last outcome after `after` and before `before`; *id 0 where there is none. */
static enum lf_code find_last(struct record *record, uint64_t after, uint64_t before, uint64_t *id,
	Leadfit__V1__OutcomeBody **body, struct lf_error *error)
{
	struct search search = {
		.before = before, .last = after, .last_but_one = after, .arena = record->arena, .error = error};
	uint64_t next = after;

	*id = 0;
	do {
		if (lf_log_list_acts(record->log, LF_LEAF_OUTCOME, &record->id, next, LF_PAGE_MAX, note_place, &search,
			    &next, error) != LF_OK)
			return error->code;
		/* Once something was appended, the rest is seen through. */
		if (before == UINT64_MAX && !lf_is_awaited(record->call))
			return lf_error_set(error, LF_CANCELLED, "nobody waits for it any more");
	} while (next != 0 && next < before);
	if (search.last == after)
		return LF_OK;
	*id = search.last;
	if (lf_log_list_acts(record->log, LF_LEAF_OUTCOME, &record->id, search.last_but_one, 1, note_body, &search,
		    &next, error) == LF_OK)
		*body = search.body;
	lf_log_note_damage(record->log, error);
	return error->code;
}

/*
 * Repeats what was recorded before, with the result. Somebody may record another outcome between the reading and the
 * append; what was repeated is out of date then, and would hold: so it is appended again.
 */
static enum lf_code append_result(struct record *record, struct lf_error *error)
{
	uint64_t base = 0, between = 0;
	Leadfit__V1__OutcomeBody *before = NULL;

	if (find_last(record, 0, UINT64_MAX, &base, &before, error) != LF_OK)
		return error->code;
	if (base == 0)
		return lf_error_add(error, "disposition",
			"is required: nothing was recorded before that the result could be added to");
	for (int attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
		record->body = *before;
		record->body.result = record->request->result;
		if (append(record, error) != LF_OK || see(record, error) != LF_OK ||
			find_last(record, base, record->act.id, &between, &before, error) != LF_OK || between == 0)
			return error->code;
		base = record->act.id;
	}
	return lf_error_set(error, LF_ABORTED, "others keep recording outcomes of this decision at the same time");
}

/* From the beginning, until nothing is erased or pruned between the reading and the append. */
static enum lf_code read_and_append(struct record *record, struct lf_error *error)
{
	for (int attempt = 1;; attempt++) {
		record->overtaken = false;
		if (see(record, error) == LF_OK && read_request(record, error) == LF_OK)
			record->adds_result ? append_result(record, error) : append(record, error);
		if (!record->overtaken || attempt == ATTEMPTS_MAX)
			return error->code;
		lf_error_clean_up(error);
		lf_error_init(error);
	}
}

void lf_decisions_record_outcome(Leadfit__V1__Decisions_Service *service,
	const Leadfit__V1__RecordOutcomeRequest *request, Leadfit__V1__Outcomes_Closure closure, void *closure_data)
{
	struct lf_state *state = LF_CONTAINER_OF(service, struct lf_decisions_service, base)->state;
	struct record record = {
		.request = request, .log = state->log, .call = closure_data, .arena = lf_rpc_arena(closure_data)};
	Leadfit__V1__Outcomes response = LEADFIT__V1__OUTCOMES__INIT;
	Leadfit__V1__RecordedOutcome *recorded;
	struct lf_error error = LF_ERROR_INIT;

	if (read_and_append(&record, &error) != LF_OK) {
		lf_send_error(closure_data, &error);
		return;
	}
	lf_count(&state->figures.outcomes_recorded);
	recorded = recorded_new(&(struct lf_act_row){.id = record.act.id,
					.at_us = record.act.at_us,
					.caller = record.act.caller,
					.has_decision = true,
					.decision = record.id},
		&record.body, record.arena);
	if (recorded == NULL) {
		lf_send_no_memory(closure_data);
		return;
	}
	response.outcomes = &recorded;
	response.n_outcomes = 1;
	closure(&response, closure_data);
}

/* ---- list ---- */

struct page {
	Leadfit__V1__Outcomes response;
	struct lf_arena *arena;
	struct lf_error *error;
	size_t limit; /* there is room for as many */
	size_t bytes; /* of what is in it, packed */
	bool full;    /* what comes next does not fit */
};

static void take(void *context, const struct lf_act_row *row)
{
	enum { FRAME_BYTES = 16 }; /* tag and length */
	struct page *page = context;
	Leadfit__V1__OutcomeBody *body;
	Leadfit__V1__RecordedOutcome *message;
	size_t bytes;

	if (page->full || page->error->code != LF_OK)
		return;
	body = body_read(row, page->arena, page->error);
	message = body == NULL ? NULL : recorded_new(row, body, page->arena);
	if (message == NULL) {
		if (body != NULL)
			no_room(page->error);
		return;
	}
	bytes = protobuf_c_message_get_packed_size(&message->base) + FRAME_BYTES;
	page->full = page->bytes + bytes > LF_MESSAGE_BYTES_MAX / 2;
	if (page->full)
		return;
	LF_CHECK(H10, page->response.n_outcomes < page->limit);
	page->bytes += bytes;
	page->response.outcomes[page->response.n_outcomes++] = message;
}

/* Fills the page; it ends early where a message would overflow. */
static enum lf_code fill(
	struct page *page, struct lf_log *log, const struct lf_uuid *decision, uint64_t after, size_t limit)
{
	uint64_t next = 0;

	page->limit = limit;
	page->response.outcomes = lf_arena_zalloc(page->arena, limit, sizeof(*page->response.outcomes));
	if (page->response.outcomes == NULL)
		return no_room(page->error);
	lf_log_list_acts(log, LF_LEAF_OUTCOME, decision, after, limit, take, page, &next, page->error);
	lf_log_note_damage(log, page->error);
	page->response.next = page->full ? page->response.outcomes[page->response.n_outcomes - 1]->id : next;
	return page->error->code;
}

void lf_decisions_list_outcomes(Leadfit__V1__Decisions_Service *service,
	const Leadfit__V1__ListOutcomesRequest *request, Leadfit__V1__Outcomes_Closure closure, void *closure_data)
{
	struct lf_state *state = LF_CONTAINER_OF(service, struct lf_decisions_service, base)->state;
	struct lf_error error = LF_ERROR_INIT;
	struct lf_checker checker = {.error = &error};
	struct page page = {LEADFIT__V1__OUTCOMES__INIT, lf_rpc_arena(closure_data), &error, 0, 0, false};
	const bool one = *request->decision_id != '\0';
	struct lf_stored *stored = NULL;
	struct lf_uuid id;

	if (one && !lf_uuid_parse(request->decision_id, &id))
		lf_check_fail(&checker, "decision_id", "\"%.64s\" is not a UUID", request->decision_id);
	if (request->page_size > LF_PAGE_MAX)
		lf_check_fail(&checker, "page_size", "%" PRIu32 " is outside 0..%d", request->page_size, LF_PAGE_MAX);
	if (checker.found > 0)
		lf_error_summarize(&error);
	else if (!one || lf_log_get(state->log, &id, &stored, &error) == LF_OK)
		fill(&page, state->log, one ? &id : NULL, request->after,
			request->page_size == 0 ? LF_PAGE_MAX : request->page_size);
	free(stored);
	if (error.code == LF_OK)
		closure(&page.response, closure_data);
	else
		lf_send_error(closure_data, &error);
}
