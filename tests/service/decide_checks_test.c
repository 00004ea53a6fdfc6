/* Invariants of a decide step and of a batch that are checked in release, too: what breaks one aborts with its name. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "service/decide/step.h"
#include "service/scoring/item_state.h"

static void expect_abort(const char *name, void (*run)(void *context), void *context)
{
	char said[512] = "", expected[64];
	int ends[2], status;
	ssize_t length;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		signal(SIGABRT, SIG_DFL);
		dup2(ends[1], STDERR_FILENO);
		run(context);
		_exit(0);
	}
	close(ends[1]);
	length = read(ends[0], said, sizeof(said) - 1);
	close(ends[0]);
	assert_true(length > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	snprintf(expected, sizeof(expected), "invariant %s is broken", name);
	assert_non_null(strstr(said, expected));
}

static void answer(void *context)
{
	lf_step_parts(context);
}

static void a_step_that_was_not_decided_gives_no_answer(void **state)
{
	struct lf_team team = {0};
	Leadfit__V1__Project project = LEADFIT__V1__PROJECT__INIT;
	struct lf_step none = {0}, undecided = {.team = &team, .project = &project};

	(void)state;
	expect_abort("D1", answer, &none);
	expect_abort("D1", answer, &undecided);
}

static void settle(void *context)
{
	lf_item_move(context, LF_ITEM_SETTLED);
}

static void queue(void *context)
{
	lf_item_move(context, LF_ITEM_QUEUED);
}

static void an_item_goes_from_state_to_state_and_is_settled_once(void **state)
{
	enum lf_item_state item = LF_ITEM_NEW, refused = LF_ITEM_NEW;

	(void)state;
	lf_item_move(&refused, LF_ITEM_SETTLED);
	expect_abort("D11", settle, &refused);
	expect_abort("D11", queue, &item); /* nothing is scored */
	lf_item_move(&item, LF_ITEM_SCORED);
	expect_abort("D11", settle, &item); /* its record would be lost */
	lf_item_move(&item, LF_ITEM_QUEUED);
	expect_abort("D11", queue, &item);
	expect_abort("D11", settle, &item); /* the log has it still */
	lf_item_move(&item, LF_ITEM_COMPLETED);
	lf_item_move(&item, LF_ITEM_SETTLED);
	expect_abort("D11", settle, &item);
	assert_int_equal(item, LF_ITEM_SETTLED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_step_that_was_not_decided_gives_no_answer),
		cmocka_unit_test(an_item_goes_from_state_to_state_and_is_settled_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
