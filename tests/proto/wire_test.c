#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grpc/health/v1/health.pb-c.h"
#include "leadfit/v1/decisions.pb-c.h"
#include "leadfit/v1/rubric.pb-c.h"
#include "leadfit/v1/scoring.pb-c.h"
#include "leadfit/v1/team.pb-c.h"
#include "kinds.pb-c.h"
#include "proto/base/limits.h"
#include "proto/wire/wire.h"
#include "tests/proto/wire_gen.h"

#define TEAM (&leadfit__v1__team__descriptor)
#define SCORE (&leadfit__v1__score_request__descriptor)
#define PROJECT (&leadfit__v1__project__descriptor)
#define KINDS (&leadfit__test__kinds__descriptor)
#define LISTS (&leadfit__test__lists__descriptor)
#define NODE (&leadfit__test__node__descriptor)

static void check_one(const ProtobufCMessageDescriptor *type, const char *data, size_t length, const char *message)
{
	struct lf_error error = LF_ERROR_INIT;
	size_t bytes;

	if (message == NULL) {
		if (lf_wire_check(type, (const uint8_t *)data, length, &bytes, &error) != LF_OK)
			fail_msg("should pass: %s", error.message);
	} else {
		assert_int_equal(
			lf_wire_check(type, (const uint8_t *)data, length, &bytes, &error), LF_INVALID_ARGUMENT);
		assert_int_equal(error.code, LF_INVALID_ARGUMENT);
		assert_string_equal(error.message, message);
		assert_int_equal(error.violation_count, 1);
		/* It is the same without a place for the text. */
		assert_int_equal(lf_wire_check(type, (const uint8_t *)data, length, &bytes, NULL), LF_INVALID_ARGUMENT);
	}
	lf_error_clean_up(&error);
}

/* message NULL: passes. */
#define CHECK(type, literal, message) check_one(type, literal, sizeof(literal) - 1, message)

static void an_empty_message_passes(void **state)
{
	size_t bytes;

	(void)state;
	CHECK(TEAM, "", NULL);
	assert_int_equal(lf_wire_check(TEAM, NULL, 0, &bytes, NULL), LF_OK);
	CHECK(&grpc__health__v1__health_check_request__descriptor, "", NULL);
}

static void texts_are_utf8_without_nul(void **state)
{
	(void)state;
	CHECK(TEAM, "\x0a\x03m\xc3\xa9", NULL);
	CHECK(TEAM, "\x0a\x05m-1\0x", "id: has a NUL byte");
	CHECK(TEAM,
		"\x0a\x0c"
		"12345678abc\0",
		"id: has a NUL byte");
	CHECK(TEAM,
		"\x0a\x08"
		"1234567\0",
		"id: has a NUL byte");
	CHECK(TEAM, "\x0a\x01\x80", "id: is not valid UTF-8");
	CHECK(TEAM, "\x0a\x01\xc3", "id: is not valid UTF-8");
	CHECK(TEAM, "\x0a\x02\xc0\x80", "id: is not valid UTF-8");     /* overlong NUL */
	CHECK(TEAM, "\x0a\x03\xe0\x9f\xbf", "id: is not valid UTF-8"); /* overlong */
	CHECK(TEAM, "\x0a\x03\xed\xa0\x80", "id: is not valid UTF-8"); /* surrogate */
	CHECK(TEAM, "\x0a\x03\xed\x9f\xbf", NULL);
	CHECK(TEAM, "\x0a\x04\xf0\x8f\xbf\xbf", "id: is not valid UTF-8"); /* overlong */
	CHECK(TEAM, "\x0a\x04\xf4\x8f\xbf\xbf", NULL);                     /* U+10FFFF */
	CHECK(TEAM, "\x0a\x04\xf4\x90\x80\x80", "id: is not valid UTF-8");
	CHECK(TEAM, "\x0a\x03\xe2\x82\x41", "id: is not valid UTF-8");
	CHECK(TEAM, "\x0a\x01\xff", "id: is not valid UTF-8");
	CHECK(KINDS, "\x82\x01\x02\x00\xff", NULL); /* bytes are free */
}

static void a_path_leads_to_the_field(void **state)
{
	(void)state;
	CHECK(TEAM,
		"\x1a\x03\x0a\x01"
		"a"
		"\x1a\x03\x0a\x01"
		"b"
		"\x1a\x00\x1a\x03\x0a\x01\0",
		"members[3].id: has a NUL byte");
	CHECK(SCORE,
		"\x0a\x0a\x1a\x00\x1a\x06\x32\x00\x32\x02\x0a\x00"
		"\x0a\x00",
		"team: occurs more than once");
	CHECK(SCORE, "\x0a\x0b\x1a\x00\x1a\x07\x32\x00\x32\x03\x2a\x01\xff",
		"team.members[1].evidence[1].note: is not valid UTF-8");
	CHECK(SCORE,
		"\x22\x01"
		"a"
		"\x22\x01\xff",
		"candidates[1]: is not valid UTF-8");
	/* A map's value stands at its key, an unusable key at its index. */
	CHECK(PROJECT, "\x1a\x0d\x0a\x02up\x11\0\0\0\0\0\0\xf0\x7f", "traits[\"up\"]: is not a finite number");
	CHECK(PROJECT, "\x1a\x0d\x11\0\0\0\0\0\0\xf0\x7f\x0a\x02up", "traits[\"up\"]: is not a finite number");
	CHECK(PROJECT, "\x1a\x03\x0a\x01\xff", "traits[0].key: is not valid UTF-8");
	/* The name that YAML knows. */
	CHECK(&leadfit__v1__criterion__descriptor, "\x32\x09\x09\0\0\0\0\0\0\xf8\x7f",
		"weight.base: is not a finite number");
}

static void numbers_fit_their_type(void **state)
{
	(void)state;
	CHECK(KINDS, "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", NULL);
	CHECK(KINDS, "\x08\xff\xff\xff\xff\x0f", "int32: 4294967295 is outside 32 bits");
	CHECK(KINDS, "\x08\x80\x80\x80\x80\x80\xff\xff\xff\xff\x01", "int32: -34359738368 is outside 32 bits");
	CHECK(KINDS, "\x18\x80\x80\x80\x80\x10", "uint32: 4294967296 is outside 32 bits");
	CHECK(KINDS, "\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", NULL);
	CHECK(KINDS, "\x28\x80\x80\x80\x80\x10", "sint32: 4294967296 is outside 32 bits");
	CHECK(KINDS, "\x68\x01", NULL);
	CHECK(KINDS, "\x68\x02", "bool: 2 is neither 0 nor 1");
	CHECK(KINDS, "\x70\x01", NULL);
	CHECK(KINDS, "\x70\xf9\xff\xff\xff\xff\xff\xff\xff\xff\x01", NULL);
	CHECK(KINDS, "\x70\x02", "colour: 2 is no value of leadfit.test.Colour");
	CHECK(KINDS, "\x5d\0\0\x80\x7f", "float: is not a finite number");
	CHECK(KINDS, "\x61\0\0\0\0\0\0\xf8\xff", "double: is not a finite number");
	CHECK(KINDS, "\x61\xff\xff\xff\xff\xff\xff\xef\x7f", NULL);
	CHECK(SCORE, "\x30\x02", "purpose: 2 is no value of leadfit.v1.Purpose");
}

static void undecodable_bytes_are_said_with_their_place(void **state)
{
	(void)state;
	CHECK(TEAM, "\x0a\x02m", "undecodable at byte 1: length past the end");
	CHECK(TEAM, "\x0a", "undecodable at byte 1: bad length");
	CHECK(TEAM, "\x0a\x80\x80\x80\x80\x80\x00", "undecodable at byte 1: bad length");
	CHECK(TEAM, "\x8a", "undecodable at byte 0: bad field tag");
	CHECK(TEAM, "\x8a\x80\x80\x80\x80\x00", "undecodable at byte 0: bad field tag");
	CHECK(TEAM, "\x8a\x80\x80\x80\x10", "undecodable at byte 0: bad field tag");
	CHECK(TEAM, "\x02\x00", "undecodable at byte 0: field number 0");
	CHECK(TEAM, "\x82\x00\x00", "undecodable at byte 0: field number 0");
	CHECK(TEAM, "\x0b\x0c", "undecodable at byte 1: groups and other unknown wire types are not accepted");
	CHECK(TEAM, "\x0f", "undecodable at byte 1: groups and other unknown wire types are not accepted");
	CHECK(KINDS, "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", "undecodable at byte 1: bad varint");
	CHECK(KINDS, "\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", "undecodable at byte 1: bad varint");
	CHECK(KINDS, "\x61\0\0\0\0\0\0\0", "undecodable at byte 1: cut within a fixed-width value");
	CHECK(TEAM,
		"\x1a\x00\x1a\x04\x0a\x01"
		"a"
		"\x0a",
		"members[1]: undecodable at byte 8: bad length");
	CHECK(LISTS, "\x62\x09\0\0\0\0\0\0\0\0\0", "double[1]: undecodable at byte 10: cut within a fixed-width value");
	CHECK(LISTS, "\x0a\x02\x01\x80", "int32[1]: undecodable at byte 3: bad varint");
}

static void tags_and_lengths_may_be_longer_than_needed(void **state)
{
	(void)state;
	CHECK(TEAM,
		"\x8a\x00\x81\x80\x80\x80\x00"
		"a",
		NULL);
	CHECK(KINDS, "\x88\x80\x80\x80\x00\x81\x80\x00", NULL);
}

static void wire_types_are_those_of_the_fields(void **state)
{
	(void)state;
	CHECK(TEAM, "\x08\x01", "id: has wire type 0, not 2");
	CHECK(KINDS, "\x0a\x01\x01", "int32: has wire type 2, not 0");
	CHECK(KINDS, "\x65\0\0\0\0", "double: has wire type 5, not 1");
	CHECK(LISTS, "\x65\0\0\0\0", "double[0]: has wire type 5, not 1");
	CHECK(LISTS, "\x78\x01", "text[0]: has wire type 0, not 2");
}

static void unknown_fields_are_named(void **state)
{
	(void)state;
	CHECK(TEAM, "\x8a\x01\x00", "unknown field 17 of leadfit.v1.Team");
	CHECK(SCORE, "\x0a\x03\x8a\x01\x00", "team: unknown field 17 of leadfit.v1.Team");
	CHECK(LISTS, "\xb8\x3e\x01", "unknown field 999 of leadfit.test.Lists");
	CHECK(LISTS, "\xc2\x3e\x00", NULL); /* 1000 */
}

static ProtobufCMessage *unpack_newer(
	const ProtobufCMessageDescriptor *type, const char *data, size_t length, struct lf_arena *arena)
{
	struct lf_error error = LF_ERROR_INIT;
	ProtobufCMessage *message;
	size_t bytes;

	assert_int_equal(lf_wire_check_newer(type, (const uint8_t *)data, length, &bytes, &error), LF_OK);
	/* What the walk counts is enough. */
	lf_arena_init(arena, bytes);
	message = lf_wire_unpack_newer(type, (const uint8_t *)data, length, arena, &error);
	if (message == NULL)
		fail_msg("%s", error.message);
	return message;
}

#define UNPACK_NEWER(type, literal, arena) (const void *)unpack_newer(type, literal, sizeof(literal) - 1, arena)

static void fields_of_a_later_version_are_passed_over_where_asked(void **state)
{
	/* Of each wire type, before and behind what is known, twice, and within messages. */
	const Leadfit__V1__Team *team;
	const Leadfit__V1__ScoreRequest *score;
	struct lf_arena arena;

	(void)state;
	team = UNPACK_NEWER(TEAM,
		"\x88\x01\x07"
		"\x0a\x01"
		"a"
		"\x8a\x01\x02xy"
		"\x91\x01\0\0\0\0\0\0\xf0\x7f"
		"\x95\x01\0\0\x80\x7f"
		"\x8a\x01\x00",
		&arena);
	assert_string_equal(team->id, "a");
	assert_int_equal(team->n_members, 0);
	lf_arena_clean_up(&arena);
	score = UNPACK_NEWER(SCORE,
		"\xfa\x3e\x00"
		"\x0a\x0e\x0a\x01"
		"t"
		"\x8a\x01\x00\x1a\x06\x0a\x01"
		"m"
		"\xf8\x3e\x01",
		&arena);
	assert_string_equal(score->team->id, "t");
	assert_int_equal(score->team->n_members, 1);
	assert_string_equal(score->team->members[0]->id, "m");
	lf_arena_clean_up(&arena);
}

static void all_else_of_a_later_version_is_as_strict(void **state)
{
	static const struct {
		const ProtobufCMessageDescriptor *type;
		const char *data;
		size_t length;
	} bad[] = {
		{TEAM, "\x8a\x01\x05x", 4},            /* cut */
		{TEAM, "\x8b\x01", 2},                 /* a group */
		{TEAM, "\x8a\x01\x00\x0a\x01\xff", 6}, /* no UTF-8 */
		{TEAM,
			"\x0a\x01"
			"a\x0a\x01"
			"a",
			6},                         /* twice */
		{SCORE, "\x0a\x03\x8a\x01\x05", 5}, /* cut within a message */
	};
	struct lf_error error = LF_ERROR_INIT;
	struct lf_arena arena;
	size_t bytes;

	(void)state;
	lf_arena_init(&arena, 65536);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const uint8_t *data = (const uint8_t *)bad[i].data;

		assert_int_equal(
			lf_wire_check_newer(bad[i].type, data, bad[i].length, &bytes, NULL), LF_INVALID_ARGUMENT);
		assert_null(lf_wire_unpack_newer(bad[i].type, data, bad[i].length, &arena, &error));
		assert_int_equal(error.code, LF_INVALID_ARGUMENT);
		lf_error_clean_up(&error);
	}
	lf_arena_clean_up(&arena);
	/* And without being asked, nothing is passed over. */
	CHECK(TEAM, "\x8a\x01\x00", "unknown field 17 of leadfit.v1.Team");
}

static void singular_fields_occur_once(void **state)
{
	(void)state;
	CHECK(TEAM,
		"\x0a\x01"
		"a"
		"\x0a\x01"
		"a",
		"id: occurs more than once");
	CHECK(SCORE, "\x12\x00\x0a\x00\x12\x00", "project: occurs more than once");
	CHECK(KINDS, "\xa2\x01\x00\xa8\x01\x00",
		"number: occurs more than once, or together with another field of its oneof");
	CHECK(KINDS, "\xb2\x01\x00\xb2\x01\x00",
		"node: occurs more than once, or together with another field of its oneof");
	CHECK(PROJECT, "\x1a\x04\x0a\x00\x0a\x00", "traits[\"\"].key: occurs more than once");
}

static void keys_of_a_map_are_distinct(void **state)
{
	(void)state;
	CHECK(PROJECT,
		"\x1a\x03\x0a\x01"
		"b"
		"\x1a\x03\x0a\x01"
		"a"
		"\x1a\x04\x0a\x02"
		"ba",
		NULL);
	CHECK(PROJECT,
		"\x1a\x03\x0a\x01"
		"b"
		"\x0a\x01x"
		"\x1a\x03\x0a\x01"
		"a"
		"\x1a\x03\x0a\x01"
		"b",
		"traits[0]: key \"b\" occurs more than once");
	CHECK(PROJECT, "\x1a\x00\x1a\x02\x0a\x00", "traits[0]: key \"\" occurs more than once");
	/* Only entries of the same map count. */
	CHECK(TEAM,
		"\x1a\x05\x22\x03\x0a\x01"
		"a"
		"\x1a\x05\x22\x03\x0a\x01"
		"a",
		NULL);
}

static void put_entries(struct gen_bytes *bytes, unsigned count, unsigned first)
{
	for (unsigned i = 0; i < count; i++) {
		char key[16], entry[20];
		int length = snprintf(key, sizeof(key), "%u", (i * 7919 + first) % 100003);

		entry[0] = 0x0a;
		entry[1] = (char)length;
		memcpy(entry + 2, key, (size_t)length);
		gen_put_field(bytes, 3, entry, (size_t)length + 2);
	}
}

static void large_maps_are_checked_to_a_limit(void **state)
{
	struct gen_bytes bytes = {NULL, 0, 0};

	(void)state;
	put_entries(&bytes, 1024, 0);
	check_one(PROJECT, (char *)bytes.data, bytes.length, NULL);
	bytes.length = 0;
	put_entries(&bytes, 1023, 5);
	put_entries(&bytes, 1, 5);
	check_one(PROJECT, (char *)bytes.data, bytes.length, "traits[0]: key \"5\" occurs more than once");
	bytes.length = 0;
	put_entries(&bytes, 1025, 0);
	check_one(PROJECT, (char *)bytes.data, bytes.length, "traits[0]: more than 1024 entries");
	free(bytes.data);
}

static void all_violations_are_listed(void **state)
{
	static const char bytes[] = "\x0a\x01\0\x12\x01\xff\x1a\x03\x0a\x01\xff\x8a\x01\x00\x8a\x01\x00";
	struct lf_error error = LF_ERROR_INIT;
	size_t size;

	(void)state;
	assert_int_equal(
		lf_wire_check(TEAM, (const uint8_t *)bytes, sizeof(bytes) - 1, &size, &error), LF_INVALID_ARGUMENT);
	assert_int_equal(error.violation_count, 5);
	assert_string_equal(error.violations[1].field, "title");
	assert_string_equal(error.violations[2].field, "members[0].id");
	assert_string_equal(error.violations[4].description, "unknown field 17 of leadfit.v1.Team");
	lf_error_clean_up(&error);
}

/* A team of 4 MiB, all of it wrong. Only the first hundred violations have a path; the others cost nothing but a count.
 */
static void a_message_full_of_violations_counts_them_all(void **state)
{
	struct gen_bytes bytes = {NULL, 0, 0};
	struct lf_error error = LF_ERROR_INIT;
	size_t count = LF_MESSAGE_BYTES_MAX / 5, size;

	(void)state;
	for (size_t i = 0; i < count; i++)
		gen_put(&bytes, "\x1a\x03\x0a\x01\xff", 5);
	assert_int_equal(lf_wire_check(TEAM, bytes.data, bytes.length, &size, &error), LF_INVALID_ARGUMENT);
	assert_int_equal(error.violation_count, count);
	assert_int_equal(error.violation_kept, LF_VIOLATIONS_MAX);
	assert_string_equal(error.violations[99].field, "members[99].id");
	lf_error_clean_up(&error);
	free(bytes.data);
}

static void nesting_is_limited(void **state)
{
	struct gen_bytes bytes = {NULL, 0, 0};
	char expected[256] = "child";

	(void)state;
	for (int i = 1; i < LF_MESSAGE_DEPTH_MAX; i++) {
		struct gen_bytes outer = {NULL, 0, 0};

		gen_put_field(&outer, 1, bytes.data, bytes.length);
		free(bytes.data);
		bytes = outer;
		strcat(expected, ".child");
	}
	check_one(NODE, (char *)bytes.data, bytes.length, NULL);
	{
		struct gen_bytes outer = {NULL, 0, 0};

		gen_put_field(&outer, 1, bytes.data, bytes.length);
		strcat(expected, ": nested deeper than 16 messages");
		check_one(NODE, (char *)outer.data, outer.length, expected);
		free(outer.data);
	}
	free(bytes.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_message_passes),
		cmocka_unit_test(texts_are_utf8_without_nul),
		cmocka_unit_test(a_path_leads_to_the_field),
		cmocka_unit_test(numbers_fit_their_type),
		cmocka_unit_test(undecodable_bytes_are_said_with_their_place),
		cmocka_unit_test(tags_and_lengths_may_be_longer_than_needed),
		cmocka_unit_test(wire_types_are_those_of_the_fields),
		cmocka_unit_test(unknown_fields_are_named),
		cmocka_unit_test(fields_of_a_later_version_are_passed_over_where_asked),
		cmocka_unit_test(all_else_of_a_later_version_is_as_strict),
		cmocka_unit_test(singular_fields_occur_once),
		cmocka_unit_test(keys_of_a_map_are_distinct),
		cmocka_unit_test(large_maps_are_checked_to_a_limit),
		cmocka_unit_test(all_violations_are_listed),
		cmocka_unit_test(a_message_full_of_violations_counts_them_all),
		cmocka_unit_test(nesting_is_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
