#include "proto/base/thread.h"

#include <sched.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

int lf_thread_start(pthread_t *thread, void *(*run)(void *), void *argument)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	sigdelset(&all, SIGBUS); /* it comes from what the thread itself does: blocked, it would kill without a word */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(thread, NULL, run, argument);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

int lf_cond_init(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;
	int rc = pthread_condattr_init(&attributes);

	if (rc != 0)
		return rc;
	rc = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	if (rc == 0)
		rc = pthread_cond_init(condition, &attributes);
	pthread_condattr_destroy(&attributes);
	return rc;
}

size_t lf_processors(void)
{
	cpu_set_t allowed;
	long count;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) == 0)
		return (size_t)CPU_COUNT(&allowed);
	count = sysconf(_SC_NPROCESSORS_ONLN); /* more than a cpu_set_t has */
	return count < 1 ? 1 : (size_t)count;
}
