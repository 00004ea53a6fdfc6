#define OPENSSL_SUPPRESS_DEPRECATED /* The plain functions allocate nothing and can't fail; EVP's can do both. */
#include "storage/tlog/hash.h"

#include <assert.h>
#include <string.h>

#include <openssl/sha.h>

static_assert(SHA256_DIGEST_LENGTH == sizeof(struct lf_digest), "a digest is SHA-256");

static void update(SHA256_CTX *context, const void *data, size_t length)
{
	if (length > 0)
		SHA256_Update(context, data, length);
}

void lf_sha256(const void *data, size_t length, struct lf_digest *digest)
{
	lf_sha256_two(data, length, NULL, 0, digest);
}

void lf_sha256_two(
	const void *first, size_t first_length, const void *second, size_t second_length, struct lf_digest *digest)
{
	SHA256_CTX context;

	SHA256_Init(&context);
	update(&context, first, first_length);
	update(&context, second, second_length);
	SHA256_Final(digest->bytes, &context);
}

void lf_digest_print(const struct lf_digest *digest, char text[65])
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < sizeof(digest->bytes); i++) {
		text[2 * i] = hex[digest->bytes[i] >> 4];
		text[2 * i + 1] = hex[digest->bytes[i] & 15];
	}
	text[64] = '\0';
}

bool lf_digest_equal(const struct lf_digest *a, const struct lf_digest *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

void lf_leaf_hash(const void *leaf, size_t length, struct lf_digest *hash)
{
	static const uint8_t prefix = 0;

	lf_sha256_two(&prefix, 1, leaf, length, hash);
}

void lf_node_hash(const struct lf_digest *left, const struct lf_digest *right, struct lf_digest *hash)
{
	uint8_t bytes[1 + 2 * sizeof(*left)];

	bytes[0] = 1;
	memcpy(bytes + 1, left, sizeof(*left));
	memcpy(bytes + 1 + sizeof(*left), right, sizeof(*right));
	lf_sha256(bytes, sizeof(bytes), hash);
}
