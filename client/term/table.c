/* Tables, by libsmartcols. */
#include <libsmartcols.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/term/page.h"
#include "proto/base/buffer.h"
#include "proto/base/harmless.h"

enum { WIDTH_UNCUT = 100000 };

void lf_table_init(struct lf_table *table, struct lf_page *page)
{
	struct libscols_table *scols = scols_new_table();

	*table = (struct lf_table){.page = page, .scols = scols};
	if (scols == NULL) {
		page->text.failed = true;
		return;
	}
	/* The page knows its width; the library would ask the terminal, and take a pipe for unlimited. */
	scols_table_set_termforce(scols, SCOLS_TERMFORCE_ALWAYS);
	scols_table_set_termwidth(scols, page->cut ? page->width : WIDTH_UNCUT);
	scols_table_enable_colors(scols, page->color);
	if (scols_table_set_column_separator(scols, "  ") != 0)
		page->text.failed = true;
}

void lf_table_column(struct lf_table *table, const char *title, unsigned flags)
{
	int scols_flags;
	struct libscols_column *column;

	if (table->scols == NULL)
		return;
	scols_flags = ((flags & LF_COLUMN_RIGHT) != 0 ? SCOLS_FL_RIGHT : 0) |
		((flags & LF_COLUMN_CUT) != 0 ? SCOLS_FL_TRUNC : 0);
	column = scols_table_new_column(table->scols, title, 0, scols_flags);
	if (column == NULL || scols_cell_set_color(scols_column_get_header(column), "\033[2m") != 0)
		table->page->text.failed = true;
}

void lf_table_line(struct lf_table *table, enum lf_style style)
{
	static const char *const colors[] = {[LF_PLAIN] = NULL,
		[LF_BOLD] = "\033[1m",
		[LF_DIM] = "\033[2m",
		[LF_GOOD] = "\033[1;32m",
		[LF_WARN] = "\033[1;33m"};

	if (table->scols == NULL)
		return;
	table->line = scols_table_new_line(table->scols, NULL);
	if (table->line == NULL || (colors[style] != NULL && scols_line_set_color(table->line, colors[style]) != 0))
		table->page->text.failed = true;
}

void lf_table_cell(struct lf_table *table, size_t column, const char *format, ...)
{
	char *text;
	va_list arguments;
	int length;

	if (table->line == NULL)
		return;
	text = NULL;
	va_start(arguments, format);
	length = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (length < 0) {
		table->page->text.failed = true;
		return;
	}
	lf_text_make_harmless(text);
	if (scols_line_refer_data(table->line, column, text) != 0) {
		table->page->text.failed = true;
		free(text);
	}
}

/* Appends lines without the spaces at their ends. */
static void append_trimmed(struct lf_buffer *out, const char *text)
{
	while (*text != '\0') {
		const size_t length = strcspn(text, "\n");
		size_t kept = length;

		while (kept > 0 && text[kept - 1] == ' ')
			kept--;
		lf_buffer_append(out, text, kept);
		lf_buffer_append_text(out, "\n");
		text += length;
		text += *text == '\n';
	}
}

void lf_table_finish(struct lf_table *table, bool headings)
{
	char *text = NULL;

	if (table->scols == NULL)
		return;
	scols_table_enable_noheadings(table->scols, !headings);
	if (!table->page->text.failed && scols_table_get_nlines(table->scols) > 0) {
		if (scols_print_table_to_string(table->scols, &text) == 0 && text != NULL)
			append_trimmed(&table->page->text, text);
		else
			table->page->text.failed = true;
	}
	free(text);
	scols_unref_table(table->scols);
	*table = (struct lf_table){.page = table->page};
}

void lf_table_drop(struct lf_table *table)
{
	if (table->scols != NULL)
		scols_unref_table(table->scols);
	*table = (struct lf_table){.page = table->page};
}
