/*
 * Who may call: a file with one caller a line. NAME SHA256-OF-TOKEN ROLE[,ROLE...] is known by a token, cert:NAME
 * ROLE[,ROLE...] by the certificate that it shows over TLS. '#' starts a comment.
 */
#ifndef LF_SERVICE_RPC_TOKENS_H
#define LF_SERVICE_RPC_TOKENS_H

#include <stddef.h>

#include "proto/base/status.h"
#include "service/rpc/names.h"

enum lf_role {
	LF_ROLE_READ = 1 << 0,
	LF_ROLE_SCORE = 1 << 1,
	LF_ROLE_RUBRIC = 1 << 2,
	LF_ROLE_ADMIN = 1 << 3, /* every role */
};

struct lf_tokens;

/*
 * INVALID_ARGUMENT lists every bad line; FAILED_PRECONDITION where others than the owner may write the file;
 * UNAVAILABLE where it can't be read.
 */
enum lf_code lf_tokens_load(struct lf_tokens **tokens, const char *path, struct lf_error *error);
void lf_tokens_destroy(struct lf_tokens *tokens);
/* The caller of this token (its SHA-256 compared in constant time), or NULL. *roles is a set of lf_role. Any thread. */
const char *lf_tokens_find(const struct lf_tokens *tokens, const char *token, size_t length, unsigned *roles);
/*
 * The caller of a line cert:NAME with one of these names, to the byte, or NULL; the names in their order. Its name is
 * "cert:NAME", as in the file. names may be NULL. Any thread.
 */
const char *lf_tokens_find_certificate(
	const struct lf_tokens *tokens, const struct lf_rpc_names *names, unsigned *roles);

#endif
