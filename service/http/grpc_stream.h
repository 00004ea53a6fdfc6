/* Methods of gRPC that take a stream of requests. On the loop's thread. */
#ifndef LF_SERVICE_HTTP_GRPC_STREAM_H
#define LF_SERVICE_HTTP_GRPC_STREAM_H

#include "service/http/internal.h"

/* Some of the body has come, or all of it: the first message of it that is whole becomes a call, unless one is in. */
void lf_grpc_stream_next(struct lf_http_exchange *exchange);
/* The reply of a call was given to the version: its turn is over, and the next message's comes. */
void lf_grpc_stream_replied(struct lf_http_exchange *exchange);

#endif
