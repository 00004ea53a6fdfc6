#include "service/decide/summary.h"

#include <math.h>

#include "service/decide/text_list.h"

Leadfit__V1__BatchSummary *lf_summary_build(const struct lf_answer_parts *parts, struct lf_arena *arena)
{
	const struct lf_result *result = &parts->evaluation->result;
	const struct lf_member *members = parts->evaluation->built.engine.members;
	Leadfit__V1__BatchSummary *summary = lf_arena_alloc(arena, sizeof(*summary));
	Leadfit__V1__RubricRef *rubric = lf_arena_alloc(arena, sizeof(*rubric));
	Google__Protobuf__DoubleValue *values = lf_arena_zalloc(arena, 2, sizeof(*values));

	if (summary == NULL || rubric == NULL || values == NULL)
		return NULL;
	leadfit__v1__batch_summary__init(summary);
	leadfit__v1__rubric_ref__init(rubric);
	rubric->name = parts->version->message->name;
	rubric->digest = lf_unconst(parts->version->digest_text);
	summary->rubric = rubric;
	summary->team = parts->team->id;
	summary->project = parts->project->id;
	summary->outcome = (Leadfit__V1__Outcome)result->outcome;
	if (result->ranking_count == 0 || !result->ranking[0].eligible)
		return summary;
	summary->first = lf_unconst(members[result->ranking[0].member].id);
	if (result->outcome == LF_RECOMMENDED)
		summary->recommended = summary->first;
	summary->score = result->ranking[0].score;
	google__protobuf__double_value__init(&values[0]);
	google__protobuf__double_value__init(&values[1]);
	if (!isnan(result->ranking[0].first_rank_share)) {
		values[0].value = result->ranking[0].first_rank_share;
		summary->first_rank_share = &values[0];
	}
	if (!isnan(result->margin) && result->ranking_count > 1) {
		summary->second = lf_unconst(members[result->ranking[1].member].id);
		values[1].value = result->margin;
		summary->margin = &values[1];
	}
	return summary;
}

Leadfit__V1__BatchSummary *lf_summary_of(const Leadfit__V1__Decision *d, struct lf_arena *arena)
{
	Leadfit__V1__BatchSummary *summary = lf_arena_alloc(arena, sizeof(*summary));

	if (summary == NULL)
		return NULL;
	leadfit__v1__batch_summary__init(summary);
	summary->decision_id = d->decision_id;
	summary->decided_at = d->decided_at;
	summary->team = d->team == NULL ? lf_unconst("") : d->team->id;
	summary->project = d->project == NULL ? lf_unconst("") : d->project->id;
	summary->rubric = d->rubric;
	summary->outcome = d->outcome;
	summary->recommended = d->recommended;
	if (d->n_ranking == 0 || !d->ranking[0]->eligible)
		return summary;
	summary->first = d->ranking[0]->candidate;
	summary->score = d->ranking[0]->score;
	summary->first_rank_share = d->ranking[0]->first_rank_share;
	if (d->margin != NULL && d->n_ranking > 1) {
		summary->second = d->ranking[1]->candidate;
		summary->margin = d->margin;
	}
	return summary;
}
