#include "service/events/events.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/clock.h"
#include "service/events/line.h"
#include "service/events/output.h"

/* Set before any other thread. */
static struct {
	bool json, for_journal;
	enum lf_event_level level;
	unsigned lines_a_second;
} how = {.level = LF_LEVEL_INFO, .lines_a_second = LF_EVENT_LINES_A_SECOND};

/* Of each event. */
static struct {
	_Atomic uint64_t window; /* a second of the monotonic clock, and below it in 32 bits how many lines it had */
	_Atomic uint64_t lines, left_out;
	uint64_t told; /* of left_out; lf_event_say_left_out()'s own */
} counts[LF_EVENT_COUNT];

static _Atomic uint64_t unwritten;

/* ---- how ---- */

static void open_standard_files(void)
{
	int file = open("/dev/null", O_RDWR);

	while (file >= 0 && file <= STDERR_FILENO)
		file = open("/dev/null", O_RDWR);
	if (file >= 0)
		close(file);
}

static bool is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat status;
	char own[48];

	if (stream == NULL || fstat(STDERR_FILENO, &status) != 0)
		return false;
	snprintf(own, sizeof(own), "%llu:%llu", (unsigned long long)status.st_dev, (unsigned long long)status.st_ino);
	return strcmp(stream, own) == 0;
}

void lf_event_init(const struct lf_event_options *options)
{
	open_standard_files();
	how.json = options->format == LF_EVENTS_JSON ||
		(options->format == LF_EVENTS_BY_TERMINAL && isatty(STDERR_FILENO) == 0);
	how.for_journal = is_journal();
	how.level = options->level;
	how.lines_a_second = options->lines_a_second > 0 ? options->lines_a_second : LF_EVENT_LINES_A_SECOND;
}

/* ---- saying one ---- */

bool lf_event_is_wanted(enum lf_event event)
{
	return lf_event_level(event) >= how.level;
}

/* Lines a second. What strangers can cause, all day, gets less. */
static unsigned bound_of(enum lf_event event)
{
	return event == LF_EVENT_REQUEST_STRANGE && how.lines_a_second > LF_EVENT_STRANGE_LINES_A_SECOND
		? LF_EVENT_STRANGE_LINES_A_SECOND
		: how.lines_a_second;
}

/* Whether this second has room for one more line of it. */
static bool take_turn(enum lf_event event)
{
	const uint64_t second = lf_clock_ms() / 1000;
	uint64_t seen = atomic_load_explicit(&counts[event].window, memory_order_relaxed), lines;

	do {
		lines = seen >> 32 == (second & UINT32_MAX) ? seen & UINT32_MAX : 0;
		if (lines >= bound_of(event)) {
			atomic_fetch_add_explicit(&counts[event].left_out, 1, memory_order_relaxed);
			return false;
		}
	} while (!atomic_compare_exchange_weak_explicit(
		&counts[event].window, &seen, second << 32 | (lines + 1), memory_order_relaxed, memory_order_relaxed));
	return true;
}

static void say(enum lf_event event, const struct lf_event_field *fields, size_t count, const char *format,
	va_list arguments) __attribute__((format(printf, 4, 0)));

static void say(
	enum lf_event event, const struct lf_event_field *fields, size_t count, const char *format, va_list arguments)
{
	char message[LF_LINE_MESSAGE_MAX + 1]; /* longer than what is written of it, so that a cut one shows */
	struct lf_line line;
	int length;

	if (!lf_event_is_wanted(event) || !take_turn(event))
		return;
	length = vsnprintf(message, sizeof(message), format, arguments);
	lf_line_make(&line,
		&(struct lf_line_parts){.event = event,
			.time_us = lf_clock_wall_us(),
			.message = {message, length > 0 ? strlen(message) : 0},
			.fields = fields,
			.count = count},
		how.json, how.for_journal);
	if (lf_output_line(line.text, line.length))
		atomic_fetch_add_explicit(&counts[event].lines, 1, memory_order_relaxed);
	else
		atomic_fetch_add_explicit(&unwritten, 1, memory_order_relaxed);
}

void lf_event_say(enum lf_event event, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(event, NULL, 0, format, arguments);
	va_end(arguments);
}

void lf_event_say_with(enum lf_event event, const struct lf_event_field *fields, size_t count, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(event, fields, count, format, arguments);
	va_end(arguments);
}

/* ---- what there was of them ---- */

void lf_event_figures(struct lf_event_figures *figures)
{
	for (enum lf_event event = 0; event < LF_EVENT_COUNT; event++) {
		figures->lines[event] = atomic_load_explicit(&counts[event].lines, memory_order_relaxed);
		figures->left_out[event] = atomic_load_explicit(&counts[event].left_out, memory_order_relaxed);
	}
	figures->unwritten = atomic_load_explicit(&unwritten, memory_order_relaxed);
}

void lf_event_say_left_out(void)
{
	for (enum lf_event event = 0; event < LF_EVENT_COUNT; event++) {
		const uint64_t left_out = atomic_load_explicit(&counts[event].left_out, memory_order_relaxed);
		const uint64_t count = left_out - counts[event].told;
		const struct lf_event_field fields[] = {
			lf_event_text("of", lf_event_name(event)), lf_event_number("count", count)};

		if (count > 0)
			lf_event_say_with(LF_EVENT_LINES_LEFT_OUT, fields, 2,
				"more than %u lines of an event in a second", bound_of(event));
		counts[event].told = left_out;
	}
}
