/* Addresses to listen on: what a URL may be, and which of them may be listened on without tokens. Any thread. */
#ifndef LF_SERVICE_RPC_ADDRESS_H
#define LF_SERVICE_RPC_ADDRESS_H

#include <stdbool.h>

#include "proto/base/status.h"

enum lf_address_kind { LF_ADDRESS_TCP, LF_ADDRESS_IPC };

/* A URL, taken apart. path points into it. */
struct lf_address {
	enum lf_address_kind kind;
	const char *scheme; /* "tcp://" */
	char host[256];     /* without the brackets of IPv6 */
	bool brackets;
	unsigned port;
	const char *path; /* ipc: the socket's name; else NULL */
};

/*
 * Reads tcp://HOST:PORT (port 0: any) or ipc://PATH. A path leaves room in a socket's name for the suffix under which it
 * is bound first. INVALID_ARGUMENT says what is wrong; error is not NULL.
 */
enum lf_code lf_address_parse(struct lf_address *address, const char *url, struct lf_error *error);
/* Whether it may be listened on: FAILED_PRECONDITION without tokens, where it is neither loopback nor a local socket. */
enum lf_code lf_address_check(
	const struct lf_address *address, const char *url, bool has_tokens, struct lf_error *error);
/* Both. */
enum lf_code lf_listen_check(const char *url, bool has_tokens, struct lf_error *error);

/* Reads an address for HTTP, HOST:PORT (port 0: any) or unix:PATH, likewise. scheme is "http://" or "unix:". */
enum lf_code lf_http_address_parse(struct lf_address *address, const char *text, struct lf_error *error);
/* Whether it may be listened on: FAILED_PRECONDITION without tokens, where it is neither loopback nor a local socket. */
enum lf_code lf_http_address_check(
	const struct lf_address *address, const char *text, bool has_tokens, struct lf_error *error);

#endif
