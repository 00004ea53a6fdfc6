/* Copying the log to a file. */
#include <limits.h>
#include <string.h>

#include "service/keeping/keeping.h"
#include "service/state/finisher.h"
#include "service/state/reply.h"
#include "service/state/state.h"

/* In the call's arena: its request, which names the file, lives there too. */
struct backup {
	struct lf_finish finish; /* first */
	struct lf_state *state;
	struct lf_rpc_call *call;
	Leadfit__V1__BackupResponse_Closure closure;
	const Leadfit__V1__BackupRequest *request;
};

/* On the log's writer thread, between steps. */
static bool is_wanted(void *context)
{
	const struct backup *b = context;

	return !atomic_load(&b->state->draining) && !lf_rpc_expired(b->call);
}

/* On the thread for chores. */
static void run_backup(struct lf_finish *finish)
{
	struct backup *b = (struct backup *)finish;
	struct lf_chore chore = {.what = LF_CHORE_BACKUP, .file = b->request->file, .go_on = is_wanted, .context = b};
	Leadfit__V1__BackupResponse response = LEADFIT__V1__BACKUP_RESPONSE__INIT;
	struct lf_error error = LF_ERROR_INIT;

	if (!is_wanted(b))
		lf_error_set(&error, LF_CANCELLED, "nobody waits for the backup any more, or the service is stopping");
	else
		lf_log_do(b->state->log, &chore, &error);
	if (error.code != LF_OK) {
		lf_send_error(b->call, &error);
		return;
	}
	response.bytes = chore.bytes;
	response.size = chore.head.size;
	b->closure(&response, b->call);
}

static void check_file(const char *file, struct lf_error *error)
{
	size_t length = strlen(file);

	if (length == 0)
		lf_error_add(error, "file", "is missing");
	else if (file[0] != '/')
		lf_error_add(error, "file", "\"%.64s\" is not absolute: it is a name on the service's machine", file);
	else if (file[length - 1] == '/')
		lf_error_add(error, "file", "\"%.64s\" names a directory", file);
	else if (length >= PATH_MAX)
		lf_error_add(error, "file", "has %zu bytes, more than %d", length, PATH_MAX - 1);
}

void lf_keeping_backup(Leadfit__V1__Keeping_Service *service, const Leadfit__V1__BackupRequest *request,
	Leadfit__V1__BackupResponse_Closure closure, void *closure_data)
{
	struct lf_error error = LF_ERROR_INIT;
	struct backup *b = lf_arena_alloc(lf_rpc_arena(closure_data), sizeof(*b));

	check_file(request->file, &error);
	if (error.code == LF_OK && b == NULL)
		lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "no memory for the backup");
	if (error.code != LF_OK) {
		lf_error_summarize(&error);
		lf_send_error(closure_data, &error);
		return;
	}
	*b = (struct backup){
		.finish.run = run_backup,
		.state = LF_CONTAINER_OF(service, struct lf_keeping_service, base)->state,
		.call = closure_data,
		.closure = closure,
		.request = request,
	};
	lf_finisher_push(b->state->chores, &b->finish);
}
