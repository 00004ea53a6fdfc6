/*
 * What the slices of a verification of the whole log make up.
 */
#ifndef LF_CLIENT_CALC_VERIFIED_H
#define LF_CLIENT_CALC_VERIFIED_H

#include <stdbool.h>
#include <stdint.h>

#include "leadfit/v1/audit.pb-c.h"
#include "leadfit/v1/printed.pb-c.h"
#include "proto/base/arena.h"
#include "storage/tlog/hash.h"

enum { LF_FINDINGS_SHOWN = 1000, LF_REDACTIONS_SHOWN = 20 };

/* A state of the log: this root is that of its first size records. */
struct lf_log_state {
	uint64_t size;
	struct lf_digest root;
};

struct lf_verified {
	struct lf_arena *arena; /* of the findings */
	struct lf_log_state recomputed;
	uint64_t looked_at;
	Leadfit__V1__LogVerified report; /* its texts are the arena's or the caller's */
	Leadfit__V1__Finding *findings[LF_FINDINGS_SHOWN];
	/* The newest; copied where the next ones take their place. */
	Leadfit__V1__Redaction *redactions[LF_REDACTIONS_SHOWN];
};

/* arena outlives it. It is large, and must stay where it is. */
void lf_verified_init(struct lf_verified *verified, struct lf_arena *arena);
/* Counts a finding. Whether it is among the first, which are kept and shown. */
bool lf_verified_finding(struct lf_verified *verified, const Leadfit__V1__Finding *finding);
/* Adds the answer to a request, all but its findings. false where the answers make no sense together. */
bool lf_verified_slice(struct lf_verified *verified, const Leadfit__V1__VerifyRequest *request,
	const Leadfit__V1__VerifyResponse *slice);
/* Whether a root could be recomputed. One of zeros means that the log is so damaged that it has none. */
bool lf_verified_has_root(const struct lf_verified *verified);
/* After the last slice: the report has all but checkpoint and key. */
void lf_verified_finish(struct lf_verified *verified);
void lf_verified_clean_up(struct lf_verified *verified);

#endif
