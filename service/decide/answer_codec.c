/* The log's compact Answer: numbers in canonical order, from which the whole Decision comes back. */
#include "proto/base/check.h"
#include "proto/base/trace.h"
#include "proto/wire/wire.h"
#include "service/decide/decision.h"
#include "service/decide/text_list.h"
#include "service/decide/time.h"
#include "service/engine/words/words.h"

bool lf_answer_numbers(Leadfit__V1__Answer *answer, const struct lf_answer_parts *parts, struct lf_arena *arena)
{
	size_t criteria = lf_rubric_def(parts->version->compiled)->criterion_count,
	       members = parts->evaluation->built.engine.member_count, cells = criteria * members;
	double *numbers = lf_arena_alloc(arena, (criteria + 2 * members + 2 * cells) * sizeof(*numbers));
	uint32_t *unknown =
		lf_arena_alloc(arena, cells * sizeof(*unknown)); /* lf_result_numbers() sets all that is used */

	if (numbers == NULL || unknown == NULL)
		return false;
	answer->n_weights = criteria;
	answer->weights = numbers;
	answer->n_scores = members;
	answer->scores = answer->weights + criteria;
	answer->n_ratings = cells;
	answer->ratings = answer->scores + members;
	answer->n_shares = cells;
	answer->shares = answer->ratings + cells;
	answer->unknown = unknown;
	answer->first_rank_shares = answer->shares + cells;
	if (lf_result_numbers(parts->version->compiled, &parts->evaluation->built.engine, &parts->evaluation->result,
		    answer->weights, answer->scores, answer->ratings, answer->shares, answer->unknown,
		    &answer->n_unknown, answer->first_rank_shares))
		answer->n_first_rank_shares = members;
	LF_CHECK(D5, answer->n_unknown <= cells);
	return true;
}

struct lf_bytes lf_answer_pack(
	const struct lf_answer_parts *parts, char *const *candidates, bool ignore_undeclared, struct lf_arena *arena)
{
	Leadfit__V1__Answer answer = LEADFIT__V1__ANSWER__INIT;
	struct lf_bytes bytes = {0};

	if (!lf_answer_numbers(&answer, parts, arena))
		return bytes;
	answer.n_candidates = parts->named_candidates;
	answer.candidates = lf_unconst(candidates);
	answer.ignore_undeclared = ignore_undeclared;
	answer.detail = parts->detail;
	answer.rank_table = parts->rank_table;
	answer.as_of_us = parts->as_of_us;
	answer.clock_us = parts->clock_us;
	if (parts->trace_id != NULL)
		answer.trace_id = (ProtobufCBinaryData){LF_TRACE_ID_BYTES, (uint8_t *)(uintptr_t)parts->trace_id};
	answer.engine_version = parts->evaluation->built.engine.engine_version;
	answer.explanation_version = LF_EXPLANATION_VERSION;
	answer.outcome = parts->evaluation->result.outcome;
	bytes.data = lf_wire_pack(&answer.base, arena,
		(answer.n_weights + answer.n_scores + 2 * answer.n_ratings) * sizeof(double) + 256, &bytes.length);
	return bytes;
}

static enum lf_code damaged(struct lf_error *error, const char *what)
{
	return lf_error_set(error, LF_DATA_LOSS, "the stored decision is damaged: %s", what);
}

/* NULL: error says whether the bytes are damaged or memory ran out. */
static ProtobufCMessage *unpack(const ProtobufCMessageDescriptor *type, const struct lf_bytes *bytes,
	struct lf_arena *arena, struct lf_error *error)
{
	struct lf_error inner = LF_ERROR_INIT;
	ProtobufCMessage *message = lf_wire_unpack(type, bytes->data, bytes->length, arena, &inner);

	if (message == NULL && inner.code == LF_RESOURCE_EXHAUSTED)
		lf_error_set(error, inner.code, "%s", inner.message);
	else if (message == NULL)
		damaged(error, inner.message);
	lf_error_clean_up(&inner);
	return message;
}

Leadfit__V1__Answer *lf_answer_read(const struct lf_stored *stored, struct lf_arena *arena, struct lf_error *error)
{
	return (Leadfit__V1__Answer *)unpack(&leadfit__v1__answer__descriptor, &stored->answer, arena, error);
}

static bool sizes_fit(const Leadfit__V1__Answer *answer, size_t criteria, size_t members)
{
	if (answer->n_weights != criteria || answer->n_scores != members || answer->n_ratings != criteria * members ||
		answer->n_shares != criteria * members ||
		(answer->n_first_rank_shares != 0 && answer->n_first_rank_shares != members))
		return false;
	for (size_t i = 0; i < answer->n_unknown; i++)
		if (answer->unknown[i] >= criteria * members || (i > 0 && answer->unknown[i] <= answer->unknown[i - 1]))
			return false;
	return true;
}

/* ---- what was redacted ---- */

struct lf_bytes lf_answer_redacted(
	const Leadfit__V1__Answer *answer, Leadfit__V1__Decision *frozen, struct lf_arena *arena)
{
	Leadfit__V1__Answer redacted = LEADFIT__V1__ANSWER__INIT;
	struct lf_bytes bytes;

	redacted.as_of_us = answer->as_of_us;
	redacted.clock_us = answer->clock_us;
	redacted.engine_version = answer->engine_version;
	redacted.explanation_version = answer->explanation_version;
	redacted.outcome = answer->outcome;
	redacted.frozen = frozen;
	redacted.pruned = frozen == NULL;
	bytes.data = lf_wire_pack(&redacted.base, arena, 0, &bytes.length);
	return bytes;
}

Leadfit__V1__Decision *lf_decision_outline(const struct lf_stored *stored, const Leadfit__V1__Answer *answer,
	const char *redaction, struct lf_arena *arena)
{
	Leadfit__V1__Decision *d = lf_arena_alloc(arena, sizeof(*d));
	Leadfit__V1__RubricRef *rubric = lf_arena_alloc(arena, sizeof(*rubric));
	Leadfit__V1__TeamRef *team = lf_arena_alloc(arena, sizeof(*team));
	Leadfit__V1__ProjectRef *project = lf_arena_alloc(arena, sizeof(*project));
	char **redactions = lf_arena_alloc(arena, sizeof(*redactions));
	char digest[65];

	if (d == NULL || rubric == NULL || team == NULL || project == NULL || redactions == NULL)
		return NULL;
	leadfit__v1__decision__init(d);
	leadfit__v1__rubric_ref__init(rubric);
	leadfit__v1__team_ref__init(team);
	leadfit__v1__project_ref__init(project);
	lf_digest_print(&stored->rubric_digest, digest);
	d->as_of = lf_timestamp_new(answer->as_of_us, arena);
	d->rubric = rubric;
	rubric->name = lf_unconst(stored->rubric_name);
	rubric->digest = lf_arena_strdup(arena, digest, sizeof(digest) - 1);
	d->team = team;
	team->id = lf_unconst(stored->team_id);
	d->project = project;
	project->id = lf_unconst(stored->project_id);
	d->outcome = (Leadfit__V1__Outcome)stored->outcome;
	d->engine_version = answer->engine_version;
	d->explanation_version = answer->explanation_version;
	d->redactions = redactions;
	d->n_redactions = 1;
	redactions[0] = lf_unconst(redaction);
	return d->as_of != NULL && rubric->digest != NULL ? d : NULL;
}

/* What is left of a decision that was frozen or pruned, with what the log has beside it. */
static enum lf_code restore_redacted(const struct lf_stored *stored, const Leadfit__V1__Answer *answer,
	struct lf_arena *arena, Leadfit__V1__Decision **decision, struct lf_error *error)
{
	if (answer->outcome != stored->outcome)
		return damaged(error, "its two outcomes differ");
	*decision = answer->frozen;
	if (answer->frozen == NULL)
		*decision = lf_decision_outline(stored, answer,
			"It is older than is kept: what it was made of, who took part, and who was recommended was "
			"pruned.",
			arena);
	if (*decision == NULL || !lf_decision_identify(*decision, &stored->id, stored->decided_at_us, arena) ||
		!lf_decision_set_clock(*decision, answer->clock_us, arena))
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory to restore the decision");
	(*decision)->caller = lf_unconst(stored->caller);
	(*decision)->purpose = (Leadfit__V1__Purpose)stored->purpose;
	return LF_OK;
}

/* ---- restoring ---- */

enum lf_code lf_decision_restore(const struct lf_stored *stored, const struct lf_rubric_version *version,
	struct lf_arena *arena, Leadfit__V1__Decision **decision, struct lf_error *error)
{
	struct lf_error inner = LF_ERROR_INIT;
	struct lf_checker checker = {.error = &inner};
	struct lf_evaluation evaluation;
	Leadfit__V1__Answer *answer = lf_answer_read(stored, arena, error);
	Leadfit__V1__Project *project;
	Leadfit__V1__Team *team;
	enum lf_code code;

	if (answer == NULL)
		return error->code;
	if (answer->frozen != NULL || answer->pruned)
		return restore_redacted(stored, answer, arena, decision, error);
	team = (Leadfit__V1__Team *)unpack(&leadfit__v1__team__descriptor, &stored->team, arena, error);
	project = (Leadfit__V1__Project *)unpack(&leadfit__v1__project__descriptor, &stored->project, arena, error);
	if (team == NULL || project == NULL)
		return error->code;
	if (!sizes_fit(answer, version->criteria.count, team->n_members))
		return damaged(error, "its numbers do not fit its team and rubric");
	code = lf_evaluate(&evaluation, version,
		&(struct lf_case_input){
			.team = team,
			.project = project,
			.candidates = answer->candidates,
			.candidate_count = answer->n_candidates,
			.as_of_seconds = lf_seconds_of(answer->as_of_us),
			.ignore_undeclared = answer->ignore_undeclared,
			.engine_version = answer->engine_version,
		},
		&(struct lf_stored_numbers){answer->weights, answer->scores, answer->ratings, answer->shares,
			answer->unknown, answer->n_unknown,
			answer->n_first_rank_shares == 0 ? NULL : answer->first_rank_shares},
		&checker, arena);
	if (code == LF_RESOURCE_EXHAUSTED) {
		lf_error_move(error, &inner);
		return code;
	}
	if (code != LF_OK) {
		code = damaged(error, inner.message);
		lf_error_clean_up(&inner);
		return code;
	}
	if ((uint32_t)evaluation.result.outcome != answer->outcome)
		return damaged(error, "its outcome does not follow from its numbers");
	*decision = lf_decision_build(
		&(struct lf_answer_parts){
			.version = version,
			.evaluation = &evaluation,
			.team = team,
			.project = project,
			.caller = stored->caller,
			.purpose = stored->purpose,
			.detail = answer->detail,
			.named_candidates = answer->n_candidates,
			.as_of_us = answer->as_of_us,
			.clock_us = answer->clock_us,
			.trace_id = answer->trace_id.len == LF_TRACE_ID_BYTES ? answer->trace_id.data : NULL,
			.rank_table = answer->rank_table,
		},
		arena);
	if (*decision == NULL || !lf_decision_identify(*decision, &stored->id, stored->decided_at_us, arena))
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory to restore the decision");
	return LF_OK;
}
