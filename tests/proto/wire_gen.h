/* Random protobuf messages on the wire, for property tests: every field of any type of the interface can occur. */
#ifndef LF_TESTS_PROTO_WIRE_GEN_H
#define LF_TESTS_PROTO_WIRE_GEN_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that grow; released with free(data). */
struct gen_bytes {
	uint8_t *data;
	size_t length;
	size_t capacity;
};

void gen_put(struct gen_bytes *bytes, const void *data, size_t length);
void gen_put_varint(struct gen_bytes *bytes, uint64_t number);
void gen_put_tag(struct gen_bytes *bytes, uint32_t number, unsigned wire);
/* A length-delimited field. */
void gen_put_field(struct gen_bytes *bytes, uint32_t number, const void *data, size_t length);

/* SplitMix64. */
uint64_t gen_random(uint64_t *state);
/* 0..bound-1. */
unsigned gen_below(uint64_t *state, unsigned bound);

/*
 * Appends a valid message: fields in random order, packed or not, maps with distinct keys. elements_max: of each
 * repeated field. shuffle_state (may be NULL = state) alone decides about order, packing and length of varints, so that
 * one state with different shuffles gives encodings of the same message (repeated fields keep the order of their
 * elements).
 */
void gen_message(struct gen_bytes *bytes, const ProtobufCMessageDescriptor *type, unsigned elements_max,
	uint64_t *state, uint64_t *shuffle_state);

#endif
