/*
 * Message → YAML, straight from the descriptors: the canonical form of a file. What fits on a line and nests no deeper
 * than FLOW_DEPTH_MAX is written in flow style, "{a: 1, b: [2, 3]}", the rest in block style. It recurses as deep as
 * the message types nest, and none of them is recursive.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/text/json.h"
#include "proto/text/json_internal.h"
#include "proto/wire/wire.h"

enum {
	COLUMNS = 110,      /* of a line in flow style, and of a folded text */
	FLOW_DEPTH_MAX = 2, /* containers within a container, itself included */
	INDENT = 2,
	KEY_BYTES_MAX =
		900, /* beyond, "? key": libyaml takes no longer key (1,024 characters) on the line of its value */
};

enum kind { SCALAR, LIST, MAP, MESSAGE };

/* A value: of a field, of an element of a list, or of a map's entry. */
struct piece {
	enum kind kind;
	const ProtobufCFieldDescriptor *field;
	const char *values;              /* SCALAR: the value; LIST, MAP: the array */
	size_t count;                    /* LIST, MAP */
	const ProtobufCMessage *message; /* MESSAGE */
};

struct printer {
	struct lf_buffer *out;
	bool started; /* "- " or "? " stands there already: the next line begins behind it */
};

/* ---- pieces ---- */

static const char *member(const ProtobufCMessage *message, unsigned offset)
{
	return (const char *)message + offset;
}

/* One value of this type. */
static struct piece piece_of_value(const ProtobufCFieldDescriptor *field, const char *value)
{
	struct piece piece = {.kind = SCALAR, .field = field, .values = value};

	if (field->type == PROTOBUF_C_TYPE_MESSAGE && lf_message_shape(field->descriptor) == LF_SHAPE_OBJECT) {
		piece.kind = MESSAGE;
		piece.message = *(const ProtobufCMessage *const *)(const void *)value;
	}
	return piece;
}

static struct piece piece_of_field(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	const char *value = member(message, field->offset);

	if (field->label != PROTOBUF_C_LABEL_REPEATED)
		return piece_of_value(field, value);
	return (struct piece){
		.kind = field->type == PROTOBUF_C_TYPE_MESSAGE && lf_wire_is_map_entry(field->descriptor) ? MAP : LIST,
		.field = field,
		.values = *(const char *const *)(const void *)value,
		.count = *(const size_t *)(const void *)member(message, field->quantifier_offset),
	};
}

static struct piece element_of(const struct piece *list, size_t index)
{
	return piece_of_value(list->field, list->values + index * lf_scalar_size(list->field->type));
}

static const ProtobufCMessage *entry_of(const struct piece *map, size_t index)
{
	return ((const ProtobufCMessage *const *)(const void *)map->values)[index];
}

static struct piece value_of(const ProtobufCMessage *entry)
{
	const ProtobufCFieldDescriptor *field = &entry->descriptor->fields[1];

	return piece_of_value(field, member(entry, field->offset));
}

/* How many containers deep it nests, counted up to limit + 1: 0 for a scalar. */
static unsigned depth_of(const struct piece *piece, unsigned limit)
{
	unsigned deepest = 0;
	const size_t count = piece->kind == MESSAGE ? piece->message->descriptor->n_fields : piece->count;

	if (piece->kind == SCALAR || limit == 0)
		return piece->kind != SCALAR;
	for (size_t i = 0; i < count && deepest < limit; i++) {
		struct piece child;
		unsigned depth;

		if (piece->kind == LIST) {
			child = element_of(piece, i);
		} else if (piece->kind == MAP) {
			child = value_of(entry_of(piece, i));
		} else {
			const ProtobufCFieldDescriptor *field = &piece->message->descriptor->fields[i];

			if (!lf_field_is_printed(piece->message, field, false))
				continue;
			child = piece_of_field(piece->message, field);
		}
		depth = depth_of(&child, limit - 1);
		deepest = depth > deepest ? depth : deepest;
	}
	return deepest + 1;
}

/* ---- order of maps ---- */

struct ordered {
	const ProtobufCMessage *entry;
	double number;
	const char *text; /* NULL: the key is a number of another type than text */
};

/* Numbers by size, then all by bytes. */
static int compare(const void *a, const void *b)
{
	const struct ordered *x = a, *y = b;

	if (x->number < y->number || x->number > y->number)
		return x->number < y->number ? -1 : 1;
	return x->text != NULL && y->text != NULL ? strcmp(x->text, y->text) : 0;
}

/* The map's entries by key, to be freed. NULL where memory ran out. */
static struct ordered *order(const struct piece *map)
{
	struct ordered *entries = calloc(map->count + 1, sizeof(*entries));
	struct lf_buffer key = {0};
	bool numbers = true;

	for (size_t i = 0; entries != NULL && i < map->count; i++) {
		const ProtobufCMessage *entry = entry_of(map, i);
		const ProtobufCFieldDescriptor *field = &entry->descriptor->fields[0];
		const char *value = member(entry, field->offset);
		struct lf_decimal decimal;
		const char *digits;

		entries[i].entry = entry;
		if (field->type == PROTOBUF_C_TYPE_STRING) {
			const char *text = *(const char *const *)(const void *)value;

			entries[i].text = text == NULL ? "" : text;
			numbers &= lf_decimal_parse(entries[i].text, strlen(entries[i].text), &decimal) &&
				lf_decimal_to_double(&decimal, &entries[i].number);
			continue;
		}
		key.length = 0;
		lf_json_print_value(field, value, &key);
		digits = key.data == NULL ? "" : key.data;
		digits += *digits == '"';
		entries[i].number = *digits == 't';
		if (lf_decimal_parse(digits, strcspn(digits, "\""), &decimal))
			(void)lf_decimal_to_double(&decimal, &entries[i].number);
	}
	for (size_t i = 0; entries != NULL && !numbers && i < map->count; i++)
		entries[i].number = 0;
	if (entries != NULL)
		qsort(entries, map->count, sizeof(*entries), compare);
	lf_buffer_clean_up(&key);
	return entries;
}

/* ---- scalars ---- */

static bool is_text(const ProtobufCFieldDescriptor *field, const char *value, const char **text)
{
	if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
		const ProtobufCMessage *wrapper = *(const ProtobufCMessage *const *)(const void *)value;

		if (wrapper == NULL || lf_message_shape(wrapper->descriptor) != LF_SHAPE_WRAPPER)
			return false;
		field = &wrapper->descriptor->fields[0];
		value = member(wrapper, field->offset);
	}
	if (field->type != PROTOBUF_C_TYPE_STRING)
		return false;
	*text = *(const char *const *)(const void *)value;
	*text = *text == NULL ? "" : *text;
	return true;
}

/* On one line. */
static void print_scalar(const struct piece *piece, bool flow, struct lf_buffer *out)
{
	struct lf_buffer json = {0};
	const char *text;

	if (is_text(piece->field, piece->values, &text)) {
		if (lf_yaml_is_plain(text, flow))
			lf_buffer_append_text(out, text);
		else
			lf_json_print_string(text, out);
		return;
	}
	lf_json_print_value(piece->field, piece->values, &json);
	out->failed = out->failed || json.failed;
	/* Names of enums, instants, 64-bit numbers and bytes need no quotes where they could not be mistaken. */
	if (json.length > 2 && json.data[0] == '"') {
		bool number;

		json.data[json.length - 1] = '\0';
		text = json.data + 1;
		number = *text == '-' && text[1] >= '0' && text[1] <= '9';
		if (number || lf_yaml_is_plain(text, flow)) {
			lf_buffer_append_text(out, text);
			lf_buffer_clean_up(&json);
			return;
		}
		json.data[json.length - 1] = '"';
	}
	if (json.data != NULL)
		lf_buffer_append_text(out, json.data);
	lf_buffer_clean_up(&json);
}

/* Key of a map's entry. */
static void print_key(const ProtobufCMessage *entry, struct lf_buffer *out)
{
	const ProtobufCFieldDescriptor *field = &entry->descriptor->fields[0];
	const struct piece key = piece_of_value(field, member(entry, field->offset));

	print_scalar(&key, true, out);
}

/* ---- flow style ---- */

static void print_flow(const struct piece *piece, struct lf_buffer *out);

static void print_flow_message(const ProtobufCMessage *message, struct lf_buffer *out)
{
	const ProtobufCMessageDescriptor *type = message->descriptor;
	const ProtobufCFieldDescriptor *field;
	bool first = true;

	lf_buffer_put(out, '{');
	for (field = lf_wire_declared_next(type, NULL); field != NULL; field = lf_wire_declared_next(type, field)) {
		struct piece child;

		if (!lf_field_is_printed(message, field, false))
			continue;
		child = piece_of_field(message, field);
		lf_buffer_append_text(out, first ? "" : ", ");
		first = false;
		lf_buffer_append_text(out, lf_wire_field_name(type, field));
		lf_buffer_append_text(out, ": ");
		print_flow(&child, out);
	}
	lf_buffer_put(out, '}');
}

static void print_flow_map(const struct piece *map, struct lf_buffer *out)
{
	struct ordered *entries = order(map);

	out->failed = out->failed || entries == NULL;
	lf_buffer_put(out, '{');
	for (size_t i = 0; entries != NULL && i < map->count; i++) {
		const struct piece value = value_of(entries[i].entry);

		lf_buffer_append_text(out, i == 0 ? "" : ", ");
		print_key(entries[i].entry, out);
		lf_buffer_append_text(out, ": ");
		print_flow(&value, out);
	}
	lf_buffer_put(out, '}');
	free(entries);
}

static void print_flow(const struct piece *piece, struct lf_buffer *out)
{
	switch (piece->kind) {
	case SCALAR:
		print_scalar(piece, true, out);
		return;
	case MAP:
		print_flow_map(piece, out);
		return;
	case MESSAGE:
		print_flow_message(piece->message, out);
		return;
	case LIST:
		break;
	}
	lf_buffer_put(out, '[');
	for (size_t i = 0; i < piece->count; i++) {
		const struct piece child = element_of(piece, i);

		lf_buffer_append_text(out, i == 0 ? "" : ", ");
		print_flow(&child, out);
	}
	lf_buffer_put(out, ']');
}

static size_t columns_of(const char *text)
{
	size_t count = 0;

	for (; *text != '\0'; text++)
		count += ((unsigned char)*text & 0xc0) != 0x80;
	return count;
}

/*
 * Prints the piece on the rest of this line, of which column columns are taken. false where it is too large for that.
 */
static bool print_small(const struct piece *piece, size_t column, struct lf_buffer *out)
{
	struct lf_buffer flow = {0};
	bool empty, fits;

	if (depth_of(piece, FLOW_DEPTH_MAX) > FLOW_DEPTH_MAX)
		return false;
	print_flow(piece, &flow);
	out->failed = out->failed || flow.failed;
	empty = flow.length == 2; /* "{}" stands for what block style has nothing for */
	fits = flow.data != NULL && (empty || column + columns_of(flow.data) <= COLUMNS);
	if (fits)
		lf_buffer_append(out, flow.data, flow.length);
	lf_buffer_clean_up(&flow);
	return fits;
}

/* ---- block style ---- */

static void start_line(struct printer *printer, size_t indent)
{
	for (size_t i = 0; i < indent && !printer->started; i++)
		lf_buffer_put(printer->out, ' ');
	printer->started = false;
}

/* "|-" (no line end at the last line) or "|", and the lines below. */
static void print_literal(struct printer *printer, const char *text, size_t indent)
{
	lf_buffer_append_text(printer->out, text[strlen(text) - 1] == '\n' ? "|\n" : "|-\n");
	while (*text != '\0') {
		const size_t length = strcspn(text, "\n");

		if (length > 0)
			start_line(printer, indent);
		lf_buffer_append(printer->out, text, length);
		lf_buffer_put(printer->out, '\n');
		text += length;
		text += *text == '\n';
	}
}

/* ">-" and the words in lines below. */
static void print_folded(struct printer *printer, const char *text, size_t indent)
{
	lf_buffer_append_text(printer->out, ">-\n");
	while (*text != '\0') {
		size_t length = 0, column = indent;
		size_t shown;

		/* At least one word, then as many as fit. */
		for (;;) {
			const size_t word = strcspn(text + length, " ");

			for (size_t i = 0; i < word; i++)
				column += ((unsigned char)text[length + i] & 0xc0) != 0x80;
			if (column > COLUMNS && length > 0)
				break;
			length += word;
			if (text[length] == '\0')
				break;
			length++;
			column++;
		}
		shown = length - (text[length - 1] == ' ');
		start_line(printer, indent);
		lf_buffer_append(printer->out, text, shown);
		lf_buffer_put(printer->out, '\n');
		text += length;
	}
}

static void print_block(struct printer *printer, const struct piece *piece, size_t indent);

/* The rest of a line that has ended at "key:" or "-": a value on it, or below it. indent: of that line. */
static void print_rest(struct printer *printer, const struct piece *piece, size_t indent, size_t column)
{
	const char *text;
	bool part;

	if (piece->kind == SCALAR) {
		lf_buffer_put(printer->out, ' ');
		if (is_text(piece->field, piece->values, &text) && column + columns_of(text) > COLUMNS &&
			lf_yaml_is_foldable(text)) {
			print_folded(printer, text, indent + INDENT);
			return;
		}
		if (is_text(piece->field, piece->values, &text) && lf_yaml_is_literal(text)) {
			print_literal(printer, text, indent + INDENT);
			return;
		}
		print_scalar(piece, false, printer->out);
		lf_buffer_put(printer->out, '\n');
		return;
	}
	lf_buffer_put(printer->out, ' ');
	/* The parts of a file, such as a rubric's criteria, stand one below the other however short they are. */
	part = piece->kind == LIST && piece->field->type == PROTOBUF_C_TYPE_MESSAGE && indent == 0 && piece->count > 0;
	if (!part && print_small(piece, column, printer->out)) {
		lf_buffer_put(printer->out, '\n');
		return;
	}
	printer->out->length--;
	lf_buffer_put(printer->out, '\n');
	print_block(printer, piece, indent + INDENT);
}

/* "key: value" or, where the key is too long for that, "? key" and ": value". */
static void print_pair(struct printer *printer, const char *key, const struct piece *value, size_t indent)
{
	start_line(printer, indent);
	if (strlen(key) > KEY_BYTES_MAX) {
		lf_buffer_append_text(printer->out, "? ");
		lf_buffer_append_text(printer->out, key);
		lf_buffer_put(printer->out, '\n');
		start_line(printer, indent);
	} else {
		lf_buffer_append_text(printer->out, key);
	}
	lf_buffer_put(printer->out, ':');
	print_rest(printer, value, indent, indent + columns_of(key) + 2);
}

static void print_block_message(struct printer *printer, const ProtobufCMessage *message, size_t indent)
{
	const ProtobufCMessageDescriptor *type = message->descriptor;
	const ProtobufCFieldDescriptor *field;

	for (field = lf_wire_declared_next(type, NULL); field != NULL; field = lf_wire_declared_next(type, field)) {
		struct piece child;

		if (!lf_field_is_printed(message, field, false))
			continue;
		child = piece_of_field(message, field);
		print_pair(printer, lf_wire_field_name(type, field), &child, indent);
	}
}

static void print_block_map(struct printer *printer, const struct piece *map, size_t indent)
{
	struct ordered *entries = order(map);

	printer->out->failed = printer->out->failed || entries == NULL;
	for (size_t i = 0; entries != NULL && i < map->count; i++) {
		const struct piece value = value_of(entries[i].entry);
		struct lf_buffer key = {0};

		print_key(entries[i].entry, &key);
		printer->out->failed = printer->out->failed || key.failed;
		if (key.data != NULL)
			print_pair(printer, key.data, &value, indent);
		lf_buffer_clean_up(&key);
	}
	free(entries);
}

/* Elements, each behind a dash. A message goes on behind its dash. */
static void print_block_list(struct printer *printer, const struct piece *list, size_t indent)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct piece child = element_of(list, i);

		start_line(printer, indent);
		lf_buffer_put(printer->out, '-');
		if (child.kind == SCALAR) {
			print_rest(printer, &child, indent, indent + 2);
			continue;
		}
		lf_buffer_put(printer->out, ' ');
		if (print_small(&child, indent + 2, printer->out)) {
			lf_buffer_put(printer->out, '\n');
			continue;
		}
		printer->started = true;
		print_block(printer, &child, indent + INDENT);
	}
}

/* Neither empty nor a scalar: print_small() would have taken it. */
static void print_block(struct printer *printer, const struct piece *piece, size_t indent)
{
	if (piece->kind == MESSAGE)
		print_block_message(printer, piece->message, indent);
	else if (piece->kind == MAP)
		print_block_map(printer, piece, indent);
	else
		print_block_list(printer, piece, indent);
}

void lf_yaml_print(const ProtobufCMessage *message, struct lf_buffer *out)
{
	struct printer printer = {.out = out};
	const size_t before = out->length;

	if (lf_message_shape(message->descriptor) != LF_SHAPE_OBJECT) {
		lf_json_print(message, NULL, out); /* one scalar */
		lf_buffer_put(out, '\n');
		return;
	}
	print_block_message(&printer, message, 0);
	if (out->length == before)
		lf_buffer_append_text(out, "{}\n");
}

void lf_yaml_print_line(const ProtobufCMessage *message, struct lf_buffer *out)
{
	if (lf_message_shape(message->descriptor) == LF_SHAPE_OBJECT)
		print_flow_message(message, out);
	else
		lf_json_print(message, NULL, out);
}
