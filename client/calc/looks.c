#include "client/calc/looks.h"

#include <stdlib.h>
#include <string.h>

#include "proto/base/buffer.h"

static struct lf_looks_line *add_line(struct lf_looks *looks, const Leadfit__V1__Access *entry)
{
	struct lf_looks_line *line;

	if (looks->count == looks->capacity) {
		const size_t capacity = looks->capacity == 0 ? 64 : 2 * looks->capacity;
		struct lf_looks_line *lines = realloc(looks->lines, capacity * sizeof(*lines));

		if (lines == NULL)
			return NULL;
		looks->lines = lines;
		looks->capacity = capacity;
	}
	line = &looks->lines[looks->count++];
	*line = (struct lf_looks_line){.caller = strdup(entry->caller),
		.method = strdup(entry->method),
		.code = strdup(entry->code),
		.recorded = entry->kind == LEADFIT__V1__ACCESS_KIND__RECORDED,
		.first = INT64_MAX,
		.last = INT64_MIN};
	return line->caller != NULL && line->method != NULL && line->code != NULL ? line : NULL;
}

static struct lf_looks_line *find_line(struct lf_looks *looks, const Leadfit__V1__Access *entry)
{
	struct lf_buffer rest = {0};
	uint32_t *place = NULL;
	bool added;

	lf_buffer_append_text(&rest, entry->method);
	lf_buffer_append_text(&rest, entry->kind == LEADFIT__V1__ACCESS_KIND__RECORDED ? "\n+" : "\n");
	lf_buffer_append_text(&rest, entry->code);
	if (!rest.failed)
		place = lf_keys_add(&looks->keys, entry->caller, rest.data, &added);
	lf_buffer_clean_up(&rest);
	if (place == NULL)
		return NULL;
	if (!added)
		return &looks->lines[*place];
	*place = (uint32_t)looks->count;
	return add_line(looks, entry);
}

bool lf_looks_add(struct lf_looks *looks, const Leadfit__V1__Access *entry)
{
	const int64_t at = entry->at == NULL ? 0 : entry->at->seconds;
	struct lf_looks_line *line;

	if (entry->kind == LEADFIT__V1__ACCESS_KIND__ACCESS_KIND_UNSPECIFIED) {
		looks->pruned++;
		return true;
	}
	looks->calls += entry->calls;
	if (*entry->method == '\0') {
		looks->others += entry->calls;
		return true;
	}
	line = find_line(looks, entry);
	if (line == NULL)
		return false;
	line->calls += entry->calls;
	line->decisions += entry->decisions;
	line->first = at < line->first ? at : line->first;
	line->last = at > line->last ? at : line->last;
	return true;
}

static int compare(const void *a, const void *b)
{
	const struct lf_looks_line *left = a, *right = b;
	int order = strcmp(left->caller, right->caller);

	if (order == 0)
		order = strcmp(left->method, right->method);
	if (order == 0)
		order = left->recorded - right->recorded;
	return order != 0 ? order : strcmp(left->code, right->code);
}

void lf_looks_sort(struct lf_looks *looks)
{
	if (looks->count > 0)
		qsort(looks->lines, looks->count, sizeof(*looks->lines), compare);
}

void lf_looks_clean_up(struct lf_looks *looks)
{
	for (size_t i = 0; i < looks->count; i++) {
		free(looks->lines[i].caller);
		free(looks->lines[i].method);
		free(looks->lines[i].code);
	}
	free(looks->lines);
	lf_keys_clean_up(&looks->keys);
}
