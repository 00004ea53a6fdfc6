#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>
#include <stdlib.h>

#include "client/lib/nng.h"

/* The transport over nng: its socket, made and closed. */

/*
 * The socket and its slots. Resending by nng is off: it would send a request twice that only its caller may repeat.
 * The receive limit counts the four bytes of the SP request id, too.
 */
static int make_socket(struct lf_client *client)
{
	struct lf_nng *nng = client->own;
	int error = nng_req0_open(&nng->socket);

	if (error != 0)
		return error;
	nng->socket_open = true;
	error = nng_socket_set_ms(nng->socket, NNG_OPT_REQ_RESENDTIME, NNG_DURATION_INFINITE);
	if (error == 0)
		error = nng_socket_set_size(nng->socket, NNG_OPT_RECVMAXSZ, client->reply_bytes_max + 4);
	/* So that a host which vanished is noticed by an idle connection, too. */
	if (error == 0)
		error = nng_socket_set_bool(nng->socket, NNG_OPT_TCP_KEEPALIVE, true);
	if (error == 0)
		error = lf_nng_watch(client);
	return error;
}

/* A dialer that is never started: what it does not like is the URL. */
static enum lf_code try_url(const struct lf_client *client, nng_socket socket, struct lf_error *error)
{
	nng_dialer dialer;
	int nng_error = nng_dialer_create(&dialer, socket, client->url);

	if (nng_error == NNG_ENOMEM)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
	if (nng_error != 0)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "%.200s: %s", client->url,
			nng_error == NNG_ENOTSUP ? lf_nng_reason(nng_error) : "this is no address");
	nng_dialer_close(dialer);
	return LF_OK;
}

static enum lf_code nng_transport_open(
	struct lf_client *client, const struct lf_client_tls *tls, struct lf_error *error)
{
	struct lf_nng *nng = calloc(1, sizeof(*nng));
	int nng_error;

	(void)tls; /* there is no such URL */
	if (nng == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
	client->own = nng;
	nng->gathered_due_ms = INT64_MAX;
	nng->slow_ms = LF_NNG_SLOW_MS;
	nng->slots = calloc(client->in_flight_max, sizeof(*nng->slots));
	nng_error = nng->slots != NULL ? make_socket(client) : NNG_ENOMEM;
	while (nng_error == 0 && nng->slot_count < client->in_flight_max) {
		nng_error = lf_nng_slot_open(client, &nng->slots[nng->slot_count]);
		nng->slot_count += nng_error == 0;
	}
	/* Replies to calls that went together may take what one message may have: who allows less gets them one by one. */
	while (nng_error == 0 && client->reply_bytes_max >= LF_MESSAGE_BYTES_MAX &&
		nng->carrier_count < LF_NNG_CARRIERS) {
		nng_error = lf_nng_carrier_open(client, &nng->carriers[nng->carrier_count]);
		nng->carrier_count += nng_error == 0;
	}
	if (nng_error == NNG_ENOMEM)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
	if (nng_error != 0)
		return lf_error_set(error, LF_INTERNAL, "nng: %s", nng_strerror(nng_error));
	return try_url(client, nng->socket, error);
}

static void close_socket(struct lf_nng *nng)
{
	if (nng->socket_open)
		nng_close(nng->socket);
	nng->socket_open = false;
}

/*
 * First the aios are stopped, which waits for callbacks that are still within nng_ctx_recv(), for nng 1.5.2 may free
 * the socket under a thread that drops the last reference to one of its contexts; then contexts are closed, before
 * their socket, which waits for them. nng_close() would wait for a lost dial, too: it is left to the last reference.
 */
static void tear_down(struct lf_client *client)
{
	struct lf_nng *nng = client->own;

	for (size_t i = 0; i < nng->slot_count; i++)
		nng_aio_stop(nng->slots[i].aio);
	for (size_t i = 0; i < nng->carrier_count; i++)
		nng_aio_stop(nng->carriers[i].aio);
	for (size_t i = 0; i < nng->slot_count; i++)
		nng_ctx_close(nng->slots[i].context);
	for (size_t i = 0; i < nng->carrier_count; i++)
		nng_ctx_close(nng->carriers[i].context);
	if (nng->connectors_lost == 0)
		close_socket(nng);
	for (size_t i = 0; i < nng->slot_count; i++)
		nng_aio_free(nng->slots[i].aio);
	for (size_t i = 0; i < nng->carrier_count; i++)
		nng_aio_free(nng->carriers[i].aio);
	free(nng->slots);
	nng->slots = NULL;
	nng->slot_count = 0;
	nng->carrier_count = 0;
	client->free_slots = NULL;
}

static int64_t due(const struct lf_client *client)
{
	const struct lf_nng *nng = client->own;
	const int64_t dial_due_ms = lf_nng_due(client);

	return dial_due_ms < nng->gathered_due_ms ? dial_due_ms : nng->gathered_due_ms;
}

static void on_due(struct lf_client *client, int64_t now_ms)
{
	const struct lf_nng *nng = client->own;

	if (lf_nng_due(client) <= now_ms)
		lf_nng_on_due(client, now_ms);
	if (nng->gathered_due_ms <= now_ms)
		lf_nng_send_gathered(client);
}

static void nng_transport_free(struct lf_client *client)
{
	struct lf_nng *nng = client->own;

	close_socket(nng);
	free(nng);
	client->own = NULL;
}

const struct lf_client_transport lf_nng_transport = {
	.open = nng_transport_open,
	.connect = lf_nng_connect,
	.new_request = lf_nng_new_request,
	.free_request = lf_nng_free_request,
	.send = lf_nng_send,
	.flush = lf_nng_flush,
	.cancel = lf_nng_cancel,
	.due = due,
	.on_due = on_due,
	.close = lf_nng_close,
	.tear_down = tear_down,
	.free = nng_transport_free,
};
