/*
 * Teams and projects of lines before: their JSON, and what it is packed. An input names the same ones again and again,
 * every project with every team, and to compare a text costs a tenth of parsing and packing it. Bounded; used by all
 * workers.
 */
#ifndef LF_CLIENT_BATCH_PARTS_H
#define LF_CLIENT_BATCH_PARTS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/arena.h"
#include "proto/base/cache_table.h"

enum {
	LF_PARTS_SLOTS = 8192,
	LF_PARTS_SEEN = 16384,
	LF_PARTS_BYTES_MAX = 16 * 1024 * 1024,
};

/* A packed message. */
struct lf_packed {
	const uint8_t *bytes; /* NULL: there is none */
	size_t length;
	uint64_t hash; /* of the bytes */
};

struct lf_parts {
	pthread_mutex_t mutex; /* of all below */
	struct lf_cache_table table;
	struct lf_cache_entry *places[LF_PARTS_SLOTS];
	uint32_t seen[LF_PARTS_SEEN];
	size_t bytes;
};

void lf_parts_init(struct lf_parts *parts);
void lf_parts_clean_up(struct lf_parts *parts);
/*
 * Whether text begins with the JSON object of a part of this kind that is kept. Gives the object's length, and packed
 * with its bytes in arena; 0 where it does not, or the arena is exhausted. Any thread.
 */
size_t lf_parts_find(struct lf_parts *parts, const void *kind, const char *text, size_t length, struct lf_arena *arena,
	struct lf_packed *packed);
/*
 * Offers a part that was parsed, its JSON object being all of text. It is kept where one that begins like it came
 * before. Any thread.
 */
void lf_parts_offer(
	struct lf_parts *parts, const void *kind, const char *text, size_t length, const struct lf_packed *packed);

#endif
