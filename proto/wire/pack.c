#include <string.h>

#include "proto/wire/codec.h"

/*
 * Design notes
 *
 * The promise: the same bytes as protobuf_c_message_pack(), for every message of proto3 without unknown fields.
 *
 * A message is written from its end to its beginning. So the length of a nested message is known when it is to be
 * written, just in front of it, and no pass over the whole message for each depth has to compute it first. Every text
 * is measured once.
 *
 * The code for each type is written by descgen. Before it writes a field, there is room for all fields of the message
 * up to that one, as far as they have a greatest length, tags and lengths included; so only texts, bytes and nested
 * messages ask for room. What does not fit moves to a larger piece of the arena; the smaller one is lost until the
 * arena is reset.
 */

enum { COPIED_BYTES = 16 }; /* up to here two overlapping moves are less than a call */

uint8_t *lf_pack_grow(struct lf_packer *packer, uint8_t *at, size_t bytes)
{
	size_t written = (size_t)(packer->end - at), capacity = (size_t)(packer->end - packer->start);
	uint8_t *start;

	LF_CHECK(P4, packer->start <= at && at <= packer->end);
	if (bytes > SIZE_MAX / 4 || capacity > SIZE_MAX / 4)
		return NULL;
	capacity = 2 * capacity + bytes;
	start = lf_arena_alloc(packer->arena, capacity);
	if (start == NULL)
		return NULL;
	packer->start = start;
	packer->end = start + capacity;
	if (written != 0)
		memcpy(packer->end - written, at, written);
	return packer->end - written;
}

uint8_t *lf_pack_long_varint(uint8_t *at, uint64_t number)
{
	uint8_t *out;

	at -= (size_t)(63 - __builtin_clzll(number | 1)) / 7 + 1;
	out = at;
	for (; number >= 0x80; number >>= 7)
		*out++ = (uint8_t)(number | 0x80);
	*out = (uint8_t)number;
	return at;
}

static inline void copy(uint8_t *to, const void *from, size_t length)
{
	const uint8_t *data = from;

	if (length > COPIED_BYTES) {
		memcpy(to, data, length);
	} else if (length >= 8) {
		memcpy(to, data, 8);
		memcpy(to + length - 8, data + length - 8, 8);
	} else if (length >= 4) {
		memcpy(to, data, 4);
		memcpy(to + length - 4, data + length - 4, 4);
	} else if (length > 0) {
		to[0] = data[0];
		to[length / 2] = data[length / 2];
		to[length - 1] = data[length - 1];
	}
}

static inline uint8_t *pack_bytes(
	struct lf_packer *packer, uint8_t *at, const void *data, size_t length, uint32_t tag, size_t rest)
{
	at = lf_pack_room(packer, at, length + rest);
	if (at == NULL)
		return NULL;
	at -= length;
	copy(at, data, length);
	return lf_pack_varint(lf_pack_varint(at, length), tag);
}

uint8_t *lf_pack_text(struct lf_packer *packer, uint8_t *at, const char *text, uint32_t tag, size_t rest)
{
	return pack_bytes(packer, at, text, text == NULL ? 0 : strlen(text), tag, rest);
}

uint8_t *lf_pack_binary(
	struct lf_packer *packer, uint8_t *at, const ProtobufCBinaryData *binary, uint32_t tag, size_t rest)
{
	return binary->len > SIZE_MAX / 4 ? NULL : pack_bytes(packer, at, binary->data, binary->len, tag, rest);
}
