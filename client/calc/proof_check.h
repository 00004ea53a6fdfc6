/*
 * Evidence about the log that is checked here, not by the service: keys, proofs, and one state of a log against
 * another.
 */
#ifndef LF_CLIENT_CMD_PROOF_CHECK_H
#define LF_CLIENT_CMD_PROOF_CHECK_H

#include "client/cmd/cli.h"
#include "leadfit/v1/printed.pb-c.h"
#include "storage/tlog/proof.h"

/* Row for a command's table of options. */
#define LF_KEY_OPTION                                                                                                  \
	{                                                                                                              \
		"key", "VKEY|FILE", "the log's verifier key, or a file that holds it", false                           \
	}

/* Reads --key: a verifier key, or the name of a file that holds one. INVALID_ARGUMENT. */
enum lf_code lf_key_take(const char *text, struct lf_verifier *verifier, struct lf_error *error);

/*
 * Checks all that a proof of a decision says: the checkpoint's signature, the leaf's place in its tree, and every
 * opened commitment. Adds what is wrong to error, by part ("checkpoint", "record", ...), all of it as far as it can be
 * told. The decision is in arena; NULL where the proof proves nothing. Calls nobody.
 */
Leadfit__V1__ProvedDecision *lf_proof_check(const char *text, size_t length, const struct lf_verifier *verifier,
	struct lf_arena *arena, struct lf_error *error);
/* Writes it for people. */
void lf_proved_print(struct lf_page *page, const Leadfit__V1__ProvedDecision *proved);

/* Writes what is wrong to standard error, a line each, behind the name of what was checked. Returns LF_EXIT_NO. */
int lf_refuse(const char *name, const struct lf_error *error);

#endif
