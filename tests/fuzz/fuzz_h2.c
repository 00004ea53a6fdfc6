/*
 * Any bytes as an HTTP connection: the first byte says in pieces of which size the rest is fed, and how much time passes
 * between them; then HTTP/2 follows with its preface, or whatever. What must hold: all is freed, and nothing of the budget is left in use.
 */
#include <sched.h>
#include <string.h>

#include "grpc/health/v1/health.pb-c.h"
#include "service/http/internal.h"
#include "tests/fuzz/fuzz.h"

static struct lf_rpc_server *server;
static struct lf_http *http;

static void check(Grpc__Health__V1__Health_Service *service, const Grpc__Health__V1__HealthCheckRequest *input,
	Grpc__Health__V1__HealthCheckResponse_Closure closure, void *data)
{
	Grpc__Health__V1__HealthCheckResponse reply;

	(void)service;
	(void)input;
	grpc__health__v1__health_check_response__init(&reply);
	reply.status = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING;
	closure(&reply, data);
}

static void start(void)
{
	static Grpc__Health__V1__Health_Service health = {.base = GRPC__HEALTH__V1__HEALTH__BASE_INIT, .check = check};

	REQUIRE(lf_rpc_server_new(&server, &(struct lf_rpc_options){.worker_count = 1}, NULL) == LF_OK);
	REQUIRE(lf_rpc_server_add(server, &health.base, 0, NULL) == LF_OK);
	REQUIRE(lf_http_new(&http, server, NULL, NULL) == LF_OK);
	REQUIRE(lf_rpc_server_start(server, NULL) == LF_OK);
	http->loop.now_ns = UINT64_C(1000000000);
}

/* Works off what there is now. What the connection says is thrown away. */
static void turn(struct lf_http_conn *conn)
{
	const uint8_t *bytes;

	lf_http_events_work(http);
	lf_http_conn_take(conn, &bytes);
	lf_http_conns_settle(http);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const size_t piece = size == 0 ? 1 : (size_t)1 << (data[0] & 15);
	const unsigned seconds = size == 0 ? 0 : data[0] >> 4;
	struct lf_http_conn *conn;
	bool open = true;

	if (server == NULL)
		start();
	conn = lf_http_conn_new_fed(http, NULL);
	REQUIRE(conn != NULL);
	for (size_t at = 1; at < size && open; at += piece) {
		open = lf_http_conn_feed(conn, data + at, size - at < piece ? size - at : piece);
		http->loop.now_ns += seconds * UINT64_C(1000000000);
		if (seconds != 0)
			lf_http_conns_tick(http);
		turn(conn);
		REQUIRE(conn->exchange_count <= LF_HTTP_STREAMS_MAX && conn->arriving <= LF_HTTP_ARRIVING_CONN_MAX);
		open = open && conn->stage < LF_HTTP_CLOSING;
	}
	lf_http_conn_close(conn);
	conn->fed = false;
	lf_http_conn_wake(conn);
	while (http->exchange_count != 0) {
		lf_http_events_work(http);
		sched_yield();
	}
	while (http->dirty != NULL)
		lf_http_conns_settle(http);
	REQUIRE(http->conns == NULL && http->arriving == 0 && http->unsent == 0 && http->output_counted == 0);
	return 0;
}
