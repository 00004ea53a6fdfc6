/* Private to proto/: reading protobuf's wire format piece by piece. Inline, since each request goes through it. */
#ifndef LF_PROTO_WIRE_SPAN_H
#define LF_PROTO_WIRE_SPAN_H

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>
#include <stdint.h>

struct lf_span {
	const uint8_t *data;
	size_t length;
};

/* One field as it stands on the wire. */
struct lf_wire_value {
	unsigned wire;       /* type */
	uint64_t number;     /* varint */
	struct lf_span span; /* fixed: its bytes; length-delimited: the content */
};

/* NULL, or what is wrong with a text: that it has a NUL byte, or is not valid UTF-8. */
const char *lf_span_text_fault(struct lf_span span);

/* Order by bytes, the shorter first where one starts the other. */
int lf_span_compare(const struct lf_span *a, const struct lf_span *b);
/* Heapsort: takes no memory, and no input makes it slow. */
void lf_span_sort(struct lf_span *spans, size_t count);

/* Writes a varint, of at most 10 bytes. Returns its length. */
static inline size_t lf_put_varint(uint8_t *out, uint64_t number)
{
	size_t length = 0;

	for (; number >= 0x80; number >>= 7)
		out[length++] = (uint8_t)(number | 0x80);
	out[length++] = (uint8_t)number;
	return length;
}

/* Length of the varint at the start of span, of at most bytes_max bytes; 0 where it does not end or exceeds 64 bits. */
static inline size_t lf_span_varint(const struct lf_span *span, size_t bytes_max, uint64_t *number)
{
	size_t limit = span->length < bytes_max ? span->length : bytes_max;
	uint64_t result = 0;

	if (limit > 0 && span->data[0] < 0x80) { /* most are tags and lengths of one byte */
		*number = span->data[0];
		return 1;
	}
	for (size_t i = 0; i < limit; i++) {
		result |= (uint64_t)(span->data[i] & 0x7f) << (7 * i);
		if (span->data[i] < 0x80) {
			*number = result;
			return i == 9 && span->data[i] > 1 ? 0 : i + 1;
		}
	}
	return 0;
}

static inline void lf_span_advance(struct lf_span *span, size_t length)
{
	span->data += length;
	span->length -= length;
}

/*
 * Takes one field off the front of rest. NULL, or what makes it undecodable (then rest stands at the bad byte).
 * Tags and lengths have at most 5 bytes: so it is in protobuf-c.
 */
__attribute__((always_inline)) static inline const char *lf_span_field(
	struct lf_span *rest, uint32_t *number, struct lf_wire_value *value)
{
	uint64_t tag, length;
	size_t used = lf_span_varint(rest, 5, &tag);

	if (used == 0 || tag > UINT32_MAX)
		return "bad field tag";
	if (tag < 8)
		return "field number 0";
	*number = (uint32_t)(tag >> 3);
	value->wire = tag & 7;
	lf_span_advance(rest, used);
	switch (value->wire) {
	case PROTOBUF_C_WIRE_TYPE_VARINT:
		used = lf_span_varint(rest, 10, &value->number);
		if (used == 0)
			return "bad varint";
		value->span = (struct lf_span){rest->data, used};
		break;
	case PROTOBUF_C_WIRE_TYPE_64BIT:
	case PROTOBUF_C_WIRE_TYPE_32BIT:
		used = value->wire == PROTOBUF_C_WIRE_TYPE_64BIT ? 8 : 4;
		if (rest->length < used)
			return "cut within a fixed-width value";
		value->span = (struct lf_span){rest->data, used};
		break;
	case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
		used = lf_span_varint(rest, 5, &length);
		if (used == 0)
			return "bad length";
		if (length > rest->length - used)
			return "length past the end";
		value->span = (struct lf_span){rest->data + used, (size_t)length};
		used += (size_t)length;
		break;
	default:
		return "groups and other unknown wire types are not accepted";
	}
	lf_span_advance(rest, used);
	return NULL;
}

/* Most messages number their fields from 1 without gaps. */
static inline const ProtobufCFieldDescriptor *lf_span_find_field(
	const ProtobufCMessageDescriptor *type, uint32_t number)
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

/* Wire type of one element that is not packed. */
static inline unsigned lf_wire_type_of(ProtobufCType type)
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
static inline size_t lf_wire_element_size(ProtobufCType type)
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

#endif
