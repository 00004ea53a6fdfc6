/*
 * A verification of the whole log, for people.
 */
#ifndef LF_CLIENT_VIEWS_VERIFIED_PAGE_H
#define LF_CLIENT_VIEWS_VERIFIED_PAGE_H

#include <stdbool.h>

#include "client/calc/verified.h"
#include "client/term/page.h"

struct lf_verify_frame {
	double seconds; /* that it took */
	bool key_given; /* by the user, not by the service */
};

/* One finding, as it comes. */
void lf_finding_print(struct lf_page *page, const Leadfit__V1__Finding *finding);
/* What came out, in three parts: the log, each kept checkpoint that it begins with, erasures and the new checkpoint. */
void lf_verified_print(struct lf_page *page, const struct lf_verified *verified, const struct lf_verify_frame *frame);
void lf_verified_print_prefix(struct lf_page *page, uint64_t size, const char *name);
void lf_verified_print_rest(struct lf_page *page, const struct lf_verified *verified);

#endif
