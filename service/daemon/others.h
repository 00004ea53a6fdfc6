/* What other services on the same log do, as far as this one keeps something that it changes. */
#ifndef LF_SERVICE_DAEMON_OTHERS_H
#define LF_SERVICE_DAEMON_OTHERS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "service/state/finisher.h"
#include "storage/log/log.h"

struct lf_publisher;
struct lf_registry;
struct lf_state;

/* Of a log that nobody else writes, nothing is ever told. It must not move. */
struct lf_daemon_others {
	pthread_mutex_t lock;           /* of state; held while it is told something */
	struct lf_state *state;         /* NULL: not yet, or no more */
	struct lf_publisher *publisher; /* NULL: none */
	struct lf_registry *registry;   /* state's; the chores' thread */
	struct lf_finish following;     /* it follows the log, on that thread */
	atomic_bool follows;            /* pushed, and not begun */
};

void lf_daemon_others_init(struct lf_daemon_others *others);
/* For lf_log_open(): context is others. */
struct lf_log_watch lf_daemon_others_watch(struct lf_daemon_others *others);
/* From here on it is told, to what is complete. Borrows both; publisher may be NULL. Before the server listens. */
void lf_daemon_others_start(struct lf_daemon_others *others, struct lf_state *state, struct lf_publisher *publisher);
/* Nothing is told any more when this returns. Before the chores end. Also where it was not started. */
void lf_daemon_others_stop(struct lf_daemon_others *others);

#endif
