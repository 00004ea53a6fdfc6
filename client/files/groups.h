/* Reading the file that says which categories people belong to. */
#ifndef LF_CLIENT_FILES_GROUPS_H
#define LF_CLIENT_FILES_GROUPS_H

#include "client/calc/groups.h"
#include "client/files/input.h"

/* Words that mean that a category is not known, compared as categories are: besides "unknown". */
struct lf_unknown_words {
	const char *const *words;
	size_t count;
};

/*
 * Reads a sheet (a row that names the columns: candidate, or a synonym, and one a dimension) or a Groups message in YAML
 * or JSON. What lives in arena stays there; index is cleaned up by lf_groups_clean_up(), in any case. Spellings that differ
 * only in case, composition and white space (fold.h) are one category; that is noted, and so are ids that look alike, and
 * categories that may mean that it is not known. INVALID_ARGUMENT lists everything that is wrong, by cell or path: no
 * person, no dimension or more than LF_DIMENSIONS_MAX, more than LF_CATEGORIES_MAX categories, a person twice, an id or
 * category that is too long.
 */
enum lf_code lf_groups_read(struct lf_groups *groups, struct lf_input *input, const struct lf_unknown_words *unknown,
	struct lf_arena *arena, struct lf_error *error);
void lf_groups_clean_up(struct lf_groups *groups);

#endif
