/* Medians over the rounds, as a table and as JSON. */
#ifndef LF_TESTS_BENCH_REPORT_REPORT_H
#define LF_TESTS_BENCH_REPORT_REPORT_H

#include <stdio.h>

#include "tests/bench/report/machine.h"
#include "tests/bench/round.h"

struct lf_report;
struct json_t;

/* The rounds are settings->runs of them. Prints the table. */
void lf_report_table(const struct lf_report *report, FILE *out);
/* The first lines: machine, versions, disk. */
void lf_report_machine(const struct lf_machine *machine, FILE *out);
/* The same in JSON. */
bool lf_report_put_machine(struct json_t *root, const struct lf_machine *machine);
/* false where memory ran out or out can't be written. */
bool lf_report_json(const struct lf_report *report, FILE *out);

#endif
