#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "kinds.pb-c.h"
#include "leadfit/v1/error.pb-c.h"
#include "leadfit/v1/record.pb-c.h"
#include "leadfit/v1/rubric.pb-c.h"
#include "leadfit/v1/team.pb-c.h"
#include "proto/wire/decode.h"
#include "proto/base/limits.h"
#include "proto/wire/wire.h"
#include "tests/proto/wire_gen.h"

/* Packing and decoding of our own, held against protobuf-c's. */

enum { TYPES_MAX = 128 };

static size_t all_types(const ProtobufCMessageDescriptor **types)
{
	size_t count = 0;

	types[count++] = &leadfit__v1__answer__descriptor;
	types[count++] = &leadfit__v1__rubric__descriptor;
	types[count++] = &leadfit__v1__error__descriptor;
	types[count++] = &leadfit__test__kinds__descriptor;
	types[count++] = &leadfit__test__lists__descriptor;
	types[count++] = &leadfit__test__node__descriptor;
	for (size_t i = 0; lf_services[i] != NULL; i++) {
		for (unsigned j = 0; j < lf_services[i]->n_methods; j++) {
			assert_true(count + 2 <= TYPES_MAX);
			types[count++] = lf_services[i]->methods[j].input;
			types[count++] = lf_services[i]->methods[j].output;
		}
	}
	return count;
}

static uint8_t *pack_by_protobuf_c(const ProtobufCMessage *message, size_t *length)
{
	uint8_t *bytes;

	*length = protobuf_c_message_get_packed_size(message);
	bytes = malloc(*length + 1);
	assert_non_null(bytes);
	assert_int_equal(protobuf_c_message_pack(message, bytes), *length);
	return bytes;
}

static void assert_packs_alike(const ProtobufCMessage *message)
{
	size_t expected_length, length;
	uint8_t *expected = pack_by_protobuf_c(message, &expected_length);
	const size_t hints[] = {0, expected_length, expected_length / 2, 100000};

	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
		struct lf_arena arena;
		uint8_t *packed;

		lf_arena_init(&arena, SIZE_MAX);
		packed = lf_wire_pack(message, &arena, hints[i], &length);
		assert_non_null(packed);
		assert_int_equal(length, expected_length);
		assert_memory_equal(packed, expected, length);
		lf_arena_clean_up(&arena);
	}
	free(expected);
}

static void every_message_packs_as_protobuf_c_packs_it(void **state)
{
	const ProtobufCMessageDescriptor *types[TYPES_MAX];
	size_t type_count = all_types(types);
	uint64_t random = 11;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		const ProtobufCMessageDescriptor *type = types[gen_below(&random, (unsigned)type_count)];
		struct gen_bytes bytes = {NULL, 0, 0};
		ProtobufCMessage *message;

		gen_message(&bytes, type, round % 100 == 0 ? 40 : 6, &random, NULL);
		message = protobuf_c_message_unpack(type, NULL, bytes.length, bytes.data);
		assert_non_null(message);
		assert_packs_alike(message);
		protobuf_c_message_free_unpacked(message, NULL);
		free(bytes.data);
	}
}

/* Messages that no decoder makes, but a program can. */
static void pointers_that_are_null_pack_as_protobuf_c_packs_them(void **state)
{
	Leadfit__Test__Kinds kinds = LEADFIT__TEST__KINDS__INIT;
	Leadfit__Test__Lists lists = LEADFIT__TEST__LISTS__INIT;
	Leadfit__Test__Kinds *kinds_list[1] = {&kinds};
	char text[] = "b", *texts[2] = {text, text + 1};
	ProtobufCBinaryData raws[2] = {{0, NULL}, {1, (uint8_t *)text}};

	(void)state;
	kinds.text = NULL;
	assert_packs_alike(&kinds.base);
	for (int i = 0; i < 3; i++) { /* a oneof whose pointer is NULL, or its default */
		kinds.choice_case = i == 0 ? LEADFIT__TEST__KINDS__CHOICE_NODE
			: i == 1           ? LEADFIT__TEST__KINDS__CHOICE_NAME
					   : LEADFIT__TEST__KINDS__CHOICE_NUMBER;
		kinds.name = NULL;
		assert_packs_alike(&kinds.base);
	}
	kinds.choice_case = LEADFIT__TEST__KINDS__CHOICE_NAME;
	kinds.name = (char *)(uintptr_t)protobuf_c_empty_string;
	assert_packs_alike(&kinds.base);
	kinds.double_ = -0.0;
	kinds.float_ = -0.0f;
	kinds.bool_ = 7;
	kinds.raw = (ProtobufCBinaryData){0, (uint8_t *)text};
	assert_packs_alike(&kinds.base);
	lists.n_text = 2;
	lists.text = texts;
	lists.n_raw = 2;
	lists.raw = raws;
	lists.n_kinds = 1;
	lists.kinds = kinds_list;
	assert_packs_alike(&lists.base);
}

static void an_arena_that_is_full_gives_null(void **state)
{
	struct gen_bytes bytes = {NULL, 0, 0};
	uint64_t random = 5;
	ProtobufCMessage *message;
	size_t length, refused = 0;

	(void)state;
	gen_message(&bytes, &leadfit__test__lists__descriptor, 40, &random, NULL);
	message = protobuf_c_message_unpack(&leadfit__test__lists__descriptor, NULL, bytes.length, bytes.data);
	assert_non_null(message);
	for (size_t max = 0;; max = max * 5 / 4 + 16) {
		struct lf_arena arena;
		bool fits;

		lf_arena_init(&arena, max);
		fits = lf_wire_pack(message, &arena, 0, &length) != NULL;
		lf_arena_clean_up(&arena);
		refused += !fits;
		if (fits)
			break;
		assert_int_equal(length, 0);
	}
	assert_true(refused > 10);
	protobuf_c_message_free_unpacked(message, NULL);
	free(bytes.data);
}

/*
 * What the quick way decodes must pass the check and be what protobuf-c makes of it. Returns whether it decoded.
 */
static bool assert_decodes_alike(const ProtobufCMessageDescriptor *type, const struct gen_bytes *bytes, bool *valid)
{
	struct lf_arena quick, slow;
	ProtobufCMessage *decoded, *unpacked;
	size_t bound, length, expected_length;

	lf_arena_init(&quick, SIZE_MAX);
	decoded = lf_decode(type, bytes->data, bytes->length, NULL, &quick);
	*valid = lf_wire_check(type, bytes->data, bytes->length, &bound, NULL) == LF_OK;
	if (decoded != NULL) {
		uint8_t *packed, *expected;

		assert_true(*valid);
		lf_arena_init(&slow, bound);
		unpacked = protobuf_c_message_unpack(type, &slow.allocator, bytes->length, bytes->data);
		assert_non_null(unpacked);
		packed = lf_wire_pack(decoded, &quick, 0, &length);
		expected = pack_by_protobuf_c(unpacked, &expected_length);
		assert_int_equal(length, expected_length);
		assert_memory_equal(packed, expected, length);
		free(expected);
		lf_arena_clean_up(&slow);
	}
	lf_arena_clean_up(&quick);
	return decoded != NULL;
}

static void messages_decode_as_protobuf_c_unpacks_them(void **state)
{
	const ProtobufCMessageDescriptor *types[TYPES_MAX];
	size_t type_count = all_types(types);
	uint64_t random = 12;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		const ProtobufCMessageDescriptor *type = types[gen_below(&random, (unsigned)type_count)];
		struct gen_bytes bytes = {NULL, 0, 0};
		bool valid;

		gen_message(&bytes, type, round % 100 == 0 ? 40 : 6, &random, NULL);
		assert_true(assert_decodes_alike(type, &bytes, &valid));
		free(bytes.data);
	}
}

static void damaged_messages_decode_only_where_they_pass_the_check(void **state)
{
	const ProtobufCMessageDescriptor *types[TYPES_MAX];
	size_t type_count = all_types(types), decoded = 0, left = 0, refused = 0;
	uint64_t random = 13;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		const ProtobufCMessageDescriptor *type = types[gen_below(&random, (unsigned)type_count)];
		struct gen_bytes bytes = {NULL, 0, 0};
		bool valid;

		gen_message(&bytes, type, 3, &random, NULL);
		for (unsigned i = gen_below(&random, 4) + 1; i > 0 && bytes.length > 0; i--)
			bytes.data[gen_below(&random, (unsigned)bytes.length)] = (uint8_t)gen_random(&random);
		if (bytes.length > 0 && gen_below(&random, 4) == 0)
			bytes.length = gen_below(&random, (unsigned)bytes.length);
		if (assert_decodes_alike(type, &bytes, &valid))
			decoded++;
		else if (valid)
			left++; /* an empty packed field, say: for the long way */
		else
			refused++;
		free(bytes.data);
	}
	assert_true(decoded > 1000 && refused > 1000 && left < decoded / 20);
}

/* What is rare is left to protobuf-c, and comes out the same. */
static void rare_encodings_are_unpacked_all_the_same(void **state)
{
	static const char *const encodings[] = {
		"\x0a\x01\x05\x08\x06\x0a\x01\x07", /* int32: packed, not packed, packed */
		"\x08\x06\x0a\x01\x07",             /* not packed, then packed */
		"\x0a\x01\x05\x0a\x01\x06",         /* packed twice */
	};
	static const size_t counts[] = {3, 2, 2};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		const uint8_t *data = (const uint8_t *)encodings[i];
		size_t length = strlen(encodings[i]);
		Leadfit__Test__Lists *lists;
		struct lf_arena arena;

		lf_arena_init(&arena, 1 << 16);
		assert_null(lf_decode(&leadfit__test__lists__descriptor, data, length, NULL, &arena));
		lists = (Leadfit__Test__Lists *)lf_wire_unpack(
			&leadfit__test__lists__descriptor, data, length, &arena, NULL);
		assert_non_null(lists);
		assert_int_equal(lists->n_int32, counts[i]);
		lf_arena_clean_up(&arena);
	}
}

/* Entries of a map in any order, and one key twice, at any place of a map of any size. */
static void keys_of_maps_are_distinct(void **state)
{
	static const unsigned sizes[] = {2, 3, 10, 63, 64, 65, 66, 500};
	uint64_t random = 3;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (int round = 0; round < 50; round++) {
			unsigned twice = gen_below(&random, sizes[i]), at = gen_below(&random, sizes[i]);
			struct gen_bytes bytes = {NULL, 0, 0};
			bool valid;

			for (unsigned j = 0; j < sizes[i]; j++) {
				uint32_t key = (j == at ? twice : j) * 7919u % 1009u;
				char entry[4] = {0x0a, 2, (char)('0' + key / 32), (char)('0' + key % 32)};

				gen_put_field(&bytes, 3, entry, sizeof(entry));
			}
			assert_decodes_alike(&leadfit__v1__project__descriptor, &bytes, &valid);
			assert_int_equal(valid, at == twice);
			free(bytes.data);
		}
}

/* One Kinds with a text, its byte at a place replaced by these; beyond its end: none is. */
static bool text_decodes(size_t length, size_t at, const char *replaced, size_t replaced_length)
{
	struct gen_bytes bytes = {NULL, 0, 0};
	char text[64];
	bool valid, decoded;

	assert_true(length <= sizeof(text));
	for (size_t i = 0; i < length; i++)
		text[i] = (char)('\x01' + (char)i);
	if (at + replaced_length <= length)
		memcpy(text + at, replaced, replaced_length);
	gen_put_field(&bytes, 15, text, length);
	decoded = assert_decodes_alike(&leadfit__test__kinds__descriptor, &bytes, &valid);
	assert_int_equal(decoded, valid);
	free(bytes.data);
	return decoded;
}

/* Short and long texts are read by different code, a few bytes at a time. */
static void every_byte_of_a_text_is_checked_whatever_its_length(void **state)
{
	static const char *const wrong[] = {"\x80", "\xc3", "\xff", ""}; /* the last one: NUL */

	(void)state;
	for (size_t length = 0; length <= 40; length++) {
		assert_true(text_decodes(length, length, "", 1));
		for (size_t at = 0; at < length; at++) {
			for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
				assert_false(text_decodes(length, at, wrong[i], 1));
			if (at + 2 <= length)
				assert_true(text_decodes(length, at, "\xc3\xa9", 2));
			assert_true(text_decodes(length, at, "\x7f", 1));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_message_packs_as_protobuf_c_packs_it),
		cmocka_unit_test(pointers_that_are_null_pack_as_protobuf_c_packs_them),
		cmocka_unit_test(an_arena_that_is_full_gives_null),
		cmocka_unit_test(messages_decode_as_protobuf_c_unpacks_them),
		cmocka_unit_test(damaged_messages_decode_only_where_they_pass_the_check),
		cmocka_unit_test(rare_encodings_are_unpacked_all_the_same),
		cmocka_unit_test(keys_of_maps_are_distinct),
		cmocka_unit_test(every_byte_of_a_text_is_checked_whatever_its_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
