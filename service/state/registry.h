/*
 * The rubrics that requests can use: active ones by name, and any stored version by digest, compiled once and shared.
 */
#ifndef LF_SERVICE_STATE_REGISTRY_H
#define LF_SERVICE_STATE_REGISTRY_H

#include "service/decide/go_on.h"
#include "service/rubric/version.h"

struct lf_registry;

/* Loads and compiles every active rubric of the log. log is borrowed. */
enum lf_code lf_registry_new(struct lf_registry **registry, struct lf_log *log, struct lf_error *error);
void lf_registry_destroy(struct lf_registry *registry);

/* Who acts on a rubric. */
struct lf_actor {
	const char *caller;
	lf_go_on_fn go_on; /* whether they still wait; asked while a rubric's scenarios run. NULL: they do */
	void *context;     /* of go_on */
};

/*
 * Stores a rubric and activates it where its name has no active version; it must pass its own scenarios. Blocks until
 * that is on disk. DEADLINE_EXCEEDED, and nothing stored, where the actor waits no longer. The flags may be NULL. Any
 * thread.
 */
enum lf_code lf_registry_put(struct lf_registry *registry, struct lf_version *version, const struct lf_actor *actor,
	bool *added, bool *activated, struct lf_error *error);

/*
 * Makes a stored version the active one of its name (returning to an earlier one is the same act): in the log, with who
 * did it, and then here, in the same order for all who call. Requests never wait for it, and go on with the version
 * that they began with. name "" = any. Blocks until it is on disk; where that fails nothing changes here. *to is the
 * version, released by the caller; did what it replaced. Any thread.
 *
 * NOT_FOUND: no such version of that name. FAILED_PRECONDITION: it fails its check, or its own scenarios though it was
 * never active before (all violations, by path in the rubric). RESOURCE_EXHAUSTED: too many names are active.
 * DEADLINE_EXCEEDED: the actor waits no longer; nothing was done.
 */
enum lf_code lf_registry_activate(struct lf_registry *registry, const char *name, const struct lf_digest *digest,
	const struct lf_actor *actor, struct lf_version **to, struct lf_activated *did, struct lf_error *error);

/*
 * The active version of a name; of the only active name where name is "". The caller releases it. NULL:
 * FAILED_PRECONDITION where none or several are active (listing the names), NOT_FOUND for another name (with the
 * nearest). Any thread; does not block on I/O.
 */
struct lf_version *lf_registry_active(struct lf_registry *registry, const char *name, struct lf_error *error);
/*
 * Any stored version. The caller releases it. NULL: NOT_FOUND, DATA_LOSS; FAILED_PRECONDITION, with its violations,
 * where this service can't use what another one stored. Any thread; may read the log.
 */
struct lf_version *lf_registry_find(
	struct lf_registry *registry, const struct lf_digest *digest, struct lf_error *error);

#endif
