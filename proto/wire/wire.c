#include "proto/wire/wire.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "proto/wire/decode.h"
#include "proto/wire/descriptors.h"
#include "proto/base/check.h"
#include "proto/base/limits.h"
#include "proto/wire/span.h"

/*
 * Design notes
 *
 * The promise: bytes that pass lf_wire_check() are unpacked by protobuf_c_message_unpack() without recursion beyond
 * LF_MESSAGE_DEPTH_MAX, without ever merging or freeing, without unknown fields (but where a newer peer's are
 * accepted), and from at most *arena_bytes of an arena.
 *
 * What unpacking allocates, at protobuf-c 1.4.1 and 1.5.1, each piece rounded up to the arena's 16 bytes:
 *  - the message's struct;
 *  - ScannedMembers (32 bytes), one a field on the wire: 16 on the stack, then slabs of 32, 64, 128, ... on the heap;
 *  - one array for each repeated field that occurs;
 *  - each string with its NUL, each byte string that is not empty, each submessage.
 *  - where a newer peer's fields are accepted: for each of them a ProtobufCMessageUnknownField, and its bytes.
 * Its bitmap of required fields is on the stack up to 128 fields. Merging a submessage that occurs twice would cost
 * more, but is rejected here. An arena takes nothing back, so the sum is the peak.
 *
 * Paths are built only when something is wrong: a level points to the one above, and knows which field it is at.
 */

enum {
	FIELDS_MAX = LF_DESCRIPTOR_FIELDS_MAX,
	SLAB_FIRST = 16,    /* ScannedMembers that protobuf-c has on its stack */
	SCANNED_BYTES = 32, /* sizeof(ScannedMember) at most */
	ALIGNMENT = 16,     /* of the arena */
	/* Empty messages within a message are what grows most: 2 bytes on the wire, some 150 in memory. More would only
	   mean that some of the arena is lost before RESOURCE_EXHAUSTED is said. */
	DECODED_BYTES_A_BYTE = 96,
};

static_assert(sizeof(void *) <= 8, "ScannedMember fits SCANNED_BYTES");

/* One message that is being looked at. */
struct level {
	const struct level *above;
	const ProtobufCMessageDescriptor *type;
	const ProtobufCFieldDescriptor *field; /* at which we are; NULL between fields */
	struct lf_span span;
	uint32_t counts[FIELDS_MAX]; /* elements so far, by index of the field */
};

struct walk {
	const uint8_t *start;
	size_t arena_bytes;
	struct lf_error *error;
	bool newer; /* fields that the type does not have are those of a later version */
	bool failed;
};

static size_t padded(size_t size)
{
	return (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

/* ---- violations ---- */

/* Key of a map entry, empty where it has none. false where it can't be shown. */
static bool entry_key(struct lf_span entry, struct lf_span *key)
{
	struct lf_wire_value value = {0};
	uint32_t number;

	*key = (struct lf_span){(const uint8_t *)"", 0};
	while (entry.length > 0) {
		if (lf_span_field(&entry, &number, &value) != NULL)
			return false;
		if (number == 1 && value.wire == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
			*key = value.span;
	}
	return key->length <= LF_ID_BYTES_MAX && lf_span_text_fault(*key) == NULL;
}

/* Appends where level stands. Returns whether level below it (the entry of a map) is named by that already. */
static bool push_level(struct lf_path *path, const struct level *level, const struct level *below)
{
	const ProtobufCFieldDescriptor *field = level->field;
	const char *name = lf_wire_field_name(level->type, field);
	char text[LF_ID_BYTES_MAX + 1];
	struct lf_span key;

	if (field->label != PROTOBUF_C_LABEL_REPEATED) {
		lf_path_push(path, name);
		return false;
	}
	if (below != NULL && lf_wire_is_map_entry(below->type) && entry_key(below->span, &key)) {
		memcpy(text, key.data, key.length);
		text[key.length] = '\0';
		lf_path_push_key(path, name, text);
		return true;
	}
	lf_path_push_index(path, name, level->counts[field - level->type->fields]);
	return false;
}

static void build_path(struct lf_path *path, const struct level *level)
{
	const struct level *levels[LF_MESSAGE_DEPTH_MAX + 1];
	size_t count = 0;
	bool named = false;

	for (; level != NULL; level = level->above)
		levels[count++] = level;
	while (count-- > 0) {
		if (levels[count]->field == NULL)
			continue;
		if (named && levels[count]->field->id == 2) /* map["key"] stands for its value */
			named = false;
		else
			named = push_level(path, levels[count], count > 0 ? levels[count - 1] : NULL);
	}
}

__attribute__((format(printf, 3, 4))) __attribute__((noinline)) static void violation(
	struct walk *walk, const struct level *level, const char *format, ...)
{
	struct lf_path path = {.length = 0};
	va_list arguments;

	walk->failed = true;
	if (walk->error == NULL)
		return;
	/* Further ones are only counted, so they cost no path. */
	if (walk->error->violation_count < LF_VIOLATIONS_MAX)
		build_path(&path, level);
	va_start(arguments, format);
	lf_error_vadd(walk->error, path.text, format, arguments);
	va_end(arguments);
}

/* ---- maps ---- */

static void report_duplicates(struct walk *walk, struct level *level, const struct lf_span *keys, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		if (lf_span_compare(&keys[i - 1], &keys[i]) != 0)
			continue;
		if (keys[i].length <= LF_ID_BYTES_MAX && lf_span_text_fault(keys[i]) == NULL)
			violation(walk, level, "key \"%.*s\" occurs more than once", (int)keys[i].length,
				(const char *)keys[i].data);
		else
			violation(walk, level, "a key occurs more than once");
		while (i + 1 < count && lf_span_compare(&keys[i], &keys[i + 1]) == 0)
			i++;
	}
}

/*
 * Called at the first entry of a map, with all that follows it in its message: gathers the keys of all its entries and
 * reports those that occur twice. Each map of a message is gathered once, so the work stays linear in the message but
 * for a logarithm. Undecodable bytes are left to the walk.
 */
__attribute__((noinline)) static void check_map_keys(
	struct walk *walk, struct level *level, struct lf_span first, struct lf_span rest)
{
	struct lf_span keys[LF_MAP_ENTRIES_MAX];
	const ProtobufCFieldDescriptor *field = level->field;
	struct lf_wire_value value = {.span = first};
	uint32_t number = field->id;
	bool sorted = true;
	size_t count = 0;

	value.wire = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
	for (;;) {
		if (number == field->id && value.wire == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED) {
			if (count == LF_MAP_ENTRIES_MAX) {
				violation(walk, level, "more than %d entries", LF_MAP_ENTRIES_MAX);
				return;
			}
			entry_key(value.span, &keys[count]);
			if (count > 0 && sorted)
				sorted = lf_span_compare(&keys[count - 1], &keys[count]) < 0;
			count++;
		}
		if (rest.length == 0 || lf_span_field(&rest, &number, &value) != NULL)
			break;
	}
	if (sorted)
		return;
	lf_span_sort(keys, count);
	report_duplicates(walk, level, keys, count);
}

/* ---- values ---- */

static bool is_finite(struct lf_span span)
{
	uint64_t wide;
	uint32_t narrow;

	if (span.length == 8) {
		memcpy(&wide, span.data, 8);
		return (wide >> 52 & 0x7ff) != 0x7ff;
	}
	memcpy(&narrow, span.data, 4);
	return (narrow >> 23 & 0xff) != 0xff;
}

/* A varint that does not fit its type would be cut by protobuf-c without a word. */
static void check_varint(struct walk *walk, const struct level *level, uint64_t number)
{
	const ProtobufCFieldDescriptor *field = level->field;

	switch (field->type) {
	case PROTOBUF_C_TYPE_BOOL:
		if (number > 1)
			violation(walk, level, "%" PRIu64 " is neither 0 nor 1", number);
		break;
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_SINT32:
		if (number > UINT32_MAX)
			violation(walk, level, "%" PRIu64 " is outside 32 bits", number);
		break;
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_ENUM:
		if ((int64_t)number < INT32_MIN || (int64_t)number > INT32_MAX)
			violation(walk, level, "%" PRId64 " is outside 32 bits", (int64_t)number);
		else if (field->type == PROTOBUF_C_TYPE_ENUM &&
			protobuf_c_enum_descriptor_get_value(field->descriptor, (int)(int64_t)number) == NULL)
			violation(walk, level, "%" PRId64 " is no value of %s", (int64_t)number,
				((const ProtobufCEnumDescriptor *)field->descriptor)->name);
		break;
	default:
		break;
	}
}

static inline void check_scalar(struct walk *walk, const struct level *level, const struct lf_wire_value *value)
{
	if (value->wire == PROTOBUF_C_WIRE_TYPE_VARINT)
		check_varint(walk, level, value->number);
	else if ((level->field->type == PROTOBUF_C_TYPE_DOUBLE || level->field->type == PROTOBUF_C_TYPE_FLOAT) &&
		!is_finite(value->span))
		violation(walk, level, "is not a finite number");
}

static bool undecodable(struct walk *walk, struct level *level, const uint8_t *at, const char *what)
{
	violation(walk, level, "undecodable at byte %zu: %s", (size_t)(at - walk->start), what);
	return false;
}

/* All elements of a packed field. false where the walk must end. */
static bool check_packed(struct walk *walk, struct level *level, uint32_t *count, struct lf_span rest)
{
	ProtobufCType type = level->field->type;
	struct lf_wire_value value = {.wire = lf_wire_type_of(type)};
	size_t size = lf_wire_element_size(type);

	/* protobuf-c takes each byte for a bool; else elements are counted one by one. */
	if (type == PROTOBUF_C_TYPE_BOOL)
		walk->arena_bytes += rest.length * size;
	while (rest.length > 0) {
		size_t used = value.wire == PROTOBUF_C_WIRE_TYPE_64BIT ? 8 : 4;

		if (value.wire == PROTOBUF_C_WIRE_TYPE_VARINT) {
			used = lf_span_varint(&rest, 10, &value.number);
			if (used == 0)
				return undecodable(walk, level, rest.data, "bad varint");
		} else if (rest.length < used) {
			return undecodable(walk, level, rest.data, "cut within a fixed-width value");
		}
		value.span = (struct lf_span){rest.data, used};
		check_scalar(walk, level, &value);
		if (type != PROTOBUF_C_TYPE_BOOL)
			walk->arena_bytes += size;
		(*count)++;
		lf_span_advance(&rest, used);
	}
	return true;
}

/* A second occurrence would make protobuf-c replace or merge the first; so would another field of the same oneof. */
static bool check_once(struct walk *walk, struct level *level, uint32_t *count)
{
	const ProtobufCFieldDescriptor *field = level->field;

	if (*count != 0) {
		violation(walk, level, "occurs more than once%s",
			(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0
				? ", or together with another field of its oneof"
				: "");
		return false;
	}
	*count = 1;
	if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0)
		return true;
	for (unsigned i = 0; i < level->type->n_fields; i++) {
		const ProtobufCFieldDescriptor *other = &level->type->fields[i];

		if ((other->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 &&
			other->quantifier_offset == field->quantifier_offset)
			level->counts[i] = 1;
	}
	return true;
}

static bool check_message(struct walk *walk, const struct level *above, const ProtobufCMessageDescriptor *type,
	struct lf_span content, unsigned depth);

/* The content of a field that is known, of the right wire type, and not packed. false where the walk must end. */
static inline bool check_value(
	struct walk *walk, struct level *level, const struct lf_wire_value *value, unsigned depth)
{
	const ProtobufCFieldDescriptor *field = level->field;
	const char *fault;

	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		fault = lf_span_text_fault(value->span);
		if (fault != NULL)
			violation(walk, level, "%s", fault);
		walk->arena_bytes += padded(value->span.length + 1);
		return true;
	case PROTOBUF_C_TYPE_BYTES:
		walk->arena_bytes += padded(value->span.length);
		return true;
	case PROTOBUF_C_TYPE_MESSAGE:
		if (depth == LF_MESSAGE_DEPTH_MAX) {
			violation(walk, level, "nested deeper than %d messages", LF_MESSAGE_DEPTH_MAX);
			return true;
		}
		return check_message(walk, level, field->descriptor, value->span, depth + 1);
	default:
		check_scalar(walk, level, value);
		return true;
	}
}

static inline bool check_field(
	struct walk *walk, struct level *level, const struct lf_wire_value *value, struct lf_span rest, unsigned depth)
{
	const ProtobufCFieldDescriptor *field = level->field;
	uint32_t *count = &level->counts[field - level->type->fields];
	unsigned expected = lf_wire_type_of(field->type);
	bool repeated = field->label == PROTOBUF_C_LABEL_REPEATED;
	bool packed = repeated && value->wire == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED && expected != value->wire;

	if (value->wire != expected && !packed) {
		violation(walk, level, "has wire type %u, not %u", value->wire, expected);
		return true;
	}
	if (!repeated)
		return !check_once(walk, level, count) || check_value(walk, level, value, depth);
	if (*count == 0) {
		walk->arena_bytes += ALIGNMENT - 1; /* the array's padding */
		if (field->type == PROTOBUF_C_TYPE_MESSAGE && lf_wire_is_map_entry(field->descriptor))
			check_map_keys(walk, level, value->span, rest);
	}
	if (packed)
		return check_packed(walk, level, count, value->span);
	walk->arena_bytes += lf_wire_element_size(field->type);
	if (!check_value(walk, level, value, depth))
		return false;
	(*count)++;
	return true;
}

/* What protobuf-c takes from the heap to remember count fields. */
static size_t scan_bytes(size_t count)
{
	size_t slab = SLAB_FIRST, bytes = 0;

	while (count > slab) {
		count -= slab;
		slab *= 2;
		bytes += slab * SCANNED_BYTES;
	}
	return bytes;
}

/* What protobuf-c takes to keep a field that it does not know, whatever the length in front of the content. */
static size_t unknown_bytes(const struct lf_wire_value *value)
{
	return padded(sizeof(ProtobufCMessageUnknownField)) + padded(value->span.length + 5);
}

/* false where undecodable bytes end the walk. */
static bool check_message(struct walk *walk, const struct level *above, const ProtobufCMessageDescriptor *type,
	struct lf_span content, unsigned depth)
{
	struct lf_span rest = content;
	struct level level;
	struct lf_wire_value value = {0};
	size_t field_count = 0;
	uint32_t number = 0;

	LF_CHECK(P2, type->n_fields <= FIELDS_MAX);
	level.above = above;
	level.type = type;
	level.field = NULL;
	level.span = content;
	memset(level.counts, 0, type->n_fields * sizeof(level.counts[0]));
	while (rest.length > 0) {
		const char *fault = lf_span_field(&rest, &number, &value);

		if (fault != NULL) {
			level.field = NULL;
			return undecodable(walk, &level, rest.data, fault);
		}
		field_count++;
		level.field = lf_span_find_field(type, number);
		if (level.field == NULL && walk->newer)
			walk->arena_bytes += unknown_bytes(&value);
		else if (level.field == NULL)
			violation(walk, &level, "unknown field %" PRIu32 " of %s", number, type->name);
		else if (!check_field(walk, &level, &value, rest, depth))
			return false;
	}
	walk->arena_bytes += padded(type->sizeof_message) + scan_bytes(field_count);
	return true;
}

static enum lf_code check(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t length, bool newer,
	size_t *arena_bytes, struct lf_error *error)
{
	struct walk walk = {.start = data, .error = error, .newer = newer};

	*arena_bytes = 0;
	if (length > INT32_MAX)
		return lf_error_add(error, "", "%zu bytes are more than the %d of any message", length, INT32_MAX);
	check_message(&walk, NULL, type, (struct lf_span){data, length}, 1);
	if (walk.failed)
		return LF_INVALID_ARGUMENT;
	*arena_bytes = walk.arena_bytes;
	return LF_OK;
}

enum lf_code lf_wire_check(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t length,
	size_t *arena_bytes, struct lf_error *error)
{
	return check(type, data, length, false, arena_bytes, error);
}

enum lf_code lf_wire_check_newer(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t length,
	size_t *arena_bytes, struct lf_error *error)
{
	return check(type, data, length, true, arena_bytes, error);
}

static ProtobufCMessage *unpack(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t length,
	const struct lf_wire_known *known, bool newer, struct lf_arena *arena, struct lf_error *error)
{
	ProtobufCMessage *message;
	size_t bytes;

	/*
	 * Nearly every message is as it should be, and decoded in one walk where memory is plenty. Else the rest
	 * decides.
	 */
	if (length <= INT32_MAX && arena->bytes_used < arena->bytes_max &&
		length < (arena->bytes_max - arena->bytes_used) / DECODED_BYTES_A_BYTE) {
		message = lf_decode(type, data, length, known, arena);
		if (message != NULL)
			return message;
	}
	if (check(type, data, length, newer, &bytes, error) != LF_OK)
		return NULL;
	if (arena->bytes_used > arena->bytes_max || bytes > arena->bytes_max - arena->bytes_used) {
		lf_error_set(error, LF_RESOURCE_EXHAUSTED,
			"the decoded message needs %zu bytes of memory, %zu of %zu are left", bytes,
			arena->bytes_used > arena->bytes_max ? 0 : arena->bytes_max - arena->bytes_used,
			arena->bytes_max);
		return NULL;
	}
	message = protobuf_c_message_unpack(type, &arena->allocator, length, data);
	if (message == NULL)
		lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory for a message of %zu bytes", bytes);
	return message;
}

ProtobufCMessage *lf_wire_unpack(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t length,
	struct lf_arena *arena, struct lf_error *error)
{
	return unpack(type, data, length, NULL, false, arena, error);
}

ProtobufCMessage *lf_wire_unpack_newer(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t length,
	struct lf_arena *arena, struct lf_error *error)
{
	return unpack(type, data, length, NULL, true, arena, error);
}

ProtobufCMessage *lf_wire_unpack_known(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t length,
	const struct lf_wire_known *known, struct lf_arena *arena, struct lf_error *error)
{
	return unpack(type, data, length, known, false, arena, error);
}
