/* Private to the fakes: the server on HTTP/2. */
#ifndef LF_TESTS_CLIENT_FAKE_HTTP_H
#define LF_TESTS_CLIENT_FAKE_HTTP_H

#include "tests/client/fake.h"

/* Listens at fake->url, which becomes the real one. */
void fake_http_start(struct fake *fake);
/* The thread: calls fake_took() for each request. */
void *fake_http_main(void *fake);
void fake_http_stop(struct fake *fake);
void fake_http_reply(
	struct fake *fake, const struct fake_request *request, enum lf_code status, const void *message, size_t length);
/* Gives a request to the handler, and counts it. */
void fake_took(struct fake *fake, struct fake_request *request);

#endif
