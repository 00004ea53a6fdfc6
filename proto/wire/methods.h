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
/*
 * Whether it answers with any number of messages (returns (stream X)) to one, for which the transport needs
 * lf_rpc_transport.send_part. Not where it takes a stream, too.
 */
bool lf_method_is_stream(const ProtobufCServiceDescriptor *service, unsigned index);
/*
 * Whether it takes any number of messages (stream X). Each of them is a call to dispatch, with one reply; the transport
 * keeps their order, and ends the stream after the last one, or with the first error.
 */
bool lf_method_takes_stream(const ProtobufCServiceDescriptor *service, unsigned index);

#endif
