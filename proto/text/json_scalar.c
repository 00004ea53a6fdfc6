/* Values of a tree → scalars of protobuf. Error texts say the value, and what is allowed. */
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "proto/base/base64.h"
#include "proto/text/json_internal.h"
#include "proto/base/limits.h"

bool lf_tree_is_bare(const json_t *value)
{
	size_t length;

	if (!json_is_string(value))
		return false;
	length = json_string_length(value);
	return length && json_string_value(value)[length - 1] == '\0';
}

bool lf_tree_is_null(const json_t *value)
{
	const char *text;

	if (json_is_null(value))
		return true;
	if (!lf_tree_is_bare(value))
		return false;
	text = json_string_value(value);
	return *text == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0;
}

/* Length of a string without the mark of a bare one. */
static size_t text_length(const json_t *value)
{
	return json_string_length(value) - lf_tree_is_bare(value);
}

void lf_describe_value(const json_t *value, char out[LF_DESCRIBE_BYTES])
{
	struct lf_decimal decimal;

	switch (json_typeof(value)) {
	case JSON_STRING: {
		const char *text = json_string_value(value);
		bool number = lf_tree_is_bare(value) && lf_decimal_parse(text, text_length(value), &decimal);
		size_t quote = number ? 0 : 1;

		if (quote)
			out[0] = '"';
		lf_clean_text(text, text_length(value), out + quote, LF_DESCRIBE_BYTES - 1 - quote);
		if (quote)
			strcat(out, "\"");
		break;
	}
	case JSON_INTEGER:
		snprintf(out, LF_DESCRIBE_BYTES, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		break;
	case JSON_REAL:
		lf_print_double(json_real_value(value), out);
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		snprintf(out, LF_DESCRIBE_BYTES, "%s", json_is_true(value) ? "true" : "false");
		break;
	case JSON_NULL:
		snprintf(out, LF_DESCRIBE_BYTES, "null");
		break;
	case JSON_ARRAY:
		snprintf(out, LF_DESCRIBE_BYTES, "a list");
		break;
	case JSON_OBJECT:
		snprintf(out, LF_DESCRIBE_BYTES, "an object");
		break;
	}
}

size_t lf_scalar_size(ProtobufCType type)
{
	switch (type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		return sizeof(uint32_t);
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		return sizeof(uint64_t);
	case PROTOBUF_C_TYPE_FLOAT:
		return sizeof(float);
	case PROTOBUF_C_TYPE_DOUBLE:
		return sizeof(double);
	case PROTOBUF_C_TYPE_BOOL:
		return sizeof(protobuf_c_boolean);
	case PROTOBUF_C_TYPE_ENUM:
		return sizeof(int);
	case PROTOBUF_C_TYPE_STRING:
		return sizeof(char *);
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	case PROTOBUF_C_TYPE_MESSAGE:
		break;
	}
	return sizeof(ProtobufCMessage *);
}

static bool reject_value(struct lf_mapper *mapper, const json_t *value, const char *what)
{
	char described[LF_DESCRIBE_BYTES];

	lf_describe_value(value, described);
	return lf_mapper_reject(mapper, "%s %s", described, what);
}

static const char *number_hint(const json_t *value)
{
	const char *text = json_string_value(value);
	const char *word;

	if (text == NULL)
		return "is not a number";
	if (strspn(text, "0123456789,") == strlen(text) && strchr(text, ',') != NULL)
		return "is not a number; the decimal sign is a point";
	if (text[0] == '.' && text[1] >= '0' && text[1] <= '9')
		return "is not a number; it starts with a digit, as in 0.5";
	word = text + strspn(text, "+-.");
	if (strcasecmp(word, "nan") == 0 || strcasecmp(word, "inf") == 0 || strcasecmp(word, "infinity") == 0)
		return "is not allowed; a number is finite";
	return "is not a number";
}

static bool map_double(struct lf_mapper *mapper, const json_t *value, double *out)
{
	struct lf_decimal decimal;

	if (json_is_integer(value)) {
		*out = (double)json_integer_value(value);
		return true;
	}
	if (json_is_real(value)) {
		*out = json_real_value(value) + 0.0; /* -0 becomes 0 */
		return true;
	}
	if (!json_is_string(value) || !lf_decimal_parse(json_string_value(value), text_length(value), &decimal))
		return reject_value(mapper, value, number_hint(value));
	if (!lf_decimal_to_double(&decimal, out))
		return reject_value(mapper, value, "is too large a number");
	return true;
}

static bool map_float(struct lf_mapper *mapper, const json_t *value, float *out)
{
	double wide;
	float narrow;

	if (!map_double(mapper, value, &wide))
		return false;
	narrow = (float)wide;
	if (isinf(narrow))
		return reject_value(mapper, value, "is too large a number for 32 bits");
	*out = narrow;
	return true;
}

/* A whole number as sign and magnitude. */
struct whole {
	bool negative;
	uint64_t magnitude;
};

enum whole_result { WHOLE_OK, WHOLE_NOT_A_NUMBER, WHOLE_FRACTION, WHOLE_TOO_LARGE };

static enum whole_result whole_from_decimal(const struct lf_decimal *decimal, struct whole *out)
{
	uint64_t magnitude = 0;

	out->negative = decimal->negative && decimal->count;
	out->magnitude = 0;
	if (!decimal->count)
		return WHOLE_OK;
	if (decimal->exponent < 0)
		return WHOLE_FRACTION;
	if (decimal->exponent > 20 || decimal->count > 20)
		return WHOLE_TOO_LARGE;
	for (size_t i = 0; i < decimal->count + (size_t)decimal->exponent; i++) {
		unsigned digit = i < decimal->count ? (unsigned)(decimal->digits[i] - '0') : 0;

		if (magnitude > (UINT64_MAX - digit) / 10)
			return WHOLE_TOO_LARGE;
		magnitude = magnitude * 10 + digit;
	}
	out->magnitude = magnitude;
	return WHOLE_OK;
}

static enum whole_result take_whole(const json_t *value, struct whole *out)
{
	struct lf_decimal decimal;

	if (json_is_integer(value)) {
		int64_t integer = json_integer_value(value);

		out->negative = integer < 0;
		out->magnitude = integer < 0 ? 0 - (uint64_t)integer : (uint64_t)integer;
		return WHOLE_OK;
	}
	if (json_is_real(value)) {
		double real = json_real_value(value);

		if (fabs(real) >= 0x1p64)
			return WHOLE_TOO_LARGE;
		if ((double)(uint64_t)fabs(real) != fabs(real))
			return WHOLE_FRACTION;
		out->negative = real < 0;
		out->magnitude = (uint64_t)fabs(real);
		return WHOLE_OK;
	}
	if (!json_is_string(value) || !lf_decimal_parse(json_string_value(value), text_length(value), &decimal))
		return WHOLE_NOT_A_NUMBER;
	return whole_from_decimal(&decimal, out);
}

/* A whole number -below..above. */
static bool map_whole(struct lf_mapper *mapper, const json_t *value, uint64_t below, uint64_t above, struct whole *out)
{
	char described[LF_DESCRIBE_BYTES];

	switch (take_whole(value, out)) {
	case WHOLE_OK:
		if (out->magnitude <= (out->negative ? below : above))
			return true;
		break;
	case WHOLE_TOO_LARGE:
		break;
	case WHOLE_FRACTION:
		return reject_value(mapper, value, "is not a whole number");
	case WHOLE_NOT_A_NUMBER:
		return reject_value(mapper, value, number_hint(value));
	}
	lf_describe_value(value, described);
	return lf_mapper_reject(
		mapper, "%s is outside %s%" PRIu64 "..%" PRIu64, described, below ? "-" : "", below, above);
}

static uint64_t two_complement(struct whole whole)
{
	return whole.negative ? 0 - whole.magnitude : whole.magnitude;
}

static bool map_integer(struct lf_mapper *mapper, ProtobufCType type, const json_t *value, void *out)
{
	struct whole whole;
	bool wide = lf_scalar_size(type) == sizeof(uint64_t);
	bool is_unsigned = type == PROTOBUF_C_TYPE_UINT32 || type == PROTOBUF_C_TYPE_FIXED32 ||
		type == PROTOBUF_C_TYPE_UINT64 || type == PROTOBUF_C_TYPE_FIXED64;
	uint64_t all = wide ? UINT64_MAX : UINT32_MAX;

	if (!map_whole(mapper, value, is_unsigned ? 0 : all / 2 + 1, is_unsigned ? all : all / 2, &whole))
		return false;
	if (wide)
		*(uint64_t *)out = two_complement(whole);
	else
		*(uint32_t *)out = (uint32_t)two_complement(whole);
	return true;
}

static bool map_bool(struct lf_mapper *mapper, const json_t *value, protobuf_c_boolean *out)
{
	const char *text = json_string_value(value);
	bool named = text != NULL && (strcmp(text, "true") == 0 || strcmp(text, "false") == 0);

	if (json_is_boolean(value)) {
		*out = json_is_true(value);
		return true;
	}
	if (named && lf_tree_is_bare(value)) {
		*out = *text == 't';
		return true;
	}
	return reject_value(
		mapper, value, named ? "is neither true nor false; leave the quotes out" : "is neither true nor false");
}

static bool reject_enum(struct lf_mapper *mapper, const ProtobufCEnumDescriptor *type, const json_t *value)
{
	const char *names[64];
	char described[LF_DESCRIBE_BYTES], known[240] = "";
	size_t count = 0, used = 0;
	const char *nearest;

	if (!lf_mapper_keeps(mapper))
		return lf_mapper_reject(mapper, "unknown value");
	for (unsigned i = 0; i < type->n_value_names && count < 64; i++)
		names[count++] = type->values_by_name[i].name;
	lf_describe_value(value, described);
	nearest = json_is_string(value) ? lf_nearest(json_string_value(value), names, count) : NULL;
	if (nearest != NULL)
		return lf_mapper_reject(mapper, "%s is unknown; nearest known: %s", described, nearest);
	for (unsigned i = 0; i < type->n_values && used < sizeof(known); i++) {
		int n = snprintf(known + used, sizeof(known) - used, "%s%s", i ? ", " : "", type->values[i].name);

		used += n > 0 ? (size_t)n : 0;
	}
	return lf_mapper_reject(mapper, "%s is unknown; known: %s", described, known);
}

/* By name; by number where it is a number, not a text. */
static bool map_enum(struct lf_mapper *mapper, const ProtobufCEnumDescriptor *type, const json_t *value, int *out)
{
	const ProtobufCEnumValue *found = NULL;
	struct whole whole;

	if (json_is_string(value))
		found = protobuf_c_enum_descriptor_get_value_by_name(type, json_string_value(value));
	if (found == NULL && (!json_is_string(value) || lf_tree_is_bare(value)) &&
		take_whole(value, &whole) == WHOLE_OK && whole.magnitude <= INT32_MAX)
		found = protobuf_c_enum_descriptor_get_value(type, (int)two_complement(whole));
	if (found == NULL)
		return reject_enum(mapper, type, value);
	*out = found->value;
	return true;
}

static bool map_string(struct lf_mapper *mapper, const json_t *value, char **out)
{
	if (!json_is_string(value) || (mapper->format == LF_FORMAT_JSON && lf_tree_is_bare(value)))
		return reject_value(mapper, value,
			json_is_object(value) || json_is_array(value) ? "is not a text"
								      : "is not a text; put it in quotes");
	*out = lf_arena_strdup(mapper->arena, json_string_value(value), text_length(value));
	mapper->exhausted |= *out == NULL;
	return *out != NULL;
}

static bool map_bytes(struct lf_mapper *mapper, const json_t *value, ProtobufCBinaryData *out)
{
	size_t length;
	uint8_t *data;

	if (!json_is_string(value) || (mapper->format == LF_FORMAT_JSON && lf_tree_is_bare(value)))
		return reject_value(mapper, value, "is not a text in base64");
	length = text_length(value);
	data = lf_arena_alloc(mapper->arena, length / 4 * 3 + 3);
	if (data == NULL) {
		mapper->exhausted = true;
		return false;
	}
	if (!lf_base64_parse(json_string_value(value), length, data, &out->len))
		return reject_value(mapper, value, "is not base64");
	out->data = data;
	return true;
}

bool lf_map_scalar(struct lf_mapper *mapper, ProtobufCType type, const void *descriptor, const json_t *value, void *out)
{
	switch (type) {
	case PROTOBUF_C_TYPE_DOUBLE:
		return map_double(mapper, value, out);
	case PROTOBUF_C_TYPE_FLOAT:
		return map_float(mapper, value, out);
	case PROTOBUF_C_TYPE_BOOL:
		return map_bool(mapper, value, out);
	case PROTOBUF_C_TYPE_ENUM:
		return map_enum(mapper, descriptor, value, out);
	case PROTOBUF_C_TYPE_STRING:
		return map_string(mapper, value, out);
	case PROTOBUF_C_TYPE_BYTES:
		return map_bytes(mapper, value, out);
	case PROTOBUF_C_TYPE_MESSAGE:
		break;
	default:
		return map_integer(mapper, type, value, out);
	}
	return lf_mapper_reject(mapper, "is no scalar");
}

bool lf_map_key(struct lf_mapper *mapper, ProtobufCType type, const char *key, size_t length, void *out)
{
	struct lf_decimal decimal;
	char described[LF_DESCRIBE_BYTES];
	json_t *value;
	bool mapped;

	if (type == PROTOBUF_C_TYPE_STRING) {
		*(char **)out = lf_arena_strdup(mapper->arena, key, length);
		mapper->exhausted |= *(char **)out == NULL;
		return !mapper->exhausted;
	}
	lf_clean_text(key, length, described, sizeof(described));
	if (type == PROTOBUF_C_TYPE_BOOL) {
		*(protobuf_c_boolean *)out = *key == 't';
		return strcmp(key, "true") == 0 || strcmp(key, "false") == 0 ||
			lf_mapper_reject(mapper, "the key \"%s\" is neither true nor false", described);
	}
	/* Only the plainest form, so that different texts are different keys. */
	if (!lf_decimal_parse(key, length, &decimal) || strspn(key, "-0123456789") != length || strcmp(key, "-0") == 0)
		return lf_mapper_reject(mapper, "the key \"%s\" is not a whole number", described);
	value = json_stringn_nocheck(key, length + 1);
	if (value == NULL) {
		mapper->exhausted = true;
		return false;
	}
	mapped = map_integer(mapper, type, value, out);
	json_decref(value);
	return mapped;
}
