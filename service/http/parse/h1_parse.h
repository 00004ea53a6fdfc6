/*
 * Private to HTTP: bytes of HTTP/1.1 to requests. llhttp reads them; what it lets pass, and a proxy in front could read
 * otherwise, is refused here before and after. Knows no connection and no socket. Used by one thread at a time.
 */
#ifndef LF_SERVICE_HTTP_H1_PARSE_H
#define LF_SERVICE_HTTP_H1_PARSE_H

#include <llhttp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/slice.h"

enum {
	LF_H1_HEAD_MAX = 16 * 1024, /* request line and headers */
	LF_H1_HEADERS_MAX = 64,
	LF_H1_BLANK_MAX = 4,              /* bytes of empty lines that may precede a request */
	LF_H1_CHUNK_OVERHEAD = 16 * 1024, /* what sizes of chunks may take beyond as much as the body itself */
};

/* The head of a request. Its slices lie in the parser, until the request ends. */
struct lf_h1_head {
	struct lf_slice method;
	struct lf_slice target;    /* "/path?query", or "*" */
	struct lf_slice authority; /* of Host, or of a target that has one; data NULL where there is none (HTTP/1.0) */
	const struct lf_metadata *headers; /* names in lower case; Host is one of them */
	size_t header_count;
	unsigned minor; /* HTTP/1.0 or 1.1 */
	bool keep_alive;
	bool expects_continue; /* the peer waits for "100 Continue" before it sends the body */
	bool chunked;
	uint64_t content_length; /* 0 where the body is chunked, or there is none */
};

/* What the parser tells. context is that of lf_h1_parser_init(). Within them the parser may not be fed or freed. */
struct lf_h1_events {
	/* The head of a request is whole. */
	void (*head)(void *context, const struct lf_h1_head *head);
	/* A piece of its body. false refuses the rest: the parser fails with 413. */
	bool (*body)(void *context, const uint8_t *data, size_t length);
	/* The request is whole. */
	void (*end)(void *context);
};

enum lf_h1_place {
	LF_H1_BEFORE, /* nothing of the next request has come */
	LF_H1_HEAD,
	LF_H1_BODY,
	LF_H1_FAILED, /* the place of the next byte is unknown: the connection can only be closed */
};

/* Set up and read by its owner; changed by the functions below only. */
struct lf_h1_parser {
	const struct lf_h1_events *events;
	void *context;
	enum lf_h1_place place;
	int status;          /* of HTTP, where place is LF_H1_FAILED */
	const char *problem; /* what was wrong then, for people */

	llhttp_t llhttp;
	char *bytes; /* of the head; heap */
	size_t length, capacity;
	size_t blank;           /* bytes of empty lines before it */
	uint64_t framing, body; /* bytes of a chunked body: sizes of chunks and such, and the body itself */
	const char *framed;     /* up to which the former are checked */
	char framing_last;      /* the byte before that, NUL where it is of the body */
	struct lf_h1_head head;
	struct lf_metadata headers[LF_H1_HEADERS_MAX];
	bool in_value, told, ended;
	unsigned hosts, encodings;
};

void lf_h1_parser_init(struct lf_h1_parser *parser, const struct lf_h1_events *events, void *context);
void lf_h1_parser_clean_up(struct lf_h1_parser *parser);
/*
 * Reads on, up to the end of a request: what follows it is for the next call, once this one is answered. Returns how
 * many bytes were taken; all of them where no request has ended and place is not LF_H1_FAILED.
 */
size_t lf_h1_parser_feed(struct lf_h1_parser *parser, const uint8_t *data, size_t length);

#endif
