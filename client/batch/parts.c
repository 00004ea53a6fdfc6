#include "client/batch/parts.h"

#include <stdlib.h>
#include <string.h>

#include "proto/base/hash.h"

/* A text is looked for by its first bytes, as its length is not known before it is parsed. */
enum { PREFIX_BYTES = 64 };

struct lf_part {
	struct lf_cache_entry in_table; /* first; its hash is of kind and prefix */
	const void *kind;
	uint64_t hash; /* of the packed bytes */
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
	lf_cache_table_init(&parts->table, parts->places, LF_PARTS_SLOTS / LF_CACHE_WAYS, parts->seen, LF_PARTS_SEEN);
	pthread_mutex_init(&parts->mutex, NULL);
}

static size_t bytes_of(const struct lf_part *part)
{
	return sizeof(*part) + part->text_length + part->packed_length;
}

/* A part that was taken out; NULL is fine. */
static void drop(struct lf_parts *parts, struct lf_cache_entry *taken)
{
	struct lf_part *part = (struct lf_part *)taken;

	if (part != NULL)
		parts->bytes -= bytes_of(part);
	free(part);
}

void lf_parts_clean_up(struct lf_parts *parts)
{
	while (parts->table.count > 0)
		drop(parts, lf_cache_take_any(&parts->table));
	pthread_mutex_destroy(&parts->mutex);
}

/* A text that begins with what is looked for. */
struct beginning {
	const void *kind;
	const char *text;
	size_t length;
};

static bool is_beginning(const struct lf_cache_entry *in_table, const void *what)
{
	const struct lf_part *part = (const struct lf_part *)in_table;
	const struct beginning *wanted = what;

	return part->kind == wanted->kind && part->text_length <= wanted->length &&
		memcmp(part->data, wanted->text, part->text_length) == 0;
}

/* Under the mutex. */
static const struct lf_part *look_up(
	const struct lf_parts *parts, const void *kind, uint64_t prefix, const char *text, size_t length)
{
	return (const struct lf_part *)lf_cache_find(
		&parts->table, prefix, is_beginning, &(struct beginning){kind, text, length});
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
	*part = (struct lf_part){.in_table.hash = prefix,
		.kind = kind,
		.hash = packed->hash,
		.text_length = length,
		.packed_length = packed->length};
	memcpy(part->data, text, length);
	memcpy(part->data + length, packed->bytes, packed->length);
	return part;
}

/* Under the mutex. */
static void put(struct lf_parts *parts, struct lf_part *part)
{
	while (parts->bytes + bytes_of(part) > LF_PARTS_BYTES_MAX)
		drop(parts, lf_cache_step(&parts->table));
	drop(parts, lf_cache_put(&parts->table, &part->in_table));
	parts->bytes += bytes_of(part);
}

void lf_parts_offer(
	struct lf_parts *parts, const void *kind, const char *text, size_t length, const struct lf_packed *packed)
{
	uint64_t prefix;

	if (length < PREFIX_BYTES || length + packed->length > LF_PARTS_BYTES_MAX / 64)
		return;
	prefix = prefix_of(kind, text);
	pthread_mutex_lock(&parts->mutex);
	if (lf_cache_came_before(&parts->table, prefix) && look_up(parts, kind, prefix, text, length) == NULL) {
		struct lf_part *part = part_new(kind, prefix, text, length, packed);

		if (part != NULL)
			put(parts, part);
	}
	pthread_mutex_unlock(&parts->mutex);
}
