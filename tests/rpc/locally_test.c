/* Methods that need no token from the machine itself: local sockets and the loopback, and nobody else. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/rpc/memory.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "leadfit/v1/metrics.pb-c.h"
#include "service/rpc/figures.h"

static const char READ[] = "leadfit.v1.Metrics/Read";
/* "a" may read, "b" may not: lines with the SHA-256 of these tokens. */
static const char TOKENS[] = "reader ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb read\n"
			     "scorer 3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d score\n";

static void metrics_read(Leadfit__V1__Metrics_Service *service, const Leadfit__V1__ReadMetricsRequest *request,
	Leadfit__V1__ReadMetricsResponse_Closure closure, void *closure_data)
{
	const Leadfit__V1__ReadMetricsResponse response = LEADFIT__V1__READ_METRICS_RESPONSE__INIT;

	(void)service;
	(void)request;
	closure(&response, closure_data);
}

static struct lf_tokens *load_tokens(void)
{
	char path[] = "/tmp/lf-locally-XXXXXX";
	struct lf_tokens *tokens;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, TOKENS, strlen(TOKENS)), strlen(TOKENS));
	assert_int_equal(fchmod(fd, 0600), 0);
	close(fd);
	assert_int_equal(lf_tokens_load(&tokens, path, NULL), LF_OK);
	unlink(path);
	return tokens;
}

/* address: of IPv4 or IPv6; NULL: a local socket. */
static struct lf_rpc_peer *peer_from(struct lf_rpc_server *server, const char *address)
{
	struct sockaddr_in four = {.sin_family = AF_INET};
	struct sockaddr_in6 six = {.sin6_family = AF_INET6};
	const struct sockaddr *remote = NULL;
	struct lf_rpc_peer *peer;

	if (address != NULL && inet_pton(AF_INET, address, &four.sin_addr) == 1) {
		remote = (const struct sockaddr *)&four;
	} else if (address != NULL) {
		assert_int_equal(inet_pton(AF_INET6, address, &six.sin6_addr), 1);
		remote = (const struct sockaddr *)&six;
	}
	peer = lf_rpc_peer_new(server, remote);
	assert_non_null(peer);
	return peer;
}

/* The code of a call from there, with this header ("" = none). */
static enum lf_code call_from(struct lf_rpc_server *server, struct lf_rpc_peer *peer, const char *authorization)
{
	const struct lf_metadata header = {{"authorization", 13}, {authorization, strlen(authorization)}};
	struct memory_reply reply;
	enum lf_code code;

	memory_call(&reply, server,
		&(struct memory_request){
			.method = READ,
			.message = "",
			.peer = peer,
			.metadata = &header,
			.metadata_count = *authorization != '\0',
		});
	code = reply.code;
	memory_reply_clean_up(&reply);
	return code;
}

struct from {
	const char *address;
	bool is_local;
};

static void local_sockets_and_the_loopback_need_no_token(void **state)
{
	static const struct from peers[] = {{NULL, true}, {"127.0.0.1", true}, {"127.1.2.3", true}, {"::1", true},
		{"::ffff:127.0.0.1", true}, {"10.0.0.1", false}, {"192.0.2.127", false}, {"128.0.0.1", false},
		{"::2", false}, {"2001:db8::1", false}, {"::ffff:10.0.0.1", false}};
	Leadfit__V1__Metrics_Service service = LEADFIT__V1__METRICS__INIT(metrics_);
	struct lf_tokens *tokens = load_tokens();
	struct lf_rpc_server *server;
	struct lf_rpc_figures figures;
	size_t others = 0;

	(void)state;
	assert_int_equal(lf_rpc_server_new(&server, &(struct lf_rpc_options){.tokens = tokens}, NULL), LF_OK);
	assert_int_equal(lf_rpc_server_add(server, &service.base, LF_ROLE_READ, NULL), LF_OK);
	lf_rpc_server_set_open_locally(server, READ);
	assert_int_equal(lf_rpc_server_start(server, NULL), LF_OK);
	for (size_t i = 0; i < sizeof(peers) / sizeof(*peers); i++) {
		struct lf_rpc_peer *peer = peer_from(server, peers[i].address);

		assert_int_equal(call_from(server, peer, ""), peers[i].is_local ? LF_OK : LF_UNAUTHENTICATED);
		assert_int_equal(call_from(server, peer, "Bearer a"), LF_OK);
		assert_int_equal(call_from(server, peer, "Bearer b"), LF_PERMISSION_DENIED);
		assert_int_equal(call_from(server, peer, "Bearer x"), LF_UNAUTHENTICATED);
		lf_rpc_peer_release(peer);
		others += !peers[i].is_local;
	}
	assert_int_equal(call_from(server, NULL, ""), LF_UNAUTHENTICATED); /* from who knows where */
	lf_rpc_server_figures(server, &figures);
	assert_int_equal(figures.auth_failures[LF_RPC_FAILED_NO_TOKEN], others + 1);
	assert_int_equal(figures.auth_failures[LF_RPC_FAILED_LACKS_ROLE], sizeof(peers) / sizeof(*peers));
	assert_int_equal(figures.auth_failures[LF_RPC_FAILED_WRONG_TOKEN], sizeof(peers) / sizeof(*peers));
	assert_int_equal(lf_rpc_server_stop(server, 60000), 0);
	lf_rpc_server_destroy(server);
	lf_tokens_release(tokens);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(local_sockets_and_the_loopback_need_no_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
