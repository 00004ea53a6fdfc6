#include "proto/base/trace.h"

#include <string.h>
#include <sys/random.h>

#include "proto/base/clock.h"
#include "proto/base/hex.h"

enum { VERSION_AT = 0, TRACE_AT = 3, SPAN_AT = 36, FLAGS_AT = 53 };

/* ---- ids: they have to be unlike any others, and nobody is harmed who guesses them ---- */

/* SplitMix64 (Steele, Lea, Flood 2014), seeded once a thread: a system call for each request would be too much. */
static uint64_t next_random(void)
{
	static _Thread_local uint64_t state;
	static _Thread_local bool seeded;
	uint64_t z;

	if (!seeded && getrandom(&state, sizeof(state), 0) != (ssize_t)sizeof(state))
		state = lf_clock_ns() ^ (uint64_t)(uintptr_t)&state;
	seeded = true;
	z = state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* length: a multiple of 8. All zero means none, so it is not given. */
static void make_id(uint8_t *id, size_t length)
{
	uint64_t word;

	for (size_t at = 0; at < length; at += sizeof(word)) {
		do
			word = next_random();
		while (word == 0);
		memcpy(id + at, &word, sizeof(word));
	}
}

/* ---- reading ---- */

static bool is_lower(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] >= 'A' && text[i] <= 'F')
			return false;
	return true;
}

static bool is_zero(const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

/* Later versions may have more behind a further '-'; 00 has not, and ff is none. */
static bool is_form(struct lf_slice text, uint8_t version)
{
	if (version == 0xff || (version == 0 && text.length != LF_TRACE_TEXT_BYTES))
		return false;
	return text.length == LF_TRACE_TEXT_BYTES || text.data[LF_TRACE_TEXT_BYTES] == '-';
}

static bool read_parent(struct lf_slice text, struct lf_trace *trace)
{
	uint8_t version, parent[LF_SPAN_ID_BYTES];

	if (text.length < LF_TRACE_TEXT_BYTES || !is_lower(text.data, LF_TRACE_TEXT_BYTES) ||
		text.data[TRACE_AT - 1] != '-' || text.data[SPAN_AT - 1] != '-' || text.data[FLAGS_AT - 1] != '-')
		return false;
	return lf_hex_parse(text.data + VERSION_AT, 1, &version) && is_form(text, version) &&
		lf_hex_parse(text.data + TRACE_AT, LF_TRACE_ID_BYTES, trace->trace_id) &&
		!is_zero(trace->trace_id, LF_TRACE_ID_BYTES) &&
		lf_hex_parse(text.data + SPAN_AT, LF_SPAN_ID_BYTES, parent) && !is_zero(parent, LF_SPAN_ID_BYTES) &&
		lf_hex_parse(text.data + FLAGS_AT, 1, &trace->flags);
}

void lf_trace_begin(struct lf_trace *trace, struct lf_slice traceparent)
{
	trace->continued = read_parent(traceparent, trace);
	trace->flags &= 1; /* others are not ours to pass on */
	if (!trace->continued) {
		make_id(trace->trace_id, LF_TRACE_ID_BYTES);
		trace->flags = 0;
	}
	make_id(trace->span_id, LF_SPAN_ID_BYTES);
}

void lf_trace_write(const struct lf_trace *trace, char *out)
{
	static const uint8_t version = 0;

	out = lf_hex_print(&version, 1, out);
	*out++ = '-';
	out = lf_hex_print(trace->trace_id, LF_TRACE_ID_BYTES, out);
	*out++ = '-';
	out = lf_hex_print(trace->span_id, LF_SPAN_ID_BYTES, out);
	*out++ = '-';
	lf_hex_print(&trace->flags, 1, out);
}
