/* What every storage backend must do, checked against its vtable alone. */
#ifndef LF_TESTS_STORAGE_CONFORMANCE_H
#define LF_TESTS_STORAGE_CONFORMANCE_H

#include "storage/log/backend.h"

/* Runs the suite; returns the number of failed claims. location is handed to open(), after reset() made it empty. */
struct conformance {
	const struct lf_backend *backend;
	const char *location;
	void (*reset)(void *context); /* the store at location is gone */
	void *context;
	bool races; /* begin() doesn't wait for its turn; false for what is no test of the suite itself */
};
int conformance_run(const struct conformance *subject);
/* conformance_scan.c: the claims about scan(), run by conformance_run()'s callers likewise. */
int conformance_scan_run(const struct conformance *subject);
/* conformance_tree.c: those about leaves, head, acts and audit. */
int conformance_tree_run(const struct conformance *subject);
/* conformance_redact.c: the claims about redaction, likewise. */
int conformance_redact_run(const struct conformance *subject);

/* conformance_groups.c: what builds on another thing of its transaction. */
int conformance_groups_run(const struct conformance *subject);

/* conformance_shared.c: several stores of one log, of a shared backend. */
int conformance_shared_run(const struct conformance *subject);

#endif
