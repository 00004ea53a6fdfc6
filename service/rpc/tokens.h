/*
 * Who may call: a file with one caller a line, NAME SHA256-OF-TOKEN ROLE[,ROLE...] [requests_per_second=N] [in_flight=N].
 * One that is known by the certificate that it shows over TLS has cert:NAME in place of name and hash. '#' starts a
 * comment. Once loaded it never changes: another file is another struct lf_tokens.
 */
#ifndef LF_SERVICE_RPC_TOKENS_H
#define LF_SERVICE_RPC_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/limits.h"
#include "proto/base/status.h"
#include "service/rpc/names.h"

enum lf_role {
	LF_ROLE_READ = 1 << 0,
	LF_ROLE_SCORE = 1 << 1,
	LF_ROLE_RUBRIC = 1 << 2,
	LF_ROLE_ADMIN = 1 << 3, /* every role */
};

/* A caller, as its line has it. */
struct lf_caller {
	char name[LF_ID_BYTES_MAX + 1];
	unsigned roles;               /* a set of lf_role */
	uint32_t requests_per_second; /* 0 = no quota */
	uint32_t in_flight_max;       /* 0 = no quota */
};

struct lf_tokens;

/*
 * INVALID_ARGUMENT lists every bad line; FAILED_PRECONDITION where others than the owner may write the file;
 * UNAVAILABLE where it can't be read. The caller has the first reference.
 */
enum lf_code lf_tokens_load(struct lf_tokens **tokens, const char *path, struct lf_error *error);
/* Another reference, and its return; the last one frees. NULL is allowed. Any thread, as all below. */
struct lf_tokens *lf_tokens_keep(struct lf_tokens *tokens);
void lf_tokens_release(struct lf_tokens *tokens);

/* The callers, in the file's order. They live as long as tokens. */
size_t lf_tokens_count(const struct lf_tokens *tokens);
const struct lf_caller *lf_tokens_caller(const struct lf_tokens *tokens, size_t index);
/* Whose token it is, by its SHA-256. false where it is nobody's; *index is untouched then. */
bool lf_tokens_find(const struct lf_tokens *tokens, const char *token, size_t length, size_t *index);
/*
 * The caller of a line cert:NAME that has one of these names, to the byte; they are looked for in their order. Its name is
 * "cert:NAME". names may be NULL. false as above.
 */
bool lf_tokens_find_certificate(const struct lf_tokens *tokens, const struct lf_rpc_names *names, size_t *index);

#endif
