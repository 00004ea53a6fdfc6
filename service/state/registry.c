#include "service/state/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/check.h"
#include "proto/base/nearest.h"
#include "service/state/default_rubric.h"
#include "service/state/registry_private.h"

/* ---- under the lock ---- */

size_t lf_registry_place(const struct lf_registry *r, const char *name)
{
	size_t i = 0;

	while (i < r->active_count && strcmp(r->active[i]->message->name, name) != 0)
		i++;
	return i;
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

void lf_registry_cache(struct lf_registry *r, struct lf_rubric_version *version)
{
	size_t bytes = lf_rubric_version_bytes(version);

	if (find_cached(r, &version->digest) != NULL)
		return;
	while (r->cached_count > 0 &&
		(r->cached_count == LF_REGISTRY_CACHED_MAX || r->cached_bytes + bytes > LF_REGISTRY_CACHED_BYTES_MAX)) {
		struct lf_rubric_version *oldest = r->cached[--r->cached_count];

		r->cached_bytes -= lf_rubric_version_bytes(oldest);
		lf_rubric_version_release(oldest);
	}
	LF_CHECK(H6, r->cached_count < LF_REGISTRY_CACHED_MAX && (r->cached_count > 0 || r->cached_bytes == 0));
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

struct lf_rubric_version *lf_registry_load(
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
		lf_error_set(&inner, LF_DATA_LOSS, "the stored rubric \"%.128s\" does not match its digest", row->name);
		lf_log_note_damage(r->log, &inner);
		if (error != NULL)
			lf_error_move(error, &inner);
		lf_rubric_version_release(version);
		version = NULL;
	}
	lf_error_clean_up(&inner);
	free(row);
	return version;
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
	pthread_mutex_destroy(&r->following);
	pthread_mutex_destroy(&r->acts);
	free(r);
}

/* ---- what requests get ---- */

/* The active names, each in names; in list, as many as it has room for, and how many more there are. */
static void list_active(const struct lf_registry *r, const char *names[LF_REGISTRY_ACTIVE_MAX], char list[300])
{
	size_t length = 0, listed = 0;

	*list = '\0';
	for (size_t i = 0; i < r->active_count; i++) {
		names[i] = r->active[i]->message->name;
		if (listed != i || length + strlen(names[i]) + sizeof(", and 64 others") >= 300)
			continue;
		length += (size_t)snprintf(list + length, 300 - length, "%s%s", i > 0 ? ", " : "", names[i]);
		listed++;
	}
	if (listed < r->active_count)
		snprintf(list + length, 300 - length, "%s%zu %s", listed > 0 ? ", and " : "", r->active_count - listed,
			listed > 0 ? "others" : "names");
}

/* Says what there is instead of this name ("" = the default rubric). Under the lock. */
static void say_active(const struct lf_registry *r, const char *name, struct lf_error *error)
{
	const char *names[LF_REGISTRY_ACTIVE_MAX];
	const char *nearest;
	char list[300];

	list_active(r, names, list);
	nearest = lf_nearest(name, names, r->active_count);
	if (*name == '\0' && *r->default_name != '\0')
		lf_error_set(error, LF_FAILED_PRECONDITION,
			"the default rubric \"%.128s\" has no active version: give it one (leadfit rubric activate "
			"%.128s)%s%s",
			r->default_name, r->default_name,
			r->active_count > 0
				? ", or make another the default (leadfit rubric default NAME); active are: "
				: "",
			list);
	else if (r->active_count == 0)
		lf_error_set(error, LF_FAILED_PRECONDITION,
			"no rubric is active: leadfit rubric list shows those that are stored, leadfit rubric activate "
			"makes one active");
	else if (*name == '\0')
		lf_error_set(error, LF_FAILED_PRECONDITION,
			"there is no default rubric: name one, or set it (leadfit rubric default NAME); active are: %s",
			list);
	else
		lf_error_set(error, LF_NOT_FOUND,
			"no rubric \"%.128s\" is active; %s: %s (leadfit rubric list shows what is stored)", name,
			nearest != NULL ? "nearest" : "active are", nearest != NULL ? nearest : list);
}

struct lf_rubric_version *lf_registry_active(struct lf_registry *r, const char *name, struct lf_error *error)
{
	uint64_t ignored;

	return lf_registry_choose(r, name, &ignored, error);
}

struct lf_rubric_version *lf_registry_choose(
	struct lf_registry *r, const char *name, uint64_t *scored_at, struct lf_error *error)
{
	struct lf_rubric_version *version = NULL;
	size_t place;

	pthread_mutex_lock(&r->lock);
	*scored_at = lf_log_is_shared(r->log) ? r->known_to : 0;
	place = lf_registry_place(r, *name != '\0' ? name : r->default_name);
	if (place < r->active_count)
		version = lf_rubric_version_retain(r->active[place]);
	else
		say_active(r, name, error);
	pthread_mutex_unlock(&r->lock);
	return version;
}

bool lf_registry_is_newer(struct lf_registry *r, uint64_t scored_at)
{
	bool newer;

	pthread_mutex_lock(&r->lock);
	newer = r->known_to > scored_at;
	pthread_mutex_unlock(&r->lock);
	return newer;
}

void lf_registry_default(struct lf_registry *r, char name[LF_ID_BYTES_MAX + 1])
{
	pthread_mutex_lock(&r->lock);
	memcpy(name, r->default_name, sizeof(r->default_name));
	pthread_mutex_unlock(&r->lock);
}

void lf_registry_each_active(struct lf_registry *r,
	void (*visit)(void *context, const char *name, const struct lf_digest *digest, bool is_default), void *context)
{
	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < r->active_count; i++)
		visit(context, r->active[i]->message->name, &r->active[i]->digest,
			strcmp(r->active[i]->message->name, r->default_name) == 0);
	pthread_mutex_unlock(&r->lock);
}

size_t lf_registry_only_active(struct lf_registry *r, char name[LF_ID_BYTES_MAX + 1])
{
	size_t count;

	pthread_mutex_lock(&r->lock);
	count = r->active_count;
	snprintf(name, LF_ID_BYTES_MAX + 1, "%s", count == 1 ? r->active[0]->message->name : "");
	pthread_mutex_unlock(&r->lock);
	return count;
}

struct lf_rubric_version *lf_registry_held(struct lf_registry *r, const struct lf_digest *digest)
{
	struct lf_rubric_version *version;

	pthread_mutex_lock(&r->lock);
	version = find_cached(r, digest);
	if (version != NULL)
		lf_rubric_version_retain(version);
	pthread_mutex_unlock(&r->lock);
	return version;
}

struct lf_rubric_version *lf_registry_find(
	struct lf_registry *r, const struct lf_digest *digest, struct lf_error *error)
{
	struct lf_rubric_version *version = lf_registry_held(r, digest);

	if (version != NULL)
		return version;
	version = lf_registry_load(r, NULL, digest, error);
	if (version == NULL)
		return NULL;
	pthread_mutex_lock(&r->lock);
	lf_registry_cache(r, version);
	pthread_mutex_unlock(&r->lock);
	return version;
}
