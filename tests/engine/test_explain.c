/* The words: exact sentences for small cases, and what holds of the sentences about random ones. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "service/engine/text.h"
#include "tests/engine/said.h"
#include "tests/engine/world.h"

static struct said said;

static const char *explain(struct example *e)
{
	struct lf_discipline_fit fits[EXAMPLE_DISCIPLINES];
	double weights[EXAMPLE_CRITERIA];

	example_prepare(e);
	assert_true(lf_profile(e->rubric, &e->the_case, e->workspace, fits, weights));
	assert_true(lf_score(e->rubric, &e->the_case, e->workspace, &e->result));
	said.length = 0;
	lf_explain(e->rubric, &e->the_case, &(struct lf_findings){.result = &e->result, .profile = fits}, said_collect,
		&said);
	example_clean_up(e);
	return said.text;
}

static void a_recommendation_says_why_and_why_not(void **state)
{
	struct example e;

	(void)state;
	example_init(&e);
	example_evidence(&e, 0, SKILL, PEER, 5, 0);
	for (size_t m = 0; m < 4; m++)
		example_evidence(&e, m, TALK, PEER, m == 1 ? 5 : 4, 0);
	assert_string_equal(explain(&e),
		"E: m-1 is recommended: 0.69 against 0.67 for m-2.\n"
		"E: What counts most in Checkout redesign: Skill (57%), Collaboration (29%) and Fit (14%), "
		"because interaction focus is 0.50.\n"
		"E: m-1 is ahead of m-2 mainly on Skill (+0.14); m-2 is ahead on Collaboration (+0.07) and Fit "
		"(+0.05).\n"
		"E: 44% of the ratings behind this score rest on expectations about the discipline Back-end, "
		"not on evidence about m-1.\n"
		"E: On expectations alone this project calls for Back-end (0.40), then FRONT (0.38).\n"
		"R0: First with 0.69, ahead of m-2 (0.67) mainly on Skill (+0.14).\n"
		"R1: 0.67, which is 0.02 behind m-1: less on Skill (-0.14), more on Collaboration (+0.07).\n"
		"R2: 0.62, which is 0.07 behind m-1: less on Skill (-0.07).\n"
		"R3: 0.52, which is 0.17 behind m-1: less on Skill (-0.21), more on Fit (+0.04).\n");
}

static void an_advantage_that_is_nothing_beside_what_is_lacking_is_not_told(void **state)
{
	struct example e;
	const char *text;

	(void)state;
	example_init(&e);
	e.the_case.member_count = 2;
	e.members[1].discipline = BACK;
	example_evidence(&e, 0, SKILL, PEER, 5, 0);
	example_evidence(&e, 0, TALK, PEER, 4, 0);
	example_evidence(&e, 1, TALK, PEER, 4.0001, 0);
	text = explain(&e);
	assert_non_null(strstr(text, " behind m-1: less on Skill (-0."));
	assert_null(strstr(text, "more on"));
}

static void too_close_says_by_how_much(void **state)
{
	struct example e;
	const char *text;

	(void)state;
	example_init(&e);
	e.the_case.member_count = 2;
	e.members[1].discipline = BACK;
	e.def.threshold_margin = 0.02;
	example_evidence(&e, 0, TALK, PEER, 4, 0);
	example_evidence(&e, 1, TALK, PEER, 3.95, 0);
	text = explain(&e);
	assert_non_null(strstr(text,
		"E: No recommendation, because it is too close: m-1 (0.619) is ahead of m-2 (0.615) by only "
		"0.004; this rubric asks for at least 0.02.\n"));

	example_init(&e);
	e.members[3].discipline = e.members[1].discipline = BACK;
	text = explain(&e);
	assert_non_null(strstr(text,
		"E: No recommendation, because it is too close: m-1, m-2 and m-4 share first place with "
		"0.40 each.\n"));
	assert_non_null(strstr(text, "E: m-1, m-2 and m-4 are equal on every criterion that counts here.\n"));
	assert_non_null(strstr(text,
		"R0: Shares first place with 2 others, at 0.40: most of it comes from Skill (0.36) and "
		"Fit (0.05).\n"));
}

static void too_little_evidence_says_what_is_missing(void **state)
{
	struct example e;
	const char *text;

	(void)state;
	example_init(&e);
	e.def.threshold_evidence_share = 0.25;
	text = explain(&e);
	assert_non_null(strstr(text,
		"E: No recommendation, because the evidence is not enough: m-1 and m-4 share first place "
		"with 0.40 each, but none of the ratings behind this rest on evidence about them; this rubric asks for "
		"at "
		"least 25%.\n"
		"E: There is no evidence yet about any of those who share first place on Skill and Collaboration.\n"));
	assert_non_null(strstr(text,
		"E: 67% of the ratings behind these scores rest on expectations, not on evidence about those who share "
		"first place.\n"));
	assert_non_null(strstr(text,
		"A: Collaboration is unknown for all 4 candidates (no evidence, no expectation) and counts as 0.\n"));
}

static void nobody_eligible_says_which_conditions_and_how_far(void **state)
{
	struct example e;
	const char *text;

	(void)state;
	example_init(&e);
	e.the_case.member_count = 2;
	e.members[0].availability = 0.2;
	e.gates[0] = (struct lf_gate_def){TALK, 2};
	e.gates[1] = (struct lf_gate_def){LF_NONE, 0.3};
	e.gates[2] = (struct lf_gate_def){SKILL, 3.0001};
	e.def.gate_count = 3;
	text = explain(&e);
	assert_non_null(strstr(text,
		"E: No recommendation: none of the 2 candidates meets every condition of this rubric.\n"
		"E: Not met: Collaboration of at least 2 (2 candidates), availability of at least 0.3 (1 "
		"candidate) and Skill of at "
		"least 3.0001 (1 candidate).\n"));
	assert_non_null(strstr(text,
		"R0: Not eligible: 2 conditions of this rubric are not met. The score of 0.40 does not "
		"compete.\nI0: Collaboration is not rated; at least 2 is required.\n"
		"I0: Availability is 0.20; at least 0.3 is required.\n"));
	assert_non_null(strstr(text, "I1: Skill is rated 3.0000; at least 3.0001 is required.\n"));
	example_init(&e);
	e.the_case.member_count = 1;
	e.gates[0] = (struct lf_gate_def){TALK, 2};
	e.def.gate_count = 1;
	text = explain(&e);
	assert_non_null(strstr(text,
		"E: No recommendation: the only candidate, m-1, does not meet every condition of this rubric.\n"));
	assert_non_null(strstr(text, "R0: Not eligible: 1 condition of this rubric is not met. "));
}

static void one_candidate_is_no_contest(void **state)
{
	struct example e;
	const char *text;

	(void)state;
	example_init(&e);
	e.the_case.member_count = 1;
	text = explain(&e);
	assert_non_null(strstr(text, "E: m-1 is recommended: 0.40, as the only candidate.\n"));
	assert_non_null(strstr(
		text, "R0: The only candidate, with 0.40: most of it comes from Skill (0.36) and Fit (0.05).\n"));
}

static void weak_spots_are_named_where_they_decide(void **state)
{
	struct example e;
	const char *text;

	(void)state;
	example_init(&e);
	e.def.aggregation = LF_MINIMUM;
	e.the_case.member_count = 2;
	example_evidence(&e, 0, TALK, PEER, 4, 0);
	example_evidence(&e, 1, TALK, PEER, 2, 0);
	text = explain(&e);
	assert_non_null(strstr(text,
		"E: The weakest criterion decides under this rubric: m-1 is held back most by Fit (0.33 of 1), "
		"m-2 by Collaboration (0.25).\n"));
	assert_non_null(strstr(text,
		"R1: 0.25, which is 0.08 behind m-1; held back most by Collaboration (0.25 of 1, where m-1 has "
		"0.75).\n"));
}

static void every_assumption_is_said(void **state)
{
	struct example e;
	const char *text;

	(void)state;
	example_init(&e);
	e.trait_assumed[FOCUS] = true;
	e.needs[0].amount.base = e.needs[1].amount.base = -1;
	e.criteria[COVER].weight.base = 1;
	for (size_t m = 0; m < 4; m++) {
		e.members[m].availability = 0;
		example_evidence(&e, m, TALK, PEER, 4, 0);
	}
	e.evidence[2][0].observed_day = LF_UNDATED;
	text = explain(&e);
	assert_non_null(strstr(text,
		"A: Interaction focus was not given: 0.50 assumed.\n"
		"A: 1 piece of evidence has no date and counts as one half-life (100 days) old.\n"
		"A: Nobody with a discipline is available: cover counts as 0 for everybody.\n"
		"A: This project needs no discipline in particular: Fit counts as 0 for everybody.\n"));
	assert_non_null(strstr(text, ", because interaction focus is 0.50 (assumed)"));
}

static void a_profile_is_explained_too(void **state)
{
	struct lf_discipline_fit fits[EXAMPLE_DISCIPLINES];
	double weights[EXAMPLE_CRITERIA];
	struct example e;

	(void)state;
	example_init(&e);
	e.the_case.member_count = 0;
	e.the_case.project_title = "";
	e.trait_assumed[FOCUS] = true;
	example_prepare(&e);
	assert_true(lf_profile(e.rubric, &e.the_case, e.workspace, fits, weights));
	said.length = 0;
	lf_explain_profile(e.rubric, &e.the_case, fits, weights, said_collect, &said);
	assert_string_equal(said.text,
		"E: What counts most in checkout: Skill (57%), Collaboration (29%) and Fit (14%), "
		"because interaction focus is 0.50 (assumed).\n"
		"E: On expectations alone this project calls for Back-end (0.40), then FRONT (0.38).\n"
		"A: Interaction focus was not given: 0.50 assumed.\n"
		"A: No team was given: for cover, each discipline is taken to work alone.\n");
	example_clean_up(&e);
}

/* ---- numbers ---- */

static const char *finished(struct lf_text *text)
{
	lf_text_finish(text);
	text->length = 0;
	return text->bytes;
}

static void numbers_read_as_people_write_them(void **state)
{
	static const struct {
		double x;
		const char *text;
	} cases[] = {
		{0, "0"},
		{2, "2"},
		{-2.5, "-2.5"},
		{0.25, "0.25"},
		{1e6, "1000000"},
		{0.000001, "0.000001"},
		{1e-7, "1e-7"},
		{-3e12, "-3e+12"},
		{0.1 + 0.2, "0.3"},
		{123456.789, "123456.789"},
		{5e-324, "4.940656e-324"},
	};
	struct lf_text text = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		lf_text_number(&text, cases[i].x);
		assert_string_equal(finished(&text), cases[i].text);
	}
	lf_text_fixed(&text, 0.745, 2); /* the double nearest to it lies below */
	lf_text_fixed(&text, -0.001, 2);
	lf_text_signed(&text, 0.094, 2);
	lf_text_signed(&text, -0.5, 0);
	assert_string_equal(finished(&text), "0.750.00+0.09-1");
	/* A step of 2^-40, the least by which scores differ; and numbers that have no room for so many decimals. */
	assert_int_equal(lf_decimals_apart(0.6875, 0.6875 + 0x1p-40, 2), 12);
	lf_text_fixed(&text, 0.6875 + 0x1p-40, 13);
	lf_text_fixed(&text, 123456789, 13);
	assert_string_equal(finished(&text), "0.6875000000009123456789");
	assert_int_equal(lf_decimals_apart(1e6, 1e6 + 0x1p-32, 2), 10);
	assert_true(lf_decimals_apart(0.9e9, 0.9e9 + 0x1p-23, 0) <= 9);
	lf_text_percent(&text, 0.004);
	lf_text_percent(&text, 0);
	lf_text_percent(&text, 0.375);
	lf_text_percent(&text, 0.9999);
	lf_text_percent(&text, 1);
	assert_string_equal(finished(&text), "less than 1%0%38%more than 99%100%");
}

static void what_does_not_fit_is_cut_between_characters(void **state)
{
	static const char *const characters[] = {"a", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"};
	struct lf_text text;

	(void)state;
	for (size_t c = 0; c < 4; c++) {
		for (size_t before = 0; before < 4; before++) {
			size_t size = strlen(characters[c]);

			lf_text_clear(&text);
			lf_text_add(&text, "xxx", before);
			while (!text.cut)
				lf_text_put(&text, characters[c]);
			lf_text_finish(&text);
			assert_int_equal(text.bytes[text.length], '\0');
			assert_int_equal((text.length - before) % size, 0);
			assert_true(text.length + size > LF_SENTENCE_BYTES_MAX - 1);
		}
	}
}

/* ---- random cases ---- */

struct tally {
	size_t reasons[WORLD_MEMBERS], ineligible[WORLD_MEMBERS], explanations, changes;
	uint64_t hash;
};

static bool valid_utf8(const unsigned char *s)
{
	while (*s != '\0') {
		size_t more = *s < 0x80           ? 0
			: *s >= 0xC2 && *s < 0xE0 ? 1
			: *s >= 0xE0 && *s < 0xF0 ? 2
			: *s >= 0xF0 && *s < 0xF5 ? 3
						  : 9;

		if (more == 9)
			return false;
		for (s++; more > 0; more--, s++) {
			if ((*s & 0xC0) != 0x80)
				return false;
		}
	}
	return true;
}

static void count(void *context, enum lf_sentence kind, size_t index, const char *text, size_t length)
{
	struct tally *tally = context;

	assert_true(length > 0 && length < LF_SENTENCE_BYTES_MAX - 1);
	assert_int_equal(text[length], '\0');
	assert_int_equal(text[length - 1], '.');
	assert_true(valid_utf8((const unsigned char *)text));
	assert_null(strstr(text, "NaN"));
	assert_null(strstr(text, "infinity"));
	assert_null(strstr(text, "  "));
	assert_null(strstr(text, "()"));
	tally->explanations += kind == LF_SAY_EXPLANATION;
	tally->changes += kind == LF_SAY_CHANGE;
	if (kind == LF_SAY_REASON)
		tally->reasons[index]++;
	if (kind == LF_SAY_INELIGIBLE)
		tally->ineligible[index]++;
	for (size_t i = 0; i < length; i++)
		tally->hash = (tally->hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
}

static char *long_id(char out[129], const char *title, size_t number)
{
	memcpy(out, title, 126);
	out[126] = (char)('0' + number / 10);
	out[127] = (char)('0' + number % 10);
	out[128] = '\0';
	return out;
}

/* Names as long as the service lets them be. */
static void long_names(struct world *w, char title[257])
{
	static char ids[WORLD_MEMBERS][129], sources[WORLD_SOURCES][129];

	for (size_t m = 0; m < w->the_case.member_count; m++)
		w->members[m].id = long_id(ids[m], title, m);
	for (size_t i = 0; i < w->def.source_count; i++)
		w->source_id_list[i] = long_id(sources[i], title, i);
	for (size_t j = 0; j < w->def.criterion_count; j++)
		w->criteria[j].title = title;
	for (size_t d = 0; d < w->def.discipline_count; d++)
		w->disciplines[d].title = title;
	for (size_t t = 0; t < w->def.trait_count; t++)
		w->trait_defs[t].title = title;
	w->the_case.project_title = title;
}

static void explain_world(const struct world *w, struct tally *tally)
{
	struct lf_discipline_fit fits[WORLD_DISCIPLINES];
	struct lf_weight_interval intervals[WORLD_CRITERIA];
	struct lf_changes changes = {.weights = intervals};
	double weights[WORLD_CRITERIA];
	struct lf_co_lead co_lead;
	struct scored scored;
	bool changes_found;

	memset(tally, 0, sizeof(*tally));
	world_score(&scored, w);
	if (scored.scored) {
		size_t bytes = lf_workspace_bytes(scored.rubric, &w->the_case);
		void *workspace = aligned_alloc(64, (bytes + 63) / 64 * 64);

		assert_non_null(workspace);
		assert_true(lf_profile(scored.rubric, &w->the_case, workspace, fits, weights));
		changes_found =
			lf_find_changes(scored.rubric, &w->the_case, &scored.result, scored.workspace, &changes);
		lf_find_co_lead(scored.rubric, &w->the_case, &scored.result, &co_lead, weights);
		lf_explain(scored.rubric, &w->the_case,
			&(struct lf_findings){
				.result = &scored.result,
				.profile = fits,
				.changes = changes_found ? &changes : NULL,
				.co_lead = &co_lead,
			},
			count, tally);
		for (size_t i = 0; i < scored.result.ranking_count; i++) {
			assert_int_equal(tally->reasons[i], 1);
			assert_int_equal(
				tally->ineligible[i], __builtin_popcountll(scored.result.ranking[i].failed_gates));
		}
		assert_true(tally->explanations >= 2);
		assert_int_equal(tally->changes > 0, changes_found && scored.result.ranking_count > 1);
		free(workspace);
	}
	scored_clean_up(&scored);
}

static void sentences_are_whole_and_every_candidate_gets_one_reason(void **state)
{
	static struct world world, other;
	char title[257] = {0};
	const char *given = getenv("LF_TEST_SEED");
	uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : 1;
	struct random random = {seed};
	struct tally tally, again;

	(void)state;
	print_message("LF_TEST_SEED=%" PRIu64 "\n", seed);
	for (size_t i = 0; i < 128; i++)
		memcpy(title + 2 * i, "\xC3\xA9", 2);
	for (uint64_t end = seed + 2000; seed < end; seed++) {
		world_make_any(&world, seed);
		world.def.co_lead_gain = 0.01;
		explain_world(&world, &tally);
		world_shuffle(&other, &world, &random, false);
		explain_world(&other, &again);
		assert_true(tally.hash == again.hash); /* the order of members and evidence changes no word */
		long_names(&world, title);
		explain_world(&world, &tally);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_recommendation_says_why_and_why_not),
		cmocka_unit_test(an_advantage_that_is_nothing_beside_what_is_lacking_is_not_told),
		cmocka_unit_test(too_close_says_by_how_much),
		cmocka_unit_test(too_little_evidence_says_what_is_missing),
		cmocka_unit_test(nobody_eligible_says_which_conditions_and_how_far),
		cmocka_unit_test(one_candidate_is_no_contest),
		cmocka_unit_test(weak_spots_are_named_where_they_decide),
		cmocka_unit_test(every_assumption_is_said),
		cmocka_unit_test(a_profile_is_explained_too),
		cmocka_unit_test(numbers_read_as_people_write_them),
		cmocka_unit_test(what_does_not_fit_is_cut_between_characters),
		cmocka_unit_test(sentences_are_whole_and_every_candidate_gets_one_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
