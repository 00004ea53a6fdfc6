#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/engine/plain.h"

void plain_init(struct plain *plain, double min, double max, size_t criteria, size_t members)
{
	memset(plain, 0, sizeof(*plain));
	plain->def = (struct lf_rubric_def){.name = "plain",
		.scale_min = min,
		.scale_max = max,
		.criteria = plain->criteria,
		.criterion_count = criteria};
	plain->the_case = (struct lf_case){
		.members = plain->members, .member_count = members, .project_title = "", .project_id = "p"};
	for (size_t j = 0; j < criteria; j++) {
		snprintf(plain->criterion_ids[j], PLAIN_ID, "c%02zu", j % 100);
		plain->criteria[j] = (struct lf_criterion_def){
			.id = plain->criterion_ids[j], .title = "", .seed = j + 1, .weight = {.base = 1}};
	}
	for (size_t m = 0; m < members; m++) {
		snprintf(plain->member_ids[m], PLAIN_ID, "m%zu", m % 100);
		plain->members[m] = (struct lf_member){.id = plain->member_ids[m],
			.discipline = LF_NONE,
			.availability = 1,
			.evidence = plain->evidence[m],
			.evidence_count = criteria,
			.candidate = true};
		for (size_t j = 0; j < criteria; j++)
			plain->evidence[m][j] = (struct lf_evidence){(uint32_t)j, LF_NONE, min, LF_UNDATED, LF_NONE};
	}
}

void plain_score(struct plain *plain)
{
	size_t bytes;
	bool scored;

	plain->rubric = lf_rubric_compile(&plain->def);
	assert(plain->rubric != NULL);
	bytes = lf_workspace_bytes(plain->rubric, &plain->the_case);
	plain->workspace = aligned_alloc(64, (bytes + 63) / 64 * 64);
	assert(plain->workspace != NULL);
	scored = lf_score(plain->rubric, &plain->the_case, plain->workspace, &plain->result);
	assert(scored);
	(void)scored;
}

void plain_clean_up(struct plain *plain)
{
	free(plain->workspace);
	lf_rubric_destroy(plain->rubric);
}

const struct lf_member_score *plain_place(const struct plain *plain, uint32_t member)
{
	for (size_t i = 0; i < plain->result.ranking_count; i++)
		if (plain->result.ranking[i].member == member)
			return &plain->result.ranking[i];
	return NULL;
}
