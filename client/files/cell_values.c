#include "client/files/cell_values.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "proto/base/dates.h"

enum { NUMBER_BYTES = 64 };

/* ---- numbers ---- */

/* Whether the comma of a number may part thousands: as in 1,234, where commas also separate cells. */
static bool may_be_thousands(const char *text, const char *comma, char separator)
{
	const size_t whole = (size_t)(comma - text);

	return separator == ',' && whole >= 1 && whole <= 3 && text[0] != '0' && strspn(comma + 1, "0123456789") == 3 &&
		comma[4] == '\0';
}

/* Makes 4,5 into 4.5 in text. NULL, or what is wrong. */
static const char *take_comma(char *text, char separator)
{
	char *comma = strchr(text, ',');

	if (comma == NULL)
		return NULL;
	if (strchr(comma + 1, ',') != NULL || strchr(text, '.') != NULL)
		return "write it without a separator for thousands";
	if (may_be_thousands(text, comma, separator))
		return "it may be thousands or decimals: write it with a point, or without the comma";
	*comma = '.';
	return NULL;
}

static bool fault_number(const struct lf_cell_at *at, const char *text, struct lf_range range, const char *hint)
{
	char expected[96] = "";

	if (range.known)
		snprintf(expected, sizeof(expected), "; expected is %g..%g", range.min, range.max);
	lf_cell_fault(at->sheet, at->row, at->column, "%s: \"%.64s\" is not a number%s%s%s", at->what, text, expected,
		hint[0] == '\0' ? "" : "; ", hint);
	return false;
}

bool lf_cell_number(const struct lf_cell_at *at, const char *text, struct lf_range range, double *value)
{
	char copy[NUMBER_BYTES], *end;
	size_t length = strlen(text);
	const bool percent = range.percent && length > 1 && text[length - 1] == '%';
	const char *hint;

	if (length >= sizeof(copy))
		return fault_number(at, text, range, "");
	memcpy(copy, text, length + 1);
	if (percent) {
		length--;
		while (length > 0 && copy[length - 1] == ' ')
			length--;
		copy[length] = '\0';
	}
	hint = take_comma(copy, at->sheet->separator);
	if (hint != NULL)
		return fault_number(at, text, range, hint);
	*value = strtod(copy, &end); /* LC_NUMERIC is C throughout */
	if (copy[0] == '\0' || copy[strspn(copy, "0123456789.+-eE")] != '\0' || *end != '\0' || !isfinite(*value))
		return fault_number(
			at, text, range, range.known && !range.percent ? "leave it empty where there is none" : "");
	if (percent)
		*value /= 100;
	if (!range.known || (*value >= range.min && *value <= range.max))
		return true;
	lf_cell_fault(at->sheet, at->row, at->column, "%s: %s is outside %g..%g%s", at->what, text, range.min,
		range.max, range.percent && !percent ? "; a percentage is written with its sign, as 80%" : "");
	return false;
}

/* ---- dates ---- */

static const char *const months[] = {
	"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"};

static size_t run_of(const char *format)
{
	size_t length = 1;

	while (toupper((unsigned char)format[length]) == toupper((unsigned char)format[0]))
		length++;
	return length;
}

bool lf_date_format_check(const char *format)
{
	bool seen[3] = {false};

	for (size_t length; *format != '\0'; format += length) {
		static const char letters[] = "DMY";
		const char *letter = strchr(letters, toupper((unsigned char)*format));

		length = 1;
		if (strchr("./- ,", *format) != NULL)
			continue;
		if (letter == NULL || seen[letter - letters])
			return false;
		seen[letter - letters] = true;
		length = run_of(format);
		if (*letter == 'Y' ? length != 2 && length != 4 : length > (*letter == 'M' ? 3 : 2))
			return false;
	}
	return seen[0] && seen[1] && seen[2];
}

/* Takes a number of 1..digits_max digits off text. */
static bool take_digits(const char **text, size_t digits_max, unsigned *number)
{
	size_t count = 0;

	*number = 0;
	for (; count < digits_max && isdigit((unsigned char)**text); count++)
		*number = *number * 10 + (unsigned)(*(*text)++ - '0');
	return count > 0;
}

static bool take_month(const char **text, unsigned *month)
{
	for (unsigned m = 0; m < 12; m++)
		if (strncasecmp(*text, months[m], 3) == 0) {
			*month = m + 1;
			*text += 3;
			while (isalpha((unsigned char)**text)) /* the rest of its name */
				(*text)++;
			return true;
		}
	return false;
}

/* Reads text as format says into YYYY-MM-DD; false where it is not written so. */
static bool read_date(const char *text, const char *format, char out[16])
{
	unsigned day = 0, month = 0, year = 0;
	size_t length;
	int32_t unused;

	for (; *format != '\0'; format += length) {
		const int letter = toupper((unsigned char)*format);
		bool good;

		length = strchr("DMY", letter) == NULL ? 1 : run_of(format);
		if (letter == 'D')
			good = take_digits(&text, 2, &day);
		else if (letter == 'M')
			good = length == 3 ? take_month(&text, &month) : take_digits(&text, 2, &month);
		else if (letter == 'Y')
			good = take_digits(&text, length, &year) && (length == 2 || year >= 1000);
		else
			good = *text == *format && *text++ != '\0';
		if (!good)
			return false;
		if (letter == 'Y' && length == 2)
			year += 2000;
	}
	snprintf(out, 16, "%04u-%02u-%02u", year % 10000, month % 100, day % 100);
	return *text == '\0' && lf_parse_date(out, &unused);
}

/* Whether text begins with a date as ISO 8601 has it, behind which a time of day may be. */
static bool is_iso(const char *text, char date[16])
{
	int32_t unused;

	snprintf(date, 16, "%.10s", text);
	if (strlen(date) != 10 || !lf_parse_date(date, &unused))
		return false;
	text += 10;
	return *text == '\0' ||
		((*text == 'T' || *text == ' ') && strspn(text + 1, "0123456789:.") >= 5 &&
			strcmp(text + 1 + strspn(text + 1, "0123456789:."), "Z") <= 0);
}

const char *lf_cell_date(const struct lf_cell_at *at, const char *text, const char *format)
{
	char date[16];

	if (is_iso(text, date) || (format != NULL && read_date(text, format, date))) {
		const char *copy = lf_arena_strdup(at->sheet->arena, date, strlen(date));

		if (copy == NULL)
			lf_error_set(at->sheet->error, LF_RESOURCE_EXHAUSTED, "out of memory");
		return copy;
	}
	if (format == NULL)
		lf_cell_fault(at->sheet, at->row, at->column,
			"%s: \"%.64s\" is not a date as 2026-05-01; --date-format says how dates are written, e.g. "
			"--date-format DD.MM.YYYY",
			at->what, text);
	else
		lf_cell_fault(at->sheet, at->row, at->column,
			"%s: \"%.64s\" is neither a date as 2026-05-01 nor one as --date-format %.32s says", at->what,
			text, format);
	return NULL;
}

/* ---- names ---- */

const char *lf_cell_name_of(const struct lf_cell_at *at, const char *text, const struct lf_names *names, bool any)
{
	const char *id, *nearest;
	struct lf_buffer known = {0};

	if (names->count == 0 || text[0] == '\0')
		return text;
	id = lf_names_find(names, text, at->sheet);
	if (id != NULL || any)
		return id != NULL ? id : text;
	nearest = lf_names_nearest(names, text);
	if (nearest == NULL)
		lf_names_list(names, &known);
	lf_cell_fault(at->sheet, at->row, at->column, "%s: \"%.64s\" is not a %s of this rubric; %s: %s", at->what,
		text, names->what, nearest != NULL ? "nearest" : "known",
		nearest != NULL ? nearest : (known.data == NULL ? "" : known.data));
	lf_buffer_clean_up(&known);
	return NULL;
}
