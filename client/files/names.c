#include "client/files/names.h"

#include <string.h>

#include "client/sheets/fold.h"
#include "proto/base/nearest.h"

static bool begin(struct lf_names *names, const char *what, size_t count, struct lf_arena *arena)
{
	*names = (struct lf_names){.what = what};
	names->list = lf_arena_zalloc(arena, count, sizeof(*names->list));
	return names->list != NULL;
}

static bool add(struct lf_names *names, const char *id, const char *title, struct lf_arena *arena)
{
	struct lf_name *name = &names->list[names->count++];

	*name = (struct lf_name){.id = id,
		.title = title,
		.folded_id = lf_fold_name(arena, id),
		.folded_title = lf_fold_name(arena, title)};
	return name->folded_id != NULL && name->folded_title != NULL;
}

/* No more than this of a list are names: a rubric has fewer. */
static size_t at_most(size_t count)
{
	return count < LF_NAMES_MAX ? count : LF_NAMES_MAX;
}

bool lf_names_disciplines(struct lf_names *names, const Leadfit__V1__Rubric *rubric, struct lf_arena *arena)
{
	const size_t count = rubric == NULL ? 0 : at_most(rubric->n_disciplines);

	if (!begin(names, "discipline", count, arena))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!add(names, rubric->disciplines[i]->id, rubric->disciplines[i]->title, arena))
			return false;
	return true;
}

bool lf_names_sources(struct lf_names *names, const Leadfit__V1__Rubric *rubric, struct lf_arena *arena)
{
	const size_t count = rubric == NULL ? 0 : at_most(rubric->n_sources);

	if (!begin(names, "source", count, arena))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!add(names, rubric->sources[i]->key, "", arena))
			return false;
	return true;
}

bool lf_names_criteria(struct lf_names *names, const Leadfit__V1__Rubric *rubric, struct lf_arena *arena)
{
	const size_t count = rubric == NULL ? 0 : at_most(rubric->n_criteria);

	if (!begin(names, "criterion", count, arena))
		return false;
	for (size_t i = 0; i < count; i++)
		if (rubric->criteria[i]->derived == LEADFIT__V1__DERIVED__RATED &&
			!add(names, rubric->criteria[i]->id, rubric->criteria[i]->title, arena))
			return false;
	return true;
}

/* The only one that has this text, folded. */
static const char *find_folded(const struct lf_names *names, const char *folded, bool by_title)
{
	const char *found = NULL;

	for (size_t i = 0; folded[0] != '\0' && i < names->count; i++) {
		const struct lf_name *name = &names->list[i];

		if (strcmp(by_title ? name->folded_title : name->folded_id, folded) != 0)
			continue;
		if (found != NULL)
			return NULL;
		found = name->id;
	}
	return found;
}

const char *lf_names_find(const struct lf_names *names, const char *text, struct lf_sheet *sheet)
{
	const char *folded, *found;

	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->list[i].id, text) == 0)
			return names->list[i].id;
	folded = names->count == 0 ? NULL : lf_sheet_fold_name(sheet, text);
	if (folded == NULL)
		return NULL;
	found = find_folded(names, folded, false);
	return found != NULL ? found : find_folded(names, folded, true);
}

void lf_names_list(const struct lf_names *names, struct lf_buffer *out)
{
	enum { SHOWN_MAX = 12 };

	for (size_t i = 0; i < names->count && i < SHOWN_MAX; i++) {
		const struct lf_name *name = &names->list[i];

		lf_text_add(out, "%s%.64s", i == 0 ? "" : ", ", name->id);
		if (name->title[0] != '\0' && strcmp(name->folded_id, name->folded_title) != 0)
			lf_text_add(out, " (%.64s)", name->title);
	}
	if (names->count > SHOWN_MAX)
		lf_text_add(out, " and %zu more", names->count - SHOWN_MAX);
}

const char *lf_names_nearest(const struct lf_names *names, const char *text)
{
	const char *ids[LF_NAMES_MAX];

	for (size_t i = 0; i < names->count; i++)
		ids[i] = names->list[i].id;
	return lf_nearest(text, ids, names->count);
}
