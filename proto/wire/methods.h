/*
 * What the .proto files say of a method beside its types, from a table that descgen makes at build time. A method is the
 * pair that lf_find_method() gives. Pure: any thread, never blocks.
 */
#ifndef LF_PROTO_WIRE_METHODS_H
#define LF_PROTO_WIRE_METHODS_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

/* Whether it has no side effects (idempotency_level = NO_SIDE_EFFECTS), so that a GET may call it. */
bool lf_method_is_read(const ProtobufCServiceDescriptor *service, unsigned index);
/* Whether it answers with any number of messages (returns (stream X)). Needs a transport with lf_rpc_transport.send_part. */
bool lf_method_is_stream(const ProtobufCServiceDescriptor *service, unsigned index);

#endif
