#include "service/decide/decision.h"

#include <math.h>
#include <string.h>

#include "proto/base/limits.h"
#include "service/decide/text_list.h"
#include "service/decide/time.h"
#include "service/engine/words/words.h"

/* What the reply may need beside the packed Decision: frame header, id and time. */
static const size_t reply_reserve = 8192;

static void *take(struct lf_arena *arena, size_t count, size_t size, bool *exhausted)
{
	void *memory = lf_arena_zalloc(arena, count, size);

	*exhausted |= memory == NULL;
	return memory;
}

#define NEW(arena, type, init, exhausted)                                                                              \
	init_message(take(arena, 1, sizeof(type), exhausted), (ProtobufCMessageInit)(init))

static void *init_message(void *memory, ProtobufCMessageInit init)
{
	if (memory != NULL)
		init(memory);
	return memory;
}

static Google__Protobuf__DoubleValue *double_value(double value, struct lf_arena *arena, bool *exhausted)
{
	Google__Protobuf__DoubleValue *wrapper =
		NEW(arena, Google__Protobuf__DoubleValue, google__protobuf__double_value__init, exhausted);

	if (wrapper != NULL)
		wrapper->value = value;
	return wrapper;
}

static void build_refs(
	Leadfit__V1__Decision *d, const struct lf_answer_parts *parts, struct lf_arena *arena, bool *exhausted)
{
	d->rubric = NEW(arena, Leadfit__V1__RubricRef, leadfit__v1__rubric_ref__init, exhausted);
	d->team = NEW(arena, Leadfit__V1__TeamRef, leadfit__v1__team_ref__init, exhausted);
	d->project = NEW(arena, Leadfit__V1__ProjectRef, leadfit__v1__project_ref__init, exhausted);
	d->as_of = lf_timestamp_new(parts->as_of_us, arena);
	*exhausted |= d->as_of == NULL;
	if (*exhausted)
		return;
	d->rubric->name = parts->version->message->name;
	d->rubric->digest = lf_unconst(parts->version->digest_text);
	d->team->id = parts->team->id;
	d->team->title = parts->team->title;
	d->project->id = parts->project->id;
	d->project->title = parts->project->title;
}

static void build_criteria(Leadfit__V1__Ranked *to, const struct lf_answer_parts *parts,
	const struct lf_member_score *from, struct lf_arena *arena, bool *exhausted)
{
	static const Leadfit__V1__CriterionScore initial = LEADFIT__V1__CRITERION_SCORE__INIT;
	static const Google__Protobuf__DoubleValue initial_rating = GOOGLE__PROTOBUF__DOUBLE_VALUE__INIT;
	const struct lf_rubric_def *def = lf_rubric_def(parts->version->compiled);
	const double *weights = parts->evaluation->result.weights;
	size_t count = def->criterion_count;
	struct {
		Leadfit__V1__CriterionScore score;
		Google__Protobuf__DoubleValue rating;
	} *cells = lf_arena_alloc(arena, count * sizeof(*cells));

	to->criteria = lf_arena_alloc(arena, count * sizeof(Leadfit__V1__CriterionScore *));
	if (cells == NULL || to->criteria == NULL) {
		*exhausted = true;
		return;
	}
	to->n_criteria = count;
	for (size_t c = 0; c < count; c++) {
		Leadfit__V1__CriterionScore *score = &cells[c].score;

		*score = initial;
		to->criteria[c] = score;
		score->criterion = lf_unconst(def->criteria[c].id);
		score->value = from->criteria[c].value;
		score->weight = weights[c];
		score->contribution = weights[c] * from->criteria[c].value;
		score->evidence_share = from->criteria[c].share;
		if (def->criteria[c].derived != LF_RATED || !from->criteria[c].known)
			continue;
		cells[c].rating = initial_rating;
		cells[c].rating.value = from->criteria[c].rating;
		score->rating = &cells[c].rating;
	}
}

/* Rank shares of every place, where they are asked for and the rubric has them; else NULL. */
static double *rank_shares(const struct lf_answer_parts *parts, struct lf_arena *arena, bool *exhausted)
{
	const struct lf_evaluation *e = parts->evaluation;
	double *shares;

	if (!parts->rank_table || e->result.ranking_count == 0 || isnan(e->result.ranking[0].first_rank_share))
		return NULL;
	shares = take(arena, e->result.ranking_count * LF_RANKS_MAX, sizeof(*shares), exhausted);
	if (shares == NULL ||
		!lf_rank_shares(parts->version->compiled, &e->built.engine, &e->result, e->workspace, shares))
		return NULL;
	return shares;
}

/* The range of every place's score, where the rank table is asked for and the rubric has robustness; else NULL. */
static Leadfit__V1__ScoreRange *score_ranges(
	const struct lf_answer_parts *parts, struct lf_arena *arena, bool *exhausted)
{
	const struct lf_evaluation *e = parts->evaluation;
	size_t count = e->result.ranking_count, samples = lf_rubric_def(parts->version->compiled)->robustness.samples;
	Leadfit__V1__ScoreRange *ranges;
	struct lf_score_range *found;
	double *scratch;

	if (!parts->rank_table || samples == 0 || count == 0)
		return NULL;
	ranges = take(arena, count, sizeof(*ranges), exhausted);
	found = take(arena, count, sizeof(*found), exhausted);
	scratch = take(arena, samples, sizeof(*scratch), exhausted);
	if (ranges == NULL || found == NULL || scratch == NULL ||
		!lf_score_ranges(parts->version->compiled, &e->built.engine, &e->result, e->workspace, scratch, found))
		return NULL;
	for (size_t i = 0; i < count; i++) {
		leadfit__v1__score_range__init(&ranges[i]);
		ranges[i].low = found[i].low;
		ranges[i].high = found[i].high;
	}
	return ranges;
}

/* Whether anything that counts here was observed or stated about the person. */
static bool rests_on_evidence(const struct lf_answer_parts *parts, const struct lf_member_score *score)
{
	const double *weights = parts->evaluation->result.weights;

	for (size_t c = 0; c < lf_rubric_def(parts->version->compiled)->criterion_count; c++) {
		if (weights[c] > 0 && score->criteria[c].share > 0)
			return true;
	}
	return false;
}

static void build_ranking(Leadfit__V1__Decision *d, const struct lf_answer_parts *parts, bool all,
	struct lf_arena *arena, bool *exhausted)
{
	const struct lf_rubric_def *def = lf_rubric_def(parts->version->compiled);
	const struct lf_result *result = &parts->evaluation->result;
	Leadfit__V1__Ranked *ranked = take(arena, result->ranking_count, sizeof(*ranked), exhausted);
	Google__Protobuf__DoubleValue *first_rank_shares =
		take(arena, result->ranking_count, sizeof(*first_rank_shares), exhausted);
	double *shares = rank_shares(parts, arena, exhausted);
	Leadfit__V1__ScoreRange *ranges = score_ranges(parts, arena, exhausted);

	d->ranking = take(arena, result->ranking_count, sizeof(Leadfit__V1__Ranked *), exhausted);
	if (*exhausted)
		return;
	d->n_ranking = result->ranking_count;
	for (size_t i = 0; i < result->ranking_count; i++) {
		const struct lf_member_score *from = &result->ranking[i];

		leadfit__v1__ranked__init(&ranked[i]);
		d->ranking[i] = &ranked[i];
		ranked[i].candidate = lf_unconst(parts->evaluation->built.engine.members[from->member].id);
		ranked[i].rank = from->rank;
		ranked[i].score = from->score;
		ranked[i].eligible = from->eligible;
		ranked[i].evidence_share = from->evidence_share;
		if (!rests_on_evidence(parts, from))
			ranked[i].basis = LEADFIT__V1__BASIS__EXPECTATION_ONLY;
		if (ranges != NULL)
			ranked[i].score_range = &ranges[i];
		if (from->limiting != LF_NONE)
			ranked[i].limiting_criterion = lf_unconst(def->criteria[from->limiting].id);
		if (!isnan(from->first_rank_share)) {
			google__protobuf__double_value__init(&first_rank_shares[i]);
			first_rank_shares[i].value = from->first_rank_share;
			ranked[i].first_rank_share = &first_rank_shares[i];
			d->samples = def->robustness.samples;
		}
		if (shares != NULL) {
			ranked[i].n_rank_shares = LF_RANKS_MAX;
			ranked[i].rank_shares = &shares[i * LF_RANKS_MAX];
		}
		if (all || i < LF_DETAIL_RANKS)
			build_criteria(&ranked[i], parts, from, arena, exhausted);
	}
}

Leadfit__V1__DisciplineFit **lf_decision_fits(
	const struct lf_rubric_version *version, const struct lf_discipline_fit *profile, struct lf_arena *arena)
{
	const struct lf_rubric_def *def = lf_rubric_def(version->compiled);
	Leadfit__V1__DisciplineFit *fits = lf_arena_zalloc(arena, def->discipline_count + 1, sizeof(*fits));
	Leadfit__V1__DisciplineFit **list = lf_arena_zalloc(arena, def->discipline_count + 1, sizeof(*list));

	if (fits == NULL || list == NULL)
		return NULL;
	for (size_t i = 0; i < def->discipline_count; i++) {
		leadfit__v1__discipline_fit__init(&fits[i]);
		fits[i].discipline = lf_unconst(def->disciplines[profile[i].discipline].id);
		fits[i].score = profile[i].score;
		list[i] = &fits[i];
	}
	return list;
}

static Leadfit__V1__Decision *build(const struct lf_answer_parts *parts, bool all, struct lf_arena *arena)
{
	const struct lf_result *result = &parts->evaluation->result;
	bool exhausted = false;
	Leadfit__V1__Decision *d = NEW(arena, Leadfit__V1__Decision, leadfit__v1__decision__init, &exhausted);

	if (d == NULL)
		return NULL;
	build_refs(d, parts, arena, &exhausted);
	build_ranking(d, parts, all, arena, &exhausted);
	d->profile = lf_decision_fits(parts->version, parts->evaluation->profile, arena);
	d->n_profile = lf_rubric_def(parts->version->compiled)->discipline_count;
	if (exhausted || d->profile == NULL)
		return NULL;
	d->outcome = (Leadfit__V1__Outcome)result->outcome;
	if (result->outcome == LF_RECOMMENDED)
		d->recommended = d->ranking[0]->candidate;
	d->ignored = lf_unconst(parts->evaluation->built.ignored);
	d->n_ignored = parts->evaluation->built.ignored_count;
	d->caller = lf_unconst(parts->caller);
	exhausted |=
		!lf_decision_set_clock(d, parts->clock_us, arena) || !lf_decision_set_trace(d, parts->trace_id, arena);
	d->purpose = (Leadfit__V1__Purpose)parts->purpose;
	d->evidence_share = result->evidence_share;
	d->engine_version = parts->evaluation->built.engine.engine_version;
	d->explanation_version = LF_EXPLANATION_VERSION;
	if (!isnan(result->margin))
		d->margin = double_value(result->margin, arena, &exhausted);
	d->sensitivity = lf_decision_sensitivity(parts, arena, &exhausted);
	d->co_lead = lf_decision_co_lead(parts, arena, &exhausted);
	exhausted |= !lf_decision_say(d, parts, arena);
	return exhausted ? NULL : d;
}

Leadfit__V1__Decision *lf_decision_build(const struct lf_answer_parts *parts, struct lf_arena *arena)
{
	bool all = parts->detail == LEADFIT__V1__DETAIL__ALL || parts->named_candidates > 0;
	Leadfit__V1__Decision *decision = build(parts, all, arena);

	if (decision != NULL && all && parts->evaluation->result.ranking_count > LF_DETAIL_RANKS &&
		protobuf_c_message_get_packed_size(&decision->base) > LF_MESSAGE_BYTES_MAX - reply_reserve)
		for (size_t i = LF_DETAIL_RANKS; i < decision->n_ranking; i++)
			decision->ranking[i]->n_criteria = 0;
	return decision;
}
