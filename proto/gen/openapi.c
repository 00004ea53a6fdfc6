/*
 * Part of lf_descgen: an OpenAPI 3.1 page of the interface. Each method that has one request and one reply is a POST of
 * its JSON, each message that one of them needs a schema, as proto3's JSON mapping has it; comments are descriptions.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/gen/descgen.h"

enum { TYPES_MAX = 1024, PATH_MAX_NUMBERS = 12 };

/* Numbers of the fields of descriptor.proto that a comment's path goes through. */
enum { FILE_MESSAGE = 4, FILE_ENUM = 5, FILE_SERVICE = 6, MESSAGE_FIELD = 2, MESSAGE_NESTED = 3, MESSAGE_ENUM = 4 };
enum { ENUM_VALUE = 2, SERVICE_METHOD = 2 };

#define TYPE(name) GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_##name

/* Where something is declared, for its comment. */
struct place {
	const Google__Protobuf__FileDescriptorProto *file;
	int32_t path[PATH_MAX_NUMBERS];
	size_t length;
};

struct schema {
	char name[LF_DESCGEN_NAME_BYTES];
	const Google__Protobuf__DescriptorProto *message; /* or */
	const Google__Protobuf__EnumDescriptorProto *values;
	struct place place;
	bool used;
};

struct page {
	FILE *out;
	const Google__Protobuf__FileDescriptorSet *set;
	struct schema *schemas;
	size_t count;
};

/* ---- JSON ---- */

static void put_text(FILE *out, const char *text)
{
	fputc('"', out);
	for (const char *c = text; *c != '\0'; c++) {
		if (*c == '"' || *c == '\\')
			fprintf(out, "\\%c", *c);
		else if (*c == '\n')
			fputs("\\n", out);
		else if ((unsigned char)*c < 0x20)
			fprintf(out, "\\u%04x", (unsigned)*c);
		else
			fputc(*c, out);
	}
	fputc('"', out);
}

/* ---- comments ---- */

static struct place within(struct place place, int32_t field, size_t index)
{
	if (place.length + 2 > PATH_MAX_NUMBERS)
		lf_descgen_fail("nested too deep", place.file->name);
	place.path[place.length++] = field;
	place.path[place.length++] = (int32_t)index;
	return place;
}

/* The comment there, without the space that begins each line; "" where there is none. The caller frees it. */
static char *comment_of(const struct place *place)
{
	const Google__Protobuf__SourceCodeInfo *info = place->file->source_code_info;
	const char *comment = "";
	char *text, *end;

	for (size_t i = 0; info != NULL && i < info->n_location; i++)
		if (info->location[i]->n_path == place->length && info->location[i]->leading_comments != NULL &&
			memcmp(info->location[i]->path, place->path, place->length * sizeof(place->path[0])) == 0)
			comment = info->location[i]->leading_comments;
	text = malloc(strlen(comment) + 1);
	if (text == NULL)
		lf_descgen_fail("no memory", place->file->name);
	end = text;
	for (const char *c = comment; *c != '\0'; c++)
		if (*c != ' ' || (c != comment && c[-1] != '\n'))
			*end++ = *c;
	while (end > text && end[-1] == '\n')
		end--;
	*end = '\0';
	return text;
}

/* ,"description":"..." with what else is to be said; nothing where there is nothing. */
static void put_description(FILE *out, const struct place *place, const char *more)
{
	char *comment = comment_of(place), *all = malloc(strlen(comment) + strlen(more) + 3);

	if (all == NULL)
		lf_descgen_fail("no memory", more);
	sprintf(all, "%s%s%s", comment, *comment != '\0' && *more != '\0' ? "\n\n" : "", more);
	if (*all != '\0') {
		fputs(",\"description\":", out);
		put_text(out, all);
	}
	free(all);
	free(comment);
}

/* ---- which messages there are, and which are needed ---- */

static struct schema *add(struct page *page, const char *scope, const char *name, struct place place)
{
	struct schema *schema = &page->schemas[page->count];

	if (page->count++ == TYPES_MAX)
		lf_descgen_fail("too many types", name);
	lf_descgen_join(schema->name, scope, ".", name);
	schema->place = place;
	return schema;
}

static void add_messages(struct page *page, const char *scope, struct place around, int32_t field, size_t count,
	Google__Protobuf__DescriptorProto *const *messages)
{
	for (size_t i = 0; i < count; i++) {
		const Google__Protobuf__DescriptorProto *message = messages[i];
		const struct place place = within(around, field, i);
		struct schema *schema = add(page, scope, message->name, place);

		schema->message = message;
		for (size_t e = 0; e < message->n_enum_type; e++)
			add(page, schema->name, message->enum_type[e]->name, within(place, MESSAGE_ENUM, e))->values =
				message->enum_type[e];
		add_messages(page, schema->name, place, MESSAGE_NESTED, message->n_nested_type, message->nested_type);
	}
}

static void add_all(struct page *page)
{
	for (size_t f = 0; f < page->set->n_file; f++) {
		const Google__Protobuf__FileDescriptorProto *file = page->set->file[f];
		const struct place place = {.file = file};

		add_messages(page, file->package, place, FILE_MESSAGE, file->n_message_type, file->message_type);
		for (size_t e = 0; e < file->n_enum_type; e++)
			add(page, file->package, file->enum_type[e]->name, within(place, FILE_ENUM, e))->values =
				file->enum_type[e];
	}
}

/* type_name: with a dot in front, as descriptors have it. */
static struct schema *find(const struct page *page, const char *type_name)
{
	for (size_t i = 0; i < page->count; i++)
		if (strcmp(page->schemas[i].name, type_name + 1) == 0)
			return &page->schemas[i];
	lf_descgen_fail("no such type", type_name);
}

static bool is_map(const struct schema *schema)
{
	return schema->message != NULL && schema->message->options != NULL && schema->message->options->map_entry;
}

static void use(const struct page *page, const char *type_name)
{
	struct schema *schema = find(page, type_name);

	if (schema->used)
		return;
	schema->used = true;
	for (size_t i = 0; schema->message != NULL && i < schema->message->n_field; i++)
		if (schema->message->field[i]->type_name != NULL)
			use(page, schema->message->field[i]->type_name);
}

/* ---- types ---- */

/* What JSON has for a type without a schema of its own; in "wrappers" null means absent. */
static const struct {
	const char *name, *json;
} well_known[] = {
	{".google.protobuf.Timestamp", "\"type\":\"string\",\"format\":\"date-time\""},
	{".google.protobuf.DoubleValue", "\"type\":[\"number\",\"null\"],\"format\":\"double\""},
	{".google.protobuf.FloatValue", "\"type\":[\"number\",\"null\"],\"format\":\"float\""},
	{".google.protobuf.Int64Value", "\"type\":[\"string\",\"null\"],\"format\":\"int64\""},
	{".google.protobuf.UInt64Value", "\"type\":[\"string\",\"null\"],\"format\":\"uint64\""},
	{".google.protobuf.Int32Value", "\"type\":[\"integer\",\"null\"],\"format\":\"int32\""},
	{".google.protobuf.UInt32Value", "\"type\":[\"integer\",\"null\"],\"format\":\"uint32\",\"minimum\":0"},
	{".google.protobuf.BoolValue", "\"type\":[\"boolean\",\"null\"]"},
	{".google.protobuf.StringValue", "\"type\":[\"string\",\"null\"]"},
	{".google.protobuf.BytesValue", "\"type\":[\"string\",\"null\"],\"contentEncoding\":\"base64\""},
};

static const char *well_known_json(const char *type_name)
{
	for (size_t i = 0; i < sizeof(well_known) / sizeof(well_known[0]); i++)
		if (strcmp(well_known[i].name, type_name) == 0)
			return well_known[i].json;
	return NULL;
}

static const char *scalar_json(Google__Protobuf__FieldDescriptorProto__Type type)
{
	switch (type) {
	case TYPE(DOUBLE):
		return "\"type\":\"number\",\"format\":\"double\"";
	case TYPE(FLOAT):
		return "\"type\":\"number\",\"format\":\"float\"";
	case TYPE(INT64):
	case TYPE(SINT64):
	case TYPE(SFIXED64):
		return "\"type\":\"string\",\"format\":\"int64\",\"pattern\":\"^-?[0-9]+$\"";
	case TYPE(UINT64):
	case TYPE(FIXED64):
		return "\"type\":\"string\",\"format\":\"uint64\",\"pattern\":\"^[0-9]+$\"";
	case TYPE(INT32):
	case TYPE(SINT32):
	case TYPE(SFIXED32):
		return "\"type\":\"integer\",\"format\":\"int32\"";
	case TYPE(UINT32):
	case TYPE(FIXED32):
		return "\"type\":\"integer\",\"format\":\"uint32\",\"minimum\":0,\"maximum\":4294967295";
	case TYPE(BOOL):
		return "\"type\":\"boolean\"";
	case TYPE(STRING):
		return "\"type\":\"string\"";
	case TYPE(BYTES):
		return "\"type\":\"string\",\"contentEncoding\":\"base64\"";
	default:
		lf_descgen_fail("a type without a place in OpenAPI", "openapi");
	}
}

/* The inside of a schema of one value. */
static void put_value(const struct page *page, const Google__Protobuf__FieldDescriptorProto *field)
{
	const char *known = field->type_name == NULL ? scalar_json(field->type) : well_known_json(field->type_name);

	if (known != NULL)
		fputs(known, page->out);
	else
		fprintf(page->out, "\"$ref\":\"#/components/schemas/%s\"", find(page, field->type_name)->name);
}

static void put_field(const struct page *page, const Google__Protobuf__FieldDescriptorProto *field, struct place place)
{
	const bool repeated = field->label == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_REPEATED;
	const struct schema *type = field->type_name == NULL ? NULL : find(page, field->type_name);

	put_text(page->out, field->json_name);
	fputs(":{", page->out);
	if (type != NULL && is_map(type)) {
		fputs("\"type\":\"object\",\"additionalProperties\":{", page->out);
		put_value(page, type->message->field[1]);
		fputc('}', page->out);
	} else if (repeated) {
		fputs("\"type\":\"array\",\"items\":{", page->out);
		put_value(page, field);
		fputc('}', page->out);
	} else
		put_value(page, field);
	put_description(page->out, &place, "");
	fputc('}', page->out);
}

static void put_message(const struct page *page, const struct schema *schema)
{
	fputs("\"type\":\"object\",\"properties\":{", page->out);
	for (size_t i = 0; i < schema->message->n_field; i++) {
		if (i != 0)
			fputc(',', page->out);
		put_field(page, schema->message->field[i], within(schema->place, MESSAGE_FIELD, i));
	}
	fputc('}', page->out);
	put_description(page->out, &schema->place, "");
}

/* The names, and what each means. */
static void put_enum(const struct page *page, const struct schema *schema)
{
	char *more = NULL;
	size_t length;
	FILE *text = open_memstream(&more, &length);

	if (text == NULL)
		lf_descgen_fail("no memory", schema->name);
	fputs("\"type\":\"string\",\"enum\":[", page->out);
	for (size_t i = 0; i < schema->values->n_value; i++) {
		const struct place place = within(schema->place, ENUM_VALUE, i);
		char *comment = comment_of(&place);

		fprintf(page->out, "%s\"%s\"", i == 0 ? "" : ",", schema->values->value[i]->name);
		if (*comment != '\0')
			fprintf(text, "%s%s: %s", ftell(text) == 0 ? "" : "\n\n", schema->values->value[i]->name,
				comment);
		free(comment);
	}
	fputc(']', page->out);
	fclose(text);
	put_description(page->out, &schema->place, more);
	free(more);
}

/* What a call gets that fails. */
static const char error_schema[] =
	"\"Error\":{\"type\":\"object\",\"required\":[\"code\"],\"properties\":{"
	"\"code\":{\"type\":\"string\",\"enum\":[\"canceled\",\"unknown\",\"invalid_argument\",\"deadline_exceeded\","
	"\"not_found\",\"already_exists\",\"permission_denied\",\"resource_exhausted\",\"failed_precondition\","
	"\"aborted\","
	"\"out_of_range\",\"unimplemented\",\"internal\",\"unavailable\",\"data_loss\",\"unauthenticated\"]},"
	"\"message\":{\"type\":\"string\",\"description\":\"For people, one line.\"},"
	"\"details\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{"
	"\"type\":{\"type\":\"string\",\"description\":\"leadfit.v1.Error\"},"
	"\"value\":{\"type\":\"string\",\"contentEncoding\":\"base64\",\"description\":\"That message, with every "
	"invalid "
	"field by path.\"}}}}},\"description\":\"Why a call failed: the Connect protocol's error.\"}";

static void put_schemas(const struct page *page)
{
	fputs("\"schemas\":{", page->out);
	fputs(error_schema, page->out);
	for (size_t i = 0; i < page->count; i++) {
		const struct schema *schema = &page->schemas[i];
		const bool google = strncmp(schema->name, "google.", 7) == 0;

		if (!schema->used || google || is_map(schema))
			continue;
		fprintf(page->out, ",\n\"%s\":{", schema->name);
		if (schema->message != NULL)
			put_message(page, schema);
		else
			put_enum(page, schema);
		fputc('}', page->out);
	}
	fputc('}', page->out);
}

/* ---- methods ---- */

static bool is_shown(const Google__Protobuf__FileDescriptorProto *file)
{
	return strcmp(file->package, "leadfit.v1") == 0 || strcmp(file->package, "grpc.health.v1") == 0;
}

static bool is_unary(const Google__Protobuf__MethodDescriptorProto *method)
{
	return !method->client_streaming && !method->server_streaming;
}

static void put_content(const struct page *page, const char *schema)
{
	fprintf(page->out, "\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/%s\"}}}",
		schema);
}

static void put_method(const struct page *page, const char *service,
	const Google__Protobuf__MethodDescriptorProto *method, const struct place *place)
{
	const bool is_read = method->options != NULL &&
		method->options->idempotency_level ==
			GOOGLE__PROTOBUF__METHOD_OPTIONS__IDEMPOTENCY_LEVEL__NO_SIDE_EFFECTS;

	fprintf(page->out, "\"/%s/%s\":{\"post\":{\"operationId\":\"%s.%s\",\"tags\":[\"%s\"]", service, method->name,
		service, method->name, service);
	put_description(page->out, place, is_read ? "Has no side effects." : "");
	fputs(",\"requestBody\":{\"required\":true,", page->out);
	put_content(page, method->input_type + 1);
	fputs("},\"responses\":{\"200\":{\"description\":\"Done.\",", page->out);
	put_content(page, method->output_type + 1);
	fputs("},\"default\":{\"description\":\"Not done.\",", page->out);
	put_content(page, "Error");
	fputs("}}}}", page->out);
}

/* Calls visit for each service that is shown; then, where visit is NULL, marks what its methods need. */
typedef void visit_fn(const struct page *page, const char *name,
	const Google__Protobuf__ServiceDescriptorProto *service, const struct place *place, bool *first);

static void visit_services(const struct page *page, visit_fn *visit)
{
	bool first = true;

	for (size_t f = 0; f < page->set->n_file; f++) {
		const Google__Protobuf__FileDescriptorProto *file = page->set->file[f];

		for (size_t s = 0; is_shown(file) && s < file->n_service; s++) {
			const struct place place = within((struct place){.file = file}, FILE_SERVICE, s);
			char name[LF_DESCGEN_NAME_BYTES];

			lf_descgen_join(name, file->package, ".", file->service[s]->name);
			visit(page, name, file->service[s], &place, &first);
		}
	}
}

static void use_service(const struct page *page, const char *name,
	const Google__Protobuf__ServiceDescriptorProto *service, const struct place *place, bool *first)
{
	(void)name;
	(void)place;
	(void)first;
	for (size_t m = 0; m < service->n_method; m++)
		if (is_unary(service->method[m])) {
			use(page, service->method[m]->input_type);
			use(page, service->method[m]->output_type);
		}
}

static void put_tag(const struct page *page, const char *name, const Google__Protobuf__ServiceDescriptorProto *service,
	const struct place *place, bool *first)
{
	(void)service;
	fprintf(page->out, "%s{\"name\":\"%s\"", *first ? "" : ",", name);
	put_description(page->out, place, "");
	fputc('}', page->out);
	*first = false;
}

static void put_paths(const struct page *page, const char *name,
	const Google__Protobuf__ServiceDescriptorProto *service, const struct place *place, bool *first)
{
	for (size_t m = 0; m < service->n_method; m++) {
		const struct place at = within(*place, SERVICE_METHOD, m);

		if (!is_unary(service->method[m]))
			continue;
		fputs(*first ? "\n" : ",\n", page->out);
		put_method(page, name, service->method[m], &at);
		*first = false;
	}
}

void lf_descgen_openapi(FILE *out, const Google__Protobuf__FileDescriptorSet *set)
{
	struct page page = {out, set, calloc(TYPES_MAX, sizeof(struct schema)), 0};

	if (page.schemas == NULL)
		lf_descgen_fail("no memory", "openapi");
	add_all(&page);
	visit_services(&page, use_service);
	fputs("{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"leadfit\",\"version\":\"" LF_VERSION "\","
	      "\"description\":\"Answers who should lead a project, with reasons and a record.\\n\\nEach method is a "
	      "POST of its "
	      "request in JSON (proto3's mapping); replies name every field that has a value. Methods that stream are "
	      "left out: "
	      "call them with gRPC.\"},\"servers\":[{\"url\":\"/\"}],\n\"security\":[{\"bearer\":[]},{}],\n\"tags\":[",
		out);
	visit_services(&page, put_tag);
	fputs("],\n\"paths\":{", out);
	visit_services(&page, put_paths);
	fputs("},\n\"components\":{\"securitySchemes\":{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\","
	      "\"description\":"
	      "\"Needed where the service was started with --tokens. Roles stand at the services and methods.\"}},\n",
		out);
	put_schemas(&page);
	fputs("}}\n", out);
	free(page.schemas);
}
