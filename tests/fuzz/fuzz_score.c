/*
 * Any bytes as a rubric and a request to score by it: the first two bytes are the length of the rubric's message,
 * little-endian, then comes the ScoreRequest. The way of a request through the service, without network and log. What
 * is scored is a sound answer, and comes back the same from what the log would keep of it.
 */
#include <math.h>
#include <string.h>

#include "proto/base/limits.h"
#include "proto/wire/wire.h"
#include "service/decide/scenario.h"
#include "service/decide/decision.h"
#include "service/decide/time.h"
#include "tests/fuzz/fuzz.h"

static const size_t arena_bytes_max = (size_t)64 * 1024 * 1024;

static struct lf_bytes pack(const ProtobufCMessage *message, struct lf_arena *arena)
{
	struct lf_bytes bytes = {.length = protobuf_c_message_get_packed_size(message)};
	uint8_t *data = lf_arena_alloc(arena, bytes.length);

	REQUIRE(data != NULL);
	protobuf_c_message_pack(message, data);
	bytes.data = data;
	return bytes;
}

static void require_sound(const Leadfit__V1__Decision *decision)
{
	REQUIRE(decision->outcome != LEADFIT__V1__OUTCOME__OUTCOME_UNSPECIFIED);
	REQUIRE((*decision->recommended != '\0') == (decision->outcome == LEADFIT__V1__OUTCOME__RECOMMENDED));
	REQUIRE(decision->n_explanation > 0);
	for (size_t i = 0; i < decision->n_ranking; i++) {
		const Leadfit__V1__Ranked *ranked = decision->ranking[i];

		REQUIRE(ranked->score >= 0 && ranked->score <= 1);
		REQUIRE(ranked->evidence_share >= 0 && ranked->evidence_share <= 1 + 1e-9);
		REQUIRE(ranked->eligible == (ranked->rank > 0) && *ranked->reason != '\0');
		REQUIRE(i == 0 || !ranked->eligible || ranked->score <= decision->ranking[i - 1]->score);
		for (size_t c = 0; c < ranked->n_criteria; c++)
			REQUIRE(ranked->criteria[c]->value >= 0 && ranked->criteria[c]->value <= 1 &&
				isfinite(ranked->criteria[c]->weight));
	}
}

/* The answer as the log would give it back. */
static void require_restored(const struct lf_version *version, const struct lf_answer_parts *parts,
	const Leadfit__V1__ScoreRequest *request, Leadfit__V1__Decision *decision, struct lf_arena *arena)
{
	struct lf_stored stored = {.caller = "local", .decided_at_us = 1000000, .purpose = request->purpose};
	struct lf_error error = LF_ERROR_INIT;
	Leadfit__V1__Decision *restored = NULL;
	struct lf_bytes once, again;

	stored.team = pack(&request->team->base, arena);
	stored.project = pack(&request->project->base, arena);
	stored.answer = lf_answer_pack(parts, request->candidates, request->ignore_undeclared, arena);
	REQUIRE(stored.answer.data != NULL);
	REQUIRE(lf_decision_restore(&stored, version, arena, &restored, &error) == LF_OK);
	REQUIRE(lf_decision_identify(decision, &stored.id, stored.decided_at_us, arena));
	once = pack(&decision->base, arena);
	again = pack(&restored->base, arena);
	REQUIRE(once.length == again.length && memcmp(once.data, again.data, once.length) == 0);
}

static void score(const struct lf_version *version, const uint8_t *data, size_t size)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_checker checker = {.error = &error};
	struct lf_evaluation evaluation;
	struct lf_answer_parts parts;
	Leadfit__V1__ScoreRequest *request;
	Leadfit__V1__Decision *decision;
	struct lf_arena arena;
	int64_t as_of_us = 1767225600000000;

	lf_arena_init(&arena, arena_bytes_max);
	request = (Leadfit__V1__ScoreRequest *)lf_wire_unpack(
		&leadfit__v1__score_request__descriptor, data, size, &arena, &error);
	if (request == NULL || (request->as_of != NULL && !lf_timestamp_read(request->as_of, &as_of_us)))
		goto out;
	lf_wire_canonicalize(&request->base);
	if (lf_evaluate(&evaluation, version,
		    &(struct lf_case_input){
			    .team = request->team,
			    .project = request->project,
			    .candidates = request->candidates,
			    .candidate_count = request->n_candidates,
			    .as_of_seconds = as_of_us / 1000000 - (as_of_us % 1000000 < 0),
			    .ignore_undeclared = request->ignore_undeclared,
		    },
		    NULL, &checker, &arena) != LF_OK) {
		REQUIRE(error.code != LF_OK || checker.found > 0);
		goto out;
	}
	parts = (struct lf_answer_parts){
		.version = version,
		.evaluation = &evaluation,
		.team = request->team,
		.project = request->project,
		.caller = "local",
		.purpose = request->purpose,
		.detail = request->detail,
		.named_candidates = request->n_candidates,
		.as_of_us = as_of_us,
	};
	decision = lf_decision_build(&parts, &arena);
	if (decision == NULL)
		goto out;
	require_sound(decision);
	require_restored(version, &parts, request, decision, &arena);
out:
	lf_error_clean_up(&error);
	lf_arena_clean_up(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_version *version = NULL;
	size_t length;

	if (size < 2)
		return 0;
	length = (size_t)data[0] | (size_t)data[1] << 8;
	if (length > size - 2)
		length = size - 2;
	if (lf_version_new(&version, data + 2, length, "rubric", &error) == LF_OK) {
		(void)lf_version_run_scenarios(version, NULL, NULL, &error);
		score(version, data + 2 + length, size - 2 - length);
	} else {
		REQUIRE(error.code != LF_OK && error.message[0] != '\0');
	}
	lf_version_release(version);
	lf_error_clean_up(&error);
	return 0;
}
