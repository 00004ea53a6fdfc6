/*
 * What the files of the client library share. Not installed. Each file calls only files below it:
 *
 *	client.c    making and ending a client, the synchronous call
 *	start.c     the start of a call: checks, encoding, the generated stubs' entry
 *	keeper.c    the keeper: the one thread that knows when a call is due
 *	nng_*.c     the transport over nng (nng.h)
 *	http_*.c    the transport over HTTP/2 (http.h)
 *	call.c      sending a call, its answer, its end
 *	link.c      what both transports say about the connection
 *	state.c     the states of a call, the queue for a slot, the slots
 *	reply.c     replies: from bytes to a message or an error
 *	timer.c     the heap of calls by the time at which they are due
 *	release.c   the end of a client
 *	url.c       a server's URL
 *
 * A transport is below keeper.c and above call.c; what is below it calls it through the table of transport.h.
 */
#ifndef LF_CLIENT_LIB_INTERNAL_H
#define LF_CLIENT_LIB_INTERNAL_H

#include <pthread.h>

#include "client/lib/client.h"
#include "client/lib/url.h"
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
	LF_STABLE_MS = 1000,        /* a connection that held so long was a good one: the next dial is at once */
	LF_ABORT_AGAIN_MS = 5,      /* a transport that was told to give a call back is told again after this */
	LF_TEAR_DOWN_MS = 2000,     /* how long lf_client_destroy() waits for the transport's end */
	LF_REPLY_ARENA_FACTOR = 16, /* memory of a decoded reply, in reply_bytes_max */
};

/* The states of a call; the diagram and the arrows are in state.c. */
enum lf_client_call_state {
	LF_CLIENT_CALL_IDLE,      /* never started */
	LF_CLIENT_CALL_QUEUED,    /* in the wait queue, for a slot and a connection */
	LF_CLIENT_CALL_SENDING,   /* the transport has it, and has not sent it yet */
	LF_CLIENT_CALL_RECEIVING, /* the transport has it, and waits for the answer */
	LF_CLIENT_CALL_BACKOFF,   /* failed, will be tried again */
	LF_CLIENT_CALL_STOPPED,   /* it must end, and the transport does not have it; the keeper will end it */
	LF_CLIENT_CALL_ENDING,    /* one thread has it, decodes the reply, runs the closure */
	LF_CLIENT_CALL_DONE,
};

/* One place among the requests in flight. Each transport has what else a request needs behind it. */
struct lf_slot {
	struct lf_call *call;
	struct lf_slot *next_free;
	uint32_t connection; /* the connection when the request was handed to the transport */
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
	bool unreached; /* its last attempt failed for want of a connection */
	bool unstarted; /* its last attempt failed, and the server has certainly done nothing: it may be tried again */
	bool alone;     /* it does not go together with others: it was told so */
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

	/* Of whoever has the call: its starter, then the thread that took it off the queue, then the transport or the
	 * keeper. */
	void *request; /* the transport's, with the message; kept for a further attempt, NULL where there can be none */
	struct lf_arena arena;
	struct lf_error error;
};

struct lf_client {
	/* Set by lf_client_new(). */
	char *url;
	struct lf_url address;
	char *authorization; /* "Bearer TOKEN", or NULL */
	unsigned connect_timeout_ms;
	size_t reply_bytes_max;
	size_t in_flight_max;
	const struct lf_client_transport *transport;
	void *own; /* the transport's */
	bool mutex_made, keeper_runs;

	pthread_mutex_t mutex; /* everything below; never held across a closure, nor across what may block */
	pthread_cond_t keeper_cond, link_cond, idle_cond;
	size_t references; /* the client's own and one a call */
	bool closing;
	bool torn_down; /* the keeper is done with the transport, and with the client */

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
	uint32_t connection; /* number of the one that takes requests; 0 = not connected */
	bool reached;        /* it was connected once */
	bool dialled_once;
	int64_t disconnected_ms;
	bool connector_runs;  /* the transport's thread, which connects */
	bool link_refused;    /* since a certificate was not accepted: trying again won't help */
	char link_error[256]; /* why it could not connect, or how the connection was lost */
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
/* Adds a free place, when a transport is opened. */
void lf_slot_add(struct lf_client *client, struct lf_slot *slot);
/* Queues a call for its first or a further attempt. */
void lf_call_enqueue(struct lf_client *client, struct lf_call *call);
/*
 * Queues a call, which is ENDING, for the same attempt again, ahead of all others: nothing of it was done. One that has to
 * stop, or whose client is closing, is not sent again: the keeper ends it.
 */
void lf_call_put_back(struct lf_client *client, struct lf_call *call);
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

/* What a transport says about a call that it had. */

/* Under the mutex: the request is out. */
void lf_call_sent(struct lf_client *client, struct lf_call *call);
/* Under the mutex, after lf_call_take_off(): the error of a call that had to stop (code: call->stop). */
void lf_call_set_stop_error(struct lf_client *client, struct lf_call *call, enum lf_code code);
/* Without the mutex; the call is ENDING and its error says why the attempt failed: tries again later, or ends it. */
void lf_call_settle(struct lf_call *call);
/*
 * Without the mutex; the call is ENDING. Its error says what the answer said (LF_OK: that it has the message): ends it,
 * or tries again later. The bytes are the transport's, and may go afterwards.
 */
void lf_call_answer(struct lf_call *call, const uint8_t *message, size_t length);

/* ---- the keeper ---- */

/*
 * The thread. When the client is closing, no call lives and the connector has ended, it tears the client down. Has a
 * reference of its own, which it drops.
 */
void *lf_keeper_main(void *client);

/* ---- the end of a client ---- */

/* Drops a reference, frees the client with the last. Takes the mutex. */
void lf_client_release(struct lf_client *client);
/* Frees a client whose mutex was never made, or whose last reference is gone. After the transport's tear_down(). */
void lf_client_free(struct lf_client *client);

/* ---- replies ---- */

/* RESOURCE_EXHAUSTED where a reply of so many bytes is more than bytes_max. */
enum lf_code lf_reply_check_length(size_t length, size_t bytes_max, struct lf_error *error);
/* Says that the server sent rubbish, and what. Returns INTERNAL. */
enum lf_code lf_reply_rubbish(struct lf_error *error, const char *what);
/*
 * The error of a reply whose status is not OK: details are the bytes of a leadfit.v1.Error, and said is a message for
 * where there are none (may be NULL). arena is scratch. Returns status, or what is wrong with the details.
 */
enum lf_code lf_reply_set_error(enum lf_code status, const uint8_t *details, size_t length, const char *said,
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

/* ---- connection: what a transport says, under the mutex ---- */

/* It is connected. number: not 0, and another one for each connection. The transport then sends what is queued. */
void lf_link_up(struct lf_client *client, uint32_t number);
/* The connection takes no more requests. Whoever waits for one has connect_timeout_ms from now. */
void lf_link_down(struct lf_client *client, const char *reason);
/* A try to connect is over, whatever came of it. */
void lf_link_tried(struct lf_client *client);
/* In plain words, what an errno means for a connection. */
const char *lf_link_reason(int error);
/* Why it could not connect. */
void lf_link_set_reason(struct lf_client *client, const char *reason);
/* The next pause between tries to connect: twice the last one, up to a bound. */
int64_t lf_link_next_pause(const struct lf_client *client, int64_t pause_ms);

#endif
