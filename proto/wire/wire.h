/*
 * Protobuf bytes from strangers: one walk that makes unpacking safe, and the canonical bytes that digests are made of.
 */
#ifndef LF_PROTO_WIRE_WIRE_H
#define LF_PROTO_WIRE_WIRE_H

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/arena.h"
#include "proto/base/limits.h"
#include "proto/base/slice.h"
#include "proto/base/status.h"

#pragma GCC visibility push(default) /* exported by libleadfit */

/*
 * Walks the wire bytes once, allocating nothing, and checks what protobuf-c does not: nesting depth, UTF-8, NUL bytes
 * in strings, duplicate map keys, unknown fields, wire types, doubles that are not finite, lengths. Adds every
 * violation by path to error (undecodable bytes end the walk). Sets *arena_bytes to an upper bound of what
 * protobuf_c_message_unpack() will allocate from a struct lf_arena, padding included. Returns LF_OK or
 * INVALID_ARGUMENT.
 */
enum lf_code lf_wire_check(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t length,
	size_t *arena_bytes, struct lf_error *error);

/*
 * lf_wire_check(), then unpack into arena. NULL on error (RESOURCE_EXHAUSTED where the arena is too small).
 * The message lives as long as the arena's content.
 */
ProtobufCMessage *lf_wire_unpack(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t length,
	struct lf_arena *arena, struct lf_error *error);

/*
 * The same two for what a service of a later version may have sent: fields that a type does not have are no violation,
 * at whatever depth. They are kept as unknown_fields, which JSON, YAML and lf_wire_pack() leave out. All else is
 * checked as ever, and values of enums that are not known are still violations.
 */
enum lf_code lf_wire_check_newer(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t length,
	size_t *arena_bytes, struct lf_error *error);
ProtobufCMessage *lf_wire_unpack_newer(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t length,
	struct lf_arena *arena, struct lf_error *error);

/* Messages of one type that may be known already where they occur inside others. */
struct lf_wire_known {
	const ProtobufCMessageDescriptor *type;
	/*
	 * The decoded message that has these bytes, and lives as long as what is decoded around it; not to be written
	 * to. NULL: decode it.
	 */
	ProtobufCMessage *(*find)(void *context, struct lf_slice bytes);
	void *context;
};

/*
 * lf_wire_unpack() that asks `known` (may be NULL) first. Whether the bytes around a known message are right is checked
 * as ever.
 */
ProtobufCMessage *lf_wire_unpack_known(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t length,
	const struct lf_wire_known *known, struct lf_arena *arena, struct lf_error *error);

/*
 * Makes a message of the interface canonical in place: map entries sorted by key bytes, -0 becomes 0, all through its
 * depth. Packing it then gives its canonical bytes (fields by number, defaults omitted). What is canonical already is
 * not written to.
 */
void lf_wire_canonicalize(ProtobufCMessage *message);

/*
 * Packs into arena: the bytes of protobuf_c_message_pack(), in one pass. The message is one of the interface: others
 * have no code here, and end the process (P3). Unknown fields, which no message of lf_wire_unpack() has, are left out.
 * hint: about how long it will be, 0 = not known; a message that turns out longer costs the arena up to twice its
 * length. Returns the bytes, NULL where the arena is exhausted.
 */
uint8_t *lf_wire_pack(const ProtobufCMessage *message, struct lf_arena *arena, size_t hint, size_t *length);

/* Canonicalizes and packs into arena. Returns the bytes, NULL where the arena is exhausted. */
uint8_t *lf_wire_canonical_bytes(ProtobufCMessage *message, struct lf_arena *arena, size_t *length);

/* Whether this message type is the entry of a map (generated from the .proto files). */
bool lf_wire_is_map_entry(const ProtobufCMessageDescriptor *type);
/* Name of a field in JSON, YAML and paths where the .proto file gives it another (json_name), else the field's own. */
const char *lf_wire_field_name(const ProtobufCMessageDescriptor *type, const ProtobufCFieldDescriptor *field);
/*
 * Goes over a type's fields in the order in which its .proto file declares them, which is the order for people; the
 * descriptor has them by number. Returns the one after previous (NULL: the first), NULL after the last.
 */
const ProtobufCFieldDescriptor *lf_wire_declared_next(
	const ProtobufCMessageDescriptor *type, const ProtobufCFieldDescriptor *previous);

/* The serialised google.protobuf.FileDescriptorSet of every file of the interface. Static storage. */
extern const uint8_t lf_file_descriptor_set[];
extern const size_t lf_file_descriptor_set_length;

/* Every service of the interface, ended by NULL. */
extern const ProtobufCServiceDescriptor *const lf_services[];
/* "leadfit.v1.Scoring/Score" → its service and the method's index. NULL where there is none. */
const ProtobufCServiceDescriptor *lf_find_method(const char *name, size_t length, unsigned *index);
/* The method name closest to an unknown one, for the error text. NULL where none is close. */
const char *lf_nearest_method(const char *name, size_t length);

#pragma GCC visibility pop

#endif
