/* File descriptors: raised as far as connections may need them, and checked. */
#ifndef LF_SERVICE_DAEMON_DESCRIPTORS_H
#define LF_SERVICE_DAEMON_DESCRIPTORS_H

#include <stddef.h>

#include "proto/base/status.h"

/*
 * Raises the process's limit of descriptors (RLIMIT_NOFILE) so that they suffice for connections, two for each (one that has
 * ended may not be released yet), and for files. Where the limit can't be raised so far, *spare_connections become fewer,
 * down to LF_SPARE_CONNECTIONS_MIN; FAILED_PRECONDITION where that is not enough. At the start, before there are threads.
 */
enum lf_code lf_descriptors_prepare(size_t connections, size_t *spare_connections, struct lf_error *error);

enum {
	LF_DESCRIPTORS_FOR_FILES = 128, /* the log, its readers, backups, pipes */
	LF_SPARE_CONNECTIONS_MIN = 16,
};

#endif
