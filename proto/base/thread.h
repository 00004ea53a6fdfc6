/* Threads and conditions, set up as all of ours are. */
#ifndef LF_PROTO_BASE_THREAD_H
#define LF_PROTO_BASE_THREAD_H

#include <pthread.h>
#include <stddef.h>

/* Starts a thread in which every signal but SIGBUS is blocked: signals are main()'s. 0 or an errno. */
int lf_thread_start(pthread_t *thread, void *(*run)(void *), void *argument);
/* A condition whose timed waits follow the monotonic clock (lf_clock_after_ns()). 0 or an errno. */
int lf_cond_init(pthread_cond_t *condition);
/* Processors that this process may use, at least 1: fewer than the machine has under taskset, or in a container's set. */
size_t lf_processors(void);

#endif
