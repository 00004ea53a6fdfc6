/*
 * Whether groups are treated alike, by the rules of New York City's Local Law 144 of 2021: Rules of the City of New
 * York, title 6, sections 5-300 (definitions) and 5-301 (bias audit); the four-fifths rule is that of the Uniform
 * Guidelines on Employee Selection Procedures, 29 CFR 1607.4(D). Pure computation.
 *
 * The unit is an assessment: one person in one decision.
 */
#ifndef LF_CLIENT_CALC_IMPACT_H
#define LF_CLIENT_CALC_IMPACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/calc/groups.h"
#include "proto/base/arena.h"
#include "proto/base/buffer.h"

#define LF_NOT_GROUPED UINT32_MAX

struct lf_assessment {
	double score;
	uint32_t person; /* place in groups->people; LF_NOT_GROUPED: none of them */
	uint32_t rubric; /* place among the rubrics */
	bool selected;
};

/* What happened to how many. */
enum lf_measure {
	LF_SELECTION, /* selected */
	LF_SCORING,   /* a score strictly above the median of the full sample under its rubric */
	LF_MEASURES
};

struct lf_impact_rate {
	uint64_t hits;
	double rate; /* hits of the category's assessments */
	/* impact ratio: rate / the highest rate; NAN where the category is left out, or the highest rate is 0 */
	double ratio;
	bool below; /* ratio is below four fifths, exactly */
	/* Fisher's exact test against the category with the highest rate; NAN for that one, and where there is none */
	double p;
	double p_least; /* the least p that so many could have had; NAN as p */
};

struct lf_impact_category {
	uint8_t categories[LF_DIMENSIONS_MAX]; /* of the table's dimensions */
	uint64_t count;                        /* assessments */
	bool small;                            /* less than 2% of the table's assessments */
	struct lf_impact_rate rates[LF_MEASURES];
};

/* Over one dimension, or an intersection of several. */
struct lf_impact_table {
	unsigned dimensions; /* a bit for each */
	struct lf_impact_category *categories;
	size_t count;
	uint64_t known, unknown;        /* assessments whose category is known, or is not: these are in no row */
	size_t references[LF_MEASURES]; /* the category with the highest rate; count where none has one */
};

/* Scores of several rubrics are not comparable: each rubric is a sample of its own. */
struct lf_impact_rubric {
	const char *name;
	uint64_t assessed; /* at least 1 */
	double median;     /* of its scores, those of unknown categories included */
};

struct lf_impact {
	uint64_t assessed, selected, above;
	struct lf_impact_rubric *rubrics; /* by name, those under which somebody was assessed */
	size_t rubric_count;
	struct lf_impact_table *tables; /* one a dimension, then the intersections of two, three, four */
	size_t table_count;
};

/* What the tables were made of. */
struct lf_impact_frame {
	uint64_t decisions;    /* the latest of each rubric, team and project */
	uint64_t superseded;   /* earlier ones */
	uint64_t erased;       /* of these, somebody was erased since: their categories are unknown */
	uint64_t pruned;       /* left out: who was assessed was pruned since */
	uint64_t people;       /* different ones who were assessed */
	uint64_t not_in_file;  /* of these, not in the file */
	uint64_t not_assessed; /* in the file, but in no decision */
	bool small_too;
};

/*
 * Computes all tables into arena. Only categories that occur have a row. rubrics: their names, which outlive the
 * result. small_too: categories under 2% of the data take part like any other; else they have counts, rates and tests,
 * but no impact ratio, and are no reference (6 RCNY 5-301(d) allows for that). false where memory ran out.
 */
bool lf_impact_compute(struct lf_impact *impact, const struct lf_groups *groups,
	const struct lf_assessment *assessments, size_t count, const char *const *rubrics, size_t rubric_count,
	bool small_too, struct lf_arena *arena);

/* "selection", "scoring" */
const char *lf_impact_measure_name(enum lf_measure measure);
/* "female", or "female, Asian": a row's categories, of the table's dimensions. name is scratch space, empty. */
void lf_impact_name(const struct lf_groups *groups, const struct lf_impact_table *table, const uint8_t *categories,
	struct lf_buffer *name);
/* "sex", or "sex and race_ethnicity". */
void lf_impact_title(const struct lf_groups *groups, const struct lf_impact_table *table, struct lf_buffer *title);

#endif
