/* One small rubric and team, whose numbers can be worked by hand; tests change what they are about before
 * example_score(). */
#ifndef LF_TESTS_ENGINE_EXAMPLE_H
#define LF_TESTS_ENGINE_EXAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "service/engine/engine.h"

enum { SKILL, TALK, FIT, COVER, EXAMPLE_CRITERIA }; /* rated with a prior, rated without, alignment, coverage */
enum { BACK, FRONT, FULL, EXAMPLE_DISCIPLINES };
enum { PEER, SELF, EXAMPLE_SOURCES }; /* weights 1 and 0.4 */
enum { FOCUS, EXAMPLE_TRAITS };
enum { EXAMPLE_MEMBERS = 4, EXAMPLE_EVIDENCE = 8, EXAMPLE_GATES = 4, EXAMPLE_AS_OF = 20000 };

/*
 * Scale 1..5, half-life 100 days. Weights: skill 0.25 + 0.5 focus, talk 0.25, fit 0.125, cover 0.5 - focus.
 * skill's prior: strength 2, BACK 3.5, FRONT 3, FULL 2.5, else 2. Needs: FRONT 0.1 + 0.8 focus, BACK 0.3 - 0.1 focus.
 * FULL covers BACK 0.7, FRONT 0.6. Members m-1 BACK, m-2 FRONT, m-3 FULL, m-4 BACK, fully available, without evidence.
 */
struct example {
	struct lf_rubric_def def;
	struct lf_criterion_def criteria[EXAMPLE_CRITERIA];
	struct lf_discipline_def disciplines[EXAMPLE_DISCIPLINES];
	struct lf_trait_def trait_defs[EXAMPLE_TRAITS];
	struct lf_gate_def gates[EXAMPLE_GATES];
	struct lf_need_def needs[2];
	double weight_by_trait[EXAMPLE_CRITERIA][EXAMPLE_TRAITS];
	double need_by_trait[2][EXAMPLE_TRAITS];
	double prior_mean[EXAMPLE_DISCIPLINES];
	double full_covers[EXAMPLE_DISCIPLINES];
	double source_weights[EXAMPLE_SOURCES];

	struct lf_case the_case;
	struct lf_member members[EXAMPLE_MEMBERS];
	struct lf_evidence evidence[EXAMPLE_MEMBERS][EXAMPLE_EVIDENCE];
	double traits[EXAMPLE_TRAITS];
	bool trait_assumed[EXAMPLE_TRAITS];

	struct lf_rubric *rubric;
	void *workspace;
	struct lf_result result;
};

void example_init(struct example *e);
/* days: the evidence's age. */
void example_evidence(
	struct example *e, size_t member, uint32_t criterion, uint32_t source, double rating, int32_t days);
/* Compiles and makes the workspace. */
void example_prepare(struct example *e);
void example_score(struct example *e);
const struct lf_member_score *example_member(const struct example *e, uint32_t member);
void example_clean_up(struct example *e);

#endif
