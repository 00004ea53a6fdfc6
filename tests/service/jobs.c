#include "tests/service/jobs.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <unistd.h>

#include "proto/wire/borrow.h"
#include "tests/service/history.h"

enum { POLL_MS = 5, WAIT_MS_MAX = 60 * 1000 };

static Leadfit__V1__Job *call(struct lf_client *client, const char *method, const ProtobufCMessage *request)
{
	char message[512];

	return (Leadfit__V1__Job *)history_call(client, method, request, LF_OK, message);
}

Leadfit__V1__Job *jobs_start_erase(struct lf_client *client, const char *candidate, const char *reason)
{
	Leadfit__V1__StartEraseRequest request = LEADFIT__V1__START_ERASE_REQUEST__INIT;

	request.candidate = lf_unconst(candidate);
	request.reason = lf_unconst(reason);
	return call(client, "leadfit.v1.Keeping/StartErase", &request.base);
}

Leadfit__V1__Job *jobs_start_prune(struct lf_client *client, const Google__Protobuf__Timestamp *before, bool dry_run)
{
	Leadfit__V1__StartPruneRequest request = LEADFIT__V1__START_PRUNE_REQUEST__INIT;

	request.before = lf_unconst(before);
	request.allow_under_six_months = true;
	request.dry_run = dry_run;
	return call(client, "leadfit.v1.Keeping/StartPrune", &request.base);
}

Leadfit__V1__Job *jobs_get(struct lf_client *client, uint64_t id)
{
	Leadfit__V1__GetJobRequest request = LEADFIT__V1__GET_JOB_REQUEST__INIT;

	request.job_id = id;
	return call(client, "leadfit.v1.Jobs/Get", &request.base);
}

Leadfit__V1__Job *jobs_await_end(struct lf_client *client, Leadfit__V1__Job *job)
{
	unsigned waited_ms = 0;

	while (job->state != LEADFIT__V1__JOB_STATE__DONE && job->state != LEADFIT__V1__JOB_STATE__FAILED) {
		const uint64_t id = job->job_id;

		if (waited_ms > WAIT_MS_MAX)
			fail_msg("job %llu has not ended: %s", (unsigned long long)id, job->problem);
		leadfit__v1__job__free_unpacked(job, NULL);
		usleep(POLL_MS * 1000);
		waited_ms += POLL_MS;
		job = jobs_get(client, id);
	}
	return job;
}

/* Its numbers. */
static Leadfit__V1__Job done(struct lf_client *client, Leadfit__V1__Job *job)
{
	Leadfit__V1__Job numbers;

	job = jobs_await_end(client, job);
	if (job->state != LEADFIT__V1__JOB_STATE__DONE)
		fail_msg("job %llu: %s", (unsigned long long)job->job_id, job->problem);
	assert_string_equal(job->candidate, "");
	if (job->kind == LEADFIT__V1__JOB_KIND__ERASE)
		assert_true(job->n_out_of_reach > 3);
	assert_true(job->dry_run || job->bytes_after > 0);
	numbers = *job;
	leadfit__v1__job__free_unpacked(job, NULL);
	numbers.problem = numbers.started_by = numbers.reason = numbers.candidate = NULL;
	numbers.started_at = numbers.ended_at = numbers.before = NULL;
	numbers.out_of_reach = NULL;
	return numbers;
}

Leadfit__V1__Job jobs_erase(struct lf_client *client, const char *candidate)
{
	return done(client, jobs_start_erase(client, candidate, "a request of 2026-06-01"));
}

Leadfit__V1__Job jobs_prune(struct lf_client *client, const Google__Protobuf__Timestamp *before, bool dry_run)
{
	return done(client, jobs_start_prune(client, before, dry_run));
}
