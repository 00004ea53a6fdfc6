/* The time that orders the log and the time that the clock says, where they are apart: both are in a decision. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdatomic.h>
#include <unistd.h>

#include "leadfit/v1/decisions.pb-c.h"
#include "leadfit/v1/jobs.pb-c.h"
#include "leadfit/v1/keeping.pb-c.h"
#include "proto/wire/borrow.h"
#include "storage/log/log.h"
#include "tests/service/daemon.h"
#include "tests/service/in_process.h"

enum { SECOND = 1000 * 1000, DAY = 86400, RIGHT = 1790000000 };

static atomic_llong now;

static int64_t clock_us(void)
{
	return atomic_load(&now);
}

static void set_clock(int64_t seconds)
{
	atomic_store(&now, seconds * SECOND);
}

static ProtobufCMessage *call(struct in_process *service, const ProtobufCServiceDescriptor *descriptor,
	const char *method, const ProtobufCMessage *request)
{
	struct lf_error error = LF_ERROR_INIT;
	const ProtobufCMethodDescriptor *found = protobuf_c_service_descriptor_get_method_by_name(descriptor, method);
	ProtobufCMessage *reply =
		in_process_call(service, descriptor, (unsigned)(found - descriptor->methods), request, &error);

	if (reply == NULL)
		fail_msg("%s: %s", method, error.message);
	return reply;
}

static Leadfit__V1__Decision *score(struct in_process *service)
{
	Leadfit__V1__ScoreRequest *request =
		daemon_request("{team: {id: t, members: [{id: ann, discipline: BACKEND}]}, project: {id: p}}");
	ProtobufCMessage *reply = call(service, &leadfit__v1__scoring__descriptor, "Score", &request->base);

	leadfit__v1__score_request__free_unpacked(request, NULL);
	return (Leadfit__V1__Decision *)reply;
}

static Leadfit__V1__Decision *get(struct in_process *service, char *id)
{
	Leadfit__V1__GetDecisionRequest request = LEADFIT__V1__GET_DECISION_REQUEST__INIT;

	request.decision_id = id;
	return (Leadfit__V1__Decision *)call(service, &leadfit__v1__decisions__descriptor, "Get", &request.base);
}

static void wait_until_ready(struct in_process *service, bool ready)
{
	while (lf_log_ready(service->log) != ready)
		usleep(10000);
}

static void a_decision_has_both_times_while_the_log_is_ahead_of_the_clock(void **state)
{
	Leadfit__V1__Decision *decision, *stored;
	struct in_process service;

	(void)state;
	set_clock(RIGHT + DAY); /* wrong, while the rubric is put */
	in_process_start_at(&service, clock_us);
	decision = score(&service);
	assert_int_equal(decision->decided_at->seconds, RIGHT + DAY);
	assert_null(decision->clock_at); /* nobody can know it */
	leadfit__v1__decision__free_unpacked(decision, NULL);

	set_clock(RIGHT);
	wait_until_ready(&service, false);
	decision = score(&service);
	assert_int_equal(decision->decided_at->seconds, RIGHT + DAY);
	assert_int_equal(decision->clock_at->seconds, RIGHT);
	stored = get(&service, decision->decision_id);
	assert_int_equal(stored->decided_at->seconds, RIGHT + DAY);
	assert_int_equal(stored->clock_at->seconds, RIGHT);
	leadfit__v1__decision__free_unpacked(stored, NULL);
	leadfit__v1__decision__free_unpacked(decision, NULL);

	set_clock(RIGHT + DAY + 1);
	wait_until_ready(&service, true);
	decision = score(&service);
	assert_int_equal(decision->decided_at->seconds, RIGHT + DAY + 1);
	assert_null(decision->clock_at);
	leadfit__v1__decision__free_unpacked(decision, NULL);
	in_process_end(&service);
}

static void erase(struct in_process *service, char *candidate)
{
	Leadfit__V1__StartEraseRequest start = LEADFIT__V1__START_ERASE_REQUEST__INIT;
	Leadfit__V1__GetJobRequest get_job = LEADFIT__V1__GET_JOB_REQUEST__INIT;
	Leadfit__V1__Job *job;

	start.candidate = candidate;
	start.reason = lf_unconst("asked");
	job = (Leadfit__V1__Job *)call(service, &leadfit__v1__keeping__descriptor, "StartErase", &start.base);
	get_job.job_id = job->job_id;
	while (job->state != LEADFIT__V1__JOB_STATE__DONE) {
		assert_int_not_equal(job->state, LEADFIT__V1__JOB_STATE__FAILED);
		leadfit__v1__job__free_unpacked(job, NULL);
		usleep(10000);
		job = (Leadfit__V1__Job *)call(service, &leadfit__v1__jobs__descriptor, "Get", &get_job.base);
	}
	leadfit__v1__job__free_unpacked(job, NULL);
}

/* Started a day ahead of the clock, which is right from then on. */
static void start_ahead(struct in_process *service)
{
	set_clock(RIGHT + DAY);
	in_process_start_at(service, clock_us);
	set_clock(RIGHT);
	wait_until_ready(service, false);
}

static void both_times_stay_when_a_person_is_erased(void **state)
{
	Leadfit__V1__Decision *decision, *stored;
	struct in_process service;

	(void)state;
	start_ahead(&service);
	decision = score(&service);
	erase(&service, lf_unconst("ann"));
	stored = get(&service, decision->decision_id);
	assert_int_equal(stored->n_redactions, 1);
	assert_int_equal(stored->decided_at->seconds, RIGHT + DAY);
	assert_int_equal(stored->clock_at->seconds, RIGHT);
	leadfit__v1__decision__free_unpacked(stored, NULL);
	leadfit__v1__decision__free_unpacked(decision, NULL);
	in_process_end(&service);
}

static void a_batch_has_both_times_too(void **state)
{
	Leadfit__V1__ScoreBatchRequest *batch;
	Leadfit__V1__ScoreBatchResponse *results;
	struct in_process service;

	(void)state;
	start_ahead(&service);
	batch = (Leadfit__V1__ScoreBatchRequest *)daemon_message(&leadfit__v1__score_batch_request__descriptor,
		"{full: true, teams: [{id: t, members: [{id: ann, discipline: BACKEND}]}],"
		" projects: [{id: p}], items: [{team: 0, project: 0}]}");
	results = (Leadfit__V1__ScoreBatchResponse *)call(
		&service, &leadfit__v1__scoring__descriptor, "ScoreBatch", &batch->base);
	assert_int_equal(results->n_results, 1);
	assert_int_equal(results->results[0]->decision->clock_at->seconds, RIGHT);
	leadfit__v1__score_batch_response__free_unpacked(results, NULL);
	leadfit__v1__score_batch_request__free_unpacked(batch, NULL);
	in_process_end(&service);
}

int main(void)
{
	const struct CMUnitTest claims[] = {
		cmocka_unit_test(a_decision_has_both_times_while_the_log_is_ahead_of_the_clock),
		cmocka_unit_test(a_batch_has_both_times_too),
		cmocka_unit_test(both_times_stay_when_a_person_is_erased),
	};

	return cmocka_run_group_tests(claims, NULL, NULL);
}
