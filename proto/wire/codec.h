/*
 * Private to proto/: what the code that descgen writes for each message type is made of. Inline where a field is a few
 * instructions; pack.c, decode.c and canonical.c have the rest. message.c runs what descgen writes.
 */
#ifndef LF_PROTO_WIRE_CODEC_H
#define LF_PROTO_WIRE_CODEC_H

#include <math.h>
#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "proto/base/arena.h"
#include "proto/base/check.h"
#include "proto/wire/span.h"
#include "proto/wire/wire.h"

/* Where a message is packed to. What is written ends at end; where it begins, at, goes from call to call. */
struct lf_packer {
	struct lf_arena *arena;
	uint8_t *start, *end;
};

/* Where a message is read into. */
struct lf_reader {
	struct lf_arena *arena;
	const struct lf_wire_known *known; /* NULL: nothing is */
};

/* The code for one message type. */
struct lf_codec {
	const ProtobufCMessageDescriptor *type; /* NULL: an empty slot of the table */
	/* Writes in front of at; the new beginning, NULL where the arena is exhausted. */
	uint8_t *(*pack)(struct lf_packer *packer, uint8_t *at, const void *message);
	/* The message, NULL as lf_decode() gives it. */
	void *(*read)(const struct lf_reader *reader, const uint8_t *at, const uint8_t *end, unsigned depth);
	void (*canonicalize)(void *message); /* NULL: there is nothing that could be otherwise */
};

/* Open addressing by lf_codec_hash(), one slot after the other; at least one is empty. */
struct lf_codec_table {
	size_t mask;
	const struct lf_codec *slots;
};

/* The code for a type of the interface, NULL for others. descgen writes it, beside the table that it searches. */
const struct lf_codec *lf_codec_find(const ProtobufCMessageDescriptor *type);

static inline uint32_t lf_codec_hash(const char *short_name)
{
	uint32_t hash = 0;

	for (; *short_name != '\0'; short_name++)
		hash = (hash << 5) + hash + (unsigned char)*short_name;
	return hash ^ hash >> 9;
}

static inline const struct lf_codec *lf_codec_lookup(
	const struct lf_codec_table *table, const ProtobufCMessageDescriptor *type)
{
	for (size_t at = lf_codec_hash(type->short_name);; at++) {
		const struct lf_codec *codec = &table->slots[at & table->mask];

		if (codec->type == type)
			return codec;
		if (codec->type == NULL)
			return NULL;
	}
}

/* ---- packing ---- */

/*
 * All return the new beginning. rest: room to have for what comes in front of the content, its tag and length included.
 */

/* Moves what is written to a larger piece, with room for bytes in front of it. NULL where the arena is exhausted. */
uint8_t *lf_pack_grow(struct lf_packer *packer, uint8_t *at, size_t bytes);
/* A text with tag and length; NULL is the empty one. NULL where the arena is exhausted. */
uint8_t *lf_pack_text(struct lf_packer *packer, uint8_t *at, const char *text, uint32_t tag, size_t rest);
uint8_t *lf_pack_binary(
	struct lf_packer *packer, uint8_t *at, const ProtobufCBinaryData *binary, uint32_t tag, size_t rest);

static inline uint8_t *lf_pack_room(struct lf_packer *packer, uint8_t *at, size_t bytes)
{
	return (size_t)(at - packer->start) >= bytes ? at : lf_pack_grow(packer, at, bytes);
}

/* There is room for these. */

uint8_t *lf_pack_long_varint(uint8_t *at, uint64_t number);

static inline uint8_t *lf_pack_varint(uint8_t *at, uint64_t number)
{
	if (number < 0x80) {
		*--at = (uint8_t)number;
		return at;
	}
	if (number < 0x4000) {
		*--at = (uint8_t)(number >> 7);
		*--at = (uint8_t)(number | 0x80);
		return at;
	}
	return lf_pack_long_varint(at, number);
}

static inline uint8_t *lf_pack_64(uint8_t *at, const void *value)
{
	memcpy(at - 8, value, 8);
	return at - 8;
}

static inline uint8_t *lf_pack_32(uint8_t *at, const void *value)
{
	memcpy(at - 4, value, 4);
	return at - 4;
}

static inline uint64_t lf_zigzag(int64_t number)
{
	return (uint64_t)number << 1 ^ (uint64_t)(number >> 63);
}

/* Tag and length in front of what was packed since before. NULL where at is, or where the arena is exhausted. */
static inline uint8_t *lf_pack_close(struct lf_packer *packer, uint8_t *at, size_t before, uint32_t tag, size_t rest)
{
	if (at == NULL)
		return NULL;
	at = lf_pack_room(packer, at, rest);
	if (at == NULL)
		return NULL;
	return lf_pack_varint(lf_pack_varint(at, (size_t)(packer->end - at) - before), tag);
}

/* ---- reading: all return the byte behind what was read, NULL where something is wrong ---- */

const uint8_t *lf_read_long_varint(const uint8_t *at, const uint8_t *end, size_t bytes_max, uint64_t *number);
const uint8_t *lf_read_text(struct lf_arena *arena, const uint8_t *at, const uint8_t *end, char **out);
const uint8_t *lf_read_binary(struct lf_arena *arena, const uint8_t *at, const uint8_t *end, ProtobufCBinaryData *out);
/*
 * Makes array larger where all its count elements are used. at: behind the tag of the element that is to be read now.
 * At first there is room for the elements that follow without others between them, then for all in the rest of the
 * message.
 */
bool lf_read_room(struct lf_arena *arena, const uint8_t *at, const uint8_t *end, uint32_t tag, void *array,
	size_t count, size_t *room, size_t element_bytes);
/* Whether the keys of a map's entries are distinct, at this offset: they rise, or are few. */
bool lf_keys_distinct(const void *entries, size_t count, size_t offset);

/* Of at most bytes_max bytes. */
static inline const uint8_t *lf_read_varint(const uint8_t *at, const uint8_t *end, size_t bytes_max, uint64_t *number)
{
	if (at != end && *at < 0x80) {
		*number = *at;
		return at + 1;
	}
	return lf_read_long_varint(at, end, bytes_max, number);
}

/* Beyond 32 bits: 0, which no field has. */
static inline const uint8_t *lf_read_tag(const uint8_t *at, const uint8_t *end, uint32_t *tag)
{
	uint64_t number = 0;

	at = lf_read_varint(at, end, 5, &number);
	*tag = number <= UINT32_MAX ? (uint32_t)number : 0;
	return at;
}

/* Gives the content, all of which is there. */
static inline const uint8_t *lf_read_length(const uint8_t *at, const uint8_t *end, size_t *length)
{
	uint64_t number = 0;

	at = lf_read_varint(at, end, 5, &number);
	*length = (size_t)number;
	return at != NULL && number <= (size_t)(end - at) ? at : NULL;
}

/* The message with this content where it is known, else NULL. */
static inline void *lf_read_known(
	const struct lf_reader *reader, const ProtobufCMessageDescriptor *type, const uint8_t *content, size_t length)
{
	const struct lf_wire_known *known = reader->known;

	if (known == NULL || known->type != type)
		return NULL;
	return known->find(known->context, (struct lf_slice){(const char *)content, length});
}

static inline bool lf_is_finite_64(const void *data)
{
	uint64_t bits;

	memcpy(&bits, data, sizeof(bits));
	return (bits >> 52 & 0x7ff) != 0x7ff;
}

static inline bool lf_is_finite_32(const void *data)
{
	uint32_t bits;

	memcpy(&bits, data, sizeof(bits));
	return (bits >> 23 & 0xff) != 0xff;
}

static inline const uint8_t *lf_read_64(const uint8_t *at, const uint8_t *end, void *out)
{
	if ((size_t)(end - at) < 8)
		return NULL;
	memcpy(out, at, 8);
	return at + 8;
}

static inline const uint8_t *lf_read_32(const uint8_t *at, const uint8_t *end, void *out)
{
	if ((size_t)(end - at) < 4)
		return NULL;
	memcpy(out, at, 4);
	return at + 4;
}

static inline const uint8_t *lf_read_double(const uint8_t *at, const uint8_t *end, void *out)
{
	at = lf_read_64(at, end, out);
	return at != NULL && lf_is_finite_64(out) ? at : NULL;
}

static inline const uint8_t *lf_read_float(const uint8_t *at, const uint8_t *end, void *out)
{
	at = lf_read_32(at, end, out);
	return at != NULL && lf_is_finite_32(out) ? at : NULL;
}

static inline const uint8_t *lf_read_uint64(const uint8_t *at, const uint8_t *end, void *out)
{
	uint64_t number = 0;

	at = lf_read_varint(at, end, 10, &number);
	memcpy(out, &number, sizeof(number));
	return at;
}

static inline const uint8_t *lf_read_sint64(const uint8_t *at, const uint8_t *end, int64_t *out)
{
	uint64_t number = 0;

	at = lf_read_varint(at, end, 10, &number);
	*out = (int64_t)(number >> 1 ^ (uint64_t) - (int64_t)(number & 1));
	return at;
}

static inline const uint8_t *lf_read_uint32(const uint8_t *at, const uint8_t *end, uint32_t *out)
{
	uint64_t number = 0;

	at = lf_read_varint(at, end, 10, &number);
	*out = (uint32_t)number;
	return number <= UINT32_MAX ? at : NULL;
}

static inline const uint8_t *lf_read_sint32(const uint8_t *at, const uint8_t *end, int32_t *out)
{
	uint32_t number = 0;

	at = lf_read_uint32(at, end, &number);
	*out = (int32_t)(number >> 1 ^ (uint32_t) - (int32_t)(number & 1));
	return at;
}

static inline const uint8_t *lf_read_int32(const uint8_t *at, const uint8_t *end, int32_t *out)
{
	uint64_t number = 0;

	at = lf_read_varint(at, end, 10, &number);
	*out = (int32_t)(int64_t)number;
	return (int64_t)number == *out ? at : NULL;
}

static inline const uint8_t *lf_read_bool(const uint8_t *at, const uint8_t *end, protobuf_c_boolean *out)
{
	uint64_t number = 0;

	at = lf_read_varint(at, end, 10, &number);
	*out = (protobuf_c_boolean)number;
	return number <= 1 ? at : NULL;
}

/* ---- canonicalizing ---- */

/* What is canonical already is not written to: it may be shared. */
static inline void lf_clear_sign_64(double *number)
{
	if (*number == 0 && signbit(*number))
		*number = 0;
}

static inline void lf_clear_sign_32(float *number)
{
	if (*number == 0 && signbit(*number))
		*number = 0;
}

/* Sorts the entries of a map by their keys, at this offset. */
void lf_sort_entries(void *entries, size_t count, size_t offset);

#endif
