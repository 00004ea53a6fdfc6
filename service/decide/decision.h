/* Answers as messages: the Decision from a result, and the log's compact Answer there and back. */
#ifndef LF_SERVICE_DECIDE_DECISION_H
#define LF_SERVICE_DECIDE_DECISION_H

#include "leadfit/v1/record.pb-c.h"
#include "leadfit/v1/scoring.pb-c.h"
#include "service/decide/evaluate.h"

/* What a Decision is made of; all borrowed. */
struct lf_answer_parts {
	const struct lf_rubric_version *version;
	const struct lf_evaluation *evaluation;
	const Leadfit__V1__Team *team;
	const Leadfit__V1__Project *project;
	const char *caller;
	uint32_t purpose;
	uint32_t detail;
	size_t named_candidates; /* 0 = every member */
	int64_t as_of_us;
	int64_t clock_us;        /* where records don't get the clock's time, else 0 */
	const uint8_t *trace_id; /* LF_TRACE_ID_BYTES; NULL: none */
	bool rank_table;         /* asked for */
};

/*
 * The Decision without its id and time, in arena. detail ALL falls back to the first LF_DETAIL_RANKS where all would
 * not fit a message. NULL where the arena is exhausted.
 */
Leadfit__V1__Decision *lf_decision_build(const struct lf_answer_parts *parts, struct lf_arena *arena);

/* A profile as messages, best first, in arena; NULL where that is exhausted. */
Leadfit__V1__DisciplineFit **lf_decision_fits(
	const struct lf_rubric_version *version, const struct lf_discipline_fit *profile, struct lf_arena *arena);

/* Fills in why: explanation, assumptions, what would change it, reasons of places. false where arena is exhausted. */
bool lf_decision_say(Leadfit__V1__Decision *decision, const struct lf_answer_parts *parts, struct lf_arena *arena);

/*
 * What would put another candidate first, and who would lead beside the first, as messages in arena. NULL where there
 * is no such thing, and with *exhausted set where the arena is exhausted.
 */
Leadfit__V1__Sensitivity *lf_decision_sensitivity(
	const struct lf_answer_parts *parts, struct lf_arena *arena, bool *exhausted);
Leadfit__V1__CoLead *lf_decision_co_lead(const struct lf_answer_parts *parts, struct lf_arena *arena, bool *exhausted);

/* Fields decision_id and decided_at as protobuf bytes, to be appended to a packed Decision once they are known. */
enum { LF_DECISION_TAIL_MAX = 80 };
size_t lf_decision_tail(const struct lf_uuid *id, int64_t decided_at_us, uint8_t out[LF_DECISION_TAIL_MAX]);
/* The same two fields set in the message. false where the arena is exhausted. */
bool lf_decision_identify(
	Leadfit__V1__Decision *decision, const struct lf_uuid *id, int64_t decided_at_us, struct lf_arena *arena);
/* Sets clock_at; 0: absent. false where the arena is exhausted. */
bool lf_decision_set_clock(Leadfit__V1__Decision *decision, int64_t clock_us, struct lf_arena *arena);

/* Sets trace_id of LF_TRACE_ID_BYTES; NULL: absent. false where the arena is exhausted. */
bool lf_decision_set_trace(Leadfit__V1__Decision *decision, const uint8_t *trace_id, struct lf_arena *arena);

/*
 * Fills an Answer's numbers, in arena: weights, scores, ratings, shares, which ratings are unknown, first-rank shares.
 * false where that is exhausted.
 */
bool lf_answer_numbers(Leadfit__V1__Answer *answer, const struct lf_answer_parts *parts, struct lf_arena *arena);
/* The compact record of an answer as canonical bytes, in arena. data NULL where that is exhausted. */
struct lf_bytes lf_answer_pack(
	const struct lf_answer_parts *parts, char *const *candidates, bool ignore_undeclared, struct lf_arena *arena);

/* The compact record of a stored decision, in arena. NULL: DATA_LOSS or RESOURCE_EXHAUSTED. */
Leadfit__V1__Answer *lf_answer_read(const struct lf_stored *stored, struct lf_arena *arena, struct lf_error *error);
/*
 * What takes its place: the frozen decision, or (NULL) nothing but versions, as_of and outcome: pruned. data NULL where
 * the arena is exhausted.
 */
struct lf_bytes lf_answer_redacted(
	const Leadfit__V1__Answer *answer, Leadfit__V1__Decision *frozen, struct lf_arena *arena);
/*
 * A decision that says what the log's columns do, and in redaction why no more. Borrows from stored. NULL where the
 * arena is exhausted.
 */
Leadfit__V1__Decision *lf_decision_outline(const struct lf_stored *stored, const Leadfit__V1__Answer *answer,
	const char *redaction, struct lf_arena *arena);

/*
 * A stored decision as it was answered, words included. version is the rubric that it names. Where somebody who took
 * part was erased, or it was pruned, what is left of it: its redactions say what was taken out. DATA_LOSS where what is
 * stored does not fit together.
 */
enum lf_code lf_decision_restore(const struct lf_stored *stored, const struct lf_rubric_version *version,
	struct lf_arena *arena, Leadfit__V1__Decision **decision, struct lf_error *error);

#endif
