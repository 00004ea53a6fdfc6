/*
 * Forgetting what past requests have left in memory, after an erasure. Freed memory is cleared when it is freed
 * (service/daemon/heap.c); what is kept for reuse, and the stacks of threads, are cleared when each of their owners
 * sees that lf_forget() was called.
 */
#ifndef LF_PROTO_BASE_FORGET_H
#define LF_PROTO_BASE_FORGET_H

/* From here on what was kept before is not to be used again. Any thread. */
void lf_forget(void);
/* How often it was called: what has another age than this is old. Any thread. */
unsigned lf_forget_age(void);
/* Clears what this thread's earlier calls have left on its stack, where it has not since the last lf_forget(). */
void lf_forget_stack(void);
/* The same, at any rate. */
void lf_forget_stack_now(void);

#endif
