/*
 * Checks that stay in the release build.
 *
 * A check states an invariant that only a mistake in our own code can break. Nothing that a peer, a file or a user
 * sends may decide it: a check that input can trip is a way to stop the service. When one fails, the process says which
 * invariant and where, and aborts, rather than going on with a state that nobody has thought about.
 */
#ifndef LF_PROTO_BASE_CHECK_H
#define LF_PROTO_BASE_CHECK_H

#include <stdio.h>
#include <stdlib.h>

/* Says "invariant NAME is broken: CONDITION (FILE:LINE)" on standard error and aborts. */
static _Noreturn __attribute__((cold, noinline, unused)) void lf_check_failed(
	const char *name, const char *condition, const char *file, int line)
{
	fprintf(stderr, "invariant %s is broken: %s (%s:%d)\n", name, condition, file, line);
	fflush(stderr);
	abort();
}

/* name: of an invariant in the room's DESIGN.md, e.g. LF_CHECK(W8, log->pending <= log->options.queue_max). */
#define LF_CHECK(name, condition)                                                                                      \
	(__builtin_expect(!(condition), 0) ? lf_check_failed(#name, #condition, __FILE__, __LINE__) : (void)0)

#endif
