/* Numbers as protobuf writes them, for what writes canonical bytes by hand. */
#ifndef LF_STORAGE_LOG_VARINT_H
#define LF_STORAGE_LOG_VARINT_H

#include <stddef.h>
#include <stdint.h>

enum { LF_VARINT_BYTES_MAX = 10 };

/* Writes a varint where out is not NULL. Returns its length. */
static inline size_t lf_varint_write(uint8_t *out, uint64_t value)
{
	size_t length = 0;

	do {
		if (out != NULL)
			out[length] = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
		length++;
		value >>= 7;
	} while (value != 0);
	return length;
}

#endif
