#include "client/term/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "proto/base/clock.h"
#include "proto/base/harmless.h"

enum { INTERVAL_MS = 200 };

void lf_progress_init(struct lf_progress *progress)
{
	*progress = (struct lf_progress){.terminal = isatty(STDERR_FILENO) == 1};
}

void lf_progress_say(struct lf_progress *progress, const char *format, ...)
{
	uint64_t now_ms;
	char text[256];
	va_list arguments;

	if (!progress->terminal)
		return;
	now_ms = lf_clock_ms();
	if (progress->shown && now_ms - progress->last_ms < INTERVAL_MS)
		return;
	progress->shown = true;
	progress->last_ms = now_ms;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	lf_text_make_harmless(text);
	fprintf(stderr, "\r%s\033[K", text);
	fflush(stderr);
}

void lf_progress_end(struct lf_progress *progress)
{
	if (progress->shown)
		fputs("\r\033[K", stderr);
	progress->shown = false;
}
