/* Threads and conditions, set up as all of ours are. */
#ifndef LF_PROTO_BASE_THREAD_H
#define LF_PROTO_BASE_THREAD_H

#include <pthread.h>

/* Starts a thread in which every signal but SIGBUS is blocked: signals are main()'s. 0 or an errno. */
int lf_thread_start(pthread_t *thread, void *(*run)(void *), void *argument);
/* A condition whose timed waits follow the monotonic clock (lf_clock_after_ns()). 0 or an errno. */
int lf_cond_init(pthread_cond_t *condition);

#endif
