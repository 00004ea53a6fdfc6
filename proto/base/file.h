/* Writing files so that what was written stays. */
#ifndef LF_PROTO_BASE_FILE_H
#define LF_PROTO_BASE_FILE_H

#include <stddef.h>

/* Writes all of it, going on after short writes and EINTR. 0 or an errno. Blocks. */
int lf_file_write_all(int file, const void *data, size_t length);
/* Syncs the directory that path is in, so that a name made or renamed there survives a crash. 0 or an errno. Blocks. */
int lf_file_sync_folder(const char *path);

#endif
