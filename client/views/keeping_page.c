#include "client/views/keeping_page.h"

#include <inttypes.h>

/* "3 decisions", "1 decision". */
static void print_count(struct lf_page *page, uint64_t count, const char *one, const char *many)
{
	lf_page_add(page, LF_PLAIN, "%" PRIu64 " %s", count, count == 1 ? one : many);
}

static void print_sizes(struct lf_page *page, uint64_t before, uint64_t after)
{
	lf_page_add(page, LF_PLAIN, "The log's files: %.1f MB before, %.1f MB now.\n", (double)before / 1e6,
		(double)after / 1e6);
}

static void print_longer(struct lf_page *page, uint64_t texts)
{
	if (texts == 0)
		return;
	print_count(page, texts, "text has", "texts have");
	lf_page_add(page, LF_PLAIN, " the id within a longer word, as a mail address has, and stayed as they were.\n");
}

void lf_erased_print(struct lf_page *page, const Leadfit__V1__PersonErased *sums)
{
	lf_page_add(page, LF_PLAIN, "Erased from ");
	print_count(page, sums->decisions, "decision, ", "decisions, ");
	print_count(page, sums->payloads, "team or project, ", "teams and projects, ");
	print_count(page, sums->acts, "other record.\n", "other records.\n");
	print_sizes(page, sums->bytes_before, sums->bytes_after);
	print_longer(page, sums->longer_words);
	lf_page_title(page, "Out of reach");
	for (size_t i = 0; i < sums->n_out_of_reach; i++)
		lf_page_item(page, sums->out_of_reach[i]);
}

void lf_pruned_print(struct lf_page *page, const Leadfit__V1__LogPruned *sums)
{
	char time[LF_TIME_BYTES];

	lf_time_print(sums->before->seconds, time);
	lf_page_add(page, LF_PLAIN, "%s ", sums->dry_run ? "Would prune" : "Pruned");
	print_count(page, sums->decisions, "decision", "decisions");
	lf_page_add(page, LF_PLAIN, " made before %s, and ", time);
	print_count(page, sums->payloads, "team or project", "teams and projects");
	lf_page_add(page, LF_PLAIN, " (%.1f MB). ", (double)sums->payload_bytes / 1e6);
	print_count(page, sums->kept_payloads, "team or project is", "teams and projects are");
	lf_page_add(page, LF_PLAIN, " kept for younger decisions.\n");
	if (sums->bytes_after != 0)
		print_sizes(page, sums->bytes_before, sums->bytes_after);
}

/* ---- jobs ---- */

static const char *kind_text(const Leadfit__V1__Job *job)
{
	if (job->kind == LEADFIT__V1__JOB_KIND__ERASE)
		return "erase";
	return job->kind == LEADFIT__V1__JOB_KIND__PRUNE ? (job->dry_run ? "prune, dry run" : "prune") : "unknown";
}

static const char *state_text(const Leadfit__V1__Job *job)
{
	switch (job->state) {
	case LEADFIT__V1__JOB_STATE__WAITING:
		return *job->problem != '\0' ? "waiting to try again" : "waiting";
	case LEADFIT__V1__JOB_STATE__RUNNING:
		return job->phase == LEADFIT__V1__JOB_PHASE__VACUUMING ? "rewriting the file" : "running";
	case LEADFIT__V1__JOB_STATE__DONE:
		return "done";
	case LEADFIT__V1__JOB_STATE__FAILED:
		return "failed";
	default:
		return "unknown";
	}
}

void lf_jobs_print(struct lf_page *page, const Leadfit__V1__ListJobsResponse *list)
{
	struct lf_table table;
	char time[LF_TIME_BYTES];

	if (list->n_jobs == 0) {
		lf_page_add(page, LF_PLAIN, "There are no jobs.\n");
		return;
	}
	lf_table_init(&table, page);
	lf_table_column(&table, "job", LF_COLUMN_RIGHT);
	lf_table_column(&table, "started (UTC)", 0);
	lf_table_column(&table, "by", LF_COLUMN_CUT);
	lf_table_column(&table, "what", 0);
	lf_table_column(&table, "state", 0);
	lf_table_column(&table, "decisions", LF_COLUMN_RIGHT);
	lf_table_column(&table, "reason", LF_COLUMN_CUT);
	for (size_t i = 0; i < list->n_jobs; i++) {
		const Leadfit__V1__Job *job = list->jobs[i];

		lf_time_print(job->started_at == NULL ? 0 : job->started_at->seconds, time);
		lf_table_line(&table, LF_PLAIN);
		lf_table_cell(&table, 0, "%" PRIu64, job->job_id);
		lf_table_cell(&table, 1, "%.16s", time);
		lf_table_cell(&table, 2, "%s", job->started_by);
		lf_table_cell(&table, 3, "%s", kind_text(job));
		lf_table_cell(&table, 4, "%s", state_text(job));
		lf_table_cell(&table, 5, "%" PRIu64, job->decisions);
		lf_table_cell(&table, 6, "%s", job->reason);
	}
	lf_table_finish(&table, true);
}

void lf_job_print(struct lf_page *page, const Leadfit__V1__Job *job)
{
	char time[LF_TIME_BYTES];

	lf_page_add(page, LF_BOLD, "Job %" PRIu64 " (%s): %s\n", job->job_id, kind_text(job), state_text(job));
	if (*job->problem != '\0')
		lf_page_wrap(page, "Problem: ", "  ", job->problem);
	lf_time_print(job->started_at == NULL ? 0 : job->started_at->seconds, time);
	lf_page_add(page, LF_PLAIN, "Started by %s, %s", job->started_by, time);
	if (job->ended_at != NULL) {
		lf_time_print(job->ended_at->seconds, time);
		lf_page_add(page, LF_PLAIN, "; ended %s", time);
	}
	lf_page_add(page, LF_PLAIN, "\n");
	lf_page_wrap(page, "Reason: ", "  ", job->reason);
	if (*job->candidate != '\0')
		lf_page_add(page, LF_PLAIN, "Candidate: %s\n", job->candidate);
	if (job->before != NULL) {
		lf_time_print(job->before->seconds, time);
		lf_page_add(page, LF_PLAIN, "Decisions made before %s\n", time);
	}
	lf_page_add(page, LF_PLAIN, job->dry_run ? "Counted: " : "Replaced: ");
	print_count(page, job->decisions, "decision, ", "decisions, ");
	print_count(page, job->payloads, "team or project, ", "teams and projects, ");
	print_count(page, job->acts, "other record.\n", "other records.\n");
	print_longer(page, job->longer_words);
	if (job->bytes_after != 0)
		print_sizes(page, job->bytes_before, job->bytes_after);
	if (job->n_out_of_reach > 0)
		lf_page_title(page, "Out of reach");
	for (size_t i = 0; i < job->n_out_of_reach; i++)
		lf_page_item(page, job->out_of_reach[i]);
}
