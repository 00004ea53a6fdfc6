#include "tests/bench/floors/echo.h"

#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/protocol/reqrep0/req.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the server ---- */

struct responder {
	nng_ctx context;
	nng_aio *aio;
	size_t reply_bytes;
	bool sending;
};

static void respond(void *argument)
{
	struct responder *responder = argument;
	nng_msg *message;

	if (nng_aio_result(responder->aio) != 0) {
		if (nng_aio_result(responder->aio) == NNG_ECLOSED || nng_aio_result(responder->aio) == NNG_ECANCELED)
			return;
		responder->sending = true; /* a peer that has gone: receive the next */
	}
	if (responder->sending) {
		responder->sending = false;
		nng_ctx_recv(responder->context, responder->aio);
		return;
	}
	message = nng_aio_get_msg(responder->aio);
	if (nng_msg_realloc(message, responder->reply_bytes) != 0)
		abort();
	nng_aio_set_msg(responder->aio, message);
	responder->sending = true;
	nng_ctx_send(responder->context, responder->aio);
}

static int fail(const char *doing, int result)
{
	fprintf(stderr, "can't %s: %s\n", doing, nng_strerror(result));
	return 3;
}

static void wait_for_signal(void)
{
	sigset_t signals;
	int received;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	while (sigwait(&signals, &received) != 0)
		continue;
}

int lf_echo_serve(const char *url, unsigned contexts, size_t reply_bytes)
{
	struct responder *responders = calloc(contexts, sizeof(*responders));
	nng_listener listener;
	nng_socket socket;
	int result, port = 0;

	if (responders == NULL)
		return fail("start", NNG_ENOMEM);
	result = nng_rep0_open(&socket);
	if (result != 0)
		return fail("open", result);
	for (unsigned i = 0; i < contexts && result == 0; i++) {
		responders[i].reply_bytes = reply_bytes;
		result = nng_ctx_open(&responders[i].context, socket);
		if (result == 0)
			result = nng_aio_alloc(&responders[i].aio, respond, &responders[i]);
		if (result == 0)
			nng_ctx_recv(responders[i].context, responders[i].aio);
	}
	if (result == 0)
		result = nng_listen(socket, url, &listener, 0);
	if (result != 0)
		return fail("listen", result);
	if (nng_listener_get_int(listener, NNG_OPT_TCP_BOUND_PORT, &port) == 0)
		printf("listening on tcp://127.0.0.1:%d\n", port);
	else
		printf("listening on %s\n", url);
	fflush(stdout);
	wait_for_signal();
	nng_close(socket);
	for (unsigned i = 0; i < contexts; i++)
		nng_aio_free(responders[i].aio);
	free(responders);
	return 0;
}

/* ---- the client ---- */

struct requester {
	nng_ctx context;
	nng_aio *aio;
	struct lf_meter *meter;
	const void *request;
	size_t request_bytes;
	uint64_t started_ns;
	bool sending;
};

static void request_next(struct requester *requester)
{
	nng_msg *message;

	requester->started_ns = lf_meter_now_ns();
	if (nng_msg_alloc(&message, requester->request_bytes) != 0) {
		lf_meter_failed(requester->meter, "out of memory");
		lf_meter_leave(requester->meter);
		return;
	}
	memcpy(nng_msg_body(message), requester->request, requester->request_bytes);
	requester->sending = true;
	nng_aio_set_msg(requester->aio, message);
	nng_ctx_send(requester->context, requester->aio);
}

static void requester_ready(void *argument)
{
	struct requester *requester = argument;
	const int result = nng_aio_result(requester->aio);
	nng_msg *message;
	size_t length;

	if (result != 0) {
		if (requester->sending)
			nng_msg_free(nng_aio_get_msg(requester->aio));
		lf_meter_failed(requester->meter, nng_strerror(result));
		lf_meter_leave(requester->meter);
		return;
	}
	if (requester->sending) {
		requester->sending = false;
		nng_ctx_recv(requester->context, requester->aio);
		return;
	}
	message = nng_aio_get_msg(requester->aio);
	length = nng_msg_len(message);
	nng_msg_free(message);
	if (lf_meter_answered(requester->meter, requester->started_ns, length))
		request_next(requester);
	else
		lf_meter_leave(requester->meter);
}

static int open_requesters(struct requester *requesters, unsigned count, nng_socket socket, struct lf_meter *meter,
	const void *request, size_t request_bytes)
{
	int result = 0;

	for (unsigned i = 0; i < count && result == 0; i++) {
		struct requester *requester = &requesters[i];

		requester->meter = meter;
		requester->request = request;
		requester->request_bytes = request_bytes;
		result = nng_ctx_open(&requester->context, socket);
		if (result == 0)
			result = nng_aio_alloc(&requester->aio, requester_ready, requester);
	}
	return result;
}

enum lf_code lf_echo_measure(const char *url, pid_t server, unsigned in_flight, size_t request_bytes, double seconds,
	struct lf_load *load, struct lf_error *error)
{
	struct requester *requesters = calloc(in_flight, sizeof(*requesters));
	struct lf_meter *meter = lf_meter_new();
	void *request = calloc(1, request_bytes);
	nng_socket socket = NNG_SOCKET_INITIALIZER;
	const char *failure;
	int result = NNG_ENOMEM;
	enum lf_code code = LF_OK;

	if (requesters == NULL || meter == NULL || request == NULL)
		goto out;
	result = nng_req0_open(&socket);
	if (result == 0)
		result = nng_socket_set_ms(socket, NNG_OPT_REQ_RESENDTIME, NNG_DURATION_INFINITE);
	if (result == 0)
		result = nng_dial(socket, url, NULL, 0);
	if (result == 0)
		result = open_requesters(requesters, in_flight, socket, meter, request, request_bytes);
	if (result != 0)
		goto out;
	for (unsigned i = 0; i < in_flight; i++) {
		lf_meter_enter(meter);
		request_next(&requesters[i]);
	}
	failure = lf_meter_run(meter, server, seconds, load);
	if (failure != NULL)
		code = lf_error_set(error, LF_UNAVAILABLE, "nng echo with %u in flight: %s", in_flight, failure);
out:
	if (result != 0)
		code = lf_error_set(error, LF_UNAVAILABLE, "nng echo: %s", nng_strerror(result));
	nng_close(socket);
	for (unsigned i = 0; requesters != NULL && i < in_flight; i++)
		nng_aio_free(requesters[i].aio);
	free(requesters);
	free(request);
	lf_meter_destroy(meter);
	return code;
}
