#include "tests/bench/workload.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "leadfit/v1/scoring.pb-c.h"
#include "service/texts.h"

/* Names of rubric.yaml. */
static const char *const criteria[] = {
	"architecture", "problem_solving", "collaboration", "interaction", "planning", "mentoring"};
static const char *const disciplines[] = {
	"BACKEND", "FRONTEND", "FULLSTACK", "MOBILE", "DATA", "INFRASTRUCTURE", "SECURITY", "QUALITY", "DESIGN"};
static const char *const sources[] = {"PEER", "MANAGER", "SELF", "ASSESSMENT", "ARTIFACT"};
static const char *const traits[] = {"architecture_complexity", "business_logic_complexity", "cross_team_scope",
	"interaction_focus", "iteration_pace", "stability_need"};

enum {
	CRITERIA = sizeof criteria / sizeof criteria[0],
	DISCIPLINES = sizeof disciplines / sizeof disciplines[0],
	SOURCES = sizeof sources / sizeof sources[0],
	TRAITS = sizeof traits / sizeof traits[0],
	POOL_MIN = 4096,
	DIGITS = 8, /* of a team's number, in its id and in its members' */
	ID_BYTES = 24,
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

/* ---- random numbers: SplitMix64 ---- */

static uint64_t next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static unsigned below(uint64_t *state, unsigned bound)
{
	return (unsigned)(next(state) % bound);
}

/* ---- one request as messages, all of it in one struct ---- */

struct member {
	Leadfit__V1__Member message;
	Leadfit__V1__Evidence evidence[LF_WORKLOAD_EVIDENCE];
	Leadfit__V1__Evidence *evidence_list[LF_WORKLOAD_EVIDENCE];
	Google__Protobuf__DoubleValue ratings[LF_WORKLOAD_EVIDENCE], availability;
	Leadfit__V1__Member__ExpertiseEntry expertise, *expertise_list[1];
	char id[ID_BYTES], dates[LF_WORKLOAD_EVIDENCE][12];
};

struct draft {
	Leadfit__V1__ScoreRequest request;
	Leadfit__V1__Team team;
	Leadfit__V1__Project project;
	struct member members[LF_WORKLOAD_MEMBERS];
	Leadfit__V1__Member *member_list[LF_WORKLOAD_MEMBERS];
	Leadfit__V1__Project__TraitsEntry traits[TRAITS], *trait_list[TRAITS];
	char team_id[ID_BYTES], project_id[ID_BYTES];
};

static void draft_evidence(struct member *member, unsigned e, uint64_t *state)
{
	Leadfit__V1__Evidence *evidence = &member->evidence[e];

	leadfit__v1__evidence__init(evidence);
	google__protobuf__double_value__init(&member->ratings[e]);
	member->ratings[e].value = 1 + below(state, 41) / 10.0;
	snprintf(member->dates[e], sizeof member->dates[e], "202%u-%02u-%02u", 4 + below(state, 2),
		1 + below(state, 10), 1 + below(state, 28));
	evidence->criterion = lf_unconst(criteria[below(state, CRITERIA)]);
	evidence->rating = &member->ratings[e];
	evidence->source = lf_unconst(sources[below(state, SOURCES)]);
	evidence->observed_on = member->dates[e];
	member->evidence_list[e] = evidence;
}

static void draft_member(struct member *member, unsigned team, unsigned m, uint64_t *state)
{
	leadfit__v1__member__init(&member->message);
	snprintf(member->id, sizeof member->id, "m-%0*u-%u", DIGITS, team, m);
	member->message.id = member->id;
	member->message.discipline = lf_unconst(disciplines[below(state, DISCIPLINES)]);
	if (below(state, 3) == 0) {
		google__protobuf__double_value__init(&member->availability);
		member->availability.value = 0.5 + below(state, 50) / 100.0;
		member->message.availability = &member->availability;
	}
	if (below(state, 3) == 0) {
		leadfit__v1__member__expertise_entry__init(&member->expertise);
		member->expertise.key = lf_unconst(disciplines[below(state, DISCIPLINES)]);
		member->expertise.value = (1 + below(state, 100)) / 100.0;
		member->expertise_list[0] = &member->expertise;
		member->message.expertise = member->expertise_list;
		member->message.n_expertise = 1;
	}
	for (unsigned e = 0; e < LF_WORKLOAD_EVIDENCE; e++)
		draft_evidence(member, e, state);
	member->message.evidence = member->evidence_list;
	member->message.n_evidence = LF_WORKLOAD_EVIDENCE;
}

/* A team and a project are functions of their numbers and the seed. */
static void draft_request(struct draft *draft, unsigned team, unsigned project, uint64_t seed)
{
	uint64_t of_team = seed * 0x632be59bd9b4e019u + team, of_project = ~seed * 0xd6e8feb86659fd93u + project;

	leadfit__v1__score_request__init(&draft->request);
	leadfit__v1__team__init(&draft->team);
	leadfit__v1__project__init(&draft->project);
	snprintf(draft->team_id, sizeof draft->team_id, "t-%0*u", DIGITS, team);
	snprintf(draft->project_id, sizeof draft->project_id, "p-%0*u", DIGITS, project);
	for (unsigned m = 0; m < LF_WORKLOAD_MEMBERS; m++) {
		draft_member(&draft->members[m], team, m, &of_team);
		draft->member_list[m] = &draft->members[m].message;
	}
	for (unsigned t = 0; t < TRAITS; t++) {
		leadfit__v1__project__traits_entry__init(&draft->traits[t]);
		draft->traits[t].key = lf_unconst(traits[t]);
		draft->traits[t].value = (1 + below(&of_project, 100)) / 100.0;
		draft->trait_list[t] = &draft->traits[t];
	}
	draft->team.id = draft->team_id;
	draft->team.members = draft->member_list;
	draft->team.n_members = LF_WORKLOAD_MEMBERS;
	draft->project.id = draft->project_id;
	draft->project.traits = draft->trait_list;
	draft->project.n_traits = TRAITS;
	draft->request.team = &draft->team;
	draft->request.project = &draft->project;
}

/* ---- the pool ---- */

/* Where the number within this id stands in the packed bytes. */
static uint16_t find_digits(const uint8_t *data, size_t length, const char *id)
{
	const uint8_t *found = memmem(data, length, id, strlen(id));

	assert(found != NULL);
	return (uint16_t)(found - data + 2);
}

static void add_request(
	struct lf_workload *workload, struct request *request, unsigned team, unsigned project, uint64_t seed)
{
	uint8_t *out = workload->bytes + workload->used;
	struct draft draft;

	memset(&draft, 0, sizeof draft);
	draft_request(&draft, team, project, seed);
	assert(leadfit__v1__score_request__get_packed_size(&draft.request) <= LF_WORKLOAD_REQUEST_BYTES);
	request->offset = workload->used;
	request->length = (uint16_t)leadfit__v1__score_request__pack(&draft.request, out);
	request->digits[0] = find_digits(out, request->length, draft.team_id);
	for (unsigned m = 0; m < LF_WORKLOAD_MEMBERS; m++)
		request->digits[m + 1] = find_digits(out, request->length, draft.members[m].id);
	workload->used += request->length;
}

enum lf_code lf_workload_new(struct lf_workload **out, const struct lf_bench_settings *settings, struct lf_error *error)
{
	struct lf_workload *workload = calloc(1, sizeof *workload);
	uint64_t state = settings->seed;

	if (workload == NULL)
		goto no_memory;
	workload->new_teams = settings->teams == 0;
	workload->count = settings->teams > POOL_MIN ? settings->teams : POOL_MIN;
	workload->bytes = malloc(workload->count * LF_WORKLOAD_REQUEST_BYTES);
	workload->requests = calloc(workload->count, sizeof *workload->requests);
	if (workload->bytes == NULL || workload->requests == NULL)
		goto no_memory;
	/* Teams in turn, so that each occurs; projects at random. */
	for (size_t i = 0; i < workload->count; i++)
		add_request(workload, &workload->requests[i],
			(unsigned)(settings->teams == 0 ? i : i % settings->teams), below(&state, settings->projects),
			settings->seed);
	*out = workload;
	return LF_OK;
no_memory:
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
	char digits[DIGITS + 1];

	*length = request->length;
	if (!workload->new_teams)
		return data;
	memcpy(buffer, data, request->length);
	snprintf(digits, sizeof digits, "%0*u", DIGITS, (unsigned)(number % 100000000));
	for (unsigned i = 0; i < IDS; i++)
		memcpy(buffer + request->digits[i], digits, DIGITS);
	return buffer;
}
