/*
 * TLS of connections, by OpenSSL: the io of conn.h. Private to the room; certificate.h is what others see of it.
 */
#ifndef LF_SERVICE_HTTP_TLS_H
#define LF_SERVICE_HTTP_TLS_H

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdbool.h>

#include "service/http/certificate.h"
#include "service/http/conn.h"

/* What new connections are made with. */
struct lf_http_tls {
	pthread_mutex_t lock; /* of certificate */
	struct lf_http_certificate *certificate;
};

/* Holds the certificate. NULL: no memory. Owner's thread. */
struct lf_http_tls *lf_http_tls_new(struct lf_http_certificate *certificate);
/* No connection is left. NULL is allowed. */
void lf_http_tls_free(struct lf_http_tls *tls);

/*
 * The connection's first bytes are TLS: sets io and io_state. false: no memory; the connection is to be dropped. The
 * loop's thread.
 */
bool lf_http_tls_begin(struct lf_http_conn *conn);

/* certificate.c: a new connection's state, which keeps what it needs of the certificate. NULL: no memory. Any thread. */
SSL *lf_http_certificate_connection(const struct lf_http_certificate *certificate);

#endif
