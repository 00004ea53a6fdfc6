/* What the log keeps of a score request and its answer: shared by Score and ScoreBatch. */
#ifndef LF_SERVICE_DECIDE_RECORD_H
#define LF_SERVICE_DECIDE_RECORD_H

#include "service/decide/decision.h"
#include "storage/log/log.h"

/*
 * Canonical bytes of a message whose maps are in order already, in arena; data NULL where that is exhausted. hint:
 * lf_wire_pack().
 */
struct lf_bytes lf_record_pack(const ProtobufCMessage *message, size_t hint, struct lf_arena *arena);

/*
 * Digest of a request as sent, which an idempotency key stands for: team and project by content, and all the rest but
 * the key. false where the arena is exhausted.
 */
bool lf_record_digest(const Leadfit__V1__ScoreRequest *request, const struct lf_digest *team,
	const struct lf_digest *project, struct lf_arena *arena, struct lf_digest *digest);

/* Microseconds since 1970 of as_of; absent: now. */
int64_t lf_record_as_of(const Google__Protobuf__Timestamp *as_of, struct lf_checker *checker);
/* Checks what is neither team nor project. *as_of_us as above. */
void lf_record_check(const Leadfit__V1__ScoreRequest *request, int64_t *as_of_us, struct lf_checker *checker);

/*
 * Fills in append what follows from the answer: all but caller, key, digest, and the bytes of team and project. It
 * borrows from request, parts and arena. false where the arena is exhausted.
 */
bool lf_record_fill(struct lf_append *append, const Leadfit__V1__ScoreRequest *request,
	const struct lf_answer_parts *parts, struct lf_arena *arena);

/* Bytes of the block that lf_record_move() fills. */
size_t lf_record_bytes(const struct lf_append *append, bool with_team);
/*
 * Copies what the append borrows from a request and its arena into block, and lets it point there. Caller and the
 * rubric's name stay, and, without with_team, the team's bytes.
 */
void lf_record_move(struct lf_append *append, bool with_team, void *block);

#endif
