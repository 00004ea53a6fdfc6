/* Bytes of a spreadsheet's text, whatever they are encoded in, as UTF-8. */
#ifndef LF_CLIENT_SHEETS_CHARSET_H
#define LF_CLIENT_SHEETS_CHARSET_H

#include <stddef.h>

#include "proto/base/buffer.h"
#include "proto/base/status.h"

/*
 * Gives the text as UTF-8 in out, and in *said how it was read ("Windows-1252"; "UTF-16"); NULL where it is UTF-8
 * already, and out is left empty then. UTF-16 is known by its byte order mark. INVALID_ARGUMENT where it is none of them,
 * or has a NUL.
 */
enum lf_code lf_to_utf8(
	const char *text, size_t length, struct lf_buffer *out, const char **said, struct lf_error *error);

#endif
