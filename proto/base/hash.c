#include "proto/base/hash.h"

#include <endian.h>
#include <string.h>

static inline uint64_t word_at(const uint8_t *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return le64toh(word);
}

/* Both halves of the product, so that each bit of either factor reaches the result. */
static inline uint64_t fold(uint64_t a, uint64_t b)
{
#ifdef __SIZEOF_INT128__
	const unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
#else
	const uint64_t low = UINT32_MAX, cross = (a >> 32) * (b & low), other = (a & low) * (b >> 32),
		       least = (a & low) * (b & low);
	const uint64_t middle = (least >> 32) + (cross & low) + (other & low);

	return (middle << 32 | (least & low)) ^
		((a >> 32) * (b >> 32) + (cross >> 32) + (other >> 32) + (middle >> 32));
#endif
}

uint64_t lf_hash_bytes(const void *data, size_t length, uint64_t seed)
{
	enum { STEP = 32 };
	const uint64_t odd = 0x9e3779b97f4a7c15u, other = 0xd1b54a32d192ed03u;
	const uint8_t *bytes = data;
	uint8_t rest[STEP] = {0};
	uint64_t left = seed ^ length * odd, right = left ^ other;

	/* Two chains, which a processor follows side by side. */
	for (; length >= STEP; bytes += STEP, length -= STEP) {
		left = fold(word_at(bytes) ^ left ^ odd, word_at(bytes + 8) ^ other);
		right = fold(word_at(bytes + 16) ^ right ^ other, word_at(bytes + 24) ^ odd);
	}
	if (length > 0)
		memcpy(rest, bytes, length);
	left = fold(word_at(rest) ^ left ^ odd, word_at(rest + 8) ^ other);
	right = fold(word_at(rest + 16) ^ right ^ other, word_at(rest + 24) ^ odd);
	return fold(left ^ odd, right ^ other);
}
