#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "tests/engine/example.h"

static const char *const source_ids[] = {"PEER", "SELF"};

static void init_rubric(struct example *e)
{
	e->def = (struct lf_rubric_def){
		.name = "example",
		.scale_min = 1,
		.scale_max = 5,
		.half_life_days = 100,
		.disciplines = e->disciplines,
		.discipline_count = EXAMPLE_DISCIPLINES,
		.source_weights = e->source_weights,
		.source_ids = source_ids,
		.source_count = EXAMPLE_SOURCES,
		.traits = e->trait_defs,
		.trait_count = EXAMPLE_TRAITS,
		.criteria = e->criteria,
		.criterion_count = EXAMPLE_CRITERIA,
		.gates = e->gates,
	};
	e->source_weights[PEER] = 1;
	e->source_weights[SELF] = 0.4;
	e->disciplines[BACK] = (struct lf_discipline_def){.id = "BACK", .title = "Back-end"};
	e->disciplines[FRONT] = (struct lf_discipline_def){.id = "FRONT", .title = ""};
	e->disciplines[FULL] = (struct lf_discipline_def){.id = "FULL", .title = "", .covers = e->full_covers};
	e->full_covers[BACK] = 0.7;
	e->full_covers[FRONT] = 0.6;
	e->full_covers[FULL] = 1;
	e->trait_defs[FOCUS] = (struct lf_trait_def){.id = "focus", .title = "Interaction focus", .default_value = 0.5};
	e->needs[0] = (struct lf_need_def){FRONT, {0.1, e->need_by_trait[0]}};
	e->needs[1] = (struct lf_need_def){BACK, {0.3, e->need_by_trait[1]}};
	e->need_by_trait[0][FOCUS] = 0.8;
	e->need_by_trait[1][FOCUS] = -0.1;
}

static void init_criteria(struct example *e)
{
	e->criteria[SKILL] = (struct lf_criterion_def){
		.id = "skill",
		.title = "Skill",
		.weight = {0.25, e->weight_by_trait[SKILL]},
		.prior_strength = 2,
		.prior_mean = e->prior_mean,
		.prior_default_mean = 2,
	};
	e->prior_mean[BACK] = 3.5;
	e->prior_mean[FRONT] = 3;
	e->prior_mean[FULL] = 2.5;
	e->criteria[TALK] = (struct lf_criterion_def){
		.id = "talk",
		.title = "Collaboration",
		.weight = {0.25, e->weight_by_trait[TALK]},
	};
	e->criteria[FIT] = (struct lf_criterion_def){
		.id = "fit",
		.title = "Fit",
		.derived = LF_DOMAIN_ALIGNMENT,
		.weight = {0.125, e->weight_by_trait[FIT]},
		.needs = e->needs,
		.need_count = 2,
	};
	e->criteria[COVER] = (struct lf_criterion_def){
		.id = "cover",
		.title = "",
		.derived = LF_TEAM_COVERAGE,
		.weight = {0.5, e->weight_by_trait[COVER]},
	};
	e->weight_by_trait[SKILL][FOCUS] = 0.5;
	e->weight_by_trait[COVER][FOCUS] = -1;
}

void example_init(struct example *e)
{
	static const char *const ids[EXAMPLE_MEMBERS] = {"m-1", "m-2", "m-3", "m-4"};
	static const uint32_t disciplines[EXAMPLE_MEMBERS] = {BACK, FRONT, FULL, BACK};

	memset(e, 0, sizeof(*e));
	init_rubric(e);
	init_criteria(e);
	for (size_t m = 0; m < EXAMPLE_MEMBERS; m++)
		e->members[m] = (struct lf_member){
			.id = ids[m],
			.discipline = disciplines[m],
			.availability = 1,
			.evidence = e->evidence[m],
			.candidate = true,
		};
	e->traits[FOCUS] = 0.5;
	e->the_case = (struct lf_case){
		.members = e->members,
		.member_count = EXAMPLE_MEMBERS,
		.project_title = "Checkout redesign",
		.project_id = "checkout",
		.traits = e->traits,
		.trait_assumed = e->trait_assumed,
		.as_of_day = EXAMPLE_AS_OF,
		.discipline_count = EXAMPLE_DISCIPLINES,
	};
}

void example_evidence(
	struct example *e, size_t member, uint32_t criterion, uint32_t source, double rating, int32_t days)
{
	assert(e->members[member].evidence_count < EXAMPLE_EVIDENCE);
	e->evidence[member][e->members[member].evidence_count++] =
		(struct lf_evidence){criterion, source, rating, EXAMPLE_AS_OF - days, LF_NONE};
}

void example_prepare(struct example *e)
{
	size_t bytes;

	e->rubric = lf_rubric_compile(&e->def);
	assert(e->rubric != NULL);
	bytes = lf_workspace_bytes(e->rubric, &e->the_case);
	e->workspace = aligned_alloc(64, (bytes + 63) / 64 * 64);
	assert(e->workspace != NULL);
}

void example_score(struct example *e)
{
	bool scored;

	example_prepare(e);
	scored = lf_score(e->rubric, &e->the_case, e->workspace, &e->result);
	assert(scored);
	(void)scored;
}

const struct lf_member_score *example_member(const struct example *e, uint32_t member)
{
	for (size_t i = 0; i < e->result.ranking_count; i++) {
		if (e->result.ranking[i].member == member)
			return &e->result.ranking[i];
	}
	return NULL;
}

void example_clean_up(struct example *e)
{
	free(e->workspace);
	lf_rubric_destroy(e->rubric);
}
