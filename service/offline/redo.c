/* Doing again in a copy what it knows nothing of. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/base/dates.h"
#include "proto/base/harmless.h"
#include "service/keeping/jobs.h"
#include "service/offline/redo.h"
#include "service/state/registry.h"
#include "service/state/state.h"
#include "storage/backends/backends.h"
#include "storage/log/log.h"

enum { POLL_US = 20 * 1000 };

/* What is to be done in the copy. */
struct plan {
	const struct lf_redo *redo;
	struct lf_redo_log has;
	struct lf_redo_ids ids;
	size_t missing; /* of redo->known in the copy */
};

/* ---- is it to be done? ---- */

static enum lf_code refuse(struct lf_error *error, const char *why)
{
	return lf_error_set(error, LF_FAILED_PRECONDITION,
		"%s: restoring could bring back people who were erased since; to restore nevertheless, and erase them "
		"again yourself: --forget-erasures",
		why);
}

static enum lf_code judge(const struct plan *plan, struct lf_error *error)
{
	const struct lf_redo *redo = plan->redo;
	char why[512];

	if (redo->unreadable.code != LF_OK && !redo->list_found) {
		snprintf(why, sizeof(why),
			"the log can't be read (%.300s), and there is no list of erasures with the checkpoints",
			redo->unreadable.message);
		return refuse(error, why);
	}
	if (redo->unmarked > plan->has.unmarked) {
		snprintf(why, sizeof(why),
			"the log has erasures or prunings that the backup does not have (%" PRIu64
			" of its records), and "
			"that do not say of whom, as they are of an older release",
			redo->unmarked - plan->has.unmarked);
		return refuse(error, why);
	}
	if (!redo->log_found && !redo->list_found)
		fputs("leadfitd: there is no log, and no list of erasures with the checkpoints: what was erased since "
		      "the backup, erase again\n",
			stderr);
	return LF_OK;
}

static enum lf_code make_plan(struct plan *plan, const char *copy, struct lf_error *error)
{
	const struct lf_log_options options = {.location = copy, .read_only = true, .reader_count = 1};
	const struct lf_erased_list *known = &plan->redo->known;
	struct lf_log *log;

	if (lf_log_open_by_url(&log, &options, error) != LF_OK)
		return error->code;
	if (lf_redo_read_log(&plan->has, log, error) == LF_OK && judge(plan, error) == LF_OK) {
		for (size_t i = 0; i < known->count; i++)
			plan->missing += !lf_erased_has(&plan->has.done, known->items[i].mark);
		if (plan->missing > 0)
			lf_redo_read_ids(&plan->ids, log, error);
	}
	lf_log_close(log);
	return error->code;
}

/* ---- doing it ---- */

/* Waits until a job has ended. Where it is held up, nobody is here who could help: that is an error. */
static enum lf_code await_end(struct lf_jobs *jobs, uint64_t id, struct lf_job *job, struct lf_error *error)
{
	struct lf_job_progress progress;

	for (;;) {
		if (lf_jobs_read(jobs, id, job, &progress, error) != LF_OK)
			return error->code;
		if (progress.state == LEADFIT__V1__JOB_STATE__DONE)
			return LF_OK;
		if (*progress.problem != '\0')
			return lf_error_set(
				error, LF_UNAVAILABLE, "an erasure or pruning can't be done: %.400s", progress.problem);
		usleep(POLL_US);
	}
}

static void say_done(const struct lf_job *job, const struct lf_erased *erased)
{
	char at[LF_TIME_TEXT_BYTES], before[LF_TIME_TEXT_BYTES];

	lf_print_time(erased->at_us, at);
	lf_print_time(erased->before_us, before);
	printf("again        %s of %s%s%s: %" PRIu64 " decisions, %" PRIu64 " teams and projects, %" PRIu64
	       " outcomes\n",
		erased->pruning ? "pruning" : "erasure", at, erased->pruning ? ", before " : "",
		erased->pruning ? before : "", job->counts.decisions, job->counts.payloads, job->counts.acts);
}

static void say_nobody(const struct lf_erased *erased)
{
	char at[LF_TIME_TEXT_BYTES];

	lf_print_time(erased->at_us, at);
	printf("not again    erasure of %s: the person is in no team of the backup; where a text there names them, it "
	       "still does\n",
		at);
}

static const char *find_person(const struct lf_redo_ids *ids, const struct lf_erased *erased)
{
	for (size_t i = 0; i < ids->count; i++) {
		const struct lf_digest who = lf_erased_hash(erased->mark, ids->ids[i]);

		if (lf_digest_equal(&who, &erased->who))
			return ids->ids[i];
	}
	return NULL;
}

static enum lf_code do_one(const struct plan *plan, struct lf_jobs *jobs, const struct lf_erased *erased,
	struct lf_job *job, struct lf_error *error)
{
	const char *id = erased->pruning ? NULL : find_person(&plan->ids, erased);
	char at[LF_TIME_TEXT_BYTES];

	if (id == NULL && !erased->pruning) {
		say_nobody(erased);
		return LF_OK;
	}
	lf_print_time(erased->at_us, at);
	memset(job, 0, sizeof(*job));
	job->kind = erased->pruning ? LEADFIT__V1__JOB_KIND__PRUNE : LEADFIT__V1__JOB_KIND__ERASE;
	job->erased = *erased;
	job->marked = true;
	job->before_us = erased->before_us;
	snprintf(job->caller, sizeof(job->caller), "leadfitd restore");
	snprintf(job->reason, sizeof(job->reason), "again, in a restored backup: asked for at %s", at);
	snprintf(job->candidate, sizeof(job->candidate), "%s", id == NULL ? "" : id);
	if (lf_jobs_add(jobs, job, error) == LF_OK && await_end(jobs, job->id, job, error) == LF_OK)
		say_done(job, erased);
	return error->code;
}

static enum lf_code do_all(const struct plan *plan, struct lf_state *state, struct lf_error *error)
{
	const struct lf_erased_list *known = &plan->redo->known;
	struct lf_job *job = malloc(sizeof(*job));
	struct lf_jobs *jobs = NULL;

	if (job == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for the job");
	if (lf_job_thread_start(&jobs, state, error) == LF_OK) {
		for (size_t i = 0; i < plan->has.unended_count && error->code == LF_OK; i++)
			if (await_end(jobs, plan->has.unended[i], job, error) == LF_OK)
				printf("ended        job %" PRIu64 " of the backup\n", plan->has.unended[i]);
		for (size_t i = 0; i < known->count && error->code == LF_OK; i++)
			if (!lf_erased_has(&plan->has.done, known->items[i].mark))
				do_one(plan, jobs, &known->items[i], job, error);
	}
	atomic_store(&state->draining, true);
	lf_job_thread_stop(jobs);
	explicit_bzero(job, sizeof(*job));
	free(job);
	return error->code;
}

static enum lf_code work(const struct plan *plan, const char *copy, struct lf_error *error)
{
	const struct lf_log_options options = {.location = copy};
	struct lf_registry *registry = NULL;
	struct lf_state state;
	struct lf_log *log;

	if (lf_log_open_by_url(&log, &options, error) != LF_OK)
		return error->code;
	if (lf_registry_new(&registry, log, error) == LF_OK && lf_state_init(&state, log, registry, error) == LF_OK) {
		do_all(plan, &state, error);
		lf_state_end_chores(&state);
		lf_log_close(log);
		lf_state_clean_up(&state);
	} else {
		lf_log_close(log);
	}
	lf_registry_destroy(registry);
	return error->code;
}

int lf_redo_in(const struct lf_redo *redo, const char *copy, bool *changed)
{
	struct plan plan = {.redo = redo};
	struct lf_error error = LF_ERROR_INIT;
	int status = 0;

	*changed = false;
	if (redo->forget) {
		puts("not again    what was erased and pruned since the backup: --forget-erasures");
		return 0;
	}
	if (make_plan(&plan, copy, &error) == LF_OK && (plan.missing > 0 || plan.has.unended_count > 0)) {
		*changed = true;
		work(&plan, copy, &error);
	}
	if (error.code != LF_OK) {
		lf_print_line(stderr, "leadfitd: %s", error.message);
		status = lf_code_exit_status(error.code);
	}
	lf_error_clean_up(&error);
	lf_redo_log_clean_up(&plan.has);
	lf_redo_ids_clean_up(&plan.ids);
	return status;
}
