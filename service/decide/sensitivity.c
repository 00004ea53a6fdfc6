/* What would put another candidate first, and the co-lead, as messages. */
#include <math.h>

#include "service/decide/decision.h"
#include "service/decide/text_list.h"
#include "service/decide/words.h"

/* A Sensitivity with all of it that has a fixed size. */
struct block {
	Leadfit__V1__Sensitivity message;
	Leadfit__V1__Change changes[LF_CHANGE_KINDS];
	Google__Protobuf__DoubleValue from[LF_CHANGE_KINDS];
};

/* Id of the candidate at a place of the ranking; "" for LF_NONE. */
static char *candidate_at(const struct lf_evaluation *e, uint32_t place)
{
	return lf_unconst(place == LF_NONE ? "" : e->built.engine.members[e->result.ranking[place].member].id);
}

static bool build_weights(Leadfit__V1__Sensitivity *to, const struct lf_answer_parts *parts, struct lf_arena *arena)
{
	const struct lf_rubric_def *def = lf_rubric_def(parts->version->compiled);
	const struct lf_evaluation *e = parts->evaluation;
	Leadfit__V1__WeightInterval *intervals = lf_arena_alloc(arena, def->criterion_count * sizeof(*intervals));

	to->weights = lf_arena_alloc(arena, def->criterion_count * sizeof(Leadfit__V1__WeightInterval *));
	if (intervals == NULL || to->weights == NULL)
		return false;
	for (size_t c = 0; c < def->criterion_count; c++) {
		const struct lf_weight_interval *from = &e->changes.weights[c];
		Leadfit__V1__WeightInterval *interval = &intervals[c];

		if (from->fixed)
			continue;
		leadfit__v1__weight_interval__init(interval);
		interval->criterion = lf_unconst(def->criteria[c].id);
		interval->weight = e->result.weights[c];
		interval->low = from->low;
		interval->high = from->high;
		interval->low_first = candidate_at(e, from->low_first);
		interval->high_first = candidate_at(e, from->high_first);
		to->weights[to->n_weights++] = interval;
	}
	return true;
}

/* Fills one change that was found. false where the arena is exhausted. */
static bool build_change(Leadfit__V1__Change *to, Google__Protobuf__DoubleValue *value,
	const struct lf_answer_parts *parts, const struct lf_change *from, struct lf_arena *arena)
{
	const struct lf_rubric_def *def = lf_rubric_def(parts->version->compiled);
	const struct lf_evaluation *e = parts->evaluation;

	leadfit__v1__change__init(to);
	to->to = from->to;
	to->first = candidate_at(e, from->first);
	to->candidate = candidate_at(e, from->place);
	if (from->criterion != LF_NONE)
		to->criterion = lf_unconst(def->criteria[from->criterion].id);
	if (from->trait != LF_NONE)
		to->trait = lf_unconst(def->traits[from->trait].id);
	if (from->evidence != LF_NONE)
		to->evidence = (uint32_t)lf_case_evidence_as_sent(
			parts->version, parts->team->members[e->result.ranking[from->place].member], from->evidence);
	if (!isnan(from->from)) {
		google__protobuf__double_value__init(value);
		value->value = from->from;
		to->from = value;
	}
	if (from->gate != LF_NONE)
		to->gate = lf_gate_text(def, from->gate, arena);
	return to->gate != NULL;
}

Leadfit__V1__Sensitivity *lf_decision_sensitivity(
	const struct lf_answer_parts *parts, struct lf_arena *arena, bool *exhausted)
{
	const struct lf_changes *changes = &parts->evaluation->changes;
	struct block *block;
	bool good;

	if (!parts->evaluation->contested)
		return NULL;
	block = lf_arena_alloc(arena, sizeof(*block));
	if (block == NULL) {
		*exhausted = true;
		return NULL;
	}
	leadfit__v1__sensitivity__init(&block->message);
	block->message.approximate = changes->approximate;
	good = build_weights(&block->message, parts, arena);
	for (size_t kind = 0; good && kind < LF_CHANGE_KINDS; kind++) {
		if (changes->smallest[kind].found)
			good = build_change(
				&block->changes[kind], &block->from[kind], parts, &changes->smallest[kind], arena);
	}
	if (changes->smallest[LF_CHANGE_RATING].found)
		block->message.rating = &block->changes[LF_CHANGE_RATING];
	if (changes->smallest[LF_CHANGE_EVIDENCE].found)
		block->message.evidence = &block->changes[LF_CHANGE_EVIDENCE];
	if (changes->smallest[LF_CHANGE_TRAIT].found)
		block->message.trait = &block->changes[LF_CHANGE_TRAIT];
	*exhausted |= !good;
	return &block->message;
}

Leadfit__V1__CoLead *lf_decision_co_lead(const struct lf_answer_parts *parts, struct lf_arena *arena, bool *exhausted)
{
	const struct lf_rubric_def *def = lf_rubric_def(parts->version->compiled);
	const struct lf_evaluation *e = parts->evaluation;
	Leadfit__V1__CoLead *co_lead;
	Leadfit__V1__PairValue *values;

	if (e->co_lead.place == LF_NONE)
		return NULL;
	co_lead = lf_arena_alloc(arena, sizeof(*co_lead));
	values = lf_arena_alloc(arena, def->criterion_count * sizeof(*values));
	if (co_lead == NULL || values == NULL)
		goto no_memory;
	leadfit__v1__co_lead__init(co_lead);
	co_lead->values = lf_arena_alloc(arena, def->criterion_count * sizeof(Leadfit__V1__PairValue *));
	if (co_lead->values == NULL)
		goto no_memory;
	co_lead->candidate = candidate_at(e, e->co_lead.place);
	co_lead->score = e->co_lead.score;
	co_lead->gain = e->co_lead.gain;
	co_lead->criterion = lf_unconst(def->criteria[e->co_lead.criterion].id);
	co_lead->n_values = def->criterion_count;
	for (size_t c = 0; c < def->criterion_count; c++) {
		bool second =
			e->result.ranking[e->co_lead.place].criteria[c].value > e->result.ranking[0].criteria[c].value;

		leadfit__v1__pair_value__init(&values[c]);
		values[c].criterion = lf_unconst(def->criteria[c].id);
		values[c].value = e->pair_values[c];
		values[c].candidate = second ? co_lead->candidate : candidate_at(e, 0);
		co_lead->values[c] = &values[c];
	}
	return co_lead;
no_memory:
	*exhausted = true;
	return NULL;
}
