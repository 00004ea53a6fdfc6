#include "service/scoring/batch_result.h"

#include <string.h>

#include "proto/base/check.h"
#include "proto/wire/span.h"
#include "proto/wire/wire.h"
#include "service/decide/text_list.h"

enum {
	SUMMARY_BYTES = 320, /* about; and a decision's */
	DECISION_BYTES = 9216,
	BARE_BYTES = 128,
	RESULTS_FIELD = 1, /* ScoreBatchResponse.results */
};

/* ---- results ---- */

bool lf_batch_result_pack(struct lf_batch_result *result, enum lf_batch_field field, const ProtobufCMessage *message,
	struct lf_arena *scratch, struct lf_arena *arena)
{
	size_t length;
	/* In the scratch first, for what the packer outgrows is lost to its arena. */
	const uint8_t *packed =
		lf_wire_pack(message, scratch, field == LF_BATCH_DECISION ? DECISION_BYTES : SUMMARY_BYTES, &length);
	uint8_t *kept = packed == NULL ? NULL : lf_arena_alloc(arena, length);

	if (kept == NULL)
		return false;
	memcpy(kept, packed, length);
	result->field = field;
	result->bytes = (struct lf_bytes){kept, length};
	result->head_length = 0;
	return true;
}

void lf_batch_result_identify(struct lf_batch_result *result, const struct lf_uuid *id, int64_t decided_at_us)
{
	/* The same fields, with the least numbers, in both messages: so they stand first. */
	result->head_length = lf_decision_tail(id, decided_at_us, result->head);
}

/* The error as a message over the caller's storage, which borrows from it. */
struct told {
	Leadfit__V1__Error message;
	Leadfit__V1__FieldViolation violations[LF_VIOLATIONS_MAX];
	Leadfit__V1__FieldViolation *list[LF_VIOLATIONS_MAX];
};

static void tell(struct told *told, const struct lf_error *error)
{
	leadfit__v1__error__init(&told->message);
	told->message.code = error->code;
	told->message.message = lf_unconst(error->message);
	told->message.violations = told->list;
	for (size_t i = 0; i < error->violation_kept && i < LF_VIOLATIONS_MAX; i++) {
		leadfit__v1__field_violation__init(&told->violations[i]);
		told->violations[i].field = error->violations[i].field;
		told->violations[i].description = error->violations[i].description;
		told->list[told->message.n_violations++] = &told->violations[i];
	}
}

void lf_batch_result_fail(struct lf_batch_result *result, struct lf_error *error, struct lf_arena *arena)
{
	struct told told;
	uint8_t *bytes;

	tell(&told, error);
	result->bytes.length = leadfit__v1__error__get_packed_size(&told.message);
	bytes = lf_arena_alloc(arena, result->bytes.length);
	if (bytes != NULL)
		leadfit__v1__error__pack(&told.message, bytes);
	result->bytes.data = bytes;
	result->field = bytes == NULL ? LF_BATCH_NONE : LF_BATCH_ERROR;
	result->head_length = 0;
	lf_error_clean_up(error);
}

/* ---- the reply ---- */

static size_t varint_bytes(size_t number)
{
	size_t bytes = 1;

	for (; number >= 0x80; number >>= 7)
		bytes++;
	return bytes;
}

/* Bytes of a field that is a message of that length. */
static size_t framed(size_t length)
{
	return 1 + varint_bytes(length) + length;
}

static uint8_t *put_frame(uint8_t *out, unsigned field, size_t length)
{
	*out++ = (uint8_t)(field << 3 | 2);
	return out + lf_put_varint(out, length);
}

static uint8_t *put_result(uint8_t *out, const struct lf_batch_result *result)
{
	const size_t length = result->head_length + result->bytes.length;

	out = put_frame(out, RESULTS_FIELD, framed(length));
	out = put_frame(out, result->field, length);
	memcpy(out, result->head, result->head_length);
	out += result->head_length;
	if (result->bytes.length > 0)
		memcpy(out, result->bytes.data, result->bytes.length);
	return out + result->bytes.length;
}

/* What stands for a result that found no memory. */
static struct lf_batch_result bare_result(uint8_t bytes[BARE_BYTES])
{
	struct lf_batch_result bare = {.field = LF_BATCH_ERROR, .bytes.data = bytes};
	Leadfit__V1__Error error = LEADFIT__V1__ERROR__INIT;

	error.code = LF_RESOURCE_EXHAUSTED;
	error.message = lf_unconst("the batch needs more memory than its budget: send fewer items");
	bare.bytes.length = leadfit__v1__error__pack(&error, bytes);
	return bare;
}

bool lf_batch_results_stage(struct lf_rpc_call *call, const struct lf_batch_result *results, size_t count)
{
	uint8_t bytes[BARE_BYTES];
	const struct lf_batch_result bare = bare_result(bytes);
	size_t length = 0;
	uint8_t *start, *out;

	for (size_t i = 0; i < count; i++) {
		const struct lf_batch_result *result = results[i].field == LF_BATCH_NONE ? &bare : &results[i];

		length += framed(framed(result->head_length + result->bytes.length));
	}
	start = out = lf_rpc_stage_bytes(call, length);
	for (size_t i = 0; out != NULL && i < count; i++)
		out = put_result(out, results[i].field == LF_BATCH_NONE ? &bare : &results[i]);
	LF_CHECK(D13, out == NULL || (size_t)(out - start) == length);
	return out != NULL;
}
