#include <assert.h>
#include <string.h>

#include "proto/span.h"
#include "proto/wire.h"

/*
 * Design notes
 *
 * The promise: the same bytes as protobuf_c_message_pack(), for every message of proto3 without unknown fields.
 *
 * A message is written from its end to its beginning. So the length of a nested message is known when it is to be
 * written, just in front of it, and no pass over the whole message for each depth has to compute it first. Every text
 * is measured once.
 *
 * Room is asked for once a field, or once an element: what it needs at most, tag and length included. What does not fit
 * moves to a larger piece of the arena; the smaller one is lost until the arena is reset.
 */

enum {
	VARINT_BYTES_MAX = 10,
	AROUND_BYTES_MAX = 16, /* a varint of 10 bytes, or a length of 5; and a tag of 5 */
	PIECE_BYTES_MIN = 256,
};

struct packer {
	struct lf_arena *arena;
	uint8_t *start, *at, *end; /* written: from at to end */
};

static bool grow(struct packer *packer, size_t bytes)
{
	size_t written = (size_t)(packer->end - packer->at), capacity = (size_t)(packer->end - packer->start);
	uint8_t *start;

	if (bytes > SIZE_MAX / 4 || capacity > SIZE_MAX / 4)
		return false;
	capacity = 2 * capacity + bytes;
	start = lf_arena_alloc(packer->arena, capacity);
	if (start == NULL)
		return false;
	packer->start = start;
	packer->end = start + capacity;
	if (written != 0)
		memcpy(packer->end - written, packer->at, written);
	packer->at = packer->end - written;
	return true;
}

static inline bool make_room(struct packer *packer, size_t bytes)
{
	return (size_t)(packer->at - packer->start) >= bytes || grow(packer, bytes);
}

/* ---- pieces; there is room for them ---- */

static inline void put_varint(struct packer *packer, uint64_t number)
{
	uint8_t *out;

	if (number < 0x80) {
		*--packer->at = (uint8_t)number;
		return;
	}
	packer->at -= (size_t)(63 - __builtin_clzll(number)) / 7 + 1;
	out = packer->at;
	for (; number >= 0x80; number >>= 7)
		*out++ = (uint8_t)(number | 0x80);
	*out = (uint8_t)number;
}

static inline void put_tag(struct packer *packer, const ProtobufCFieldDescriptor *field, unsigned wire)
{
	put_varint(packer, (uint64_t)field->id << 3 | wire);
}

static inline void put_bytes(struct packer *packer, const void *data, size_t length)
{
	packer->at -= length;
	if (length != 0)
		memcpy(packer->at, data, length);
}

static inline uint64_t zigzag(int64_t number)
{
	return (uint64_t)number << 1 ^ (uint64_t)(number >> 63);
}

/* What a varint of this type carries. */
static inline uint64_t varint_of(ProtobufCType type, const void *value)
{
	switch (type) {
	case PROTOBUF_C_TYPE_BOOL:
		return *(const protobuf_c_boolean *)value != 0;
	case PROTOBUF_C_TYPE_UINT32:
		return *(const uint32_t *)value;
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_ENUM:
		return (uint64_t)(int64_t) * (const int32_t *)value;
	case PROTOBUF_C_TYPE_SINT32:
		return zigzag(*(const int32_t *)value);
	case PROTOBUF_C_TYPE_SINT64:
		return zigzag(*(const int64_t *)value);
	default:
		return *(const uint64_t *)value;
	}
}

/* ---- fields ---- */

static bool put_message(struct packer *packer, const ProtobufCMessage *message);

static bool put_text(struct packer *packer, const ProtobufCFieldDescriptor *field, const char *text)
{
	size_t length = text == NULL ? 0 : strlen(text);

	if (!make_room(packer, length + AROUND_BYTES_MAX))
		return false;
	put_bytes(packer, text, length);
	put_varint(packer, length);
	put_tag(packer, field, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED);
	return true;
}

static bool put_binary(struct packer *packer, const ProtobufCFieldDescriptor *field, const ProtobufCBinaryData *binary)
{
	if (binary->len > SIZE_MAX - AROUND_BYTES_MAX || !make_room(packer, binary->len + AROUND_BYTES_MAX))
		return false;
	put_bytes(packer, binary->data, binary->len);
	put_varint(packer, binary->len);
	put_tag(packer, field, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED);
	return true;
}

static bool put_nested(struct packer *packer, const ProtobufCFieldDescriptor *field, const ProtobufCMessage *message)
{
	size_t before = (size_t)(packer->end - packer->at);

	if (message != NULL && !put_message(packer, message))
		return false;
	if (!make_room(packer, AROUND_BYTES_MAX))
		return false;
	put_varint(packer, (size_t)(packer->end - packer->at) - before);
	put_tag(packer, field, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED);
	return true;
}

/* One value with its tag, whatever it is. */
static inline bool put_value(struct packer *packer, const ProtobufCFieldDescriptor *field, const void *value)
{
	unsigned wire = lf_wire_type_of(field->type);

	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		return put_text(packer, field, *(const char *const *)value);
	case PROTOBUF_C_TYPE_BYTES:
		return put_binary(packer, field, value);
	case PROTOBUF_C_TYPE_MESSAGE:
		return put_nested(packer, field, *(const ProtobufCMessage *const *)value);
	default:
		break;
	}
	if (!make_room(packer, AROUND_BYTES_MAX))
		return false;
	if (wire == PROTOBUF_C_WIRE_TYPE_64BIT)
		put_bytes(packer, value, 8);
	else if (wire == PROTOBUF_C_WIRE_TYPE_32BIT)
		put_bytes(packer, value, 4);
	else
		put_varint(packer, varint_of(field->type, value));
	put_tag(packer, field, wire);
	return true;
}

static bool put_packed(struct packer *packer, const ProtobufCFieldDescriptor *field, const char *values, size_t count)
{
	unsigned wire = lf_wire_type_of(field->type);
	size_t size = lf_wire_element_size(field->type), before = (size_t)(packer->end - packer->at);

	if (count > SIZE_MAX / 16 || !make_room(packer, count * VARINT_BYTES_MAX + AROUND_BYTES_MAX))
		return false;
	if (wire != PROTOBUF_C_WIRE_TYPE_VARINT)
		put_bytes(packer, values, count * size);
	else
		for (size_t i = count; i-- > 0;)
			put_varint(packer, varint_of(field->type, values + i * size));
	put_varint(packer, (size_t)(packer->end - packer->at) - before);
	put_tag(packer, field, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED);
	return true;
}

static bool put_repeated(struct packer *packer, const ProtobufCFieldDescriptor *field, const char *values, size_t count)
{
	size_t size = lf_wire_element_size(field->type);

	if (count == 0)
		return true;
	if ((field->flags & PROTOBUF_C_FIELD_FLAG_PACKED) != 0)
		return put_packed(packer, field, values, count);
	for (size_t i = count; i-- > 0;)
		if (!put_value(packer, field, values + i * size))
			return false;
	return true;
}

/* Whether a number has its default. */
static inline bool is_zero(const ProtobufCFieldDescriptor *field, const void *value)
{
	if (field->type == PROTOBUF_C_TYPE_FLOAT)
		return *(const float *)value == 0;
	if (field->type == PROTOBUF_C_TYPE_BOOL)
		return *(const protobuf_c_boolean *)value == 0;
	return lf_wire_element_size(field->type) == 8 ? *(const uint64_t *)value == 0 : *(const uint32_t *)value == 0;
}

/* A field that is neither repeated nor of a oneof: left out where it has its default. */
static inline bool put_singular(struct packer *packer, const ProtobufCFieldDescriptor *field, const void *value)
{
	const char *text;

	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		text = *(const char *const *)value;
		return text == NULL || *text == '\0' || put_text(packer, field, text);
	case PROTOBUF_C_TYPE_MESSAGE:
		return *(const void *const *)value == NULL || put_value(packer, field, value);
	case PROTOBUF_C_TYPE_DOUBLE:
		if (*(const double *)value == 0)
			return true;
		if (!make_room(packer, AROUND_BYTES_MAX))
			return false;
		put_bytes(packer, value, 8);
		put_tag(packer, field, PROTOBUF_C_WIRE_TYPE_64BIT);
		return true;
	case PROTOBUF_C_TYPE_BYTES:
		return ((const ProtobufCBinaryData *)value)->len == 0 || put_value(packer, field, value);
	default:
		return is_zero(field, value) || put_value(packer, field, value);
	}
}

/* Whether a field of a oneof is the one that is set; of those with a pointer, also whether that points to something. */
static bool is_chosen(const ProtobufCFieldDescriptor *field, const void *value, uint32_t chosen)
{
	const void *pointer;

	if (chosen != field->id)
		return false;
	if (field->type != PROTOBUF_C_TYPE_STRING && field->type != PROTOBUF_C_TYPE_MESSAGE)
		return true;
	pointer = *(const void *const *)value;
	return pointer != NULL && pointer != field->default_value;
}

/* Recurses as deep as the types nest, or as the message does where a type contains itself. */
static bool put_message(struct packer *packer, const ProtobufCMessage *message)
{
	const ProtobufCMessageDescriptor *type = message->descriptor;

	assert(message->n_unknown_fields == 0);
	for (unsigned i = type->n_fields; i-- > 0;) {
		const ProtobufCFieldDescriptor *field = &type->fields[i];
		const char *value = (const char *)message + field->offset;
		const void *quantifier = (const char *)message + field->quantifier_offset;
		bool fits = true;

		if (field->label == PROTOBUF_C_LABEL_REPEATED)
			fits = put_repeated(
				packer, field, *(const char *const *)(const void *)value, *(const size_t *)quantifier);
		else if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0)
			fits = !is_chosen(field, value, *(const uint32_t *)quantifier) ||
			       put_value(packer, field, value);
		else
			fits = put_singular(packer, field, value);
		if (!fits)
			return false;
	}
	return true;
}

uint8_t *lf_wire_pack(const ProtobufCMessage *message, struct lf_arena *arena, size_t hint, size_t *length)
{
	struct packer packer = {.arena = arena};

	*length = 0;
	/* The room that the outermost field asks for, so that what is just as long as hinted is not moved. */
	if (!grow(&packer, (hint < PIECE_BYTES_MIN ? PIECE_BYTES_MIN : hint) + AROUND_BYTES_MAX) ||
		!put_message(&packer, message))
		return NULL;
	*length = (size_t)(packer.end - packer.at);
	return packer.at;
}
