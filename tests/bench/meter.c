/*
 * Design notes. Slots run on threads that are not ours (nng's, the client library's, gRPC's), so what they touch is
 * atomic: the count, the histogram's buckets, two flags. The main thread only sleeps and reads clocks. Each slot leaves
 * exactly once, and the main thread waits for the last one: after lf_meter_run() no request of this measurement is
 * under way.
 */
#include "tests/bench/meter.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/bench/report/histogram.h"

enum { LEAVE_SECONDS_MAX = 20, ANSWER_SECONDS_MAX = 20, ANSWERS_MIN = 20 };

struct lf_meter {
	struct lf_histogram histogram;
	atomic_uint_fast64_t answered;
	atomic_uint_fast64_t reply_bytes;
	atomic_bool recording;
	atomic_bool stopping;
	pthread_mutex_t lock;
	pthread_cond_t left;
	unsigned answers_min;
	size_t slots;      /* under lock */
	char failure[600]; /* under lock until every slot has left */
};

uint64_t lf_meter_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

struct lf_meter *lf_meter_new(void)
{
	struct lf_meter *meter = calloc(1, sizeof(*meter));
	pthread_condattr_t attributes;

	if (meter == NULL)
		return NULL;
	meter->answers_min = ANSWERS_MIN;
	pthread_mutex_init(&meter->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&meter->left, &attributes);
	pthread_condattr_destroy(&attributes);
	return meter;
}

void lf_meter_expect(struct lf_meter *meter, unsigned answers)
{
	meter->answers_min = answers;
}

void lf_meter_destroy(struct lf_meter *meter)
{
	if (meter == NULL)
		return;
	pthread_cond_destroy(&meter->left);
	pthread_mutex_destroy(&meter->lock);
	free(meter);
}

void lf_meter_enter(struct lf_meter *meter)
{
	pthread_mutex_lock(&meter->lock);
	meter->slots++;
	pthread_mutex_unlock(&meter->lock);
}

bool lf_meter_answered(struct lf_meter *meter, uint64_t started_ns, size_t reply_bytes)
{
	atomic_fetch_add_explicit(&meter->answered, 1, memory_order_relaxed);
	if (atomic_load_explicit(&meter->recording, memory_order_relaxed)) {
		lf_histogram_add(&meter->histogram, lf_meter_now_ns() - started_ns);
		atomic_fetch_add_explicit(&meter->reply_bytes, reply_bytes, memory_order_relaxed);
	}
	return !atomic_load_explicit(&meter->stopping, memory_order_relaxed);
}

void lf_meter_failed(struct lf_meter *meter, const char *text)
{
	pthread_mutex_lock(&meter->lock);
	if (meter->failure[0] == '\0')
		snprintf(meter->failure, sizeof(meter->failure), "%s", text);
	pthread_mutex_unlock(&meter->lock);
	atomic_store(&meter->stopping, true);
}

void lf_meter_leave(struct lf_meter *meter)
{
	pthread_mutex_lock(&meter->lock);
	/* Under the lock: the meter may be gone as soon as the last one has left. */
	if (--meter->slots == 0)
		pthread_cond_signal(&meter->left);
	pthread_mutex_unlock(&meter->lock);
}

static bool wait_until_left(struct lf_meter *meter)
{
	struct timespec until;
	bool all;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += LEAVE_SECONDS_MAX;
	pthread_mutex_lock(&meter->lock);
	while (meter->slots > 0)
		if (pthread_cond_timedwait(&meter->left, &meter->lock, &until) == ETIMEDOUT)
			break;
	all = meter->slots == 0;
	if (!all && meter->failure[0] == '\0')
		snprintf(meter->failure, sizeof(meter->failure), "%zu requests had no answer after %d s", meter->slots,
			(int)LEAVE_SECONDS_MAX);
	pthread_mutex_unlock(&meter->lock);
	return all;
}

/* Both sides' clocks at one moment. */
struct reading {
	uint64_t ns, answered, switches;
	double server_us, client_us;
};

static struct reading read_clocks(struct lf_meter *meter, pid_t server)
{
	struct timespec own;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &own);
	return (struct reading){
		.switches = lf_process_switches(server),
		.server_us = lf_process_cpu_us(server),
		.client_us = (double)own.tv_sec * 1e6 + (double)own.tv_nsec / 1e3,
		.answered = atomic_load(&meter->answered),
		.ns = lf_meter_now_ns(),
	};
}

/*
 * Sleeps until the time is over and a few answers have come, which takes longer only on a machine that is busy
 * otherwise. false: interrupted.
 */
static bool wait_for_answers(struct lf_meter *meter, uint64_t answered, double seconds)
{
	const uint64_t start = lf_meter_now_ns();

	do {
		if (!lf_sleep_seconds(seconds))
			return false;
		seconds = 0.01;
	} while (!atomic_load(&meter->stopping) && atomic_load(&meter->answered) < answered + meter->answers_min &&
		lf_meter_now_ns() - start < ANSWER_SECONDS_MAX * UINT64_C(1000000000));
	return true;
}

const char *lf_meter_run(struct lf_meter *meter, pid_t server, double seconds, struct lf_load *load)
{
	struct reading begin, end;
	double count;

	if (!lf_sleep_seconds(seconds / 4))
		lf_meter_failed(meter, "interrupted");
	begin = read_clocks(meter, server);
	atomic_store(&meter->recording, true);
	if (!wait_for_answers(meter, begin.answered, seconds))
		lf_meter_failed(meter, "interrupted");
	atomic_store(&meter->recording, false);
	end = read_clocks(meter, server);
	atomic_store(&meter->stopping, true);
	wait_until_left(meter);
	count = (double)(end.answered - begin.answered);
	if (count == 0 && meter->failure[0] == '\0')
		snprintf(meter->failure, sizeof(meter->failure), "no request was answered within %d s",
			(int)ANSWER_SECONDS_MAX);
	if (meter->failure[0] != '\0')
		return meter->failure;
	*load = (struct lf_load){
		.requests_per_s = count / ((double)(end.ns - begin.ns) / 1e9),
		.p50_us = lf_histogram_quantile(&meter->histogram, 0.5) / 1e3,
		.p99_us = lf_histogram_quantile(&meter->histogram, 0.99) / 1e3,
		.p999_us = lf_histogram_quantile(&meter->histogram, 0.999) / 1e3,
		.server_cpu_us = (end.server_us - begin.server_us) / count,
		.client_cpu_us = (end.client_us - begin.client_us) / count,
		.server_switches = (double)(end.switches - begin.switches) / count,
		.reply_bytes = (double)atomic_load(&meter->reply_bytes) / (double)lf_histogram_count(&meter->histogram),
		.first = begin.answered,
		.last = end.answered,
	};
	return NULL;
}

uint64_t lf_meter_answers(struct lf_meter *meter)
{
	return atomic_load(&meter->answered);
}

const char *lf_meter_stop(struct lf_meter *meter)
{
	atomic_store(&meter->stopping, true);
	wait_until_left(meter);
	return meter->failure[0] != '\0' ? meter->failure : NULL;
}

/* ---- processes ---- */

double lf_process_cpu_us(pid_t pid)
{
	struct timespec used;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0)
		return 0;
	return (double)used.tv_sec * 1e6 + (double)used.tv_nsec / 1e3;
}

/* Sum of the numbers behind each key in a /proc status file. */
static uint64_t status_numbers(const char *path, const char *const *keys, size_t key_count)
{
	FILE *file = fopen(path, "re");
	uint64_t sum = 0;
	char line[256];

	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		for (size_t k = 0; k < key_count; k++)
			if (strncmp(line, keys[k], strlen(keys[k])) == 0)
				sum += strtoull(line + strlen(keys[k]), NULL, 10);
	if (file != NULL)
		fclose(file);
	return sum;
}

uint64_t lf_process_switches(pid_t pid)
{
	static const char *const keys[] = {"voluntary_ctxt_switches:", "nonvoluntary_ctxt_switches:"};
	char path[320];
	struct dirent *entry;
	uint64_t sum = 0;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%ld/task", (long)pid);
	tasks = opendir(path);
	while (tasks != NULL && (entry = readdir(tasks)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%ld/task/%s/status", (long)pid, entry->d_name);
		sum += status_numbers(path, keys, 2);
	}
	if (tasks != NULL)
		closedir(tasks);
	return sum;
}

uint64_t lf_process_peak_bytes(pid_t pid)
{
	static const char *const key[] = {"VmHWM:"};
	char path[64];

	snprintf(path, sizeof(path), "/proc/%ld/status", (long)pid);
	return status_numbers(path, key, 1) * 1024;
}

uint64_t lf_process_resident_bytes(pid_t pid)
{
	static const char *const key[] = {"VmRSS:"};
	char path[64];

	snprintf(path, sizeof(path), "/proc/%ld/status", (long)pid);
	return status_numbers(path, key, 1) * 1024;
}

uint64_t lf_process_descriptors(pid_t pid)
{
	char path[64];
	struct dirent *entry;
	uint64_t count = 0;
	DIR *open;

	snprintf(path, sizeof(path), "/proc/%ld/fd", (long)pid);
	open = opendir(path);
	while (open != NULL && (entry = readdir(open)) != NULL)
		count += entry->d_name[0] != '.';
	if (open != NULL)
		closedir(open);
	return count;
}

bool lf_sleep_seconds(double seconds)
{
	const uint64_t until = lf_meter_now_ns() + (uint64_t)(seconds * 1e9);
	sigset_t signals;
	uint64_t now;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	while ((now = lf_meter_now_ns()) < until) {
		struct timespec rest = {.tv_sec = (time_t)((until - now) / 1000000000u),
			.tv_nsec = (long)((until - now) % 1000000000u)};

		if (sigtimedwait(&signals, NULL, &rest) > 0)
			return false;
	}
	return true;
}
