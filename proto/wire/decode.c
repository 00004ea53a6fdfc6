#include <string.h>

#include "proto/wire/codec.h"

/*
 * Design notes
 *
 * The promise: what this decodes, lf_wire_check() accepts, and the message is the one that protobuf_c_message_unpack()
 * gives. The other way round need not hold: whatever is wrong, rare, or does not fit ends it with NULL, without a word
 * about why. wire.c then goes the long way, which finds all that is wrong and says so. Hence no errors, paths and
 * counts here: one walk that checks and stores.
 *
 * The code for each type is written by descgen. Arrays are made at the first element of a repeated field, after the
 * elements that follow it were counted by hopping from length to length. Elements that stand apart from them, which no
 * packer writes, make it count once more, now to the message's end: a field is counted twice at most.
 */

enum {
	KEYS_COMPARED_MAX = 64, /* unsorted entries of a map among which each is compared with each */
};

const uint8_t *lf_read_long_varint(const uint8_t *at, const uint8_t *end, size_t bytes_max, uint64_t *number)
{
	const struct lf_span span = {at, (size_t)(end - at)};
	size_t used = lf_span_varint(&span, bytes_max, number);

	return used == 0 ? NULL : at + used;
}

/* ---- texts and bytes ---- */

static inline uint64_t load_64(const uint8_t *data)
{
	uint64_t word;

	memcpy(&word, data, sizeof(word));
	return word;
}

/* Not 0 where one of the eight bytes is not ASCII, or NUL. (A borrow out of a NUL byte can only make more such.) */
static inline uint64_t unplain(uint64_t word)
{
	return (word | (word - UINT64_C(0x0101010101010101))) & UINT64_C(0x8080808080808080);
}

/* Copies, and tells whether all of it is plain ASCII. */
static inline bool copy_plain(uint8_t *to, const uint8_t *from, size_t length)
{
	uint64_t found = 0, word;

	if (length >= 8) {
		for (size_t i = 0; i + 8 < length; i += 8) {
			word = load_64(from + i);
			memcpy(to + i, &word, 8);
			found |= unplain(word);
		}
		word = load_64(from + length - 8);
		memcpy(to + length - 8, &word, 8);
		return (found | unplain(word)) == 0;
	}
	if (length >= 4) {
		uint32_t first, last;

		memcpy(&first, from, 4);
		memcpy(&last, from + length - 4, 4);
		memcpy(to, &first, 4);
		memcpy(to + length - 4, &last, 4);
		return unplain((uint64_t)first << 32 | last) == 0;
	}
	for (size_t i = 0; i < length; i++) {
		to[i] = from[i];
		found |= (uint64_t)(from[i] - 1u >= 0x7fu);
	}
	return found == 0;
}

const uint8_t *lf_read_text(struct lf_arena *arena, const uint8_t *at, const uint8_t *end, char **out)
{
	size_t length;
	char *copy;

	at = lf_read_length(at, end, &length);
	if (at == NULL)
		return NULL;
	copy = lf_arena_alloc(arena, length + 1);
	if (copy == NULL)
		return NULL;
	if (!copy_plain((uint8_t *)copy, at, length) && lf_span_text_fault((struct lf_span){at, length}) != NULL)
		return NULL;
	copy[length] = '\0';
	*out = copy;
	return at + length;
}

const uint8_t *lf_read_binary(struct lf_arena *arena, const uint8_t *at, const uint8_t *end, ProtobufCBinaryData *out)
{
	size_t length;

	*out = (ProtobufCBinaryData){0};
	at = lf_read_length(at, end, &length);
	if (at == NULL || length == 0)
		return at;
	out->data = lf_arena_alloc(arena, length);
	if (out->data == NULL)
		return NULL;
	memcpy(out->data, at, length);
	out->len = length;
	return at + length;
}

/* ---- repeated fields ---- */

/* Behind a value of this wire type; NULL where it can't be decoded. */
static inline const uint8_t *skip(const uint8_t *at, const uint8_t *end, unsigned wire)
{
	uint64_t number;
	size_t length;

	switch (wire) {
	case PROTOBUF_C_WIRE_TYPE_VARINT:
		return lf_read_varint(at, end, 10, &number);
	case PROTOBUF_C_WIRE_TYPE_64BIT:
		return end - at < 8 ? NULL : at + 8;
	case PROTOBUF_C_WIRE_TYPE_32BIT:
		return end - at < 4 ? NULL : at + 4;
	case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
		at = lf_read_length(at, end, &length);
		return at == NULL ? NULL : at + length;
	default:
		return NULL;
	}
}

/* Elements from behind a tag on: all, or up to the first other field. 0 where something can't be decoded. */
static size_t count_elements(const uint8_t *at, const uint8_t *end, uint32_t tag, bool all)
{
	uint32_t next = tag;
	size_t count = 0;

	for (;;) {
		at = skip(at, end, next & 7);
		if (at == NULL)
			return 0;
		count += next == tag;
		if (at == end)
			return count;
		at = lf_read_tag(at, end, &next);
		if (at == NULL)
			return 0;
		if (next != tag && !all)
			return count;
	}
}

bool lf_read_room(struct lf_arena *arena, const uint8_t *at, const uint8_t *end, uint32_t tag, void *array,
	size_t count, size_t *room, size_t element_bytes)
{
	size_t more = count_elements(at, end, tag, count != 0);
	void *old, *elements;

	if (more == 0)
		return false;
	elements = lf_arena_alloc(arena, (count + more) * element_bytes);
	if (elements == NULL)
		return false;
	memcpy(&old, array, sizeof(old));
	if (count != 0)
		memcpy(elements, old, count * element_bytes);
	memcpy(array, &elements, sizeof(elements));
	*room = count + more;
	return true;
}

static inline const char *key_of(const void *entry, size_t offset)
{
	const char *key;

	memcpy(&key, (const char *)entry + offset, sizeof(key));
	return key;
}

bool lf_keys_distinct(const void *map, size_t count, size_t offset)
{
	const void *const *entries = map;
	size_t i = 1;

	if (count > LF_MAP_ENTRIES_MAX)
		return false;
	while (i < count && strcmp(key_of(entries[i - 1], offset), key_of(entries[i], offset)) < 0)
		i++;
	if (i >= count)
		return true;
	if (count > KEYS_COMPARED_MAX)
		return false;
	for (; i < count; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(key_of(entries[j], offset), key_of(entries[i], offset)) == 0)
				return false;
	return true;
}
