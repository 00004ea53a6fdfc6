/*
 * proto3's JSON mapping, and YAML by the same rules: text ⇄ protobuf-c message. proto/JSON.md says what is
 * accepted. Field names are accepted as lowerCamelCase and snake_case, and printed as lowerCamelCase.
 */
#ifndef LF_PROTO_TEXT_JSON_H
#define LF_PROTO_TEXT_JSON_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

#include "proto/base/arena.h"
#include "proto/base/buffer.h"
#include "proto/base/status.h"

#pragma GCC visibility push(default) /* exported by libleadfit */

enum lf_format { LF_FORMAT_JSON, LF_FORMAT_YAML };

/*
 * Parses text into a message that lives in arena. NULL on error; error then lists every violation by path (an unknown
 * field with the nearest known one; duplicate keys; wrong types; numbers out of range, NaN, infinity; bad enum names
 * with the nearest known one; bad UTF-8), or the line and column of a syntax error. YAML: one document, no anchors,
 * aliases, tags or duplicate keys; a plain scalar takes the field's type.
 */
ProtobufCMessage *lf_text_parse(enum lf_format format, const ProtobufCMessageDescriptor *type, const char *text,
	size_t length, struct lf_arena *arena, struct lf_error *error);

/* For a caller that keeps the messages just within the outermost one, such as a request's team. */
struct lf_json_parts {
	/*
	 * Whether the caller knows a value that text, which may go on behind it, begins with. Gives that one's length,
	 * and it is passed over, the field left unset; or 0. A JSON object that is a beginning of text is all of the
	 * value.
	 */
	size_t (*find)(void *context, const ProtobufCFieldDescriptor *field, const char *text, size_t length);
	/* The field was read, from just this text. false gives up. */
	bool (*read)(void *context, const ProtobufCFieldDescriptor *field, const char *text, size_t length,
		const ProtobufCMessage *part);
	void *context;
};
/*
 * lf_text_parse() of JSON in which nothing is unusual. NULL where something is, or is wrong, or the arena is exhausted:
 * then lf_text_parse() reads it or tells, and what parts (NULL: none) were asked and told is to be forgotten.
 */
ProtobufCMessage *lf_json_read_parts(const ProtobufCMessageDescriptor *type, const char *text, size_t length,
	struct lf_arena *arena, const struct lf_json_parts *parts);

/*
 * Line (from 1) at which path stands in text, e.g. members[3].evidence[0].rating: that of the field's key, or of a
 * list's element; that of the nearest ancestor where the path itself is absent; 0 where nothing matches. Works for both
 * formats.
 */
size_t lf_text_line_of(const char *text, size_t length, const char *path);

struct lf_json_style {
	bool pretty;        /* two spaces of indent and line ends; else one line without spaces */
	bool snake_case;    /* field names as in the .proto file */
	bool with_defaults; /* also print fields that have their default */
};

/*
 * Appends the message as JSON. Doubles in the shortest form that reads back as the same bits. 64-bit integers as
 * strings, bytes as base64, enums by name, Timestamp as RFC 3339 (0, 3, 6 or 9 digits), wrappers as their value.
 */
void lf_json_print(const ProtobufCMessage *message, const struct lf_json_style *style, struct lf_buffer *out);

/* Appends one value of a field, as one line of JSON. */
void lf_json_print_value(const ProtobufCFieldDescriptor *field, const void *value, struct lf_buffer *out);

/*
 * Appends the message as YAML that lf_text_parse() reads back as the same message (what JSON.md says of NaN, infinity
 * and unknown enum numbers holds here too): the canonical form of a file. Field names as in the .proto file (or
 * json_name), by number; maps by key, numbers by size; defaults left out; what is small in flow style on one line, the
 * rest in block style.
 */
void lf_yaml_print(const ProtobufCMessage *message, struct lf_buffer *out);
/* The same on one line, "{a: 1, b: [2, 3]}", however long. */
void lf_yaml_print_line(const ProtobufCMessage *message, struct lf_buffer *out);
/*
 * Whether the YAML text has a comment. false where it is no YAML; true where memory ran out, so that none is lost by
 * mistake.
 */
bool lf_yaml_has_comment(const char *text, size_t length);

/* Appends text as a JSON string with its quotes; invalid UTF-8 becomes U+FFFD. */
void lf_json_print_string(const char *text, struct lf_buffer *out);
/* Shortest decimal that reads back as the same double. out has 32 bytes. value is finite. */
void lf_print_double(double value, char *out);

#pragma GCC visibility pop

#endif
