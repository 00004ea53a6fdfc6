/* The details of an error as gRPC carries them: a google.rpc.Status with a list of google.protobuf.Any. */
#ifndef LF_PROTO_WIRE_DETAILS_H
#define LF_PROTO_WIRE_DETAILS_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/slice.h"

/*
 * The bytes of the first detail of this type ("leadfit.v1.Error") in an encoded google.rpc.Status. Data is NULL where
 * there is none, or the bytes can't be decoded. The slice points into data.
 */
struct lf_slice lf_details_find(const uint8_t *data, size_t length, const char *type);

#endif
