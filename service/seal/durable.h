/* Small files that are there whole or not at all, also after a crash or a loss of power. */
#ifndef LF_SERVICE_SEAL_DURABLE_H
#define LF_SERVICE_SEAL_DURABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Writes the bytes to the file temporary (in the same directory; one that is there is replaced), syncs it, renames it
 * to path, and syncs the directory. Replaces what is at path, or, with keep, gives EEXIST where something is there. The
 * mode is what the file gets, whatever the umask. Returns 0 or an errno: then nothing of it is left, except that a
 * failed sync of the directory leaves the new file in its place. Blocks.
 */
int lf_durable_put(const char *path, const char *temporary, const void *data, size_t length, mode_t mode, bool keep);
/*
 * Reads a regular file of at most size bytes. 0 or an errno: EFBIG where it has more, EINVAL where it is not a regular
 * file. *mode may be NULL. Never waits for a pipe or a terminal.
 */
int lf_durable_get(const char *path, void *data, size_t size, size_t *length, mode_t *mode);
/*
 * Reads a regular file of at most max bytes into memory of its size, with a NUL behind it. As lf_durable_get(), or ENOMEM.
 * *text is the caller's to free(); NULL where it failed.
 */
int lf_durable_load(const char *path, size_t max, char **text);

#endif
