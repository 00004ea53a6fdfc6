/* A ScoreBatchRequest of items that go together: what several share is in it once. */
#include <stdlib.h>
#include <string.h>

#include "client/batch/batch.h"
#include "proto/base/check.h"

enum {
	BYTES_MAX = LF_CHUNK_BYTES + LF_CHUNK_BYTES / 2, /* of teams and projects, unless one request alone has more */
	SLOTS = 4 * LF_BATCH_MAX,
	TEAMS_TAG = 1 << 3 | 2,
	PROJECTS_TAG = 2 << 3 | 2,
};

static bool same_instant(const Google__Protobuf__Timestamp *a, const Google__Protobuf__Timestamp *b)
{
	return a == b || (a->seconds == b->seconds && a->nanos == b->nanos);
}

static bool go_together(const Leadfit__V1__ScoreRequest *a, const Leadfit__V1__ScoreRequest *b)
{
	return a->purpose == b->purpose && a->detail == b->detail && a->ignore_undeclared == b->ignore_undeclared &&
		a->rank_table == b->rank_table && same_instant(a->as_of, b->as_of) && strcmp(a->rubric, b->rubric) == 0;
}

/* ---- what is shared ---- */

/* By hash of the bytes: 1 + index of who brought them, 0 where the slot is free. */
struct shared {
	uint16_t slots[SLOTS];
};

static const struct lf_packed *part_of(const struct lf_item *item, bool team)
{
	return team ? &item->team : &item->project;
}

/* The index of an item's team or project, added where it is not there yet. */
static uint32_t share(struct shared *shared, const struct lf_item **list, size_t *count, const struct lf_item *item,
	bool team, bool *added)
{
	const struct lf_packed *part = part_of(item, team);
	size_t slot = part->hash % SLOTS;

	*added = false;
	for (; shared->slots[slot] != 0; slot = (slot + 1) % SLOTS) {
		const size_t index = shared->slots[slot] - 1u;
		const struct lf_packed *other = part_of(list[index], team);

		if (part->bytes == other->bytes ||
			(part->hash == other->hash && part->length == other->length &&
				memcmp(part->bytes, other->bytes, part->length) == 0))
			return (uint32_t)index;
	}
	*added = true;
	list[*count] = item;
	shared->slots[slot] = (uint16_t)(*count + 1);
	return (uint32_t)(*count)++;
}

static bool goes_with_any(const struct lf_item *item, const struct lf_item *const *others, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (go_together(item->request, others[i]->request))
			return true;
	return false;
}

/* Which items, and what they share. */
static void gather(struct lf_message *message, struct lf_chunk *chunk, size_t items_max,
	const struct lf_item *const *others, size_t other_count)
{
	struct shared teams = {0}, projects = {0};
	size_t bytes = 0;

	message->item_count = message->team_count = message->project_count = 0;
	for (size_t i = 0; i < chunk->item_count && message->item_count < items_max; i++) {
		struct lf_item *item = &chunk->items[i];
		bool added;
		size_t n;

		if (item->settled ||
			(message->item_count > 0 &&
				(!go_together(item->request, message->items[0]->request) ||
					bytes + item->team.length + item->project.length > BYTES_MAX)) ||
			goes_with_any(item, others, other_count))
			continue;
		n = message->item_count++;
		LF_CHECK(L16, n < LF_BATCH_MAX);
		message->items[n] = item;
		message->item_teams[n] = share(&teams, message->teams, &message->team_count, item, true, &added);
		bytes += added ? item->team.length : 0;
		message->item_projects[n] =
			share(&projects, message->projects, &message->project_count, item, false, &added);
		bytes += added ? item->project.length : 0;
	}
}

/* ---- packing ---- */

static bool make_room(struct lf_message *message, size_t length)
{
	size_t capacity;
	uint8_t *bytes;

	if (message->length + length <= message->capacity)
		return true;
	capacity = 2 * (message->length + length);
	bytes = realloc(message->bytes, capacity);
	if (bytes == NULL)
		return false;
	message->bytes = bytes;
	message->capacity = capacity;
	return true;
}

static bool put_part(struct lf_message *message, uint8_t tag, const struct lf_packed *part)
{
	enum { VARINT_MAX = 10 };
	const size_t length = part->length;
	size_t left = length;

	if (!make_room(message, length + 1 + VARINT_MAX))
		return false;
	message->bytes[message->length++] = tag;
	for (; left >= 0x80; left >>= 7)
		message->bytes[message->length++] = (uint8_t)(left | 0x80);
	message->bytes[message->length++] = (uint8_t)left;
	if (length > 0)
		memcpy(message->bytes + message->length, part->bytes, length);
	message->length += length;
	return true;
}

/* Everything but teams and projects. */
static bool put_rest(struct lf_message *message, const struct lf_batch_options *options)
{
	Leadfit__V1__BatchItem items[LF_BATCH_MAX], *list[LF_BATCH_MAX];
	Leadfit__V1__ScoreBatchRequest request;
	const Leadfit__V1__ScoreRequest *common = message->items[0]->request;
	size_t length;

	leadfit__v1__score_batch_request__init(&request);
	for (size_t i = 0; i < message->item_count; i++) {
		const Leadfit__V1__ScoreRequest *own = message->items[i]->request;

		leadfit__v1__batch_item__init(&items[i]);
		items[i].team = message->item_teams[i];
		items[i].project = message->item_projects[i];
		items[i].candidates = own->candidates;
		items[i].n_candidates = own->n_candidates;
		items[i].idempotency_key = own->idempotency_key;
		list[i] = &items[i];
	}
	request.rubric = common->rubric;
	request.as_of = common->as_of;
	request.purpose = common->purpose;
	request.detail = common->detail;
	request.ignore_undeclared = common->ignore_undeclared;
	request.rank_table = common->rank_table;
	request.items = list;
	request.n_items = message->item_count;
	request.full = options->full;
	length = protobuf_c_message_get_packed_size(&request.base);
	if (!make_room(message, length))
		return false;
	message->length += protobuf_c_message_pack(&request.base, message->bytes + message->length);
	return true;
}

bool lf_message_make(struct lf_message *message, struct lf_chunk *chunk, const struct lf_batch_options *options,
	size_t items_max, const struct lf_item *const *others, size_t other_count)
{
	bool fits = true;

	gather(message, chunk, items_max, others, other_count);
	message->length = 0;
	for (size_t i = 0; fits && i < message->team_count; i++)
		fits = put_part(message, TEAMS_TAG, &message->teams[i]->team);
	for (size_t i = 0; fits && i < message->project_count; i++)
		fits = put_part(message, PROJECTS_TAG, &message->projects[i]->project);
	return message->item_count > 0 && fits && put_rest(message, options);
}

void lf_message_clean_up(struct lf_message *message)
{
	free(message->bytes);
	message->bytes = NULL;
	message->capacity = 0;
}
