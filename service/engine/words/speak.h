/* What the sentences about the whole and about each candidate share. */
#ifndef LF_ENGINE_WORDS_SPEAK_H
#define LF_ENGINE_WORDS_SPEAK_H

#include "service/engine/internal.h"
#include "service/engine/text.h"
#include "service/engine/words/words.h"

enum {
	LF_PICKS_MAX = 3, /* criteria that one sentence names */
	LF_NAMED_MAX = 3, /* candidates that one sentence names before it counts them */
};

struct lf_speaker {
	const struct lf_rubric *rubric;
	const struct lf_case *the_case;
	const struct lf_findings *findings; /* NULL for a profile */
	const struct lf_result *result;     /* findings' own; NULL for a profile */
	size_t eligible;                    /* of result */
	size_t first;                       /* of these: how many share first place */
	lf_say_fn say;
	void *context;
	struct lf_text text;
};

/* The largest amounts of those offered, largest first; of equals the first offered. */
struct lf_picks {
	size_t count, room;
	union {
		const struct lf_criterion *criterion[LF_PICKS_MAX];
		uintptr_t address[LF_PICKS_MAX];
	};
	union {
		double amount[LF_PICKS_MAX];
		int64_t bits[LF_PICKS_MAX]; /* of amounts; 0 where there is none yet */
	};
};

/* Sets up for sentences about a case. findings NULL: there is no result. */
void lf_speaker_begin(struct lf_speaker *speaker, const struct lf_rubric *rubric, const struct lf_case *the_case,
	const struct lf_findings *findings, lf_say_fn say, void *context);
/* Says the sentence and begins the next. */
void lf_utter(struct lf_speaker *speaker, enum lf_sentence kind, size_t index);

static inline void lf_put_label(struct lf_speaker *speaker, struct lf_label label)
{
	lf_text_add(&speaker->text, label.text, label.length);
}

/* A label in mid-sentence: "interaction focus", but "API stability" as it is. */
void lf_put_label_within(struct lf_speaker *speaker, struct lf_label label);
/* "Collaboration of at least 2" */
void lf_put_gate(struct lf_speaker *speaker, size_t gate);
/* Id of the member at a place in the ranking. */
void lf_put_ranked(struct lf_speaker *speaker, size_t place);
/* "m-7", "m-7 and m-9", "m-7, m-8 and m-9", "60 candidates": from place on, so many. */
void lf_put_several(struct lf_speaker *speaker, size_t place, size_t count);
/* Who is in first place: "m-7", or where several share it, "those who share first place". */
void lf_put_first(struct lf_speaker *speaker);
/* How many candidates nothing but the id tells apart from the one at a place, with that one. */
size_t lf_count_equals(const struct lf_speaker *speaker, size_t place);
/* Names them: "m-7", "m-7 and m-9", "60 equal candidates". Returns how many they are. */
size_t lf_put_equals(struct lf_speaker *speaker, size_t place);
/* How many eligible candidates from place on have the score of the one at place. */
size_t lf_tied_from(const struct lf_speaker *speaker, size_t place);
/* Whether the scores at two places differ by rounding alone, which under version 1 set them apart. */
bool lf_apart_by_rounding(const struct lf_speaker *speaker, size_t place, size_t other);
/* Whether so many from place on have the same value on each criterion that counts here. */
bool lf_alike(const struct lf_speaker *speaker, size_t place, size_t count);

/* " of the ratings", with expertise " of the ratings and labels": what an evidence share is a part of. */
void lf_put_ratings(struct lf_speaker *speaker);

/*
 * Offers an amount; only those above 0 are kept. Without a branch, as which amounts are among the largest is anybody's
 * guess: who is larger moves down by a mask that stays set. The bits of numbers above 0 are in the order of the numbers.
 */
static inline void lf_pick(struct lf_picks *picks, const struct lf_criterion *criterion, double amount)
{
	int64_t offered, larger = 0;
	uintptr_t of = (uintptr_t)criterion;

	memcpy(&offered, &amount, sizeof(offered));
	picks->count += (offered > 0) & (picks->count < picks->room);
	for (size_t place = 0; place < picks->room; place++) {
		int64_t bits;
		uintptr_t address;

		larger |= -(int64_t)(offered > picks->bits[place]);
		bits = (offered ^ picks->bits[place]) & larger;
		address = (of ^ picks->address[place]) & (uintptr_t)larger;
		picks->bits[place] ^= bits;
		picks->address[place] ^= address;
		offered ^= bits;
		of ^= address;
	}
}
/* Decimals for the amounts: 2, or more where the largest is small. Drops what would then print as 0. */
unsigned lf_settle(struct lf_picks *picks);
/* "Interaction (+0.09) and Collaboration (+0.04)"; sign '\0' prints amounts bare. */
void lf_put_picks(struct lf_speaker *speaker, const struct lf_picks *picks, char sign, unsigned decimals);
/* By how much the contributions of a exceed those of b, and the other way round. */
void lf_pick_differences(const struct lf_speaker *speaker, const struct lf_member_score *a,
	const struct lf_member_score *b, struct lf_picks *ahead, struct lf_picks *behind);

/* EXPLANATION: the outcome, and what a missing recommendation is missing. */
void lf_say_outcome(struct lf_speaker *speaker);
/*
 * EXPLANATION: how often the first place holds, where the outcome has not said it and there is somebody to lose it to.
 */
void lf_say_robustness(struct lf_speaker *speaker);
/* EXPLANATION: who would lead beside the first. */
void lf_say_co_lead(struct lf_speaker *speaker);
/* CHANGE: what would put somebody else first. */
void lf_say_changes(struct lf_speaker *speaker);
/* ASSUMPTION: what the answer rests on besides its input. */
void lf_say_assumptions(struct lf_speaker *speaker);
/* EXPLANATION: what evidence made of the labels of the first and of the next. Only with expertise in the rubric. */
void lf_say_shown(struct lf_speaker *speaker);
/* REASON and INELIGIBLE of every place in the ranking. */
void lf_say_reasons(struct lf_speaker *speaker);

#endif
