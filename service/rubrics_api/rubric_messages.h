/* Rubrics in requests and replies: which version a request means, and a version as a message. */
#ifndef LF_SERVICE_RUBRICS_API_RUBRIC_MESSAGES_H
#define LF_SERVICE_RUBRICS_API_RUBRIC_MESSAGES_H

#include "leadfit/v1/rubrics.pb-c.h"
#include "service/rubric/version.h"

struct lf_registry;

/*
 * Canonical bytes of a rubric that a request holds, which is put in canonical order. They are in arena; their digest is
 * that of what was sent. INVALID_ARGUMENT where rubric is NULL, RESOURCE_EXHAUSTED.
 */
enum lf_code lf_rubric_pack(
	Leadfit__V1__Rubric *rubric, struct lf_arena *arena, struct lf_bytes *bytes, struct lf_error *error);
/* error's violations as messages in arena; borrows their texts from error. false where the arena is exhausted. */
bool lf_violations_list(
	const struct lf_error *error, struct lf_arena *arena, Leadfit__V1__FieldViolation ***items, size_t *count);
/* 64 hexadecimal digits of either case. */
bool lf_digest_parse(const char *text, struct lf_digest *digest);
/* A name and digest as a message in arena, NULL where that is exhausted. */
Leadfit__V1__RubricRef *lf_rubric_ref_new(const char *name, const struct lf_digest *digest, struct lf_arena *arena);
/* A stored version as a message in arena, copied; NULL where that is exhausted. */
Leadfit__V1__RubricVersion *lf_rubric_version_message(const struct lf_rubric_row *row, struct lf_arena *arena);

/*
 * The version that a request means: the rubric that it holds, or a stored one by digest, or the active one of a name
 * ("" = the default rubric). The caller releases it. NULL on error: INVALID_ARGUMENT with violations by path in the
 * rubric, or as lf_registry_active() and lf_registry_find(). The bytes of a rubric that the request holds are in arena.
 * Any thread; may block on a read of the log.
 */
struct lf_rubric_version *lf_requested_rubric(struct lf_registry *registry, Leadfit__V1__Rubric *rubric,
	const char *name, const char *digest, struct lf_arena *arena, struct lf_error *error);

#endif
