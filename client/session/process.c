/* What a process is to be like before it does anything. */
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "client/session/cli.h"

/*
 * Ends at once, as a shell expects: killed by the same signal. The first process of a container is not killed by its
 * own signals; it gets the status that a shell would show.
 */
static void end_at_once(int signal_number)
{
	raise(signal_number);
	_exit(128 + signal_number);
}

static void set_signals(void)
{
	static const int ending[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction action = {.sa_handler = end_at_once, .sa_flags = (int)SA_RESETHAND | SA_NODEFER};
	struct sigaction old;

	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++)
		if (sigaction(ending[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
			sigaction(ending[i], &action, NULL);
	signal(SIGPIPE, SIG_IGN); /* a closed pipe shows as EPIPE */
}

/* A standard descriptor that is closed would be given to the next file or socket, which then gets our output. */
static void hold_standard_descriptors(void)
{
	for (int file = STDIN_FILENO; file <= STDERR_FILENO; file++)
		if (fcntl(file, F_GETFD) < 0 && open("/dev/null", file == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
			return;
}

void lf_process_begin(void)
{
	hold_standard_descriptors();
	set_signals();
}
