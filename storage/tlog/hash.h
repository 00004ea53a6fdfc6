/*
 * SHA-256, as the log uses it: digests of bytes, and the leaf and node hashes of RFC 6962, section 2.1.
 *
 * This folder is what an auditor's tool needs and no more: pure functions over bytes, by OpenSSL's libcrypto alone.
 */
#ifndef LF_TLOG_HASH_H
#define LF_TLOG_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lf_digest {
	uint8_t bytes[32]; /* SHA-256 */
};

void lf_sha256(const void *data, size_t length, struct lf_digest *digest);
/* Of two stretches of bytes, one behind the other. A commitment is that of a 32-byte salt and canonical bytes. */
void lf_sha256_two(
	const void *first, size_t first_length, const void *second, size_t second_length, struct lf_digest *digest);
/* 64 lower-case hexadecimal digits and NUL. */
void lf_digest_print(const struct lf_digest *digest, char text[65]);
bool lf_digest_equal(const struct lf_digest *a, const struct lf_digest *b);

/* SHA-256(0x00 || leaf). */
void lf_leaf_hash(const void *leaf, size_t length, struct lf_digest *hash);
/* SHA-256(0x01 || left || right). */
void lf_node_hash(const struct lf_digest *left, const struct lf_digest *right, struct lf_digest *hash);

#endif
