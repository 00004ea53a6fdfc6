#include "tests/client/fake_http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <nghttp2/nghttp2.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "leadfit/v1/error.pb-c.h"
#include "proto/base/base64.h"

/* gRPC over HTTP/2 by libnghttp2, on one thread. Answers come from any thread, by a list and a pipe. */

enum { CONNECTIONS_MAX = 64 };

struct stream {
	struct stream *next;
	int32_t id;
	char method[LF_METHOD_BYTES_MAX + 1], metadata[512];
	struct lf_metadata entries[3];
	char values[3][128];
	unsigned entry_count;
	uint32_t timeout_ms;
	uint8_t *body;
	size_t body_length, body_capacity;
	uint8_t *answer; /* prefix and message */
	size_t answer_length, answer_sent;
};

struct connection {
	int socket;
	SSL *tls;
	bool shaken, stalled;
	uint64_t number;
	nghttp2_session *session;
	struct stream *streams;
	unsigned open;
	struct fake *fake;
};

enum kind { ANSWER, RESET, GO_AWAY, STALL, CUT };

struct answer {
	struct answer *next;
	uint64_t connection;
	int32_t stream;
	enum kind kind;
	uint32_t error_code;
	enum lf_code status;
	size_t length;
	uint8_t bytes[];
};

struct fake_http {
	int listener, wake[2];
	SSL_CTX *tls;
	struct connection connections[CONNECTIONS_MAX];
	size_t count;
	struct answer *answers, **answers_end; /* under the fake's mutex */
	uint32_t streams_max;
	unsigned streams_seen;
};

static const char *certificate_file, *key_file, *client_ca_file;

void fake_set_certificate(const char *certificate, const char *key, const char *client_ca)
{
	certificate_file = certificate;
	key_file = key;
	client_ca_file = client_ca;
}

/* ---- requests ---- */

static struct stream *find(const struct connection *connection, int32_t id)
{
	struct stream *stream = connection->streams;

	while (stream != NULL && stream->id != id)
		stream = stream->next;
	return stream;
}

static int on_begin(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
	struct connection *connection = context;
	struct stream *stream = calloc(1, sizeof(*stream));

	(void)session;
	fake_must(stream != NULL, "allocating");
	stream->id = frame->hd.stream_id;
	stream->next = connection->streams;
	connection->streams = stream;
	pthread_mutex_lock(&connection->fake->mutex);
	if (++connection->open > connection->fake->http->streams_seen)
		connection->fake->http->streams_seen = connection->open;
	pthread_mutex_unlock(&connection->fake->mutex);
	return 0;
}

static bool same(const uint8_t *name, size_t length, const char *text)
{
	return length == strlen(text) && memcmp(name, text, length) == 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_length,
	const uint8_t *value, size_t value_length, uint8_t flags, void *context)
{
	static const char *const kept[] = {"authorization", "traceparent", "request-id"};
	struct stream *stream = find(context, frame->hd.stream_id);

	(void)session;
	(void)flags;
	if (same(name, name_length, ":path"))
		snprintf(
			stream->method, sizeof(stream->method), "%.*s", (int)value_length - 1, (const char *)value + 1);
	if (same(name, name_length, "grpc-timeout"))
		stream->timeout_ms =
			(uint32_t)strtoul((const char *)value, NULL, 10); /* our client says milliseconds */
	if (same(name, name_length, "content-type"))
		fake_must(same(value, value_length, "application/grpc"), "the content type");
	if (same(name, name_length, "te"))
		fake_must(same(value, value_length, "trailers"), "te");
	for (size_t i = 0; i < 3; i++)
		if (same(name, name_length, kept[i])) {
			char *to = stream->values[stream->entry_count];

			snprintf(to, sizeof(stream->values[0]), "%.*s", (int)value_length, (const char *)value);
			stream->entries[stream->entry_count++] =
				(struct lf_metadata){{kept[i], strlen(kept[i])}, {to, strlen(to)}};
		}
	return 0;
}

static int on_data(
	nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t length, void *context)
{
	struct stream *stream = find(context, id);

	(void)session;
	(void)flags;
	if (stream->body_length + length > stream->body_capacity) {
		stream->body_capacity = 2 * (stream->body_length + length);
		stream->body = realloc(stream->body, stream->body_capacity);
		fake_must(stream->body != NULL, "allocating");
	}
	memcpy(stream->body + stream->body_length, data, length);
	stream->body_length += length;
	return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
	struct connection *connection = context;
	struct fake_request *request;
	struct stream *stream;

	(void)session;
	if ((frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS) ||
		(frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0)
		return 0;
	stream = find(connection, frame->hd.stream_id);
	fake_must(stream->body_length >= 5, "the request's prefix");
	request = calloc(1, sizeof(*request));
	fake_must(request != NULL, "allocating");
	request->connection = connection->number;
	request->stream = stream->id;
	request->body = stream->body;
	stream->body = NULL;
	request->frame.kind = LF_FRAME_REQUEST;
	request->frame.timeout_ms = stream->timeout_ms;
	request->frame.method = (struct lf_slice){stream->method, strlen(stream->method)};
	request->frame.metadata_count = stream->entry_count;
	memcpy(request->frame.metadata, stream->entries, sizeof(stream->entries));
	request->frame.message = request->body + 5;
	request->frame.message_length = stream->body_length - 5;
	fake_took(connection->fake, request);
	return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t error_code, void *context)
{
	struct connection *connection = context;
	struct stream **at = &connection->streams, *stream;

	(void)session;
	(void)error_code;
	while (*at != NULL && (*at)->id != id)
		at = &(*at)->next;
	stream = *at;
	if (stream == NULL)
		return 0;
	*at = stream->next;
	connection->open--;
	free(stream->body);
	free(stream->answer);
	free(stream);
	return 0;
}

/* ---- answers ---- */

static ssize_t on_read(nghttp2_session *session, int32_t id, uint8_t *out, size_t capacity, uint32_t *flags,
	nghttp2_data_source *source, void *context)
{
	static const nghttp2_nv trailers[] = {
		{(uint8_t *)(uintptr_t) "grpc-status", (uint8_t *)(uintptr_t) "0", 11, 1, 0}};
	struct stream *stream = find(context, id);
	size_t length = stream->answer_length - stream->answer_sent;

	(void)source;
	if (length > capacity)
		length = capacity;
	memcpy(out, stream->answer + stream->answer_sent, length);
	stream->answer_sent += length;
	if (stream->answer_sent == stream->answer_length) {
		*flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
		nghttp2_submit_trailer(session, id, trailers, 1);
	}
	return (ssize_t)length;
}

static nghttp2_nv entry(const char *name, const char *value)
{
	return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name), strlen(value),
		NGHTTP2_NV_FLAG_NONE};
}

static size_t put(uint8_t *out, unsigned field, const void *bytes, size_t length)
{
	size_t used = 0;

	out[used++] = (uint8_t)(field << 3 | 2);
	for (size_t left = length;; left >>= 7) {
		out[used++] = (uint8_t)(left < 0x80 ? left : left | 0x80);
		if (left < 0x80)
			break;
	}
	memcpy(out + used, bytes, length);
	return used + length;
}

/* A google.rpc.Status with the packed leadfit.v1.Error, in base64. */
static char *details_of(const struct answer *answer)
{
	static const char type[] = "type.googleapis.com/leadfit.v1.Error";
	uint8_t *any = malloc(answer->length + 64), *status = malloc(answer->length + 96);
	char *text = malloc(lf_base64_size(answer->length + 96) + 1);
	size_t any_length, length = 0;

	fake_must(any != NULL && status != NULL && text != NULL, "allocating");
	any_length = put(any, 1, type, strlen(type));
	any_length += put(any + any_length, 2, answer->bytes, answer->length);
	status[length++] = 0x08;
	status[length++] = (uint8_t)answer->status;
	length += put(status + length, 3, any, any_length);
	*lf_base64_print(status, length, false, text) = '\0';
	free(any);
	free(status);
	return text;
}

static void submit(struct connection *connection, struct stream *stream, const struct answer *answer)
{
	nghttp2_data_provider provider = {.read_callback = on_read};
	nghttp2_nv entries[5];
	size_t count = 0;
	char code[16], *details = NULL;

	entries[count++] = entry(":status", "200");
	entries[count++] = entry("content-type", "application/grpc+proto");
	if (answer->status == LF_OK) {
		stream->answer = malloc(answer->length + 5);
		fake_must(stream->answer != NULL, "allocating");
		stream->answer[0] = 0;
		for (unsigned i = 0; i < 4; i++)
			stream->answer[1 + i] = (uint8_t)(answer->length >> (24 - 8 * i));
		memcpy(stream->answer + 5, answer->bytes, answer->length);
		stream->answer_length = answer->length + 5;
		nghttp2_submit_response(connection->session, stream->id, entries, count, &provider);
		return;
	}
	snprintf(code, sizeof(code), "%d", (int)answer->status);
	entries[count++] = entry("grpc-status", code);
	if (answer->length > 0) {
		details = details_of(answer);
		entries[count++] = entry("grpc-status-details-bin", details);
	}
	nghttp2_submit_response(connection->session, stream->id, entries, count, NULL);
	free(details);
}

static void end_connection(struct connection *connection)
{
	while (connection->streams != NULL)
		on_close(NULL, connection->streams->id, 0, connection);
	nghttp2_session_del(connection->session);
	connection->session = NULL;
	SSL_free(connection->tls);
	connection->tls = NULL;
	if (connection->socket >= 0)
		close(connection->socket);
	connection->socket = -1;
}

static void give(struct fake *fake, const struct answer *answer)
{
	struct fake_http *http = fake->http;

	for (size_t i = 0; i < http->count; i++) {
		struct connection *connection = &http->connections[i];
		struct stream *stream;

		if (connection->number != answer->connection || connection->session == NULL)
			continue;
		stream = find(connection, answer->stream);
		if (answer->kind == GO_AWAY)
			nghttp2_submit_goaway(
				connection->session, NGHTTP2_FLAG_NONE, answer->stream, NGHTTP2_NO_ERROR, NULL, 0);
		else if (answer->kind == STALL)
			connection->stalled = true;
		else if (answer->kind == CUT)
			end_connection(connection);
		else if (stream != NULL && answer->kind == RESET)
			nghttp2_submit_rst_stream(
				connection->session, NGHTTP2_FLAG_NONE, answer->stream, answer->error_code);
		else if (stream != NULL)
			submit(connection, stream, answer);
	}
}

static void queue(struct fake *fake, const struct fake_request *request, struct answer with, const void *message)
{
	struct fake_http *http = fake->http;
	struct answer *answer = malloc(sizeof(*answer) + with.length);

	fake_must(answer != NULL, "allocating");
	*answer = with;
	answer->next = NULL;
	answer->connection = request->connection;
	answer->stream = request->stream;
	if (with.length > 0)
		memcpy(answer->bytes, message, with.length);
	pthread_mutex_lock(&fake->mutex);
	*http->answers_end = answer;
	http->answers_end = &answer->next;
	pthread_mutex_unlock(&fake->mutex);
	fake_must(write(http->wake[1], "!", 1) == 1 || errno == EAGAIN, "waking");
}

void fake_http_reply(
	struct fake *fake, const struct fake_request *request, enum lf_code status, const void *message, size_t length)
{
	queue(fake, request, (struct answer){.kind = ANSWER, .status = status, .length = length}, message);
}

void fake_reset(struct fake *fake, struct fake_request *request, uint32_t error_code)
{
	queue(fake, request, (struct answer){.kind = RESET, .error_code = error_code}, NULL);
	fake_free_request(request);
}

void fake_go_away(struct fake *fake, struct fake_request *request)
{
	queue(fake, request, (struct answer){.kind = GO_AWAY}, NULL);
}

void fake_stall(struct fake *fake, struct fake_request *request)
{
	queue(fake, request, (struct answer){.kind = STALL}, NULL);
}

void fake_cut(struct fake *fake, struct fake_request *request)
{
	queue(fake, request, (struct answer){.kind = CUT}, NULL);
}

void fake_set_streams_max(struct fake *fake, uint32_t streams_max)
{
	pthread_mutex_lock(&fake->mutex);
	fake->http->streams_max = streams_max;
	pthread_mutex_unlock(&fake->mutex);
}

unsigned fake_streams_seen(struct fake *fake)
{
	unsigned seen;

	pthread_mutex_lock(&fake->mutex);
	seen = fake->http->streams_seen;
	pthread_mutex_unlock(&fake->mutex);
	return seen;
}

/* ---- connections ---- */

static void greet(struct connection *connection)
{
	struct fake_http *http = connection->fake->http;
	nghttp2_settings_entry settings[2] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1024 * 1024}};
	nghttp2_session_callbacks *callbacks;
	size_t count = 1;

	fake_must(nghttp2_session_callbacks_new(&callbacks) == 0, "callbacks");
	nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
	fake_must(nghttp2_session_server_new(&connection->session, callbacks, connection) == 0, "a session");
	nghttp2_session_callbacks_del(callbacks);
	if (http->streams_max != 0)
		settings[count++] =
			(nghttp2_settings_entry){NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, http->streams_max};
	nghttp2_submit_settings(connection->session, NGHTTP2_FLAG_NONE, settings, count);
	nghttp2_session_set_local_window_size(connection->session, NGHTTP2_FLAG_NONE, 0, 8 * 1024 * 1024);
}

static void accept_one(struct fake *fake)
{
	struct fake_http *http = fake->http;
	int socket = accept4(http->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct connection *connection;

	if (socket < 0)
		return;
	if (http->count == CONNECTIONS_MAX) {
		close(socket);
		return;
	}
	connection = &http->connections[http->count++];
	*connection =
		(struct connection){.socket = socket, .number = http->count, .fake = fake, .shaken = http->tls == NULL};
	if (http->tls != NULL) {
		connection->tls = SSL_new(http->tls);
		SSL_set_fd(connection->tls, socket);
		SSL_set_accept_state(connection->tls);
	}
	greet(connection);
}

static ssize_t take(struct connection *connection, void *to, size_t capacity)
{
	int got;

	if (connection->tls == NULL)
		return recv(connection->socket, to, capacity, 0);
	got = SSL_read(connection->tls, to, (int)capacity);
	errno = SSL_get_error(connection->tls, got) == SSL_ERROR_WANT_READ ? EAGAIN : EPIPE;
	return got;
}

/* All of it, however long that takes. */
static bool put_all(struct connection *connection, const uint8_t *bytes, size_t length)
{
	while (length > 0) {
		ssize_t put_now = connection->tls != NULL ? SSL_write(connection->tls, bytes, (int)length)
							  : send(connection->socket, bytes, length, MSG_NOSIGNAL);

		if (put_now > 0) {
			bytes += put_now;
			length -= (size_t)put_now;
			continue;
		}
		if (connection->tls == NULL ? errno != EAGAIN
					    : SSL_get_error(connection->tls, (int)put_now) != SSL_ERROR_WANT_WRITE)
			return false;
		if (poll(&(struct pollfd){.fd = connection->socket, .events = POLLOUT}, 1, 1000) == 0)
			return false;
	}
	return true;
}

static bool flush(struct connection *connection)
{
	const uint8_t *bytes;
	ssize_t length;

	while ((length = nghttp2_session_mem_send(connection->session, &bytes)) > 0)
		if (!put_all(connection, bytes, (size_t)length))
			return false;
	return length == 0 && (nghttp2_session_want_read(connection->session) != 0);
}

/* false: it is over. */
static bool serve(struct connection *connection)
{
	static _Thread_local uint8_t bytes[65536];
	ssize_t got;

	if (!connection->shaken) {
		int done = SSL_do_handshake(connection->tls);

		connection->shaken = done == 1;
		if (done != 1)
			return SSL_get_error(connection->tls, done) == SSL_ERROR_WANT_READ;
	}
	while ((got = take(connection, bytes, sizeof(bytes))) > 0)
		if (nghttp2_session_mem_recv(connection->session, bytes, (size_t)got) < 0)
			return false;
	return got < 0 && errno == EAGAIN;
}

static void give_all(struct fake *fake)
{
	struct fake_http *http = fake->http;
	struct answer *answer, *next;

	pthread_mutex_lock(&fake->mutex);
	answer = http->answers;
	http->answers = NULL;
	http->answers_end = &http->answers;
	pthread_mutex_unlock(&fake->mutex);
	for (; answer != NULL; answer = next) {
		next = answer->next;
		give(fake, answer);
		free(answer);
	}
}

void *fake_http_main(void *arg)
{
	struct fake *fake = arg;
	struct fake_http *http = fake->http;
	struct pollfd ready[CONNECTIONS_MAX + 2];
	char byte[64];

	while (!fake->stopping) {
		ready[0] = (struct pollfd){.fd = http->wake[0], .events = POLLIN};
		ready[1] = (struct pollfd){.fd = http->listener, .events = POLLIN};
		for (size_t i = 0; i < http->count; i++)
			ready[2 + i] =
				(struct pollfd){.fd = http->connections[i].stalled ? -1 : http->connections[i].socket,
					.events = POLLIN};
		if (poll(ready, 2 + http->count, 1000) < 0)
			continue;
		if (ready[0].revents != 0)
			(void)!read(http->wake[0], byte, sizeof(byte));
		for (size_t i = 0; i < http->count; i++)
			if (ready[2 + i].revents != 0 && !serve(&http->connections[i]))
				end_connection(&http->connections[i]);
		if (ready[1].revents != 0)
			accept_one(fake);
		give_all(fake);
		for (size_t i = 0; i < http->count; i++)
			if (http->connections[i].session != NULL && http->connections[i].shaken &&
				!flush(&http->connections[i]))
				end_connection(&http->connections[i]);
	}
	return NULL;
}

/* ---- making and ending ---- */

static int choose(SSL *tls, const unsigned char **out, unsigned char *length, const unsigned char *in,
	unsigned in_length, void *context)
{
	static const unsigned char h2[] = {2, 'h', '2'};
	unsigned char *chosen = NULL;

	(void)tls;
	(void)context;
	if (SSL_select_next_proto(&chosen, length, h2, sizeof(h2), in, in_length) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *make_tls(void)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

	fake_must(tls != NULL && SSL_CTX_use_certificate_chain_file(tls, certificate_file) == 1 &&
			SSL_CTX_use_PrivateKey_file(tls, key_file, SSL_FILETYPE_PEM) == 1,
		"the certificate");
	SSL_CTX_set_alpn_select_cb(tls, choose, NULL);
	if (client_ca_file != NULL) {
		fake_must(SSL_CTX_load_verify_file(tls, client_ca_file) == 1, "the CA of clients");
		SSL_CTX_set_verify(tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	}
	return tls;
}

/* The port of a URL, or 0. */
static void listen_tcp(struct fake *fake)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	const bool https = strncmp(fake->url, "https:", 6) == 0, named = strstr(fake->url, "localhost") != NULL;
	const int on = 1;

	address.sin_port = htons((uint16_t)atoi(strrchr(fake->url, ':') + 1));
	fake->http->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	setsockopt(fake->http->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	fake_must(bind(fake->http->listener, (const struct sockaddr *)&address, sizeof(address)) == 0, "binding");
	fake_must(getsockname(fake->http->listener, (struct sockaddr *)&address, &length) == 0, "asking the port");
	if (https)
		fake->http->tls = make_tls();
	snprintf(fake->url, sizeof(fake->url),
		https           ? "https://localhost:%d"
			: named ? "http://localhost:%d"
				: "http://127.0.0.1:%d",
		ntohs(address.sin_port));
}

static void listen_local(struct fake *fake)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", fake->url + strlen("unix:"));
	unlink(address.sun_path);
	fake->http->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	fake_must(bind(fake->http->listener, (const struct sockaddr *)&address, sizeof(address)) == 0, "binding");
}

void fake_http_start(struct fake *fake)
{
	struct fake_http *http = calloc(1, sizeof(*http));

	fake_must(http != NULL, "allocating");
	fake->http = http;
	http->answers_end = &http->answers;
	fake_must(pipe2(http->wake, O_CLOEXEC | O_NONBLOCK) == 0, "a pipe");
	if (strncmp(fake->url, "unix:", 5) == 0)
		listen_local(fake);
	else
		listen_tcp(fake);
	fake_must(listen(http->listener, 64) == 0, "listening");
}

void fake_http_stop(struct fake *fake)
{
	struct fake_http *http = fake->http;

	(void)!write(http->wake[1], "!", 1);
	pthread_join(fake->thread, NULL);
	give_all(fake); /* frees them */
	for (size_t i = 0; i < http->count; i++)
		end_connection(&http->connections[i]);
	close(http->listener);
	close(http->wake[0]);
	close(http->wake[1]);
	SSL_CTX_free(http->tls);
	free(http);
	fake->http = NULL;
}
