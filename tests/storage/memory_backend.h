/* A backend of arrays, for tests: proof that the conformance suite is about the vtable, and a log without a disk. */
#ifndef LF_TESTS_STORAGE_MEMORY_BACKEND_H
#define LF_TESTS_STORAGE_MEMORY_BACKEND_H

#include "storage/log/backend.h"

/* location: any text. What was committed stays until memory_backend_forget(). One store at a time. */
extern const struct lf_backend memory_backend;
void memory_backend_forget(void);
/* The same memory, for any number of stores. */
extern const struct lf_backend memory_shared_backend;
/* Until it is forgotten: begin() does not wait for its turn, so who is not first is told so when it writes. */
void memory_backend_race(void);
/* Until it is forgotten: begin() gives this time of the store's own clock. */
void memory_backend_set_clock(int64_t now_us);
/*
 * What is committed now is all that a second server has, and that one takes over: what was committed since is lost, of
 * everything but redactions. While nobody has a transaction.
 */
void memory_backend_remember(void);
void memory_backend_go_back(void);
/* The same, so that begin() doesn't say that the server is another. */
void memory_backend_go_back_unnoticed(void);

#endif
