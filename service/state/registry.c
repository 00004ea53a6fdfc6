#include "service/state/registry.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/check.h"
#include "proto/base/nearest.h"
#include "proto/base/limits.h"
#include "service/decide/scenario.h"

/* Names active at once, and inactive versions kept compiled: one of many samples takes up to 14 MiB. */
enum { ACTIVE_MAX = 64, CACHED_MAX = 32, CACHED_BYTES_MAX = 32 << 20 };

struct lf_registry {
	struct lf_log *log;
	/*
	 * Held over a put or an activation, commit and switch: the log's order is the order here. Taken before lock,
	 * and never by a request that only scores.
	 */
	pthread_mutex_t acts;
	pthread_mutex_t lock;                         /* over all below; held for moments only, never over I/O */
	struct lf_rubric_version *active[ACTIVE_MAX]; /* one a name */
	size_t active_count;
	struct lf_rubric_version *cached[CACHED_MAX]; /* by age of last use: the newest first */
	size_t cached_count, cached_bytes;
};

/* ---- under the lock ---- */

static struct lf_rubric_version *find_active(struct lf_registry *r, const char *name)
{
	for (size_t i = 0; i < r->active_count; i++)
		if (strcmp(r->active[i]->message->name, name) == 0)
			return r->active[i];
	return NULL;
}

static struct lf_rubric_version *find_cached(struct lf_registry *r, const struct lf_digest *digest)
{
	for (size_t i = 0; i < r->active_count; i++)
		if (memcmp(&r->active[i]->digest, digest, sizeof(*digest)) == 0)
			return r->active[i];
	for (size_t i = 0; i < r->cached_count; i++) {
		struct lf_rubric_version *version = r->cached[i];

		if (memcmp(&version->digest, digest, sizeof(*digest)) != 0)
			continue;
		memmove(r->cached + 1, r->cached, i * sizeof(version));
		r->cached[0] = version;
		return version;
	}
	return NULL;
}

static void cache(struct lf_registry *r, struct lf_rubric_version *version)
{
	size_t bytes = lf_rubric_version_bytes(version);

	if (find_cached(r, &version->digest) != NULL)
		return;
	while (r->cached_count > 0 && (r->cached_count == CACHED_MAX || r->cached_bytes + bytes > CACHED_BYTES_MAX)) {
		struct lf_rubric_version *oldest = r->cached[--r->cached_count];

		r->cached_bytes -= lf_rubric_version_bytes(oldest);
		lf_rubric_version_release(oldest);
	}
	LF_CHECK(H6, r->cached_count < CACHED_MAX && (r->cached_count > 0 || r->cached_bytes == 0));
	memmove(r->cached + 1, r->cached, r->cached_count * sizeof(version));
	r->cached[0] = lf_rubric_version_retain(version);
	r->cached_bytes += bytes;
	r->cached_count++;
}

/* ---- */

/* The digest fits, so these are the bytes that were put: an earlier version of the service accepted them. */
static void cannot_use(const char *name, struct lf_error *inner, struct lf_error *error)
{
	enum lf_code code = inner->code == LF_INVALID_ARGUMENT ? LF_FAILED_PRECONDITION : inner->code;
	char message[sizeof(inner->message)];

	snprintf(message, sizeof(message), "%s", inner->message);
	lf_error_move(error, inner);
	lf_error_set(error, code, "the stored rubric \"%.128s\" can't be used: %s", name, message);
}

/* Reads one version from the log and compiles it. */
static struct lf_rubric_version *load(
	struct lf_registry *r, const char *name, const struct lf_digest *digest, struct lf_error *error)
{
	struct lf_error inner = LF_ERROR_INIT;
	struct lf_rubric_version *version = NULL;
	struct lf_rubric_row *row;

	if (lf_log_get_rubric(r->log, name, digest, &row, error) != LF_OK)
		return NULL;
	if (lf_rubric_version_new(&version, row->body.data, row->body.length, "", &inner) != LF_OK)
		cannot_use(row->name, &inner, error);
	else if (memcmp(&version->digest, &row->digest, sizeof(row->digest)) != 0) {
		lf_error_set(error, LF_DATA_LOSS, "the stored rubric \"%.128s\" does not match its digest", row->name);
		lf_rubric_version_release(version);
		version = NULL;
	}
	lf_error_clean_up(&inner);
	free(row);
	return version;
}

struct names_found {
	char *names[ACTIVE_MAX];
	size_t count;
	bool too_many;
};

static void note_active(void *context, const struct lf_rubric_row *row)
{
	struct names_found *found = context;

	if (!row->active)
		return;
	if (found->count < ACTIVE_MAX)
		found->names[found->count++] = strdup(row->name);
	else
		found->too_many = true;
}

enum lf_code lf_registry_new(struct lf_registry **out, struct lf_log *log, struct lf_error *error)
{
	struct lf_registry *r = calloc(1, sizeof(*r));
	struct names_found found = {.count = 0};
	enum lf_code code;

	if (r == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for the rubrics");
	r->log = log;
	pthread_mutex_init(&r->acts, NULL);
	pthread_mutex_init(&r->lock, NULL);
	code = lf_log_list_rubrics(log, NULL, note_active, &found, error);
	if (code == LF_OK && found.too_many)
		code = lf_error_set(error, LF_RESOURCE_EXHAUSTED, "more than %d rubrics are active", ACTIVE_MAX);
	for (size_t i = 0; i < found.count; i++) {
		struct lf_rubric_version *version = NULL;

		if (code == LF_OK && found.names[i] == NULL)
			code = lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for the rubrics");
		if (code == LF_OK && (version = load(r, found.names[i], NULL, error)) == NULL)
			code = error != NULL ? error->code : LF_DATA_LOSS;
		if (version != NULL)
			r->active[r->active_count++] = version;
		free(found.names[i]);
	}
	if (code != LF_OK) {
		lf_registry_destroy(r);
		return code;
	}
	*out = r;
	return LF_OK;
}

void lf_registry_destroy(struct lf_registry *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->active_count; i++)
		lf_rubric_version_release(r->active[i]);
	for (size_t i = 0; i < r->cached_count; i++)
		lf_rubric_version_release(r->cached[i]);
	pthread_mutex_destroy(&r->lock);
	pthread_mutex_destroy(&r->acts);
	free(r);
}

/* ---- acts: one after another, under r->acts ---- */

/* Whether one more name can become active; true for one that is. */
static bool has_room(struct lf_registry *r, const char *name)
{
	bool room;

	pthread_mutex_lock(&r->lock);
	room = r->active_count < ACTIVE_MAX || find_active(r, name) != NULL;
	pthread_mutex_unlock(&r->lock);
	return room;
}

/* Whether a name has no active version. */
static bool is_first(struct lf_registry *r, const char *name)
{
	bool first;

	pthread_mutex_lock(&r->lock);
	first = find_active(r, name) == NULL;
	pthread_mutex_unlock(&r->lock);
	return first;
}

/* The log says that version is the active one of its name: from here on requests get it. */
static void switch_to(struct lf_registry *r, struct lf_rubric_version *version)
{
	size_t i = 0;

	pthread_mutex_lock(&r->lock);
	while (i < r->active_count && strcmp(r->active[i]->message->name, version->message->name) != 0)
		i++;
	if (i == r->active_count) {
		LF_CHECK(H6, r->active_count < ACTIVE_MAX);
		r->active[r->active_count++] = lf_rubric_version_retain(version);
	} else if (r->active[i] != version) {
		struct lf_rubric_version *before = r->active[i];

		r->active[i] = lf_rubric_version_retain(version);
		cache(r, before); /* kept compiled: the one that is returned to, if any is */
		lf_rubric_version_release(before);
	}
	pthread_mutex_unlock(&r->lock);
}

/*
 * A version that was put beside the active one: it is likely to be asked for next. Where none is active here, the log
 * has one from a put whose commit failed without a word.
 */
static enum lf_code keep(struct lf_registry *r, struct lf_rubric_version *version, struct lf_error *error)
{
	struct lf_rubric_version *active = NULL;
	struct lf_error inner = LF_ERROR_INIT;
	bool known;

	pthread_mutex_lock(&r->lock);
	known = find_active(r, version->message->name) != NULL;
	cache(r, version);
	pthread_mutex_unlock(&r->lock);
	if (known)
		return LF_OK;
	active = load(r, version->message->name, NULL, &inner);
	if (active == NULL) {
		enum lf_code code = inner.code;

		lf_error_move(error, &inner);
		return code;
	}
	switch_to(r, active);
	lf_rubric_version_release(active);
	return LF_OK;
}

enum lf_code lf_registry_put(struct lf_registry *r, struct lf_rubric_version *version, const struct lf_actor *actor,
	bool *added, bool *activated, struct lf_error *error)
{
	enum lf_code code = lf_rubric_version_run_scenarios(version, actor->go_on, actor->context, error);
	struct lf_activated did = {0};

	if (code != LF_OK)
		return code;
	pthread_mutex_lock(&r->acts);
	if (!has_room(r, version->message->name))
		code = lf_error_set(error, LF_RESOURCE_EXHAUSTED, "%d rubrics are active already", ACTIVE_MAX);
	else
		code = lf_log_put_rubric(r->log, version->message->name, version->message->title, actor->caller,
			version->canonical, &version->digest, is_first(r, version->message->name), added, &did, error);
	if (code == LF_OK && did.changed)
		switch_to(r, version);
	else if (code == LF_OK)
		code = keep(r, version, error);
	pthread_mutex_unlock(&r->acts);
	if (code == LF_OK && activated != NULL)
		*activated = did.changed;
	return code;
}

/* Whether a version may be made active: it passes its own scenarios, or was active before. */
static enum lf_code may_activate(struct lf_registry *r, const struct lf_rubric_version *version,
	const struct lf_actor *actor, struct lf_error *error)
{
	bool was_active = false;
	enum lf_code code = lf_log_was_active(r->log, &version->digest, &was_active, error);

	return code != LF_OK || was_active
		? code
		: lf_rubric_version_run_scenarios(version, actor->go_on, actor->context, error);
}

/* Log, then memory. */
static enum lf_code record_and_switch(struct lf_registry *r, struct lf_rubric_version *version, const char *caller,
	struct lf_activated *did, struct lf_error *error)
{
	const char *name = version->message->name;
	enum lf_code code;

	pthread_mutex_lock(&r->acts);
	if (!has_room(r, name))
		code = lf_error_set(error, LF_RESOURCE_EXHAUSTED, "%d rubrics are active already", ACTIVE_MAX);
	else
		code = lf_log_activate_rubric(r->log, name, &version->digest, caller, did, error);
	/* Also where nothing changed: an act whose commit failed without a word may have been stored. */
	if (code == LF_OK)
		switch_to(r, version);
	pthread_mutex_unlock(&r->acts);
	return code;
}

enum lf_code lf_registry_activate(struct lf_registry *r, const char *name, const struct lf_digest *digest,
	const struct lf_actor *actor, struct lf_rubric_version **to, struct lf_activated *did, struct lf_error *error)
{
	struct lf_error inner = LF_ERROR_INIT;
	struct lf_rubric_version *version = lf_registry_find(r, digest, &inner);
	enum lf_code code = inner.code;

	if (version != NULL && *name != '\0' && strcmp(name, version->message->name) != 0)
		code = lf_error_set(&inner, LF_NOT_FOUND,
			"the version %.12s belongs to the rubric \"%.128s\", not \"%.128s\"", version->digest_text,
			version->message->name, name);
	if (code == LF_OK)
		code = may_activate(r, version, actor, &inner);
	if (code == LF_OK)
		code = record_and_switch(r, version, actor->caller, did, &inner);
	*to = code == LF_OK ? version : NULL;
	if (code != LF_OK) {
		lf_rubric_version_release(version);
		lf_error_move(error, &inner);
	}
	lf_error_clean_up(&inner);
	return code;
}

/* ---- */

/* Says which rubrics there are instead. Under the lock. */
static void say_active(struct lf_registry *r, const char *name, struct lf_error *error)
{
	const char *names[ACTIVE_MAX];
	const char *nearest;
	char list[300] = "";
	size_t length = 0;

	for (size_t i = 0; i < r->active_count; i++) {
		names[i] = r->active[i]->message->name;
		if (length < sizeof(list))
			length += (size_t)snprintf(
				list + length, sizeof(list) - length, "%s%s", i > 0 ? ", " : "", names[i]);
	}
	if (r->active_count == 0) {
		lf_error_set(
			error, LF_FAILED_PRECONDITION, "no rubric is active: start the service with --rubric FILE");
	} else if (*name == '\0') {
		lf_error_set(error, LF_FAILED_PRECONDITION, "several rubrics are active, name one: %s", list);
	} else {
		nearest = lf_nearest(name, names, r->active_count);
		lf_error_set(error, LF_NOT_FOUND, "no rubric \"%.128s\" is active; %s: %s", name,
			nearest != NULL ? "nearest" : "active are", nearest != NULL ? nearest : list);
	}
}

struct lf_rubric_version *lf_registry_active(struct lf_registry *r, const char *name, struct lf_error *error)
{
	struct lf_rubric_version *version = NULL;

	pthread_mutex_lock(&r->lock);
	if (*name != '\0')
		version = find_active(r, name);
	else if (r->active_count == 1)
		version = r->active[0];
	if (version != NULL)
		lf_rubric_version_retain(version);
	else
		say_active(r, name, error);
	pthread_mutex_unlock(&r->lock);
	return version;
}

struct lf_rubric_version *lf_registry_find(
	struct lf_registry *r, const struct lf_digest *digest, struct lf_error *error)
{
	struct lf_rubric_version *version;

	pthread_mutex_lock(&r->lock);
	version = find_cached(r, digest);
	if (version != NULL)
		lf_rubric_version_retain(version);
	pthread_mutex_unlock(&r->lock);
	if (version != NULL)
		return version;
	version = load(r, NULL, digest, error);
	if (version == NULL)
		return NULL;
	pthread_mutex_lock(&r->lock);
	cache(r, version);
	pthread_mutex_unlock(&r->lock);
	return version;
}
