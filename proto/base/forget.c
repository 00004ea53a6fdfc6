#include "proto/base/forget.h"

#include <stdatomic.h>
#include <string.h>

/*
 * As deep as calls go: a Score, a commit and an Erase take less than half of it. Threads have 8 MiB, or what the
 * system's default is; the smallest that is known, musl's, has 128 KiB.
 */
#ifdef __GLIBC__
enum { STACK_BYTES = 128 * 1024 };
#else
enum { STACK_BYTES = 64 * 1024 };
#endif

static atomic_uint age;
static _Thread_local unsigned seen;

void lf_forget(void)
{
	atomic_fetch_add(&age, 1);
}

unsigned lf_forget_age(void)
{
	return atomic_load_explicit(&age, memory_order_relaxed);
}

__attribute__((noinline)) void lf_forget_stack_now(void)
{
	char stack[STACK_BYTES];

	explicit_bzero(stack, sizeof(stack));
}

void lf_forget_stack(void)
{
	const unsigned now = lf_forget_age();

	if (seen == now)
		return;
	seen = now;
	lf_forget_stack_now();
}
