#include "client/calc/assessments.h"

#include <stdlib.h>
#include <string.h>

static struct lf_assessment *add_one(struct lf_assessments *all)
{
	enum { FIRST_CAPACITY = 1024 };

	if (all->count == all->capacity) {
		const size_t capacity = all->capacity == 0 ? FIRST_CAPACITY : all->capacity * 2;
		struct lf_assessment *grown = realloc(all->list, capacity * sizeof(*grown));

		if (grown == NULL)
			return NULL;
		all->list = grown;
		all->capacity = capacity;
	}
	return &all->list[all->count++];
}

static bool add_person(struct lf_assessments *all, const struct lf_groups *groups, struct lf_impact_frame *frame,
	const Leadfit__V1__Ranked *ranked, size_t rubric, bool selected)
{
	const uint32_t *place = lf_keys_find(&groups->index, ranked->candidate, "");
	struct lf_assessment *assessment = add_one(all);
	bool first;

	if (assessment == NULL || lf_keys_add(&all->people, ranked->candidate, "", &first) == NULL)
		return false;
	*assessment = (struct lf_assessment){.score = ranked->score,
		.person = place == NULL ? LF_NOT_GROUPED : *place - 1,
		.rubric = (uint32_t)rubric,
		.selected = selected};
	frame->people += first;
	frame->not_in_file += first && place == NULL;
	return true;
}

bool lf_assessments_add(struct lf_assessments *all, const struct lf_groups *groups, struct lf_impact_frame *frame,
	const Leadfit__V1__Decision *decision, size_t rubric)
{
	if (decision->n_ranking == 0) {
		frame->pruned++;
		return true;
	}
	frame->decisions++;
	frame->erased += decision->n_redactions > 0;
	for (size_t i = 0; i < decision->n_ranking; i++) {
		const Leadfit__V1__Ranked *ranked = decision->ranking[i];
		const bool selected =
			decision->recommended[0] != '\0' && strcmp(ranked->candidate, decision->recommended) == 0;

		if (!add_person(all, groups, frame, ranked, rubric, selected))
			return false;
	}
	return true;
}

void lf_assessments_clean_up(struct lf_assessments *all)
{
	free(all->list);
	lf_keys_clean_up(&all->people);
	*all = (struct lf_assessments){0};
}
