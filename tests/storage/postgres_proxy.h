/*
 * A proxy on loopback between a log and its server: it counts round trips, and can go silent, or cut a connection after
 * so many bytes of the server's.
 */
#ifndef LF_TESTS_STORAGE_POSTGRES_PROXY_H
#define LF_TESTS_STORAGE_POSTGRES_PROXY_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

enum { PROXY_CONNECTIONS_MAX = 512 };

struct postgres_proxy {
	int listener, port, target; /* target: the server's port */
	pthread_t thread;
	atomic_bool closing;
	/* Nothing is passed on, in either direction, and nothing is closed. */
	atomic_bool silent;
	/* Bytes that servers may still send; then the connection that would send more is closed. < 0: any number. */
	atomic_long cut_after;
	/*
	 * By connection, in the order in which they were made: how often the client sent something after the server had
	 * answered.
	 */
	atomic_uint trips[PROXY_CONNECTIONS_MAX];
	atomic_uint connections;
};

void postgres_proxy_start(struct postgres_proxy *proxy, int target);
void postgres_proxy_stop(struct postgres_proxy *proxy);

#endif
