/* What would put another candidate first: the candidates beside each other. DESIGN.md says what is sought. */
#include "service/engine/change.h"

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
			!lf_gate_passed(contest->rubric, contest->ties, gate, &row->criteria[gate->criterion])) {
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

	*contest = (struct lf_contest){
		.rubric = rubric,
		.the_case = scoring->the_case,
		.rows = rows,
		.count = count,
		.ties = lf_ties_of(scoring->the_case),
	};
	lf_contest_carve(contest, rubric, scoring->the_case, scoring->space.contest);
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
	if (contested && ranking[1].rank == 1)
		return false;
	if (rubric->expertise_strength > 0)
		lf_scoring_begin(&scoring, rubric, the_case, workspace);
	else
		(void)lf_workspace_carve(rubric, the_case, workspace, &scoring.space);
	search.scoring = &scoring;
	LF_CHECK(E7, ranking == scoring.space.ranking);
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
