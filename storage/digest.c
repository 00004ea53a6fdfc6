/* SHA-256 by OpenSSL, and random bytes. */
#define OPENSSL_SUPPRESS_DEPRECATED /* The plain functions allocate nothing and can't fail; EVP's can do both. */
#include <assert.h>
#include <string.h>

#include <openssl/rand.h>
#include <openssl/sha.h>

#include "storage/log_private.h"

static_assert(SHA256_DIGEST_LENGTH == sizeof(struct lf_digest), "a digest is SHA-256");

void lf_sha256(const void *data, size_t length, struct lf_digest *digest)
{
	SHA256_CTX context;
	SHA256_Init(&context);
	if (length > 0)
		SHA256_Update(&context, data, length);
	SHA256_Final(digest->bytes, &context);
}

void lf_sha256_strings(const char *const *strings, size_t count, struct lf_digest *digest)
{
	SHA256_CTX context;
	SHA256_Init(&context);
	for (size_t i = 0; i < count; i++)
		SHA256_Update(
			&context, strings[i], strlen(strings[i]) + 1); /* the NUL ends each: no two lists look alike */
	SHA256_Final(digest->bytes, &context);
}

void lf_digest_print(const struct lf_digest *digest, char text[65])
{
	static const char hex[] = "0123456789abcdef";
	for (size_t i = 0; i < sizeof digest->bytes; i++) {
		text[2 * i] = hex[digest->bytes[i] >> 4];
		text[2 * i + 1] = hex[digest->bytes[i] & 15];
	}
	text[64] = '\0';
}

bool lf_random(void *buffer, size_t length)
{
	return length <= INT32_MAX && RAND_bytes(buffer, (int)length) == 1;
}
