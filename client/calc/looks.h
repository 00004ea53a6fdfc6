/* Who looked, put together: a line for each caller, method and answer, over any number of records. */
#ifndef LF_CLIENT_CALC_LOOKS_H
#define LF_CLIENT_CALC_LOOKS_H

#include "client/calc/keys.h"
#include "leadfit/v1/audit.pb-c.h"

struct lf_looks_line {
	char *caller, *method, *code; /* owned */
	bool recorded;
	uint64_t calls, decisions;
	int64_t first, last; /* seconds since 1970: when they were answered; of a minute, when it began */
};

/* Zeroed: empty. Memory grows with the lines, not with the calls. */
struct lf_looks {
	struct lf_looks_line *lines;
	size_t count, capacity;
	struct lf_keys keys;            /* index of each line */
	uint64_t calls, others, pruned; /* all; without a line; records that say nothing any more */
};

/* false where memory ran out: the looks can then only be cleaned up. */
bool lf_looks_add(struct lf_looks *looks, const Leadfit__V1__Access *entry);
/* By caller, method, answer. Nothing can be added after it. */
void lf_looks_sort(struct lf_looks *looks);
void lf_looks_clean_up(struct lf_looks *looks);

#endif
