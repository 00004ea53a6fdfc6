/* Helpers of the tests of the JSON and YAML mapping. */
#ifndef LF_TESTS_PROTO_JSON_HELP_H
#define LF_TESTS_PROTO_JSON_HELP_H

#include <protobuf-c/protobuf-c.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/text/json.h"

/* Asserts that text is read as a message of this type, and printed as this one line of JSON. */
void accepts(enum lf_format format, const ProtobufCMessageDescriptor *type, const char *text, const char *printed);

/*
 * Asserts that text is refused with INVALID_ARGUMENT and these violations, "FIELD: DESCRIPTION" separated by line ends;
 * without violations, with this message.
 */
void refuses(enum lf_format format, const ProtobufCMessageDescriptor *type, const char *text, const char *errors);
void refuses_bytes(enum lf_format format, const ProtobufCMessageDescriptor *type, const char *text, size_t length,
	const char *errors);

/* count times piece between before and after; released with free(). */
char *repeated(const char *before, const char *piece, size_t count, const char *after);

#endif
