/*
 * What the files of the client library share. Not installed. Each file calls only files below it:
 *
 *	client.c    making and ending a client, the synchronous call
 *	start.c     the start of a call: checks, encoding, the generated stubs' entry
 *	keeper.c    the keeper: the one thread that knows the time
 *	call.c      sending a call, its answer, its end
 *	link.c      the connection: dialling, losing it, dialling again
 *	state.c     the states of a call, the queue for a slot, the slots
 *	reply.c     replies: from bytes to a message or an error
 *	timer.c     the heap of calls by the time at which they are due
 *	release.c   the end of a client
 */
#ifndef LF_CLIENT_LIB_INTERNAL_H
#define LF_CLIENT_LIB_INTERNAL_H

#include <nng/nng.h>
#include <pthread.h>

#include "client/lib/client.h"
#include "proto/base/clock.h"
#include "proto/base/thread.h"
#include "proto/base/arena.h"
#include "proto/wire/frame.h"

enum {
	LF_CONNECT_MS_DEFAULT = 2000,
	LF_CALL_MS_DEFAULT = 10000,
	LF_ATTEMPTS_DEFAULT = 4,
	LF_CLIENT_FLIGHT_DEFAULT = 256,
	LF_BACKOFF_MS_MIN = 50, /* before the second attempt; doubles with each, ±50% */
	LF_BACKOFF_MS_MAX = 5000,
	LF_REDIAL_MS_MIN = 50, /* before the second try to connect; doubles with each, ±50% */
	LF_REDIAL_MS_MAX = 1000,
	LF_STABLE_MS = 1000, /* a connection that held so long was a good one: the next dial is at once */
	LF_ABORT_AGAIN_MS = 5,
	LF_DIAL_MS_MIN = 20,    /* a dial is not ended earlier: see link.c */
	LF_DIAL_LOST_MS = 1000, /* a dial that was ended and does not return within this is lost */
	LF_DRAIN_MS = 200,      /* how long a client that is destroyed waits for answers that nobody wants any more */
	LF_TEAR_DOWN_MS = 2000, /* how long lf_client_destroy() waits for nng to close the socket */
	LF_REPLY_ARENA_FACTOR = 16, /* memory of a decoded reply, in reply_bytes_max */
};

/* The states of a call; the diagram and the arrows are in state.c. */
enum lf_client_call_state {
	LF_CLIENT_CALL_IDLE,      /* never started */
	LF_CLIENT_CALL_QUEUED,    /* in the wait queue, for a slot and a connection */
	LF_CLIENT_CALL_SENDING,   /* its slot's aio sends */
	LF_CLIENT_CALL_RECEIVING, /* its slot's aio receives */
	LF_CLIENT_CALL_BACKOFF,   /* failed, will be tried again */
	LF_CLIENT_CALL_STOPPED,   /* cancelled while no aio had it; the keeper will end it */
	LF_CLIENT_CALL_ENDING,    /* one thread has it, decodes the reply, runs the closure */
	LF_CLIENT_CALL_DONE,
};

/* A REQ context and its aio: what one request in flight needs. */
struct lf_slot {
	struct lf_client *client;
	nng_ctx context;
	nng_aio *aio;
	struct lf_call *call;
	struct lf_slot *next_free;
	uint32_t pipe_id; /* the connection when the request was handed to nng */
};

struct lf_call {
	ProtobufCService service; /* first: a generated function gets its address */
	struct lf_client *client; /* holds a reference */

	/* Set by lf_call_new(). */
	unsigned timeout_ms;
	unsigned attempts_max;
	bool idempotent;
	char *traceparent;
	char *request_id;

	/* Set at the start, by its caller. */
	unsigned method_index;
	char method[LF_METHOD_BYTES_MAX + 1];
	ProtobufCClosure closure; /* one of the two */
	lf_call_bytes_fn bytes_closure;
	void *closure_data;

	/* Under client->mutex. */
	enum lf_client_call_state state;
	bool unreached;    /* its last attempt failed for want of a connection */
	enum lf_code stop; /* why it must end though no answer came; LF_OK = it need not */
	unsigned attempt;  /* from 1 */
	int64_t deadline_ms;
	int64_t waiting_since_ms; /* QUEUED and SENDING: since then it wants a connection */
	int64_t retry_ms;         /* BACKOFF: when it ends */
	int64_t due_ms;           /* when the keeper has to look at it; never later than needed */
	size_t heap_index;
	struct lf_call *queue_next;
	struct lf_call *queue_previous;
	struct lf_slot *slot;
	pthread_cond_t done;

	/* Of whoever has the call: its starter, then the thread that took it off the queue, then the aio's callback or
	 * the keeper. */
	nng_msg *message; /* kept for a further attempt; NULL where there can be none */
	struct lf_arena arena;
	struct lf_error error;
};

struct lf_client {
	/* Set by lf_client_new(). */
	char *url;
	char *authorization; /* "Bearer TOKEN", or NULL */
	unsigned connect_timeout_ms;
	size_t reply_bytes_max;
	nng_socket socket;
	struct lf_slot *slots;
	size_t slots_wanted, slot_count;
	bool mutex_made, socket_open, keeper_runs;

	pthread_mutex_t mutex; /* everything below; never held across a closure or a call of nng but nng_aio_cancel() */
	pthread_cond_t keeper_cond, link_cond, idle_cond;
	size_t references; /* the client's own and one a call */
	bool closing;
	bool torn_down; /* the keeper is done with nng, and with the client */

	/* Calls. */
	struct lf_slot *free_slots;
	struct lf_call *queue_first, *queue_last;
	struct lf_call **heap; /* the calls the keeper looks after, a binary heap by due_ms */
	size_t heap_count, heap_capacity;
	size_t call_count; /* lf_call objects: the heap has room for each */
	size_t live;       /* started, closure not yet returned */
	size_t pumping;    /* threads in lf_pump() */
	int64_t keeper_wake_ms;
	bool pump_wanted;
	bool unreached; /* of the call that ended last, cancelled ones apart */
	uint64_t random;

	/* Connection. */
	uint32_t pipe_id; /* 0 = not connected */
	uint32_t removed_pipe_id;
	bool pipe_was_added;
	uint64_t pipe_sent, pipe_answered; /* over this connection */
	int64_t disconnected_ms;
	nng_dialer dialer;
	bool dialing, dial_ended, dialled_once; /* dial_ended: the keeper closed its dialer */
	int64_t dial_since_ms, dial_due_ms;     /* dial_due_ms: when the keeper has to look at it */
	bool connector_runs;
	unsigned connectors_lost; /* each holds a reference for ever */
	char link_error[128];     /* why it could not connect, or how the connection was lost */
};

/* ---- time and chance ---- */

/* Milliseconds of the monotonic clock. */
int64_t lf_now_ms(void);
/* Waits until lf_now_ms() is until_ms, or a signal. */
void lf_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t until_ms);
/* base_ms ± 50%. Under the mutex. */
int64_t lf_jitter(struct lf_client *client, int64_t base_ms);

/* ---- the timer: all under the mutex ---- */

void lf_heap_push(struct lf_client *client, struct lf_call *call);
void lf_heap_remove(struct lf_client *client, struct lf_call *call);
/* After a change of due_ms. Wakes the keeper where it became the earliest. */
void lf_heap_update(struct lf_client *client, struct lf_call *call);
/* After changes of many due_ms. Wakes the keeper. */
void lf_heap_rebuild(struct lf_client *client);
/* Wakes the keeper where it sleeps beyond when_ms. */
void lf_keeper_wake(struct lf_client *client, int64_t when_ms);
/* ---- the states of a call: all under the mutex ---- */

/* Moves a call on to another state. Aborts (L1) where the table has no such arrow. */
void lf_call_move(struct lf_call *call, enum lf_client_call_state to);
/* Queues a call for its first or a further attempt. */
void lf_call_enqueue(struct lf_client *client, struct lf_call *call);
/* When the keeper must look at a call that is in the heap. */
int64_t lf_call_due(const struct lf_client *client, const struct lf_call *call);
/* The next call to send, now SENDING and with a slot. NULL where there is none, no free slot, or no connection. */
struct lf_call *lf_call_take_next(struct lf_client *client);
/* Takes a call out of heap and queue, and frees its slot. It is ENDING, and the caller alone has it. */
void lf_call_take_off(struct lf_client *client, struct lf_call *call);
/*
 * Gives up a call, whatever its state; the keeper does the rest. Whether due_ms changed: then the heap must be told.
 */
bool lf_call_stop(struct lf_client *client, struct lf_call *call);

/* ---- calls ---- */

/* The keeper, under the mutex, which it releases while a closure runs: a call's time has come. */
void lf_call_on_due(struct lf_client *client, struct lf_call *call, int64_t now_ms);
/* Without the mutex: sends what is queued, as far as there are slots. Blocks for no longer than a send() does. */
void lf_pump(struct lf_client *client);
/* Runs the closure and makes the call DONE. Without the mutex; the call is ENDING. reply and length: as the closure
 * wants them. */
void lf_call_finish(struct lf_call *call, const ProtobufCMessage *message, const uint8_t *bytes, size_t length);
/* Writes the frame's header for this call into out (LF_FRAME_HEADER_MAX bytes). 0 and error where a field is outside
 * its limits. */
size_t lf_call_header(const struct lf_call *call, uint32_t timeout_ms, uint8_t *out, struct lf_error *error);
/* Like a generated function, but the closure gets the reply's bytes. */
void lf_call_start_message(struct lf_call *call, unsigned method_index, const ProtobufCMessage *input,
	lf_call_bytes_fn closure, void *closure_data);
/* Callback of every slot's aio. arg is the slot. */
void lf_slot_on_aio(void *arg);

/* ---- the keeper ---- */

/*
 * The thread. When the client is closing, no call lives and the connector has ended, it tears the client down. Has a
 * reference of its own, which it drops.
 */
void *lf_keeper_main(void *client);

/* ---- the end of a client ---- */

/* Without the mutex; no call lives and the connector has ended: gives everything of nng's back. May block for long. */
void lf_client_tear_down(struct lf_client *client);
/* Drops a reference, frees the client with the last. Takes the mutex. */
void lf_client_release(struct lf_client *client);
/* Frees a client whose mutex was never made, or whose last reference is gone. After lf_client_tear_down(). */
void lf_client_free(struct lf_client *client);

/* ---- replies ---- */

/*
 * Reads a reply's frame. LF_OK: frame->message is the reply's. Else error says what the server said, or that it sent
 * rubbish (INTERNAL). arena is scratch.
 */
enum lf_code lf_reply_read(struct lf_frame *frame, const uint8_t *data, size_t length, size_t bytes_max,
	struct lf_arena *arena, struct lf_error *error);
/* Decodes the message of a reply into arena. NULL and error where it is rubbish (INTERNAL), or too large
 * (RESOURCE_EXHAUSTED). */
ProtobufCMessage *lf_reply_decode(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t length,
	struct lf_arena *arena, struct lf_error *error);
/* The same onto the heap, for protobuf_c_message_free_unpacked(message, NULL). */
ProtobufCMessage *lf_reply_decode_to_heap(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t length,
	size_t memory_max, struct lf_error *error);
/* Copies from over to (may be NULL). */
void lf_error_copy(struct lf_error *to, const struct lf_error *from);

/* ---- connection ---- */

/* In plain words, what an error number of nng means for a connection. Static storage. */
const char *lf_link_reason(int nng_error);
/* Sets up the callbacks of the socket. 0 or an error number of nng. */
int lf_link_watch(struct lf_client *client);
/* Under the mutex: starts the connector. false where there is no thread to be had. It ends when the client is closing.
 */
bool lf_link_start(struct lf_client *client);
/* The keeper, under the mutex, which it may release meanwhile: dial_due_ms of a dial has come. */
void lf_link_on_due(struct lf_client *client, int64_t now_ms);
/* Under the mutex: a request that was handed to nng during the connection pipe_id got word of its loss. */
void lf_link_lost(struct lf_client *client, uint32_t pipe_id);
/* Under the mutex: the client is closing, so a dial must end soon. */
void lf_link_close(struct lf_client *client);

#endif
