/* A set of payload ids, a bit each: ids are given in order from 1, so most bits are used. */
#ifndef LF_SERVICE_KEEPING_PAYLOAD_SET_H
#define LF_SERVICE_KEEPING_PAYLOAD_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero: empty. */
struct lf_payload_set {
	uint8_t *bits;
	size_t bytes;
};

/* false where memory ran out: the set is as it was. */
bool lf_payload_set_add(struct lf_payload_set *set, uint64_t id);
bool lf_payload_set_has(const struct lf_payload_set *set, uint64_t id);
/* Empties the set and frees its memory. */
void lf_payload_set_clear(struct lf_payload_set *set);

#endif
