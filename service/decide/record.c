#include "service/decide/record.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/base/limits.h"
#include "proto/wire/wire.h"
#include "service/decide/text_list.h"

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

struct lf_bytes lf_record_pack(const ProtobufCMessage *message, size_t hint, struct lf_arena *arena)
{
	struct lf_bytes bytes;

	bytes.data = lf_wire_pack(message, arena, hint, &bytes.length);
	return bytes;
}

bool lf_record_digest(const Leadfit__V1__ScoreRequest *request, const struct lf_digest *team,
	const struct lf_digest *project, struct lf_arena *arena, struct lf_digest *digest)
{
	Leadfit__V1__ScoreRequest rest = *request;
	struct lf_digest parts[3] = {*team, *project};
	struct lf_bytes bytes;

	rest.team = NULL;
	rest.project = NULL;
	rest.idempotency_key = lf_unconst("");
	bytes = lf_record_pack(&rest.base, 0, arena);
	if (bytes.data == NULL)
		return false;
	lf_sha256(bytes.data, bytes.length, &parts[2]);
	lf_sha256(parts, sizeof(parts), digest);
	return true;
}

int64_t lf_record_as_of(const Google__Protobuf__Timestamp *as_of, struct lf_checker *checker)
{
	int64_t as_of_us = now_us();

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

bool lf_record_fill(struct lf_append *append, const Leadfit__V1__ScoreRequest *request,
	const struct lf_answer_parts *parts, struct lf_arena *arena)
{
	const struct lf_evaluation *e = parts->evaluation;

	append->team_id = request->team->id;
	append->project_id = request->project->id;
	append->rubric_name = parts->version->message->name;
	append->rubric_digest = parts->version->digest;
	append->outcome = e->result.outcome;
	append->purpose = request->purpose;
	append->recommended =
		e->result.outcome == LF_RECOMMENDED ? e->built.engine.members[e->result.ranking[0].member].id : "";
	append->answer = lf_answer_pack(parts, request->candidates, request->ignore_undeclared, arena);
	append->candidates = candidate_ids(&e->built.engine, arena, &append->candidate_count);
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

void lf_record_move(struct lf_append *append, bool with_team, void *block)
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
}
