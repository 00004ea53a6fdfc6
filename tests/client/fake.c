#include "tests/client/fake_http.h"

#include <nng/protocol/reqrep0/rep.h>
#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "grpc/health/v1/health.pb-c.h"
#include "leadfit/v1/error.pb-c.h"

static const uint8_t SERVING[] = {0x08, 0x01};

void fake_must(bool holds, const char *what)
{
	if (!holds) {
		fprintf(stderr, "fake: %s failed\n", what);
		abort();
	}
}

void fake_took(struct fake *fake, struct fake_request *request)
{
	fake->handler(fake, request);
	pthread_mutex_lock(&fake->mutex);
	fake->requests++;
	pthread_cond_broadcast(&fake->changed);
	pthread_mutex_unlock(&fake->mutex);
}

void fake_free_request(struct fake_request *request)
{
	if (request->message != NULL)
		nng_msg_free(request->message);
	free(request->body);
	free(request);
}

/* ---- raw REP ---- */

static void *fake_main(void *arg)
{
	struct fake *fake = arg;
	struct fake_request *request;
	nng_msg *message;
	int error;

	/* Not nng_close() ends this: nng 1.5.2 does not always wake a receiver. */
	while (!fake->stopping) {
		error = nng_recvmsg(fake->socket, &message, 0);
		if (error == NNG_ETIMEDOUT)
			continue;
		fake_must(error == 0, "receiving");
		request = calloc(1, sizeof(*request));
		fake_must(request != NULL, "allocating");
		request->message = message;
		request->is_bundle = lf_bundle_is(LF_BUNDLE_REQUESTS, nng_msg_body(message), nng_msg_len(message));
		fake_must(request->is_bundle ||
				lf_frame_decode(&request->frame, nng_msg_body(message), nng_msg_len(message), NULL) ==
					LF_OK,
			"decoding");
		fake_took(fake, request);
	}
	return NULL;
}

void fake_start(struct fake *fake, const char *url, fake_handler handler)
{
	nng_listener listener;
	int port;

	memset(fake, 0, sizeof(*fake));
	fake->handler = handler;
	pthread_mutex_init(&fake->mutex, NULL);
	pthread_cond_init(&fake->changed, NULL);
	snprintf(fake->url, sizeof(fake->url), "%s", url);
	if (strncmp(url, "http", 4) == 0 || strncmp(url, "unix:", 5) == 0) {
		fake_http_start(fake);
		fake_must(pthread_create(&fake->thread, NULL, fake_http_main, fake) == 0, "a thread");
		return;
	}
	fake_must(nng_rep0_open_raw(&fake->socket) == 0, "opening");
	fake_must(nng_socket_set_ms(fake->socket, NNG_OPT_RECVTIMEO, 20) == 0, "a time-out");
	fake_must(nng_listen(fake->socket, url, &listener, 0) == 0, "listening");
	if (strncmp(url, "tcp://", 6) == 0) {
		fake_must(nng_listener_get_int(listener, NNG_OPT_TCP_BOUND_PORT, &port) == 0, "asking the port");
		snprintf(fake->url, sizeof(fake->url), "tcp://127.0.0.1:%d", port);
	}
	fake_must(pthread_create(&fake->thread, NULL, fake_main, fake) == 0, "a thread");
}

void fake_stop(struct fake *fake)
{
	fake->stopping = true;
	if (fake->http != NULL) {
		fake_http_stop(fake);
	} else {
		pthread_join(fake->thread, NULL);
		nng_close(fake->socket);
	}
	for (size_t i = 0; i < fake->held_count; i++)
		fake_free_request(fake->held[i]);
	fake->held_count = 0;
	pthread_cond_destroy(&fake->changed);
	pthread_mutex_destroy(&fake->mutex);
}

void fake_await(struct fake *fake, unsigned requests)
{
	pthread_mutex_lock(&fake->mutex);
	while (fake->requests < requests)
		pthread_cond_wait(&fake->changed, &fake->mutex);
	pthread_mutex_unlock(&fake->mutex);
}

void fake_reply_raw(struct fake *fake, struct fake_request *request, const void *bytes, size_t length)
{
	nng_msg *reply;

	fake_must(nng_msg_alloc(&reply, 0) == 0, "allocating");
	fake_must(nng_msg_append(reply, bytes, length) == 0, "appending");
	fake_must(nng_msg_header_append(
			  reply, nng_msg_header(request->message), nng_msg_header_len(request->message)) == 0,
		"addressing");
	if (nng_sendmsg(fake->socket, reply, 0) != 0)
		nng_msg_free(reply);
}

void fake_reply(
	struct fake *fake, struct fake_request *request, enum lf_code status, const void *message, size_t length)
{
	struct lf_frame frame = {.kind = LF_FRAME_REPLY, .status = status};
	uint8_t *bytes;
	size_t header;

	if (fake->http != NULL) {
		fake_http_reply(fake, request, status, message, length);
		fake_free_request(request);
		return;
	}
	bytes = malloc(LF_FRAME_HEADER_MAX + length);
	fake_must(bytes != NULL, "allocating");
	header = lf_frame_encode_header(&frame, bytes, NULL);
	if (length > 0)
		memcpy(bytes + header, message, length);
	fake_reply_raw(fake, request, bytes, header + length);
	free(bytes);
	fake_free_request(request);
}

void fake_reply_error(struct fake *fake, struct fake_request *request, enum lf_code status, const char *text)
{
	Leadfit__V1__Error error = LEADFIT__V1__ERROR__INIT;
	uint8_t bytes[512];
	char message[256];

	snprintf(message, sizeof(message), "%s", text);
	error.code = (uint32_t)status;
	error.message = message;
	fake_reply(fake, request, status, bytes, leadfit__v1__error__pack(&error, bytes));
}

void fake_serving(struct fake *fake, struct fake_request *request)
{
	fake_reply(fake, request, LF_OK, SERVING, sizeof(SERVING));
}

void fake_silent(struct fake *fake, struct fake_request *request)
{
	(void)fake;
	fake_free_request(request);
}

void fake_hold(struct fake *fake, struct fake_request *request)
{
	pthread_mutex_lock(&fake->mutex);
	fake_must(fake->held_count < sizeof(fake->held) / sizeof(fake->held[0]), "holding");
	fake->held[fake->held_count++] = request;
	pthread_mutex_unlock(&fake->mutex);
}

/* Adds an entry with the request's message. */
static void add_echo(nng_msg *reply, uint32_t id, const struct lf_frame *request)
{
	uint8_t entry[LF_BUNDLE_ENTRY_BYTES], header[LF_FRAME_HEADER_MAX];
	const size_t length =
		lf_frame_encode_header(&(struct lf_frame){.kind = LF_FRAME_REPLY, .status = LF_OK}, header, NULL);

	lf_bundle_encode_entry(id, length + request->message_length, entry);
	fake_must(nng_msg_append(reply, entry, sizeof(entry)) == 0 && nng_msg_append(reply, header, length) == 0 &&
			nng_msg_append(reply, request->message, request->message_length) == 0,
		"appending");
}

static void echo_bundle(struct fake *fake, struct fake_request *request)
{
	static const size_t MAX = LF_BUNDLE_MAX;
	struct lf_frame *frames = calloc(MAX, sizeof(*frames));
	uint8_t head[LF_BUNDLE_FIXED_BYTES];
	uint32_t ids[LF_BUNDLE_MAX];
	struct lf_bundle bundle;
	const uint8_t *bytes;
	size_t count = 0, length;
	nng_msg *reply;

	fake_must(frames != NULL && nng_msg_alloc(&reply, 0) == 0, "allocating");
	fake_must(lf_bundle_open(&bundle, LF_BUNDLE_REQUESTS, nng_msg_body(request->message),
			  nng_msg_len(request->message), NULL) == LF_OK,
		"a good bundle");
	while (lf_bundle_next(&bundle, &ids[count], &bytes, &length))
		fake_must(lf_frame_decode(&frames[count++], bytes, length, NULL) == LF_OK, "a frame");
	lf_bundle_encode_header(LF_BUNDLE_REPLIES, count, head);
	fake_must(nng_msg_append(reply, head, sizeof(head)) == 0, "appending");
	while (count-- > 0)
		add_echo(reply, ids[count], &frames[count]);
	fake_reply_raw(fake, request, nng_msg_body(reply), nng_msg_len(reply));
	nng_msg_free(reply);
	free(frames);
	fake_free_request(request);
}

void fake_echo(struct fake *fake, struct fake_request *request)
{
	if (request->is_bundle)
		echo_bundle(fake, request);
	else
		fake_reply(fake, request, LF_OK, request->frame.message, request->frame.message_length);
}

void fake_note(struct fake *fake, struct fake_request *request)
{
	const struct lf_frame frame = request->frame;
	size_t length;

	pthread_mutex_lock(&fake->mutex);
	length = (size_t)snprintf(fake->seen, sizeof(fake->seen), "%.*s", (int)frame.method.length, frame.method.data);
	for (size_t i = 0; i < frame.metadata_count; i++)
		length += (size_t)snprintf(fake->seen + length, sizeof(fake->seen) - length, "|%.*s=%.*s",
			(int)frame.metadata[i].key.length, frame.metadata[i].key.data,
			(int)frame.metadata[i].value.length, frame.metadata[i].value.data);
	fake->seen_timeout_ms = frame.timeout_ms;
	pthread_mutex_unlock(&fake->mutex);
	fake_serving(fake, request);
}

/* ---- a process ---- */

void fake_process_main(int argc, char **argv)
{
	static struct fake fake;

	if (argc != 3 || strcmp(argv[1], "--serve") != 0)
		return;
	fake_start(&fake, argv[2], fake_serving);
	fake_must(write(STDOUT_FILENO, "!", 1) == 1, "telling");
	for (;;)
		pause();
}

pid_t fake_process_start(const char *url)
{
	extern char **environ;
	char program[] = "/proc/self/exe", serve[] = "--serve", address[160], byte;
	char *argv[] = {program, serve, address, NULL};
	posix_spawn_file_actions_t actions;
	int ends[2];
	pid_t process;

	snprintf(address, sizeof(address), "%s", url);
	fake_must(pipe(ends) == 0, "a pipe");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	posix_spawn_file_actions_addclose(&actions, ends[0]);
	posix_spawn_file_actions_addclose(&actions, ends[1]);
	fake_must(posix_spawn(&process, program, &actions, NULL, argv, environ) == 0, "a process");
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	fake_must(read(ends[0], &byte, 1) == 1, "its start");
	close(ends[0]);
	return process;
}

void fake_process_stop(pid_t process)
{
	int status;

	kill(process, SIGSTOP);
	fake_must(waitpid(process, &status, WUNTRACED) == process && WIFSTOPPED(status), "stopping");
}

void fake_process_end(pid_t process)
{
	kill(process, SIGKILL);
	waitpid(process, NULL, 0);
}

/* ---- calls ---- */

const struct lf_call_options PATIENT = {.timeout_ms = 120000};

enum lf_code check_health(struct lf_client *client, const struct lf_call_options *options, struct lf_error *error)
{
	Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
	struct lf_error own = LF_ERROR_INIT;
	ProtobufCMessage *reply;
	enum lf_code code = LF_OK;

	if (options == NULL)
		options = &PATIENT;
	reply = lf_client_call(client, &grpc__health__v1__health__descriptor, 0, &request.base, options, &own);
	if (reply == NULL)
		code = own.code;
	else
		fake_must(((const Grpc__Health__V1__HealthCheckResponse *)reply)->status ==
				GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING,
			"SERVING");
	fake_must((reply == NULL) == (code != LF_OK), "a reply or an error");
	protobuf_c_message_free_unpacked(reply, NULL);
	if (error != NULL)
		lf_error_move(error, &own);
	lf_error_clean_up(&own);
	return code;
}

struct lf_client *connect_to(const char *url)
{
	struct lf_client_options options = {.url = url, .connect_timeout_ms = 120000};
	struct lf_error error = LF_ERROR_INIT;
	struct lf_client *client;

	if (lf_client_new(&client, &options, &error) != LF_OK)
		fprintf(stderr, "fake: %s\n", error.message);
	fake_must(client != NULL, "connecting");
	return client;
}
