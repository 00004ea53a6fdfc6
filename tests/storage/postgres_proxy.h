/*
 * A proxy on loopback between a log and its server: it counts round trips, and can go silent, or cut a connection at any
 * byte of a commit or of the answer to it.
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
	/*
	 * Set to n >= 0: of the next message that has COMMIT's in it, n bytes more of that direction are passed on, and then
	 * the connection is closed: cut_answer of what the server sends from then on, cut_question of what the client sent,
	 * that message included. Each is -1 again when that has happened.
	 */
	atomic_long cut_answer, cut_question;
	/* The answer to the next COMMIT comes byte by byte, slowly: each in time, and all of it too late. */
	atomic_bool drip_answer;
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
