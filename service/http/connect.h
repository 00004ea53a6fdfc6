/* Private to HTTP: how Connect says what has gone wrong. Any thread. */
#ifndef LF_SERVICE_HTTP_CONNECT_H
#define LF_SERVICE_HTTP_CONNECT_H

#include "proto/base/buffer.h"
#include "proto/base/slice.h"
#include "proto/base/status.h"

/*
 * Appends the JSON of an error, {"code", "message", "details"}. details: a packed leadfit.v1.Error, which becomes the one
 * detail, its bytes in base64 and, for people, in JSON; or empty. What does not fit memory is left out:
 * out->failed says that even the code was too much.
 */
void lf_connect_print_error(struct lf_buffer *out, enum lf_code code, struct lf_slice message, struct lf_slice details);

/*
 * Reads a time-out of 1 to 10 digits, in milliseconds. At most LF_TIMEOUT_MS_MAX comes of it. INVALID_ARGUMENT for what
 * is none; DEADLINE_EXCEEDED for 0.
 */
enum lf_code lf_connect_read_timeout(struct lf_slice text, uint32_t *timeout_ms, struct lf_error *error);

#endif
