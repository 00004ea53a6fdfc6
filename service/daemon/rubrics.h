/* The rubrics that a service starts with: files of the command line, and what the log has. */
#ifndef LF_SERVICE_DAEMON_RUBRICS_H
#define LF_SERVICE_DAEMON_RUBRICS_H

#include "service/daemon/options.h"
#include "service/rubric/version.h"

struct lf_registry;

/* A file of --rubric that was read. */
struct lf_rubric_source {
	const char *path;
	char *text; /* its content, for messages by line */
	size_t length;
	struct lf_rubric_version *version;
};

/* All zero before. */
struct lf_start_rubrics {
	struct lf_rubric_source files[LF_RUBRIC_FILES_MAX];
	size_t count;
};

/*
 * Reads and checks the files, with their scenarios, before a log is opened or made. 0, or the exit status after it has
 * said on standard error what is wrong. lf_start_rubrics_clean_up() follows in either case.
 */
int lf_start_rubrics_read(struct lf_start_rubrics *rubrics, const struct lf_daemon_options *options);
/*
 * Puts them. Where the log has no default rubric it gets one: its only active name; else the first file, which becomes
 * active; else, where it has no rubric at all, the built-in one. Says on standard error what was done, and how to get
 * a default where there is none. 0, or the exit status as above. Blocks on commits.
 */
int lf_start_rubrics_put(const struct lf_start_rubrics *rubrics, struct lf_log *log, struct lf_registry *registry);
void lf_start_rubrics_clean_up(struct lf_start_rubrics *rubrics);

#endif
