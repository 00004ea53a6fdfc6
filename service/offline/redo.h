/*
 * Erasures and prunings that a backup knows nothing of: found in the log that it is to replace and in the list beside
 * the checkpoints (service/seal/erased.h), and done again in the copy, before that takes the log's place.
 */
#ifndef LF_SERVICE_OFFLINE_REDO_H
#define LF_SERVICE_OFFLINE_REDO_H

#include "service/keeping/job.h"
#include "service/offline/commands.h"

/* What one log says of its erasures and prunings. */
struct lf_redo_log {
	struct lf_erased_list done; /* of its jobs, also of those that have not ended */
	uint64_t unmarked;          /* records of those that no job with a mark has made: of whom is not known */
	uint64_t *unended;          /* the jobs that have not ended */
	size_t unended_count;
};
enum lf_code lf_redo_read_log(struct lf_redo_log *read, struct lf_log *log, struct lf_error *error);
void lf_redo_log_clean_up(struct lf_redo_log *read);

/* Each member's id of each team in a log, once. */
struct lf_redo_ids {
	char **ids; /* sorted */
	size_t count, room;
};
enum lf_code lf_redo_read_ids(struct lf_redo_ids *ids, struct lf_log *log, struct lf_error *error);
void lf_redo_ids_clean_up(struct lf_redo_ids *ids);

/* What is known outside of the backup. */
struct lf_redo {
	bool forget; /* --forget-erasures */
	struct lf_erased_list known;
	uint64_t unmarked; /* as in struct lf_redo_log, of the log that is replaced */
	bool list_found;
	bool log_found;
	struct lf_error unreadable; /* why the log can't be read; LF_OK: it can, or it is not there */
};
/* Reads it. 0, or the exit status, said on standard error. lf_redo_clean_up() in any case. */
int lf_redo_find(struct lf_redo *redo, const struct lf_seals *seals);
void lf_redo_clean_up(struct lf_redo *redo);
/*
 * Does again in the copy, which nobody has open, what it knows nothing of, and ends the jobs that it has begun. Says
 * what it does, without ids. 0, or the exit status, said on standard error. *changed: the copy is another one now.
 */
int lf_redo_in(const struct lf_redo *redo, const char *copy, bool *changed);

#endif
