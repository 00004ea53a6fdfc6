/* A proof that a decision is in the log, checked here and not by the service. */
#ifndef LF_CLIENT_CALC_PROOF_CHECK_H
#define LF_CLIENT_CALC_PROOF_CHECK_H

#include <stddef.h>

#include "leadfit/v1/printed.pb-c.h"
#include "proto/base/arena.h"
#include "proto/base/status.h"
#include "storage/tlog/proof.h"

/*
 * Checks all that a proof of a decision says: the checkpoint's signature, the leaf's place in its tree, and every
 * opened commitment. Adds what is wrong to error, by part ("checkpoint", "record", ...), all of it as far as it can be
 * told. The decision is in arena; NULL where the proof proves nothing. Calls nobody.
 */
Leadfit__V1__ProvedDecision *lf_proof_check(const char *text, size_t length, const struct lf_verifier *verifier,
	struct lf_arena *arena, struct lf_error *error);

#endif
