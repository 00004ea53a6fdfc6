#include "service/decide/record.h"

#include <stdlib.h>
#include <string.h>

#include "proto/base/check.h"
#include "proto/base/clock.h"
#include "proto/base/limits.h"
#include "proto/wire/wire.h"
#include "service/decide/text_list.h"
#include "service/decide/time.h"

/*
 * Digest of a request as sent, which an idempotency key stands for: team and project by content, and all the rest but
 * the key. false where the arena is exhausted.
 */
static bool digest_request(const Leadfit__V1__ScoreRequest *request, const struct lf_digest *team,
	const struct lf_digest *project, struct lf_arena *arena, struct lf_digest *digest)
{
	Leadfit__V1__ScoreRequest rest = *request;
	struct lf_digest parts[3] = {*team, *project};
	const uint8_t *bytes;
	size_t length;

	rest.team = NULL;
	rest.project = NULL;
	rest.idempotency_key = lf_unconst("");
	bytes = lf_wire_pack(&rest.base, arena, 0, &length);
	if (bytes == NULL)
		return false;
	lf_sha256(bytes, length, &parts[2]);
	lf_sha256(parts, sizeof(parts), digest);
	return true;
}

bool lf_record_begin(struct lf_append *append, const Leadfit__V1__ScoreRequest *request, struct lf_team *team,
	struct lf_content *project, size_t hint, const char *caller, struct lf_arena *arena)
{
	append->caller = caller;
	append->idempotency_key = request->idempotency_key;
	if (team == NULL || request->project == NULL)
		return true; /* a violation, found later */
	if (!lf_content_pack(&team->content, &team->message->base, hint, arena) ||
		!lf_content_pack(project, &request->project->base, 0, arena))
		return false;
	append->team = team->content.canonical;
	append->project = project->canonical;
	append->team_digest = team->content.digest;
	append->project_digest = project->digest;
	append->digested = true;
	return *request->idempotency_key == '\0' ||
		digest_request(request, &append->team_digest, &append->project_digest, arena, &append->request_digest);
}

int64_t lf_record_as_of(const Google__Protobuf__Timestamp *as_of, struct lf_checker *checker)
{
	int64_t as_of_us = lf_clock_wall_us();

	if (as_of != NULL && !lf_timestamp_read(as_of, &as_of_us))
		lf_check_fail(checker, "as_of", "is outside the years 1..9999");
	return as_of_us;
}

void lf_record_check(const Leadfit__V1__ScoreRequest *request, int64_t *as_of_us, struct lf_checker *checker)
{
	*as_of_us = lf_record_as_of(request->as_of, checker);
	if ((int)request->purpose < 0 || request->purpose > LEADFIT__V1__PURPOSE__WHAT_IF)
		lf_check_fail(
			checker, "purpose", "%d is not known; allowed are DECISION, WHAT_IF", (int)request->purpose);
	if ((int)request->detail < 0 || request->detail > LEADFIT__V1__DETAIL__ALL)
		lf_check_fail(checker, "detail", "%d is not known; allowed are TOP, ALL", (int)request->detail);
	if (*request->idempotency_key != '\0')
		lf_check_id(checker, "idempotency_key", request->idempotency_key);
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* By id, so that a list is the same list however its team was told, and its digest follows from who is in it. */
static const char **candidate_ids(const struct lf_case *the_case, struct lf_arena *arena, size_t *count)
{
	const char **ids = lf_arena_zalloc(arena, the_case->member_count, sizeof(*ids));

	*count = 0;
	for (size_t m = 0; ids != NULL && m < the_case->member_count; m++)
		if (the_case->members[m].candidate)
			ids[(*count)++] = the_case->members[m].id;
	if (ids != NULL)
		qsort(ids, *count, sizeof(*ids), by_bytes);
	return ids;
}

bool lf_record_fill(struct lf_append *append, const struct lf_step *step, struct lf_arena *arena)
{
	const struct lf_answer_parts parts = lf_step_parts(step);

	LF_CHECK(D6, append->digested && append->caller != NULL);
	append->team_id = parts.team->id;
	append->project_id = parts.project->id;
	append->rubric_name = step->version->message->name;
	append->rubric_digest = step->version->digest;
	append->outcome = step->evaluation.result.outcome;
	append->purpose = step->purpose;
	append->recommended = lf_step_recommended(step);
	append->answer = lf_answer_pack(&parts, step->candidates, step->ignore_undeclared, arena);
	append->candidates = candidate_ids(&step->evaluation.built.engine, arena, &append->candidate_count);
	return append->answer.data != NULL && append->candidates != NULL;
}

/* ---- out of a request's memory ---- */

size_t lf_record_bytes(const struct lf_append *append, bool with_team)
{
	size_t bytes = append->candidate_count * sizeof(*append->candidates) + (with_team ? append->team.length : 0) +
		append->project.length + append->answer.length;

	for (size_t i = 0; i < append->candidate_count; i++)
		bytes += strlen(append->candidates[i]) + 1;
	return bytes + strlen(append->idempotency_key) + strlen(append->team_id) + strlen(append->project_id) +
		strlen(append->recommended) + 4;
}

static void *move(unsigned char **at, const void *data, size_t length)
{
	void *copy = *at;

	memcpy(copy, data, length);
	*at += length;
	return copy;
}

void lf_record_move(struct lf_append *append, bool with_team, void *block, size_t bytes)
{
	const char **candidates = block;
	unsigned char *at = (unsigned char *)(candidates + append->candidate_count);
	const char **texts[] = {&append->idempotency_key, &append->team_id, &append->project_id, &append->recommended};
	struct lf_bytes *all_bytes[] = {&append->project, &append->answer, &append->team};
	const size_t last = sizeof(all_bytes) / sizeof(*all_bytes) - !with_team;

	for (size_t i = 0; i < append->candidate_count; i++)
		candidates[i] = move(&at, append->candidates[i], strlen(append->candidates[i]) + 1);
	append->candidates = candidates;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		*texts[i] = move(&at, *texts[i], strlen(*texts[i]) + 1);
	for (size_t i = 0; i < last; i++)
		all_bytes[i]->data = move(&at, all_bytes[i]->data, all_bytes[i]->length);
	LF_CHECK(D7, (size_t)(at - (unsigned char *)block) == bytes);
}
