/* Where the mapper is, and what it has found wrong: below both json_map.c and json_scalar.c. */
#include "proto/base/limits.h"
#include "proto/text/json_internal.h"

bool lf_mapper_reject(struct lf_mapper *mapper, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	lf_error_vadd(mapper->error, mapper->path.text, format, arguments);
	va_end(arguments);
	mapper->violations++;
	return false;
}

bool lf_mapper_keeps(const struct lf_mapper *mapper)
{
	return mapper->violations < LF_VIOLATIONS_MAX;
}
