/*
 * Who looked, a page a call. A record tells of one call, or of the calls of a minute, which become an entry each.
 *
 * Records are in the order in which they were written, which is that of their calls but for one thing: counted calls are
 * written when their minute is over. So a list begins at the first record that was written at or after since, and ends with
 * the first minute that began at or after until.
 */
#include <inttypes.h>
#include <string.h>

#include "leadfit/v1/record.pb-c.h"
#include "proto/base/check.h"
#include "proto/base/clock.h"
#include "proto/base/limits.h"
#include "proto/wire/borrow.h"
#include "proto/wire/wire.h"
#include "service/access/counts.h"
#include "service/audit/audit.h"
#include "service/decide/time.h"
#include "service/rubric/checker.h"
#include "service/state/reply.h"
#include "service/state/state.h"

enum { RECORDS_A_SLICE = 64, PAGE_MS_MAX = 200, ENTRIES_A_RECORD_MAX = LF_ACCESS_ROWS_MAX + 1 };

struct page {
	const Leadfit__V1__ListAccessRequest *request;
	Leadfit__V1__ListAccessResponse response;
	struct lf_arena *arena; /* the call's */
	size_t size;            /* entries that end it */
	int64_t since_us, until_us;
	bool at_end;      /* what follows is later than until */
	uint64_t full_at; /* record that did not fit any more; 0: none */
	uint64_t last;    /* record that was looked at */
	struct lf_error error;
};

/* ---- entries ---- */

static bool is_wanted(const struct page *page, const Leadfit__V1__Access *entry, int64_t at_us)
{
	const Leadfit__V1__ListAccessRequest *wanted = page->request;
	const bool anybodys = *entry->method == '\0';

	return at_us >= page->since_us && at_us < page->until_us &&
		(wanted->kind == LEADFIT__V1__ACCESS_KIND__ACCESS_KIND_UNSPECIFIED || entry->kind == wanted->kind ||
			entry->kind == LEADFIT__V1__ACCESS_KIND__ACCESS_KIND_UNSPECIFIED) &&
		(*wanted->caller == '\0' || anybodys || strcmp(wanted->caller, entry->caller) == 0) &&
		(*wanted->method == '\0' || anybodys || strcmp(wanted->method, entry->method) == 0);
}

/* Adds a copy of the entry, where it is wanted, at this time. */
static void add(struct page *page, const Leadfit__V1__Access *entry, int64_t at_us)
{
	Leadfit__V1__Access *copy;

	if (page->error.code != LF_OK || !is_wanted(page, entry, at_us))
		return;
	copy = lf_arena_alloc(page->arena, sizeof(*copy));
	if (copy != NULL) {
		*copy = *entry;
		copy->at = lf_timestamp_new(at_us, page->arena);
	}
	LF_CHECK(H10, page->response.n_entries < page->size + ENTRIES_A_RECORD_MAX);
	if (copy != NULL && copy->at != NULL)
		page->response.entries[page->response.n_entries++] = copy;
	else
		lf_error_set(&page->error, LF_RESOURCE_EXHAUSTED,
			"the page needs more memory than its budget: ask for fewer");
}

static void add_call(struct page *page, Leadfit__V1__Access *entry, const Leadfit__V1__AccessCall *call, int64_t at_us)
{
	entry->kind = LEADFIT__V1__ACCESS_KIND__RECORDED;
	entry->caller = call->caller;
	entry->method = call->method;
	entry->code = lf_unconst(lf_code_name(LF_OK));
	entry->calls = 1;
	entry->team = call->team;
	entry->project = call->project;
	entry->one_person = call->one_person;
	entry->decisions = call->decisions;
	entry->first_sequence = call->first_sequence;
	entry->last_sequence = call->last_sequence;
	entry->file = call->file;
	add(page, entry, at_us);
}

static void add_counts(struct page *page, Leadfit__V1__Access *entry, const Leadfit__V1__AccessBody *body)
{
	entry->kind = LEADFIT__V1__ACCESS_KIND__COUNTED;
	entry->until = lf_timestamp_new(body->until_us, page->arena);
	if (entry->until == NULL)
		lf_error_set(&page->error, LF_RESOURCE_EXHAUSTED, "no memory to list who looked");
	for (size_t i = 0; i < body->n_counts; i++) {
		const Leadfit__V1__AccessCount *count = body->counts[i];

		entry->caller = count->caller;
		entry->method = count->method;
		entry->code = lf_unconst(lf_code_name(lf_code_from_number(count->code)));
		entry->calls = count->calls;
		add(page, entry, body->from_us);
	}
	if (body->others == 0)
		return;
	entry->caller = entry->method = entry->code = lf_unconst("");
	entry->calls = body->others;
	add(page, entry, body->from_us);
}

/* ---- records ---- */

static void take_record(void *context, const struct lf_act_row *row)
{
	struct page *page = context;
	Leadfit__V1__Access entry = LEADFIT__V1__ACCESS__INIT;
	const Leadfit__V1__AccessBody *body;

	page->last = row->id;
	if (page->error.code != LF_OK || page->at_end || page->full_at != 0)
		return;
	if (page->response.n_entries >= page->size) {
		page->full_at = row->id;
		return;
	}
	body = (const Leadfit__V1__AccessBody *)lf_wire_unpack(
		&leadfit__v1__access_body__descriptor, row->body.data, row->body.length, page->arena, &page->error);
	if (body == NULL && page->error.code == LF_RESOURCE_EXHAUSTED)
		return;
	if (body == NULL || body->n_counts > LF_ACCESS_ROWS_MAX) {
		lf_error_set(&page->error, LF_DATA_LOSS, "record %" PRIu64 " of who looked can't be read", row->id);
		return;
	}
	entry.record = row->id;
	entry.position = row->position;
	if (body->call != NULL) {
		add_call(page, &entry, body->call, row->at_us);
	} else if (body->pruned) {
		add(page, &entry, row->at_us);
	} else {
		page->at_end = body->from_us >= page->until_us;
		add_counts(page, &entry, body);
	}
}

/* Time of the first record after an id; INT64_MAX: there is none. */
static void take_time(void *context, const struct lf_act_row *row)
{
	*(int64_t *)context = row->at_us;
}

static enum lf_code time_after(struct lf_log *log, uint64_t id, int64_t *at_us, struct lf_error *error)
{
	uint64_t next;

	*at_us = INT64_MAX;
	return lf_log_list_acts(log, LF_LEAF_ACCESS, NULL, id, 1, take_time, at_us, &next, error);
}

/* The first record that was written at or after an instant is the first one after this id. */
static enum lf_code find_since(struct lf_log *log, int64_t since_us, uint64_t *after, struct lf_error *error)
{
	uint64_t low = 0, high = 0;
	int64_t at_us;

	*after = 0;
	do { /* until nothing after high is too early */
		low = high;
		high = 2 * high + 1;
		if (time_after(log, high, &at_us, error) != LF_OK)
			return error->code;
	} while (at_us < since_us);
	while (low < high) {
		const uint64_t middle = low + (high - low) / 2;

		if (time_after(log, middle, &at_us, error) != LF_OK)
			return error->code;
		if (at_us < since_us)
			low = middle + 1;
		else
			high = middle;
	}
	*after = low;
	return LF_OK;
}

/* ---- the page ---- */

static void check_request(struct page *page, struct lf_checker *checker)
{
	const Leadfit__V1__ListAccessRequest *request = page->request;

	lf_check_text(checker, "caller", request->caller, LF_ID_BYTES_MAX);
	lf_check_text(checker, "method", request->method, LF_ACCESS_METHOD_BYTES - 1);
	if ((int)request->kind < 0 || request->kind > LEADFIT__V1__ACCESS_KIND__COUNTED)
		lf_check_fail(checker, "kind", "%d is not known", (int)request->kind);
	if (request->page_size > LF_PAGE_MAX)
		lf_check_fail(checker, "page_size", "%" PRIu32 " is outside 0..%d", request->page_size, LF_PAGE_MAX);
	if (request->since != NULL && !lf_timestamp_read(request->since, &page->since_us))
		lf_check_fail(checker, "since", "is outside the years 1..9999");
	if (request->until != NULL && !lf_timestamp_read(request->until, &page->until_us))
		lf_check_fail(checker, "until", "is outside the years 1..9999");
	page->size = request->page_size == 0 ? LF_PAGE_MAX : request->page_size;
}

static enum lf_code read_page(struct page *page, struct lf_log *log, struct lf_error *error)
{
	const uint64_t start_ms = lf_clock_ms();
	uint64_t after = page->request->from_record, next;

	if (after > 0)
		after--;
	else if (page->since_us != INT64_MIN && find_since(log, page->since_us, &after, error) != LF_OK)
		return error->code;
	do {
		if (lf_log_list_acts(log, LF_LEAF_ACCESS, NULL, after, RECORDS_A_SLICE, take_record, page, &next,
			    error) != LF_OK)
			return error->code;
		after = next;
	} while (next != 0 && page->error.code == LF_OK && !page->at_end && page->full_at == 0 &&
		lf_clock_ms() - start_ms < PAGE_MS_MAX);
	lf_log_note_damage(log, &page->error);
	if (page->error.code != LF_OK) {
		lf_error_move(error, &page->error);
		return error->code;
	}
	page->response.next = page->at_end ? 0 : page->full_at != 0 ? page->full_at : next == 0 ? 0 : next + 1;
	return LF_OK;
}

void lf_audit_list_access(Leadfit__V1__Audit_Service *service, const Leadfit__V1__ListAccessRequest *request,
	Leadfit__V1__ListAccessResponse_Closure closure, void *closure_data)
{
	struct lf_state *state = LF_CONTAINER_OF(service, struct lf_audit_service, base)->state;
	struct lf_error error = LF_ERROR_INIT;
	struct lf_checker checker = {.error = &error};
	struct page page = {.request = request,
		.response = LEADFIT__V1__LIST_ACCESS_RESPONSE__INIT,
		.arena = lf_rpc_arena(closure_data),
		.since_us = INT64_MIN,
		.until_us = INT64_MAX};

	check_request(&page, &checker);
	if (checker.found > 0) {
		lf_error_summarize(&error);
	} else {
		page.response.entries =
			lf_arena_zalloc(page.arena, page.size + ENTRIES_A_RECORD_MAX, sizeof(Leadfit__V1__Access *));
		if (page.response.entries == NULL)
			lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "no memory to list who looked");
		else
			read_page(&page, state->log, &error);
	}
	if (error.code != LF_OK)
		lf_send_error(closure_data, &error);
	else
		closure(&page.response, closure_data);
}
