#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/lib/transport.h"

/* A client's parts, in the order in which they are made; release.c undoes those that were. */

/* ---- making ---- */

/* Takes what the options say. */
static enum lf_code take_options(
	struct lf_client *client, const struct lf_client_options *options, struct lf_error *error)
{
	struct lf_error why = LF_ERROR_INIT;
	struct lf_call probe = {.client = client, .method = "s/m"};
	uint8_t header[LF_FRAME_HEADER_MAX];
	size_t size;

	client->connect_timeout_ms =
		options->connect_timeout_ms != 0 ? options->connect_timeout_ms : LF_CONNECT_MS_DEFAULT;
	if (client->connect_timeout_ms > LF_TIMEOUT_MS_MAX)
		client->connect_timeout_ms = LF_TIMEOUT_MS_MAX;
	client->reply_bytes_max = options->reply_bytes_max != 0 ? options->reply_bytes_max : LF_MESSAGE_BYTES_MAX;
	client->in_flight_max = options->in_flight_max != 0 ? options->in_flight_max : LF_CLIENT_FLIGHT_DEFAULT;
	if (client->in_flight_max > LF_IN_FLIGHT_MAX)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "in_flight_max: %zu is outside 1..%d",
			client->in_flight_max, LF_IN_FLIGHT_MAX);
	if (client->reply_bytes_max > LF_REQUEST_BYTES_MAX)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "reply_bytes_max: %zu is outside 1..%d",
			client->reply_bytes_max, LF_REQUEST_BYTES_MAX);
	client->url = strdup(options->url);
	if (client->url == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
	if (options->token == NULL)
		return LF_OK;
	size = strlen("Bearer ") + strlen(options->token) + 1;
	client->authorization = malloc(size);
	if (client->authorization == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
	snprintf(client->authorization, size, "Bearer %s", options->token);
	if (lf_call_header(&probe, 0, header, &why) == 0) {
		lf_error_clean_up(&why);
		return lf_error_set(error, LF_INVALID_ARGUMENT, "the token is not up to 1017 bytes of visible ASCII");
	}
	return LF_OK;
}

static enum lf_code make_locks(struct lf_client *client, struct lf_error *error)
{
	if (pthread_mutex_init(&client->mutex, NULL) != 0)
		goto failed;
	if (lf_cond_init(&client->keeper_cond) != 0)
		goto destroy_mutex;
	if (lf_cond_init(&client->link_cond) != 0)
		goto destroy_keeper_cond;
	if (lf_cond_init(&client->idle_cond) != 0)
		goto destroy_link_cond;
	client->mutex_made = true;
	return LF_OK;

destroy_link_cond:
	pthread_cond_destroy(&client->link_cond);
destroy_keeper_cond:
	pthread_cond_destroy(&client->keeper_cond);
destroy_mutex:
	pthread_mutex_destroy(&client->mutex);
failed:
	return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
}

/* Certificates are for https:// only: who gives them expects that they count. */
static enum lf_code check_tls(const struct lf_client *client, const struct lf_client_tls *tls, struct lf_error *error)
{
	const char *field = tls == NULL  ? NULL
		: tls->ca_file != NULL   ? "ca_file"
		: tls->cert_file != NULL ? "cert_file"
		: tls->key_file != NULL  ? "key_file"
					 : NULL;

	if (field != NULL && client->address.scheme != LF_URL_HTTPS)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "%s: %.200s has no certificates: only https:// has",
			field, client->url);
	if (tls != NULL && tls->key_file != NULL && tls->cert_file == NULL)
		return lf_error_set(error, LF_INVALID_ARGUMENT,
			"key_file: %.200s is the key of a certificate, and none is given", tls->key_file);
	return LF_OK;
}

static enum lf_code open_transport(struct lf_client *client, const struct lf_client_tls *tls, struct lf_error *error)
{
	const bool nng = client->address.scheme == LF_URL_TCP || client->address.scheme == LF_URL_IPC;
	const enum lf_code code = check_tls(client, tls, error);

	if (code != LF_OK)
		return code;
	client->transport = nng ? &lf_nng_transport : &lf_client_http_transport;
	return client->transport->open(client, tls, error);
}

/* The library's threads take none of the process's signals. */
static enum lf_code start_threads(struct lf_client *client, struct lf_error *error)
{
	pthread_t keeper;
	bool started = false;

	client->references++; /* the keeper's */
	client->keeper_runs = lf_thread_start(&keeper, lf_keeper_main, client) == 0;
	if (!client->keeper_runs) {
		client->references--;
	} else {
		pthread_detach(keeper);
		pthread_mutex_lock(&client->mutex);
		started = client->transport->connect(client);
		pthread_mutex_unlock(&client->mutex);
	}
	if (!started)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no thread can be started");
	return LF_OK;
}

/* Waits for the first dial, which the keeper bounds. */
static enum lf_code await_connection(struct lf_client *client, struct lf_error *error)
{
	enum lf_code code = LF_OK;

	pthread_mutex_lock(&client->mutex);
	while (!client->dialled_once)
		pthread_cond_wait(&client->link_cond, &client->mutex);
	/* A connection that was made and lost again counts: calls will say what is wrong. */
	if (!client->reached)
		code = lf_error_set(error, client->link_refused ? LF_UNAUTHENTICATED : LF_UNAVAILABLE,
			"can't reach %.200s: %s", client->url, client->link_error);
	pthread_mutex_unlock(&client->mutex);
	return code;
}

/* ---- ending ---- */

/*
 * Ends every call with CANCELLED and waits until closures have returned; then until the keeper has torn down the rest,
 * but not for ever: see nng_link.c.
 */
static void end(struct lf_client *client)
{
	int64_t until;

	pthread_mutex_lock(&client->mutex);
	client->closing = true;
	for (size_t i = 0; i < client->heap_count; i++)
		lf_call_stop(client, client->heap[i]);
	lf_heap_rebuild(client);
	if (client->transport != NULL && client->own != NULL)
		client->transport->close(client);
	while (client->live > 0 || client->pumping > 0)
		pthread_cond_wait(&client->idle_cond, &client->mutex);
	until = lf_now_ms() + LF_TEAR_DOWN_MS;
	while (client->keeper_runs && !client->torn_down && lf_now_ms() < until)
		lf_cond_wait_until(&client->idle_cond, &client->mutex, until);
	pthread_mutex_unlock(&client->mutex);
	if (!client->keeper_runs && client->own != NULL)
		client->transport->tear_down(client);
}

void lf_client_destroy(struct lf_client *client)
{
	if (client == NULL)
		return;
	end(client);
	lf_client_release(client);
}

enum lf_code lf_client_new(struct lf_client **client, const struct lf_client_options *options, struct lf_error *error)
{
	return lf_client_new_tls(client, options, NULL, error);
}

enum lf_code lf_client_new_tls(struct lf_client **client, const struct lf_client_options *options,
	const struct lf_client_tls *tls, struct lf_error *error)
{
	struct lf_client *made;
	struct lf_url url;
	enum lf_code code = lf_url_parse(&url, options->url, error);

	*client = NULL;
	if (code != LF_OK)
		return code;
	made = calloc(1, sizeof(*made));
	if (made == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
	made->address = url;
	made->references = 1;
	made->keeper_wake_ms = INT64_MIN;
	made->disconnected_ms = lf_now_ms();
	made->random = (uint64_t)made->disconnected_ms * 0x9e3779b97f4a7c15u ^ (uint64_t)(uintptr_t)made;
	code = take_options(made, options, error);
	if (code == LF_OK)
		code = make_locks(made, error);
	if (code == LF_OK)
		code = open_transport(made, tls, error);
	if (code == LF_OK)
		code = start_threads(made, error);
	if (code == LF_OK)
		code = await_connection(made, error);
	if (code == LF_OK) {
		*client = made;
		return LF_OK;
	}
	if (made->mutex_made)
		lf_client_destroy(made);
	else
		lf_client_free(made);
	return code;
}

bool lf_client_unreached(struct lf_client *client)
{
	bool unreached;

	pthread_mutex_lock(&client->mutex);
	unreached = client->unreached;
	pthread_mutex_unlock(&client->mutex);
	return unreached;
}

/* ---- the whole thing at once ---- */

struct sync {
	const ProtobufCMessageDescriptor *type;
	size_t memory_max;
	ProtobufCMessage *message;
	struct lf_error error;
};

static void on_sync_reply(const uint8_t *reply, size_t length, void *closure_data)
{
	struct sync *sync = closure_data;

	if (reply != NULL)
		sync->message = lf_reply_decode_to_heap(sync->type, reply, length, sync->memory_max, &sync->error);
}

ProtobufCMessage *lf_client_call(struct lf_client *client, const ProtobufCServiceDescriptor *service,
	unsigned method_index, const ProtobufCMessage *request, const struct lf_call_options *options,
	struct lf_error *error)
{
	struct sync sync = {.memory_max = client->reply_bytes_max * LF_REPLY_ARENA_FACTOR, .error = LF_ERROR_INIT};
	struct lf_call *call = lf_call_new(client, service, options);

	if (call == NULL) {
		lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
		return NULL;
	}
	if (method_index < service->n_methods)
		sync.type = service->methods[method_index].output;
	lf_call_start_message(call, method_index, request, on_sync_reply, &sync);
	if (lf_call_wait(call, error) == LF_OK && sync.message == NULL)
		lf_error_copy(error, &sync.error);
	lf_error_clean_up(&sync.error);
	lf_call_destroy(call);
	return sync.message;
}
