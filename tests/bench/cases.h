/* The requests of the benchmark as messages, for those who send them as JSON. */
#ifndef LF_BENCH_CASES_H
#define LF_BENCH_CASES_H

#include <protobuf-c/protobuf-c.h>
#include <stdio.h>

#include "leadfit/v1/scoring.pb-c.h"
#include "tests/bench/workload.h"

struct lf_cases {
	Leadfit__V1__ScoreRequest **requests;
	size_t count;
};

/* Unpacks every request of the workload. RESOURCE_EXHAUSTED where memory ran out; lf_cases_free() in either case. */
enum lf_code lf_cases_unpack(struct lf_cases *cases, const struct lf_workload *workload, struct lf_error *error);
void lf_cases_free(struct lf_cases *cases);

/* Prints a message as one line of JSON. false: out of memory, or the file can't be written. */
bool lf_cases_print(const ProtobufCMessage *message, FILE *file);

#endif
