/* Numbers in words' company: exact integer digits after one rounding in double arithmetic, so the same text everywhere.
 */
#include <math.h> /* NAN, isnan, isinf: macros only */
#include "service/engine/text.h"

enum { DECIMALS_MAX = LF_TEXT_DECIMALS_MAX, DIGITS_MAX = 24 };

const double lf_text_powers[DECIMALS_MAX + 1] = {
	1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13};

#define FIXED_MAX 1e9
#define SCALED_MAX 0x1p62 /* fits a signed integer */

void lf_text_add_cut(struct lf_text *text, const char *bytes)
{
	const size_t room = sizeof(text->bytes) - 1 - text->length;

	memcpy(text->bytes + text->length, bytes, room);
	text->length += room;
	text->cut = true;
}

/* One digit before the point and two behind: nearly always. */
static inline void add_hundredths(struct lf_text *text, unsigned number)
{
	const char digits[4] = {
		(char)('0' + number / 100), '.', (char)('0' + number / 10 % 10), (char)('0' + number % 10)};

	lf_text_add(text, digits, sizeof(digits));
}

static void add_digits(struct lf_text *text, uint64_t number, unsigned decimals)
{
	char digits[DIGITS_MAX];
	size_t at = sizeof(digits);
	unsigned written = 0;

	do {
		if (decimals > 0 && written == decimals)
			digits[--at] = '.';
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
		written++;
	} while (number > 0 || written <= decimals);
	lf_text_add(text, digits + at, sizeof(digits) - at);
}

void lf_text_count(struct lf_text *text, uint64_t count)
{
	add_digits(text, count, 0);
}

void lf_text_thousands(struct lf_text *text, uint64_t count)
{
	uint64_t group = 1;

	while (count / group >= 1000)
		group *= 1000;
	lf_text_count(text, count / group);
	for (group /= 1000; group > 0; group /= 1000) {
		const unsigned digits = (unsigned)(count / group % 1000);
		const char three[4] = {
			',', (char)('0' + digits / 100), (char)('0' + digits / 10 % 10), (char)('0' + digits % 10)};

		lf_text_add(text, three, sizeof(three));
	}
}

static bool can_scale(double x, unsigned decimals)
{
	return (x < 0 ? -x : x) * lf_text_powers[decimals] < SCALED_MAX;
}

void lf_text_fixed(struct lf_text *text, double x, unsigned decimals)
{
	uint64_t number;

	if (!(x > -FIXED_MAX && x < FIXED_MAX) || decimals > DECIMALS_MAX || !can_scale(x, decimals)) {
		lf_text_number(text, x);
		return;
	}
	number = lf_scaled(x, decimals);
	if (x < 0 && number > 0)
		lf_text_add(text, "-", 1);
	if (decimals == 2 && number < 1000)
		add_hundredths(text, (unsigned)number);
	else
		add_digits(text, number, decimals);
}

void lf_text_signed(struct lf_text *text, double x, unsigned decimals)
{
	if (!(x < 0))
		lf_text_add(text, "+", 1);
	lf_text_fixed(text, x, decimals);
}

/* Up to six decimals, without zeros at the end. */
static void add_trimmed(struct lf_text *text, double x)
{
	uint64_t number = lf_scaled(x, 6);
	unsigned decimals = 6;

	for (; decimals > 0 && number % 10 == 0; decimals--)
		number /= 10;
	if (x < 0 && number > 0)
		lf_text_add(text, "-", 1);
	add_digits(text, number, decimals);
}

void lf_text_number(struct lf_text *text, double x)
{
	double size = x < 0 ? -x : x;
	int exponent = 0;

	if (isnan(x)) {
		lf_text_put(text, "NaN");
		return;
	}
	if (isinf(x)) {
		lf_text_put(text, x < 0 ? "-infinity" : "infinity");
		return;
	}
	if (size == 0 || (size >= 1e-6 && size < FIXED_MAX)) {
		add_trimmed(text, x);
		return;
	}
	for (; size >= 10; exponent++)
		size /= 10;
	for (; size < 1; exponent--)
		size *= 10;
	if (x < 0)
		lf_text_add(text, "-", 1);
	add_trimmed(text, size);
	lf_text_put(text, exponent < 0 ? "e-" : "e+");
	lf_text_count(text, (uint64_t)(exponent < 0 ? -exponent : exponent));
}

void lf_text_percent(struct lf_text *text, double x)
{
	if (x > 0 && x < 0.005) {
		lf_text_put(text, "less than 1%");
	} else if (x < 1 && x >= 0.995) {
		lf_text_put(text, "more than 99%");
	} else {
		lf_text_fixed(text, x * 100, 0);
		lf_text_add(text, "%", 1);
	}
}

void lf_text_join(struct lf_text *text, size_t index, size_t count)
{
	if (index == 0)
		return;
	if (index + 1 == count)
		lf_text_add(text, " and ", 5);
	else
		lf_text_add(text, ", ", 2);
}

void lf_text_finish(struct lf_text *text)
{
	/* Back over the bytes of a character of which the rest is missing. */
	if (text->cut) {
		size_t start = text->length, need = 1;
		unsigned char lead;

		while (start > 0 && ((unsigned char)text->bytes[start - 1] & 0xC0) == 0x80)
			start--;
		if (start > 0) {
			lead = (unsigned char)text->bytes[start - 1];
			need = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
			if (text->length - (start - 1) < need)
				text->length = start - 1;
		}
	}
	text->bytes[text->length] = '\0';
}

unsigned lf_decimals_apart(double a, double b, unsigned least)
{
	unsigned decimals = least;

	if (a == b)
		return least;
	while (lf_scaled(a, decimals) == lf_scaled(b, decimals) && (a < 0) == (b < 0) && decimals < DECIMALS_MAX &&
		can_scale(a, decimals + 1) && can_scale(b, decimals + 1))
		decimals++;
	return decimals;
}

unsigned lf_decimals_below(double a, double b, double limit, unsigned least)
{
	unsigned decimals = lf_decimals_apart(a, b, least);

	while (decimals < DECIMALS_MAX && can_scale(a, decimals + 1) &&
		(double)(lf_scaled(a, decimals) - lf_scaled(b, decimals)) >= limit * lf_text_powers[decimals])
		decimals++;
	return decimals;
}

void lf_text_distance(struct lf_text *text, double a, double b, unsigned decimals)
{
	uint64_t number = lf_scaled(a, decimals) - lf_scaled(b, decimals);

	if (decimals == 2 && number < 1000)
		add_hundredths(text, (unsigned)number);
	else
		add_digits(text, number, decimals);
}
