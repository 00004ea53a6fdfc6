/*
 * Memory for keys and tokens: pages of their own, which are never swapped out and are in no core dump, and are cleared
 * when they are given back. And a process that nobody looks into.
 */
#ifndef LF_PROTO_BASE_SECRET_H
#define LF_PROTO_BASE_SECRET_H

#include <stddef.h>

/*
 * All zero. NULL where memory ran out. *unlocked becomes an errno where the pages can't be locked, since
 * RLIMIT_MEMLOCK is too small, say: then they may be swapped out; else it stays. Any thread.
 */
void *lf_secret_new(size_t size, int *unlocked);
/* Clears and frees what lf_secret_new() gave for size. NULL is allowed. */
void lf_secret_free(void *secret, size_t size);

/*
 * From here on the process writes no core dump, and no other process of its user can attach to it or read its memory.
 * What it opens under /proc/self stays open to itself.
 */
void lf_process_seclude(void);

#endif
