/*
 * Many cases in one message.
 *
 * A worker scores them one after another, each in the memory that the one before used, and gives all records to the log
 * at once, so that they share a commit. Every few items it lets others have the worker, so that a stream of batches
 * does not hold up single requests. A team that several items share is packed, digested and converted once, or not at
 * all where it was sent before: a struct lf_team, the cache's or the batch's own. The log's writer completes them one
 * by one; the last one hands the batch to the finisher, which makes the reply.
 *
 * Ownership: the batch lives in the call's arena. Until the records are queued it is the worker's. From then on each
 * item is its completion's until that has counted itself, and everything is the finisher's after the last: `waiting`
 * counts them, and the worker's own share is one, so that the last completion can't come while the worker still looks
 * at the batch.
 */
#include "service/scoring/score_batch.h"

#include <stdio.h>
#include <string.h>

#include "proto/base/check.h"
#include "proto/base/clock.h"
#include "proto/base/limits.h"
#include "proto/base/trace.h"
#include "service/scoring/batch_result.h"
#include "service/scoring/scoring.h"
#include "service/decide/record.h"
#include "service/state/finisher.h"
#include "service/state/registry.h"
#include "service/state/reply.h"
#include "service/state/state.h"
#include "service/decide/summary.h"
#include "service/scoring/item_state.h"
#include "service/scoring/request.h"
#include "service/state/stored_decision.h"

enum { SLICE_ITEMS = 8, SLICE_DECISIONS = 4 }; /* some 0.1 ms, of summaries and of whole decisions */

struct batch;

struct item {
	struct lf_append append;
	struct batch *batch;
	struct lf_batch_result *result;
	enum lf_item_state state;
	/* How the log failed it; its message. LF_OK: it did not. */
	enum lf_code code;
	char message[256];
};

struct batch {
	struct lf_rpc_call *call;
	struct lf_state *state;
	const Leadfit__V1__ScoreBatchRequest *request;
	struct lf_arena *arena;  /* the call's */
	struct lf_arena scratch; /* of one item after another: all that its bytes are made from */
	struct lf_rubric_version *version;
	struct lf_team **teams;      /* by index: the cache's or the batch's own */
	struct lf_content *projects; /* by index */
	size_t prepared;             /* items, so far */
	bool repeated;               /* some had a key that was known */
	int64_t as_of_us;
	struct item *items;
	struct lf_batch_result *results; /* by item */
	enum lf_batch_field field;       /* what a result is */
	atomic_size_t waiting;
	struct lf_finish finish;
};

/* ---- the end ---- */

static const char no_memory[] = "the batch needs more memory than its budget: send fewer items";

/* The item's result is an error, which is cleaned up. */
static void fail(struct item *item, struct lf_error *error)
{
	lf_batch_result_fail(item->result, error, item->batch->arena);
	lf_item_move(&item->state, LF_ITEM_SETTLED);
}

/* The result of an item whose decision was stored before. Blocks on a read. */
static void answer_stored(struct item *item, const struct lf_uuid *id)
{
	struct batch *batch = item->batch;
	struct lf_error error = LF_ERROR_INIT;
	struct lf_stored_decision stored;

	if (lf_stored_decision_read(&stored, batch->state->log, batch->state->registry, id, &batch->scratch, &error) ==
		LF_OK) {
		const ProtobufCMessage *message = batch->request->full
			? &stored.decision->base
			: (const ProtobufCMessage *)lf_summary_of(stored.decision, &batch->scratch);

		if (message == NULL ||
			!lf_batch_result_pack(item->result, batch->field, message, &batch->scratch, batch->arena))
			lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "%s", no_memory);
	}
	if (error.code != LF_OK)
		fail(item, &error);
	else
		lf_item_move(&item->state, LF_ITEM_SETTLED);
	lf_stored_decision_clean_up(&stored);
}

/* What the log said of a queued item becomes its result. */
static void conclude(struct item *item)
{
	struct lf_error error = LF_ERROR_INIT;

	if (item->code != LF_OK) {
		lf_error_set(&error, item->code, "%s", item->message);
		fail(item, &error);
		return;
	}
	switch (lf_request_completed(item->batch->state, &item->append, &error)) {
	case LF_COMPLETED_NEW:
		lf_batch_result_identify(item->result, &item->append.id, item->append.decided_at_us);
		lf_item_move(&item->state, LF_ITEM_SETTLED);
		break;
	case LF_COMPLETED_REPEATED:
		answer_stored(item, &item->append.id);
		lf_arena_reset(&item->batch->scratch);
		break;
	case LF_COMPLETED_TOO_LATE:
		fail(item, &error);
		break;
	}
}

static void send(struct batch *batch)
{
	struct lf_rpc_call *call = batch->call;
	struct lf_error error = LF_ERROR_INIT;
	const bool staged = lf_batch_results_stage(call, batch->results, batch->request->n_items);

	lf_arena_clean_up(&batch->scratch);
	lf_rubric_version_release(batch->version);
	if (staged) {
		lf_rpc_send(call);
		return;
	}
	lf_error_set(&error, LF_RESOURCE_EXHAUSTED,
		"the decisions are stored, but the answer does not fit a message of %d bytes, or memory ran out: send "
		"fewer items, ask for "
		"summaries, or repeat with the same keys",
		LF_MESSAGE_BYTES_MAX);
	lf_send_error(call, &error);
}

/* On the finisher's thread. */
static void finish(struct lf_finish *finish)
{
	struct batch *batch = LF_CONTAINER_OF(finish, struct batch, finish);

	LF_CHECK(D12, atomic_load(&batch->waiting) == 0);
	for (size_t i = 0; i < batch->request->n_items; i++) {
		if (batch->items[i].state == LF_ITEM_COMPLETED)
			conclude(&batch->items[i]);
		LF_CHECK(D11, batch->items[i].state == LF_ITEM_SETTLED);
	}
	send(batch);
}

static void count_down(struct batch *batch)
{
	const size_t before = atomic_fetch_sub(&batch->waiting, 1);

	LF_CHECK(D12, before > 0 && before <= LF_BATCH_MAX + 1);
	if (before == 1)
		lf_finisher_push(batch->state->finisher, &batch->finish);
}

/* On the log's writer thread, or inside lf_log_append_all(). */
static void committed(struct lf_append *append, const struct lf_error *error)
{
	struct item *item = append->context;

	lf_item_move(&item->state, LF_ITEM_COMPLETED);
	item->code = error->code;
	if (error->code != LF_OK)
		snprintf(item->message, sizeof(item->message), "%.*s", (int)sizeof(item->message) - 1, error->message);
	count_down(item->batch);
}

/* ---- one item ---- */

/* An item as the Score request that it stands for. */
static Leadfit__V1__ScoreRequest request_of(
	const Leadfit__V1__ScoreBatchRequest *batch, const Leadfit__V1__BatchItem *item)
{
	Leadfit__V1__ScoreRequest request = LEADFIT__V1__SCORE_REQUEST__INIT;

	request.team = batch->teams[item->team];
	request.project = batch->projects[item->project];
	request.rubric = batch->rubric;
	request.candidates = item->candidates;
	request.n_candidates = item->n_candidates;
	request.as_of = batch->as_of;
	request.purpose = batch->purpose;
	request.detail = batch->detail;
	request.ignore_undeclared = batch->ignore_undeclared;
	request.idempotency_key = item->idempotency_key;
	request.rank_table = batch->rank_table;
	return request;
}

/* Moves what the record points to out of the scratch. Ids are the request's. */
static bool keep_record(struct lf_append *append, struct lf_arena *arena)
{
	const size_t list_bytes = append->candidate_count * sizeof(*append->candidates);
	uint8_t *answer = lf_arena_alloc(arena, append->answer.length);
	const char **candidates = lf_arena_alloc(arena, list_bytes);

	if (answer == NULL || candidates == NULL)
		return false;
	memcpy(answer, append->answer.data, append->answer.length);
	if (list_bytes > 0)
		memcpy(candidates, append->candidates, list_bytes);
	append->answer.data = answer;
	append->candidates = candidates;
	return true;
}

/* The item's result, but for id and time. */
static bool pack_answer(struct item *item, const struct lf_step *step)
{
	struct batch *batch = item->batch;
	struct lf_arena *scratch = &batch->scratch;
	const ProtobufCMessage *message = batch->request->full
		? (const ProtobufCMessage *)lf_step_decision(step, scratch)
		: (const ProtobufCMessage *)lf_step_summary(step, scratch);

	return message != NULL && lf_batch_result_pack(item->result, batch->field, message, scratch, batch->arena);
}

/* Decides an item and completes its record. Returns error's code. */
static enum lf_code score(
	struct item *item, uint32_t team, const Leadfit__V1__ScoreRequest *request, struct lf_error *error)
{
	struct batch *batch = item->batch;
	struct lf_checker checker = {.error = error};
	struct lf_arena *scratch = &batch->scratch;
	struct lf_step *step = lf_arena_zalloc(scratch, 1, sizeof(*step));
	uint64_t begun_ns;

	if (*request->idempotency_key != '\0')
		lf_check_id(&checker, "idempotency_key", request->idempotency_key);
	if (step == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "%s", no_memory);
	lf_step_begin(step, batch->version, request, batch->teams[team], batch->as_of_us, item->append.caller);
	step->clock_us = lf_log_clock_apart(batch->state->log);
	step->trace_id = lf_rpc_trace(batch->call)->trace_id;
	begun_ns = lf_clock_ns();
	if (lf_step_decide(step, batch->request->full ? LF_DEPTH_WHOLE : LF_DEPTH_NUMBERS, &checker, scratch) != LF_OK)
		return lf_error_summarize(error);
	lf_figures_decided(&batch->state->figures, &step->evaluation.result, lf_clock_ns() - begun_ns);
	if (!lf_record_fill(&item->append, step, scratch) || !keep_record(&item->append, batch->arena) ||
		!pack_answer(item, step))
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "%s", no_memory);
	item->append.done = committed;
	item->append.context = item;
	return LF_OK;
}

/* Answers an item whose key is known. NOT_FOUND: it is not; else why it can't be answered at all. */
static enum lf_code answer_repeated(struct item *item, struct lf_error *error)
{
	struct batch *batch = item->batch;
	struct lf_uuid id;
	enum lf_code code = lf_request_find_key(batch->state, &item->append, &id, error);

	if (code == LF_OK)
		answer_stored(item, &id);
	batch->repeated |= code != LF_NOT_FOUND;
	return code;
}

/*
 * Whether an item that can't be scored was, once: it is answered then, and error cleaned up. Else error is what is to
 * be told.
 */
static bool was_answered(struct item *item, struct lf_error *error)
{
	struct lf_error known = LF_ERROR_INIT;
	const enum lf_code code = answer_repeated(item, &known);

	if (code != LF_NOT_FOUND)
		lf_error_move(error, &known);
	lf_error_clean_up(&known);
	return code == LF_OK;
}

/* Scores an item, finds its decision where its key is known, or fails it. */
static void prepare(struct batch *batch, size_t index)
{
	const Leadfit__V1__BatchItem *sent = batch->request->items[index];
	struct item *item = &batch->items[index];
	struct lf_error error = LF_ERROR_INIT;
	Leadfit__V1__ScoreRequest request;
	enum lf_code code = LF_NOT_FOUND;

	item->batch = batch;
	item->result = &batch->results[index];
	if (sent->team >= batch->request->n_teams)
		lf_error_add(&error, "team", "%u is not an index of teams, of which there are %zu", sent->team,
			batch->request->n_teams);
	if (sent->project >= batch->request->n_projects)
		lf_error_add(&error, "project", "%u is not an index of projects, of which there are %zu", sent->project,
			batch->request->n_projects);
	if (error.code != LF_OK)
		goto fail;
	request = request_of(batch->request, sent);
	if (!lf_record_begin(&item->append, &request, batch->teams[sent->team], &batch->projects[sent->project], 0,
		    lf_rpc_caller(batch->call), batch->arena)) {
		lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "%s", no_memory);
		goto fail;
	}
	/*
	 * A key costs a read, and most are new: the log's writer finds out in any case. So what spares scoring is tried
	 * where a batch seems to be repeated: for the first item, and once some key was known.
	 */
	if (index == 0 || batch->repeated)
		code = answer_repeated(item, &error);
	if (code == LF_NOT_FOUND && score(item, sent->team, &request, &error) == LF_OK) {
		lf_item_move(&item->state, LF_ITEM_SCORED);
		return;
	}
	if (code == LF_OK || (index != 0 && !batch->repeated && was_answered(item, &error)))
		return;
fail:
	lf_error_summarize(&error);
	fail(item, &error);
}

/* ---- the batch ---- */

static enum lf_code check(const Leadfit__V1__ScoreBatchRequest *request, int64_t *as_of_us, struct lf_error *error)
{
	struct lf_checker checker = {.error = error};
	Leadfit__V1__ScoreRequest common = LEADFIT__V1__SCORE_REQUEST__INIT;

	if (request->n_items < 1 || request->n_items > LF_BATCH_MAX)
		lf_check_fail(&checker, "items", "%zu is outside 1..%d", request->n_items, LF_BATCH_MAX);
	lf_check_count(&checker, "teams", request->n_teams, LF_BATCH_MAX);
	lf_check_count(&checker, "projects", request->n_projects, LF_BATCH_MAX);
	common.as_of = request->as_of;
	common.purpose = request->purpose;
	common.detail = request->detail;
	lf_record_check(&common, as_of_us, &checker);
	return checker.found > 0 ? lf_error_summarize(error) : LF_OK;
}

/* Queues what was scored. The worker's own share of `waiting` is given back last. */
static void queue(struct batch *batch)
{
	struct lf_append *appends[LF_BATCH_MAX];
	size_t count = 0;

	for (size_t i = 0; i < batch->request->n_items; i++) {
		if (batch->items[i].state != LF_ITEM_SCORED)
			continue;
		lf_item_move(&batch->items[i].state, LF_ITEM_QUEUED);
		appends[count++] = &batch->items[i].append;
	}
	atomic_init(&batch->waiting, count + 1);
	lf_log_append_all(batch->state->log, appends, count);
	count_down(batch);
}

/* What the batch holds beside the call's arena. */
static void release(void *context)
{
	struct batch *batch = context;

	lf_arena_clean_up(&batch->scratch);
	lf_rubric_version_release(batch->version);
}

/* On a worker: prepares items until all are, or until others wait for the worker. */
static void go_on(struct lf_rpc_call *call, void *context)
{
	struct batch *batch = context;
	struct lf_error error = LF_ERROR_INIT;
	const size_t count = batch->request->n_items, slice = batch->request->full ? SLICE_DECISIONS : SLICE_ITEMS;

	for (; batch->prepared < count && lf_is_awaited(call); lf_arena_reset(&batch->scratch)) {
		prepare(batch, batch->prepared++);
		if (batch->prepared % slice != 0 || batch->prepared == count)
			continue;
		lf_arena_reset(&batch->scratch); /* not while it waits */
		if (lf_rpc_yield(call, go_on, release, batch))
			return;
	}
	if (batch->prepared == count) {
		lf_arena_clean_up(&batch->scratch);
		queue(batch);
		return;
	}
	lf_error_set(&error, LF_DEADLINE_EXCEEDED,
		"%zu of %zu items were scored when the deadline passed; none is stored", batch->prepared, count);
	release(batch);
	lf_send_error(call, &error);
}

/* On a worker: reading keys may block. */
static void run(struct lf_rpc_call *call, void *context)
{
	struct batch *batch = context;
	struct lf_error error = LF_ERROR_INIT;

	/* One version for all of it, which is not looked at again in the commit: so what others have activated is asked for. */
	if (lf_registry_catch_up(batch->state->registry, &error) == LF_OK)
		batch->version = lf_registry_active(batch->state->registry, batch->request->rubric, &error);
	if (batch->version == NULL) {
		lf_send_error(call, &error);
		return;
	}
	lf_arena_init(&batch->scratch, batch->arena->bytes_max);
	batch->scratch.budget = batch->arena->budget;
	go_on(call, batch);
}

/*
 * Takes the teams and projects, in canonical order as Score does, so that an item gives the same bits. A team of the
 * batch's own that several items name keeps its form for the engine. false: memory ran out.
 */
static bool take_inputs(struct batch *batch)
{
	const Leadfit__V1__ScoreBatchRequest *request = batch->request;
	bool named[LF_BATCH_MAX] = {false};
	size_t from = 0;

	for (size_t i = 0; i < request->n_projects; i++)
		lf_request_project(request->projects[i]);
	for (size_t i = 0; i < request->n_teams; i++) {
		batch->teams[i] = lf_request_team(batch->call, request->teams[i], &from, batch->arena);
		if (batch->teams[i] == NULL)
			return false;
	}
	for (size_t i = 0; i < request->n_items; i++) {
		const uint32_t index = request->items[i]->team;

		if (index >= request->n_teams)
			continue;
		if (named[index] && batch->teams[index]->memory == NULL)
			batch->teams[index]->arena = batch->arena;
		named[index] = true;
	}
	return true;
}

static struct batch *batch_new(
	struct lf_state *state, struct lf_rpc_call *call, const Leadfit__V1__ScoreBatchRequest *request)
{
	struct lf_arena *arena = lf_rpc_arena(call);
	struct batch *batch = lf_arena_zalloc(arena, 1, sizeof(*batch));

	if (batch == NULL)
		return NULL;
	batch->call = call;
	batch->state = state;
	batch->request = request;
	batch->arena = arena;
	batch->finish.run = finish;
	batch->field = request->full ? LF_BATCH_DECISION : LF_BATCH_SUMMARY;
	batch->teams = lf_arena_zalloc(arena, request->n_teams, sizeof(struct lf_team *));
	batch->projects = lf_arena_zalloc(arena, request->n_projects, sizeof(*batch->projects));
	batch->items = lf_arena_zalloc(arena, request->n_items, sizeof(*batch->items));
	batch->results = lf_arena_zalloc(arena, request->n_items, sizeof(*batch->results));
	if (batch->teams == NULL || batch->projects == NULL || batch->items == NULL || batch->results == NULL ||
		!take_inputs(batch))
		return NULL;
	return batch;
}

void lf_scoring_score_batch(Leadfit__V1__Scoring_Service *service, const Leadfit__V1__ScoreBatchRequest *request,
	Leadfit__V1__ScoreBatchResponse_Closure closure, void *closure_data)
{
	struct lf_rpc_call *call = closure_data;
	struct batch *batch = NULL;
	struct lf_error error = LF_ERROR_INIT;
	int64_t as_of_us;

	(void)closure; /* the reply is put together from bytes that were packed before the commit */
	if (check(request, &as_of_us, &error) == LF_OK) {
		batch = batch_new(LF_CONTAINER_OF(service, struct lf_scoring_service, base)->state, call, request);
		if (batch == NULL)
			lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "%s", no_memory);
	}
	if (batch == NULL) {
		lf_send_error(call, &error);
		return;
	}
	batch->as_of_us = as_of_us;
	lf_rpc_later(call, run, batch);
}
