#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/rubric_file.h"
#include "tests/service/support.h"

static const size_t arena_bytes_max = (size_t)64 << 20;

static struct lf_version *from_yaml(const char *yaml, struct lf_error *error)
{
	struct lf_version *version = NULL;
	struct lf_arena arena;
	ProtobufCMessage *message;
	uint8_t *packed;

	lf_arena_init(&arena, arena_bytes_max);
	message = lf_text_parse(LF_FORMAT_YAML, &leadfit__v1__rubric__descriptor, yaml, strlen(yaml), &arena, error);
	if (message != NULL) {
		packed = lf_arena_alloc(&arena, protobuf_c_message_get_packed_size(message));
		lf_version_new(&version, packed, protobuf_c_message_pack(message, packed), "", error);
	}
	lf_arena_clean_up(&arena);
	return version;
}

struct lf_version *support_rubric(const char *yaml)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_version *version = from_yaml(yaml, &error);

	if (version == NULL)
		fail_msg("%s", error.message);
	return version;
}

struct lf_version *support_default_rubric(void)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_version *version = NULL;
	size_t length;
	char *text;

	if (lf_rubric_file_load(&version, LF_SOURCE_DIR "/service/rubrics/tech-lead.yaml", &text, &length, &error) != LF_OK)
		fail_msg("%s", error.message);
	free(text);
	return version;
}

void support_rubric_errors(const char *yaml, char *out, size_t size)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_version *version = from_yaml(yaml, &error);
	size_t length = 0;

	*out = '\0';
	if (version != NULL)
		lf_version_run_scenarios(version, &error);
	lf_version_release(version);
	for (size_t i = 0; i < error.violation_kept && length < size; i++)
		length += (size_t)snprintf(out + length, size - length, "%s: %s\n", error.violations[i].field,
			error.violations[i].description);
	lf_error_clean_up(&error);
}

void support_evaluate(struct support_case *c, const struct lf_version *version, const char *text)
{
	struct lf_checker checker = {.error = &c->error};
	Leadfit__V1__ScoreRequest *request;

	memset(c, 0, sizeof *c);
	lf_arena_init(&c->arena, arena_bytes_max);
	request = (Leadfit__V1__ScoreRequest *)lf_text_parse(
		LF_FORMAT_YAML, &leadfit__v1__score_request__descriptor, text, strlen(text), &c->arena, &c->error);
	if (request == NULL)
		fail_msg("%s", c->error.message);
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
