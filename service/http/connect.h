/* Private to HTTP: the texts of Connect, in which messages and errors come and go. Any thread. */
#ifndef LF_SERVICE_HTTP_CONNECT_H
#define LF_SERVICE_HTTP_CONNECT_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/arena.h"
#include "proto/base/buffer.h"
#include "proto/base/slice.h"
#include "proto/base/status.h"

struct lf_http_exchange;
struct lf_http_part;

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

/* A request that is JSON, as lf_http_dialect.read(), and a reply, as lf_http_dialect.seal(). */
enum lf_code lf_connect_read_json(struct lf_http_exchange *exchange, const ProtobufCMessageDescriptor *type,
	struct lf_arena *arena, const uint8_t **message, size_t *length, struct lf_error *error);
bool lf_connect_seal_json(struct lf_http_exchange *exchange, struct lf_http_part **part, bool last);

#endif
