/*
 * The path of a local socket (AF_UNIX) that is listened on. It is bound under a private name beside the path, and then
 * renamed onto it: so the path never leads to a socket with a wider mode, and taking over a dead server's file is one
 * rename. A live server is never replaced: who claims the path holds a lock on its directory while it looks whether
 * somebody answers there. Messages begin with name, the address as the user gave it. These functions block on the file
 * system alone. Any thread.
 */
#ifndef LF_SERVICE_RPC_LOCAL_SOCKET_H
#define LF_SERVICE_RPC_LOCAL_SOCKET_H

#include <stddef.h>

#include "proto/base/status.h"

enum { LF_LOCAL_PATH_BYTES = 108 }; /* of a path, its NUL included */

/* The file that is ours. All zero: none. */
struct lf_local_file {
	unsigned long device, inode;
};

/* Whether path is free, or a dead server's socket. UNAVAILABLE says what is there. */
enum lf_code lf_local_check_free(const char *path, const char *name, struct lf_error *error);
/* The same, and whether its directory may be written to. */
enum lf_code lf_local_try(const char *path, const char *name, struct lf_error *error);
/* The private name to bind first; number makes it new. out has LF_LOCAL_PATH_BYTES + 16. */
void lf_local_private_name(const char *path, unsigned number, char *out, size_t size);
/* Renames what is bound under private_path onto path, which file remembers. UNAVAILABLE where path is taken. */
enum lf_code lf_local_claim(const char *path, const char *private_path, const char *name, struct lf_local_file *file,
	struct lf_error *error);
/* Removes path while it is still our file. */
void lf_local_unlink(const char *path, const struct lf_local_file *file);

#endif
