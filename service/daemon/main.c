/*
 * leadfitd: opens the log, loads rubrics, listens, and waits for a signal. SIGHUP reloads.
 *
 * Exit status: 0 after SIGTERM or SIGINT; else as the CLI's (client/README.md): 2 usage or a bad file, 3 unavailable
 * (also after the log failed, or nng got stuck: whoever supervises it starts it again, and it reads what is on disk),
 * 4 refused.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#ifdef __GLIBC__ /* which any header of the C library says */
#include <malloc.h>
#endif

#include "proto/base/limits.h"
#include "proto/base/secret.h"
#include "service/daemon/daemon.h"
#include "service/daemon/options.h"
#include "service/daemon/reload.h"
#include "service/events/events.h"
#include "service/offline/commands.h"

/*
 * A batch of whole decisions takes and returns megabytes. Returned to the system each time, they come back as page
 * faults, which cost a third of such a batch. So the free memory at a heap's end is kept, up to what all requests may
 * use together; large messages come from there, too.
 */
static void keep_memory(void)
{
#ifdef __GLIBC__
	mallopt(M_TRIM_THRESHOLD, LF_REQUEST_BYTES_MAX);
	mallopt(M_MMAP_THRESHOLD, 2 * LF_MESSAGE_BYTES_MAX);
#endif
}

/* These read the key file and people's data, and have no use for a core dump. */
static bool is_command(int argc, char **argv, const char *name)
{
	if (argc < 2 || strcmp(argv[1], name) != 0)
		return false;
	lf_process_seclude();
	return true;
}

/*
 * Only what is safe in a handler. A mapped file was cut short, FILE-shm, say: or its disk can't be read. Nothing that
 * was acknowledged is lost by ending here.
 */
static void on_bus_error(int signal)
{
	static const char text[] =
		"leadfitd: SIGBUS: a file that is in use (FILE-shm of the log, or a program) was cut "
		"short, or its disk can't be read: stopping, to be started again\n";
	const ssize_t written = write(STDERR_FILENO, text, sizeof(text) - 1);

	(void)signal;
	(void)written;
	_exit(3);
}

/*
 * For all commands. SIGXFSZ ignored: a write beyond the limit of a file's size fails with EFBIG, and is treated as one to
 * a full disk.
 */
static void set_up_signals(void)
{
	struct sigaction bus = {.sa_handler = on_bus_error};

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	sigaction(SIGBUS, &bus, NULL);
}

/* Waits for one of them. Once a second it is said which lines were too many. */
static int await_signal(const sigset_t *signals)
{
	const struct timespec second = {.tv_sec = 1};
	int received;

	while ((received = sigtimedwait(signals, NULL, &second)) < 0)
		lf_event_say_left_out();
	return received;
}

int main(int argc, char **argv)
{
	struct lf_daemon_options options;
	struct lf_daemon daemon = {0};
	sigset_t signals;
	int status, received;

	set_up_signals();
	if (is_command(argc, argv, "init"))
		return lf_init_command(argc - 1, argv + 1);
	if (is_command(argc, argv, "copy"))
		return lf_copy_command(argc - 1, argv + 1);
	if (is_command(argc, argv, "key"))
		return lf_key_command(argc - 1, argv + 1);
	if (is_command(argc, argv, "verify"))
		return lf_verify_command(argc - 1, argv + 1);
	if (is_command(argc, argv, "restore"))
		return lf_restore_command(argc - 1, argv + 1);
	status = lf_daemon_options_read(&options, argc, argv);
	if (status >= 0)
		return status;
	if (!options.core_dumps)
		lf_process_seclude();
	keep_memory();
	lf_event_init(&options.events);
	/* Blocked before any thread starts, so that only sigwait() sees them. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGUSR1);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	status = lf_daemon_start(&daemon, &options);
	if (status == 0) {
		lf_event_say(LF_EVENT_READY, "requests are taken");
		while ((received = await_signal(&signals)) == SIGHUP)
			lf_daemon_reload(&daemon, &options);
		status = received == SIGUSR1 ? 3 : 0;
		if (status == 0)
			lf_event_say(LF_EVENT_STOPPING, "by %s", received == SIGINT ? "SIGINT" : "SIGTERM");
		else
			lf_event_say(LF_EVENT_GIVING_UP, "stopping, to be started again");
	}
	lf_daemon_stop(&daemon);
	lf_event_say_left_out();
	return status;
}
