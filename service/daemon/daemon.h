/* Everything that a running service is made of: brought up in order, taken down in reverse. */
#ifndef LF_SERVICE_DAEMON_DAEMON_H
#define LF_SERVICE_DAEMON_DAEMON_H

#include "service/daemon/options.h"
#include "service/daemon/others.h"
#include "service/daemon/services.h"
#include "service/http/http.h"
#include "service/rpc/figures.h"
#include "service/state/state.h"

struct lf_publisher;
struct lf_tokens;

/* All zero before it starts. It must not move while it runs. */
struct lf_daemon {
	struct lf_tokens *tokens;
	struct lf_http_certificate *certificate; /* of the start; NULL: no TLS */
	struct lf_publisher *publisher;
	struct lf_log *log;
	struct lf_seal seal;
	struct lf_registry *registry;
	char *backups; /* NULL: none are made */
	struct lf_team_cache *teams;
	struct lf_daemon_others others;
	bool log_requests; /* all of them */
	struct lf_rpc_server *server;
	struct lf_rpc_observer observer;            /* the server's */
	struct lf_rpc_nng *nng;                     /* the server's */
	struct lf_http *http;                       /* the server's; NULL: HTTP is not served */
	struct lf_http_page openapi;                /* lent to http */
	size_t local_connections, http_connections; /* as many as there are descriptors for */
	struct lf_state state;
	bool state_ready;
	bool stays; /* the log: a key was made for it, or callers were answered from it */
	struct lf_daemon_services services;
};

/*
 * Opens the log, loads rubrics, and listens. Returns 0, or the exit status after it has said on standard error what is
 * wrong; lf_daemon_stop() follows in either case. A start that fails leaves nothing behind that was not there, and what
 * was there as it was, but that a log of an older schema may be migrated and rubrics of --rubric stored in one. Blocks
 * until all of it is done: a migration may take minutes. Where the service can't go on later, the process gets SIGUSR1,
 * which must be blocked in all threads.
 */
int lf_daemon_start(struct lf_daemon *daemon, const struct lf_daemon_options *options);
/* Answers what is in, for at most two seconds, and takes down what was brought up. Blocks. */
void lf_daemon_stop(struct lf_daemon *daemon);

#endif
