/* A plain weighted sum for tests: rated criteria, whole weights, one undated rating a member and criterion. */
#ifndef LF_TESTS_ENGINE_PLAIN_H
#define LF_TESTS_ENGINE_PLAIN_H

#include <stddef.h>
#include "service/engine/engine.h"

enum { PLAIN_CRITERIA = 16, PLAIN_MEMBERS = 8, PLAIN_ID = 8 };

struct plain {
	struct lf_rubric_def def;
	struct lf_case the_case;
	struct lf_criterion_def criteria[PLAIN_CRITERIA];
	struct lf_member members[PLAIN_MEMBERS];
	struct lf_evidence evidence[PLAIN_MEMBERS][PLAIN_CRITERIA];
	char criterion_ids[PLAIN_CRITERIA][PLAIN_ID], member_ids[PLAIN_MEMBERS][PLAIN_ID];
	/* after plain_score() */
	struct lf_rubric *rubric;
	void *workspace;
	struct lf_result result;
};

/* Members are called m0, m1, ..., criteria c00, c01, .... All weights are 1 and all ratings min, until set. */
void plain_init(struct plain *plain, double min, double max, size_t criteria, size_t members);
void plain_score(struct plain *plain);
void plain_clean_up(struct plain *plain);
/* A member's place in the result. */
const struct lf_member_score *plain_place(const struct plain *plain, uint32_t member);

#endif
