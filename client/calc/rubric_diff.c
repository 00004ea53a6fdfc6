/*
 * The walk over two rubrics, field by field along the descriptors. Entries of maps are matched by key and elements of
 * lists by what they are (lf_diff_identity), the n-th of a name with the n-th; so a list that is only in another order
 * is one change of its own.
 */
#include "client/calc/rubric_diff.h"

#include <math.h>
#include <string.h>

#include "client/calc/rubric_weights.h"
#include "proto/base/buffer.h"
#include "proto/wire/wire.h"

enum { WORDS_VALUE_MAX = 100 }; /* bytes of a message that words quote whole */

struct walk {
	struct lf_rubric_diff *diff;
	struct lf_arena *arena;
	struct lf_buffer path;
	struct lf_diff_place place;
	const char *section;
	bool failed; /* memory ran out */
};

/* ---- values ---- */

static const void *member(const ProtobufCMessage *message, unsigned offset)
{
	return (const char *)message + offset;
}

static size_t count_of(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	return message == NULL ? 0 : *(const size_t *)member(message, field->quantifier_offset);
}

static const ProtobufCMessage *child_of(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	return *(const ProtobufCMessage *const *)member(message, field->offset);
}

static const ProtobufCMessage *element_of(
	const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, size_t index)
{
	return (*(const ProtobufCMessage *const *const *)member(message, field->offset))[index];
}

/* A wrapper or instant: a value, not an object with fields of its own. */
static bool is_value(const ProtobufCFieldDescriptor *field)
{
	return field->type != PROTOBUF_C_TYPE_MESSAGE ||
		strncmp(((const ProtobufCMessageDescriptor *)field->descriptor)->name, "google.protobuf.", 16) == 0;
}

static const char *keep(struct walk *walk, struct lf_buffer *text)
{
	const char *kept =
		text->failed ? NULL : lf_arena_strdup(walk->arena, text->data == NULL ? "" : text->data, text->length);

	walk->failed = walk->failed || kept == NULL;
	lf_buffer_clean_up(text);
	return kept;
}

/* The value as JSON; NULL where a field that may be absent is. */
static const char *json_of(struct walk *walk, const ProtobufCFieldDescriptor *field, const void *value)
{
	struct lf_buffer text = {0};

	if (field->type == PROTOBUF_C_TYPE_MESSAGE && *(const ProtobufCMessage *const *)value == NULL)
		return NULL;
	lf_json_print_value(field, value, &text);
	return keep(walk, &text);
}

/* JSON as words have it: names of enums without quotes, a message in YAML, not longer than a line. */
static const char *words_of(
	struct walk *walk, const ProtobufCFieldDescriptor *field, const void *value, const char *json)
{
	struct lf_buffer text = {0};

	if (json == NULL)
		return NULL;
	if (field->type == PROTOBUF_C_TYPE_ENUM && json[0] == '"') {
		lf_buffer_append(&text, json + 1, strlen(json) - 2);
	} else if (!is_value(field)) {
		lf_yaml_print_line(*(const ProtobufCMessage *const *)value, &text);
		if (text.length > WORDS_VALUE_MAX) {
			size_t length = WORDS_VALUE_MAX;

			while (length > 0 && ((unsigned char)text.data[length] & 0xc0) == 0x80)
				length--;
			text.length = length;
			lf_buffer_append_text(&text, "...");
		}
	} else {
		lf_buffer_append_text(&text, json);
	}
	return keep(walk, &text);
}

/* ---- noting ---- */

static void note(struct walk *walk, enum lf_rubric_change_kind kind, const char *old_words, const char *new_words,
	const char *old_json, const char *new_json)
{
	struct lf_rubric_diff *diff = walk->diff;
	struct lf_rubric_change *change;

	if (diff->count == diff->capacity) {
		const size_t capacity = diff->capacity == 0 ? 64 : diff->capacity * 2;
		struct lf_rubric_change *grown = lf_arena_zalloc(walk->arena, capacity, sizeof(*grown));

		if (grown == NULL) {
			walk->failed = true;
			return;
		}
		if (diff->count > 0)
			memcpy(grown, diff->changes, diff->count * sizeof(*grown));
		diff->changes = grown;
		diff->capacity = capacity;
	}
	change = &diff->changes[diff->count];
	change->kind = kind;
	change->section = walk->section;
	change->path = lf_arena_strdup(walk->arena, walk->path.data, walk->path.length);
	walk->place.path = change->path;
	if (change->path != NULL)
		change->words = lf_diff_words(&walk->place, kind, old_words, new_words, &change->scores, walk->arena);
	change->old_json = old_json;
	change->new_json = new_json;
	walk->failed = walk->failed || change->path == NULL || change->words == NULL || walk->path.failed;
	diff->count += !walk->failed;
}

/* A value of this type that one or both sides have. */
static void note_values(struct walk *walk, enum lf_rubric_change_kind kind, const ProtobufCFieldDescriptor *field,
	const void *old_value, const void *new_value)
{
	const char *old_json = old_value == NULL ? NULL : json_of(walk, field, old_value);
	const char *new_json = new_value == NULL ? NULL : json_of(walk, field, new_value);

	note(walk, kind, words_of(walk, field, old_value, old_json), words_of(walk, field, new_value, new_json),
		old_json, new_json);
}

/* ---- the path ---- */

static size_t push_field(struct walk *walk, const char *name)
{
	const size_t length = walk->path.length;

	lf_buffer_append_text(&walk->path, length > 0 ? "." : "");
	lf_buffer_append_text(&walk->path, name);
	return length;
}

static size_t push_key(struct walk *walk, const char *key)
{
	const size_t length = walk->path.length;

	lf_buffer_append_text(&walk->path, "[\"");
	lf_buffer_append_text(&walk->path, key);
	lf_buffer_append_text(&walk->path, "\"]");
	return length;
}

static void pop(struct walk *walk, size_t length)
{
	walk->path.length = length;
}

static void walk_message(struct walk *walk, const ProtobufCMessage *a, const ProtobufCMessage *b);

/* ---- maps ---- */

/*
 * The key of an entry as text; those of other types than text do not occur in a rubric, but would be told all the same.
 */
static const char *key_of(struct walk *walk, const ProtobufCMessage *entry)
{
	const ProtobufCFieldDescriptor *field = &entry->descriptor->fields[0];
	const char *json;

	if (field->type == PROTOBUF_C_TYPE_STRING)
		return *(const char *const *)member(entry, field->offset);
	json = json_of(walk, field, member(entry, field->offset));
	return json == NULL ? "" : json;
}

static const ProtobufCMessage *find_entry(
	struct walk *walk, const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, const char *key)
{
	for (size_t i = 0; i < count_of(message, field); i++) {
		const ProtobufCMessage *entry = element_of(message, field, i);

		if (strcmp(key_of(walk, entry), key) == 0)
			return entry;
	}
	return NULL;
}

static void walk_entry(struct walk *walk, const ProtobufCMessage *a, const ProtobufCMessage *b)
{
	const ProtobufCFieldDescriptor *value = &(a != NULL ? a : b)->descriptor->fields[1];
	const void *old_value = a == NULL ? NULL : member(a, value->offset),
		   *new_value = b == NULL ? NULL : member(b, value->offset);
	const char *old_json, *new_json;

	if (a == NULL || b == NULL) {
		note_values(walk, a == NULL ? LF_RUBRIC_ADDED : LF_RUBRIC_REMOVED, value, old_value, new_value);
		return;
	}
	if (!is_value(value)) {
		walk_message(walk, child_of(a, value), child_of(b, value));
		return;
	}
	old_json = json_of(walk, value, old_value);
	new_json = json_of(walk, value, new_value);
	if (old_json != NULL && new_json != NULL && strcmp(old_json, new_json) != 0)
		note_values(walk, LF_RUBRIC_CHANGED, value, old_value, new_value);
}

static void walk_map(
	struct walk *walk, const ProtobufCMessage *a, const ProtobufCMessage *b, const ProtobufCFieldDescriptor *field)
{
	const ProtobufCMessage *const sides[] = {b, a};

	for (size_t side = 0; side < 2; side++) {
		for (size_t i = 0; i < count_of(sides[side], field) && !walk->failed; i++) {
			const ProtobufCMessage *entry = element_of(sides[side], field, i);
			const char *key = key_of(walk, entry);
			const ProtobufCMessage *other = find_entry(walk, sides[1 - side], field, key);
			const size_t length = push_key(walk, key);

			walk->place.key = key;
			if (side == 0)
				walk_entry(walk, other, entry);
			else if (other == NULL)
				walk_entry(walk, entry, NULL);
			walk->place.key = NULL;
			pop(walk, length);
		}
	}
}

/* ---- lists ---- */

/* A list's elements by name. */
struct named {
	const char **names;
	size_t *partner; /* index of its counterpart on the other side, or SIZE_MAX */
	size_t count;
};

static bool name_elements(
	struct walk *walk, const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, struct named *named)
{
	named->count = count_of(message, field);
	named->names = lf_arena_zalloc(walk->arena, named->count + 1, sizeof(*named->names));
	named->partner = lf_arena_zalloc(walk->arena, named->count + 1, sizeof(*named->partner));
	walk->failed = walk->failed || named->names == NULL || named->partner == NULL;
	for (size_t i = 0; i < named->count && !walk->failed; i++) {
		const char *values = *(const char *const *)member(message, field->offset);

		if (field->type == PROTOBUF_C_TYPE_MESSAGE)
			named->names[i] = lf_diff_identity(element_of(message, field, i), walk->arena);
		else if (field->type == PROTOBUF_C_TYPE_STRING)
			named->names[i] = ((const char *const *)(const void *)values)[i];
		walk->failed = walk->failed || named->names[i] == NULL;
		named->partner[i] = SIZE_MAX;
	}
	return !walk->failed;
}

/* Pairs the n-th of each name with the n-th of that name on the other side. */
static void pair(struct named *a, struct named *b)
{
	for (size_t i = 0; i < b->count; i++) {
		for (size_t k = 0; k < a->count; k++) {
			if (a->partner[k] != SIZE_MAX || strcmp(a->names[k], b->names[i]) != 0)
				continue;
			a->partner[k] = i;
			b->partner[i] = k;
			break;
		}
	}
}

/* The names of what both sides have, as this side orders it: ["a", "b"]. */
static const char *common_names(struct walk *walk, const struct named *named)
{
	struct lf_buffer text = {0};
	const char *separator = "[";

	for (size_t i = 0; i < named->count; i++) {
		if (named->partner[i] == SIZE_MAX)
			continue;
		lf_buffer_append_text(&text, separator);
		lf_json_print_string(named->names[i], &text);
		separator = ", ";
	}
	lf_buffer_append_text(&text, "]");
	return keep(walk, &text);
}

static void note_order(struct walk *walk, const struct named *a, const struct named *b)
{
	size_t last = 0;

	for (size_t i = 0; i < b->count; i++) {
		if (b->partner[i] == SIZE_MAX)
			continue;
		if (b->partner[i] < last) {
			const char *old_names = common_names(walk, a), *new_names = common_names(walk, b);

			note(walk, LF_RUBRIC_REORDERED, old_names, new_names, old_names, new_names);
			return;
		}
		last = b->partner[i];
	}
}

/* One element: a or b is NULL where only one side has it. */
static void walk_element(struct walk *walk, const ProtobufCFieldDescriptor *field, const char *name,
	const ProtobufCMessage *a, const ProtobufCMessage *b)
{
	struct lf_diff_place *place = &walk->place;
	const struct lf_diff_place before = *place;
	const size_t length = push_key(walk, name);

	if (place->subject_count < LF_SUBJECTS_MAX)
		place->subjects[place->subject_count++] = name;
	if (a != NULL && b != NULL) {
		walk_message(walk, a, b);
	} else {
		place->type = (a != NULL ? a : b)->descriptor->short_name;
		place->field = NULL;
		note_values(walk, a == NULL ? LF_RUBRIC_ADDED : LF_RUBRIC_REMOVED, field,
			a == NULL ? NULL : (const void *)&a, b == NULL ? NULL : (const void *)&b);
	}
	*place = before;
	pop(walk, length);
}

static void walk_messages(
	struct walk *walk, const ProtobufCMessage *a, const ProtobufCMessage *b, const ProtobufCFieldDescriptor *field)
{
	struct named old_named, new_named;

	if (!name_elements(walk, a, field, &old_named) || !name_elements(walk, b, field, &new_named))
		return;
	pair(&old_named, &new_named);
	for (size_t i = 0; i < new_named.count && !walk->failed; i++)
		walk_element(walk, field, new_named.names[i],
			new_named.partner[i] == SIZE_MAX ? NULL : element_of(a, field, new_named.partner[i]),
			element_of(b, field, i));
	for (size_t i = 0; i < old_named.count && !walk->failed; i++)
		if (old_named.partner[i] == SIZE_MAX)
			walk_element(walk, field, old_named.names[i], element_of(a, field, i), NULL);
	if (!walk->failed)
		note_order(walk, &old_named, &new_named);
}

/* A list of values, told whole. */
static const char *list_json(struct walk *walk, const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	struct lf_buffer text = {0};
	struct named named;

	if (field->type != PROTOBUF_C_TYPE_STRING || !name_elements(walk, message, field, &named)) {
		/* No rubric has such a list; its packed bytes would tell whether it differs, and this says where. */
		lf_json_print(message, NULL, &text);
		return keep(walk, &text);
	}
	lf_buffer_append_text(&text, "[");
	for (size_t i = 0; i < named.count; i++) {
		lf_buffer_append_text(&text, i == 0 ? "" : ", ");
		lf_json_print_string(named.names[i], &text);
	}
	lf_buffer_append_text(&text, "]");
	return keep(walk, &text);
}

/* Whether two lists that differ do so in their order only. */
static bool only_order_differs(
	struct walk *walk, const ProtobufCMessage *a, const ProtobufCMessage *b, const ProtobufCFieldDescriptor *field)
{
	struct named old_named, new_named;
	bool same;

	if (field->type != PROTOBUF_C_TYPE_STRING || !name_elements(walk, a, field, &old_named) ||
		!name_elements(walk, b, field, &new_named))
		return false;
	pair(&old_named, &new_named);
	same = old_named.count == new_named.count;
	for (size_t i = 0; i < new_named.count; i++)
		same = same && new_named.partner[i] != SIZE_MAX;
	return same;
}

/* ---- fields ---- */

static void walk_single(
	struct walk *walk, const ProtobufCMessage *a, const ProtobufCMessage *b, const ProtobufCFieldDescriptor *field)
{
	const void *old_value = member(a, field->offset), *new_value = member(b, field->offset);
	const char *old_json, *new_json;

	if (!is_value(field) && child_of(a, field) != NULL && child_of(b, field) != NULL) {
		walk_message(walk, child_of(a, field), child_of(b, field));
		return;
	}
	old_json = json_of(walk, field, old_value);
	new_json = json_of(walk, field, new_value);
	if ((old_json == NULL && new_json == NULL) ||
		(old_json != NULL && new_json != NULL && strcmp(old_json, new_json) == 0))
		return;
	note_values(walk,
		old_json == NULL           ? LF_RUBRIC_ADDED
			: new_json == NULL ? LF_RUBRIC_REMOVED
					   : LF_RUBRIC_CHANGED,
		field, old_value, new_value);
}

static void walk_field(
	struct walk *walk, const ProtobufCMessage *a, const ProtobufCMessage *b, const ProtobufCFieldDescriptor *field)
{
	if (field->label != PROTOBUF_C_LABEL_REPEATED) {
		walk_single(walk, a, b, field);
	} else if (field->type == PROTOBUF_C_TYPE_MESSAGE && lf_wire_is_map_entry(field->descriptor)) {
		walk_map(walk, a, b, field);
	} else if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
		walk_messages(walk, a, b, field);
	} else {
		const char *old_json = list_json(walk, a, field), *new_json = list_json(walk, b, field);

		if (old_json != NULL && new_json != NULL && strcmp(old_json, new_json) != 0)
			note(walk, only_order_differs(walk, a, b, field) ? LF_RUBRIC_REORDERED : LF_RUBRIC_CHANGED,
				old_json, new_json, old_json, new_json);
	}
}

/* Both are there, and of one type. */
static void walk_message(struct walk *walk, const ProtobufCMessage *a, const ProtobufCMessage *b)
{
	const ProtobufCMessageDescriptor *type = a->descriptor;
	const struct lf_diff_place before = walk->place;

	for (const ProtobufCFieldDescriptor *field = lf_wire_declared_next(type, NULL); field != NULL && !walk->failed;
		field = lf_wire_declared_next(type, field)) {
		const char *name = lf_wire_field_name(type, field);
		const size_t length = push_field(walk, name);

		if (length == 0)
			walk->section = name;
		walk->place.type = type->short_name;
		walk->place.field = name;
		walk->place.key = NULL;
		walk_field(walk, a, b, field);
		pop(walk, length);
	}
	walk->place = before;
}

/* ---- shares of weight ---- */

/* A side's criteria with their shares; none where it has no criteria, and shares are NAN where none has a weight. */
struct side {
	const Leadfit__V1__Rubric *rubric;
	double *shares;
};

static bool weigh(struct side *side, struct lf_arena *arena)
{
	struct lf_weight_model model;

	side->shares = lf_arena_zalloc(arena, side->rubric->n_criteria + 1, sizeof(*side->shares));
	if (side->shares == NULL || side->rubric->n_criteria == 0)
		return side->shares != NULL;
	if (!lf_weight_model_init(&model, side->rubric, arena))
		return false;
	if (!lf_weight_shares(&model, model.trait_count, 0, side->shares))
		for (size_t j = 0; j < model.criterion_count; j++)
			side->shares[j] = NAN;
	return true;
}

static double share_of(const struct side *side, const char *id)
{
	for (size_t j = 0; j < side->rubric->n_criteria; j++)
		if (strcmp(side->rubric->criteria[j]->id, id) == 0)
			return side->shares[j];
	return NAN;
}

static void compare_shares(struct walk *walk, const Leadfit__V1__Rubric *a, const Leadfit__V1__Rubric *b)
{
	struct lf_rubric_diff *diff = walk->diff;
	struct side sides[] = {{.rubric = b}, {.rubric = a}};

	diff->shares = lf_arena_zalloc(walk->arena, a->n_criteria + b->n_criteria + 1, sizeof(*diff->shares));
	walk->failed = walk->failed || diff->shares == NULL || !weigh(&sides[0], walk->arena) ||
		!weigh(&sides[1], walk->arena);
	for (size_t side = 0; side < 2; side++) {
		for (size_t j = 0; j < sides[side].rubric->n_criteria && !walk->failed; j++) {
			const char *id = sides[side].rubric->criteria[j]->id;
			bool known = false;

			for (size_t i = 0; i < diff->share_count; i++)
				known = known || strcmp(diff->shares[i].criterion, id) == 0;
			if (!known)
				diff->shares[diff->share_count++] =
					(struct lf_share_change){id, share_of(&sides[1], id), share_of(&sides[0], id)};
		}
	}
}

bool lf_rubric_diff(
	struct lf_rubric_diff *diff, const Leadfit__V1__Rubric *a, const Leadfit__V1__Rubric *b, struct lf_arena *arena)
{
	struct walk walk = {.diff = diff, .arena = arena, .section = ""};

	*diff = (struct lf_rubric_diff){0};
	walk_message(&walk, &a->base, &b->base);
	compare_shares(&walk, a, b);
	lf_buffer_clean_up(&walk.path);
	return !walk.failed;
}
