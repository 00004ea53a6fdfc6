/* Base64 and decimal numbers, as notes and proofs have them: one text for one value, and no other. */
#ifndef LF_TLOG_TEXT_H
#define LF_TLOG_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Base64 of RFC 4648, section 4, with padding. Returns the length written, without the NUL that is added. */
size_t lf_base64_encode(const void *data, size_t length, char *text); /* 4 * ((length + 2) / 3) + 1 bytes */
/* false where the text is not canonical base64 or holds more than size bytes. data may have been written to then. */
bool lf_base64_decode(const char *text, size_t text_length, void *data, size_t size, size_t *length);
/*
 * The same, but of what is longer than size the first size bytes are kept; *length has the length of all.
 */
bool lf_base64_decode_some(const char *text, size_t text_length, uint8_t *data, size_t size, size_t *length);

/* Decimal digits without a zero too many. false where the text is something else, or above 2^64 - 1. */
bool lf_decimal_read(const char *text, size_t length, uint64_t *number);

#endif
