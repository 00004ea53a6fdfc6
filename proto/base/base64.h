/* Base64, RFC 4648: bytes as text and back. */
#ifndef LF_PROTO_BASE_BASE64_H
#define LF_PROTO_BASE_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Characters that so many bytes take, with padding; without, it is fewer by at most two. */
size_t lf_base64_size(size_t bytes);
/*
 * Writes bytes in the standard alphabet, padded with '=' or not, and no NUL. out has lf_base64_size(count) characters.
 * Returns what follows them.
 */
char *lf_base64_print(const uint8_t *bytes, size_t count, bool padded, char *out);
/*
 * Reads either alphabet, the standard one or that for URLs, even mixed. Padding is optional, but right where it is
 * given; bits that stand for nothing are zero. out has length / 4 * 3 + 3 bytes, and may be where the text is. false
 * where the text is not base64.
 */
bool lf_base64_parse(const char *text, size_t length, uint8_t *out, size_t *out_length);

#endif
