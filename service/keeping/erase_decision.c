/* One decision of an erasure: frozen without the person, or rid of its key and the digest of its request. */
#include <stdlib.h>
#include <string.h>

#include "proto/wire/wire.h"
#include "service/decide/decision.h"
#include "service/keeping/erasure.h"
#include "service/state/registry.h"

static bool change_of_part(void *context, ProtobufCMessage *body)
{
	return lf_outcome_redact((Leadfit__V1__OutcomeBody *)body, true, context);
}

static int by_bytes(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/*
 * The decision as it was answered, in scratch. What can't be restored is left with what its columns say: the person
 * goes in any case.
 */
static Leadfit__V1__Decision *restore(
	struct lf_erasure *erase, const struct lf_stored *stored, const Leadfit__V1__Answer *answer)
{
	struct lf_error error = LF_ERROR_INIT;
	Leadfit__V1__Decision *decision = NULL;
	struct lf_rubric_version *version =
		lf_registry_find(erase->walk.redaction.run->state->registry, &stored->rubric_digest, &error);
	uint8_t *bytes;
	size_t length;

	if (version != NULL && lf_decision_restore(stored, version, &erase->walk.scratch, &decision, &error) != LF_OK)
		decision = NULL;
	if (decision == NULL && error.code != LF_RESOURCE_EXHAUSTED && error.code != LF_UNAVAILABLE)
		decision = lf_decision_outline(stored, answer,
			"It could not be restored when a person was erased: what it was made of was taken out.",
			&erase->walk.scratch);
	/* A copy that borrows nothing from the version. */
	bytes = decision == NULL ? NULL : lf_wire_pack(&decision->base, &erase->walk.scratch, 0, &length);
	decision = bytes == NULL ? NULL
				 : (Leadfit__V1__Decision *)lf_wire_unpack(&leadfit__v1__decision__descriptor, bytes,
					   length, &erase->walk.scratch, &error);
	lf_rubric_version_release(version);
	if (decision == NULL && error.code != LF_OK)
		lf_error_move(&erase->walk.error, &error);
	else if (decision == NULL)
		lf_walk_no_memory(&erase->walk);
	lf_error_clean_up(&error);
	return decision;
}

/* Adds the decision as it is frozen. The answer's bytes and all names are copied. */
static enum lf_code add_decision(struct lf_erasure *erase, const struct lf_stored *stored,
	const Leadfit__V1__Answer *answer, Leadfit__V1__Decision *frozen)
{
	struct lf_arena *arena = lf_redaction_arena(&erase->walk.redaction);
	struct lf_redact_item item = {.what = LF_REDACT_DECISION, .id = stored->sequence};
	const char **candidates;
	char *recommended;

	item.bytes = lf_answer_redacted(answer, frozen, arena);
	candidates = lf_arena_zalloc(arena, frozen->n_ranking, sizeof(*candidates));
	recommended = lf_arena_strdup(arena, frozen->recommended, strlen(frozen->recommended));
	if (item.bytes.data == NULL || candidates == NULL || recommended == NULL)
		return lf_walk_no_memory(&erase->walk);
	for (size_t i = 0; i < frozen->n_ranking; i++) {
		const char *id = frozen->ranking[i]->candidate;

		candidates[i] = lf_arena_strdup(arena, id, strlen(id));
		if (candidates[i] == NULL)
			return lf_walk_no_memory(&erase->walk);
	}
	if (frozen->n_ranking > 0)
		qsort(candidates, frozen->n_ranking, sizeof(*candidates), by_bytes);
	item.candidates = candidates;
	item.candidate_count = frozen->n_ranking;
	item.recommended = recommended;
	lf_redaction_add(&erase->walk.redaction, &item);
	return LF_OK;
}

enum lf_code lf_erase_from_decision(struct lf_erasure *erase, const struct lf_stored *stored, bool listed)
{
	Leadfit__V1__Decision *frozen;
	Leadfit__V1__Answer *answer;

	lf_arena_reset(&erase->walk.scratch);
	answer = lf_answer_read(stored, &erase->walk.scratch, &erase->walk.error);
	if (answer == NULL && erase->walk.error.code == LF_DATA_LOSS) {
		lf_error_clean_up(&erase->walk.error);
		lf_error_init(&erase->walk.error);
		answer = lf_arena_alloc(&erase->walk.scratch, sizeof(*answer));
		if (answer == NULL)
			return lf_walk_no_memory(&erase->walk);
		leadfit__v1__answer__init(answer);
	}
	if (answer == NULL)
		return erase->walk.error.code;
	answer->outcome = stored->outcome;
	if (!listed &&
		(answer->pruned || (answer->frozen != NULL && !lf_decision_names(answer->frozen, erase->who.id))))
		return LF_OK;
	if (lf_redaction_add_acts(
		    &erase->walk.redaction, &stored->id, change_of_part, &erase->who, &erase->walk.error) != LF_OK)
		return erase->walk.error.code;
	frozen = answer->frozen != NULL ? answer->frozen : restore(erase, stored, answer);
	if (frozen == NULL || lf_redaction_make_room(&erase->walk.redaction, &erase->walk.error) != LF_OK)
		return erase->walk.error.code;
	if (!lf_decision_redact(
		    frozen, &(struct lf_redactor){erase->who.id, erase->who.tombstone, &erase->walk.scratch}))
		return lf_walk_no_memory(&erase->walk);
	return add_decision(erase, stored, answer, frozen);
}

/*
 * Ids of the decision's candidates, rising, in scratch. NULL: they can't be told, or memory ran out, which error says.
 */
static const char **candidates_of(
	struct lf_erasure *erase, const struct lf_stored *stored, const Leadfit__V1__Answer *answer, size_t *count)
{
	const Leadfit__V1__Team *team = (const Leadfit__V1__Team *)lf_wire_unpack(&leadfit__v1__team__descriptor,
		stored->team.data, stored->team.length, &erase->walk.scratch, &erase->walk.error);
	const char **ids;

	if (team == NULL) {
		if (erase->walk.error.code != LF_RESOURCE_EXHAUSTED) {
			lf_error_clean_up(&erase->walk.error);
			lf_error_init(&erase->walk.error);
		}
		return NULL;
	}
	*count = answer->n_candidates > 0 ? answer->n_candidates : team->n_members;
	ids = lf_arena_zalloc(lf_redaction_arena(&erase->walk.redaction), *count + 1, sizeof(*ids));
	for (size_t i = 0; ids != NULL && i < *count; i++) {
		const char *id = answer->n_candidates > 0 ? answer->candidates[i] : team->members[i]->id;

		ids[i] = lf_arena_strdup(lf_redaction_arena(&erase->walk.redaction), id, strlen(id));
		if (ids[i] == NULL)
			ids = NULL;
	}
	if (ids == NULL)
		lf_walk_no_memory(&erase->walk);
	else if (*count > 0)
		qsort(ids, *count, sizeof(*ids), by_bytes);
	return ids;
}

static bool is_among(const char *id, const char *const *ids, size_t count)
{
	bool found = *id == '\0';

	for (size_t i = 0; i < count && !found; i++)
		found = strcmp(id, ids[i]) == 0;
	return found;
}

enum lf_code lf_erase_forget_request(struct lf_erasure *erase, const struct lf_stored *stored)
{
	struct lf_redact_item item = {.what = LF_REDACT_DECISION, .id = stored->sequence};
	struct lf_arena *arena = lf_redaction_arena(&erase->walk.redaction);
	const Leadfit__V1__Answer *answer;
	uint8_t *bytes;

	lf_arena_reset(&erase->walk.scratch);
	answer = lf_answer_read(stored, &erase->walk.scratch, &erase->walk.error);
	if ((answer == NULL && erase->walk.error.code == LF_DATA_LOSS) ||
		(answer != NULL && (answer->pruned || answer->frozen != NULL))) {
		lf_error_clean_up(&erase->walk.error);
		lf_error_init(&erase->walk.error);
		return lf_erase_from_decision(erase, stored, false);
	}
	if (answer == NULL || lf_redaction_make_room(&erase->walk.redaction, &erase->walk.error) != LF_OK)
		return erase->walk.error.code;
	item.candidates = candidates_of(erase, stored, answer, &item.candidate_count);
	if (lf_walk_failed(&erase->walk))
		return erase->walk.error.code;
	if (item.candidates == NULL || !is_among(stored->recommended, item.candidates, item.candidate_count))
		return lf_erase_from_decision(erase, stored, true);
	bytes = lf_arena_alloc(arena, stored->answer.length);
	item.recommended = lf_arena_strdup(arena, stored->recommended, strlen(stored->recommended));
	if (bytes == NULL || item.recommended == NULL)
		return lf_walk_no_memory(&erase->walk);
	memcpy(bytes, stored->answer.data, stored->answer.length);
	item.bytes = (struct lf_bytes){bytes, stored->answer.length};
	lf_redaction_add(&erase->walk.redaction, &item);
	return LF_OK;
}
