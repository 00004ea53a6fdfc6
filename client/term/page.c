#include "client/term/page.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "client/term/options.h"
#include "proto/base/buffer.h"

/* TEXT_WIDTH_MAX: longer lines are hard to read. */
enum { WIDTH_DEFAULT = 100, WIDTH_MIN = 40, WIDTH_MAX = 10000, TEXT_WIDTH_MAX = 100 };

static unsigned page_width(bool terminal, bool *known)
{
	struct winsize size;
	unsigned width = 0;
	const char *columns = getenv("COLUMNS");

	if (columns != NULL && lf_option_number("COLUMNS", columns, 1, WIDTH_MAX, &width, NULL) != LF_OK)
		width = 0;
	if (width == 0 && terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		width = size.ws_col;
	*known = width != 0;
	if (width == 0)
		width = WIDTH_DEFAULT;
	return width < WIDTH_MIN ? WIDTH_MIN : width;
}

void lf_page_init(struct lf_page *page, enum lf_color color)
{
	bool terminal, utf8, known;
	const char *no_color, *term;

	*page = (struct lf_page){0};
	terminal = isatty(STDOUT_FILENO);
	setlocale(LC_CTYPE, "");
	utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	if (!utf8)
		setlocale(LC_CTYPE,
			"C.UTF-8"); /* texts are UTF-8 whatever the terminal is: measure and pass them as such */
	page->utf8 = utf8 && terminal;
	no_color = getenv("NO_COLOR");
	term = getenv("TERM");
	page->color = color == LF_COLOR_ALWAYS ||
		(color == LF_COLOR_AUTO && terminal && (no_color == NULL || no_color[0] == '\0') &&
			(term == NULL || strcmp(term, "dumb") != 0));
	page->width = page_width(terminal, &known);
	page->cut = terminal && known;
}

unsigned lf_table_width(const struct lf_page *page)
{
	return page->cut || page->width > WIDTH_DEFAULT ? page->width : WIDTH_DEFAULT;
}

void lf_page_clean_up(struct lf_page *page)
{
	lf_buffer_clean_up(&page->text);
}

enum lf_code lf_page_flush(struct lf_page *page, struct lf_error *error)
{
	size_t written;

	if (page->text.failed)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
	written = 0;
	while (!page->closed && written < page->text.length) {
		const ssize_t n = write(STDOUT_FILENO, page->text.data + written, page->text.length - written);

		if (n >= 0)
			written += (size_t)n;
		else if (errno == EPIPE)
			page->closed = true;
		else if (errno != EINTR)
			return lf_error_set(
				error, LF_UNAVAILABLE, "can't write to standard output: %s", strerror(errno));
	}
	page->text.length = 0;
	return LF_OK;
}

static const char *style_begin(const struct lf_page *page, enum lf_style style)
{
	static const char *const sequences[] = {[LF_PLAIN] = "",
		[LF_BOLD] = "\033[1m",
		[LF_DIM] = "\033[2m",
		[LF_GOOD] = "\033[1;32m",
		[LF_WARN] = "\033[1;33m"};

	return page->color ? sequences[style] : "";
}

void lf_text_make_harmless(char *text)
{
	for (unsigned char *c = (unsigned char *)text; *c != '\0'; c++) {
		if ((*c < 0x20 && *c != '\n') || *c == 0x7f) {
			*c = '?';
		} else if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f) {
			c[0] = '?';
			c[1] = '?';
		}
	}
}

void lf_page_add(struct lf_page *page, enum lf_style style, const char *format, ...)
{
	char *text = NULL;
	va_list arguments;
	int length;
	const char *begin;

	va_start(arguments, format);
	length = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (length < 0) {
		page->text.failed = true;
		return;
	}
	lf_text_make_harmless(text);
	begin = style_begin(page, style);
	lf_buffer_append_text(&page->text, begin);
	lf_buffer_append_text(&page->text, text);
	lf_buffer_append_text(&page->text, begin[0] == '\0' ? "" : "\033[0m");
	free(text);
}

/* Columns of the first length bytes. Bytes that are no character take one. */
static size_t width_of(const char *text, size_t length)
{
	mbstate_t state = {0};
	size_t width = 0;

	for (size_t i = 0; i < length;) {
		wchar_t character;
		const size_t n = mbrtowc(&character, text + i, length - i, &state);
		int columns;

		if (n == 0 || n == (size_t)-1 || n == (size_t)-2) {
			state = (mbstate_t){0};
			width++;
			i++;
			continue;
		}
		columns = wcwidth(character);
		width += columns < 0 ? 1 : (size_t)columns;
		i += n;
	}
	return width;
}

size_t lf_text_width(const char *text)
{
	return width_of(text, strlen(text));
}

void lf_page_wrap(struct lf_page *page, const char *first, const char *rest, const char *text)
{
	const size_t width_max = page->width < TEXT_WIDTH_MAX ? page->width : TEXT_WIDTH_MAX;
	size_t column = lf_text_width(first);
	const char *separator = "";

	lf_page_add(page, LF_PLAIN, "%s", first);
	while (*text != '\0') {
		const size_t length = strcspn(text, " \n");
		const size_t width = width_of(text, length);

		if (length > 0) {
			if (separator[0] != '\0' && column + 1 + width > width_max) {
				lf_page_add(page, LF_PLAIN, "\n%s", rest);
				column = lf_text_width(rest);
				separator = "";
			}
			lf_page_add(page, LF_PLAIN, "%s%.*s", separator, (int)length, text);
			column += strlen(separator) + width;
			separator = " ";
		}
		text += length;
		text += *text != '\0';
	}
	lf_page_add(page, LF_PLAIN, "\n");
}

void lf_page_item(struct lf_page *page, const char *text)
{
	lf_page_wrap(page, page->utf8 ? "  • " : "  - ", "    ", text);
}

void lf_page_title(struct lf_page *page, const char *title)
{
	lf_page_add(page, LF_PLAIN, "\n");
	lf_page_add(page, LF_BOLD, "%s", title);
	lf_page_add(page, LF_PLAIN, "\n");
}

void lf_page_subtitle(struct lf_page *page, const char *title, const char *note)
{
	const size_t width_max = page->width < TEXT_WIDTH_MAX ? page->width : TEXT_WIDTH_MAX;

	lf_page_add(page, LF_PLAIN, "\n  ");
	lf_page_add(page, LF_BOLD, "%s", title);
	if (note[0] != '\0' && 4 + lf_text_width(title) + lf_text_width(note) <= width_max) {
		lf_page_add(page, LF_DIM, "  %s", note);
		note = "";
	}
	lf_page_add(page, LF_PLAIN, "\n");
	if (note[0] != '\0')
		lf_page_wrap(page, "    ", "    ", note);
}

void lf_text_wrap(struct lf_page *page, struct lf_buffer *text, const char *first, const char *rest)
{
	page->text.failed = page->text.failed || text->failed;
	if (text->data != NULL && text->length > 0)
		lf_page_wrap(page, first, rest, text->data);
	text->length = 0;
}

void lf_text_item(struct lf_page *page, struct lf_buffer *text)
{
	lf_text_wrap(page, text, page->utf8 ? "  • " : "  - ", "    ");
}

void lf_bar(const struct lf_page *page, double value, char out[LF_BAR_BYTES])
{
	static const char *const parts[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
	const double clamped = value > 1 ? 1 : value > 0 ? value : 0;
	size_t length = 0;
	unsigned cells;

	if (page->utf8) {
		const unsigned eighths = (unsigned)(clamped * LF_BAR_CELLS * 8 + 0.5);

		for (unsigned i = 0; i < eighths / 8; i++)
			length += (size_t)snprintf(out + length, LF_BAR_BYTES - length, "█");
		snprintf(out + length, LF_BAR_BYTES - length, "%s", parts[eighths % 8]);
		return;
	}
	cells = (unsigned)(clamped * LF_BAR_CELLS + 0.5);
	memset(out, '#', cells);
	out[cells] = '\0';
}

void lf_time_print(int64_t seconds, char out[LF_TIME_BYTES])
{
	const time_t when = (time_t)seconds;
	struct tm parts;

	if (gmtime_r(&when, &parts) == NULL || parts.tm_year < 1 - 1900 || parts.tm_year > 9999 - 1900 ||
		strftime(out, LF_TIME_BYTES, "%Y-%m-%d %H:%M:%S UTC", &parts) == 0)
		snprintf(out, LF_TIME_BYTES, "?");
}
