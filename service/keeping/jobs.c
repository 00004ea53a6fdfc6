#include "service/keeping/jobs.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/clock.h"
#include "proto/base/forget.h"
#include "proto/base/thread.h"
#include "service/events/events.h"
#include "service/keeping/walk.h"
#include "service/state/state.h"
#include "storage/log/log.h"

enum { RETRY_S_FIRST = 1, RETRY_S_MAX = 60 };

/* A job: the records that began and ended it. */
struct entry {
	uint64_t id, ended_by; /* ended_by 0: it has not ended */
};

struct lf_jobs {
	struct lf_state *state;
	pthread_t thread;
	pthread_mutex_t adding; /* one at a time: looking for the same one, its commit, its entry. Outermost */
	pthread_mutex_t lock;   /* of all below, but job */
	pthread_cond_t wake;
	bool stopping;
	struct entry *entries; /* by id */
	size_t count, room;
	uint64_t current; /* id of the job that the thread is at, or that waits to be tried again; 0: none */
	struct lf_job_progress progress; /* of that one */
	struct lf_job_counts counts;     /* of that one */
	struct lf_job job;               /* the thread's own */
};

/* ---- the index ---- */

static struct entry *find(struct lf_jobs *jobs, uint64_t id)
{
	size_t low = 0, high = jobs->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (jobs->entries[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < jobs->count && jobs->entries[low].id == id ? &jobs->entries[low] : NULL;
}

static bool make_room(struct lf_jobs *jobs)
{
	const size_t room = jobs->room == 0 ? 64 : 2 * jobs->room;
	struct entry *entries;

	if (jobs->count < jobs->room)
		return true;
	entries = realloc(jobs->entries, room * sizeof(*entries));
	if (entries == NULL)
		return false;
	jobs->entries = entries;
	jobs->room = room;
	return true;
}

struct loading {
	struct lf_jobs *jobs;
	bool exhausted;
};

static void load(void *context, uint64_t id, uint64_t ends)
{
	struct loading *loading = context;
	struct lf_jobs *jobs = loading->jobs;
	struct entry *ended = ends == 0 ? NULL : find(jobs, ends);

	if (ended != NULL)
		ended->ended_by = id;
	if (ends != 0)
		return;
	loading->exhausted |= !make_room(jobs);
	if (!loading->exhausted)
		jobs->entries[jobs->count++] = (struct entry){id, 0};
}

size_t lf_jobs_list_ids(struct lf_jobs *jobs, uint64_t before, uint64_t *ids, size_t max, bool *more)
{
	size_t count = 0, at;

	pthread_mutex_lock(&jobs->lock);
	at = jobs->count;
	while (at > 0 && before != 0 && jobs->entries[at - 1].id >= before)
		at--;
	while (at > 0 && count < max)
		ids[count++] = jobs->entries[--at].id;
	pthread_mutex_unlock(&jobs->lock);
	*more = at > 0;
	return count;
}

/* ---- asking ---- */

enum lf_code lf_jobs_read(
	struct lf_jobs *jobs, uint64_t id, struct lf_job *job, struct lf_job_progress *progress, struct lf_error *error)
{
	struct lf_job_counts counts;
	struct entry *entry;
	uint64_t ended_by;
	bool current;

	*progress = (struct lf_job_progress){.state = LEADFIT__V1__JOB_STATE__WAITING};
	pthread_mutex_lock(&jobs->lock);
	entry = find(jobs, id);
	ended_by = entry == NULL ? 0 : entry->ended_by;
	current = entry != NULL && ended_by == 0 && jobs->current == id;
	if (current) {
		*progress = jobs->progress;
		counts = jobs->counts;
	}
	pthread_mutex_unlock(&jobs->lock);
	if (entry == NULL)
		return lf_error_set(error, LF_NOT_FOUND, "there is no job %llu", (unsigned long long)id);
	if (lf_job_read(job, jobs->state->log, id, ended_by, error) != LF_OK)
		return error->code;
	if (current)
		job->counts = counts;
	if (ended_by != 0)
		progress->state = *job->failure == '\0' ? LEADFIT__V1__JOB_STATE__DONE : LEADFIT__V1__JOB_STATE__FAILED;
	if (*job->failure != '\0')
		snprintf(progress->problem, sizeof(progress->problem), "%s", job->failure);
	return LF_OK;
}

/* ---- adding ---- */

static bool is_same(const struct lf_job *left, const struct lf_job *right)
{
	return left->kind == right->kind && strcmp(left->reason, right->reason) == 0 &&
		strcmp(left->candidate, right->candidate) == 0 && left->before_us == right->before_us &&
		left->dry_run == right->dry_run && *left->failure == '\0';
}

/* Ids of those that have not ended. */
static size_t list_unended(struct lf_jobs *jobs, uint64_t ids[LF_JOBS_UNENDED_MAX])
{
	size_t count = 0;

	pthread_mutex_lock(&jobs->lock);
	for (size_t i = jobs->count; i > 0 && count < LF_JOBS_UNENDED_MAX; i--)
		if (jobs->entries[i - 1].ended_by == 0)
			ids[count++] = jobs->entries[i - 1].id;
	pthread_mutex_unlock(&jobs->lock);
	return count;
}

/* *found: the same one is at work or waits, and *job is it. Once only its file is to be rewritten, it is not the same. */
static enum lf_code find_same(
	struct lf_jobs *jobs, struct lf_job *job, size_t *unended, bool *found, struct lf_error *error)
{
	uint64_t ids[LF_JOBS_UNENDED_MAX];
	struct lf_job *other = malloc(sizeof(*other));

	if (other == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for the job");
	*found = false;
	*unended = list_unended(jobs, ids);
	for (size_t i = 0; i < *unended && !*found && error->code == LF_OK; i++)
		*found = lf_job_read(other, jobs->state->log, ids[i], 0, error) == LF_OK && is_same(other, job);
	if (*found)
		*job = *other;
	explicit_bzero(other, sizeof(*other));
	free(other);
	return error->code;
}

static enum lf_code add(struct lf_jobs *jobs, struct lf_job *job, struct lf_error *error)
{
	size_t unended;
	bool found, has_room;

	if (find_same(jobs, job, &unended, &found, error) != LF_OK || found)
		return error->code;
	if (unended == LF_JOBS_UNENDED_MAX)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED,
			"%d jobs have not ended: try again when some have (leadfit jobs list)", LF_JOBS_UNENDED_MAX);
	pthread_mutex_lock(&jobs->lock);
	has_room = make_room(jobs);
	pthread_mutex_unlock(&jobs->lock);
	if (!has_room)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for the job");
	if (lf_job_record_start(job, jobs->state->log, error) != LF_OK)
		return error->code;
	pthread_mutex_lock(&jobs->lock);
	jobs->entries[jobs->count++] = (struct entry){job->id, 0};
	pthread_cond_signal(&jobs->wake);
	pthread_mutex_unlock(&jobs->lock);
	return LF_OK;
}

enum lf_code lf_jobs_add(struct lf_jobs *jobs, struct lf_job *job, struct lf_error *error)
{
	enum lf_code code;

	pthread_mutex_lock(&jobs->adding);
	code = add(jobs, job, error);
	pthread_mutex_unlock(&jobs->adding);
	return code;
}

/* ---- doing ---- */

/* After each write, and each slice. */
static void tell(void *context)
{
	struct lf_jobs *jobs = context;

	pthread_mutex_lock(&jobs->lock);
	jobs->counts = jobs->job.counts;
	pthread_mutex_unlock(&jobs->lock);
}

static void say(struct lf_jobs *jobs, Leadfit__V1__JobState state, Leadfit__V1__JobPhase phase, const char *problem)
{
	pthread_mutex_lock(&jobs->lock);
	jobs->counts = jobs->job.counts;
	jobs->progress.state = state;
	jobs->progress.phase = phase;
	snprintf(jobs->progress.problem, sizeof(jobs->progress.problem), "%s", problem);
	pthread_mutex_unlock(&jobs->lock);
}

/* Whether trying again later can help. Else the job fails, and goes on to record that. */
static bool may_pass(enum lf_code code)
{
	return code == LF_UNAVAILABLE || code == LF_RESOURCE_EXHAUSTED || code == LF_CANCELLED || code == LF_ABORTED;
}

/* Takes note of a failure for good. Returns what is left of it: LF_OK, or a code that may pass. */
static enum lf_code fail(struct lf_job *job, struct lf_error *error)
{
	if (error->code == LF_OK || may_pass(error->code))
		return error->code;
	snprintf(job->failure, sizeof(job->failure), "%s", error->message);
	lf_error_clean_up(error);
	lf_error_init(error);
	return LF_OK;
}

/* Goes through the log, unless that is done. Then nothing of whom the job is about is left in its own record, either. */
static enum lf_code walk(struct lf_jobs *jobs, struct lf_error *error)
{
	struct lf_job *job = &jobs->job;
	const struct lf_job_run run = {.state = jobs->state, .job = job, .tell = tell, .context = jobs};
	const bool erases = job->kind == LEADFIT__V1__JOB_KIND__ERASE;
	struct lf_redaction redaction;
	Leadfit__V1__JobBody body;

	if (*job->failure != '\0' || (erases && *job->candidate == '\0'))
		return LF_OK;
	(erases ? lf_erase_walk : lf_prune_walk)(&run, error);
	if (fail(job, error) != LF_OK || !erases)
		return error->code;
	explicit_bzero(job->candidate, sizeof(job->candidate));
	lf_job_body(job, &body);
	lf_redaction_init(&redaction, &run);
	lf_redaction_forget(&redaction, &body, error);
	lf_redaction_clean_up(&redaction);
	return error->code;
}

/* Rewrites the file. A log that is no file is cleaned by means of its own, and then only what is in memory goes here. */
static enum lf_code vacuum(struct lf_jobs *jobs, struct lf_error *error)
{
	struct lf_job *job = &jobs->job;
	struct lf_chore chore = {.what = LF_CHORE_VACUUM};
	enum lf_code code;

	if (*job->failure != '\0' || job->dry_run)
		return LF_OK;
	say(jobs, LEADFIT__V1__JOB_STATE__RUNNING, LEADFIT__V1__JOB_PHASE__VACUUMING, "");
	code = lf_log_do(jobs->state->log, &chore, error);
	if (code == LF_UNIMPLEMENTED) {
		lf_error_clean_up(error);
		code = LF_OK;
	}
	if (code == LF_OK) {
		job->counts.bytes_before = chore.bytes_before;
		job->counts.bytes_after = chore.bytes;
		lf_state_forget(jobs->state);
	}
	return fail(job, error);
}

/*
 * What is known of a job beside the log, before it does anything: a log that is lost, or replaced by a backup, doesn't
 * have it.
 */
static enum lf_code note(struct lf_jobs *jobs, struct lf_error *error)
{
	const struct lf_erased_list one = {.items = &jobs->job.erased, .count = 1};

	if (jobs->state->erased == NULL || !jobs->job.marked)
		return LF_OK;
	return lf_erased_merge(jobs->state->erased, &one, error);
}

/* The whole job, or what is left of it. Anything but LF_OK: it is to be tried again. *ended_by: the record of its end. */
static enum lf_code run_job(struct lf_jobs *jobs, uint64_t id, uint64_t *ended_by, struct lf_error *error)
{
	struct lf_job *job = &jobs->job;

	if (lf_job_read(job, jobs->state->log, id, 0, error) == LF_DATA_LOSS) {
		job->id = id;
		snprintf(job->caller, sizeof(job->caller), "leadfitd");
	}
	if (fail(job, error) != LF_OK ||
		(*job->failure == '\0' && lf_job_count_steps(job, jobs->state->log, error) != LF_OK))
		return error->code;
	if (note(jobs, error) != LF_OK)
		return error->code;
	say(jobs, LEADFIT__V1__JOB_STATE__RUNNING, LEADFIT__V1__JOB_PHASE__WALKING, "");
	if (walk(jobs, error) != LF_OK || vacuum(jobs, error) != LF_OK)
		return error->code;
	return lf_job_record_end(job, jobs->state->log, ended_by, error);
}

/* ---- the thread ---- */

/* Waits for a job that has not ended, and may be done here: the oldest. 0: it is time to end. */
static uint64_t await_job(struct lf_jobs *jobs)
{
	uint64_t id = 0;

	pthread_mutex_lock(&jobs->lock);
	while (id == 0 && !jobs->stopping) {
		for (size_t i = 0; i < jobs->count && id == 0 && !jobs->state->keeperless; i++)
			id = jobs->entries[i].ended_by == 0 ? jobs->entries[i].id : 0;
		if (id == 0)
			pthread_cond_wait(&jobs->wake, &jobs->lock);
	}
	id = jobs->stopping ? 0 : id;
	if (id != 0 && jobs->current != id) {
		jobs->current = id;
		jobs->progress = (struct lf_job_progress){.state = LEADFIT__V1__JOB_STATE__WAITING};
		jobs->counts = (struct lf_job_counts){.decisions = 0};
	}
	pthread_mutex_unlock(&jobs->lock);
	return id;
}

/* Until it is worth while to try again; less long where a job was added, or the thread is to end. */
static void wait_before_retry(struct lf_jobs *jobs, unsigned seconds)
{
	const struct timespec until = lf_clock_after_ns((uint64_t)seconds * 1000000000);

	pthread_mutex_lock(&jobs->lock);
	if (!jobs->stopping)
		pthread_cond_timedwait(&jobs->wake, &jobs->lock, &until);
	pthread_mutex_unlock(&jobs->lock);
}

/* Completes the list beside the log from what the log has: it may be a new one, or an older copy. That it fails is said. */
static void note_ended(struct lf_jobs *jobs)
{
	struct lf_erased_list list = {.count = 0};
	struct lf_error error = LF_ERROR_INIT;
	const size_t count = jobs->state->erased == NULL ? 0 : jobs->count;

	/* The entries that were there at the start: only this thread changes them. */
	for (size_t i = 0; i < count && error.code == LF_OK; i++) {
		uint64_t id;

		pthread_mutex_lock(&jobs->lock);
		id = jobs->entries[i].ended_by == 0 || jobs->stopping ? 0 : jobs->entries[i].id;
		pthread_mutex_unlock(&jobs->lock);
		if (id != 0 && lf_job_read(&jobs->job, jobs->state->log, id, 0, &error) == LF_OK && jobs->job.marked)
			lf_erased_add(&list, &jobs->job.erased, &error);
	}
	if (error.code == LF_OK && list.count > 0)
		lf_erased_merge(jobs->state->erased, &list, &error);
	if (error.code != LF_OK)
		lf_event_say(LF_EVENT_ERASED_LIST_FAILED, "%s", error.message);
	lf_error_clean_up(&error);
	lf_erased_clean_up(&list);
}

static void say_end(const struct lf_job *job)
{
	const struct lf_event_field fields[] = {
		lf_event_said(lf_event_number("job", job->id)), lf_event_number("decisions", job->counts.decisions)};

	if (*job->failure == '\0')
		lf_event_say_with(LF_EVENT_JOB_DONE, fields, 2, "job %" PRIu64 " is done", job->id);
	else
		lf_event_say_with(LF_EVENT_JOB_FAILED, fields, 2, "job %" PRIu64 " failed: %s", job->id, job->failure);
}

static void *run(void *context)
{
	struct lf_jobs *jobs = context;
	unsigned retry_s = RETRY_S_FIRST;
	uint64_t id;

	note_ended(jobs);
	while ((id = await_job(jobs)) != 0) {
		struct lf_error error = LF_ERROR_INIT;
		const struct lf_event_field field = lf_event_said(lf_event_number("job", id));
		uint64_t ended_by = 0;

		if (run_job(jobs, id, &ended_by, &error) == LF_OK) {
			pthread_mutex_lock(&jobs->lock);
			find(jobs, id)->ended_by = ended_by;
			jobs->current = 0;
			pthread_mutex_unlock(&jobs->lock);
			retry_s = RETRY_S_FIRST;
			lf_count(*jobs->job.failure == '\0' ? &jobs->state->figures.jobs_done
							    : &jobs->state->figures.jobs_failed);
			say_end(&jobs->job);
		} else {
			say(jobs, LEADFIT__V1__JOB_STATE__WAITING, LEADFIT__V1__JOB_PHASE__JOB_PHASE_UNSPECIFIED,
				error.message);
			if (error.code != LF_CANCELLED) /* it goes on after the next start */
				lf_event_say_with(LF_EVENT_JOB_WAITS, &field, 1,
					"job %" PRIu64 " failed, and will be tried again: %s", id, error.message);
			wait_before_retry(jobs, retry_s);
			retry_s = 2 * retry_s < RETRY_S_MAX ? 2 * retry_s : RETRY_S_MAX;
		}
		explicit_bzero(&jobs->job, sizeof(jobs->job));
		lf_error_clean_up(&error);
		lf_forget_stack();
	}
	return NULL;
}

static void destroy(struct lf_jobs *jobs)
{
	pthread_cond_destroy(&jobs->wake);
	pthread_mutex_destroy(&jobs->lock);
	pthread_mutex_destroy(&jobs->adding);
	free(jobs->entries);
	free(jobs);
}

enum lf_code lf_job_thread_start(struct lf_jobs **out, struct lf_state *state, struct lf_error *error)
{
	struct lf_jobs *jobs = calloc(1, sizeof(*jobs));
	struct loading loading = {.jobs = jobs};

	*out = NULL;
	if (jobs == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for jobs");
	jobs->state = state;
	pthread_mutex_init(&jobs->adding, NULL);
	pthread_mutex_init(&jobs->lock, NULL);
	lf_cond_init(&jobs->wake);
	if (lf_job_list_records(state->log, load, &loading, error) == LF_OK) {
		if (loading.exhausted)
			lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for jobs");
		else if (lf_thread_start(&jobs->thread, run, jobs) != 0)
			lf_error_set(error, LF_RESOURCE_EXHAUSTED, "can't start a thread");
	}
	if (error->code != LF_OK)
		destroy(jobs);
	else
		*out = jobs;
	return error->code;
}

void lf_job_thread_stop(struct lf_jobs *jobs)
{
	if (jobs == NULL)
		return;
	pthread_mutex_lock(&jobs->lock);
	jobs->stopping = true;
	pthread_cond_signal(&jobs->wake);
	pthread_mutex_unlock(&jobs->lock);
	pthread_join(jobs->thread, NULL);
	destroy(jobs);
}
