/* HTTP/2: what requests (h2.c) and replies (h2_reply.c) share. The loop's thread only. */
#ifndef LF_SERVICE_HTTP_H2_H
#define LF_SERVICE_HTTP_H2_H

#include <nghttp2/nghttp2.h>

#include "service/http/internal.h"

/* conn->engine */
struct lf_h2 {
	nghttp2_session *session;
	bool settled;        /* the peer's preface and first SETTINGS have come */
	uint64_t idle_left;  /* tokens of what makes work and means nothing, in thousandths */
	uint64_t idle_ns;    /* when they were counted last */
	uint64_t noticed_ns; /* when the stop was announced; 0: it was not */
	bool goaway;         /* and that no more streams are taken */
	uint64_t pinged_ns;  /* 0: no answer is awaited */
};

nghttp2_session *lf_h2_session(const struct lf_http_exchange *exchange);
/* nghttp2 says a DATA frame: its header, and as much of the reply's first part as was promised. */
int lf_h2_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *header, size_t length,
	nghttp2_data_source *source, void *user);

extern const struct lf_http_reply_ops lf_h2_reply_ops;

#endif
