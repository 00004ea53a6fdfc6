#include <stdlib.h>

#include "storage/sqlite/derived.h"

enum { FIRST_CAPACITY = 1024 };

static size_t place_for(uint64_t key, size_t capacity)
{
	key *= 0x9e3779b97f4a7c15u;
	return (size_t)(key ^ key >> 32) & (capacity - 1);
}

/* ---- ids ---- */

static struct lf_id_word *word_of(const struct lf_id_set *set, uint64_t word)
{
	size_t at = place_for(word, set->capacity);

	while (set->words[at].bits != 0 && set->words[at].word != word)
		at = (at + 1) & (set->capacity - 1);
	return &set->words[at];
}

static bool make_room_for_word(struct lf_id_set *set)
{
	struct lf_id_set grown = *set;

	if (set->used + 1 <= set->capacity / 2)
		return true;
	grown.capacity = set->capacity == 0 ? FIRST_CAPACITY : 2 * set->capacity;
	grown.words = calloc(grown.capacity, sizeof(*grown.words));
	if (grown.words == NULL)
		return false;
	for (size_t i = 0; i < set->capacity; i++)
		if (set->words[i].bits != 0)
			*word_of(&grown, set->words[i].word) = set->words[i];
	free(set->words);
	*set = grown;
	return true;
}

bool lf_id_set_add(struct lf_id_set *set, int64_t id, bool *added)
{
	const uint64_t bit = (uint64_t)1 << ((uint64_t)id % 64);
	struct lf_id_word *word;

	if (!make_room_for_word(set))
		return false;
	word = word_of(set, (uint64_t)id / 64);
	set->used += word->bits == 0;
	if (added != NULL)
		*added = (word->bits & bit) == 0;
	word->word = (uint64_t)id / 64;
	word->bits |= bit;
	return true;
}

bool lf_id_set_has(const struct lf_id_set *set, int64_t id)
{
	return set->capacity != 0 && (word_of(set, (uint64_t)id / 64)->bits >> ((uint64_t)id % 64) & 1) != 0;
}

void lf_id_set_clean_up(struct lf_id_set *set)
{
	free(set->words);
	*set = (struct lf_id_set){0};
}

/* ---- names ---- */

static struct lf_name_state *state_of(const struct lf_name_map *map, int64_t id)
{
	size_t at = place_for((uint64_t)id, map->capacity);

	while (map->places[at].kind != 0 && map->places[at].id != id)
		at = (at + 1) & (map->capacity - 1);
	return &map->places[at];
}

static bool make_room_for_name(struct lf_name_map *map)
{
	struct lf_name_map grown = *map;

	if (map->used + 1 <= map->capacity / 4 * 3)
		return true;
	grown.capacity = map->capacity == 0 ? FIRST_CAPACITY : 2 * map->capacity;
	grown.places = calloc(grown.capacity, sizeof(*grown.places));
	if (grown.places == NULL)
		return false;
	for (size_t i = 0; i < map->capacity; i++)
		if (map->places[i].kind != 0)
			*state_of(&grown, map->places[i].id) = map->places[i];
	free(map->places);
	*map = grown;
	return true;
}

struct lf_name_state *lf_name_map_find(struct lf_name_map *map, int64_t id, bool add)
{
	struct lf_name_state *state;

	if (add && !make_room_for_name(map))
		return NULL;
	state = map->capacity != 0 ? state_of(map, id) : NULL;
	if (state == NULL || (!add && state->kind == 0))
		return NULL;
	map->used += state->kind == 0;
	state->id = id;
	return state;
}

void lf_name_map_clean_up(struct lf_name_map *map)
{
	free(map->places);
	*map = (struct lf_name_map){0};
}
