#include <string.h>

#include "proto/decode.h"
#include "proto/descriptors.h"
#include "proto/limits.h"
#include "proto/span.h"
#include "proto/wire.h"

/*
 * Design notes
 *
 * The promise: what this decodes, lf_wire_check() accepts, and the message is the one that protobuf_c_message_unpack()
 * gives. The other way round need not hold: whatever is wrong, rare, or does not fit ends it with NULL, without a word
 * about why. wire.c then goes the long way, which finds all that is wrong and says so. Hence no errors, paths and
 * counts here: one walk that checks and stores.
 *
 * Arrays are made at the first element of a repeated field, after its elements in the rest of the message were counted.
 * A message has few repeated fields, and counting only hops from length to length.
 */

enum {
	KEYS_COMPARED_MAX = 64, /* unsorted entries of a map among which each is compared with each */
};

struct decoder {
	struct lf_arena *arena;
	const struct lf_wire_known *known;
};

/* Where one message is being read. */
struct target {
	char *message;
	const ProtobufCMessageDescriptor *type;
	/* Fields, by index. */
	uint64_t seen;
	uint64_t packed; /* seen in that form: their arrays have no room for more */
};

static_assert(LF_DESCRIPTOR_FIELDS_MAX <= 64, "a bit a field");

static void *read_message(
	struct decoder *decoder, const ProtobufCMessageDescriptor *type, struct lf_span content, unsigned depth);

/* ---- values ---- */

static inline bool is_finite(const uint8_t *data, ProtobufCType type)
{
	uint64_t wide;
	uint32_t narrow;

	if (type == PROTOBUF_C_TYPE_DOUBLE) {
		memcpy(&wide, data, sizeof(wide));
		return (wide >> 52 & 0x7ff) != 0x7ff;
	}
	if (type != PROTOBUF_C_TYPE_FLOAT)
		return true;
	memcpy(&narrow, data, sizeof(narrow));
	return (narrow >> 23 & 0xff) != 0xff;
}

/* Stores a varint that fits its type. */
static inline bool store_varint(const ProtobufCFieldDescriptor *field, uint64_t number, void *out)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_BOOL:
		*(protobuf_c_boolean *)out = (protobuf_c_boolean)number;
		return number <= 1;
	case PROTOBUF_C_TYPE_ENUM:
	case PROTOBUF_C_TYPE_INT32:
		*(int32_t *)out = (int32_t)(int64_t)number;
		return (int64_t)number >= INT32_MIN && (int64_t)number <= INT32_MAX &&
		       (field->type == PROTOBUF_C_TYPE_INT32 ||
			       protobuf_c_enum_descriptor_get_value(field->descriptor, (int)(int64_t)number) != NULL);
	case PROTOBUF_C_TYPE_UINT32:
		*(uint32_t *)out = (uint32_t)number;
		return number <= UINT32_MAX;
	case PROTOBUF_C_TYPE_SINT32:
		*(uint32_t *)out = (uint32_t)(number >> 1) ^ (uint32_t) - (int32_t)(number & 1);
		return number <= UINT32_MAX;
	case PROTOBUF_C_TYPE_SINT64:
		*(uint64_t *)out = number >> 1 ^ (uint64_t) - (int64_t)(number & 1);
		return true;
	default:
		*(uint64_t *)out = number;
		return true;
	}
}

static inline bool read_text(struct decoder *decoder, struct lf_span span, char **out)
{
	char *copy;

	if (lf_span_text_fault(span) != NULL)
		return false;
	copy = lf_arena_alloc(decoder->arena, span.length + 1);
	if (copy == NULL)
		return false;
	if (span.length != 0)
		memcpy(copy, span.data, span.length);
	copy[span.length] = '\0';
	*out = copy;
	return true;
}

static bool read_binary(struct decoder *decoder, struct lf_span span, ProtobufCBinaryData *out)
{
	*out = (ProtobufCBinaryData){0};
	if (span.length == 0)
		return true;
	out->data = lf_arena_alloc(decoder->arena, span.length);
	if (out->data == NULL)
		return false;
	memcpy(out->data, span.data, span.length);
	out->len = span.length;
	return true;
}

/* A message inside another, from those that are known, or read. */
static void *read_nested(
	struct decoder *decoder, const ProtobufCMessageDescriptor *type, struct lf_span content, unsigned depth)
{
	void *message = NULL;

	if (depth > LF_MESSAGE_DEPTH_MAX)
		return NULL;
	if (decoder->known != NULL && decoder->known->type == type)
		message = decoder->known->find(
			decoder->known->context, (struct lf_slice){(const char *)content.data, content.length});
	return message != NULL ? message : read_message(decoder, type, content, depth);
}

/* One value that is not packed, of the field's wire type. */
static inline bool read_value(struct decoder *decoder, const ProtobufCFieldDescriptor *field,
	const struct lf_wire_value *value, void *out, unsigned depth)
{
	void *nested;

	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		return read_text(decoder, value->span, out);
	case PROTOBUF_C_TYPE_BYTES:
		return read_binary(decoder, value->span, out);
	case PROTOBUF_C_TYPE_MESSAGE:
		nested = read_nested(decoder, field->descriptor, value->span, depth + 1);
		*(void **)out = nested;
		return nested != NULL;
	default:
		break;
	}
	if (value->wire == PROTOBUF_C_WIRE_TYPE_VARINT)
		return store_varint(field, value->number, out);
	memcpy(out, value->span.data, value->wire == PROTOBUF_C_WIRE_TYPE_64BIT ? 8 : 4);
	return is_finite(value->span.data, field->type);
}

/* ---- repeated fields ---- */

/* Elements of a field from here on, each with its own tag; 0 where something can't be counted so. */
static size_t count_elements(uint32_t id, unsigned wire, struct lf_span rest)
{
	struct lf_wire_value value = {0};
	size_t count = 1; /* the one that was just read */
	uint32_t number;

	while (rest.length > 0) {
		if (lf_span_field(&rest, &number, &value) != NULL)
			return 0;
		if (number == id && value.wire != wire)
			return 0;
		count += number == id;
	}
	return count;
}

/* The keys of a map are distinct: they rise, or are few. */
static bool keys_distinct(const ProtobufCFieldDescriptor *field, void *const *entries, size_t count)
{
	const ProtobufCMessageDescriptor *type = field->descriptor;
	size_t offset = type->fields[0].offset, i = 1;

#define KEY(at) (*(const char *const *)(const void *)((const char *)entries[at] + offset))
	while (i < count && strcmp(KEY(i - 1), KEY(i)) < 0)
		i++;
	if (i >= count)
		return true;
	if (count > KEYS_COMPARED_MAX)
		return false;
	for (; i < count; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(KEY(j), KEY(i)) == 0)
				return false;
#undef KEY
	return true;
}

/* One element with its own tag. The first makes the array. */
static inline bool read_element(struct decoder *decoder, struct target *target, const ProtobufCFieldDescriptor *field,
	const struct lf_wire_value *value, struct lf_span rest, unsigned depth)
{
	size_t *count = (size_t *)(void *)(target->message + field->quantifier_offset);
	size_t size = lf_wire_element_size(field->type);
	char **array = (char **)(void *)(target->message + field->offset);

	if (*count == 0) {
		size_t elements = count_elements(field->id, value->wire, rest);

		if (elements == 0)
			return false;
		*array = lf_arena_alloc(decoder->arena, elements * size);
		if (*array == NULL)
			return false;
	}
	if (!read_value(decoder, field, value, *array + *count * size, depth))
		return false;
	++*count;
	return true;
}

/* All elements of a packed field, which occurs once. */
static bool read_packed(
	struct decoder *decoder, struct target *target, const ProtobufCFieldDescriptor *field, struct lf_span rest)
{
	size_t *count = (size_t *)(void *)(target->message + field->quantifier_offset);
	size_t size = lf_wire_element_size(field->type);
	unsigned wire = lf_wire_type_of(field->type);
	size_t width = wire == PROTOBUF_C_WIRE_TYPE_64BIT ? 8 : 4;
	char *array;

	if (rest.length == 0)
		return false;
	array = lf_arena_alloc(decoder->arena, rest.length * size); /* a varint has one byte at least */
	if (array == NULL)
		return false;
	*(char **)(void *)(target->message + field->offset) = array;
	while (rest.length > 0) {
		uint64_t number;

		if (wire == PROTOBUF_C_WIRE_TYPE_VARINT) {
			size_t used = lf_span_varint(&rest, 10, &number);

			if (used == 0 || !store_varint(field, number, array))
				return false;
			lf_span_advance(&rest, used);
		} else {
			if (rest.length < width || !is_finite(rest.data, field->type))
				return false;
			memcpy(array, rest.data, width);
			lf_span_advance(&rest, width);
		}
		array += size;
		++*count;
	}
	return true;
}

/* ---- messages ---- */

/* A field that is not repeated occurs once, and at most one of a oneof. */
static inline bool claim(struct target *target, const ProtobufCFieldDescriptor *field, uint64_t bit)
{
	uint32_t *chosen;

	if ((target->seen & bit) != 0)
		return false;
	target->seen |= bit;
	if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0)
		return true;
	chosen = (uint32_t *)(void *)(target->message + field->quantifier_offset);
	if (*chosen != 0)
		return false;
	*chosen = field->id;
	return true;
}

static bool maps_distinct(const struct target *target)
{
	for (unsigned i = 0; i < target->type->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &target->type->fields[i];

		if (field->label != PROTOBUF_C_LABEL_REPEATED || field->type != PROTOBUF_C_TYPE_MESSAGE ||
			(target->seen & UINT64_C(1) << i) == 0 || !lf_wire_is_map_entry(field->descriptor))
			continue;
		if (!keys_distinct(field, *(void *const *)(const void *)(target->message + field->offset),
			    *(const size_t *)(const void *)(target->message + field->quantifier_offset)))
			return false;
	}
	return true;
}

static inline bool read_field(struct decoder *decoder, struct target *target, const struct lf_wire_value *value,
	uint32_t number, struct lf_span rest, unsigned depth)
{
	const ProtobufCFieldDescriptor *field = lf_span_find_field(target->type, number);
	uint64_t bit;
	bool seen;

	if (field == NULL)
		return false;
	bit = UINT64_C(1) << (field - target->type->fields);
	seen = (target->seen & bit) != 0;
	if (field->label == PROTOBUF_C_LABEL_REPEATED) {
		target->seen |= bit;
		if (value->wire == lf_wire_type_of(field->type))
			return (target->packed & bit) == 0 && read_element(decoder, target, field, value, rest, depth);
		target->packed |= bit;
		return !seen && value->wire == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED &&
		       read_packed(decoder, target, field, value->span);
	}
	return value->wire == lf_wire_type_of(field->type) && claim(target, field, bit) &&
	       read_value(decoder, field, value, target->message + field->offset, depth);
}

static void *read_message(
	struct decoder *decoder, const ProtobufCMessageDescriptor *type, struct lf_span content, unsigned depth)
{
	struct target target = {.message = lf_arena_alloc(decoder->arena, type->sizeof_message), .type = type};
	struct lf_wire_value value = {0};
	uint32_t number;

	if (target.message == NULL)
		return NULL;
	protobuf_c_message_init(type, target.message);
	while (content.length > 0) {
		if (lf_span_field(&content, &number, &value) != NULL ||
			!read_field(decoder, &target, &value, number, content, depth))
			return NULL;
	}
	return maps_distinct(&target) ? target.message : NULL;
}

ProtobufCMessage *lf_decode(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t length,
	const struct lf_wire_known *known, struct lf_arena *arena)
{
	struct decoder decoder = {arena, known};

	return read_message(&decoder, type, (struct lf_span){data, length}, 1);
}
