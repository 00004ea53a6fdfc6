#include "proto/base/slice.h"

#include <string.h>

struct lf_slice lf_metadata_find(const struct lf_metadata *entries, size_t count, const char *key)
{
	const size_t length = strlen(key);

	for (size_t i = 0; i < count; i++)
		if (entries[i].key.length == length && memcmp(entries[i].key.data, key, length) == 0)
			return entries[i].value;
	return (struct lf_slice){NULL, 0};
}
