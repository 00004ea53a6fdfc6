/*
 * A table from names, or pairs of them, to numbers. Names are known by the first 16 bytes of their SHA-256, so that an
 * entry takes the same small space however long they are; two names for which that is equal do not occur.
 */
#ifndef LF_CLIENT_CALC_KEYS_H
#define LF_CLIENT_CALC_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lf_keys_entry;

/* Zeroed: empty. Grows as needed. */
struct lf_keys {
	struct lf_keys_entry *entries;
	size_t count, capacity;
};

/*
 * The number of a pair of names (second "" where there is but one), added as 0 where it was not there yet; *added (may
 * be NULL) says so. NULL where memory ran out. Valid until the next one is added.
 */
uint32_t *lf_keys_add(struct lf_keys *keys, const char *first, const char *second, bool *added);
/* The same without adding; NULL where it is not there. */
uint32_t *lf_keys_find(const struct lf_keys *keys, const char *first, const char *second);
void lf_keys_clean_up(struct lf_keys *keys);

#endif
