/*
 * Private to proto/: tables that descgen makes at build time from the .proto files, so that no list is kept by hand.
 * What is in them is what protobuf-c's own descriptors leave out.
 */
#ifndef LF_PROTO_WIRE_DESCRIPTORS_H
#define LF_PROTO_WIRE_DESCRIPTORS_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Fields of a message type, at most: descgen refuses more. */
enum { LF_DESCRIPTOR_FIELDS_MAX = 64 };

/* Types of the entries of maps; ended by NULL. */
extern const ProtobufCMessageDescriptor *const lf_map_entries[];

/* A field whose json_name is not the usual lowerCamelCase of its name. */
struct lf_field_name {
	const ProtobufCMessageDescriptor *type; /* NULL ends the table */
	uint32_t id;
	const char *name;
};
extern const struct lf_field_name lf_field_names[];

/* Every method, "leadfit.v1.Scoring/Score", sorted by name. */
struct lf_method_entry {
	const char *name;
	size_t length;
	const ProtobufCServiceDescriptor *service;
	unsigned index;
	bool is_read;   /* idempotency_level = NO_SIDE_EFFECTS */
	bool is_stream; /* returns (stream X) */
};
extern const struct lf_method_entry lf_method_entries[];
/* The same names. */
extern const char *const lf_method_names[];
extern const size_t lf_method_count;

#endif
