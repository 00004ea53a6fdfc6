/* An erasure at work, and what it does to one decision (erase_decision.c). */
#ifndef LF_SERVICE_KEEPING_ERASURE_H
#define LF_SERVICE_KEEPING_ERASURE_H

#include "service/decide/redact.h"
#include "service/keeping/walk.h"
#include "storage/log/log.h"

struct lf_erasure {
	struct lf_walk walk; /* first */
	struct lf_redactor who;
	/* the last outcome and record of who looked that are done with, also by the rounds before */
	uint64_t outcome, access;
	uint64_t first_payload; /* this round looks at those after it */
	uint64_t next_payload;  /* the next one does: the last team of this one */
	uint64_t counted[2];    /* the last team and project whose longer words were counted */
	uint64_t newest;        /* decision when this round began */
	unsigned late_slices;   /* of decisions that came after that, in all rounds */
	bool again;             /* this round found what the one before left */
	char tombstone[LF_TOMBSTONE_BYTES];
};

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
