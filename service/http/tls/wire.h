/* The socket below TLS, and a watch over the first thing that a stranger sends. */
#ifndef LF_SERVICE_HTTP_TLS_WIRE_H
#define LF_SERVICE_HTTP_TLS_WIRE_H

#include <openssl/ssl.h>
#include <stdbool.h>

/* So often the socket is read, at most, by one read, or step of a handshake: whatever a peer sends, others get their turn. */
enum { LF_HTTP_WIRE_READS = 8 };

/*
 * Lets ssl read from and write to the socket, which stays the caller's. Writing to a peer that has gone raises no signal.
 * false: no memory. On the loop's thread, as the next ones.
 */
bool lf_http_wire_attach(SSL *ssl, int fd);
/* Before each read, or step of a handshake: so often it may read again. */
void lf_http_wire_allow(SSL *ssl);
/* The handshake is over: the watch ends, and one read of the socket takes as many records as are there. */
void lf_http_wire_done(SSL *ssl);

#endif
