/* Who leads over all of one trait: one walk from 0 to 1. */
#include "service/engine/change.h"

#define STRETCH_MIN 1e-9 /* shorter ones are not told apart from rounding */

struct list {
	struct lf_stretch *stretches;
	size_t count, max;
};

/* From tau on that row ranks first. What lasts no longer than STRETCH_MIN is given to what follows it. */
static void put(struct list *list, double tau, uint32_t member)
{
	struct lf_stretch *last = &list->stretches[list->count - 1];

	if (tau - last->from < STRETCH_MIN) {
		last->member = member;
		if (list->count > 1 && last[-1].member == member)
			list->count--;
	} else if (last->member != member && list->count < list->max) {
		last->to = tau;
		last[1] = (struct lf_stretch){tau, 1, member};
		list->count++;
	}
}

/* The last one reaches to the end, and takes in what is too short there. */
static size_t finish(struct list *list)
{
	if (list->count > 1 && 1 - list->stretches[list->count - 1].from < STRETCH_MIN)
		list->count--;
	list->stretches[list->count - 1].to = 1;
	return list->count;
}

static uint32_t member_of(const struct lf_contest *contest, uint32_t row)
{
	return row == LF_NONE ? LF_NONE : contest->rows[row].member;
}

/* Scores everybody's criteria, which but for the alignments no trait moves. */
static void begin(struct lf_contest *contest, struct lf_scoring *scoring)
{
	const struct lf_workspace *space = &scoring->space;
	size_t criteria = scoring->rubric->def.criterion_count, count = 0;

	for (size_t i = 0; i < scoring->the_case->member_count; i++) {
		uint32_t m = space->member_order[i];

		if (!scoring->the_case->members[m].candidate)
			continue;
		space->scored[count] =
			(struct lf_member_score){.member = m, .criteria = space->criteria + count * criteria};
		(void)lf_score_criteria(scoring, &scoring->the_case->members[m], space->criteria + count * criteria);
		count++;
	}
	lf_contest_begin(contest, scoring, space->scored, count);
}

size_t lf_sweep(const struct lf_rubric *rubric, const struct lf_case *the_case, uint32_t trait, void *workspace,
	struct lf_stretch *stretches, size_t max, bool *approximate)
{
	struct list list = {stretches, 1, max};
	struct lf_scoring scoring;
	struct lf_contest contest;
	struct lf_walk walk;
	double tau;

	LF_CHECK(E4, trait < rubric->def.trait_count && max > 0);
	lf_scoring_begin(&scoring, rubric, the_case, workspace);
	begin(&contest, &scoring);
	contest.one_trait = true;
	*approximate = !contest.exact;
	lf_walk_origin(&contest, trait, 0);
	stretches[0] = (struct lf_stretch){0, 1, LF_NONE};
	if (!lf_walk_begin(&walk, &contest, trait, 0, 1, LF_NONE))
		stretches[0].member = member_of(&contest, lf_lead_at(&contest, trait, 0));
	else
		while (lf_walk_next(&walk, &tau))
			put(&list, tau, member_of(&contest, walk.leader));
	return finish(&list);
}
