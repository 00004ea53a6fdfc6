/* Pieces of gRPC's protocol that stand alone. Any thread. */
#ifndef LF_SERVICE_HTTP_GRPC_H
#define LF_SERVICE_HTTP_GRPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/slice.h"
#include "proto/base/status.h"

enum {
	LF_GRPC_PREFIX_BYTES = 5,
	/*
	 * Of an error's details in a reply's trailers: what clients take of all headers is 8 KiB by default. Further
	 * fields are left out.
	 */
	LF_GRPC_DETAILS_MAX = 3584,
};

/*
 * Reads grpc-timeout: 1 to 8 digits and one of H M S m u n. In milliseconds, rounded up, at least 1 and at most
 * LF_TIMEOUT_MS_MAX. INVALID_ARGUMENT where it is none.
 */
enum lf_code lf_grpc_timeout(struct lf_slice text, uint32_t *timeout_ms, struct lf_error *error);

/*
 * The message in a request's body: a prefix and so many bytes, nothing before or behind. INVALID_ARGUMENT says what is
 * wrong, UNIMPLEMENTED that it is compressed, RESOURCE_EXHAUSTED that it is announced as larger than max.
 */
enum lf_code lf_grpc_message(
	const uint8_t *body, size_t length, size_t max, struct lf_slice *message, struct lf_error *error);

/* grpc-message: percent-encoded. out has 3 * length bytes. Returns what was written. */
size_t lf_grpc_percent(const char *text, size_t length, char *out);

/* The largest number of whole fields at the start of a packed message that have no more than max bytes together. */
size_t lf_grpc_cut(const uint8_t *message, size_t length, size_t max);

/* A packed google.rpc.Status with one detail, a leadfit.v1.Error. out has room for both texts and 128 bytes. */
size_t lf_grpc_status(enum lf_code code, struct lf_slice message, struct lf_slice details, uint8_t *out);

#endif
