#include "client/files/categories.h"

#include <stdlib.h>
#include <string.h>

/* One value; sorted by what it is compared by, then by where it was. */
struct entry {
	const char *written, *folded;
	size_t place;
};

/* A run of entries that are one category. */
struct run {
	size_t begin, end;
	const char *written; /* first */
};

/* What people and systems write where a category is not known, as lf_fold() leaves it. It is asked about. */
static const char *const unknown_words[] = {"-", "--", "\xe2\x80\x93", "\xe2\x80\x94", "?", ".", "n/a", "na", "n.a.",
	"#n/a", "nil", "null", "none given", "not available", "not applicable", "not known", "not provided",
	"not specified", "not stated", "not disclosed", "not declared", "undisclosed", "undeclared", "unspecified",
	"prefer not to say", "prefer not to answer", "prefer not to disclose", "i prefer not to say",
	"i prefer not to answer", "decline to answer", "decline to state", "declined", "declined to answer",
	"declined to state", "i do not wish to answer", "do not wish to answer", "no answer", "no response", "missing",
	"tbd"};

static int compare_entries(const void *a, const void *b)
{
	const struct entry *left = a, *right = b;
	const int order = strcmp(left->folded, right->folded);

	if (order != 0)
		return order;
	return left->place < right->place ? -1 : left->place > right->place;
}

static int compare_runs(const void *a, const void *b)
{
	return strcmp(((const struct run *)a)->written, ((const struct run *)b)->written);
}

/* Says which other spellings a category has; the first few. */
static void note_spellings(const struct lf_dimension *dimension, const struct entry *entries, const struct run *run,
	struct lf_buffer *notes)
{
	enum { SHOWN_MAX = 4 };
	const char *shown[SHOWN_MAX] = {NULL};
	size_t count = 0;

	for (size_t i = run->begin; i < run->end && count < SHOWN_MAX; i++) {
		bool known = strcmp(entries[i].written, run->written) == 0;

		for (size_t s = 0; s < count; s++)
			known |= strcmp(entries[i].written, shown[s]) == 0;
		if (known)
			continue;
		if (count == 0)
			lf_text_add(notes, "%.128s: \"%.128s\" is one category with ", dimension->name, run->written);
		lf_text_add(notes, "%s\"%.128s\"", count == 0 ? "" : ", ", entries[i].written);
		shown[count++] = entries[i].written;
	}
	if (count > 0)
		lf_buffer_append_text(notes, "\n");
}

static void ask_about(
	const struct lf_dimension *dimension, const char *written, const char *folded, struct lf_buffer *notes)
{
	for (size_t i = 0; i < sizeof(unknown_words) / sizeof(unknown_words[0]); i++)
		if (strcmp(unknown_words[i], folded) == 0)
			lf_text_add(notes,
				"%.128s: is \"%.128s\" a category? If it means that it is not known, say --unknown "
				"'%.128s'\n",
				dimension->name, written, written);
}

/* The runs among sorted entries, each with its first spelling. Returns how many there are; those beyond max are not kept. */
static size_t find_runs(const struct entry *entries, size_t count, struct run *runs, size_t max)
{
	size_t found = 0;

	for (size_t begin = 0, end; begin < count; begin = end) {
		end = begin + 1;
		while (end < count && strcmp(entries[end].folded, entries[begin].folded) == 0)
			end++;
		if (found < max)
			runs[found] = (struct run){begin, end, entries[begin].written};
		found++;
	}
	return found;
}

bool lf_categories_find(struct lf_dimension *dimension, const struct lf_spelling *values, size_t count,
	uint8_t *categories, size_t *distinct, struct lf_arena *arena, struct lf_buffer *notes)
{
	struct entry *entries = lf_arena_zalloc(arena, count, sizeof(*entries));
	struct run runs[LF_CATEGORIES_MAX];
	size_t known = 0;

	*distinct = 0;
	if (entries == NULL)
		return false;
	for (size_t i = 0; i < count; i++) {
		categories[i] = (uint8_t)LF_CATEGORY_UNKNOWN;
		if (values[i].folded[0] != '\0')
			entries[known++] = (struct entry){values[i].written, values[i].folded, i};
	}
	qsort(entries, known, sizeof(*entries), compare_entries);
	*distinct = find_runs(entries, known, runs, LF_CATEGORIES_MAX);
	dimension->category_count = *distinct < LF_CATEGORIES_MAX ? *distinct : LF_CATEGORIES_MAX;
	qsort(runs, dimension->category_count, sizeof(*runs), compare_runs);
	for (size_t c = 0; c < dimension->category_count; c++) {
		dimension->categories[c] = runs[c].written;
		for (size_t i = runs[c].begin; i < runs[c].end; i++)
			categories[entries[i].place] = (uint8_t)c;
		note_spellings(dimension, entries, &runs[c], notes);
		ask_about(dimension, runs[c].written, entries[runs[c].begin].folded, notes);
	}
	return true;
}
