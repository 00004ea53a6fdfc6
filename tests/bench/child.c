#include "tests/bench/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/meter.h"

static const double await_seconds_max = 30, stop_seconds_max = 10, poll_seconds = 0.01;

/* In the child, before exec: async-signal-safe calls only. */
static void become(const char *const *argv, int log, pid_t parent)
{
	sigset_t none;
	union {
		const char *const *in;
		char *const *out;
	} arguments = {.in = argv};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127); /* it died before that was set */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(log, STDOUT_FILENO) >= 0 && dup2(log, STDERR_FILENO) >= 0)
		execv(argv[0], arguments.out);
	dprintf(STDERR_FILENO, "can't run %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

enum lf_code lf_child_start(struct lf_child *child, const char *const *argv, const char *log, struct lf_error *error)
{
	const pid_t parent = getpid();
	int file;

	snprintf(child->log, sizeof(child->log), "%s", log);
	file = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_APPEND, 0600);
	if (file < 0)
		return lf_error_set(error, LF_UNAVAILABLE, "can't write %s: %s", log, strerror(errno));
	child->pid = fork();
	if (child->pid == 0)
		become(argv, file, parent);
	close(file);
	if (child->pid < 0) {
		child->pid = 0;
		return lf_error_set(error, LF_UNAVAILABLE, "can't fork: %s", strerror(errno));
	}
	return LF_OK;
}

/* Looks for the line. last gets the log's last line. */
static bool find_line(
	const struct lf_child *child, const char *text, char *rest, size_t size, char *last, size_t last_size)
{
	FILE *file = fopen(child->log, "re");
	char line[1024];
	const char *at = NULL;

	while (file != NULL && at == NULL && fgets(line, sizeof(line), file) != NULL) {
		const size_t length = strcspn(line, "\n");

		if (line[length] != '\n')
			break; /* not written to its end yet */
		line[length] = '\0';
		snprintf(last, last_size, "%s", line);
		at = strstr(line, text);
		if (at != NULL)
			snprintf(rest, size, "%s", at + strlen(text));
	}
	if (file != NULL)
		fclose(file);
	return at != NULL;
}

/* Whether it has ended; then it is reaped, and status is set. */
static bool has_ended(struct lf_child *child, int *status)
{
	if (waitpid(child->pid, status, WNOHANG) != child->pid)
		return false;
	child->pid = 0;
	return true;
}

enum lf_code lf_child_await(struct lf_child *child, const char *text, char *rest, size_t size, struct lf_error *error)
{
	const uint64_t until = lf_meter_now_ns() + (uint64_t)(await_seconds_max * 1e9);
	char last[1024] = "it said nothing";
	int status;

	while (!find_line(child, text, rest, size, last, sizeof(last))) {
		if (has_ended(child, &status))
			return lf_error_set(
				error, LF_UNAVAILABLE, "a server ended before it was ready; last line: %s", last);
		if (lf_meter_now_ns() > until)
			return lf_error_set(error, LF_UNAVAILABLE, "a server is not ready after %g s; last line: %s",
				await_seconds_max, last);
		if (!lf_sleep_seconds(poll_seconds))
			return lf_error_set(error, LF_CANCELLED, "interrupted");
	}
	return LF_OK;
}

enum lf_code lf_child_stop(struct lf_child *child, struct lf_error *error)
{
	const uint64_t until = lf_meter_now_ns() + (uint64_t)(stop_seconds_max * 1e9);
	struct timespec step = {.tv_nsec = 5 * 1000 * 1000};
	int status = 0;

	if (child->pid == 0)
		return LF_OK;
	kill(child->pid, SIGTERM);
	while (!has_ended(child, &status)) {
		if (lf_meter_now_ns() > until) {
			kill(child->pid, SIGKILL);
			waitpid(child->pid, &status, 0);
			child->pid = 0;
			return lf_error_set(
				error, LF_UNAVAILABLE, "a server did not end within %g s of SIGTERM", stop_seconds_max);
		}
		nanosleep(&step, NULL);
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return lf_error_set(error, LF_UNAVAILABLE, "a server ended with %s %d",
			WIFSIGNALED(status) ? "signal" : "status",
			WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	return LF_OK;
}

static double time_us(struct timeval time)
{
	return (double)time.tv_sec * 1e6 + (double)time.tv_usec;
}

enum lf_code lf_child_finish(struct lf_child *child, double seconds, double *cpu_us, struct lf_error *error)
{
	const uint64_t until = lf_meter_now_ns() + (uint64_t)(seconds * 1e9);
	char rest[2], last[1024] = "it said nothing";
	struct rusage used;
	int status = 0;

	while (wait4(child->pid, &status, WNOHANG, &used) != child->pid) {
		if (lf_meter_now_ns() < until && lf_sleep_seconds(poll_seconds))
			continue;
		kill(child->pid, SIGKILL);
		waitpid(child->pid, &status, 0);
		child->pid = 0;
		return lf_error_set(error, LF_UNAVAILABLE, "it has not ended after %g s, or was interrupted", seconds);
	}
	child->pid = 0;
	*cpu_us = time_us(used.ru_utime) + time_us(used.ru_stime);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return LF_OK;
	find_line(child, "\n", rest, sizeof(rest), last, sizeof(last));
	return lf_error_set(error, LF_UNAVAILABLE, "it failed; last line: %s", last);
}

void lf_child_block_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
}
