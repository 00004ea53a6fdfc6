#include "proto/base/check.h"
#include "proto/wire/codec.h"
#include "proto/wire/decode.h"
#include "proto/wire/wire.h"

/*
 * Messages of the interface by their type: looks up the code that descgen wrote for it, and runs it.
 *
 * This file is on top of that code, and the pieces that it is made of (pack.c, decode.c, canonical.c) are below it: so
 * they can be inlined there, and nothing calls in a circle.
 */

enum {
	AROUND_BYTES_MAX = 16, /* a varint of 10 bytes, or a length of 5; and a tag of 5 */
	PIECE_BYTES_MIN = 256,
};

ProtobufCMessage *lf_decode(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t length,
	const struct lf_wire_known *known, struct lf_arena *arena)
{
	const struct lf_reader reader = {arena, known};
	static const uint8_t nothing[1];
	const struct lf_codec *codec = lf_codec_find(type);

	if (codec == NULL)
		return NULL;
	if (length == 0) /* data may be NULL */
		data = nothing;
	return codec->read(&reader, data, data + length, 1);
}

uint8_t *lf_wire_pack(const ProtobufCMessage *message, struct lf_arena *arena, size_t hint, size_t *length)
{
	const struct lf_codec *codec = lf_codec_find(message->descriptor);
	struct lf_packer packer = {.arena = arena};
	uint8_t *at = NULL;

	LF_CHECK(P3, codec != NULL);
	*length = 0;
	/* The room that the outermost field asks for, so that what is just as long as hinted is not moved. */
	at = lf_pack_grow(&packer, at, (hint < PIECE_BYTES_MIN ? PIECE_BYTES_MIN : hint) + AROUND_BYTES_MAX);
	if (at != NULL)
		at = codec->pack(&packer, at, message);
	if (at == NULL)
		return NULL;
	LF_CHECK(P4, packer.start <= at && at <= packer.end);
	*length = (size_t)(packer.end - at);
	return at;
}

void lf_wire_canonicalize(ProtobufCMessage *message)
{
	const struct lf_codec *codec;

	if (message == NULL)
		return;
	codec = lf_codec_find(message->descriptor);
	LF_CHECK(P3, codec != NULL);
	if (codec->canonicalize != NULL)
		codec->canonicalize(message);
}

uint8_t *lf_wire_canonical_bytes(ProtobufCMessage *message, struct lf_arena *arena, size_t *length)
{
	lf_wire_canonicalize(message);
	return lf_wire_pack(message, arena, 0, length);
}
