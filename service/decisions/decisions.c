/* Reading the decision log. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/check.h"
#include "proto/base/limits.h"
#include "service/decide/decision.h"
#include "service/decide/time.h"
#include "service/decisions/decisions.h"
#include "service/decide/text_list.h"
#include "service/state/reply.h"
#include "service/state/state.h"

static void lf_decisions_get(Leadfit__V1__Decisions_Service *service, const Leadfit__V1__GetDecisionRequest *request,
	Leadfit__V1__Decision_Closure closure, void *closure_data)
{
	struct lf_state *state = LF_CONTAINER_OF(service, struct lf_decisions_service, base)->state;
	struct lf_error error = LF_ERROR_INIT;
	struct lf_uuid id;

	(void)closure; /* lf_answer_stored() stages what it restores */
	if (lf_uuid_parse(request->decision_id, &id)) {
		lf_answer_stored(state, &id, closure_data);
		return;
	}
	lf_error_add(&error, "decision_id", "\"%.64s\" is not a UUID", request->decision_id);
	lf_send_error(closure_data, &error);
}

/* ---- list ---- */

struct page {
	Leadfit__V1__ListDecisionsResponse response;
	size_t limit; /* there is room for as many */
	struct lf_arena *arena;
	bool exhausted;
};

static char *copy(struct page *page, const char *text)
{
	char *copied = lf_arena_strdup(page->arena, text, strlen(text));

	page->exhausted |= copied == NULL;
	return copied;
}

static void visit(void *context, const struct lf_stored *row)
{
	struct page *page = context;
	Leadfit__V1__DecisionSummary *summary = lf_arena_alloc(page->arena, sizeof(*summary));
	Leadfit__V1__RubricRef *rubric = lf_arena_alloc(page->arena, sizeof(*rubric));
	char id[LF_UUID_TEXT_BYTES], digest[65];

	if (summary == NULL || rubric == NULL) {
		page->exhausted = true;
		return;
	}
	leadfit__v1__decision_summary__init(summary);
	leadfit__v1__rubric_ref__init(rubric);
	lf_uuid_print(&row->id, id);
	lf_digest_print(&row->rubric_digest, digest);
	summary->decision_id = copy(page, id);
	summary->decided_at = lf_timestamp_new(row->decided_at_us, page->arena);
	summary->team = copy(page, row->team_id);
	summary->project = copy(page, row->project_id);
	summary->rubric = rubric;
	rubric->name = copy(page, row->rubric_name);
	rubric->digest = copy(page, digest);
	summary->outcome = (Leadfit__V1__Outcome)row->outcome;
	summary->recommended = copy(page, row->recommended);
	summary->caller = copy(page, row->caller);
	summary->purpose = (Leadfit__V1__Purpose)row->purpose;
	page->exhausted |= summary->decided_at == NULL;
	LF_CHECK(H10, page->response.n_decisions < page->limit);
	page->response.decisions[page->response.n_decisions++] = summary;
}

/* A page token: the sequence to go on before, and a mark of the filter that it belongs to. */
static uint64_t filter_mark(const Leadfit__V1__ListDecisionsRequest *request, const struct lf_filter *filter)
{
	struct lf_digest digest;
	uint64_t mark;
	char text[1024];
	int length = snprintf(text, sizeof(text), "%.200s%c%.200s%c%.200s%c%.200s%c%" PRIu32 ",%" PRId64 ",%" PRId64,
		request->team, 0, request->project, 0, request->candidate, 0, request->rubric, 0, filter->outcome,
		filter->since_us, filter->until_us);

	lf_sha256(text, (size_t)length, &digest);
	memcpy(&mark, digest.bytes, sizeof(mark));
	return mark;
}

static void check_list(const Leadfit__V1__ListDecisionsRequest *request, struct lf_filter *filter, uint64_t *mark,
	struct lf_checker *checker)
{
	uint64_t token_mark;

	*filter = (struct lf_filter){
		.team_id = request->team,
		.project_id = request->project,
		.candidate = request->candidate,
		.rubric_name = request->rubric,
		.outcome = request->outcome,
		.since_us = INT64_MIN,
		.until_us = INT64_MAX,
		.limit = request->page_size == 0 ? 50 : request->page_size,
	};
	lf_check_text(checker, "team", request->team, LF_ID_BYTES_MAX);
	lf_check_text(checker, "project", request->project, LF_ID_BYTES_MAX);
	lf_check_text(checker, "candidate", request->candidate, LF_ID_BYTES_MAX);
	lf_check_text(checker, "rubric", request->rubric, LF_ID_BYTES_MAX);
	if (request->page_size > LF_PAGE_MAX)
		lf_check_fail(checker, "page_size", "%" PRIu32 " is outside 0..%d", request->page_size, LF_PAGE_MAX);
	if ((int)request->outcome < 0 || request->outcome > LEADFIT__V1__OUTCOME__NO_ELIGIBLE_CANDIDATE)
		lf_check_fail(checker, "outcome", "%d is not known", (int)request->outcome);
	if (request->since != NULL && !lf_timestamp_read(request->since, &filter->since_us))
		lf_check_fail(checker, "since", "is outside the years 1..9999");
	if (request->until != NULL && !lf_timestamp_read(request->until, &filter->until_us))
		lf_check_fail(checker, "until", "is outside the years 1..9999");
	*mark = filter_mark(request, filter);
	if (*request->page_token == '\0')
		return;
	if (strspn(request->page_token, "0123456789abcdef-") != 33 || request->page_token[33] != '\0' ||
		sscanf(request->page_token, "%16" SCNx64 "-%16" SCNx64, &filter->before_sequence, &token_mark) != 2 ||
		filter->before_sequence == 0)
		lf_check_fail(checker, "page_token", "is not one of this service");
	else if (token_mark != *mark)
		lf_check_fail(checker, "page_token", "belongs to a list with other filters");
}

static void lf_decisions_list(Leadfit__V1__Decisions_Service *service, const Leadfit__V1__ListDecisionsRequest *request,
	Leadfit__V1__ListDecisionsResponse_Closure closure, void *closure_data)
{
	struct lf_state *state = LF_CONTAINER_OF(service, struct lf_decisions_service, base)->state;
	struct lf_error error = LF_ERROR_INIT;
	struct lf_checker checker = {.error = &error};
	struct page page = {LEADFIT__V1__LIST_DECISIONS_RESPONSE__INIT, 0, lf_rpc_arena(closure_data), false};
	char token[48] = "";
	struct lf_filter filter;
	uint64_t mark, next;

	check_list(request, &filter, &mark, &checker);
	if (checker.found > 0) {
		lf_error_summarize(&error);
		goto fail;
	}
	page.limit = filter.limit;
	page.response.decisions = lf_arena_zalloc(page.arena, filter.limit, sizeof(*page.response.decisions));
	if (page.response.decisions == NULL)
		goto no_memory;
	if (lf_log_list(state->log, &filter, visit, &page, &next, &error) != LF_OK)
		goto fail;
	if (page.exhausted)
		goto no_memory;
	if (next != 0)
		snprintf(token, sizeof(token), "%016" PRIx64 "-%016" PRIx64, next, mark);
	page.response.next_page_token = token;
	closure(&page.response, closure_data);
	return;
no_memory:
	lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "the page needs more memory than its budget: ask for fewer");
fail:
	lf_send_error(closure_data, &error);
}

void lf_decisions_init(struct lf_decisions_service *service, struct lf_state *state)
{
	service->base = (Leadfit__V1__Decisions_Service)LEADFIT__V1__DECISIONS__INIT(lf_decisions_);
	service->state = state;
}
