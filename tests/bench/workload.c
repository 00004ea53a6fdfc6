#include "tests/bench/workload.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "leadfit/v1/scoring.pb-c.h"
#include "tests/bench/drafts.h"

enum {
	POOL_MIN = 4096,
	IDS = LF_WORKLOAD_MEMBERS + 1,
};

struct request {
	size_t offset;
	uint16_t length;
	uint16_t digits[IDS]; /* where the team's number stands */
};

struct lf_workload {
	uint8_t *bytes;
	size_t used;
	struct request *requests;
	size_t count;
	bool new_teams;
};

/* ---- the pool ---- */

/* Where the number within this id stands in the packed bytes. */
static uint16_t find_digits(const uint8_t *data, size_t length, const char *id)
{
	const uint8_t *found = memmem(data, length, id, strlen(id));

	assert(found != NULL);
	return (uint16_t)(found - data + 2);
}

static void add_request(struct lf_workload *workload, struct request *request, struct lf_draft *draft, unsigned team,
	unsigned project, uint64_t seed)
{
	uint8_t *out = workload->bytes + workload->used;
	Leadfit__V1__ScoreRequest message = LEADFIT__V1__SCORE_REQUEST__INIT;

	message.team = lf_draft_team(draft, team, seed);
	message.project = lf_draft_project(draft, project, seed);
	message.as_of = lf_draft_as_of(draft);
	assert(leadfit__v1__score_request__get_packed_size(&message) <= LF_WORKLOAD_REQUEST_BYTES);
	request->offset = workload->used;
	request->length = (uint16_t)leadfit__v1__score_request__pack(&message, out);
	request->digits[0] = find_digits(out, request->length, message.team->id);
	for (unsigned m = 0; m < LF_WORKLOAD_MEMBERS; m++)
		request->digits[m + 1] = find_digits(out, request->length, message.team->members[m]->id);
	workload->used += request->length;
}

enum lf_code lf_workload_new(struct lf_workload **out, const struct lf_bench_settings *settings, struct lf_error *error)
{
	struct lf_workload *workload = calloc(1, sizeof(*workload));
	struct lf_draft *draft = lf_draft_new(LF_WORKLOAD_MEMBERS);
	uint64_t state = settings->seed;

	if (workload == NULL || draft == NULL)
		goto no_memory;
	workload->new_teams = settings->teams == 0;
	workload->count = settings->teams > POOL_MIN ? settings->teams : POOL_MIN;
	workload->bytes = malloc(workload->count * LF_WORKLOAD_REQUEST_BYTES);
	workload->requests = calloc(workload->count, sizeof(*workload->requests));
	if (workload->bytes == NULL || workload->requests == NULL)
		goto no_memory;
	/* Teams in turn, so that each occurs; projects at random. */
	for (size_t i = 0; i < workload->count; i++)
		add_request(workload, &workload->requests[i], draft,
			(unsigned)(settings->teams == 0 ? i : i % settings->teams),
			lf_draft_below(&state, settings->projects), settings->seed);
	lf_draft_destroy(draft);
	*out = workload;
	return LF_OK;
no_memory:
	lf_draft_destroy(draft);
	lf_workload_destroy(workload);
	return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for the requests");
}

void lf_workload_destroy(struct lf_workload *workload)
{
	if (workload == NULL)
		return;
	free(workload->requests);
	free(workload->bytes);
	free(workload);
}

size_t lf_workload_count(const struct lf_workload *workload)
{
	return workload->count;
}

size_t lf_workload_bytes(const struct lf_workload *workload)
{
	return workload->used / workload->count;
}

const uint8_t *lf_workload_request(const struct lf_workload *workload, uint64_t number, uint8_t *buffer, size_t *length)
{
	const struct request *request = &workload->requests[number % workload->count];
	const uint8_t *data = workload->bytes + request->offset;
	char digits[LF_DRAFT_DIGITS + 1];

	*length = request->length;
	if (!workload->new_teams)
		return data;
	memcpy(buffer, data, request->length);
	snprintf(digits, sizeof(digits), "%0*u", LF_DRAFT_DIGITS, (unsigned)(number % 100000000));
	for (unsigned i = 0; i < IDS; i++)
		memcpy(buffer + request->digits[i], digits, LF_DRAFT_DIGITS);
	return buffer;
}

static const uint8_t *next_request(const void *context, uint64_t number, uint8_t *buffer, size_t *length)
{
	return lf_workload_request(context, number, buffer, length);
}

struct lf_source lf_workload_source(const struct lf_workload *workload)
{
	return (struct lf_source){next_request, workload, "Score"};
}
