/* Growing texts, nearest names, dates, and the cleaning of text for messages. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "proto/json.h"
#include "proto/json_internal.h"

void lf_buffer_clean_up(struct lf_buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct lf_buffer){.data = NULL};
}

/* Makes room for length more bytes and the NUL. */
static bool reserve(struct lf_buffer *buffer, size_t length)
{
	size_t capacity;
	char *data;

	if (buffer->failed)
		return false;
	if (length < buffer->capacity - buffer->length && buffer->data != NULL)
		return true;
	capacity = buffer->capacity ? buffer->capacity : 256;
	while (capacity - buffer->length <= length) {
		if (capacity > SIZE_MAX / 2) {
			buffer->failed = true;
			return false;
		}
		capacity *= 2;
	}
	data = realloc(buffer->data, capacity);
	if (data == NULL) {
		buffer->failed = true;
		return false;
	}
	buffer->data = data;
	buffer->capacity = capacity;
	return true;
}

void lf_buffer_append(struct lf_buffer *buffer, const char *text, size_t length)
{
	if (!reserve(buffer, length))
		return;
	if (length)
		memcpy(buffer->data + buffer->length, text, length);
	buffer->length += length;
	buffer->data[buffer->length] = '\0';
}

void lf_buffer_append_text(struct lf_buffer *buffer, const char *text)
{
	lf_buffer_append(buffer, text, strlen(text));
}

/* Names longer than this are compared by their first bytes only. */
enum { NEAREST_BYTES_MAX = 64 };

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Insertions, deletions, replacements, and swaps of neighbours, case aside, between a and b. */
static size_t edit_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	size_t rows[3][NEAREST_BYTES_MAX + 1];
	size_t *before = rows[0], *above = rows[1], *row = rows[2];

	for (size_t j = 0; j <= b_length; j++)
		above[j] = j;
	for (size_t i = 1; i <= a_length; i++) {
		size_t *free_row;

		row[0] = i;
		for (size_t j = 1; j <= b_length; j++) {
			char x = lower(a[i - 1]), y = lower(b[j - 1]);

			row[j] = least(above[j - 1] + (x != y), 1 + least(above[j], row[j - 1]));
			if (i > 1 && j > 1 && x == lower(b[j - 2]) && y == lower(a[i - 2]))
				row[j] = least(row[j], before[j - 2] + 1);
		}
		free_row = before;
		before = above;
		above = row;
		row = free_row;
	}
	return above[b_length];
}

const char *lf_nearest(const char *name, const char *const *candidates, size_t count)
{
	const char *nearest = NULL;
	size_t nearest_distance = SIZE_MAX;
	size_t length = strnlen(name, NEAREST_BYTES_MAX);

	for (size_t i = 0; i < count; i++) {
		size_t candidate_length = strnlen(candidates[i], NEAREST_BYTES_MAX);
		size_t longer = length > candidate_length ? length : candidate_length;
		size_t shorter = length + candidate_length - longer;
		/* A third of the letters may be wrong, and one always, but not all of them. */
		size_t allowed = longer < 6 ? 1 : longer / 3;
		size_t distance;

		if (!shorter || longer - shorter > allowed || longer - shorter >= nearest_distance)
			continue;
		distance = edit_distance(name, length, candidates[i], candidate_length);
		if (distance <= allowed && distance < longer && distance < nearest_distance) {
			nearest = candidates[i];
			nearest_distance = distance;
		}
	}
	return nearest;
}

/* Exactly count decimal digits. */
static bool take_digits(const char **text, int count, int *out)
{
	int value = 0;

	for (int i = 0; i < count; i++) {
		char c = (*text)[i];

		if (c < '0' || c > '9')
			return false;
		value = value * 10 + (c - '0');
	}
	*text += count;
	*out = value;
	return true;
}

static bool take(const char **text, char expected)
{
	if (**text != expected)
		return false;
	(*text)++;
	return true;
}

static bool is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days before the first of month (1..12), and days since 1970-01-01, in the proleptic Gregorian calendar. */
static int32_t day_of(int year, int month, int day)
{
	static const int before[12] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
	int y = year - 1;
	int days = y * 365 + y / 4 - y / 100 + y / 400 + before[month - 1] + (month > 2 && is_leap(year)) + day - 1;

	return days - 719162; /* days from 0001-01-01 to 1970-01-01 */
}

static bool take_date(const char **text, int32_t *day)
{
	static const int length[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int y, m, d;

	if (!take_digits(text, 4, &y) || !take(text, '-') || !take_digits(text, 2, &m) || !take(text, '-') ||
		!take_digits(text, 2, &d))
		return false;
	if (y < 1 || m < 1 || m > 12 || d < 1 || d > length[m - 1] + (m == 2 && is_leap(y)))
		return false;
	*day = day_of(y, m, d);
	return true;
}

bool lf_parse_date(const char *text, int32_t *day)
{
	int32_t found;

	if (!take_date(&text, &found) || *text)
		return false;
	*day = found;
	return true;
}

static bool take_fraction(const char **text, int32_t *nanos)
{
	int32_t value = 0, unit = 100000000;

	for (; **text >= '0' && **text <= '9'; (*text)++) {
		if (!unit)
			return false; /* more than nine digits */
		value += (**text - '0') * unit;
		unit /= 10;
	}
	*nanos = value;
	return unit < 100000000;
}

/* "Z" or "+02:00", as seconds to take away. */
static bool take_offset(const char **text, int32_t *offset)
{
	int hours, minutes;
	bool west;

	if (take(text, 'Z') || take(text, 'z')) {
		*offset = 0;
		return true;
	}
	west = **text == '-';
	if (!take(text, '+') && !take(text, '-'))
		return false;
	if (!take_digits(text, 2, &hours) || !take(text, ':') || !take_digits(text, 2, &minutes) || hours > 23 ||
		minutes > 59)
		return false;
	*offset = (hours * 60 + minutes) * 60 * (west ? -1 : 1);
	return true;
}

bool lf_parse_instant(const char *text, int64_t *seconds, int32_t *nanos)
{
	int32_t day, fraction = 0, offset = 0;
	int hour = 0, minute = 0, second = 0;
	int64_t found;

	if (!take_date(&text, &day))
		return false;
	if (*text) {
		if (!take(&text, 'T') && !take(&text, 't'))
			return false;
		if (!take_digits(&text, 2, &hour) || !take(&text, ':') || !take_digits(&text, 2, &minute) ||
			!take(&text, ':') || !take_digits(&text, 2, &second))
			return false;
		if (take(&text, '.') && !take_fraction(&text, &fraction))
			return false;
		if (!take_offset(&text, &offset) || *text || hour > 23 || minute > 59 || second > 59)
			return false;
	}
	found = (int64_t)day * 86400 + (hour * 60 + minute) * 60 + second - offset;
	/* The offset can move an instant out of the years 1..9999. */
	if (found < (int64_t)-62135596800 || found > (int64_t)253402300799)
		return false;
	*seconds = found;
	*nanos = fraction;
	return true;
}

void lf_text_position(const char *text, size_t offset, size_t *line, size_t *column)
{
	size_t start = 0;

	*line = 1;
	for (size_t i = 0; i < offset; i++) {
		if (text[i] == '\n') {
			(*line)++;
			start = i + 1;
		}
	}
	*column = offset - start + 1;
}

/* Bytes of the UTF-8 character at text, 0 where there is none. */
static size_t character(const unsigned char *text, size_t length)
{
	size_t count = text[0] < 0x80 ? 1 : text[0] < 0xc2 ? 0 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
	bool bad;

	if (!count || count > length || text[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < count; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	}
	bad = (text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
		(text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f);
	return bad ? 0 : count;
}

void lf_clean_text(const char *text, size_t length, char *out, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < length;) {
		const unsigned char *at = (const unsigned char *)text + i;
		size_t count = character(at, length - i);
		bool plain = count > 0 && at[0] >= 0x20 && at[0] != 0x7f && !(at[0] == 0xc2 && at[1] < 0xa0);
		size_t needed = plain ? count : 1;
		size_t rest = length - i > (count ? count : 1) ? 3 : 0; /* "…", where this is not the last one */

		if (used + needed + rest + 1 > size) {
			if (used + 4 <= size) {
				memcpy(out + used, "\xe2\x80\xa6", 3);
				used += 3;
			}
			break;
		}
		if (plain)
			memcpy(out + used, at, count);
		else
			out[used] = '?';
		used += needed;
		i += count ? count : 1;
	}
	out[used] = '\0';
}
