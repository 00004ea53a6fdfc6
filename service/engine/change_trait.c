/* The smallest change of one of the project's traits that puts another candidate first. */
#include <string.h>
#include "service/engine/change.h"

/* Beyond x by so little only; a flip further on is another event of the walk. */
enum { STEPS = 2 };

struct found {
	uint32_t trait; /* LF_NONE: none yet */
	double distance, direction;
	double to;
	uint32_t first; /* row */
};

struct trial {
	struct lf_search *search;
	uint32_t trait;
	uint32_t first; /* row; set where it flips */
};

static bool flips(void *context, double to)
{
	struct trial *trial = context;

	trial->first = lf_lead_at(&trial->search->contest, trial->trait, to);
	return trial->first != LF_NONE && trial->first != trial->search->first;
}

static bool settle(struct lf_search *search, struct found *found)
{
	struct trial trial = {.search = search, .trait = found->trait};
	double from = search->contest.the_case->traits[found->trait];

	if (!lf_round_outward(from + found->direction * found->distance, found->direction, 0, 1, STEPS, flips, &trial,
		    &found->to))
		return false;
	found->first = trial.first;
	return true;
}

/* At the very end of the range all needs may be 0, and with them everybody's alignment: the one jump that no piece
 * sees. */
static bool end_flips(const struct lf_walk *walk, struct lf_search *search)
{
	struct trial trial = {.search = search, .trait = walk->trait};

	if (!search->contest.exact || search->contest.alignments == 0 ||
		walk->need + walk->need_rise * walk->end > 1e-9 * (walk->need > 1 ? walk->need : 1))
		return false;
	return flips(&trial, lf_walk_tau(walk, walk->end));
}

static bool is_nearer(const struct lf_search *search, const struct found *found, const struct found *best)
{
	const struct lf_trait_def *traits = search->contest.rubric->def.traits;

	if (best->trait == LF_NONE || found->distance != best->distance)
		return best->trait == LF_NONE || found->distance < best->distance;
	return found->trait != best->trait && strcmp(traits[found->trait].id, traits[best->trait].id) < 0;
}

static void walk_one_way(struct lf_search *search, uint32_t trait, double direction, bool verify, struct found *best)
{
	struct lf_contest *contest = &search->contest;
	struct found found = {.trait = trait, .direction = direction};
	struct lf_walk walk;

	if (!lf_walk_begin(&walk, contest, trait, contest->the_case->traits[trait], direction, search->first))
		return;
	if (best->trait != LF_NONE)
		walk.limit = best->distance;
	while (lf_walk_next(&walk, &found.distance)) {
		if (walk.leader == LF_NONE || walk.leader == search->first)
			continue;
		if (!is_nearer(search, &found, best))
			return;
		if (verify && !settle(search, &found)) {
			walk.leader = search->first;
			continue;
		}
		*best = found;
		return;
	}
	found.distance = walk.end;
	if (is_nearer(search, &found, best) && end_flips(&walk, search))
		*best = found;
}

/* Of equals, the trait whose id comes first is named. */
static void search_all(struct lf_search *search, bool verify, struct found *best)
{
	best->trait = LF_NONE;
	for (uint32_t t = 0; t < search->contest.rubric->def.trait_count; t++) {
		double tau = search->contest.the_case->traits[t], limit = best->trait != LF_NONE ? best->distance : 1;
		struct lf_ways ways = lf_walk_worthwhile(&search->contest, t, search->first,
			limit < 1 - tau ? limit : 1 - tau, limit < tau ? limit : tau);

		if (ways.up)
			walk_one_way(search, t, 1, verify, best);
		if (ways.down)
			walk_one_way(search, t, -1, verify, best);
	}
}

/* A gate on an alignment that is crossed at the change: by the first place downwards, or by who then ranks first
 * upwards. */
static uint32_t crossed_gate(struct lf_search *search, const struct found *found)
{
	const struct lf_contest *contest = &search->contest;
	const struct lf_rubric *rubric = contest->rubric;
	uint64_t failed = contest->rows[found->first].failed_gates;
	uint32_t gate = LF_NONE;

	if (contest->alignments == 0 || rubric->def.gate_count == 0)
		return LF_NONE;
	lf_set_traits(&search->contest, found->trait, found->to); /* for lf_alignment_at() */
	for (uint32_t g = 0; g < rubric->def.gate_count; g++) {
		const struct lf_gate_def *on = &rubric->def.gates[g];
		const struct lf_criterion *criterion;

		if (on->criterion == LF_NONE)
			continue;
		criterion = &rubric->criteria[rubric->criterion_place[on->criterion]];
		if (criterion->derived != LF_DOMAIN_ALIGNMENT ||
			((failed >> g & 1) == 0 &&
				!lf_below(contest->ties, lf_alignment_at(contest, criterion, search->first),
					on->at_least)))
			continue;
		if (gate == LF_NONE || on->at_least > rubric->def.gates[gate].at_least)
			gate = g;
	}
	return gate;
}

void lf_find_trait(struct lf_search *search)
{
	struct lf_change *change = &search->changes->smallest[LF_CHANGE_TRAIT];
	const uint32_t *places = search->contest.places;
	struct found best;

	if (search->contest.rubric->def.trait_count == 0)
		return;
	lf_walk_origin(&search->contest, 0, search->contest.the_case->traits[0]);
	search_all(search, false, &best);
	if (best.trait != LF_NONE && !settle(search, &best)) {
		/* Scores that differ by rounding only: take nothing untried. */
		search_all(search, true, &best);
		if (best.trait != LF_NONE && !settle(search, &best))
			best.trait = LF_NONE;
	}
	if (best.trait == LF_NONE)
		return;
	change->found = true;
	change->trait = best.trait;
	change->from = search->contest.the_case->traits[best.trait];
	change->to = best.to;
	change->first = places[best.first];
	change->gate = crossed_gate(search, &best);
}
