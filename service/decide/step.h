/*
 * The decide step: one case in; its numbers, its answer and its record out. Score, ScoreBatch, Replay and Backtest all
 * go through it, so that what one of them answers the others compute, too, bit for bit.
 *
 * Pure but for memory: no log, no call, no clock. One thread at a time for a step; several steps may share a team
 * (team.h) and a version.
 */
#ifndef LF_SERVICE_DECIDE_STEP_H
#define LF_SERVICE_DECIDE_STEP_H

#include "service/decide/decision.h"
#include "service/decide/team.h"

/* How much of an answer is wanted. Each has all that those before have. */
enum lf_depth {
	LF_DEPTH_NUMBERS, /* scores, ranks and the outcome: a summary, and what Replay and Backtest compare */
	LF_DEPTH_WHOLE, /* the profile, what would change it, and a co-lead, which cost more than all else: a Decision */
};

struct lf_step {
	/* in; all of it borrowed */
	const struct lf_rubric_version *version;
	struct lf_team *team;                /* NULL: the request has none, a violation */
	const Leadfit__V1__Project *project; /* likewise; in canonical order */
	char *const *candidates;             /* ids; none = every member */
	size_t candidate_count;
	int64_t as_of_us;
	int64_t clock_us;        /* lf_log_clock_apart() for a new decision; else 0 */
	const uint8_t *trace_id; /* LF_TRACE_ID_BYTES of the request's; NULL: none */
	uint32_t purpose, detail;
	bool ignore_undeclared, rank_table;
	const char *caller;      /* who asked, for the Decision */
	uint32_t engine_version; /* whose rules decide: of a stored answer its own; 0 = the present one */
	/* out, by lf_step_decide(); all of it lives in the arena */
	struct lf_evaluation evaluation;
};

/* Fills what goes in from a request, which the step borrows; clock_us is 0, and trace_id NULL. team is the request's. */
void lf_step_begin(struct lf_step *step, const struct lf_rubric_version *version,
	const Leadfit__V1__ScoreRequest *request, struct lf_team *team, int64_t as_of_us, const char *caller);
/*
 * Decides the case. LF_OK: the evaluation is there. INVALID_ARGUMENT with every violation, those included that checker
 * had found before; FAILED_PRECONDITION where no criterion has a weight; RESOURCE_EXHAUSTED where arena is exhausted.
 */
enum lf_code lf_step_decide(
	struct lf_step *step, enum lf_depth depth, struct lf_checker *checker, struct lf_arena *arena);

/* What follows needs a step that was decided. Each returns NULL (or false) where arena is exhausted. */

/* What a Decision and an Answer are made of; borrows from step. */
struct lf_answer_parts lf_step_parts(const struct lf_step *step);
/* The Decision but for its id and time. LF_DEPTH_WHOLE. */
Leadfit__V1__Decision *lf_step_decision(const struct lf_step *step, struct lf_arena *arena);
/* The same in a few fields. */
Leadfit__V1__BatchSummary *lf_step_summary(const struct lf_step *step, struct lf_arena *arena);
/* Id of who is recommended; "" = nobody. Borrowed from the team. */
const char *lf_step_recommended(const struct lf_step *step);

#endif
