#include "service/metrics/exposition.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const types[] = {"counter", "gauge", "histogram"};

enum { VALUE_BYTES = 40 };

void lf_metric_begin(struct lf_exposition *exposition, const char *name, enum lf_metric_type type, const char *help)
{
	exposition->family = name;
	lf_text_add(&exposition->text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, types[type]);
}

/* One line. suffix: behind the family's name. more: another label, or "". */
static void sample(
	struct lf_exposition *exposition, const char *suffix, const char *labels, const char *more, const char *value)
{
	const bool braces = *labels != '\0' || *more != '\0', both = *labels != '\0' && *more != '\0';

	lf_text_add(&exposition->text, "%s%s%s%s%s%s%s %s\n", exposition->family, suffix, braces ? "{" : "", labels,
		both ? "," : "", more, braces ? "}" : "", value);
}

/* As few digits as tell it from its neighbours. */
static const char *print(double value, char out[VALUE_BYTES])
{
	double back;

	for (int digits = 6; digits <= 17; digits++) {
		snprintf(out, VALUE_BYTES, "%.*g", digits, value);
		if (sscanf(out, "%lf", &back) == 1 && !(back < value) && !(back > value))
			break;
	}
	return out;
}

static const char *print_count(uint64_t value, char out[VALUE_BYTES])
{
	snprintf(out, VALUE_BYTES, "%" PRIu64, value);
	return out;
}

void lf_metric_count(struct lf_exposition *exposition, const char *labels, uint64_t value)
{
	char text[VALUE_BYTES];

	sample(exposition, "", labels, "", print_count(value, text));
}

void lf_metric_value(struct lf_exposition *exposition, const char *labels, double value)
{
	char text[VALUE_BYTES];

	sample(exposition, "", labels, "", print(value, text));
}

void lf_metric_histogram(struct lf_exposition *exposition, const char *labels, const struct lf_histogram *histogram,
	const struct lf_buckets *buckets, double unit)
{
	char bound[VALUE_BYTES + 8], text[VALUE_BYTES];
	uint64_t count = 0;

	for (unsigned i = 0; i < buckets->count; i++) {
		count += lf_counted(&histogram->counts[i]);
		snprintf(bound, sizeof(bound), "le=\"%.9g\"", (double)lf_bucket_bound(buckets, i) * unit);
		sample(exposition, "_bucket", labels, bound, print_count(count, text));
	}
	count += lf_counted(&histogram->counts[buckets->count]);
	sample(exposition, "_bucket", labels, "le=\"+Inf\"", print_count(count, text));
	sample(exposition, "_sum", labels, "", print((double)lf_counted(&histogram->sum) * unit, text));
	sample(exposition, "_count", labels, "", print_count(count, text));
}

void lf_metric_label(struct lf_buffer *labels, const char *name, const char *value)
{
	lf_text_add(labels, "%s%s=\"", labels->length != 0 ? "," : "", name);
	for (; *value != '\0'; value++) {
		if (*value == '\n') {
			lf_buffer_append_text(labels, "\\n");
			continue;
		}
		if (*value == '\\' || *value == '"')
			lf_buffer_put(labels, '\\');
		lf_buffer_put(labels, *value);
	}
	lf_buffer_put(labels, '"');
}
