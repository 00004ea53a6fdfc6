/* Private to the build: what lf_descgen knows of message types when it writes code for them. */
#ifndef LF_PROTO_GEN_CODEC_H
#define LF_PROTO_GEN_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "proto/gen/descgen.h"

enum { LF_DESCGEN_LENGTH_BYTES = 10 }; /* a length, at most */

/* One scalar type: how a value of it is packed and read. */
struct scalar {
	const char *pack; /* expression, of the value %s */
	const char *read; /* function of codec.h */
	const char *c_type;
	const char *clear; /* of codec.h, for what has a sign of zero; else NULL */
	unsigned wire;
	unsigned bytes_max; /* on the wire */
};

struct field {
	const Google__Protobuf__FieldDescriptorProto *proto;
	const struct scalar *scalar;
	struct type *type;                  /* of a message or enum */
	char member[LF_DESCGEN_NAME_BYTES]; /* "m->name" */
	char count[LF_DESCGEN_NAME_BYTES];  /* "m->n_name" of a repeated one, "m->choice_case" of a oneof, else empty */
	bool repeated, packed, is_message, is_pointer;
	uint32_t tag;       /* of one that is not packed */
	size_t fixed_bytes; /* tag, and length or greatest value */
	size_t index;       /* in the type's fields */
};

struct type {
	char full_name[LF_DESCGEN_NAME_BYTES];
	char symbol[LF_DESCGEN_NAME_BYTES];               /* leadfit__v1__rubric_ref */
	char c_name[LF_DESCGEN_NAME_BYTES];               /* Leadfit__V1__RubricRef */
	char initial[LF_DESCGEN_NAME_BYTES + 8];          /* LEADFIT__V1__RUBRIC_REF__INIT */
	const Google__Protobuf__DescriptorProto *message; /* or */
	const Google__Protobuf__EnumDescriptorProto *values;
	bool visited;
	size_t field_count;
	struct field *fields; /* by number */
};

/* Whether a field is a map: its type is that of an entry. */
static inline bool lf_descgen_is_map(const struct field *field)
{
	return field->is_message && field->type->message->options != NULL && field->type->message->options->map_entry;
}

/* The functions pack_SYMBOL() and read_SYMBOL() of a message. */
void lf_descgen_pack(FILE *out, const struct type *type);
void lf_descgen_read(FILE *out, const struct type *type);

#endif
