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

int main(void)
{
	struct place place;
	struct conformance sqlite, memory;
	int failed;

	place_make(&place);
	sqlite = (struct conformance){&lf_sqlite_backend, place.file, reset_file, &place};
	memory = (struct conformance){&memory_backend, "anywhere", reset_memory, NULL};
	failed = conformance_run(&sqlite) + conformance_run(&memory) + conformance_scan_run(&sqlite) +
		conformance_scan_run(&memory) + conformance_tree_run(&sqlite) + conformance_tree_run(&memory) +
		conformance_redact_run(&sqlite) + conformance_redact_run(&memory);
	place_remove(&place);
	return failed;
}
