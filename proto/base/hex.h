/* Hexadecimal digits. */
#ifndef LF_PROTO_BASE_HEX_H
#define LF_PROTO_BASE_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The value of a digit of either case, or -1. */
int lf_hex_value(char digit);
/* Reads exactly count bytes from 2 * count digits of either case. false where one is no digit. */
bool lf_hex_parse(const char *text, size_t count, uint8_t *bytes);
/* Writes 2 * count lower-case digits, and no NUL. Returns what follows them. */
char *lf_hex_print(const uint8_t *bytes, size_t count, char *out);

#endif
