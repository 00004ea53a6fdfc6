#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/decide/scenario.h"
#include "service/rubric/file.h"
#include "tests/service/support.h"

static const size_t arena_bytes_max = (size_t)64 << 20;

static struct lf_rubric_version *from_yaml(const char *yaml, struct lf_error *error)
{
	struct lf_rubric_version *version = NULL;
	struct lf_arena arena;
	ProtobufCMessage *message;
	uint8_t *packed;

	lf_arena_init(&arena, arena_bytes_max);
	message = lf_text_parse(LF_FORMAT_YAML, &leadfit__v1__rubric__descriptor, yaml, strlen(yaml), &arena, error);
	if (message != NULL) {
		packed = lf_arena_alloc(&arena, protobuf_c_message_get_packed_size(message));
		lf_rubric_version_new(&version, packed, protobuf_c_message_pack(message, packed), "", error);
	}
	lf_arena_clean_up(&arena);
	return version;
}

struct lf_rubric_version *support_rubric(const char *yaml)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_rubric_version *version = from_yaml(yaml, &error);

	if (version == NULL)
		fail_msg("%s", error.message);
	return version;
}

struct lf_rubric_version *support_default_rubric(void)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_rubric_version *version = NULL;
	size_t length;
	char *text;

	if (lf_rubric_file_load(&version, LF_SOURCE_DIR "/service/rubrics/tech-lead.yaml", &text, &length, &error) !=
		LF_OK)
		fail_msg("%s", error.message);
	free(text);
	return version;
}

struct lf_rubric_version *support_default_rubric_as(Leadfit__V1__Aggregation aggregation, double collaboration_at_least)
{
	struct lf_rubric_version *version = support_default_rubric(), *other = NULL;
	Leadfit__V1__Rubric rubric = *version->message;
	struct lf_error error = LF_ERROR_INIT;
	uint8_t *packed;

	rubric.aggregation = aggregation;
	assert_string_equal(rubric.gates[0]->criterion, "collaboration");
	rubric.gates[0]->at_least->value = collaboration_at_least; /* in a version that is about to go */
	rubric.n_scenarios = 0;                                    /* they hold under ADDITIVE */
	packed = malloc(leadfit__v1__rubric__get_packed_size(&rubric));
	assert_non_null(packed);
	if (lf_rubric_version_new(&other, packed, leadfit__v1__rubric__pack(&rubric, packed), "", &error) != LF_OK)
		fail_msg("%s", error.message);
	free(packed);
	lf_rubric_version_release(version);
	return other;
}

void support_rubric_errors(const char *yaml, char *out, size_t size)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_rubric_version *version = from_yaml(yaml, &error);
	size_t length = 0;

	*out = '\0';
	if (version != NULL)
		lf_rubric_version_run_scenarios(version, NULL, NULL, &error);
	lf_rubric_version_release(version);
	for (size_t i = 0; i < error.violation_kept && length < size; i++)
		length += (size_t)snprintf(out + length, size - length, "%s: %s\n", error.violations[i].field,
			error.violations[i].description);
	lf_error_clean_up(&error);
}

void support_evaluate(struct support_case *c, const struct lf_rubric_version *version, const char *text)
{
	memset(c, 0, sizeof(*c));
	lf_arena_init(&c->arena, arena_bytes_max);
	c->request = (Leadfit__V1__ScoreRequest *)lf_text_parse(
		LF_FORMAT_YAML, &leadfit__v1__score_request__descriptor, text, strlen(text), &c->arena, &c->error);
	if (c->request == NULL)
		fail_msg("%s", c->error.message);
	support_evaluate_again(c, version);
}

void support_evaluate_again(struct support_case *c, const struct lf_rubric_version *version)
{
	struct lf_checker checker = {.error = &c->error};
	const Leadfit__V1__ScoreRequest *request = c->request;

	c->code = lf_evaluate(&c->evaluation, version,
		&(struct lf_case_input){
			.team = request->team,
			.project = request->project,
			.candidates = request->candidates,
			.candidate_count = request->n_candidates,
			.as_of_seconds = request->as_of != NULL ? request->as_of->seconds : 1767225600,
			.ignore_undeclared = request->ignore_undeclared,
		},
		NULL, &checker, &c->arena);
}

Leadfit__V1__Decision *support_decide(struct support_case *c, const struct lf_rubric_version *version)
{
	const Leadfit__V1__ScoreRequest *request = c->request;
	Leadfit__V1__Decision *decision;

	assert_int_equal(c->code, LF_OK);
	c->parts = (struct lf_answer_parts){
		.version = version,
		.evaluation = &c->evaluation,
		.team = request->team,
		.project = request->project,
		.caller = "local",
		.detail = request->detail,
		.named_candidates = request->n_candidates,
		.as_of_us = (request->as_of != NULL ? request->as_of->seconds : 1767225600) * 1000000,
		.rank_table = request->rank_table,
	};
	decision = lf_decision_build(&c->parts, &c->arena);
	assert_non_null(decision);
	return decision;
}

struct lf_bytes support_pack(struct support_case *c, const ProtobufCMessage *message)
{
	uint8_t *data = lf_arena_alloc(&c->arena, protobuf_c_message_get_packed_size(message));

	assert_non_null(data);
	return (struct lf_bytes){data, protobuf_c_message_pack(message, data)};
}

Leadfit__V1__Decision *support_restore(
	struct support_case *c, const struct lf_rubric_version *version, Leadfit__V1__Decision *decision)
{
	struct lf_stored stored = {.caller = "local", .decided_at_us = 1000000};
	Leadfit__V1__Decision *restored = NULL;
	Leadfit__V1__Answer *answer;

	stored.team = support_pack(c, &c->request->team->base);
	stored.project = support_pack(c, &c->request->project->base);
	stored.answer = lf_answer_pack(&c->parts, c->request->candidates, c->request->ignore_undeclared, &c->arena);
	assert_non_null(stored.answer.data);
	answer = lf_answer_read(&stored, &c->arena, &c->error);
	assert_non_null(answer);
	answer->explanation_version = 1;
	stored.answer = support_pack(c, &answer->base);
	if (lf_decision_restore(&stored, version, &c->arena, &restored, &c->error) != LF_OK)
		fail_msg("%s", c->error.message);
	assert_true(lf_decision_identify(decision, &stored.id, stored.decided_at_us, &c->arena));
	return restored;
}

void support_clean_up(struct support_case *c)
{
	lf_arena_clean_up(&c->arena);
	lf_error_clean_up(&c->error);
}

const char *support_at(const struct support_case *c, size_t place)
{
	assert_int_equal(c->code, LF_OK);
	assert_true(place < c->evaluation.result.ranking_count);
	return c->evaluation.built.engine.members[c->evaluation.result.ranking[place].member].id;
}

double support_score(const struct support_case *c, const char *id)
{
	for (size_t i = 0; i < c->evaluation.result.ranking_count; i++)
		if (strcmp(support_at(c, i), id) == 0)
			return c->evaluation.result.ranking[i].score;
	fail_msg("%s is not in the ranking", id);
	return 0;
}
