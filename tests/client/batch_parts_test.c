/*
 * What a batch keeps of teams and projects: what it gives back is what was offered, to the byte, and it stays within
 * its bounds.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/batch/parts.h"
#include "proto/base/hash.h"

enum { TEXT = 512 };

static const char a_kind, another_kind;

struct fixture {
	struct lf_parts parts;
	struct lf_arena arena;
};

static int set_up(void **state)
{
	struct fixture *f = malloc(sizeof(*f));

	if (f == NULL)
		return 1;
	lf_parts_init(&f->parts);
	lf_arena_init(&f->arena, 1 << 26);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	lf_parts_clean_up(&f->parts);
	lf_arena_clean_up(&f->arena);
	free(f);
	return 0;
}

static size_t print(char text[TEXT], unsigned number)
{
	return (size_t)snprintf(
		text, TEXT, "{\"id\":\"team-%08u\",\"title\":\"%0*u\"}", number, 40 + (int)(number % 300), number);
}

/* Its packed bytes are its number, as text. */
static void offer(struct fixture *f, const char *text, size_t length, unsigned number)
{
	char packed[16];
	const size_t packed_length = (size_t)snprintf(packed, sizeof(packed), "%u", number);

	lf_parts_offer(&f->parts, &a_kind, text, length,
		&(struct lf_packed){(const uint8_t *)packed, packed_length, lf_hash_bytes(packed, packed_length, 0)});
}

static bool finds(
	struct fixture *f, const void *kind, const char *text, size_t length, size_t object_length, unsigned number)
{
	struct lf_packed packed = {0};
	char expected[16];
	const size_t found = lf_parts_find(&f->parts, kind, text, length, &f->arena, &packed);

	if (found == 0)
		return false;
	assert_int_equal(found, object_length);
	assert_int_equal(packed.length, snprintf(expected, sizeof(expected), "%u", number));
	assert_memory_equal(packed.bytes, expected, packed.length);
	assert_true(packed.hash == lf_hash_bytes(expected, packed.length, 0));
	return true;
}

static void a_part_is_kept_when_it_comes_for_the_second_time(void **state)
{
	struct fixture *f = *state;
	char text[TEXT];
	const size_t length = print(text, 7);

	assert_false(finds(f, &a_kind, text, length, length, 7));
	offer(f, text, length, 7);
	assert_false(finds(f, &a_kind, text, length, length, 7));
	offer(f, text, length, 7);
	assert_true(finds(f, &a_kind, text, length, length, 7));
	assert_false(finds(f, &another_kind, text, length, length, 7));
}

static void it_is_found_where_a_longer_text_begins_with_it_and_nowhere_else(void **state)
{
	struct fixture *f = *state;
	char text[TEXT], longer[TEXT + 8];
	const size_t length = print(text, 30);

	for (int i = 0; i < 2; i++)
		offer(f, text, length, 30);
	snprintf(longer, sizeof(longer), "%s,\"x\":1", text);
	assert_true(finds(f, &a_kind, longer, strlen(longer), length, 30));
	assert_false(finds(f, &a_kind, text, length - 1, length, 30));
	assert_false(finds(f, &a_kind, text + 1, length - 1, length, 30));
	for (size_t i = 0; i < length; i++) {
		text[i] ^= 1;
		assert_false(finds(f, &a_kind, text, length, length, 30));
		text[i] ^= 1;
	}
}

static void parts_that_begin_alike_are_told_apart(void **state)
{
	struct fixture *f = *state;
	char text[TEXT];
	unsigned found = 0;

	memset(text, 'x', sizeof(text));
	text[0] = '{';
	for (int round = 0; round < 3; round++)
		for (unsigned n = 0; n < 4; n++) {
			snprintf(text + 100, sizeof(text) - 100, "%u}", n);
			offer(f, text, 102, n);
		}
	for (unsigned n = 0; n < 4; n++) {
		snprintf(text + 100, sizeof(text) - 100, "%u}", n);
		found += finds(f, &a_kind, text, 102, 102, n) ? 1 : 0;
	}
	assert_true(found > 0);
	text[100] = '9';
	assert_false(finds(f, &a_kind, text, 102, 102, 9));
}

static void however_many_come_it_holds_no_more_than_its_bounds(void **state)
{
	struct fixture *f = *state;
	enum { LONG = 100 * 1000, COUNT = 400 };
	char *text = malloc(LONG);
	unsigned found = 0;
	char small[TEXT];

	memset(text, ' ', LONG);
	for (unsigned i = 0; i < COUNT; i++) {
		memcpy(text + snprintf(text, LONG, "{\"id\":\"%u\"", i), " ", 1);
		text[LONG - 1] = '}';
		for (int twice = 0; twice < 2; twice++)
			offer(f, text, LONG, i);
		assert_true(f->parts.bytes <= LF_PARTS_BYTES_MAX);
		assert_true(finds(f, &a_kind, text, LONG, LONG, i));
	}
	for (unsigned i = 0; i < COUNT; i++) {
		memcpy(text + snprintf(text, LONG, "{\"id\":\"%u\"", i), " ", 1);
		found += finds(f, &a_kind, text, LONG, LONG, i) ? 1 : 0;
	}
	assert_in_range(found, LF_PARTS_BYTES_MAX / LONG / 2, LF_PARTS_BYTES_MAX / LONG);
	free(text);
	/* And many small ones. */
	for (unsigned i = 0; i < 3 * LF_PARTS_SLOTS; i++) {
		const size_t length = print(small, i);

		for (int twice = 0; twice < 2; twice++)
			offer(f, small, length, i);
		assert_true(finds(f, &a_kind, small, length, length, i));
	}
	assert_true(f->parts.bytes <= LF_PARTS_BYTES_MAX);
	lf_arena_reset(&f->arena);
}

static void what_is_short_or_huge_is_not_kept(void **state)
{
	struct fixture *f = *state;
	const size_t huge = LF_PARTS_BYTES_MAX / 2;
	char *text = malloc(huge);

	memset(text, 'x', huge);
	for (int i = 0; i < 3; i++) {
		offer(f, text, 20, 1);
		offer(f, text, huge, 2);
	}
	assert_false(finds(f, &a_kind, text, 20, 20, 1));
	assert_false(finds(f, &a_kind, text, huge, huge, 2));
	assert_int_equal(f->parts.bytes, 0);
	free(text);
}

static void each_byte_and_the_length_change_the_hash(void **state)
{
	uint8_t bytes[100] = {0};

	(void)state;
	for (size_t length = 0; length < sizeof(bytes); length++) {
		const uint64_t hash = lf_hash_bytes(bytes, length, 0);

		assert_true(hash != lf_hash_bytes(bytes, length + 1, 0));
		assert_true(hash != lf_hash_bytes(bytes, length, 1));
		for (size_t i = 0; i < length; i++) {
			bytes[i] = 0x40;
			assert_true(hash != lf_hash_bytes(bytes, length, 0));
			bytes[i] = 0;
		}
	}
}

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* They are part of the keys of runs that are gone on with on any machine. */
static void a_hash_is_the_same_everywhere(void **state)
{
	static const struct {
		const char *text;
		uint64_t hash;
	} known[] = {{"", 0x2c43a7ad4ccd1f63}, {"a", 0x4b6331cda299e74e},
		{"{\"id\":\"team-1\",\"title\":\"thirty-three bytes\"}", 0xdcb8a14c5e833ee1}};

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		assert_true(lf_hash_bytes(known[i].text, strlen(known[i].text), 7) == known[i].hash);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hash_is_the_same_everywhere),
		CLAIM(a_part_is_kept_when_it_comes_for_the_second_time),
		CLAIM(it_is_found_where_a_longer_text_begins_with_it_and_nowhere_else),
		CLAIM(parts_that_begin_alike_are_told_apart),
		CLAIM(however_many_come_it_holds_no_more_than_its_bounds),
		CLAIM(what_is_short_or_huge_is_not_kept),
		CLAIM(each_byte_and_the_length_change_the_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
