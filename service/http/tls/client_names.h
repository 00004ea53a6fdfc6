/* The names of a client, as its certificate has them. */
#ifndef LF_SERVICE_HTTP_TLS_CLIENT_NAMES_H
#define LF_SERVICE_HTTP_TLS_CLIENT_NAMES_H

#include <openssl/ssl.h>

#include "service/rpc/names.h"

/*
 * The names in the certificate that the client has shown and that was verified: of its subject alternative names the URIs,
 * then the DNS names, in their order; the common name of its subject where it has neither. Only names that a tokens file
 * can have: visible ASCII, not too long, and no wildcard, which is nobody's name. NULL: none, or no memory. After the
 * handshake. The caller owns them.
 */
struct lf_rpc_names *lf_http_client_names(SSL *ssl);

#endif
