/*
 * Where checkpoints are kept, outside the decision log.
 *
 * A PATH that is a regular file, or is absent and ends in ".checkpoint", is one file, replaced by each checkpoint. Any
 * other PATH is a directory, made where it is absent: one file a checkpoint, named by its size in 20 digits so that
 * names sort as the log grew (00000000000000012345.checkpoint), and a copy of the newest one as "latest".
 *
 * A directory keeps every checkpoint up to LF_CHECKPOINTS_KEPT. Beyond, every second one of the older half is removed,
 * and so on each time: the newest 5,000 are all there, older ones stand ever further apart, and the very first one
 * stays.
 */
#ifndef LF_SERVICE_SEAL_CHECKPOINT_FILES_H
#define LF_SERVICE_SEAL_CHECKPOINT_FILES_H

#include <stdbool.h>

#include "proto/base/status.h"
#include "storage/tlog/note.h"

enum { LF_CHECKPOINTS_KEPT = 10000 };

struct lf_checkpoint_files {
	char *path; /* without slashes at its end */
	bool one_file;
	size_t kept;     /* checkpoints in the directory, as far as known */
	size_t kept_max; /* LF_CHECKPOINTS_KEPT; less in tests */
};

/* Looks what path is. RESOURCE_EXHAUSTED where memory ran out. */
enum lf_code lf_checkpoint_files_init(struct lf_checkpoint_files *files, const char *path, struct lf_error *error);
void lf_checkpoint_files_clean_up(struct lf_checkpoint_files *files);

/*
 * The newest checkpoint there. *found false: there is none (also where PATH is absent). name: its file.
 * FAILED_PRECONDITION where what must be the newest can't be: it is malformed, altered, or not signed by this key, or
 * (verifier NULL: there is no key) there is any. UNAVAILABLE where PATH can't be read.
 */
enum lf_code lf_checkpoint_files_newest(struct lf_checkpoint_files *files, const struct lf_verifier *verifier,
	bool *found, struct lf_checkpoint *newest, char name[512], struct lf_error *error);

/*
 * Adds a checkpoint: whole or not at all, and synced. 0 or an errno. One of the same size that is there is replaced.
 */
int lf_checkpoint_files_put(struct lf_checkpoint_files *files, uint64_t size, const char *note);

/*
 * Moves what is there aside: a directory's checkpoints into PATH/set-aside-<UTC time>, a file to PATH.set-aside-<UTC
 * time>. to gets that name. UNAVAILABLE where it fails.
 */
enum lf_code lf_checkpoint_files_set_aside(struct lf_checkpoint_files *files, char to[512], struct lf_error *error);

#endif
