#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kinds.pb-c.h"
#include "leadfit/v1/record.pb-c.h"
#include "leadfit/v1/rubric.pb-c.h"
#include "leadfit/v1/team.pb-c.h"
#include "proto/base/limits.h"
#include "proto/wire/wire.h"
#include "tests/proto/wire_gen.h"

/* Every type that travels, the record of an answer, and types with every kind of field. */
static size_t all_types(const ProtobufCMessageDescriptor **types, size_t capacity)
{
	size_t count = 0;

	types[count++] = &leadfit__v1__answer__descriptor;
	types[count++] = &leadfit__v1__rubric__descriptor;
	types[count++] = &leadfit__test__lists__descriptor;
	for (size_t i = 0; lf_services[i] != NULL; i++) {
		for (unsigned j = 0; j < lf_services[i]->n_methods; j++) {
			assert_true(count + 2 <= capacity);
			types[count++] = lf_services[i]->methods[j].input;
			types[count++] = lf_services[i]->methods[j].output;
		}
	}
	return count;
}

/* Unpacks bytes that passed, from an arena that is exactly as large as was said. */
static ProtobufCMessage *unpack_within_bound(
	const ProtobufCMessageDescriptor *type, const struct gen_bytes *bytes, size_t bound, struct lf_arena *arena)
{
	ProtobufCMessage *message;

	lf_arena_init(arena, bound);
	message = protobuf_c_message_unpack(type, &arena->allocator, bytes->length, bytes->data);
	assert_non_null(message);
	assert_true(arena->bytes_used <= bound);
	return message;
}

static void what_passes_unpacks_within_its_bound(void **state)
{
	const ProtobufCMessageDescriptor *types[128];
	size_t type_count = all_types(types, 128);
	uint64_t random = 1;
	size_t bound_total = 0, used_total = 0;

	(void)state;
	for (int round = 0; round < 30; round++) {
		for (size_t i = 0; i < type_count; i++) {
			struct gen_bytes bytes = {NULL, 0, 0};
			struct lf_error error = LF_ERROR_INIT;
			struct lf_arena arena;
			size_t bound;

			gen_message(&bytes, types[i], round < 25 ? 6 : 40, &random, NULL);
			if (lf_wire_check(types[i], bytes.data, bytes.length, &bound, &error) != LF_OK)
				fail_msg("%s: %s", types[i]->name, error.message);
			unpack_within_bound(types[i], &bytes, bound, &arena);
			bound_total += bound;
			used_total += arena.bytes_used;
			lf_arena_clean_up(&arena);
			free(bytes.data);
		}
	}
	assert_true(used_total <= bound_total);
	/* A bound that says far too much would refuse what fits. */
	assert_true(bound_total < used_total + used_total / 4);
}

/* Many elements, where protobuf-c's lists of scanned fields are large: on both sides of each power of two. */
static void the_bound_holds_for_any_number_of_fields(void **state)
{
	static const size_t counts[] = {
		1, 15, 16, 17, 47, 48, 49, 111, 112, 113, 1007, 1008, 1009, 16367, 16368, 16369};

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct gen_bytes bytes = {NULL, 0, 0};
		struct lf_arena arena;
		size_t bound;

		for (size_t j = 0; j < counts[i]; j++)
			gen_put(&bytes, j % 2 ? "\x1a\x00" : "\x1a\x02\x0a\x00", j % 2 ? 2 : 4);
		assert_int_equal(
			lf_wire_check(&leadfit__v1__team__descriptor, bytes.data, bytes.length, &bound, NULL), LF_OK);
		unpack_within_bound(&leadfit__v1__team__descriptor, &bytes, bound, &arena);
		assert_true(bound - arena.bytes_used < 16);
		lf_arena_clean_up(&arena);
		free(bytes.data);
	}
}

static void damaged_bytes_are_refused_or_unpack_within_their_bound(void **state)
{
	const ProtobufCMessageDescriptor *types[128];
	size_t type_count = all_types(types, 128), passed = 0, refused = 0;
	uint64_t random = 2;

	(void)state;
	for (int round = 0; round < 4000; round++) {
		const ProtobufCMessageDescriptor *type = types[gen_below(&random, (unsigned)type_count)];
		struct gen_bytes bytes = {NULL, 0, 0};
		struct lf_arena arena;
		size_t bound;

		gen_message(&bytes, type, 3, &random, NULL);
		for (unsigned i = gen_below(&random, 4) + 1; i > 0 && bytes.length > 0; i--)
			bytes.data[gen_below(&random, (unsigned)bytes.length)] = (uint8_t)gen_random(&random);
		if (bytes.length > 0 && gen_below(&random, 4) == 0)
			bytes.length = gen_below(&random, (unsigned)bytes.length);
		if (lf_wire_check(type, bytes.data, bytes.length, &bound, NULL) == LF_OK) {
			ProtobufCMessage *message = unpack_within_bound(type, &bytes, bound, &arena);

			assert_int_equal(message->n_unknown_fields, 0);
			passed++;
			lf_arena_clean_up(&arena);
		} else {
			refused++;
		}
		free(bytes.data);
	}
	assert_true(passed > 100 && refused > 100);
}

static uint8_t *canonical_of(
	const ProtobufCMessageDescriptor *type, const struct gen_bytes *bytes, struct lf_arena *arena, size_t *length)
{
	struct lf_error error = LF_ERROR_INIT;
	ProtobufCMessage *message;
	uint8_t *canonical;

	lf_arena_init(arena, SIZE_MAX);
	message = lf_wire_unpack(type, bytes->data, bytes->length, arena, &error);
	if (message == NULL)
		fail_msg("%s: %s", type->name, error.message);
	canonical = lf_wire_canonical_bytes(message, arena, length);
	assert_non_null(canonical);
	return canonical;
}

static void every_encoding_of_a_message_has_the_same_canonical_bytes(void **state)
{
	const ProtobufCMessageDescriptor *types[128];
	size_t type_count = all_types(types, 128), differing = 0;
	uint64_t random = 3;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		const ProtobufCMessageDescriptor *type = types[gen_below(&random, (unsigned)type_count)];
		struct gen_bytes a = {NULL, 0, 0}, b = {NULL, 0, 0}, again;
		struct lf_arena arena_a, arena_b, arena_again;
		uint64_t first = random, second = random, shuffle_a = gen_random(&random),
			 shuffle_b = gen_random(&random);
		size_t length_a, length_b, length_again;
		uint8_t *canonical_a, *canonical_b;

		gen_message(&a, type, 8, &first, &shuffle_a);
		gen_message(&b, type, 8, &second, &shuffle_b);
		differing += a.length != b.length || (a.length != 0 && memcmp(a.data, b.data, a.length) != 0);
		canonical_a = canonical_of(type, &a, &arena_a, &length_a);
		canonical_b = canonical_of(type, &b, &arena_b, &length_b);
		assert_int_equal(length_a, length_b);
		assert_memory_equal(canonical_a, canonical_b, length_a);
		again = (struct gen_bytes){canonical_a, length_a, length_a};
		assert_memory_equal(canonical_of(type, &again, &arena_again, &length_again), canonical_a, length_a);
		assert_int_equal(length_again, length_a);
		lf_arena_clean_up(&arena_a);
		lf_arena_clean_up(&arena_b);
		lf_arena_clean_up(&arena_again);
		free(a.data);
		free(b.data);
	}
	assert_true(differing > 1000);
}

static void maps_are_sorted_by_the_bytes_of_their_keys(void **state)
{
	static const char bytes[] = "\x1a\x04\x0a\x02\xc3\xa9\x1a\x03\x0a\x01"
				    "b"
				    "\x1a\x03\x0a\x01"
				    "B"
				    "\x1a\x02\x0a\x00\x1a\x04\x0a\x02"
				    "BB";
	struct lf_arena arena;
	Leadfit__V1__Project *project;

	(void)state;
	lf_arena_init(&arena, SIZE_MAX);
	project = (Leadfit__V1__Project *)lf_wire_unpack(
		&leadfit__v1__project__descriptor, (const uint8_t *)bytes, sizeof(bytes) - 1, &arena, NULL);
	assert_non_null(project);
	lf_wire_canonicalize(&project->base);
	assert_int_equal(project->n_traits, 5);
	assert_string_equal(project->traits[0]->key, "");
	assert_string_equal(project->traits[1]->key, "B");
	assert_string_equal(project->traits[2]->key, "BB");
	assert_string_equal(project->traits[3]->key, "b");
	assert_string_equal(project->traits[4]->key, "\xc3\xa9");
	lf_arena_clean_up(&arena);
}

static void no_zero_keeps_its_minus(void **state)
{
	double values[] = {-0.0, 0.0, 1.0, -1.0};
	Google__Protobuf__DoubleValue availability;
	Leadfit__V1__Answer answer;
	Leadfit__V1__Member member;

	(void)state;
	google__protobuf__double_value__init(&availability);
	leadfit__v1__answer__init(&answer);
	leadfit__v1__member__init(&member);
	answer.n_scores = 4;
	answer.scores = values;
	lf_wire_canonicalize(&answer.base);
	assert_false(signbit(values[0]));
	assert_true(values[3] == -1);
	availability.value = -0.0;
	member.availability = &availability;
	lf_wire_canonicalize(&member.base);
	assert_false(signbit(availability.value));
	lf_wire_canonicalize(NULL);
}

static void an_arena_too_small_is_resource_exhausted(void **state)
{
	static const char bytes[] = "\x0a\x08payments\x1a\x00";
	struct lf_error error = LF_ERROR_INIT;
	struct lf_arena arena;
	size_t bound;

	(void)state;
	assert_int_equal(lf_wire_check(&leadfit__v1__team__descriptor, (const uint8_t *)bytes, sizeof(bytes) - 1,
				 &bound, &error),
		LF_OK);
	lf_arena_init(&arena, bound - 1);
	assert_null(lf_wire_unpack(
		&leadfit__v1__team__descriptor, (const uint8_t *)bytes, sizeof(bytes) - 1, &arena, &error));
	assert_int_equal(error.code, LF_RESOURCE_EXHAUSTED);
	lf_arena_clean_up(&arena);
	lf_arena_init(&arena, bound);
	assert_non_null(lf_wire_unpack(
		&leadfit__v1__team__descriptor, (const uint8_t *)bytes, sizeof(bytes) - 1, &arena, NULL));
	/* What is used already counts. */
	assert_null(lf_wire_unpack(
		&leadfit__v1__team__descriptor, (const uint8_t *)bytes, sizeof(bytes) - 1, &arena, NULL));
	lf_arena_clean_up(&arena);
	lf_error_clean_up(&error);
}

static void canonical_bytes_say_when_the_arena_is_full(void **state)
{
	Leadfit__V1__Team team;
	char id[] = "payments";
	struct lf_arena arena;
	size_t length;

	(void)state;
	leadfit__v1__team__init(&team);
	team.id = id;
	lf_arena_init(&arena, 0);
	assert_null(lf_wire_canonical_bytes(&team.base, &arena, &length));
	lf_arena_clean_up(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_passes_unpacks_within_its_bound),
		cmocka_unit_test(the_bound_holds_for_any_number_of_fields),
		cmocka_unit_test(damaged_bytes_are_refused_or_unpack_within_their_bound),
		cmocka_unit_test(every_encoding_of_a_message_has_the_same_canonical_bytes),
		cmocka_unit_test(maps_are_sorted_by_the_bytes_of_their_keys),
		cmocka_unit_test(no_zero_keeps_its_minus),
		cmocka_unit_test(an_arena_too_small_is_resource_exhausted),
		cmocka_unit_test(canonical_bytes_say_when_the_arena_is_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
