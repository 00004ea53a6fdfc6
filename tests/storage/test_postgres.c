/* The conformance suite over PostgreSQL. Skipped where no server is installed. */
#include "storage/postgres/postgres.h"
#include "tests/storage/conformance.h"
#include "tests/storage/postgres_server.h"
#include "tests/storage/support.h"

static struct postgres_server server;

static void reset(void *context)
{
	(void)context;
	postgres_reset(&server, "log");
}

int main(void)
{
	struct conformance subject = {.backend = &lf_postgres_backend, .reset = reset};
	char url[256];
	int failed;

	if (!postgres_server_make(&server, NULL)) {
		fprintf(stderr, "skipped: no PostgreSQL server is installed\n");
		return 77;
	}
	/* As the role that may least of those that may erase. */
	snprintf(url, sizeof(url), "postgres:///log?host=%s&port=%d&user=leadfit_keeper&leadfit_asynchronous=accept",
		server.folder, server.port);
	subject.location = url;
	failed = conformance_shared_run(&subject) + conformance_run(&subject) + conformance_scan_run(&subject) +
		conformance_tree_run(&subject) + conformance_redact_run(&subject) + conformance_groups_run(&subject);
	postgres_server_remove(&server);
	return failed;
}
