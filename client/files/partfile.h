/*
 * A long result on its way into a file, which can go on after any interruption.
 *
 * Bytes gather in FILE.part. Now and then they are synced, and FILE.run says how many of them count, and where to go
 * on: a mark. At the end FILE.part becomes FILE in one rename. Going on cuts FILE.part to the last mark. So FILE is the
 * old one or whole, and the bytes of a run that was interrupted, wherever, are those of one that was not, as long as
 * what is written depends on the mark alone.
 *
 * FILE.part, FILE.run and FILE.run.new are private to the user who runs the export. A file of one of these names that
 * belongs to another user, has more names than one, or is no regular file is refused and left as it is.
 */
#ifndef LF_CLIENT_FILES_PARTFILE_H
#define LF_CLIENT_FILES_PARTFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/buffer.h"
#include "proto/text/json.h"
#include "proto/base/status.h"

enum { LF_MARK_ID_BYTES = 64 };

/* Where an export is. */
struct lf_mark {
	uint64_t end;   /* the last sequence that belongs to it */
	uint64_t next;  /* the first that is not written; 0: everything is */
	uint64_t count; /* decisions written */
	uint64_t last;  /* the last one written; 0: none */
	char last_id[LF_MARK_ID_BYTES];
};

struct lf_partfile {
	char *path, *part, *run; /* resolved; NULL where the result does not go to a file that can be replaced */
	int file;                /* -1: standard output */
	uint64_t bytes;          /* written, of this run and those before */
	const char *what;        /* one line: options on which the bytes depend */
};

/*
 * Opens it. path may name a pipe or device: it is written to then, and nothing is marked. what must stay. resume: goes
 * on where FILE.run says, and sets *resumed and *mark; begins where there is none. INVALID_ARGUMENT where another
 * export writes it, where FILE.part or FILE.run is not ours, where FILE.run is one with other options, or where there is
 * nothing to resume in such a file; UNAVAILABLE where it can't be written. Blocks. Close in any case.
 */
enum lf_code lf_partfile_open(struct lf_partfile *file, const char *path, const char *what, bool resume, bool *resumed,
	struct lf_mark *mark, struct lf_error *error);
/* Writes all of text, and empties it. */
enum lf_code lf_partfile_write(struct lf_partfile *file, struct lf_buffer *text, struct lf_error *error);
/* Makes what is written so far count. */
enum lf_code lf_partfile_mark(struct lf_partfile *file, const struct lf_mark *mark, struct lf_error *error);
/* Everything is written: gives it its name. mark->next is 0. */
enum lf_code lf_partfile_finish(struct lf_partfile *file, const struct lf_mark *mark, struct lf_error *error);
void lf_partfile_close(struct lf_partfile *file);

/* ---- what other files with a FILE.run share ---- */

/*
 * The text of such a file; NULL where there is none, "" where it can't be one. free() releases. INVALID_ARGUMENT where
 * the file is not ours, UNAVAILABLE where it can't be read.
 */
enum lf_code lf_runfile_read(const char *path, char **text, struct lf_error *error);
/*
 * Writes one, which is whole at any moment: made as FILE.run.new, synced, and renamed. 0, or an errno: EEXIST where a
 * FILE.run.new is not ours.
 */
int lf_runfile_put(const char *run, const struct lf_buffer *text);

#endif
