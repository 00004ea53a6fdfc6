/*
 * Several frames in one SP message: requests that go together, or the replies to them. proto/README.md specifies it
 * byte for byte. Each frame in it is as frame.h has it. Nothing is copied.
 */
#ifndef LF_PROTO_WIRE_BUNDLE_H
#define LF_PROTO_WIRE_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/limits.h"
#include "proto/base/slice.h"
#include "proto/base/status.h"

enum {
	LF_BUNDLE_FIXED_BYTES = 8, /* before its first entry */
	LF_BUNDLE_ENTRY_BYTES = 8, /* of an entry, before its frame */
};

/* Byte 3 of the message, where a frame has 0 or 1. */
enum lf_bundle_kind { LF_BUNDLE_REQUESTS = 2, LF_BUNDLE_REPLIES = 3 };

/* A bundle that is being read: what is left of it. */
struct lf_bundle {
	size_t count; /* entries that are left */
	const uint8_t *at;
};

/* Whether the bytes say that they are a bundle of this kind. It may be a broken one. */
bool lf_bundle_is(enum lf_bundle_kind kind, const uint8_t *data, size_t length);
/*
 * Begins to read a bundle of this kind: all of it is checked but what is in the frames. INVALID_ARGUMENT says which byte
 * is wrong.
 */
enum lf_code lf_bundle_open(
	struct lf_bundle *bundle, enum lf_bundle_kind kind, const uint8_t *data, size_t length, struct lf_error *error);
/* The next entry; its frame lies in the bundle's bytes. false where none is left. */
bool lf_bundle_next(struct lf_bundle *bundle, uint32_t *id, const uint8_t **frame, size_t *length);

/* Writes what stands before the first entry, LF_BUNDLE_FIXED_BYTES. count: 1..LF_BUNDLE_MAX. */
void lf_bundle_encode_header(enum lf_bundle_kind kind, size_t count, uint8_t *out);
/* Writes what stands before a frame of length bytes, LF_BUNDLE_ENTRY_BYTES. */
void lf_bundle_encode_entry(uint32_t id, size_t length, uint8_t *out);
/* Changes the timeout of a request's frame that is encoded already: what is left of it when it goes. Up to LF_TIMEOUT_MS_MAX. */
void lf_bundle_set_timeout(uint8_t *frame, uint32_t timeout_ms);

#endif
