#include "service/events/line.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/dates.h"
#include "proto/base/harmless.h"

enum { END_BYTES = 2 /* "}\n" */, PIECE_BYTES = 16 };

static void put(struct lf_line *line, const char *text, size_t length)
{
	line->full |= length > sizeof(line->text) - END_BYTES - line->length;
	if (line->full)
		return;
	memcpy(line->text + line->length, text, length);
	line->length += length;
}

static void put_text(struct lf_line *line, const char *text)
{
	put(line, text, strlen(text));
}

/* Bytes of the character at text, as RFC 3629 has it; 0: it is none. */
static size_t character(const char *text, size_t left, uint32_t *found)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char first = (unsigned char)text[0];
	const size_t length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;

	if (length == 0 || length > left || first > 0xf4)
		return 0;
	*found = length == 1 ? first : first & (0xffu >> (length + 1));
	for (size_t i = 1; i < length; i++) {
		if (((unsigned char)text[i] & 0xc0) != 0x80)
			return 0;
		*found = *found << 6 | ((unsigned char)text[i] & 0x3fu);
	}
	return *found < least[length] || *found > 0x10ffff || (*found >= 0xd800 && *found <= 0xdfff) ? 0 : length;
}

/* Whether it acts on a terminal, ends a line, or can't be seen. */
static bool is_unseen(const char *text, size_t length)
{
	char alone[5] = "";

	memcpy(alone, text, length);
	return alone[0] == '\0' || lf_unseen(alone, NULL) > 0;
}

/* As JSON's strings have it. */
static size_t escape(uint32_t found, char piece[PIECE_BYTES])
{
	const char letter = found == '\n' ? 'n' : found == '\r' ? 'r' : found == '\t' ? 't' : '\0';

	if (letter != '\0')
		return (size_t)snprintf(piece, PIECE_BYTES, "\\%c", letter);
	if (found <= 0xffff)
		return (size_t)snprintf(piece, PIECE_BYTES, "\\u%04" PRIx32, found);
	found -= 0x10000;
	return (size_t)snprintf(
		piece, PIECE_BYTES, "\\u%04" PRIx32 "\\u%04" PRIx32, 0xd800 + (found >> 10), 0xdc00 + (found & 0x3ff));
}

/* How the character at text is written. *taken: its bytes. quoted: between JSON's quotes; else what is unseen is a '?'. */
static size_t make_piece(const char *text, size_t left, bool quoted, char piece[PIECE_BYTES], size_t *taken)
{
	uint32_t found = 0xfffd;
	const size_t length = character(text, left, &found);

	*taken = length > 0 ? length : 1;
	if (length == 0 || is_unseen(text, length)) {
		if (quoted)
			return escape(length > 0 ? found : 0xfffd, piece);
		piece[0] = '?';
		return 1;
	}
	if (quoted && (found == '"' || found == '\\')) {
		piece[0] = '\\';
		piece[1] = (char)found;
		return 2;
	}
	memcpy(piece, text, length);
	return length;
}

/* What takes more than max bytes is cut at a character, and ends in "...". */
static void put_harmless(struct lf_line *line, struct lf_slice text, size_t max, bool quoted)
{
	const size_t begin = line->length;
	size_t taken;

	for (size_t at = 0; at < text.length && !line->full; at += taken) {
		char piece[PIECE_BYTES];
		const size_t length = make_piece(text.data + at, text.length - at, quoted, piece, &taken);

		if (line->length - begin + length > max - 3) {
			put_text(line, "...");
			return;
		}
		put(line, piece, length);
	}
}

static void put_quoted(struct lf_line *line, struct lf_slice text, size_t max)
{
	put_text(line, "\"");
	put_harmless(line, text, max, true);
	put_text(line, "\"");
}

/* A value as text has it: in quotes where it could be taken for more than one. */
static bool is_plain(struct lf_slice text)
{
	for (size_t i = 0; i < text.length; i++)
		if (text.data[i] <= ' ' || text.data[i] > '~' || strchr("\"\\=", text.data[i]) != NULL)
			return false;
	return true;
}

static void put_field(struct lf_line *line, const struct lf_event_field *field, bool json)
{
	const size_t begin = line->length;
	char number[24];

	if ((!field->is_number && field->text.length == 0) || (field->said && !json))
		return;
	put_text(line, json ? ",\"" : " ");
	put_text(line, field->name);
	put_text(line, json ? "\":" : "=");
	if (field->is_number) {
		snprintf(number, sizeof(number), "%" PRIu64, field->number);
		put_text(line, number);
	} else if (json || !is_plain(field->text)) {
		put_quoted(line, field->text, LF_LINE_VALUE_MAX);
	} else {
		put_harmless(line, field->text, LF_LINE_VALUE_MAX, false);
	}
	if (line->full)
		line->length = begin;
	line->full = false;
}

static void put_head(struct lf_line *line, const struct lf_line_parts *parts, bool json)
{
	char time[LF_TIME_TEXT_BYTES];

	lf_print_time(parts->time_us, time);
	put_text(line, json ? "{\"ts\":\"" : "");
	put_text(line, time);
	put_text(line, json ? "\",\"level\":\"" : " ");
	put_text(line, lf_event_level_name(lf_event_level(parts->event)));
	put_text(line, json ? "\",\"event\":\"" : " ");
	put_text(line, lf_event_name(parts->event));
	put_text(line, json ? "\"" : ":");
}

static void put_message(struct lf_line *line, struct lf_slice message, bool json)
{
	if (message.length == 0)
		return;
	put_text(line, json ? ",\"msg\":" : " ");
	if (json)
		put_quoted(line, message, LF_LINE_MESSAGE_MAX);
	else
		put_harmless(line, message, LF_LINE_MESSAGE_MAX, false);
}

void lf_line_make(struct lf_line *line, const struct lf_line_parts *parts, bool json, bool for_journal)
{
	static const char *const syslog[LF_LEVEL_COUNT] = {"<7>", "<6>", "<4>", "<3>"};

	line->length = 0;
	line->full = false;
	put_text(line, for_journal ? syslog[lf_event_level(parts->event)] : "");
	put_head(line, parts, json);
	put_message(line, parts->message, json);
	for (size_t i = 0; i < parts->count; i++)
		put_field(line, &parts->fields[i], json);
	if (json)
		line->text[line->length++] = '}';
	line->text[line->length++] = '\n';
}
