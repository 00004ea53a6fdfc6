/*
 * The rubrics that requests can use: active ones by name, and any stored version by digest, compiled once and shared.
 */
#ifndef LF_SERVICE_STATE_REGISTRY_H
#define LF_SERVICE_STATE_REGISTRY_H

#include "proto/base/limits.h"
#include "service/decide/go_on.h"
#include "service/rubric/version.h"

struct lf_registry;

/*
 * Loads and compiles every active rubric of the log, and which is the default. log is borrowed. FAILED_PRECONDITION where
 * one of them can't be used here; of a log that others write, too, that is said, and it is left out.
 */
enum lf_code lf_registry_new(struct lf_registry **registry, struct lf_log *log, struct lf_error *error);
void lf_registry_destroy(struct lf_registry *registry);

/* Who acts on a rubric. */
struct lf_actor {
	const char *caller;
	lf_go_on_fn go_on; /* whether they still wait; asked while a rubric's scenarios run. NULL: they do */
	void *context;     /* of go_on */
	bool unbounded;    /* may store any number of versions a day: whoever starts the service */
};

/*
 * Stores a version; it must pass its own scenarios. activate: makes it the active one of its name in the same act. Blocks
 * until that is on disk. DEADLINE_EXCEEDED, and nothing stored, where the actor waits no longer; RESOURCE_EXHAUSTED where
 * the caller has put too many versions within a day, or too many names are active. added and did may be NULL. Any
 * thread.
 */
enum lf_code lf_registry_put(struct lf_registry *registry, struct lf_rubric_version *version,
	const struct lf_actor *actor, bool activate, bool *added, struct lf_activated *did, struct lf_error *error);

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
	const struct lf_actor *actor, struct lf_rubric_version **to, struct lf_activated *did, struct lf_error *error);

/*
 * The name has no active version from then on: in the log, and then here. Blocks until it is on disk. did: what was
 * active; *is_default: the name is that of the default rubric. NOT_FOUND: no rubric of that name is stored. Any thread.
 */
enum lf_code lf_registry_deactivate(struct lf_registry *registry, const char *name, const char *caller,
	struct lf_activated *did, bool *is_default, struct lf_error *error);

/*
 * Makes a name the default rubric: in the log, with who did it and what was the default before (from, "" = none), and
 * then here. *changed false: it was already, and nothing was recorded. Blocks until it is on disk. FAILED_PRECONDITION
 * where the name has no active version (with the nearest that has). Any thread.
 */
enum lf_code lf_registry_set_default(struct lf_registry *registry, const char *name, const char *caller,
	char from[LF_ID_BYTES_MAX + 1], bool *changed, struct lf_error *error);
/* The name of the default rubric, "" where there is none. It may have no active version. Any thread. */
void lf_registry_default(struct lf_registry *registry, char name[LF_ID_BYTES_MAX + 1]);
/* How many names are active; name: the one where that is 1, else "". Any thread. */
size_t lf_registry_only_active(struct lf_registry *registry, char name[LF_ID_BYTES_MAX + 1]);

/*
 * Calls visit for each active version; is_default: of the default rubric. The name lasts while visit runs, which must not
 * block, nor ask the registry. Any thread.
 */
void lf_registry_each_active(struct lf_registry *registry,
	void (*visit)(void *context, const char *name, const struct lf_digest *digest, bool is_default), void *context);

/*
 * The active version of a name; of the default rubric where name is "". The caller releases it. NULL:
 * FAILED_PRECONDITION where none is active, or there is no default or it has no active version (saying how to get one);
 * NOT_FOUND for another name (with the nearest). Any thread; does not block on I/O.
 */
struct lf_rubric_version *lf_registry_active(struct lf_registry *registry, const char *name, struct lf_error *error);
/*
 * The same, after lf_registry_catch_up(): for what is not recorded. NULL with its error where that fails, for what is
 * known may be old. Any thread; may read the log.
 */
struct lf_rubric_version *lf_registry_newest(struct lf_registry *registry, const char *name, struct lf_error *error);
/*
 * The same for what will be recorded. *scored_at: for the record (struct lf_append), so that the log looks whether another
 * service has activated something since; 0 where there are no others. Any thread; does not block on I/O.
 */
struct lf_rubric_version *lf_registry_choose(
	struct lf_registry *registry, const char *name, uint64_t *scored_at, struct lf_error *error);
/* Whether something newer is known here than at scored_at. Any thread. */
bool lf_registry_is_newer(struct lf_registry *registry, uint64_t scored_at);
/*
 * Of a log that others write, too: takes over what they have activated and made the default, as far as the log knows of it
 * (lf_log_activated_to()). Costs nothing when there is nothing to do. A version that can't be used here is said, and left out.
 * UNAVAILABLE: what was known stays, and so what rests on it is not recorded. Any thread; reads the log.
 */
enum lf_code lf_registry_follow(struct lf_registry *registry, struct lf_error *error);
/*
 * The same, after asking the log what is there by now: whatever was answered anywhere before the call is known then. For
 * what is not recorded, and for refusing a request. Any thread; reads the log.
 */
enum lf_code lf_registry_catch_up(struct lf_registry *registry, struct lf_error *error);
/*
 * Any stored version. The caller releases it. NULL: NOT_FOUND, DATA_LOSS; FAILED_PRECONDITION, with its violations,
 * where this service can't use what another one stored. Any thread; may read the log.
 */
struct lf_rubric_version *lf_registry_find(
	struct lf_registry *registry, const struct lf_digest *digest, struct lf_error *error);

#endif
