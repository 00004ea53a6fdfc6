/*
 * Metrics as text, in Prometheus' format, version 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/). Pure but for memory.
 */
#ifndef LF_SERVICE_METRICS_EXPOSITION_H
#define LF_SERVICE_METRICS_EXPOSITION_H

#include <stdint.h>

#include "proto/base/buffer.h"
#include "proto/base/histogram.h"

/* What is written, and the family that samples belong to. All zero to begin with; the text is the caller's. */
struct lf_exposition {
	struct lf_buffer text;
	const char *family;
};

enum lf_metric_type { LF_METRIC_COUNTER, LF_METRIC_GAUGE, LF_METRIC_HISTOGRAM };

/* Begins a family. Names of counters end in _total. name lives until the next family begins. */
void lf_metric_begin(struct lf_exposition *exposition, const char *name, enum lf_metric_type type, const char *help);

/*
 * Samples of the family. labels: those of the sample as they are written, without braces, or "". Values of labels that are
 * not ours are made with lf_metric_label().
 */
void lf_metric_count(struct lf_exposition *exposition, const char *labels, uint64_t value);
void lf_metric_value(struct lf_exposition *exposition, const char *labels, double value);
/* unit: what a value of the histogram is to be multiplied by, as 1e-9 of nanoseconds. */
void lf_metric_histogram(struct lf_exposition *exposition, const char *labels, const struct lf_histogram *histogram,
	const struct lf_buckets *buckets, double unit);

/* Appends name="value" with the value escaped, after a comma where labels has one already. */
void lf_metric_label(struct lf_buffer *labels, const char *name, const char *value);

/* A family of one sample without labels. */
static inline void lf_metric_counter(
	struct lf_exposition *exposition, const char *name, const char *help, uint64_t value)
{
	lf_metric_begin(exposition, name, LF_METRIC_COUNTER, help);
	lf_metric_count(exposition, "", value);
}
static inline void lf_metric_gauge(struct lf_exposition *exposition, const char *name, const char *help, double value)
{
	lf_metric_begin(exposition, name, LF_METRIC_GAUGE, help);
	lf_metric_value(exposition, "", value);
}

#endif
