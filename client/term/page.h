/* Standard output as a page for people: what the terminal can show, wrapping, bars, tables. Written out in one go. */
#ifndef LF_CLIENT_TERM_PAGE_H
#define LF_CLIENT_TERM_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/buffer.h"
#include "proto/text/json.h"
#include "proto/base/status.h"

enum lf_color { LF_COLOR_AUTO, LF_COLOR_ALWAYS, LF_COLOR_NEVER };
enum lf_style { LF_PLAIN, LF_BOLD, LF_DIM, LF_GOOD, LF_WARN };

struct lf_page {
	struct lf_buffer text;
	unsigned width; /* columns: COLUMNS, else the terminal's, else 100 */
	bool cut; /* tables are cut to a terminal's width. A file or pipe gets them whole, so that grep finds all */
	bool color;
	bool utf8;   /* a terminal that shows UTF-8: bars, bullets, ellipses */
	bool closed; /* the reader has gone: nothing more is written */
};

/* Asks environment and terminal, and sets the locale's character type (never its numbers). */
void lf_page_init(struct lf_page *page, enum lf_color color);
void lf_page_clean_up(struct lf_page *page);
/*
 * Writes to standard output what has gathered, and forgets it. A reader that has gone (a closed pipe) is no error, and
 * sets closed. UNAVAILABLE where it can't be written (a full disk), RESOURCE_EXHAUSTED where memory had run out.
 */
enum lf_code lf_page_flush(struct lf_page *page, struct lf_error *error);

/* Appends text in a style. Control characters become '?': no text from a file or server can steer the terminal. */
void lf_page_add(struct lf_page *page, enum lf_style style, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Appends text in lines no wider than the page (nor 100 columns): first before the first line, rest before the others.
 */
void lf_page_wrap(struct lf_page *page, const char *first, const char *rest, const char *text);
/* Appends the text as an item of a list. */
void lf_page_item(struct lf_page *page, const char *text);
/* An empty line, then the title of what follows. */
void lf_page_title(struct lf_page *page, const char *title);
/* An empty line, then a smaller title, indented, with a note beside it, or below it where it is too long. */
void lf_page_subtitle(struct lf_page *page, const char *title, const char *note);

/* Replaces control characters by '?', in place: C0 but for line ends, DEL, and C1 (0xC2 0x80..0x9F). */
void lf_text_make_harmless(char *text);
/* Wraps what gathered in text, as lf_page_wrap() does, and empties it. Nothing where it is empty. */
void lf_text_wrap(struct lf_page *page, struct lf_buffer *text, const char *first, const char *rest);
/* The same as an item of a list. */
void lf_text_item(struct lf_page *page, struct lf_buffer *text);

enum { LF_BAR_CELLS = 10, LF_BAR_BYTES = LF_BAR_CELLS * 3 + 1, LF_TIME_BYTES = 32 };
/* A bar for a value 0..1: eighths of a cell in UTF-8, else '#'. */
void lf_bar(const struct lf_page *page, double value, char out[LF_BAR_BYTES]);
/* "2026-05-01 12:00:03 UTC"; "?" outside years 1..9999. */
void lf_time_print(int64_t seconds, char out[LF_TIME_BYTES]);
/* Columns that the text takes on a terminal. */
size_t lf_text_width(const char *text);

/* A table. Failures of memory show in page->text.failed, so that callers need not check each step. */
struct lf_table {
	struct lf_page *page;
	void *scols; /* struct libscols_table; NULL where memory ran out */
	void *line;  /* struct libscols_line: the last one */
};

enum lf_column_flags {
	LF_COLUMN_RIGHT = 1 << 0, /* numbers */
	LF_COLUMN_CUT = 1 << 1,   /* may be cut where the page is too narrow */
};

/* Columns that a table may have without being too wide: those of a terminal; else 100, whatever COLUMNS says, or more. */
unsigned lf_table_width(const struct lf_page *page);
void lf_table_init(struct lf_table *table, struct lf_page *page);
void lf_table_column(struct lf_table *table, const char *title, unsigned flags);
/* Begins a line; cells left out are empty. */
void lf_table_line(struct lf_table *table, enum lf_style style);
void lf_table_cell(struct lf_table *table, size_t column, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Appends the table to its page, and frees it. Without lines nothing is appended. */
void lf_table_finish(struct lf_table *table, bool headings);
/* Frees the table, appending nothing. Nothing after lf_table_finish(). */
void lf_table_drop(struct lf_table *table);

#endif
