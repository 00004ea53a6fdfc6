/* Copying the log to a file. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/harmless.h"
#include "proto/base/limits.h"
#include "proto/wire/borrow.h"
#include "service/access/access.h"
#include "service/events/events.h"
#include "service/keeping/keeping.h"
#include "service/state/finisher.h"
#include "service/state/reply.h"
#include "service/state/state.h"

/* In the call's arena, with its path. */
struct backup {
	struct lf_finish finish; /* first */
	struct lf_state *state;
	struct lf_rpc_call *call;
	Leadfit__V1__BackupResponse_Closure closure;
	char *path; /* ends in the copy's name */
};

/* On the log's writer thread, between steps. */
static bool is_wanted(void *context)
{
	const struct backup *b = context;

	return !atomic_load(&b->state->draining) && !lf_rpc_expired(b->call);
}

/* Before there is a copy, which has the record then. */
static enum lf_code record(const struct backup *b, struct lf_error *error)
{
	Leadfit__V1__AccessCall call = LEADFIT__V1__ACCESS_CALL__INIT;

	call.caller = lf_unconst(lf_rpc_caller(b->call));
	call.method = lf_unconst("leadfit.v1.Keeping/Backup");
	call.file = strrchr(b->path, '/') + 1;
	return lf_access_record(b->state->access, &call, error);
}

/* On the thread for chores. */
static void run_backup(struct lf_finish *finish)
{
	struct backup *b = (struct backup *)finish;
	const struct lf_event_field path = lf_event_text("path", b->path);
	struct lf_chore chore = {.what = LF_CHORE_BACKUP, .file = b->path, .go_on = is_wanted, .context = b};
	Leadfit__V1__BackupResponse response = LEADFIT__V1__BACKUP_RESPONSE__INIT;
	struct lf_error error = LF_ERROR_INIT;

	if (!is_wanted(b))
		lf_error_set(&error, LF_CANCELLED, "nobody waits for the backup any more, or the service is stopping");
	else if (record(b, &error) == LF_OK)
		lf_log_do(b->state->log, &chore, &error);
	lf_count(error.code == LF_OK ? &b->state->figures.backups_done : &b->state->figures.backups_failed);
	if (error.code != LF_OK) {
		lf_event_say_with(LF_EVENT_BACKUP_FAILED, &path, 1, "no backup was made: %s", error.message);
		lf_send_error(b->call, &error);
		return;
	}
	lf_figures_note_time(&b->state->figures.backup_at);
	lf_event_say_with(LF_EVENT_BACKUP_MADE, &path, 1, "a backup of %" PRIu64 " records was made", chore.head.size);
	response.bytes = chore.bytes;
	response.size = chore.head.size;
	response.file = b->path;
	b->closure(&response, b->call);
}

/* What SQLite, a log or its restoring keeps beside a file: under such a name a backup would be taken for that. */
static bool goes_with_another(const char *name)
{
	static const char *const endings[] = {
		"-wal", "-shm", "-journal", ".lock", ".new", ".part", ".restoring", ".before-restore"};
	const size_t length = strlen(name);

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		const size_t end = strlen(endings[i]);

		if (length >= end && strcmp(name + length - end, endings[i]) == 0)
			return true;
	}
	return false;
}

static void check_name(const char *name, struct lf_error *error)
{
	const size_t length = strlen(name);
	bool plain = true;

	for (const char *at = name; *at != '\0'; at++)
		plain &= *at != '/' && lf_unseen(at, NULL) == 0;
	if (length == 0)
		lf_error_add(error, "name", "is missing");
	else if (length > LF_ID_BYTES_MAX)
		lf_error_add(error, "name", "has %zu bytes, more than %d", length, (int)LF_ID_BYTES_MAX);
	else if (!plain)
		lf_error_add(error, "name",
			"\"%s\" is not a plain name: a file in the directory of --backups, without a / or control "
			"characters",
			name);
	else if (name[0] == '.')
		lf_error_add(error, "name", "\"%s\" begins with a dot", name);
	else if (goes_with_another(name))
		lf_error_add(error, "name", "\"%s\" ends as a file that goes with another one does", name);
}

static enum lf_code check_request(
	const struct lf_state *state, const Leadfit__V1__BackupRequest *request, struct lf_error *error)
{
	if (state->backups == NULL)
		return lf_error_set(error, LF_FAILED_PRECONDITION,
			"this service makes no backups: it was started without --backups DIR, which names where");
	check_name(request->name, error);
	lf_error_summarize(error);
	return error->code;
}

/* In the arena; NULL where memory ran out. */
static char *path_of(const struct lf_state *state, const char *name, struct lf_arena *arena)
{
	const size_t size = strlen(state->backups) + strlen(name) + 2;
	char *path = lf_arena_alloc(arena, size);

	if (path != NULL)
		snprintf(path, size, "%s/%s", state->backups, name);
	return path;
}

void lf_keeping_backup(Leadfit__V1__Keeping_Service *service, const Leadfit__V1__BackupRequest *request,
	Leadfit__V1__BackupResponse_Closure closure, void *closure_data)
{
	struct lf_state *state = LF_CONTAINER_OF(service, struct lf_keeping_service, base)->state;
	struct lf_arena *arena = lf_rpc_arena(closure_data);
	struct lf_error error = LF_ERROR_INIT;
	struct backup *b = lf_arena_alloc(arena, sizeof(*b));
	char *path = NULL;

	if (check_request(state, request, &error) == LF_OK &&
		((path = path_of(state, request->name, arena)) == NULL || b == NULL))
		lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "no memory for the backup");
	if (error.code != LF_OK) {
		lf_send_error(closure_data, &error);
		return;
	}
	*b = (struct backup){
		.finish.run = run_backup,
		.state = state,
		.call = closure_data,
		.closure = closure,
		.path = path,
	};
	lf_finisher_push(b->state->chores, &b->finish);
}
