/* Private to proto/: the quick way to decode a message from strangers, for all that is as it should be. */
#ifndef LF_PROTO_WIRE_DECODE_H
#define LF_PROTO_WIRE_DECODE_H

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/arena.h"
#include "proto/wire/wire.h"

/*
 * Checks and unpacks in one walk. What it returns is what lf_wire_check() accepts and protobuf_c_message_unpack()
 * makes. NULL: something is wrong, or memory ran out, or the encoding is one that is left to those two; then what it
 * took from the arena is lost until the arena is reset. known may be NULL.
 */
ProtobufCMessage *lf_decode(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t length,
	const struct lf_wire_known *known, struct lf_arena *arena);

#endif
