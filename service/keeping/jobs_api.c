/* Starting jobs, and asking about them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "proto/wire/borrow.h"
#include "service/decide/redact.h"
#include "service/decide/time.h"
#include "service/keeping/jobs.h"
#include "service/keeping/keeping.h"
#include "service/rubric/checker.h"
#include "service/state/reply.h"
#include "service/state/state.h"

enum { MONTHS_MIN = 6, PAGE_DEFAULT = 20, PAGE_MAX = 100 };

/* ---- a job as a message ---- */

/* What an erasure does not reach, even when the file is rewritten. It is shown to the operator, who must handle it. */
static const char *const OUT_OF_REACH[] = {
	"Backups and exports that were made before: delete or replace them.",
	"What the disk or its snapshots keep of old blocks.",
	"Texts that mean the person without their id: a name in somebody else's note, a title, a reason.",
	"Rubrics: they are configuration, and are not searched. Ids of teams and projects: they are taken to be "
	"nobody's.",
	"What callers put elsewhere: a caller's own name but in the records of who looked, or an idempotency key of a "
	"decision in which the person had no part.",
	"What other systems hold: the services that asked, and whoever read the answers.",
	"Checkpoints and proofs need no erasing: they hold hashes. A proof that was made before holds the bytes that "
	"it proves.",
};

/* Into message, which points into job and progress. false: the arena is exhausted. */
static bool to_message(const struct lf_job *job, const struct lf_job_progress *progress, struct lf_arena *arena,
	Leadfit__V1__Job *message)
{
	leadfit__v1__job__init(message);
	message->job_id = job->id;
	message->kind = job->kind;
	message->state = progress->state;
	message->phase = progress->phase;
	message->problem = lf_unconst(progress->problem);
	message->started_by = lf_unconst(job->caller);
	message->started_at = lf_timestamp_new(job->started_at_us, arena);
	message->ended_at = job->ended_at_us == 0 ? NULL : lf_timestamp_new(job->ended_at_us, arena);
	message->reason = lf_unconst(job->reason);
	message->candidate = lf_unconst(job->candidate);
	message->before = job->kind != LEADFIT__V1__JOB_KIND__PRUNE ? NULL : lf_timestamp_new(job->before_us, arena);
	message->dry_run = job->dry_run;
	message->decisions = job->counts.decisions;
	message->payloads = job->counts.payloads;
	message->acts = job->counts.acts;
	message->payload_bytes = job->counts.payload_bytes;
	message->kept_payloads = job->counts.kept_payloads;
	message->longer_words = job->counts.longer_words;
	message->bytes_before = job->counts.bytes_before;
	message->bytes_after = job->counts.bytes_after;
	if (job->kind == LEADFIT__V1__JOB_KIND__ERASE && progress->state == LEADFIT__V1__JOB_STATE__DONE) {
		message->out_of_reach = lf_unconst(OUT_OF_REACH);
		message->n_out_of_reach = sizeof(OUT_OF_REACH) / sizeof(OUT_OF_REACH[0]);
	}
	return message->started_at != NULL && (message->ended_at != NULL || job->ended_at_us == 0) &&
		(message->before != NULL || job->kind != LEADFIT__V1__JOB_KIND__PRUNE);
}

/* Reads a job into the arena. NULL: error says why. */
static Leadfit__V1__Job *read_job(struct lf_jobs *jobs, uint64_t id, struct lf_arena *arena, struct lf_error *error)
{
	struct lf_job *job = lf_arena_alloc(arena, sizeof(*job));
	struct lf_job_progress *progress = lf_arena_alloc(arena, sizeof(*progress));
	Leadfit__V1__Job *message = lf_arena_alloc(arena, sizeof(*message));

	if (job != NULL && progress != NULL && message != NULL) {
		if (lf_jobs_read(jobs, id, job, progress, error) != LF_OK)
			return NULL;
		if (to_message(job, progress, arena, message))
			return message;
	}
	lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory to show a job with");
	return NULL;
}

static void answer(struct lf_jobs *jobs, uint64_t id, Leadfit__V1__Job_Closure closure, struct lf_rpc_call *call)
{
	struct lf_error error = LF_ERROR_INIT;
	const Leadfit__V1__Job *message = read_job(jobs, id, lf_rpc_arena(call), &error);

	if (message == NULL)
		lf_send_error(call, &error);
	else
		closure(message, call);
}

/* ---- starting ---- */

/* An empty job of this call. NULL: there was no memory, and the call is answered. */
static struct lf_job *new_job(struct lf_rpc_call *call, Leadfit__V1__JobKind kind)
{
	struct lf_job *job = lf_arena_zalloc(lf_rpc_arena(call), 1, sizeof(*job));

	if (job == NULL) {
		lf_send_no_memory(call);
		return NULL;
	}
	job->kind = kind;
	snprintf(job->caller, sizeof(job->caller), "%s", lf_rpc_caller(call));
	return job;
}

/* Starts it where the request was good, and answers. */
static void start(struct lf_keeping_service *service, struct lf_job *job, struct lf_checker *checker,
	Leadfit__V1__Job_Closure closure, struct lf_rpc_call *call)
{
	if (checker->found > 0)
		lf_error_summarize(checker->error);
	else if (service->state->keeperless)
		lf_error_set(checker->error, LF_FAILED_PRECONDITION,
			"this service may not erase or prune: its log is in a database, and it was started without "
			"--keeper-db URL, which names the role that may. Ask a service that has it");
	else if (lf_jobs_add(service->jobs, job, checker->error) == LF_OK) {
		answer(service->jobs, job->id, closure, call);
		return;
	}
	lf_send_error(call, checker->error);
}

void lf_keeping_start_erase(Leadfit__V1__Keeping_Service *service, const Leadfit__V1__StartEraseRequest *request,
	Leadfit__V1__Job_Closure closure, void *closure_data)
{
	struct lf_job *job = new_job(closure_data, LEADFIT__V1__JOB_KIND__ERASE);
	struct lf_error error = LF_ERROR_INIT;
	struct lf_checker checker = {.error = &error};

	if (job == NULL)
		return;
	if (lf_check_id(&checker, "candidate", request->candidate) && *request->reason != '\0' &&
		lf_mentions(request->reason, request->candidate))
		lf_check_fail(&checker, "reason", "has the candidate's id: it is kept in the log");
	if (request->reason[strspn(request->reason, " \t\r\n")] == '\0')
		lf_check_fail(&checker, "reason", "is required");
	lf_check_text(&checker, "reason", request->reason, LF_TEXT_BYTES_MAX);
	snprintf(job->candidate, sizeof(job->candidate), "%s", request->candidate);
	snprintf(job->reason, sizeof(job->reason), "%s", request->reason);
	start(LF_CONTAINER_OF(service, struct lf_keeping_service, base), job, &checker, closure, closure_data);
}

/* So many calendar months before, at the same time of day; on the month's last day where it has no such day. */
static time_t months_before(time_t now, int months)
{
	struct tm day, then;
	time_t result;

	gmtime_r(&now, &day);
	then = day;
	then.tm_mon -= months;
	result = timegm(&then);
	if (then.tm_mday != day.tm_mday) {
		then.tm_mday = 0;
		result = timegm(&then);
	}
	return result;
}

static void check_before(const Leadfit__V1__StartPruneRequest *request, struct lf_job *job, struct lf_checker *checker)
{
	const time_t now = time(NULL), limit = months_before(now, MONTHS_MIN);
	struct tm day;
	char text[32];

	if (request->before == NULL) {
		lf_check_fail(checker, "before", "is required");
	} else if (!lf_timestamp_read(request->before, &job->before_us)) {
		lf_check_fail(checker, "before", "is outside the years 1..9999");
	} else if (job->before_us > ((int64_t)now + 1) * 1000000) {
		lf_check_fail(checker, "before", "is in the future");
	} else if (job->before_us > (int64_t)limit * 1000000 && !request->allow_under_six_months) {
		gmtime_r(&limit, &day);
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &day);
		lf_check_fail(checker, "before",
			"is less than %d months ago (the limit is %s): allow_under_six_months allows that", MONTHS_MIN,
			text);
	}
}

void lf_keeping_start_prune(Leadfit__V1__Keeping_Service *service, const Leadfit__V1__StartPruneRequest *request,
	Leadfit__V1__Job_Closure closure, void *closure_data)
{
	struct lf_job *job = new_job(closure_data, LEADFIT__V1__JOB_KIND__PRUNE);
	struct lf_error error = LF_ERROR_INIT;
	struct lf_checker checker = {.error = &error};

	if (job == NULL)
		return;
	check_before(request, job, &checker);
	lf_check_text(&checker, "reason", request->reason, LF_TEXT_BYTES_MAX);
	job->dry_run = request->dry_run;
	snprintf(job->reason, sizeof(job->reason), "%s",
		*request->reason != '\0' ? request->reason : "older than is kept");
	start(LF_CONTAINER_OF(service, struct lf_keeping_service, base), job, &checker, closure, closure_data);
}

/* ---- asking ---- */

void lf_jobs_get(Leadfit__V1__Jobs_Service *service, const Leadfit__V1__GetJobRequest *request,
	Leadfit__V1__Job_Closure closure, void *closure_data)
{
	struct lf_jobs *jobs = LF_CONTAINER_OF(service, struct lf_jobs_service, base)->keeping->jobs;
	struct lf_error error = LF_ERROR_INIT;

	if (request->job_id != 0) {
		answer(jobs, request->job_id, closure, closure_data);
		return;
	}
	lf_error_add(&error, "job_id", "is required");
	lf_error_summarize(&error);
	lf_send_error(closure_data, &error);
}

/* Fills the response from the arena. */
static enum lf_code list(struct lf_jobs *jobs, const Leadfit__V1__ListJobsRequest *request, struct lf_arena *arena,
	Leadfit__V1__ListJobsResponse *response, struct lf_error *error)
{
	const size_t max = request->page_size == 0 ? PAGE_DEFAULT : request->page_size;
	uint64_t ids[PAGE_MAX];
	size_t count;
	bool more;

	if (request->page_size > PAGE_MAX) {
		lf_error_add(error, "page_size", "%" PRIu32 " is outside 0..%d", request->page_size, PAGE_MAX);
		lf_error_summarize(error);
		return error->code;
	}
	count = lf_jobs_list_ids(jobs, request->before_job, ids, max, &more);
	response->jobs = lf_arena_zalloc(arena, count + 1, sizeof(Leadfit__V1__Job *));
	if (response->jobs == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory to list jobs with");
	for (size_t i = 0; i < count && error->code == LF_OK; i++)
		response->jobs[i] = read_job(jobs, ids[i], arena, error);
	response->n_jobs = count;
	response->next = more && count > 0 ? ids[count - 1] : 0;
	return error->code;
}

void lf_jobs_list(Leadfit__V1__Jobs_Service *service, const Leadfit__V1__ListJobsRequest *request,
	Leadfit__V1__ListJobsResponse_Closure closure, void *closure_data)
{
	Leadfit__V1__ListJobsResponse response = LEADFIT__V1__LIST_JOBS_RESPONSE__INIT;
	struct lf_error error = LF_ERROR_INIT;

	if (list(LF_CONTAINER_OF(service, struct lf_jobs_service, base)->keeping->jobs, request,
		    lf_rpc_arena(closure_data), &response, &error) != LF_OK)
		lf_send_error(closure_data, &error);
	else
		closure(&response, closure_data);
}
