/* Random teams and projects that fit rubric.yaml, as messages. Each is a function of its number and a seed. */
#ifndef LF_BENCH_DRAFTS_H
#define LF_BENCH_DRAFTS_H

#include <stdint.h>

#include "google/protobuf/timestamp.pb-c.h"
#include "leadfit/v1/team.pb-c.h"

enum {
	LF_DRAFT_EVIDENCE = 4, /* a member */
	LF_DRAFT_DIGITS = 8,   /* of a team's number, in its id and in its members' */
	/*
	 * 2025-12-01, the instant that every request is scored for. The evidence is of 2024 and 2025, so about a third
	 * of the decisions recommend somebody. Scored for today, it would age until none does, and the work would
	 * change.
	 */
	LF_DRAFT_AS_OF_SECONDS = 1764547200,
};

/* Memory of one team and one project. */
struct lf_draft;

/* NULL where memory ran out. */
struct lf_draft *lf_draft_new(unsigned members);
/* NULL is allowed. */
void lf_draft_destroy(struct lf_draft *draft);
/* Valid until the next one of the same draft. */
Leadfit__V1__Team *lf_draft_team(struct lf_draft *draft, unsigned team, uint64_t seed);
Leadfit__V1__Project *lf_draft_project(struct lf_draft *draft, unsigned project, uint64_t seed);

/* LF_DRAFT_AS_OF_SECONDS as a message, valid until the next one of the same draft. */
Google__Protobuf__Timestamp *lf_draft_as_of(struct lf_draft *draft);

/* A random number below bound, by SplitMix64. */
unsigned lf_draft_below(uint64_t *state, unsigned bound);

#endif
