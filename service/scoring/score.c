/*
 * Scoring: from a request to an answer that is on disk.
 *
 * A worker decodes, scores, packs the reply but for its id and time, and queues the record. After the commit the log's
 * writer hands it to the finisher, which appends id and time and sends. What the record points to is moved out of the
 * call's arena into a block of its own, so that the next request is worked on in the memory that the processor has at
 * hand, and one that waits for the log holds little.
 */
#include <string.h>

#include "proto/base/limits.h"
#include "proto/wire/wire.h"
#include "service/decide/decision.h"
#include "service/decide/record.h"
#include "service/scoring/score_batch.h"
#include "service/scoring/scoring.h"
#include "service/decide/sweep.h"
#include "service/state/finisher.h"
#include "service/state/registry.h"
#include "service/state/reply.h"
#include "service/state/state.h"
#include "service/state/team_cache.h"
#include "service/decide/text_list.h"

struct score_job {
	struct lf_append append;
	struct lf_rpc_call *call;
	struct lf_state *core;
	const Leadfit__V1__ScoreRequest *request;
	const struct lf_cached_team *team; /* request's, where it is known; the call holds it */
	struct lf_version *version;        /* held: the record borrows its name */
	struct lf_finish finish;
};

/* On a worker: the key was known. */
static void answer_existing(struct lf_rpc_call *call, void *context)
{
	struct score_job *job = context;
	struct lf_uuid id = job->append.id; /* the job goes with the call */

	lf_answer_stored(job->core, &id, call);
}

/* On the finisher's thread: the decision is on disk. */
static void finish(struct lf_finish *finish)
{
	struct score_job *job = LF_CONTAINER_OF(finish, struct score_job, finish);
	struct lf_error failure = LF_ERROR_INIT;
	uint8_t tail[LF_DECISION_TAIL_MAX];

	lf_version_release(job->version);
	if (job->append.existing && atomic_load(&job->core->draining)) {
		/* The log may be closing: it completes what is queued, but is no more to be read. */
		lf_error_set(&failure, LF_UNAVAILABLE,
			"the service is stopping: the decision is stored, retry with the same key");
		lf_send_error(job->call, &failure);
	} else if (job->append.existing) {
		lf_rpc_later(job->call, answer_existing, job);
	} else if (lf_rpc_append(job->call, tail, lf_decision_tail(&job->append.id, job->append.decided_at_us, tail))) {
		lf_rpc_send(job->call);
	} else {
		lf_error_set(
			&failure, LF_RESOURCE_EXHAUSTED, "the decision is stored, but memory for the reply ran out");
		lf_send_error(job->call, &failure);
	}
}

/* On the log's writer thread, after the commit. */
static void committed(struct lf_append *append, const struct lf_error *error)
{
	struct score_job *job = append->context;
	struct lf_version *version = job->version;

	if (error->code == LF_OK && append->alone && !append->existing) {
		finish(&job->finish); /* nobody else waits for this thread, and to wake the finisher takes longer */
		return;
	}
	if (error->code == LF_OK) {
		lf_finisher_push(job->core->finisher, &job->finish);
		return;
	}
	lf_rpc_fail(job->call, error);
	lf_version_release(version);
}

/* The part of the record that follows from the request alone. false where the arena is exhausted. */
static bool fill_request(struct score_job *job, const Leadfit__V1__ScoreRequest *request, struct lf_rpc_call *call,
	struct lf_arena *arena)
{
	struct lf_append *append = &job->append;
	const uint8_t *sent;
	size_t length;

	append->caller = lf_rpc_caller(call);
	append->idempotency_key = request->idempotency_key;
	if (request->team == NULL || request->project == NULL)
		return true; /* a violation, found later */
	append->project = lf_record_pack(&request->project->base, 0, arena);
	if (job->team != NULL) {
		append->team = job->team->canonical;
		append->team_digest = job->team->digest;
	} else {
		lf_rpc_request_bytes(call, &sent, &length);
		append->team = lf_record_pack(&request->team->base, length, arena);
	}
	if (append->team.data == NULL || append->project.data == NULL)
		return false;
	if (job->team == NULL)
		lf_sha256(append->team.data, append->team.length, &append->team_digest);
	lf_sha256(append->project.data, append->project.length, &append->project_digest);
	append->digested = true;
	return *request->idempotency_key == '\0' ||
		lf_record_digest(
			request, &append->team_digest, &append->project_digest, arena, &append->request_digest);
}

/* Scores, stages the reply and completes the record. Returns error's code. */
static enum lf_code prepare(struct score_job *job, const struct lf_version *version,
	const Leadfit__V1__ScoreRequest *request, struct lf_rpc_call *call, struct lf_error *error)
{
	struct lf_arena *arena = lf_rpc_arena(call);
	struct lf_checker checker = {.error = error};
	struct lf_evaluation *evaluation = lf_arena_zalloc(arena, 1, sizeof(*evaluation));
	struct lf_answer_parts parts = {
		.version = version,
		.evaluation = evaluation,
		.team = request->team,
		.project = request->project,
		.caller = job->append.caller,
		.purpose = request->purpose,
		.detail = request->detail,
		.named_candidates = request->n_candidates,
		.rank_table = request->rank_table,
	};
	struct lf_case_input input = {
		.team = request->team,
		.project = request->project,
		.candidates = request->candidates,
		.candidate_count = request->n_candidates,
		.ignore_undeclared = request->ignore_undeclared,
	};
	struct lf_conversion conversion;
	Leadfit__V1__Decision *decision;
	enum lf_code code;

	if (evaluation == NULL)
		goto no_memory;
	lf_record_check(request, &parts.as_of_us, &checker);
	input.as_of_seconds = lf_seconds_of(parts.as_of_us);
	lf_conversion_begin(&conversion, job->team, &version->digest, &input);
	code = lf_evaluate(evaluation, version, &input, NULL, &checker, arena);
	lf_conversion_end(&conversion);
	if (code != LF_OK || checker.found > 0)
		return lf_error_summarize(error);
	decision = lf_decision_build(&parts, arena);
	if (decision == NULL || !lf_record_fill(&job->append, request, &parts, arena))
		goto no_memory;
	if (!lf_rpc_stage(call, &decision->base))
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED,
			"the answer does not fit a message of %d bytes, or memory ran out: name fewer candidates",
			LF_MESSAGE_BYTES_MAX);
	return LF_OK;
no_memory:
	return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "the request needs more memory than its budget");
}

/*
 * A repeated request gets what was stored, whatever has become of the rubric since. Only one that is still in flight is
 * left for the log's writer to find. LF_OK: answered.
 */
static enum lf_code answer_repeated(
	struct lf_state *core, const struct lf_append *append, struct lf_rpc_call *call, struct lf_error *error)
{
	struct lf_error inner = LF_ERROR_INIT;
	enum lf_code code;
	struct lf_uuid id;

	if (*append->idempotency_key == '\0' || append->team.data == NULL ||
		strlen(append->idempotency_key) > LF_ID_BYTES_MAX)
		return LF_NOT_FOUND;
	code = lf_log_find_key(
		core->log, append->caller, append->idempotency_key, &append->request_digest, &id, &inner);
	if (code == LF_OK)
		lf_answer_stored(core, &id, call);
	else if (code != LF_NOT_FOUND)
		lf_error_move(error, &inner);
	lf_error_clean_up(&inner);
	return code;
}

/* Takes a scored request out of its arena. NULL: memory ran out. */
static struct score_job *settle(const struct score_job *job, struct lf_rpc_call *call)
{
	const bool with_team = job->team == NULL;
	struct score_job *settled = lf_rpc_keep(call, sizeof(*settled) + lf_record_bytes(&job->append, with_team));

	if (settled == NULL)
		return NULL;
	*settled = *job;
	lf_record_move(&settled->append, with_team, settled + 1);
	settled->call = call;
	settled->request = NULL;
	settled->finish.run = finish;
	settled->append.done = committed;
	settled->append.context = settled;
	lf_rpc_leave(call);
	return settled;
}

/* Goes on with a request whose part of the record is filled. */
static void score(struct lf_rpc_call *call, void *context)
{
	struct score_job *job = context;
	struct lf_state *core = job->core;
	struct lf_error error = LF_ERROR_INIT;
	enum lf_code code = answer_repeated(core, &job->append, call, &error);

	if (code == LF_OK)
		return;
	if (code == LF_NOT_FOUND)
		job->version = lf_registry_active(core->registry, job->request->rubric, &error);
	if (job->version != NULL && prepare(job, job->version, job->request, call, &error) == LF_OK) {
		struct score_job *settled = settle(job, call);

		if (settled != NULL) {
			lf_log_append(core->log, &settled->append);
			return;
		}
		lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "no memory for the record: retry later");
	}
	lf_version_release(job->version);
	lf_send_error(call, &error);
}

static void lf_scoring_score(Leadfit__V1__Scoring_Service *service, const Leadfit__V1__ScoreRequest *request,
	Leadfit__V1__Decision_Closure closure, void *closure_data)
{
	struct lf_rpc_call *call = closure_data;
	struct lf_error error = LF_ERROR_INIT;
	struct lf_arena *arena = lf_rpc_arena(call);
	struct score_job *job = lf_arena_zalloc(arena, 1, sizeof(*job));
	size_t from = 0;

	(void)closure; /* the reply is staged now and sent after the commit */
	/* Canonical first, so that the order in which a caller lists map entries changes nothing. */
	if (job != NULL)
		job->team = lf_cached_team(call, request->team, &from);
	if (job == NULL || job->team == NULL)
		lf_wire_canonicalize(lf_unconst(&request->base));
	else if (request->project != NULL)
		lf_wire_canonicalize(&request->project->base);
	if (job == NULL || !fill_request(job, request, call, arena)) {
		lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "the request needs more memory than its budget");
		lf_send_error(call, &error);
		return;
	}
	job->core = LF_CONTAINER_OF(service, struct lf_scoring_service, base)->state;
	job->request = request;
	if (*request->idempotency_key == '\0')
		score(call, job);
	else
		lf_rpc_later(call, score, job); /* it reads whether the key is known */
}

/* ---- profile ---- */

struct profile_words {
	struct lf_texts explanation, assumptions;
};

static void hear(void *context, enum lf_sentence kind, size_t index, const char *text, size_t length)
{
	struct profile_words *words = context;

	(void)index;
	lf_texts_add(kind == LF_SAY_ASSUMPTION ? &words->assumptions : &words->explanation, text, length);
}

/* Heaviest first; equal weights by id bytes. */
static bool heavier(const Leadfit__V1__CriterionWeight *a, const Leadfit__V1__CriterionWeight *b)
{
	return a->weight > b->weight || (a->weight == b->weight && strcmp(a->criterion, b->criterion) < 0);
}

static Leadfit__V1__CriterionWeight **sorted_weights(
	const struct lf_version *version, const double *weights, struct lf_arena *arena)
{
	const struct lf_rubric_def *def = lf_rubric_def(version->compiled);
	Leadfit__V1__CriterionWeight *items = lf_arena_zalloc(arena, def->criterion_count, sizeof(*items));
	Leadfit__V1__CriterionWeight **list = lf_arena_zalloc(arena, def->criterion_count, sizeof(*list));

	for (size_t c = 0; items != NULL && list != NULL && c < def->criterion_count; c++) {
		size_t at = c;

		leadfit__v1__criterion_weight__init(&items[c]);
		items[c].criterion = lf_unconst(def->criteria[c].id);
		items[c].weight = weights[c];
		for (; at > 0 && heavier(&items[c], list[at - 1]); at--)
			list[at] = list[at - 1];
		list[at] = &items[c];
	}
	return items == NULL ? NULL : list;
}

/* Fills the answer. false where the arena is exhausted. */
static bool fill_profile(Leadfit__V1__ProfileResponse *response, const struct lf_version *version,
	const struct lf_evaluation *evaluation, struct lf_arena *arena)
{
	const struct lf_rubric_def *def = lf_rubric_def(version->compiled);
	struct profile_words words = {{.arena = arena}, {.arena = arena}};

	response->disciplines = lf_decision_fits(version, evaluation->profile, arena);
	response->n_disciplines = def->discipline_count;
	response->weights = sorted_weights(version, evaluation->profile_weights, arena);
	response->n_weights = def->criterion_count;
	lf_explain_profile(version->compiled, &evaluation->built.engine, evaluation->profile,
		evaluation->profile_weights, hear, &words);
	response->explanation = words.explanation.items;
	response->n_explanation = words.explanation.count;
	response->assumptions = words.assumptions.items;
	response->n_assumptions = words.assumptions.count;
	response->ignored = lf_unconst(evaluation->built.ignored);
	response->n_ignored = evaluation->built.ignored_count;
	return response->disciplines != NULL && response->weights != NULL && !words.explanation.exhausted &&
		!words.assumptions.exhausted;
}

static void lf_scoring_profile(Leadfit__V1__Scoring_Service *service, const Leadfit__V1__ProfileRequest *request,
	Leadfit__V1__ProfileResponse_Closure closure, void *closure_data)
{
	struct lf_state *core = LF_CONTAINER_OF(service, struct lf_scoring_service, base)->state;
	struct lf_rpc_call *call = closure_data;
	struct lf_error error = LF_ERROR_INIT;
	struct lf_checker checker = {.error = &error};
	struct lf_version *version = lf_registry_active(core->registry, request->rubric, &error);
	Leadfit__V1__ProfileResponse response = LEADFIT__V1__PROFILE_RESPONSE__INIT;
	Leadfit__V1__RubricRef rubric = LEADFIT__V1__RUBRIC_REF__INIT;
	Leadfit__V1__ProjectRef project = LEADFIT__V1__PROJECT_REF__INIT;
	struct lf_case_input input = {
		.team = request->team,
		.project = request->project,
		.as_of_seconds = INT64_C(253402214400), /* no evidence counts here, so none can be too new */
		.ignore_undeclared = request->ignore_undeclared,
		.team_optional = true,
	};
	struct lf_evaluation evaluation;

	(void)closure;
	if (version == NULL ||
		lf_evaluate_profile(&evaluation, version, &input, &checker, lf_rpc_arena(call)) != LF_OK) {
		lf_error_summarize(&error);
		lf_send_error(call, &error);
	} else {
		rubric.name = version->message->name;
		rubric.digest = version->digest_text;
		project.id = request->project->id;
		project.title = request->project->title;
		response.rubric = &rubric;
		response.project = &project;
		lf_send_reply(call,
			fill_profile(&response, version, &evaluation, lf_rpc_arena(call)) ? &response.base : NULL);
	}
	lf_version_release(version);
}

/* ---- sweep ---- */

static void lf_scoring_sweep(Leadfit__V1__Scoring_Service *service, const Leadfit__V1__SweepRequest *request,
	Leadfit__V1__SweepResponse_Closure closure, void *closure_data)
{
	struct lf_state *core = LF_CONTAINER_OF(service, struct lf_scoring_service, base)->state;
	struct lf_rpc_call *call = closure_data;
	struct lf_error error = LF_ERROR_INIT;
	struct lf_checker checker = {.error = &error};
	struct lf_version *version = lf_registry_active(core->registry, request->rubric, &error);
	Leadfit__V1__SweepResponse *response;

	(void)closure;
	/* As Score does, so that it gives the same bits. */
	lf_wire_canonicalize(lf_unconst(&request->base));
	if (version == NULL ||
		lf_sweep_answer(version, request, lf_record_as_of(request->as_of, &checker), lf_is_awaited, call,
			&checker, lf_rpc_arena(call), &response) != LF_OK) {
		lf_error_summarize(&error);
		lf_send_error(call, &error);
	} else {
		lf_send_reply(call, &response->base);
	}
	lf_version_release(version);
}

void lf_scoring_init(struct lf_scoring_service *service, struct lf_state *state)
{
	service->base = (Leadfit__V1__Scoring_Service)LEADFIT__V1__SCORING__INIT(lf_scoring_);
	service->state = state;
}
