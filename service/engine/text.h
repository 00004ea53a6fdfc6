/* Sentences under construction: on the stack, in UTF-8, with numbers written without the C library (no locale, the same
 * everywhere). */
#ifndef LF_ENGINE_TEXT_H
#define LF_ENGINE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
	LF_SENTENCE_BYTES_MAX = 2048, /* with the NUL */
	LF_TEXT_DECIMALS_MAX = 13,    /* with which two scores look different that are a step of 2^-40 apart */
};

struct lf_text {
	size_t length;
	bool cut; /* something did not fit */
	char bytes[LF_SENTENCE_BYTES_MAX];
};

/* bytes is left as it is. */
static inline void lf_text_clear(struct lf_text *text)
{
	text->length = 0;
	text->cut = false;
}

/* Adds what fits of what does not fit. */
void lf_text_add_cut(struct lf_text *text, const char *bytes);

/* Adds what fits before the last byte, which is kept for the NUL. Where length is a constant, a few stores. */
static inline void lf_text_add(struct lf_text *text, const char *bytes, size_t length)
{
	if (length > sizeof(text->bytes) - 1 - text->length) {
		lf_text_add_cut(text, bytes);
		return;
	}
	memcpy(text->bytes + text->length, bytes, length);
	text->length += length;
}

static inline void lf_text_put(struct lf_text *text, const char *string)
{
	lf_text_add(text, string, strlen(string));
}

/* x with that many decimals (0..13), halves rounded away from 0, never "-0.00". Where |x| is 1e9 or more, has no room for
 * so many digits, or is NaN: lf_text_number(). */
void lf_text_fixed(struct lf_text *text, double x, unsigned decimals);
/* The same with a sign always: "+0.09", "-0.03". */
void lf_text_signed(struct lf_text *text, double x, unsigned decimals);
/* x as people write it: "2", "0.25", "NaN", "3e+12"; six decimals at most. */
void lf_text_number(struct lf_text *text, double x);
/* x in 0..1 as "38%"; "less than 1%" and "more than 99%" where rounding would claim none or all. */
void lf_text_percent(struct lf_text *text, double x);
void lf_text_count(struct lf_text *text, uint64_t count);
/* A count with commas: "1,024". */
void lf_text_thousands(struct lf_text *text, uint64_t count);
/* Between items of a list: "", ", " or " and " before item index of count. */
void lf_text_join(struct lf_text *text, size_t index, size_t count);
/* NUL-terminates, cutting at a character's boundary where something did not fit. */
void lf_text_finish(struct lf_text *text);

extern const double lf_text_powers[LF_TEXT_DECIMALS_MAX + 1]; /* of ten */

/* |x| in units of the last of that many decimals, rounded as lf_text_fixed() does. |x| times 10^decimals below 2^62. */
static inline uint64_t lf_scaled(double x, unsigned decimals)
{
	/* By way of a signed integer, to which machines convert in one instruction. */
	return (uint64_t)(int64_t)((x < 0 ? -x : x) * lf_text_powers[decimals] + 0.5);
}

/* Decimals from least to 13 with which a and b, being different, look different; least where they are equal. */
unsigned lf_decimals_apart(double a, double b, unsigned least);
/* Decimals from least to 13 with which a - b as printed looks smaller than limit, which it is. */
unsigned lf_decimals_below(double a, double b, double limit, unsigned least);
/* a - b as the difference of what lf_text_fixed() prints of them. 0 <= b <= a. */
void lf_text_distance(struct lf_text *text, double a, double b, unsigned decimals);

#endif
