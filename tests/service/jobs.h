/* Erasing and pruning by jobs of a service, for tests. What is given back is freed with leadfit__v1__job__free_unpacked(). */
#ifndef LF_TESTS_SERVICE_JOBS_H
#define LF_TESTS_SERVICE_JOBS_H

#include "client/lib/client.h"
#include "leadfit/v1/jobs.pb-c.h"
#include "leadfit/v1/keeping.pb-c.h"

/* Start one. The test fails where that is refused. */
Leadfit__V1__Job *jobs_start_erase(struct lf_client *client, const char *candidate, const char *reason);
Leadfit__V1__Job *jobs_start_prune(struct lf_client *client, const Google__Protobuf__Timestamp *before, bool dry_run);
Leadfit__V1__Job *jobs_get(struct lf_client *client, uint64_t id);
/* Waits until it has ended, whichever way: the test fails where that takes more than a minute. Frees job; gives the ended one. */
Leadfit__V1__Job *jobs_await_end(struct lf_client *client, Leadfit__V1__Job *job);
/* Starts one and waits; the test fails where it is not DONE. Without anything to free. */
Leadfit__V1__Job jobs_erase(struct lf_client *client, const char *candidate);
Leadfit__V1__Job jobs_prune(struct lf_client *client, const Google__Protobuf__Timestamp *before, bool dry_run);

#endif
