/*
 * Many cases in one message.
 *
 * A worker scores them one after another, each in the memory that the one before used, and gives all records to the log
 * at once, so that they share a commit. Every few items it lets others have the worker, so that a stream of batches
 * does not hold up single requests. A team that several items share is packed, digested and converted once, or not at
 * all where it was sent before (team_cache.h). The log's writer completes them one by one; the last one hands the batch
 * to the finisher, which makes the reply.
 *
 * Ownership: the batch lives in the call's arena. Until the records are queued it is the worker's. From then on each
 * item is its completion's until that has counted itself, and everything is the finisher's after the last: `waiting`
 * counts them, and the worker's own share is one, so that the last completion can't come while the worker still looks
 * at the batch.
 */
#include "service/scoring/score_batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/limits.h"
#include "proto/wire/wire.h"
#include "service/scoring/batch_result.h"
#include "service/scoring/scoring.h"
#include "service/decide/record.h"
#include "service/state/finisher.h"
#include "service/state/registry.h"
#include "service/state/reply.h"
#include "service/state/state.h"
#include "service/state/team_cache.h"
#include "service/decide/text_list.h"

enum { SLICE_ITEMS = 8, SLICE_DECISIONS = 4 }; /* some 0.1 ms, of summaries and of whole decisions */

struct batch;

struct item {
	struct lf_append append;
	struct batch *batch;
	struct lf_batch_result *result;
	bool queued;
	/* How the log failed it; its message. LF_OK: it did not. */
	enum lf_code code;
	char message[256];
};

/* A team or project as the records have it. */
struct shared {
	struct lf_bytes bytes;
	struct lf_digest digest;
};

/* A team for the engine. */
struct converted {
	const struct lf_cached_team *cached; /* the call holds it; NULL: the batch's own, and what follows */
	size_t uses;                         /* items that name it */
	bool tried;
	struct lf_kept_team kept;
};

struct batch {
	struct lf_rpc_call *call;
	struct lf_state *core;
	const Leadfit__V1__ScoreBatchRequest *request;
	struct lf_arena *arena;  /* the call's */
	struct lf_arena scratch; /* of one item after another: all that its bytes are made from */
	struct lf_version *version;
	struct shared *teams, *projects;
	struct converted *converted; /* by team */
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

/* The result of an item whose decision was stored before. Blocks on a read. */
static void answer_stored(struct item *item, const struct lf_uuid *id)
{
	struct batch *batch = item->batch;
	struct lf_error error = LF_ERROR_INIT;
	struct lf_stored *stored = NULL;
	struct lf_version *version = NULL;
	Leadfit__V1__Decision *decision = NULL;
	ProtobufCMessage *message = NULL;

	if (lf_log_get(batch->core->log, id, &stored, &error) == LF_OK)
		version = lf_registry_find(batch->core->registry, &stored->rubric_digest, &error);
	if (version != NULL && lf_decision_restore(stored, version, &batch->scratch, &decision, &error) == LF_OK) {
		if (batch->request->full)
			message = &decision->base;
		else
			message = (ProtobufCMessage *)lf_batch_summary_of(decision, &batch->scratch);
		if (message == NULL ||
			!lf_batch_result_pack(item->result, batch->field, message, &batch->scratch, batch->arena))
			lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "%s", no_memory);
	}
	if (error.code != LF_OK)
		lf_batch_result_fail(item->result, &error, batch->arena);
	lf_version_release(version);
	free(stored);
}

/* What the log said of a queued item becomes its result. */
static void conclude(struct item *item)
{
	struct lf_error error = LF_ERROR_INIT;

	if (item->code != LF_OK) {
		lf_error_set(&error, item->code, "%s", item->message);
		lf_batch_result_fail(item->result, &error, item->batch->arena);
	} else if (!item->append.existing) {
		lf_batch_result_identify(item->result, &item->append.id, item->append.decided_at_us);
	} else if (!atomic_load(&item->batch->core->draining)) {
		answer_stored(item, &item->append.id);
		lf_arena_reset(&item->batch->scratch);
	} else {
		/* The log may be closing: it completes what is queued, but is no more to be read. */
		lf_error_set(&error, LF_UNAVAILABLE,
			"the service is stopping: the decision is stored, retry with the same key");
		lf_batch_result_fail(item->result, &error, item->batch->arena);
	}
}

static void send(struct batch *batch)
{
	struct lf_rpc_call *call = batch->call;
	struct lf_error error = LF_ERROR_INIT;
	const bool staged = lf_batch_results_stage(call, batch->results, batch->request->n_items);

	lf_arena_clean_up(&batch->scratch);
	lf_version_release(batch->version);
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

/* On the finisher's thread, or the worker's where nothing was queued. */
static void finish(struct lf_finish *finish)
{
	struct batch *batch = LF_CONTAINER_OF(finish, struct batch, finish);

	for (size_t i = 0; i < batch->request->n_items; i++)
		if (batch->items[i].queued)
			conclude(&batch->items[i]);
	send(batch);
}

static void count_down(struct batch *batch)
{
	if (atomic_fetch_sub(&batch->waiting, 1) == 1)
		lf_finisher_push(batch->core->finisher, &batch->finish);
}

/* On the log's writer thread, or inside lf_log_append_all(). */
static void committed(struct lf_append *append, const struct lf_error *error)
{
	struct item *item = append->context;

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

/* Finds out which teams are known, and puts all others, and all else, in canonical order. */
static void canonicalize(struct batch *batch, Leadfit__V1__ScoreBatchRequest *request)
{
	const size_t count = request->n_teams;
	size_t from = 0;

	request->n_teams = 0;
	lf_wire_canonicalize(&request->base);
	request->n_teams = count;
	for (size_t i = 0; i < count; i++) {
		const struct lf_cached_team *cached = lf_cached_team(batch->call, request->teams[i], &from);

		batch->converted[i].cached = cached;
		if (cached != NULL)
			batch->teams[i] = (struct shared){cached->canonical, cached->digest};
		else
			lf_wire_canonicalize(&request->teams[i]->base);
	}
}

/* Packs a shared team or project where it is used for the first time. */
static bool share(struct shared *shared, const ProtobufCMessage *message, struct lf_arena *arena)
{
	if (shared->bytes.data != NULL)
		return true;
	shared->bytes = lf_record_pack(message, 0, arena);
	if (shared->bytes.data == NULL)
		return false;
	lf_sha256(shared->bytes.data, shared->bytes.length, &shared->digest);
	return true;
}

/* The part of the record that follows from the request. */
static bool fill_request(
	struct item *item, const Leadfit__V1__BatchItem *sent, const Leadfit__V1__ScoreRequest *request)
{
	struct batch *batch = item->batch;
	struct shared *team = &batch->teams[sent->team], *project = &batch->projects[sent->project];
	struct lf_append *append = &item->append;

	if (!share(team, &request->team->base, batch->arena) || !share(project, &request->project->base, batch->arena))
		return false;
	append->caller = lf_rpc_caller(batch->call);
	append->idempotency_key = request->idempotency_key;
	append->team = team->bytes;
	append->project = project->bytes;
	append->team_digest = team->digest;
	append->project_digest = project->digest;
	append->digested = true;
	append->done = committed;
	append->context = item;
	return *request->idempotency_key == '\0' ||
		lf_record_digest(request, &team->digest, &project->digest, batch->arena, &append->request_digest);
}

/*
 * What keeps the converted team of an item that is not cached, in the call's arena, where several have it; else NULL. A
 * team with faults is converted for each, as each has its errors; one of which something may be left out, too, as each
 * says what.
 */
static struct lf_kept_team *kept_team(struct batch *batch, uint32_t team, const struct lf_case_input *input)
{
	struct converted *converted = &batch->converted[team];

	if (converted->uses < 2 || input->candidate_count > 0 || input->ignore_undeclared ||
		(converted->tried && converted->kept.engine.members == NULL))
		return NULL;
	converted->tried = true;
	converted->kept.arena = batch->arena;
	return &converted->kept;
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
static bool pack_answer(struct item *item, const struct lf_answer_parts *parts)
{
	struct batch *batch = item->batch;
	const ProtobufCMessage *message;

	if (batch->request->full)
		message = (ProtobufCMessage *)lf_decision_build(parts, &batch->scratch);
	else
		message = (ProtobufCMessage *)lf_batch_summary_new(
			batch->version, &item->append, parts->evaluation, &batch->scratch);
	return message != NULL &&
		lf_batch_result_pack(item->result, batch->field, message, &batch->scratch, batch->arena);
}

/* Scores an item and completes its record. Returns error's code. */
static enum lf_code score(
	struct item *item, uint32_t team, const Leadfit__V1__ScoreRequest *request, struct lf_error *error)
{
	struct batch *batch = item->batch;
	struct lf_checker checker = {.error = error};
	struct lf_arena *scratch = &batch->scratch;
	struct lf_evaluation *evaluation = lf_arena_zalloc(scratch, 1, sizeof(*evaluation));
	const struct lf_answer_parts parts = {
		.version = batch->version,
		.evaluation = evaluation,
		.team = request->team,
		.project = request->project,
		.caller = item->append.caller,
		.purpose = request->purpose,
		.detail = request->detail,
		.named_candidates = request->n_candidates,
		.as_of_us = batch->as_of_us,
		.rank_table = request->rank_table,
	};
	struct lf_case_input input = {
		.team = request->team,
		.project = request->project,
		.candidates = request->candidates,
		.candidate_count = request->n_candidates,
		.as_of_seconds = lf_seconds_of(batch->as_of_us),
		.ignore_undeclared = request->ignore_undeclared,
	};
	const struct lf_cached_team *cached = batch->converted[team].cached;
	struct lf_conversion conversion;
	enum lf_code code;

	if (*request->idempotency_key != '\0')
		lf_check_id(&checker, "idempotency_key", request->idempotency_key);
	if (evaluation == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "%s", no_memory);
	lf_conversion_begin(&conversion, cached, &batch->version->digest, &input);
	if (cached == NULL)
		input.kept = kept_team(batch, team, &input);
	code = batch->request->full ? lf_evaluate(evaluation, batch->version, &input, NULL, &checker, scratch)
				    : lf_evaluate_ranking(evaluation, batch->version, &input, &checker, scratch);
	lf_conversion_end(&conversion);
	if (code != LF_OK || checker.found > 0)
		return lf_error_summarize(error);
	if (!lf_record_fill(&item->append, request, &parts, scratch) || !keep_record(&item->append, batch->arena) ||
		!pack_answer(item, &parts))
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "%s", no_memory);
	return LF_OK;
}

/* Answers an item whose key is known. NOT_FOUND: it is not; else why it can't be answered at all. */
static enum lf_code answer_repeated(struct item *item, const char *key, struct lf_error *error)
{
	struct batch *batch = item->batch;
	struct lf_uuid id;
	enum lf_code code;

	if (*key == '\0' || strlen(key) > LF_ID_BYTES_MAX)
		return LF_NOT_FOUND;
	code = lf_log_find_key(batch->core->log, item->append.caller, key, &item->append.request_digest, &id, error);
	if (code == LF_OK)
		answer_stored(item, &id);
	if (code == LF_NOT_FOUND)
		lf_error_clean_up(error);
	else
		batch->repeated = true;
	return code;
}

/*
 * Whether an item that can't be scored was, once: it is answered then, and error cleaned up. Else error is what is to
 * be told.
 */
static bool was_answered(struct item *item, const char *key, struct lf_error *error)
{
	struct lf_error known = LF_ERROR_INIT;
	const enum lf_code code = answer_repeated(item, key, &known);

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
	if (!fill_request(item, sent, &request)) {
		lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "%s", no_memory);
		goto fail;
	}
	/*
	 * A key costs a read, and most are new: the log's writer finds out in any case. So what spares scoring is tried
	 * where a batch seems to be repeated: for the first item, and once some key was known.
	 */
	if (index == 0 || batch->repeated)
		code = answer_repeated(item, request.idempotency_key, &error);
	if (code == LF_NOT_FOUND && score(item, sent->team, &request, &error) == LF_OK) {
		item->queued = true;
		return;
	}
	if (code == LF_OK || (index != 0 && !batch->repeated && was_answered(item, request.idempotency_key, &error)))
		return;
fail:
	lf_error_summarize(&error);
	lf_batch_result_fail(item->result, &error, batch->arena);
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

	for (size_t i = 0; i < batch->request->n_items; i++)
		if (batch->items[i].queued)
			appends[count++] = &batch->items[i].append;
	atomic_init(&batch->waiting, count + 1);
	lf_log_append_all(batch->core->log, appends, count);
	count_down(batch);
}

/* What the batch holds beside the call's arena. */
static void release(void *context)
{
	struct batch *batch = context;

	lf_arena_clean_up(&batch->scratch);
	lf_version_release(batch->version);
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

	batch->version = lf_registry_active(batch->core->registry, batch->request->rubric, &error);
	if (batch->version == NULL) {
		lf_send_error(call, &error);
		return;
	}
	for (size_t i = 0; i < batch->request->n_items; i++)
		if (batch->request->items[i]->team < batch->request->n_teams)
			batch->converted[batch->request->items[i]->team].uses++;
	lf_arena_init(&batch->scratch, batch->arena->bytes_max);
	batch->scratch.budget = batch->arena->budget;
	go_on(call, batch);
}

void lf_scoring_score_batch(Leadfit__V1__Scoring_Service *service, const Leadfit__V1__ScoreBatchRequest *request,
	Leadfit__V1__ScoreBatchResponse_Closure closure, void *closure_data)
{
	struct lf_rpc_call *call = closure_data;
	struct lf_arena *arena = lf_rpc_arena(call);
	struct batch *batch = lf_arena_zalloc(arena, 1, sizeof(*batch));
	struct lf_error error = LF_ERROR_INIT;
	int64_t as_of_us;

	(void)closure;
	if (check(request, &as_of_us, &error) != LF_OK) {
		lf_send_error(call, &error);
		return;
	}
	if (batch != NULL) {
		batch->call = call;
		batch->core = LF_CONTAINER_OF(service, struct lf_scoring_service, base)->state;
		batch->request = request;
		batch->arena = arena;
		batch->as_of_us = as_of_us;
		batch->finish.run = finish;
		batch->teams = lf_arena_zalloc(arena, request->n_teams, sizeof(*batch->teams));
		batch->projects = lf_arena_zalloc(arena, request->n_projects, sizeof(*batch->projects));
		batch->converted = lf_arena_zalloc(arena, request->n_teams, sizeof(*batch->converted));
		batch->items = lf_arena_zalloc(arena, request->n_items, sizeof(*batch->items));
		batch->results = lf_arena_zalloc(arena, request->n_items, sizeof(*batch->results));
		batch->field = request->full ? LF_BATCH_DECISION : LF_BATCH_SUMMARY;
	}
	if (batch == NULL || batch->teams == NULL || batch->projects == NULL || batch->converted == NULL ||
		batch->items == NULL || batch->results == NULL) {
		lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "%s", no_memory);
		lf_send_error(call, &error);
		return;
	}
	canonicalize(batch, lf_unconst(request)); /* as Score does, so that it gives the same bits */
	lf_rpc_later(call, run, batch);
}
