/* The digest of a list of strings, and random bytes. */
#define OPENSSL_SUPPRESS_DEPRECATED /* The plain functions allocate nothing and can't fail; EVP's can do both. */
#include <string.h>

#include <openssl/rand.h>
#include <openssl/sha.h>

#include "storage/log/private.h"

void lf_sha256_strings(const char *const *strings, size_t count, struct lf_digest *digest)
{
	SHA256_CTX context;

	SHA256_Init(&context);
	for (size_t i = 0; i < count; i++)
		SHA256_Update(
			&context, strings[i], strlen(strings[i]) + 1); /* the NUL ends each: no two lists look alike */
	SHA256_Final(digest->bytes, &context);
}

bool lf_random(void *buffer, size_t length)
{
	return length <= INT32_MAX && RAND_bytes(buffer, (int)length) == 1;
}
