/* One version of a rubric, ready to score: the message, its digest, its names, and the compiled form. */
#ifndef LF_SERVICE_RUBRIC_VERSION_H
#define LF_SERVICE_RUBRIC_VERSION_H

#include <stdatomic.h>

#include "leadfit/v1/rubric.pb-c.h"
#include "proto/base/arena.h"
#include "proto/base/status.h"
#include "service/engine/engine.h"
#include "service/rubric/name_index.h"
#include "storage/log/log.h"

/* Immutable once made, but for its count of references. */
struct lf_version {
	atomic_uint references;
	struct lf_arena arena; /* holds all of it but the compiled form */
	Leadfit__V1__Rubric *message;
	struct lf_bytes canonical;
	struct lf_digest digest;
	char digest_text[65];
	struct lf_names traits, disciplines, criteria, sources;
	bool disciplines_open; /* none declared: any is accepted */
	bool sources_open;
	struct lf_rubric *compiled;
};

/*
 * Checks and compiles a rubric from its protobuf bytes, of whatever origin. INVALID_ARGUMENT lists everything that is
 * wrong, by path below prefix ("" = the rubric itself). The new version has one reference.
 */
enum lf_code lf_version_new(
	struct lf_version **version, const uint8_t *data, size_t length, const char *prefix, struct lf_error *error);
struct lf_version *lf_version_retain(struct lf_version *version);
/* Memory that it takes, compiled form included. */
size_t lf_version_bytes(const struct lf_version *version);
/* The last release frees. NULL is allowed. */
void lf_version_release(struct lf_version *version);

/*
 * Adds to warnings, as violations by path, what is allowed in this rubric but probably not meant. Its code means
 * nothing.
 */
void lf_version_warn(const struct lf_version *version, struct lf_error *warnings);

#endif
