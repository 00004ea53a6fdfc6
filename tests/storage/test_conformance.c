/* The conformance suite over the backends that exist. */
#include "tests/storage/conformance.h"
#include "tests/storage/memory_backend.h"
#include "tests/storage/support.h"

#include <unistd.h>

static void reset_file(void *context)
{
	const struct place *place = context;
	static const char *const suffixes[] = {"", "-wal", "-shm", ".lock"};

	for (size_t i = 0; i < 4; i++) {
		char path[128];

		snprintf(path, sizeof(path), "%s%s", place->file, suffixes[i]);
		unlink(path);
	}
}

static void reset_memory(void *context)
{
	(void)context;
	memory_backend_forget();
}

static void reset_to_race(void *context)
{
	(void)context;
	memory_backend_forget();
	memory_backend_race();
}

static int run_all(const struct conformance *subject)
{
	return conformance_run(subject) + conformance_scan_run(subject) + conformance_tree_run(subject) +
		conformance_redact_run(subject) + conformance_groups_run(subject) +
		(subject->backend->shared ? conformance_shared_run(subject) : 0);
}

int main(void)
{
	struct place place;
	const struct conformance sqlite = {&lf_sqlite_backend, place.file, reset_file, &place, false},
				 memory = {&memory_backend, "anywhere", reset_memory, NULL, false},
				 shared = {&memory_shared_backend, "anywhere", reset_memory, NULL, false},
				 racing = {&memory_shared_backend, "anywhere", reset_to_race, NULL, true};
	int failed;

	place_make(&place);
	failed = run_all(&sqlite) + run_all(&memory) + run_all(&shared) + conformance_shared_run(&racing);
	place_remove(&place);
	return failed;
}
