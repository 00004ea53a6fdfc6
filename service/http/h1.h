/* Private to HTTP/1.1: h1.c reads requests and has the engine, h1_reply.c writes replies. The loop's thread. */
#ifndef LF_SERVICE_HTTP_H1_H
#define LF_SERVICE_HTTP_H1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/http/parse/h1_parse.h"
#include "service/http/internal.h"

struct lf_h1 {
	struct lf_h1_parser parser;
	struct lf_http_exchange *exchange; /* that is read or answered; NULL: idle */
	uint64_t last_id;
	bool keep_alive; /* the connection goes on after this exchange */
	bool leaving;    /* no further request is taken */
	bool ended;      /* the peer sends nothing more */
	bool broken;     /* no memory for output: dropped at the next occasion */
	bool failed;     /* nothing more is read: closed once the output is sent */
	/* Of the reply. */
	unsigned minor; /* of the version that was asked with */
	bool has_body;  /* the request */
	bool is_head, chunked, in_part;
	/* What came behind the request: held[held_first .. held_end). */
	uint8_t *held;
	size_t held_first, held_end, held_room;
};

extern const struct lf_http_reply_ops lf_h1_reply_ops;

/* Puts bytes into the output, or notes that there was no memory. */
void lf_h1_put(struct lf_http_conn *conn, const void *bytes, size_t length);
/*
 * Answers what is no request, or will not be whole: no handler knows it. The exchange, if any, is over, unless it was
 * answered already. The connection closes behind the answer.
 */
void lf_h1_say_and_close(struct lf_http_conn *conn, unsigned status, const char *problem);
/* Writes of the reply's first part what there is room for. */
void lf_h1_write_part(struct lf_http_conn *conn);
/* All parts are written and no other follows: writes the end of the reply. The exchange is over. */
void lf_h1_turn_over(struct lf_http_conn *conn);

#endif
