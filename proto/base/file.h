/* Reading files whole, writing them so that what was written stays; the one path that a file has. */
#ifndef LF_PROTO_BASE_FILE_H
#define LF_PROTO_BASE_FILE_H

#include <stddef.h>

#include "proto/base/status.h"

/* Writes all of it, going on after short writes and EINTR. 0 or an errno. Blocks. */
int lf_file_write_all(int file, const void *data, size_t length);
/* Reads up to size bytes, fewer only where the file ends before, going on after short reads and EINTR. 0 or an errno. Blocks. */
int lf_file_read_up_to(int file, void *data, size_t size, size_t *length);
/* Syncs the directory that path is in, so that a name made or renamed there survives a crash. 0 or an errno. Blocks. */
int lf_file_sync_folder(const char *path);
/*
 * The path of a file, absolute and without symbolic links, so that whatever goes with the file is found beside it, by
 * whichever name it was asked for. The file may be absent. NULL with UNAVAILABLE where its directory can't be used, with
 * ALREADY_EXISTS where it is a symbolic link to nothing. free() releases.
 */
char *lf_file_resolve(const char *path, struct lf_error *error);
/* The path of what goes with a file: the file's, resolved, and ending. NULL as lf_file_resolve(). free() releases. */
char *lf_file_beside(const char *file, const char *ending, struct lf_error *error);

#endif
