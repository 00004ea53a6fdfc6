/*
 * What became of decisions: how often people went along, and whether a higher score goes with a better result. Pure
 * computation.
 */
#ifndef LF_CLIENT_CALC_REPORT_H
#define LF_CLIENT_CALC_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/calc/keys.h"
#include "client/calc/statistics.h"
#include "leadfit/v1/decisions.pb-c.h"
#include "proto/base/buffer.h"

enum {
	LF_RESULTS_NEEDED =
		20,         /* below this nothing is said about score and result: the interval would not keep its 95% */
	LF_BAND_NEEDED = 5, /* results in a band of scores, for their mean to be told */
	LF_BANDS = 10,
	LF_KINDS = LEADFIT__V1__OUTCOME__NO_ELIGIBLE_CANDIDATE + 1, /* by outcome of the decision; 0 is not used */
	LF_REASONS_MAX = 10000,                                     /* different ones that are told apart */
};

struct lf_report_kind {
	uint64_t decisions, recorded, accepted, overridden;
};

/* Who leads instead, where a decision was overridden. */
enum lf_instead {
	LF_INSTEAD_FIRST, /* ranked first, though not recommended */
	LF_INSTEAD_SECOND,
	LF_INSTEAD_LOWER,
	LF_INSTEAD_INELIGIBLE, /* a candidate who failed a gate */
	LF_INSTEAD_OUTSIDE,    /* nobody of the candidates */
	LF_INSTEAD_UNKNOWN,    /* the ranking was pruned since */
	LF_INSTEAD_KINDS
};

struct lf_report_mean {
	uint64_t count;
	double sum;
};

/* NAN where nothing was counted. */
double lf_report_mean(const struct lf_report_mean *mean);

struct lf_report_reason {
	char *text; /* owned */
	uint64_t count;
};

/* Zeroed: empty. Of one rubric, or of several together. */
struct lf_report {
	struct lf_report_kind all, kinds[LF_KINDS];
	size_t rubrics; /* how many; lf_report_finish() sets it */
	uint64_t instead[LF_INSTEAD_KINDS];
	struct lf_report_reason *reasons; /* lf_report_finish() sorts them, most frequent first */
	size_t reason_count, reason_capacity;
	uint64_t other_reasons;       /* beyond LF_REASONS_MAX */
	struct lf_keys reason_places; /* place in reasons + 1 */

	/* Results of which the score of who led is known, one below the other. */
	double *scores;
	unsigned *results;
	size_t result_count, result_capacity;
	uint64_t results_without_score;
	struct lf_report_mean accepted, overridden; /* all results, by what people did */
	struct lf_report_mean bands[LF_BANDS];      /* by score: 0..0.1, 0.1..0.2, ... */
	struct lf_agreement calibration;            /* lf_report_finish() sets it */
};

/* One decision. outcome: what was recorded last, NULL where nothing was. */
void lf_report_count(
	struct lf_report *report, const Leadfit__V1__Decision *decision, const Leadfit__V1__RecordedOutcome *outcome);
/* Whether the decision's ranking is needed, for lf_report_add_lead(). */
bool lf_report_needs_ranking(const Leadfit__V1__RecordedOutcome *outcome);
/* Who led, for a decision that has an outcome: decision has its ranking. false where memory ran out. */
bool lf_report_add_lead(
	struct lf_report *report, const Leadfit__V1__Decision *decision, const Leadfit__V1__RecordedOutcome *outcome);
/*
 * Once all is in, of so many rubrics. Scores of several are not comparable: then nothing is said about score and
 * result, and there are no bands. false where memory ran out.
 */
bool lf_report_finish(struct lf_report *report, size_t rubrics);
void lf_report_clean_up(struct lf_report *report);

/* One rubric's part of a report. */
struct lf_report_rubric {
	const char *name;
	struct lf_report report;
};

/* "RECOMMENDED" */
const char *lf_report_kind_name(size_t kind);
/* "0.7..0.8" */
enum { LF_BAND_NAME_BYTES = 16 };
void lf_report_band_name(size_t band, char out[LF_BAND_NAME_BYTES]);
/* What the data say about score and result, as a sentence. text is scratch space, empty. */
void lf_report_verdict(const struct lf_report *report, struct lf_buffer *text);

#endif
