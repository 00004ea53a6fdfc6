/* The picture of how a rubric's weights move with the project's traits. */
#ifndef LF_CLIENT_DRAW_RUBRIC_PICTURE_H
#define LF_CLIENT_DRAW_RUBRIC_PICTURE_H

#include "client/draw/chart.h"
#include "client/calc/rubric_weights.h"
#include "proto/base/buffer.h"

struct lf_weight_picture {
	const Leadfit__V1__Rubric *rubric;
	struct lf_weight_model model;
	double *shares;   /* scratch space, by criterion */
	size_t only;      /* the one trait that is drawn; trait_count: all that move a weight */
	size_t *area_of;  /* by criterion */
	size_t areas;     /* at most LF_HUES; with more criteria the lightest share the last area */
	bool with_others; /* they do */
};

/*
 * Makes the picture in arena; the rubric outlives it. only: the id of a trait, NULL for all. false where memory ran out
 * or the rubric has no criteria.
 */
bool lf_weight_picture_init(
	struct lf_weight_picture *picture, const Leadfit__V1__Rubric *rubric, const char *only, struct lf_arena *arena);

/* Whether the trait is to be drawn: it is the one, or it moves a weight. */
bool lf_weight_picture_has(const struct lf_weight_picture *picture, size_t trait);

/* The share of each area where trait has the value, others as assumed; false where no criterion has a weight. */
bool lf_weight_picture_at(const struct lf_weight_picture *picture, size_t trait, double value, double areas[LF_HUES]);

/* 'A', 'B', …; '*' for the others. */
char lf_weight_picture_letter(const struct lf_weight_picture *picture, size_t area);
/* The name of an area, for people. */
void lf_weight_picture_name(const struct lf_weight_picture *picture, size_t area, struct lf_buffer *out);

/* Draws a bar for each of some values of each trait, with a key. */
void lf_weight_picture_print(struct lf_page *page, const struct lf_weight_picture *picture);
/* Appends it as an SVG document: a panel of stacked areas for each trait. */
void lf_weight_picture_svg(struct lf_buffer *out, const struct lf_weight_picture *picture);

/* Title, else id. */
const char *lf_title_or_id(const char *title, const char *id);

#endif
