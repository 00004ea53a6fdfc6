/*
 * Any bytes as a request message (the first byte picks its type among those of all methods). What passes the check
 * unpacks from an arena of exactly the size that the check gave, and its canonical bytes are a fixed point. What the
 * quick way decodes passes the check, and means the same.
 */
#include <string.h>

#include "proto/wire/decode.h"
#include "proto/base/limits.h"
#include "proto/wire/wire.h"
#include "tests/fuzz/fuzz.h"

static const ProtobufCMessageDescriptor *pick_type(uint8_t choice)
{
	size_t count = 0, wanted;

	for (size_t i = 0; lf_services[i] != NULL; i++)
		count += lf_services[i]->n_methods;
	wanted = choice % count;
	for (size_t i = 0; lf_services[i] != NULL; i++) {
		if (wanted < lf_services[i]->n_methods)
			return lf_services[i]->methods[wanted].input;
		wanted -= lf_services[i]->n_methods;
	}
	abort();
}

/* The canonical bytes of data, to be freed; NULL where data does not pass. */
static uint8_t *canonical_of(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t size, size_t *length)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_arena arena, bytes_arena, quick_arena;
	ProtobufCMessage *message, *quick;
	uint8_t *bytes, *copy;
	size_t bound;

	lf_arena_init(&quick_arena, SIZE_MAX);
	quick = lf_decode(type, data, size, NULL, &quick_arena);
	if (lf_wire_check(type, data, size, &bound, &error) != LF_OK) {
		REQUIRE(quick == NULL);
		lf_arena_clean_up(&quick_arena);
		REQUIRE(error.code == LF_INVALID_ARGUMENT && error.message[0] != '\0');
		REQUIRE(error.violation_count >= 1 && error.violation_kept <= LF_VIOLATIONS_MAX);
		lf_error_clean_up(&error);
		return NULL;
	}
	lf_arena_init(&arena, bound);
	message = protobuf_c_message_unpack(type, &arena.allocator, size, data);
	REQUIRE(message != NULL);
	REQUIRE(arena.bytes_used <= bound);
	lf_arena_init(&bytes_arena, SIZE_MAX);
	bytes = lf_wire_canonical_bytes(message, &bytes_arena, length);
	REQUIRE(bytes != NULL);
	if (quick != NULL) {
		size_t quick_length;
		const uint8_t *quick_bytes = lf_wire_canonical_bytes(quick, &quick_arena, &quick_length);

		REQUIRE(quick_bytes != NULL);
		REQUIRE(quick_length == *length && memcmp(quick_bytes, bytes, *length) == 0);
	}
	lf_arena_clean_up(&quick_arena);
	copy = malloc(*length + 1);
	REQUIRE(copy != NULL);
	memcpy(copy, bytes, *length);
	lf_arena_clean_up(&bytes_arena);
	lf_arena_clean_up(&arena);
	return copy;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const ProtobufCMessageDescriptor *type;
	uint8_t *once, *twice;
	size_t once_length, twice_length;

	if (size < 1)
		return 0;
	type = pick_type(data[0]);
	once = canonical_of(type, data + 1, size - 1, &once_length);
	if (once == NULL)
		return 0;
	twice = canonical_of(type, once, once_length, &twice_length);
	REQUIRE(twice != NULL);
	REQUIRE(twice_length == once_length && memcmp(once, twice, once_length) == 0);
	free(once);
	free(twice);
	return 0;
}
