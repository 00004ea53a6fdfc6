#include "service/events/output.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <unistd.h>

#include "proto/base/clock.h"

/*
 * Design notes
 *
 * Whoever reads standard error may stop doing so: a terminal that was halted, a collector that hangs. The service goes on
 * then, and lines are lost, not answers. So a write is begun only where poll() says that it will not block: a pipe that is
 * ready has room for 4,096 bytes, which no line exceeds. The lock is held for a write, and for at most WAIT_MS in which
 * a busy reader may catch up; a reader that has not is not waited for again until it has taken a line.
 */

enum { WAIT_MS = 100 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool stalled; /* under lock: the last line was not taken in time */
static bool cut;     /* under lock: the last line was begun and not ended */

/* Whether standard error takes something before the deadline. Errors are left to write(). */
static bool await(uint64_t deadline_ns)
{
	struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};

	for (;;) {
		const uint64_t now_ns = lf_clock_ns();
		const int ms = now_ns < deadline_ns ? (int)((deadline_ns - now_ns + 999999) / 1000000) : 0;
		const int ready = poll(&out, 1, ms);

		if (ready > 0)
			return true;
		if (ready == 0 || errno != EINTR)
			return false;
	}
}

/* How much of it was taken. */
static size_t put(const char *data, size_t length)
{
	const uint64_t deadline_ns = lf_clock_ns() + (stalled ? 0 : (uint64_t)WAIT_MS * 1000000);
	size_t done = 0;

	stalled = true;
	while (done < length && await(deadline_ns)) {
		const ssize_t n = write(STDERR_FILENO, data + done, length - done);

		if (n > 0)
			done += (size_t)n;
		else if (n < 0 && errno != EINTR && errno != EAGAIN)
			break;
		else if (lf_clock_ns() >= deadline_ns)
			break;
	}
	stalled = done < length;
	return done;
}

bool lf_output_line(const char *line, size_t length)
{
	size_t done = 0;

	pthread_mutex_lock(&lock);
	if (cut)
		cut = put("\n", 1) != 1;
	if (!cut) {
		done = put(line, length);
		cut = done > 0 && done < length;
	}
	pthread_mutex_unlock(&lock);
	return done == length;
}
