/* Files that are written: pictures, and rubrics in their canonical form. */
#ifndef LF_CLIENT_TERM_OUTFILE_H
#define LF_CLIENT_TERM_OUTFILE_H

#include "proto/base/buffer.h"

/*
 * Puts text in the place of a file: written beside it and renamed, so that the file has the old content or the new one,
 * never a part. Its mode stays; a link is followed; what is no regular file (a pipe, a device) is written to. SIGINT,
 * SIGTERM and SIGHUP wait until a regular file is done, so that nothing is left beside it. 0, or an errno. Blocks.
 */
int lf_file_put(const char *path, const struct lf_buffer *text);

#endif
