#include "client/calc/figures.h"

#include <inttypes.h>
#include <stdio.h>

#include "proto/base/buffer.h"

double lf_rounded(double x, unsigned decimals)
{
	static const double powers[LF_FIGURE_DECIMALS_MAX + 1] = {
		1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13};

	const double scaled = x * powers[decimals];

	/* From 2^53 on there is nothing behind the point to round. */
	return fabs(scaled) < 0x1p53 ? round(scaled) / powers[decimals] : x;
}

unsigned lf_decimals_between(double a, double b, unsigned least, unsigned most)
{
	unsigned decimals = least;

	while (a != b && decimals < most && lf_rounded(a, decimals) == lf_rounded(b, decimals))
		decimals++;
	/* More digits that are the same would tell nothing. */
	return lf_rounded(a, decimals) == lf_rounded(b, decimals) ? least : decimals;
}

void lf_percent(double share, char out[LF_PERCENT_BYTES])
{
	if (share > 0 && share < 0.005)
		snprintf(out, LF_PERCENT_BYTES, "<1%%");
	else if (share < 1 && share >= 0.995)
		snprintf(out, LF_PERCENT_BYTES, ">99%%");
	else
		snprintf(out, LF_PERCENT_BYTES, "%.0f%%", lf_rounded(share * 100, 0));
}

void lf_text_add_number(struct lf_buffer *text, double value)
{
	char number[32];

	lf_print_double(value, number);
	lf_buffer_append_text(text, number);
}

void lf_text_add_pieces(struct lf_buffer *text, double count)
{
	lf_text_add_number(text, count);
	lf_text_add(text, count > 1 || count < 1 ? " pieces" : " piece");
}

void lf_figure(double value, unsigned decimals, char out[LF_FIGURE_BYTES])
{
	if (isnan(value))
		snprintf(out, LF_FIGURE_BYTES, "-");
	else
		snprintf(out, LF_FIGURE_BYTES, "%.*f", (int)decimals, lf_rounded(value, decimals));
}

void lf_figure_share(double share, const struct lf_interval *interval, char out[LF_FIGURE_BYTES])
{
	char parts[3][LF_PERCENT_BYTES];

	if (isnan(share)) {
		snprintf(out, LF_FIGURE_BYTES, "-");
		return;
	}
	lf_percent(share, parts[0]);
	lf_percent(interval->low, parts[1]);
	lf_percent(interval->high, parts[2]);
	snprintf(out, LF_FIGURE_BYTES, "%s (%s-%s)", parts[0], parts[1], parts[2]);
}

void lf_figure_p(double p, char out[LF_FIGURE_BYTES])
{
	if (p < 0.001)
		snprintf(out, LF_FIGURE_BYTES, "<0.001");
	else
		lf_figure(p, 3, out);
}

void lf_json_add_number(struct lf_buffer *out, const char *before, double value)
{
	char number[32] = "null";

	if (isfinite(value))
		lf_print_double(value, number);
	lf_buffer_append_text(out, before);
	lf_buffer_append_text(out, number);
}

void lf_json_add_count(struct lf_buffer *out, const char *before, uint64_t value)
{
	lf_text_add(out, "%s%" PRIu64, before, value);
}

void lf_json_add_text(struct lf_buffer *out, const char *before, const char *text)
{
	lf_buffer_append_text(out, before);
	lf_json_print_string(text, out);
}

void lf_json_add_bool(struct lf_buffer *out, const char *before, bool value)
{
	lf_buffer_append_text(out, before);
	lf_buffer_append_text(out, value ? "true" : "false");
}

void lf_json_add_interval(struct lf_buffer *out, const char *before, const struct lf_interval *interval)
{
	lf_buffer_append_text(out, before);
	if (isnan(interval->low)) {
		lf_buffer_append_text(out, "null");
		return;
	}
	lf_json_add_number(out, "{\"low\": ", interval->low);
	lf_json_add_number(out, ", \"high\": ", interval->high);
	lf_buffer_append_text(out, "}");
}
