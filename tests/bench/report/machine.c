#include "tests/bench/report/machine.h"

#include <nng/nng.h>
#include <protobuf-c/protobuf-c.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "proto/base/thread.h"

static void read_processor(struct lf_machine *machine)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[256];

	snprintf(machine->processor, sizeof(machine->processor), "unknown");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		const char *colon = strchr(line, ':');

		if (strncmp(line, "model name", 10) != 0 || colon == NULL)
			continue;
		line[strcspn(line, "\n")] = '\0';
		snprintf(machine->processor, sizeof(machine->processor), "%.120s", colon + 2);
		break;
	}
	if (file != NULL)
		fclose(file);
}

static void read_file_system(struct lf_machine *machine, const char *directory)
{
	static const struct {
		unsigned long magic;
		const char *name;
		bool in_memory;
	} known[] = {{0xef53, "ext4", false}, {0x58465342, "xfs", false}, {0x9123683e, "btrfs", false},
		{0x2fc12fc1, "zfs", false}, {0x794c7630, "overlay", false}, {0x01021994, "tmpfs", true},
		{0x858458f6, "ramfs", true}};
	struct statfs status;

	machine->real_disk = true;
	snprintf(machine->file_system, sizeof(machine->file_system), "unknown");
	if (statfs(directory, &status) != 0)
		return;
	snprintf(machine->file_system, sizeof(machine->file_system), "type 0x%lx", (unsigned long)status.f_type);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].magic == (unsigned long)status.f_type) {
			snprintf(machine->file_system, sizeof(machine->file_system), "%s", known[i].name);
			machine->real_disk = !known[i].in_memory;
		}
}

void lf_machine_read(struct lf_machine *machine, const char *directory)
{
	struct utsname name;

	read_processor(machine);
	read_file_system(machine, directory);
	machine->processors = (long)lf_processors();
	if (uname(&name) == 0)
		snprintf(machine->kernel, sizeof(machine->kernel), "%.60s %.90s", name.sysname, name.release);
	else
		snprintf(machine->kernel, sizeof(machine->kernel), "unknown");
	if (getloadavg(&machine->load_average, 1) != 1)
		machine->load_average = 0;
	snprintf(machine->nng, sizeof(machine->nng), "%s", nng_version());
	machine->sqlite = sqlite3_libversion();
	machine->protobuf_c = protobuf_c_version();
#ifdef __clang__
	machine->compiler = "clang " __clang_version__;
#else
	machine->compiler = "gcc " __VERSION__;
#endif
	machine->build = LF_BENCH_BUILD;
}
