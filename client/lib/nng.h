/* What the files of the transport over nng share. Not installed. Each file calls only files below it:
 *
 *	nng_socket.c   the socket and its slots; the transport's table
 *	nng_slot.c     a request: its context and its aio
 *	nng_link.c     the connection: dialling, losing it, dialling again
 */
#ifndef LF_CLIENT_LIB_NNG_H
#define LF_CLIENT_LIB_NNG_H

#include <nng/nng.h>

#include "client/lib/transport.h"

enum {
	LF_DIAL_MS_MIN = 20,    /* a dial is not ended earlier: see nng_link.c */
	LF_DIAL_LOST_MS = 1000, /* a dial that was ended and does not return within this is lost */
	LF_DRAIN_MS = 200,      /* how long a client that is destroyed waits for answers that nobody wants any more */
};

/* A REQ context and its aio: what one request in flight needs. */
struct lf_nng_slot {
	struct lf_slot slot; /* first */
	struct lf_client *client;
	nng_ctx context;
	nng_aio *aio;
};

struct lf_nng {
	nng_socket socket;
	bool socket_open;
	struct lf_nng_slot *slots;
	size_t slot_count;

	/* Under the client's mutex. */
	uint32_t removed_pipe_id;
	bool pipe_was_added;
	uint64_t pipe_sent, pipe_answered; /* over this connection */
	nng_dialer dialer;
	bool dialing, dial_ended;           /* dial_ended: the keeper closed its dialer */
	int64_t dial_since_ms, dial_due_ms; /* dial_due_ms: when the keeper has to look at it */
	unsigned connectors_lost;           /* each holds a reference for ever */
};

/* ---- slots ---- */

/* Opens the context and the aio. 0 or an error number of nng. */
int lf_nng_slot_open(struct lf_client *client, struct lf_nng_slot *slot);
uint8_t *lf_nng_new_request(struct lf_call *call, const uint8_t *header, size_t header_length, size_t length);
void lf_nng_free_request(struct lf_call *call);
void lf_nng_send(struct lf_client *client, struct lf_call *call);
void lf_nng_cancel(struct lf_client *client, struct lf_call *call);

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
