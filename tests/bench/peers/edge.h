/*
 * leadfit's service behind another edge, in one process: engine, log, workers and limits as leadfitd has them, and in place of a
 * transport of ours gRPC C++'s callback server. Plain C types only: gRPC is C++.
 */
#ifndef LF_TESTS_BENCH_PEERS_EDGE_H
#define LF_TESTS_BENCH_PEERS_EDGE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * How a call ends, exactly once, on any thread, maybe before lf_edge_score() returns. reply is malloc'ed and the callee's then, on disk
 * already; NULL: the call failed with this code and text, which is gone when the callee returns.
 */
typedef void lf_edge_done(void *context, uint8_t *reply, size_t length, int code, const char *text);

/* Score of a packed ScoreRequest, which stays where it is until the call has ended. Any thread; blocks no longer than scoring takes. */
void lf_edge_score(const uint8_t *request, size_t length, lf_edge_done *done, void *context);

/*
 * gRPC's half. Serves /leadfit.v1.Scoring/Score on a free TCP port of this machine, prints "gRPC on HOST:PORT", and waits by
 * await(). Returns an exit status, after every call has ended.
 */
int lf_edge_serve_grpc(void (*await)(void));

#ifdef __cplusplus
}
#endif

#endif
