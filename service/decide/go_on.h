/* Asking whether work is still wanted. */
#ifndef LF_SERVICE_DECIDE_GO_ON_H
#define LF_SERVICE_DECIDE_GO_ON_H

#include <stdbool.h>

/* Whether to go on. What may take a while asks it now and then, on its own thread; it must not block. */
typedef bool (*lf_go_on_fn)(void *context);

#endif
