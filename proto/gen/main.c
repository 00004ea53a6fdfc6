/*
 * lf_descgen SET.desc OUT.c: reads a serialised FileDescriptorSet and writes what the library needs to know of it
 * beside protobuf-c's own descriptors (see descriptors.h). With the name of a function as a third argument it writes
 * code for each message type instead, and that function, which finds it (see codec.h). Runs at build time only.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "google/protobuf/descriptor.pb-c.h"
#include "proto/gen/descgen.h"
#include "proto/wire/descriptors.h"

/* Services of these packages are offered. */
static const char *const packages[] = {"leadfit.v1", "grpc.health.v1"};

enum { NAME_MAX_BYTES = LF_DESCGEN_NAME_BYTES, METHODS_MAX = 256 };

struct method {
	char name[NAME_MAX_BYTES];
	char symbol[NAME_MAX_BYTES];
	unsigned index;
	bool is_read, is_stream;
};

struct generator {
	FILE *out;
	const Google__Protobuf__FileDescriptorSet *set;
	struct method methods[METHODS_MAX];
	size_t method_count;
};

typedef void visit_fn(
	struct generator *generator, const char *full_name, const Google__Protobuf__DescriptorProto *message);

static void visit_messages(struct generator *generator, const char *scope, size_t count,
	Google__Protobuf__DescriptorProto *const *messages, visit_fn *visit)
{
	for (size_t i = 0; i < count; i++) {
		char full_name[NAME_MAX_BYTES];

		lf_descgen_join(full_name, scope, ".", messages[i]->name);
		visit(generator, full_name, messages[i]);
		visit_messages(generator, full_name, messages[i]->n_nested_type, messages[i]->nested_type, visit);
	}
}

static void visit_all(struct generator *generator, visit_fn *visit)
{
	for (size_t i = 0; i < generator->set->n_file; i++) {
		const Google__Protobuf__FileDescriptorProto *file = generator->set->file[i];

		visit_messages(generator, file->package == NULL ? "" : file->package, file->n_message_type,
			file->message_type, visit);
	}
}

/* What wire.c and canonical.c rely on. */
static void check_message(
	struct generator *generator, const char *full_name, const Google__Protobuf__DescriptorProto *message)
{
	bool map_entry = message->options != NULL && message->options->map_entry;

	(void)generator;
	if (message->n_field > LF_DESCRIPTOR_FIELDS_MAX)
		lf_descgen_fail("too many fields", full_name);
	for (size_t i = 0; i < message->n_field; i++) {
		const Google__Protobuf__FieldDescriptorProto *field = message->field[i];

		if (field->label == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_REQUIRED ||
			field->type == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_GROUP)
			lf_descgen_fail("required fields and groups are not supported", full_name);
		if (map_entry && field->number == 1 &&
			field->type != GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_STRING)
			lf_descgen_fail("keys of maps must be strings", full_name);
	}
}

static void emit_map_entry(
	struct generator *generator, const char *full_name, const Google__Protobuf__DescriptorProto *message)
{
	char symbol[NAME_MAX_BYTES];

	if (message->options == NULL || !message->options->map_entry)
		return;
	lf_descgen_symbol(symbol, full_name);
	fprintf(generator->out, "\t&%s__descriptor,\n", symbol);
}

/* The json_name that protoc gives a field that names none. */
static void default_json_name(char *out, const char *name)
{
	bool upper = false;
	size_t length = 0;

	for (const char *c = name; *c != '\0' && length + 1 < NAME_MAX_BYTES; c++) {
		if (*c == '_') {
			upper = true;
			continue;
		}
		out[length++] = (char)(upper ? toupper((unsigned char)*c) : *c);
		upper = false;
	}
	out[length] = '\0';
}

static void emit_field_names(
	struct generator *generator, const char *full_name, const Google__Protobuf__DescriptorProto *message)
{
	char symbol[NAME_MAX_BYTES], usual[NAME_MAX_BYTES];

	lf_descgen_symbol(symbol, full_name);
	for (size_t i = 0; i < message->n_field; i++) {
		const Google__Protobuf__FieldDescriptorProto *field = message->field[i];

		default_json_name(usual, field->name);
		if (field->json_name != NULL && strcmp(field->json_name, usual) != 0)
			fprintf(generator->out, "\t{&%s__descriptor, %d, \"%s\"},\n", symbol, field->number,
				field->json_name);
	}
}

static bool is_offered(const char *package)
{
	for (size_t i = 0; i < sizeof(packages) / sizeof(packages[0]); i++)
		if (package != NULL && strcmp(package, packages[i]) == 0)
			return true;
	return false;
}

static bool has_no_side_effects(const Google__Protobuf__MethodDescriptorProto *method)
{
	return method->options != NULL &&
		method->options->idempotency_level ==
		GOOGLE__PROTOBUF__METHOD_OPTIONS__IDEMPOTENCY_LEVEL__NO_SIDE_EFFECTS;
}

static void add_methods(struct generator *generator, const char *full_name, const char *symbol,
	const Google__Protobuf__ServiceDescriptorProto *service)
{
	for (size_t i = 0; i < service->n_method; i++) {
		struct method *method = &generator->methods[generator->method_count];

		if (generator->method_count++ == METHODS_MAX)
			lf_descgen_fail("too many methods", full_name);
		lf_descgen_join(method->name, full_name, "/", service->method[i]->name);
		snprintf(method->symbol, sizeof(method->symbol), "%s", symbol);
		method->index = (unsigned)i;
		method->is_read = has_no_side_effects(service->method[i]);
		method->is_stream = service->method[i]->server_streaming;
	}
}

static void emit_services(struct generator *generator)
{
	fputs("\nconst ProtobufCServiceDescriptor *const lf_services[] = {\n", generator->out);
	for (size_t i = 0; i < generator->set->n_file; i++) {
		const Google__Protobuf__FileDescriptorProto *file = generator->set->file[i];

		for (size_t j = 0; is_offered(file->package) && j < file->n_service; j++) {
			char full_name[NAME_MAX_BYTES], symbol[NAME_MAX_BYTES];

			lf_descgen_join(full_name, file->package, ".", file->service[j]->name);
			lf_descgen_symbol(symbol, full_name);
			fprintf(generator->out, "\t&%s__descriptor,\n", symbol);
			add_methods(generator, full_name, symbol, file->service[j]);
		}
	}
	fputs("\tNULL,\n};\n", generator->out);
}

static int compare_methods(const void *a, const void *b)
{
	return strcmp(((const struct method *)a)->name, ((const struct method *)b)->name);
}

static void emit_methods(struct generator *generator)
{
	qsort(generator->methods, generator->method_count, sizeof(generator->methods[0]), compare_methods);
	fputs("\nconst struct lf_method_entry lf_method_entries[] = {\n", generator->out);
	for (size_t i = 0; i < generator->method_count; i++) {
		const struct method *method = &generator->methods[i];

		fprintf(generator->out, "\t{\"%s\", %zu, &%s__descriptor, %u, %s, %s},\n", method->name,
			strlen(method->name), method->symbol, method->index, method->is_read ? "true" : "false",
			method->is_stream ? "true" : "false");
	}
	fputs("};\n\nconst char *const lf_method_names[] = {\n", generator->out);
	for (size_t i = 0; i < generator->method_count; i++)
		fprintf(generator->out, "\t\"%s\",\n", generator->methods[i].name);
	fprintf(generator->out, "};\nconst size_t lf_method_count = %zu;\n", generator->method_count);
}

static void emit_set(struct generator *generator, const unsigned char *data, size_t length)
{
	fputs("\nconst uint8_t lf_file_descriptor_set[] = {", generator->out);
	for (size_t i = 0; i < length; i++)
		fprintf(generator->out, "%s0x%02x,", i % 20 == 0 ? "\n\t" : " ", data[i]);
	fprintf(generator->out, "\n};\nconst size_t lf_file_descriptor_set_length = %zu;\n", length);
}

static unsigned char *read_file(const char *path, size_t *length)
{
	FILE *file = fopen(path, "rb");
	unsigned char *data = NULL;
	long size;

	if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) <= 0 || fseek(file, 0, SEEK_SET) != 0)
		lf_descgen_fail("can't read", path);
	data = malloc((size_t)size);
	if (data == NULL || fread(data, 1, (size_t)size, file) != (size_t)size)
		lf_descgen_fail("can't read", path);
	fclose(file);
	*length = (size_t)size;
	return data;
}

static void emit_tables(struct generator *generator, const unsigned char *data, size_t length)
{
	fputs("/* Generated by lf_descgen. */\n#include \"proto/wire/descriptors.h\"\n#include \"proto/wire/wire.h\"\n",
		generator->out);
	lf_descgen_includes(generator->out, generator->set);
	fputs("\nconst ProtobufCMessageDescriptor *const lf_map_entries[] = {\n", generator->out);
	visit_all(generator, emit_map_entry);
	fputs("\tNULL,\n};\n\nconst struct lf_field_name lf_field_names[] = {\n", generator->out);
	visit_all(generator, emit_field_names);
	fputs("\t{NULL, 0, NULL},\n};\n", generator->out);
	emit_services(generator);
	emit_methods(generator);
	emit_set(generator, data, length);
}

int main(int argc, char **argv)
{
	struct generator *generator = calloc(1, sizeof(*generator));
	Google__Protobuf__FileDescriptorSet *set;
	unsigned char *data;
	size_t length;

	if (argc < 3 || argc > 4 || generator == NULL)
		lf_descgen_fail("usage", "lf_descgen SET.desc OUT.c [FUNCTION]");
	data = read_file(argv[1], &length);
	set = google__protobuf__file_descriptor_set__unpack(NULL, length, data);
	if (set == NULL)
		lf_descgen_fail("not a FileDescriptorSet", argv[1]);
	generator->set = set;
	visit_all(generator, check_message);
	generator->out = fopen(argv[2], "w");
	if (generator->out == NULL)
		lf_descgen_fail("can't write", argv[2]);
	if (argc == 4)
		lf_descgen_codecs(generator->out, set, argv[3]);
	else
		emit_tables(generator, data, length);
	if (fclose(generator->out) != 0)
		lf_descgen_fail("can't write", argv[2]);
	google__protobuf__file_descriptor_set__free_unpacked(set, NULL);
	free(data);
	free(generator);
	return 0;
}
