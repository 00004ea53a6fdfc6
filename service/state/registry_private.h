/* Inside the registry: shared by registry.c and registry_acts.c alone. */
#ifndef LF_SERVICE_STATE_REGISTRY_PRIVATE_H
#define LF_SERVICE_STATE_REGISTRY_PRIVATE_H

#include <pthread.h>

#include "proto/base/limits.h"
#include "service/state/registry.h"

/* Names active at once, and inactive versions kept compiled: one of many samples takes up to 14 MiB. */
enum { LF_REGISTRY_ACTIVE_MAX = 64, LF_REGISTRY_CACHED_MAX = 32, LF_REGISTRY_CACHED_BYTES_MAX = 32 << 20 };

struct lf_registry {
	struct lf_log *log;
	/*
	 * Held over an act, commit and switch: the log's order is the order here. Taken before lock, and never by a
	 * request that only scores.
	 */
	pthread_mutex_t acts;
	/* Held while the log is read for what is active: one thread does that for all. Taken after acts, before lock. */
	pthread_mutex_t following;
	/*
	 * Under following: what was said to be left out, so that it is said once. As many as may be active; then from the
	 * first on again. And how many beyond.
	 */
	struct lf_digest said[LF_REGISTRY_ACTIVE_MAX];
	size_t said_count, said_next, said_beyond;
	pthread_mutex_t lock; /* over all below; held for moments only, never over I/O */
	uint64_t known_to;    /* lf_log_activated_to(), up to which what is below is known */
	struct lf_rubric_version *active[LF_REGISTRY_ACTIVE_MAX]; /* one a name */
	size_t active_count;
	char default_name[LF_ID_BYTES_MAX + 1];                   /* "": none; it may have no active version */
	struct lf_rubric_version *cached[LF_REGISTRY_CACHED_MAX]; /* by age of last use: the newest first */
	size_t cached_count, cached_bytes;
};

/*
 * Reads one version from the log and compiles it: that of the digest, or (NULL) the active one of the name. NULL with
 * error.
 */
struct lf_rubric_version *lf_registry_load(
	struct lf_registry *registry, const char *name, const struct lf_digest *digest, struct lf_error *error);

/* One that is in memory, active or not, retained. NULL: it is not. */
struct lf_rubric_version *lf_registry_held(struct lf_registry *registry, const struct lf_digest *digest);

/* Both under the lock. */

/* Where the active version of a name is; active_count where there is none. */
size_t lf_registry_place(const struct lf_registry *registry, const char *name);
/* Keeps a version compiled, in the place of the one that was not used for the longest time. */
void lf_registry_cache(struct lf_registry *registry, struct lf_rubric_version *version);

#endif
