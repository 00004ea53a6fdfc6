/* An OpenAPI 3.1 page of every method that has one request and one reply, as JSON over HTTP has them. Made at build time. */
#ifndef LF_SERVICE_REFLECT_OPENAPI_H
#define LF_SERVICE_REFLECT_OPENAPI_H

#include <stddef.h>

/* JSON in UTF-8, for /openapi.json. Static storage; not ended by NUL. */
extern const unsigned char lf_openapi_json[];
extern const size_t lf_openapi_json_length;

#endif
