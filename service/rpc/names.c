#include "service/rpc/names.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct lf_rpc_names {
	atomic_size_t owners;
	size_t count;
	struct lf_slice items[]; /* their texts lie behind them */
};

struct lf_rpc_names *lf_rpc_names_new(const struct lf_slice *items, size_t count)
{
	size_t bytes = count * sizeof(*items);
	struct lf_rpc_names *names;
	char *at;

	for (size_t i = 0; i < count; i++)
		bytes += items[i].length;
	names = malloc(sizeof(*names) + bytes);
	if (names == NULL)
		return NULL;
	atomic_init(&names->owners, 1);
	names->count = count;
	at = (char *)&names->items[count];
	for (size_t i = 0; i < count; at += items[i++].length) {
		memcpy(at, items[i].data, items[i].length);
		names->items[i] = (struct lf_slice){at, items[i].length};
	}
	return names;
}

struct lf_rpc_names *lf_rpc_names_hold(struct lf_rpc_names *names)
{
	if (names != NULL)
		atomic_fetch_add(&names->owners, 1);
	return names;
}

void lf_rpc_names_release(struct lf_rpc_names *names)
{
	if (names != NULL && atomic_fetch_sub(&names->owners, 1) == 1)
		free(names);
}

size_t lf_rpc_names_count(const struct lf_rpc_names *names)
{
	return names != NULL ? names->count : 0;
}

struct lf_slice lf_rpc_names_get(const struct lf_rpc_names *names, size_t index)
{
	return names->items[index];
}
