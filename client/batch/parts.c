#include "client/batch/parts.h"

#include <stdlib.h>
#include <string.h>

#include "proto/base/hash.h"

/* A text is looked for by its first bytes, as its length is not known before it is parsed. */
enum { PREFIX_BYTES = 64, PROBES = 4 };

struct lf_part {
	const void *kind;
	uint64_t prefix; /* hash */
	uint64_t hash;   /* of the packed bytes */
	size_t text_length, packed_length;
	char data[]; /* text, then packed */
};

static uint64_t prefix_of(const void *kind, const char *text)
{
	return lf_hash_bytes(text, PREFIX_BYTES, (uint64_t)(uintptr_t)kind);
}

/* ---- the table ---- */

void lf_parts_init(struct lf_parts *parts)
{
	memset(parts, 0, sizeof(*parts));
	pthread_mutex_init(&parts->mutex, NULL);
}

static size_t bytes_of(const struct lf_part *part)
{
	return sizeof(*part) + part->text_length + part->packed_length;
}

static void drop(struct lf_parts *parts, size_t slot)
{
	struct lf_part *part = parts->slots[slot];

	parts->slots[slot] = NULL;
	if (part != NULL)
		parts->bytes -= bytes_of(part);
	free(part);
}

void lf_parts_clean_up(struct lf_parts *parts)
{
	for (size_t i = 0; i < LF_PARTS_SLOTS; i++)
		drop(parts, i);
	pthread_mutex_destroy(&parts->mutex);
}

/* Under the mutex. */
static const struct lf_part *look_up(
	const struct lf_parts *parts, const void *kind, uint64_t prefix, const char *text, size_t length)
{
	for (size_t i = 0; i < PROBES; i++) {
		const struct lf_part *part = parts->slots[(prefix + i) % LF_PARTS_SLOTS];

		if (part != NULL && part->prefix == prefix && part->kind == kind && part->text_length <= length &&
			memcmp(part->data, text, part->text_length) == 0)
			return part;
	}
	return NULL;
}

size_t lf_parts_find(struct lf_parts *parts, const void *kind, const char *text, size_t length, struct lf_arena *arena,
	struct lf_packed *packed)
{
	size_t found = 0;
	uint64_t prefix;
	const struct lf_part *part;
	uint8_t *bytes;

	if (length < PREFIX_BYTES)
		return 0;
	prefix = prefix_of(kind, text);
	pthread_mutex_lock(&parts->mutex);
	part = look_up(parts, kind, prefix, text, length);
	bytes = part == NULL ? NULL : lf_arena_alloc(arena, part->packed_length);
	if (bytes != NULL) {
		memcpy(bytes, part->data + part->text_length, part->packed_length);
		*packed = (struct lf_packed){.bytes = bytes, .length = part->packed_length, .hash = part->hash};
		found = part->text_length;
	}
	pthread_mutex_unlock(&parts->mutex);
	return found;
}

/* ---- keeping ---- */

static struct lf_part *part_new(
	const void *kind, uint64_t prefix, const char *text, size_t length, const struct lf_packed *packed)
{
	struct lf_part *part = malloc(sizeof(*part) + length + packed->length);

	if (part == NULL)
		return NULL;
	*part = (struct lf_part){.kind = kind,
		.prefix = prefix,
		.hash = packed->hash,
		.text_length = length,
		.packed_length = packed->length};
	memcpy(part->data, text, length);
	memcpy(part->data + length, packed->bytes, packed->length);
	return part;
}

/* Under the mutex. Puts a part in the place of none, or of any. */
static void put(struct lf_parts *parts, struct lf_part *part)
{
	size_t slot = (part->prefix + (part->prefix >> 32) % PROBES) % LF_PARTS_SLOTS;

	for (size_t i = 0; i < PROBES; i++)
		if (parts->slots[(part->prefix + i) % LF_PARTS_SLOTS] == NULL) {
			slot = (part->prefix + i) % LF_PARTS_SLOTS;
			break;
		}
	drop(parts, slot);
	for (; parts->bytes + bytes_of(part) > LF_PARTS_BYTES_MAX; parts->hand = (parts->hand + 1) % LF_PARTS_SLOTS)
		drop(parts, parts->hand);
	parts->slots[slot] = part;
	parts->bytes += bytes_of(part);
}

/* Under the mutex. Whether something with that beginning came before; from now on it did. */
static bool was_seen(struct lf_parts *parts, uint64_t prefix)
{
	uint32_t *seen = &parts->seen[(prefix >> 16) % LF_PARTS_SEEN];
	const uint32_t mark = (uint32_t)(prefix >> 32) | 1;
	const bool before = *seen == mark;

	*seen = mark;
	return before;
}

void lf_parts_offer(
	struct lf_parts *parts, const void *kind, const char *text, size_t length, const struct lf_packed *packed)
{
	uint64_t prefix;

	if (length < PREFIX_BYTES || length + packed->length > LF_PARTS_BYTES_MAX / 64)
		return;
	prefix = prefix_of(kind, text);
	pthread_mutex_lock(&parts->mutex);
	if (was_seen(parts, prefix) && look_up(parts, kind, prefix, text, length) == NULL) {
		struct lf_part *part = part_new(kind, prefix, text, length, packed);

		if (part != NULL)
			put(parts, part);
	}
	pthread_mutex_unlock(&parts->mutex);
}
