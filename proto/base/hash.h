/* A hash of bytes, for tables. */
#ifndef LF_PROTO_BASE_HASH_H
#define LF_PROTO_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/*
 * For tables and for telling changes by chance, the same on every machine; whoever wants two texts of one hash can find
 * them.
 */
uint64_t lf_hash_bytes(const void *bytes, size_t length, uint64_t seed);

#endif
