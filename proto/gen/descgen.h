/* Private to the build: what the files of lf_descgen share. */
#ifndef LF_PROTO_GEN_DESCGEN_H
#define LF_PROTO_GEN_DESCGEN_H

#include <stddef.h>
#include <stdio.h>

#include "google/protobuf/descriptor.pb-c.h"

enum { LF_DESCGEN_NAME_BYTES = 512 };

/* Writes with printf's format. */
__attribute__((format(printf, 2, 3))) void lf_descgen_put(FILE *out, const char *format, ...);
/* Says what is wrong, and ends the program. */
_Noreturn void lf_descgen_fail(const char *what, const char *detail);
/* Writes scope, the separator where there is a scope, and name; of LF_DESCGEN_NAME_BYTES at most. */
void lf_descgen_join(char *out, const char *scope, const char *separator, const char *name);
/* "leadfit.v1.RubricRef" → "leadfit__v1__rubric_ref", as protoc-gen-c names what it generates. */
void lf_descgen_symbol(char *out, const char *full_name);
/* Includes of what protoc-gen-c generates for the set's files. */
void lf_descgen_includes(FILE *out, const Google__Protobuf__FileDescriptorSet *set);
/*
 * Code that packs, reads and canonicalizes every message of the set, and a function of that name that finds it by type.
 */
void lf_descgen_codecs(FILE *out, const Google__Protobuf__FileDescriptorSet *set, const char *find);
/* Tables for reflection (service/reflect/tables.h). data: the set's bytes. */
void lf_descgen_symbols(
	FILE *out, const Google__Protobuf__FileDescriptorSet *set, const unsigned char *data, size_t length);
/* An OpenAPI page of the set's services. The set has its comments (protoc --include_source_info). */
void lf_descgen_openapi(FILE *out, const Google__Protobuf__FileDescriptorSet *set);

#endif
