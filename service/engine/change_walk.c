/*
 * Who ranks first along one trait.
 *
 * Raw weights and needs are straight lines in the trait, cut off at 0. Between two places where one is cut off (a
 * piece), with W = Σ w̃ and N = Σ need, a candidate's ADDITIVE score times W·N is N·Σ w̃·v + w̃_a·Σ need·x: quadratic
 * where there is one alignment a, else linear. The walk goes piece by piece, outward from its origin, and in each finds
 * the nearest t at which somebody gets strictly ahead of the leader or crosses a gate on the alignment. Otherwise it
 * samples, and bisects where two samples differ.
 */
#include <string.h>
#include "service/engine/change.h"

/* Two events nearer than this are one; the leader is looked up that far beyond an event, clear of rounding. */
#define STEP_MIN 1e-9
#define BISECTED 1e-10

enum {
	SAMPLES = 64,
	SAMPLES_MIN = 4,
	SAMPLED_WORK_MAX =
		1 << 22, /* candidates × criteria × traits walked along × samples: beyond it there are fewer samples */
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

/* to += amount · of */
static inline void add_scaled(double *restrict to, const double *restrict of, double amount, size_t count)
{
	for (size_t i = 0; i < count; i++)
		to[i] += amount * of[i];
}

/* What a line multiplies: the values of a criterion, the expertise in a discipline; NULL for the weight of the
 * alignment. */
static inline const double *factors(const struct lf_contest *contest, size_t line, bool *is_need)
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

	contest->origin_weights = contest->origin_needs = 0;
	contest->origin_need = contest->origin_total = contest->weights_size = contest->needs_size = 0;
	for (size_t l = 0; l < line_count(contest); l++) {
		double at = contest->origin_lines[l];

		*(l < criteria ? &contest->weights_size : &contest->needs_size) += at < 0 ? -at : at;
		if (!(at > 0))
			continue;
		*(l < criteria ? &contest->origin_weights : &contest->origin_needs) += 1;
		*(l < criteria ? &contest->origin_total : &contest->origin_need) += at;
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

		contest->origin_lines[c] = unclamped(&criterion->weight, traits);
		for (size_t k = 0; k < criterion->need_count; k++)
			contest->origin_lines[criteria + criterion->need_first + k] =
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

		if (of != NULL && contest->origin_lines[l] > 0)
			add_scaled(
				is_need ? contest->origin_met : contest->origin_fixed, of, contest->origin_lines[l], n);
	}
}

/* ---- the walk: begin and pieces ---- */

/* The walk's own sums, from now on: at first those of the origin do. */
static void keep_sums(struct lf_walk *walk)
{
	struct lf_contest *contest = walk->contest;

	if (walk->fixed == contest->fixed)
		return;
	memcpy(contest->fixed, walk->fixed, contest->count * sizeof(*contest->fixed));
	memcpy(contest->met, walk->met, contest->count * sizeof(*contest->met));
	walk->fixed = contest->fixed;
	walk->met = contest->met;
}

/* A line appears or disappears at the end of a piece: the sums take in both its parts, or lose them. */
static void toggle(struct lf_walk *walk, struct lf_line *line)
{
	struct lf_contest *contest = walk->contest;
	double at, slope;
	size_t one;
	bool is_need;
	const double *of;

	line->active = !line->active;
	line->turn = INFINITY;
	if (!contest->exact)
		return;
	at = line->active ? line->at : -line->at;
	slope = line->active ? line->slope : -line->slope;
	one = line->active ? 1 : (size_t)-1;
	of = factors(contest, line->line, &is_need);
	*(is_need ? &walk->needs_active : &walk->weights_active) += one;
	if (!is_need) {
		walk->total += at;
		walk->total_rise += slope;
	}
	if (of == NULL) {
		walk->weight = line->active ? at : 0;
		walk->weight_rise = line->active ? slope : 0;
		return;
	}
	if (is_need) {
		walk->need += at;
		walk->need_rise += slope;
	}
	keep_sums(walk);
	add_scaled(is_need ? contest->met : contest->fixed, of, at, contest->count);
	add_scaled(is_need ? contest->met_rise : contest->fixed_rise, of, slope, contest->count);
}

/* The lines that move with the trait: where each turns, and the slopes of the sums. */
static void set_lines(struct lf_walk *walk)
{
	struct lf_contest *contest = walk->contest;
	size_t n = contest->count, criteria = contest->rubric->def.criterion_count;
	const struct lf_move *moves = contest->rubric->moves + contest->rubric->move_first[walk->trait];
	double weights = contest->weights_size, needs = contest->needs_size;

	if (contest->exact) {
		memset(contest->fixed_rise, 0, n * sizeof(*contest->fixed_rise));
		memset(contest->met_rise, 0, n * sizeof(*contest->met_rise));
	}
	for (size_t k = 0; k < contest->moving_count; k++) {
		uint32_t l = moves[k].line;
		double at = contest->origin_lines[l], slope = walk->direction * moves[k].coefficient;
		bool above = at > 0, below = at<0, rises = slope> 0, is_need, active = above || (!below && rises);
		const double *of;

		contest->moving[k] = (struct lf_line){.at = at,
			.slope = slope,
			.turn = (above && !rises) || (below && rises) ? -at / slope : INFINITY,
			.line = l,
			.active = active};
		*(l < criteria ? &weights : &needs) += rises ? slope : -slope;
		if (!active || !contest->exact)
			continue;
		*(l < criteria ? &walk->weights_active : &walk->needs_active) += !above;
		of = factors(contest, l, &is_need);
		*(is_need ? &walk->need_rise : &walk->total_rise) += slope;
		if (of != NULL)
			add_scaled(is_need ? contest->met_rise : contest->fixed_rise, of, slope, n);
		else
			walk->weight_rise = slope;
	}
	walk->noise = 0x1p-49 * weights * (contest->alignments > 0 ? needs : 1);
}

static void find_piece_end(struct lf_walk *walk)
{
	const struct lf_contest *contest = walk->contest;

	walk->piece_end = walk->end;
	for (size_t k = 0; k < contest->moving_count; k++) {
		if (contest->moving[k].turn < walk->piece_end)
			walk->piece_end = contest->moving[k].turn;
	}
	walk->events = 0;
}

bool lf_walk_begin(struct lf_walk *walk, struct lf_contest *contest, uint32_t trait, double origin, double direction,
	uint32_t leader)
{
	const uint32_t *move_first = contest->rubric->move_first + trait;

	contest->moving_count = move_first[1] - move_first[0];
	if (contest->moving_count == 0)
		return false;
	*walk = (struct lf_walk){
		.contest = contest,
		.trait = trait,
		.origin = origin,
		.direction = direction,
		.end = direction > 0 ? 1 - origin : origin,
		.limit = 1,
		.leader = leader,
		.weights_active = contest->origin_weights,
		.needs_active = contest->origin_needs,
		.fixed = contest->origin_fixed,
		.met = contest->origin_met,
		.need = contest->origin_need,
		.total = contest->origin_total,
	};
	if (contest->alignments == 1 && contest->origin_lines[contest->alignment] > 0)
		walk->weight = contest->origin_lines[contest->alignment];
	set_lines(walk);
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
	double t, length;           /* to where the piece, or the interest, ends */
	double need, need_rise;     /* N; 1 and 0 where the alignment has no part */
	double weight, weight_rise; /* w̃ of the alignment */
	double total, total_rise;   /* W, times the step by which a lead counts */
	double bound;               /* of the gate, a hair lower, so that who meets it exactly is in */
	bool gated;                 /* the gate moves with t */
	bool shut;                  /* nobody passes it */
};

static inline struct about look(const struct lf_walk *walk, double t)
{
	const struct lf_contest *contest = walk->contest;
	struct about about = {.t = t, .length = walk->piece_end - t, .need = 1};

	/* As far as another event could count as the same. */
	if (about.length > walk->limit - t + STEP_MIN)
		about.length = walk->limit - t + STEP_MIN;
	about.bound = contest->bound - contest->bound * 1e-13 - contest->ties.step / 2;
	about.total = contest->ties.step * (walk->total + walk->total_rise * t);
	about.total_rise = contest->ties.step * walk->total_rise;
	if (contest->alignments == 0)
		return about;
	if (walk->needs_active == 0) {
		about.shut = contest->bound > 0;
		return about;
	}
	about.gated = contest->bound > 0;
	about.need = walk->need + walk->need_rise * t;
	about.need_rise = walk->need_rise;
	about.weight = walk->weight + walk->weight_rise * t;
	about.weight_rise = walk->weight_rise;
	return about;
}

/* A row's sums. */
struct standing {
	double fixed, fixed_rise, met, met_rise;
};

static inline struct standing stand(const struct lf_walk *walk, uint32_t i)
{
	const struct lf_contest *contest = walk->contest;

	return (struct standing){walk->fixed[i], contest->fixed_rise[i], walk->met[i], contest->met_rise[i]};
}

/* Lead of one row over another beyond a step, times W·N, less what may be rounding: c + b·s + a·s², s = t - about.t. */
struct quadratic {
	double c, b, a;
};

static inline struct quadratic lead_over(
	double noise, const struct about *at, const struct standing *one, const struct standing *other)
{
	double rise = one->fixed_rise - other->fixed_rise, fixed = one->fixed - other->fixed + rise * at->t;
	double met_rise = one->met_rise - other->met_rise, met = one->met - other->met + met_rise * at->t;

	return (struct quadratic){
		.c = at->need * (fixed - at->total) + at->weight * met - noise,
		.b = at->need * (rise - at->total_rise) + at->need_rise * (fixed - at->total) + at->weight * met_rise +
			at->weight_rise * met,
		.a = at->need_rise * (rise - at->total_rise) + at->weight_rise * met_rise,
	};
}

/* false: c + b·s + a·s² > 0 nowhere in 0..length. */
static inline bool reaches(double c, double b, double a, double length)
{
	double steepest = (b > 0 ? b : 0) + (a > 0 ? a : 0) * length;

	return c + steepest * length > 0;
}

/* The smallest s in 0..length from which on c + b·s + a·s² > 0; INFINITY: none. */
static inline double first_above(struct quadratic q, double length)
{
	double discriminant, s;

	if (!reaches(q.c, q.b, q.a, length))
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
	const struct lf_walk *walk, const struct about *at, uint32_t i, double *from, double *to)
{
	const struct lf_contest *contest = walk->contest;
	double rise, now, then;

	*from = 0;
	*to = at->length;
	if (contest->barred[i] || at->shut)
		return false;
	if (!at->gated)
		return true;
	rise = contest->met_rise[i] - at->bound * at->need_rise;
	now = walk->met[i] + contest->met_rise[i] * at->t - at->bound * at->need;
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
	double nearest = INFINITY, holds_from, holds_to = 0, noise = walk->noise;
	struct standing lead = {0};

	if (leader != LF_NONE && (!eligible_stretch(walk, &at, leader, &holds_from, &holds_to) || holds_from > 0))
		return 0;
	if (holds_to < at.length)
		nearest = holds_to; /* also where nobody leads: the first one eligible will */
	if (leader == LF_NONE)
		nearest = INFINITY;
	else
		lead = stand(walk, leader);
	for (uint32_t i = 0; i < contest->count; i++) {
		double from, to, s;
		struct standing own;
		struct quadratic q;

		if (i == leader || !eligible_stretch(walk, &at, i, &from, &to) || !(from < nearest))
			continue;
		if (leader == LF_NONE) {
			nearest = from;
			continue;
		}
		own = stand(walk, i);
		q = lead_over(noise, &at, &own, &lead);
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
	struct standing lead = {0}, own;
	double from, to;

	if (leader != LF_NONE && (!eligible_stretch(walk, &at, leader, &from, &to) || from > 0))
		leader = LF_NONE;
	if (leader != LF_NONE)
		lead = stand(walk, leader);
	for (uint32_t i = 0; i < contest->count; i++) {
		if (!eligible_stretch(walk, &at, i, &from, &to) || from > 0)
			continue;
		own = stand(walk, i);
		if (leader == LF_NONE || lead_over(walk->noise, &at, &own, &lead).c > 0) {
			leader = i;
			lead = own;
		}
	}
	return leader;
}

/* Steps over the end of a piece: every line that turns there does. */
static void open_piece(struct lf_walk *walk)
{
	for (size_t k = 0; k < walk->contest->moving_count; k++) {
		struct lf_line *line = &walk->contest->moving[k];

		if (line->turn <= walk->piece_end)
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

/* ---- whether to walk at all ---- */

/* Whether a line is cut off within a distance, or no longer is. */
static bool turns_within(double at, double slope, double distance)
{
	return at > 0 ? at + slope * distance <= 0 : at + slope * distance >= 0;
}

/* The sums and slopes at the origin, upwards; the ways on which some line turns, or needs come to nothing. */
static struct lf_ways look_around(struct lf_contest *contest, uint32_t trait, double up, double down, struct about *at)
{
	const struct lf_rubric *rubric = contest->rubric;
	const struct lf_move *move = rubric->moves + rubric->move_first[trait],
			     *end = rubric->moves + rubric->move_first[trait + 1];
	struct lf_ways turns = {false, false};
	double tiny = 2e-9 * (at->need > 1 ? at->need : 1);

	memset(contest->fixed_rise, 0, contest->count * sizeof(*contest->fixed_rise));
	memset(contest->met_rise, 0, contest->count * sizeof(*contest->met_rise));
	for (; move < end; move++) {
		double above = contest->origin_lines[move->line], slope = move->coefficient;
		bool is_need;
		const double *of;

		turns.up = turns.up || turns_within(above, slope, up);
		turns.down = turns.down || turns_within(above, -slope, down);
		if (!(above > 0))
			continue;
		of = factors(contest, move->line, &is_need);
		if (is_need)
			at->need_rise += slope;
		if (of != NULL)
			add_scaled(is_need ? contest->met_rise : contest->fixed_rise, of, slope, contest->count);
		else
			at->weight_rise = slope;
	}
	turns.up = turns.up || at->need + at->need_rise * up <= tiny;
	turns.down = turns.down || at->need - at->need_rise * down <= tiny;
	return turns;
}

struct lf_ways lf_walk_worthwhile(struct lf_contest *contest, uint32_t trait, uint32_t leader, double up, double down)
{
	const struct lf_walk origin = {.contest = contest, .fixed = contest->origin_fixed, .met = contest->origin_met};
	struct about at = {.need = 1};
	struct standing lead;
	struct lf_ways ways;

	if (!contest->exact || contest->bound > 0 || (contest->alignments > 0 && contest->origin_needs == 0))
		return (struct lf_ways){true, true};
	if (contest->alignments > 0) {
		at.need = contest->origin_need;
		if (contest->origin_lines[contest->alignment] > 0)
			at.weight = contest->origin_lines[contest->alignment];
	}
	ways = look_around(contest, trait, up, down, &at);
	lead = stand(&origin, leader);
	for (uint32_t i = 0; i < contest->count && !(ways.up && ways.down); i++) {
		struct standing own;
		struct quadratic q;

		if (i == leader || contest->barred[i])
			continue;
		own = stand(&origin, i);
		q = lead_over(0, &at, &own, &lead);
		ways.up = ways.up || reaches(q.c, q.b, q.a, up);
		ways.down = ways.down || reaches(q.c, -q.b, q.a, down);
	}
	return ways;
}

/* ---- the walk: sampled ---- */

static size_t sample_count(const struct lf_contest *contest)
{
	size_t traits = contest->one_trait ? 1 : contest->rubric->def.trait_count;
	size_t work = contest->count * contest->rubric->def.criterion_count * traits;
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
