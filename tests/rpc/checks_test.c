/* The invariants of service/rpc/DESIGN.md: who breaks one is stopped there and then, by name, in every build. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "service/rpc/internal.h"
#include "service/rpc/nng/internal.h"

/* ---- a transport whose calls stay ---- */

struct own {
	uint8_t bytes[1024];
	size_t begun;
	bool ends; /* the turn is over as soon as the call has come back */
};

static uint8_t *begin(struct lf_rpc_call *call, size_t length)
{
	struct own *own = lf_rpc_call_own(call);

	own->begun = length;
	return length <= sizeof(own->bytes) ? own->bytes : NULL;
}

static bool fail_with(
	struct lf_rpc_call *call, enum lf_code code, const char *message, const uint8_t *details, size_t length)
{
	(void)code;
	(void)message;
	(void)details;
	return begin(call, length) != NULL;
}

static void nothing(struct lf_rpc_call *call)
{
	(void)call;
}

static bool never(const struct lf_rpc_call *call)
{
	(void)call;
	return false;
}

static void finish(struct lf_rpc_call *call)
{
	if (((struct own *)lf_rpc_call_own(call))->ends)
		lf_rpc_turn_over(call, LF_RPC_SENT);
}

static const struct lf_rpc_transport transport = {.name = "test",
	.begin = begin,
	.fail = fail_with,
	.drop = nothing,
	.is_gone = never,
	.release = nothing,
	.finish = finish};

/* A call that has arrived and waits in the queue: no worker runs. */
static struct lf_rpc_call *arrived(bool ends)
{
	struct lf_rpc_server *server;
	struct lf_rpc_call *call;

	lf_rpc_server_new(&server, &(struct lf_rpc_options){0}, NULL);
	call = lf_rpc_call_new(server, &transport, sizeof(struct own));
	((struct own *)lf_rpc_call_own(call))->ends = ends;
	lf_rpc_arrived(call, &(struct lf_rpc_request){.method = {"x/Y", 3}, .bytes = 1});
	return call;
}

/* One that is being worked on, by us. */
static struct lf_rpc_call *working(bool ends)
{
	struct lf_rpc_call *call = arrived(ends);

	lf_rpc_call_change(call, LF_RPC_CALL_QUEUED, LF_RPC_CALL_WORKING);
	call->server->flow_first = call->server->flow_last = NULL;
	call->server->queued = 0;
	return call;
}

static void answer(struct lf_rpc_call *call)
{
	struct lf_error error = LF_ERROR_INIT;

	lf_error_set(&error, LF_NOT_FOUND, "there is no such thing");
	lf_rpc_fail(call, &error);
}

/* ---- who is stopped ---- */

static void second_answer_while_the_first_is_sent(void)
{
	struct lf_rpc_call *call = working(false);

	answer(call);
	answer(call);
}

static void second_answer_when_the_first_was_sent(void)
{
	struct lf_rpc_call *call = working(true);

	answer(call);
	answer(call);
}

static void second_reply(void)
{
	struct lf_rpc_call *call = working(false);

	lf_rpc_stage_bytes(call, 1);
	lf_rpc_send(call);
	lf_rpc_send(call);
}

static void answer_from_the_queue(void)
{
	answer(arrived(false));
}

static void second_end_of_a_turn(void)
{
	struct lf_rpc_call *call = working(true);

	answer(call);
	lf_rpc_turn_over(call, LF_RPC_SENT);
}

static void two_requests_in_a_call(void)
{
	lf_rpc_arrived(arrived(false), &(struct lf_rpc_request){.method = {"x/Y", 3}, .bytes = 1});
}

static void transition_that_is_in_no_table(void)
{
	lf_rpc_call_change(arrived(false), LF_RPC_CALL_QUEUED, LF_RPC_CALL_REPLYING);
}

static void call_freed_while_it_is_served(void)
{
	lf_rpc_call_free(arrived(false));
}

static void reply_sent_that_was_not_begun(void)
{
	lf_rpc_send(working(false));
}

static void more_ended_than_was_in_flight(void)
{
	struct lf_rpc_call *call = working(false);

	answer(call);
	call->server->in_flight = 0;
	lf_rpc_turn_over(call, LF_RPC_SENT);
}

static void budget_given_back_twice(void)
{
	struct lf_rpc_budget budget;

	lf_rpc_budget_init(&budget, 100);
	lf_rpc_budget_take(&budget, 10);
	lf_rpc_budget_give(&budget, 10);
	lf_rpc_budget_give(&budget, 10);
}

static void budget_in_use_at_the_end(void)
{
	struct lf_rpc_server *server;

	lf_rpc_server_new(&server, &(struct lf_rpc_options){0}, NULL);
	lf_rpc_budget_take(&server->budget, 10);
	lf_rpc_server_destroy(server);
}

static void arena_idle_and_not_empty(void)
{
	struct lf_rpc_call *call = working(false);
	struct lf_rpc_arena *arena = lf_rpc_arena_new(call->server);

	arena->call = call;
	lf_arena_alloc(&arena->arena, 1);
	lf_rpc_arena_keep(call->server, arena);
}

static void left_twice(void)
{
	struct lf_rpc_call *call = working(false);

	lf_rpc_leave(call);
	lf_rpc_leave(call);
}

static void kept_too_often(void)
{
	struct lf_rpc_call *call = working(false);

	for (int i = 0; i <= LF_RPC_KEPT_MAX; i++)
		lf_rpc_keep(call, 1);
}

static void yield_without_a_worker(void)
{
	lf_rpc_yield(working(false), NULL, NULL, NULL);
}

static void quick_method_that_is_not_there(void)
{
	struct lf_rpc_server *server;

	lf_rpc_server_new(&server, &(struct lf_rpc_options){0}, NULL);
	lf_rpc_server_set_quick(server, "leadfit.v1.Scoring/Score");
}

static void transport_closed_that_was_not_attached(void)
{
	lf_rpc_closed(working(false)->server);
}

static void connection_given_back_amid_its_request(void)
{
	struct lf_rpc_server *server;
	struct lf_rpc_call *call;
	struct lf_rpc_peer *peer;

	lf_rpc_server_new(&server, &(struct lf_rpc_options){0}, NULL);
	peer = lf_rpc_peer_new(server, NULL);
	call = lf_rpc_call_new(server, &transport, sizeof(struct own));
	lf_rpc_arrived(call, &(struct lf_rpc_request){.method = {"x/Y", 3}, .bytes = 1, .peer = peer});
	lf_rpc_peer_release(peer);
	lf_rpc_peer_release(peer);
}

/* nng's aio of a turn comes back though it was not handed over. */
static void aio_that_was_not_handed_over(void)
{
	struct lf_turn turn = {.state = LF_TURN_OURS};

	nng_aio_alloc(&turn.aio, NULL, NULL);
	lf_turn_on_aio(&turn);
}

static void go_on(struct lf_rpc_call *call, void *context)
{
	(void)call;
	(void)context;
}

static void wait_of_a_call_that_is_no_stream(void)
{
	lf_rpc_stream_wait(working(false), &(struct lf_rpc_wait){.news = true}, go_on, NULL);
}

/* A frame is appended to that was not begun. */
static void frame_that_was_not_begun(void)
{
	struct lf_rpc_nng nng = {0};
	struct lf_rpc_call *call;

	lf_rpc_server_new(&nng.server, &(struct lf_rpc_options){0}, NULL);
	call = lf_rpc_call_new(nng.server, &transport, sizeof(struct lf_turn));
	((struct lf_turn *)lf_rpc_call_own(call))->nng = &nng;
	lf_frames_append(call, "x", 1);
}

static void context_given_back_twice(void)
{
	struct lf_connection *connection;
	struct lf_peers peers;

	lf_peers_init(&peers, 4, 4);
	lf_peers_add(&peers, 1, NULL);
	connection = lf_peers_begin_turn(&peers, 1);
	lf_peers_end_turn(&peers, connection);
	lf_peers_end_turn(&peers, connection);
}

static const struct {
	const char *name; /* of the invariant */
	void (*breaks)(void);
} CASES[] = {
	{"R1", second_answer_while_the_first_is_sent},
	{"R1", second_answer_when_the_first_was_sent},
	{"R1", second_reply},
	{"R1", answer_from_the_queue},
	{"R1", second_end_of_a_turn},
	{"R1", two_requests_in_a_call},
	{"R2", transition_that_is_in_no_table},
	{"R3", call_freed_while_it_is_served},
	{"R4", reply_sent_that_was_not_begun},
	{"R5", budget_given_back_twice},
	{"R6", more_ended_than_was_in_flight},
	{"R7", budget_in_use_at_the_end},
	{"R8", arena_idle_and_not_empty},
	{"R9", left_twice},
	{"R9", kept_too_often},
	{"R10", yield_without_a_worker},
	{"R11", quick_method_that_is_not_there},
	{"R12", transport_closed_that_was_not_attached},
	{"R13", connection_given_back_amid_its_request},
	{"R20", wait_of_a_call_that_is_no_stream},
	{"N1", aio_that_was_not_handed_over},
	{"N3", context_given_back_twice},
	{"N2", frame_that_was_not_begun},
};

/* What the child writes on standard error until it ends; its wait status. */
static int run(void (*breaks)(void), char *said, size_t size)
{
	size_t length = 0;
	int pipes[2], status;
	ssize_t got;
	pid_t child;

	assert_int_equal(pipe(pipes), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
		dup2(pipes[1], 2);
		close(pipes[0]);
		breaks();
		_exit(0);
	}
	close(pipes[1]);
	while (length + 1 < size && (got = read(pipes[0], said + length, size - 1 - length)) > 0)
		length += (size_t)got;
	said[length] = '\0';
	close(pipes[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void who_breaks_an_invariant_aborts_with_its_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		char said[4096], expected[64];
		const int status = run(CASES[i].breaks, said, sizeof(said));

		snprintf(expected, sizeof(expected), "invariant %s is broken: ", CASES[i].name);
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT || strstr(said, expected) == NULL)
			fail_msg("case %zu (%s): status %#x, said: %s", i, CASES[i].name, (unsigned)status, said);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_breaks_an_invariant_aborts_with_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
