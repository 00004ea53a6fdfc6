#include "tests/bench/drafts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/decide/text_list.h"

/* Names of rubric.yaml. */
static const char *const criteria[] = {
	"architecture", "problem_solving", "collaboration", "interaction", "planning", "mentoring"};
static const char *const disciplines[] = {
	"BACKEND", "FRONTEND", "FULLSTACK", "MOBILE", "DATA", "INFRASTRUCTURE", "SECURITY", "QUALITY", "DESIGN"};
static const char *const sources[] = {"PEER", "MANAGER", "SELF", "ASSESSMENT", "ARTIFACT"};
static const char *const traits[] = {"architecture_complexity", "business_logic_complexity", "cross_team_scope",
	"interaction_focus", "iteration_pace", "stability_need"};

enum {
	CRITERIA = sizeof(criteria) / sizeof(criteria[0]),
	DISCIPLINES = sizeof(disciplines) / sizeof(disciplines[0]),
	SOURCES = sizeof(sources) / sizeof(sources[0]),
	TRAITS = sizeof(traits) / sizeof(traits[0]),
	ID_BYTES = 24,
};

/* ---- random numbers: SplitMix64 ---- */

static uint64_t next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

unsigned lf_draft_below(uint64_t *state, unsigned bound)
{
	return (unsigned)(next(state) % bound);
}

/* ---- a team and a project as messages ---- */

struct member {
	Leadfit__V1__Member message;
	Leadfit__V1__Evidence evidence[LF_DRAFT_EVIDENCE];
	Leadfit__V1__Evidence *evidence_list[LF_DRAFT_EVIDENCE];
	Google__Protobuf__DoubleValue ratings[LF_DRAFT_EVIDENCE], availability;
	Leadfit__V1__Member__ExpertiseEntry expertise, *expertise_list[1];
	char id[ID_BYTES], dates[LF_DRAFT_EVIDENCE][12];
};

struct lf_draft {
	Leadfit__V1__Team team;
	Leadfit__V1__Project project;
	Google__Protobuf__Timestamp as_of;
	Leadfit__V1__Project__TraitsEntry traits[TRAITS], *trait_list[TRAITS];
	char team_id[ID_BYTES], project_id[ID_BYTES];
	unsigned member_count;
	Leadfit__V1__Member **member_list;
	struct member members[];
};

static void draft_evidence(struct member *member, unsigned e, uint64_t *state)
{
	Leadfit__V1__Evidence *evidence = &member->evidence[e];

	leadfit__v1__evidence__init(evidence);
	google__protobuf__double_value__init(&member->ratings[e]);
	member->ratings[e].value = 1 + lf_draft_below(state, 41) / 10.0;
	snprintf(member->dates[e], sizeof(member->dates[e]), "202%u-%02u-%02u", 4 + lf_draft_below(state, 2),
		1 + lf_draft_below(state, 10), 1 + lf_draft_below(state, 28));
	evidence->criterion = lf_unconst(criteria[lf_draft_below(state, CRITERIA)]);
	evidence->rating = &member->ratings[e];
	evidence->source = lf_unconst(sources[lf_draft_below(state, SOURCES)]);
	evidence->observed_on = member->dates[e];
	member->evidence_list[e] = evidence;
}

static void draft_member(struct member *member, unsigned team, unsigned m, uint64_t *state)
{
	memset(member, 0, sizeof(*member));
	leadfit__v1__member__init(&member->message);
	snprintf(member->id, sizeof(member->id), "m-%0*u-%u", LF_DRAFT_DIGITS, team, m);
	member->message.id = member->id;
	member->message.discipline = lf_unconst(disciplines[lf_draft_below(state, DISCIPLINES)]);
	if (lf_draft_below(state, 3) == 0) {
		google__protobuf__double_value__init(&member->availability);
		member->availability.value = 0.5 + lf_draft_below(state, 50) / 100.0;
		member->message.availability = &member->availability;
	}
	if (lf_draft_below(state, 3) == 0) {
		leadfit__v1__member__expertise_entry__init(&member->expertise);
		member->expertise.key = lf_unconst(disciplines[lf_draft_below(state, DISCIPLINES)]);
		member->expertise.value = (1 + lf_draft_below(state, 100)) / 100.0;
		member->expertise_list[0] = &member->expertise;
		member->message.expertise = member->expertise_list;
		member->message.n_expertise = 1;
	}
	for (unsigned e = 0; e < LF_DRAFT_EVIDENCE; e++)
		draft_evidence(member, e, state);
	member->message.evidence = member->evidence_list;
	member->message.n_evidence = LF_DRAFT_EVIDENCE;
}

struct lf_draft *lf_draft_new(unsigned members)
{
	struct lf_draft *draft = calloc(1, sizeof(*draft) + members * sizeof(draft->members[0]));

	if (draft == NULL)
		return NULL;
	draft->member_count = members;
	draft->member_list = calloc(members, sizeof(*draft->member_list));
	if (draft->member_list != NULL)
		return draft;
	free(draft);
	return NULL;
}

void lf_draft_destroy(struct lf_draft *draft)
{
	if (draft != NULL)
		free(draft->member_list);
	free(draft);
}

Leadfit__V1__Team *lf_draft_team(struct lf_draft *draft, unsigned team, uint64_t seed)
{
	uint64_t state = seed * 0x632be59bd9b4e019u + team;

	leadfit__v1__team__init(&draft->team);
	snprintf(draft->team_id, sizeof(draft->team_id), "t-%0*u", LF_DRAFT_DIGITS, team);
	for (unsigned m = 0; m < draft->member_count; m++) {
		draft_member(&draft->members[m], team, m, &state);
		draft->member_list[m] = &draft->members[m].message;
	}
	draft->team.id = draft->team_id;
	draft->team.members = draft->member_list;
	draft->team.n_members = draft->member_count;
	return &draft->team;
}

Leadfit__V1__Project *lf_draft_project(struct lf_draft *draft, unsigned project, uint64_t seed)
{
	uint64_t state = ~seed * 0xd6e8feb86659fd93u + project;

	leadfit__v1__project__init(&draft->project);
	snprintf(draft->project_id, sizeof(draft->project_id), "p-%0*u", LF_DRAFT_DIGITS, project);
	for (unsigned t = 0; t < TRAITS; t++) {
		leadfit__v1__project__traits_entry__init(&draft->traits[t]);
		draft->traits[t].key = lf_unconst(traits[t]);
		draft->traits[t].value = (1 + lf_draft_below(&state, 100)) / 100.0;
		draft->trait_list[t] = &draft->traits[t];
	}
	draft->project.id = draft->project_id;
	draft->project.traits = draft->trait_list;
	draft->project.n_traits = TRAITS;
	return &draft->project;
}

Google__Protobuf__Timestamp *lf_draft_as_of(struct lf_draft *draft)
{
	google__protobuf__timestamp__init(&draft->as_of);
	draft->as_of.seconds = LF_DRAFT_AS_OF_SECONDS;
	return &draft->as_of;
}
