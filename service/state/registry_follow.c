/*
 * What is active, read from the log: at the start, and of a log that others write, too, whenever they have changed it.
 *
 * What is read is not of one moment. It is at least as new as lf_log_activated_to() was before it was read, and that is
 * what it is known to: whatever came while it was read is read again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/events/events.h"
#include "service/state/default_rubric.h"
#include "service/state/registry_private.h"

/* What the log says. */
struct found {
	struct lf_digest digests[LF_REGISTRY_ACTIVE_MAX];
	struct lf_rubric_version *versions[LF_REGISTRY_ACTIVE_MAX];
	size_t digest_count, version_count;
	size_t beyond; /* as many more are active */
	char default_name[LF_ID_BYTES_MAX + 1];
	uint64_t known_to;
};

static void note_active(void *context, const struct lf_rubric_row *row)
{
	struct found *found = context;

	if (!row->active)
		return;
	if (found->digest_count < LF_REGISTRY_ACTIVE_MAX)
		found->digests[found->digest_count++] = row->digest;
	else
		found->beyond++;
}

static void clean_up(struct found *found)
{
	while (found->version_count > 0)
		lf_rubric_version_release(found->versions[--found->version_count]);
}

/*
 * Whether it is this version that is wrong for us, and trying again does not help. Not NOT_FOUND: what is active is stored,
 * so it was read from somewhere that is behind.
 */
static bool is_unusable(enum lf_code code)
{
	return code == LF_FAILED_PRECONDITION || code == LF_DATA_LOSS;
}

/* Says that a version is left out, once. */
static void say_left_out(struct lf_registry *r, const struct lf_digest *digest, const struct lf_error *why)
{
	for (size_t i = 0; i < r->said_count; i++)
		if (memcmp(&r->said[i], digest, sizeof(*digest)) == 0)
			return;
	r->said[r->said_next] = *digest;
	r->said_next = (r->said_next + 1) % LF_REGISTRY_ACTIVE_MAX;
	if (r->said_count < LF_REGISTRY_ACTIVE_MAX)
		r->said_count++;
	lf_event_say(LF_EVENT_RUBRIC_UNUSABLE, "a rubric that was made active is not served here: %s", why->message);
}

/* Says how many are left out since there are too many, once a number. */
static void say_beyond(struct lf_registry *r, size_t beyond)
{
	if (beyond > 0 && beyond != r->said_beyond)
		lf_event_say(LF_EVENT_RUBRIC_UNUSABLE,
			"%zu rubrics more than %d are active, and not served here: deactivate some", beyond,
			LF_REGISTRY_ACTIVE_MAX);
	r->said_beyond = beyond;
}

static enum lf_code load_versions(struct lf_registry *r, struct found *found, bool whole, struct lf_error *error)
{
	for (size_t i = 0; i < found->digest_count; i++) {
		struct lf_error inner = LF_ERROR_INIT;
		struct lf_rubric_version *version = lf_registry_held(r, &found->digests[i]);
		enum lf_code code = LF_OK;
		bool left_out;

		if (version == NULL)
			version = lf_registry_load(r, NULL, &found->digests[i], &inner);
		left_out = version == NULL && !whole && is_unusable(inner.code);
		if (version == NULL && !left_out)
			code = inner.code;
		if (version != NULL)
			found->versions[found->version_count++] = version;
		else if (left_out)
			say_left_out(r, &found->digests[i], &inner);
		else if (error != NULL)
			lf_error_move(error, &inner);
		lf_error_clean_up(&inner);
		if (code != LF_OK)
			return code;
	}
	return LF_OK;
}

static enum lf_code read_found(struct lf_registry *r, struct found *found, bool whole, struct lf_error *error)
{
	enum lf_code code;

	found->known_to = lf_log_activated_to(r->log);
	code = lf_default_rubric_read(r->log, found->default_name, error);
	if (code == LF_OK)
		code = lf_log_list_rubrics(r->log, NULL, note_active, found, error);
	if (code == LF_OK && found->beyond > 0 && whole)
		code = lf_error_set(
			error, LF_RESOURCE_EXHAUSTED, "more than %d rubrics are active", LF_REGISTRY_ACTIVE_MAX);
	else if (code == LF_OK)
		say_beyond(r, found->beyond);
	return code == LF_OK ? load_versions(r, found, whole, error) : code;
}

/* Requests get it from here on; what was active stays compiled. Another thread may have been faster, and newer. */
static void take_over(struct lf_registry *r, struct found *found)
{
	pthread_mutex_lock(&r->lock);
	if (found->known_to >= r->known_to) {
		struct lf_rubric_version *before[LF_REGISTRY_ACTIVE_MAX];
		const size_t before_count = r->active_count;

		memcpy(before, r->active, before_count * sizeof(*before));
		memcpy(r->active, found->versions, found->version_count * sizeof(*before));
		r->active_count = found->version_count;
		found->version_count = 0;
		memcpy(r->default_name, found->default_name, sizeof(r->default_name));
		r->known_to = found->known_to;
		for (size_t i = 0; i < before_count; i++) {
			lf_registry_cache(r, before[i]);
			lf_rubric_version_release(before[i]);
		}
	}
	pthread_mutex_unlock(&r->lock);
}

/*
 * Reads what is active and the default, and takes it over where it is newer than what is known. whole: a version that
 * can't be used is an error, and so are too many; else they are said, and left out.
 */
static enum lf_code read_all(struct lf_registry *r, bool whole, struct lf_error *error)
{
	struct found found = {.digest_count = 0};
	const enum lf_code code = read_found(r, &found, whole, error);

	if (code == LF_OK)
		take_over(r, &found);
	clean_up(&found);
	return code;
}

enum lf_code lf_registry_new(struct lf_registry **out, struct lf_log *log, struct lf_error *error)
{
	struct lf_registry *r = calloc(1, sizeof(*r));
	enum lf_code code;

	if (r == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for the rubrics");
	r->log = log;
	pthread_mutex_init(&r->acts, NULL);
	pthread_mutex_init(&r->following, NULL);
	pthread_mutex_init(&r->lock, NULL);
	/* Of a shared log the others may be able to use what this one can't: that must not keep it from starting. */
	code = read_all(r, !lf_log_is_shared(log), error);
	if (code != LF_OK) {
		lf_registry_destroy(r);
		return code;
	}
	*out = r;
	return LF_OK;
}

static bool is_behind(struct lf_registry *r)
{
	const uint64_t activated_to = lf_log_activated_to(r->log);
	bool behind;

	pthread_mutex_lock(&r->lock);
	behind = r->known_to < activated_to;
	pthread_mutex_unlock(&r->lock);
	return behind;
}

enum lf_code lf_registry_follow(struct lf_registry *r, struct lf_error *error)
{
	enum lf_code code = LF_OK;

	if (!lf_log_is_shared(r->log) || !is_behind(r))
		return LF_OK;
	pthread_mutex_lock(&r->following);
	if (is_behind(r))
		code = read_all(r, false, error);
	pthread_mutex_unlock(&r->following);
	return code;
}

enum lf_code lf_registry_catch_up(struct lf_registry *r, struct lf_error *error)
{
	const enum lf_code code = lf_log_look(r->log, error);

	return code == LF_OK ? lf_registry_follow(r, error) : code;
}

struct lf_rubric_version *lf_registry_newest(struct lf_registry *r, const char *name, struct lf_error *error)
{
	return lf_registry_catch_up(r, error) == LF_OK ? lf_registry_active(r, name, error) : NULL;
}
