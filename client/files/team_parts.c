#include "client/files/team_parts.h"

#include <string.h>

#include "client/calc/keys.h"
#include "client/files/team_columns.h"

/* Which part each row belongs to, and how many rows each has. */
struct split {
	struct lf_sheet *sheet;
	struct lf_keys index; /* id to part + 1 */
	size_t *parts;        /* by row */
	size_t *counts;       /* by part */
	const char **ids;
	size_t count;
};

static size_t team_column(struct lf_sheet *sheet, const struct lf_sheet_row *header)
{
	for (size_t c = 0; c < header->count; c++)
		if (lf_team_is_team(header->cells[c], sheet))
			return c;
	return LF_NO_COLUMN;
}

static bool assign(struct split *split, size_t header, size_t column)
{
	struct lf_sheet *sheet = split->sheet;
	size_t current = 0;

	for (size_t r = header + 1; r < sheet->count; r++) {
		const char *id = lf_cell(&sheet->rows[r], column);

		if (id[0] != '\0') {
			bool added;
			uint32_t *number = lf_keys_add(&split->index, id, "", &added);

			if (number == NULL) {
				lf_error_set(sheet->error, LF_RESOURCE_EXHAUSTED, "out of memory");
				return false;
			}
			if (added) {
				split->ids[split->count++] = id;
				*number = (uint32_t)split->count;
			}
			current = *number;
		} else if (current == 0) {
			lf_cell_fault(sheet, sheet->rows[r].number, column, "team is empty");
			return false;
		}
		split->parts[r] = current - 1;
		split->counts[current - 1]++;
	}
	return true;
}

static struct lf_team_part *build(struct split *split, size_t header, struct lf_buffer *spare)
{
	struct lf_sheet *sheet = split->sheet;
	struct lf_team_part *parts = lf_sheet_take(sheet, split->count, sizeof(*parts));

	for (size_t p = 0; parts != NULL && p < split->count; p++) {
		parts[p] = (struct lf_team_part){split->ids[p], *sheet};
		parts[p].sheet.rows = lf_sheet_take(sheet, split->counts[p] + 1, sizeof(*sheet->rows));
		if (parts[p].sheet.rows == NULL)
			return NULL;
		parts[p].sheet.rows[0] = sheet->rows[header];
		parts[p].sheet.count = 1;
		parts[p].sheet.notes = p == 0 ? sheet->notes : spare;
	}
	for (size_t r = header + 1; parts != NULL && r < sheet->count; r++) {
		struct lf_sheet *part = &parts[split->parts[r]].sheet;

		part->rows[part->count++] = sheet->rows[r];
	}
	return parts;
}

struct lf_team_part *lf_team_parts(struct lf_sheet *sheet, struct lf_buffer *spare, size_t *count)
{
	struct split split = {.sheet = sheet};
	struct lf_team_part *parts = NULL;
	const size_t header = sheet->count == 0 ? 0 : lf_team_header(sheet);
	const size_t column = sheet->count == 0 ? LF_NO_COLUMN : team_column(sheet, &sheet->rows[header]);

	*count = 0;
	if (column == LF_NO_COLUMN)
		return NULL;
	split.parts = lf_sheet_take(sheet, sheet->count, sizeof(*split.parts));
	split.counts = lf_sheet_take(sheet, sheet->count, sizeof(*split.counts));
	split.ids = lf_sheet_take(sheet, sheet->count, sizeof(*split.ids));
	if (split.parts != NULL && split.counts != NULL && split.ids != NULL && assign(&split, header, column))
		parts = build(&split, header, spare);
	*count = parts == NULL ? 0 : split.count;
	lf_keys_clean_up(&split.index);
	return parts;
}
