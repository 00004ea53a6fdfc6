#include "tests/rpc/help.h"

#include <arpa/inet.h>
#include <nng/protocol/reqrep0/req.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "service/rpc/nng/internal.h"

/*
 * What nng leaks: where a listener or a dialer is closed while a connection of its own greets, nobody frees the
 * connection, nor the endpoint that it keeps (a greeting's aio that is stopped between two steps never calls back).
 * What these reach is not told either; all else is found. Weak, so that a test can say more.
 */
__attribute__((weak, visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return NNG_LEAKS;
}

/* ---- stubs ---- */

static void decide(struct lf_rpc_call *call_of, const char *id, Leadfit__V1__Decision_Closure closure, void *data)
{
	Leadfit__V1__Decision decision;
	Leadfit__V1__TeamRef team;
	char text[160], name[160];

	leadfit__v1__decision__init(&decision);
	leadfit__v1__team_ref__init(&team);
	snprintf(text, sizeof(text), "%s", id);
	snprintf(name, sizeof(name), "%s", lf_rpc_caller(call_of));
	decision.decision_id = text;
	team.id = name;
	decision.team = &team;
	closure(&decision, data);
}

/* What closure() would do, for calls that are answered by another thread: staged, then sent. */
static void answer(struct lf_rpc_call *call_of)
{
	Leadfit__V1__Decision decision;
	struct lf_error error = LF_ERROR_INIT;
	char text[] = "held";

	leadfit__v1__decision__init(&decision);
	decision.decision_id = text;
	if (lf_rpc_stage(call_of, &decision.base)) {
		lf_rpc_send(call_of);
		return;
	}
	lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "no memory for the reply");
	lf_rpc_fail(call_of, &error);
}

static void keep(struct stubs *stubs, struct lf_rpc_call **list, size_t *count, struct lf_rpc_call *call_of)
{
	pthread_mutex_lock(&stubs->lock);
	assert_true(*count < HELD_MAX);
	list[(*count)++] = call_of;
	pthread_cond_broadcast(&stubs->changed);
	pthread_mutex_unlock(&stubs->lock);
}

static void two_violations(struct lf_rpc_call *call_of)
{
	struct lf_error error = LF_ERROR_INIT;

	lf_error_add(&error, "team.members[0].id", "%s", "is empty");
	lf_error_add(&error, "project.id", "%s", "is empty");
	lf_error_summarize(&error);
	lf_rpc_fail(call_of, &error);
	lf_error_clean_up(&error);
}

/* A decision in two parts: the id is appended after the rest was packed. */
static void in_two_parts(struct lf_rpc_call *call_of)
{
	const char id[] = "\x0a\x05parts"; /* field 1 */
	struct lf_error error = LF_ERROR_INIT;
	Leadfit__V1__Decision decision;

	leadfit__v1__decision__init(&decision);
	if (lf_rpc_stage(call_of, &decision.base) && lf_rpc_append(call_of, id, sizeof(id) - 1)) {
		lf_rpc_send(call_of);
		return;
	}
	lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "no memory for the reply");
	lf_rpc_fail(call_of, &error);
}

/* Two replies to one call, where the transport has that. */
static void stream(struct lf_rpc_call *call_of)
{
	struct lf_error error = LF_ERROR_INIT;
	Leadfit__V1__Decision decision;

	leadfit__v1__decision__init(&decision);
	if (!lf_rpc_stage(call_of, &decision.base))
		lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "no memory for the reply");
	else if (lf_rpc_send_part(call_of, &error) == LF_OK && lf_rpc_stage(call_of, &decision.base)) {
		lf_rpc_send(call_of);
		return;
	}
	lf_rpc_fail(call_of, &error);
}

static void large(struct stubs *stubs, struct lf_rpc_call *call_of, Leadfit__V1__Decision_Closure closure, void *data)
{
	struct lf_error error = LF_ERROR_INIT;
	Leadfit__V1__Decision decision;
	char *text = lf_arena_alloc(lf_rpc_arena(call_of), stubs->large_bytes + 1);

	if (text == NULL) {
		lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "no memory for the reply");
		lf_rpc_fail(call_of, &error);
		return;
	}
	memset(text, 'x', stubs->large_bytes);
	text[stubs->large_bytes] = '\0';
	leadfit__v1__decision__init(&decision);
	decision.decision_id = text;
	closure(&decision, data);
}

static void block(struct stubs *stubs)
{
	pthread_mutex_lock(&stubs->lock);
	stubs->blocked++;
	pthread_cond_broadcast(&stubs->changed);
	while (!stubs->unblock)
		pthread_cond_wait(&stubs->changed, &stubs->lock);
	stubs->blocked--;
	pthread_mutex_unlock(&stubs->lock);
}

static void stub_score(Leadfit__V1__Scoring_Service *service, const Leadfit__V1__ScoreRequest *input,
	Leadfit__V1__Decision_Closure closure, void *data)
{
	struct stubs *stubs = (struct stubs *)service;
	struct lf_rpc_call *call_of = data;

	pthread_mutex_lock(&stubs->lock);
	stubs->scored++;
	pthread_mutex_unlock(&stubs->lock);
	if (strcmp(input->rubric, "block") == 0) {
		block(stubs);
		decide(call_of, input->idempotency_key, closure, data);
	} else if (strcmp(input->rubric, "hold") == 0)
		keep(stubs, stubs->held, &stubs->held_count, call_of);
	else if (strcmp(input->rubric, "later") == 0)
		keep(stubs, stubs->later, &stubs->later_count, call_of);
	else if (strcmp(input->rubric, "fail") == 0)
		two_violations(call_of);
	else if (strcmp(input->rubric, "stage") == 0)
		in_two_parts(call_of);
	else if (strcmp(input->rubric, "stream") == 0)
		stream(call_of);
	else if (strcmp(input->rubric, "large") == 0)
		large(stubs, call_of, closure, data);
	else if (strcmp(input->rubric, "nothing") == 0)
		closure(NULL, data);
	else
		decide(call_of, input->idempotency_key, closure, data);
}

static void stub_profile(Leadfit__V1__Scoring_Service *service, const Leadfit__V1__ProfileRequest *input,
	Leadfit__V1__ProfileResponse_Closure closure, void *data)
{
	Leadfit__V1__ProfileResponse response;

	(void)service;
	(void)input;
	leadfit__v1__profile_response__init(&response);
	closure(&response, data);
}

static void stub_score_batch(Leadfit__V1__Scoring_Service *service, const Leadfit__V1__ScoreBatchRequest *input,
	Leadfit__V1__ScoreBatchResponse_Closure closure, void *data)
{
	Leadfit__V1__ScoreBatchResponse response;

	(void)service;
	(void)input;
	leadfit__v1__score_batch_response__init(&response);
	closure(&response, data);
}

static void stub_sweep(Leadfit__V1__Scoring_Service *service, const Leadfit__V1__SweepRequest *input,
	Leadfit__V1__SweepResponse_Closure closure, void *data)
{
	Leadfit__V1__SweepResponse response;

	(void)service;
	(void)input;
	leadfit__v1__sweep_response__init(&response);
	closure(&response, data);
}

static void stub_describe(Leadfit__V1__Describe_Service *service, const Leadfit__V1__DescribeRequest *input,
	Leadfit__V1__DescribeResponse_Closure closure, void *data)
{
	struct stubs *stubs = (struct stubs *)((char *)service - offsetof(struct stubs, describe));
	Leadfit__V1__DescribeResponse response;

	(void)input;
	leadfit__v1__describe_response__init(&response);
	response.file_descriptor_set.data = stubs->described;
	response.file_descriptor_set.len = stubs->described_bytes;
	closure(&response, data);
}

static void stub_check(Grpc__Health__V1__Health_Service *service, const Grpc__Health__V1__HealthCheckRequest *input,
	Grpc__Health__V1__HealthCheckResponse_Closure closure, void *data)
{
	Grpc__Health__V1__HealthCheckResponse response;

	(void)service;
	(void)input;
	grpc__health__v1__health_check_response__init(&response);
	response.status = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING;
	closure(&response, data);
}

/* Once, over any transport: what streams is tested elsewhere. */
static void stub_watch(Grpc__Health__V1__Health_Service *service, const Grpc__Health__V1__HealthCheckRequest *input,
	Grpc__Health__V1__HealthCheckResponse_Closure closure, void *data)
{
	stub_check(service, input, closure, data);
}

static void *answer_later(void *argument)
{
	struct stubs *stubs = argument;
	struct lf_rpc_call *next;

	pthread_mutex_lock(&stubs->lock);
	for (;;) {
		while (stubs->later_count == 0 && !stubs->quit)
			pthread_cond_wait(&stubs->changed, &stubs->lock);
		if (stubs->later_count == 0)
			break;
		next = stubs->later[--stubs->later_count];
		pthread_mutex_unlock(&stubs->lock);
		answer(next);
		pthread_mutex_lock(&stubs->lock);
	}
	pthread_mutex_unlock(&stubs->lock);
	return NULL;
}

void stubs_init(struct stubs *stubs)
{
	static const Leadfit__V1__Scoring_Service scoring = LEADFIT__V1__SCORING__INIT(stub_);
	static const Leadfit__V1__Describe_Service describe = LEADFIT__V1__DESCRIBE__INIT(stub_);
	static const Grpc__Health__V1__Health_Service health = GRPC__HEALTH__V1__HEALTH__INIT(stub_);

	memset(stubs, 0, sizeof(*stubs));
	stubs->scoring = scoring;
	stubs->describe = describe;
	stubs->health = health;
	pthread_mutex_init(&stubs->lock, NULL);
	pthread_cond_init(&stubs->changed, NULL);
	assert_int_equal(pthread_create(&stubs->thread, NULL, answer_later, stubs), 0);
}

void stubs_clean_up(struct stubs *stubs)
{
	pthread_mutex_lock(&stubs->lock);
	stubs->quit = true;
	pthread_cond_broadcast(&stubs->changed);
	pthread_mutex_unlock(&stubs->lock);
	pthread_join(stubs->thread, NULL);
	pthread_cond_destroy(&stubs->changed);
	pthread_mutex_destroy(&stubs->lock);
}

void stubs_add(struct stubs *stubs, struct lf_rpc_server *server)
{
	assert_int_equal(lf_rpc_server_add(server, &stubs->scoring.base, LF_ROLE_SCORE, NULL), LF_OK);
	assert_int_equal(lf_rpc_server_require(server, &stubs->scoring.base, "Sweep", LF_ROLE_RUBRIC, NULL), LF_OK);
	assert_int_equal(lf_rpc_server_add(server, &stubs->describe.base, 0, NULL), LF_OK);
	assert_int_equal(lf_rpc_server_add(server, &stubs->health.base, 0, NULL), LF_OK);
}

void stubs_wait_held(struct stubs *stubs, size_t count)
{
	pthread_mutex_lock(&stubs->lock);
	while (stubs->held_count < count)
		pthread_cond_wait(&stubs->changed, &stubs->lock);
	pthread_mutex_unlock(&stubs->lock);
}

void stubs_wait_blocked(struct stubs *stubs, size_t count)
{
	pthread_mutex_lock(&stubs->lock);
	while (stubs->blocked < count)
		pthread_cond_wait(&stubs->changed, &stubs->lock);
	pthread_mutex_unlock(&stubs->lock);
}

void stubs_unblock(struct stubs *stubs)
{
	pthread_mutex_lock(&stubs->lock);
	stubs->unblock = true;
	pthread_cond_broadcast(&stubs->changed);
	pthread_mutex_unlock(&stubs->lock);
}

void stubs_release(struct stubs *stubs)
{
	for (;;) {
		struct lf_rpc_call *next = NULL;

		pthread_mutex_lock(&stubs->lock);
		if (stubs->held_count != 0)
			next = stubs->held[--stubs->held_count];
		pthread_mutex_unlock(&stubs->lock);
		if (next == NULL)
			return;
		answer(next);
	}
}

/* ---- a server ---- */

enum lf_code server_new(struct lf_rpc_server **server, struct lf_rpc_nng **nng, const struct fixture_options *options,
	struct lf_error *error)
{
	enum lf_code code = lf_rpc_server_new(server, &options->rpc, error);

	if (code == LF_OK)
		code = lf_rpc_nng_new(nng, *server, &options->nng, error);
	if (code != LF_OK) {
		lf_rpc_server_destroy(*server);
		*server = NULL;
	}
	return code;
}

void fixture_start(struct fixture *fixture, const struct fixture_options *options, const char *url)
{
	struct lf_error error = LF_ERROR_INIT;
	char own[128];

	memset(fixture, 0, sizeof(*fixture));
	stubs_init(&fixture->stubs);
	if (options != NULL)
		fixture->options = *options;
	snprintf(fixture->directory, sizeof(fixture->directory), "/tmp/lf-rpc-XXXXXX");
	assert_non_null(mkdtemp(fixture->directory));
	if (strcmp(url, "ipc") == 0)
		snprintf(own, sizeof(own), "ipc://%s/socket", fixture->directory);
	else
		snprintf(own, sizeof(own), "%s", strcmp(url, "tcp") == 0 ? "tcp://127.0.0.1:0" : url);
	assert_int_equal(server_new(&fixture->server, &fixture->nng, &fixture->options, &error), LF_OK);
	stubs_add(&fixture->stubs, fixture->server);
	if (fixture->options.check_is_urgent)
		lf_rpc_server_set_urgent(fixture->server, "grpc.health.v1.Health/Check");
	if (lf_rpc_nng_listen(fixture->nng, own, fixture->url, sizeof(fixture->url), &error) != LF_OK ||
		lf_rpc_nng_start(fixture->nng, &error) != LF_OK)
		fail_msg("%s", error.message);
}

void fixture_end(struct fixture *fixture)
{
	stubs_release(&fixture->stubs);
	assert_int_equal(lf_rpc_server_stop(fixture->server, 60000), 0);
	lf_rpc_server_destroy(fixture->server);
	stubs_clean_up(&fixture->stubs);
	assert_int_equal(rmdir(fixture->directory), 0); /* nothing is left in it */
}

/* ---- a client ---- */

nng_socket client_open(const char *url)
{
	nng_socket client;

	assert_int_equal(nng_req0_open(&client), 0);
	assert_int_equal(nng_socket_set_ms(client, NNG_OPT_REQ_RESENDTIME, NNG_DURATION_INFINITE), 0);
	assert_int_equal(nng_socket_set_ms(client, NNG_OPT_RECVTIMEO, 60000), 0);
	assert_int_equal(nng_socket_set_ms(client, NNG_OPT_SENDTIMEO, 60000), 0);
	assert_int_equal(nng_socket_set_ms(client, NNG_OPT_RECONNMINT, 20), 0);
	assert_int_equal(nng_socket_set_ms(client, NNG_OPT_RECONNMAXT, 100), 0);
	assert_int_equal(nng_dial(client, url, NULL, NNG_FLAG_NONBLOCK), 0);
	return client;
}

static struct lf_slice slice(const char *text)
{
	return (struct lf_slice){text, strlen(text)};
}

static size_t score_request(uint8_t **bytes, const struct call_options *options)
{
	Leadfit__V1__ScoreRequest request;
	Leadfit__V1__Team team;
	char rubric[64], key[160], *note = calloc(1, options->padding + 1);
	size_t length;

	leadfit__v1__score_request__init(&request);
	leadfit__v1__team__init(&team);
	snprintf(rubric, sizeof(rubric), "%s", options->rubric != NULL ? options->rubric : "now");
	snprintf(key, sizeof(key), "%s", options->key != NULL ? options->key : "");
	memset(note, 'n', options->padding);
	request.rubric = rubric;
	request.idempotency_key = key;
	team.id = note;
	if (options->padding != 0)
		request.team = &team;
	length = leadfit__v1__score_request__get_packed_size(&request);
	*bytes = malloc(length + 1);
	leadfit__v1__score_request__pack(&request, *bytes);
	free(note);
	return length;
}

/* NULL: it has none. */
static void add(struct lf_frame *frame, const char *key, const char *value)
{
	if (value != NULL)
		frame->metadata[frame->metadata_count++] = (struct lf_metadata){slice(key), slice(value)};
}

nng_msg *request_new(const struct call_options *options)
{
	struct lf_frame frame = {.kind = LF_FRAME_REQUEST, .timeout_ms = options->timeout_ms};
	uint8_t header[LF_FRAME_HEADER_MAX], *own = NULL;
	const uint8_t *bytes = options->message;
	size_t length = options->message_length, header_length;
	nng_msg *message;

	frame.method = slice(options->method != NULL ? options->method : "leadfit.v1.Scoring/Score");
	add(&frame, "authorization", options->token);
	add(&frame, "request-id", options->request_id);
	add(&frame, "traceparent", options->traceparent);
	add(&frame, "tracestate", options->tracestate);
	if (bytes == NULL) {
		length = score_request(&own, options);
		bytes = own;
	}
	header_length = lf_frame_encode_header(&frame, header, NULL);
	assert_int_not_equal(header_length, 0);
	assert_int_equal(nng_msg_alloc(&message, 0), 0);
	assert_int_equal(nng_msg_append(message, header, header_length), 0);
	assert_int_equal(nng_msg_append(message, bytes, length), 0);
	free(own);
	return message;
}

void reply_read(struct reply *reply, int rc, nng_msg *message)
{
	struct lf_error error = LF_ERROR_INIT;

	memset(reply, 0, sizeof(*reply));
	reply->rc = rc;
	reply->message = message;
	if (rc != 0)
		return;
	if (lf_frame_decode(&reply->frame, nng_msg_body(message), nng_msg_len(message), &error) != LF_OK)
		fail_msg("%s", error.message);
	assert_int_equal(reply->frame.kind, LF_FRAME_REPLY);
	if (reply->frame.status == LF_OK) {
		reply->decision =
			leadfit__v1__decision__unpack(NULL, reply->frame.message_length, reply->frame.message);
		return;
	}
	reply->error = leadfit__v1__error__unpack(NULL, reply->frame.message_length, reply->frame.message);
	assert_non_null(reply->error);
	assert_int_equal(reply->error->code, reply->frame.status);
}

void reply_clean_up(struct reply *reply)
{
	leadfit__v1__error__free_unpacked(reply->error, NULL);
	leadfit__v1__decision__free_unpacked(reply->decision, NULL);
	if (reply->message != NULL)
		nng_msg_free(reply->message);
	memset(reply, 0, sizeof(*reply));
}

void call_message(struct reply *reply, const char *url, nng_msg *message)
{
	nng_socket client = client_open(url);
	nng_msg *answer_message = NULL;
	int rc = nng_sendmsg(client, message, 0);

	if (rc != 0)
		nng_msg_free(message);
	else
		rc = nng_recvmsg(client, &answer_message, 0);
	reply_read(reply, rc, answer_message);
	nng_close(client);
}

void call(struct reply *reply, const char *url, const struct call_options *options)
{
	call_message(reply, url, request_new(options));
}

void assert_serves(const char *url)
{
	const struct call_options options = {.key = "alive"};
	struct reply reply;

	call(&reply, url, &options);
	assert_int_equal(reply.rc, 0);
	assert_int_equal(reply.frame.status, LF_OK);
	assert_string_equal(reply.decision->decision_id, "alive");
	reply_clean_up(&reply);
}

void flight_start(struct flight *flight, nng_socket client, const struct call_options *options)
{
	flight->socket = client;
	assert_int_equal(nng_ctx_open(&flight->context, client), 0);
	assert_int_equal(nng_aio_alloc(&flight->aio, NULL, NULL), 0);
	nng_aio_set_timeout(flight->aio, 60000);
	nng_aio_set_msg(flight->aio, request_new(options));
	nng_ctx_send(flight->context, flight->aio);
	nng_aio_wait(flight->aio);
	assert_int_equal(nng_aio_result(flight->aio), 0);
	nng_ctx_recv(flight->context, flight->aio);
}

void flight_end(struct flight *flight, struct reply *reply)
{
	int rc;

	nng_aio_wait(flight->aio);
	rc = nng_aio_result(flight->aio);
	reply_read(reply, rc, rc == 0 ? nng_aio_get_msg(flight->aio) : NULL);
	nng_aio_free(flight->aio);
	nng_ctx_close(flight->context);
}

/* ---- plain sockets ---- */

/*
 * At most 10 s: who waits in the full queue of a listener that nng then closes is woken only when nng closes the
 * descriptor, and nng leaks that of an endpoint whose connection was greeting.
 */
static int connect_ipc(const char *path)
{
	const struct timeval wait = {.tv_sec = 10}, for_ever = {0};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_true(strlen(path) < sizeof(address.sun_path));
	memcpy(address.sun_path, path, strlen(path) + 1);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0) {
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &for_ever, sizeof(for_ever));
		return fd;
	}
	close(fd);
	return -1;
}

int plain_connect(const char *url)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd;

	if (strncmp(url, "ipc://", 6) == 0)
		return connect_ipc(url + 6);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	address.sin_port = htons((uint16_t)atoi(strrchr(url, ':') + 1));
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

bool plain_greet(int fd)
{
	uint8_t answer_bytes[8];

	return send(fd, "\0SP\0\0\x30\0\0", 8, MSG_NOSIGNAL) == 8 && recv(fd, answer_bytes, 8, MSG_WAITALL) == 8 &&
		memcmp(answer_bytes, "\0SP\0\0\x31\0\0", 8) == 0;
}

size_t plain_request(uint8_t out[128], const char *method, uint32_t id)
{
	const size_t method_length = strlen(method), length = 4 + LF_FRAME_FIXED_BYTES + method_length;

	memset(out, 0, 8 + length);
	out[7] = (uint8_t)length;
	out[8] = 0x80;
	out[11] = (uint8_t)id;
	memcpy(out + 12, "LF\x01", 3);
	out[12 + 8] = (uint8_t)method_length;
	memcpy(out + 12 + LF_FRAME_FIXED_BYTES, method, method_length);
	return 8 + length;
}

void sleep_ms(unsigned ms)
{
	const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	nanosleep(&time, NULL);
}

void wait_ended(struct lf_rpc_server *server, uint64_t ended)
{
	struct lf_rpc_counters counters;

	for (int i = 0; i < 6000; i++) {
		lf_rpc_server_counters(server, &counters);
		if (counters.ended >= ended)
			return;
		sleep_ms(10);
	}
	fail_msg("%llu calls ended, %llu were expected", (unsigned long long)counters.ended, (unsigned long long)ended);
}

static size_t peer_count(struct lf_rpc_nng *nng)
{
	size_t count;

	pthread_mutex_lock(&nng->peers.lock);
	count = nng->peers.count;
	pthread_mutex_unlock(&nng->peers.lock);
	return count;
}

void wait_peers(struct lf_rpc_nng *nng, size_t count)
{
	size_t is = 0;

	/* Looked at once a turn: a connection that was greeted may only now be counted. */
	for (int i = 0; i < 6000; i++) {
		is = peer_count(nng);
		if (is == count)
			return;
		sleep_ms(10);
	}
	assert_int_equal(is, count);
}

uint64_t times_reopened(struct lf_rpc_nng *nng)
{
	struct lf_rpc_nng_counters counters;

	lf_rpc_nng_counters(nng, &counters);
	return counters.reopened;
}
