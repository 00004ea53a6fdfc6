/* Peers that go, or stay and read nothing, while nng reads their requests and writes their replies. */
#include "tests/rpc/help.h"

#include <sys/socket.h>
#include <unistd.h>

static void a_peer_that_reads_no_replies_does_not_stop_the_others(void **state)
{
	const struct fixture_options options = {.rpc.in_flight_max = 64};
	struct fixture server;
	uint8_t request[128];
	size_t length;
	int fd, small = 4096;

	(void)state;
	fixture_start(&server, &options, "tcp");
	fd = plain_connect(server.url);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	assert_true(plain_greet(fd));
	for (uint32_t i = 0; i < 32; i++) {
		length = plain_request(request, "leadfit.v1.Describe/Describe", i);
		assert_int_equal(send(fd, request, length, MSG_NOSIGNAL), length);
	}
	assert_serves(server.url);
	close(fd);
	assert_serves(server.url);
	fixture_end(&server);
}

/*
 * A peer that goes while nng reads its requests and writes its replies: nng must not close that connection from its
 * sending side, or it lets go of none any more (service/rpc/nng/DESIGN.md). Before that was seen to, some ten to
 * seventy did it.
 */
static void peers_that_go_amid_their_requests_are_let_go_of(void **state)
{
	static const char *const KINDS[] = {"tcp", "ipc"};
	enum { PEERS = 120, REQUESTS = 200 };
	const struct fixture_options options = {.nng.watchdog_ms = 3600 * 1000};

	(void)state;
	for (size_t kind = 0; kind < 2; kind++) {
		struct fixture server;

		fixture_start(&server, &options, KINDS[kind]);
		for (unsigned peer = 0; peer < PEERS; peer++) {
			static uint8_t requests[129 * REQUESTS];
			size_t length = 0;
			int fd = plain_connect(server.url);

			assert_true(plain_greet(fd));
			for (uint32_t i = 0; i < REQUESTS; i++) {
				if (kind == 1)
					requests[length++] = 1; /* ipc:// says what comes */
				length += plain_request(requests + length, "leadfit.v1.Describe/Describe", i);
			}
			assert_true(send(fd, requests, length, MSG_NOSIGNAL) > 0);
			usleep(peer * 37 % 2000);
			close(fd);
			wait_peers(server.nng, 0);
		}
		assert_serves(server.url);
		fixture_end(&server);
	}
}

/*
 * nng loses the reply whose sending begins on a connection that is just being closed: nni_aio_begin() refuses, and
 * nobody frees the message. At most one for a connection. The other programs, where no peer goes amid its replies, have
 * no such exception.
 */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return NNG_LEAKS "leak:^lf_frames_begin$\nleak:^lf_frames_fail$\n";
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_peer_that_reads_no_replies_does_not_stop_the_others),
		cmocka_unit_test(peers_that_go_amid_their_requests_are_let_go_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
