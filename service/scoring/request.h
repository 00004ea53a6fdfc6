/* What Score and ScoreBatch do alike with a request, around the decide step (service/decide/step.h). */
#ifndef LF_SERVICE_SCORING_REQUEST_H
#define LF_SERVICE_SCORING_REQUEST_H

#include "service/decide/team.h"
#include "service/rpc/rpc.h"
#include "service/state/state.h"

/*
 * The team of a message inside a call's request, in canonical order, so that the order in which a caller lists map
 * entries changes nothing. It is the cache's where the call holds that (shared: memory is set), else one in arena,
 * whose message is the request's own and is put in order here. This is the only place that writes to a request: the
 * message is the call's, in its arena, and nothing has read it before. *from: lf_held_team(). NULL where arena is
 * exhausted.
 */
struct lf_team *lf_request_team(
	struct lf_rpc_call *call, Leadfit__V1__Team *message, size_t *from, struct lf_arena *arena);
/* Puts a project inside a request in canonical order likewise. NULL is fine. */
void lf_request_project(Leadfit__V1__Project *project);

/*
 * Whether the key of a request, of which lf_record_begin() has filled append, is known. LF_OK: *id is its decision.
 * NOT_FOUND: it is not, or there is no key that could be. Any other: why it can't be answered (ALREADY_EXISTS: the key
 * stands for another request), and error is set. Counted. Blocks on a read of the log.
 */
enum lf_code lf_request_find_key(
	struct lf_state *state, const struct lf_append *append, struct lf_uuid *id, struct lf_error *error);

/* What the answer to a record is that the log has completed without an error. Counted. */
enum lf_completed {
	LF_COMPLETED_NEW,      /* what was computed, under append's id and time */
	LF_COMPLETED_REPEATED, /* the decision that is stored under append's id, to be read */
	LF_COMPLETED_TOO_LATE, /* error: it is stored, but the log is closing and no more to be read */
};
enum lf_completed lf_request_completed(struct lf_state *state, const struct lf_append *append, struct lf_error *error);

#endif
