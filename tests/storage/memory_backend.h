/* A backend of arrays, for tests: proof that the conformance suite is about the vtable, and a log without a disk. */
#ifndef LF_TESTS_STORAGE_MEMORY_BACKEND_H
#define LF_TESTS_STORAGE_MEMORY_BACKEND_H

#include "storage/log/backend.h"

/* location: any text. What was committed stays until memory_backend_forget(). One store at a time. */
extern const struct lf_backend memory_backend;
void memory_backend_forget(void);

#endif
