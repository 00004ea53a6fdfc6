/* Id and times of a decision. Its id and the time that orders it are known only once it is on disk. */
#include <string.h>

#include "proto/base/hex.h"
#include "proto/base/trace.h"
#include "proto/wire/span.h"
#include "service/decide/decision.h"
#include "service/decide/time.h"

size_t lf_decision_tail(const struct lf_uuid *id, int64_t decided_at_us, uint8_t out[LF_DECISION_TAIL_MAX])
{
	char text[LF_UUID_TEXT_BYTES];
	size_t length = 0, at;

	lf_uuid_print(id, text);
	out[length++] = 1 << 3 | 2; /* decision_id */
	out[length++] = LF_UUID_TEXT_BYTES - 1;
	memcpy(out + length, text, LF_UUID_TEXT_BYTES - 1);
	length += LF_UUID_TEXT_BYTES - 1;
	out[length++] = 2 << 3 | 2; /* decided_at */
	at = length++;
	out[length++] = 1 << 3; /* seconds */
	length += lf_put_varint(out + length, (uint64_t)(decided_at_us / 1000000));
	if (decided_at_us % 1000000 != 0) {
		out[length++] = 2 << 3; /* nanos */
		length += lf_put_varint(out + length, (uint64_t)(decided_at_us % 1000000 * 1000));
	}
	out[at] = (uint8_t)(length - at - 1);
	return length;
}

bool lf_decision_identify(
	Leadfit__V1__Decision *decision, const struct lf_uuid *id, int64_t decided_at_us, struct lf_arena *arena)
{
	char text[LF_UUID_TEXT_BYTES];
	char *copy;

	lf_uuid_print(id, text);
	copy = lf_arena_strdup(arena, text, LF_UUID_TEXT_BYTES - 1);
	decision->decided_at = lf_timestamp_new(decided_at_us, arena);
	if (copy == NULL || decision->decided_at == NULL)
		return false;
	decision->decision_id = copy;
	return true;
}

bool lf_decision_set_trace(Leadfit__V1__Decision *decision, const uint8_t *trace_id, struct lf_arena *arena)
{
	char *text = trace_id == NULL ? NULL : lf_arena_zalloc(arena, 1, 2 * LF_TRACE_ID_BYTES + 1);

	if (text != NULL) {
		lf_hex_print(trace_id, LF_TRACE_ID_BYTES, text);
		decision->trace_id = text;
	}
	return trace_id == NULL || text != NULL;
}

bool lf_decision_set_clock(Leadfit__V1__Decision *decision, int64_t clock_us, struct lf_arena *arena)
{
	decision->clock_at = clock_us == 0 ? NULL : lf_timestamp_new(clock_us, arena);
	return clock_us == 0 || decision->clock_at != NULL;
}
