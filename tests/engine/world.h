/* Random rubrics, teams and projects for the engine's tests: integers drawn by SplitMix64, so the same everywhere for a
 * seed. */
#ifndef LF_TESTS_ENGINE_WORLD_H
#define LF_TESTS_ENGINE_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "service/engine/engine.h"

enum {
	WORLD_CRITERIA = 10,
	WORLD_TRAITS = 6,
	WORLD_DISCIPLINES = 6, /* declared */
	WORLD_EXTRAS = 2,      /* known to the case only */
	WORLD_ALL = WORLD_DISCIPLINES + WORLD_EXTRAS,
	WORLD_SOURCES = 4,
	WORLD_MEMBERS = 12,
	WORLD_EVIDENCE = 33, /* one more than is drawn: tests add a piece */
	WORLD_GATES = 4,
	WORLD_POINTS = 5,
	WORLD_ID = 16,
};

struct random {
	uint64_t state;
};

/* The definition, the case, and the storage that both point into. Copy with world_copy(). */
struct world {
	struct lf_rubric_def def;
	struct lf_case the_case;

	struct lf_criterion_def criteria[WORLD_CRITERIA];
	struct lf_curve_point curve[WORLD_CRITERIA][WORLD_POINTS];
	double weight_by_trait[WORLD_CRITERIA][WORLD_TRAITS];
	double prior_mean[WORLD_CRITERIA][WORLD_DISCIPLINES];
	struct lf_need_def needs[WORLD_CRITERIA][WORLD_DISCIPLINES];
	double need_by_trait[WORLD_CRITERIA][WORLD_DISCIPLINES][WORLD_TRAITS];
	struct lf_discipline_def disciplines[WORLD_DISCIPLINES];
	double covers[WORLD_DISCIPLINES][WORLD_DISCIPLINES];
	bool covers_given[WORLD_DISCIPLINES];
	uint32_t shown_by[WORLD_DISCIPLINES][WORLD_CRITERIA];
	struct lf_trait_def trait_defs[WORLD_TRAITS];
	double source_weights[WORLD_SOURCES];
	struct lf_gate_def gates[WORLD_GATES];

	struct lf_member members[WORLD_MEMBERS];
	struct lf_evidence evidence[WORLD_MEMBERS][WORLD_EVIDENCE];
	struct lf_expertise expertise[WORLD_MEMBERS][WORLD_ALL];
	double traits[WORLD_TRAITS];
	bool trait_assumed[WORLD_TRAITS];

	char criterion_ids[WORLD_CRITERIA][WORLD_ID];
	char discipline_ids[WORLD_ALL][WORLD_ID];
	char trait_ids[WORLD_TRAITS][WORLD_ID];
	char source_ids[WORLD_SOURCES][WORLD_ID];
	char member_ids[WORLD_MEMBERS][WORLD_ID];
	const char *source_id_list[WORLD_SOURCES];
	const char *extra_list[WORLD_EXTRAS];
};

uint64_t random_next(struct random *random);
/* Uniform in 0..count - 1. */
size_t random_below(struct random *random, size_t count);
/* One of 0, 1/steps .. 1. */
double random_unit(struct random *random, size_t steps);
bool random_chance(struct random *random, unsigned percent);

/* A valid rubric and a valid case. */
void world_make(struct world *world, uint64_t seed);
/* Lets evidence outweigh labels in it, and nothing known be worth something on some criteria. */
void world_give_expertise(struct world *world, uint64_t seed);
/* A world of either kind: every other seed's has expertise. */
void world_make_any(struct world *world, uint64_t seed);
/* The first world from *seed on that has robustness, and its seed; false where there is none before end. */
bool world_make_robust(struct world *world, uint64_t *seed, uint64_t end);
void world_copy(struct world *to, const struct world *from);
/* The same, listed in another order: members, expertise and evidence; with everything also what the rubric lists. */
void world_shuffle(struct world *to, const struct world *from, struct random *random, bool everything);

/* A compiled rubric, a workspace, a result. */
struct scored {
	struct lf_rubric *rubric;
	void *workspace;
	bool scored; /* lf_score()'s answer */
	struct lf_result result;
};
void world_score(struct scored *scored, const struct world *world);
void scored_clean_up(struct scored *scored);
/* NULL where it is no candidate. */
const struct lf_member_score *score_of(const struct scored *scored, uint32_t member);

/* A member's score as the formulas say, up to rounding: oracle.c. */
long double world_score_by_formula(const struct world *world, const struct lf_member *member);

uint64_t double_bits(double x);
double double_from_bits(uint64_t bits);

#endif
