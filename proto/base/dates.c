#include "proto/base/dates.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

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

void lf_print_time(int64_t time_us, char text[LF_TIME_TEXT_BYTES])
{
	const int64_t us = (time_us % 1000000 + 1000000) % 1000000;
	const time_t seconds = (time_t)((time_us - us) / 1000000);
	struct tm utc;
	char whole[32];

	if (gmtime_r(&seconds, &utc) == NULL || strftime(whole, sizeof(whole), "%Y-%m-%dT%H:%M:%S", &utc) == 0)
		snprintf(text, LF_TIME_TEXT_BYTES, "%" PRId64 " us", time_us);
	else
		snprintf(text, LF_TIME_TEXT_BYTES, "%s.%06dZ", whole, (int)us);
}
