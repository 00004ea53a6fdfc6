/* What the log stores once for each content: a message's canonical bytes, and the digest that names them. */
#ifndef LF_SERVICE_DECIDE_CONTENT_H
#define LF_SERVICE_DECIDE_CONTENT_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

#include "proto/base/arena.h"
#include "storage/log/log.h"

/* All zero: not packed yet. */
struct lf_content {
	struct lf_bytes canonical;
	struct lf_digest digest; /* SHA-256 of canonical */
};

/*
 * Packs a message that is in canonical order already (lf_wire_canonicalize()) and digests the bytes, unless that has
 * been done. hint: about how many bytes there are, 0 = unknown. The bytes live in arena. false where that is exhausted.
 */
bool lf_content_pack(struct lf_content *content, const ProtobufCMessage *message, size_t hint, struct lf_arena *arena);

#endif
