/* What logs and lists say of erasures and prunings. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "leadfit/v1/record.pb-c.h"
#include "leadfit/v1/team.pb-c.h"
#include "proto/base/file.h"
#include "proto/base/harmless.h"
#include "service/offline/redo.h"
#include "storage/backends/backends.h"
#include "storage/log/log.h"

enum { ACTS_A_SLICE = 100, PAYLOADS_A_SLICE = 64 };

static enum lf_code no_memory(struct lf_error *error)
{
	return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory to look for erasures with");
}

/* ---- the jobs of a log ---- */

struct reading {
	struct lf_redo_log *read;
	struct {
		uint64_t id;
		bool ended;
	} * jobs;
	size_t count, room;
	bool exhausted;
};

static void see_record(void *context, uint64_t id, uint64_t ends)
{
	struct reading *reading = context;

	for (size_t i = reading->count; ends != 0 && i > 0; i--)
		if (reading->jobs[i - 1].id == ends) {
			reading->jobs[i - 1].ended = true;
			return;
		}
	if (ends != 0)
		return;
	if (reading->count == reading->room) {
		const size_t room = reading->room == 0 ? 64 : 2 * reading->room;
		void *jobs = realloc(reading->jobs, room * sizeof(*reading->jobs));

		reading->exhausted |= jobs == NULL;
		if (jobs == NULL)
			return;
		reading->jobs = jobs;
		reading->room = room;
	}
	reading->jobs[reading->count].ended = false;
	reading->jobs[reading->count++].id = id;
}

static enum lf_code read_jobs(struct reading *reading, struct lf_log *log, struct lf_error *error)
{
	struct lf_redo_log *read = reading->read;
	struct lf_job *job = malloc(sizeof(*job));

	read->unended = malloc((reading->count + 1) * sizeof(*read->unended));
	if (job == NULL || read->unended == NULL)
		no_memory(error);
	for (size_t i = 0; i < reading->count && error->code == LF_OK; i++) {
		if (!reading->jobs[i].ended)
			read->unended[read->unended_count++] = reading->jobs[i].id;
		if (lf_job_read(job, log, reading->jobs[i].id, 0, error) == LF_OK && job->marked)
			lf_erased_add(&read->done, &job->erased, error);
	}
	if (job != NULL)
		explicit_bzero(job, sizeof(*job));
	free(job);
	return error->code;
}

/* A step of an erasure or pruning from before there were jobs. What can't be read, verifying finds. */
static void count_unmarked(void *context, const struct lf_act_row *row)
{
	uint64_t *unmarked = context;
	Leadfit__V1__RedactionBody *body = leadfit__v1__redaction_body__unpack(NULL, row->body.length, row->body.data);

	*unmarked += body != NULL && body->job == 0;
	leadfit__v1__redaction_body__free_unpacked(body, NULL);
}

static enum lf_code read_steps(
	struct lf_redo_log *read, struct lf_log *log, enum lf_leaf_kind kind, struct lf_error *error)
{
	uint64_t next = 0;

	do
		lf_log_list_acts(log, kind, NULL, next, ACTS_A_SLICE, count_unmarked, &read->unmarked, &next, error);
	while (error->code == LF_OK && next != 0);
	return error->code;
}

enum lf_code lf_redo_read_log(struct lf_redo_log *read, struct lf_log *log, struct lf_error *error)
{
	struct reading reading = {.read = read};

	*read = (struct lf_redo_log){.unmarked = 0};
	if (lf_job_list_records(log, see_record, &reading, error) == LF_OK && reading.exhausted)
		no_memory(error);
	if (error->code == LF_OK && read_jobs(&reading, log, error) == LF_OK &&
		read_steps(read, log, LF_LEAF_ERASURE, error) == LF_OK)
		read_steps(read, log, LF_LEAF_PRUNING, error);
	free(reading.jobs);
	return error->code;
}

void lf_redo_log_clean_up(struct lf_redo_log *read)
{
	lf_erased_clean_up(&read->done);
	free(read->unended);
	*read = (struct lf_redo_log){.unmarked = 0};
}

/* ---- the people in a log ---- */

static int compare_ids(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

static void sort_ids(struct lf_redo_ids *ids)
{
	size_t kept = 0;

	if (ids->count > 0)
		qsort(ids->ids, ids->count, sizeof(*ids->ids), compare_ids);
	for (size_t i = 0; i < ids->count; i++) {
		if (kept > 0 && strcmp(ids->ids[i], ids->ids[kept - 1]) == 0)
			free(ids->ids[i]);
		else
			ids->ids[kept++] = ids->ids[i];
	}
	ids->count = kept;
}

struct collecting {
	struct lf_redo_ids *ids;
	bool exhausted;
};

static bool add_id(struct lf_redo_ids *ids, const char *id)
{
	if (ids->count == ids->room)
		sort_ids(ids); /* the same people are in many teams */
	if (2 * ids->count >= ids->room) {
		const size_t room = ids->room == 0 ? 1024 : 2 * ids->room;
		char **grown = realloc(ids->ids, room * sizeof(*grown));

		if (grown == NULL)
			return false;
		ids->ids = grown;
		ids->room = room;
	}
	ids->ids[ids->count] = strdup(id);
	return ids->ids[ids->count++] != NULL;
}

static void see_team(void *context, const struct lf_payload_row *row)
{
	struct collecting *collecting = context;
	Leadfit__V1__Team *team = leadfit__v1__team__unpack(NULL, row->body.length, row->body.data);

	for (size_t i = 0; team != NULL && i < team->n_members && !collecting->exhausted; i++)
		collecting->exhausted = !add_id(collecting->ids, team->members[i]->id);
	leadfit__v1__team__free_unpacked(team, NULL);
}

enum lf_code lf_redo_read_ids(struct lf_redo_ids *ids, struct lf_log *log, struct lf_error *error)
{
	struct collecting collecting = {.ids = ids};
	uint64_t next = 0;

	*ids = (struct lf_redo_ids){.count = 0};
	do
		lf_log_list_payloads(log, LF_PAYLOAD_TEAM, next, PAYLOADS_A_SLICE, see_team, &collecting, &next, error);
	while (error->code == LF_OK && next != 0 && !collecting.exhausted);
	if (error->code == LF_OK && collecting.exhausted)
		no_memory(error);
	if (!collecting.exhausted)
		sort_ids(ids);
	return error->code;
}

void lf_redo_ids_clean_up(struct lf_redo_ids *ids)
{
	for (size_t i = 0; i < ids->count; i++)
		free(ids->ids[i]);
	free(ids->ids);
	*ids = (struct lf_redo_ids){.count = 0};
}

/* ---- what is known outside of the backup ---- */

static enum lf_code read_list(struct lf_redo *redo, const char *checkpoints, struct lf_error *error)
{
	struct lf_checkpoint_files files;
	char *path;
	bool found = false;

	if (lf_checkpoint_files_init(&files, checkpoints, error) != LF_OK)
		return error->code;
	path = lf_erased_path(&files);
	if (path == NULL)
		no_memory(error);
	else
		lf_erased_read(&redo->known, path, &found, error);
	redo->list_found |= found;
	free(path);
	lf_checkpoint_files_clean_up(&files);
	return error->code;
}

/* Those with the checkpoints that are given, and the one that is there where a service has no options. */
static enum lf_code read_lists(struct lf_redo *redo, const struct lf_seals *seals, struct lf_error *error)
{
	char *beside = lf_file_beside(seals->beside, ".checkpoints", error);

	if (beside != NULL)
		read_list(redo, beside, error);
	free(beside);
	for (size_t i = 0; i < seals->count && error->code == LF_OK; i++)
		read_list(redo, seals->paths[i], error);
	return error->code;
}

/* A log that can't be read is no reason to end here: it may be why a backup is to take its place. */
static void read_replaced(struct lf_redo *redo, const char *database)
{
	const struct lf_log_options options = {.location = database, .read_only = true, .reader_count = 1};
	struct lf_redo_log read = {.unmarked = 0};
	struct lf_log *log;

	if (lf_log_open_by_url(&log, &options, &redo->unreadable) == LF_OK) {
		lf_redo_read_log(&read, log, &redo->unreadable);
		lf_log_close(log);
	}
	redo->log_found = redo->unreadable.code != LF_NOT_FOUND;
	if (!redo->log_found) {
		lf_error_clean_up(&redo->unreadable);
		lf_error_init(&redo->unreadable);
	}
	for (size_t i = 0; i < read.done.count && redo->unreadable.code == LF_OK; i++)
		lf_erased_add(&redo->known, &read.done.items[i], &redo->unreadable);
	redo->unmarked = read.unmarked;
	lf_redo_log_clean_up(&read);
}

int lf_redo_find(struct lf_redo *redo, const struct lf_seals *seals)
{
	struct lf_error error = LF_ERROR_INIT;
	int status = 0;

	lf_error_init(&redo->unreadable);
	if (redo->forget)
		return 0;
	if (read_lists(redo, seals, &error) == LF_OK) {
		read_replaced(redo, seals->beside);
	} else {
		lf_print_line(stderr, "leadfitd: %s", error.message);
		status = lf_code_exit_status(error.code);
	}
	lf_error_clean_up(&error);
	return status;
}

void lf_redo_clean_up(struct lf_redo *redo)
{
	lf_erased_clean_up(&redo->known);
	lf_error_clean_up(&redo->unreadable);
}
