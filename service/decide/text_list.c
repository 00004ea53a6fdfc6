#include "service/decide/text_list.h"

#include <string.h>

void lf_text_list_add(struct lf_text_list *texts, const char *text, size_t length)
{
	char *copy = lf_arena_strdup(texts->arena, text, length);

	if (texts->count == texts->capacity) {
		size_t capacity = texts->capacity == 0 ? 8 : texts->capacity * 2;
		char **grown = lf_arena_alloc(texts->arena, capacity * sizeof(*grown));

		if (grown == NULL) {
			texts->exhausted = true;
			return;
		}
		if (texts->count > 0)
			memcpy(grown, texts->items, texts->count * sizeof(*grown));
		texts->items = grown;
		texts->capacity = capacity;
	}
	if (copy == NULL)
		texts->exhausted = true;
	else
		texts->items[texts->count++] = copy;
}
