/*
 * Properties over random messages and texts: what is printed is read back as the same message, as JSON and as YAML, and
 * a lack of memory anywhere is an error and no more.
 */
#include "json_help.h"

#include <float.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "json_kinds.pb-c.h"
#include "leadfit/v1/decisions.pb-c.h"
#include "leadfit/v1/scoring.pb-c.h"
#include "proto/base/buffer.h"
#include "proto/wire/wire.h"

/* As in json_kinds_test.c: the tests' own maps are maps too. */
bool __real_lf_wire_is_map_entry(const ProtobufCMessageDescriptor *type);
bool __wrap_lf_wire_is_map_entry(const ProtobufCMessageDescriptor *type);

bool __wrap_lf_wire_is_map_entry(const ProtobufCMessageDescriptor *type)
{
	size_t length = strlen(type->short_name);
	bool entry = length > 5 && !strcmp(type->short_name + length - 5, "Entry");

	return strcmp(type->package_name, "leadfit.test") ? __real_lf_wire_is_map_entry(type) : entry;
}

/* SplitMix64. */
static uint64_t next_random(uint64_t *seed)
{
	uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static size_t below(uint64_t *seed, size_t bound)
{
	return (size_t)(next_random(seed) % bound);
}

static char *random_text(struct lf_arena *arena, uint64_t *seed, size_t suffix)
{
	static const char *const pieces[] = {"a", "Z", "0", " ", "~", "null", "true", "- ", ": ", "#", "\"", "\\", "/",
		"\n", "\t", "\r", "\x01", "\x7f", "\xc2\x85", "\xc2\x9b", "\xc3\xa9", "\xe2\x80\xa8",
		"\xf0\x9f\x98\x80", "'", "[", "{", "*", "&", "!", "%", "1e5", "-", "", "word ", "\n\n", "\xef\xbb\xbf",
		"\xef\xbf\xbf", "a longer piece of text ", " #", ":", "?", ", ", "..."};
	char text[1024] = "";
	size_t length = 0;

	for (size_t i = below(seed, below(seed, 10) ? 8 : 40); i > 0; i--)
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s",
			pieces[below(seed, sizeof(pieces) / sizeof(*pieces))]);
	if (suffix) /* makes keys distinct */
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%zu", suffix);
	return lf_arena_strdup(arena, text, length);
}

static double random_double(uint64_t *seed)
{
	uint64_t bits = next_random(seed);
	double any;

	switch (bits % 4) {
	case 0:
		return 0;
	case 1:
		return (double)(int)below(seed, 100) / 4;
	case 2:
		return (double)(bits >> 11) * 0x1p-53;
	default:
		memcpy(&any, &bits, sizeof(any));
		return any - any == 0 ? any : 1.5;
	}
}

static ProtobufCMessage *random_message(
	const ProtobufCMessageDescriptor *type, struct lf_arena *arena, uint64_t *seed, size_t suffix);

static void random_value(
	const ProtobufCFieldDescriptor *field, void *out, struct lf_arena *arena, uint64_t *seed, size_t suffix)
{
	uint64_t bits = below(seed, 4) ? next_random(seed) >> below(seed, 64) : 0;
	float narrow;

	switch (field->type) {
	case PROTOBUF_C_TYPE_DOUBLE:
		*(double *)out = random_double(seed) + 0.0;
		break;
	case PROTOBUF_C_TYPE_FLOAT:
		narrow = (float)random_double(seed) + 0.0f; /* -0 would be printed as 0 */
		*(float *)out = narrow - narrow == 0 ? narrow : FLT_MAX;
		break;
	case PROTOBUF_C_TYPE_BOOL:
		*(protobuf_c_boolean *)out = suffix ? suffix % 2 : bits & 1;
		break;
	case PROTOBUF_C_TYPE_ENUM: {
		const ProtobufCEnumDescriptor *type = field->descriptor;

		*(int *)out = type->values[below(seed, type->n_values)].value;
		break;
	}
	case PROTOBUF_C_TYPE_STRING:
		*(char **)out = random_text(arena, seed, suffix);
		break;
	case PROTOBUF_C_TYPE_BYTES: {
		char *text = random_text(arena, seed, 0);

		*(ProtobufCBinaryData *)out = (ProtobufCBinaryData){.len = strlen(text), .data = (uint8_t *)text};
		break;
	}
	case PROTOBUF_C_TYPE_MESSAGE:
		*(ProtobufCMessage **)out = random_message(field->descriptor, arena, seed, 0);
		break;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		*(uint64_t *)out = suffix ? suffix : bits;
		break;
	default:
		*(uint32_t *)out = suffix ? (uint32_t)suffix : (uint32_t)bits;
		break;
	}
}

static size_t size_of(ProtobufCType type)
{
	static const size_t sizes[] = {
		[PROTOBUF_C_TYPE_INT64] = 8,
		[PROTOBUF_C_TYPE_SINT64] = 8,
		[PROTOBUF_C_TYPE_SFIXED64] = 8,
		[PROTOBUF_C_TYPE_UINT64] = 8,
		[PROTOBUF_C_TYPE_FIXED64] = 8,
		[PROTOBUF_C_TYPE_DOUBLE] = 8,
		[PROTOBUF_C_TYPE_STRING] = sizeof(char *),
		[PROTOBUF_C_TYPE_BYTES] = sizeof(ProtobufCBinaryData),
		[PROTOBUF_C_TYPE_MESSAGE] = sizeof(void *),
	};

	return sizes[type] ? sizes[type] : 4;
}

static void random_field(
	ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, struct lf_arena *arena, uint64_t *seed)
{
	char *base = (char *)message;

	if (field->label == PROTOBUF_C_LABEL_REPEATED) {
		bool map = field->type == PROTOBUF_C_TYPE_MESSAGE && lf_wire_is_map_entry(field->descriptor);
		size_t count = below(seed, map ? 3 : 4), size = size_of(field->type);
		char *array = lf_arena_zalloc(arena, count, size);

		for (size_t i = 0; i < count; i++) {
			if (map)
				*(ProtobufCMessage **)(array + i * size) =
					random_message(field->descriptor, arena, seed, i + 1);
			else
				random_value(field, array + i * size, arena, seed, 0);
		}
		*(size_t *)(base + field->quantifier_offset) = count;
		*(void **)(base + field->offset) = count ? array : NULL;
		return;
	}
	if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
		uint32_t *set = (uint32_t *)(base + field->quantifier_offset);

		if (*set || below(seed, 3))
			return;
		*set = field->id;
	} else if (field->type == PROTOBUF_C_TYPE_MESSAGE && below(seed, 2)) {
		return;
	}
	random_value(field, base + field->offset, arena, seed, 0);
}

/* suffix: 1 and up for the entry of a map with a key of its own. */
static ProtobufCMessage *random_message(
	const ProtobufCMessageDescriptor *type, struct lf_arena *arena, uint64_t *seed, size_t suffix)
{
	ProtobufCMessage *message = lf_arena_alloc(arena, type->sizeof_message);

	assert_non_null(message);
	type->message_init(message);
	if (type == &google__protobuf__timestamp__descriptor) {
		Google__Protobuf__Timestamp *timestamp = (Google__Protobuf__Timestamp *)message;

		timestamp->seconds = (int64_t)(next_random(seed) % 315537897600) - 62135596800;
		timestamp->nanos = (int32_t)below(seed, 1000000000);
		for (size_t i = below(seed, 4); i > 0; i--)
			timestamp->nanos =
				timestamp->nanos / 1000 * 1000 % 1000000 ? timestamp->nanos / 1000 * 1000 : 0;
		return message;
	}
	if (suffix) {
		random_value(&type->fields[0], (char *)message + type->fields[0].offset, arena, seed, suffix);
		random_value(&type->fields[1], (char *)message + type->fields[1].offset, arena, seed, 0);
		return message;
	}
	for (unsigned i = 0; i < type->n_fields; i++)
		random_field(message, &type->fields[i], arena, seed);
	return message;
}

static void check_round_trip(const ProtobufCMessage *message, enum lf_format format, const char *text, size_t length)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_arena arena;
	ProtobufCMessage *back;
	size_t size;
	uint8_t *expected, *found;

	lf_arena_init(&arena, 16 * 1024 * 1024);
	back = lf_text_parse(format, message->descriptor, text, length, &arena, &error);
	if (back == NULL)
		fail_msg("%s: refused is\n%s", error.message, text);
	size = protobuf_c_message_get_packed_size(message);
	assert_int_equal(protobuf_c_message_get_packed_size(back), size);
	expected = lf_arena_alloc(&arena, size);
	found = lf_arena_alloc(&arena, size);
	protobuf_c_message_pack(message, expected);
	protobuf_c_message_pack(back, found);
	if (memcmp(expected, found, size) != 0)
		fail_msg("read as another message: %s", text);
	lf_arena_clean_up(&arena);
}

static void test_what_is_printed_is_read_as_the_same_message_in_json_and_yaml(void **state)
{
	const ProtobufCMessageDescriptor *const types[] = {&leadfit__test__kinds__descriptor,
		&leadfit__v1__score_request__descriptor, &leadfit__v1__rubric__descriptor,
		&leadfit__v1__decision__descriptor, &leadfit__v1__list_decisions_response__descriptor};
	uint64_t seed = 7;

	(void)state;
	for (size_t round = 0; round < 400; round++) {
		const ProtobufCMessageDescriptor *type = types[round % (sizeof(types) / sizeof(*types))];
		struct lf_json_style style = {.pretty = round & 1, .snake_case = round & 2, .with_defaults = round & 4};
		struct lf_buffer out = {.data = NULL};
		struct lf_arena arena;
		ProtobufCMessage *message;

		lf_arena_init(&arena, 16 * 1024 * 1024);
		message = random_message(type, &arena, &seed, 0);
		lf_json_print(message, &style, &out);
		assert_false(out.failed);
		check_round_trip(message, LF_FORMAT_JSON, out.data, out.length);
		check_round_trip(message, LF_FORMAT_YAML, out.data, out.length);
		lf_buffer_clean_up(&out);
		lf_arena_clean_up(&arena);
	}
}

static int compare_packed(const void *a, const void *b)
{
	uint8_t bytes[2][16384];
	size_t lengths[2];
	const ProtobufCMessage *const entries[] = {*(ProtobufCMessage *const *)a, *(ProtobufCMessage *const *)b};
	int order;

	for (size_t i = 0; i < 2; i++) {
		assert_true(protobuf_c_message_get_packed_size(entries[i]) <= sizeof(bytes[i]));
		lengths[i] = protobuf_c_message_pack(entries[i], bytes[i]);
	}
	order = memcmp(bytes[0], bytes[1], lengths[0] < lengths[1] ? lengths[0] : lengths[1]);
	return order ? order : (lengths[0] > lengths[1]) - (lengths[0] < lengths[1]);
}

/* Entries of maps have no order: they get one, whatever their keys are. */
static void sort_maps(ProtobufCMessage *message)
{
	const ProtobufCMessageDescriptor *type = message->descriptor;

	for (unsigned i = 0; i < type->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &type->fields[i];
		char *base = (char *)message;
		const bool in_oneof = field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF;
		bool repeated_field;
		ProtobufCMessage **children;
		size_t count;

		if (field->type != PROTOBUF_C_TYPE_MESSAGE ||
			(in_oneof && *(uint32_t *)(base + field->quantifier_offset) != field->id))
			continue;
		repeated_field = field->label == PROTOBUF_C_LABEL_REPEATED;
		children = repeated_field ? *(ProtobufCMessage ***)(base + field->offset)
					  : (ProtobufCMessage **)(base + field->offset);
		count = repeated_field ? *(size_t *)(base + field->quantifier_offset) : *children != NULL;
		for (size_t c = 0; c < count; c++)
			sort_maps(children[c]);
		if (repeated_field && count && lf_wire_is_map_entry(field->descriptor))
			qsort(children, count, sizeof(*children), compare_packed);
	}
}

static bool same_message(ProtobufCMessage *a, ProtobufCMessage *b, struct lf_arena *arena)
{
	size_t size = protobuf_c_message_get_packed_size(a);
	uint8_t *a_bytes = lf_arena_alloc(arena, size), *b_bytes = lf_arena_alloc(arena, size);

	sort_maps(a);
	sort_maps(b);
	if (protobuf_c_message_get_packed_size(b) != size)
		return false;
	protobuf_c_message_pack(a, a_bytes);
	protobuf_c_message_pack(b, b_bytes);
	return memcmp(a_bytes, b_bytes, size) == 0;
}

static void test_printed_yaml_is_read_as_the_same_message_and_printed_the_same_again(void **state)
{
	const ProtobufCMessageDescriptor *const types[] = {&leadfit__test__kinds__descriptor,
		&leadfit__v1__score_request__descriptor, &leadfit__v1__rubric__descriptor,
		&leadfit__v1__decision__descriptor, &leadfit__v1__list_decisions_response__descriptor};
	const char *given = getenv("LF_TEST_SEED");
	uint64_t seed = given != NULL ? strtoull(given, NULL, 0) : 13;

	(void)state;
	print_message("LF_TEST_SEED=%llu\n", (unsigned long long)seed);
	for (size_t round = 0; round < 3000; round++) {
		const ProtobufCMessageDescriptor *type = types[round % (sizeof(types) / sizeof(*types))];
		struct lf_error error = LF_ERROR_INIT;
		struct lf_buffer out = {.data = NULL}, again = {.data = NULL};
		struct lf_arena arena;
		ProtobufCMessage *message, *back;

		lf_arena_init(&arena, 64 * 1024 * 1024);
		message = random_message(type, &arena, &seed, 0);
		lf_yaml_print(message, &out);
		assert_false(out.failed);
		back = lf_text_parse(LF_FORMAT_YAML, type, out.data, out.length, &arena, &error);
		if (back == NULL)
			fail_msg("round %zu: %s: refused is\n%s", round, error.message, out.data);
		if (!same_message(message, back, &arena))
			fail_msg("round %zu: read as another message:\n%s", round, out.data);
		lf_yaml_print(back, &again);
		assert_string_equal(out.data, again.data);
		assert_false(lf_yaml_has_comment(out.data, out.length));
		lf_buffer_clean_up(&again);
		lf_buffer_clean_up(&out);
		lf_arena_clean_up(&arena);
	}
}

static void test_jansson_agrees_about_what_is_json(void **state)
{
	static const char alphabet[] = "{}[]\":,.0123456789eE+-tfn \n\\urue\x01\x80";
	static const char *const seeds[] = {"{\"id\":\"a\",\"members\":[{\"availability\":0.5}]}",
		"{\"members\":[{\"availability\":1e999},{\"availability\":99999999999999999999}]}",
		"{\"id\":\"a\",\"id\":\"b\",\"title\":\"\\u00e9\"}"};
	uint64_t seed = 11;

	(void)state;
	/* Whatever a change makes of a text: a text that is not JSON is never read as a message. */
	for (size_t round = 0; round < 20000; round++) {
		struct lf_error error = LF_ERROR_INIT;
		struct lf_arena arena;
		char text[128];
		size_t length = strlen(strcpy(text, seeds[round % 3]));
		bool read;
		json_t *tree;

		for (size_t i = below(&seed, 3) + 1; i > 0; i--) {
			size_t at = below(&seed, length);

			if (below(&seed, 2)) {
				text[at] = alphabet[below(&seed, sizeof(alphabet) - 1)];
			} else {
				memmove(text + at, text + at + 1, length - at);
				length--;
			}
		}
		lf_arena_init(&arena, 65536);
		read = lf_text_parse(LF_FORMAT_JSON, &leadfit__v1__team__descriptor, text, length, &arena, &error) !=
			NULL;
		tree = json_loadb(text, length, JSON_DECODE_INT_AS_REAL | JSON_REJECT_DUPLICATES, NULL);
		if (read && tree == NULL)
			fail_msg("read, though it is not JSON: %s", text);
		assert_int_equal(error.code, read ? LF_OK : LF_INVALID_ARGUMENT);
		json_decref(tree);
		lf_error_clean_up(&error);
		lf_arena_clean_up(&arena);
	}
}

/* Allocations of the libraries that are still granted; -1: all. */
static long grants = -1;

static bool granted(void)
{
	if (grants == 0)
		return false;
	grants -= grants > 0;
	return true;
}

static void *counted_malloc(size_t size)
{
	return granted() ? malloc(size) : NULL;
}

/* libyaml's allocators, in its place. */
void *yaml_malloc(size_t size);
void *yaml_realloc(void *pointer, size_t size);
yaml_char_t *yaml_strdup(const yaml_char_t *text);

void *yaml_malloc(size_t size)
{
	return granted() ? malloc(size ? size : 1) : NULL;
}

void *yaml_realloc(void *pointer, size_t size)
{
	return granted() ? realloc(pointer, size ? size : 1) : NULL;
}

yaml_char_t *yaml_strdup(const yaml_char_t *text)
{
	return text != NULL && granted() ? (yaml_char_t *)strdup((const char *)text) : NULL;
}

/* The errors are what they are: none is hidden, nothing leaks, and enough memory ends it. */
static void fail_each_allocation(enum lf_format format, const char *text, bool valid)
{
	bool done = false;
	long failed = 0;

	json_set_alloc_funcs(counted_malloc, free);
	while (!done) {
		struct lf_error error = LF_ERROR_INIT;
		struct lf_arena arena;
		bool read;

		lf_arena_init(&arena, 65536);
		grants = failed++;
		read = lf_text_parse(format, &leadfit__v1__team__descriptor, text, strlen(text), &arena, &error);
		done = grants > 0;
		grants = -1;
		assert_int_equal(read, error.code == LF_OK);
		if (done)
			assert_int_equal(read, valid);
		else if (read)
			assert_true(valid);
		lf_error_clean_up(&error);
		lf_arena_clean_up(&arena);
		assert_true(failed < 10000);
	}
	assert_true(failed > 10);
	json_set_alloc_funcs(malloc, free);
}

/*
 * The numbers here are short: jansson 2.14, as Debian builds it, stops at an assertion where memory runs out in the
 * middle of one of 16 characters or more (JSON.md).
 */
static void test_every_allocation_of_the_libraries_may_fail(void **state)
{
	(void)state;
	/* The escape keeps it from the short way, which takes nothing from the libraries. */
	fail_each_allocation(LF_FORMAT_JSON,
		"{\"id\":\"\\u0061\",\"members\":[{\"id\":\"b\",\"expertise\":{\"DATA\":0.5},\"availability\":1}]}",
		true);
	fail_each_allocation(
		LF_FORMAT_JSON, "{\"id\":\"a\",\"id\":\"b\",\"members\":[{\"availability\":1e999}]}", false);
	fail_each_allocation(LF_FORMAT_YAML,
		"id: a\nmembers:\n  - {id: b, expertise: {DATA: 0.5}, availability: 1}\n  - name: |\n      c\n", true);
	fail_each_allocation(LF_FORMAT_YAML, "id: a\nid: [b\n", false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_printed_is_read_as_the_same_message_in_json_and_yaml),
		cmocka_unit_test(test_printed_yaml_is_read_as_the_same_message_and_printed_the_same_again),
		cmocka_unit_test(test_jansson_agrees_about_what_is_json),
		cmocka_unit_test(test_every_allocation_of_the_libraries_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
