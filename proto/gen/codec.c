/* Part of lf_descgen: for each message type, the code that packs, reads and canonicalizes it (see codec.h). */
#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "proto/wire/codec.h"
#include "proto/gen/codec.h"

enum { TYPES_MAX = 1024 };

#define FIELD_TYPE(name) GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_##name

static const struct scalar scalars[] = {
	[FIELD_TYPE(DOUBLE)] = {"lf_pack_64(at, &%s)", "lf_read_double", "double", "lf_clear_sign_64", 1, 8},
	[FIELD_TYPE(FLOAT)] = {"lf_pack_32(at, &%s)", "lf_read_float", "float", "lf_clear_sign_32", 5, 4},
	[FIELD_TYPE(FIXED64)] = {"lf_pack_64(at, &%s)", "lf_read_64", "uint64_t", NULL, 1, 8},
	[FIELD_TYPE(SFIXED64)] = {"lf_pack_64(at, &%s)", "lf_read_64", "int64_t", NULL, 1, 8},
	[FIELD_TYPE(FIXED32)] = {"lf_pack_32(at, &%s)", "lf_read_32", "uint32_t", NULL, 5, 4},
	[FIELD_TYPE(SFIXED32)] = {"lf_pack_32(at, &%s)", "lf_read_32", "int32_t", NULL, 5, 4},
	[FIELD_TYPE(INT64)] = {"lf_pack_varint(at, (uint64_t)%s)", "lf_read_uint64", "int64_t", NULL, 0, 10},
	[FIELD_TYPE(UINT64)] = {"lf_pack_varint(at, %s)", "lf_read_uint64", "uint64_t", NULL, 0, 10},
	[FIELD_TYPE(SINT64)] = {"lf_pack_varint(at, lf_zigzag(%s))", "lf_read_sint64", "int64_t", NULL, 0, 10},
	[FIELD_TYPE(INT32)] = {"lf_pack_varint(at, (uint64_t)(int64_t)%s)", "lf_read_int32", "int32_t", NULL, 0, 10},
	[FIELD_TYPE(UINT32)] = {"lf_pack_varint(at, %s)", "lf_read_uint32", "uint32_t", NULL, 0, 5},
	[FIELD_TYPE(SINT32)] = {"lf_pack_varint(at, lf_zigzag(%s))", "lf_read_sint32", "int32_t", NULL, 0, 10},
	[FIELD_TYPE(BOOL)] = {"lf_pack_varint(at, %s != 0)", "lf_read_bool", "protobuf_c_boolean", NULL, 0, 1},
	[FIELD_TYPE(ENUM)] = {"lf_pack_varint(at, (uint64_t)(int64_t)%s)", NULL, NULL, NULL, 0, 10},
	[FIELD_TYPE(STRING)] = {NULL, "lf_read_text", "char *", NULL, 2, LF_DESCGEN_LENGTH_BYTES},
	[FIELD_TYPE(BYTES)] = {NULL, "lf_read_binary", "ProtobufCBinaryData", NULL, 2, LF_DESCGEN_LENGTH_BYTES},
	[FIELD_TYPE(MESSAGE)] = {NULL, NULL, NULL, NULL, 2, LF_DESCGEN_LENGTH_BYTES},
};

struct writer {
	struct type *types;
	size_t count;
};

/* ---- names as protoc-gen-c makes them ---- */

/* "leadfit.v1.RubricRef" → "Leadfit__V1__RubricRef" */
static void c_name_of(char *out, const char *full_name)
{
	bool upper = true;

	for (const char *c = full_name; *c != '\0'; c++) {
		if (*c == '.') {
			*out++ = '_';
			*out++ = '_';
			upper = true;
		} else if (*c == '_') {
			upper = true;
		} else {
			*out++ = (char)(upper ? toupper((unsigned char)*c) : *c);
			upper = false;
		}
	}
	*out = '\0';
}

/* A name that C has for itself gets an underscore. A keyword that is not here makes code that does not compile. */
static void member_of(char *out, const char *prefix, const char *name, const char *suffix)
{
	static const char *const keywords[] = {"bool", "case", "char", "const", "default", "double", "enum", "float",
		"for", "int", "long", "short", "signed"};
	const char *underscore = "";
	int length;

	for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
		if (*suffix == '\0' && strcmp(name, keywords[i]) == 0)
			underscore = "_";
	length = snprintf(out, LF_DESCGEN_NAME_BYTES, "m->%s%s%s%s", prefix, name, underscore, suffix);
	if (length < 0 || length >= LF_DESCGEN_NAME_BYTES)
		lf_descgen_fail("name is too long", name);
	for (char *c = out; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
}

/* ---- gathering ---- */

static struct type *add_type(struct writer *w, const char *scope, const char *name)
{
	struct type *type = &w->types[w->count];

	if (w->count++ == TYPES_MAX)
		lf_descgen_fail("too many types", name);
	lf_descgen_join(type->full_name, scope, ".", name);
	lf_descgen_symbol(type->symbol, type->full_name);
	c_name_of(type->c_name, type->full_name);
	snprintf(type->initial, sizeof(type->initial), "%s__INIT", type->symbol);
	for (char *c = type->initial; *c != '\0'; c++)
		*c = (char)toupper((unsigned char)*c);
	return type;
}

static void add_enums(
	struct writer *w, const char *scope, size_t count, Google__Protobuf__EnumDescriptorProto *const *enums)
{
	for (size_t i = 0; i < count; i++)
		add_type(w, scope, enums[i]->name)->values = enums[i];
}

static void add_messages(
	struct writer *w, const char *scope, size_t count, Google__Protobuf__DescriptorProto *const *messages)
{
	for (size_t i = 0; i < count; i++) {
		struct type *type = add_type(w, scope, messages[i]->name);

		type->message = messages[i];
		add_enums(w, type->full_name, messages[i]->n_enum_type, messages[i]->enum_type);
		add_messages(w, type->full_name, messages[i]->n_nested_type, messages[i]->nested_type);
	}
}

static struct type *find_type(const struct writer *w, const char *name)
{
	for (size_t i = 0; i < w->count; i++)
		if (strcmp(w->types[i].full_name, name + (*name == '.')) == 0)
			return &w->types[i];
	lf_descgen_fail("there is no type", name);
}

static void fill_field(const struct writer *w, const struct type *of,
	const Google__Protobuf__FieldDescriptorProto *proto, struct field *field)
{
	if (proto->has_proto3_optional && proto->proto3_optional)
		lf_descgen_fail("optional is not supported", of->full_name);
	if ((size_t)proto->type >= sizeof(scalars) / sizeof(scalars[0]) || scalars[proto->type].bytes_max == 0)
		lf_descgen_fail("type of a field is not supported", of->full_name);
	field->proto = proto;
	field->scalar = &scalars[proto->type];
	field->is_message = proto->type == FIELD_TYPE(MESSAGE);
	field->is_pointer = field->is_message || proto->type == FIELD_TYPE(STRING);
	field->repeated = proto->label == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_REPEATED;
	field->packed = field->repeated && field->scalar->wire != 2 &&
		(proto->options == NULL || !proto->options->has_packed || proto->options->packed);
	field->tag = (uint32_t)proto->number << 3 | field->scalar->wire;
	field->fixed_bytes = 5 + (field->packed ? LF_DESCGEN_LENGTH_BYTES : field->scalar->bytes_max);
	if (field->is_message || proto->type == FIELD_TYPE(ENUM))
		field->type = find_type(w, proto->type_name);
	member_of(field->member, "", proto->name, "");
	if (field->repeated)
		member_of(field->count, "n_", proto->name, "");
	else if (proto->has_oneof_index)
		member_of(field->count, "", of->message->oneof_decl[proto->oneof_index]->name, "_case");
}

static int compare_fields(const void *a, const void *b)
{
	const int32_t left = ((const struct field *)a)->proto->number, right = ((const struct field *)b)->proto->number;

	return (left > right) - (left < right);
}

static void fill_fields(const struct writer *w, struct type *type)
{
	type->field_count = type->message->n_field;
	type->fields = calloc(type->field_count + 1, sizeof(*type->fields));
	if (type->fields == NULL)
		lf_descgen_fail("out of memory", type->full_name);
	for (size_t i = 0; i < type->field_count; i++)
		fill_field(w, type, type->message->field[i], &type->fields[i]);
	qsort(type->fields, type->field_count, sizeof(*type->fields), compare_fields);
	for (size_t i = 0; i < type->field_count; i++)
		type->fields[i].index = i;
}

/* ---- canonicalizing ---- */

/* Whether there is anything in a message whose order or sign is open. No way through a type that contains itself is
 * missed: it is the same from wherever it is entered. */
static bool is_open(struct type *type)
{
	bool open = false;

	if (type->visited)
		return false;
	type->visited = true;
	for (size_t i = 0; i < type->field_count && !open; i++) {
		const struct field *f = &type->fields[i];

		open = f->scalar->clear != NULL || lf_descgen_is_map(f) || (f->is_message && is_open(f->type));
	}
	type->visited = false;
	return open;
}

static void put_canonical_field(FILE *out, const struct field *f)
{
	const bool nested = f->is_message && is_open(f->type);
	const char *at = f->repeated ? "[i]" : "";

	if (f->repeated && (nested || f->scalar->clear != NULL))
		lf_descgen_put(out, "\tfor (size_t i = 0; i < %s; i++)\n\t", f->count);
	else if (!f->repeated && f->count[0] != '\0' && (nested || f->scalar->clear != NULL))
		lf_descgen_put(out, "\tif (%s == %d)\n\t", f->count, f->proto->number);
	if (nested)
		lf_descgen_put(out, "\tif (%s%s != NULL)\n\t\t\tcanonicalize_%s(%s%s);\n", f->member, at,
			f->type->symbol, f->member, at);
	else if (f->scalar->clear != NULL)
		lf_descgen_put(out, "\t%s(&%s%s);\n", f->scalar->clear, f->member, at);
	if (lf_descgen_is_map(f))
		lf_descgen_put(
			out, "\tlf_sort_entries(%s, %s, offsetof(%s, key));\n", f->member, f->count, f->type->c_name);
}

static void put_canonicalize(FILE *out, const struct type *type)
{
	lf_descgen_put(out, "\nstatic void canonicalize_%s(void *message)\n{\n\t%s *m = message;\n\n", type->symbol,
		type->c_name);
	for (size_t i = 0; i < type->field_count; i++)
		put_canonical_field(out, &type->fields[i]);
	lf_descgen_put(out, "}\n");
}

/* ---- all of it ---- */

static void put_declarations(FILE *out, struct type *type)
{
	lf_descgen_put(
		out, "static uint8_t *pack_%s(struct lf_packer *p, uint8_t *at, const void *message);\n", type->symbol);
	lf_descgen_put(out,
		"static void *read_%s(const struct lf_reader *reader, const uint8_t *at, const uint8_t *end, unsigned "
		"depth);\n",
		type->symbol);
	if (is_open(type))
		lf_descgen_put(out, "static void canonicalize_%s(void *message);\n", type->symbol);
}

static void put_enum(FILE *out, const struct type *type)
{
	lf_descgen_put(out, "\nstatic inline bool has_%s(int64_t number)\n{\n\tswitch (number) {\n", type->symbol);
	for (size_t i = 0; i < type->values->n_value; i++)
		lf_descgen_put(out, "\tcase %d:\n", type->values->value[i]->number);
	lf_descgen_put(out, "\t\treturn true;\n\tdefault:\n\t\treturn false;\n\t}\n}\n");
}

static void put_table(struct writer *w, FILE *out, const char *find)
{
	struct type *slots[4 * TYPES_MAX] = {NULL};
	size_t size = 4;

	while (size < 2 * w->count)
		size *= 2;
	for (size_t i = 0; i < w->count; i++) {
		const char *dot = strrchr(w->types[i].full_name, '.');
		size_t at = lf_codec_hash(dot == NULL ? w->types[i].full_name : dot + 1) & (size - 1);

		while (slots[at] != NULL)
			at = (at + 1) & (size - 1);
		if (w->types[i].message != NULL)
			slots[at] = &w->types[i];
	}
	lf_descgen_put(out, "\nstatic const struct lf_codec slots[%zu] = {\n", size);
	for (size_t i = 0; i < size; i++)
		if (slots[i] != NULL)
			lf_descgen_put(out, "\t[%zu] = {&%s__descriptor, pack_%s, read_%s, %s%s},\n", i,
				slots[i]->symbol, slots[i]->symbol, slots[i]->symbol,
				is_open(slots[i]) ? "canonicalize_" : "NULL",
				is_open(slots[i]) ? slots[i]->symbol : "");
	lf_descgen_put(out, "};\nstatic const struct lf_codec_table table = {%zu, slots};\n\n", size - 1);
	lf_descgen_put(out,
		"const struct lf_codec *%s(const ProtobufCMessageDescriptor *type);\n\n"
		"const struct lf_codec *%s(const ProtobufCMessageDescriptor *type)\n{\n"
		"\treturn lf_codec_lookup(&table, type);\n}\n",
		find, find);
}

void lf_descgen_codecs(FILE *out, const Google__Protobuf__FileDescriptorSet *set, const char *find)
{
	struct writer w = {.types = calloc(TYPES_MAX, sizeof(struct type))};

	if (w.types == NULL)
		lf_descgen_fail("out of memory", find);
	for (size_t i = 0; i < set->n_file; i++) {
		const char *package = set->file[i]->package == NULL ? "" : set->file[i]->package;

		if (set->file[i]->syntax == NULL || strcmp(set->file[i]->syntax, "proto3") != 0)
			lf_descgen_fail("not of proto3", set->file[i]->name);
		add_enums(&w, package, set->file[i]->n_enum_type, set->file[i]->enum_type);
		add_messages(&w, package, set->file[i]->n_message_type, set->file[i]->message_type);
	}
	for (size_t i = 0; i < w.count; i++)
		if (w.types[i].message != NULL)
			fill_fields(&w, &w.types[i]);
	lf_descgen_put(out,
		"/* Generated by lf_descgen. */\n#include \"proto/wire/codec.h\"\n#include \"proto/base/limits.h\"\n");
	lf_descgen_includes(out, set);
	lf_descgen_put(
		out, "/* The ..._INIT macros cast const away. */\n#pragma GCC diagnostic ignored \"-Wcast-qual\"\n\n");
	for (size_t i = 0; i < w.count; i++)
		if (w.types[i].message != NULL)
			put_declarations(out, &w.types[i]);
		else
			put_enum(out, &w.types[i]);
	for (size_t i = 0; i < w.count; i++) {
		if (w.types[i].message == NULL)
			continue;
		lf_descgen_pack(out, &w.types[i]);
		lf_descgen_read(out, &w.types[i]);
		if (is_open(&w.types[i]))
			put_canonicalize(out, &w.types[i]);
	}
	put_table(&w, out, find);
	for (size_t i = 0; i < w.count; i++)
		free(w.types[i].fields);
	free(w.types);
}
