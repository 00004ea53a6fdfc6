/*
 * nng lets go of all connections of a process in one thread, and that thread can be held up for ever (service/rpc/nng/DESIGN.md).
 * Here it is held up on purpose, by a pipe callback of another socket, which it runs.
 */
#include "tests/rpc/help.h"

#include <nng/protocol/reqrep0/rep.h>
#include <nng/protocol/reqrep0/req.h>
#include <stdatomic.h>
#include <unistd.h>

struct holdup {
	nng_socket server, client;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool holds, ends;
};

static void hold(nng_pipe pipe, nng_pipe_ev event, void *argument)
{
	struct holdup *holdup = argument;

	(void)pipe;
	if (event != NNG_PIPE_EV_REM_POST)
		return;
	pthread_mutex_lock(&holdup->lock);
	holdup->holds = true;
	pthread_cond_broadcast(&holdup->changed);
	while (!holdup->ends)
		pthread_cond_wait(&holdup->changed, &holdup->lock);
	pthread_mutex_unlock(&holdup->lock);
}

/* Returns when nng's thread is held up. */
static void holdup_start(struct holdup *holdup)
{
	nng_dialer dialer;

	*holdup = (struct holdup){.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
	assert_int_equal(nng_rep0_open(&holdup->server), 0);
	assert_int_equal(nng_pipe_notify(holdup->server, NNG_PIPE_EV_ADD_PRE, hold, holdup), 0);
	assert_int_equal(nng_pipe_notify(holdup->server, NNG_PIPE_EV_REM_POST, hold, holdup), 0);
	assert_int_equal(nng_listen(holdup->server, "inproc://holdup", NULL, 0), 0);
	assert_int_equal(nng_req0_open(&holdup->client), 0);
	assert_int_equal(nng_dial(holdup->client, "inproc://holdup", &dialer, 0), 0);
	assert_int_equal(nng_dialer_close(dialer), 0);
	pthread_mutex_lock(&holdup->lock);
	while (!holdup->holds)
		pthread_cond_wait(&holdup->changed, &holdup->lock);
	pthread_mutex_unlock(&holdup->lock);
}

static void holdup_end(struct holdup *holdup)
{
	pthread_mutex_lock(&holdup->lock);
	holdup->ends = true;
	pthread_cond_broadcast(&holdup->changed);
	pthread_mutex_unlock(&holdup->lock);
	nng_close(holdup->client);
	nng_close(holdup->server);
}

static void stopping_ends_though_nng_lets_go_of_nothing(void **state)
{
	static const char *const KINDS[] = {"tcp", "ipc"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct fixture server;
		struct holdup holdup;
		int fd;

		fixture_start(&server, NULL, KINDS[i]);
		fd = plain_connect(server.url);
		assert_true(plain_greet(fd));
		holdup_start(&holdup);
		fixture_end(&server); /* or this test would not end */
		close(fd);
		holdup_end(&holdup);
	}
}

static void count(void *context)
{
	atomic_fetch_add((atomic_uint *)context, 1);
}

static void that_nng_lets_go_of_nothing_is_told_once(void **state)
{
	atomic_uint told = 0;
	const struct fixture_options options = {
		.nng.watchdog_ms = 5, .nng.stuck_ms = 100, .nng.on_stuck = count, .nng.on_stuck_context = &told};
	struct fixture server;
	struct holdup holdup;

	(void)state;
	fixture_start(&server, &options, "ipc");
	holdup_start(&holdup);
	for (int i = 0; i < 3000 && atomic_load(&told) == 0; i++)
		sleep_ms(10);
	sleep_ms(200);
	assert_int_equal(atomic_load(&told), 1);
	fixture_end(&server);
	holdup_end(&holdup);
}

static void a_server_whose_connections_come_and_go_is_not_stuck(void **state)
{
	atomic_uint told = 0;
	const struct fixture_options options = {
		.nng.watchdog_ms = 5, .nng.stuck_ms = 20 * 1000, .nng.on_stuck = count, .nng.on_stuck_context = &told};
	struct fixture server;

	(void)state;
	fixture_start(&server, &options, "ipc");
	for (int i = 0; i < 10; i++) {
		assert_serves(server.url);
		sleep_ms(20);
	}
	assert_int_equal(atomic_load(&told), 0);
	fixture_end(&server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stopping_ends_though_nng_lets_go_of_nothing),
		cmocka_unit_test(that_nng_lets_go_of_nothing_is_told_once),
		cmocka_unit_test(a_server_whose_connections_come_and_go_is_not_stuck),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
