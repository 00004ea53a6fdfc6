/*
 * What caches by content have in common: a bounded table that finds entries by a hash of what they stand for, admits
 * what comes twice, and chooses what goes.
 *
 * It is a table of sets of LF_CACHE_WAYS places. An entry can be in one set only, so finding and putting look at a few
 * places, whatever is in the table. Where a set is full, what was not found lately goes; and a hand goes round the
 * table for an owner who has to free memory (CLOCK).
 *
 * The table knows neither content nor memory: its owner compares, counts bytes, locks, and frees. Nothing here
 * allocates or blocks. One thread at a time, so under the owner's lock.
 */
#ifndef LF_PROTO_BASE_CACHE_TABLE_H
#define LF_PROTO_BASE_CACHE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LF_CACHE_WAYS = 4 };

/* Inside the owner's entry. */
struct lf_cache_entry {
	uint64_t hash; /* set before it is put */
	bool used;     /* the table's: found since the hand passed */
};

struct lf_cache_table {
	struct lf_cache_entry **places; /* set_count * LF_CACHE_WAYS */
	size_t set_count;
	uint32_t *seen; /* marks of what came once; two or more */
	size_t seen_count;
	size_t hand;  /* the place that it looks at next */
	size_t count; /* entries */
};

/* The arrays are the caller's, all zero, and must outlive the table. There is nothing to clean up. */
void lf_cache_table_init(struct lf_cache_table *table, struct lf_cache_entry **places, size_t set_count, uint32_t *seen,
	size_t seen_count);

/*
 * The entry with that hash of which is(entry, what) is true, NULL where there is none. It counts as used. The hash is
 * not against an adversary: is() has to compare content, or the caller afterwards.
 */
struct lf_cache_entry *lf_cache_find(const struct lf_cache_table *table, uint64_t hash,
	bool (*is)(const struct lf_cache_entry *entry, const void *what), const void *what);
/*
 * Whether something of that hash came before; from now on it did. Where three hashes share a place, one of them is
 * forgotten, and two may share a mark: what is admitted by chance costs no more than a place.
 */
bool lf_cache_came_before(struct lf_cache_table *table, uint64_t hash);
/* Puts an entry that is not in the table. Returns the one that had to go, which is the caller's then; NULL: none. */
struct lf_cache_entry *lf_cache_put(struct lf_cache_table *table, struct lf_cache_entry *entry);
/* Takes an entry out, which is in the table. */
void lf_cache_take(struct lf_cache_table *table, struct lf_cache_entry *entry);
/*
 * Moves the hand by one place: takes out the entry there and returns it, where it was not used since the hand passed.
 * NULL: it was, or the place is empty. After two rounds nothing is left, unless something is used meanwhile.
 */
struct lf_cache_entry *lf_cache_step(struct lf_cache_table *table);
/* Takes out any entry; NULL where there is none. */
struct lf_cache_entry *lf_cache_take_any(struct lf_cache_table *table);

#endif
