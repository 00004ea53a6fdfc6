/*
 * The states of a call: every arrow of the diagram can be taken, and any other one ends the process by its name, in the
 * release build, too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/batch/gate.h"
#include "client/lib/internal.h"

enum { STATES = LF_CLIENT_CALL_DONE + 1 };

/* By hand from the diagram in client/lib/state.c, not from its table. */
static bool may_follow(enum lf_client_call_state from, enum lf_client_call_state to)
{
	switch (from) {
	case LF_CLIENT_CALL_IDLE:
	case LF_CLIENT_CALL_DONE:
	case LF_CLIENT_CALL_RECEIVING:
	case LF_CLIENT_CALL_STOPPED:
		return to == LF_CLIENT_CALL_ENDING;
	case LF_CLIENT_CALL_QUEUED:
		return to == LF_CLIENT_CALL_SENDING || to == LF_CLIENT_CALL_STOPPED || to == LF_CLIENT_CALL_ENDING;
	case LF_CLIENT_CALL_SENDING:
		return to == LF_CLIENT_CALL_RECEIVING || to == LF_CLIENT_CALL_ENDING;
	case LF_CLIENT_CALL_BACKOFF:
		return to == LF_CLIENT_CALL_QUEUED || to == LF_CLIENT_CALL_STOPPED || to == LF_CLIENT_CALL_ENDING;
	case LF_CLIENT_CALL_ENDING:
		return to == LF_CLIENT_CALL_QUEUED || to == LF_CLIENT_CALL_BACKOFF || to == LF_CLIENT_CALL_DONE;
	}
	return false;
}

/* Runs act() in a process of its own, which must abort, saying which invariant is broken. */
static void dies_of(const char *name, void (*act)(void *context), void *context)
{
	char said[512] = "", expected[64];
	size_t length = 0;
	int ends[2], status;
	ssize_t n;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		signal(SIGABRT, SIG_DFL);
		dup2(ends[1], STDERR_FILENO);
		act(context);
		_exit(0);
	}
	close(ends[1]);
	while (length < sizeof(said) - 1 && (n = read(ends[0], said + length, sizeof(said) - 1 - length)) > 0)
		length += (size_t)n;
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	snprintf(expected, sizeof(expected), "invariant %s is broken", name);
	assert_non_null(strstr(said, expected));
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

struct step {
	enum lf_client_call_state from, to;
};

static void take_step(void *context)
{
	const struct step *step = context;
	struct lf_call call = {.state = step->from};

	lf_call_move(&call, step->to);
}

static void every_arrow_of_the_diagram_can_be_taken(void **state)
{
	(void)state;
	for (int from = 0; from < STATES; from++)
		for (int to = 0; to < STATES; to++) {
			struct lf_call call = {.state = (enum lf_client_call_state)from};

			if (!may_follow((enum lf_client_call_state)from, (enum lf_client_call_state)to))
				continue;
			lf_call_move(&call, (enum lf_client_call_state)to);
			assert_int_equal(call.state, to);
		}
}

static void any_other_step_aborts_with_its_name(void **state)
{
	(void)state;
	for (int from = 0; from < STATES; from++)
		for (int to = 0; to < STATES; to++) {
			struct step step = {(enum lf_client_call_state)from, (enum lf_client_call_state)to};

			if (!may_follow(step.from, step.to))
				dies_of("L1", take_step, &step);
		}
}

static void end_twice(void *context)
{
	struct lf_call call = {.state = LF_CLIENT_CALL_RECEIVING};

	(void)context;
	lf_call_move(&call, LF_CLIENT_CALL_ENDING);
	lf_call_move(&call, LF_CLIENT_CALL_DONE);
	lf_call_move(&call, LF_CLIENT_CALL_DONE);
}

static void a_second_completion_of_a_call_aborts(void **state)
{
	(void)state;
	dies_of("L1", end_twice, NULL);
}

static void push_too_many(void *context)
{
	struct lf_client client = {.keeper_wake_ms = INT64_MIN};
	struct lf_call call = {0};

	(void)context;
	lf_heap_push(&client, &call);
}

static void a_call_beyond_the_timers_room_aborts(void **state)
{
	(void)state;
	dies_of("L3", push_too_many, NULL);
}

static void remove_a_stranger(void *context)
{
	struct lf_call in = {.due_ms = 1}, out = {.due_ms = 1};
	struct lf_call *heap[1];
	struct lf_client client = {.keeper_wake_ms = INT64_MIN, .heap = heap, .heap_capacity = 1};

	(void)context;
	lf_heap_push(&client, &in);
	lf_heap_remove(&client, &out);
}

static void a_call_that_the_timer_does_not_have_aborts(void **state)
{
	(void)state;
	dies_of("L4", remove_a_stranger, NULL);
}

static void leave_twice(void *context)
{
	struct lf_gate gate;

	(void)context;
	lf_gate_init(&gate, 4);
	lf_gate_enter(&gate, 10);
	lf_gate_leave(&gate, 10, true, false);
	lf_gate_leave(&gate, 10, true, false);
}

static void more_that_leaves_a_gate_than_entered_aborts(void **state)
{
	(void)state;
	dies_of("L10", leave_twice, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_arrow_of_the_diagram_can_be_taken),
		cmocka_unit_test(any_other_step_aborts_with_its_name),
		cmocka_unit_test(a_second_completion_of_a_call_aborts),
		cmocka_unit_test(a_call_beyond_the_timers_room_aborts),
		cmocka_unit_test(a_call_that_the_timer_does_not_have_aborts),
		cmocka_unit_test(more_that_leaves_a_gate_than_entered_aborts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
