/*
 * The RPC frame: what an SP (nanomsg) REQ/REP message of leadfit carries. proto/README.md specifies it byte for
 * byte. Encoding and decoding copy nothing but the header.
 */
#ifndef LF_PROTO_WIRE_FRAME_H
#define LF_PROTO_WIRE_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/limits.h"
#include "proto/base/slice.h"
#include "proto/base/status.h"

#pragma GCC visibility push(default) /* exported by libleadfit */

enum {
	LF_FRAME_VERSION = 1,
	LF_FRAME_FIXED_BYTES = 12,
	LF_FRAME_HEADER_MAX = 4096, /* fixed part, method and metadata together */
	LF_METHOD_BYTES_MAX = 127,
};

enum lf_frame_kind { LF_FRAME_REQUEST = 0, LF_FRAME_REPLY = 1 };

struct lf_frame {
	enum lf_frame_kind kind;
	uint32_t timeout_ms;    /* request: remaining time, 0 = none given */
	enum lf_code status;    /* reply */
	struct lf_slice method; /* request: "leadfit.v1.Scoring/Score"; reply: empty */
	size_t metadata_count;
	/* A key is 1..64 bytes of a-z, 0-9, '-', '_', '.'; a value 0..1024 bytes of visible ASCII and space. */
	struct lf_metadata metadata[LF_METADATA_MAX];
	const uint8_t *message; /* protobuf bytes: the message, or leadfit.v1.Error where status is not OK */
	size_t message_length;
};

/*
 * Reads a frame; slices point into data. INVALID_ARGUMENT says which byte of the header is wrong, UNIMPLEMENTED
 * where the version is another.
 */
enum lf_code lf_frame_decode(struct lf_frame *frame, const uint8_t *data, size_t length, struct lf_error *error);

/*
 * Writes the header (all but the message) of frame into out, which has LF_FRAME_HEADER_MAX bytes.
 * Returns its length, 0 where a field is outside its limits (error says which).
 */
size_t lf_frame_encode_header(const struct lf_frame *frame, uint8_t *out, struct lf_error *error);

/* The first value of key, or an empty slice with data NULL. */
struct lf_slice lf_frame_metadata(const struct lf_frame *frame, const char *key);

#pragma GCC visibility pop

#endif
