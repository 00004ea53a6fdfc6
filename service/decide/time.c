#include "service/decide/time.h"

Google__Protobuf__Timestamp *lf_timestamp_new(int64_t microseconds, struct lf_arena *arena)
{
	Google__Protobuf__Timestamp *timestamp = lf_arena_alloc(arena, sizeof(*timestamp));
	int64_t rest = microseconds % 1000000;

	if (timestamp == NULL)
		return NULL;
	google__protobuf__timestamp__init(timestamp);
	timestamp->seconds = microseconds / 1000000 - (rest < 0);
	timestamp->nanos = (int32_t)((rest < 0 ? rest + 1000000 : rest) * 1000);
	return timestamp;
}

bool lf_timestamp_read(const Google__Protobuf__Timestamp *timestamp, int64_t *microseconds)
{
	if (timestamp->seconds < -62135596800 || timestamp->seconds > 253402300799 || timestamp->nanos < 0 ||
		timestamp->nanos > 999999999)
		return false;
	*microseconds = timestamp->seconds * 1000000 + timestamp->nanos / 1000;
	return true;
}
