#include "client/calc/recorded.h"

#include <string.h>

/* What was recorded of one decision. */
struct lf_recorded_one {
	Leadfit__V1__RecordedOutcome outcome; /* its texts are in the arena */
	bool taken;
};

enum { BLOCK = 1024, BLOCKS_MAX = 65536 };

static struct lf_recorded_one *one_at(const struct lf_recorded *recorded, size_t index)
{
	return &recorded->blocks[index / BLOCK][index % BLOCK];
}

/* Room for one more; NULL where memory ran out. */
static struct lf_recorded_one *add_one(struct lf_recorded *recorded)
{
	if (recorded->blocks == NULL)
		recorded->blocks = lf_arena_zalloc(recorded->arena, BLOCKS_MAX, sizeof(*recorded->blocks));
	if (recorded->blocks == NULL || recorded->count == (size_t)BLOCK * BLOCKS_MAX)
		return NULL;
	if (recorded->count == recorded->block_count * BLOCK) {
		struct lf_recorded_one *block = lf_arena_zalloc(recorded->arena, BLOCK, sizeof(*block));

		if (block == NULL)
			return NULL;
		recorded->blocks[recorded->block_count++] = block;
	}
	return one_at(recorded, recorded->count++);
}

bool lf_recorded_add(struct lf_recorded *recorded, const Leadfit__V1__RecordedOutcome *outcome)
{
	uint32_t *place = lf_keys_add(&recorded->places, outcome->decision_id, "", NULL);
	struct lf_recorded_one *one = place == NULL ? NULL
		: *place > 0                        ? one_at(recorded, *place - 1)
						    : add_one(recorded);
	char *lead, *reason;

	if (one == NULL)
		return false;
	if (*place == 0)
		*place = (uint32_t)recorded->count;
	leadfit__v1__recorded_outcome__init(&one->outcome);
	lead = lf_arena_strdup(recorded->arena, outcome->lead, strlen(outcome->lead));
	reason = lf_arena_strdup(recorded->arena, outcome->reason, strlen(outcome->reason));
	if (lead == NULL || reason == NULL)
		return false;
	one->outcome.disposition = outcome->disposition;
	one->outcome.result = outcome->result;
	one->outcome.lead = lead;
	one->outcome.reason = reason;
	return true;
}

const Leadfit__V1__RecordedOutcome *lf_recorded_take(struct lf_recorded *recorded, const char *decision_id)
{
	const uint32_t *place = lf_keys_find(&recorded->places, decision_id, "");
	struct lf_recorded_one *one = place == NULL ? NULL : one_at(recorded, *place - 1);

	if (one == NULL)
		return NULL;
	one->taken = true;
	return &one->outcome;
}

size_t lf_recorded_left(const struct lf_recorded *recorded)
{
	size_t left = 0;

	for (size_t i = 0; i < recorded->count; i++)
		left += !one_at(recorded, i)->taken;
	return left;
}

void lf_recorded_clean_up(struct lf_recorded *recorded)
{
	lf_keys_clean_up(&recorded->places);
}
