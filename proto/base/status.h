/* gRPC's status codes as one table, and the error that every fallible function of leadfit fills in. */
#ifndef LF_PROTO_BASE_STATUS_H
#define LF_PROTO_BASE_STATUS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(default) /* exported by libleadfit */

/* X(name, code, exit status of the CLI, status of HTTP, name in Connect, text) */
#define LF_STATUS_MAP(X)                                                                                               \
	X(OK, 0, 0, 200, "ok", "done")                                                                                 \
	X(CANCELLED, 1, 3, 499, "canceled", "the caller gave up")                                                      \
	X(UNKNOWN, 2, 3, 500, "unknown", "unknown error")                                                              \
	X(INVALID_ARGUMENT, 3, 2, 400, "invalid_argument", "the request is invalid")                                   \
	X(DEADLINE_EXCEEDED, 4, 3, 504, "deadline_exceeded", "the deadline has passed")                                \
	X(NOT_FOUND, 5, 2, 404, "not_found", "there is no such thing")                                                 \
	X(ALREADY_EXISTS, 6, 4, 409, "already_exists", "it exists already")                                            \
	X(PERMISSION_DENIED, 7, 4, 403, "permission_denied", "the caller may not do this")                             \
	X(RESOURCE_EXHAUSTED, 8, 3, 429, "resource_exhausted", "a limit is reached")                                   \
	X(FAILED_PRECONDITION, 9, 4, 400, "failed_precondition", "the service is not in the state that this needs")    \
	X(ABORTED, 10, 3, 409, "aborted", "it was given up because of something concurrent")                           \
	X(OUT_OF_RANGE, 11, 2, 400, "out_of_range", "past the valid range")                                            \
	X(UNIMPLEMENTED, 12, 2, 501, "unimplemented", "there is no such method")                                       \
	X(INTERNAL, 13, 3, 500, "internal", "a defect of the service")                                                 \
	X(UNAVAILABLE, 14, 3, 503, "unavailable", "the service can't be reached or is not ready")                      \
	X(DATA_LOSS, 15, 3, 500, "data_loss", "stored data is damaged")                                                \
	X(UNAUTHENTICATED, 16, 4, 401, "unauthenticated", "the caller is not known")

enum lf_code {
#define X(name, code, exit_status, http, connect, text) LF_##name = (code),
	LF_STATUS_MAP(X)
#undef X
};

/* "INVALID_ARGUMENT"; "UNKNOWN" for a number outside the table. Static storage. */
const char *lf_code_name(enum lf_code code);
/* Text of the table. Static storage. */
const char *lf_code_text(enum lf_code code);
/* Exit status of the CLI for this code. */
int lf_code_exit_status(enum lf_code code);
/* The status of HTTP under which Connect answers with this code. */
int lf_code_http_status(enum lf_code code);
/* "invalid_argument": what Connect calls this code. Static storage. */
const char *lf_code_connect_name(enum lf_code code);
/* The code for a number off the wire: itself, or LF_UNKNOWN outside 0..16. */
enum lf_code lf_code_from_number(uint32_t number);

/* One invalid field. Texts that do not fit are cut at a UTF-8 boundary. */
struct lf_violation {
	char field[256];       /* path, e.g. team.members[3].evidence[0].rating */
	char description[320]; /* value and what is allowed, e.g. "7 is outside 1..5" */
};

/*
 * What went wrong. Storage is the caller's; set up with LF_ERROR_INIT or lf_error_init(), released with
 * lf_error_clean_up(). A function that takes an error leaves it untouched when it succeeds, and returns the code that
 * it set. Not shared between threads. Passing NULL is allowed everywhere and drops the text.
 */
struct lf_error {
	enum lf_code code;
	char message[512];
	size_t violation_count;          /* found, kept or not */
	size_t violation_kept;           /* at most LF_VIOLATIONS_MAX, fewer when memory ran out */
	struct lf_violation *violations; /* owned */
};

#define LF_ERROR_INIT                                                                                                  \
	{                                                                                                              \
		.code = LF_OK                                                                                          \
	}

void lf_error_init(struct lf_error *error);
/* Frees violations and resets to LF_OK. Safe to call twice. */
void lf_error_clean_up(struct lf_error *error);

/* Sets code and message, replacing what was there (violations stay). Returns code. */
enum lf_code lf_error_set(struct lf_error *error, enum lf_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/*
 * Adds an invalid field; sets code to INVALID_ARGUMENT, and message to that of the first violation:
 * "FIELD: DESCRIPTION" (lf_error_summarize() says how many more). Returns INVALID_ARGUMENT.
 */
enum lf_code lf_error_add(struct lf_error *error, const char *field, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
enum lf_code lf_error_vadd(struct lf_error *error, const char *field, const char *format, va_list arguments)
	__attribute__((format(printf, 3, 0)));
/* After all violations are in: message becomes "FIRST (and N more)" where there is more than one. Returns code. */
enum lf_code lf_error_summarize(struct lf_error *error);
/* Moves from into to (which is cleaned up first); from is LF_OK afterwards. */
void lf_error_move(struct lf_error *to, struct lf_error *from);

/*
 * A path under construction, on the stack: "team", then ".members[3]", then ".evidence[0]". Each push returns the
 * length before it, for lf_path_pop(). What does not fit is cut.
 */
struct lf_path {
	char text[256];
	size_t length;
};
size_t lf_path_push(struct lf_path *path, const char *field);                      /* ".field", no dot at the start */
size_t lf_path_push_index(struct lf_path *path, const char *field, size_t index);  /* ".field[index]" */
size_t lf_path_push_key(struct lf_path *path, const char *field, const char *key); /* ".field[\"key\"]" */
void lf_path_pop(struct lf_path *path, size_t length);

#pragma GCC visibility pop

#endif
