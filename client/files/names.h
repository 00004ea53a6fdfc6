/*
 * What a rubric calls things, for people who write it their own way: disciplines, sources and criteria are known in any
 * case, with or without separators, by id and by title.
 */
#ifndef LF_CLIENT_FILES_NAMES_H
#define LF_CLIENT_FILES_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "leadfit/v1/rubric.pb-c.h"
#include "client/sheets/sheet.h"
#include "proto/base/arena.h"
#include "proto/base/buffer.h"

enum { LF_NAMES_MAX = 128 };

struct lf_name {
	const char *id, *title; /* title "" where it has none */
	const char *folded_id, *folded_title;
};

/* Lives in the arena. Zeroed: nothing is declared, and any name will do. */
struct lf_names {
	const char *what; /* "discipline" */
	struct lf_name *list;
	size_t count;
};

/* Rated criteria alone: derived ones have no rating. false where memory ran out. rubric NULL: nothing is declared. */
bool lf_names_disciplines(struct lf_names *names, const Leadfit__V1__Rubric *rubric, struct lf_arena *arena);
bool lf_names_sources(struct lf_names *names, const Leadfit__V1__Rubric *rubric, struct lf_arena *arena);
bool lf_names_criteria(struct lf_names *names, const Leadfit__V1__Rubric *rubric, struct lf_arena *arena);

/*
 * The id that text means: the one that it is, else the only one that it is but for case and separators, else the only one
 * with this title. NULL where there is none, or memory ran out (the sheet's error says so then).
 */
const char *lf_names_find(const struct lf_names *names, const char *text, struct lf_sheet *sheet);
/* Appends what is known: "BACKEND (Back end), FRONTEND"; at most 12 of them. */
void lf_names_list(const struct lf_names *names, struct lf_buffer *out);
/* The id that is nearest to text, NULL where none is near. */
const char *lf_names_nearest(const struct lf_names *names, const char *text);

#endif
