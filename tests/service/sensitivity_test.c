/*
 * Robustness, what would change an answer, and the co-lead, as a Decision has them: each change is applied to the
 * request by hand and scored again, and the log gives back the same Decision.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/engine/words/words.h"
#include "tests/service/support.h"

static const char *const criteria[] = {"architecture", "problem_solving", "collaboration", "interaction"};
static const char *const disciplines[] = {"BACKEND", "FRONTEND", "FULLSTACK", "MOBILE", "DATA", "QUALITY", "DESIGN"};
static const char *const traits[] = {"interaction_focus", "iteration_pace", "architecture_complexity",
	"business_logic_complexity", "stability_need", "cross_team_scope"};

static const Leadfit__V1__Aggregation aggregations[] = {
	LEADFIT__V1__AGGREGATION__ADDITIVE, LEADFIT__V1__AGGREGATION__HARMONIC, LEADFIT__V1__AGGREGATION__MINIMUM};
static struct lf_rubric_version *rubrics[3], *strict; /* strict: a gate that often decides */

static int set_up(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++)
		rubrics[i] = support_default_rubric_as(aggregations[i], 2);
	strict = support_default_rubric_as(LEADFIT__V1__AGGREGATION__ADDITIVE, 3);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++)
		lf_rubric_version_release(rubrics[i]);
	lf_rubric_version_release(strict);
	return 0;
}

/* ---- random requests ---- */

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

static uint64_t seed_given(void)
{
	const char *given = getenv("LF_TEST_SEED");
	uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : 1;

	print_message("LF_TEST_SEED=%" PRIu64 "\n", seed);
	return seed;
}

static void add(char **out, char *end, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void add(char **out, char *end, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(*out, (size_t)(end - *out), format, arguments);
	va_end(arguments);
	assert_true(length >= 0 && length < end - *out);
	*out += length;
}

/*
 * Two to seven members with up to twelve pieces each, a few of which the rubric does not declare. Some are bad at
 * collaboration.
 */
static void make_request(char *out, size_t size, uint64_t seed)
{
	uint64_t state = seed;
	unsigned members = 2 + below(&state, 6), pieces, bad, criterion;
	char *end = out + size;

	add(&out, end, "{ignore_undeclared: true, rank_table: true, team: {id: t, members: [");
	for (unsigned m = 0; m < members; m++) {
		add(&out, end, "{id: m-%u, discipline: %s, availability: 0.%u, evidence: [", m * 7 % 10,
			disciplines[below(&state, 7)], 2 + below(&state, 8));
		pieces = below(&state, 13);
		bad = below(&state, 3);
		for (unsigned e = 0; e < pieces; e++) {
			if (below(&state, 8) == 0)
				add(&out, end, "{criterion: charm, rating: 3}, ");
			if (below(&state, 8) == 0)
				add(&out, end, "{criterion: architecture, rating: 2, source: RUMOUR}, ");
			criterion = below(&state, 4);
			add(&out, end, "{criterion: %s, ", criteria[criterion]);
			add(&out, end, "rating: %u.", bad == 0 && criterion == 2 ? 1 : 1 + below(&state, 4));
			add(&out, end, "%u, source: %s", below(&state, 10), e % 2 == 0 ? "PEER" : "SELF");
			if (below(&state, 3) > 0)
				add(&out, end, ", observed_on: \"2025-%02u-%02u\"", 1 + m, 1 + e);
			add(&out, end, "}, ");
		}
		add(&out, end, "]}, ");
	}
	add(&out, end, "]}, project: {id: p, traits: {size: 0.5");
	for (unsigned t = 0; t < 6; t++)
		if (t == 0 || below(&state, 4) > 0)
			add(&out, end, ", %s: 0.%02u", traits[t], below(&state, 100));
	add(&out, end, "}}}");
}

/* ---- the log gives back the same ---- */

static void the_log_gives_back_the_same_answer_bit_for_bit(void **state)
{
	uint64_t seed = seed_given();
	size_t contested = 0, co_leads = 0, tables = 0;
	char text[16000];

	(void)state;
	for (uint64_t end = seed + 300; seed < end; seed++) {
		const struct lf_rubric_version *rubric = rubrics[seed % 3];
		Leadfit__V1__Decision *decision, *restored;
		struct support_case c;
		struct lf_bytes once, again;

		make_request(text, sizeof(text), seed);
		support_evaluate(&c, rubric, text);
		decision = support_decide(&c, rubric);
		restored = support_restore(&c, rubric, decision);
		once = support_pack(&c, &decision->base);
		again = support_pack(&c, &restored->base);
		assert_int_equal(once.length, again.length);
		assert_memory_equal(once.data, again.data, once.length);
		/* It was recorded as said in the words of version 1: what is shown is in today's. */
		assert_int_equal(restored->explanation_version, LF_EXPLANATION_VERSION);
		contested += decision->sensitivity != NULL;
		co_leads += decision->co_lead != NULL;
		tables += decision->ranking[0]->n_rank_shares > 0;
		support_clean_up(&c);
	}
	print_message("%zu contested, %zu with a co-lead\n", contested, co_leads);
	assert_true(contested > 200 && co_leads > 3);
	assert_int_equal(tables, 300);
}

/* ---- robustness ---- */

static void shares_add_up_by_rank_and_the_first_column_is_the_first_rank_share(void **state)
{
	uint64_t seed = seed_given();
	char text[16000];

	(void)state;
	for (uint64_t end = seed + 60; seed < end; seed++) {
		const struct lf_rubric_version *rubric = rubrics[seed % 3];
		size_t eligible = 0;
		Leadfit__V1__Decision *d;
		struct support_case c;

		make_request(text, sizeof(text), seed);
		support_evaluate(&c, rubric, text);
		d = support_decide(&c, rubric);
		assert_int_equal(d->samples, 1024);
		for (size_t i = 0; i < d->n_ranking; i++) {
			assert_non_null(d->ranking[i]->first_rank_share);
			assert_int_equal(d->ranking[i]->n_rank_shares, LF_RANKS_MAX);
			assert_true(
				fabs(d->ranking[i]->rank_shares[0] - d->ranking[i]->first_rank_share->value) < 1e-12);
			eligible += d->ranking[i]->eligible ? 1 : 0;
		}
		for (size_t r = 0; r < LF_RANKS_MAX; r++) {
			double sum = 0;

			for (size_t i = 0; i < d->n_ranking; i++)
				sum += d->ranking[i]->rank_shares[r];
			assert_true(fabs(sum - (r < eligible ? 1 : 0)) < 1e-9);
		}
		support_clean_up(&c);
	}
}

static void without_robustness_nothing_is_claimed_about_it(void **state)
{
	struct lf_rubric_version *rubric =
		support_rubric("{name: r, scale: {min: 1, max: 5}, criteria: [{id: c, weight: {base: 1}}]}");
	Leadfit__V1__Decision *d;
	struct support_case c;

	(void)state;
	support_evaluate(&c, rubric,
		"{rank_table: true, project: {id: p}, team: {id: t, members: [{id: a, evidence: [{criterion: c, "
		"rating: 4}]}, {id: b}]}}");
	d = support_decide(&c, rubric);
	assert_int_equal(d->samples, 0);
	assert_null(d->ranking[0]->first_rank_share);
	assert_int_equal(d->ranking[0]->n_rank_shares, 0);
	support_clean_up(&c);
	lf_rubric_version_release(rubric);
}

static void rank_shares_are_given_only_where_they_were_asked_for(void **state)
{
	Leadfit__V1__Decision *d;
	struct support_case c;

	(void)state;
	support_evaluate(
		&c, rubrics[0], "{project: {id: p}, team: {id: t, members: [{id: a, discipline: BACKEND}, {id: b}]}}");
	d = support_decide(&c, rubrics[0]);
	assert_non_null(d->ranking[0]->first_rank_share);
	assert_int_equal(d->ranking[0]->n_rank_shares, 0);
	support_clean_up(&c);
}

/* ---- each change, applied ---- */

static Leadfit__V1__Member *member_of(const struct support_case *c, const char *id)
{
	for (size_t m = 0; m < c->request->team->n_members; m++)
		if (strcmp(c->request->team->members[m]->id, id) == 0)
			return c->request->team->members[m];
	fail_msg("%s is no member", id);
	return NULL;
}

/* Who ranks first (the first listed of twins); "" where nobody does. */
static const char *first_of(const struct support_case *c)
{
	const char *id = support_at(c, 0);

	return c->evaluation.result.ranking[0].eligible ? id : "";
}

/* Scores with the number at `place` set to `value`; then it is as before. */
static const char *first_with(
	struct support_case *c, const struct lf_rubric_version *rubric, double *place, double value)
{
	double was = *place;
	const char *first;

	*place = value;
	support_evaluate_again(c, rubric);
	first = first_of(c);
	*place = was;
	return first;
}

/*
 * Beyond `to` somebody else is first, and it is the one who is named; before it, the first place holds. Bounded by
 * least and most, where there is no beyond.
 */
static void assert_flips(struct support_case *c, const struct lf_rubric_version *rubric, double *place,
	const Leadfit__V1__Change *change, double from, double least, double most, const char *first)
{
	double way = change->to < from ? -2e-6 : 2e-6, beyond = change->to + way, before = change->to - way;

	beyond = beyond < least ? least : beyond > most ? most : beyond;
	assert_string_equal(first_with(c, rubric, place, beyond), change->first);
	assert_true(strcmp(change->first, first) != 0);
	if ((way < 0 && before < from) || (way > 0 && before > from))
		assert_string_equal(first_with(c, rubric, place, before), first);
}

static void assert_rating_flips(struct support_case *c, const struct lf_rubric_version *rubric,
	const Leadfit__V1__Change *change, const char *first)
{
	Leadfit__V1__Member *member = member_of(c, change->candidate);
	Leadfit__V1__Evidence *piece;

	assert_true(change->evidence < member->n_evidence);
	piece = member->evidence[change->evidence];
	assert_string_equal(piece->criterion, change->criterion);
	assert_true(piece->rating->value == change->from->value);
	assert_flips(c, rubric, &piece->rating->value, change, piece->rating->value, 1, 5, first);
}

static void assert_evidence_flips(struct support_case *c, const struct lf_rubric_version *rubric,
	const Leadfit__V1__Change *change, const char *first)
{
	Leadfit__V1__Member *member = member_of(c, change->candidate);
	Leadfit__V1__Evidence **before = member->evidence, *pieces[64], piece = LEADFIT__V1__EVIDENCE__INIT;
	Google__Protobuf__DoubleValue rating = GOOGLE__PROTOBUF__DOUBLE_VALUE__INIT;
	char date[] = "2026-01-01"; /* as_of */

	assert_non_null(change->from); /* the default rubric expects something of everybody */
	if (member->n_evidence > 0)
		memcpy(pieces, before, member->n_evidence * sizeof(*pieces));
	pieces[member->n_evidence++] = &piece;
	member->evidence = pieces;
	piece.criterion = change->criterion;
	piece.rating = &rating;
	piece.observed_on = date;
	assert_flips(c, rubric, &rating.value, change, change->from->value, 1, 5, first);
	member->evidence = before;
	member->n_evidence--;
}

static void assert_trait_flips(struct support_case *c, const struct lf_rubric_version *rubric,
	const Leadfit__V1__Change *change, const char *first)
{
	Leadfit__V1__Project *project = c->request->project;
	Leadfit__V1__Project__TraitsEntry **before = project->traits, *entries[16];
	Leadfit__V1__Project__TraitsEntry own = LEADFIT__V1__PROJECT__TRAITS_ENTRY__INIT, *entry = NULL;

	for (size_t i = 0; i < project->n_traits; i++) {
		entries[i] = before[i];
		if (strcmp(before[i]->key, change->trait) == 0)
			entry = before[i];
	}
	if (entry == NULL) { /* assumed */
		assert_true(change->from->value == 0.5);
		own.key = change->trait;
		own.value = 0.5;
		entry = entries[project->n_traits++] = &own;
		project->traits = entries;
	}
	assert_true(entry->value == change->from->value);
	assert_flips(c, rubric, &entry->value, change, entry->value, 0, 1, first);
	project->n_traits -= project->traits == entries;
	project->traits = before;
}

static void each_change_that_is_named_puts_that_candidate_first_and_a_smaller_one_does_not(void **state)
{
	uint64_t seed = seed_given();
	size_t ratings = 0, pieces = 0, moved = 0, by_gate = 0, shifted = 0;
	char text[16000];

	(void)state;
	for (uint64_t end = seed + 300; seed < end; seed++) {
		const struct lf_rubric_version *rubric = seed % 2 == 0 ? rubrics[0] : strict;
		const Leadfit__V1__Sensitivity *s;
		Leadfit__V1__Decision *d;
		struct support_case c;
		char first[8];

		make_request(text, sizeof(text), seed);
		support_evaluate(&c, rubric, text);
		d = support_decide(&c, rubric);
		s = d->sensitivity;
		if (s == NULL) {
			support_clean_up(&c);
			continue;
		}
		assert_false(s->approximate);
		snprintf(first, sizeof(first), "%s", d->ranking[0]->candidate);
		if (s->rating != NULL) {
			assert_rating_flips(&c, rubric, s->rating, first);
			shifted += s->rating->evidence > 0 &&
				strcmp(member_of(&c, s->rating->candidate)->evidence[0]->criterion, "charm") == 0;
		}
		if (s->evidence != NULL)
			assert_evidence_flips(&c, rubric, s->evidence, first);
		if (s->trait != NULL)
			assert_trait_flips(&c, rubric, s->trait, first);
		ratings += s->rating != NULL;
		pieces += s->evidence != NULL;
		moved += s->trait != NULL;
		by_gate += (s->rating != NULL && *s->rating->gate != '\0') ||
			(s->evidence != NULL && *s->evidence->gate != '\0');
		support_clean_up(&c);
	}
	print_message("%zu ratings, %zu new pieces, %zu traits; %zu by a gate, %zu behind undeclared evidence\n",
		ratings, pieces, moved, by_gate, shifted);
	assert_true(ratings > 50 && pieces > 100 && moved > 50 && by_gate > 10 && shifted > 5);
}

static void weights_have_an_interval_around_them_and_name_who_is_first_beyond(void **state)
{
	uint64_t seed = seed_given();
	size_t named = 0;
	char text[16000];

	(void)state;
	for (uint64_t end = seed + 100; seed < end; seed++) {
		const struct lf_rubric_version *rubric = rubrics[seed % 3];
		Leadfit__V1__Decision *d;
		struct support_case c;

		make_request(text, sizeof(text), seed);
		support_evaluate(&c, rubric, text);
		d = support_decide(&c, rubric);
		for (size_t i = 0; d->sensitivity != NULL && i < d->sensitivity->n_weights; i++) {
			const Leadfit__V1__WeightInterval *w = d->sensitivity->weights[i];

			assert_string_equal(w->criterion, d->ranking[0]->criteria[i]->criterion);
			assert_true(w->weight == d->ranking[0]->criteria[i]->weight);
			assert_true(w->low <= w->weight + 1e-9 && w->weight <= w->high + 1e-9 && w->low >= 0 &&
				w->high <= 1);
			assert_true(*w->low_first != '\0' || w->low == 0);
			assert_true(*w->high_first != '\0' || w->high == 1);
			assert_true(strcmp(w->low_first, d->ranking[0]->candidate) != 0);
			named += *w->low_first != '\0' || *w->high_first != '\0';
		}
		support_clean_up(&c);
	}
	assert_true(named > 50);
}

static void only_additive_answers_are_exact(void **state)
{
	static const char text[] = "{project: {id: p}, team: {id: t, members: [{id: a, discipline: BACKEND, evidence: "
				   "[{criterion: collaboration, rating: 4}]}, "
				   "{id: b, discipline: FRONTEND}]}}";

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		Leadfit__V1__Decision *d;
		struct support_case c;
		bool about = false;

		support_evaluate(&c, rubrics[i], text);
		d = support_decide(&c, rubrics[i]);
		assert_non_null(d->sensitivity);
		assert_int_equal(d->sensitivity->approximate, aggregations[i] != LEADFIT__V1__AGGREGATION__ADDITIVE);
		for (size_t k = 0; k < d->n_what_would_change; k++)
			about = about || strstr(d->what_would_change[k], " about ") != NULL ||
				strstr(d->what_would_change[k], "was found") != NULL;
		assert_int_equal(about, d->sensitivity->approximate);
		support_clean_up(&c);
	}
}

static void a_gate_that_makes_the_difference_is_named(void **state)
{
	struct lf_rubric_version *rubric =
		support_rubric("{name: r, scale: {min: 1, max: 5}, gates: [{criterion: talk, at_least: 2.5}],\n"
			       "criteria: [{id: skill, weight: {base: 1}}, {id: talk, weight: {base: 0.0001}}]}");
	Leadfit__V1__Decision *d;
	struct support_case c;

	(void)state;
	support_evaluate(&c, rubric,
		"{project: {id: p}, team: {id: t, members: [\n"
		"{id: a, evidence: [{criterion: skill, rating: 5}, {criterion: talk, rating: 3}]},\n"
		"{id: b, evidence: [{criterion: skill, rating: 2}, {criterion: talk, rating: 3}]}]}}");
	d = support_decide(&c, rubric);
	assert_string_equal(d->sensitivity->rating->candidate, "a");
	assert_string_equal(d->sensitivity->rating->gate, "talk of at least 2.5");
	assert_string_equal(d->sensitivity->rating->first, "b");
	assert_int_equal(d->sensitivity->rating->evidence, 1);
	assert_true(fabs(d->sensitivity->rating->to - 2.5) < 2e-6);
	support_clean_up(&c);
	lf_rubric_version_release(rubric);
}

static void a_tie_and_an_empty_field_have_no_first_place_to_lose(void **state)
{
	static const char *const requests[] = {
		"{project: {id: p}, team: {id: t, members: [{id: a}, {id: b}]}}",
		"{project: {id: p}, team: {id: t, members: [{id: a, availability: 0.1}, {id: b, availability: 0.1}]}}",
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		Leadfit__V1__Decision *d;
		struct support_case c;

		support_evaluate(&c, rubrics[0], requests[i]);
		d = support_decide(&c, rubrics[0]);
		assert_null(d->sensitivity);
		assert_int_equal(d->n_what_would_change, 0);
		assert_null(d->co_lead);
		support_clean_up(&c);
	}
}

/* ---- co-lead ---- */

static void a_co_lead_adds_what_it_claims(void **state)
{
	uint64_t seed = seed_given();
	size_t found = 0;
	char text[16000];

	(void)state;
	for (uint64_t end = seed + 200; seed < end; seed++) {
		Leadfit__V1__Decision *d;
		struct support_case c;

		make_request(text, sizeof(text), seed);
		support_evaluate(&c, rubrics[0], text);
		d = support_decide(&c, rubrics[0]);
		if (d->co_lead != NULL) {
			const Leadfit__V1__CoLead *pair = d->co_lead;
			const Leadfit__V1__Ranked *first = d->ranking[0], *second = NULL;
			double score = 0;

			found++;
			assert_int_equal(d->outcome, LEADFIT__V1__OUTCOME__RECOMMENDED);
			for (size_t i = 1; i < d->n_ranking; i++)
				if (strcmp(d->ranking[i]->candidate, pair->candidate) == 0)
					second = d->ranking[i];
			assert_non_null(second);
			assert_int_equal(pair->n_values, first->n_criteria);
			for (size_t j = 0; j < pair->n_values; j++) {
				double a = first->criteria[j]->value, b = second->criteria[j]->value;

				assert_string_equal(pair->values[j]->criterion, first->criteria[j]->criterion);
				assert_true(pair->values[j]->value == (b > a ? b : a));
				assert_string_equal(
					pair->values[j]->candidate, b > a ? second->candidate : first->candidate);
				score += first->criteria[j]->weight * pair->values[j]->value;
				if (strcmp(pair->criterion, pair->values[j]->criterion) == 0)
					assert_true(b > a);
			}
			assert_true(fabs(score - pair->score) < 1e-12);
			assert_true(pair->gain == pair->score - first->score && pair->gain >= 0.03);
		}
		support_clean_up(&c);
	}
	assert_true(found > 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_log_gives_back_the_same_answer_bit_for_bit),
		cmocka_unit_test(shares_add_up_by_rank_and_the_first_column_is_the_first_rank_share),
		cmocka_unit_test(without_robustness_nothing_is_claimed_about_it),
		cmocka_unit_test(rank_shares_are_given_only_where_they_were_asked_for),
		cmocka_unit_test(each_change_that_is_named_puts_that_candidate_first_and_a_smaller_one_does_not),
		cmocka_unit_test(weights_have_an_interval_around_them_and_name_who_is_first_beyond),
		cmocka_unit_test(only_additive_answers_are_exact),
		cmocka_unit_test(a_gate_that_makes_the_difference_is_named),
		cmocka_unit_test(a_tie_and_an_empty_field_have_no_first_place_to_lose),
		cmocka_unit_test(a_co_lead_adds_what_it_claims),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
