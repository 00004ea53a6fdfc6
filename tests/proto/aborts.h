/* For tests of LF_CHECK(): runs something in a child process, which must abort and name the invariant. */
#ifndef LF_TESTS_PROTO_ABORTS_H
#define LF_TESTS_PROTO_ABORTS_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a child that runs this wrote to standard error. Returns its status, as waitpid() has it. */
static inline int run_child(void (*run)(void *), void *argument, char *said, size_t size)
{
	size_t length = 0;
	int ends[2], status;
	ssize_t n;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		signal(SIGABRT, SIG_DFL); /* cmocka catches it */
		dup2(ends[1], STDERR_FILENO);
		run(argument);
		_exit(0);
	}
	close(ends[1]);
	while (length + 1 < size && (n = read(ends[0], said + length, size - 1 - length)) > 0)
		length += (size_t)n;
	said[length] = '\0';
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

/* said: how the message begins, "invariant E1 is broken". */
static inline void assert_aborts(void (*run)(void *), void *argument, const char *said)
{
	char all[1024];
	int status = run_child(run, argument, all, sizeof(all));

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_non_null(strstr(all, said));
}

#endif
