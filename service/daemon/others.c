/*
 * The thread of the log that looks at its end calls what is here, and must not wait. What takes a read of the log goes to
 * the thread of the chores. None of it makes anything right: what is recorded is looked at in the commit, so a service
 * that hears late, or not at all, is only slower.
 */
#include "service/daemon/others.h"

#include "service/events/events.h"
#include "service/rpc/nng/publish.h"
#include "service/rpc/rpc.h"
#include "service/state/registry.h"
#include "service/state/state.h"

/* There are newer decisions: whoever watches reads on. */
static void moved(void *context, uint64_t newest_sequence)
{
	struct lf_daemon_others *others = context;

	pthread_mutex_lock(&others->lock);
	if (others->state != NULL) {
		if (others->publisher != NULL)
			lf_publisher_note(others->publisher, newest_sequence);
		lf_rpc_server_news(others->state->server);
	}
	pthread_mutex_unlock(&others->lock);
}

/* Somebody was erased, or something pruned: it may be in the memory of this process. */
static void redacted(void *context)
{
	struct lf_daemon_others *others = context;

	pthread_mutex_lock(&others->lock);
	if (others->state != NULL) {
		lf_state_forget(others->state);
		lf_event_say(LF_EVENT_FORGOTTEN,
			"another service, or this one, has erased something from the log: "
			"what was in memory is gone");
	}
	pthread_mutex_unlock(&others->lock);
}

/* On the thread of the chores. That it fails shows when a request needs it, which reads it then. */
static void follow(struct lf_finish *finish)
{
	struct lf_daemon_others *others = LF_CONTAINER_OF(finish, struct lf_daemon_others, following);
	struct lf_error ignored = LF_ERROR_INIT;

	atomic_store(&others->follows, false);
	lf_registry_follow(others->registry, &ignored);
	lf_error_clean_up(&ignored);
}

static void activated(void *context, uint64_t activated_to)
{
	struct lf_daemon_others *others = context;

	(void)activated_to;
	pthread_mutex_lock(&others->lock);
	if (others->state != NULL && !atomic_exchange(&others->follows, true))
		lf_finisher_push(others->state->chores, &others->following);
	pthread_mutex_unlock(&others->lock);
}

void lf_daemon_others_init(struct lf_daemon_others *others)
{
	*others = (struct lf_daemon_others){.lock = PTHREAD_MUTEX_INITIALIZER, .following = {.run = follow}};
}

struct lf_log_watch lf_daemon_others_watch(struct lf_daemon_others *others)
{
	return (struct lf_log_watch){
		.on_moved = moved, .on_redacted = redacted, .on_activated = activated, .context = others};
}

void lf_daemon_others_start(struct lf_daemon_others *others, struct lf_state *state, struct lf_publisher *publisher)
{
	pthread_mutex_lock(&others->lock);
	others->state = state;
	others->publisher = publisher;
	others->registry = state->registry;
	pthread_mutex_unlock(&others->lock);
}

void lf_daemon_others_stop(struct lf_daemon_others *others)
{
	pthread_mutex_lock(&others->lock);
	others->state = NULL;
	pthread_mutex_unlock(&others->lock);
}
