/*
 * Decimal text ⇄ double, the same in every locale. A number goes to and from the C library as digits and exponent
 * without a decimal point ("12345e-3"), since that point is the only thing about it that a locale changes.
 */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/text/json.h"
#include "proto/text/json_internal.h"

/* The powers of ten that a double holds exactly. */
static const double exact_power[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14,
	1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

enum { EXACT_POWER_MAX = 22, EXPONENT_MAX = 1000000 };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits of a number as they come in; zeros wait until a digit after them makes them count. */
struct digit_sink {
	struct lf_decimal *out;
	size_t zeros;
};

static bool put_digit(struct digit_sink *sink, char digit)
{
	struct lf_decimal *out = sink->out;

	if (digit == '0') {
		if (out->count)
			sink->zeros++;
		return true;
	}
	if (sink->zeros + 1 > LF_DECIMAL_DIGITS_MAX - out->count)
		return false;
	memset(out->digits + out->count, '0', sink->zeros);
	out->count += sink->zeros;
	out->digits[out->count++] = digit;
	sink->zeros = 0;
	return true;
}

bool lf_decimal_parse(const char *text, size_t length, struct lf_decimal *out)
{
	const char *at = text, *end = text + length;
	struct digit_sink sink = {.out = out};
	int fraction = 0, exponent = 0;

	out->count = 0;
	out->negative = at < end && *at == '-';
	at += out->negative;
	if (at == end || !is_digit(*at) || (*at == '0' && at + 1 < end && is_digit(at[1])))
		return false;
	for (; at < end && is_digit(*at); at++) {
		if (!put_digit(&sink, *at))
			return false;
	}
	if (at < end && *at == '.') {
		if (++at == end || !is_digit(*at))
			return false;
		for (; at < end && is_digit(*at); at++, fraction++) {
			if (!put_digit(&sink, *at))
				return false;
		}
	}
	if (at < end && (*at == 'e' || *at == 'E')) {
		bool down;

		at++;
		down = at < end && *at == '-';
		at += at < end && (*at == '-' || *at == '+');
		if (at == end)
			return false;
		for (; at < end && is_digit(*at); at++)
			exponent = exponent < EXPONENT_MAX ? exponent * 10 + (*at - '0') : exponent;
		exponent = down ? -exponent : exponent;
	}
	out->digits[out->count] = '\0';
	out->exponent = exponent - fraction + (int)sink.zeros;
	return at == end;
}

bool lf_decimal_to_double(const struct lf_decimal *decimal, double *out)
{
	char text[LF_DECIMAL_DIGITS_MAX + 16];
	double value = 0;

	if (!decimal->count) {
		*out = 0;
		return true;
	}
	if (decimal->count <= 15 && decimal->exponent >= -EXACT_POWER_MAX && decimal->exponent <= EXACT_POWER_MAX) {
		/* Both operands are exact, so that the one rounding is the right one. */
		for (size_t i = 0; i < decimal->count; i++)
			value = value * 10 + (decimal->digits[i] - '0');
		if (decimal->exponent < 0)
			value /= exact_power[-decimal->exponent];
		else
			value *= exact_power[decimal->exponent];
	} else {
		snprintf(text, sizeof(text), "%se%d", decimal->digits, decimal->exponent);
		value = strtod(text, NULL);
		if (isinf(value))
			return false;
	}
	*out = decimal->negative && value > 0 ? -value : value;
	return true;
}

static void set_digits(struct lf_decimal *out, uint64_t digits, int exponent)
{
	static const char pairs[] =
		"0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
		"5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";
	char text[24];
	size_t at = sizeof(text);

	for (; digits && digits % 10 == 0; digits /= 10)
		exponent++;
	for (; digits >= 10; digits /= 100) {
		at -= 2;
		memcpy(text + at, pairs + 2 * (digits % 100), 2);
	}
	if (digits)
		text[--at] = (char)('0' + digits);
	out->count = sizeof(text) - at;
	memcpy(out->digits, text + at, out->count);
	out->digits[out->count] = '\0';
	out->exponent = exponent;
}

#ifdef __SIZEOF_INT128__
/*
 * The 16 or 17 digits of a value between 2^-10 and 1e15, computed exactly: value = m / 2^shift, so value × 10^power is
 * m × 10^power / 2^shift, and m × 10^power fits 128 bits. A candidate reads back as value where it is nearer to it than
 * half the distance to the next double, which is 10^power in the same unit.
 */
static bool exact_digits(double value, int power, struct lf_decimal *out)
{
	static const uint64_t ten_to[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000,
		10000000000, 100000000000, 1000000000000, 10000000000000, 100000000000000, 1000000000000000,
		10000000000000000, 100000000000000000, 1000000000000000000, 10000000000000000000u};
	uint64_t bits;
	uint64_t hidden, m;
	int shift;
	unsigned __int128 unit;

	memcpy(&bits, &value, sizeof(bits));
	hidden = (uint64_t)1 << 52;
	m = (bits & (hidden - 1)) | hidden;
	shift = 1075 - (int)(bits >> 52);

	if (m == hidden || shift < 1 || shift > 63 || power < 0 || power + 1 > 20)
		return false; /* below a power of two the distance is another */
	unit = ten_to[power];
	for (int digits = 16; digits <= 17; digits++, power++, unit *= 10) {
		unsigned __int128 scaled = m * unit;
		unsigned __int128 rounded = (scaled + ((unsigned __int128)1 << (shift - 1))) >> shift;
		unsigned __int128 back = rounded << shift;
		unsigned __int128 off = back > scaled ? back - scaled : scaled - back;

		if (digits == 17 || 2 * off < unit) {
			set_digits(out, (uint64_t)rounded, -power);
			return true;
		}
	}
	return false;
}
#endif

/* What printf("%e") wrote, in whatever locale. */
static void scan_scientific(const char *text, struct lf_decimal *out)
{
	size_t fraction = 0;

	out->count = 0;
	out->digits[out->count++] = *text++;
	while (*text != 'e' && !is_digit(*text))
		text++;
	for (; is_digit(*text); text++, fraction++)
		out->digits[out->count++] = *text;
	out->exponent = atoi(text + 1) - (int)fraction;
	while (out->count > 1 && out->digits[out->count - 1] == '0') {
		out->count--;
		out->exponent++;
	}
	out->digits[out->count] = '\0';
}

/* value above 0. */
static void shortest_digits(double value, struct lf_decimal *out)
{
	char text[64];
	double back;

	out->negative = false;
	if (value >= 1e-7 && value < 1e15) {
		/*
		 * 15 digits, less the zeros at the end: any decimal of at most 15 digits that reads back as value is
		 * found so, since value × 10^power is off by far less than one half.
		 */
		int power = 0;
		uint64_t digits;

		while (power < EXACT_POWER_MAX && value * exact_power[power + 1] < 1e15)
			power++;
		digits = (uint64_t)(value * exact_power[power] + 0.5);
		if ((double)digits / exact_power[power] == value) {
			set_digits(out, digits, -power);
			return;
		}
#ifdef __SIZEOF_INT128__
		if (value >= 0x1p-10 && exact_digits(value, power + 1, out))
			return;
#endif
	}
	/* Every decimal of 15 digits reads back as it was, except of the thin numbers next to zero. */
	for (int precision = value < DBL_MIN ? 0 : 14; precision <= 16; precision++) {
		snprintf(text, sizeof(text), "%.*e", precision, value);
		scan_scientific(text, out);
		if (lf_decimal_to_double(out, &back) && back == value)
			return;
	}
}

/* Plain between 1e-5 and 1e17, scientific elsewhere. out has 32 bytes. */
static void format_decimal(const struct lf_decimal *decimal, char *out)
{
	int count = (int)decimal->count;
	int point = count + decimal->exponent; /* digits before the point */
	const char *sign = decimal->negative ? "-" : "";

	if (point > 17 || point < -4) {
		snprintf(out, 32, "%s%c%s%se%d", sign, decimal->digits[0], count > 1 ? "." : "", decimal->digits + 1,
			point - 1);
		return;
	}
	if (decimal->negative)
		*out++ = '-';
	if (point <= 0) {
		*out++ = '0';
		*out++ = '.';
		for (int i = point; i < 0; i++)
			*out++ = '0';
	}
	for (int i = 0; i < count; i++) {
		if (i == point && i > 0)
			*out++ = '.';
		*out++ = decimal->digits[i];
	}
	for (int i = count; i < point; i++)
		*out++ = '0';
	*out = '\0';
}

void lf_print_double(double value, char *out)
{
	struct lf_decimal decimal;

	if (value == 0) { /* -0 too */
		memcpy(out, "0", 2);
		return;
	}
	shortest_digits(fabs(value), &decimal);
	decimal.negative = value < 0;
	format_decimal(&decimal, out);
}

void lf_print_float(float value, char *out)
{
	struct lf_decimal decimal;
	char text[64];

	if (value == 0) {
		memcpy(out, "0", 2);
		return;
	}
	for (int precision = fabsf(value) < FLT_MIN ? 0 : 5; precision <= 8; precision++) {
		snprintf(text, sizeof(text), "%.*e", precision, (double)fabsf(value));
		if (strtof(text, NULL) == fabsf(value))
			break;
	}
	scan_scientific(text, &decimal);
	decimal.negative = value < 0;
	format_decimal(&decimal, out);
}
