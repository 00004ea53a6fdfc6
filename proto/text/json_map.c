/*
 * Tree → message. One mapper for JSON and YAML. It goes on after a violation, so that all of them are reported; a
 * message is returned only where there was none. It recurses as deep as the tree, which the readers have limited.
 */
#include <google/protobuf/timestamp.pb-c.h>
#include <string.h>

#include "proto/text/json_internal.h"
#include "proto/base/limits.h"
#include "proto/wire/wire.h"

enum lf_shape lf_message_shape(const ProtobufCMessageDescriptor *type)
{
	if (type == &google__protobuf__timestamp__descriptor)
		return LF_SHAPE_TIMESTAMP;
	if (type->n_fields == 1 && strcmp(type->package_name, "google.protobuf") == 0 &&
		strcmp(type->fields[0].name, "value") == 0)
		return LF_SHAPE_WRAPPER;
	return LF_SHAPE_OBJECT;
}

/* Whether key is name in lowerCamelCase. */
static bool is_camel(const char *key, const char *name)
{
	bool upper = false;
	char letter;

	while ((letter = lf_camel_letter(&name, &upper)) != 0) {
		if (*key++ != letter)
			return false;
	}
	return *key == '\0';
}

/* Every field has two spellings: its own name, and its name in JSON, lowerCamelCase unless the .proto file says
 * another. */
static const ProtobufCFieldDescriptor *find_field(const ProtobufCMessageDescriptor *type, const char *key)
{
	for (unsigned i = 0; i < type->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &type->fields[i];
		const char *name = lf_wire_field_name(type, field);
		bool usual = name == field->name || strcmp(name, field->name) == 0;

		if (strcmp(key, field->name) == 0 || (usual ? is_camel(key, name) : strcmp(key, name) == 0))
			return field;
	}
	return NULL;
}

static void reject_unknown(struct lf_mapper *mapper, const ProtobufCMessageDescriptor *type, const char *key)
{
	const char *names[64];
	char clean[64], known[240] = "";
	size_t count = 0, used = 0;
	size_t mark;
	const char *nearest;

	lf_clean_text(key, strlen(key), clean, sizeof(clean));
	mark = lf_path_push(&mapper->path, clean);
	if (!lf_mapper_keeps(mapper)) {
		lf_mapper_reject(mapper, "unknown field");
		lf_path_pop(&mapper->path, mark);
		return;
	}
	for (unsigned i = 0; i < type->n_fields && count < 64; i++)
		names[count++] = lf_wire_field_name(type, &type->fields[i]);
	nearest = lf_nearest(key, names, count);
	for (size_t i = 0; nearest == NULL && i < count && used + strlen(names[i]) + 3 < sizeof(known); i++) {
		if (i)
			used = (size_t)(stpcpy(known + used, ", ") - known);
		used = (size_t)(stpcpy(known + used, names[i]) - known);
	}
	if (nearest != NULL)
		lf_mapper_reject(mapper, "unknown field; nearest known: %s", nearest);
	else
		lf_mapper_reject(mapper, "unknown field; known: %s", count ? known : "none");
	lf_path_pop(&mapper->path, mark);
}

static ProtobufCMessage *map_message(struct lf_mapper *mapper, const ProtobufCMessageDescriptor *type, json_t *value);

/* One value that is not null, at the mapper's path, to out. */
static bool map_value(struct lf_mapper *mapper, const ProtobufCFieldDescriptor *field, json_t *value, void *out)
{
	ProtobufCMessage *message;

	if (field->type != PROTOBUF_C_TYPE_MESSAGE)
		return lf_map_scalar(mapper, field->type, field->descriptor, value, out);
	message = map_message(mapper, field->descriptor, value);
	if (message == NULL)
		return false;
	*(ProtobufCMessage **)out = message;
	return true;
}

static void *member(ProtobufCMessage *message, unsigned offset)
{
	return (char *)message + offset;
}

static void map_list(struct lf_mapper *mapper, const ProtobufCFieldDescriptor *field, const char *name, json_t *value,
	ProtobufCMessage *message)
{
	size_t count = json_array_size(value), size = lf_scalar_size(field->type);
	char *array;

	if (!json_is_array(value)) {
		char described[LF_DESCRIBE_BYTES];
		size_t mark = lf_path_push(&mapper->path, name);

		lf_describe_value(value, described);
		lf_mapper_reject(mapper, "%s is not a list", described);
		lf_path_pop(&mapper->path, mark);
		return;
	}
	if (!count)
		return;
	array = lf_arena_zalloc(mapper->arena, count, size);
	if (array == NULL) {
		mapper->exhausted = true;
		return;
	}
	for (size_t i = 0; i < count && !mapper->exhausted; i++) {
		json_t *element = json_array_get(value, i);
		size_t mark = lf_path_push_index(&mapper->path, name, i);

		if (lf_tree_is_null(element))
			lf_mapper_reject(mapper, "null is not allowed in a list");
		else
			map_value(mapper, field, element, array + i * size);
		lf_path_pop(&mapper->path, mark);
	}
	*(size_t *)member(message, field->quantifier_offset) = count;
	*(void **)member(message, field->offset) = array;
}

static ProtobufCMessage *new_message(struct lf_mapper *mapper, const ProtobufCMessageDescriptor *type)
{
	ProtobufCMessage *message = lf_arena_alloc(mapper->arena, type->sizeof_message);

	if (message == NULL) {
		mapper->exhausted = true;
		return NULL;
	}
	type->message_init(message);
	return message;
}

/* One entry of a map, at the mapper's path. */
static ProtobufCMessage *map_entry(
	struct lf_mapper *mapper, const ProtobufCMessageDescriptor *type, const char *key, size_t length, json_t *value)
{
	ProtobufCMessage *entry;

	if (length && key[length - 1] == '\0') {
		lf_mapper_reject(mapper, "given more than once");
		return NULL;
	}
	entry = new_message(mapper, type);
	if (entry == NULL ||
		!lf_map_key(mapper, type->fields[0].type, key, length, member(entry, type->fields[0].offset)))
		return NULL;
	if (lf_tree_is_null(value)) {
		if (type->fields[1].type == PROTOBUF_C_TYPE_STRING)
			return entry; /* the empty text */
		lf_mapper_reject(mapper, "null is not allowed in a map");
		return NULL;
	}
	return map_value(mapper, &type->fields[1], value, member(entry, type->fields[1].offset)) ? entry : NULL;
}

static void map_map(struct lf_mapper *mapper, const ProtobufCFieldDescriptor *field, const char *name, json_t *value,
	ProtobufCMessage *message)
{
	size_t count = 0, length;
	const char *key;
	json_t *element;
	ProtobufCMessage **entries;

	if (!json_is_object(value)) {
		char described[LF_DESCRIBE_BYTES];
		size_t mark = lf_path_push(&mapper->path, name);

		lf_describe_value(value, described);
		lf_mapper_reject(mapper, "%s is not an object", described);
		lf_path_pop(&mapper->path, mark);
		return;
	}
	if (!json_object_size(value))
		return;
	entries = lf_arena_zalloc(mapper->arena, json_object_size(value), sizeof(ProtobufCMessage *));
	if (entries == NULL) {
		mapper->exhausted = true;
		return;
	}
	json_object_keylen_foreach(value, key, length, element)
	{
		char clean[LF_DESCRIBE_BYTES];
		size_t mark;

		lf_clean_text(key, strlen(key), clean, sizeof(clean));
		mark = lf_path_push_key(&mapper->path, name, clean);
		entries[count++] = map_entry(mapper, field->descriptor, key, length, element);
		lf_path_pop(&mapper->path, mark);
		if (mapper->exhausted)
			return;
	}
	*(size_t *)member(message, field->quantifier_offset) = count;
	*(ProtobufCMessage ***)member(message, field->offset) = entries;
}

/* Names the member of a oneof that is set already. */
static void reject_second_of_oneof(struct lf_mapper *mapper, const ProtobufCMessageDescriptor *type,
	const ProtobufCFieldDescriptor *field, uint32_t set)
{
	for (unsigned i = 0; i < type->n_fields; i++) {
		if (type->fields[i].id == set)
			lf_mapper_reject(mapper, "only one of %s and %s can be given",
				lf_wire_field_name(type, &type->fields[i]), lf_wire_field_name(type, field));
	}
}

static void map_single(struct lf_mapper *mapper, const ProtobufCMessageDescriptor *type,
	const ProtobufCFieldDescriptor *field, json_t *value, ProtobufCMessage *message)
{
	size_t mark = lf_path_push(&mapper->path, lf_wire_field_name(type, field));

	if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
		uint32_t *set = member(message, field->quantifier_offset);

		if (*set)
			reject_second_of_oneof(mapper, type, field, *set);
		else if (map_value(mapper, field, value, member(message, field->offset)))
			*set = field->id;
	} else if (map_value(mapper, field, value, member(message, field->offset))) {
		if (field->label == PROTOBUF_C_LABEL_OPTIONAL && field->quantifier_offset)
			*(protobuf_c_boolean *)member(message, field->quantifier_offset) = 1;
	}
	lf_path_pop(&mapper->path, mark);
}

static void map_field(struct lf_mapper *mapper, const ProtobufCMessageDescriptor *type,
	const ProtobufCFieldDescriptor *field, json_t *value, ProtobufCMessage *message)
{
	const char *name = lf_wire_field_name(type, field);

	if (lf_tree_is_null(value))
		return;
	if (field->label != PROTOBUF_C_LABEL_REPEATED)
		map_single(mapper, type, field, value, message);
	else if (field->type == PROTOBUF_C_TYPE_MESSAGE && lf_wire_is_map_entry(field->descriptor))
		map_map(mapper, field, name, value, message);
	else
		map_list(mapper, field, name, value, message);
}

static void map_members(
	struct lf_mapper *mapper, const ProtobufCMessageDescriptor *type, json_t *object, ProtobufCMessage *message)
{
	const char *key;
	size_t length;
	json_t *value;

	json_object_keylen_foreach(object, key, length, value)
	{
		const ProtobufCFieldDescriptor *field = find_field(type, key);
		bool repeated = length && key[length - 1] == '\0';
		bool both;

		if (mapper->exhausted)
			return;
		if (field == NULL) {
			if (!repeated)
				reject_unknown(mapper, type, key);
			continue;
		}
		/* Given twice: the same key, or both spellings (the field's own name is then a member too). */
		both = !repeated && strcmp(key, field->name) != 0 && json_object_get(object, field->name) != NULL;
		if (repeated || both) {
			size_t mark = lf_path_push(&mapper->path, lf_wire_field_name(type, field));

			if (both)
				lf_mapper_reject(mapper, "given twice, as %s and as %s", field->name, key);
			else
				lf_mapper_reject(mapper, "given more than once");
			lf_path_pop(&mapper->path, mark);
			continue;
		}
		map_field(mapper, type, field, value, message);
	}
}

static bool map_timestamp(struct lf_mapper *mapper, json_t *value, ProtobufCMessage *message)
{
	Google__Protobuf__Timestamp *timestamp = (Google__Protobuf__Timestamp *)message;
	const char *text = json_string_value(value);
	char described[LF_DESCRIBE_BYTES];

	if (text != NULL && lf_parse_instant(text, &timestamp->seconds, &timestamp->nanos))
		return true;
	lf_describe_value(value, described);
	return lf_mapper_reject(mapper, "%s is not an instant such as 2026-05-01T12:00:00Z", described);
}

static ProtobufCMessage *map_message(struct lf_mapper *mapper, const ProtobufCMessageDescriptor *type, json_t *value)
{
	char described[LF_DESCRIBE_BYTES];
	ProtobufCMessage *message = new_message(mapper, type);

	if (message == NULL)
		return NULL;
	switch (lf_message_shape(type)) {
	case LF_SHAPE_TIMESTAMP:
		return map_timestamp(mapper, value, message) ? message : NULL;
	case LF_SHAPE_WRAPPER:
		return map_value(mapper, &type->fields[0], value, member(message, type->fields[0].offset)) ? message
													   : NULL;
	case LF_SHAPE_OBJECT:
		break;
	}
	if (!json_is_object(value)) {
		lf_describe_value(value, described);
		lf_mapper_reject(mapper, "%s is not an object", described);
		return NULL;
	}
	map_members(mapper, type, value, message);
	return message;
}

ProtobufCMessage *lf_tree_map(enum lf_format format, const ProtobufCMessageDescriptor *type, json_t *root,
	struct lf_arena *arena, struct lf_error *error)
{
	struct lf_mapper mapper = {.format = format, .arena = arena, .error = error};
	ProtobufCMessage *message = NULL;

	if (!json_is_object(root) && lf_message_shape(type) == LF_SHAPE_OBJECT) {
		char described[LF_DESCRIBE_BYTES];

		lf_describe_value(root, described);
		if (lf_tree_is_null(root))
			lf_error_set(
				error, LF_INVALID_ARGUMENT, "the text is empty: a %s is expected", type->short_name);
		else
			lf_error_set(error, LF_INVALID_ARGUMENT, "the text is %s, not an object: a %s is expected",
				described, type->short_name);
		return NULL;
	}
	if (lf_tree_is_null(root))
		lf_error_set(error, LF_INVALID_ARGUMENT, "null is not a %s", type->short_name);
	else
		message = map_message(&mapper, type, root);
	if (mapper.exhausted) {
		lf_error_set(error, LF_RESOURCE_EXHAUSTED, "the text needs more memory than the %zu bytes of its arena",
			arena->bytes_max);
		return NULL;
	}
	if (!mapper.violations)
		return message;
	lf_error_summarize(error);
	return NULL;
}
