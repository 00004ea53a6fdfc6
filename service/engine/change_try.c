/* One change of a rating, or one new piece of evidence, tried: whether the first place changes hands with it. */
#include <string.h>
#include "service/engine/change.h"

/* Scores never fall with a rating, so long steps towards a flip miss none. */
enum { STEPS = 40 };

/* The gates that the criteria fail, of those in mask. */
static uint64_t failed_of(const struct lf_contest *contest, uint64_t mask, const struct lf_criterion_score *criteria)
{
	const struct lf_rubric *rubric = contest->rubric;
	uint64_t failed = 0;

	for (size_t g = 0; mask != 0 && g < rubric->def.gate_count; g++) {
		const struct lf_gate_def *gate = &rubric->def.gates[g];

		if ((mask >> g & 1) != 0 && !lf_gate_passed(rubric, contest->ties, gate, &criteria[gate->criterion]))
			failed |= UINT64_C(1) << g;
	}
	return failed;
}

/* The gates that a change of that attempt may move: those on its criterion; with expertise, all but on availability. */
static uint64_t movable(const struct lf_contest *contest, const struct lf_attempt *attempt)
{
	const struct lf_rubric *rubric = contest->rubric;
	uint64_t mask = 0;

	if (!(rubric->expertise_strength > 0))
		return rubric->criteria[attempt->c].gates;
	for (size_t c = 0; c < rubric->def.criterion_count; c++)
		mask |= rubric->criteria[c].gates;
	return mask;
}

/* The one with the highest bound of these. LF_NONE: there are none. */
static uint32_t highest_gate(const struct lf_rubric *rubric, uint64_t gates)
{
	uint32_t found = LF_NONE;

	for (uint32_t g = 0; g < rubric->def.gate_count; g++) {
		if ((gates >> g & 1) != 0 &&
			(found == LF_NONE || rubric->def.gates[g].at_least > rubric->def.gates[found].at_least))
			found = g;
	}
	return found;
}

/* The member with the change, its evidence in the contest's scratch. */
static struct lf_member changed(const struct lf_contest *contest, const struct lf_attempt *attempt,
	const struct lf_member *member, double rating)
{
	const struct lf_rubric *rubric = contest->rubric;
	struct lf_member other = *member;

	if (member->evidence_count > 0)
		memcpy(contest->evidence, member->evidence, member->evidence_count * sizeof(*contest->evidence));
	if (attempt->evidence == LF_NONE)
		contest->evidence[other.evidence_count++] = (struct lf_evidence){
			.criterion = rubric->criteria[attempt->c].index,
			.source = LF_NONE,
			.rating = rating,
			.observed_day = contest->the_case->as_of_day,
			.domain = LF_NONE,
		};
	else
		contest->evidence[attempt->evidence].rating = rating;
	other.evidence = contest->evidence;
	return other;
}

/* Scores the one member anew into contest->row, with the same bits as if the case had the change. */
static double score_changed(const struct lf_search *search, const struct lf_attempt *attempt, double to)
{
	const struct lf_contest *contest = &search->contest;
	const struct lf_rubric *rubric = contest->rubric;
	const struct lf_member_score *before = &contest->rows[attempt->row];
	const struct lf_member *member = &contest->the_case->members[before->member];

	if (rubric->expertise_strength > 0) {
		struct lf_member other = changed(contest, attempt, member, to);

		(void)lf_score_criteria(search->scoring, &other, contest->row);
	} else {
		memcpy(contest->row, before->criteria, rubric->def.criterion_count * sizeof(*contest->row));
		lf_rate_changed(rubric, contest->the_case, member, attempt->c, attempt->evidence, to,
			&contest->row[rubric->criteria[attempt->c].index]);
	}
	return lf_aggregate(rubric, search->result->weights, contest->row);
}

bool lf_attempt_flips(const struct lf_search *search, const struct lf_attempt *attempt, double to, uint32_t *gate)
{
	const struct lf_contest *contest = &search->contest;
	const struct lf_member_score *before = &contest->rows[attempt->row];
	uint64_t mask = movable(contest, attempt), failed = before->failed_gates & ~mask;
	double score = score_changed(search, attempt, to);

	failed |= failed_of(contest, mask, contest->row);
	*gate = highest_gate(contest->rubric, before->failed_gates ^ failed);
	if (attempt->row == search->first)
		return failed != 0 || lf_below(contest->ties, score, contest->rows[search->second].score);
	return failed == 0 && lf_below(contest->ties, contest->rows[search->first].score, score);
}

struct trial {
	const struct lf_search *search;
	const struct lf_attempt *attempt;
	uint32_t gate; /* crossed; set where it flips */
};

static bool flips(void *context, double to)
{
	struct trial *trial = context;

	return lf_attempt_flips(trial->search, trial->attempt, to, &trial->gate);
}

bool lf_attempt_settle(const struct lf_search *search, struct lf_attempt *attempt, uint32_t *gate)
{
	const struct lf_rubric_def *def = &search->contest.rubric->def;
	struct trial trial = {.search = search, .attempt = attempt, .gate = LF_NONE};

	if (!lf_round_outward(
		    attempt->x, attempt->direction, def->scale_min, def->scale_max, STEPS, flips, &trial, &attempt->to))
		return false;
	*gate = trial.gate;
	return true;
}
