/*
 * Who ranks first along one trait.
 *
 * Raw weights and needs are straight lines in the trait, cut off at 0. Between two places where one is cut off (a
 * piece), with W = Σ w̃ and N = Σ need, a candidate's ADDITIVE score times W·N is N·Σ w̃·v + w̃_a·Σ need·x: quadratic
 * where there is one alignment a, else linear. The walk goes piece by piece, outward from its origin, and in each finds
 * the nearest t at which somebody gets strictly ahead of the leader or crosses a gate on the alignment. Otherwise it
 * samples, and bisects where two samples differ.
 */
#include "service/engine/change.h"

/* Two events nearer than this are one; the leader is looked up that far beyond an event, clear of rounding. */
#define STEP_MIN 1e-9
#define BISECTED 1e-10

enum {
	SAMPLES = 64,
	SAMPLES_MIN = 4,
	SAMPLED_WORK_MAX = 1 << 22, /* candidates × criteria × traits × samples: beyond it there are fewer samples */
};

/* ---- lines ---- */

static size_t line_count(const struct lf_contest *contest)
{
	return contest->rubric->def.criterion_count + contest->rubric->need_count;
}

/* As lf_respond(), but not cut off at 0. */
static double unclamped(const struct lf_response *response, const double *traits)
{
	double sum = response->base, size = sum < 0 ? -sum : sum;

	for (size_t i = 0; i < response->term_count; i++) {
		double term = response->terms[i].coefficient * traits[response->terms[i].trait];

		sum += term;
		size += term < 0 ? -term : term;
	}
	size *= 0x1p-48;
	return sum > size || sum < -size ? sum : 0;
}

static double coefficient(const struct lf_response *response, uint32_t trait)
{
	for (size_t i = 0; i < response->term_count; i++) {
		if (response->terms[i].trait == trait)
			return response->terms[i].coefficient;
	}
	return 0;
}

/* to += amount · of */
static void add_scaled(double *to, const double *of, double amount, size_t count)
{
	for (size_t i = 0; i < count; i++)
		to[i] += amount * of[i];
}

/* What a line multiplies: the values of a criterion, the expertise in a discipline; NULL for the weight of the
 * alignment. */
static const double *factors(const struct lf_contest *contest, size_t line, bool *is_need)
{
	const struct lf_rubric *rubric = contest->rubric;
	size_t criteria = rubric->def.criterion_count;

	*is_need = line >= criteria;
	if (*is_need)
		return contest->expertise +
		       rubric->criteria[contest->alignment].needs[line - criteria].discipline * contest->count;
	return line == contest->alignment ? NULL : contest->values + line * contest->count;
}

static void count_origin(struct lf_contest *contest)
{
	size_t criteria = contest->rubric->def.criterion_count;

	contest->moving_count = contest->origin_weights = contest->origin_needs = 0;
	contest->moving_trait = LF_NONE;
	contest->origin_need = contest->weights_size = contest->needs_size = 0;
	for (size_t l = 0; l < line_count(contest); l++) {
		struct lf_line *line = &contest->lines[l];

		line->slope = 0;
		line->turn = INFINITY;
		line->active = line->at > 0;
		*(l < criteria ? &contest->weights_size : &contest->needs_size) += line->at < 0 ? -line->at : line->at;
		if (!line->active)
			continue;
		*(l < criteria ? &contest->origin_weights : &contest->origin_needs) += 1;
		if (l >= criteria)
			contest->origin_need += line->at;
	}
}

void lf_walk_origin(struct lf_contest *contest, uint32_t trait, double tau)
{
	const struct lf_rubric *rubric = contest->rubric;
	size_t criteria = rubric->def.criterion_count, n = contest->count;
	const double *traits = contest->traits;

	lf_set_traits(contest, trait, tau);
	for (size_t c = 0; c < criteria; c++) {
		const struct lf_criterion *criterion = &rubric->criteria[c];

		contest->lines[c].at = unclamped(&criterion->weight, traits);
		for (size_t k = 0; k < criterion->need_count; k++)
			contest->lines[criteria + criterion->need_first + k].at =
				unclamped(&criterion->needs[k].amount, traits);
	}
	count_origin(contest);
	if (!contest->exact)
		return;
	for (size_t i = 0; i < n; i++)
		contest->origin_fixed[i] = contest->origin_met[i] = 0;
	for (size_t l = 0; l < line_count(contest); l++) {
		bool is_need;
		const double *of = factors(contest, l, &is_need);

		if (of != NULL && contest->lines[l].at > 0)
			add_scaled(is_need ? contest->origin_met : contest->origin_fixed, of, contest->lines[l].at, n);
	}
}

/* ---- the walk: begin and pieces ---- */

static void count_line(struct lf_walk *walk, size_t line, bool appears)
{
	const struct lf_line *of = &walk->contest->lines[line];
	double sign = appears ? 1 : -1;
	size_t one = appears ? 1 : (size_t)-1;

	if (line < walk->contest->rubric->def.criterion_count) {
		walk->weights_active += one;
		return;
	}
	walk->needs_active += one;
	walk->need += sign * of->at;
	walk->need_rise += sign * of->slope;
}

/* A line appears or disappears at the end of a piece: the sums take in both its parts, or lose them. */
static void toggle(struct lf_walk *walk, size_t line)
{
	struct lf_contest *contest = walk->contest;
	struct lf_line *of = &contest->lines[line];
	bool is_need;
	const double *factor;

	of->active = !of->active;
	of->turn = INFINITY;
	if (!contest->exact)
		return;
	count_line(walk, line, of->active);
	factor = factors(contest, line, &is_need);
	if (factor == NULL)
		return;
	add_scaled(is_need ? contest->met : contest->fixed, factor, of->active ? of->at : -of->at, contest->count);
	add_scaled(is_need ? contest->met_rise : contest->fixed_rise, factor, of->active ? of->slope : -of->slope,
		contest->count);
}

static void take_line(struct lf_contest *contest, size_t line, double slope)
{
	if (slope == 0)
		return;
	contest->lines[line].coefficient = slope;
	contest->moving[contest->moving_count++] = (uint32_t)line;
}

/* Finds the lines that move with a trait; those of the last one stand still again. */
static void find_moving(struct lf_contest *contest, uint32_t trait)
{
	const struct lf_rubric *rubric = contest->rubric;
	size_t need = rubric->def.criterion_count;

	for (size_t k = 0; k < contest->moving_count; k++) {
		struct lf_line *line = &contest->lines[contest->moving[k]];

		line->slope = 0;
		line->turn = INFINITY;
		line->active = line->at > 0;
	}
	contest->moving_count = 0;
	contest->moving_trait = trait;
	for (size_t c = 0; c < rubric->def.criterion_count; c++) {
		take_line(contest, c, coefficient(&rubric->criteria[c].weight, trait));
		for (size_t k = 0; k < rubric->criteria[c].need_count; k++)
			take_line(contest, need++, coefficient(&rubric->criteria[c].needs[k].amount, trait));
	}
}

/* Slopes, where each line turns, and the sums. */
static void set_lines(struct lf_walk *walk, double direction)
{
	struct lf_contest *contest = walk->contest;
	size_t n = contest->count, criteria = contest->rubric->def.criterion_count;
	double weights = contest->weights_size, needs = contest->needs_size;

	for (size_t i = 0; contest->exact && i < n; i++) {
		contest->fixed[i] = contest->origin_fixed[i];
		contest->met[i] = contest->origin_met[i];
		contest->fixed_rise[i] = contest->met_rise[i] = 0;
	}
	walk->weights_active = contest->origin_weights;
	walk->needs_active = contest->origin_needs;
	walk->need = contest->origin_need;
	for (size_t k = 0; k < contest->moving_count; k++) {
		size_t l = contest->moving[k];
		struct lf_line *line = &contest->lines[l];
		bool above = line->at > 0, below = line->at < 0, rises;
		bool is_need;
		const double *of;

		line->slope = direction * line->coefficient;
		rises = line->slope > 0;
		line->active = above || (!below && rises);
		line->turn = (above && !rises) || (below && rises) ? -line->at / line->slope : INFINITY;
		*(l < criteria ? &weights : &needs) += rises ? line->slope : -line->slope;
		if (!line->active || !contest->exact)
			continue;
		*(l < criteria ? &walk->weights_active : &walk->needs_active) += !above;
		of = factors(contest, l, &is_need);
		if (is_need)
			walk->need_rise += line->slope;
		if (of != NULL)
			add_scaled(is_need ? contest->met_rise : contest->fixed_rise, of, line->slope, n);
	}
	walk->noise = 0x1p-49 * weights * (contest->alignments > 0 ? needs : 1);
}

static double next_turn(const struct lf_walk *walk)
{
	const struct lf_contest *contest = walk->contest;
	double turn = INFINITY;

	for (size_t k = 0; k < contest->moving_count; k++) {
		const struct lf_line *line = &contest->lines[contest->moving[k]];

		if (line->turn < turn)
			turn = line->turn;
	}
	return turn;
}

static void find_piece_end(struct lf_walk *walk)
{
	double turn = next_turn(walk);

	walk->piece_end = turn < walk->end ? turn : walk->end;
	walk->events = 0;
}

bool lf_walk_begin(struct lf_walk *walk, struct lf_contest *contest, uint32_t trait, double origin, double direction,
	uint32_t leader)
{
	*walk = (struct lf_walk){
		.contest = contest,
		.trait = trait,
		.origin = origin,
		.direction = direction,
		.end = direction > 0 ? 1 - origin : origin,
		.limit = 1,
		.leader = leader,
	};
	if (contest->moving_trait != trait)
		find_moving(contest, trait);
	if (contest->moving_count == 0)
		return false;
	set_lines(walk, direction);
	find_piece_end(walk);
	return true;
}

double lf_walk_tau(const struct lf_walk *walk, double t)
{
	double tau = walk->origin + walk->direction * t;

	return tau < 0 ? 0 : tau > 1 ? 1 : tau;
}

/* ---- the walk: within a piece ---- */

/* Sums in a piece, about one t. */
struct about {
	double t, length;           /* to the end of the piece */
	double need, need_rise;     /* N; 1 and 0 where the alignment has no part */
	double weight, weight_rise; /* w̃ of the alignment */
	double bound;               /* of the gate, a hair lower, so that who meets it exactly is in */
	bool gated;                 /* the gate moves with t */
	bool shut;                  /* nobody passes it */
	bool aligned;
};

static struct about look(const struct lf_walk *walk, double t)
{
	const struct lf_contest *contest = walk->contest;
	struct about about = {.t = t, .length = walk->piece_end - t, .need = 1};

	about.bound = contest->bound - contest->bound * 1e-13;
	if (contest->alignments == 0)
		return about;
	if (walk->needs_active == 0) {
		about.shut = contest->bound > 0;
		return about;
	}
	about.aligned = true;
	about.gated = contest->bound > 0;
	about.need = walk->need + walk->need_rise * t;
	about.need_rise = walk->need_rise;
	if (contest->lines[contest->alignment].active) {
		about.weight_rise = contest->lines[contest->alignment].slope;
		about.weight = contest->lines[contest->alignment].at + about.weight_rise * t;
	}
	return about;
}

/* Lead of row i over row l, times W·N, less what may be rounding: c + b·s + a·s², s = t - about.t. */
struct quadratic {
	double c, b, a;
};

static inline struct quadratic lead_over(const struct lf_walk *walk, const struct about *at, uint32_t i, uint32_t l)
{
	const struct lf_contest *contest = walk->contest;
	double rise = contest->fixed_rise[i] - contest->fixed_rise[l];
	double fixed = contest->fixed[i] - contest->fixed[l] + rise * at->t, met, met_rise;

	if (!at->aligned)
		return (struct quadratic){fixed - walk->noise, rise, 0};
	met_rise = contest->met_rise[i] - contest->met_rise[l];
	met = contest->met[i] - contest->met[l] + met_rise * at->t;
	return (struct quadratic){
		.c = at->need * fixed + at->weight * met - walk->noise,
		.b = at->need * rise + at->need_rise * fixed + at->weight * met_rise + at->weight_rise * met,
		.a = at->need_rise * rise + at->weight_rise * met_rise,
	};
}

/* The smallest s in 0..length from which on c + b·s + a·s² > 0; INFINITY: none. */
static inline double first_above(struct quadratic q, double length)
{
	double reach = q.c + (q.b > 0 ? q.b * length : 0) + (q.a > 0 ? q.a * length * length : 0), discriminant, s;

	if (!(reach > 0))
		return INFINITY;
	if (q.c > 0)
		return 0;
	discriminant = q.b * q.b - 4 * q.a * q.c;
	if (discriminant < 0)
		return INFINITY;
	if (q.b > 0)
		s = -2 * q.c / (q.b + sqrt(discriminant));
	else if (q.a > 0)
		s = (-q.b + sqrt(discriminant)) / (2 * q.a);
	else
		return INFINITY;
	return s < length ? s : INFINITY;
}

/* From where to where, as distances from about.t, a row passes its gates within the piece. false: nowhere. */
static inline bool eligible_stretch(
	const struct lf_contest *contest, const struct about *at, uint32_t i, double *from, double *to)
{
	double rise, now, then;

	*from = 0;
	*to = at->length;
	if (contest->barred[i] || at->shut)
		return false;
	if (!at->gated)
		return true;
	rise = contest->met_rise[i] - at->bound * at->need_rise;
	now = contest->met[i] + contest->met_rise[i] * at->t - at->bound * at->need;
	then = now + rise * at->length;
	if (now >= 0 && then < 0)
		*to = now / -rise;
	if (now < 0 && then >= 0)
		*from = -now / rise;
	return now >= 0 || then >= 0;
}

/* The nearest s at which the first place changes hands; INFINITY: not in this piece. */
static double next_event(const struct lf_walk *walk)
{
	const struct lf_contest *contest = walk->contest;
	struct about at = look(walk, walk->at);
	uint32_t leader = walk->leader;
	double nearest = INFINITY, holds_from, holds_to = 0;

	if (leader != LF_NONE && (!eligible_stretch(contest, &at, leader, &holds_from, &holds_to) || holds_from > 0))
		return 0;
	if (holds_to < at.length)
		nearest = holds_to; /* also where nobody leads: the first one eligible will */
	if (leader == LF_NONE)
		nearest = INFINITY;
	for (uint32_t i = 0; i < contest->count; i++) {
		double from, to, s;
		struct quadratic q;

		if (i == leader || !eligible_stretch(contest, &at, i, &from, &to) || !(from < nearest))
			continue;
		if (leader == LF_NONE) {
			nearest = from;
			continue;
		}
		q = lead_over(walk, &at, i, leader);
		if (from > 0) {
			q.c += (q.b + q.a * from) * from;
			q.b += 2 * q.a * from;
		}
		s = from + first_above(q, (to < nearest ? to : nearest) - from);
		if (s < nearest)
			nearest = s;
	}
	return nearest;
}

/* Who ranks first at t, in this piece; of a tie whoever led so far. */
static uint32_t leader_in_piece(const struct lf_walk *walk, double t)
{
	const struct lf_contest *contest = walk->contest;
	struct about at = look(walk, t);
	uint32_t leader = walk->leader;
	double from, to;

	if (leader != LF_NONE && (!eligible_stretch(contest, &at, leader, &from, &to) || from > 0))
		leader = LF_NONE;
	for (uint32_t i = 0; i < contest->count; i++) {
		if (!eligible_stretch(contest, &at, i, &from, &to) || from > 0)
			continue;
		if (leader == LF_NONE || lead_over(walk, &at, i, leader).c > 0)
			leader = i;
	}
	return leader;
}

/* Steps over the end of a piece: every line that turns there does. */
static void open_piece(struct lf_walk *walk)
{
	for (size_t k = 0; k < walk->contest->moving_count; k++) {
		size_t line = walk->contest->moving[k];

		if (walk->contest->lines[line].turn <= walk->piece_end)
			toggle(walk, line);
	}
	find_piece_end(walk);
}

static bool next_exact(struct lf_walk *walk, double *t)
{
	for (;;) {
		uint32_t before = walk->leader;
		double s;

		if (walk->at > walk->limit)
			return false;
		if (walk->at >= walk->piece_end) {
			if (walk->piece_end >= walk->end)
				return false;
			open_piece(walk);
			continue;
		}
		if (walk->weights_active == 0) {
			*t = walk->at;
			walk->at = walk->piece_end;
			walk->leader = LF_NONE;
		} else {
			s = next_event(walk);
			/* Candidates whose scores differ by rounding alone could pass each other for ever. */
			if (!(s <= walk->piece_end - walk->at) || walk->events++ > 64 + 4 * walk->contest->count) {
				walk->at = walk->piece_end;
				continue;
			}
			*t = walk->at + s;
			walk->at = *t + STEP_MIN < walk->piece_end ? *t + STEP_MIN : walk->piece_end;
			walk->leader = leader_in_piece(walk, walk->at);
		}
		if (walk->leader != before)
			return true;
	}
}

/* ---- the walk: sampled ---- */

static size_t sample_count(const struct lf_contest *contest)
{
	size_t work = contest->count * contest->rubric->def.criterion_count * contest->rubric->def.trait_count;
	size_t samples = work > 0 ? SAMPLED_WORK_MAX / work : SAMPLES;

	return samples > SAMPLES ? SAMPLES : samples < SAMPLES_MIN ? SAMPLES_MIN : samples;
}

/* The next sample: on the grid, at the end, or where a line turns unless samples are scarce. */
static double next_sample(struct lf_walk *walk)
{
	size_t samples = sample_count(walk->contest);
	double place = walk->at * (double)samples, next;

	next = (double)((size_t)(place + 1e-6) + 1) / (double)samples;
	while (walk->at >= walk->piece_end && walk->piece_end < walk->end)
		open_piece(walk);
	if (samples == SAMPLES && walk->piece_end < next)
		next = walk->piece_end;
	return next < walk->end ? next : walk->end;
}

static bool next_sampled(struct lf_walk *walk, double *t)
{
	while (walk->at < walk->end && walk->at <= walk->limit) {
		double low = walk->at, high = next_sample(walk);
		uint32_t who = lf_lead_at(walk->contest, walk->trait, lf_walk_tau(walk, high));

		if (who == walk->leader) {
			walk->at = high;
			continue;
		}
		while (high - low > BISECTED) {
			double middle = low + (high - low) / 2;
			uint32_t there = lf_lead_at(walk->contest, walk->trait, lf_walk_tau(walk, middle));

			if (there == walk->leader) {
				low = middle;
			} else {
				high = middle;
				who = there;
			}
		}
		*t = high;
		walk->at = high;
		walk->leader = who;
		return true;
	}
	return false;
}

bool lf_walk_next(struct lf_walk *walk, double *t)
{
	return walk->contest->exact ? next_exact(walk, t) : next_sampled(walk, t);
}
