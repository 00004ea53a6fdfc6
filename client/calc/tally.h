/* How often each of many names came up. */
#ifndef LF_CLIENT_CALC_TALLY_H
#define LF_CLIENT_CALC_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/calc/keys.h"

/* Zeroed: empty. */
struct lf_tally {
	struct lf_tally_entry {
		char *name; /* owned */
		uint64_t count;
	} * entries;
	size_t count, capacity;
	struct lf_keys keys; /* index of each name */
};
/* false where memory ran out: the tally can then only be cleaned up. */
bool lf_tally_add(struct lf_tally *tally, const char *name);
/* The most often first; of equals the first by name. No name can be added after it. */
void lf_tally_sort(struct lf_tally *tally);
void lf_tally_clean_up(struct lf_tally *tally);

#endif
