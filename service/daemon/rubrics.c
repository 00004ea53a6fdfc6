#include "service/daemon/rubrics.h"

#include <stdlib.h>
#include <string.h>

#include "service/decide/scenario.h"
#include "service/events/events.h"
#include "service/rubric/file.h"
#include "service/state/registry.h"

static const struct lf_actor by_command_line = {.caller = "local", .unbounded = true};
static const struct lf_actor by_itself = {.caller = "leadfitd", .unbounded = true};

/* ---- before there is a log ---- */

/* Whatever is wrong with a file is bad input. */
static int read_source(struct lf_rubric_source *source)
{
	struct lf_error error = LF_ERROR_INIT;
	enum lf_code code = lf_rubric_file_load(&source->version, source->path, &source->text, &source->length, &error);

	if (code == LF_OK)
		code = lf_rubric_version_run_scenarios(source->version, NULL, NULL, &error);
	if (code != LF_OK)
		lf_rubric_file_say(source->path, source->text, source->length, &error);
	lf_error_clean_up(&error);
	return code == LF_OK ? 0 : 2;
}

int lf_start_rubrics_read(struct lf_start_rubrics *rubrics, const struct lf_daemon_options *options)
{
	int status = 0;

	for (size_t i = 0; i < options->rubric_count && status == 0; i++) {
		struct lf_rubric_source *source = &rubrics->files[rubrics->count++];

		source->path = options->rubrics[i];
		status = read_source(source);
	}
	return status;
}

void lf_start_rubrics_clean_up(struct lf_start_rubrics *rubrics)
{
	for (size_t i = 0; i < rubrics->count; i++) {
		lf_rubric_version_release(rubrics->files[i].version);
		free(rubrics->files[i].text);
	}
	rubrics->count = 0;
}

/* ---- the log's ---- */

static bool has_default(struct lf_registry *registry)
{
	char name[LF_ID_BYTES_MAX + 1];

	lf_registry_default(registry, name);
	return *name != '\0';
}

static enum lf_code make_default(
	struct lf_registry *registry, const char *name, const struct lf_actor *actor, struct lf_error *error)
{
	char from[LF_ID_BYTES_MAX + 1];
	bool changed;

	return lf_registry_set_default(registry, name, actor->caller, from, &changed, error);
}

/* A log of before there was a default; or one whose service ended between a rubric and its being the default. */
static enum lf_code take_the_only_one(struct lf_registry *registry, struct lf_error *error)
{
	char name[LF_ID_BYTES_MAX + 1];

	if (has_default(registry) || lf_registry_only_active(registry, name) != 1)
		return LF_OK;
	if (make_default(registry, name, &by_itself, error) == LF_OK)
		lf_event_say(LF_EVENT_RUBRIC_DEFAULT, "%s is the default rubric from now on: it is the only active one",
			name);
	return error->code;
}

static bool is_active(struct lf_registry *registry, const char *name, const struct lf_digest *digest)
{
	struct lf_rubric_version *active = lf_registry_active(registry, name, NULL);
	bool found = active != NULL && (digest == NULL || lf_digest_equal(&active->digest, digest));

	lf_rubric_version_release(active);
	return found;
}

/*
 * Stores it. Where there is no default yet, its name becomes that, and the version active unless another one of its name
 * is: a start replaces nothing that somebody has activated.
 */
static enum lf_code put(struct lf_registry *registry, struct lf_rubric_version *version, const struct lf_actor *actor,
	const char *from, struct lf_error *error)
{
	const char *name = version->message->name;
	const bool first = !has_default(registry), activate = first && !is_active(registry, name, NULL);
	const char *as_default = first ? ", and the default" : "";
	const struct lf_event_field fields[] = {lf_event_said(lf_event_text("rubric", name)),
		lf_event_said(lf_event_text("digest", version->digest_text))};
	bool added = false;

	if (lf_registry_put(registry, version, actor, activate, &added, NULL, error) != LF_OK ||
		(first && make_default(registry, name, actor, error) != LF_OK))
		return error->code;
	if (is_active(registry, name, &version->digest))
		lf_event_say_with(LF_EVENT_RUBRIC_STORED, fields, 2, "rubric %s %.12s from %s: %s, active%s", name,
			version->digest_text, from, added ? "stored" : "known", as_default);
	else
		lf_event_say_with(LF_EVENT_RUBRIC_STORED, fields, 2,
			"rubric %s %.12s from %s: %s, not active (leadfit rubric activate %.12s makes it "
			"so)%s%s",
			name, version->digest_text, from, added ? "stored" : "known", version->digest_text,
			first ? "; the version that is active stays so" : "", as_default);
	return LF_OK;
}

static void count_row(void *context, const struct lf_rubric_row *row)
{
	(void)row;
	++*(size_t *)context;
}

/* A log that has no rubric at all gets the built-in one. */
static enum lf_code put_built_in(struct lf_log *log, struct lf_registry *registry, struct lf_error *error)
{
	struct lf_rubric_version *version = NULL;
	size_t stored = 0;

	if (has_default(registry) || lf_log_list_rubrics(log, NULL, count_row, &stored, error) != LF_OK || stored > 0)
		return error->code;
	if (lf_rubric_built_in_load(&version, error) == LF_OK)
		put(registry, version, &by_itself, "this program", error);
	lf_rubric_version_release(version);
	return error->code;
}

/* Where a request that names no rubric will be refused: why, and what helps. */
static void say_what_is_missing(struct lf_registry *registry)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_rubric_version *version = lf_registry_active(registry, "", &error);

	if (version == NULL)
		lf_event_say(LF_EVENT_RUBRIC_MISSING, "%s", error.message);
	lf_rubric_version_release(version);
	lf_error_clean_up(&error);
}

int lf_start_rubrics_put(const struct lf_start_rubrics *rubrics, struct lf_log *log, struct lf_registry *registry)
{
	struct lf_error error = LF_ERROR_INIT;
	int status = 0;

	take_the_only_one(registry, &error);
	for (size_t i = 0; i < rubrics->count && error.code == LF_OK; i++) {
		const struct lf_rubric_source *source = &rubrics->files[i];

		if (put(registry, source->version, &by_command_line, source->path, &error) == LF_OK)
			lf_rubric_file_warn(source->path, source->text, source->length, source->version);
	}
	if (error.code == LF_OK)
		put_built_in(log, registry, &error);
	if (error.code == LF_OK)
		say_what_is_missing(registry);
	else {
		lf_event_say(LF_EVENT_START_FAILED, "%s", error.message);
		status = lf_code_exit_status(error.code);
	}
	lf_error_clean_up(&error);
	return status;
}
