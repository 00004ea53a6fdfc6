/*
 * The words for the engine's numbers: why, and why not everybody else, in sentences that a manager understands. README.md
 * beside this file says what is said and how. No I/O, no clock, no allocation, any thread; the same numbers give the same
 * bytes on every machine.
 */
#ifndef LF_ENGINE_WORDS_WORDS_H
#define LF_ENGINE_WORDS_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "service/engine/engine.h"

enum {
	LF_EXPLANATION_VERSION = 2, /* of the words: raised when the same numbers may give other words */
};

enum lf_sentence {
	LF_SAY_EXPLANATION, /* of the whole answer */
	LF_SAY_ASSUMPTION,  /* what it rests on besides its input */
	LF_SAY_REASON,      /* index: place in the ranking; exactly one each */
	LF_SAY_INELIGIBLE,  /* index: place in the ranking; one for each failed gate */
	LF_SAY_CHANGE,      /* what would change it */
};

/* One finished sentence, NUL-terminated, only valid during the call. */
typedef void (*lf_say_fn)(void *context, enum lf_sentence kind, size_t index, const char *text, size_t length);

/* What an answer says; all but the result may be NULL. */
struct lf_findings {
	const struct lf_result *result;
	const struct lf_discipline_fit *profile; /* fits of lf_profile() */
	const struct lf_changes *changes;
	const struct lf_co_lead *co_lead;
};

/* Says why, and why not everybody else, in words that a manager understands. */
void lf_explain(const struct lf_rubric *rubric, const struct lf_case *the_case, const struct lf_findings *findings,
	lf_say_fn say, void *context);
/* The same for a profile: EXPLANATION and ASSUMPTION only. */
void lf_explain_profile(const struct lf_rubric *rubric, const struct lf_case *the_case,
	const struct lf_discipline_fit *profile, const double *weights, lf_say_fn say, void *context);
/*
 * Who leads where over the range of one trait (the stretches of lf_sweep(), one at least): EXPLANATION and ASSUMPTION
 * only. result: that of the case itself, NULL where no criterion has a weight.
 */
void lf_explain_sweep(const struct lf_rubric *rubric, const struct lf_case *the_case, uint32_t trait,
	const struct lf_stretch *stretches, size_t count, bool approximate, const struct lf_result *result,
	lf_say_fn say, void *context);

#endif
