/* The directory of backups: the one place where a caller has the service make files. */
#ifndef LF_SERVICE_DAEMON_BACKUPS_H
#define LF_SERVICE_DAEMON_BACKUPS_H

#include "service/daemon/options.h"

/*
 * Looks at the directory that --backups names: it is there, the service may make files in it, and nothing that a start
 * reads is kept in it. *path: where it is, absolute and without symbolic links, on the heap; NULL without the option.
 */
enum lf_code lf_backups_find(char **path, const struct lf_daemon_options *options, struct lf_error *error);

#endif
