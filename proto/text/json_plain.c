/*
 * Text → message, without a tree: the short way for JSON in which nothing is unusual, which is most of what programs
 * write.
 *
 * It gives up at the first thing that it does not know, or that may be wrong: an unknown field, an escape, an exponent,
 * null, a key that is given twice, a number where a text is due. What it gives up on is then read by way of the tree,
 * which knows everything and says what is wrong; so there is no error text here. What it does accept, it reads as the
 * tree's mapper would: json_plain_test.c compares them.
 */
#include <google/protobuf/timestamp.pb-c.h>
#include <string.h>

#include "proto/text/json_internal.h"
#include "proto/base/limits.h"
#include "proto/wire/span.h"
#include "proto/wire/wire.h"

enum {
	DEPTH_MAX = 16,
	FIELDS_MAX = 64,
	KEYS_MAX = 64,
	LIST_FIRST = 8,
	EXACT_DIGITS = 15,
	WORD_MAX = 64,
	INSTANT_MAX = 64
};

struct reader {
	const char *at, *end;
	struct lf_arena *arena;
	unsigned depth;
	const struct lf_json_parts *parts; /* NULL: the caller has nothing to do with them */
};

struct text {
	const char *start;
	size_t length;
};

static bool read_message(struct reader *r, const ProtobufCMessageDescriptor *type, ProtobufCMessage **out);

/* ---- pieces ---- */

/* The next byte that is no white space, which stays; 0 at the end. */
static inline char peek(struct reader *r)
{
	while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\t' || *r->at == '\r'))
		r->at++;
	return r->at < r->end ? *r->at : '\0';
}

static inline bool take(struct reader *r, char c)
{
	if (peek(r) != c)
		return false;
	r->at++;
	return true;
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
/*
 * Passes over whole words, to the first byte that is a quote, a backslash or a control character, or nearly to the end.
 * *all gets every byte, or-ed.
 */
static const char *pass_words(const char *at, const char *end, uint64_t *all)
{
	const uint64_t ones = UINT64_MAX / 0xff, highs = ones * 0x80;
	uint64_t word;

	for (; end - at >= (ptrdiff_t)sizeof(word); at += sizeof(word)) {
		uint64_t quote, slash, found;

		memcpy(&word, at, sizeof(word));
		quote = word ^ ones * '"';
		slash = word ^ ones * '\\';
		/* Each has the high bit of a byte that is one; what a borrow adds lies behind the first. */
		found = (((quote - ones) & ~quote) | ((slash - ones) & ~slash) | ((word - ones * 0x20) & ~word)) &
			highs;
		if (found != 0) {
			const unsigned bits = (unsigned)__builtin_ctzll(found) - 7;

			*all |= word & ((UINT64_C(1) << bits) - 1);
			return at + bits / 8;
		}
		*all |= word;
	}
	return at;
}
#else
static const char *pass_words(const char *at, const char *end, uint64_t *all)
{
	(void)end;
	(void)all;
	return at;
}
#endif

/* A string without escapes, as it stands. */
static bool read_text(struct reader *r, struct text *text)
{
	uint64_t all = 0;

	if (!take(r, '"'))
		return false;
	text->start = r->at;
	for (r->at = pass_words(r->at, r->end, &all); r->at < r->end && *r->at != '"'; r->at++) {
		const unsigned char c = (unsigned char)*r->at;

		if (c < 0x20 || c == '\\')
			return false;
		all |= c;
	}
	if (r->at == r->end)
		return false;
	text->length = (size_t)(r->at - text->start);
	r->at++;
	return (all & UINT64_MAX / 0xff * 0x80) == 0 ||
		lf_span_text_fault((struct lf_span){(const uint8_t *)text->start, text->length}) == NULL;
}

/* What may follow a value. */
static bool ends_value(const struct reader *r)
{
	return r->at < r->end && *r->at != '\0' && strchr(" \t\r\n,]}", *r->at) != NULL;
}

/* Digits, added to *digits. Returns how many. */
static size_t read_digits(struct reader *r, uint64_t *digits)
{
	const char *start = r->at;

	for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++)
		*digits = *digits * 10 + (uint64_t)(*r->at - '0');
	return (size_t)(r->at - start);
}

/* A number that is longer, or has an exponent. */
static bool read_long_number(struct reader *r, const char *start, double *out)
{
	struct lf_decimal decimal;

	while (r->at < r->end && *r->at != '\0' && strchr("0123456789+-.eE", *r->at) != NULL)
		r->at++;
	return ends_value(r) && lf_decimal_parse(start, (size_t)(r->at - start), &decimal) &&
		lf_decimal_to_double(&decimal, out);
}

static bool read_number(struct reader *r, bool whole, double *out)
{
	static const double powers[] = {
		1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
	const char *start = r->at;
	const bool negative = take(r, '-');
	const char *first = r->at;
	uint64_t digits = 0;
	size_t count = read_digits(r, &digits), decimals = 0;
	double value;

	if (count == 0 || (count > 1 && *first == '0'))
		return false;
	if (r->at < r->end && *r->at == '.') {
		r->at++;
		decimals = read_digits(r, &digits);
		count += decimals;
		if (decimals == 0 || whole)
			return false;
	}
	if (count > EXACT_DIGITS || !ends_value(r))
		return !whole && read_long_number(r, start, out);
	value = (double)digits / powers[decimals]; /* both exact: rounded once */
	*out = (negative ? -value : value) + 0.0;  /* -0 becomes 0 */
	return true;
}

static bool read_word(struct reader *r, const char *word)
{
	const size_t length = strlen(word);

	if ((size_t)(r->end - r->at) <= length || memcmp(r->at, word, length) != 0)
		return false;
	r->at += length;
	return ends_value(r);
}

static bool read_bool(struct reader *r, protobuf_c_boolean *out)
{
	*out = peek(r) == 't';
	return read_word(r, *out ? "true" : "false");
}

static bool read_enum(struct reader *r, const ProtobufCEnumDescriptor *type, int *out)
{
	char name[WORD_MAX];
	struct text text;
	const ProtobufCEnumValue *value;

	if (!read_text(r, &text) || text.length >= sizeof(name))
		return false;
	memcpy(name, text.start, text.length);
	name[text.length] = '\0';
	value = protobuf_c_enum_descriptor_get_value_by_name(type, name);
	if (value == NULL)
		return false;
	*out = value->value;
	return true;
}

static bool read_uint32(struct reader *r, uint32_t *out)
{
	double number;

	if (!read_number(r, true, &number) || number < 0 || number > UINT32_MAX)
		return false;
	*out = (uint32_t)number;
	return true;
}

static bool read_string(struct reader *r, char **out)
{
	struct text text;

	if (!read_text(r, &text))
		return false;
	*out = lf_arena_strdup(r->arena, text.start, text.length);
	return *out != NULL;
}

/* One value of a field, or of a list, to out. */
static bool read_value(struct reader *r, const ProtobufCFieldDescriptor *field, void *out)
{
	peek(r);
	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		return read_string(r, out);
	case PROTOBUF_C_TYPE_DOUBLE:
		return read_number(r, false, out);
	case PROTOBUF_C_TYPE_BOOL:
		return read_bool(r, out);
	case PROTOBUF_C_TYPE_ENUM:
		return read_enum(r, field->descriptor, out);
	case PROTOBUF_C_TYPE_UINT32:
		return read_uint32(r, out);
	case PROTOBUF_C_TYPE_MESSAGE:
		return read_message(r, field->descriptor, out);
	default:
		return false;
	}
}

/* ---- lists and maps ---- */

/* An array that grows in the arena. */
struct list {
	char *items;
	size_t count, capacity, size;
};

static void *add_item(struct reader *r, struct list *list)
{
	if (list->count == list->capacity) {
		const size_t capacity = list->capacity == 0 ? LIST_FIRST : 2 * list->capacity;
		char *items = lf_arena_zalloc(r->arena, capacity, list->size);

		if (items == NULL)
			return NULL;
		if (list->count > 0)
			memcpy(items, list->items, list->count * list->size);
		list->items = items;
		list->capacity = capacity;
	}
	return list->items + list->count++ * list->size;
}

static void store_list(const struct list *list, const ProtobufCFieldDescriptor *field, ProtobufCMessage *message)
{
	if (list->count == 0)
		return;
	*(size_t *)(void *)((char *)message + field->quantifier_offset) = list->count;
	*(void **)(void *)((char *)message + field->offset) = list->items;
}

static bool read_list(struct reader *r, const ProtobufCFieldDescriptor *field, ProtobufCMessage *message)
{
	struct list list = {.size = lf_scalar_size(field->type)};

	if (!take(r, '['))
		return false;
	if (take(r, ']'))
		return true;
	do {
		void *item = add_item(r, &list);

		if (item == NULL || !read_value(r, field, item))
			return false;
	} while (take(r, ','));
	store_list(&list, field, message);
	return take(r, ']');
}

/* Whether an entry before the last one has its key. */
static bool is_repeated(const struct list *entries, const ProtobufCFieldDescriptor *key)
{
	ProtobufCMessage *const *list = (ProtobufCMessage *const *)(void *)entries->items;
	const char *last = *(char **)(void *)((char *)list[entries->count - 1] + key->offset);

	for (size_t i = 0; i + 1 < entries->count; i++)
		if (strcmp(*(char **)(void *)((char *)list[i] + key->offset), last) == 0)
			return true;
	return false;
}

static bool read_map(struct reader *r, const ProtobufCFieldDescriptor *field, ProtobufCMessage *message)
{
	const ProtobufCMessageDescriptor *type = field->descriptor;
	struct list entries = {.size = sizeof(ProtobufCMessage *)};

	if (type->fields[0].type != PROTOBUF_C_TYPE_STRING || !take(r, '{'))
		return false;
	if (take(r, '}'))
		return true;
	do {
		ProtobufCMessage **item = add_item(r, &entries), *entry;

		if (item == NULL || entries.count > KEYS_MAX ||
			(entry = *item = lf_arena_alloc(r->arena, type->sizeof_message)) == NULL)
			return false;
		type->message_init(entry);
		if (!read_string(r, (char **)(void *)((char *)entry + type->fields[0].offset)) ||
			is_repeated(&entries, &type->fields[0]) || !take(r, ':') ||
			!read_value(r, &type->fields[1], (char *)entry + type->fields[1].offset))
			return false;
	} while (take(r, ','));
	store_list(&entries, field, message);
	return take(r, '}');
}

/* ---- messages ---- */

/* Whether key is name; it has no NUL byte. */
static inline bool is_name(struct text key, const char *name)
{
	size_t i = 0;

	while (i < key.length && name[i] == key.start[i])
		i++;
	return i == key.length && name[i] == '\0';
}

/* Whether key is name in lowerCamelCase. */
static bool is_camel(struct text key, const char *name)
{
	bool upper = false;
	char letter;
	size_t i = 0;

	while ((letter = lf_camel_letter(&name, &upper)) != 0)
		if (i == key.length || key.start[i++] != letter)
			return false;
	return i == key.length;
}

/* The field of that name, looked for from the one after the last on, as programs write them in order. */
static const ProtobufCFieldDescriptor *find_field(
	const ProtobufCMessageDescriptor *type, struct text key, unsigned *next)
{
	for (unsigned i = 0; i < type->n_fields; i++) {
		const unsigned index = (*next + i) % type->n_fields;
		const ProtobufCFieldDescriptor *field = &type->fields[index];

		/* Names that the .proto file gives otherwise are left to the tree. */
		if (is_name(key, field->name) ||
			(key.start[0] == field->name[0] && is_camel(key, field->name) &&
				lf_wire_field_name(type, field) == field->name)) {
			*next = index + 1;
			return field;
		}
	}
	return NULL;
}

/* A message just within the outermost one: passed over where the caller knows it, else told to it. */
static bool read_part(struct reader *r, const ProtobufCFieldDescriptor *field, void *out)
{
	const char *start;
	size_t known;

	peek(r);
	start = r->at;
	known = r->parts->find(r->parts->context, field, start, (size_t)(r->end - start));
	r->at += known;
	return known > 0 ||
		(read_value(r, field, out) &&
			r->parts->read(r->parts->context, field, start, (size_t)(r->at - start),
				*(ProtobufCMessage *const *)out));
}

static bool read_field(struct reader *r, const ProtobufCFieldDescriptor *field, ProtobufCMessage *message)
{
	if (field->label == PROTOBUF_C_LABEL_REPEATED) {
		const bool map = field->type == PROTOBUF_C_TYPE_MESSAGE && lf_wire_is_map_entry(field->descriptor);

		return map ? read_map(r, field, message) : read_list(r, field, message);
	}
	/* One of several, or with a flag that says whether it is set. */
	if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 || field->quantifier_offset != 0)
		return false;
	if (r->parts != NULL && r->depth == 1 && field->type == PROTOBUF_C_TYPE_MESSAGE &&
		lf_message_shape(field->descriptor) == LF_SHAPE_OBJECT)
		return read_part(r, field, (char *)message + field->offset);
	return read_value(r, field, (char *)message + field->offset);
}

static bool read_members(struct reader *r, const ProtobufCMessageDescriptor *type, ProtobufCMessage *message)
{
	uint64_t seen = 0;
	unsigned next = 0;
	struct text key;

	if (!take(r, '{') || type->n_fields > FIELDS_MAX)
		return false;
	if (take(r, '}'))
		return true;
	do {
		const ProtobufCFieldDescriptor *field;
		uint64_t bit;

		if (!read_text(r, &key) || key.length == 0)
			return false;
		field = find_field(type, key, &next);
		bit = field == NULL ? 0 : UINT64_C(1) << (field - type->fields);
		if (field == NULL || (seen & bit) != 0 || !take(r, ':') || !read_field(r, field, message))
			return false;
		seen |= bit;
	} while (take(r, ','));
	return take(r, '}');
}

static bool read_instant(struct reader *r, ProtobufCMessage *message)
{
	Google__Protobuf__Timestamp *timestamp = (Google__Protobuf__Timestamp *)message;
	char copy[INSTANT_MAX];
	struct text text;

	if (!read_text(r, &text) || text.length >= sizeof(copy))
		return false;
	memcpy(copy, text.start, text.length);
	copy[text.length] = '\0';
	return lf_parse_instant(copy, &timestamp->seconds, &timestamp->nanos);
}

static bool read_message(struct reader *r, const ProtobufCMessageDescriptor *type, ProtobufCMessage **out)
{
	ProtobufCMessage *message = r->depth < DEPTH_MAX ? lf_arena_alloc(r->arena, type->sizeof_message) : NULL;
	bool done = false;

	if (message == NULL)
		return false;
	type->message_init(message);
	r->depth++;
	switch (lf_message_shape(type)) {
	case LF_SHAPE_TIMESTAMP:
		done = read_instant(r, message);
		break;
	case LF_SHAPE_WRAPPER:
		done = read_value(r, &type->fields[0], (char *)message + type->fields[0].offset);
		break;
	case LF_SHAPE_OBJECT:
		done = read_members(r, type, message);
		break;
	}
	r->depth--;
	*out = message;
	return done;
}

ProtobufCMessage *lf_json_read_parts(const ProtobufCMessageDescriptor *type, const char *text, size_t length,
	struct lf_arena *arena, const struct lf_json_parts *parts)
{
	struct reader r = {.at = text, .end = text + length, .arena = arena, .parts = parts};
	ProtobufCMessage *message = NULL;

	/* Shorter than that, it can't have too many values. */
	if (length >= LF_JSON_VALUES_MAX || lf_message_shape(type) != LF_SHAPE_OBJECT ||
		!read_message(&r, type, &message))
		return NULL;
	peek(&r);
	return r.at == r.end ? message : NULL;
}

ProtobufCMessage *lf_json_read_plain(
	const ProtobufCMessageDescriptor *type, const char *text, size_t length, struct lf_arena *arena)
{
	return lf_json_read_parts(type, text, length, arena, NULL);
}
