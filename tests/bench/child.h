/* Server processes of the benchmark: started, watched, ended by their own pid; they die with the benchmark. */
#ifndef LF_BENCH_CHILD_H
#define LF_BENCH_CHILD_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "proto/base/status.h"

struct lf_child {
	pid_t pid; /* 0: none */
	char log[PATH_MAX];
};

/* Signals are waited for, not handled: by sleeps here, by the server processes there. Before any thread starts. */
void lf_child_block_signals(void);
/* Starts argv (ended by NULL); its standard output and error go to the file log. Main thread only: the child is killed
 * when that thread ends. */
enum lf_code lf_child_start(struct lf_child *child, const char *const *argv, const char *log, struct lf_error *error);
/*
 * Waits until the log has a line with this text, and copies what follows it in the line. UNAVAILABLE, with the log's
 * last line, where the child ends or 30 s pass before that.
 */
enum lf_code lf_child_await(struct lf_child *child, const char *text, char *rest, size_t size, struct lf_error *error);
/*
 * SIGTERM, and SIGKILL after 10 s; waits. UNAVAILABLE where it did not end with status 0. Safe where there is no child.
 */
enum lf_code lf_child_stop(struct lf_child *child, struct lf_error *error);

/* Waits for one that ends by itself, at most that many seconds. cpu_us: what it used, user and kernel. UNAVAILABLE, with
 * the log's last line, where it takes longer (it is killed then), or does not end with status 0. */
enum lf_code lf_child_finish(struct lf_child *child, double seconds, double *cpu_us, struct lf_error *error);

#endif
