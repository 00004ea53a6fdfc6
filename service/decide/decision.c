#include "service/decide/decision.h"

#include <math.h>
#include <string.h>

#include "proto/base/limits.h"
#include "proto/wire/span.h"
#include "service/decide/text_list.h"

/* What the reply may need beside the packed Decision: frame header, id and time. */
static const size_t reply_reserve = 8192;

/* Where the engine's sentences go. */
struct speaker {
	struct lf_texts explanation, assumptions, changes;
	struct lf_texts *ineligible; /* by place in the ranking */
	Leadfit__V1__Decision *decision;
	bool exhausted;
};

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

static void hear(void *context, enum lf_sentence kind, size_t index, const char *text, size_t length)
{
	struct speaker *s = context;

	switch (kind) {
	case LF_SAY_EXPLANATION:
		lf_texts_add(&s->explanation, text, length);
		break;
	case LF_SAY_CHANGE:
		lf_texts_add(&s->changes, text, length);
		break;
	case LF_SAY_ASSUMPTION:
		lf_texts_add(&s->assumptions, text, length);
		break;
	case LF_SAY_REASON:
		s->decision->ranking[index]->reason = lf_arena_strdup(s->explanation.arena, text, length);
		s->exhausted |= s->decision->ranking[index]->reason == NULL;
		break;
	case LF_SAY_INELIGIBLE:
		lf_texts_add(&s->ineligible[index], text, length);
		break;
	}
}

/* Has the engine say why, and puts its sentences where they belong. */
static void say(Leadfit__V1__Decision *d, const struct lf_answer_parts *parts, struct lf_arena *arena, bool *exhausted)
{
	const struct lf_evaluation *e = parts->evaluation;
	struct speaker s = {
		.explanation.arena = arena, .assumptions.arena = arena, .changes.arena = arena, .decision = d};

	s.ineligible = take(arena, d->n_ranking, sizeof(*s.ineligible), exhausted);
	if (*exhausted)
		return;
	for (size_t i = 0; i < d->n_ranking; i++)
		s.ineligible[i].arena = arena;
	lf_explain(parts->version->compiled, &e->built.engine,
		&(struct lf_findings){
			.result = &e->result,
			.profile = e->profile,
			.changes = e->contested ? &e->changes : NULL,
			.co_lead = &e->co_lead,
		},
		hear, &s);
	d->explanation = s.explanation.items;
	d->n_explanation = s.explanation.count;
	d->assumptions = s.assumptions.items;
	d->n_assumptions = s.assumptions.count;
	d->what_would_change = s.changes.items;
	d->n_what_would_change = s.changes.count;
	*exhausted |= s.exhausted || s.explanation.exhausted || s.assumptions.exhausted || s.changes.exhausted;
	for (size_t i = 0; i < d->n_ranking; i++) {
		d->ranking[i]->ineligible_because = s.ineligible[i].items;
		d->ranking[i]->n_ineligible_because = s.ineligible[i].count;
		*exhausted |= s.ineligible[i].exhausted;
	}
}

static Google__Protobuf__DoubleValue *double_value(double value, struct lf_arena *arena, bool *exhausted)
{
	Google__Protobuf__DoubleValue *wrapper =
		NEW(arena, Google__Protobuf__DoubleValue, google__protobuf__double_value__init, exhausted);

	if (wrapper != NULL)
		wrapper->value = value;
	return wrapper;
}

Google__Protobuf__Timestamp *lf_timestamp_new(int64_t microseconds, struct lf_arena *arena)
{
	bool exhausted = false;
	Google__Protobuf__Timestamp *timestamp =
		NEW(arena, Google__Protobuf__Timestamp, google__protobuf__timestamp__init, &exhausted);
	int64_t rest = microseconds % 1000000;

	if (timestamp == NULL)
		return NULL;
	timestamp->seconds = microseconds / 1000000 - (rest < 0);
	timestamp->nanos = (int32_t)((rest < 0 ? rest + 1000000 : rest) * 1000);
	return timestamp;
}

bool lf_timestamp_read(const Google__Protobuf__Timestamp *timestamp, int64_t *microseconds)
{
	if (timestamp->seconds < -62135596800 || timestamp->seconds > 253402300799 || timestamp->nanos < 0 ||
		timestamp->nanos > 999999999)
		return false;
	*microseconds = timestamp->seconds * 1000000 + timestamp->nanos / 1000;
	return true;
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

static void build_ranking(Leadfit__V1__Decision *d, const struct lf_answer_parts *parts, bool all,
	struct lf_arena *arena, bool *exhausted)
{
	const struct lf_rubric_def *def = lf_rubric_def(parts->version->compiled);
	const struct lf_result *result = &parts->evaluation->result;
	Leadfit__V1__Ranked *ranked = take(arena, result->ranking_count, sizeof(*ranked), exhausted);
	Google__Protobuf__DoubleValue *first_rank_shares =
		take(arena, result->ranking_count, sizeof(*first_rank_shares), exhausted);
	double *shares = rank_shares(parts, arena, exhausted);

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
	const struct lf_version *version, const struct lf_discipline_fit *profile, struct lf_arena *arena)
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
	d->purpose = (Leadfit__V1__Purpose)parts->purpose;
	d->evidence_share = result->evidence_share;
	d->engine_version = LF_ENGINE_VERSION;
	d->explanation_version = LF_EXPLANATION_VERSION;
	if (!isnan(result->margin))
		d->margin = double_value(result->margin, arena, &exhausted);
	d->sensitivity = lf_decision_sensitivity(parts, arena, &exhausted);
	d->co_lead = lf_decision_co_lead(parts, arena, &exhausted);
	say(d, parts, arena, &exhausted);
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

size_t lf_decision_tail(const struct lf_uuid *id, int64_t decided_at_us, uint8_t out[LF_DECISION_TAIL_MAX])
{
	char text[LF_UUID_TEXT_BYTES];
	size_t length = 0, at;

	lf_uuid_print(id, text);
	out[length++] = 1 << 3 | 2; /* decision_id */
	out[length++] = LF_UUID_TEXT_BYTES - 1;
	memcpy(out + length, text, LF_UUID_TEXT_BYTES - 1);
	length += LF_UUID_TEXT_BYTES - 1;
	out[length++] = 2 << 3 | 2; /* decided_at */
	at = length++;
	out[length++] = 1 << 3; /* seconds */
	length += lf_put_varint(out + length, (uint64_t)(decided_at_us / 1000000));
	if (decided_at_us % 1000000 != 0) {
		out[length++] = 2 << 3; /* nanos */
		length += lf_put_varint(out + length, (uint64_t)(decided_at_us % 1000000 * 1000));
	}
	out[at] = (uint8_t)(length - at - 1);
	return length;
}

bool lf_decision_identify(
	Leadfit__V1__Decision *decision, const struct lf_uuid *id, int64_t decided_at_us, struct lf_arena *arena)
{
	char text[LF_UUID_TEXT_BYTES];
	char *copy;

	lf_uuid_print(id, text);
	copy = lf_arena_strdup(arena, text, LF_UUID_TEXT_BYTES - 1);
	decision->decided_at = lf_timestamp_new(decided_at_us, arena);
	if (copy == NULL || decision->decided_at == NULL)
		return false;
	decision->decision_id = copy;
	return true;
}
