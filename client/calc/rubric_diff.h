/*
 * What differs between two rubrics, in the rubric's own terms. The walk goes over the descriptors, so that no field can
 * be forgotten; a table (rubric_diff_words.c) has plain words for the fields that it knows, and any other is told by
 * its path.
 */
#ifndef LF_CLIENT_CALC_RUBRIC_DIFF_H
#define LF_CLIENT_CALC_RUBRIC_DIFF_H

#include <stdbool.h>
#include <stddef.h>

#include "leadfit/v1/rubric.pb-c.h"
#include "proto/base/arena.h"
#include "proto/base/buffer.h"
#include "proto/text/json.h"

enum lf_rubric_change_kind { LF_RUBRIC_CHANGED, LF_RUBRIC_ADDED, LF_RUBRIC_REMOVED, LF_RUBRIC_REORDERED };

struct lf_rubric_change {
	enum lf_rubric_change_kind kind;
	/*
	 * Elements of lists by what they are, not where they stand:
	 * criteria["architecture"].weight.traits["interaction_focus"].
	 */
	const char *path;
	const char *words; /* "weight of architecture: base 0.2 -> 0.25" */
	/*
	 * As JSON: the values; NULL where there is none. A list that is only in another order: the names of what both
	 * have.
	 */
	const char *old_json, *new_json;
	const char *section; /* under which it is shown: the rubric's field, e.g. criteria */
	bool scores;         /* it may change a score or an outcome: not a text, a scenario, or an order */
};

/*
 * Share of weight of one criterion for the traits' defaults, 0..1. NAN: it has no such criterion, or no criterion has a
 * weight.
 */
struct lf_share_change {
	const char *criterion;
	double old_share, new_share;
};

struct lf_rubric_diff {
	struct lf_rubric_change *changes; /* in the order of the fields */
	size_t count, capacity;
	struct lf_share_change *shares; /* of the second rubric's criteria, then those that only the first has */
	size_t share_count;
};

/*
 * Compares two rubrics, as two files may have them: neither need be valid. All that it finds is in arena. false where
 * memory ran out.
 */
bool lf_rubric_diff(struct lf_rubric_diff *diff, const Leadfit__V1__Rubric *a, const Leadfit__V1__Rubric *b,
	struct lf_arena *arena);

/* ---- between rubric_diff.c and rubric_diff_words.c ---- */

enum { LF_SUBJECTS_MAX = 8 };

/* What the walk stands at. */
struct lf_diff_place {
	const char *type, *field;              /* "Weight", "base"; field NULL: an element of a list, of this type */
	const char *key;                       /* of a map's entry, else NULL */
	const char *subjects[LF_SUBJECTS_MAX]; /* names of the elements around it, the outermost first */
	size_t subject_count;
	const char *path;
};

/*
 * The words for a change from old to new, which are texts (NULL: there is none), in arena; NULL where memory ran out.
 * *scores: whether it may change a score.
 */
const char *lf_diff_words(const struct lf_diff_place *place, enum lf_rubric_change_kind kind, const char *old_text,
	const char *new_text, bool *scores, struct lf_arena *arena);

/*
 * What names an element of a list of this type, in arena: "architecture", "BACKEND", "3"; its whole content where
 * nothing else does.
 */
const char *lf_diff_identity(const ProtobufCMessage *element, struct lf_arena *arena);

#endif
