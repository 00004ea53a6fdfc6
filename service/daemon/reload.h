/* SIGHUP: callers and certificates are read again while the service runs. */
#ifndef LF_SERVICE_DAEMON_RELOAD_H
#define LF_SERVICE_DAEMON_RELOAD_H

#include "service/daemon/daemon.h"

/*
 * Reads the tokens file and the files of --tls-... again. All of them or none: where one can't be used, everything stays
 * as it was. From then on each request is answered by the new callers, on open connections too, and new connections
 * get the new certificate; open ones keep theirs. One line on standard error says what was reloaded, or why nothing was.
 * The main thread only, of a daemon that has started. Blocks on reading files.
 */
void lf_daemon_reload(struct lf_daemon *daemon, const struct lf_daemon_options *options);

/*
 * The certificate that the options name, or NULL where they name none. Says on standard error whom it names and until
 * when, and warns where it has expired or is not valid yet. At the start.
 */
enum lf_code lf_daemon_load_certificate(
	struct lf_http_certificate **certificate, const struct lf_daemon_options *options, struct lf_error *error);

#endif
