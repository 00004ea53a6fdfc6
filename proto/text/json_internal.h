/*
 * Between the readers of text (json_parse.c, yaml.c) and the mapper (json_map.c, json_scalar.c, json_mapper.c).
 * Internal to proto/.
 *
 * Both readers build one tree, jansson's, with two conventions that no text can forge, because neither reader lets a
 * NUL byte into a string:
 *  - a string whose last byte is NUL is bare: a plain YAML scalar, which takes the type of its field, or a JSON number
 *    that jansson has no type for;
 *  - a member whose key ends in a NUL byte says that the key before that byte was given more than once.
 */
#ifndef LF_PROTO_TEXT_JSON_INTERNAL_H
#define LF_PROTO_TEXT_JSON_INTERNAL_H

#include <jansson.h>
#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/arena.h"
#include "proto/base/dates.h"
#include "proto/base/nearest.h"
#include "proto/text/json.h"
#include "proto/base/status.h"

enum { LF_DECIMAL_DIGITS_MAX = 128 };

/* ±digits × 10^exponent, without leading or trailing zeros; no digits: zero. */
struct lf_decimal {
	bool negative;
	size_t count;
	int exponent;
	char digits[LF_DECIMAL_DIGITS_MAX + 1];
};

/* false where text is not a number as JSON writes them, or has more than LF_DECIMAL_DIGITS_MAX significant digits. */
bool lf_decimal_parse(const char *text, size_t length, struct lf_decimal *out);
/* The nearest double, whatever the locale; -0 becomes 0. false where it is too large for one. */
bool lf_decimal_to_double(const struct lf_decimal *decimal, double *out);
/* Shortest decimal that reads back as the same float. out has 32 bytes. value is finite. */
void lf_print_float(float value, char *out);

/*
 * Reads one YAML document into a tree, which the caller releases with json_decref(). NULL on error. With
 * LF_FORMAT_JSON the text is known to be nearly JSON: true, false and null are of their own types, and whatever else is
 * plain is a number.
 */
json_t *lf_yaml_read(const char *text, size_t length, enum lf_format dialect, struct lf_error *error);

/* Whether a field is set; with_defaults also where that could not be told from unset (a message or oneof can be). */
bool lf_field_is_printed(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, bool with_defaults);

/* Whether libyaml reads text, plain, as this very text, and nobody takes it for "absent". flow: within {} or []. */
bool lf_yaml_is_plain(const char *text, bool flow);
/* Whether text may be folded: single spaces between words, nothing odd. Then a line may end at any space. */
bool lf_yaml_is_foldable(const char *text);
/*
 * Whether text has several lines that can stand as they are: the first one shows the indentation, and none is only
 * spaces.
 */
bool lf_yaml_is_literal(const char *text);

/* Line, from 1, and column, from 1 in bytes, of an offset into text. */
void lf_text_position(const char *text, size_t offset, size_t *line, size_t *column);

/* Copies text as it can stand in an error message: control characters and bad UTF-8 become '?', cut to size. */
void lf_clean_text(const char *text, size_t length, char *out, size_t size);

struct lf_mapper {
	enum lf_format format;
	struct lf_arena *arena;
	struct lf_error *error;
	struct lf_path path;
	size_t violations;
	bool exhausted; /* the arena is: nothing that follows matters */
};

/*
 * JSON in which nothing is unusual, to a message in arena, at a fraction of what a tree takes. NULL where something is,
 * or may be, or is wrong, or the arena is exhausted: lf_json_read_tree() then tells. What it returns is the message
 * that that would give.
 */
ProtobufCMessage *lf_json_read_plain(
	const ProtobufCMessageDescriptor *type, const char *text, size_t length, struct lf_arena *arena);
/* Any JSON, by way of a tree. NULL on error. */
ProtobufCMessage *lf_json_read_tree(const ProtobufCMessageDescriptor *type, const char *text, size_t length,
	struct lf_arena *arena, struct lf_error *error);

/* Maps a tree to a message in arena. NULL on error. */
ProtobufCMessage *lf_tree_map(enum lf_format format, const ProtobufCMessageDescriptor *type, json_t *root,
	struct lf_arena *arena, struct lf_error *error);

/* Adds a violation at the mapper's path. Returns false, for the caller to return. */
bool lf_mapper_reject(struct lf_mapper *mapper, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Whether a further violation is still kept: only then is a long search for its text worth while. */
bool lf_mapper_keeps(const struct lf_mapper *mapper);

/* Whether value is a bare text, and that text, NUL-terminated. */
bool lf_tree_is_bare(const json_t *value);
/* Whether value says "absent": null, or one of the plain YAML scalars for it. */
bool lf_tree_is_null(const json_t *value);

enum { LF_DESCRIBE_BYTES = 96 };
/* How an error text calls value: "high" in quotes, 1.5, a list, ... */
void lf_describe_value(const json_t *value, char out[LF_DESCRIBE_BYTES]);

/* Size of one value of this type in an array. */
size_t lf_scalar_size(ProtobufCType type);
/*
 * Converts value, which is not null, to a scalar of this type (not MESSAGE) and stores it at out. descriptor: that of
 * an enum. false where a violation was added, or the arena is exhausted.
 */
bool lf_map_scalar(
	struct lf_mapper *mapper, ProtobufCType type, const void *descriptor, const json_t *value, void *out);
/* The same for the key of a map. */
bool lf_map_key(struct lf_mapper *mapper, ProtobufCType type, const char *key, size_t length, void *out);

/*
 * The code point, where the character at text is escaped though JSON does not ask for it: those of
 * proto/base/harmless.h but for U+E0000..U+E007F, as YAML does not read surrogates, and U+FFFE and U+FFFF, which YAML
 * does not allow. Else 0.
 */
unsigned lf_needless_escape(const char *text);

/* Takes the next letter of name in lowerCamelCase; 0 at its end. *name is moved; start with *upper false. */
static inline char lf_camel_letter(const char **name, bool *upper)
{
	char c;

	for (; **name == '_'; (*name)++)
		*upper = true;
	c = **name;
	if (!c)
		return 0;
	(*name)++;
	if (*upper && c >= 'a' && c <= 'z')
		c = (char)(c - 32);
	*upper = false;
	return c;
}

/* How messages of this type stand in JSON. */
enum lf_shape { LF_SHAPE_OBJECT, LF_SHAPE_WRAPPER, LF_SHAPE_TIMESTAMP };
enum lf_shape lf_message_shape(const ProtobufCMessageDescriptor *type);

#endif
