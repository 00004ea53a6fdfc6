/* Each broken invariant ends the process, in every build, and says its name: service/state/DESIGN.md lists them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "service/keeping/redaction.h"
#include "service/offline/command_line.h"
#include "service/rubric/version.h"
#include "service/state/finisher.h"
#include "service/state/state.h"

/* Runs broken in a child, which must abort and say that the invariant is broken. */
static void assert_aborts(void (*broken)(void), const char *invariant)
{
	char said[512] = "", expected[64];
	size_t length = 0;
	int ends[2], status;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		const struct rlimit no_core = {0, 0};

		setrlimit(RLIMIT_CORE, &no_core);
		signal(SIGABRT, SIG_DFL);
		dup2(ends[1], STDERR_FILENO);
		broken();
		_exit(0);
	}
	close(ends[1]);
	while (length < sizeof(said) - 1 && (n = read(ends[0], said + length, sizeof(said) - 1 - length)) > 0)
		length += (size_t)n;
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	snprintf(expected, sizeof(expected), "invariant %s is broken: ", invariant);
	assert_non_null(strstr(said, expected));
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

/* ---- the finisher ---- */

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void wait_at_gate(struct lf_finish *finish)
{
	(void)finish;
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
}

static void nothing(struct lf_finish *finish)
{
	(void)finish;
}

static void push_twice(void)
{
	struct lf_finish first = {.run = wait_at_gate}, second = {.run = nothing};
	struct lf_finisher *finisher;

	pthread_mutex_lock(&gate); /* so that the second one waits */
	if (lf_finisher_new(&finisher, NULL) != LF_OK)
		_exit(1);
	lf_finisher_push(finisher, &first);
	lf_finisher_push(finisher, &second);
	lf_finisher_push(finisher, &second);
}

static void a_job_that_waits_already_is_not_pushed_again(void **state)
{
	(void)state;
	assert_aborts(push_twice, "H1");
}

static void a_job_may_be_pushed_again_once_it_runs(void **state)
{
	struct lf_finish finish = {.run = nothing};
	struct lf_finisher *finisher;

	(void)state;
	for (int i = 0; i < 100; i++) {
		assert_int_equal(lf_finisher_new(&finisher, NULL), LF_OK);
		lf_finisher_push(finisher, &finish);
		lf_finisher_destroy(finisher); /* runs it */
		assert_false(finish.queued);
	}
}

/* ---- redactions ---- */

static void clean_up_twice(void)
{
	struct lf_state state = {.log = NULL};
	struct lf_redaction redaction;

	lf_redaction_init(&redaction, &(struct lf_job_run){.state = &state});
	lf_redaction_clean_up(&redaction);
	lf_redaction_clean_up(&redaction);
}

static void begin_two(void)
{
	struct lf_state state = {.log = NULL};
	struct lf_redaction first, second;

	lf_redaction_init(&first, &(struct lf_job_run){.state = &state});
	lf_redaction_init(&second, &(struct lf_job_run){.state = &state});
}

static void clean_the_state_up_during_one(void)
{
	struct lf_state state = {.log = NULL};
	struct lf_redaction redaction;

	lf_redaction_init(&redaction, &(struct lf_job_run){.state = &state});
	lf_state_clean_up(&state);
}

static void one_redacts_at_a_time(void **unused)
{
	(void)unused;
	assert_aborts(clean_up_twice, "H3");
	assert_aborts(begin_two, "H3");
	assert_aborts(clean_the_state_up_during_one, "H3");
}

static void add_without_room(void)
{
	struct lf_redaction redaction = {.count = LF_REDACTION_ITEMS_MAX};

	lf_redaction_add(&redaction, &(struct lf_redact_item){.what = LF_REDACT_PAYLOAD});
}

static void a_redaction_has_no_more_items_than_a_transaction(void **state)
{
	(void)state;
	assert_aborts(add_without_room, "H9");
}

/* ---- the end, references, tables ---- */

static void clean_up_with_chores(void)
{
	struct lf_state state;

	if (lf_state_init(&state, NULL, NULL, NULL) != LF_OK)
		_exit(1);
	lf_state_clean_up(&state);
}

static void chores_end_before_the_state_is_cleaned_up(void **unused)
{
	struct lf_state state;

	(void)unused;
	assert_aborts(clean_up_with_chores, "H4");
	assert_int_equal(lf_state_init(&state, NULL, NULL, NULL), LF_OK);
	lf_state_end_chores(&state);
	lf_state_end_chores(&state); /* twice is allowed */
	lf_state_clean_up(&state);
}

static void retain_what_is_gone(void)
{
	struct lf_rubric_version version = {.message = NULL};

	lf_rubric_version_retain(&version);
}

static void nobody_retains_a_version_without_a_reference(void **state)
{
	(void)state;
	assert_aborts(retain_what_is_gone, "H5");
}

static void read_too_many_options(void)
{
	static const struct lf_command_line_option options[64];
	const struct lf_command_line line = {"test", "", options, 64};
	char name[] = "test";
	char *argv[] = {name, NULL};

	lf_command_line_read(&line, 1, argv);
}

static void a_table_of_options_fits(void **state)
{
	(void)state;
	assert_aborts(read_too_many_options, "H8");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_job_that_waits_already_is_not_pushed_again),
		cmocka_unit_test(a_job_may_be_pushed_again_once_it_runs),
		cmocka_unit_test(one_redacts_at_a_time),
		cmocka_unit_test(a_redaction_has_no_more_items_than_a_transaction),
		cmocka_unit_test(chores_end_before_the_state_is_cleaned_up),
		cmocka_unit_test(nobody_retains_a_version_without_a_reference),
		cmocka_unit_test(a_table_of_options_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
