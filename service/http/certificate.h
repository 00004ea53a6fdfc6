/*
 * What the service shows of itself over TLS, and whose client certificates it believes: files, read and checked as one.
 *
 * It never changes once it is loaded. To renew one, load another and give that to lf_http_set_certificate():
 * connections that were made with the old one keep it until they end.
 */
#ifndef LF_SERVICE_HTTP_CERTIFICATE_H
#define LF_SERVICE_HTTP_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "proto/base/status.h"

struct lf_http_certificate;

/* PEM files. Texts are borrowed for the call. */
struct lf_http_certificate_files {
	const char *certificate; /* the service's own, then those that lead from it to a root */
	const char *key;         /* may be the same file */
	const char *client_ca;   /* NULL: clients are not asked for a certificate */
	bool client_required;    /* with client_ca: a handshake without one fails */
};

/*
 * Reads and checks the files. Codes name file and reason: UNAVAILABLE, it can't be read; FAILED_PRECONDITION, others than
 * its owner may read the key (a key of root's may be readable by its group), or write it; INVALID_ARGUMENT, it is not
 * what it should be, or the key is another one's. An expired certificate is no error here: see lf_http_certificate_check_date(). Any thread; reads files.
 */
enum lf_code lf_http_certificate_load(struct lf_http_certificate **certificate,
	const struct lf_http_certificate_files *files, struct lf_error *error);
/* Another owner; each gives it back. Any thread. */
struct lf_http_certificate *lf_http_certificate_hold(struct lf_http_certificate *certificate);
/* Frees it with the last owner. NULL is allowed. Any thread. */
void lf_http_certificate_release(struct lf_http_certificate *certificate);

/* Whom it names, and until when: "leadfit.example.com, until 2027-03-01T12:00:00Z". As long as it is held. Any thread. */
const char *lf_http_certificate_text(const struct lf_http_certificate *certificate);
/* When it expires, in seconds since 1970. Any thread. */
time_t lf_http_certificate_expiry(const struct lf_http_certificate *certificate);
/* FAILED_PRECONDITION where it has expired, or is not valid yet, at that time. Any thread. */
enum lf_code lf_http_certificate_check_date(
	const struct lf_http_certificate *certificate, time_t now, struct lf_error *error);
/* Whether clients are asked for a certificate. Any thread. */
bool lf_http_certificate_asks_clients(const struct lf_http_certificate *certificate);

#endif
