#include "tests/proto/wire_gen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/wire/wire.h"

void gen_put(struct gen_bytes *bytes, const void *data, size_t length)
{
	if (bytes->capacity - bytes->length < length) {
		bytes->capacity = 2 * (bytes->capacity + length);
		bytes->data = realloc(bytes->data, bytes->capacity);
		if (bytes->data == NULL)
			abort();
	}
	if (length != 0)
		memcpy(bytes->data + bytes->length, data, length);
	bytes->length += length;
}

void gen_put_varint(struct gen_bytes *bytes, uint64_t number)
{
	uint8_t byte;

	for (; number >= 0x80; number >>= 7) {
		byte = (uint8_t)(number | 0x80);
		gen_put(bytes, &byte, 1);
	}
	byte = (uint8_t)number;
	gen_put(bytes, &byte, 1);
}

void gen_put_tag(struct gen_bytes *bytes, uint32_t number, unsigned wire)
{
	gen_put_varint(bytes, (uint64_t)number << 3 | wire);
}

void gen_put_field(struct gen_bytes *bytes, uint32_t number, const void *data, size_t length)
{
	gen_put_tag(bytes, number, 2);
	gen_put_varint(bytes, length);
	gen_put(bytes, data, length);
}

uint64_t gen_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

unsigned gen_below(uint64_t *state, unsigned bound)
{
	return (unsigned)(gen_random(state) % bound);
}

static void put_text(struct gen_bytes *bytes, uint64_t *state)
{
	static const char *const texts[] = {"", "a", "m-1042", "payments", "\xc3\xa9t\xc3\xa9", "\xe2\x82\xac 5",
		"\xf0\x9f\x98\x80", "a text that is longer than eight bytes", "sixteen-bytes-xx", "fifteen-bytes-x"};
	const char *text = texts[gen_below(state, 10)];

	gen_put(bytes, text, strlen(text));
}

static void put_scalar(struct gen_bytes *bytes, const ProtobufCFieldDescriptor *field, uint64_t *state)
{
	static const double doubles[] = {0.0, -0.0, 1.0, 0.25, -3.5, 1e300, 5e-324};
	double wide = doubles[gen_below(state, 7)];
	float narrow = (float)gen_below(state, 8) - 4;
	uint64_t random = gen_random(state) >> gen_below(state, 64);

	switch (field->type) {
	case PROTOBUF_C_TYPE_DOUBLE:
		gen_put(bytes, &wide, 8);
		break;
	case PROTOBUF_C_TYPE_FLOAT:
		gen_put(bytes, &narrow, 4);
		break;
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_SFIXED64:
		gen_put(bytes, &random, 8);
		break;
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_SFIXED32:
		gen_put(bytes, &random, 4);
		break;
	case PROTOBUF_C_TYPE_BOOL:
		gen_put_varint(bytes, random & 1);
		break;
	case PROTOBUF_C_TYPE_ENUM: {
		const ProtobufCEnumDescriptor *type = field->descriptor;

		gen_put_varint(bytes, (uint64_t)(int64_t)type->values[random % type->n_values].value);
		break;
	}
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_SINT32:
		gen_put_varint(bytes, random & UINT32_MAX);
		break;
	case PROTOBUF_C_TYPE_INT32:
		gen_put_varint(bytes, (uint64_t)(int64_t)(int32_t)(random & UINT32_MAX));
		break;
	default:
		gen_put_varint(bytes, random);
		break;
	}
}

static unsigned wire_of(ProtobufCType type)
{
	switch (type) {
	case PROTOBUF_C_TYPE_DOUBLE:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_SFIXED64:
		return 1;
	case PROTOBUF_C_TYPE_FLOAT:
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_SFIXED32:
		return 5;
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_BYTES:
	case PROTOBUF_C_TYPE_MESSAGE:
		return 2;
	default:
		return 0;
	}
}

/* key_index: makes keys of one map distinct. */
static void put_map_entry(struct gen_bytes *bytes, const ProtobufCMessageDescriptor *type, unsigned key_index,
	uint64_t *state, uint64_t *shuffle)
{
	struct gen_bytes key = {NULL, 0, 0}, value = {NULL, 0, 0};
	const ProtobufCFieldDescriptor *field = &type->fields[1];
	char text[32];
	int length = snprintf(text, sizeof(text), "%s%u", gen_below(state, 2) ? "k" : "KEY-", key_index * 7919 % 1000);

	gen_put_field(&key, 1, text, (size_t)length);
	if (wire_of(field->type) == 2) {
		struct gen_bytes content = {NULL, 0, 0};

		put_text(&content, state);
		gen_put_field(&value, 2, content.data, content.length);
		free(content.data);
	} else {
		gen_put_tag(&value, 2, wire_of(field->type));
		put_scalar(&value, field, state);
	}
	if (gen_below(shuffle, 2)) {
		gen_put(bytes, key.data, key.length);
		gen_put(bytes, value.data, value.length);
	} else {
		gen_put(bytes, value.data, value.length);
		gen_put(bytes, key.data, key.length);
	}
	free(key.data);
	free(value.data);
}

/* The content of element index of field, without its tag and length. */
static void put_element(struct gen_bytes *bytes, const ProtobufCFieldDescriptor *field, unsigned index,
	unsigned elements_max, uint64_t *state, uint64_t *shuffle)
{
	if (field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_BYTES)
		put_text(bytes, state);
	else if (field->type != PROTOBUF_C_TYPE_MESSAGE)
		put_scalar(bytes, field, state);
	else if (lf_wire_is_map_entry(field->descriptor))
		put_map_entry(bytes, field->descriptor, index, state, shuffle);
	else
		gen_message(bytes, field->descriptor, elements_max / 2 + 1, state, shuffle);
}

static void put_repeated(struct gen_bytes *pieces, unsigned count, const ProtobufCFieldDescriptor *field,
	unsigned elements_max, uint64_t *state, uint64_t *shuffle)
{
	bool map = field->type == PROTOBUF_C_TYPE_MESSAGE && lf_wire_is_map_entry(field->descriptor);
	bool packed = wire_of(field->type) != 2 && gen_below(shuffle, 2) == 0;
	struct gen_bytes all = {NULL, 0, 0};

	for (unsigned i = 0; i < count; i++) {
		struct gen_bytes content = {NULL, 0, 0};

		put_element(&content, field, i, elements_max, state, shuffle);
		if (packed) {
			gen_put(&all, content.data, content.length);
		} else if (wire_of(field->type) == 2) {
			gen_put_field(&pieces[i], field->id, content.data, content.length);
		} else {
			gen_put_tag(&pieces[i], field->id, wire_of(field->type));
			gen_put(&pieces[i], content.data, content.length);
		}
		free(content.data);
	}
	if (packed && count > 0)
		gen_put_field(&pieces[0], field->id, all.data, all.length);
	free(all.data);
	for (unsigned i = count; map && i > 1; i--) {
		unsigned j = gen_below(shuffle, i);
		struct gen_bytes swapped = pieces[i - 1];

		pieces[i - 1] = pieces[j];
		pieces[j] = swapped;
	}
}

static void put_singular(struct gen_bytes *piece, const ProtobufCFieldDescriptor *field, unsigned elements_max,
	uint64_t *state, uint64_t *shuffle)
{
	struct gen_bytes content = {NULL, 0, 0};

	put_element(&content, field, 0, elements_max, state, shuffle);
	if (wire_of(field->type) == 2) {
		gen_put_field(piece, field->id, content.data, content.length);
	} else {
		gen_put_tag(piece, field->id, wire_of(field->type));
		gen_put(piece, content.data, content.length);
	}
	free(content.data);
}

static bool in_taken_oneof(const ProtobufCMessageDescriptor *type, const unsigned *counts, unsigned index)
{
	const ProtobufCFieldDescriptor *field = &type->fields[index];

	if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0)
		return false;
	for (unsigned i = 0; i < index; i++)
		if ((type->fields[i].flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 && counts[i] != 0 &&
			type->fields[i].quantifier_offset == field->quantifier_offset)
			return true;
	return false;
}

void gen_message(struct gen_bytes *bytes, const ProtobufCMessageDescriptor *type, unsigned elements_max,
	uint64_t *state, uint64_t *shuffle)
{
	struct gen_bytes **pieces = calloc(type->n_fields + 1, sizeof(*pieces));
	unsigned *counts = calloc(type->n_fields + 1, sizeof(*counts)),
		 *next = calloc(type->n_fields + 1, sizeof(*next));
	unsigned left = 0;

	if (shuffle == NULL)
		shuffle = state;
	if (pieces == NULL || counts == NULL || next == NULL)
		abort();
	for (unsigned i = 0; i < type->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &type->fields[i];
		bool repeated = field->label == PROTOBUF_C_LABEL_REPEATED;

		counts[i] = gen_below(state, repeated ? elements_max + 1 : 2);
		if (in_taken_oneof(type, counts, i) || (field->descriptor == type && gen_below(state, 4) != 0))
			counts[i] = 0; /* at most one of a oneof; recursion ends */
		pieces[i] = calloc(counts[i] + 1, sizeof(*pieces[i]));
		if (pieces[i] == NULL)
			abort();
		if (repeated)
			put_repeated(pieces[i], counts[i], field, elements_max, state, shuffle);
		else if (counts[i] != 0)
			put_singular(pieces[i], field, elements_max, state, shuffle);
		left += counts[i];
	}
	while (left > 0) { /* a random field's next element, so that fields mix and each keeps its order */
		unsigned i = gen_below(shuffle, type->n_fields);

		if (next[i] == counts[i])
			continue;
		gen_put(bytes, pieces[i][next[i]].data, pieces[i][next[i]].length);
		free(pieces[i][next[i]++].data);
		left--;
	}
	for (unsigned i = 0; i < type->n_fields; i++)
		free(pieces[i]);
	free(pieces);
	free(counts);
	free(next);
}
