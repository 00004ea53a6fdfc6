/*
 * What nng asks of the kernel about its connections goes through here: who is let in, when a connection has ended, and
 * which one makes no headway. nng offers no such thing, so this room has the C library's accept(), accept4(), listen(),
 * epoll_wait(), readv() and sendmsg() for the whole program. What they do for others than nng is what the C library's do.
 */
#ifndef LF_SERVICE_RPC_NNG_GUARD_H
#define LF_SERVICE_RPC_NNG_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The way in to one socket of nng, through all of its listeners. */
struct lf_door;

struct lf_door_limits {
	size_t remote_max;  /* connections over TCP whose peers are there; likewise the others */
	size_t address_max; /* of these from one address; an IPv6 one counts as its /64 */
	size_t local_max;   /* over local sockets */
};

struct lf_door_counters {
	size_t remote, local;  /* connections that are there, or were when last counted */
	uint64_t refused;      /* closed at once: there were too many */
	uint64_t ended_unread; /* ended: took no bytes */
	uint64_t ended_unsent; /* ended: did not send what they had announced */
};

/* NULL: no memory. Any thread, as all below. */
struct lf_door *lf_door_new(const struct lf_door_limits *limits);
/* Connections at the most: twice what the limits say, for those whose peers have gone and that nng has still. */
size_t lf_door_max(const struct lf_door *door);
/* Once nng has closed what listens. NULL is allowed. */
void lf_door_free(struct lf_door *door);

/*
 * What this thread lets nng listen on from here until lf_door_leave() belongs to door; listener tells them apart, and is
 * not looked at.
 */
void lf_door_enter(struct lf_door *door, const void *listener);
void lf_door_leave(void);

/*
 * Ends the connections that came through a listener, or through all (NULL), from their reading side: nng reads the end of
 * the stream next, and closes them itself. Returns how many are still there. Does not block.
 */
size_t lf_door_end(struct lf_door *door, const void *listener);
/*
 * The same for those that have not taken, or not sent, LF_GUARD_PROGRESS_BYTES for so long, in the middle of a message.
 */
void lf_door_end_stalled(struct lf_door *door, uint64_t unread_ns, uint64_t unsent_ns);
void lf_door_counters(struct lf_door *door, struct lf_door_counters *counters);
/* How often a connection of this listener was closed at once. That shows that it accepts. */
uint64_t lf_door_refused(struct lf_door *door, const void *listener);

enum { LF_GUARD_PROGRESS_BYTES = 64 * 1024 };

#endif
