/* Answering a call: what the services have in common. */
#ifndef LF_SERVICE_STATE_REPLY_H
#define LF_SERVICE_STATE_REPLY_H

#include <stdbool.h>

#include "proto/base/status.h"
#include "service/rpc/rpc.h"
#include "storage/log/log.h"

struct lf_state;

/* Fails the call with the error, and cleans the error up. The call is gone. Never blocks; any thread. */
void lf_send_error(struct lf_rpc_call *call, struct lf_error *error);
/*
 * Fails the call with RESOURCE_EXHAUSTED: there was no memory to build its answer. The call is gone. Never blocks; any
 * thread.
 */
void lf_send_no_memory(struct lf_rpc_call *call);
/*
 * A lf_go_on_fn: whether somebody still waits for the call, that is, its deadline has not passed and its peer is there.
 * call is a struct lf_rpc_call.
 */
bool lf_is_awaited(void *call);
/*
 * Answers with a stored decision, read from the log and restored as it was answered; or fails the call. Stages the
 * reply itself instead of calling a closure: for a repeated Score it replaces one that is staged already. The call is
 * gone. Blocks on reads of the log; any thread that may block.
 */
void lf_answer_stored(struct lf_state *state, const struct lf_uuid *id, struct lf_rpc_call *call);

#endif
