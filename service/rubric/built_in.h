/* The built-in rubric, service/rubrics/tech-lead.yaml, as the build found it (embed.cmake). */
#ifndef LF_SERVICE_RUBRIC_BUILT_IN_H
#define LF_SERVICE_RUBRIC_BUILT_IN_H

#include <stddef.h>

extern const unsigned char lf_built_in_rubric[]; /* YAML */
extern const size_t lf_built_in_rubric_length;

#endif
