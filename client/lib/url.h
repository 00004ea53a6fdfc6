/* A server's URL. Not installed. */
#ifndef LF_CLIENT_LIB_URL_H
#define LF_CLIENT_LIB_URL_H

#include "proto/base/status.h"

enum lf_url_scheme {
	LF_URL_TCP,   /* tcp://HOST:PORT, by nng */
	LF_URL_IPC,   /* ipc://PATH, by nng */
	LF_URL_HTTP,  /* http://HOST[:PORT] */
	LF_URL_HTTPS, /* https://HOST[:PORT] */
	LF_URL_UNIX,  /* unix:PATH, HTTP/2 over a local socket */
};

struct lf_url {
	enum lf_url_scheme scheme;
	char host[256]; /* http, https: a name or an address, without the brackets of IPv6 */
	char port[6];
	char authority[272]; /* as a request names it: HOST:PORT, or localhost */
	char path[108];      /* unix */
};

/* Takes a URL apart. INVALID_ARGUMENT says what is wrong with it, and what is allowed. text may be NULL. */
enum lf_code lf_url_parse(struct lf_url *url, const char *text, struct lf_error *error);

#endif
