/*
 * The statistics of reports. Every function is pure; the sources of the formulas stand with them, and in leadfit(1) for
 * users. NAN means that nothing can be said.
 */
#ifndef LF_CLIENT_CALC_STATISTICS_H
#define LF_CLIENT_CALC_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lf_interval {
	double low, high;
};

/*
 * The 95% score interval of a share, count of total (Wilson, Journal of the American Statistical Association 22, 1927,
 * 209-212): with p = count / total and z = 1.96, (p + z²/2n ± z·sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n). Unlike p ±
 * z·sqrt(p(1-p)/n) it stays within 0..1 and keeps what it promises for few and for extreme cases. NAN where total is 0.
 */
struct lf_interval lf_wilson(uint64_t count, uint64_t total);

/*
 * Two of a kind against another two: a of a + b, and c of c + d.
 *
 * Fisher's exact test, two-sided (Fisher, The Design of Experiments, 1935, chapter 2; The Logic of Inductive Inference,
 * Journal of the Royal Statistical Society 98, 1935, 39-82): of all tables with these four sums, the probability of
 * those that are no more probable than this one. Probabilities that differ by less than 1 in 10⁷ count as equal, as in
 * R's fisher.test(). Takes time in proportion to the smallest of the four sums.
 */
double lf_fisher(uint64_t a, uint64_t b, uint64_t c, uint64_t d);
/*
 * The smallest p that any table with the sums of this one has: where that is 0.05 or more, no outcome could have been
 * significant.
 */
double lf_fisher_least(uint64_t a, uint64_t b, uint64_t c, uint64_t d);

/* How far two orders agree. */
struct lf_agreement {
	size_t count;
	double tau;                  /* -1..1; NAN where all x, or all y, are equal */
	double error;                /* asymptotic standard error; NAN where tau is */
	struct lf_interval interval; /* 95%; NAN where tau is, or is 1 or -1, or the error is 0 */
};

enum { LF_LEVELS_MAX_OF_Y = 16 };

/*
 * Kendall's tau-b of x and y: the surplus of pairs in the same order over pairs in the opposite order, ties allowed for
 * (Kendall, The Treatment of Ties in Ranking Problems, Biometrika 33, 1945, 239-251), with the asymptotic standard
 * error that holds under any association and any ties (Brown and Benedetti, Sampling Behavior of Tests for Correlation
 * in Two-Way Contingency Tables, Journal of the American Statistical Association 72, 1977, 309-315). The interval is
 * tanh(atanh(tau) ± 1.96·error/(1 - tau²)), Fisher's transform, so that it stays within -1..1. y is below
 * LF_LEVELS_MAX_OF_Y. false where memory ran out.
 */
bool lf_tau_b(const double *x, const unsigned *y, size_t count, struct lf_agreement *agreement);

/*
 * What is compared of a score: the nearest multiple of 2^-40, as the service compares them, so that scores that are equal
 * but for rounding are equal. score: 0..1.
 */
double lf_compared_score(double score);
/* The middle value, or the mean of the two middle ones. Sorts values. NAN where there are none. */
double lf_median(double *values, size_t count);

#endif
