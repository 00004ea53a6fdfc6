#include "service/rubric/checker.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/nearest.h"
#include "proto/text/json.h"
#include "proto/base/limits.h"

static void add(struct lf_checker *checker, size_t mark, const char *format, va_list arguments)
{
	lf_error_vadd(checker->error, checker->path.text, format, arguments);
	lf_path_pop(&checker->path, mark);
	checker->found++;
}

void lf_check_fail(struct lf_checker *checker, const char *field, const char *format, ...)
{
	size_t mark = checker->path.length;
	va_list arguments;

	if (*field != '\0')
		mark = lf_path_push(&checker->path, field);
	va_start(arguments, format);
	add(checker, mark, format, arguments);
	va_end(arguments);
}

void lf_check_fail_key(struct lf_checker *checker, const char *field, const char *key, const char *format, ...)
{
	size_t mark = lf_path_push_key(&checker->path, field, key);
	va_list arguments;

	va_start(arguments, format);
	add(checker, mark, format, arguments);
	va_end(arguments);
}

/* C0, DEL, and C1 (as U+0080..U+009F in UTF-8): what would let an id rewrite a terminal or a log line. */
static bool has_control_character(const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++)
		if (*p < 0x20 || *p == 0x7f || (*p == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f))
			return true;
	return false;
}

bool lf_check_id(struct lf_checker *checker, const char *field, const char *id)
{
	return lf_check_name(checker, field, NULL, id);
}

bool lf_check_name(struct lf_checker *checker, const char *field, const char *key, const char *name)
{
	size_t length = strlen(name);
	size_t mark = checker->path.length;

	if (length > 0 && length <= LF_ID_BYTES_MAX && !has_control_character(name))
		return true;
	if (key != NULL)
		mark = lf_path_push_key(&checker->path, field, key);
	else if (*field != '\0')
		mark = lf_path_push(&checker->path, field);
	if (length == 0)
		lf_check_fail(checker, "", "is required");
	else if (length > LF_ID_BYTES_MAX)
		lf_check_fail(checker, "", "has %zu bytes; allowed are 1..%d", length, LF_ID_BYTES_MAX);
	else
		lf_check_fail(checker, "", "has a control character");
	lf_path_pop(&checker->path, mark);
	return false;
}

const char *lf_check_nearest(const struct lf_checker *checker, const char *name, const struct lf_name_index *known)
{
	enum { SUGGESTIONS_MAX = 10 };

	if (checker->found >= SUGGESTIONS_MAX || strlen(name) > LF_ID_BYTES_MAX)
		return NULL;
	return lf_nearest(name, known->ids, known->count);
}

bool lf_check_text(struct lf_checker *checker, const char *field, const char *text, size_t bytes_max)
{
	size_t length = strlen(text);

	if (length <= bytes_max)
		return true;
	lf_check_fail(checker, field, "has %zu bytes; allowed are at most %zu", length, bytes_max);
	return false;
}

bool lf_check_count(struct lf_checker *checker, const char *field, size_t count, size_t max)
{
	if (count <= max)
		return true;
	lf_check_fail(checker, field, "has %zu entries; allowed are at most %zu", count, max);
	return false;
}

static void print_range(char text[128], double value, double low, double high)
{
	char numbers[3][32];

	lf_print_double(value, numbers[0]);
	lf_print_double(low, numbers[1]);
	lf_print_double(high, numbers[2]);
	snprintf(text, 128, "%s is outside %s..%s", numbers[0], numbers[1], numbers[2]);
}

bool lf_check_range(struct lf_checker *checker, const char *field, double value, double low, double high)
{
	char text[128];

	if (value >= low && value <= high)
		return true;
	print_range(text, value, low, high);
	lf_check_fail(checker, field, "%s", text);
	return false;
}

bool lf_check_range_key(
	struct lf_checker *checker, const char *field, const char *key, double value, double low, double high)
{
	char text[128];

	if (value >= low && value <= high)
		return true;
	print_range(text, value, low, high);
	lf_check_fail_key(checker, field, key, "%s", text);
	return false;
}

void lf_check_undeclared(struct lf_checker *checker, const char *field, const char *key, const char *kind,
	const char *name, const struct lf_name_index *known)
{
	const char *nearest = lf_check_nearest(checker, name, known);
	char text[512];

	if (!lf_check_name(checker, field, key, name))
		return;
	if (nearest != NULL)
		snprintf(text, sizeof(text), "\"%s\" is not a %s of this rubric; nearest: %s", name, kind, nearest);
	else
		snprintf(text, sizeof(text), "\"%s\" is not a %s of this rubric", name, kind);
	if (key != NULL)
		lf_check_fail_key(checker, field, key, "%s", text);
	else
		lf_check_fail(checker, field, "%s", text);
}
