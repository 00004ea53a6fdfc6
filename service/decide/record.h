/* What the log keeps of a score request and its answer: shared by Score and ScoreBatch. */
#ifndef LF_SERVICE_DECIDE_RECORD_H
#define LF_SERVICE_DECIDE_RECORD_H

#include "service/decide/step.h"
#include "storage/log/log.h"

/*
 * Fills in append what follows from the request alone: caller, key, digest of the request, and the bytes of team and
 * project with their digests. Team and project are packed where they are not yet; hint: about the team's bytes. Without
 * a team (NULL) or project there is only caller and key: lf_step_decide() finds the violation. append borrows from all
 * of them. false where arena is exhausted.
 */
bool lf_record_begin(struct lf_append *append, const Leadfit__V1__ScoreRequest *request, struct lf_team *team,
	struct lf_content *project, size_t hint, const char *caller, struct lf_arena *arena);

/* Microseconds since 1970 of as_of; absent: now. */
int64_t lf_record_as_of(const Google__Protobuf__Timestamp *as_of, struct lf_checker *checker);
/* Checks what is neither team nor project. *as_of_us as above. */
void lf_record_check(const Leadfit__V1__ScoreRequest *request, int64_t *as_of_us, struct lf_checker *checker);

/*
 * Fills in append what follows from the answer: all the rest. After lf_record_begin() and lf_step_decide(). It borrows
 * from step and arena. false where the arena is exhausted.
 */
bool lf_record_fill(struct lf_append *append, const struct lf_step *step, struct lf_arena *arena);

/* Bytes of the block that lf_record_move() fills. */
size_t lf_record_bytes(const struct lf_append *append, bool with_team);
/*
 * Copies what the append borrows from a request and its arena into block, which has that many bytes, and lets it point
 * there. Caller and the rubric's name stay, and, without with_team, the team's bytes.
 */
void lf_record_move(struct lf_append *append, bool with_team, void *block, size_t bytes);

#endif
