/*
 * Message → JSON, straight from the descriptors into the buffer. Fields come by number. It recurses as deep as the
 * message types nest, and none of them is recursive.
 */
#include <google/protobuf/timestamp.pb-c.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/base64.h"
#include "proto/text/json.h"
#include "proto/text/json_internal.h"
#include "proto/wire/wire.h"

struct printer {
	const struct lf_json_style *style;
	struct lf_buffer *out;
	unsigned depth;
};

static void print_unsigned(uint64_t value, bool negative, struct lf_buffer *out)
{
	char text[24];
	size_t at = sizeof(text);

	do {
		text[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	if (negative)
		text[--at] = '-';
	lf_buffer_append(out, text + at, sizeof(text) - at);
}

static void print_signed(int64_t value, struct lf_buffer *out)
{
	print_unsigned(value < 0 ? 0 - (uint64_t)value : (uint64_t)value, value < 0, out);
}

/* proto3's texts for what JSON has no number for. true where value was one of them. */
static bool print_not_finite(double value, struct lf_buffer *out)
{
	if (isfinite(value))
		return false;
	lf_buffer_append_text(out, isnan(value) ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
	return true;
}

static void print_base64(const ProtobufCBinaryData *bytes, struct lf_buffer *out)
{
	char text[1024];
	enum { PIECE = sizeof(text) / 4 * 3 };

	lf_buffer_put(out, '"');
	for (size_t i = 0; i < bytes->len; i += PIECE) {
		const size_t piece = bytes->len - i < PIECE ? bytes->len - i : PIECE;

		lf_buffer_append(out, text, (size_t)(lf_base64_print(bytes->data + i, piece, true, text) - text));
	}
	lf_buffer_put(out, '"');
}

static void print_enum(const ProtobufCEnumDescriptor *type, int value, struct lf_buffer *out)
{
	const ProtobufCEnumValue *found = protobuf_c_enum_descriptor_get_value(type, value);

	if (found == NULL) {
		print_signed(value, out);
		return;
	}
	lf_buffer_put(out, '"');
	lf_buffer_append_text(out, found->name);
	lf_buffer_put(out, '"');
}

/* Two or four digits. */
static char *put_digits(char *at, int value, int count)
{
	for (int i = count - 1; i >= 0; i--, value /= 10)
		at[i] = (char)('0' + value % 10);
	return at + count;
}

/* Year, month and day of a day since 1970-01-01: years counted from March of the year 0, in eras of 400. */
static void civil_date(int64_t day, int *year, int *month, int *month_day)
{
	int64_t shifted = day + 719468; /* days since 0000-03-01; positive here */
	int era = (int)(shifted / 146097);
	int of_era = (int)(shifted % 146097);
	int of_era_year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int of_year = of_era - (365 * of_era_year + of_era_year / 4 - of_era_year / 100);
	int from_march = (5 * of_year + 2) / 153;

	*month_day = of_year - (153 * from_march + 2) / 5 + 1;
	*month = from_march < 10 ? from_march + 3 : from_march - 9;
	*year = of_era_year + era * 400 + (*month <= 2);
}

/* null where it is outside the years 1..9999, which RFC 3339 can't say. */
static void print_timestamp(const Google__Protobuf__Timestamp *timestamp, struct lf_buffer *out)
{
	int64_t seconds = timestamp->seconds;
	int32_t nanos = timestamp->nanos;
	char text[48], *at = text;
	int year, month, day;
	int64_t from_year_1;
	int of_day;

	if (seconds < (int64_t)-62135596800 || seconds > (int64_t)253402300799 || nanos < 0 || nanos > 999999999) {
		lf_buffer_append_text(out, "null");
		return;
	}
	from_year_1 = seconds + (int64_t)62135596800;
	of_day = (int)(from_year_1 % 86400);
	civil_date(from_year_1 / 86400 - 719162, &year, &month, &day);
	*at++ = '"';
	at = put_digits(at, year, 4);
	*at++ = '-';
	at = put_digits(at, month, 2);
	*at++ = '-';
	at = put_digits(at, day, 2);
	*at++ = 'T';
	at = put_digits(at, of_day / 3600, 2);
	*at++ = ':';
	at = put_digits(at, of_day / 60 % 60, 2);
	*at++ = ':';
	at = put_digits(at, of_day % 60, 2);
	if (nanos) {
		*at++ = '.';
		if (nanos % 1000000 == 0)
			at = put_digits(at, nanos / 1000000, 3);
		else if (nanos % 1000 == 0)
			at = put_digits(at, nanos / 1000, 6);
		else
			at = put_digits(at, nanos, 9);
	}
	*at++ = 'Z';
	*at++ = '"';
	lf_buffer_append(out, text, (size_t)(at - text));
}

static void print_message(struct printer *printer, const ProtobufCMessage *message);

static void print_value(struct printer *printer, const ProtobufCFieldDescriptor *field, const void *value)
{
	struct lf_buffer *out = printer->out;
	char text[32];

	switch (field->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
		print_signed(*(const int32_t *)value, out);
		return;
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		print_unsigned(*(const uint32_t *)value, false, out);
		return;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		lf_buffer_put(out, '"');
		print_signed(*(const int64_t *)value, out);
		lf_buffer_put(out, '"');
		return;
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		lf_buffer_put(out, '"');
		print_unsigned(*(const uint64_t *)value, false, out);
		lf_buffer_put(out, '"');
		return;
	case PROTOBUF_C_TYPE_FLOAT:
		if (print_not_finite((double)*(const float *)value, out))
			return;
		lf_print_float(*(const float *)value, text);
		lf_buffer_append_text(out, text);
		return;
	case PROTOBUF_C_TYPE_DOUBLE:
		if (print_not_finite(*(const double *)value, out))
			return;
		lf_print_double(*(const double *)value, text);
		lf_buffer_append_text(out, text);
		return;
	case PROTOBUF_C_TYPE_BOOL:
		lf_buffer_append_text(out, *(const protobuf_c_boolean *)value ? "true" : "false");
		return;
	case PROTOBUF_C_TYPE_ENUM:
		print_enum(field->descriptor, *(const int *)value, out);
		return;
	case PROTOBUF_C_TYPE_STRING: {
		const char *string = *(const char *const *)value;

		lf_json_print_string(string != NULL ? string : "", out);
		return;
	}
	case PROTOBUF_C_TYPE_BYTES:
		print_base64(value, out);
		return;
	case PROTOBUF_C_TYPE_MESSAGE: {
		const ProtobufCMessage *message = *(const ProtobufCMessage *const *)value;

		if (message != NULL)
			print_message(printer, message);
		else
			lf_buffer_append_text(out, "null");
		return;
	}
	}
}

static const void *member(const ProtobufCMessage *message, unsigned offset)
{
	return (const char *)message + offset;
}

static bool is_zero(const ProtobufCFieldDescriptor *field, const void *value)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_FLOAT:
		return *(const float *)value == 0;
	case PROTOBUF_C_TYPE_DOUBLE:
		return *(const double *)value == 0;
	case PROTOBUF_C_TYPE_STRING: {
		const char *text = *(const char *const *)value;

		return text == NULL || *text == '\0';
	}
	case PROTOBUF_C_TYPE_BYTES:
		return ((const ProtobufCBinaryData *)value)->len == 0;
	case PROTOBUF_C_TYPE_MESSAGE:
		return *(const ProtobufCMessage *const *)value == NULL;
	case PROTOBUF_C_TYPE_BOOL:
		return !*(const protobuf_c_boolean *)value;
	case PROTOBUF_C_TYPE_ENUM:
		return *(const int *)value == 0;
	default:
		return lf_scalar_size(field->type) == sizeof(uint64_t) ? *(const uint64_t *)value == 0
								       : *(const uint32_t *)value == 0;
	}
}

bool lf_field_is_printed(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, bool with_defaults)
{
	const void *value = member(message, field->offset);

	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return with_defaults || *(const size_t *)member(message, field->quantifier_offset) > 0;
	if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
		return *(const uint32_t *)member(message, field->quantifier_offset) == field->id;
	if (field->label == PROTOBUF_C_LABEL_OPTIONAL && field->quantifier_offset)
		return *(const protobuf_c_boolean *)member(message, field->quantifier_offset);
	if (field->type == PROTOBUF_C_TYPE_MESSAGE)
		return !is_zero(field, value);
	return with_defaults || !is_zero(field, value);
}

static void new_line(struct printer *printer)
{
	static const char spaces[] = "                                ";
	size_t indent = (size_t)printer->depth * 2;

	if (!printer->style->pretty)
		return;
	lf_buffer_put(printer->out, '\n');
	for (; indent > sizeof(spaces) - 1; indent -= sizeof(spaces) - 1)
		lf_buffer_append(printer->out, spaces, sizeof(spaces) - 1);
	lf_buffer_append(printer->out, spaces, indent);
}

static void open_container(struct printer *printer, char bracket)
{
	lf_buffer_put(printer->out, bracket);
	printer->depth++;
}

static void separate(struct printer *printer, bool first)
{
	if (!first)
		lf_buffer_put(printer->out, ',');
	new_line(printer);
}

static void close_container(struct printer *printer, char bracket, bool empty)
{
	printer->depth--;
	if (!empty)
		new_line(printer);
	lf_buffer_put(printer->out, bracket);
}

static void print_colon(struct printer *printer)
{
	lf_buffer_put(printer->out, ':');
	if (printer->style->pretty)
		lf_buffer_put(printer->out, ' ');
}

/* In pieces, for a name of any length; one is enough. */
static void print_camel(const char *name, struct lf_buffer *out)
{
	char text[64];
	size_t length = 0;
	bool upper = false;

	for (char c = lf_camel_letter(&name, &upper); c; c = lf_camel_letter(&name, &upper)) {
		if (length == sizeof(text)) {
			lf_buffer_append(out, text, length);
			length = 0;
		}
		text[length++] = c;
	}
	lf_buffer_append(out, text, length);
}

static void print_name(
	struct printer *printer, const ProtobufCMessageDescriptor *type, const ProtobufCFieldDescriptor *field)
{
	const char *name = lf_wire_field_name(type, field);
	bool as_is = printer->style->snake_case || (name != field->name && strcmp(name, field->name) != 0);

	lf_buffer_put(printer->out, '"');
	if (as_is)
		lf_buffer_append_text(printer->out, name);
	else
		print_camel(name, printer->out);
	lf_buffer_put(printer->out, '"');
	print_colon(printer);
}

static void print_map(struct printer *printer, const ProtobufCMessage *const *entries, size_t count)
{
	open_container(printer, '{');
	for (size_t i = 0; i < count; i++) {
		const ProtobufCFieldDescriptor *fields = entries[i]->descriptor->fields;
		const void *key = member(entries[i], fields[0].offset);
		bool bare = fields[0].type != PROTOBUF_C_TYPE_STRING && lf_scalar_size(fields[0].type) == 4;

		separate(printer, i == 0);
		if (bare)
			lf_buffer_put(printer->out, '"');
		print_value(printer, &fields[0], key);
		if (bare)
			lf_buffer_put(printer->out, '"');
		print_colon(printer);
		print_value(printer, &fields[1], member(entries[i], fields[1].offset));
	}
	close_container(printer, '}', count == 0);
}

static void print_list(struct printer *printer, const ProtobufCFieldDescriptor *field, const char *values, size_t count)
{
	size_t size = lf_scalar_size(field->type);

	open_container(printer, '[');
	for (size_t i = 0; i < count; i++) {
		separate(printer, i == 0);
		print_value(printer, field, values + i * size);
	}
	close_container(printer, ']', count == 0);
}

static void print_field(struct printer *printer, const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	const void *value = member(message, field->offset);
	size_t count;

	if (field->label != PROTOBUF_C_LABEL_REPEATED) {
		print_value(printer, field, value);
		return;
	}
	count = *(const size_t *)member(message, field->quantifier_offset);
	if (field->type == PROTOBUF_C_TYPE_MESSAGE && lf_wire_is_map_entry(field->descriptor))
		print_map(printer, *(const ProtobufCMessage *const *const *)value, count);
	else
		print_list(printer, field, *(const char *const *)value, count);
}

static void print_message(struct printer *printer, const ProtobufCMessage *message)
{
	const ProtobufCMessageDescriptor *type = message->descriptor;
	bool empty = true;

	switch (lf_message_shape(type)) {
	case LF_SHAPE_TIMESTAMP:
		print_timestamp((const Google__Protobuf__Timestamp *)message, printer->out);
		return;
	case LF_SHAPE_WRAPPER:
		print_value(printer, &type->fields[0], member(message, type->fields[0].offset));
		return;
	case LF_SHAPE_OBJECT:
		break;
	}
	open_container(printer, '{');
	for (unsigned i = 0; i < type->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &type->fields[i];

		if (!lf_field_is_printed(message, field, printer->style->with_defaults))
			continue;
		separate(printer, empty);
		empty = false;
		print_name(printer, type, field);
		print_field(printer, message, field);
	}
	close_container(printer, '}', empty);
}

void lf_json_print_value(const ProtobufCFieldDescriptor *field, const void *value, struct lf_buffer *out)
{
	static const struct lf_json_style plain = {.pretty = false};
	struct printer printer = {.style = &plain, .out = out};

	print_value(&printer, field, value);
}

void lf_json_print(const ProtobufCMessage *message, const struct lf_json_style *style, struct lf_buffer *out)
{
	static const struct lf_json_style plain = {.pretty = false};
	struct printer printer = {.style = style != NULL ? style : &plain, .out = out};

	print_message(&printer, message);
}
