/* What leadfit-bench does in place of rounds: each starts its own leadfitd, and prints its tables as they grow. */
#ifndef LF_BENCH_MODES_H
#define LF_BENCH_MODES_H

#include "tests/bench/report/machine.h"
#include "tests/bench/round.h"

/* What a decision costs by the size of its team, and by the number of connections. */
enum lf_code lf_mode_scale(struct lf_bench *bench, const struct lf_machine *machine, struct lf_error *error);
/* The service over HTTP/2 beside gRPC C++'s echo, with h2load and gRPC's client, and beside nng. */
enum lf_code lf_mode_http(struct lf_bench *bench, const struct lf_machine *machine, struct lf_error *error);
/* Latencies at parts of the full rate, in an open loop, over nng and over HTTP/2. */
enum lf_code lf_mode_open_loop(struct lf_bench *bench, const struct lf_machine *machine, struct lf_error *error);
/* A steady load over minutes: what grows? */
enum lf_code lf_mode_soak(struct lf_bench *bench, const struct lf_machine *machine, struct lf_error *error);
/* SIGTERM under full load: was everything answered that was stored, and how long did it take? */
enum lf_code lf_mode_shutdown(struct lf_bench *bench, const struct lf_machine *machine, struct lf_error *error);

#endif
