/* Medians over the rounds, as a table and as JSON. */
#ifndef LF_BENCH_REPORT_H
#define LF_BENCH_REPORT_H

#include <stdio.h>

#include "tests/bench/machine.h"
#include "tests/bench/round.h"

struct lf_report;

/* The rounds are settings->runs of them. Prints the table. */
void lf_report_table(const struct lf_report *report, FILE *out);
/* false where memory ran out or out can't be written. */
bool lf_report_json(const struct lf_report *report, FILE *out);

#endif
