/* UUIDs as text, and the rising version 7 ids of the log. */
#include <string.h>

#include "proto/base/hex.h"
#include "storage/log/private.h"

void lf_uuid_print(const struct lf_uuid *id, char text[LF_UUID_TEXT_BYTES])
{
	char *out = text;

	for (size_t i = 0; i < sizeof(id->bytes); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*out++ = '-';
		out = lf_hex_print(&id->bytes[i], 1, out);
	}
	*out = '\0';
}

bool lf_uuid_parse(const char *text, struct lf_uuid *id)
{
	struct lf_uuid parsed;
	const char *in = text;

	for (size_t i = 0; i < sizeof(parsed.bytes); i++) {
		int high, low;

		if ((i == 4 || i == 6 || i == 8 || i == 10) && *in++ != '-')
			return false;
		high = lf_hex_value(in[0]);
		if (high < 0)
			return false;
		low = lf_hex_value(in[1]);
		if (low < 0)
			return false;
		parsed.bytes[i] = (uint8_t)(high << 4 | low);
		in += 2;
	}
	if (*in != '\0')
		return false;
	*id = parsed;
	return true;
}

/* The 48 bits of milliseconds. */
static uint64_t id_ms(const struct lf_uuid *id)
{
	uint64_t ms = 0;

	for (size_t i = 0; i < 6; i++)
		ms = ms << 8 | id->bytes[i];
	return ms;
}

static void set_id(struct lf_uuid *id, uint64_t ms, uint32_t high, uint64_t low)
{
	for (size_t i = 0; i < 6; i++)
		id->bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
	id->bytes[6] = (uint8_t)(0x70 | (high >> 8 & 15)); /* version 7 */
	id->bytes[7] = (uint8_t)high;
	for (size_t i = 0; i < 8; i++)
		id->bytes[8 + i] = (uint8_t)(low >> (56 - 8 * i));
	id->bytes[8] = (uint8_t)(0x80 | (id->bytes[8] & 0x3f)); /* variant of RFC 9562 */
}

/*
 * RFC 9562, section 6.2, method 2: within a millisecond (or while the clock is behind) the 74 random bits are a number
 * that grows by a random step; its top bit starts as 0, to leave room. When it is full, the milliseconds go up by one.
 */
void lf_uuid_next(struct lf_uuid *last, int64_t now_us, const uint8_t random[16])
{
	uint64_t ms = now_us < 0 ? 0 : (uint64_t)now_us / 1000, word;
	uint32_t high = ((uint32_t)random[8] << 8 | random[9]) & 0x7ff;
	uint64_t low, low_max, last_ms;

	memcpy(&word, random, sizeof(word));
	low = word >> 2;
	low_max = UINT64_MAX >> 2;
	last_ms = id_ms(last);
	if (ms <= last_ms) {
		uint64_t last_low = 0;

		for (size_t i = 8; i < 16; i++)
			last_low = last_low << 8 | last->bytes[i];
		last_low &= low_max;
		ms = last_ms;
		high = (uint32_t)(last->bytes[6] & 15) << 8 | last->bytes[7];
		low = last_low + 1 + (word >> 8 & 0xffffffffu);
		if (low > low_max) {
			low &= low_max;
			if (++high > 0xfff) {
				high = 0;
				ms++;
			}
		}
	}
	set_id(last, ms, high, low);
}
