/*
 * The short way of reading JSON gives what the long way gives, or nothing: over texts of requests that were printed and
 * then changed at random, and over those that were thought up.
 */
#include "json_help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "leadfit/v1/decisions.pb-c.h"
#include "leadfit/v1/scoring.pb-c.h"
#include "proto/text/json_internal.h"

static const char request[] =
	"{\"team\": {\"id\": \"t\", \"title\": \"Z\xc3\xbcrich\", \"members\": [{\"id\": \"a\", \"expertise\": {\"k\": "
	"2, \"l\": 3}, \"discipline\": \"BACKEND\",\n"
	"  \"evidence\": [{\"criterion\": \"c\", \"rating\": 3.5, \"source\": \"PEER\", \"observedOn\": "
	"\"2026-05-01\"}, {\"criterion\": \"d\", \"rating\": 0.12345678901234567}]},\n"
	" {\"id\": \"b\", \"discipline\": \"DESIGN\", \"availability\": 1e-1}]},\r\n"
	"\"project\": {\"id\": \"p\", \"traits\": {\"x\": 0.25, \"y\": 1, \"z\": -0.0}}, \"candidates\": [\"a\", "
	"\"b\"], \"as_of\": \"2026-05-01T12:00:00.5Z\",\n"
	"\"purpose\": \"WHAT_IF\", \"detail\": \"TOP\", \"ignoreUndeclared\": true, \"rank_table\": false, "
	"\"idempotency_key\": \"\"}\n";

static uint64_t next_random(uint64_t *seed)
{
	uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* Whether the short way takes the text; then the long way must, with the same bytes. */
static bool compare(const ProtobufCMessageDescriptor *type, const char *text, size_t length)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_arena arena;
	/* Exactly as long as the text, so that reading beyond it shows. */
	char *exact = malloc(length + (length == 0));
	ProtobufCMessage *plain;

	assert_non_null(exact);
	memcpy(exact, text, length);
	lf_arena_init(&arena, 1 << 24);
	plain = lf_json_read_plain(type, exact, length, &arena);
	if (plain != NULL) {
		ProtobufCMessage *tree = lf_json_read_tree(type, exact, length, &arena, &error);
		size_t size;
		uint8_t *a, *b;

		if (tree == NULL)
			fail_msg("only the short way takes %.*s (%s)", (int)length, exact, error.message);
		size = protobuf_c_message_get_packed_size(plain);
		a = lf_arena_alloc(&arena, size);
		b = lf_arena_alloc(&arena, protobuf_c_message_get_packed_size(tree));
		assert_int_equal(size, protobuf_c_message_get_packed_size(tree));
		protobuf_c_message_pack(plain, a);
		protobuf_c_message_pack(tree, b);
		assert_memory_equal(a, b, size);
	}
	lf_arena_clean_up(&arena);
	lf_error_clean_up(&error);
	free(exact);
	return plain != NULL;
}

static bool takes(const char *text)
{
	return compare(&leadfit__v1__score_request__descriptor, text, strlen(text));
}

static void a_usual_request_takes_the_short_way(void **state)
{
	(void)state;
	assert_true(takes(request));
	assert_true(takes("{}"));
	assert_true(takes(" {\"team\":{},\"candidates\":[],\"project\":{\"traits\":{}}} "));
	assert_true(compare(&leadfit__v1__ranked__descriptor, "{\"firstRankShare\":0.5,\"rank\":3}", 31));
}

static void numbers_are_the_same_bits(void **state)
{
	static const char *const numbers[] = {"0", "-0", "-0.0", "0.1", "123456789012345", "1234567890123456",
		"9007199254740993", "9223372036854775807", "9223372036854775808", "0.30000000000000004",
		"1.7976931348623157e308", "4.9e-324", "1e-400", "2.5E+3", "999999999999999.9", "0.000000000000001",
		"0.0000000000000001", "8.41", "72057594037927945", "1e5", "1E-7"};
	char text[128];

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		snprintf(text, sizeof(text), "{\"project\":{\"traits\":{\"x\":%s}}}", numbers[i]);
		if (!takes(text))
			fail_msg("%s does not take the short way", numbers[i]);
	}
}

static void what_is_unusual_or_wrong_is_left_to_the_tree(void **state)
{
	static const char *const texts[] = {"", " ", "[]", "1", "null", "{", "{}x", "{} {}", "{\"team\":null}",
		"{\"x\":1}", "{\"team\":{},\"team\":{}}", "{\"as_of\":\"2026-01-01\",\"asOf\":\"2026-01-01\"}",
		"{\"rubric\":\"\\u0041\"}", "{\"rubric\":\"a\tb\"}", "{\"rubric\":\"\xff\"}",
		"{\"rubric\":\"\xed\xa0\x80\"}", "{\"rubric\":1}", "{\"purpose\":1}", "{\"purpose\":\"what_if\"}",
		"{\"candidates\":[\"a\",]}", "{\"candidates\":[null]}", "{\"candidates\":[,]}",
		"{\"candidates\":\"a\"}", "{\"rubric\":\"a\",}", "{\"rank_table\":1}", "{\"rank_table\":truex}",
		"{\"rank_table\":\"true\"}", "{\"rank_table\":true", "{\"project\":{\"traits\":{\"x\":1,\"x\":2}}}",
		"{\"project\":{\"traits\":{\"x\":01}}}", "{\"project\":{\"traits\":{\"x\":1.}}}",
		"{\"project\":{\"traits\":{\"x\":.5}}}", "{\"project\":{\"traits\":{\"x\":+1}}}",
		"{\"project\":{\"traits\":{\"x\":- 1}}}", "{\"project\":{\"traits\":{\"x\":1e}}}",
		"{\"project\":{\"traits\":{\"x\":1e999}}}", "{\"project\":{\"traits\":{\"x\":NaN}}}",
		"{\"project\":{\"traits\":{\"x\":\"1\"}}}", "{\"as_of\":\"soon\"}", "{rubric:\"a\"}",
		"{\"rubric\" \"a\"}", "{\"\":1}"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (takes(texts[i]))
			fail_msg("takes the short way: %s", texts[i]);
}

/* Bytes taken away, doubled, or put in the place of others. */
static void changed_at_random_both_ways_agree(void **state)
{
	static const char bytes[] = "{}[]\",:0123456789.-+eE \n\ttfn\\\xc3\xbc\x80u";
	const char *given = getenv("LF_TEST_SEED");
	uint64_t seed = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
	uint64_t taken = 0;
	char text[2 * sizeof(request)];

	(void)state;
	printf("LF_TEST_SEED=%llu\n", (unsigned long long)seed);
	for (int round = 0; round < 20000; round++) {
		size_t length = sizeof(request) - 1;

		memcpy(text, request, sizeof(request));
		for (uint64_t changes = next_random(&seed) % 3; changes > 0 && length > 2; changes--) {
			const size_t at = next_random(&seed) % length, n = 1 + next_random(&seed) % 3,
				     left = length - at < n ? length - at : n;

			switch (next_random(&seed) % 4) {
			case 0:
				memmove(text + at, text + at + left, length - at - left);
				length -= left;
				break;
			case 1:
				memmove(text + at + left, text + at, length - at);
				length += left;
				break;
			case 2:
				length = at;
				break;
			default:
				text[at] = bytes[next_random(&seed) % (sizeof(bytes))];
				break;
			}
		}
		taken += compare(&leadfit__v1__score_request__descriptor, text, length) ? 1 : 0;
	}
	assert_true(taken > 2000 && taken < 18000);
}

/* A caller that knows teams, by text, and what it was told. */
struct known {
	const char *team;
	char told[2][256]; /* of team and project */
};

static unsigned index_of(const ProtobufCFieldDescriptor *field)
{
	assert_int_equal(field->type, PROTOBUF_C_TYPE_MESSAGE);
	assert_true(strcmp(field->name, "team") == 0 || strcmp(field->name, "project") == 0);
	return strcmp(field->name, "team") == 0 ? 0 : 1;
}

static size_t find(void *context, const ProtobufCFieldDescriptor *field, const char *text, size_t length)
{
	const struct known *known = context;
	const size_t n = known->team == NULL || index_of(field) != 0 ? 0 : strlen(known->team);

	return n > 0 && n <= length && memcmp(text, known->team, n) == 0 ? n : 0;
}

static bool hear(void *context, const ProtobufCFieldDescriptor *field, const char *text, size_t length,
	const ProtobufCMessage *part)
{
	struct known *known = context;

	assert_ptr_equal(part->descriptor, field->descriptor);
	snprintf(known->told[index_of(field)], sizeof(known->told[0]), "%.*s", (int)length, text);
	return strstr(known->told[index_of(field)], "give up") == NULL;
}

static Leadfit__V1__ScoreRequest *read_known(struct known *known, struct lf_arena *arena, const char *text)
{
	const struct lf_json_parts parts = {.find = find, .read = hear, .context = known};

	return (Leadfit__V1__ScoreRequest *)lf_json_read_parts(
		&leadfit__v1__score_request__descriptor, text, strlen(text), arena, &parts);
}

static void a_caller_is_told_the_text_of_parts_and_those_that_it_knows_are_passed_over(void **state)
{
	static const char text[] = "{\"as_of\":\"2026-01-01\",\"team\" : {\"id\":\"t\", \"members\":[{\"id\":\"m}\"}]} "
				   ",\"project\": {\"id\":\"p\"},\"rubric\":\"r\"}";
	struct known known = {0};
	struct lf_arena arena;
	Leadfit__V1__ScoreRequest *read;

	(void)state;
	lf_arena_init(&arena, 1 << 20);
	read = read_known(&known, &arena, text);
	assert_string_equal(known.told[0], "{\"id\":\"t\", \"members\":[{\"id\":\"m}\"}]}");
	assert_string_equal(known.told[1], "{\"id\":\"p\"}");
	assert_string_equal(read->team->members[0]->id, "m}");

	known = (struct known){.team = "{\"id\":\"t\", \"members\":[{\"id\":\"m}\"}]}"};
	read = read_known(&known, &arena, text);
	assert_null(read->team);
	assert_string_equal(read->project->id, "p");
	assert_string_equal(read->rubric, "r");
	assert_int_equal(read->as_of->seconds, 1767225600);
	assert_string_equal(known.told[0], "");
	assert_string_equal(known.told[1], "{\"id\":\"p\"}");

	/* Known or not, what is wrong around it is wrong. */
	known.team = "{\"id\":\"t\"}";
	assert_non_null(read_known(&known, &arena, "{\"team\":{\"id\":\"t\"}}"));
	assert_null(read_known(&known, &arena, "{\"team\":{\"id\":\"t\"}}}"));
	assert_null(read_known(&known, &arena, "{\"team\":{\"id\":\"t\"}"));
	assert_null(read_known(&known, &arena, "{\"team\":{\"id\":\"t\"}x}"));
	assert_null(read_known(&known, &arena, "{\"team\":{\"id\":\"t\"},\"team\":{\"id\":\"t\"}}"));
	assert_null(read_known(&known, &arena, "{\"project\":{\"id\":\"give up\"}}"));
	lf_arena_clean_up(&arena);
}

static void long_texts_are_read_to_their_quote_wherever_it_stands(void **state)
{
	static const char *const ends[] = {
		"\"}", "\\n\"}", "\x01\"}", "\xc3\xbc\"}", "\xc3\"}", "\x7f\"}", "!\"}", "#[]^\"}"};
	static const bool taken[] = {true, false, false, true, false, true, true, true};
	char text[64];

	(void)state;
	for (int length = 0; length < 30; length++)
		for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
			snprintf(text, sizeof(text), "{\"rubric\":\"%.*s%s", length,
				"abcdefghijklmnopqrstuvwxyzABCDEFGHI", ends[i]);
			assert_int_equal(takes(text), taken[i]);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_usual_request_takes_the_short_way),
		cmocka_unit_test(numbers_are_the_same_bits),
		cmocka_unit_test(what_is_unusual_or_wrong_is_left_to_the_tree),
		cmocka_unit_test(changed_at_random_both_ways_agree),
		cmocka_unit_test(a_caller_is_told_the_text_of_parts_and_those_that_it_knows_are_passed_over),
		cmocka_unit_test(long_texts_are_read_to_their_quote_wherever_it_stands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
