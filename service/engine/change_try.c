/* One change of a rating, or one new piece of evidence, tried: whether the first place changes hands with it; which is best. */
#include <string.h>
#include "service/engine/change.h"

/* Scores never fall with a rating, so long steps towards a flip miss none. */
enum { LOOKS = 40 };

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

/* Scores the one member anew into contest->row, with the same bits as if the case had the change. */
static double score_changed(const struct lf_search *search, const struct lf_attempt *attempt, double to)
{
	const struct lf_contest *contest = &search->contest;
	const struct lf_rubric *rubric = contest->rubric;
	const struct lf_member_score *before = &contest->rows[attempt->row];

	memcpy(contest->row, before->criteria, rubric->def.criterion_count * sizeof(*contest->row));
	if (rubric->expertise_strength > 0)
		lf_score_attempt(search, attempt, to);
	else
		lf_rate_changed(rubric, contest->the_case, &contest->the_case->members[before->member], attempt->c,
			attempt->evidence, to, &contest->row[rubric->criteria[attempt->c].index]);
	return lf_aggregate(rubric, search->result->weights, contest->row);
}

struct outcome {
	uint64_t failed; /* gates that the one member fails then */
	double lead;     /* of whoever challenges the first place */
	bool ahead;      /* by a step at least */
};

static struct outcome try_it(const struct lf_search *search, const struct lf_attempt *attempt, double to)
{
	const struct lf_contest *contest = &search->contest;
	bool first = attempt->row == search->first;
	uint64_t mask = movable(contest, attempt);
	struct outcome outcome = {.failed = contest->rows[attempt->row].failed_gates & ~mask};
	double score = score_changed(search, attempt, to);
	double higher = first ? contest->rows[search->second].score : score;
	double lower = first ? score : contest->rows[search->first].score;

	outcome.failed |= failed_of(contest, mask, contest->row);
	outcome.lead = higher - lower;
	outcome.ahead = lf_below(contest->ties, lower, higher);
	return outcome;
}

static bool is_flip(const struct lf_search *search, const struct lf_attempt *attempt, const struct outcome *outcome)
{
	return attempt->row == search->first ? outcome->failed != 0 || outcome->ahead
					     : outcome->failed == 0 && outcome->ahead;
}

bool lf_attempt_flips(const struct lf_search *search, const struct lf_attempt *attempt, double to, uint32_t *gate)
{
	struct outcome outcome = try_it(search, attempt, to);

	*gate = highest_gate(search->contest.rubric, search->contest.rows[attempt->row].failed_gates ^ outcome.failed);
	return is_flip(search, attempt, &outcome);
}

bool lf_attempt_lead(const struct lf_search *search, const struct lf_attempt *attempt, double to, double *lead)
{
	struct outcome outcome = try_it(search, attempt, to);

	*lead = outcome.lead;
	return is_flip(search, attempt, &outcome);
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
		    attempt->x, attempt->direction, def->scale_min, def->scale_max, LOOKS, flips, &trial, &attempt->to))
		return false;
	*gate = trial.gate;
	return true;
}

/* ---- which attempt is the best ---- */

static const char *source_id(const struct lf_rubric_def *def, const struct lf_evidence *e)
{
	return e->source == LF_NONE ? "" : def->source_ids[e->source];
}

/* Which of two equal attempts to name. */
static bool piece_before(const struct lf_search *search, const struct lf_attempt *a, const struct lf_attempt *b)
{
	const struct lf_contest *contest = &search->contest;
	const struct lf_evidence *evidence = contest->the_case->members[contest->rows[a->row].member].evidence;
	const struct lf_evidence *x, *y;

	if (a->row != b->row)
		return a->row < b->row;
	if (a->c != b->c)
		return a->c < b->c;
	x = &evidence[a->evidence];
	y = &evidence[b->evidence];
	if (x->rating != y->rating)
		return x->rating < y->rating;
	if (x->observed_day != y->observed_day)
		return x->observed_day < y->observed_day;
	return strcmp(source_id(&contest->rubric->def, x), source_id(&contest->rubric->def, y)) < 0;
}

double lf_attempt_start(const struct lf_search *search, const struct lf_attempt *attempt)
{
	const struct lf_rubric_def *def = &search->contest.rubric->def;

	if (!isnan(attempt->from))
		return attempt->from;
	return attempt->direction > 0 ? def->scale_min : def->scale_max;
}

bool lf_is_nearer(const struct lf_finder *finder, enum lf_change_kind kind, const struct lf_attempt *attempt)
{
	const struct lf_attempt *best = &finder->best[kind];

	if (best->row == LF_NONE || attempt->distance != best->distance)
		return best->row == LF_NONE || attempt->distance < best->distance;
	return kind == LF_CHANGE_RATING ? piece_before(finder->search, attempt, best) : attempt->row < best->row;
}

void lf_consider(struct lf_finder *finder, enum lf_change_kind kind, struct lf_attempt attempt)
{
	const struct lf_rubric_def *def = &finder->search->contest.rubric->def;
	double settled;
	uint32_t gate;

	if (!lf_is_nearer(finder, kind, &attempt))
		return;
	if (attempt.x > def->scale_max + 1e-9 || attempt.x < def->scale_min - 1e-9)
		return;
	if (finder->verify[kind]) {
		if (!lf_attempt_settle(finder->search, &attempt, &gate))
			return;
		settled = (attempt.to - lf_attempt_start(finder->search, &attempt)) * attempt.direction;
		if (settled > attempt.distance)
			attempt.distance = settled;
		if (!lf_is_nearer(finder, kind, &attempt))
			return;
	}
	finder->best[kind] = attempt;
}

struct lf_attempt lf_new_piece(
	const struct lf_search *search, uint32_t row, size_t c, const struct lf_criterion_score *now)
{
	return (struct lf_attempt){
		.row = row,
		.evidence = LF_NONE,
		.c = c,
		.from = now->known ? now->rating : (double)NAN,
		.direction = row == search->first ? -1 : 1,
	};
}
