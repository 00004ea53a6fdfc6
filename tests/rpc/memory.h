/*
 * A transport in memory: calls without a socket, a frame, or a thread of its own. For tests of dispatch, and of
 * services that need a server and no network. The server must have been started (lf_rpc_server_start()). Everything
 * here may be called by several threads at once, a flight by one at a time.
 */
#ifndef LF_TESTS_RPC_MEMORY_H
#define LF_TESTS_RPC_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/slice.h"
#include "service/rpc/rpc.h"
#include "service/rpc/transport.h"

struct memory_request {
	const char *method; /* "leadfit.v1.Scoring/Score" */
	const void *message;
	size_t message_length;
	const struct lf_metadata *metadata; /* may be NULL; copied, but for the text of its slices */
	size_t metadata_count;
	struct lf_rpc_peer *peer; /* may be NULL */
	uint32_t timeout_ms;      /* 0 = no deadline */
	size_t bytes;             /* what the request is said to take; 0 = its length */
	bool one_reply;           /* as a transport that has no streams */
	bool one_thread;          /* as a transport that has one thread for all connections */
	bool slow;                /* takes the parts of a reply only with memory_take() */
	size_t error_max;         /* longer errors do not fit; 0 = all do */
};

struct memory_bytes {
	uint8_t *data; /* heap */
	size_t length;
};

struct memory_reply {
	bool answered; /* false: the call ended without a reply */
	enum lf_code code;
	char text[512];   /* of an error */
	bool wrong_token; /* as dispatch said with the error, as the next */
	uint32_t retry_ms;
	struct memory_bytes last; /* the message, or the packed leadfit.v1.Error; data NULL for a bare status */
	struct memory_bytes *parts;
	size_t part_count;
};

/* Calls, and waits for the end. */
void memory_call(struct memory_reply *reply, struct lf_rpc_server *server, const struct memory_request *request);
void memory_reply_clean_up(struct memory_reply *reply);

/* A call under way. */
struct memory_flight;

/* Starts one. A quick method may run within this. */
struct memory_flight *memory_start(struct lf_rpc_server *server, const struct memory_request *request);
/* Waits until there are so many parts, or the call has ended. How many there are. */
size_t memory_await_parts(struct memory_flight *flight, size_t count);
/* One of those that there are; the flight's. */
struct memory_bytes memory_part(struct memory_flight *flight, size_t index);
/* A slow peer takes what parts there are. */
void memory_take(struct memory_flight *flight);
/* Its peer has gone. */
void memory_leave(struct memory_flight *flight);
bool memory_has_ended(struct memory_flight *flight);
/* Waits for its end. The flight is gone. */
void memory_end(struct memory_flight *flight, struct memory_reply *reply);

#endif
