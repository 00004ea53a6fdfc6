#include <stdlib.h>
#include <string.h>

#include "proto/wire.h"

/*
 * Design notes
 *
 * The promise: two messages that mean the same (whatever the order of their map entries, the sign of their zeros, and
 * how they were encoded) pack to the same bytes. protobuf-c packs fields by number and omits defaults; what it leaves
 * open is the order of map entries, and the sign of a zero where zero is not omitted (repeated fields).
 */

static void *member(ProtobufCMessage *message, unsigned offset)
{
	return (char *)message + offset;
}

/* Keys of maps are strings (descgen refuses others), and strcmp orders by unsigned bytes. */
static const char *entry_key(ProtobufCMessage *entry)
{
	const char *key = *(char **)member(entry, entry->descriptor->fields[0].offset);

	return key == NULL ? "" : key;
}

static int compare_entries(const void *a, const void *b)
{
	return strcmp(entry_key(*(ProtobufCMessage *const *)a), entry_key(*(ProtobufCMessage *const *)b));
}

static void sort_entries(ProtobufCMessage **entries, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		if (compare_entries(&entries[i - 1], &entries[i]) > 0) {
			qsort(entries, count, sizeof(entries[0]), compare_entries);
			return;
		}
	}
}

static void clear_sign_of_zero(ProtobufCType type, void *values, size_t count)
{
	if (type == PROTOBUF_C_TYPE_DOUBLE) {
		double *doubles = values;

		for (size_t i = 0; i < count; i++)
			if (doubles[i] == 0)
				doubles[i] = 0;
	} else {
		float *floats = values;

		for (size_t i = 0; i < count; i++)
			if (floats[i] == 0)
				floats[i] = 0;
	}
}

static void canonicalize_repeated(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	size_t count = *(size_t *)member(message, field->quantifier_offset);
	void *values = *(void **)member(message, field->offset);

	if (count == 0)
		return;
	if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
		ProtobufCMessage **messages = values;

		for (size_t i = 0; i < count; i++)
			lf_wire_canonicalize(messages[i]);
		if (lf_wire_is_map_entry(field->descriptor))
			sort_entries(messages, count);
	} else if (field->type == PROTOBUF_C_TYPE_DOUBLE || field->type == PROTOBUF_C_TYPE_FLOAT) {
		clear_sign_of_zero(field->type, values, count);
	}
}

/* Recurses as deep as the types nest, which is finite: no message type of the interface contains itself. */
void lf_wire_canonicalize(ProtobufCMessage *message)
{
	if (message == NULL)
		return;
	for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];

		if (field->label == PROTOBUF_C_LABEL_REPEATED) {
			canonicalize_repeated(message, field);
			continue;
		}
		if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 &&
			*(uint32_t *)member(message, field->quantifier_offset) != field->id)
			continue;
		if (field->type == PROTOBUF_C_TYPE_MESSAGE)
			lf_wire_canonicalize(*(ProtobufCMessage **)member(message, field->offset));
		else if (field->type == PROTOBUF_C_TYPE_DOUBLE || field->type == PROTOBUF_C_TYPE_FLOAT)
			clear_sign_of_zero(field->type, member(message, field->offset), 1);
	}
}

uint8_t *lf_wire_canonical_bytes(ProtobufCMessage *message, struct lf_arena *arena, size_t *length)
{
	lf_wire_canonicalize(message);
	return lf_wire_pack(message, arena, 0, length);
}
