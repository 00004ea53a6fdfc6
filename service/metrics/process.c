/* The process, by the names that Prometheus' own libraries have; the lines that it has said. */
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "service/engine/engine.h"
#include "service/events/events.h"
#include "service/metrics/metrics.h"

/* Fields of /proc/self/stat behind the name, which may have any byte in it: proc(5). */
enum { STARTED_FIELD = 22, VIRTUAL_FIELD = 23, RESIDENT_FIELD = 24, FIELDS = 25 };

static bool read_stat(unsigned long long fields[FIELDS])
{
	char text[2048];
	const char *at = NULL;
	FILE *file = fopen("/proc/self/stat", "re");
	size_t length = file == NULL ? 0 : fread(text, 1, sizeof(text) - 1, file);

	if (file != NULL)
		fclose(file);
	text[length] = '\0';
	for (size_t i = 0; i < length; i++)
		if (text[i] == ')')
			at = text + i + 1;
	if (at == NULL)
		return false;
	at += 2; /* the state, field 3, is a letter */
	for (int i = 4; i < FIELDS; i++) {
		int used = 0;
		long long value;

		if (sscanf(at + 1, "%lld%n", &value, &used) != 1)
			return false;
		fields[i] = (unsigned long long)value;
		at += 1 + used;
	}
	return true;
}

static double started_at;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Once: two clocks, which are read one after the other, never say the same twice. */
static void find_start(void)
{
	unsigned long long fields[FIELDS] = {0};
	struct timespec now, up;

	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_BOOTTIME, &up);
	if (read_stat(fields))
		started_at = (double)(now.tv_sec - up.tv_sec) + (double)(now.tv_nsec - up.tv_nsec) * 1e-9 +
			(double)fields[STARTED_FIELD] / (double)sysconf(_SC_CLK_TCK);
}

static size_t open_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	size_t count = 0;

	if (folder == NULL)
		return 0;
	while (readdir(folder) != NULL)
		count++;
	closedir(folder);
	return count < 3 ? 0 : count - 3; /* "." and "..", and the folder's own */
}

static void of_usage(struct lf_exposition *exposition)
{
	unsigned long long fields[FIELDS] = {0};
	struct rusage usage;
	struct rlimit limit;

	if (getrusage(RUSAGE_SELF, &usage) == 0) {
		lf_metric_begin(
			exposition, "process_cpu_seconds_total", LF_METRIC_COUNTER, "CPU time, of user and system.");
		lf_metric_value(exposition, "",
			(double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
				(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6);
	}
	pthread_once(&once, find_start);
	if (read_stat(fields)) {
		lf_metric_gauge(exposition, "process_resident_memory_bytes", "Memory in use.",
			(double)fields[RESIDENT_FIELD] * (double)sysconf(_SC_PAGESIZE));
		lf_metric_gauge(exposition, "process_virtual_memory_bytes", "Address space in use.",
			(double)fields[VIRTUAL_FIELD]);
		lf_metric_gauge(
			exposition, "process_start_time_seconds", "When the process started, since 1970.", started_at);
	}
	lf_metric_gauge(exposition, "process_open_fds", "Open file descriptors.", (double)open_descriptors());
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		lf_metric_gauge(
			exposition, "process_max_fds", "File descriptors that may be open.", (double)limit.rlim_cur);
}

static void of_lines(struct lf_exposition *exposition)
{
	struct lf_event_figures figures;
	char labels[96];

	lf_event_figures(&figures);
	lf_metric_begin(exposition, "leadfit_events_total", LF_METRIC_COUNTER, "Lines in the service's log, by event.");
	for (int i = 0; i < LF_EVENT_COUNT; i++) {
		snprintf(labels, sizeof(labels), "event=\"%s\",level=\"%s\"", lf_event_name((enum lf_event)i),
			lf_event_level_name(lf_event_level((enum lf_event)i)));
		lf_metric_count(exposition, labels, figures.lines[i]);
	}
	lf_metric_begin(exposition, "leadfit_events_left_out_total", LF_METRIC_COUNTER,
		"Lines that were left out: there were too many in a second.");
	for (int i = 0; i < LF_EVENT_COUNT; i++) {
		if (figures.left_out[i] == 0)
			continue;
		snprintf(labels, sizeof(labels), "event=\"%s\"", lf_event_name((enum lf_event)i));
		lf_metric_count(exposition, labels, figures.left_out[i]);
	}
	lf_metric_counter(exposition, "leadfit_events_unwritten_total", "Lines that standard error did not take.",
		figures.unwritten);
}

void lf_metrics_of_process(struct lf_exposition *exposition)
{
	char labels[64];

	snprintf(labels, sizeof(labels), "version=\"%s\",engine=\"%d\"", LF_VERSION, LF_ENGINE_VERSION);
	lf_metric_begin(
		exposition, "leadfit_build_info", LF_METRIC_GAUGE, "1; which release, and which engine, this is.");
	lf_metric_count(exposition, labels, 1);
	of_usage(exposition);
	of_lines(exposition);
}
