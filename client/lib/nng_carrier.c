#include "client/lib/nng.h"
#include "proto/wire/bundle.h"
#include "proto/wire/frame.h"

/*
 * What becomes of a carrier's message: it is sent, and answered with a message, or neither. nng_bundle.c has the design
 * notes.
 */

static void on_aio(void *arg);

int lf_nng_carrier_open(struct lf_client *client, struct lf_nng_carrier *carrier)
{
	struct lf_nng *nng = client->own;
	const int error = lf_nng_open_context(nng, &carrier->context, &carrier->aio, on_aio, carrier);

	if (error != 0)
		return error;
	carrier->client = client;
	carrier->next_free = nng->free_carriers;
	nng->free_carriers = carrier;
	return 0;
}

/* ---- the calls of a message; under the mutex but for settle() ---- */

/* The calls that a carrier had, once they are taken off it. NULL where one was detached. */
struct calls {
	size_t count;
	struct lf_call *call[LF_NNG_FULL];
};

/* Under the mutex: takes the calls off that are still attached. They are this thread's. */
static void take_off(struct lf_client *client, struct lf_nng_carrier *carrier, struct calls *calls)
{
	calls->count = carrier->count;
	for (size_t i = 0; i < carrier->count; i++) {
		struct lf_call *call = calls->call[i] = carrier->calls[i];

		if (call == NULL)
			continue;
		lf_nng_slot_of(call)->carrier = NULL;
		lf_call_take_off(client, call);
	}
	carrier->attached = 0;
	carrier->count = 0;
}

/* Under the mutex: sets the error of calls that were taken off and have no answer. */
static void set_errors(struct lf_client *client, const struct calls *calls, int nng_error)
{
	for (size_t i = 0; i < calls->count; i++) {
		struct lf_call *call = calls->call[i];

		if (call != NULL && call->stop != LF_OK)
			lf_call_set_stop_error(client, call, call->stop);
		else if (call != NULL)
			lf_nng_set_error(client, call, nng_error);
	}
}

/* Without the mutex. */
static void settle(const struct calls *calls)
{
	for (size_t i = 0; i < calls->count; i++)
		if (calls->call[i] != NULL)
			lf_call_settle(calls->call[i]);
}

/* ---- answers; without the mutex ---- */

/* They go again, in their order, ahead of others, but for those that have to stop. */
static void put_all_back(struct lf_client *client, const struct calls *calls)
{
	pthread_mutex_lock(&client->mutex);
	for (size_t i = calls->count; i-- > 0;)
		if (calls->call[i] != NULL)
			lf_call_put_back(client, calls->call[i]);
	pthread_mutex_unlock(&client->mutex);
	lf_pump(client);
}

/* One call's frame, or one that is to hold for each of several: then it can only be an error. */
static void answer(
	struct lf_client *client, struct lf_call *call, const uint8_t *bytes, size_t length, bool is_of_several)
{
	struct lf_frame frame = {.message = NULL};

	lf_error_clean_up(&call->error);
	lf_nng_read_reply(call, bytes, length, &frame);
	if (is_of_several && call->error.code == LF_OK)
		lf_reply_rubbish(&call->error, "one message where several were due");
	if (call->error.code != LF_OK && frame.message != NULL &&
		lf_frame_metadata(&frame, "send-alone").data != NULL && !call->alone) {
		lf_error_clean_up(&call->error);
		call->alone = true;
		put_all_back(client, &(struct calls){1, {call}});
		return;
	}
	lf_call_answer(call, frame.message, frame.message_length);
}

static void answer_bundle(struct lf_client *client, struct calls *calls, const uint8_t *bytes, size_t length)
{
	struct lf_error why = LF_ERROR_INIT;
	struct lf_bundle bundle = {.count = 0};
	const uint8_t *frame;
	size_t frame_length;
	uint32_t id;

	(void)lf_bundle_open(&bundle, LF_BUNDLE_REPLIES, bytes, length, &why);
	while (lf_bundle_next(&bundle, &id, &frame, &frame_length)) {
		struct lf_call *call = id < calls->count ? calls->call[id] : NULL;

		if (call == NULL)
			continue; /* nobody waits for it any more */
		calls->call[id] = NULL;
		answer(client, call, frame, frame_length, false);
	}
	for (size_t i = 0; i < calls->count; i++) {
		if (calls->call[i] == NULL)
			continue;
		if (why.code != LF_OK)
			lf_reply_rubbish(&calls->call[i]->error, why.message);
		else
			lf_error_set(&calls->call[i]->error, LF_UNAVAILABLE, "%s did not answer it", client->url);
	}
	settle(calls);
	lf_error_clean_up(&why);
}

/* The status of what came for several calls, where it is a plain frame with an error; else LF_OK. */
static enum lf_code status_of_all(const uint8_t *bytes, size_t length)
{
	struct lf_frame frame;

	if (lf_frame_decode(&frame, bytes, length, NULL) != LF_OK || frame.kind != LF_FRAME_REPLY)
		return LF_OK;
	return frame.status;
}

/*
 * Several calls were refused together, and none was begun: they go one by one. So do those to come on this connection,
 * unless it was just too many.
 */
static void go_one_by_one(struct lf_client *client, uint32_t connection, struct calls *calls, enum lf_code status)
{
	struct lf_nng *nng = client->own;

	pthread_mutex_lock(&client->mutex);
	if (status != LF_RESOURCE_EXHAUSTED)
		nng->refused_by = connection;
	for (size_t i = 0; i < calls->count; i++)
		if (calls->call[i] != NULL)
			calls->call[i]->alone = true;
	pthread_mutex_unlock(&client->mutex);
	put_all_back(client, calls);
}

static void answer_all(struct lf_client *client, uint32_t connection, struct calls *calls, nng_msg *reply)
{
	const uint8_t *bytes = nng_msg_body(reply);
	const size_t length = nng_msg_len(reply);
	const enum lf_code status = calls->count > 1 ? status_of_all(bytes, length) : LF_OK;

	if (calls->count > 1 && lf_bundle_is(LF_BUNDLE_REPLIES, bytes, length)) {
		answer_bundle(client, calls, bytes, length);
	} else if (status == LF_INVALID_ARGUMENT || status == LF_UNIMPLEMENTED || status == LF_RESOURCE_EXHAUSTED) {
		go_one_by_one(client, connection, calls, status);
	} else {
		for (size_t i = 0; i < calls->count; i++)
			if (calls->call[i] != NULL)
				answer(client, calls->call[i], bytes, length, calls->count > 1);
	}
	nng_msg_free(reply);
}

/* ---- what the aio says; under the mutex, which these release ---- */

/* The carrier's message is over: its calls have ended. */
static void give_back(struct lf_client *client, struct lf_nng_carrier *carrier)
{
	pthread_mutex_lock(&client->mutex);
	lf_nng_free_carrier(client->own, carrier);
	lf_nng_send_gathered(client);
	pthread_mutex_unlock(&client->mutex);
}

static void failed(struct lf_client *client, struct lf_nng_carrier *carrier, int nng_error)
{
	struct calls calls;

	take_off(client, carrier, &calls);
	set_errors(client, &calls, nng_error);
	pthread_mutex_unlock(&client->mutex);
	lf_pump(client);
	settle(&calls);
	give_back(client, carrier);
}

/* The message was cancelled before it was sent, for the sake of some of its calls. */
static void cancelled(struct lf_client *client, struct lf_nng_carrier *carrier)
{
	struct calls calls;

	take_off(client, carrier, &calls);
	pthread_mutex_unlock(&client->mutex);
	put_all_back(client, &calls);
	give_back(client, carrier);
}

static void on_sent(struct lf_client *client, struct lf_nng_carrier *carrier)
{
	struct lf_nng *nng = client->own;
	const int nng_error = nng_aio_result(carrier->aio);

	if (nng_error != 0) {
		nng_msg_free(lf_nng_take_message(carrier->aio));
		if (nng_error == NNG_ECANCELED)
			cancelled(client, carrier);
		else
			failed(client, carrier, nng_error);
		return;
	}
	if (carrier->connection == client->connection)
		nng->pipe_sent++;
	for (size_t i = 0; i < carrier->count; i++) {
		struct lf_call *call = carrier->calls[i];

		/* One that was stopped is given back when the keeper comes by. */
		if (call != NULL && (call->stop == LF_OK || call->stop == LF_UNAVAILABLE))
			lf_call_sent(client, call);
	}
	carrier->sent = true;
	pthread_mutex_unlock(&client->mutex);
	nng_ctx_recv(carrier->context, carrier->aio);
}

static void on_received(struct lf_client *client, struct lf_nng_carrier *carrier)
{
	struct lf_nng *nng = client->own;
	const int nng_error = nng_aio_result(carrier->aio);
	const uint32_t connection = carrier->connection;
	struct calls calls, stopped;
	nng_msg *reply;

	if (nng_error == NNG_ECONNRESET)
		lf_nng_lost(client, connection);
	if (nng_error != 0) {
		failed(client, carrier, nng_error);
		return;
	}
	reply = lf_nng_take_message(carrier->aio);
	if (connection == client->connection)
		nng->pipe_answered++;
	take_off(client, carrier, &calls);
	stopped.count = 0;
	for (size_t i = 0; i < calls.count; i++) {
		if (calls.call[i] == NULL)
			continue;
		calls.call[i]->unreached = false;
		if (calls.call[i]->stop == LF_CANCELLED) {
			stopped.call[stopped.count++] = calls.call[i];
			calls.call[i] = NULL;
		}
	}
	set_errors(client, &stopped, 0);
	pthread_mutex_unlock(&client->mutex);
	lf_pump(client);
	settle(&stopped);
	answer_all(client, connection, &calls, reply);
	give_back(client, carrier);
}

/* Callback of every carrier's aio. */
static void on_aio(void *arg)
{
	struct lf_nng_carrier *carrier = arg;
	struct lf_client *client = carrier->client;

	pthread_mutex_lock(&client->mutex);
	if (carrier->sent)
		on_received(client, carrier);
	else
		on_sent(client, carrier);
}
