#include "service/rubric/version.h"

#include <limits.h>
#include <stdlib.h>

#include "proto/base/check.h"
#include "proto/wire/wire.h"
#include "service/rubric/compiler.h"

/* A rubric of LF_MESSAGE_BYTES_MAX unpacks to at most so much, with the tables made from it. */
static const size_t arena_bytes_max = (size_t)32 * 1024 * 1024;

enum lf_code lf_version_new(
	struct lf_version **out, const uint8_t *data, size_t length, const char *prefix, struct lf_error *error)
{
	struct lf_version *version = calloc(1, sizeof(*version));
	enum lf_code code;

	*out = NULL;
	if (version == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for a rubric");
	atomic_init(&version->references, 1);
	lf_arena_init(&version->arena, arena_bytes_max);
	version->message = (Leadfit__V1__Rubric *)lf_wire_unpack(
		&leadfit__v1__rubric__descriptor, data, length, &version->arena, error);
	if (version->message == NULL) {
		code = error != NULL && error->code != LF_OK ? error->code : LF_INVALID_ARGUMENT;
		goto fail;
	}
	version->canonical.data =
		lf_wire_canonical_bytes(&version->message->base, &version->arena, &version->canonical.length);
	if (version->canonical.data == NULL) {
		code = lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for a rubric");
		goto fail;
	}
	lf_sha256(version->canonical.data, version->canonical.length, &version->digest);
	lf_digest_print(&version->digest, version->digest_text);
	code = lf_version_compile(version, prefix, error);
	if (code != LF_OK)
		goto fail;
	*out = version;
	return LF_OK;
fail:
	lf_version_release(version);
	return code;
}

struct lf_version *lf_version_retain(struct lf_version *version)
{
	const unsigned before = atomic_fetch_add_explicit(&version->references, 1, memory_order_relaxed);

	LF_CHECK(H5, before > 0 && before < UINT_MAX);
	return version;
}

size_t lf_version_bytes(const struct lf_version *version)
{
	return sizeof(*version) + version->arena.bytes_used + lf_rubric_bytes(version->compiled);
}

void lf_version_release(struct lf_version *version)
{
	unsigned before;

	if (version == NULL)
		return;
	before = atomic_fetch_sub_explicit(&version->references, 1, memory_order_acq_rel);
	LF_CHECK(H5, before > 0);
	if (before > 1)
		return;
	lf_rubric_destroy(version->compiled);
	lf_arena_clean_up(&version->arena);
	free(version);
}
