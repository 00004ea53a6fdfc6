#include "service/keeping/payload_set.h"

#include <stdlib.h>
#include <string.h>

bool lf_payload_set_add(struct lf_payload_set *set, uint64_t id)
{
	if (id / 8 >= set->bytes) {
		size_t bytes = (size_t)(id / 8 + 1 + id / 16);
		uint8_t *grown;

		if (bytes < 4096)
			bytes = 4096;
		grown = realloc(set->bits, bytes);
		if (grown == NULL)
			return false;
		memset(grown + set->bytes, 0, bytes - set->bytes);
		set->bits = grown;
		set->bytes = bytes;
	}
	set->bits[id / 8] |= (uint8_t)(1 << id % 8);
	return true;
}

bool lf_payload_set_has(const struct lf_payload_set *set, uint64_t id)
{
	return id / 8 < set->bytes && (set->bits[id / 8] >> id % 8 & 1) != 0;
}

void lf_payload_set_clear(struct lf_payload_set *set)
{
	free(set->bits);
	*set = (struct lf_payload_set){NULL, 0};
}
