/*
 * The seam between the calls of the client library and what carries them. Not installed.
 *
 * A transport moves requests and answers. It has a connection to the server, makes it again when it is lost, and has as
 * many places (struct lf_slot) as requests may be in flight. It knows no deadline, no retry and no closure: state.c,
 * call.c and keeper.c do. What a transport says goes through the functions of internal.h that are marked so.
 *
 * A call is the transport's from send() until the transport takes it off (lf_call_take_off()). It does that when the
 * answer is there, when the connection was lost, or soon after cancel(); then it ends the call by lf_call_answer() or
 * lf_call_settle(), or puts it back where nothing of it was sent or done (lf_call_put_back()).
 */
#ifndef LF_CLIENT_LIB_TRANSPORT_H
#define LF_CLIENT_LIB_TRANSPORT_H

#include "client/lib/internal.h"

struct lf_client_transport {
	/*
	 * Makes client->own and client->in_flight_max free places. Connects nothing yet. tls is NULL where the options
	 * have none. On failure, free() undoes what was made. Owner's thread.
	 */
	enum lf_code (*open)(struct lf_client *client, const struct lf_client_tls *tls, struct lf_error *error);
	/*
	 * Under the mutex: starts the thread that connects, which sets connector_runs, and clears it when it has ended:
	 * once the client is closing and no call lives. false where there is no thread to be had.
	 */
	bool (*connect)(struct lf_client *client);

	/*
	 * Makes call->request with room for a message of length bytes, and returns where that goes. header: the
	 * frame's, for a transport that sends it. NULL where memory ran out. Whoever has the call.
	 */
	uint8_t *(*new_request)(struct lf_call *call, const uint8_t *header, size_t header_length, size_t length);
	void (*free_request)(struct lf_call *call);

	/*
	 * Under the mutex, which it may release meanwhile: the call is SENDING and has a slot; sends it. The call may
	 * be gone on return. Any thread.
	 */
	void (*send)(struct lf_client *client, struct lf_call *call);
	/* Without the mutex, after one or more send(). NULL where there is nothing to do. */
	void (*flush)(struct lf_client *client);
	/*
	 * Under the mutex: true where the transport has let go of the call, which is then the caller's to take off. Else it
	 * is given back soon, and this is called again until it is.
	 */
	bool (*cancel)(struct lf_client *client, struct lf_call *call);

	/* Under the mutex: when the keeper has to call on_due(), or INT64_MAX. Both NULL where never. */
	int64_t (*due)(const struct lf_client *client);
	/* The keeper, under the mutex, which it may release meanwhile. */
	void (*on_due)(struct lf_client *client, int64_t now_ms);

	/* Under the mutex: the client is closing; told again when the last call has ended. */
	void (*close)(struct lf_client *client);
	/* Without the mutex; no call lives and the connector has ended: gives back what may block. The keeper. */
	void (*tear_down)(struct lf_client *client);
	/* Frees client->own with the last reference. Also where open() failed. */
	void (*free)(struct lf_client *client);
};

extern const struct lf_client_transport lf_nng_transport;
extern const struct lf_client_transport lf_client_http_transport;

#endif
