/* The command line of leadfitd. */
#ifndef LF_SERVICE_DAEMON_OPTIONS_H
#define LF_SERVICE_DAEMON_OPTIONS_H

#include <stddef.h>

#include "service/events/events.h"
#include "service/seal/seal.h"

enum { LF_LISTEN_MAX = 16, LF_ORIGINS_MAX = 16, LF_RUBRIC_FILES_MAX = 64 };

/* Texts are those of argv. */
struct lf_daemon_options {
	const char *database;
	const char *keeper; /* the same log as the role that may erase and prune; NULL: this service does neither */
	bool accept_asynchronous; /* a database without a synchronous standby will do */
	const char *listen[LF_LISTEN_MAX];
	size_t listen_count;
	const char *http[LF_LISTEN_MAX];
	size_t http_count;
	const char *origins[LF_ORIGINS_MAX]; /* of browsers' pages that may call */
	size_t origin_count;
	const char *rubrics[LF_RUBRIC_FILES_MAX];
	size_t rubric_count;
	const char *tokens;          /* NULL: none */
	const char *tls_certificate; /* NULL: no TLS, and no others of it */
	const char *tls_key;         /* the certificate's file, where not told otherwise */
	const char *tls_client_ca;   /* NULL: clients are not asked for a certificate */
	bool tls_client_required;
	const char *publish;               /* NULL: nothing is published */
	const char *backups;               /* NULL: no backup is made */
	unsigned long workers;             /* 0: one a processor */
	unsigned long connections;         /* over nng's TCP listeners */
	unsigned long address_connections; /* of these, from one address */
	bool core_dumps;                   /* the process may be looked into */
	struct lf_event_options events;
	bool log_requests; /* all of them */
	struct lf_seal_options seal;
};

/* Reads them. -1 to go on, or the exit status (lf_command_line_read()). */
int lf_daemon_options_read(struct lf_daemon_options *options, int argc, char **argv);

#endif
