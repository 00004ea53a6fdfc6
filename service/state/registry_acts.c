/* The acts of the registry: one after another, in the log and then in memory. */
#include <stdio.h>
#include <string.h>

#include "proto/base/check.h"
#include "proto/base/clock.h"
#include "proto/base/dates.h"
#include "service/decide/scenario.h"
#include "service/state/default_rubric.h"
#include "service/state/registry_private.h"

static const int64_t day_us = (int64_t)24 * 60 * 60 * 1000000;

/* ---- memory, once the log says so ---- */

/*
 * Of a log that others write, too, what was just recorded is perhaps not the last word by now: what holds is read. Where it
 * can't be, it is read when it is needed. true: so it was done.
 */
static bool follow(struct lf_registry *r)
{
	struct lf_error ignored = LF_ERROR_INIT;

	if (!lf_log_is_shared(r->log))
		return false;
	lf_registry_follow(r, &ignored);
	lf_error_clean_up(&ignored);
	return true;
}

/* Before something is looked at in memory for an act. That it fails shows when the act is recorded. */
static void catch_up(struct lf_registry *r)
{
	struct lf_error ignored = LF_ERROR_INIT;

	lf_registry_catch_up(r, &ignored);
	lf_error_clean_up(&ignored);
}

/* That version is the active one of its name: from here on requests get it. */
static void switch_to(struct lf_registry *r, struct lf_rubric_version *version)
{
	size_t i;

	if (follow(r))
		return;
	pthread_mutex_lock(&r->lock);
	i = lf_registry_place(r, version->message->name);
	if (i == r->active_count) {
		LF_CHECK(H6, r->active_count < LF_REGISTRY_ACTIVE_MAX);
		r->active[r->active_count++] = lf_rubric_version_retain(version);
	} else if (r->active[i] != version) {
		struct lf_rubric_version *before = r->active[i];

		r->active[i] = lf_rubric_version_retain(version);
		lf_registry_cache(r, before); /* kept compiled: the one that is returned to, if any is */
		lf_rubric_version_release(before);
	}
	pthread_mutex_unlock(&r->lock);
}

/* The name has no active version: its place is free. Whether it is the default. */
static bool switch_off(struct lf_registry *r, const char *name)
{
	const bool followed = follow(r);
	bool is_default;
	size_t i;

	pthread_mutex_lock(&r->lock);
	i = followed ? r->active_count : lf_registry_place(r, name);
	if (i < r->active_count) {
		struct lf_rubric_version *before = r->active[i];

		r->active[i] = r->active[--r->active_count];
		lf_registry_cache(r, before);
		lf_rubric_version_release(before);
	}
	is_default = strcmp(r->default_name, name) == 0;
	pthread_mutex_unlock(&r->lock);
	return is_default;
}

/* ---- storing and activating ---- */

/* What a caller put within the last day. */
struct puts {
	const char *caller;
	const struct lf_digest *digest;
	int64_t since_us, oldest_us;
	size_t count;
	bool known; /* the digest is stored */
};

static void count_put(void *context, const struct lf_rubric_row *row)
{
	struct puts *puts = context;

	puts->known |= memcmp(&row->digest, puts->digest, sizeof(row->digest)) == 0;
	if (row->put_by == NULL || strcmp(row->put_by, puts->caller) != 0 || row->put_at_us <= puts->since_us)
		return;
	if (puts->count++ == 0 || row->put_at_us < puts->oldest_us)
		puts->oldest_us = row->put_at_us;
}

/* Whether the caller may store one more version, if it is one more. Under acts. */
static enum lf_code may_store(
	struct lf_registry *r, const struct lf_rubric_version *version, const char *caller, struct lf_error *error)
{
	struct puts puts = {.caller = caller, .digest = &version->digest, .since_us = lf_clock_wall_us() - day_us};
	const enum lf_code code = lf_log_list_rubrics(r->log, NULL, count_put, &puts, error);
	char time[LF_TIME_TEXT_BYTES];

	if (code != LF_OK || puts.known || puts.count < LF_RUBRIC_VERSIONS_A_DAY_MAX)
		return code;
	lf_print_time(puts.oldest_us + day_us, time);
	return lf_error_set(error, LF_RESOURCE_EXHAUSTED,
		"%.128s has put %zu new versions of rubrics within 24 hours; allowed are %d: there is room again at %s",
		caller, puts.count, LF_RUBRIC_VERSIONS_A_DAY_MAX, time);
}

/*
 * Whether one more name can become active; always for one that is. Under acts. In a shared log several services may get
 * beyond the limit at once: what is beyond it is left out (registry_follow.c).
 */
static enum lf_code has_place(struct lf_registry *r, const char *name, struct lf_error *error)
{
	bool room;

	catch_up(r);
	pthread_mutex_lock(&r->lock);
	room = r->active_count < LF_REGISTRY_ACTIVE_MAX || lf_registry_place(r, name) < r->active_count;
	pthread_mutex_unlock(&r->lock);
	return room ? LF_OK
		    : lf_error_set(error, LF_RESOURCE_EXHAUSTED,
			      "%d rubrics are active already, as many as may be: deactivate one first (leadfit rubric "
			      "deactivate NAME)",
			      LF_REGISTRY_ACTIVE_MAX);
}

enum lf_code lf_registry_put(struct lf_registry *r, struct lf_rubric_version *version, const struct lf_actor *actor,
	bool activate, bool *added, struct lf_activated *did, struct lf_error *error)
{
	const char *name = version->message->name;
	enum lf_code code = lf_rubric_version_run_scenarios(version, actor->go_on, actor->context, error);

	if (code != LF_OK)
		return code;
	pthread_mutex_lock(&r->acts);
	if (!actor->unbounded)
		code = may_store(r, version, actor->caller, error);
	if (code == LF_OK && activate)
		code = has_place(r, name, error);
	if (code == LF_OK)
		code = lf_log_put_rubric(r->log, name, version->message->title, actor->caller, version->canonical,
			&version->digest, activate, added, did, error);
	/* Also where nothing changed: an act whose commit failed without a word may have been stored. */
	if (code == LF_OK && activate) {
		switch_to(r, version);
	} else if (code == LF_OK) {
		pthread_mutex_lock(&r->lock);
		lf_registry_cache(r, version); /* likely to be asked for next */
		pthread_mutex_unlock(&r->lock);
	}
	pthread_mutex_unlock(&r->acts);
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
	code = has_place(r, name, error);
	if (code == LF_OK)
		code = lf_log_activate_rubric(r->log, name, &version->digest, caller, did, error);
	/* Also where nothing changed, as in lf_registry_put(). */
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

/* ---- deactivating ---- */

enum lf_code lf_registry_deactivate(struct lf_registry *r, const char *name, const char *caller,
	struct lf_activated *did, bool *is_default, struct lf_error *error)
{
	enum lf_code code;

	pthread_mutex_lock(&r->acts);
	code = lf_log_deactivate_rubric(r->log, name, caller, did, error);
	if (code == LF_OK)
		*is_default = switch_off(r, name);
	pthread_mutex_unlock(&r->acts);
	return code;
}

/* ---- the default ---- */

/*
 * Whether the name has an active version. Under acts, so that it stays so in a log of our own. In a shared one another
 * service may deactivate it until the default is recorded; then the default has no active version, which may be at any
 * time, and which requests are told.
 */
static enum lf_code is_active(struct lf_registry *r, const char *name, struct lf_error *error)
{
	struct lf_error inner = LF_ERROR_INIT;
	struct lf_rubric_version *version;
	enum lf_code code = LF_OK;

	catch_up(r);
	version = lf_registry_active(r, name, &inner);
	if (version == NULL)
		code = lf_error_set(error, LF_FAILED_PRECONDITION, "%s", inner.message);
	lf_rubric_version_release(version);
	lf_error_clean_up(&inner);
	return code;
}

enum lf_code lf_registry_set_default(struct lf_registry *r, const char *name, const char *caller,
	char from[LF_ID_BYTES_MAX + 1], bool *changed, struct lf_error *error)
{
	enum lf_code code;

	if (*name == '\0')
		return lf_error_add(error, "name", "is required");
	pthread_mutex_lock(&r->acts);
	code = is_active(r, name, error);
	/* From the log: an act whose commit failed without a word may have been stored. */
	if (code == LF_OK)
		code = lf_default_rubric_read(r->log, from, error);
	*changed = code == LF_OK && strcmp(from, name) != 0;
	if (*changed)
		code = lf_default_rubric_record(r->log, from, name, caller, error);
	if (code == LF_OK && !follow(r)) {
		pthread_mutex_lock(&r->lock);
		snprintf(r->default_name, sizeof(r->default_name), "%s", name);
		pthread_mutex_unlock(&r->lock);
	}
	pthread_mutex_unlock(&r->acts);
	return code;
}
