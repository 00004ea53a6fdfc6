/* The record of which rubric a request gets that names none: acts of the log, the last of which holds. */
#ifndef LF_SERVICE_STATE_DEFAULT_RUBRIC_H
#define LF_SERVICE_STATE_DEFAULT_RUBRIC_H

#include "proto/base/limits.h"
#include "storage/log/log.h"

/* One change. Its texts are valid during the call. */
struct lf_default_change {
	int64_t at_us;
	const char *caller;
	const char *from; /* "": there was none */
	const char *to;
};

/* Calls visit for each change, oldest first. DATA_LOSS where one can't be read. Any thread; reads the log. */
enum lf_code lf_default_rubric_list(struct lf_log *log,
	void (*visit)(void *context, const struct lf_default_change *change), void *context, struct lf_error *error);
/* The name of the default rubric, "" where none was ever set. As lf_default_rubric_list(). */
enum lf_code lf_default_rubric_read(struct lf_log *log, char name[LF_ID_BYTES_MAX + 1], struct lf_error *error);
/* Records a change. Blocks until it is on disk; codes as of lf_log_put_act(). */
enum lf_code lf_default_rubric_record(
	struct lf_log *log, const char *from, const char *to, const char *caller, struct lf_error *error);

#endif
