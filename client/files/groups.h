/* Reading the file that says which categories people belong to. */
#ifndef LF_CLIENT_FILES_GROUPS_H
#define LF_CLIENT_FILES_GROUPS_H

#include "client/calc/groups.h"
#include "client/files/input.h"

/* Words that mean that a category is not known, in upper or lower case: besides "unknown". */
struct lf_unknown_words {
	const char *const *words;
	size_t count;
};

/*
 * Reads CSV (a line that names the columns: candidate, then one a dimension) or a Groups message in YAML or JSON. What
 * lives in arena stays there; index is cleaned up by lf_groups_clean_up(), in any case. INVALID_ARGUMENT lists
 * everything that is wrong, by line or path: no person, no dimension or more than LF_DIMENSIONS_MAX, more than
 * LF_CATEGORIES_MAX categories, a person twice, an id or category that is too long, categories that differ only in
 * upper and lower case (two spellings of one would be told apart), what is no UTF-8.
 */
enum lf_code lf_groups_read(struct lf_groups *groups, struct lf_input *input, const struct lf_unknown_words *unknown,
	struct lf_arena *arena, struct lf_error *error);
void lf_groups_clean_up(struct lf_groups *groups);

#endif
