/* Where a load gets its requests from. */
#ifndef LF_BENCH_SOURCE_H
#define LF_BENCH_SOURCE_H

#include <stddef.h>
#include <stdint.h>

enum { LF_SOURCE_BUFFER_BYTES = 4096 };

struct lf_source {
	/* Request number so and so, packed; in buffer (LF_SOURCE_BUFFER_BYTES) or elsewhere. Any thread. */
	const uint8_t *(*request)(const void *context, uint64_t number, uint8_t *buffer, size_t *length);
	const void *context;
	const char *method; /* of leadfit.v1.Scoring */
};

#endif
