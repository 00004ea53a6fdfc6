/* From a rubric's message to what the engine scores with. Of version.c alone. */
#ifndef LF_SERVICE_RUBRIC_COMPILER_H
#define LF_SERVICE_RUBRIC_COMPILER_H

#include "service/rubric/version.h"

/*
 * Checks version's message and fills its names and its compiled form; memory is its arena's. INVALID_ARGUMENT lists
 * everything that is wrong, by path below prefix; RESOURCE_EXHAUSTED where memory ran out. error may be NULL.
 */
enum lf_code lf_version_compile(struct lf_version *version, const char *prefix, struct lf_error *error);

#endif
