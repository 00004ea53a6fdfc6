#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <nghttp2/nghttp2.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "grpc/health/v1/health.pb-c.h"
#include "leadfit/v1/scoring.pb-c.h"
#include "tests/client/fake.h"

/*
 * Every allocation and every object of nng or the system that the client library asks for is refused in turn: the
 * caller gets a status, nothing leaks, nothing hangs. The linker's --wrap leads the library's calls here.
 */

static atomic_long countdown; /* 0 = off; 1 = the next one fails */
static atomic_bool failed;
static _Thread_local bool exempt; /* the fake server's thread */

static bool refuse(void)
{
	if (exempt || atomic_load(&countdown) <= 0 || atomic_fetch_sub(&countdown, 1) != 1)
		return false;
	failed = true;
	return true;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
	return refuse() ? NULL : __real_malloc(size);
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
	return refuse() ? NULL : __real_calloc(count, size);
}

void *__real_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size)
{
	return refuse() ? NULL : __real_realloc(memory, size);
}

char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
char *__wrap_strdup(const char *text)
{
	return refuse() ? NULL : __real_strdup(text);
}

int __real_nng_msg_alloc(nng_msg **message, size_t size);
int __wrap_nng_msg_alloc(nng_msg **message, size_t size);
int __wrap_nng_msg_alloc(nng_msg **message, size_t size)
{
	return refuse() ? NNG_ENOMEM : __real_nng_msg_alloc(message, size);
}

int __real_nng_msg_append(nng_msg *message, const void *data, size_t size);
int __wrap_nng_msg_append(nng_msg *message, const void *data, size_t size);
int __wrap_nng_msg_append(nng_msg *message, const void *data, size_t size)
{
	return refuse() ? NNG_ENOMEM : __real_nng_msg_append(message, data, size);
}

int __real_nng_msg_reserve(nng_msg *message, size_t size);
int __wrap_nng_msg_reserve(nng_msg *message, size_t size);
int __wrap_nng_msg_reserve(nng_msg *message, size_t size)
{
	return refuse() ? NNG_ENOMEM : __real_nng_msg_reserve(message, size);
}

int __real_nng_msg_dup(nng_msg **copy, const nng_msg *message);
int __wrap_nng_msg_dup(nng_msg **copy, const nng_msg *message);
int __wrap_nng_msg_dup(nng_msg **copy, const nng_msg *message)
{
	return refuse() ? NNG_ENOMEM : __real_nng_msg_dup(copy, message);
}

int __real_nng_aio_alloc(nng_aio **aio, void (*callback)(void *), void *arg);
int __wrap_nng_aio_alloc(nng_aio **aio, void (*callback)(void *), void *arg);
int __wrap_nng_aio_alloc(nng_aio **aio, void (*callback)(void *), void *arg)
{
	return refuse() ? NNG_ENOMEM : __real_nng_aio_alloc(aio, callback, arg);
}

int __real_nng_ctx_open(nng_ctx *context, nng_socket socket);
int __wrap_nng_ctx_open(nng_ctx *context, nng_socket socket);
int __wrap_nng_ctx_open(nng_ctx *context, nng_socket socket)
{
	return refuse() ? NNG_ENOMEM : __real_nng_ctx_open(context, socket);
}

int __real_nng_req0_open(nng_socket *socket);
int __wrap_nng_req0_open(nng_socket *socket);
int __wrap_nng_req0_open(nng_socket *socket)
{
	return refuse() ? NNG_ENOMEM : __real_nng_req0_open(socket);
}

int __real_nng_dialer_create(nng_dialer *dialer, nng_socket socket, const char *url);
int __wrap_nng_dialer_create(nng_dialer *dialer, nng_socket socket, const char *url);
int __wrap_nng_dialer_create(nng_dialer *dialer, nng_socket socket, const char *url)
{
	return refuse() ? NNG_ENOMEM : __real_nng_dialer_create(dialer, socket, url);
}

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *arg)
{
	return refuse() ? EAGAIN : __real_pthread_create(thread, attributes, run, arg);
}

int __real_nghttp2_session_client_new(
	nghttp2_session **session, const nghttp2_session_callbacks *callbacks, void *context);
int __wrap_nghttp2_session_client_new(
	nghttp2_session **session, const nghttp2_session_callbacks *callbacks, void *context);
int __wrap_nghttp2_session_client_new(
	nghttp2_session **session, const nghttp2_session_callbacks *callbacks, void *context)
{
	return refuse() ? NGHTTP2_ERR_NOMEM : __real_nghttp2_session_client_new(session, callbacks, context);
}

int32_t __real_nghttp2_submit_request(nghttp2_session *session, const nghttp2_priority_spec *priority,
	const nghttp2_nv *headers, size_t count, const nghttp2_data_provider *body, void *stream);
int32_t __wrap_nghttp2_submit_request(nghttp2_session *session, const nghttp2_priority_spec *priority,
	const nghttp2_nv *headers, size_t count, const nghttp2_data_provider *body, void *stream);
int32_t __wrap_nghttp2_submit_request(nghttp2_session *session, const nghttp2_priority_spec *priority,
	const nghttp2_nv *headers, size_t count, const nghttp2_data_provider *body, void *stream)
{
	return refuse() ? NGHTTP2_ERR_NOMEM
			: __real_nghttp2_submit_request(session, priority, headers, count, body, stream);
}

ssize_t __real_nghttp2_session_mem_recv(nghttp2_session *session, const uint8_t *data, size_t length);
ssize_t __wrap_nghttp2_session_mem_recv(nghttp2_session *session, const uint8_t *data, size_t length);
ssize_t __wrap_nghttp2_session_mem_recv(nghttp2_session *session, const uint8_t *data, size_t length)
{
	return refuse() ? NGHTTP2_ERR_NOMEM : __real_nghttp2_session_mem_recv(session, data, length);
}

ssize_t __real_nghttp2_session_mem_send(nghttp2_session *session, const uint8_t **data);
ssize_t __wrap_nghttp2_session_mem_send(nghttp2_session *session, const uint8_t **data);
ssize_t __wrap_nghttp2_session_mem_send(nghttp2_session *session, const uint8_t **data)
{
	return refuse() ? NGHTTP2_ERR_NOMEM : __real_nghttp2_session_mem_send(session, data);
}

int __real_eventfd(unsigned count, int flags);
int __wrap_eventfd(unsigned count, int flags);
int __wrap_eventfd(unsigned count, int flags)
{
	return refuse() ? -1 : __real_eventfd(count, flags);
}

/* A dial that its dialer's end does not end, until it is let go. */
static atomic_bool dial_hangs;
static atomic_uint dials_hanging;

int __real_nng_dialer_start(nng_dialer dialer, int flags);
int __wrap_nng_dialer_start(nng_dialer dialer, int flags);
int __wrap_nng_dialer_start(nng_dialer dialer, int flags)
{
	if (!dial_hangs)
		return refuse() ? NNG_ENOMEM : __real_nng_dialer_start(dialer, flags);
	atomic_fetch_add(&dials_hanging, 1);
	while (dial_hangs)
		usleep(1000);
	atomic_fetch_sub(&dials_hanging, 1);
	return NNG_ECLOSED;
}

/* A socket that nng never finishes to close, until it is let go. Not those of the fake. */
static atomic_bool close_hangs;
static atomic_uint closes_hanging;

int __real_nng_close(nng_socket socket);
int __wrap_nng_close(nng_socket socket);
int __wrap_nng_close(nng_socket socket)
{
	atomic_fetch_add(&closes_hanging, 1);
	while (close_hangs)
		usleep(1000);
	atomic_fetch_sub(&closes_hanging, 1);
	return __real_nng_close(socket);
}

int __real_nng_stats_get(nng_stat **stats);
int __wrap_nng_stats_get(nng_stat **stats);
int __wrap_nng_stats_get(nng_stat **stats)
{
	return refuse() ? NNG_ENOMEM : __real_nng_stats_get(stats);
}

/* ---- the sweep ---- */

/* The first request is answered UNAVAILABLE, so that a retry is part of it. */
static void answer(struct fake *fake, struct fake_request *request)
{
	exempt = true;
	if (fake->requests % 2 == 0)
		fake_reply_error(fake, request, LF_UNAVAILABLE, "once more");
	else
		fake_serving(fake, request);
}

static void on_health(const Grpc__Health__V1__HealthCheckResponse *reply, void *closure_data)
{
	(void)reply;
	atomic_fetch_add((atomic_uint *)closure_data, 1);
}

static void expect_good(enum lf_code code, const struct lf_error *error)
{
	bool good = code == LF_OK || code == LF_RESOURCE_EXHAUSTED || code == LF_UNAVAILABLE;

	if (!good || error->code != code)
		fail_msg("%s: %s", lf_code_name(code), error->message);
}

static void use(const char *url, const struct lf_call_options *options)
{
	Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
	struct lf_client_options client_options = {
		.url = url, .token = "t", .in_flight_max = 2, .connect_timeout_ms = 2000};
	struct lf_error error = LF_ERROR_INIT;
	atomic_uint closures = 0;
	struct lf_client *client;
	struct lf_call *call;

	expect_good(lf_client_new(&client, &client_options, &error), &error);
	lf_error_clean_up(&error);
	if (client == NULL)
		return;
	expect_good(check_health(client, options, &error), &error);
	lf_error_clean_up(&error);
	call = lf_call_new(client, &grpc__health__v1__health__descriptor, options);
	if (call != NULL) {
		grpc__health__v1__health__check(lf_call_service(call), &request, on_health, &closures);
		expect_good(lf_call_wait(call, &error), &error);
		assert_int_equal(closures, 1);
		lf_error_clean_up(&error);
		lf_call_destroy(call);
	}
	lf_client_destroy(client);
}

static void each_refusal_gives_a_status(void **state)
{
	struct lf_call_options options = {
		.timeout_ms = PATIENT.timeout_ms, .idempotent = true, .traceparent = "p", .request_id = "r"};
	struct fake fake;
	long n = 0;

	fake_start(&fake, *state, answer);
	use(fake.url, &options); /* what nng allocates once for all */
	do {
		failed = false;
		countdown = ++n;
		use(fake.url, &options);
		countdown = 0;
	} while (failed);
	print_message("%ld refusals\n", n - 1);
	assert_true(n > 20);
	fake_stop(&fake);
}

static void a_call_can_be_made_after_each_refusal(void **state)
{
	struct lf_call_options options = {.timeout_ms = PATIENT.timeout_ms, .idempotent = true};
	struct lf_client *client;
	struct fake fake;
	long n = 0;

	fake_start(&fake, *state, answer);
	client = connect_to(fake.url);
	do {
		failed = false;
		countdown = ++n;
		(void)check_health(client, &options, NULL);
		countdown = 0;
		assert_int_equal(check_health(client, &options, NULL), LF_OK);
	} while (failed);
	assert_true(n > 2);
	lf_client_destroy(client);
	fake_stop(&fake);
}

static void echo_exempt(struct fake *fake, struct fake_request *request)
{
	exempt = true;
	fake_echo(fake, request);
}

static void on_bytes(const uint8_t *reply, size_t length, void *closure_data)
{
	(void)reply;
	(void)length;
	atomic_fetch_add((atomic_uint *)closure_data, 1);
}

/* Calls that go together: each ends, whichever of them memory is missing for, and those after them succeed. */
static void each_call_that_shares_a_message_ends(void **state)
{
	enum { CALLS = 8 };
	struct lf_call *calls[CALLS];
	struct lf_client *client;
	struct fake fake;
	atomic_uint closures;
	long n = 0;

	(void)state;
	fake_start(&fake, "tcp://127.0.0.1:0", echo_exempt);
	client = connect_to(fake.url);
	do {
		for (size_t i = 0; i < CALLS; i++)
			calls[i] = lf_call_new(client, &leadfit__v1__scoring__descriptor, &PATIENT);
		for (int round = 0; round < 2; round++) {
			failed = round == 0 ? false : failed;
			countdown = round == 0 ? ++n : 0;
			closures = 0;
			for (size_t i = 0; i < CALLS; i++)
				lf_call_start_bytes(calls[i], 0, (const uint8_t *)"text", 4, on_bytes, &closures);
			for (size_t i = 0; i < CALLS; i++) {
				struct lf_error error = LF_ERROR_INIT;
				const enum lf_code code = lf_call_wait(calls[i], &error);

				if (round == 0)
					expect_good(code, &error);
				else
					assert_int_equal(code, LF_OK);
				lf_error_clean_up(&error);
			}
			assert_int_equal(closures, CALLS);
		}
		for (size_t i = 0; i < CALLS; i++)
			lf_call_destroy(calls[i]);
	} while (failed);
	assert_true(n > CALLS);
	lf_client_destroy(client);
	fake_stop(&fake);
}

/* ---- a dial that nng never ends ---- */

static void await_dials(unsigned count)
{
	while (dials_hanging != count)
		usleep(1000);
}

static void dial_that_never_returns_holds_nobody(void **state)
{
	struct lf_client_options options = {.connect_timeout_ms = 50};
	struct lf_error error = LF_ERROR_INIT;
	struct lf_client *client;
	struct fake fake;
	char url[160];

	(void)state;
	fake_start(&fake, "tcp://127.0.0.1:0", fake_serving);
	options.url = fake.url;
	/* The first dial. */
	dial_hangs = true;
	assert_int_equal(lf_client_new(&client, &options, &error), LF_UNAVAILABLE);
	assert_null(client);
	lf_error_clean_up(&error);
	dial_hangs = false;
	await_dials(0);

	options.connect_timeout_ms = 1000;
	/* A later one: calls end, and the next connector reaches the server that is back. */
	assert_int_equal(lf_client_new(&client, &options, NULL), LF_OK);
	assert_int_equal(check_health(client, NULL, NULL), LF_OK);
	dial_hangs = true;
	memcpy(url, fake.url, sizeof(url));
	fake_stop(&fake);
	await_dials(1);
	assert_int_equal(check_health(client, NULL, &error), LF_UNAVAILABLE);
	assert_non_null(strstr(error.message, "can't reach"));
	lf_error_clean_up(&error);
	fake_start(&fake, url, fake_serving);
	await_dials(2);
	dial_hangs = false;
	while (check_health(client, NULL, NULL) != LF_OK)
		;
	await_dials(0);

	/* And one that is under way when the client is destroyed. */
	dial_hangs = true;
	fake_stop(&fake);
	await_dials(1);
	lf_client_destroy(client);
	dial_hangs = false;
	await_dials(0);
}

static void socket_that_never_closes_holds_nobody(void **state)
{
	struct lf_client *client;
	struct lf_call *call;
	struct fake fake;

	(void)state;
	fake_start(&fake, "tcp://127.0.0.1:0", fake_serving);
	client = connect_to(fake.url);
	call = lf_call_new(client, &grpc__health__v1__health__descriptor, &PATIENT);
	assert_non_null(call);
	close_hangs = true;
	lf_client_destroy(client);
	assert_int_equal(closes_hanging, 1);
	lf_call_destroy(call); /* may outlive its client even so */
	close_hangs = false;
	while (closes_hanging != 0)
		usleep(1000);
	fake_stop(&fake);
}

/* Requests that are never answered, and nobody who tells what nng has received. */
static void unanswered_requests_do_not_hold_destroy(void **state)
{
	struct lf_call_options options = {.timeout_ms = 50};
	struct lf_client *client;
	struct fake fake;

	(void)state;
	fake_start(&fake, "tcp://127.0.0.1:0", fake_silent);
	client = connect_to(fake.url);
	assert_int_equal(check_health(client, &options, NULL), LF_DEADLINE_EXCEEDED);
	lf_client_destroy(client);
	client = connect_to(fake.url);
	assert_int_equal(check_health(client, &options, NULL), LF_DEADLINE_EXCEEDED);
	countdown = 1;
	lf_client_destroy(client);
	countdown = 0;
	fake_stop(&fake);
}

int main(void)
{
	static char nng[] = "tcp://127.0.0.1:0", http[] = "http://localhost:0";
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(each_refusal_gives_a_status, nng),
		cmocka_unit_test_prestate(each_refusal_gives_a_status, http),
		cmocka_unit_test_prestate(a_call_can_be_made_after_each_refusal, nng),
		cmocka_unit_test_prestate(a_call_can_be_made_after_each_refusal, http),
		cmocka_unit_test(each_call_that_shares_a_message_ends),
		cmocka_unit_test(dial_that_never_returns_holds_nobody),
		cmocka_unit_test(socket_that_never_closes_holds_nobody),
		cmocka_unit_test(unanswered_requests_do_not_hold_destroy),
	};

	alarm(290); /* a hang is a failure */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
