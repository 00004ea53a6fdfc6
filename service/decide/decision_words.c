/* The words of a Decision: the engine says them, here they find their fields. */
#include "service/decide/decision.h"
#include "service/decide/text_list.h"
#include "service/engine/words/words.h"

/* Where the engine's sentences go. */
struct speaker {
	struct lf_text_list explanation, assumptions, changes;
	struct lf_text_list *ineligible; /* by place in the ranking */
	Leadfit__V1__Decision *decision;
	bool exhausted;
};

static void hear(void *context, enum lf_sentence kind, size_t index, const char *text, size_t length)
{
	struct speaker *s = context;

	switch (kind) {
	case LF_SAY_EXPLANATION:
		lf_text_list_add(&s->explanation, text, length);
		break;
	case LF_SAY_CHANGE:
		lf_text_list_add(&s->changes, text, length);
		break;
	case LF_SAY_ASSUMPTION:
		lf_text_list_add(&s->assumptions, text, length);
		break;
	case LF_SAY_REASON:
		s->decision->ranking[index]->reason = lf_arena_strdup(s->explanation.arena, text, length);
		s->exhausted |= s->decision->ranking[index]->reason == NULL;
		break;
	case LF_SAY_INELIGIBLE:
		lf_text_list_add(&s->ineligible[index], text, length);
		break;
	}
}

bool lf_decision_say(Leadfit__V1__Decision *d, const struct lf_answer_parts *parts, struct lf_arena *arena)
{
	const struct lf_evaluation *e = parts->evaluation;
	struct speaker s = {
		.explanation.arena = arena, .assumptions.arena = arena, .changes.arena = arena, .decision = d};

	s.ineligible = lf_arena_zalloc(arena, d->n_ranking, sizeof(*s.ineligible));
	if (s.ineligible == NULL)
		return false;
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
	s.exhausted |= s.explanation.exhausted || s.assumptions.exhausted || s.changes.exhausted;
	for (size_t i = 0; i < d->n_ranking; i++) {
		d->ranking[i]->ineligible_because = s.ineligible[i].items;
		d->ranking[i]->n_ineligible_because = s.ineligible[i].count;
		s.exhausted |= s.ineligible[i].exhausted;
	}
	return !s.exhausted;
}
