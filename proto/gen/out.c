/* Part of lf_descgen: writing, names, and how the program ends when something is wrong. */
#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "proto/gen/descgen.h"

_Noreturn void lf_descgen_fail(const char *what, const char *detail)
{
	fprintf(stderr, "lf_descgen: %s: %s\n", what, detail);
	exit(1);
}

void lf_descgen_put(FILE *out, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(out, format, arguments);
	va_end(arguments);
}

void lf_descgen_symbol(char *out, const char *full_name)
{
	bool was_upper = true;
	size_t length = 0;

	for (const char *c = full_name; *c != '\0'; c++) {
		bool upper = isupper((unsigned char)*c) != 0;

		if (length + 4 > LF_DESCGEN_NAME_BYTES)
			lf_descgen_fail("name is too long", full_name);
		if (*c == '.') {
			out[length++] = '_';
			out[length++] = '_';
			was_upper = true;
			continue;
		}
		if (upper && !was_upper)
			out[length++] = '_';
		out[length++] = (char)(upper ? tolower((unsigned char)*c) : *c);
		was_upper = upper;
	}
	out[length] = '\0';
}

void lf_descgen_join(char *out, const char *scope, const char *separator, const char *name)
{
	int length = snprintf(out, LF_DESCGEN_NAME_BYTES, "%s%s%s", scope, scope[0] == '\0' ? "" : separator, name);

	if (length < 0 || length >= LF_DESCGEN_NAME_BYTES)
		lf_descgen_fail("name is too long", name);
}

void lf_descgen_includes(FILE *out, const Google__Protobuf__FileDescriptorSet *set)
{
	for (size_t i = 0; i < set->n_file; i++) {
		const char *name = set->file[i]->name;
		const char *dot = strrchr(name, '.');

		fprintf(out, "#include \"%.*s.pb-c.h\"\n", (int)(dot == NULL ? strlen(name) : (size_t)(dot - name)),
			name);
	}
}
