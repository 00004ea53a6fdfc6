#include "proto/wire/descriptors.h"

#include <string.h>

#include "proto/wire/wire.h"

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

/* protoc-gen-c lays out a message's struct as its fields are declared; those of a oneof lie at one place. */
static bool is_declared_before(const ProtobufCFieldDescriptor *a, const ProtobufCFieldDescriptor *b)
{
	return a->offset != b->offset ? a->offset < b->offset : a->id < b->id;
}

const ProtobufCFieldDescriptor *lf_wire_declared_next(
	const ProtobufCMessageDescriptor *type, const ProtobufCFieldDescriptor *previous)
{
	const ProtobufCFieldDescriptor *next = NULL;

	for (unsigned i = 0; i < type->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &type->fields[i];

		if ((previous == NULL || is_declared_before(previous, field)) &&
			(next == NULL || is_declared_before(field, next)))
			next = field;
	}
	return next;
}
