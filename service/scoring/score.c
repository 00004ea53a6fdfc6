/*
 * Score: from a request to an answer that is on disk.
 *
 * A worker decodes, scores, packs the reply but for its id and time, and queues the record. After the commit the log's
 * writer hands it to the finisher, which appends id and time and sends. What the record points to is moved out of the
 * call's arena into a block of its own, so that the next request is worked on in the memory that the processor has at
 * hand, and one that waits for the log holds little.
 *
 * Where other services write the same log, one of them may have activated something that is not known here yet. The log
 * looks at that in the commit, and refuses the record (ABORTED): then the request, which is kept for that, is worked on
 * again, by what is active now. A request that can't be scored is not refused before it is known that nothing has been
 * activated meanwhile.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/base/clock.h"
#include "proto/base/limits.h"
#include "proto/base/trace.h"
#include "proto/wire/wire.h"
#include "service/decide/decision.h"
#include "service/decide/record.h"
#include "service/scoring/explore.h"
#include "service/scoring/request.h"
#include "service/scoring/score_batch.h"
#include "service/scoring/scoring.h"
#include "service/state/finisher.h"
#include "service/state/registry.h"
#include "service/state/reply.h"
#include "service/state/state.h"

/* Whoever activates so often is told by requests that fail. */
enum { ABORTED_MAX = 8 };

struct score_job {
	struct lf_append append;
	struct lf_rpc_call *call;
	struct lf_state *state;
	const Leadfit__V1__ScoreRequest *request;
	struct lf_team *team;              /* request's; NULL: it has none */
	struct lf_content project;         /* likewise */
	struct lf_rubric_version *version; /* held: the record borrows its name */
	struct lf_finish finish;
	/* Where others write the log, too: */
	struct lf_bytes sent;    /* the request, as long as the call */
	unsigned aborted;        /* so often */
	size_t room;             /* a settled one's, behind it */
	struct score_job *spare; /* the settled one that was refused: its memory serves the next */
	bool caught_up;          /* what is active was asked for, since it could not be scored */
	struct lf_error *first;  /* in the arena: why it could not, with its violations. NULL: memory ran out */
};

static enum lf_code no_memory(struct lf_error *error)
{
	return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "the request needs more memory than its budget");
}

/* ---- after the commit ---- */

/* Apart, for the error's hundreds of bytes are cleared wherever it is declared. */
static void fail_aborted(struct lf_rpc_call *call)
{
	struct lf_error error = LF_ERROR_INIT;

	lf_error_set(&error, LF_UNAVAILABLE,
		"the decision was not stored: rubrics were activated %d times while it was scored: retry",
		ABORTED_MAX + 1);
	lf_send_error(call, &error);
}

/* On a worker: the key was known. */
static void answer_existing(struct lf_rpc_call *call, void *context)
{
	struct score_job *job = context;
	struct lf_uuid id = job->append.id; /* the job goes with the call */

	lf_answer_stored(job->state, &id, call);
}

/* On the finisher's thread, or the log's writer's where the record was alone in its commit: the decision is on disk. */
static void finish(struct lf_finish *finish)
{
	struct score_job *job = LF_CONTAINER_OF(finish, struct score_job, finish);
	struct lf_error failure = LF_ERROR_INIT;
	uint8_t tail[LF_DECISION_TAIL_MAX];
	enum lf_completed completed;

	completed = lf_request_completed(job->state, &job->append, &failure);
	lf_rubric_version_release(job->version); /* whose name the record borrows */
	switch (completed) {
	case LF_COMPLETED_REPEATED:
		lf_rpc_later(job->call, answer_existing, job);
		return;
	case LF_COMPLETED_NEW:
		if (lf_rpc_append(
			    job->call, tail, lf_decision_tail(&job->append.id, job->append.decided_at_us, tail))) {
			lf_rpc_send(job->call);
			return;
		}
		lf_error_set(
			&failure, LF_RESOURCE_EXHAUSTED, "the decision is stored, but memory for the reply ran out");
		break;
	case LF_COMPLETED_TOO_LATE:
		break;
	}
	lf_send_error(job->call, &failure);
}

static void score_again(struct lf_rpc_call *call, void *context);

/* On the log's writer thread, after the commit; or inside lf_log_append(), where that refuses. */
static void committed(struct lf_append *append, const struct lf_error *error)
{
	struct score_job *job = append->context;
	struct lf_rubric_version *version = job->version;

	if (error->code == LF_OK && append->alone && !append->existing) {
		finish(&job->finish); /* nobody else waits for this thread, and to wake the finisher takes longer */
		return;
	}
	if (error->code == LF_OK) {
		lf_finisher_push(job->state->finisher, &job->finish);
		return;
	}
	if (error->code == LF_ABORTED && job->aborted < ABORTED_MAX) {
		lf_rubric_version_release(version);
		lf_rpc_later(job->call, score_again, job);
		return;
	}
	if (error->code == LF_ABORTED)
		fail_aborted(job->call);
	else
		lf_rpc_fail(job->call, error);
	lf_rubric_version_release(version);
}

/* ---- before it ---- */

/* Decides, stages the reply and completes the record. Returns error's code. */
static enum lf_code prepare(struct score_job *job, struct lf_error *error)
{
	struct lf_arena *arena = lf_rpc_arena(job->call);
	struct lf_checker checker = {.error = error};
	struct lf_step *step = lf_arena_zalloc(arena, 1, sizeof(*step));
	Leadfit__V1__Decision *decision;
	uint64_t begun_ns;
	int64_t as_of_us;

	if (step == NULL)
		return no_memory(error);
	lf_record_check(job->request, &as_of_us, &checker);
	lf_step_begin(step, job->version, job->request, job->team, as_of_us, job->append.caller);
	step->clock_us = lf_log_clock_apart(job->state->log);
	step->trace_id = lf_rpc_trace(job->call)->trace_id;
	begun_ns = lf_clock_ns();
	if (lf_step_decide(step, LF_DEPTH_WHOLE, &checker, arena) != LF_OK)
		return lf_error_summarize(error);
	lf_figures_decided(&job->state->figures, &step->evaluation.result, lf_clock_ns() - begun_ns);
	decision = lf_step_decision(step, arena);
	if (decision == NULL || !lf_record_fill(&job->append, step, arena))
		return no_memory(error);
	if (!lf_rpc_stage(job->call, &decision->base))
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED,
			"the answer does not fit a message of %d bytes, or memory ran out: name fewer candidates",
			LF_MESSAGE_BYTES_MAX);
	return LF_OK;
}

/* Others write the log: the request may be needed again. false: memory ran out. */
static bool keep_request(struct score_job *job)
{
	const uint8_t *sent;
	uint8_t *copy;

	lf_rpc_request_bytes(job->call, &sent, &job->sent.length);
	copy = lf_rpc_keep(job->call, job->sent.length + 1); /* never nothing */
	job->sent.data = copy;
	if (copy == NULL)
		return false;
	memcpy(copy, sent, job->sent.length);
	return true;
}

/* Memory for a settled one with so much behind it. NULL: memory ran out. */
static struct score_job *find_room(const struct score_job *job, struct lf_rpc_call *call, size_t bytes)
{
	struct score_job *settled = job->spare;
	size_t room = bytes;

	if (settled != NULL && settled->room >= bytes)
		room = settled->room;
	else
		settled = lf_rpc_keep(call, sizeof(*settled) + bytes);
	if (settled == NULL)
		return NULL;
	*settled = *job;
	settled->room = room;
	return settled;
}

/* Takes a scored request out of its arena. NULL: memory ran out. */
static struct score_job *settle(const struct score_job *job, struct lf_rpc_call *call)
{
	const bool with_team = job->team->memory == NULL; /* else the call holds it */
	const size_t bytes = lf_record_bytes(&job->append, with_team);
	struct score_job *settled = find_room(job, call, bytes);

	if (settled == NULL)
		return NULL;
	if (job->append.scored_at != 0 && job->sent.data == NULL && !keep_request(settled))
		return NULL;
	lf_record_move(&settled->append, with_team, settled + 1, bytes);
	settled->request = NULL;
	settled->first = NULL;
	settled->finish.run = finish;
	settled->append.done = committed;
	settled->append.context = settled;
	lf_rpc_leave(call);
	return settled;
}

/* For where that does not last: a call that waits for a worker may be gone without a word. */
static struct lf_error *put_away(const struct lf_error *error, struct lf_arena *arena)
{
	struct lf_error *kept = lf_arena_zalloc(arena, 1, sizeof(*kept));
	const size_t count = error->violation_kept;

	if (kept == NULL)
		return NULL;
	*kept = *error;
	kept->violations = lf_arena_zalloc(arena, count + 1, sizeof(*kept->violations));
	if (kept->violations == NULL)
		return NULL;
	if (count > 0)
		memcpy(kept->violations, error->violations, count * sizeof(*kept->violations));
	return kept;
}

/* Answers with what was put away. */
static void send_kept(struct lf_rpc_call *call, const struct lf_error *kept)
{
	struct lf_error error = *kept;

	error.violations = malloc((error.violation_kept + 1) * sizeof(*error.violations));
	if (error.violations == NULL)
		error.violation_kept = 0;
	else
		memcpy(error.violations, kept->violations, error.violation_kept * sizeof(*error.violations));
	lf_send_error(call, &error);
}

static void catch_up(struct lf_rpc_call *call, void *context);

/*
 * Goes on with a request whose part of the record is filled. A repeated one gets what was stored, whatever has become
 * of the rubric since. Only where the first is still in flight is that left for the log's writer to find.
 */
static void score(struct lf_rpc_call *call, void *context)
{
	struct score_job *job = context;
	struct lf_state *state = job->state;
	struct lf_error error = LF_ERROR_INIT;
	struct lf_uuid id;
	enum lf_code code = lf_request_find_key(state, &job->append, &id, &error);

	if (code == LF_OK) {
		lf_answer_stored(state, &id, call);
		return;
	}
	if (code == LF_NOT_FOUND)
		job->version =
			lf_registry_choose(state->registry, job->request->rubric, &job->append.scored_at, &error);
	if (job->version != NULL && prepare(job, &error) == LF_OK) {
		struct score_job *settled = settle(job, call);

		if (settled != NULL) {
			lf_log_append(state->log, &settled->append);
			return;
		}
		lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "no memory for the record: retry later");
	}
	lf_rubric_version_release(job->version);
	job->version = NULL;
	if (code == LF_NOT_FOUND && !job->caught_up && error.code != LF_RESOURCE_EXHAUSTED &&
		lf_log_is_shared(state->log)) {
		job->first = put_away(&error, lf_rpc_arena(call));
		lf_error_clean_up(&error);
		lf_rpc_later(call, catch_up, job);
		return;
	}
	lf_send_error(call, &error);
}

/*
 * On a worker: it can't be scored, but perhaps by what another service has activated. Where that can't be asked, that is
 * the answer.
 */
static void catch_up(struct lf_rpc_call *call, void *context)
{
	struct score_job *job = context;
	struct lf_error error = LF_ERROR_INIT;

	job->caught_up = true;
	if (lf_registry_catch_up(job->state->registry, &error) != LF_OK)
		lf_send_error(call, &error);
	else if (job->first != NULL && !lf_registry_is_newer(job->state->registry, job->append.scored_at))
		send_kept(call, job->first);
	else
		score(call, job);
}

/* Begins: the request in canonical order, and the part of the record that follows from it. false: memory ran out. */
static bool begin(struct score_job *job, const Leadfit__V1__ScoreRequest *request, struct lf_arena *arena)
{
	const uint8_t *sent;
	size_t length, from = 0;

	job->request = request;
	lf_request_project(request->project);
	if (request->team != NULL) {
		job->team = lf_request_team(job->call, request->team, &from, arena);
		if (job->team == NULL)
			return false;
	}
	lf_rpc_request_bytes(job->call, &sent, &length);
	return lf_record_begin(
		&job->append, request, job->team, &job->project, length, lf_rpc_caller(job->call), arena);
}

/* On a worker: another service has activated something before the record was committed. */
static void score_again(struct lf_rpc_call *call, void *context)
{
	struct score_job *before = context;
	struct lf_error error = LF_ERROR_INIT;
	struct lf_arena *arena = lf_rpc_arena(call);
	struct score_job *job = lf_arena_zalloc(arena, 1, sizeof(*job));
	ProtobufCMessage *message = lf_wire_unpack(
		&leadfit__v1__score_request__descriptor, before->sent.data, before->sent.length, arena, &error);

	if (job != NULL && message != NULL && lf_registry_follow(before->state->registry, &error) == LF_OK) {
		job->call = call;
		job->state = before->state;
		job->sent = before->sent;
		job->aborted = before->aborted + 1;
		job->spare = before;
		if (begin(job, (const Leadfit__V1__ScoreRequest *)message, arena)) {
			score(call, job);
			return;
		}
	}
	if (error.code == LF_OK)
		no_memory(&error);
	lf_send_error(call, &error);
}

static void lf_scoring_score(Leadfit__V1__Scoring_Service *service, const Leadfit__V1__ScoreRequest *request,
	Leadfit__V1__Decision_Closure closure, void *closure_data)
{
	struct lf_rpc_call *call = closure_data;
	struct lf_error error = LF_ERROR_INIT;
	struct lf_arena *arena = lf_rpc_arena(call);
	struct score_job *job = lf_arena_zalloc(arena, 1, sizeof(*job));

	(void)closure; /* the reply is staged before the commit, and sent after it with id and time */
	if (job != NULL)
		job->call = call;
	if (job == NULL || !begin(job, request, arena)) {
		no_memory(&error);
		lf_send_error(call, &error);
		return;
	}
	job->state = LF_CONTAINER_OF(service, struct lf_scoring_service, base)->state;
	if (*request->idempotency_key == '\0')
		score(call, job);
	else
		lf_rpc_later(call, score, job); /* it reads whether the key is known */
}

void lf_scoring_init(struct lf_scoring_service *service, struct lf_state *state)
{
	service->base = (Leadfit__V1__Scoring_Service)LEADFIT__V1__SCORING__INIT(lf_scoring_);
	service->state = state;
}
