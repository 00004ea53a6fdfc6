/* What was taken out of the log, and the jobs that do it, for people. */
#ifndef LF_CLIENT_VIEWS_KEEPING_PAGE_H
#define LF_CLIENT_VIEWS_KEEPING_PAGE_H

#include "client/term/page.h"
#include "leadfit/v1/jobs.pb-c.h"
#include "leadfit/v1/printed.pb-c.h"

/* What an erasure did, and what it can't reach. */
void lf_erased_print(struct lf_page *page, const Leadfit__V1__PersonErased *sums);
/* What a pruning did, or would do. */
void lf_pruned_print(struct lf_page *page, const Leadfit__V1__LogPruned *sums);
/* A line a job, or "There are no jobs." */
void lf_jobs_print(struct lf_page *page, const Leadfit__V1__ListJobsResponse *list);
/* One, with all that is known of it. */
void lf_job_print(struct lf_page *page, const Leadfit__V1__Job *job);

#endif
