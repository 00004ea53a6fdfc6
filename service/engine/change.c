/* What would put another candidate first: the candidates beside each other, and rounding of what is found. README.md
 * says what is sought. */
#include "service/engine/change.h"

static void *carve(unsigned char **at, size_t count, size_t size)
{
	unsigned char *taken = *at;

	*at += (count * size + 15) / 16 * 16;
	return taken;
}

/* Lays the arrays out from base. Returns their end. */
static unsigned char *lay_out(
	struct lf_contest *contest, const struct lf_rubric *rubric, const struct lf_case *the_case, unsigned char *base)
{
	size_t n = the_case->member_count, criteria = rubric->def.criterion_count,
	       lines = criteria + rubric->need_count;
	unsigned char *at = base;

	contest->values = carve(&at, criteria * n, sizeof(*contest->values));
	contest->expertise =
		carve(&at, rubric->has_alignment ? rubric->def.discipline_count * n : 0, sizeof(*contest->expertise));
	contest->barred = carve(&at, n, sizeof(*contest->barred));
	contest->origin_lines = carve(&at, lines, sizeof(*contest->origin_lines));
	contest->moving = carve(&at, lines, sizeof(*contest->moving));
	contest->fixed = carve(&at, n, sizeof(*contest->fixed));
	contest->fixed_rise = carve(&at, n, sizeof(*contest->fixed_rise));
	contest->met = carve(&at, n, sizeof(*contest->met));
	contest->met_rise = carve(&at, n, sizeof(*contest->met_rise));
	contest->origin_fixed = carve(&at, n, sizeof(*contest->origin_fixed));
	contest->origin_met = carve(&at, n, sizeof(*contest->origin_met));
	contest->column = carve(&at, n, sizeof(*contest->column));
	contest->sum = carve(&at, n, sizeof(*contest->sum));
	contest->lowest = carve(&at, n, sizeof(*contest->lowest));
	contest->eligible = carve(&at, n, sizeof(*contest->eligible));
	contest->weights = carve(&at, criteria, sizeof(*contest->weights));
	contest->reach = carve(&at, criteria, sizeof(*contest->reach));
	contest->traits = carve(&at, rubric->def.trait_count, sizeof(*contest->traits));
	contest->row = carve(&at, criteria, sizeof(*contest->row));
	contest->places = carve(&at, n, sizeof(*contest->places));
	return at;
}

size_t lf_contest_bytes(const struct lf_rubric *rubric, const struct lf_case *the_case)
{
	size_t n = the_case->member_count, criteria = rubric->def.criterion_count,
	       lines = criteria + rubric->need_count;
	size_t alignment = rubric->has_alignment ? rubric->def.discipline_count : 0;

	/* As lay_out(), each array up to 15 bytes more. */
	return n * ((criteria + alignment + 9) * sizeof(double) + 2 + sizeof(uint32_t)) +
		lines * (sizeof(struct lf_line) + sizeof(double)) +
		criteria * (2 * sizeof(double) + sizeof(struct lf_criterion_score)) +
		rubric->def.trait_count * sizeof(double) + 20 * 16;
}

/* Gates that no trait can move: on availability, ratings and coverage. */
static bool is_barred(const struct lf_contest *contest, const struct lf_member_score *row)
{
	const struct lf_rubric_def *def = &contest->rubric->def;

	for (size_t g = 0; g < def->gate_count; g++) {
		const struct lf_gate_def *gate = &def->gates[g];

		if (gate->criterion == LF_NONE) {
			if (contest->the_case->members[row->member].availability < gate->at_least)
				return true;
		} else if (def->criteria[gate->criterion].derived != LF_DOMAIN_ALIGNMENT &&
			!lf_gate_passed(contest->rubric, gate, &row->criteria[gate->criterion])) {
			return true;
		}
	}
	return false;
}

static void find_alignments(struct lf_contest *contest)
{
	const struct lf_rubric *rubric = contest->rubric;

	contest->alignments = 0;
	contest->favourite = LF_NONE;
	contest->alignment = rubric->def.criterion_count;
	contest->bound = -1;
	for (size_t c = rubric->def.criterion_count; c-- > 0;) {
		if (rubric->criteria[c].derived != LF_DOMAIN_ALIGNMENT)
			continue;
		contest->alignments++;
		contest->alignment = c;
	}
	contest->exact = rubric->def.aggregation == LF_ADDITIVE && contest->alignments <= 1;
	for (size_t g = 0; contest->alignments == 1 && g < rubric->def.gate_count; g++) {
		const struct lf_gate_def *gate = &rubric->def.gates[g];

		if (gate->criterion == rubric->criteria[contest->alignment].index && gate->at_least > contest->bound)
			contest->bound = gate->at_least;
	}
}

void lf_contest_begin(
	struct lf_contest *contest, const struct lf_scoring *scoring, const struct lf_member_score *rows, size_t count)
{
	const struct lf_rubric *rubric = scoring->rubric;
	size_t disciplines = rubric->def.discipline_count;
	unsigned char *end;

	*contest = (struct lf_contest){.rubric = rubric, .the_case = scoring->the_case, .rows = rows, .count = count};
	end = lay_out(contest, rubric, scoring->the_case, scoring->space.contest);
	assert(end <= (unsigned char *)scoring->space.contest + lf_contest_bytes(rubric, scoring->the_case));
	(void)end;
	find_alignments(contest);
	for (size_t i = 0; i < count; i++) {
		for (size_t c = 0; c < rubric->def.criterion_count; c++)
			contest->values[c * count + i] = rows[i].criteria[rubric->criteria[c].index].value;
		contest->barred[i] = is_barred(contest, &rows[i]);
		if (contest->alignments == 0)
			continue;
		lf_find_expertise(scoring, &scoring->the_case->members[rows[i].member]);
		for (size_t d = 0; d < disciplines; d++)
			contest->expertise[d * count + i] = scoring->space.expertise[d];
	}
}

/* ---- rounding ---- */

/* The multiple of 1e-6 at or beyond x in that direction, in units; one that x misses by rounding only counts as
 * reached. */
static int64_t outward(double x, double direction)
{
	double units = x * 1e6 * direction;
	int64_t k = (int64_t)units; /* towards 0 */

	if ((double)k > units)
		k--; /* now k <= units < k + 1 */
	if (units - (double)k > 1e-3)
		k++;
	return direction > 0 ? k : -k;
}

/* A multiple of 1e-6, kept within the range. */
static double within(int64_t units, double min, double max)
{
	double y = (double)units / 1e6 + 0.0;

	return y < min ? min : y > max ? max : y;
}

bool lf_round_outward(
	double x, double direction, double min, double max, int steps, lf_flips_fn flips, void *context, double *to)
{
	int64_t units = outward(x, direction), sign = direction > 0 ? 1 : -1, failed = units - sign;
	double y;

	for (int i = 0; !flips(context, *to = within(units, min, max)); i++) {
		if (i == steps || (direction > 0 ? *to >= max : *to <= min))
			return false;
		failed = units;
		units += sign * (i == 0 ? 1 : INT64_C(1) << (i - 1));
	}
	/* Long steps may have gone too far. */
	while ((units - failed) * sign > 1) {
		int64_t middle = failed + (units - failed) / 2;

		if (flips(context, within(middle, min, max)))
			units = middle;
		else
			failed = middle;
	}
	y = within(units, min, max);
	if (y == *to)
		return true;
	*to = y;
	return flips(context, y);
}

/* ---- all of it ---- */

static void clear(struct lf_changes *changes)
{
	for (int k = 0; k < LF_CHANGE_KINDS; k++)
		changes->smallest[k] = (struct lf_change){
			.place = LF_NONE,
			.criterion = LF_NONE,
			.evidence = LF_NONE,
			.trait = LF_NONE,
			.first = LF_NONE,
			.gate = LF_NONE,
		};
}

bool lf_find_changes(const struct lf_rubric *rubric, const struct lf_case *the_case, const struct lf_result *result,
	void *workspace, struct lf_changes *changes)
{
	const struct lf_member_score *ranking = result->ranking;
	struct lf_scoring scoring = {.rubric = rubric, .the_case = the_case};
	struct lf_search search = {.result = result, .changes = changes, .second = LF_NONE};
	bool contested;

	if (result->ranking_count == 0 || !ranking[0].eligible)
		return false;
	contested = result->ranking_count > 1 && ranking[1].eligible;
	if (contested && !(ranking[1].score < ranking[0].score))
		return false;
	(void)lf_workspace_carve(rubric, the_case, workspace, &scoring.space);
	assert(ranking == scoring.space.ranking);
	lf_contest_begin(&search.contest, &scoring, scoring.space.scored, result->ranking_count);
	for (size_t i = 0; i < result->ranking_count; i++)
		search.contest.places[scoring.space.rank_order[i]] = (uint32_t)i;
	search.order = scoring.space.rank_order;
	search.first = search.order[0];
	search.contest.favourite = search.first; /* a tie is no flip */
	if (contested)
		search.second = search.order[1];
	clear(changes);
	changes->approximate = !search.contest.exact;
	lf_find_weights(&search);
	lf_find_ratings(&search);
	lf_find_trait(&search);
	return true;
}
