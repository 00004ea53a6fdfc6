/* What differs between two rubrics: nothing is overlooked, and it is told in the rubric's own terms. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/calc/rubric_diff.h"
#include "proto/wire/wire.h"

enum { ARENA_BYTES = 64 * 1024 * 1024, FIELDS_MAX = 256 };

/* Every field of every message that a rubric can have. */
static const char full[] =
	"name: r\n"
	"title: A rubric\n"
	"description: What for\n"
	"scale: {min: 1, max: 5}\n"
	"half_life_days: 100\n"
	"sources: {PEER: 1, SELF: 0.4}\n"
	"disciplines:\n"
	"  - {id: B, title: Back, shown_by: [c, e]}\n"
	"  - {id: F, title: Front, covers: {B: 0.5}}\n"
	"traits:\n"
	"  - {id: t, title: Trait, question: How much, default: 0.4}\n"
	"  - {id: u}\n"
	"criteria:\n"
	"  - id: c\n"
	"    title: Crit\n"
	"    description: Text\n"
	"    levels: {1: low, 5: high}\n"
	"    curve: [{rating: 1, value: 0.1}, {rating: 5, value: 1}]\n"
	"    weight: {base: 0.2, traits: {t: 0.3}}\n"
	"    prior: {strength: 2, mean: {B: 3, F: 4}, default_mean: 3}\n"
	"  - id: d\n"
	"    weight: {base: 1}\n"
	"    derived: DOMAIN_ALIGNMENT\n"
	"    needs:\n"
	"      - {discipline: B, base: 0.5, traits: {u: 0.1}}\n"
	"      - {discipline: F, base: 0.1}\n"
	"  - {id: e, weight: {base: 1}, unknown_value: 0.5}\n"
	"gates:\n"
	"  - {criterion: c, at_least: 2}\n"
	"  - {availability_at_least: 0.3}\n"
	"expertise: {strength: 1}\n"
	"aggregation: HARMONIC\n"
	"robustness: {samples: 64, weight_spread: 0.1, weights_unknown: true, rating_spread: 0.2}\n"
	"thresholds: {margin: 0.1, first_rank_share: 0.5, evidence_share: 0.2, co_lead_gain: 0.1}\n"
	"scenarios:\n"
	"  - name: s\n"
	"    as_of: 2026-01-01\n"
	"    team:\n"
	"      id: t\n"
	"      title: Team\n"
	"      members:\n"
	"        - id: m\n"
	"          name: M\n"
	"          discipline: B\n"
	"          expertise: {B: 0.9}\n"
	"          availability: 0.5\n"
	"          evidence:\n"
	"            - {criterion: c, rating: 4, source: PEER, observed_on: 2025-01-01, domain: B, note: n}\n"
	"            - {criterion: c, rating: 3, source: PEER}\n"
	"        - {id: o}\n"
	"    project: {id: p, title: Project, traits: {t: 0.5}}\n"
	"    candidates: [m, o]\n"
	"    expect: {first: m, outcome: RECOMMENDED, ranking: [m, o], profile_first: B}\n"
	"  - {name: s2}\n";

static Leadfit__V1__Rubric *parse(const char *yaml, struct lf_arena *arena)
{
	struct lf_error error = LF_ERROR_INIT;
	ProtobufCMessage *message =
		lf_text_parse(LF_FORMAT_YAML, &leadfit__v1__rubric__descriptor, yaml, strlen(yaml), arena, &error);

	if (message == NULL)
		fail_msg("%s", error.message);
	return (Leadfit__V1__Rubric *)message;
}

/* ---- every mutation of one field ---- */

/* Finds the mutation of a given number, and counts the fields that it meets with a value. */
struct mutator {
	size_t wanted;
	bool done;
	char what[128];
	struct lf_arena *arena;
	const ProtobufCFieldDescriptor *seen[FIELDS_MAX];
	size_t seen_count;
};

/* Whether this one is the mutation that is wanted. */
static bool turn(struct mutator *m, const ProtobufCFieldDescriptor *field, const char *how)
{
	if (m->done || m->wanted-- > 0)
		return false;
	snprintf(m->what, sizeof(m->what), "%s %s", field->name, how);
	return m->done = true;
}

static void mutate_message(struct mutator *m, ProtobufCMessage *message);

static void mutate_value(struct mutator *m, const ProtobufCFieldDescriptor *field, void *value)
{
	if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
		mutate_message(m, *(ProtobufCMessage **)value);
		return;
	}
	if (!turn(m, field, "changed"))
		return;
	switch (field->type) {
	case PROTOBUF_C_TYPE_DOUBLE:
		*(double *)value += 0.0625;
		break;
	case PROTOBUF_C_TYPE_BOOL:
		*(protobuf_c_boolean *)value = !*(protobuf_c_boolean *)value;
		break;
	case PROTOBUF_C_TYPE_ENUM:
		*(int *)value = *(int *)value == 1 ? 2 : 1;
		break;
	case PROTOBUF_C_TYPE_UINT32:
		*(uint32_t *)value += 1;
		break;
	case PROTOBUF_C_TYPE_STRING:
		*(const char **)value = "something else";
		break;
	default:
		fail_msg("%s is of a type that no rubric had before", field->name);
	}
}

static size_t size_of(const ProtobufCFieldDescriptor *field)
{
	return field->type == PROTOBUF_C_TYPE_DOUBLE ? sizeof(double) : sizeof(void *);
}

static void mutate_list(struct mutator *m, const ProtobufCFieldDescriptor *field, char *values, size_t *count)
{
	const size_t size = size_of(field);
	const bool map = field->type == PROTOBUF_C_TYPE_MESSAGE && lf_wire_is_map_entry(field->descriptor);

	for (size_t i = 0; i < *count; i++)
		mutate_value(m, field, values + i * size);
	if (turn(m, field, "without its last")) {
		--*count;
	} else if (turn(m, field, "without its first")) {
		memmove(values, values + size, --*count * size);
	} else if (!map && *count > 1 && turn(m, field, "in another order")) {
		char first[sizeof(void *)];

		memcpy(first, values, size);
		memcpy(values, values + size, size);
		memcpy(values + size, first, size);
	} else if (!map && *count > 1 && turn(m, field, "with its first in the second's place, too")) {
		memcpy(values + size, values, size);
	}
}

static void mutate_field(struct mutator *m, ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	void *value = (char *)message + field->offset;

	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		mutate_list(m, field, *(char **)value, (size_t *)(void *)((char *)message + field->quantifier_offset));
	else if (field->type == PROTOBUF_C_TYPE_MESSAGE && turn(m, field, "absent"))
		*(ProtobufCMessage **)value = NULL;
	else
		mutate_value(m, field, value);
}

static bool has_value(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	const char *value = (const char *)message + field->offset;

	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return *(const size_t *)(const void *)((const char *)message + field->quantifier_offset) > 0;
	return field->type != PROTOBUF_C_TYPE_MESSAGE || *(ProtobufCMessage *const *)(const void *)value != NULL;
}

static void mutate_message(struct mutator *m, ProtobufCMessage *message)
{
	for (unsigned i = 0; i < message->descriptor->n_fields && !m->done; i++) {
		const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
		bool known = false;

		if (!has_value(message, field))
			continue;
		for (size_t s = 0; s < m->seen_count; s++)
			known = known || m->seen[s] == field;
		assert_true(m->seen_count < FIELDS_MAX);
		if (!known)
			m->seen[m->seen_count++] = field;
		mutate_field(m, message, field);
	}
}

/* Counts the fields of a type and of all types below it that were met with no value. */
static void check_all_seen(const struct mutator *m, const ProtobufCMessageDescriptor *type)
{
	for (unsigned i = 0; i < type->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &type->fields[i];
		bool seen = false;

		for (size_t s = 0; s < m->seen_count; s++)
			seen = seen || m->seen[s] == field;
		if (!seen)
			fail_msg("the rubric of this test has no %s.%s", type->short_name, field->name);
		if (field->type == PROTOBUF_C_TYPE_MESSAGE)
			check_all_seen(m, field->descriptor);
	}
}

static void no_field_of_a_rubric_can_change_unnoticed(void **state)
{
	size_t mutations = 0;

	(void)state;
	for (;; mutations++) {
		struct lf_arena arena;
		struct lf_rubric_diff there, back;
		struct mutator m;
		Leadfit__V1__Rubric *a, *b;

		lf_arena_init(&arena, ARENA_BYTES);
		m = (struct mutator){.wanted = mutations, .arena = &arena};
		a = parse(full, &arena);
		b = parse(full, &arena);
		assert_true(lf_rubric_diff(&there, a, b, &arena));
		assert_int_equal(there.count, 0);
		mutate_message(&m, &b->base);
		if (!m.done) {
			check_all_seen(&m, &leadfit__v1__rubric__descriptor);
			lf_arena_clean_up(&arena);
			break;
		}
		assert_true(lf_rubric_diff(&there, a, b, &arena));
		assert_true(lf_rubric_diff(&back, b, a, &arena));
		if (there.count == 0 || back.count == 0)
			fail_msg("overlooked: %s", m.what);
		for (size_t i = 0; i < there.count; i++) {
			assert_true(strlen(there.changes[i].words) > 0 &&
				strchr(there.changes[i].words, '{') != there.changes[i].words);
			assert_true(there.changes[i].old_json != NULL || there.changes[i].new_json != NULL);
			assert_null(strstr(there.changes[i].words, "?"));
		}
		lf_arena_clean_up(&arena);
	}
	assert_true(mutations > 100);
}

/* ---- words ---- */

static void words_of(const char *a, const char *b, char *out, size_t size)
{
	struct lf_arena arena;
	struct lf_rubric_diff diff;
	size_t length = 0;

	lf_arena_init(&arena, ARENA_BYTES);
	assert_true(lf_rubric_diff(&diff, parse(a, &arena), parse(b, &arena), &arena));
	*out = '\0';
	for (size_t i = 0; i < diff.count && length < size; i++)
		length += (size_t)snprintf(out + length, size - length, "%s%s\n", diff.changes[i].words,
			diff.changes[i].scores ? "" : " *");
	lf_arena_clean_up(&arena);
}

#define CRITERION(rest) "{criteria: [{id: c, " rest "}]}"

/* A star: it changes no score. */
static void changes_are_told_in_the_rubrics_own_terms(void **state)
{
	static const struct {
		const char *a, *b, *words;
	} cases[] = {
		{"{}", "{}", ""},
		{"{sources: {A: 1, B: 2}}", "{sources: {B: 2, A: 1}}", ""},
		{CRITERION("weight: {base: 0.2}"), CRITERION("weight: {base: 0.25}"),
			"weight of c: base 0.2 -> 0.25\n"},
		{CRITERION("weight: {base: 1}"), CRITERION("weight: {base: 1, traits: {t: -0.1}}"),
			"trait t now moves the weight of c by -0.1\n"},
		{CRITERION("weight: {base: 1, traits: {t: -0.1}}"), CRITERION("weight: {base: 1}"),
			"trait t no longer moves the weight of c (it did by -0.1)\n"},
		{CRITERION("weight: {traits: {t: 0.1}}"), CRITERION("weight: {traits: {t: 0.2}}"),
			"weight of c: trait t moves it by 0.1 -> 0.2\n"},
		{CRITERION("prior: {strength: 1, mean: {B: 3.6}}"),
			CRITERION("prior: {strength: 2, mean: {B: 3.4, F: 3}, default_mean: 3}"),
			"strength of the prior on c: 1 -> 2\nprior of B on c: 3.6 -> 3.4\nprior of F on c is new: 3\n"
			"prior of all other disciplines on c: none -> 3\n"},
		{CRITERION("title: A"), CRITERION("title: B, levels: {1: x}"),
			"title of c: \"A\" -> \"B\" *\nlevel 1 of c is new: \"x\" *\n"},
		{CRITERION("curve: [{rating: 1}, {rating: 5, value: 1}]"),
			CRITERION("curve: [{rating: 1}, {rating: 3, value: 0.5}, {rating: 5, value: 0.9}]"),
			"curve of c: a point at rating 3 is new: {rating: 3, value: 0.5}\ncurve of c: value of rating "
			"5 1 -> 0.9\n"},
		{CRITERION("derived: TEAM_COVERAGE"), CRITERION("needs: [{discipline: B, base: 1}]"),
			"how c is found: TEAM_COVERAGE -> RATED\nneed of B for c is new: {discipline: B, base: 1}\n"},
		{CRITERION("needs: [{discipline: B, base: 1}]"),
			CRITERION("needs: [{discipline: B, base: 2, traits: {t: 1}}]"),
			"need of B for c: base 1 -> 2\ntrait t now moves the need of B for c by 1\n"},
		{"{criteria: [{id: a}, {id: b}, {id: c}]}", "{criteria: [{id: c}, {id: a}, {id: d}]}",
			"criterion d is new: {id: d}\ncriterion b is gone: {id: b}\n"
			"order of criteria only: [\"a\", \"c\"] -> [\"c\", \"a\"] *\n"},
		{"{gates: [{criterion: c, at_least: 2}]}",
			"{gates: [{availability_at_least: 0.3}, {criterion: c, at_least: 3}]}",
			"gate on availability is new: {availability_at_least: 0.3}\ngate on c: at least 2 -> 3\n"},
		{"{thresholds: {evidence_share: 0.2}, robustness: {weight_spread: 0.3}}",
			"{thresholds: {margin: 0.1}, robustness: {samples: 512, weights_unknown: true}}",
			"perturbations: 1024 -> 512\ndoubt about weights, spread: 0.3 -> none\nweights are taken as "
			"unknown: false -> true\n"
			"smallest margin for a recommendation: off -> 0.1\nsmallest evidence share for a "
			"recommendation: 0.2 -> off\n"},
		{"{disciplines: [{id: D, shown_by: [a]}, {id: E, shown_by: [a, b]}], criteria: [{id: a}]}",
			"{disciplines: [{id: D, shown_by: [a, b]}, {id: E, shown_by: [b, a]}], criteria: [{id: a, "
			"unknown_value: 0.4}], expertise: {strength: 1}, aggregation: MINIMUM}",
			"criteria that show discipline D: [\"a\"] -> [\"a\", \"b\"]\n"
			"order of disciplines[\"E\"].shown_by only: [\"a\", \"b\"] -> [\"b\", \"a\"] *\n"
			"value of a where nothing is known: 0 -> 0.4\nevidence now outweighs a label: {strength: 1}\n"
			"aggregation: ADDITIVE -> MINIMUM\n"},
		{"{criteria: [{id: a, unknown_value: 0.4}, {id: b, unknown_value: 0.1}], expertise: {strength: 1}}",
			"{criteria: [{id: a}, {id: b, unknown_value: 0.2}], expertise: {strength: 2}}",
			"value of a where nothing is known: 0.4 -> 0\nvalue of b where nothing is known: 0.1 -> 0.2\n"
			"pieces of evidence that a label weighs: 1 -> 2\n"},
		{"{expertise: {strength: 1}}", "{}",
			"a label alone decides again: evidence does not outweigh it any more (was {strength: 1})\n"},
		{"{thresholds: {margin: 0.1}, half_life_days: 10}",
			"{thresholds: {margin: 0.2}, robustness: {samples: 10}}",
			"half-life of evidence, in days: 10 -> none (evidence does not age)\nrobustness is now "
			"computed: {samples: 10}\n"
			"smallest margin for a recommendation: 0.1 -> 0.2\n"},
		{"{sources: {A: 1}, traits: [{id: t}], disciplines: [{id: D}]}",
			"{sources: {B: 1}, traits: [{id: t, default: 0.2}], disciplines: [{id: D, covers: {E: 0.5}}], "
			"aggregation: MINIMUM}",
			"source B is new, with weight 1\nsource A is gone (its weight was 1)\ndiscipline D now covers "
			"E by 0.5\n"
			"default of trait t: none -> 0.2\naggregation: ADDITIVE -> MINIMUM\n"},
		{"{scenarios: [{name: s, candidates: [a], team: {members: [{id: m}]}}]}",
			"{scenarios: [{name: s, candidates: [b], team: {members: [{id: m, discipline: D}]}}, {name: "
			"new}]}",
			"scenario \"s\": team.members[\"m\"].discipline: \"\" -> \"D\" *\nscenario \"s\": candidates: "
			"[\"a\"] -> [\"b\"] *\n"
			"scenario \"new\" is new *\n"},
		/* The same name twice: first with first, second with second. */
		{"{criteria: [{id: c, title: A}, {id: c, title: B}]}",
			"{criteria: [{id: c, title: A}, {id: c, title: C}]}", "title of c: \"B\" -> \"C\" *\n"},
	};
	char words[4000];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		words_of(cases[i].a, cases[i].b, words, sizeof(words));
		if (strcmp(words, cases[i].words) != 0)
			fail_msg("case %zu: expected\n%sfound\n%s", i, cases[i].words, words);
	}
}

static void shares_of_weight_are_those_for_the_traits_defaults(void **state)
{
	struct lf_arena arena;
	struct lf_rubric_diff diff;

	(void)state;
	lf_arena_init(&arena, ARENA_BYTES);
	assert_true(lf_rubric_diff(&diff,
		parse("{traits: [{id: t}], criteria: [{id: a, weight: {base: 1, traits: {t: 2}}}, {id: b, weight: "
		      "{base: 2}}]}",
			&arena),
		parse("{traits: [{id: t, default: 0}], criteria: [{id: c, weight: {base: -5}}, {id: a, weight: {base: "
		      "1, traits: {t: 2}}}]}",
			&arena),
		&arena));
	assert_int_equal(diff.share_count, 3);
	assert_string_equal(diff.shares[0].criterion, "c");
	assert_true(isnan(diff.shares[0].old_share) && fabs(diff.shares[0].new_share) <= 0);
	assert_string_equal(diff.shares[1].criterion, "a");
	assert_true(fabs(diff.shares[1].old_share - 0.5) <= 0 && fabs(diff.shares[1].new_share - 1) <= 0);
	assert_string_equal(diff.shares[2].criterion, "b");
	assert_true(fabs(diff.shares[2].old_share - 0.5) <= 0 && isnan(diff.shares[2].new_share));
	lf_arena_clean_up(&arena);
}

static void too_little_memory_is_told(void **state)
{
	struct lf_arena arena, small;
	struct lf_rubric_diff diff;

	(void)state;
	lf_arena_init(&arena, ARENA_BYTES);
	lf_arena_init(&small, 1);
	assert_false(lf_rubric_diff(&diff, parse(full, &arena), parse("{}", &arena), &small));
	lf_arena_clean_up(&small);
	lf_arena_clean_up(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_field_of_a_rubric_can_change_unnoticed),
		cmocka_unit_test(changes_are_told_in_the_rubrics_own_terms),
		cmocka_unit_test(shares_of_weight_are_those_for_the_traits_defaults),
		cmocka_unit_test(too_little_memory_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
