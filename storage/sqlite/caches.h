/* What the writer remembers, so that repeated names and payloads cost no statement. The writer's thread alone. */
#ifndef LF_STORAGE_SQLITE_CACHES_H
#define LF_STORAGE_SQLITE_CACHES_H

#include "proto/base/limits.h"
#include "storage/tlog/hash.h"

enum { LF_ID_CACHE_KEY_MAX = 161 }; /* longer keys are not cached: a digest, a name, and the cache's own tag */

struct lf_id_cache; /* tag and bytes -> row id and, of a payload, the commitment that leaves have; bounded, forgets */
struct lf_id_cache *lf_id_cache_new(void);
void lf_id_cache_free(struct lf_id_cache *cache);
void lf_id_cache_clear(struct lf_id_cache *cache);
/* 0: not known. commitment: NULL for a name. */
int64_t lf_id_cache_find(
	const struct lf_id_cache *cache, uint8_t tag, const void *key, size_t length, struct lf_digest *commitment);
void lf_id_cache_put(struct lf_id_cache *cache, uint8_t tag, const void *key, size_t length, int64_t id,
	const struct lf_digest *commitment);
/* What it does not know is no error. */
void lf_id_cache_drop(struct lf_id_cache *cache, uint8_t tag, const void *key, size_t length);

/* The newest decision of a team, project or list of candidates. */
struct lf_head {
	int64_t entity; /* row id in the name table; 0 = a free slot */
	int64_t last;   /* sequence */
	int64_t count;  /* decisions in the chain */
	bool known;     /* read from the database, or changed since */
	bool dirty;     /* to be written at commit */
};

struct lf_heads {
	struct lf_head *slots;
	size_t used;
	uint32_t dirty[3 * LF_BATCH_MAX]; /* slots */
	size_t dirty_count;
};
bool lf_heads_init(struct lf_heads *heads);
void lf_heads_clean_up(struct lf_heads *heads);
void lf_heads_clear(struct lf_heads *heads);
/* Makes room for one transaction. Nothing may be dirty. */
void lf_heads_prepare(struct lf_heads *heads);
/* The slot of an entity; its known is false where it is new here. There is room for those of one batch (S3). */
struct lf_head *lf_heads_slot(struct lf_heads *heads, int64_t entity);
void lf_heads_mark(struct lf_heads *heads, struct lf_head *head);

#endif
