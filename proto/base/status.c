#include "proto/base/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/check.h"
#include "proto/base/limits.h"

struct status_row {
	const char *name;
	const char *connect_name;
	const char *text;
	int exit_status;
	int http_status;
};

static const struct status_row status_rows[] = {
#define X(name, code, exit_status, http, connect, text) [code] = {#name, connect, text, exit_status, http},
	LF_STATUS_MAP(X)
#undef X
};

enum { STATUS_COUNT = sizeof(status_rows) / sizeof(status_rows[0]) };

static_assert(STATUS_COUNT == 17, "gRPC has OK and sixteen errors");

static const struct status_row *status_row(enum lf_code code)
{
	return &status_rows[lf_code_from_number((uint32_t)code)];
}

const char *lf_code_name(enum lf_code code)
{
	return status_row(code)->name;
}

const char *lf_code_text(enum lf_code code)
{
	return status_row(code)->text;
}

int lf_code_exit_status(enum lf_code code)
{
	return status_row(code)->exit_status;
}

int lf_code_http_status(enum lf_code code)
{
	return status_row(code)->http_status;
}

const char *lf_code_connect_name(enum lf_code code)
{
	return status_row(code)->connect_name;
}

enum lf_code lf_code_from_number(uint32_t number)
{
	return number < STATUS_COUNT ? (enum lf_code)number : LF_UNKNOWN;
}

/*
 * The longest prefix of text[0..length) that does not end within a UTF-8 sequence. text was cut, so at most three bytes
 * of a sequence can be missing.
 */
static size_t utf8_cut(const char *text, size_t length)
{
	size_t start = length;

	for (size_t back = 1; back <= 3 && back <= length; back++) {
		unsigned char byte = (unsigned char)text[length - back];

		if (byte < 0x80)
			return length;
		if (byte >= 0xc0) {
			size_t needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;

			start = length - back;
			return needed > back ? start : length;
		}
	}
	return start;
}

/* Copies at most capacity - 1 bytes and ends with NUL. Returns the length written. */
static size_t copy_cut(char *out, size_t capacity, const char *text)
{
	size_t length = strnlen(text, capacity);

	if (length == capacity)
		length = utf8_cut(text, capacity - 1);
	memcpy(out, text, length);
	out[length] = '\0';
	return length;
}

/* A format's own %.Ns may cut a character in two: what is left of it becomes '?', as clients take only UTF-8. */
static void repair_utf8(char *text)
{
	while (*text != '\0') {
		unsigned char first = (unsigned char)*text;
		size_t wanted = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
		size_t found = wanted > 0;

		while (found > 0 && found < wanted && ((unsigned char)text[found] & 0xc0) == 0x80)
			found++;
		if (found == wanted && wanted > 0)
			text += wanted;
		else
			*text++ = '?';
	}
}

static void format_cut(char *out, size_t capacity, const char *format, va_list arguments)
	__attribute__((format(printf, 3, 0)));
static void format_cut(char *out, size_t capacity, const char *format, va_list arguments)
{
	int length = vsnprintf(out, capacity, format, arguments);

	if (length < 0)
		out[0] = '\0';
	else if ((size_t)length >= capacity)
		out[utf8_cut(out, capacity - 1)] = '\0';
	repair_utf8(out);
}

void lf_error_init(struct lf_error *error)
{
	if (error != NULL)
		*error = (struct lf_error)LF_ERROR_INIT;
}

void lf_error_clean_up(struct lf_error *error)
{
	if (error == NULL)
		return;
	free(error->violations);
	lf_error_init(error);
}

enum lf_code lf_error_set(struct lf_error *error, enum lf_code code, const char *format, ...)
{
	va_list arguments;

	if (error == NULL)
		return code;
	error->code = code;
	va_start(arguments, format);
	format_cut(error->message, sizeof(error->message), format, arguments);
	va_end(arguments);
	return code;
}

/* Room for one more violation, or NULL: enough are kept, or memory ran out (they are counted all the same). */
static struct lf_violation *violation_slot(struct lf_error *error)
{
	size_t kept = error->violation_kept;

	if (kept >= LF_VIOLATIONS_MAX || kept != error->violation_count)
		return NULL;
	if ((kept & (kept - 1)) == 0) { /* 0, 1, 2, 4, ... are full */
		size_t capacity = kept == 0 ? 1 : 2 * kept;
		struct lf_violation *grown = realloc(error->violations, capacity * sizeof(*grown));

		if (grown == NULL)
			return NULL;
		error->violations = grown;
	}
	return &error->violations[error->violation_kept++];
}

/* message = "FIELD: DESCRIPTION", cut to leave room for reserve bytes. */
static void message_from(struct lf_error *error, const struct lf_violation *violation, size_t reserve)
{
	size_t capacity = sizeof(error->message) - reserve;
	size_t length = copy_cut(error->message, capacity, violation->field);

	if (length != 0)
		length += copy_cut(error->message + length, capacity - length, ": ");
	copy_cut(error->message + length, capacity - length, violation->description);
}

enum lf_code lf_error_vadd(struct lf_error *error, const char *field, const char *format, va_list arguments)
{
	struct lf_violation local;
	struct lf_violation *violation;

	if (error == NULL)
		return LF_INVALID_ARGUMENT;
	error->code = LF_INVALID_ARGUMENT;
	violation = violation_slot(error);
	error->violation_count++;
	if (violation == NULL && error->violation_count > 1)
		return LF_INVALID_ARGUMENT;
	if (violation == NULL)
		violation = &local; /* the first one is in the message even without memory */
	copy_cut(violation->field, sizeof(violation->field), field == NULL ? "" : field);
	format_cut(violation->description, sizeof(violation->description), format, arguments);
	if (error->violation_count == 1)
		message_from(error, violation, 0);
	return LF_INVALID_ARGUMENT;
}

enum lf_code lf_error_add(struct lf_error *error, const char *field, const char *format, ...)
{
	va_list arguments;
	enum lf_code code;

	va_start(arguments, format);
	code = lf_error_vadd(error, field, format, arguments);
	va_end(arguments);
	return code;
}

enum lf_code lf_error_summarize(struct lf_error *error)
{
	char suffix[48];
	size_t reserve, length;

	if (error == NULL)
		return LF_INVALID_ARGUMENT;
	if (error->violation_count < 2)
		return error->code;
	reserve = (size_t)snprintf(suffix, sizeof(suffix), " (and %zu more)", error->violation_count - 1);
	length = strlen(error->message);
	if (error->violation_kept > 0) {
		message_from(error, &error->violations[0], reserve);
		length = strlen(error->message);
	} else if (length >= reserve && strcmp(error->message + length - reserve, suffix) == 0) {
		return error->code; /* summarized already */
	} else if (length + reserve >= sizeof(error->message)) {
		length = utf8_cut(error->message, sizeof(error->message) - 1 - reserve);
	}
	memcpy(error->message + length, suffix, reserve + 1);
	return error->code;
}

void lf_error_move(struct lf_error *to, struct lf_error *from)
{
	if (to == from || from == NULL)
		return;
	if (to == NULL) {
		lf_error_clean_up(from);
		return;
	}
	lf_error_clean_up(to);
	*to = *from;
	lf_error_init(from);
}

static void path_append(struct lf_path *path, const char *text)
{
	path->length += copy_cut(path->text + path->length, sizeof(path->text) - path->length, text);
}

size_t lf_path_push(struct lf_path *path, const char *field)
{
	size_t before = path->length;

	if (before != 0)
		path_append(path, ".");
	path_append(path, field);
	return before;
}

/* By hand: conversion pushes one for each member and piece of evidence of every request. */
size_t lf_path_push_index(struct lf_path *path, const char *field, size_t index)
{
	size_t before = path->length, length = strlen(field);
	char text[32];
	char *digit = text + sizeof(text), *end;

	*--digit = '\0';
	*--digit = ']';
	do {
		*--digit = (char)('0' + index % 10);
		index /= 10;
	} while (index > 0);
	*--digit = '[';
	if (length >= sizeof(path->text) || before + length + sizeof(text) >= sizeof(path->text)) {
		lf_path_push(path, field);
		path_append(path, digit);
		return before;
	}
	end = path->text + before;
	if (before != 0)
		*end++ = '.';
	memcpy(end, field, length);
	end += length;
	while ((*end = *digit++) != '\0')
		end++;
	path->length = (size_t)(end - path->text);
	return before;
}

size_t lf_path_push_key(struct lf_path *path, const char *field, const char *key)
{
	size_t before = lf_path_push(path, field);

	path_append(path, "[\"");
	path_append(path, key);
	path_append(path, "\"]");
	return before;
}

void lf_path_pop(struct lf_path *path, size_t length)
{
	LF_CHECK(P7, length <= path->length);
	path->length = length;
	path->text[length] = '\0';
}
