/* An erasure at work, and what it does to one decision (erase_decision.c). */
#ifndef LF_SERVICE_KEEPING_ERASURE_H
#define LF_SERVICE_KEEPING_ERASURE_H

#include "leadfit/v1/keeping.pb-c.h"
#include "service/decide/redact.h"
#include "service/keeping/redaction.h"
#include "storage/log/log.h"

/* Where a step begins: what a cursor says. */
struct lf_erasure_place {
	unsigned round, phase;
	uint64_t payload;       /* the last one that is done with */
	uint64_t sequence;      /* of the payload after that: decisions before this one are done with */
	uint64_t act;           /* the last one that is done with */
	uint64_t first_payload; /* where this round began */
	uint64_t next_payload;  /* where the next one begins: the last team of this one */
	unsigned again;         /* this round found what the one before left */
};

struct lf_erasure {
	struct lf_state *state;
	struct lf_rpc_call *call;
	const Leadfit__V1__EraseRequest *request;
	char tombstone[LF_TOMBSTONE_BYTES];
	struct lf_erasure_place place;
	struct lf_redactor who;
	struct lf_redaction redaction;
	struct lf_arena scratch; /* of one decision */
	struct lf_error error;
};

static inline bool lf_erase_failed(const struct lf_erasure *erase)
{
	return erase->error.code != LF_OK;
}
/* Sets error to RESOURCE_EXHAUSTED, and returns that. */
enum lf_code lf_erase_no_memory(struct lf_erasure *erase);

/*
 * Freezes a decision, and takes the person out of what was recorded about it. listed: the log has the person among its
 * candidates, so its list must change whatever the frozen decision says. Returns error's code. Blocks: reads the log,
 * and commits what waits where there is no room for more.
 */
enum lf_code lf_erase_from_decision(struct lf_erasure *erase, const struct lf_stored *stored, bool listed);
/*
 * A decision over a payload that has the person in a text that is not scored: it comes out the same without, so it
 * stays as it is, and can be replayed. Its key and the digest of its request go: that is over the bytes that were
 * there, without a salt, and would confirm a guess. Returns error's code. Blocks likewise.
 */
enum lf_code lf_erase_forget_request(struct lf_erasure *erase, const struct lf_stored *stored);

#endif
