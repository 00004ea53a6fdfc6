#include "proto/wire.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "proto/descriptors.h"
#include "proto/limits.h"

/*
 * Design notes
 *
 * The promise: bytes that pass lf_wire_check() are unpacked by protobuf_c_message_unpack() without recursion beyond
 * LF_MESSAGE_DEPTH_MAX, without ever merging, keeping unknown fields or freeing, and from at most *arena_bytes of an arena.
 *
 * What unpacking allocates, at protobuf-c 1.4.1 and 1.5.1, each piece rounded up to the arena's 16 bytes:
 *  - the message's struct;
 *  - ScannedMembers (32 bytes), one a field on the wire: 16 on the stack, then slabs of 32, 64, 128, ... on the heap;
 *  - one array for each repeated field that occurs;
 *  - each string with its NUL, each byte string that is not empty, each submessage.
 * Its bitmap of required fields is on the stack up to 128 fields. Merging a submessage that occurs twice, and unknown
 * fields, would cost more, but are rejected here. An arena takes nothing back, so the sum is the peak.
 *
 * Paths are built only when something is wrong: a level points to the one above, and knows which field it is at.
 */

enum {
	FIELDS_MAX      = LF_DESCRIPTOR_FIELDS_MAX,
	MAP_ENTRIES_MAX = 1024, /* above every limit of a map; bounds the memory of the check for duplicate keys */
	SLAB_FIRST      = 16,   /* ScannedMembers that protobuf-c has on its stack */
	SCANNED_BYTES   = 32,   /* sizeof(ScannedMember) at most */
	ALIGNMENT       = 16,   /* of the arena */
};

static_assert(sizeof(void *) <= 8, "ScannedMember fits SCANNED_BYTES");

struct span {
	const uint8_t *data;
	size_t length;
};

/* One message that is being looked at. */
struct level {
	const struct level *above;
	const ProtobufCMessageDescriptor *type;
	const ProtobufCFieldDescriptor *field; /* at which we are; NULL between fields */
	struct span span;
	uint32_t counts[FIELDS_MAX]; /* elements so far, by index of the field */
};

struct walk {
	const uint8_t *start;
	size_t arena_bytes;
	struct lf_error *error;
	bool failed;
};

/* One field as it stands on the wire. */
struct value {
	unsigned wire;
	uint64_t number;   /* varint */
	struct span span;  /* fixed: its bytes; length-delimited: the content */
};

bool lf_wire_is_map_entry(const ProtobufCMessageDescriptor *type)
{
	/* Few messages have just the two fields key = 1 and value = 2, so the list is rarely searched in vain. */
	if (type->n_fields != 2 || type->fields[0].id != 1 || strcmp(type->fields[0].name, "key") != 0)
		return false;
	for (size_t i = 0; lf_map_entries[i] != NULL; i++)
		if (lf_map_entries[i] == type)
			return true;
	return false;
}

const char *lf_wire_field_name(const ProtobufCMessageDescriptor *type, const ProtobufCFieldDescriptor *field)
{
	for (size_t i = 0; lf_field_names[i].type != NULL; i++)
		if (lf_field_names[i].type == type && lf_field_names[i].id == field->id)
			return lf_field_names[i].name;
	return field->name;
}

static size_t padded(size_t size)
{
	return (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

/* ---- bytes ---- */

/* Length of the varint at the start of span, of at most bytes_max bytes; 0 where it does not end or exceeds 64 bits. */
static inline size_t read_varint(struct span span, size_t bytes_max, uint64_t *number)
{
	size_t limit = span.length < bytes_max ? span.length : bytes_max;
	uint64_t result = 0;

	for (size_t i = 0; i < limit; i++) {
		result |= (uint64_t)(span.data[i] & 0x7f) << (7 * i);
		if (span.data[i] < 0x80) {
			*number = result;
			return i == 9 && span.data[i] > 1 ? 0 : i + 1;
		}
	}
	return 0;
}

static inline void advance(struct span *span, size_t length)
{
	span->data += length;
	span->length -= length;
}

/*
 * Takes one field off the front of rest. NULL, or what makes it undecodable (then rest stands at the bad byte).
 * Tags and lengths have at most 5 bytes: so it is in protobuf-c.
 */
static inline const char *read_field(struct span *rest, uint32_t *number, struct value *value)
{
	uint64_t tag, length;
	size_t used = read_varint(*rest, 5, &tag);

	if (used == 0 || tag > UINT32_MAX)
		return "bad field tag";
	if (tag < 8)
		return "field number 0";
	*number = (uint32_t)(tag >> 3);
	value->wire = tag & 7;
	advance(rest, used);
	switch (value->wire) {
	case PROTOBUF_C_WIRE_TYPE_VARINT:
		used = read_varint(*rest, 10, &value->number);
		if (used == 0)
			return "bad varint";
		value->span = (struct span){rest->data, used};
		break;
	case PROTOBUF_C_WIRE_TYPE_64BIT:
	case PROTOBUF_C_WIRE_TYPE_32BIT:
		used = value->wire == PROTOBUF_C_WIRE_TYPE_64BIT ? 8 : 4;
		if (rest->length < used)
			return "cut within a fixed-width value";
		value->span = (struct span){rest->data, used};
		break;
	case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
		used = read_varint(*rest, 5, &length);
		if (used == 0)
			return "bad length";
		if (length > rest->length - used)
			return "length past the end";
		value->span = (struct span){rest->data + used, (size_t)length};
		used += (size_t)length;
		break;
	default:
		return "groups and other unknown wire types are not accepted";
	}
	advance(rest, used);
	return NULL;
}

/* Length of the UTF-8 sequence at the start of span (its first byte is not ASCII); 0 where it is none. */
static size_t utf8_sequence(struct span span)
{
	const uint8_t *b = span.data;
	uint8_t second_min = 0x80, second_max = 0xbf;
	size_t length;

	if (b[0] >= 0xc2 && b[0] <= 0xdf)
		length = 2;
	else if (b[0] >= 0xe0 && b[0] <= 0xef)
		length = 3;
	else if (b[0] >= 0xf0 && b[0] <= 0xf4)
		length = 4;
	else
		return 0;
	if (length > span.length)
		return 0;
	switch (b[0]) {
	case 0xe0: /* overlong */
		second_min = 0xa0;
		break;
	case 0xed: /* surrogates */
		second_max = 0x9f;
		break;
	case 0xf0: /* overlong */
		second_min = 0x90;
		break;
	case 0xf4: /* above U+10FFFF */
		second_max = 0x8f;
		break;
	}
	if (b[1] < second_min || b[1] > second_max)
		return 0;
	for (size_t i = 2; i < length; i++)
		if (b[i] < 0x80 || b[i] > 0xbf)
			return 0;
	return length;
}

/* NULL, or what is wrong with a text. */
static const char *text_fault(struct span span)
{
	while (span.length > 0) {
		uint64_t word;
		size_t length;

		if (span.length >= sizeof(word)) { /* eight ASCII bytes at once, none of them NUL */
			memcpy(&word, span.data, sizeof(word));
			if (((word | (word - UINT64_C(0x0101010101010101))) & UINT64_C(0x8080808080808080)) == 0) {
				advance(&span, sizeof(word));
				continue;
			}
		}
		if (span.data[0] == 0)
			return "has a NUL byte";
		length = span.data[0] < 0x80 ? 1 : utf8_sequence(span);
		if (length == 0)
			return "is not valid UTF-8";
		advance(&span, length);
	}
	return NULL;
}

/* ---- violations ---- */

/* Key of a map entry, empty where it has none. false where it can't be shown. */
static bool entry_key(struct span entry, struct span *key)
{
	struct value value;
	uint32_t number;

	*key = (struct span){(const uint8_t *)"", 0};
	while (entry.length > 0) {
		if (read_field(&entry, &number, &value) != NULL)
			return false;
		if (number == 1 && value.wire == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
			*key = value.span;
	}
	return key->length <= LF_ID_BYTES_MAX && text_fault(*key) == NULL;
}

/* Appends where level stands. Returns whether level below it (the entry of a map) is named by that already. */
static bool push_level(struct lf_path *path, const struct level *level, const struct level *below)
{
	const ProtobufCFieldDescriptor *field = level->field;
	const char *name = lf_wire_field_name(level->type, field);
	char text[LF_ID_BYTES_MAX + 1];
	struct span key;

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

static int compare_spans(const struct span *a, const struct span *b)
{
	size_t common = a->length < b->length ? a->length : b->length;
	int order = memcmp(a->data, b->data, common);

	if (order != 0)
		return order;
	return a->length < b->length ? -1 : a->length > b->length;
}

static void sift_down(struct span *keys, size_t root, size_t count)
{
	for (size_t child; (child = 2 * root + 1) < count; root = child) {
		struct span swapped;

		if (child + 1 < count && compare_spans(&keys[child], &keys[child + 1]) < 0)
			child++;
		if (compare_spans(&keys[root], &keys[child]) >= 0)
			return;
		swapped = keys[root];
		keys[root] = keys[child];
		keys[child] = swapped;
	}
}

/* Heapsort: no memory, and no input makes it slow. */
static void sort_spans(struct span *keys, size_t count)
{
	for (size_t root = count / 2; root-- > 0;)
		sift_down(keys, root, count);
	for (size_t end = count; end-- > 1;) {
		struct span swapped = keys[0];

		keys[0] = keys[end];
		keys[end] = swapped;
		sift_down(keys, 0, end);
	}
}

static void report_duplicates(struct walk *walk, struct level *level, const struct span *keys, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		if (compare_spans(&keys[i - 1], &keys[i]) != 0)
			continue;
		if (keys[i].length <= LF_ID_BYTES_MAX && text_fault(keys[i]) == NULL)
			violation(walk, level, "key \"%.*s\" occurs more than once", (int)keys[i].length, (const char *)keys[i].data);
		else
			violation(walk, level, "a key occurs more than once");
		while (i + 1 < count && compare_spans(&keys[i], &keys[i + 1]) == 0)
			i++;
	}
}

/*
 * Called at the first entry of a map, with all that follows it in its message: gathers the keys of all its entries and
 * reports those that occur twice. Each map of a message is gathered once, so the work stays linear in the message but
 * for a logarithm. Undecodable bytes are left to the walk.
 */
__attribute__((noinline)) static void check_map_keys(struct walk *walk, struct level *level, struct span first, struct span rest)
{
	struct span keys[MAP_ENTRIES_MAX];
	const ProtobufCFieldDescriptor *field = level->field;
	struct value value = {.span = first};
	uint32_t number = field->id;
	bool sorted = true;
	size_t count = 0;

	value.wire = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
	for (;;) {
		if (number == field->id && value.wire == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED) {
			if (count == MAP_ENTRIES_MAX) {
				violation(walk, level, "more than %d entries", MAP_ENTRIES_MAX);
				return;
			}
			entry_key(value.span, &keys[count]);
			if (count > 0 && sorted)
				sorted = compare_spans(&keys[count - 1], &keys[count]) < 0;
			count++;
		}
		if (rest.length == 0 || read_field(&rest, &number, &value) != NULL)
			break;
	}
	if (sorted)
		return;
	sort_spans(keys, count);
	report_duplicates(walk, level, keys, count);
}

/* ---- values ---- */

static inline unsigned wire_type_of(ProtobufCType type)
{
	switch (type) {
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_FLOAT:
		return PROTOBUF_C_WIRE_TYPE_32BIT;
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return PROTOBUF_C_WIRE_TYPE_64BIT;
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_BYTES:
	case PROTOBUF_C_TYPE_MESSAGE:
		return PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
	default:
		return PROTOBUF_C_WIRE_TYPE_VARINT;
	}
}

/* Bytes of one element in the array of a repeated field. */
static inline size_t element_size(ProtobufCType type)
{
	switch (type) {
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_MESSAGE:
		return sizeof(void *);
	case PROTOBUF_C_TYPE_BOOL:
		return sizeof(protobuf_c_boolean);
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return 8;
	default:
		return 4;
	}
}

static bool is_finite(struct span span)
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

static inline void check_scalar(struct walk *walk, const struct level *level, const struct value *value)
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
static bool check_packed(struct walk *walk, struct level *level, uint32_t *count, struct span rest)
{
	ProtobufCType type = level->field->type;
	struct value value = {.wire = wire_type_of(type)};
	size_t size = element_size(type);

	/* protobuf-c takes each byte for a bool; else elements are counted one by one. */
	if (type == PROTOBUF_C_TYPE_BOOL)
		walk->arena_bytes += rest.length * size;
	while (rest.length > 0) {
		size_t used = value.wire == PROTOBUF_C_WIRE_TYPE_64BIT ? 8 : 4;

		if (value.wire == PROTOBUF_C_WIRE_TYPE_VARINT) {
			used = read_varint(rest, 10, &value.number);
			if (used == 0)
				return undecodable(walk, level, rest.data, "bad varint");
		} else if (rest.length < used) {
			return undecodable(walk, level, rest.data, "cut within a fixed-width value");
		}
		value.span = (struct span){rest.data, used};
		check_scalar(walk, level, &value);
		if (type != PROTOBUF_C_TYPE_BOOL)
			walk->arena_bytes += size;
		(*count)++;
		advance(&rest, used);
	}
	return true;
}

/* A second occurrence would make protobuf-c replace or merge the first; so would another field of the same oneof. */
static bool check_once(struct walk *walk, struct level *level, uint32_t *count)
{
	const ProtobufCFieldDescriptor *field = level->field;

	if (*count != 0) {
		violation(walk, level, "occurs more than once%s",
			(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 ? ", or together with another field of its oneof" : "");
		return false;
	}
	*count = 1;
	if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0)
		return true;
	for (unsigned i = 0; i < level->type->n_fields; i++) {
		const ProtobufCFieldDescriptor *other = &level->type->fields[i];

		if ((other->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 && other->quantifier_offset == field->quantifier_offset)
			level->counts[i] = 1;
	}
	return true;
}

static bool check_message(struct walk *walk, const struct level *above, const ProtobufCMessageDescriptor *type,
	struct span span, unsigned depth);

/* The content of a field that is known, of the right wire type, and not packed. false where the walk must end. */
static inline bool check_value(struct walk *walk, struct level *level, const struct value *value, unsigned depth)
{
	const ProtobufCFieldDescriptor *field = level->field;
	const char *fault;

	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		fault = text_fault(value->span);
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

static inline bool check_field(struct walk *walk, struct level *level, const struct value *value, struct span rest, unsigned depth)
{
	const ProtobufCFieldDescriptor *field = level->field;
	uint32_t *count = &level->counts[field - level->type->fields];
	unsigned expected = wire_type_of(field->type);
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
	walk->arena_bytes += element_size(field->type);
	if (!check_value(walk, level, value, depth))
		return false;
	(*count)++;
	return true;
}

/* Most messages number their fields from 1 without gaps. */
static inline const ProtobufCFieldDescriptor *find_field(const ProtobufCMessageDescriptor *type, uint32_t number)
{
	unsigned low = 0, high = type->n_fields;

	if (number <= high && type->fields[number - 1].id == number)
		return &type->fields[number - 1];
	while (low < high) {
		unsigned middle = low + (high - low) / 2;

		if (type->fields[middle].id == number)
			return &type->fields[middle];
		if (type->fields[middle].id < number)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
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

/* false where undecodable bytes end the walk. */
static bool check_message(struct walk *walk, const struct level *above, const ProtobufCMessageDescriptor *type,
	struct span span, unsigned depth)
{
	struct level level;
	struct value value;
	size_t field_count = 0;
	uint32_t number = 0;

	assert(type->n_fields <= FIELDS_MAX);
	level.above = above;
	level.type = type;
	level.field = NULL;
	level.span = span;
	memset(level.counts, 0, type->n_fields * sizeof(level.counts[0]));
	while (span.length > 0) {
		const char *fault = read_field(&span, &number, &value);

		if (fault != NULL) {
			level.field = NULL;
			return undecodable(walk, &level, span.data, fault);
		}
		field_count++;
		level.field = find_field(type, number);
		if (level.field == NULL)
			violation(walk, &level, "unknown field %" PRIu32 " of %s", number, type->name);
		else if (!check_field(walk, &level, &value, span, depth))
			return false;
	}
	walk->arena_bytes += padded(type->sizeof_message) + scan_bytes(field_count);
	return true;
}

enum lf_code lf_wire_check(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t length,
	size_t *arena_bytes, struct lf_error *error)
{
	struct walk walk = {.start = data, .error = error};

	*arena_bytes = 0;
	if (length > INT32_MAX)
		return lf_error_add(error, "", "%zu bytes are more than the %d of any message", length, INT32_MAX);
	check_message(&walk, NULL, type, (struct span){data, length}, 1);
	if (walk.failed)
		return LF_INVALID_ARGUMENT;
	*arena_bytes = walk.arena_bytes;
	return LF_OK;
}

ProtobufCMessage *lf_wire_unpack(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t length,
	struct lf_arena *arena, struct lf_error *error)
{
	ProtobufCMessage *message;
	size_t bytes;

	if (lf_wire_check(type, data, length, &bytes, error) != LF_OK)
		return NULL;
	if (arena->bytes_used > arena->bytes_max || bytes > arena->bytes_max - arena->bytes_used) {
		lf_error_set(error, LF_RESOURCE_EXHAUSTED, "the decoded message needs %zu bytes of memory, %zu of %zu are left", bytes,
			arena->bytes_used > arena->bytes_max ? 0 : arena->bytes_max - arena->bytes_used, arena->bytes_max);
		return NULL;
	}
	message = protobuf_c_message_unpack(type, &arena->allocator, length, data);
	if (message == NULL)
		lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory for a message of %zu bytes", bytes);
	return message;
}
