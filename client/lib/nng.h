/* What the files of the transport over nng share. Not installed. Each file calls only files below it:
 *
 *	nng_socket.c   the socket and its slots; the transport's table
 *	nng_carrier.c  a message with one call or several: what becomes of it
 *	nng_bundle.c   which calls go together, and when
 *	nng_slot.c     a request by itself: its context and its aio
 *	nng_link.c     the connection: dialling, losing it, dialling again
 */
#ifndef LF_CLIENT_LIB_NNG_H
#define LF_CLIENT_LIB_NNG_H

#include <nng/nng.h>

#include "client/lib/transport.h"

enum {
	LF_DIAL_MS_MIN = 20,    /* a dial is not ended earlier: see nng_link.c */
	LF_DIAL_LOST_MS = 1000, /* a dial that was ended and does not return within this is lost */
	LF_NNG_CARRIERS = 8,    /* messages with calls that may go together, under way at once */
	LF_NNG_EAGER = 2,       /* a message that is not full goes while fewer are under way; nng_bundle.c says why */
	LF_NNG_FULL = 16,     /* calls: with more, replies of 8 KB each are memory that malloc() maps anew each time */
	LF_NNG_SLOW_MS = 100, /* a message that is under way for so long may never be answered: nobody waits for it */
	LF_DRAIN_MS = 200,    /* how long a client that is destroyed waits for answers that nobody wants any more */
};

/* A REQ context and its aio: what one request in flight needs. */
struct lf_nng_slot {
	struct lf_slot slot; /* first */
	struct lf_client *client;
	nng_ctx context;
	nng_aio *aio;

	/* Under the client's mutex, where its call goes with others; then context and aio are idle. */
	struct lf_nng_slot *next, *previous; /* of those that are gathered */
	bool gathered;
	struct lf_nng_carrier *carrier; /* NULL = none has it */
	size_t index;                   /* there */
};

/* A REQ context and its aio: what a message with one call or several needs. All below aio is under the client's mutex. */
struct lf_nng_carrier {
	struct lf_client *client;
	nng_ctx context;
	nng_aio *aio;
	struct lf_nng_carrier *next_free;
	bool taken;                         /* it is not free */
	int64_t since_ms;                   /* when it was filled */
	uint32_t connection;                /* when the message was handed to nng */
	bool filling;                       /* a thread reads the requests, without the mutex */
	bool sent;                          /* the message is out: its reply is awaited */
	size_t count;                       /* calls of the message; their ids are their indexes */
	size_t attached;                    /* of these, not given up */
	struct lf_call *calls[LF_NNG_FULL]; /* NULL = given up */
};

struct lf_nng {
	nng_socket socket;
	bool socket_open;
	struct lf_nng_slot *slots;
	size_t slot_count;
	struct lf_nng_carrier carriers[LF_NNG_CARRIERS];
	size_t carrier_count;

	/* Under the client's mutex. */
	struct lf_nng_carrier *free_carriers;
	size_t under_way; /* carriers that are not free */
	struct lf_nng_slot *first_gathered, *last_gathered;
	size_t gathered;
	int64_t gathered_due_ms; /* when the keeper has to send what is gathered; INT64_MAX = never */
	int64_t slow_ms;         /* LF_NNG_SLOW_MS, but in tests */
	uint32_t refused_by;     /* the connection whose service takes one call a message; 0 = none */
	uint32_t removed_pipe_id;
	bool pipe_was_added;
	uint64_t pipe_sent, pipe_answered; /* over this connection */
	nng_dialer dialer;
	bool dialing, dial_ended;           /* dial_ended: the keeper closed its dialer */
	int64_t dial_since_ms, dial_due_ms; /* dial_due_ms: when the keeper has to look at it */
	unsigned connectors_lost;           /* each holds a reference for ever */
};

/* ---- slots ---- */

static inline struct lf_nng_slot *lf_nng_slot_of(const struct lf_call *call)
{
	return (struct lf_nng_slot *)call->slot;
}

/* Opens the context and the aio. 0 or an error number of nng. */
int lf_nng_slot_open(struct lf_client *client, struct lf_nng_slot *slot);
uint8_t *lf_nng_new_request(struct lf_call *call, const uint8_t *header, size_t header_length, size_t length);
void lf_nng_free_request(struct lf_call *call);
/* Opens a context and its aio. 0 or an error number of nng. */
int lf_nng_open_context(
	const struct lf_nng *nng, nng_ctx *context, nng_aio **aio, void (*callback)(void *arg), void *arg);
/* Takes the message that an aio holds, or NULL. */
nng_msg *lf_nng_take_message(nng_aio *aio);
/* Sends the call by itself, as send() of transport.h. */
void lf_nng_slot_send(struct lf_client *client, struct lf_call *call);
/* Under the mutex: the error of a call whose operation failed without our doing. */
void lf_nng_set_error(const struct lf_client *client, struct lf_call *call, int nng_error);
/* Reads the frame of a reply: its message, or what the server said (call->error), or that it sent rubbish. */
void lf_nng_read_reply(struct lf_call *call, const uint8_t *bytes, size_t length, struct lf_frame *frame);

/* ---- carriers ---- */

/* Opens the context and the aio. 0 or an error number of nng. */
int lf_nng_carrier_open(struct lf_client *client, struct lf_nng_carrier *carrier);
/* Under the mutex: it is free for another message; then what is gathered has to be sent. */
void lf_nng_free_carrier(struct lf_nng *nng, struct lf_nng_carrier *carrier);
/* Under the mutex, which it releases meanwhile: sends what is gathered, as far as it may go. It says when to call it again. */
void lf_nng_send_gathered(struct lf_client *client);
/* As transport.h has them. */
void lf_nng_send(struct lf_client *client, struct lf_call *call);
void lf_nng_flush(struct lf_client *client);
bool lf_nng_cancel(struct lf_client *client, struct lf_call *call);

/* ---- connection ---- */

/* In plain words, what an error number of nng means for a connection. Static storage. */
const char *lf_nng_reason(int nng_error);
/* Sets up the callbacks of the socket. 0 or an error number of nng. */
int lf_nng_watch(struct lf_client *client);
bool lf_nng_connect(struct lf_client *client);
int64_t lf_nng_due(const struct lf_client *client);
void lf_nng_on_due(struct lf_client *client, int64_t now_ms);
/* Under the mutex: a request that was handed to nng during the connection pipe_id got word of its loss. */
void lf_nng_lost(struct lf_client *client, uint32_t pipe_id);
void lf_nng_close(struct lf_client *client);

#endif
