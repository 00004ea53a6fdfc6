/*
 * Memory that runs out: each allocation of the server's own code failed in turn, one alone and all from there on. The
 * linker sends malloc and its kin, and nng's makers of messages, through the functions below (see CMakeLists.txt); only
 * calls from code that is linked statically come here, so nng's and the C library's own are not failed.
 */
#include "tests/rpc/bundled.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/rpc/figures.h"
#include "service/rpc/tokens.h"

static atomic_bool armed, all_after; /* the one, or it and all that follow */
static atomic_long countdown;
static atomic_long failures;
static _Thread_local bool exempt; /* the test's own thread */

static bool fails(void)
{
	long left;

	if (!atomic_load(&armed) || exempt)
		return false;
	left = atomic_fetch_sub(&countdown, 1);
	if (left > 0 || (left < 0 && !atomic_load(&all_after)))
		return false;
	atomic_fetch_add(&failures, 1);
	return true;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *pointer, size_t size);
int __real_nng_msg_alloc(nng_msg **message, size_t size);
int __real_nng_msg_append(nng_msg *message, const void *data, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *pointer, size_t size);
int __wrap_nng_msg_alloc(nng_msg **message, size_t size);
int __wrap_nng_msg_append(nng_msg *message, const void *data, size_t size);
int __real_nng_msg_reserve(nng_msg *message, size_t size);
int __wrap_nng_msg_reserve(nng_msg *message, size_t size);

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *pointer, size_t size)
{
	return fails() ? NULL : __real_realloc(pointer, size);
}

int __wrap_nng_msg_alloc(nng_msg **message, size_t size)
{
	return fails() ? NNG_ENOMEM : __real_nng_msg_alloc(message, size);
}

int __wrap_nng_msg_append(nng_msg *message, const void *data, size_t size)
{
	return fails() ? NNG_ENOMEM : __real_nng_msg_append(message, data, size);
}

int __wrap_nng_msg_reserve(nng_msg *message, size_t size)
{
	return fails() ? NNG_ENOMEM : __real_nng_msg_reserve(message, size);
}

static void arm(long after, bool and_all_after)
{
	atomic_store(&countdown, after);
	atomic_store(&all_after, and_all_after);
	atomic_store(&failures, 0);
	atomic_store(&armed, true);
}

/* How many allocations failed. */
static long disarm(void)
{
	atomic_store(&armed, false);
	return atomic_load(&failures);
}

/*
 * One call with a fault in it. A single fault always leaves enough to answer with; if all fail, the caller may hear
 * nothing.
 */
static void call_with_fault(
	struct fixture *server, const struct call_options *options, enum lf_code without_fault, bool all)
{
	nng_socket client = client_open(server->url);
	nng_msg *message = NULL;
	struct reply reply;
	int rc;

	if (all)
		nng_socket_set_ms(client, NNG_OPT_RECVTIMEO, 100);
	assert_int_equal(nng_sendmsg(client, request_new(options), 0), 0);
	rc = nng_recvmsg(client, &message, 0);
	disarm();
	if (!all)
		assert_int_equal(rc, 0);
	reply_read(&reply, rc, message);
	if (rc == 0 && reply.frame.status != without_fault)
		assert_string_equal(lf_code_name(reply.frame.status), "RESOURCE_EXHAUSTED");
	reply_clean_up(&reply);
	nng_close(client);
}

/* Reads all that an observer is told: what the request has must be there still, also where memory for an error is not. */
static void read_outcome(void *context, const struct lf_rpc_outcome *outcome)
{
	atomic_uint *sum = context;
	unsigned read = (unsigned)(strlen(outcome->service) + strlen(outcome->method) + strlen(outcome->caller) +
				strlen(outcome->peer) + strlen(outcome->protocol)) +
		outcome->trace->trace_id[0];

	for (size_t i = 0; i < outcome->request_id.length; i++)
		read += (unsigned char)outcome->request_id.data[i];
	atomic_fetch_add(sum, read);
}

static atomic_uint outcomes_read;
static const struct lf_rpc_observer observer = {read_outcome, &outcomes_read};

static void sweep(const struct call_options *options, enum lf_code without_fault, bool all)
{
	const struct fixture_options small = {.rpc.in_flight_max = 4,
		.rpc.worker_count = 1,
		.rpc.observer = &observer,
		.nng.watchdog_ms = 3600 * 1000};
	long failed = 1;

	for (long n = 0; failed != 0; n++) {
		struct fixture server;

		assert_true(n < 1000);
		fixture_start(&server, &small, "ipc");
		server.stubs.large_bytes = 100 * 1000;
		arm(n, all);
		call_with_fault(&server, options, without_fault, all);
		failed = atomic_load(&failures);
		assert_serves(server.url);
		fixture_end(&server);
	}
}

static const struct call_options CALLS[] = {
	{.rubric = "now", .key = "k", .request_id = "r", .padding = 3000},
	{.rubric = "later"},
	{.rubric = "stage"},
	{.rubric = "large"},
	{.rubric = "fail", .request_id = "r"},
	{.rubric = "nothing"},
	{.method = "leadfit.v1.Scoring/Scor"},
	{.message = (const uint8_t *)"\xff", .message_length = 1},
};
static const enum lf_code CODES[] = {
	LF_OK, LF_OK, LF_OK, LF_OK, LF_INVALID_ARGUMENT, LF_INTERNAL, LF_UNIMPLEMENTED, LF_INVALID_ARGUMENT};

static void a_call_with_one_failed_allocation_is_answered(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(CALLS) / sizeof(CALLS[0]); i++)
		sweep(&CALLS[i], CODES[i], false);
}

static void a_call_without_any_memory_harms_no_later_one(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(CALLS) / sizeof(CALLS[0]); i++)
		sweep(&CALLS[i], CODES[i], true);
}

/* One of a bundle's calls is told so, or, where the bundle can't be taken or its replies not be put together, all are. */
static void bundle_with_fault(struct fixture *server, const nng_msg *request, bool all)
{
	nng_socket client = client_open(server->url);
	nng_msg *message = NULL, *copy;
	struct bundled bundled;
	int rc;

	if (all)
		nng_socket_set_ms(client, NNG_OPT_RECVTIMEO, 100);
	assert_int_equal(__real_nng_msg_alloc(&copy, 0), 0);
	assert_int_equal(
		__real_nng_msg_append(copy, nng_msg_body((nng_msg *)(uintptr_t)request), nng_msg_len(request)), 0);
	assert_int_equal(nng_sendmsg(client, copy, 0), 0);
	rc = nng_recvmsg(client, &message, 0);
	disarm();
	nng_close(client);
	if (!all)
		assert_int_equal(rc, 0);
	if (rc != 0)
		return;
	bundle_read(&bundled, message);
	for (size_t i = 0; i < (bundled.together ? 4 : 1); i++) {
		const struct reply *reply = &bundled.replies[i];

		assert_int_equal(reply->rc, 0);
		if (reply->frame.status == LF_OK || (bundled.together && i == 3 && reply->frame.status == CODES[4]))
			continue;
		if (reply->frame.status != LF_UNAVAILABLE || bundled.together)
			assert_string_equal(lf_code_name(reply->frame.status), "RESOURCE_EXHAUSTED");
	}
	/* The replies could not be put together: so none was sent. */
	if (!all && !bundled.together && bundled.replies[0].frame.status == LF_UNAVAILABLE) {
		struct lf_rpc_counters counters;

		wait_ended(server->server, 4);
		lf_rpc_server_counters(server->server, &counters);
		assert_int_equal(counters.failed, 4);
	}
	bundle_clean_up(&bundled);
}

static void a_bundle_with_failed_allocations_harms_nobody_else(void **state)
{
	static const struct call_options BUNDLE[] = {
		{.rubric = "now", .key = "k", .request_id = "r", .padding = 3000},
		{.rubric = "later"},
		{.rubric = "stage"},
		{.rubric = "fail", .request_id = "r"},
	};
	const struct fixture_options small = {
		.rpc.in_flight_max = 16, .rpc.worker_count = 1, .nng.watchdog_ms = 3600 * 1000};

	(void)state;
	for (int all = 0; all < 2; all++) {
		long failed = 1;

		for (long n = 0; failed != 0; n++) {
			struct fixture server;
			nng_msg *request = bundle_new(BUNDLE, 4);

			assert_true(n < 1000);
			fixture_start(&server, &small, "ipc");
			arm(n, all != 0);
			bundle_with_fault(&server, request, all != 0);
			failed = atomic_load(&failures);
			nng_msg_free(request);
			assert_serves(server.url);
			fixture_end(&server);
		}
	}
}

static void a_server_that_can_not_be_made_leaves_nothing_behind(void **state)
{
	const struct fixture_options options = {.rpc.in_flight_max = 4, .rpc.worker_count = 1};
	enum lf_code code = LF_RESOURCE_EXHAUSTED;

	(void)state;
	for (long n = 0; code != LF_OK; n++) {
		struct lf_error error = LF_ERROR_INIT;
		struct lf_rpc_server *server;
		struct lf_rpc_nng *nng;

		assert_true(n < 100);
		exempt = false;
		arm(n, false);
		code = server_new(&server, &nng, &options, &error);
		if (code == LF_OK)
			code = lf_rpc_nng_listen(nng, "tcp://127.0.0.1:0", NULL, 0, &error);
		if (code == LF_OK)
			code = lf_rpc_nng_start(nng, &error);
		disarm();
		exempt = true;
		if (code != LF_OK)
			assert_string_equal(lf_code_name(code), "RESOURCE_EXHAUSTED");
		lf_rpc_server_destroy(server);
	}
}

static void a_tokens_file_for_which_memory_is_missing_is_an_error(void **state)
{
	static const char TEXT[] = "r ba5005a40cf5212e4ac0190104cc127edab013294bb71279a975b27a80982d45 read\n";
	enum lf_code code = LF_RESOURCE_EXHAUSTED;
	char path[] = "/tmp/lf-tokens-XXXXXX";
	FILE *file = fdopen(mkstemp(path), "w");

	(void)state;
	fputs(TEXT, file);
	fclose(file);
	for (long n = 0; code != LF_OK; n++) {
		struct lf_tokens *tokens;

		assert_true(n < 100);
		exempt = false;
		arm(n, false);
		code = lf_tokens_load(&tokens, path, NULL);
		disarm();
		exempt = true;
		if (code != LF_OK)
			assert_string_equal(lf_code_name(code), "RESOURCE_EXHAUSTED");
		lf_tokens_release(tokens);
	}
	remove(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_with_one_failed_allocation_is_answered),
		cmocka_unit_test(a_bundle_with_failed_allocations_harms_nobody_else),
		cmocka_unit_test(a_call_without_any_memory_harms_no_later_one),
		cmocka_unit_test(a_server_that_can_not_be_made_leaves_nothing_behind),
		cmocka_unit_test(a_tokens_file_for_which_memory_is_missing_is_an_error),
	};

	exempt = true;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
