#include "proto/wire/methods.h"

#include <string.h>

#include "proto/base/nearest.h"
#include "proto/wire/descriptors.h"
#include "proto/wire/wire.h"

/* As strcmp, with name not ended by NUL. */
static int compare_name(const char *name, size_t length, const struct lf_method_entry *entry)
{
	size_t common = length < entry->length ? length : entry->length;
	int order = memcmp(name, entry->name, common);

	if (order != 0)
		return order;
	return length < entry->length ? -1 : length > entry->length;
}

const ProtobufCServiceDescriptor *lf_find_method(const char *name, size_t length, unsigned *index)
{
	size_t low = 0, high = lf_method_count;

	if (length == 0)
		return NULL;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct lf_method_entry *entry = &lf_method_entries[middle];
		int order = compare_name(name, length, entry);

		if (order == 0) {
			*index = entry->index;
			return entry->service;
		}
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const char *lf_nearest_method(const char *name, size_t length)
{
	char text[128];

	/* Longer than any method can be in a frame: nothing is near. */
	if (length == 0 || length >= sizeof(text) || memchr(name, '\0', length) != NULL)
		return NULL;
	memcpy(text, name, length);
	text[length] = '\0';
	return lf_nearest(text, lf_method_names, lf_method_count);
}

static const struct lf_method_entry *entry_of(const ProtobufCServiceDescriptor *service, unsigned index)
{
	for (size_t i = 0; i < lf_method_count; i++)
		if (lf_method_entries[i].service == service && lf_method_entries[i].index == index)
			return &lf_method_entries[i];
	return NULL;
}

bool lf_method_is_read(const ProtobufCServiceDescriptor *service, unsigned index)
{
	const struct lf_method_entry *entry = entry_of(service, index);

	return entry != NULL && entry->is_read;
}

bool lf_method_is_stream(const ProtobufCServiceDescriptor *service, unsigned index)
{
	const struct lf_method_entry *entry = entry_of(service, index);

	return entry != NULL && entry->is_stream;
}
